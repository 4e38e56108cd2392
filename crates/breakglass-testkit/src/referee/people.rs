//! People against the users condition: ids, groups, roles and kinds of guests.

use breakglass_model::object::ObjectKey;
use breakglass_model::policy::{
    ConditionalAccessExternalTenants, ConditionalAccessGuestsOrExternalUsers, ConditionalAccessUsers,
    GuestOrExternalUserType,
};
use breakglass_model::property::Property;
use breakglass_model::role::{RoleAssignment, RoleDefinition};
use breakglass_model::user::{User, UserType};
use breakglass_model::well_known::built_in_role;

use super::Referee;
use super::answer::Answer;
use super::sign_in::Person;

/// What kind of guest or external user somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind<'a> {
    Unknown,
    NotExternal,
    OneOf(&'a [GuestOrExternalUserType]),
}

impl Referee<'_> {
    pub(super) fn users(&self, users: &ConditionalAccessUsers, person: &Person<'_>) -> Answer {
        let list = |ids: &[String]| Answer::any(ids.iter().map(|id| is_listed(id, person)));
        let groups = |ids: &[_]| Answer::any(ids.iter().map(|id| self.is_member(AsRef::as_ref(id), person.key)));
        let included = Answer::any([
            list(&users.include_users),
            groups(&users.include_groups),
            Answer::any(users.include_roles.iter().map(|role| self.holds_role(role.as_str(), person))),
            users.include_guests_or_external_users.as_ref().map_or(Answer::No, |guests| are_guests(guests, person)),
        ]);
        included.without(self.excluded(users, person))
    }

    /// Whether the condition names the person among those that it does not mean.
    pub(super) fn excluded(&self, users: &ConditionalAccessUsers, person: &Person<'_>) -> Answer {
        Answer::any([
            Answer::any(users.exclude_users.iter().map(|id| is_listed(id, person))),
            Answer::any(users.exclude_groups.iter().map(|id| self.is_member(AsRef::as_ref(id), person.key))),
            Answer::any(users.exclude_roles.iter().map(|role| self.holds_role(role.as_str(), person))),
            users.exclude_guests_or_external_users.as_ref().map_or(Answer::No, |guests| are_guests(guests, person)),
        ])
    }

    /// Whether somebody is in a group, directly or through groups in it.
    pub(crate) fn is_member(&self, group_id: &str, person: Option<ObjectKey>) -> Answer {
        let groups = self.snapshot.groups.items();
        let absence = Answer::of_absence(self.snapshot.groups.get());
        let with_key = |key: ObjectKey| groups.iter().find(|group| group.key == key);
        let Some(first) = groups.iter().find(|group| self.snapshot.objects.id(group.key) == group_id) else {
            return absence;
        };
        let mut answer = absence;
        let mut seen = Vec::new();
        let mut open = vec![first];
        while let Some(group) = open.pop() {
            if seen.contains(&group.key) {
                continue;
            }
            seen.push(group.key);
            let Some(members) = &group.members else {
                answer = Answer::Unknown;
                continue;
            };
            for member in members {
                use breakglass_model::group::MemberKind::{Device, Group, ServicePrincipal, Unsaid, User};
                match (member.kind, with_key(member.key)) {
                    (User | Unsaid, _) if Some(member.key) == person => return Answer::Yes,
                    (Group | Unsaid, Some(nested)) => open.push(nested),
                    (Group, None) => answer = Answer::Unknown,
                    (User | Device | ServicePrincipal | Unsaid, _) => {}
                }
            }
        }
        answer
    }

    /// Whether somebody holds a built-in role, now and in the whole tenant.
    fn holds_role(&self, role: &str, person: &Person<'_>) -> Answer {
        let definitions = self.snapshot.role_definitions.items();
        let is_custom = definitions.iter().any(|definition| {
            definition.is_built_in == Some(false) && definition.id.as_str() == role && built_in_role(role).is_none()
        });
        if is_custom {
            return Answer::No;
        }
        let assignments = &self.snapshot.role_assignments;
        let instances = &self.snapshot.role_assignment_schedule_instances;
        // Either list alone has everything that is active.
        let mut answer = Answer::of_absence(assignments.get()).and(Answer::of_absence(instances.get()));
        for assignment in assignments.items().iter().chain(instances.items()) {
            if self.is_of_role(assignment, role) && is_tenant_wide(assignment) && self.is_current(assignment) {
                answer = answer.max(self.is_principal(assignment.principal_id.as_str(), (person.id, person.key)));
            }
        }
        answer
    }

    /// Whether an assignment is of the role with this template id; it may name the tenant's own id instead.
    fn is_of_role(&self, assignment: &RoleAssignment, role: &str) -> bool {
        self.means_role(assignment.role_definition_id.as_str(), role)
    }

    /// Whether a role that is named by its template id or by the tenant's own id is the one with this template id.
    pub(crate) fn means_role(&self, named: &str, role: &str) -> bool {
        let mut definitions = self.snapshot.role_definitions.items().iter();
        let is_meant = |definition: &&RoleDefinition| {
            definition.id.as_str() == named
                && definition.is_built_in != Some(false)
                && definition.template_id.is_some()
                && built_in_role(named).is_none()
        };
        let template = definitions.find(is_meant).and_then(|definition| definition.template_id.as_ref());
        template.map_or(named, AsRef::as_ref) == role
    }

    pub(crate) fn is_current(&self, assignment: &RoleAssignment) -> bool {
        let time = |text: Option<&String>| -> Option<jiff::Timestamp> { text?.parse().ok() };
        let has_begun = time(assignment.start_date_time.as_ref()).is_none_or(|start| start <= self.now);
        let has_ended = time(assignment.end_date_time.value()).is_some_and(|end| end <= self.now);
        has_begun && !has_ended
    }

    /// Whether the principal of an assignment is the person, or a group that the person is in.
    pub(crate) fn is_principal(&self, principal: &str, person: (&str, Option<ObjectKey>)) -> Answer {
        let (own_id, own_key) = person;
        if principal == own_id {
            return Answer::Yes;
        }
        let id = |key: ObjectKey| self.snapshot.objects.id(key);
        let is_other_user = self.snapshot.users.items().iter().any(|user| id(user.key) == principal);
        let is_service_principal =
            self.snapshot.service_principals.items().iter().any(|listed| listed.id.as_str() == principal);
        if is_other_user || is_service_principal { Answer::No } else { self.is_member(principal, own_key) }
    }
}

