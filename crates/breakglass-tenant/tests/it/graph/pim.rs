//! Privileged Identity Management: rules of roles, requests that somebody has to approve, and what is left when it is down.

use serde_json::{Value, json};

use super::world::{GLOBAL_ADMINISTRATOR, USER_ADMINISTRATOR, World, id};

const REQUESTS: &str = "/roleManagement/directory/roleAssignmentScheduleRequests";
const ELIGIBLE: &str = "/roleManagement/directory/roleEligibilityScheduleRequests";
const APPROVALS: &str = "/beta/roleManagement/directory/roleAssignmentApprovals";
const OF_ROLES: &str = "$filter=scopeId eq '/' and scopeType eq 'DirectoryRole'";

fn policy(world: &World, token: &str, role: &str) -> String {
    let path = format!("/policies/roleManagementPolicyAssignments?{OF_ROLES} and roleDefinitionId eq '{role}'");
    let found = world.list(token, &path);
    assert_eq!(found.len(), 1, "{role}");
    assert_eq!(found[0].get("policy"), None, "it was not asked for");
    found[0]["policyId"].as_str().unwrap().to_owned()
}

/// Changes a rule of the User Administrator.
fn rule(world: &World, name: &str, change: Value) {
    let token = world.user("roleadmin");
    let policy = policy(world, &token, USER_ADMINISTRATOR);
    let path = format!("/policies/roleManagementPolicies/{policy}/rules/{name}");
    let changed = world.graph(&token, ("PATCH", &path), Some(change.clone()));
    assert_eq!(changed.status, 200, "{change}: {}", changed.text);
}

/// Anna may become User Administrator, without showing anything.
fn eligible(name: &str) -> World {
    let world = World::new(name);
    let token = world.user("roleadmin");
    let body = json!({ "action": "adminAssign", "principalId": id("anna"), "roleDefinitionId": USER_ADMINISTRATOR,
        "directoryScopeId": "/" });
    assert_eq!(world.graph(&token, ("POST", ELIGIBLE), Some(body)).status, 201);
    rule(&world, "Enablement_EndUser_Assignment", json!({ "enabledRules": [] }));
    world
}

fn activation(more: &Value) -> Value {
    let mut body = json!({ "action": "selfActivate", "principalId": id("anna"), "roleDefinitionId": USER_ADMINISTRATOR,
        "directoryScopeId": "/", "scheduleInfo": { "expiration": { "type": "AfterDuration", "duration": "PT1H" } } });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body
}

fn may_administer(world: &World, who: &str) -> bool {
    let path = format!("/users/{}", id("bert"));
    let status = world.graph(&world.user(who), ("PATCH", &path), Some(json!({ "jobTitle": "Baker" }))).status;
    assert!(matches!(status, 204 | 403), "{status}");
    status == 204
}

fn approver(who: &str) -> Value {
    json!({ "setting": { "isApprovalRequired": true, "approvalStages": [{ "approvalStageTimeOutInDays": 1,
        "isApproverJustificationRequired": true, "primaryApprovers": [
            { "@odata.type": "#microsoft.graph.singleUser", "userId": id(who) }] }] } })
}

