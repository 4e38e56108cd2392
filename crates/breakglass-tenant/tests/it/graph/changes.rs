//! What is deleted and comes back, and what is told of changes.

use serde_json::{Value, json};

use super::world::{World, id};

fn new_user(name: &str) -> Value {
    json!({ "userPrincipalName": format!("{name}@contoso.onmicrosoft.com"), "displayName": name, "mailNickname": name,
        "accountEnabled": true, "passwordProfile": { "password": "Another-Horse-8" } })
}

#[test]
fn what_is_deleted_comes_back_within_thirty_days() {
    let world = World::new("deleted");
    let token = world.user("ga");
    let mut made = Vec::new();
    for (list, name, body) in [
        ("users", "microsoft.graph.user", new_user("eva")),
        (
            "groups",
            "microsoft.graph.group",
            json!({ "displayName": "G", "mailNickname": "g", "mailEnabled": false, "securityEnabled": true }),
        ),
        ("applications", "microsoft.graph.application", json!({ "displayName": "App" })),
    ] {
        let id =
            world.graph(&token, ("POST", &format!("/{list}")), Some(body)).json()["id"].as_str().unwrap().to_owned();
        let live = format!("/{list}/{id}");
        let deleted = format!("/directory/deletedItems/{id}");
        assert_eq!(world.graph(&token, ("GET", &deleted), None).code(), "Request_ResourceNotFound");
        assert_eq!(world.graph(&token, ("DELETE", &live), None).status, 204);
        assert_eq!(world.graph(&token, ("GET", &live), None).status, 404);
        let all = world.list(&token, &format!("/directory/deletedItems/{name}"));
        assert!(all.len() == 1 && all[0]["id"] == json!(id) && all[0]["deletedDateTime"].is_string(), "{all:?}");
        assert_eq!(world.graph(&token, ("POST", &format!("{deleted}/restore")), None).status, 200);
        assert_eq!(world.graph(&token, ("GET", &live), None).status, 200);
        assert_eq!(world.graph(&token, ("POST", &format!("{deleted}/restore")), None).status, 404, "it is back");
        assert_eq!(world.graph(&token, ("DELETE", &live), None).status, 204);
        made.push((deleted, name));
    }
    let audited = world.audited(&token);
    for activity in ["Restore user", "Restore group", "Restore application", "Delete user"] {
        assert!(audited.iter().any(|known| known == activity), "{activity} is not in {audited:?}");
    }
    assert_eq!(world.graph(&token, ("DELETE", &made[0].0), None).status, 204);
    assert_eq!(world.graph(&token, ("POST", &format!("{}/restore", made[0].0)), None).status, 404, "gone for good");
    world.later(30 * 24 * 3600);
    let token = world.user("ga");
    for (deleted, name) in &made[1..] {
        assert_eq!(
            world.graph(&token, ("POST", &format!("{deleted}/restore")), None).status,
            404,
            "{deleted} is too old"
        );
        assert!(world.list(&token, &format!("/directory/deletedItems/{name}")).is_empty());
    }
}

#[test]
fn who_comes_back_signs_in_as_before_unless_the_name_is_taken() {
    let world = World::new("restored");
    let token = world.user("ga");
    let anna = id("anna");
    let restore = format!("/directory/deletedItems/{anna}/restore");
    world.graph(&token, ("DELETE", &format!("/users/{anna}")), None);
    let taken =
        world.graph(&token, ("POST", "/users"), Some(new_user("anna"))).json()["id"].as_str().unwrap().to_owned();
    assert_eq!(world.graph(&token, ("POST", &restore), None).code(), "Request_BadRequest");
    world.graph(&token, ("DELETE", &format!("/users/{taken}")), None);
    assert_eq!(world.graph(&token, ("POST", &restore), None).status, 200);
    world.user("anna");
    // Who may not delete may not restore, and sees nothing of an administrator's either.
    let reader = world.user("reader");
    assert_eq!(world.graph(&reader, ("POST", &format!("/directory/deletedItems/{taken}/restore")), None).status, 403);
    assert_eq!(world.graph(&reader, ("DELETE", &format!("/directory/deletedItems/{taken}")), None).status, 403);
    for path in ["/directory/deletedItems/microsoft.graph.car", "/directory/deletedItems", "/directory/nothing"] {
        assert!(world.graph(&token, ("GET", path), None).status >= 400, "{path}");
    }
}

