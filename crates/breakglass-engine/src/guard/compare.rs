//! Before and after: what a change does to the ways in.
//!
//! The tenant may be changed in place between the two, so what has to be known of it before is kept by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use breakglass_model::named_location::NamedLocation;
use breakglass_model::policy::{ConditionalAccessPolicy, ConditionalAccessPolicyState, known_after_apply};
use breakglass_model::snapshot::{ObjectRow, Snapshot};

use super::{Counterexample, GuardReport, ScenarioChange, SurfaceChange, Verdict, verdict};
use crate::access::{Access, AccessError, AccessSettings};
use crate::lockout::analysis::{Analysis, is_shared};
use crate::lockout::blockers::least;
use crate::lockout::component::Component;
use crate::lockout::explain::SECURITY_DEFAULTS;
use crate::lockout::goal::{Goal, Question, Stage, Surface};
use crate::lockout::report::{Answer, Cause, Certainty, ComponentWords, Order, ScenarioResult, Way};
use crate::lockout::scenarios::ScenarioError;
use crate::lockout::settings::LockoutSettings;
use crate::lockout::words::listed;
use crate::lockout::workers::both;

/// Ways that are listed as lost or gained.
const WAY_COUNT_MAX: usize = 40;
/// People who are named in a sentence; the rest are counted.
const NAMED_COUNT_MAX: usize = 3;
/// Stands for guests where users are excluded, and is nobody's id.
const GUESTS: &str = "GuestsOrExternalUsers";

/// What is kept of a tenant before it is changed.
#[derive(Debug, Clone)]
pub struct Before {
    goal: Goal,
    answer: Answer,
    scenarios: Vec<ScenarioResult>,
    surfaces: Vec<(Surface, Order)>,
    components: BTreeMap<Component, ComponentWords>,
    /// Ids of the policies in force.
    in_force: BTreeSet<String>,
}

impl Before {
    /// Looks at a tenant before the change.
    ///
    /// # Errors
    /// When a scenario of the configuration names what the tenant does not have.
    pub fn of(access: &Access<'_>, settings: &LockoutSettings, goal: Goal) -> Result<Self, ScenarioError> {
        Self::seen(Analysis::of_question(access, settings, direct(goal)), goal)
    }

    fn seen(mut analysis: Analysis<'_>, goal: Goal) -> Result<Self, ScenarioError> {
        let answer = analysis.answer(direct(goal));
        analysis.check_own_scenarios()?;
        let scenarios = analysis.standing_scenarios(goal, &answer.ways);
        let surfaces = analysis.surfaces(goal);
        let components = analysis.words_of(answer.ways.iter().flat_map(|way| &way.needs));
        let is_in_force = |policy: &&ConditionalAccessPolicy| {
            policy.state == ConditionalAccessPolicyState::Enabled && !policy.is_deleted
        };
        let in_force =
            analysis.access.policies().iter().filter(is_in_force).map(|policy| policy.id.as_str().to_owned());
        let in_force = in_force.collect();
        analysis.end();
        Ok(Self { goal, answer, scenarios, surfaces, components, in_force })
    }

    /// The order before the change.
    #[must_use]
    pub const fn order(&self) -> Order {
        self.answer.order
    }
}

/// What the change is, beside the tenant after it.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// What changes, in words.
    pub words: Vec<String>,
    /// Ids of the policies that are new or different.
    pub policies: Vec<String>,
    /// What has to be said about it.
    pub notes: Vec<String>,
    /// What of it could not be looked at and may decide who gets in.
    pub unknowns: Vec<String>,
}

/// A tenant after the change, looked at as [`Before`] was.
#[derive(Debug)]
pub struct After<'a> {
    analysis: Analysis<'a>,
    goal: Goal,
    answer: Answer,
    scenarios: Vec<ScenarioResult>,
    surfaces: Vec<(Surface, Order)>,
}

impl<'a> After<'a> {
    /// Looks at a tenant after the change.
    #[must_use]
    pub fn of(access: &'a Access<'a>, settings: &'a LockoutSettings, goal: Goal) -> Self {
        Self::seen(Analysis::of_question(access, settings, direct(goal)), goal)
    }

    fn seen(mut analysis: Analysis<'a>, goal: Goal) -> Self {
        let answer = analysis.answer(direct(goal));
        let scenarios = analysis.standing_scenarios(goal, &answer.ways);
        let surfaces = analysis.surfaces(goal);
        Self { analysis, goal, answer, scenarios, surfaces }
    }

