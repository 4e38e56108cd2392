//! Temporary access passes: what one may be made like, and what is said of one that there is.
//!
//! **Source:** "Create temporaryAccessPassMethod"; "temporaryAccessPassAuthenticationMethod resource type";
//! "temporaryAccessPassAuthenticationMethodConfiguration resource type". A pass is made for whomever it is asked for, and
//! those whom the policy does not let use it are told so by its state. By how much a beginning may be past is our own.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Request;
use super::authentication::Made;
use super::error::GraphError;
use super::properties::{Kind, Part, Wrong};
use crate::clock::written;
use crate::random;
use crate::seed::pass_of;
use crate::sign_in::first_factor::ONE_TIME_USED;
use crate::sign_in::methods::{configuration, may_use};
use crate::state::{Directory, Object, text};

/// Graph's type of a pass.
pub(super) const ODATA_TYPE: &str = "#microsoft.graph.temporaryAccessPassAuthenticationMethod";
/// Minutes for which a pass is good where neither the request nor the policy says it.
const MINUTES: i64 = 60;
/// Minutes for which one may be good, whatever the policy says.
const MINUTES_MIN: i64 = 10;
const MINUTES_MAX: i64 = 43_200;
/// Characters of one, as the policy may have them.
const LENGTH_CHARS_MIN: i64 = 8;
const LENGTH_CHARS_MAX: i64 = 48;
/// Minutes by which the beginning of a new pass may be past: clocks differ, and requests take their time.
const LATE_MINUTES_MAX: i64 = 5;
/// The name of the kind in the authentication methods policy.
const KIND: &str = "TemporaryAccessPass";

/// What a request may say of a new pass.
static PASS: Part = Part {
    name: "temporaryAccessPassAuthenticationMethod",
    of_kind: &[
        (Kind::Instant, &["startDateTime"]),
        (Kind::Number, &["lifetimeInMinutes"]),
        (Kind::Flag, &["isUsableOnce"]),
        (Kind::Text, &READ_ONLY),
    ],
};
/// What nobody says of one.
const READ_ONLY: [&str; 5] = ["createdDateTime", "id", "isUsable", "methodUsabilityReason", "temporaryAccessPass"];

/// Refuses what the authentication methods policy cannot say of passes: how long they last and how long they are.
pub(super) fn check_policy(configuration: &Object) -> Result<(), GraphError> {
    let number = |name: &str| configuration.get(name).and_then(Value::as_i64);
    let minutes = |name: &str, usual: i64| {
        let minutes = number(name).unwrap_or(usual);
        let is_good = (MINUTES_MIN..=MINUTES_MAX).contains(&minutes);
        let why = || refused(name, &format!("it is {MINUTES_MIN} to {MINUTES_MAX} minutes"));
        is_good.then_some(minutes).ok_or_else(why)
    };
    let least = minutes("minimumLifetimeInMinutes", MINUTES_MIN)?;
    let most = minutes("maximumLifetimeInMinutes", MINUTES_MAX)?;
    let usual = minutes("defaultLifetimeInMinutes", MINUTES.max(least).min(most))?;
    if least > most {
        return Err(refused("minimumLifetimeInMinutes", "it is above the maximum"));
    }
    if !(least..=most).contains(&usual) {
        return Err(refused("defaultLifetimeInMinutes", "it is between the minimum and the maximum"));
    }
    if number("defaultLength").is_some_and(|length| !(LENGTH_CHARS_MIN..=LENGTH_CHARS_MAX).contains(&length)) {
        let why = format!("a Temporary Access Pass has {LENGTH_CHARS_MIN} to {LENGTH_CHARS_MAX} characters");
        return Err(refused("defaultLength", &why));
    }
    Ok(())
}

/// A new pass.
pub(super) fn made(request: &Request<'_>, user: &str, body: &Object) -> Result<Made, GraphError> {
    check(body)?;
    let now = request.tenant.clock.now();
    let directory = request.tenant.state.read();
    let (minutes, is_once) = settled(configuration(&directory, KIND), body)?;
    drop(directory);
    let from = match text(body, "startDateTime").and_then(|from| from.parse::<Timestamp>().ok()) {
        Some(from) if now.duration_since(from) > SignedDuration::from_mins(LATE_MINUTES_MAX) => {
            return Err(refused("startDateTime", "it is past"));
        }
        Some(from) => from,
        None => now,
    };
    let id = random::uuid()?;
    let pass = random::token()?.chars().filter(char::is_ascii_alphanumeric).take(12).collect::<String>();
    let mut method = Object::new();
    let properties = [
        ("@odata.type", json!(ODATA_TYPE)),
        ("id", json!(id)),
        ("startDateTime", json!(written(from))),
        ("lifetimeInMinutes", json!(minutes)),
        ("isUsableOnce", json!(is_once)),
    ];
    method.extend(properties.map(|(name, value)| (name.to_owned(), value)));
    let secret = pass_of((user, &id), &method, request.tenant.hashed(&pass)?);
    Ok((method, Some(secret), vec![("temporaryAccessPass", json!(pass))]))
}

fn check(body: &Object) -> Result<(), GraphError> {
    match PASS.find_wrong(body) {
        Some(Wrong::Name { name, of }) => {
            return Err(GraphError::bad_request(format!("There is no '{name}' in 'microsoft.graph.{of}'.")));
        }
        Some(Wrong::Value { name }) if !READ_ONLY.contains(&name.as_str()) => {
            return Err(refused(&name, "it is of another type"));
        }
        _ => {}
    }
    match READ_ONLY.iter().find(|name| body.get(**name).is_some_and(|value| !value.is_null())) {
        Some(name) => Err(GraphError::bad_request(format!("Property '{name}' is read-only and cannot be set."))),
        None => Ok(()),
    }
}

