//! `/identityProtection`: who is at risk, why, and what an administrator says to that.
//!
//! Nothing here detects a risk: users are at risk once somebody confirms that they are compromised, or while a fault says
//! that they are. Conditional Access sees the level at the next sign-in.
//!
//! **Source:** "riskyUser: confirmCompromised", "dismiss", "confirmSafe", "List history", "List riskDetections" (pages of
//! twenty).

use aws_lc_rs::digest::{SHA256, digest};
use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::SECURITY_ADMINISTRATOR;
use serde_json::{Value, json};

use super::Request;
use super::error::GraphError;
use super::list::page_of;
use super::schedules::object;
use crate::call::Reply;
use crate::clock::written;
use crate::faults;
use crate::ids::roles::{GLOBAL_READER, SECURITY_OPERATOR, SECURITY_READER};
use crate::random;
use crate::state::{Change, Directory, Object, Shelf, text};

const READ: &[&str] = &["IdentityRiskyUser.Read.All", "IdentityRiskyUser.ReadWrite.All"];
const WRITE: &[&str] = &["IdentityRiskyUser.ReadWrite.All"];
const READERS: &[&str] = &[SECURITY_ADMINISTRATOR, SECURITY_READER, SECURITY_OPERATOR, GLOBAL_READER];
const WRITERS: &[&str] = &[SECURITY_ADMINISTRATOR, SECURITY_OPERATOR];
const READ_EVENTS: &[&str] = &["IdentityRiskEvent.Read.All", "IdentityRiskEvent.ReadWrite.All"];
const USERS: &str = "identityProtection/riskyUsers";
const DETECTIONS: &str = "identityProtection/riskDetections";
/// What is remembered of one user.
const HISTORY_COUNT_MAX: usize = 100;
/// Users that one request names.
const USER_COUNT_MAX: usize = 60;

/// What an administrator may say: the action, the state, the detail, the level, the activity in the audit.
const SAID: [(&str, &str, &str, &str, &str); 3] = [
    ("confirmCompromised", "confirmedCompromised", "adminConfirmedUserCompromised", "high", "Confirm user compromised"),
    ("dismiss", "dismissed", "adminDismissedAllRiskForUser", "none", "Dismiss user risk"),
    ("confirmSafe", "confirmedSafe", "adminConfirmedAccountSafe", "none", "Confirm user safe"),
];

/// Answers a request below `/identityProtection`.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    match (request.call.method.as_str(), rest) {
        ("GET", ["riskDetections"]) => {
            request.caller.needs(READ_EVENTS, READERS)?;
            page_of(request, (DETECTIONS, 20), detections(request))
        }
        ("GET", ["riskDetections", id]) => {
            request.caller.needs(READ_EVENTS, READERS)?;
            one_of(request, DETECTIONS, (detections(request), id))
        }
        ("GET", ["riskyUsers"]) => {
            request.caller.needs(READ, READERS)?;
            page_of(request, (USERS, 100), risky(&request.tenant.state.read()))
        }
        ("GET", ["riskyUsers", id]) => {
            request.caller.needs(READ, READERS)?;
            let all = risky(&request.tenant.state.read());
            one_of(request, USERS, (all, id))
        }
        ("GET", ["riskyUsers", id, "history"]) => {
            request.caller.needs(READ, READERS)?;
            page_of(request, (&format!("{USERS}('{id}')/history"), 100), history(request, id)?)
        }
        ("GET", ["riskyUsers", id, "history", item]) => {
            request.caller.needs(READ, READERS)?;
            one_of(request, &format!("{USERS}('{id}')/history"), (history(request, id)?, item))
        }
        ("POST", ["riskyUsers", action]) => say(request, action.trim_start_matches("microsoft.graph.")),
        (_, ["riskyUsers" | "riskDetections", _, segment, ..]) => Err(GraphError::no_segment(segment)),
        (_, ["riskyUsers" | "riskDetections", ..]) => Err(GraphError::method()),
        (_, other) => Err(GraphError::no_segment(other.first().unwrap_or(&""))),
    }
}

