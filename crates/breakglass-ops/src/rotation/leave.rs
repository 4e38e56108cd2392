//! Whether an account may be rotated now: another one has to be usable meanwhile.
//!
//! **Invariant:** the password of an account is not touched before another emergency account is known to get in: somebody
//! signed in with it since its password was changed last, at most [`PROOF_DAYS_MAX`] days ago, and the lockout analysis of a
//! tenant that was read at most [`SNAPSHOT_MINUTES_MAX`] minutes ago has a way in for it. Unknown is no.
//! The one exception is an account of which no sealed password is known to count yet: nobody opens anything to sign in as it,
//! and its first sealed password only adds a way in. So it is as well where the first rotation was stopped before its proof,
//! so that the same command goes on.

use jiff::{SignedDuration, Timestamp};

/// Days after which a sign-in proves nothing any more.
pub const PROOF_DAYS_MAX: i64 = 90;

/// Minutes after which what was read of a tenant is too old to act on.
pub const SNAPSHOT_MINUTES_MAX: i64 = 15;

/// Seconds by which the clocks of the directory and of this machine may differ.
pub const CLOCK_SECONDS_MAX: i64 = 300;

/// Another emergency account, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// Its sign-in name.
    pub name: String,
    /// When somebody signed in with its sealed password last, if none was sent since.
    pub proved_at: Option<Timestamp>,
    /// When its password was changed last, by the directory.
    pub changed_at: Option<Timestamp>,
    /// The same, as the directory said after that sign-in; `None` if it did not.
    pub known_change: Option<Timestamp>,
    /// Whether a password of it was ever sealed.
    pub is_sealed: bool,
    /// Whether a rotation of it was begun and is not proved.
    pub is_rotating: bool,
    /// Whether the document with the password that was proved can be read from a depository.
    pub has_document: bool,
    /// Whether the lockout analysis has a way in for it alone.
    pub has_way: bool,
}

/// Why another account does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// It is being rotated itself.
    #[error("`{0}` is being rotated: finish that first with `breakglass rotate --account {0}`")]
    Rotating(String),
    /// There is nothing to sign in with.
    #[error(
        "`{0}` has no sealed password yet: rotate it first, with `breakglass rotate --account {0}`, or seal the one it has, with \
         `breakglass custody seal`"
    )]
    Unsealed(String),
    /// Nobody has signed in with what is sealed.
    #[error(
        "nobody has signed in as `{0}` with its sealed password since that was set: rehearse it, or rotate it first"
    )]
    Unproved(String),
    /// That was too long ago.
    #[error(
        "somebody signed in as `{name}` on {at} last, and that is more than {PROOF_DAYS_MAX} days ago: rehearse it"
    )]
    Old {
        /// The account.
        name: String,
        /// When.
        at: Timestamp,
    },
    /// Somebody has changed its password since.
    #[error(
        "the password of `{name}` was changed on {changed_at}, after it was proved on {proved_at}: what is sealed may not be it"
    )]
    Changed {
        /// The account.
        name: String,
        /// When it was proved.
        proved_at: Timestamp,
        /// When it was changed.
        changed_at: Timestamp,
    },
    /// What is sealed cannot be had.
    #[error(
        "no depository that answers has the sealed password of `{0}`: `breakglass custody list` shows what there is"
    )]
    NoDocument(String),
    /// The lockout analysis has no way in for it.
    #[error("the lockout analysis has no way in for `{0}`: `breakglass lockout --live` says why")]
    NoWay(String),
}

/// Why an account is not rotated now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// What is known of the tenant is too old.
    #[error("the tenant was read on {0}, more than {SNAPSHOT_MINUTES_MAX} minutes ago; read it again")]
    Stale(Timestamp),
    /// There is no other account at all.
    #[error("there is no other emergency account, and without one nobody gets in if this goes wrong")]
    Alone,
    /// None of the others counts.
    #[error("no other emergency account is known to get in")]
    NoneUsable(Vec<Objection>),
}

/// Who gets in meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leave {
    /// Another account.
    Other(String),
    /// No other is known to get in, and no sealed password of the account is known to count: nothing is lost by it.
    First,
}

/// Whether an account may be rotated. `is_first` says that no sealed password of it is known to count.
///
/// # Errors
/// It may not.
pub fn leave(is_first: bool, others: &[Other], (read_at, now): (Timestamp, Timestamp)) -> Result<Leave, Refusal> {
    if read_at.duration_until(now).abs() > SignedDuration::from_mins(SNAPSHOT_MINUTES_MAX) {
        return Err(Refusal::Stale(read_at));
    }
    let mut objections = Vec::new();
    for other in others {
        match objection(other, now) {
            None => return Ok(Leave::Other(other.name.clone())),
            Some(objection) => objections.push(objection),
        }
    }
    match objections.is_empty() {
        _ if is_first => Ok(Leave::First),
        true => Err(Refusal::Alone),
        false => Err(Refusal::NoneUsable(objections)),
    }
}

