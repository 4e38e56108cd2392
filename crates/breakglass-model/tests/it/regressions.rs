//! What the fuzzers start from and what they once found: the readers keep their promises for every file of it.

use breakglass_testkit::replay;

#[path = "../../../../fuzz/laws/proposal.rs"]
mod proposal;
#[path = "../../../../fuzz/laws/requests.rs"]
mod requests;
#[path = "../../../../fuzz/laws/snapshot.rs"]
mod snapshot;

#[test]
fn documents() {
    replay("snapshot", snapshot::hold).unwrap();
}

#[test]
fn what_if_bodies() {
    replay("what_if", requests::hold).unwrap();
}

#[test]
fn proposed_changes() {
    replay("proposal", proposal::hold).unwrap();
}
