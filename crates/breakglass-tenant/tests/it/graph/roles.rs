//! Roles: held, eligible, activated and given back.

use serde_json::{Value, json};

use super::world::{GLOBAL_ADMINISTRATOR, USER_ADMINISTRATOR, World, id};

const ROLES: &str = "/roleManagement/directory";

fn wish(action: &str, (who, role): (&str, &str), more: &Value) -> Value {
    let mut body =
        json!({ "action": action, "principalId": id(who), "roleDefinitionId": role, "directoryScopeId": "/" });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn eligible(world: &World, token: &str, who: &str) {
    let body = wish("adminAssign", (who, USER_ADMINISTRATOR), &json!({ "justification": "on call" }));
    let made = world.graph(token, ("POST", &format!("{ROLES}/roleEligibilityScheduleRequests")), Some(body));
    assert_eq!((made.status, made.json()["status"].as_str()), (201, Some("Provisioned")), "{}", made.text);
}

#[test]
fn who_is_eligible_activates_with_proof_and_a_reason_and_gives_back() {
    let world = World::new("activation");
    let admin = world.user("roleadmin");
    eligible(&world, &admin, "anna");
    assert_eq!(world.list(&admin, &format!("{ROLES}/roleEligibilitySchedules")).len(), 1);
    assert_eq!(world.list(&admin, &format!("{ROLES}/roleEligibilityScheduleInstances")).len(), 1);
    let path = format!("{ROLES}/roleAssignmentScheduleRequests");
    let hours = |count: u32| json!({ "expiration": { "type": "afterDuration", "duration": format!("PT{count}H") } });
    let activate = |more: Value| wish("selfActivate", ("anna", USER_ADMINISTRATOR), &more);
    let (weak, strong) = (world.user("anna"), world.strong_user("anna"));
    for (token, body, rules) in [
        (&weak, activate(json!({ "justification": "work", "scheduleInfo": hours(1) })), "[\"MfaRule\"]"),
        (&strong, activate(json!({ "scheduleInfo": hours(1) })), "[\"JustificationRule\"]"),
        (&strong, activate(json!({ "justification": "work", "scheduleInfo": hours(9) })), "[\"ExpirationRule\"]"),
        (&weak, activate(json!({})), "[\"MfaRule\",\"JustificationRule\"]"),
    ] {
        let refused = world.graph(token, ("POST", &path), Some(body));
        assert_eq!(refused.code(), "RoleAssignmentRequestPolicyValidationFailed", "{}", refused.text);
        assert!(refused.text.replace('\\', "").contains(rules), "{}", refused.text);
    }
    let bert = format!("/users/{}", id("bert"));
    let change = || world.graph(&strong, ("PATCH", &bert), Some(json!({ "jobTitle": "Baker" }))).status;
    assert_eq!(change(), 403, "eligible is not active");
    let good = activate(json!({ "justification": "work", "scheduleInfo": hours(1) }));
    let validated = activate(json!({ "justification": "work", "scheduleInfo": hours(1), "isValidationOnly": true }));
    assert_eq!(world.graph(&strong, ("POST", &path), Some(validated)).status, 201);
    assert_eq!(change(), 403, "it was only asked whether it would do");
    assert_eq!(world.graph(&strong, ("POST", &path), Some(good.clone())).json()["status"], "Provisioned");
    assert_eq!(change(), 204);
    assert_eq!(world.graph(&strong, ("POST", &path), Some(good.clone())).code(), "RoleAssignmentExists");
    let active = world.list(&admin, &format!("{ROLES}/roleAssignmentScheduleInstances"));
    let own = active.iter().find(|one| one["principalId"] == json!(id("anna"))).unwrap();
    assert_eq!((&own["assignmentType"], &own["endDateTime"]), (&json!("Activated"), &json!("2026-11-26T10:00:00Z")));
    let filter = format!("{ROLES}/roleAssignments?$filter=principalId eq '{}'", id("anna"));
    assert_eq!(world.list(&admin, &filter).len(), 1, "it is an assignment as long as it lasts");
    let back = wish("selfDeactivate", ("anna", USER_ADMINISTRATOR), &json!({}));
    assert_eq!(world.graph(&strong, ("POST", &path), Some(back.clone())).code(), "ActiveDurationTooShort");
    world.later(301);
    assert_eq!(world.graph(&strong, ("POST", &path), Some(back)).json()["status"], "Revoked");
    assert_eq!(change(), 403);
    assert_eq!(world.graph(&strong, ("POST", &path), Some(good)).status, 201);
    world.later(3_599);
    let strong = world.strong_user("anna");
    let late = || world.graph(&strong, ("PATCH", &bert), Some(json!({ "jobTitle": "Baker" }))).status;
    assert_eq!(late(), 204, "it lasts to the end of its hour");
    world.later(1);
    assert_eq!(late(), 403);
    assert!(world.list(&world.user("roleadmin"), &filter).is_empty());
    let audited = world.audited(&world.user("ga"));
    for activity in [
        "Add member to role completed (PIM activation)",
        "Remove member from role (PIM deactivate)",
        "Add eligible member to role in PIM completed (permanent)",
    ] {
        assert!(audited.iter().any(|known| known == activity), "{activity} is not in {audited:?}");
    }
}

#[test]
fn who_is_not_eligible_or_not_asked_activates_nothing() {
    let world = World::new("no-activation");
    let admin = world.user("roleadmin");
    eligible(&world, &admin, "anna");
    let path = format!("{ROLES}/roleAssignmentScheduleRequests");
    let reason = json!({ "justification": "work" });
    let strong = world.strong_user("anna");
    for (token, body, status) in [
        (&strong, wish("selfActivate", ("anna", GLOBAL_ADMINISTRATOR), &reason), 400),
        (&strong, wish("selfActivate", ("bert", USER_ADMINISTRATOR), &reason), 403),
        (&admin, wish("selfActivate", ("anna", USER_ADMINISTRATOR), &reason), 403),
        (&strong, wish("adminAssign", ("anna", USER_ADMINISTRATOR), &reason), 403),
        (&strong, wish("adminRemove", ("ga", GLOBAL_ADMINISTRATOR), &reason), 403),
        (&admin, wish("adminRemove", ("anna", USER_ADMINISTRATOR), &reason), 400),
        (&admin, wish("adminExtend", ("anna", USER_ADMINISTRATOR), &reason), 400),
        (&admin, wish("adminAssign", ("anna", "not-a-role"), &reason), 404),
        (&admin, json!({ "action": "adminAssign" }), 400),
        (
            &admin,
            wish("adminAssign", ("anna", USER_ADMINISTRATOR), &json!({ "directoryScopeId": "/administrativeUnits/x" })),
            404,
        ),
        (
            &admin,
            wish(
                "adminAssign",
                ("anna", USER_ADMINISTRATOR),
                &json!({ "scheduleInfo": { "expiration": { "type": "afterDuration", "duration": "soon" } } }),
            ),
            400,
        ),
        (
            &admin,
            wish(
                "adminAssign",
                ("anna", USER_ADMINISTRATOR),
                &json!({ "scheduleInfo": { "expiration": { "type": "afterDateTime", "endDateTime": "2020-01-01T00:00:00Z" } } }),
            ),
            400,
        ),
    ] {
        let answer = world.graph(token, ("POST", &path), Some(body.clone()));
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
    }
    assert_eq!(
        world.graph(&world.user("anna"), ("GET", &format!("{ROLES}/roleEligibilitySchedules")), None).status,
        403
    );
    let own = format!("{ROLES}/roleEligibilitySchedules/filterByCurrentUser(on='principal')");
    assert_eq!(world.list(&strong, &own).len(), 1);
    assert!(world.list(&world.user("bert"), &own).is_empty());
}

#[test]
fn an_activation_that_somebody_has_to_approve_waits() {
    let rule = json!([{ "id": "Approval_EndUser_Assignment", "setting": { "isApprovalRequired": true } },
        { "id": "Enablement_EndUser_Assignment", "enabledRules": [] },
        { "id": "Expiration_EndUser_Assignment", "maximumDuration": "PT1H" }]);
    let more = json!({ "roleManagementPolicies": [
        { "id": "p", "roleDefinitionId": USER_ADMINISTRATOR, "rules": rule }] });
    let world = World::with("approval", &[], more);
    eligible(&world, &world.user("roleadmin"), "anna");
    let path = format!("{ROLES}/roleAssignmentScheduleRequests");
    let token = world.user("anna");
    let made =
        world.graph(&token, ("POST", &path), Some(wish("selfActivate", ("anna", USER_ADMINISTRATOR), &json!({}))));
    assert_eq!(made.json()["status"], "PendingApproval", "{}", made.text);
    let bert = format!("/users/{}", id("bert"));
    assert_eq!(world.graph(&token, ("PATCH", &bert), Some(json!({ "jobTitle": "Baker" }))).status, 403);
}

#[test]
fn an_assignment_for_a_time_begins_and_ends() {
    let world = World::new("timed");
    let admin = world.user("roleadmin");
    let path = format!("{ROLES}/roleAssignmentScheduleRequests");
    let schedule = json!({ "startDateTime": "2026-11-26T09:10:00Z",
        "expiration": { "type": "afterDateTime", "endDateTime": "2026-11-26T09:20:00Z" } });
    let body = wish("adminAssign", ("anna", USER_ADMINISTRATOR), &json!({ "scheduleInfo": schedule }));
    assert_eq!(world.graph(&admin, ("POST", &path), Some(body)).status, 201);
    let own = |list: &str| {
        let all = world.list(&admin, &format!("{ROLES}/{list}"));
        all.iter().filter(|one| one["principalId"] == json!(id("anna"))).count()
    };
    let seen = || (own("roleAssignmentSchedules"), own("roleAssignmentScheduleInstances"), own("roleAssignments"));
    assert_eq!(seen(), (1, 0, 0));
    world.later(601);
    assert_eq!(seen(), (1, 1, 1));
    world.later(600);
    assert_eq!(seen(), (0, 0, 0));
}

#[test]
fn the_old_interface_has_the_same_roles() {
    let world = World::new("directory-roles");
    let (admin, reader) = (world.user("roleadmin"), world.user("reader"));
    let active = |token: &str| world.list(token, "/directoryRoles").len();
    let before = active(&reader);
    assert!(world.list(&reader, "/directoryRoleTemplates").len() > 100);
    let helpdesk = "729827e3-9c14-49f7-bb1b-9608f156bbb8";
    let role = format!("/directoryRoles/roleTemplateId={helpdesk}");
    assert_eq!(world.graph(&reader, ("GET", &role), None).status, 404, "nobody activated it");
    let body = json!({ "roleTemplateId": helpdesk });
    assert_eq!(world.graph(&reader, ("POST", "/directoryRoles"), Some(body.clone())).status, 403);
    assert_eq!(world.graph(&admin, ("POST", "/directoryRoles"), Some(body.clone())).status, 201);
    assert_eq!(world.graph(&admin, ("POST", "/directoryRoles"), Some(body)).status, 400);
    assert_eq!(active(&reader), before + 1);
    let reference = json!({ "@odata.id": format!("{}/v1.0/directoryObjects/{}", world.base(), id("anna")) });
    let members = format!("{role}/members");
    assert_eq!(world.graph(&reader, ("POST", &format!("{members}/$ref")), Some(reference.clone())).status, 403);
    assert_eq!(world.graph(&admin, ("POST", &format!("{members}/$ref")), Some(reference.clone())).status, 204);
    assert_eq!(world.graph(&admin, ("POST", &format!("{members}/$ref")), Some(reference)).status, 400);
    assert_eq!(world.list(&reader, &members)[0]["id"], json!(id("anna")));
    let filter = format!("{ROLES}/roleAssignments?$filter=principalId eq '{}'", id("anna"));
    assert_eq!(world.list(&reader, &filter).len(), 1);
    let gone = format!("{members}/{}/$ref", id("anna"));
    assert_eq!(world.graph(&admin, ("DELETE", &gone), None).status, 204);
    assert_eq!(world.graph(&admin, ("DELETE", &gone), None).status, 404);
    assert!(world.list(&reader, &filter).is_empty());
}

#[test]
fn the_last_global_administrator_stays() {
    let world = World::new("last");
    let token = world.user("ga");
    let member = |name: &str| format!("/directoryRoles/{GLOBAL_ADMINISTRATOR}/members/{}/$ref", id(name));
    assert_eq!(world.graph(&token, ("DELETE", &member("ga2")), None).status, 204);
    assert_eq!(world.graph(&token, ("DELETE", &member("ga")), None).status, 400);
    let filter = format!("{ROLES}/roleAssignments?$filter=roleDefinitionId eq '{GLOBAL_ADMINISTRATOR}'");
    let last = world.list(&token, &filter);
    let path = format!("{ROLES}/roleAssignments/{}", last[0]["id"].as_str().unwrap());
    assert_eq!(world.graph(&token, ("DELETE", &path), None).status, 400);
    let body = wish("adminRemove", ("ga", GLOBAL_ADMINISTRATOR), &json!({}));
    assert_eq!(
        world.graph(&token, ("POST", &format!("{ROLES}/roleAssignmentScheduleRequests")), Some(body)).status,
        400
    );
}
