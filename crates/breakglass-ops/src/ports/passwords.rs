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
    /// account ever has a password that nobody knows. `is_again` says that this was called for the account before, and was
    /// stopped before it was done: until it is, what was kept then may be the account's.
    ///
    /// # Errors
    /// There is no randomness, or the password cannot be kept.
    fn prepare(&self, account: &str, is_again: bool) -> Result<Password, PasswordsError>;
}
