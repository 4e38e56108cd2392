//! A log in which sign-ins of emergency accounts stand.

use async_trait::async_trait;
use breakglass_custody::name::Name;
use jiff::Timestamp;
use serde_json::Value;

use crate::watching::event::Event;

/// A piece of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct SourcePage {
    /// Sign-ins of accounts that are watched.
    pub events: Vec<Event>,
    /// Where it goes on, once these are kept.
    pub cursor: Value,
    /// Whether there is more to be read at once.
    pub has_more: bool,
    /// What could not be read, for people: it is told, and everything else is watched all the same.
    pub findings: Vec<String>,
}

/// Nothing was read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct SourceError {
    /// Why, for people.
    pub why: String,
}

/// A log.
///
/// It tells everything at least once, in any order. Whoever reads keeps what a page has together with its cursor, and comes
/// back with that; with an older one the same is told again.
#[async_trait]
pub trait EventSource: Send + Sync {
    /// What it is called.
    fn name(&self) -> &Name;

    /// What comes behind a cursor, or what there is where none is.
    ///
    /// # Errors
    /// Nothing was read; the same again may be.
    async fn read(&self, cursor: Option<&Value>, now: Timestamp) -> Result<SourcePage, SourceError>;
}
