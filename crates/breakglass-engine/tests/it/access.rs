//! Conditional Access, one condition at a time: small tables of a tenant, a policy and what is to come of it. The
//! plain evaluator is asked as well, so that no expectation here is that of one of the two alone.

use breakglass_engine::access::{Access, AccessSettings, Trit};
use breakglass_model::sign_in::WhatIfRequest;
use breakglass_testkit::referee::what_if;
use serde_json::{Value, json};

use super::support::{now, snapshot};

const ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
const SHAREPOINT: &str = "00000003-0000-0ff1-ce00-000000000000";

/// A tenant whose lists are all there; `ada` is its only user.
fn tenant() -> Value {
    json!({
        "format": "breakglass-snapshot/1",
        "tenantId": "11111111-1111-4111-8111-111111111111",
        "takenAt": "2026-11-22T00:00:00Z",
        "users": [{ "id": "ada", "userPrincipalName": "ada@contoso.example", "userType": "Member" }],
        "groups": [],
        "servicePrincipals": [],
        "roleDefinitions": [],
        "roleAssignments": [],
        "roleAssignmentScheduleInstances": [],
        "namedLocations": [],
    })
}

/// A sign-in of Ada to SharePoint.
fn sign_in() -> Value {
    json!({
        "signInIdentity": { "userId": "ada" },
        "signInContext": { "includeApplications": [SHAREPOINT] },
        "signInConditions": {},
    })
}

/// A policy for everybody and everything that demands a second factor.
fn policy() -> Value {
    json!({
        "id": "policy",
        "displayName": "Policy",
        "state": "enabled",
        "conditions": { "users": { "includeUsers": ["All"] }, "applications": { "includeApplications": ["All"] } },
        "grantControls": { "operator": "OR", "builtInControls": ["mfa"] },
    })
}

/// Replaces members by members of the same name, objects member by member; a null removes.
fn with(mut base: Value, change: &Value) -> Value {
    let Value::Object(changes) = change else { return change.clone() };
    if !base.is_object() {
        base = json!({});
    }
    for (name, change) in changes {
        if change.is_null() {
            base.as_object_mut().unwrap().remove(name);
        } else {
            base[name] = with(base[name].take(), change);
        }
    }
    base
}

/// What changes one of the three plain documents.
#[derive(Debug, Clone, Default)]
struct Change {
    tenant: Value,
    policy: Value,
    sign_in: Value,
}

impl Change {
    fn document(&self, documents: (Value, Value)) -> Value {
        let (tenant, policy) = documents;
        let changed = |base, change: &Value| if change.is_null() { base } else { with(base, change) };
        let mut document = changed(tenant, &self.tenant);
        document["conditionalAccessPolicies"] = json!([changed(policy, &self.policy)]);
        document
    }

    fn body(&self) -> String {
        if self.sign_in.is_null() { sign_in().to_string() } else { with(sign_in(), &self.sign_in).to_string() }
    }
}

/// `yes`, `unknown` or the first condition that is not met, and the outcome; or `refused`.
fn answer(change: &Change) -> [&'static str; 2] {
    let snapshot = snapshot(&change.document((tenant(), policy())));
    let body = change.body();
    let request = WhatIfRequest::from_json(body.as_bytes()).unwrap();
    let access = Access::compile(&snapshot, &AccessSettings::at(now())).unwrap();
    let plain = what_if(&snapshot, &request, &[], now());
    let Ok(situation) = access.situation(&request) else {
        assert!(plain.is_err(), "the plain evaluator does not refuse {body}");
        return ["refused"; 2];
    };
    let plain = plain.unwrap();
    let analysis = access.analyse_policy(0, &situation);
    let applies = analysis.applies.known();
    let outcome = access.outcome(&situation).name();
    let (_, plain_applies, plain_reason) = &plain.policies[0];
    assert_eq!((applies, outcome), (*plain_applies, plain.outcome), "engine and plain evaluator: {change:?}");
    match applies {
        Some(true) => ["yes", outcome],
        None => ["unknown", outcome],
        Some(false) => {
            assert_eq!(analysis.reason.name(), *plain_reason, "{change:?}");
            [analysis.reason.name(), outcome]
        }
    }
}

fn check(change: &Change, expected: &str) {
    assert_eq!(answer(change)[0], expected, "{change:?}");
}

