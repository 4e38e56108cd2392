//! Whom a policy is about: includes joined, then every exclude removes; and the path that put a user in or out.
//!
//! Each thing that a policy can name (a user, a group, a role, a kind of guest) is one [`Atom`]; for each atom the
//! set of users that it has for sure and the set that it may have are computed once, over all users.
//!
//! **Source:** the users and groups documentation of Conditional Access: built-in roles only, active, tenant-wide;
//! nested groups count; exclude wins.

use std::collections::BTreeMap;

use breakglass_model::ids::{GroupId, RoleTemplateId};
use breakglass_model::object::ObjectKey;
use breakglass_model::policy::{
    ConditionalAccessGuestsOrExternalUsers, ConditionalAccessUsers, GuestOrExternalUserType,
};
use breakglass_model::property::Property;
use breakglass_model::role::{RoleAssignment, RoleDefinition};
use breakglass_model::snapshot::{ObjectRow, Snapshot, because};
use breakglass_model::user::{User, UserType};
use breakglass_model::well_known::built_in_role;
use jiff::Timestamp;

use super::membership::{self, Reach, Visits};
use super::trit::Trit;

/// Something by which a policy names users.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Atom {
    /// Every user.
    All,
    /// One user, by id.
    User(String),
    /// Everybody in a group.
    Group(GroupId),
    /// Every active holder of a built-in role.
    Role(RoleTemplateId),
    /// The legacy keyword for every guest and external user.
    GuestsOrExternalUsers,
    /// Kinds of guests, from some tenants.
    Guests(GuestScope),
}

/// Kinds of guests and the tenants they come from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GuestScope {
    /// The kinds.
    pub types: Vec<GuestOrExternalUserType>,
    /// The tenants.
    pub tenants: GuestTenants,
}

/// Tenants that guests come from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum GuestTenants {
    /// All.
    All,
    /// Those listed.
    Enumerated(Vec<String>),
    /// A kind of list that this version does not know.
    Unknown,
}

impl GuestScope {
    fn of(guests: &ConditionalAccessGuestsOrExternalUsers) -> Self {
        let tenants = match &guests.external_tenants {
            None => GuestTenants::All,
            Some(tenants) => match tenants.membership_kind.as_deref() {
                Some("all") => GuestTenants::All,
                None if tenants.members.is_empty() => GuestTenants::All,
                None | Some("enumerated") => GuestTenants::Enumerated(tenants.members.clone()),
                Some(_) => GuestTenants::Unknown,
            },
        };
        Self { types: guests.guest_or_external_user_types.clone(), tenants }
    }

    /// Whether a person of a kind, from a tenant, is meant.
    #[must_use]
    pub fn covers(&self, kind: &GuestKind, tenant: Option<&str>) -> Trit {
        let each = self.types.iter().map(|wanted| {
            let is_wanted = match (wanted, kind) {
                (GuestOrExternalUserType::None, _) => return Trit::No,
                (GuestOrExternalUserType::Unknown(_), _) => return Trit::Unknown,
                (_, GuestKind::Unsaid) => Trit::Unknown,
                (_, GuestKind::Member) => Trit::No,
                (wanted, GuestKind::Guest(kind)) => (wanted == kind).into(),
            };
            is_wanted.and(self.is_from(wanted, tenant))
        });
        each.max().unwrap_or(Trit::No)
    }

    /// Whether somebody of this kind comes from one of the tenants.
    fn is_from(&self, kind: &GuestOrExternalUserType, tenant: Option<&str>) -> Trit {
        match (&self.tenants, tenant) {
            (GuestTenants::All, _) => Trit::Yes,
            (GuestTenants::Enumerated(tenants), Some(tenant)) => {
                tenants.iter().any(|member| member.eq_ignore_ascii_case(tenant)).into()
            }
            // An internal guest is of this tenant, which no list of external tenants has.
            (GuestTenants::Enumerated(_), None) if *kind == GuestOrExternalUserType::InternalGuest => Trit::No,
            (GuestTenants::Enumerated(_), None) | (GuestTenants::Unknown, _) => Trit::Unknown,
        }
    }
}

