//! What the session controls of policies make of a session. They never stop a sign-in; where several policies have the
//! same control, the strictest holds.
//!
//! Graph's names and Terraform's are read. A control whose value cannot be read is kept by its name, never dropped.
//!
//! **Source:** the types `conditionalAccessSessionControls` of v1.0 and beta; *Configure adaptive session lifetime
//! policies*. That the shortest sign-in frequency wins is from memory, that `never` wins over `always` is inferred.

use std::collections::BTreeMap;
use std::fmt;

use breakglass_model::policy::{ConditionalAccessPolicy, Rest};
use serde_json::Value;

/// How soon the person signs in again; the stricter is the smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignInFrequency {
    /// Every time.
    EveryTime,
    /// After this many hours.
    Hours(u64),
}

/// A session control that is switched on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SessionControl {
    /// Signing in again; for the second factor alone where `is_secondary_only`.
    SignInFrequency {
        /// Whether only the second factor is asked for again.
        is_secondary_only: bool,
        /// How soon.
        frequency: SignInFrequency,
    },
    /// Whether the browser stays signed in.
    PersistentBrowser {
        /// `always` as opposed to `never`, which is the stricter.
        is_always: bool,
    },
    /// Another control, by Graph's name, with the word that Graph has for its mode.
    Other {
        /// Its name.
        name: String,
        /// Its mode, if it has one.
        mode: Option<String>,
    },
}

impl fmt::Display for SignInFrequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EveryTime => f.write_str("every time"),
            Self::Hours(1) => f.write_str("every hour"),
            Self::Hours(hours) if *hours > 24 && hours % 24 == 0 => write!(f, "every {} days", hours / 24),
            Self::Hours(hours) => write!(f, "every {hours} hours"),
        }
    }
}

impl fmt::Display for SessionControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignInFrequency { frequency, is_secondary_only: false } => write!(f, "signInFrequency {frequency}"),
            Self::SignInFrequency { frequency, .. } => write!(f, "signInFrequency {frequency}, second factor only"),
            Self::PersistentBrowser { is_always: true } => f.write_str("persistentBrowser always"),
            Self::PersistentBrowser { .. } => f.write_str("persistentBrowser never"),
            Self::Other { name, mode: Some(mode) } => write!(f, "{name} {mode}"),
            Self::Other { name, mode: None } => f.write_str(name),
        }
    }
}

impl SessionControl {
    /// What controls have in common of which only the strictest holds.
    fn kind(&self) -> (u8, &str) {
        match self {
            Self::SignInFrequency { is_secondary_only: false, .. } => (0, ""),
            Self::SignInFrequency { .. } => (1, ""),
            Self::PersistentBrowser { .. } => (2, ""),
            // Nobody knows which mode of another control is the stricter: each is told.
            Self::Other { name, .. } => (3, name),
        }
    }
}

/// The session controls of a policy that are switched on, in order.
#[must_use]
pub fn session_controls(policy: &ConditionalAccessPolicy) -> Vec<SessionControl> {
    let Some(written) = &policy.session_controls else { return Vec::new() };
    let mut controls: Vec<SessionControl> = written.iter().filter_map(|(name, value)| control(name, value)).collect();
    controls.extend(terraform_frequency(written));
    controls.sort();
    controls.dedup();
    controls
}

/// What holds where all these policies apply, each control with the policies that ask for it as strictly.
#[must_use]
pub fn strictest<'p>(
    policies: impl IntoIterator<Item = &'p ConditionalAccessPolicy>,
) -> BTreeMap<SessionControl, Vec<&'p ConditionalAccessPolicy>> {
    let mut all: BTreeMap<SessionControl, Vec<&ConditionalAccessPolicy>> = BTreeMap::new();
    for policy in policies {
        for control in session_controls(policy) {
            all.entry(control).or_default().push(policy);
        }
    }
    let mut last: Option<SessionControl> = None;
    all.retain(|control, _| {
        let is_laxer = !matches!(control, SessionControl::Other { .. })
            && last.as_ref().is_some_and(|last| last.kind() == control.kind());
        last = Some(control.clone());
        !is_laxer
    });
    all
}

