//! What objects are related to: expanded, as references, of one type; and who is whose manager.

use serde_json::{Value, json};

use super::world::{GLOBAL_ADMINISTRATOR, World, id};

const GROUP: &str = "00000000-0000-4000-8000-0000000004a1";
const INNER: &str = "00000000-0000-4000-8000-0000000004a2";

fn world(name: &str) -> World {
    let member = |kind: &str, id: &str| json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "id": id });
    let many: Vec<Value> = (0..25)
        .map(|at| {
            json!({ "id": format!("00000000-0000-4000-8000-0000000006{at:02}"), "displayName": format!("D{at}"),
            "deviceId": format!("00000000-0000-4000-8000-0000000007{at:02}") })
        })
        .collect();
    let crowd: Vec<Value> = many.iter().map(|device| member("device", device["id"].as_str().unwrap())).collect();
    let more = json!({
        "devices": many,
        "groups": [
            { "id": GROUP, "displayName": "Outer", "securityEnabled": true, "owners": [member("user", &id("bert"))],
              "members": [member("user", &id("anna")), member("group", INNER)] },
            { "id": INNER, "displayName": "Inner", "securityEnabled": true, "members": crowd },
        ],
    });
    World::with(name, &[("reads", &["Group.Read.All", "User.Read.All"])], more)
}

#[test]
fn relations_are_expanded() {
    let world = world("expanded");
    let ga = world.user("ga");
    let get = |path: &str| {
        let answer = world.graph(&ga, ("GET", path), None);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    };
    let groups = world.list(&ga, "/groups?$expand=members($select=id,displayName)");
    let outer = groups.iter().find(|group| group["id"] == GROUP).unwrap();
    let anna = json!({ "@odata.type": "#microsoft.graph.user", "id": id("anna"), "displayName": "anna" });
    assert_eq!(outer["members"][0], anna);
    let inner = groups.iter().find(|group| group["id"] == INNER).unwrap();
    assert_eq!(inner["members"].as_array().unwrap().len(), 20, "of 25");
    assert!(world.list(&ga, "/groups")[0].get("members").is_none());
    assert_eq!(get(&format!("/groups/{GROUP}?$expand=owners&$select=id"))["owners"][0]["id"], json!(id("bert")));
    let user = get(&format!("/users/{}?$expand=memberOf&$select=id", id("anna")));
    assert_eq!((&user["memberOf"][0]["id"], user.get("displayName")), (&json!(GROUP), None));
    let path = format!("/directoryRoles/{GLOBAL_ADMINISTRATOR}?$expand=members");
    assert_eq!(get(&path)["members"].as_array().unwrap().len(), 2);
    assert!(world.list(&ga, "/directoryRoles?$expand=members").iter().all(|role| role["members"].is_array()));
    assert!(world.list(&ga, "/directoryRoles").iter().all(|role| role.get("members").is_none()));
    for list in ["roleAssignments", "roleAssignmentScheduleInstances"] {
        let all = world
            .list(&ga, &format!("/roleManagement/directory/{list}?$expand=principal,roleDefinition,directoryScope"));
        let own = all.iter().find(|one| one["principalId"] == id("ga")).unwrap();
        assert_eq!(own["principal"]["userPrincipalName"], "ga@contoso.onmicrosoft.com", "{list}");
        assert_eq!(own["roleDefinition"]["id"], GLOBAL_ADMINISTRATOR, "{list}");
        assert_eq!(own["directoryScope"], Value::Null, "{list}");
    }
    for path in [
        "/users?$expand=friends",
        "/groups?$expand=members($expand=memberOf)",
        "/groups?$expand=members($filter=id eq 'a')",
        "/auditLogs/signIns?$expand=user",
    ] {
        assert_eq!(world.graph(&ga, ("GET", path), None).status, 400, "{path}");
    }
}

#[test]
fn related_objects_come_as_references_and_of_one_type() {
    let world = world("casts");
    let ga = world.user("ga");
    let ids = |path: &str| {
        let list = world.list(&ga, path);
        list.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let references = world.list(&ga, &format!("/groups/{GROUP}/members/$ref"));
    let address = |id: &str| json!({ "@odata.id": format!("{}/v1.0/directoryObjects/{id}", world.base()) });
    assert_eq!(references, [address(&id("anna")), address(INNER)]);
    assert_eq!(world.list(&ga, &format!("/groups/{GROUP}/owners/$ref")), [address(&id("bert"))]);
    assert_eq!(ids(&format!("/groups/{GROUP}/members/microsoft.graph.user")), [id("anna")]);
    assert_eq!(ids(&format!("/groups/{GROUP}/members/microsoft.graph.group")), [INNER]);
    assert_eq!(ids(&format!("/groups/{GROUP}/transitiveMembers/microsoft.graph.device")).len(), 25);
    assert_eq!(ids(&format!("/users/{}/transitiveMemberOf/microsoft.graph.group", id("anna"))), [GROUP]);
    assert_eq!(ids(&format!("/users/{}/memberOf/microsoft.graph.directoryRole", id("ga"))), [GLOBAL_ADMINISTRATOR]);
    let path = format!("/directoryRoles/{GLOBAL_ADMINISTRATOR}/members/microsoft.graph.user?$select=id");
    assert_eq!(ids(&path).len(), 2);
    let count = format!("/groups/{GROUP}/members/microsoft.graph.user/$count");
    let eventual = [("consistencylevel", "eventual")];
    assert_eq!(world.graph_with(&ga, ("GET", &count), (&eventual, None)).text, "1");
    assert_eq!(world.graph(&ga, ("GET", &format!("/groups/{GROUP}/members/microsoft.graph.cat")), None).status, 400);
}

#[test]
fn a_manager_is_set_shown_and_removed() {
    let world = world("manager");
    let (useradmin, app) = (world.user("useradmin"), world.app(0));
    let path = format!("/users/{}/manager", id("anna"));
    let reference = json!({ "@odata.id": format!("{}/v1.0/users/{}", world.base(), id("bert")) });
    let status =
        |token: &str, method: &str, path: &str, body: Option<Value>| world.graph(token, (method, path), body).status;
    assert_eq!(status(&useradmin, "GET", &path, None), 404);
    assert_eq!(status(&world.user("anna"), "PUT", &format!("{path}/$ref"), Some(reference.clone())), 403);
    assert_eq!(status(&useradmin, "PUT", &format!("{path}/$ref"), Some(reference)), 204);
    let shown = world.graph(&app, ("GET", &path), None).json();
    assert_eq!((&shown["id"], &shown["@odata.type"]), (&json!(id("bert")), &json!("#microsoft.graph.user")));
    let world = world.restarted();
    let (ga, useradmin) = (world.user("ga"), world.user("useradmin"));
    let expanded = world.graph(&ga, ("GET", &format!("/users/{}?$expand=manager", id("anna"))), None).json();
    assert_eq!(expanded["manager"]["displayName"], "bert");
    let reports = world.list(&ga, &format!("/users/{}/directReports", id("bert")));
    assert_eq!((reports.len(), &reports[0]["id"]), (1, &json!(id("anna"))));
    assert_eq!(world.graph(&useradmin, ("DELETE", &format!("{path}/$ref")), None).status, 204);
    assert_eq!(world.graph(&useradmin, ("DELETE", &format!("{path}/$ref")), None).status, 404);
    assert_eq!(world.graph(&ga, ("GET", &path), None).status, 404);
    assert_eq!(world.audited(&ga)[..2], ["Remove user manager", "Set user manager"]);
}
