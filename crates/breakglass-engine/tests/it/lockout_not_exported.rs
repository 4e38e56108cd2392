//! What the export does not have of people: an order is certain only where nobody who is not in it could get in.

use breakglass_engine::access::{Access, AccessSettings};
use breakglass_engine::guard::{Before, Change, Verdict, compare};
use breakglass_engine::lockout::analyse;
use breakglass_engine::lockout::certificate::{CertificateError, certificate};
use breakglass_engine::lockout::goal::Goal;
use breakglass_engine::lockout::report::{Certainty, LockoutReport};
use breakglass_engine::lockout::settings::LockoutSettings;
use breakglass_model::snapshot::{SOMEBODY_ELSE, Snapshot};
use serde_json::{Value, json};

use super::support::{now, snapshot};

const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

/// One administrator, whom a policy keeps out; these members besides, and these lists forbidden.
fn tenant(members: Value, forbidden: &[&str]) -> Value {
    let mut tenant = json!({
        "format": "breakglass-snapshot/1",
        "domains": [{ "id": "contoso.example", "authenticationType": "Managed" }],
        "users": [{
            "id": "ada", "userPrincipalName": "ada@contoso.example", "accountEnabled": true, "userType": "Member",
            "onPremisesSyncEnabled": null, "isManagementRestricted": true,
            "authenticationMethods": [{ "@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "id": "key" }],
        }],
        "groups": [{ "id": "admins", "isAssignableToRole": true, "members": [], "owners": [] }],
        "devices": [], "servicePrincipals": [], "administrativeUnits": [], "roleDefinitions": [],
        "roleAssignments": [{ "principalId": "ada", "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/" }],
        "roleAssignmentScheduleInstances": [], "roleEligibilityScheduleInstances": [], "roleManagementPolicies": [],
        "namedLocations": [], "authenticationStrengthPolicies": [],
        "conditionalAccessPolicies": [blocks(&json!({ "includeUsers": ["ada"] }))],
        "authenticationMethodsPolicy": { "authenticationMethodConfigurations": [
            { "@odata.type": "#microsoft.graph.fido2AuthenticationMethodConfiguration", "id": "Fido2", "state": "enabled",
              "includeTargets": [{ "targetType": "group", "id": "all_users" }] },
            { "id": "TemporaryAccessPass", "state": "disabled" },
        ] },
        "identitySecurityDefaultsEnforcementPolicy": { "isEnabled": false },
    });
    let missing = forbidden.iter().map(|resource| json!({ "resource": resource, "why": "403 Forbidden" }));
    tenant["missing"] = missing.collect();
    tenant.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    tenant
}

fn blocks(users: &Value) -> Value {
    json!({
        "id": "wall", "displayName": "Wall", "state": "enabled",
        "conditions": { "users": users, "applications": { "includeApplications": ["All"] }, "clientAppTypes": ["all"] },
        "grantControls": { "operator": "OR", "builtInControls": ["block"] },
    })
}

fn read(tenant: &Value) -> Snapshot {
    let mut snapshot = snapshot(tenant);
    snapshot.add_named_users().unwrap();
    snapshot
}

fn report(tenant: &Value) -> LockoutReport {
    let snapshot = read(tenant);
    let access = Access::compile(&snapshot, &AccessSettings::at(now())).unwrap();
    analyse(&access, &LockoutSettings::default(), Goal::FullRepair, &[]).unwrap()
}

/// Nobody is promised a way in; what is possible, and a word of each reason.
#[test]
fn nobody_gets_in_for_sure_only_where_nobody_else_could() {
    let assigned = |id: &str| {
        json!({ "roleAssignments": [
            { "principalId": "ada", "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/" },
            { "principalId": id, "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/" },
        ] })
    };
    let in_group = |member: Value| {
        let mut all = assigned("admins");
        all["groups"] = json!([{ "id": "admins", "isAssignableToRole": true, "members": [member], "owners": [] }]);
        all
    };
    let with_policy = |mut members: Value, users: Value| {
        members["conditionalAccessPolicies"] = json!([blocks(&users)]);
        members
    };
    let everybody = json!({ "includeUsers": ["All"] });
    let but_eva = json!({ "includeUsers": ["All"], "excludeUsers": ["eva"] });
    let but_admins = json!({ "includeUsers": ["All"], "excludeGroups": ["admins"] });
    let eva = json!({ "@odata.type": "#microsoft.graph.user", "id": "eva" });
    let roles = ["users", "roleAssignments", "roleAssignmentScheduleInstances"];
    let mut on_compliant = with_policy(json!({}), everybody.clone());
    on_compliant["conditionalAccessPolicies"][0]["grantControls"]["builtInControls"] = json!(["compliantDevice"]);
    for (what, members, forbidden, possible, reason) in [
        ("everything is there", json!({}), &[][..], Some(0), ""),
        ("all holders are there", json!({}), &["users"][..], Some(0), "`users` are not all there (403 Forbidden)"),
        ("somebody is assigned who is not there", assigned("eva"), &["users"], Some(1), "`eva` is named"),
        ("that is somebody who was deleted", assigned("eva"), &[], Some(0), ""),
        ("a member is not there", in_group(eva.clone()), &["users"], Some(1), "`eva` is named"),
        ("a member without a kind", in_group(json!("eva")), &["users"], Some(1), "`eva` is named"),
        ("that is a group, perhaps", assigned("eva"), &["users", "groups"], None, "`eva` may be a group"),
        ("nobody knows who is assigned", json!({}), &roles, None, "`roleAssignments` are not all there"),
        (
            "nobody knows who is eligible",
            json!({}),
            &["users", "roleEligibilityScheduleInstances"],
            Some(1),
            "eligible",
        ),
        ("everybody is kept out", with_policy(json!({}), everybody.clone()), &roles, Some(0), ""),
        (
            "everybody but somebody who is not there",
            with_policy(json!({}), but_eva.clone()),
            &roles,
            Some(1),
            "`users`",
        ),
        ("everybody but her, and she is assigned", with_policy(assigned("eva"), but_eva), &["users"], Some(1), "`eva`"),
        ("she is assigned and kept out", with_policy(assigned("eva"), everybody), &["users"], Some(0), ""),
        ("but the group that she is in", with_policy(in_group(eva), but_admins), &["users"], Some(1), "`eva`"),
        ("a compliant device is asked for, and she has none", on_compliant.clone(), &[], Some(0), ""),
        ("perhaps she has one", on_compliant, &["devices"], Some(1), "`devices` are not all there (403 Forbidden)"),
    ] {
        let report = report(&tenant(members, forbidden));
        let order = report.direct.order;
        assert_eq!((order.proved, order.possible), (Some(0), possible), "{what}: {:?}", report.unknowns);
        let certainty = if possible == Some(0) { Certainty::Proved } else { Certainty::Possible };
        assert_eq!(report.direct.cuts[0].certainty, certainty, "{what}");
        let told = report.unknowns.iter().any(|unknown| unknown.contains(reason));
        assert!(told || reason.is_empty(), "{what}: {:?}", report.unknowns);
        let is_proved = certificate(&report).err() != Some(CertificateError::NotCertain);
        assert_eq!(is_proved, possible == Some(0), "{what}: a certificate only for what is certain");
        let told = report.unknowns.join("\n") + &format!("{:?}", report.components);
        assert!(!told.contains(SOMEBODY_ELSE), "{what}: {told}");
    }
}

#[test]
fn a_change_is_a_lockout_for_sure_only_where_nobody_else_could_get_in() {
    let verdict = |forbidden: &[&str], users: &Value| {
        let mut document = tenant(json!({ "conditionalAccessPolicies": [] }), forbidden);
        let was = read(&document);
        let settings = LockoutSettings::default();
        let access = Access::compile(&was, &AccessSettings::at(now())).unwrap();
        let before = Before::of(&access, &settings, Goal::FullRepair).unwrap();
        document["conditionalAccessPolicies"] = json!([blocks(users)]);
        let is = read(&document);
        let access = Access::compile(&is, &AccessSettings::at(now())).unwrap();
        let report = compare(&before, &access, &settings, Change::default(), 2);
        (report.verdict, report.counterexample.map(|one| one.sentence).unwrap_or_default())
    };
    let ada = json!({ "includeUsers": ["ada"] });
    let (sure, sentence) = verdict(&[], &ada);
    assert_eq!(sure, Verdict::LockedOut);
    assert_eq!(
        sentence,
        "As soon as the change is made, policy `Wall` keeps out `ada@contoso.example`, and nobody is left who can \
         repair the tenant."
    );
    let (unsure, sentence) = verdict(&["users", "roleAssignments"], &ada);
    // The list of assignments with times is there and complete, so that who holds a role is known.
    assert_eq!(unsure, Verdict::LockedOut, "{sentence}");
    let forbidden = ["users", "roleAssignments", "roleAssignmentScheduleInstances"];
    let (unsure, sentence) = verdict(&forbidden, &ada);
    assert_eq!(unsure, Verdict::Unknown);
    assert_eq!(
        sentence,
        "As soon as the change is made, policy `Wall` may keep out `ada@contoso.example`, and nobody is left of whom \
         it is certain that they can repair the tenant."
    );
    assert_eq!(verdict(&forbidden, &json!({ "includeUsers": ["All"] })).0, Verdict::LockedOut);
}

#[test]
fn a_control_that_is_not_known_may_block_beside_one_that_is_met() {
    let mut policy = blocks(&json!({ "includeUsers": ["All"] }));
    for (operator, controls, promised) in [
        ("OR", json!(["mfa"]), Some(1)),
        ("OR", json!(["mfa", "clairvoyance"]), Some(0)),
        ("AND", json!(["mfa", "clairvoyance"]), Some(0)),
    ] {
        policy["grantControls"] = json!({ "operator": operator, "builtInControls": controls });
        let mut tenant = tenant(json!({ "conditionalAccessPolicies": [policy] }), &[]);
        let configurations = &mut tenant["authenticationMethodsPolicy"]["authenticationMethodConfigurations"];
        configurations[0]["keyRestrictions"] = json!({ "isEnforced": false });
        configurations[0]["excludeTargets"] = json!([]);
        let report = report(&tenant);
        let order = report.direct.order;
        let told = format!("{operator} {controls}: {:?}", report.unknowns);
        assert_eq!((order.proved, order.possible), (promised, Some(1)), "{told}");
        assert!(promised == Some(1) || told.contains("policy `Wall`"), "{told}");
    }
}

#[test]
fn a_fact_that_is_not_exported_makes_no_order_certain() {
    let without_methods = |more: Value| {
        let mut tenant = tenant(json!({ "conditionalAccessPolicies": [] }), &[]);
        tenant["users"][0]["authenticationMethods"] = json!([]);
        tenant.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        tenant
    };
    let on_device = |device: Value| {
        let mut policy = blocks(&json!({ "includeUsers": ["All"] }));
        policy["grantControls"]["builtInControls"] = json!(["compliantDevice"]);
        without_methods(json!({ "conditionalAccessPolicies": [policy], "devices": [device] }))
    };
    let device = json!({
        "id": "laptop", "deviceId": "laptop", "operatingSystem": "Windows", "trustType": "AzureAd",
        "registeredOwners": [{ "id": "ada" }], "registeredUsers": [], "accountEnabled": true, "isCompliant": true,
    });
    let lacking = |name: &str| {
        let mut device = device.clone();
        device.as_object_mut().unwrap().remove(name);
        on_device(device)
    };
    let mut unsaid = without_methods(json!({}));
    unsaid.as_object_mut().unwrap().remove("identitySecurityDefaultsEnforcementPolicy");
    let strange = json!({ "perUserMfaStates": [{ "userId": "ada", "perUserMfaState": "clairvoyance" }] });
    for (what, tenant, reason) in [
        ("security defaults", unsaid, "security defaults"),
        ("per-user state", without_methods(strange), "per-user multifactor authentication of `ada`"),
        ("compliance", lacking("isCompliant"), "`isCompliant` of the device `laptop`"),
        ("an enabled device", lacking("accountEnabled"), "`accountEnabled` of the device `laptop`"),
    ] {
        let report = report(&tenant);
        let order = report.direct.order;
        assert_eq!(order.proved, Some(0), "{what}");
        assert!(order.possible > Some(0), "{what}: {order:?}");
        assert!(report.unknowns.iter().any(|unknown| unknown.contains(reason)), "{what}: {:?}", report.unknowns);
    }
}

/// Not everybody is looked at where anybody may hold a role: then what is possible has no bound.
#[test]
fn where_there_are_too_many_to_look_at_more_is_possible() {
    let users = |count: usize| {
        let user = |at: usize| json!({ "id": format!("u{at}"), "accountEnabled": true, "authenticationMethods": [] });
        let everybody = json!({ "includeUsers": ["All"] });
        let mut tenant = tenant(
            json!({ "conditionalAccessPolicies": [blocks(&everybody)] }),
            &["roleAssignments", "roleAssignmentScheduleInstances"],
        );
        tenant["users"].as_array_mut().unwrap().extend((1..count).map(user));
        report(&tenant).direct.order
    };
    assert_eq!(users(1_000).possible, Some(0));
    let order = users(1_001);
    assert_eq!((order.proved, order.possible), (Some(0), None));
}
