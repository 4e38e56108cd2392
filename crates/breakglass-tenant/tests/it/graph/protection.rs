//! Risk and its history, passwords that an administrator resets, kinds of methods, and Graph's own limits.

use serde_json::{Value, json};

use super::world::{World, id};

#[test]
fn whoever_a_fault_puts_at_risk_is_a_risky_user_with_a_reason() {
    let world = World::new("risk-detections");
    let (reader, sec) = (world.user("reader"), world.user("secadmin"));
    let (users, detections) = ("/identityProtection/riskyUsers", "/identityProtection/riskDetections");
    assert!(world.list(&reader, detections).is_empty());
    world.fault("risk:anna@contoso.onmicrosoft.com", true);
    let risky = world.list(&reader, users);
    assert_eq!((risky.len(), &risky[0]["riskState"], &risky[0]["riskLevel"]), (1, &json!("atRisk"), &json!("high")));
    let found = world.list(&reader, &format!("{detections}?$filter=userId eq '{}'", id("anna")));
    assert_eq!((found.len(), &found[0]["riskEventType"]), (1, &json!("unfamiliarFeatures")));
    let one = format!("{detections}/{}", found[0]["id"].as_str().unwrap());
    assert_eq!(world.graph(&reader, ("GET", &one), None).json()["userId"], json!(id("anna")), "its id stays");
    let say = |what: &str, who: &str| {
        let body = json!({ "userIds": [id(who)] });
        assert_eq!(world.graph(&sec, ("POST", &format!("{users}/{what}")), Some(body)).status, 204);
    };
    for what in ["confirmCompromised", "dismiss", "confirmCompromised"] {
        say(what, "bert");
    }
    assert_eq!((world.list(&reader, users).len(), world.list(&reader, detections).len()), (2, 2));
    for version in ["", "/beta"] {
        let history = world.list(&reader, &format!("{version}{users}/{}/history", id("bert")));
        let states: Vec<&Value> = history.iter().map(|item| &item["riskState"]).collect();
        assert_eq!(states, ["confirmedCompromised", "dismissed", "confirmedCompromised"]);
        assert_eq!(history[0]["initiatedBy"], json!(id("secadmin")));
        let item = format!("{version}{users}/{}/history/{}", id("bert"), history[1]["id"].as_str().unwrap());
        assert_eq!(
            world.graph(&reader, ("GET", &item), None).json()["activity"]["detail"],
            "adminDismissedAllRiskForUser"
        );
    }
    assert!(world.list(&reader, &format!("{users}/{}/history", id("anna"))).is_empty());
    assert_eq!(world.graph(&reader, ("GET", &format!("{users}/{}/history", id("ga"))), None).status, 404);
    assert_eq!(world.graph(&world.user("bert"), ("GET", detections), None).status, 403);
    assert_eq!(world.graph(&reader, ("POST", detections), Some(json!({}))).status, 405);
    world.fault("risk:anna@contoso.onmicrosoft.com", false);
    assert_eq!((world.list(&reader, users).len(), world.list(&reader, detections).len()), (1, 1));
}

#[test]
fn an_administrator_resets_the_password_of_somebody_else() {
    let apps: &[(&str, &[&str])] = &[("methods", &["UserAuthenticationMethod.ReadWrite.All"])];
    let world = World::with("reset", apps, Value::Null);
    let ga = world.user("ga");
    let method = "28c10230-6103-485e-b985-444c60001490";
    let path = |who: &str, method: &str| format!("/users/{}/authentication/methods/{method}/resetPassword", id(who));
    let reset = |token: &str, who: &str, body: Value| world.graph(token, ("POST", &path(who, method)), Some(body));
    let given = json!({ "newPassword": "Another-Horse-8" });
    for (token, who, status) in [
        (&world.user("anna"), "bert", 403),
        (&world.user("useradmin"), "bert", 403),
        (&world.app(0), "bert", 403),
        (&ga, "ga", 403),
    ] {
        assert_eq!(reset(token, who, given.clone()).status, status, "{who}");
    }
    for body in [json!({ "newPassword": "short" }), json!({ "newPassword": 7 }), json!({ "color": "red" })] {
        assert_eq!(reset(&ga, "bert", body.clone()).status, 400, "{body}");
    }
    assert_eq!(world.graph(&ga, ("POST", &path("bert", "another")), Some(given.clone())).status, 404);
    world.user("bert");
    let done = reset(&ga, "bert", given);
    assert_eq!((done.status, done.json().get("newPassword")), (202, None), "{}", done.text);
    let location =
        done.header("location").unwrap().trim_start_matches(&world.base()).trim_start_matches("/v1.0").to_owned();
    let operation = world.graph(&ga, ("GET", &location), None).json();
    assert_eq!((&operation["status"], operation.get("userId")), (&json!("succeeded"), None));
    assert_eq!(world.graph(&world.user("anna"), ("GET", &location), None).status, 403);
    let elsewhere = location.replace(&id("bert"), &id("anna"));
    assert_eq!(world.graph(&ga, ("GET", &elsewhere), None).status, 404);
    assert_eq!(world.refused("bert"), 50_126, "the old one is none any more");
    let made = reset(&ga, "bert", json!({})).json()["newPassword"].as_str().unwrap().to_owned();
    assert_eq!(world.refused_with("bert", &made), 50_055, "it is to be changed");
    assert_eq!(world.refused_with("bert", "Another-Horse-8"), 50_126);
    let resets = world.audited(&ga).into_iter().filter(|known| known == "Reset user password").count();
    assert_eq!(resets, 2);
}

