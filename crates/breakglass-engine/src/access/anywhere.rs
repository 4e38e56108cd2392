//! What a question leaves open: every target that a sign-in may be to, and which values of a fact that was left out
//! make no difference.
//!
//! Conditions are independent of each other, so two values that read the same rows of every table can stand for one
//! another in any combination with other facts.

use breakglass_model::ids::AppId;

use super::compile::Masks;
use super::demand::OutcomeRange;
use super::surfaces::SURFACES;
use super::targets::{KEYWORDS, Target, TargetRow, USER_ACTIONS};
use super::{Access, Situation};

/// A target that a sign-in may be to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PossibleTarget {
    /// The target; `None` is an application of another publisher that no policy names.
    pub target: Option<Target>,
    row: TargetRow,
}

/// What a situation reads of the tables, as far as it concerns policies that may be about this identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Footprint(Vec<u64>);

impl Access<'_> {
    /// Every target that is known to differ: the surfaces, the applications and authentication contexts that policies
    /// name, the user actions, and any other application. Members of groups of applications that no table has are as
    /// one of the surfaces or as any other application.
    #[must_use]
    pub fn possible_targets(&self) -> Vec<PossibleTarget> {
        let mut targets: Vec<Target> =
            SURFACES.iter().map(|surface| Target::Application(surface.app_id.into())).collect();
        let named = self.policies().iter().filter_map(|policy| policy.conditions.applications.as_ref());
        let mut others: Vec<Target> = Vec::new();
        for applications in named {
            let ids = applications.include_applications.iter().chain(&applications.exclude_applications);
            let ids = ids.filter(|id| !is_word(id));
            others.extend(ids.map(|id| Target::Application(AppId::from(id.as_str()))));
            let contexts = &applications.include_authentication_context_class_references;
            others.extend(contexts.iter().cloned().map(Target::AuthenticationContext));
        }
        others.sort();
        others.dedup();
        others.retain(|target| !targets.contains(target));
        targets.extend(others);
        targets.extend(USER_ACTIONS.map(|(name, _)| Target::UserAction(name.to_owned())));
        let known = targets.into_iter().map(|target| {
            let row = self.targets.row(&target);
            PossibleTarget { target: Some(target), row }
        });
        known.chain([PossibleTarget { target: None, row: self.targets.foreign }]).collect()
    }

    /// The same sign-in to one of the possible targets.
    #[must_use]
    pub fn to_possible_target(&self, mut situation: Situation, target: &PossibleTarget) -> Situation {
        situation.target = target.row;
        if let Some(special) = &mut situation.special {
            special.target = None;
        }
        situation
    }

    /// The outcome of a sign-in of which it is not said what it is to: the best and the worst that it can be to one of
    /// the possible targets.
    #[must_use]
    pub fn outcome_anywhere(&self, situation: &Situation, targets: &[PossibleTarget]) -> OutcomeRange {
        let mut range: Option<OutcomeRange> = None;
        for target in targets {
            let own = self.outcome(&self.to_possible_target(situation.clone(), target));
            range = Some(range.map_or(own, |range| OutcomeRange {
                best: range.best.min(own.best),
                worst: range.worst.max(own.worst),
            }));
        }
        range.unwrap_or_default()
    }

    /// What a situation reads of the tables. Situations that differ in one fact and have the same footprint have the
    /// same answer, whatever the other facts are.
    #[must_use]
    pub fn footprint(&self, situation: &Situation) -> Footprint {
        let compiled = &self.compiled;
        let words = compiled.words;
        let (identity, class) = self.identity_row(situation);
        let (target, target_row) = self.target_row(situation);
        let device = self.device_masks(situation);
        let location = &compiled.location;
        let (address, country) = (situation.address as usize, situation.country as usize);
        let rows: [(&Masks, usize); 12] = [
            (target, target_row),
            (device, 0),
            (&compiled.platform, situation.platform.into()),
            (&compiled.client, situation.client.into()),
            (&compiled.flow, situation.flow.into()),
            (&compiled.sign_in_risk, situation.sign_in_risk.into()),
            (&compiled.user_risk, situation.user_risk.into()),
            (&compiled.insider_risk, situation.insider_risk.into()),
            (&location.include_by_address, address),
            (&location.exclude_by_address, address),
            (&location.include_by_country, country),
            (&location.exclude_by_country, country),
        ];
        let word = |table: &[u64], row: usize, at: usize| table.get(row * words + at).copied().unwrap_or_default();
        let mut print = Vec::with_capacity(words * rows.len() * 2 + 1);
        let mut may_demand = false;
        for at in 0..words {
            let in_force = word(&compiled.enabled.may, 0, at);
            let concerned = word(&identity.may, class, at) & (in_force | word(&compiled.report_only.sure, 0, at));
            may_demand |= concerned & in_force != 0;
            for (masks, row) in rows {
                print.push(word(&masks.sure, row, at) & concerned);
                print.push(word(&masks.may, row, at) & concerned);
            }
        }
        print.push(if may_demand { situation.grant.index() as u64 } else { 0 });
        Footprint(print)
    }
}

/// Whether what a policy names is a word for several applications, and no id.
fn is_word(id: &str) -> bool {
    KEYWORDS.contains(&id) || matches!(id, "All" | "None" | "AllAgentIdResources")
}
