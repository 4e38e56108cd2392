//! A system of rules over things that are up or failed: what is needed, at least so many of which, for what.
//!
//! A rule derives its head once at least `threshold` of its body is up or derived. What follows from a set of things
//! is the least fixpoint of the rules, so that cycles (two people who can reset each other) derive nothing by
//! themselves, and more that is up never derives less: the answer is a coherent function by construction.
//!
//! **Invariant:** a threshold is one rule, never the list of its subsets.
//!
//! **Source:** W. F. Dowling and J. H. Gallier, *Linear-time algorithms for testing the satisfiability of
//! propositional Horn formulae* (1984), for the counters.

#![expect(
    clippy::indexing_slicing,
    reason = "nodes and rules are numbered by the builder, and every table has its room"
)]

mod rules;

use std::collections::BinaryHeap;

use self::rules::{Lists, Rules};
use super::cuts::Ways;

/// Something that a rule speaks of: a component, or a fact that rules derive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(u32);

impl Node {
    const fn at(self) -> usize {
        self.0 as usize
    }
}

/// A rule of a builder, in the order in which they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(u32);

impl RuleId {
    /// The rule as an index into a table over all rules.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Makes a [`System`].
#[derive(Debug, Clone, Default)]
pub struct SystemBuilder {
    nodes: u32,
    components: Vec<Node>,
    rules: Rules,
}

impl SystemBuilder {
    fn node(&mut self) -> Node {
        self.nodes += 1;
        Node(self.nodes - 1)
    }

    /// A new component: it can fail. Components are numbered in the order in which they are made.
    pub fn component(&mut self) -> Node {
        let node = self.node();
        self.components.push(node);
        node
    }

    /// A new fact, which holds only if a rule derives it.
    pub fn fact(&mut self) -> Node {
        self.node()
    }

    /// `head` holds if at least `threshold` of `body` do. A member that stands in the body twice counts once.
    pub fn rule(&mut self, head: Node, threshold: usize, body: &[Node]) -> RuleId {
        self.rules.push(head, Some(threshold), body)
    }

    /// `head` holds if all of `body` do.
    pub fn all(&mut self, head: Node, body: &[Node]) -> RuleId {
        self.rules.push(head, None, body)
    }

    /// `head` holds if one of `body` does.
    pub fn any(&mut self, head: Node, body: &[Node]) -> RuleId {
        self.rule(head, 1, body)
    }

    /// The system whose goal is `goal`, without what the goal does not depend on.
    #[must_use]
    pub fn build(&self, goal: Node) -> System {
        System::of(self, goal, &[])
    }

    /// A system that can be asked for other goals as well, with [`System::ask_for`].
    #[must_use]
    pub(super) fn build_for(&self, goal: Node, others: &[Node]) -> System {
        System::of(self, goal, others)
    }
}

/// Rules over components, with a goal.
#[derive(Debug)]
pub struct System {
    goal: Node,
    /// Per component that was made, its node.
    components: Vec<Node>,
    /// Per node, the component, if it is one.
    component_of: Vec<Option<u32>>,
    rules: Rules,
    /// Per rule, which one of the builder's it is.
    ids: Vec<RuleId>,
    /// Per node, the rules in whose bodies it stands.
    uses: Lists,
    /// Rules without a condition.
    free: Vec<u32>,
    /// Components that the goal depends on, ascending.
    relevant: Vec<u32>,
    state: State,
}

/// What one derivation has found out, kept between derivations for its room.
#[derive(Debug, Default)]
struct State {
    /// Per node, the step at which it was derived.
    derived: Vec<u32>,
    /// Per node, the rule that derived it.
    by: Vec<u32>,
    /// Per rule, how many of its body are still wanted: by itself, so that all of it stays near the processor.
    wanted: Vec<u32>,
    /// What was derived, in order.
    queue: Vec<Node>,
    /// How much of that was looked at.
    done: usize,
    needed: Vec<bool>,
}

/// Beyond one node of so many, every rule is set back rather than each that was looked at.
const DONE_PART: usize = 16;

const NOT_DERIVED: u32 = u32::MAX;
const NO_RULE: u32 = u32::MAX;

impl System {
    fn of(builder: &SystemBuilder, goal: Node, others: &[Node]) -> Self {
        let count = builder.nodes as usize;
        // A rule that wants more than its body has derives nothing.
        let all = &builder.rules;
        let can_hold = (0..all.count()).filter(|rule| all.threshold(*rule) <= all.body(*rule).len());
        let by_head = Lists::of(count, can_hold.map(|rule| (all.head(rule).at(), rule as u32)));
        let mut is_needed = vec![false; count];
        let mut open: Vec<Node> = std::iter::once(goal).chain(others.iter().copied()).collect();
        open.iter().for_each(|goal| is_needed[goal.at()] = true);
        let mut is_kept = vec![false; all.count()];
        while let Some(node) = open.pop() {
            for at in by_head.get(node.at()) {
                is_kept[*at as usize] = true;
                for member in all.body(*at as usize) {
                    if !std::mem::replace(&mut is_needed[member.at()], true) {
                        open.push(*member);
                    }
                }
            }
        }
        let kept: Vec<usize> = (0..all.count()).filter(|rule| is_kept[*rule]).collect();
        let rules = all.only(&kept);
        let ids = kept.into_iter().map(|at| RuleId(at as u32)).collect();
        let mut component_of = vec![None; count];
        for (component, node) in builder.components.iter().enumerate() {
            component_of[node.at()] = Some(component as u32);
        }
        Self::with_rules((goal, builder.components.clone(), component_of), rules, ids)
    }

