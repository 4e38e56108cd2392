//! Which changes are suggested, in which order, on small tenants made for it.

use breakglass_engine::access::{Access, AccessSettings};
use breakglass_engine::lockout::analyse;
use breakglass_engine::lockout::custody::{Custody, Envelope, Holds, Keeper, Share};
use breakglass_engine::lockout::goal::Goal;
use breakglass_engine::lockout::report::{EditKind, LockoutReport};
use breakglass_engine::lockout::settings::LockoutSettings;
use breakglass_model::well_known::{GLOBAL_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR};
use serde_json::{Value, json};

use crate::support::{now, snapshot};

fn user(id: &str, methods: &[Value]) -> Value {
    let name = format!("{id}@x.onmicrosoft.com");
    json!({ "id": id, "userPrincipalName": name, "accountEnabled": true, "userType": "Member", "creationType": null,
        "externalUserState": null, "onPremisesSyncEnabled": null, "isManagementRestricted": null,
        "authenticationMethods": methods })
}

fn method(kind: &str, id: &str) -> Value {
    json!({ "@odata.type": format!("#microsoft.graph.{kind}AuthenticationMethod"), "id": id })
}

fn assigned(user: &str, role: &str) -> Value {
    json!({ "id": format!("a-{user}"), "principalId": user, "roleDefinitionId": role, "directoryScopeId": "/" })
}

fn mfa(id: &str, excluded: &[&str]) -> Value {
    json!({ "id": id, "displayName": id, "state": "enabled",
        "conditions": { "users": { "includeUsers": ["All"], "excludeUsers": excluded, "includeGroups": [],
            "excludeGroups": [], "includeRoles": [], "excludeRoles": [] },
            "applications": { "includeApplications": ["All"], "excludeApplications": [] }, "clientAppTypes": ["all"] },
        "grantControls": { "operator": "OR", "builtInControls": ["mfa"] } })
}

fn tenant(users: &[Value], roles: &[Value], policies: &[Value]) -> Value {
    let all = json!([{ "targetType": "group", "id": "all_users", "authenticationMode": "any" }]);
    let configuration = |id: &str, state: &str| {
        json!({ "id": id, "state": state, "includeTargets": all, "excludeTargets": [],
            "keyRestrictions": { "isEnforced": false, "enforcementType": "block", "aaGuids": [] } })
    };
    let configurations = [
        configuration("Fido2", "enabled"),
        configuration("MicrosoftAuthenticator", "enabled"),
        configuration("TemporaryAccessPass", "disabled"),
        configuration("Sms", "disabled"),
    ];
    json!({ "format": "breakglass-snapshot/1", "tenantId": "t", "source": "file",
        "organization": { "id": "t", "certificateBasedAuthConfiguration": [] },
        "domains": [{ "id": "x.onmicrosoft.com", "authenticationType": "Managed" }],
        "users": users, "groups": [], "devices": [], "servicePrincipals": [], "administrativeUnits": [],
        "roleDefinitions": [], "roleAssignments": roles, "roleAssignmentScheduleInstances": [],
        "roleEligibilityScheduleInstances": [], "roleManagementPolicies": [], "conditionalAccessPolicies": policies,
        "namedLocations": [], "authenticationStrengthPolicies": [],
        "authenticationMethodsPolicy": { "id": "p", "authenticationMethodConfigurations": configurations },
        "identitySecurityDefaultsEnforcementPolicy": { "id": "s", "isEnabled": false },
        "perUserMfaStates": [], "termsOfUseAgreements": [], "federationConfigurations": [] })
}

fn asked(document: &Value, settings: &LockoutSettings) -> LockoutReport {
    let snapshot = snapshot(document);
    let access = Access::compile(&snapshot, &AccessSettings::at(now())).unwrap();
    analyse(&access, settings, Goal::FullRepair, &[]).unwrap()
}

