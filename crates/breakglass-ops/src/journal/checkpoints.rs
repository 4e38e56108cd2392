//! Checkpoints of the ledger: signed, and kept beside it.

use breakglass_ledger::checkpoint::{Checkpoint, CheckpointError};
use breakglass_ledger::log::{LogFault, check};
use breakglass_ledger::note::{NOTE_BYTES_MAX, SecretKey};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::entered::{CONFLICT_COUNT_MAX, Journal, JournalError, look};
use crate::ports::{Store, StoreError};

/// The stream of the checkpoints that were signed.
pub const STREAM_CHECKPOINTS: &str = "ledger/checkpoints";

/// A checkpoint as it is kept. Whether it is signed is not looked at here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptCheckpoint {
    /// When it was signed.
    pub at: Timestamp,
    /// The signed note.
    pub note: String,
}

/// Why the checkpoints that were kept cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The store does not do what it should.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// One of them is none.
    #[error("checkpoint {0} of those that are kept is none: it was changed in the database")]
    Damaged(usize),
}

/// Why no checkpoint is signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// Those that were signed cannot be had, or this one cannot be kept.
    #[error(transparent)]
    Kept(#[from] KeptError),
    /// One that was kept is not of this log and this key.
    #[error("checkpoint {number} of those that are kept was not signed by this key")]
    Other {
        /// Which, from 1.
        number: usize,
        /// What is wrong with it.
        #[source]
        source: CheckpointError,
    },
    /// The ledger is not the one that was signed before.
    #[error("the ledger is not what was signed of it before, and nothing is signed: {}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Faults(Vec<LogFault>),
    /// The ledger cannot be looked at again.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The key does not sign checkpoints.
    #[error(transparent)]
    Key(CheckpointError),
    /// Others are always faster.
    #[error("others are signing checkpoints all the time; run it again")]
    Busy,
}

/// Every checkpoint that is kept, in the order in which they were signed.
///
/// # Errors
/// The store cannot be read, or one of them is none.
pub fn checkpoints(store: &dyn Store) -> Result<Vec<KeptCheckpoint>, KeptError> {
    let kept = store.entries(STREAM_CHECKPOINTS)?.into_iter().zip(1..);
    let kept = kept.map(|(entry, number)| {
        let read: Option<KeptCheckpoint> = serde_json::from_value(entry).ok();
        read.filter(|kept| kept.note.len() <= NOTE_BYTES_MAX).ok_or(KeptError::Damaged(number))
    });
    kept.collect()
}

/// Signs what the ledger is like, and keeps it. What was signed of as many entries before is given again, and where somebody
/// else has signed more meanwhile, the ledger is looked at anew.
///
/// # Errors
/// The ledger is not what an earlier checkpoint says of it, one that is kept is of another key, or the store cannot be used.
pub fn sign_checkpoint(
    store: &dyn Store,
    journal: &Journal,
    key: &SecretKey,
    now: Timestamp,
) -> Result<String, SigningError> {
    let mut fresh = None;
    for _ in 0..CONFLICT_COUNT_MAX {
        let journal = fresh.as_ref().unwrap_or(journal);
        let kept = checkpoints(store)?;
        let signed = kept.iter().zip(1..).map(|(kept, number)| {
            let read = Checkpoint::read(&kept.note, key.public());
            read.map(|(checkpoint, _)| checkpoint).map_err(|source| SigningError::Other { number, source })
        });
        let signed = signed.collect::<Result<Vec<Checkpoint>, SigningError>>()?;
        if let Err(faults) = check(journal.tree(), &signed) {
            // Nothing is wrong with a ledger that has grown since it was looked at.
            let now = look(store)?.journal;
            if now.size() <= journal.size() {
                return Err(SigningError::Faults(faults));
            }
            fresh = Some(now);
            continue;
        }
        let same = kept.iter().zip(&signed).find(|(_, checkpoint)| checkpoint.size() == journal.size());
        if let Some((kept, _)) = same {
            return Ok(kept.note.clone());
        }
        let note = Checkpoint::signed(journal.size(), journal.root(), key).map_err(SigningError::Key)?;
        let entry = serde_json::json!({ "at": now, "note": note });
        match store.append(STREAM_CHECKPOINTS, kept.len(), &entry) {
            Ok(()) => return Ok(note),
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(KeptError::Store(error).into()),
        }
    }
    Err(SigningError::Busy)
}
