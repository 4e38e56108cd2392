//! Text for a terminal: the sentence, what happens in each scenario, what it takes to lock everybody out, who gets in,
//! and what else is known, in that order.
//!
//! At most [`FOLDED_COUNT_MAX`] of each are shown unless all are asked for; the rest is counted, never dropped
//! silently. It reads the same without colour.

use breakglass_engine::lockout::report::{Certainty, DatedOrder, LockoutReport, Order, Suggestion, Way};
use jiff::Timestamp;

use super::super::paint::Style;
use super::super::table::{Cell, Column, table};
use super::super::text::{painted, wrapped};
use super::super::{Extent, Format, Page, counted, day_and_time, fitted, visible};
use super::fold::{Choice, FoldedCut, folded};
use super::listed::Listed;
use super::words::{self, Standing};

/// Entries of each list that are shown before the rest is counted.
const FOLDED_COUNT_MAX: usize = 10;

/// Names in one entry before the rest is counted.
const NAME_COUNT_MAX: usize = 6;

/// Causes in one entry before the rest is counted.
const CAUSE_COUNT_MAX: usize = 4;

pub(super) const FORMAT: Format<[LockoutReport]> = Format { name: "text", about: "For reading in a terminal", render };

fn render(reports: &[LockoutReport], page: &Page) -> String {
    let reports: Vec<String> = reports.iter().map(|one| report(one, page)).collect();
    reports.join("\n\n")
}