/// What a users condition without `All` says of Ada, and that its mirror image as an exclusion says the opposite.
fn check_users(tenant: &Value, included: &Value, expected: &str) {
    let mut users = json!({ "includeUsers": [] });
    let mut mirrored = json!({ "includeUsers": ["All"] });
    for (name, value) in included.as_object().unwrap() {
        users[name] = value.clone();
        mirrored[name.replace("include", "exclude")] = value.clone();
    }
    let change = |users: Value| Change {
        tenant: tenant.clone(),
        policy: json!({ "conditions": { "users": users } }),
        sign_in: Value::Null,
    };
    check(&change(users), expected);
    let opposite = match expected {
        "yes" => "users",
        "users" => "yes",
        other => other,
    };
    check(&change(mirrored), opposite);
}

fn group(id: &str, members: Value) -> Value {
    json!({ "id": id, "members": members })
}

fn typed(kind: &str, id: &str) -> Value {
    json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "id": id })
}

#[test]
fn groups_are_followed_through_groups_and_rings() {
    let tenant = json!({ "groups": [
        group("direct", json!([typed("user", "ada")])),
        group("outer", json!([typed("group", "middle")])),
        group("middle", json!(["outer", "direct"])),
        group("ring", json!(["ring", typed("group", "second")])),
        group("second", json!([{ "id": "ring" }])),
        group("ring-with-ada", json!(["third", "ada"])),
        group("third", json!([typed("group", "ring-with-ada")])),
        group("device", json!([typed("device", "ada")])),
        group("empty", json!([])),
    ] });
    for (id, expected) in [
        ("direct", "yes"),
        ("outer", "yes"),
        ("middle", "yes"),
        ("ring", "users"),
        ("second", "users"),
        ("third", "yes"),
        ("device", "users"),
        ("empty", "users"),
    ] {
        check_users(&tenant, &json!({ "includeGroups": [id] }), expected);
    }
}

#[test]
fn ten_thousand_levels_of_groups_are_followed() {
    const LEVELS: usize = 10_000;
    let level = |number: usize| match number {
        LEVELS => group(&format!("level-{number}"), json!([typed("user", "ada"), typed("group", "level-0")])),
        _ => group(&format!("level-{number}"), json!([typed("group", &format!("level-{}", number + 1))])),
    };
    let change = Change {
        tenant: json!({ "groups": (0..=LEVELS).map(level).collect::<Vec<_>>() }),
        policy: json!({ "conditions": { "users": { "excludeGroups": ["level-0"] } } }),
        sign_in: Value::Null,
    };
    let snapshot = snapshot(&change.document((tenant(), policy())));
    let access = Access::compile(&snapshot, &AccessSettings::at(now())).unwrap();
    let body = change.body();
    let situation = access.situation(&WhatIfRequest::from_json(body.as_bytes()).unwrap()).unwrap();
    let analysis = access.analyse_policy(0, &situation);
    assert_eq!((analysis.applies, analysis.reason.name()), (Trit::No, "users"));
    assert!(analysis.because.ends_with("which contains `level-10000`"), "the whole path is told");
}

#[test]
fn a_deleted_group_has_nobody_and_an_unread_one_may_have_anybody() {
    let groups = json!([
        { "id": "unread" },
        group("around-unread", json!(["unread"])),
        group("unread-but-direct", json!(["unread", "ada"])),
        group("around-gone", json!([typed("group", "gone")])),
        group("around-gone-user", json!([typed("user", "gone")])),
    ]);
    for (id, expected) in [
        ("gone", "users"),
        ("unread", "unknown"),
        ("around-unread", "unknown"),
        ("unread-but-direct", "yes"),
        ("around-gone", "unknown"),
        ("around-gone-user", "users"),
    ] {
        check_users(&json!({ "groups": groups }), &json!({ "includeGroups": [id] }), expected);
    }
}

#[test]
fn an_id_that_is_written_with_and_without_a_type_is_visited_as_both() {
    let written = [json!("gone"), typed("group", "gone"), typed("user", "ada")];
    for (first, second, expected) in [(0, 1, "unknown"), (1, 0, "unknown"), (0, 2, "yes")] {
        let tenant = json!({ "groups": [group("both", json!([written[first], written[second]]))] });
        check_users(&tenant, &json!({ "includeGroups": ["both"] }), expected);
    }
    let as_both = json!({ "groups": [group("both", json!([typed("group", "ada"), typed("user", "ada")]))] });
    check_users(&as_both, &json!({ "includeGroups": ["both"] }), "yes");
}

