//! What the fuzzers start from and what they once found: records and the ledger keep their promises for every file of it.

use breakglass_testkit::replay;

#[path = "../../../../fuzz/laws/journal.rs"]
mod journal;
#[path = "../../../../fuzz/laws/record.rs"]
mod record;
#[path = "../../../../fuzz/laws/rotation.rs"]
mod rotation;

#[test]
fn lines_of_the_ledger_and_requests_to_witnesses() {
    replay("journal", journal::hold).unwrap();
}

#[test]
fn rotations() {
    replay("rotation", rotation::hold).unwrap();
}

#[test]
fn drills() {
    replay("drill", record::hold_drills).unwrap();
}

#[test]
fn check_outs() {
    replay("check_out", record::hold_check_outs).unwrap();
}

#[test]
fn security_keys() {
    replay("key", record::hold_keys).unwrap();
}
