//! What is not in the snapshot is unknown: taking a property away never makes a rule content.
//!
//! Each property of each tenant of the posture rules, at any depth, is taken away, one at a time. A finding that
//! fails or is unknown must then still be there, as the one or the other, or the snapshot is refused. Elements of
//! lists are not taken away: a tenant without a policy, a member or an assignment is another tenant, and nothing in
//! it says that something is missing.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use breakglass_engine::access::{Access, AccessSettings};
use breakglass_engine::posture::accounts::{Accounts, Declared};
use breakglass_engine::posture::rules::RULES;
use breakglass_engine::posture::{Case, Finding, PostureSettings, Status};
use breakglass_model::snapshot::Resource;
use serde_json::{Map, Value};

use crate::posture::fixtures;
use crate::support::{now, try_snapshot};

/// Removals that truly take the cause away: rule, path (`*` for an index or for any rule), reason.
const ALLOWED: &[(&str, &str, &str)] = &[
    ("*", "/missing", "`missing` is the snapshot's own word about what is not there; without it lists are whole"),
    ("*", "/users/*/authenticationMethods@odata.nextLink", "the mark that a list was cut is all that says so"),
    ("*", "/conditionalAccessPolicies/*/conditions/users/excludeUsers", WRITTEN),
    ("*", "/conditionalAccessPolicies/*/conditions/users/excludeGroups", WRITTEN),
    ("*", "/conditionalAccessPolicies/*/conditions/users/excludeRoles", WRITTEN),
    ("BG0305", "/conditionalAccessPolicies/*/grantControls/authenticationStrength/id", "an object of nothing is none"),
    ("BG0401", "/conditionalAccessPolicies/*/sessionControls", WRITTEN),
    ("BG0401", "/conditionalAccessPolicies/*/sessionControls/moodRing", WRITTEN),
    ("BG0401", "/conditionalAccessPolicies/*/sessionControls/moodRing/isEnabled", "a control of nothing is none"),
    (
        "BG0210",
        "/roleAssignments/*/scope",
        "Azure writes the scope of each assignment; without one the role is another's",
    ),
    ("BG0411", "/conditionalAccessPolicies/*/conditions/locations", WRITTEN),
    ("BG0411", "/conditionalAccessPolicies/*/conditions/locations/includeLocations", WRITTEN),
    ("BG0411", "/conditionalAccessPolicies/*/conditions/authenticationFlows", WRITTEN),
    ("BG0411", "/conditionalAccessPolicies/*/conditions/authenticationFlows/transferMethods", WRITTEN),
    ("BG0411", "/conditionalAccessPolicies/*/sessionControls", WRITTEN),
    ("BG0411", "/conditionalAccessPolicies/*/sessionControls/signInFrequency", WRITTEN),
    ("BG0412", "/conditionalAccessPolicies/*/conditions/applications", WRITTEN),
    ("BG0412", "/conditionalAccessPolicies/*/conditions/applications/includeApplications", WRITTEN),
    ("BG0412", "/conditionalAccessPolicies/*/conditions/applications/excludeApplications", WRITTEN),
    ("BG0205", "/users/*/ownedObjects", OPTIONAL),
    ("BG0205", "/applications", OPTIONAL),
    ("BG0205", "/applications/*/owners", OPTIONAL),
    ("BG0208", "/accessReviews", OPTIONAL),
    ("BG0208", "/lifecycleWorkflows", OPTIONAL),
    ("BG0210", "/roleAssignments", "Azure's assignments are not Graph's; that they are not there is said"),
    ("BG0306", "/servicePrincipals/*/appRoleAssignments", OPTIONAL),
    ("BG0306", "/appRoleAssignments", "the list of service principals is there and empty: nobody has permissions"),
    ("BG0503", "/identityProtectionPolicies/*/users/included", "a name that means nothing was the doubt"),
    ("BG0504", "/perUserMfaStates", OPTIONAL),
    ("BG0605", "/users", OPTIONAL),
    ("BG0605", "/users/*/signInActivity", OPTIONAL),
];

/// Graph accepts a policy without it, and exporters leave it out where it is not configured.
const WRITTEN: &str = "a part of a policy that is left out where it is not configured";

/// A part that few exports have: a rule that is not a high one then says that it does not apply.
const OPTIONAL: &str = "an optional part, which the rule says it does not judge";

/// Paths of all properties, as JSON pointers, the outer ones first.
fn properties(value: &Value, at: &str, paths: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                paths.push(path.clone());
                properties(value, &path, paths);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| properties(item, &format!("{at}/{index}"), paths));
        }
        _ => {}
    }
}

fn without(tenant: &Map<String, Value>, path: &str) -> Value {
    let mut tenant = Value::Object(tenant.clone());
    let (parent, name) = path.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/").replace("~0", "~");
    tenant.pointer_mut(parent).unwrap().as_object_mut().unwrap().shift_remove(&name);
    tenant
}

/// A path with `*` for each index.
fn pattern(path: &str) -> String {
    let segments = path.split('/').map(|segment| if segment.parse::<usize>().is_ok() { "*" } else { segment });
    segments.collect::<Vec<&str>>().join("/")
}

