//! `/groups`, their members and owners.

use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::PRIVILEGED_ROLE_ADMINISTRATOR;
use serde_json::{Value, json};

use super::deleted::to_shelf;
use super::directory_objects::kind_of;
use super::error::GraphError;
use super::list::{Shape, listed, page_of, shown};
use super::modified::{gained_or_lost, modified};
use super::properties::{is_synchronised, of_premises};
use super::{Request, delta, properties, relations};
use crate::call::Reply;
use crate::clock::written;
use crate::ids::roles::{GROUPS_ADMINISTRATOR, USER_ADMINISTRATOR};
use crate::random;
use crate::sign_in::{has_member, member_id};
use crate::state::{Change, Object, Shelf, text};

pub(super) const READ: &[&str] =
    &["Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All", "GroupMember.Read.All"];
const WRITE: &[&str] = &["Group.ReadWrite.All", "Directory.ReadWrite.All"];
const WRITE_MEMBERS: &[&str] = &["GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"];

/// References that one request binds.
const BOUND_COUNT_MAX: usize = 20;
/// Groups that can be assigned to roles, in one tenant.
const ASSIGNABLE_COUNT_MAX: usize = 500;

/// What an answer has of a group unless it is asked otherwise.
pub(super) const PROPERTIES: &[&str] = &[
    "id",
    "deletedDateTime",
    "classification",
    "createdDateTime",
    "description",
    "displayName",
    "expirationDateTime",
    "groupTypes",
    "isAssignableToRole",
    "mail",
    "mailEnabled",
    "mailNickname",
    "membershipRule",
    "membershipRuleProcessingState",
    "onPremisesSyncEnabled",
    "securityEnabled",
    "visibility",
];
pub(super) const SHAPE: Shape = Shape {
    resource: Resource::Groups,
    context: "groups",
    default_properties: PROPERTIES,
    hidden: &["members", "owners"],
    count_default: 100,
    count_max: 999,
};

/// Answers a request below `/groups`.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    match (request.call.method.as_str(), rest) {
        ("GET", []) => {
            request.caller.needs(READ, &[])?;
            listed(request, &SHAPE)
        }
        ("POST", []) => create(request),
        ("GET", [segment]) if delta::is_asked(segment) => delta::answer(request, &delta::GROUPS),
        ("GET", [id]) => {
            request.caller.needs(READ, &[])?;
            shown(request, &SHAPE, id)
        }
        ("PATCH", [id]) => update(request, id),
        ("DELETE", [id]) => delete(request, id),
        ("GET", [id, relation @ ("members" | "owners" | "transitiveMembers")]) => related(request, id, relation),
        ("POST", [id, relation @ ("members" | "owners"), "$ref"]) => add(request, (id, relation)),
        ("DELETE", [id, relation @ ("members" | "owners"), member, "$ref"]) => remove(request, (id, relation), member),
        (_, [id, rest @ ..]) => {
            let is_there = request.tenant.state.read().object(Resource::Groups, id).is_some();
            let memberships = if is_there { super::membership::answer(request, id, rest) } else { None };
            memberships.unwrap_or_else(|| match rest.first() {
                Some(segment) => Err(GraphError::no_segment(segment)),
                None => Err(GraphError::method()),
            })
        }
        _ => Err(GraphError::method()),
    }
}

