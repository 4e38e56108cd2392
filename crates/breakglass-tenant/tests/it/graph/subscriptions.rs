//! Change notifications: who subscribes to what, what arrives, and what becomes of what is not accepted.

use serde_json::{Value, json};

use super::endpoint::{Endpoint, Manner, closed};
use super::world::{Answer, PASSWORD, World, asked, id, unserved};
use crate::served::world::AZURE_CLI;

const PATH: &str = "/subscriptions";

fn wish(endpoint: &Endpoint, resource: &str, more: &Value) -> Value {
    let mut body = json!({ "changeType": "updated,deleted", "notificationUrl": endpoint.url, "resource": resource,
        "expirationDateTime": "2026-11-27T09:00:00Z", "clientState": "only~for~trying" });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body
}

fn subscribe(world: &World, token: &str, body: Value) -> Answer {
    world.graph(token, ("POST", PATH), Some(body))
}

fn rename(world: &World, token: &str, who: &str, name: &str) {
    let answer = world.graph(token, ("PATCH", &format!("/users/{}", id(who))), Some(json!({ "displayName": name })));
    assert_eq!(answer.status, 204, "{}", answer.text);
}

#[test]
fn whoever_subscribes_hears_of_changes_until_they_are_gone_for_good() {
    let world = World::new("subscribed");
    let token = world.user("ga");
    let endpoint = world.endpoint(true);
    let made = subscribe(&world, &token, wish(&endpoint, "users", &Value::Null));
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    assert_eq!((&made["clientState"], &made["creatorId"]), (&json!("only~for~trying"), &json!(id("ga"))));
    rename(&world, &token, "anna", "Anna");
    let heard = endpoint.next();
    let place = format!("Users/{}", id("anna"));
    for (name, expected) in [
        ("subscriptionId", &made["id"]),
        ("clientState", &json!("only~for~trying")),
        ("changeType", &json!("updated")),
        ("resource", &json!(place)),
        ("tenantId", &json!(super::world::TENANT)),
        ("subscriptionExpirationDateTime", &json!("2026-11-27T09:00:00Z")),
        ("resourceData", &json!({ "@odata.type": "#Microsoft.Graph.User", "@odata.id": place, "id": id("anna") })),
    ] {
        assert_eq!(&heard[name], expected, "{name}");
    }
    let user = format!("/users/{}", id("anna"));
    assert_eq!(world.graph(&token, ("DELETE", &user), None).status, 204);
    assert_eq!(endpoint.next()["changeType"], "updated", "it can be restored");
    let gone = format!("/directory/deletedItems/{}", id("anna"));
    assert_eq!(world.graph(&token, ("POST", &format!("{gone}/restore")), None).status, 200);
    assert_eq!(endpoint.next()["changeType"], "updated");
    assert_eq!(world.graph(&token, ("DELETE", &user), None).status, 204);
    assert_eq!(endpoint.next()["changeType"], "updated");
    assert_eq!(world.graph(&token, ("DELETE", &gone), None).status, 204);
    assert_eq!(endpoint.next()["changeType"], "deleted");
}

#[test]
fn subscriptions_are_about_what_they_say() {
    let world = World::new("subscribed-to");
    let token = world.user("ga");
    let (one, groups) = (world.endpoint(false), world.endpoint(false));
    assert_eq!(subscribe(&world, &token, wish(&one, &format!("/users/{}", id("bert")), &Value::Null)).status, 201);
    assert_eq!(subscribe(&world, &token, wish(&groups, "groups", &Value::Null)).status, 201);
    rename(&world, &token, "anna", "Anna");
    let group = json!({ "displayName": "G", "mailNickname": "g", "mailEnabled": false, "securityEnabled": true });
    let group = world.graph(&token, ("POST", "/groups"), Some(group)).json()["id"].as_str().unwrap().to_owned();
    rename(&world, &token, "bert", "Bert");
    assert_eq!(one.next()["resourceData"]["id"], json!(id("bert")), "of anna it hears nothing");
    assert_eq!(groups.next()["resource"], json!(format!("Groups/{group}")));
    let member = json!({ "@odata.id": format!("{}/v1.0/directoryObjects/{}", world.base(), id("anna")) });
    world.graph(&token, ("POST", &format!("/groups/{group}/members/$ref")), Some(member));
    assert_eq!(groups.next()["resourceData"]["@odata.type"], "#Microsoft.Graph.Group");
}

