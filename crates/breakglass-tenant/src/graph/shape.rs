//! What Graph always has of an object, whatever was put into the tenant: lists that are empty rather than missing, and
//! at v1.0 nothing that is beta's alone.
//!
//! **Source:** the schema of v1.0 and beta: properties that are not nullable.

use breakglass_model::snapshot::Resource;
use serde_json::{Value, json};

use crate::state::Object;

/// Lists that are never null, and never missing where everything of an object is shown.
const LISTS: &[(Resource, &[&str])] = &[
    (Resource::Users, &["businessPhones"]),
    (Resource::Groups, &["groupTypes"]),
    (Resource::Devices, &["alternativeSecurityIds", "physicalIds", "systemLabels"]),
    (
        Resource::Applications,
        &[
            "addIns",
            "appRoles",
            "identifierUris",
            "keyCredentials",
            "passwordCredentials",
            "requiredResourceAccess",
            "tags",
        ],
    ),
    (
        Resource::ServicePrincipals,
        &[
            "addIns",
            "alternativeNames",
            "appRoles",
            "keyCredentials",
            "notificationEmailAddresses",
            "passwordCredentials",
            "replyUrls",
            "servicePrincipalNames",
            "tags",
        ],
    ),
    (Resource::Organization, &["assignedPlans", "businessPhones", "provisionedPlans", "verifiedDomains"]),
    (Resource::Domains, &["supportedServices"]),
    (Resource::SubscribedSkus, &["servicePlans"]),
];

/// Properties that beta has and v1.0 has not.
const BETA_ONLY: &[(Resource, &[&str])] = &[
    (Resource::ConditionalAccessPolicies, &["partialEnablementStrategy"]),
    (Resource::Groups, &["isManagementRestricted"]),
    (Resource::Users, &["isManagementRestricted"]),
];
/// The same of the conditions of a policy, and of its session controls.
const CONDITIONS_OF_BETA: [&str; 5] = ["agentIdRiskLevels", "agents", "agentContext", "times", "deviceStates"];
const DEVICES_OF_BETA: [&str; 4] = ["includeDevices", "excludeDevices", "includeDeviceStates", "excludeDeviceStates"];
const CLIENT_APPLICATIONS_OF_BETA: [&str; 3] =
    ["includeAgentIdServicePrincipals", "excludeAgentIdServicePrincipals", "agentIdServicePrincipalFilter"];
const SESSION_CONTROLS_OF_BETA: [&str; 3] =
    ["continuousAccessEvaluation", "blockSensitiveActions", "globalSecureAccessFilteringProfile"];

/// The property of a user that says when they signed in last; it is there only where it is asked for.
pub(super) const SIGN_IN_ACTIVITY: &str = "signInActivity";
/// What v1.0 calls the delegated permissions of a resource, and what beta does.
const SCOPES: [&str; 2] = ["oauth2PermissionScopes", "publishedPermissionScopes"];

/// What security defaults say of themselves.
const SECURITY_DEFAULTS: &str =
    "Security defaults is a set of basic identity security mechanisms recommended by Microsoft.";

/// Kinds of redirect addresses of an application, each with the lists that it always has.
const PLATFORMS: [(&str, &[&str]); 3] = [
    ("web", &["redirectUris", "redirectUriSettings"]),
    ("spa", &["redirectUris"]),
    ("publicClient", &["redirectUris"]),
];

/// Whether a property may be another in an answer than it is kept.
pub(super) fn is_mended(resource: Resource, name: &str) -> bool {
    const PLAIN: [Resource; 5] =
        [Resource::Users, Resource::Groups, Resource::Applications, Resource::ServicePrincipals, Resource::Devices];
    let mut named = of(LISTS, resource).iter().chain(of(BETA_ONLY, resource));
    let is_worked_out = match resource {
        Resource::Users => name.eq_ignore_ascii_case(SIGN_IN_ACTIVITY),
        Resource::Applications => PLATFORMS.iter().any(|(platform, _)| name.eq_ignore_ascii_case(platform)),
        _ => false,
    };
    is_worked_out || !PLAIN.contains(&resource) || named.any(|known| known.eq_ignore_ascii_case(name))
}

