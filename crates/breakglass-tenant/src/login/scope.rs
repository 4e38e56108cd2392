//! What a client asks a token for.

use serde_json::Value;

use super::error::StsError;
use super::resources::target;
use crate::call::member;
use crate::ids::{Audience, GRAPH_RESOURCE, MANDATORY_MFA_CONTEXT, is_authentication_context};
use crate::sign_in::{Client, Target};
use crate::tenant::Tenant;

/// What a request asks for, besides who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope {
    /// The resource, as it was written.
    pub(super) resource: String,
    pub(super) target: Target,
    /// As it was asked for, so that it can be asked for again.
    pub(super) asked: String,
    /// Whether everything of the resource is asked for.
    pub(super) is_everything: bool,
    /// Permissions that are asked for by name.
    pub(super) permissions: Vec<String>,
    pub(super) wants_id_token: bool,
    pub(super) wants_refresh_token: bool,
    /// The scope that stands for everything of the resource, if it was asked for: clients look for it in the answer.
    pub(super) default: Option<String>,
    /// Whether multifactor authentication is demanded by a challenge that the client answers.
    pub(super) steps_up: bool,
    /// Whether the client says that it answers challenges of continuous access evaluation.
    pub(super) is_cae_capable: bool,
    /// Authentication contexts that a challenge demands.
    pub(super) contexts: Vec<String>,
}

/// Bytes of the longest scope.
const SCOPE_BYTES_MAX: usize = 4_096;
/// Authentication contexts that one request asks for; those beyond are not met.
const CONTEXT_COUNT_MAX: usize = 5;

impl Scope {
    /// Reads `scope`, or `resource` as older clients send it; `None` where neither is there.
    pub(super) fn of(tenant: &Tenant, form: &[(String, String)]) -> Result<Option<Self>, StsError> {
        let own = (tenant.addresses.base.as_str(), tenant.addresses.manager.as_str());
        let words: Vec<&str> = member(form, "scope").unwrap_or_default().split_whitespace().collect();
        let is_about_identity = |word: &&str| matches!(*word, "openid" | "profile" | "offline_access" | "email");
        let mut resources: Vec<String> = Vec::new();
        let mut permissions: Vec<String> = Vec::new();
        for word in words.iter().filter(|word| !is_about_identity(word)) {
            let resource = match word.strip_suffix("/.default") {
                Some(resource) => resource.to_owned(),
                None if word.contains('/') => {
                    let (resource, permission) = word.rsplit_once('/').unwrap_or((word, ""));
                    permissions.push(permission.to_owned());
                    resource.to_owned()
                }
                // A bare permission is one of Microsoft Graph.
                None => {
                    permissions.push((*word).to_owned());
                    GRAPH_RESOURCE.to_owned()
                }
            };
            if !resources.contains(&resource) {
                resources.push(resource);
            }
        }
        let claims = member(form, "claims").filter(|claims| !claims.is_empty());
        let claims: Option<Value> =
            claims.map(serde_json::from_str).transpose().map_err(|_| StsError::malformed("claims"))?;
        let wanted = claims.as_ref().and_then(|claims| claims.get("access_token"));
        let is_cae_capable = wanted.is_some_and(is_cae_capable);
        let mut contexts = wanted.map(contexts).unwrap_or_default();
        let steps_up = contexts.iter().any(|context| context == MANDATORY_MFA_CONTEXT);
        contexts.retain(|context| is_authentication_context(context));
        contexts.truncate(CONTEXT_COUNT_MAX);
        let asked = member(form, "resource").map(str::to_owned);
        if words.is_empty() && asked.is_none() {
            return Ok(None);
        }
        if member(form, "scope").is_some_and(|scope| scope.len() > SCOPE_BYTES_MAX) {
            return Err(StsError::of(70_011));
        }
        if resources.len() > 1 {
            let text = "The provided value for the input parameter 'scope' is not valid. One or more scopes in it are \
                        of different resources; a token is for one.";
            return Err(StsError { text: Some(text.to_owned()), ..StsError::of(28_000) });
        }
        let resource = asked.or_else(|| resources.into_iter().next()).unwrap_or_else(|| GRAPH_RESOURCE.to_owned());
        let target = target(&tenant.state.read(), Audience::of(&resource, own), &resource)?;
        let default = words.iter().find(|word| word.ends_with("/.default")).map(|word| (*word).to_owned());
        let is_everything = default.is_some() || member(form, "resource").is_some();
        let again =
            if words.is_empty() { format!("{}/.default", resource.trim_end_matches('/')) } else { words.join(" ") };
        Ok(Some(Self {
            target,
            asked: again,
            is_everything,
            resource,
            permissions,
            wants_id_token: words.contains(&"openid"),
            wants_refresh_token: words.contains(&"offline_access"),
            steps_up,
            is_cae_capable,
            contexts,
            default,
        }))
    }

    /// Whether a policy about the client itself is about this: it keeps a secret, and asks who somebody is.
    ///
    /// **Source:** `conditional-access.md`, section 3.
    pub(super) fn targets(&self, client: &Client) -> bool {
        self.wants_id_token && !client.is_public && !client.is_first_party
    }

    /// Microsoft Graph, and who it is.
    pub(super) fn usual() -> Self {
        Self {
            resource: GRAPH_RESOURCE.to_owned(),
            target: Target::of(Audience::Graph),
            asked: String::new(),
            is_everything: true,
            permissions: Vec::new(),
            wants_id_token: false,
            wants_refresh_token: false,
            default: None,
            steps_up: false,
            is_cae_capable: false,
            contexts: Vec::new(),
        }
    }
}

/// The authentication contexts among the claims that a client asks for, each once.
fn contexts(wanted: &Value) -> Vec<String> {
    let mut all: Vec<String> = values(wanted, "acrs").map(str::to_owned).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether the claims are the capability of clients that answer challenges.
///
/// **Source:** "How to use Continuous Access Evaluation enabled APIs in your applications": `xms_cc` with `cp1`.
fn is_cae_capable(wanted: &Value) -> bool {
    values(wanted, "xms_cc").any(|capability| capability.eq_ignore_ascii_case("cp1"))
}

/// The values of one claim, of which there may be one or a list.
fn values<'w>(wanted: &'w Value, claim: &str) -> impl Iterator<Item = &'w str> {
    let claim = wanted.get(claim);
    let values = claim.and_then(|claim| claim.get("values"));
    let listed = values.and_then(Value::as_array).into_iter().flatten();
    let single = claim.and_then(|claim| claim.get("value")).into_iter().chain(values);
    listed.chain(single).filter_map(Value::as_str)
}
