//! What clients read before they sign anybody in.

use serde_json::json;

use super::ADFS;
use crate::call::Reply;
use crate::jwt::SigningKey;
use crate::tenant::Tenant;

/// `openid-configuration` under a name of the tenant, `common`, `organizations` or `adfs`.
pub(super) fn configuration(tenant: &Tenant, name: &str) -> Reply {
    let base = &tenant.addresses.base;
    let is_shared = matches!(name, "common" | "organizations");
    let name = match name {
        "common" | "organizations" | ADFS => name,
        _ => tenant.id(),
    };
    let issuer = if is_shared { "{tenantid}" } else { tenant.id() };
    let endpoints = if name == ADFS { format!("{base}/{name}/oauth2") } else { format!("{base}/{name}/oauth2/v2.0") };
    Reply::json(
        200,
        json!({
            "token_endpoint": format!("{endpoints}/token"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": format!("{base}/{name}/discovery/v2.0/keys"),
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": format!("{base}/{issuer}/v2.0"),
            "request_uri_parameter_supported": false,
            "userinfo_endpoint": format!("{base}/oidc/userinfo"),
            "authorization_endpoint": format!("{endpoints}/authorize"),
            "device_authorization_endpoint": format!("{endpoints}/devicecode"),
            "http_logout_supported": true,
            "frontchannel_logout_supported": true,
            "end_session_endpoint": format!("{endpoints}/logout"),
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username",
                "name", "tid", "ver", "at_hash", "c_hash", "email"],
            "tenant_region_scope": serde_json::Value::Null,
            "cloud_instance_name": "breakglass.local",
        }),
    )
}

/// The keys that sign tokens.
pub(super) fn keys(tenant: &Tenant) -> Reply {
    let now = tenant.clock.now();
    if tenant.keys.roll_if_due(&tenant.state, now).is_err() {
        let message = "The tenant cannot keep its next signing key; its disk may be full.";
        return Reply::json(503, json!({ "error": "temporarily_unavailable", "error_description": message }));
    }
    let published = |keys: &[&SigningKey]| keys.iter().map(|key| key.public()).collect::<Vec<_>>();
    Reply::json(200, json!({ "keys": tenant.keys.published(now, published) }))
}

/// Where the password of a user is checked. The answer is the same for somebody who does not exist.
pub(super) fn user_realm(tenant: &Tenant, user: &str) -> Reply {
    let domain = user.rsplit_once('@').map_or("", |(_, domain)| domain);
    Reply::json(
        200,
        json!({
            "ver": "1.0", "account_type": "Managed", "domain_name": domain,
            "cloud_instance_name": "breakglass.local", "cloud_audience_urn": "urn:federation:MicrosoftOnline",
            "tenant_id": tenant.id(),
        }),
    )
}

/// Which addresses are the same cloud.
pub(super) fn instance(tenant: &Tenant) -> Reply {
    let base = &tenant.addresses.base;
    let host = base.trim_start_matches("https://");
    Reply::json(
        200,
        json!({
            "tenant_discovery_endpoint": format!("{base}/common/v2.0/.well-known/openid-configuration"),
            "api-version": "1.1",
            "metadata": [{ "preferred_network": host, "preferred_cache": host, "aliases": [host] }],
        }),
    )
}
