//! Replay: recorded sign-ins decided again, and held against what Microsoft wrote down; and the forecast of what a
//! change of the policies would have done to them.
//!
//! [`Replay`] judges one record after another into a [`Tally`]; tallies are joined in the order of the records. Per
//! policy the recorded result is one of few words, and ours is the set of those that are possible as far as record and
//! snapshot tell ([`Results`]): one word that is the same is agreement, a set that has it is *unknown*, and a set that
//! has it not is disagreement, whatever else is unknown. [`case`] makes of a disagreement a small case without names,
//! [`forecast`] compares two states of a tenant.
//!
//! **Invariant:** a field that a record lacks never makes a disagreement. Memory does not grow with the number of
//! records. Joining is associative in the order of the records.
//! **Source:** the `appliedConditionalAccessPolicyResult` enumeration and the documentation of the sign-in logs.

pub mod case;
pub mod forecast;
mod grant;
mod index;
mod results;
mod tally;

use breakglass_model::policy::{ConditionalAccessPolicy, ConditionalAccessPolicyState as State, UnknownKind};
use breakglass_model::sign_in_record::{AppliedPolicy, SignInRecord};
use jiff::Timestamp;

use crate::access::recorded::{Condition, Fact, Recorded, Recording, Unjudged};
use crate::access::{Access, AppliedResult, Trit};

use index::PolicyIndex;

pub use grant::GrantCache;
pub use results::Results;
pub use tally::{
    Because, ConditionCounts, Counts, Difference, EXAMPLE_BYTES_MAX, GROUP_COUNT_MAX, Group, STRANGE_WORD_COUNT_MAX,
    Tally, Why,
};

/// What one thread keeps between records.
#[derive(Debug, Default)]
pub struct Scratch {
    recorded: Recorded,
    grants: GrantCache,
    /// Where the policy behind the last one was found.
    next: usize,
}

/// The policies of a tenant, ready to judge records.
#[derive(Debug)]
pub struct Replay<'a> {
    recording: Recording<'a>,
    index: PolicyIndex<'a>,
    /// When each policy was last changed, where the snapshot says.
    changed: Vec<Option<Timestamp>>,
}

/// What one record came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Everything that could be told agrees.
    Agrees,
    /// Something disagrees.
    Disagrees,
    /// Nothing could be told.
    Unknown,
}

/// One policy of a record, compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparison {
    /// The same.
    Agrees,
    /// Not the same, and why ours is as it is.
    Disagrees(Because),
    /// It cannot be told.
    Unknown(Why),
}

impl<'a> Replay<'a> {
    /// Gets ready.
    #[must_use]
    pub fn of(access: &'a Access<'a>) -> Self {
        let policies = access.policies();
        Self {
            recording: Recording::of(access),
            index: PolicyIndex::of(policies),
            changed: policies.iter().map(changed_at).collect(),
        }
    }

    /// The policies.
    #[must_use]
    pub const fn access(&self) -> &'a Access<'a> {
        self.recording.access()
    }

    /// Judges one record; `number` is its place among all, `bytes` what it was read from.
    pub fn judge(&self, record: &SignInRecord<'_>, (number, bytes): (u64, &[u8]), work: (&mut Scratch, &mut Tally)) {
        let (scratch, tally) = work;
        tally.records += 1;
        tally.note_time(record.created_date_time, self.access().snapshot().taken_at);
        let read = self.recording.read(record, &mut scratch.recorded);
        let applied = record.applied_policies.as_deref().unwrap_or_default();
        let read = read.and(if applied.is_empty() { Err(Unjudged::NoPolicies) } else { Ok(()) });
        if let Err(why) = read {
            tally.count_unknown(Why::Record(why));
            return;
        }
        self.note_strange_words(record, &scratch.recorded, tally);
        let mut verdict = Verdict::Unknown;
        for entry in applied {
            let own = match self.judge_policy(entry, record, (number, bytes), (scratch, tally)) {
                Comparison::Agrees => Verdict::Agrees,
                Comparison::Disagrees(_) => Verdict::Disagrees,
                Comparison::Unknown(_) => Verdict::Unknown,
            };
            verdict = match (verdict, own) {
                (Verdict::Disagrees, _) | (_, Verdict::Disagrees) => Verdict::Disagrees,
                (Verdict::Agrees, _) | (_, Verdict::Agrees) => Verdict::Agrees,
                _ => Verdict::Unknown,
            };
        }
        tally.judged += u64::from(verdict != Verdict::Unknown);
        tally.agree += u64::from(verdict == Verdict::Agrees);
    }