    /// Compares with what was before.
    pub fn compare(&mut self, before: &Before, change: Change, floor: usize) -> GuardReport {
        let Self { analysis, goal, answer, scenarios, surfaces } = self;
        let (after, settings, goal) = (analysis.access, analysis.settings, *goal);
        let lost: Vec<Way> =
            before.answer.ways.iter().filter(|way| !analysis.is_way(direct(goal), &way.needs)).cloned().collect();
        let gained: Vec<Way> = answer.ways.iter().filter(|way| is_new(way, &before.answer.ways)).cloned().collect();
        let counterexample = counterexample(before, (answer, &lost), &change.policies, analysis);
        let mut notes = change.notes;
        notes.extend(excluding_nobody(after, &change.policies));
        // One that is switched off changes something, and it is told among the changes.
        let waiting: Vec<String> =
            change.policies.iter().filter(|id| !before.in_force.contains(*id)).cloned().collect();
        notes.extend(would_constrain(after, settings, &waiting, answer.order, goal));
        let mut components = before.components.clone();
        components.extend(analysis.words_of(
            answer.ways.iter().flat_map(|way| &way.needs).chain(counterexample.iter().flat_map(|one| &one.failed)),
        ));
        let is_truncated = |list: &[Way]| list.len() > WAY_COUNT_MAX;
        let are_ways_truncated = before.answer.are_ways_truncated
            || answer.are_ways_truncated
            || is_truncated(&lost)
            || is_truncated(&gained);
        GuardReport {
            goal,
            horizon: settings.horizon,
            before: before.answer.order,
            after: answer.order,
            floor,
            verdict: match verdict(before.answer.order, answer.order, floor) {
                // A harm is one whatever else changes; that there is none cannot be told of half a change.
                Verdict::Same | Verdict::Better if !change.unknowns.is_empty() => Verdict::Unknown,
                verdict => verdict,
            },
            changes: change.words,
            counterexample,
            lost: lost.into_iter().take(WAY_COUNT_MAX).collect(),
            gained: if before.answer.are_ways_truncated {
                Vec::new()
            } else {
                gained.into_iter().take(WAY_COUNT_MAX).collect()
            },
            are_ways_truncated,
            surfaces: before
                .surfaces
                .iter()
                .zip(surfaces)
                .map(|((surface, before), (_, after))| SurfaceChange {
                    surface: *surface,
                    before: *before,
                    after: *after,
                })
                .collect(),
            scenarios: changed(&before.scenarios, scenarios),
            notes,
            unknowns: change.unknowns.into_iter().chain(awaited_locations(after)).chain(analysis.unknowns()).collect(),
            assumptions: analysis.assumptions(),
            idle_assumptions: analysis.idle_assumptions(),
            components,
        }
    }
}

/// Compiles a tenant as it was, with these policies, and as it is, side by side where there are two processors.
///
/// # Errors
/// When there are too many policies.
pub fn compile_both<'a>(
    snapshot: &'a Snapshot,
    was: &'a [ConditionalAccessPolicy],
    access: &AccessSettings,
    processors: NonZeroUsize,
) -> Result<(Access<'a>, Access<'a>), AccessError> {
    let (was, is) = both(
        processors.get() > 1,
        || Access::compile_with(snapshot, was, access),
        || Access::compile(snapshot, access),
    );
    Ok((was?, is?))
}

/// Looks at a tenant before and after a change, side by side where that is worth it. Both are at hand at once where the
/// policies alone change ([`Access::compile_with`]); each is then looked at on one processor.
///
/// # Errors
/// When a scenario of the configuration names what the tenant does not have.
pub fn before_and_after<'a>(
    (was, is): (&Access<'_>, &'a Access<'a>),
    settings: &'a LockoutSettings,
    goal: Goal,
) -> Result<(Before, After<'a>), ScenarioError> {
    let question = direct(goal);
    let (before, after) = both(
        is_shared(was, settings),
        || Before::seen(Analysis::on_one_processor(was, settings, question), goal),
        || After::seen(Analysis::on_one_processor(is, settings, question), goal),
    );
    Ok((before?, after))
}

/// Compares a tenant after a change with what it was before.
#[must_use]
pub fn compare(
    before: &Before,
    after: &Access<'_>,
    settings: &LockoutSettings,
    change: Change,
    floor: usize,
) -> GuardReport {
    let mut seen = After::of(after, settings, before.goal);
    let report = seen.compare(before, change, floor);
    seen.analysis.end();
    report
}

const fn direct(goal: Goal) -> Question {
    Question { goal, surface: None, stage: Stage::Direct }
}

/// Whether a way holds nothing that was a way before.
fn is_new(way: &Way, before: &[Way]) -> bool {
    !before.iter().any(|old| old.needs.iter().all(|need| way.needs.contains(need)))
}

