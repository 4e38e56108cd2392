//! What objects are related to: members and owners as objects, as references or of one type, and who is whose manager.
//!
//! **Source:** "List group members" and "List group owners" (`$ref`, casts), "List manager", "Assign manager", "Remove
//! manager", "List directReports".

use breakglass_model::snapshot::Resource;
use serde_json::{Value, json};

use super::directory_objects::{kind_of, reference_of, shown};
use super::error::GraphError;
use super::groups::READ as READ_GROUPS;
use super::list::page_of;
use super::schedules::object;
use super::{Request, grants};
use crate::call::Reply;
use crate::ids::roles::USER_ADMINISTRATOR;
use crate::odata::QueryOptions;
use crate::sign_in::member_id;
use crate::state::{Change, Directory, Object, Shelf, text};

pub(super) const READ_USERS: &[&str] =
    &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const WRITE_USERS: &[&str] = &["User.ReadWrite.All", "Directory.ReadWrite.All"];

/// Types that a list of objects can be cast to, each with the collection that its objects are of.
const CASTS: [(&str, &str); 7] = [
    ("administrativeUnit", "administrativeUnits"),
    ("application", "applications"),
    ("device", "devices"),
    ("directoryRole", "directoryRoles"),
    ("group", "groups"),
    ("servicePrincipal", "servicePrincipals"),
    ("user", "users"),
];
/// Objects of one page.
const PAGE_COUNT: usize = 100;
/// The property that has the manager where it is kept.
const MANAGER: &str = "manager";

/// How related objects are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Objects,
    References,
    /// Those of one type alone: the type, and its collection.
    Cast(&'static str, &'static str),
}

impl Form {
    /// What stands behind the name of a relation; `None` if it is something else.
    pub(super) fn of(rest: &[&str]) -> Option<Self> {
        match rest {
            [] => Some(Self::Objects),
            ["$ref"] => Some(Self::References),
            [cast] => {
                let cast = cast.strip_prefix("microsoft.").unwrap_or(cast).strip_prefix("graph.")?;
                let found = CASTS.iter().find(|(name, _)| *name == cast);
                found.map(|(name, collection)| Self::Cast(name, collection))
            }
            _ => None,
        }
    }
}

/// A page of related objects, each of which has its type.
pub(super) fn page(request: &Request<'_>, form: Form, mut objects: Vec<Object>) -> Result<Reply, GraphError> {
    match form {
        Form::Objects => page_of(request, ("directoryObjects", PAGE_COUNT), objects),
        Form::References => {
            // They have nothing to be sought by.
            let options = QueryOptions::parse(&request.call.query)?;
            if options.filter().is_some() || options.search().is_some() || options.order_by().is_some() {
                let message = "References are neither filtered nor searched nor put in order: ask for the objects.";
                return Err(GraphError::new(400, "Request_UnsupportedQuery", message));
            }
            let all = objects.iter().map(|one| reference(request, text(one, "id").unwrap_or_default()));
            page_of(request, ("Collection($ref)", PAGE_COUNT), all.collect())
        }
        Form::Cast(name, collection) => {
            let wanted = format!("#microsoft.graph.{name}");
            objects.retain(|one| text(one, "@odata.type") == Some(&wanted));
            page_of(request, (collection, PAGE_COUNT), objects)
        }
    }
}

fn reference(request: &Request<'_>, id: &str) -> Object {
    let base = &request.tenant.addresses.base;
    object(json!({ "@odata.id": format!("{base}/{}/directoryObjects/{id}", request.version) }))
}

/// Answers what is asked about the relations of an object; `None` if something else is asked.
pub(super) fn answer(request: &Request<'_>, id: &str, rest: &[&str]) -> Option<Result<Reply, GraphError>> {
    if let Some(granted) = grants::of_object(request, id, rest) {
        return Some(granted);
    }
    let [relation, form @ ..] = rest else { return None };
    let method = request.call.method.as_str();
    match (method, *relation, form) {
        ("PUT", MANAGER, ["$ref"]) => return Some(set_manager(request, id)),
        ("DELETE", MANAGER, ["$ref"]) => return Some(remove_manager(request, id)),
        _ => {}
    }
    let form = Form::of(form).filter(|_| method == "GET")?;
    let directory = request.tenant.state.read();
    let is_group = directory.object(Resource::Groups, id).is_some();
    let is_user = directory.object(Resource::Users, id).is_some();
    match *relation {
        MANAGER if is_user => {
            let manager = manager_of(&directory, id).and_then(|id| shown(&directory, &id));
            drop(directory);
            Some(managed(request, form, manager))
        }
        "directReports" if is_user => {
            let reports = reports_of(&directory, id);
            drop(directory);
            Some(request.caller.needs(READ_USERS, &[]).and_then(|()| page(request, form, reports)))
        }
        "members" | "owners" | "transitiveMembers" if is_group => {
            let found = listed(&directory, (Resource::Groups, id), relation);
            drop(directory);
            Some(request.caller.needs(READ_GROUPS, &[]).and_then(|()| page(request, form, found)))
        }
        _ => None,
    }
}

