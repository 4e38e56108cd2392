//! `cargo xtask docs`: the pages that say what the program and the repository say of themselves.
//!
//! The program is built and asked over its own command line, as anybody would ask it: `--help` of
//! every command, `explain --list`, and `explain` of every code. So a page and the program cannot
//! differ, and no crate that ships is linked here. The index of the decisions is read from the
//! decisions. Everything but [`run`] and [`Program`] is text in, text out.
//! **Invariant:** the same program gives the same pages, byte for byte, on every machine.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// What to do with the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Write those that differ.
    Write,
    /// Only say which differ.
    Check,
}

/// Why the pages could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DocsError {
    /// A program could not be started.
    #[error("could not start `{0}`")]
    Start(String, #[source] io::Error),
    /// A program ended with a failure.
    #[error("`{0}` failed: {1}")]
    Failed(String, String),
    /// A file could not be read or written.
    #[error("could not use `{0}`")]
    File(String, #[source] io::Error),
    /// What the program or a file said is not in the form that is understood here.
    #[error("`{0}` does not say {1}")]
    Unexpected(String, &'static str),
}

/// Columns of the help pages.
const HELP_COLUMNS: &str = "100";
/// Columns of prose: with its leads made strong, within those of documents written by hand.
const PROSE_COLUMNS: &str = "116";
/// Columns at which no line of a list is broken.
const LIST_COLUMNS: &str = "400";

/// Families of rules by the first digits of their codes.
const FAMILIES: &[(&str, &str)] = &[
    ("BG01", "Who the accounts are"),
    ("BG02", "The accounts"),
    ("BG03", "Authentication"),
    ("BG04", "Conditional Access"),
    ("BG05", "Tenant switches"),
    ("BG06", "Monitoring and drift"),
    ("BG07", "Custody"),
];

/// Sentences with which a part of an explanation begins; `explain` shows them strong.
const LEADS: &[&str] = &["What it means.", "Why it matters.", "How it is judged.", "What to do.", "Source:"];

/// A page of the repository.
#[derive(Debug)]
struct Page {
    /// From the root of the repository.
    path: &'static str,
    text: String,
}

/// Makes every page; the answer is whether the committed ones were the same.
///
/// Prints a line for each page that was not, and one with the counts.
pub(crate) fn run(purpose: Purpose, root: &Path, out: &mut impl io::Write) -> Result<bool, DocsError> {
    let pages = pages(&Program::built()?, root)?;
    let mut different = 0;
    for page in &pages {
        let path = root.join(page.path);
        if fs::read_to_string(&path).is_ok_and(|committed| committed == page.text) {
            continue;
        }
        different += 1;
        let what = match purpose {
            Purpose::Check => "stale",
            Purpose::Write => {
                let file = |error| DocsError::File(page.path.to_owned(), error);
                fs::create_dir_all(path.parent().unwrap_or(root)).map_err(file)?;
                fs::write(&path, &page.text).map_err(file)?;
                "written"
            }
        };
        // Nobody is left to tell when stdout is closed.
        let _ = writeln!(out, "{what}: {}", page.path);
    }
    let _ = match purpose {
        Purpose::Check if different > 0 => {
            writeln!(out, "docs: {} pages, {different} stale; `cargo xtask docs` writes them", pages.len())
        }
        Purpose::Check => writeln!(out, "docs: {} pages, none stale", pages.len()),
        Purpose::Write => writeln!(out, "docs: {} pages, {different} written", pages.len()),
    };
    Ok(purpose == Purpose::Write || different == 0)
}

fn pages(program: &Program, root: &Path) -> Result<Vec<Page>, DocsError> {
    let entries = entries(program)?;
    let (rules, errors): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| entry.severity != "error");
    let helps = helps(program)?;
    Ok(vec![
        Page { path: "docs/reference/rules.md", text: rules_page(&rules)? },
        Page { path: "docs/reference/codes.md", text: codes_page(&errors, &helps)? },
        Page { path: "docs/reference/cli.md", text: cli_page(&helps) },
        Page { path: "docs/decisions/README.md", text: decisions_page(&decisions(root)?)? },
    ])
}

/// The program, as it was built a moment ago.
#[derive(Debug)]
struct Program {
    executable: PathBuf,
}

/// What of a line of cargo's answer is used.
#[derive(Deserialize)]
struct Artifact {
    executable: Option<PathBuf>,
}

impl Program {
    /// Builds it, with the profile of the tests, so that after them nothing is built twice.
    fn built() -> Result<Self, DocsError> {
        let arguments = ["build", "--quiet", "--locked", "--workspace", "--bin", "breakglass", "--profile", "test"];
        let mut command = Command::new("cargo");
        command.args(arguments).args(["--message-format", "json-render-diagnostics"]);
        let answer = answer(&mut command, "cargo build")?;
        let artifacts = answer.lines().filter_map(|line| serde_json::from_str::<Artifact>(line).ok());
        let executable = artifacts.filter_map(|artifact| artifact.executable).next_back();
        let executable = executable.ok_or(DocsError::Unexpected("cargo build".to_owned(), "where the program is"))?;
        Ok(Self { executable })
    }

    /// What it prints for these arguments.
    fn says(&self, arguments: &[&str], columns: &str) -> Result<String, DocsError> {
        let mut command = Command::new(&self.executable);
        command.args(arguments).env("COLUMNS", columns).env("NO_COLOR", "1");
        answer(&mut command, &["breakglass", &arguments.join(" ")].join(" "))
    }
}

fn answer(command: &mut Command, name: &str) -> Result<String, DocsError> {
    let output = command.output().map_err(|error| DocsError::Start(name.to_owned(), error))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(DocsError::Failed(name.to_owned(), why));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A code with what `explain` says of it.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    code: String,
    title: String,
    /// `error` for an error.
    severity: String,
    requirements: String,
    body: String,
}

fn entries(program: &Program) -> Result<Vec<Entry>, DocsError> {
    let list = program.says(&["explain", "--list"], LIST_COLUMNS)?;
    list.lines()
        .map(|line| {
            let code = line.split_whitespace().next().unwrap_or_default();
            entry(line, &program.says(&["explain", code], PROSE_COLUMNS)?)
        })
        .collect()
}

/// A code, from its line in the list and the page about it.
fn entry(line: &str, page: &str) -> Result<Entry, DocsError> {
    let unexpected = |what| DocsError::Unexpected(line.to_owned(), what);
    let (code, rest) = line.split_once(' ').ok_or(unexpected("a code"))?;
    let (severity, title) = rest.trim().split_once(' ').ok_or(unexpected("a severity and a title"))?;
    let mut parts = page.splitn(3, "\n\n");
    if parts.next() != Some(&format!("{code}: {}", title.trim())) {
        return Err(unexpected("the title that its page has"));
    }
    let kind = parts.next().ok_or(unexpected("what kind it is of"))?;
    let requirements = kind.split_once("requirements ").map_or("", |(_, ids)| ids.trim_end_matches('.'));
    Ok(Entry {
        code: code.to_owned(),
        title: title.trim().to_owned(),
        severity: severity.to_owned(),
        requirements: requirements.to_owned(),
        body: markdown(parts.next().ok_or(unexpected("an explanation"))?),
    })
}

/// The text of an explanation with its leads strong again.
fn markdown(body: &str) -> String {
    let strong = |paragraph: &str| {
        let lead = LEADS.iter().find(|lead| paragraph.starts_with(**lead));
        lead.map_or_else(|| paragraph.to_owned(), |lead| paragraph.replacen(lead, &format!("**{lead}**"), 1))
    };
    body.trim_end().split("\n\n").map(strong).collect::<Vec<_>>().join("\n\n")
}

/// First lines of a page that nobody should edit.
fn head(title: &str, source: &str) -> String {
    format!("<!-- Written by `cargo xtask docs` from {source}. Change that, not this page. -->\n\n# {title}\n\n")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn rules_page(rules: &[Entry]) -> Result<String, DocsError> {
    let mut text = head("Rules of `check`", "the rules");
    text.push_str(&format!(
        "{} rules. `breakglass explain CODE` shows the same text in a terminal. *At worst* is the severity of the\n\
         worst finding of a rule; a finding may be milder. The requirements, and the situations E1 to E6, are those\n\
         of [requirements.md](requirements.md). A code is never used for something else.\n",
        rules.len()
    ));
    if let Some(stray) = rules.iter().find(|rule| !FAMILIES.iter().any(|(digits, _)| rule.code.starts_with(digits))) {
        return Err(DocsError::Unexpected(stray.code.clone(), "to which family of rules it belongs"));
    }
    for (digits, family) in FAMILIES {
        text.push_str(&format!("\n## {family}\n\n| Code | Rule | At worst | Requirements |\n|---|---|---|---|\n"));
        let members = || rules.iter().filter(|rule| rule.code.starts_with(digits));
        for Entry { code, title, severity, requirements, .. } in members() {
            let anchor = code.to_lowercase();
            text.push_str(&format!("| [{code}](#{anchor}) | {} | {severity} | {requirements} |\n", cell(title)));
        }
        for Entry { code, title, body, .. } in members() {
            text.push_str(&format!("\n### {code}\n\n*{title}*\n\n{body}\n"));
        }
    }
    Ok(text)
}

fn codes_page(errors: &[Entry], helps: &[Help]) -> Result<String, DocsError> {
    let mut text = head("Exit codes and codes of errors", "the program");
    text.push_str("## Exit codes\n\nEvery command ends with one of these, and none is ever given another meaning.\n\n");
    let usage = helps.first().map_or("", |help| &help.text);
    let exits = usage.split_once("Exit codes:\n").map_or("", |(_, exits)| exits);
    if exits.is_empty() {
        return Err(DocsError::Unexpected("breakglass --help".to_owned(), "the exit codes"));
    }
    text.push_str("| Exit code | Meaning |\n|---|---|\n");
    for (code, meaning) in exits.lines().filter_map(|line| line.trim().split_once("  ")) {
        text.push_str(&format!("| {code} | {} |\n", cell(meaning.trim())));
    }
    text.push_str(
        "\nWhere several hold, the first of 2, 4, 1, 3, 0 is given: a finding outweighs what could not be told.\n\n\
         ## Codes of errors\n\nAn error on stderr begins with its code; `breakglass explain CODE` shows the text \
         below.\nThe codes of rules are in [rules.md](rules.md).\n\n| Code | Error |\n|---|---|\n",
    );
    for Entry { code, title, .. } in errors {
        text.push_str(&format!("| [{code}](#{}) | {} |\n", code.to_lowercase(), cell(title)));
    }
    for Entry { code, title, body, .. } in errors {
        text.push_str(&format!("\n### {code}\n\n*{title}*\n\n{body}\n"));
    }
    Ok(text)
}

/// A command and what its `--help` prints.
#[derive(Debug, PartialEq, Eq)]
struct Help {
    command: String,
    text: String,
}

/// The help of the program and of every command below it, each before those below.
fn helps(program: &Program) -> Result<Vec<Help>, DocsError> {
    let mut found = Vec::new();
    let mut waiting: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(path) = waiting.pop() {
        let arguments: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let text = program.says(&arguments, HELP_COLUMNS)?;
        let below = subcommands(&text).into_iter().rev();
        waiting.extend(below.map(|name| path.iter().cloned().chain([name.to_owned()]).collect()));
        let command = ["breakglass"].into_iter().chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
        found.push(Help { command, text });
    }
    Ok(found)
}

/// Names under `Commands:`, but for `help` itself.
fn subcommands(help: &str) -> Vec<&str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    // A description that goes on is indented further than a name.
    let names = lines.filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect()
}

fn cli_page(helps: &[Help]) -> String {
    let mut text = head("The command line", "the program's `--help`");
    text.push_str("Data goes to stdout, everything else to stderr. The exit codes are in [codes.md](codes.md).\n");
    for Help { command, text: help } in helps {
        let help: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
        text.push_str(&format!("\n## {command}\n\n```text\n{}\n```\n", help.join("\n")));
    }
    text
}

/// A page of `docs/decisions`: its file name and what is in it.
fn decisions(root: &Path) -> Result<Vec<(String, String)>, DocsError> {
    let folder = "docs/decisions";
    let file = |error| DocsError::File(folder.to_owned(), error);
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join(folder)).map_err(file)? {
        let entry = entry.map_err(file)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(|c: char| c.is_ascii_digit()) && name.ends_with(".md") {
            found.push((name, fs::read_to_string(entry.path()).map_err(file)?));
        }
    }
    found.sort();
    Ok(found)
}

