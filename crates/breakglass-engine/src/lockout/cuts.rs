//! The smallest sets of failures that no way survives: minimal hitting sets of the ways, found without listing
//! either.
//!
//! A tree of failures: each node takes a way that its failures do not touch, and fails one of its components; a
//! component that was tried is left alone in the later branches, so that each set is met once. Ways are asked for only
//! when all that are known are hit, and kept. A branch ends where the ways that are left cannot be hit with what may
//! still fail. The search goes one size at a time, so that whatever stops it, all sizes below are complete.
//!
//! **Source:** R. Reiter, *A theory of diagnosis from first principles* (1987); K. Murakami and T. Uno, *Efficient
//! algorithms for dualizing large-scale hypergraphs* (2014), for leaving out what was tried.

#![expect(clippy::indexing_slicing, reason = "components and ways are numbered, and every table has room for them")]

use std::collections::BTreeMap;

/// Who knows the ways.
pub trait Ways {
    /// Components are numbered from 0 to here.
    fn component_count(&self) -> usize;

    /// A minimal way that uses none of these components, ascending; `None` if there is none.
    fn way_without(&mut self, failed: &[u32]) -> Option<Vec<u32>>;
}

/// Ways that somebody has listed: all minimal ones.
#[derive(Debug, Clone)]
pub struct Family {
    /// Components are numbered from 0 to here.
    pub component_count: usize,
    /// The ways, each ascending and none within another.
    pub ways: Vec<Vec<u32>>,
}

impl Ways for Family {
    fn component_count(&self) -> usize {
        self.component_count
    }

    fn way_without(&mut self, failed: &[u32]) -> Option<Vec<u32>> {
        self.ways.iter().find(|way| !way.iter().any(|component| failed.contains(component))).cloned()
    }
}

/// How far to look.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest size of a cut.
    pub size_max: usize,
    /// Nodes of the tree.
    pub node_count_max: u64,
    /// Whether larger cuts than the smallest are left out.
    pub smallest_only: bool,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cuts {
    /// Minimal cuts, by size and then by their components.
    pub cuts: Vec<Vec<u32>>,
    /// All minimal cuts up to this size are there; `None` if the limit of nodes was met before the first size.
    pub searched_to: Option<usize>,
    /// No cut of any greater size exists.
    pub is_exhausted: bool,
    /// The ways that were met, each minimal: none of the sizes below the smallest cut hits all of them.
    pub ways: Vec<Vec<u32>>,
    /// Nodes that were visited.
    pub node_count: u64,
}

/// All minimal cuts up to a size.
pub fn minimal_cuts(ways: &mut dyn Ways, limits: Limits) -> Cuts {
    let known = Known::with_room(ways.component_count());
    let (cuts, cuts_from) = (Vec::new(), BTreeMap::new());
    let mut search = Search { known, ways, limits, node_count: 0, cuts, cuts_from, was_cut_short: false };
    let (mut searched_to, mut is_exhausted) = (None, false);
    for size in 0..=limits.size_max.min(search.known.component_count + 1) {
        search.was_cut_short = false;
        let found = search.cuts.len();
        let root = Branch { failed: Vec::new(), uncovered: Bits::default(), seen: 0 };
        let mut excluded = Bits::with_room(search.known.component_count);
        if !search.visit(root, &mut excluded, size) {
            // The round was not finished: what it found is not all there is of its size.
            search.cuts.truncate(found);
            break;
        }
        searched_to = Some(size);
        if !search.was_cut_short {
            is_exhausted = true;
            break;
        }
        if limits.smallest_only && !search.cuts.is_empty() {
            break;
        }
    }
    let mut cuts = search.cuts;
    cuts.sort_unstable_by(|one, other| one.len().cmp(&other.len()).then_with(|| one.cmp(other)));
    Cuts { cuts, searched_to, is_exhausted, ways: search.known.ways, node_count: search.node_count }
}

/// A set of small numbers.
#[derive(Debug, Clone, Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn with_room(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    fn insert(&mut self, at: usize) {
        if at / 64 >= self.0.len() {
            self.0.resize(at / 64 + 1, 0);
        }
        self.0[at / 64] |= 1 << (at % 64);
    }

    fn remove(&mut self, at: usize) {
        if let Some(word) = self.0.get_mut(at / 64) {
            *word &= !(1 << (at % 64));
        }
    }

    fn contains(&self, at: usize) -> bool {
        self.0.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 != 0)
    }

    fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let mut word = *word;
            std::iter::from_fn(move || {
                let bit = word.trailing_zeros() as usize;
                (word != 0).then(|| {
                    word &= word - 1;
                    at * 64 + bit
                })
            })
        })
    }
}

