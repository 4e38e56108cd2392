//! What faults change, asked by whatever part of the tenant the real thing would fail in.
//!
//! **Source:** the reference of AADSTS error codes (40010 of a federated identity provider, 80001 of agents that do not
//! reach Active Directory, 500121 of a proof that fails); Graph's pages on throttling and on errors.

use std::net::IpAddr;

use breakglass_model::named_location::{IpNetwork, address_number};
use breakglass_model::snapshot::Resource;
use serde_json::Value;

use super::Kind;
use super::settings::{PASS_THROUGH, RETRY_AFTER, SECONDS, SIGN_IN, SIGN_IN_RISK, USER_RISK};
use crate::call::{Body, Call, Reply};
use crate::graph::error::GraphError;
use crate::login::error::StsError;
use crate::sign_in::methods;
use crate::state::{Directory, Object, Shelf, text};

/// The settings of a fault of the whole tenant that is on.
pub(super) fn settings(directory: &Directory, kind: Kind) -> Option<&Object> {
    directory.shelved(Shelf::Faults, kind.name())?.get("settings")?.as_object()
}

fn is_on(directory: &Directory, kind: Kind) -> bool {
    settings(directory, kind).is_some()
}

/// Whether nothing can be proved with a kind of method. The outage of all multifactor authentication is, as `lockout` has
/// it, that of text messages, calls and notifications: codes of an authenticator app and passkeys need no provider.
pub(crate) fn is_out(directory: &Directory, kind: methods::Kind) -> bool {
    let own = match kind {
        methods::Kind::Push => Kind::PushOutage,
        methods::Kind::Sms => Kind::TelephonyOutage,
        methods::Kind::Passkey | methods::Kind::Oath => return false,
    };
    is_on(directory, own) || is_on(directory, Kind::MfaOutage)
}

/// Whether whatever checks the password of a user can be reached; if not, how that is told.
pub(crate) fn passwords_are_checked(directory: &Directory, user: &Object) -> Result<(), StsError> {
    let name = text(user, "userPrincipalName").unwrap_or_default();
    let domain = name.rsplit_once('@').map_or("", |(_, domain)| domain);
    let domain = directory.object(Resource::Domains, domain);
    let is_federated = domain.and_then(|domain| text(domain, "authenticationType")) == Some("Federated");
    let is_synchronised = user.get("onPremisesSyncEnabled").and_then(Value::as_bool) == Some(true);
    let on_premises = settings(directory, Kind::OnPremisesDown);
    if is_federated {
        let is_down = on_premises.is_some() || is_on(directory, Kind::FederationDown);
        return if is_down { Err(StsError::of(40_010)) } else { Ok(()) };
    }
    let is_passed_through = on_premises.and_then(|settings| text(settings, SIGN_IN)) == Some(PASS_THROUGH);
    if is_synchronised && is_passed_through { Err(StsError::of(80_001)) } else { Ok(()) }
}

/// Whether the service that tells whether devices are compliant is down.
pub(crate) fn is_compliance_unknown(directory: &Directory) -> bool {
    is_on(directory, Kind::IntuneDown)
}

/// Refuses what Privileged Identity Management would answer if it were not down. What it has made stays: an assignment
/// that is active until it ends, and an eligibility, which nobody can activate.
pub(crate) fn is_pim_answering(directory: &Directory) -> Result<(), GraphError> {
    if !is_on(directory, Kind::PimDown) {
        return Ok(());
    }
    let message = "Privileged Identity Management is temporarily unavailable. Please retry the request later.";
    Err(GraphError::new(503, "ServiceUnavailable", message))
}

/// Whether nobody can begin a session.
pub(crate) fn is_token_service_down(directory: &Directory) -> bool {
    is_on(directory, Kind::TokenServiceDown)
}

/// The risk of a user, and of the sign-in.
pub(crate) fn risk_of<'d>(directory: &'d Directory, user: &str) -> (&'d str, &'d str) {
    let key = format!("{}:{}", Kind::Risk.name(), user.to_ascii_lowercase());
    let settings = directory.shelved(Shelf::Faults, &key).and_then(|fault| fault.get("settings")?.as_object());
    let level = |name: &str| settings.and_then(|settings| text(settings, name)).unwrap_or("none");
    (level(USER_RISK), level(SIGN_IN_RISK))
}

/// Every user with a risk: the id, the risk of the user and of the sign-in, and since when.
pub(crate) fn all_risks(directory: &Directory) -> Vec<(&str, (&str, &str), &str)> {
    let risks = directory.all_shelved(Shelf::Faults).filter_map(|(key, fault)| {
        let (kind, id) = key.split_once(':')?;
        let is_risk = kind == Kind::Risk.name();
        is_risk.then(|| (id, risk_of(directory, id), text(fault, "since").unwrap_or_default()))
    });
    risks.collect()
}

