//! One self-contained HTML page: to open, to mail, to print for the safe.
//!
//! No script, no picture, nothing fetched: a policy in the page forbids it, so that a name which became markup after
//! all could still do nothing. Light and dark follow the reader's setting, every status and severity is a word and not
//! only a colour, and on paper what is folded is unfolded.

use std::fmt::Write as _;

use breakglass_engine::posture::{Finding, ObjectReference, Report, Status};

use super::escape::markup;
use super::paint::Style;
use super::{
    Extent, Format, Page, Segment, answer_style, day_and_time, missing, noun, ranked, runs, segments, settled,
    severities, shown_objects,
};

const STYLE: &str = include_str!("page.css");

pub(super) const FORMAT: Format = Format { name: "html", about: "One page, to read, mail or print", render };

fn render(report: &Report, page: &Page) -> String {
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        markup(&report.sentence),
    );
    html.push_str(&head(report, page));
    html.push_str("<main>\n");
    let failed = ranked(report, Status::Fail);
    let unknown = ranked(report, Status::Unknown);
    if failed.is_empty() && unknown.is_empty() {
        html.push_str("<p class=\"nothing\">There is nothing to do.</p>\n");
    }
    html.push_str(&section("What to do, worst first", "Broken rules; each title says how it should be", &failed));
    let missing = missing(report, page).map(|text| inline(&text));
    let caption = missing.as_deref().unwrap_or("Rules without an answer, because data is missing");
    html.push_str(&section("What could not be told", caption, &unknown));
    html.push_str(&folded(report));
    let _ = writeln!(
        html,
        "</main>\n<footer>\n<p>breakglass {}. <code>breakglass explain BG0000</code>, with the code of a rule, says what \
         it means, why it matters and what to do.</p>\n</footer>\n</body>\n</html>",
        env!("CARGO_PKG_VERSION"),
    );
    html
}

/// The answer, the counts, and what was judged.
fn head(report: &Report, page: &Page) -> String {
    let count = |status| report.count(status);
    let verdict = match answer_style(report) {
        Style::Bad => "fail",
        Style::Good => "pass",
        _ => "unknown",
    };
    let mut html = format!(
        "<header class=\"{verdict}\">\n<p class=\"kicker\">Emergency access</p>\n<h1>{}</h1>\n<ul class=\"tally\">\n",
        inline(&report.sentence),
    );
    let failed = severities(&ranked(report, Status::Fail));
    let severities = if failed.is_empty() { String::new() } else { format!(" <small>{failed}</small>") };
    let _ = writeln!(html, "<li class=\"fail\"><b>{}</b> failed{severities}</li>", count(Status::Fail));
    let _ = writeln!(html, "<li class=\"unknown\"><b>{}</b> could not be told</li>", count(Status::Unknown));
    let _ = writeln!(html, "<li class=\"pass\"><b>{}</b> passed</li>", count(Status::Pass));
    let rest = count(Status::NotApplicable);
    let verb = if rest == 1 { "does" } else { "do" };
    let _ = writeln!(html, "<li><b>{rest}</b> {verb} not apply</li>\n</ul>\n<dl>");
    let tenant = report.tenant_id.as_deref().map_or_else(|| "not named in the snapshot".to_owned(), code);
    let taken = report.taken_at.map_or_else(|| "at an unknown time".to_owned(), day_and_time);
    for (name, value) in [
        ("Tenant", tenant),
        ("Snapshot taken", taken),
        ("Judged as of", day_and_time(page.judged_at)),
        ("Profile", report.profile.name().to_owned()),
    ] {
        let _ = writeln!(html, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    }
    html.push_str("</dl>\n</header>\n");
    html
}

/// A table of findings that need somebody.
fn section(heading: &str, caption: &str, findings: &[&Finding]) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let mut html = format!(
        "<section>\n<h2>{heading}</h2>\n<table class=\"open\">\n<caption>{caption}</caption>\n<thead><tr>\
         <th scope=\"col\">Severity</th><th scope=\"col\">What</th><th scope=\"col\">Where</th>\
         <th scope=\"col\">Do this</th></tr></thead>\n<tbody>\n",
    );
    for run in runs(findings) {
        html.push_str(&row(run));
    }
    html.push_str("</tbody>\n</table>\n</section>\n");
    html
}

