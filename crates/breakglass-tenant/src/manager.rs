//! The corner of Azure Resource Manager that clients need to sign in: metadata, tenants, subscriptions; and what is written
//! without a subscription: management groups, and the elevation of a Global Administrator.
//!
//! **Source:** the mandatory multifactor authentication documentation for what Azure Resource Manager demands of writes,
//! and what clients print of it for the words.

mod management_groups;
mod role_assignments;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use breakglass_model::snapshot::Resource;
use serde_json::{Value, json};

use crate::call::{Call, Reply};
use crate::graph::caller::{self, Refusal};
use crate::ids::{Audience, MANDATORY_MFA_CONTEXT};
use crate::state::text;
use crate::tenant::Tenant;

/// Characters of the name of a resource that an error repeats.
const RESOURCE_CHARS_MAX: usize = 100;

/// Answers a request.
pub(crate) fn answer(tenant: &Tenant, call: &Call, parts: &[&str]) -> Reply {
    if let ("GET", ["metadata", "endpoints"]) = (call.method.as_str(), parts) {
        return metadata(tenant, call);
    }
    let caller = match caller::of(tenant, call, Audience::ResourceManager) {
        Ok(caller) => caller,
        Err(refusal) => return unauthorized(tenant, &refusal),
    };
    // Reading is exempt, and so are workload identities.
    let is_write = !matches!(call.method.as_str(), "GET" | "HEAD");
    if is_write && caller.is_user && !caller.has_mfa && tenant.profile.has_mandatory_mfa() {
        return challenged(tenant, parts.last().copied().unwrap_or_default());
    }
    match (call.method.as_str(), parts) {
        ("GET", ["tenants"]) => tenants(tenant),
        ("GET", ["subscriptions"]) => {
            Reply::json(200, json!({ "value": [], "count": { "type": "Total", "value": 0 } }))
        }
        (_, ["providers", "Microsoft.Authorization", rest @ ..])
            if matches!(rest, ["elevateAccess"] | ["roleAssignments", ..]) =>
        {
            role_assignments::answer(tenant, call, (&caller, rest))
        }
        ("GET", [.., "providers", "Microsoft.Authorization", "roleDefinitions" | "roleAssignments"]) => {
            Reply::json(200, json!({ "value": [] }))
        }
        (_, ["providers", "Microsoft.Management", "managementGroups", rest @ ..]) => {
            management_groups::answer(tenant, call, (&caller, rest))
        }
        _ => error(404, "ResourceNotFound", "The resource was not found."),
    }
}

fn metadata(tenant: &Tenant, call: &Call) -> Reply {
    let (base, manager) = (&tenant.addresses.base, &tenant.addresses.manager);
    let cloud = json!({
        "name": "breakglass",
        "portal": base,
        "suffixes": {},
        "authentication": {
            "loginEndpoint": base,
            "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "resourceManager": manager,
        "microsoftGraphResourceId": format!("{base}/"),
        "graphAudience": format!("{base}/"),
    });
    let is_list = crate::call::pairs(&call.query)
        .is_some_and(|query| crate::call::member(&query, "api-version") == Some("2019-05-01"));
    Reply::json(200, if is_list { json!([cloud]) } else { cloud })
}

fn tenants(tenant: &Tenant) -> Reply {
    let domains = tenant.domains();
    let directory = tenant.state.read();
    let organization = directory.single(Resource::Organization);
    let name = organization.and_then(|one| text(one, "displayName")).unwrap_or_default();
    let id = tenant.id();
    Reply::json(
        200,
        json!({ "value": [{
            "id": format!("/tenants/{id}"), "tenantId": id, "displayName": name, "tenantCategory": "Home",
            "defaultDomain": domains.first(), "domains": domains, "tenantType": "AAD",
        }] }),
    )
}

/// The challenge to a write of somebody who showed one factor only.
fn challenged(tenant: &Tenant, resource: &str) -> Reply {
    let address = format!("{}/common/oauth2/authorize", tenant.addresses.base);
    let claims = json!({ "access_token": { "acrs": { "essential": true, "values": [MANDATORY_MFA_CONTEXT] } } });
    let claims = URL_SAFE.encode(claims.to_string());
    let resource: String = resource.chars().take(RESOURCE_CHARS_MAX).collect();
    let message = format!(
        "Resource '{resource}' was disallowed by Azure: You are receiving this error because you tried to create, update \
         or delete Azure resources without authenticating through MFA. User accounts must be authenticated through MFA to \
         manage your resources. To resolve this error, go to https://aka.ms/MFAforAzure."
    );
    error(401, "RequestDisallowedByAzure", &message).with(
        "www-authenticate",
        format!(
            "Bearer realm=\"\", authorization_uri=\"{address}\", error=\"insufficient_claims\", claims=\"{claims}\""
        ),
    )
}

fn unauthorized(tenant: &Tenant, refusal: &Refusal) -> Reply {
    let address = format!("{}/{}", tenant.addresses.base, tenant.id());
    error(401, "AuthenticationFailed", refusal.sentence())
        .with("www-authenticate", format!("Bearer authorization_uri=\"{address}\", error=\"invalid_token\""))
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    let body: Value = json!({ "error": { "code": code, "message": message } });
    Reply::json(status, body)
}
