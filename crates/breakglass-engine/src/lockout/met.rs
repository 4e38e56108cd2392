//! What earlier searches of a question met, so that a later one, with more failed beforehand, need not derive it again.

use super::cuts::Ways;
use super::system::System;

/// Ways, and cuts, that are kept for a question.
const MET_COUNT_MAX: usize = 256;

/// Ways and cuts of one question.
#[derive(Debug, Default)]
pub(super) struct Met {
    ways: Vec<Vec<u32>>,
    cuts: Vec<Vec<u32>>,
}

impl Met {
    /// Keeps minimal ways and cuts, each ascending.
    pub(super) fn keep(&mut self, ways: &[Vec<u32>], cuts: &[Vec<u32>]) {
        for (kept, new) in [(&mut self.ways, ways), (&mut self.cuts, cuts)] {
            kept.extend(new.iter().take(MET_COUNT_MAX.saturating_sub(kept.len())).cloned());
        }
    }

    /// The ways.
    pub(super) fn ways(&self) -> &[Vec<u32>] {
        &self.ways
    }
}

/// Components that have failed before the search begins, ascending.
pub(super) struct WithFailed<'s> {
    pub(super) system: &'s mut System,
    pub(super) met: &'s mut Met,
    pub(super) failed: &'s [u32],
}

impl Ways for WithFailed<'_> {
    fn component_count(&self) -> usize {
        self.system.component_count()
    }

    fn way_without(&mut self, failed: &[u32]) -> Option<Vec<u32>> {
        let has_failed = |component: &u32| self.failed.binary_search(component).is_ok() || failed.contains(component);
        if let Some(way) = self.met.ways.iter().find(|way| !way.iter().any(has_failed)) {
            return Some(way.clone());
        }
        if self.met.cuts.iter().any(|cut| cut.iter().all(has_failed)) {
            return None;
        }
        let all: Vec<u32> = self.failed.iter().chain(failed).copied().collect();
        let way = self.system.way_without(&all);
        self.met.keep(way.as_slice(), &[]);
        way
    }
}
