//! Replay and forecast against the plain referee: records that it wrote are agreed with, what was made wrong in them is
//! found, what was taken out of them is unknown, and a change has the effect that the referee gives it.

use std::collections::BTreeSet;

use breakglass_engine::access::surfaces::SURFACES;
use breakglass_engine::access::{Access, AccessSettings};
use breakglass_engine::replay::case::{case, is_found};
use breakglass_engine::replay::forecast::{Effect, Forecast, ForecastScratch, ForecastTally, count_of};
use breakglass_engine::replay::{Difference, Replay, Scratch, Tally};
use breakglass_model::sign_in::WhatIfRequest;
use breakglass_model::sign_in_record::SignInRecord;
use breakglass_model::snapshot::Snapshot;
use breakglass_testkit::logs::{RandomRecord, RecordForm, random_record};
use breakglass_testkit::referee::{Referee, RefereeSurface};
use breakglass_testkit::tenants::{RandomTenant, TAKEN_AT, random_tenant, snapshot_of};
use breakglass_testkit::{is_full, seed_for};
use serde_json::{Value, json};

const RECORDS_PER_TENANT: u64 = 20;

fn tenants() -> u64 {
    if is_full() { 8_000 } else { 500 }
}

fn surfaces() -> Vec<RefereeSurface> {
    SURFACES
        .iter()
        .map(|surface| RefereeSurface {
            app_id: surface.app_id.into(),
            aliases: surface.resources.iter().map(|app| (*app).to_owned()).collect(),
            office365: surface.is_office365,
            microsoft_admin_portals: surface.is_admin_portal,
        })
        .collect()
}

fn compiled(snapshot: &Snapshot) -> Access<'_> {
    Access::compile(snapshot, &AccessSettings::at(TAKEN_AT)).unwrap()
}

