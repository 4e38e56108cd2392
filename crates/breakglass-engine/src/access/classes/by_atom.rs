//! The users conditions of all policies the other way round: per atom, the policies that include it and those that
//! exclude it, so that one person's policies are found without the classes of everybody.

use std::collections::BTreeMap;

use breakglass_model::object::ObjectKey;

use super::UsersCondition;
use crate::access::compile::Masks;
use crate::access::scope::{Holders, ResolvedAtom};
use crate::access::trit::Trit;

/// Policies as bits: those that include, and those that exclude.
#[derive(Debug, Clone, Default)]
struct Sides {
    include: Vec<u64>,
    exclude: Vec<u64>,
}

/// What each atom means to the policies.
#[derive(Debug, Clone, Default)]
pub(super) struct ByAtom {
    words: usize,
    /// Of everybody.
    all: Sides,
    /// Policies that may include anybody.
    may_include: Vec<u64>,
    /// Of single objects.
    ones: BTreeMap<ObjectKey, Sides>,
    /// Of the atoms that have some, by their places among the atoms.
    some: Vec<(usize, Sides)>,
}

impl Sides {
    fn with_room(words: usize) -> Self {
        Self { include: vec![0; words], exclude: vec![0; words] }
    }

    fn is_empty(&self) -> bool {
        self.include.iter().chain(&self.exclude).all(|word| *word == 0)
    }

    fn add(&mut self, other: &Self) {
        unite(&mut self.include, &other.include);
        unite(&mut self.exclude, &other.exclude);
    }
}

fn unite(words: &mut [u64], others: &[u64]) {
    words.iter_mut().zip(others).for_each(|(word, other)| *word |= other);
}

fn set(words: &mut [u64], policy: usize) {
    words.get_mut(policy / 64).into_iter().for_each(|word| *word |= 1 << (policy % 64));
}

impl ByAtom {
    pub(super) fn of(conditions: &[UsersCondition], atoms: &[ResolvedAtom], words: usize) -> Self {
        let mut sides = vec![Sides::with_room(words); atoms.len()];
        let mut may_include = vec![0; words];
        for (policy, condition) in conditions.iter().enumerate() {
            if condition.not_exported.is_some() {
                set(&mut may_include, policy);
            }
            for atom in &condition.include {
                sides.get_mut(*atom).into_iter().for_each(|sides| set(&mut sides.include, policy));
            }
            for atom in &condition.exclude {
                sides.get_mut(*atom).into_iter().for_each(|sides| set(&mut sides.exclude, policy));
            }
        }
        let mut own =
            Self { words, all: Sides::with_room(words), may_include, ones: BTreeMap::new(), some: Vec::new() };
        for (place, (atom, sides)) in atoms.iter().zip(sides).enumerate().filter(|(_, (_, sides))| !sides.is_empty()) {
            match &atom.holders {
                Holders::Everybody => own.all.add(&sides),
                Holders::Nobody => {}
                Holders::One(key) => own.ones.entry(*key).or_insert_with(|| Sides::with_room(words)).add(&sides),
                Holders::Some { .. } => own.some.push((place, sides)),
            }
        }
        own
    }

    /// One row: how the policies stand to whoever sits at a place among all seats.
    pub(super) fn masks(&self, atoms: &[ResolvedAtom], (index, user): (usize, Option<ObjectKey>)) -> Masks {
        let (mut sure, mut may) = (self.all.clone(), self.all.clone());
        unite(&mut may.include, &self.may_include);
        if let Some(own) = user.and_then(|user| self.ones.get(&user)) {
            sure.add(own);
            may.add(own);
        }
        for (atom, sides) in &self.some {
            match atoms.get(*atom).map_or(Trit::No, |atom| atom.has(index)) {
                Trit::Yes => {
                    sure.add(sides);
                    may.add(sides);
                }
                Trit::Unknown => may.add(sides),
                Trit::No => {}
            }
        }
        let mut masks = Masks::with_rows(1, self.words);
        let without = |slots: &mut [u64], include: &[u64], exclude: &[u64]| {
            for ((slot, include), exclude) in slots.iter_mut().zip(include).zip(exclude) {
                *slot = include & !exclude;
            }
        };
        without(&mut masks.sure, &sure.include, &may.exclude);
        without(&mut masks.may, &may.include, &sure.exclude);
        masks
    }
}
