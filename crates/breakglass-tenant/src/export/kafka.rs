//! A broker that speaks Kafka's protocol: one topic for each category, each message a list of records.
//!
//! **Limits:** [`MESSAGE_BYTES_MAX`], [`DELIVERY_SECONDS_MAX`], [`CONNECT_SECONDS_MAX`], [`ANSWER_SECONDS_MAX`].
//! **Source:** streaming of Azure Monitor's data to an event hub, for the names of hubs and the form of a message; the
//! page on Kafka's protocol in Event Hubs, for TLS and SASL PLAIN.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use krafka::auth::{AuthConfig, TlsConfig};
use krafka::producer::{Acks, Producer};
use krafka::{KrafkaError, Record};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::{Category, DeliveryError, Destination, Exported};

/// Bytes above which a message takes no more records; one record alone may have more.
pub const MESSAGE_BYTES_MAX: usize = 256 << 10;
/// Seconds in which the broker has to acknowledge a delivery.
pub const DELIVERY_SECONDS_MAX: u64 = 15;
/// Seconds in which it has to take a connection.
pub const CONNECT_SECONDS_MAX: u64 = 5;
/// Seconds in which it has to answer one request.
pub const ANSWER_SECONDS_MAX: u64 = 10;

/// How the broker is known to be the one, and what it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// It is not, and everything can be read on the way.
    Without,
    /// By the public authorities that Mozilla trusts, as this program was built with them.
    PublicAuthorities,
    /// By an authority of one's own, a file in PEM.
    Authority(PathBuf),
}

/// A name and a password for SASL PLAIN.
pub struct Plain {
    /// The name; for Event Hubs `$ConnectionString`.
    pub user: String,
    /// The password. It is moved from here to where it is wiped.
    pub password: String,
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plain")
    }
}

/// A broker.
pub struct Kafka {
    address: String,
    security: AuthConfig,
    runtime: Handle,
    /// What was used last and did not fail; held while it is used.
    producer: Mutex<Option<Producer>>,
}

impl fmt::Debug for Kafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kafka({})", self.address)
    }
}

impl Kafka {
    /// The broker at `host:port`, talked to in a runtime. Nothing is sent before there is something to deliver.
    #[must_use]
    pub fn new(address: &str, tls: &Tls, plain: Option<Plain>, runtime: Handle) -> Self {
        let tls = match tls {
            Tls::Without => None,
            Tls::PublicAuthorities => Some(TlsConfig::new()),
            Tls::Authority(file) => Some(TlsConfig::new().with_ca_cert(file.display().to_string())),
        };
        let security = match (plain, tls) {
            (None, None) => AuthConfig::plaintext(),
            (None, Some(tls)) => AuthConfig::ssl(tls),
            (Some(plain), None) => AuthConfig::sasl_plain(plain.user, plain.password),
            (Some(plain), Some(tls)) => AuthConfig::sasl_plain(plain.user, plain.password).with_tls(tls),
        };
        Self { address: address.to_owned(), security, runtime, producer: Mutex::new(None) }
    }

    async fn connect(&self) -> Result<Producer, KrafkaError> {
        let kafka = krafka::Kafka::builder(self.address.as_str())
            .client_id("breakglass-tenant")
            .security(self.security.clone())
            .connect_timeout(Duration::from_secs(CONNECT_SECONDS_MAX))
            .request_timeout(Duration::from_secs(ANSWER_SECONDS_MAX))
            .connect()
            .await?;
        // What is delivered again comes twice anyway, so that no more is asked of the broker than an answer.
        let producer = kafka.producer().acks(Acks::All).idempotent(false);
        producer.delivery_timeout(Duration::from_secs(DELIVERY_SECONDS_MAX)).build().await
    }

    async fn send(&self, messages: Vec<(Category, String)>) -> Result<(), KrafkaError> {
        let mut kept = self.producer.lock().await;
        // Whatever fails, the next delivery begins with a new connection.
        let producer = match kept.take() {
            Some(producer) => producer,
            None => self.connect().await?,
        };
        let mut on_their_way = Vec::with_capacity(messages.len());
        for (category, message) in messages {
            on_their_way.push(producer.enqueue(Record::new(category.hub(), message)).await?);
        }
        for one in on_their_way {
            drop(one.await?);
        }
        *kept = Some(producer);
        Ok(())
    }
}

impl Destination for Kafka {
    /// Not to be called where futures run: it waits.
    fn deliver(&self, records: &[Exported]) -> Result<(), DeliveryError> {
        let messages = messages(records);
        if messages.is_empty() {
            return Ok(());
        }
        let sent = async { timeout(Duration::from_secs(DELIVERY_SECONDS_MAX), self.send(messages)).await };
        match self.runtime.block_on(sent) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(DeliveryError::Broker(Box::new(error))),
            Err(_) => Err(DeliveryError::Late(DELIVERY_SECONDS_MAX)),
        }
    }
}

/// Records as messages, each for one topic and not too large.
fn messages(records: &[Exported]) -> Vec<(Category, String)> {
    let of_category = |category: Category| {
        let mut messages: Vec<String> = Vec::new();
        for record in records.iter().filter(|record| record.category == category) {
            let written = record.record.to_string();
            match messages.last_mut().filter(|message| message.len() + written.len() < MESSAGE_BYTES_MAX) {
                Some(message) => {
                    message.push(',');
                    message.push_str(&written);
                }
                None => messages.push(written),
            }
        }
        messages.into_iter().map(move |records| (category, format!("{{\"records\":[{records}]}}")))
    };
    Category::ALL.into_iter().flat_map(of_category).collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::{Category, Exported, MESSAGE_BYTES_MAX, messages};

    fn exported(category: Category, number: usize, length: usize) -> Exported {
        Exported { category, at: Timestamp::UNIX_EPOCH, record: json!({ "n": number, "x": "y".repeat(length) }) }
    }

    #[test]
    fn a_message_is_of_one_category_and_not_too_large_and_nothing_is_lost() {
        let third = MESSAGE_BYTES_MAX / 3;
        let records: Vec<Exported> = (0..10)
            .map(|number| {
                exported(Category::ALL[number % 2], number, if number == 4 { MESSAGE_BYTES_MAX } else { third })
            })
            .collect();
        let messages = messages(&records);
        for category in Category::ALL {
            let own = messages.iter().filter(|(of, _)| *of == category);
            let lists: Vec<Value> = own.map(|(_, message)| serde_json::from_str(message).unwrap()).collect();
            let numbers: Vec<u64> = lists
                .iter()
                .flat_map(|list| list["records"].as_array().unwrap())
                .map(|record| record["n"].as_u64().unwrap())
                .collect();
            let expected: Vec<u64> = match category {
                Category::SignInLogs => vec![0, 2, 4, 6, 8],
                Category::NonInteractiveUserSignInLogs => vec![1, 3, 5, 7, 9],
                Category::ServicePrincipalSignInLogs | Category::AuditLogs => Vec::new(),
            };
            assert_eq!(numbers, expected);
        }
        let is_alone = |message: &str| message.matches("\"n\"").count() == 1;
        assert!(messages.iter().all(|(_, message)| message.len() <= MESSAGE_BYTES_MAX + 16 || is_alone(message)));
        assert!(messages.iter().any(|(_, message)| !is_alone(message)));
    }
}
