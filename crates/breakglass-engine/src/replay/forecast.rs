//! The forecast: what a change of the policies would have done to the sign-ins of a log.
//!
//! Each sign-in is decided twice, by the tenant as it is and by the tenant as it would be, with what the record shows
//! was given. What is not known of a sign-in is taken to be the same in both: it is decided for every way in which the
//! unknown may stand, and only an effect that is the same in all of them is counted. Everything else is *unknown*, with
//! the reason.
//!
//! A report-only policy is in the log with what Microsoft made of it. Where the changed tenant has that policy, ours is
//! held against it ([`ForecastTally::report_only`]): it says how far the forecast can be trusted.
//!
//! **Limits:** [`APPLICATION_COUNT_MAX`], [`COUNTRY_COUNT_MAX`], [`EXAMPLES_PER_EFFECT_MAX`]. Persons are as many as
//! the tenant has.

mod tally;

use breakglass_model::object::ObjectKey;
use breakglass_model::sign_in_record::SignInRecord;

use super::grant::{self, Given, GrantCache, Prompts};
use super::index::PolicyIndex;
use super::tally::join_times;
use super::{Results, Why, results};
use crate::access::demand::{Demand, Outcome};
use crate::access::membership::Reach;
use crate::access::recorded::{Bits, Condition, Recorded, Recording};
use crate::access::scope::UserSet;
use crate::access::{Access, AppliedResult, Trit, bits};

pub use tally::{
    APPLICATION_COUNT_MAX, COUNTRY_COUNT_MAX, EXAMPLES_PER_EFFECT_MAX, Effect, EffectCounts, Example, ForecastTally,
    count_of,
};

/// What one thread keeps between records.
#[derive(Debug, Default)]
pub struct ForecastScratch {
    before: Side,
    after: Side,
}

#[derive(Debug, Default)]
struct Side {
    recorded: Recorded,
    in_force: InForce,
    grants: GrantCache,
    /// Where the policy behind the last one was found.
    next: usize,
}

/// The policies that are in force and apply to a sign-in: for sure, and possibly. Whether one is in force may be unknown
/// as well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct InForce {
    sure: Bits,
    may: Bits,
}

impl InForce {
    fn of(access: &Access<'_>, recorded: &Recorded) -> Self {
        let enabled = &access.compiled().enabled;
        let both = |bits: &Bits, enabled: &[u64]| -> Bits {
            std::array::from_fn(|at| {
                bits.get(at).copied().unwrap_or_default() & enabled.get(at).copied().unwrap_or_default()
            })
        };
        Self { sure: both(&recorded.sure, &enabled.sure), may: both(&recorded.may, &enabled.may) }
    }
}

/// Two states of a tenant, ready to be compared on records.
#[derive(Debug)]
pub struct Forecast<'a> {
    before: Recording<'a>,
    after: Recording<'a>,
    /// For each policy afterwards, whether the same one, unchanged, is there before; and the other way round.
    same_after: Bits,
    same_before: Bits,
    /// Whether every such policy has the same index in both.
    is_aligned: bool,
    /// Policies afterwards by id.
    index: PolicyIndex<'a>,
    prompts: Prompts,
    administrators: UserSet,
}

/// What comes of a sign-in in one state of the tenant, everything being known.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Outcomes {
    outcome: Outcome,
    controls: Vec<String>,
}

impl<'a> Forecast<'a> {
    /// Gets ready. Both states must be of the same tenant.
    #[must_use]
    pub fn of(before: &'a Access<'a>, after: &'a Access<'a>) -> Self {
        let (same_after, same_before) = (same(after, before), same(before, after));
        let by_index = before.policies().iter().zip(after.policies());
        let aligned = by_index.filter(|(before, after)| before.id == after.id && before.source == after.source).count();
        let unchanged = |bits: &Bits| bits.iter().map(|word| word.count_ones() as usize).sum::<usize>();
        Self {
            is_aligned: aligned == unchanged(&same_after) && aligned == unchanged(&same_before),
            same_after,
            same_before,
            index: PolicyIndex::of(after.policies()),
            prompts: Prompts::of(&[before, after]),
            administrators: administrators(before),
            before: Recording::of(before),
            after: Recording::of(after),
        }
    }

    /// The tenant as it is.
    #[must_use]
    pub const fn before(&self) -> &'a Access<'a> {
        self.before.access()
    }

    /// The tenant as it would be.
    #[must_use]
    pub const fn after(&self) -> &'a Access<'a> {
        self.after.access()
    }

