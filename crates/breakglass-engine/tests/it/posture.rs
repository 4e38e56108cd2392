//! The posture rules, each on the smallest tenants that keep it, break it, or leave it in doubt.
//!
//! A case is a file `tests/posture/BG####/name.json`: a snapshot with `expect`, the findings of that rule as
//! `"status severity"` in their order, and where they matter `accounts` (else `bg1` and `bg2`), `origin`, `now` and
//! `settings`. What the findings say is kept as a snapshot per rule, so that a reviewer reads the sentences.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use breakglass_engine::access::{Access, AccessSettings};
use breakglass_engine::posture::accounts::{Accounts, Declared};
use breakglass_engine::posture::rules::RULES;
use breakglass_engine::posture::{Case, Finding, PostureSettings, Profile, Rule, Status};
use breakglass_model::snapshot::Snapshot;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::support::{now, report, snapshot};

#[derive(Deserialize)]
struct Setup {
    #[serde(default = "two_accounts")]
    accounts: Vec<String>,
    #[serde(default = "command_line")]
    origin: String,
    now: Option<jiff::Timestamp>,
    #[serde(default)]
    settings: Settings,
    expect: Vec<String>,
}

/// What a case may set; the rest is as by default.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Settings {
    is_classic: bool,
    wanted_name_parts: Vec<String>,
    owner_is_required: bool,
    owners: Vec<(String, String)>,
    postponed_until: Option<jiff::Timestamp>,
    watcher_is_configured: bool,
    custody_is_configured: bool,
    accepted_exclusions: Vec<String>,
    recovery_authentication_contexts: Vec<String>,
}

impl Settings {
    fn posture(&self) -> PostureSettings {
        PostureSettings {
            profile: if self.is_classic { Profile::Classic } else { Profile::Current },
            wanted_name_parts: self.wanted_name_parts.clone(),
            owner_is_required: self.owner_is_required,
            owners: self.owners.clone(),
            mandatory_mfa_postponed_until: self.postponed_until,
            watcher_is_configured: self.watcher_is_configured,
            custody_is_configured: self.custody_is_configured,
            accepted_exclusions: self.accepted_exclusions.clone(),
            recovery_authentication_contexts: self.recovery_authentication_contexts.clone(),
            ..PostureSettings::default()
        }
    }
}

fn two_accounts() -> Vec<String> {
    vec!["bg1".to_owned(), "bg2".to_owned()]
}

fn command_line() -> String {
    "--account".to_owned()
}

/// One file: how to judge, and the tenant.
pub(crate) struct Fixture {
    path: PathBuf,
    setup: Setup,
    pub(crate) tenant: Map<String, Value>,
}

