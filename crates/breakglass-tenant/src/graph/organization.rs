//! `/organization`, `/domains`, `/subscribedSkus`, and the policies that are about the whole tenant.

use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::{CONDITIONAL_ACCESS_ADMINISTRATOR, SECURITY_ADMINISTRATOR};
use serde_json::{Value, json};

use super::Request;
use super::error::GraphError;
use super::list::{Shape, listed};
use crate::call::Reply;
use crate::state::{Change, Object};

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

/// Answers a request below `/domains`.
pub(super) fn domains(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    request.caller.needs(READ, &[])?;
    match (request.call.method.as_str(), rest) {
        ("GET", []) => listed(request, &whole(Resource::Domains, "domains")),
        ("GET", [id]) => one(request, (Resource::Domains, "domains"), id),
        _ => Err(GraphError::method()),
    }
}

/// Answers a request below `/subscribedSkus`.
pub(super) fn skus(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    request.caller.needs(READ, &[])?;
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
    match (request.call.method.as_str(), rest) {
        ("GET", ["authenticationStrengthPolicies"]) => {
            request.caller.needs(&["Policy.Read.All"], &[])?;
            listed(request, &whole(Resource::AuthenticationStrengthPolicies, "policies/authenticationStrengthPolicies"))
        }
        ("GET", [name]) => {
            request.caller.needs(&["Policy.Read.All"], &[])?;
            let found = request.tenant.state.read().single(single(name)?).cloned();
            let found = found.ok_or_else(|| GraphError::not_found(name))?;
            Ok(request.entity(200, (&format!("policies/{name}"), found)))
        }
        ("PATCH", [name]) => {
            let resource = single(name)?;
            let permissions = [
                "Policy.ReadWrite.SecurityDefaults",
                "Policy.ReadWrite.ConditionalAccess",
                "Policy.ReadWrite.AuthenticationMethod",
            ];
            request.caller.needs(&permissions, &[CONDITIONAL_ACCESS_ADMINISTRATOR, SECURITY_ADMINISTRATOR])?;
            let body = request.object()?;
            request.tenant.state.write(|directory| -> Result<_, GraphError> {
                let mut policy = directory.single(resource).cloned().ok_or_else(|| GraphError::not_found(name))?;
                policy.extend(body.into_iter().filter(|(name, _)| name != "id"));
                Ok((vec![Change::Put(resource, policy)], ()))
            })?;
            request.audit(
                "Update policy",
                "Policy",
                json!([{ "displayName": name, "type": "Policy", "modifiedProperties": [] }]),
            )?;
            Ok(Reply::empty(204))
        }
        (_, [segment, ..]) => Err(GraphError::no_segment(segment)),
        _ => Err(GraphError::method()),
    }
}

fn one(request: &Request<'_>, (resource, of): (Resource, &str), id: &str) -> Result<Reply, GraphError> {
    let found: Option<Object> = request.tenant.state.read().object(resource, id).cloned();
    let found = found.ok_or_else(|| GraphError::not_found(id))?;
    debug_assert!(found.get("id").is_some_and(Value::is_string));
    Ok(request.entity(200, (of, found)))
}
