//! Policies by id, for records that list hundreds of them.

use std::hash::{BuildHasher, BuildHasherDefault};

use breakglass_model::policy::ConditionalAccessPolicy;
use hashbrown::HashTable;
use rustc_hash::FxHasher;

/// Policies by id; never iterated.
#[derive(Debug)]
pub(super) struct PolicyIndex<'a> {
    policies: &'a [ConditionalAccessPolicy],
    by_id: HashTable<usize>,
}

fn hash(id: &str) -> u64 {
    BuildHasherDefault::<FxHasher>::default().hash_one(id)
}

impl<'a> PolicyIndex<'a> {
    pub(super) fn of(policies: &'a [ConditionalAccessPolicy]) -> Self {
        let id_of = |index: usize| policies.get(index).map_or("", |policy| policy.id.as_str());
        let mut by_id = HashTable::with_capacity(policies.len());
        for index in 0..policies.len() {
            by_id.insert_unique(hash(id_of(index)), index, |index| hash(id_of(*index)));
        }
        Self { policies, by_id }
    }

    /// Finds a policy by id, exactly or in lower case. Records list the policies in the same order mostly, so that the
    /// one behind the last is tried first.
    pub(super) fn find(&self, id: &str, next: &mut usize) -> Option<usize> {
        let is_id = |index: usize, id: &str| self.policies.get(index).is_some_and(|policy| policy.id.as_str() == id);
        let by_id = |id: &str| self.by_id.find(hash(id), |index| is_id(*index, id)).copied();
        let found = if is_id(*next, id) { Some(*next) } else { by_id(id).or_else(|| by_id(&id.to_ascii_lowercase())) };
        *next = found.map_or(0, |index| index + 1);
        found
    }
}
