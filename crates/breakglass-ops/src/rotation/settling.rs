//! What follows a proof when enough time has passed: it is settled, and what can count no more is destroyed.
//!
//! **Invariant:** nothing is settled before the directory says that the password is as old as it was at the proof, to the
//! second, and not while another that was sent could have come after it: what was sent long ago could have been carried out
//! late, and bring an old password back. A document is destroyed only if the
//! record allows it, and only after that is written down.

use breakglass_custody::name::Name;
use jiff::Timestamp;
use serde_json::Value;

use super::journey::{RotationError, course_of, note};
use super::record::Entry;
use crate::ports::{Depository, DepositoryError, Directory, DirectoryError, GraphRequest, Store};

/// What was found, and done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settling {
    /// Nothing is due.
    Nothing,
    /// The password that was proved is the one that counts, and nothing may change that any more.
    Settled(Name),
    /// Another password that was sent before it could still be carried out when it was sent, and may have come after it: what
    /// counts is one of the two. Another rotation settles it.
    Contested {
        /// The document of the other.
        other: Name,
    },
    /// Not before then.
    Quiet {
        /// When.
        until: Timestamp,
    },
    /// The directory says that the password was changed after it was proved.
    Changed {
        /// When it was proved.
        proved_at: Timestamp,
        /// When it was changed.
        changed_at: Timestamp,
    },
    /// The directory does not say when the password was changed.
    Unknown(String),
}

/// Settles what is proved, if enough time has passed.
///
/// # Errors
/// The record cannot be read or written.
pub async fn settle(
    (directory, store): (&dyn Directory, &dyn Store),
    account: &str,
    quiescence_hours: u16,
    now: Timestamp,
) -> Result<Settling, RotationError> {
    let (course, _) = course_of(store, account)?;
    let (Some(candidate), Some(proved_at)) = (course.proved(), course.proved_at()) else {
        return Ok(Settling::Nothing);
    };
    if let Some(other) = course.rival(quiescence_hours) {
        return Ok(Settling::Contested { other: other.clone() });
    }
    if course.settleable(quiescence_hours, now).is_none() {
        let until = course.quiet_at(quiescence_hours).unwrap_or(now);
        return Ok(Settling::Quiet { until });
    }
    let Some(known) = course.changed_at() else {
        let why = "the tenant did not say, after the proof, when the password was changed: rotate it again".to_owned();
        return Ok(Settling::Unknown(why));
    };
    let changed_at = match last_change(directory, account).await {
        Ok(Some(changed_at)) => changed_at,
        Ok(None) => {
            return Ok(Settling::Unknown("the tenant does not say when the password was changed".to_owned()));
        }
        Err(error) => return Ok(Settling::Unknown(error.to_string())),
    };
    if changed_at != known {
        return Ok(Settling::Changed { proved_at, changed_at });
    }
    let candidate = candidate.clone();
    note(store, account, &[Entry::Settled { candidate: candidate.clone(), at: now }])?;
    Ok(Settling::Settled(candidate))
}

/// When the password of an account was changed last, if the directory says so.
///
/// **Source:** `lastPasswordChangeDateTime` of the resource type user, Graph's reference.
pub(super) async fn last_change(directory: &dyn Directory, account: &str) -> Result<Option<Timestamp>, DirectoryError> {
    let target = format!("/v1.0/users/{account}?$select=id,lastPasswordChangeDateTime");
    Ok(moment(&directory.send(&GraphRequest::get(target)).await?.body))
}

fn moment(user: &[u8]) -> Option<Timestamp> {
    let user: Value = serde_json::from_slice(user).ok()?;
    user.get("lastPasswordChangeDateTime")?.as_str()?.parse().ok()
}

/// What became of documents that can count no more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Destroyed {
    /// Those that are in no depository any more.
    pub gone: Vec<Name>,
    /// Why others may be in one still: the first that was said.
    pub left: Option<DepositoryError>,
}

/// Destroys the documents that can count no more, and says which.
///
/// # Errors
/// The record cannot be read or written. What a depository does not destroy is tried again the next time.
pub async fn destroy_superseded(
    (depository, store): (&dyn Depository, &dyn Store),
    account: &str,
    now: Timestamp,
) -> Result<Destroyed, RotationError> {
    let (course, _) = course_of(store, account)?;
    let mut destroyed = Destroyed::default();
    // What a crash left behind is destroyed as well.
    for candidate in course.destroyed() {
        let refusal = depository.destroy(candidate).await.err();
        destroyed.left = destroyed.left.or(refusal);
    }
    let candidates: Vec<Name> = course.destroyable().cloned().collect();
    for candidate in candidates {
        note(store, account, &[Entry::Destroyed { candidate: candidate.clone(), at: now }])?;
        match depository.destroy(&candidate).await {
            Ok(()) => destroyed.gone.push(candidate),
            Err(refusal) => destroyed.left = destroyed.left.or(Some(refusal)),
        }
    }
    Ok(destroyed)
}
