//! Cuts that are one and the same up to a swap of components, told as one.
//!
//! Two components are interchangeable if swapping them turns the cuts into the same cuts, each as certain as before.
//! Any number of swaps within a group of such components does the same, so a cut stands for every choice of as many
//! components from each group as it has: *the PIM service + any one of: account a42, device a42* says two cuts, and
//! exactly those.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_engine::lockout::component::Component;
use breakglass_engine::lockout::report::{Cause, Certainty, Cut};

/// Cuts that differ only by interchangeable components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoldedCut<'a> {
    /// Failures that each of them takes.
    pub(crate) size: usize,
    /// How many cuts these are.
    pub(crate) count: usize,
    /// How sure they are.
    pub(crate) certainty: Certainty,
    /// What fails: from each choice, as many as are taken.
    pub(crate) choices: Vec<Choice<'a>>,
    /// What makes any of them so.
    pub(crate) because: Vec<&'a Cause>,
}

/// So many of these components, whichever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice<'a> {
    /// How many fail.
    pub(crate) taken: usize,
    /// Of which.
    pub(crate) of: Vec<&'a Component>,
}

/// A cut by the numbers of its components, and how sure it is.
type Numbered = (Vec<usize>, Certainty);

/// The cuts folded, in the order in which the first of each stands.
pub(crate) fn folded(cuts: &[Cut]) -> Vec<FoldedCut<'_>> {
    let components: Vec<&Component> =
        cuts.iter().flat_map(|cut| &cut.elements).collect::<BTreeSet<_>>().into_iter().collect();
    let numbered: Vec<Numbered> = cuts.iter().map(|cut| (numbers(&cut.elements, &components), cut.certainty)).collect();
    let groups = groups(&numbered, components.len());
    let mut places = BTreeMap::new();
    let mut folded: Vec<FoldedCut<'_>> = Vec::new();
    for (cut, (elements, certainty)) in cuts.iter().zip(&numbered) {
        let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
        for element in elements {
            *taken.entry(groups.get(*element).copied().unwrap_or(*element)).or_default() += 1;
        }
        let place = *places.entry((taken.clone(), *certainty)).or_insert(folded.len());
        if place == folded.len() {
            let choices =
                taken.iter().map(|(group, taken)| Choice { taken: *taken, of: members(*group, &groups, &components) });
            folded.push(FoldedCut {
                size: elements.len(),
                count: 0,
                certainty: *certainty,
                choices: choices.collect(),
                because: Vec::new(),
            });
        }
        if let Some(at) = folded.get_mut(place) {
            at.count += 1;
            at.because.extend(&cut.because);
        }
    }
    for cut in &mut folded {
        cut.because.sort_unstable();
        cut.because.dedup();
        cut.choices.sort_by_key(|choice| choice.of.len() > choice.taken);
    }
    folded
}

fn numbers(elements: &[Component], components: &[&Component]) -> Vec<usize> {
    let mut numbers: Vec<usize> =
        elements.iter().filter_map(|element| components.binary_search(&element).ok()).collect();
    numbers.sort_unstable();
    numbers
}

fn members<'a>(group: usize, groups: &[usize], components: &[&'a Component]) -> Vec<&'a Component> {
    components.iter().zip(groups).filter(|(_, of)| **of == group).map(|(component, _)| *component).collect()
}

/// Per component the first one that it may be swapped with.
fn groups(cuts: &[Numbered], count: usize) -> Vec<usize> {
    let family: BTreeSet<&Numbered> = cuts.iter().collect();
    let mut with: Vec<Vec<&Numbered>> = vec![Vec::new(); count];
    for cut in cuts {
        for element in &cut.0 {
            if let Some(of) = with.get_mut(*element) {
                of.push(cut);
            }
        }
    }
    // Only components in as many cuts of each size can be swapped.
    let mut heads: BTreeMap<Vec<(usize, Certainty)>, Vec<usize>> = BTreeMap::new();
    let mut groups = Vec::with_capacity(count);
    for (component, own) in with.iter().enumerate() {
        let mut sizes: Vec<(usize, Certainty)> = own.iter().map(|(cut, certainty)| (cut.len(), *certainty)).collect();
        sizes.sort_unstable();
        let heads = heads.entry(sizes).or_default();
        let head =
            heads.iter().copied().find(|head| own.iter().all(|cut| family.contains(&swapped(cut, component, *head))));
        if head.is_none() {
            heads.push(component);
        }
        groups.push(head.unwrap_or(component));
    }
    groups
}