impl Fixture {
    fn read(path: PathBuf) -> Self {
        let bytes = std::fs::read(&path).unwrap();
        let mut tenant: Map<String, Value> =
            serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let names = ["accounts", "origin", "now", "settings", "expect"];
        let setup: Map<String, Value> =
            names.iter().filter_map(|name| Some(((*name).to_owned(), tenant.shift_remove(*name)?))).collect();
        let setup = serde_json::from_value(setup.into()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        tenant.insert("format".to_owned(), "breakglass-snapshot/1".into());
        Self { path, setup, tenant }
    }

    pub(crate) fn name(&self) -> &str {
        self.path.file_stem().unwrap().to_str().unwrap()
    }

    fn judge(&self, rule: &dyn Rule) -> Vec<Finding> {
        self.judge_as(rule, &self.tenant)
    }

    fn judge_as(&self, rule: &dyn Rule, tenant: &Map<String, Value>) -> Vec<Finding> {
        self.judge_snapshot(rule, &snapshot(&tenant.clone().into()))
    }

    pub(crate) fn judge_snapshot(&self, rule: &dyn Rule, snapshot: &Snapshot) -> Vec<Finding> {
        let now = self.setup.now.unwrap_or_else(now);
        let access = Access::compile(snapshot, &AccessSettings::at(now)).unwrap();
        let declared = |name: &String| Declared { name: name.clone(), origin: self.setup.origin.clone() };
        let declared: Vec<Declared> = self.setup.accounts.iter().map(declared).collect();
        let accounts = Accounts::resolve(snapshot, &declared);
        let settings = self.setup.settings.posture();
        rule.check(&Case { snapshot, access: &access, accounts: &accounts, settings: &settings, now })
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/posture")
}

/// The cases of a rule, by name.
pub(crate) fn fixtures(code: &str) -> Vec<Fixture> {
    let Ok(entries) = std::fs::read_dir(folder().join(code)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(Fixture::read).collect()
}

/// Rules whose findings cannot be of all three sorts, with the statuses that they have.
fn statuses(code: &str) -> &'static [Status] {
    match code {
        // A guess is never evidence, and never a fault.
        "BG0102" | "BG0104" => &[Status::Unknown, Status::NotApplicable],
        // The acceptance cases have these.
        _ if code.starts_with("BG04") => &[],
        _ if is_awaited(code) => &[],
        _ => &[Status::Fail, Status::Unknown, Status::Pass],
    }
}

/// Rules that wait for the watcher and for custody.
fn is_awaited(code: &str) -> bool {
    (code.starts_with("BG06") || code.starts_with("BG07")) && code != "BG0605"
}

fn show(finding: &Finding, text: &mut String) {
    let objects: Vec<String> = finding.objects.iter().map(ToString::to_string).collect();
    let _ = writeln!(text, "{} {}: {}", finding.status.name(), finding.severity.name(), finding.message);
    if !objects.is_empty() {
        let _ = writeln!(text, "  about: {}", objects.join(", "));
    }
    if let Some(fix) = &finding.fix {
        let _ = writeln!(text, "  fix: {}", fix.text);
        if let Some(request) = &fix.request {
            let body = request.body.as_ref().map(|body| format!(" {body}")).unwrap_or_default();
            let _ = writeln!(text, "  request: {} {}{body}", request.method, request.url);
        }
    }
}

#[test]
fn each_case_is_judged_as_expected() {
    let mut wrong = String::new();
    for rule in RULES {
        let (mut text, mut seen) = (String::new(), BTreeSet::new());
        let fixtures = fixtures(rule.code());
        for fixture in &fixtures {
            let findings = fixture.judge(*rule);
            let _ = writeln!(text, "# {}", fixture.name());
            findings.iter().for_each(|finding| show(finding, &mut text));
            let line = |finding: &Finding| format!("{} {}", finding.status.name(), finding.severity.name());
            let found: Vec<String> = findings.iter().map(line).collect();
            seen.extend(findings.iter().map(|finding| finding.status));
            if found != fixture.setup.expect {
                let messages: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
                let (name, expected) = (fixture.name(), &fixture.setup.expect);
                let _ = writeln!(wrong, "{} {name}: {found:?} and not {expected:?}: {messages:#?}", rule.code());
            }
        }
        for status in statuses(rule.code()).iter().filter(|status| !seen.contains(status)) {
            let _ = writeln!(wrong, "{} has no case with a finding of status {}", rule.code(), status.name());
        }
        if !fixtures.is_empty() {
            insta::assert_snapshot!(rule.code(), text);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_folder_is_a_rule() {
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(RULES.iter().any(|rule| rule.code() == name), "{name} is no rule");
    }
}

/// With nobody declared, whatever the tenant is like, no rule passes.
#[test]
fn nothing_passes_with_nobody_declared() {
    let bytes = std::fs::read(folder().join("../acceptance/01-perfect-group-exclusion.json")).unwrap();
    let tenant: Value = serde_json::from_slice(&bytes).unwrap();
    for is_classic in [false, true] {
        let settings = Settings { is_classic, ..Settings::default() }.posture();
        let report = report(&snapshot(&tenant), &[], &settings, now());
        let passed: Vec<&Finding> = report.findings.iter().filter(|finding| finding.status == Status::Pass).collect();
        assert!(passed.is_empty(), "{passed:#?}");
        assert!(report.findings.iter().any(|finding| finding.rule == "BG0101" && finding.status == Status::Fail));
    }
}

#[test]
fn rules_about_the_watcher_and_custody_wait_for_them() {
    let tenant = serde_json::json!({ "format": "breakglass-snapshot/1", "users": [] });
    for (is_configured, status) in [(false, Status::NotApplicable), (true, Status::Unknown)] {
        let settings = Settings {
            watcher_is_configured: is_configured,
            custody_is_configured: is_configured,
            ..Settings::default()
        };
        let report = report(&snapshot(&tenant), &["bg1"], &settings.posture(), now());
        let awaited: Vec<&Finding> = report.findings.iter().filter(|finding| is_awaited(finding.rule)).collect();
        assert_eq!(awaited.len(), 11);
        for finding in awaited {
            assert_eq!(finding.status, status, "{}: {}", finding.rule, finding.message);
        }
    }
}

#[test]
fn every_rule_explains_itself() {
    let codes: Vec<&str> = RULES.iter().map(|rule| rule.code()).collect();
    assert!(codes.is_sorted_by(|one, next| one < next), "{codes:?}");
    let mut titles = BTreeSet::new();
    for rule in RULES {
        let code = rule.code();
        assert!(code.len() == 6 && code.starts_with("BG0"), "{code}");
        assert!(titles.insert(rule.title()), "{code} has the title of another rule");
        assert!(!rule.title().ends_with('.'), "{code}");
        assert!(!rule.requirements().is_empty(), "{code}");
        for part in
            ["**What it means.**", "**Why it matters.**", "**How it is judged.**", "**What to do.**", "**Source:**"]
        {
            assert!(rule.explanation().contains(part), "{code} lacks {part}");
        }
    }
}
