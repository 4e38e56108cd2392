//! What an answer says of itself, on random tenants: its ways are ways, its cuts hit them, its certificate holds, a
//! search that was cut short says so, and a second run says the same.

use std::collections::BTreeSet;

use breakglass_engine::access::{Access, AccessSettings};
use breakglass_engine::lockout::certificate::{Certificate, CertificateError, certificate};
use breakglass_engine::lockout::goal::Goal;
use breakglass_engine::lockout::report::{Answer, Cut, Order, Way};
use breakglass_engine::lockout::scenarios::BuiltIn;
use breakglass_engine::lockout::settings::LockoutSettings;
use breakglass_engine::lockout::{Analysis, analyse, minimal_cuts_of};
use breakglass_testkit::lockout_laws::questions;
use breakglass_testkit::lockout_referee::{Horizon, LockoutReferee, Mode, Question, Simulator};
use breakglass_testkit::lockout_tenants::{LockoutTenant, lockout_tenant};
use breakglass_testkit::{is_full, seed_for};

use crate::bridge::{question, referee_surfaces, settings};

/// Tenants of a run.
const TENANT_COUNT: u64 = 200;
/// Tenants of the long form.
const TENANT_COUNT_FULL: u64 = 2_000;

type Names = BTreeSet<String>;

fn tenants(law: &str) -> impl Iterator<Item = LockoutTenant> {
    let first = seed_for(law);
    let surfaces = referee_surfaces();
    let count = if is_full() { TENANT_COUNT_FULL } else { TENANT_COUNT };
    (0..count).map(move |at| lockout_tenant(first.wrapping_add(at), &surfaces))
}

fn access(tenant: &LockoutTenant) -> Access<'_> {
    Access::compile(&tenant.snapshot, &AccessSettings::at(tenant.settings.now)).unwrap()
}

fn names<'c>(components: impl IntoIterator<Item = &'c breakglass_engine::lockout::component::Component>) -> Names {
    components.into_iter().map(ToString::to_string).collect()
}

/// Fails unless each way is one by the simulator, and none without any one of its components.
fn ways_are_ways(tenant: &LockoutTenant, asked: Question, answer: &Answer) -> usize {
    let referee = LockoutReferee::new(&tenant.snapshot, &tenant.custody, &tenant.settings);
    let simulator: Simulator = referee.ask(asked);
    for way in &answer.ways {
        let needs = names(&way.needs);
        assert!(simulator.holds(&needs), "seed {}: {asked:?}: no way: {needs:?}\n{}", tenant.seed, tenant.json);
        for need in &needs {
            let mut others = needs.clone();
            others.remove(need);
            let is_way = simulator.holds(&others);
            assert!(!is_way, "seed {}: {asked:?}: {needs:?} without {need}\n{}", tenant.seed, tenant.json);
        }
    }
    answer.ways.len()
}

/// Fails unless each cut touches every way, and is needed whole where all ways are listed.
fn cuts_hit_ways(tenant: &LockoutTenant, asked: Question, answer: &Answer) -> usize {
    let ways: Vec<Names> = answer.ways.iter().map(|way| names(&way.needs)).collect();
    for cut in &answer.cuts {
        let elements = names(&cut.elements);
        let missed = ways.iter().find(|way| way.is_disjoint(&elements));
        assert_eq!(missed, None, "seed {}: {asked:?}: {elements:?} leaves a way\n{}", tenant.seed, tenant.json);
        let is_needed =
            |element: &String| ways.iter().any(|way| way.contains(element) && way.intersection(&elements).count() == 1);
        let is_minimal = answer.are_ways_truncated || elements.iter().all(is_needed);
        assert!(is_minimal, "seed {}: {asked:?}: more than {elements:?} needs\n{}", tenant.seed, tenant.json);
    }
    answer.cuts.len()
}