#[test]
fn a_list_of_groups_that_is_not_complete_excuses_nobody() {
    let groups = json!([group("direct", json!(["ada"])), group("others", json!([typed("user", "bob")]))]);
    let partial = json!({ "groups": groups, "missing": [{ "resource": "groups", "why": "one page of many" }] });
    for (id, expected) in [("direct", "yes"), ("others", "unknown"), ("elsewhere", "unknown")] {
        check_users(&partial, &json!({ "includeGroups": [id] }), expected);
        check_users(&json!({ "groups": null }), &json!({ "includeGroups": [id] }), "unknown");
    }
}

fn held_by(principal: &str) -> Value {
    json!([{ "principalId": principal, "roleDefinitionId": ADMINISTRATOR, "directoryScopeId": "/" }])
}

#[test]
fn roles_count_where_they_are_active_and_tenant_wide() {
    let own_id = json!([{ "id": "own", "templateId": ADMINISTRATOR, "isBuiltIn": true }]);
    let groups = json!([group("admins", json!(["ada"])), group("around", json!([typed("group", "admins")]))]);
    let assignment = |change: Value| json!([with(held_by("ada")[0].clone(), &change)]);
    for (assignments, expected) in [
        (held_by("ada"), "yes"),
        (held_by("admins"), "yes"),
        (held_by("around"), "yes"),
        (held_by("bob"), "users"),
        (assignment(json!({ "directoryScopeId": null })), "yes"),
        (assignment(json!({ "directoryScopeId": "/administrativeUnits/unit" })), "users"),
        (assignment(json!({ "appScopeId": "catalog" })), "users"),
        (assignment(json!({ "roleDefinitionId": "own" })), "yes"),
        (assignment(json!({ "roleDefinitionId": "another" })), "users"),
        (assignment(json!({ "endDateTime": "2026-11-22T00:00:00Z" })), "users"),
        (assignment(json!({ "endDateTime": "2026-11-22T00:00:01Z" })), "yes"),
        (assignment(json!({ "startDateTime": "2026-11-22T00:00:01Z" })), "users"),
        (assignment(json!({ "startDateTime": "2026-11-22T00:00:00Z" })), "yes"),
    ] {
        for list in ["roleAssignments", "roleAssignmentScheduleInstances"] {
            let tenant = json!({ "groups": groups, "roleDefinitions": own_id, list: assignments });
            check_users(&tenant, &json!({ "includeRoles": [ADMINISTRATOR] }), expected);
        }
        let eligible = json!({ "groups": groups, "roleEligibilityScheduleInstances": assignments });
        check_users(&eligible, &json!({ "includeRoles": [ADMINISTRATOR] }), "users");
    }
}

#[test]
fn somebody_whom_only_a_role_assignment_mentions_holds_the_role() {
    let role = json!({ "includeRoles": [ADMINISTRATOR] });
    for (holder, groups, expected) in [
        ("ada", json!([]), "yes"),
        ("bob", json!([]), "users"),
        ("ada", Value::Null, "yes"),
        // Bob may be a group.
        ("bob", Value::Null, "unknown"),
    ] {
        let tenant = json!({ "users": null, "groups": groups, "roleAssignments": held_by(holder) });
        check_users(&tenant, &role, expected);
        check_users(&tenant, &json!({ "includeUsers": ["GuestsOrExternalUsers"] }), "unknown");
    }
}

#[test]
fn the_role_of_such_a_person_is_told_and_the_next_user_does_not_inherit_it() {
    let change = Change {
        tenant: json!({ "users": null, "groups": [group("some", json!(["bob"]))], "roleAssignments": held_by("ada") }),
        policy: json!({ "conditions": { "users": { "includeUsers": [], "includeRoles": [ADMINISTRATOR] } } }),
        sign_in: Value::Null,
    };
    let snapshot = snapshot(&change.document((tenant(), policy())));
    let access = Access::compile(&snapshot, &AccessSettings::at(now())).unwrap();
    let body = change.body();
    let situation = access.situation(&WhatIfRequest::from_json(body.as_bytes()).unwrap()).unwrap();
    let analysis = access.analyse_policy(0, &situation);
    assert_eq!((analysis.applies, analysis.because.as_str()), (Trit::Yes, "included by role `Global Administrator`"));
    let bob = access.by_user(situation, snapshot.objects.find("bob").unwrap());
    assert_eq!(access.analyse_policy(0, &bob).because, "not among the users that it includes");
    assert_eq!(access.outcome(&bob).name(), "allowed");
}

