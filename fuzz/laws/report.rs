//! What judging a tenant promises: a report and no panic, the same report for the same tenant, and no rule that is
//! broken with a list and kept without it.

use std::collections::BTreeSet;

use breakglass_engine::access::{Access, AccessSettings};
use breakglass_engine::posture::accounts::{Accounts, Declared};
use breakglass_engine::posture::rules::RULES;
use breakglass_engine::posture::{Case, PostureSettings, Profile, Report, Status, judge};
use breakglass_model::snapshot::read::{Origin, SNAPSHOT_FORMAT, read_document};
use breakglass_model::snapshot::{Resource, Snapshot, SnapshotBuilder};
use serde_json::{Map, Value};

/// The instant of judgement: 22 November 2026.
const NOW: jiff::Timestamp = jiff::Timestamp::constant(1_795_305_600, 0);

/// Checks it for one tenant, and for the same without one of its lists, which the length of the input chooses.
pub(crate) fn hold(bytes: &[u8]) {
    let Ok(Value::Object(mut tenant)) = serde_json::from_slice(bytes) else { return };
    tenant.insert("format".to_owned(), SNAPSHOT_FORMAT.into());
    let Some(snapshot) = read(&tenant) else { return };
    let principals = tenant.get("servicePrincipals").and_then(Value::as_array);
    let say_themselves = principals.is_some_and(|all| all.iter().any(|one| one.get("appRoleAssignments").is_some()));
    let can_be_left_out = |list: &&Resource| match list {
        // Without its definition, a tenant's own id of a built-in role cannot be told from a custom role's.
        Resource::RoleDefinitions => false,
        // What is left is what the applications say themselves, and that may contradict the list.
        Resource::AppRoleAssignments if say_themselves => false,
        list => tenant.contains_key(list.name()),
    };
    let lists: Vec<&str> = Resource::ALL.iter().filter(can_be_left_out).map(|list| list.name()).collect();
    let left_out = lists.get(bytes.len() % lists.len().max(1)).copied().unwrap_or_default();
    tenant.remove(left_out);
    let less = read(&tenant).expect("a tenant without a list is readable");
    for settings in [PostureSettings::default(), everything_else()] {
        let whole = report(&snapshot, &settings);
        assert_eq!(whole, report(&snapshot, &settings), "judged twice");
        assert!(!whole.sentence.is_empty());
        assert!(whole.findings.iter().all(|finding| !finding.message.is_empty()), "{:?}", whole.findings);
        let judged: BTreeSet<&str> = whole.findings.iter().map(|finding| finding.rule).collect();
        assert_eq!(judged.len(), RULES.len(), "every rule says something: {judged:?}");
        let less = report(&less, &settings);
        let healed: Vec<&str> = judged.into_iter().filter(|rule| is_healed(rule, &whole, &less)).collect();
        assert!(healed.is_empty(), "{healed:?} are broken, and kept without `{left_out}`: {less:?}");
    }
}

/// Whether a rule is broken in one report and kept in the other.
fn is_healed(rule: &str, whole: &Report, less: &Report) -> bool {
    let statuses = |report: &Report| -> Vec<Status> {
        report.findings.iter().filter(|finding| finding.rule == rule).map(|finding| finding.status).collect()
    };
    statuses(whole).contains(&Status::Fail) && statuses(less).iter().all(|status| *status == Status::Pass)
}

fn read(tenant: &Map<String, Value>) -> Option<Snapshot> {
    let json = serde_json::to_vec(tenant).expect("a value is writable");
    let mut builder = SnapshotBuilder::default();
    let origin = Origin { file_name: "tenant.json", folders: &[] };
    read_document(&mut builder, json.as_slice(), &origin).ok()?;
    Some(builder.finish())
}

/// Everything that the default leaves alone.
fn everything_else() -> PostureSettings {
    PostureSettings {
        profile: Profile::Classic,
        wanted_name_parts: vec!["bg".to_owned()],
        owner_is_required: true,
        mandatory_mfa_postponed_until: Some(NOW),
        watcher_is_configured: true,
        custody_is_configured: true,
        accepted_exclusions: vec!["g1".to_owned()],
        recovery_authentication_contexts: vec!["c1".to_owned()],
        ..PostureSettings::default()
    }
}

fn report(snapshot: &Snapshot, settings: &PostureSettings) -> Report {
    let access = Access::compile(snapshot, &AccessSettings::at(NOW)).expect("there are few policies");
    let declared = ["bg1", "bg2"].map(|name| Declared { name: name.to_owned(), origin: "the test".to_owned() });
    let accounts = Accounts::resolve(snapshot, &declared);
    judge(&Case { snapshot, access: &access, accounts: &accounts, settings, now: NOW })
}