fn control(name: &str, value: &Value) -> Option<SessionControl> {
    let is_off = value.is_null()
        || *value == Value::Bool(false)
        || value.get("isEnabled").and_then(Value::as_bool) == Some(false)
        || name.starts_with('@')
        || name.contains("@odata.");
    if is_off {
        return None;
    }
    let text = |member: &str| value.get(member).and_then(Value::as_str);
    let other =
        |name: &str, mode: Option<&str>| SessionControl::Other { name: name.to_owned(), mode: mode.map(str::to_owned) };
    let browser = |mode: Option<&str>| match mode {
        Some("always") => SessionControl::PersistentBrowser { is_always: true },
        Some("never") => SessionControl::PersistentBrowser { is_always: false },
        mode => other("persistentBrowser", mode),
    };
    Some(match name {
        "signInFrequency" => {
            let frequency = match text("frequencyInterval") {
                Some("everyTime") => Some(SignInFrequency::EveryTime),
                _ => value.get("value").and_then(Value::as_u64).and_then(|count| hours(count, text("type"))),
            };
            let is_secondary_only = text("authenticationType") == Some("secondaryAuthentication");
            match frequency {
                Some(frequency) => SessionControl::SignInFrequency { frequency, is_secondary_only },
                None => other(name, None),
            }
        }
        "persistentBrowser" => browser(text("mode")),
        "persistent_browser_mode" => browser(value.as_str()),
        "cloudAppSecurity" => other(name, text("cloudAppSecurityType")),
        "cloud_app_security_policy" => other("cloudAppSecurity", value.as_str()),
        "application_enforced_restrictions_enabled" => other("applicationEnforcedRestrictions", None),
        "disable_resilience_defaults" => other("disableResilienceDefaults", None),
        // Together they are one control, which is read on its own.
        name if name.starts_with("sign_in_frequency") => return None,
        _ => other(name, text("mode")),
    })
}

fn terraform_frequency(written: &Rest) -> Option<SessionControl> {
    let text = |name: &str| written.get(name).and_then(Value::as_str);
    let frequency = match text("sign_in_frequency_interval") {
        Some("everyTime") => SignInFrequency::EveryTime,
        _ => {
            let count = written.get("sign_in_frequency").filter(|count| !count.is_null())?;
            match count.as_u64().and_then(|count| hours(count, text("sign_in_frequency_period"))) {
                Some(frequency) => frequency,
                None => return Some(SessionControl::Other { name: "signInFrequency".to_owned(), mode: None }),
            }
        }
    };
    let is_secondary_only = text("sign_in_frequency_authentication_type") == Some("secondaryAuthentication");
    Some(SessionControl::SignInFrequency { frequency, is_secondary_only })
}