/// The changes that are suggested, each with the order that it brings.
fn changes(report: &LockoutReport) -> Vec<(String, Option<usize>)> {
    report.suggestions.iter().map(|one| (one.change.clone(), one.order.1)).collect()
}

fn has(report: &LockoutReport, change: &str) -> bool {
    report.suggestions.iter().any(|one| one.change.contains(change))
}

/// Two Global Administrators with keys, and somebody who may issue passes.
fn two_with_keys() -> Value {
    let users = [
        user("u1", &[method("fido2", "k1")]),
        user("u2", &[method("fido2", "k2")]),
        user("a", &[method("microsoftAuthenticator", "m")]),
    ];
    let roles = [
        assigned("u1", GLOBAL_ADMINISTRATOR),
        assigned("u2", GLOBAL_ADMINISTRATOR),
        assigned("a", PRIVILEGED_AUTHENTICATION_ADMINISTRATOR),
    ];
    tenant(&users, &roles, &[mfa("p-mfa", &[])])
}

#[test]
fn methods_of_another_kind_and_kinds_that_are_switched_off() {
    let report = asked(&two_with_keys(), &LockoutSettings::default());
    assert_eq!(report.direct.order.proved, Some(1));
    let switched_on = "switch on temporary access passes for everybody in the authentication methods policy";
    let found = report.suggestions.iter().find(|one| one.change == switched_on).unwrap();
    assert_eq!((found.order, found.edit.is_none()), ((Some(1), Some(2)), true));
    assert!(found.weakens.is_some());
    let wanted = "register Microsoft Authenticator for `u1@x.onmicrosoft.com` (or for any of 1 alike)";
    assert!(changes(&report).contains(&(wanted.to_owned(), Some(2))), "{:?}", changes(&report));
    // What is switched off nobody can register, and what has no authorities is of no use.
    assert!(!has(&report, "phone") && !has(&report, "certificate"), "{:?}", changes(&report));
    // A protection that is switched off is the last of those that do as well.
    let last = report.suggestions.last().unwrap();
    assert_eq!((last.change.as_str(), last.order.1), ("set the policy `p-mfa` to report-only", Some(2)));
    assert_eq!(last.edit.as_ref().map(|edit| edit.kind), Some(EditKind::Policy));
    assert_eq!(report.untried_change_count, 0);
}

#[test]
fn a_key_is_of_a_model_that_is_allowed() {
    let users = [user("u1", &[method("microsoftAuthenticator", "m")]), user("u2", &[])];
    let roles = [assigned("u1", GLOBAL_ADMINISTRATOR), assigned("u2", GLOBAL_ADMINISTRATOR)];
    let model = "cb69481e-8ff7-4039-93ec-0a2729a154a8";
    let mut document = tenant(&users, &roles, &[mfa("p-mfa", &[])]);
    for (restrictions, expected) in [
        (json!({ "isEnforced": false }), "register a security key for `u2@x.onmicrosoft.com`".to_owned()),
        (
            json!({ "isEnforced": true, "enforcementType": "allow", "aaGuids": [model] }),
            format!("register a security key of the allowed model `{model}` for `u2@x.onmicrosoft.com`"),
        ),
    ] {
        document["authenticationMethodsPolicy"]["authenticationMethodConfigurations"][0]["keyRestrictions"] =
            restrictions;
        let report = asked(&document, &LockoutSettings::default());
        assert!(changes(&report).contains(&(expected.clone(), Some(2))), "{expected}: {:?}", changes(&report));
    }
    let blocked = json!({ "isEnforced": true, "enforcementType": "allow", "aaGuids": [] });
    document["authenticationMethodsPolicy"]["authenticationMethodConfigurations"][0]["keyRestrictions"] = blocked;
    assert!(!has(&asked(&document, &LockoutSettings::default()), "security key for"));
}

