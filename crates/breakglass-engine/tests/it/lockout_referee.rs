//! The lockout analysis against the naive simulator: the same minimal cuts at every size, for every question.

use breakglass_testkit::lockout_laws::{Tally, compare};
use breakglass_testkit::lockout_tenants::{lockout_tenant, with_users_not_exported};
use breakglass_testkit::{is_full, seed_for};

use crate::bridge::{cuts, referee_surfaces};

/// Tenants of a run.
const TENANT_COUNT: u64 = 200;
/// Tenants of the long form.
const TENANT_COUNT_FULL: u64 = 4_000;

#[test]
fn every_minimal_cut_is_that_of_the_simulator_by_seed() {
    let seed = seed_for("every_minimal_cut_is_that_of_the_simulator");
    let count = if is_full() { TENANT_COUNT_FULL } else { TENANT_COUNT };
    let tally: Tally = compare(seed, count, &referee_surfaces(), &mut |tenant, asked| Some(cuts(tenant, asked)));
    println!("{tally}");
    tally.must_agree();
}

#[test]
fn nor_do_they_differ_where_users_are_not_exported_by_seed() {
    let first = seed_for("nor_do_they_differ_where_users_are_not_exported");
    let count = if is_full() { TENANT_COUNT_FULL } else { TENANT_COUNT };
    let surfaces = referee_surfaces();
    let mut tally = Tally::default();
    for at in 0..count {
        let tenant = with_users_not_exported(&lockout_tenant(first.wrapping_add(at), &surfaces));
        tally.compare_tenant(&tenant, &mut |tenant, asked| Some(cuts(tenant, asked)));
    }
    println!("{tally}");
    tally.must_agree();
    assert!(tally.uncertain > count / 4, "what is not exported matters");
}
