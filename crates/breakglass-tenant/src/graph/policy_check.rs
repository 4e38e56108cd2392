//! What Entra demands of a Conditional Access policy before it takes it: someone, something, a control, nothing that
//! contradicts itself, and nobody who is not there.
//!
//! What was seeded is not held against this, and neither is what a policy names already: whoever it names may have been
//! deleted since.
//!
//! **Source:** "Create conditionalAccessPolicy" (one rule about users, one about applications, one control); "Conditional
//! Access: Grant" (`block` stands alone, a strength and `mfa` are not combined, what goes with a changed password);
//! "Conditional Access: Target resources"; "Conditional Access for workload identities" (`block` is the only control);
//! "conditionalAccessSessionControls" (a persistent browser session wants all applications). The texts of 1007, 1012, 1032
//! and 1064 are those that clients of Graph report; the others are our own.

use std::collections::BTreeSet;

use breakglass_engine::access::device_filter::DeviceFilter;
use breakglass_model::policy::{ConditionalAccessPolicy, UnknownCause};
use breakglass_model::snapshot::Resource;
use serde_json::Value;

use super::error::GraphError;
use super::policy_shape::POLICY;
use super::properties::Wrong;
use super::strengths;
use crate::ids::is_authentication_context;
use crate::odata::is_guid;
use crate::state::{Directory, Object, text};

const DOCUMENTATION: &str =
    "https://docs.microsoft.com/en-us/graph/api/conditionalaccessroot-post-policies?view=graph-rest-1.0";
const CLIENTS: &[&str] = &["clientAppTypes"];
/// Networks that are no named locations: all, all that are trusted, and those that are trusted for MFA.
const NETWORKS: [&str; 3] = ["All", "AllTrusted", "00000000-0000-0000-0000-000000000000"];

/// Refuses a policy that cannot be one. What was there before has the shape that it was seeded with.
pub(super) fn check(directory: &Directory, known: Option<&Object>, policy: &Object) -> Result<(), GraphError> {
    check_what_there_is(policy)?;
    check_targets(policy)?;
    check_controls(directory, policy)?;
    check_filters(policy)?;
    check_names(directory, known, policy)
}

/// Refuses what is not written as a policy is. What one has already stays, be it written so or not.
pub(super) fn check_shape(known: Option<&Object>, policy: &Object) -> Result<(), GraphError> {
    let has_clients = |policy: &Object| !names(policy, CLIENTS).is_empty();
    let is_emptied = at(policy, CLIENTS).is_some_and(Value::is_array) && !has_clients(policy);
    if is_emptied && known.is_none_or(has_clients) {
        return Err(refused(format!(
            "1064: 'clientAppTypes' condition does not support []. If you want to target all client apps, use ['All']. If you want to target modern authentication clients, use ['browser', 'mobileAppsAndDesktopClients']. For examples, please see API documentation at {DOCUMENTATION}."
        )));
    }
    let Some(wrong) = POLICY.find_wrong(policy) else { return Ok(()) };
    let what = match wrong {
        Wrong::Name { name, of } => format!("There is no '{name}' in {of}."),
        Wrong::Value { name } => format!("'{name}' does not take this value."),
    };
    Err(malformed(&what))
}

fn malformed(what: &str) -> GraphError {
    refused(format!(
        "1007: Incoming ConditionalAccessPolicy object is null or does not match the schema of ConditionalAccessPolicy type. For examples, please see API documentation at {DOCUMENTATION}. {what}"
    ))
}

fn check_what_there_is(policy: &Object) -> Result<(), GraphError> {
    if text(policy, "displayName").is_none_or(|name| name.trim().is_empty()) {
        return Err(refused("1009: The policy needs a displayName."));
    }
    let read = ConditionalAccessPolicy::from_value(Value::Object(policy.clone()), "policy");
    let read = read.map_err(|error| malformed(&error.to_string()))?;
    // What is about agents Graph takes, and nothing here decides about them.
    let mut unknowns = read.unknowns.iter().filter(|part| !part.path.to_lowercase().contains("agent"));
    if let Some(part) = unknowns.next() {
        return Err(malformed(&match part.cause {
            UnknownCause::NotExported => format!("'{}' is needed.", part.path),
            _ => format!("'{}' is not known.", part.path),
        }));
    }
    let users = read.conditions.users.as_ref();
    let has_users = users.is_some_and(|users| {
        !users.include_users.is_empty()
            || !users.include_groups.is_empty()
            || !users.include_roles.is_empty()
            || users.include_guests_or_external_users.is_some()
    });
    if !has_users && read.conditions.client_applications.is_none() {
        return Err(refused("1011: The policy must name users, groups, roles or workload identities."));
    }
    Ok(())
}

