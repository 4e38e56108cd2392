//! `/directory/deletedItems`: users, groups and applications that were deleted, for thirty days.
//!
//! **Source:** "deletedItems: list", "restore", "permanently delete item"; the thirty days are from memory.

use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::PRIVILEGED_AUTHENTICATION_ADMINISTRATOR;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::Request;
use super::error::GraphError;
use super::list::page_of;
use crate::call::Reply;
use crate::clock::written;
use crate::ids::roles::{
    APPLICATION_ADMINISTRATOR, CLOUD_APPLICATION_ADMINISTRATOR, GROUPS_ADMINISTRATOR, USER_ADMINISTRATOR,
};
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

static KINDS: [Kind; 3] = [
    Kind {
        name: "microsoft.graph.user",
        live: Resource::Users,
        shelf: None,
        hidden: super::users::HIDDEN,
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
            request.needs_over(id, kind.write, kind.writers)?;
            let changes = vec![kind.gone(id), Change::RemoveSecrets((*id).to_owned())];
            request.tenant.state.write(|_| Ok::<_, GraphError>((changes, ())))?;
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

fn restore(request: &Request<'_>, id: &str) -> Result<Reply, GraphError> {
    let (kind, _) = found(request, id)?;
    request.needs_over(id, kind.write, kind.writers)?;
    let now = request.tenant.clock.now();
    let object = request.tenant.state.write(|directory| -> Result<_, GraphError> {
        let mut object = kind.find(directory, id, now).ok_or_else(|| GraphError::not_found(id))?;
        if kind.live == Resource::Users
            && text(&object, "userPrincipalName").is_some_and(|upn| directory.user(upn).is_some())
        {
            return Err(GraphError::bad_request(
                "Another object with the same value for property userPrincipalName already exists.",
            ));
        }
        object.insert("deletedDateTime".to_owned(), serde_json::Value::Null);
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