#[test]
fn approvers_of_an_activation() {
    let users =
        [user("g", &[method("fido2", "k")]), user("e", &[method("fido2", "k")]), user("p", &[method("fido2", "k")])];
    let mut document = tenant(&users, &[assigned("g", "x")], &[mfa("p-mfa", &[])]);
    let eligible = |user: &str| {
        json!({ "id": format!("e-{user}"), "principalId": user, "directoryScopeId": "/",
        "roleDefinitionId": GLOBAL_ADMINISTRATOR, "memberType": "Direct", "startDateTime": null, "endDateTime": null })
    };
    document["roleEligibilityScheduleInstances"] = json!([eligible("e"), eligible("g")]);
    document["roleManagementPolicies"] = json!([{ "id": "r", "roleDefinitionId": GLOBAL_ADMINISTRATOR, "rules": [
        { "id": "Enablement_EndUser_Assignment", "enabledRules": [] },
        { "id": "AuthenticationContext_EndUser_Assignment", "isEnabled": false, "claimValue": null },
        { "id": "Approval_EndUser_Assignment", "setting": { "isApprovalRequired": true,
            "approvalStages": [{ "primaryApprovers": [{ "userId": "p" }, { "userId": "e" }] }] } },
    ] }]);
    let report = asked(&document, &LockoutSettings::default());
    // PIM and the kind of methods stay single points: nothing of approvers helps.
    assert_eq!(report.direct.order.proved, Some(1));
    assert!(!has(&report, "an approver of activating"), "{:?}", changes(&report));
    // Without these, the account of one approver is what everybody needs.
    let assumed = ["svc:pim", "policy:method:Fido2"].map(|id| id.parse().unwrap());
    document["roleManagementPolicies"][0]["rules"][2]["setting"]["approvalStages"][0]["primaryApprovers"] =
        json!([{ "userId": "p" }]);
    let settings = LockoutSettings { assumed: assumed.into(), ..LockoutSettings::default() };
    let report = asked(&document, &settings);
    assert_eq!(report.direct.order.proved, Some(1));
    let wanted = ["e", "g"]
        .map(|user| format!("make `{user}@x.onmicrosoft.com` an approver of activating Global Administrator as well"));
    assert!(
        wanted.iter().all(|change| changes(&report).contains(&(change.clone(), Some(2)))),
        "{:?}",
        changes(&report)
    );
}

#[test]
fn shares_and_copies_of_them() {
    let users = [user("u1", &[])];
    let document = tenant(&users, &[assigned("u1", GLOBAL_ADMINISTRATOR)], &[]);
    let share = |id: &str| Share { custodian: Some(id.to_owned()), ..Share::default() };
    let custody = Custody {
        custodians: ["eva", "max"].map(|id| (id.to_owned(), Keeper::default())).into(),
        envelopes: vec![Envelope {
            account: "u1".to_owned(),
            holds: Holds::Password,
            threshold: 2,
            shares: vec![share("eva"), share("max")],
        }],
        ..Custody::default()
    };
    let assumed = ["account:u1", "password:u1"].map(|id| id.parse().unwrap());
    let settings = LockoutSettings { custody, assumed: assumed.into(), ..LockoutSettings::default() };
    let report = asked(&document, &settings);
    assert_eq!(report.direct.order.proved, Some(1));
    let whole = "give one more custodian a share of the password of `u1`: 2 of 3 instead of 2 of 2";
    assert!(changes(&report).contains(&(whole.to_owned(), Some(2))), "{:?}", changes(&report));
    // A copy of one share leaves the other as it is.
    assert!(!has(&report, "keep a copy"), "{:?}", changes(&report));
    let one = Custody { envelopes: vec![], ..settings.custody.clone() };
    let envelope = Envelope { threshold: 1, shares: vec![share("eva")], ..settings.custody.envelopes[0].clone() };
    let settings = LockoutSettings { custody: Custody { envelopes: vec![envelope], ..one }, ..settings };
    let report = asked(&document, &settings);
    let copy = "keep a copy of share 1 of the password of `u1` with one more custodian, or in a second safe";
    assert!(changes(&report).contains(&(copy.to_owned(), Some(2))), "{:?}", changes(&report));
}

