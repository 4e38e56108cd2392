//! What is in the ledger, what is missing, and whether it agrees with the streams that it speaks of.

use std::collections::BTreeMap;

use breakglass_ledger::hash::{HASH_BYTES, Hash};
use breakglass_ledger::log::{self, ENTRY_COUNT_MAX};
use breakglass_ledger::tree::Tree;
use jiff::Timestamp;
use serde_json::Value;

use super::line::{Line, LineError};
use crate::ports::{Store, StoreError};

/// The stream that is the ledger: each of its entries is the text of a line.
pub const STREAM: &str = "ledger";

/// How the names of the streams begin of which every entry is put into the ledger.
pub const PREFIXES: [&str; 7] = ["alert/", "checkout/", "custody/", "drill/", "incident/", "keys/", "rotation/"];

/// How often somebody else may be faster before it is given up for the time being.
pub const CONFLICT_COUNT_MAX: usize = 1_000;

/// Where the ledger and the streams do not agree. The ledger shows whether it was changed itself by its checkpoints; that
/// one of the two was changed is what this says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalFault {
    /// What stands in the ledger is no line.
    #[error("line {line} of the ledger is none: {why}")]
    Line {
        /// Which, from 1.
        line: u64,
        /// What is wrong with it.
        why: LineError,
    },
    /// It is no text.
    #[error("line {line} of the ledger is no text")]
    NoText {
        /// Which, from 1.
        line: u64,
    },
    /// An entry is missing before it, or it is there twice.
    #[error(
        "line {line} of the ledger is entry {index} of `{stream}`, and entry {next} comes next: lines were changed"
    )]
    OutOfTurn {
        /// Which, from 1.
        line: u64,
        /// The stream that it speaks of.
        stream: String,
        /// The entry that it speaks of, from 0.
        index: u64,
        /// The one that comes next.
        next: u64,
    },
    /// Entries of a stream are gone.
    #[error("`{stream}` has {found} entries, and {entered} are in the ledger: entries were taken out of the database")]
    Shorter {
        /// The stream.
        stream: String,
        /// Entries that it has.
        found: u64,
        /// Entries of it that are in the ledger.
        entered: u64,
    },
    /// An entry of a stream is another one.
    #[error("entry {index} of `{stream}` is not what line {line} of the ledger says: it was changed in the database")]
    Differs {
        /// The stream.
        stream: String,
        /// Its place there, from 0.
        index: u64,
        /// Where it is in the ledger, from 1.
        line: u64,
    },
}

/// Why the ledger is not brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The store does not do what it should.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger and the streams do not agree. There is at least one place, and one of a stream at most.
    #[error("the ledger and the record do not agree: {}{}", first(.0), more(.0))]
    Faults(Vec<JournalFault>),
    /// An entry cannot be a line.
    #[error("entry {index} of `{stream}` cannot be put into the ledger: {why}")]
    NoLine {
        /// The stream.
        stream: String,
        /// Its place there, from 0.
        index: u64,
        /// Why.
        why: LineError,
    },
    /// It has as many entries as a ledger may have.
    #[error("the ledger has {ENTRY_COUNT_MAX} entries, and takes no more")]
    Full,
    /// Others are always faster.
    #[error("others are putting entries into the ledger all the time; what is missing is put in by the next command")]
    Busy,
}

fn first(faults: &[JournalFault]) -> String {
    faults.first().map(ToString::to_string).unwrap_or_default()
}

fn more(faults: &[JournalFault]) -> String {
    match faults.len() {
        0 | 1 => String::new(),
        2 => "; and one more place".to_owned(),
        many => format!("; and {} more places", many - 1),
    }
}

/// The ledger as it is in the store: lines that follow each other, with the tree over them.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    tree: Tree,
    lines: Vec<String>,
    /// For each stream, the lines of its entries in their order, from 0, with when they were entered.
    places: BTreeMap<String, Vec<(usize, Timestamp)>>,
}

