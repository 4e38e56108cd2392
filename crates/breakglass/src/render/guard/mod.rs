//! What a person, a pull request or a code scanner sees of what a proposed change does to the ways in.

mod json;
mod markdown;
#[cfg(test)]
mod sample;
mod sarif;
#[cfg(test)]
mod tests;
mod text;

use breakglass_engine::guard::{GuardReport, ScenarioChange, Verdict};
use breakglass_engine::lockout::report::{Order, Way};

use super::lockout::words;
use super::{Format, counted};

/// A guard's report, and where the change that it judges is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Guarded {
    /// The report.
    pub(crate) report: GuardReport,
    /// Files of the proposed policies, as they were named on the command line.
    pub(crate) policy_files: Vec<String>,
}

/// Every format, the one for people first.
pub(crate) const FORMATS: &[Format<Guarded>] = &[text::FORMAT, json::FORMAT, markdown::FORMAT, sarif::FORMAT];

/// The format of this name.
pub(crate) fn format_named(name: &str) -> Option<&'static Format<Guarded>> {
    FORMATS.iter().find(|format| format.name == name)
}

/// The verdict as a word that a reader cannot miss.
const fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Same => "SAME",
        Verdict::Better => "BETTER",
        Verdict::Lower => "LOWER",
        Verdict::BelowFloor => "BELOW THE FLOOR",
        Verdict::LockedOut => "LOCKED OUT",
        Verdict::Unknown => "COULD NOT TELL",
    }
}

/// What the verdict says of the orders.
fn verdict_sentence(report: &GuardReport) -> String {
    let (before, after) = (words::order_with_doubt(&report.before), words::order_with_doubt(&report.after));
    let floor = report.floor;
    match report.verdict {
        Verdict::Same => format!("the change leaves the order at {after}."),
        Verdict::Better => format!("the change raises the order from {before} to {after}."),
        Verdict::Lower => format!("the change lowers the order from {before} to {after}."),
        Verdict::BelowFloor if before == after => {
            format!("the order is {after}, before the change and after it; the floor is {floor}.")
        }
        Verdict::BelowFloor => format!("the change takes the order from {before} to {after}; the floor is {floor}."),
        Verdict::LockedOut if report.before.possible == Some(0) => {
            "nobody gets in, before the change or after it.".to_owned()
        }
        Verdict::LockedOut => format!("with the change nobody gets in. The order was {before}."),
        Verdict::Unknown => {
            let why = match report.unknowns.len() {
                0 => "it depends on sizes that were not searched".to_owned(),
                count => format!("it depends on {} unknown", counted_are(count)),
            };
            format!("the order was {before} and would be {after}; {why}.")
        }
    }
}

/// `1 fact that is`, `3 facts that are`.
fn counted_are(count: usize) -> String {
    let verb = if count == 1 { "is" } else { "are" };
    format!("{} that {verb}", counted(count, "fact"))
}

/// Scenarios, those that stop being survived first.
fn ranked(report: &GuardReport) -> Vec<&ScenarioChange> {
    let mut ranked: Vec<&ScenarioChange> = report.scenarios.iter().collect();
    ranked.sort_by_key(|scenario| scenario.after.proved != Some(0));
    ranked
}

/// A way in one line: whose, and how.
fn way_line(report: &GuardReport, way: &Way) -> String {
    format!("{}: {}", way.name, words::how(&report.components, &way.context))
}

/// `nobody gets in`, `2`, `2 (could be 3)`: an order where a change is told.
fn left(order: &Order) -> String {
    match (order.proved, order.possible) {
        (Some(0), Some(0)) => "0: nobody gets in".to_owned(),
        _ => words::order_with_doubt(order),
    }
}