/// Objects that an object has in one of its lists; `transitiveMembers` are members through groups too.
pub(super) fn listed(directory: &Directory, (resource, id): (Resource, &str), relation: &str) -> Vec<Object> {
    let Some(of) = directory.object(resource, id) else { return Vec::new() };
    let list = if relation == "owners" { "owners" } else { "members" };
    let (mut ids, mut open) = (Vec::<String>::new(), vec![of]);
    while let Some(of) = open.pop() {
        for member in of.get(list).and_then(Value::as_array).into_iter().flatten().filter_map(member_id) {
            if ids.iter().any(|known| known.eq_ignore_ascii_case(member)) {
                continue;
            }
            ids.push(member.to_owned());
            open.extend(directory.object(Resource::Groups, member).filter(|_| relation == "transitiveMembers"));
        }
    }
    ids.iter().filter_map(|id| shown(directory, id)).collect()
}

/// The id of the manager of a user.
pub(super) fn manager_of(directory: &Directory, id: &str) -> Option<String> {
    let kept = directory.shelved(Shelf::Managers, id);
    let manager = match kept {
        Some(kept) => text(kept, MANAGER)?,
        // A seed may name it as an export does that expands it.
        None => directory.object(Resource::Users, id)?.get(MANAGER).and_then(member_id)?,
    };
    // One that was deleted manages nobody.
    directory.object(Resource::Users, manager).and_then(|user| text(user, "id")).map(str::to_owned)
}

/// Users whose manager a user is.
pub(super) fn reports_of(directory: &Directory, id: &str) -> Vec<Object> {
    let is_managed = |user: &str| manager_of(directory, user).is_some_and(|manager| manager.eq_ignore_ascii_case(id));
    let users = directory.all(Resource::Users).filter_map(|user| text(user, "id"));
    users.filter(|user| is_managed(user)).filter_map(|user| shown(directory, user)).collect()
}

fn managed(request: &Request<'_>, form: Form, manager: Option<Object>) -> Result<Reply, GraphError> {
    request.caller.needs(READ_USERS, &[])?;
    let manager = manager.ok_or_else(|| GraphError::not_found(MANAGER))?;
    match form {
        Form::References => {
            let id = text(&manager, "id").unwrap_or_default();
            Ok(request.entity(200, ("$ref", reference(request, id))))
        }
        Form::Objects | Form::Cast("user", _) => Ok(request.entity(200, ("directoryObjects", manager))),
        Form::Cast(..) => Err(GraphError::not_found(MANAGER)),
    }
}

fn set_manager(request: &Request<'_>, id: &str) -> Result<Reply, GraphError> {
    request.needs_over(id, WRITE_USERS, &[USER_ADMINISTRATOR])?;
    let manager = reference_of(&request.object()?)?;
    let user = request.write(|directory| -> Result<_, GraphError> {
        let user = directory.object(Resource::Users, id).cloned().ok_or_else(|| GraphError::not_found(id))?;
        let kind = kind_of(directory, &manager).ok_or_else(|| GraphError::not_found(&manager))?;
        if kind != "#microsoft.graph.user" {
            return Err(GraphError::bad_request("A manager is a user."));
        }
        let kept = object(json!({ "id": text(&user, "id"), MANAGER: manager }));
        Ok((vec![Change::shelve(Shelf::Managers, kept)], user))
    })?;
    audit(request, "Set user manager", (&user, &manager))
}

fn remove_manager(request: &Request<'_>, id: &str) -> Result<Reply, GraphError> {
    request.needs_over(id, WRITE_USERS, &[USER_ADMINISTRATOR])?;
    let (user, manager) = request.write(|directory| -> Result<_, GraphError> {
        let user = directory.object(Resource::Users, id).cloned().ok_or_else(|| GraphError::not_found(id))?;
        let manager = manager_of(directory, id).ok_or_else(|| GraphError::not_found(MANAGER))?;
        let kept = object(json!({ "id": text(&user, "id") }));
        Ok((vec![Change::shelve(Shelf::Managers, kept)], (user, manager)))
    })?;
    audit(request, "Remove user manager", (&user, &manager))
}

fn audit(request: &Request<'_>, activity: &str, (user, manager): (&Object, &str)) -> Result<Reply, GraphError> {
    let targets = json!([
        { "id": text(user, "id"), "type": "User", "userPrincipalName": text(user, "userPrincipalName"),
          "modifiedProperties": [] },
        { "id": manager, "type": "User", "modifiedProperties": [] },
    ]);
    request.audit(activity, "UserManagement", targets)?;
    Ok(Reply::empty(204))
}
