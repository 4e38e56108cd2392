//! The minimal cuts, read off the table of all sets of components.

#![expect(
    clippy::indexing_slicing,
    reason = "people, tools, devices, points and facts are numbered by the tables they lie in"
)]

use super::simulator::{Mask, Simulator};

/// More components than this are too many to go through all their sets.
pub const COMPONENT_COUNT_MAX: usize = 14;

/// There are too many components.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyComponents {
    /// How many.
    pub count: usize,
}

impl Simulator {
    /// Every minimal cut, by size and then by the ids of its components, and how many sets were gone through.
    ///
    /// # Errors
    /// When there are more than [`COMPONENT_COUNT_MAX`] components.
    ///
    /// # Panics
    /// When a failure opens a way.
    pub fn minimal_cuts(&self) -> Result<Vec<Vec<String>>, TooManyComponents> {
        let places: Vec<usize> = (0..self.names.len()).filter(|at| self.relevant >> at & 1 != 0).collect();
        let count = places.len();
        if count > COMPONENT_COUNT_MAX {
            return Err(TooManyComponents { count });
        }
        let holds: Vec<bool> = (0..1_usize << count)
            .map(|set| {
                let members = (0..count).filter(|member| set >> member & 1 != 0);
                self.holds_with(members.fold(0, |up: Mask, member| up | 1 << places[member]))
            })
            .collect();
        let everything = (1_usize << count) - 1;
        let mut cuts = Vec::new();
        for failed in 0..=everything {
            let up = everything & !failed;
            for member in 0..count {
                assert!(
                    !holds[up] || holds[up | 1 << member],
                    "the failure of `{}` opens a way",
                    self.names[places[member]]
                );
            }
            let is_minimal =
                || (0..count).filter(|member| failed >> member & 1 != 0).all(|member| holds[up | 1 << member]);
            if !holds[up] && is_minimal() {
                let members = (0..count).filter(|member| failed >> member & 1 != 0);
                cuts.push(members.map(|member| self.names[places[member]].clone()).collect::<Vec<String>>());
            }
        }
        cuts.sort_by(|one, other| one.len().cmp(&other.len()).then_with(|| one.cmp(other)));
        Ok(cuts)
    }
}