fn judge(replay: &Replay<'_>, record: &Value) -> Tally {
    let text = record.to_string();
    let read = SignInRecord::from_json(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
    let (mut scratch, mut tally) = (Scratch::default(), Tally::default());
    replay.judge(&read, (0, text.as_bytes()), (&mut scratch, &mut tally));
    tally
}

/// Hands random tenants with records of every form to a check.
fn each(test: &str, mut check: impl FnMut(&RandomTenant, &Replay<'_>, RandomRecord, u64)) {
    let seed = seed_for(test);
    let surfaces = surfaces();
    for tenant_seed in (0..tenants()).map(|index| seed.wrapping_add(index)) {
        let tenant = random_tenant(tenant_seed);
        let access = compiled(&tenant.snapshot);
        let replay = Replay::of(&access);
        for index in 0..RECORDS_PER_TENANT {
            let record_seed = tenant_seed.wrapping_mul(1_000).wrapping_add(index);
            let form = RecordForm::ALL[usize::try_from(index % 3).unwrap()];
            if let Some(record) = random_record(&tenant, &surfaces, form, record_seed) {
                check(&tenant, &replay, record, record_seed);
            }
        }
    }
}

#[test]
fn what_the_referee_wrote_is_agreed_with_by_seed() {
    let (mut all, mut records) = (Tally::default(), 0_u64);
    each("what_the_referee_wrote_is_agreed_with", |tenant, replay, record, seed| {
        let tally = judge(replay, &record.json);
        assert!(
            !tally.disagrees(),
            "seed {seed}: {:?}\nrecord {}\nrequest {}\ntenant {}",
            tally.differences.keys(),
            record.json,
            record.request,
            tenant.json
        );
        records += 1;
        all.join(Tally { policies: Vec::new(), ..tally });
    });
    let [agree, unknown] = [all.results.agree, all.results.unknown];
    println!(
        "clean logs: {records} records, {} judged, {} agree; results {agree} agree, 0 disagree, {unknown} unknown",
        all.judged, all.agree
    );
    assert_eq!(all.agree, all.judged, "every record that could be judged agrees");
    assert!(agree > unknown * 2, "most results can be told: {:?}", all.unknown);
    let conditions: u64 = all.conditions.iter().map(|counts| counts.agree).sum();
    assert!(conditions > records, "conditions are compared");
}

/// Properties that a record may lack, by their paths in the properties.
const FIELDS: [&str; 24] = [
    "/userId",
    "/crossTenantAccessType",
    "/appId",
    "/resourceId",
    "/conditionalAccessAudiences",
    "/authenticationContextClassReferences",
    "/ipAddress",
    "/location",
    "/location/countryOrRegion",
    "/clientAppUsed",
    "/deviceDetail",
    "/deviceDetail/deviceId",
    "/deviceDetail/operatingSystem",
    "/deviceDetail/isCompliant",
    "/deviceDetail/trustType",
    "/deviceDetail/displayName",
    "/riskLevelDuringSignIn",
    "/authenticationRequirement",
    "/authenticationDetails",
    "/originalTransferMethod",
    "/authenticationProtocol",
    "/status",
    "/status/errorCode",
    "/createdDateTime",
];

fn remove(value: &mut Value, path: &str) {
    let (parent, name) = path.rsplit_once('/').unwrap();
    if let Some(Value::Object(members)) = value.pointer_mut(parent) {
        members.remove(name);
    }
}

#[test]
fn what_a_record_lacks_never_disagrees_by_seed() {
    let mut lost = 0_u64;
    each("what_a_record_lacks_never_disagrees", |tenant, replay, mut record, seed| {
        let whole = judge(replay, &record.json);
        // The guest's kind is in what is removed here only together with the user, whom it is about.
        let mut bits = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for field in FIELDS {
            bits = bits.rotate_left(3);
            let is_guest = field == "/crossTenantAccessType";
            let is_shared = field == "/appId" || (field.starts_with("/authenticationProtocol"));
            if bits & 3 == 0 && !is_guest && !is_shared {
                remove(record.properties(), field);
            }
        }
        // The envelope would speak for what is missing, and says something else.
        if record.json.get("properties").is_some() {
            for name in ["callerIpAddress", "location", "resultType"] {
                record.json.as_object_mut().unwrap().remove(name);
            }
        }
        let tally = judge(replay, &record.json);
        assert!(
            !tally.disagrees(),
            "seed {seed}: {:?}\nrecord {}\nrequest {}\ntenant {}",
            tally.differences.keys(),
            record.json,
            record.request,
            tenant.json
        );
        lost += whole.results.agree.saturating_sub(tally.results.agree);
    });
    println!("missing fields: {lost} results became unknown, none a disagreement");
    assert!(lost > 0, "something that is missing matters");
}

const RESULTS: [&str; 8] = [
    "success",
    "failure",
    "notApplied",
    "notEnabled",
    "reportOnlySuccess",
    "reportOnlyFailure",
    "reportOnlyNotApplied",
    "reportOnlyInterrupted",
];

#[test]
fn a_wrong_result_is_found_as_that_and_its_case_reproduces_by_seed() {
    let (mut found, mut reproduced, mut bytes) = (0_u64, 0_u64, 0_usize);
    each("a_wrong_result_is_found_as_that", |tenant, replay, mut record, seed| {
        if record.possible.is_empty() {
            return;
        }
        let at = usize::try_from(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40).unwrap() % record.possible.len();
        let path = format!("/appliedConditionalAccessPolicies/{at}");
        let right = record.properties().pointer(&format!("{path}/result")).unwrap().as_str().unwrap().to_owned();
        // Alone, so that what the sign-in came to follows from nothing else.
        let wrong = RESULTS[usize::try_from(seed % 8).unwrap()];
        if wrong == right {
            return;
        }
        let before = judge(replay, &record.json);
        record.properties()["appliedConditionalAccessPolicies"][at]["result"] = json!(wrong);
        let tally = judge(replay, &record.json);
        let was_told = before.policies.get(at).is_some_and(|counts| counts.agree == 1);
        let differences: Vec<&Difference> = tally.differences.keys().collect();
        if !was_told {
            return;
        }
        found += 1;
        match differences.as_slice() {
            [Difference::Result { policy, recorded, ours, .. }] => {
                assert_eq!((*policy, recorded.name()), (at, wrong), "seed {seed}");
                assert_eq!(ours.to_string(), right, "seed {seed}");
            }
            other => panic!("seed {seed}: {other:?}\n{}\n{}", record.json, tenant.json),
        }
        if seed.is_multiple_of(50) {
            let text = record.json.to_string();
            let case = case(replay, differences[0], text.as_bytes()).unwrap();
            reproduced += u64::from(case.reproduces);
            let settings = AccessSettings::at(TAKEN_AT);
            assert_eq!(is_found(&case.snapshot, &case.record, &differences[0].of_first(), &settings), case.reproduces);
            let shown = case.to_value().to_string();
            bytes += shown.len();
            for secret in ["user-1", "Client ", "A policy", "203.0.113.7", "192.0.2.1", "2001:db8", "A town", "group-1"]
            {
                let is_own_name = shown.contains(&format!("\"{secret}\""));
                assert!(
                    secret.starts_with("user-") || secret.starts_with("group-") || !is_own_name,
                    "{secret}: {shown}"
                );
            }
        }
    });
    println!("wrong results: {found} found as what they are; {reproduced} cases reproduce, {bytes} bytes of them");
    assert!(found > 200);
    assert!(reproduced > 0);
}

#[test]
fn a_wrong_fact_disagrees_where_it_matters_and_nowhere_else_by_seed() {
    let surfaces = surfaces();
    let (mut expected_count, mut found_count, mut open) = (0_u64, 0_u64, 0_u64);
    each("a_wrong_fact_disagrees_where_it_matters", |tenant, replay, mut record, seed| {
        let other = match record.request["signInConditions"]["country"].as_str() {
            Some("DE") => "KP",
            _ => "DE",
        };
        record.request["signInConditions"]["country"] = json!(other);
        record.properties()["location"]["countryOrRegion"] = json!(other);
        let names: Vec<&str> = record.satisfied.iter().map(String::as_str).collect();
        let referee = Referee {
            snapshot: &tenant.snapshot,
            surfaces: &surfaces,
            now: TAKEN_AT,
            satisfied: &names,
            is_unlocated: false,
        };
        let body = record.request.to_string();
        let possible = referee.results(&WhatIfRequest::from_json(body.as_bytes()).unwrap()).unwrap();
        let tally = judge(replay, &record.json);
        let found: BTreeSet<usize> = tally
            .differences
            .keys()
            .filter(|difference| matches!(difference, Difference::Result { .. }))
            .map(|difference| difference.policy())
            .collect();
        let entries = record.properties()["appliedConditionalAccessPolicies"].clone();
        for (policy, possible) in possible.iter().enumerate() {
            let recorded = entries[policy]["result"].as_str().unwrap();
            let is_wrong = !possible.results.contains(&recorded);
            expected_count += u64::from(is_wrong);
            found_count += u64::from(is_wrong && found.contains(&policy));
            if found.contains(&policy) {
                assert!(is_wrong, "seed {seed}: policy {policy}\n{}\n{}", record.json, tenant.json);
            } else if is_wrong {
                assert_eq!(tally.policies[policy].agree, 0, "seed {seed}: unknown, but not agreed with");
                open += 1;
            }
        }
    });
    println!("wrong countries: {expected_count} results follow from them, {found_count} found, {open} unknown");
    assert!(found_count > 0);
}

/// The tenant with one policy changed.
fn changed(tenant: &RandomTenant, seed: u64) -> Option<Snapshot> {
    let mut document: Value = serde_json::from_str(&tenant.json).unwrap();
    let policies = document.get_mut("conditionalAccessPolicies")?.as_array_mut()?;
    let at = usize::try_from(seed >> 7).unwrap() % policies.len().max(1);
    match seed % 4 {
        0 => policies.get_mut(at)?["state"] = json!("enabled"),
        1 => policies.get_mut(at)?["state"] = json!("disabled"),
        2 => {
            policies.remove(at.min(policies.len().checked_sub(1)?));
        }
        _ => policies.push(json!({
            "id": "policy-new", "displayName": "New", "state": "enabled",
            "conditions": {
                "users": { "includeUsers": ["All"] },
                "applications": { "includeApplications": ["All"] },
                "clientAppTypes": ["all"],
            },
            "grantControls": { "operator": "OR", "builtInControls": [if seed.is_multiple_of(3) { "block" } else { "mfa" }] },
        })),
    }
    snapshot_of(&document).ok()
}

/// The effect by the referee's outcomes.
fn effect_of(before: (&str, &[String]), after: (&str, &[String])) -> Option<Effect> {
    let rank =
        |outcome: &str| ["allowed", "challenge", "unsatisfiable", "blocked"].iter().position(|it| *it == outcome);
    let (old, new) = (rank(before.0)?, rank(after.0)?);
    let has_more = after.1.iter().any(|control| !before.1.contains(control));
    let has_fewer = before.1.iter().any(|control| !after.1.contains(control));
    Some(match (old, new) {
        (old, 3) if old < 3 => Effect::Blocked,
        (old, 2) if old < 2 => Effect::Unsatisfiable,
        (0, 1) => Effect::Asked,
        (1, 1) if has_more => Effect::Asked,
        (1, 1) if has_fewer => Effect::Relieved,
        (old, new) if new < old => Effect::Relieved,
        _ => Effect::Unchanged,
    })
}

#[test]
fn a_change_has_the_effect_that_the_referee_gives_it_by_seed() {
    let surfaces = surfaces();
    let mut counts = std::collections::BTreeMap::<&str, u64>::new();
    each("a_change_has_the_effect_that_the_referee_gives_it", |tenant, replay, record, seed| {
        let Some(snapshot) = changed(tenant, seed) else { return };
        let after = compiled(&snapshot);
        let forecast = Forecast::of(replay.access(), &after);
        let text = record.json.to_string();
        let read = SignInRecord::from_json(text.as_bytes()).unwrap();
        let (mut scratch, mut tally) = (ForecastScratch::default(), ForecastTally::default());
        forecast.judge(&read, 0, (&mut scratch, &mut tally));
        let effect = Effect::ALL.into_iter().find(|effect| count_of(&tally.effects, *effect) == 1).unwrap();
        *counts.entry(effect.name()).or_default() += 1;
        let names: Vec<&str> = record.satisfied.iter().map(String::as_str).collect();
        let body = record.request.to_string();
        let request = WhatIfRequest::from_json(body.as_bytes()).unwrap();
        let answer = |snapshot| {
            Referee { snapshot, surfaces: &surfaces, now: TAKEN_AT, satisfied: &names, is_unlocated: false }
                .answer(&request)
                .unwrap()
        };
        let (old, new) = (answer(&tenant.snapshot), answer(&snapshot));
        let truth = effect_of((old.outcome, &old.controls), (new.outcome, &new.controls));
        if let Some(truth) = truth
            && effect != Effect::Unknown
        {
            assert_eq!(effect, truth, "seed {seed}: {old:?}\n{new:?}\n{text}\n{}\n{}", record.request, tenant.json);
        }
        // What the log says of report-only policies is what we make of them.
        assert!(tally.report_only.values().all(|counts| counts.disagree == 0), "seed {seed}: {:?}", tally.report_only);
    });
    println!("effects of changes: {counts:?}");
    for effect in Effect::ALL {
        assert!(counts.contains_key(effect.name()), "{} occurs: {counts:?}", effect.name());
    }
    assert!(counts["unknown"] < counts.values().sum::<u64>() / 2, "most effects can be told: {counts:?}");
}

#[test]
fn a_policy_that_may_be_in_force_leaves_the_effect_open() {
    // One policy is switched on for a part of the users; its demand was once taken for granted.
    let (tenant_seed, seed) = (12_071_248_862_078_094_912, 7_078_237_872_048_155_147);
    let tenant = random_tenant(tenant_seed);
    assert!(tenant.json.contains("partialEnablementStrategy"), "the tenant is another one now: find a new seed");
    let record = random_record(&tenant, &surfaces(), RecordForm::ALL[2], seed).unwrap();
    let (before, changed) = (compiled(&tenant.snapshot), changed(&tenant, seed).unwrap());
    let after = compiled(&changed);
    let text = record.json.to_string();
    let read = SignInRecord::from_json(text.as_bytes()).unwrap();
    let (mut scratch, mut tally) = (ForecastScratch::default(), ForecastTally::default());
    Forecast::of(&before, &after).judge(&read, 0, (&mut scratch, &mut tally));
    assert_eq!(count_of(&tally.effects, Effect::Unknown), 1, "{:?}", tally.effects);
}

#[test]
fn adding_up_in_parts_is_adding_up_at_once() {
    let surfaces = surfaces();
    let has_records = |tenant: &RandomTenant| random_record(tenant, &surfaces, RecordForm::Beta, 0).is_some();
    let tenant = (11..).map(random_tenant).find(has_records).unwrap();
    let access = compiled(&tenant.snapshot);
    let replay = Replay::of(&access);
    let records: Vec<String> = (0..60)
        .filter_map(|seed| random_record(&tenant, &surfaces, RecordForm::Beta, seed))
        .map(|mut record| {
            record.properties()["appliedConditionalAccessPolicies"][0]["result"] = json!("notEnabled");
            record.json.to_string()
        })
        .collect();
    let judged = |part: &[String], first: u64| {
        let (mut scratch, mut tally) = (Scratch::default(), Tally::default());
        for (number, text) in (first..).zip(part) {
            let read = SignInRecord::from_json(text.as_bytes()).unwrap();
            replay.judge(&read, (number, text.as_bytes()), (&mut scratch, &mut tally));
        }
        tally
    };
    let whole = judged(&records, 0);
    assert!(whole.disagrees() && whole.records == records.len() as u64);
    for at in [0, 1, records.len() / 2, records.len()] {
        let (one, other) = records.split_at(at);
        let mut joined = judged(one, 0);
        joined.join(judged(other, at as u64));
        assert_eq!(joined, whole, "in two parts, cut at {at}");
    }
}
