//! What a person, a pull request or a code scanner sees of what a proposed change does to the ways in.

mod json;
mod markdown;
#[cfg(test)]
mod sample;
mod sarif;
#[cfg(test)]
mod tests;
mod text;
mod written;

use breakglass_engine::guard::{GuardReport, ScenarioChange, SurfaceChange, Verdict};
use breakglass_engine::lockout::goal::Surface;
use breakglass_engine::lockout::report::{Order, Way};

pub(crate) use written::{Written, written};

use super::lockout::text::is_lower;
use super::lockout::words;
use super::{Format, counted};

/// A guard's report, and where the change that it judges is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Guarded {
    /// The report.
    pub(crate) report: GuardReport,
    /// Where the change is written, what is at fault first; empty where it is no file.
    pub(crate) written: Vec<Written>,
    /// What the change would have done to recorded sign-ins, if logs were named.
    pub(crate) replayed: Option<Replayed>,
}

/// What a change would have done to recorded sign-ins, in each form that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replayed {
    /// For a terminal.
    pub(crate) text: String,
    /// For a comment.
    pub(crate) markdown: String,
    /// For programs.
    pub(crate) value: serde_json::Value,
}

/// Every format, the one for people first.
pub(crate) const FORMATS: &[Format<Guarded>] = &[text::FORMAT, json::FORMAT, markdown::FORMAT, sarif::FORMAT];

/// The format of this name.
pub(crate) fn format_named(name: &str) -> Option<&'static Format<Guarded>> {
    FORMATS.iter().find(|format| format.name == name)
}

/// Whether neither order was found, so that the one after the change may be the lower one all the same.
fn is_beyond_the_search(report: &GuardReport) -> bool {
    let is_beyond = |order: &Order| order.proved.is_none() && !order.is_exhausted;
    matches!(report.verdict, Verdict::Same) && is_beyond(&report.before) && is_beyond(&report.after)
}

/// The verdict as a word that a reader cannot miss.
fn verdict_word(report: &GuardReport) -> &'static str {
    match report.verdict {
        Verdict::Same if is_beyond_the_search(report) => "SAME as far as was searched",
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
    let (before, after) = (left(&report.before), locks(&report.after));
    let floor = report.floor;
    let sentence = match report.verdict {
        Verdict::Same if is_beyond_the_search(report) => {
            format!("{after}, before the change and after it; whether it takes fewer than before is not known.")
        }
        Verdict::Same => format!("{after}, as before."),
        Verdict::Better | Verdict::Lower => format!("with the change {after}; it was {before}."),
        Verdict::BelowFloor if report.before == report.after => {
            format!("{after}, before the change and after it; the floor is {floor}.")
        }
        Verdict::BelowFloor => format!("with the change {after}; it was {before}, and the floor is {floor}."),
        Verdict::LockedOut if report.before.possible == Some(0) => {
            "nobody gets in, before the change or after it.".to_owned()
        }
        Verdict::LockedOut => format!("with the change nobody gets in. Without it {}.", locks(&report.before)),
        Verdict::Unknown => {
            let why = match report.unknowns.len() {
                0 => "it depends on sizes that were not searched".to_owned(),
                count => format!("it depends on {} unknown", counted_are(count)),
            };
            format!("{} now, with the change {}: {why}.", locks(&report.before), left(&report.after))
        }
    };
    match report.scenarios.iter().filter(|scenario| is_worse(scenario)).count() {
        0 => sentence,
        _ if !matches!(report.verdict, Verdict::Same | Verdict::Better) => sentence,
        1 => format!("{sentence} In one scenario it takes fewer than before."),
        count => format!("{sentence} In {count} scenarios it takes fewer than before."),
    }
}

/// Whether fewer failures lock everybody out in a scenario than before.
fn is_worse(scenario: &ScenarioChange) -> bool {
    is_lower(&scenario.after, &scenario.before)
}

/// Surfaces that the change shuts, where it does not shut them all: nobody gets in there for sure.
fn shut(report: &GuardReport) -> Vec<Surface> {
    let is_shut = |one: &&SurfaceChange| one.verdict() == Verdict::LockedOut && one.before.possible != Some(0);
    match report.verdict {
        // That is told, of everything.
        Verdict::LockedOut => Vec::new(),
        _ => report.surfaces.iter().filter(is_shut).map(|one| one.surface).collect(),
    }
}

