//! Which resource a client asks a token for, by the name that it uses.
//!
//! **Source:** "Scopes and permissions in the Microsoft identity platform": a resource is named by its application id or
//! by one of its identifier URIs; `AADSTS500011` for one that the tenant does not have.

use breakglass_engine::access::surfaces::surface;
use breakglass_model::snapshot::Resource;
use serde_json::Value;

use super::error::StsError;
use crate::ids::{Audience, FIRST_PARTY, RESOURCES};
use crate::sign_in::Target;
use crate::state::{Directory, Object, text};

/// Characters of a resource's name that an error repeats.
const NAME_CHARS_MAX: usize = 200;

/// The resource of a name.
///
/// # Errors
/// `AADSTS500011` where the tenant has none of this name.
pub(super) fn target(directory: &Directory, audience: Audience, resource: &str) -> Result<Target, StsError> {
    if audience != Audience::Other {
        return Ok(Target::of(audience));
    }
    let name = resource.trim_end_matches('/');
    let is = |known: &str| known.trim_end_matches('/').eq_ignore_ascii_case(name);
    let of_microsoft = RESOURCES.iter().find(|(uri, id, _)| is(uri) || is(id)).map(|(_, id, name)| (*id, *name));
    let of_client = || FIRST_PARTY.iter().find(|(id, _)| is(id)).map(|(id, name)| (*id, *name));
    let of_surface = || surface(name).map(|known| (known.app_id, known.name));
    if let Some((id, name)) = of_microsoft.or_else(of_client).or_else(of_surface) {
        return Ok(Target { audience, app_id: id.to_owned(), name: name.to_owned() });
    }
    let names = |object: &Object, list: &str| {
        object.get(list).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).any(is)
    };
    let is_it = |object: &&Object| {
        let app_id = text(object, "appId").unwrap_or_default();
        !app_id.is_empty()
            && (is(app_id)
                || name.strip_prefix("api://").is_some_and(|id| id.eq_ignore_ascii_case(app_id))
                || names(object, "identifierUris")
                || names(object, "servicePrincipalNames"))
    };
    let found = directory
        .all(Resource::ServicePrincipals)
        .chain(directory.all(Resource::Applications))
        .find(is_it)
        .ok_or_else(|| unknown(resource))?;
    let app_id = text(found, "appId").unwrap_or_default().to_owned();
    Ok(Target { audience, name: text(found, "displayName").unwrap_or(&app_id).to_owned(), app_id })
}

fn unknown(resource: &str) -> StsError {
    let name: String = resource.chars().take(NAME_CHARS_MAX).collect();
    let text = format!(
        "The resource principal named {name} was not found in the tenant. This can happen if the application has not been \
         installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your \
         authentication request to the wrong tenant."
    );
    StsError { text: Some(text), ..StsError::of(500_011) }
}
