//! What applications were granted: `appRoleAssignments` and `appRoleAssignedTo` of an object, and
//! `/oauth2PermissionGrants`.
//!
//! **Source:** "Grant an appRoleAssignment" to a user, a group, a service principal, and for a service principal; "Create
//! oAuth2PermissionGrant": permissions, roles, what is required. Application permissions of Microsoft Graph are granted by
//! whoever may assign roles, as they are as strong; the activities as detection rules and the audit reference name them.

use breakglass_engine::access::surfaces::MICROSOFT_GRAPH;
use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::PRIVILEGED_ROLE_ADMINISTRATOR;
use serde_json::{Value, json};

use super::Request;
use super::error::GraphError;
use super::list::{expanded, page_of};
use super::schedules::object;
use crate::call::Reply;
use crate::clock::written;
use crate::grants::{Assignment, DEFAULT_ACCESS, assignment, assignment_id, assignments, assignments_of};
use crate::ids::roles::{APPLICATION_ADMINISTRATOR, CLOUD_APPLICATION_ADMINISTRATOR, USER_ADMINISTRATOR};
use crate::random;
use crate::state::{Change, Directory, Object, text};

const READ: &[&str] =
    &["Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const ASSIGN: &str = "AppRoleAssignment.ReadWrite.All";
const READ_GRANTS: &[&str] = &[
    "DelegatedPermissionGrant.Read.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const WRITE_GRANTS: &[&str] = &["DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"];
const GRANTERS: &[&str] = &[APPLICATION_ADMINISTRATOR, CLOUD_APPLICATION_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR];
const ASSIGNERS: &[&str] =
    &[APPLICATION_ADMINISTRATOR, CLOUD_APPLICATION_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR, USER_ADMINISTRATOR];
/// Assignments of app roles that one principal has at most.
const ASSIGNMENT_COUNT_MAX: usize = 1_500;
/// Characters of the scopes of one grant.
const SCOPE_CHARACTERS_MAX: usize = 3_850;
const ASSIGNMENTS: &str = "appRoleAssignments";
const GRANTS: &str = "oauth2PermissionGrants";
const PAGE_COUNT: usize = 100;

/// Answers what is asked about the grants of an object; `None` if something else is asked.
pub(super) fn of_object(request: &Request<'_>, id: &str, rest: &[&str]) -> Option<Result<Reply, GraphError>> {
    match rest {
        [GRANTS, rest @ ..] => Some(grants_of(request, id, rest)),
        [name @ ("appRoleAssignments" | "appRoleAssignedTo"), rest @ ..] => {
            let side = if *name == ASSIGNMENTS { "principalId" } else { "resourceId" };
            Some(assigned(request, (side, id), rest))
        }
        _ => None,
    }
}

fn assigned(request: &Request<'_>, (side, id): (&str, &str), rest: &[&str]) -> Result<Reply, GraphError> {
    let all = |directory: &Directory| {
        let all = if side == "principalId" { assignments_of(directory, id) } else { assignments(directory) };
        all.into_iter().filter(|one| one.is(side, id)).collect::<Vec<_>>()
    };
    let found = |directory: &Directory, wanted: &str| {
        all(directory).into_iter().find(|one| text(&one.object, "id") == Some(wanted))
    };
    match (request.call.method.as_str(), rest) {
        ("GET", []) => {
            request.caller.needs(&[READ, &[ASSIGN]].concat(), &[])?;
            let all = all(&request.tenant.state.read());
            page_of(request, (ASSIGNMENTS, PAGE_COUNT), all.into_iter().map(|one| shown(request, one.object)).collect())
        }
        ("GET", [wanted]) => {
            request.caller.needs(&[READ, &[ASSIGN]].concat(), &[])?;
            let one = found(&request.tenant.state.read(), wanted).ok_or_else(|| GraphError::not_found(wanted))?;
            let one = expanded(request, (ASSIGNMENTS, &[]), &shown(request, one.object))?;
            Ok(request.entity(200, (ASSIGNMENTS, one)))
        }
        ("POST", []) => assign(request, (side, id)),
        ("DELETE", [wanted]) => {
            let one = found(&request.tenant.state.read(), wanted).ok_or_else(|| GraphError::not_found(wanted))?;
            may_assign(request, &one)?;
            request.write(|directory| -> Result<_, GraphError> {
                let one = found(directory, wanted).ok_or_else(|| GraphError::not_found(wanted))?;
                Ok((vec![removed(directory, &one)], ()))
            })?;
            audit_assignment(request, &one, false)?;
            Ok(Reply::empty(204))
        }
        _ => Err(GraphError::method()),
    }
}

/// An assignment as its version has it.
fn shown(request: &Request<'_>, mut one: Object) -> Object {
    if request.version == "beta"
        && let Some(at) = one.remove("createdDateTime")
    {
        one.insert("creationTimestamp".to_owned(), at);
    }
    one
}

/// Who grants needs to read applications besides.
fn may_assign(request: &Request<'_>, one: &Assignment) -> Result<(), GraphError> {
    let is_of_graph = one.resource_app.as_deref() == Some(MICROSOFT_GRAPH);
    let is_to_application = text(&one.object, "principalType") == Some("ServicePrincipal");
    let roles: &[&str] = if is_of_graph && is_to_application { &[PRIVILEGED_ROLE_ADMINISTRATOR] } else { ASSIGNERS };
    request.caller.needs(&[ASSIGN], roles)?;
    request.caller.needs(READ, &[])
}

fn assign(request: &Request<'_>, (side, id): (&str, &str)) -> Result<Reply, GraphError> {
    request.caller.needs(&[ASSIGN], ASSIGNERS)?;
    let body = request.object()?;
    let given = |name: &str| {
        let found = text(&body, name).filter(|text| !text.is_empty());
        found.ok_or_else(|| GraphError::bad_request(format!("A value is required for property '{name}'.")))
    };
    let (principal, resource, role) = (given("principalId")?, given("resourceId")?, given("appRoleId")?);
    if !given(side)?.eq_ignore_ascii_case(id) {
        return Err(GraphError::bad_request(format!("The property '{side}' names another object than the address.")));
    }
    let kept = object(json!({
        "id": assignment_id((principal, resource, role)), "principalId": principal, "resourceId": resource,
        "appRoleId": role, "createdDateTime": written(request.tenant.clock.now()),
    }));
    let made = request.write(|directory| -> Result<_, GraphError> {
        check_assignment(directory, (principal, resource, role))?;
        let made = assignment(directory, (&kept, None), None);
        may_assign(request, &made)?;
        Ok((vec![Change::Put(Resource::AppRoleAssignments, kept)], made))
    })?;
    audit_assignment(request, &made, true)?;
    Ok(request.entity(201, (ASSIGNMENTS, shown(request, made.object))))
}

/// Refuses an assignment of a role that there is not, to whom there is not, or that there is already.
fn check_assignment(directory: &Directory, (principal, resource, role): (&str, &str, &str)) -> Result<(), GraphError> {
    let kinds = [Resource::Users, Resource::Groups, Resource::ServicePrincipals];
    kinds
        .iter()
        .find(|kind| directory.object(**kind, principal).is_some())
        .ok_or_else(|| GraphError::not_found(principal))?;
    let of = directory.object(Resource::ServicePrincipals, resource).ok_or_else(|| GraphError::not_found(resource))?;
    let roles = of.get("appRoles").and_then(Value::as_array);
    let mut roles = roles.into_iter().flatten().filter_map(|role| role.get("id")?.as_str());
    if role != DEFAULT_ACCESS && !roles.any(|known| known.eq_ignore_ascii_case(role)) {
        return Err(GraphError::bad_request("Permission being assigned was not found on application."));
    }
    let known = assignments_of(directory, principal);
    if known.iter().any(|one| one.is("resourceId", resource) && one.is("appRoleId", role)) {
        return Err(GraphError::bad_request("Permission being assigned already exists on the object."));
    }
    if known.len() >= ASSIGNMENT_COUNT_MAX {
        let message = "The object has as many app role assignments as there may be.";
        return Err(GraphError::new(403, "Directory_QuotaExceeded", message));
    }
    Ok(())
}

/// The change that takes an assignment away.
fn removed(directory: &Directory, one: &Assignment) -> Change {
    let principal = text(&one.object, "principalId").unwrap_or_default();
    let owner = one.nested.and_then(|at| Some((at, directory.object(Resource::ServicePrincipals, principal)?.clone())));
    let Some((at, mut owner)) = owner else {
        return Change::Remove(Resource::AppRoleAssignments, text(&one.object, "id").unwrap_or_default().to_owned());
    };
    if let Some(list) = owner.get_mut(ASSIGNMENTS).and_then(Value::as_array_mut)
        && let Some(place) = list.iter().enumerate().filter(|(_, one)| one.is_object()).nth(at).map(|(place, _)| place)
    {
        list.remove(place);
    }
    Change::Put(Resource::ServicePrincipals, owner)
}

fn audit_assignment(request: &Request<'_>, one: &Assignment, is_new: bool) -> Result<(), GraphError> {
    let of = |name: &str| text(&one.object, name);
    let (added, removed, category) = match of("principalType") {
        Some("User") => {
            ("Add app role assignment grant to user", "Remove app role assignment from user", "UserManagement")
        }
        Some("Group") => {
            ("Add app role assignment to group", "Remove app role assignment from group", "GroupManagement")
        }
        _ => (
            "Add app role assignment to service principal",
            "Remove app role assignment from service principal",
            "ApplicationManagement",
        ),
    };
    let value = |text: Option<&str>| {
        let text = text.map(|text| format!("\"{text}\""));
        if is_new { (Value::Null, json!(text)) } else { (json!(text), Value::Null) }
    };
    let changed = [("AppRole.Id", of("appRoleId")), ("AppRole.Value", one.value.as_deref())];
    let changed = changed.map(|(name, text)| {
        let (old, new) = value(text);
        json!({ "displayName": name, "oldValue": old, "newValue": new })
    });
    let targets = json!([
        { "id": of("resourceId"), "type": "ServicePrincipal", "displayName": of("resourceDisplayName"),
          "modifiedProperties": changed },
        { "id": of("principalId"), "type": of("principalType"), "displayName": of("principalDisplayName"),
          "modifiedProperties": [] },
    ]);
    request.audit(if is_new { added } else { removed }, category, targets)
}

/// The delegated grants of a client, or those that a user gave.
fn grants_of(request: &Request<'_>, id: &str, rest: &[&str]) -> Result<Reply, GraphError> {
    if request.call.method != "GET" {
        return Err(GraphError::method());
    }
    request.caller.needs(READ_GRANTS, &[])?;
    let directory = request.tenant.state.read();
    let is_of = |grant: &Object, name: &str| text(grant, name).is_some_and(|known| known.eq_ignore_ascii_case(id));
    let all = directory.all(Resource::Oauth2PermissionGrants);
    let own = all.filter(|grant| is_of(grant, "clientId") || is_of(grant, "principalId")).map(grant_shown);
    let own: Vec<Object> = own.collect();
    drop(directory);
    match rest {
        [] => page_of(request, (GRANTS, PAGE_COUNT), own),
        [wanted] => {
            let found = own.into_iter().find(|one| text(one, "id") == Some(wanted));
            Ok(request.entity(200, (GRANTS, found.ok_or_else(|| GraphError::not_found(wanted))?)))
        }
        _ => Err(GraphError::method()),
    }
}

/// Answers a request below `/oauth2PermissionGrants`.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    match (request.call.method.as_str(), rest) {
        ("GET", []) => {
            request.caller.needs(READ_GRANTS, &[])?;
            let all = request.tenant.state.read().all(Resource::Oauth2PermissionGrants).map(grant_shown).collect();
            page_of(request, (GRANTS, PAGE_COUNT), all)
        }
        ("GET", [id]) => {
            request.caller.needs(READ_GRANTS, &[])?;
            let found = request.tenant.state.read().object(Resource::Oauth2PermissionGrants, id).map(grant_shown);
            let found = expanded(request, (GRANTS, &[]), &found.ok_or_else(|| GraphError::not_found(id))?)?;
            Ok(request.entity(200, (GRANTS, found)))
        }
        ("POST", []) => grant(request),
        ("PATCH", [id]) => regrant(request, id),
        ("DELETE", [id]) => {
            request.caller.needs(WRITE_GRANTS, GRANTERS)?;
            let gone = request.write(|directory| -> Result<_, GraphError> {
                let known = directory.object(Resource::Oauth2PermissionGrants, id).cloned();
                let known = known.ok_or_else(|| GraphError::not_found(id))?;
                Ok((vec![Change::Remove(Resource::Oauth2PermissionGrants, (*id).to_owned())], known))
            })?;
            audit_grant(request, "Remove delegated permission grant", (&gone, text(&gone, "scope"), None))?;
            Ok(Reply::empty(204))
        }
        _ => Err(GraphError::method()),
    }
}

