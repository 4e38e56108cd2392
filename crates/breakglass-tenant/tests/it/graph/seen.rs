//! What may not be seen or done by a detour: expanded, in a batch, bound to a group; and what people really write.

use serde_json::{Value, json};

use super::world::{World, id};

const POLICIES: &str = "/identity/conditionalAccess/policies";

#[test]
fn nothing_is_seen_by_expanding_that_is_not_seen_by_itself() {
    let world = World::with(
        "seen-expanded",
        &[("reads-names", &["User.ReadBasic.All"]), ("reads-users", &["User.Read.All"])],
        json!({ "groups": [{ "id": "00000000-0000-4000-8000-0000000004a1", "displayName": "G", "securityEnabled": true,
                             "members": [{ "id": id("anna") }] }] }),
    );
    for (app, status) in [(0, 403), (1, 200)] {
        let token = world.app(app);
        let get = |path: &str| world.graph(&token, ("GET", path), None).status;
        let own = format!("/users/{}", id("anna"));
        assert_eq!(get(&format!("{own}/memberOf")), status);
        for path in [format!("{own}?$expand=memberOf"), "/users?$expand=memberOf".to_owned()] {
            assert_eq!(get(&path), status, "{path}");
        }
        assert_eq!((get(&own), get(&format!("{own}?$expand=manager"))), (200, status));
    }
}

#[test]
fn when_users_signed_in_is_for_those_who_read_the_log() {
    let world = World::with("seen-activity", &[], Value::Null);
    let get = |who: &str| world.graph(&world.user(who), ("GET", "/users?$select=id,signInActivity"), None).status;
    assert_eq!((get("anna"), get("ga")), (403, 200));
}

#[test]
fn a_batch_is_done_or_refused_as_it_stands() {
    let world = World::with("seen-batch", &[], Value::Null);
    let ga = world.user("ga");
    let path = format!("/users/{}", id("anna"));
    let change = |id: &str| {
        json!({ "id": id, "method": "PATCH", "url": path, "body": { "jobTitle": "Changed" },
                                    "headers": { "content-type": "application/json" } })
    };
    for requests in [json!([change("1"), change("1")]), json!([change("1"), {}]), json!([change("1"), "x"])] {
        let answer = world.graph(&ga, ("POST", "/$batch"), Some(json!({ "requests": requests })));
        assert_eq!(answer.status, 400, "{}", answer.text);
    }
    assert_eq!(world.graph(&ga, ("GET", &format!("{path}?$select=jobTitle")), None).json()["jobTitle"], Value::Null);
    for url in ["/%24batch", "/$batch", "%24Batch", "/%2524batch"] {
        let inner = json!({ "requests": [{ "id": "1", "method": "GET", "url": "/me" }] });
        let one = json!({ "id": "1", "method": "POST", "url": url, "body": inner });
        let answer = world.graph(&ga, ("POST", "/$batch"), Some(json!({ "requests": [one] }))).json();
        assert!(answer["responses"][0]["status"].as_u64().unwrap() >= 400, "{url}: {answer}");
    }
}

#[test]
fn each_member_that_is_bound_to_a_group_is_in_the_audit() {
    let world = World::with("seen-bound", &[], Value::Null);
    let ga = world.user("ga");
    let address = |name: &str| format!("{}/v1.0/directoryObjects/{}", world.base(), id(name));
    let new = json!({ "displayName": "G", "mailNickname": "g", "mailEnabled": false, "securityEnabled": true,
                      "members@odata.bind": [address("anna")], "owners@odata.bind": [address("bert")] });
    let made = world.graph(&ga, ("POST", "/groups"), Some(new));
    assert_eq!(made.status, 201, "{}", made.text);
    let path = format!("/groups/{}", made.json()["id"].as_str().unwrap());
    let more = json!({ "members@odata.bind": [address("bert")] });
    assert_eq!(world.graph(&ga, ("PATCH", &path), Some(more)).status, 204);
    let records = world.list(&ga, "/auditLogs/directoryAudits");
    let told: Vec<(&Value, &Value)> =
        records.iter().map(|one| (&one["activityDisplayName"], &one["targetResources"][0]["id"])).collect();
    for (activity, name) in
        [("Add member to group", "anna"), ("Add owner to group", "bert"), ("Add member to group", "bert")]
    {
        assert!(told.contains(&(&json!(activity), &json!(id(name)))), "{activity} {name}: {told:?}");
    }
}

