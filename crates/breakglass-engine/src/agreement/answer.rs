//! One answer of the tenant's What If, beside ours.

use breakglass_model::policy::ConditionalAccessPolicy;
use breakglass_model::sign_in::WhatIfRequest;
use serde_json::Value;

use super::facts::in_force;
use crate::access::{Access, Analysis, KEYWORDS, Reason, Trit};

/// Why an answer cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// It is not what `evaluate` answers.
    #[error("the answer has no list `value` of policies")]
    Malformed,
    /// The question is one that we cannot judge.
    #[error("the question cannot be judged here: {0}")]
    Question(String),
}

/// What is not the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The tenant says that a policy applies, and we that it does not, or the other way round.
    Applies,
    /// A policy applies to both of us not, and for different reasons.
    Reason,
    /// The tenant says whether it applies, and we could not tell.
    Untold,
}

/// One policy of one answer that is not the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What is not the same.
    pub kind: Kind,
    /// The policy, as it stands in the list of policies.
    pub policy: usize,
    /// Whether it applies, as the tenant says.
    pub applies: bool,
    /// Its `analysisReasons`.
    pub reasons: String,
    /// Whether it applies, as we say.
    pub ours: Trit,
    /// Our reason.
    pub our_reason: Reason,
    /// Our reason in words.
    pub because: String,
    /// Why the tenant's own answer is known not to be what a sign-in would meet, if it is.
    pub known: Option<&'static str>,
}

/// What is known of What If itself.
///
/// **Source:** "The Conditional Access What If tool": groups of applications are never matched, service dependencies are
/// not followed.
const GROUPS_OF_APPLICATIONS: &str = "Microsoft's What If does not look into groups of applications such as Office 365 \
                                      and the admin portals; a real sign-in does";

/// One answer, compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Compared {
    /// Policies of which both say the same.
    pub agreed: usize,
    /// Those of which they do not.
    pub differences: Vec<Difference>,
    /// Ids of policies that the tenant answers about and that were not read.
    pub not_read: Vec<String>,
    /// Policies in force that were read and that the tenant does not answer about, as they stand in the list.
    pub not_answered: Vec<usize>,
}

impl Compared {
    /// Compares an answer.
    ///
    /// # Errors
    /// It is no answer of `evaluate`, or the question names somebody whom the snapshot does not have.
    pub fn of(access: &Access<'_>, question: &Value, answer: &Value) -> Result<Self, AnswerError> {
        let text = question.to_string();
        let request =
            WhatIfRequest::from_json(text.as_bytes()).map_err(|error| AnswerError::Question(error.to_string()))?;
        let situation = access.situation(&request).map_err(|error| AnswerError::Question(error.to_string()))?;
        let entries = answer.get("value").and_then(Value::as_array).ok_or(AnswerError::Malformed)?;
        let mut compared = Self::default();
        let mut answered = vec![false; access.policies().len()];
        for entry in entries {
            let id = entry.get("id").and_then(Value::as_str).ok_or(AnswerError::Malformed)?;
            let applies = entry.get("policyApplies").and_then(Value::as_bool).ok_or(AnswerError::Malformed)?;
            let is_it = |policy: &ConditionalAccessPolicy| policy.id.as_str().eq_ignore_ascii_case(id);
            let Some(at) = access.policies().iter().position(is_it) else {
                compared.not_read.push(id.to_owned());
                continue;
            };
            if let Some(slot) = answered.get_mut(at) {
                *slot = true;
            }
            let reasons = entry.get("analysisReasons").and_then(Value::as_str).unwrap_or_default();
            let ours = access.analyse_policy(at, &situation);
            match difference(access, (applies, reasons), ours) {
                Some(difference) => compared.differences.push(difference),
                None => compared.agreed += 1,
            }
        }
        let is_unanswered = |at: &usize| !answered.get(*at).copied().unwrap_or(true);
        compared.not_answered = in_force(access).into_iter().filter(is_unanswered).collect();
        Ok(compared)
    }
}

fn difference(access: &Access<'_>, (applies, reasons): (bool, &str), ours: Analysis) -> Option<Difference> {
    let kind = match (ours.applies, applies) {
        (Trit::Unknown, _) => Kind::Untold,
        (Trit::Yes, true) => return None,
        // A tenant that gives no reason gives no other one.
        (Trit::No, false) if reasons.is_empty() || has(reasons, ours.reason) => return None,
        (Trit::No, false) => Kind::Reason,
        (Trit::Yes, false) | (Trit::No, true) => Kind::Applies,
    };
    let names_group = |policy: &ConditionalAccessPolicy| {
        let applications = policy.conditions.applications.as_ref();
        applications.is_some_and(|applications| {
            let all = applications.include_applications.iter().chain(&applications.exclude_applications);
            all.into_iter().any(|id| KEYWORDS.contains(&id.as_str()))
        })
    };
    let is_about_groups = kind != Kind::Untold && access.policies().get(ours.policy).is_some_and(names_group);
    Some(Difference {
        kind,
        policy: ours.policy,
        applies,
        reasons: reasons.to_owned(),
        ours: ours.applies,
        our_reason: ours.reason,
        because: ours.because,
        known: is_about_groups.then_some(GROUPS_OF_APPLICATIONS),
    })
}

/// `analysisReasons` are flags: several may be given, and ours is the first.
fn has(reasons: &str, ours: Reason) -> bool {
    reasons.split(',').any(|reason| reason.trim().eq_ignore_ascii_case(ours.name()))
}
