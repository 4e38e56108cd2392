//! Tables of masks: one bit per policy, once for what holds for sure and once for what may hold.

use crate::access::trit::Trit;

/// A table of masks: `words` words per row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Masks {
    /// Conditions that hold for sure.
    pub(crate) sure: Vec<u64>,
    /// Conditions that may hold, the sure ones included.
    pub(crate) may: Vec<u64>,
}

impl Masks {
    pub(crate) fn with_rows(rows: usize, words: usize) -> Self {
        Self { sure: vec![0; rows * words], may: vec![0; rows * words] }
    }

    /// Sets one policy's bit in a row.
    pub(crate) fn set(&mut self, place: (usize, usize), policy: usize, truth: Trit) {
        let (row, words) = place;
        let at = row * words + policy / 64;
        let bit = 1_u64 << (policy % 64);
        if truth != Trit::No {
            self.may.get_mut(at).into_iter().for_each(|word| *word |= bit);
        }
        if truth == Trit::Yes {
            self.sure.get_mut(at).into_iter().for_each(|word| *word |= bit);
        }
    }

    /// Clears one policy's bit in a row.
    pub(crate) fn clear(&mut self, place: (usize, usize), policy: usize) {
        let (row, words) = place;
        for table in [&mut self.sure, &mut self.may] {
            table.get_mut(row * words + policy / 64).into_iter().for_each(|word| *word &= !(1 << (policy % 64)));
        }
    }

    /// How one policy stands in a row.
    pub(crate) fn truth(&self, place: (usize, usize), policy: usize) -> Trit {
        let (row, words) = place;
        let at = row * words + policy / 64;
        let bit = 1_u64 << (policy % 64);
        let has = |table: &[u64]| table.get(at).is_some_and(|word| word & bit != 0);
        if has(&self.sure) {
            Trit::Yes
        } else if has(&self.may) {
            Trit::Unknown
        } else {
            Trit::No
        }
    }

    /// Intersects a row of this table with a row of another, into a new row at the end.
    pub(super) fn push_product(&mut self, parts: &[(&Masks, usize)], words: usize) {
        for word in 0..words {
            let both = |side: fn(&Masks) -> &[u64]| {
                parts.iter().fold(u64::MAX, |all, (table, row)| {
                    all & side(table).get(row * words + word).copied().unwrap_or_default()
                })
            };
            self.sure.push(both(|table| &table.sure));
            self.may.push(both(|table| &table.may));
        }
    }
}
