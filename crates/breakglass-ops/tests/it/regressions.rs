//! What the fuzzers start from and what they once found: the record of rotations keeps its promises for every file of it.

use breakglass_testkit::replay;

#[path = "../../../../fuzz/laws/rotation.rs"]
mod rotation;

#[test]
fn rotations() {
    replay("rotation", rotation::hold).unwrap();
}
