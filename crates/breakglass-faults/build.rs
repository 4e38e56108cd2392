//! Copies the engine's sources, and puts every fault of the table in, each behind its switch.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

#[path = "src/table.rs"]
#[expect(unreachable_pub, reason = "it is public in the library, which has the same file")]
mod table;

use table::{FAULTS, Fault};

/// Stands in the table for the question whether a fault is switched on.
const SWITCH: &str = "FAULT";

fn main() -> Result<(), Box<dyn Error>> {
    let engine = Path::new(env!("CARGO_MANIFEST_DIR")).join("../breakglass-engine/src");
    println!("cargo:rerun-if-changed={}", engine.display());
    println!("cargo:rerun-if-changed=src/table.rs");
    #[expect(clippy::disallowed_methods, reason = "cargo tells a build script in no other way where to write")]
    let out = std::env::var("OUT_DIR")?;
    let copy = Path::new(&out).join("engine");
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    copy_folder(&engine, &copy)?;
    let mut misfits = String::new();
    for fault in FAULTS {
        if !put_in(&copy, fault)? {
            // It is a test that fails then, and not the build of everything else.
            write!(misfits, "\"{}: {}\", ", fault.name, fault.what)?;
        }
    }
    let root = fs::read_to_string(copy.join("lib.rs"))?;
    // What speaks of the file as a whole cannot be included.
    let mut items: String =
        root.lines().filter(|line| !line.starts_with("//!")).fold(String::new(), |all, line| all + line + "\n");
    writeln!(
        items,
        "/// Faults whose text is not, or not once, in the engine.\npub const MISFITS: &[&str] = &[{misfits}];"
    )?;
    fs::write(copy.join("lib.rs"), items)?;
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to)?;
        } else {
            // The engine's own tests are run with the engine.
            let text = fs::read_to_string(entry.path())?;
            fs::write(to, text.replace("#[cfg(test)]", "#[cfg(any())]"))?;
        }
    }
    Ok(())
}

/// False if the text that the fault replaces is not there exactly once.
fn put_in(copy: &Path, fault: &Fault) -> Result<bool, Box<dyn Error>> {
    let path = copy.join(fault.file);
    let Ok(text) = fs::read_to_string(&path) else { return Ok(false) };
    if text.matches(fault.find).count() != 1 {
        return Ok(false);
    }
    let switch = format!("crate::is_seeded(\"{}\")", fault.name);
    fs::write(path, text.replace(fault.find, &fault.with.replace(SWITCH, &switch)))?;
    Ok(true)
}
