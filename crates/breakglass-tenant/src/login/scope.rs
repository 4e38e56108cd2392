//! What a client asks a token for.

use serde_json::Value;

use super::error::StsError;
use crate::call::member;
use crate::ids::{Audience, GRAPH_RESOURCE, MANDATORY_MFA_CONTEXT, is_authentication_context};
use crate::tenant::Tenant;

/// What a request asks for, besides who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope {
    /// The resource, as it was written.
    pub(super) resource: String,
    pub(super) audience: Audience,
    pub(super) wants_id_token: bool,
    pub(super) wants_refresh_token: bool,
    /// The scope that stands for everything of the resource, if it was asked for: clients look for it in the answer.
    pub(super) default: Option<String>,
    /// Whether multifactor authentication is demanded by a challenge that the client answers.
    pub(super) steps_up: bool,
    /// Authentication contexts that a challenge demands.
    pub(super) contexts: Vec<String>,
}

/// Authentication contexts that one request asks for; those beyond are not met.
const CONTEXT_COUNT_MAX: usize = 5;

impl Scope {
    /// Reads `scope`, or `resource` as older clients send it; `None` where neither is there.
    pub(super) fn of(tenant: &Tenant, form: &[(String, String)]) -> Result<Option<Self>, StsError> {
        let own = (tenant.addresses.base.as_str(), tenant.addresses.manager.as_str());
        let words: Vec<&str> = member(form, "scope").unwrap_or_default().split_whitespace().collect();
        let is_about_identity = |word: &&str| matches!(*word, "openid" | "profile" | "offline_access" | "email");
        let mut resources: Vec<String> = Vec::new();
        for word in words.iter().filter(|word| !is_about_identity(word)) {
            let resource = match word.strip_suffix("/.default") {
                Some(resource) => resource.to_owned(),
                None if word.starts_with("https://") || word.starts_with("api://") => {
                    word.rsplit_once('/').map_or_else(|| (*word).to_owned(), |(resource, _)| resource.to_owned())
                }
                // A bare permission is one of Microsoft Graph.
                None => GRAPH_RESOURCE.to_owned(),
            };
            if !resources.contains(&resource) {
                resources.push(resource);
            }
        }
        let mut contexts = member(form, "claims").map(contexts).unwrap_or_default();
        let steps_up = contexts.iter().any(|context| context == MANDATORY_MFA_CONTEXT);
        contexts.retain(|context| is_authentication_context(context));
        contexts.truncate(CONTEXT_COUNT_MAX);
        let asked = member(form, "resource").map(str::to_owned);
        if words.is_empty() && asked.is_none() {
            return Ok(None);
        }
        if resources.len() > 1 {
            let text = "The provided value for the input parameter 'scope' is not valid. One or more scopes in it are \
                        of different resources; a token is for one.";
            return Err(StsError { text: Some(text.to_owned()), ..StsError::of(28_000) });
        }
        let resource = asked.or_else(|| resources.into_iter().next()).unwrap_or_else(|| GRAPH_RESOURCE.to_owned());
        Ok(Some(Self {
            audience: Audience::of(&resource, own),
            resource,
            wants_id_token: words.contains(&"openid"),
            wants_refresh_token: words.contains(&"offline_access"),
            steps_up,
            contexts,
            default: words.iter().find(|word| word.ends_with("/.default")).map(|word| (*word).to_owned()),
        }))
    }

    /// Microsoft Graph, and who it is.
    pub(super) fn usual() -> Self {
        Self {
            resource: GRAPH_RESOURCE.to_owned(),
            audience: Audience::Graph,
            wants_id_token: false,
            wants_refresh_token: false,
            default: None,
            steps_up: false,
            contexts: Vec::new(),
        }
    }
}

/// The authentication contexts among the claims that a client asks for, each once.
fn contexts(claims: &str) -> Vec<String> {
    let claims: Option<Value> = serde_json::from_str(claims).ok();
    let contexts = claims.as_ref().and_then(|claims| claims.get("access_token")?.get("acrs"));
    let listed = contexts.and_then(|contexts| contexts.get("values")?.as_array()).into_iter().flatten();
    let single = contexts.and_then(|contexts| contexts.get("value"));
    let mut all: Vec<String> = listed.chain(single).filter_map(Value::as_str).map(str::to_owned).collect();
    all.sort_unstable();
    all.dedup();
    all
}
