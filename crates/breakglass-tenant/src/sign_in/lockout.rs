//! Smart lockout: who mistypes a password too often cannot sign in for a while.
//!
//! **Source:** the smart lockout documentation: ten failures, then a minute, longer each time; the same wrong password
//! again counts once, as far as the last three are remembered; an administrator who sets a password unlocks the account;
//! places from which an account has signed in have a counter of their own. Counters are kept in memory and are gone after a
//! restart.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Mutex;

use aws_lc_rs::digest;
use jiff::{SignedDuration, Timestamp};

/// Wrong passwords before an account is locked.
const FAILURE_COUNT_MAX: u32 = 10;
/// Wrong passwords that are remembered: one of them again does not count.
const WRONG_COUNT_MAX: usize = 3;
/// How long the first lock lasts, seconds.
const LOCK_SECONDS: i64 = 60;
/// Accounts that are remembered; the one that failed longest ago is forgotten first.
const ACCOUNT_COUNT_MAX: usize = 100_000;

#[derive(Debug, Clone)]
struct Attempts {
    failures: u32,
    /// How often it was locked in a row.
    locks: u32,
    /// Hashes of the last passwords that were wrong, the newest last.
    last_wrong: Vec<Vec<u8>>,
    last_at: Timestamp,
    locked_until: Option<Timestamp>,
}

/// The counters, by account and by whether the address is one that the account has signed in from.
#[derive(Debug, Default)]
pub(crate) struct SmartLockout {
    attempts: Mutex<BTreeMap<(String, bool), Attempts>>,
    /// Places from which accounts have signed in.
    familiar: Mutex<BTreeSet<(String, IpAddr)>>,
}

impl SmartLockout {
    fn is_familiar(&self, account: &str, place: IpAddr) -> bool {
        let familiar = self.familiar.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        familiar.contains(&(account.to_lowercase(), place))
    }

    /// Whether an account is locked for whoever is at a place.
    pub(crate) fn is_locked(&self, account: &str, place: IpAddr, now: Timestamp) -> bool {
        let is_familiar = self.is_familiar(account, place);
        let attempts = self.attempts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let known = attempts.get(&(account.to_lowercase(), is_familiar));
        known.and_then(|known| known.locked_until).is_some_and(|until| now < until)
    }

    /// Counts a wrong password. Whoever tries one while the account is locked has guessed nothing: that is not counted, and
    /// `false` comes back, also to those who began before another locked it.
    pub(crate) fn failed(&self, account: &str, place: IpAddr, (password, now): (&str, Timestamp)) -> bool {
        let is_familiar = self.is_familiar(account, place);
        let wrong = digest::digest(&digest::SHA256, password.as_bytes()).as_ref().to_vec();
        let mut attempts = self.attempts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if attempts.len() >= ACCOUNT_COUNT_MAX {
            let oldest = attempts.iter().min_by_key(|(_, known)| known.last_at).map(|(key, _)| key.clone());
            oldest.and_then(|key| attempts.remove(&key));
        }
        let known = attempts.entry((account.to_lowercase(), is_familiar)).or_insert_with(|| Attempts {
            failures: 0,
            locks: 0,
            last_wrong: Vec::new(),
            last_at: now,
            locked_until: None,
        });
        if known.locked_until.is_some_and(|until| now < until) {
            return false;
        }
        known.last_at = now;
        if known.last_wrong.contains(&wrong) {
            return true;
        }
        if known.last_wrong.len() >= WRONG_COUNT_MAX {
            known.last_wrong.remove(0);
        }
        known.last_wrong.push(wrong);
        known.failures += 1;
        // After the first lock each further failure locks again.
        if known.failures >= FAILURE_COUNT_MAX || known.locks > 0 {
            let seconds = LOCK_SECONDS.saturating_mul(1 << known.locks.min(10));
            known.locked_until = now.checked_add(SignedDuration::from_secs(seconds)).ok();
            known.locks += 1;
            known.failures = 0;
        }
        true
    }

    /// Forgets every failure of an account: an administrator has set another password.
    pub(crate) fn unlock(&self, account: &str) {
        let mut attempts = self.attempts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for is_familiar in [false, true] {
            attempts.remove(&(account.to_lowercase(), is_familiar));
        }
    }

    /// Forgets the failures of an account: the password was right.
    pub(crate) fn succeeded(&self, account: &str, place: IpAddr) {
        let is_familiar = self.is_familiar(account, place);
        let mut familiar = self.familiar.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if familiar.len() < ACCOUNT_COUNT_MAX {
            familiar.insert((account.to_lowercase(), place));
        }
        drop(familiar);
        let mut attempts = self.attempts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        attempts.remove(&(account.to_lowercase(), is_familiar));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_different_wrong_passwords_lock_and_the_same_one_does_not() {
        let lockout = SmartLockout::default();
        let (office, elsewhere) = (IpAddr::from([127, 0, 0, 2]), IpAddr::from([127, 0, 0, 3]));
        lockout.succeeded("anna", office);
        let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        for _ in 0..50 {
            assert!(lockout.failed("anna", elsewhere, ("same", at(0))));
        }
        assert!(!lockout.is_locked("anna", elsewhere, at(0)));
        for number in 0..9 {
            assert!(lockout.failed("Anna", elsewhere, (&number.to_string(), at(1))));
        }
        assert!(!lockout.failed("anna", elsewhere, ("another", at(2))), "locked: no guess");
        assert!(lockout.is_locked("anna", elsewhere, at(2)));
        assert!(!lockout.is_locked("anna", office, at(2)), "a familiar place has a counter of its own");
        assert!(!lockout.is_locked("anna", elsewhere, at(61)));
        assert!(lockout.failed("anna", elsewhere, ("again", at(62))));
        assert!(
            lockout.is_locked("anna", elsewhere, at(62 + 119)) && !lockout.is_locked("anna", elsewhere, at(62 + 120))
        );
        lockout.succeeded("anna", elsewhere);
        assert!(!lockout.is_locked("anna", elsewhere, at(63)));
    }

    #[test]
    fn the_last_three_wrong_passwords_are_remembered_and_a_reset_unlocks() {
        let lockout = SmartLockout::default();
        let place = IpAddr::from([127, 0, 0, 3]);
        let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        for number in 0..60 {
            assert!(lockout.failed("ben", place, (&(number % 3).to_string(), at(number))));
        }
        assert!(!lockout.is_locked("ben", place, at(60)), "three passwords in turn are three failures");
        for number in 0..7 {
            assert!(lockout.failed("ben", place, (&(number % 4 + 3).to_string(), at(60))));
        }
        assert!(lockout.is_locked("ben", place, at(61)), "of four in turn each is forgotten before it comes again");
        lockout.unlock("BEN");
        assert!(!lockout.is_locked("ben", place, at(61)));
    }
}
