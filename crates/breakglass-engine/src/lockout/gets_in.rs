//! Everybody who gets in as things are, with the ways of one of each kind of people.
//!
//! The search for cuts meets as many ways as it needs, which in a large tenant are those of few people. Here everybody
//! is counted, and nobody is searched for but the first of each kind.

use breakglass_model::object::ObjectKey;

use super::Analysis;
use super::analysis::all_ways;
use super::compile::Compiler;
use super::compile::alike::MetRules;
use super::cuts::{Limits, Ways as _, minimal_cuts};
use super::goal::Question;
use super::report::{GettingIn, KindOfPeople, TOLD_KIND_COUNT_MAX, Way};
use super::system::System;

/// Of so many people the ways of each are told; where there are more, those of one of each kind.
const FEW_PEOPLE_COUNT: usize = 8;
/// Ways of one person that are told.
const WAY_COUNT_MAX: usize = 8;
/// Nodes of the search for the ways of one person.
const NODE_COUNT_MAX: u64 = 5_000;

impl Analysis<'_> {
    /// Everybody who is promised to get in while nothing fails.
    pub(super) fn who_gets_in(&mut self, question: Question) -> GettingIn {
        let snapshot = self.access.snapshot();
        let compiler = &mut self.promised;
        let mut system = compiler.take_system(question);
        let met = compiler.met_rules(&mut system);
        let alike = compiler.alike(&system, &met, question.goal);
        let mut kinds: Vec<_> = alike
            .into_iter()
            .map(|alike| {
                let mut people: Vec<_> = alike.users.into_iter().map(|user| (snapshot.name(user), user)).collect();
                people.sort_unstable();
                people
            })
            .collect();
        kinds.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        let mut told = GettingIn { person_count: kinds.iter().map(Vec::len).sum(), kinds: Vec::new() };
        for (number, people) in kinds.into_iter().enumerate() {
            let told_person_count = match number < TOLD_KIND_COUNT_MAX {
                true if told.person_count <= FEW_PEOPLE_COUNT => people.len(),
                true => 1,
                false => 0,
            };
            let named = |(name, user): &(&str, ObjectKey)| (snapshot.objects.id(*user).to_owned(), (*name).to_owned());
            let mut kind = KindOfPeople {
                people: people.iter().map(named).collect(),
                told_person_count,
                ways: Vec::new(),
                are_ways_truncated: told_person_count == 0,
            };
            for (_, user) in people.iter().take(told_person_count) {
                let (ways, are_more) = ways_of(compiler, (&system, &met), *user, question);
                kind.ways.extend(ways);
                kind.are_ways_truncated |= are_more;
            }
            told.kinds.push(kind);
        }
        compiler.give_back(question, system);
        told
    }
}

/// The shortest ways of somebody alone; one with the help of others, where there is none; whether there are more.
fn ways_of(
    compiler: &mut Compiler<'_>,
    (system, met): (&System, &MetRules),
    user: ObjectKey,
    question: Question,
) -> (Vec<Way>, bool) {
    let mut alone = system.by_rules(&Compiler::rules_alone(system, met, user));
    let limits = Limits { size_max: usize::MAX, node_count_max: NODE_COUNT_MAX, smallest_only: false };
    let found = minimal_cuts(&mut alone, limits);
    let (mut ways, are_more) = all_ways(&found, alone.component_count());
    if ways.is_empty() {
        let mut helped = system.by_rules(&Compiler::rules_with_help(system, met, user));
        let way = helped.way_without(&[]);
        return (way.iter().map(|way| compiler.way(&mut helped, way, question.goal)).collect(), true);
    }
    // The shortest are the easiest to read.
    ways.sort_by(|one, other| one.len().cmp(&other.len()).then_with(|| one.cmp(other)));
    let are_more = are_more || ways.len() > WAY_COUNT_MAX;
    ways.truncate(WAY_COUNT_MAX);
    (ways.iter().map(|way| compiler.way(&mut alone, way, question.goal)).collect(), are_more)
}
