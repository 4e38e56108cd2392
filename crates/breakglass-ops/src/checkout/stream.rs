//! Where the entries of check-outs are kept, each with what was signed for it, or whose shares it took.

use std::collections::BTreeSet;

use breakglass_custody::fingerprint::Fingerprint;
use breakglass_custody::name::Name;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::record::{Course, Entry, EntryError};
use crate::journal::{LineError, check_line};
use crate::ports::{Store, StoreError};

/// What the names of streams begin with; behind it the id of the account.
pub const PREFIX: &str = "checkout/";

/// Whose shares opened a document, as far as this program has seen it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SharesUsed {
    /// The set, by the fingerprint of its recipient.
    pub set: Fingerprint,
    /// Whether it is the reserve.
    pub is_reserve: bool,
    /// The shares, from 1.
    pub shares: BTreeSet<u8>,
    /// Who was given them. That they handed them in themselves is not said.
    pub holders: BTreeSet<Name>,
}

/// An entry as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// What happened.
    pub entry: Entry,
    /// The request or the approval that a person signed, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<String>,
    /// Whose shares it took, of an opening that this program has seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<SharesUsed>,
}

/// Why nothing is written down, or cannot be looked up.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutStreamError {
    /// The place is of no use, or somebody else wrote at the same time.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is there makes no sense.
    #[error("what is remembered of the check-outs of `{account}` cannot be used: entry {number}: {why}")]
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

/// What is remembered of an account.
///
/// # Errors
/// It cannot be read, or makes no sense.
pub fn kept(store: &dyn Store, account: &str) -> Result<Vec<Kept>, CheckoutStreamError> {
    let entries = store.entries(&stream_of(account))?;
    let read = |(number, value): (usize, Value)| {
        serde_json::from_value(value).map_err(|error| CheckoutStreamError::Damaged {
            account: account.to_owned(),
            number,
            why: error.to_string(),
        })
    };
    (1..).zip(entries).map(read).collect()
}

/// How the check-outs of an account stand, and how many entries there are.
///
/// # Errors
/// What is remembered cannot be read, or makes no sense.
pub fn course_of(store: &dyn Store, account: &str) -> Result<(Course, usize), CheckoutStreamError> {
    let kept = kept(store, account)?;
    Ok((course_by(account, &kept)?, kept.len()))
}

/// An opening without a check-out that this program has seen, and of which nobody has said why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unexplained {
    /// The document.
    pub document: Name,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Whether it took shares of the reserve.
    pub is_reserve: bool,
}

/// Those of an account; of one document in the order of their times.
///
/// # Errors
/// What is remembered cannot be read, or makes no sense.
pub fn unexplained(store: &dyn Store, account: &str) -> Result<Vec<Unexplained>, CheckoutStreamError> {
    let entries = kept(store, account)?;
    let course = course_by(account, &entries)?;
    let took_reserve = |name: &Name, time: Timestamp| {
        entries.iter().any(|one| {
            let is_it = matches!(&one.entry, Entry::OpenedOffline { document, opened_at, .. } if document == name && *opened_at == time);
            is_it && one.shares.as_ref().is_some_and(|shares| shares.is_reserve)
        })
    };
    let seen = course.unexplained().map(|(document, opened_at)| Unexplained {
        document: document.clone(),
        opened_at,
        is_reserve: took_reserve(document, opened_at),
    });
    Ok(seen.collect())
}

/// How the check-outs of an account stand by its entries.
pub(super) fn course_by(account: &str, kept: &[Kept]) -> Result<Course, CheckoutStreamError> {
    let mut course = Course::default();
    for (number, one) in (1..).zip(kept) {
        course.add(&one.entry).map_err(|error| CheckoutStreamError::Damaged {
            account: account.to_owned(),
            number,
            why: error.to_string(),
        })?;
    }
    Ok(course)
}

/// Writes an entry down, with what was signed for it; the answer is its place in the stream, from 0.
///
/// # Errors
/// It cannot follow those that are there, or somebody else has written one at the same time. Nothing is changed.
pub fn note(
    store: &dyn Store,
    account: &str,
    entry: &Entry,
    signed: Option<&str>,
) -> Result<usize, CheckoutStreamError> {
    add(store, account, Kept { entry: entry.clone(), signed: signed.map(str::to_owned), shares: None })
}

/// Writes an opening down, in the one order that there is: first `note_key` writes down that the key was there, and gives the
/// entry, with those whose shares it took where this program has seen it; then the entry follows. Whoever is stopped between
/// the two has shown nothing, may open by the same request still, and nothing is sealed to that key any more.
///
/// # Errors
/// What `note_key` says, and nothing is written down behind it; or as [`note`].
pub fn note_opening<E: From<CheckoutStreamError>>(
    store: &dyn Store,
    account: &str,
    note_key: impl FnOnce() -> Result<(Entry, Option<SharesUsed>), E>,
) -> Result<usize, E> {
    let (entry, shares) = note_key()?;
    Ok(add(store, account, Kept { entry, signed: None, shares })?)
}

fn add(store: &dyn Store, account: &str, kept: Kept) -> Result<usize, CheckoutStreamError> {
    let (mut course, length) = course_of(store, account)?;
    course.add(&kept.entry)?;
    let value = serde_json::to_value(&kept).map_err(|error| CheckoutStreamError::Damaged {
        account: account.to_owned(),
        number: length + 1,
        why: error.to_string(),
    })?;
    check_line((&stream_of(account), length), &value)?;
    store.append(&stream_of(account), length, &value)?;
    Ok(length)
}

/// Accounts whose check-outs are out for too long at a time.
///
/// # Errors
/// What is remembered cannot be read, or makes no sense.
pub fn overdue(store: &dyn Store, at: Timestamp) -> Result<Vec<String>, CheckoutStreamError> {
    let mut found = Vec::new();
    for stream in store.streams(PREFIX)? {
        let account = stream.strip_prefix(PREFIX).unwrap_or_default();
        if course_of(store, account)?.0.standing(at) == super::record::Standing::Overdue {
            found.push(account.to_owned());
        }
    }
    Ok(found)
}
