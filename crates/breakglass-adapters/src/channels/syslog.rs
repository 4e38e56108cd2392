//! A collector of logs that takes syslog over TCP, with or without TLS; what is said is in the Common Event Format (CEF).
//!
//! Syslog has no answer. An alert counts as taken when all of it was sent, this side has said that nothing more comes, and the
//! collector has closed the connection thereupon: what did not arrive breaks it instead. A collector that keeps such
//! connections open is told again.
//! **Source:** RFC 5424 (the line), RFC 6587, section 3.4.1 (octet counting), RFC 5425 (over TLS, lengths); "ArcSight Common
//! Event Format (CEF) Implementation Standard" (escapes and names of fields).
//! **Limits:** [`SYSLOG_SECONDS_MAX`], [`SYSLOG_BYTES_MAX`].

use std::fmt::Write as _;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use breakglass_custody::name::Name;
use breakglass_ops::ports::{Channel, DeliveryKey, Untaken};
use breakglass_ops::watching::event::Event;
use breakglass_ops::watching::message::Message;
use breakglass_ops::watching::words;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::connection::{ConnectionError, Server};
use super::refused;
use crate::http::Authorities;

/// Seconds until a collector has taken an alert.
pub const SYSLOG_SECONDS_MAX: u64 = 20;

/// Bytes of the longest line: what every receiver ought to take.
pub const SYSLOG_BYTES_MAX: usize = 8_192;

/// Facility 10, security, and severity 1: somebody has to act at once.
const PRIORITY: u8 = 10 * 8 + 1;

/// What kind of event it is.
const TYPE: &str = "incident-alert";

/// How bad it is, from 0 to 10.
const SEVERITY: u8 = 10;

/// A collector of logs.
pub struct Syslog {
    name: Name,
    server: Server,
    is_tls: bool,
    within: Duration,
}

impl Syslog {
    /// The collector at a host and a port, with TLS or without. Nothing is sent yet.
    ///
    /// # Errors
    /// A setting is of no use.
    pub fn new(
        name: Name,
        (host, port, is_tls): (&str, u16, bool),
        authorities: &Authorities,
    ) -> Result<Self, ConnectionError> {
        let server = Server::new((host, port), authorities)?;
        Ok(Self { name, server, is_tls, within: Duration::from_secs(SYSLOG_SECONDS_MAX) })
    }

    /// The same with another limit of time.
    #[must_use]
    pub fn within(self, within: Duration) -> Self {
        Self { within, ..self }
    }

    async fn sent(&self, frame: &[u8]) -> Result<(), Untaken> {
        let stream = self.server.connected().await?;
        let mut line = if self.is_tls { self.server.secured(stream, b"").await? } else { self.server.plain(stream)? };
        let lost = |error: io::Error| self.server.lost(&error);
        line.write_all(frame).await.map_err(lost)?;
        line.flush().await.map_err(lost)?;
        line.shutdown().await.map_err(lost)?;
        let mut unread = [0; 1_024];
        loop {
            match line.read(&mut unread).await {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                // Closed without the farewell of TLS, as many do.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                Err(error) => return Err(lost(error)),
            }
        }
    }
}

#[async_trait]
impl Channel for Syslog {
    fn name(&self) -> &Name {
        &self.name
    }

    async fn deliver(&self, key: &DeliveryKey, message: &Message) -> Result<(), Untaken> {
        let line = line(&key.idempotency_key(), message);
        if line.len() > SYSLOG_BYTES_MAX {
            return Err(refused(format!("the line has more than {SYSLOG_BYTES_MAX} bytes")));
        }
        let frame = format!("{} {line}", line.len());
        timeout(self.within, self.sent(frame.as_bytes())).await.map_err(|_| self.server.too_slow())?
    }
}

/// A line of syslog.
fn line(key: &str, message: &Message) -> String {
    let at = message.at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ");
    format!("<{PRIORITY}>1 {at} - breakglass - {TYPE} - {}", event(key, message))
}

/// An event of CEF.
fn event(key: &str, message: &Message) -> String {
    let name = in_head(&words::subject(message));
    let version = env!("CARGO_PKG_VERSION");
    let mut event = format!("CEF:0|breakglass|breakglass|{version}|{TYPE}|{name}|{SEVERITY}|");
    let mut fields = vec![
        ("rt", message.at.as_millisecond().to_string()),
        ("externalId", key.to_owned()),
        ("duid", words::cut(&words::visible(&message.account), words::NAME_CHARS_MAX)),
        ("duser", words::who(message)),
        ("cnt", message.new_count.to_string()),
        ("outcome", words::reached(words::furthest(message)).to_owned()),
        ("reason", words::because(message.because).to_owned()),
        ("cn1Label", "incident".to_owned()),
        ("cn1", message.incident.to_string()),
        ("cn2Label", "alert".to_owned()),
        ("cn2", message.alert.to_string()),
    ];
    if let Some(last) = message.events.first() {
        fields.extend(of_sign_in(last));
    }
    fields.push(("msg", words::sentence(message)));
    for (number, (key, value)) in fields.iter().enumerate() {
        let space = if number == 0 { "" } else { " " };
        let _ = write!(event, "{space}{key}={}", in_field(value));
    }
    event
}

