//! The referee: a plain, slow evaluator of Conditional Access that the compiled one is compared with.
//!
//! It looks at one policy after another and at one condition after another, straight on the snapshot, and keeps
//! nothing between two questions. Every condition gives yes, no or unknown.
//!
//! **Invariant:** no code is shared with the evaluator of the product; only the vocabulary is.
//! **Source:** the Conditional Access documentation and the evaluate reference; where they leave room, the decisions
//! that the evaluator follows as well.

mod answer;
mod context;
mod device_filter;
mod grant;
mod identity;
mod log;
mod people;
mod sign_in;
mod situation;
#[cfg(test)]
mod tests;

use breakglass_model::policy::{ConditionalAccessPolicy, ConditionalAccessPolicyState, UnknownKind};
use breakglass_model::sign_in::WhatIfRequest;
use breakglass_model::snapshot::Snapshot;

pub(crate) use answer::Answer;
pub(crate) use grant::has_strange_session;
pub use log::PossibleResults;

use grant::{Bounds, Level};
use sign_in::SignIn;

/// One application of the keyword table: what else it counts as, and which keywords contain it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefereeSurface {
    /// The application that a request names.
    pub app_id: String,
    /// Resources that a sign-in to it also counts as.
    pub aliases: Vec<String>,
    /// Whether `Office365` contains it.
    pub office365: bool,
    /// Whether `MicrosoftAdminPortals` contains it.
    pub microsoft_admin_portals: bool,
}

/// The referee's answer to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefereeAnswer {
    /// `allowed`, `challenge`, `unsatisfiable`, `blocked` or `unknown`.
    pub outcome: &'static str,
    /// What is still demanded, sorted, each once.
    pub controls: Vec<String>,
    /// Enforced policies that apply for sure, in the order of the snapshot.
    pub applied: Vec<String>,
    /// Report-only policies that apply for sure.
    pub report_only: Vec<String>,
    /// Policies of which it cannot be told whether they apply.
    pub unknown: Vec<String>,
    /// Every policy: its id, whether it applies (`None` = cannot be told), and the first condition that is not
    /// met: `notSet` when it applies, `notEnoughInformation` when that cannot be told.
    pub policies: Vec<(String, Option<bool>, &'static str)>,
}

/// Everything the referee judges by, apart from the request.
#[derive(Debug, Clone, Copy)]
pub struct Referee<'a> {
    /// The tenant.
    pub snapshot: &'a Snapshot,
    /// The keyword table.
    pub surfaces: &'a [RefereeSurface],
    /// When the sign-in happens: role assignments must be current then.
    pub now: jiff::Timestamp,
    /// Controls that the person has already satisfied, by the names of [`RefereeAnswer::controls`].
    pub satisfied: &'a [&'a str],
    /// Whether it is not told where Microsoft Authenticator would say that the person is.
    pub is_unlocated: bool,
}

/// Answers one request of somebody who has satisfied nothing yet.
///
/// # Errors
/// Why the request cannot be judged at all: a user that is not there, a value that Graph does not know.
pub fn what_if(
    snapshot: &Snapshot,
    request: &WhatIfRequest<'_>,
    surfaces: &[RefereeSurface],
    now: jiff::Timestamp,
) -> Result<RefereeAnswer, String> {
    Referee { snapshot, surfaces, now, satisfied: &[], is_unlocated: false }.answer(request)
}

