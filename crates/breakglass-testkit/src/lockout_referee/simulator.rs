//! Goes through all rules until nothing changes.

#![expect(
    clippy::indexing_slicing,
    reason = "people, tools, devices, points and facts are numbered by the tables they lie in"
)]

use std::collections::BTreeSet;

use super::Stage;

/// Something that is derived.
pub(super) type Fact = usize;
/// A set of components.
pub(super) type Mask = u128;
/// Sets of components of each of which one must be up; `None` if nothing helps.
pub(super) type Wanted = Option<Vec<Mask>>;

/// One rule: everything in it must hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rule {
    pub(super) head: Fact,
    /// Components that must be up.
    pub(super) needs: Mask,
    /// Facts that must hold.
    pub(super) facts: Vec<Fact>,
    /// Of each of these, one fact must hold.
    pub(super) one_of: Vec<Vec<Fact>>,
    /// Secrets that must be had.
    pub(super) secrets: Vec<usize>,
    /// What the policies come to.
    pub(super) policies: Policies,
    /// Whether it holds only once somebody may take policies away.
    pub(super) is_after_repair: bool,
}

/// Per set of risks that may be reported, the components of which one of each set must be up; `None` if nothing helps.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Policies {
    /// `quiet:…` of the sign-in, of the user, of the insider.
    pub(super) quiet: [Mask; 3],
    /// The least is what is wanted when no risk may be reported; empty where nothing is wanted whatever is reported.
    pub(super) by_risk: Vec<Wanted>,
}

impl Policies {
    fn pass(&self, up: Mask) -> bool {
        if self.by_risk.is_empty() {
            return true;
        }
        // Where nothing stands for it, no risk is ever reported.
        let is_raised = |kind: &usize| self.quiet[*kind] != 0 && self.quiet[*kind] & up == 0;
        let failed = (0..3).filter(is_raised).fold(0, |failed, kind| failed | 1 << kind);
        match &self.by_risk[failed] {
            None => false,
            Some(clauses) => clauses.iter().all(|clause| clause & up != 0),
        }
    }

    /// The risks that make a difference.
    fn support(&self) -> Mask {
        let mut support = 0;
        for (failed, wanted) in self.by_risk.iter().enumerate() {
            for clause in wanted.iter().flatten() {
                support |= clause;
            }
            for kind in 0..3 {
                if self.by_risk[failed & !(1 << kind)] != *wanted {
                    support |= self.quiet[kind];
                }
            }
        }
        support
    }
}

/// A secret in shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Secret {
    pub(super) threshold: usize,
    /// Components that each share needs, and the depository that must be reached.
    pub(super) shares: Vec<(Mask, Option<Fact>)>,
}

impl Secret {
    fn is_open(&self, up: Mask, holds: &[bool]) -> bool {
        let is_had =
            |(needs, depository): &&(Mask, Option<Fact>)| needs & !up == 0 && depository.is_none_or(|fact| holds[fact]);
        self.shares.iter().filter(is_had).count() >= self.threshold
    }
}

/// The simulator of one question on one tenant.
#[derive(Debug, Clone)]
pub struct Simulator {
    pub(super) names: Vec<String>,
    pub(super) fact_count: usize,
    pub(super) rules: Vec<Rule>,
    pub(super) secrets: Vec<Secret>,
    pub(super) goal: Fact,
    pub(super) edit_ca: Fact,
    pub(super) stage: Stage,
    /// New passwords and passes that somebody else gives.
    #[cfg(test)]
    pub(super) is_help: BTreeSet<Fact>,
    /// Components that the goal depends on.
    pub(super) relevant: Mask,
}

impl Simulator {
    /// Whether the goal is reached with exactly these components up. Components that nothing needs make no difference.
    #[must_use]
    pub fn holds(&self, up: &BTreeSet<String>) -> bool {
        let is_up = |at: &usize| self.names.get(*at).is_some_and(|name| up.contains(name));
        self.holds_with((0..self.names.len()).filter(is_up).fold(0, |mask, at| mask | 1 << at))
    }

    /// Every component on which a sign-in that leads to the goal may depend, by id.
    #[must_use]
    pub fn components(&self) -> Vec<String> {
        self.names
            .iter()
            .enumerate()
            .filter(|(at, _)| self.relevant >> at & 1 != 0)
            .map(|(_, name)| name.clone())
            .collect()
    }

    pub(super) fn holds_with(&self, up: Mask) -> bool {
        let direct = self.derive(up, false);
        if direct[self.goal] || self.stage == Stage::Direct || !direct[self.edit_ca] {
            return direct[self.goal];
        }
        self.derive(up, true)[self.goal]
    }

    /// The same without anybody setting a password or issuing a pass for somebody else.
    #[cfg(test)]
    pub(crate) fn without_help(&self) -> Self {
        let mut alone = self.clone();
        alone.rules.retain(|rule| !self.is_help.contains(&rule.head));
        alone
    }

    /// The least set of facts that the rules allow.
    fn derive(&self, up: Mask, is_repaired: bool) -> Vec<bool> {
        let mut holds = vec![false; self.fact_count];
        loop {
            let mut has_changed = false;
            for rule in &self.rules {
                if !holds[rule.head] && (is_repaired || !rule.is_after_repair) && self.fires(rule, up, &holds) {
                    holds[rule.head] = true;
                    has_changed = true;
                }
            }
            if !has_changed {
                return holds;
            }
        }
    }

    fn fires(&self, rule: &Rule, up: Mask, holds: &[bool]) -> bool {
        rule.needs & !up == 0
            && rule.facts.iter().all(|fact| holds[*fact])
            && rule.policies.pass(up)
            && rule.one_of.iter().all(|facts| facts.iter().any(|fact| holds[*fact]))
            && rule.secrets.iter().all(|secret| self.secrets[*secret].is_open(up, holds))
    }

    /// Drops the rules that can never fire, and finds the components that the goal depends on.
    pub(super) fn finish(mut self) -> Self {
        if self.stage == Stage::Direct || !self.derive(Mask::MAX, false)[self.edit_ca] {
            self.rules.retain(|rule| !rule.is_after_repair);
        }
        let all = self.derive(Mask::MAX, true);
        let mut rules = std::mem::take(&mut self.rules);
        rules.retain(|rule| self.fires(rule, Mask::MAX, &all));
        rules.sort();
        rules.dedup();
        self.rules = rules;
        let mut is_needed = vec![false; self.fact_count];
        let mut open = vec![self.goal];
        if self.stage == Stage::AfterRepair {
            open.push(self.edit_ca);
        }
        while let Some(fact) = open.pop() {
            if std::mem::replace(&mut is_needed[fact], true) {
                continue;
            }
            for rule in self.rules.iter().filter(|rule| rule.head == fact) {
                self.relevant |= rule.needs | rule.policies.support();
                open.extend(rule.facts.iter().chain(rule.one_of.iter().flatten()).copied());
                for secret in &rule.secrets {
                    for (needs, depository) in &self.secrets[*secret].shares {
                        self.relevant |= needs;
                        open.extend(depository);
                    }
                }
            }
        }
        self.rules.retain(|rule| is_needed[rule.head]);
        self
    }
}
