//! What of a policy this version cannot interpret, or the export does not have.
//!
//! **Source:** the types `conditionalAccessSessionControls` of v1.0 and beta; Terraform's names of the same controls,
//! from its provider's documentation.

use std::fmt;

use serde_json::Value;

use super::{
    ConditionalAccessConditionSet, ConditionalAccessGrantControl, ConditionalAccessGrantControls,
    ConditionalAccessPolicyState, GrantOperator, Rest, Written,
};
use crate::property::{is_vacant, says_something};

/// A part of a policy that could change an answer and that nobody can interpret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnknownPart {
    /// JSON path inside the policy, such as `conditions.times`.
    pub path: String,
    /// What hangs on it.
    pub kind: UnknownKind,
    /// Why it cannot be interpreted.
    pub cause: UnknownCause,
}

impl fmt::Display for UnknownPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cause {
            UnknownCause::NotKnown => write!(f, "`{}` is not known to this version", self.path),
            UnknownCause::NotExported => write!(f, "`{}` is not in the export", self.path),
            UnknownCause::KnownAfterApply => write!(f, "`{}` is known only after the plan is applied", self.path),
            UnknownCause::NotMapped => {
                write!(f, "`{}` names what is neither in the tenant nor in the map of names", self.path)
            }
        }
    }
}

/// What an unknown part could change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnknownKind {
    /// Whether the policy applies at all.
    Condition,
    /// One control among those that the policy demands once it applies.
    Control,
    /// What the policy demands once it applies, as a whole: it may ask for nothing, and it may block.
    Demand,
    /// Whether the policy is in force.
    State,
}

/// Why a part cannot be interpreted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnknownCause {
    /// This version does not know it.
    NotKnown,
    /// The export does not have it.
    NotExported,
    /// It is proposed by a plan that does not know its value yet.
    KnownAfterApply,
    /// It is proposed with a name that the map of names leaves out.
    NotMapped,
}

/// The member of a proposed object that lists the JSON paths whose values its plan does not know yet. It is ours, and
/// no name of Graph's.
pub const KNOWN_AFTER_APPLY: &str = "breakglass.knownAfterApply";

/// The paths that a proposed object lists under [`KNOWN_AFTER_APPLY`].
pub fn known_after_apply(source: &Value) -> impl Iterator<Item = &str> {
    source.get(KNOWN_AFTER_APPLY).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// The member of a proposed object that lists the JSON paths of lists with a name that a map of names should have had.
/// It is ours, and no name of Graph's.
pub const NOT_MAPPED: &str = "breakglass.notMapped";

/// The paths of a proposed object whose values are not known, each with the reason.
pub(crate) fn awaited(source: &Value) -> impl Iterator<Item = (&str, UnknownCause)> {
    let not_mapped = source.get(NOT_MAPPED).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let after_apply = known_after_apply(source).map(|path| (path, UnknownCause::KnownAfterApply));
    after_apply.chain(not_mapped.map(|path| (path, UnknownCause::NotMapped)))
}

/// What hangs on a part of a policy, by its path.
fn kind_at(path: &str) -> UnknownKind {
    match path.split('.').next() {
        Some("state") => UnknownKind::State,
        Some("grantControls" | "sessionControls") => UnknownKind::Demand,
        _ => UnknownKind::Condition,
    }
}

/// Session controls that do not stop a sign-in.
const SESSION_CONTROLS: [&str; 9] = [
    "applicationEnforcedRestrictions",
    "cloudAppSecurity",
    "continuousAccessEvaluation",
    "disableResilienceDefaults",
    "globalSecureAccessFilteringProfile",
    "networkAccessSecurity",
    "persistentBrowser",
    "secureSignInSession",
    "signInFrequency",
];

/// The same as Terraform's azuread provider names them; converted policies have them as they are.
pub(crate) const TERRAFORM_SESSION_CONTROLS: [&str; 8] = [
    "application_enforced_restrictions_enabled",
    "cloud_app_security_policy",
    "disable_resilience_defaults",
    "persistent_browser_mode",
    "sign_in_frequency",
    "sign_in_frequency_authentication_type",
    "sign_in_frequency_interval",
    "sign_in_frequency_period",
];

/// Lists every part that could change an answer and that cannot be interpreted.
pub(super) fn unknown_parts(policy: &Written, source: &Value) -> Vec<UnknownPart> {
    let mut parts = Vec::new();
    let mut note = |path: String, kind| parts.push(UnknownPart { path, kind, cause: UnknownCause::NotKnown });
    let is_state_awaited = known_after_apply(source).any(|path| path == "state");
    if let (ConditionalAccessPolicyState::Unknown(text), false) = (&policy.state, is_state_awaited) {
        note(format!("state = {text}"), UnknownKind::State);
    }
    if policy.partial_enablement_strategy.as_ref().is_some_and(|value| !is_vacant(value)) {
        note("partialEnablementStrategy".into(), UnknownKind::State);
    }
    for (prefix, rest) in condition_rests(&policy.conditions) {
        strange(rest).for_each(|name| note(format!("{prefix}{name}"), UnknownKind::Condition));
    }
    let sessions = policy.session_controls.iter().flat_map(strange);
    for name in sessions.filter(|name| !SESSION_CONTROLS.contains(name) && !TERRAFORM_SESSION_CONTROLS.contains(name)) {
        note(format!("sessionControls.{name}"), UnknownKind::Demand);
    }
    if let Some(grant) = &policy.grant_controls {
        strange(&grant.rest).for_each(|name| note(format!("grantControls.{name}"), UnknownKind::Demand));
        for control in &grant.built_in_controls {
            if let ConditionalAccessGrantControl::Unknown(text) = control {
                note(format!("grantControls.builtInControls: {text}"), UnknownKind::Control);
            }
        }
        if let Some(GrantOperator::Unknown(text)) = &grant.operator {
            note(format!("grantControls.operator = {text}"), UnknownKind::Demand);
        }
    }
    let has_null_operator = source.pointer("/grantControls/operator").is_some_and(Value::is_null);
    if has_null_operator && policy.grant_controls.as_ref().is_some_and(|grant| grant.demand_count() > 1) {
        note("grantControls.operator = null".to_owned(), UnknownKind::Demand);
    }
    parts.extend(not_exported(policy.grant_controls.as_ref(), source).into_iter().map(|path| UnknownPart {
        path: path.to_owned(),
        kind: UnknownKind::Demand,
        cause: UnknownCause::NotExported,
    }));
    parts.extend(awaited(source).map(|(path, cause)| UnknownPart {
        path: path.to_owned(),
        kind: kind_at(path),
        cause,
    }));
    parts
}

/// What of the grant controls would have to be there so that it could be told what they demand.
fn not_exported(grant: Option<&ConditionalAccessGrantControls>, source: &Value) -> Option<&'static str> {
    let Some(grant) = grant else { return source.get("grantControls").is_none().then_some("grantControls") };
    if let Some(strength) = grant.authentication_strength.as_ref().filter(|strength| strength.is_configured())
        && strength.is_anonymous()
    {
        return Some("grantControls.authenticationStrength.id");
    }
    if grant.demand_count() > 1 && source.pointer("/grantControls/operator").is_none() {
        return Some("grantControls.operator");
    }
    // Of controls that demand nothing at all, the one that was left out may be the demand.
    let is_left_out = |name: &&str| source.pointer(&format!("/{}", name.replace('.', "/"))).is_none();
    let members = ["grantControls.builtInControls", "grantControls.authenticationStrength"];
    members.into_iter().find(is_left_out).filter(|_| grant.demand_count() == 0)
}

