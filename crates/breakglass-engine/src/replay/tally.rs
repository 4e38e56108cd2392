//! What was found in some records, added up; and the adding up of two such sums.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Comparison, Results};
use crate::access::AppliedResult;
use crate::access::recorded::{Condition, Fact, Unjudged};

/// Kinds of disagreement that are kept apart; those beyond are counted together.
pub const GROUP_COUNT_MAX: usize = 4_096;
/// Words that no table has which are kept apart.
pub const STRANGE_WORD_COUNT_MAX: usize = 64;
/// Characters of such a word that are kept.
const STRANGE_WORD_CHARS_MAX: usize = 64;
/// Bytes of a record that is kept as an example; the first that is short enough is.
pub const EXAMPLE_BYTES_MAX: usize = 64 << 10;

/// How often something agreed, disagreed or could not be told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// The same.
    pub agree: u64,
    /// Not the same.
    pub disagree: u64,
    /// Could not be told.
    pub unknown: u64,
}

impl Counts {
    pub(super) fn add(&mut self, other: Self) {
        self.agree += other.agree;
        self.disagree += other.disagree;
        self.unknown += other.unknown;
    }

    /// Counts one.
    pub(super) fn count(&mut self, agrees: Option<bool>) {
        match agrees {
            Some(true) => self.agree += 1,
            Some(false) => self.disagree += 1,
            None => self.unknown += 1,
        }
    }
}

/// Counts for each condition, in the order of [`Condition::ALL`].
pub type ConditionCounts = [Counts; Condition::ALL.len()];

/// Why ours is as it is, where it differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Because {
    /// The policy does something else now.
    State,
    /// This condition is not met.
    Unmet(Condition),
    /// Every condition holds; the record names this one as not met, if any.
    Applies(Option<Condition>),
    /// It applies, and what it demands came to this.
    Demand(Results),
}

/// Why something cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Nothing of the record can be judged.
    Record(Unjudged),
    /// The policy is not in the snapshot.
    NotInSnapshot,
    /// The policy was changed after the sign-in.
    PolicyChanged,
    /// The record does not say when it was, and the policy was changed at some time.
    NoTime,
    /// The record's result is none, or `unknown`.
    NoResult,
    /// The state of the policy is not known.
    State,
    /// The record lacks a fact.
    Lacks(Fact),
    /// The snapshot does not tell whether a condition holds.
    Snapshot(Condition),
    /// What the policy demands cannot be told.
    Demand,
}

impl Why {
    /// In words.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Record(why) => why.words().to_owned(),
            Self::NotInSnapshot => "the policy is not in the snapshot".to_owned(),
            Self::PolicyChanged => "the policy was changed after the sign-in".to_owned(),
            Self::NoTime => "the record does not say when the sign-in was, and the policy was changed".to_owned(),
            Self::NoResult => "the record has no result for the policy, or says that it is unknown".to_owned(),
            Self::State => "the state of the policy is not known".to_owned(),
            Self::Lacks(fact) => format!("the record does not say {}", fact.words()),
            Self::Snapshot(condition) => {
                format!("the snapshot does not tell whether the condition `{}` of the policy holds", condition.name())
            }
            Self::Demand => "whether what the policy demands was met cannot be told".to_owned(),
        }
    }

    pub(super) const fn is_of_time(self) -> bool {
        matches!(self, Self::PolicyChanged | Self::NoTime)
    }
}

impl Because {
    /// In words.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::State => "the policy is in another state in the snapshot than it was in the log".to_owned(),
            Self::Unmet(Condition::Users) => {
                "the user or service principal is not among those that the policy includes, or is excluded".to_owned()
            }
            Self::Unmet(condition) => format!("the condition `{}` of the policy is not met", condition.name()),
            Self::Applies(None) => "every condition of the policy holds".to_owned(),
            Self::Applies(Some(condition)) => {
                format!("every condition of the policy holds; the log says that `{}` was not met", condition.name())
            }
            Self::Demand(results) => {
                format!(
                    "the policy applies, and what it demands makes the result {}",
                    results.to_string().replace('|', " or ")
                )
            }
        }
    }
}