impl Referee<'_> {
    /// Answers one request.
    ///
    /// # Errors
    /// Why the request cannot be judged at all: a user that is not there, a value that Graph does not know.
    pub fn answer(&self, request: &WhatIfRequest<'_>) -> Result<RefereeAnswer, String> {
        let sign_in = SignIn::read(self.snapshot, request)?;
        let mut answer = RefereeAnswer {
            outcome: "",
            controls: Vec::new(),
            applied: Vec::new(),
            report_only: Vec::new(),
            unknown: Vec::new(),
            policies: Vec::new(),
        };
        let policies = &self.snapshot.conditional_access_policies;
        // A policy that the snapshot does not have may block.
        let most = if policies.get().is_ok() { Level::Satisfied } else { Level::Blocked };
        let mut bounds = Bounds { least: Level::Satisfied, most };
        for policy in policies.items() {
            let (applies, reason) = self.applies(policy, &sign_in);
            let id = policy.id.as_str().to_owned();
            let demand = self.demand(policy, &sign_in);
            match (applies, is_enforced(policy)) {
                (Answer::No, _) => {}
                (Answer::Yes, Answer::Yes) => {
                    bounds = bounds.worst(demand.bounds);
                    answer.controls.extend(demand.unmet);
                    answer.applied.push(id.clone());
                }
                (Answer::Yes, _) => answer.report_only.push(id.clone()),
                (Answer::Unknown, enforced) => {
                    if enforced != Answer::No {
                        bounds = bounds.worst(Bounds { least: Level::Satisfied, most: demand.bounds.most });
                    }
                    answer.unknown.push(id.clone());
                }
            }
            answer.policies.push((id, applies.known(), reason));
        }
        answer.controls.sort();
        answer.controls.dedup();
        answer.outcome = bounds.outcome();
        Ok(answer)
    }

    /// Of each policy, in the order of the snapshot: whether it applies to a sign-in and is enforced for sure, and
    /// whether that may be.
    pub(crate) fn enforced(&self, request: &WhatIfRequest<'_>) -> Result<Vec<(bool, bool)>, String> {
        let sign_in = SignIn::read(self.snapshot, request)?;
        let policies = self.snapshot.conditional_access_policies.items().iter();
        let enforced = policies.map(|policy| match is_enforced(policy) {
            Answer::No => (false, false),
            enforced => {
                let (applies, _) = self.applies(policy, &sign_in);
                let both = applies.and(enforced);
                (both == Answer::Yes, both != Answer::No)
            }
        });
        Ok(enforced.collect())
    }

    /// Whether a policy applies, and the first condition that is not met.
    fn applies(&self, policy: &ConditionalAccessPolicy, sign_in: &SignIn<'_>) -> (Answer, &'static str) {
        let conditions = &policy.conditions;
        let (context, context_reason) = self.context(conditions.applications.as_ref(), sign_in);
        let (identity, identity_reason) = self.identity(policy, &sign_in.identity);
        let answers = [
            (is_in_force(policy), "policyNotEnabled"),
            (identity, identity_reason),
            (context, context_reason),
            (situation::platform(conditions, sign_in), "devicePlatform"),
            (device_filter::devices(conditions, sign_in), "devices"),
            (situation::client_app(conditions, sign_in), "clientApps"),
            (self.location(conditions, sign_in), "location"),
            (situation::risk(&conditions.sign_in_risk_levels, sign_in.sign_in_risk.as_ref()), "signInRisk"),
            (situation::risk(&conditions.user_risk_levels, sign_in.user_risk.as_ref()), "userRisk"),
            (
                situation::risk(&conditions.service_principal_risk_levels, sign_in.service_principal_risk.as_ref()),
                "signInRisk",
            ),
            (situation::insider_risk(conditions, sign_in), "insiderRisk"),
            (situation::authentication_flow(conditions, sign_in), "authenticationFlow"),
            (uninterpreted(policy), "notEnoughInformation"),
        ];
        if let Some((_, reason)) = answers.iter().find(|(answer, _)| *answer == Answer::No) {
            return (Answer::No, reason);
        }
        if answers.iter().any(|(answer, _)| *answer == Answer::Unknown) {
            return (Answer::Unknown, "notEnoughInformation");
        }
        (Answer::Yes, "notSet")
    }
}

/// Whether a policy is evaluated at all: enabled or report-only, and not deleted.
pub(crate) fn is_in_force(policy: &ConditionalAccessPolicy) -> Answer {
    if policy.is_deleted || policy.state == ConditionalAccessPolicyState::Disabled {
        return Answer::No;
    }
    if has_unknown(policy, UnknownKind::State) { Answer::Unknown } else { Answer::Yes }
}

/// Whether what an applying policy demands is enforced.
pub(crate) fn is_enforced(policy: &ConditionalAccessPolicy) -> Answer {
    if has_unknown(policy, UnknownKind::State) {
        return Answer::Unknown;
    }
    Answer::of(policy.state == ConditionalAccessPolicyState::Enabled)
}

/// Conditions that nobody here can interpret: such a policy may apply or not.
fn uninterpreted(policy: &ConditionalAccessPolicy) -> Answer {
    if has_unknown(policy, UnknownKind::Condition) { Answer::Unknown } else { Answer::Yes }
}

fn has_unknown(policy: &ConditionalAccessPolicy, kind: UnknownKind) -> bool {
    policy.unknowns.iter().any(|part| part.kind == kind)
}