#[test]
fn what_is_not_tried_is_counted() {
    let users = [user("u1", &[method("microsoftAuthenticator", "m")])];
    let roles = [assigned("u1", GLOBAL_ADMINISTRATOR)];
    for (policies, untried) in [(20, 0), (200, 1)] {
        let policies: Vec<Value> = (0..policies).map(|at| mfa(&format!("p{at}"), &[])).collect();
        let report = asked(&tenant(&users, &roles, &policies), &LockoutSettings::default());
        assert_eq!(report.untried_change_count.min(1), untried, "{}", report.untried_change_count);
    }
}

#[test]
fn people_who_are_alike_are_told_once_and_none_is_missing() {
    let app = || method("microsoftAuthenticator", "m");
    let of = |at: usize| match at % 3 {
        0 => vec![method("fido2", "k")],
        1 => vec![app()],
        // In whichever order they are exported.
        _ if at.is_multiple_of(2) => vec![app(), method("fido2", "k")],
        _ => vec![method("fido2", "k"), app()],
    };
    let users: Vec<Value> = (0..60).map(|at| user(&format!("u{at:02}"), &of(at))).collect();
    let roles: Vec<Value> = (0..60).map(|at| assigned(&format!("u{at:02}"), GLOBAL_ADMINISTRATOR)).collect();
    let settings = LockoutSettings { max_order: 1, ..LockoutSettings::default() };
    let kinds = |policies: &[Value]| {
        let report = asked(&tenant(&users, &roles, policies), &settings);
        assert!(report.people.kinds.iter().all(|kind| kind.told_person_count == 1 && !kind.ways.is_empty()));
        let sizes: Vec<usize> = report.people.kinds.iter().map(|kind| kind.people.len()).collect();
        assert_eq!(sizes.iter().sum::<usize>(), report.people.person_count);
        sizes
    };
    assert_eq!(kinds(&[mfa("p-mfa", &[])]), [20, 20, 20]);
    // Whom a policy leaves out is another kind; whom it shuts out gets in no more.
    assert_eq!(kinds(&[mfa("p-mfa", &["u00"])]), [20, 20, 19, 1]);
    let mut block = mfa("p-block", &[]);
    block["grantControls"] = json!({ "operator": "OR", "builtInControls": ["block"] });
    block["conditions"]["users"]["includeUsers"] = json!(["u00", "u01"]);
    assert_eq!(kinds(&[mfa("p-mfa", &[]), block]), [20, 19, 19]);
}

#[test]
fn an_exclusion_comes_before_a_policy_that_is_switched_off() {
    // Nothing of the policy stands in a cut: whom it keeps out has no way.
    let users = ["u1", "u2", "dana", "eli"].map(|id| user(id, &[method("fido2", "k")]));
    let roles = ["u1", "u2", "dana", "eli"].map(|id| assigned(id, GLOBAL_ADMINISTRATOR));
    let settings =
        LockoutSettings { assumed: ["policy:method:Fido2".parse().unwrap()].into(), ..LockoutSettings::default() };
    let mut device = mfa("p-device", &["u1", "u2"]);
    device["grantControls"]["builtInControls"] = json!(["compliantDevice"]);
    let report = asked(&tenant(&users, &roles, &[mfa("p-mfa", &[]), device.clone()]), &settings);
    let found: Vec<(String, Option<usize>)> = changes(&report);
    // Both together are as good as the policy off; one of them is told for both, who are alike.
    let place = |change: &str| found.iter().position(|(one, _)| one.contains(change));
    let off = place("set the policy `p-device` to report-only").unwrap();
    let both =
        place("exclude `dana@x.onmicrosoft.com` and `eli@x.onmicrosoft.com` from the policy `p-device`").unwrap();
    assert_eq!((found[both].1, found[off].1, both < off), (Some(4), Some(4), true), "{found:?}");
    // Where one is enough, nobody is told to exclude more.
    let mut users = users;
    users[3]["accountEnabled"] = json!(false);
    let report = asked(&tenant(&users, &roles, &[mfa("p-mfa", &[]), device]), &settings);
    let found = changes(&report);
    let place = |change: &str| found.iter().position(|(one, _)| one.contains(change)).unwrap();
    let one = place("exclude `dana@x.onmicrosoft.com` from the policy `p-device`");
    assert!(one < place("set the policy `p-device` to report-only"), "{found:?}");
    assert!(!has(&report, "and `eli@x"), "{found:?}");
}