#[test]
fn every_role_has_a_policy_with_seventeen_rules() {
    let world = World::new("role-policies");
    let (token, reader) = (world.user("roleadmin"), world.user("reader"));
    let all = world.list(&reader, &format!("/policies/roleManagementPolicies?{OF_ROLES}&$expand=rules"));
    let roles = world.list(&reader, "/roleManagement/directory/roleDefinitions?$top=999").len();
    let next = world.graph(&reader, ("GET", &format!("/policies/roleManagementPolicies?{OF_ROLES}")), None).json();
    assert!(next["@odata.nextLink"].is_string() && all.len() == 100 && roles > 100, "{roles}");
    assert!(all.iter().all(|policy| policy["rules"].as_array().unwrap().len() == 17));
    assert!(next["value"][0].get("rules").is_none());
    let own = policy(&world, &token, GLOBAL_ADMINISTRATOR);
    for version in ["", "/beta"] {
        let path = format!("{version}/policies/roleManagementPolicies/{own}");
        assert_eq!(world.graph(&reader, ("GET", &path), None).json().get("rules"), None);
        let whole = world.graph(&reader, ("GET", &format!("{path}?$expand=rules,effectiveRules")), None).json();
        assert_eq!(whole["rules"], whole["effectiveRules"]);
        assert_eq!(world.list(&reader, &format!("{path}/rules")).len(), 17);
        let one = world.graph(&reader, ("GET", &format!("{path}/rules/Expiration_EndUser_Assignment")), None).json();
        assert_eq!(one["maximumDuration"], "PT8H");
        let path = format!("{version}/policies/roleManagementPolicyAssignments");
        let nested =
            format!("{path}?{OF_ROLES} and roleDefinitionId eq '{GLOBAL_ADMINISTRATOR}'&$expand=policy($expand=rules)");
        let nested = world.list(&reader, &nested);
        assert_eq!(nested[0]["policy"]["rules"].as_array().unwrap().len(), 17);
        assert_eq!(nested[0]["policy"].get("effectiveRules"), None);
        assert_eq!(nested[0]["id"], json!(format!("{own}_{GLOBAL_ADMINISTRATOR}")));
    }
    for path in
        ["roleManagementPolicies", "roleManagementPolicyAssignments", "roleManagementPolicies?$filter=scopeId eq '/'"]
    {
        assert_eq!(world.graph(&reader, ("GET", &format!("/policies/{path}")), None).status, 400, "{path}");
    }
    for expand in ["rules($expand=target)", "policy($expand=rules)"] {
        let path = format!("/policies/roleManagementPolicies?{OF_ROLES}&$expand={expand}");
        assert_eq!(world.graph(&reader, ("GET", &path), None).status, 400, "{expand}");
    }
    let nested = format!("/policies/roleManagementPolicyAssignments?{OF_ROLES}&$expand=policy($expand=owner)");
    assert_eq!(world.graph(&reader, ("GET", &nested), None).status, 400);
    assert_eq!(world.graph(&reader, ("GET", "/policies/roleManagementPolicies/nothing"), None).status, 404);
    assert_eq!(world.graph(&reader, ("POST", "/policies/roleManagementPolicies"), Some(json!({}))).status, 405);
}

#[test]
fn rules_are_changed_by_who_administers_roles_and_kept() {
    let world = World::new("role-rules");
    let token = world.user("roleadmin");
    let own = policy(&world, &token, USER_ADMINISTRATOR);
    let path = |rule: &str| format!("/policies/roleManagementPolicies/{own}/rules/{rule}");
    let shorter = json!({ "@odata.type": "#microsoft.graph.unifiedRoleManagementPolicyExpirationRule",
        "id": "Expiration_EndUser_Assignment", "isExpirationRequired": true, "maximumDuration": "PT2H",
        "target": { "@odata.type": "microsoft.graph.unifiedRoleManagementPolicyRuleTarget", "caller": "EndUser",
            "operations": ["All"], "level": "Assignment", "inheritableSettings": [], "enforcedSettings": [] } });
    let expiration = path("Expiration_EndUser_Assignment");
    for (who, status) in [("anna", 403), ("reader", 403), ("useradmin", 403), ("roleadmin", 200)] {
        let answer = world.graph(&world.user(who), ("PATCH", &expiration), Some(shorter.clone()));
        assert_eq!(answer.status, status, "{who}: {}", answer.text);
    }
    for (rule, body, status, code) in [
        ("Expiration_EndUser_Assignment", json!({ "maximumDuration": "long" }), 400, "InvalidPolicy"),
        ("Expiration_EndUser_Assignment", json!({ "enabledRules": [] }), 400, "InvalidPolicy"),
        ("Enablement_EndUser_Assignment", json!({ "enabledRules": ["Prayer"] }), 400, "InvalidPolicy"),
        ("Nothing_EndUser_Assignment", json!({}), 404, "Request_ResourceNotFound"),
        ("AuthenticationContext_EndUser_Assignment", json!({ "isEnabled": true, "claimValue": "c1" }), 200, ""),
        (
            "Enablement_EndUser_Assignment",
            json!({ "enabledRules": ["MultiFactorAuthentication"] }),
            400,
            "MfaAndAcrsConflict",
        ),
        ("Enablement_EndUser_Assignment", json!({ "enabledRules": ["Ticketing"] }), 200, ""),
    ] {
        let answer = world.graph(&token, ("PATCH", &path(rule)), Some(body.clone()));
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{rule} {body}: {}", answer.text);
    }
    let world = world.restarted();
    let token = world.user("roleadmin");
    let read = |rule: &str| world.graph(&token, ("GET", &path(rule)), None).json();
    assert_eq!(read("Expiration_EndUser_Assignment")["maximumDuration"], "PT2H");
    assert_eq!(read("Enablement_EndUser_Assignment")["enabledRules"], json!(["Ticketing"]));
    let changed = world.audited(&world.user("ga")).into_iter().filter(|one| one == "Update role setting in PIM");
    assert_eq!(changed.count(), 3);
}