fn one_of(request: &Request<'_>, context: &str, (all, id): (Vec<Object>, &str)) -> Result<Reply, GraphError> {
    let found = all.into_iter().find(|one| text(one, "id").is_some_and(|known| known.eq_ignore_ascii_case(id)));
    Ok(request.entity(200, (context, found.ok_or_else(|| GraphError::not_found(id))?)))
}

/// Who is at risk. A fault goes before what an administrator said, as it does at a sign-in.
fn risky(directory: &Directory) -> Vec<Object> {
    let of_faults = faults::all_risks(directory);
    let is_of_fault = |id: &str| of_faults.iter().any(|(user, ..)| *user == id);
    let said = directory.all_shelved(Shelf::RiskyUsers).filter(|(id, _)| !is_of_fault(id));
    let said: Vec<Object> = said.map(|(_, user)| user.clone()).collect();
    let at_risk = of_faults.iter().filter_map(|(id, levels, since)| {
        let user = directory.object(Resource::Users, id)?;
        Some(object(json!({
            "id": text(user, "id"), "isDeleted": false, "isProcessing": false, "riskLevel": higher(*levels),
            "riskState": "atRisk", "riskDetail": "none", "riskLastUpdatedDateTime": since,
            "userDisplayName": text(user, "displayName"), "userPrincipalName": text(user, "userPrincipalName"),
        })))
    });
    said.into_iter().chain(at_risk).collect()
}

/// The risk of a user to whom a sign-in brought some.
fn higher<'l>((user, sign_in): (&'l str, &'l str)) -> &'l str {
    let rank = |level: &str| ["none", "low", "medium", "high"].iter().position(|known| *known == level);
    if rank(sign_in) > rank(user) { sign_in } else { user }
}

/// Why users are at risk: what a fault plays, and what an administrator confirmed.
fn detections(request: &Request<'_>) -> Vec<Object> {
    let directory = request.tenant.state.read();
    let mut found = Vec::new();
    for (id, levels, since) in faults::all_risks(&directory) {
        // A risk of the user alone is found in what others publish, one of the sign-in while it is made.
        let (kind, timing, activity) = match levels.1 {
            "none" => ("leakedCredentials", "offline", "user"),
            _ => ("unfamiliarFeatures", "realtime", "signin"),
        };
        let what = ((kind, timing, activity), (higher(levels), "atRisk", "none"));
        found.extend(detection(request, &directory, (id, since), what));
    }
    for (id, user) in directory.all_shelved(Shelf::RiskyUsers) {
        if text(user, "riskState") == Some("confirmedCompromised") {
            let of = |name: &str| text(user, name).unwrap_or_default();
            let what = (
                ("adminConfirmedUserCompromised", "offline", "user"),
                (of("riskLevel"), "confirmedCompromised", of("riskDetail")),
            );
            found.extend(detection(request, &directory, (id, of("riskLastUpdatedDateTime")), what));
        }
    }
    found
}

fn detection(
    request: &Request<'_>,
    directory: &Directory,
    (user, at): (&str, &str),
    ((kind, timing, activity), (level, state, detail)): ((&str, &str, &str), (&str, &str, &str)),
) -> Option<Object> {
    let user = directory.object(Resource::Users, user)?;
    let id = text(user, "id").unwrap_or_default();
    // The same for the same risk, however often it is asked for.
    let hash = digest(&SHA256, format!("{}|{id}|{at}|{kind}", request.tenant.id).as_bytes());
    let number = hash.as_ref().first_chunk().copied().map_or(0, u128::from_be_bytes);
    Some(object(json!({
        "id": random::uuid_of(number), "requestId": Value::Null, "correlationId": Value::Null, "riskEventType": kind,
        "riskState": state, "riskLevel": level, "riskDetail": detail, "source": "IdentityProtection",
        "detectionTimingType": timing, "activity": activity, "tokenIssuerType": "AzureAD", "ipAddress": Value::Null,
        "location": Value::Null, "activityDateTime": at, "detectedDateTime": at, "lastUpdatedDateTime": at,
        "userId": id, "userDisplayName": text(user, "displayName"),
        "userPrincipalName": text(user, "userPrincipalName"), "additionalInfo": Value::Null,
    })))
}

