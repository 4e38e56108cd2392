//! The engine against the tenant: what `lockout` says of small tenants happens when real sign-ins are tried.
//!
//! A random tenant is served, components fail in it as its own faults and Graph make them fail, and everybody tries
//! every tool from every place on every device with everything that is left to them. Somebody gets in exactly where the
//! engine says so: for every set of failures where there are few, else for every minimal cut, every cut less one
//! component, and sets by chance.

mod browser;
mod choices;
mod play;
mod tenants;
mod wire;

use std::collections::BTreeSet;

use breakglass_engine::access::{Access, AccessSettings};
use breakglass_engine::lockout::component::Component;
use breakglass_engine::lockout::goal::{Goal, Question, Stage, Surface};
use breakglass_engine::lockout::minimal_cuts_of;
use breakglass_engine::lockout::settings::{LockoutSettings, Mode, OnPremisesAuthentication};
use breakglass_testkit::tenants::random::Random;
use breakglass_testkit::{is_full, seed_for};

use self::play::Play;
use self::tenants::{ASSUMED, NOW, Small, small_tenant};
use self::wire::Wire;

/// Tenants of a run, and of the long form.
const TENANT_COUNT: u64 = 6;
const TENANT_COUNT_FULL: u64 = 60;
/// The same over HTTPS.
const SERVED_COUNT: u64 = 3;
const SERVED_COUNT_FULL: u64 = 20;
/// A tenant in which somebody gets in only with what a person sets whom they helped before.
const HELPED_IN_TURN: u64 = 12_424_368_705_441_898_096;
/// Components of which every set is tried.
const EVERY_SET_COUNT_MAX: usize = 6;
/// Sets that are tried by chance, of tenants with more.
const CHANCE_COUNT: usize = 24;
/// Cuts of one question that are tried.
const CUT_COUNT_MAX: usize = 40;

type Failed = BTreeSet<String>;

/// What a run came to.
#[derive(Debug, Default)]
struct Tally {
    tenants: u64,
    questions: u64,
    cuts: u64,
    states: u64,
    sign_ins: u64,
    open: u64,
    uncertain: u64,
    told: Vec<String>,
}

/// The engine's minimal cuts, if all facts are known.
fn cuts(small: &Small, surface: Surface) -> Option<Vec<Failed>> {
    let access = Access::compile(&small.snapshot, &AccessSettings::at(NOW.parse().unwrap())).unwrap();
    let settings = LockoutSettings {
        max_order: usize::MAX,
        node_count_max: u64::MAX,
        assumed: ASSUMED.iter().map(|id| id.parse::<Component>().unwrap()).collect(),
        on_premises: Some(OnPremisesAuthentication::PasswordHash),
        ..LockoutSettings::default()
    };
    let question = Question { goal: Goal::FullRepair, surface: Some(surface), stage: Stage::Direct };
    let of = |mode: Mode| -> BTreeSet<Failed> {
        let (cuts, order) = minimal_cuts_of(&access, &settings, mode, question);
        assert!(order.is_exhausted);
        cuts.iter().map(|cut| cut.iter().map(ToString::to_string).collect()).collect()
    };
    let (promised, possible) = (of(Mode::Promised), of(Mode::Possible));
    (promised == possible).then(|| promised.into_iter().collect())
}

/// The sets of failures that are tried.
fn states(random: &mut Random, components: &[String], cuts: &[Failed]) -> BTreeSet<Failed> {
    let pick = |chosen: &dyn Fn(usize) -> bool| -> Failed {
        components.iter().enumerate().filter(|(at, _)| chosen(*at)).map(|(_, one)| one.clone()).collect()
    };
    if components.len() <= EVERY_SET_COUNT_MAX {
        return (0..1_usize << components.len()).map(|set| pick(&|at| set >> at & 1 == 1)).collect();
    }
    let mut states = BTreeSet::from([Failed::new()]);
    for cut in cuts.iter().take(CUT_COUNT_MAX) {
        states.insert(cut.clone());
        states.extend(cut.iter().map(|spared| cut.iter().filter(|one| *one != spared).cloned().collect::<Failed>()));
    }
    for _ in 0..CHANCE_COUNT {
        let percent = random.pick(&[15, 30, 50]);
        let drawn: Vec<bool> = components.iter().map(|_| random.chance(percent)).collect();
        states.insert(pick(&|at| drawn.get(at).copied().unwrap_or_default()));
    }
    states
}

impl Tally {
    fn try_tenant(&mut self, seed: u64, wire: impl FnOnce(&Small) -> Wire) {
        let small = small_tenant(seed);
        self.tenants += 1;
        let mut play = Play::new(&small, wire(&small));
        for surface in [Surface::Graph, Surface::Portal, Surface::Azure, Surface::M365] {
            let Some(cuts) = cuts(&small, surface) else {
                self.uncertain += 1;
                continue;
            };
            self.questions += 1;
            self.cuts += u64::try_from(cuts.len()).unwrap();
            let mut random = Random::new(seed ^ 0x5e7);
            for failed in states(&mut random, &small.components, &cuts) {
                let is_cut = cuts.iter().any(|cut| cut.is_subset(&failed));
                let way = play.way(surface, &failed);
                self.states += 1;
                self.open += u64::from(way.is_some());
                if way.is_some() == is_cut {
                    self.told.push(format!(
                        "seed {seed}, {surface:?}, failed {failed:?}: the engine says {}, but {}\n{}",
                        if is_cut { "that nobody gets in" } else { "that somebody gets in" },
                        way.unwrap_or_else(|| "nobody does".to_owned()),
                        small.json,
                    ));
                }
            }
        }
        self.sign_ins += play.sign_in_count;
    }

    fn must_agree(&self) {
        let Self { tenants, questions, cuts, states, sign_ins, open, uncertain, told } = self;
        println!(
            "{tenants} tenants, {questions} questions, {cuts} minimal cuts, {states} sets of failures ({open} let somebody \
             in), {sign_ins} sign-ins, {uncertain} questions not certain, {} differences",
            told.len()
        );
        assert!(told.is_empty(), "{}", told.iter().take(3).cloned().collect::<Vec<_>>().join("\n\n"));
        assert!(uncertain * 10 < *questions, "nearly everything is known");
        assert!(open * 5 > *states && (states - open) * 5 > *states, "both happen often");
    }
}

#[test]
fn what_the_engine_says_happens_by_seed() {
    let first = seed_for("what_the_engine_says_happens");
    let mut tally = Tally::default();
    for seed in 0..if is_full() { TENANT_COUNT_FULL } else { TENANT_COUNT } {
        tally.try_tenant(first.wrapping_add(seed), |small| Wire::in_process("differential", small));
    }
    tally.must_agree();
}

#[test]
fn who_was_helped_helps_in_turn() {
    let mut tally = Tally::default();
    tally.try_tenant(HELPED_IN_TURN, |small| Wire::in_process("differential-in-turn", small));
    assert!(tally.told.is_empty() && tally.cuts > 0, "{:?}", tally.told);
}

#[test]
fn what_the_engine_says_happens_over_https_by_seed() {
    let first = seed_for("what_the_engine_says_happens_over_https");
    let mut tally = Tally::default();
    for seed in 0..if is_full() { SERVED_COUNT_FULL } else { SERVED_COUNT } {
        tally.try_tenant(first.wrapping_add(seed), |small| Wire::over_https("differential", small));
    }
    tally.must_agree();
}