#[test]
fn an_activation_keeps_to_the_rules_of_its_role() {
    let world = eligible("role-activation");
    let token = world.user("anna");
    let ask = |more: Value| world.graph(&token, ("POST", REQUESTS), Some(activation(&more)));
    rule(&world, "Enablement_EndUser_Assignment", json!({ "enabledRules": ["Ticketing"] }));
    let refused = ask(json!({}));
    assert_eq!(refused.code(), "RoleAssignmentRequestPolicyValidationFailed");
    assert!(refused.text.contains("TicketingRule") && !refused.text.contains("MfaRule"), "{}", refused.text);
    rule(&world, "Expiration_EndUser_Assignment", json!({ "maximumDuration": "PT30M" }));
    let ticket = json!({ "ticketNumber": "7", "ticketSystem": "paper" });
    assert!(ask(json!({ "ticketInfo": ticket })).text.contains("ExpirationRule"));
    let short = json!({ "expiration": { "type": "AfterDuration", "duration": "PT30M" } });
    assert_eq!(ask(json!({ "ticketInfo": ticket, "scheduleInfo": short })).status, 201);
    assert!(may_administer(&world, "anna"));
    world.later(1_799);
    assert!(may_administer(&world, "anna"));
    world.later(1);
    assert!(!may_administer(&world, "anna"), "half an hour is over");
}