/// Why another account is not known to get in.
#[must_use]
pub fn objection(other: &Other, now: Timestamp) -> Option<Objection> {
    let name = other.name.clone();
    if other.is_rotating {
        return Some(Objection::Rotating(name));
    }
    if !other.is_sealed {
        return Some(Objection::Unsealed(name));
    }
    // What was proved by a clock that was ahead says nothing about today.
    let is_past = |at: &Timestamp| now.duration_until(*at) <= SignedDuration::from_secs(CLOCK_SECONDS_MAX);
    let Some(proved_at) = other.proved_at.filter(is_past) else { return Some(Objection::Unproved(name)) };
    if proved_at.duration_until(now) > SignedDuration::from_hours(24 * PROOF_DAYS_MAX) {
        return Some(Objection::Old { name, at: proved_at });
    }
    // A change shortly after the proof and the one before it are told apart only by what was said then.
    if let Some(changed_at) = other.changed_at.filter(|changed_at| other.known_change != Some(*changed_at))
        && changed_at.duration_until(proved_at) < SignedDuration::from_secs(CLOCK_SECONDS_MAX)
    {
        return Some(Objection::Changed { name, proved_at, changed_at });
    }
    if !other.has_document {
        return Some(Objection::NoDocument(name));
    }
    (!other.has_way).then_some(Objection::NoWay(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + 60 * minutes).unwrap()
    }

    fn usable() -> Other {
        Other {
            name: "b".to_owned(),
            proved_at: Some(at(-10)),
            changed_at: Some(at(-11)),
            known_change: Some(at(-11)),
            is_sealed: true,
            is_rotating: false,
            has_document: true,
            has_way: true,
        }
    }

    #[test]
    fn another_account_has_to_be_usable() {
        let days = |count: i64| count * 24 * 60;
        let name = || "b".to_owned();
        let changed = |minute| Some(Objection::Changed { name: name(), proved_at: at(-10), changed_at: at(minute) });
        let with = |change: fn(&mut Other)| {
            let mut other = usable();
            change(&mut other);
            other
        };
        for (other, objection) in [
            (with(|other| other.is_rotating = true), Some(Objection::Rotating(name()))),
            (with(|other| other.proved_at = None), Some(Objection::Unproved(name()))),
            // There is none that anybody could have rehearsed.
            (Other { is_sealed: false, proved_at: None, ..usable() }, Some(Objection::Unsealed(name()))),
            (with(|other| other.has_document = false), Some(Objection::NoDocument(name()))),
            (with(|other| other.has_way = false), Some(Objection::NoWay(name()))),
            (Other { proved_at: Some(at(-days(90))), ..usable() }, None),
            (
                Other { proved_at: Some(at(-days(90) - 1)), changed_at: None, ..usable() },
                Some(Objection::Old { name: name(), at: at(-days(90) - 1) }),
            ),
            (Other { changed_at: Some(at(-4)), ..usable() }, changed(-4)),
            // Shortly after the proof, or shortly before it and nobody has said so then.
            (Other { changed_at: Some(at(-9)), ..usable() }, changed(-9)),
            (Other { known_change: None, ..usable() }, changed(-11)),
            (Other { known_change: None, changed_at: Some(at(-15)), ..usable() }, None),
            // By a clock that was ahead.
            (Other { proved_at: Some(at(6)), ..usable() }, Some(Objection::Unproved(name()))),
            (Other { proved_at: Some(at(5)), ..usable() }, None),
            (Other { changed_at: None, ..usable() }, None),
            (usable(), None),
        ] {
            let expected = match objection.clone() {
                None => Ok(Leave::Other(name())),
                Some(objection) => Err(Refusal::NoneUsable(vec![objection])),
            };
            // Of one that was proved 90 days ago the last change is older.
            let other = if other.proved_at < Some(at(-days(89))) { Other { changed_at: None, ..other } } else { other };
            assert_eq!(leave(false, &[other], (at(0), at(0))), expected);
        }
        let both = [Other { has_way: false, ..usable() }, Other { name: "c".to_owned(), ..usable() }];
        assert_eq!(leave(false, &both, (at(0), at(0))), Ok(Leave::Other("c".to_owned())));
        assert_eq!(leave(false, &[], (at(0), at(0))), Err(Refusal::Alone));
    }

    #[test]
    fn what_is_known_of_the_tenant_is_fresh() {
        assert!(leave(false, &[usable()], (at(-15), at(0))).is_ok());
        for read_at in [at(-16), at(16)] {
            assert_eq!(leave(false, &[usable()], (read_at, at(0))), Err(Refusal::Stale(read_at)));
            assert_eq!(leave(true, &[], (read_at, at(0))), Err(Refusal::Stale(read_at)));
        }
        assert_eq!(leave(true, &[], (at(0), at(0))), Ok(Leave::First));
        assert_eq!(leave(true, &[usable()], (at(0), at(0))), Ok(Leave::Other("b".to_owned())));
        let unusable = Other { has_way: false, ..usable() };
        assert_eq!(leave(true, &[unusable], (at(0), at(0))), Ok(Leave::First));
    }
}
