//! BG0404: which policies the rules of this section do not judge, and why.
//!
//! **Source:** policies about workload and agent identities never apply to a person; an authentication context
//! alone is a step-up that only some actions ask for.

use std::collections::BTreeMap;

use super::super::{Case, Finding, Rule, Severity, Status, finding};
use super::account::{names, nobody};
use super::scope;

pub(super) struct SkippedPolicies;

impl Rule for SkippedPolicies {
    fn code(&self) -> &'static str {
        "BG0404"
    }

    fn title(&self) -> &'static str {
        "Policies that cannot stop a person are left aside, and named"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["X1"]
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** BG0401 to BG0412 do not judge policies about workload identities, agent identities or nobody, nor \
policies about authentication contexts alone. This rule says which ones those are.

**Why it matters.** A policy that blocks service principals cannot keep a person out; counting it would hide real \
findings among false ones. An authentication context is different: if activating a role or an action of the \
recovery asks for it, a policy on it can stop the recovery (situations E1 to E4).

**How it is judged.** It passes and names the policies. Contexts that the configuration lists as needed for recovery \
(`recovery_authentication_contexts`), and those that the activation of a high role asks for by the rules of \
Privileged Identity Management in the snapshot (`roleManagementPolicies`), are judged like everything else. Where \
those rules are not in the snapshot and a policy about a context would stop an account, BG0401 is `unknown`.

**What to do.** If another recovery action asks for an authentication context, list it.

**Source:** requirement X1; Microsoft, *Conditional Access for workload identities*; *Authentication context*."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        if let Some(finding) = nobody(self, case).or_else(|| scope::no_policies(self, case)) {
            return vec![finding];
        }
        let (_, skipped) = scope::policies(case);
        if skipped.is_empty() {
            let message = "Every policy is about people who sign in to something, so none was left aside.";
            return vec![finding(self, Status::NotApplicable, message)];
        }
        let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for skipped in &skipped {
            kinds.entry(skipped.about).or_default().push(skipped.candidate.policy.name());
        }
        let each = kinds.iter().map(|(about, policies)| format!("about {about}: {}", names(policies.iter().copied())));
        let count = scope::counted(skipped.len(), "policy was", "policies were");
        let message = format!("{count} not judged, {}.", each.collect::<Vec<_>>().join("; "));
        let about = skipped.iter().map(|skipped| Case::policy(skipped.candidate.policy)).collect();
        vec![finding(self, Status::Pass, message).about(about)]
    }
}
