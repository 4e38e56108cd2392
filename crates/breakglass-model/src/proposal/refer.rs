//! What policies refer to, by which property; and finding it in a snapshot.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{ProposalError, ProposalKind, ProposalPlace};
use crate::group::{Group, MemberKind};
use crate::nearest::nearest;
use crate::object::ObjectKey;
use crate::snapshot::rows::WrittenMember;
use crate::snapshot::{Listing, ObjectRow, Snapshot};

/// Names that an error suggests.
pub(super) const SUGGESTED_COUNT_MAX: usize = 3;
/// Names among which a suggestion is looked for.
pub(super) const COMPARED_COUNT_MAX: usize = 10_000;

/// What a list of a policy names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameKind {
    /// Users.
    User,
    /// Groups.
    Group,
    /// Roles.
    Role,
    /// Named locations.
    NamedLocation,
}

impl NameKind {
    /// The member of a [`super::NameMap`] that it is mapped in.
    #[must_use]
    pub const fn member(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::Group => "groups",
            Self::Role => "roles",
            Self::NamedLocation => "namedLocations",
        }
    }
}

/// The lists of a policy that name objects of the tenant.
pub(super) const REFERENCES: [(&str, NameKind); 8] = [
    ("/conditions/users/includeUsers", NameKind::User),
    ("/conditions/users/excludeUsers", NameKind::User),
    ("/conditions/users/includeGroups", NameKind::Group),
    ("/conditions/users/excludeGroups", NameKind::Group),
    ("/conditions/users/includeRoles", NameKind::Role),
    ("/conditions/users/excludeRoles", NameKind::Role),
    ("/conditions/locations/includeLocations", NameKind::NamedLocation),
    ("/conditions/locations/excludeLocations", NameKind::NamedLocation),
];

/// Changes every name of an object of the tenant in a policy.
pub(super) fn rename(policy: &mut Value, mut name: impl FnMut(NameKind, &str) -> Option<String>) {
    for (pointer, referred) in REFERENCES {
        let Some(Value::Array(list)) = policy.pointer_mut(pointer) else { continue };
        for item in list {
            if let Some(new) = item.as_str().and_then(|text| name(referred, text)) {
                *item = Value::String(new);
            }
        }
    }
}

/// The id and the display name that a proposed object has.
pub(super) fn names_of(object: &Value) -> (Option<&str>, Option<&str>) {
    let text = |name: &str| object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    (text("id"), text("displayName"))
}

/// Who a proposed member of a group is.
pub(super) enum Found {
    /// The object with this id.
    Is(String),
    /// Nobody, and the lists are complete.
    Absent,
    /// Nobody whom the snapshot has; it may be somebody whom it lacks.
    Unknown,
}

/// Something that has an id and a name.
pub(super) struct Named<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
}

/// Members that nothing has but a policy.
const OF_POLICIES: [&str; 3] = ["conditions", "grantControls", "sessionControls"];
/// What the state of a policy may be.
const STATES: [&str; 3] = ["enabled", "disabled", "enabledForReportingButNotEnforced"];

/// Whether an object can be nothing but a policy, or a part of one.
fn is_of_policy(object: &Value) -> bool {
    let state = object.get("state").and_then(Value::as_str);
    OF_POLICIES.iter().any(|name| object.get(*name).is_some()) || state.is_some_and(|state| STATES.contains(&state))
}

/// Where in a list the object with an id, else the only one with a name, is.
pub(super) fn find<'a>(
    (id, name): (Option<&str>, Option<&str>),
    place: &ProposalPlace,
    kind: ProposalKind,
    list: impl Iterator<Item = Named<'a>> + Clone,
) -> Result<Option<usize>, ProposalError> {
    if let Some(id) = id {
        let by = |is: &dyn Fn(&str) -> bool| list.clone().position(|known| is(known.id));
        if let Some(at) = by(&|known| known == id).or_else(|| by(&|known| known.eq_ignore_ascii_case(id))) {
            return Ok(Some(at));
        }
    }
    let Some(name) = name else { return Ok(None) };
    let mut found: Vec<(usize, String)> = Vec::new();
    found.extend(list.enumerate().filter(|(_, known)| known.name == name).map(|(at, known)| (at, known.id.to_owned())));
    match found.as_slice() {
        [] => Ok(None),
        [(at, _)] => Ok(Some(*at)),
        several => Err(ProposalError::Ambiguous {
            place: place.clone(),
            kind,
            name: name.to_owned(),
            ids: several.iter().map(|(_, id)| id.clone()).collect(),
        }),
    }
}

