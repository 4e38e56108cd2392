//! The law of the lockout analysis: on every random tenant, for every question, its minimal cuts are those that the
//! naive simulator finds, at every size.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use crate::lockout_referee::{
    COMPONENT_COUNT_MAX, Goal, Horizon, LockoutReferee, Mode, Question, Stage, Surface, TooManyComponents,
};
use crate::lockout_tenants::{LockoutTenant, lockout_tenant};
use crate::referee::RefereeSurface;
use crate::tenants::random::Random;

/// How many mismatches are told; the rest are counted.
const TOLD_MAX: usize = 5;

/// An analysis: all minimal cuts of a question, by the ids of their components, in any order; `None` for a question
/// that it does not take.
pub type Analysis<'a> = dyn FnMut(&LockoutTenant, Question) -> Option<Vec<Vec<String>>> + 'a;

/// What a comparison came to.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Tenants.
    pub tenants: u64,
    /// Questions that were answered by both.
    pub questions: u64,
    /// Questions with more components than can be gone through.
    pub skipped: u64,
    /// Sets of components that the simulator went through, each tried for monotonicity.
    pub subsets: u64,
    /// Minimal cuts by size.
    pub cuts: BTreeMap<usize, u64>,
    /// Headlines of what is promised, by order; `None` is no cut at all.
    pub orders: BTreeMap<Option<usize>, u64>,
    /// Tenants in which a repair changes the cuts.
    pub staged: u64,
    /// Tenants in which what is unknown changes the cuts.
    pub uncertain: u64,
    /// Questions on which the two differ.
    pub mismatches: u64,
    /// The first of them, in words.
    pub told: Vec<String>,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cuts: u64 = self.cuts.values().sum();
        writeln!(
            f,
            "{} tenants, {} questions ({} skipped), {} sets of components, {cuts} minimal cuts, {} mismatches",
            self.tenants, self.questions, self.skipped, self.subsets, self.mismatches
        )?;
        let sizes: Vec<String> = self.cuts.iter().map(|(size, count)| format!("{size}: {count}")).collect();
        let orders = self.orders.iter().map(|(order, count)| match order {
            Some(order) => format!("{order}: {count}"),
            None => format!("without a cut: {count}"),
        });
        writeln!(f, "cuts by size: {}", sizes.join(", "))?;
        writeln!(f, "tenants by order: {}", orders.collect::<Vec<_>>().join(", "))?;
        write!(f, "changed by a repair: {}, by what is unknown: {}", self.staged, self.uncertain)
    }
}

/// The questions that are asked about the tenant of a seed: the headline promised and possible, directly and after a
/// repair, and three others by chance.
#[must_use]
pub fn questions(seed: u64) -> Vec<Question> {
    let mut random = Random::new(seed ^ 0x0000_5eed_9e57_1045);
    let headlines = Mode::ALL.into_iter().map(Question::headline);
    let mut questions: Vec<Question> =
        headlines.flat_map(|headline| [headline, Question { stage: Stage::AfterRepair, ..headline }]).collect();
    for _ in 0..3 {
        let pick = |random: &mut Random, count: usize| random.below(count);
        let goal = Goal::ALL.get(pick(&mut random, 4)).copied().unwrap_or(Goal::FullRepair);
        questions.push(Question {
            mode: if random.chance(60) { Mode::Promised } else { Mode::Possible },
            goal,
            surface: Surface::ALL.get(pick(&mut random, 8)).copied(),
            stage: if random.chance(60) { Stage::Direct } else { Stage::AfterRepair },
            horizon: [Horizon::Now, Horizon::Hour].get(pick(&mut random, 4)).copied().unwrap_or(Horizon::Day),
        });
    }
    questions
}

/// Compares an analysis with the simulator on the tenants of so many seeds from one on.
pub fn compare(seed: u64, tenants: u64, surfaces: &[RefereeSurface], analysis: &mut Analysis<'_>) -> Tally {
    let mut tally = Tally::default();
    for seed in (0..tenants).map(|at| seed.wrapping_add(at)) {
        tally.compare_tenant(&lockout_tenant(seed, surfaces), analysis);
    }
    tally
}

