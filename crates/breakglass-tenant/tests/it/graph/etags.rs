//! Entity tags: whether an object is still what somebody read.

use serde_json::{Value, json};

use super::world::{World, id};

fn made(world: &World, token: &str, (list, body): (&str, Value)) -> String {
    let made = world.graph(token, ("POST", list), Some(body));
    assert_eq!(made.status, 201, "{}", made.text);
    format!("{list}/{}", made.json()["id"].as_str().unwrap())
}

/// Objects of every kind that has a tag, each with a change and whether it can be deleted.
fn objects(world: &World, token: &str) -> Vec<(String, Value, bool)> {
    let new = |list: &str, body: Value| made(world, token, (list, body));
    let policy = json!({ "displayName": "P", "state": "disabled", "conditions": { "clientAppTypes": ["all"],
        "users": { "includeUsers": ["All"] }, "applications": { "includeApplications": ["All"] } },
        "grantControls": { "operator": "OR", "builtInControls": ["mfa"] } });
    let location = json!({ "@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": "NL",
        "countriesAndRegions": ["NL"] });
    let group = json!({ "displayName": "G", "mailNickname": "g", "mailEnabled": false, "securityEnabled": true });
    let app = new("/applications", json!({ "displayName": "A" }));
    let app_id = world.graph(token, ("GET", &app), None).json()["appId"].clone();
    let contexts = "/identity/conditionalAccess/authenticationContextClassReferences";
    let context = json!({ "id": "c1", "displayName": "C", "isAvailable": false });
    let name = json!({ "displayName": "Other" });
    vec![
        (format!("/users/{}", id("bert")), json!({ "accountEnabled": false }), true),
        (new("/groups", group), name.clone(), true),
        (new("/servicePrincipals", json!({ "appId": app_id })), json!({ "tags": ["x"] }), true),
        (app, name.clone(), true),
        (new("/administrativeUnits", json!({ "displayName": "U" })), name.clone(), true),
        (new("/identity/conditionalAccess/policies", policy), name.clone(), true),
        (new("/identity/conditionalAccess/namedLocations", location), name.clone(), true),
        (new(contexts, context), name.clone(), true),
        (
            new(
                "/policies/authenticationStrengthPolicies",
                json!({ "displayName": "K", "allowedCombinations": ["fido2"] }),
            ),
            name,
            true,
        ),
        ("/policies/identitySecurityDefaultsEnforcementPolicy".to_owned(), json!({ "description": "D" }), false),
    ]
}

#[test]
fn what_was_changed_meanwhile_is_neither_changed_nor_deleted() {
    let world = World::new("etags");
    let token = world.user("ga");
    for (path, change, is_deleted) in objects(&world, &token) {
        let with = |method: &str, tag: &str, body: Option<Value>| {
            world.graph_with(&token, (method, &path), (&[("if-match", tag)], body))
        };
        let tag =
            || world.graph(&token, ("GET", &path), None).header("etag").unwrap_or_else(|| panic!("{path}")).to_owned();
        let first = tag();
        assert!(first.starts_with("W/\"") && first == tag(), "{path}: {first}");
        assert_eq!(with("PATCH", &first, Some(change.clone())).status, 204, "{path}");
        let second = tag();
        assert_ne!(first, second, "{path}");
        for (method, body) in [("PATCH", Some(change.clone())), ("DELETE", None)] {
            if method == "PATCH" || is_deleted {
                let refused = with(method, &first, body);
                assert_eq!((refused.status, refused.code().as_str()), (412, "PreconditionFailed"), "{method} {path}");
            }
        }
        assert_eq!(tag(), second, "{path}: nothing was done");
        assert_eq!(with("PATCH", "*", Some(change)).status, 204, "{path}");
        if is_deleted {
            assert_eq!(with("DELETE", &tag(), None).status, 204, "{path}");
        }
    }
}

#[test]
fn a_tag_is_of_the_object_and_not_of_what_is_shown_of_it() {
    let world = World::new("etag-shown");
    let (token, anna) = (world.user("ga"), format!("/users/{}", id("anna")));
    let tag = |path: &str| world.graph(&token, ("GET", path), None).header("etag").unwrap().to_owned();
    let first = tag(&anna);
    let by_name = "/users/anna@contoso.onmicrosoft.com?$select=id";
    assert_eq!((tag(by_name), tag(&format!("/beta{anna}"))), (first.clone(), first.clone()));
    world.graph(&token, ("PATCH", &anna), Some(json!({ "usageLocation": "NL" })));
    assert_ne!(tag(&anna), first, "a property that is not shown by default");
    let own = world.graph(&world.user("anna"), ("GET", "/me"), None);
    assert_eq!(own.header("etag"), Some(tag(&anna).as_str()));
    assert_eq!(world.graph(&token, ("GET", "/users"), None).header("etag"), None, "a collection has none");
}

#[test]
fn who_has_it_already_is_not_sent_it_again() {
    let world = World::new("etag-known");
    let (token, anna) = (world.user("ga"), format!("/users/{}", id("anna")));
    let ask = |tag: &str| world.graph_with(&token, ("GET", &anna), (&[("if-none-match", tag)], None));
    let first = world.graph(&token, ("GET", &anna), None).header("etag").unwrap().to_owned();
    let known = ask(&first);
    assert_eq!((known.status, known.text.as_str(), known.header("etag")), (304, "", Some(first.as_str())));
    assert_eq!((ask("\"other\"").status, ask("*").status), (200, 304));
    world.graph(&token, ("PATCH", &anna), Some(json!({ "jobTitle": "Baker" })));
    assert_eq!(ask(&first).status, 200);
    let reader = world.graph_with(&world.user("anna"), ("GET", "/groups/x"), (&[("if-none-match", "*")], None));
    assert_eq!(reader.status, 404);
}

#[test]
fn who_may_not_is_told_so_whatever_the_tag() {
    let world = World::new("etag-denied");
    let bert = format!("/users/{}", id("bert"));
    let token = world.user("anna");
    let change = Some(json!({ "jobTitle": "Baker" }));
    assert_eq!(world.graph_with(&token, ("PATCH", &bert), (&[("if-match", "\"x\"")], change)).status, 403);
}
