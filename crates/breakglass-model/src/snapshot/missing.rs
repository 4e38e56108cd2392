//! What an export says it could not read: which list that concerns.
//!
//! The methods of users are no list of their own: they are in the users, and so is what is known of them.
//!
//! **Invariant:** an entry that names nothing known is kept and can be asked for
//! ([`Snapshot::missing_without_list`]); none is dropped.

use super::recognise::{Target, from_context, resource_called};
use super::{MissingResource, ObjectRow, Resource, Snapshot};
use crate::property::Property;
use crate::user::{User, UserDetail};

/// The property of users that their methods are in.
pub(super) const METHODS: &str = "authenticationMethods";
/// The property of users that the report about them is in, and the report's own name.
const REGISTRATIONS: &str = "userRegistrationDetails";
/// The property of users that says when they signed in last.
const ACTIVITY: &str = "signInActivity";
/// Where Graph has the state of per-user multifactor authentication, below a user's authentication.
const REQUIREMENTS: &str = "requirements";

/// What an entry of `missing` concerns, whole or in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Concern<'a> {
    /// A list.
    List(Resource),
    /// The authentication methods of a user, by id or sign-in name; without one those of all.
    Methods(Option<&'a str>),
    /// The report of what users have registered, which stands in for their methods.
    Registrations,
    /// When users signed in last, which is in them: no user is missing without it.
    Activity,
}

/// What an entry of `missing` concerns: by its name in our format, by one of the names that a file of it may have, or by
/// Graph's path, of which ids and what lies below them may be part.
pub(super) fn concerned(name: &str) -> Option<Concern<'_>> {
    let name = name.trim().trim_matches('/');
    let named = Resource::from_name(name).or_else(|| resource_called(name));
    named.map(Concern::List).or_else(|| by_path(name))
}

fn by_path(name: &str) -> Option<Concern<'_>> {
    let path = name.split('?').next().unwrap_or_default().trim_end_matches('/');
    let path = path.trim_start_matches("https://graph.microsoft.com/");
    let path = path.strip_prefix("v1.0/").or_else(|| path.strip_prefix("beta/")).unwrap_or(path);
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let ends_with = |name: &str| segments.last().is_some_and(|last| last.eq_ignore_ascii_case(name));
    if ends_with(REGISTRATIONS) {
        return Some(Concern::Registrations);
    }
    if ends_with(ACTIVITY) {
        return Some(Concern::Activity);
    }
    if segments.len() > 1 && ends_with(REQUIREMENTS) {
        return Some(Concern::List(Resource::PerUserMfaStates));
    }
    if let Some(user) = methods_of(&segments) {
        return Some(Concern::Methods(user));
    }
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
    let list = without_id.or_else(|| prefixes.into_iter().find_map(|prefix| listed(&prefix.join("/"))));
    list.map(Concern::List)
}

/// Whose methods a path is about: `authenticationMethods`, `users/<id>/authentication/methods`, and Graph's paths of
/// single kinds of them. The outer `None` is a path of something else, the inner one all users.
fn methods_of<'a>(segments: &[&'a str]) -> Option<Option<&'a str>> {
    let is_property = |name: &str| name.eq_ignore_ascii_case(METHODS);
    let is_relation = |name: &str| name.eq_ignore_ascii_case("authentication");
    // As in `{id}`, which stands for each of them.
    let single = |user: &'a str| (!user.starts_with(['{', '<', '*', ':'])).then_some(user);
    match segments {
        [property] | ["users", property] if is_property(property) => Some(None),
        [relation] | [relation, _] | ["users", relation] | ["users", relation, _] if is_relation(relation) => {
            Some(None)
        }
        ["users", user, name] if is_property(name) || is_relation(name) => Some(single(user)),
        ["users", user, relation, ..] if is_relation(relation) => Some(single(user)),
        _ => None,
    }
}

/// Why a list is not complete, in the words of the entry; a name of its own is told with it.
pub(super) fn reason(missing: &MissingResource, resource: &str) -> String {
    let is_path = missing.resource.contains('/') && missing.resource != resource;
    if is_path { format!("`{}`: {}", missing.resource, missing.why) } else { missing.why.clone() }
}

impl Snapshot {
    /// Why the authentication methods of a user are not, or not all, there; `None` where the export says nothing of it.
    #[must_use]
    pub fn why_methods_unread<'s>(&'s self, user: &'s User) -> Option<&'s str> {
        user.detail().methods_unread.as_deref().or(self.methods_unread.as_deref())
    }

