//! What applications are granted, and what that changes in their tokens.

use serde_json::{Value, json};

use super::world::{GRAPH_SCOPE, PASSWORD, World, id};

const GRAPH: &str = "/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')";
const CLIENT: &str = "7a6f2f3c-58e1-4f36-9a60-0e54b1a7b000";
const PRINCIPAL: &str = "00000000-0000-4000-8000-000000000300";
const USER_READ_ALL: &str = "df021288-bdef-4463-88db-98f22de89214";
const GROUP_READ_ALL: &str = "5b567255-7703-4780-807c-7be8301ae99b";
const NO_ROLE: &str = "00000000-0000-0000-0000-000000000000";

fn world(name: &str) -> World {
    let writes: &[&str] = &["AppRoleAssignment.ReadWrite.All", "Application.Read.All"];
    World::with(name, &[("app", &["User.Read.All"]), ("writes", writes)], Value::Null)
}

fn status(world: &World, token: &str, (method, path): (&str, &str), body: Option<Value>) -> u16 {
    world.graph(token, (method, path), body).status
}

#[test]
fn an_app_role_that_is_assigned_is_in_the_next_token() {
    let world = world("app-roles");
    let (writes, ga) = (world.app(1), world.user("ga"));
    let graph = world.graph(&ga, ("GET", GRAPH), None).json()["id"].as_str().unwrap().to_owned();
    let own = format!("/servicePrincipals/{PRINCIPAL}/appRoleAssignments");
    let seeded = world.list(&ga, &own);
    assert_eq!((seeded.len(), &seeded[0]["appRoleId"]), (1, &json!(USER_READ_ALL)));
    let may_read_groups = |expected: u16| assert_eq!(status(&world, &world.app(0), ("GET", "/groups"), None), expected);
    may_read_groups(403);
    let role = |role: &str| json!({ "principalId": PRINCIPAL, "resourceId": graph, "appRoleId": role });
    for (body, expected) in [
        (role("11111111-1111-4111-8111-111111111111"), 400),
        (json!({ "principalId": id("anna"), "resourceId": graph, "appRoleId": GROUP_READ_ALL }), 400),
        (json!({ "principalId": PRINCIPAL, "resourceId": PRINCIPAL.replace("300", "399"), "appRoleId": NO_ROLE }), 404),
        (role(USER_READ_ALL), 400),
        (role(GROUP_READ_ALL), 201),
        (role(GROUP_READ_ALL), 400),
    ] {
        assert_eq!(status(&world, &writes, ("POST", &own), Some(body.clone())), expected, "{body}");
    }
    may_read_groups(200);
    let world = world.restarted();
    let ga = world.user("ga");
    let assigned =
        world.list(&ga, &format!("/servicePrincipals/{graph}/appRoleAssignedTo?$filter=principalId eq '{PRINCIPAL}'"));
    assert_eq!(assigned.len(), 2);
    // What was assigned now is taken away again, and what the seed has too.
    for one in world.list(&ga, &own) {
        let path = format!("{own}/{}", one["id"].as_str().unwrap());
        assert_eq!(world.graph(&ga, ("GET", &path), None).json()["appRoleId"], one["appRoleId"]);
        assert_eq!(status(&world, &ga, ("DELETE", &path), None), 204);
        assert_eq!(status(&world, &ga, ("DELETE", &path), None), 404);
    }
    for path in ["/users", "/groups"] {
        assert_eq!(status(&world, &world.app(0), ("GET", path), None), 403, "{path}");
    }
    let names = ["Remove app role assignment from service principal", "Add app role assignment to service principal"];
    assert_eq!(world.audited(&ga)[1..3], names);
}

