//! What the fuzzers start from and what they once found: the evaluator keeps its promises for every file of it.

use std::path::Path;

#[path = "../../../../fuzz/laws/answers.rs"]
mod answers;
#[path = "../../../../fuzz/laws/device_filter.rs"]
mod device_filter;
#[path = "../../../../fuzz/laws/policy.rs"]
mod policy;
#[path = "../../../../fuzz/laws/what_if.rs"]
mod what_if;

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
fn policies() {
    replay("policy", policy::hold);
}

#[test]
fn device_filters() {
    replay("device_filter", device_filter::hold);
}

#[test]
fn what_if_bodies() {
    replay("what_if", what_if::hold);
}