#[test]
fn the_policies_of_a_company_are_changed_and_made_again() {
    let world = World::demo("seen-policies");
    let token = world.demo_token();
    let send = |method: &str, path: &str, body: Option<Value>| {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        world.send(method, path, (&headers, body.as_bytes()))
    };
    let all = send("GET", &format!("/beta{POLICIES}"), None).list();
    assert_eq!(all.len(), 36);
    for mut policy in all {
        let path = format!("/beta{POLICIES}/{}", policy["id"].as_str().unwrap());
        let name = policy["displayName"].clone();
        let changed = send("PATCH", &path, Some(json!({ "displayName": format!("{}.", name.as_str().unwrap()) })));
        assert_eq!(changed.status, 204, "{name}: {}", changed.text);
        for own in ["id", "createdDateTime", "modifiedDateTime", "templateId", "deletedDateTime"] {
            policy.as_object_mut().unwrap().remove(own);
        }
        let made = send("POST", &format!("/beta{POLICIES}"), Some(policy));
        assert_eq!(made.status, 201, "{name}: {}", made.text);
    }
}

#[test]
fn a_strength_is_bound_by_its_address() {
    let world = World::with("seen-strength", &[], Value::Null);
    let ga = world.user("ga");
    let strength = "00000000-0000-0000-0000-000000000004";
    let bind = format!("https://graph.microsoft.com/v1.0/policies/authenticationStrengthPolicies/{strength}");
    let body = json!({ "displayName": "P", "state": "disabled",
        "conditions": { "clientAppTypes": ["all"], "users": { "includeUsers": ["All"] },
            "applications": { "includeApplications": ["All"] } },
        "grantControls": { "operator": "OR", "builtInControls": [], "authenticationStrength@odata.bind": bind } });
    let made = world.graph(&ga, ("POST", POLICIES), Some(body));
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.json()["grantControls"]["authenticationStrength"]["id"], strength);
}

#[test]
fn whoever_knows_their_password_changes_it() {
    let world = World::with("seen-password", &[("app", &["User.ReadWrite.All"])], Value::Null);
    let anna = world.user("anna");
    let change = |token: &str, path: &str, current: &str, new: &str| {
        let body = json!({ "currentPassword": current, "newPassword": new });
        world.graph(token, ("POST", path), Some(body)).status
    };
    let (own, new) = (super::world::PASSWORD.to_owned(), "New-Glass-Passw0rd");
    assert_eq!(change(&anna, "/me/changePassword", "guessed", new), 400);
    assert_eq!(change(&anna, "/me/changePassword", &own, "short"), 400);
    assert_eq!(change(&anna, &format!("/users/{}/changePassword", id("bert")), &own, new), 403);
    assert_eq!(change(&world.app(0), &format!("/users/{}/changePassword", id("anna")), &own, new), 403);
    assert_eq!(change(&anna, "/me/changePassword", &own, new), 204);
    assert_eq!(world.refused("anna"), 50_126, "the old one is good no more");
}

#[test]
fn a_delta_says_of_what_it_is_whatever_is_selected() {
    let world = World::with("seen-delta", &[], Value::Null);
    let all = world.list(&world.user("ga"), "/users/delta?$select=displayName");
    assert!(!all.is_empty() && all.iter().all(|one| one["id"].is_string()), "{all:?}");
}