#[test]
fn permissions_of_graph_are_granted_by_who_may_assign_roles() {
    let world = world("app-role-granters");
    let graph = world.graph(&world.user("ga"), ("GET", GRAPH), None).json()["id"].as_str().unwrap().to_owned();
    let path = format!("/servicePrincipals/{graph}/appRoleAssignedTo");
    let body = json!({ "principalId": PRINCIPAL, "resourceId": graph, "appRoleId": GROUP_READ_ALL });
    for (name, expected) in [("useradmin", 403), ("anna", 403), ("roleadmin", 201)] {
        assert_eq!(status(&world, &world.user(name), ("POST", &path), Some(body.clone())), expected, "{name}");
    }
    assert_eq!(status(&world, &world.app(0), ("POST", &path), Some(body)), 403);
    let path = format!("/users/{}/appRoleAssignments", id("anna"));
    let body = json!({ "principalId": id("anna"), "resourceId": PRINCIPAL, "appRoleId": NO_ROLE });
    let useradmin = world.user("useradmin");
    let made = world.graph(&useradmin, ("POST", &path), Some(body)).json();
    assert_eq!((&made["principalType"], &made["resourceDisplayName"]), (&json!("User"), &json!("app")));
    let shown = world.list(&world.user("ga"), &format!("/beta{path}"));
    assert_eq!(shown[0]["creationTimestamp"], "2026-11-26T09:00:00Z");
    assert_eq!(status(&world, &useradmin, ("DELETE", &format!("{path}/{}", made["id"].as_str().unwrap())), None), 204);
}

#[test]
fn a_delegated_grant_says_what_a_client_may_in_the_name_of_a_user() {
    let world = world("delegated-grants");
    let (ga, roleadmin) = (world.user("ga"), world.user("roleadmin"));
    let graph = world.graph(&ga, ("GET", GRAPH), None).json()["id"].as_str().unwrap().to_owned();
    let name = "ga@contoso.onmicrosoft.com";
    let form = [
        ("client_id", CLIENT),
        ("client_secret", "a-secret-for-tests-only"),
        ("grant_type", "password"),
        ("scope", GRAPH_SCOPE),
        ("username", name),
        ("password", PASSWORD),
    ];
    let may_read_groups = |expected: u16| {
        assert_eq!(status(&world, &world.token_of(&form), ("GET", "/groups"), None), expected);
    };
    may_read_groups(200);
    let body = json!({ "clientId": PRINCIPAL, "consentType": "AllPrincipals", "resourceId": graph, "scope": "User.Read  openid" });
    let post = |token: &str, body: &Value| world.graph(token, ("POST", "/oauth2PermissionGrants"), Some(body.clone()));
    assert_eq!(post(&world.user("useradmin"), &body).status, 403);
    let made = post(&roleadmin, &body);
    assert_eq!((made.status, &made.json()["scope"]), (201, &json!("User.Read openid")), "{}", made.text);
    assert_eq!(post(&roleadmin, &body).status, 409);
    may_read_groups(403);
    let path = format!("/oauth2PermissionGrants/{}", made.json()["id"].as_str().unwrap());
    let scope = json!({ "scope": "User.Read Group.Read.All" });
    assert_eq!(status(&world, &roleadmin, ("PATCH", &path), Some(scope)), 204);
    assert_eq!(status(&world, &roleadmin, ("PATCH", &path), Some(json!({ "consentType": "Principal" }))), 400);
    may_read_groups(200);
    let of_anna = json!({ "clientId": PRINCIPAL, "consentType": "Principal", "principalId": id("anna"), "resourceId": graph,
        "scope": "User.Read" });
    assert_eq!(post(&roleadmin, &of_anna).status, 201);
    assert_eq!(world.list(&ga, &format!("/servicePrincipals/{PRINCIPAL}/oauth2PermissionGrants")).len(), 2);
    assert_eq!(world.list(&ga, &format!("/users/{}/oauth2PermissionGrants", id("anna"))).len(), 1);
    assert_eq!(world.list(&ga, "/oauth2PermissionGrants?$filter=consentType eq 'AllPrincipals'").len(), 1);
    assert_eq!(status(&world, &roleadmin, ("DELETE", &path), None), 204);
    assert_eq!(status(&world, &ga, ("GET", &path), None), 404);
    let names = ["Remove delegated permission grant", "Add delegated permission grant"];
    assert_eq!(world.audited(&ga)[..2], names);
    for bad in
        [json!({}), json!({ "clientId": PRINCIPAL, "resourceId": graph, "consentType": "Principal", "scope": "a" })]
    {
        assert_eq!(post(&roleadmin, &bad).status, 400, "{bad}");
    }
}
