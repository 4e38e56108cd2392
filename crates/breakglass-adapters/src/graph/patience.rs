//! How long is waited before a request is sent again, and when it is not.
//!
//! **Source:** "Microsoft Graph throttling guidance": wait as long as `Retry-After` says, else longer each time; RFC 9110,
//! section 10.2.3, for its two forms.

use std::time::Duration;

use breakglass_ops::ports::Random;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use super::limits::Limits;

/// What is left of the patience with one request.
pub(super) struct Patience<'l> {
    limits: &'l Limits,
    attempts: u32,
    connects: u32,
    waited: Duration,
}

impl<'l> Patience<'l> {
    /// Before the first attempt.
    pub(super) fn new(limits: &'l Limits) -> Self {
        Self { limits, attempts: 0, connects: 0, waited: Duration::ZERO }
    }

    /// How long to wait before the next attempt, after one that came to an end; `None` if there is none.
    pub(super) fn after(&mut self, asked: Option<Duration>, random: &dyn Random) -> Option<Duration> {
        self.attempts = self.attempts.saturating_add(1);
        if self.attempts >= self.limits.attempts {
            return None;
        }
        let wait = match asked {
            Some(asked) if asked > self.limits.retry_after => return None,
            Some(asked) => asked,
            None => self.backed_off(random),
        };
        self.waited = self.waited.checked_add(wait)?;
        (self.waited <= self.limits.wait).then_some(wait)
    }

    /// The same after a connection that did not stand.
    pub(super) fn after_no_connection(&mut self, random: &dyn Random) -> Option<Duration> {
        self.connects = self.connects.saturating_add(1);
        if self.connects >= self.limits.connects { None } else { self.after(None, random) }
    }

    /// Twice as long each time, of which half is left to chance, so that many clients do not come back at once.
    fn backed_off(&self, random: &dyn Random) -> Duration {
        let doubled = 2_u32.saturating_pow(self.attempts.saturating_sub(1));
        let longest = self.limits.back_off.saturating_mul(doubled).min(self.limits.back_off_max);
        let mut byte = [u8::MAX];
        // Without randomness the longest wait is as good.
        let chance = random.fill(&mut byte).map_or(u8::MAX, |()| byte.first().copied().unwrap_or(u8::MAX));
        let half = longest / 2;
        half.saturating_add(half.saturating_mul(u32::from(chance)) / u32::from(u8::MAX))
    }
}

/// How long an answer asks to wait. A date is held against the clock of the server that names it, where it tells it.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let asked = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = asked.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = http_date(asked)?;
    let now = date(headers).unwrap_or(now);
    Some(Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO))
}

/// What the server's clock said.
pub(super) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use breakglass_ops::ports::RandomError;
    use reqwest::header::HeaderValue;

    use super::*;

    struct Always(u8);

    impl Random for Always {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
            buffer.fill(self.0);
            Ok(())
        }
    }

    fn headers(pairs: &[(reqwest::header::HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn waits_double_within_their_limits() {
        let limits = Limits::default();
        let waits = |chance: u8| {
            let mut patience = Patience::new(&limits);
            std::iter::from_fn(|| patience.after(None, &Always(chance)))
                .map(|wait| wait.as_millis())
                .collect::<Vec<_>>()
        };
        assert_eq!(waits(255), [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 32_000]);
        assert_eq!(waits(0), [500, 1_000, 2_000, 4_000, 8_000, 16_000, 16_000]);
    }

    #[test]
    fn a_wait_that_is_too_long_is_none() {
        let limits = Limits::default();
        let second = Duration::from_secs(1);
        assert_eq!(Patience::new(&limits).after(Some(limits.retry_after), &Always(0)), Some(limits.retry_after));
        assert_eq!(Patience::new(&limits).after(Some(limits.retry_after + second), &Always(0)), None);
        let mut patience = Patience::new(&limits);
        let waits: Vec<_> = std::iter::from_fn(|| patience.after(Some(limits.retry_after), &Always(0))).collect();
        assert_eq!(waits.len(), 2, "three of them are longer than is waited in all");
    }

    #[test]
    fn what_an_answer_asks_for_is_read_in_both_forms() {
        let now = "2026-11-26T03:00:00Z".parse().unwrap();
        let later = "Thu, 26 Nov 2026 03:00:30 GMT";
        for (given, expected) in [
            (headers(&[(RETRY_AFTER, "7")]), Some(7)),
            (headers(&[(RETRY_AFTER, "0")]), Some(0)),
            (headers(&[(RETRY_AFTER, later)]), Some(30)),
            // The server's clock is ten minutes behind ours.
            (headers(&[(RETRY_AFTER, later), (DATE, "Thu, 26 Nov 2026 03:00:20 GMT")]), Some(10)),
            (headers(&[(RETRY_AFTER, "Thu, 26 Nov 2026 02:00:00 GMT")]), Some(0)),
            (headers(&[(RETRY_AFTER, "soon")]), None),
            (headers(&[(RETRY_AFTER, "-1")]), None),
            (headers(&[]), None),
        ] {
            assert_eq!(retry_after(&given, now), expected.map(Duration::from_secs), "{given:?}");
        }
    }
}
