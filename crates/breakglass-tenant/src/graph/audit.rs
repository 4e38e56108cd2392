//! `/auditLogs`: sign-ins and what was changed in the directory, the newest first.

use serde_json::Value;

use super::Request;
use super::error::GraphError;
use super::list::page_of;
use crate::call::Reply;
use crate::state::{Log, Object};

const SECURITY_READER: &str = "5d6b6bb7-de71-4623-b4af-96380a352509";
const REPORTS_READER: &str = "4a5d8f65-41da-4de4-8968-e035b65339cf";
const SECURITY_ADMINISTRATOR: &str = "194ae4cb-b126-40b2-bd5b-6091b380977d";
const GLOBAL_READER: &str = "f2ef992c-3afb-46b9-b7cf-a126ee74c451";
/// Records that one request looks through.
const RECORD_COUNT_MAX: usize = 100_000;

/// Properties of a sign-in that beta has and v1.0 has not.
const SIGN_IN_OF_BETA: [&str; 3] = ["authenticationRequirement", "signInEventTypes", "userType"];

/// Answers a request below `/auditLogs`.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    let readers = [SECURITY_READER, REPORTS_READER, SECURITY_ADMINISTRATOR, GLOBAL_READER];
    request.caller.needs(&["AuditLog.Read.All"], &readers)?;
    let (log, name) = match rest.first() {
        Some(&"signIns") => (Log::SignIns, "auditLogs/signIns"),
        Some(&"directoryAudits") => (Log::DirectoryAudits, "auditLogs/directoryAudits"),
        other => return Err(GraphError::no_segment(other.unwrap_or(&""))),
    };
    let records = || -> Result<Vec<Object>, GraphError> {
        let mut records = request.tenant.state.records(log, RECORD_COUNT_MAX)?;
        if log == Log::SignIns {
            for record in &mut records {
                record.entry("servicePrincipalId").or_insert_with(|| Value::String(String::new()));
            }
        }
        if log == Log::SignIns && request.version != "beta" {
            records.iter_mut().for_each(|record| SIGN_IN_OF_BETA.iter().for_each(|name| drop(record.remove(*name))));
        }
        Ok(records)
    };
    match (request.call.method.as_str(), rest) {
        ("GET", [_]) => page_of(request, (name, 1_000), records()?),
        ("GET", [_, id]) => {
            let records = records()?;
            let found = records.into_iter().find(|record| crate::state::text(record, "id") == Some(id));
            Ok(request.entity(200, (name, found.ok_or_else(|| GraphError::not_found(id))?)))
        }
        _ => Err(GraphError::method()),
    }
}
