//! Markdown for the comment on a pull request: the verdict as a word, the sentence, before and after, the rest folded.

use std::fmt::Write as _;

use breakglass_engine::guard::{GuardReport, Verdict};
use breakglass_engine::lockout::report::Cause;

use super::super::lockout::words;
use super::super::markdown::{code, inline};
use super::super::{Extent, Format, Page, day_and_time};
use super::{
    Guarded, lead, left, ranked, surface_lines, verdict_sentence, verdict_word, way_lines, ways_titles, worse_surfaces,
};

/// Entries of each list before the rest is counted; a comment has a largest size.
const FOLDED_COUNT_MAX: usize = 25;

pub(super) const FORMAT: Format<Guarded> =
    Format { name: "markdown", about: "For a comment on a pull request", render };

fn render(guarded: &Guarded, page: &Page) -> String {
    let report = &guarded.report;
    let mut text = format!(
        "## {} {}\n\n{}\n\n",
        sign(report.verdict),
        verdict_word(report),
        inline(&capitalised(&verdict_sentence(report))),
    );
    for line in surface_lines(report) {
        let _ = write!(text, "**{line}**\n\n");
    }
    if let Some(line) = words::idle_assumptions(&report.idle_assumptions) {
        let _ = write!(text, "{}\n\n", inline(&line));
    }
    text.push_str(&counterexample(report));
    text.push_str(&before_and_after(report, page));
    if let Some(replayed) = &guarded.replayed {
        let _ = write!(text, "\n### In the logs\n\n{}", replayed.markdown);
    }
    if !report.unknowns.is_empty() {
        text.push_str(&format!("\nUnknown:\n\n{}", items(&report.unknowns, page)));
    }
    let [lost, gained] = ways_titles(report);
    for (title, lines) in [
        (lost, way_lines(report, &report.lost)),
        (gained, way_lines(report, &report.gained)),
        ("What changes".to_owned(), report.changes.clone()),
        ("Good to know".to_owned(), report.notes.clone()),
        ("Held to be up, whatever happens".to_owned(), report.assumptions.clone()),
    ] {
        if !lines.is_empty() {
            let _ = write!(text, "\n<details>\n<summary>{title}</summary>\n\n{}\n</details>\n", items(&lines, page));
        }
    }
    let _ = writeln!(
        text,
        "\nAsked: can somebody get in {}? Snapshot {}, as of {}.",
        words::question(report.goal, report.horizon),
        code(&page.source),
        day_and_time(page.judged_at),
    );
    text
}

/// A sign beside the word; it says nothing that the word does not.
const fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Same | Verdict::Better => "✅",
        Verdict::Lower | Verdict::BelowFloor | Verdict::LockedOut => "⛔",
        Verdict::Unknown => "❔",
    }
}

fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// What goes wrong: cause, effect, whom; and what has to fail for it.
fn counterexample(report: &GuardReport) -> String {
    let Some(counterexample) = &report.counterexample else { return String::new() };
    let mut text = lead(report).map(|lead| format!("{lead}\n\n")).unwrap_or_default();
    let _ = write!(text, "> {}\n\n", inline(&counterexample.sentence));
    let failed: Vec<String> =
        counterexample.failed.iter().map(|component| words::failure(&report.components, component)).collect();
    let failed = if failed.is_empty() { "nothing".to_owned() } else { failed.join("; ") };
    let _ = writeln!(text, "- What has to fail for it: {}", inline(&failed));
    let causes: Vec<&Cause> = counterexample.causes.iter().collect();
    if let Some(causes) = words::because_up_to(&causes, FOLDED_COUNT_MAX) {
        let _ = writeln!(text, "- Because of: {}", inline(&causes));
    }
    text.push('\n');
    text
}

fn before_and_after(report: &GuardReport, page: &Page) -> String {
    let mut text = "| Failures that lock everybody out | Before | After |\n|---|---|---|\n".to_owned();
    let _ = writeln!(
        text,
        "| **order** (floor {}) | **{}** | **{}** |",
        report.floor,
        inline(&left(&report.before)),
        inline(&left(&report.after)),
    );
    for one in worse_surfaces(report) {
        let (before, after) = (inline(&left(&one.before)), inline(&left(&one.after)));
        let _ = writeln!(text, "| at {} alone | {before} | {after} |", one.surface.words());
    }
    let ranked = ranked(report);
    let (shown, rest) = shown(&ranked, page);
    for scenario in shown {
        let by = scenario.by.as_ref().map(|by| format!(" ({by})")).unwrap_or_default();
        let _ = writeln!(
            text,
            "| {} | {} | {}{} |",
            inline(&scenario.title),
            inline(&left(&scenario.before)),
            inline(&left(&scenario.after)),
            inline(&by),
        );
    }
    if rest > 0 {
        let _ = writeln!(text, "\nAnd {rest} more; `--all` shows them.");
    }
    text
}

fn shown<'a, T>(items: &'a [T], page: &Page) -> (&'a [T], usize) {
    let count = if page.extent == Extent::All { items.len() } else { FOLDED_COUNT_MAX };
    let (shown, rest) = items.split_at_checked(count).unwrap_or((items, &[]));
    (shown, rest.len())
}

fn items(lines: &[String], page: &Page) -> String {
    let (shown, rest) = shown(lines, page);
    let mut text: String = shown.iter().map(|line| format!("- {}\n", inline(line))).collect();
    if rest > 0 {
        let _ = writeln!(text, "- and {rest} more; `--all` shows them");
    }
    text
}
