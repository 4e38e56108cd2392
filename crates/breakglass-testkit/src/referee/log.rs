//! The results of policies as the sign-in log has them.

use breakglass_model::policy::{ConditionalAccessPolicyState, UnknownKind};
use breakglass_model::sign_in::WhatIfRequest;

use super::answer::Answer;
use super::grant::Level;
use super::sign_in::SignIn;
use super::{Referee, has_unknown, is_in_force};

/// What the log may say of one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PossibleResults {
    /// The policy.
    pub id: String,
    /// The results that are possible; one, where everything is known.
    pub results: Vec<&'static str>,
    /// The first condition that is not met, `notSet` where it applies, `notEnoughInformation` where that is open.
    pub reason: &'static str,
}

impl Referee<'_> {
    /// What the log may say of every policy, in the order of the snapshot.
    ///
    /// # Errors
    /// As [`Self::answer`].
    pub fn results(&self, request: &WhatIfRequest<'_>) -> Result<Vec<PossibleResults>, String> {
        let sign_in = SignIn::read(self.snapshot, request)?;
        let policies = self.snapshot.conditional_access_policies.items().iter();
        Ok(policies
            .map(|policy| {
                let id = policy.id.as_str().to_owned();
                if is_in_force(policy) == Answer::No {
                    return PossibleResults { id, results: vec!["notEnabled"], reason: "policyNotEnabled" };
                }
                let (applies, reason) = self.applies(policy, &sign_in);
                let bounds = self.demand(policy, &sign_in).bounds;
                let is_report_only = policy.state == ConditionalAccessPolicyState::EnabledForReportingButNotEnforced;
                let mut results = Vec::new();
                if has_unknown(policy, UnknownKind::State) {
                    results.extend(["success", "failure", "notApplied"]);
                    return PossibleResults { id, results, reason };
                }
                if applies != Answer::Yes {
                    results.push(if is_report_only { "reportOnlyNotApplied" } else { "notApplied" });
                }
                if applies != Answer::No {
                    let levels = [Level::Satisfied, Level::Challenge, Level::Unsatisfiable, Level::Blocked];
                    let levels = levels.into_iter().filter(|level| (bounds.least..=bounds.most).contains(level));
                    results.extend(levels.map(|level| word(level, is_report_only)));
                    results.dedup();
                }
                PossibleResults { id, results, reason }
            })
            .collect())
    }
}

/// The word for a policy that applies.
fn word(level: Level, is_report_only: bool) -> &'static str {
    match (level, is_report_only) {
        (Level::Satisfied, false) => "success",
        (_, false) => "failure",
        (Level::Satisfied, true) => "reportOnlySuccess",
        (Level::Challenge, true) => "reportOnlyInterrupted",
        (Level::Unsatisfiable | Level::Blocked, true) => "reportOnlyFailure",
    }
}
