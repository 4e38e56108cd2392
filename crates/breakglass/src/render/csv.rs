//! CSV for spreadsheets, one line for each finding.
//!
//! Every field is quoted. A field that a spreadsheet would take for a formula begins with an apostrophe, which
//! spreadsheets show as text; a program that reads the file takes it off again, or reads the JSON.
//!
//! **Source:** RFC 4180; OWASP, "CSV Injection".

use breakglass_engine::posture::{Finding, ObjectReference, Report};

use super::{Format, Page, visible};

/// The first line.
const COLUMNS: [&str; 11] = [
    "rule",
    "title",
    "requirements",
    "severity",
    "status",
    "message",
    "objects",
    "objectIds",
    "fix",
    "fixRequest",
    "fixBody",
];

pub(super) const FORMAT: Format = Format { name: "csv", about: "A line for each finding, for spreadsheets", render };

fn render(report: &Report, _: &Page) -> String {
    let mut csv = line(&COLUMNS.map(str::to_owned));
    for finding in &report.findings {
        csv.push_str(&line(&fields(finding)));
    }
    csv
}

fn fields(finding: &Finding) -> [String; 11] {
    let fix = finding.fix.as_ref();
    let request = fix.and_then(|fix| fix.request.as_ref());
    [
        finding.rule.to_owned(),
        finding.title.to_owned(),
        finding.requirements.join(" "),
        finding.severity.name().to_owned(),
        finding.status.name().to_owned(),
        finding.message.clone(),
        list(finding, |object| object.to_string()),
        list(finding, |object| object.id.clone()),
        fix.map(|fix| fix.text.clone()).unwrap_or_default(),
        request.map(|request| format!("{} {}", request.method, request.url)).unwrap_or_default(),
        request.and_then(|request| request.body.as_ref()).map(ToString::to_string).unwrap_or_default(),
    ]
}

fn list(finding: &Finding, show: fn(&ObjectReference) -> String) -> String {
    let shown: Vec<String> = finding.objects.iter().map(show).collect();
    shown.join("; ")
}

fn line(fields: &[String]) -> String {
    let quoted: Vec<String> = fields.iter().map(|text| field(text)).collect();
    format!("{}\r\n", quoted.join(","))
}

fn field(text: &str) -> String {
    let text = visible(text).replace('"', "\"\"");
    let guard = if is_formula(&text) { "'" } else { "" };
    format!("\"{guard}{text}\"")
}

/// Whether a spreadsheet might compute this instead of showing it: by its first character, full-width forms and
/// leading blanks included.
fn is_formula(text: &str) -> bool {
    let begins = |c: char| matches!(c, '=' | '+' | '-' | '@' | '|' | '%' | '＝' | '＋' | '－' | '＠');
    text.trim_start().starts_with(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_harmless() {
        let cases = [
            ("plain", "\"plain\""),
            ("", "\"\""),
            ("a \"b\", c", "\"a \"\"b\"\", c\""),
            ("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("  =1+1", "\"'  =1+1\""),
            ("＝1+1", "\"'＝1+1\""),
            ("\t=1", "\"\\t=1\""),
            ("a\r\n=1", "\"a\\r\\n=1\""),
        ];
        for (text, expected) in cases {
            assert_eq!(field(text), expected, "{text:?}");
        }
    }
}
