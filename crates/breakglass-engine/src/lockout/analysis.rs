//! The analysis: compiles a tenant as what is promised and as what is possible, and asks both.

use std::collections::{BTreeMap, BTreeSet};

use super::blockers::least;
use super::compile::Compiler;
use super::component::Component;
use super::cuts::{Cuts, Family, Limits, Ways as _, minimal_cuts};
use super::goal::{Goal, Question, Stage, Surface};
use super::met::WithFailed;
use super::report::{
    Answer, Cause, Certainty, ComponentWords, Cut, LockoutReport, Order, ScenarioResult, Way, WaySession,
};
use super::scenarios::ScenarioError;
use super::settings::{CUT_COUNT_MAX, LockoutSettings, Mode, WAY_COUNT_MAX};
use super::system::{Node, System};
use super::words::words;
use super::workers::both;
use crate::access::Access;
use crate::access::identity_protection::RISK_POLICIES_RETIRED;

/// Cuts from which all ways are worked out again.
const DUAL_CUT_COUNT_MAX: usize = 400;
/// Nodes of that search.
const DUAL_NODE_COUNT_MAX: u64 = 50_000;
/// Role assignments from which it pays to give what is possible to a second processor.
const SHARED_ASSIGNMENT_COUNT_MIN: usize = 250;

/// A tenant, ready to be asked.
pub struct Analysis<'a> {
    pub(super) promised: Compiler<'a>,
    pub(super) possible: Compiler<'a>,
    pub(crate) settings: &'a LockoutSettings,
    pub(crate) access: &'a Access<'a>,
    /// Whether what is promised and what is possible are worked out side by side.
    is_shared: bool,
}

impl std::fmt::Debug for Analysis<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Analysis").finish_non_exhaustive()
    }
}

impl<'a> Analysis<'a> {
    /// Compiles a tenant for everything that a report asks.
    #[must_use]
    pub fn of(access: &'a Access<'a>, settings: &'a LockoutSettings, goal: Goal) -> Self {
        Self::of_questions(access, settings, &questions(goal), is_shared(access, settings))
    }

    /// Compiles a tenant for one question.
    #[must_use]
    pub fn of_question(access: &'a Access<'a>, settings: &'a LockoutSettings, question: Question) -> Self {
        Self::of_questions(access, settings, &[question], is_shared(access, settings))
    }

    /// The same for somebody who has work for the other processors.
    pub(crate) fn on_one_processor(access: &'a Access<'a>, settings: &'a LockoutSettings, question: Question) -> Self {
        Self::of_questions(access, settings, &[question], false)
    }

    fn of_questions(
        access: &'a Access<'a>,
        settings: &'a LockoutSettings,
        questions: &[Question],
        is_shared: bool,
    ) -> Self {
        let compiled = |mode| {
            let mut compiler = Compiler::new(access, settings, mode);
            for question in questions {
                compiler.ask(*question);
            }
            compiler
        };
        // Both always: a fact that nobody noted as unknown must not make an order certain.
        let (promised, possible) = both(is_shared, || compiled(Mode::Promised), || compiled(Mode::Possible));
        Self { promised, possible, settings, access, is_shared }
    }

    /// Lets go of everything that was compiled, which for many administrators takes its time.
    pub fn end(self) {
        let Self { promised, possible, is_shared, .. } = self;
        both(is_shared, || drop(promised), || drop(possible));
    }

    fn limits(&self, smallest_only: bool) -> Limits {
        Limits { size_max: self.settings.max_order, node_count_max: self.settings.node_count_max, smallest_only }
    }

    /// Whether there may be ways of somebody who was not looked at, so that what is possible has no bound.
    fn has_untold(&self) -> bool {
        self.promised.has_untold_applications() || self.possible.people.are_more_possible
    }

    /// The order of a question, with some components failed beforehand.
    pub fn order(&mut self, question: Question, failed: &BTreeSet<Component>) -> Order {
        let limits = self.limits(true);
        let has_untold = self.has_untold();
        let (promised, possible) = (&mut self.promised, &mut self.possible);
        let (found, possible) = both(
            self.is_shared,
            || smallest(promised, question, failed, limits),
            || if has_untold { None } else { smallest(possible, question, failed, limits).proved },
        );
        Order { possible, ..found }
    }