fn hours(count: u64, unit: Option<&str>) -> Option<SignInFrequency> {
    match unit {
        Some("hours") => Some(SignInFrequency::Hours(count)),
        Some("days") => count.checked_mul(24).map(SignInFrequency::Hours),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use breakglass_model::policy::ConditionalAccessPolicy;
    use serde_json::{Value, json};

    use super::{session_controls, strictest};

    fn policy(session: &Value) -> ConditionalAccessPolicy {
        let policy = json!({ "id": "p", "state": "enabled", "conditions": {}, "sessionControls": session });
        ConditionalAccessPolicy::from_value(policy, "p").unwrap()
    }

    fn words(sessions: &[Value]) -> Vec<String> {
        let policies: Vec<_> = sessions.iter().map(policy).collect();
        strictest(&policies).iter().map(|(control, by)| format!("{control} by {}", by.len())).collect()
    }

    #[test]
    fn controls_are_read() {
        let frequency = |rest: Value| {
            let mut all = json!({ "isEnabled": true, "frequencyInterval": "timeBased" });
            all.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            json!({ "signInFrequency": all })
        };
        for (session, expected) in [
            (Value::Null, vec![]),
            (json!({}), vec![]),
            (json!({ "signInFrequency": null, "disableResilienceDefaults": false }), vec![]),
            (frequency(json!({ "type": "hours", "value": 4 })), vec!["signInFrequency every 4 hours"]),
            (frequency(json!({ "type": "hours", "value": 1 })), vec!["signInFrequency every hour"]),
            (frequency(json!({ "type": "days", "value": 1 })), vec!["signInFrequency every 24 hours"]),
            (frequency(json!({ "type": "days", "value": 7 })), vec!["signInFrequency every 7 days"]),
            (frequency(json!({ "type": "days", "value": u64::MAX })), vec!["signInFrequency"]),
            (frequency(json!({ "type": "weeks", "value": 1 })), vec!["signInFrequency"]),
            (frequency(json!({ "type": "hours" })), vec!["signInFrequency"]),
            (frequency(json!({ "isEnabled": false, "type": "hours", "value": 4 })), vec![]),
            (
                frequency(json!({ "type": "hours", "value": 4, "authenticationType": "secondaryAuthentication" })),
                vec!["signInFrequency every 4 hours, second factor only"],
            ),
            (frequency(json!({ "frequencyInterval": "everyTime" })), vec!["signInFrequency every time"]),
            (json!({ "sign_in_frequency_interval": "everyTime" }), vec!["signInFrequency every time"]),
            (
                json!({ "sign_in_frequency": 2, "sign_in_frequency_period": "days", "persistent_browser_mode": "never" }),
                vec!["signInFrequency every 2 days", "persistentBrowser never"],
            ),
            (json!({ "persistentBrowser": { "isEnabled": true, "mode": "always" } }), vec!["persistentBrowser always"]),
            (json!({ "persistentBrowser": { "isEnabled": true, "mode": "new" } }), vec!["persistentBrowser new"]),
            (
                json!({ "cloudAppSecurity": { "isEnabled": true, "cloudAppSecurityType": "blockDownloads" } }),
                vec!["cloudAppSecurity blockDownloads"],
            ),
            (
                json!({ "continuousAccessEvaluation": { "mode": "disabled" } }),
                vec!["continuousAccessEvaluation disabled"],
            ),
            (json!({ "disableResilienceDefaults": true, "@odata.type": "x" }), vec!["disableResilienceDefaults"]),
            (json!({ "secureSignInSession": { "isEnabled": true } }), vec!["secureSignInSession"]),
        ] {
            let found: Vec<String> = session_controls(&policy(&session)).iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{session}");
        }
    }

    #[test]
    fn the_strictest_holds() {
        let every = |value: u64| json!({ "signInFrequency": { "isEnabled": true, "type": "hours", "value": value } });
        let browser = |mode: &str| json!({ "persistentBrowser": { "isEnabled": true, "mode": mode } });
        let app = |mode: &str| json!({ "cloudAppSecurity": { "isEnabled": true, "cloudAppSecurityType": mode } });
        let second = json!({ "signInFrequency": { "isEnabled": true, "frequencyInterval": "everyTime",
            "authenticationType": "secondaryAuthentication" } });
        for (sessions, expected) in [
            (vec![], vec![]),
            (vec![every(8), every(4), every(4), every(90)], vec!["signInFrequency every 4 hours by 2"]),
            (
                vec![every(8), second.clone()],
                vec!["signInFrequency every 8 hours by 1", "signInFrequency every time, second factor only by 1"],
            ),
            (
                vec![every(8), second.clone(), every(4), second.clone()],
                vec!["signInFrequency every 4 hours by 1", "signInFrequency every time, second factor only by 2"],
            ),
            (vec![browser("always"), browser("never")], vec!["persistentBrowser never by 1"]),
            (
                vec![app("monitorOnly"), app("blockDownloads")],
                vec!["cloudAppSecurity blockDownloads by 1", "cloudAppSecurity monitorOnly by 1"],
            ),
        ] {
            let mut found = words(&sessions);
            found.sort();
            let mut expected: Vec<String> = expected.iter().map(|text| (*text).to_owned()).collect();
            expected.sort();
            assert_eq!(found, expected, "{sessions:?}");
        }
    }
}
