//! What two whole snapshots differ in, as rows: what is written into the second one, and what is said of it.

use breakglass_model::proposal::{ChangeAction, DIFFERENCE_COUNT_MAX, difference};
use serde_json::{Value, json};

use crate::proposals::read_snapshot;

const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

fn tenant() -> Value {
    json!({ "format": "breakglass-snapshot/1",
        "users": [
            { "id": "u1", "userPrincipalName": "eins@contoso.example", "accountEnabled": true,
              "authenticationMethods": [{ "@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "id": "m" }] },
            { "id": "u2", "userPrincipalName": "zwei@contoso.example", "accountEnabled": true }],
        "groups": [{ "id": "g1", "displayName": "Exclusions", "members": ["u1", "u2"], "owners": ["u2"] }],
        "roleAssignments": [{ "principalId": "u1", "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/" }],
        "roleEligibilityScheduleInstances": [
            { "principalId": "u2", "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/", "endDateTime": null }],
        "conditionalAccessPolicies": [{ "id": "p1", "displayName": "MFA", "state": "enabled",
            "conditions": { "users": { "includeUsers": ["All"], "excludeGroups": ["g1"] } },
            "grantControls": { "operator": "OR", "builtInControls": ["mfa"] } }],
        "namedLocations": [{ "id": "n1", "displayName": "Office", "ipRanges": [{ "cidrAddress": "192.0.2.0/24" }] }],
        "authenticationStrengthPolicies": [{ "id": "s1", "displayName": "Strong", "allowedCombinations": ["fido2"] }],
        "authenticationMethodsPolicy": { "authenticationMethodConfigurations": [{ "id": "Fido2", "state": "enabled" }] },
        "identitySecurityDefaultsEnforcementPolicy": { "id": "x", "isEnabled": false } })
}

type Row = (&'static str, Value, &'static [&'static str]);

/// Where something is written into the second snapshot, what, and what is said of it.
fn rows() -> Vec<Row> {
    let user =
        |id: &str| json!({ "id": id, "userPrincipalName": format!("{id}@contoso.example"), "accountEnabled": true });
    vec![
        ("/users/1/accountEnabled", json!(false), &["user `zwei@contoso.example` changed: enabled -> disabled"]),
        ("/users/1", user("u3"), &["user `zwei@contoso.example` removed", "user `u3@contoso.example` added: enabled"]),
        (
            "/users/0/authenticationMethods",
            json!([]),
            &["user `eins@contoso.example` changed: authentication methods are others (1 -> 0)"],
        ),
        ("/groups/0/members", json!(["u2"]), &["group `Exclusions` changed: members -1 (`eins@contoso.example`)"]),
        ("/groups/0/members", Value::Null, &["group `Exclusions` changed: its members are not known any more"]),
        ("/groups/0/owners", json!(["u1", "u2"]), &["group `Exclusions` changed: owners +1 (`eins@contoso.example`)"]),
        ("/groups/0/membershipRule", json!("x"), &["group `Exclusions` changed: another rule gives its members"]),
        ("/groups", json!([]), &["group `Exclusions` removed"]),
        (
            "/roleAssignments/0/principalId",
            json!("u2"),
            &[
                "role `Global Administrator of eins@contoso.example` removed",
                "role `Global Administrator of zwei@contoso.example` added",
            ],
        ),
        (
            "/roleEligibilityScheduleInstances/0/endDateTime",
            json!("2027-01-01T00:00:00Z"),
            &["eligibility for the role `Global Administrator of zwei@contoso.example` changed: until no end -> \
               2027-01-01T00:00:00Z"],
        ),
        (
            "/roleAssignments/0/directoryScopeId",
            json!("/administrativeUnits/a"),
            &[
                "role `Global Administrator of eins@contoso.example` removed",
                "role `Global Administrator of eins@contoso.example over a part of the tenant` added",
            ],
        ),
        (
            "/conditionalAccessPolicies/0/conditions/users/excludeGroups",
            json!([]),
            &["policy `MFA` changed: excluded groups -1 (`Exclusions`)"],
        ),
        ("/conditionalAccessPolicies", json!([]), &["policy `MFA` removed: it was enabled"]),
        ("/namedLocations/0/isTrusted", json!(true), &["named location `Office` changed: trusted none -> yes"]),
        (
            "/authenticationStrengthPolicies/0/allowedCombinations",
            json!(["fido2", "password,sms"]),
            &["authentication strength `Strong` changed: combinations +1 (`password,sms`)"],
        ),
        (
            "/authenticationMethodsPolicy/authenticationMethodConfigurations/0/state",
            json!("disabled"),
            &["authentication method `Fido2` changed: state enabled -> disabled"],
        ),
        (
            "/identitySecurityDefaultsEnforcementPolicy/isEnabled",
            json!(true),
            &["switch `security defaults` changed: off -> on"],
        ),
        ("/groups/0/new", json!(1), &[]),
        ("/conditionalAccessPolicies/0/modifiedDateTime", json!("2026-01-01T00:00:00Z"), &[]),
    ]
}

#[test]
fn every_kind_of_change_is_said() {
    let before = read_snapshot(&tenant());
    assert!(difference(&before, &before).is_empty());
    for (pointer, value, expected) in rows() {
        let mut document = tenant();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        match document.pointer_mut(parent).unwrap() {
            Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
            parent => parent[name] = value,
        }
        let lines: Vec<String> =
            difference(&before, &read_snapshot(&document)).iter().map(ToString::to_string).collect();
        assert_eq!(lines, expected, "{pointer}");
    }
}

#[test]
fn what_an_incomplete_list_does_not_have_is_not_said_to_be_gone() {
    let before = read_snapshot(&tenant());
    let mut document = tenant();
    document.as_object_mut().unwrap().remove("conditionalAccessPolicies");
    document["users"] = json!([]);
    document["missing"] = json!([{ "resource": "users", "why": "403 Forbidden" }]);
    let after = read_snapshot(&document);
    let lines: Vec<String> = difference(&before, &after).iter().map(ToString::to_string).collect();
    let expected = [
        "list `users`: complete -> missing (403 Forbidden)",
        "list `conditionalAccessPolicies`: complete -> missing (not in the snapshot)",
    ];
    assert_eq!(lines, expected);
    let lines: Vec<String> = difference(&after, &before).iter().map(ToString::to_string).collect();
    assert_eq!(lines[0], "list `users`: missing (403 Forbidden) -> complete");
    assert_eq!(lines.len(), 2, "what was not known before is not new: {lines:?}");
}

#[test]
fn one_change_more_than_are_listed_is_counted() {
    let users = |count: usize| -> Value {
        let users = (0..count).map(|number| json!({ "id": format!("u{number}") })).collect::<Vec<_>>();
        json!({ "format": "breakglass-snapshot/1", "users": users })
    };
    let none = read_snapshot(&users(0));
    let changes = difference(&none, &read_snapshot(&users(DIFFERENCE_COUNT_MAX)));
    assert_eq!((changes.len(), changes.last().unwrap().action), (DIFFERENCE_COUNT_MAX, ChangeAction::Added));
    let changes = difference(&none, &read_snapshot(&users(DIFFERENCE_COUNT_MAX + 2)));
    assert_eq!(changes.len(), DIFFERENCE_COUNT_MAX + 1);
    assert_eq!(changes.last().unwrap().to_string(), "2 more changes are not listed");
}