/// Scenarios that end otherwise.
fn changed(before: &[ScenarioResult], after: &[ScenarioResult]) -> Vec<ScenarioChange> {
    let differs = |one: &ScenarioResult, other: &ScenarioResult| {
        (one.survives, one.order_left.proved, one.order_left.possible)
            != (other.survives, other.order_left.proved, other.order_left.possible)
    };
    after
        .iter()
        .filter_map(|after| Some((before.iter().find(|before| before.id == after.id)?, after)))
        .filter(|(before, after)| differs(before, after))
        .map(|(before, after)| ScenarioChange {
            id: after.id.clone(),
            title: after.title.clone(),
            before: before.order_left,
            after: after.order_left,
            by: after.by.clone(),
        })
        .collect()
}

/// The smallest failures that shut everybody out now and did not before.
fn counterexample(
    before: &Before,
    (after, lost): (&Answer, &[Way]),
    changed: &[String],
    analysis: &mut Analysis<'_>,
) -> Option<Counterexample> {
    let was_cut = |elements: &[Component]| {
        before.answer.cuts.iter().any(|cut| cut.elements.iter().all(|element| elements.contains(element)))
    };
    let mut news: Vec<_> = after.cuts.iter().filter(|cut| !was_cut(&cut.elements)).collect();
    // The smallest; then the one with the fewest things of single persons, services before persons, then by id.
    news.sort_by_key(|cut| {
        let personal = cut.elements.iter().filter(|element| analysis.words(element).user.is_some()).count();
        (cut.elements.len(), personal, cut.elements.clone())
    });
    let cut = news.first()?;
    let would_have: Vec<&Way> =
        lost.iter().filter(|way| !way.needs.iter().any(|need| cut.elements.contains(need))).collect();
    let mut each: Vec<BTreeSet<Cause>> = Vec::new();
    let mut people: Vec<&str> = Vec::new();
    for session in would_have.iter().flat_map(|way| &way.sessions) {
        let blockers = analysis.blockers(session);
        if !blockers.is_empty() && !people.contains(&session.name.as_str()) {
            people.push(&session.name);
        }
        each.push(blockers.into_iter().collect());
    }
    let mut causes = least(&each);
    // A policy of the change that makes necessary what fails is as much a cause.
    let is_changed = |cause: &&Cause| matches!(cause, Cause::Policy { id, .. } if changed.contains(id));
    causes.extend(cut.because.iter().filter(is_changed).cloned());
    let effect = effect(&people, &causes, cut.certainty);
    let sentence = sentence(analysis, (&cut.elements, cut.certainty), &effect, before.goal);
    let causes = if causes.is_empty() { cut.because.clone() } else { causes.into_iter().collect() };
    Some(Counterexample { failed: cut.elements.clone(), sentence, causes })
}

/// Cause, effect, whom.
fn sentence(
    analysis: &Analysis<'_>,
    (failed, certainty): (&[Component], Certainty),
    effect: &str,
    goal: Goal,
) -> String {
    let happens = |component: &Component| {
        let words = analysis.words(component);
        let fails = words.fails_when.split([',', ';']).next().unwrap_or("failed");
        words.clause.unwrap_or_else(|| format!("{} is {fails}", words.name))
    };
    let condition = match failed {
        [] => "As soon as the change is made".to_owned(),
        all => format!("If {}", listed(&all.iter().map(happens).collect::<Vec<_>>())),
    };
    let nobody = match certainty {
        Certainty::Proved => "nobody is left who can",
        Certainty::Possible => "nobody is left of whom it is certain that they can",
    };
    format!("{condition}, {effect}{nobody} {}.", goal.words())
}

/// Who is kept out by what: `policy `A` keeps out `b`, and `; nothing where nobody is.
fn effect(people: &[&str], causes: &BTreeSet<Cause>, certainty: Certainty) -> String {
    if people.is_empty() || causes.is_empty() {
        return String::new();
    }
    let names: Vec<String> = causes
        .iter()
        .map(|cause| match cause {
            Cause::Policy { name, .. } => format!("policy `{name}`"),
            Cause::Setting(setting) => (*setting).to_owned(),
        })
        .collect();
    let verb = match (certainty, names.len()) {
        (Certainty::Possible, _) => "may keep",
        // These are several by themselves.
        (Certainty::Proved, 1) if !causes.contains(&Cause::Setting(SECURITY_DEFAULTS)) => "keeps",
        (Certainty::Proved, _) => "keep",
    };
    format!("{} {verb} out {}, and ", listed(&names), whom(people))
}

