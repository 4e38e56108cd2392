//! When a delivery is tried again.
//!
//! **Source:** the waits grow and are drawn at random up to their length, so that many who were refused at once do not come
//! back at once ("Exponential Backoff And Jitter", AWS Architecture Blog).

use jiff::{SignedDuration, Timestamp};

/// Seconds at most until the second try, the third, and so on; the last holds for the first hour.
pub const RETRY_SECONDS: [i64; 5] = [2, 5, 15, 30, 60];

/// Seconds at most between two tries after the first hour, and where the provider refuses: until somebody has mended it.
pub const RETRY_SECONDS_LATER: i64 = 300;

/// Seconds for which the first waits hold.
pub const EARLY_SECONDS: i64 = 3_600;

/// Seconds for which a provider may ask to be left alone.
pub const RETRY_AFTER_SECONDS_MAX: i64 = 3_600;

/// Days for which a delivery is tried.
pub const TRIED_DAYS: i64 = 7;

/// Tries without which it is not given up, whatever the clock says: in that time there are at least so many.
pub const TRIED_COUNT_MIN: u32 = 100;

/// Whether a delivery was tried for long enough.
#[must_use]
pub fn is_expired(attempt: u32, since: Timestamp, now: Timestamp) -> bool {
    attempt >= TRIED_COUNT_MIN && now.duration_since(since) >= SignedDuration::from_hours(24 * TRIED_DAYS)
}

/// Seconds until the next try after so many, at least one. `chance` is drawn at random.
#[must_use]
pub fn seconds(
    (attempt, is_refused, retry_after): (u32, bool, Option<i64>),
    (since, now): (Timestamp, Timestamp),
    chance: u32,
) -> i64 {
    let is_early = !is_refused && now.duration_since(since) < SignedDuration::from_secs(EARLY_SECONDS);
    let place = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    let early = RETRY_SECONDS.get(place).or(RETRY_SECONDS.last()).copied().unwrap_or(RETRY_SECONDS_LATER);
    let longest = if is_early { early } else { RETRY_SECONDS_LATER };
    let drawn = 1 + i64::from(chance) % longest;
    drawn.max(retry_after.unwrap_or(0).clamp(0, RETRY_AFTER_SECONDS_MAX))
}
