//! The logs as files, in the form in which a diagnostic setting of Azure Monitor writes them into a storage account: one
//! record a line, in a file for each category and hour.
//!
//! **Promise:** a record that was logged is in its file before whoever caused it is answered; where it cannot be written
//! the sign-in or the change is answered with an error.
//! **Source:** the schema of resource logs, and that of sign-in logs in Azure Monitor.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{Log, Object, text};

/// Where records go.
#[derive(Debug)]
pub(super) struct Export {
    folder: PathBuf,
    tenant: String,
    /// One line at a time.
    line: Mutex<()>,
}

impl Export {
    pub(super) fn new(folder: &Path, tenant: &str) -> Self {
        Self { folder: folder.to_owned(), tenant: tenant.to_owned(), line: Mutex::new(()) }
    }

    /// Writes a record of a log that is exported.
    pub(super) fn write(&self, log: Log, record: &Object) -> io::Result<()> {
        let is_interactive = record.get("isInteractive").and_then(Value::as_bool) != Some(false);
        let category = match log {
            Log::SignIns if is_interactive => "SignInLogs",
            Log::SignIns => "NonInteractiveUserSignInLogs",
            Log::DirectoryAudits => "AuditLogs",
            Log::Outbox => return Ok(()),
        };
        let at = text(record, "createdDateTime").or_else(|| text(record, "activityDateTime")).unwrap_or_default();
        let at: Timestamp = at.parse().map_err(io::Error::other)?;
        let path = self.path(category, at);
        let line = format!("{}\n", self.enveloped(category, at, record));
        let _one = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        OpenOptions::new().create(true).append(true).open(path)?.write_all(line.as_bytes())
    }

    fn path(&self, category: &str, at: Timestamp) -> PathBuf {
        let at = at.to_zoned(TimeZone::UTC);
        let hour = [
            format!("insights-logs-{}", category.to_lowercase()),
            format!("tenantId={}", self.tenant),
            format!("y={:04}", at.year()),
            format!("m={:02}", at.month()),
            format!("d={:02}", at.day()),
            format!("h={:02}", at.hour()),
            "m=00".to_owned(),
            "PT1H.json".to_owned(),
        ];
        self.folder.join(hour.iter().collect::<PathBuf>())
    }

    fn enveloped(&self, category: &str, at: Timestamp, record: &Object) -> Value {
        let of = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
        let status = record.get("status").and_then(Value::as_object);
        let is_sign_in = category != "AuditLogs";
        let code = status.and_then(|status| status.get("errorCode")?.as_i64()).unwrap_or(0);
        let reason = status.filter(|_| code != 0).and_then(|status| text(status, "failureReason")).unwrap_or_default();
        let mut envelope = json!({
            "time": at.strftime("%Y-%m-%dT%H:%M:%S.0000000Z").to_string(),
            "resourceId": format!("/tenants/{}/providers/Microsoft.aadiam", self.tenant),
            "operationName": if is_sign_in { "Sign-in activity" } else { of("activityDisplayName") },
            "operationVersion": "1.0",
            "category": category,
            "tenantId": self.tenant,
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
}

#[cfg(test)]
mod tests {
    use super::Export;

    #[test]
    fn a_file_is_of_a_category_and_an_hour() {
        let export = Export::new("logs".as_ref(), "t");
        let path = export.path("NonInteractiveUserSignInLogs", "2026-01-02T03:59:59Z".parse().unwrap());
        let expected =
            "logs/insights-logs-noninteractiveusersigninlogs/tenantId=t/y=2026/m=01/d=02/h=03/m=00/PT1H.json";
        assert_eq!(path.to_str().unwrap(), expected);
    }
}
