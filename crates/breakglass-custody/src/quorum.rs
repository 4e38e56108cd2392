//! How many shares there are, and how many of them open.

use std::fmt;

/// Shares of the largest set: what SLIP-0039 has numbers for.
pub const SHARE_COUNT_MAX: u8 = 16;

/// Why shares cannot be made that way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuorumError {
    /// One alone would open.
    #[error("at least 2 shares have to be needed, not {0}: otherwise one person alone opens")]
    Alone(u8),
    /// None may be lost.
    #[error(
        "of {count} shares {threshold} would be needed; there has to be one more than are needed, for the one that is lost"
    )]
    NoneToLose {
        /// Shares that would be needed.
        threshold: u8,
        /// Shares that there would be.
        count: u8,
    },
    /// There are more than can be told apart.
    #[error("{0} shares are more than the {SHARE_COUNT_MAX} of the largest set")]
    TooMany(u8),
}

/// So many shares are needed of so many that there are: at least two, and fewer than there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quorum {
    threshold: u8,
    count: u8,
}

impl Quorum {
    /// `threshold` of `count` shares.
    ///
    /// # Errors
    /// One share alone would open, none may be lost, or there are more than [`SHARE_COUNT_MAX`].
    pub const fn new(threshold: u8, count: u8) -> Result<Self, QuorumError> {
        if threshold < 2 {
            Err(QuorumError::Alone(threshold))
        } else if count > SHARE_COUNT_MAX {
            Err(QuorumError::TooMany(count))
        } else if threshold >= count {
            Err(QuorumError::NoneToLose { threshold, count })
        } else {
            Ok(Self { threshold, count })
        }
    }

    /// Shares that are needed.
    #[must_use]
    pub const fn threshold(self) -> u8 {
        self.threshold
    }

    /// Shares that there are.
    #[must_use]
    pub const fn count(self) -> u8 {
        self.count
    }
}

impl fmt::Display for Quorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.threshold, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quorum_leaves_two_people_and_one_to_lose() {
        for threshold in 0..=20 {
            for count in 0..=20 {
                let is_one = (2..count).contains(&threshold) && count <= SHARE_COUNT_MAX;
                assert_eq!(Quorum::new(threshold, count).is_ok(), is_one, "{threshold} of {count}");
            }
        }
    }
}
