//! Who may what: scopes and roles, as Graph documents them.

use serde_json::{Value, json};

use super::world::{World, id};

/// A request that changes something: method, path, body.
type Change = (&'static str, String, Value);

fn changes() -> Vec<Change> {
    let anna = format!("/users/{}", id("anna"));
    let policy = json!({ "displayName": "P", "state": "disabled", "conditions": { "clientAppTypes": ["all"],
        "users": { "includeUsers": ["All"] }, "applications": { "includeApplications": ["All"] } },
        "grantControls": { "operator": "OR", "builtInControls": ["mfa"] } });
    vec![
        (
            "POST",
            "/users".to_owned(),
            json!({ "userPrincipalName": "x@contoso.onmicrosoft.com", "displayName": "X",
            "mailNickname": "x", "accountEnabled": true, "passwordProfile": { "password": "Another-Horse-8" } }),
        ),
        ("PATCH", anna.clone(), json!({ "jobTitle": "Baker" })),
        ("PATCH", anna.clone(), json!({ "passwordProfile": { "password": "Another-Horse-8" } })),
        ("DELETE", anna.clone(), Value::Null),
        ("POST", format!("{anna}/revokeSignInSessions"), json!({})),
        ("POST", format!("{anna}/authentication/temporaryAccessPassMethods"), json!({})),
        (
            "POST",
            "/groups".to_owned(),
            json!({ "displayName": "G", "mailNickname": "g", "mailEnabled": false, "securityEnabled": true }),
        ),
        ("POST", "/applications".to_owned(), json!({ "displayName": "App" })),
        ("POST", "/identity/conditionalAccess/policies".to_owned(), policy),
        (
            "POST",
            "/identity/conditionalAccess/namedLocations".to_owned(),
            json!({
            "@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": "NL", "countriesAndRegions": ["NL"] }),
        ),
        ("PATCH", "/policies/identitySecurityDefaultsEnforcementPolicy".to_owned(), json!({ "isEnabled": false })),
        (
            "POST",
            "/policies/authenticationStrengthPolicies".to_owned(),
            json!({ "displayName": "K", "allowedCombinations": ["fido2"] }),
        ),
        (
            "POST",
            "/roleManagement/directory/roleAssignments".to_owned(),
            json!({ "principalId": id("anna"),
            "roleDefinitionId": "62e90394-69f5-4237-9190-012177145e10", "directoryScopeId": "/" }),
        ),
        (
            "POST",
            "/roleManagement/directory/roleEligibilityScheduleRequests".to_owned(),
            json!({ "action": "adminAssign",
            "principalId": id("anna"), "roleDefinitionId": "62e90394-69f5-4237-9190-012177145e10" }),
        ),
        ("POST", "/directory/administrativeUnits".to_owned(), json!({ "displayName": "U" })),
        ("POST", "/identityProtection/riskyUsers/confirmCompromised".to_owned(), json!({ "userIds": [id("anna")] })),
    ]
}

const READ_ALL: &[&str] = &[
    "User.Read.All",
    "Group.Read.All",
    "Directory.Read.All",
    "Application.Read.All",
    "Policy.Read.All",
    "RoleManagement.Read.Directory",
    "AuditLog.Read.All",
    "UserAuthenticationMethod.Read.All",
    "AdministrativeUnit.Read.All",
    "IdentityRiskyUser.Read.All",
];

#[test]
fn a_reader_changes_nothing() {
    let world = World::with("readers", &[("reads", READ_ALL), ("nothing", &[])], Value::Null);
    let tokens = [world.user("reader"), world.user("anna"), world.app(0), world.app(1)];
    for (method, path, body) in changes() {
        for (who, token) in tokens.iter().enumerate() {
            let refused = world.graph(token, (method, &path), Some(body.clone()));
            assert_eq!(
                (refused.status, refused.code().as_str()),
                (403, "Authorization_RequestDenied"),
                "{who} {method} {path}"
            );
        }
    }
    let lists = [
        "/users",
        "/groups",
        "/applications",
        "/identity/conditionalAccess/policies",
        "/auditLogs/signIns",
        "/roleManagement/directory/roleAssignments",
        "/directory/administrativeUnits",
        "/identityProtection/riskyUsers",
        "/directoryRoles",
        "/policies/authenticationStrengthPolicies",
    ];
    for path in lists {
        assert_eq!(world.graph(&tokens[2], ("GET", path), None).status, 200, "{path}");
        assert_eq!(world.graph(&tokens[3], ("GET", path), None).status, 403, "{path}");
    }
    let ga = world.user("ga");
    assert!(world.list(&ga, "/auditLogs/directoryAudits").is_empty(), "nothing was done");
    for (method, path, body) in changes().into_iter().filter(|(method, ..)| *method != "DELETE") {
        let done = world.graph(&ga, (method, &path), Some(body));
        assert!(matches!(done.status, 200 | 201 | 204), "{method} {path}: {}", done.text);
    }
    assert_eq!(world.list(&ga, "/auditLogs/directoryAudits").len(), changes().len() - 1, "each left a record");
}

#[test]
fn nobody_reaches_above_themselves() {
    let apps: [(&str, &[&str]); 1] =
        [("users", &["User.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All", "Group.ReadWrite.All"])];
    let world = World::with("above", &apps, Value::Null);
    let ga = format!("/users/{}", id("ga2"));
    for (who, token) in [
        ("ca", world.user("ca")),
        ("useradmin", world.user("useradmin")),
        ("secadmin", world.user("secadmin")),
        ("roleadmin", world.user("roleadmin")),
        ("an application", world.app(0)),
    ] {
        for (method, path, body) in [
            ("PATCH", ga.clone(), json!({ "passwordProfile": { "password": "Another-Horse-8" } })),
            ("PATCH", ga.clone(), json!({ "accountEnabled": false })),
            ("DELETE", ga.clone(), Value::Null),
            ("POST", format!("{ga}/revokeSignInSessions"), json!({})),
            ("POST", format!("{ga}/authentication/temporaryAccessPassMethods"), json!({})),
        ] {
            let refused = world.graph(&token, (method, &path), Some(body));
            assert_eq!(refused.status, 403, "{who} {method} {path}: {}", refused.text);
        }
    }
    // Of an ordinary user the user administrator resets the password, and the group that gives a role is not his.
    let token = world.user("useradmin");
    let bert = format!("/users/{}", id("bert"));
    let password = json!({ "passwordProfile": { "password": "Another-Horse-8" } });
    assert_eq!(world.graph(&token, ("PATCH", &bert), Some(password.clone())).status, 204);
    let group = json!({ "displayName": "Admins", "mailNickname": "admins", "mailEnabled": false, "securityEnabled": true,
        "isAssignableToRole": true });
    assert_eq!(world.graph(&token, ("POST", "/groups"), Some(group.clone())).status, 403);
    let made =
        world.graph(&world.user("ga"), ("POST", "/groups"), Some(group)).json()["id"].as_str().unwrap().to_owned();
    let member = json!({ "@odata.id": format!("{}/v1.0/directoryObjects/{}", world.base(), id("bert")) });
    let members = format!("/groups/{made}/members/$ref");
    assert_eq!(world.graph(&token, ("POST", &members), Some(member.clone())).status, 403);
    assert_eq!(world.graph(&world.app(0), ("POST", &members), Some(member.clone())).status, 403);
    assert_eq!(world.graph(&world.user("roleadmin"), ("POST", &members), Some(member)).status, 204);
    assert_eq!(
        world.graph(&token, ("PATCH", &bert), Some(password)).status,
        403,
        "bert is in a group that may have a role"
    );
}

#[test]
fn owners_change_what_is_theirs() {
    let world = World::new("owners");
    let (ga, anna) = (world.user("ga"), world.user("anna"));
    let app = world.graph(&ga, ("POST", "/applications"), Some(json!({ "displayName": "App" }))).json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (path, owners) = (format!("/applications/{app}"), format!("/applications/{app}/owners"));
    let rename = || world.graph(&anna, ("PATCH", &path), Some(json!({ "displayName": "Mine" }))).status;
    let owner = json!({ "@odata.id": format!("{}/v1.0/directoryObjects/{}", world.base(), id("anna")) });
    assert_eq!(rename(), 403);
    assert_eq!(world.graph(&anna, ("POST", &format!("{owners}/$ref")), Some(owner.clone())).status, 403);
    assert_eq!(world.graph(&ga, ("POST", &format!("{owners}/$ref")), Some(owner.clone())).status, 204);
    assert_eq!(world.graph(&ga, ("POST", &format!("{owners}/$ref")), Some(owner)).status, 400);
    assert_eq!(world.list(&ga, &owners)[0]["id"], json!(id("anna")));
    assert_eq!(rename(), 204);
    assert_eq!(world.graph(&anna, ("POST", &format!("{path}/addPassword")), Some(json!({}))).status, 200);
    let gone = format!("{owners}/{}/$ref", id("anna"));
    assert_eq!(world.graph(&ga, ("DELETE", &gone), None).status, 204);
    assert_eq!(world.graph(&ga, ("DELETE", &gone), None).status, 404);
    assert_eq!(rename(), 403);
}

#[test]
fn memberships_are_followed_as_far_as_is_asked() {
    let world = World::new("memberships");
    let ga = world.user("ga");
    let group = |name: &str, secure: bool| {
        let body = json!({ "displayName": name, "mailNickname": name, "mailEnabled": !secure, "securityEnabled": secure,
            "groupTypes": if secure { json!([]) } else { json!(["Unified"]) } });
        world.graph(&ga, ("POST", "/groups"), Some(body)).json()["id"].as_str().unwrap().to_owned()
    };
    let (inner, outer, mail) = (group("inner", true), group("outer", true), group("mail", false));
    let add = |group: &str, member: &str| {
        let body = json!({ "@odata.id": format!("{}/v1.0/directoryObjects/{member}", world.base()) });
        assert_eq!(world.graph(&ga, ("POST", &format!("/groups/{group}/members/$ref")), Some(body)).status, 204);
    };
    let user = id("useradmin");
    add(&inner, &user);
    add(&outer, &inner);
    add(&mail, &user);
    let count = |path: &str| world.list(&ga, path).len();
    assert_eq!(count(&format!("/users/{user}/memberOf")), 3, "two groups and a role");
    assert_eq!(count(&format!("/users/{user}/transitiveMemberOf")), 4);
    assert_eq!(count(&format!("/users/{user}/transitiveMemberOf/microsoft.graph.group")), 3);
    assert_eq!(count(&format!("/users/{user}/memberOf/microsoft.graph.directoryRole")), 1);
    assert_eq!(
        (count(&format!("/groups/{inner}/memberOf")), count(&format!("/groups/{outer}/transitiveMembers"))),
        (1, 2)
    );
    let ask =
        |of: &str, what: &str, body: Value| world.graph(&ga, ("POST", &format!("{of}/{what}")), Some(body)).list();
    let of = format!("/users/{user}");
    assert_eq!(ask(&of, "getMemberGroups", json!({ "securityEnabledOnly": true })).len(), 2);
    assert_eq!(ask(&of, "getMemberGroups", json!({ "securityEnabledOnly": false })).len(), 3);
    assert_eq!(ask(&of, "getMemberObjects", json!({ "securityEnabledOnly": false })).len(), 4);
    assert_eq!(ask(&of, "checkMemberGroups", json!({ "groupIds": [outer, "nothing"] })), [json!(outer)]);
    assert_eq!(
        ask(&format!("/directoryObjects/{inner}"), "checkMemberGroups", json!({ "groupIds": [outer, mail] })),
        [json!(outer)]
    );
    for (path, body) in [
        (format!("{of}/checkMemberGroups"), json!({})),
        (format!("{of}/checkMemberGroups"), json!({ "groupIds": vec!["x"; 21] })),
        (format!("{of}/memberOf/microsoft.graph.car"), Value::Null),
    ] {
        let method = if body.is_null() { "GET" } else { "POST" };
        let answer = world.graph(&ga, (method, &path), Some(body).filter(|body| !body.is_null()));
        assert_eq!(answer.status, 400, "{path}: {}", answer.text);
    }
    assert_eq!(world.graph(&world.user("anna"), ("GET", "/me"), None).status, 200);
}

#[test]
fn whoever_reads_the_logs_sees_policies_only_if_they_may_read_policies() {
    let role = |name: &str, role: &str| json!({ "id": format!("{name}-holds"), "principalId": id(name), "roleDefinitionId": role, "directoryScopeId": "/" });
    let policy = json!({ "id": "p", "displayName": "P", "state": "enabled",
        "conditions": { "clientAppTypes": ["all"], "users": { "includeUsers": [id("bert")] },
            "applications": { "includeApplications": ["All"] } },
        "grantControls": { "operator": "OR", "builtInControls": ["block"] } });
    let more = json!({
        "roleAssignments": [
            role("ga", "62e90394-69f5-4237-9190-012177145e10"), role("reader", "f2ef992c-3afb-46b9-b7cf-a126ee74c451"),
            role("anna", "4a5d8f65-41da-4de4-8968-e035b65339cf"), role("ca", "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f"),
        ],
        "conditionalAccessPolicies": [policy],
    });
    let apps: &[(&str, &[&str])] =
        &[("logs", &["AuditLog.Read.All"]), ("both", &["AuditLog.Read.All", "Policy.Read.ConditionalAccess"])];
    let world = World::with("applied-policies", apps, more);
    assert_eq!(world.refused("bert"), 53_003);
    let path = format!("/beta/auditLogs/signIns?$filter=userId eq '{}'", id("bert"));
    let applied = |token: &str| world.list(token, &path)[0]["appliedConditionalAccessPolicies"].clone();
    // A Reports Reader, a Security Operator, and an application that may read the logs alone.
    for token in [world.user("anna"), world.user("ca"), world.app(0)] {
        assert_eq!(applied(&token), json!([]));
    }
    for token in [world.user("reader"), world.user("ga"), world.app(1)] {
        assert_eq!(applied(&token)[0]["enforcedGrantControls"], json!(["Block"]));
    }
    assert_eq!(world.graph(&world.user("useradmin"), ("GET", "/auditLogs/signIns"), None).status, 403);
}
