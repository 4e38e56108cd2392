//! Multifactor authentication that is switched on for a user.

use serde_json::{Value, json};

use super::world::{World, id};

fn path(name: &str) -> String {
    format!("/beta/users/{}/authentication/requirements", id(name))
}

fn state(of: &str) -> Value {
    json!({ "perUserMfaState": of })
}

#[test]
fn who_is_switched_on_is_asked_for_more() {
    let world = World::new("per-user-mfa");
    let (ga, reader) = (world.user("ga"), world.user("reader"));
    let read = |name: &str| world.graph(&reader, ("GET", &path(name)), None).json()["perUserMfaState"].clone();
    assert_eq!(read("bert"), "disabled");
    let named = "/beta/users/bert@contoso.onmicrosoft.com/authentication/requirements";
    for (asked, is_asked_for_more) in [("enabled", true), ("enforced", true), ("disabled", false)] {
        assert_eq!(world.graph(&ga, ("PATCH", named), Some(state(asked))).status, 204);
        assert_eq!(read("bert"), asked);
        if is_asked_for_more {
            assert!(matches!(world.refused("bert"), 50_076 | 50_079));
        } else {
            world.user("bert");
        }
    }
    let record = &world.list(&ga, "/auditLogs/directoryAudits")[1];
    let target = &record["targetResources"][0];
    assert_eq!(
        (&record["activityDisplayName"], &record["category"]),
        (&json!("Update user"), &json!("UserManagement"))
    );
    assert_eq!((&target["id"], &target["type"]), (&json!(id("bert")), &json!("User")));
    let changed = &target["modifiedProperties"][0];
    assert_eq!(changed["displayName"], "StrongAuthenticationRequirement");
    assert!(changed["oldValue"].as_str().unwrap().contains("\"State\":1"), "{changed}");
    assert!(changed["newValue"].as_str().unwrap().contains("\"State\":2"), "{changed}");
}

#[test]
fn who_has_registered_a_method_is_enforced_and_it_outlives_a_restart() {
    let world = World::new("per-user-mfa-kept");
    let ga = world.user("ga");
    let phone = json!({ "phoneType": "mobile", "phoneNumber": "+1 2065551212" });
    let phones = format!("/users/{}/authentication/phoneMethods", id("bert"));
    assert_eq!(world.graph(&ga, ("POST", &phones), Some(phone)).status, 201);
    assert_eq!(world.graph(&ga, ("PATCH", &path("bert")), Some(state("enabled"))).status, 204);
    let world = world.restarted();
    let read = world.graph(&world.user("ga"), ("GET", &path("bert")), None);
    assert_eq!(read.json()["perUserMfaState"], "enforced");
    assert_eq!(world.refused("bert"), 50_076);
}

#[test]
fn it_is_for_beta_for_some_and_for_three_states() {
    let world = World::with("per-user-mfa-refused", &[("reads", &["Policy.Read.All"])], Value::Null);
    let ga = world.user("ga");
    for name in ["anna", "useradmin", "secadmin"] {
        let token = world.user(name);
        assert_eq!(world.graph(&token, ("GET", &path("bert")), None).status, 403, "{name}");
        assert_eq!(world.graph(&token, ("PATCH", &path("bert")), Some(state("enabled"))).status, 403, "{name}");
    }
    let (reader, app) = (world.user("reader"), world.app(0));
    assert_eq!(world.graph(&app, ("GET", &path("bert")), None).status, 200);
    for token in [&reader, &app] {
        assert_eq!(world.graph(token, ("PATCH", &path("bert")), Some(state("enabled"))).status, 403);
    }
    for body in [
        state("bogus"),
        state("unknownFutureValue"),
        json!({}),
        json!({ "perUserMfaState": 1 }),
        json!({ "perUserMfaState": "enabled", "color": "red" }),
    ] {
        assert_eq!(world.graph(&ga, ("PATCH", &path("bert")), Some(body.clone())).status, 400, "{body}");
    }
    let of_v1 = path("bert").replace("/beta", "");
    assert_eq!(world.graph(&ga, ("GET", &of_v1), None).status, 400);
    assert_eq!(world.graph(&ga, ("DELETE", &path("bert")), None).status, 405);
    let nobody = "/beta/users/00000000-0000-4000-8000-0000000000ff/authentication/requirements";
    assert_eq!(world.graph(&ga, ("PATCH", nobody), Some(state("enabled"))).status, 404);
    world.user("bert");
}