/// The atoms of one side (include or exclude) of a users condition.
#[must_use]
pub fn atoms(users: &ConditionalAccessUsers, side: Side) -> Vec<Atom> {
    let (names, groups, roles, guests) = match side {
        Side::Include => {
            (&users.include_users, &users.include_groups, &users.include_roles, &users.include_guests_or_external_users)
        }
        Side::Exclude => {
            (&users.exclude_users, &users.exclude_groups, &users.exclude_roles, &users.exclude_guests_or_external_users)
        }
    };
    let mut atoms = Vec::new();
    for name in names {
        match name.as_str() {
            "None" => {}
            "All" => atoms.push(Atom::All),
            "GuestsOrExternalUsers" => atoms.push(Atom::GuestsOrExternalUsers),
            id => atoms.push(Atom::User(id.to_owned())),
        }
    }
    atoms.extend(groups.iter().cloned().map(Atom::Group));
    atoms.extend(roles.iter().cloned().map(Atom::Role));
    atoms.extend(guests.iter().map(|guests| Atom::Guests(GuestScope::of(guests))));
    atoms
}

/// A side of a users condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Includes.
    Include,
    /// Excludes.
    Exclude,
}

/// What kind of guest a directory user is, if it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GuestKind {
    /// An ordinary member.
    Member,
    /// A guest or external user.
    Guest(GuestOrExternalUserType),
    /// The export does not tell.
    Unsaid,
}

/// The kind of a directory user. A user type of null counts as a member (Graph writes null for old accounts).
#[must_use]
pub fn guest_kind(user: &User) -> GuestKind {
    let detail = user.detail();
    let invited = user.has_external_name()
        || detail.creation_type.value().is_some_and(|creation| creation == "Invitation")
        || detail.external_user_state.value().is_some();
    match &user.user_type {
        Property::Absent | Property::Value(UserType::Unknown(_)) => GuestKind::Unsaid,
        Property::Value(UserType::Guest) if invited => GuestKind::Guest(GuestOrExternalUserType::B2bCollaborationGuest),
        Property::Value(UserType::Guest) => GuestKind::Guest(GuestOrExternalUserType::InternalGuest),
        Property::Null | Property::Value(UserType::Member) if invited => {
            GuestKind::Guest(GuestOrExternalUserType::B2bCollaborationMember)
        }
        Property::Null | Property::Value(UserType::Member) => GuestKind::Member,
    }
}

/// Whether somebody is a guest or external user of any kind.
pub(crate) fn is_external(kind: &GuestKind) -> Trit {
    match kind {
        GuestKind::Member => Trit::No,
        GuestKind::Guest(_) => Trit::Yes,
        GuestKind::Unsaid => Trit::Unknown,
    }
}

/// A set over all objects of a snapshot, and some more seats for people who are not among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserSet {
    words: Vec<u64>,
}

impl UserSet {
    /// The empty set with room for so many objects.
    #[must_use]
    pub fn with_room(objects: usize) -> Self {
        Self { words: vec![0; objects / 64 + 1] }
    }

    /// Puts an object in.
    pub fn insert(&mut self, index: usize) {
        if let Some(word) = self.words.get_mut(index / 64) {
            *word |= 1 << (index % 64);
        }
    }

    /// Whether an object is in it.
    #[must_use]
    pub fn contains(&self, index: usize) -> bool {
        self.words.get(index / 64).is_some_and(|word| word & (1 << (index % 64)) != 0)
    }

    /// Puts everything in.
    pub fn fill(&mut self) {
        self.words.fill(u64::MAX);
    }

    /// Adds another set.
    pub fn union(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    /// Takes another set away.
    pub fn subtract(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other);
    }

    /// The set as words of 64 objects.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }
}

/// Who an atom has.
#[derive(Debug, Clone)]
pub enum Holders {
    /// Every user.
    Everybody,
    /// One object.
    One(ObjectKey),
    /// Nobody that the snapshot mentions.
    Nobody,
    /// Some, for sure and perhaps.
    Some {
        /// For sure.
        yes: Box<UserSet>,
        /// Perhaps, the sure ones included; `None` when nothing is uncertain.
        maybe: Option<Box<UserSet>>,
    },
}

/// An atom with its holders, and why they are uncertain.
#[derive(Debug, Clone)]
pub struct ResolvedAtom {
    /// The atom.
    pub atom: Atom,
    /// Who it has.
    pub holders: Holders,
    /// Why somebody else may be in it.
    pub unknown: Option<String>,
}

