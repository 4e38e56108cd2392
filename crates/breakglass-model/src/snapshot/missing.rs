//! What an export says it could not read: which list that concerns.
//!
//! **Invariant:** an entry that names nothing known is kept and can be asked for
//! ([`Snapshot::missing_without_list`]); none is dropped.

use super::recognise::{Target, from_context, resource_called};
use super::{MissingResource, Resource, Snapshot};

/// The list that an entry of `missing` concerns, whole or in part: by its name in our format, by one of the names that
/// a file of it may have, or by Graph's path, of which ids and what lies below them may be part.
pub(super) fn concerned(name: &str) -> Option<Resource> {
    let name = name.trim().trim_matches('/');
    if let Some(resource) = Resource::from_name(name).or_else(|| resource_called(name)) {
        return Some(resource);
    }
    let path = name.split('?').next().unwrap_or_default().trim_end_matches('/');
    let path = path.trim_start_matches("https://graph.microsoft.com/");
    let path = path.strip_prefix("v1.0/").or_else(|| path.strip_prefix("beta/")).unwrap_or(path);
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let listed = |path: &str| match from_context(&format!("#{path}")) {
        Some(Target::Resource(resource)) => Some(resource),
        Some(Target::MethodConfigurations) => Some(Resource::AuthenticationMethodsPolicy),
        _ => Resource::from_name(path),
    };
    // `servicePrincipals/<id>/appRoleAssignments` is a list of its own; `groups/<id>/members` is part of the groups.
    let without_id = match segments.as_slice() {
        [owner, _, relation] => listed(&format!("{owner}/{relation}")),
        _ => None,
    };
    let prefixes = (1..=segments.len()).rev().filter_map(|length| segments.get(..length));
    without_id.or_else(|| prefixes.into_iter().find_map(|prefix| listed(&prefix.join("/"))))
}

/// Why a list is not complete, in the words of the entry; a name of its own is told with it.
pub(super) fn reason(missing: &MissingResource, resource: Resource) -> String {
    let is_path = missing.resource.contains('/') && missing.resource != resource.name();
    if is_path { format!("`{}`: {}", missing.resource, missing.why) } else { missing.why.clone() }
}

impl Snapshot {
    /// Entries of `missing` that name no list that this version knows.
    pub fn missing_without_list(&self) -> impl Iterator<Item = &MissingResource> {
        self.missing.iter().filter(|missing| concerned(&missing.resource).is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::{Resource, concerned};

    #[test]
    fn names_and_paths_of_lists() {
        for (name, expected) in [
            ("conditionalAccessPolicies", Some(Resource::ConditionalAccessPolicies)),
            ("policies", Some(Resource::ConditionalAccessPolicies)),
            ("identity/conditionalAccess/policies", Some(Resource::ConditionalAccessPolicies)),
            ("https://graph.microsoft.com/v1.0/groups?$top=999", Some(Resource::Groups)),
            ("/beta/users/u1/authentication/methods", Some(Resource::Users)),
            ("Groups", Some(Resource::Groups)),
            ("groups/g1/members", Some(Resource::Groups)),
            ("servicePrincipals/s1/appRoleAssignments", Some(Resource::AppRoleAssignments)),
            ("domains/contoso.com/federationConfiguration", Some(Resource::FederationConfigurations)),
            ("roleManagement/directory/roleAssignments", Some(Resource::RoleAssignments)),
            ("roleAssignments/a1", Some(Resource::RoleAssignments)),
            ("policies/roleManagementPolicies", Some(Resource::RoleManagementPolicies)),
            ("policies/authorizationPolicy", None),
            ("reports/usage", None),
            ("phaseOfTheMoon", None),
            ("", None),
        ] {
            assert_eq!(concerned(name), expected, "{name}");
        }
    }
}
