//! What the fuzzers start from and what they once found: the safe keeps its promises for every file of it.

use breakglass_testkit::replay;

#[path = "../../../../fuzz/laws/paper.rs"]
mod paper;
#[path = "../../../../fuzz/laws/public_key.rs"]
mod public_key;
#[path = "../../../../fuzz/laws/share.rs"]
mod share;
#[path = "../../../../fuzz/laws/signed.rs"]
mod signed;

#[test]
fn shares() {
    replay("share", share::hold).unwrap();
}

#[test]
fn passwords_on_paper() {
    replay("paper", paper::hold).unwrap();
}

#[test]
fn public_keys() {
    replay("public_key", public_key::hold).unwrap();
}

#[test]
fn documents_and_sets() {
    replay("signed", signed::hold).unwrap();
}
