//! The sample of questions for a tenant's own What If, the comparison and the cases, against the plain referee.

use std::collections::BTreeSet;

use breakglass_engine::access::{Access, AccessSettings, Trit};
use breakglass_engine::agreement::case::{case, is_found};
use breakglass_engine::agreement::{AnswerError, Compared, Kind, Sample};
use breakglass_model::policy::ConditionalAccessPolicyState as State;
use breakglass_model::sign_in::WhatIfRequest;
use breakglass_model::snapshot::Snapshot;
use breakglass_testkit::referee::{RefereeSurface, what_if};
use breakglass_testkit::tenants::{TAKEN_AT, random_tenant, snapshot_of};
use breakglass_testkit::{is_full, seed_for};
use serde_json::{Value, json};

use crate::bridge::referee_surfaces;

fn tenants() -> u64 {
    if is_full() { 4_000 } else { 200 }
}

fn compiled(snapshot: &Snapshot) -> Access<'_> {
    Access::compile(snapshot, &AccessSettings::at(TAKEN_AT)).unwrap()
}

/// What the referee answers in Graph's form; a policy of which it cannot tell is left out.
fn answer(snapshot: &Snapshot, body: &Value, surfaces: &[RefereeSurface]) -> Value {
    let text = body.to_string();
    let request = WhatIfRequest::from_json(text.as_bytes()).unwrap();
    let answer = what_if(snapshot, &request, surfaces, TAKEN_AT).unwrap();
    let entries = answer.policies.into_iter().filter_map(|(id, applies, reason)| {
        Some(json!({ "id": id, "policyApplies": applies?, "analysisReasons": reason }))
    });
    json!({ "value": entries.collect::<Vec<_>>() })
}

#[test]
fn the_sample_meets_every_policy_and_the_referee_agrees_by_seed() {
    let seed = seed_for("the_sample_meets_every_policy");
    let surfaces = referee_surfaces();
    let (mut questions, mut policies, mut never, mut alone) = (0, 0, 0, 0);
    for tenant_seed in (0..tenants()).map(|index| seed.wrapping_add(index)) {
        let tenant = random_tenant(tenant_seed);
        let access = compiled(&tenant.snapshot);
        let sample = Sample::of(&access);
        assert_eq!(sample.reached(sample.questions.len()), sample.goal_count);
        let mut applied: BTreeSet<usize> = BTreeSet::new();
        let mut reasons: BTreeSet<(usize, &str)> = BTreeSet::new();
        for question in &sample.questions {
            questions += 1;
            let answer = answer(&tenant.snapshot, &question.body, &surfaces);
            let compared = Compared::of(&access, &question.body, &answer).unwrap();
            let worst = compared.differences.iter().find(|one| one.kind != Kind::Untold);
            assert_eq!(worst, None, "tenant seed {tenant_seed}: {}", question.body);
            assert!(compared.not_read.is_empty());
            let text = question.body.to_string();
            let situation = access.situation(&WhatIfRequest::from_json(text.as_bytes()).unwrap()).unwrap();
            for analysis in access.analyse(&situation) {
                if analysis.applies != Trit::No {
                    applied.insert(analysis.policy);
                } else {
                    reasons.insert((analysis.policy, analysis.reason.name()));
                }
            }
        }
        for (at, policy) in access.policies().iter().enumerate() {
            let is_in_force = matches!(policy.state, State::Enabled | State::EnabledForReportingButNotEnforced);
            if policy.is_deleted || !is_in_force {
                continue;
            }
            policies += 1;
            never += usize::from(sample.never.contains(&at));
            assert_ne!(
                applied.contains(&at),
                sample.never.contains(&at),
                "tenant seed {tenant_seed}: {}",
                policy.source
            );
        }
        alone += reasons.len();
    }
    println!(
        "the sample: {} tenants, {questions} questions, {policies} policies in force, {never} of which nobody can meet, \
         {alone} reasons seen",
        tenants()
    );
    assert!(policies > 2 * never, "most policies are met");
}

#[test]
fn an_answer_that_was_made_wrong_is_found_and_its_case_reproduces_by_seed() {
    let seed = seed_for("an_answer_that_was_made_wrong");
    let surfaces = referee_surfaces();
    let (mut found, mut reproduced, mut other) = (0_u64, 0_u64, 0_u64);
    for tenant_seed in (0..tenants()).map(|index| seed.wrapping_add(index)) {
        let tenant = random_tenant(tenant_seed);
        let access = compiled(&tenant.snapshot);
        let sample = Sample::of(&access);
        for (number, question) in sample.questions.iter().enumerate().take(8) {
            let mut answer = answer(&tenant.snapshot, &question.body, &surfaces);
            let entries = answer["value"].as_array_mut().unwrap();
            if entries.is_empty() {
                continue;
            }
            let at = (number + usize::try_from(tenant_seed % 97).unwrap()) % entries.len();
            let told = entries[at]["policyApplies"].as_bool().unwrap();
            entries[at]["policyApplies"] = json!(!told);
            entries[at]["analysisReasons"] = json!(if told { "users" } else { "notSet" });
            let id = entries[at]["id"].as_str().unwrap().to_owned();
            let compared = Compared::of(&access, &question.body, &answer).unwrap();
            let wrong: Vec<_> = compared.differences.iter().filter(|one| one.kind == Kind::Applies).collect();
            let [wrong] = wrong.as_slice() else {
                // Where the referee could tell and we could not, a lie is as good as the truth.
                assert!(compared.differences.iter().any(|one| one.kind == Kind::Untold), "tenant seed {tenant_seed}");
                continue;
            };
            found += 1;
            assert_eq!(access.policies()[wrong.policy].id.to_string(), id);
            assert_eq!((wrong.applies, wrong.ours == Trit::Yes), (!told, told));
            let case = case(&access, &question.body, wrong).unwrap();
            let (text, ours) = (case.to_value().to_string(), (wrong.ours, wrong.our_reason));
            assert_eq!(case.reproduces, is_found(&case.snapshot, &case.request, ours, access.settings()));
            reproduced += u64::from(case.reproduces);
            other += u64::from(!case.reproduces);
            for user in tenant.snapshot.users.items().iter().filter_map(|user| user.user_principal_name.as_deref()) {
                assert!(!text.contains(user), "tenant seed {tenant_seed}: {user} stands in {text}");
            }
        }
    }
    println!("made wrong and found: {found} differences, {reproduced} cases reproduce, {other} do not");
    assert!(found > 100 && reproduced > 9 * other, "nearly all cases reproduce");
}