    /// What the export could not read of the methods of users.
    pub fn methods_missing(&self) -> impl Iterator<Item = &MissingResource> {
        self.missing.iter().filter(|missing| matches!(concerned(&missing.resource), Some(Concern::Methods(_))))
    }

    /// What the export says of the report of registrations that it could not read.
    pub fn registrations_missing(&self) -> impl Iterator<Item = &MissingResource> {
        self.missing.iter().filter(|missing| concerned(&missing.resource) == Some(Concern::Registrations))
    }

    /// What the export could not read of the users' last sign-ins.
    pub fn activity_missing(&self) -> impl Iterator<Item = &MissingResource> {
        self.missing.iter().filter(|missing| concerned(&missing.resource) == Some(Concern::Activity))
    }

    /// Notes why methods are not all there. An empty list of them then says nothing and counts as not exported, as with
    /// every other list; others are kept as parts.
    pub(super) fn doubt_methods(&mut self, user: Option<&str>, why: &str) {
        let doubt = |detail: &mut UserDetail| {
            if detail.authentication_methods.value().is_some_and(Vec::is_empty) {
                detail.authentication_methods = Property::Absent;
            }
            detail.methods_unread = Some(why.into());
        };
        let Some(user) = user else {
            self.methods_unread = Some(why.into());
            // Whoever has no detail has no methods there, and is told by the reason for all.
            self.users.items_mut().iter_mut().filter_map(|user| user.detail.as_deref_mut()).for_each(doubt);
            return;
        };
        if let Some(ObjectRow::User(at)) = self.find_user(user).map(|user| self.row(user.key))
            && let Some(user) = self.users.items_mut().get_mut(at as usize)
        {
            doubt(user.detail.get_or_insert_default());
        }
    }

    /// Entries of `missing` that name no list that this version knows.
    pub fn missing_without_list(&self) -> impl Iterator<Item = &MissingResource> {
        self.missing.iter().filter(|missing| concerned(&missing.resource).is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::{Concern, Resource, concerned};

    #[test]
    fn names_and_paths_of_lists() {
        for (name, expected) in [
            ("conditionalAccessPolicies", Some(Resource::ConditionalAccessPolicies)),
            ("policies", Some(Resource::ConditionalAccessPolicies)),
            ("identity/conditionalAccess/policies", Some(Resource::ConditionalAccessPolicies)),
            ("https://graph.microsoft.com/v1.0/groups?$top=999", Some(Resource::Groups)),
            ("/beta/users/u1", Some(Resource::Users)),
            ("Groups", Some(Resource::Groups)),
            ("groups/g1/members", Some(Resource::Groups)),
            ("servicePrincipals/s1/appRoleAssignments", Some(Resource::AppRoleAssignments)),
            ("domains/contoso.com/federationConfiguration", Some(Resource::FederationConfigurations)),
            ("roleManagement/directory/roleAssignments", Some(Resource::RoleAssignments)),
            ("roleAssignments/a1", Some(Resource::RoleAssignments)),
            ("users/u1/authentication/requirements", Some(Resource::PerUserMfaStates)),
            ("policies/roleManagementPolicies", Some(Resource::RoleManagementPolicies)),
            ("policies/authorizationPolicy", None),
            ("reports/usage", None),
            ("phaseOfTheMoon", None),
            ("", None),
        ] {
            assert_eq!(concerned(name), expected.map(Concern::List), "{name}");
        }
    }

    #[test]
    fn methods_of_users() {
        for (name, of) in [
            ("authenticationMethods", None),
            ("users/authenticationMethods", None),
            ("users/authentication/methods", None),
            ("authentication/methods", None),
            ("https://graph.microsoft.com/v1.0/users/{id}/authentication/methods", None),
            ("/beta/users/u1/authentication/methods", Some("u1")),
            ("users/anna@contoso.example/authentication/fido2Methods?$top=9", Some("anna@contoso.example")),
            ("users/u1/authenticationMethods", Some("u1")),
        ] {
            assert_eq!(concerned(name), Some(Concern::Methods(of)), "{name}");
        }
        for name in ["authenticationMethodsPolicy", "policies/authenticationMethodsPolicy", "users/u1/manager"] {
            assert!(matches!(concerned(name), Some(Concern::List(_))), "{name}");
        }
        for name in ["reports/authenticationMethods/userRegistrationDetails", "userRegistrationDetails"] {
            assert_eq!(concerned(name), Some(Concern::Registrations), "{name}");
        }
        for name in ["users/u1/signInActivity", "/v1.0/users/u1/signInActivity", "signInActivity"] {
            assert_eq!(concerned(name), Some(Concern::Activity), "{name}");
        }
    }
}
