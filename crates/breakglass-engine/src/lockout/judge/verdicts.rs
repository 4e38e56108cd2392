//! What a combination makes of policies, and what of that a sign-in is asked.

use std::sync::Arc;

use crate::lockout::need::{Alternatives, met};

/// What a combination on a kind of device makes of every policy.
pub(super) struct Verdicts {
    /// Combinations and devices of one number meet every policy alike.
    pub(super) number: u32,
    /// Per policy, what meets it.
    pub(super) met: Vec<Met>,
    /// It does not meet them.
    pub(super) failed: Vec<u64>,
    /// It meets them if some component is up.
    pub(super) conditional: Vec<u64>,
    /// Whether it meets them cannot be told.
    pub(super) doubtful: Vec<u64>,
}

/// Of what a sign-in is asked at some place, what it does not meet, meets if some component is up, and what is in
/// doubt: three masks.
pub(super) struct Asked {
    pub(super) masks: Vec<u64>,
    pub(super) words: usize,
}

impl Asked {
    pub(super) fn part(&self, number: usize) -> &[u64] {
        self.masks.get(number * self.words..(number + 1) * self.words).unwrap_or_default()
    }

    pub(super) fn failed(&self) -> &[u64] {
        self.part(0)
    }

    pub(super) fn conditional(&self) -> &[u64] {
        self.part(1)
    }

    pub(super) fn doubtful(&self) -> &[u64] {
        self.part(2)
    }

    pub(super) fn is_doubtful(&self) -> bool {
        self.doubtful().iter().any(|word| *word != 0)
    }
}

/// Whether two masks have a policy in common.
pub(super) fn meet(one: &[u64], other: &[u64]) -> bool {
    one.iter().zip(other).any(|(one, other)| one & other != 0)
}

/// What meets one policy's demand, and why that cannot be told for sure.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Met {
    pub(super) alternatives: Arc<Alternatives>,
    pub(super) doubt: Option<Arc<str>>,
}

impl Verdicts {
    pub(super) fn of(number: u32, demands: &[Met], words: usize) -> Self {
        let none = || vec![0_u64; words];
        let mut verdicts =
            Self { number, met: demands.to_vec(), failed: none(), conditional: none(), doubtful: none() };
        for (policy, demand) in demands.iter().enumerate() {
            let set = |mask: &mut Vec<u64>, is_set: bool| {
                if let (true, Some(word)) = (is_set, mask.get_mut(policy / 64)) {
                    *word |= 1 << (policy % 64);
                }
            };
            set(&mut verdicts.failed, demand.alternatives.is_empty());
            set(&mut verdicts.conditional, !demand.alternatives.is_empty() && *demand.alternatives != met());
            set(&mut verdicts.doubtful, demand.doubt.is_some());
        }
        verdicts
    }
}
