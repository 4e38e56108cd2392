//! What follows a proof when enough time has passed: it is settled, and what can count no more is destroyed.
//!
//! **Invariant:** nothing is settled before the directory says that the password was not changed after the proof: what was
//! sent long ago could have been carried out late, and bring an old password back. A document is destroyed only if the
//! record allows it, and only after that is written down.

use breakglass_custody::name::Name;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::journey::{RotationError, course_of, note};
use super::leave::CLOCK_SECONDS_MAX;
use super::record::Entry;
use crate::ports::{Depository, Directory, GraphRequest, Store};

/// What was found, and done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settling {
    /// Nothing is due.
    Nothing,
    /// The password that was proved is the one that counts, and nothing may change that any more.
    Settled(Name),
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
    if course.settleable(quiescence_hours, now).is_none() {
        let until = course.quiet_at(quiescence_hours).unwrap_or(now);
        return Ok(Settling::Quiet { until });
    }
    let target = format!("/v1.0/users/{account}?$select=id,lastPasswordChangeDateTime");
    let changed_at = match directory.send(&GraphRequest::get(target)).await {
        Ok(answer) => moment(&answer.body),
        Err(error) => return Ok(Settling::Unknown(error.to_string())),
    };
    let Some(changed_at) = changed_at else {
        return Ok(Settling::Unknown("the tenant does not say when the password was changed".to_owned()));
    };
    if proved_at.duration_until(changed_at) > SignedDuration::from_secs(CLOCK_SECONDS_MAX) {
        return Ok(Settling::Changed { proved_at, changed_at });
    }
    let candidate = candidate.clone();
    note(store, account, &[Entry::Settled { candidate: candidate.clone(), at: now }])?;
    Ok(Settling::Settled(candidate))
}

fn moment(user: &[u8]) -> Option<Timestamp> {
    let user: Value = serde_json::from_slice(user).ok()?;
    user.get("lastPasswordChangeDateTime")?.as_str()?.parse().ok()
}

/// Destroys the documents that can count no more, and says which.
///
/// # Errors
/// The record cannot be read or written. What a depository does not destroy is tried again the next time.
pub async fn destroy_superseded(
    (depository, store): (&dyn Depository, &dyn Store),
    account: &str,
    now: Timestamp,
) -> Result<Vec<Name>, RotationError> {
    let (course, _) = course_of(store, account)?;
    // What a crash left behind is destroyed as well.
    for candidate in course.destroyed() {
        drop(depository.destroy(candidate).await);
    }
    let candidates: Vec<Name> = course.destroyable().cloned().collect();
    for candidate in &candidates {
        note(store, account, &[Entry::Destroyed { candidate: candidate.clone(), at: now }])?;
        drop(depository.destroy(candidate).await);
    }
    Ok(candidates)
}
