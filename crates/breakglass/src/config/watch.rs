//! `[watch]`: by which channels whom the watcher tells, and how long it waits for an answer.
//!
//! Secrets of channels do not stand here: a file may be named that has one, and nothing else.
//! **Limits:** [`CHANNEL_COUNT_MAX`], [`CONTACT_COUNT_MAX`], [`STEP_MAX`], [`ANSWER_SECONDS`].

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use breakglass_custody::name::Name;
use breakglass_ops::watching::ladder::{Ladder, Route, WAIT_SECONDS_USUAL};
use serde::Deserialize;
use toml::Spanned;

use super::{Config, Contradiction, NonEmpty, Whole, at_most, optional, repeated};

/// Channels that may be declared.
const CHANNEL_COUNT_MAX: usize = 20;

/// Contacts that may be declared.
const CONTACT_COUNT_MAX: usize = 200;

/// The last step of the ladder.
const STEP_MAX: i64 = 9;

/// Seconds that may be waited for an answer.
const ANSWER_SECONDS: RangeInclusive<i64> = 60..=3_600;

/// Where mail is submitted, where nothing else is said: RFC 8314.
const SUBMISSION_PORT: u16 = 587;

/// The section.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WatchSection {
    /// Seconds without an answer, after which the next step is taken.
    answer_seconds: Option<Spanned<Whole>>,
    channel: Vec<Spanned<ChannelProperties>>,
    contact: Vec<Spanned<ContactProperties>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelProperties {
    id: Name,
    /// A file that has the secret and nothing else.
    secret_file: Option<NonEmpty>,
    #[serde(default)]
    authorities: Vec<NonEmpty>,
    mail: Option<MailProperties>,
    mailbox: Option<MailboxProperties>,
    pager_duty: Option<PagerDutyProperties>,
    slack: Option<NoProperties>,
    sms: Option<SmsProperties>,
    syslog: Option<SyslogProperties>,
    teams: Option<NoProperties>,
    webhook: Option<WebhookProperties>,
}

/// A kind of channel whose address is its secret.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoProperties {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MailProperties {
    host: NonEmpty,
    port: Option<u16>,
    #[serde(default)]
    security: MailSecurity,
    from: NonEmpty,
    user: Option<NonEmpty>,
}

/// How the way to a mail server is secured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MailSecurity {
    /// By the command STARTTLS, without which nothing is sent.
    #[default]
    #[serde(rename = "starttls")]
    StartTls,
    /// From the first byte.
    Tls,
    /// Not at all, which is for a server on this machine.
    None,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MailboxProperties {
    file: NonEmpty,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PagerDutyProperties {
    address: Option<NonEmpty>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SmsProperties {
    address: Option<NonEmpty>,
    account: NonEmpty,
    from: NonEmpty,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SyslogProperties {
    host: NonEmpty,
    port: u16,
    #[serde(default = "is_secured")]
    tls: bool,
}

const fn is_secured() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookProperties {
    address: NonEmpty,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContactProperties {
    person: Name,
    channel: Name,
    address: Option<NonEmpty>,
    from_step: Option<Whole>,
}

/// What kind of channel it is, with what it is reached by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ChannelKind {
    /// Mail, by a server that takes it.
    Mail {
        /// The server.
        host: String,
        /// Its port.
        port: u16,
        /// How the way is secured.
        security: MailSecurity,
        /// The address that it comes from.
        from: String,
        /// The name that is signed in with, if the server wants one.
        user: Option<String>,
    },
    /// A file of mail on this machine.
    Mailbox(PathBuf),
    /// PagerDuty, at another address than the usual one.
    PagerDuty(Option<String>),
    /// An incoming webhook of Slack.
    Slack,
    /// Text messages.
    Sms {
        /// The provider, if it is another than the usual one.
        address: Option<String>,
        /// The account there.
        account: String,
        /// The number that they come from.
        from: String,
    },
    /// A server that takes syslog.
    Syslog {
        /// The server.
        host: String,
        /// Its port.
        port: u16,
        /// Whether the way is secured.
        is_tls: bool,
    },
    /// A workflow of Teams.
    Teams,
    /// A signed webhook.
    Webhook(String),
}

impl ChannelKind {
    /// What the configuration calls it.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Mail { .. } => "mail",
            Self::Mailbox(_) => "mailbox",
            Self::PagerDuty(_) => "pager_duty",
            Self::Slack => "slack",
            Self::Sms { .. } => "sms",
            Self::Syslog { .. } => "syslog",
            Self::Teams => "teams",
            Self::Webhook(_) => "webhook",
        }
    }

    /// Whether somebody is reached there by an address of their own, which a contact has to name.
    pub(crate) const fn has_addresses(&self) -> bool {
        matches!(self, Self::Mail { .. } | Self::Mailbox(_) | Self::Sms { .. })
    }
}

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeclaredChannel {
    /// What it is called.
    pub(crate) id: Name,
    /// What it is.
    pub(crate) kind: ChannelKind,
    /// The file with its secret, if one is named.
    pub(crate) secret_file: Option<PathBuf>,
    /// Files with certificate authorities.
    pub(crate) authorities: Vec<PathBuf>,
}

/// Somebody, by a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contact {
    /// Who.
    pub(crate) person: Name,
    /// The channel.
    pub(crate) channel: Name,
    /// Where, if it has addresses.
    pub(crate) address: Option<String>,
    /// From which step of the ladder on.
    from_step: u16,
}