#[test]
fn an_authentication_context_is_met_at_the_sign_in_and_not_before() {
    let world = eligible("role-context");
    rule(&world, "AuthenticationContext_EndUser_Assignment", json!({ "isEnabled": true, "claimValue": "c1" }));
    let ask = |token: &str| world.graph(token, ("POST", REQUESTS), Some(activation(&json!({}))));
    let refused = ask(&world.user("anna"));
    assert_eq!((refused.status, refused.code().as_str()), (400, "RoleAssignmentRequestAcrsValidationFailed"));
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    let challenge = message.strip_prefix("&claims=").unwrap();
    let wanted =
        r#"%7B%22access_token%22%3A%7B%22acrs%22%3A%7B%22essential%22%3Atrue%2C%22value%22%3A%22c1%22%7D%7D%7D"#;
    assert_eq!(challenge, wanted);
    let claims = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
    let other = claims.replace("c1", "c2");
    assert_eq!(ask(&world.user_with_claims("anna", &other).unwrap()).status, 400, "that is another one");
    let ca = world.user("ca");
    let policy = json!({ "displayName": "c1 is for nobody here", "state": "enabled", "conditions": {
        "clientAppTypes": ["all"], "users": { "includeUsers": ["All"] },
        "applications": { "includeAuthenticationContextClassReferences": ["c1"] } },
        "grantControls": { "operator": "OR", "builtInControls": ["block"] } });
    let made = world.graph(&ca, ("POST", "/identity/conditionalAccess/policies"), Some(policy));
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(world.user_with_claims("anna", claims), Err(53_003), "the context is what a policy makes of it");
    world.user("anna");
    let path = format!("/identity/conditionalAccess/policies/{}", made.json()["id"].as_str().unwrap());
    assert_eq!(world.graph(&ca, ("DELETE", &path), None).status, 204);
    assert_eq!(ask(&world.user_with_claims("anna", claims).unwrap()).status, 201);
    let path = "/auditLogs/signIns?$filter=userPrincipalName eq 'anna@contoso.onmicrosoft.com'";
    let signed_in = world.list(&world.user("ga"), &format!("/beta{path}"));
    let of = |at: usize| &signed_in[at]["authenticationContextClassReferences"];
    assert_eq!((of(0), of(1)), (&json!([{ "id": "c1", "detail": "required" }]), &Value::Null));
    assert_eq!(signed_in[2]["status"]["errorCode"], 53_003);
    assert_eq!(signed_in[2]["appliedConditionalAccessPolicies"][0]["result"], "failure");
    assert_eq!(world.list(&world.user("ga"), path)[0].get("authenticationContextClassReferences"), None);
}

#[test]
fn whoever_is_named_approves_and_the_role_is_active_from_then_on() {
    let world = eligible("role-approved");
    rule(&world, "Approval_EndUser_Assignment", approver("bert"));
    let made = world.graph(&world.user("anna"), ("POST", REQUESTS), Some(activation(&json!({})))).json();
    let own = made["id"].as_str().unwrap().to_owned();
    assert_eq!((&made["status"], &made["approvalId"]), (&json!("PendingApproval"), &json!(own)));
    let again = world.graph(&world.user("anna"), ("POST", REQUESTS), Some(activation(&json!({}))));
    assert_eq!(again.code(), "PendingRoleAssignmentRequest");
    let path = format!("{APPROVALS}/{own}");
    for (who, status) in [("bert", 200), ("anna", 200), ("reader", 200), ("useradmin", 403)] {
        assert_eq!(world.graph(&world.user(who), ("GET", &path), None).status, status, "{who}");
    }
    let waiting = format!("{APPROVALS}/filterByCurrentUser(on='approver')?$expand=steps");
    assert_eq!(
        (world.list(&world.user("bert"), &waiting).len(), world.list(&world.user("ga"), &waiting).len()),
        (1, 0)
    );
    let steps = world.list(&world.user("bert"), &format!("{path}/steps"));
    assert_eq!((&steps[0]["status"], &steps[0]["assignedToMe"]), (&json!("InProgress"), &json!(true)));
    let step = format!("{path}/steps/{}", steps[0]["id"].as_str().unwrap());
    let yes = json!({ "reviewResult": "Approve", "justification": "it is her turn" });
    for (who, body, status) in [
        ("anna", yes.clone(), 403),
        ("ga", yes.clone(), 403),
        ("bert", json!({ "reviewResult": "Approve" }), 400),
        ("bert", json!({ "reviewResult": "Perhaps", "justification": "x" }), 400),
        ("bert", json!({ "reviewResult": "Approve", "justification": "x", "color": 1 }), 400),
    ] {
        let answer = world.graph(&world.user(who), ("PATCH", &step), Some(body.clone()));
        assert_eq!(answer.status, status, "{who} {body}: {}", answer.text);
    }
    assert_eq!(world.graph(&world.user("bert"), ("PATCH", &step.replace("/beta", "")), Some(yes.clone())).status, 400);
    world.later(3_000);
    assert!(!may_administer(&world, "anna"));
    assert_eq!(world.graph(&world.user("bert"), ("PATCH", &step), Some(yes.clone())).status, 204);
    assert!(may_administer(&world, "anna"));
    assert_eq!(world.graph(&world.user("bert"), ("PATCH", &step), Some(yes)).status, 409);
    let seen = world.graph(&world.user("bert"), ("GET", &step), None).json();
    assert_eq!((&seen["reviewResult"], &seen["reviewedBy"]["id"]), (&json!("Approved"), &json!(id("bert"))));
    world.later(3_599);
    assert!(may_administer(&world, "anna"), "an hour from when it was approved");
    world.later(1);
    assert!(!may_administer(&world, "anna"));
    let audited = world.audited(&world.user("ga"));
    for activity in [
        "Add member to role approval requested (PIM activation)",
        "Add member to role request approved (PIM activation)",
        "Add member to role completed (PIM activation)",
    ] {
        assert_eq!(audited.iter().filter(|known| *known == activity).count(), 1, "{activity}: {audited:?}");
    }
}

