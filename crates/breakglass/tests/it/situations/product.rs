//! The program itself, run in a folder with its configurations: `breakglass.toml` for an application that reads, and
//! `writer.toml` for a person who signs in with a code.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use breakglass_tenant::tls;
use serde_json::Value;

use super::seed::{READER, READER_SECRET, TENANT};
use super::sign_in::{GRAPH_TOOLS, Person};
use super::stage::Stage;

/// What came of a run.
#[derive(Debug)]
pub(super) struct Run {
    /// The command as it is told: without what differs from run to run.
    pub(super) shown: String,
    pub(super) code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// How somebody stops a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The process is killed.
    Kill,
    /// Somebody presses Ctrl-C.
    Interrupt,
}

/// How a run ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// By itself.
    Whole(Run),
    /// It was killed; what it had said.
    Killed(String),
}

impl Run {
    /// The first paragraphs of what it says, up to the first line that is set in.
    pub(super) fn first_words(&self) -> String {
        let lines = self.stdout.lines().take_while(|line| !line.starts_with(' '));
        let text: Vec<&str> = lines.collect();
        text.join("\n").trim().to_owned()
    }

    /// A part of what it says, by how its first line begins.
    pub(super) fn section(&self, begins: &str) -> String {
        let lines = self.stdout.lines().skip_while(|line| !line.starts_with(begins));
        let lines: Vec<&str> = lines.take_while(|line| !line.is_empty()).map(str::trim_start).collect();
        assert!(lines.len() > 1, "{begins}: {self:?}");
        lines.join("\n")
    }

    /// The document that it writes.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Stage {
    /// Writes both configurations; `rest` stands below the tenant in each.
    pub(super) fn configure(&self, top: &str, rest: &str) {
        let origin = self.origin();
        let tenant = format!(
            "{top}\n[tenant]\nid = \"{TENANT}\"\nlogin = \"{origin}\"\ngraph = \"{origin}\"\nauthorities = [\"{}\"]\n",
            tls::AUTHORITY_FILE
        );
        let reader = format!("client_id = \"{READER}\"\nsign_in = \"client-secret\"\n");
        let writer = format!("client_id = \"{GRAPH_TOOLS}\"\nsign_in = \"device-code\"\n");
        self.file("breakglass.toml", &format!("{tenant}{reader}{rest}"));
        self.file("writer.toml", &format!("{tenant}{writer}{rest}"));
    }

    fn command(&self, arguments: &[&str]) -> (Command, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
        // Nothing of this machine: no proxy, no cache of sign-ins.
        command.args(arguments).current_dir(self.folder()).env_clear();
        command.env("COLUMNS", "100").env("NO_COLOR", "1").env("BREAKGLASS_CLIENT_SECRET", READER_SECRET);
        let shown = arguments.iter().map(|argument| if argument.starts_with("age1") { "age1…" } else { argument });
        let shown = format!("breakglass {}", shown.collect::<Vec<_>>().join(" "));
        command.stdin(Stdio::null());
        (command, shown)
    }

    /// Runs the program.
    pub(super) fn run(&self, arguments: &[&str]) -> Run {
        let (mut command, shown) = self.command(arguments);
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        assert!(!stdout.contains(READER_SECRET) && !stderr.contains(READER_SECRET));
        Run { shown, code: output.status.code().unwrap(), stdout, stderr }
    }

    /// Runs the program, and signs in with the code that it shows.
    pub(super) fn run_as(&self, person: &Person<'_>, arguments: &[&str]) -> Run {
        match self.run_until((person, Stop::Kill), arguments, |_| false) {
            Ended::Whole(run) => run,
            Ended::Killed(said) => panic!("nobody asked for that: {said}"),
        }
    }

    /// The same, stopped as soon as it says a line that fits.
    pub(super) fn run_until(
        &self,
        (person, stop): (&Person<'_>, Stop),
        arguments: &[&str],
        fits: impl Fn(&str) -> bool,
    ) -> Ended {
        let (mut command, shown) = self.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut stderr, mut is_next, mut has_entered) = (String::new(), false, false);
        for line in BufReader::new(child.stderr.take().unwrap()).lines() {
            let line = line.unwrap();
            if is_next && !line.trim().is_empty() {
                assert!(self.enters_code(line.trim(), person), "{} is let in", person.name);
                (is_next, has_entered) = (false, true);
            }
            is_next |= line.contains("enter the code");
            stderr.push_str(&line);
            stderr.push('\n');
            match (fits(&line), stop) {
                (true, Stop::Kill) => {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    return Ended::Killed(stderr);
                }
                (true, Stop::Interrupt) => {
                    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
                    assert!(sent.success());
                }
                (false, _) => {}
            }
        }
        let output = child.wait_with_output().unwrap();
        assert!(has_entered, "nobody was asked to sign in: {stderr}");
        assert!(!stderr.contains(person.password), "no password is shown");
        let stdout = String::from_utf8(output.stdout).unwrap();
        Ended::Whole(Run { shown, code: output.status.code().unwrap(), stdout, stderr })
    }
}
