//! The witness: somebody else, on another machine, who remembers the last checkpoint and signs no other past for it.
//!
//! **Invariant:** what a witness remembers is written down before it signs, by whoever keeps it, and only in place of what
//! it remembered when it decided; of two that decide at once one is told to begin again.
//! **Source:** C2SP tlog-witness and tlog-cosignature.

use jiff::Timestamp;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::hash::Hash;
use crate::note::{NoteError, PublicKey, SecretKey};
use crate::tree::{PROOF_HASH_COUNT_MAX, ProofError, check_consistency};

/// Why a witness does not sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessRefusal {
    /// It is no checkpoint of the log.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// It is older than the one that is remembered, which proves nothing: it may be an honest copy from before, or the log
    /// was cut off.
    #[error("it has {found} entries, and {seen} were seen: it is older than what is known, or the log was cut off")]
    Older {
        /// Entries of the checkpoint.
        found: u64,
        /// Entries that were seen.
        seen: u64,
    },
    /// It has the same size and is another: two logs are shown to two people.
    #[error("another log of {0} entries was seen: the log was forked")]
    Forked(u64),
    /// It is not proved that it only grew.
    #[error("it is not proved that the {seen} entries that were seen are still there as they were")]
    NotGrown {
        /// Entries that were seen.
        seen: u64,
        /// What is wrong with the proof.
        #[source]
        source: ProofError,
    },
    /// The proof is too long.
    #[error("the proof has more than {PROOF_HASH_COUNT_MAX} hashes")]
    LongProof,
}

/// What a witness remembers of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Entries.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// What a witness has to remember before it signs, and what it signs then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// To be remembered in place of what was.
    pub seen: Seen,
    text: String,
    /// The text with the log's signature and no other.
    note: String,
}

/// Looks at a checkpoint, with the proof that the log grew since the one that is remembered. Where nothing is remembered
/// it is believed, and the proof is empty. The one that is remembered is taken again, whatever the proof: whoever asks may
/// have lost the answer.
///
/// # Errors
/// It is not signed by the log, older, another of the same size, or the proof does not hold.
pub fn accept(seen: Option<Seen>, note: &str, log: &PublicKey, proof: &[Hash]) -> Result<Accepted, WitnessRefusal> {
    let (checkpoint, note) = Checkpoint::read(note, log)?;
    if proof.len() > PROOF_HASH_COUNT_MAX {
        return Err(WitnessRefusal::LongProof);
    }
    let now = Seen { size: checkpoint.size(), root: checkpoint.root() };
    let remembered = seen;
    let seen = seen.unwrap_or(Seen { size: 0, root: Hash::of_nothing() });
    if now.size < seen.size {
        return Err(WitnessRefusal::Older { found: now.size, seen: seen.size });
    }
    if now.size == seen.size && now.root != seen.root {
        return Err(WitnessRefusal::Forked(now.size));
    }
    let accepted = Accepted { seen: now, text: note.unconfirmed().to_owned(), note: note.only(log) };
    if remembered == Some(now) {
        return Ok(accepted);
    }
    let grown = check_consistency((seen.size, seen.root), (now.size, now.root), proof);
    grown.map_err(|source| WitnessRefusal::NotGrown { seen: seen.size, source })?;
    Ok(accepted)
}

impl Accepted {
    /// The checkpoint with the signature of the log and no other: what is written down, so that it can be shown to somebody
    /// else who holds another.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }

    /// The checkpoint with the signature of the log and the witness's below it; those of others are with the log. What is
    /// to be remembered has to be written down by then.
    ///
    /// # Errors
    /// The key is none of a witness, or the time is before 1970.
    pub fn cosigned(&self, key: &SecretKey, at: Timestamp) -> Result<String, NoteError> {
        Ok(format!("{}{}", self.note, key.cosignature(&self.text, at)?))
    }
}