impl ResolvedAtom {
    /// Whether it has an object.
    #[must_use]
    pub fn has(&self, index: usize) -> Trit {
        match &self.holders {
            Holders::Everybody => Trit::Yes,
            Holders::One(key) => (key.index() == index).into(),
            Holders::Nobody => Trit::No,
            Holders::Some { yes, .. } if yes.contains(index) => Trit::Yes,
            Holders::Some { maybe: Some(maybe), .. } if maybe.contains(index) => Trit::Unknown,
            Holders::Some { .. } => Trit::No,
        }
    }

    /// Adds its holders to a set of sure and a set of possible ones.
    pub fn add_to(&self, yes: &mut UserSet, maybe: &mut UserSet) {
        match &self.holders {
            Holders::Everybody => {
                yes.fill();
                maybe.fill();
            }
            Holders::One(key) => {
                yes.insert(key.index());
                maybe.insert(key.index());
            }
            Holders::Nobody => {}
            Holders::Some { yes: own, maybe: own_maybe } => {
                yes.union(own);
                maybe.union(own_maybe.as_ref().unwrap_or(own));
            }
        }
    }
}

/// Principals of one role.
#[derive(Debug, Default)]
struct Principals {
    /// Those that the snapshot mentions elsewhere.
    keys: Vec<ObjectKey>,
    /// The others, as places among the strangers.
    strangers: Vec<usize>,
}

/// Who actively holds a directory role, tenant-wide.
#[derive(Debug)]
pub struct ActiveRoles<'a> {
    /// Per role template, the principals it is assigned to.
    holders: BTreeMap<String, Principals>,
    /// Ids of principals that nothing but an assignment mentions, sorted.
    strangers: Vec<&'a str>,
    /// Template ids of this tenant's role definitions that differ from their ids.
    templates: BTreeMap<&'a str, &'a str>,
    /// Ids of roles that are not built in.
    custom: Vec<&'a str>,
    /// Why assignments are not known.
    unknown: Option<String>,
}

impl<'a> ActiveRoles<'a> {
    /// Reads the active assignments of a snapshot at an instant.
    #[must_use]
    pub fn of(snapshot: &'a Snapshot, now: Timestamp) -> Self {
        let mut templates = BTreeMap::new();
        let mut custom = Vec::new();
        // What Microsoft's own ids mean is the same in every tenant: no definition changes it.
        let is_of_tenant = |definition: &&RoleDefinition| built_in_role(definition.id.as_str()).is_none();
        for definition in snapshot.role_definitions.items().iter().filter(is_of_tenant) {
            if definition.is_built_in == Some(false) {
                custom.push(definition.id.as_str());
            } else if let Some(template) = &definition.template_id {
                templates.entry(definition.id.as_str()).or_insert(template.as_str());
            }
        }
        let unknown = match (snapshot.role_assignments.get(), snapshot.role_assignment_schedule_instances.get()) {
            (Err(why), Err(_)) => Some(format!("the role assignments could not be read: {why}")),
            _ => None,
        };
        let is_stranger = |id: &&str| snapshot.objects.find(id).is_none();
        let principals = Self::assignments(snapshot, now).map(|assignment| assignment.principal_id.as_str());
        let mut strangers: Vec<&str> = principals.filter(is_stranger).collect();
        strangers.sort_unstable();
        strangers.dedup();
        let mut roles = Self { holders: BTreeMap::new(), strangers, templates, custom, unknown };
        for assignment in Self::assignments(snapshot, now) {
            roles.add(snapshot, assignment);
        }
        roles
    }

    fn add(&mut self, snapshot: &Snapshot, assignment: &RoleAssignment) {
        let template = self.template(assignment.role_definition_id.as_str()).to_owned();
        let id = assignment.principal_id.as_str();
        let principals = self.holders.entry(template).or_default();
        if let Some(key) = snapshot.objects.find(id) {
            if !principals.keys.contains(&key) {
                principals.keys.push(key);
            }
        } else if let Ok(place) = self.strangers.binary_search(&id)
            && !principals.strangers.contains(&place)
        {
            principals.strangers.push(place);
        }
    }

