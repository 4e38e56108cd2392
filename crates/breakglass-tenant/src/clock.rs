//! The tenant's clock.

use jiff::Timestamp;

/// Tells the time. The tenant reads no other clock.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The instant it is.
    fn now(&self) -> Timestamp;
}

/// An instant as Graph writes it: UTC, whole seconds.
pub(crate) fn written(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
