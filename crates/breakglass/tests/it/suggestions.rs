//! What `lockout --suggestions` writes `guard` takes, and finds the order that was promised; and so does the line that
//! stands with a suggestion, pasted into a shell.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const EXAMPLES: [&str; 6] = ["story-a", "story-b", "story-c", "story-d", "story-e", "contoso"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// An empty folder of one test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn breakglass(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_breakglass")).args(arguments).args(["--format", "json"]).output();
    let output = output.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}\n{}", String::from_utf8_lossy(&output.stderr)))
}

/// The tenant with nobody in the group that its policies exclude.
fn with_empty_groups(example: &str, to: &Path) {
    for file in fs::read_dir(root().join("examples").join(example)).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
    let path = to.join("groups.json");
    let mut groups: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let members = groups.pointer_mut("/value/0/members").and_then(Value::as_array_mut).unwrap();
    members.pop();
    fs::write(path, groups.to_string()).unwrap();
}

/// Has `guard` try each suggestion that is a file, and counts them by what they change.
fn guarded(snapshot: &Path, folder: &Path) -> [usize; 2] {
    let snapshot = snapshot.to_str().unwrap();
    let asked = breakglass(&["lockout", "--snapshot", snapshot, "--suggestions", folder.to_str().unwrap()]);
    let mut counts = [0, 0];
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let suggestions = asked["suggestions"].as_array().unwrap().iter().filter(|one| !one["edit"].is_null());
    let suggestions: Vec<&Value> = suggestions.collect();
    assert_eq!(files.len(), suggestions.len());
    for (suggestion, file) in suggestions.into_iter().zip(files) {
        let is_group = suggestion["edit"]["kind"] == "group";
        let option = if is_group { "--group" } else { "--policy" };
        let line = suggestion["verify"].as_str().unwrap();
        assert!(line.ends_with(&format!("{option} {}", file.display())), "{line}");
        let written: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(written, suggestion["edit"]["body"]);
        let after = breakglass(&["guard", "--snapshot", snapshot, option, file.to_str().unwrap()]);
        let orders = [&after["before"]["proved"], &after["after"]["proved"]];
        assert_eq!(orders, [&suggestion["order"][0], &suggestion["order"][1]], "{snapshot}: {suggestion}");
        counts[usize::from(is_group)] += 1;
    }
    counts
}

#[test]
fn guard_finds_the_order_that_a_suggestion_promises() {
    let mut counts = [0, 0];
    for example in EXAMPLES {
        let found = guarded(&root().join("examples").join(example), &folder(&format!("suggestions-{example}")));
        counts = [counts[0] + found[0], counts[1] + found[1]];
        // Without the members of its group, there is more to mend.
        let tenant = folder(&format!("suggestions-{example}-tenant"));
        with_empty_groups(example, &tenant);
        let found = guarded(&tenant, &folder(&format!("suggestions-{example}-groups")));
        counts = [counts[0] + found[0], counts[1] + found[1]];
    }
    println!("{} changes of policies, {} of groups", counts[0], counts[1]);
    assert!(counts[0] > 5 && counts[1] > 0, "{counts:?}");
}

#[test]
fn the_line_of_a_suggestion_can_be_pasted() {
    let tenant = folder("suggestions it's pasted");
    with_empty_groups("story-d", &tenant);
    let asked = breakglass(&["lockout", "--snapshot", tenant.to_str().unwrap()]);
    let binaries = Path::new(env!("CARGO_BIN_EXE_breakglass")).parent().unwrap();
    let mut count = 0;
    for suggestion in asked["suggestions"].as_array().unwrap() {
        let Some(line) = suggestion["verify"].as_str() else { continue };
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("PATH={}:$PATH; {line} --format json", binaries.display())]);
        let output = shell.output().unwrap();
        let after: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{line}: {error}\n{}", String::from_utf8_lossy(&output.stderr)));
        assert_eq!(after["after"]["proved"], suggestion["order"][1], "{line}");
        count += 1;
    }
    assert!(count > 1, "{asked}");
}

#[test]
fn a_folder_that_is_not_empty_is_refused() {
    let folder = folder("suggestions-not-empty");
    fs::write(folder.join("01-of-another-run.json"), "{}").unwrap();
    let example = root().join("examples/story-d");
    let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
    let output = command.arg("lockout").arg("--snapshot").arg(example).arg("--suggestions").arg(&folder).output();
    let output = output.unwrap();
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true));
    assert!(String::from_utf8_lossy(&output.stderr).contains("BG1707"), "{output:?}");
}