#[test]
fn one_more_account_has_a_key_that_it_may_use() {
    let users = [user("u1", &[method("microsoftAuthenticator", "m")])];
    let mut document = tenant(&users, &[assigned("u1", GLOBAL_ADMINISTRATOR)], &[mfa("p-mfa", &[])]);
    let model = "cb69481e-8ff7-4039-93ec-0a2729a154a8";
    let group = json!([{ "targetType": "group", "id": "g" }]);
    for (place, value, expected) in [
        ("state", json!("enabled"), Some("with a security key, excluded".to_owned())),
        ("state", json!("disabled"), None),
        ("includeTargets", group, None),
        (
            "keyRestrictions",
            json!({ "isEnforced": true, "enforcementType": "allow", "aaGuids": [model] }),
            Some(format!("with a security key of the allowed model `{model}`, excluded")),
        ),
        ("keyRestrictions", json!({ "isEnforced": true, "enforcementType": "allow", "aaGuids": [] }), None),
    ] {
        let keys = &mut document["authenticationMethodsPolicy"]["authenticationMethodConfigurations"][0];
        let before = std::mem::replace(&mut keys[place], value.clone());
        let report = asked(&document, &LockoutSettings::default());
        let found = changes(&report);
        let spare = found.iter().find(|(change, _)| change.contains("one more emergency account"));
        assert_eq!(spare.is_some(), expected.is_some(), "{place} {value}: {found:?}");
        let is_told = |expected: &String| spare.is_some_and(|(change, _)| change.contains(expected));
        assert!(expected.as_ref().is_none_or(is_told), "{place} {value}: {found:?}");
        document["authenticationMethodsPolicy"]["authenticationMethodConfigurations"][0][place] = before;
    }
}

#[test]
fn whoever_approves_is_not_like_whoever_does_not() {
    let ids = ["g", "e1", "e2", "e3"];
    let users = ids.map(|id| user(id, &[method("fido2", "k")]));
    let mut document = tenant(&users, &[assigned("g", GLOBAL_ADMINISTRATOR)], &[mfa("p-mfa", &[])]);
    let eligible = |user: &&str| {
        json!({ "id": format!("e-{user}"), "principalId": user, "directoryScopeId": "/",
        "roleDefinitionId": GLOBAL_ADMINISTRATOR, "memberType": "Direct", "startDateTime": null, "endDateTime": null })
    };
    document["roleEligibilityScheduleInstances"] = ids[1..].iter().map(eligible).collect();
    document["roleManagementPolicies"] = json!([{ "id": "r", "roleDefinitionId": GLOBAL_ADMINISTRATOR, "rules": [
        { "id": "Enablement_EndUser_Assignment", "enabledRules": [] },
        { "id": "AuthenticationContext_EndUser_Assignment", "isEnabled": false, "claimValue": null },
        { "id": "Approval_EndUser_Assignment", "setting": { "isApprovalRequired": true,
            "approvalStages": [{ "primaryApprovers": [{ "userId": "g" }, { "userId": "e1" }] }] } },
    ] }]);
    let assumed = ["policy:method:Fido2".parse().unwrap()].into();
    let report = asked(&document, &LockoutSettings { assumed, ..LockoutSettings::default() });
    let mut sizes: Vec<usize> = report.people.kinds.iter().map(|kind| kind.people.len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 1, 2]);
    // The approver's role is worth less than that of one whom two can approve.
    assert!(has(&report, "permanent for `e2@x.onmicrosoft.com`"), "{:?}", changes(&report));
}