fn decisions_page(decisions: &[(String, String)]) -> Result<String, DocsError> {
    let mut text = head("Decisions", "the decisions themselves");
    text.push_str(
        "What was chosen, why, and what would make us think again: one page each. A new one begins as a copy of\n\
         [0000-template.md](0000-template.md).\n\n| Number | Decision | Date | State |\n|---|---|---|---|\n",
    );
    for (name, page) in decisions.iter().filter(|(name, _)| !name.starts_with("0000")) {
        let unexpected = |what| DocsError::Unexpected(name.clone(), what);
        let title = page.lines().next().and_then(|line| line.strip_prefix("# "));
        let (number, title) =
            title.and_then(|title| title.split_once(": ")).ok_or(unexpected("its number and title"))?;
        let about = page.lines().find_map(|line| line.strip_prefix("Date: "));
        let (date, state) =
            about.and_then(|about| about.split_once(". State: ")).ok_or(unexpected("date and state"))?;
        let state = state.trim_end_matches('.');
        text.push_str(&format!("| {number} | [{}]({name}) | {date} | {state} |\n", cell(title)));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "BG0101  critical  The accounts are declared";
    const PAGE: &str = "BG0101: The accounts are declared\n\nA rule of `check`; at worst critical; requirements A1, X1.\n\
                        \nWhat it means. Somebody said who they are.\n\nThat is all.\n";

    fn rule() -> Entry {
        entry(LINE, PAGE).unwrap()
    }

    #[test]
    fn a_rule_is_understood() {
        let expected = Entry {
            code: "BG0101".to_owned(),
            title: "The accounts are declared".to_owned(),
            severity: "critical".to_owned(),
            requirements: "A1, X1".to_owned(),
            body: "**What it means.** Somebody said who they are.\n\nThat is all.".to_owned(),
        };
        assert_eq!(rule(), expected);
    }

    #[test]
    fn an_error_has_no_requirements() {
        let error = entry("BG1001  error     not there", "BG1001: not there\n\nAn error.\n\nLook for it.\n").unwrap();
        assert_eq!((error.severity.as_str(), error.requirements.as_str()), ("error", ""));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (line, page) in [
            ("BG0101", PAGE),
            ("BG0101  critical", PAGE),
            ("BG0101  critical  Another title", PAGE),
            (LINE, "BG0101: The accounts are declared"),
            (LINE, "BG0101: The accounts are declared\n\nA rule."),
        ] {
            assert!(entry(line, page).is_err(), "{line} {page}");
        }
    }

    #[test]
    fn every_rule_is_in_the_table_and_explained() {
        let text = rules_page(&[rule()]).unwrap();
        assert!(text.contains("| [BG0101](#bg0101) | The accounts are declared | critical | A1, X1 |\n"), "{text}");
        assert!(text.contains("\n### BG0101\n\n*The accounts are declared*\n\n**What it means.** Somebody"), "{text}");
    }

    #[test]
    fn a_rule_of_no_family_is_refused() {
        assert!(rules_page(&[Entry { code: "BG0901".to_owned(), ..rule() }]).is_err());
    }

    #[test]
    fn exit_codes_come_from_the_help() {
        let help = |text: &str| [Help { command: "breakglass".to_owned(), text: text.to_owned() }];
        let text = codes_page(&[], &help("Usage\n\nExit codes:\n  0  good\n  1  found | lost\n")).unwrap();
        assert!(text.contains("| 0 | good |\n| 1 | found \\| lost |\n"), "{text}");
        assert!(codes_page(&[], &help("Usage\n")).is_err());
    }

    #[test]
    fn commands_are_found_in_the_help() {
        let help = "About\n\nCommands:\n  check     Check\n  snapshot  Look, and\n            look again\n  help      Print\n\nOptions:\n  -h\n";
        assert_eq!(subcommands(help), ["check", "snapshot"]);
        assert!(subcommands("About\n\nOptions:\n  -h\n").is_empty());
    }

    #[test]
    fn help_stands_as_it_is_but_for_blanks_at_the_end_of_lines() {
        let text = cli_page(&[Help {
            command: "breakglass man".to_owned(),
            text: "About\n          \n  -h  \n\n".to_owned(),
        }]);
        assert!(text.ends_with("\n## breakglass man\n\n```text\nAbout\n\n  -h\n```\n"), "{text}");
    }

    #[test]
    fn decisions_are_listed_without_the_template() {
        let page = |title: &str| format!("# {title}\n\nDate: 2026-11-22. State: accepted.\n");
        let files = [("0000-template.md", "0000: what"), ("0001-house.md", "0001: the house")];
        let files = files.map(|(name, title)| (name.to_owned(), page(title)));
        let text = decisions_page(&files).unwrap();
        assert!(text.ends_with("|---|\n| 0001 | [the house](0001-house.md) | 2026-11-22 | accepted |\n"), "{text}");
        assert!(decisions_page(&[("0002-x.md".to_owned(), "# 0002: x\n".to_owned())]).is_err());
    }
}