/// A grant with what Graph always has of one.
fn grant_shown(grant: &Object) -> Object {
    let of = |name: &str| text(grant, name);
    object(json!({
        "id": of("id"), "clientId": of("clientId").unwrap_or_default(),
        "consentType": of("consentType").unwrap_or("AllPrincipals"), "principalId": of("principalId"),
        "resourceId": of("resourceId").unwrap_or_default(), "scope": of("scope").unwrap_or_default(),
    }))
}

fn grant(request: &Request<'_>) -> Result<Reply, GraphError> {
    request.caller.needs(WRITE_GRANTS, GRANTERS)?;
    let body = request.object()?;
    let invalid = |name: &str| GraphError::bad_request(format!("Invalid value specified for property '{name}'."));
    let given = |name: &str| text(&body, name).filter(|text| !text.is_empty()).ok_or_else(|| invalid(name));
    let (client, resource, kind) = (given("clientId")?, given("resourceId")?, given("consentType")?);
    let scope = scope_of(&body)?;
    let user = match kind {
        "AllPrincipals" => None,
        "Principal" => Some(given("principalId")?),
        _ => return Err(invalid("consentType")),
    };
    let made = object(json!({
        "id": random::uuid()?, "clientId": client, "consentType": kind, "principalId": user, "resourceId": resource,
        "scope": scope,
    }));
    let made = request.write(|directory| -> Result<_, GraphError> {
        for id in [client, resource] {
            directory.object(Resource::ServicePrincipals, id).ok_or_else(|| GraphError::not_found(id))?;
        }
        if let Some(user) = user {
            directory.object(Resource::Users, user).ok_or_else(|| GraphError::not_found(user))?;
        }
        let is = |one: &Object, name: &str, id: Option<&str>| match (text(one, name), id) {
            (Some(known), Some(id)) => known.eq_ignore_ascii_case(id),
            (known, id) => known == id,
        };
        let is_same = |one: &Object| {
            is(one, "clientId", Some(client)) && is(one, "resourceId", Some(resource)) && is(one, "principalId", user)
        };
        if directory.all(Resource::Oauth2PermissionGrants).any(is_same) {
            let code = "Request_MultipleObjectsWithSameKeyValue";
            return Err(GraphError::new(409, code, "Permission entry already exists."));
        }
        Ok((vec![Change::Put(Resource::Oauth2PermissionGrants, made.clone())], made))
    })?;
    audit_grant(request, "Add delegated permission grant", (&made, None, text(&made, "scope")))?;
    Ok(request.entity(201, (GRANTS, grant_shown(&made))))
}

