//! Rendering: a report becomes a page for people or a document for programs.
//!
//! A format is one file with one [`Format`], and one line in [`FORMATS`]; the command line, its help and the manual
//! page take the names from there.
//!
//! **Invariant:** no I/O, no clock; the same report and the same page give the same bytes. Names come from the tenant
//! and may have been chosen by an adversary: every format escapes them, and none lets them become markup, a formula,
//! or an order to the terminal.

pub(crate) mod agreement;
mod csv;
pub(crate) mod custody;
pub(crate) mod doctor;
pub(crate) mod drill;
mod escape;
pub(crate) mod forecast;
pub(crate) mod guard;
mod html;
pub(crate) mod incident;
mod json;
mod junit;
pub(crate) mod ledger;
mod lines;
pub(crate) mod lockout;
mod markdown;
pub(crate) mod numbers;
pub(crate) mod paint;
pub(crate) mod plan;
pub(crate) mod replay;
#[cfg(test)]
mod sample;
mod sarif;
mod table;
mod text;

pub(crate) mod what_if;
pub(crate) mod what_if_page;

pub(crate) use escape::visible;
pub(crate) use lines::fitted;

use std::fmt::Write as _;

use breakglass_engine::posture::{Finding, ObjectKind, ObjectReference, Report, Severity, Status};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use paint::{Paint, Style};

/// A form in which a report can be had.
pub(crate) struct Format<R: ?Sized = Report> {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What it is for, in a few words.
    pub(crate) about: &'static str,
    /// Writes the whole document.
    pub(crate) render: fn(&R, &Page) -> String,
}

/// Every format, the one for people first.
pub(crate) const FORMATS: &[Format] =
    &[text::FORMAT, json::FORMAT, sarif::FORMAT, junit::FORMAT, markdown::FORMAT, html::FORMAT, csv::FORMAT];

/// The format of this name.
pub(crate) fn format_named(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// How much of a report is shown where a format may fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The worst findings; the rest is counted.
    Worst,
    /// Every finding, every object.
    All,
}

/// What a format needs to know beside the report.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    /// Width of the terminal.
    pub(crate) columns: usize,
    /// Whether colour may be used.
    pub(crate) paint: Paint,
    /// How much is shown.
    pub(crate) extent: Extent,
    /// The instant of judgement.
    pub(crate) judged_at: Timestamp,
    /// The snapshot as it was named on the command line.
    pub(crate) source: String,
    /// Lists that an answer may need and that the snapshot does not have, or not whole.
    pub(crate) missing: Vec<&'static str>,
}

/// Where to look when answers are missing because data is: `None` when every answer is there.
fn missing(report: &Report, page: &Page) -> Option<String> {
    let is_needed = report.count(Status::Unknown) > 0 && !page.missing.is_empty();
    is_needed.then(|| {
        format!(
            "The snapshot lacks, in whole or in part: {}. `breakglass snapshot show` says why; with them there would be \
             more answers.",
            page.missing.join(", "),
        )
    })
}

/// Findings with a status, worst first, otherwise in the order of the rules.
fn ranked(report: &Report, status: Status) -> Vec<&Finding> {
    let mut findings: Vec<&Finding> = report.findings.iter().filter(|finding| finding.status == status).collect();
    findings.sort_by_key(|finding| finding.severity);
    findings
}

/// How the answer looks. A sentence that says *yes* beside findings that can wait must not look like one that says *no*.
fn answer_style(report: &Report) -> Style {
    let is_critical = |finding: &Finding| finding.status == Status::Fail && finding.severity == Severity::Critical;
    if report.findings.iter().any(is_critical) {
        Style::Bad
    } else if report.count(Status::Fail) + report.count(Status::Unknown) > 0 {
        Style::Doubtful
    } else {
        Style::Good
    }
}

/// What needs somebody: failures, then what could not be told, each worst first.
fn open(report: &Report) -> Vec<&Finding> {
    let mut findings = ranked(report, Status::Fail);
    findings.extend(ranked(report, Status::Unknown));
    findings
}

/// What needs nobody: what passed, then what does not apply, in the order of the rules.
fn settled(report: &Report) -> Vec<&Finding> {
    let of = |status| report.findings.iter().filter(move |finding| finding.status == status);
    of(Status::Pass).chain(of(Status::NotApplicable)).collect()
}