    fn with_rules(
        (goal, components, component_of): (Node, Vec<Node>, Vec<Option<u32>>),
        rules: Rules,
        ids: Vec<RuleId>,
    ) -> Self {
        let count = component_of.len();
        let uses = Lists::of(count, rules.members());
        let free = (0..rules.count() as u32).filter(|at| rules.threshold(*at as usize) == 0).collect();
        let is_relevant =
            |component: &u32| components[*component as usize] == goal || uses.has(components[*component as usize].at());
        let relevant = (0..components.len() as u32).filter(is_relevant).collect();
        let state = State {
            derived: vec![NOT_DERIVED; count],
            by: vec![NO_RULE; count],
            wanted: rules.thresholds().to_vec(),
            needed: vec![false; count],
            ..State::default()
        };
        Self { goal, components, component_of, rules, ids, uses, free, relevant, state }
    }

    /// How many components were made.
    #[must_use]
    pub fn component_count(&self) -> usize {
        self.components.len()
    }

    /// Components that the goal depends on, ascending.
    #[must_use]
    pub fn relevant(&self) -> &[u32] {
        &self.relevant
    }

    /// Whether the goal holds with exactly these components up.
    pub fn holds(&mut self, up: &[u32]) -> bool {
        let holds = self.derive(up);
        self.reset();
        holds
    }

    /// The rules that one derivation of the goal stands on, each behind those that it builds upon; `None` if the goal
    /// does not hold with exactly these components up.
    pub fn derivation(&mut self, up: &[u32]) -> Option<Vec<RuleId>> {
        let proof = self.derive(up).then(|| self.proof());
        self.reset();
        proof.map(|(_, rules)| rules)
    }

    /// The components among these that one derivation of the goal stands on, ascending; `None` if there is none.
    fn proof_from(&mut self, up: &[u32]) -> Option<Vec<u32>> {
        let proof = self.derive(up).then(|| self.proof());
        self.reset();
        proof.map(|(way, _)| way)
    }

    /// The components that one derivation of the goal stands on with everything up but these, ascending.
    pub(super) fn proof_without(&mut self, failed: &[u32]) -> Option<Vec<u32>> {
        self.proof_from(&self.up_without(failed))
    }

    /// The components that the goal depends on, without some.
    fn up_without(&self, failed: &[u32]) -> Vec<u32> {
        let mut gone = failed.to_vec();
        gone.sort_unstable();
        let mut gone = gone.into_iter().peekable();
        // Both are ascending.
        let is_up = |component: &u32| {
            while gone.next_if(|gone| gone < component).is_some() {}
            gone.peek() != Some(component)
        };
        self.relevant.iter().copied().filter(is_up).collect()
    }

    /// The rules that hold with every component up, by number, ascending.
    pub(super) fn met_rules(&mut self) -> Vec<u32> {
        let up = self.relevant.clone();
        self.derive_up_to(&up, None);
        let wanted = self.state.wanted.iter().enumerate();
        let met = wanted.filter(|(_, wanted)| **wanted == 0).map(|(rule, _)| rule as u32).collect();
        self.reset();
        met
    }

    /// A rule by number: which one it is of the builder's, what it derives, and from what.
    pub(super) fn rule(&self, number: u32) -> (RuleId, Node, &[Node]) {
        let at = number as usize;
        (self.ids[at], self.rules.head(at), self.rules.body(at))
    }

    /// Derives another of the goals that it was built for.
    pub(super) const fn ask_for(&mut self, goal: Node) {
        self.goal = goal;
    }

    /// What is derived in the end.
    pub(super) const fn goal(&self) -> Node {
        self.goal
    }

    /// The component that a node is, if it is one.
    pub(super) fn component_at(&self, node: Node) -> Option<u32> {
        self.component_of[node.at()]
    }

