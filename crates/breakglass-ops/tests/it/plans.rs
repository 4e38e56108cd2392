//! Plans of small tenants: what is in the way, and what is done.

use breakglass_model::snapshot::read::{Origin, read_document};
use breakglass_model::snapshot::{Snapshot, SnapshotBuilder};
use breakglass_ops::setup::plan::{Plan, PlanError};
use breakglass_ops::setup::{Objection, Protection, Reach, Wanted, WantedAccount, plan};
use jiff::Timestamp;
use serde_json::{Value, json};

const GROUP: &str = "Excluded";
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

fn now() -> Timestamp {
    "2026-11-26T12:00:00Z".parse().unwrap()
}

/// A tenant in which everything is as it should be, with one account `a` and one that is to be made.
fn tenant() -> Value {
    let policy = |id: &str, state: &str, users: Value, grant: Value| {
        json!({
            "id": id, "displayName": format!("Policy {id}"), "state": state,
            "conditions": { "users": users, "applications": { "includeApplications": ["All"] } },
            "grantControls": grant, "sessionControls": null, "modifiedDateTime": "2026-01-01T00:00:00Z",
        })
    };
    let block = json!({ "operator": "OR", "builtInControls": ["block"] });
    json!({
        "format": "breakglass-snapshot/1", "tenantId": "t",
        "domains": [
            { "id": "contoso.onmicrosoft.com", "isInitial": true, "isVerified": true, "authenticationType": "Managed" },
            { "id": "contoso.com", "isVerified": true, "authenticationType": "Federated" },
        ],
        "users": [{
            "id": "a", "userPrincipalName": "a@contoso.onmicrosoft.com", "userType": "Member", "accountEnabled": true,
            "onPremisesSyncEnabled": null, "passwordPolicies": "DisablePasswordExpiration",
            "authenticationMethods": [{ "@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "id": "k" }],
        }],
        "groups": [],
        "roleDefinitions": [{ "id": GLOBAL_ADMINISTRATOR, "templateId": GLOBAL_ADMINISTRATOR }],
        "roleAssignments": [{ "id": "r", "principalId": "a", "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/" }],
        "conditionalAccessPolicies": [
            policy("p1", "enabled", json!({ "includeUsers": ["All"], "excludeUsers": ["x"] }), block.clone()),
            policy("p2", "enabledForReportingButNotEnforced", json!({ "includeUsers": ["All"] }), block.clone()),
            policy("p3", "disabled", json!({ "includeUsers": ["All"] }), block.clone()),
            policy("p4", "enabled", json!({ "includeUsers": ["All"] }), Value::Null),
            policy("p5", "enabled", json!({ "includeUsers": ["GuestsOrExternalUsers"] }), block.clone()),
            policy("p6", "enabled", json!({ "includeUsers": ["None"] }), block),
        ],
        "identitySecurityDefaultsEnforcementPolicy": { "isEnabled": false },
        "authenticationMethodsPolicy": {
            "registrationEnforcement": { "authenticationMethodsRegistrationCampaign": { "state": "default", "excludeTargets": [] } },
            "authenticationMethodConfigurations": [{
                "@odata.type": "#microsoft.graph.fido2AuthenticationMethodConfiguration", "id": "Fido2", "state": "enabled",
                "includeTargets": [{ "targetType": "group", "id": "all_users" }],
            }],
        },
        "deletedUsers": [], "administrativeUnits": [],
    })
}

fn snapshot(value: &Value) -> Snapshot {
    let mut builder = SnapshotBuilder::default();
    let origin = Origin { file_name: "snapshot.json", folders: &[] };
    read_document(&mut builder, value.to_string().as_bytes(), &origin).unwrap();
    builder.finish()
}

fn wanted() -> Wanted {
    let account = |name: &str| WantedAccount { name: name.to_owned(), display_name: None };
    Wanted {
        accounts: vec![account("a@contoso.onmicrosoft.com"), account("b@contoso.onmicrosoft.com")],
        group: GROUP.to_owned(),
        protection: Protection::RoleAssignable,
        reach: Reach::WhateverMayBlock,
        has_passkeys: true,
        forbidden_names: vec!["admin".to_owned()],
        wanted_name_parts: Vec::new(),
    }
}

fn keys(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.key.as_str()).collect()
}

fn put(tenant: &mut Value, pointer: &str, value: Value) {
    *tenant.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
}

/// A group that carries the exclusion, as it is to be.
fn with_group(tenant: &mut Value) {
    tenant["groups"] = json!([{
        "id": "g", "displayName": GROUP, "isAssignableToRole": true, "securityEnabled": true, "members": ["a"], "owners": [],
    }]);
}

#[test]
fn the_order_leaves_nothing_weaker_on_the_way() {
    let made = plan(&snapshot(&tenant()), &wanted(), now()).unwrap();
    assert_eq!(
        keys(&made),
        [
            "create-group",
            "create-account:b@contoso.onmicrosoft.com",
            "assign-role:b@contoso.onmicrosoft.com",
            "add-member:a@contoso.onmicrosoft.com",
            "add-member:b@contoso.onmicrosoft.com",
            "exclude:p1",
            "exclude:p2",
            "exclude-from-campaign",
        ]
    );
    let exclusion = made.steps.iter().find(|step| step.key == "exclude:p1").unwrap();
    let users = &exclusion.request.body.as_ref().unwrap()["conditions"]["users"];
    assert_eq!(
        *users,
        json!({ "includeUsers": ["All"], "excludeUsers": ["x"], "excludeGroups": ["{id of create-group}"] })
    );
    let by_hand: Vec<&str> = made.by_hand.iter().map(|one| one.does.as_str()).collect();
    assert!(by_hand.iter().any(|does| does.contains("security key (FIDO2) for `b@contoso")), "{by_hand:?}");
    assert!(!by_hand.iter().any(|does| does.contains("for `a@contoso")), "{by_hand:?}");
}

#[test]
fn a_free_tenant_has_nothing_that_could_carry_the_exclusion() {
    let objects = |skus: Value| {
        let mut tenant = tenant();
        tenant["subscribedSkus"] = skus;
        plan(&snapshot(&tenant), &wanted(), now()).map(|_| ())
    };
    let sku = |plan: &str| {
        json!([{ "skuPartNumber": "X", "capabilityStatus": "Enabled",
            "servicePlans": [{ "servicePlanName": plan, "provisioningStatus": "Success" }] }])
    };
    let free = objects(sku("EXCHANGE_S_FOUNDATION")).unwrap_err();
    assert_eq!(free, [Objection::NoPremium("a group that can be assigned to roles")]);
    assert!(!free[0].is_doubt() && free[0].help().contains("breakglass plan --live"), "{}", free[0].help());
    assert_eq!(objects(json!([])), Err(free), "no licence at all");
    assert_eq!(objects(sku("AAD_PREMIUM")), Ok(()));
    assert_eq!(objects(sku("AAD_PREMIUM_P2")), Ok(()));
}

#[test]
fn the_classic_profile_excludes_everywhere() {
    let classic = Wanted { reach: Reach::EveryPolicy, has_passkeys: false, ..wanted() };
    let made = plan(&snapshot(&tenant()), &classic, now()).unwrap();
    let excluded: Vec<&str> = keys(&made).into_iter().filter(|key| key.starts_with("exclude:")).collect();
    assert_eq!(excluded, ["exclude:p1", "exclude:p2", "exclude:p3", "exclude:p4", "exclude:p5"]);
}

#[test]
fn what_is_there_is_taken_over_and_mended() {
    let mut tenant = tenant();
    with_group(&mut tenant);
    let account = json!({
        "id": "b", "userPrincipalName": "B@contoso.onmicrosoft.com", "userType": "Member", "accountEnabled": false,
        "onPremisesSyncEnabled": false, "passwordPolicies": "DisableStrongPassword", "mobilePhone": "+49 1",
    });
    tenant["users"].as_array_mut().unwrap().push(account);
    tenant["groups"][0]["members"] = json!(["a", "b", "stranger"]);
    let eligible = json!({ "id": "r2", "principalId": "b", "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/administrativeUnits/x" });
    tenant["roleAssignments"].as_array_mut().unwrap().push(eligible);
    let made = plan(&snapshot(&tenant), &wanted(), now()).unwrap();
    assert_eq!(
        keys(&made),
        [
            "update-account:B@contoso.onmicrosoft.com",
            "assign-role:B@contoso.onmicrosoft.com",
            // Nothing rests on a group that no policy excludes.
            "remove-member:stranger (stranger)",
            "exclude:p1",
            "exclude:p2",
            "exclude-from-campaign",
        ]
    );
    assert_eq!(
        made.steps[0].request.body,
        Some(json!({
            "accountEnabled": true, "passwordPolicies": "DisableStrongPassword, DisablePasswordExpiration", "mobilePhone": null,
        }))
    );
}

/// A tenant with both accounts, of which `b` has no key, and a group with somebody else in it that one policy excludes.
fn with_stranger() -> Value {
    let mut tenant = tenant();
    with_group(&mut tenant);
    let mut other = tenant["users"][0].clone();
    other["id"] = json!("b");
    other["userPrincipalName"] = json!("b@contoso.onmicrosoft.com");
    other["authenticationMethods"] = json!([]);
    tenant["users"].as_array_mut().unwrap().push(other);
    tenant["users"].as_array_mut().unwrap().push(json!({
        "id": "olaf", "userPrincipalName": "olaf@contoso.onmicrosoft.com", "userType": "Member", "accountEnabled": true,
    }));
    tenant["groups"][0]["members"] = json!(["a", "b", "olaf"]);
    tenant["conditionalAccessPolicies"][0]["conditions"]["users"]["excludeGroups"] = json!(["g"]);
    let role =
        json!({ "id": "r2", "principalId": "b", "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/" });
    tenant["roleAssignments"].as_array_mut().unwrap().push(role);
    tenant
}

#[test]
fn whoever_may_be_the_last_to_get_in_leaves_when_every_account_is_ready() {
    let mut tenant = with_stranger();
    let leaves = "remove-member:olaf@contoso.onmicrosoft.com";
    let made = plan(&snapshot(&tenant), &wanted(), now()).unwrap();
    assert_eq!(keys(&made), ["exclude-from-campaign"], "no policy more excludes olaf");
    let due: Vec<&str> = made.by_hand.iter().filter(|one| one.is_due).map(|one| one.does.as_str()).collect();
    assert_eq!(due.len(), 1, "{due:?}");
    let told = "only then does a plan take `olaf@contoso.onmicrosoft.com` out of group `Excluded`, and excludes the group from \
                one policy more";
    assert!(due[0].contains(told) && !made.is_reached(), "{due:?}");
    tenant["users"][1]["authenticationMethods"] =
        json!([{ "@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "id": "k2" }]);
    let made = plan(&snapshot(&tenant), &wanted(), now()).unwrap();
    assert_eq!(keys(&made), ["exclude:p2", "exclude-from-campaign", leaves]);
    tenant["users"][1]["accountEnabled"] = json!(false);
    let made = plan(&snapshot(&tenant), &wanted(), now()).unwrap();
    assert!(!keys(&made).contains(&leaves), "nobody signs in with what is disabled");
    let classic = Wanted { reach: Reach::EveryPolicy, has_passkeys: false, ..wanted() };
    let made = plan(&snapshot(&with_stranger()), &classic, now()).unwrap();
    assert_eq!(keys(&made).last(), Some(&leaves), "a password is enough there");
    // What was not read is not known to be a key.
    let mut unread = with_stranger();
    unread["users"][1].as_object_mut().unwrap().remove("authenticationMethods");
    let made = plan(&snapshot(&unread), &wanted(), now()).unwrap();
    assert!(!keys(&made).contains(&leaves));
    let look = "look whether `b@contoso.onmicrosoft.com` has a security key";
    assert!(made.by_hand.iter().any(|one| one.does.contains(look)), "{:#?}", made.by_hand);
}

#[test]
fn a_group_that_waits_is_neither_excluded_nor_frozen_nor_called_done() {
    let mut tenant = with_stranger();
    tenant["groups"][0]["isAssignableToRole"] = json!(false);
    let sealed = Wanted { protection: Protection::RestrictedUnit { name: "Sealed".to_owned() }, ..wanted() };
    let made = plan(&snapshot(&tenant), &sealed, now()).unwrap();
    assert_eq!((keys(&made), made.is_reached()), (vec!["exclude-from-campaign"], false));
    let unit = json!([{
        "id": "u", "displayName": "Sealed", "isMemberManagementRestricted": true, "members": ["g"],
    }]);
    let mut frozen = tenant.clone();
    frozen["administrativeUnits"] = unit.clone();
    let made = plan(&snapshot(&frozen), &sealed, now()).unwrap();
    assert_eq!(keys(&made), ["exclude-from-campaign"], "nobody has to change yet");
    let key = json!([{ "@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "id": "k2" }]);
    frozen["users"][1]["authenticationMethods"] = key.clone();
    let objections = plan(&snapshot(&frozen), &sealed, now()).unwrap_err();
    assert!(matches!(objections.as_slice(), [Objection::Frozen { .. }]), "{objections:?}");
    // Taken out of its unit, as the objection says, it is put back into that one in the end.
    frozen["administrativeUnits"][0]["members"] = json!([]);
    let made = plan(&snapshot(&frozen), &sealed, now()).unwrap();
    let leaves = "remove-member:olaf@contoso.onmicrosoft.com";
    assert_eq!(keys(&made), ["exclude:p2", "exclude-from-campaign", leaves, "add-to-unit"]);
    assert!(made.steps[3].request.url.contains("/administrativeUnits/u/"), "{}", made.steps[3].request.url);
}

#[test]
fn an_owner_of_the_group_is_somebody_to_take_off() {
    let mut tenant = with_stranger();
    tenant["groups"][0]["members"] = json!(["a", "b"]);
    tenant["groups"][0]["owners"] = json!(["olaf"]);
    let made = plan(&snapshot(&tenant), &wanted(), now()).unwrap();
    let due: Vec<&str> = made.by_hand.iter().filter(|one| one.is_due).map(|one| one.does.as_str()).collect();
    assert!(due.len() == 1 && due[0].starts_with("take `olaf"), "{due:?}");
}

#[test]
fn passkeys_that_were_off_are_said_to_be_on_for_whom_they_will_be() {
    let mut tenant = tenant();
    let configuration = "/authenticationMethodsPolicy/authenticationMethodConfigurations/0";
    for (targets, sentence) in [
        (json!([{ "targetType": "group", "id": "all_users" }]), "on for everybody, whom their policy names already"),
        (json!([{ "targetType": "group", "id": "x" }]), "and the one group that their policy names already"),
        (json!([]), "switch passkeys (FIDO2) on for group `Excluded`"),
    ] {
        put(&mut tenant, &format!("{configuration}/state"), json!("disabled"));
        put(&mut tenant, &format!("{configuration}/includeTargets"), targets);
        let made = plan(&snapshot(&tenant), &wanted(), now()).unwrap();
        let step = made.steps.iter().find(|step| step.key == "allow-passkeys").unwrap();
        assert!(step.does.contains(sentence), "{}", step.does);
    }
}

#[test]
fn nothing_is_left_to_do_where_all_is_well() {
    let mut tenant = tenant();
    with_group(&mut tenant);
    let mut other = tenant["users"][0].clone();
    other["id"] = json!("b");
    other["userPrincipalName"] = json!("b@contoso.onmicrosoft.com");
    tenant["users"].as_array_mut().unwrap().push(other);
    tenant["groups"][0]["members"] = json!(["a", "b"]);
    let role =
        json!({ "id": "r2", "principalId": "b", "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/" });
    tenant["roleAssignments"].as_array_mut().unwrap().push(role);
    for policy in [0, 1] {
        tenant["conditionalAccessPolicies"][policy]["conditions"]["users"]["excludeGroups"] = json!(["g"]);
    }
    let campaign =
        "/authenticationMethodsPolicy/registrationEnforcement/authenticationMethodsRegistrationCampaign/excludeTargets";
    put(&mut tenant, campaign, json!([{ "id": "g", "targetType": "group" }]));
    let made = plan(&snapshot(&tenant), &wanted(), now()).unwrap();
    assert_eq!(keys(&made), Vec::<&str>::new());
}

#[test]
fn a_restricted_unit_comes_last_and_never_beside_role_assignable() {
    let unit = Protection::RestrictedUnit { name: "Unit".to_owned() };
    let wanted = Wanted { protection: unit, ..wanted() };
    let made = plan(&snapshot(&tenant()), &wanted, now()).unwrap();
    let order = keys(&made);
    let place = |key: &str| order.iter().position(|one| *one == key).unwrap_or_else(|| panic!("{key}: {order:?}"));
    assert!(place("add-member:b@contoso.onmicrosoft.com") < place("create-unit"));
    assert!(place("create-unit") < place("add-to-unit"));
    let body = made.steps[0].request.body.as_ref().unwrap();
    assert_eq!(body.get("isAssignableToRole"), None);
    let mut tenant = tenant();
    with_group(&mut tenant);
    let objections = plan(&snapshot(&tenant), &wanted, now()).unwrap_err();
    assert!(matches!(objections.as_slice(), [Objection::Unprotected { .. }]), "{objections:?}");
}

#[test]
fn whatever_is_in_the_way_is_said() {
    type Change = fn(&mut Value, &mut Wanted);
    let cases: [(&str, Change); 22] = [
        ("security defaults are on", |tenant, _| {
            tenant["identitySecurityDefaultsEnforcementPolicy"]["isEnabled"] = json!(true);
        }),
        ("one emergency account is declared", |_, wanted| wanted.accounts.truncate(1)),
        ("is declared twice", |_, wanted| wanted.accounts[1].name = "A@contoso.onmicrosoft.com".to_owned()),
        ("it must be a whole sign-in name", |_, wanted| wanted.accounts[1].name = "b".to_owned()),
        ("it has a letter that Entra allows in no", |_, wanted| {
            wanted.accounts[1].name = "b c@contoso.onmicrosoft.com".to_owned();
        }),
        ("the name of the group has more than 256", |_, wanted| wanted.group = "x".repeat(257)),
        ("an administrative unit is called `Unit`", |tenant, wanted| {
            wanted.protection = Protection::RestrictedUnit { name: "Unit".to_owned() };
            tenant["administrativeUnits"] = json!([{ "id": "u", "displayName": "Unit", "members": [] }]);
        }),
        ("the tenant has 1025 Conditional Access policies", |tenant, _| {
            let policy = |id: usize| json!({ "id": id.to_string(), "displayName": "p", "state": "disabled" });
            tenant["conditionalAccessPolicies"] = (0..1_025).map(policy).collect();
        }),
        ("no verified domain", |_, wanted| wanted.accounts[1].name = "b@fabrikam.com".to_owned()),
        ("goes with that domain", |tenant, wanted| {
            let domain = json!({ "id": "mail.contoso.com", "isInitial": false, "isVerified": true, "authenticationType": "Managed" });
            tenant["domains"].as_array_mut().unwrap().push(domain);
            wanted.accounts[1].name = "b@mail.contoso.com".to_owned();
        }),
        ("federated domain", |_, wanted| wanted.accounts[1].name = "b@contoso.com".to_owned()),
        ("is in the bin", |tenant, _| {
            tenant["deletedUsers"] = json!([{ "id": "d", "userPrincipalName": "0123b@contoso.onmicrosoft.com" }]);
        }),
        ("it is a guest", |tenant, _| tenant["users"][0]["userType"] = json!("Guest")),
        ("synchronised from on premises", |tenant, _| tenant["users"][0]["onPremisesSyncEnabled"] = json!(true)),
        ("decided when it is made", |tenant, _| {
            with_group(tenant);
            tenant["groups"][0]["isAssignableToRole"] = json!(false);
        }),
        ("follow a rule", |tenant, _| {
            with_group(tenant);
            tenant["groups"][0]["membershipRule"] = json!("user.department -eq 1");
        }),
        ("its name is generic", |_, wanted| wanted.accounts[1].name = "Admin@contoso.onmicrosoft.com".to_owned()),
        ("has none of the parts that are wanted: glass", |_, wanted| {
            wanted.wanted_name_parts = vec!["glass".to_owned()]
        }),
        ("in the unit `Sealed` with restricted management, where nobody does that", |tenant, wanted| {
            wanted.protection = Protection::RestrictedUnit { name: "Sealed".to_owned() };
            with_group(tenant);
            tenant["groups"][0]["isAssignableToRole"] = json!(false);
            tenant["administrativeUnits"] = json!([{
                "id": "u", "displayName": "Sealed", "isMemberManagementRestricted": true, "members": ["g"],
            }]);
        }),
        ("2 groups are called", |tenant, _| {
            with_group(tenant);
            let other = json!({ "id": "g2", "displayName": GROUP, "members": [] });
            tenant["groups"].as_array_mut().unwrap().push(other);
        }),
        ("its members were not read", |tenant, _| {
            with_group(tenant);
            tenant["groups"][0].as_object_mut().unwrap().remove("members");
        }),
        ("conditionalAccessPolicies` could not be read", |tenant, _| {
            tenant.as_object_mut().unwrap().remove("conditionalAccessPolicies");
        }),
    ];
    for (words, change) in cases {
        let (mut tenant, mut wanted) = (tenant(), wanted());
        change(&mut tenant, &mut wanted);
        let objections = plan(&snapshot(&tenant), &wanted, now()).expect_err(words);
        let said: Vec<String> = objections.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|one| one.contains(words)), "{words}: {said:?}");
        assert!(objections.iter().all(|objection| !objection.help().is_empty()));
    }
}

#[test]
fn a_plan_that_was_edited_is_refused() {
    let made = plan(&snapshot(&tenant()), &wanted(), now()).unwrap();
    let document = made.document();
    assert_eq!(Plan::read(document.as_bytes()).unwrap(), made);
    type Edit = fn(&mut Value);
    let edits: [Edit; 6] = [
        |plan| plan["tenantId"] = json!("other"),
        |plan| plan["steps"][5]["request"]["body"]["conditions"]["users"]["includeUsers"] = json!(["None"]),
        |plan| plan["steps"][5]["change"]["was"]["conditions"]["users"]["includeUsers"] = json!(["None"]),
        |plan| plan["steps"][1]["does"] = json!("nothing at all"),
        |plan| plan["policies"]["p1"] = json!("0"),
        |plan| plan["steps"].as_array_mut().unwrap().clear(),
    ];
    for (at, edit) in edits.into_iter().enumerate() {
        let mut value: Value = serde_json::from_str(&document).unwrap();
        edit(&mut value);
        let error = Plan::read(value.to_string().as_bytes()).expect_err("it was edited");
        assert!(matches!(error, PlanError::Edited(_)), "{at}: {error}");
    }
    for (text, expected) in [("{", "no plan"), ("{\"format\":\"breakglass-plan/9\"}", "breakglass-plan/9")] {
        assert!(Plan::read(text.as_bytes()).unwrap_err().to_string().contains(expected), "{text}");
    }
}

#[test]
fn the_same_tenant_gives_the_same_plan() {
    let document = || plan(&snapshot(&tenant()), &wanted(), now()).unwrap().document();
    assert_eq!(document(), document());
}

#[test]
fn an_assignment_that_ends_is_to_have_no_end() {
    let mut tenant = tenant();
    let end = "2027-01-01T00:00:00Z";
    tenant["roleAssignmentScheduleInstances"] = json!([{
        "id": "s1", "principalId": "a", "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/",
        "assignmentType": "Assigned", "memberType": "Direct", "startDateTime": "2026-01-01T00:00:00Z", "endDateTime": end,
    }]);
    let made = plan(&snapshot(&tenant), &wanted(), now()).unwrap();
    let step = made.steps.iter().find(|step| step.key == "lift-end:a@contoso.onmicrosoft.com").unwrap();
    assert!(step.does.contains(end), "{}", step.does);
    let body = step.request.body.as_ref().unwrap();
    assert_eq!(
        (&body["action"], &body["principalId"], &body["scheduleInfo"]),
        (&json!("adminUpdate"), &json!("a"), &json!({ "expiration": { "type": "noExpiration" } }))
    );
    // What was activated for some hours is no assignment of its own.
    tenant["roleAssignments"] = json!([]);
    tenant["roleAssignmentScheduleInstances"][0]["assignmentType"] = json!("Activated");
    let made = plan(&snapshot(&tenant), &wanted(), now()).unwrap();
    assert!(keys(&made).contains(&"assign-role:a@contoso.onmicrosoft.com"), "{:?}", keys(&made));
}

#[test]
fn who_may_be_among_users_that_were_not_read_is_neither_made_nor_misnamed() {
    let mut tenant = tenant();
    tenant["missing"] = json!([{ "resource": "users", "why": "403" }]);
    tenant.as_object_mut().unwrap().remove("users");
    let mut wanted = wanted();
    wanted.accounts[0].name = "3a0b8c1e-0d35-4d0e-9d0a-7a52c0a5e001".to_owned();
    let objections = plan(&snapshot(&tenant), &wanted, now()).unwrap_err();
    let users = Objection::Unread { resource: "users".to_owned(), why: "403".to_owned() };
    assert_eq!(objections, [users]);
}

#[test]
fn keys_that_the_tenant_does_not_let_be_used_or_registered_are_for_somebody_to_mend() {
    let by_hand = |change: &dyn Fn(&mut Value)| -> Vec<String> {
        let mut tenant = tenant();
        change(&mut tenant);
        let made = plan(&snapshot(&tenant), &wanted(), now()).unwrap();
        made.by_hand.into_iter().map(|one| format!("{} ({})", one.does, one.because)).collect()
    };
    let fido2 = "/authenticationMethodsPolicy/authenticationMethodConfigurations/0";
    let model = "2fc0579f-8113-47ea-b116-bb5a8db9202a";
    let restricted = |tenant: &mut Value, kind: &str| {
        put(
            tenant,
            "/users/0/authenticationMethods/0",
            json!({
                "@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "id": "k", "aaGuid": model,
            }),
        );
        let restrictions = json!({ "isEnforced": true, "enforcementType": kind, "aaGuids": [model] });
        tenant.pointer_mut(fido2).unwrap()["keyRestrictions"] = restrictions;
    };
    let blocked = by_hand(&|tenant| restricted(tenant, "block"));
    assert!(blocked[0].starts_with("let the security key of `a@contoso.onmicrosoft.com` be used"), "{blocked:#?}");
    assert!(blocked[0].ends_with(&format!("(the model of its key (AAGUID {model}) is blocked)")), "{blocked:#?}");
    assert!(blocked[1].contains("of a model that the key restrictions let be used, for `b@contoso"), "{blocked:#?}");
    let allowed = by_hand(&|tenant| restricted(tenant, "allow"));
    assert!(!allowed.iter().any(|one| one.contains("`a@contoso")), "{allowed:#?}");
    let off = by_hand(&|tenant| {
        tenant.pointer_mut(fido2).unwrap()["isSelfServiceRegistrationAllowed"] = json!(false);
        put(tenant, "/users/0/authenticationMethods", json!([]));
    });
    assert!(off[0].starts_with("allow self-service set-up of passkeys"), "{off:#?}");
    assert!(off[1].contains("for `a@contoso.onmicrosoft.com` and for `b@contoso.onmicrosoft.com`, signed"), "{off:#?}");
    assert_eq!(off.len(), 3, "one line for both: {off:#?}");
}
