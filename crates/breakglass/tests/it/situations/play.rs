//! A situation as it is played: what people do, what came of it, and the transcript of both.
//!
//! The transcript is compared with the file in `docs/situations`; with `TRYCMD=overwrite` it is written there instead.
//! **Invariant:** nothing is told that was not seen: each step is looked at before it is written down.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::product::Run;
use super::seed::{FIRST, SECOND};
use super::sign_in::{Entry, Person, Session};
use super::stage::{Answer, Stage};

/// Columns of a transcript.
const COLUMNS: usize = 120;

/// What the refusals mean that are met here.
const MEANINGS: [(u64, &str); 9] = [
    (40_010, "the federation server does not answer"),
    (50_034, "there is no such account"),
    (50_053, "the account is locked, after too many wrong passwords"),
    (50_057, "the account is disabled"),
    (50_126, "the password is wrong"),
    (50_173, "the session is not good any more"),
    (53_003, "a Conditional Access policy blocks it"),
    (80_001, "no agent on premises checks the password"),
    (500_121, "the second proof could not be had"),
];

/// A situation.
pub(super) struct Play {
    pub(super) stage: Stage,
    text: String,
    steps: usize,
}

impl Play {
    /// Begins; the preface says who is there, and what is about to happen.
    pub(super) fn new(stage: Stage, title: &str, preface: &[&str]) -> Self {
        let mut play = Self { stage, text: format!("# {title}\n"), steps: 0 };
        preface.iter().for_each(|paragraph| play.paragraph(paragraph));
        play
    }

    /// The same situation in another tenant.
    pub(super) fn on(self, stage: Stage) -> Self {
        Self { stage, ..self }
    }

    /// Begins a part.
    pub(super) fn part(&mut self, title: &str) {
        let _ = write!(self.text, "\n## {title}\n");
    }

    /// Says something that is no step.
    pub(super) fn paragraph(&mut self, text: &str) {
        let _ = write!(self.text, "\n{}\n", filled(text, "", ""));
    }

    /// Writes a step down: what was done, and what was seen.
    pub(super) fn step(&mut self, done: &str, seen: &str) {
        self.steps += 1;
        let number = format!("{}. ", self.steps);
        let margin = " ".repeat(number.len());
        let (done, seen) =
            (filled(done, &number, &margin), filled(seen, &format!("{margin}- "), &format!("{margin}  ")));
        let _ = write!(self.text, "\n{done}\n{seen}\n");
    }

    /// Somebody signs in and has to get in.
    #[track_caller]
    pub(super) fn gets_in(&mut self, person: &Person<'_>, done: &str) -> Session {
        let session = self.stage.signs_in(person).session();
        self.step(done, "In.");
        session
    }

    /// Somebody signs in and has to be refused.
    #[track_caller]
    pub(super) fn is_refused(&mut self, person: &Person<'_>, done: &str, code: u64) {
        let entry = self.stage.signs_in(person);
        self.was_refused(&entry, done, code);
    }

    /// Writes down that somebody was refused.
    #[track_caller]
    pub(super) fn was_refused(&mut self, entry: &Entry, done: &str, code: u64) {
        assert!(matches!(entry, Entry::Refused(refusal) if *refusal == code), "{done} {code}: {entry:?}");
        let (_, meaning) = MEANINGS.iter().find(|(known, _)| *known == code).unwrap();
        self.step(done, &format!("Refused: `AADSTS{code}`, {meaning}."));
    }

    /// Somebody asks Graph for something, and it has to answer with this status.
    #[track_caller]
    pub(super) fn graph(&mut self, done: &str, session: &Session, asked: &Asked<'_>) -> Answer {
        let answer = self.stage.graph(session, asked.what, &asked.body);
        assert_eq!(answer.status, asked.status, "{done}: {}", answer.body);
        let method = asked.what.0;
        let seen = if answer.status < 300 {
            format!("Done: {method}, answered with {}.", answer.status)
        } else {
            let error = answer.json()["error"].clone();
            let code = error["code"].as_str().unwrap();
            let why = if answer.status == 400 { error["message"].as_str().unwrap() } else { "" };
            format!("Refused: {method}, answered with {} `{code}`. {why}", answer.status)
        };
        self.step(done, &seen);
        answer
    }