    /// The same goal by some of the rules alone, by number, ascending.
    pub(super) fn by_rules(&self, kept: &[u32]) -> Self {
        let at: Vec<usize> = kept.iter().map(|rule| *rule as usize).collect();
        let ids = at.iter().map(|rule| self.ids[*rule]).collect();
        Self::with_rules((self.goal, self.components.clone(), self.component_of.clone()), self.rules.only(&at), ids)
    }

    /// Derives until the goal is reached; the state stays for whoever asks how.
    fn derive(&mut self, up: &[u32]) -> bool {
        self.derive_up_to(up, Some(self.goal));
        self.state.derived[self.goal.at()] != NOT_DERIVED
    }

    /// Derives until something is reached, or all that can be.
    fn derive_up_to(&mut self, up: &[u32], wanted_most: Option<Node>) {
        let State { derived, by, wanted, queue, done, .. } = &mut self.state;
        let mut step = 0;
        for component in up {
            let node = self.components[*component as usize];
            if derived[node.at()] == NOT_DERIVED {
                derived[node.at()] = step;
                step += 1;
                queue.push(node);
            }
        }
        for rule in &self.free {
            let head = self.rules.head(*rule as usize);
            if derived[head.at()] == NOT_DERIVED {
                (derived[head.at()], by[head.at()]) = (step, *rule);
                step += 1;
                queue.push(head);
            }
        }
        let mut at = 0;
        while wanted_most.is_none_or(|node| derived[node.at()] == NOT_DERIVED) {
            let Some(node) = queue.get(at).copied() else { break };
            at += 1;
            for rule in self.uses.get(node.at()) {
                let wanted = &mut wanted[*rule as usize];
                match *wanted {
                    0 => continue,
                    1 => *wanted = 0,
                    more => {
                        *wanted = more - 1;
                        continue;
                    }
                }
                let head = self.rules.head(*rule as usize);
                if derived[head.at()] == NOT_DERIVED {
                    (derived[head.at()], by[head.at()]) = (step, *rule);
                    step += 1;
                    queue.push(head);
                }
            }
        }
        *done = at;
    }

    fn reset(&mut self) {
        let State { derived, by, wanted, queue, done, .. } = &mut self.state;
        let thresholds = self.rules.thresholds();
        if *done > derived.len() / DONE_PART {
            wanted.copy_from_slice(thresholds);
        } else {
            for rule in queue.iter().take(*done).flat_map(|node| self.uses.get(node.at())) {
                wanted[*rule as usize] = thresholds[*rule as usize];
            }
        }
        for node in queue.drain(..) {
            derived[node.at()] = NOT_DERIVED;
            by[node.at()] = NO_RULE;
        }
    }

    /// The components that the derivation of the goal stands on, and its rules.
    fn proof(&mut self) -> (Vec<u32>, Vec<RuleId>) {
        let State { derived, by, needed, .. } = &mut self.state;
        let (mut way, mut rules) = (Vec::new(), Vec::new());
        // Latest first: what a fact stands on was derived before it, and is met after it.
        let mut open = BinaryHeap::from([(derived[self.goal.at()], self.goal)]);
        let mut met = Vec::new();
        while let Some((step, node)) = open.pop() {
            if std::mem::replace(&mut needed[node.at()], true) {
                continue;
            }
            met.push(node);
            if by[node.at()] == NO_RULE {
                way.extend(self.component_of[node.at()]);
                continue;
            }
            let rule = by[node.at()] as usize;
            rules.push(self.ids[rule]);
            let mut members: Vec<(bool, u32, Node)> = self
                .rules
                .body(rule)
                .iter()
                .map(|member| (!needed[member.at()], derived[member.at()], *member))
                .filter(|(_, at, _)| *at < step)
                .collect();
            members.sort_unstable();
            open.extend(members.into_iter().take(self.rules.threshold(rule)).map(|(_, at, member)| (at, member)));
        }
        for node in met {
            needed[node.at()] = false;
        }
        way.sort_unstable();
        rules.reverse();
        (way, rules)
    }
}

impl Ways for System {
    fn component_count(&self) -> usize {
        Self::component_count(self)
    }

    fn way_without(&mut self, failed: &[u32]) -> Option<Vec<u32>> {
        let mut way = self.proof_without(failed)?;
        // The proof may use more than one needs: without each in turn, the rest may still do.
        let mut at = 0;
        while let Some(component) = way.get(at).copied() {
            let others: Vec<u32> = way.iter().copied().filter(|other| *other != component).collect();
            match self.proof_from(&others) {
                // What stands before it was found to be needed, and is needed still.
                Some(shorter) => way = shorter,
                None => at += 1,
            }
        }
        Some(way)
    }
}
