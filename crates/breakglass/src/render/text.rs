//! Text for a terminal: the answer first, then what to do, worst first, and at the end what needs nobody.
//!
//! Each finding says what, where, and what to do. At most [`FOLDED_FINDING_COUNT_MAX`] are shown unless all are asked
//! for; the rest is counted, never dropped silently. It reads the same without colour.

use breakglass_engine::posture::{Finding, ObjectReference, Report, Status};

use super::lines::fitted;
use super::paint::{Paint, Style};
use super::{
    Extent, Format, Page, answer_style, day_and_time, missing, noun, open, runs, settled, severities, shown_objects,
    tally, visible,
};

/// Findings that are shown before the rest is counted.
const FOLDED_FINDING_COUNT_MAX: usize = 10;

/// Where the text of a finding begins, after `what`, `where` and `do`.
const DETAIL_INDENT: &str = "         ";

pub(super) const FORMAT: Format = Format { name: "text", about: "For reading in a terminal", render };

fn render(report: &Report, page: &Page) -> String {
    let open = open(report);
    let count = match page.extent {
        Extent::Worst => FOLDED_FINDING_COUNT_MAX,
        Extent::All => open.len(),
    };
    let (shown, folded) = open.split_at_checked(count).unwrap_or((&open, &[]));

    let mut text = head(report, page);
    text.push_str(&blocks(shown, page));
    text.push('\n');
    if !folded.is_empty() {
        text.push_str(&wrapped(&format!("And {}; --all shows them.", folding(folded)), "", page));
    }
    text.push_str(&tail(report, page));
    if let Some(finding) = shown.first() {
        let line = format!("`breakglass explain {}` says more about that rule.", finding.rule);
        text.push_str(&wrapped(&line, "", page));
    }
    text
}

/// The answer, the counts, and what was judged.
fn head(report: &Report, page: &Page) -> String {
    let mut head = painted(&wrapped(&visible(&report.sentence), "", page), answer_style(report), page.paint);
    head.push('\n');
    head.push_str(&wrapped(&format!("{}.", tally(report)), "  ", page));
    let tenant = report.tenant_id.as_deref().unwrap_or("not named in the snapshot");
    let taken = report.taken_at.map(|at| format!(", snapshot of {}", day_and_time(at))).unwrap_or_default();
    let judged = format!("Tenant {}, profile {}{taken}.", visible(tenant), report.profile.name());
    head.push_str(&painted(&wrapped(&judged, "  ", page), Style::Faint, page.paint));
    if let Some(missing) = missing(report, page) {
        head.push('\n');
        head.push_str(&wrapped(&missing, "  ", page));
    }
    head
}

/// The findings. Those that follow each other share their heading if they are of one rule, and their details if they
/// say the same.
fn blocks(findings: &[&Finding], page: &Page) -> String {
    let mut text = String::new();
    let mut last = None;
    for run in runs(findings) {
        text.push('\n');
        for finding in run {
            let heading_of = (finding.rule, finding.status, finding.severity);
            if last.replace(heading_of) != Some(heading_of) {
                text.push_str(&heading(finding, page));
            }
        }
        if let Some(finding) = run.first() {
            text.push_str(&details(finding, page));
        }
    }
    text
}

/// `FAIL critical  BG0401  title`, the title below itself where it does not fit.
fn heading(finding: &Finding, page: &Page) -> String {
    let (label, style) = match finding.status {
        Status::Fail => ("FAIL", Style::Bad),
        Status::Unknown => ("UNKNOWN", Style::Doubtful),
        Status::Pass => ("pass", Style::Good),
        Status::NotApplicable => ("not applicable", Style::Faint),
    };
    let label = format!("{label} {}", finding.severity.name());
    let head = format!("{label}  {}  ", finding.rule);
    let title = fitted(finding.title, &" ".repeat(head.len()), DETAIL_INDENT, page.columns);
    let title = painted(&title, Style::Strong, page.paint);
    format!("{}  {}  {}", page.paint.apply(style, &label), finding.rule, title.trim_start())
}

/// What, where, do.
fn details(finding: &Finding, page: &Page) -> String {
    let mut block = wrapped(&visible(&finding.message), "  what   ", page);
    let places = places(finding, page.extent);
    if !places.is_empty() {
        block.push_str(&wrapped(&places, "  where  ", page));
    }
    if let Some(fix) = &finding.fix {
        block.push_str(&wrapped(&visible(&fix.text), "  do     ", page));
        if let Some(request) = &fix.request {
            let mut line = format!("{} {}", request.method, visible(&request.url));
            if let (Extent::All, Some(body)) = (page.extent, &request.body) {
                line.push(' ');
                line.push_str(&visible(&body.to_string()));
            }
            block.push_str(&painted(&wrapped(&line, DETAIL_INDENT, page), Style::Faint, page.paint));
        }
    }
    block
}

