//! What a question leaves open: values with the same footprint stand for one another, and the outcome anywhere is
//! that of all targets.

use breakglass_engine::access::{Access, AccessSettings, Decision, PolicyState, Situation};
use breakglass_model::sign_in::{SignInConditions, WhatIfRequest};
use breakglass_testkit::seed_for;
use breakglass_testkit::tenants::{random_request, random_tenant};

use crate::support::now;

const TENANTS: u64 = 300;
const REQUESTS_PER_TENANT: u64 = 6;

/// Changes one fact of a request.
type Change = fn(&mut SignInConditions<'static>, &'static str);

const FACTS: [(Change, &[&str]); 5] = [
    (
        |conditions, text| conditions.device_platform = Some(text.into()),
        &["windows", "macOS", "linux", "iOS", "android"],
    ),
    (|conditions, text| conditions.client_app_type = Some(text.into()), &["browser", "exchangeActiveSync", "other"]),
    (|conditions, text| conditions.sign_in_risk_level = Some(text.into()), &["none", "low", "medium", "high"]),
    (|conditions, text| conditions.user_risk_level = Some(text.into()), &["none", "low", "medium", "high"]),
    (|conditions, text| conditions.country = Some(text.into()), &["US", "DE", "KP", "FR", "AQ"]),
];

fn answer(access: &Access<'_>, situation: &Situation) -> (String, Vec<usize>, Vec<usize>) {
    let mut decision = Decision::default();
    access.decide(situation, &mut decision);
    let of = |mask: &[u64]| -> Vec<usize> {
        let enabled = access.in_state(mask, PolicyState::Enabled);
        enabled.chain(access.in_state(mask, PolicyState::ReportOnly)).collect()
    };
    (format!("{:?}", decision.outcome), of(&decision.sure), of(&decision.may))
}

#[test]
fn values_with_the_same_footprint_stand_for_one_another() {
    let seed = seed_for("values_with_the_same_footprint");
    let (mut same, mut different) = (0_u32, 0_u32);
    for tenant_seed in (0..TENANTS).map(|index| seed.wrapping_add(index)) {
        let tenant = random_tenant(tenant_seed);
        let access = Access::compile(&tenant.snapshot, &AccessSettings::at(now())).unwrap();
        let bodies: Vec<String> = (0..REQUESTS_PER_TENANT)
            .map(|index| random_request(&tenant, tenant_seed.wrapping_mul(99) + index))
            .collect();
        let requests: Vec<WhatIfRequest<'static>> =
            bodies.iter().filter_map(|body| WhatIfRequest::from_json(body.clone().leak().as_bytes()).ok()).collect();
        for (change, values) in FACTS {
            for (request, other) in requests.iter().zip(requests.iter().cycle().skip(1)) {
                let with = |conditions: &WhatIfRequest<'static>, value: &'static str| {
                    let mut one =
                        WhatIfRequest { sign_in_identity: request.sign_in_identity.clone(), ..conditions.clone() };
                    change(one.sign_in_conditions.get_or_insert_default(), value);
                    access.situation(&one).ok()
                };
                for pair in values.windows(2) {
                    let here = (with(request, pair[0]), with(request, pair[1]));
                    let there = (with(other, pair[0]), with(other, pair[1]));
                    let ((Some(here_one), Some(here_two)), (Some(one), Some(two))) = (here, there) else { continue };
                    if access.footprint(&here_one) == access.footprint(&here_two) {
                        same += 1;
                        assert_eq!(answer(&access, &one), answer(&access, &two), "seed {tenant_seed}, {pair:?}");
                    } else {
                        different += 1;
                    }
                }
            }
        }
    }
    assert!(same > 1_000 && different > 1_000, "{same} and {different}");
}

#[test]
fn the_outcome_anywhere_spans_the_outcomes_of_all_targets() {
    let seed = seed_for("the_outcome_anywhere");
    let mut open = 0_u32;
    for tenant_seed in (0..TENANTS).map(|index| seed.wrapping_add(index)) {
        let tenant = random_tenant(tenant_seed);
        let access = Access::compile(&tenant.snapshot, &AccessSettings::at(now())).unwrap();
        let body = random_request(&tenant, tenant_seed);
        let request = WhatIfRequest::from_json(body.as_bytes()).unwrap();
        let Ok(situation) = access.situation(&request) else { continue };
        let targets = access.possible_targets();
        let range = access.outcome_anywhere(&situation, &targets);
        let each: Vec<_> = targets
            .iter()
            .map(|target| access.outcome(&access.to_possible_target(situation.clone(), target)))
            .collect();
        assert_eq!(Some(range.best), each.iter().map(|range| range.best).min());
        assert_eq!(Some(range.worst), each.iter().map(|range| range.worst).max());
        open += u32::from(range.known().is_none());
    }
    assert!(open > 20, "{open}");
}