#[test]
fn whoever_has_a_way_is_among_the_people_and_what_is_told_of_them_is_true_by_seed() {
    let (mut people, mut kinds, mut ways, mut compared) = (0, 0, 0, 0);
    for tenant in tenants("whoever_has_a_way_is_among_the_people") {
        let access = access(&tenant);
        let settings = settings(&tenant, Horizon::Day);
        let report = Analysis::of(&access, &settings, Goal::FullRepair).report(Goal::FullRepair);
        let all: Vec<&String> = report.people.kinds.iter().flat_map(|kind| &kind.people).map(|(id, _)| id).collect();
        let ids: BTreeSet<&String> = all.iter().copied().collect();
        assert_eq!((ids.len(), all.len()), (all.len(), report.people.person_count), "seed {}", tenant.seed);
        let is_user =
            |id: &str| tenant.snapshot.users.items().iter().any(|user| tenant.snapshot.objects.id(user.key) == id);
        for way in report.direct.ways.iter().filter(|way| is_user(&way.user)) {
            assert!(ids.contains(&way.user), "seed {}: {}", tenant.seed, way.user);
        }
        // Two who approve each other have one way between them, which is told of one of them: so not by who is told.
        let own = |user: &str| {
            let account = format!("account:{user}");
            let has_part = |way: &&Way| way.needs.iter().any(|need| need.to_string() == account);
            let mut sizes: Vec<usize> = report.direct.ways.iter().filter(has_part).map(|way| way.needs.len()).collect();
            sizes.sort_unstable();
            sizes
        };
        for kind in &report.people.kinds {
            for way in &kind.ways {
                assert!(kind.people.iter().any(|(id, _)| *id == way.user), "seed {}: {way:?}", tenant.seed);
                let needs = &way.needs;
                let is_hit = |cut: &Cut| cut.elements.iter().any(|one| needs.contains(one));
                assert!(report.direct.cuts.iter().all(is_hit), "seed {}: no way: {needs:?}", tenant.seed);
                ways += 1;
            }
            if !report.direct.are_ways_truncated {
                let first = kind.people.first().map(|(id, _)| own(id)).unwrap_or_default();
                for (id, _) in &kind.people {
                    assert_eq!(own(id), first, "seed {}: {id} of {:?}\n{}", tenant.seed, kind.people, tenant.json);
                    compared += 1;
                }
            }
        }
        people += all.len();
        kinds += report.people.kinds.len();
    }
    println!("{people} people of {kinds} kinds, {ways} ways told, {compared} compared");
    assert!(people > 100 && kinds < people && ways > 100 && compared > 50);
}

#[test]
fn every_way_is_a_way_and_every_cut_hits_it_by_seed() {
    let (mut asked, mut ways, mut cuts, mut truncated) = (0, 0, 0, 0);
    for tenant in tenants("every_way_is_a_way_and_every_cut_hits_it") {
        let access = access(&tenant);
        // What is possible has no ways that are told.
        for one in questions(tenant.seed).into_iter().filter(|one| one.mode == Mode::Promised) {
            let settings = settings(&tenant, one.horizon);
            let (_, question) = question(one);
            let answer = Analysis::of_question(&access, &settings, question).answer(question);
            asked += 1;
            ways += ways_are_ways(&tenant, one, &answer);
            cuts += cuts_hit_ways(&tenant, one, &answer);
            truncated += usize::from(answer.are_ways_truncated);
        }
    }
    println!("{asked} questions, {ways} ways, {cuts} cuts; not all ways listed in {truncated}");
    assert!(ways > asked && truncated == 0, "small tenants have few ways");
}

/// Every set of so many of these, or of all where they are fewer.
fn subsets(of: &[&String], size: usize) -> Vec<Names> {
    match (of, size.min(of.len())) {
        (_, 0) => vec![Names::new()],
        ([], _) => Vec::new(),
        ([first, rest @ ..], size) => {
            let mut all = if rest.len() >= size { subsets(rest, size) } else { Vec::new() };
            all.extend(subsets(rest, size - 1).into_iter().map(|mut set| {
                set.insert((*first).clone());
                set
            }));
            all
        }
    }
}

/// Checks a certificate from what it holds alone, by going through every set of failures; how many that were.
fn check(proof: &Certificate<'_>) -> Result<usize, String> {
    let ways: Vec<Names> = proof.ways.iter().map(|way| names(&way.needs)).collect();
    match (proof.order, proof.cut) {
        (Some(order), Some(cut)) => {
            let cut = names(cut);
            if cut.len() != order || ways.iter().any(|way| way.is_disjoint(&cut)) {
                return Err(format!("{cut:?} is no cut of size {order}"));
            }
            if proof.survives != order.saturating_sub(1) {
                return Err(format!("order {order} survives {}", proof.survives));
            }
            if order == 0 {
                return if ways.is_empty() { Ok(0) } else { Err("a way in although the order is 0".to_owned()) };
            }
        }
        (None, None) => {}
        (order, cut) => return Err(format!("order {order:?} with the cut {cut:?}")),
    }
    let components: BTreeSet<&String> = ways.iter().flatten().collect();
    let components: Vec<&String> = components.into_iter().collect();
    let sets = subsets(&components, proof.survives);
    match sets.iter().find(|failed| ways.iter().all(|way| !way.is_disjoint(failed))) {
        None => Ok(sets.len()),
        Some(failed) => Err(format!("{failed:?} leaves no way")),
    }
}