fn create(request: &Request<'_>) -> Result<Reply, GraphError> {
    request.caller.needs(WRITE, &[GROUPS_ADMINISTRATOR, USER_ADMINISTRATOR])?;
    let body = request.object()?;
    properties::GROUP.check_new(&body)?;
    let flag = |name: &str| body.get(name).and_then(Value::as_bool);
    for name in ["displayName", "mailNickname"] {
        text(&body, name).filter(|text| !text.trim().is_empty()).ok_or_else(|| required(name))?;
    }
    for name in ["mailEnabled", "securityEnabled"] {
        flag(name).ok_or_else(|| required(name))?;
    }
    let is_assignable = flag("isAssignableToRole") == Some(true);
    let types = body.get("groupTypes").and_then(Value::as_array).cloned().unwrap_or_default();
    if is_assignable {
        request.caller.needs(&["RoleManagement.ReadWrite.Directory"], &[PRIVILEGED_ROLE_ADMINISTRATOR])?;
        if flag("securityEnabled") != Some(true) || is_dynamic(&body) {
            return Err(GraphError::bad_request(
                "Invalid value specified for property 'isAssignableToRole': it takes a security group with assigned members.",
            ));
        }
    }
    let id = random::uuid()?;
    let visibility =
        if is_assignable { json!("Private") } else { body.get("visibility").cloned().unwrap_or(Value::Null) };
    let mut group = properties::GROUP.writable(&body);
    let given = [
        ("id", json!(id)),
        ("createdDateTime", json!(written(request.tenant.clock.now()))),
        ("groupTypes", json!(types)),
        ("isAssignableToRole", if is_assignable { json!(true) } else { Value::Null }),
        ("visibility", visibility),
        ("members", json!(bound(request, &body, "members")?)),
        ("owners", json!(bound(request, &body, "owners")?)),
    ];
    group.extend(given.into_iter().map(|(name, value)| (name.to_owned(), value)));
    check_members(&group, members_of(&group))?;
    let put = vec![Change::Put(Resource::Groups, group.clone())];
    request.write(|directory| {
        let assignable = directory.all(Resource::Groups).filter(|group| is_role_assignable(group)).count();
        if is_assignable && assignable >= ASSIGNABLE_COUNT_MAX {
            let message = "The tenant has as many groups that can be assigned to roles as there may be.";
            return Err(GraphError::new(403, "Directory_QuotaExceeded", message));
        }
        Ok::<_, GraphError>((put, ()))
    })?;
    request.audit(
        "Add group",
        "GroupManagement",
        target((&id, &group), modified(&Object::new(), &group, SHAPE.hidden)),
    )?;
    for (activity, list) in [("Add member to group", "members"), ("Add owner to group", "owners")] {
        let bound = group.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
        audit_bound(request, (&id, &group), (activity, &bound))?;
    }
    let shown = PROPERTIES.iter().map(|name| ((*name).to_owned(), group.get(*name).cloned().unwrap_or(Value::Null)));
    Ok(request.entity(201, ("groups", shown.collect())))
}

fn update(request: &Request<'_>, id: &str) -> Result<Reply, GraphError> {
    let body = request.object()?;
    properties::GROUP.check(&body)?;
    may_change(request, id, WRITE)?;
    if body.contains_key("isAssignableToRole") {
        return Err(GraphError::bad_request(
            "Property 'isAssignableToRole' cannot be changed after the group was created.",
        ));
    }
    if body.contains_key("members@odata.bind") {
        may_change(request, id, WRITE_MEMBERS)?;
    }
    let bound = bound(request, &body, "members")?;
    let added = bound.clone();
    let (known, group) = request.write(|directory| -> Result<_, GraphError> {
        let known = directory.object(Resource::Groups, id).cloned().ok_or_else(|| GraphError::not_found(id))?;
        properties::GROUP.check_change(&known, &body)?;
        let mut group = known.clone();
        group.extend(properties::GROUP.writable(&body));
        check_members(&group, bound.iter())?;
        if is_role_assignable(&group) && (is_dynamic(&group) || group.get("securityEnabled") != Some(&json!(true))) {
            return Err(GraphError::bad_request(
                "A group that can be assigned to a role is a security group with assigned members.",
            ));
        }
        push(&mut group, "members", bound)?;
        Ok((vec![Change::Put(Resource::Groups, group.clone())], (known, group)))
    })?;
    let told = target((id, &group), modified(&known, &group, SHAPE.hidden));
    request.audit("Update group", "GroupManagement", told)?;
    audit_bound(request, (id, &group), ("Add member to group", &added))?;
    Ok(Reply::empty(204))
}

fn delete(request: &Request<'_>, id: &str) -> Result<Reply, GraphError> {
    may_change(request, id, WRITE)?;
    let now = request.tenant.clock.now();
    let group = request.write(|directory| -> Result<_, GraphError> {
        let group = directory.object(Resource::Groups, id).cloned().ok_or_else(|| GraphError::not_found(id))?;
        Ok((to_shelf((Resource::Groups, Shelf::DeletedGroups), group.clone(), now), group))
    })?;
    request.audit("Delete group", "GroupManagement", target((id, &group), Vec::new()))?;
    Ok(Reply::empty(204))
}

