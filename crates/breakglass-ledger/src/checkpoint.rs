//! Checkpoints: the size and the root of a log, signed.
//!
//! **Source:** C2SP tlog-checkpoint.

use jiff::Timestamp;

use crate::hash::Hash;
use crate::note::{Note, NoteError, PublicKey, SecretKey};

/// Why a note is no checkpoint of a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It is not signed by whom it has to be.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// What is signed is no checkpoint.
    #[error("what is signed is no checkpoint: {0}")]
    Malformed(&'static str),
    /// It is of another log.
    #[error("it is a checkpoint of the log `{found}`, and not of `{wanted}`")]
    OtherLog {
        /// The log that it is of.
        found: String,
        /// The one that was meant.
        wanted: String,
    },
}

/// What a log was like at one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: the name of its key.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }

    /// The note, signed by the log; its name is the origin.
    #[must_use]
    pub fn signed(size: u64, root: Hash, key: &SecretKey) -> String {
        let text = Self { origin: key.public().name().to_owned(), size, root }.text();
        format!("{text}\n{}", key.line(&text, Timestamp::UNIX_EPOCH))
    }

    /// Reads a note that the log with this key has signed.
    ///
    /// # Errors
    /// It is no checkpoint, of another log, or not signed.
    pub fn read(written: &str, key: &PublicKey) -> Result<(Self, Note), CheckpointError> {
        let note = Note::read(written)?;
        let found = Self::of_text(note.signed_by(key)?)?;
        if found.origin == key.name() {
            Ok((found, note))
        } else {
            Err(CheckpointError::OtherLog { found: found.origin, wanted: key.name().to_owned() })
        }
    }

    fn of_text(text: &str) -> Result<Self, CheckpointError> {
        let malformed = CheckpointError::Malformed;
        let mut lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(malformed("it has fewer than three lines"));
        };
        // Lines that extend it may say what we do not know; a log of ours has none.
        if lines.next().is_some() {
            return Err(malformed("it has more than three lines"));
        }
        let is_plain = size == "0" || !size.starts_with('0') && size.bytes().all(|digit| digit.is_ascii_digit());
        let size = size.parse().ok().filter(|_| is_plain).ok_or(malformed("its size is no number"))?;
        let root = Hash::read(root).ok_or(malformed("its root is no hash"))?;
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}