/// What the change does to single surfaces, where that is the worst: which are shut, and which may be.
fn surface_lines(report: &GuardReport) -> Vec<String> {
    let shut = shut(report);
    let is_promised = |order: &Order| order.proved != Some(0);
    let may_be_shut = report.surfaces.iter().filter(|one| is_promised(&one.before) && !is_promised(&one.after));
    let may_be_shut: Vec<Surface> = may_be_shut.map(|one| one.surface).filter(|one| !shut.contains(one)).collect();
    let mut lines = Vec::new();
    if !shut.is_empty() {
        lines.push(format!("Nobody gets into {} any more.", places(&shut)));
    }
    if !may_be_shut.is_empty() && is_promised(&report.after) {
        lines.push(format!("It is not certain any more that somebody gets into {}.", places(&may_be_shut)));
    }
    lines
}

/// `the Entra admin center or Microsoft Graph`.
fn places(surfaces: &[Surface]) -> String {
    let name = |surface: &Surface| match surface {
        Surface::Portal | Surface::M365 => format!("the {}", surface.words()),
        Surface::Graph | Surface::Azure => surface.words().to_owned(),
    };
    let names: Vec<String> = surfaces.iter().map(name).collect();
    match names.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        all => all.concat(),
    }
}

/// Surfaces at which it takes fewer failures than before, and that is not what is said of all of them together.
fn worse_surfaces(report: &GuardReport) -> impl Iterator<Item = &SurfaceChange> {
    let is_news = |one: &&SurfaceChange| (one.before, one.after) != (report.before, report.after);
    let is_worse = |one: &&SurfaceChange| is_lower(&one.after, &one.before) || one.verdict().is_harm();
    // Where nobody gets in at all, each of them says nothing more.
    let is_told = report.verdict != Verdict::LockedOut;
    report.surfaces.iter().filter(move |_| is_told).filter(is_news).filter(is_worse)
}

/// `3 failures lock everybody out`, and the like.
fn locks(order: &Order) -> String {
    let doubt = words::could_be(order).map(|possible| format!(" (could be {possible})")).unwrap_or_default();
    match (order.proved, order.searched_to) {
        (Some(0), _) if !doubt.is_empty() => format!("nobody is certain to get in{doubt}"),
        (Some(0), _) => "nobody gets in".to_owned(),
        (Some(1), _) => format!("1 failure{doubt} locks everybody out"),
        (Some(size), _) => format!("{size} failures{doubt} lock everybody out"),
        (None, _) if order.is_exhausted => "no failures lock everybody out".to_owned(),
        (None, Some(size)) => format!("more than {} lock everybody out", counted(size, "failure")),
        (None, None) => "how many failures lock everybody out was not found".to_owned(),
    }
}

/// What stands before a counterexample that makes nothing worse.
fn lead(report: &GuardReport) -> Option<&'static str> {
    match report.verdict {
        Verdict::Same => Some("No smaller set of failures locks everybody out than before, but this one is new:"),
        Verdict::Better => Some("It takes more than before, but this set of failures is new:"),
        _ => None,
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

/// Ways in, a line for each that looks different: whose, how, and how many there are.
fn way_lines(report: &GuardReport, ways: &[Way]) -> Vec<String> {
    let mut lines: Vec<(String, usize)> = Vec::new();
    for way in ways {
        let line = format!("{}: {}", way.name, words::how(&report.components, &way.context));
        match lines.iter_mut().find(|(known, _)| *known == line) {
            Some((_, count)) => *count += 1,
            None => lines.push((line, 1)),
        }
    }
    let told = |(line, count): (String, usize)| match count {
        1 => line,
        count => format!("{line} ({})", counted(count, "way")),
    };
    lines.into_iter().map(told).collect()
}

/// What stands above the ways that a change closes, and those that it opens.
fn ways_titles(report: &GuardReport) -> [String; 2] {
    let more = if report.are_ways_truncated { ", there may be more" } else { "" };
    [
        format!("Ways in that are closed or need more than before ({}{more})", report.lost.len()),
        format!("Ways in that are new ({}{more})", report.gained.len()),
    ]
}

/// `nobody gets in`, `2`, `2 (could be 3)`: an order where a change is told.
fn left(order: &Order) -> String {
    match (order.proved, order.possible) {
        (Some(0), Some(0)) => "0: nobody gets in".to_owned(),
        _ => words::order_with_doubt(order),
    }
}
