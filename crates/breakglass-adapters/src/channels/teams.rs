//! A workflow of Microsoft Teams that takes an Adaptive Card. Its address is its secret.
//!
//! The card is made of rich text blocks, of which the texts are never read as Markdown. Such a flow belongs to one person, and
//! lives in a tenant that may be the one that is locked: it is never the only channel. It knows no key by which it would see
//! that a card came twice; the numbers of the incident and the alert are in it.
//! **Source:** "Create incoming webhooks with Workflows for Microsoft Teams" (the form of what is posted); "Text features" of
//! Adaptive Cards: "RichTextBlock does not support markdown", and functions in double braces, read 2026-11-28.
//! **Limits:** those of [`posting`](super::posting).

use async_trait::async_trait;
use breakglass_custody::name::Name;
use breakglass_ops::ports::{Channel, DeliveryKey, Untaken};
use breakglass_ops::watching::message::Message;
use breakglass_ops::watching::words;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::posting::{Posting, PostingError, WayOut, json_headers, no_reason};
use crate::http::SecretText;

/// What kind of attachment a card is.
const CARD: &str = "application/vnd.microsoft.card.adaptive";

/// A chat or channel of Teams.
pub struct Teams {
    name: Name,
    posting: Posting,
}

impl Teams {
    /// The chat or channel that a workflow posts to. Nothing is sent yet.
    ///
    /// # Errors
    /// A setting is of no use.
    pub fn new(name: Name, address: &SecretText, way: &WayOut<'_>) -> Result<Self, PostingError> {
        Ok(Self { name, posting: Posting::new(address.text(), way)? })
    }
}

#[async_trait]
impl Channel for Teams {
    fn name(&self) -> &Name {
        &self.name
    }

    async fn deliver(&self, _: &DeliveryKey, message: &Message) -> Result<(), Untaken> {
        let body = Zeroizing::new(body(message).to_string().into_bytes());
        self.posting.post(json_headers(), body, no_reason).await.map(|_| ())
    }
}

fn body(message: &Message) -> Value {
    let subject = json!({ "type": "TextRun", "text": unread(&words::subject(message)), "weight": "Bolder" });
    let mut lines = vec![block(&subject, "Default")];
    for paragraph in words::paragraphs(message) {
        for (number, line) in paragraph.lines().enumerate() {
            let run = json!({ "type": "TextRun", "text": unread(line) });
            lines.push(block(&run, if number == 0 { "Medium" } else { "None" }));
        }
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": CARD,
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.2",
                "msteams": { "width": "Full" },
                "body": lines,
            },
        }],
    })
}

fn block(run: &Value, spacing: &str) -> Value {
    json!({ "type": "RichTextBlock", "spacing": spacing, "inlines": [run] })
}

/// Text in which nothing is a function: `{{DATE(...)}}` would be shown as something else. No brace stands behind another.
fn unread(text: &str) -> String {
    let mut unread = String::with_capacity(text.len());
    for character in text.chars() {
        if character == '{' && unread.ends_with('{') {
            unread.push(' ');
        }
        unread.push(character);
    }
    unread
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_text() {
        for (text, expected) in [
            ("{{DATE(2026-11-28T03:00:00Z)}}", "{ {DATE(2026-11-28T03:00:00Z)}}"),
            ("{{{DATE()}}}", "{ { {DATE()}}}"),
            (r"a\u{202e}b", r"a\u{202e}b"),
        ] {
            assert_eq!(unread(text), expected);
        }
    }
}
