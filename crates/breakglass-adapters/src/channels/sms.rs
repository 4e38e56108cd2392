//! Text messages, by a provider that is asked as Twilio is.
//!
//! Twilio documents no key by which it would know a message that is asked for twice: where its answer is lost, somebody may get
//! the same message again. The numbers of the incident and the alert are in it, so that this is seen. That a provider has taken
//! it does not say that the telephone rang.
//! **Source:** Twilio's documentation, "Message resource", "API requests" (basic authentication by account and token) and
//! "Twilio's response" (errors with a number), read 2026-11-28.
//! **Limits:** [`ACCOUNT_CHARS_MAX`], [`SHORT_CHARS_MAX`](words::SHORT_CHARS_MAX), and those of [`posting`](super::posting).

use std::collections::BTreeMap;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use breakglass_custody::name::Name;
use breakglass_ops::ports::{Channel, DeliveryKey, Untaken};
use breakglass_ops::watching::message::Message;
use breakglass_ops::watching::words;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;
use zeroize::Zeroizing;

use super::posting::{Posting, PostingError, WayOut};
use super::{contact, later};
use crate::http::{SecretText, origin};

/// Where Twilio is.
pub const TWILIO_ADDRESS: &str = "https://api.twilio.com";

/// Characters of the longest name of an account.
pub const ACCOUNT_CHARS_MAX: usize = 64;

/// How the id of a messaging service begins, which may stand in the place of a number.
const SERVICE_HEAD: &str = "MG";

/// Characters of such an id.
const SERVICE_CHARS: usize = 34;

/// Why there is no such channel.
#[derive(Debug, thiserror::Error)]
pub enum SmsError {
    /// The account is none.
    #[error(
        "an account of a provider of text messages has 1 to {ACCOUNT_CHARS_MAX} letters and digits, and this is none"
    )]
    Account,
    /// The token cannot be sent.
    #[error("the token of a provider of text messages is empty, or has letters that cannot be sent")]
    Token,
    /// Nothing can be posted.
    #[error(transparent)]
    Posting(#[from] PostingError),
}

/// Telephones.
pub struct Sms {
    name: Name,
    posting: Posting,
    authorization: HeaderValue,
    from: String,
    contacts: BTreeMap<Name, String>,
}

impl Sms {
    /// Telephones that are written to by an account and its token, from a number or a messaging service; each contact is a
    /// number as `+15557122661`. [`TWILIO_ADDRESS`] is the usual address. Nothing is sent yet.
    ///
    /// # Errors
    /// A setting is of no use.
    pub fn new(
        name: Name,
        address: &str,
        (account, token, from): (&str, &SecretText, String),
        contacts: BTreeMap<Name, String>,
        way: &WayOut<'_>,
    ) -> Result<Self, SmsError> {
        let is_account = (1..=ACCOUNT_CHARS_MAX).contains(&account.len())
            && account.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_account {
            return Err(SmsError::Account);
        }
        let mut url = origin(address).ok_or(PostingError::Address)?;
        url.set_path(&format!("/2010-04-01/Accounts/{account}/Messages.json"));
        let posting = Posting::new(url.as_str(), way)?;
        let authorization = authorization(account, token).ok_or(SmsError::Token)?;
        Ok(Self { name, posting, authorization, from, contacts })
    }
}

#[async_trait]
impl Channel for Sms {
    fn name(&self) -> &Name {
        &self.name
    }

    async fn deliver(&self, key: &DeliveryKey, message: &Message) -> Result<(), Untaken> {
        let to = contact(&self.contacts, &key.recipient)?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(AUTHORIZATION, self.authorization.clone());
        let sender = if self.from.starts_with(SERVICE_HEAD) && self.from.len() == SERVICE_CHARS {
            "MessagingServiceSid"
        } else {
            "From"
        };
        let text = words::short(message);
        let form = form(&[("To", to.as_str()), (sender, self.from.as_str()), ("Body", text.as_str())]);
        let reply = self.posting.post(headers, Zeroizing::new(form.into_bytes()), reason).await?;
        let answer: Option<Value> = serde_json::from_slice(reply.body.bytes()).ok();
        let is_taken = answer.and_then(|answer| Some(!answer.get("sid")?.as_str()?.is_empty()));
        if is_taken == Some(true) {
            Ok(())
        } else {
            Err(later("the receiver does not answer as a provider of text messages does: there is no `sid`"))
        }
    }
}

fn authorization(account: &str, token: &SecretText) -> Option<HeaderValue> {
    if token.text().is_empty() || token.text().contains(char::is_control) {
        return None;
    }
    let both = Zeroizing::new(format!("{account}:{}", token.text()));
    let basic = Zeroizing::new(format!("Basic {}", Zeroizing::new(STANDARD.encode(both.as_bytes())).as_str()));
    let mut value = HeaderValue::from_str(&basic).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Pairs as a form has them.
fn form(pairs: &[(&str, &str)]) -> String {
    // A query is written as a form is.
    let query = Url::parse_with_params("http://form.invalid/", pairs).ok();
    query.and_then(|url| url.query().map(str::to_owned)).unwrap_or_default()
}

/// The number of the provider's error.
fn reason(body: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    Some(format!("error {}", answer.get("code")?.as_u64()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_written_as_forms_are() {
        assert_eq!(
            form(&[("To", "+15557122661"), ("Body", "a&b=c <d>\n100% \u{e4}")]),
            "To=%2B15557122661&Body=a%26b%3Dc+%3Cd%3E%0A100%25+%C3%A4"
        );
    }

    #[test]
    fn only_the_number_of_an_error_is_repeated() {
        for (body, expected) in [
            (r#"{"code":21211,"message":"hush","status":400}"#, Some("error 21211")),
            (r#"{"code":"hush"}"#, None),
            ("hush", None),
            ("", None),
        ] {
            assert_eq!(reason(body.as_bytes()).as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn who_sends_is_in_a_header_and_nowhere_to_be_seen() {
        let header = authorization("AC0", &SecretText::new("hush".to_owned())).unwrap();
        assert_eq!(header.to_str().unwrap(), "Basic QUMwOmh1c2g=");
        assert_eq!(format!("{header:?}"), "Sensitive");
        assert!(authorization("AC0", &SecretText::new("hu\nsh".to_owned())).is_none());
        assert!(authorization("AC0", &SecretText::new(String::new())).is_none());
    }
}