/// Everything that a delta tells from an address on, page by page, and where it goes on.
fn told(world: &World, token: &str, from: &str) -> (Vec<Value>, String) {
    let (mut all, mut next) = (Vec::new(), from.to_owned());
    loop {
        let path = next.trim_start_matches(&world.base()).trim_start_matches("/v1.0").to_owned();
        let headers = [("prefer", "odata.maxpagesize=4")];
        let answer = world.graph_with(token, ("GET", &path), (&headers, None));
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert!(answer.list().len() <= 4);
        all.extend(answer.list());
        let body = answer.json();
        match body["@odata.deltaLink"].as_str() {
            Some(link) => return (all, link.to_owned()),
            None => next = body["@odata.nextLink"].as_str().unwrap().to_owned(),
        }
    }
}

#[test]
fn a_delta_tells_everybody_once_and_then_what_changed() {
    let world = World::new("delta");
    let token = world.user("ga");
    let (all, link) = told(&world, &token, "/users/delta?$select=id,displayName,jobTitle");
    assert_eq!(all.len(), 9);
    assert!(all.iter().all(|user| user.get("userPrincipalName").is_none()), "the selection is kept");
    let (nothing, link) = told(&world, &token, &link);
    assert_eq!(nothing, [Value::Null; 0]);
    let (_, latest) = told(&world, &token, "/users/delta?$deltatoken=latest");
    let path = |name: &str| format!("/users/{}", id(name));
    world.graph(&token, ("PATCH", &path("anna")), Some(json!({ "jobTitle": "Baker" })));
    world.graph(&token, ("PATCH", &path("anna")), Some(json!({ "jobTitle": "Butcher" })));
    world.graph(&token, ("DELETE", &path("bert")), None);
    let gone = world.graph(&token, ("POST", "/users"), Some(new_user("eva"))).json()["id"].as_str().unwrap().to_owned();
    world.graph(&token, ("DELETE", &format!("/users/{gone}")), None);
    world.graph(&token, ("DELETE", &format!("/directory/deletedItems/{gone}")), None);
    for link in [&link, &latest] {
        let (changed, _) = told(&world, &token, link);
        assert_eq!(changed.len(), 3, "{changed:?}");
        let of = |id: &str| changed.iter().find(|user| user["id"] == json!(id)).unwrap().clone();
        assert_eq!(of(&id("anna"))["jobTitle"], json!("Butcher"));
        assert_eq!(of(&id("bert"))["@removed"], json!({ "reason": "changed" }));
        assert_eq!(of(&gone)["@removed"], json!({ "reason": "deleted" }));
    }
}

#[test]
fn a_delta_that_is_not_understood_is_refused() {
    let world = World::new("delta-refused");
    let token = world.user("ga");
    for (query, status) in [
        ("$filter=displayName eq 'a'", 400),
        ("$top=5", 400),
        ("$orderby=displayName", 400),
        ("$expand=manager", 400),
        ("$deltatoken=AAAA", 410),
        ("$skiptoken=..%2f..", 410),
        ("$deltatoken=", 400),
    ] {
        let answer = world.graph(&token, ("GET", &format!("/users/delta?{query}")), None);
        assert_eq!(answer.status, status, "{query}: {}", answer.text);
        if status == 410 {
            assert_eq!(answer.code(), "syncStateNotFound");
            assert!(
                answer.header("location").unwrap().ends_with("/v1.0/users/delta"),
                "{:?}",
                answer.header("location")
            );
        }
    }
    let anna = world.user("anna");
    assert_eq!(world.graph(&token, ("POST", "/users/delta"), Some(json!({}))).status / 100, 4);
    drop(anna);
}
