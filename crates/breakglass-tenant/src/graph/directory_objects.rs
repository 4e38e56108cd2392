//! `/directoryObjects`: objects by id, whatever they are.

use breakglass_model::snapshot::Resource;
use serde_json::{Value, json};

use super::Request;
use super::error::GraphError;
use crate::call::Reply;
use crate::state::{Directory, Object};

/// Ids that one request may name.
const ID_COUNT_MAX: usize = 1_000;
/// Kinds of objects, with what Graph calls them and what is never shown of them.
const KINDS: [(Resource, &str, &[&str]); 4] = [
    (Resource::Users, "#microsoft.graph.user", &["passwordProfile", "authenticationMethods", "password"]),
    (Resource::Groups, "#microsoft.graph.group", &["members", "owners"]),
    (Resource::ServicePrincipals, "#microsoft.graph.servicePrincipal", &["appRoleAssignments", "owners"]),
    (Resource::Devices, "#microsoft.graph.device", &[]),
];

/// What Graph calls the kind of an object; `None` if there is no such object.
pub(super) fn kind_of(directory: &Directory, id: &str) -> Option<&'static str> {
    KINDS.iter().find(|(resource, ..)| directory.object(*resource, id).is_some()).map(|(_, kind, _)| *kind)
}

/// The id of the object that the body of a reference names.
pub(super) fn reference_of(body: &Object) -> Result<String, GraphError> {
    let address = body.get("@odata.id").and_then(Value::as_str);
    let address = address.ok_or_else(|| GraphError::bad_request("A reference needs '@odata.id'."))?;
    Ok(address.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned())
}

/// An object with its kind, and without what is never shown.
pub(super) fn shown(directory: &Directory, id: &str) -> Option<Object> {
    let (kind, hidden, object) =
        KINDS.iter().find_map(|(resource, kind, hidden)| Some((kind, hidden, directory.object(*resource, id)?)))?;
    let mut shown = Object::new();
    shown.insert("@odata.type".to_owned(), json!(kind));
    let rest = object.iter().filter(|(name, _)| !hidden.contains(&name.as_str()));
    shown.extend(rest.map(|(name, value)| (name.clone(), value.clone())));
    Some(shown)
}

/// Answers a request below `/directoryObjects`.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    request.caller.needs(
        &[
            "Directory.Read.All",
            "Directory.ReadWrite.All",
            "User.Read.All",
            "Group.Read.All",
            "Group.ReadWrite.All",
            "GroupMember.Read.All",
            "User.ReadWrite.All",
        ],
        &[],
    )?;
    match (request.call.method.as_str(), rest) {
        ("POST", ["getByIds" | "microsoft.graph.getByIds"]) => by_ids(request),
        ("GET", [id]) => {
            let found = shown(&request.tenant.state.read(), id).ok_or_else(|| GraphError::not_found(id))?;
            Ok(request.entity(200, ("directoryObjects", found)))
        }
        (_, [id, rest @ ..]) => {
            kind_of(&request.tenant.state.read(), id).ok_or_else(|| GraphError::not_found(id))?;
            let memberships = super::membership::answer(request, id, rest);
            memberships.unwrap_or_else(|| match rest.first() {
                Some(segment) => Err(GraphError::no_segment(segment)),
                None => Err(GraphError::method()),
            })
        }
        _ => Err(GraphError::method()),
    }
}

fn by_ids(request: &Request<'_>) -> Result<Reply, GraphError> {
    let asked = ids(request, "ids")?;
    let types = request.object()?.get("types").and_then(Value::as_array).cloned().unwrap_or_default();
    let directory = request.tenant.state.read();
    let is_wanted = |object: &Object| {
        let kind = object.get("@odata.type").and_then(Value::as_str).unwrap_or_default();
        let is_named = |name: &Value| name.as_str().is_some_and(|name| kind.ends_with(&format!(".{name}")));
        types.is_empty() || types.iter().any(|name| name == "directoryObject" || is_named(name))
    };
    let found: Vec<Object> = asked.iter().filter_map(|id| shown(&directory, id)).filter(is_wanted).collect();
    Ok(Reply::json(200, json!({ "@odata.context": request.context("directoryObjects"), "value": found })))
}

fn ids(request: &Request<'_>, name: &str) -> Result<Vec<String>, GraphError> {
    let body = request.object()?;
    let list = body
        .get(name)
        .and_then(Value::as_array)
        .ok_or_else(|| GraphError::bad_request(format!("The parameter '{name}' is required.")))?;
    if list.len() > ID_COUNT_MAX {
        return Err(GraphError::bad_request(format!("The parameter '{name}' has more than {ID_COUNT_MAX} elements.")));
    }
    Ok(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}
