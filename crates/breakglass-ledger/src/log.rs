//! The log as it is kept, a line for each entry, held against checkpoints.
//!
//! **Invariant:** what is called as it was signed hashes to what was signed; entries behind the last checkpoint are named
//! as such and vouched for by nobody.
//! **Limits:** [`ENTRY_BYTES_MAX`], [`ENTRY_COUNT_MAX`].

use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::tree::Tree;

/// Bytes of the longest entry.
pub const ENTRY_BYTES_MAX: usize = 16 << 10;

/// Entries of the longest log.
pub const ENTRY_COUNT_MAX: u64 = 1_000_000;

/// What is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogFault {
    /// A line is no entry.
    #[error("line {line} of the log is no entry: {why}")]
    Line {
        /// Which, from 1.
        line: u64,
        /// Why.
        why: &'static str,
    },
    /// There are more entries than a log has.
    #[error("the log has more than {ENTRY_COUNT_MAX} entries")]
    Long,
    /// Entries are gone.
    #[error("the log has {found} entries, and a checkpoint was signed of {signed}: entries were removed")]
    Truncated {
        /// Entries that there are.
        found: u64,
        /// Entries that were signed.
        signed: u64,
    },
    /// The log has signed two pasts.
    #[error(
        "two checkpoints of {0} entries were signed, and they are not alike: somebody signed another past with the key of \
         this log; find out who has it"
    )]
    Forked(u64),
    /// Entries are others.
    #[error("the first {signed} entries are not those that were signed: one of {} was changed, removed, added or moved", range(*.good, *.signed))]
    Changed {
        /// Entries that were signed.
        signed: u64,
        /// How many of the first are as they were in an older checkpoint.
        good: u64,
    },
}

fn range(good: u64, signed: u64) -> String {
    if good == 0 { "them".to_owned() } else { format!("the entries {} to {signed}", good + 1) }
}

/// The lines of a log as a tree.
///
/// # Errors
/// The first line that is no entry.
pub fn tree_of(text: &[u8]) -> Result<Tree, LogFault> {
    let mut tree = Tree::default();
    if text.is_empty() {
        return Ok(tree);
    }
    let Some(body) = text.strip_suffix(b"\n") else {
        let line = text.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        return Err(LogFault::Line { line, why: "it does not end" });
    };
    let fault = |tree: &Tree, why| LogFault::Line { line: tree.size() + 1, why };
    for line in body.split(|byte| *byte == b'\n') {
        let entry = entry(line).map_err(|why| fault(&tree, why))?;
        if tree.size() >= ENTRY_COUNT_MAX {
            return Err(LogFault::Long);
        }
        tree.push(entry);
    }
    Ok(tree)
}

/// The hash of an entry.
///
/// # Errors
/// It is empty, too long, or no line of text.
pub fn entry(line: &[u8]) -> Result<Hash, &'static str> {
    if line.is_empty() {
        return Err("it is empty");
    }
    if line.len() > ENTRY_BYTES_MAX {
        return Err("it is too long");
    }
    let text = std::str::from_utf8(line).map_err(|_| "it is no text in UTF-8")?;
    if text.chars().any(char::is_control) { Err("it has control characters") } else { Ok(Hash::of_entry(line)) }
}

/// What a log is, as far as checkpoints vouch for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vouched {
    /// Entries that are as they were signed.
    pub signed: u64,
    /// Entries behind them, for which nothing vouches.
    pub unsigned: u64,
}

/// Holds a log against checkpoints of it that were signed, its own last one and those that somebody else kept. Without any
/// it says nothing but how many entries nothing vouches for.
///
/// # Errors
/// Everything that is wrong, by the size of the checkpoint that shows it.
pub fn check(tree: &Tree, checkpoints: &[Checkpoint]) -> Result<Vouched, Vec<LogFault>> {
    let mut sorted: Vec<&Checkpoint> = checkpoints.iter().collect();
    sorted.sort_by_key(|checkpoint| (checkpoint.size(), checkpoint.root()));
    sorted.dedup();
    let (mut faults, mut good) = (Vec::new(), 0);
    for alike in sorted.chunk_by(|one, other| one.size() == other.size()) {
        let Some(signed) = alike.first().map(|checkpoint| checkpoint.size()) else { continue };
        match tree.root(signed) {
            None => faults.push(LogFault::Truncated { found: tree.size(), signed }),
            Some(root) if alike.iter().any(|checkpoint| checkpoint.root() == root) => good = signed,
            Some(_) => faults.push(LogFault::Changed { signed, good }),
        }
        if alike.len() > 1 {
            faults.push(LogFault::Forked(signed));
        }
    }
    if faults.is_empty() { Ok(Vouched { signed: good, unsigned: tree.size() - good }) } else { Err(faults) }
}
