use serde_json::{Value, json};

use super::check;

/// Tables of (users condition, what it says of Ada).
fn users(tenant_change: &Value, cases: &[(Value, &str)]) {
    for (condition, expected) in cases {
        check(tenant_change, &json!({ "users": null }), &json!({}), "unknown");
        let conditions = json!({ "users": changed_users(condition) });
        check(tenant_change, &conditions, &json!({}), expected);
    }
}

/// The condition without the plain policy's `All`, unless it has a list of its own.
fn changed_users(condition: &Value) -> Value {
    let mut condition = condition.clone();
    if condition.get("includeUsers").is_none() {
        condition["includeUsers"] = json!([]);
    }
    condition
}

#[test]
fn ids_and_keywords() {
    users(
        &json!({}),
        &[
            (json!({ "includeUsers": ["All"] }), "yes"),
            (json!({ "includeUsers": ["all"] }), "users"),
            (json!({ "includeUsers": ["None"] }), "users"),
            (json!({ "includeUsers": [] }), "unknown"),
            (json!({ "includeUsers": [], "includeGroups": [], "includeRoles": [] }), "users"),
            (json!({ "includeUsers": ["ada"] }), "yes"),
            (json!({ "includeUsers": ["Ada"] }), "users"),
            (json!({ "includeUsers": ["bob", "ada"] }), "yes"),
            (json!({ "includeUsers": ["None", "ada"] }), "yes"),
            (json!({ "includeUsers": ["All"], "excludeUsers": ["ada"] }), "users"),
            (json!({ "includeUsers": ["All"], "excludeUsers": ["bob"] }), "yes"),
            (json!({ "includeUsers": ["GuestsOrExternalUsers"] }), "users"),
            (json!({ "includeUsers": ["All"], "excludeUsers": ["GuestsOrExternalUsers"] }), "yes"),
        ],
    );
}

#[test]
fn a_user_is_found_by_id_in_either_case_or_by_name() {
    let tenant = json!({ "users": [
        { "id": "ada", "userPrincipalName": "bob", "userType": "Member" },
        { "id": "bob", "userPrincipalName": "Eve@contoso.example", "userType": "Member" },
        { "id": "Cyd", "userType": "Member" },
    ] });
    for (name, id) in
        [("ada", "ada"), ("ADA", "ada"), ("bob", "bob"), ("Bob", "bob"), ("eve@CONTOSO.example", "bob"), ("Cyd", "Cyd")]
    {
        let conditions = json!({ "users": { "includeUsers": [id] } });
        check(&tenant, &conditions, &json!({ "signInIdentity": { "userId": name } }), "yes");
    }
}

#[test]
fn groups_reach_through_groups() {
    let group = |id: &str, members: Value| json!({ "id": id, "members": members });
    let tenant = json!({ "groups": [
        group("direct", json!(["ada"])),
        group("outer", json!([{ "@odata.type": "#microsoft.graph.group", "id": "middle" }])),
        group("middle", json!(["outer", "direct"])),
        group("ring", json!(["ring", { "id": "ring-2" }])),
        group("ring-2", json!(["ring"])),
        group("others", json!(["bob", "user-gone"])),
        group("device-of-that-name", json!([{ "@odata.type": "#microsoft.graph.device", "id": "ada" }])),
        group("around-gone", json!([{ "@odata.type": "#microsoft.graph.group", "id": "group-gone" }])),
        { "id": "unread" },
        group("around-unread", json!(["unread"])),
        group("unread-but-direct", json!(["unread", "ada"])),
        { "id": "dynamic", "membershipRule": "user.x -eq 1", "groupTypes": ["DynamicMembership"], "members": ["ada"] },
    ] });
    let cases = [
        ("direct", "yes"),
        ("outer", "yes"),
        ("middle", "yes"),
        ("ring", "users"),
        ("ring-2", "users"),
        ("others", "users"),
        ("device-of-that-name", "users"),
        ("around-gone", "unknown"),
        ("group-gone", "users"),
        ("unread", "unknown"),
        ("around-unread", "unknown"),
        ("unread-but-direct", "yes"),
        ("dynamic", "yes"),
    ];
    for (group, expected) in cases {
        users(&tenant, &[(json!({ "includeGroups": [group] }), expected)]);
        let excluded = match expected {
            "yes" => "users",
            "users" => "yes",
            other => other,
        };
        users(&tenant, &[(json!({ "includeUsers": ["All"], "excludeGroups": [group] }), excluded)]);
    }
    users(&tenant, &[(json!({ "includeGroups": ["unread", "direct"] }), "yes")]);
    users(&tenant, &[(json!({ "includeGroups": ["unread"], "excludeGroups": ["direct"] }), "users")]);
    users(&tenant, &[(json!({ "includeGroups": ["direct"], "excludeGroups": ["unread"] }), "unknown")]);
}

