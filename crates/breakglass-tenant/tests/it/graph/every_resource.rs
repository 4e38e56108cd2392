//! Everything that can be read, in the form that the schema has for it.

use serde_json::json;

use super::world::World;

#[test]
fn whatever_the_company_has_is_as_the_schema_says() {
    let world = World::demo("every-resource");
    let token = world.demo_token();
    let mut faults = Vec::new();
    let mut look = |path: String| {
        let (status, found) = world.looked_at(&token, &path);
        assert_eq!(status, 200, "{path}");
        faults.extend(found.into_iter().map(|fault| format!("{path}: {fault}")));
    };
    for version in ["/v1.0", "/beta"] {
        for path in [
            "/users?$top=999",
            "/users?$top=999&$select=id,accountEnabled,createdDateTime,onPremisesSyncEnabled,assignedLicenses,userType",
            "/groups",
            "/applications",
            "/servicePrincipals",
            "/organization",
            "/domains",
            "/subscribedSkus",
            "/identity/conditionalAccess/policies",
            "/identity/conditionalAccess/namedLocations",
            "/policies/authenticationStrengthPolicies",
            "/policies/authenticationMethodsPolicy",
            "/policies/identitySecurityDefaultsEnforcementPolicy",
            "/roleManagement/directory/roleDefinitions",
            "/roleManagement/directory/roleAssignments",
            "/roleManagement/directory/roleAssignmentScheduleInstances",
            "/roleManagement/directory/roleAssignmentSchedules",
            "/roleManagement/directory/roleEligibilityScheduleInstances",
            "/roleManagement/directory/roleEligibilitySchedules",
            "/directoryRoles",
            "/directoryRoleTemplates",
            "/directory/administrativeUnits",
            "/directory/deletedItems/microsoft.graph.user",
            "/identityProtection/riskyUsers",
            "/identityProtection/riskDetections",
            "/identity/conditionalAccess/templates",
            "/identity/conditionalAccess/authenticationContextClassReferences",
            "/policies/authenticationMethodsPolicy/authenticationMethodConfigurations",
            "/policies/roleManagementPolicies?$filter=scopeId%20eq%20'/'%20and%20scopeType%20eq%20'DirectoryRole'&$expand=rules",
            "/policies/roleManagementPolicyAssignments?$filter=scopeId%20eq%20'/'%20and%20scopeType%20eq%20'DirectoryRole'",
            "/groups/delta",
            "/directory/administrativeUnits/delta",
            "/subscriptions",
            "/devices",
            "/oauth2PermissionGrants",
            "/reports/authenticationMethods/userRegistrationDetails",
            "/users?$select=id,signInActivity",
            "/groups?$expand=members",
            "/roleManagement/directory/roleAssignments?$expand=principal,roleDefinition",
            "/auditLogs/signIns",
            "/auditLogs/directoryAudits",
            "/me",
        ] {
            look(format!("{version}{path}"));
        }
        for (list, relations) in [
            ("/groups", &["members", "owners", "transitiveMembers", "members/$ref", "appRoleAssignments"][..]),
            ("/users", &["memberOf", "transitiveMemberOf", "authentication/methods", "appRoleAssignments"]),
            ("/servicePrincipals", &["appRoleAssignments", "appRoleAssignedTo", "oauth2PermissionGrants", "owners"]),
        ] {
            for one in world.list(&token, &format!("{list}?$top=20")) {
                for relation in relations {
                    look(format!("{version}{list}/{}/{relation}", one["id"].as_str().unwrap()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} are not as Graph says:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn whatever_is_made_is_as_the_schema_says() {
    let world = World::new("every-creation");
    let token = world.user("ga");
    let mut made = Vec::new();
    for (path, body) in [
        (
            "/users",
            json!({ "userPrincipalName": "new@contoso.onmicrosoft.com", "displayName": "New", "mailNickname": "new",
            "accountEnabled": true, "passwordProfile": { "password": "Another-Horse-8" } }),
        ),
        ("/groups", json!({ "displayName": "G", "mailNickname": "g", "mailEnabled": false, "securityEnabled": true })),
        ("/applications", json!({ "displayName": "App" })),
        (
            "/identity/conditionalAccess/namedLocations",
            json!({ "@odata.type": "#microsoft.graph.ipNamedLocation",
            "displayName": "Office", "isTrusted": false,
            "ipRanges": [{ "@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "192.0.2.0/24" }] }),
        ),
        (
            "/identity/conditionalAccess/policies",
            json!({ "displayName": "P", "state": "disabled",
            "conditions": { "clientAppTypes": ["all"], "users": { "includeUsers": ["All"] },
                "applications": { "includeApplications": ["All"] } },
            "grantControls": { "operator": "OR", "builtInControls": ["mfa"] } }),
        ),
    ] {
        let answer = world.graph(&token, ("POST", path), Some(body));
        assert_eq!(answer.status, 201, "{path}: {}", answer.text);
        made.push((path, answer.json()["id"].as_str().unwrap().to_owned()));
    }
    for (path, id) in &made {
        assert_eq!(world.graph(&token, ("GET", &format!("{path}/{id}")), None).status, 200);
    }
    let app = &made[2].1;
    let secret = world.graph(&token, ("POST", &format!("/applications/{app}/addPassword")), Some(json!({})));
    assert!(secret.json()["secretText"].is_string());
    let batch = json!({ "requests": [{ "id": "1", "method": "GET", "url": "/me" },
        { "id": "2", "method": "GET", "url": "/nothing" }] });
    assert_eq!(world.graph(&token, ("POST", "/$batch"), Some(batch)).status, 200);
    assert_eq!(world.audited(&token).len(), 6);
}
