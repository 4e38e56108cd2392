//! Users put into classes: two users to whom exactly the same policies apply, for sure and perhaps, are one class.
//!
//! A tenant of a million users has few classes, and whatever does not depend on the person is computed per class.
//! Whoever asks about some people only asks for their masks, and nobody else is looked at.

mod by_atom;
mod table;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use breakglass_model::ids::RoleTemplateId;
use breakglass_model::object::ObjectKey;
use breakglass_model::policy::{ConditionalAccessPolicy, GuestOrExternalUserType};
use breakglass_model::snapshot::{ObjectRow, Snapshot};

use self::by_atom::ByAtom;
use self::table::ClassTable;
use super::compile::Masks;
use super::scope::{self, Atom, GuestKind, ResolvedAtom, Resolver, Side, Standing};
use super::trit::Trit;

/// The users condition of one policy, as indices of atoms.
#[derive(Debug, Clone, Default)]
pub(crate) struct UsersCondition {
    include: Vec<usize>,
    exclude: Vec<usize>,
    /// What the export does not have, so that the policy may be about anybody.
    not_exported: Option<&'static str>,
}

/// Where a person sits in the sets over all users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat {
    index: usize,
    /// The person, if more than a role assignment mentions it.
    pub(crate) user: Option<ObjectKey>,
}

/// All users of a tenant in classes.
#[derive(Debug)]
pub struct UserClasses<'a> {
    snapshot: &'a Snapshot,
    resolver: Resolver<'a>,
    atoms: Vec<ResolvedAtom>,
    conditions: Vec<UsersCondition>,
    by_atom: ByAtom,
    /// The classes, once somebody asked for them.
    table: OnceLock<ClassTable>,
    /// Policies that name a role, by the role.
    naming_role: BTreeMap<RoleTemplateId, Vec<usize>>,
    /// Policies of which the export does not have whom they are about.
    not_exported: Vec<usize>,
    words: usize,
}

impl std::fmt::Debug for Resolver<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resolver")
    }
}

impl<'a> UserClasses<'a> {
    pub(crate) fn of(
        snapshot: &'a Snapshot,
        policies: &[ConditionalAccessPolicy],
        words: usize,
        now: jiff::Timestamp,
    ) -> Self {
        let mut resolver = Resolver::new(snapshot, now);
        let mut atoms: Vec<ResolvedAtom> = Vec::new();
        let mut index_of: BTreeMap<Atom, usize> = BTreeMap::new();
        let mut conditions = Vec::with_capacity(policies.len());
        for policy in policies {
            let mut condition = UsersCondition::default();
            if let Some(users) = &policy.conditions.users {
                condition.not_exported = users.not_exported;
                for (side, list) in [(Side::Include, &mut condition.include), (Side::Exclude, &mut condition.exclude)] {
                    for atom in scope::atoms(users, side) {
                        let index = *index_of.entry(atom).or_insert_with_key(|atom| {
                            atoms.push(resolver.resolve(atom.clone()));
                            atoms.len() - 1
                        });
                        list.push(index);
                    }
                }
            }
            conditions.push(condition);
        }
        let by_atom = ByAtom::of(&conditions, &atoms, words);
        let mut classes = Self {
            snapshot,
            resolver,
            atoms,
            conditions,
            by_atom,
            table: OnceLock::new(),
            naming_role: BTreeMap::new(),
            not_exported: Vec::new(),
            words,
        };
        classes.find_roles();
        classes
    }

    /// Finds the policies that name a role, and those that are possibly about anybody.
    fn find_roles(&mut self) {
        for (policy, condition) in self.conditions.iter().enumerate() {
            self.not_exported.extend(condition.not_exported.map(|_| policy));
            let atoms = condition.include.iter().chain(&condition.exclude).filter_map(|index| self.atoms.get(*index));
            for atom in atoms {
                if let Atom::Role(role) = &atom.atom {
                    self.naming_role.entry(role.clone()).or_default().push(policy);
                }
            }
        }
    }

    /// The class of a user; `None` stands for somebody whom the snapshot does not mention.
    #[must_use]
    pub fn class(&self, user: Option<ObjectKey>) -> u32 {
        self.class_at(self.seat(user))
    }

