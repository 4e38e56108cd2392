//! `/auditLogs`: sign-ins and what was changed in the directory, the newest first.

use super::Request;
use super::error::GraphError;
use super::list::page_of;
use crate::call::Reply;
use crate::state::Log;

const SECURITY_READER: &str = "5d6b6bb7-de71-4623-b4af-96380a352509";
const REPORTS_READER: &str = "4a5d8f65-41da-4de4-8968-e035b65339cf";
const SECURITY_ADMINISTRATOR: &str = "194ae4cb-b126-40b2-bd5b-6091b380977d";
const GLOBAL_READER: &str = "f2ef992c-3afb-46b9-b7cf-a126ee74c451";
/// Records that one request looks through.
const RECORD_COUNT_MAX: usize = 100_000;

/// Answers a request below `/auditLogs`.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    let readers = [SECURITY_READER, REPORTS_READER, SECURITY_ADMINISTRATOR, GLOBAL_READER];
    request.caller.needs(&["AuditLog.Read.All"], &readers)?;
    let (log, name) = match rest.first() {
        Some(&"signIns") => (Log::SignIns, "auditLogs/signIns"),
        Some(&"directoryAudits") => (Log::DirectoryAudits, "auditLogs/directoryAudits"),
        other => return Err(GraphError::no_segment(other.unwrap_or(&""))),
    };
    match (request.call.method.as_str(), rest) {
        ("GET", [_]) => page_of(request, (name, 1_000), request.tenant.state.records(log, RECORD_COUNT_MAX)?),
        ("GET", [_, id]) => {
            let records = request.tenant.state.records(log, RECORD_COUNT_MAX)?;
            let found = records.into_iter().find(|record| crate::state::text(record, "id") == Some(id));
            Ok(request.entity(200, (name, found.ok_or_else(|| GraphError::not_found(id))?)))
        }
        _ => Err(GraphError::method()),
    }
}
