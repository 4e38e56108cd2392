//! What a snapshot leaves out keeps an order open, in the one direction or in both; never is it taken for granted.

use std::collections::BTreeSet;

use breakglass_engine::access::{Access, AccessSettings};
use breakglass_engine::lockout::Analysis;
use breakglass_engine::lockout::goal::{Goal, Question, Stage};
use breakglass_engine::lockout::report::Order;
use breakglass_engine::lockout::settings::LockoutSettings;
use breakglass_testkit::tenants::snapshot_of;
use jiff::Timestamp;
use serde_json::{Value, json};

const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
const RESETS: &str = "50483e42-d915-4231-9639-7fdb7fd190e5";

/// One administrator with a password, whom one policy keeps out; an application of the tenant's own without
/// permissions.
fn tenant() -> Value {
    json!({
        "format": "breakglass-snapshot/1", "tenantId": "tenant", "takenAt": "2026-09-01T00:00:00Z", "source": "file",
        "users": [{
            "id": "anna", "userPrincipalName": "anna@contoso.onmicrosoft.com", "accountEnabled": true,
            "userType": "Member", "onPremisesSyncEnabled": null, "creationType": null, "externalUserState": null,
            "authenticationMethods": [],
        }],
        "groups": [], "administrativeUnits": [], "domains": [], "devices": [], "namedLocations": [],
        "roleDefinitions": [{ "id": GLOBAL_ADMINISTRATOR, "templateId": GLOBAL_ADMINISTRATOR, "isBuiltIn": true }],
        "roleAssignments": [
            { "id": "a1", "principalId": "anna", "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/" },
        ],
        "roleAssignmentScheduleInstances": [], "roleEligibilityScheduleInstances": [], "roleManagementPolicies": [],
        "servicePrincipals": [{
            "id": "sp", "appId": "app", "displayName": "Deployment", "accountEnabled": true,
            "appOwnerOrganizationId": "tenant", "servicePrincipalType": "Application",
        }],
        "applications": [{
            "id": "application", "appId": "app", "keyCredentials": [],
            "passwordCredentials": [{ "keyId": "k1", "endDateTime": "2027-01-01T00:00:00Z" }],
        }],
        "appRoleAssignments": [],
        "authenticationMethodsPolicy": { "authenticationMethodConfigurations": [
            { "id": "TemporaryAccessPass", "state": "disabled", "includeTargets": [], "excludeTargets": [] },
        ] },
        "authenticationStrengthPolicies": [], "perUserMfaStates": [],
        "identitySecurityDefaultsEnforcementPolicy": { "isEnabled": false },
        "conditionalAccessPolicies": [{
            "id": "p1", "displayName": "Keep out", "state": "enabled",
            "conditions": {
                "users": { "includeUsers": ["All"] }, "applications": { "includeApplications": ["All"] },
                "clientAppTypes": ["all"],
            },
            "grantControls": { "operator": "OR", "builtInControls": ["block"] },
        }],
    })
}

/// The order of editing Conditional Access, or of resetting an administrator where applications count.
fn order(document: &Value, with_applications: bool) -> (Order, Vec<String>) {
    let snapshot = snapshot_of(document).unwrap_or_else(|error| panic!("{error}"));
    let now: Timestamp = "2026-09-01T06:00:00Z".parse().unwrap();
    let access = Access::compile(&snapshot, &AccessSettings::at(now)).unwrap();
    let settings = LockoutSettings { with_applications, ..LockoutSettings::default() };
    let goal = if with_applications { Goal::ResetAdmin } else { Goal::EditCa };
    let mut analysis = Analysis::of(&access, &settings, goal);
    let order = analysis.order(Question { goal, surface: None, stage: Stage::Direct }, &BTreeSet::new());
    (order, analysis.unknowns())
}

fn leave_out(document: &mut Value, list: &str) {
    let missing = json!({ "resource": list, "why": "403 Forbidden" });
    match document.get_mut("missing").and_then(Value::as_array_mut) {
        Some(all) => all.push(missing),
        None => document["missing"] = json!([missing]),
    }
}

/// A name, what is changed, the orders that are promised and possible, and a part of an unknown fact.
type Case = (&'static str, fn(&mut Value), Option<usize>, Option<usize>, &'static str);

fn check(cases: &[Case], with_applications: bool) {
    for (name, change, promised, possible, unknown) in cases {
        let mut document = tenant();
        change(&mut document);
        let (order, unknowns) = order(&document, with_applications);
        assert_eq!((order.proved, order.possible), (*promised, *possible), "{name}: {unknowns:?}");
        let is_said = unknown.is_empty() || unknowns.iter().any(|said| said.contains(unknown));
        assert!(is_said, "{name}: {unknown} in {unknowns:?}");
    }
}

