//! What the tests of posture and access share: snapshots from JSON, judged in one call.

use breakglass_engine::access::{Access, AccessSettings};
use breakglass_engine::posture::accounts::{Accounts, Declared};
use breakglass_engine::posture::{Case, Finding, PostureSettings, Report, Status, judge};
use breakglass_model::snapshot::read::{Origin, read_document};
use breakglass_model::snapshot::{Snapshot, SnapshotBuilder};
use jiff::Timestamp;
use serde_json::Value;

/// The instant at which the tests judge.
pub(crate) fn now() -> Timestamp {
    "2026-11-22T00:00:00Z".parse().unwrap()
}

/// Reads documents, each with its file name.
pub(crate) fn snapshot_of<'d>(documents: impl IntoIterator<Item = (&'d str, Vec<u8>)>) -> Snapshot {
    let mut builder = SnapshotBuilder::default();
    for (file_name, bytes) in documents {
        let origin = Origin { file_name, folders: &[] };
        read_document(&mut builder, bytes.as_slice(), &origin).unwrap_or_else(|error| panic!("{file_name}: {error}"));
    }
    builder.finish()
}

/// Reads a snapshot in our own format; `None` where it is refused.
pub(crate) fn try_snapshot(value: &Value) -> Option<Snapshot> {
    let mut builder = SnapshotBuilder::default();
    let origin = Origin { file_name: "snapshot.json", folders: &[] };
    read_document(&mut builder, serde_json::to_vec(value).unwrap().as_slice(), &origin).ok()?;
    Some(builder.finish())
}

/// Reads a snapshot in our own format.
pub(crate) fn snapshot(value: &Value) -> Snapshot {
    snapshot_of([("snapshot.json", serde_json::to_vec(value).unwrap())])
}

/// Judges a snapshot by every rule.
pub(crate) fn report(snapshot: &Snapshot, accounts: &[&str], settings: &PostureSettings, now: Timestamp) -> Report {
    let access = Access::compile(snapshot, &AccessSettings::at(now)).unwrap();
    let declared = |name: &&str| Declared { name: (*name).to_owned(), origin: "the test".to_owned() };
    let declared: Vec<Declared> = accounts.iter().map(declared).collect();
    let accounts = Accounts::resolve(snapshot, &declared);
    judge(&Case { snapshot, access: &access, accounts: &accounts, settings, now })
}

/// The findings of one rule.
pub(crate) fn of_rule<'r>(report: &'r Report, rule: &str) -> Vec<&'r Finding> {
    report.findings.iter().filter(|finding| finding.rule == rule).collect()
}

/// Findings that somebody should look at.
pub(crate) fn troubles(report: &Report) -> Vec<&Finding> {
    report.findings.iter().filter(|finding| matches!(finding.status, Status::Fail | Status::Unknown)).collect()
}

/// A finding on one line, for messages of failed tests.
pub(crate) fn line(finding: &Finding) -> String {
    format!("{} {} {}: {}", finding.rule, finding.status.name(), finding.severity.name(), finding.message)
}
