//! What somebody says of an incident: that they have it, what it was, that it is over.
//!
//! **Invariant:** an answer is kept only for the incident as it was looked at; where somebody else has come between, it is looked
//! at again. An incident is not closed while there are sign-ins of which nobody was told.
//! **Limits:** [`ANSWER_COUNT_MAX`].

use super::incident::{Entry, EntryError, Incident};
use super::taking::stream_of;
use crate::journal::{LineError, check_line};
use crate::ports::{Batch, ExpectedIncident, StoreError, WatchStore};

/// How often somebody else may be faster before it is given up for the time being.
pub const ANSWER_COUNT_MAX: usize = 100;

/// Why nothing was written down.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// There is no such incident.
    #[error("there is no incident {0}")]
    None(u64),
    /// What is remembered of it makes no sense.
    #[error("what is remembered of incident {number} cannot be used: {why}")]
    Damaged {
        /// Which.
        number: u64,
        /// Why.
        why: String,
    },
    /// It cannot follow.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The ledger could not take it.
    #[error(transparent)]
    Line(#[from] LineError),
    /// The place is of no use, or others were faster all the time.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Everything that is remembered of an incident, in its order, and how it stands by that.
///
/// # Errors
/// There is none, or it makes no sense.
pub fn entries(store: &dyn WatchStore, number: u64) -> Result<(Vec<Entry>, Incident), AnswerError> {
    let values = store.entries(&stream_of(number))?;
    if values.is_empty() {
        return Err(AnswerError::None(number));
    }
    let damaged = |why: String| AnswerError::Damaged { number, why };
    let entries: Result<Vec<Entry>, _> = values.into_iter().map(serde_json::from_value).collect();
    let entries = entries.map_err(|error| damaged(error.to_string()))?;
    let incident = Incident::of(&entries).map_err(|error| damaged(error.to_string()))?;
    Ok((entries, incident))
}

/// Writes down what somebody says, which `say` makes of the incident as it stands.
///
/// # Errors
/// There is no such incident, or it cannot follow; nothing was written down.
pub fn answer(
    store: &dyn WatchStore,
    number: u64,
    mut say: impl FnMut(&Incident) -> Entry,
) -> Result<Incident, AnswerError> {
    let stream = stream_of(number);
    let mut last_conflict = None;
    for _ in 0..ANSWER_COUNT_MAX {
        let (before, mut incident) = entries(store, number)?;
        let length = before.len();
        let last = store.behind(&stream, 0)?.last.unwrap_or(0);
        let entry = say(&incident);
        if matches!(entry, Entry::Closed { .. }) && last > incident.covered() {
            return Err(EntryError::NotTold.into());
        }
        incident.add(&entry)?;
        let value =
            serde_json::to_value(&entry).map_err(|error| AnswerError::Damaged { number, why: error.to_string() })?;
        check_line((&stream, length), &value)?;
        let expected = ExpectedIncident { incident: stream.clone(), length, last };
        let batch =
            Batch { expected: vec![expected], entries: vec![(stream.clone(), length, value)], ..Batch::default() };
        match store.keep(&batch) {
            Ok(()) => return Ok(incident),
            Err(error @ StoreError::Conflict { .. }) => last_conflict = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    Err(last_conflict.unwrap_or(StoreError::Conflict { stream }).into())
}
