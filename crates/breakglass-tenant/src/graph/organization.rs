//! `/organization`, `/domains`, `/subscribedSkus`, and the policies that are about the whole tenant.

use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::{CONDITIONAL_ACCESS_ADMINISTRATOR, SECURITY_ADMINISTRATOR};
use serde_json::{Value, json};

use super::Request;
use super::error::GraphError;
use super::list::{Shape, listed, selected};
use super::modified::modified;
use crate::call::Reply;
use crate::state::{Change, Directory, Object};

pub(super) const AUTHENTICATION_POLICY_ADMINISTRATOR: &str = "0526716b-113d-4c15-b2c8-68e3c22b9f80";

const READ: &[&str] = &[
    "Organization.Read.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "User.Read",
    "Domain.Read.All",
    "Organization.ReadWrite.All",
];

const fn whole(resource: Resource, context: &'static str) -> Shape {
    Shape { resource, context, default_properties: &[], hidden: &[], count_default: 100, count_max: 999 }
}

/// Answers a request below `/organization`.
pub(super) fn organization(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    request.caller.needs(READ, &[])?;
    match (request.call.method.as_str(), rest) {
        ("GET", []) => listed(request, &whole(Resource::Organization, "organization")),
        ("GET", [id]) => one(request, (Resource::Organization, "organization"), id),
        _ => Err(GraphError::method()),
    }
}

const READ_DOMAINS: &[&str] =
    &["Domain.Read.All", "Domain.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];

/// Answers a request below `/domains`.
pub(super) fn domains(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    request.caller.needs(READ_DOMAINS, &[])?;
    match (request.call.method.as_str(), rest) {
        ("GET", []) => listed(request, &whole(Resource::Domains, "domains")),
        ("GET", [id]) => one(request, (Resource::Domains, "domains"), id),
        _ => Err(GraphError::method()),
    }
}

/// Answers a request below `/subscribedSkus`.
pub(super) fn skus(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    request.caller.needs(&[&["LicenseAssignment.Read.All"], READ].concat(), &[])?;
    match (request.call.method.as_str(), rest) {
        ("GET", []) => listed(request, &whole(Resource::SubscribedSkus, "subscribedSkus")),
        _ => Err(GraphError::method()),
    }
}

/// Answers a request below `/policies`.
pub(super) fn policies(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    let single = |name: &str| match name {
        "identitySecurityDefaultsEnforcementPolicy" => Ok(Resource::IdentitySecurityDefaultsEnforcementPolicy),
        "authenticationMethodsPolicy" => Ok(Resource::AuthenticationMethodsPolicy),
        _ => Err(GraphError::no_segment(name)),
    };
    if let ["authenticationStrengthPolicies", rest @ ..] = rest {
        return super::strengths::answer(request, rest);
    }
    match rest {
        ["authenticationMethodsPolicy", "authenticationMethodConfigurations", rest @ ..] => {
            return super::method_configurations::answer(request, rest);
        }
        ["roleManagementPolicies", rest @ ..] => return super::role_policies::policies(request, rest),
        ["roleManagementPolicyAssignments", rest @ ..] => return super::role_policies::assignments(request, rest),
        _ => {}
    }
    match (request.call.method.as_str(), rest) {
        ("GET", [name]) => {
            let of_methods = "Policy.Read.AuthenticationMethod";
            let permissions =
                ["Policy.Read.All", if name.starts_with("auth") { of_methods } else { "Policy.Read.All" }];
            request.caller.needs(&permissions, &[])?;
            let found = request.tenant.state.read().single(single(name)?).cloned();
            let mut found = found.ok_or_else(|| GraphError::not_found(name))?;
            super::shape::mend(single(name)?, request.version, &mut found);
            Ok(request.entity(200, (&format!("policies/{name}"), found)))
        }
        ("PATCH", [name]) => {
            let resource = single(name)?;
            let is_methods = resource == Resource::AuthenticationMethodsPolicy;
            let (permissions, roles): (&[&str], &[&str]) = if is_methods {
                (&["Policy.ReadWrite.AuthenticationMethod"], &[AUTHENTICATION_POLICY_ADMINISTRATOR])
            } else {
                let permissions = &["Policy.ReadWrite.SecurityDefaults", "Policy.ReadWrite.ConditionalAccess"];
                (permissions, &[CONDITIONAL_ACCESS_ADMINISTRATOR, SECURITY_ADMINISTRATOR])
            };
            request.caller.needs(permissions, roles)?;
            let body = request.object()?;
            check(resource, &body)?;
            let (known, policy) = request.write(|directory| -> Result<_, GraphError> {
                let known = directory.single(resource).cloned().ok_or_else(|| GraphError::not_found(name))?;
                not_beside_policies(directory, &body)?;
                let mut policy = known.clone();
                policy.extend(body.into_iter().filter(|(name, _)| name != "id"));
                Ok((vec![Change::Put(resource, policy.clone())], (known, policy)))
            })?;
            request.audit(
                "Update policy",
                "Policy",
                json!([{ "displayName": name, "type": "Policy",
                    "modifiedProperties": modified(&known, &policy, &[]) }]),
            )?;
            Ok(Reply::empty(204))
        }
        (_, [segment, ..]) => Err(GraphError::no_segment(segment)),
        _ => Err(GraphError::method()),
    }
}

/// Refuses what cannot be in a policy.
fn check(resource: Resource, body: &Object) -> Result<(), GraphError> {
    let is_good = |(name, value): (&String, &Value)| match (resource, name.as_str()) {
        (_, name) if name.starts_with('@') => true,
        (_, "isEnabled") => resource != Resource::AuthenticationMethodsPolicy && value.is_boolean(),
        (_, "displayName" | "description") => value.is_string(),
        (Resource::AuthenticationMethodsPolicy, "authenticationMethodConfigurations") => value.is_array(),
        (Resource::AuthenticationMethodsPolicy, name) => {
            matches!(
                name,
                "registrationEnforcement"
                    | "policyMigrationState"
                    | "reportSuspiciousActivitySettings"
                    | "systemCredentialPreferences"
            )
        }
        _ => false,
    };
    match body.iter().find(|one| !is_good(*one)) {
        None => Ok(()),
        Some((name, _)) => {
            let name: String = name.chars().take(100).collect();
            Err(GraphError::bad_request(format!("Invalid value specified for property '{name}'.")))
        }
    }
}

/// Security defaults are not on beside policies that are in force.
fn not_beside_policies(directory: &Directory, body: &Object) -> Result<(), GraphError> {
    let in_force = |policy: &Object| policy.get("state").and_then(Value::as_str) == Some("enabled");
    let is_switched_on = body.get("isEnabled").and_then(Value::as_bool) == Some(true);
    if is_switched_on && directory.all(Resource::ConditionalAccessPolicies).any(in_force) {
        return Err(GraphError::bad_request(
            "Security defaults cannot be enabled while Conditional Access policies are enabled.",
        ));
    }
    Ok(())
}

fn one(request: &Request<'_>, (resource, of): (Resource, &'static str), id: &str) -> Result<Reply, GraphError> {
    let found: Option<Object> = request.tenant.state.read().object(resource, id).cloned();
    let found = found.ok_or_else(|| GraphError::not_found(id))?;
    Ok(request.entity(200, (of, selected(request, &whole(resource, of), &found)?)))
}
