//! Addresses and secrets of applications, and what every tenant has whether its seed says so or not.

use serde_json::{Value, json};

use super::world::World;

#[test]
fn answers_are_sent_to_addresses_that_are_fit_for_it() {
    let world = World::with("addresses", &[], Value::Null);
    let ga = world.user("ga");
    for (list, address, status) in [
        ("web", "https://app.example/back", 201),
        ("web", "http://localhost:3000/back", 201),
        ("spa", "http://127.0.0.1/back", 201),
        ("publicClient", "myapp://auth", 201),
        ("publicClient", "http://localhost", 201),
        ("web", "http://app.example/back", 400),
        ("web", "myapp://auth", 400),
        ("web", "https://app.example/back#part", 400),
        ("web", "javascript:alert(1)", 400),
        ("publicClient", "javascript:alert(1)", 400),
        ("publicClient", "http://evil.example", 400),
        ("web", "http://localhost@evil.example/", 400),
        ("web", "https:///back", 400),
        ("web", "", 400),
    ] {
        let body = json!({ "displayName": "App", list: { "redirectUris": [address] } });
        let made = world.graph(&ga, ("POST", "/applications"), Some(body));
        assert_eq!(made.status, status, "{list} {address}: {}", made.text);
    }
}

#[test]
fn secrets_last_from_when_to_when_they_say() {
    let world = World::with("secrets", &[], Value::Null);
    let ga = world.user("ga");
    let app = world.graph(&ga, ("POST", "/applications"), Some(json!({ "displayName": "App" })));
    let path = format!("/applications/{}/addPassword", app.json()["id"].as_str().unwrap());
    let add =
        |credential: Value| world.graph(&ga, ("POST", &path), Some(json!({ "passwordCredential": credential }))).status;
    for bad in [
        json!({ "endDateTime": "nonsense" }),
        json!({ "endDateTime": 12 }),
        json!({ "startDateTime": [] }),
        json!({ "endDateTime": "1999-01-01T00:00:00Z" }),
        json!({ "startDateTime": "2090-01-01T00:00:00Z", "endDateTime": "2089-01-01T00:00:00Z" }),
    ] {
        assert_eq!(add(bad.clone()), 400, "{bad}");
    }
    assert_eq!(add(json!({ "startDateTime": "2090-01-01T00:00:00Z", "endDateTime": "2091-01-01T00:00:00Z" })), 200);
    assert_eq!(add(json!({})), 200);
}

#[test]
fn every_tenant_has_a_policy_about_methods() {
    let world = World::with("methods-policy", &[], Value::Null);
    let ga = world.user("ga");
    let policy = world.graph(&ga, ("GET", "/policies/authenticationMethodsPolicy"), None);
    assert_eq!(policy.status, 200, "{}", policy.text);
    assert!(policy.json()["authenticationMethodConfigurations"].as_array().unwrap().len() >= 6);
}