#[test]
fn what_is_not_accepted_comes_again_and_ends_after_four_hours() {
    let world = World::new("subscribed-retry");
    let token = world.user("ga");
    let endpoint = world.endpoint(true);
    assert_eq!(subscribe(&world, &token, wish(&endpoint, "users", &Value::Null)).status, 201);
    endpoint.answer(503);
    rename(&world, &token, "anna", "First");
    let first = endpoint.next();
    let again = |seconds: i64, end: &dyn Fn(&Value) -> bool| {
        for _ in 0..600 {
            if let Some(notice) = endpoint.soon().filter(|notice| end(notice)) {
                return notice;
            }
            world.later(seconds);
        }
        panic!("it did not come again")
    };
    let second = again(11, &|_| true);
    assert_eq!((&second["id"], &second["answered"]), (&first["id"], &json!(503)));
    endpoint.answer(200);
    let last = again(60, &|notice| notice["answered"] == 200);
    assert_eq!(last["id"], first["id"]);
    endpoint.answer(500);
    let token = world.user("ga");
    rename(&world, &token, "anna", "Second");
    assert_ne!(endpoint.next()["id"], first["id"], "what was accepted is through");
    // Until it was written down that it failed, its four hours have not begun.
    let failed = again(11, &|_| true);
    world.later(4 * 3_600);
    let token = world.user("ga");
    let patched =
        world.graph(&token, ("PATCH", &format!("/users/{}", id("bert"))), Some(json!({ "jobTitle": "Baker" })));
    assert_eq!(patched.status, 204, "{}", patched.text);
    let other = again(1, &|notice| notice["resourceData"]["id"] == json!(id("bert")));
    endpoint.answer(202);
    let through = again(11, &|notice| notice["answered"] == 202);
    assert_eq!((through["id"] == other["id"], through["id"] == failed["id"]), (true, false), "{through}");
}

#[test]
fn what_waits_survives_a_restart() {
    let world = World::new("subscribed-restart");
    let token = world.user("ga");
    let endpoint = world.endpoint(true);
    let made = subscribe(&world, &token, wish(&endpoint, "users", &Value::Null));
    assert_eq!(made.status, 201, "{}", made.text);
    endpoint.answer(500);
    rename(&world, &token, "anna", "Anna");
    let first = endpoint.next();
    let world = world.restarted();
    endpoint.answer(202);
    let came = (0..600).find_map(|_| {
        world.later(11);
        endpoint.soon().filter(|notice| notice["answered"] == 202)
    });
    assert_eq!(came.unwrap()["id"], first["id"]);
    assert_eq!(world.list(&world.user("ga"), PATH).len(), 1);
}

#[test]
fn an_endpoint_has_to_show_that_it_is_one() {
    let world = World::new("subscribed-validated");
    let token = world.user("ga");
    let endpoint = world.endpoint(true);
    for manner in [Manner::Escaped, Manner::AsJson, Manner::Refuse, Manner::Redirect] {
        endpoint.validate(manner);
        let refused = subscribe(&world, &token, wish(&endpoint, "users", &Value::Null));
        assert_eq!((refused.status, refused.code().as_str()), (400, "ValidationError"), "{manner:?}: {}", refused.text);
    }
    let nobody = json!({ "notificationUrl": closed() });
    let refused = subscribe(&world, &token, wish(&endpoint, "users", &nobody));
    assert_eq!((refused.status, refused.code().as_str()), (400, "ValidationError"), "{}", refused.text);
    // A certificate of another authority is worth nothing.
    let other = World::new("subscribed-other");
    let foreign = other.endpoint(true);
    let refused = subscribe(&world, &token, wish(&foreign, "users", &Value::Null));
    assert_eq!((refused.status, refused.code().as_str()), (400, "ValidationError"), "{}", refused.text);
    assert!(world.list(&token, PATH).is_empty());
}