#[test]
fn a_list_of_groups_that_is_not_complete_excuses_no_one() {
    users(&json!({ "groups": null }), &[(json!({ "includeGroups": ["any"] }), "unknown")]);
    let partial = json!({
        "groups": [{ "id": "direct", "members": ["ada"] }, { "id": "others", "members": [] }],
        "missing": [{ "resource": "groups", "why": "one page of many" }],
    });
    for (group, expected) in [("direct", "yes"), ("others", "unknown"), ("unlisted", "unknown")] {
        users(&partial, &[(json!({ "includeGroups": [group] }), expected)]);
    }
}

const ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
const AUDITOR: &str = "194ae4cb-b126-40b2-bd5b-6091b380977d";

fn role_case(tenant_change: &Value, expected: &str) {
    users(tenant_change, &[(json!({ "includeRoles": [AUDITOR, ADMINISTRATOR] }), expected)]);
}

#[test]
fn active_tenant_wide_built_in_roles_count() {
    let held = |change: Value| {
        let plain = json!({ "principalId": "ada", "roleDefinitionId": ADMINISTRATOR, "directoryScopeId": "/" });
        super::changed(plain, change)
    };
    for (assignment, expected) in [
        (held(json!({})), "yes"),
        (held(json!({ "directoryScopeId": null })), "yes"),
        (held(json!({ "directoryScopeId": "/administrativeUnits/unit" })), "users"),
        (held(json!({ "appScopeId": "/" })), "yes"),
        (held(json!({ "appScopeId": "catalog" })), "users"),
        (held(json!({ "principalId": "bob" })), "users"),
        (held(json!({ "roleDefinitionId": "other-role" })), "users"),
        (held(json!({ "principalId": "admins" })), "yes"),
        (held(json!({ "principalId": "nested" })), "yes"),
        (held(json!({ "principalId": "unread" })), "unknown"),
        (held(json!({ "principalId": "gone" })), "users"),
        (held(json!({ "roleDefinitionId": "own-id" })), "yes"),
    ] {
        let tenant = json!({
            "groups": [
                { "id": "admins", "members": ["ada"] },
                { "id": "nested", "members": ["admins"] },
                { "id": "unread" },
            ],
            "roleDefinitions": [{ "id": "own-id", "templateId": ADMINISTRATOR, "isBuiltIn": true }],
        });
        for list in ["roleAssignments", "roleAssignmentScheduleInstances"] {
            role_case(&super::changed(tenant.clone(), json!({ list: [assignment] })), expected);
        }
        let eligible = json!({ "roleEligibilityScheduleInstances": [assignment] });
        role_case(&super::changed(tenant, eligible), "users");
    }
}

#[test]
fn times_of_role_assignments_are_kept() {
    let (before, now, after) = ("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z");
    for (start, end, expected) in [
        (None, None, "yes"),
        (Some(before), Some(after), "yes"),
        (Some(now), Some(after), "yes"),
        (Some(before), Some(now), "users"),
        (Some(after), None, "users"),
        (None, Some(before), "users"),
        (Some(before), Some("9999-12-31T23:59:59Z"), "yes"),
    ] {
        let instance = json!({
            "principalId": "ada", "roleDefinitionId": ADMINISTRATOR, "directoryScopeId": "/",
            "startDateTime": start, "endDateTime": end,
        });
        role_case(&json!({ "roleAssignmentScheduleInstances": [instance] }), expected);
    }
}

#[test]
fn roles_that_cannot_be_told() {
    let held = json!([{ "principalId": "ada", "roleDefinitionId": ADMINISTRATOR }]);
    let by_unlisted = json!([{ "principalId": "somebody", "roleDefinitionId": ADMINISTRATOR }]);
    let by_bob = json!([{ "principalId": "bob", "roleDefinitionId": ADMINISTRATOR }]);
    let by_unread = json!([{ "principalId": "unread", "roleDefinitionId": ADMINISTRATOR }]);
    for (tenant, expected) in [
        (json!({ "roleAssignments": null, "roleAssignmentScheduleInstances": null }), "unknown"),
        (json!({ "roleAssignments": null }), "users"),
        (json!({ "roleAssignmentScheduleInstances": null }), "users"),
        (json!({ "roleAssignments": null, "roleAssignmentScheduleInstances": held }), "yes"),
        (json!({ "roleDefinitions": null, "roleAssignments": held }), "yes"),
        (json!({ "groups": null, "roleAssignments": by_unlisted }), "unknown"),
        (json!({ "roleAssignments": by_unlisted }), "users"),
        (json!({ "groups": null, "roleAssignments": by_bob, "users": [{ "id": "ada" }, { "id": "bob" }] }), "users"),
        (json!({ "groups": [{ "id": "unread" }], "roleAssignments": by_unread }), "unknown"),
    ] {
        role_case(&tenant, expected);
    }
}

