//! What documents are recognised as.

use breakglass_model::snapshot::Resource;
use breakglass_model::snapshot::read::Recognised;

use crate::support::recognise;

fn check(path: &str, text: &str, expected: Option<Resource>) {
    let found = match recognise(path, text) {
        Ok(Recognised::Collection { resource, .. }) => Some(resource),
        Ok(Recognised::Nothing { .. }) => None,
        other => panic!("{path} {text}: {other:?}"),
    };
    assert_eq!(found, expected, "{path} {text}");
}

const METADATA: &str = "https://graph.microsoft.com/v1.0/$metadata#";

#[test]
fn the_context_tells() {
    use Resource as R;
    for (context, resource) in [
        ("users", Some(R::Users)),
        ("users(id,displayName)", Some(R::Users)),
        ("users(id,manager(id,displayName))", Some(R::Users)),
        ("groups", Some(R::Groups)),
        ("groups(id,members())", Some(R::Groups)),
        ("identity/conditionalAccess/policies", Some(R::ConditionalAccessPolicies)),
        ("conditionalAccess/policies", Some(R::ConditionalAccessPolicies)),
        ("identity/conditionalAccess/namedLocations", Some(R::NamedLocations)),
        ("roleManagement/directory/roleDefinitions", Some(R::RoleDefinitions)),
        ("roleManagement/directory/roleAssignments", Some(R::RoleAssignments)),
        ("roleManagement/directory/roleAssignments(principal())", Some(R::RoleAssignments)),
        ("roleManagement/directory/roleAssignmentScheduleInstances", Some(R::RoleAssignmentScheduleInstances)),
        ("roleManagement/directory/roleEligibilityScheduleInstances", Some(R::RoleEligibilityScheduleInstances)),
        ("roleManagement/exchange/roleAssignments", None),
        ("roleManagement/deviceManagement/roleDefinitions", None),
        ("policies/roleManagementPolicies", Some(R::RoleManagementPolicies)),
        ("policies/authenticationStrengthPolicies", Some(R::AuthenticationStrengthPolicies)),
        ("policies/authorizationPolicy", None),
        ("policies/permissionGrantPolicies", None),
        ("organization", Some(R::Organization)),
        ("domains", Some(R::Domains)),
        ("domains('contoso.com')/federationConfiguration", Some(R::FederationConfigurations)),
        ("directory/administrativeUnits", Some(R::AdministrativeUnits)),
        ("servicePrincipals", Some(R::ServicePrincipals)),
        ("servicePrincipals('x')/appRoleAssignments", Some(R::AppRoleAssignments)),
        ("oauth2PermissionGrants", Some(R::Oauth2PermissionGrants)),
        ("subscribedSkus", Some(R::SubscribedSkus)),
        ("directory/deletedItems/microsoft.graph.user", Some(R::DeletedUsers)),
        ("Collection(microsoft.graph.user)", Some(R::Users)),
        ("users('x')/authentication/methods", None),
        ("users('x')/memberOf", None),
        ("auditLogs/signIns", None),
        ("auditLogs/directoryAudits", None),
        ("directoryObjects", None),
        ("directoryRoles", None),
    ] {
        check("export.json", &format!(r#"{{"@odata.context":"{METADATA}{context}","value":[]}}"#), resource);
        // The context is believed before the name.
        check(
            "devices.json",
            &format!(r#"{{"@odata.context":"{METADATA}{context}","value":[]}}"#),
            match context {
                "directoryObjects" => Some(R::Devices),
                _ => resource,
            },
        );
    }
}

#[test]
fn the_context_of_one_object_tells() {
    use Resource as R;
    for (context, object, resource) in [
        ("users/$entity", r#""id":"u""#, R::Users),
        ("users(id,displayName)/$entity", r#""id":"u""#, R::Users),
        (
            "identity/conditionalAccess/policies/$entity",
            r#""id":"p","state":"enabled","conditions":{}"#,
            R::ConditionalAccessPolicies,
        ),
        ("policies/authenticationMethodsPolicy/$entity", r#""id":"x""#, R::AuthenticationMethodsPolicy),
        ("authenticationMethodsPolicy", r#""id":"x""#, R::AuthenticationMethodsPolicy),
        (
            "policies/identitySecurityDefaultsEnforcementPolicy/$entity",
            r#""id":"x","isEnabled":false"#,
            R::IdentitySecurityDefaultsEnforcementPolicy,
        ),
        ("organization/$entity", r#""id":"t""#, R::Organization),
    ] {
        check("x.json", &format!(r#"{{"@odata.context":"{METADATA}{context}",{object}}}"#), Some(resource));
    }
}

#[test]
fn the_type_tells() {
    use Resource as R;
    for (kind, resource) in [
        ("user", Some(R::Users)),
        ("group", Some(R::Groups)),
        ("servicePrincipal", Some(R::ServicePrincipals)),
        ("ipNamedLocation", Some(R::NamedLocations)),
        ("countryNamedLocation", Some(R::NamedLocations)),
        ("compliantNetworkNamedLocation", Some(R::NamedLocations)),
        ("subscribedSku", Some(R::SubscribedSkus)),
        ("signIn", None),
        ("directoryRole", None),
    ] {
        let object = format!(r##"{{"@odata.type":"#microsoft.graph.{kind}","id":"x"}}"##);
        check("x.json", &format!("[{object}]"), resource);
        check("x.ndjson", &format!("{object}\n{object}\n"), resource);
    }
}

#[test]
fn the_names_tell() {
    use Resource as R;
    let policy = r#"{"id":"p","conditions":{},"grantControls":null,"state":"enabled"}"#;
    let user = r#"{"id":"u"}"#;
    for (path, object, resource) in [
        ("users.json", user, R::Users),
        ("Users.json", user, R::Users),
        ("All Users (2).json", user, R::Users),
        ("2026-11-22_users-page3.ndjson", user, R::Users),
        ("Get-MgUser.json", user, R::Users),
        ("export/Users/u/u.json", user, R::Users),
        ("deletedUsers.json", user, R::DeletedUsers),
        ("groups.json", user, R::Groups),
        ("policies.json", policy, R::ConditionalAccessPolicies),
        ("conditionalAccessPolicies.json", policy, R::ConditionalAccessPolicies),
        ("Conditional Access Policies.json", policy, R::ConditionalAccessPolicies),
        ("conditional_access_policies.ndjson", policy, R::ConditionalAccessPolicies),
        ("Identity/Conditional/AccessPolicies/p/p.json", policy, R::ConditionalAccessPolicies),
        ("ConditionalAccess/Policies/Block legacy sign-ins.json", policy, R::ConditionalAccessPolicies),
        ("ConditionalAccess/All users.json", policy, R::ConditionalAccessPolicies),
        ("backup/Policies/CA001.json", policy, R::ConditionalAccessPolicies),
        ("named_locations.json", user, R::NamedLocations),
        ("Identity/Conditional/NamedLocations/n/n.json", user, R::NamedLocations),
        ("namedLocations.json", user, R::NamedLocations),
        ("oauth2PermissionGrants.json", user, R::Oauth2PermissionGrants),
        ("RoleManagement/Directory/RoleDefinitions/u/u.json", user, R::RoleDefinitions),
        ("administrative units.json", user, R::AdministrativeUnits),
        ("perUserMfaStates.json", user, R::PerUserMfaStates),
    ] {
        check(path, object, Some(resource));
    }
    let assignment = r#"{"principalId":"u","roleDefinitionId":"r"}"#;
    check("roleAssignments.json", assignment, Some(R::RoleAssignments));
    check("roleEligibilityScheduleInstances.json", assignment, Some(R::RoleEligibilityScheduleInstances));
    check("RoleManagement/Exchange/RoleAssignments/a.json", assignment, None);
    check("PIM/Groups/u.json", user, None);
    check("DirectoryRoles/r/Members/u/u.json", user, None);
    check("AdministrativeUnits/r/ScopedRoleMembers/u/u.json", user, None);
    check("Policies/AuthorizationPolicy/x/x.json", r#"{"id":"x","allowInvitesFrom":"everyone"}"#, None);
}

#[test]
fn the_shape_tells() {
    use Resource as R;
    for (object, resource) in [
        (r#"{"id":"p","state":"enabled","conditions":{},"grantControls":null}"#, Some(R::ConditionalAccessPolicies)),
        (r#"{"id":"n","ipRanges":[]}"#, Some(R::NamedLocations)),
        (r#"{"id":"n","countriesAndRegions":["DE"]}"#, Some(R::NamedLocations)),
        (r#"{"id":"u","userPrincipalName":"u@contoso.com"}"#, Some(R::Users)),
        (r#"{"id":"g","securityEnabled":true,"groupTypes":[]}"#, Some(R::Groups)),
        (r#"{"principalId":"u","roleDefinitionId":"r","id":"x"}"#, Some(R::RoleAssignments)),
        (
            r#"{"principalId":"u","roleDefinitionId":"r","assignmentType":"Assigned"}"#,
            Some(R::RoleAssignmentScheduleInstances),
        ),
        (r#"{"id":"r","templateId":"r","isBuiltIn":true}"#, Some(R::RoleDefinitions)),
        (
            r#"{"id":"00000000-0000-0000-0000-000000000005","isEnabled":true}"#,
            Some(R::IdentitySecurityDefaultsEnforcementPolicy),
        ),
        (r#"{"id":"contoso.com","authenticationType":"Managed","isInitial":true}"#, Some(R::Domains)),
        (r#"{"skuId":"x","skuPartNumber":"AAD_PREMIUM_P2","prepaidUnits":{}}"#, Some(R::SubscribedSkus)),
        (r#"{"conditions":{"users":{}}}"#, None),
        (r#"{"snippet-Apps":{"conditions":{}}}"#, None),
        (r#"{"name":"left-pad","version":"1.0.0"}"#, None),
        (r#"{"id":"s","userPrincipalName":"u@contoso.com","conditionalAccessStatus":"success"}"#, None),
        (r#"{"id":"s","userPrincipalName":"u@contoso.com","isMfaRegistered":true}"#, None),
        (r#"{}"#, None),
    ] {
        check("x.json", object, resource);
        check("x.json", &format!("[{object},{object}]"), resource);
        check("x.json", &format!(r#"{{"value":[{object}]}}"#), resource);
        check("x.ndjson", &format!("{object}\n{object}\n"), resource);
    }
}

#[test]
fn what_is_nothing_says_what_it_is() {
    for (path, text, expected) in [
        ("signIns.json", r#"{"value":[{"id":"s","conditionalAccessStatus":"success"}]}"#, "a sign-in log"),
        ("x.json", r#"{"format":"breakglass-check/1","results":[]}"#, "a document of the format `breakglass-check/1`"),
        ("x.json", "[1,2]", "a list of something else than objects"),
        ("x.json", "[]", "an empty list that does not say what it is of"),
        ("x.json", "7", "neither an object nor a list"),
        ("x.json", "", "an empty file"),
        ("x.json", r#"{"a":1,"b":2}"#, "of no known kind, with `a`, `b`"),
    ] {
        match recognise(path, text) {
            Ok(Recognised::Nothing { why }) => assert_eq!(why, expected, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}
