//! The settings of faults: which a kind has, what they may be, and what they are where they are left out.

use serde_json::{Map, Value, json};

use super::{FaultError, Kind, shown};
use crate::state::Object;

/// Longest time that a throttled client is told to wait, seconds.
const RETRY_AFTER_SECONDS_MAX: u64 = 3_600;
/// Longest time for which an answer is kept back, seconds.
const SLOW_SECONDS_MAX: u64 = 120;
/// How long it is where nothing else is said.
const SLOW_SECONDS: u64 = 10;
/// Longest time for which a record of a log is kept back, seconds: a week.
const LOG_SECONDS_MAX: u64 = 7 * 86_400;
/// How long all records are where nothing else is said: what Entra's are at most, usually.
const LOG_LAG_SECONDS: u64 = 300;
/// How long every second record is.
const LOG_LATE_SECONDS: u64 = 900;
/// How far the clock is moved at most, seconds: ten years.
const CLOCK_SECONDS_MAX: i64 = 10 * 365 * 86_400;
/// Levels of risk.
const LEVELS: [&str; 4] = ["none", "low", "medium", "high"];

/// How long Graph answers `Retry-After`.
pub(super) const RETRY_AFTER: &str = "retryAfterSeconds";
/// How long an answer is kept back.
pub(super) const SECONDS: &str = "seconds";
/// By how much the clock is moved.
pub(super) const BY: &str = "by";
pub(super) const USER_RISK: &str = "userRisk";
pub(super) const SIGN_IN_RISK: &str = "signInRisk";
/// How passwords of synchronised users are checked.
pub(super) const SIGN_IN: &str = "signIn";
/// By agents on premises.
pub(super) const PASS_THROUGH: &str = "passThrough";
/// By their hashes in the cloud.
const PASSWORD_HASH_SYNC: &str = "passwordHashSync";

/// The settings of a fault as they are kept.
pub(super) fn checked(kind: Kind, given: &Object) -> Result<Object, FaultError> {
    let has: &[&'static str] = match kind {
        Kind::Graph429 => &[RETRY_AFTER],
        Kind::Slow | Kind::LogLag | Kind::LogLate => &[SECONDS],
        Kind::Clock => &[BY],
        Kind::Risk => &[USER_RISK, SIGN_IN_RISK],
        Kind::OnPremisesDown => &[SIGN_IN],
        _ => &[],
    };
    if let Some(other) = given.keys().find(|name| !has.contains(&name.as_str())) {
        return Err(FaultError::NoSetting(kind.name(), shown(other)));
    }
    let mut settings = Map::new();
    match kind {
        Kind::Graph429 => {
            if let Some(seconds) = whole(given, RETRY_AFTER, (0, RETRY_AFTER_SECONDS_MAX))? {
                settings.insert(RETRY_AFTER.to_owned(), json!(seconds));
            }
        }
        Kind::Slow => {
            let seconds = whole(given, SECONDS, (1, SLOW_SECONDS_MAX))?.unwrap_or(SLOW_SECONDS);
            settings.insert(SECONDS.to_owned(), json!(seconds));
        }
        Kind::LogLag | Kind::LogLate => {
            let usual = if kind == Kind::LogLag { LOG_LAG_SECONDS } else { LOG_LATE_SECONDS };
            let seconds = whole(given, SECONDS, (1, LOG_SECONDS_MAX))?.unwrap_or(usual);
            settings.insert(SECONDS.to_owned(), json!(seconds));
        }
        Kind::Clock => {
            let by = given.get(BY).and_then(Value::as_str).unwrap_or_default();
            let seconds = seconds_of(by).filter(|seconds| *seconds != 0 && seconds.abs() <= CLOCK_SECONDS_MAX);
            let expected = || "a time other than 0, of at most ten years: `3h`, `-10m`, `90d`, `30s`".to_owned();
            let seconds = seconds.ok_or_else(|| FaultError::Setting(BY, expected()))?;
            settings.insert(BY.to_owned(), json!(by));
            settings.insert("bySeconds".to_owned(), json!(seconds));
        }
        Kind::Risk => {
            let (user, sign_in) = (word(given, USER_RISK, &LEVELS)?, word(given, SIGN_IN_RISK, &LEVELS)?);
            let (user, sign_in) = match (user, sign_in) {
                (None, None) => ("high", "high"),
                (user, sign_in) => (user.unwrap_or("none"), sign_in.unwrap_or("none")),
            };
            if (user, sign_in) == ("none", "none") {
                let why = "`none` as the other risk is, so that there is none: switch the fault off";
                return Err(FaultError::Setting(USER_RISK, why.to_owned()));
            }
            settings.insert(USER_RISK.to_owned(), json!(user));
            settings.insert(SIGN_IN_RISK.to_owned(), json!(sign_in));
        }
        Kind::OnPremisesDown => {
            let known = [PASSWORD_HASH_SYNC, PASS_THROUGH];
            let sign_in = word(given, SIGN_IN, &known)?.unwrap_or(PASSWORD_HASH_SYNC);
            settings.insert(SIGN_IN.to_owned(), json!(sign_in));
        }
        _ => {}
    }
    Ok(settings)
}

