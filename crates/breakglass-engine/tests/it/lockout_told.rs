//! What a report tells of one tenant: dates, the insider, the doors one by one, and steps that a person can follow.

use breakglass_engine::access::{Access, AccessSettings};
use breakglass_engine::guard::{Before, Change, Verdict, compare};
use breakglass_engine::lockout::analyse;
use breakglass_engine::lockout::goal::{Goal, Surface};
use breakglass_engine::lockout::report::LockoutReport;
use breakglass_engine::lockout::settings::LockoutSettings;
use serde_json::{Value, json};

use super::support::{now, snapshot};

const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
const HELPDESK_ADMINISTRATOR: &str = "729827e3-9c14-49f7-bb1b-9608f156bbb8";
const USER_ADMINISTRATOR: &str = "fe930be7-5e62-47db-91af-98c3a49a38b1";
const REPORTS_READER: &str = "4a5d8f65-41da-4de4-8968-e035b65339cf";
const ADMIN_PORTALS: &str = "MicrosoftAdminPortals";
const GRAPH_TOOLS: [&str; 2] = ["14d82eec-204b-4c2f-b7e8-296a70dab67e", "de8bc8b5-d9f9-48b1-a8ad-b748da725064"];

/// Somebody with a password, and a passkey if so asked.
fn user(id: &str, has_key: bool) -> Value {
    let key = json!({ "@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "id": format!("key-{id}") });
    json!({
        "id": id, "userPrincipalName": format!("{id}@contoso.example"), "accountEnabled": true, "userType": "Member",
        "onPremisesSyncEnabled": null, "isManagementRestricted": false,
        "authenticationMethods": if has_key { vec![key] } else { vec![] },
    })
}

fn assignment(principal: &str, role: &str) -> Value {
    json!({ "principalId": principal, "roleDefinitionId": role, "directoryScopeId": "/" })
}

/// An assignment that begins and ends.
fn dated(principal: &str, role: &str, start: Option<&str>, end: Option<&str>) -> Value {
    let mut assignment = assignment(principal, role);
    assignment["startDateTime"] = json!(start);
    assignment["endDateTime"] = json!(end);
    assignment
}

fn policy(name: &str, conditions: Value, controls: &[&str]) -> Value {
    let mut all = json!({
        "users": { "includeUsers": ["All"] }, "applications": { "includeApplications": ["All"] },
        "clientAppTypes": ["all"],
    });
    all.as_object_mut().unwrap().extend(conditions.as_object().unwrap().clone());
    json!({
        "id": name, "displayName": name, "state": "enabled", "conditions": all,
        "grantControls": { "operator": "OR", "builtInControls": controls },
    })
}

/// A tenant without policies, and with these members.
fn tenant(members: Value) -> Value {
    let mut tenant = json!({
        "format": "breakglass-snapshot/1",
        "domains": [{ "id": "contoso.example", "authenticationType": "Managed" }],
        "users": [], "groups": [], "devices": [], "servicePrincipals": [], "administrativeUnits": [],
        "roleDefinitions": [], "roleAssignments": [], "roleAssignmentScheduleInstances": [],
        "roleEligibilityScheduleInstances": [], "roleManagementPolicies": [], "namedLocations": [],
        "authenticationStrengthPolicies": [], "conditionalAccessPolicies": [],
        "authenticationMethodsPolicy": { "authenticationMethodConfigurations": [
            { "@odata.type": "#microsoft.graph.fido2AuthenticationMethodConfiguration", "id": "Fido2", "state": "enabled",
              "includeTargets": [{ "targetType": "group", "id": "all_users" }], "excludeTargets": [],
              "keyRestrictions": { "isEnforced": false } },
            { "id": "TemporaryAccessPass", "state": "disabled" },
        ] },
        "identitySecurityDefaultsEnforcementPolicy": { "isEnabled": false },
    });
    tenant.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    tenant
}

fn report_of(tenant: &Value, scenarios: &[String]) -> LockoutReport {
    let snapshot = snapshot(tenant);
    let access = Access::compile(&snapshot, &AccessSettings::at(now())).unwrap();
    analyse(&access, &LockoutSettings::default(), Goal::FullRepair, scenarios).unwrap()
}

fn report(tenant: &Value) -> LockoutReport {
    report_of(tenant, &[])
}

/// Two of three Global Administrators end; so many others hold this role until some minute before.
fn ending(count: usize, role: &str) -> Value {
    let minute = |at: usize| format!("2026-12-{:02}T{:02}:{:02}:00Z", 1 + at / 1440, at / 60 % 24, at % 60);
    let others = (0..count).map(|at| format!("other{at}"));
    let administrators = ["ada", "ben", "eva"];
    let users = administrators.map(|id| user(id, true)).into_iter().chain(others.clone().map(|id| user(&id, false)));
    let until = [None, Some("2027-02-15T00:00:00Z"), Some("2027-01-15T00:00:00Z")];
    let dates = administrators.iter().zip(until).map(|(id, end)| dated(id, GLOBAL_ADMINISTRATOR, None, end));
    let dates = dates.chain(others.enumerate().map(|(at, id)| dated(&id, role, None, Some(&minute(at)))));
    let dates: Vec<Value> = dates.collect();
    tenant(json!({ "users": users.collect::<Vec<_>>(), "roleAssignmentScheduleInstances": dates }))
}

#[test]
fn dates_that_change_the_order_are_not_lost_among_others() {
    let both = ["2027-01-15T00:00:00Z 2", "2027-02-15T00:00:00Z 1"];
    for (count, role, expected, left_out) in [
        (0, REPORTS_READER, &both[..], None),
        (40, REPORTS_READER, &both, None),
        (400, REPORTS_READER, &both, None),
        (40, HELPDESK_ADMINISTRATOR, &both, None),
        // There are too many that may matter: that is told, with the first that was not looked at.
        (400, HELPDESK_ADMINISTRATOR, &[], Some(("2026-12-01T02:38:00Z", 244))),
    ] {
        let report = report(&ending(count, role));
        let found: Vec<String> =
            report.dated.iter().map(|one| format!("{} {}", one.from, one.order.proved.unwrap())).collect();
        assert_eq!(found, expected, "{count} {role}");
        let told = report.dates_left_out.map(|one| (one.from.to_string(), one.count));
        assert_eq!(told, left_out.map(|(from, count)| (from.to_owned(), count)), "{count} {role}");
    }
}

#[test]
fn a_harmless_role_has_a_date_where_a_policy_names_it() {
    let users = json!({ "includeUsers": [], "includeRoles": [REPORTS_READER] });
    let keeps_out = policy("Readers", json!({ "users": users }), &["block"]);
    for (policies, holder, expected) in [
        (json!([]), "ada", vec![]),
        (json!([keeps_out]), "ben", vec![]),
        (json!([keeps_out]), "ada", vec!["2027-01-01T00:00:00Z"]),
    ] {
        let found = report(&tenant(json!({
            "users": [user("ada", true), user("ben", true)],
            "roleAssignments": [assignment("ada", GLOBAL_ADMINISTRATOR)],
            "roleAssignmentScheduleInstances": [
                assignment("ada", GLOBAL_ADMINISTRATOR),
                dated(holder, REPORTS_READER, Some("2027-01-01T00:00:00Z"), None),
            ],
            "conditionalAccessPolicies": policies,
        })));
        let found: Vec<String> = found.dated.iter().map(|one| one.from.to_string()).collect();
        assert_eq!(found, expected, "{holder}");
    }
}

/// What activating Global Administrator asks: approval, by whom.
fn activation(approvers: &[&str]) -> Value {
    let approvers: Vec<Value> = approvers.iter().map(|id| json!({ "userId": id })).collect();
    let setting = json!({
        "isApprovalRequired": !approvers.is_empty(), "approvalStages": [{ "primaryApprovers": approvers }],
    });
    json!([{ "id": "ga", "roleDefinitionId": GLOBAL_ADMINISTRATOR, "rules": [
        { "id": "Enablement_EndUser_Assignment", "enabledRules": ["Justification"] },
        { "id": "AuthenticationContext_EndUser_Assignment", "isEnabled": false, "claimValue": null },
        { "id": "Approval_EndUser_Assignment", "setting": setting },
    ] }])
}

/// The helpdesk has changed the password of the approver, whom somebody has to give a new one.
#[test]
fn an_insider_does_not_help() {
    let active = |id: &str| assignment(id, HELPDESK_ADMINISTRATOR);
    for (what, assigned, eligible, survives, hostile) in [
        ("the only one is the insider", vec![active("hal")], vec![], false, &["hal"][..]),
        ("none of several helps", vec![active("hal"), active("hub")], vec![], false, &["hal", "hub"]),
        ("nor one who is eligible", vec![active("hal")], vec![active("hub")], false, &["hal", "hub"]),
        (
            "somebody in another role does",
            vec![active("hal"), assignment("hub", USER_ADMINISTRATOR)],
            vec![],
            true,
            &["hal"],
        ),
    ] {
        let mut eligible = eligible;
        eligible.push(assignment("ada", GLOBAL_ADMINISTRATOR));
        let tenant = tenant(json!({
            "users": [user("ada", true), user("pat", false), user("hal", false), user("hub", false)],
            "roleAssignments": assigned, "roleEligibilityScheduleInstances": eligible,
            "roleManagementPolicies": activation(&["pat"]),
        }));
        let id = "credentials-changed-by-insider:helpdesk-administrator".to_owned();
        let report = report_of(&tenant, &[id]);
        let [result] = report.scenarios.as_slice() else { panic!("{:?}", report.scenarios) };
        assert_eq!(result.survives, survives, "{what}: {:?}", result.by);
        let failed: Vec<&str> = result.failed.iter().filter_map(|one| one.id().strip_prefix("account:")).collect();
        assert_eq!(failed, hostile, "{what}");
        assert!(result.failed.iter().any(|one| one.id() == "password:pat"), "{what}: {:?}", result.failed);
    }
}

#[test]
fn a_change_that_shuts_single_doors_says_which() {
    let document = tenant(json!({
        "users": [user("ada", true), user("eva", true)],
        "roleAssignments": [assignment("ada", GLOBAL_ADMINISTRATOR), assignment("eva", GLOBAL_ADMINISTRATOR)],
    }));
    let settings = LockoutSettings::default();
    let was = snapshot(&document);
    let access = Access::compile(&was, &AccessSettings::at(now())).unwrap();
    let before = Before::of(&access, &settings, Goal::FullRepair).unwrap();
    let at = |application: &[&str], users: Value| {
        let applications = json!({ "includeApplications": application });
        policy("Doors", json!({ "applications": applications, "users": users }), &["block"])
    };
    let everybody = || json!({ "includeUsers": ["All"] });
    let [portal, graph, azure, m365] = [Surface::Portal, Surface::Graph, Surface::Azure, Surface::M365];
    for (what, change, verdict, shut, lower) in [
        ("the portals are shut", at(&[ADMIN_PORTALS], everybody()), Verdict::Same, vec![portal, m365], vec![]),
        (
            "Microsoft Graph is shut to one",
            at(&GRAPH_TOOLS, json!({ "includeUsers": ["ada"] })),
            Verdict::Same,
            vec![],
            vec![graph],
        ),
        ("everything is", at(&["All"], everybody()), Verdict::LockedOut, vec![portal, graph, azure, m365], vec![]),
        (
            "what nobody asks about is",
            at(&["00000002-0000-0ff1-ce00-000000000000"], everybody()),
            Verdict::Same,
            vec![],
            vec![],
        ),
    ] {
        let mut document = document.clone();
        document["conditionalAccessPolicies"] = json!([change]);
        let is = snapshot(&document);
        let access = Access::compile(&is, &AccessSettings::at(now())).unwrap();
        let report = compare(&before, &access, &settings, Change::default(), 2);
        assert_eq!(report.verdict, verdict, "{what}");
        let of = |wanted: Verdict| -> Vec<Surface> {
            report.surfaces.iter().filter(|one| one.verdict() == wanted).map(|one| one.surface).collect()
        };
        assert_eq!((of(Verdict::LockedOut), of(Verdict::Lower)), (shut, lower), "{what}: {:?}", report.surfaces);
    }
}

#[test]
fn platforms_are_told_apart_only_where_a_policy_does() {
    let on = |platforms: &[&str], users: Value, controls: &[&str]| {
        policy("Platforms", json!({ "platforms": { "includePlatforms": platforms }, "users": users }), controls)
    };
    let everybody = || json!({ "includeUsers": ["All"] });
    let ben = || json!({ "includeUsers": ["ben"] });
    for (what, policies, device) in [
        ("no policy", vec![], "unmanaged"),
        ("one that is met on each", vec![on(&["windows"], everybody(), &["mfa"])], "unmanaged"),
        ("one about somebody else", vec![on(&["windows"], ben(), &["block"])], "unmanaged"),
        ("approved apps of somebody else", vec![on(&["all"], ben(), &["approvedApplication"])], "unmanaged"),
        ("phones are kept out", vec![on(&["android", "iOS"], everybody(), &["block"])], "unmanaged on Windows"),
        ("Windows is", vec![on(&["windows"], everybody(), &["block"])], "unmanaged on macOS"),
    ] {
        let policies: Vec<Value> = [policy("Always", json!({}), &["mfa"])].into_iter().chain(policies).collect();
        let report = report(&tenant(json!({
            "users": [user("ada", true), user("ben", true)],
            "roleAssignments": [assignment("ada", GLOBAL_ADMINISTRATOR)],
            "conditionalAccessPolicies": policies,
        })));
        let [way] = report.direct.ways.as_slice() else { panic!("{what}: {:?}", report.direct.ways) };
        assert_eq!(way.context.device, device, "{what}");
        let is_said = way.steps[0].contains(&device.replace("unmanaged on", "on any device with"));
        assert_eq!(is_said, device != "unmanaged", "{what}: {:?}", way.steps);
    }
}

#[test]
fn a_sign_in_is_said_once_and_again_only_where_the_role_asks_for_more() {
    let locations = json!({ "includeLocations": ["All"], "excludeLocations": ["hq"] });
    let users = json!({ "includeUsers": [], "includeRoles": [GLOBAL_ADMINISTRATOR] });
    let from_hq = policy("Headquarters", json!({ "users": users, "locations": locations }), &["block"]);
    let once: &[&str] = &[
        "ada@contoso.example signs in to the Entra admin center with passkey",
        "ada@contoso.example activates Global Administrator",
        "ada@contoso.example can repair the tenant",
    ];
    let twice: &[&str] = &[
        "ada@contoso.example signs in to the Entra admin center with passkey",
        "ada@contoso.example activates Global Administrator",
        "ada@contoso.example signs in again to the Entra admin center with passkey from `HQ`, with Global \
         Administrator active",
        "ada@contoso.example can repair the tenant",
    ];
    let always = policy("Always", json!({}), &["mfa"]);
    for (policies, steps) in [(json!([always]), once), (json!([always, from_hq]), twice)] {
        let report = report(&tenant(json!({
            "users": [user("ada", true)],
            "roleEligibilityScheduleInstances": [assignment("ada", GLOBAL_ADMINISTRATOR)],
            "roleManagementPolicies": activation(&[]),
            "namedLocations": [{
                "@odata.type": "#microsoft.graph.ipNamedLocation", "id": "hq", "displayName": "HQ", "isTrusted": false,
                "ipRanges": [{ "@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "198.51.100.0/24" }],
            }],
            "conditionalAccessPolicies": policies,
        })));
        let [way] = report.direct.ways.as_slice() else { panic!("{:?}", report.direct.ways) };
        assert_eq!(way.steps, steps);
    }
}

#[test]
fn what_is_held_up_in_vain_is_told() {
    let document = snapshot(&tenant(json!({
        "users": [user("ada", true)], "roleAssignments": [assignment("ada", GLOBAL_ADMINISTRATOR)],
    })));
    let access = Access::compile(&document, &AccessSettings::at(now())).unwrap();
    let assumed = ["account:ada", "account:zzz"].map(|id| id.parse().unwrap()).into_iter().collect();
    let settings = LockoutSettings { assumed, ..LockoutSettings::default() };
    let report = analyse(&access, &settings, Goal::FullRepair, &[]).unwrap();
    let idle: Vec<&str> = report.idle_assumptions.iter().map(|component| component.id()).collect();
    assert_eq!(idle, ["account:zzz"]);
}
