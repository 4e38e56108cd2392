//! Text for a terminal: the verdict, the smallest thing that goes wrong, before and after, and what else is known.
//!
//! At most ten of each are shown unless all are asked for; the rest is counted.

use breakglass_engine::guard::{GuardReport, Verdict};
use breakglass_engine::lockout::report::Cause;

use super::super::lockout::text::{section, shown};
use super::super::lockout::words;
use super::super::paint::Style;
use super::super::table::{Cell, Column, table};
use super::super::text::{painted, wrapped};
use super::super::{Format, Page, counted, day_and_time, visible};
use super::{
    Guarded, is_worse, lead, left, ranked, surface_lines, verdict_sentence, verdict_word, way_lines, ways_titles,
    worse_surfaces,
};

/// Causes that are shown before the rest is counted.
const CAUSE_COUNT_MAX: usize = 10;

pub(super) const FORMAT: Format<Guarded> = Format { name: "text", about: "For reading in a terminal", render };

fn render(guarded: &Guarded, page: &Page) -> String {
    let report = &guarded.report;
    let [lost, gained] = ways_titles(report);
    let unknowns = section(&format!("Unknown ({})", report.unknowns.len()), &report.unknowns, page);
    // What a verdict hangs on comes first.
    let (first, last) = match report.verdict {
        Verdict::Unknown => (unknowns, String::new()),
        _ => (String::new(), unknowns),
    };
    let parts = [
        head(report, page),
        first,
        before_and_after(report, page),
        guarded.replayed.as_ref().map(|replayed| format!("In the logs\n{}", replayed.text)).unwrap_or_default(),
        section("What changes", &report.changes, page),
        section(&lost, &way_lines(report, &report.lost), page),
        section(&gained, &way_lines(report, &report.gained), page),
        section("Good to know", &report.notes, page),
        last,
        section("Held to be up, whatever happens", &report.assumptions, page),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn head(report: &GuardReport, page: &Page) -> String {
    let style = match report.verdict {
        Verdict::Same | Verdict::Better => Style::Good,
        Verdict::Lower | Verdict::BelowFloor | Verdict::LockedOut => Style::Bad,
        Verdict::Unknown => Style::Doubtful,
    };
    let verdict = format!("{}: {}", verdict_word(report), verdict_sentence(report));
    let mut head = painted(&wrapped(&verdict, "", page), style, page.paint);
    for line in surface_lines(report) {
        head.push_str(&painted(&wrapped(&line, "", page), Style::Bad, page.paint));
    }
    if let Some(line) = words::idle_assumptions(&report.idle_assumptions) {
        head.push_str(&painted(&wrapped(&visible(&line), "", page), Style::Doubtful, page.paint));
    }
    if let Some(counterexample) = &report.counterexample {
        head.push('\n');
        head.push_str(&lead(report).map(|lead| wrapped(lead, "", page)).unwrap_or_default());
        head.push_str(&wrapped(&visible(&counterexample.sentence), "", page));
        let failed: Vec<String> =
            counterexample.failed.iter().map(|component| words::failure(&report.components, component)).collect();
        let failed = match failed.len() {
            0 => "nothing needs to fail for it".to_owned(),
            count => format!("{}: {}", counted(count, "failure"), failed.join("; ")),
        };
        head.push_str(&wrapped(&visible(&failed), "  what   ", page));
        let causes: Vec<&Cause> = counterexample.causes.iter().collect();
        if let Some(causes) = words::because_up_to(&causes, CAUSE_COUNT_MAX) {
            head.push_str(&wrapped(&visible(&causes), "  why    ", page));
        }
    }
    head.push('\n');
    let question = words::question(report.goal, report.horizon);
    let asked = format!(
        "The order is the number of failures that lock everybody out; the floor is {}. Asked: can somebody get in \
         {question}?",
        report.floor,
    );
    head.push_str(&wrapped(&asked, "  ", page));
    let judged = format!("{}, as of {}.", visible(&page.source), day_and_time(page.judged_at));
    head.push_str(&painted(&wrapped(&judged, "  ", page), Style::Faint, page.paint));
    head
}

fn before_and_after(report: &GuardReport, page: &Page) -> String {
    let cells = |what: &str, before: &str, after: String, is_bad: bool| {
        let style = is_bad.then_some(Style::Bad);
        vec![Cell::plain(what), Cell::plain(before), Cell { text: after, style }]
    };
    let mut rows = vec![cells("order", &left(&report.before), left(&report.after), report.verdict.is_harm())];
    rows.extend(
        worse_surfaces(report)
            .map(|one| cells(&format!("at {} alone", one.surface.words()), &left(&one.before), left(&one.after), true)),
    );
    let ranked = ranked(report);
    let (shown, rest) = shown(&ranked, page);
    rows.extend(shown.iter().map(|scenario| {
        let by = scenario.by.as_ref().map(|by| format!(" ({by})")).unwrap_or_default();
        let is_bad = is_worse(scenario);
        let what = format!("in the scenario: {}", scenario.title);
        cells(&what, &left(&scenario.before), format!("{}{by}", left(&scenario.after)), is_bad)
    }));
    let columns = [
        Column { heading: "Failures that lock everybody out", is_flexible: true },
        Column { heading: "Before", is_flexible: true },
        Column { heading: "After", is_flexible: true },
    ];
    let mut text = table(&columns, &rows, (page.columns, page.paint));
    text.push_str(&rest);
    text
}
