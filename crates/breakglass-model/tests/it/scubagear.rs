//! ScubaGear's export: what it holds is read, what it does not hold is not concluded from.

use breakglass_model::snapshot::Resource;
use breakglass_model::snapshot::read::Recognised;
use breakglass_model::well_known::GLOBAL_ADMINISTRATOR;
use serde_json::{Value, json};

use crate::support::{fault, recognise, snapshot};

const SAMPLE: &str =
    include_str!("../../../../tests/data/conditional-access/cisagov-ScubaGear-sample-tenant/tenant-snapshot.json");

/// The export as ScubaGear itself writes it.
fn original() -> Value {
    json!({
        "baseline_version": "1", "module_version": "1.6.0", "timestamp_zulu": "2026-01-31T12:00:00.000Z",
        "tenant_details": [{ "DisplayName": "Contoso", "DomainName": "contoso.com", "TenantId": "t",
            "AADAdditionalData": { "Id": "t", "DisplayName": "Contoso", "OnPremisesSyncEnabled": true } }],
        "scuba_config": { "OrgName": "x" },
        "conditional_access_policies": [{ "Id": "p", "DisplayName": "P", "State": "enabled",
            "Conditions": { "Users": { "IncludeUsers": ["All"] }, "ClientAppTypes": ["all"] },
            "GrantControls": { "BuiltInControls": ["mfa"], "Operator": "OR" } }],
        "privileged_users": { "u1": { "DisplayName": "One", "OnPremisesImmutableId": null, "roles": ["Global Administrator"] },
            "u2": { "DisplayName": "Two", "OnPremisesImmutableId": "abc", "roles": ["Global Administrator", "Moon Administrator"] } },
        "privileged_service_principals": { "s": { "DisplayName": "S", "ServicePrincipalId": "s", "AppId": "app", "roles": ["Exchange Administrator"] } },
        "privileged_roles": [{ "DisplayName": "Global Administrator", "RoleTemplateId": GLOBAL_ADMINISTRATOR,
            "Assignments": [{ "PrincipalId": "u1", "RoleDefinitionId": GLOBAL_ADMINISTRATOR, "DirectoryScopeId": "/",
                "AssignmentType": "Assigned", "EndDateTime": null }],
            "Rules": [{ "Id": "Expiration_Admin_Assignment", "RuleSource": "Global Administrator", "RuleSourceType": "Directory Role" },
                { "Id": "Expiration_Admin_Assignment", "RuleSource": "Admins", "RuleSourceType": "PIM Group" }] }],
        "authentication_method": [{ "authentication_method_policy": { "Id": "authenticationMethodsPolicy", "PolicyMigrationState": "migrationComplete" },
            "authentication_method_feature_settings": [{ "Id": "Fido2", "State": "enabled" }] }],
        "domain_settings": [{ "Id": "contoso.com", "AuthenticationType": "Managed" }],
        "service_plans": [{ "ServicePlanName": "AAD_PREMIUM_P2", "ProvisioningStatus": "Success" }],
        "license_information": { "SkuPartNumber": "EMSPREMIUM", "SkuId": "x" },
        "aad_successful_commands": [], "aad_unsuccessful_commands": []
    })
}

#[test]
fn the_original_is_read() {
    let snapshot = snapshot(&[("ProviderSettingsExport.json", &original().to_string())]);
    assert_eq!(snapshot.tenant_id.as_ref().map(ToString::to_string).as_deref(), Some("t"));
    assert_eq!(snapshot.taken_at.map(|at| at.to_string()).as_deref(), Some("2026-01-31T12:00:00Z"));
    assert!(snapshot.organization.get().unwrap().on_premises_sync_enabled.value().is_some_and(|is_on| *is_on));
    assert_eq!(snapshot.conditional_access_policies.get().unwrap()[0].display_name, "P");
    assert_eq!(snapshot.domains.get().unwrap()[0].id, "contoso.com");
    let methods = snapshot.authentication_methods_policy.get().unwrap();
    assert_eq!(methods.policy_migration_state.as_deref(), Some("migrationComplete"));
    assert!(methods.configuration("fido2").is_some());
    let skus = snapshot.subscribed_skus.get().unwrap();
    assert_eq!(skus[0].text("skuPartNumber"), Some("EMSPREMIUM"));
    assert_eq!(skus[1].list("servicePlans")[0]["servicePlanName"], "AAD_PREMIUM_P2");
}

#[test]
fn the_users_are_some_and_not_all() {
    let snapshot = snapshot(&[("ProviderSettingsExport.json", &original().to_string())]);
    assert!(snapshot.users.is_partial());
    let two = snapshot.user_if_known("u2").unwrap().unwrap();
    assert_eq!(two.display_name.as_deref(), Some("Two"));
    assert_eq!(two.detail().on_premises_immutable_id.value().map(String::as_str), Some("abc"));
    assert!(two.detail().authentication_methods.is_absent());
    assert_eq!(snapshot.user_if_known("u3"), Err("ScubaGear exports privileged users only"));
    assert_eq!(snapshot.groups.get(), Err("ScubaGear does not export it"));
    assert_eq!(snapshot.named_locations.get(), Err("ScubaGear does not export it"));
}

