//! What the fuzzers start from and what they once found: the evaluator keeps its promises for every file of it.

use std::path::Path;

use breakglass_testkit::replay;

#[path = "../../../../fuzz/laws/answers.rs"]
mod answers;
#[path = "../../../../fuzz/laws/device_filter.rs"]
mod device_filter;
#[path = "../../../../fuzz/laws/policy.rs"]
mod policy;
#[path = "../../../../fuzz/laws/report.rs"]
mod report;
#[path = "../../../../fuzz/laws/sign_in_record.rs"]
mod sign_in_record;
#[path = "../../../../fuzz/laws/what_if.rs"]
mod what_if;

fn replay_folder(folder: &Path, hold: fn(&[u8])) -> usize {
    let paths = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    paths
        .map(|path| {
            println!("{}", path.display());
            hold(&std::fs::read(&path).unwrap());
        })
        .count()
}

#[test]
fn policies() {
    replay("policy", policy::hold).unwrap();
}

#[test]
fn device_filters() {
    replay("device_filter", device_filter::hold).unwrap();
}

#[test]
fn what_if_bodies() {
    replay("what_if", what_if::hold).unwrap();
}

#[test]
fn sign_in_records() {
    replay("sign_in_record", sign_in_record::hold).unwrap();
}

/// The tenants of the posture rules are where the fuzzer of reports starts from.
#[test]
fn reports() {
    let posture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/posture");
    let rules = posture.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let count: usize = rules.map(|rule| replay_folder(&rule, report::hold)).sum();
    let regressions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/regressions/report");
    assert!(count > 0 && replay_folder(&regressions, report::hold) > 0, "there are tenants");
}
