//! The acceptance cases: tenants that other tools misjudged, each with what must be found in it.
//!
//! A case is a snapshot `NN-name.json` and an expectation `NN-name.expect.json` beside it. Every expected finding
//! must be there; with `otherwiseClean`, nothing else may fail or be unknown.

use std::path::{Path, PathBuf};

use breakglass_engine::posture::{Finding, PostureSettings, Profile};
use serde::Deserialize;
use serde_json::Value;

use crate::support::{line, report, snapshot, troubles};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Expectation {
    title: String,
    now: jiff::Timestamp,
    profile: String,
    accounts: Vec<String>,
    findings: Vec<ExpectedFinding>,
    otherwise_clean: bool,
    /// Beginning of the sentence, and another part of it after a semicolon.
    sentence: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedFinding {
    rule: String,
    status: String,
    severity: Option<String>,
    #[serde(default)]
    about: Vec<String>,
}

impl ExpectedFinding {
    fn is(&self, finding: &Finding) -> bool {
        finding.rule == self.rule
            && finding.status.name() == self.status
            && self.severity.as_deref().is_none_or(|severity| severity == finding.severity.name())
            && self.about.iter().all(|id| finding.objects.iter().any(|object| object.id == *id))
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/acceptance")
}

fn check(name: &str) {
    let read = |file: String| std::fs::read(folder().join(file)).unwrap();
    let tenant: Value = serde_json::from_slice(&read(format!("{name}.json"))).unwrap();
    let expected: Expectation = serde_json::from_slice(&read(format!("{name}.expect.json"))).unwrap();
    println!("acceptance case {name}: {}", expected.title);
    let profile = if expected.profile == "classic" { Profile::Classic } else { Profile::Current };
    let settings = PostureSettings { profile, ..PostureSettings::default() };
    let accounts: Vec<&str> = expected.accounts.iter().map(String::as_str).collect();
    let snapshot = snapshot(&tenant);
    let report = report(&snapshot, &accounts, &settings, expected.now);
    let all: Vec<String> = report.findings.iter().map(line).collect();
    for wanted in &expected.findings {
        let is_there = report.findings.iter().any(|finding| wanted.is(finding));
        assert!(is_there, "{name}: no {} {} in\n{}", wanted.rule, wanted.status, all.join("\n"));
        let is_contrary = |finding: &&Finding| {
            finding.rule == wanted.rule && wanted.status == "pass" && finding.status.name() != "pass"
        };
        let contrary: Vec<String> = report.findings.iter().filter(is_contrary).map(line).collect();
        assert!(contrary.is_empty(), "{name}: {} should pass\n{}", wanted.rule, contrary.join("\n"));
    }
    let unexpected =
        troubles(&report).into_iter().filter(|finding| !expected.findings.iter().any(|wanted| wanted.is(finding)));
    let unexpected: Vec<String> = unexpected.map(line).collect();
    assert!(!expected.otherwise_clean || unexpected.is_empty(), "{name}: not expected\n{}", unexpected.join("\n"));
    for part in expected.sentence.split("; ") {
        assert!(report.sentence.contains(part), "{name}: `{}` has no `{part}`", report.sentence);
    }
    assert!(report.sentence.chars().count() <= 200, "{name}: the sentence is too long: {}", report.sentence);
}

macro_rules! cases {
    ($($function:ident: $name:literal,)+) => {
        $(#[test] fn $function() { check($name); })+

        #[test]
        fn every_file_is_a_case() {
            let known = [$($name),+];
            for entry in std::fs::read_dir(folder()).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                let stem = name.trim_end_matches(".json").trim_end_matches(".expect");
                assert!(known.contains(&stem), "{name} is not in the list of cases");
            }
        }
    };
}

cases! {
    case_01_perfect_group_exclusion: "01-perfect-group-exclusion",
    case_02_phishing_resistant_policy: "02-phishing-resistant-policy",
    case_03_excluded_service_account: "03-excluded-service-account",
    case_04_large_ordinary_group: "04-large-ordinary-group",
    case_04b_large_group_with_the_accounts: "04b-large-group-with-the-accounts",
    case_05_compliant_device_for_all: "05-compliant-device-for-all",
    case_06_by_id_here_and_by_group_there: "06-by-id-here-and-by-group-there",
    case_07_workload_identities: "07-workload-identities",
    case_08_nested_exclusion_group: "08-nested-exclusion-group",
    case_09_two_disabled_accounts: "09-two-disabled-accounts",
    case_10_report_only: "10-report-only",
}
