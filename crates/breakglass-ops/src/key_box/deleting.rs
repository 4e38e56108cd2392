//! An account that another has taken the place of is deleted.
//!
//! **Invariant:** that it is to be deleted is written down before the tenant is asked. It is said to be deleted where the tenant
//! has said so, or does not have it any more; and not to be where the tenant has refused for certain. Whatever lies between is
//! unknown: an answer that was lost, a copy of the directory that has it still, a look that nobody answered.
//! **Limit:** [`DELETE_AGAIN_SECONDS`].
//! **Source:** "Delete a user" of Graph's reference: the user is moved elsewhere, and can be restored for thirty days. That it is
//! not found by its id meanwhile, and that copies of the directory learn of it one after the other, is from memory.

use std::time::Duration;

use breakglass_custody::document::Account;

use super::accounts::{Entry, note};
use crate::ports::{Clock, Directory, DirectoryError, GraphRequest, Method, Repeat, Store, StoreError};

/// Seconds before each time but the first that the tenant is asked to delete an account, where it has it still and nobody knows
/// what came of the times before. It is looked at after each.
pub const DELETE_AGAIN_SECONDS: [u64; 3] = [2, 5, 10];

/// Whether the tenant has an account, as the copy of the directory says that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// It has.
    There,
    /// It has not: it was deleted.
    Gone,
    /// Nobody says.
    Unknown(DirectoryError),
}

/// Why an account is not deleted, or nobody knows.
#[derive(Debug, thiserror::Error)]
pub enum DeletingError {
    /// The tenant was not asked.
    #[error("that it is to be deleted cannot be written down, and the tenant was not asked")]
    NotBegun(#[source] StoreError),
    /// It is there, and stays there.
    #[error("the tenant has not deleted it")]
    Undone(#[source] DirectoryError),
    /// It may be deleted, or be deleted later.
    #[error("whether the tenant has deleted it is not known")]
    Unknown(#[source] DirectoryError),
    /// It is deleted.
    #[error("the tenant has deleted it, and that cannot be written down")]
    NotNoted(#[source] StoreError),
}

/// Whether the tenant has an account, by its id. A copy of the directory may have one for a while that is deleted.
pub async fn presence(directory: &dyn Directory, account: &str) -> Presence {
    match directory.send(&GraphRequest::get(format!("/v1.0/users/{account}?$select=id"))).await {
        Ok(_) => Presence::There,
        Err(error) if error.is_not_found() => Presence::Gone,
        Err(error) => Presence::Unknown(error),
    }
}

/// Deletes an account whose place another has taken, whose id is given, and writes down before and after what is so.
///
/// # Errors
/// It is not deleted, nobody knows whether it is, or that cannot be written down. The same again goes on.
pub async fn delete_replaced(
    (directory, store, clock): (&dyn Directory, &dyn Store, &dyn Clock),
    (old, new): (&Account, &str),
) -> Result<(), DeletingError> {
    let (account, name, by) = (old.id.clone(), Some(old.user_principal_name.clone()), new.to_owned());
    note(store, &Entry::Replaced { account, name, by, at: clock.now() }).map_err(DeletingError::NotBegun)?;
    delete(directory, clock, &old.id).await?;
    let entry = Entry::Deleted { account: old.id.clone(), at: clock.now() };
    note(store, &entry).map_err(DeletingError::NotNoted)
}

async fn delete(directory: &dyn Directory, clock: &dyn Clock, account: &str) -> Result<(), DeletingError> {
    // What became of each request is to be known here, so that none is sent again by itself.
    let request = GraphRequest {
        method: Method::Delete,
        repeat: Repeat::IfUndone,
        ..GraphRequest::get(format!("/v1.0/users/{account}"))
    };
    let mut waits = DELETE_AGAIN_SECONDS.into_iter();
    let mut doubt = None;
    loop {
        let Err(error) = directory.send(&request).await else { return Ok(()) };
        // That it is not found may be since it was done before, or since a copy knows it no more and another does.
        let is_certain = !error.may_be_done() && !error.is_not_found();
        let first = match doubt {
            None if is_certain => return Err(DeletingError::Undone(error)),
            None => error,
            // After one that may have been carried out a refusal tells nothing.
            Some(first) => first,
        };
        match presence(directory, account).await {
            Presence::Gone => return Ok(()),
            Presence::Unknown(why) => return Err(DeletingError::Unknown(why)),
            Presence::There => {}
        }
        let Some(seconds) = waits.next() else { return Err(DeletingError::Unknown(first)) };
        doubt = Some(first);
        clock.sleep(Duration::from_secs(seconds)).await;
    }
}
