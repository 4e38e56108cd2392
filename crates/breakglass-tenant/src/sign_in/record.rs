//! The record of a sign-in, as Graph's `signIn` has it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::decide::{Decided, platform};
use super::{Attempt, proof};
use crate::clock::written;
use crate::random::{self, NoRandomness};
use crate::state::{Object, text};

/// Words of the platforms in records.
const PLATFORM_WORDS: [(&str, &str); 5] =
    [("windows", "Windows"), ("macOS", "MacOs"), ("linux", "Linux"), ("android", "Android"), ("iOS", "Ios")];

/// The record of an attempt of somebody, with the code that it ended with; 0 is success.
pub(crate) fn record(
    user: Option<&Object>,
    name: &str,
    attempt: &Attempt<'_>,
    decided: &Decided,
    (code, reason, now): (u32, &str, Timestamp),
) -> Result<Object, NoRandomness> {
    let of_user = |property: &str| user.and_then(|user| text(user, property)).unwrap_or_default();
    let words = PLATFORM_WORDS.iter().find(|(known, _)| *known == platform(attempt.user_agent));
    let has_mfa = proof::is_multifactor(attempt.modes);
    let requirement = if has_mfa || matches!(code, 50_074 | 50_076 | 50_079) {
        "multiFactorAuthentication"
    } else {
        "singleFactorAuthentication"
    };
    let record = json!({
        "id": random::uuid()?,
        "createdDateTime": written(now),
        "userDisplayName": of_user("displayName"),
        "userPrincipalName": user.and_then(|user| text(user, "userPrincipalName")).unwrap_or(name),
        "userId": user.map_or("00000000-0000-0000-0000-000000000000", |user| text(user, "id").unwrap_or_default()),
        "appId": attempt.client.app_id,
        "appDisplayName": attempt.client.name,
        "ipAddress": attempt.remote.to_string(),
        "clientAppUsed": if attempt.is_in_browser { "Browser" } else { "Mobile Apps and Desktop clients" },
        "correlationId": attempt.correlation_id,
        "conditionalAccessStatus": decided.status,
        "isInteractive": attempt.is_interactive,
        "authenticationRequirement": requirement,
        "riskDetail": "none",
        "riskLevelAggregated": "none",
        "riskLevelDuringSignIn": "none",
        "riskState": "none",
        "riskEventTypes": [],
        "riskEventTypes_v2": [],
        "resourceDisplayName": attempt.audience.name(attempt.resource),
        "resourceId": attempt.audience.app_id(attempt.resource),
        "status": {
            "errorCode": code,
            "failureReason": if code == 0 { "Other." } else { reason },
            "additionalDetails": Value::Null,
        },
        "deviceDetail": {
            "deviceId": "", "displayName": "",
            "operatingSystem": words.map_or("", |(_, words)| words),
            "browser": attempt.user_agent.unwrap_or_default(),
            "isCompliant": false, "isManaged": false, "trustType": "",
        },
        "location": { "city": "", "state": "", "countryOrRegion": "", "geoCoordinates": {} },
        "appliedConditionalAccessPolicies": decided.applied,
    });
    Ok(record.as_object().cloned().unwrap_or_default())
}
