//! One self-contained HTML page: the sentence, the picture, the tables; to open, to mail, to print for the safe.
//!
//! No script, nothing fetched: a policy in the page forbids it. What is long is folded, and unfolded on paper.

use std::fmt::Write as _;

use breakglass_engine::lockout::report::{Certainty, LockoutReport, Order, Way};

use super::super::escape::markup;
use super::super::html::inline;
use super::super::{Extent, Format, Page, counted, day_and_time};
use super::fold::{FoldedCut, folded};
use super::listed::Listed;
use super::svg::Drawing;
use super::text::{choice_words, dated_words, dates_left_out_words, is_lower, suggestion_words};
use super::words::{self, Standing};

const STYLE: &str = include_str!("../page.css");
const OWN_STYLE: &str = include_str!("page.css");

/// Rows of a table before the rest is folded.
const FOLDED_ROW_COUNT_MAX: usize = 10;

/// Rows of a table altogether; the rest is counted.
const ROW_COUNT_MAX: usize = 500;

/// A picture that is wider is printed across the page, in pixels.
const UPRIGHT_WIDTH_MAX: u32 = 900;

pub(super) const FORMAT: Format<[LockoutReport]> =
    Format { name: "html", about: "One page with the picture, to read, mail or print", render };

fn render(reports: &[LockoutReport], page: &Page) -> String {
    let title = reports.first().map(words::sentence).unwrap_or_default();
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{STYLE}{OWN_STYLE}</style>\n</head>\n<body>\n",
        markup(&title.replace('`', "")),
    );
    html.push_str("<main class=\"reports\">\n");
    for (at, report) in reports.iter().enumerate() {
        let drawing = Drawing::of(report, at, None);
        let class = if drawing.width() > UPRIGHT_WIDTH_MAX { " class=\"wide\"" } else { "" };
        let (head, picture, tables) = (head(report, page), drawing.element(), tables(report, page));
        let _ = writeln!(html, "<article{class}>\n{head}<figure>\n{picture}</figure>\n{tables}</article>");
    }
    let _ = writeln!(
        html,
        "</main>\n<footer>\n<p>breakglass {}.</p>\n</footer>\n</body>\n</html>",
        env!("CARGO_PKG_VERSION")
    );
    html
}

/// The answer, and what was asked.
fn head(report: &LockoutReport, page: &Page) -> String {
    let order = report.direct.order;
    let verdict = match words::standing(&order) {
        Standing::Bad => "fail",
        Standing::Doubtful => "unknown",
        Standing::Good => "pass",
    };
    let sentence = words::sentence(report);
    let mut html =
        format!("<header class=\"{verdict}\">\n<p class=\"kicker\">Ways in</p>\n<h1>{}</h1>\n", inline(&sentence));
    if let Some(dated) = report.dated.iter().find(|dated| is_lower(&dated.order, &order)) {
        let _ = writeln!(html, "<p class=\"alarm\">{}</p>", inline(&dated_words(dated, page.judged_at)));
    }
    if let Some(line) = words::idle_assumptions(&report.idle_assumptions) {
        let _ = writeln!(html, "<p>{}</p>", inline(&line));
    }
    let searched = match order.searched_to {
        _ if order.is_exhausted => "all".to_owned(),
        Some(size) => format!("up to {}", counted(size, "failure")),
        None => "cut short".to_owned(),
    };
    html.push_str("<dl>\n");
    for (name, value) in [
        ("Order", words::order_with_doubt(&order)),
        ("Asked", format!("can somebody get in {}?", words::question(report.goal, report.horizon))),
        ("Lockouts searched", searched),
        ("Snapshot", page.source.clone()),
        ("As of", day_and_time(page.judged_at)),
    ] {
        let _ = writeln!(html, "<div><dt>{name}</dt><dd>{}</dd></div>", markup(&value));
    }
    html.push_str("</dl>\n</header>\n");
    html
}