#[test]
fn a_holder_that_may_be_eligible_is_marked() {
    let snapshot = snapshot(&[("ProviderSettingsExport.json", &original().to_string())]);
    assert!(snapshot.role_assignments.is_partial());
    let is_marked = |principal: &str, role: &str| {
        let found = snapshot.role_assignments.items().iter().find(|assignment| {
            assignment.principal_id.as_str() == principal && assignment.role_definition_id.as_str() == role
        });
        found.map(|assignment| assignment.rest.contains_key("breakglass.basis"))
    };
    assert_eq!(is_marked("u1", GLOBAL_ADMINISTRATOR), Some(false));
    assert_eq!(is_marked("u2", GLOBAL_ADMINISTRATOR), Some(true));
    assert_eq!(is_marked("u2", "Moon Administrator"), Some(true));
    assert_eq!(is_marked("s", "29232cdf-9323-42fd-ade2-1d097af3e4de"), Some(true));
    assert_eq!(snapshot.role_assignment_schedule_instances.items().len(), 1);
    assert_eq!(snapshot.service_principals.items()[0].app_id.as_ref().map(ToString::to_string).as_deref(), Some("app"));

    // Without Privileged Identity Management there are no eligible holders.
    let mut without = original();
    without["privileged_roles"][0].as_object_mut().unwrap().remove("Assignments");
    let without = crate::support::snapshot(&[("ProviderSettingsExport.json", &without.to_string())]);
    assert!(
        without.role_assignments.items().iter().all(|assignment| !assignment.rest.contains_key("breakglass.basis"))
    );
}

#[test]
fn rules_of_groups_are_kept_apart_from_those_of_roles() {
    let snapshot = snapshot(&[("ProviderSettingsExport.json", &original().to_string())]);
    let policies: Vec<_> = snapshot
        .role_management_policies
        .items()
        .iter()
        .map(|policy| (policy.text("scopeType"), policy.text("displayName"), policy.list("rules").len()))
        .collect();
    assert_eq!(
        policies,
        [(Some("DirectoryRole"), Some("Global Administrator"), 1), (Some("Group"), Some("Admins"), 1)]
    );
}

#[test]
fn the_newer_report_holds_the_same_under_raw() {
    let report = json!({ "MetaData": { "TenantId": "t", "TimestampZulu": "2026-01-31T12:00:00Z" }, "Summary": {},
        "Raw": original(), "Results": { "AAD": [] } });
    assert_eq!(recognise("ScubaResults.json", &report.to_string()).unwrap(), Recognised::ScubaGear);
    let snapshot = snapshot(&[("ScubaResults.json", &report.to_string())]);
    assert_eq!(snapshot.users.items().len(), 2);
    let other = json!({ "Raw": { "a": 1 }, "b": 2 });
    assert!(matches!(recognise("x.json", &other.to_string()).unwrap(), Recognised::Nothing { .. }));
}

#[test]
fn a_command_that_failed_makes_its_list_missing() {
    let mut export = original();
    export["conditional_access_policies"] = json!([]);
    export["aad_unsuccessful_commands"] = json!(["Get-MgBetaIdentityConditionalAccessPolicy"]);
    let snapshot = snapshot(&[("ProviderSettingsExport.json", &export.to_string())]);
    assert_eq!(
        snapshot.conditional_access_policies.get(),
        Err("ScubaGear's command `Get-MgBetaIdentityConditionalAccessPolicy` failed")
    );
}

#[test]
fn a_fuller_export_beside_it_is_believed() {
    let users = r#"[{"id":"u1","displayName":"One","userPrincipalName":"one@contoso.com"},{"id":"u9"}]"#;
    let snapshot = snapshot(&[("users.json", users), ("ProviderSettingsExport.json", &original().to_string())]);
    assert!(snapshot.users.is_complete());
    assert_eq!(snapshot.find_user("one@contoso.com").unwrap().display_name.as_deref(), Some("One"));
    assert_eq!(snapshot.user_if_known("u3"), Ok(None));
}

#[test]
fn the_sample_tenant_in_graph_s_casing_is_read() {
    let snapshot = snapshot(&[("tenant-snapshot.json", SAMPLE)]);
    assert_eq!(
        snapshot.tenant_id.as_ref().map(ToString::to_string).as_deref(),
        Some("ca08493a-c9c8-4db0-a9e8-d3b4bafac269")
    );
    let count = |resource| {
        let summary = snapshot.summary(jiff::Timestamp::UNIX_EPOCH);
        summary.resources.into_iter().find(|count| count.resource == resource).and_then(|count| count.count)
    };
    for (resource, expected) in [
        (Resource::Users, Some(3)),
        (Resource::ServicePrincipals, Some(3)),
        (Resource::RoleDefinitions, Some(8)),
        // Eight, three and two different roles of the users, one of each service principal.
        (Resource::RoleAssignments, Some(16)),
        (Resource::RoleAssignmentScheduleInstances, Some(26)),
        // One of each role, and one of a group that holds a role.
        (Resource::RoleManagementPolicies, Some(9)),
        (Resource::Domains, Some(1)),
        (Resource::SubscribedSkus, Some(3)),
        (Resource::AuthenticationMethodsPolicy, Some(1)),
        (Resource::Groups, None),
        (Resource::ConditionalAccessPolicies, None),
    ] {
        assert_eq!(count(resource), expected, "{}", resource.name());
    }
    let methods = snapshot.authentication_methods_policy.get().unwrap();
    assert_eq!(methods.authentication_method_configurations.len(), 12);
    assert_eq!(methods.configuration("Sms").and_then(|sms| sms.state.as_deref()), Some("disabled"));
}

#[test]
fn a_fault_in_it_is_named_with_its_path() {
    let mut export = original();
    export["conditional_access_policies"][0]["State"] = json!(7);
    let message = fault("ProviderSettingsExport.json", &export.to_string());
    assert!(message.starts_with("$.conditional_access_policies[0].state: "), "{message}");
}
