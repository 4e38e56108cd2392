//! How long, how much and from when: what Graph takes no more of than it says.

use serde_json::{Value, json};

use super::world::{World, id};

const PASSES: &str = "/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/TemporaryAccessPass";
const MOBILE: &str = "3179e48a-750b-4051-897c-87b9720928f7";

#[test]
fn the_policy_about_passes_keeps_to_its_limits() {
    let world = World::demo("bounds-passes");
    let token = world.demo_token();
    let set = |body: &Value| world.graph(&token, ("PATCH", PASSES), Some(body.clone())).status;
    for body in [
        json!({ "minimumLifetimeInMinutes": 9 }),
        json!({ "maximumLifetimeInMinutes": 43_201 }),
        json!({ "defaultLifetimeInMinutes": 5 }),
        json!({ "minimumLifetimeInMinutes": 120, "maximumLifetimeInMinutes": 60, "defaultLifetimeInMinutes": 60 }),
        json!({ "minimumLifetimeInMinutes": 60, "maximumLifetimeInMinutes": 120, "defaultLifetimeInMinutes": 121 }),
        json!({ "defaultLength": 7 }),
        json!({ "defaultLength": 49 }),
    ] {
        assert_eq!(set(&body), 400, "{body}");
    }
    let good = json!({ "minimumLifetimeInMinutes": 10, "maximumLifetimeInMinutes": 43_200,
        "defaultLifetimeInMinutes": 10, "defaultLength": 48 });
    assert_eq!(set(&good), 204);
    assert_eq!(set(&json!({ "maximumLifetimeInMinutes": 9 })), 400);
}

#[test]
fn names_and_countries_are_as_long_as_entra_has_them() {
    let world = World::new("bounds-users");
    let ga = world.user("ga");
    let user = |changes: Value| {
        let mut body = json!({ "userPrincipalName": "new@contoso.onmicrosoft.com", "displayName": "New",
            "mailNickname": "new", "accountEnabled": true, "passwordProfile": { "password": "Another-Horse-8" } });
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        body
    };
    let named = |count: usize| format!("{}@contoso.onmicrosoft.com", "n".repeat(count));
    let anna = format!("/users/{}", id("anna"));
    for changes in [
        json!({ "userPrincipalName": named(65) }),
        json!({ "userPrincipalName": format!("new@{}.example", "d".repeat(49)) }),
        json!({ "displayName": "n".repeat(257) }),
        json!({ "usageLocation": "CHE" }),
        json!({ "usageLocation": "c" }),
        json!({ "usageLocation": "C1" }),
    ] {
        assert_eq!(world.graph(&ga, ("POST", "/users"), Some(user(changes.clone()))).status, 400, "{changes}");
        assert_eq!(world.graph(&ga, ("PATCH", &anna), Some(changes.clone())).status, 400, "{changes}");
    }
    let good = json!({ "userPrincipalName": named(64), "displayName": "n".repeat(256), "usageLocation": "CH" });
    let made = world.graph(&ga, ("POST", "/users"), Some(user(good)));
    assert_eq!(made.status, 201, "{}", made.text);
    let group =
        json!({ "displayName": "g".repeat(257), "mailNickname": "g", "mailEnabled": false, "securityEnabled": true });
    assert_eq!(world.graph(&ga, ("POST", "/groups"), Some(group)).status, 400);
}

#[test]
fn a_key_is_no_function_and_a_token_is_of_one_collection() {
    let world = World::new("bounds-delta");
    let ga = world.user("ga");
    let get = |path: &str| world.graph(&ga, ("GET", path), None);
    for path in ["/users('delta')", "/groups('microsoft.graph.delta')", "/users('$count')", "/groups('delta()')"] {
        assert_eq!(get(path).status, 404, "{path}: {}", get(path).text);
    }
    let link = get("/users/delta").json()["@odata.deltaLink"].as_str().unwrap().to_owned();
    let token = link.split_once("$deltatoken=").unwrap().1.to_owned();
    assert_eq!(get(&format!("/users/delta?$deltatoken={token}")).status, 200);
    for path in ["/groups/delta", "/directory/administrativeUnits/delta"] {
        let refused = get(&format!("{path}?$deltatoken={token}"));
        assert_eq!(refused.status, 400, "{path}: {}", refused.text);
    }
}

