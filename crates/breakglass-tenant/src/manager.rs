//! The corner of Azure Resource Manager that clients need to sign in: metadata, tenants, subscriptions, and a place
//! where something is written.

use breakglass_model::snapshot::Resource;
use serde_json::{Value, json};

use crate::call::{Call, Reply};
use crate::graph::caller::{self, Refusal};
use crate::ids::Audience;
use crate::state::text;
use crate::tenant::Tenant;

/// Answers a request.
pub(crate) fn answer(tenant: &Tenant, call: &Call, parts: &[&str]) -> Reply {
    if let ("GET", ["metadata", "endpoints"]) = (call.method.as_str(), parts) {
        return metadata(tenant, call);
    }
    if let Err(refusal) = caller::of(tenant, call, Audience::ResourceManager) {
        return unauthorized(tenant, &refusal);
    }
    match (call.method.as_str(), parts) {
        ("GET", ["tenants"]) => tenants(tenant),
        ("GET", ["subscriptions"]) => {
            Reply::json(200, json!({ "value": [], "count": { "type": "Total", "value": 0 } }))
        }
        ("GET", [.., "providers", "Microsoft.Authorization", "roleDefinitions" | "roleAssignments"]) => {
            Reply::json(200, json!({ "value": [] }))
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

fn unauthorized(tenant: &Tenant, refusal: &Refusal) -> Reply {
    let address = format!("{}/{}", tenant.addresses.base, tenant.id());
    error(401, "AuthenticationFailed", refusal.sentence())
        .with("www-authenticate", format!("Bearer authorization_uri=\"{address}\", error=\"invalid_token\""))
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    let body: Value = json!({ "error": { "code": code, "message": message } });
    Reply::json(status, body)
}
