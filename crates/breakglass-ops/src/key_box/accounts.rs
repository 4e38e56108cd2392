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

/// Ids of accounts that another took the place of, and whether each is known to be deleted.
///
/// # Errors
/// They cannot be read, or are none.
pub fn replaced(store: &dyn Store) -> Result<BTreeMap<String, bool>, StoreError> {
    let unusable = |why: String| StoreError::Unusable { place: STREAM.to_owned(), why };
    let mut found = BTreeMap::new();
    for value in store.entries(STREAM)? {
        match serde_json::from_value(value).map_err(|error| unusable(error.to_string()))? {
            Entry::Replaced { account, .. } => {
                found.entry(account).or_insert(false);
            }
            Entry::Deleted { account, .. } => {
                found.insert(account, true);
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
