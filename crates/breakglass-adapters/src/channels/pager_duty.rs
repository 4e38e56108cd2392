//! PagerDuty, by its Events API v2. The routing key of an integration is the secret.
//!
//! **Each alert is an incident of PagerDuty's own**: the deduplication key is that of the delivery, not of our incident. What
//! has the key of an incident that is open is added to its log there, and nobody is paged: whoever had answered to tries that
//! failed would not be woken when somebody is in, nor would a step of the ladder be heard. The same try a second time has the
//! same key, and is swallowed as it should be. What belongs together has one `group`.
//! **Source:** PagerDuty's documentation, "Send an alert event" (fields, lengths, 202 and no other is success) and "Events API
//! v2 overview" (deduplication), read 2026-11-28.
//! **Limits:** [`DEDUP_KEY_CHARS_MAX`], [`ROUTING_KEY_CHARS`], and those of [`posting`](super::posting).

use async_trait::async_trait;
use breakglass_custody::name::Name;
use breakglass_ops::ports::{Channel, DeliveryKey, Untaken};
use breakglass_ops::watching::message::Message;
use breakglass_ops::watching::words;
use jiff::Timestamp;
use serde::Serialize;
use zeroize::Zeroizing;

use super::posting::{Posting, PostingError, WayOut, json_headers, no_reason};
use super::{later, refused};
use crate::http::SecretText;

/// Where events are sent; accounts of the European region have `https://events.eu.pagerduty.com/v2/enqueue`.
pub const PAGER_DUTY_ADDRESS: &str = "https://events.pagerduty.com/v2/enqueue";

/// Characters of a routing key.
pub const ROUTING_KEY_CHARS: usize = 32;

/// Characters of the longest deduplication key.
pub const DEDUP_KEY_CHARS_MAX: usize = 255;

/// Bytes that an event has room in: it is written without growing, which would leave copies of the routing key behind.
const EVENT_BYTES: usize = 64 << 10;

/// The status that says that an event was taken.
const TAKEN: u16 = 202;

/// Why there is no such channel.
#[derive(Debug, thiserror::Error)]
pub enum PagerDutyError {
    /// The routing key is none.
    #[error("a routing key of PagerDuty has {ROUTING_KEY_CHARS} letters and digits, and this is none")]
    RoutingKey,
    /// Nothing can be posted.
    #[error(transparent)]
    Posting(#[from] PostingError),
}

/// A service of PagerDuty, which knows whom to page.
pub struct PagerDuty {
    name: Name,
    posting: Posting,
    routing_key: SecretText,
}

#[derive(Serialize)]
struct Event<'e> {
    routing_key: &'e str,
    event_action: &'static str,
    dedup_key: &'e str,
    client: &'static str,
    payload: Payload<'e>,
}

#[derive(Serialize)]
struct Payload<'e> {
    summary: String,
    source: String,
    severity: &'static str,
    timestamp: Timestamp,
    component: &'static str,
    group: String,
    class: &'static str,
    custom_details: Details<'e>,
}

#[derive(Serialize)]
struct Details<'e> {
    incident: u64,
    alert: u32,
    account: String,
    what_happened: &'e [String],
}

impl PagerDuty {
    /// The service whose integration has the routing key; [`PAGER_DUTY_ADDRESS`] is the usual address. Nothing is sent yet.
    ///
    /// # Errors
    /// A setting is of no use.
    pub fn new(
        name: Name,
        (address, routing_key): (&str, SecretText),
        way: &WayOut<'_>,
    ) -> Result<Self, PagerDutyError> {
        let key = routing_key.text();
        if key.len() != ROUTING_KEY_CHARS || !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(PagerDutyError::RoutingKey);
        }
        Ok(Self { name, posting: Posting::new(address, way)?, routing_key })
    }

    fn body(&self, key: &str, message: &Message) -> Result<Zeroizing<Vec<u8>>, Untaken> {
        let paragraphs = words::paragraphs(message);
        let event = Event {
            routing_key: self.routing_key.text(),
            event_action: "trigger",
            dedup_key: key,
            client: "breakglass",
            payload: Payload {
                summary: words::subject(message),
                source: words::who(message),
                severity: "critical",
                timestamp: message.at,
                component: "emergency account",
                group: format!("incident {}", message.incident),
                class: "sign-in",
                custom_details: Details {
                    incident: message.incident,
                    alert: message.alert,
                    account: words::visible(&message.account),
                    what_happened: &paragraphs,
                },
            },
        };
        let mut body = Zeroizing::new(Vec::with_capacity(EVENT_BYTES));
        serde_json::to_writer(&mut *body, &event).map_err(|error| refused(format!("it cannot be written: {error}")))?;
        Ok(body)
    }
}

#[async_trait]
impl Channel for PagerDuty {
    fn name(&self) -> &Name {
        &self.name
    }

    async fn deliver(&self, key: &DeliveryKey, message: &Message) -> Result<(), Untaken> {
        let key = key.idempotency_key();
        if key.len() > DEDUP_KEY_CHARS_MAX {
            return Err(refused(format!("its key has more than {DEDUP_KEY_CHARS_MAX} characters")));
        }
        let body = self.body(&key, message)?;
        match self.posting.post(json_headers(), body, no_reason).await?.status {
            TAKEN => Ok(()),
            status => Err(later(format!(
                "the receiver answers {status}, and PagerDuty says {TAKEN} when it has taken an event"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use breakglass_custody::name::NAME_CHARS_MAX;

    use super::*;

    #[test]
    fn the_longest_key_is_taken() {
        let longest = Name::read(&"z".repeat(NAME_CHARS_MAX)).unwrap();
        let key = DeliveryKey {
            incident: format!("incident/{}", u64::MAX),
            alert: u32::MAX,
            channel: longest.clone(),
            recipient: longest,
            step: u16::MAX,
        };
        assert!(key.idempotency_key().len() <= DEDUP_KEY_CHARS_MAX);
    }
}
