//! Agreement: Microsoft's own What If, held against ours.
//!
//! [`Sample`] is a list of questions that tell everything apart that policies tell apart: each kind of people, target and
//! circumstance is asked about, each policy once where it applies, and once for each of its conditions where that one
//! alone is not met. [`of_ways`] are the questions on which a proof of ways in rests. [`Compared`] is one answer of the
//! tenant's `evaluate` beside ours, and [`case`] makes of a difference a small case without names.
//!
//! **Invariant:** what we could not tell is never counted as agreement.
//! **Source:** <https://learn.microsoft.com/graph/api/conditionalaccessroot-evaluate>; the enumeration
//! `whatIfAnalysisReasons`.

mod answer;
pub mod case;
mod facts;
mod sample;
mod ways;

pub use self::answer::{AnswerError, Compared, Difference, Kind};
pub use self::facts::{DEVICE_COUNT_MAX, Dimension};
pub use self::sample::{Question, Sample};
pub use self::ways::{WayQuestion, of_ways};
