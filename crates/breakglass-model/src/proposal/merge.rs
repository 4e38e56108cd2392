//! What becomes of an object when a part of it is proposed.

use serde_json::{Map, Value};

use super::ProposalMode;

/// What a new policy must have.
pub(super) const NEEDED: [&str; 2] = ["state", "conditions"];

/// Properties that name another object: one that is given takes the place of the other whole.
const NAVIGATION: [&str; 1] = ["authenticationStrength"];

/// Properties by which kinds of named locations differ.
const COVERAGE: [&str; 3] = ["ipRanges", "countriesAndRegions", "compliantNetworkType"];

/// Whether a policy says everything that one says: its state, whom and what it is about, and what it demands.
pub(super) fn is_whole(policy: &Value) -> bool {
    let has = |name: &str| policy.get(name).is_some();
    let about = |name: &str| policy.get("conditions").is_some_and(|conditions| conditions.get(name).is_some());
    has("state")
        && about("applications")
        && (about("users") || about("clientApplications"))
        && (has("grantControls") || has("sessionControls"))
}

/// The object that a proposed one makes of one that is there. It keeps its id.
pub(super) fn merged_policy(known: &Value, proposed: &Value, mode: ProposalMode) -> Value {
    let is_replaced = mode != ProposalMode::Merge && is_whole(proposed);
    with_id_of(known, if is_replaced { proposed.clone() } else { merged(known, proposed) })
}

/// The named location that a proposed one makes of one that is there. It keeps its id.
pub(super) fn merged_location(known: &Value, proposed: &Value) -> Value {
    let kind = |location: &Value| COVERAGE.iter().find(|name| location.get(**name).is_some()).copied();
    let is_other = kind(proposed).is_some_and(|new| kind(known) != Some(new));
    with_id_of(known, if is_other { proposed.clone() } else { merged(known, proposed) })
}

fn with_id_of(known: &Value, mut object: Value) -> Value {
    if let (Some(members), Some(id)) = (object.as_object_mut(), known.get("id")) {
        members.insert("id".to_owned(), id.clone());
    }
    object
}

/// `PATCH`: objects are merged member by member, everything else takes the place of what is there.
fn merged(known: &Value, proposed: &Value) -> Value {
    let (Value::Object(was), Value::Object(new)) = (known, proposed) else { return proposed.clone() };
    let odata_type = |object: &Map<String, Value>| object.get("@odata.type").and_then(Value::as_str).map(str::to_owned);
    if odata_type(new).is_some_and(|new| odata_type(was).is_some_and(|was| was != new)) {
        return proposed.clone();
    }
    let mut result = was.clone();
    for (name, value) in new {
        let value = match was.get(name) {
            Some(known) if !NAVIGATION.contains(&name.as_str()) => merged(known, value),
            _ => value.clone(),
        };
        result.insert(name.clone(), value);
    }
    Value::Object(result)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{ProposalMode, is_whole, merged, merged_location, merged_policy};

    #[test]
    fn what_is_merged_and_what_is_replaced() {
        let cases: [(Value, Value, Value); 9] = [
            (json!({ "a": 1, "b": 2 }), json!({ "b": 3 }), json!({ "a": 1, "b": 3 })),
            (json!({ "a": { "x": 1, "y": 2 } }), json!({ "a": { "y": 3 } }), json!({ "a": { "x": 1, "y": 3 } })),
            (json!({ "a": [1, 2] }), json!({ "a": [3] }), json!({ "a": [3] })),
            (json!({ "a": [1] }), json!({ "a": [] }), json!({ "a": [] })),
            (json!({ "a": { "x": 1 } }), json!({ "a": null }), json!({ "a": null })),
            (json!({ "a": null }), json!({ "a": { "x": 1 } }), json!({ "a": { "x": 1 } })),
            (
                json!({ "authenticationStrength": { "id": "s", "allowedCombinations": ["fido2"] } }),
                json!({ "authenticationStrength": { "id": "t" } }),
                json!({ "authenticationStrength": { "id": "t" } }),
            ),
            (
                json!({ "t": { "@odata.type": "#one", "x": 1 } }),
                json!({ "t": { "@odata.type": "#other" } }),
                json!({ "t": { "@odata.type": "#other" } }),
            ),
            (
                json!({ "t": { "@odata.type": "#one", "x": 1 } }),
                json!({ "t": { "y": 2 } }),
                json!({ "t": { "@odata.type": "#one", "x": 1, "y": 2 } }),
            ),
        ];
        for (known, proposed, expected) in cases {
            assert_eq!(merged(&known, &proposed), expected, "{known} with {proposed}");
        }
    }

    #[test]
    fn a_whole_policy_takes_the_place_of_the_other_and_keeps_its_id() {
        let known = json!({ "id": "p", "displayName": "P", "state": "enabled", "templateId": "t" });
        let whole = json!({ "displayName": "P", "state": "disabled", "grantControls": null,
            "conditions": { "users": {}, "applications": {} } });
        assert!(is_whole(&whole));
        let mut expected = whole.clone();
        expected["id"] = json!("p");
        assert_eq!(merged_policy(&known, &whole, ProposalMode::Match), expected);
        let mut expected = whole.clone();
        expected["id"] = json!("p");
        expected["templateId"] = json!("t");
        assert_eq!(merged_policy(&known, &whole, ProposalMode::Merge), expected);
        let part = json!({ "id": "P", "state": "disabled" });
        let expected = json!({ "id": "p", "displayName": "P", "state": "disabled", "templateId": "t" });
        assert_eq!(merged_policy(&known, &part, ProposalMode::Match), expected);
    }

    #[test]
    fn a_location_of_another_kind_takes_the_place_of_the_other() {
        let known = json!({ "id": "n", "displayName": "N", "ipRanges": [{ "cidrAddress": "192.0.2.0/24" }] });
        let trusted = json!({ "displayName": "N", "isTrusted": true });
        assert_eq!(merged_location(&known, &trusted)["ipRanges"], known["ipRanges"]);
        let countries = json!({ "displayName": "N", "countriesAndRegions": ["NL"] });
        let expected = json!({ "displayName": "N", "countriesAndRegions": ["NL"], "id": "n" });
        assert_eq!(merged_location(&known, &countries), expected);
    }
}