#[test]
fn every_certificate_holds_by_seed() {
    let (mut proofs, mut sets, mut ways, mut refused) = (0, 0, 0, 0);
    let (mut doubtful, mut nothing) = (0, 0);
    for tenant in tenants("every_certificate_holds") {
        let access = access(&tenant);
        let settings = settings(&tenant, Horizon::Day);
        let report = Analysis::of(&access, &settings, Goal::FullRepair).report(Goal::FullRepair);
        let order = report.direct.order;
        let is_certain = order.proved == order.possible;
        let proof = match certificate(&report) {
            Err(CertificateError::NotCertain) if !is_certain && order.proved == Some(0) => {
                nothing += 1;
                continue;
            }
            proof => proof.unwrap_or_else(|error| panic!("seed {}: {error}", tenant.seed)),
        };
        assert_eq!(proof.order, order.proved.filter(|_| is_certain), "seed {}: {order:?}", tenant.seed);
        doubtful += u64::from(!is_certain);
        sets += check(&proof).unwrap_or_else(|why| panic!("seed {}: {why}\n{}", tenant.seed, tenant.json));
        proofs += 1;
        ways += proof.ways.len();
        // One way less than are there, or one member less in the cut, proves it no more: the proof has no more than it needs.
        if let (Some(1..), Some([_, rest @ ..])) = (proof.order, proof.cut) {
            let less = Certificate { cut: Some(rest), ..proof.clone() };
            assert!(check(&less).is_err(), "seed {}: {less:?}", tenant.seed);
            let none = Certificate { ways: Vec::new(), ..proof.clone() };
            assert!(check(&none).is_err(), "seed {}: {none:?}", tenant.seed);
            refused += 2;
        }
    }
    println!("{proofs} certificates with {ways} ways, {sets} sets of failures; {refused} spoilt ones refused");
    println!("{doubtful} without an order, since it is not certain; {nothing} refused, since nothing is promised");
    assert!(proofs + nothing >= TENANT_COUNT && refused > proofs && doubtful > 0 && nothing > 0);
}

#[test]
fn a_search_cut_short_is_an_honest_beginning_by_seed() {
    let (mut short, mut whole, mut nothing) = (0, 0, 0);
    for tenant in tenants("a_search_cut_short_is_an_honest_beginning") {
        let access = access(&tenant);
        for asked in Mode::ALL.map(Question::headline) {
            let (mode, question) = question(asked);
            let unlimited = settings(&tenant, Horizon::Day);
            let (all, order) = minimal_cuts_of(&access, &unlimited, mode, question);
            for limited in [0, 1, 2, 4, 8, 16, 40, 100, 300]
                .map(|nodes| LockoutSettings { node_count_max: nodes, ..unlimited.clone() })
            {
                let (found, said) = minimal_cuts_of(&access, &limited, mode, question);
                let nodes = limited.node_count_max;
                let context = format!("seed {}, {nodes} nodes, {said:?} of {order:?}\n{}", tenant.seed, tenant.json);
                let expected: Vec<_> = match said {
                    Order { is_exhausted: true, .. } => all.clone(),
                    Order { searched_to: Some(size), .. } => {
                        all.iter().filter(|cut| cut.len() <= size).cloned().collect()
                    }
                    Order { searched_to: None, .. } => Vec::new(),
                };
                assert_eq!(found, expected, "{context}");
                assert_eq!(said.proved, expected.first().map(Vec::len), "{context}");
                whole += usize::from(said.is_exhausted);
                short += usize::from(!said.is_exhausted);
                nothing += usize::from(said.searched_to.is_none());
            }
        }
    }
    println!("{short} searches were cut short, {nothing} of them before the first size; {whole} were not");
    assert!(short > whole / 10 && nothing > 0);
}

#[test]
fn a_second_run_says_the_same_by_seed() {
    let mut bytes = 0;
    let mut tenants = tenants("a_second_run_says_the_same");
    for tenant in tenants.by_ref().take(if is_full() { 500 } else { 50 }) {
        let report = |tenant: &LockoutTenant| {
            let access = access(tenant);
            let settings = settings(tenant, Horizon::Day);
            format!("{:#?}", analyse(&access, &settings, Goal::FullRepair, &[]).unwrap())
        };
        let text = report(&tenant);
        // Read again, so that nothing lies where it lay.
        let again = lockout_tenant(tenant.seed, &referee_surfaces());
        assert_eq!(text, report(&again), "seed {}", tenant.seed);
        bytes += text.len();
    }
    println!("{bytes} bytes of reports were the same");
}

#[test]
fn every_built_in_scenario_fails_something_in_some_tenant() {
    let mut idle: BTreeSet<&str> = BuiltIn::ALL.iter().map(|scenario| scenario.id()).collect();
    for tenant in tenants("every_built_in_scenario_fails_something") {
        let access = access(&tenant);
        let accounts = tenant.snapshot.users.items().iter().map(|user| user.key).take(2).collect();
        let settings = LockoutSettings { accounts, ..settings(&tenant, Horizon::Day) };
        let report = analyse(&access, &settings, Goal::FullRepair, &[]).unwrap();
        for id in BuiltIn::ALL.iter().map(|scenario| scenario.id()) {
            let played = report.scenarios.iter().find(|scenario| scenario.id == id);
            let played = played.unwrap_or_else(|| panic!("seed {}: `{id}` was not played", tenant.seed));
            if !played.failed.is_empty() {
                idle.remove(id);
            }
        }
        if idle.is_empty() {
            return;
        }
    }
    panic!("these fail nothing in any tenant: {idle:?}");
}