/// A policy is about resources, about actions of users, or about authentication contexts.
fn check_targets(policy: &Object) -> Result<(), GraphError> {
    let listed = |name: &str| names(policy, &["applications", name]);
    let is_filtered = at(policy, &["applications", "applicationFilter"]).is_some_and(Value::is_object);
    let resources = listed("includeApplications");
    let (actions, contexts) = (listed("includeUserActions"), listed("includeAuthenticationContextClassReferences"));
    let kinds = [!resources.is_empty() || is_filtered, !actions.is_empty(), !contexts.is_empty()];
    match kinds.into_iter().filter(|is_there| *is_there).count() {
        0 => return Err(refused("The policy must name applications, user actions or authentication contexts.")),
        1 => {}
        _ => {
            return Err(refused(
                "1012: 'applications' condition cannot include both 'includeApplications' and 'includeUserActions'/'includeAuthenticationContextClassReferences'. Please remove one of the conditions.",
            ));
        }
    }
    if actions.contains(&"urn:user:registerdevice") {
        check_device_registration(policy)?;
    }
    if let Some(other) = contexts.iter().find(|context| !is_authentication_context(context)) {
        return Err(refused(format!("'{}' is no authentication context: they are 'c1' to 'c99'.", excerpt(other))));
    }
    let is_application = |name: &str| {
        matches!(name, "All" | "AllAgentIdResources" | "MicrosoftAdminPortals" | "None" | "Office365") || is_guid(name)
    };
    let mut named = resources.into_iter().chain(listed("excludeApplications"));
    match named.find(|name| !is_application(name)) {
        Some(other) => Err(refused(format!("'{}' is the id of no application.", excerpt(other)))),
        None => Ok(()),
    }
}

/// A policy about the registration of devices demands multifactor authentication or a strength, and asks neither for the
/// client nor for the device.
fn check_device_registration(policy: &Object) -> Result<(), GraphError> {
    let controls = policy.get("grantControls").and_then(|grant| grant.get("builtInControls")?.as_array());
    let has_others = controls.into_iter().flatten().any(|control| control != "mfa");
    let has_clients = names(policy, &["clientAppTypes"]).iter().any(|client| *client != "all");
    let has_filter = at(policy, &["devices", "deviceFilter"]).is_some_and(Value::is_object);
    if !has_others && !has_clients && !has_filter {
        return Ok(());
    }
    Err(refused(
        "The user action 'urn:user:registerdevice' takes 'mfa' or an authentication strength, and neither client apps nor a device filter.",
    ))
}

fn check_controls(directory: &Directory, policy: &Object) -> Result<(), GraphError> {
    let grant = policy.get("grantControls").and_then(Value::as_object);
    let listed = |name: &str| -> Vec<&str> {
        let all = grant.and_then(|grant| grant.get(name)?.as_array()).into_iter().flatten();
        all.filter_map(Value::as_str).collect()
    };
    let built_in = listed("builtInControls");
    let others = [listed("customAuthenticationFactors"), listed("termsOfUse")].concat();
    let strength = grant.and_then(|grant| grant.get("authenticationStrength")?.as_object());
    let has_session = policy.get("sessionControls").and_then(Value::as_object).is_some_and(|session| {
        session
            .iter()
            .any(|(name, control)| !name.contains('@') && !control.is_null() && *control != Value::Bool(false))
    });
    let count = built_in.len() + others.len() + usize::from(strength.is_some());
    if count == 0 && !has_session {
        return Err(refused("1032: The policy must have a grant control or a session control."));
    }
    if built_in.contains(&"block") && count > 1 {
        return Err(refused("The grant control 'block' cannot be combined with another."));
    }
    let is_of_workloads = !names(policy, &["clientApplications", "includeServicePrincipals"]).is_empty();
    if is_of_workloads && count > usize::from(built_in == ["block"]) {
        return Err(refused("A policy about workload identities takes the grant control 'block' and no other."));
    }
    if let Some(strength) = strength {
        if built_in.contains(&"mfa") {
            return Err(refused("The grant control 'mfa' and an authentication strength cannot be combined."));
        }
        let id = text(strength, "id").unwrap_or_default();
        if !strengths::is_there(directory, id) {
            return Err(refused(format!("There is no authentication strength '{}'.", excerpt(id))));
        }
    }
    if built_in.contains(&"passwordChange") {
        check_password_change(policy, (&built_in, strength.is_some()))?;
    }
    check_browser(policy)?;
    check_frequency(policy)
}

/// Whether a browser keeps its session is said for all resources or for none.
fn check_browser(policy: &Object) -> Result<(), GraphError> {
    let browser = policy.get("sessionControls").and_then(|session| session.get("persistentBrowser")?.as_object());
    let is_on = browser.is_some_and(|browser| browser.get("isEnabled").and_then(Value::as_bool) == Some(true));
    if is_on && !names(policy, &["applications", "includeApplications"]).contains(&"All") {
        return Err(refused(
            "1032: ConditionalActionPolicy validation failed due to InvalidConditionsForPersistentBrowserSessionMode.",
        ));
    }
    Ok(())
}