fn assign(document: &mut Value, principal: &str, role: &str) {
    let all = document["roleAssignments"].as_array_mut().unwrap();
    all.push(json!({ "id": "a2", "principalId": principal, "roleDefinitionId": role, "directoryScopeId": "/" }));
}

#[test]
fn somebody_whom_the_list_of_users_leaves_out_may_get_in() {
    let cases: [Case; 7] = [
        ("everything known", |_| (), Some(0), Some(0), ""),
        ("users missing, all holders listed", |tenant| leave_out(tenant, "users"), Some(0), Some(0), "`users` are not"),
        (
            "a holder that is not listed",
            |tenant| {
                leave_out(tenant, "users");
                assign(tenant, "berta", GLOBAL_ADMINISTRATOR);
            },
            Some(0),
            None,
            "`berta` holds a role and is not in the snapshot",
        ),
        (
            "a holder that a complete list does not have is deleted",
            |tenant| assign(tenant, "berta", GLOBAL_ADMINISTRATOR),
            Some(0),
            Some(0),
            "",
        ),
        (
            "a member of a group that is not listed",
            |tenant| {
                leave_out(tenant, "users");
                tenant["groups"] =
                    json!([{ "id": "g", "isAssignableToRole": true, "members": ["berta"], "owners": [] }]);
                assign(tenant, "g", GLOBAL_ADMINISTRATOR);
            },
            Some(0),
            None,
            "",
        ),
        (
            "neither users nor roles",
            |tenant| {
                leave_out(tenant, "users");
                leave_out(tenant, "roleEligibilityScheduleInstances");
            },
            Some(0),
            None,
            "who is eligible for a role",
        ),
        (
            "a role that nothing asks about",
            |tenant| {
                leave_out(tenant, "users");
                assign(tenant, "berta", "88d8e3e3-8f55-4a1e-953a-9b9898b8876b");
            },
            Some(0),
            Some(0),
            "",
        ),
    ];
    check(&cases, false);
}

#[test]
fn what_is_not_known_of_an_application_is_not_promised() {
    fn grant(tenant: &mut Value) {
        tenant["servicePrincipals"][0]["appRoleAssignments"] = json!([{ "appRoleId": RESETS }]);
    }
    let cases: [Case; 11] = [
        ("no permission", |_| (), Some(0), Some(0), ""),
        ("a permission and a secret", grant, Some(1), Some(1), ""),
        (
            "a disabled one",
            |tenant| {
                grant(tenant);
                tenant["servicePrincipals"][0]["accountEnabled"] = json!(false);
            },
            Some(0),
            Some(0),
            "",
        ),
        (
            "perhaps disabled",
            |tenant| {
                grant(tenant);
                tenant["servicePrincipals"][0].as_object_mut().unwrap().remove("accountEnabled");
            },
            Some(0),
            Some(1),
            "`accountEnabled` of the application `Deployment`",
        ),
        (
            "a secret that has ended",
            |tenant| {
                grant(tenant);
                tenant["applications"][0]["passwordCredentials"][0]["endDateTime"] = json!("2026-01-01T00:00:00Z");
            },
            Some(0),
            Some(0),
            "",
        ),
        (
            "a secret of which nobody knows when it ends",
            |tenant| {
                grant(tenant);
                tenant["applications"][0]["passwordCredentials"][0] = json!({ "keyId": "k1" });
            },
            Some(0),
            Some(1),
            "when a credential of the application `Deployment` ends",
        ),
        (
            "secrets that are not exported",
            |tenant| {
                grant(tenant);
                tenant["applications"] = json!([]);
            },
            Some(0),
            Some(1),
            "the credentials of the application `Deployment`",
        ),
        (
            "permissions that are not exported",
            |tenant| leave_out(tenant, "appRoleAssignments"),
            Some(0),
            Some(1),
            "whether the application `Deployment` has a role or permission",
        ),
        (
            "a list of applications that is not whole",
            |tenant| leave_out(tenant, "servicePrincipals"),
            Some(0),
            None,
            "which other applications",
        ),
        ("a role", |tenant| assign(tenant, "sp", GLOBAL_ADMINISTRATOR), Some(1), Some(1), ""),
        (
            "a role of its group",
            |tenant| {
                let member = json!({ "@odata.type": "#microsoft.graph.servicePrincipal", "id": "sp" });
                tenant["groups"] =
                    json!([{ "id": "g", "isAssignableToRole": true, "members": [member], "owners": [] }]);
                assign(tenant, "g", GLOBAL_ADMINISTRATOR);
            },
            Some(1),
            Some(1),
            "",
        ),
    ];
    check(&cases, true);
}