/// A kind of disagreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// The result of a policy.
    Result {
        /// Its index.
        policy: usize,
        /// What was recorded.
        recorded: AppliedResult,
        /// What is possible by our reckoning.
        ours: Results,
        /// Why.
        because: Because,
    },
    /// A condition of a policy.
    Condition {
        /// Its index.
        policy: usize,
        /// The condition.
        condition: Condition,
        /// Whether it was met, as recorded; ours is the opposite.
        recorded: bool,
    },
}

impl Difference {
    /// The policy it is about.
    #[must_use]
    pub const fn policy(self) -> usize {
        match self {
            Self::Result { policy, .. } | Self::Condition { policy, .. } => policy,
        }
    }

    /// The same of the first policy, which is the only one of a case.
    #[must_use]
    pub const fn of_first(self) -> Self {
        match self {
            Self::Result { recorded, ours, because, .. } => Self::Result { policy: 0, recorded, ours, because },
            Self::Condition { condition, recorded, .. } => Self::Condition { policy: 0, condition, recorded },
        }
    }
}

/// The disagreements of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// How many there are.
    pub count: u64,
    /// The first record among them that is short enough: its number and its bytes.
    pub first: Option<(u64, Vec<u8>)>,
}

/// What was found in some records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records that were read.
    pub records: u64,
    /// Records of which something could be told.
    pub judged: u64,
    /// Of these, those in which everything that could be told agrees.
    pub agree: u64,
    /// Results of policies.
    pub results: Counts,
    /// The same by policy, in the order of the snapshot; empty before the first.
    pub policies: Vec<Counts>,
    /// Conditions of policies of which the records say whether they were met.
    pub conditions: ConditionCounts,
    /// Kinds of disagreement.
    pub differences: BTreeMap<Difference, Group>,
    /// Disagreements of further kinds.
    pub differences_folded: u64,
    /// What could not be told, by reason.
    pub unknown: BTreeMap<Why, u64>,
    /// Words that no table has.
    pub strange: BTreeMap<(Fact, String), u64>,
    /// Further such words.
    pub strange_folded: u64,
    /// First and last time of a record.
    pub times: Option<(Timestamp, Timestamp)>,
    /// Records that are younger than the snapshot.
    pub younger_than_snapshot: u64,
}

impl Tally {
    pub(super) fn count_unknown(&mut self, why: Why) {
        *self.unknown.entry(why).or_default() += 1;
    }

    pub(super) fn note_time(&mut self, at: Option<Timestamp>, taken_at: Option<Timestamp>) {
        let Some(at) = at else { return };
        self.times = join_times(self.times, Some((at, at)));
        self.younger_than_snapshot += u64::from(taken_at.is_some_and(|taken| at > taken));
    }

    /// Counts the result of a policy, given its index among how many.
    pub(super) fn count_result(&mut self, policy: Option<(usize, usize)>, comparison: Comparison) {
        let agrees = match comparison {
            Comparison::Agrees => Some(true),
            Comparison::Disagrees(_) => Some(false),
            Comparison::Unknown(why) => {
                self.count_unknown(why);
                None
            }
        };
        self.results.count(agrees);
        if let Some((policy, count)) = policy {
            if self.policies.is_empty() {
                self.policies = vec![Counts::default(); count];
            }
            self.policies.get_mut(policy).into_iter().for_each(|counts| counts.count(agrees));
        }
    }

    pub(super) fn count_condition(&mut self, condition: Condition, agrees: Option<bool>) {
        self.conditions.get_mut(condition as usize).into_iter().for_each(|counts| counts.count(agrees));
    }

    pub(super) fn disagree(&mut self, difference: Difference, (number, bytes): (u64, &[u8])) {
        let Some(group) = self.group(difference, 1) else { return };
        if group.first.is_none() && bytes.len() <= EXAMPLE_BYTES_MAX {
            group.first = Some((number, bytes.to_vec()));
        }
    }

    /// Counts disagreements of a kind; `None` when there are too many kinds.
    fn group(&mut self, difference: Difference, count: u64) -> Option<&mut Group> {
        if self.differences.len() >= GROUP_COUNT_MAX && !self.differences.contains_key(&difference) {
            self.differences_folded += count;
            return None;
        }
        let group = self.differences.entry(difference).or_default();
        group.count += count;
        Some(group)
    }

