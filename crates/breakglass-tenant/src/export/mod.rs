//! The logs as a diagnostic setting of Azure Monitor exports them: into files, as into a storage account, or to a broker
//! that speaks Kafka's protocol, as to Event Hubs.
//!
//! **Source:** the schema of resource logs, and that of sign-in logs in Azure Monitor.

pub mod backlog;
pub mod files;
pub mod kafka;

use std::error::Error;
use std::fmt::Debug;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::state::{Log, Object, text};

/// What a record is about; each kind has a file and a hub of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// Sign-ins that somebody made.
    SignInLogs,
    /// Sign-ins that a client made for somebody, with a refresh token.
    NonInteractiveUserSignInLogs,
    /// Sign-ins of applications as themselves.
    ServicePrincipalSignInLogs,
    /// Changes of the directory.
    AuditLogs,
}

impl Category {
    /// Every one.
    pub const ALL: [Self; 4] =
        [Self::SignInLogs, Self::NonInteractiveUserSignInLogs, Self::ServicePrincipalSignInLogs, Self::AuditLogs];

    /// As Azure Monitor writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignInLogs => "SignInLogs",
            Self::NonInteractiveUserSignInLogs => "NonInteractiveUserSignInLogs",
            Self::ServicePrincipalSignInLogs => "ServicePrincipalSignInLogs",
            Self::AuditLogs => "AuditLogs",
        }
    }

    /// The name of its container, or of its hub.
    #[must_use]
    pub const fn hub(self) -> &'static str {
        match self {
            Self::SignInLogs => "insights-logs-signinlogs",
            Self::NonInteractiveUserSignInLogs => "insights-logs-noninteractiveusersigninlogs",
            Self::ServicePrincipalSignInLogs => "insights-logs-serviceprincipalsigninlogs",
            Self::AuditLogs => "insights-logs-auditlogs",
        }
    }
}

/// A record as it is exported.
#[derive(Debug, Clone, PartialEq)]
pub struct Exported {
    /// What it is about.
    pub category: Category,
    /// When what it tells happened.
    pub at: Timestamp,
    /// The record in its envelope.
    pub record: Value,
}

/// Records cannot be delivered.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// A file cannot be written.
    #[error("the folder to which logs are exported cannot be written")]
    Folder(#[source] std::io::Error),
    /// The broker cannot be reached, refuses, or does not acknowledge.
    #[error("the broker to which logs are exported does not take them")]
    Broker(#[source] Box<dyn Error + Send + Sync>),
    /// It does not answer in time.
    #[error("the broker to which logs are exported has not answered within {0} s")]
    Late(u64),
}

/// Where records are exported to.
pub trait Destination: Debug + Send + Sync {
    /// Delivers records; those of one category in their order. It waits until they are there, and not for ever.
    ///
    /// # Errors
    /// When one is not there. Then others may be, and whoever delivers all of them again delivers those twice.
    fn deliver(&self, records: &[Exported]) -> Result<(), DeliveryError>;
}

impl Exported {
    /// A record of a log; `None` if the log is not exported, or the record has no time.
    pub(crate) fn of(tenant: &str, log: Log, record: &Object) -> Option<Self> {
        let is_interactive = record.get("isInteractive").and_then(Value::as_bool) != Some(false);
        let category = match log {
            Log::SignIns if record.contains_key("servicePrincipalId") => Category::ServicePrincipalSignInLogs,
            Log::SignIns if is_interactive => Category::SignInLogs,
            Log::SignIns => Category::NonInteractiveUserSignInLogs,
            Log::DirectoryAudits => Category::AuditLogs,
            Log::Outbox => return None,
        };
        let at = text(record, "createdDateTime").or_else(|| text(record, "activityDateTime"))?;
        let at: Timestamp = at.parse().ok()?;
        Some(Self { category, at, record: enveloped(tenant, category, (at, record)) })
    }
}

fn enveloped(tenant: &str, category: Category, (at, record): (Timestamp, &Object)) -> Value {
    let of = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
    let status = record.get("status").and_then(Value::as_object);
    let is_sign_in = category != Category::AuditLogs;
    let code = status.and_then(|status| status.get("errorCode")?.as_i64()).unwrap_or(0);
    let reason = status.filter(|_| code != 0).and_then(|status| text(status, "failureReason")).unwrap_or_default();
    let mut envelope = json!({
        "time": at.strftime("%Y-%m-%dT%H:%M:%S.0000000Z").to_string(),
        "resourceId": format!("/tenants/{tenant}/providers/Microsoft.aadiam"),
        "operationName": if is_sign_in { "Sign-in activity" } else { of("activityDisplayName") },
        "operationVersion": "1.0",
        "category": category.name(),
        "tenantId": tenant,
        "resultType": if is_sign_in { code.to_string() } else { String::new() },
        "resultSignature": if is_sign_in { "None" } else { of("result") },
        "durationMs": 0,
        "correlationId": of("correlationId"),
        "Level": 4,
        "properties": record,
    });
    if let Some(members) = envelope.as_object_mut().filter(|_| is_sign_in) {
        members.insert("callerIpAddress".to_owned(), json!(of("ipAddress")));
        members.insert("identity".to_owned(), json!(of("userDisplayName")));
        members.extend((code != 0).then(|| ("resultDescription".to_owned(), json!(reason))));
    }
    envelope
}
