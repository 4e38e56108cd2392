//! Objects by keys in parentheses, and by their other keys.

use serde_json::{Value, json};

use super::world::{World, id};

#[test]
fn an_object_is_found_by_whatever_key_it_has() {
    let device = json!({ "id": "00000000-0000-4000-8000-0000000005d1", "deviceId": "00000000-0000-4000-8000-0000000005d2",
        "displayName": "LAPTOP" });
    let more = json!({ "groups": [{ "id": "00000000-0000-4000-8000-0000000004a1", "displayName": "G", "uniqueName": "it's g" }],
        "devices": [device] });
    let world = World::with("keys", &[("app", &[])], more);
    let ga = world.user("ga");
    let anna = id("anna");
    let app = "7a6f2f3c-58e1-4f36-9a60-0e54b1a7b000";
    for (path, expected) in [
        (format!("/users('{anna}')"), anna.as_str()),
        (format!("/users({anna})"), anna.as_str()),
        ("/users('anna@contoso.onmicrosoft.com')".to_owned(), anna.as_str()),
        ("/groups('00000000-0000-4000-8000-0000000004a1')".to_owned(), "00000000-0000-4000-8000-0000000004a1"),
        ("/groups(uniqueName='it''s g')".to_owned(), "00000000-0000-4000-8000-0000000004a1"),
        (format!("/applications(appId='{app}')"), "00000000-0000-4000-8000-000000000200"),
        (format!("/servicePrincipals(appId='{}')", app.to_uppercase()), "00000000-0000-4000-8000-000000000300"),
        (
            "/directoryRoles(roleTemplateId='62e90394-69f5-4237-9190-012177145e10')".to_owned(),
            "62e90394-69f5-4237-9190-012177145e10",
        ),
    ] {
        let answer = world.graph(&ga, ("GET", &path), None);
        assert_eq!((answer.status, &answer.json()["id"]), (200, &json!(expected)), "{path}: {}", answer.text);
    }
    let path = format!("/applications(appId='{app}')/owners");
    assert!(world.list(&ga, &path).is_empty());
    let renamed = json!({ "displayName": "Renamed" });
    let path = format!("/beta/applications(appId='{app}')");
    assert_eq!(world.graph(&ga, ("PATCH", &path), Some(renamed)).status, 204);
    assert_eq!(world.graph(&ga, ("GET", &path), None).json()["displayName"], "Renamed");
    let requests = json!({ "requests": [{ "id": "1", "method": "GET", "url": format!("/users('{anna}')") }] });
    let answer = world.graph(&ga, ("POST", "/$batch"), Some(requests));
    assert_eq!(answer.json()["responses"][0]["status"], 200);
}

#[test]
fn a_key_that_is_none_finds_nothing() {
    let world = World::with("no-keys", &[("app", &[])], Value::Null);
    let ga = world.user("ga");
    for (path, status) in [
        ("/users('nobody@contoso.onmicrosoft.com')", 404),
        ("/applications(appId='7a6f2f3c-58e1-4f36-9a60-0e54b1a7b099')", 404),
        ("/applications(appId='x' or appId='y')", 400),
        ("/users('')", 400),
        ("/users('a'b')", 400),
        ("/users('a' or 'b')", 400),
        ("/users(displayName='anna')", 400),
    ] {
        assert_eq!(world.graph(&ga, ("GET", path), None).status, status, "{path}");
    }
}
