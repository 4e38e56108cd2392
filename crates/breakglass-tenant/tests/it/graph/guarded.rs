//! Administrators who are deleted, sensitive properties, and the last Global Administrator.

use serde_json::{Value, json};

use super::world::{GLOBAL_ADMINISTRATOR, World, id};

fn deleted(who: &str) -> String {
    format!("/directory/deletedItems/{}", id(who))
}

fn group(world: &World, token: &str, more: &Value) -> String {
    let mut body = json!({ "displayName": "G", "mailNickname": "g", "mailEnabled": false, "securityEnabled": true });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = world.graph(token, ("POST", "/groups"), Some(body));
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()["id"].as_str().unwrap().to_owned()
}

fn bind(world: &World, who: &str) -> Value {
    json!([format!("{}/v1.0/directoryObjects/{}", world.base(), id(who))])
}

#[test]
fn a_deleted_administrator_is_for_those_above() {
    let world = World::with("deleted-administrator", &[("users", &["User.ReadWrite.All"])], Value::Null);
    let ga = world.user("ga");
    assert_eq!(world.graph(&ga, ("DELETE", &format!("/users/{}", id("ga2"))), None).status, 204);
    assert_eq!(world.graph(&ga, ("DELETE", &format!("/users/{}", id("bert"))), None).status, 204);
    let restore = format!("{}/restore", deleted("ga2"));
    for token in [world.user("useradmin"), world.app(0)] {
        assert_eq!(world.graph(&token, ("POST", &restore), None).status, 403);
        assert_eq!(world.graph(&token, ("DELETE", &deleted("ga2")), None).status, 403);
    }
    let bert = format!("{}/restore", deleted("bert"));
    assert_eq!(world.graph(&world.user("useradmin"), ("POST", &bert), None).status, 200, "he is no administrator");
    assert_eq!(world.graph(&ga, ("POST", &restore), None).status, 200);
}

#[test]
fn a_role_sleeps_while_its_holder_is_deleted() {
    let world = World::new("sleeping-role");
    let ga = world.user("ga");
    let token = world.user("roleadmin");
    let filter = format!("/roleManagement/directory/roleAssignments?$filter=principalId eq '{}'", id("roleadmin"));
    let unit = || world.graph(&token, ("POST", "/administrativeUnits"), Some(json!({ "displayName": "U" }))).status;
    assert_eq!((world.list(&ga, &filter).len(), unit()), (1, 201));
    assert_eq!(world.graph(&ga, ("DELETE", &format!("/users/{}", id("roleadmin"))), None).status, 204);
    assert_eq!((world.list(&ga, &filter).len(), unit()), (0, 403));
    assert_eq!(world.graph(&ga, ("POST", &format!("{}/restore", deleted("roleadmin"))), None).status, 200);
    assert_eq!((world.list(&ga, &filter).len(), unit()), (1, 201));
    assert_eq!(world.graph(&ga, ("DELETE", &format!("/users/{}", id("roleadmin"))), None).status, 204);
    assert_eq!(world.graph(&ga, ("DELETE", &deleted("roleadmin")), None).status, 204);
    assert!(world.list(&ga, &filter).is_empty(), "gone for good, and the role with it");
}

#[test]
fn who_is_gone_for_good_is_in_no_group_any_more() {
    let world = World::new("gone-member");
    let ga = world.user("ga");
    let with_bert = json!({ "members@odata.bind": bind(&world, "bert"), "owners@odata.bind": bind(&world, "bert") });
    let made = group(&world, &ga, &with_bert);
    assert_eq!(world.graph(&ga, ("DELETE", &format!("/users/{}", id("bert"))), None).status, 204);
    assert!(world.list(&ga, &format!("/groups/{made}/members")).is_empty());
    assert_eq!(world.graph(&ga, ("POST", &format!("{}/restore", deleted("bert"))), None).status, 200);
    assert_eq!(world.list(&ga, &format!("/groups/{made}/members")).len(), 1);
    assert_eq!(world.graph(&ga, ("DELETE", &format!("/users/{}", id("bert"))), None).status, 204);
    assert_eq!(world.graph(&ga, ("DELETE", &deleted("bert")), None).status, 204);
    for list in ["members", "owners"] {
        let gone = format!("/groups/{made}/{list}/{}/$ref", id("bert"));
        assert_eq!(world.graph(&ga, ("DELETE", &gone), None).status, 404, "{list}");
    }
}

#[test]
fn a_deleted_group_that_may_have_a_role_is_for_those_who_assign_roles() {
    let world = World::new("deleted-assignable");
    let ga = world.user("ga");
    let assignable = group(&world, &ga, &json!({ "isAssignableToRole": true }));
    let plain = group(&world, &ga, &json!({}));
    for made in [&assignable, &plain] {
        assert_eq!(world.graph(&ga, ("DELETE", &format!("/groups/{made}")), None).status, 204);
    }
    let token = world.user("useradmin");
    let restore = |made: &str| format!("/directory/deletedItems/{made}/restore");
    assert_eq!(world.graph(&token, ("POST", &restore(&plain)), None).status, 200);
    assert_eq!(world.graph(&token, ("POST", &restore(&assignable)), None).status, 403);
    assert_eq!(world.graph(&token, ("DELETE", &format!("/directory/deletedItems/{assignable}")), None).status, 403);
    assert_eq!(world.graph(&world.user("roleadmin"), ("POST", &restore(&assignable)), None).status, 200);
}

