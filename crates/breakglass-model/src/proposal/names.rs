//! What the objects of a policy set are called in the tenant.
//!
//! A set of policies from elsewhere names groups, users, locations and roles of the tenant that it was written for. A
//! [`NameMap`] says, for each of these, an id or a name in this tenant. [`Proposal::map_names`] puts the tenant's ids
//! into the proposal and lists what nobody mapped.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::refer::{NameKind, REFERENCES, names_of, rename};
use super::{Proposal, Proposed};
use crate::nearest::nearest;
use crate::policy::NOT_MAPPED;
use crate::snapshot::Snapshot;
use crate::well_known::{MFA_TRUSTED_IPS, built_in_role, built_in_role_named};

/// Names among which a suggestion is looked for.
const COMPARED_COUNT_MAX: usize = 10_000;

/// Id or name in the policy set, to id or name in the tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NameMap {
    /// Users; in the tenant by id or sign-in name.
    #[serde(deserialize_with = "distinct")]
    pub users: BTreeMap<String, String>,
    /// Groups; in the tenant by id or display name.
    #[serde(deserialize_with = "distinct")]
    pub groups: BTreeMap<String, String>,
    /// Named locations; in the tenant by id or display name.
    #[serde(alias = "named_locations", deserialize_with = "distinct")]
    pub named_locations: BTreeMap<String, String>,
    /// Roles; in the tenant by template id or name.
    #[serde(deserialize_with = "distinct")]
    pub roles: BTreeMap<String, String>,
}

/// Reads entries of which none is there twice: of two the reader would take one.
fn distinct<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    struct Entries;

    impl<'de> Visitor<'de> for Entries {
        type Value = BTreeMap<String, String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of names to names")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
            let mut entries = BTreeMap::new();
            while let Some((from, to)) = members.next_entry::<String, String>()? {
                if entries.contains_key(&from) {
                    return Err(A::Error::custom(format_args!("the key `{from}` is there twice")));
                }
                entries.insert(from, to);
            }
            Ok(entries)
        }
    }

    deserializer.deserialize_map(Entries)
}

/// A name of the policy set that nobody mapped and the tenant does not have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unmapped {
    /// What it is.
    pub kind: NameKind,
    /// The id or name, as it was written.
    pub written: String,
    /// What the policy set calls it, where it says so.
    pub name: Option<String>,
    /// The policies that name it, by display name.
    pub policies: BTreeSet<String>,
}