/// A whole number within limits.
fn whole(given: &Object, name: &'static str, (least, most): (u64, u64)) -> Result<Option<u64>, FaultError> {
    let Some(value) = given.get(name) else { return Ok(None) };
    let number = value.as_u64().filter(|number| (least..=most).contains(number));
    let expected = || FaultError::Setting(name, format!("a whole number of seconds from {least} to {most}"));
    number.map(Some).ok_or_else(expected)
}

/// One of a few words.
fn word<'w>(given: &Object, name: &'static str, words: &[&'w str]) -> Result<Option<&'w str>, FaultError> {
    let Some(value) = given.get(name) else { return Ok(None) };
    let found = words.iter().find(|word| value.as_str() == Some(word)).copied();
    let listed = || words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    found.map(Some).ok_or_else(|| FaultError::Setting(name, format!("one of {}", listed())))
}

/// The seconds of a number with a unit: `3h`, `-10m`.
fn seconds_of(text: &str) -> Option<i64> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    digits.parse::<i64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{checked, seconds_of};
    use crate::faults::Kind;

    #[test]
    fn times_are_numbers_with_a_unit() {
        for (text, seconds) in [
            ("3h", Some(10_800)),
            ("-10m", Some(-600)),
            ("90d", Some(7_776_000)),
            ("+5s", Some(5)),
            ("5", None),
            ("", None),
            ("h", None),
            ("1w", None),
            ("9223372036854775807d", None),
            ("1.5h", None),
            ("5ä", None),
        ] {
            assert_eq!(seconds_of(text), seconds, "{text}");
        }
    }

    #[test]
    fn settings_are_of_their_kind_and_within_their_limits() {
        let check = |kind, given: Value| checked(kind, given.as_object().unwrap()).map(Value::Object);
        assert_eq!(check(Kind::Risk, json!({})).unwrap(), json!({ "userRisk": "high", "signInRisk": "high" }));
        let one = check(Kind::Risk, json!({ "signInRisk": "low" })).unwrap();
        assert_eq!(one, json!({ "userRisk": "none", "signInRisk": "low" }));
        assert_eq!(check(Kind::Slow, json!({})).unwrap(), json!({ "seconds": 10 }));
        assert_eq!(check(Kind::Graph429, json!({})).unwrap(), json!({}));
        for (kind, given) in [
            (Kind::Risk, json!({ "userRisk": "none" })),
            (Kind::Risk, json!({ "userRisk": "High" })),
            (Kind::Slow, json!({ "seconds": 0 })),
            (Kind::Slow, json!({ "seconds": 121 })),
            (Kind::Slow, json!({ "seconds": "5" })),
            (Kind::Graph429, json!({ "retryAfterSeconds": 3_601 })),
            (Kind::Graph429, json!({ "seconds": 1 })),
            (Kind::Graph503, json!({ "retryAfterSeconds": 1 })),
            (Kind::MfaOutage, json!({ "userRisk": "high" })),
            (Kind::LogLag, json!({ "seconds": 604_801 })),
            (Kind::LogDuplicates, json!({ "seconds": 1 })),
            (Kind::Clock, json!({})),
            (Kind::Clock, json!({ "by": "0s" })),
            (Kind::Clock, json!({ "by": "3651d" })),
            (Kind::OnPremisesDown, json!({ "signIn": "pta" })),
        ] {
            assert!(check(kind, given.clone()).is_err(), "{kind:?} {given}");
        }
    }
}
