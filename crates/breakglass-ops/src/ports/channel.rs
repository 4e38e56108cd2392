//! A way to tell somebody: mail, a text message, a webhook.

use async_trait::async_trait;
use breakglass_custody::name::Name;

use super::watch_store::DeliveryKey;
use crate::watching::message::Message;

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untaken {
    /// The provider refuses whoever sends, whom it is for, or what it says: somebody has to mend that.
    #[error("refused: {why}")]
    Refused {
        /// The reason, for people, without a secret.
        why: String,
    },
    /// No answer came, or one that says later. It may have been taken.
    #[error("{why}")]
    Later {
        /// The reason, for people, without a secret.
        why: String,
        /// Seconds that the provider wants to be left alone.
        retry_after_seconds: Option<i64>,
    },
}

/// A way to tell somebody.
///
/// Whoever implements it gives up by itself within [`DELIVER_SECONDS_MAX`], says `Ok` only when the provider has said that it
/// took the message, and gives the key along in a form by which the provider or the receiver knows a message that came twice.
#[async_trait]
pub trait Channel: Send + Sync {
    /// What it is called in the configuration.
    fn name(&self) -> &Name;

    /// Tells the recipient of the key.
    ///
    /// # Errors
    /// It was not taken, or nobody knows.
    async fn deliver(&self, key: &DeliveryKey, message: &Message) -> Result<(), Untaken>;
}

/// Seconds after which a channel has given up.
pub const DELIVER_SECONDS_MAX: u64 = 60;
