//! Two who work on one tenant at the same time: their requests are mixed in an order that is chosen here, so that each order
//! can be had again.

use std::error::Error as _;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use breakglass_ops::ports::{InMemoryStore, Store};
use breakglass_ops::setup::plan::Plan;
use breakglass_ops::setup::{self, Applied, Applier, ApplyError, Objection, Wanted};
use breakglass_testkit::{is_full, seed_for};

use super::referee::State;
use super::script::Script;
use super::world::{GROUP, SECOND, Scene, Template, World};

/// Orders that are drawn in the usual form, and in the long one.
const ORDER_COUNT: u64 = 3;
const ORDER_COUNT_FULL: u64 = 100;
/// Turns that one goes on alone before the other goes to the end: up to so many, and of these each so many-th in the usual
/// form.
const TURN_COUNT_ALONE_MAX: usize = 60;
const TURN_STEP: usize = 12;
/// The name of the other plan's group.
const OTHER_GROUP: &str = "Break glass";

type Ended = Result<Applied, ApplyError>;

/// Lets two go on in turns, as `choose` says at each turn: whether it is the first one's.
fn mixed(
    (one, other): (impl Future<Output = Ended>, impl Future<Output = Ended>),
    mut choose: impl FnMut(usize) -> bool,
) -> (Ended, Ended) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (mut of_one, mut of_other) = (None, None);
    let mut context = Context::from_waker(Waker::noop());
    let mut go = |future: Pin<&mut dyn Future<Output = Ended>>, ended: &mut Option<Ended>| {
        if let Poll::Ready(value) = future.poll(&mut context) {
            *ended = Some(value);
        }
    };
    let mut turn = 0;
    while of_one.is_none() || of_other.is_none() {
        let is_first = of_other.is_some() || (of_one.is_none() && choose(turn));
        turn += 1;
        if is_first {
            go(one.as_mut(), &mut of_one);
        } else {
            go(other.as_mut(), &mut of_other);
        }
    }
    (of_one.unwrap(), of_other.unwrap())
}

/// Somebody who applies a plan.
struct Operator<'w> {
    script: Script<'w>,
    plan: &'w Plan,
}

impl<'w> Operator<'w> {
    fn new(world: &'w World, plan: &'w Plan) -> Self {
        Self { script: Script::new(world, None, &[]), plan }
    }

    async fn applies(&self, store: &dyn Store) -> Ended {
        let applier = Applier {
            directory: &self.script,
            clock: &*self.script.world.clock,
            store,
            passwords: &self.script,
            tell: &|_, _| {},
        };
        applier.apply(self.plan).await
    }
}

fn told(ended: &Ended) -> String {
    match ended {
        Ok(_) => "whole".to_owned(),
        Err(error) => format!("{error}: {:?}", error.source().map(ToString::to_string)),
    }
}

/// Whether this is the password, even where a policy asks for more.
fn is_password(world: &World, password: &str) -> bool {
    world.signs_in((SECOND, password)).err().is_none_or(|why| !why.contains("AADSTS50126"))
}

