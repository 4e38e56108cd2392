//! What the policies in force demand, per situation of the device and the client.

use super::Masks;
use crate::access::demand::{Control, Demand, GrantSituation, Outcome};
use crate::access::trit::Trit;

/// Rows of a grant situation, in the order of the tables.
pub(crate) const GRANT_OUTCOMES: [Outcome; 3] = [Outcome::Challenge, Outcome::Unsatisfiable, Outcome::Blocked];

/// Per grant situation, which policies lead to which outcome: once for the best case, once for the worst.
#[derive(Debug, Clone, Default)]
pub(crate) struct GrantMasks {
    /// Three rows per situation: challenge, unsatisfiable, blocked.
    pub(crate) best: Vec<u64>,
    /// Three rows per situation.
    pub(crate) worst: Vec<u64>,
    /// Distinct demands that name controls, with the policies that make them.
    pub(crate) demands: Vec<(Demand, Vec<u64>)>,
    /// Names of all controls, in the order of their bytes.
    pub(crate) control_names: Vec<String>,
    /// Per situation and distinct demand, the controls still unmet, as indices into the names.
    pub(crate) unmet: Vec<Vec<Vec<u16>>>,
}

pub(super) fn compile_grants(demands: &[Demand], enabled: &Masks, words: usize) -> GrantMasks {
    let mut grants = GrantMasks {
        best: vec![0; GrantSituation::COUNT * GRANT_OUTCOMES.len() * words],
        worst: vec![0; GrantSituation::COUNT * GRANT_OUTCOMES.len() * words],
        ..GrantMasks::default()
    };
    let place = (0, words);
    for (policy, demand) in demands.iter().enumerate() {
        let state = enabled.truth(place, policy);
        if state == Trit::No {
            continue;
        }
        for situation in GrantSituation::all() {
            let range = situation.demand(demand, &[]);
            let row = situation.index() * GRANT_OUTCOMES.len();
            for (table, outcome, counts) in
                [(&mut grants.best, range.best, state == Trit::Yes), (&mut grants.worst, range.worst, true)]
            {
                let at = GRANT_OUTCOMES.iter().position(|known| *known == outcome);
                let word = at.and_then(|at| table.get_mut((row + at) * words + policy / 64)).filter(|_| counts);
                word.into_iter().for_each(|word| *word |= 1 << (policy % 64));
            }
        }
        if state == Trit::Yes && !demand.controls().is_empty() {
            let known = grants.demands.iter().position(|(known, _)| known == demand);
            let known = known.unwrap_or_else(|| {
                grants.demands.push((demand.clone(), vec![0; words]));
                grants.demands.len() - 1
            });
            let word = grants.demands.get_mut(known).and_then(|(_, mask)| mask.get_mut(policy / 64));
            word.into_iter().for_each(|word| *word |= 1 << (policy % 64));
        }
    }
    name_controls(&mut grants);
    grants
}

fn name_controls(grants: &mut GrantMasks) {
    let mut names: Vec<String> =
        grants.demands.iter().flat_map(|(demand, _)| demand.controls()).map(Control::to_string).collect();
    names.sort();
    names.dedup();
    grants.unmet = GrantSituation::all()
        .map(|situation| {
            let unmet_of = |demand: &Demand| -> Vec<u16> {
                let unmet = situation.unmet(demand, &[]).into_iter().map(Control::to_string);
                let place = unmet.filter_map(|name| names.binary_search(&name).ok());
                place.filter_map(|index| u16::try_from(index).ok()).collect()
            };
            grants.demands.iter().map(|(demand, _)| unmet_of(demand)).collect()
        })
        .collect();
    grants.control_names = names;
}
