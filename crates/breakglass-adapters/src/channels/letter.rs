//! An alert as a mail: the same letter for a server and for a file.
//!
//! Its id is made of the delivery's key, so that it is the same at each try and a mailbox shows once what came twice. Its date
//! is when the alert was made. It is marked as sent by a program, so that no absence notice answers it, and as important.
//! **Source:** RFC 5322, section 3.6.4 (`Message-ID`); RFC 3834, section 5 (`Auto-Submitted`); RFC 2156 (`Importance`);
//! MS-OXCMAIL (`X-Auto-Response-Suppress`).

use breakglass_ops::ports::{DeliveryKey, Untaken};
use breakglass_ops::watching::message::Message;
use breakglass_ops::watching::words;
use jiff::Timestamp;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};

use super::refused;

const MESSAGE_ID: HeaderName = HeaderName::new_from_ascii_str("Message-ID");

/// Headers that are the same in each letter.
const HEADERS: [(HeaderName, &str); 4] = [
    (HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated"),
    (HeaderName::new_from_ascii_str("X-Auto-Response-Suppress"), "All"),
    (HeaderName::new_from_ascii_str("Importance"), "high"),
    (HeaderName::new_from_ascii_str("X-Priority"), "1"),
];

/// An address as a letter has it, as `eva@contoso.com` or `Eva <eva@contoso.com>`; `None` if it is none. Only ASCII is taken:
/// not every server passes anything else on.
pub(super) fn address(text: &str) -> Option<Mailbox> {
    let is_plain = text.is_ascii() && !text.contains(char::is_control);
    if is_plain { text.parse().ok() } else { None }
}

/// The letter, with the ends of lines that mail has.
pub(super) fn letter(
    (from, to): (&Mailbox, &Mailbox),
    key: &DeliveryKey,
    message: &Message,
) -> Result<Vec<u8>, Untaken> {
    let id = id(key, from.email.domain()).ok_or_else(|| refused("its key cannot be the id of a mail"))?;
    let mut builder = lettre::Message::builder()
        .from(from.clone())
        .to(to.clone())
        .subject(words::subject(message))
        // What is earlier cannot be written, and comes of a clock that nobody has set.
        .date(message.at.max(Timestamp::UNIX_EPOCH).into())
        // Encoded as words are it could be folded, and be another id for whoever compares.
        .raw_header(HeaderValue::dangerous_new_pre_encoded(MESSAGE_ID, id.clone(), id));
    for (name, value) in HEADERS {
        builder = builder.raw_header(HeaderValue::new(name, value.to_owned()));
    }
    let letter = builder.singlepart(SinglePart::plain(words::text(message).trim_end().to_owned()));
    letter.map(|letter| letter.formatted()).map_err(|error| refused(format!("the mail cannot be written: {error}")))
}

fn id(key: &DeliveryKey, domain: &str) -> Option<String> {
    let key = key.idempotency_key();
    let is_good = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    (!key.is_empty() && key.chars().all(is_good)).then(|| format!("<{key}@{domain}>"))
}