/// The objects of a finding, each kind named once; with all shown, ids too.
fn places(finding: &Finding, extent: Extent) -> String {
    let (shown, hidden) = shown_objects(finding, extent);
    let mut places = String::new();
    let mut kind = None;
    for object in shown {
        if kind == Some(object.kind) {
            places.push_str(", ");
        } else {
            places.push_str(if kind.is_some() { "; " } else { "" });
            places.push_str(noun(object.kind));
            places.push(' ');
            kind = Some(object.kind);
        }
        places.push_str(&place(object, extent));
    }
    if hidden > 0 {
        places.push_str(&format!(" and {hidden} more"));
    }
    places
}

fn place(object: &ObjectReference, extent: Extent) -> String {
    match extent {
        Extent::All if object.id != object.name => format!("`{}` ({})", visible(&object.name), visible(&object.id)),
        _ => format!("`{}`", visible(&object.name)),
    }
}

/// `7 more: 3 failed (1 high, 2 medium), 4 could not be told (4 low)`.
fn folding(folded: &[&Finding]) -> String {
    let mut parts = Vec::new();
    for (status, words) in [(Status::Fail, "failed"), (Status::Unknown, "could not be told")] {
        let of: Vec<&Finding> = folded.iter().copied().filter(|finding| finding.status == status).collect();
        if !of.is_empty() {
            parts.push(format!("{} {words} ({})", of.len(), severities(&of)));
        }
    }
    format!("{} more: {}", folded.len(), parts.join(", "))
}

/// What needs nobody: one line, or with all shown one block each.
fn tail(report: &Report, page: &Page) -> String {
    let settled = settled(report);
    match page.extent {
        _ if settled.is_empty() => String::new(),
        Extent::Worst => {
            let (passed, rest) = (report.count(Status::Pass), report.count(Status::NotApplicable));
            let verb = if rest == 1 { "does" } else { "do" };
            let passed = (passed > 0).then(|| format!("{passed} passed"));
            let rest = (rest > 0).then(|| format!("{rest} {verb} not apply"));
            let counts: Vec<String> = passed.into_iter().chain(rest).collect();
            let pronoun = if settled.len() == 1 { "it" } else { "them" };
            wrapped(&format!("{}; --all shows {pronoun}.", counts.join(" and ")), "", page)
        }
        Extent::All => format!("{}\n", blocks(&settled, page).trim_start_matches('\n')),
    }
}

/// Paragraphs within the width, the first line after `indent`, the others below it.
pub(super) fn wrapped(text: &str, indent: &str, page: &Page) -> String {
    fitted(text, indent, &" ".repeat(indent.len()), page.columns)
}

/// Each line painted by itself, its indentation left alone, so that a terminal that scrolls keeps the colour right.
pub(super) fn painted(lines: &str, style: Style, paint: Paint) -> String {
    let mut painted = String::new();
    for line in lines.lines() {
        let text = line.trim_start();
        painted.push_str(&" ".repeat(line.len() - text.len()));
        painted.push_str(&paint.apply(style, text));
        painted.push('\n');
    }
    painted
}

#[cfg(test)]
mod tests {
    use super::super::lines::{COLUMNS_MIN, HELD_NAME_BYTES_MAX};
    use super::super::sample;
    use super::*;

    #[test]
    fn colour_changes_nothing_but_colour() {
        let report = sample::report();
        let plain = render(&report, &sample::page());
        let colour = render(&report, &Page { paint: Paint::Colour, ..sample::page() });
        assert_ne!(plain, colour);
        let mut stripped = colour;
        for code in ["1", "2", "0", "1;31", "1;32", "1;33"] {
            stripped = stripped.replace(&format!("\u{1b}[{code}m"), "");
        }
        assert_eq!(stripped, plain);
    }

    #[test]
    fn lines_keep_within_the_width_unless_a_word_does_not_fit() {
        for columns in [0, 40, 72, 100, 200] {
            let page = Page { columns, ..sample::page() };
            for line in render(&sample::report(), &page).lines() {
                let width = textwrap::core::display_width(line);
                let longest = line.split(' ').map(textwrap::core::display_width).max().unwrap_or(0);
                let widest = columns.max(COLUMNS_MIN);
                let is_held = line.contains('`') && width <= widest + HELD_NAME_BYTES_MAX;
                assert!(width <= widest || longest + DETAIL_INDENT.len() >= widest || is_held, "{columns}: {line}");
            }
        }
    }

    #[test]
    fn all_shows_every_finding() {
        let report = sample::report();
        let all = render(&report, &Page { extent: Extent::All, ..sample::page() });
        for finding in &report.findings {
            for object in &finding.objects {
                assert!(all.contains(&object.id), "{}", object.id);
            }
        }
        assert!(!all.contains("--all"));
    }
}