/// Findings that follow each other and say the same, as when the same data is missing for several rules.
fn runs<'a>(findings: &'a [&'a Finding]) -> impl Iterator<Item = &'a [&'a Finding]> {
    findings.chunk_by(|one, other| {
        (one.status, one.severity, &one.message, &one.objects, &one.fix)
            == (other.status, other.severity, &other.message, &other.objects, &other.fix)
    })
}

/// `2 failed (1 critical, 1 high), 1 could not be told, 14 passed, 3 do not apply`.
fn tally(report: &Report) -> String {
    let mut tally = format!("{} failed", report.count(Status::Fail));
    let severities = severities(&ranked(report, Status::Fail));
    if !severities.is_empty() {
        let _ = write!(tally, " ({severities})");
    }
    let _ = write!(tally, ", {} could not be told", report.count(Status::Unknown));
    let _ = write!(tally, ", {} passed", report.count(Status::Pass));
    let not_applicable = report.count(Status::NotApplicable);
    let verb = if not_applicable == 1 { "does" } else { "do" };
    let _ = write!(tally, ", {not_applicable} {verb} not apply");
    tally
}

/// `1 critical, 2 high`.
fn severities(findings: &[&Finding]) -> String {
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let counts: Vec<String> = Severity::ALL
        .into_iter()
        .map(|severity| (severity, count(severity)))
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {}", severity.name()))
        .collect();
    counts.join(", ")
}

/// The word for an object's kind in a sentence.
const fn noun(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::NamedLocation => "named location",
        ObjectKind::ServicePrincipal => "service principal",
        ObjectKind::AdministrativeUnit => "administrative unit",
        kind => kind.name(),
    }
}

/// `1 failure`, `3 failures`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// An instant for people: `20 November 2026, 08:00 UTC`.
pub(crate) fn day_and_time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%-d %B %Y, %H:%M UTC").to_string()
}

/// Objects that a folded finding names before it counts the rest.
const FOLDED_OBJECT_COUNT_MAX: usize = 6;

/// The objects that are shown, and how many are not.
fn shown_objects(finding: &Finding, extent: Extent) -> (&[ObjectReference], usize) {
    let count = match extent {
        Extent::All => finding.objects.len(),
        // One more is shown rather than counted: "and 1 more" takes the same room.
        Extent::Worst if finding.objects.len() <= FOLDED_OBJECT_COUNT_MAX + 1 => finding.objects.len(),
        Extent::Worst => FOLDED_OBJECT_COUNT_MAX,
    };
    let (shown, rest) = finding.objects.split_at_checked(count).unwrap_or((&finding.objects, &[]));
    (shown, rest.len())
}

