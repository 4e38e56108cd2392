//! Several depositories as one: a document is kept in each, and read from the first that has it.

use std::collections::BTreeSet;

use async_trait::async_trait;
use breakglass_custody::name::Name;

use crate::ports::{Depository, DepositoryError};

/// All depositories of a tenant. `keep` is done when each of them has the document; what one of them says, it says with its
/// place.
pub struct Depositories(Vec<Box<dyn Depository>>);

impl Depositories {
    /// Those; the first is read first.
    #[must_use]
    pub const fn new(all: Vec<Box<dyn Depository>>) -> Self {
        Self(all)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Depository> {
        self.0.iter().map(AsRef::as_ref)
    }
}

#[async_trait]
impl Depository for Depositories {
    fn place(&self) -> String {
        self.0.iter().map(|one| one.place()).collect::<Vec<_>>().join(", ")
    }

    async fn keep(&self, name: &Name, text: &str) -> Result<(), DepositoryError> {
        for one in &self.0 {
            one.keep(name, text).await?;
        }
        Ok(())
    }

    /// The first that is found; that a place does not answer matters only if no other has it.
    async fn read(&self, name: &Name) -> Result<Option<String>, DepositoryError> {
        let mut refusal = None;
        for one in &self.0 {
            match one.read(name).await {
                Ok(Some(text)) => return Ok(Some(text)),
                Ok(None) => {}
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        refusal.map_or(Ok(None), Err)
    }

    async fn names(&self) -> Result<Vec<Name>, DepositoryError> {
        let mut all = BTreeSet::new();
        for one in &self.0 {
            all.extend(one.names().await?);
        }
        Ok(all.into_iter().collect())
    }

    /// Everywhere, even if one of them does not answer: that is told then.
    async fn destroy(&self, name: &Name) -> Result<(), DepositoryError> {
        let mut told = Ok(());
        for one in &self.0 {
            told = told.and(one.destroy(name).await);
        }
        told
    }
}

/// A depository that cannot be asked at all, and says why: what others have is opened without it.
pub struct Unusable {
    /// The place.
    pub place: String,
    /// Why.
    pub why: String,
}

impl Unusable {
    fn refused<T>(&self) -> Result<T, DepositoryError> {
        Err(DepositoryError::Refused { place: self.place.clone(), why: self.why.clone() })
    }
}

#[async_trait]
impl Depository for Unusable {
    fn place(&self) -> String {
        self.place.clone()
    }

    async fn keep(&self, _: &Name, _: &str) -> Result<(), DepositoryError> {
        self.refused()
    }

    async fn read(&self, _: &Name) -> Result<Option<String>, DepositoryError> {
        self.refused()
    }

    async fn names(&self) -> Result<Vec<Name>, DepositoryError> {
        self.refused()
    }

    async fn destroy(&self, _: &Name) -> Result<(), DepositoryError> {
        self.refused()
    }
}
