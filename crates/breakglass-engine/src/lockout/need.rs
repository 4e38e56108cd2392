//! Alternatives of what is needed: sets of components, none within another.

/// Bits of [`Need::quiet`].
pub(super) mod quiet {
    /// Sign-in risk stays quiet.
    pub(in crate::lockout) const SIGN_IN: u8 = 1;
    /// User risk stays quiet.
    pub(in crate::lockout) const USER: u8 = 2;
    /// Insider risk stays quiet.
    pub(in crate::lockout) const INSIDER: u8 = 4;
    /// All of them.
    pub(in crate::lockout) const ALL: u8 = 7;
}

/// What one alternative needs beside an account and a combination.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Need {
    /// Components, as numbers of the judge, ascending.
    pub(super) components: Vec<u32>,
    /// Risks that must stay quiet.
    pub(super) quiet: u8,
    /// The place it was found at.
    pub(super) place: u16,
    /// The device it was found on, a number of whoever asks.
    pub(super) device: u16,
}

impl Need {
    fn is_within(&self, other: &Self) -> bool {
        self.quiet & !other.quiet == 0 && is_subset(&self.components, &other.components)
    }
}

/// Whether an ascending list is part of another.
pub(super) fn is_subset(one: &[u32], other: &[u32]) -> bool {
    let mut rest = other.iter();
    one.iter().all(|wanted| rest.by_ref().any(|there| there == wanted))
}

/// Both lists, ascending, each member once.
pub(super) fn union(one: &[u32], other: &[u32]) -> Vec<u32> {
    let mut all: Vec<u32> = one.iter().chain(other).copied().collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Leaves the alternatives that no other one is part of; of equal ones the first.
pub(super) fn minimal(needs: Vec<Need>) -> Vec<Need> {
    let mut needs = needs;
    needs.sort_by_key(|need| need.components.len() + need.quiet.count_ones() as usize);
    let mut kept: Vec<Need> = Vec::new();
    for need in needs {
        if !kept.iter().any(|smaller| smaller.is_within(&need)) {
            kept.push(need);
        }
    }
    kept
}

/// Alternatives of sets of components: a disjunction of conjunctions.
pub(super) type Alternatives = Vec<Vec<u32>>;

/// Always met.
pub(super) fn met() -> Alternatives {
    vec![Vec::new()]
}

/// Leaves the sets that no other one is part of.
pub(super) fn minimal_sets(sets: Alternatives) -> Alternatives {
    let mut sets = sets;
    sets.sort_by(|one, other| one.len().cmp(&other.len()).then_with(|| one.cmp(other)));
    let mut kept: Alternatives = Vec::new();
    for set in sets {
        if !kept.iter().any(|smaller| is_subset(smaller, &set)) {
            kept.push(set);
        }
    }
    kept
}

/// Both must be met.
pub(super) fn both(one: &Alternatives, other: &Alternatives) -> Alternatives {
    minimal_sets(one.iter().flat_map(|one| other.iter().map(move |other| union(one, other))).collect())
}

#[cfg(test)]
mod tests {
    use super::{Need, both, met, minimal};

    #[test]
    fn what_another_is_part_of_is_left_out() {
        let need = |components: &[u32], quiet| Need { components: components.to_vec(), quiet, place: 0, device: 0 };
        let kept = minimal(vec![need(&[1, 2], 0), need(&[1], 1), need(&[1], 0), need(&[3], 2), need(&[3], 3)]);
        assert_eq!(kept, [need(&[1], 0), need(&[3], 2)]);
        assert_eq!(both(&vec![vec![1], vec![2]], &vec![vec![1, 3]]), [vec![1, 3]]);
        assert_eq!(both(&met(), &Vec::new()), Vec::<Vec<u32>>::new());
    }
}