impl Journal {
    /// Lines.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// The root over all of them.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.tree.root(self.size()).unwrap_or_else(Hash::of_nothing)
    }

    /// The hash that an entry of a stream has as a leaf of the tree; `None` if it is not in the ledger.
    ///
    /// **Source:** RFC 6962, section 2.1.
    #[must_use]
    pub fn leaf_of(&self, stream: &str, index: u64) -> Option<[u8; HASH_BYTES]> {
        let (line, _) = self.places.get(stream)?.get(usize::try_from(index).ok()?)?;
        self.tree.leaf(u64::try_from(*line).ok()?).map(|leaf| *leaf.bytes())
    }

    /// Every line, in order.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The tree over them, for its proofs.
    #[must_use]
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The log as it is kept elsewhere: every line, with its end.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    fn entered(&self, stream: &str) -> usize {
        self.places.get(stream).map_or(0, Vec::len)
    }

    /// Takes what stands in the ledger.
    fn read(&mut self, entry: Value) -> Result<(), JournalFault> {
        let number = self.size() + 1;
        let Value::String(text) = entry else { return Err(JournalFault::NoText { line: number }) };
        let line = Line::read(&text).map_err(|why| JournalFault::Line { line: number, why })?;
        let next = self.entered(&line.stream) as u64;
        if line.index != next {
            return Err(JournalFault::OutOfTurn { line: number, stream: line.stream, index: line.index, next });
        }
        self.push(&line, text).map_err(|why| JournalFault::Line { line: number, why })
    }

    fn push(&mut self, line: &Line, text: String) -> Result<(), LineError> {
        let leaf = log::entry(text.as_bytes()).map_err(|_| LineError::Form)?;
        self.places.entry(line.stream.clone()).or_default().push((self.lines.len(), line.at));
        self.tree.push(leaf);
        self.lines.push(text);
        Ok(())
    }

    /// Whether the entries of a stream are what the ledger says of them.
    fn agrees(&self, stream: &str, entries: &[Value]) -> Result<(), JournalFault> {
        let places = self.places.get(stream).map_or(&[][..], Vec::as_slice);
        let pairs = places.iter().zip(entries).zip(0_u64..);
        for ((&(line, at), entry), index) in pairs {
            let written = Line::new(at, (stream, index), entry).written();
            if written.ok().as_ref() != self.lines.get(line) {
                return Err(JournalFault::Differs { stream: stream.to_owned(), index, line: line as u64 + 1 });
            }
        }
        if entries.len() < places.len() {
            let (found, entered) = (entries.len() as u64, places.len() as u64);
            return Err(JournalFault::Shorter { stream: stream.to_owned(), found, entered });
        }
        Ok(())
    }
}

/// What is in the ledger, and what is not yet.
#[derive(Debug, Clone, Default)]
pub struct Looked {
    /// What is in it.
    pub journal: Journal,
    /// What is missing, in the order in which it is put in: the stream, the place there from 0, and the entry.
    pub missing: Vec<(String, u64, Value)>,
}

/// Looks at the ledger and the streams, and writes nothing.
///
/// # Errors
/// The store cannot be read, or the ledger does not agree with the streams.
pub fn look(store: &dyn Store) -> Result<Looked, JournalError> {
    let mut journal = Journal::default();
    for entry in store.entries(STREAM)? {
        if journal.size() >= ENTRY_COUNT_MAX {
            return Err(JournalError::Full);
        }
        // Whatever follows a line that is none cannot be held against anything.
        journal.read(entry).map_err(|fault| JournalError::Faults(vec![fault]))?;
    }
    // The streams are looked at after the ledger: they only grow, so that none is shorter for having been read too early.
    let mut names: Vec<String> = journal.places.keys().cloned().collect();
    for prefix in PREFIXES {
        names.extend(store.streams(prefix)?);
    }
    names.sort();
    names.dedup();
    let (mut faults, mut missing) = (Vec::new(), Vec::new());
    for stream in names {
        let entries = store.entries(&stream)?;
        faults.extend(journal.agrees(&stream, &entries).err());
        let new = entries.into_iter().zip(0_u64..).skip(journal.entered(&stream));
        missing.extend(new.map(|(entry, index)| (stream.clone(), index, entry)));
    }
    if faults.is_empty() { Ok(Looked { journal, missing }) } else { Err(JournalError::Faults(faults)) }
}

/// Puts into the ledger what is missing in it. It may be stopped anywhere and begun again, by several at once.
///
/// # Errors
/// The store cannot be used, the ledger does not agree with the streams, or an entry is too long for it. What was put in
/// before is in it.
pub fn catch_up(store: &dyn Store, now: Timestamp) -> Result<Journal, JournalError> {
    for _ in 0..CONFLICT_COUNT_MAX {
        let Looked { mut journal, missing } = look(store)?;
        if enter(store, now, &mut journal, &missing)? {
            return Ok(journal);
        }
    }
    Err(JournalError::Busy)
}

/// Whether all of it was put in; else somebody else was faster.
fn enter(
    store: &dyn Store,
    now: Timestamp,
    journal: &mut Journal,
    missing: &[(String, u64, Value)],
) -> Result<bool, JournalError> {
    for (stream, index, entry) in missing {
        if journal.size() >= ENTRY_COUNT_MAX {
            return Err(JournalError::Full);
        }
        let no_line = |why| JournalError::NoLine { stream: stream.clone(), index: *index, why };
        let line = Line::new(now, (stream, *index), entry);
        let text = line.written().map_err(no_line)?;
        match store.append(STREAM, journal.lines.len(), &Value::String(text.clone())) {
            Ok(()) => journal.push(&line, text).map_err(no_line)?,
            Err(StoreError::Conflict { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}
