//! The directory audit: who changed what, as Graph's `directoryAudit` has it.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock::written;
use crate::random::{self, NoRandomness};
use crate::state::{Object, text};

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

/// The record of something that was done by somebody or something to others. It is written with what was done.
pub(crate) fn record(
    now: Timestamp,
    activity: Activity<'_>,
    (initiated, targets): (Value, Value),
) -> Result<Object, NoRandomness> {
    let record = json!({
        "id": format!("Directory_{}", random::uuid()?),
        "category": activity.category,
        "correlationId": random::uuid()?,
        "result": "success",
        "resultReason": activity.reason,
        "activityDisplayName": activity.name,
        "activityDateTime": written(now),
        "loggedByService": activity.service,
        "operationType": activity.name.split(' ').next(),
        "initiatedBy": initiated,
        "targetResources": targets,
        "additionalDetails": [],
    });
    Ok(record.as_object().cloned().unwrap_or_default())
}

/// The record of what users did to their own account.
pub(crate) fn record_of_own(
    now: Timestamp,
    user: &Object,
    (activity, remote): (Activity<'_>, std::net::IpAddr),
) -> Result<Object, NoRandomness> {
    let (id, name) = (text(user, "id"), text(user, "userPrincipalName"));
    let by = json!({
        "app": Value::Null, "user": { "id": id, "userPrincipalName": name, "ipAddress": remote.to_string() },
    });
    let targets = json!([{ "id": id, "type": "User", "userPrincipalName": name, "modifiedProperties": [] }]);
    record(now, activity, (by, targets))
}
