//! Who it is that a token is about.
//!
//! **Source:** OpenID Connect Core 1.0 section 5.3; "UserInfo endpoint" of the Microsoft identity platform.

use breakglass_model::snapshot::Resource;
use serde_json::{Map, Value, json};

use super::issue::subject;
use crate::call::{Call, Reply};
use crate::graph::caller;
use crate::ids::Audience;
use crate::state::text;
use crate::tenant::Tenant;

/// Answers a request: the token is one for Microsoft Graph with the permission `openid`.
pub(super) fn answer(tenant: &Tenant, call: &Call) -> Reply {
    let refused = |status: u16, error: &str, sentence: &str| {
        let body = json!({ "error": error, "error_description": sentence });
        Reply::json(status, body).with("www-authenticate", format!("Bearer error=\"{error}\""))
    };
    let caller = match caller::of(tenant, call, Audience::Graph) {
        Ok(caller) => caller,
        Err(refusal) => return refused(401, "invalid_token", refusal.sentence()),
    };
    if !caller.is_user || !caller.is_permitted(&["openid"]) {
        return refused(403, "insufficient_scope", "The token needs the permission openid.");
    }
    let directory = tenant.state.read();
    let Some(user) = directory.object(Resource::Users, &caller.id) else {
        return refused(401, "invalid_token", "There is no such user.");
    };
    let mut said = Map::new();
    said.insert("sub".to_owned(), json!(subject(tenant, &caller.id, &caller.app_id)));
    for (claim, property) in
        [("name", "displayName"), ("given_name", "givenName"), ("family_name", "surname"), ("email", "mail")]
    {
        said.extend(text(user, property).map(|value| (claim.to_owned(), json!(value))));
    }
    Reply::json(200, Value::Object(said)).with("cache-control", "no-store")
}
