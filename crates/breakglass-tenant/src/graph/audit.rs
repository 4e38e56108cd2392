//! `/auditLogs`: sign-ins and what was changed in the directory, the newest first.
//!
//! Records older than the licence allows are not shown any more; faults keep some back, or show them twice. Sign-ins are
//! shown with a licence alone, and of them those that somebody made, unless the filter names `signInEventTypes`, which
//! v1.0 does not have. Which policies applied is shown to those who may read policies.
//! **Source:** the page on retention of reports: 30 days with P1 or P2, else 7; "List signIns": a licence of P1 or P2,
//! roles, applied policies; "signIn resource type" (beta): interactive sign-ins without a filter.

use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::SECURITY_ADMINISTRATOR;
use serde_json::{Value, json};

use super::Request;
use super::conditional_access::READERS as READERS_OF_POLICIES;
use super::error::GraphError;
use super::records::{self, View};
use crate::call::Reply;
use crate::faults;
use crate::ids::roles::{GLOBAL_READER, REPORTS_READER, SECURITY_OPERATOR, SECURITY_READER};
use crate::odata::QueryOptions;
use crate::state::{Directory, Log, Object, text};

/// Days for which records are shown in a tenant with Entra ID P1 or P2, and in one without.
const RETENTION_DAYS: [(&str, i64); 2] = [("AAD_PREMIUM_P2", 30), ("AAD_PREMIUM", 30)];
const RETENTION_DAYS_FREE: i64 = 7;
/// Roles that may read the logs beside Global Administrator.
pub(super) const READERS: [&str; 5] =
    [SECURITY_READER, REPORTS_READER, SECURITY_ADMINISTRATOR, SECURITY_OPERATOR, GLOBAL_READER];
/// Permissions with one of which a client may see which policies applied.
const READ_POLICIES: [&str; 3] =
    ["Policy.Read.All", "Policy.Read.ConditionalAccess", "Policy.ReadWrite.ConditionalAccess"];
/// Which kinds of sign-ins a record is of.
const EVENT_TYPES: &str = "signInEventTypes";
/// What v1.0 has of a sign-in; everything else is beta's alone.
const SIGN_IN_OF_V1: [&str; 30] = [
    "appDisplayName",
    "appId",
    "appliedConditionalAccessPolicies",
    "authenticationAppDeviceDetails",
    "clientAppUsed",
    "conditionalAccessStatus",
    "correlationId",
    "createdDateTime",
    "deviceDetail",
    "homeTenantId",
    "id",
    "ipAddress",
    "isInteractive",
    "location",
    "resourceDisplayName",
    "resourceId",
    "resourceTenantId",
    "riskDetail",
    "riskEventTypes",
    "riskEventTypes_v2",
    "riskLevelAggregated",
    "riskLevelDuringSignIn",
    "riskState",
    "servicePrincipalId",
    "servicePrincipalName",
    "status",
    "userAgent",
    "userDisplayName",
    "userId",
    "userPrincipalName",
];

/// Answers a request below `/auditLogs`.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    request.caller.needs(&["AuditLog.Read.All"], &READERS)?;
    let (log, name) = match rest.first() {
        Some(&"signIns") => (Log::SignIns, "auditLogs/signIns"),
        Some(&"directoryAudits") => (Log::DirectoryAudits, "auditLogs/directoryAudits"),
        other => return Err(GraphError::no_segment(other.unwrap_or(&""))),
    };
    let (days, delivery) = {
        let directory = request.tenant.state.read();
        (retention_days(&directory), faults::delivery_of_logs(&directory))
    };
    if log == Log::SignIns {
        needs_premium(&request.tenant.state.read())?;
    }
    let options = QueryOptions::parse(&request.call.query)?;
    let named = options.filter().map(|filter| filter.properties()).unwrap_or_default();
    let is_kind_named = named.iter().any(|name| name.eq_ignore_ascii_case(EVENT_TYPES));
    let sees_policies = sees_policies(request);
    let whole = |record| if log == Log::SignIns { sign_in(request, record, sees_policies) } else { record };
    let in_list = |record: Object| {
        let is_listed = log != Log::SignIns || is_kind_named || is_interactive(&record);
        is_listed.then(|| whole(record))
    };
    let view = View { log, name, delivery, days, shown: &in_list };
    match (request.call.method.as_str(), rest) {
        ("GET", [_]) => records::listed(request, &view),
        ("GET", [_, id]) => {
            let view = View { shown: &|record| Some(whole(record)), ..view };
            let found = records::one(request, &view, id)?;
            Ok(request.entity(200, (name, found.ok_or_else(|| GraphError::not_found(id))?)))
        }
        _ => Err(GraphError::method()),
    }
}

/// Whether the caller may read which policies applied to a sign-in.
fn sees_policies(request: &Request<'_>) -> bool {
    let caller = request.caller;
    caller.is_permitted(&READ_POLICIES) && (!caller.is_user || caller.is_one_of(&READERS_OF_POLICIES))
}

fn is_interactive(record: &Object) -> bool {
    match record.get(EVENT_TYPES).and_then(Value::as_array) {
        Some(kinds) => kinds.iter().any(|kind| kind == "interactiveUser"),
        // Records of before it was written.
        None => record.get("isInteractive").and_then(Value::as_bool) != Some(false),
    }
}

/// A sign-in as whoever reads it sees it, with what its version has of it.
fn sign_in(request: &Request<'_>, mut record: Object, sees_policies: bool) -> Object {
    if !record.contains_key(EVENT_TYPES) {
        let kind = if is_interactive(&record) { "interactiveUser" } else { "nonInteractiveUser" };
        record.insert(EVENT_TYPES.to_owned(), json!([kind]));
    }
    record.entry("servicePrincipalId").or_insert_with(|| json!(""));
    if !sees_policies {
        record.insert("appliedConditionalAccessPolicies".to_owned(), json!([]));
    }
    if request.version != "beta" {
        record.retain(|name, _| SIGN_IN_OF_V1.contains(&name.as_str()));
    }
    record
}

/// Refuses what a tenant without Entra ID P1 or P2 does not have.
pub(super) fn needs_premium(directory: &Directory) -> Result<(), GraphError> {
    if retention_days(directory) > RETENTION_DAYS_FREE {
        return Ok(());
    }
    let message = "Neither tenant is B2C or tenant doesn't have premium license";
    Err(GraphError::new(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", message))
}

/// For how many days the licence of the tenant shows records.
pub(crate) fn retention_days(directory: &Directory) -> i64 {
    let is_enabled = |sku: &&Object| matches!(text(sku, "capabilityStatus"), None | Some("Enabled" | "Warning"));
    let skus = directory.all(Resource::SubscribedSkus).filter(is_enabled);
    let plans = skus.flat_map(|sku| sku.get("servicePlans").and_then(Value::as_array).into_iter().flatten());
    let days = plans.filter_map(|plan| {
        let name = plan.get("servicePlanName")?.as_str()?;
        RETENTION_DAYS.iter().find(|(known, _)| *known == name).map(|(_, days)| *days)
    });
    days.max().unwrap_or(RETENTION_DAYS_FREE)
}