    /// Whether a person actively holds a directory role, as the tenant is.
    #[must_use]
    pub fn is_administrator(&self, person: u32) -> bool {
        self.administrators.contains(person as usize)
    }

    /// The person behind a number in [`ForecastTally::persons`].
    #[must_use]
    pub fn person(&self, person: u32) -> Option<ObjectKey> {
        let snapshot = self.before().snapshot();
        let is_person = |key: &ObjectKey| key.index() == person as usize;
        snapshot.objects.keys().nth(person as usize).filter(is_person)
    }

    /// Judges one record; `number` is its place among all.
    pub fn judge(&self, record: &SignInRecord<'_>, number: u64, work: (&mut ForecastScratch, &mut ForecastTally)) {
        let (scratch, tally) = work;
        tally.records += 1;
        let at = record.created_date_time;
        tally.times = join_times(tally.times, at.map(|at| (at, at)));
        let before = self.before.read(record, &mut scratch.before.recorded);
        let after = self.after.read(record, &mut scratch.after.recorded);
        if let Err(why) = before.and(after) {
            tally.count(Effect::Unknown);
            *tally.unknown.entry(Why::Record(why)).or_default() += 1;
            return;
        }
        for (access, side) in [(self.before(), &mut scratch.before), (self.after(), &mut scratch.after)] {
            side.in_force = InForce::of(access, &side.recorded);
        }
        self.check_report_only(record, &mut scratch.after, tally);
        let (effect, controls) = self.effect(scratch);
        tally.count(effect);
        if effect == Effect::Unchanged {
            return;
        }
        if effect == Effect::Unknown {
            *tally.unknown.entry(self.why(scratch)).or_default() += 1;
        }
        let counted = match effect {
            Effect::Asked => Some(&mut tally.asked),
            Effect::Relieved => Some(&mut tally.relieved),
            _ => None,
        };
        if let Some(counted) = counted {
            controls.iter().for_each(|control| *counted.entry(control.clone()).or_default() += 1);
        }
        tally.note(record, (effect, scratch.before.recorded.user));
        tally.keep_example(record, (number, effect), controls);
    }

    /// The effect on a record that was read.
    fn effect(&self, scratch: &mut ForecastScratch) -> (Effect, Vec<String>) {
        if self.is_untouched(scratch) {
            return (Effect::Unchanged, Vec::new());
        }
        let Some(all_given) = self.given(scratch) else { return (Effect::Unknown, Vec::new()) };
        let mut found: Option<(Effect, Vec<String>)> = None;
        for way in Way::all(scratch, self) {
            let (before, after) = (way.before(&scratch.before, self), way.after(&scratch.after, self));
            for given in &all_given {
                // What is open even so, such as a control that nobody here knows, is met or is not.
                for is_met in [false, true] {
                    let (old, is_old_open) = self.outcomes(self.before(), &mut scratch.before, (before, given, is_met));
                    let (new, is_new_open) = self.outcomes(self.after(), &mut scratch.after, (after, given, is_met));
                    let own = difference(&old, &new);
                    match &found {
                        None => found = Some(own),
                        Some(other) if *other == own => {}
                        Some(_) => return (Effect::Unknown, Vec::new()),
                    }
                    if !is_old_open && !is_new_open {
                        break;
                    }
                }
            }
        }
        found.unwrap_or((Effect::Unknown, Vec::new()))
    }

    /// What comes of the policies that are in force and apply, and whether some demand is open even so.
    fn outcomes(
        &self,
        access: &Access<'_>,
        side: &mut Side,
        (applying, given, is_met): (Bits, &Given, bool),
    ) -> (Outcomes, bool) {
        let mut outcomes = Outcomes { outcome: Outcome::Allowed, controls: Vec::new() };
        let mut is_open = false;
        for (at, word) in applying.iter().enumerate() {
            for policy in bits(*word).map(|bit| at * 64 + bit) {
                let weighed = side.grants.weigh(access, policy, (given, &self.prompts));
                is_open |= weighed.range.best != weighed.range.worst;
                let (outcome, asked) = if is_met {
                    (weighed.range.best, &weighed.asked_at_best)
                } else {
                    (weighed.range.worst, &weighed.asked_at_worst)
                };
                outcomes.outcome = outcomes.outcome.max(outcome);
                if outcome == Outcome::Challenge {
                    outcomes.controls.extend(asked.iter().cloned());
                }
            }
        }
        outcomes.controls.sort_unstable();
        outcomes.controls.dedup();
        (outcomes, is_open)
    }

