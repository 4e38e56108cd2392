//! The login endpoints: discovery, keys, user realm, tokens, and the pages on which people sign in.
//!
//! **Source:** `docs/guide/tenant.md`; what clients ask for was measured on real ones.

mod authorize;
mod browser;
mod client;
mod device;
mod discovery;
pub(crate) mod error;
pub(crate) mod flows;
mod issue;
mod logout;
mod pages;
mod passkeys;
mod password;
mod questions;
mod registration;
mod resources;
mod scope;
mod token;
mod user_info;
mod visit;

use crate::call::{Call, Reply};
use crate::tenant::Tenant;
use error::StsError;

/// The name under which clients skip the user realm, which they would ask at port 443.
pub(crate) const ADFS: &str = "adfs";

/// Bytes of the longest form: the longest are of passkeys that are made, and of assertions with a chain of certificates.
const BODY_BYTES_MAX: usize = 64 * 1_024;

/// Answers a request.
pub(crate) fn answer(tenant: &Tenant, call: &Call, parts: &[&str]) -> Reply {
    let (name, rest) = match parts.split_first() {
        Some((name, rest)) => (*name, rest),
        None => return not_found(),
    };
    if call.body.len() > BODY_BYTES_MAX {
        return StsError::of(9_002_313).reply(tenant, &token::correlation_id(call));
    }
    match (call.method.as_str(), rest) {
        ("GET", ["userrealm", user]) => return discovery::user_realm(tenant, user),
        ("GET", ["discovery", "instance"]) => return discovery::instance(tenant),
        ("GET", []) if format!("/{name}") == device::PAGE => return device::page(None),
        ("POST", []) if format!("/{name}") == device::PAGE => return device::typed(tenant, call),
        ("GET", []) if name == "error" => return error::page(call),
        ("GET" | "POST", ["userinfo"]) if name == "oidc" => return user_info::answer(tenant, call),
        _ => {}
    }
    let is_shared = matches!(name, "common" | "organizations" | ADFS);
    if !is_shared && !tenant.is_called(name) {
        return match rest {
            [] => not_found(),
            ["oauth2", "authorize" | "logout"] | ["oauth2", "v2.0", "authorize" | "logout"] => {
                visit::refused(&StsError::unknown_tenant(name))
            }
            ["oauth2", "v2.0", "token"] | ["oauth2", "token"] => {
                StsError::unknown_tenant(name).reply_as_request(tenant, &token::correlation_id(call))
            }
            _ => StsError::unknown_tenant(name).reply(tenant, &token::correlation_id(call)),
        };
    }
    match (call.method.as_str(), rest) {
        ("GET", ["v2.0", ".well-known", "openid-configuration"] | [".well-known", "openid-configuration"]) => {
            discovery::configuration(tenant, name)
        }
        ("GET", ["discovery", "keys"] | ["discovery", "v2.0", "keys"]) => discovery::keys(tenant),
        ("POST", ["oauth2", "v2.0", "token"] | ["oauth2", "token"]) => token::answer(tenant, call),
        (_, ["oauth2", "v2.0", "token"] | ["oauth2", "token"]) => {
            StsError::of(900_561).reply(tenant, &token::correlation_id(call))
        }
        ("GET" | "POST", ["oauth2", "v2.0", "authorize"] | ["oauth2", "authorize"]) => authorize::answer(tenant, call),
        ("POST", ["oauth2", "v2.0", "devicecode"] | ["oauth2", "devicecode"]) => device::code(tenant, call),
        ("GET", ["oauth2", "deviceauth"]) => device::page(None),
        ("GET" | "POST", ["oauth2", "v2.0", "logout"] | ["oauth2", "logout"]) => logout::answer(tenant, call),
        ("GET", ["login"]) => visit::refused(&StsError::of(90_013)),
        ("POST", ["login"]) => visit::Step { tenant, call }.go_on(),
        ("GET", ["oauth2", "nativeclient"]) => logout::native(),
        _ => not_found(),
    }
}

fn not_found() -> Reply {
    Reply::json(
        404,
        serde_json::json!({ "error": "not_found", "error_description": "There is nothing at this address." }),
    )
}