    pub(super) fn count_strange(&mut self, fact: Fact, word: &str) {
        let word: String = word.chars().take(STRANGE_WORD_CHARS_MAX).collect();
        self.add_strange((fact, word), 1);
    }

    fn add_strange(&mut self, key: (Fact, String), count: u64) {
        if self.strange.len() >= STRANGE_WORD_COUNT_MAX && !self.strange.contains_key(&key) {
            self.strange_folded += count;
        } else {
            *self.strange.entry(key).or_default() += count;
        }
    }

    /// Adds what was found in the records behind these.
    pub fn join(&mut self, later: Self) {
        self.records += later.records;
        self.judged += later.judged;
        self.agree += later.agree;
        self.results.add(later.results);
        if self.policies.is_empty() {
            self.policies = later.policies;
        } else {
            self.policies.iter_mut().zip(later.policies).for_each(|(own, other)| own.add(other));
        }
        self.conditions.iter_mut().zip(later.conditions).for_each(|(own, other)| own.add(other));
        self.differences_folded += later.differences_folded;
        for (difference, Group { count, first }) in later.differences {
            if let Some(group) = self.group(difference, count) {
                group.first = group.first.take().or(first);
            }
        }
        for (why, count) in later.unknown {
            *self.unknown.entry(why).or_default() += count;
        }
        self.strange_folded += later.strange_folded;
        for (key, count) in later.strange {
            self.add_strange(key, count);
        }
        self.times = join_times(self.times, later.times);
        self.younger_than_snapshot += later.younger_than_snapshot;
    }

    /// Whether something disagrees.
    #[must_use]
    pub fn disagrees(&self) -> bool {
        !self.differences.is_empty() || self.differences_folded > 0
    }
}

/// The first and the last of two spans of time.
pub(super) fn join_times(
    one: Option<(Timestamp, Timestamp)>,
    other: Option<(Timestamp, Timestamp)>,
) -> Option<(Timestamp, Timestamp)> {
    match (one, other) {
        (Some((first, last)), Some((other_first, other_last))) => Some((first.min(other_first), last.max(other_last))),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(policy: usize) -> Difference {
        Difference::Condition { policy, condition: Condition::Users, recorded: true }
    }

    #[test]
    fn kinds_beyond_the_limit_are_counted_together() {
        let mut tally = Tally::default();
        for policy in 0..=GROUP_COUNT_MAX {
            tally.disagree(difference(policy), (policy as u64, b"{}"));
        }
        assert_eq!((tally.differences.len(), tally.differences_folded), (GROUP_COUNT_MAX, 1));
        tally.disagree(difference(0), (9, b"{}"));
        assert_eq!(tally.differences[&difference(0)].count, 2, "a kind that is known is counted as before");
        let mut other = Tally::default();
        other.disagree(difference(GROUP_COUNT_MAX + 1), (0, b"{}"));
        tally.join(other);
        assert_eq!(tally.differences_folded, 2);
    }

    #[test]
    fn strange_words_beyond_the_limit_are_counted_together() {
        let mut tally = Tally::default();
        for number in 0..=STRANGE_WORD_COUNT_MAX {
            tally.count_strange(Fact::Platform, &format!("OS {number:03}"));
        }
        assert_eq!((tally.strange.len(), tally.strange_folded), (STRANGE_WORD_COUNT_MAX, 1));
        tally.count_strange(Fact::Platform, &"x".repeat(STRANGE_WORD_CHARS_MAX + 1));
        assert_eq!(tally.strange_folded, 2);
    }

    #[test]
    fn a_record_that_is_too_long_is_no_example_and_the_first_other_is() {
        let mut tally = Tally::default();
        tally.disagree(difference(0), (0, &vec![b' '; EXAMPLE_BYTES_MAX + 1]));
        assert_eq!(tally.differences[&difference(0)].first, None);
        let mut later = Tally::default();
        later.disagree(difference(0), (5, &vec![b' '; EXAMPLE_BYTES_MAX]));
        tally.join(later.clone());
        tally.join(later);
        let group = &tally.differences[&difference(0)];
        assert_eq!((group.count, group.first.as_ref().map(|(number, _)| *number)), (3, Some(5)));
    }
}