/// Makes an object what Graph has of it in a version.
pub(super) fn mend(resource: Resource, version: &str, object: &mut Object) {
    for name in of(LISTS, resource) {
        let list = object.entry(*name).or_insert(Value::Null);
        if list.is_null() {
            *list = json!([]);
        }
    }
    if resource == Resource::Domains {
        for name in ["isAdminManaged", "isDefault", "isInitial", "isRoot", "isVerified"] {
            object.entry(name).or_insert_with(|| json!(matches!(name, "isAdminManaged" | "isRoot" | "isVerified")));
        }
        object.entry("authenticationType").or_insert_with(|| json!("Managed"));
    }
    if resource == Resource::IdentitySecurityDefaultsEnforcementPolicy {
        object.entry("description").or_insert_with(|| json!(SECURITY_DEFAULTS));
    }
    if resource == Resource::NamedLocations {
        location(object);
    }
    if resource == Resource::Applications {
        for (platform, lists) in PLATFORMS {
            let Some(platform) = object.get_mut(platform).and_then(Value::as_object_mut) else { continue };
            for list in lists {
                platform.entry(*list).or_insert_with(|| json!([]));
            }
        }
    }
    if resource == Resource::ConditionalAccessPolicies {
        super::conditional_access::fill(object);
    }
    if version == "beta" {
        if let Some(scopes) = object.remove(SCOPES[0]).filter(|_| resource == Resource::ServicePrincipals) {
            object.insert(SCOPES[1].to_owned(), scopes);
        }
        let conditions = object.get_mut("conditions").filter(|_| resource == Resource::ConditionalAccessPolicies);
        let parts = [("devices", &DEVICES_OF_BETA[..]), ("clientApplications", &CLIENT_APPLICATIONS_OF_BETA[..2])];
        let Some(conditions) = conditions else { return };
        for (part, lists) in parts {
            let Some(part) = conditions.get_mut(part).and_then(Value::as_object_mut) else { continue };
            for list in lists {
                part.entry(*list).or_insert_with(|| json!([]));
            }
        }
        return;
    }
    for name in of(BETA_ONLY, resource) {
        object.remove(*name);
    }
    if resource == Resource::ConditionalAccessPolicies {
        without(object, "conditions", &CONDITIONS_OF_BETA);
        if let Some(conditions) = object.get_mut("conditions").and_then(Value::as_object_mut) {
            without(conditions, "devices", &DEVICES_OF_BETA);
            without(conditions, "clientApplications", &CLIENT_APPLICATIONS_OF_BETA);
        }
        without(object, "sessionControls", &SESSION_CONTROLS_OF_BETA);
    }
}

/// A named location with what its kind always has.
fn location(object: &mut Object) {
    let defaults = match crate::state::text(object, "@odata.type") {
        Some("#microsoft.graph.countryNamedLocation") => json!({
            "includeUnknownCountriesAndRegions": false, "countryLookupMethod": "clientIpAddress",
        }),
        _ => json!({ "isTrusted": false, "ipRanges": [] }),
    };
    for (name, value) in defaults.as_object().into_iter().flatten() {
        object.entry(name.clone()).or_insert_with(|| value.clone());
    }
}

fn of(table: &'static [(Resource, &'static [&'static str])], resource: Resource) -> &'static [&'static str] {
    table.iter().find(|(known, _)| *known == resource).map_or(&[], |(_, names)| names)
}

fn without(object: &mut Object, part: &str, names: &[&str]) {
    let Some(part) = object.get_mut(part).and_then(Value::as_object_mut) else { return };
    for name in names {
        part.remove(*name);
    }
}