fn report(report: &LockoutReport, page: &Page) -> String {
    let parts = [
        head(report, page),
        scenarios(report, page),
        cuts(report, page),
        ways(report, page),
        orders(report, page),
        dated(report, page),
        section(&format!("Unknown ({})", report.unknowns.len()), &report.unknowns, page),
        suggestions(report, page),
        section("Held to be up, whatever happens", &report.assumptions, page),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

pub(crate) const fn style(standing: Standing) -> Style {
    match standing {
        Standing::Bad => Style::Bad,
        Standing::Doubtful => Style::Doubtful,
        Standing::Good => Style::Good,
    }
}

/// The answer, what was asked, and the first date on which it gets worse.
fn head(report: &LockoutReport, page: &Page) -> String {
    let order = report.direct.order;
    let sentence = wrapped(&visible(&words::sentence(report)), "", page);
    let mut head = painted(&sentence, style(words::standing(&order)), page.paint);
    if let Some(line) = falls(report, page.judged_at) {
        head.push_str(&painted(&wrapped(&line, "", page), Style::Bad, page.paint));
    }
    if let Some(line) = words::idle_assumptions(&report.idle_assumptions) {
        head.push_str(&painted(&wrapped(&visible(&line), "", page), Style::Doubtful, page.paint));
    }
    head.push('\n');
    let question = words::question(report.goal, report.horizon);
    let searched = match order.searched_to {
        _ if order.is_exhausted => "Every lockout was searched for.".to_owned(),
        Some(size) => format!("Every lockout of up to {} was searched for.", counted(size, "failure")),
        None => "The search for lockouts was cut short.".to_owned(),
    };
    let meaning = match order.proved {
        Some(_) => format!("Order {}: so many failures lock everybody out.", words::order_with_doubt(&order)),
        None => format!("Order {}.", words::order_with_doubt(&order)),
    };
    let asked = format!("{meaning} Asked: can somebody get in {question}? {searched}");
    head.push_str(&wrapped(&asked, "  ", page));
    let judged = format!("{}, as of {}.", visible(&page.source), day_and_time(page.judged_at));
    head.push_str(&painted(&wrapped(&judged, "  ", page), Style::Faint, page.paint));
    head
}

/// The first date from which the order is lower, and the first from which it is lowest, in words.
fn falls(report: &LockoutReport, now: Timestamp) -> Option<String> {
    let first = report.dated.iter().find(|dated| is_lower(&dated.order, &report.direct.order))?;
    let lowest = report.dated.iter().fold(
        first,
        |lowest, dated| {
            if is_lower(&dated.order, &lowest.order) { dated } else { lowest }
        },
    );
    let told = |dated: &DatedOrder| (day(dated.from, now), words::order_with_doubt(&dated.order));
    let (from, order) = told(first);
    let then = match is_lower(&lowest.order, &first.order) {
        true => {
            let (from, order) = told(lowest);
            format!(", and from {from} it is {order}")
        }
        false => String::new(),
    };
    Some(format!("From {from} the order is {order}{then}."))
}

/// Whether an order promises less than another; one that was not found is the highest.
pub(crate) fn is_lower(one: &Order, other: &Order) -> bool {
    match (one.proved, other.proved) {
        (Some(one), Some(other)) => one < other,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

fn heading(text: &str, page: &Page) -> String {
    painted(&wrapped(text, "", page), Style::Strong, page.paint)
}

/// The first of a list, and the line that counts the rest.
pub(crate) fn shown<'a, T>(items: &'a [T], page: &Page) -> (&'a [T], String) {
    let count = match page.extent {
        Extent::All => items.len(),
        // One more is shown rather than counted: "and 1 more" takes the same room.
        Extent::Worst if items.len() <= FOLDED_COUNT_MAX + 1 => items.len(),
        Extent::Worst => FOLDED_COUNT_MAX,
    };
    let (shown, rest) = items.split_at_checked(count).unwrap_or((items, &[]));
    let line = match rest.len() {
        0 => String::new(),
        count => wrapped(&format!("And {count} more; --all shows them."), "  ", page),
    };
    (shown, line)
}

fn scenarios(report: &LockoutReport, page: &Page) -> String {
    if report.scenarios.is_empty() {
        return String::new();
    }
    let title = format!("What if: {}", words::survivors(report));
    let ranked = words::ranked(report);
    let (shown, rest) = shown(&ranked, page);
    let rows: Vec<Vec<Cell>> = shown
        .iter()
        .map(|scenario| {
            let (word, standing) = words::survival(scenario);
            let mut what = scenario.title.clone();
            if page.extent == Extent::All {
                what = format!("{what} ({})", scenario.id);
            }
            if let Some(delta) = &scenario.delta {
                what = format!("{what}: {delta}");
            }
            let by = words::left(report, scenario);
            let by: Vec<String> = by.into_iter().chain(scenario.note.clone()).collect();
            vec![
                Cell::plain(what),
                Cell::styled(word, style(standing)),
                Cell::plain(by.join("; ")),
                Cell::plain(words::order_with_doubt(&scenario.order_left)),
            ]
        })
        .collect();
    let columns = [
        Column { heading: "Scenario", is_flexible: true },
        Column { heading: "Survives", is_flexible: false },
        Column { heading: "By which way", is_flexible: true },
        Column { heading: "Order left", is_flexible: false },
    ];
    let mut text = heading(&title, page);
    text.push_str(&table(&columns, &rows, (page.columns, page.paint)));
    text.push_str(&rest);
    text
}

/// What it takes to lock everybody out.
fn cuts(report: &LockoutReport, page: &Page) -> String {
    let cuts = folded(&report.direct.cuts);
    if cuts.iter().all(|cut| cut.size == 0) {
        return String::new();
    }
    let more = if report.direct.are_cuts_truncated { "at least " } else { "" };
    let mut title =
        format!("What locks everybody out: {more}{}", counted(report.direct.cuts.len(), "set")) + " of failures";
    if cuts.len() < report.direct.cuts.len() {
        title.push_str(&format!(", in {}", counted(cuts.len(), "kind")));
    }
    let (shown, rest) = shown(&cuts, page);
    let mut text = heading(&title, page);
    for cut in shown {
        text.push_str(&cut_entry(cut, report, page));
    }
    text.push_str(&rest);
    text
}

fn cut_entry(cut: &FoldedCut<'_>, report: &LockoutReport, page: &Page) -> String {
    let size = format!("  {:<3}", cut.size);
    let below = " ".repeat(size.len());
    let mut text = String::new();
    for (at, choice) in cut.choices.iter().enumerate() {
        let first = if at == 0 { size.clone() } else { format!("{below}+ ") };
        let words = visible(&choice_words(choice, report, page)).into_owned();
        text.push_str(&fitted(&words, &first, &format!("{below}  "), page.columns));
    }
    let mut remarks = Vec::new();
    let causes_max = if page.extent == Extent::All { usize::MAX } else { CAUSE_COUNT_MAX };
    remarks.extend(words::because_up_to(&cut.because, causes_max).map(|causes| format!("because of {causes}")));
    if cut.certainty == Certainty::Possible {
        remarks.push("perhaps only: it depends on a fact that is unknown".to_owned());
    }
    for remark in remarks {
        let remark = fitted(&visible(&remark), &below, &format!("{below}  "), page.columns);
        text.push_str(&painted(&remark, Style::Faint, page.paint));
    }
    text
}

/// `any 2 of these 3: …`, or the names where there is nothing to choose.
pub(crate) fn choice_words(choice: &Choice<'_>, report: &LockoutReport, page: &Page) -> String {
    let count_max = if page.extent == Extent::All { usize::MAX } else { NAME_COUNT_MAX };
    let is_alone = choice.of.len() == 1;
    let names: Vec<String> = choice
        .of
        .iter()
        .map(|component| match is_alone {
            true => words::failure(&report.components, component),
            false => words::failure_name(&report.components, component),
        })
        .collect();
    let names = words::listed(&names, "; ", count_max);
    match (choice.taken, choice.of.len()) {
        (taken, of) if taken == of => names,
        (1, of) => format!("any one of these {of}: {names}"),
        (taken, of) => format!("any {taken} of these {of}: {names}"),
    }
}

/// Who gets in, and how.
fn ways(report: &LockoutReport, page: &Page) -> String {
    let listed = Listed::of(report);
    if listed.ways.is_empty() {
        return String::new();
    }
    let mut text = heading(&listed.heading(report), page);
    let (shown, rest) = shown(&listed.ways, page);
    for (at, way) in shown.iter().enumerate() {
        text.push_str(&way_entry(at, way, &listed, report, page));
    }
    text.push_str(&rest);
    text
}

fn way_entry(at: usize, way: &Way, listed: &Listed<'_>, report: &LockoutReport, page: &Page) -> String {
    let number = format!("  {:<3}", at + 1);
    let below = " ".repeat(number.len());
    let line = format!("{}: {}", listed.whose(way), words::how(&report.components, &way.context));
    let mut text = fitted(&visible(&line), &number, &format!("{below}  "), page.columns);
    let count_max = if page.extent == Extent::All { usize::MAX } else { NAME_COUNT_MAX };
    let needs = match way.needs.as_slice() {
        [] => "needs nothing that can fail".to_owned(),
        needs => format!("needs {}", words::names(&report.components, needs, count_max)),
    };
    let mut lines = vec![needs];
    if page.extent == Extent::All {
        lines.extend(way.steps.iter().enumerate().map(|(at, step)| format!("{}. {step}", at + 1)));
    }
    for line in lines {
        let line = fitted(&visible(&line), &below, &format!("{below}  "), page.columns);
        text.push_str(&painted(&line, Style::Faint, page.paint));
    }
    text
}

/// The order of other questions beside the one that was asked.
fn orders(report: &LockoutReport, page: &Page) -> String {
    let rows: Vec<Vec<Cell>> = words::orders(report)
        .into_iter()
        .map(|(question, order)| {
            let standing = words::standing(&order);
            let style = (standing != Standing::Good).then(|| style(standing));
            vec![Cell::plain(question), Cell { text: words::order_with_doubt(&order), style }]
        })
        .collect();
    let columns =
        [Column { heading: "To get in and", is_flexible: true }, Column { heading: "Order", is_flexible: false }];
    let mut text = heading("Other questions, each with its order", page);
    text.push_str(&table(&columns, &rows, (page.columns, page.paint)));
    text
}

/// The day, and on the day of judgement the time.
fn day(at: Timestamp, now: Timestamp) -> String {
    let written = |format: &str| at.to_zoned(jiff::tz::TimeZone::UTC).strftime(format).to_string();
    let is_today = at.to_zoned(jiff::tz::TimeZone::UTC).date() == now.to_zoned(jiff::tz::TimeZone::UTC).date();
    written(if is_today { "%-d %B %Y, %H:%M UTC" } else { "%-d %B %Y" })
}

/// From which date on the order is another.
fn dated(report: &LockoutReport, page: &Page) -> String {
    let (shown, rest) = shown(&report.dated, page);
    if shown.is_empty() && report.dates_left_out.is_none() {
        return String::new();
    }
    let mut text = heading("Dates that change the order", page);
    for dated in shown {
        let line = fitted(&visible(&dated_words(dated, page.judged_at)), "  ", "    ", page.columns);
        let is_alarm = is_lower(&dated.order, &report.direct.order);
        text.push_str(&if is_alarm { painted(&line, Style::Bad, page.paint) } else { line });
    }
    text.push_str(&rest);
    if let Some(line) = dates_left_out_words(report, page.judged_at) {
        text.push_str(&painted(&fitted(&line, "  ", "    ", page.columns), Style::Doubtful, page.paint));
    }
    text
}

/// Dates that were not looked at, in words.
pub(crate) fn dates_left_out_words(report: &LockoutReport, now: Timestamp) -> Option<String> {
    let left_out = report.dates_left_out?;
    let found = if report.dated.is_empty() { " Before that date no order changes." } else { "" };
    let (from, count) = (day(left_out.from, now), counted(left_out.count, "date"));
    Some(format!("Dates from {from} on were not looked at: {count} within the year.{found}"))
}

/// `From 14 March 2027 (in 12 days) the order is 0: …`.
pub(crate) fn dated_words(dated: &DatedOrder, now: Timestamp) -> String {
    let days = dated.from.duration_since(now).as_hours() / 24;
    let days = usize::try_from(days).map(|days| format!(" (in {})", counted(days, "day"))).unwrap_or_default();
    let because = dated.because.join("; ");
    format!("From {}{days} the order is {}: {because}.", day(dated.from, now), words::order_with_doubt(&dated.order))
}

fn suggestions(report: &LockoutReport, page: &Page) -> String {
    let (shown, rest) = shown(&report.suggestions, page);
    if shown.is_empty() {
        return String::new();
    }
    let mut text = heading("What would help, the best first", page);
    for (at, suggestion) in shown.iter().enumerate() {
        let (change, remark) = suggestion_words(suggestion, &report.direct.order);
        let number = format!("  {:<3}", at + 1);
        let below = " ".repeat(number.len());
        text.push_str(&fitted(&visible(&change), &number, &below, page.columns));
        let remark = fitted(&visible(&remark), &below, &below, page.columns);
        text.push_str(&painted(&remark, Style::Faint, page.paint));
        // In one piece, however long: it is there to be pasted.
        let verify = suggestion.verify.as_ref().map(|line| format!("{below}{}\n", visible(line)));
        text.push_str(&painted(&verify.unwrap_or_default(), Style::Faint, page.paint));
    }
    text.push_str(&rest);
    text.push_str(&words::untried(report).map(|line| wrapped(&line, "  ", page)).unwrap_or_default());
    text
}

/// A change, and what it brings and costs.
pub(crate) fn suggestion_words(suggestion: &Suggestion, of: &Order) -> (String, String) {
    let size = |size: Option<usize>| words::order(&Order { proved: size, ..*of });
    let (before, after) = suggestion.order;
    let left = match suggestion.cuts_at_order {
        0 => String::new(),
        count => format!(", {} of that size left", counted(count, "lockout")),
    };
    let weakens =
        suggestion.weakens.as_ref().map_or_else(|| "weakens nothing".to_owned(), |what| format!("weakens: {what}"));
    (suggestion.change.clone(), format!("order from {} to {}{left}; {weakens}", size(before), size(after)))
}

/// A list of sentences below a heading.
pub(crate) fn section(title: &str, lines: &[String], page: &Page) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let (shown, rest) = shown(lines, page);
    let mut text = heading(title, page);
    for line in shown {
        text.push_str(&fitted(&visible(line), "  - ", "    ", page.columns));
    }
    text.push_str(&rest);
    text
}