    fn judge_policy(
        &self,
        entry: &AppliedPolicy<'_>,
        record: &SignInRecord<'_>,
        origin: (u64, &[u8]),
        (scratch, tally): (&mut Scratch, &mut Tally),
    ) -> Comparison {
        let found = entry.id.as_deref().and_then(|id| self.index.find(id, &mut scratch.next));
        let Some(policy) = found else {
            tally.count_result(None, Comparison::Unknown(Why::NotInSnapshot));
            return Comparison::Unknown(Why::NotInSnapshot);
        };
        let recorded = entry.result.as_deref().and_then(results::read);
        let ours = self.results(policy, &scratch.recorded, &mut scratch.grants);
        let comparison = match (recorded, self.is_of_another_time(policy, record)) {
            (_, Some(why)) => Comparison::Unknown(why),
            (None, None) => Comparison::Unknown(Why::NoResult),
            (Some(recorded), None) => {
                let comparison = self.compare(policy, (recorded, ours), (entry, &scratch.recorded));
                if let Comparison::Disagrees(because) = comparison {
                    tally.disagree(Difference::Result { policy, recorded, ours, because }, origin);
                }
                comparison
            }
        };
        tally.count_result(Some((policy, self.access().policies().len())), comparison);
        let is_comparable = recorded.is_some() && !matches!(comparison, Comparison::Unknown(why) if why.is_of_time());
        if is_comparable {
            self.compare_conditions(policy, (entry, &scratch.recorded), origin, tally);
        }
        comparison
    }

    /// Whether the policy was another one at the time of the record.
    fn is_of_another_time(&self, policy: usize, record: &SignInRecord<'_>) -> Option<Why> {
        let changed = self.changed.get(policy).copied().flatten()?;
        match record.created_date_time {
            Some(at) => (changed > at).then_some(Why::PolicyChanged),
            None => Some(Why::NoTime),
        }
    }

    /// The results that are possible for a policy, as far as record and snapshot tell.
    fn results(&self, policy: usize, recorded: &Recorded, grants: &mut GrantCache) -> Results {
        let access = self.access();
        let Some(configured) = access.policies().get(policy) else { return Results::ALL };
        let is_report_only = match &configured.state {
            _ if configured.is_deleted => return Results::of(AppliedResult::NotEnabled),
            State::Disabled => return Results::of(AppliedResult::NotEnabled),
            _ if !self.is_state_known(configured) => return Results::ALL,
            State::Enabled => false,
            State::EnabledForReportingButNotEnforced => true,
            State::Unknown(_) => return Results::ALL,
        };
        let not_applied = if is_report_only { AppliedResult::ReportOnlyNotApplied } else { AppliedResult::NotApplied };
        match recorded.holds(policy) {
            Trit::No => Results::of(not_applied),
            truth => {
                let range = grants.outcome(access, policy, &recorded.evidence);
                let mut results = if is_report_only {
                    Results::of_report_only(range)
                } else {
                    Results::of_enforced(range, recorded.evidence.succeeded)
                };
                if truth == Trit::Unknown {
                    results = results.with(not_applied);
                }
                results
            }
        }
    }

    fn is_state_known(&self, policy: &ConditionalAccessPolicy) -> bool {
        self.access().states_are_certain() || !policy.unknowns.iter().any(|part| part.kind == UnknownKind::State)
    }

