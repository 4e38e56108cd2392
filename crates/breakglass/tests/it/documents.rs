//! What the documents show is what the program does.
//!
//! In every block marked `console` a line that begins with `$ ` is a command, as in a shell without pipes; below it
//! stands what it prints, stderr before stdout. A line `...` stands for any number of lines. A command is expected to
//! judge (exit code 0, 1 or 3), unless `echo $?` below it says something else. The commands of one document run in one
//! folder, which holds the examples and nothing else at first.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How a document starts the program.
const PROGRAM: [&str; 2] = ["breakglass ", "cargo run --release -- "];

/// Shows the exit code of the command before.
const EXIT: &str = "echo $?";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Step {
    /// Where it stands, counted from 1.
    line: usize,
    command: String,
    expected: Vec<String>,
}

fn steps(document: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut is_inside = false;
    for (line, text) in document.lines().enumerate() {
        if text.starts_with("```") {
            is_inside = !is_inside && text == "```console";
        } else if let Some(command) = text.strip_prefix("$ ").filter(|_| is_inside) {
            steps.push(Step { line: line + 1, command: command.to_owned(), ..Step::default() });
        } else if let Some(step) = steps.last_mut().filter(|_| is_inside) {
            step.expected.push(text.trim_end().to_owned());
        }
    }
    for step in &mut steps {
        while step.expected.last().is_some_and(String::is_empty) {
            step.expected.pop();
        }
    }
    steps
}

/// Words of a command; quotation marks hold one together.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in command.split('"').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

fn is_like(expected: &[String], printed: &[&str]) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first == "..." => (0..=printed.len()).any(|skipped| is_like(rest, &printed[skipped..])),
        Some((first, rest)) => printed.first() == Some(&first.as_str()) && is_like(rest, &printed[1..]),
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// Runs one command in `folder`: its exit code, and what it printed.
fn run(arguments: &str, folder: &Path) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
    command.args(words(arguments)).current_dir(folder).env("COLUMNS", "100").env("NO_COLOR", "1");
    let output = command.output().unwrap();
    (output.status.code().unwrap(), String::from_utf8([output.stderr, output.stdout].concat()).unwrap())
}

/// Runs a document; what is not as it says.
fn faults(name: &str, document: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("documents").join(name.replace('/', "-"));
    let _ = fs::remove_dir_all(&folder);
    copy(&root().join("examples"), &folder.join("examples"));
    let steps = steps(document);
    let mut faults = Vec::new();
    let mut exit = 0;
    for (at, step) in steps.iter().enumerate() {
        let place = format!("{name}:{}: `{}`", step.line, step.command);
        let printed = match PROGRAM.iter().find_map(|program| step.command.strip_prefix(program)) {
            Some(arguments) => {
                let (code, printed) = run(arguments, &folder);
                exit = code;
                let is_shown = steps.get(at + 1).is_some_and(|next| next.command == EXIT);
                if !is_shown && ![0, 1, 3].contains(&exit) {
                    faults.push(format!("{place} ended with {exit}"));
                }
                printed
            }
            None if step.command == EXIT => exit.to_string(),
            None => {
                faults.push(format!("{place} does not start the program"));
                continue;
            }
        };
        let mut lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
        while lines.last().is_some_and(|line| line.is_empty()) {
            lines.pop();
        }
        if !is_like(&step.expected, &lines) {
            faults.push(format!("{place} printed\n{}", lines.join("\n")));
        }
    }
    faults
}

fn documents() -> Vec<String> {
    let mut names = vec!["README.md".to_owned()];
    for folder in ["docs/guide", "docs/concepts", "docs/reference"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            names.push(format!("{folder}/{}", entry.unwrap().file_name().into_string().unwrap()));
        }
    }
    for entry in fs::read_dir(root().join("examples")).unwrap() {
        let name = format!("examples/{}/README.md", entry.unwrap().file_name().into_string().unwrap());
        names.extend(Some(name).filter(|name| root().join(name).exists()));
    }
    names.retain(|name| name.ends_with(".md"));
    names.sort();
    names
}

#[test]
fn documents_show_what_happens() {
    let mut count = 0;
    let mut found = Vec::new();
    for name in documents() {
        let document = fs::read_to_string(root().join(&name)).unwrap();
        count += steps(&document).len();
        found.extend(faults(&name, &document));
    }
    println!("{count} commands of the documents were run");
    assert!(found.is_empty(), "{}", found.join("\n\n"));
    assert!(count >= 8, "only {count} commands were found");
}

#[test]
fn the_readme_begins_with_the_main_job() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let first = steps(&readme).into_iter().next().unwrap();
    assert_eq!(first.command, "cargo run --release -- check --snapshot examples/contoso");
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut broken = Vec::new();
    let more = ["ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "docs/GLOSSARY.md", "docs/decisions/README.md"];
    for name in documents().into_iter().chain(more.map(str::to_owned)) {
        let path = root().join(&name);
        let document = fs::read_to_string(&path).unwrap();
        for target in document.split("](").skip(1).filter_map(|part| part.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !target.contains("://") && !path.parent().unwrap().join(file).exists() {
                broken.push(format!("{name}: {target}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn a_document_that_shows_something_else_is_noticed() {
    let document = |command: &str, below: &str| format!("```console\n$ {command}\n{below}```\n");
    let version = concat!("breakglass ", env!("CARGO_PKG_VERSION"));
    for (command, below, faults_expected) in [
        ("breakglass --version", format!("{version}\n"), 0),
        ("breakglass --version", "...\n".to_owned(), 0),
        ("breakglass --version", String::new(), 1),
        ("breakglass --version", format!("{version}\nand more\n"), 1),
        ("breakglass --version", format!("{version}\n\n$ echo $?\n0\n"), 0),
        ("breakglass --version", format!("{version}\n$ echo $?\n1\n"), 1),
        ("breakglass check --snapshot nothing", "...\n".to_owned(), 1),
        ("breakglass check --snapshot nothing", "...\n$ echo $?\n2\n".to_owned(), 0),
        ("echo --version", "...\n".to_owned(), 1),
    ] {
        let found = faults("self", &document(command, &below));
        assert_eq!(found.len(), faults_expected, "{command} {below}: {found:?}");
    }
}

#[test]
fn only_console_blocks_are_run() {
    let document = "$ one\n```text\n$ two\n```\n```console\n$ three \"a b\"\nsaid\n\n$ four\n```\n$ five\n";
    let found = steps(document);
    let commands: Vec<&str> = found.iter().map(|step| step.command.as_str()).collect();
    assert_eq!(commands, ["three \"a b\"", "four"]);
    assert_eq!((found[0].line, found[0].expected.as_slice()), (6, &["said".to_owned()][..]));
    assert_eq!(words(&found[0].command), ["three", "a b"]);
}