    pub(crate) fn class_at(&self, seat: Seat) -> u32 {
        // Somebody whom the snapshot does not mention is of the first class: that needs no table.
        if seat == self.seat(None) {
            return 0;
        }
        self.table().class_of.get(seat.index).copied().unwrap_or_default()
    }

    /// The classes of everybody.
    pub(crate) fn table(&self) -> &ClassTable {
        self.table.get_or_init(|| ClassTable::of(self))
    }

    /// How the policies stand to one user, in one row; nobody else is looked at.
    pub(crate) fn masks_of(&self, user: ObjectKey) -> Masks {
        self.masks_at(self.seat(Some(user)))
    }

    fn masks_at(&self, seat: Seat) -> Masks {
        self.by_atom.masks(&self.atoms, (seat.index, seat.user))
    }

    /// The seat of an object; `None` stands for somebody whom the snapshot does not mention.
    pub(crate) fn seat(&self, user: Option<ObjectKey>) -> Seat {
        Seat { index: user.map_or(self.snapshot.objects.len(), ObjectKey::index), user }
    }

    /// The seat of somebody who is no object: one of those whom only a role assignment mentions, or anybody.
    pub(crate) fn seat_of_stranger(&self, id: &str) -> Seat {
        let anybody = self.seat(None);
        match self.resolver.roles.strangers().binary_search(&id) {
            Ok(place) => Seat { index: anybody.index + 1 + place, ..anybody },
            Err(_) => anybody,
        }
    }

