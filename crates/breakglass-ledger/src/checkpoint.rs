//! Checkpoints: the size and the root of a log, signed.
//!
//! **Invariant:** there is a checkpoint as a value only if the log has signed it.
//! **Source:** C2SP tlog-checkpoint.

use crate::hash::Hash;
use crate::note::{Note, NoteError, PublicKey, SecretKey, Use};

/// Why a note is no checkpoint of a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It is not signed by whom it has to be.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// What is signed is no checkpoint.
    #[error("what is signed is no checkpoint: {0}")]
    Malformed(&'static str),
    /// It is of another log: the key has signed what is not its own.
    #[error("`{0}` has signed a checkpoint of another log; do not rely on that key before you know why")]
    OtherLog(String),
}

/// What a log was like at one size, as it has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    size: u64,
    root: Hash,
}

impl Checkpoint {
    /// The note of a log with this size and root, signed by its key; the name of the key is the origin. It has been read
    /// again.
    ///
    /// # Errors
    /// The key is one of a witness, or the root none of so many entries.
    pub fn signed(size: u64, root: Hash, key: &SecretKey) -> Result<String, CheckpointError> {
        let text = format!("{}\n{size}\n{root}\n", key.public().name());
        let written = format!("{text}\n{}", key.line(&text)?);
        Self::read(&written, key.public()).map(|_| written)
    }

    /// Reads a note that the log with this key has signed.
    ///
    /// # Errors
    /// It is no checkpoint, of another log, or not signed; or the key is one of a witness.
    pub fn read(written: &str, key: &PublicKey) -> Result<(Self, Note), CheckpointError> {
        key.is_for(Use::Notes)?;
        let note = Note::read(written)?;
        let found = Self::of_text(note.signed_by(key)?, key)?;
        Ok((found, note))
    }

    /// Entries.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root over them.
    #[must_use]
    pub const fn root(&self) -> Hash {
        self.root
    }

    fn of_text(text: &str, key: &PublicKey) -> Result<Self, CheckpointError> {
        let malformed = CheckpointError::Malformed;
        let mut lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(malformed("it has fewer than three lines"));
        };
        // Lines that extend it may say what we do not know; a log of ours has none.
        if lines.next().is_some() {
            return Err(malformed("it has more than three lines"));
        }
        if origin != key.name() {
            return Err(CheckpointError::OtherLog(key.name().to_owned()));
        }
        let is_plain = size == "0" || !size.starts_with('0') && size.bytes().all(|digit| digit.is_ascii_digit());
        let size = size.parse().ok().filter(|_| is_plain).ok_or(malformed("its size is no number"))?;
        let root = Hash::read(root).ok_or(malformed("its root is no hash"))?;
        // A witness that took another one for the beginning would never see it grow.
        if size == 0 && root != Hash::of_nothing() {
            return Err(malformed("it has no entries, and a root that is not the one of nothing"));
        }
        Ok(Self { size, root })
    }
}