#[test]
fn roles_of_the_tenants_own_never_count() {
    let tenant = json!({
        "roleDefinitions": [{ "id": "custom", "templateId": "custom", "isBuiltIn": false }],
        "roleAssignments": [{ "principalId": "ada", "roleDefinitionId": "custom" }],
    });
    users(&tenant, &[(json!({ "includeRoles": ["custom"] }), "users")]);
    users(
        &super::changed(tenant, json!({ "roleAssignments": null, "roleAssignmentScheduleInstances": null })),
        &[(json!({ "includeRoles": ["custom"] }), "users")],
    );
}

#[test]
fn kinds_of_guests_come_from_the_directory() {
    let kinds = ["internalGuest", "b2bCollaborationGuest", "b2bCollaborationMember"];
    for (user, kind) in [
        (json!({ "userType": "Guest" }), Some("internalGuest")),
        (json!({ "userType": "Guest", "userPrincipalName": "a_b#EXT#@c" }), Some("b2bCollaborationGuest")),
        (json!({ "userType": "Guest", "creationType": "Invitation" }), Some("b2bCollaborationGuest")),
        (json!({ "userType": "Guest", "externalUserState": "Accepted" }), Some("b2bCollaborationGuest")),
        (
            json!({ "userType": "Guest", "creationType": "LocalAccount", "externalUserState": null }),
            Some("internalGuest"),
        ),
        (json!({ "userType": "Member", "creationType": "Invitation" }), Some("b2bCollaborationMember")),
        (json!({ "userType": "Member" }), Some("")),
        (json!({ "userType": "Robot" }), None),
        (json!({}), None),
    ] {
        let tenant = json!({ "users": [super::changed(json!({ "id": "ada" }), user)] });
        for wanted in kinds {
            let expected = match kind {
                None => "unknown",
                Some(kind) if kind == wanted => "yes",
                Some(_) => "users",
            };
            users(&tenant, &[(guests(wanted, Value::Null), expected)]);
        }
        let external = match kind {
            None => "unknown",
            Some("") => "users",
            Some(_) => "yes",
        };
        users(&tenant, &[(guests(&kinds.join(","), Value::Null), external)]);
        users(&tenant, &[(json!({ "includeUsers": ["GuestsOrExternalUsers"] }), external)]);
    }
}

#[test]
fn a_user_type_of_null_is_a_members() {
    let tenant = json!({ "users": [json!({ "id": "ada", "userType": null })] });
    users(&tenant, &[(json!({ "includeUsers": ["GuestsOrExternalUsers"] }), "users")]);
}

fn guests(types: &str, tenants: Value) -> Value {
    json!({ "includeGuestsOrExternalUsers": { "guestOrExternalUserTypes": types, "externalTenants": tenants } })
}

#[test]
fn a_request_may_say_the_kind_and_the_home() {
    let enumerated = || json!({ "membershipKind": "enumerated", "members": ["partner"] });
    let all = || json!({ "membershipKind": "all" });
    let guest = "b2bCollaborationGuest";
    for (types, tenants, said, home, expected) in [
        (guest, Value::Null, guest, None, "yes"),
        (guest, Value::Null, "none", None, "users"),
        (guest, Value::Null, "serviceProvider", None, "users"),
        (guest, all(), "serviceProvider,b2bCollaborationGuest", None, "yes"),
        (guest, enumerated(), guest, Some("partner"), "yes"),
        (guest, enumerated(), guest, Some("else"), "users"),
        (guest, enumerated(), guest, None, "unknown"),
        ("internalGuest", enumerated(), "internalGuest", None, "users"),
        ("internalGuest", enumerated(), "internalGuest", Some("partner"), "yes"),
        (guest, json!({ "membershipKind": "unknownFutureValue" }), guest, Some("partner"), "unknown"),
        (guest, json!({ "membershipKind": "unknownFutureValue" }), "internalGuest", None, "users"),
        (guest, json!({ "membershipKind": null }), guest, None, "yes"),
        ("martian", Value::Null, guest, None, "unknown"),
        ("martian,b2bCollaborationGuest", Value::Null, guest, None, "yes"),
        ("martian", Value::Null, "none", None, "unknown"),
        ("none", Value::Null, guest, None, "users"),
        ("", Value::Null, guest, None, "users"),
    ] {
        let identity = json!({ "externalUserType": said, "externalTenantId": home });
        let conditions = json!({ "users": changed_users(&guests(types, tenants)) });
        check(&json!({}), &conditions, &json!({ "signInIdentity": identity }), expected);
    }
}

