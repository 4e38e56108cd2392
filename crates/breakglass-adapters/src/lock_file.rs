//! A file that one process holds at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use crate::file_parts::private;

/// Held as long as it is there; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct LockFile {
    _file: File,
}

/// Why it is not held.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("another process is at work")]
    Held,
    /// It cannot be made or locked.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl LockFile {
    /// Takes it, without waiting; the file is made if it is not there, for its owner alone, and stays.
    ///
    /// # Errors
    /// Another process holds it, or the file cannot be made.
    pub fn take(path: &Path) -> Result<Self, LockError> {
        let file = private(OpenOptions::new().write(true).create(true).truncate(false)).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}
