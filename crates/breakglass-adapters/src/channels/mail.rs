//! Mail, by a server that takes it for delivery.
//!
//! The server is spoken to by the crate `lettre`, over a connection that is secured here: by [`Authorities`] and the public
//! ones, as everything else. What a server says in the clear before STARTTLS is read byte by byte and no further, so that
//! nothing somebody adds to it is taken for what the server says behind the encryption. A server that does not offer STARTTLS
//! is given nothing.
//!
//! The user's password is wiped where it is kept; `lettre` makes copies of it that it does not wipe. What a server answers to
//! the password is not repeated.
//! **Source:** RFC 5321, section 4.2 (answers); RFC 3207 (STARTTLS); RFC 4954 (authentication: 535, 454); RFC 8314.
//! **Limits:** [`MAIL_SECONDS_MAX`], [`ANSWER_LINE_BYTES_MAX`], [`ANSWER_LINE_COUNT_MAX`].

use std::collections::BTreeMap;
use std::error::Error as _;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use breakglass_custody::name::Name;
use breakglass_ops::ports::{Channel, DeliveryKey, Untaken};
use breakglass_ops::watching::message::Message;
use breakglass_ops::watching::words;
use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Severity;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::connection::{ConnectionError, Line, Server};
use super::letter::{address, letter};
use super::{contact, later, refused};
use crate::http::{Authorities, SecretText};

/// Seconds until a server has taken a mail.
pub const MAIL_SECONDS_MAX: u64 = 45;

/// Bytes of the longest line that a server says before the connection is secured.
pub const ANSWER_LINE_BYTES_MAX: usize = 1_000;

/// Lines of the longest answer before the connection is secured.
pub const ANSWER_LINE_COUNT_MAX: usize = 100;

/// Characters of a server's answer that are repeated.
const SAID_CHARS_MAX: usize = 200;

/// Seconds until a server has said good-bye; the mail is taken by then.
const GOODBYE_SECONDS_MAX: u64 = 2;

/// What a server would say if it said something once the connection is secured: the conversation begins again.
const BEGUN_AGAIN: &[u8] = b"220 secured\r\n";

/// How the connection is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// From the first byte, as on port 465.
    Tls,
    /// By the command STARTTLS, as on port 587.
    StartTls,
    /// Not at all: to this machine alone.
    Plain,
}

/// Why there is no such channel.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The address that mail comes from is none.
    #[error("`{0}` is no address that mail can come from: it is written in ASCII, as breakglass@contoso.com")]
    From(String),
    /// The address of somebody is none.
    #[error("`{address}` of `{person}` is no address of mail: it is written in ASCII, as eva@contoso.com")]
    Contact {
        /// Who.
        person: Name,
        /// The address.
        address: String,
    },
    /// The server cannot be connected to.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
}

/// People who are written to.
pub struct Mail {
    name: Name,
    server: Server,
    security: Security,
    user: Option<(String, SecretText)>,
    from: Mailbox,
    contacts: BTreeMap<Name, Mailbox>,
    within: Duration,
}

impl Mail {
    /// People who are written to by a server, from an address; with the name and the password of a user, if the server wants
    /// one. Nothing is sent yet.
    ///
    /// # Errors
    /// A setting is of no use.
    pub fn new(
        name: Name,
        (host, port, security): (&str, u16, Security),
        user: Option<(String, SecretText)>,
        (from, contacts): (&str, &BTreeMap<Name, String>),
        authorities: &Authorities,
    ) -> Result<Self, MailError> {
        let server = Server::new((host, port), authorities)?;
        if security == Security::Plain && !server.is_here() {
            return Err(ConnectionError::Unsecured(server.to_string()).into());
        }
        let from = address(from).ok_or_else(|| MailError::From(from.to_owned()))?;
        let contacts = addresses(contacts)?;
        Ok(Self { name, server, security, user, from, contacts, within: Duration::from_secs(MAIL_SECONDS_MAX) })
    }

    /// The same with another limit of time.
    #[must_use]
    pub fn within(self, within: Duration) -> Self {
        Self { within, ..self }
    }

    async fn line(&self) -> Result<Line, Untaken> {
        let mut stream = self.server.connected().await?;
        match self.security {
            Security::Plain => self.server.plain(stream),
            Security::Tls => self.server.secured(stream, b"").await,
            Security::StartTls => {
                self.begin_tls(&mut stream).await?;
                self.server.secured(stream, BEGUN_AGAIN).await
            }
        }
    }

    /// Asks for TLS. Behind the last answer nothing was read.
    async fn begin_tls(&self, stream: &mut TcpStream) -> Result<(), Untaken> {
        self.answered(stream, 220).await?;
        let hello = format!("EHLO {}\r\n", self.hello());
        stream.write_all(hello.as_bytes()).await.map_err(|error| self.server.lost(&error))?;
        let offered = self.answered(stream, 250).await?;
        if !offered.iter().any(|line| line.trim().eq_ignore_ascii_case("STARTTLS")) {
            return Err(refused(format!(
                "`{}` does not offer STARTTLS, and was given nothing: it may want TLS from the first byte, or somebody is in \
                 between",
                self.server
            )));
        }
        stream.write_all(b"STARTTLS\r\n").await.map_err(|error| self.server.lost(&error))?;
        self.answered(stream, 220).await.map(|_| ())
    }