    /// Every way in which what the record shows may stand, as far as it matters to policies that may apply; `None` where
    /// there are too many.
    fn given(&self, scratch: &ForecastScratch) -> Option<Vec<Given>> {
        let sides = [(self.before(), &scratch.before), (self.after(), &scratch.after)];
        let demands = sides.into_iter().flat_map(|(access, side)| {
            let policies = side.in_force.may.iter().enumerate();
            let policies = policies.flat_map(|(at, may)| bits(*may).map(move |bit| at * 64 + bit));
            policies.filter_map(|policy| access.compiled().demands().get(policy))
        });
        grant::ways(scratch.before.recorded.evidence, &self.prompts, demands)
    }

    /// Whether no policy that was changed can be about a sign-in, and the others are about it as before.
    fn is_untouched(&self, scratch: &ForecastScratch) -> bool {
        let split = |bits: &Bits, same: &Bits| -> [Bits; 2] {
            let word = |bits: &Bits, at: usize| bits.get(at).copied().unwrap_or_default();
            [
                std::array::from_fn(|at| word(bits, at) & word(same, at)),
                std::array::from_fn(|at| word(bits, at) & !word(same, at)),
            ]
        };
        let (before, after) = (&scratch.before.in_force, &scratch.after.in_force);
        let same = |pick: fn(&InForce) -> &Bits| {
            let [before, before_changed] = split(pick(before), &self.same_before);
            let [after, after_changed] = split(pick(after), &self.same_after);
            before == after && before_changed.iter().chain(&after_changed).all(|word| *word == 0)
        };
        self.is_aligned && same(|in_force| &in_force.sure) && same(|in_force| &in_force.may)
    }

    /// Why an effect cannot be told: the first policy that is open and not the same in both states, else the first.
    fn why(&self, scratch: &ForecastScratch) -> Why {
        let sides =
            [(&self.after, &scratch.after, &self.same_after), (&self.before, &scratch.before, &self.same_before)];
        for is_changed in [true, false] {
            for (recording, side, same) in sides {
                let access = recording.access();
                for (policy, demand) in access.compiled().demands().iter().enumerate() {
                    let is_same = same.get(policy / 64).is_some_and(|word| word & (1 << (policy % 64)) != 0);
                    if is_same != is_changed
                        && let Some(why) = open(access, (policy, demand), &side.recorded)
                    {
                        return why;
                    }
                }
            }
        }
        Why::Demand
    }

    /// Holds what Microsoft made of report-only policies against what we make of them.
    fn check_report_only(&self, record: &SignInRecord<'_>, side: &mut Side, tally: &mut ForecastTally) {
        let access = self.after();
        for entry in record.applied_policies.iter().flatten() {
            let Some(recorded) = entry.result.as_deref().and_then(results::read) else { continue };
            if results::state_of(recorded) != Some(results::RecordedState::ReportOnly) {
                continue;
            }
            let found = entry.id.as_deref().and_then(|id| self.index.find(id, &mut side.next));
            let Some(policy) = found else { continue };
            let not_applied = AppliedResult::ReportOnlyNotApplied;
            let truth = side.recorded.holds(policy);
            let ours = if truth == Trit::No {
                Results::of(not_applied)
            } else {
                let range = side.grants.outcome(access, policy, &side.recorded.evidence);
                let applied = Results::of_report_only(range);
                if truth == Trit::Unknown { applied.with(not_applied) } else { applied }
            };
            let agrees = if ours == Results::of(recorded) {
                Some(true)
            } else if ours.has(recorded) {
                None
            } else {
                Some(false)
            };
            tally.report_only.entry(policy).or_default().count(agrees);
        }
    }
}

/// Policies of one state that stand in the other as they are.
fn same(of: &Access<'_>, other: &Access<'_>) -> Bits {
    let mut same = Bits::default();
    for (index, policy) in of.policies().iter().enumerate() {
        if other.policies().iter().any(|other| other.id == policy.id && other.source == policy.source) {
            same.get_mut(index / 64).into_iter().for_each(|word| *word |= 1 << (index % 64));
        }
    }
    same
}

/// Everybody who actively holds a directory role, tenant-wide.
fn administrators(access: &Access<'_>) -> UserSet {
    let snapshot = access.snapshot();
    let mut administrators = UserSet::with_room(snapshot.objects.len());
    for (_, principals) in access.classes().roles().all() {
        for principal in principals {
            administrators.insert(principal.index());
            if snapshot.group(*principal).is_some() {
                Reach::of_group(snapshot, *principal).users.iter().for_each(|user| administrators.insert(user.index()));
            }
        }
    }
    administrators
}