#[test]
fn the_number_of_a_phone_is_changed_by_others() {
    let world = World::new("bounds-phones");
    let ga = world.user("ga");
    let phones = |name: &str| format!("/users/{}/authentication/phoneMethods", id(name));
    let mobile = |name: &str| format!("{}/{MOBILE}", phones(name));
    let change = |token: &str, name: &str, body: Value| world.graph(token, ("PATCH", &mobile(name)), Some(body)).status;
    let number = json!({ "phoneNumber": "+1 2065551213", "phoneType": "mobile" });
    assert_eq!(change(&ga, "bert", number.clone()), 404, "there is none yet");
    for name in ["bert", "anna"] {
        let first = json!({ "phoneNumber": "+1 2065551212", "phoneType": "mobile" });
        assert_eq!(world.graph(&ga, ("POST", &phones(name)), Some(first)).status, 201);
    }
    for bad in [
        json!({ "phoneNumber": "2065551212" }),
        json!({ "phoneNumber": null }),
        json!({ "phoneNumber": "+1 2065551213", "phoneType": "office" }),
        json!({ "color": "red" }),
    ] {
        assert_eq!(change(&ga, "bert", bad.clone()), 400, "{bad}");
    }
    assert_eq!(change(&ga, "bert", number.clone()), 204);
    assert_eq!(world.list(&ga, &phones("bert"))[0]["phoneNumber"], "+1 2065551213");
    assert_eq!(change(&world.user("anna"), "anna", number.clone()), 403, "nobody does it to oneself");
    assert_eq!(change(&world.user("reader"), "bert", number), 403);
    assert_eq!(world.audited(&ga).iter().filter(|name| *name == "Admin updated security info").count(), 1);
}

#[test]
fn users_see_what_they_are_in_and_no_more_of_it() {
    let group = json!({ "id": "00000000-0000-4000-8000-0000000004a1", "displayName": "Bakers", "mailEnabled": false,
        "securityEnabled": true, "members": [{ "id": id("anna") }] });
    let world = World::with("bounds-members", &[("app", &[])], json!({ "groups": [group] }));
    let (own, full) = (world.user_of_app("anna", (0, "User.Read")), world.user("anna"));
    for list in ["memberOf", "transitiveMemberOf"] {
        let seen = world.list(&own, &format!("/me/{list}"));
        assert_eq!((seen.len(), &seen[0]["@odata.type"]), (1, &json!("#microsoft.graph.group")), "{list}");
        assert_eq!((&seen[0]["id"], &seen[0]["displayName"]), (&group["id"], &Value::Null), "{list}");
        assert_eq!(world.list(&full, &format!("/me/{list}"))[0]["displayName"], "Bakers");
        let hidden = world.list(&own, &format!("/me/{list}?$filter=displayName%20eq%20'Bakers'"));
        assert!(hidden.is_empty(), "nobody finds out by asking: {hidden:?}");
        let other = format!("/users/{}/{list}", id("bert"));
        assert_eq!(world.graph(&own, ("GET", &other), None).status, 403, "{list}");
    }
}

#[test]
fn a_secret_is_good_from_when_it_says() {
    let world = World::with("bounds-secrets", &[("app", &["User.Read.All"])], Value::Null);
    let ga = world.user("ga");
    let add = |from: &str| {
        let credential =
            json!({ "passwordCredential": { "startDateTime": from, "endDateTime": "2099-01-01T00:00:00Z" } });
        let path = "/applications/00000000-0000-4000-8000-000000000200/addPassword";
        let made = world.graph(&ga, ("POST", path), Some(credential));
        assert_eq!(made.status, 200, "{}", made.text);
        made.json()["secretText"].as_str().unwrap().to_owned()
    };
    let now = world.graph(&ga, ("GET", "/me"), None);
    assert_eq!(now.status, 200);
    let (past, future) = (add("2020-01-01T00:00:00Z"), add("2090-01-01T00:00:00Z"));
    assert!(world.app_with(0, &past)["access_token"].is_string());
    let refused = world.app_with(0, &future);
    assert_eq!(refused["error_codes"], json!([7_000_215]), "{refused}");
}
