//! What will and will not work, as text and as a document: each observation in three parts, the worst first.

use breakglass_ops::doctor::{Line, Verdict};
use serde_json::{Value, json};

use super::paint::{Paint, Style};
use super::{counted, fitted, visible};

/// Name and version of the document.
pub(crate) const DOCUMENT: &str = "breakglass-doctor/1";

/// Columns before what follows from an observation.
const INDENT: &str = "    ";

/// The observations for a terminal.
pub(crate) fn text(lines: &[Line], (columns, paint): (usize, Paint)) -> String {
    let mut text = String::new();
    for verdict in Verdict::ALL {
        let of: Vec<&Line> = lines.iter().filter(|line| line.verdict == verdict).collect();
        if of.is_empty() {
            continue;
        }
        let (title, style) = heading(verdict);
        text.push_str(&format!("{} ({})\n", paint.apply(style, title), of.len()));
        for line in of {
            text.push_str(&one(line, columns, paint));
        }
        text.push('\n');
    }
    text.push_str(&fitted(&tally(lines), "", "", columns));
    text
}

fn one(line: &Line, columns: usize, paint: Paint) -> String {
    let what = fitted(&visible(&sentence(&format!("{}: {}", line.topic, line.what))), "  ", INDENT, columns);
    let mut text = what.replacen(line.topic, &paint.apply(Style::Strong, line.topic), 1);
    text.push_str(&fitted(&visible(&sentence(&capital(&line.so_what))), INDENT, INDENT, columns));
    if let Some(do_this) = &line.do_this {
        // Whoever copies an address would copy the full stop.
        let is_address = do_this.rsplit(' ').next().is_some_and(|word| word.contains("://"));
        let shown = if is_address { do_this.clone() } else { sentence(do_this) };
        text.push_str(&fitted(&visible(&shown), "    → ", "      ", columns));
    }
    text
}

/// With a full stop, unless somebody else's words end with one.
fn sentence(text: &str) -> String {
    if text.ends_with('.') { text.to_owned() } else { format!("{text}.") }
}

const fn heading(verdict: Verdict) -> (&'static str, Style) {
    match verdict {
        Verdict::Bad => ("Bad", Style::Bad),
        Verdict::Unknown => ("Could not tell", Style::Doubtful),
        Verdict::Look => ("Look at it", Style::Strong),
        Verdict::Good => ("Good", Style::Good),
    }
}

fn tally(lines: &[Line]) -> String {
    let count = |verdict| lines.iter().filter(|line| line.verdict == verdict).count();
    let (bad, unknown) = (count(Verdict::Bad), count(Verdict::Unknown));
    let sentence = match (bad, unknown) {
        (0, 0) => "Everything that was asked works".to_owned(),
        (0, unknown) => format!("Nothing is bad, and {} could not be told", counted(unknown, "thing")),
        (1, 0) => "1 thing will not work".to_owned(),
        (bad, 0) => format!("{bad} things will not work"),
        (bad, unknown) => format!("{} will not work, and {unknown} could not be told", counted(bad, "thing")),
    };
    format!(
        "{sentence}; {} good, {} to look at. No answer here replaces a sign-in with each account.",
        count(Verdict::Good),
        count(Verdict::Look)
    )
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// The observations as one document.
pub(crate) fn json(lines: &[Line], tenant: Option<&str>) -> String {
    let line = |line: &Line| {
        json!({
            "verdict": line.verdict.name(),
            "topic": line.topic,
            "what": line.what,
            "soWhat": line.so_what,
            "doThis": line.do_this,
        })
    };
    let lines: Vec<Value> = lines.iter().map(line).collect();
    let document = json!({ "format": DOCUMENT, "tenantId": tenant, "lines": lines });
    format!("{document:#}\n")
}