#[test]
fn roles_that_cannot_be_told_are_unknown_unless_no_policy_reaches_them() {
    let custom = json!([{ "id": "custom", "templateId": "custom", "isBuiltIn": false }]);
    let unread = json!([{ "id": "unread" }]);
    let no_lists = json!({ "roleAssignments": null, "roleAssignmentScheduleInstances": null });
    for (tenant, role, expected) in [
        (no_lists.clone(), ADMINISTRATOR, "unknown"),
        (json!({ "roleAssignments": null }), ADMINISTRATOR, "users"),
        (json!({ "groups": unread, "roleAssignments": held_by("unread") }), ADMINISTRATOR, "unknown"),
        (json!({ "roleAssignments": held_by("nobody-knows") }), ADMINISTRATOR, "users"),
        (with(no_lists, &json!({ "roleDefinitions": custom })), "custom", "users"),
    ] {
        check_users(&tenant, &json!({ "includeRoles": [role] }), expected);
    }
}

#[test]
fn guests_are_told_by_the_directory_unless_the_request_tells() {
    let all_kinds = "internalGuest,b2bCollaborationGuest,b2bCollaborationMember";
    for (user, kind) in [
        (json!({ "userType": "Guest" }), "internalGuest"),
        (json!({ "userType": "Guest", "userPrincipalName": "a_b#EXT#@c" }), "b2bCollaborationGuest"),
        (json!({ "userType": "Guest", "externalUserState": "Accepted" }), "b2bCollaborationGuest"),
        (json!({ "creationType": "Invitation" }), "b2bCollaborationMember"),
    ] {
        let tenant = json!({ "users": [with(tenant()["users"][0].clone(), &user)] });
        for wanted in all_kinds.split(',') {
            let guests = json!({ "includeGuestsOrExternalUsers": { "guestOrExternalUserTypes": wanted } });
            check_users(&tenant, &guests, if wanted == kind { "yes" } else { "users" });
        }
        check_users(&tenant, &json!({ "includeUsers": ["GuestsOrExternalUsers"] }), "yes");
    }
    let not_exported = json!({ "users": [{ "id": "ada" }] });
    check_users(&not_exported, &json!({ "includeUsers": ["GuestsOrExternalUsers"] }), "unknown");
    let tenants = json!({ "membershipKind": "enumerated", "members": ["partner"] });
    for (said, home, expected) in [
        (json!("b2bCollaborationGuest"), json!("partner"), "yes"),
        (json!("b2bCollaborationGuest"), json!("another"), "users"),
        (json!("b2bCollaborationGuest"), Value::Null, "unknown"),
        (json!("serviceProvider,b2bCollaborationGuest"), json!("partner"), "yes"),
        (json!("serviceProvider"), json!("partner"), "users"),
        (json!("none"), json!("partner"), "users"),
        (Value::Null, Value::Null, "users"),
        (json!("martian"), Value::Null, "refused"),
    ] {
        let guests = json!({ "guestOrExternalUserTypes": "b2bCollaborationGuest", "externalTenants": tenants });
        let users = json!({ "includeUsers": [], "includeGuestsOrExternalUsers": guests });
        let identity = json!({ "externalUserType": said, "externalTenantId": home });
        let change = Change {
            tenant: Value::Null,
            policy: json!({ "conditions": { "users": users } }),
            sign_in: json!({ "signInIdentity": identity }),
        };
        check(&change, expected);
    }
}

fn named_locations() -> Value {
    json!([
        { "@odata.type": "#microsoft.graph.ipNamedLocation", "id": "office", "displayName": "Office", "isTrusted": true,
            "ipRanges": [{ "cidrAddress": "198.51.100.0/24" }, { "cidrAddress": "2001:db8::/32" }] },
        { "@odata.type": "#microsoft.graph.ipNamedLocation", "id": "shop", "displayName": "Shop", "isTrusted": false,
            "ipRanges": [{ "cidrAddress": "203.0.113.0/24" }] },
        { "@odata.type": "#microsoft.graph.countryNamedLocation", "id": "germany", "displayName": "Germany",
            "countriesAndRegions": ["DE"], "includeUnknownCountriesAndRegions": false },
        { "@odata.type": "#microsoft.graph.countryNamedLocation", "id": "nowhere", "displayName": "Nowhere",
            "countriesAndRegions": [], "includeUnknownCountriesAndRegions": true },
    ])
}