#[test]
fn without_the_users_only_the_other_lists_tell() {
    let tenant = json!({
        "users": null,
        "groups": [{ "id": "direct", "members": ["ada"] }],
        "roleAssignments": [{ "principalId": "ada", "roleDefinitionId": ADMINISTRATOR }],
    });
    users(
        &tenant,
        &[
            (json!({ "includeUsers": ["All"] }), "yes"),
            (json!({ "includeUsers": ["ada"] }), "yes"),
            (json!({ "includeUsers": ["bob"] }), "users"),
            (json!({ "includeGroups": ["direct"] }), "yes"),
            (json!({ "includeRoles": [ADMINISTRATOR] }), "yes"),
            (json!({ "includeRoles": [AUDITOR] }), "users"),
            (json!({ "includeUsers": ["GuestsOrExternalUsers"] }), "unknown"),
            (guests("internalGuest", json!({ "membershipKind": "enumerated", "members": ["x"] })), "users"),
        ],
    );
    let shouted = json!({ "signInIdentity": { "userId": "ADA" } });
    for (condition, expected) in [
        (json!({ "includeUsers": ["ada"] }), "yes"),
        (json!({ "includeUsers": ["ADA"] }), "yes"),
        (json!({ "includeUsers": [], "includeGroups": ["direct"] }), "yes"),
    ] {
        check(&tenant, &json!({ "users": condition }), &shouted, expected);
    }
}

#[test]
fn workload_identities_are_a_people_of_their_own() {
    let principal = |id: &str, owner: Value, kind: Value| json!({ "id": id, "appOwnerOrganizationId": owner, "servicePrincipalType": kind });
    let tenant = json!({ "servicePrincipals": [
        principal("own", json!("tenant-own"), json!("Application")),
        principal("foreign", json!("tenant-else"), json!("Application")),
        principal("managed", json!("tenant-own"), json!("ManagedIdentity")),
        { "id": "untold" },
        { "id": "untold-managed", "servicePrincipalType": "ManagedIdentity" },
        { "id": "untold-kind", "appOwnerOrganizationId": "tenant-own" },
        { "id": "unowned", "appOwnerOrganizationId": null, "servicePrincipalType": "Application" },
    ] });
    let mine = || json!({ "includeServicePrincipals": ["ServicePrincipalsInMyTenant"] });
    let filter = |mode: &str| json!({ "mode": mode, "rule": "CustomSecurityAttribute.x -eq \"y\"" });
    let no = "workloadIdentities";
    for (clients, id, expected) in [
        (mine(), "own", "yes"),
        (mine(), "foreign", no),
        (mine(), "managed", no),
        (mine(), "untold", "unknown"),
        (mine(), "untold-managed", no),
        (mine(), "untold-kind", "unknown"),
        (mine(), "unowned", no),
        (json!({ "includeServicePrincipals": ["foreign"] }), "foreign", "yes"),
        (json!({ "includeServicePrincipals": ["foreign"] }), "own", no),
        (super::changed(mine(), json!({ "excludeServicePrincipals": ["own"] })), "own", no),
        (super::changed(mine(), json!({ "servicePrincipalFilter": filter("include") })), "own", "unknown"),
        (super::changed(mine(), json!({ "servicePrincipalFilter": filter("exclude") })), "own", "unknown"),
        (super::changed(mine(), json!({ "servicePrincipalFilter": filter("exclude") })), "foreign", no),
        (super::changed(mine(), json!({ "servicePrincipalFilter": { "mode": null, "rule": null } })), "own", "yes"),
        (json!({ "includeAgentIdServicePrincipals": ["All"] }), "own", "unknown"),
        (json!({ "excludeServicePrincipals": ["own"] }), "foreign", no),
        (json!({ "includeServicePrincipals": [] }), "own", no),
        (json!({}), "own", no),
    ] {
        let conditions = json!({ "users": { "includeUsers": ["None"] }, "clientApplications": clients });
        let identity = json!({ "userId": null, "servicePrincipalId": id });
        check(&tenant, &conditions, &json!({ "signInIdentity": identity }), expected);
        check(&tenant, &conditions, &json!({}), "users");
    }
    let identity = json!({ "userId": null, "servicePrincipalId": "own" });
    let request = json!({ "signInIdentity": identity });
    let unlisted = json!({ "servicePrincipals": null });
    let by_id = json!({ "includeServicePrincipals": ["own"] });
    check(&unlisted, &json!({ "users": null, "clientApplications": mine() }), &request, "unknown");
    check(&unlisted, &json!({ "users": null, "clientApplications": by_id }), &request, "yes");
    check(&tenant, &json!({}), &request, no);
    check(&tenant, &json!({ "users": null }), &request, "unknown");
    check(&tenant, &json!({ "users": null, "clientApplications": mine() }), &request, "yes");
    check(&tenant, &json!({ "users": null, "clientApplications": mine() }), &json!({}), "users");
}
