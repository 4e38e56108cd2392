//! What `lockout --certificate` proves `tools/check_certificate.py` accepts, and nothing that differs from it.
//!
//! The changes are made by `tests/certificates/refuse.py`, in one Python process for all certificates.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use breakglass_testkit::lockout_tenants::lockout_tenant;
use breakglass_testkit::{is_full, seed_for};

/// Examples and the goals that certificates are made for.
const EXAMPLES: [(&str, &[&str]); 6] = [
    ("story-a", &["full-repair", "edit-ca"]),
    ("story-b", &["full-repair"]),
    ("story-c", &["reset-admin"]),
    ("story-d", &["full-repair"]),
    ("story-e", &["full-repair", "assign-ga"]),
    ("contoso", &["full-repair"]),
];

/// Random tenants of a run.
const TENANT_COUNT: u64 = 12;
/// Random tenants of the long form.
const TENANT_COUNT_FULL: u64 = 200;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// An empty folder of this test's own.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("certificates");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Asks for a certificate; false if nothing was judged.
fn is_certified(snapshot: &Path, arguments: &[&str], certificate: &Path) -> bool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
    command.arg("lockout").arg("--snapshot").arg(snapshot).args(arguments).arg("--certificate").arg(certificate);
    let output = command.output().unwrap();
    match output.status.code() {
        Some(0 | 1 | 3) => true,
        Some(2) => false,
        code => panic!("{snapshot:?} {arguments:?}: {code:?}\n{}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// Certificates of examples, which must all be there.
fn of_examples(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for (example, goals) in EXAMPLES {
        for goal in goals {
            let file = folder.join(format!("{example}-{goal}.json"));
            assert!(is_certified(&root().join("examples").join(example), &["--goal", goal], &file), "{file:?}");
            found.push(file);
        }
    }
    found
}

/// Certificates of random tenants; those that nothing can be asked of have none.
fn of_random_tenants(folder: &Path, seed: u64) -> Vec<PathBuf> {
    let count = if is_full() { TENANT_COUNT_FULL } else { TENANT_COUNT };
    let mut found = Vec::new();
    for number in 0..count {
        let tenant = lockout_tenant(seed.wrapping_add(number), &[]);
        let snapshot = folder.join(format!("tenant-{number}.snapshot"));
        fs::write(&snapshot, &tenant.json).unwrap();
        let file = folder.join(format!("tenant-{number}.json"));
        if is_certified(&snapshot, &["--at", &tenant.settings.now.to_string(), "--max-order", "3"], &file) {
            found.push(file);
        }
    }
    found
}

#[test]
fn a_certificate_holds_and_no_changed_one_does_by_seed() {
    let seed = seed_for("a_certificate_holds_and_no_changed_one_does");
    let folder = folder();
    let examples = of_examples(&folder);
    let random = of_random_tenants(&folder, seed);
    println!("seed {seed}: {} certificates of examples, {} of random tenants", examples.len(), random.len());
    assert!(random.len() * 2 > TENANT_COUNT as usize, "hardly a random tenant gave one");
    let mut python = Command::new("python3");
    python.arg(root().join("tests/certificates/refuse.py")).arg(root().join("tools/check_certificate.py"));
    let output = python.arg(seed.to_string()).args(examples.iter().chain(&random)).output().unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    // Each kind of change has to have been wrong at least once, or nothing was shown.
    for kind in [
        "order raised",
        "order lowered",
        "survives raised",
        "cut element dropped",
        "cut element replaced",
        "way dropped",
        "way without a sign-in",
    ] {
        assert!(said.contains(&format!("resealed, {kind}: refused")), "nothing was refused: {kind}\n{said}");
    }
}

#[test]
fn the_checker_is_short_and_needs_nothing_else() {
    let script = fs::read_to_string(root().join("tools/check_certificate.py")).unwrap();
    assert!(script.lines().count() <= 150);
    let imports: Vec<&str> =
        script.lines().filter(|line| line.starts_with("import ") || line.starts_with("from ")).collect();
    assert_eq!(imports, ["import hashlib", "import json", "import sys"]);
}
