//! Streams that end, fill up, or are files.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A tenant with two accounts and nothing else.
const SNAPSHOT: &str = r#"{"format": "breakglass-snapshot/1", "takenAt": "2026-11-20T08:00:00Z",
    "users": [{"id": "u1", "displayName": "Break Glass 1"}, {"id": "u2", "displayName": "Break Glass 2"}]}"#;

fn breakglass(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
    command.args(arguments).current_dir(env!("CARGO_TARGET_TMPDIR"));
    command
}

/// Runs with the snapshot on standard input.
fn with_snapshot(arguments: &[&str]) -> Output {
    let mut command = breakglass(arguments);
    command.args(["--snapshot", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that refuses its arguments may end before it reads anything.
    let written = child.stdin.take().unwrap().write_all(SNAPSHOT.as_bytes());
    assert!(written.is_ok() || written.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe));
    child.wait_with_output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// A path of this test's own, with nothing there.
fn fresh(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_file(&path);
    path
}

#[test]
fn a_snapshot_comes_on_standard_input() {
    let output = with_snapshot(&["check", "--account", "u1", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["format"], "breakglass-check/1");
}

#[test]
fn the_exit_code_is_that_of_the_results() {
    for accounts in [&[][..], &["--account", "u1"], &["--account", "u1", "--account", "u2"], &["--account", "nobody"]] {
        let arguments = [&["check", "--format", "json"], accounts].concat();
        let output = with_snapshot(&arguments);
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let count = |status: &str| document["summary"][status].as_u64().unwrap();
        let expected = if count("fail") > 0 {
            1
        } else if count("unknown") > 0 {
            3
        } else {
            0
        };
        assert_eq!(code(&output), expected, "{arguments:?}");
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    for format in ["text", "json", "sarif", "junit", "markdown", "html", "csv"] {
        let arguments = ["check", "--account", "u1", "--format", format];
        assert_eq!(with_snapshot(&arguments).stdout, with_snapshot(&arguments).stdout, "{format}");
    }
}

#[test]
fn a_file_holds_what_standard_output_would() {
    let path = fresh("report.html");
    let printed = with_snapshot(&["check", "--account", "u1", "--format", "html"]);
    let written = with_snapshot(&["check", "--account", "u1", "--format", "html", "--output", path.to_str().unwrap()]);
    assert_eq!(code(&printed), code(&written));
    assert!(written.stdout.is_empty());
    assert_eq!(fs::read(&path).unwrap(), printed.stdout);
}

#[test]
fn nothing_is_coloured_in_a_pipe() {
    for arguments in [&["check", "--account", "u1"][..], &["check", "--config", "is-not-there.toml"]] {
        let output = with_snapshot(arguments);
        assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b), "{arguments:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = breakglass(&["man"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 0);
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_never_good() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = breakglass(&["explain", "--list"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(code(&output), 4);
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("BG1301: "));
}

#[test]
fn manual_pages_are_written_for_every_command() {
    let folder = fresh("man");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    let output = breakglass(&["man", "--output", folder.to_str().unwrap()]).output().unwrap();
    assert_eq!(code(&output), 0);
    for page in ["breakglass.1", "breakglass-check.1", "breakglass-snapshot-show.1", "breakglass-explain.1"] {
        assert!(fs::read_to_string(folder.join(page)).unwrap().contains(".TH"), "{page}");
    }
}

#[test]
fn a_configuration_in_utf_16_is_read() {
    let path = fresh("utf16.toml");
    let text: Vec<u8> = "\u{feff}[[account]]\nid = \"u1\"\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(&path, text).unwrap();
    let output = with_snapshot(&["check", "--config", path.to_str().unwrap(), "--export-accounts", "maester"]);
    assert_eq!(code(&output), 0);
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"u1\""));
}
