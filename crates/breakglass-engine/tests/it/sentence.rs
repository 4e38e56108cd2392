//! The sentence that answers "can we still get in?".

use breakglass_engine::posture::accounts::SENTENCE_LENGTH_CHARS_MAX;
use breakglass_engine::posture::{PostureSettings, Profile, Report, Severity, Status};
use breakglass_testkit::seed_for;
use breakglass_testkit::tenants::random_tenant;
use serde_json::{Value, json};

use crate::support::{now, report, snapshot};

fn perfect() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/acceptance/01-perfect-group-exclusion.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn sentence(tenant: &Value, accounts: &[&str], profile: Profile) -> String {
    let settings = PostureSettings { profile, ..PostureSettings::default() };
    report(&snapshot(tenant), accounts, &settings, now()).sentence
}

#[test]
fn it_says_what_is_so() {
    let both = ["bg1", "bg2"];
    let check = |change: &dyn Fn(&mut Value), accounts: &[&str], profile, expected: &str| {
        let mut tenant = perfect();
        change(&mut tenant);
        assert_eq!(sentence(&tenant, accounts, profile), expected);
    };
    let nothing = |_: &mut Value| {};
    let policy = |state: &str, name: &str| {
        json!({ "id": "new", "displayName": name, "state": state, "createdDateTime": "2026-11-10T00:00:00Z", "conditions": {
            "users": { "includeUsers": ["All"] }, "applications": { "includeApplications": ["All"] } },
            "grantControls": { "operator": "OR", "builtInControls": ["block"] } })
    };
    let add = |policy: Value| {
        move |tenant: &mut Value| tenant["conditionalAccessPolicies"].as_array_mut().unwrap().push(policy.clone())
    };
    let current = Profile::Current;
    check(
        &nothing,
        &both,
        current,
        "Yes: both emergency accounts get in from anywhere through Microsoft Graph and the portals; nothing to look at.",
    );
    check(
        &add(policy("enabledForReportingButNotEnforced", "Block, soon")),
        &both,
        current,
        "Yes: both emergency accounts get in from anywhere through Microsoft Graph and the portals; 1 finding to look at.",
    );
    check(
        &add(policy("enabledForReportingButNotEnforced", "Microsoft-managed: Block legacy authentication")),
        &both,
        current,
        "At risk: both emergency accounts get in today, until policy `Microsoft-managed: Block legacy authent…` switches \
         itself on (BG0402).",
    );
    check(
        &add(policy("enabled", "Block")),
        &both,
        current,
        "No: both emergency accounts may be kept out or useless when needed; 1 critical finding, the first BG0401 about \
         policy `Block`.",
    );
    check(
        &|tenant| tenant["users"][1]["accountEnabled"] = json!(false),
        &both,
        current,
        "Not for sure: nothing critical stands against 1 of 2 emergency accounts, but 2 critical findings, the first \
         BG0103.",
    );
    check(&nothing, &[], current, "Could not tell: no emergency account is declared (2 candidates look like one).");
    check(
        &nothing,
        &["somebody"],
        current,
        "Could not tell: 1 declared account was not found in the snapshot, and there is no other.",
    );
    check(
        &|tenant| tenant["groups"][0]["members"] = Value::Null,
        &both,
        current,
        "Could not tell: 4 critical answers are missing for lack of data, the first of BG0401.",
    );
}

#[test]
fn it_does_not_count_whom_it_did_not_find() {
    let mut tenant = perfect();
    let some = ["bg1", "gone"];
    assert_eq!(
        sentence(&tenant, &some, Profile::Current),
        "Not for sure: nothing critical stands against 1 of 1 emergency account found, but 1 critical finding, the \
         first BG0103."
    );
    let block = json!({ "id": "new", "displayName": "Block", "state": "enabled", "conditions": {
        "users": { "includeUsers": ["All"] }, "applications": { "includeApplications": ["All"] } },
        "grantControls": { "operator": "OR", "builtInControls": ["block"] } });
    tenant["conditionalAccessPolicies"].as_array_mut().unwrap().push(block);
    assert_eq!(
        sentence(&tenant, &some, Profile::Current),
        "No: the one emergency account found may be kept out or useless when needed; 2 critical findings, the first \
         BG0103."
    );
}

#[test]
fn the_classic_profile_says_which_doors_stay_shut() {
    let mut tenant = perfect();
    for at in 0..2 {
        tenant["users"][at]["authenticationMethods"] =
            json!([{ "@odata.type": "#microsoft.graph.passwordAuthenticationMethod" }]);
    }
    let sentence = sentence(&tenant, &["bg1", "bg2"], Profile::Classic);
    println!("{sentence}");
    assert!(!sentence.contains("and the portals"), "{sentence}");
}

/// Whatever the tenant is like: short enough, and never *yes* beside something critical.
#[test]
fn it_never_says_yes_too_early() {
    let seed = seed_for("the sentence");
    for round in 0..60 {
        let tenant = random_tenant(seed.wrapping_add(round));
        let ids: Vec<&str> =
            tenant.snapshot.users.items().iter().map(|user| tenant.snapshot.objects.id(user.key)).collect();
        for accounts in ids.chunks(2) {
            let report = report(&tenant.snapshot, accounts, &PostureSettings::default(), now());
            is_honest(&report, &format!("round {round}"));
        }
    }
}

#[test]
fn what_is_not_in_the_snapshot_is_not_answered_with_yes() {
    let tenant = perfect();
    let lists: Vec<String> = tenant.as_object().unwrap().keys().filter(|name| *name != "format").cloned().collect();
    let mut yes = Vec::new();
    for list in &lists {
        let mut tenant = tenant.clone();
        tenant.as_object_mut().unwrap().shift_remove(list);
        let report = report(&snapshot(&tenant), &["bg1", "bg2"], &PostureSettings::default(), now());
        if is_honest(&report, list) {
            yes.push(list.as_str());
        }
    }
    for needed in ["users", "groups", "conditionalAccessPolicies", "identitySecurityDefaultsEnforcementPolicy"] {
        assert!(!yes.contains(&needed), "yes without {needed}");
    }
    assert!(yes.contains(&"devices"), "{yes:?}");
}

/// Whether the sentence says yes, having made sure that it may.
fn is_honest(report: &Report, what: &str) -> bool {
    let sentence = &report.sentence;
    assert!(sentence.chars().count() <= SENTENCE_LENGTH_CHARS_MAX, "{what}: {sentence}");
    assert!(sentence.ends_with('.') && sentence.contains(": "), "{what}: {sentence}");
    let is_critical = report.findings.iter().any(|finding| {
        finding.severity == Severity::Critical && matches!(finding.status, Status::Fail | Status::Unknown)
    });
    let says_yes = sentence.starts_with("Yes");
    assert!(!(is_critical && says_yes), "{what}: {sentence}");
    says_yes
}