#[test]
fn what_an_excluded_group_weakens() {
    let users = ["u1", "u2"].map(|id| user(id, &[method("microsoftAuthenticator", "m")]));
    let roles = ["u1", "u2"].map(|id| assigned(id, GLOBAL_ADMINISTRATOR));
    let mut device = mfa("p-device", &[]);
    device["grantControls"]["builtInControls"] = json!(["compliantDevice"]);
    let mut other = mfa("p-mfa", &[]);
    other["conditions"]["users"]["excludeGroups"] = json!(["g"]);
    let member = |id: &str, kind: &str| json!({ "id": id, "@odata.type": format!("#microsoft.graph.{kind}") });
    let group = |more: Value| {
        let mut group = json!({ "id": "g", "displayName": "Emergency", "securityEnabled": true, "owners": [],
            "isAssignableToRole": false, "members": [member("u1", "user"), member("u2", "user")] });
        group.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        group
    };
    let inside = json!({ "members": [member("u1", "user"), member("u2", "user"), member("h", "group")] });
    for (more, told) in [
        (json!({}), "no longer protects the emergency accounts in the group `Emergency`"),
        (inside, "whoever is in the group `Emergency` (2 now, and whoever else is in it: the export does not have all"),
        (
            json!({ "membershipRule": "user.department -eq \"x\"", "groupTypes": ["DynamicMembership"] }),
            "whoever is in the group `Emergency` (2 now, and whoever its rule takes in)",
        ),
    ] {
        let mut document = tenant(&users, &roles, &[other.clone(), device.clone()]);
        document["groups"] = json!([group(more)]);
        let snapshot = snapshot(&document);
        let accounts = ["u1", "u2"].map(|id| snapshot.objects.find(id).unwrap()).to_vec();
        let report = asked(&document, &LockoutSettings { accounts, ..LockoutSettings::default() });
        let change = "exclude the group `Emergency` from the policy `p-device`";
        let found = report.suggestions.iter().find(|one| one.change == change);
        let weakens = found.and_then(|one| one.weakens.as_deref()).unwrap_or_default();
        assert!(weakens.contains(told), "{told}: {weakens} {:?}", changes(&report));
    }
}

#[test]
fn nobody_joins_a_group_that_comes_from_elsewhere() {
    let users = ["u1", "u2"].map(|id| user(id, &[method("fido2", "k")]));
    let roles = ["u1", "u2"].map(|id| assigned(id, GLOBAL_ADMINISTRATOR));
    let mut device = mfa("p-device", &[]);
    device["grantControls"]["builtInControls"] = json!(["compliantDevice"]);
    device["conditions"]["users"]["excludeGroups"] = json!(["g"]);
    for (is_synchronised, expected) in [(Value::Null, true), (json!(false), true), (json!(true), false)] {
        let mut document = tenant(&users, &roles, &[mfa("p-mfa", &[]), device.clone()]);
        document["groups"] = json!([{ "id": "g", "displayName": "Emergency", "securityEnabled": true, "owners": [],
            "isAssignableToRole": false, "onPremisesSyncEnabled": is_synchronised,
            "members": [{ "id": "u1", "@odata.type": "#microsoft.graph.user" }] }]);
        let assumed = ["policy:method:Fido2".parse().unwrap()].into();
        let report = asked(&document, &LockoutSettings { assumed, ..LockoutSettings::default() });
        let added = has(&report, "add `u2@x.onmicrosoft.com` to the group `Emergency`");
        assert_eq!(added, expected, "{is_synchronised}: {:?}", changes(&report));
    }
}
