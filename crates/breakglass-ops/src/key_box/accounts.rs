//! What is remembered of accounts that took the place of others.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::journal::check_line;
use crate::ports::{Store, StoreError};

/// The stream of the entries.
pub const STREAM: &str = "custody/accounts";

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase", deny_unknown_fields)]
pub enum Entry {
    /// An account is about to be deleted, since another has taken its place.
    Replaced {
        /// The id of the one that goes.
        account: String,
        /// The sign-in name that it has: whoever names it later finds it nowhere else.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// The id of the one that has come.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// The tenant has deleted it, or does not have it any more: nothing that is sealed of it counts.
    Deleted {
        /// Its id.
        account: String,
        /// When.
        at: Timestamp,
    },
}

/// An account that another took the place of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The id of the one that goes.
    pub account: String,
    /// The sign-in name that it had; `None` where nobody wrote it down.
    pub name: Option<String>,
    /// The id of the one that has come.
    pub by: String,
    /// Whether it is known to be deleted. Where it is not, the tenant was asked to, or was about to be.
    pub is_deleted: bool,
}

impl Replacement {
    /// Whether it is the account that goes that is meant by an id or a sign-in name.
    #[must_use]
    pub fn is_named(&self, named: &str) -> bool {
        let name = self.name.as_deref().unwrap_or(&self.account);
        self.account.eq_ignore_ascii_case(named) || name.eq_ignore_ascii_case(named)
    }
}

fn entries(store: &dyn Store) -> Result<Vec<Entry>, StoreError> {
    let unusable = |error: serde_json::Error| StoreError::Unusable { place: STREAM.to_owned(), why: error.to_string() };
    store.entries(STREAM)?.into_iter().map(|value| serde_json::from_value(value).map_err(unusable)).collect()
}

/// Ids of accounts that another took the place of, or that the tenant does not have any more, and whether each is known to be
/// deleted.
///
/// # Errors
/// They cannot be read, or are none.
pub fn replaced(store: &dyn Store) -> Result<BTreeMap<String, bool>, StoreError> {
    let state = |entry: Entry| match entry {
        // It was there when this was written: whoever restores one has another take its place anew.
        Entry::Replaced { account, .. } => (account, false),
        Entry::Deleted { account, .. } => (account, true),
    };
    Ok(entries(store)?.into_iter().map(state).collect())
}

/// Accounts that another took the place of, each with the last that did, the one that was replaced last at the end.
///
/// # Errors
/// They cannot be read, or are none.
pub fn replacements(store: &dyn Store) -> Result<Vec<Replacement>, StoreError> {
    let mut found: Vec<Replacement> = Vec::new();
    for entry in entries(store)? {
        match entry {
            Entry::Replaced { account, name, by, .. } => {
                found.retain(|one| one.account != account);
                found.push(Replacement { account, name, by, is_deleted: false });
            }
            Entry::Deleted { account, .. } => {
                let of_it = found.iter_mut().filter(|one| one.account == account);
                of_it.for_each(|one| one.is_deleted = true);
            }
        }
    }
    Ok(found)
}

/// Writes an entry down.
///
/// # Errors
/// The place is of no use, or somebody else has written one at the same time.
pub fn note(store: &dyn Store, entry: &Entry) -> Result<(), StoreError> {
    let length = store.entries(STREAM)?.len();
    let unusable = |why: String| StoreError::Unusable { place: STREAM.to_owned(), why };
    let value: Value = serde_json::to_value(entry).map_err(|error| unusable(error.to_string()))?;
    check_line((STREAM, length), &value).map_err(|error| unusable(error.to_string()))?;
    store.append(STREAM, length, &value)
}