#[test]
fn what_is_not_understood_or_leads_away_is_refused() {
    let world = World::new("subscribed-refused");
    let token = world.user("ga");
    let endpoint = world.endpoint(false);
    for (more, status, code) in [
        (json!({ "changeType": "created" }), 400, "InvalidRequest"),
        (json!({ "changeType": "updated,created" }), 400, "InvalidRequest"),
        (json!({ "changeType": "" }), 400, "InvalidRequest"),
        (json!({ "resource": "me/messages" }), 400, "InvalidRequest"),
        (json!({ "resource": "users?$select=id" }), 400, "InvalidRequest"),
        (json!({ "resource": format!("users/{}/manager", id("anna")) }), 400, "InvalidRequest"),
        (json!({ "resource": "users/nobody" }), 404, "Request_ResourceNotFound"),
        (json!({ "notificationUrl": "https://example.com/hook" }), 400, "InvalidRequest"),
        (json!({ "notificationUrl": "https://127.0.0.1.example.com/" }), 400, "InvalidRequest"),
        (json!({ "notificationUrl": "file:///etc/passwd" }), 400, "InvalidRequest"),
        (json!({ "notificationUrl": Value::Null }), 400, "InvalidRequest"),
        (json!({ "expirationDateTime": "2026-11-26T08:59:59Z" }), 400, "InvalidRequest"),
        (json!({ "expirationDateTime": "soon" }), 400, "InvalidRequest"),
        (json!({ "expirationDateTime": "2026-12-25T09:00:01Z" }), 400, "ExtensionError"),
        (json!({ "clientState": "a".repeat(129) }), 400, "InvalidRequest"),
        (json!({ "clientState": 7 }), 400, "InvalidRequest"),
        (json!({ "includeResourceData": true }), 400, "InvalidRequest"),
        (json!({ "latestSupportedTlsVersion": "v1_0" }), 400, "InvalidRequest"),
        (json!({ "lifecycleNotificationUrl": endpoint.url }), 501, "NotImplemented"),
        (json!({ "color": "red" }), 400, "InvalidRequest"),
    ] {
        let refused = subscribe(&world, &token, wish(&endpoint, "users", &more));
        assert_eq!((refused.status, refused.code().as_str()), (status, code), "{more}: {}", refused.text);
    }
    let longest = json!({ "expirationDateTime": "2026-12-25T09:00:00Z", "clientState": "a".repeat(128) });
    assert_eq!(subscribe(&world, &token, wish(&endpoint, "users", &longest)).status, 201);
    assert!(endpoint.soon().is_none(), "nobody was told of anything");
}

#[test]
fn each_application_has_its_own_and_needs_the_permission_to_read() {
    let apps: &[(&str, &[&str])] =
        &[("users", &["User.Read.All"]), ("groups", &["Group.Read.All"]), ("logs", &["AuditLog.Read.All"])];
    let world = World::with("subscribed-apps", apps, Value::Null);
    let endpoint = world.endpoint(false);
    let tokens = [0, 1, 2].map(|at| world.app(at));
    let statuses = |resource: &str| {
        [0, 1, 2].map(|at| subscribe(&world, &tokens[at], wish(&endpoint, resource, &Value::Null)).status)
    };
    assert_eq!(statuses("users"), [201, 403, 403]);
    assert_eq!(statuses("groups"), [403, 201, 403]);
    let own = world.list(&tokens[0], PATH);
    assert_eq!((own.len(), &own[0]["resource"], &own[0]["clientState"]), (1, &json!("users"), &Value::Null));
    let path = format!("{PATH}/{}", own[0]["id"].as_str().unwrap());
    let longer = json!({ "expirationDateTime": "2026-11-28T09:00:00Z" });
    for (method, body) in [("GET", None), ("PATCH", Some(longer.clone())), ("DELETE", None)] {
        assert_eq!(world.graph(&tokens[1], (method, &path), body).status, 404, "{method}");
    }
    assert_eq!(world.graph(&tokens[0], ("PATCH", &path), Some(json!({}))).status, 400);
    assert_eq!(world.graph(&tokens[0], ("PATCH", &path), Some(json!({ "resource": "groups" }))).status, 400);
    let renewed = world.graph(&tokens[0], ("PATCH", &path), Some(longer));
    assert_eq!((renewed.status, &renewed.json()["expirationDateTime"]), (200, &json!("2026-11-28T09:00:00Z")));
    world.later(2 * 86_400);
    let token = world.app(0);
    assert_eq!(world.graph(&token, ("GET", &path), None).status, 404, "it is over");
    assert_eq!(world.graph(&token, ("DELETE", &path), None).status, 404);
}