fn small() -> Value {
    json!({
        "format": "breakglass-snapshot/1", "tenantId": "t", "takenAt": "2026-11-20T08:00:00Z",
        "users": [
            { "id": "u1", "userPrincipalName": "ada@contoso.com", "accountEnabled": true, "userType": "Member" },
            { "id": "u2", "userPrincipalName": "ben@contoso.com", "accountEnabled": true, "userType": "Member" },
        ],
        "groups": [{ "id": "g1", "members": [{ "@odata.type": "#microsoft.graph.user", "id": "u2" }] }],
        "roleAssignments": [], "namedLocations": [{ "@odata.type": "#microsoft.graph.ipNamedLocation", "id": "l1",
            "displayName": "Office", "isTrusted": true,
            "ipRanges": [{ "@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "192.0.2.0/28" }] }],
        "conditionalAccessPolicies": [
            { "id": "p1", "displayName": "Office only", "state": "enabled",
              "conditions": { "users": { "includeUsers": ["All"], "excludeGroups": ["g1"] }, "clientAppTypes": ["all"],
                "applications": { "includeApplications": ["All"] },
                "locations": { "includeLocations": ["All"], "excludeLocations": ["l1"] } },
              "grantControls": { "operator": "OR", "builtInControls": ["block"] } },
            { "id": "p2", "displayName": "Off", "state": "disabled",
              "conditions": { "users": { "includeUsers": ["All"] }, "clientAppTypes": ["all"],
                "applications": { "includeApplications": ["All"] } },
              "grantControls": { "operator": "OR", "builtInControls": ["mfa"] } },
        ],
        "servicePrincipals": [],
    })
}

#[test]
fn a_small_tenant_takes_few_questions() {
    let snapshot = snapshot_of(&small()).unwrap();
    let access = compiled(&snapshot);
    let sample = Sample::of(&access);
    // Once it applies; then what was not asked about; then what alone keeps it from applying.
    let told: Vec<String> = sample
        .questions
        .iter()
        .map(|question| {
            let at = |pointer: &str| question.body.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned();
            let action = question.body.pointer("/signInContext/userAction").map_or("an application", |_| "an action");
            format!("{} to {action} from {}", at("/signInIdentity/userId"), at("/signInConditions/ipAddress"))
        })
        .collect();
    assert_eq!(
        told,
        [
            "u1 to an application from 198.51.100.10",
            "u2 to an action from 192.0.2.0",
            "u2 to an application from 198.51.100.10",
            "u1 to an action from 198.51.100.10",
            "u1 to an application from 192.0.2.0",
        ]
    );
    assert_eq!((sample.policy_count, sample.never.len()), (1, 0));
}

#[test]
fn an_answer_of_others_and_no_answer_are_told_apart() {
    let snapshot = snapshot_of(&small()).unwrap();
    let access = compiled(&snapshot);
    let question = json!({ "signInIdentity": { "userId": "u1" },
        "signInContext": { "includeApplications": ["00000003-0000-0000-c000-000000000000"] } });
    let compared = |value: Value| Compared::of(&access, &question, &json!({ "value": value })).unwrap();
    let of = |id: &str, applies: bool, reasons: &str| json!({ "id": id, "policyApplies": applies, "analysisReasons": reasons });
    let same = compared(json!([of("P1", true, "notSet"), of("p2", false, "policyNotEnabled")]));
    assert_eq!((same.agreed, same.differences.len(), same.not_answered.len()), (2, 0, 0));
    let silent = compared(json!([of("p9", true, "notSet")]));
    assert_eq!(
        (silent.not_read, silent.not_answered),
        (vec!["p9".to_owned()], vec![0]),
        "who is disabled need not be told"
    );
    let other = compared(json!([of("p1", false, "users"), of("p2", false, "users")]));
    let kinds: Vec<Kind> = other.differences.iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [Kind::Applies, Kind::Reason]);
    for bad in [json!({}), json!({ "value": [{}] }), json!({ "value": [{ "id": "p1", "policyApplies": "yes" }] })] {
        assert_eq!(Compared::of(&access, &question, &bad), Err(AnswerError::Malformed), "{bad}");
    }
    let nobody = json!({ "signInIdentity": { "userId": "u9" } });
    assert!(matches!(Compared::of(&access, &nobody, &json!({ "value": [] })), Err(AnswerError::Question(_))));
}