#[test]
fn kinds_of_methods_are_switched_one_by_one() {
    let more = json!({ "authenticationMethodsPolicy": { "id": "authenticationMethodsPolicy", "displayName": "P",
        "description": "P", "policyVersion": "1.5", "authenticationMethodConfigurations": [
            { "@odata.type": "#microsoft.graph.fido2AuthenticationMethodConfiguration", "id": "Fido2", "state": "disabled",
              "isAttestationEnforced": true, "isSelfServiceRegistrationAllowed": true, "excludeTargets": [],
              "includeTargets": [] },
            { "@odata.type": "#microsoft.graph.smsAuthenticationMethodConfiguration", "id": "Sms", "state": "enabled",
              "excludeTargets": [], "includeTargets": [] }] } });
    let world = World::with("method-kinds", &[], more);
    let (ga, reader) = (world.user("ga"), world.user("reader"));
    let path = "/policies/authenticationMethodsPolicy/authenticationMethodConfigurations";
    assert_eq!(world.list(&reader, path).len(), 2);
    let fido = format!("{path}/fido2");
    let change = |token: &str, body: Value| world.graph(token, ("PATCH", &fido), Some(body)).status;
    let on = json!({ "@odata.type": "#microsoft.graph.fido2AuthenticationMethodConfiguration", "state": "enabled",
        "isAttestationEnforced": false,
        "includeTargets": [{ "targetType": "group", "id": "all_users", "isRegistrationRequired": false }] });
    assert_eq!((change(&reader, on.clone()), change(&world.user("anna"), on.clone())), (403, 403));
    for bad in [
        json!({ "state": "on" }),
        json!({ "isAttestationEnforced": "no" }),
        json!({ "isOfficePhoneAllowed": true }),
        json!({ "includeTargets": [{ "id": "all_users" }] }),
        json!({ "@odata.type": "#microsoft.graph.smsAuthenticationMethodConfiguration" }),
        json!({ "id": "Sms" }),
    ] {
        assert_eq!(change(&ga, bad.clone()), 400, "{bad}");
    }
    assert_eq!(change(&ga, on), 204);
    let read = world.graph(&reader, ("GET", &fido), None).json();
    assert_eq!((&read["state"], &read["isAttestationEnforced"]), (&json!("enabled"), &json!(false)));
    assert_eq!(read["isSelfServiceRegistrationAllowed"], true);
    let whole = world.graph(&reader, ("GET", "/policies/authenticationMethodsPolicy"), None).json();
    assert_eq!(whole["authenticationMethodConfigurations"][0]["state"], "enabled");
    assert_eq!(world.graph(&reader, ("GET", &format!("{path}/voice")), None).status, 404);
    assert_eq!(world.graph(&ga, ("DELETE", &fido), None).status, 405);
    assert!(world.audited(&ga).contains(&"Authentication Methods Policy Update".to_owned()));
}

#[test]
fn a_role_of_the_old_interface_is_activated_on_the_record() {
    let world = World::new("role-template");
    let body = json!({ "roleTemplateId": "729827e3-9c14-49f7-bb1b-9608f156bbb8" });
    assert_eq!(world.graph(&world.user("roleadmin"), ("POST", "/directoryRoles"), Some(body)).status, 201);
    assert_eq!(world.audited(&world.user("ga")), ["Add role from template"]);
}

#[test]
fn limits_are_those_that_are_documented_once_they_are_switched_on() {
    let apps: &[(&str, &[&str])] =
        &[("one", &["Policy.Read.All", "AuditLog.Read.All"]), ("two", &["Policy.Read.All", "AuditLog.Read.All"])];
    let world = World::with("limits", apps, Value::Null);
    let tokens = [world.app(0), world.app(1)];
    let get = |app: usize, path: &str| world.graph(&tokens[app], ("GET", path), None);
    let (policies, logs) = ("/identity/conditionalAccess/policies", "/auditLogs/directoryAudits");
    for _ in 0..8 {
        assert_eq!((get(0, policies).status, get(0, logs).status), (200, 200));
    }
    world.fault("graph-limits", true);
    assert_eq!(get(0, policies).status, 200);
    let refused = get(1, "/identity/conditionalAccess/namedLocations");
    assert_eq!((refused.status, refused.code().as_str()), (429, "TooManyRequests"), "of all applications together");
    assert_eq!(refused.header("retry-after"), None);
    let scope = refused.header("x-ms-throttle-scope").unwrap();
    assert!(scope.starts_with("Tenant/ReadWrite/") && scope.ends_with(super::world::TENANT), "{scope}");
    assert!(refused.header("x-ms-throttle-information").is_some());
    world.later(1);
    assert_eq!(get(1, policies).status, 200);
    for _ in 0..5 {
        assert_eq!(get(0, logs).status, 200);
    }
    world.later(4);
    let refused = get(0, logs);
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("6")));
    assert_eq!(get(1, logs).status, 200, "each application by itself");
    world.later(6);
    assert_eq!(get(0, logs).status, 200);
    let token = world.user("ga");
    for _ in 0..20 {
        let answer = world.graph(&token, ("GET", "/users?$select=id"), None);
        assert_eq!((answer.status, answer.header("x-ms-resource-unit")), (200, Some("1")));
    }
}
