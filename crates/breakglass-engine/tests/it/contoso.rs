//! The example tenant: what a newcomer sees first is exactly two findings, and everything else is in order.

use std::path::Path;

use breakglass_engine::posture::{PostureSettings, Status};
use breakglass_model::snapshot::Snapshot;

use crate::support::{line, report, snapshot_of, troubles};

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/contoso")
}

fn contoso() -> Snapshot {
    let entries = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.filter(|name| name.ends_with(".json")).collect();
    names.sort();
    let documents = names.iter().map(|name| (name.as_str(), std::fs::read(folder().join(name)).unwrap()));
    snapshot_of(documents.collect::<Vec<_>>())
}

/// Ids of the accounts in the configuration beside the snapshot.
fn declared() -> Vec<String> {
    let text = std::fs::read_to_string(folder().join("breakglass.toml")).unwrap();
    let accounts = text.split("[[account]]").skip(1);
    accounts.filter_map(|account| account.split('"').nth(1)).map(str::to_owned).collect()
}

#[test]
fn two_findings_and_nothing_unknown() {
    let snapshot = contoso();
    let declared = declared();
    let accounts: Vec<&str> = declared.iter().map(String::as_str).collect();
    let settings =
        PostureSettings { wanted_name_parts: vec!["emergency-access".to_owned()], ..PostureSettings::default() };
    let report = report(&snapshot, &accounts, &settings, snapshot.taken_at.unwrap());
    println!("{}", report.sentence);
    report.findings.iter().for_each(|finding| println!("{}", line(finding)));
    let found: Vec<(&str, Status)> = troubles(&report).iter().map(|finding| (finding.rule, finding.status)).collect();
    assert_eq!(found, [("BG0402", Status::Fail), ("BG0407", Status::Fail)]);
    let sentence = "Yes: both emergency accounts get in from anywhere through Microsoft Graph and the portals; 2 findings to look at.";
    assert_eq!(report.sentence, sentence);
}

#[test]
fn every_list_of_a_snapshot_is_in_the_example() {
    let resources = contoso().summary(crate::support::now()).resources;
    let missing: Vec<&str> =
        resources.iter().filter(|count| count.why.is_some()).map(|count| count.resource.name()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
