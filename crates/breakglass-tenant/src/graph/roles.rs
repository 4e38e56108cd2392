//! `/roleManagement/directory`: definitions and assignments of roles, and the schedules behind them.

use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::{GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR, SECURITY_ADMINISTRATOR};
use serde_json::{Value, json};

use super::directory_objects::kind_of;
use super::error::GraphError;
use super::list::{Shape, listed_of, selected};
use super::modified::gained_or_lost;
use super::schedules::{self, Kind, is_same, object};
use super::{Request, pim};
use crate::call::Reply;
use crate::ids::roles::{GLOBAL_READER, SECURITY_READER};
use crate::random;
use crate::sign_in::member_id;
use crate::state::{Change, Directory, Object, text};

/// Who may look into schedules that are of others.
pub(super) const READERS: &[&str] =
    &[PRIVILEGED_ROLE_ADMINISTRATOR, GLOBAL_READER, SECURITY_READER, SECURITY_ADMINISTRATOR];

const READ: &[&str] = &[
    "RoleManagement.Read.Directory",
    "RoleManagement.ReadWrite.Directory",
    "RoleManagement.Read.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const READ_ASSIGNMENTS: &[&str] = &[
    "RoleAssignmentSchedule.Read.Directory",
    "RoleAssignmentSchedule.ReadWrite.Directory",
    "RoleManagement.Read.All",
    "RoleManagement.Read.Directory",
    "RoleManagement.ReadWrite.Directory",
];
const READ_ELIGIBILITIES: &[&str] = &[
    "RoleEligibilitySchedule.Read.Directory",
    "RoleEligibilitySchedule.ReadWrite.Directory",
    "RoleManagement.Read.All",
    "RoleManagement.Read.Directory",
    "RoleManagement.ReadWrite.Directory",
];

const fn shape(resource: Resource, context: &'static str) -> Shape {
    Shape { resource, context, default_properties: &[], hidden: &[], count_default: 500, count_max: 999 }
}

const DEFINITIONS: Shape = shape(Resource::RoleDefinitions, "roleManagement/directory/roleDefinitions");
const ASSIGNMENTS: Shape = shape(Resource::RoleAssignments, "roleManagement/directory/roleAssignments");

/// What a list of schedules and requests has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    Schedules,
    Instances,
    Requests,
}

/// Lists of Privileged Identity Management, by name.
const TIMED: [(&str, Kind, View, &str); 6] = [
    ("roleAssignmentSchedules", Kind::Assignment, View::Schedules, "roleManagement/directory/roleAssignmentSchedules"),
    (
        "roleAssignmentScheduleInstances",
        Kind::Assignment,
        View::Instances,
        "roleManagement/directory/roleAssignmentScheduleInstances",
    ),
    (
        "roleAssignmentScheduleRequests",
        Kind::Assignment,
        View::Requests,
        "roleManagement/directory/roleAssignmentScheduleRequests",
    ),
    (
        "roleEligibilitySchedules",
        Kind::Eligibility,
        View::Schedules,
        "roleManagement/directory/roleEligibilitySchedules",
    ),
    (
        "roleEligibilityScheduleInstances",
        Kind::Eligibility,
        View::Instances,
        "roleManagement/directory/roleEligibilityScheduleInstances",
    ),
    (
        "roleEligibilityScheduleRequests",
        Kind::Eligibility,
        View::Requests,
        "roleManagement/directory/roleEligibilityScheduleRequests",
    ),
];

/// Answers a request below `/roleManagement`.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    let ["directory", name, rest @ ..] = rest else {
        return Err(GraphError::no_segment(rest.last().unwrap_or(&"")));
    };
    if let Some((_, kind, view, context)) = TIMED.iter().find(|(known, ..)| known == name) {
        crate::faults::is_pim_answering(&request.tenant.state.read())?;
        return timed(request, (*kind, *view, context), rest);
    }
    match *name {
        "roleDefinitions" => definitions(request, rest),
        "roleAssignments" => assignments(request, rest),
        "roleAssignmentApprovals" => {
            crate::faults::is_pim_answering(&request.tenant.state.read())?;
            super::approvals::answer(request, rest)
        }
        _ => Err(GraphError::no_segment(name)),
    }
}

fn definitions(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    match (request.call.method.as_str(), rest) {
        ("GET", []) => {
            request.caller.needs(READ, &[])?;
            let directory = request.tenant.state.read();
            let all: Vec<Object> = directory.all(Resource::RoleDefinitions).map(definition).collect();
            drop(directory);
            listed_of(request, &DEFINITIONS, &all)
        }
        ("GET", [id]) => {
            request.caller.needs(READ, &[])?;
            let directory = request.tenant.state.read();
            let found = directory.object(Resource::RoleDefinitions, id).ok_or_else(|| GraphError::not_found(id))?;
            Ok(request.entity(200, (DEFINITIONS.context, selected(request, &DEFINITIONS, &definition(found))?)))
        }
        (_, [_, segment, ..]) => Err(GraphError::no_segment(segment)),
        _ => Err(GraphError::method()),
    }
}