/// How many findings somebody should look at, and how many are content.
fn counts(findings: &[Finding]) -> (usize, usize) {
    let troubles = findings.iter().filter(|one| matches!(one.status, Status::Fail | Status::Unknown)).count();
    (troubles, findings.len() - troubles)
}

/// Whether somebody would now look at less: nothing is left, or a finding became content. Two failures may well
/// become one doubt.
fn is_rounded(before: (usize, usize), after: (usize, usize)) -> bool {
    after.0 == 0 || (after.0 < before.0 && after.1 > before.1)
}

/// The example tenant in one document, and who its emergency accounts are.
fn contoso() -> (Map<String, Value>, Vec<String>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/contoso");
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let mut tenant: Map<String, Value> = serde_json::from_slice(&read("snapshot.json")).unwrap();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_some_and(|extension| extension == "json") && Resource::from_name(&name).is_some() {
            let file: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            tenant.insert(name, file.get("value").cloned().unwrap_or(file));
        }
    }
    let text = String::from_utf8(read("breakglass.toml")).unwrap();
    let accounts = text.split("[[account]]").skip(1).filter_map(|account| account.split('"').nth(1));
    (tenant, accounts.map(str::to_owned).collect())
}

/// In the example nearly everything is in order; what was taken away must not put the rest in order.
#[test]
fn the_example_is_no_better_without_a_property() {
    let (tenant, accounts) = contoso();
    let accounts: Vec<&str> = accounts.iter().map(String::as_str).collect();
    let judge = |tenant: &Value| {
        let snapshot = try_snapshot(tenant)?;
        let access = Access::compile(&snapshot, &AccessSettings::at(now())).unwrap();
        let declared = |name: &&str| Declared { name: (*name).to_owned(), origin: "the test".to_owned() };
        let accounts = Accounts::resolve(&snapshot, &accounts.iter().map(declared).collect::<Vec<Declared>>());
        let settings = PostureSettings::default();
        let case = Case { snapshot: &snapshot, access: &access, accounts: &accounts, settings: &settings, now: now() };
        let rules = RULES.iter().filter(|rule| BROKEN.contains(&rule.code()));
        Some(rules.flat_map(|rule| rule.check(&case)).collect::<Vec<Finding>>())
    };
    let before = judge(&tenant.clone().into()).unwrap();
    let of_rule = |findings: &[Finding], rule: &str| {
        let findings: Vec<Finding> = findings.iter().filter(|finding| finding.rule == rule).cloned().collect();
        counts(&findings)
    };
    assert!(BROKEN.iter().all(|rule| of_rule(&before, rule).0 > 0), "{before:#?}");
    let mut paths = Vec::new();
    properties(&tenant.clone().into(), "", &mut paths);
    let paths = paths.iter().filter(|path| *path != "/format");
    for path in paths.step_by(EXAMPLE_STEP) {
        let Some(findings) = judge(&without(&tenant, path)) else { continue };
        for rule in BROKEN {
            let after = of_rule(&findings, rule);
            assert!(!is_rounded(of_rule(&before, rule), after), "{rule} without {path}: {findings:#?}");
        }
    }
}

/// What is broken in the example.
const BROKEN: [&str; 2] = ["BG0402", "BG0407"];
/// Every so manieth property of the example is taken away.
const EXAMPLE_STEP: usize = 7;

#[test]
fn what_is_not_in_the_snapshot_is_no_reason_to_pass() {
    let (mut wrong, mut count, mut used) = (String::new(), 0, BTreeSet::new());
    for rule in RULES {
        for fixture in fixtures(rule.code()) {
            let judge = |tenant: &Value| Some(fixture.judge_snapshot(*rule, &try_snapshot(tenant)?));
            let before = counts(&judge(&fixture.tenant.clone().into()).unwrap());
            if before.0 == 0 {
                continue;
            }
            let mut paths = Vec::new();
            properties(&fixture.tenant.clone().into(), "", &mut paths);
            for path in paths.iter().filter(|path| *path != "/format") {
                count += 1;
                let Some(findings) = judge(&without(&fixture.tenant, path)) else { continue };
                if !is_rounded(before, counts(&findings)) {
                    continue;
                }
                let pattern = pattern(path);
                let allowed = |(code, allowed, _): &&(&str, &str, &str)| {
                    (*code == rule.code() || *code == "*") && *allowed == pattern
                };
                match ALLOWED.iter().position(|row| allowed(&row)) {
                    Some(row) => {
                        used.insert(row);
                    }
                    None => {
                        let shown: Vec<String> =
                            findings.iter().map(|one| format!("{}: {}", one.status.name(), one.message)).collect();
                        let _ = writeln!(wrong, "{} {} without {path}: {shown:?}", rule.code(), fixture.name());
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count > 2000, "only {count} removals were tried");
    let unused: Vec<_> = ALLOWED.iter().enumerate().filter(|(row, _)| !used.contains(row)).collect();
    assert!(unused.is_empty(), "never needed: {unused:?}");
}
