//! Who calls, and what that allows.

use breakglass_model::well_known::GLOBAL_ADMINISTRATOR;
use serde_json::Value;

use super::error::GraphError;
use crate::call::Call;
use crate::ids::Audience;
use crate::jwt;
use crate::sign_in::roles_of;
use crate::tenant::Tenant;

/// Seconds by which a token may be too early: clocks differ.
const LEEWAY_SECONDS: i64 = 60;
/// The scope of whoever acts as the user, with everything that the user may.
const AS_THE_USER: &str = "Directory.AccessAsUser.All";

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is none.
    Missing,
    /// It is malformed, forged, or of somebody else's.
    Invalid,
    /// It is for another resource.
    Audience,
    /// Its time is over, or has not come.
    Expired,
}

impl Refusal {
    /// What is said about it.
    pub(crate) const fn sentence(self) -> &'static str {
        match self {
            Self::Missing => "Access token is empty.",
            Self::Invalid => "Access token validation failure. Invalid token.",
            Self::Audience => "Access token validation failure. Invalid audience.",
            Self::Expired => "Lifetime validation failed, the token is expired.",
        }
    }
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The id of the user, or of the service principal.
    pub(crate) id: String,
    pub(crate) is_user: bool,
    pub(crate) app_id: String,
    /// Whether a user showed more than one factor.
    pub(crate) has_mfa: bool,
    /// Authentication contexts that the sign-in met.
    pub(crate) contexts: Vec<String>,
    /// Delegated permissions, or application permissions.
    permissions: Vec<String>,
    /// Template ids of the roles that it holds now.
    roles: Vec<String>,
}

/// Who a request is from.
pub(crate) fn of(tenant: &Tenant, call: &Call, audience: Audience) -> Result<Caller, Refusal> {
    let header = call.header("authorization").ok_or(Refusal::Missing)?;
    let token = header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let token = token.map(|(_, token)| token.trim()).filter(|token| !token.is_empty()).ok_or(Refusal::Missing)?;
    let claims = jwt::verified(token, &tenant.keys).map_err(|_| Refusal::Invalid)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let own = (tenant.addresses.base.as_str(), tenant.addresses.manager.as_str());
    // An id token is signed with the same keys, and is for a client.
    if Audience::of(text("aud"), own) != audience || audience == Audience::Other {
        return Err(Refusal::Audience);
    }
    if text("tid") != tenant.id() || text("oid").is_empty() {
        return Err(Refusal::Invalid);
    }
    let now = tenant.clock.now();
    let seconds = |name: &str| claims.get(name).and_then(Value::as_i64);
    let is_in_time = seconds("exp").is_some_and(|until| now.as_second() < until)
        && seconds("nbf").is_some_and(|from| from - LEEWAY_SECONDS <= now.as_second());
    if !is_in_time {
        return Err(Refusal::Expired);
    }
    let is_user = text("idtyp") != "app";
    let listed = claims.get("roles").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let permissions = if is_user {
        text("scp").split_whitespace().map(str::to_owned).collect()
    } else {
        listed.map(str::to_owned).collect()
    };
    let modes = claims.get("amr").and_then(Value::as_array).into_iter().flatten();
    let has_mfa = modes.into_iter().any(|mode| mode.as_str() == Some("mfa"));
    let contexts = claims.get("acrs").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let contexts = contexts.map(str::to_owned).collect();
    let id = text("oid").to_owned();
    let roles = roles_of(&tenant.state.read(), &id, now);
    Ok(Caller { id, is_user, app_id: text("appid").to_owned(), has_mfa, contexts, permissions, roles })
}

impl Caller {
    /// Refuses whoever has none of these permissions; a user needs one of these roles besides, if any are named, or to
    /// be Global Administrator.
    pub(crate) fn needs(&self, permissions: &[&str], roles: &[&str]) -> Result<(), GraphError> {
        let is_enough = self.is_permitted(permissions);
        let holds = !self.is_user || roles.is_empty() || self.is_one_of(roles);
        if is_enough && holds { Ok(()) } else { Err(GraphError::denied()) }
    }

    /// Whether it has one of these permissions.
    pub(crate) fn is_permitted(&self, permissions: &[&str]) -> bool {
        let has =
            |wanted: &&str| self.permissions.iter().any(|own| own == wanted || (self.is_user && own == AS_THE_USER));
        permissions.iter().any(has)
    }

    /// Whether it holds one of these roles, or is Global Administrator.
    pub(crate) fn is_one_of(&self, roles: &[&str]) -> bool {
        self.roles.iter().any(|own| own == GLOBAL_ADMINISTRATOR || roles.contains(&own.as_str()))
    }
}
