//! What the fuzzers start from and what they once found: the record of rotations and the ledger
//! keep their promises for every file of it.

use breakglass_testkit::replay;

#[path = "../../../../fuzz/laws/journal.rs"]
mod journal;
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
