//! What became of each policy in a sign-in, as the rest of the decision and its record need it.

use breakglass_engine::access::demand::Control;
use breakglass_engine::access::session::{SessionControl, session_controls};
use breakglass_engine::access::{Access, Situation};
use breakglass_model::policy::{ConditionalAccessGrantControl, ConditionalAccessPolicy};
use serde_json::{Value, json};

/// The result of each policy, in the word that the sign-in log has for it.
pub(super) struct Results<'a>(Vec<(&'a ConditionalAccessPolicy, &'static str)>);

impl<'a> Results<'a> {
    /// Of a sign-in in which some controls are satisfied.
    pub(super) fn of(access: &'a Access<'a>, situation: &Situation, satisfied: &[Control]) -> Self {
        let result = |index: usize| access.applied_result(index, situation, satisfied).name();
        Self(access.policies().iter().enumerate().map(|(index, policy)| (policy, result(index))).collect())
    }

    /// The policies that apply and are in force.
    pub(super) fn in_force(&self) -> impl Iterator<Item = &'a ConditionalAccessPolicy> {
        self.0.iter().filter(|(_, result)| matches!(*result, "success" | "failure")).map(|(policy, _)| *policy)
    }

    /// Ids of those that are not satisfied.
    pub(super) fn failed(&self) -> Vec<String> {
        let failed = self.0.iter().filter(|(_, result)| *result == "failure");
        failed.map(|(policy, _)| policy.id.as_str().to_owned()).collect()
    }

    /// What became of a sign-in, in a word.
    pub(super) fn status(&self, refused: Option<u32>) -> &'static str {
        match (refused, self.in_force().next()) {
            (Some(_), _) => "failure",
            (None, Some(_)) => "success",
            (None, None) => "notApplied",
        }
    }

    /// What their controls demand multifactor authentication as, in the words of `requirementProvider`.
    pub(super) fn demand_mfa_as(&self) -> impl Iterator<Item = &'static str> {
        let (mut has_mfa, mut has_strength) = (false, false);
        for grant in self.in_force().filter_map(|policy| policy.grant_controls.as_ref()) {
            has_mfa |= grant.built_in_controls.contains(&ConditionalAccessGrantControl::Mfa);
            has_strength |= grant.authentication_strength.is_some();
        }
        let all = [(has_mfa, "multiConditionalAccess"), (has_strength, "authenticationStrengths")];
        all.into_iter().filter(|(is_so, _)| *is_so).map(|(_, word)| word)
    }

    /// As the record of the sign-in has them.
    pub(super) fn recorded(&self) -> Vec<Value> {
        let recorded = self.0.iter().map(|(policy, result)| {
            let controls = policy.grant_controls.as_ref().map(|grant| &grant.built_in_controls);
            let controls = controls.into_iter().flatten().map(|control| enforced(control.as_str()));
            let sessions: Vec<&str> = session_controls(policy).iter().filter_map(session_word).collect();
            json!({
                "id": policy.id.as_str(), "displayName": policy.name(),
                "enforcedGrantControls": controls.collect::<Vec<_>>(), "enforcedSessionControls": sessions,
                "result": result,
            })
        });
        recorded.collect()
    }
}

/// A session control as `enforcedSessionControls` has it, which are texts as well; one without a word here is left out.
const fn session_word(control: &SessionControl) -> Option<&'static str> {
    match control {
        SessionControl::SignInFrequency { .. } => Some("SignInFrequency"),
        SessionControl::PersistentBrowser { .. } => Some("PersistentBrowserSession"),
        SessionControl::Other { .. } => None,
    }
}

/// Controls as `enforcedGrantControls` has them, which are texts and no members of an enumeration.
///
/// **Source:** the examples of the sign-in logs (`Mfa`, `RequireCompliantDevice`); the others from what tools that read
/// those logs know. A control that is not here stands as policies have it.
const ENFORCED: [(&str, &str); 7] = [
    ("block", "Block"),
    ("mfa", "Mfa"),
    ("compliantDevice", "RequireCompliantDevice"),
    ("domainJoinedDevice", "RequireDomainJoinedDevice"),
    ("approvedApplication", "RequireApprovedApp"),
    ("compliantApplication", "RequireCompliantApp"),
    ("passwordChange", "PasswordChange"),
];

fn enforced(control: &str) -> &str {
    ENFORCED.iter().find(|(known, _)| *known == control).map_or(control, |(_, word)| *word)
}