/// By which channels whom the watcher tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Watching {
    /// The channels, in the order of the file.
    pub(crate) channels: Vec<DeclaredChannel>,
    /// Who is reached by them.
    pub(crate) contacts: Vec<Contact>,
    /// Who is told when.
    pub(crate) ladder: Ladder,
}

impl Config {
    /// What the watcher has to know; `None` where the file has no `[watch]`. Paths are from the folder of the configuration.
    pub(crate) fn watching(&self, folder: &Path) -> Option<Watching> {
        self.watch.as_ref().map(|watch| watch.watching(folder))
    }
}

impl WatchSection {
    /// Whether anybody is told.
    pub(super) const fn has_contacts(&self) -> bool {
        !self.contact.is_empty()
    }

    fn watching(&self, folder: &Path) -> Watching {
        let contacts: Vec<Contact> = self.contact.iter().map(|contact| contact.get_ref().contact()).collect();
        let routes = contacts.iter().map(|contact| Route {
            channel: contact.channel.clone(),
            recipient: contact.person.clone(),
            from_step: contact.from_step,
        });
        let wait_seconds = self.answer_seconds.as_ref().map_or(WAIT_SECONDS_USUAL, |seconds| seconds.get_ref().0);
        Watching {
            ladder: Ladder { routes: routes.collect(), wait_seconds },
            channels: self.channel.iter().filter_map(|channel| channel.get_ref().channel(folder)).collect(),
            contacts,
        }
    }

    /// Checks that what is declared can be; the first contradiction, with its place.
    pub(super) fn check(&self) -> Result<(), Contradiction> {
        if let Some(seconds) = self.answer_seconds.as_ref().filter(|given| !ANSWER_SECONDS.contains(&given.get_ref().0))
        {
            let message =
                format!("an answer is waited for from {} to {} seconds", ANSWER_SECONDS.start(), ANSWER_SECONDS.end());
            return Err(Contradiction { message, span: seconds.span() });
        }
        at_most(CHANNEL_COUNT_MAX, "channels", self.channel.len())?;
        at_most(CONTACT_COUNT_MAX, "contacts", self.contact.len())?;
        if let Some((id, span)) = repeated(self.channel.iter().map(|one| (&one.get_ref().id, one.span()))) {
            return Err(Contradiction { message: format!("two channels have the id `{id}`"), span });
        }
        let reached = |contact: &ContactProperties| (contact.person.clone(), contact.channel.clone());
        if let Some(((person, channel), span)) =
            repeated(self.contact.iter().map(|one| (reached(one.get_ref()), one.span())))
        {
            let message = format!("`{person}` is told by `{channel}` twice: name the lower step alone");
            return Err(Contradiction { message, span });
        }
        for channel in &self.channel {
            self.check_channel(channel.get_ref()).map_err(|message| Contradiction { message, span: channel.span() })?;
        }
        for contact in &self.contact {
            self.check_contact(contact.get_ref()).map_err(|message| Contradiction { message, span: contact.span() })?;
        }
        Ok(())
    }

