//! What somebody or something is in: groups, roles and administrative units, directly or through groups.
//!
//! **Source:** "List a user's direct memberships", "directoryObject: getMemberGroups", "getMemberObjects"; of
//! the signed-in user with `User.Read`, and what is limited then, from the first.

use breakglass_model::snapshot::Resource;
use serde_json::{Value, json};

use super::Request;
use super::directory_roles::as_role;
use super::error::GraphError;
use super::relations::{self, Form};
use super::shape::mend;
use crate::call::Reply;
use crate::sign_in::{groups_of, has_member, is_in_time};
use crate::state::{Directory, Object, text};

pub(super) const READ: &[&str] = &[
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "GroupMember.Read.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
];
/// The same for users themselves, who then see of what they are in nothing but its type and its id.
const READ_OWN: &[&str] = &["User.Read"];
/// Ids that one request may name.
const ID_COUNT_MAX: usize = 20;

/// How far memberships are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Direct,
    Transitive,
}

/// Answers what is asked about the memberships of an object; `None` if something else is asked.
pub(super) fn answer(request: &Request<'_>, id: &str, whole: &[&str]) -> Option<Result<Reply, GraphError>> {
    let [first, rest @ ..] = whole else { return None };
    match (request.call.method.as_str(), first.trim_start_matches("microsoft.graph."), rest) {
        ("GET", "memberOf", rest) => Some(listed(request, (id, Reach::Direct), Form::of(rest)?)),
        ("GET", "transitiveMemberOf", rest) => Some(listed(request, (id, Reach::Transitive), Form::of(rest)?)),
        ("POST", "getMemberGroups", []) => Some(groups(request, id)),
        ("POST", "getMemberObjects", []) => Some(objects(request, id)),
        ("POST", "checkMemberGroups", []) => Some(checked(request, (id, "groupIds"))),
        ("POST", "checkMemberObjects", []) => Some(checked(request, (id, "ids"))),
        _ => relations::answer(request, id, whole),
    }
}

fn listed(request: &Request<'_>, of: (&str, Reach), form: Form) -> Result<Reply, GraphError> {
    let found = memberships(request, of);
    let is_own = request.caller.is_user && request.caller.id.eq_ignore_ascii_case(of.0);
    if is_own && request.caller.needs(READ, &[]).is_err() && request.caller.needs(READ_OWN, &[]).is_ok() {
        return relations::page(request, form, found.into_iter().map(limited).collect());
    }
    request.caller.needs(READ, &[])?;
    relations::page(request, form, found)
}

/// What is seen of an object that the caller may not read: of what it is, and its id.
fn limited(object: Object) -> Object {
    let hidden = |(name, value): (String, Value)| match value {
        value if matches!(name.as_str(), "@odata.type" | "id") => (name, value),
        Value::Array(_) => (name, json!([])),
        _ => (name, Value::Null),
    };
    object.into_iter().map(hidden).collect()
}

pub(super) fn memberships(request: &Request<'_>, (id, reach): (&str, Reach)) -> Vec<Object> {
    let directory = request.tenant.state.read();
    let mut groups = groups_of(&directory, id);
    if reach == Reach::Direct {
        groups.retain(|group| directory.object(Resource::Groups, group).is_some_and(|group| has_member(group, id)));
    }
    let mut found = Vec::new();
    for group in groups.iter().filter_map(|group| directory.object(Resource::Groups, group)) {
        let names = super::groups::PROPERTIES.iter();
        let mut shown: Object = names.map(|name| ((*name).to_owned(), value(group, name))).collect();
        mend(Resource::Groups, request.version, &mut shown);
        found.push(with_type("group", shown));
    }
    let mut principals = vec![id.to_ascii_lowercase()];
    if reach == Reach::Transitive {
        principals.extend(groups);
    }
    for role in roles(&directory, &principals, request.tenant.clock.now()) {
        found.push(with_type("directoryRole", as_role(role)));
    }
    for unit in directory.all(Resource::AdministrativeUnits).filter(|unit| has_member(unit, id)) {
        let names = super::units::PROPERTIES.iter();
        found
            .push(with_type("administrativeUnit", names.map(|name| ((*name).to_owned(), value(unit, name))).collect()));
    }
    found
}

