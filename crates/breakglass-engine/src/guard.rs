//! What a proposed change does to the ways in: the orders before and after, the verdict, and the smallest set of
//! failures that shuts everybody out afterwards and did not before.
//!
//! **Invariant:** what cannot be told is [`Verdict::Unknown`], never [`Verdict::Same`]: a verdict that something got
//! worse holds however the unknown facts are, and so does one that nothing did.

mod compare;

use std::collections::BTreeMap;

pub use compare::{After, Before, Change, before_and_after, compare, compile_both};

use crate::lockout::component::Component;
use crate::lockout::goal::{Goal, Horizon, Surface};
use crate::lockout::report::{Cause, ComponentWords, Order, Way};

/// The report on one proposed change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardReport {
    /// What has to be reached.
    pub goal: Goal,
    /// How long after the last sign-in.
    pub horizon: Horizon,
    /// The order as things are.
    pub before: Order,
    /// The order with the change made.
    pub after: Order,
    /// The order that must not be fallen short of.
    pub floor: usize,
    /// What the change does, by [`verdict`].
    pub verdict: Verdict,
    /// What changes, in words, in the order in which it was proposed.
    pub changes: Vec<String>,
    /// Failures that shut everybody out with the change and not without it; `None` if there are none.
    pub counterexample: Option<Counterexample>,
    /// Ways in that the change closes.
    pub lost: Vec<Way>,
    /// Ways in that the change opens.
    pub gained: Vec<Way>,
    /// Whether there are (or may be) more ways lost or gained than are listed.
    pub are_ways_truncated: bool,
    /// The order with the last step at one surface alone, before and after.
    pub surfaces: Vec<SurfaceChange>,
    /// Scenarios whose result the change alters.
    pub scenarios: Vec<ScenarioChange>,
    /// What else has to be known, in words: policies that would constrain if they were enabled, and the like.
    pub notes: Vec<String>,
    /// Facts that are not known, each with what it keeps from being promised.
    pub unknowns: Vec<String>,
    /// What is held up, in words.
    pub assumptions: Vec<String>,
    /// Of those of the configuration, the ones that nothing depends on after the change.
    pub idle_assumptions: Vec<Component>,
    /// Every component that the report names.
    pub components: BTreeMap<Component, ComponentWords>,
}

/// The smallest set of failures that shuts everybody out with the change and not without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterexample {
    /// What fails, by id; empty if nothing need fail.
    pub failed: Vec<Component>,
    /// What happens then, in words: cause, effect, whom.
    pub sentence: String,
    /// Policies and settings that make it so.
    pub causes: Vec<Cause>,
}

/// The order at one surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SurfaceChange {
    /// The surface.
    pub surface: Surface,
    /// As things are.
    pub before: Order,
    /// With the change made.
    pub after: Order,
}

impl SurfaceChange {
    /// What the change does there; no floor is asked of a single surface, and one that was shut before is no worse.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.before == self.after { Verdict::Same } else { verdict(self.before, self.after, 0) }
    }
}

/// A scenario that ends otherwise after the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioChange {
    /// Its id.
    pub id: String,
    /// What it is, in words.
    pub title: String,
    /// How many more failures it takes in it, as things are.
    pub before: Order,
    /// The same with the change made.
    pub after: Order,
    /// Whose way is left after the change, in words.
    pub by: Option<String>,
}

/// What a change does to the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The order is what it was.
    Same,
    /// The order is higher.
    Better,
    /// The order is lower.
    Lower,
    /// The order is below the floor, whether or not it was before.
    BelowFloor,
    /// Nobody gets in after the change.
    LockedOut,
    /// It depends on facts that are not known, or on sizes that were not searched.
    Unknown,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 6] =
        [Self::Same, Self::Better, Self::Lower, Self::BelowFloor, Self::LockedOut, Self::Unknown];

    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Better => "better",
            Self::Lower => "lower",
            Self::BelowFloor => "below-floor",
            Self::LockedOut => "locked-out",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the change does harm, for sure.
    #[must_use]
    pub const fn is_harm(self) -> bool {
        matches!(self, Self::Lower | Self::BelowFloor | Self::LockedOut)
    }
}

/// The verdict on a change, the worst that holds: locked out, below the floor, lower, unknown, better, same.
///
/// A harm must hold of what is promised and of what is possible; one that holds of only one of the two depends on a
/// fact that is not known, and is unknown. An order that was not found is at least one more than the size searched:
/// two such orders searched to the same size count as the same.
#[must_use]
pub fn verdict(before: Order, after: Order, floor: usize) -> Verdict {
    let runs = [
        (Bounds::of(before.proved, before), Bounds::of(after.proved, after)),
        (Bounds::of(before.possible, before), Bounds::of(after.possible, after)),
    ];
    let in_all = |harm: fn(&Bounds, &Bounds, usize) -> Answer| {
        runs.iter().all(|(before, after)| harm(before, after, floor) == Answer::Yes)
    };
    let in_any = |harm: fn(&Bounds, &Bounds, usize) -> Answer| {
        runs.iter().any(|(before, after)| harm(before, after, floor) != Answer::No)
    };
    if in_all(is_locked_out) {
        Verdict::LockedOut
    } else if in_all(is_below_floor) {
        Verdict::BelowFloor
    } else if in_all(is_lower) {
        Verdict::Lower
    } else if in_any(is_locked_out) || in_any(is_below_floor) || in_any(is_lower) {
        Verdict::Unknown
    } else if runs.iter().any(|(before, after)| after.least > before.most) {
        Verdict::Better
    } else {
        Verdict::Same
    }
}

