//! Owners of applications and service principals.
//!
//! **Source:** "application: list owners", "add owner": an owner may change what they own without any role.

use serde_json::{Value, json};

use super::Request;
use super::directory_objects::{kind_of, reference_of};
use super::error::GraphError;
use super::list::Shape;
use crate::call::Reply;
use crate::sign_in::member_id;
use crate::state::{Change, Object, text};

/// Owners that one object has at most.
const OWNER_COUNT_MAX: usize = 100;

/// Whether the caller owns an object.
pub(super) fn is_owner(request: &Request<'_>, shape: &Shape, id: &str) -> bool {
    let directory = request.tenant.state.read();
    directory
        .object(shape.resource, id)
        .is_some_and(|object| owners(object).any(|owner| owner.eq_ignore_ascii_case(&request.caller.id)))
}

fn owners(object: &Object) -> impl Iterator<Item = &str> {
    object.get("owners").and_then(Value::as_array).into_iter().flatten().filter_map(member_id)
}

/// One more owner.
pub(super) fn add(request: &Request<'_>, shape: &Shape, id: &str) -> Result<Reply, GraphError> {
    let owner = reference_of(&request.object()?)?;
    let object = request.write(|directory| -> Result<_, GraphError> {
        let mut object = directory.object(shape.resource, id).cloned().ok_or_else(|| GraphError::not_found(id))?;
        let kind = kind_of(directory, &owner).ok_or_else(|| GraphError::not_found(&owner))?;
        if !matches!(kind, "#microsoft.graph.user" | "#microsoft.graph.servicePrincipal") {
            return Err(GraphError::bad_request("An owner is a user or a service principal."));
        }
        if owners(&object).any(|known| known.eq_ignore_ascii_case(&owner)) {
            return Err(GraphError::bad_request(
                "One or more added object references already exist for the following modified properties: 'owners'.",
            ));
        }
        if owners(&object).count() >= OWNER_COUNT_MAX {
            return Err(GraphError::new(
                403,
                "Directory_QuotaExceeded",
                "The object has as many owners as there may be.",
            ));
        }
        let list = object.entry("owners").or_insert_with(|| json!([])).as_array_mut();
        list.ok_or_else(|| GraphError::bad_request("The owners are no list."))?
            .push(json!({ "@odata.type": kind, "id": owner }));
        Ok((vec![Change::Put(shape.resource, object.clone())], object))
    })?;
    audit(request, (shape, "Add owner to"), (&object, &owner))?;
    Ok(Reply::empty(204))
}

/// One owner less.
pub(super) fn remove(request: &Request<'_>, shape: &Shape, (id, owner): (&str, &str)) -> Result<Reply, GraphError> {
    let object = request.write(|directory| -> Result<_, GraphError> {
        let mut object = directory.object(shape.resource, id).cloned().ok_or_else(|| GraphError::not_found(id))?;
        if !owners(&object).any(|known| known.eq_ignore_ascii_case(owner)) {
            return Err(GraphError::not_found(owner));
        }
        if let Some(list) = object.get_mut("owners").and_then(Value::as_array_mut) {
            list.retain(|one| !member_id(one).is_some_and(|known| known.eq_ignore_ascii_case(owner)));
        }
        Ok((vec![Change::Put(shape.resource, object.clone())], object))
    })?;
    audit(request, (shape, "Remove owner from"), (&object, owner))?;
    Ok(Reply::empty(204))
}

fn audit(
    request: &Request<'_>,
    (shape, activity): (&Shape, &str),
    (object, owner): (&Object, &str),
) -> Result<(), GraphError> {
    let word = if shape.context == "applications" { "application" } else { "service principal" };
    let targets = json!([
        { "id": owner, "type": "User", "modifiedProperties": [] },
        { "id": text(object, "id"), "type": "Application", "displayName": text(object, "displayName"),
          "modifiedProperties": [] },
    ]);
    request.audit(&format!("{activity} {word}"), "ApplicationManagement", targets)
}
