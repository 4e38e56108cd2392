//! What is to be delivered, delivered: one worker for each channel, so that none waits for another.
//!
//! **Invariant:** a delivery is lent before it is tried, for longer than a try takes, so that nobody else tries it meanwhile;
//! whoever is stopped in between leaves it to be tried again. It ends when the provider has taken it, or after
//! [`TRIED_DAYS`](super::patience::TRIED_DAYS) of trying, which is said.

use super::patience::{is_expired, seconds};
use crate::ports::{
    Channel, DELIVER_SECONDS_MAX, DeliveryKey, Lent, Random, RandomError, StoreError, Tried, Untaken, WatchStore,
};

/// Seconds for which a delivery is lent.
pub const LENT_SECONDS: i64 = 2 * DELIVER_SECONDS_MAX as i64;

/// Why nothing was tried, or not written down what came of it; then it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The place is of no use.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no chance.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// What is to be said makes no sense.
    #[error("the message of `{incident}` that is to be delivered makes no sense: {why}")]
    Message {
        /// The incident.
        incident: String,
        /// Why.
        why: String,
    },
}

/// What came of one try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Which.
    pub key: DeliveryKey,
    /// Which try, from 1.
    pub attempt: u32,
    /// What came of it.
    pub tried: Tried,
    /// Whether the provider refused it, which somebody has to mend.
    pub is_refused: bool,
}

/// Tries the delivery of a channel that is due first; `None` if none is.
///
/// # Errors
/// As [`DeliverError`] says.
pub async fn deliver_next(
    store: &dyn WatchStore,
    channel: &dyn Channel,
    random: &dyn Random,
) -> Result<Option<Delivered>, DeliverError> {
    let Some(lent) = store.lend(channel.name(), LENT_SECONDS)? else { return Ok(None) };
    let key = &lent.delivery.key;
    let message = serde_json::from_value(lent.delivery.message.clone());
    let message =
        message.map_err(|error| DeliverError::Message { incident: key.incident.clone(), why: error.to_string() })?;
    let untaken = channel.deliver(key, &message).await.err();
    let is_refused = matches!(untaken, Some(Untaken::Refused { .. }));
    let tried = match untaken {
        None => Tried::Delivered,
        Some(untaken) => after(&lent, untaken, random)?,
    };
    store.tried(&lent, &tried)?;
    Ok(Some(Delivered { key: key.clone(), attempt: lent.attempt, tried, is_refused }))
}

fn after(lent: &Lent, untaken: Untaken, random: &dyn Random) -> Result<Tried, RandomError> {
    let why = untaken.to_string();
    if is_expired(lent.attempt, lent.since, lent.now) {
        return Ok(Tried::Expired { why });
    }
    let (is_refused, retry_after) = match untaken {
        Untaken::Refused { .. } => (true, None),
        Untaken::Later { retry_after_seconds, .. } => (false, retry_after_seconds),
    };
    let mut chance = [0; 4];
    random.fill(&mut chance)?;
    let chance = u32::from_le_bytes(chance);
    let seconds = seconds((lent.attempt, is_refused, retry_after), (lent.since, lent.now), chance);
    Ok(Tried::Again { seconds, why })
}
