//! A ledger that was exported: a folder with its entries, its checkpoints and its public key, or the entries alone.
//!
//! **Limits:** [`LOG_BYTES_MAX`], [`CHECKPOINT_COUNT_MAX`].

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use breakglass_ledger::log::{LogFault, tree_of};
use breakglass_ledger::note::{NOTE_BYTES_MAX, PublicKey};
use breakglass_ledger::tree::Tree;
use breakglass_ops::journal::{Journal, KeptCheckpoint};

use super::failure::LedgerFailure;
use crate::text_file::{TextError, read_text};

/// Bytes of the largest log that is read.
pub(crate) const LOG_BYTES_MAX: u64 = 1 << 30;

/// Checkpoints that an export may have.
pub(crate) const CHECKPOINT_COUNT_MAX: usize = 100_000;

/// Names in the folder.
const ENTRIES: &str = "entries.ndjson";
const CHECKPOINTS: &str = "checkpoints";
const KEY: &str = "key.txt";

/// What the name of a file ends with that has the entries alone.
const ENDING: &str = "ndjson";

/// A checkpoint as it was found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// Where.
    pub(super) name: String,
    /// The signed note; nobody has looked at it so far.
    pub(super) note: String,
}

/// What was exported.
pub(super) struct Exported {
    /// The tree over the entries, computed from what stands there; or the first line that is none.
    pub(super) tree: Result<Tree, LogFault>,
    /// The checkpoints, by name.
    pub(super) checkpoints: Vec<Found>,
}

/// Whether a path names the entries alone.
fn is_entries(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == ENDING)
}

/// Reads what was exported.
pub(super) fn read(path: &Path) -> Result<Exported, LedgerFailure> {
    let (entries, folder) =
        if is_entries(path) { (path.to_owned(), None) } else { (path.join(ENTRIES), Some(path.join(CHECKPOINTS))) };
    if folder.is_some() && !entries.is_file() {
        let why = format!("it has no file `{ENTRIES}`");
        return Err(LedgerFailure::NoExport { path: path.to_owned(), why });
    }
    let unread = |path: &Path| {
        let path = path.to_owned();
        |source| LedgerFailure::Unread(TextError::Io { path, source })
    };
    let file = fs::File::open(&entries).map_err(unread(&entries))?;
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, LOG_BYTES_MAX + 1), &mut bytes).map_err(unread(&entries))?;
    if bytes.len() as u64 > LOG_BYTES_MAX {
        return Err(TextError::TooLarge { path: entries, bytes_max: LOG_BYTES_MAX }.into());
    }
    let tree = tree_of(&bytes);
    let mut names: Vec<PathBuf> = Vec::new();
    if let Some(folder) = folder.filter(|folder| folder.is_dir()) {
        for entry in fs::read_dir(&folder).map_err(unread(&folder))?.take(CHECKPOINT_COUNT_MAX + 1) {
            names.push(entry.map_err(unread(&folder))?.path());
        }
        if names.len() > CHECKPOINT_COUNT_MAX {
            let why = format!("it has more than {CHECKPOINT_COUNT_MAX} checkpoints");
            return Err(LedgerFailure::NoExport { path: path.to_owned(), why });
        }
    }
    names.sort();
    let checkpoints = names.iter().map(|path| checkpoint(path)).collect::<Result<_, _>>()?;
    Ok(Exported { tree, checkpoints })
}

/// Reads a file with a checkpoint.
pub(super) fn checkpoint(path: &Path) -> Result<Found, LedgerFailure> {
    let note = read_text(path, NOTE_BYTES_MAX as u64)?;
    Ok(Found { name: path.display().to_string(), note })
}

/// Writes a ledger into a folder that is not there yet, or its entries alone into such a file.
pub(super) fn write(
    path: &Path,
    journal: &Journal,
    checkpoints: &[KeptCheckpoint],
    key: Option<&PublicKey>,
) -> Result<(), LedgerFailure> {
    if is_entries(path) {
        return put(path, &journal.text());
    }
    let failed = |source| LedgerFailure::Unwritten { path: path.to_owned(), source };
    fs::create_dir(path).map_err(failed)?;
    let folder = path.join(CHECKPOINTS);
    fs::create_dir(&folder).map_err(failed)?;
    for (number, kept) in (1..).zip(checkpoints) {
        put(&folder.join(format!("{number:06}.txt")), &kept.note)?;
    }
    if let Some(key) = key {
        put(&path.join(KEY), &format!("{key}\n"))?;
    }
    // The entries last: where they are, everything is.
    put(&path.join(ENTRIES), &journal.text())
}

fn put(path: &Path, text: &str) -> Result<(), LedgerFailure> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|source| LedgerFailure::Unwritten { path: path.to_owned(), source })
}
