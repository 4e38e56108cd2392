//! `$expand`: which relations objects of a resource have, and what is on the other side.
//!
//! **Source:** "Use query parameters to customize responses", `$expand`: of objects of the directory at most twenty related
//! ones are shown, and nothing leads to the others; the relations from the schema.

use breakglass_model::snapshot::Resource;
use serde_json::Value;

use super::error::GraphError;
use super::membership::{self, Reach, memberships};
use super::relations::READ_USERS;
use super::{Request, directory_objects, relations, roles};
use crate::state::{Object, text};

const OF_ROLES: &[&str] = &["principal", "roleDefinition", "directoryScope"];

/// The relations of a resource that can be expanded.
pub(super) const fn relations_of(resource: Resource) -> &'static [&'static str] {
    match resource {
        Resource::Users => &["manager", "directReports", "memberOf", "transitiveMemberOf"],
        Resource::Groups => &["members", "owners", "memberOf", "transitiveMembers"],
        Resource::Applications => &["owners"],
        Resource::ServicePrincipals => &["owners", "memberOf"],
        Resource::AdministrativeUnits => &["members"],
        Resource::Devices => &["memberOf", "registeredOwners", "registeredUsers"],
        Resource::RoleAssignments
        | Resource::RoleAssignmentScheduleInstances
        | Resource::RoleEligibilityScheduleInstances => OF_ROLES,
        _ => &[],
    }
}

/// Whether the caller may see what is on the other side: as where it is asked for by itself.
pub(super) fn may_see(request: &Request<'_>, resource: Resource, relation: &str) -> Result<(), GraphError> {
    let permissions = match (resource, relation) {
        (Resource::Users, "manager" | "directReports") => READ_USERS,
        (_, "memberOf" | "transitiveMemberOf") | (Resource::Groups, _) => membership::READ,
        // Whoever may read the objects may read these of them.
        _ => return Ok(()),
    };
    request.caller.needs(permissions, &[])
}

/// What an object is related to: an object, null, or a list. Nobody holds the lock of the state while this is asked.
pub(super) fn related(request: &Request<'_>, resource: Resource, (object, relation): (&Object, &str)) -> Option<Value> {
    let id = text(object, "id").unwrap_or_default();
    let list = |objects: Vec<Object>| Some(objects.into_iter().map(Value::Object).collect());
    match (resource, relation) {
        (_, "memberOf") => return list(memberships(request, (id, Reach::Direct))),
        (_, "transitiveMemberOf") => return list(memberships(request, (id, Reach::Transitive))),
        _ => {}
    }
    let directory = request.tenant.state.read();
    let one = |id: &str| directory_objects::shown(&directory, id).map_or(Value::Null, Value::Object);
    match (resource, relation) {
        (Resource::Users, "manager") => relations::manager_of(&directory, id).map(|id| one(&id)),
        (Resource::Users, "directReports") => list(relations::reports_of(&directory, id)),
        (_, "principal") => Some(one(text(object, "principalId")?)),
        (_, "roleDefinition") => {
            let definition = directory.object(Resource::RoleDefinitions, text(object, "roleDefinitionId")?);
            Some(definition.map_or(Value::Null, |known| Value::Object(roles::definition(known))))
        }
        (_, "directoryScope") => Some(one(text(object, "directoryScopeId")?.trim_start_matches('/'))),
        (Resource::Devices, relation) => {
            let device = directory.object(Resource::Devices, id)?;
            let people = device.get(relation).and_then(Value::as_array).into_iter().flatten();
            Some(people.filter_map(|person| Some(one(person.get("id")?.as_str()?))).collect())
        }
        (_, relation) => list(relations::listed(&directory, (resource, id), relation)),
    }
}