    /// The active tenant-wide assignments at an instant.
    pub fn assignments(snapshot: &'a Snapshot, now: Timestamp) -> impl Iterator<Item = &'a RoleAssignment> {
        let plain = snapshot.role_assignments.items().iter();
        let scheduled = snapshot.role_assignment_schedule_instances.items().iter();
        plain.chain(scheduled).filter(move |assignment| assignment.is_tenant_wide() && assignment.is_current(now))
    }

    /// The template id behind a role definition id.
    #[must_use]
    pub fn template<'b>(&'b self, definition: &'b str) -> &'b str {
        self.templates.get(definition).copied().unwrap_or(definition)
    }

    /// Principals (users, groups, service principals) that actively hold a role.
    #[must_use]
    pub fn principals(&self, template: &str) -> &[ObjectKey] {
        self.of_role(template).map_or(&[], |principals| &principals.keys)
    }

    fn of_role(&self, template: &str) -> Option<&Principals> {
        self.holders.get(template).filter(|_| !self.custom.contains(&template))
    }

    /// Ids of principals that nothing but an assignment mentions, sorted.
    pub(crate) fn strangers(&self) -> &[&'a str] {
        &self.strangers
    }

    /// Every role template that somebody actively holds, with the principals.
    pub fn all(&self) -> impl Iterator<Item = (&str, &[ObjectKey])> {
        self.holders.iter().map(|(template, principals)| (template.as_str(), principals.keys.as_slice()))
    }

    /// Why the assignments are not known, if they are not.
    #[must_use]
    pub fn unknown(&self) -> Option<&str> {
        self.unknown.as_deref()
    }
}

/// Resolves atoms against a snapshot.
pub(crate) struct Resolver<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) roles: ActiveRoles<'a>,
    visits: Visits,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot, now: Timestamp) -> Self {
        Self { snapshot, roles: ActiveRoles::of(snapshot, now), visits: Visits::default() }
    }

    pub(crate) fn resolve(&mut self, atom: Atom) -> ResolvedAtom {
        let (holders, unknown) = match &atom {
            Atom::All => (Holders::Everybody, None),
            Atom::User(id) => (self.snapshot.objects.find(id).map_or(Holders::Nobody, Holders::One), None),
            Atom::Group(id) => self.group(id.as_str()),
            Atom::Role(id) => self.role(id.as_str()),
            Atom::GuestsOrExternalUsers => self.guests(&is_external),
            Atom::Guests(scope) => self.guests(&|kind| scope.covers(kind, None)),
        };
        ResolvedAtom { atom, holders, unknown }
    }

    /// Seats in the sets: every object, somebody whom the snapshot does not mention, and those whom only a role
    /// assignment mentions.
    pub(crate) fn room(&self) -> usize {
        self.snapshot.objects.len() + 1 + self.roles.strangers.len()
    }

    fn group(&mut self, id: &str) -> (Holders, Option<String>) {
        let mut yes = UserSet::with_room(self.room());
        let unknown = match self.snapshot.objects.find(id) {
            Some(key) => self.add_group(key, &mut yes),
            None => {
                let why = self.snapshot.groups.get().err();
                why.map(|why| format!("group `{id}` is not in the snapshot{}", because(why)))
            }
        };
        (self.some(yes, unknown.is_some()), unknown)
    }

    fn add_group(&mut self, key: ObjectKey, yes: &mut UserSet) -> Option<String> {
        let reach = Reach::walk(self.snapshot, key, &mut self.visits);
        for user in &reach.users {
            yes.insert(user.index());
        }
        reach.unknown
    }

    fn some(&self, yes: UserSet, is_uncertain: bool) -> Holders {
        let maybe = is_uncertain.then(|| {
            let mut all = UserSet::with_room(self.room());
            all.fill();
            Box::new(all)
        });
        Holders::Some { yes: Box::new(yes), maybe }
    }

    fn role(&mut self, template: &str) -> (Holders, Option<String>) {
        // No policy reaches the holders of a role that is not built in, whoever they are.
        if self.roles.custom.contains(&template) {
            return (Holders::Nobody, None);
        }
        let mut yes = UserSet::with_room(self.room());
        let mut unknown = self.roles.unknown.clone();
        for principal in self.roles.principals(template).to_vec() {
            match self.snapshot.row(principal) {
                ObjectRow::Group(_) => unknown = self.add_group(principal, &mut yes).or(unknown),
                ObjectRow::User(_) => yes.insert(principal.index()),
                ObjectRow::Unlisted => {
                    yes.insert(principal.index());
                    unknown = unknown.or_else(|| self.may_be_group(self.snapshot.objects.id(principal)));
                }
                ObjectRow::ServicePrincipal(_) | ObjectRow::AdministrativeUnit(_) => {}
            }
        }
        for place in self.roles.of_role(template).iter().flat_map(|principals| &principals.strangers) {
            yes.insert(self.snapshot.objects.len() + 1 + place);
            let id = self.roles.strangers.get(*place);
            unknown = unknown.or_else(|| id.and_then(|id| self.may_be_group(id)));
        }
        (self.some(yes, unknown.is_some()), unknown)
    }

    /// Why an unlisted holder of a role may be a group with anybody in it.
    fn may_be_group(&self, id: &str) -> Option<String> {
        let why = self.snapshot.groups.get().err()?;
        Some(format!("its holder `{id}` may be a group that is not in the snapshot{}", because(why)))
    }

    /// Guests among the directory's users; a user that is not listed may be one.
    fn guests(&self, covers: &dyn Fn(&GuestKind) -> Trit) -> (Holders, Option<String>) {
        let mut yes = UserSet::with_room(self.room());
        let mut maybe = UserSet::with_room(self.room());
        let mut unknown = None;
        for user in self.snapshot.users.items() {
            match covers(&guest_kind(user)) {
                Trit::Yes => {
                    yes.insert(user.key.index());
                    maybe.insert(user.key.index());
                }
                Trit::Unknown => {
                    maybe.insert(user.key.index());
                    unknown.get_or_insert_with(|| {
                        "the kind of guest or its home tenant is not in the snapshot".to_owned()
                    });
                }
                Trit::No => {}
            }
        }
        if covers(&GuestKind::Unsaid) != Trit::No {
            for key in self.snapshot.objects.keys() {
                if self.snapshot.row(key) == ObjectRow::Unlisted {
                    maybe.insert(key.index());
                }
            }
            (self.snapshot.objects.len()..self.room()).for_each(|seat| maybe.insert(seat));
        }
        let unknown = unknown.unwrap_or_else(|| "whether somebody who is not in the snapshot is a guest".to_owned());
        (Holders::Some { yes: Box::new(yes), maybe: Some(Box::new(maybe)) }, Some(unknown))
    }
}