#[test]
fn a_subscription_that_is_deleted_hears_nothing_more() {
    let world = World::new("subscribed-deleted");
    let token = world.user("ga");
    let (gone, kept) = (world.endpoint(false), world.endpoint(false));
    let made = subscribe(&world, &token, wish(&gone, "users", &Value::Null)).json();
    assert_eq!(subscribe(&world, &token, wish(&kept, "users", &Value::Null)).status, 201);
    let path = format!("{PATH}/{}", made["id"].as_str().unwrap());
    let moved = world.endpoint(true);
    let patch = json!({ "notificationUrl": moved.url });
    assert_eq!(world.graph(&token, ("PATCH", &path), Some(patch)).json()["notificationUrl"], json!(moved.url));
    rename(&world, &token, "anna", "Anna");
    assert_eq!(
        (kept.next()["changeType"].clone(), moved.next()["changeType"].clone()),
        (json!("updated"), json!("updated"))
    );
    assert_eq!(world.graph(&token, ("DELETE", &path), None).status, 204);
    rename(&world, &token, "anna", "Anna again");
    assert_eq!(kept.next()["changeType"], "updated");
    assert!(gone.soon().is_none() && moved.soon().is_none());
}

#[test]
fn an_application_has_a_hundred_at_most() {
    let world = World::with("subscribed-many", &[("users", &["User.Read.All"])], Value::Null);
    let (token, endpoint) = (world.app(0), world.endpoint(false));
    for _ in 0..100 {
        assert_eq!(subscribe(&world, &token, wish(&endpoint, "users", &Value::Null)).status, 201);
    }
    let refused = subscribe(&world, &token, wish(&endpoint, "users", &Value::Null));
    assert_eq!((refused.status, refused.code().as_str()), (403, "ExtensionError"), "{}", refused.text);
    world.later(86_400);
    assert_eq!(world.list(&world.app(0), PATH).len(), 0);
}

#[test]
fn a_tenant_that_is_reached_from_elsewhere_asks_nothing_of_its_machine() {
    for (name, base, code) in
        [("beyond", "https://192.0.2.7:8443", "NotImplemented"), ("here", "https://127.0.0.1:8443", "ValidationError")]
    {
        let tenant = unserved(&format!("subscribed-{name}"), base);
        let form = format!(
            "client_id={AZURE_CLI}&grant_type=password&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default\
             &username=ga%40contoso.onmicrosoft.com&password={PASSWORD}"
        );
        let answer = asked(&tenant, ("/contoso.onmicrosoft.com/oauth2/v2.0/token", None), form);
        let token = answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}"));
        let body = json!({ "changeType": "updated", "notificationUrl": closed(), "resource": "users",
            "expirationDateTime": "2026-11-27T09:00:00Z" });
        let refused = asked(&tenant, ("/v1.0/subscriptions", Some(token)), body.to_string());
        assert_eq!(refused["error"]["code"], code, "{refused}");
    }
}
