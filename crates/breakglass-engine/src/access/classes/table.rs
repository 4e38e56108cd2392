//! The classes of all users at once, worked out when somebody first asks for a class.
//!
//! **Invariant:** the first class is that of somebody whom the snapshot does not mention.

use std::hash::{BuildHasher, BuildHasherDefault};

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use super::{UserClasses, UsersCondition};
use crate::access::compile::Masks;
use crate::access::count::Sets;
use crate::access::scope::UserSet;

/// Every seat with its class, and what is known of the classes.
#[derive(Debug, Default)]
pub(crate) struct ClassTable {
    /// Class of each seat.
    pub(super) class_of: Vec<u32>,
    /// One row per class.
    pub(crate) masks: Masks,
    /// Whether no class has an uncertain policy.
    pub(crate) are_certain: bool,
    /// How many listed users each class has.
    pub(crate) sizes: Vec<u32>,
    /// The rows once more, if they are certain, in the form for counting.
    pub(crate) sets: Sets,
}

/// Rows of `width` words, each with a number.
struct Rows {
    width: usize,
    words: Vec<u64>,
    numbers: HashTable<u32>,
}

impl Rows {
    /// The number of a row, which is new where the row is.
    fn number(&mut self, row: &[u64]) -> u32 {
        let hash = |row: &[u64]| BuildHasherDefault::<FxHasher>::default().hash_one(row);
        let (row_hash, width) = (hash(row), self.width);
        let of = |words: &[u64], number: u32| -> Option<std::ops::Range<usize>> {
            let begin = number as usize * width;
            (begin + width <= words.len()).then_some(begin..begin + width)
        };
        let words = &self.words;
        let known = |number: &u32| of(words, *number).and_then(|range| words.get(range)) == Some(row);
        if let Some(number) = self.numbers.find(row_hash, known) {
            return *number;
        }
        let number = u32::try_from(self.words.len() / width).unwrap_or(u32::MAX);
        self.words.extend_from_slice(row);
        let words = &self.words;
        let row_of = |number: &u32| hash(of(words, *number).and_then(|range| words.get(range)).unwrap_or_default());
        self.numbers.insert_unique(row_hash, number, row_of);
        number
    }
}

impl ClassTable {
    /// Puts every seat into its class, 64 seats at a time.
    pub(super) fn of(classes: &UserClasses<'_>) -> Self {
        let (seats, words) = (classes.resolver.room(), classes.words);
        let columns: Vec<(UserSet, Option<UserSet>)> =
            classes.conditions.iter().map(|condition| column(classes, condition, seats)).collect();
        let width = words * 2;
        let mut rows = Rows { width, words: Vec::new(), numbers: HashTable::new() };
        let nobody = classes.masks_at(classes.seat(None));
        rows.number(&[nobody.sure, nobody.may].concat());
        let mut table = Self { class_of: Vec::with_capacity(seats), ..Self::default() };
        let mut block = vec![0_u64; 64 * width];
        for base in 0..seats.div_ceil(64) {
            block.fill(0);
            for (policy, (sure, may)) in columns.iter().enumerate() {
                let bit = 1_u64 << (policy % 64);
                let word = sure.words().get(base).copied().unwrap_or_default();
                scatter(word, &mut block, (width, policy / 64), bit);
                let word = may.as_ref().map_or(word, |may| may.words().get(base).copied().unwrap_or_default());
                scatter(word, &mut block, (width, words + policy / 64), bit);
            }
            table.class_of.extend(block.chunks_exact(width).take(seats - base * 64).map(|row| rows.number(row)));
        }
        for row in rows.words.chunks_exact(width) {
            let (sure, may) = row.split_at(words);
            table.masks.sure.extend_from_slice(sure);
            table.masks.may.extend_from_slice(may);
        }
        table.are_certain = table.masks.sure == table.masks.may;
        if table.are_certain {
            table.sets = Sets::of(&table.masks.sure, words);
        }
        table.sizes = vec![0; table.masks.sure.len() / words];
        for user in classes.snapshot.users.items() {
            let class = table.class_of.get(user.key.index());
            let slot = class.and_then(|class| table.sizes.get_mut(*class as usize));
            slot.into_iter().for_each(|size: &mut u32| *size += 1);
        }
        table
    }
}

/// Whom one policy's users condition has, for sure and perhaps (`None` = the same).
fn column(classes: &UserClasses<'_>, condition: &UsersCondition, seats: usize) -> (UserSet, Option<UserSet>) {
    let empty = || UserSet::with_room(seats);
    let (mut include, mut include_maybe, mut exclude, mut exclude_maybe) = (empty(), empty(), empty(), empty());
    if condition.not_exported.is_some() {
        include_maybe.fill();
    }
    for atom in condition.include.iter().filter_map(|index| classes.atoms.get(*index)) {
        atom.add_to(&mut include, &mut include_maybe);
    }
    for atom in condition.exclude.iter().filter_map(|index| classes.atoms.get(*index)) {
        atom.add_to(&mut exclude, &mut exclude_maybe);
    }
    include.subtract(&exclude_maybe);
    include_maybe.subtract(&exclude);
    let is_certain = include == include_maybe;
    (include, (!is_certain).then_some(include_maybe))
}

/// For every set bit of a word over 64 seats, sets one bit in that seat's row.
fn scatter(mut word: u64, block: &mut [u64], place: (usize, usize), bit: u64) {
    let (width, at) = place;
    while word != 0 {
        let seat = word.trailing_zeros() as usize;
        if let Some(slot) = block.get_mut(seat * width + at) {
            *slot |= bit;
        }
        word &= word - 1;
    }
}