fn related(request: &Request<'_>, id: &str, relation: &str) -> Result<Reply, GraphError> {
    request.caller.needs(READ, &[])?;
    let directory = request.tenant.state.read();
    directory.object(Resource::Groups, id).ok_or_else(|| GraphError::not_found(id))?;
    let objects = relations::listed(&directory, (Resource::Groups, id), relation);
    drop(directory);
    page_of(request, ("directoryObjects", 100), objects)
}

fn add(request: &Request<'_>, (id, relation): (&str, &str)) -> Result<Reply, GraphError> {
    may_change(request, id, WRITE_MEMBERS)?;
    let member = referenced(request, request.object()?.get("@odata.id").unwrap_or(&Value::Null))?;
    let group = request.write(|directory| -> Result<_, GraphError> {
        let mut group = directory.object(Resource::Groups, id).cloned().ok_or_else(|| GraphError::not_found(id))?;
        if relation == "members" {
            check_members(&group, std::iter::once(&member))?;
        }
        push(&mut group, relation, vec![member.clone()])?;
        Ok((vec![Change::Put(Resource::Groups, group.clone())], group))
    })?;
    let activity = if relation == "owners" { "Add owner to group" } else { "Add member to group" };
    request.audit(activity, "GroupManagement", with_member(id, &group, (&member, true)))?;
    Ok(Reply::empty(204))
}

fn remove(request: &Request<'_>, (id, relation): (&str, &str), member: &str) -> Result<Reply, GraphError> {
    may_change(request, id, WRITE_MEMBERS)?;
    let group = request.write(|directory| -> Result<_, GraphError> {
        let mut group = directory.object(Resource::Groups, id).cloned().ok_or_else(|| GraphError::not_found(id))?;
        if relation == "members" && is_synchronised(&group) {
            return Err(of_premises());
        }
        let list = group.get_mut(relation).and_then(Value::as_array_mut);
        let list = list.ok_or_else(|| GraphError::not_found(member))?;
        let before = list.len();
        list.retain(|known| !member_id(known).is_some_and(|known| known.eq_ignore_ascii_case(member)));
        if list.len() == before {
            return Err(GraphError::not_found(member));
        }
        Ok((vec![Change::Put(Resource::Groups, group.clone())], group))
    })?;
    let activity = if relation == "owners" { "Remove owner from group" } else { "Remove member from group" };
    request.audit(activity, "GroupManagement", with_member(id, &group, (&json!({ "id": member }), false)))?;
    Ok(Reply::empty(204))
}

/// References that the body of a group binds to one of its lists.
fn bound(request: &Request<'_>, body: &Object, relation: &str) -> Result<Vec<Value>, GraphError> {
    let references = match body.get(&format!("{relation}@odata.bind")) {
        None => return Ok(Vec::new()),
        Some(references) => references.as_array(),
    };
    let references = references.filter(|all| all.len() <= BOUND_COUNT_MAX);
    let references = references.ok_or_else(|| {
        GraphError::bad_request(format!("'{relation}@odata.bind' is a list of at most {BOUND_COUNT_MAX} references."))
    })?;
    references.iter().map(|reference| referenced(request, reference)).collect()
}

/// A record for each that was bound to a group: whoever watches memberships watches these.
fn audit_bound(
    request: &Request<'_>,
    (id, group): (&str, &Object),
    (activity, bound): (&str, &[Value]),
) -> Result<(), GraphError> {
    bound.iter().try_for_each(|one| request.audit(activity, "GroupManagement", with_member(id, group, (one, true))))
}

fn members_of(group: &Object) -> impl Iterator<Item = &Value> {
    group.get("members").and_then(Value::as_array).into_iter().flatten()
}

/// Whether a group can be assigned to roles.
pub(super) fn is_role_assignable(group: &Object) -> bool {
    group.get("isAssignableToRole").and_then(Value::as_bool) == Some(true)
}

/// Whether somebody or something is an owner of a group.
pub(super) fn is_owned_by(group: &Object, id: &str) -> bool {
    let mut owners = group.get("owners").and_then(Value::as_array).into_iter().flatten();
    owners.any(|owner| member_id(owner).is_some_and(|known| known.eq_ignore_ascii_case(id)))
}

fn is_dynamic(group: &Object) -> bool {
    let kinds = group.get("groupTypes").and_then(Value::as_array);
    kinds.into_iter().flatten().any(|kind| kind == "DynamicMembership")
}

