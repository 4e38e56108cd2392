//! Conditional Access policies that Entra does not take.

use serde_json::{Value, json};

use super::world::{World, id};

const POLICIES: &str = "/identity/conditionalAccess/policies";
const NOBODY: &str = "00000000-0000-4000-8000-0000000000ff";

/// A good policy with other values at some places, each a path with dots.
fn policy(changes: &[(&str, Value)]) -> Value {
    let mut body = json!({ "displayName": "P", "state": "disabled",
        "conditions": { "clientAppTypes": ["all"], "users": { "includeUsers": ["All"] },
            "applications": { "includeApplications": ["All"] } },
        "grantControls": { "operator": "OR", "builtInControls": ["mfa"] } });
    for (path, value) in changes {
        let place = path.split('.').fold(&mut body, |part, name| &mut part[name]);
        *place = value.clone();
    }
    body
}

const STRENGTH: &str = "grantControls.authenticationStrength";
const ACTIONS: &str = "conditions.applications.includeUserActions";
const CONTEXTS: &str = "conditions.applications.includeAuthenticationContextClassReferences";
const RESOURCES: &str = "conditions.applications.includeApplications";
const BUILT_IN: &str = "grantControls.builtInControls";
const FREQUENCY: &str = "sessionControls.signInFrequency";
const FILTER: &str = "conditions.devices.deviceFilter";

const BROWSER: &str = "sessionControls.persistentBrowser";

fn persistent() -> Value {
    json!({ "isEnabled": true, "mode": "never" })
}

fn workloads() -> Value {
    json!({ "includeServicePrincipals": ["ServicePrincipalsInMyTenant"], "excludeServicePrincipals": [] })
}