    /// A list of Graph's, whole; nothing is written down.
    pub(super) fn list(&self, session: &Session, path: &str) -> Vec<Value> {
        let answer = self.stage.graph(session, ("GET", path), &Value::Null);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let document = answer.json();
        assert_eq!(document["@odata.nextLink"], Value::Null, "one page is all");
        document["value"].as_array().unwrap().clone()
    }

    /// What the sign-in log has of somebody, the newest first; nothing is written down.
    pub(super) fn sign_ins_of(&self, session: &Session, name: &str) -> Vec<Value> {
        self.list(session, &format!("/v1.0/auditLogs/signIns?$filter=userPrincipalName%20eq%20'{name}'"))
    }

    /// What the audit log says that somebody did, the first first; nothing is written down.
    pub(super) fn done_by(&self, session: &Session, name: &str) -> String {
        let filter = format!("initiatedBy/user/userPrincipalName%20eq%20'{name}'");
        let records = self.list(session, &format!("/v1.0/auditLogs/directoryAudits?$filter={filter}"));
        let activities: Vec<&str> =
            records.iter().rev().map(|record| record["activityDisplayName"].as_str().unwrap()).collect();
        format!("{}.", activities.join(", "))
    }

    /// Somebody runs the program, which has to end with this exit code. What it says first is told.
    #[track_caller]
    pub(super) fn runs(&mut self, who: &str, arguments: &[&str], code: i32) -> Run {
        let run = self.stage.run(arguments);
        self.ran(who, &run, code);
        self.quote(&run.first_words());
        run
    }

    /// Writes down that the program was run.
    #[track_caller]
    pub(super) fn ran(&mut self, who: &str, run: &Run, code: i32) {
        assert_eq!(run.code, code, "{run:?}");
        self.step(&format!("**{who}** runs `{}`.", run.shown), &format!("Exit code {code}."));
    }

    /// Quotes the program below the last step.
    pub(super) fn quote(&mut self, words: &str) {
        assert!(!words.is_empty(), "there is something to be told");
        let margin = " ".repeat(format!("{}. ", self.steps).len() + 2);
        self.text.push('\n');
        for line in words.lines() {
            // Whatever stands behind a number is set in below it.
            let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let number = line.split_once(". ").map(|(number, _)| number).filter(|number| is_number(number));
            let first = format!("{margin}> ");
            let others = format!("{first}{}", " ".repeat(number.map_or(0, |number| number.len() + 2)));
            let quoted = if line.is_empty() { first } else { filled(line, &first, &others) };
            let _ = writeln!(self.text, "{}", quoted.trim_end());
        }
    }

    /// Asks the program whether a way in is left in a scenario, and writes its answer down.
    #[track_caller]
    pub(super) fn rehearses(&mut self, who: &str, scenario: &str, survives: bool) {
        let arguments = ["lockout", "--live", "--scenario", scenario];
        let document = self.stage.run(&[&arguments[..], &["--format", "json"]].concat()).json();
        let found = document["scenarios"].as_array().unwrap().iter().find(|one| one["id"] == scenario);
        let found = found.unwrap_or_else(|| panic!("{document:#}"));
        assert_eq!(found["survives"], survives, "{found:#}");
        let seen = match (survives, &found["applies"]) {
            (_, Value::Bool(false)) => format!("Nothing to fear: {}.", found["note"].as_str().unwrap()),
            (true, _) => {
                let (by, left) = (found["by"].as_str().unwrap(), found["orderLeft"].as_u64().unwrap());
                // Which of the two is named first hangs on the ids that the tenant gave them.
                let by = [&FIRST, &SECOND]
                    .iter()
                    .fold(by.to_owned(), |by, one| by.replace(one.name, "an emergency account"));
                format!("A way in is left: {by}. Then {} lock everybody out.", failures(left))
            }
            (false, _) => match found["note"].as_str() {
                Some(note) => format!("No way in is promised: {note}."),
                None => "No way in is left.".to_owned(),
            },
        };
        self.step(&format!("**{who}** runs `breakglass {}`.", arguments.join(" ")), &seen);
    }