/// The error that says that nothing has the name.
pub(super) fn absent<'a, T>(
    place: &ProposalPlace,
    kind: ProposalKind,
    name: &str,
    (listing, names): (&Listing<T>, impl Iterator<Item = Named<'a>>),
) -> ProposalError {
    let names: Vec<&str> = names.take(COMPARED_COUNT_MAX).flat_map(|known| [known.name, known.id]).collect();
    let near = nearest(name, names).into_iter().take(SUGGESTED_COUNT_MAX).map(str::to_owned).collect();
    let why = listing.why().map_or_else(String::new, |why| format!(" (its list is not complete: {why})"));
    ProposalError::Absent { place: place.clone(), kind, name: name.to_owned(), why: why.into(), near }
}

impl Snapshot {
    /// What an object is that does not say it: a policy where it has what policies alone have, else what the snapshot
    /// has with its id, else with its name; of several kinds the one that is expected comes first.
    pub(super) fn kind_of(&self, object: &Value, expected: ProposalKind) -> Option<ProposalKind> {
        let text = |names: [&str; 2]| names.iter().find_map(|name| object.get(*name)).and_then(Value::as_str);
        let (id, name) = (text(["id", "Id"]), text(["displayName", "DisplayName"]));
        if (id.is_some() || name.is_some()) && is_of_policy(object) {
            return Some(ProposalKind::Policy);
        }
        let kinds = [expected, ProposalKind::Policy, ProposalKind::NamedLocation, ProposalKind::Group];
        let has = |kind: ProposalKind, is_it: &dyn Fn(Named<'_>) -> bool| match kind {
            ProposalKind::Policy => self.named_policies().any(is_it),
            ProposalKind::NamedLocation => self.named_named_locations().any(is_it),
            ProposalKind::Group => self.named_groups().any(is_it),
        };
        let found = |is_it: &dyn Fn(Named<'_>) -> bool| kinds.into_iter().find(|kind| has(*kind, is_it));
        let by_id = id.and_then(|id| found(&|known| known.id.eq_ignore_ascii_case(id)));
        let wanted = name.filter(|name| !name.is_empty());
        by_id.or_else(|| wanted.and_then(|name| found(&|known| known.name == name)))
    }

    /// The policies that are not deleted and their place in the list; a deleted one has no name any more.
    pub(super) fn named_policies(&self) -> impl Iterator<Item = Named<'_>> + Clone {
        self.conditional_access_policies.items().iter().map(|policy| Named {
            id: policy.id.as_str(),
            name: if policy.is_deleted { "" } else { &policy.display_name },
        })
    }