/// How a user stands to a policy's users condition, with the path that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// In scope, not in scope, or could not tell.
    pub in_scope: Trit,
    /// Why, in words: which user id, group (through which nesting), role or kind of guest.
    pub because: String,
    /// The atom that decides, if one does.
    pub by: Option<Atom>,
    /// Whether an exclusion decides.
    pub is_excluded: bool,
}

/// Explains one resolved atom for one user: the words behind "included by …".
#[must_use]
pub fn describe(snapshot: &Snapshot, roles: &ActiveRoles<'_>, atom: &Atom, user: Option<ObjectKey>) -> String {
    match atom {
        Atom::All => "all users".into(),
        Atom::User(_) => "the user's own id".into(),
        Atom::Group(id) => {
            let Some(group) = snapshot.objects.find(id.as_str()) else { return format!("group `{id}`") };
            let chain = user.and_then(|user| membership::path(snapshot, group, user));
            let names: Vec<String> =
                chain.unwrap_or_else(|| vec![group]).iter().map(|key| format!("`{}`", snapshot.name(*key))).collect();
            match names.split_first() {
                Some((first, [])) => format!("group {first}"),
                Some((first, rest)) => format!("group {first}, which contains {}", rest.join(", which contains ")),
                None => format!("group `{id}`"),
            }
        }
        Atom::Role(id) => {
            let name = built_in_role(id.as_str()).map_or(id.as_str(), |role| role.name);
            let through = user.and_then(|user| {
                let principals = roles.principals(id.as_str()).iter();
                principals.copied().find(|key| membership::path(snapshot, *key, user).is_some())
            });
            match through {
                Some(group) => format!("role `{name}`, held through group `{}`", snapshot.name(group)),
                None => format!("role `{name}`"),
            }
        }
        Atom::GuestsOrExternalUsers => "being a guest or external user".into(),
        Atom::Guests(scope) => {
            let kinds: Vec<&str> = scope.types.iter().map(GuestOrExternalUserType::as_str).collect();
            format!("being a guest of kind {}", kinds.join(", "))
        }
    }
}