impl Tally {
    /// Compares an analysis with the simulator on one tenant.
    pub fn compare_tenant(&mut self, tenant: &LockoutTenant, analysis: &mut Analysis<'_>) {
        self.tenants += 1;
        let referee = LockoutReferee::new(&tenant.snapshot, &tenant.custody, &tenant.settings);
        let mut found: BTreeMap<Question, Vec<Vec<String>>> = BTreeMap::new();
        for question in questions(tenant.seed) {
            let simulator = referee.ask(question);
            let (cuts, theirs) = match (simulator.minimal_cuts(), analysis(tenant, question)) {
                (Ok(cuts), Some(theirs)) => (cuts, theirs),
                (Err(TooManyComponents { .. }), _) | (_, None) => {
                    self.skipped += 1;
                    continue;
                }
            };
            self.questions += 1;
            self.subsets += 1 << simulator.components().len().min(COMPONENT_COUNT_MAX);
            for cut in &cuts {
                *self.cuts.entry(cut.len()).or_default() += 1;
            }
            let theirs = ordered(theirs);
            if cuts != theirs {
                self.mismatches += 1;
                if self.told.len() < TOLD_MAX {
                    self.told.push(difference(tenant, question, &cuts, &theirs));
                }
            }
            found.insert(question, cuts);
        }
        let headline = Question::headline(Mode::Promised);
        let Some(direct) = found.get(&headline) else { return };
        *self.orders.entry(direct.first().map(Vec::len)).or_default() += 1;
        let differs = |question: Question| found.get(&question).is_some_and(|other| other != direct);
        self.staged += u64::from(differs(Question { stage: Stage::AfterRepair, ..headline }));
        self.uncertain += u64::from(differs(Question::headline(Mode::Possible)));
    }

    /// Fails if the two differ anywhere.
    ///
    /// # Panics
    /// With the first differences.
    pub fn must_agree(&self) {
        assert!(self.mismatches == 0, "{self}\n\n{}", self.told.join("\n\n"));
    }
}

/// Cuts by size and then by the ids of their components, which are in order too.
fn ordered(mut cuts: Vec<Vec<String>>) -> Vec<Vec<String>> {
    cuts.iter_mut().for_each(|cut| cut.sort());
    cuts.sort_by(|one, other| one.len().cmp(&other.len()).then_with(|| one.cmp(other)));
    cuts
}

fn difference(tenant: &LockoutTenant, question: Question, ours: &[Vec<String>], theirs: &[Vec<String>]) -> String {
    let mut text = format!("seed {}: {question:?}\n", tenant.seed);
    let mut tell = |what: &str, list: &[Vec<String>], other: &[Vec<String>]| {
        for cut in list.iter().filter(|cut| !other.contains(cut)) {
            let elements = if cut.is_empty() { "(nothing has to fail)".to_owned() } else { cut.join(", ") };
            // Writing to a text does not fail.
            let _ = writeln!(text, "  {what}: {elements}");
        }
    };
    tell("only the simulator", ours, theirs);
    tell("only the analysis", theirs, ours);
    let _ =
        write!(text, "  at {}, {:?}\n  {:?}\n  {}", tenant.settings.now, tenant.custody, settings(tenant), tenant.json);
    text
}

fn settings(tenant: &LockoutTenant) -> impl fmt::Debug + '_ {
    let settings = &tenant.settings;
    (settings.password_hash_sync, &settings.countries, settings.mandatory_mfa_postponed_until)
}

#[cfg(test)]
mod tests {
    use super::{Tally, compare};
    use crate::is_full;
    use crate::lockout_referee::LockoutReferee;
    use crate::tenants::sample_surfaces;

    #[test]
    fn the_simulator_agrees_with_itself_and_not_with_a_cut_less() {
        let ask = |is_honest: bool| -> Tally {
            compare(1, if is_full() { 1_000 } else { 20 }, &sample_surfaces(), &mut |tenant, question| {
                let referee = LockoutReferee::new(&tenant.snapshot, &tenant.custody, &tenant.settings);
                let mut cuts = referee.ask(question).minimal_cuts().ok()?;
                if !is_honest {
                    cuts.pop();
                }
                Some(cuts)
            })
        };
        let tally = ask(true);
        println!("{tally}");
        tally.must_agree();
        let tally = ask(false);
        assert!(tally.mismatches > 0 && !tally.told.is_empty());
    }
}
