//! The compiled evaluator against the plain one: the same answer on every random pair of tenant and sign-in.
//!
//! Compared are the outcome, what is still demanded, the policies that apply, would apply and may apply, and per
//! policy whether it applies and the first condition that is not met. Requests that one refuses the other refuses.

use breakglass_engine::access::{Access, AccessSettings, Decision, bits};
use breakglass_model::sign_in::WhatIfRequest;
use breakglass_model::snapshot::Snapshot;
use breakglass_testkit::referee::{RefereeAnswer, what_if};
use breakglass_testkit::tenants::{random_request, random_tenant};
use breakglass_testkit::{is_full, seed_for};

use crate::bridge::referee_surfaces;

const REQUESTS_PER_TENANT: u64 = 50;

fn now() -> jiff::Timestamp {
    "2026-11-22T00:00:00Z".parse().unwrap()
}

/// The engine's answer in the referee's form.
fn engine_answer(access: &Access<'_>, request: &WhatIfRequest<'_>) -> Result<RefereeAnswer, String> {
    let situation = access.situation(request).map_err(|error| error.to_string())?;
    let mut decision = Decision::default();
    access.decide(&situation, &mut decision);
    assert_eq!(access.outcome(&situation), decision.outcome, "the two ways to an outcome");
    assert_eq!(access.outcome_with(&situation, &[]).0, decision.outcome, "of somebody who has satisfied nothing");
    let applied = access.applied(&decision);
    let id = |index: usize| access.policies()[index].id.to_string();
    let ids = |mask: &[u64]| -> Vec<String> {
        mask.iter().enumerate().flat_map(|(word, mask)| bits(*mask).map(move |bit| id(word * 64 + bit))).collect()
    };
    let mut unmet = Vec::new();
    access.unmet(&decision, situation.grant, &mut unmet);
    Ok(RefereeAnswer {
        outcome: decision.outcome.name(),
        controls: unmet.iter().map(|index| access.control_names()[usize::from(*index)].clone()).collect(),
        applied: ids(&applied.enabled),
        report_only: ids(&applied.report_only),
        unknown: ids(&applied.unknown),
        policies: access
            .analyse(&situation)
            .into_iter()
            .map(|analysis| (id(analysis.policy), analysis.applies.known(), analysis.reason.name()))
            .collect(),
    })
}

fn access(snapshot: &Snapshot) -> Access<'_> {
    Access::compile(snapshot, &AccessSettings::at(now())).unwrap()
}

#[test]
fn compiled_and_plain_answers_agree_by_seed() {
    let seed = seed_for("compiled_and_plain_answers_agree");
    let tenants: u64 = if is_full() { 100_000 } else { 6_000 };
    let surfaces = referee_surfaces();
    let (mut answered, mut refused) = (0_u64, 0_u64);
    for tenant_seed in (0..tenants).map(|index| seed.wrapping_add(index)) {
        let tenant = random_tenant(tenant_seed);
        let access = access(&tenant.snapshot);
        for index in 0..REQUESTS_PER_TENANT {
            let body = random_request(&tenant, tenant_seed.wrapping_mul(1_000).wrapping_add(index));
            let Ok(request) = WhatIfRequest::from_json(body.as_bytes()) else {
                refused += 1;
                continue;
            };
            let plain = what_if(&tenant.snapshot, &request, &surfaces, now());
            match (engine_answer(&access, &request), plain) {
                (Ok(engine), Ok(plain)) => {
                    answered += 1;
                    let mut plain = plain;
                    // The engine says why it could not tell where the plain one gives the reason it stopped at.
                    for (engine, plain) in engine.policies.iter().zip(&mut plain.policies) {
                        if engine.1.is_none() && plain.1.is_none() {
                            plain.2 = engine.2;
                        }
                    }
                    for ((engine, plain), policy) in engine.policies.iter().zip(&plain.policies).zip(access.policies())
                    {
                        assert_eq!(
                            engine, plain,
                            "tenant seed {tenant_seed}, request {body}\npolicy {}",
                            policy.source
                        );
                    }
                    assert_eq!(engine, plain, "tenant seed {tenant_seed}, request {body}\ntenant {}", tenant.json);
                }
                (Err(_), Err(_)) => refused += 1,
                (engine, plain) => {
                    panic!("seed {tenant_seed}: {body}\nengine {engine:?}\nplain {plain:?}\n{}", tenant.json)
                }
            }
        }
    }
    println!(
        "compiled and plain answers agree: {tenants} tenants, {answered} sign-ins answered, {refused} refused by both"
    );
    assert!(answered > refused, "most requests are fit to be answered");
}

#[test]
fn counts_over_all_users_are_the_sums_of_single_outcomes_by_seed() {
    let seed = seed_for("counts_over_all_users");
    let tenants: u64 = if is_full() { 10_000 } else { 500 };
    let mut pairs = 0_u64;
    for tenant_seed in (0..tenants).map(|index| seed.wrapping_add(index)) {
        let tenant = random_tenant(tenant_seed);
        let access = access(&tenant.snapshot);
        let bodies: Vec<String> =
            (0..80).map(|index| random_request(&tenant, tenant_seed.wrapping_mul(77).wrapping_add(index))).collect();
        let requests = bodies.iter().filter_map(|body| WhatIfRequest::from_json(body.as_bytes()).ok());
        let requests = requests.filter(|request| request.sign_in_identity.external_user_type.is_none());
        let requests = requests.filter(|request| request.sign_in_identity.service_principal_id.is_none());
        let situations: Vec<_> = requests.filter_map(|request| access.situation(&request).ok()).take(64).collect();
        let counts = access.count_outcomes(&situations);
        assert_eq!(counts.len(), situations.len());
        for (situation, count) in situations.iter().zip(counts) {
            let mut single = [0_u64; 5];
            for user in tenant.snapshot.users.items() {
                pairs += 1;
                let outcome = access.outcome(&access.by_user(situation.clone(), user.key));
                single[outcome.known().map_or(4, |known| known as usize)] += 1;
            }
            let counted = [count.allowed, count.challenge, count.unsatisfiable, count.blocked, count.unknown];
            assert_eq!(counted, single, "tenant seed {tenant_seed}");
        }
    }
    println!("counts agree: {tenants} tenants, {pairs} pairs of user and situation");
}
