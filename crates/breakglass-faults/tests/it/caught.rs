//! Every fault against the naive simulator, on random tenants.

use std::collections::BTreeMap;

use breakglass_faults::table::{FAULTS, Fault};
use breakglass_faults::{MISFITS, seed};
use breakglass_testkit::lockout_laws::questions;
use breakglass_testkit::lockout_referee::{LockoutReferee, Question};
use breakglass_testkit::lockout_tenants::{LockoutTenant, lockout_tenant};
use breakglass_testkit::seed_for;

use crate::bridge::{cuts, referee_surfaces};

/// By then every fault is caught.
const TENANT_COUNT_MAX: u64 = 1_000;

/// The cuts of every question that the simulator can go through.
fn simulated(tenant: &LockoutTenant) -> BTreeMap<Question, Vec<Vec<String>>> {
    let referee = LockoutReferee::new(&tenant.snapshot, &tenant.custody, &tenant.settings);
    let of = |question| Some((question, ordered(referee.ask(question).minimal_cuts().ok()?)));
    questions(tenant.seed).into_iter().filter_map(of).collect()
}

fn ordered(mut cuts: Vec<Vec<String>>) -> Vec<Vec<String>> {
    cuts.iter_mut().for_each(|cut| cut.sort());
    cuts.sort();
    cuts
}

/// The first question on which the engine, with the faults as they are switched on, and the simulator differ.
fn difference(tenant: &LockoutTenant, simulated: &BTreeMap<Question, Vec<Vec<String>>>) -> Option<Question> {
    simulated.iter().find(|(question, expected)| ordered(cuts(tenant, **question)) != **expected).map(|(one, _)| *one)
}

#[test]
fn every_fault_is_in_the_copy() {
    assert!(FAULTS.len() >= 8);
    assert!(MISFITS.is_empty(), "the engine has changed there; bring the table up to date: {MISFITS:#?}");
}

#[test]
fn every_fault_is_caught_by_seed() {
    let first = seed_for("every_fault_is_caught");
    let surfaces = referee_surfaces();
    let mut open: Vec<&Fault> = FAULTS.iter().collect();
    let mut tenants = 0;
    while !open.is_empty() && tenants < TENANT_COUNT_MAX {
        let tenant = lockout_tenant(first.wrapping_add(tenants), &surfaces);
        let simulated = simulated(&tenant);
        tenants += 1;
        seed(None);
        assert_eq!(difference(&tenant, &simulated), None, "seed {}, without a fault", tenant.seed);
        open.retain(|fault| {
            seed(Some(fault.name));
            let found = difference(&tenant, &simulated);
            if let Some(question) = found {
                let (mode, stage) = (question.mode, question.stage);
                println!("caught after {tenants} tenants: {} ({}; {mode:?}, {stage:?})", fault.what, fault.name);
            }
            found.is_none()
        });
    }
    seed(None);
    let names: Vec<&str> = open.iter().map(|fault| fault.name).collect();
    println!("{} faults, {} caught within {tenants} tenants", FAULTS.len(), FAULTS.len() - open.len());
    assert!(open.is_empty(), "not caught within {tenants} tenants: {}", names.join(", "));
}
