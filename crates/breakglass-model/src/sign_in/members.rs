//! Which members the objects of a What If body have. A member that does not exist is a fault: read over, it would be
//! a fact that was given and silently not judged.
//!
//! **Source:** the metadata (v1.0 and beta) of `evaluate`'s parameters. Annotations (`@odata.type`) may stand
//! everywhere.

use serde_json::{Map, Value};

use crate::nearest::nearest;

/// An object of a body: where it is, and what it may hold.
struct Object {
    path: &'static [&'static str],
    members: &'static [&'static str],
    /// Names that its `@odata.type` may have; empty where it does not tell anything apart.
    types: &'static [&'static str],
}

/// Types of `signInIdentity`.
pub(super) const IDENTITY_TYPES: [&str; 2] = ["userSignIn", "servicePrincipalSignIn"];
/// Types of `signInContext`.
pub(super) const CONTEXT_TYPES: [&str; 3] = ["applicationContext", "authContext", "userActionContext"];

const OBJECTS: [Object; 6] = [
    Object {
        path: &[],
        members: &["signInIdentity", "signInContext", "signInConditions", "appliedPoliciesOnly"],
        types: &[],
    },
    Object {
        path: &["signInIdentity"],
        members: &["userId", "externalUserType", "externalTenantId", "servicePrincipalId"],
        types: &IDENTITY_TYPES,
    },
    Object {
        path: &["signInContext"],
        members: &["includeApplications", "authenticationContextValue", "userAction"],
        types: &CONTEXT_TYPES,
    },
    Object {
        path: &["signInConditions"],
        members: &[
            "devicePlatform",
            "clientAppType",
            "signInRiskLevel",
            "userRiskLevel",
            "servicePrincipalRiskLevel",
            "insiderRiskLevel",
            // Only in beta; a policy with such a condition is never told.
            "agentIdRiskLevel",
            "country",
            "ipAddress",
            "authenticationFlow",
            "deviceInfo",
        ],
        types: &[],
    },
    Object { path: &["signInConditions", "authenticationFlow"], members: &["transferMethod"], types: &[] },
    Object {
        path: &["signInConditions", "deviceInfo"],
        members: &[
            "deviceId",
            "displayName",
            "enrollmentProfileName",
            "isCompliant",
            "manufacturer",
            "mdmAppId",
            "model",
            "operatingSystem",
            "operatingSystemVersion",
            "ownership",
            "physicalIds",
            "profileType",
            "systemLabels",
            "trustType",
        ],
        types: &[],
    },
];

/// Looks through a body; gives the first fault in words.
pub(super) fn check(body: &Value) -> Result<(), String> {
    for object in &OBJECTS {
        let found = object.path.iter().try_fold(body, |value, name| value.get(name));
        match found {
            None | Some(Value::Null) if !object.path.is_empty() => {}
            Some(Value::Object(members)) => object.check(members)?,
            _ => return Err(format!("{} must be an object", object.name())),
        }
    }
    Ok(())
}

/// Whether an `@odata.type` names one of these types, with or without the namespace's mark before it.
pub(super) fn is_type(text: &str, types: &[&str]) -> bool {
    let name = text.rsplit_once('#').map_or(text, |(_, name)| name);
    name.strip_prefix("microsoft.graph.").is_some_and(|name| types.contains(&name))
}

impl Object {
    fn name(&self) -> String {
        if self.path.is_empty() { "the request".to_owned() } else { format!("`{}`", self.path.join(".")) }
    }

    fn check(&self, members: &Map<String, Value>) -> Result<(), String> {
        for (name, value) in members {
            if name == "@odata.type" && !self.types.is_empty() {
                self.check_type(value)?;
            } else if !name.contains('@') && !self.has(name) {
                let near = match nearest(name, self.members.iter().copied()).first() {
                    Some(near) => format!("; did you mean `{near}`?"),
                    None => format!("; it has {}", self.members.join(", ")),
                };
                return Err(format!("{} has no member `{name}`{near}", self.name()));
            }
        }
        Ok(())
    }

    fn has(&self, name: &str) -> bool {
        self.members.contains(&name) || (self.path.last() == Some(&"deviceInfo") && is_extension_attribute(name))
    }

    fn check_type(&self, value: &Value) -> Result<(), String> {
        match value {
            Value::Null => Ok(()),
            Value::String(text) if is_type(text, self.types) => Ok(()),
            other => {
                let known: Vec<String> = self.types.iter().map(|name| format!("`#microsoft.graph.{name}`")).collect();
                let shown = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
                Err(format!("{} cannot be of the type `{shown}`; it is one of {}", self.name(), known.join(", ")))
            }
        }
    }
}

/// Whether a name is `extensionAttribute1` to `extensionAttribute15`.
fn is_extension_attribute(name: &str) -> bool {
    let number = name.strip_prefix("extensionAttribute").filter(|number| !number.starts_with('0'));
    number.and_then(|number| number.parse::<u8>().ok()).is_some_and(|number| (1..=15).contains(&number))
}