fn impossible() -> Vec<(&'static str, Vec<(&'static str, Value)>)> {
    let strength = json!({ "id": "00000000-0000-0000-0000-000000000004" });
    vec![
        ("block with mfa", vec![(BUILT_IN, json!(["block", "mfa"]))]),
        ("block with a strength", vec![(BUILT_IN, json!(["block"])), (STRENGTH, strength.clone())]),
        ("mfa with a strength", vec![(STRENGTH, strength)]),
        ("no strength that there is", vec![(BUILT_IN, json!([])), (STRENGTH, json!({ "id": NOBODY }))]),
        ("resources and actions", vec![(ACTIONS, json!(["urn:user:registersecurityinfo"]))]),
        ("resources and contexts", vec![(CONTEXTS, json!(["c1"]))]),
        ("a context that is none", vec![(RESOURCES, json!([])), (CONTEXTS, json!(["c100"]))]),
        ("an action that is none", vec![(RESOURCES, json!([])), (ACTIONS, json!(["urn:user:sing"]))]),
        (
            "a device that registers and is compliant",
            vec![
                (RESOURCES, json!([])),
                (ACTIONS, json!(["urn:user:registerdevice"])),
                (BUILT_IN, json!(["compliantDevice"])),
            ],
        ),
        ("no target", vec![(RESOURCES, json!([]))]),
        ("an application by its name", vec![(RESOURCES, json!(["Exchange"]))]),
        ("nobody", vec![("conditions.users", json!({ "includeUsers": [] }))]),
        ("no users", vec![("conditions.users", Value::Null)]),
        ("no conditions", vec![("conditions", json!({}))]),
        ("no control", vec![(BUILT_IN, json!([]))]),
        ("no controls", vec![("grantControls", Value::Null)]),
        ("no session control that is on", vec![("grantControls", Value::Null), ("sessionControls", json!({}))]),
        ("a user who is not there", vec![("conditions.users.excludeUsers", json!([NOBODY]))]),
        ("a user by name", vec![("conditions.users.includeUsers", json!(["anna@contoso.onmicrosoft.com"]))]),
        ("a group that is not there", vec![("conditions.users.excludeGroups", json!([NOBODY]))]),
        ("a user as a group", vec![("conditions.users.includeGroups", json!([id("anna")]))]),
        ("a role that is not there", vec![("conditions.users.includeRoles", json!([NOBODY]))]),
        ("every role", vec![("conditions.users.includeRoles", json!(["All"]))]),
        ("a location that is not there", vec![("conditions.locations.includeLocations", json!([NOBODY]))]),
        ("a filter that is none", vec![(FILTER, json!({ "mode": "include", "rule": "device.color = red" }))]),
        ("a filter without a mode", vec![(FILTER, json!({ "rule": "device.isCompliant -eq True" }))]),
        ("a mode that is none", vec![(FILTER, json!({ "mode": "maybe", "rule": "device.isCompliant -eq True" }))]),
        ("a risk that is none", vec![("conditions.signInRiskLevels", json!(["superhigh"]))]),
        ("a client that is none", vec![("conditions.clientAppTypes", json!(["fax"]))]),
        ("a platform of the future", vec![("conditions.platforms.includePlatforms", json!(["unknownFutureValue"]))]),
        ("a control that is none", vec![(BUILT_IN, json!(["hope"]))]),
        ("an operator that is none", vec![("grantControls.operator", json!("XOR"))]),
        ("a state that is none", vec![("state", json!("on"))]),
        ("weeks", vec![(FREQUENCY, json!({ "isEnabled": true, "type": "weeks", "value": 1 }))]),
        ("never", vec![(FREQUENCY, json!({ "isEnabled": true, "type": "hours", "value": 0 }))]),
        ("how often", vec![(FREQUENCY, json!({ "isEnabled": true }))]),
        ("a property that is none", vec![("foo", json!("bar"))]),
        ("a condition that is none", vec![("conditions.foo", json!("bar"))]),
        ("users as a text", vec![("conditions.users", json!("All"))]),
        ("a list as a text", vec![("conditions.users.includeUsers", json!("All"))]),
        ("no name", vec![("displayName", json!(" "))]),
        ("no client", vec![("conditions.clientAppTypes", json!([]))]),
        ("a browser session of one application", vec![(RESOURCES, json!([NOBODY])), (BROWSER, persistent())]),
        ("workloads with mfa", vec![("conditions.clientApplications", workloads())]),
        (
            "workloads with block and mfa",
            vec![("conditions.clientApplications", workloads()), (BUILT_IN, json!(["block", "mfa"]))],
        ),
        ("a changed password of everybody", vec![(BUILT_IN, json!(["passwordChange"]))]),
    ]
}

#[test]
fn an_impossible_policy_is_not_made() {
    let world = World::new("impossible");
    let token = world.user("ca");
    for (what, changes) in impossible() {
        let refused = world.graph(&token, ("POST", POLICIES), Some(policy(&changes)));
        assert_eq!((refused.status, refused.code().as_str()), (400, "BadRequest"), "{what}: {}", refused.text);
    }
    assert!(world.list(&token, POLICIES).is_empty());
    let list = world.graph(&token, ("POST", POLICIES), Some(json!([])));
    assert_eq!(list.status, 400);
}

#[test]
fn a_policy_does_not_become_impossible() {
    let world = World::new("becomes-impossible");
    let token = world.user("ca");
    let made = world.graph(&token, ("POST", POLICIES), Some(policy(&[])));
    assert_eq!(made.status, 201, "{}", made.text);
    let before = made.json();
    let path = format!("{POLICIES}/{}", before["id"].as_str().unwrap());
    for (what, changes) in impossible() {
        let refused = world.graph(&token, ("PATCH", &path), Some(policy(&changes)));
        let is_merged = matches!(what, "no conditions");
        assert_eq!(refused.status, if is_merged { 204 } else { 400 }, "{what}: {}", refused.text);
    }
    for body in [
        json!({ "id": NOBODY }),
        json!({ "createdDateTime": "2020-01-01T00:00:00Z" }),
        json!({ "modifiedDateTime": "2020-01-01T00:00:00Z" }),
    ] {
        assert_eq!(world.graph(&token, ("PATCH", &path), Some(body.clone())).status, 400, "{body}");
    }
    let own = json!({ "id": before["id"], "createdDateTime": before["createdDateTime"], "displayName": "Q" });
    assert_eq!(world.graph(&token, ("PATCH", &path), Some(own)).status, 204);
    let after = world.graph(&token, ("GET", &path), None).json();
    assert_eq!((&after["displayName"], &after["conditions"]), (&json!("Q"), &before["conditions"]));
}