fn is_tenant_wide(assignment: &RoleAssignment) -> bool {
    let is_whole = |scope: Option<&str>| matches!(scope, None | Some("/"));
    let app_scope = assignment.rest.get("appScopeId").filter(|scope| !scope.is_null());
    is_whole(assignment.directory_scope_id.value().map(String::as_str)) && app_scope.is_none_or(|scope| scope == "/")
}

/// An entry of `includeUsers` or `excludeUsers`.
fn is_listed(entry: &str, person: &Person<'_>) -> Answer {
    match entry {
        "All" => Answer::Yes,
        "None" => Answer::No,
        "GuestsOrExternalUsers" => match kind(person) {
            Kind::Unknown => Answer::Unknown,
            Kind::NotExternal => Answer::No,
            Kind::OneOf(_) => Answer::Yes,
        },
        id => Answer::of(id == person.id),
    }
}

fn are_guests(guests: &ConditionalAccessGuestsOrExternalUsers, person: &Person<'_>) -> Answer {
    let kind = kind(person);
    Answer::any(guests.guest_or_external_user_types.iter().map(|wanted| match wanted {
        GuestOrExternalUserType::None => Answer::No,
        GuestOrExternalUserType::Unknown(_) => Answer::Unknown,
        wanted => {
            let is_wanted = match kind {
                Kind::Unknown => Answer::Unknown,
                Kind::NotExternal => Answer::No,
                Kind::OneOf(kinds) => Answer::of(kinds.contains(wanted)),
            };
            is_wanted.and(is_from(guests.external_tenants.as_ref(), wanted, person.external_tenant_id))
        }
    }))
}

/// Whether somebody of this kind comes from one of the tenants.
fn is_from(
    tenants: Option<&ConditionalAccessExternalTenants>,
    kind: &GuestOrExternalUserType,
    home: Option<&str>,
) -> Answer {
    let Some(tenants) = tenants else { return Answer::Yes };
    match (tenants.membership_kind.as_deref(), home) {
        (Some("all"), _) => Answer::Yes,
        (None, _) if tenants.members.is_empty() => Answer::Yes,
        (Some("enumerated") | None, Some(home)) => {
            Answer::of(tenants.members.iter().any(|member| member.eq_ignore_ascii_case(home)))
        }
        (Some("enumerated") | None, None) if *kind == GuestOrExternalUserType::InternalGuest => Answer::No,
        _ => Answer::Unknown,
    }
}

fn kind<'a>(person: &'a Person<'_>) -> Kind<'a> {
    const INTERNAL_GUEST: &[GuestOrExternalUserType] = &[GuestOrExternalUserType::InternalGuest];
    const INVITED_GUEST: &[GuestOrExternalUserType] = &[GuestOrExternalUserType::B2bCollaborationGuest];
    const INVITED_MEMBER: &[GuestOrExternalUserType] = &[GuestOrExternalUserType::B2bCollaborationMember];
    if let Some(types) = &person.external_types {
        return Kind::OneOf(types);
    }
    let Some(user) = person.user else { return Kind::Unknown };
    match (&user.user_type, is_invited(user)) {
        (Property::Absent | Property::Value(UserType::Unknown(_)), _) => Kind::Unknown,
        (Property::Value(UserType::Guest), true) => Kind::OneOf(INVITED_GUEST),
        (Property::Value(UserType::Guest), false) => Kind::OneOf(INTERNAL_GUEST),
        (Property::Value(UserType::Member) | Property::Null, true) => Kind::OneOf(INVITED_MEMBER),
        (Property::Value(UserType::Member) | Property::Null, false) => Kind::NotExternal,
    }
}

/// Whether the account bears a mark of an invitation.
fn is_invited(user: &User) -> bool {
    let detail = user.detail();
    user.user_principal_name.as_deref().is_some_and(|name| name.contains("#EXT#"))
        || detail.creation_type.value().is_some_and(|kind| kind == "Invitation")
        || detail.external_user_state.value().is_some()
}
