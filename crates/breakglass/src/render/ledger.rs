//! The ledger and what came of checking it, as text and as documents.

use breakglass_ops::journal::{Journal, Line};
use jiff::Timestamp;
use serde_json::{Value, json as document};

use super::paint::{Paint, Style};
use super::{day_and_time, fitted, visible};

/// Name and version of the document with the entries.
const DOCUMENT: &str = "breakglass-ledger/1";

/// Name and version of the document that says what came of checking them.
const DOCUMENT_VERIFIED: &str = "breakglass-ledger-verification/1";

/// Columns before what belongs to an entry.
const INDENT: &str = "       ";

/// Characters of an entry that are shown in a terminal.
const ENTRY_CHARS_MAX: usize = 400;

/// What came of checking a ledger.
#[derive(Debug, Clone)]
pub(crate) struct Verified {
    /// Where it is.
    pub(crate) name: String,
    /// The public key that it was held against.
    pub(crate) key: Option<String>,
    /// Entries.
    pub(crate) size: u64,
    /// The root over them.
    pub(crate) root: Option<String>,
    /// Entries that are as they were signed.
    pub(crate) signed: u64,
    /// Entries behind them.
    pub(crate) unsigned: u64,
    /// Checkpoints that are kept beside it.
    pub(crate) beside: usize,
    /// Checkpoints that were kept elsewhere.
    pub(crate) elsewhere: usize,
    /// Entries of the record that are not in it yet, where there is a record.
    pub(crate) missing: Option<usize>,
    /// The witnesses that were named.
    pub(crate) witnesses: Vec<Witness>,
    /// What is wrong.
    pub(crate) faults: Vec<String>,
    /// What cannot be told.
    pub(crate) unknowns: Vec<String>,
}

/// A witness and what it signed last: entries, and when.
#[derive(Debug, Clone)]
pub(crate) struct Witness {
    pub(crate) key: String,
    pub(crate) last: Option<(u64, Timestamp)>,
}

/// `1 entry`, `3 entries`.
pub(crate) fn entries(count: u64) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

fn lines<'a>(journal: &'a Journal, stream: &'a str) -> impl Iterator<Item = (u64, Line)> + 'a {
    let lines = (1..).zip(journal.lines()).filter_map(|(number, text)| Some((number, Line::read(text).ok()?)));
    lines.filter(move |(_, line)| line.stream.starts_with(stream))
}

/// The entries of streams that begin so, for a terminal.
pub(crate) fn text((journal, missing): (&Journal, usize), stream: &str, (columns, paint): (usize, Paint)) -> String {
    let mut text = String::new();
    for (number, line) in lines(journal, stream) {
        let place = visible(&format!("{} {}", line.stream, line.index)).into_owned();
        text.push_str(&format!("{number:>5}  {}  {}\n", day_and_time(line.at), paint.apply(Style::Strong, &place)));
        text.push_str(&fitted(&visible(&said(&line.entry)), INDENT, INDENT, columns));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&fitted(&format!("{}; the root is {}", entries(journal.size()), journal.root()), "", "", columns));
    if missing > 0 {
        let left = format!(
            "{} of the record {} not in it yet; `breakglass ledger checkpoint` puts them in.",
            entries(missing as u64),
            if missing == 1 { "is" } else { "are" }
        );
        text.push_str(&fitted(&left, "", "", columns));
    }
    text
}

/// An entry in one sentence of names and values.
fn said(entry: &Value) -> String {
    let value = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let said = match entry {
        Value::Object(members) => {
            let members: Vec<String> = members.iter().map(|(name, of)| format!("{name}: {}", value(of))).collect();
            members.join(", ")
        }
        other => value(other),
    };
    match said.char_indices().nth(ENTRY_CHARS_MAX) {
        Some((at, _)) => format!("{}…", said.get(..at).unwrap_or_default()),
        None => said,
    }
}