    fn check_channel(&self, channel: &ChannelProperties) -> Result<(), String> {
        let id = &channel.id;
        match channel.kinds(Path::new("")).as_slice() {
            [_] => {}
            [] => return Err(format!("the channel `{id}` is of no kind: it needs a table as `mail` or `webhook`")),
            [first, second, ..] => {
                let (first, second) = (first.name(), second.name());
                return Err(format!("the channel `{id}` is a `{first}` and a `{second}`: make it two"));
            }
        }
        let is_used = self.contact.iter().any(|contact| contact.get_ref().channel == *id);
        if is_used { Ok(()) } else { Err(format!("nobody is told by the channel `{id}`: name it in a contact")) }
    }

    fn check_contact(&self, contact: &ContactProperties) -> Result<(), String> {
        let ContactProperties { person, channel: id, address, from_step } = contact;
        if from_step.is_some_and(|Whole(step)| !(0..=STEP_MAX).contains(&step)) {
            return Err(format!("a step of the ladder is from 0 to {STEP_MAX}"));
        }
        let channel = self.channel.iter().find(|channel| channel.get_ref().id == *id);
        let channel =
            channel.ok_or_else(|| format!("there is no channel `{id}`, by which `{person}` is to be told"))?;
        let kind = channel.get_ref().channel(Path::new("")).map(|channel| channel.kind);
        let Some(kind) = kind else { return Ok(()) };
        match (&kind, address) {
            (ChannelKind::Mail { .. } | ChannelKind::Mailbox(_), Some(address)) if !address.0.contains('@') => {
                Err(format!("`{address}` is no address of mail"))
            }
            (ChannelKind::Sms { .. }, Some(address)) if !is_telephone(&address.0) => {
                Err(format!("`{address}` is no telephone number as +49301234567"))
            }
            (kind, None) if kind.has_addresses() => {
                Err(format!("`{person}` is told by `{id}`, which is {}: it needs an `address`", kind.name()))
            }
            (kind, Some(_)) if !kind.has_addresses() => {
                Err(format!("a channel of the kind `{}` has one address for all: leave `address` out", kind.name()))
            }
            _ => Ok(()),
        }
    }
}

/// Whether it is a number as ITU-T E.164 writes it.
fn is_telephone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (7..=15).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit())
}

impl ChannelProperties {
    /// Everything that it says it is.
    fn kinds(&self, folder: &Path) -> Vec<ChannelKind> {
        let mail = self.mail.as_ref().map(|mail| ChannelKind::Mail {
            host: mail.host.0.clone(),
            port: mail.port.unwrap_or(SUBMISSION_PORT),
            security: mail.security,
            from: mail.from.0.clone(),
            user: optional(mail.user.as_ref()),
        });
        let mailbox = self.mailbox.as_ref().map(|mailbox| ChannelKind::Mailbox(folder.join(&mailbox.file.0)));
        let pager_duty = self.pager_duty.as_ref();
        let pager_duty = pager_duty.map(|pager_duty| ChannelKind::PagerDuty(optional(pager_duty.address.as_ref())));
        let slack = self.slack.as_ref().map(|NoProperties {}| ChannelKind::Slack);
        let sms = self.sms.as_ref().map(|sms| ChannelKind::Sms {
            address: optional(sms.address.as_ref()),
            account: sms.account.0.clone(),
            from: sms.from.0.clone(),
        });
        let syslog = self.syslog.as_ref().map(|syslog| ChannelKind::Syslog {
            host: syslog.host.0.clone(),
            port: syslog.port,
            is_tls: syslog.tls,
        });
        let teams = self.teams.as_ref().map(|NoProperties {}| ChannelKind::Teams);
        let webhook = self.webhook.as_ref().map(|webhook| ChannelKind::Webhook(webhook.address.0.clone()));
        [mail, mailbox, pager_duty, slack, sms, syslog, teams, webhook].into_iter().flatten().collect()
    }

    fn channel(&self, folder: &Path) -> Option<DeclaredChannel> {
        Some(DeclaredChannel {
            id: self.id.clone(),
            kind: self.kinds(folder).into_iter().next()?,
            secret_file: self.secret_file.as_ref().map(|path| folder.join(&path.0)),
            authorities: self.authorities.iter().map(|path| folder.join(&path.0)).collect(),
        })
    }
}

