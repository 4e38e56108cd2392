//! What the fuzzers start from and what they once found: the record keeps its promises for every file of it.

use std::path::Path;

#[path = "../../../../fuzz/laws/log.rs"]
mod log;
#[path = "../../../../fuzz/laws/note.rs"]
mod note;
#[path = "../../../../fuzz/laws/proof.rs"]
mod proof;

/// Hands every input of a fuzz target to its laws.
fn replay(target: &str, hold: fn(&[u8])) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let folders = [fuzz.join("seeds").join(target), fuzz.join("regressions").join(target)];
    let folders = folders.iter().filter(|folder| folder.is_dir());
    let files = folders.flat_map(|folder| folder.read_dir().unwrap()).map(|entry| entry.unwrap().path());
    let mut count = 0;
    for path in files.filter(|path| path.is_file()) {
        println!("{}", path.display());
        hold(&std::fs::read(&path).unwrap());
        count += 1;
    }
    assert!(count > 0, "there are inputs");
}

#[test]
fn logs() {
    replay("log", log::hold);
}

#[test]
fn notes_keys_and_checkpoints() {
    replay("note", note::hold);
}

#[test]
fn proofs() {
    replay("proof", proof::hold);
}
