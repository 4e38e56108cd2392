//! That the tenants are what they are meant to be.

use std::collections::BTreeMap;

use super::lockout_tenant;
use crate::lockout_referee::{LockoutReferee, Mode, Question, Stage};
use crate::tenants::sample_surfaces;

#[test]
fn the_same_seed_gives_the_same_tenant() {
    let surfaces = sample_surfaces();
    let (one, other) = (lockout_tenant(7, &surfaces), lockout_tenant(7, &surfaces));
    assert_eq!((one.json, one.custody), (other.json, other.custody));
}

#[test]
fn every_order_and_everything_that_matters_is_frequent() {
    let surfaces = sample_surfaces();
    let (mut orders, mut kinds, mut staged, mut uncertain) = (BTreeMap::new(), BTreeMap::new(), 0, 0);
    const TENANTS: u64 = 300;
    let mut table: BTreeMap<(String, bool, Option<usize>), usize> = BTreeMap::new();
    for seed in 0..TENANTS {
        let tenant = lockout_tenant(seed, &surfaces);
        let referee = LockoutReferee::new(&tenant.snapshot, &tenant.custody, &tenant.settings);
        let cuts = |question| referee.ask(question).minimal_cuts().unwrap_or_else(|many| panic!("{seed}: {many:?}"));
        let direct = cuts(Question::headline(Mode::Promised));
        let mut random = crate::tenants::random::Random::new(seed);
        let manner = random.pick(&super::MANNERS);
        random.turn_wild(25);
        *table.entry((format!("{manner:?}"), random.is_wild(), direct.first().map(Vec::len))).or_insert(0) += 1;
        *orders.entry(direct.first().map(Vec::len)).or_insert(0) += 1;
        let named: std::collections::BTreeSet<String> =
            direct.iter().flatten().map(|id| id.split('#').next().unwrap_or_default().to_owned()).collect();
        for id in named {
            let kind = if id.starts_with("svc:") || id.starts_with("policy:") {
                id.as_str()
            } else {
                id.split(':').next().unwrap()
            };
            *kinds.entry(kind.to_owned()).or_insert(0) += 1;
        }
        let after = cuts(Question { stage: Stage::AfterRepair, ..Question::headline(Mode::Promised) });
        staged += usize::from(after != direct);
        uncertain += usize::from(cuts(Question::headline(Mode::Possible)) != direct);
    }
    for (key, count) in table {
        println!("{key:?} {count}");
    }
    println!("orders {orders:?}\nkinds {kinds:?}\nchanged by a repair {staged}, by what is unknown {uncertain}");
}