/// What does not hold after two were at work, whatever their plans were.
fn fault(first: &State, world: &World, operators: [(&Operator<'_>, &Ended); 2]) -> Option<String> {
    let now = State::of(world);
    let made: Vec<&String> = now.groups.keys().filter(|id| !first.groups.contains_key(*id)).collect();
    let mut excluded: Vec<String> = Vec::new();
    for (id, policy) in &now.policies {
        let list = |policy: &serde_json::Value| {
            let list = policy["conditions"]["users"]["excludeGroups"].as_array().cloned().unwrap_or_default();
            list.iter().map(|group| group.as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let (before, after) = (list(first.policies.get(id)?), list(policy));
        if before.iter().any(|group| !after.contains(group)) {
            return Some(format!("{policy} lost an exclusion"));
        }
        excluded.extend(after.into_iter().filter(|group| !before.contains(group)));
    }
    excluded.sort();
    excluded.dedup();
    if let Some(group) = excluded.iter().find(|group| !made.contains(group) && !first.groups.contains_key(*group)) {
        return Some(format!("{group} is excluded and is nobody's"));
    }
    let is_there = |(id, user): (&String, &serde_json::Value)| {
        now.users.get(id).is_some_and(|one| one["accountEnabled"] == user["accountEnabled"])
    };
    if !first.users.iter().all(is_there) || !first.assignments.is_subset(&now.assignments) {
        return Some("somebody who could sign in cannot any more".to_owned());
    }
    let has_second = now.users.values().any(|user| user["userPrincipalName"] == SECOND);
    let has = |(operator, _): &(&Operator<'_>, &Ended)| is_password(world, &operator.script.second_password());
    if has_second && !operators.iter().any(has) {
        return Some("nobody has the password".to_owned());
    }
    for one in &operators {
        let has_made = one.1.as_ref().is_ok_and(|applied| applied.done.contains(&format!("create-account:{SECOND}")));
        if has_made && one.0.script.has_prepared() && !has(one) {
            return Some("somebody who came to the end has a password that is none".to_owned());
        }
        // Who stops says so of a step or of the tenant.
        if let Err(ApplyError::Directory(error)) = one.1 {
            return Some(error.to_string());
        }
    }
    None
}

/// What is left of the plan of somebody who came to the end.
fn left(world: &World, wanted: &Wanted, ended: &Ended) -> Option<String> {
    ended.as_ref().ok()?;
    match setup::plan(&world.snapshot(), wanted, world.now()) {
        Ok(plan) if plan.steps.is_empty() => None,
        // Somebody else made another one, and stopped.
        Err(objections) if matches!(objections.as_slice(), [Objection::ManyGroups { .. }]) => None,
        Ok(plan) => Some(format!("{} is left to do", plan.steps[0].key)),
        Err(objections) => Some(objections[0].to_string()),
    }
}

/// Pseudo-random bits, the same for the same seed.
fn draws(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

#[derive(Default)]
struct Counts {
    runs: usize,
    both: usize,
    one: usize,
    none: usize,
    overwritten: usize,
}

impl Counts {
    fn add(&mut self, ended: &(Ended, Ended)) {
        self.runs += 1;
        match (ended.0.is_ok(), ended.1.is_ok()) {
            (true, true) => self.both += 1,
            (false, false) => self.none += 1,
            _ => self.one += 1,
        }
    }
}

/// Orders in which one goes on alone for a while, then the other to the end, and orders that are drawn.
fn orders(test: &str) -> Vec<Box<dyn FnMut(usize) -> bool>> {
    let seed = seed_for(test);
    let mut orders: Vec<Box<dyn FnMut(usize) -> bool>> = Vec::new();
    for alone in (0..TURN_COUNT_ALONE_MAX).step_by(if is_full() { 1 } else { TURN_STEP }) {
        orders.push(Box::new(move |turn| turn < alone));
    }
    for count in 0..if is_full() { ORDER_COUNT_FULL } else { ORDER_COUNT } {
        let mut draw = draws(seed.wrapping_add(count) | 1);
        // Some orders change at every turn, others seldom.
        let often = 1 + draw() % 8;
        let mut is_first = true;
        orders.push(Box::new(move |_| {
            if draw().is_multiple_of(often) {
                is_first = !is_first;
            }
            is_first
        }));
    }
    orders
}

fn each_order((test, scene): (&str, Scene), other: impl Fn(&Template) -> (Plan, Wanted), is_shared: bool) {
    let template = Template::new(scene, test);
    let (other_plan, other_wanted) = other(&template);
    let mut counts = Counts::default();
    for (at, mut order) in orders(test).into_iter().enumerate() {
        let world = template.world();
        let first = State::of(&world);
        let (one, other) = (Operator::new(&world, &template.plan), Operator::new(&world, &other_plan));
        let (store, other_store) = (InMemoryStore::default(), InMemoryStore::default());
        let other_store = if is_shared { &store } else { &other_store };
        let mut ended = mixed((one.applies(&store), other.applies(other_store)), &mut order);
        counts.add(&ended);
        // Whoever stopped runs the same again, one after the other.
        for _ in 0..2 {
            let lost =
                left(&world, &template.scene.wanted(), &ended.0).or_else(|| left(&world, &other_wanted, &ended.1));
            // Graph changes a policy without asking whether it is still what was read: of two who change one in the same
            // moment the later wins, and is told at the next policy.
            let is_told = template.plan != other_plan && (ended.0.is_err() || ended.1.is_err());
            counts.overwritten += usize::from(lost.is_some() && is_told);
            let lost = lost.filter(|_| !is_told);
            if let Some(fault) = fault(&first, &world, [(&one, &ended.0), (&other, &ended.1)]).or(lost) {
                panic!(
                    "{}, order {at}: {fault}\n{}\n{}\n{}\n{}",
                    scene.name(),
                    told(&ended.0),
                    told(&ended.1),
                    one.script.told(),
                    other.script.told()
                );
            }
            if ended.0.is_err() {
                ended.0 = super::world::run(one.applies(&store));
            }
            if ended.1.is_err() {
                ended.1 = super::world::run(other.applies(other_store));
            }
        }
        if is_shared {
            assert!(ended.0.is_ok() || State::of(&world).carriers().len() > 1, "order {at}: {}", told(&ended.0));
        }
    }
    let Counts { runs, both, one, none, overwritten } = counts;
    println!(
        "{test} {}: {runs} orders; both came to the end in {both}, one in {one}, none in {none}; {overwritten} times the \
         later of two plans undid a policy of the other, and said so",
        scene.name(),
    );
}

#[test]
fn two_with_the_same_plan_and_a_store_each_in_many_orders_by_seed() {
    for scene in Scene::ALL {
        let same = |template: &Template| (template.plan.clone(), scene.wanted());
        each_order(("same-plan", scene), same, false);
    }
}

#[test]
fn two_with_the_same_plan_and_one_store_in_many_orders_by_seed() {
    for scene in Scene::ALL {
        let same = |template: &Template| (template.plan.clone(), scene.wanted());
        each_order(("same-store", scene), same, true);
    }
}

#[test]
fn two_with_different_plans_in_many_orders_by_seed() {
    for scene in Scene::ALL {
        let other = |template: &Template| {
            let wanted = Wanted { group: OTHER_GROUP.to_owned(), ..Scene::Fresh.wanted() };
            assert_ne!(OTHER_GROUP, GROUP);
            let world = template.world();
            (setup::plan(&world.snapshot(), &wanted, world.now()).unwrap(), wanted)
        };
        each_order(("other-plan", scene), other, false);
    }
}
