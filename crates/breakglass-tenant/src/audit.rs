//! The directory audit: who changed what, as Graph's `directoryAudit` has it.

use serde_json::{Value, json};

use crate::clock::written;
use crate::random::{self, NoRandomness};
use crate::state::{Log, Object, StateError, text};
use crate::tenant::Tenant;

/// The service of most activities.
pub(crate) const CORE_DIRECTORY: &str = "Core Directory";
/// The service of those about methods of authentication.
pub(crate) const AUTHENTICATION_METHODS: &str = "Authentication Methods";

/// What was done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Activity<'a> {
    /// As `activityDisplayName` has it; the first word is the type of operation.
    pub(crate) name: &'a str,
    pub(crate) category: &'a str,
    pub(crate) service: &'a str,
    /// More about it; may be empty.
    pub(crate) reason: &'a str,
}

/// A record cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditError {
    #[error(transparent)]
    Random(#[from] NoRandomness),
    #[error(transparent)]
    State(#[from] StateError),
}

/// Writes the record of something that was done by somebody or something to others.
pub(crate) fn write(
    tenant: &Tenant,
    activity: Activity<'_>,
    (initiated, targets): (Value, Value),
) -> Result<(), AuditError> {
    let record = json!({
        "id": format!("Directory_{}", random::uuid()?),
        "category": activity.category,
        "correlationId": random::uuid()?,
        "result": "success",
        "resultReason": activity.reason,
        "activityDisplayName": activity.name,
        "activityDateTime": written(tenant.clock.now()),
        "loggedByService": activity.service,
        "operationType": activity.name.split(' ').next(),
        "initiatedBy": initiated,
        "targetResources": targets,
        "additionalDetails": [],
    });
    Ok(tenant.state.log(Log::DirectoryAudits, &record.as_object().cloned().unwrap_or_default())?)
}

/// Writes the record of what users did to their own account.
pub(crate) fn write_own(
    tenant: &Tenant,
    user: &Object,
    (activity, remote): (Activity<'_>, std::net::IpAddr),
) -> Result<(), AuditError> {
    let (id, name) = (text(user, "id"), text(user, "userPrincipalName"));
    let by = json!({
        "app": Value::Null, "user": { "id": id, "userPrincipalName": name, "ipAddress": remote.to_string() },
    });
    let targets = json!([{ "id": id, "type": "User", "userPrincipalName": name, "modifiedProperties": [] }]);
    write(tenant, activity, (by, targets))
}
