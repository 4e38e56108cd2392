//! `/directory/deletedItems`: users, groups, applications and service principals that were deleted, for thirty days.
//!
//! Their role assignments are neither shown nor in force meanwhile, and come back with them.
//!
//! **Source:** "Restore deleted item" (thirty days; whom it takes for administrators and for groups that can be assigned
//! to roles; that an application comes back without its service principal), "List deletedItems", "Permanently delete
//! item". That role assignments come back is from memory.

use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::{PRIVILEGED_AUTHENTICATION_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::error::GraphError;
use super::list::page_of;
use super::{Request, groups, users};
use crate::call::Reply;
use crate::clock::written;
use crate::ids::roles::{
    APPLICATION_ADMINISTRATOR, CLOUD_APPLICATION_ADMINISTRATOR, GROUPS_ADMINISTRATOR, USER_ADMINISTRATOR,
};
use crate::sign_in::{has_member, member_id};
use crate::state::{Change, Directory, Object, Shelf, text};

/// Days for which a deleted object can be restored.
const KEPT_DAYS: i64 = 30;

/// A kind of what can be deleted and restored.
struct Kind {
    /// What Graph calls it.
    name: &'static str,
    live: Resource,
    /// Where it is when it is deleted; users have a list in a snapshot.
    shelf: Option<Shelf>,
    hidden: &'static [&'static str],
    read: &'static [&'static str],
    write: &'static [&'static str],
    writers: &'static [&'static str],
    category: &'static str,
    /// Its word in the audit.
    word: &'static str,
}