fn tables(report: &LockoutReport, page: &Page) -> String {
    let mut html = scenarios(report);
    html.push_str(&cuts(report, page));
    html.push_str(&ways(report));
    html.push_str(&orders(report));
    let dated = report.dated.iter().map(|dated| dated_words(dated, page.judged_at));
    let dated: Vec<String> = dated.chain(dates_left_out_words(report, page.judged_at)).collect();
    html.push_str(&list("Dates that change the order", &dated, "ul"));
    html.push_str(&list("Unknown", &report.unknowns, "ul"));
    let suggestions: Vec<String> = report
        .suggestions
        .iter()
        .map(|suggestion| {
            let (change, remark) = suggestion_words(suggestion, &report.direct.order);
            let verify = suggestion.verify.as_ref().map(|line| format!(" To try it: `{line}`"));
            format!("{change} ({remark}).{}", verify.unwrap_or_default())
        })
        .collect();
    html.push_str(&list("What would help, the best first", &suggestions, "ol"));
    html.push_str(&words::untried(report).map(|line| format!("<p>{}</p>\n", inline(&line))).unwrap_or_default());
    html.push_str(&list("Held to be up, whatever happens", &report.assumptions, "ul"));
    html
}

/// A table, its first rows open and the others folded.
fn table((title, class): (&str, &str), headings: &[&str], rows: &[String]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let headings: String = headings.iter().map(|heading| format!("<th scope=\"col\">{heading}</th>")).collect();
    let table = |rows: &[String]| {
        format!(
            "<table class=\"{class}\">\n<thead><tr>{headings}</tr></thead>\n<tbody>\n{}</tbody>\n</table>\n",
            rows.concat()
        )
    };
    let count = if rows.len() <= FOLDED_ROW_COUNT_MAX + 1 { rows.len() } else { FOLDED_ROW_COUNT_MAX };
    let (open, rest) = rows.split_at_checked(count).unwrap_or((rows, &[]));
    let mut html = format!("<section>\n<h2>{}</h2>\n{}", inline(title), table(open));
    let (shown, left_out) = rest.split_at_checked(ROW_COUNT_MAX).unwrap_or((rest, &[]));
    if !shown.is_empty() {
        let _ = write!(html, "<details><summary>{} more</summary>\n{}</details>\n", shown.len(), table(shown));
    }
    if !left_out.is_empty() {
        let _ = writeln!(html, "<p>And {} more; the JSON document has them all.</p>", left_out.len());
    }
    html.push_str("</section>\n");
    html
}

fn list(title: &str, items: &[String], tag: &str) -> String {
    if items.is_empty() {
        return String::new();
    }
    let (shown, rest) = items.split_at_checked(ROW_COUNT_MAX).unwrap_or((items, &[]));
    let items: String = shown.iter().map(|item| format!("<li>{}</li>\n", inline(item))).collect();
    let rest = match rest.len() {
        0 => String::new(),
        count => format!("<p>And {count} more; the JSON document has them all.</p>\n"),
    };
    format!("<section>\n<h2>{title}</h2>\n<{tag}>\n{items}</{tag}>\n{rest}</section>\n")
}

const fn class(standing: Standing) -> &'static str {
    match standing {
        Standing::Bad => "bad",
        Standing::Doubtful => "doubtful",
        Standing::Good => "good",
    }
}

fn order_cell(order: &Order) -> String {
    let words = markup(&words::order_with_doubt(order));
    format!("<td class=\"number\"><span class=\"{}\">{words}</span></td>", class(words::standing(order)))
}

fn scenarios(report: &LockoutReport) -> String {
    let rows: Vec<String> = words::ranked(report)
        .into_iter()
        .map(|scenario| {
            let (word, standing) = words::survival(scenario);
            let delta = scenario.delta.as_ref().map(|delta| format!("<p class=\"because\">{}</p>", inline(delta)));
            let by = words::left(report, scenario).map(|by| format!("<p>{}</p>", inline(&by)));
            let note = scenario.note.as_ref().map(|note| format!("<p class=\"because\">{}</p>", inline(note)));
            format!(
                "<tr>\n<td><p>{} <small>{}</small></p>{}</td>\n<td><span class=\"{}\">{word}</span></td>\n<td>{}{}</td>\n{}\n</tr>\n",
                inline(&scenario.title),
                markup(&scenario.id),
                delta.unwrap_or_default(),
                class(standing),
                by.unwrap_or_default(),
                note.unwrap_or_default(),
                order_cell(&scenario.order_left),
            )
        })
        .collect();
    table(("What if", "scenarios"), &["Scenario", "Survives", "By which way", "Order left"], &rows)
}