/// What was said of a user, the newest first.
fn history(request: &Request<'_>, id: &str) -> Result<Vec<Object>, GraphError> {
    let directory = request.tenant.state.read();
    if !risky(&directory).iter().any(|one| text(one, "id").is_some_and(|known| known.eq_ignore_ascii_case(id))) {
        return Err(GraphError::not_found(id));
    }
    let of = history_of(&directory, id);
    Ok(of.into_iter().rev().map(|(_, item)| item.clone()).collect())
}

/// The same with their names, the oldest first.
fn history_of<'d>(directory: &'d Directory, id: &str) -> Vec<(&'d str, &'d Object)> {
    let prefix = format!("{}:", id.to_ascii_lowercase());
    directory.all_shelved(Shelf::RiskyUserHistory).filter(|(name, _)| name.starts_with(&prefix)).collect()
}

/// The changes that add to what was said of a user.
fn remember(directory: &Directory, user: &Object, by: &str) -> Result<Vec<Change>, GraphError> {
    let id = text(user, "id").unwrap_or_default();
    let known = history_of(directory, id);
    let last = known.last().and_then(|(name, _)| name.rsplit(':').next()?.parse::<u64>().ok()).unwrap_or(0);
    let mut item = user.clone();
    item.extend(object(json!({
        "id": random::uuid()?, "userId": id, "initiatedBy": by,
        "activity": { "riskEventTypes": [], "detail": text(user, "riskDetail") },
    })));
    let over = known.len().saturating_sub(HISTORY_COUNT_MAX - 1);
    let old = known.into_iter().take(over).map(|(name, _)| Change::Unshelve(Shelf::RiskyUserHistory, name.to_owned()));
    let new = Change::Shelve(Shelf::RiskyUserHistory, format!("{id}:{:020}", last + 1), item);
    Ok(old.chain([new]).collect())
}

fn say(request: &Request<'_>, action: &str) -> Result<Reply, GraphError> {
    request.caller.needs(WRITE, WRITERS)?;
    let said = SAID.iter().find(|(known, ..)| *known == action).ok_or_else(|| GraphError::no_segment(action))?;
    let (_, state, detail, level, activity) = said;
    let body = request.object()?;
    let ids = body.get("userIds").and_then(Value::as_array).filter(|ids| !ids.is_empty());
    let ids = ids.ok_or_else(|| GraphError::bad_request("The parameter 'userIds' is required."))?;
    if ids.len() > USER_COUNT_MAX {
        return Err(GraphError::bad_request(format!(
            "The parameter 'userIds' has more than {USER_COUNT_MAX} elements."
        )));
    }
    let now = written(request.tenant.clock.now());
    let targets = request.write(|directory| -> Result<_, GraphError> {
        let (mut changes, mut targets) = (Vec::new(), Vec::new());
        for id in ids {
            let id = id.as_str().ok_or_else(|| GraphError::bad_request("The parameter 'userIds' is a list of ids."))?;
            let user = directory.object(Resource::Users, id).ok_or_else(|| GraphError::not_found(id))?;
            let (upn, name) = (text(user, "userPrincipalName"), text(user, "displayName"));
            let said = object(json!({
                "id": text(user, "id"), "isDeleted": false, "isProcessing": false, "riskLevel": level,
                "riskState": state, "riskDetail": detail, "riskLastUpdatedDateTime": now,
                "userDisplayName": name, "userPrincipalName": upn,
            }));
            changes.extend(remember(directory, &said, &request.caller.id)?);
            changes.push(Change::shelve(Shelf::RiskyUsers, said));
            targets.push(json!({ "id": id, "type": "User", "displayName": name, "userPrincipalName": upn,
                "modifiedProperties": [] }));
        }
        Ok((changes, targets))
    })?;
    request.audit_of("Identity Protection", (activity, "Other"), Value::Array(targets))?;
    Ok(Reply::empty(204))
}