/// What is known of one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bounds {
    least: usize,
    most: usize,
}

/// Stands for an order without bound.
const UNBOUNDED: usize = usize::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    Perhaps,
}

impl Bounds {
    fn of(size: Option<usize>, order: Order) -> Self {
        match (size, order.is_exhausted, order.searched_to) {
            (Some(size), _, _) => Self { least: size, most: size },
            (None, true, _) => Self { least: UNBOUNDED, most: UNBOUNDED },
            (None, false, Some(searched)) => Self { least: searched.saturating_add(1), most: UNBOUNDED },
            (None, false, None) => Self { least: 0, most: UNBOUNDED },
        }
    }
}

fn is_locked_out(_: &Bounds, after: &Bounds, _: usize) -> Answer {
    is_under(after, 1)
}

fn is_below_floor(_: &Bounds, after: &Bounds, floor: usize) -> Answer {
    is_under(after, floor)
}

fn is_under(bounds: &Bounds, size: usize) -> Answer {
    if bounds.most < size {
        Answer::Yes
    } else if bounds.least >= size {
        Answer::No
    } else {
        Answer::Perhaps
    }
}

fn is_lower(before: &Bounds, after: &Bounds, _: usize) -> Answer {
    if after.most < before.least {
        Answer::Yes
    } else if after.least >= before.most || (before == after && before.least > 0) {
        Answer::No
    } else {
        Answer::Perhaps
    }
}

#[cfg(test)]
mod tests {
    use super::{Order, Verdict, verdict};

    fn sure(size: usize) -> Order {
        doubtful(size, size)
    }

    fn doubtful(proved: usize, possible: usize) -> Order {
        Order { proved: Some(proved), possible: Some(possible), searched_to: Some(6), is_exhausted: false }
    }

    fn none_up_to(size: usize) -> Order {
        Order { proved: None, possible: None, searched_to: Some(size), is_exhausted: false }
    }

    const UNBOUNDED: Order = Order { proved: None, possible: None, searched_to: Some(3), is_exhausted: true };
    const UNSEARCHED: Order = Order { proved: None, possible: None, searched_to: None, is_exhausted: false };

    #[test]
    fn verdicts() {
        for (before, after, floor, expected) in [
            // What is known.
            (sure(4), sure(4), 2, Verdict::Same),
            (sure(2), sure(4), 2, Verdict::Better),
            (sure(4), sure(3), 2, Verdict::Lower),
            (sure(4), sure(2), 2, Verdict::Lower),
            (sure(4), sure(1), 2, Verdict::BelowFloor),
            (sure(4), sure(0), 2, Verdict::LockedOut),
            (sure(4), sure(0), 0, Verdict::LockedOut),
            (sure(4), sure(1), 0, Verdict::Lower),
            // The floor is absolute.
            (sure(1), sure(1), 2, Verdict::BelowFloor),
            (sure(0), sure(1), 2, Verdict::BelowFloor),
            (sure(0), sure(0), 2, Verdict::LockedOut),
            // No bound, and sizes that were not searched.
            (UNBOUNDED, UNBOUNDED, 2, Verdict::Same),
            (UNBOUNDED, sure(4), 2, Verdict::Lower),
            (sure(4), UNBOUNDED, 2, Verdict::Better),
            (none_up_to(6), none_up_to(6), 2, Verdict::Same),
            (none_up_to(6), sure(6), 2, Verdict::Lower),
            (sure(6), none_up_to(6), 2, Verdict::Better),
            (none_up_to(3), sure(4), 2, Verdict::Unknown),
            (none_up_to(3), none_up_to(2), 2, Verdict::Unknown),
            (none_up_to(1), none_up_to(1), 3, Verdict::Unknown),
            (UNBOUNDED, none_up_to(6), 2, Verdict::Unknown),
            (UNSEARCHED, UNSEARCHED, 0, Verdict::Unknown),
            (sure(4), UNSEARCHED, 2, Verdict::Unknown),
            (UNSEARCHED, sure(4), 2, Verdict::Unknown),
            (UNSEARCHED, sure(0), 2, Verdict::LockedOut),
            // What is promised and what is possible differ.
            (doubtful(2, 4), doubtful(2, 4), 2, Verdict::Same),
            (doubtful(2, 4), sure(4), 2, Verdict::Better),
            (doubtful(2, 4), doubtful(1, 3), 0, Verdict::Lower),
            (doubtful(2, 4), doubtful(2, 3), 2, Verdict::Unknown),
            (sure(4), doubtful(0, 4), 2, Verdict::Unknown),
            (sure(4), doubtful(0, 1), 2, Verdict::BelowFloor),
            (sure(4), doubtful(0, 3), 2, Verdict::Lower),
            (doubtful(0, 4), doubtful(0, 4), 2, Verdict::Unknown),
            (doubtful(1, 4), doubtful(1, 4), 2, Verdict::Unknown),
            (doubtful(1, 4), doubtful(0, 0), 2, Verdict::LockedOut),
        ] {
            assert_eq!(verdict(before, after, floor), expected, "{before:?} {after:?} {floor}");
        }
    }

    #[test]
    fn only_same_and_better_are_no_harm_for_sure() {
        let harm: Vec<&str> = Verdict::ALL.into_iter().filter(|one| one.is_harm()).map(Verdict::name).collect();
        assert_eq!(harm, ["lower", "below-floor", "locked-out"]);
    }
}