#[test]
fn what_is_denied_cancelled_or_waited_for_too_long_gives_no_role() {
    let world = eligible("role-denied");
    // Nobody is named: whoever looks after roles.
    rule(&world, "Approval_EndUser_Assignment", json!({ "setting": { "isApprovalRequired": true } }));
    let ask = || {
        let made = world.graph(&world.user("anna"), ("POST", REQUESTS), Some(activation(&json!({}))));
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["id"].as_str().unwrap().to_owned()
    };
    let decide = |own: &str, who: &str, result: &str| {
        let steps = world.list(&world.user("ga"), &format!("{APPROVALS}/{own}/steps"));
        let step = format!("{APPROVALS}/{own}/steps/{}", steps[0]["id"].as_str().unwrap());
        let body = json!({ "reviewResult": result, "justification": "because" });
        world.graph(&world.user(who), ("PATCH", &step), Some(body)).status
    };
    let status = |own: &str| {
        world.graph(&world.user("ga"), ("GET", &format!("{REQUESTS}/{own}")), None).json()["status"].clone()
    };
    let denied = ask();
    assert_eq!((decide(&denied, "bert", "Deny"), decide(&denied, "roleadmin", "Deny")), (403, 204));
    assert_eq!((status(&denied), decide(&denied, "ga", "Approve")), (json!("Denied"), 409));
    let canceled = ask();
    let path = format!("{REQUESTS}/{canceled}/cancel");
    assert_eq!(world.graph(&world.user("ga"), ("POST", &path), None).status, 403);
    assert_eq!(world.graph(&world.user("anna"), ("POST", &path), None).status, 204);
    assert_eq!(world.graph(&world.user("anna"), ("POST", &path), None).status, 400);
    assert_eq!((status(&canceled), decide(&canceled, "ga", "Approve")), (json!("Canceled"), 409));
    let late = ask();
    world.later(86_400);
    assert_eq!((status(&late), decide(&late, "ga", "Approve")), (json!("Failed"), 409));
    assert!(!may_administer(&world, "anna"));
    let good = ask();
    assert_eq!(decide(&good, "ga", "Approve"), 204);
    assert!(may_administer(&world, "anna"));
}

