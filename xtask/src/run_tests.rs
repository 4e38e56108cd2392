//! Runs every test of the workspace, with nextest where it is installed and with cargo elsewhere.
//!
//! The runner's own summary is the last thing printed. Nextest does not run the examples in
//! documentation, so cargo runs those first.

use std::io;
use std::process::{Command, ExitStatus, Stdio};

/// How long the tests may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What every change must pass.
    Usual,
    /// The long forms too: more seeds, larger tenants.
    Full,
}

/// Tests read this through the testkit; no test reads the environment itself.
const FULL_VARIABLE: &str = "BREAKGLASS_FULL";

/// Runs the tests; the answer is whether all of them passed.
pub(crate) fn run(extent: Extent) -> io::Result<bool> {
    for arguments in runs(has_nextest()) {
        if !cargo(arguments, extent)?.success() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn runs(has_nextest: bool) -> &'static [&'static [&'static str]] {
    if has_nextest {
        &[
            &["test", "--workspace", "--locked", "--doc"],
            &["nextest", "run", "--workspace", "--locked", "--no-fail-fast"],
        ]
    } else {
        &[&["test", "--workspace", "--locked", "--no-fail-fast"]]
    }
}

fn has_nextest() -> bool {
    Command::new("cargo")
        .args(["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn cargo(arguments: &[&str], extent: Extent) -> io::Result<ExitStatus> {
    let mut command = Command::new("cargo");
    // A snapshot that differs fails the test; it is not written beside the accepted one.
    command.args(arguments).env("INSTA_UPDATE", "no");
    if extent == Extent::Full {
        command.env(FULL_VARIABLE, "1");
    }
    command.status()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_in_documentation_run_with_either_runner() {
        assert!(runs(true).iter().any(|run| run.contains(&"--doc")));
        // Without a selection of targets, `cargo test` runs them among the rest.
        assert!(runs(false).iter().all(|run| !run.contains(&"--tests")));
    }

    #[test]
    fn the_lock_file_is_never_rewritten() {
        for has_nextest in [true, false] {
            assert!(runs(has_nextest).iter().all(|run| run.contains(&"--locked")));
        }
    }
}
