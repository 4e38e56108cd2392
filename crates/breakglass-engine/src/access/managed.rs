//! Policies that Microsoft manages: report-only at first, and switched on by themselves.
//!
//! **Source:** *Microsoft-managed policies* (28 May 2026): switched on no sooner than 30 days after they appear;
//! recognised by name or by the family of their template ids (as seen in exports).

use breakglass_model::policy::ConditionalAccessPolicy;
use jiff::{SignedDuration, Timestamp};

/// How long a Microsoft-managed policy stays report-only at least.
pub(crate) const MANAGED_GRACE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How a Microsoft-managed policy is called.
const MANAGED_NAME: &str = "Microsoft-managed:";
/// How the template id of one begins.
const MANAGED_TEMPLATE: &str = "4200930c-0da2-4e33-ca01-";

/// Whether Microsoft manages a policy.
pub(crate) fn is_managed(policy: &ConditionalAccessPolicy) -> bool {
    let has_name = policy.display_name.get(..MANAGED_NAME.len());
    has_name.is_some_and(|name| name.eq_ignore_ascii_case(MANAGED_NAME))
        || policy.template_id.as_deref().is_some_and(|id| id.to_ascii_lowercase().starts_with(MANAGED_TEMPLATE))
}

/// When a Microsoft-managed policy switches itself on at the earliest; `None` if the export does not say when it
/// appeared.
pub(crate) fn switches_on(policy: &ConditionalAccessPolicy) -> Option<Timestamp> {
    let created = policy.created_date_time.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
    created.and_then(|created| created.checked_add(MANAGED_GRACE).ok())
}