impl fmt::Display for Unmapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` in {}", self.written, self.kind.member())?;
        if let Some(name) = &self.name {
            write!(f, " (`{name}`)")?;
        }
        let count = self.policies.len();
        write!(f, ", named by {count} {}", if count == 1 { "policy" } else { "policies" })
    }
}

/// What mapping did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    /// How many references were given another id.
    pub mapped: usize,
    /// What was not mapped, and is not in the tenant either.
    pub unmapped: Vec<Unmapped>,
    /// Entries of the map that nothing asked for.
    pub unused: Vec<(NameKind, String)>,
}

/// Why a map does not fit the tenant.
#[derive(Debug, thiserror::Error)]
pub enum NameMapError {
    /// What a name is mapped to is not in the tenant.
    #[error("`{}.{from}` is mapped to `{to}`, which the snapshot does not have{}", kind.member(), meant(near))]
    Absent {
        /// What it is.
        kind: NameKind,
        /// The name in the policy set.
        from: String,
        /// The name in the tenant.
        to: String,
        /// Names that may have been meant.
        near: Vec<String>,
    },
    /// Several objects of the tenant have the name.
    #[error("`{}.{from}` is mapped to `{to}`, which is the name of several: give the id", kind.member())]
    Ambiguous {
        /// What it is.
        kind: NameKind,
        /// The name in the policy set.
        from: String,
        /// The name in the tenant.
        to: String,
    },
}

fn meant(near: &[String]) -> String {
    match near.first() {
        Some(name) => format!("; did you mean `{name}`?"),
        None => String::new(),
    }
}

impl NameMap {
    fn entries(&self) -> impl Iterator<Item = (NameKind, &String, &String)> {
        let kinds = [
            (NameKind::User, &self.users),
            (NameKind::Group, &self.groups),
            (NameKind::Role, &self.roles),
            (NameKind::NamedLocation, &self.named_locations),
        ];
        kinds.into_iter().flat_map(|(kind, entries)| entries.iter().map(move |(from, to)| (kind, from, to)))
    }
}

/// Ids of all objects of the tenant with a name.
fn ids_named(snapshot: &Snapshot, kind: NameKind, name: &str) -> Vec<String> {
    let known = |id: &str| snapshot.objects.find(id);
    match kind {
        NameKind::User => {
            let user = snapshot.find_user(name);
            user.map(|user| snapshot.objects.id(user.key).to_owned()).into_iter().collect()
        }
        NameKind::Group => match known(name).filter(|key| snapshot.group(*key).is_some()) {
            Some(_) => vec![name.to_owned()],
            None => named(snapshot.named_groups().map(|group| (group.id, group.name)), name),
        },
        NameKind::NamedLocation => {
            let locations = || snapshot.named_named_locations().map(|location| (location.id, location.name));
            match locations().any(|(id, _)| id == name) || name == MFA_TRUSTED_IPS {
                true => vec![name.to_owned()],
                false => named(locations(), name),
            }
        }
        NameKind::Role => role_ids(snapshot, name),
    }
}

fn named<'a>(list: impl Iterator<Item = (&'a str, &'a str)>, name: &str) -> Vec<String> {
    list.filter(|(_, known)| *known == name).map(|(id, _)| id.to_owned()).collect()
}

fn role_ids(snapshot: &Snapshot, name: &str) -> Vec<String> {
    if let Some(role) = built_in_role(name).or_else(|| built_in_role_named(name)) {
        return vec![role.template_id.to_owned()];
    }
    let roles = snapshot.role_definitions.items().iter().filter(|role| {
        let is_template = role.template_id.as_ref().is_some_and(|id| id.as_str() == name);
        is_template || role.id.as_str() == name || role.display_name.as_deref() == Some(name)
    });
    roles.map(|role| role.template_id.as_ref().unwrap_or(&role.id).as_str().to_owned()).collect()
}

fn names_known(snapshot: &Snapshot, kind: NameKind) -> Vec<&str> {
    match kind {
        NameKind::User => {
            let users = snapshot.users.items().iter().take(COMPARED_COUNT_MAX);
            users.filter_map(|user| user.user_principal_name.as_deref()).collect()
        }
        NameKind::Group => snapshot.named_groups().take(COMPARED_COUNT_MAX).map(|group| group.name).collect(),
        NameKind::NamedLocation => snapshot.named_named_locations().map(|location| location.name).collect(),
        NameKind::Role => crate::well_known::BUILT_IN_ROLES.iter().map(|role| role.name).collect(),
    }
}

/// Words that stand for no object.
fn is_keyword(kind: NameKind, text: &str) -> bool {
    match kind {
        NameKind::User => matches!(text, "All" | "None" | "GuestsOrExternalUsers"),
        NameKind::NamedLocation => matches!(text, "All" | "AllTrusted"),
        NameKind::Group | NameKind::Role => false,
    }
}

impl Proposal {
    /// Puts the tenant's ids into the proposal where the map says so. A name is looked for in the map as it is written,
    /// then by what the policy set calls it (its own groups and locations, where the proposal has them).
    ///
    /// # Errors
    /// When the map names something that the tenant does not have; the proposal is then as it was.
    pub fn map_names(&mut self, map: &NameMap, snapshot: &Snapshot) -> Result<Mapping, NameMapError> {
        let mut ids = BTreeMap::new();
        for (kind, from, to) in map.entries() {
            let (from, to) = (from.clone(), to.clone());
            let found = ids_named(snapshot, kind, &to);
            match found.as_slice() {
                [id] => drop(ids.insert((kind, from), id.clone())),
                [] => {
                    let near = nearest(&to, names_known(snapshot, kind)).into_iter().map(str::to_owned).collect();
                    return Err(NameMapError::Absent { kind, from, to, near });
                }
                _ => return Err(NameMapError::Ambiguous { kind, from, to }),
            }
        }
        let own = self.own_names();
        let mut mapper = Mapper { ids, own, snapshot, used: BTreeSet::new(), unmapped: BTreeMap::new(), mapped: 0 };
        for change in &mut self.changes {
            match &mut change.proposed {
                Proposed::Policy(policy) => mapper.policy(policy),
                Proposed::Group(object) => mapper.object(NameKind::Group, object),
                Proposed::NamedLocation(object) => mapper.object(NameKind::NamedLocation, object),
                Proposed::PolicyRemoved(_) | Proposed::NamedLocationRemoved(_) | Proposed::GroupRemoved(_) => {}
            }
        }
        let Mapper { ids, used, unmapped, mapped, .. } = mapper;
        let unused = ids.into_keys().filter(|key| !used.contains(key)).collect();
        Ok(Mapping { mapped, unmapped: unmapped.into_values().collect(), unused })
    }

    /// Marks, where there is no map, the policies that include what the tenant does not have: whom or what it means
    /// cannot be told. An id that a policy of the tenant names is the tenant's own, and its object is gone.
    pub fn mark_unknown_inclusions(&mut self, snapshot: &Snapshot) {
        let mut known: BTreeSet<(NameKind, String)> = self.own_names().into_keys().collect();
        for policy in snapshot.conditional_access_policies.items() {
            known.extend(REFERENCES.iter().flat_map(|(pointer, kind)| {
                written(&policy.source, pointer).map(move |name| (*kind, name.to_owned()))
            }));
        }
        let is_list_whole = |kind: NameKind| match kind {
            NameKind::User => snapshot.users.is_complete(),
            NameKind::Group => snapshot.groups.is_complete(),
            NameKind::NamedLocation => snapshot.named_locations.is_complete(),
            // Roles that are built in are known without a list.
            NameKind::Role => true,
        };
        let is_strange = |kind: NameKind, name: &str| {
            !is_keyword(kind, name)
                && is_list_whole(kind)
                && !known.contains(&(kind, name.to_owned()))
                && !is_in_tenant(snapshot, kind, name)
        };
        for change in &mut self.changes {
            let Proposed::Policy(policy) = &mut change.proposed else { continue };
            let inclusions = REFERENCES.iter().filter(|(pointer, _)| pointer.contains("/include"));
            let paths = inclusions
                .filter(|(pointer, kind)| written(policy, pointer).any(|name| is_strange(*kind, name)))
                .map(|(pointer, _)| *pointer)
                .collect();
            note_not_mapped(policy, paths);
        }
    }

    /// What the proposal's own groups and locations are called, by id.
    fn own_names(&self) -> BTreeMap<(NameKind, String), String> {
        let named = self.changes.iter().filter_map(|change| {
            let (kind, object) = match &change.proposed {
                Proposed::Group(object) => (NameKind::Group, object),
                Proposed::NamedLocation(object) => (NameKind::NamedLocation, object),
                _ => return None,
            };
            let (id, name) = names_of(object);
            Some(((kind, id?.to_owned()), name.unwrap_or_default().to_owned()))
        });
        named.collect()
    }
}

/// Marks the lists of a policy that have an unmapped name: whom or what it means in the tenant nobody knows.
fn mark(policy: &mut Value, unmapped: &BTreeSet<(NameKind, String)>) {
    let has_one = |(pointer, kind): &&(&'static str, NameKind)| {
        written(policy, pointer).any(|name| unmapped.contains(&(*kind, name.to_owned())))
    };
    let paths = REFERENCES.iter().filter(has_one).map(|(pointer, _)| *pointer).collect();
    note_not_mapped(policy, paths);
}

/// The names in a list of a policy.
fn written<'p>(policy: &'p Value, pointer: &str) -> impl Iterator<Item = &'p str> {
    policy.pointer(pointer).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Writes into a policy which of its lists name what nobody knows.
fn note_not_mapped(policy: &mut Value, pointers: Vec<&str>) {
    let path = |pointer: &str| Value::String(pointer.trim_start_matches('/').replace('/', "."));
    let paths: Vec<Value> = pointers.into_iter().map(path).collect();
    if let (Some(members), false) = (policy.as_object_mut(), paths.is_empty()) {
        members.insert(NOT_MAPPED.to_owned(), paths.into());
    }
}

/// Whether the tenant has the object of an id.
fn is_in_tenant(snapshot: &Snapshot, kind: NameKind, id: &str) -> bool {
    match kind {
        NameKind::User => snapshot.objects.find(id).is_some_and(|key| snapshot.user(key).is_some()),
        _ => ids_named(snapshot, kind, id).iter().any(|known| known == id),
    }
}

struct Mapper<'a> {
    ids: BTreeMap<(NameKind, String), String>,
    own: BTreeMap<(NameKind, String), String>,
    snapshot: &'a Snapshot,
    used: BTreeSet<(NameKind, String)>,
    unmapped: BTreeMap<(NameKind, String), Unmapped>,
    mapped: usize,
}

impl Mapper<'_> {
    /// The tenant's id of a name, if the map has it.
    fn id(&mut self, kind: NameKind, written: &str) -> Option<String> {
        let by_text = (kind, written.to_owned());
        let by_name = self.own.get(&by_text).map(|name| (kind, name.clone()));
        let key = [Some(by_text), by_name].into_iter().flatten().find(|key| self.ids.contains_key(key))?;
        let id = self.ids.get(&key).cloned();
        self.used.insert(key);
        self.mapped += 1;
        id
    }

    fn policy(&mut self, policy: &mut Value) {
        let name = match names_of(policy) {
            (_, Some(name)) => name.to_owned(),
            (id, None) => id.unwrap_or_default().to_owned(),
        };
        let mut unmapped = BTreeSet::new();
        rename(policy, |kind, written| {
            if is_keyword(kind, written) {
                return None;
            }
            let id = self.id(kind, written);
            if id.is_none() && self.is_unmapped(kind, written, &name) {
                unmapped.insert((kind, written.to_owned()));
            }
            id
        });
        mark(policy, &unmapped);
    }

    /// Whether a name that is not in the map is not in the tenant either; it is noted then.
    fn is_unmapped(&mut self, kind: NameKind, written: &str, policy: &str) -> bool {
        let is_proposed = self.own.contains_key(&(kind, written.to_owned()));
        if is_proposed || is_in_tenant(self.snapshot, kind, written) {
            return false;
        }
        let entry = self.unmapped.entry((kind, written.to_owned())).or_insert_with(|| Unmapped {
            kind,
            written: written.to_owned(),
            name: None,
            policies: BTreeSet::new(),
        });
        entry.policies.insert(policy.to_owned());
        true
    }

    /// A group or location of the set that is one of the tenant's takes its id.
    fn object(&mut self, kind: NameKind, object: &mut Value) {
        let (id, name) = names_of(object);
        let (id, name) = (id.map(str::to_owned), name.map(str::to_owned));
        let mapped = id.and_then(|id| self.id(kind, &id)).or_else(|| name.and_then(|name| self.id(kind, &name)));
        if let (Some(members), Some(id)) = (object.as_object_mut(), mapped) {
            members.insert("id".to_owned(), Value::String(id));
        }
    }
}
