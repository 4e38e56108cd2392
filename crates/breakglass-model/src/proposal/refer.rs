//! What policies refer to, by which property; and finding it in a snapshot.

use serde_json::Value;

use super::{ProposalError, ProposalKind, ProposalPlace};
use crate::group::Group;
use crate::nearest::nearest;
use crate::object::ObjectKey;
use crate::snapshot::{Listing, Snapshot};

/// Names that an error suggests.
const SUGGESTED_COUNT_MAX: usize = 3;
/// Names among which a suggestion is looked for.
const COMPARED_COUNT_MAX: usize = 10_000;

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

/// Something that has an id and a name.
pub(super) struct Named<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
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
