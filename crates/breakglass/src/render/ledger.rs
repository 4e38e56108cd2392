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

/// Characters of one value of an entry that are shown in a terminal: names and ids fit, signatures and documents do not.
const VALUE_CHARS_MAX: usize = 72;

/// Values of an entry that are shown in a terminal.
const VALUE_COUNT_MAX: usize = 24;

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
        text.push_str(&fitted(&visible(&said(&line)), INDENT, INDENT, columns));
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

/// What happened, and then names and values. The time is left out where it is the line's, to the minute.
fn said(line: &Line) -> String {
    let state = line.entry.get("state").and_then(Value::as_str);
    let mut values = Vec::new();
    match &line.entry {
        Value::Object(members) => {
            for (name, value) in members.iter().filter(|(name, _)| state.is_none() || name.as_str() != "state") {
                let at = value.as_str().filter(|_| name == "at").and_then(|at| at.parse().ok());
                if at.map(day_and_time) != Some(day_and_time(line.at)) {
                    put(name, value, &mut values);
                }
            }
        }
        other => put("", other, &mut values),
    }
    let more = values.len().saturating_sub(VALUE_COUNT_MAX);
    values.truncate(VALUE_COUNT_MAX);
    if more > 0 {
        values.push(format!("and {more} more"));
    }
    let values = values.join(", ");
    match state.map(in_words) {
        Some(state) if values.is_empty() => state,
        Some(state) => format!("{state}; {values}"),
        None => values,
    }
}

/// Puts a value in, or what is in it: a member of a member as `set.threshold`.
fn put(name: &str, value: &Value, values: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (inner, value) in members {
                put(&format!("{name}.{inner}"), value, values);
            }
        }
        Value::Array(items) => {
            for (at, item) in (1..).zip(items) {
                put(&format!("{name}.{at}"), item, values);
            }
        }
        Value::String(text) => values.push(named(name, text)),
        other => values.push(named(name, &other.to_string())),
    }
}

fn named(name: &str, value: &str) -> String {
    let end = value.char_indices().nth(VALUE_CHARS_MAX).and_then(|(at, _)| value.get(..at));
    let value = end.map_or_else(|| value.to_owned(), |end| format!("{end}…"));
    if name.is_empty() { value } else { format!("{name}: {value}") }
}

/// `setBegun` as `Set begun`.
fn in_words(state: &str) -> String {
    let mut words = String::new();
    for (at, letter) in state.chars().enumerate() {
        match (at, letter.is_ascii_uppercase()) {
            (0, _) => words.push(letter.to_ascii_uppercase()),
            (_, true) => words.extend([' ', letter.to_ascii_lowercase()]),
            (_, false) => words.push(letter),
        }
    }
    words
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_said_in_words_whole_and_short() {
        let at = "2026-11-27T03:00:07Z".parse().unwrap();
        let long = "ä".repeat(VALUE_CHARS_MAX + 1);
        let cut = format!("Opened; signature: {}…", "ä".repeat(VALUE_CHARS_MAX));
        let many: Vec<usize> = (0..VALUE_COUNT_MAX + 3).collect();
        let cases = [
            (document!({ "state": "setBegun", "at": "2026-11-27T03:00:01Z" }), "Set begun"),
            (document!({ "state": "begun", "at": "2026-11-27T02:59:59Z" }), "Begun; at: 2026-11-27T02:59:59Z"),
            (document!({ "state": "begun", "at": "soon", "by": null }), "Begun; at: soon"),
            (
                document!({ "state": "x", "set": { "of": 3, "names": ["A", "B"] } }),
                "X; set.names.1: A, set.names.2: B, set.of: 3",
            ),
            (document!({ "state": "opened", "signature": long }), cut.as_str()),
            (document!({ "state": 7, "by": "somebody" }), "by: somebody, state: 7"),
            (document!("no members"), "no members"),
            (document!({}), ""),
        ];
        for (entry, expected) in cases {
            assert_eq!(said(&Line::new(at, ("drill/1", 0), &entry)), expected, "{entry}");
        }
        let said = said(&Line::new(at, ("drill/1", 0), &document!({ "state": "many", "of": many })));
        assert!(said.ends_with("of.24: 23, and 3 more"), "{said}");
    }
}
