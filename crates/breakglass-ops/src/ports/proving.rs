//! Signing in to see whether a password is the one that counts.

use async_trait::async_trait;
use breakglass_custody::password::Password;

/// What a sign-in with a password tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// It is the one: there is a token, or a refusal that is given only after the password was right.
    Right,
    /// It was refused. A copy of the directory may know the old one still, so that this proves nothing for good.
    Wrong {
        /// What was said.
        why: String,
    },
    /// Nothing can be told: nobody answered, or the account is locked for a while.
    Unknown {
        /// What was said, or not.
        why: String,
    },
}

/// Signs in with a password, once.
///
/// **Source:** "Microsoft Entra authentication & authorization error codes": `AADSTS50076`, `50079` and `53003` are said
/// after the password was right, `50126` where it was not, `50053` while the account is locked.
#[async_trait]
pub trait Proving: Send + Sync {
    /// Signs in as an account. Each try that fails counts towards the lock of the account and sets off alarms; the log of
    /// sign-ins has it under the correlation id.
    async fn prove(&self, user_principal_name: &str, password: &Password, correlation_id: &str) -> Proof;
}
