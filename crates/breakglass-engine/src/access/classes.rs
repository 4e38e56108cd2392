//! Users put into classes: two users to whom exactly the same policies apply, for sure and perhaps, are one class.
//!
//! A tenant of a million users has few classes, and whatever does not depend on the person is computed per class.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, BuildHasherDefault};

use breakglass_model::ids::RoleTemplateId;
use breakglass_model::object::ObjectKey;
use breakglass_model::policy::{ConditionalAccessPolicy, GuestOrExternalUserType};
use breakglass_model::snapshot::{ObjectRow, Snapshot};
use hashbrown::HashTable;
use rustc_hash::FxHasher;

use super::compile::Masks;
use super::count::Sets;
use super::scope::{self, Atom, GuestKind, ResolvedAtom, Resolver, Side, Standing, UserSet};
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
    /// Class of each seat.
    class_of: Vec<u32>,
    /// One row per class.
    pub(crate) masks: Masks,
    /// Whether no class has an uncertain policy.
    pub(crate) are_certain: bool,
    sizes: Vec<u32>,
    /// Policies that name a role, by the role.
    naming_role: BTreeMap<RoleTemplateId, Vec<usize>>,
    /// Policies of which the export does not have whom they are about.
    not_exported: Vec<usize>,
    /// The rows once more, if they are certain, in the form for counting.
    pub(crate) sets: Sets,
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
        let mut classes = Self {
            snapshot,
            resolver,
            atoms,
            conditions,
            class_of: Vec::new(),
            masks: Masks::default(),
            are_certain: false,
            sizes: Vec::new(),
            naming_role: BTreeMap::new(),
            not_exported: Vec::new(),
            sets: Sets::default(),
            words,
        };
        classes.find_roles();
        classes.sort_users();
        classes.are_certain = classes.masks.sure == classes.masks.may;
        if classes.are_certain {
            classes.sets = Sets::of(&classes.masks.sure, words);
        }
        classes.sizes = classes.count_users();
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

    /// Puts every object into its class, 64 objects at a time.
    fn sort_users(&mut self) {
        let objects = self.resolver.room();
        let columns: Vec<(UserSet, Option<UserSet>)> =
            self.conditions.iter().map(|condition| self.column(condition, objects)).collect();
        let width = self.words * 2;
        let mut rows: Vec<u64> = Vec::new();
        let mut table: HashTable<u32> = HashTable::new();
        let hash = |row: &[u64]| BuildHasherDefault::<FxHasher>::default().hash_one(row);
        self.class_of.reserve(objects);
        let mut block = vec![0_u64; 64 * width];
        for base in 0..objects.div_ceil(64) {
            block.fill(0);
            for (policy, (sure, may)) in columns.iter().enumerate() {
                let bit = 1_u64 << (policy % 64);
                let word = sure.words().get(base).copied().unwrap_or_default();
                scatter(word, &mut block, (width, policy / 64), bit);
                let word = may.as_ref().map_or(word, |may| may.words().get(base).copied().unwrap_or_default());
                scatter(word, &mut block, (width, self.words + policy / 64), bit);
            }
            for row in block.chunks_exact(width).take(objects - base * 64) {
                let row_hash = hash(row);
                let known = |class: &u32| rows.get(*class as usize * width..(*class as usize + 1) * width) == Some(row);
                let class = match table.find(row_hash, known) {
                    Some(class) => *class,
                    None => {
                        let class = u32::try_from(rows.len() / width).unwrap_or(u32::MAX);
                        rows.extend_from_slice(row);
                        let row_of = |class: &u32| {
                            hash(rows.get(*class as usize * width..(*class as usize + 1) * width).unwrap_or_default())
                        };
                        table.insert_unique(row_hash, class, row_of);
                        class
                    }
                };
                self.class_of.push(class);
            }
        }
        for row in rows.chunks_exact(width) {
            let (sure, may) = row.split_at(self.words);
            self.masks.sure.extend_from_slice(sure);
            self.masks.may.extend_from_slice(may);
        }
    }

    /// Whom one policy's users condition has, for sure and perhaps (`None` = the same).
    fn column(&self, condition: &UsersCondition, objects: usize) -> (UserSet, Option<UserSet>) {
        let empty = || UserSet::with_room(objects);
        let (mut include, mut include_maybe, mut exclude, mut exclude_maybe) = (empty(), empty(), empty(), empty());
        if condition.not_exported.is_some() {
            include_maybe.fill();
        }
        for atom in condition.include.iter().filter_map(|index| self.atoms.get(*index)) {
            atom.add_to(&mut include, &mut include_maybe);
        }
        for atom in condition.exclude.iter().filter_map(|index| self.atoms.get(*index)) {
            atom.add_to(&mut exclude, &mut exclude_maybe);
        }
        include.subtract(&exclude_maybe);
        include_maybe.subtract(&exclude);
        let is_certain = include == include_maybe;
        (include, (!is_certain).then_some(include_maybe))
    }

    /// The class of a user; `None` stands for somebody whom the snapshot does not mention.
    #[must_use]
    pub fn class(&self, user: Option<ObjectKey>) -> u32 {
        self.class_at(self.seat(user))
    }

    pub(crate) fn class_at(&self, seat: Seat) -> u32 {
        self.class_of.get(seat.index).copied().unwrap_or_default()
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
        self.masks.sure.len() / self.words
    }

    /// How many listed users each class has.
    #[must_use]
    pub fn sizes(&self) -> &[u32] {
        &self.sizes
    }

    fn count_users(&self) -> Vec<u32> {
        let mut sizes = vec![0; self.count()];
        for user in self.snapshot.users.items() {
            let slot = self.class_of.get(user.key.index()).and_then(|class| sizes.get_mut(*class as usize));
            slot.into_iter().for_each(|size: &mut u32| *size += 1);
        }
        sizes
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

    /// Masks of a user who holds one more built-in role.
    pub(crate) fn masks_with_role(&self, user: ObjectKey, template: &str) -> Masks {
        let seat = self.seat(Some(user));
        let row = self.class_at(seat) as usize;
        let of = |table: &[u64]| table.get(row * self.words..(row + 1) * self.words).unwrap_or_default().to_vec();
        let mut masks = Masks { sure: of(&self.masks.sure), may: of(&self.masks.may) };
        let is_held = |id: &str| id == template;
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

/// For every set bit of a word over 64 objects, sets one bit in that object's row.
fn scatter(mut word: u64, block: &mut [u64], place: (usize, usize), bit: u64) {
    let (width, at) = place;
    while word != 0 {
        let object = word.trailing_zeros() as usize;
        if let Some(slot) = block.get_mut(object * width + at) {
            *slot |= bit;
        }
        word &= word - 1;
    }
}