/// A piece of a message: plain words, or what stands between two backticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Segment<'a> {
    Plain(&'a str),
    Code(&'a str),
}

/// Takes a message apart at its backticks. One without a partner stays a plain character, and no segment of code
/// contains one, whatever the names in the message are.
fn segments(message: &str) -> Vec<Segment<'_>> {
    let mut segments = Vec::new();
    let mut rest = message;
    while let Some((before, after)) = rest.split_once('`') {
        let Some((code, next)) = after.split_once('`') else { break };
        segments.push(Segment::Plain(before));
        segments.push(Segment::Code(code));
        rest = next;
    }
    segments.push(Segment::Plain(rest));
    segments.retain(|segment| !matches!(segment, Segment::Plain("")));
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_formats_are_distinct() {
        let mut names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FORMATS.len());
    }

    /// What is recorded: without what changes with each release or with the looks of the page.
    fn recorded(format: &Format, report: &Report, page: &Page) -> String {
        (format.render)(report, page)
            .replace(include_str!("page.css"), "[style]\n")
            .replace(env!("CARGO_PKG_VERSION"), "[version]")
    }

    #[test]
    fn every_format_as_recorded() {
        let report = sample::report();
        for format in FORMATS {
            insta::assert_snapshot!(format.name, recorded(format, &report, &sample::page()));
        }
    }

    #[test]
    fn formats_that_fold_show_everything_when_asked() {
        let report = sample::report();
        let page = Page { extent: Extent::All, columns: 72, ..sample::page() };
        for name in ["text", "markdown"] {
            let format = format_named(name).unwrap();
            insta::assert_snapshot!(format!("{name}_all"), recorded(format, &report, &page));
        }
    }

    #[test]
    fn the_answer_looks_as_bad_as_it_is() {
        use Severity::{Critical, High, Info};
        let finding = |status, severity| Finding { status, severity, ..sample::report().findings.swap_remove(0) };
        for (findings, style, class) in [
            (vec![], Style::Good, "pass"),
            (vec![(Status::Pass, Critical), (Status::NotApplicable, Critical)], Style::Good, "pass"),
            (vec![(Status::Unknown, Info)], Style::Doubtful, "unknown"),
            (vec![(Status::Unknown, Critical), (Status::Fail, High)], Style::Doubtful, "unknown"),
            (vec![(Status::Unknown, High), (Status::Fail, Critical)], Style::Bad, "fail"),
        ] {
            let all = findings.iter().map(|(status, severity)| finding(*status, *severity)).collect();
            let report = Report { findings: all, ..sample::report() };
            assert_eq!(answer_style(&report), style, "{findings:?}");
            let html = (format_named("html").unwrap().render)(&report, &sample::page());
            assert!(html.contains(&format!("<header class=\"{class}\">")), "{findings:?}");
        }
    }

    #[test]
    fn a_tenant_without_findings_is_rendered() {
        let report = Report { findings: Vec::new(), tenant_id: None, taken_at: None, ..sample::report() };
        for format in FORMATS {
            let rendered = (format.render)(&report, &sample::page());
            assert!(rendered.ends_with('\n'), "{}", format.name);
        }
    }

    #[test]
    fn nothing_of_a_hostile_name_reaches_a_terminal() {
        for format in FORMATS {
            let page = Page { extent: Extent::All, ..sample::page() };
            let rendered = (format.render)(&sample::report(), &page);
            let rendered = if format.name == "csv" { rendered.replace('\r', "") } else { rendered };
            assert_eq!(sample::control_character(&rendered), None, "{}", format.name);
        }
    }

    #[test]
    fn the_shape_of_a_document_does_not_depend_on_names() {
        let page = Page { columns: 1000, ..sample::page() };
        let shape = |format: &Format, name: &str| {
            let rendered = (format.render)(&sample::report_about(name), &page);
            let marks: &[char] = match format.name {
                "html" | "junit" => &['<', '>', '\n'],
                "csv" => &['\n', '\r'],
                _ => &['\n'],
            };
            rendered.chars().filter(|c| marks.contains(c)).count()
        };
        for format in FORMATS {
            let usual = shape(format, "name");
            for character in sample::ACTING.chars() {
                let name = format!("{character}a{character}{character}b{character}");
                assert_eq!(shape(format, &name), usual, "{} {character:?}", format.name);
            }
        }
    }

    #[test]
    fn documents_for_programs_read_back_whatever_the_names() {
        for name in ["\"", "\\", "\u{0}\u{1f}", "\u{2028}", "]]>", "\u{fffe}"] {
            for format in ["json", "sarif"] {
                let rendered = (format_named(format).unwrap().render)(&sample::report_about(name), &sample::page());
                assert!(serde_json::from_str::<serde_json::Value>(&rendered).is_ok(), "{format} {name:?}");
            }
        }
    }

    #[test]
    fn the_worst_come_first() {
        let report = sample::report();
        let order: Vec<(Status, Severity)> = open(&report).iter().map(|f| (f.status, f.severity)).collect();
        let mut sorted = order.clone();
        sorted.sort();
        assert_eq!(order, sorted);
        assert_eq!(order.len() + settled(&report).len(), report.findings.len());
    }

    #[test]
    fn messages_come_apart_at_their_backticks() {
        let cases: &[(&str, &[Segment<'_>])] = &[
            ("", &[]),
            ("plain", &[Segment::Plain("plain")]),
            ("`a` b", &[Segment::Code("a"), Segment::Plain(" b")]),
            ("one ` only", &[Segment::Plain("one ` only")]),
            ("a `b` c `d", &[Segment::Plain("a "), Segment::Code("b"), Segment::Plain(" c `d")]),
        ];
        for (message, expected) in cases {
            assert_eq!(segments(message), *expected, "{message}");
        }
    }
}