/// A row for findings that say the same.
fn row(run: &[&Finding]) -> String {
    let Some(finding) = run.first() else { return String::new() };
    let severity = finding.severity.name();
    let mut titles = String::new();
    for finding in run {
        let _ = writeln!(titles, "<h3>{} <small>{}</small></h3>", markup(finding.title), finding.rule);
    }
    format!(
        "<tr>\n<td><span class=\"severity {severity}\">{severity}</span></td>\n\
         <td>{titles}<p>{}</p></td>\n<td>{}</td>\n<td>{}</td>\n</tr>\n",
        inline(&finding.message),
        places(finding),
        fix(finding),
    )
}

/// The objects; those beyond the first few are folded, none is left out.
fn places(finding: &Finding) -> String {
    if finding.objects.is_empty() {
        return String::new();
    }
    let (shown, hidden) = shown_objects(finding, Extent::Worst);
    let mut html = format!("<ul class=\"objects\">\n{}</ul>\n", list(shown));
    if hidden > 0 {
        let rest = finding.objects.get(shown.len()..).unwrap_or_default();
        let _ = writeln!(
            html,
            "<details><summary>and {hidden} more</summary><ul class=\"objects\">\n{}</ul></details>",
            list(rest),
        );
    }
    html
}

fn list(objects: &[ObjectReference]) -> String {
    let mut html = String::new();
    for object in objects {
        let id = if object.id == object.name { String::new() } else { format!("<br>{}", code(&object.id)) };
        let _ = writeln!(
            html,
            "<li><span class=\"kind\">{}</span> <bdi>{}</bdi>{id}</li>",
            noun(object.kind),
            markup(&object.name),
        );
    }
    html
}

fn fix(finding: &Finding) -> String {
    let Some(fix) = &finding.fix else { return String::new() };
    let mut html = format!("<p>{}</p>", inline(&fix.text));
    if let Some(request) = &fix.request {
        let body = request.body.as_ref().map(|body| format!("\n\n{body:#}")).unwrap_or_default();
        let lines: Vec<String> = format!("{} {}{body}", request.method, request.url).lines().map(markup).collect();
        let _ = write!(html, "\n<details><summary>Graph request</summary><pre>{}</pre></details>", lines.join("\n"),);
    }
    html
}

/// What needs nobody, folded.
fn folded(report: &Report) -> String {
    let mut html = String::new();
    for (status, words) in [(Status::Pass, "passed"), (Status::NotApplicable, "not applicable")] {
        let findings: Vec<&Finding> = settled(report).into_iter().filter(|finding| finding.status == status).collect();
        if findings.is_empty() {
            continue;
        }
        let _ = writeln!(
            html,
            "<details class=\"settled\">\n<summary>{} {words}</summary>\n<table>\n<thead><tr><th scope=\"col\">Rule</th>\
             <th scope=\"col\">What was found</th></tr></thead>\n<tbody>",
            findings.len(),
        );
        for finding in findings {
            let _ = writeln!(
                html,
                "<tr><td>{} <small>{}</small></td><td>{}</td></tr>",
                markup(finding.title),
                finding.rule,
                inline(&finding.message),
            );
        }
        html.push_str("</tbody>\n</table>\n</details>\n");
    }
    html
}

/// A message: what stands in backticks as code, everything else as text.
pub(super) fn inline(text: &str) -> String {
    segments(text)
        .iter()
        .map(|segment| match segment {
            Segment::Plain(text) => markup(text),
            Segment::Code(text) => code(text),
        })
        .collect()
}

pub(super) fn code(text: &str) -> String {
    format!("<code><bdi>{}</bdi></code>", markup(text))
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn no_name_becomes_markup() {
        let html = render(&sample::report(), &sample::page());
        for tag in ["<img", "<script", "<a ", "<link", "javascript:alert(1))\"", "src="] {
            let outside = html.replace("&lt;img src=x", "");
            assert!(!outside.contains(tag), "{tag}");
        }
    }

    #[test]
    fn every_element_is_closed() {
        let html = render(&sample::report(), &sample::page());
        for tag in ["table", "tr", "td", "ul", "li", "details", "section", "header", "main", "dl", "code", "bdi", "p"] {
            let opened = html.matches(&format!("<{tag}>")).count() + html.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }

    #[test]
    fn every_object_is_on_the_page() {
        let report = sample::report();
        let html = render(&report, &sample::page());
        for finding in report.findings.iter().filter(|finding| finding.status != Status::Pass) {
            for object in &finding.objects {
                assert!(html.contains(&object.id), "{}", object.id);
            }
        }
    }
}
