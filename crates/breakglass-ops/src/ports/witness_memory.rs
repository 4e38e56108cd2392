//! What a witness remembers of the logs of others.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What is remembered cannot be had, or nothing can be remembered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what the witness remembers in `{place}` cannot be used: {why}")]
pub struct WitnessMemoryError {
    /// Where it is kept.
    pub place: String,
    /// The reason.
    pub why: String,
}

/// The last checkpoint of each log, by the text of the log's public key.
///
/// What `exchange` has taken is there after a crash, and of two who exchange the same for something else one is refused.
pub trait WitnessMemory: Send + Sync {
    /// The checkpoint of a log that is remembered; `None` if the log was never seen.
    ///
    /// # Errors
    /// The place is not readable, or what is there is damaged. That is never taken for a log that was never seen.
    fn remembered(&self, log: &str) -> Result<Option<String>, WitnessMemoryError>;

    /// Remembers a checkpoint in place of the one that was remembered; says whether that was so still.
    ///
    /// # Errors
    /// The place is not writable, or what is there is damaged.
    fn exchange(&self, log: &str, was: Option<&str>, now: &str) -> Result<bool, WitnessMemoryError>;

    /// Keeps two checkpoints of a log that do not go together, and says where. The same two are kept once.
    ///
    /// # Errors
    /// The place is not writable.
    fn keep_evidence(&self, log: &str, seen: &str, refused: &str) -> Result<String, WitnessMemoryError>;
}

/// A memory that is gone with the process.
#[derive(Debug, Default)]
pub struct InMemoryWitness(Mutex<BTreeMap<String, String>>);

impl WitnessMemory for InMemoryWitness {
    fn remembered(&self, log: &str) -> Result<Option<String>, WitnessMemoryError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(log).cloned())
    }

    fn exchange(&self, log: &str, was: Option<&str>, now: &str) -> Result<bool, WitnessMemoryError> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.get(log).map(String::as_str) != was {
            return Ok(false);
        }
        seen.insert(log.to_owned(), now.to_owned());
        Ok(true)
    }

    fn keep_evidence(&self, _: &str, _: &str, _: &str) -> Result<String, WitnessMemoryError> {
        Ok("memory".to_owned())
    }
}
