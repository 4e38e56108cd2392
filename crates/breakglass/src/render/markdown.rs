//! Markdown for the comment on a pull request: the answer, a table of what needs somebody, the rest folded.
//!
//! Names stand as code, where neither markup nor a mention works; in all other text what means something is an entity.
//!
//! **Source:** GitHub Flavored Markdown; CommonMark 0.31, section 2.5: an entity never stands for structure.

use std::fmt::Write as _;

use breakglass_engine::posture::{Finding, Report, Status};

use super::{
    Extent, Format, Page, Segment, day_and_time, missing, noun, open, runs, segments, settled, shown_objects, tally,
    visible,
};

/// Rows of the first table before the rest is counted; a comment has a largest size.
const FOLDED_ROW_COUNT_MAX: usize = 25;

pub(super) const FORMAT: Format = Format { name: "markdown", about: "For a comment on a pull request", render };

fn render(report: &Report, page: &Page) -> String {
    let mut page_text = format!("## {}\n\n**{}.**\n\n", inline(&report.sentence), tally(report));
    let tenant = report.tenant_id.as_deref().map_or_else(|| "not named".to_owned(), code);
    let taken = report.taken_at.map(|at| format!(", snapshot of {}", day_and_time(at))).unwrap_or_default();
    let _ = writeln!(page_text, "Tenant {tenant}, profile {}{taken}.", report.profile.name());
    if let Some(missing) = missing(report, page) {
        let _ = writeln!(page_text, "\n{}", inline(&missing));
    }

    let open = open(report);
    let count = match page.extent {
        Extent::Worst => FOLDED_ROW_COUNT_MAX,
        Extent::All => open.len(),
    };
    let (shown, folded) = open.split_at_checked(count).unwrap_or((&open, &[]));
    if !shown.is_empty() {
        page_text.push_str("\n| | Rule | What | Where | Do this |\n|---|---|---|---|---|\n");
        for run in runs(shown) {
            page_text.push_str(&row(run, page.extent));
        }
    }
    if !folded.is_empty() {
        let _ = writeln!(page_text, "\nAnd {} more; `--all` shows them.", folded.len());
    }
    page_text.push_str(&requests(shown));
    page_text.push_str(&rest(report));
    page_text
}

/// A row for findings that say the same.
fn row(run: &[&Finding], extent: Extent) -> String {
    let Some(finding) = run.first() else { return String::new() };
    let titles: Vec<String> = run.iter().map(|finding| format!("{} {}", finding.rule, inline(finding.title))).collect();
    let status = match finding.status {
        Status::Unknown => "unknown",
        status => status.name(),
    };
    let fix = finding.fix.as_ref().map(|fix| inline(&fix.text)).unwrap_or_default();
    let cells = [
        format!("**{status}** {}", finding.severity.name()),
        titles.join("<br>"),
        inline(&finding.message),
        places(finding, extent),
        fix,
    ];
    format!("| {} |\n", cells.join(" | "))
}

fn places(finding: &Finding, extent: Extent) -> String {
    let (shown, hidden) = shown_objects(finding, extent);
    let mut places: Vec<String> =
        shown.iter().map(|object| format!("{} {}", noun(object.kind), code(&object.name))).collect();
    if hidden > 0 {
        places.push(format!("and {hidden} more"));
    }
    places.join("<br>")
}

/// The requests that would mend what is shown, folded.
fn requests(findings: &[&Finding]) -> String {
    let with_request: Vec<(&Finding, _)> =
        findings.iter().filter_map(|finding| Some((*finding, finding.fix.as_ref()?.request.as_ref()?))).collect();
    if with_request.is_empty() {
        return String::new();
    }
    let mut section = format!("\n<details>\n<summary>Graph requests ({})</summary>\n", with_request.len());
    for (finding, request) in with_request {
        let body = request.body.as_ref().map(|body| format!("\n\n{body:#}")).unwrap_or_default();
        let block: Vec<String> = format!("{} {}{body}", request.method, request.url)
            .lines()
            .map(|line| format!("    {}", visible(line)).trim_end().to_owned())
            .collect();
        let _ = write!(section, "\n{} {}:\n\n{}\n", finding.rule, inline(finding.title), block.join("\n"));
    }
    section.push_str("\n</details>\n");
    section
}

/// What needs nobody, folded.
fn rest(report: &Report) -> String {
    let settled = settled(report);
    if settled.is_empty() {
        return String::new();
    }
    let mut section = format!(
        "\n<details>\n<summary>{} passed, {} not applicable</summary>\n\n| | Rule | What |\n|---|---|---|\n",
        report.count(Status::Pass),
        report.count(Status::NotApplicable),
    );
    for finding in settled {
        let status = match finding.status {
            Status::NotApplicable => "not applicable",
            status => status.name(),
        };
        let (title, message) = (inline(finding.title), inline(&finding.message));
        let _ = writeln!(section, "| {status} | {} {title} | {message} |", finding.rule);
    }
    section.push_str("\n</details>\n");
    section
}

/// A message within a line: what stands in backticks as code, everything else as itself.
pub(super) fn inline(text: &str) -> String {
    segments(text)
        .iter()
        .map(|segment| match segment {
            Segment::Plain(text) => plain(text),
            Segment::Code(text) => code(text),
        })
        .collect()
}

/// Characters that mean something to Markdown or to GitHub's additions to it, and those of HTML. As entities they are
/// themselves and nothing more.
const SPECIAL: &str = "\\`*_[]~!|$&<>";

fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in visible(text).chars() {
        match character {
            // A mention or a reference to an issue is found after entities have been read: a space without width
            // stands between.
            '@' | '#' => {
                escaped.push(character);
                escaped.push_str("&#8203;");
            }
            character if SPECIAL.contains(character) => {
                let _ = write!(escaped, "&#{};", u32::from(character));
            }
            character => escaped.push(character),
        }
    }
    // Addresses become links by themselves.
    escaped.replace("://", "&#58;//").replace("www.", "www&#46;")
}

/// A name as code: between backticks where it has nothing that ends them or a cell of a table.
pub(super) fn code(text: &str) -> String {
    let shown = visible(text);
    if shown.trim().is_empty() {
        "(no name)".to_owned()
    } else if shown.contains(['`', '|', '\\']) {
        format!("<code>{}</code>", plain(text))
    } else {
        format!("`{shown}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        let cases = [
            ("a `b` c", "a `b` c"),
            ("<b>@me", "&#60;b&#62;@&#8203;me"),
            ("[x](javascript:1)", "&#91;x&#93;(javascript:1)"),
            ("http://evil", "http&#58;//evil"),
            ("a ` b", "a &#96; b"),
            ("a | b", "a &#124; b"),
            ("![i](u) #1", "&#33;&#91;i&#93;(u) #&#8203;1"),
        ];
        for (text, expected) in cases {
            assert_eq!(inline(text), expected);
        }
    }

    #[test]
    fn code_holds_any_name() {
        let cases = [
            ("a", "`a`"),
            ("a`b", "<code>a&#96;b</code>"),
            ("a\\|<b>", "<code>a&#92;&#124;&#60;b&#62;</code>"),
            ("", "(no name)"),
            ("a\nb", "<code>a&#92;nb</code>"),
        ];
        for (text, expected) in cases {
            assert_eq!(code(text), expected);
        }
    }
}
