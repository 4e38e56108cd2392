//! Whether a seed can be a tenant: what of it contradicts itself, or is of another type than what is done with it.
//!
//! What the product's other commands read, the tenant takes as well: members that it does not know, inside objects and
//! beside the lists, objects that are there twice with the same content, and lists that are missing.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use breakglass_model::snapshot::Resource;
use serde_json::Value;

use super::{SeedError, objects};
use crate::odata::is_guid;
use crate::state::{Object, text};

/// Members of a snapshot beside its lists.
const BESIDE: [&str; 5] = ["format", "missing", "source", "takenAt", "tenantId"];
/// Characters that an error repeats of a seed.
const EXCERPT_CHARS_MAX: usize = 100;

/// Refuses a seed that no tenant can be made of.
pub(super) fn check(document: &Object) -> Result<(), SeedError> {
    check_names(document)?;
    match document.get("tenantId") {
        None | Some(Value::Null) => {}
        Some(Value::String(id)) if is_guid(id) => {}
        Some(_) => return Err(wrong("tenantId", "is no GUID, which tokens have it as")),
    }
    for resource in Resource::ALL {
        let listed = objects(document, *resource)?;
        check_ids(*resource, &listed)?;
        if *resource == Resource::Users {
            check_sign_in_names(&listed)?;
        }
        for (at, object) in listed.iter().enumerate() {
            check_object((*resource, object), &place(*resource, at))?;
        }
    }
    Ok(())
}

fn wrong(at: &str, what: impl Into<String>) -> SeedError {
    SeedError::Unusable { at: at.to_owned(), what: what.into() }
}

fn place(resource: Resource, at: usize) -> String {
    if resource.is_singleton() { resource.name().to_owned() } else { format!("{}[{at}]", resource.name()) }
}

fn excerpt(text: &str) -> String {
    text.chars().take(EXCERPT_CHARS_MAX).collect()
}

/// A list of another name than those that there are would be left out without a word.
fn check_names(document: &Object) -> Result<(), SeedError> {
    let is_known = |name: &str| BESIDE.contains(&name) || Resource::from_name(name).is_some();
    let holds_objects = |value: &Value| value.is_array() || value.is_object();
    match document.iter().find(|(name, value)| !is_known(name) && holds_objects(value)) {
        Some((name, _)) => Err(wrong(&excerpt(name), "is the name of no list that a snapshot has")),
        None => Ok(()),
    }
}

/// Ids are texts, users have one, and one id is one object.
fn check_ids(resource: Resource, listed: &[Object]) -> Result<(), SeedError> {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for (at, object) in listed.iter().enumerate() {
        let id = match object.get("id") {
            Some(Value::String(id)) if !id.is_empty() => id,
            None | Some(Value::Null) if resource != Resource::Users => continue,
            None | Some(Value::Null) => return Err(wrong(&place(resource, at), "has no `id`")),
            Some(_) => return Err(wrong(&format!("{}.id", place(resource, at)), "is no text, or an empty one")),
        };
        match known.entry(id.to_ascii_lowercase()) {
            Entry::Vacant(free) => drop(free.insert(at)),
            Entry::Occupied(first) if listed.get(*first.get()) == Some(object) => {}
            Entry::Occupied(first) => {
                let what = format!("is `{}`, as is that of `{}`", excerpt(id), place(resource, *first.get()));
                return Err(wrong(&format!("{}.id", place(resource, at)), what));
            }
        }
    }
    Ok(())
}

/// A sign-in name is one user's.
fn check_sign_in_names(users: &[Object]) -> Result<(), SeedError> {
    let id = |user: &Object| text(user, "id").map(str::to_ascii_lowercase);
    let mut known: BTreeMap<String, (usize, Option<String>)> = BTreeMap::new();
    for (at, user) in users.iter().enumerate() {
        let Some(name) = text(user, "userPrincipalName") else { continue };
        let (first, whose) = known.entry(name.to_lowercase()).or_insert_with(|| (at, id(user)));
        if *whose != id(user) {
            let place = |at| place(Resource::Users, at);
            let what = format!("is `{}`, as is that of `{}`", excerpt(name), place(*first));
            return Err(wrong(&format!("{}.userPrincipalName", place(at)), what));
        }
    }
    Ok(())
}

/// What decides about a sign-in, and secrets, are of the type that they are read as.
fn check_object((resource, object): (Resource, &Object), at: &str) -> Result<(), SeedError> {
    match resource {
        Resource::Users => {
            is_so(object, (at, "userPrincipalName"), ("text", Value::is_string))?;
            is_so(object, (at, "accountEnabled"), ("true or false", Value::is_boolean))?;
            is_so(object, (at, "passwordProfile"), ("object", Value::is_object))?;
            if let Some(profile) = object.get("passwordProfile").and_then(Value::as_object) {
                let at = format!("{at}.passwordProfile");
                is_so(profile, (&at, "password"), ("text", Value::is_string))?;
                for flag in ["forceChangePasswordNextSignIn", "forceChangePasswordNextSignInWithMfa"] {
                    is_so(profile, (&at, flag), ("true or false", Value::is_boolean))?;
                }
            }
            check_listed(object, (at, "authenticationMethods"), &["@odata.type", "secretKey", "temporaryAccessPass"])
        }
        Resource::ServicePrincipals | Resource::Devices => {
            is_so(object, (at, "accountEnabled"), ("true or false", Value::is_boolean))
        }
        Resource::Applications => check_listed(object, (at, "passwordCredentials"), &["keyId", "secretText"]),
        Resource::PerUserMfaStates => is_so(object, (at, "perUserMfaState"), ("text", Value::is_string)),
        _ => Ok(()),
    }
}

/// A list of objects, of which some members are texts.
fn check_listed(object: &Object, (at, name): (&str, &str), texts: &[&str]) -> Result<(), SeedError> {
    is_so(object, (at, name), ("list", Value::is_array))?;
    for (index, one) in object.get(name).and_then(Value::as_array).into_iter().flatten().enumerate() {
        let at = format!("{at}.{name}[{index}]");
        let Some(one) = one.as_object() else { return Err(wrong(&at, "is no object")) };
        for text in texts {
            is_so(one, (&at, text), ("text", Value::is_string))?;
        }
    }
    Ok(())
}

/// Refuses a member that is there and is not what it has to be. Its value is not repeated: it may be a secret.
fn is_so(object: &Object, (at, name): (&str, &str), (what, is): (&str, fn(&Value) -> bool)) -> Result<(), SeedError> {
    match object.get(name).filter(|value| !value.is_null() && !is(value)) {
        Some(_) => Err(wrong(&format!("{at}.{name}"), format!("is no {what}"))),
        None => Ok(()),
    }
}