fn whom(people: &[&str]) -> String {
    // One more is named rather than counted: "and 1 more" takes the same room.
    let count = if people.len() == NAMED_COUNT_MAX + 1 { people.len() } else { NAMED_COUNT_MAX.min(people.len()) };
    let (named, rest) = people.split_at(count);
    let mut all: Vec<String> = named.iter().map(|name| format!("`{name}`")).collect();
    if !rest.is_empty() {
        all.push(format!("{} more", rest.len()));
    }
    listed(&all)
}

/// Named locations that policies name and of which a plan does not know yet what they cover.
fn awaited_locations(after: &Access<'_>) -> Vec<String> {
    let is_off =
        |policy: &ConditionalAccessPolicy| policy.is_deleted || policy.state == ConditionalAccessPolicyState::Disabled;
    let policies = after.policies().iter().filter(|policy| !is_off(policy));
    let conditions = policies.filter_map(|policy| policy.conditions.locations.as_ref());
    let named: BTreeSet<&str> = conditions
        .flat_map(|locations| locations.include_locations.iter().chain(&locations.exclude_locations))
        .map(String::as_str)
        .collect();
    let locations = after.snapshot().named_locations.items().iter();
    let awaited = locations.filter(|location| {
        let is_named =
            named.contains(location.id.as_str()) || (named.contains("AllTrusted") && location.may_be_trusted());
        is_named && known_after_apply(&location.source).next().is_some()
    });
    let words = |location: &NamedLocation| {
        format!("named location `{}`: what it covers is known only after the plan is applied", location.name())
    };
    awaited.map(words).collect()
}

/// Exclusions of changed policies that name somebody, or a group, whom the tenant does not have: most often the id of
/// another tenant's.
fn excluding_nobody(after: &Access<'_>, changed: &[String]) -> Vec<String> {
    let snapshot = after.snapshot();
    let is_there = |id: &str| {
        let known = snapshot.objects.find(id).map(|key| snapshot.row(key));
        known.is_some_and(|row| !matches!(row, ObjectRow::Unlisted))
    };
    let mut notes = Vec::new();
    for policy in after.policies().iter().filter(|policy| changed.iter().any(|id| policy.id.as_str() == id)) {
        let Some(users) = &policy.conditions.users else { continue };
        let own = users.exclude_users.iter().filter(|user| *user != GUESTS).map(|id| ("user", id.as_str()));
        let groups = users.exclude_groups.iter().map(|id| ("group", id.as_str()));
        let unknown = own.chain(groups).filter(|(_, id)| !is_there(id));
        notes.extend(unknown.map(|(kind, id)| {
            format!(
                "`{}` excludes the {kind} `{id}`, which the snapshot does not have: nobody is excluded by that.",
                policy.name(),
            )
        }));
    }
    notes
}

/// What changed policies that are not in force would do.
fn would_constrain(
    after: &Access<'_>,
    settings: &LockoutSettings,
    changed: &[String],
    order: Order,
    goal: Goal,
) -> Option<String> {
    let mut names = Vec::new();
    let enabled = |policy: &ConditionalAccessPolicy| -> Option<ConditionalAccessPolicy> {
        let is_changed = changed.iter().any(|id| policy.id.as_str() == id);
        // A state that nobody knows may be that of a policy in force.
        let is_waiting = matches!(
            policy.state,
            ConditionalAccessPolicyState::Disabled | ConditionalAccessPolicyState::EnabledForReportingButNotEnforced
        );
        if !is_changed || !is_waiting || policy.is_deleted {
            return None;
        }
        policy.in_state(&ConditionalAccessPolicyState::Enabled)
    };
    let mut policies = after.policies().to_vec();
    for policy in &mut policies {
        if let Some(on) = enabled(policy) {
            names.push(format!("`{}`", policy.name()));
            *policy = on;
        }
    }
    if names.is_empty() {
        return None;
    }
    let access = Access::compile_with(after.snapshot(), &policies, after.settings()).ok()?;
    let then = Analysis::of_question(&access, settings, direct(goal)).order(direct(goal), &BTreeSet::new());
    let words = |order: Order| match order.proved {
        Some(0) => "nobody would get in".to_owned(),
        Some(order) => format!("the order would be {order}"),
        None => format!("the order would be above {}", order.searched_to.unwrap_or_default()),
    };
    let same = (then.proved, then.possible) == (order.proved, order.possible);
    let effect = if same { "the order would stay as it is".to_owned() } else { words(then) };
    let (verb, what) = if names.len() == 1 { ("is", "Once it is enabled") } else { ("are", "Once they are enabled") };
    Some(format!("{} {verb} not in force and changes nothing yet. {what}, {effect}.", listed(&names)))
}