    /// Whether somebody gets in with some components failed: a promised way, if there is one.
    pub(super) fn way_without(&mut self, question: Question, failed: &BTreeSet<Component>) -> Option<Way> {
        let mut system = self.promised.take_system(question);
        let failed = failing(&self.promised, &system, failed);
        let told = match self.promised.ways.get(&(question, failed.clone())) {
            Some(known) => known.clone(),
            None => {
                let way = system.way_without(&failed);
                let told = way.map(|way| self.promised.way(&mut system, &way, question.goal));
                self.promised.ways.insert((question, failed), told.clone());
                told
            }
        };
        self.promised.give_back(question, system);
        told
    }

    /// The cuts and ways of a question.
    pub fn answer(&mut self, question: Question) -> Answer {
        let limits = self.limits(false);
        let has_untold = self.has_untold();
        let (promised, possible) = (&mut self.promised, &mut self.possible);
        let ((found, told, are_ways_truncated), possible) = both(
            self.is_shared,
            || ways_and_cuts(promised, question, limits),
            || {
                let (limits, nothing) = (Limits { smallest_only: true, ..limits }, BTreeSet::new());
                if has_untold { None } else { smallest(possible, question, &nothing, limits).proved }
            },
        );
        let is_shut = found.cuts.iter().any(Vec::is_empty);
        let shut: Vec<Cause> = match is_shut {
            true => least(&self.promised.blockers_of_holders(question.goal)).into_iter().collect(),
            false => Vec::new(),
        };
        let names = self.promised.components();
        let mut best = self.possible.take_system(question);
        let mut open_ways = self.possible.met.get(&question).map_or_else(Vec::new, |met| met.ways().to_vec());
        let cuts: Vec<Cut> = found
            .cuts
            .iter()
            .map(|cut| {
                let mut elements: Vec<Component> =
                    cut.iter().filter_map(|number| names.get(*number as usize)).cloned().collect();
                elements.sort_unstable();
                let is_open = has_untold || is_way_left(&mut best, &mut open_ways, &self.possible.numbers(&elements));
                let certainty = if is_open { Certainty::Possible } else { Certainty::Proved };
                // Where nobody gets in there is no way that would tell why.
                let because = match elements.is_empty() {
                    true => shut.clone(),
                    false => because(&elements, &told),
                };
                Cut { elements, because, certainty }
            })
            .collect();
        let mut cuts = cuts;
        cuts.sort_by(|one, other| {
            one.elements.len().cmp(&other.elements.len()).then_with(|| one.elements.cmp(&other.elements))
        });
        self.possible.give_back(question, best);
        let are_cuts_truncated = cuts.len() > CUT_COUNT_MAX;
        cuts.truncate(CUT_COUNT_MAX);
        Answer { order: order_of(&found, possible), cuts, are_cuts_truncated, are_ways_truncated, ways: told }
    }

    /// The whole report, without what needs the tenant to be compiled again.
    pub fn report(&mut self, goal: Goal) -> LockoutReport {
        let direct = Question { goal, surface: None, stage: Stage::Direct };
        let nothing = BTreeSet::new();
        let answer = self.answer(direct);
        let after_repair = self.order(Question { stage: Stage::AfterRepair, ..direct }, &nothing);
        let surfaces = self.surfaces(goal);
        let goals = Goal::ALL
            .into_iter()
            .filter(|other| *other != goal)
            .map(|other| (other, self.order(Question { goal: other, ..direct }, &nothing)))
            .collect();
        LockoutReport {
            goal,
            horizon: self.settings.horizon,
            assumptions: self.assumptions(),
            idle_assumptions: self.idle_assumptions(),
            direct: answer,
            after_repair,
            surfaces,
            goals,
            scenarios: Vec::new(),
            dated: Vec::new(),
            dates_left_out: None,
            unknowns: self.unknowns(),
            suggestions: Vec::new(),
            untried_change_count: 0,
            people: self.who_gets_in(direct),
            components: BTreeMap::new(),
        }
    }

