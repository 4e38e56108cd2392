//! The tenant's clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// Tells the time. The tenant reads no other clock.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The instant it is.
    fn now(&self) -> Timestamp;
}

/// A clock that may be moved against another one.
#[derive(Debug)]
pub(crate) struct MovedClock {
    clock: Arc<dyn Clock>,
    seconds: AtomicI64,
}

impl MovedClock {
    /// One that is not moved.
    pub(crate) fn of(clock: Arc<dyn Clock>) -> Self {
        Self { clock, seconds: AtomicI64::new(0) }
    }

    /// Moves it by seconds, counted from where the other one stands.
    pub(crate) fn move_by(&self, seconds: i64) {
        self.seconds.store(seconds, Ordering::Relaxed);
    }

    /// The earlier of the instant it is and the one that the other clock tells.
    pub(crate) fn earlier(&self) -> Timestamp {
        self.now().min(self.clock.now())
    }

    /// The instant it is.
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.clock.now();
        now.checked_add(SignedDuration::from_secs(self.seconds.load(Ordering::Relaxed))).unwrap_or(now)
    }
}

/// An instant as Graph writes it: UTC, whole seconds.
pub(crate) fn written(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
