//! Sign-ins of applications as themselves: what Conditional Access says of them, and their record.
//!
//! **Source:** "Conditional Access for workload identities"; the resource type `signIn` (service principals).

use std::borrow::Cow;

use breakglass_engine::access::demand::Outcome;
use breakglass_engine::access::{Access, AccessSettings};
use breakglass_model::sign_in::{SignInConditions, SignInContext, SignInIdentity, WhatIfRequest};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::applied::Results;
use super::{BLOCKED, Decided, Target, snapshot};
use crate::clock::written;
use crate::random::{self, NoRandomness};
use crate::state::{Directory, Object, text};

/// One sign-in of an application.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PrincipalAttempt<'a> {
    /// The service principal.
    pub(crate) principal: &'a Object,
    pub(crate) target: &'a Target,
    pub(crate) remote: std::net::IpAddr,
    pub(crate) correlation_id: &'a str,
}

/// Decides a sign-in of an application that has proved itself. What the engine cannot tell is refused.
pub(crate) fn decide_principal(directory: &Directory, attempt: PrincipalAttempt<'_>, now: Timestamp) -> Decided {
    let blocked = || Decided { refused: Some(BLOCKED), status: "failure", ..Decided::unasked() };
    let id = text(attempt.principal, "id").unwrap_or_default();
    let Ok(snapshot) = snapshot::around_principal(directory, id) else { return blocked() };
    let Ok(access) = Access::compile(&snapshot, &AccessSettings::at(now)) else { return blocked() };
    let identity = SignInIdentity { service_principal_id: Some(Cow::Borrowed(id)), ..SignInIdentity::default() };
    let request = WhatIfRequest {
        sign_in_identity: identity,
        sign_in_context: Some(SignInContext {
            include_applications: Some(vec![Cow::Borrowed(attempt.target.app_id.as_str())]),
            ..SignInContext::default()
        }),
        sign_in_conditions: Some(SignInConditions {
            ip_address: Some(Cow::Owned(attempt.remote.to_string())),
            service_principal_risk_level: Some(Cow::Borrowed("none")),
            ..SignInConditions::default()
        }),
        applied_policies_only: None,
    };
    let Ok(situation) = access.situation(&request) else { return blocked() };
    let (range, code) = access.outcome_with(&situation, &[]);
    // An application answers no question: whatever is asked of it, it cannot show.
    let refused = (range.worst != Outcome::Allowed).then(|| code.unwrap_or(BLOCKED));
    let results = Results::of(&access, &situation, &[]);
    Decided {
        refused,
        policies: results.failed(),
        applied: results.recorded(),
        status: results.status(refused),
        ..Decided::unasked()
    }
}

/// The record of an attempt, with the code that it ended with; 0 is success.
pub(crate) fn record_of_principal(
    attempt: PrincipalAttempt<'_>,
    decided: &Decided,
    (code, reason, now): (u32, &str, Timestamp),
) -> Result<Object, NoRandomness> {
    let own = |name: &str| text(attempt.principal, name).unwrap_or_default();
    let record = json!({
        "id": random::uuid()?,
        "createdDateTime": written(now),
        "userDisplayName": "",
        "userPrincipalName": "",
        "userId": "",
        "appId": own("appId"),
        "appDisplayName": own("displayName"),
        "servicePrincipalId": own("id"),
        "servicePrincipalName": own("displayName"),
        "signInEventTypes": ["servicePrincipal"],
        "ipAddress": attempt.remote.to_string(),
        "clientAppUsed": "",
        "correlationId": attempt.correlation_id,
        "conditionalAccessStatus": decided.status,
        "isInteractive": false,
        "riskDetail": "none",
        "riskLevelAggregated": "none",
        "riskLevelDuringSignIn": "none",
        "riskState": "none",
        "riskEventTypes": [],
        "riskEventTypes_v2": [],
        "resourceDisplayName": attempt.target.name,
        "resourceId": attempt.target.app_id,
        "status": {
            "errorCode": code,
            "failureReason": if code == 0 { "Other." } else { reason },
            "additionalDetails": Value::Null,
        },
        "deviceDetail": {
            "deviceId": "", "displayName": "", "operatingSystem": "", "browser": "",
            "isCompliant": false, "isManaged": false, "trustType": "",
        },
        "location": { "city": "", "state": "", "countryOrRegion": "", "geoCoordinates": {} },
        "appliedConditionalAccessPolicies": decided.applied,
    });
    Ok(record.as_object().cloned().unwrap_or_default())
}