    pub(super) fn named_named_locations(&self) -> impl Iterator<Item = Named<'_>> + Clone {
        let locations = self.named_locations.items().iter();
        locations.map(|location| Named { id: location.id.as_str(), name: &location.display_name })
    }

    /// Who proposed members are, by what they are called; those who are called by the id that they have are left out.
    /// A user may be called by the sign-in name, everybody by an id in other letters. `of` is the group: who is a member
    /// of it already is no question.
    pub(super) fn found_members<'m>(
        &self,
        members: impl Iterator<Item = &'m WrittenMember>,
        of: Option<ObjectKey>,
        own: &BTreeMap<(NameKind, String), String>,
        proposed_groups: &BTreeSet<String>,
    ) -> BTreeMap<String, Found> {
        let known: BTreeSet<ObjectKey> = of
            .and_then(|key| self.group(key)?.members.as_deref())
            .into_iter()
            .flatten()
            .map(|member| member.key)
            .collect();
        let is_there = |id: &str| {
            let key = self.objects.find(id);
            key.is_some_and(|key| self.row(key) != ObjectRow::Unlisted || known.contains(&key))
        };
        let mut found = BTreeMap::new();
        let mut wanted: BTreeMap<String, Vec<(&str, MemberKind)>> = BTreeMap::new();
        for member in members {
            let id = member.id();
            if let Some(own) = own.get(&(NameKind::Group, id.to_owned())) {
                found.insert(id.to_owned(), Found::Is(own.clone()));
            } else if !is_there(id) && !proposed_groups.contains(id) {
                wanted.entry(id.to_ascii_lowercase()).or_default().push((id, member.kind()));
            }
        }
        if wanted.is_empty() {
            return found;
        }
        let mut is_called = |called: &str, id: &str| {
            let all = wanted.remove(&called.to_ascii_lowercase()).unwrap_or_default();
            found.extend(all.into_iter().map(|(written, _)| (written.to_owned(), Found::Is(id.to_owned()))));
        };
        let keys = self.users.items().iter().map(|user| user.key);
        let keys = keys.chain(self.groups.items().iter().map(|group| group.key));
        keys.map(|key| self.objects.id(key)).for_each(|id| is_called(id, id));
        self.devices.items().iter().for_each(|device| is_called(device.id.as_str(), device.id.as_str()));
        for user in self.users.items() {
            user.user_principal_name.iter().for_each(|name| is_called(name, self.objects.id(user.key)));
        }
        for (written, kind) in wanted.into_values().flatten() {
            found.extend(self.whoever(written, kind).map(|who| (written.to_owned(), who)));
        }
        found
    }

    /// What becomes of a member whom nothing in the snapshot is called like; nothing where that makes no difference,
    /// or where somebody of whom nothing is exported is reckoned with by the id.
    fn whoever(&self, written: &str, kind: MemberKind) -> Option<Found> {
        let (users, groups) = (self.users.is_complete(), self.groups.is_complete());
        // A device, an application or a contact signs in by no policy for users.
        let others = self.devices.is_complete() && self.service_principals.is_complete();
        match kind {
            MemberKind::Device | MemberKind::ServicePrincipal => None,
            _ if written.contains('@') => Some(if users { Found::Absent } else { Found::Unknown }),
            MemberKind::User => users.then_some(Found::Absent),
            MemberKind::Group => groups.then_some(Found::Absent),
            MemberKind::Unsaid => (users && groups && others).then_some(Found::Absent),
        }
    }

    /// The ids and names of all policies or named locations, each with what it is.
    pub(super) fn all_named(&self, kind: ProposalKind) -> Vec<(ProposalKind, String, String)> {
        let told = |known: Named<'_>| (kind, known.id.to_owned(), known.name.to_owned());
        match kind {
            ProposalKind::Policy => self.named_policies().map(told).collect(),
            ProposalKind::NamedLocation => self.named_named_locations().map(told).collect(),
            ProposalKind::Group => Vec::new(),
        }
    }

    pub(super) fn named_groups(&self) -> impl Iterator<Item = Named<'_>> + Clone {
        self.groups.items().iter().map(|group| Named {
            id: self.objects.id(group.key),
            name: group.display_name.as_deref().unwrap_or_default(),
        })
    }

    /// The group with an id, found at once, else the only one with a name.
    pub(super) fn find_group(
        &self,
        (id, name): (Option<&str>, Option<&str>),
        place: &ProposalPlace,
    ) -> Result<Option<&Group>, ProposalError> {
        let key = |id: &str| self.objects.find(id).filter(|key| self.group(*key).is_some());
        let lowered = |id: &str| key(&id.to_ascii_lowercase());
        let by_id: Option<ObjectKey> = id.and_then(|id| key(id).or_else(|| lowered(id)));
        if let Some(key) = by_id {
            return Ok(self.group(key));
        }
        let at = find((None, name), place, ProposalKind::Group, self.named_groups())?;
        Ok(at.and_then(|at| self.groups.items().get(at)))
    }
}