/// Names of the properties that say something.
fn strange(rest: &Rest) -> impl Iterator<Item = &str> {
    rest.iter().filter(|(name, value)| says_something(name, value)).map(|(name, _)| name.as_str())
}

fn condition_rests(conditions: &ConditionalAccessConditionSet) -> Vec<(&'static str, &Rest)> {
    let mut rests = vec![("conditions.", &conditions.rest)];
    if let Some(users) = &conditions.users {
        rests.push(("conditions.users.", &users.rest));
        for guests in [&users.include_guests_or_external_users, &users.exclude_guests_or_external_users] {
            rests.extend(guests.iter().map(|guests| ("conditions.users.guestsOrExternalUsers.", &guests.rest)));
            let tenants = guests.iter().filter_map(|guests| guests.external_tenants.as_ref());
            let name = "conditions.users.guestsOrExternalUsers.externalTenants.";
            rests.extend(tenants.map(|tenants| (name, &tenants.rest)));
        }
    }
    rests.extend(conditions.applications.iter().map(|part| ("conditions.applications.", &part.rest)));
    rests.extend(conditions.client_applications.iter().map(|part| ("conditions.clientApplications.", &part.rest)));
    rests.extend(conditions.platforms.iter().map(|part| ("conditions.platforms.", &part.rest)));
    rests.extend(conditions.locations.iter().map(|part| ("conditions.locations.", &part.rest)));
    rests.extend(conditions.devices.iter().map(|part| ("conditions.devices.", &part.rest)));
    rests.extend(conditions.authentication_flows.iter().map(|part| ("conditions.authenticationFlows.", &part.rest)));
    let of_applications = conditions.applications.as_ref().and_then(|part| part.application_filter.as_ref());
    let of_clients = conditions.client_applications.as_ref().and_then(|part| part.service_principal_filter.as_ref());
    let of_devices = conditions.devices.as_ref().and_then(|part| part.device_filter.as_ref());
    rests.extend(of_applications.map(|filter| ("conditions.applications.applicationFilter.", &filter.rest)));
    rests.extend(of_clients.map(|filter| ("conditions.clientApplications.servicePrincipalFilter.", &filter.rest)));
    rests.extend(of_devices.map(|filter| ("conditions.devices.deviceFilter.", &filter.rest)));
    rests
}
