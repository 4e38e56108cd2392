//! What the engine needs to know to decide one sign-in: the user, the groups and roles that it is in, and everything
//! that policies refer to. However many users the tenant has, it is no more than that.

use std::borrow::Cow;

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

/// The part that decides sign-ins of a service principal. The tenant knows what a snapshot does not tell: which of its
/// service principals are its own, and that none of them is an agent.
pub(crate) fn around_principal(directory: &Directory, id: &str) -> Result<Snapshot, AddError> {
    around_any(directory, None, id)
}

/// What stands for every service principal of this tenant.
const ALL_OF_TENANT: &str = "ServicePrincipalsInMyTenant";

/// A policy as it is about one service principal, which is no agent.
fn about_principal(directory: &Directory, policy: &Object, id: &str) -> Object {
    let mut policy = policy.clone();
    let clients = policy.get_mut("conditions").and_then(|conditions| conditions.get_mut("clientApplications"));
    let Some(clients) = clients.and_then(Value::as_object_mut) else { return policy };
    let (include, exclude) = ("includeServicePrincipals", "excludeServicePrincipals");
    if ["includeAgentIdServicePrincipals", "excludeAgentIdServicePrincipals"].iter().any(|list| {
        let list = clients.remove(*list);
        list.as_ref().and_then(Value::as_array).is_some_and(|list| !list.is_empty())
    }) && clients.get(include).and_then(Value::as_array).is_none_or(Vec::is_empty)
    {
        // It is about agents alone: about nobody here.
        clients.insert(include.to_owned(), Value::Array(vec![Value::from(NOBODY)]));
    }
    let is_own = directory.object(Resource::ServicePrincipals, id).is_some_and(|principal| {
        let app_id = text(principal, "appId");
        directory.all(Resource::Applications).any(|app| text(app, "appId") == app_id)
    });
    for list in [include, exclude] {
        for name in clients.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if name.as_str() == Some(ALL_OF_TENANT) {
                *name = Value::from(if is_own { id } else { NOBODY });
            }
        }
    }
    policy
}

/// The id of no service principal.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

fn around_any(directory: &Directory, user: Option<&Object>, id: &str) -> Result<Snapshot, AddError> {
    let mut builder = match user {
        // The same for every user, and worked out once.
        Some(_) => match directory.of_everybody.get() {
            Some(whole) => whole.clone(),
            None => {
                let whole = whole(directory, Cow::Borrowed)?;
                directory.of_everybody.get_or_init(|| whole).clone()
            }
        },
        None => whole(directory, |policy| Cow::Owned(about_principal(directory, policy, id)))?,
    };
    let mut add = |resource, objects: &mut dyn Iterator<Item = &Object>| added(&mut builder, resource, objects);
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

/// What is handed over whole, with the policies as they are about somebody.
fn whole<'d>(
    directory: &'d Directory,
    about: impl Fn(&'d Object) -> Cow<'d, Object>,
) -> Result<SnapshotBuilder, AddError> {
    let mut builder = SnapshotBuilder::default();
    for resource in WHOLE {
        if resource == Resource::ConditionalAccessPolicies {
            let policies: Vec<Cow<'_, Object>> = directory.all(resource).map(&about).collect();
            added(&mut builder, resource, &mut policies.iter().map(AsRef::as_ref))?;
        } else {
            added(&mut builder, resource, &mut directory.all(resource))?;
        }
    }
    Ok(builder)
}

fn added(
    builder: &mut SnapshotBuilder,
    resource: Resource,
    objects: &mut dyn Iterator<Item = &Object>,
) -> Result<(), AddError> {
    builder.begin(resource);
    for object in objects {
        let json = Value::Object(object.clone()).to_string();
        builder.add(resource, json.as_bytes(), resource.name())?;
    }
    Ok(())
}