/// The entries of streams that begin so, as a document.
pub(crate) fn json(journal: &Journal, stream: &str) -> String {
    let entries: Vec<Value> = lines(journal, stream)
        .map(|(number, line)| {
            let leaf = journal.tree().leaf(number - 1).map(|leaf| leaf.to_string());
            document!({
                "number": number, "at": line.at, "stream": line.stream, "index": line.index, "leaf": leaf,
                "entry": line.entry,
            })
        })
        .collect();
    let whole = document!({
        "format": DOCUMENT, "size": journal.size(), "root": journal.root().to_string(), "entries": entries,
    });
    format!("{whole:#}\n")
}

/// What came of checking a ledger, for a terminal.
pub(crate) fn verified_text(verified: &Verified, (columns, paint): (usize, Paint)) -> String {
    let mut text = String::new();
    let mut say = |style: Style, head: &str, rest: &str| {
        let filled = fitted(&visible(&format!("{head} {rest}")), "", "  ", columns);
        text.push_str(&filled.replacen(head, &paint.apply(style, head), 1));
    };
    for fault in &verified.faults {
        say(Style::Bad, "Wrong:", &format!("{fault}."));
    }
    if verified.faults.is_empty() && verified.signed > 0 {
        let rest = match verified.signed {
            1 => "the first entry is as it was signed.".to_owned(),
            count => format!("the first {count} entries are as they were signed."),
        };
        say(Style::Good, "Good:", &rest);
    }
    for unknown in &verified.unknowns {
        say(Style::Doubtful, "Could not tell:", unknown);
    }
    if verified.unsigned > 0 && verified.faults.is_empty() {
        let rest = match (verified.signed, verified.unsigned) {
            (0, 1) => "the one entry: nobody vouches for it.".to_owned(),
            (0, count) => format!("all {count} entries: nobody vouches for them."),
            (signed, 1) => format!("entry {} is behind the last checkpoint: nobody vouches for it.", signed + 1),
            (signed, _) => format!(
                "entries {} to {} are behind the last checkpoint: nobody vouches for them.",
                signed + 1,
                verified.size
            ),
        };
        say(Style::Doubtful, "Not signed:", &rest);
    }
    for witness in &verified.witnesses {
        if let Some((size, at)) = witness.last {
            let rest = format!("`{}` signed {} on {}.", name_of(&witness.key), entries(size), day_and_time(at));
            say(Style::Good, "Witness:", &rest);
        }
    }
    if let Some(missing @ 1..) = verified.missing {
        let rest =
            format!("{} of the record not in the ledger; the next command puts them in.", entries(missing as u64));
        say(Style::Strong, "Not yet:", &rest);
    }
    if verified.elsewhere == 0 {
        let rest = "no checkpoint from elsewhere was given, so that entries and checkpoints that were removed together would \
                    not show.";
        say(Style::Strong, "Mind:", rest);
    }
    text.push('\n');
    let beside = verified.beside + verified.elsewhere;
    let count = format!(
        "`{}`: {}, {beside} checkpoint{}, {} of them from elsewhere.",
        visible(&verified.name),
        entries(verified.size),
        if beside == 1 { "" } else { "s" },
        verified.elsewhere
    );
    text.push_str(&fitted(&count, "", "", columns));
    for (name, value) in [("Root", &verified.root), ("Key", &verified.key)] {
        if let Some(value) = value {
            text.push_str(&format!("{name:<4} {}\n", visible(value)));
        }
    }
    text
}

fn name_of(key: &str) -> &str {
    key.split('+').next().unwrap_or_default()
}

/// The same as a document.
pub(crate) fn verified_json(verified: &Verified) -> String {
    let witnesses: Vec<Value> = verified
        .witnesses
        .iter()
        .map(|witness| {
            let (size, at) = witness.last.unzip();
            document!({ "key": witness.key, "size": size, "at": at })
        })
        .collect();
    let whole = document!({
        "format": DOCUMENT_VERIFIED,
        "key": verified.key,
        "size": verified.size,
        "root": verified.root,
        "signed": verified.signed,
        "unsigned": verified.unsigned,
        "checkpoints": { "beside": verified.beside, "elsewhere": verified.elsewhere },
        "missing": verified.missing,
        "witnesses": witnesses,
        "faults": verified.faults,
        "unknowns": verified.unknowns,
    });
    format!("{whole:#}\n")
}
