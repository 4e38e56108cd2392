//! `/identityProtection/riskyUsers`: who is at risk, and what an administrator says to that.
//!
//! Nothing here detects a risk: users are at risk once somebody confirms that they are compromised. Conditional Access
//! sees the level at the next sign-in.
//!
//! **Source:** "riskyUser: confirmCompromised", "dismiss", "confirmSafe".

use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::SECURITY_ADMINISTRATOR;
use serde_json::{Value, json};

use super::Request;
use super::error::GraphError;
use super::list::page_of;
use super::schedules::object;
use crate::call::Reply;
use crate::clock::written;
use crate::state::{Change, Object, Shelf, text};

const READ: &[&str] = &["IdentityRiskyUser.Read.All", "IdentityRiskyUser.ReadWrite.All"];
const WRITE: &[&str] = &["IdentityRiskyUser.ReadWrite.All"];
const READERS: &[&str] = &[
    SECURITY_ADMINISTRATOR,
    "5d6b6bb7-de71-4623-b4af-96380a352509",
    "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f",
    "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
];
const WRITERS: &[&str] = &[SECURITY_ADMINISTRATOR, "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f"];
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
    let ["riskyUsers", rest @ ..] = rest else {
        return Err(GraphError::no_segment(rest.first().unwrap_or(&"")));
    };
    match (request.call.method.as_str(), rest) {
        ("GET", []) => {
            request.caller.needs(READ, READERS)?;
            let all: Vec<Object> =
                request.tenant.state.read().all_shelved(Shelf::RiskyUsers).map(|(_, user)| user.clone()).collect();
            page_of(request, ("identityProtection/riskyUsers", 100), all)
        }
        ("GET", [id]) => {
            request.caller.needs(READ, READERS)?;
            let found = request.tenant.state.read().shelved(Shelf::RiskyUsers, id).cloned();
            Ok(request.entity(200, ("identityProtection/riskyUsers", found.ok_or_else(|| GraphError::not_found(id))?)))
        }
        ("POST", [action]) => say(request, action.trim_start_matches("microsoft.graph.")),
        (_, [_, segment, ..]) => Err(GraphError::no_segment(segment)),
        _ => Err(GraphError::method()),
    }
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
    let targets = request.tenant.state.write(|directory| -> Result<_, GraphError> {
        let (mut changes, mut targets) = (Vec::new(), Vec::new());
        for id in ids {
            let id = id.as_str().ok_or_else(|| GraphError::bad_request("The parameter 'userIds' is a list of ids."))?;
            let user = directory.object(Resource::Users, id).ok_or_else(|| GraphError::not_found(id))?;
            let (upn, name) = (text(user, "userPrincipalName"), text(user, "displayName"));
            changes.push(Change::shelve(
                Shelf::RiskyUsers,
                object(json!({
                    "id": text(user, "id"), "isDeleted": false, "isProcessing": false, "riskLevel": level,
                    "riskState": state, "riskDetail": detail, "riskLastUpdatedDateTime": now,
                    "userDisplayName": name, "userPrincipalName": upn,
                })),
            ));
            targets.push(json!({ "id": id, "type": "User", "displayName": name, "userPrincipalName": upn,
                "modifiedProperties": [] }));
        }
        Ok((changes, targets))
    })?;
    request.audit_of("Identity Protection", (activity, "Other"), Value::Array(targets))?;
    Ok(Reply::empty(204))
}
