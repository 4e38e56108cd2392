//! Which questions are asked, and in which order: those that tell most come first, so that a small budget is well spent.

use std::collections::BTreeSet;

use serde_json::Value;

use super::facts::{Dimension, Facts, in_force};
use crate::access::{Access, Trit};

/// Something that a question is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Goal {
    /// A policy applies.
    Applies(usize),
    /// A value of a fact is asked about.
    Asked(Dimension, usize),
    /// Of a policy, this condition alone is not met.
    Alone(usize, Dimension),
}

/// A question to the tenant's What If.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The body of the request.
    pub body: Value,
    /// What is told apart for the first time by it.
    pub goal_count: usize,
}

/// Questions that together tell apart everything that policies do.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The questions, the ones that tell most first.
    pub questions: Vec<Question>,
    /// Per fact, how many values policies tell apart.
    pub values: Vec<(Dimension, usize)>,
    /// Policies that are in force or report-only.
    pub policy_count: usize,
    /// Those of them that can apply to no sign-in that can be asked about.
    pub never: Vec<usize>,
    /// What all questions together tell apart.
    pub goal_count: usize,
}

impl Sample {
    /// Works out the questions for a tenant.
    #[must_use]
    pub fn of(access: &Access<'_>) -> Self {
        let facts = Facts::of(access);
        let in_force = in_force(access);
        let mut search = Search { facts: &facts, in_force: &in_force, reached: BTreeSet::new(), questions: Vec::new() };
        let never = search.ask();
        let goal_count = search.reached.len();
        let values = Dimension::ALL.into_iter().map(|one| (one, facts.all(one).len())).collect();
        Self { questions: search.questions, values, policy_count: in_force.len(), never, goal_count }
    }

    /// How much of everything the first questions tell apart.
    #[must_use]
    pub fn reached(&self, count: usize) -> usize {
        self.questions.iter().take(count).map(|question| question.goal_count).sum()
    }
}

struct Search<'s> {
    facts: &'s Facts,
    in_force: &'s [usize],
    reached: BTreeSet<Goal>,
    questions: Vec<Question>,
}

impl Search<'_> {
    /// Asks for everything; gives the policies that never apply.
    fn ask(&mut self) -> Vec<usize> {
        let in_force = self.in_force;
        if self.facts.all(Dimension::Who).is_empty() {
            return in_force.to_vec();
        }
        let mut never = Vec::new();
        for policy in in_force {
            match self.witness(*policy) {
                Some(picks) if !self.reached.contains(&Goal::Applies(*policy)) => self.add(&picks),
                Some(_) => {}
                None => never.push(*policy),
            }
        }
        while let Some(picks) = self.unasked() {
            self.add(&picks);
        }
        for policy in in_force {
            let Some(witness) = self.witness(*policy) else { continue };
            for (at, dimension) in Dimension::ALL.into_iter().enumerate() {
                let unmet = self.pick(dimension, |choice| choice.truths.get(*policy) == Some(&Trit::No));
                let Some(unmet) = unmet.filter(|_| !self.reached.contains(&Goal::Alone(*policy, dimension))) else {
                    continue;
                };
                let mut picks = witness.clone();
                if let Some(pick) = picks.get_mut(at) {
                    *pick = unmet;
                }
                self.add(&picks);
            }
        }
        never
    }

    /// A sign-in to which a policy applies, or may as far as we can tell, of values that were not asked about where there are some.
    fn witness(&self, policy: usize) -> Option<Vec<usize>> {
        let met = |dimension: Dimension| {
            if self.facts.all(dimension).is_empty() {
                return Some(0);
            }
            // Where we cannot tell, the tenant can.
            let met = self.pick(dimension, |choice| choice.truths.get(policy) == Some(&Trit::Yes));
            met.or_else(|| self.pick(dimension, |choice| choice.truths.get(policy) == Some(&Trit::Unknown)))
        };
        Dimension::ALL.into_iter().map(met).collect()
    }

    /// The first value that fits, one that was not asked about before one that was.
    fn pick(&self, dimension: Dimension, fits: impl Fn(&super::facts::Choice) -> bool) -> Option<usize> {
        let fitting = || self.facts.all(dimension).iter().enumerate().filter(|(_, one)| fits(one)).map(|(at, _)| at);
        fitting().find(|at| !self.reached.contains(&Goal::Asked(dimension, *at))).or_else(|| fitting().next())
    }

    /// A sign-in of values that were not asked about, as long as there are some.
    fn unasked(&self) -> Option<Vec<usize>> {
        let next = |dimension: Dimension| {
            (0..self.facts.all(dimension).len()).find(|at| !self.reached.contains(&Goal::Asked(dimension, *at)))
        };
        let found: Vec<Option<usize>> = Dimension::ALL.into_iter().map(next).collect();
        found.iter().any(Option::is_some).then(|| found.into_iter().map(Option::unwrap_or_default).collect())
    }

    fn add(&mut self, picks: &[usize]) {
        let goals = self.goals(picks);
        let before = self.reached.len();
        self.reached.extend(goals);
        let goal_count = self.reached.len() - before;
        self.questions.push(Question { body: self.facts.body(picks), goal_count });
    }

    /// What a question tells.
    fn goals(&self, picks: &[usize]) -> Vec<Goal> {
        let picked = || Dimension::ALL.into_iter().zip(picks);
        let mut goals: Vec<Goal> = picked().map(|(dimension, pick)| Goal::Asked(dimension, *pick)).collect();
        for policy in self.in_force {
            let truths = picked().filter_map(|(dimension, pick)| {
                let choice = self.facts.all(dimension).get(*pick)?;
                Some((dimension, *choice.truths.get(*policy)?))
            });
            let unmet: Vec<(Dimension, Trit)> = truths.filter(|(_, truth)| *truth != Trit::Yes).collect();
            match unmet.as_slice() {
                [] => goals.push(Goal::Applies(*policy)),
                [(dimension, Trit::No)] => goals.push(Goal::Alone(*policy, *dimension)),
                _ => {}
            }
        }
        goals
    }
}