static KINDS: [Kind; 4] = [
    Kind {
        name: "microsoft.graph.user",
        live: Resource::Users,
        shelf: None,
        hidden: users::HIDDEN,
        read: &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
        write: &["User.DeleteRestore.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
        writers: &[USER_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR],
        category: "UserManagement",
        word: "user",
    },
    Kind {
        name: "microsoft.graph.group",
        live: Resource::Groups,
        shelf: Some(Shelf::DeletedGroups),
        hidden: &["members", "owners"],
        read: &["Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
        write: &["Group.ReadWrite.All", "Directory.ReadWrite.All"],
        writers: &[GROUPS_ADMINISTRATOR, USER_ADMINISTRATOR],
        category: "GroupManagement",
        word: "group",
    },
    Kind {
        name: "microsoft.graph.application",
        live: Resource::Applications,
        shelf: Some(Shelf::DeletedApplications),
        hidden: &["owners"],
        read: &["Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
        write: &["Application.ReadWrite.All", "Directory.ReadWrite.All"],
        writers: &[APPLICATION_ADMINISTRATOR, CLOUD_APPLICATION_ADMINISTRATOR],
        category: "ApplicationManagement",
        word: "application",
    },
    Kind {
        name: "microsoft.graph.servicePrincipal",
        live: Resource::ServicePrincipals,
        shelf: Some(Shelf::DeletedServicePrincipals),
        hidden: &["appRoleAssignments", "owners"],
        read: &["Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
        write: &["Application.ReadWrite.All", "Directory.ReadWrite.All"],
        writers: &[APPLICATION_ADMINISTRATOR, CLOUD_APPLICATION_ADMINISTRATOR],
        category: "ApplicationManagement",
        word: "service principal",
    },
];

impl Kind {
    fn all<'d>(&self, directory: &'d Directory) -> Box<dyn Iterator<Item = &'d Object> + 'd> {
        match self.shelf {
            Some(shelf) => Box::new(directory.all_shelved(shelf).map(|(_, object)| object)),
            None => Box::new(directory.all(Resource::DeletedUsers)),
        }
    }

    fn find(&self, directory: &Directory, id: &str, now: Timestamp) -> Option<Object> {
        let found = match self.shelf {
            Some(shelf) => directory.shelved(shelf, id),
            None => directory.object(Resource::DeletedUsers, id),
        };
        found.filter(|object| is_kept(object, now)).cloned()
    }

    fn gone(&self, id: &str) -> Change {
        match self.shelf {
            Some(shelf) => Change::Unshelve(shelf, id.to_owned()),
            None => Change::Remove(Resource::DeletedUsers, id.to_owned()),
        }
    }

    fn shown(&self, object: &Object) -> Object {
        let mut shown = Object::new();
        shown.insert("@odata.type".to_owned(), json!(format!("#{}", self.name)));
        let rest = object.iter().filter(|(name, _)| !self.hidden.contains(&name.as_str()));
        shown.extend(rest.map(|(name, value)| (name.clone(), value.clone())));
        shown
    }
}

/// Whether a deleted object can still be restored.
pub(super) fn is_kept(object: &Object, now: Timestamp) -> bool {
    let deleted = text(object, "deletedDateTime").and_then(|text| text.parse::<Timestamp>().ok());
    deleted.is_none_or(|at| now.duration_since(at) < SignedDuration::from_hours(24 * KEPT_DAYS))
}

/// The changes that delete an object so that it can be restored.
pub(super) fn to_shelf((live, shelf): (Resource, Shelf), mut object: Object, now: Timestamp) -> Vec<Change> {
    let id = text(&object, "id").unwrap_or_default().to_owned();
    object.insert("deletedDateTime".to_owned(), json!(written(now)));
    vec![Change::Remove(live, id), Change::shelve(shelf, object)]
}

/// Answers a request below `/directory/deletedItems`.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    let now = request.tenant.clock.now();
    match (request.call.method.as_str(), rest) {
        ("GET", [name]) if name.contains('.') => {
            let kind = KINDS.iter().find(|kind| kind.name.eq_ignore_ascii_case(name));
            let kind = kind.ok_or_else(|| GraphError::no_segment(name))?;
            request.caller.needs(kind.read, &[])?;
            let directory = request.tenant.state.read();
            let kept = kind.all(&directory).filter(|object| is_kept(object, now)).map(|object| kind.shown(object));
            let kept: Vec<Object> = kept.collect();
            drop(directory);
            page_of(request, ("directoryObjects", 100), kept)
        }
        ("GET", [id]) => {
            let (kind, object) = found(request, id)?;
            request.caller.needs(kind.read, &[])?;
            Ok(request.entity(200, ("directoryObjects", kind.shown(&object))))
        }
        ("DELETE", [id]) => {
            let (kind, object) = found(request, id)?;
            may_change(request, kind, (id, &object))?;
            request.write(|directory| {
                let mut changes = vec![kind.gone(id), Change::RemoveSecrets((*id).to_owned())];
                changes.extend(traces(directory, id));
                Ok::<_, GraphError>((changes, ()))
            })?;
            audit(request, ("Hard Delete", kind), &object)?;
            Ok(Reply::empty(204))
        }
        ("POST", [id, "restore" | "microsoft.graph.restore"]) => restore(request, id),
        (_, [_, segment, ..]) => Err(GraphError::no_segment(segment)),
        _ => Err(GraphError::method()),
    }
}

fn found(request: &Request<'_>, id: &str) -> Result<(&'static Kind, Object), GraphError> {
    let (directory, now) = (request.tenant.state.read(), request.tenant.clock.now());
    let mut kinds = KINDS.iter().filter_map(|kind| Some((kind, kind.find(&directory, id, now)?)));
    kinds.next().ok_or_else(|| GraphError::not_found(id))
}

/// Who may bring something back may delete it for good too: administrators are for those who stand above them, and
/// groups that can be assigned to roles for those who assign roles.
fn may_change(request: &Request<'_>, kind: &Kind, (id, object): (&str, &Object)) -> Result<(), GraphError> {
    if kind.live == Resource::Groups && groups::is_role_assignable(object) {
        return request.needs_over(id, &["RoleManagement.ReadWrite.Directory"], &[PRIVILEGED_ROLE_ADMINISTRATOR]);
    }
    request.needs_over(id, kind.write, kind.writers)?;
    if kind.live == Resource::Users { users::protected(request, id) } else { Ok(()) }
}

/// What else is of an object that is gone for good: its roles, and its places in groups and units.
fn traces(directory: &Directory, id: &str) -> Vec<Change> {
    const ROLES: [Resource; 3] = [
        Resource::RoleAssignments,
        Resource::RoleAssignmentScheduleInstances,
        Resource::RoleEligibilityScheduleInstances,
    ];
    let is_theirs =
        |one: &&Object| text(one, "principalId").is_some_and(|principal| principal.eq_ignore_ascii_case(id));
    let gone = ROLES.into_iter().flat_map(|list| {
        let theirs = directory.all(list).filter(is_theirs).filter_map(|one| text(one, "id"));
        theirs.map(move |id| Change::Remove(list, id.to_owned()))
    });
    let lists = [Resource::Groups, Resource::AdministrativeUnits].into_iter();
    let left = lists.flat_map(|list| directory.all(list).map(move |one| (list, one))).filter_map(|(list, one)| {
        let is_in = has_member(one, id) || groups::is_owned_by(one, id);
        is_in.then(|| Change::Put(list, without(one, id)))
    });
    gone.chain(left).collect()
}

fn without(of: &Object, id: &str) -> Object {
    let mut of = of.clone();
    for name in ["members", "owners"] {
        if let Some(list) = of.get_mut(name).and_then(Value::as_array_mut) {
            list.retain(|one| !member_id(one).is_some_and(|known| known.eq_ignore_ascii_case(id)));
        }
    }
    of
}

fn restore(request: &Request<'_>, id: &str) -> Result<Reply, GraphError> {
    let (kind, known) = found(request, id)?;
    may_change(request, kind, (id, &known))?;
    let now = request.tenant.clock.now();
    let object = request.write(|directory| -> Result<_, GraphError> {
        let mut object = kind.find(directory, id, now).ok_or_else(|| GraphError::not_found(id))?;
        if kind.live == Resource::Users
            && text(&object, "userPrincipalName").is_some_and(|upn| directory.user(upn).is_some())
        {
            return Err(GraphError::bad_request(
                "Another object with the same value for property userPrincipalName already exists.",
            ));
        }
        if kind.live == Resource::ServicePrincipals {
            super::applications::is_first_of_its_app(directory, text(&object, "appId").unwrap_or_default())?;
        }
        object.insert("deletedDateTime".to_owned(), Value::Null);
        Ok((vec![kind.gone(id), Change::Put(kind.live, object.clone())], object))
    })?;
    audit(request, ("Restore", kind), &object)?;
    Ok(request.entity(200, ("directoryObjects", kind.shown(&object))))
}

fn audit(request: &Request<'_>, (what, kind): (&str, &Kind), object: &Object) -> Result<(), GraphError> {
    let upn = object.get("userPrincipalName").filter(|_| kind.live == Resource::Users);
    let target = json!([{
        "id": text(object, "id"), "type": kind.word, "displayName": text(object, "displayName"),
        "userPrincipalName": upn, "modifiedProperties": [],
    }]);
    request.audit(&format!("{what} {}", kind.word), kind.category, target)
}
