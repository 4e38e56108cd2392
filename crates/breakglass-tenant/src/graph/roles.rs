//! `/roleManagement/directory`: definitions and assignments of roles.

use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::PRIVILEGED_ROLE_ADMINISTRATOR;
use serde_json::{Value, json};

use super::Request;
use super::directory_objects::kind_of;
use super::error::GraphError;
use super::list::{Shape, listed, shown};
use crate::call::Reply;
use crate::random;
use crate::state::{Change, Object, text};

const READ: &[&str] = &[
    "RoleManagement.Read.Directory",
    "RoleManagement.ReadWrite.Directory",
    "RoleManagement.Read.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

const fn shape(resource: Resource, context: &'static str) -> Shape {
    Shape { resource, context, default_properties: &[], hidden: &[], count_default: 500, count_max: 999 }
}

/// What there is, by name.
const LISTS: &[(&str, Shape)] = &[
    ("roleDefinitions", shape(Resource::RoleDefinitions, "roleManagement/directory/roleDefinitions")),
    ("roleAssignments", shape(Resource::RoleAssignments, "roleManagement/directory/roleAssignments")),
    (
        "roleAssignmentScheduleInstances",
        shape(Resource::RoleAssignmentScheduleInstances, "roleManagement/directory/roleAssignmentScheduleInstances"),
    ),
    (
        "roleEligibilityScheduleInstances",
        shape(Resource::RoleEligibilityScheduleInstances, "roleManagement/directory/roleEligibilityScheduleInstances"),
    ),
];

/// Answers a request below `/roleManagement`.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    let ["directory", name, rest @ ..] = rest else {
        return Err(GraphError::no_segment(rest.last().unwrap_or(&"")));
    };
    let list = LISTS.iter().find(|(known, _)| known == name).map(|(_, shape)| shape);
    let shape = list.ok_or_else(|| GraphError::no_segment(name))?;
    match (request.call.method.as_str(), rest) {
        ("GET", []) => {
            request.caller.needs(READ, &[])?;
            listed(request, shape)
        }
        ("GET", [id]) => {
            request.caller.needs(READ, &[])?;
            shown(request, shape, id)
        }
        ("POST", []) if shape.resource == Resource::RoleAssignments => assign(request, shape),
        ("DELETE", [id]) if shape.resource == Resource::RoleAssignments => unassign(request, shape, id),
        (_, [_, segment, ..]) => Err(GraphError::no_segment(segment)),
        _ => Err(GraphError::method()),
    }
}

fn assign(request: &Request<'_>, shape: &Shape) -> Result<Reply, GraphError> {
    request.caller.needs(&["RoleManagement.ReadWrite.Directory"], &[PRIVILEGED_ROLE_ADMINISTRATOR])?;
    let body = request.object()?;
    let required = |name: &str| {
        let found = text(&body, name).filter(|text| !text.is_empty()).map(str::to_owned);
        found.ok_or_else(|| GraphError::bad_request(format!("A value is required for property '{name}'.")))
    };
    let (principal, role) = (required("principalId")?, required("roleDefinitionId")?);
    let scope = text(&body, "directoryScopeId").unwrap_or("/").to_owned();
    let assignment = json!({
        "id": random::uuid()?, "principalId": principal, "roleDefinitionId": role, "directoryScopeId": scope,
    });
    let assignment = assignment.as_object().cloned().unwrap_or_default();
    let (assignment, name) = request.tenant.state.write(|directory| -> Result<_, GraphError> {
        let kind = kind_of(directory, &principal).ok_or_else(|| GraphError::not_found(&principal))?;
        let definition =
            directory.object(Resource::RoleDefinitions, &role).ok_or_else(|| GraphError::not_found(&role))?;
        let group = directory.object(Resource::Groups, &principal);
        let is_assignable = |group: &Object| group.get("isAssignableToRole").and_then(Value::as_bool) == Some(true);
        if kind == "#microsoft.graph.group" && !group.is_some_and(is_assignable) {
            return Err(GraphError::bad_request(
                "The group cannot be assigned to a role: 'isAssignableToRole' is not true.",
            ));
        }
        let is_same = |one: &Object| {
            text(one, "principalId").is_some_and(|id| id.eq_ignore_ascii_case(&principal))
                && text(one, "roleDefinitionId").is_some_and(|id| id.eq_ignore_ascii_case(&role))
                && text(one, "directoryScopeId") == Some(&scope)
        };
        if directory.all(Resource::RoleAssignments).any(is_same) {
            let message =
                "A conflicting object with one or more of the specified property values is present in the directory.";
            return Err(GraphError::bad_request(message));
        }
        let name = text(definition, "displayName").unwrap_or_default().to_owned();
        Ok((vec![Change::Put(Resource::RoleAssignments, assignment.clone())], (assignment, name)))
    })?;
    request.audit("Add member to role", "RoleManagement", target(&principal, &name))?;
    Ok(request.entity(201, (shape.context, assignment)))
}

fn unassign(request: &Request<'_>, shape: &Shape, id: &str) -> Result<Reply, GraphError> {
    request.caller.needs(&["RoleManagement.ReadWrite.Directory"], &[PRIVILEGED_ROLE_ADMINISTRATOR])?;
    let assignment = request.tenant.state.write(|directory| -> Result<_, GraphError> {
        let assignment = directory.object(shape.resource, id).cloned().ok_or_else(|| GraphError::not_found(id))?;
        Ok((vec![Change::Remove(shape.resource, id.to_owned())], assignment))
    })?;
    let text = |name: &str| text(&assignment, name).unwrap_or_default().to_owned();
    request.audit(
        "Remove member from role",
        "RoleManagement",
        target(&text("principalId"), &text("roleDefinitionId")),
    )?;
    Ok(Reply::empty(204))
}

fn target(principal: &str, role: &str) -> Value {
    json!([
        { "id": principal, "type": "User", "modifiedProperties": [
            { "displayName": "Role.DisplayName", "oldValue": Value::Null, "newValue": role },
        ] },
    ])
}
