//! `/identity/conditionalAccess/authenticationContextClassReferences`: what applications may ask of a sign-in beyond the
//! policies that are about them.
//!
//! **Source:** "authenticationContextClassReference resource type" (`c1` to `c99`), "Update
//! authenticationContextClassReference" (which also creates), "Delete authenticationContextClassReference" (not what is
//! published, nor what a policy is about).

use breakglass_model::snapshot::Resource;
use serde_json::{Value, json};

use super::Request;
use super::conditional_access::{READERS, WRITERS};
use super::error::GraphError;
use super::list::{expanded, page_of};
use super::modified::modified;
use super::schedules::object;
use crate::call::Reply;
use crate::ids::is_authentication_context;
use crate::state::{Change, Directory, Object, Shelf, text};

const CONTEXT: &str = "identity/conditionalAccess/authenticationContextClassReferences";
const READ: &[&str] = &[
    "AuthenticationContext.Read.All",
    "AuthenticationContext.ReadWrite.All",
    "Policy.Read.ConditionalAccess",
    "Policy.Read.All",
    "Policy.ReadWrite.ConditionalAccess",
];
const WRITE: &[&str] = &["AuthenticationContext.ReadWrite.All", "Policy.ReadWrite.ConditionalAccess"];
/// Characters of a name or a description.
const TEXT_CHARS_MAX: usize = 1_024;

/// Answers a request below `/identity/conditionalAccess/authenticationContextClassReferences`.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    match request.call.method.as_str() {
        "GET" => request.caller.needs(READ, &READERS)?,
        _ => request.caller.needs(WRITE, &WRITERS)?,
    }
    let shelf = Shelf::AuthenticationContexts;
    match (request.call.method.as_str(), rest) {
        ("GET", []) => {
            let directory = request.tenant.state.read();
            let all: Vec<Object> = directory.all_shelved(shelf).map(|(_, one)| one.clone()).collect();
            drop(directory);
            page_of(request, (CONTEXT, 100), all)
        }
        ("GET", [id]) => {
            let found = request.tenant.state.read().shelved(shelf, id).cloned().ok_or_else(|| not_found(id))?;
            Ok(request.entity(200, (CONTEXT, expanded(request, (CONTEXT, &[]), &found)?)))
        }
        ("POST", []) => {
            let mut body = request.object()?;
            let id = body.remove("id").and_then(|id| id.as_str().map(str::to_owned));
            let id = id.ok_or_else(|| invalid("A value is required for property 'id'."))?;
            Ok(request.entity(201, (CONTEXT, write(request, (&id, body), true)?)))
        }
        ("PATCH", [id]) => {
            write(request, (id, request.object()?), false)?;
            Ok(Reply::empty(204))
        }
        ("DELETE", [id]) => delete(request, id),
        (_, [_, segment, ..]) => Err(GraphError::no_segment(segment)),
        _ => Err(GraphError::method()),
    }
}

fn write(request: &Request<'_>, (id, body): (&str, Object), is_new: bool) -> Result<Object, GraphError> {
    if !is_authentication_context(id) {
        return Err(invalid("The id of an authentication context is one of 'c1' to 'c99'."));
    }
    for (name, value) in &body {
        let is_good = match name.as_str() {
            "displayName" | "description" => {
                value.is_null() || value.as_str().is_some_and(|text| text.chars().count() <= TEXT_CHARS_MAX)
            }
            "isAvailable" => value.is_boolean(),
            "id" => value.as_str() == Some(id),
            name => name.starts_with('@'),
        };
        if !is_good {
            let name: String = name.chars().take(100).collect();
            return Err(invalid(&format!("Invalid value specified for property '{name}'.")));
        }
    }
    let (made, known) = request.write(|directory| -> Result<_, GraphError> {
        let known = directory.shelved(Shelf::AuthenticationContexts, id).cloned();
        if is_new && known.is_some() {
            return Err(invalid(&format!("There is an authentication context '{id}' already.")));
        }
        let mut made = known.clone().unwrap_or_else(|| {
            object(json!({ "id": id, "displayName": Value::Null, "description": Value::Null, "isAvailable": false }))
        });
        made.extend(body.into_iter().filter(|(name, _)| !name.starts_with('@')));
        Ok((vec![Change::shelve(Shelf::AuthenticationContexts, made.clone())], (made, known)))
    })?;
    let activity = if known.is_some() { "Update" } else { "Add" };
    let differences = known.map(|known| modified(&known, &made, &[])).unwrap_or_default();
    audit(request, activity, (&made, differences))?;
    Ok(made)
}

fn delete(request: &Request<'_>, id: &str) -> Result<Reply, GraphError> {
    let gone = request.write(|directory| -> Result<_, GraphError> {
        let known = directory.shelved(Shelf::AuthenticationContexts, id).ok_or_else(|| not_found(id))?;
        if known.get("isAvailable").and_then(Value::as_bool) == Some(true) {
            return Err(invalid("An authentication context that is published to applications cannot be deleted."));
        }
        if is_named(directory, id) {
            return Err(invalid("The authentication context is used by a policy, and cannot be deleted."));
        }
        Ok((vec![Change::Unshelve(Shelf::AuthenticationContexts, id.to_owned())], known.clone()))
    })?;
    audit(request, "Delete", (&gone, Vec::new()))?;
    Ok(Reply::empty(204))
}

/// Whether a policy is about a context.
fn is_named(directory: &Directory, id: &str) -> bool {
    let names = |policy: &Object| {
        let applications = policy.get("conditions").and_then(|conditions| conditions.get("applications"));
        let listed = applications.and_then(|of| of.get("includeAuthenticationContextClassReferences")?.as_array());
        listed.into_iter().flatten().any(|one| one.as_str() == Some(id))
    };
    directory.all(Resource::ConditionalAccessPolicies).any(names)
}

fn audit(request: &Request<'_>, verb: &str, (of, modified): (&Object, Vec<Value>)) -> Result<(), GraphError> {
    let target = json!([{ "id": text(of, "id"), "type": "Other", "displayName": text(of, "displayName"),
        "modifiedProperties": modified }]);
    request.audit(&format!("{verb} AuthenticationContextClassReference"), "Policy", target)
}

fn not_found(id: &str) -> GraphError {
    GraphError { code: "NotFound", ..GraphError::not_found(id) }
}

fn invalid(message: &str) -> GraphError {
    GraphError::new(400, "BadRequest", message)
}