/// For how long a pass is good, and whether once: what is asked for, within what the policy allows.
fn settled(policy: Option<&Object>, body: &Object) -> Result<(i64, bool), GraphError> {
    let minutes = |name: &str| policy.and_then(|policy| policy.get(name)?.as_i64());
    let least = minutes("minimumLifetimeInMinutes").unwrap_or(MINUTES_MIN).max(MINUTES_MIN);
    let most = minutes("maximumLifetimeInMinutes").unwrap_or(MINUTES_MAX).min(MINUTES_MAX);
    let asked = body.get("lifetimeInMinutes").and_then(Value::as_i64);
    let usual = minutes("defaultLifetimeInMinutes").unwrap_or(MINUTES).max(least).min(most);
    let lasts = asked.unwrap_or(usual);
    if !(least..=most).contains(&lasts) {
        return Err(refused("lifetimeInMinutes", &format!("a Temporary Access Pass lasts {least} to {most} minutes")));
    }
    let is_once_only = policy.and_then(|policy| policy.get("isUsableOnce")?.as_bool()) == Some(true);
    let is_once = body.get("isUsableOnce").and_then(Value::as_bool).unwrap_or(is_once_only);
    if is_once_only && !is_once {
        return Err(refused("isUsableOnce", "the authentication methods policy allows passes that are good once"));
    }
    Ok((lasts, is_once))
}

fn refused(name: &str, why: &str) -> GraphError {
    GraphError::bad_request(format!("Invalid value specified for property '{name}': {why}."))
}

/// Says of a pass whether it can be used now, and why.
pub(super) fn tell_state(directory: &Directory, user: &Object, (method, now): (&mut Object, Timestamp)) {
    if text(method, "@odata.type") != Some(ODATA_TYPE) {
        return;
    }
    let instant = |name: &str| text(method, name).and_then(|at| at.parse::<Timestamp>().ok());
    let from = instant("startDateTime").or_else(|| instant("createdDateTime"));
    let minutes = method.get("lifetimeInMinutes").and_then(Value::as_i64);
    let until = from.zip(minutes).and_then(|(from, minutes)| from.checked_add(SignedDuration::from_mins(minutes)).ok());
    let reason = if text(method, "methodUsabilityReason") == Some(ONE_TIME_USED) {
        ONE_TIME_USED
    } else if until.is_some_and(|until| until <= now) {
        "Expired"
    } else if !may_use(directory, user, KIND) {
        "DisabledByPolicy"
    } else if from.is_some_and(|from| now < from) {
        "NotYetValid"
    } else {
        ENABLED
    };
    method.insert("isUsable".to_owned(), json!(reason == ENABLED));
    method.insert("methodUsabilityReason".to_owned(), json!(reason));
}

const ENABLED: &str = "EnabledByPolicy";

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{check_policy, settled};
    use crate::state::Object;

    fn object(value: Value) -> Object {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn a_policy_contradicts_neither_itself_nor_the_limits() {
        for (configuration, is_good) in [
            (json!({}), true),
            (json!({ "minimumLifetimeInMinutes": 10, "maximumLifetimeInMinutes": 43_200, "defaultLength": 8 }), true),
            (json!({ "minimumLifetimeInMinutes": 120, "maximumLifetimeInMinutes": 120 }), true),
            (json!({ "defaultLifetimeInMinutes": null, "defaultLength": 48 }), true),
            (json!({ "minimumLifetimeInMinutes": 9 }), false),
            (json!({ "maximumLifetimeInMinutes": 43_201 }), false),
            (json!({ "defaultLifetimeInMinutes": 0 }), false),
            (json!({ "minimumLifetimeInMinutes": 61, "maximumLifetimeInMinutes": 60 }), false),
            (json!({ "minimumLifetimeInMinutes": 61, "defaultLifetimeInMinutes": 60 }), false),
            (json!({ "maximumLifetimeInMinutes": 60, "defaultLifetimeInMinutes": 61 }), false),
            (json!({ "defaultLength": 7 }), false),
            (json!({ "defaultLength": 49 }), false),
        ] {
            assert_eq!(check_policy(&object(configuration.clone())).is_ok(), is_good, "{configuration}");
        }
    }

    #[test]
    fn a_pass_is_as_the_policy_allows() {
        let policy = object(json!({ "minimumLifetimeInMinutes": 60, "maximumLifetimeInMinutes": 480,
            "defaultLifetimeInMinutes": 120, "isUsableOnce": true }));
        for (body, expected) in [
            (json!({}), Some((120, true))),
            (json!({ "lifetimeInMinutes": 60, "isUsableOnce": true }), Some((60, true))),
            (json!({ "lifetimeInMinutes": 480, "isUsableOnce": null }), Some((480, true))),
            (json!({ "lifetimeInMinutes": 59 }), None),
            (json!({ "lifetimeInMinutes": 481 }), None),
            (json!({ "isUsableOnce": false }), None),
        ] {
            assert_eq!(settled(Some(&policy), &object(body.clone())).ok(), expected, "{body}");
        }
        for (body, expected) in [
            (json!({}), Some((60, false))),
            (json!({ "lifetimeInMinutes": 10 }), Some((10, false))),
            (json!({ "lifetimeInMinutes": 9 }), None),
            (json!({ "lifetimeInMinutes": 43_201 }), None),
        ] {
            assert_eq!(settled(None, &object(body.clone())).ok(), expected, "{body}");
        }
    }
}
