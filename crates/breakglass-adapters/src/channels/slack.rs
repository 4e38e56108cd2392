//! An incoming webhook of Slack. Its address is its secret.
//!
//! Everything is plain text: blocks that are not read as markup, and beside them, for notifications, the subject, in which `&`,
//! `<` and `>` are written as Slack wants them, so that nobody is mentioned and nothing is a link with another name. Slack knows
//! no key by which it would see that a message came twice; the numbers of the incident and the alert are in it.
//! **Source:** Slack's documentation, "Sending messages using incoming webhooks" (the answer `ok`, and refusals in one word),
//! "Formatting message text" and "Text object", read 2026-11-28.
//! **Limits:** [`SECTION_CHARS_MAX`], and those of [`posting`](super::posting).

use async_trait::async_trait;
use breakglass_custody::name::Name;
use breakglass_ops::ports::{Channel, DeliveryKey, Untaken};
use breakglass_ops::watching::message::Message;
use breakglass_ops::watching::words;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::later;
use super::posting::{Posting, PostingError, WayOut, json_headers};
use crate::http::SecretText;

/// Characters of the longest text of a section.
pub const SECTION_CHARS_MAX: usize = 3_000;

/// Bytes of the longest word with which Slack refuses.
const REASON_BYTES_MAX: usize = 40;

/// What Slack answers when it has taken a message.
const TAKEN: &[u8] = b"ok";

/// A conversation in Slack.
pub struct Slack {
    name: Name,
    posting: Posting,
}

impl Slack {
    /// The conversation that a webhook writes to, as `https://hooks.slack.com/services/...`. Nothing is sent yet.
    ///
    /// # Errors
    /// A setting is of no use.
    pub fn new(name: Name, address: &SecretText, way: &WayOut<'_>) -> Result<Self, PostingError> {
        Ok(Self { name, posting: Posting::new(address.text(), way)? })
    }
}

#[async_trait]
impl Channel for Slack {
    fn name(&self) -> &Name {
        &self.name
    }

    async fn deliver(&self, _: &DeliveryKey, message: &Message) -> Result<(), Untaken> {
        let body = Zeroizing::new(body(message).to_string().into_bytes());
        let reply = self.posting.post(json_headers(), body, reason).await?;
        if reply.body.bytes().trim_ascii() == TAKEN {
            Ok(())
        } else {
            Err(later("the receiver does not answer as Slack does when it has taken a message"))
        }
    }
}

fn body(message: &Message) -> Value {
    let subject = escaped(&words::subject(message));
    let mut blocks = vec![section(&subject)];
    blocks.extend(words::paragraphs(message).iter().flat_map(|paragraph| sections(paragraph)));
    json!({
        "text": subject,
        "mrkdwn": false,
        "link_names": false,
        "unfurl_links": false,
        "unfurl_media": false,
        "blocks": blocks,
    })
}

/// A paragraph in as many sections as it needs; no line is torn apart that fits into one.
fn sections(paragraph: &str) -> Vec<Value> {
    let mut sections = Vec::new();
    let mut text = String::new();
    for line in paragraph.lines().map(|line| words::cut(&escaped(line), SECTION_CHARS_MAX)) {
        if !text.is_empty() && text.chars().count() + 1 + line.chars().count() > SECTION_CHARS_MAX {
            sections.push(section(&text));
            text.clear();
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&line);
    }
    sections.push(section(&text));
    sections
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "plain_text", "text": text, "emoji": false } })
}

/// Text in which nothing is a mention or a link.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The word with which Slack refuses, as `no_service`: nothing of the address can be in it.
fn reason(body: &[u8]) -> Option<String> {
    let word = body.trim_ascii();
    let is_word = (1..=REASON_BYTES_MAX).contains(&word.len())
        && word.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'_');
    if is_word { std::str::from_utf8(word).ok().map(str::to_owned) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text() {
        assert_eq!(
            escaped("<!channel> *a* & <https://evil.example|click>"),
            "&lt;!channel&gt; *a* &amp; &lt;https://evil.example|click&gt;"
        );
    }

    #[test]
    fn a_long_paragraph_is_several_sections() {
        let text = |section: &Value| section["text"]["text"].as_str().unwrap().to_owned();
        let line = "&".repeat(500);
        for (count, expected) in [(1, vec![2_500]), (2, vec![2_500, 2_500]), (3, vec![2_500; 3])] {
            let sections = sections(&vec![line.as_str(); count].join("\n"));
            assert_eq!(sections.iter().map(|section| text(section).chars().count()).collect::<Vec<_>>(), expected);
        }
        assert_eq!(sections("one\ntwo").iter().map(text).collect::<Vec<_>>(), ["one\ntwo"]);
        assert_eq!(text(&sections(&"<".repeat(5_000))[0]).chars().count(), SECTION_CHARS_MAX);
    }

    #[test]
    fn only_a_word_is_repeated() {
        for (body, expected) in [
            ("no_service", Some("no_service")),
            ("invalid_payload\n", Some("invalid_payload")),
            ("T000/B000/hush", None),
            ("<html>", None),
            ("", None),
        ] {
            assert_eq!(reason(body.as_bytes()).as_deref(), expected, "{body}");
        }
    }
}