/// The ways that were met so far.
struct Known {
    component_count: usize,
    ways: Vec<Vec<u32>>,
    /// Per component, the ways that use it.
    users: Vec<Bits>,
}

impl Known {
    fn with_room(component_count: usize) -> Self {
        Self { component_count, ways: Vec::new(), users: vec![Bits::default(); component_count] }
    }

    fn add(&mut self, way: Vec<u32>) {
        for component in &way {
            self.users[*component as usize].insert(self.ways.len());
        }
        self.ways.push(way);
    }
}

/// A node of the tree.
struct Branch {
    failed: Vec<u32>,
    /// Known ways that none of the failures touches, among the first `seen`.
    uncovered: Bits,
    seen: usize,
}

/// Uncovered ways that are looked at when a node chooses one.
const CHOICE_COUNT_MAX: usize = 48;

struct Search<'w> {
    ways: &'w mut dyn Ways,
    known: Known,
    limits: Limits,
    node_count: u64,
    cuts: Vec<Vec<u32>>,
    /// Per component, what else is in the cuts of which it is the first.
    cuts_from: BTreeMap<u32, Vec<Vec<u32>>>,
    /// Whether a branch ended only because its size was reached.
    was_cut_short: bool,
}

impl Search<'_> {
    /// Searches below a node for cuts with exactly `left` failures more. `false` if the limit of nodes ended it.
    fn visit(&mut self, mut branch: Branch, excluded: &mut Bits, left: usize) -> bool {
        self.node_count += 1;
        if self.node_count > self.limits.node_count_max {
            return false;
        }
        self.catch_up(&mut branch);
        if branch.uncovered.0.iter().all(|word| *word == 0) {
            match self.way_without(&branch.failed) {
                // Nothing hits a way that needs nothing: there is no cut, of this size or of any other.
                Some(way) if way.is_empty() => {
                    self.known.add(way);
                    return true;
                }
                Some(way) => self.known.add(way),
                None => {
                    // A smaller one was found in its own round.
                    if left == 0 && self.is_minimal(&branch.failed) {
                        let mut cut = branch.failed;
                        cut.sort_unstable();
                        if let Some((first, rest)) = cut.split_first() {
                            self.cuts_from.entry(*first).or_default().push(rest.to_vec());
                        }
                        self.cuts.push(cut);
                    }
                    return true;
                }
            }
            self.catch_up(&mut branch);
        }
        if left == 0 {
            self.was_cut_short = true;
            return true;
        }
        let candidates = if left == 1 { self.common(&branch, excluded) } else { self.choose(&branch, excluded, left) };
        let mut tried = Vec::new();
        let mut is_finished = true;
        for component in candidates {
            let mut failed = branch.failed.clone();
            failed.push(component);
            self.catch_up(&mut branch);
            if left == 1 && !self.covers_all(&branch, component) {
                self.was_cut_short = true;
                continue;
            }
            let mut uncovered = branch.uncovered.clone();
            let users = &self.known.users[component as usize];
            for (word, users) in uncovered.0.iter_mut().zip(&users.0) {
                *word &= !users;
            }
            let child = Branch { failed, uncovered, seen: branch.seen };
            is_finished = self.visit(child, excluded, left - 1);
            if !is_finished {
                break;
            }
            excluded.insert(component as usize);
            tried.push(component);
        }
        for component in tried {
            excluded.remove(component as usize);
        }
        is_finished
    }

    /// A way that these failures leave. Failures that have a cut among them leave none, whatever else fails.
    fn way_without(&mut self, failed: &[u32]) -> Option<Vec<u32>> {
        let mut begun = failed.iter().filter_map(|first| self.cuts_from.get(first)).flatten();
        let is_cut = begun.any(|rest| rest.iter().all(|one| failed.contains(one)));
        if is_cut { None } else { self.ways.way_without(failed) }
    }

    /// Takes note of the ways that were met since.
    fn catch_up(&self, branch: &mut Branch) {
        for at in branch.seen..self.known.ways.len() {
            let is_hit = branch.failed.iter().any(|failed| self.known.users[*failed as usize].contains(at));
            if !is_hit {
                branch.uncovered.insert(at);
            }
        }
        branch.seen = self.known.ways.len();
    }

    fn covers_all(&self, branch: &Branch, component: u32) -> bool {
        let users = &self.known.users[component as usize].0;
        branch.uncovered.0.iter().enumerate().all(|(at, word)| word & !users.get(at).copied().unwrap_or_default() == 0)
    }

    /// The components that hit every uncovered way.
    fn common(&mut self, branch: &Branch, excluded: &Bits) -> Vec<u32> {
        // One failure more must hit them all; whether another size could is not asked here.
        self.was_cut_short = true;
        let mut uncovered = branch.uncovered.iter();
        let Some(first) = uncovered.next() else { return Vec::new() };
        let mut common: Vec<u32> = self.known.ways[first]
            .iter()
            .copied()
            .filter(|component| !excluded.contains(*component as usize))
            .collect();
        for way in uncovered {
            if common.is_empty() {
                break;
            }
            common.retain(|component| self.known.users[*component as usize].contains(way));
        }
        common
    }

    /// The components of the uncovered way with the fewest that may still fail; none where what is left to fail cannot
    /// hit all ways.
    fn choose(&mut self, branch: &Branch, excluded: &Bits, left: usize) -> Vec<u32> {
        let mut best: Option<Vec<u32>> = None;
        // Ways without a common component that may fail: each needs a failure of its own.
        let mut packed = Bits::with_room(self.known.component_count);
        let mut packed_count = 0;
        for way in branch.uncovered.iter().take(CHOICE_COUNT_MAX) {
            let way = &self.known.ways[way];
            let open: Vec<u32> =
                way.iter().copied().filter(|component| !excluded.contains(*component as usize)).collect();
            if open.is_empty() {
                return Vec::new();
            }
            if !open.iter().any(|component| packed.contains(*component as usize)) {
                packed_count += 1;
                if packed_count > left {
                    self.was_cut_short = true;
                    return Vec::new();
                }
                open.iter().for_each(|component| packed.insert(*component as usize));
            }
            if best.as_ref().is_none_or(|best| open.len() < best.len()) {
                best = Some(open);
            }
        }
        best.unwrap_or_default()
    }

    /// Whether every failure is needed: without it, there is a way.
    fn is_minimal(&mut self, failed: &[u32]) -> bool {
        (0..failed.len()).all(|at| {
            let others: Vec<u32> =
                failed.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, component)| *component).collect();
            let hits_others = |way: usize| others.iter().any(|other| self.known.users[*other as usize].contains(way));
            if self.known.users[failed[at] as usize].iter().any(|way| !hits_others(way)) {
                return true;
            }
            match self.way_without(&others) {
                Some(way) => {
                    self.known.add(way);
                    true
                }
                None => false,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::system::{Node, SystemBuilder};
    use super::{Family, Limits, Ways, minimal_cuts};
    use proptest::prelude::*;

    const EVERYTHING: Limits = Limits { size_max: usize::MAX, node_count_max: u64::MAX, smallest_only: false };

    fn cuts_of(component_count: usize, ways: &[&[u32]]) -> (Vec<Vec<u32>>, bool) {
        let ways = ways.iter().map(|way| way.to_vec()).collect();
        let found = minimal_cuts(&mut Family { component_count, ways }, EVERYTHING);
        (found.cuts, found.is_exhausted)
    }

    #[test]
    fn small_families() {
        type Sets = [&'static [u32]];
        let cases: [(&Sets, &Sets); 6] = [
            (&[], &[&[]]),
            (&[&[]], &[]),
            (&[&[0]], &[&[0]]),
            (&[&[0], &[1]], &[&[0, 1]]),
            (&[&[0, 1], &[0, 2]], &[&[0], &[1, 2]]),
            (&[&[0, 1], &[1, 2], &[0, 2]], &[&[0, 1], &[0, 2], &[1, 2]]),
        ];
        for (ways, cuts) in cases {
            assert_eq!(cuts_of(3, ways), (cuts.iter().map(|cut| cut.to_vec()).collect(), true), "{ways:?}");
        }
        // With nothing that could fail, too.
        assert_eq!(cuts_of(0, &[&[]]), (Vec::new(), true));
        assert_eq!(cuts_of(0, &[]), (vec![Vec::new()], true));
    }

    /// Rules over few components, as indices: threshold, head, body.
    #[derive(Debug, Clone)]
    struct Rules {
        component_count: u32,
        fact_count: u32,
        rules: Vec<(usize, u32, Vec<u32>)>,
    }

    fn rules() -> impl Strategy<Value = Rules> {
        (1..8_u32, 1..6_u32).prop_flat_map(|(component_count, fact_count)| {
            let nodes = component_count + fact_count;
            let rule = (0..4_usize, 0..fact_count, prop::collection::vec(0..nodes, 0..5));
            prop::collection::vec(rule, 0..9).prop_map(move |rules| Rules { component_count, fact_count, rules })
        })
    }

    impl Rules {
        /// The naive way: every rule, again and again, until nothing is new.
        fn holds(&self, up: u32) -> bool {
            let mut facts = 0_u32;
            loop {
                let is_there = |node: &&u32| (up | facts << self.component_count) >> **node & 1 != 0;
                let new = self.rules.iter().fold(facts, |all, (threshold, head, body)| {
                    let distinct: std::collections::BTreeSet<&u32> = body.iter().collect();
                    let is_met = distinct.into_iter().filter(is_there).count() >= *threshold;
                    if is_met { all | 1 << head } else { all }
                });
                if new == facts {
                    return facts & 1 != 0;
                }
                facts = new;
            }
        }

        fn minimal_cuts(&self) -> Vec<Vec<u32>> {
            let all = (1_u32 << self.component_count) - 1;
            let is_cut = |failed: u32| !self.holds(all & !failed);
            let is_needed = |failed: u32, one: u32| failed >> one & 1 == 0 || !is_cut(failed & !(1 << one));
            let minimal = (0..=all)
                .filter(|failed| is_cut(*failed) && (0..self.component_count).all(|one| is_needed(*failed, one)));
            let elements = |failed: u32| (0..self.component_count).filter(|one| failed >> one & 1 != 0).collect();
            let mut cuts: Vec<Vec<u32>> = minimal.map(elements).collect();
            cuts.sort_by(|one: &Vec<u32>, other| one.len().cmp(&other.len()).then_with(|| one.cmp(other)));
            cuts
        }

        fn system(&self) -> super::super::system::System {
            let mut builder = SystemBuilder::default();
            let mut nodes: Vec<Node> = (0..self.component_count).map(|_| builder.component()).collect();
            nodes.extend((0..self.fact_count).map(|_| builder.fact()));
            for (threshold, head, body) in &self.rules {
                let body: Vec<Node> = body.iter().map(|node| nodes[*node as usize]).collect();
                builder.rule(nodes[(self.component_count + head) as usize], *threshold, &body);
            }
            builder.build(nodes[self.component_count as usize])
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn every_minimal_cut_is_found_and_no_other(rules in rules()) {
            let mut system = rules.system();
            let found = minimal_cuts(&mut system, EVERYTHING);
            prop_assert_eq!(&found.cuts, &rules.minimal_cuts());
            prop_assert!(found.is_exhausted);
            for way in &found.ways {
                let up = way.iter().fold(0, |all, component| all | 1_u32 << component);
                prop_assert!(rules.holds(up), "{:?} is a way", way);
                prop_assert!(way.iter().all(|one| !rules.holds(up & !(1 << one))), "{:?} is minimal", way);
            }
        }

        #[test]
        fn what_a_limit_leaves_is_complete_up_to_a_size(rules in rules(), nodes in 0..40_u64, size_max in 0..6_usize) {
            let found = minimal_cuts(&mut rules.system(), Limits { size_max, node_count_max: nodes, smallest_only: false });
            let all = rules.minimal_cuts();
            let expected = all.iter().filter(|cut| found.searched_to.is_some_and(|to| cut.len() <= to));
            prop_assert_eq!(found.cuts.iter().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
            prop_assert!(!found.is_exhausted || found.cuts.len() == all.len());
        }

        #[test]
        fn the_smallest_are_those_of_the_smallest_size(rules in rules()) {
            let limits = Limits { smallest_only: true, ..EVERYTHING };
            let found = minimal_cuts(&mut rules.system(), limits).cuts;
            let all = rules.minimal_cuts();
            let smallest = all.first().map(Vec::len);
            let expected: Vec<_> = all.into_iter().filter(|cut| Some(cut.len()) == smallest).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn the_order_of_rules_changes_nothing(rules in rules()) {
            let mut turned = rules.clone();
            turned.rules.reverse();
            let found = minimal_cuts(&mut rules.system(), EVERYTHING).cuts;
            prop_assert_eq!(found, minimal_cuts(&mut turned.system(), EVERYTHING).cuts);
        }
    }

    #[test]
    fn what_the_goal_does_not_depend_on_is_left_out() {
        let mut builder = SystemBuilder::default();
        let (goal, other) = (builder.fact(), builder.fact());
        let needed = builder.component();
        let aside = builder.component();
        builder.all(goal, &[needed]);
        builder.all(other, &[needed, aside]);
        let mut system = builder.build(goal);
        assert_eq!((system.relevant(), system.component_count()), ([0].as_slice(), 2));
        assert_eq!(system.way_without(&[1]), Some(vec![0]));
    }
}