    /// Somebody plans, and the steps are told.
    #[track_caller]
    pub(super) fn plans(&mut self, who: &str) {
        let run = self.stage.run(&["plan", "--live"]);
        self.ran(who, &run, 0);
        let plan: Value = serde_json::from_str(&self.stage.read("breakglass-plan.json")).unwrap();
        let steps = plan["steps"].as_array().unwrap().iter().map(|step| step["does"].as_str().unwrap());
        let lines: Vec<String> = steps.enumerate().map(|(at, does)| format!("{}. {does}", at + 1)).collect();
        self.quote(&lines.join("\n"));
    }

    /// Somebody asks whether anything is left to do, and nothing is.
    #[track_caller]
    pub(super) fn has_nothing_to_do(&mut self, who: &str) {
        let run = self.stage.run(&["plan", "--live", "--expect-none"]);
        self.ran(who, &run, 0);
        assert!(run.stdout.starts_with("Nothing to do"), "{run:?}");
        self.quote("Nothing to do.");
    }

    /// Somebody has the plan carried out that lies in a file; they sign in with the code that is shown.
    #[track_caller]
    pub(super) fn applies(&mut self, (who, person): (&str, &Person<'_>), more: &[&str], code: i32) -> Run {
        let run = self.stage.run_as(person, &[&["apply", "--config", "writer.toml", "--yes"], more].concat());
        self.ran(who, &run, code);
        let is_end = |line: &&str| !(line.starts_with("All ") || line.starts_with("The one step "));
        let lines = run.stderr.lines().skip_while(is_end).filter(|line| !line.starts_with("note:"));
        self.quote(&lines.collect::<Vec<_>>().join("\n"));
        run
    }

    /// Makes something fail with the program, or ends that.
    #[track_caller]
    pub(super) fn fails(&mut self, done: &str, arguments: &[&str]) {
        let run = self.stage.run(&[&["tenant", "fault", "--data", "."], arguments].concat());
        assert_eq!(run.code, 0, "{run:?}");
        self.step(done, &format!("Played with `{}`.", run.shown));
    }

    /// Ends: the transcript is the one in `docs/situations`.
    #[expect(clippy::disallowed_methods, reason = "the variable that has recorded outputs written anew")]
    pub(super) fn ends(self, name: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/situations").join(name);
        if std::env::var("TRYCMD").is_ok_and(|value| value == "overwrite") {
            fs::write(&path, &self.text).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        let pairs = self.text.lines().map(Some).chain([None]).zip(kept.lines().map(Some).chain([None]));
        let differs = pairs.enumerate().find(|(_, (played, kept))| played != kept);
        assert_eq!(
            differs, None,
            "`docs/situations/{name}` differs, counted from 0 (left: as played, right: as kept); \
             TRYCMD=overwrite writes it anew"
        );
    }
}

/// So many failures, in words.
fn failures(count: u64) -> String {
    if count == 1 { "one failure more would".to_owned() } else { format!("{count} failures more would") }
}

/// What is asked of Graph, and the status that is expected.
pub(super) struct Asked<'a> {
    pub(super) what: (&'a str, &'a str),
    pub(super) body: Value,
    pub(super) status: u16,
}

/// What is asked of Graph.
pub(super) const fn asked<'a>(method: &'a str, path: &'a str, body: Value, status: u16) -> Asked<'a> {
    Asked { what: (method, path), body, status }
}

/// Text in lines of at most [`COLUMNS`].
fn filled(text: &str, first: &str, others: &str) -> String {
    let options = textwrap::Options::new(COLUMNS).initial_indent(first).subsequent_indent(others);
    let options = options.break_words(false).word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::fill(text, options)
}
