//! `/directoryRoles` and `/directoryRoleTemplates`: roles in the old interface, which has those alone that were
//! activated. A role's id is that of its template here; in Entra each tenant has its own.

use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::PRIVILEGED_ROLE_ADMINISTRATOR;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Request;
use super::directory_objects::{reference_of, shown};
use super::error::GraphError;
use super::list::{expanded, page_of, related_of};
use super::relations::{self, Form};
use super::roles::{check_principal, leaves_an_administrator, target};
use super::schedules::{assignments, is_same, object};
use crate::call::Reply;
use crate::random;
use crate::state::{Change, Directory, Object, Shelf, text};

const READ: &[&str] = &[
    "RoleManagement.Read.Directory",
    "RoleManagement.ReadWrite.Directory",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const WRITE: &[&str] = &["RoleManagement.ReadWrite.Directory"];

/// Answers a request below `/directoryRoleTemplates`.
pub(super) fn templates(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    request.caller.needs(READ, &[])?;
    let directory = request.tenant.state.read();
    let all: Vec<Object> =
        directory.all(Resource::RoleDefinitions).filter(|role| is_built_in(role)).map(template).collect();
    drop(directory);
    match (request.call.method.as_str(), rest) {
        ("GET", []) => page_of(request, ("directoryRoleTemplates", 999), all),
        ("GET", [id]) => {
            let found = all.into_iter().find(|one| text(one, "id").is_some_and(|known| known.eq_ignore_ascii_case(id)));
            Ok(request.entity(200, ("directoryRoleTemplates", found.ok_or_else(|| GraphError::not_found(id))?)))
        }
        _ => Err(GraphError::method()),
    }
}

/// Answers a request below `/directoryRoles`.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    match (request.call.method.as_str(), rest) {
        ("GET", []) => {
            request.caller.needs(READ, &[])?;
            let all = activated(&request.tenant.state.read(), request);
            related_of(request, ("directoryRoles", 999, &["members"]), with_members(request, all))
        }
        ("POST", []) => activate(request),
        ("GET", [id]) => {
            request.caller.needs(READ, &[])?;
            let role = with_members(request, vec![role(request, id)?]).pop().unwrap_or_default();
            Ok(request.entity(200, ("directoryRoles", expanded(request, ("directoryRoles", &["members"]), &role)?)))
        }
        ("GET", [id, "members", form @ ..]) if Form::of(form).is_some() => {
            request.caller.needs(READ, &[])?;
            let role = role(request, id)?;
            let members = members_of(&request.tenant.state.read(), (&role, request.tenant.clock.now()));
            relations::page(request, Form::of(form).unwrap_or(Form::Objects), members)
        }
        ("POST", [id, "members", "$ref"]) => add(request, id),
        ("DELETE", [id, "members", member, "$ref"]) => remove(request, id, member),
        (_, [_, segment, ..]) => Err(GraphError::no_segment(segment)),
        _ => Err(GraphError::method()),
    }
}

/// Whoever holds a role for the whole tenant.
fn members_of(directory: &Directory, (role, now): (&Object, Timestamp)) -> Vec<Object> {
    let held = assignments(directory, now);
    let is_of =
        |one: &&Object| text(one, "roleDefinitionId") == text(role, "id") && text(one, "directoryScopeId") == Some("/");
    let members = held.iter().filter(is_of).filter_map(|one| text(one, "principalId"));
    members.filter_map(|id| shown(directory, id)).collect()
}

/// Roles with whoever holds them, where they are to be expanded.
fn with_members(request: &Request<'_>, mut roles: Vec<Object>) -> Vec<Object> {
    if request.call.query.to_ascii_lowercase().contains("expand") {
        let (directory, now) = (request.tenant.state.read(), request.tenant.clock.now());
        for role in &mut roles {
            let members = members_of(&directory, (role, now)).into_iter().map(Value::Object).collect();
            role.insert("members".to_owned(), members);
        }
    }
    roles
}

fn is_built_in(role: &Object) -> bool {
    role.get("isBuiltIn").and_then(Value::as_bool) != Some(false)
}

fn template(role: &Object) -> Object {
    object(json!({
        "id": text(role, "templateId").or_else(|| text(role, "id")), "deletedDateTime": Value::Null,
        "displayName": text(role, "displayName"), "description": text(role, "description"),
    }))
}

/// The roles that somebody holds, or that were activated.
fn activated(directory: &Directory, request: &Request<'_>) -> Vec<Object> {
    let held = assignments(directory, request.tenant.clock.now());
    let is_held = |id: &str| {
        held.iter().any(|one| text(one, "roleDefinitionId").is_some_and(|role| role.eq_ignore_ascii_case(id)))
    };
    let is_active = |role: &&Object| {
        let id = text(role, "id").unwrap_or_default();
        is_built_in(role) && (is_held(id) || directory.shelved(Shelf::DirectoryRoles, id).is_some())
    };
    directory.all(Resource::RoleDefinitions).filter(is_active).map(as_role).collect()
}

