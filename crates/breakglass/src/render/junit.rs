//! JUnit XML, for the test pages of Jenkins, GitLab and their like.
//!
//! A suite for each family of rules, a case for each finding. A broken rule is a `failure`; what could not be told is
//! an `error`, because a skipped test is shown as harmless and this is not; what does not apply is `skipped`.
//!
//! **Source:** the schema of the Jenkins xUnit plug-in (`junit-10.xsd`); GitLab, "Unit test reports": a case is known
//! from run to run by its class name and name.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use breakglass_engine::posture::{Finding, Report, Status};
use jiff::tz::TimeZone;

use super::escape::markup;
use super::{Format, Page, noun};

/// The families of rules by the first digits of their codes.
const FAMILIES: [(&str, &str); 7] = [
    ("BG01", "Who the accounts are"),
    ("BG02", "The accounts"),
    ("BG03", "Authentication"),
    ("BG04", "Conditional Access"),
    ("BG05", "Tenant switches"),
    ("BG06", "Monitoring and drift"),
    ("BG07", "Custody"),
];

pub(super) const FORMAT: Format = Format { name: "junit", about: "JUnit XML, for Jenkins and GitLab", render };

fn render(report: &Report, page: &Page) -> String {
    let mut suites: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in &report.findings {
        suites.entry(finding.rule.get(..4).unwrap_or(finding.rule)).or_default().push(finding);
    }
    let all: Vec<&Finding> = report.findings.iter().collect();
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let _ = writeln!(xml, "<testsuites name=\"breakglass check\" {} time=\"0\">", counts(&all));
    for (family, findings) in suites {
        xml.push_str(&suite(report, page, family, &findings));
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn counts(findings: &[&Finding]) -> String {
    let count = |status| findings.iter().filter(|finding| finding.status == status).count();
    format!("tests=\"{}\" failures=\"{}\" errors=\"{}\"", findings.len(), count(Status::Fail), count(Status::Unknown))
}

fn suite(report: &Report, page: &Page, family: &str, findings: &[&Finding]) -> String {
    let title = FAMILIES.iter().find(|(code, _)| *code == family).map_or(family, |(_, title)| title);
    let skipped = findings.iter().filter(|finding| finding.status == Status::NotApplicable).count();
    // The schema wants a local time without a zone; ours is UTC.
    let at = page.judged_at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S");
    let mut xml = format!(
        "  <testsuite name=\"{family} {}\" {} skipped=\"{skipped}\" time=\"0\" timestamp=\"{at}\">\n    <properties>\n",
        markup(title),
        counts(findings),
    );
    let taken_at = report.taken_at.map(|at| at.to_string()).unwrap_or_default();
    let tenant = report.tenant_id.as_deref().unwrap_or_default();
    for (name, value) in [
        ("sentence", report.sentence.as_str()),
        ("tenantId", tenant),
        ("profile", report.profile.name()),
        ("takenAt", &taken_at),
    ] {
        let _ = writeln!(xml, "      <property name=\"{name}\" value=\"{}\"/>", markup(value));
    }
    xml.push_str("    </properties>\n");
    let mut names = BTreeMap::new();
    for finding in findings {
        let is_alone = findings.iter().filter(|other| other.rule == finding.rule).count() == 1;
        let name = if is_alone { title_of(finding) } else { name_among_several(finding) };
        let number = names.entry(name.clone()).and_modify(|number| *number += 1).or_insert(1);
        let name = if *number == 1 { name } else { format!("{name} ({number})") };
        xml.push_str(&case(finding, &name));
    }
    xml.push_str("  </testsuite>\n");
    xml
}

fn case(finding: &Finding, name: &str) -> String {
    let open = format!("    <testcase classname=\"breakglass.{}\" name=\"{}\" time=\"0\"", finding.rule, markup(name));
    let message = markup(&finding.message);
    let severity = finding.severity.name();
    match finding.status {
        Status::Fail => {
            let body = markup_lines(finding);
            format!(
                "{open}>\n      <failure message=\"{message}\" type=\"{severity}\">{body}</failure>\n    </testcase>\n"
            )
        }
        Status::Unknown => {
            let body = markup_lines(finding);
            format!("{open}>\n      <error message=\"{message}\" type=\"unknown\">{body}</error>\n    </testcase>\n")
        }
        Status::NotApplicable => format!("{open}>\n      <skipped message=\"{message}\"/>\n    </testcase>\n"),
        Status::Pass => format!("{open}>\n      <system-out>{message}</system-out>\n    </testcase>\n"),
    }
}

/// The same from run to run, so that a rule which is mended is seen as mended.
fn title_of(finding: &Finding) -> String {
    format!("{} {}", finding.rule, finding.title)
}

/// Told apart by the id of the first object, since names change.
fn name_among_several(finding: &Finding) -> String {
    match finding.objects.first() {
        Some(first) => format!("{}: {} {}", title_of(finding), noun(first.kind), first.id),
        None => title_of(finding),
    }
}

/// What, where, do, one a line.
fn markup_lines(finding: &Finding) -> String {
    let mut lines = vec![finding.message.clone()];
    lines.push(format!("severity: {}", finding.severity.name()));
    lines.extend(finding.objects.iter().map(|object| format!("where: {object} ({})", object.id)));
    if let Some(fix) = &finding.fix {
        lines.push(format!("do: {}", fix.text));
        if let Some(request) = &fix.request {
            let body = request.body.as_ref().map(|body| format!(" {body}")).unwrap_or_default();
            lines.push(format!("request: {} {}{body}", request.method, request.url));
        }
    }
    let lines: Vec<String> = lines.iter().map(|line| markup(line)).collect();
    lines.join("\n")
}