    /// The order of a goal with the last step at each surface alone.
    pub(crate) fn surfaces(&mut self, goal: Goal) -> Vec<(Surface, Order)> {
        // A door that does not lead there is not one that is shut.
        let lead_there: Vec<Surface> =
            Surface::ALL.into_iter().filter(|surface| !surface.tools(goal).is_empty()).collect();
        let question = |surface: &Surface| Question { goal, surface: Some(*surface), stage: Stage::Direct };
        let questions: Vec<Question> = lead_there.iter().map(question).collect();
        let (limits, has_untold) = (self.limits(true), self.has_untold());
        let (promised, possible) = (&mut self.promised, &mut self.possible);
        let (promised, possible) = both(
            self.is_shared,
            || orders_of(promised, &questions, limits),
            || if has_untold { vec![None; questions.len()] } else { proved(orders_of(possible, &questions, limits)) },
        );
        let with_possible = |(order, possible)| Order { possible, ..order };
        lead_there.into_iter().zip(promised.into_iter().zip(possible).map(with_possible)).collect()
    }

    /// What is held up, in words.
    #[must_use]
    pub fn assumptions(&self) -> Vec<String> {
        let fallible = |id: &'static str| self.settings.fallible.contains(&Component::fixed(id));
        let mut all = vec![
            "Entra's token service issues tokens, and nobody at Microsoft has suspended the tenant".to_owned(),
            "Entra verifies passwords and one-time codes".to_owned(),
        ];
        if !fallible("svc:fido-verify") {
            all.push("Entra verifies passkeys".to_owned());
        }
        all.push("Microsoft Graph and the administration portals answer".to_owned());
        if !fallible("net:elsewhere") {
            all.push("the Internet can be reached from some network and country that no policy names".to_owned());
        }
        let snapshot = self.access.snapshot();
        if !snapshot.per_user_mfa_states.is_complete() {
            all.push("per-user multifactor authentication is off where its state is not exported".to_owned());
        }
        let own_policies = &snapshot.identity_protection_policies;
        if self.access.settings().now >= RISK_POLICIES_RETIRED {
            all.push(
                "Identity Protection's own risk policies, which Microsoft retired on 1 October 2026, demand nothing"
                    .to_owned(),
            );
        } else if !own_policies.is_complete() {
            all.push("Identity Protection's own risk policies, which are not all exported, demand nothing".to_owned());
        }
        if !snapshot.role_assignment_schedule_instances.is_complete() {
            all.push(
                "roles in `roleAssignments` are held for as long as is asked, where `roleAssignmentScheduleInstances` \
                 do not say otherwise"
                    .to_owned(),
            );
        }
        all.push("who is able to sign in is able to do what its role allows".to_owned());
        let idle = self.idle_assumptions();
        all.extend(self.settings.assumed.iter().map(|component| match idle.contains(component) {
            false => format!("{} is up (as the configuration says)", words(snapshot, self.settings, component).name),
            true => format!("`{}` is up (as the configuration says, but nothing depends on it)", component.id()),
        }));
        all
    }

    /// What the configuration holds up and nothing that was asked depends on: a slip of the pen, or of another tenant.
    /// It changes nothing, and somebody believes that it does.
    #[must_use]
    pub fn idle_assumptions(&self) -> Vec<Component> {
        let is_met = |component: &Component| self.promised.has_met(component) || self.possible.has_met(component);
        self.settings.assumed.iter().filter(|component| !is_met(component)).cloned().collect()
    }

    /// The policies in force that keep a session of a way from being begun.
    pub fn blockers(&mut self, session: &WaySession) -> Vec<Cause> {
        self.promised.blockers(session)
    }

    /// Facts that the snapshot does not tell, in words.
    #[must_use]
    pub fn unknowns(&self) -> Vec<String> {
        let of_accounts = self.settings.unresolved_accounts.iter().cloned();
        self.promised.unknowns().into_iter().chain(of_accounts).collect()
    }

    /// A component in words.
    #[must_use]
    pub fn words(&self, component: &Component) -> ComponentWords {
        words(self.access.snapshot(), self.settings, component)
    }

