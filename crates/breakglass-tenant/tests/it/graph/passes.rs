//! Temporary access passes: what one is made like, and what is said of it.

use serde_json::{Value, json};

use super::world::{World, id};

const KIND: &str = "/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/TemporaryAccessPass";

/// A tenant whose policy has the kind. It is 2026-11-26T09:00:00Z in it.
fn world(name: &str) -> World {
    let kind = json!({ "@odata.type": "#microsoft.graph.temporaryAccessPassAuthenticationMethodConfiguration",
        "id": "TemporaryAccessPass", "state": "enabled", "isUsableOnce": false, "defaultLifetimeInMinutes": 60,
        "minimumLifetimeInMinutes": 60, "maximumLifetimeInMinutes": 480, "defaultLength": 8, "excludeTargets": [],
        "includeTargets": [{ "targetType": "group", "id": "all_users" }] });
    let policy = json!({ "id": "authenticationMethodsPolicy", "authenticationMethodConfigurations": [kind] });
    World::with(name, &[], json!({ "authenticationMethodsPolicy": policy }))
}

fn passes() -> String {
    format!("/users/{}/authentication/temporaryAccessPassMethods", id("bert"))
}

/// Whether the pass of bert can be used, and why.
fn told(world: &World, token: &str) -> (bool, String) {
    let all = world.list(token, &passes());
    assert_eq!(all.len(), 1);
    (all[0]["isUsable"].as_bool().unwrap(), all[0]["methodUsabilityReason"].as_str().unwrap().to_owned())
}

#[test]
fn a_pass_that_cannot_be_one_is_not_made() {
    let world = world("pass-types");
    let ga = world.user("ga");
    for body in [
        json!({ "isUsableOnce": "x" }),
        json!({ "startDateTime": "nonsense" }),
        json!({ "startDateTime": 7 }),
        json!({ "startDateTime": "2026-11-26T08:00:00Z" }),
        json!({ "lifetimeInMinutes": "60" }),
        json!({ "lifetimeInMinutes": 60.5 }),
        json!({ "lifetimeInMinutes": 59 }),
        json!({ "lifetimeInMinutes": 481 }),
        json!({ "temporaryAccessPass": "Of-My-Own-1" }),
        json!({ "isUsable": true }),
        json!({ "id": "1" }),
        json!({ "color": "red" }),
    ] {
        assert_eq!(world.graph(&ga, ("POST", &passes()), Some(body.clone())).status, 400, "{body}");
    }
    assert!(world.list(&ga, &passes()).is_empty());
    let made = world.graph(&ga, ("POST", &passes()), Some(json!({ "startDateTime": null, "isUsableOnce": null })));
    let made = made.json();
    assert_eq!((&made["lifetimeInMinutes"], &made["isUsableOnce"]), (&json!(60), &json!(false)));
    assert_eq!(world.graph(&ga, ("PATCH", KIND), Some(json!({ "isUsableOnce": true }))).status, 204);
    let many = json!({ "isUsableOnce": false });
    assert_eq!(world.graph(&ga, ("POST", &passes()), Some(many)).status, 400, "the policy has them good once");
    let made = world.graph(&ga, ("POST", &passes()), Some(json!({}))).json();
    assert_eq!(made["isUsableOnce"], true);
}

#[test]
fn a_pass_says_when_it_can_be_used() {
    let world = world("pass-state");
    let ga = world.user("ga");
    let body = json!({ "startDateTime": "2026-11-26T10:00:00+00:00", "lifetimeInMinutes": 60 });
    let made = world.graph(&ga, ("POST", &passes()), Some(body)).json();
    assert_eq!((&made["startDateTime"], &made["isUsable"]), (&json!("2026-11-26T10:00:00Z"), &json!(false)));
    assert_eq!(
        (&made["methodUsabilityReason"], made["temporaryAccessPass"].is_string()),
        (&json!("NotYetValid"), true)
    );
    assert_eq!(told(&world, &ga), (false, "NotYetValid".to_owned()));
    world.later(3_600);
    let ga = world.user("ga");
    assert_eq!(told(&world, &ga), (true, "EnabledByPolicy".to_owned()));
    for (state, expected) in [("disabled", "DisabledByPolicy"), ("enabled", "EnabledByPolicy")] {
        assert_eq!(world.graph(&ga, ("PATCH", KIND), Some(json!({ "state": state }))).status, 204);
        assert_eq!(told(&world, &ga), (state == "enabled", expected.to_owned()));
    }
    let one = format!("{}/{}", passes(), made["id"].as_str().unwrap());
    world.later(3_599);
    assert_eq!(told(&world, &world.user("ga")), (true, "EnabledByPolicy".to_owned()));
    world.later(1);
    let ga = world.user("ga");
    assert_eq!(told(&world, &ga), (false, "Expired".to_owned()));
    assert_eq!(world.graph(&ga, ("GET", &one), None).json()["methodUsabilityReason"], "Expired");
    let methods: Vec<Value> = world.list(&ga, &passes().replace("temporaryAccessPassMethods", "methods"));
    assert_eq!(methods[0]["methodUsabilityReason"], "Expired");
}

#[test]
fn a_pass_that_was_used_stays_on_the_list() {
    let world = world("pass-used");
    let ga = world.user("ga");
    let made = world.graph(&ga, ("POST", &passes()), Some(json!({ "isUsableOnce": true }))).json();
    let pass = made["temporaryAccessPass"].as_str().unwrap();
    assert_eq!(told(&world, &ga), (true, "EnabledByPolicy".to_owned()));
    world.strong_user_with(("bert", pass));
    assert_eq!(told(&world, &ga), (false, "OneTimeUsed".to_owned()));
    assert_eq!(world.refused_with("bert", pass), 50_126);
    let again = world.graph(&ga, ("POST", &passes()), Some(json!({ "isUsableOnce": true })));
    assert_eq!(again.status, 201);
    assert_eq!(told(&world, &ga), (true, "EnabledByPolicy".to_owned()));
    let one = format!("{}/{}", passes(), again.json()["id"].as_str().unwrap());
    assert_eq!(world.graph(&ga, ("DELETE", &one), None).status, 204);
    assert!(world.list(&ga, &passes()).is_empty());
}