#[test]
fn locations_match_by_address_or_country() {
    let office = json!({ "ipAddress": "198.51.100.9" });
    let shop = json!({ "ipAddress": "203.0.113.9" });
    let germany = json!({ "country": "de" });
    for (names, from, expected) in [
        (["All", "All"], json!({}), "yes"),
        (["office", "shop"], json!({}), "location"),
        (["nowhere", "germany"], json!({}), "location"),
        (["office", "gone"], office.clone(), "yes"),
        (["office", "gone"], json!({ "ipAddress": "2001:db8::1" }), "yes"),
        (["office", "gone"], json!({ "ipAddress": "::ffff:198.51.100.9" }), "yes"),
        (["office", "gone"], shop.clone(), "location"),
        (["AllTrusted", "gone"], office.clone(), "yes"),
        (["AllTrusted", "gone"], shop.clone(), "location"),
        (["germany", "office"], germany.clone(), "yes"),
        (["office", "shop"], germany.clone(), "location"),
        (["nowhere", "gone"], germany, "location"),
        (["nowhere", "gone"], shop.clone(), "yes"),
        (["germany", "gone"], with(shop, &json!({ "country": "DE" })), "yes"),
        (["00000000-0000-0000-0000-000000000000", "gone"], office.clone(), "unknown"),
        (["00000000-0000-0000-0000-000000000000", "office"], office, "yes"),
    ] {
        let change = |locations: Value| Change {
            tenant: json!({ "namedLocations": named_locations() }),
            policy: json!({ "conditions": { "locations": locations } }),
            sign_in: json!({ "signInConditions": from }),
        };
        check(&change(json!({ "includeLocations": names })), expected);
        let opposite = match expected {
            "yes" => "location",
            "location" => "yes",
            other => other,
        };
        check(&change(json!({ "includeLocations": ["All"], "excludeLocations": names })), opposite);
    }
}

#[test]
fn locations_that_are_not_in_the_snapshot_are_unknown_only_where_the_list_is_not_complete() {
    let partial = json!({
        "namedLocations": named_locations(),
        "missing": [{ "resource": "namedLocations", "why": "403 Forbidden" }],
    });
    let network = json!([{ "@odata.type": "#microsoft.graph.compliantNetworkNamedLocation", "id": "network",
        "displayName": "Network", "isTrusted": true }]);
    for (tenant, name, expected) in [
        (json!({}), "gone", "location"),
        (json!({ "namedLocations": null }), "gone", "unknown"),
        (json!({ "namedLocations": null }), "AllTrusted", "unknown"),
        (partial.clone(), "gone", "unknown"),
        (partial.clone(), "office", "yes"),
        (partial, "shop", "location"),
        (json!({ "namedLocations": network }), "network", "unknown"),
        (json!({ "namedLocations": network }), "AllTrusted", "unknown"),
    ] {
        let change = Change {
            tenant,
            policy: json!({ "conditions": { "locations": { "includeLocations": [name] } } }),
            sign_in: json!({ "signInConditions": { "ipAddress": "198.51.100.9" } }),
        };
        check(&change, expected);
    }
}

#[test]
fn what_nobody_knows_is_unknown_unless_something_known_decides() {
    let conditions = |change: Value| json!({ "conditions": change });
    let nobody = json!({ "includeUsers": ["None"] });
    for (policy, expected) in [
        (conditions(json!({ "phaseOfTheMoon": "full" })), ["unknown", "unknown"]),
        (conditions(json!({ "phaseOfTheMoon": "full", "users": nobody })), ["users", "allowed"]),
        (conditions(json!({ "phaseOfTheMoon": [] })), ["yes", "challenge"]),
        (conditions(json!({ "clientAppTypes": ["telepathy"] })), ["yes", "challenge"]),
        (conditions(json!({ "signInRiskLevels": ["apocalyptic"] })), ["signInRisk", "allowed"]),
        (json!({ "state": "enabledOnSundays" }), ["unknown", "unknown"]),
        (json!({ "state": "disabled", "conditions": { "phaseOfTheMoon": "full" } }), ["policyNotEnabled", "allowed"]),
        (json!({ "grantControls": { "builtInControls": ["dance"] } }), ["yes", "unknown"]),
        (json!({ "grantControls": { "builtInControls": ["block", "dance"] } }), ["yes", "blocked"]),
    ] {
        let change = Change { policy, ..Change::default() };
        assert_eq!(answer(&change), expected, "{change:?}");
    }
}

