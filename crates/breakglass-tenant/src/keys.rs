//! The keys that sign tokens, as they follow each other: which one signs now, which are published beside it.
//!
//! A key signs for [`KEY_DAYS`]. Its successor is published [`ANNOUNCED_HOURS`] before it signs, so that clients which keep
//! the JWKS for a day know it by then; a key that has ceased to sign stays published for [`KEPT_HOURS`], which is longer
//! than any token lasts.
//!
//! **Source:** "Signing key rollover in the Microsoft identity platform": keys roll periodically and, in an emergency, at
//! once; the numbers are our own.

use std::sync::{RwLock, RwLockReadGuard};

use jiff::{SignedDuration, Timestamp};

use crate::jwt::SigningKey;
use crate::state::{State, StateError};

/// Days for which a key signs.
const KEY_DAYS: i64 = 60;
/// Hours for which the next one is published before it signs.
const ANNOUNCED_HOURS: i64 = 24;
/// Hours for which one is published after it has signed.
const KEPT_HOURS: i64 = 48;

/// A key, and from when on it signs.
#[derive(Debug)]
pub(crate) struct DatedKey {
    pub(crate) key: SigningKey,
    pub(crate) from: Timestamp,
}

/// The keys of a tenant.
#[derive(Debug)]
pub(crate) struct Keys {
    /// The one that signs last, first.
    kept: RwLock<Vec<DatedKey>>,
}

impl Keys {
    /// The keys that are kept in a state; a first one is made where there is none.
    pub(crate) fn open(state: &State, now: Timestamp) -> Result<Self, StateError> {
        let mut kept = state.signing_keys()?;
        if kept.is_empty() {
            kept.push(made(state, now)?);
        }
        kept.sort_by_key(|key| std::cmp::Reverse(key.from));
        Ok(Self { kept: RwLock::new(kept) })
    }

    /// What a token with these claims is signed with: the key that has begun to sign last.
    pub(crate) fn signing<T>(&self, now: Timestamp, sign: impl FnOnce(&SigningKey) -> T) -> Option<T> {
        let kept = self.read();
        let begun = kept.iter().find(|key| key.from <= now);
        // The clock may be moved to before the first of them.
        begun.or(kept.last()).map(|key| sign(&key.key))
    }

    /// The keys that are published, and with which tokens are verified.
    pub(crate) fn published<T>(&self, now: Timestamp, look: impl FnOnce(&[&SigningKey]) -> T) -> T {
        let kept = self.read();
        let is_over = |at: usize| {
            let next = at.checked_sub(1).and_then(|next| kept.get(next));
            next.is_some_and(|next| later(next.from, KEPT_HOURS) <= now)
        };
        let shown: Vec<&SigningKey> =
            kept.iter().enumerate().filter(|(at, _)| !is_over(*at)).map(|(_, key)| &key.key).collect();
        look(&shown)
    }

    /// Makes the next key where the last one has signed for so long that its successor has to be published.
    pub(crate) fn roll_if_due(&self, state: &State, now: Timestamp) -> Result<(), StateError> {
        let is_due = |kept: &[DatedKey]| {
            kept.first().is_none_or(|newest| later(newest.from, KEY_DAYS * 24 - ANNOUNCED_HOURS) <= now)
        };
        if !is_due(&self.read()) {
            return Ok(());
        }
        let mut kept = self.kept.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Of two who come at once, the second finds it made.
        if is_due(&kept) {
            kept.insert(0, made(state, later(now, ANNOUNCED_HOURS))?);
        }
        Ok(())
    }

    /// Makes a key that signs from now on, as after a compromise. What others have signed is verified for a while yet.
    pub(crate) fn roll(&self, state: &State, now: Timestamp) -> Result<String, StateError> {
        let mut kept = self.kept.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let made = made(state, now)?;
        let kid = made.key.kid().to_owned();
        kept.insert(0, made);
        kept.sort_by_key(|key| std::cmp::Reverse(key.from));
        Ok(kid)
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<DatedKey>> {
        self.kept.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn made(state: &State, from: Timestamp) -> Result<DatedKey, StateError> {
    let key = SigningKey::generate()?;
    state.keep_signing_key(&key, from)?;
    Ok(DatedKey { key, from })
}

fn later(from: Timestamp, hours: i64) -> Timestamp {
    from.checked_add(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MAX)
}
