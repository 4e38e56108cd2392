//! The channels of a configuration, with their secrets.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;

use breakglass_adapters::channels::mail::{Mail, Security};
use breakglass_adapters::channels::mailbox::MboxFile;
use breakglass_adapters::channels::pager_duty::{PAGER_DUTY_ADDRESS, PagerDuty};
use breakglass_adapters::channels::posting::WayOut;
use breakglass_adapters::channels::slack::Slack;
use breakglass_adapters::channels::sms::{Sms, TWILIO_ADDRESS};
use breakglass_adapters::channels::standard_webhook::StandardWebhook;
use breakglass_adapters::channels::syslog::Syslog;
use breakglass_adapters::channels::teams::Teams;
use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::http::{Authorities, AuthoritiesError, Proxies, SecretText};
use breakglass_custody::name::Name;
use breakglass_ops::ports::Channel;
use zeroize::Zeroizing;

use super::WatchFailure;
use crate::commands::custody::desk::Desk;
use crate::config::{ChannelKind, DeclaredChannel, MailSecurity, Watching};
use crate::live::proxies;
use crate::text_file::{TextError, read_text};
use crate::wiring;

/// Bytes of the largest file with a secret.
const SECRET_BYTES_MAX: u64 = 4 << 10;

/// Why a channel cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChannelFailure {
    /// There is no secret.
    #[error("its secret is neither in a file that `secret_file` names nor in the variable {0}")]
    NoSecret(String),
    /// The file with the secret cannot be read.
    #[error("the file with its secret cannot be read")]
    Secret(#[source] TextError),
    /// Others may read it.
    #[error("the file with its secret, `{}`, may be read by others than its owner: chmod 600", .0.display())]
    Shared(PathBuf),
    /// The certificate authorities cannot be read.
    #[error(transparent)]
    Authorities(#[from] AuthoritiesError),
    /// A setting is none.
    #[error(transparent)]
    Setting(Box<dyn Error + Send + Sync>),
}

fn setting(error: impl Error + Send + Sync + 'static) -> ChannelFailure {
    ChannelFailure::Setting(Box::new(error))
}

/// Every channel, ready; nothing is sent.
pub(in crate::commands) fn channels(watching: &Watching, desk: &Desk) -> Result<Vec<Box<dyn Channel>>, WatchFailure> {
    let proxies = proxies(&desk.config.connection(&desk.folder));
    let made = |declared: &DeclaredChannel| {
        let contacts = watching.contacts.iter().filter(|contact| contact.channel == declared.id);
        let contacts = contacts.filter_map(|contact| Some((contact.person.clone(), contact.address.clone()?)));
        let channel = channel(declared, contacts.collect(), &proxies);
        channel.map_err(|source| WatchFailure::Channel { id: declared.id.clone(), source })
    };
    watching.channels.iter().map(made).collect()
}

fn channel(
    declared: &DeclaredChannel,
    contacts: BTreeMap<Name, String>,
    proxies: &Proxies,
) -> Result<Box<dyn Channel>, ChannelFailure> {
    let authorities = Authorities::from_pem_files(&declared.authorities)?;
    let (id, way) = (declared.id.clone(), WayOut::new(proxies, &authorities));
    let secret = || secret(declared);
    Ok(match &declared.kind {
        ChannelKind::Mail { host, port, security, from, user } => {
            let security = match security {
                MailSecurity::StartTls => Security::StartTls,
                MailSecurity::Tls => Security::Tls,
                MailSecurity::None => Security::Plain,
            };
            let user = user.as_ref().map(|user| Ok::<_, ChannelFailure>((user.clone(), secret()?))).transpose()?;
            let made = Mail::new(id, (host, *port, security), user, (from, &contacts), &authorities);
            Box::new(made.map_err(setting)?)
        }
        ChannelKind::Mailbox(file) => Box::new(MboxFile::new(id, file.clone(), &contacts).map_err(setting)?),
        ChannelKind::PagerDuty(address) => {
            let address = address.as_deref().unwrap_or(PAGER_DUTY_ADDRESS);
            Box::new(PagerDuty::new(id, (address, secret()?), &way).map_err(setting)?)
        }
        ChannelKind::Slack => Box::new(Slack::new(id, &secret()?, &way).map_err(setting)?),
        ChannelKind::Sms { address, account, from } => {
            let address = address.as_deref().unwrap_or(TWILIO_ADDRESS);
            let made = Sms::new(id, address, (account, &secret()?, from.clone()), contacts, &way);
            Box::new(made.map_err(setting)?)
        }
        ChannelKind::Syslog { host, port, is_tls } => {
            Box::new(Syslog::new(id, (host, *port, *is_tls), &authorities).map_err(setting)?)
        }
        ChannelKind::Teams => Box::new(Teams::new(id, &secret()?, &way).map_err(setting)?),
        ChannelKind::Webhook(address) => {
            let made = StandardWebhook::new((id, SystemClock), (address, &secret()?), &way);
            Box::new(made.map_err(setting)?)
        }
    })
}

/// The secret of a channel: of its file, of systemd's credentials, of the environment.
fn secret(declared: &DeclaredChannel) -> Result<SecretText, ChannelFailure> {
    if let Some(path) = declared.secret_file.as_ref().filter(|path| is_shared(path)) {
        return Err(ChannelFailure::Shared(path.clone()));
    }
    // Who may read those of systemd, systemd has seen to.
    let of_systemd = || wiring::credentials_folder().map(|folder| folder.join(declared.id.as_str()));
    let file = declared.secret_file.clone().or_else(|| of_systemd().filter(|path| path.exists()));
    let Some(path) = file else {
        let (name, found) = wiring::channel_secret(declared.id.as_str());
        return found.map(SecretText::new).ok_or(ChannelFailure::NoSecret(name));
    };
    let text = Zeroizing::new(read_text(&path, SECRET_BYTES_MAX).map_err(ChannelFailure::Secret)?);
    Ok(SecretText::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Whether others may read a file. One that is not there is somebody else's to complain of.
#[cfg(unix)]
fn is_shared(path: &std::path::Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).is_ok_and(|found| found.mode() & 0o077 != 0)
}

/// There are no such permissions here.
#[cfg(not(unix))]
fn is_shared(_: &std::path::Path) -> bool {
    false
}