fn cuts(report: &LockoutReport, page: &Page) -> String {
    let cuts = folded(&report.direct.cuts);
    let rows: Vec<String> = cuts.iter().filter(|cut| cut.size > 0).map(|cut| cut_row(cut, report, page)).collect();
    let more = if report.direct.are_cuts_truncated { "at least " } else { "" };
    let title = format!("What locks everybody out: {more}{} of failures", counted(report.direct.cuts.len(), "set"));
    table((&title, "cuts"), &["Failures", "What fails", "Because of"], &rows)
}

fn cut_row(cut: &FoldedCut<'_>, report: &LockoutReport, page: &Page) -> String {
    let page = Page { extent: Extent::All, ..page.clone() };
    let choices: String =
        cut.choices.iter().map(|choice| format!("<li>{}</li>", inline(&choice_words(choice, report, &page)))).collect();
    let mut because = words::because_up_to(&cut.because, usize::MAX).map(|words| inline(&words)).unwrap_or_default();
    if cut.certainty == Certainty::Possible {
        because.push_str("<p class=\"because\">perhaps only: it depends on a fact that is unknown</p>");
    }
    format!(
        "<tr>\n<td class=\"number\">{}</td>\n<td><ol class=\"choices\">{choices}</ol></td>\n<td>{because}</td>\n</tr>\n",
        cut.size
    )
}

fn ways(report: &LockoutReport) -> String {
    let listed = Listed::of(report);
    let rows: Vec<String> = listed.ways.iter().map(|way| way_row(way, &listed, report)).collect();
    table((&listed.heading(report), "ways"), &["Who", "How", "Needs"], &rows)
}

fn way_row(way: &Way, listed: &Listed<'_>, report: &LockoutReport) -> String {
    let needs = match way.needs.as_slice() {
        [] => "nothing that can fail".to_owned(),
        needs => words::names(&report.components, needs, usize::MAX),
    };
    let steps: String = way.steps.iter().map(|step| format!("<li>{}</li>", inline(step))).collect();
    let steps = if steps.is_empty() { steps } else { format!("<ol class=\"steps\">{steps}</ol>") };
    format!(
        "<tr>\n<td>{}</td>\n<td><p>{}</p>{steps}</td>\n<td>{}</td>\n</tr>\n",
        inline(&listed.whose(way)),
        inline(&words::how(&report.components, &way.context)),
        inline(&needs),
    )
}

fn orders(report: &LockoutReport) -> String {
    let rows: Vec<String> = words::orders(report)
        .into_iter()
        .map(|(question, order)| format!("<tr>\n<td>{}</td>\n{}\n</tr>\n", inline(&question), order_cell(&order)))
        .collect();
    table(("Other questions, each with its order", "orders"), &["To get in and", "Order"], &rows)
}

#[cfg(test)]
mod tests {
    use super::super::super::sample::page;
    use super::super::sample;
    use super::*;

    #[test]
    fn every_element_is_closed() {
        for (_, reports) in sample::all() {
            let html = render(&reports, &page());
            let tags = [
                "table", "tr", "td", "ul", "ol", "li", "details", "section", "header", "main", "article", "figure",
                "dl", "p", "svg", "g", "text",
            ];
            for tag in tags {
                let opened = html.matches(&format!("<{tag}>")).count() + html.matches(&format!("<{tag} ")).count();
                assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{tag}");
            }
        }
    }

    #[test]
    fn nothing_is_fetched_and_nothing_runs() {
        for (_, reports) in sample::all() {
            let html = render(&reports, &page());
            for tag in ["<img", "<script", "<a ", "<link", "<use", "href", "url(", "@import", "src="] {
                let outside = html.replace("&lt;img src=x", "");
                assert!(!outside.contains(tag), "{tag}");
            }
        }
    }
}