impl ContactProperties {
    fn contact(&self) -> Contact {
        Contact {
            person: self.person.clone(),
            channel: self.channel.clone(),
            address: optional(self.address.as_ref()),
            from_step: self.from_step.and_then(|Whole(step)| u16::try_from(step).ok()).unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{line, parse};
    use super::*;

    const GOOD: &str = r#"
[watch]
answer_seconds = 120

[[watch.channel]]
id = "post"
secret_file = "post.secret"
mail = { host = "smtp.contoso.com", from = "breakglass@contoso.com", user = "breakglass" }

[[watch.channel]]
id = "hook"
webhook = { address = "https://alerts.contoso.com/in" }

[[watch.contact]]
person = "eva"
channel = "post"
address = "eva@example.com"

[[watch.contact]]
person = "on-call"
channel = "hook"
from_step = 1
"#;

    #[test]
    fn a_whole_section_is_read() {
        let config = parse(GOOD).unwrap();
        assert!(config.posture_settings().watcher_is_configured);
        let Watching { channels, contacts, ladder } = config.watching(Path::new("/desk")).unwrap();
        assert_eq!(channels.iter().map(|channel| channel.kind.name()).collect::<Vec<_>>(), ["mail", "webhook"]);
        assert_eq!(channels[0].secret_file.as_deref(), Some(Path::new("/desk/post.secret")));
        assert!(matches!(channels[0].kind, ChannelKind::Mail { port: 587, security: MailSecurity::StartTls, .. }));
        assert_eq!(contacts[0].address.as_deref(), Some("eva@example.com"));
        let steps: Vec<(&str, u16)> =
            ladder.routes.iter().map(|route| (route.recipient.as_str(), route.from_step)).collect();
        assert_eq!((steps, ladder.wait_seconds), (vec![("eva", 0), ("on-call", 1)], 120));
    }

    #[test]
    fn a_section_that_tells_nobody_is_no_watcher() {
        let config = parse("[watch]").unwrap();
        assert!(!config.posture_settings().watcher_is_configured);
        assert!(config.watching(Path::new("")).unwrap().channels.is_empty());
        assert!(parse("").unwrap().watching(Path::new("")).is_none());
    }

    #[test]
    fn what_cannot_be_is_named_with_its_line() {
        let channel = "[[watch.channel]]\nid = \"a\"\nslack = {}\n";
        let contact = "[[watch.contact]]\nperson = \"eva\"\nchannel = \"a\"\n";
        let mail = "[[watch.channel]]\nid = \"a\"\nmail = { host = \"h\", from = \"f@h\" }\n";
        let sms = "[[watch.channel]]\nid = \"a\"\nsms = { account = \"AC1\", from = \"+1\" }\n";
        for (text, at, message) in [
            ("[watch]\nanswer_seconds = 5".to_owned(), 2, "from 60 to 3600 seconds"),
            (channel.to_owned(), 1, "nobody is told by the channel `a`"),
            (format!("[[watch.channel]]\nid = \"a\"\n{contact}"), 1, "is of no kind"),
            (
                format!("[[watch.channel]]\nid = \"a\"\nslack = {{}}\nteams = {{}}\n{contact}"),
                1,
                "a `slack` and a `teams`",
            ),
            (contact.to_owned(), 1, "there is no channel `a`"),
            (format!("{channel}{channel}{contact}"), 4, "two channels have the id `a`"),
            (format!("{channel}{contact}{contact}"), 7, "told by `a` twice"),
            (format!("{channel}{contact}address = \"x\""), 4, "leave `address` out"),
            (format!("{channel}{contact}from_step = 10"), 4, "from 0 to 9"),
            (format!("{mail}{contact}"), 4, "it needs an `address`"),
            (format!("{mail}{contact}address = \"eva\""), 4, "`eva` is no address of mail"),
            (format!("{sms}{contact}address = \"0301234567\""), 4, "no telephone number"),
            ("[[watch.channel]]\nid = \"A\"".to_owned(), 2, "a name has 1 to 64 small letters"),
            (
                "[[watch.channel]]\nid = \"a\"\nmail = { host = \"h\", from = \"f\", security = \"some\" }".to_owned(),
                3,
                "unknown variant `some`",
            ),
        ] {
            let error = parse(&text).unwrap_err();
            assert!(error.to_string().contains(message), "{text}: {error}");
            assert_eq!(line(&error), at, "{text}: {error}");
        }
    }
}
