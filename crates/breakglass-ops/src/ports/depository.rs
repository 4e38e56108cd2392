//! Where sealed documents are kept: a folder, a vault.
//!
//! A document is signed and encrypted, so that whoever keeps it can neither read nor change it; but it can be lost. A
//! depository therefore never puts one in another's place: names are drawn at random, and a name that is taken is an error.
//!
//! **Limit:** [`DOCUMENT_BYTES_MAX`].

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use breakglass_custody::name::Name;

/// Bytes of the longest document.
pub const DOCUMENT_BYTES_MAX: usize = 64 << 10;

/// Why a depository did not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DepositoryError {
    /// Another document has the name.
    #[error("`{place}` has another document by the name `{name}`, which stays as it is")]
    Taken {
        /// The depository.
        place: String,
        /// The name.
        name: Name,
    },
    /// It is longer than any document.
    #[error("`{name}` has {bytes} bytes, and a document has at most {DOCUMENT_BYTES_MAX}")]
    TooLarge {
        /// The name.
        name: Name,
        /// Its length.
        bytes: u64,
    },
    /// What is there is not what was kept.
    #[error("`{name}` in `{place}` is not what was put there: {why}")]
    Damaged {
        /// The depository.
        place: String,
        /// The name.
        name: Name,
        /// What is wrong.
        why: String,
    },
    /// It did nothing, and says so.
    #[error("`{place}` refuses: {why}")]
    Refused {
        /// The depository.
        place: String,
        /// The reason, and what to do.
        why: String,
    },
    /// It did not answer, or broke off: it may have done it.
    #[error("`{place}` does not answer: {why}")]
    Unanswered {
        /// The depository.
        place: String,
        /// The reason.
        why: String,
    },
}

/// A place for documents.
///
/// What `keep` and `destroy` have said yes to is so after a crash. Under a name there is a whole document or none, whatever
/// was interrupted.
#[async_trait]
pub trait Depository: Send + Sync {
    /// The place, as people know it.
    fn place(&self) -> String;

    /// Keeps a document, durably, and reads it back. The same once more is good.
    ///
    /// # Errors
    /// Another has the name, it is too long, or the place does not take it. After [`DepositoryError::Unanswered`] it may be
    /// there all the same.
    async fn keep(&self, name: &Name, text: &str) -> Result<(), DepositoryError>;

    /// A document; `None` if there is none of that name.
    ///
    /// # Errors
    /// The place cannot be read, or what is there is no text.
    async fn read(&self, name: &Name) -> Result<Option<String>, DepositoryError>;

    /// Names of all documents, sorted.
    ///
    /// # Errors
    /// The place cannot be read.
    async fn names(&self) -> Result<Vec<Name>, DepositoryError>;

    /// Takes a document away. It is no error if there is none.
    ///
    /// # Errors
    /// The place does not do it.
    async fn destroy(&self, name: &Name) -> Result<(), DepositoryError>;
}

/// Refuses what is longer than any document.
///
/// # Errors
/// It is.
pub fn check_length(name: &Name, text: &str) -> Result<(), DepositoryError> {
    if text.len() <= DOCUMENT_BYTES_MAX {
        return Ok(());
    }
    Err(DepositoryError::TooLarge { name: name.clone(), bytes: text.len() as u64 })
}

/// Documents that are gone with the process.
#[derive(Debug, Default)]
pub struct InMemoryDepository(Mutex<BTreeMap<Name, String>>);

#[async_trait]
impl Depository for InMemoryDepository {
    fn place(&self) -> String {
        "memory".to_owned()
    }

    async fn keep(&self, name: &Name, text: &str) -> Result<(), DepositoryError> {
        check_length(name, text)?;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.entry(name.clone()).or_insert_with(|| text.to_owned());
        if found == text { Ok(()) } else { Err(DepositoryError::Taken { place: self.place(), name: name.clone() }) }
    }

    async fn read(&self, name: &Name) -> Result<Option<String>, DepositoryError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned())
    }

    async fn names(&self) -> Result<Vec<Name>, DepositoryError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect())
    }

    async fn destroy(&self, name: &Name) -> Result<(), DepositoryError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        Ok(())
    }
}
