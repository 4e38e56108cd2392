//! `/auditLogs`: sign-ins and what was changed in the directory, the newest first.
//!
//! Records older than the licence allows are not shown any more; faults keep some back, or show them twice. Sign-ins are
//! shown with a licence alone.
//! **Source:** the page on retention of reports: 30 days with P1 or P2, else 7; "List signIns": a licence of P1 or P2.

use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::SECURITY_ADMINISTRATOR;
use jiff::Timestamp;
use serde_json::Value;

use super::Request;
use super::error::GraphError;
use super::list::page_of;
use crate::call::Reply;
use crate::faults::{self, Delivery};
use crate::ids::roles::{GLOBAL_READER, REPORTS_READER, SECURITY_READER};
use crate::state::{Directory, Log, Object, text};

/// Records that one request looks through.
const RECORD_COUNT_MAX: usize = 100_000;

/// Days for which records are shown in a tenant with Entra ID P1 or P2, and in one without.
const RETENTION_DAYS: [(&str, i64); 2] = [("AAD_PREMIUM_P2", 30), ("AAD_PREMIUM", 30)];
const RETENTION_DAYS_FREE: i64 = 7;
const DAY_SECONDS: i64 = 86_400;
/// Properties of a sign-in that beta has and v1.0 has not.
const SIGN_IN_OF_BETA: [&str; 6] = [
    "authenticationContextClassReferences",
    "authenticationProtocol",
    "authenticationRequirement",
    "originalTransferMethod",
    "signInEventTypes",
    "userType",
];

/// Answers a request below `/auditLogs`.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    let readers = [SECURITY_READER, REPORTS_READER, SECURITY_ADMINISTRATOR, GLOBAL_READER];
    request.caller.needs(&["AuditLog.Read.All"], &readers)?;
    let (log, name) = match rest.first() {
        Some(&"signIns") => (Log::SignIns, "auditLogs/signIns"),
        Some(&"directoryAudits") => (Log::DirectoryAudits, "auditLogs/directoryAudits"),
        other => return Err(GraphError::no_segment(other.unwrap_or(&""))),
    };
    if log == Log::SignIns && !is_premium(&request.tenant.state.read()) {
        let message = "Neither tenant is B2C or tenant doesn't have premium license";
        return Err(GraphError::new(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", message));
    }
    match (request.call.method.as_str(), rest) {
        ("GET", [_]) => page_of(request, (name, 1_000), shown(request, log)?),
        ("GET", [_, id]) => {
            let found = shown(request, log)?.into_iter().find(|record| text(record, "id") == Some(id));
            Ok(request.entity(200, (name, found.ok_or_else(|| GraphError::not_found(id))?)))
        }
        _ => Err(GraphError::method()),
    }
}

/// The records of a log that whoever reads it sees now, with what their version has of them.
fn shown(request: &Request<'_>, log: Log) -> Result<Vec<Object>, GraphError> {
    let mut records = visible(request, log)?;
    if log == Log::SignIns {
        for record in &mut records {
            record.entry("servicePrincipalId").or_insert_with(|| Value::String(String::new()));
            if request.version != "beta" {
                SIGN_IN_OF_BETA.iter().for_each(|name| drop(record.remove(*name)));
            }
        }
    }
    Ok(records)
}

fn visible(request: &Request<'_>, log: Log) -> Result<Vec<Object>, GraphError> {
    let now = request.tenant.clock.now();
    let (days, delivery) = {
        let directory = request.tenant.state.read();
        (retention_days(&directory), faults::delivery_of_logs(&directory))
    };
    let records = request.tenant.state.numbered_records(log, RECORD_COUNT_MAX)?;
    let seen = records.into_iter().filter(|(number, record)| {
        let age = age_seconds(record, now);
        age <= days * DAY_SECONDS && age >= kept_back_seconds(delivery, *number)
    });
    let times = if delivery.is_doubled { 2 } else { 1 };
    Ok(seen.flat_map(|(_, record)| std::iter::repeat_n(record, times)).collect())
}

/// For how long a record is kept back.
const fn kept_back_seconds(delivery: Delivery, number: i64) -> i64 {
    let late = if number % 2 == 0 { delivery.late_seconds } else { 0 };
    delivery.lag_seconds + late
}

fn age_seconds(record: &Object, now: Timestamp) -> i64 {
    let at = text(record, "createdDateTime").or_else(|| text(record, "activityDateTime"));
    let at = at.and_then(|at| at.parse::<Timestamp>().ok());
    at.map_or(0, |at| now.duration_since(at).as_secs())
}

/// Whether the tenant has Entra ID P1 or P2.
pub(super) fn is_premium(directory: &Directory) -> bool {
    retention_days(directory) > RETENTION_DAYS_FREE
}

/// For how many days the licence of the tenant shows records.
fn retention_days(directory: &Directory) -> i64 {
    let is_enabled = |sku: &&Object| matches!(text(sku, "capabilityStatus"), None | Some("Enabled" | "Warning"));
    let skus = directory.all(Resource::SubscribedSkus).filter(is_enabled);
    let plans = skus.flat_map(|sku| sku.get("servicePlans").and_then(Value::as_array).into_iter().flatten());
    let days = plans.filter_map(|plan| {
        let name = plan.get("servicePlanName")?.as_str()?;
        RETENTION_DAYS.iter().find(|(known, _)| *known == name).map(|(_, days)| *days)
    });
    days.max().unwrap_or(RETENTION_DAYS_FREE)
}
