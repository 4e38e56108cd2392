//! Rules by number, their bodies one after the other.

#![expect(clippy::indexing_slicing, reason = "rules are numbered as they are pushed, and every list has its room")]

use super::{Node, RuleId};

/// Rules: a head, a threshold and a body each.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    heads: Vec<Node>,
    thresholds: Vec<u32>,
    /// Per rule, where its body ends.
    ends: Vec<u32>,
    bodies: Vec<Node>,
}

impl Rules {
    /// One rule more; its threshold is its whole body where none is given. A member that stands in it twice counts once.
    pub(super) fn push(&mut self, head: Node, threshold: Option<usize>, body: &[Node]) -> RuleId {
        let begin = self.bodies.len();
        self.bodies.extend_from_slice(body);
        self.bodies[begin..].sort_unstable();
        let mut end = begin;
        for at in begin..self.bodies.len() {
            if at == begin || self.bodies[at] != self.bodies[end - 1] {
                self.bodies[end] = self.bodies[at];
                end += 1;
            }
        }
        self.bodies.truncate(end);
        self.close(head, threshold.unwrap_or(end - begin) as u32)
    }

    fn close(&mut self, head: Node, threshold: u32) -> RuleId {
        self.heads.push(head);
        self.thresholds.push(threshold);
        self.ends.push(self.bodies.len() as u32);
        RuleId(self.heads.len() as u32 - 1)
    }

    /// These rules alone, in their order.
    pub(super) fn only(&self, kept: &[usize]) -> Self {
        let mut rules = Self {
            heads: Vec::with_capacity(kept.len()),
            thresholds: Vec::with_capacity(kept.len()),
            ends: Vec::with_capacity(kept.len()),
            bodies: Vec::with_capacity(self.bodies.len()),
        };
        for rule in kept {
            rules.bodies.extend_from_slice(self.body(*rule));
            rules.close(self.heads[*rule], self.thresholds[*rule]);
        }
        rules
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.heads.len()
    }

    /// What a rule derives.
    pub(super) fn head(&self, rule: usize) -> Node {
        self.heads[rule]
    }

    /// How many of its body a rule wants.
    pub(super) fn threshold(&self, rule: usize) -> usize {
        self.thresholds[rule] as usize
    }

    /// The thresholds of all rules.
    pub(super) fn thresholds(&self) -> &[u32] {
        &self.thresholds
    }

    /// The body of a rule, ascending.
    pub(super) fn body(&self, rule: usize) -> &[Node] {
        let begin = rule.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.bodies[begin..self.ends[rule] as usize]
    }

    /// Every member of a body, with its rule.
    pub(super) fn members(&self) -> impl Iterator<Item = (usize, u32)> + Clone + '_ {
        (0..self.count()).flat_map(|rule| self.body(rule).iter().map(move |node| (node.at(), rule as u32)))
    }
}

/// Lists of numbers, one after the other.
#[derive(Debug, Default)]
pub(super) struct Lists {
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Lists {
    /// Puts each number into its list.
    pub(super) fn of(count: usize, pairs: impl Iterator<Item = (usize, u32)> + Clone) -> Self {
        let mut starts = vec![0_u32; count + 2];
        for (list, _) in pairs.clone() {
            starts[list + 2] += 1;
        }
        for at in 2..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut items = vec![0; starts[count + 1] as usize];
        for (list, item) in pairs {
            let place = &mut starts[list + 1];
            items[*place as usize] = item;
            *place += 1;
        }
        Self { starts, items }
    }

    /// Whether a list has something.
    pub(super) fn has(&self, list: usize) -> bool {
        self.starts[list] != self.starts[list + 1]
    }

    /// One list, in the order in which it was filled.
    pub(super) fn get(&self, list: usize) -> &[u32] {
        &self.items[self.starts[list] as usize..self.starts[list + 1] as usize]
    }
}
