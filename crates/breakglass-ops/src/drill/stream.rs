//! Where the entries of drills are kept.

use serde_json::Value;

use super::record::{Course, Entry, EntryError};
use crate::journal::{LineError, check_line};
use crate::ports::{Store, StoreError};

/// What the names of streams begin with; behind it the id of the account.
pub const PREFIX: &str = "drill/";

/// Why nothing is written down, or cannot be looked up.
#[derive(Debug, thiserror::Error)]
pub enum DrillStreamError {
    /// The place is of no use, or somebody else wrote at the same time.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is there makes no sense.
    #[error("what is remembered of the drills of `{account}` cannot be used: entry {number}: {why}")]
    Damaged {
        /// The account.
        account: String,
        /// Which entry, from 1.
        number: usize,
        /// Why.
        why: String,
    },
    /// It cannot follow.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The ledger could not take it.
    #[error(transparent)]
    Line(#[from] LineError),
}

/// Where the record of an account is kept.
#[must_use]
pub fn stream_of(account: &str) -> String {
    format!("{PREFIX}{account}")
}

/// How the drills of an account stand, and how many entries there are.
///
/// # Errors
/// What is remembered cannot be read, or makes no sense.
pub fn course_of(store: &dyn Store, account: &str) -> Result<(Course, usize), DrillStreamError> {
    let values = store.entries(&stream_of(account))?;
    let length = values.len();
    let mut course = Course::default();
    for (number, value) in (1..).zip(values) {
        let damaged = |why: String| DrillStreamError::Damaged { account: account.to_owned(), number, why };
        let entry: Entry = serde_json::from_value::<Entry>(value).map_err(|error| damaged(error.to_string()))?;
        course.add(&entry).map_err(|error| damaged(error.to_string()))?;
    }
    Ok((course, length))
}

/// Whether an entry could be written down now, as [`note`] does it. Nothing is.
///
/// # Errors
/// As [`note`]; or what is remembered cannot be read, or makes no sense.
pub fn check(store: &dyn Store, account: &str, entry: &Entry) -> Result<(), DrillStreamError> {
    let (mut course, length) = course_of(store, account)?;
    course.add(entry)?;
    let value = written(account, length, entry)?;
    Ok(check_line((&stream_of(account), length), &value)?)
}

fn written(account: &str, length: usize, entry: &Entry) -> Result<Value, DrillStreamError> {
    serde_json::to_value(entry).map_err(|error| DrillStreamError::Damaged {
        account: account.to_owned(),
        number: length + 1,
        why: error.to_string(),
    })
}

/// Writes an entry down behind those that `course` and `length` are of, and takes it into them.
///
/// # Errors
/// It cannot follow them, or somebody else has written one meanwhile. Nothing is changed.
pub fn note(
    store: &dyn Store,
    account: &str,
    (course, length): (&mut Course, &mut usize),
    entry: &Entry,
) -> Result<(), DrillStreamError> {
    let mut next = course.clone();
    next.add(entry)?;
    let value = written(account, *length, entry)?;
    check_line((&stream_of(account), *length), &value)?;
    store.append(&stream_of(account), *length, &value)?;
    (*course, *length) = (next, *length + 1);
    Ok(())
}
