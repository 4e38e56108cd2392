//! Identity Protection's own policies, which stand beside Conditional Access.
//!
//! Graph does not publish these policies, so the form is ours: a `displayName` or `policyType` that says which one it
//! is, and `isEnabled` or `state`.
//!
//! **Source:** the Identity Protection policies documentation of 15 May 2026: the risk policies are retired on
//! 1 October 2026, the policy for multifactor registration remains.

use breakglass_model::snapshot::Snapshot;
use breakglass_model::tenant::GraphObject;
use jiff::Timestamp;

/// Retirement of the two risk policies: 1 October 2026.
pub(crate) const RISK_POLICIES_RETIRED: Timestamp = Timestamp::constant(1_790_812_800, 0);

/// Which policy it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnPolicy {
    /// It makes people register for multifactor authentication.
    Registration,
    /// It looks at the risk of a sign-in or of a user.
    Risk,
}

/// What the names of a policy say.
fn names(policy: &GraphObject) -> String {
    let texts = ["policyType", "type", "displayName", "id"].iter().filter_map(|name| policy.text(name));
    texts.collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Which policy it is; `None` where that cannot be told.
pub(crate) fn kind(policy: &GraphObject) -> Option<OwnPolicy> {
    let text = names(policy);
    if text.contains("registration") {
        Some(OwnPolicy::Registration)
    } else if text.contains("risk") {
        Some(OwnPolicy::Risk)
    } else {
        None
    }
}

/// Whether it is enabled; `None` where that cannot be told.
pub(crate) fn is_enabled(policy: &GraphObject) -> Option<bool> {
    policy.flag("isEnabled").or_else(|| match policy.text("state")? {
        state if state.eq_ignore_ascii_case("enabled") => Some(true),
        state if state.eq_ignore_ascii_case("disabled") => Some(false),
        _ => None,
    })
}

/// A risk policy that may be in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RiskPolicy<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// Whether it may look at the risk of sign-ins.
    pub(crate) of_sign_ins: bool,
    /// Whether it may look at the risk of users.
    pub(crate) of_users: bool,
}

/// The risk policies that may be in force at an instant.
pub(crate) fn risk_policies(snapshot: &Snapshot, now: Timestamp) -> impl Iterator<Item = RiskPolicy<'_>> {
    let may_be_one = move |policy: &&GraphObject| {
        now < RISK_POLICIES_RETIRED
            && is_enabled(policy) != Some(false)
            && kind(policy) != Some(OwnPolicy::Registration)
    };
    snapshot.identity_protection_policies.items().iter().filter(may_be_one).map(|policy| {
        let text: String = names(policy).chars().filter(char::is_ascii_alphabetic).collect();
        let (users, sign_ins) = (text.contains("userrisk"), text.contains("signinrisk"));
        RiskPolicy {
            name: policy.text("displayName").or_else(|| policy.text("id")).unwrap_or("without a name"),
            of_sign_ins: sign_ins || !users,
            of_users: users || !sign_ins,
        }
    })
}

#[cfg(test)]
mod tests {
    use breakglass_model::snapshot::{Listing, Snapshot};
    use breakglass_model::tenant::GraphObject;
    use serde_json::json;

    use super::{RiskPolicy, risk_policies};

    #[test]
    fn risk_policies_are_told_by_their_names_until_they_are_retired() {
        let policy = |value: serde_json::Value| GraphObject(value.as_object().unwrap().clone());
        let mut snapshot = Snapshot::default();
        snapshot.identity_protection_policies = Listing::present(vec![
            policy(json!({ "displayName": "User risk remediation policy", "isEnabled": true })),
            policy(json!({ "policyType": "signInRiskPolicy", "state": "Enabled" })),
            policy(json!({ "displayName": "Something else" })),
            policy(json!({ "displayName": "Sign-in risk", "state": "disabled" })),
            policy(json!({ "displayName": "Multifactor registration policy", "isEnabled": true })),
        ]);
        let found = |at: &str| risk_policies(&snapshot, at.parse().unwrap()).collect::<Vec<_>>();
        let expected = [
            ("User risk remediation policy", false, true),
            ("without a name", true, false),
            ("Something else", true, true),
        ];
        let expected = expected.map(|(name, of_sign_ins, of_users)| RiskPolicy { name, of_sign_ins, of_users });
        assert_eq!(found("2026-09-30T23:59:59Z"), expected);
        assert_eq!(found("2026-10-01T00:00:00Z"), []);
    }
}
