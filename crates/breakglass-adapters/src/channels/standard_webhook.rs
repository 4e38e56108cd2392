//! A webhook that is signed as Standard Webhooks says.
//!
//! What is sent is JSON: `type`, `timestamp`, and the alert as `data`. The id is the same at each try, so that the receiver
//! knows what comes twice; the signature is over the id, the time and the body. No redirect is followed: whoever is told is who
//! was named.
//! **Source:** Standard Webhooks 1.0.0, <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>:
//! the headers, symmetric signatures (`v1`), secrets of 24 to 64 bytes, status 2xx alone is success, 410 and 429.
//! **Limits:** [`SECRET_BYTES`], and those of [`posting`](super::posting).

use async_trait::async_trait;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use breakglass_custody::name::Name;
use breakglass_ops::ports::{Channel, Clock, DeliveryKey, Untaken};
use breakglass_ops::watching::message::Message;
use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;
use zeroize::Zeroizing;

use super::posting::{Posting, PostingError, WayOut, json_headers, no_reason};
use super::refused;
use crate::http::SecretText;

/// Bytes of a secret, at least and at most.
pub const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// How a secret begins.
const SECRET_HEAD: &str = "whsec_";

/// What kind of event it is.
const TYPE: &str = "incident.alert";

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Why there is no such webhook.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The secret is none.
    #[error("the secret of a webhook is `{SECRET_HEAD}` and base64 of 24 to 64 bytes, and this is none")]
    Secret,
    /// Nothing can be posted.
    #[error(transparent)]
    Posting(#[from] PostingError),
}

/// A key that signs.
struct Signing(hmac::Key);

impl Signing {
    fn read(secret: &SecretText) -> Option<Self> {
        let text = secret.text().strip_prefix(SECRET_HEAD)?;
        let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
        SECRET_BYTES.contains(&bytes.len()).then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The signature of a body that is sent at a time under an id.
    fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(format!("{id}.{}.", at.as_second()).as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign().as_ref()))
    }
}

/// A webhook.
pub struct StandardWebhook<C> {
    name: Name,
    posting: Posting,
    signing: Signing,
    clock: C,
}

impl<C: Clock> StandardWebhook<C> {
    /// A webhook at an address, whose secret the receiver has too. Nothing is sent yet.
    ///
    /// # Errors
    /// A setting is of no use.
    pub fn new(
        (name, clock): (Name, C),
        (address, secret): (&str, &SecretText),
        way: &WayOut<'_>,
    ) -> Result<Self, WebhookError> {
        let posting = Posting::new(address, way)?;
        let signing = Signing::read(secret).ok_or(WebhookError::Secret)?;
        Ok(Self { name, posting, signing, clock })
    }

    fn headers(&self, id: &str, at: Timestamp, body: &[u8]) -> Option<HeaderMap> {
        let mut headers = json_headers();
        headers.insert(ID, HeaderValue::from_str(id).ok()?);
        headers.insert(TIMESTAMP, HeaderValue::from(at.as_second()));
        headers.insert(SIGNATURE, HeaderValue::from_str(&self.signing.sign(id, at, body)).ok()?);
        Some(headers)
    }
}

#[async_trait]
impl<C: Clock> Channel for StandardWebhook<C> {
    fn name(&self) -> &Name {
        &self.name
    }

    async fn deliver(&self, key: &DeliveryKey, message: &Message) -> Result<(), Untaken> {
        // What a log says is sent as it came: as a value of JSON, and for a program that shows it, if it does, in its own way.
        let body = json!({ "type": TYPE, "timestamp": message.at, "data": message }).to_string().into_bytes();
        let headers = self.headers(&key.idempotency_key(), self.clock.now(), &body);
        let headers = headers.ok_or_else(|| refused("its id cannot be sent"))?;
        self.posting.post(headers, Zeroizing::new(body), no_reason).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published vector: `standard-webhooks`, the tests of its libraries.
    #[test]
    fn the_published_vector_is_signed_as_it_was() {
        let secret = SecretText::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".to_owned());
        let signing = Signing::read(&secret).unwrap();
        let body = br#"{"email":"test@example.com","username":"test_user"}"#;
        let signed =
            signing.sign("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", Timestamp::from_second(1_649_367_553).unwrap(), body);
        assert_eq!(signed, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
    }

    #[test]
    fn a_secret_has_its_form_and_its_length() {
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        let headless = STANDARD.encode([7; 24]);
        for (text, is_good) in [(of(24), true), (of(64), true), (of(23), false), (of(65), false), (headless, false)] {
            assert_eq!(Signing::read(&SecretText::new(text.clone())).is_some(), is_good, "{text}");
        }
        assert!(Signing::read(&SecretText::new("whsec_%%%".to_owned())).is_none());
    }
}
