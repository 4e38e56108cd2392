//! What the fuzzers start from and what they once found: files with keys keep their promises for every file of it.

use breakglass_testkit::replay;

#[path = "../../../../fuzz/laws/key_file.rs"]
mod key_file;

#[test]
fn files_with_keys() {
    replay("key_file", key_file::hold).unwrap();
}
