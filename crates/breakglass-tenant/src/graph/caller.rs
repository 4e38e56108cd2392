//! Who calls, and what that allows.

use std::net::IpAddr;

use breakglass_model::snapshot::Resource;
use breakglass_model::strength::Modes;
use breakglass_model::well_known::GLOBAL_ADMINISTRATOR;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::error::GraphError;
use crate::call::Call;
use crate::ids::Audience;
use crate::jwt;
use crate::sign_in::first_factor::is_open;
use crate::sign_in::{Attempt, BLOCKED, Client, Device, Given, Target, decide, risk_of, roles_of};
use crate::state::{Object, Shown, text};
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
    /// It was good, and something has happened since.
    Challenged(Challenge),
}

/// What has happened since a token was issued whose client answers challenges.
///
/// **Source:** "Continuous access evaluation", critical events and policies about networks; the codes as Graph's messages
/// have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// Sessions were revoked, the password was changed, or the account is disabled, deleted or at high risk.
    Revoked {
        /// From which second on tokens are good.
        from: i64,
    },
    /// A policy blocks whoever is at the address that the request comes from.
    Place {
        /// Which address.
        remote: IpAddr,
    },
}

impl Challenge {
    /// The claims that the client has to ask for.
    pub(crate) fn claims(self) -> Value {
        let (claim, value) = match self {
            Self::Revoked { from } => ("nbf", from.to_string()),
            Self::Place { remote } => ("xms_rp_ipaddr", remote.to_string()),
        };
        json!({ "access_token": { claim: { "essential": true, "value": value } } })
    }
}

impl Refusal {
    /// What is said about it.
    pub(crate) const fn sentence(self) -> &'static str {
        match self {
            Self::Missing => "Access token is empty.",
            Self::Invalid => "Access token validation failure. Invalid token.",
            Self::Audience => "Access token validation failure. Invalid audience.",
            Self::Expired => "Lifetime validation failed, the token is expired.",
            Self::Challenged(Challenge::Revoked { .. }) => {
                "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: \
                 TokenIssuedBeforeRevocationTimestamp"
            }
            Self::Challenged(Challenge::Place { .. }) => {
                "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: \
                 LocationConditionEvaluationSatisfied"
            }
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
    let now = tenant.clock.now();
    let claims = tenant.keys.published(now, |keys| jwt::verified(token, keys)).map_err(|_| Refusal::Invalid)?;
    let said = |name: &str| text(&claims, name).unwrap_or_default();
    let own = (tenant.addresses.base.as_str(), tenant.addresses.manager.as_str());
    // An id token is signed with the same keys, and is for a client.
    if Audience::of(said("aud"), own) != audience || audience == Audience::Other {
        return Err(Refusal::Audience);
    }
    if said("tid") != tenant.id() || said("oid").is_empty() {
        return Err(Refusal::Invalid);
    }
    let seconds = |name: &str| claims.get(name).and_then(Value::as_i64);
    let is_in_time = seconds("exp").is_some_and(|until| now.as_second() < until)
        && seconds("nbf").is_some_and(|from| from - LEEWAY_SECONDS <= now.as_second());
    if !is_in_time {
        return Err(Refusal::Expired);
    }
    let is_user = said("idtyp") != "app";
    if is_user && claims.contains_key("xms_cc") {
        looked_at_again(tenant, call, &claims).map_err(Refusal::Challenged)?;
    }
    let listed = claims.get("roles").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let permissions = if is_user {
        said("scp").split_whitespace().map(str::to_owned).collect()
    } else {
        listed.map(str::to_owned).collect()
    };
    let modes = claims.get("amr").and_then(Value::as_array).into_iter().flatten();
    let has_mfa = modes.into_iter().any(|mode| mode.as_str() == Some("mfa"));
    let contexts = claims.get("acrs").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let contexts = contexts.map(str::to_owned).collect();
    let id = said("oid").to_owned();
    let directory = tenant.state.read();
    // A token outlives whom it was issued to; the roles do not.
    let roles = if directory.is_deleted(&id) { Vec::new() } else { roles_of(&directory, &id, now) };
    drop(directory);
    Ok(Caller { id, is_user, app_id: said("appid").to_owned(), has_mfa, contexts, permissions, roles })
}

/// Whether nothing has happened since a token was issued that ends it.
fn looked_at_again(tenant: &Tenant, call: &Call, claims: &Object) -> Result<(), Challenge> {
    let issued = claims.get("iat").and_then(Value::as_i64).unwrap_or_default();
    let directory = tenant.state.read();
    let now = tenant.clock.now();
    let revoked = |from: i64| Err(Challenge::Revoked { from });
    let Some(user) = directory.object(Resource::Users, text(claims, "oid").unwrap_or_default()) else {
        return revoked(now.as_second());
    };
    let from = text(user, "signInSessionsValidFromDateTime").and_then(|text| text.parse::<Timestamp>().ok());
    // Tokens are dated in whole seconds: one of the second in which sessions were ended may be of before, and whoever
    // signs in after it in that second gets a token of the next.
    if let Some(from) = from.map(Timestamp::as_second).filter(|from| issued <= *from) {
        return revoked(from);
    }
    if is_open(user).is_err() || risk_of(&directory, user).0 == "high" {
        return revoked(now.as_second());
    }
    let was_at = text(claims, "ipaddr").and_then(|address| address.parse::<IpAddr>().ok());
    let client = Client::find(&directory, text(claims, "appid").unwrap_or_default());
    let Some(client) = client.filter(|_| was_at != Some(call.remote)) else { return Ok(()) };
    let attempt = Attempt {
        client: &client,
        target: &Target::of(Audience::Graph),
        remote: call.remote,
        user_agent: call.header("user-agent"),
        modes: Modes::default(),
        asked: None,
        gives: Given::default(),
        targets_client: false,
        shown: Shown::at(now),
        is_interactive: false,
        is_in_browser: client.is_in_browser,
        is_password_grant: false,
        is_device_code: false,
        is_stepped_up: false,
        user_action: None,
        contexts: &[],
        context: None,
        profile: tenant.profile,
        correlation_id: "",
        device: Device::of(tenant, call),
    };
    match decide(&directory, user, &attempt, now).refused {
        Some(BLOCKED) => Err(Challenge::Place { remote: call.remote }),
        _ => Ok(()),
    }
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
        let has = |wanted: &&str| {
            self.permissions
                .iter()
                .any(|own| own.eq_ignore_ascii_case(wanted) || (self.is_user && own.eq_ignore_ascii_case(AS_THE_USER)))
        };
        permissions.iter().any(has)
    }

    /// Whether it holds one of these roles, or is Global Administrator.
    pub(crate) fn is_one_of(&self, roles: &[&str]) -> bool {
        self.roles.iter().any(|own| own == GLOBAL_ADMINISTRATOR || roles.contains(&own.as_str()))
    }
}
