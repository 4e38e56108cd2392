//! What the engine needs to know to decide one sign-in: the user, the groups and roles that it is in, and everything
//! that policies refer to. However many users the tenant has, it is no more than that.

use breakglass_model::snapshot::{AddError, Resource, Snapshot, SnapshotBuilder};
use serde_json::Value;

use super::groups_of;
use crate::state::{Directory, Object, text};

/// Resources that are handed over whole.
const WHOLE: [Resource; 12] = [
    Resource::Organization,
    Resource::Domains,
    Resource::ServicePrincipals,
    Resource::Applications,
    Resource::RoleDefinitions,
    Resource::ConditionalAccessPolicies,
    Resource::NamedLocations,
    Resource::AuthenticationStrengthPolicies,
    Resource::AuthenticationMethodsPolicy,
    Resource::IdentitySecurityDefaultsEnforcementPolicy,
    Resource::TermsOfUseAgreements,
    Resource::PerUserMfaStates,
];
/// Resources of which what is about somebody is handed over.
const OF_PRINCIPALS: [Resource; 3] =
    [Resource::RoleAssignments, Resource::RoleAssignmentScheduleInstances, Resource::RoleEligibilityScheduleInstances];

/// The part of the tenant that decides sign-ins of one user.
pub(crate) fn around(directory: &Directory, user: &Object) -> Result<Snapshot, AddError> {
    around_any(directory, Some(user), text(user, "id").unwrap_or_default())
}

/// The part that decides sign-ins of a service principal.
pub(crate) fn around_principal(directory: &Directory, id: &str) -> Result<Snapshot, AddError> {
    around_any(directory, None, id)
}

fn around_any(directory: &Directory, user: Option<&Object>, id: &str) -> Result<Snapshot, AddError> {
    let mut builder = SnapshotBuilder::default();
    let mut add = |resource: Resource, objects: &mut dyn Iterator<Item = &Object>| -> Result<(), AddError> {
        builder.begin(resource);
        for object in objects {
            let json = Value::Object(object.clone()).to_string();
            builder.add(resource, json.as_bytes(), resource.name())?;
        }
        Ok(())
    };
    for resource in WHOLE {
        add(resource, &mut directory.all(resource))?;
    }
    let mut principals = groups_of(directory, id);
    add(Resource::Users, &mut user.into_iter())?;
    add(Resource::Groups, &mut principals.iter().filter_map(|group| directory.object(Resource::Groups, group)))?;
    principals.push(id.to_ascii_lowercase());
    let is_theirs = |assignment: &&Object| {
        text(assignment, "principalId").is_some_and(|id| principals.contains(&id.to_ascii_lowercase()))
    };
    for resource in OF_PRINCIPALS {
        add(resource, &mut directory.all(resource).filter(is_theirs))?;
    }
    add(Resource::Devices, &mut std::iter::empty())?;
    add(Resource::AdministrativeUnits, &mut std::iter::empty())?;
    Ok(builder.finish())
}