/// A cut that has `from`, with the two swapped.
fn swapped((cut, certainty): &Numbered, from: usize, to: usize) -> Numbered {
    if cut.contains(&to) {
        return (cut.clone(), *certainty);
    }
    let mut cut: Vec<usize> = cut.iter().map(|element| if *element == from { to } else { *element }).collect();
    cut.sort_unstable();
    (cut, *certainty)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(elements: &[&str], certainty: Certainty) -> Cut {
        let elements = elements.iter().map(|id| id.parse().unwrap()).collect();
        Cut { elements, because: Vec::new(), certainty }
    }

    /// `1x svc:pim + 1 of account:a, device:a`.
    fn shown(cuts: &[Cut]) -> Vec<String> {
        let choice = |choice: &Choice<'_>| {
            let ids: Vec<&str> = choice.of.iter().map(|component| component.id()).collect();
            if choice.taken == ids.len() { ids.join(" + ") } else { format!("{} of {}", choice.taken, ids.join(", ")) }
        };
        let of = |cut: &FoldedCut<'_>| cut.choices.iter().map(choice).collect::<Vec<_>>().join(" + ");
        folded(cuts).iter().map(|cut| format!("{}x {}", cut.count, of(cut))).collect()
    }

    #[test]
    fn what_can_be_swapped_is_told_once() {
        let proved = |sets: &[&[&str]]| sets.iter().map(|set| cut(set, Certainty::Proved)).collect::<Vec<_>>();
        type Case<'a> = (&'a [&'a [&'a str]], &'a [&'a str]);
        let cases: [Case<'_>; 6] = [
            (&[], &[]),
            (&[&[]], &["1x "]),
            (&[&["svc:a"], &["svc:b"], &["svc:c"]], &["3x 1 of svc:a, svc:b, svc:c"]),
            (&[&["account:a", "svc:pim"], &["device:a", "svc:pim"]], &["2x svc:pim + 1 of account:a, device:a"]),
            (&[&["svc:a", "svc:b"], &["svc:a", "svc:c"], &["svc:b", "svc:c"]], &["3x 2 of svc:a, svc:b, svc:c"]),
            // A chain: its ends can be swapped with each other, and its middle parts only together with them.
            (
                &[&["svc:a", "svc:b"], &["svc:b", "svc:c"], &["svc:c", "svc:d"]],
                &["1x svc:a + svc:b", "1x svc:b + svc:c", "1x svc:c + svc:d"],
            ),
        ];
        for (cuts, expected) in cases {
            assert_eq!(shown(&proved(cuts)), expected, "{cuts:?}");
        }
    }

    #[test]
    fn cuts_that_are_not_as_certain_are_kept_apart() {
        let cuts = [cut(&["svc:a"], Certainty::Proved), cut(&["svc:b"], Certainty::Possible)];
        assert_eq!(shown(&cuts), ["1x svc:a", "1x svc:b"]);
    }

    #[test]
    fn folded_cuts_stand_for_all_their_choices_and_no_others() {
        let ids: Vec<String> = (0..6).map(|at| format!("svc:{at}")).collect();
        // Every family of pairs among six components that a number describes.
        let pairs: Vec<(usize, usize)> = (0..6).flat_map(|a| (a + 1..6).map(move |b| (a, b))).collect();
        for family in (0..1_usize << pairs.len()).step_by(7) {
            let of = pairs.iter().enumerate().filter(|(at, _)| family >> at & 1 == 1).map(|(_, pair)| *pair);
            let cuts: Vec<Cut> = of.map(|(a, b)| cut(&[&ids[a], &ids[b]], Certainty::Proved)).collect();
            let folded = folded(&cuts);
            let choices = |cut: &FoldedCut<'_>| -> usize {
                let ways = |n: usize, k: usize| (0..k).fold(1, |ways, at| ways * (n - at) / (at + 1));
                cut.choices.iter().map(|choice| ways(choice.of.len(), choice.taken)).product()
            };
            assert!(folded.iter().all(|cut| cut.count == choices(cut)), "{family}");
            assert_eq!(folded.iter().map(|cut| cut.count).sum::<usize>(), cuts.len(), "{family}");
        }
    }
}
