//! What the fuzzers start from and what they once found: the readers keep their promises for every file of it.

use std::path::Path;

#[path = "../../../../fuzz/laws/proposal.rs"]
mod proposal;
#[path = "../../../../fuzz/laws/requests.rs"]
mod requests;
#[path = "../../../../fuzz/laws/snapshot.rs"]
mod snapshot;

/// Hands every input of a fuzz target to its laws.
fn replay(target: &str, hold: fn(&[u8])) {
    let mut count = 0;
    for folder in ["seeds", "regressions"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(folder).join(target);
        let Ok(entries) = folder.read_dir() else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            hold(&std::fs::read(&path).unwrap());
            count += 1;
        }
    }
    assert!(count > 0, "there are inputs");
}

#[test]
fn documents() {
    replay("snapshot", snapshot::hold);
}

#[test]
fn what_if_bodies() {
    replay("what_if", requests::hold);
}

#[test]
fn proposed_changes() {
    replay("proposal", proposal::hold);
}
