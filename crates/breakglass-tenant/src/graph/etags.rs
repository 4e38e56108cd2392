//! Entity tags: whether an object is still what somebody read.
//!
//! Graph documents tags for none of these resources, so that no answer has `@odata.etag`; the header `ETag` alone is added
//! to the answer about one object. They are compared weakly, as OData does.
//!
//! **Source:** RFC 9110, sections 8.8 (tags), 13.1.1 and 13.1.2 (`If-Match`, `If-None-Match`); OData Version 4.01, Part 1,
//! 8.2.6 and 8.2.7.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use breakglass_model::snapshot::Resource;

use super::error::GraphError;
use super::{Request, groups, users};
use crate::call::Reply;
use crate::state::{Change, Directory, Object, Shelf};

/// Bytes of a digest that are in a tag.
const TAG_BYTES: usize = 15;

impl Request<'_> {
    /// Works out changes, if the object that the address names is still what the request takes it for. They are made with
    /// the records of [`Request::audit`] when the handler has answered, or by [`Request::commit`]; until then nobody sees
    /// them, and of a handler that fails none is made.
    pub(super) fn write<T>(
        &self,
        work_out: impl FnOnce(&Directory) -> Result<(Vec<Change>, T), GraphError>,
    ) -> Result<T, GraphError> {
        self.commit()?;
        let (writing, result) = self.tenant.state.begin(|directory| {
            if let (Some(wanted), Some(tag)) = (self.call.header("if-match"), self.tag(directory))
                && !is_among(wanted, &tag)
            {
                let message = "A precondition of the request, such as its If-Match header, does not match the state of the \
                               resource.";
                return Err(GraphError::new(412, "PreconditionFailed", message));
            }
            work_out(directory)
        })?;
        self.hold(writing);
        Ok(result)
    }

    /// The tag of the one object that is asked for; `None` where the address is of none that has a tag.
    pub(super) fn tag_asked_for(&self) -> Option<String> {
        let is_asked = self.call.method == "GET" && !self.is_count;
        if is_asked { self.tag(&self.tenant.state.read()) } else { None }
    }

    fn tag(&self, directory: &Directory) -> Option<String> {
        let segments = self.call.segments()?;
        let parts: Vec<&str> = segments.iter().skip(1).map(String::as_str).collect();
        let (object, hidden) = named(directory, &self.caller.id, &parts)?;
        let seen: Object = object
            .iter()
            .filter(|(name, _)| !hidden.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let hash = digest(&SHA256, serde_json::Value::Object(seen).to_string().as_bytes());
        let kept = hash.as_ref().get(..TAG_BYTES)?;
        Some(format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(kept)))
    }
}

/// The answer with its tag; nothing but the tag, where the client has that state already.
pub(super) fn tagged(request: &Request<'_>, (tag, reply): (String, Reply)) -> Reply {
    let is_known = request.call.header("if-none-match").is_some_and(|known| is_among(known, &tag));
    match reply.status {
        200 if is_known => Reply::empty(304).with("etag", tag),
        200 => reply.with("etag", tag),
        _ => reply,
    }
}

/// Whether a tag is in a list, or the list is a star.
fn is_among(list: &str, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    list.split(',').any(|one| one.trim() == "*" || opaque(one) == opaque(tag))
}

/// The object that an address below the version names, and what is no part of its state.
fn named<'d>(directory: &'d Directory, caller: &str, parts: &[&str]) -> Option<(&'d Object, &'static [&'static str])> {
    const ACCESS: &str = "conditionalAccess";
    let of = |resource, id, hidden| Some((directory.object(resource, id)?, hidden));
    match parts {
        ["me"] => of(Resource::Users, caller, users::HIDDEN),
        ["users", name] => Some((directory.user(name)?, users::HIDDEN)),
        ["groups", id] => of(Resource::Groups, id, groups::SHAPE.hidden),
        ["applications", id] => of(Resource::Applications, id, &["owners"]),
        ["servicePrincipals", id] => of(Resource::ServicePrincipals, id, &["appRoleAssignments", "owners"]),
        ["administrativeUnits", id] | ["directory", "administrativeUnits", id] => {
            of(Resource::AdministrativeUnits, id, &["members"])
        }
        ["identity", ACCESS, "policies", id] => of(Resource::ConditionalAccessPolicies, id, &[]),
        ["identity", ACCESS, "namedLocations", id] => of(Resource::NamedLocations, id, &[]),
        ["identity", ACCESS, "authenticationContextClassReferences", id] => {
            Some((directory.shelved(Shelf::AuthenticationContexts, id)?, &[]))
        }
        ["policies", "authenticationStrengthPolicies", id]
        | ["identity", ACCESS, "authenticationStrength", "policies", id] => {
            of(Resource::AuthenticationStrengthPolicies, id, &[])
        }
        ["policies", "identitySecurityDefaultsEnforcementPolicy"] => {
            Some((directory.single(Resource::IdentitySecurityDefaultsEnforcementPolicy)?, &[]))
        }
        ["policies", "authenticationMethodsPolicy"] => {
            Some((directory.single(Resource::AuthenticationMethodsPolicy)?, &[]))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::is_among;

    #[test]
    fn tags_are_compared_weakly_one_by_one() {
        for (list, is_in) in [
            ("W/\"a\"", true),
            ("\"a\"", true),
            ("\"b\", W/\"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
            ("", false),
        ] {
            assert_eq!(is_among(list, "W/\"a\""), is_in, "{list}");
        }
    }
}
