//! Randomness that nobody can guess.

/// There is no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no randomness")]
pub struct RandomError;

/// A cryptographically secure source of randomness.
pub trait Random: Send + Sync {
    /// Fills all of the buffer.
    ///
    /// # Errors
    /// The source failed; what is in the buffer then is not to be used.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError>;
}