#[test]
fn possible_policies_are_taken() {
    let world = World::new("possible");
    let (token, ga) = (world.user("ca"), world.user("ga"));
    let group = json!({ "displayName": "G", "mailNickname": "g", "mailEnabled": false, "securityEnabled": true });
    let group = world.graph(&ga, ("POST", "/groups"), Some(group)).json()["id"].clone();
    let location = json!({ "@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": "NL",
        "countriesAndRegions": ["NL"] });
    let location =
        world.graph(&token, ("POST", "/identity/conditionalAccess/namedLocations"), Some(location)).json()["id"]
            .clone();
    let strength = json!({ "id": "00000000-0000-0000-0000-000000000004" });
    for changes in [
        vec![("conditions.users", json!({ "includeUsers": ["None"] }))],
        vec![("conditions.users", json!({ "includeGroups": [group], "excludeUsers": [id("anna")] }))],
        vec![("conditions.users", json!({ "includeRoles": [super::world::GLOBAL_ADMINISTRATOR] }))],
        vec![(
            "conditions.locations",
            json!({ "includeLocations": ["All"], "excludeLocations": [location, "AllTrusted"] }),
        )],
        vec![(RESOURCES, json!(["None"]))],
        vec![(RESOURCES, json!([])), (ACTIONS, json!(["urn:user:registerdevice"]))],
        vec![(BUILT_IN, json!([])), (STRENGTH, strength)],
        vec![(FILTER, json!({ "mode": "exclude", "rule": "device.isCompliant -eq True" }))],
        vec![("grantControls", Value::Null), (FREQUENCY, json!({ "isEnabled": true, "type": "hours", "value": 4 }))],
        vec![
            ("grantControls", json!({ "operator": "AND", "builtInControls": ["mfa", "passwordChange"] })),
            ("conditions.userRiskLevels", json!(["high"])),
        ],
    ] {
        let made = world.graph(&token, ("POST", POLICIES), Some(policy(&changes)));
        assert_eq!(made.status, 201, "{changes:?}: {}", made.text);
    }
}

#[test]
fn whom_a_policy_names_already_may_have_been_deleted() {
    let world = World::new("named-before");
    let (token, ga) = (world.user("ca"), world.user("ga"));
    let changes = [("conditions.users.excludeUsers", json!([id("bert")]))];
    let made = world.graph(&token, ("POST", POLICIES), Some(policy(&changes))).json();
    let path = format!("{POLICIES}/{}", made["id"].as_str().unwrap());
    assert_eq!(world.graph(&ga, ("DELETE", &format!("/users/{}", id("bert"))), None).status, 204);
    let users = |out: Value| json!({ "conditions": { "users": { "includeUsers": ["All"], "excludeUsers": out } } });
    let change = |body: Value| world.graph(&token, ("PATCH", &path), Some(body)).status;
    assert_eq!(change(json!({ "state": "enabledForReportingButNotEnforced" })), 204);
    assert_eq!(change(users(json!([id("bert"), id("anna")]))), 204);
    assert_eq!(change(users(json!([id("anna")]))), 204);
    assert_eq!(change(users(json!([id("anna"), id("bert")]))), 400, "now it would be new");
}

