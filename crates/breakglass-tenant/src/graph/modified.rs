//! What changed of an object, as the directory audit has it: each property with its old and its new value.
//!
//! **Source:** "directoryAudit", `modifiedProperty`; that values are JSON in brackets and names begin with a capital is as
//! records of Entra have it.

use serde_json::{Value, json};

use crate::state::Object;

/// Characters that a record keeps of one value; what is longer is cut.
const VALUE_CHARS_MAX: usize = 2_000;
/// The same of a whole object.
const WHOLE_CHARS_MAX: usize = 100_000;

/// The properties that differ between two states of an object, but for those that no record has.
pub(super) fn modified(old: &Object, new: &Object, hidden: &[&str]) -> Vec<Value> {
    let mut names: Vec<&String> =
        old.keys().chain(new.keys()).filter(|name| !hidden.contains(&name.as_str())).collect();
    names.sort_unstable();
    names.dedup();
    let value = |of: &Object, name: &str| of.get(name).filter(|value| !value.is_null()).cloned();
    let changed: Vec<(String, Option<Value>, Option<Value>)> = names
        .into_iter()
        .map(|name| (capital(name), value(old, name), value(new, name)))
        .filter(|(_, old, new)| old != new)
        .collect();
    if changed.is_empty() {
        return Vec::new();
    }
    let all = changed.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>().join(", ");
    let included = json!({ "displayName": "Included Updated Properties", "oldValue": Value::Null, "newValue": written(&json!(all), VALUE_CHARS_MAX) });
    let changed = changed.into_iter().map(
        |(name, old, new)| json!({ "displayName": name, "oldValue": in_brackets(old), "newValue": in_brackets(new) }),
    );
    changed.chain([included]).collect()
}

/// A whole object before and after, as records about policies have it.
pub(super) fn modified_whole(name: &str, old: Option<&Object>, new: Option<&Object>) -> Value {
    let whole = |object: Option<&Object>| object.map(|object| written(&Value::Object(object.clone()), WHOLE_CHARS_MAX));
    json!([{ "displayName": name, "oldValue": whole(old), "newValue": whole(new) }])
}

/// What somebody came to have, or has no more.
pub(super) fn gained_or_lost(name: &str, value: &str, is_gained: bool) -> Value {
    let value = json!(written(&json!(value), VALUE_CHARS_MAX));
    let (old, new) = if is_gained { (Value::Null, value) } else { (value, Value::Null) };
    json!({ "displayName": name, "oldValue": old, "newValue": new })
}

fn in_brackets(value: Option<Value>) -> String {
    let listed = match value {
        None => json!([]),
        Some(Value::Array(list)) => Value::Array(list),
        Some(one) => json!([one]),
    };
    written(&listed, VALUE_CHARS_MAX)
}

fn written(value: &Value, chars_max: usize) -> String {
    value.to_string().chars().take(chars_max).collect()
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::modified;

    #[test]
    fn what_differs_is_told_with_what_it_was() {
        let object = |value: Value| value.as_object().cloned().unwrap_or_default();
        let old =
            object(json!({ "accountEnabled": true, "jobTitle": null, "id": "1", "otherMails": ["a"], "secret": 1 }));
        let new = object(json!({ "accountEnabled": false, "jobTitle": "B", "id": "1", "otherMails": [], "secret": 2 }));
        let told = modified(&old, &new, &["secret"]);
        let told: Vec<(&str, Option<&str>, &str)> = told
            .iter()
            .map(|one| {
                (one["displayName"].as_str().unwrap(), one["oldValue"].as_str(), one["newValue"].as_str().unwrap())
            })
            .collect();
        assert_eq!(
            told,
            [
                ("AccountEnabled", Some("[true]"), "[false]"),
                ("JobTitle", Some("[]"), "[\"B\"]"),
                ("OtherMails", Some("[\"a\"]"), "[]"),
                ("Included Updated Properties", None, "\"AccountEnabled, JobTitle, OtherMails\""),
            ]
        );
        assert!(modified(&old, &old, &[]).is_empty());
    }
}