    /// The lines of an answer that has this code.
    async fn answered(&self, stream: &mut TcpStream, expected: u16) -> Result<Vec<String>, Untaken> {
        let (code, lines) = answer(stream).await.map_err(|error| self.server.lost(&error))?;
        if code == expected {
            return Ok(lines);
        }
        let is_later = !(500..600).contains(&code);
        Err(self.said_no(code, is_later, Some(&lines.join(" "))))
    }

    fn hello(&self) -> ClientId {
        ClientId::Domain(self.from.email.domain().to_owned())
    }

    /// Gives the letter to the server; `Ok` when it has taken it.
    async fn given(&self, to: &Mailbox, letter: &[u8]) -> Result<AsyncSmtpConnection, Untaken> {
        let line = self.line().await?;
        let connection = AsyncSmtpConnection::connect_with_transport(Box::new(line), &self.hello()).await;
        let mut connection = connection.map_err(|error| self.untaken(&error))?;
        if let Some((user, password)) = &self.user {
            let credentials = Credentials::new(user.clone(), password.text().to_owned());
            let known = connection.auth(DEFAULT_MECHANISMS, &credentials).await;
            known.map_err(|error| self.unknown_user(&error))?;
        }
        let envelope = Envelope::new(Some(self.from.email.clone()), vec![to.email.clone()]);
        let envelope = envelope.map_err(|error| refused(format!("the mail cannot be addressed: {error}")))?;
        let answer = connection.send(&envelope, letter).await.map_err(|error| self.untaken(&error))?;
        if answer.code().severity == Severity::PositiveCompletion {
            Ok(connection)
        } else {
            Err(self.said_no(answer.code().into(), true, None))
        }
    }

    /// What came of it where the server did not take the password.
    fn unknown_user(&self, error: &SmtpError) -> Untaken {
        let server = &self.server;
        match error.status().map(u16::from) {
            Some(code) if error.is_permanent() => refused(format!(
                "`{server}` answers {code}: it does not take the name or the password of the user, which have to be renewed"
            )),
            Some(code) => self.said_no(code, true, None),
            None if error.is_client() => refused(format!(
                "`{server}` does not let a user sign in by PLAIN or LOGIN: the user has to be left out, or it is another server"
            )),
            // What it said, if anything, can be the password.
            None => later(format!("the conversation with `{server}` broke while the user was signed in")),
        }
    }

    fn untaken(&self, error: &SmtpError) -> Untaken {
        let said = error.source().map(ToString::to_string);
        match error.status().map(u16::from) {
            Some(code) => self.said_no(code, error.is_transient(), said.as_deref()),
            None => {
                let said = said.as_deref().map_or_else(|| "no reason is given".to_owned(), shown);
                let why = format!("the conversation with `{}` broke: {said}", self.server);
                // Then it is this side that cannot go on.
                if error.is_client() { refused(why) } else { later(why) }
            }
        }
    }

    fn said_no(&self, code: u16, is_later: bool, said: Option<&str>) -> Untaken {
        let said = said.filter(|said| !said.trim().is_empty()).map(|said| format!(": {}", shown(said)));
        let why = format!("`{}` answers {code}{}", self.server, said.unwrap_or_default());
        if is_later { later(why) } else { refused(why) }
    }
}

#[async_trait]
impl Channel for Mail {
    fn name(&self) -> &Name {
        &self.name
    }

    async fn deliver(&self, key: &DeliveryKey, message: &Message) -> Result<(), Untaken> {
        let to = contact(&self.contacts, &key.recipient)?;
        let letter = letter((&self.from, to), key, message)?;
        let given = timeout(self.within, self.given(to, &letter)).await;
        let mut connection = given.map_err(|_| self.server.too_slow())??;
        // It is taken, whatever becomes of the connection.
        let _ = timeout(Duration::from_secs(GOODBYE_SECONDS_MAX), connection.quit()).await;
        Ok(())
    }
}

impl AsyncTokioStream for Line {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer())
    }
}

/// The addresses of people.
///
/// # Errors
/// One is none.
pub(super) fn addresses(contacts: &BTreeMap<Name, String>) -> Result<BTreeMap<Name, Mailbox>, MailError> {
    let read = |(person, text): (&Name, &String)| match address(text) {
        Some(address) => Ok((person.clone(), address)),
        None => Err(MailError::Contact { person: person.clone(), address: text.clone() }),
    };
    contacts.iter().map(read).collect()
}

fn shown(said: &str) -> String {
    words::cut(&words::visible(said.trim()), SAID_CHARS_MAX)
}

/// A whole answer, and not a byte more.
async fn answer(stream: &mut TcpStream) -> io::Result<(u16, Vec<String>)> {
    let mut lines = Vec::new();
    loop {
        let line = line(stream).await?;
        let code = line.get(..3).and_then(|code| code.parse().ok());
        let code: u16 = code.ok_or_else(|| io::Error::other("the server does not speak SMTP"))?;
        let is_last = line.as_bytes().get(3) != Some(&b'-');
        lines.push(line.get(4..).unwrap_or_default().to_owned());
        if is_last {
            return Ok((code, lines));
        }
        if lines.len() >= ANSWER_LINE_COUNT_MAX {
            return Err(io::Error::other("the server says more than is listened to"));
        }
    }
}

async fn line(stream: &mut TcpStream) -> io::Result<String> {
    let mut bytes = Vec::new();
    loop {
        match stream.read_u8().await? {
            b'\n' => return Ok(String::from_utf8_lossy(bytes.trim_ascii_end()).into_owned()),
            byte if bytes.len() < ANSWER_LINE_BYTES_MAX => bytes.push(byte),
            _ => return Err(io::Error::other("the server says more than is listened to")),
        }
    }
}