#[test]
fn of_several_kinds_of_context_the_first_in_graphs_order_is_meant() {
    let context = |change: Value| json!({ "signInContext": change });
    let for_context = json!({ "includeApplications": null, "includeAuthenticationContextClassReferences": ["c1"] });
    let for_action = json!({ "includeApplications": null, "includeUserActions": ["urn:user:registerdevice"] });
    let for_sharepoint = json!({ "includeApplications": [SHAREPOINT] });
    let (no_applications, action) = (json!([]), "registerOrJoinDevices");
    for (applications, said, expected) in [
        (&for_sharepoint, json!({ "authenticationContextValue": "c1", "userAction": action }), "yes"),
        (&for_context, json!({ "authenticationContextValue": "c1" }), "authenticationContext"),
        (&for_context, json!({ "includeApplications": no_applications, "authenticationContextValue": "c1" }), "yes"),
        (
            &for_context,
            json!({ "includeApplications": null, "authenticationContextValue": "c1", "userAction": action }),
            "yes",
        ),
        (&for_action, json!({ "includeApplications": no_applications, "userAction": action }), "yes"),
        (&for_action, json!({ "userAction": action }), "userActions"),
        (&for_action, json!({ "userAction": "registerOrJoinClubs" }), "refused"),
        (&for_sharepoint, json!({ "includeApplications": no_applications }), "application"),
    ] {
        let change = Change {
            policy: json!({ "conditions": { "applications": applications } }),
            sign_in: context(said),
            ..Change::default()
        };
        check(&change, expected);
    }
}

#[test]
fn texts_that_are_no_values_are_refused_and_not_taken_for_left_out() {
    for conditions in [
        json!({ "clientAppType": "" }),
        json!({ "clientAppType": "telnet" }),
        json!({ "signInRiskLevel": "" }),
        json!({ "userRiskLevel": "severe" }),
        json!({ "servicePrincipalRiskLevel": "" }),
        json!({ "insiderRiskLevel": "" }),
        json!({ "ipAddress": "" }),
        json!({ "ipAddress": "198.51.100.9/32" }),
        json!({ "authenticationFlow": { "transferMethod": "" } }),
        json!({ "devicePlatform": "beos" }),
        json!({ "devicePlatform": "all" }),
    ] {
        check(&Change { sign_in: json!({ "signInConditions": conditions }), ..Change::default() }, "refused");
    }
    for (platforms, expected) in [(json!(["all"]), "yes"), (json!(["windows"]), "devicePlatform")] {
        for text in ["", "unknownFutureValue"] {
            let change = Change {
                policy: json!({ "conditions": { "platforms": { "includePlatforms": platforms } } }),
                sign_in: json!({ "signInConditions": { "devicePlatform": text } }),
                ..Change::default()
            };
            check(&change, expected);
        }
    }
}

#[test]
fn users_are_found_by_id_in_either_case_and_by_name_as_far_as_there_are_users() {
    let in_group = json!({ "conditions": { "users": { "includeUsers": [], "includeGroups": ["direct"] } } });
    let groups = json!([group("direct", json!([typed("user", "ada")]))]);
    for (users, name, expected) in [
        (tenant()["users"].clone(), "ada", "yes"),
        (tenant()["users"].clone(), "ADA", "yes"),
        (tenant()["users"].clone(), "Ada@Contoso.example", "yes"),
        (tenant()["users"].clone(), "bob", "refused"),
        (Value::Null, "ada", "yes"),
        (Value::Null, "ADA", "yes"),
        (Value::Null, "bob", "users"),
    ] {
        let change = Change {
            tenant: json!({ "users": users, "groups": groups }),
            policy: in_group.clone(),
            sign_in: json!({ "signInIdentity": { "userId": name } }),
        };
        check(&change, expected);
    }
}
