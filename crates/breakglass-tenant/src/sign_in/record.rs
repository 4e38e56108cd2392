//! The record of a sign-in, as Graph's `signIn` has it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::decide::{Decided, platform};
use super::{Attempt, proof, steps};
use crate::clock::written;
use crate::random::{self, NoRandomness};
use crate::state::{Object, text};

/// Words of the platforms in records.
const PLATFORM_WORDS: [(&str, &str); 5] =
    [("windows", "Windows"), ("macOS", "MacOs"), ("linux", "Linux"), ("android", "Android"), ("iOS", "Ios")];

/// Characters of the longest sign-in name that a record keeps: an address of mail has no more.
const NAME_CHARS_MAX: usize = 320;
/// Characters of the longest user agent that it keeps.
const AGENT_CHARS_MAX: usize = 512;

/// The record of an attempt of somebody, with the code that it ended with; 0 is success.
pub(crate) fn record(
    user: Option<&Object>,
    name: &str,
    attempt: &Attempt<'_>,
    decided: &Decided,
    (code, reason, now): (u32, &str, Timestamp),
) -> Result<Object, NoRandomness> {
    let name: String = name.chars().take(NAME_CHARS_MAX).collect();
    let of_user = |property: &str| user.and_then(|user| text(user, property)).unwrap_or_default();
    let words = PLATFORM_WORDS.iter().find(|(known, _)| *known == platform(attempt.user_agent));
    let level = |level: &str| if level.is_empty() { "none" } else { level }.to_owned();
    let (user_risk, sign_in_risk) = (level(&decided.risk.0), level(&decided.risk.1));
    let is_risky = (user_risk.as_str(), sign_in_risk.as_str()) != ("none", "none");
    let events: &[&str] = if sign_in_risk == "none" { &[] } else { &["unfamiliarFeatures"] };
    let (system, browser) = (
        words.map_or("", |(_, words)| words),
        attempt.user_agent.unwrap_or_default().chars().take(AGENT_CHARS_MAX).collect::<String>(),
    );
    let device = attempt.device.as_ref().map(|device| device.recorded(system, &browser));
    let record = json!({
        "id": random::uuid()?,
        "createdDateTime": written(now),
        "userDisplayName": of_user("displayName"),
        "userPrincipalName": user.and_then(|user| text(user, "userPrincipalName")).unwrap_or(&name),
        "userId": user.map_or("00000000-0000-0000-0000-000000000000", |user| text(user, "id").unwrap_or_default()),
        "appId": attempt.client.app_id,
        "appDisplayName": attempt.client.name,
        "ipAddress": attempt.remote.to_string(),
        "clientAppUsed": if attempt.is_in_browser { "Browser" } else { "Mobile Apps and Desktop clients" },
        "correlationId": attempt.correlation_id,
        "conditionalAccessStatus": decided.status,
        "isInteractive": attempt.is_interactive,
        "userAgent": attempt.user_agent.map(|agent| agent.chars().take(AGENT_CHARS_MAX).collect::<String>()),
        "riskDetail": "none",
        "riskLevelAggregated": sign_in_risk,
        "riskLevelDuringSignIn": sign_in_risk,
        "riskState": if is_risky { "atRisk" } else { "none" },
        "riskEventTypes": events,
        "riskEventTypes_v2": events,
        "resourceDisplayName": attempt.target.name,
        "resourceId": attempt.target.app_id,
        "status": {
            "errorCode": code,
            "failureReason": if code == 0 { "Other." } else { reason },
            "additionalDetails": Value::Null,
        },
        "deviceDetail": device.unwrap_or_else(|| json!({
            "deviceId": "", "displayName": "", "operatingSystem": system, "browser": browser,
            "isCompliant": false, "isManaged": false, "trustType": "",
        })),
        "location": { "city": "", "state": "", "countryOrRegion": "", "geoCoordinates": {} },
        "appliedConditionalAccessPolicies": decided.applied,
    });
    let mut record = record.as_object().cloned().unwrap_or_default();
    record.extend(told_by_beta(user, attempt, decided, (code, now)));
    if !attempt.contexts.is_empty() {
        let contexts = attempt.contexts.iter().map(|context| json!({ "id": context, "detail": "required" }));
        record.insert("authenticationContextClassReferences".to_owned(), contexts.collect());
    }
    Ok(record)
}

/// How somebody signed in, which v1.0 does not tell.
fn told_by_beta(
    user: Option<&Object>,
    attempt: &Attempt<'_>,
    decided: &Decided,
    (code, now): (u32, Timestamp),
) -> Object {
    let has_mfa = proof::is_multifactor(attempt.modes);
    let requirement = if has_mfa || matches!(code, 50_074 | 50_076 | 50_078 | 50_079 | 500_121) {
        "multiFactorAuthentication"
    } else {
        "singleFactorAuthentication"
    };
    let event = if attempt.is_interactive { "interactiveUser" } else { "nonInteractiveUser" };
    let protocol = match (attempt.is_password_grant, attempt.is_device_code && attempt.is_interactive) {
        (true, _) => "ropc",
        (false, true) => "deviceCode",
        // What carries a session on is no device code any more; `originalTransferMethod` remembers it.
        (false, false) => "none",
    };
    let providers = decided.providers.iter();
    let providers: Vec<Value> =
        providers.map(|word| json!({ "requirementProvider": word, "detail": Value::Null })).collect();
    let guest = if user.and_then(|user| text(user, "userType")).is_some_and(|kind| kind.eq_ignore_ascii_case("guest")) {
        "guest"
    } else {
        "member"
    };
    let told = json!({
        "signInEventTypes": [event],
        "incomingTokenType": if attempt.is_interactive { "none" } else { "refreshToken" },
        "userType": guest,
        "authenticationProtocol": protocol,
        "originalTransferMethod": if attempt.is_device_code { "deviceCodeFlow" } else { "none" },
        "authenticationRequirement": requirement,
        "authenticationRequirementPolicies": providers,
        "authenticationDetails": steps::details(attempt, code, now),
        "authenticationMethodsUsed": steps::methods(attempt),
        "mfaDetail": steps::mfa_detail(attempt),
    });
    told.as_object().cloned().unwrap_or_default()
}