/// Whether whoever has an address gets nowhere.
pub(crate) fn is_unreachable(directory: &Directory, remote: IpAddr) -> bool {
    let down = directory.all_shelved(Shelf::Faults).filter_map(|(key, _)| {
        let (kind, id) = key.split_once(':')?;
        (kind == Kind::Network.name()).then(|| directory.object(Resource::NamedLocations, id)).flatten()
    });
    let ranges = down.flat_map(|location| location.get("ipRanges").and_then(Value::as_array).into_iter().flatten());
    let mut ranges = ranges.filter_map(|range| IpNetwork::parse(range.get("cidrAddress")?.as_str()?).ok());
    let number = address_number(remote);
    ranges.any(|range| range.contains(number))
}

/// By how many seconds the clock is moved.
pub(crate) fn moved_seconds(directory: &Directory) -> i64 {
    let by = settings(directory, Kind::Clock).and_then(|settings| settings.get("bySeconds")?.as_i64());
    by.unwrap_or(0)
}

/// What Graph answers in place of the answer.
pub(crate) fn answer_in_place(directory: &Directory) -> Option<(GraphError, Option<u64>)> {
    if let Some(settings) = settings(directory, Kind::Graph429) {
        let after = settings.get(RETRY_AFTER).and_then(Value::as_u64);
        return Some((GraphError::new(429, "TooManyRequests", "Too many requests. Please retry again later."), after));
    }
    let message = "The service is temporarily unavailable. Please retry the request later.";
    is_on(directory, Kind::Graph503).then(|| (GraphError::new(503, "ServiceUnavailable", message), None))
}

/// Whether Graph holds to its own limits.
pub(crate) fn has_limits(directory: &Directory) -> bool {
    is_on(directory, Kind::GraphLimits)
}

/// How records of the logs reach whoever reads them through Graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// Seconds for which every record is kept back.
    pub(crate) lag_seconds: i64,
    /// Seconds for which every second one is kept back besides, so that it turns up behind newer ones.
    pub(crate) late_seconds: i64,
    /// Whether each comes twice.
    pub(crate) is_doubled: bool,
}

/// How the logs are delivered.
pub(crate) fn delivery_of_logs(directory: &Directory) -> Delivery {
    let seconds = |kind| settings(directory, kind).and_then(|settings| settings.get(SECONDS)?.as_i64()).unwrap_or(0);
    Delivery {
        lag_seconds: seconds(Kind::LogLag),
        late_seconds: seconds(Kind::LogLate),
        is_doubled: is_on(directory, Kind::LogDuplicates),
    }
}

/// Actions that only read, though they are posted.
const READING: [&str; 6] =
    ["checkMemberGroups", "checkMemberObjects", "evaluate", "getByIds", "getMemberGroups", "getMemberObjects"];

/// How an answer of Graph arrives: late, or not at all though what it was asked for was done.
pub(crate) fn delivered(directory: &Directory, call: &Call, mut reply: Reply) -> Reply {
    if let Some(settings) = settings(directory, Kind::Slow) {
        reply.delay_seconds = settings.get(SECONDS).and_then(Value::as_u64).unwrap_or(0);
    }
    reply.is_cut |= is_on(directory, Kind::CutAfterWrite) && has_written(call, &reply);
    reply
}

/// Whether a request has changed something. A batch has if one of its requests has.
fn has_written(call: &Call, reply: &Reply) -> bool {
    if last_part(&call.path) != "$batch" {
        return is_write(&call.method, &call.path) && reply.status < 400;
    }
    let sent: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let Body::Json(answered) = &reply.body else { return false };
    let list = |of: &Value, name: &str| of.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let (sent, answered) = (list(&sent, "requests"), list(answered, "responses"));
    // The answers stand in the order of the requests.
    sent.iter().zip(&answered).any(|(sent, answered)| {
        let text = |name: &str| sent.get(name).and_then(Value::as_str).unwrap_or_default();
        let path = text("url").split('?').next().unwrap_or_default();
        let status = answered.get("status").and_then(Value::as_u64);
        is_write(&text("method").to_uppercase(), path) && status.is_some_and(|status| status < 400)
    })
}

fn is_write(method: &str, path: &str) -> bool {
    method != "GET" && !READING.contains(&last_part(path))
}

/// The last part of a path, without the namespace that actions may have before their names.
fn last_part(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().trim_start_matches("microsoft.graph.")
}