fn value(object: &Object, name: &str) -> Value {
    object.get(name).cloned().unwrap_or(Value::Null)
}

fn with_type(name: &str, object: Object) -> Object {
    let mut shown = Object::new();
    shown.insert("@odata.type".to_owned(), json!(format!("#microsoft.graph.{name}")));
    shown.extend(object);
    shown
}

/// The roles that one of these holds for the whole tenant now.
fn roles<'d>(directory: &'d Directory, principals: &[String], now: jiff::Timestamp) -> Vec<&'d Object> {
    let lists = [Resource::RoleAssignments, Resource::RoleAssignmentScheduleInstances];
    let is_held = |role: &&Object| {
        let mut assignments = lists.iter().flat_map(|list| directory.all(*list));
        assignments.any(|one| {
            let of = |name: &str| text(one, name).unwrap_or("/").to_ascii_lowercase();
            principals.contains(&of("principalId"))
                && text(role, "id").is_some_and(|id| id.eq_ignore_ascii_case(&of("roleDefinitionId")))
                && of("directoryScopeId") == "/"
                && is_in_time(one, now)
        })
    };
    directory.all(Resource::RoleDefinitions).filter(is_held).collect()
}

fn groups(request: &Request<'_>, id: &str) -> Result<Reply, GraphError> {
    request.caller.needs(&[&["User.ReadBasic.All"], READ].concat(), &[])?;
    let body = request.object()?;
    let secure_only = body.get("securityEnabledOnly").and_then(Value::as_bool) == Some(true);
    let directory = request.tenant.state.read();
    let is_secure = |group: &String| {
        let group = directory.object(Resource::Groups, group);
        group.and_then(|group| group.get("securityEnabled")).and_then(Value::as_bool) == Some(true)
    };
    let value: Vec<String> =
        groups_of(&directory, id).into_iter().filter(|group| !secure_only || is_secure(group)).collect();
    Ok(ids(request, &json!(value)))
}

fn objects(request: &Request<'_>, id: &str) -> Result<Reply, GraphError> {
    request.caller.needs(READ, &[])?;
    let body = request.object()?;
    if body.get("securityEnabledOnly").and_then(Value::as_bool) == Some(true) {
        return groups(request, id);
    }
    let all = memberships(request, (id, Reach::Transitive));
    Ok(ids(request, &all.iter().map(|one| value(one, "id")).collect()))
}

fn checked(request: &Request<'_>, (id, parameter): (&str, &str)) -> Result<Reply, GraphError> {
    request.caller.needs(READ, &[])?;
    let body = request.object()?;
    let asked = body.get(parameter).and_then(Value::as_array);
    let asked = asked.ok_or_else(|| GraphError::bad_request(format!("The parameter '{parameter}' is required.")))?;
    if asked.len() > ID_COUNT_MAX {
        let message = format!("The parameter '{parameter}' has more than {ID_COUNT_MAX} elements.");
        return Err(GraphError::bad_request(message));
    }
    let all = memberships(request, (id, Reach::Transitive));
    let is_in = |wanted: &&Value| {
        let wanted = wanted.as_str().unwrap_or_default();
        all.iter().any(|one| text(one, "id").is_some_and(|known| known.eq_ignore_ascii_case(wanted)))
    };
    Ok(ids(request, &asked.iter().filter(is_in).cloned().collect()))
}

fn ids(request: &Request<'_>, value: &Value) -> Reply {
    Reply::json(200, json!({ "@odata.context": request.context("Collection(Edm.String)"), "value": value }))
}
