//! Where the parts of something long are kept until it is whole, so that whoever is stopped goes on.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Cursor};
use std::sync::{Mutex, PoisonError};

/// The parts cannot be kept, or not be read.
#[derive(Debug, thiserror::Error)]
#[error("what was read so far cannot be kept in `{place}`")]
pub struct PartsError {
    /// Where.
    pub place: String,
    /// The reason.
    #[source]
    pub source: io::Error,
}

/// Named parts that grow. What `append` has taken is there after a crash; what it was taking may be there by half.
pub trait Parts: Send + Sync {
    /// Adds to the end of a part.
    ///
    /// # Errors
    /// There is no room, or the place is not writable.
    fn append(&self, part: &str, bytes: &[u8]) -> Result<(), PartsError>;

    /// A part from its beginning; `None` if nothing was ever added to it.
    ///
    /// # Errors
    /// The place is not readable.
    fn open(&self, part: &str) -> Result<Option<Box<dyn BufRead + Send>>, PartsError>;

    /// Removes every part.
    ///
    /// # Errors
    /// The place is not writable.
    fn clear(&self) -> Result<(), PartsError>;
}

/// Parts that are gone with the process.
#[derive(Debug, Default)]
pub struct InMemoryParts(Mutex<BTreeMap<String, Vec<u8>>>);

impl Parts for InMemoryParts {
    fn append(&self, part: &str, bytes: &[u8]) -> Result<(), PartsError> {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts.entry(part.to_owned()).or_default().extend_from_slice(bytes);
        Ok(())
    }

    fn open(&self, part: &str) -> Result<Option<Box<dyn BufRead + Send>>, PartsError> {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(parts.get(part).map(|bytes| Box::new(Cursor::new(bytes.clone())) as _))
    }

    fn clear(&self) -> Result<(), PartsError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }
}
