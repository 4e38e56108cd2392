//! What follows a proof when enough time has passed: it is settled, and what can count no more is destroyed.
//!
//! **Invariant:** nothing is settled while the clocks of this machine and of the tenant differ by more than
//! [`CLOCK_SECONDS_MAX`], nor before the time has passed by both: by one that is wrong what was sent a minute ago would be
//! long past. Nothing is settled before the directory says that the password is as old as it was at the proof, to the second,
//! and not while another that was sent could have come after it: what was sent long ago could have been carried out late, and
//! bring an old password back. A document is destroyed only if the record allows it, and only after that is written down.

use std::fmt;

use breakglass_custody::name::Name;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::journey::{RotationError, course_of, note};
use super::leave::CLOCK_SECONDS_MAX;
use super::record::{Course, Entry};
use crate::doctor::Clocks;
use crate::ports::{Clock, Depository, DepositoryError, Directory, DirectoryError, GraphRequest, Store};

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
    /// How much time has passed cannot be told.
    WrongClock(WrongClock),
    /// The directory does not say when the password was changed, or what time it is.
    Unknown(String),
}

/// That the clocks of this machine and of the tenant differ by more than [`CLOCK_SECONDS_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongClock {
    /// Seconds that this machine's is ahead of the tenant's, or behind where negative.
    pub seconds_ahead: i64,
}

impl fmt::Display for WrongClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.seconds_ahead.unsigned_abs() / 60;
        let (count, unit) = if minutes < 120 { (minutes, "min") } else { (minutes / 60, "h") };
        let side = if self.seconds_ahead > 0 { "ahead of" } else { "behind" };
        write!(f, "this machine's clock is {count} {unit} {side} the tenant's")
    }
}

impl std::error::Error for WrongClock {}

/// Whether two clocks agree well enough to count hours by.
///
/// # Errors
/// They do not.
pub fn agree(clocks: Clocks) -> Result<(), WrongClock> {
    let seconds_ahead = clocks.seconds_ahead();
    if seconds_ahead.abs() <= CLOCK_SECONDS_MAX { Ok(()) } else { Err(WrongClock { seconds_ahead }) }
}

/// What the clocks of this machine and of the tenant say, by a question about an account; `None` where the answer does not say
/// what time it is.
///
/// # Errors
/// The tenant does not answer it.
pub async fn clocks(
    (directory, clock): (&dyn Directory, &dyn Clock),
    account: &str,
) -> Result<Option<Clocks>, DirectoryError> {
    Ok(ask((directory, clock), account).await?.clocks)
}

/// The candidate that is proved, if by both clocks nothing that was sent may arrive any more: see [`Course::settleable`]. The
/// time has passed since what is written down, by this machine's clock, and since the change itself, by the tenant's.
#[must_use]
pub fn settleable(course: &Course, quiescence_hours: u16, clocks: Clocks) -> Option<&Name> {
    // The tenant's is rounded down to the second.
    let tenant = clocks.tenant.checked_add(SignedDuration::from_secs(1)).unwrap_or(clocks.tenant);
    let at = clocks.before.min(tenant);
    let is_quiet = quiet_at(course, quiescence_hours).is_some_and(|quiet_at| quiet_at <= at);
    course.settleable(quiescence_hours, at).filter(|_| is_quiet && agree(clocks).is_ok())
}

/// From when on nothing that was sent may arrive any more, by what is written down and by the change that the tenant named.
fn quiet_at(course: &Course, quiescence_hours: u16) -> Option<Timestamp> {
    let quiescence = SignedDuration::from_hours(i64::from(quiescence_hours));
    let after_change = course.changed_at().and_then(|changed_at| changed_at.checked_add(quiescence).ok());
    course.quiet_at(quiescence_hours).max(after_change)
}

/// Settles what is proved, if enough time has passed.
///
/// # Errors
/// The record cannot be read or written.
pub async fn settle(
    (directory, store, clock): (&dyn Directory, &dyn Store, &dyn Clock),
    account: &str,
    quiescence_hours: u16,
) -> Result<Settling, RotationError> {
    let now = clock.now();
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
    let said = match ask((directory, clock), account).await {
        Ok(said) => said,
        Err(error) => return Ok(Settling::Unknown(error.to_string())),
    };
    let Some(clocks) = said.clocks else {
        let why =
            "the tenant's answer does not say what time it is, so that this machine's clock may be wrong".to_owned();
        return Ok(Settling::Unknown(why));
    };
    if let Err(wrong) = agree(clocks) {
        return Ok(Settling::WrongClock(wrong));
    }
    let Some(changed_at) = said.changed_at else {
        return Ok(Settling::Unknown("the tenant does not say when the password was changed".to_owned()));
    };
    if changed_at != known {
        return Ok(Settling::Changed { proved_at, changed_at });
    }
    if settleable(&course, quiescence_hours, clocks).is_none() {
        let until = quiet_at(&course, quiescence_hours).unwrap_or(now);
        return Ok(Settling::Quiet { until });
    }
    let candidate = candidate.clone();
    note(store, account, &[Entry::Settled { candidate: candidate.clone(), at: now }])?;
    Ok(Settling::Settled(candidate))
}

/// When the password of an account was changed last, if the directory says so.
///
/// **Source:** `lastPasswordChangeDateTime` of the resource type user, Graph's reference.
pub(super) async fn last_change(directory: &dyn Directory, account: &str) -> Result<Option<Timestamp>, DirectoryError> {
    Ok(moment(&directory.send(&question(account)).await?.body))
}

fn question(account: &str) -> GraphRequest<'static> {
    GraphRequest::get(format!("/v1.0/users/{account}?$select=id,lastPasswordChangeDateTime"))
}

/// What the directory says of an account, and when.
struct Said {
    changed_at: Option<Timestamp>,
    clocks: Option<Clocks>,
}

async fn ask((directory, clock): (&dyn Directory, &dyn Clock), account: &str) -> Result<Said, DirectoryError> {
    let before = clock.now();
    let answer = directory.send(&question(account)).await?;
    let after = clock.now();
    let clocks = answer.date.map(|tenant| Clocks { before, after, tenant });
    Ok(Said { changed_at: moment(&answer.body), clocks })
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
