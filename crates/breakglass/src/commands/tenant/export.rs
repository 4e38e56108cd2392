//! Where `tenant serve` exports the logs to.

use std::fs;
use std::future::pending;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use breakglass_tenant::export::backlog::{Backlog, Told};
use breakglass_tenant::export::kafka::{Kafka, Plain, Tls};
use breakglass_tenant::tenant::{OpenError, Tenant};
use tokio::runtime::Handle;

use super::TenantError;
use crate::wiring::{World, password_of_broker};

/// Under which name it is remembered how far the broker got.
const KAFKA: &str = "kafka";
/// Bytes of the longest password; a connection string of Event Hubs has about two hundred.
const PASSWORD_BYTES_MAX: u64 = 16 << 10;

/// What is exported where.
#[derive(Debug, clap::Args)]
pub(super) struct Export {
    /// A folder into which the logs are written as well, in the form of Azure Monitor's diagnostic settings
    #[arg(long = "export", value_name = "FOLDER")]
    folder: Option<PathBuf>,

    /// A broker that speaks Kafka's protocol, such as Event Hubs, to which the logs are sent as well, in that form
    #[arg(long = "export-kafka", value_name = "HOST:PORT", value_parser = host_and_port)]
    kafka: Option<String>,

    /// Talk to the broker over TLS, and trust the public certificate authorities
    #[arg(long = "export-kafka-tls", requires = "kafka")]
    tls: bool,

    /// Talk to the broker over TLS, and trust the authority in this file (PEM) alone
    #[arg(long = "export-kafka-ca", value_name = "FILE", requires = "kafka", conflicts_with = "tls")]
    authority: Option<PathBuf>,

    /// The name to show to the broker by SASL PLAIN; Event Hubs wants `$ConnectionString`. The password is read from
    /// --export-kafka-password-file, or from the variable BREAKGLASS_EXPORT_KAFKA_PASSWORD
    #[arg(long = "export-kafka-user", value_name = "NAME", requires = "kafka")]
    user: Option<String>,

    /// The file with the password; a line break at its end is left out
    #[arg(long = "export-kafka-password-file", value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
}

/// Why nothing can be sent to a broker.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportError {
    /// Nobody has given the password.
    #[error("there is no password to show to the broker `{0}`")]
    NoPassword(String),
    /// Its file cannot be read.
    #[error("the password file `{path}` cannot be read")]
    PasswordFile {
        path: String,
        #[source]
        source: io::Error,
    },
    /// It is too long to be one.
    #[error("the password for the broker has more than {PASSWORD_BYTES_MAX} bytes")]
    PasswordTooLong,
    /// Whoever listens on the way would read it.
    #[error("the password would be sent to `{0}` without TLS")]
    WithoutTls(String),
    /// The authority is not there.
    #[error("the certificate authority `{path}` of the broker cannot be read")]
    Authority {
        path: String,
        #[source]
        source: io::Error,
    },
}

fn host_and_port(text: &str) -> Result<String, String> {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    let port = port.and_then(|(_, port)| port.parse::<u16>().ok());
    if port.is_some_and(|port| port > 0) { Ok(text.to_owned()) } else { Err("not HOST:PORT".to_owned()) }
}

/// Whether a broker is on this machine.
fn is_here(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

impl Export {
    /// What has to be right before a tenant is opened.
    pub(super) fn broker(&self) -> Result<Option<Kafka>, ExportError> {
        let Some(address) = &self.kafka else { return Ok(None) };
        let tls = match &self.authority {
            Some(file) => {
                let unreadable = |source| ExportError::Authority { path: file.display().to_string(), source };
                fs::metadata(file).map_err(unreadable)?;
                Tls::Authority(file.clone())
            }
            None if self.tls => Tls::PublicAuthorities,
            None => Tls::Without,
        };
        let plain = match &self.user {
            Some(_) if tls == Tls::Without && !is_here(address) => {
                return Err(ExportError::WithoutTls(address.clone()));
            }
            Some(user) => Some(Plain { user: user.clone(), password: self.password(address)? }),
            None => None,
        };
        Ok(Some(Kafka::new(address, &tls, plain, Handle::current())))
    }

    fn password(&self, address: &str) -> Result<String, ExportError> {
        let mut password = match &self.password_file {
            Some(file) => {
                let unreadable = |source| ExportError::PasswordFile { path: file.display().to_string(), source };
                if fs::metadata(file).map_err(unreadable)?.len() > PASSWORD_BYTES_MAX {
                    return Err(ExportError::PasswordTooLong);
                }
                fs::read_to_string(file).map_err(unreadable)?
            }
            None => password_of_broker().ok_or_else(|| ExportError::NoPassword(address.to_owned()))?,
        };
        // In its place: a copy would have to be wiped.
        password.truncate(password.trim_end_matches(['\r', '\n']).len());
        if password.is_empty() {
            return Err(ExportError::NoPassword(address.to_owned()));
        }
        Ok(password)
    }

    /// The tenant, with its logs in files if there is a folder for them.
    pub(super) fn to_files(&self, tenant: Tenant) -> Result<Tenant, TenantError> {
        let Some(folder) = &self.folder else { return Ok(tenant) };
        let unwritable = |source| TenantError::Folder { folder: folder.display().to_string(), source };
        fs::create_dir_all(folder).map_err(unwritable)?;
        Ok(tenant.with_export(folder))
    }
}

/// What is not yet with the broker, if there is one.
pub(super) fn backlog(tenant: &Arc<Tenant>, broker: Option<Kafka>) -> Result<Option<Backlog>, OpenError> {
    let backlog = broker.map(|broker| Backlog::open(Arc::clone(tenant), KAFKA, Arc::new(broker)));
    Ok(backlog.transpose()?)
}

/// Sends to the broker whatever is logged, and says when it is gone and when it is back.
pub(super) async fn sent(backlog: Option<Backlog>, world: &World) -> std::convert::Infallible {
    let tell = |what: Told<'_>| match what {
        Told::Up => world.note("the logs are exported to the broker again"),
        Told::Down(error) => {
            let mut text = error.to_string();
            let mut next = std::error::Error::source(error);
            while let Some(error) = next {
                text.push_str(": ");
                text.push_str(&error.to_string());
                next = error.source();
            }
            world.note(&format!("{text}; they are kept and sent again until the broker takes them"));
        }
    };
    match backlog {
        Some(backlog) => backlog.run(tell).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::{host_and_port, is_here};

    #[test]
    fn a_broker_has_a_host_and_a_port() {
        for good in ["127.0.0.1:9092", "[::1]:9092", "contoso.servicebus.windows.net:9093"] {
            assert_eq!(host_and_port(good).unwrap(), good);
        }
        for bad in ["", "localhost", ":9092", "localhost:", "localhost:0", "localhost:99999", "localhost:x"] {
            assert!(host_and_port(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_this_machine_is_here() {
        for (address, expected) in [
            ("localhost:1", true),
            ("127.0.0.2:1", true),
            ("[::1]:1", true),
            ("192.0.2.1:1", false),
            ("localhost.example:1", false),
        ] {
            assert_eq!(is_here(address), expected, "{address}");
        }
    }
}