/// Refuses members that a group cannot have: itself; another group, where it can be assigned to a role; anybody, where a
/// rule says who is in it or they come from on premises.
fn check_members<'m>(group: &Object, members: impl Iterator<Item = &'m Value>) -> Result<(), GraphError> {
    let mut members = members.peekable();
    if members.peek().is_some() && is_synchronised(group) {
        return Err(of_premises());
    }
    let is_group = |member: &Value| member.get("@odata.type").and_then(Value::as_str) == Some("#microsoft.graph.group");
    if is_dynamic(group) {
        return match members.next() {
            None => Ok(()),
            Some(_) => Err(GraphError::bad_request("The members of a dynamic group are those that its rule names.")),
        };
    }
    let (is_assignable, own) = (is_role_assignable(group), text(group, "id"));
    for member in members {
        if is_assignable && is_group(member) {
            return Err(GraphError::bad_request(
                "A group cannot be a member of a group that can be assigned to a role.",
            ));
        }
        if own.is_some() && member_id(member).map(str::to_ascii_lowercase) == own.map(str::to_ascii_lowercase) {
            return Err(GraphError::bad_request("A group cannot be a member of itself."));
        }
    }
    Ok(())
}

/// Adds references to a list; one that is there already is an error.
fn push(group: &mut Object, relation: &str, members: Vec<Value>) -> Result<(), GraphError> {
    for member in members {
        let id = member_id(&member).unwrap_or_default();
        let is_there = match relation {
            "members" => has_member(group, id),
            _ => group
                .get(relation)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .any(|known| member_id(known) == Some(id)),
        };
        if is_there {
            return Err(GraphError::bad_request(
                "One or more added object references already exist for the following modified properties: 'members'.",
            ));
        }
        match group.get_mut(relation).and_then(Value::as_array_mut) {
            Some(list) => list.push(member),
            None => drop(group.insert(relation.to_owned(), json!([member]))),
        }
    }
    Ok(())
}

/// A group that can be assigned to a role is changed by who may assign roles, and by its owners.
fn may_change(request: &Request<'_>, id: &str, permissions: &[&str]) -> Result<(), GraphError> {
    let directory = request.tenant.state.read();
    let group = directory.object(Resource::Groups, id).ok_or_else(|| GraphError::not_found(id))?;
    let (is_owner, is_assignable) = (is_owned_by(group, &request.caller.id), is_role_assignable(group));
    drop(directory);
    if is_assignable {
        let roles: &[&str] = if is_owner { &[] } else { &[PRIVILEGED_ROLE_ADMINISTRATOR] };
        return request.needs_over(id, &["RoleManagement.ReadWrite.Directory"], roles);
    }
    let roles: &[&str] = if is_owner { &[] } else { &[GROUPS_ADMINISTRATOR, USER_ADMINISTRATOR] };
    request.needs_over(id, permissions, roles)
}

/// The object that a reference names, as a member is kept.
fn referenced(request: &Request<'_>, reference: &Value) -> Result<Value, GraphError> {
    let address = reference.as_str().ok_or_else(|| GraphError::bad_request("A reference needs '@odata.id'."))?;
    let id = address.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let directory = request.tenant.state.read();
    let kind = kind_of(&directory, id).ok_or_else(|| GraphError::not_found(id))?;
    Ok(json!({ "@odata.type": kind, "id": id }))
}

fn target((id, group): (&str, &Object), modified: Vec<Value>) -> Value {
    json!([{ "id": id, "type": "Group", "displayName": text(group, "displayName"), "modifiedProperties": modified }])
}

fn with_member(id: &str, group: &Object, (member, is_added): (&Value, bool)) -> Value {
    let name = text(group, "displayName").unwrap_or_default();
    let places = [("Group.ObjectID", id), ("Group.DisplayName", name)];
    let places = places.map(|(property, value)| gained_or_lost(property, value, is_added));
    json!([
        { "id": member_id(member), "type": "User", "modifiedProperties": places },
        { "id": id, "type": "Group", "displayName": name, "modifiedProperties": [] },
    ])
}

fn required(property: &str) -> GraphError {
    GraphError::bad_request(format!("A value is required for property '{property}' of resource 'Group'."))
}