#[test]
fn while_it_is_down_nobody_becomes_anything_and_whoever_is_something_stays() {
    let world = eligible("role-down");
    let (admin, anna) = (world.user("roleadmin"), world.user("anna"));
    assert_eq!(world.graph(&anna, ("POST", REQUESTS), Some(activation(&json!({})))).status, 201);
    world.fault("pim-down", true);
    assert!(may_administer(&world, "anna"), "what is active stays");
    let filter = format!("/roleManagement/directory/roleAssignments?$filter=principalId eq '{}'", id("anna"));
    assert_eq!(world.list(&admin, &filter).len(), 1);
    let assign = json!({ "action": "adminAssign", "principalId": id("bert"), "roleDefinitionId": USER_ADMINISTRATOR,
        "directoryScopeId": "/" });
    for (method, path, body) in [
        ("POST", REQUESTS.to_owned(), Some(assign.clone())),
        ("POST", ELIGIBLE.to_owned(), Some(assign)),
        ("GET", REQUESTS.to_owned(), None),
        ("GET", format!("{}/filterByCurrentUser(on='approver')", APPROVALS), None),
        ("GET", format!("/policies/roleManagementPolicies?{OF_ROLES}"), None),
        ("GET", format!("/policies/roleManagementPolicyAssignments?{OF_ROLES}"), None),
    ] {
        let answer = world.graph(&admin, (method, &path), body);
        assert_eq!((answer.status, answer.code().as_str()), (503, "ServiceUnavailable"), "{method} {path}");
    }
    world.later(3_600);
    assert!(!may_administer(&world, "anna"), "what is active ends as it was going to");
    let anna = world.user("anna");
    assert_eq!(world.graph(&anna, ("POST", REQUESTS), Some(activation(&json!({})))).status, 503);
    // The directory itself assigns roles without it.
    let direct = json!({ "principalId": id("bert"), "roleDefinitionId": USER_ADMINISTRATOR, "directoryScopeId": "/" });
    let made =
        world.graph(&world.user("roleadmin"), ("POST", "/roleManagement/directory/roleAssignments"), Some(direct));
    assert_eq!(made.status, 201, "{}", made.text);
    world.fault("pim-down", false);
    assert_eq!(world.graph(&anna, ("POST", REQUESTS), Some(activation(&json!({})))).status, 201);
    assert!(may_administer(&world, "anna"));
}

#[test]
fn an_assignment_is_given_another_end_and_none() {
    let world = World::new("role-updated");
    let asked = |action: &str, expiration: &Value| {
        json!({ "action": action, "principalId": id("bert"), "roleDefinitionId": USER_ADMINISTRATOR,
            "directoryScopeId": "/", "scheduleInfo": { "expiration": expiration } })
    };
    let (hour, never) = (json!({ "type": "afterDuration", "duration": "PT1H" }), json!({ "type": "noExpiration" }));
    let post = |body: Value| world.graph(&world.user("roleadmin"), ("POST", REQUESTS), Some(body));
    let ends = || {
        let filter = format!(
            "/roleManagement/directory/roleAssignmentScheduleInstances?$filter=principalId eq '{}'",
            id("bert")
        );
        world.list(&world.user("roleadmin"), &filter).iter().map(|one| one["endDateTime"].clone()).collect::<Vec<_>>()
    };
    let refused = post(asked("adminUpdate", &never));
    assert_eq!((refused.status, refused.code().as_str()), (400, "RoleAssignmentDoesNotExist"), "{}", refused.text);
    assert_eq!(post(asked("adminAssign", &hour)).status, 201);
    let first = ends();
    assert!(first.len() == 1 && first[0].is_string(), "{first:?}");
    assert_eq!(post(asked("adminUpdate", &never)).status, 201);
    assert_eq!(ends(), [Value::Null]);
    world.later(7_200);
    assert!(may_administer(&world, "bert"), "it did not end");
    assert_eq!(post(asked("adminUpdate", &hour)).status, 201);
    assert!(ends()[0].is_string());
    world.later(7_200);
    assert_eq!(ends(), Vec::<Value>::new());
    assert!(!may_administer(&world, "bert"), "it ended");
    // One that the directory has made has no schedule and no end; it is given one.
    let direct = json!({ "principalId": id("bert"), "roleDefinitionId": USER_ADMINISTRATOR, "directoryScopeId": "/" });
    let made =
        world.graph(&world.user("roleadmin"), ("POST", "/roleManagement/directory/roleAssignments"), Some(direct));
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(ends(), [Value::Null]);
    assert_eq!(post(asked("adminUpdate", &hour)).status, 201);
    let last = ends();
    assert!(last.len() == 1 && last[0].is_string(), "{last:?}");
}
