//! When users signed in last, what they have registered, and which devices there are.

use serde_json::{Value, json};

use super::world::{World, id};

#[test]
fn the_last_sign_ins_are_kept_longer_than_their_records() {
    let apps: &[(&str, &[&str])] = &[("reads", &["User.Read.All"]), ("both", &["User.Read.All", "AuditLog.Read.All"])];
    let world = World::with("sign-in-activity", apps, Value::Null);
    let path = format!("/users/{}?$select=id,signInActivity", id("anna"));
    let ask = |world: &World, at: usize| world.graph(&world.app(at), ("GET", &path), None);
    assert_eq!(ask(&world, 0).status, 403);
    assert_eq!(ask(&world, 1).json().get("signInActivity"), None, "nothing was seen");
    drop(world.user("anna"));
    world.later(60);
    assert_eq!(world.refused_with("anna", "wrong"), 50_126);
    let world = world.restarted();
    world.later(31 * 86_400);
    let activity = ask(&world, 1).json()["signInActivity"].clone();
    assert_eq!(activity["lastSignInDateTime"], "2026-11-26T09:01:00Z");
    assert_eq!(activity["lastSuccessfulSignInDateTime"], "2026-11-26T09:00:00Z");
    assert_eq!(activity.get("lastNonInteractiveSignInDateTime"), None);
    assert!(activity["lastSignInRequestId"].is_string());
    let both = world.app(1);
    let filter = |filter: &str| {
        world.list(&both, &format!("/users?$select=id&$filter=signInActivity/lastSignInDateTime {filter}"))
    };
    assert_eq!(filter("le 2026-11-26T09:01:00Z"), [json!({ "id": id("anna") })]);
    assert!(filter("le 2026-11-26T09:00:59Z").is_empty());
    assert!(world.graph(&both, ("GET", "/users"), None).list()[0].get("signInActivity").is_none());
}

#[test]
fn without_a_licence_nobody_sees_when_users_signed_in() {
    let world = World::with("no-activity", &[], json!({ "subscribedSkus": [] }));
    let answer = world.graph(&world.user("ga"), ("GET", "/users?$select=signInActivity"), None);
    let code = "Authentication_RequestFromNonPremiumTenantOrB2CTenant";
    assert_eq!((answer.status, answer.code().as_str()), (403, code));
}

#[test]
fn a_report_tells_what_users_have_registered() {
    let world = World::demo("registration-report");
    let token = world.demo_token();
    let path = "/reports/authenticationMethods/userRegistrationDetails";
    let all = world.list(&token, &format!("{path}?$top=999"));
    assert_eq!(all.len(), 200);
    let admin =
        all.iter().find(|one| one["userPrincipalName"] == "emergency-access-1@contoso.onmicrosoft.com").unwrap();
    assert_eq!(admin["isAdmin"], json!(true));
    for one in &all {
        let methods = one["methodsRegistered"].as_array().unwrap();
        let has_proof = methods.iter().any(|method| method != "email");
        assert_eq!(one["isMfaRegistered"], json!(has_proof), "{one}");
        assert!(one["isMfaCapable"] == json!(false) || has_proof, "{one}");
        assert!(
            one["isPasswordlessCapable"] == json!(false) || methods.contains(&json!("passKeyDeviceBound")),
            "{one}"
        );
    }
    let registered = all.iter().filter(|one| one["isMfaRegistered"] == json!(true)).count();
    assert!((1..200).contains(&registered), "{registered}");
    assert_eq!(world.list(&token, &format!("{path}?$filter=isMfaRegistered eq true&$top=999")).len(), registered);
    let path = format!("{path}/{}", admin["id"].as_str().unwrap());
    assert_eq!(world.graph(&token, ("GET", &path), None).json()["isAdmin"], json!(true));
}

#[test]
fn devices_are_read() {
    let more = json!({ "devices": [
        { "id": "00000000-0000-4000-8000-0000000005d1", "deviceId": "00000000-0000-4000-8000-0000000005d2",
          "displayName": "LAPTOP", "isCompliant": true },
        { "id": "00000000-0000-4000-8000-0000000005d3", "displayName": "PHONE", "isCompliant": false },
    ] });
    let world = World::with("devices", &[("reads", &["Device.Read.All"]), ("nothing", &[])], more);
    let token = world.app(0);
    assert_eq!(world.list(&token, "/devices").len(), 2);
    assert_eq!(world.list(&token, "/devices?$filter=isCompliant eq true")[0]["displayName"], "LAPTOP");
    for path in
        ["/devices/00000000-0000-4000-8000-0000000005d1", "/devices(deviceId='00000000-0000-4000-8000-0000000005d2')"]
    {
        let one = world.graph(&token, ("GET", path), None).json();
        assert_eq!((&one["displayName"], &one["physicalIds"]), (&json!("LAPTOP"), &json!([])), "{path}");
    }
    assert_eq!(world.graph(&token, ("GET", "/devices/nothing"), None).status, 404);
    assert_eq!(world.graph(&world.app(1), ("GET", "/devices"), None).status, 403);
}