    fn compare(
        &self,
        policy: usize,
        (recorded, ours): (AppliedResult, Results),
        (entry, situation): (&AppliedPolicy<'_>, &Recorded),
    ) -> Comparison {
        if ours == Results::of(recorded) {
            return Comparison::Agrees;
        }
        if ours.has(recorded) {
            return Comparison::Unknown(self.why(policy, situation));
        }
        Comparison::Disagrees(self.because(policy, (recorded, ours), (entry, situation)))
    }

    /// Why a result of a policy cannot be told: the first condition that cannot, else what it demands.
    fn why(&self, policy: usize, situation: &Recorded) -> Why {
        let configured = self.access().policies().get(policy);
        if configured.is_some_and(|configured| !self.is_state_known(configured)) {
            return Why::State;
        }
        if situation.holds(policy) != Trit::Yes {
            let open = |condition: &&Condition| situation.condition(**condition, policy) == Trit::Unknown;
            if let Some(condition) = Condition::ALL.iter().find(open) {
                return match situation.lacking_for(*condition) {
                    Some(fact) => Why::Lacks(fact),
                    None => Why::Snapshot(*condition),
                };
            }
        }
        let demand = self.access().compiled().demands().get(policy);
        demand.and_then(|demand| grant::lacking(demand, situation)).map_or(Why::Demand, Why::Lacks)
    }

    /// Why ours is not what was recorded.
    fn because(
        &self,
        policy: usize,
        (recorded, ours): (AppliedResult, Results),
        (entry, situation): (&AppliedPolicy<'_>, &Recorded),
    ) -> Because {
        if results::state_of(recorded) != ours.state() {
            return Because::State;
        }
        if situation.holds(policy) == Trit::No {
            let unmet = |condition: &&Condition| situation.condition(**condition, policy) == Trit::No;
            return Because::Unmet(Condition::ALL.into_iter().find(|one| unmet(&one)).unwrap_or(Condition::Others));
        }
        if matches!(recorded, AppliedResult::NotApplied | AppliedResult::ReportOnlyNotApplied) {
            let said = entry.conditions_not_satisfied.map_or(0, |conditions| conditions.0);
            let named = Condition::ALL.into_iter().find(|condition| condition.recorded_bits() & said != 0);
            return Because::Applies(named);
        }
        Because::Demand(ours)
    }

    /// Compares what the record says of single conditions.
    fn compare_conditions(
        &self,
        policy: usize,
        (entry, situation): (&AppliedPolicy<'_>, &Recorded),
        origin: (u64, &[u8]),
        tally: &mut Tally,
    ) {
        let satisfied = entry.conditions_satisfied.map_or(0, |conditions| conditions.0);
        let not_satisfied = entry.conditions_not_satisfied.map_or(0, |conditions| conditions.0);
        if satisfied | not_satisfied == 0 {
            return;
        }
        for condition in Condition::ALL {
            let bits = condition.recorded_bits();
            let said = match (satisfied & bits != 0, not_satisfied & bits != 0) {
                (true, false) => true,
                (false, true) => false,
                _ => continue,
            };
            let ours = situation.condition(condition, policy);
            tally.count_condition(condition, ours.known().map(|ours| ours == said));
            if ours.known() == Some(!said) {
                tally.disagree(Difference::Condition { policy, condition, recorded: said }, origin);
            }
        }
    }

    /// Counts words that no table has, so that somebody can tell us.
    fn note_strange_words(&self, record: &SignInRecord<'_>, situation: &Recorded, tally: &mut Tally) {
        let device = record.device.as_ref();
        let words = [
            (Fact::Platform, device.and_then(|device| device.operating_system.as_deref())),
            (Fact::TrustType, device.and_then(|device| device.trust_type.as_deref())),
            (Fact::ClientApp, record.client_app_used.as_deref()),
            (Fact::SignInRisk, record.risk_level_during_sign_in.as_deref()),
            (Fact::TransferMethod, record.original_transfer_method.as_deref()),
        ];
        for (fact, word) in words {
            if situation.is_strange(fact) {
                tally.count_strange(fact, word.unwrap_or_default());
            }
        }
    }

    /// Compares one record with one policy, for cases; `None` when the record does not list it.
    fn compare_once(&self, record: &SignInRecord<'_>, wanted: &Difference) -> bool {
        let mut work = (Scratch::default(), Tally::default());
        self.judge(record, (0, &[]), (&mut work.0, &mut work.1));
        work.1.differences.keys().any(|found| found == wanted)
    }
}

/// When a policy was last changed, or made.
fn changed_at(policy: &ConditionalAccessPolicy) -> Option<Timestamp> {
    let text = policy.modified_date_time.as_deref().or(policy.created_date_time.as_deref())?;
    text.parse().ok()
}
