//! Where the password of a new account comes from, and who has it then.

use breakglass_custody::password::Password;

/// There is no password, or nobody to keep it.
#[derive(Debug, thiserror::Error)]
#[error("there is no password for `{account}`: {why}")]
pub struct PasswordsError {
    /// The account.
    pub account: String,
    /// The reason.
    pub why: String,
}

/// Makes passwords and hands them to whoever keeps them.
pub trait Passwords: Send + Sync {
    /// Makes a password for an account. When it returns, somebody has it or can get it: only then is it sent, so that no
    /// account ever has a password that nobody knows.
    ///
    /// # Errors
    /// There is no randomness, or the password cannot be kept.
    fn prepare(&self, account: &str) -> Result<Password, PasswordsError>;
}