/// A changed password is demanded of users at risk, for all resources, and with multifactor authentication.
fn check_password_change(policy: &Object, (built_in, has_strength): (&[&str], bool)) -> Result<(), GraphError> {
    let operator = policy.get("grantControls").and_then(|grant| grant.get("operator")?.as_str());
    let is_good = operator == Some("AND")
        && (built_in.contains(&"mfa") || has_strength)
        && names(policy, &["applications", "includeApplications"]) == ["All"]
        && !names(policy, &["userRiskLevels"]).is_empty();
    if is_good {
        return Ok(());
    }
    Err(refused(
        "The grant control 'passwordChange' takes 'mfa' or an authentication strength with the operator 'AND', all applications, and userRiskLevels.",
    ))
}

/// A frequency that is in force says how often.
fn check_frequency(policy: &Object) -> Result<(), GraphError> {
    let frequency = policy.get("sessionControls").and_then(|session| session.get("signInFrequency")?.as_object());
    let is_on = |frequency: &&Object| frequency.get("isEnabled").and_then(Value::as_bool) == Some(true);
    let Some(frequency) = frequency.filter(is_on) else { return Ok(()) };
    let value = frequency.get("value").and_then(Value::as_i64);
    let is_every_time = text(frequency, "frequencyInterval") == Some("everyTime");
    let is_timed = value.is_some_and(|value| value > 0) && text(frequency, "type").is_some();
    if is_every_time || is_timed {
        return Ok(());
    }
    Err(refused("The session control 'signInFrequency' takes a value above 0 and a type, or the interval 'everyTime'."))
}

fn check_filters(policy: &Object) -> Result<(), GraphError> {
    let Some(filter) = at(policy, &["devices", "deviceFilter"]).and_then(Value::as_object) else { return Ok(()) };
    let rule = text(filter, "rule").unwrap_or_default();
    if text(filter, "mode").is_none() {
        return Err(refused("The device filter needs a mode."));
    }
    DeviceFilter::parse(rule).map(drop).map_err(|error| refused(format!("The device filter is none: {error}.")))
}

/// Refuses users, groups, roles, service principals and locations that are not there and were not named before.
fn check_names(directory: &Directory, known: Option<&Object>, policy: &Object) -> Result<(), GraphError> {
    type IsThere = fn(&Directory, &str) -> bool;
    const LISTS: [(&[&str], IsThere); 10] = [
        (&["users", "includeUsers"], is_user),
        (&["users", "excludeUsers"], is_user),
        (&["users", "includeGroups"], |directory, id| directory.object(Resource::Groups, id).is_some()),
        (&["users", "excludeGroups"], |directory, id| directory.object(Resource::Groups, id).is_some()),
        (&["users", "includeRoles"], is_role),
        (&["users", "excludeRoles"], is_role),
        (&["locations", "includeLocations"], is_location),
        (&["locations", "excludeLocations"], is_location),
        (&["clientApplications", "includeServicePrincipals"], is_principal),
        (&["clientApplications", "excludeServicePrincipals"], is_principal),
    ];
    for (path, is_there) in LISTS {
        let before: BTreeSet<&str> = known.map(|known| names(known, path)).unwrap_or_default().into_iter().collect();
        let mut named = names(policy, path).into_iter();
        if let Some(other) = named.find(|name| !before.contains(name) && !is_there(directory, name)) {
            let list = path.last().copied().unwrap_or_default();
            return Err(refused(format!("'{}' in '{list}' does not exist in the directory.", excerpt(other))));
        }
    }
    Ok(())
}

fn is_user(directory: &Directory, id: &str) -> bool {
    matches!(id, "All" | "GuestsOrExternalUsers" | "None") || directory.object(Resource::Users, id).is_some()
}

/// Roles are named by their template, and those of the tenant's own are none that a policy can be about.
fn is_role(directory: &Directory, id: &str) -> bool {
    let is_built_in = |role: &Object| role.get("isBuiltIn").and_then(Value::as_bool) != Some(false);
    let is_it = |role: &Object| {
        text(role, "templateId").or_else(|| text(role, "id")).is_some_and(|known| known.eq_ignore_ascii_case(id))
    };
    directory.all(Resource::RoleDefinitions).any(|role| is_built_in(role) && is_it(role))
}

fn is_location(directory: &Directory, id: &str) -> bool {
    NETWORKS.contains(&id) || directory.object(Resource::NamedLocations, id).is_some()
}

fn is_principal(directory: &Directory, id: &str) -> bool {
    id == "ServicePrincipalsInMyTenant" || directory.object(Resource::ServicePrincipals, id).is_some()
}

/// A part of the conditions.
fn at<'p>(policy: &'p Object, path: &[&str]) -> Option<&'p Value> {
    path.iter().try_fold(policy.get("conditions")?, |part, name| part.get(name))
}

/// The texts in a list of the conditions.
fn names<'p>(policy: &'p Object, path: &[&str]) -> Vec<&'p str> {
    at(policy, path).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn excerpt(text: &str) -> String {
    text.chars().take(100).collect()
}

fn refused(message: impl Into<String>) -> GraphError {
    GraphError::new(400, "BadRequest", message)
}
