//! What the tests of several crates share: the plain referee evaluator, seeded random tenants and sign-ins, and
//! the settings of a test run.
//!
//! **Invariant:** nothing here is compiled into the product, and nothing here shares code with the evaluator
//! that it judges. The same seed gives the same tenant and the same sign-in on every machine.

use std::io;
use std::path::{Path, PathBuf};

pub mod bench_input;
pub mod bench_lockout;
pub mod lockout_laws;
pub mod lockout_referee;
pub mod lockout_tenants;
pub mod logs;
pub mod referee;
pub mod software_key;
pub mod tenants;

/// Seed of random tests when `BREAKGLASS_SEED` does not set one.
const SEED_DEFAULT: u64 = 0x0b1e_a6c1_a550_0001;

/// Reads one setting of the test run.
#[expect(clippy::disallowed_methods, reason = "the one place where tests look at the environment")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether the long forms of the tests are asked for (`BREAKGLASS_FULL` is set and not `0`).
#[must_use]
pub fn is_full() -> bool {
    setting("BREAKGLASS_FULL").is_some_and(|value| value != "0")
}

/// The folder of shared reference data beside the workspace, where there is one. A test that needs it says so
/// and ends when it is not there.
#[must_use]
pub fn shared_data() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    folder.canonicalize().ok().filter(|folder| folder.is_dir())
}

/// Hands every input of a fuzz target to its laws: what the fuzzers start from and what they once found.
///
/// # Errors
/// An input cannot be read, or there is none.
#[expect(clippy::print_stdout, reason = "a failing input must tell its name")]
pub fn replay(target: &str, hold: fn(&[u8])) -> io::Result<()> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let folders = [fuzz.join("seeds").join(target), fuzz.join("regressions").join(target)];
    let mut count = 0;
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        for entry in folder.read_dir()? {
            let path = entry?.path();
            if path.is_file() {
                println!("{}", path.display());
                hold(&std::fs::read(&path)?);
                count += 1;
            }
        }
    }
    if count > 0 { Ok(()) } else { Err(io::Error::other("there are no inputs")) }
}

/// The seed of a random test: from `BREAKGLASS_SEED` or a fixed one, mixed with the test's name so that tests
/// do not repeat each other. Prints what to set to see the same run again.
#[must_use]
#[expect(clippy::print_stdout, reason = "a failing random test must tell its seed")]
pub fn seed_for(test: &str) -> u64 {
    let base = setting("BREAKGLASS_SEED").and_then(|text| text.parse().ok()).unwrap_or(SEED_DEFAULT);
    println!("{test}: BREAKGLASS_SEED={base}");
    mixed(base, test)
}

/// FNV-1a over the name, starting from the base.
fn mixed(base: u64, name: &str) -> u64 {
    name.bytes()
        .fold(base ^ 0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    #[test]
    fn seeds_differ_by_name_and_by_base() {
        assert_eq!(super::mixed(1, "a"), super::mixed(1, "a"));
        assert_ne!(super::mixed(1, "a"), super::mixed(1, "b"));
        assert_ne!(super::mixed(1, "a"), super::mixed(2, "a"));
    }
}