fn regrant(request: &Request<'_>, id: &str) -> Result<Reply, GraphError> {
    request.caller.needs(WRITE_GRANTS, GRANTERS)?;
    let body = request.object()?;
    if let Some(other) = body.keys().find(|name| *name != "scope" && !name.contains('@')) {
        return Err(GraphError::bad_request(format!("Property '{other}' is read-only and cannot be set.")));
    }
    let scope = scope_of(&body)?;
    let (old, new) = request.write(|directory| -> Result<_, GraphError> {
        let old = directory.object(Resource::Oauth2PermissionGrants, id).cloned();
        let old = old.ok_or_else(|| GraphError::not_found(id))?;
        let mut new = old.clone();
        new.insert("scope".to_owned(), json!(scope));
        Ok((vec![Change::Put(Resource::Oauth2PermissionGrants, new.clone())], (old, new)))
    })?;
    audit_grant(request, "Add delegated permission grant", (&new, text(&old, "scope"), text(&new, "scope")))?;
    Ok(Reply::empty(204))
}

fn scope_of(body: &Object) -> Result<String, GraphError> {
    let scope = text(body, "scope").filter(|scope| scope.chars().count() <= SCOPE_CHARACTERS_MAX);
    let scope = scope.map(|scope| scope.split_whitespace().collect::<Vec<_>>().join(" "));
    scope.ok_or_else(|| GraphError::bad_request("Invalid value specified for property 'scope'."))
}

fn audit_grant(
    request: &Request<'_>,
    activity: &str,
    (grant, old, new): (&Object, Option<&str>, Option<&str>),
) -> Result<(), GraphError> {
    let quoted = |text: Option<&str>| text.map(|text| format!("\"{text}\""));
    let targets = json!([
        { "id": text(grant, "resourceId"), "type": "ServicePrincipal", "modifiedProperties": [
            { "displayName": "DelegatedPermissionGrant.Scope", "oldValue": quoted(old), "newValue": quoted(new) },
            { "displayName": "DelegatedPermissionGrant.ConsentType", "oldValue": Value::Null,
              "newValue": quoted(text(grant, "consentType")) },
        ] },
        { "id": text(grant, "clientId"), "type": "ServicePrincipal", "modifiedProperties": [] },
    ]);
    request.audit(activity, "ApplicationManagement", targets)
}