    /// How many classes there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.table().sizes.len()
    }

    /// Masks of a user of whom the request says the kind of guest or the home tenant, which the directory does
    /// not: no kinds given means the kind that the directory says.
    pub(crate) fn guest_masks(&self, seat: Seat, kinds: &[GuestOrExternalUserType], tenant: Option<&str>) -> Masks {
        let listed = seat.user.and_then(|user| self.snapshot.user(user));
        let kinds: Vec<GuestKind> = match kinds {
            [] => vec![listed.map_or(GuestKind::Unsaid, scope::guest_kind)],
            kinds => kinds.iter().cloned().map(GuestKind::Guest).collect(),
        };
        let covered = |covers: &dyn Fn(&GuestKind) -> Trit| kinds.iter().map(covers).max().unwrap_or(Trit::No);
        self.masks_where(seat, &|atom| match atom {
            Atom::GuestsOrExternalUsers => Some(covered(&scope::is_external)),
            Atom::Guests(scope) => Some(covered(&|kind| scope.covers(kind, tenant))),
            _ => None,
        })
    }

    /// Masks of a user who holds some more built-in roles.
    pub(crate) fn masks_with_roles(&self, user: ObjectKey, templates: &[&str]) -> Masks {
        let seat = self.seat(Some(user));
        let mut masks = self.masks_at(seat);
        let is_held = |id: &str| templates.contains(&id);
        // Whatever does not name the role stands to the user as before.
        let naming = self.naming_role.iter().filter(|(id, _)| is_held(id.as_str())).flat_map(|(_, policies)| policies);
        let concerned = naming.chain(&self.not_exported);
        for (policy, condition) in concerned.filter_map(|policy| Some((*policy, self.conditions.get(*policy)?))) {
            masks.clear((0, self.words), policy);
            masks.set(
                (0, self.words),
                policy,
                self.standing_where(condition, seat, &|atom| match atom {
                    Atom::Role(id) if is_held(id.as_str()) => Some(Trit::Yes),
                    _ => None,
                }),
            );
        }
        masks
    }

    /// Masks of a user of whom something else holds than the directory says: what `said` tells of an atom decides.
    fn masks_where(&self, seat: Seat, said: &dyn Fn(&Atom) -> Option<Trit>) -> Masks {
        let mut masks = Masks::with_rows(1, self.words);
        for (policy, condition) in self.conditions.iter().enumerate() {
            masks.set((0, self.words), policy, self.standing_where(condition, seat, said));
        }
        masks
    }

    /// Whether a condition has a user of whom something else holds than the directory says.
    fn standing_where(&self, condition: &UsersCondition, seat: Seat, said: &dyn Fn(&Atom) -> Option<Trit>) -> Trit {
        let has = |list: &[usize]| -> Trit {
            let atoms = list.iter().filter_map(|index| self.atoms.get(*index));
            atoms.map(|atom| said(&atom.atom).unwrap_or_else(|| atom.has(seat.index))).max().unwrap_or(Trit::No)
        };
        let included = match condition.not_exported {
            Some(_) => Trit::Unknown,
            None => has(&condition.include),
        };
        included.and(has(&condition.exclude).negated())
    }

    /// How a user stands to one policy, with the path that decides. `None` stands for somebody whom the snapshot
    /// does not mention.
    #[must_use]
    pub fn standing(&self, policy: usize, user: Option<ObjectKey>) -> Standing {
        self.standing_at(policy, self.seat(user))
    }

    pub(crate) fn standing_at(&self, policy: usize, seat: Seat) -> Standing {
        let nobody = UsersCondition::default();
        let condition = self.conditions.get(policy).unwrap_or(&nobody);
        let find = |list: &[usize], truth: Trit| -> Option<&ResolvedAtom> {
            list.iter().filter_map(|at| self.atoms.get(*at)).find(|atom| atom.has(seat.index) == truth)
        };
        let words = |atom: &ResolvedAtom| scope::describe(self.snapshot, &self.resolver.roles, &atom.atom, seat.user);
        let standing = |in_scope, because, atom: Option<&ResolvedAtom>, is_excluded| Standing {
            in_scope,
            because,
            by: atom.map(|atom| atom.atom.clone()),
            is_excluded,
        };
        let unsure = |atom: &ResolvedAtom| {
            let why = atom.unknown.as_deref().unwrap_or("the snapshot does not tell");
            format!("{}: {why}", words(atom))
        };
        if let Some(atom) = find(&condition.exclude, Trit::Yes) {
            return standing(Trit::No, format!("excluded by {}", words(atom)), Some(atom), true);
        }
        let doubt = find(&condition.exclude, Trit::Unknown);
        if let Some(path) = condition.not_exported {
            return standing(Trit::Unknown, format!("`{path}` is not in the export"), doubt, doubt.is_some());
        }
        if let Some(atom) = find(&condition.include, Trit::Yes) {
            return match doubt {
                Some(doubt) => {
                    standing(Trit::Unknown, format!("may be excluded by {}", unsure(doubt)), Some(doubt), true)
                }
                None => standing(Trit::Yes, format!("included by {}", words(atom)), Some(atom), false),
            };
        }
        match find(&condition.include, Trit::Unknown) {
            Some(atom) => standing(Trit::Unknown, format!("may be included by {}", unsure(atom)), Some(atom), false),
            None => standing(Trit::No, "not among the users that it includes".into(), None, false),
        }
    }

    /// The active roles of the tenant.
    #[must_use]
    pub fn roles(&self) -> &scope::ActiveRoles<'a> {
        &self.resolver.roles
    }

    /// Whether an object can sign in as a user: a listed user, or one that the snapshot only mentions.
    #[must_use]
    pub fn can_be_user(&self, key: ObjectKey) -> bool {
        matches!(self.snapshot.row(key), ObjectRow::User(_) | ObjectRow::Unlisted)
    }
}

#[cfg(test)]
mod tests {
    use breakglass_testkit::seed_for;
    use breakglass_testkit::tenants::random_tenant;

    use super::Masks;
    use crate::access::{Access, AccessSettings};

    #[test]
    fn one_users_masks_are_the_row_of_its_class() {
        let seed = seed_for("one_users_masks_are_the_row_of_its_class");
        let now = "2026-11-22T00:00:00Z".parse().unwrap();
        let mut uncertain = 0;
        for seed in (0..300).map(|index| seed.wrapping_add(index)) {
            let tenant = random_tenant(seed);
            let access = Access::compile(&tenant.snapshot, &AccessSettings::at(now)).unwrap();
            let classes = access.classes();
            for user in std::iter::once(None).chain(tenant.snapshot.objects.keys().map(Some)) {
                let (table, row) = (&classes.table().masks, classes.class(user) as usize);
                let of = |side: &[u64]| side[row * classes.words..(row + 1) * classes.words].to_vec();
                let expected = Masks { sure: of(&table.sure), may: of(&table.may) };
                uncertain += u32::from(expected.sure != expected.may);
                assert_eq!(classes.masks_at(classes.seat(user)), expected, "seed {seed}, {user:?}");
            }
        }
        assert!(uncertain > 1_000, "only {uncertain} rows were uncertain");
    }
}