/// What is said of the last sign-in.
fn of_sign_in(event: &Event) -> Vec<(&'static str, String)> {
    let mut fields = vec![("start", event.at.as_millisecond().to_string())];
    let client = event.app_display_name.as_ref().or(event.app_id.as_ref());
    if let Some(client) = client {
        let client = words::cut(&words::visible(client), words::CLIENT_CHARS_MAX);
        fields.push(("requestClientApplication", client));
    }
    match event.ip_address.as_deref().map(|text| (text, text.parse::<IpAddr>())) {
        Some((_, Ok(IpAddr::V4(address)))) => fields.push(("src", address.to_string())),
        Some((_, Ok(IpAddr::V6(address)))) => {
            fields.extend([("c6a2Label", "Source IPv6 Address".to_owned()), ("c6a2", address.to_string())])
        }
        // A part of it can be masked.
        Some((text, Err(_))) => fields.extend([
            ("cs2Label", "address".to_owned()),
            ("cs2", words::cut(&words::visible(text), words::ADDRESS_CHARS_MAX)),
        ]),
        None => {}
    }
    if let Some(country) = &event.country {
        let country = words::cut(&words::visible(country), words::COUNTRY_CHARS_MAX);
        fields.extend([("cs1Label", "country".to_owned()), ("cs1", country)]);
    }
    if let Some(code) = event.error_code {
        fields.extend([("cn3Label", "code".to_owned()), ("cn3", code.to_string())]);
    }
    fields
}

/// Text in the head of an event, where `|` ends a field.
fn in_head(text: &str) -> String {
    text.replace('\\', r"\\").replace('|', r"\|")
}

/// Text behind a `=`, where another one would begin the next field.
fn in_field(text: &str) -> String {
    text.replace('\\', r"\\").replace('=', r"\=")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn message(name: &str, address: &str) -> Message {
        let event: Value = json!({
            "id": "e1", "account": "0f3c", "at": "2026-11-28T03:00:05Z", "reached": "token", "errorCode": 0,
            "appDisplayName": name, "ipAddress": address, "country": "NL",
        });
        serde_json::from_value(json!({
            "incident": 7, "alert": 2, "because": "signedIn", "step": 0, "account": "0f3c", "userPrincipalName": name,
            "openedAt": "2026-11-28T02:58:10Z", "at": "2026-11-28T03:01:00.25Z", "newCount": 1, "newly": "token",
            "furthest": "token", "events": [event],
        }))
        .unwrap()
    }

    #[test]
    fn a_line_is_as_the_standards_say() {
        assert_eq!(
            line("key-1", &message("eva@contoso.com", "203.0.113.7")),
            format!(
                "<81>1 2026-11-28T03:01:00.250000Z - breakglass - incident-alert - CEF:0|breakglass|breakglass|{}|\
                 incident-alert|CRITICAL, somebody is IN: eva@contoso.com (incident 7, alert 2)|10|rt=1795834860250 \
                 externalId=key-1 duid=0f3c duser=eva@contoso.com cnt=1 outcome=signed in reason=somebody is in \
                 cn1Label=incident cn1=7 cn2Label=alert cn2=2 start=1795834805000 requestClientApplication=eva@contoso.com \
                 src=203.0.113.7 cs1Label=country cs1=NL cn3Label=code cn3=0 msg=Somebody signed in as eva@contoso.com.",
                env!("CARGO_PKG_VERSION")
            )
        );
    }

    #[test]
    fn what_ends_a_field_is_escaped() {
        let line = line("key-1", &message("a|b=c\\d\n<81>1 e", "masked=XXX"));
        assert!(line.contains(r"|CRITICAL, somebody is IN: a\|b=c\\d\\n<81>1 e (incident 7, alert 2)|10|"), "{line}");
        assert!(line.contains(r" duser=a|b\=c\\d\\n<81>1 e cnt=1 "), "{line}");
        assert!(line.contains(r" cs2Label=address cs2=masked\=XXX "), "{line}");
        assert!(!line.contains(char::is_control), "{line}");
    }

    #[test]
    fn an_address_is_in_the_field_of_its_kind() {
        for (address, expected) in [
            ("203.0.113.7", " src=203.0.113.7 "),
            ("2001:db8::7", " c6a2Label=Source IPv6 Address c6a2=2001:db8::7 "),
            ("203.0.113.XXX", " cs2Label=address cs2=203.0.113.XXX "),
        ] {
            let line = line("key-1", &message("eva", address));
            assert!(line.contains(expected), "{line}");
        }
    }

    #[test]
    fn the_longest_line_is_short_enough() {
        let mut message = message(&"\u{1f511}=\\\u{202e}".repeat(200), &"=\\\u{202e}".repeat(200));
        message.account = "=\\\u{202e}".repeat(200);
        message.events[0].country = Some("=\\\u{202e}".repeat(200));
        assert!(line(&"k".repeat(255), &message).len() <= SYSLOG_BYTES_MAX);
    }
}
