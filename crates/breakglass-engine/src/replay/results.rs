//! Results of a policy in the log, as sets of those that are possible.

use crate::access::demand::{Outcome, OutcomeRange};
use crate::access::{AppliedResult, Trit};

/// The results that a record may have, in the order of Graph's enumeration.
const ALL: [AppliedResult; 8] = [
    AppliedResult::Success,
    AppliedResult::Failure,
    AppliedResult::NotApplied,
    AppliedResult::NotEnabled,
    AppliedResult::ReportOnlySuccess,
    AppliedResult::ReportOnlyFailure,
    AppliedResult::ReportOnlyNotApplied,
    AppliedResult::ReportOnlyInterrupted,
];

/// A set of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Results(u8);

/// What a policy did at the time of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordedState {
    Enabled,
    ReportOnly,
    Disabled,
}

/// Reads Graph's word; `None` for `unknown` and words that nobody knows.
pub(super) fn read(text: &str) -> Option<AppliedResult> {
    ALL.into_iter().find(|result| result.name() == text)
}

/// What the policy did when the result was written.
pub(super) fn state_of(result: AppliedResult) -> Option<RecordedState> {
    match result {
        AppliedResult::Success | AppliedResult::Failure | AppliedResult::NotApplied => Some(RecordedState::Enabled),
        AppliedResult::NotEnabled => Some(RecordedState::Disabled),
        AppliedResult::Unknown => None,
        _ => Some(RecordedState::ReportOnly),
    }
}

fn place(result: AppliedResult) -> u8 {
    ALL.iter().position(|known| *known == result).map_or(0, |at| 1 << at)
}

impl Results {
    /// All of them: nothing is known.
    pub const ALL: Self = Self(u8::MAX);

    /// One result.
    #[must_use]
    pub fn of(result: AppliedResult) -> Self {
        Self(place(result))
    }

    /// And another.
    #[must_use]
    pub fn with(self, result: AppliedResult) -> Self {
        Self(self.0 | place(result))
    }

    /// Whether a result is possible.
    #[must_use]
    pub fn has(self, result: AppliedResult) -> bool {
        self.0 & place(result) != 0
    }

    /// The results, in the order of the enumeration.
    pub fn iter(self) -> impl Iterator<Item = AppliedResult> {
        ALL.into_iter().filter(move |result| self.has(*result))
    }

    /// What the policy does, if all of them say the same.
    pub(super) fn state(self) -> Option<RecordedState> {
        let mut states = self.iter().map(state_of);
        let first = states.next().flatten();
        first.filter(|_| states.all(|state| state == first))
    }

    /// Those of a policy in force that applies. A sign-in that succeeded met whatever could be met.
    pub(super) fn of_enforced(range: OutcomeRange, succeeded: Trit) -> Self {
        let has_success = range.best == Outcome::Allowed;
        let has_failure = range.worst != Outcome::Allowed && !(has_success && succeeded == Trit::Yes);
        let none = Self(0);
        let results = if has_success { none.with(AppliedResult::Success) } else { none };
        if has_failure { results.with(AppliedResult::Failure) } else { results }
    }

    /// Those of a report-only policy that would apply.
    pub(super) fn of_report_only(range: OutcomeRange) -> Self {
        let between = Outcome::ALL.into_iter().filter(|outcome| (range.best..=range.worst).contains(outcome));
        between.fold(Self(0), |results, outcome| results.with(report_only(outcome)))
    }
}

/// The result of a report-only policy that would apply.
pub(super) const fn report_only(outcome: Outcome) -> AppliedResult {
    match outcome {
        Outcome::Allowed => AppliedResult::ReportOnlySuccess,
        Outcome::Challenge => AppliedResult::ReportOnlyInterrupted,
        Outcome::Unsatisfiable | Outcome::Blocked => AppliedResult::ReportOnlyFailure,
    }
}

impl std::fmt::Display for Results {
    /// The words, joined by `|` where several are possible.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, result) in self.iter().enumerate() {
            write!(f, "{}{}", if at > 0 { "|" } else { "" }, result.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(best: Outcome, worst: Outcome) -> OutcomeRange {
        OutcomeRange { best, worst }
    }

    #[test]
    fn words_are_read_and_written() {
        for result in ALL {
            assert_eq!(read(result.name()), Some(result));
            assert_eq!(Results::of(result).to_string(), result.name());
        }
        assert_eq!((read("unknown"), read("unknownFutureValue"), read("Success")), (None, None, None));
    }

    #[test]
    fn what_is_in_force_succeeds_where_the_sign_in_did() {
        use Outcome::{Allowed, Blocked, Challenge, Unsatisfiable};
        for (best, worst, succeeded, expected) in [
            (Allowed, Allowed, Trit::Unknown, "success"),
            (Allowed, Challenge, Trit::Unknown, "success|failure"),
            (Allowed, Challenge, Trit::No, "success|failure"),
            (Allowed, Challenge, Trit::Yes, "success"),
            (Challenge, Challenge, Trit::Yes, "failure"),
            (Blocked, Blocked, Trit::Yes, "failure"),
            (Unsatisfiable, Blocked, Trit::No, "failure"),
        ] {
            assert_eq!(Results::of_enforced(range(best, worst), succeeded).to_string(), expected);
        }
    }

    #[test]
    fn report_only_has_a_word_for_each_outcome() {
        use Outcome::{Allowed, Blocked, Challenge, Unsatisfiable};
        for (best, worst, expected) in [
            (Allowed, Allowed, "reportOnlySuccess"),
            (Challenge, Challenge, "reportOnlyInterrupted"),
            (Unsatisfiable, Blocked, "reportOnlyFailure"),
            (Allowed, Challenge, "reportOnlySuccess|reportOnlyInterrupted"),
        ] {
            assert_eq!(Results::of_report_only(range(best, worst)).to_string(), expected);
        }
    }

    #[test]
    fn a_set_has_a_state_if_all_of_it_has() {
        let mixed = Results::of(AppliedResult::Success).with(AppliedResult::NotApplied);
        assert_eq!(mixed.state(), Some(RecordedState::Enabled));
        assert_eq!(mixed.with(AppliedResult::NotEnabled).state(), None);
        assert_eq!(Results::ALL.state(), None);
    }
}
