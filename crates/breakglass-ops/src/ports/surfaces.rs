//! The doors of a tenant, tried with a password as somebody in an emergency would.

use async_trait::async_trait;
use breakglass_custody::document::Account;
use breakglass_custody::password::Password;

use crate::drill::record::Surface;

/// What a sign-in to a surface came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// The account was in, and the surface answered it.
    In,
    /// A person was asked and says that the account was in.
    SeenIn,
    /// A person was asked and says that it was not.
    SeenOut,
    /// The password was right, and another proof is asked for that a program does not have.
    SecondProof {
        /// What was said.
        why: String,
    },
    /// The account is kept out, whatever it shows: a policy does it, or it is disabled.
    KeptOut {
        /// What was said.
        why: String,
    },
    /// The password was refused. It is not tried again: each try counts towards the lock of the account.
    Wrong {
        /// What was said.
        why: String,
    },
    /// Nothing can be told.
    Unknown {
        /// What was said, or not.
        why: String,
    },
}

/// Why the account is not elevated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotElevated {
    /// The tenant said no.
    Refused {
        /// What was said.
        why: String,
    },
    /// It asks for another proof first, and said no until then.
    SecondProof {
        /// What was said.
        why: String,
    },
    /// Nothing was asked for: nobody was reached, or there was no sign-in.
    NotAsked {
        /// Why.
        why: String,
    },
    /// It may be elevated: no answer came.
    Perhaps {
        /// What is known.
        why: String,
    },
}

/// Surfaces of a tenant. Every call signs in anew and keeps no token.
///
/// **Source:** "Elevate access to manage all Azure subscriptions and management groups".
#[async_trait]
pub trait Surfaces: Send + Sync {
    /// Signs in to a surface, once, and asks it for something that changes nothing.
    async fn sign_in(&self, surface: Surface, account: &Account, password: &Password) -> Attempt;

    /// Whether the account is User Access Administrator of all of Azure.
    ///
    /// # Errors
    /// It cannot be told; never [`Attempt::In`].
    async fn is_elevated(&self, account: &Account, password: &Password) -> Result<bool, Attempt>;

    /// Makes the account User Access Administrator of all of Azure, as every Global Administrator may.
    ///
    /// # Errors
    /// It is not, or may not be.
    async fn elevate(&self, account: &Account, password: &Password) -> Result<(), NotElevated>;

    /// Takes away what [`Self::elevate`] gives, as far as it is there.
    ///
    /// # Errors
    /// It may still be there.
    async fn lower(&self, account: &Account, password: &Password) -> Result<(), String>;
}