    /// Components in words.
    pub fn words_of<'c>(&self, components: impl Iterator<Item = &'c Component>) -> BTreeMap<Component, ComponentWords> {
        let all: BTreeSet<&Component> = components.collect();
        all.into_iter().map(|component| (component.clone(), self.words(component))).collect()
    }

    /// Whether these components are a way in what is promised.
    pub fn is_way(&mut self, question: Question, needs: &[Component]) -> bool {
        let mut system = self.promised.take_system(question);
        let up = self.promised.numbers(needs);
        // What the rules do not know any more nobody needs.
        let holds = system.holds(&up);
        self.promised.give_back(question, system);
        holds
    }

    /// Words for everything that a report names.
    pub(super) fn component_words(&self, report: &LockoutReport) -> BTreeMap<Component, ComponentWords> {
        let of_cuts = report.direct.cuts.iter().flat_map(|cut| &cut.elements);
        let of_ways = report.direct.ways.iter().flat_map(|way| &way.needs);
        let of_people = report.people.kinds.iter().flat_map(|kind| &kind.ways).flat_map(|way| &way.needs);
        let of_scenarios = report.scenarios.iter().flat_map(|scenario: &ScenarioResult| &scenario.failed);
        self.words_of(of_cuts.chain(of_ways).chain(of_people).chain(of_scenarios))
    }
}

/// The smallest cuts of what is promised, and nothing else.
pub(super) fn promised_cuts(
    access: &Access<'_>,
    settings: &LockoutSettings,
    question: Question,
    limits: Limits,
) -> Cuts {
    let mut compiler = Compiler::new(access, settings, Mode::Promised);
    minimal_cuts(&mut compiler.take_system(question), limits)
}

/// The minimal cuts of one question in one mode, by the ids of their components, each ascending and all in order of
/// size; how far the search went stands beside them.
#[must_use]
pub fn minimal_cuts_of(
    access: &Access<'_>,
    settings: &LockoutSettings,
    mode: Mode,
    question: Question,
) -> (Vec<Vec<Component>>, Order) {
    let mut compiler = Compiler::new(access, settings, mode);
    let mut system = compiler.take_system(question);
    let limits = Limits { size_max: settings.max_order, node_count_max: settings.node_count_max, smallest_only: false };
    let found = minimal_cuts(&mut system, limits);
    let names = compiler.components();
    let named = |cut: &Vec<u32>| {
        let mut named: Vec<Component> = cut.iter().filter_map(|number| names.get(*number as usize)).cloned().collect();
        named.sort_unstable();
        named
    };
    let mut cuts: Vec<Vec<Component>> = found.cuts.iter().map(named).collect();
    cuts.sort_by(|one, other| one.len().cmp(&other.len()).then_with(|| one.cmp(other)));
    let order = order_of(&found, None);
    (cuts, order)
}

/// Everything about a goal: cuts, ways, scenarios, dates, suggestions.
///
/// # Errors
/// When a scenario that is asked for does not exist, or names what the tenant does not have.
pub fn analyse(
    access: &Access<'_>,
    settings: &LockoutSettings,
    goal: Goal,
    scenarios: &[String],
) -> Result<LockoutReport, ScenarioError> {
    let mut analysis = Analysis::of(access, settings, goal);
    let mut report = analysis.report(goal);
    report.scenarios = analysis.scenarios(goal, scenarios, &report.direct.ways)?;
    (report.dated, report.dates_left_out) = analysis.dated(goal, report.direct.order);
    (report.suggestions, report.untried_change_count) = analysis.suggestions(&report);
    report.components = analysis.component_words(&report);
    Ok(report)
}

/// Everything that a report asks.
fn questions(goal: Goal) -> Vec<Question> {
    let direct = Question { goal, surface: None, stage: Stage::Direct };
    let mut all = vec![direct, Question { stage: Stage::AfterRepair, ..direct }];
    all.extend(Surface::ALL.map(|surface| Question { surface: Some(surface), ..direct }));
    all.extend(Goal::ALL.map(|goal| Question { goal, ..direct }));
    all
}

/// The numbers of failures that matter: what the goal does not depend on fails nothing.
fn failing(compiler: &Compiler<'_>, system: &System, failed: &BTreeSet<Component>) -> Vec<u32> {
    let mut failed = compiler.numbers(failed);
    failed.retain(|number| system.relevant().binary_search(number).is_ok());
    failed
}

