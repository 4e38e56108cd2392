//! How long is waited for an answer, and how much of it is read.

use std::time::Duration;

/// Seconds until a connection stands, its encryption included.
pub const CONNECT_SECONDS_MAX: u64 = 15;
/// Seconds until an answer is there to its last byte, the connection included.
pub const ANSWER_SECONDS_MAX: u64 = 120;
/// Seconds between two pieces of an answer.
pub const PIECE_SECONDS_MAX: u64 = 60;
/// Bytes of the largest answer, after it is unpacked.
pub const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Bytes of the largest refusal that is read, and of the largest answer of an authority.
pub const REFUSAL_BYTES_MAX: usize = 1 << 20;

/// The limits of one way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransportLimits {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until an answer is whole.
    pub answer: Duration,
    /// Between two pieces of an answer.
    pub piece: Duration,
    /// Bytes of the largest answer.
    pub answer_bytes: usize,
}

impl Default for TransportLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(CONNECT_SECONDS_MAX),
            answer: Duration::from_secs(ANSWER_SECONDS_MAX),
            piece: Duration::from_secs(PIECE_SECONDS_MAX),
            answer_bytes: ANSWER_BYTES_MAX,
        }
    }
}
