//! What the product remembers: streams of entries that grow and never change.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// Why nothing can be remembered, or not be looked up.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else has added to the stream meanwhile.
    #[error("somebody else works on `{stream}` at the same time")]
    Conflict {
        /// The stream.
        stream: String,
    },
    /// The disk takes no more. What was written before is kept.
    #[error("no room is left on the disk for the state in `{place}`: make room there, then the same again")]
    Full {
        /// Where it is kept.
        place: String,
    },
    /// The place is not to be written by whoever asks.
    #[error(
        "the state in `{place}` cannot be written by whoever runs this: it belongs to somebody else, or is only to be read"
    )]
    NotWritable {
        /// Where it is kept.
        place: String,
    },
    /// The place does not do what it should.
    #[error("the state in `{place}` cannot be used: {why}")]
    Unusable {
        /// Where it is kept.
        place: String,
        /// The reason.
        why: String,
    },
}

/// Streams of entries.
///
/// An entry that `append` has taken is there after a crash, and of two who append at the same place one is refused.
pub trait Store: Send + Sync {
    /// Adds an entry to a stream that has `at` entries so far.
    ///
    /// # Errors
    /// The stream has another number of entries, or the place is not writable.
    fn append(&self, stream: &str, at: usize, entry: &Value) -> Result<(), StoreError>;

    /// Every entry of a stream, in order; none if there is no such stream.
    ///
    /// # Errors
    /// The place is not readable.
    fn entries(&self, stream: &str) -> Result<Vec<Value>, StoreError>;

    /// Names of the streams that begin so, sorted.
    ///
    /// # Errors
    /// The place is not readable.
    fn streams(&self, prefix: &str) -> Result<Vec<String>, StoreError>;
}

/// Streams that are gone with the process.
#[derive(Debug, Default)]
pub struct InMemoryStore(Mutex<BTreeMap<String, Vec<Value>>>);

impl Store for InMemoryStore {
    fn append(&self, stream: &str, at: usize, entry: &Value) -> Result<(), StoreError> {
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = streams.entry(stream.to_owned()).or_default();
        if entries.len() != at {
            return Err(StoreError::Conflict { stream: stream.to_owned() });
        }
        entries.push(entry.clone());
        Ok(())
    }

    fn entries(&self, stream: &str) -> Result<Vec<Value>, StoreError> {
        let streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(streams.get(stream).cloned().unwrap_or_default())
    }

    fn streams(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(streams.keys().filter(|name| name.starts_with(prefix)).cloned().collect())
    }
}