/// Whether the analysis of a tenant is work enough for two processors, and there are two.
pub(crate) fn is_shared(access: &Access<'_>, settings: &LockoutSettings) -> bool {
    let snapshot = access.snapshot();
    let lists = [
        &snapshot.role_assignments,
        &snapshot.role_assignment_schedule_instances,
        &snapshot.role_eligibility_schedule_instances,
    ];
    let count: usize = lists.into_iter().map(|list| list.items().len()).sum();
    settings.processors.get() > 1 && count >= SHARED_ASSIGNMENT_COUNT_MIN
}

/// The cuts of what is promised, its ways as they are told, and whether there may be more ways.
fn ways_and_cuts(compiler: &mut Compiler<'_>, question: Question, limits: Limits) -> (Cuts, Vec<Way>, bool) {
    let mut system = compiler.take_system(question);
    let found = minimal_cuts(&mut system, limits);
    let (ways, are_truncated) = all_ways(&found, system.component_count());
    compiler.met.entry(question).or_default().keep(&found.ways, &found.cuts);
    let told = ways.iter().take(WAY_COUNT_MAX).map(|way| compiler.way(&mut system, way, question.goal)).collect();
    compiler.give_back(question, system);
    (found, told, are_truncated || ways.len() > WAY_COUNT_MAX)
}

/// The size of the smallest cuts in one mode, with some components failed beforehand.
fn smallest(compiler: &mut Compiler<'_>, question: Question, failed: &BTreeSet<Component>, limits: Limits) -> Order {
    let mut system = compiler.take_system(question);
    let failed = failing(compiler, &system, failed);
    let found = match compiler.orders.get(&(question, failed.clone())) {
        Some(known) => *known,
        None => {
            let mut met = compiler.met.remove(&question).unwrap_or_default();
            let mut ways = WithFailed { system: &mut system, met: &mut met, failed: &failed };
            let found = order_of(&minimal_cuts(&mut ways, limits), None);
            compiler.met.insert(question, met);
            compiler.orders.insert((question, failed), found);
            found
        }
    };
    compiler.give_back(question, system);
    found
}

/// The orders of questions that need nearly the same rules, from one system of them all.
fn orders_of(compiler: &mut Compiler<'_>, questions: &[Question], limits: Limits) -> Vec<Order> {
    let Some((mut system, goals)) = compiler.system_of_all(questions) else { return Vec::new() };
    let mut order = |goal: &Node| {
        system.ask_for(*goal);
        order_of(&minimal_cuts(&mut system, limits), None)
    };
    goals.iter().map(&mut order).collect()
}

fn proved(orders: Vec<Order>) -> Vec<Option<usize>> {
    orders.into_iter().map(|order| order.proved).collect()
}

fn order_of(found: &Cuts, possible: Option<usize>) -> Order {
    Order {
        proved: found.cuts.first().map(Vec::len),
        possible,
        searched_to: found.searched_to,
        is_exhausted: found.is_exhausted,
    }
}

/// Whether a way is left, with those that were met before to look at first.
fn is_way_left(system: &mut System, known: &mut Vec<Vec<u32>>, failed: &[u32]) -> bool {
    if known.iter().any(|way| !failed.iter().any(|failed| way.binary_search(failed).is_ok())) {
        return true;
    }
    let way = system.proof_without(failed);
    let is_left = way.is_some();
    known.extend(way);
    is_left
}

/// All minimal ways if the cuts are complete and few, as their minimal hitting sets; else those that were met.
pub(super) fn all_ways(found: &Cuts, component_count: usize) -> (Vec<Vec<u32>>, bool) {
    if !found.is_exhausted || found.cuts.len() > DUAL_CUT_COUNT_MAX {
        return (found.ways.clone(), true);
    }
    let mut family = Family { component_count, ways: found.cuts.clone() };
    let limits = Limits { size_max: usize::MAX, node_count_max: DUAL_NODE_COUNT_MAX, smallest_only: false };
    let dual = minimal_cuts(&mut family, limits);
    if dual.is_exhausted { (dual.cuts, false) } else { (found.ways.clone(), true) }
}

/// Policies and settings behind the elements of a cut, as the ways that it cuts have them.
fn because(elements: &[Component], ways: &[Way]) -> Vec<Cause> {
    let found: BTreeSet<&Cause> =
        ways.iter().flat_map(|way| elements.iter().filter_map(|element| way.because.get(element)).flatten()).collect();
    found.into_iter().cloned().collect()
}