/// A role as the old interface has it.
pub(super) fn as_role(role: &Object) -> Object {
    let mut shown = template(role);
    shown.insert("id".to_owned(), json!(text(role, "id")));
    shown.insert("roleTemplateId".to_owned(), json!(text(role, "templateId").or_else(|| text(role, "id"))));
    shown
}

/// An activated role, by its id or as `roleTemplateId=…`.
fn role(request: &Request<'_>, id: &str) -> Result<Object, GraphError> {
    let by_template = id.strip_prefix("roleTemplateId=").map(|id| id.trim_matches('\''));
    let (name, wanted) = by_template.map_or(("id", id), |id| ("roleTemplateId", id));
    let all = activated(&request.tenant.state.read(), request).into_iter();
    let mut found = all.filter(|role| text(role, name).is_some_and(|known| known.eq_ignore_ascii_case(wanted)));
    found.next().ok_or_else(|| GraphError::not_found(id))
}

fn activate(request: &Request<'_>) -> Result<Reply, GraphError> {
    request.caller.needs(WRITE, &[PRIVILEGED_ROLE_ADMINISTRATOR])?;
    let body = request.object()?;
    let wanted = text(&body, "roleTemplateId").map(str::to_owned);
    let wanted = wanted.ok_or_else(|| GraphError::bad_request("A value is required for property 'roleTemplateId'."))?;
    let made = request.write(|directory| -> Result<_, GraphError> {
        let definition = directory.all(Resource::RoleDefinitions).filter(|role| is_built_in(role));
        let mut definition = definition.filter(|role| {
            text(role, "templateId").or_else(|| text(role, "id")).is_some_and(|id| id.eq_ignore_ascii_case(&wanted))
        });
        let role = definition.next().map(as_role).ok_or_else(|| GraphError::not_found(&wanted))?;
        if activated(directory, request).iter().any(|known| known == &role) {
            return Err(GraphError::bad_request(
                "A conflicting object with one or more of the specified property values is present in the directory.",
            ));
        }
        Ok((vec![Change::shelve(Shelf::DirectoryRoles, role.clone())], role))
    })?;
    let name = text(&made, "displayName");
    let activated = json!([{ "id": text(&made, "id"), "type": "Role", "displayName": name, "modifiedProperties": [] }]);
    request.audit("Add role from template", "RoleManagement", activated)?;
    Ok(request.entity(201, ("directoryRoles", made)))
}

fn add(request: &Request<'_>, id: &str) -> Result<Reply, GraphError> {
    request.caller.needs(WRITE, &[PRIVILEGED_ROLE_ADMINISTRATOR])?;
    let role = role(request, id)?;
    let (role_id, name) = (text(&role, "id").unwrap_or_default(), text(&role, "displayName").unwrap_or_default());
    let member = reference_of(&request.object()?)?;
    let made = object(json!({
        "id": random::uuid()?, "principalId": member, "roleDefinitionId": role_id, "directoryScopeId": "/",
        "appScopeId": Value::Null,
    }));
    let now = request.tenant.clock.now();
    request.write(|directory| -> Result<_, GraphError> {
        check_principal(directory, (&member, role_id, "/"))?;
        if assignments(directory, now).iter().any(|one| is_same(one, (&member, role_id, "/"))) {
            return Err(GraphError::bad_request(
                "One or more added object references already exist for the following modified properties: 'members'.",
            ));
        }
        Ok((vec![Change::Put(Resource::RoleAssignments, made)], ()))
    })?;
    request.audit("Add member to role", "RoleManagement", target(&member, name, true))?;
    Ok(Reply::empty(204))
}

fn remove(request: &Request<'_>, id: &str, member: &str) -> Result<Reply, GraphError> {
    request.caller.needs(WRITE, &[PRIVILEGED_ROLE_ADMINISTRATOR])?;
    let role = role(request, id)?;
    let (role_id, name) = (text(&role, "id").unwrap_or_default(), text(&role, "displayName").unwrap_or_default());
    request.write(|directory| -> Result<_, GraphError> {
        let lists = [Resource::RoleAssignments, Resource::RoleAssignmentScheduleInstances];
        let held = lists.iter().flat_map(|list| directory.all(*list).map(move |one| (*list, one)));
        let held = held.filter(|(_, one)| is_same(one, (member, role_id, "/")));
        let changes: Vec<Change> =
            held.map(|(list, one)| Change::Remove(list, text(one, "id").unwrap_or_default().to_owned())).collect();
        if changes.is_empty() {
            return Err(GraphError::not_found(member));
        }
        leaves_an_administrator(directory, &changes)?;
        Ok((changes, ()))
    })?;
    request.audit("Remove member from role", "RoleManagement", target(member, name, false))?;
    Ok(Reply::empty(204))
}
