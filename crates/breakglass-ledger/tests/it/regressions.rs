//! What the fuzzers start from and what they once found: the record keeps its promises for every file of it.

use breakglass_testkit::replay;

#[path = "../../../../fuzz/laws/log.rs"]
mod log;
#[path = "../../../../fuzz/laws/note.rs"]
mod note;
#[path = "../../../../fuzz/laws/proof.rs"]
mod proof;

#[test]
fn logs() {
    replay("log", log::hold).unwrap();
}

#[test]
fn notes_keys_and_checkpoints() {
    replay("note", note::hold).unwrap();
}

#[test]
fn proofs() {
    replay("proof", proof::hold).unwrap();
}
