//! That the tenants are what they are meant to be.

use std::collections::{BTreeMap, BTreeSet};

use super::lockout_tenant;
use crate::lockout_referee::{LockoutReferee, Mode, Question, Stage};
use crate::tenants::sample_surfaces;

/// Enough that what is rare still comes up.
const TENANTS: u64 = 400;

#[test]
fn the_same_seed_gives_the_same_tenant() {
    let surfaces = sample_surfaces();
    let (one, other) = (lockout_tenant(7, &surfaces), lockout_tenant(7, &surfaces));
    assert_eq!((one.json, one.custody), (other.json, other.custody));
}

#[test]
fn every_order_is_frequent_and_what_is_special_matters() {
    let surfaces = sample_surfaces();
    let (mut orders, mut kinds) = (BTreeMap::new(), BTreeMap::new());
    let (mut staged, mut uncertain, mut helped, mut secrets) = (0, 0, 0, 0);
    for seed in 0..TENANTS {
        let tenant = lockout_tenant(seed, &surfaces);
        let referee = LockoutReferee::new(&tenant.snapshot, &tenant.custody, &tenant.settings);
        let simulator = |question| referee.ask(question);
        let cuts = |question| simulator(question).minimal_cuts().unwrap();
        let promised = simulator(Question::headline(Mode::Promised));
        let direct = promised.minimal_cuts().unwrap();
        *orders.entry(direct.first().map(Vec::len)).or_insert(0) += 1;
        let kind = |id: &String| match id.split_once(':') {
            Some((kind @ ("svc" | "policy" | "onprem"), rest)) => format!("{kind}:{rest}"),
            Some((kind, _)) => kind.to_owned(),
            None => id.clone(),
        };
        for kind in direct.iter().flatten().map(kind).collect::<BTreeSet<String>>() {
            *kinds.entry(kind).or_insert(0) += 1;
        }
        staged +=
            usize::from(cuts(Question { stage: Stage::AfterRepair, ..Question::headline(Mode::Promised) }) != direct);
        uncertain += usize::from(cuts(Question::headline(Mode::Possible)) != direct);
        helped += usize::from(promised.without_help().minimal_cuts().unwrap() != direct);
        secrets += usize::from(direct.iter().flatten().any(|id| id.starts_with("share:")));
    }
    println!("{TENANTS} tenants by order: {orders:?}");
    println!("tenants in whose cuts a kind of component stands: {kinds:?}");
    println!("changed by a repair {staged}, by what is unknown {uncertain}, by resets {helped}; with shares {secrets}");
    for order in 0..=4 {
        let count = orders.get(&Some(order)).copied().unwrap_or_default();
        assert!(count * 50 >= TENANTS, "order {order} in {count} of {TENANTS}");
    }
    for (what, count) in [("repair", staged), ("unknown", uncertain), ("resets", helped), ("shares", secrets)] {
        assert!(count * 30 >= TENANTS as usize, "{what} matters in {count} of {TENANTS}");
    }
    for kind in ["account", "password", "method", "svc:pim", "net", "policy:tap-enabled", "device", "onprem:sync"] {
        let count = kinds.get(kind).copied().unwrap_or_default();
        assert!(count * 80 >= TENANTS, "{kind} stands in the cuts of {count} of {TENANTS}");
    }
}