/// A definition with what Graph always has of one.
pub(super) fn definition(known: &Object) -> Object {
    let mut whole = object(json!({ "resourceScopes": ["/"], "rolePermissions": [], "isEnabled": true }));
    whole.extend(known.clone());
    whole
}

fn assignments(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    let all = || schedules::assignments(&request.tenant.state.read(), request.tenant.clock.now());
    match (request.call.method.as_str(), rest) {
        ("GET", []) => {
            request.caller.needs(READ, &[])?;
            listed_of(request, &ASSIGNMENTS, &all())
        }
        ("GET", [id]) => {
            request.caller.needs(READ, &[])?;
            one_of(request, &ASSIGNMENTS, (all(), id))
        }
        ("POST", []) => assign(request, &ASSIGNMENTS),
        ("DELETE", [id]) => unassign(request, id),
        (_, [_, segment, ..]) => Err(GraphError::no_segment(segment)),
        _ => Err(GraphError::method()),
    }
}

fn timed(
    request: &Request<'_>,
    (kind, view, context): (Kind, View, &'static str),
    rest: &[&str],
) -> Result<Reply, GraphError> {
    let shape = shape(kind.resource(), context);
    let all = || {
        let (directory, now) = (request.tenant.state.read(), request.tenant.clock.now());
        match view {
            View::Schedules => schedules::schedules(&directory, kind, now),
            View::Instances => schedules::instances(&directory, kind, now),
            View::Requests => pim::requests(&directory, kind, now),
        }
    };
    let permissions = if kind == Kind::Assignment { READ_ASSIGNMENTS } else { READ_ELIGIBILITIES };
    match (request.call.method.as_str(), rest) {
        ("POST", []) if view == View::Requests => pim::create(request, (kind, context)),
        ("POST", [id, "cancel" | "microsoft.graph.cancel"]) if view == View::Requests => {
            pim::cancel(request, (kind, id))
        }
        ("GET", []) => {
            request.caller.needs(permissions, READERS)?;
            listed_of(request, &shape, &all())
        }
        ("GET", ["filterByCurrentUser(on='principal')"]) => {
            request.caller.needs(permissions, &[])?;
            listed_of(request, &shape, &schedules::of_caller(request, all()))
        }
        ("GET", [id]) => {
            request.caller.needs(permissions, READERS)?;
            one_of(request, &shape, (all(), id))
        }
        (_, [_, segment, ..]) => Err(GraphError::no_segment(segment)),
        _ => Err(GraphError::method()),
    }
}

fn one_of(request: &Request<'_>, shape: &Shape, (all, id): (Vec<Object>, &str)) -> Result<Reply, GraphError> {
    let found = all.into_iter().find(|one| text(one, "id").is_some_and(|known| known.eq_ignore_ascii_case(id)));
    let found = found.ok_or_else(|| GraphError::not_found(id))?;
    Ok(request.entity(200, (shape.context, selected(request, shape, &found)?)))
}

/// Refuses an assignment that cannot be: nobody, no role, a group that takes none, a scope that is not there.
pub(super) fn check_principal(
    directory: &Directory,
    (principal, role, scope): (&str, &str, &str),
) -> Result<(), GraphError> {
    let kind = kind_of(directory, principal).ok_or_else(|| GraphError::not_found(principal))?;
    directory.object(Resource::RoleDefinitions, role).ok_or_else(|| GraphError::not_found(role))?;
    let group = directory.object(Resource::Groups, principal);
    let is_assignable = |group: &Object| group.get("isAssignableToRole").and_then(Value::as_bool) == Some(true);
    if kind == "#microsoft.graph.group" && !group.is_some_and(is_assignable) {
        return Err(GraphError::bad_request(
            "The group cannot be assigned to a role: 'isAssignableToRole' is not true.",
        ));
    }
    let is_there = match scope.strip_prefix("/administrativeUnits/") {
        Some(unit) => directory.object(Resource::AdministrativeUnits, unit).is_some(),
        None => scope == "/" || kind_of(directory, scope.trim_start_matches('/')).is_some(),
    };
    if is_there { Ok(()) } else { Err(GraphError::not_found(scope)) }
}

/// Refuses changes that leave nobody who is Global Administrator for good.
pub(super) fn leaves_an_administrator(directory: &Directory, changes: &[Change]) -> Result<(), GraphError> {
    let is_gone = |one: &Object| {
        changes.iter().any(|change| {
            matches!(change, Change::Remove(resource, id)
                if *resource == Resource::RoleAssignments && text(one, "id") == Some(id))
        })
    };
    let is_administrator = |one: &&Object| {
        text(one, "roleDefinitionId").is_some_and(|role| role.eq_ignore_ascii_case(GLOBAL_ADMINISTRATOR))
    };
    let is_live = |one: &&Object| text(one, "principalId").is_none_or(|id| !directory.is_deleted(id));
    let mut all = directory.all(Resource::RoleAssignments).filter(is_administrator).filter(is_live).peekable();
    if all.peek().is_some() && all.all(is_gone) {
        return Err(GraphError::bad_request("The last assignment of the Global Administrator role cannot be removed."));
    }
    Ok(())
}

/// Refuses to delete the only user who is Global Administrator; to disable that one is not refused by Entra.
///
/// **Source:** "Manage emergency access accounts": the last account is not deleted, but for one that is deleted on premises.
pub(super) fn leaves_another_administrator(
    directory: &Directory,
    leaving: &str,
    now: jiff::Timestamp,
) -> Result<(), GraphError> {
    let is_held = |one: &&Object| {
        text(one, "roleDefinitionId").is_some_and(|role| role.eq_ignore_ascii_case(GLOBAL_ADMINISTRATOR))
            && text(one, "directoryScopeId") == Some("/")
    };
    let held = schedules::assignments(directory, now);
    let mut open: Vec<&str> = held.iter().filter(is_held).filter_map(|one| text(one, "principalId")).collect();
    let (mut known, mut has_left) = (Vec::new(), false);
    while let Some(principal) = open.pop() {
        if known.contains(&principal) {
            continue;
        }
        known.push(principal);
        if principal.eq_ignore_ascii_case(leaving) {
            has_left = true;
        } else if directory.object(Resource::Users, principal).is_some() {
            return Ok(());
        }
        let group = directory.object(Resource::Groups, principal);
        let members = group.and_then(|group| group.get("members")?.as_array()).into_iter().flatten();
        open.extend(members.filter_map(member_id));
    }
    if has_left {
        return Err(GraphError::bad_request("The last Global Administrator of the tenant cannot be deleted."));
    }
    Ok(())
}

fn assign(request: &Request<'_>, shape: &Shape) -> Result<Reply, GraphError> {
    request.caller.needs(&["RoleManagement.ReadWrite.Directory"], &[PRIVILEGED_ROLE_ADMINISTRATOR])?;
    let body = request.object()?;
    let now = request.tenant.clock.now();
    let required = |name: &str| {
        let found = text(&body, name).filter(|text| !text.is_empty()).map(str::to_owned);
        found.ok_or_else(|| GraphError::bad_request(format!("A value is required for property '{name}'.")))
    };
    let (principal, role) = (required("principalId")?, required("roleDefinitionId")?);
    let scope = text(&body, "directoryScopeId").unwrap_or("/").to_owned();
    let assignment = json!({
        "id": random::uuid()?, "principalId": principal, "roleDefinitionId": role, "directoryScopeId": scope,
        "appScopeId": Value::Null,
    });
    let assignment = assignment.as_object().cloned().unwrap_or_default();
    let (assignment, name) = request.write(|directory| -> Result<_, GraphError> {
        check_principal(directory, (&principal, &role, &scope))?;
        let definition =
            directory.object(Resource::RoleDefinitions, &role).ok_or_else(|| GraphError::not_found(&role))?;
        let known = schedules::assignments(directory, now);
        if known.iter().any(|one| is_same(one, (&principal, &role, &scope))) {
            let message =
                "A conflicting object with one or more of the specified property values is present in the directory.";
            return Err(GraphError::bad_request(message));
        }
        let name = text(definition, "displayName").unwrap_or_default().to_owned();
        Ok((vec![Change::Put(Resource::RoleAssignments, assignment.clone())], (assignment, name)))
    })?;
    request.audit("Add member to role", "RoleManagement", target(&principal, &name, true))?;
    Ok(request.entity(201, (shape.context, assignment)))
}

fn unassign(request: &Request<'_>, id: &str) -> Result<Reply, GraphError> {
    request.caller.needs(&["RoleManagement.ReadWrite.Directory"], &[PRIVILEGED_ROLE_ADMINISTRATOR])?;
    let (assignment, name) = request.write(|directory| -> Result<_, GraphError> {
        // An activated role is in the list of assignments too.
        let lists = [Resource::RoleAssignments, Resource::RoleAssignmentScheduleInstances];
        let mut found = lists.iter().filter_map(|list| Some((*list, directory.object(*list, id)?.clone())));
        let (list, assignment) = found.next().ok_or_else(|| GraphError::not_found(id))?;
        let changes = vec![Change::Remove(list, text(&assignment, "id").unwrap_or(id).to_owned())];
        leaves_an_administrator(directory, &changes)?;
        let role = text(&assignment, "roleDefinitionId").unwrap_or_default();
        let definition = directory.object(Resource::RoleDefinitions, role);
        let name = definition.and_then(|role| text(role, "displayName")).unwrap_or(role).to_owned();
        Ok((changes, (assignment, name)))
    })?;
    let principal = text(&assignment, "principalId").unwrap_or_default();
    request.audit("Remove member from role", "RoleManagement", target(principal, &name, false))?;
    Ok(Reply::empty(204))
}

/// Whom a record about a role is of, who was given it or has it no more.
pub(super) fn target(principal: &str, role: &str, is_given: bool) -> Value {
    let role = gained_or_lost("Role.DisplayName", role, is_given);
    json!([{ "id": principal, "type": "User", "modifiedProperties": [role] }])
}