#[test]
fn the_audit_has_the_policy_before_and_after() {
    let world = World::new("policy-audit");
    let (token, ga) = (world.user("ca"), world.user("ga"));
    let made = world.graph(&token, ("POST", POLICIES), Some(policy(&[]))).json();
    let path = format!("{POLICIES}/{}", made["id"].as_str().unwrap());
    assert_eq!(world.graph(&token, ("PATCH", &path), Some(json!({ "displayName": "Q" }))).status, 204);
    assert_eq!(world.graph(&token, ("DELETE", &path), None).status, 204);
    let records = world.list(&ga, "/auditLogs/directoryAudits");
    let names = |record: &Value| {
        let one = &record["targetResources"][0]["modifiedProperties"][0];
        assert_eq!(one["displayName"], "ConditionalAccessPolicy");
        ["oldValue", "newValue"].map(|side| {
            let policy: Option<Value> = one[side].as_str().map(|text| serde_json::from_str(text).unwrap());
            policy.map(|policy| policy["displayName"].as_str().unwrap().to_owned())
        })
    };
    let (p, q) = (Some("P".to_owned()), Some("Q".to_owned()));
    assert_eq!(names(&records[0]), [q.clone(), None]);
    assert_eq!(names(&records[1]), [p.clone(), q]);
    assert_eq!(names(&records[2]), [None, p]);
}

#[test]
fn what_a_policy_leaves_out_is_taken_as_null() {
    let world = World::new("left-out");
    let token = world.user("ca");
    let users = json!({ "includeUsers": [id("bert")] });
    let applications = json!({ "includeApplications": ["All"] });
    let conditions = json!({ "users": users, "applications": applications });
    let session = json!({ "signInFrequency": { "isEnabled": true, "type": "hours", "value": 4 } });
    let strength = json!({ "authenticationStrength": { "id": "00000000-0000-0000-0000-000000000004" } });
    for (part, controls) in [
        ("sessionControls", session.clone()),
        ("grantControls", json!({ "operator": "OR", "builtInControls": ["mfa"] })),
        ("grantControls", strength),
    ] {
        let body = json!({ "displayName": "P", "state": "disabled", "conditions": conditions, part: controls });
        let made = world.graph(&token, ("POST", POLICIES), Some(body));
        assert_eq!(made.status, 201, "{}", made.text);
        let made = made.json();
        for name in ["grantControls", "sessionControls"].iter().filter(|name| **name != part) {
            assert_eq!(made[*name], Value::Null);
        }
        assert_eq!(
            (&made["conditions"]["locations"], &made["conditions"]["signInRiskLevels"]),
            (&Value::Null, &json!([]))
        );
    }
    let body = json!({ "displayName": "P", "state": "enabled", "conditions": conditions, "sessionControls": session });
    let made = world.graph(&token, ("POST", POLICIES), Some(body)).json();
    let path = format!("{POLICIES}/{}", made["id"].as_str().unwrap());
    world.user("bert");
    let change = json!({ "grantControls": { "operator": "OR", "termsOfUse": [] } });
    assert_eq!(world.graph(&token, ("PATCH", &path), Some(change)).status, 204);
    world.user("bert");
    let two = json!({ "grantControls": { "builtInControls": ["mfa", "compliantDevice"] } });
    let refused = world.graph(&token, ("PATCH", &path), Some(two));
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("'grantControls.operator' is needed") && !refused.text.contains("export"));
}

#[test]
fn nobody_knows_what_a_seeded_policy_demands_that_leaves_it_out() {
    let policy = json!({ "id": NOBODY, "displayName": "P", "state": "enabled", "sessionControls": Value::Null,
        "conditions": { "clientAppTypes": ["all"], "users": { "includeUsers": [id("bert")] },
            "applications": { "includeApplications": ["All"] } } });
    let world = World::with("left-out-of-a-seed", &[], json!({ "conditionalAccessPolicies": [policy] }));
    assert_eq!(world.refused("bert"), 53_003);
    let token = world.user("ca");
    let path = format!("{POLICIES}/{NOBODY}");
    let refused = world.graph(&token, ("PATCH", &path), Some(json!({ "displayName": "Q" })));
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("'grantControls' is needed"), "{}", refused.text);
    let known = json!({ "grantControls": Value::Null, "sessionControls": { "persistentBrowser": { "isEnabled": true, "mode": "never" } } });
    assert_eq!(world.graph(&token, ("PATCH", &path), Some(known)).status, 204);
    world.user("bert");
}