/// One way in which everything that is not known may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Way {
    /// Policies that are the same in both states and may apply do.
    is_same_on: bool,
    /// Others that may apply do, before and after.
    is_before_on: bool,
    is_after_on: bool,
}

impl Way {
    /// Every way that differs from the others for a sign-in.
    fn all(scratch: &ForecastScratch, forecast: &Forecast<'_>) -> impl Iterator<Item = Self> + use<> {
        let open = |side: &Side, same: &Bits, is_same: bool| {
            let words = side.in_force.sure.iter().zip(&side.in_force.may).zip(same);
            words.map(|((sure, may), same)| may & !sure & if is_same { *same } else { !*same }).any(|word| word != 0)
        };
        let (before, after) = (&scratch.before, &scratch.after);
        let is_same_open = open(before, &forecast.same_before, true) || open(after, &forecast.same_after, true);
        let is_before_open = open(before, &forecast.same_before, false);
        let is_after_open = open(after, &forecast.same_after, false);
        let choices = |is_open: bool| if is_open { &[false, true][..] } else { &[false] };
        choices(is_same_open).iter().flat_map(move |is_same_on| {
            choices(is_before_open).iter().flat_map(move |is_before_on| {
                choices(is_after_open).iter().map(move |is_after_on| Self {
                    is_same_on: *is_same_on,
                    is_before_on: *is_before_on,
                    is_after_on: *is_after_on,
                })
            })
        })
    }

    fn before(self, side: &Side, forecast: &Forecast<'_>) -> Bits {
        Self::applying(&side.in_force, &forecast.same_before, (self.is_same_on, self.is_before_on))
    }

    fn after(self, side: &Side, forecast: &Forecast<'_>) -> Bits {
        Self::applying(&side.in_force, &forecast.same_after, (self.is_same_on, self.is_after_on))
    }

    /// The policies that apply in this way.
    fn applying(in_force: &InForce, same: &Bits, (is_same_on, is_other_on): (bool, bool)) -> Bits {
        let mut applying = in_force.sure;
        for ((word, may), same) in applying.iter_mut().zip(in_force.may).zip(same) {
            if is_same_on {
                *word |= may & same;
            }
            if is_other_on {
                *word |= may & !same;
            }
        }
        applying
    }
}

/// The effect of a change from one to the other, and the controls that it is about.
fn difference(before: &Outcomes, after: &Outcomes) -> (Effect, Vec<String>) {
    let without = |one: &Outcomes, other: &Outcomes| -> Vec<String> {
        one.controls.iter().filter(|control| !other.controls.contains(control)).cloned().collect()
    };
    let (more, fewer) = (without(after, before), without(before, after));
    match (before.outcome, after.outcome) {
        (before, Outcome::Blocked) if before < Outcome::Blocked => (Effect::Blocked, Vec::new()),
        (before, Outcome::Unsatisfiable) if before < Outcome::Unsatisfiable => (Effect::Unsatisfiable, Vec::new()),
        (Outcome::Allowed, Outcome::Challenge) => (Effect::Asked, more),
        (Outcome::Challenge, Outcome::Challenge) if !more.is_empty() => (Effect::Asked, more),
        (Outcome::Challenge, Outcome::Challenge) if !fewer.is_empty() => (Effect::Relieved, fewer),
        (before, after) if after < before => (Effect::Relieved, fewer),
        _ => (Effect::Unchanged, Vec::new()),
    }
}

/// Why it is open whether a policy in force applies, or what it comes to; `None` when neither is.
fn open(access: &Access<'_>, (policy, demand): (usize, &Demand), recorded: &Recorded) -> Option<Why> {
    let enabled = &access.compiled().enabled;
    let has = |words: &[u64]| words.get(policy / 64).is_some_and(|word| word & (1 << (policy % 64)) != 0);
    if !has(&enabled.may) {
        return None;
    }
    match recorded.holds(policy) {
        Trit::No => None,
        _ if !has(&enabled.sure) => Some(Why::State),
        Trit::Yes => grant::lacking(demand, recorded).map(Why::Lacks),
        Trit::Unknown => {
            let is_open = |condition: &&Condition| recorded.condition(**condition, policy) == Trit::Unknown;
            let condition = Condition::ALL.iter().find(is_open).copied().unwrap_or(Condition::Others);
            Some(recorded.lacking_for(condition).map_or(Why::Snapshot(condition), Why::Lacks))
        }
    }
}