#[test]
fn owners_of_a_group_that_may_have_a_role_are_protected() {
    let world = World::new("protected-owner");
    let (ga, token) = (world.user("ga"), world.user("useradmin"));
    let bert = format!("/users/{}", id("bert"));
    let off = || world.graph(&token, ("PATCH", &bert), Some(json!({ "accountEnabled": true }))).status;
    group(&world, &ga, &json!({ "owners@odata.bind": bind(&world, "bert") }));
    assert_eq!(off(), 204, "the group cannot have a role");
    group(&world, &ga, &json!({ "isAssignableToRole": true, "owners@odata.bind": bind(&world, "bert") }));
    assert_eq!(off(), 403);
    assert_eq!(world.graph(&token, ("DELETE", &bert), None).status, 403);
    assert_eq!(world.graph(&ga, ("DELETE", &bert), None).status, 204);
    assert_eq!(world.graph(&token, ("POST", &format!("{}/restore", deleted("bert"))), None).status, 403);
}

#[test]
fn sensitive_properties_of_an_administrator_are_for_those_above() {
    let world = World::new("sensitive");
    let token = world.user("useradmin");
    let change =
        |who: &str, body: Value| world.graph(&token, ("PATCH", &format!("/users/{}", id(who))), Some(body)).status;
    for body in [
        json!({ "accountEnabled": false }),
        json!({ "businessPhones": ["1"] }),
        json!({ "mobilePhone": "1" }),
        json!({ "onPremisesImmutableId": "AAAA" }),
        json!({ "otherMails": ["a@contoso.com"] }),
        json!({ "userPrincipalName": "ga3@contoso.onmicrosoft.com" }),
        json!({ "passwordProfile": { "password": "Another-Horse-8" } }),
    ] {
        assert_eq!(change("ga2", body.clone()), 403, "{body}");
    }
    assert_eq!(change("ga2", json!({ "jobTitle": "Chief" })), 204);
    assert_eq!(change("bert", json!({ "onPremisesImmutableId": "AAAA" })), 204);
}

#[test]
fn a_role_over_a_restricted_unit_protects_too() {
    let world = World::new("restricted-role");
    let (ga, token) = (world.user("ga"), world.user("useradmin"));
    let body = json!({ "displayName": "R", "isMemberManagementRestricted": true });
    let unit = world.graph(&ga, ("POST", "/administrativeUnits"), Some(body)).json()["id"].as_str().unwrap().to_owned();
    let bert = format!("/users/{}", id("bert"));
    let phone = || world.graph(&token, ("PATCH", &bert), Some(json!({ "mobilePhone": "1" }))).status;
    assert_eq!(phone(), 204);
    let assignment = json!({ "principalId": id("bert"), "roleDefinitionId": super::world::USER_ADMINISTRATOR,
        "directoryScopeId": format!("/administrativeUnits/{unit}") });
    let made = world.graph(&ga, ("POST", "/roleManagement/directory/roleAssignments"), Some(assignment));
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(phone(), 403);
}

#[test]
fn the_last_global_administrator_is_not_deleted_but_may_be_disabled() {
    let world = World::new("last-deleted");
    let ga = world.user("ga");
    let own = format!("/users/{}", id("ga"));
    assert_eq!(world.graph(&ga, ("DELETE", &format!("/users/{}", id("ga2"))), None).status, 204);
    let refused = world.graph(&ga, ("DELETE", &own), None);
    assert_eq!((refused.status, refused.code().as_str()), (400, "Request_BadRequest"), "{}", refused.text);
    let role = format!("/directoryRoles/{GLOBAL_ADMINISTRATOR}/members/{}/$ref", id("ga"));
    assert_eq!(world.graph(&ga, ("DELETE", &role), None).status, 400, "who is deleted does not count");
    assert_eq!(world.graph(&ga, ("PATCH", &own), Some(json!({ "accountEnabled": false }))).status, 204);
    assert_eq!(world.refused("ga"), 50_057, "and so everybody is locked out");
}

#[test]
fn who_is_global_administrator_through_a_group_counts() {
    let world = World::new("last-group");
    let ga = world.user("ga");
    let made = group(&world, &ga, &json!({ "isAssignableToRole": true, "members@odata.bind": bind(&world, "anna") }));
    let assignment = json!({ "principalId": made, "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/" });
    let assigned = world.graph(&ga, ("POST", "/roleManagement/directory/roleAssignments"), Some(assignment));
    assert_eq!(assigned.status, 201, "{}", assigned.text);
    assert_eq!(world.graph(&ga, ("DELETE", &format!("/users/{}", id("ga2"))), None).status, 204);
    assert_eq!(world.graph(&ga, ("DELETE", &format!("/users/{}", id("ga"))), None).status, 204);
    let anna = world.user("anna");
    assert_eq!(world.graph(&anna, ("DELETE", &format!("/users/{}", id("anna"))), None).status, 400);
}
