//! BG0401: every enforced policy leaves every account out, or demands what the account can give.
//!
//! **Source:** requirements X1, X3 and X5; *Manage emergency access accounts* (4 June 2026): exclude the accounts
//! from the enforced policies that block or restrict sign-in.

use breakglass_model::object::ObjectKey;

use super::super::{Case, Finding, Rule, Severity, Status, finding};
use super::account::nobody;
use super::exclusion::{Exclusion, Weight};
use super::scope::{self, ABOUT_CONTEXTS, Candidate, ExcludedGroups, Stand};

pub(super) struct Excluded;

impl Rule for Excluded {
    fn code(&self) -> &'static str {
        "BG0401"
    }

    fn title(&self) -> &'static str {
        "Every enforced Conditional Access policy leaves the emergency accounts out"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["X1", "X3", "X5"]
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** No enforced policy can stop an emergency account. It is outside the policy by its own id, by a \
group (nested ones count), by a role or by being no guest; or it is inside and can give what the policy demands.

**Why it matters.** One policy for all users without the exclusion is enough to lock everybody out (situation E2), \
and an outage of the multifactor provider does the same (E1). Conditions on places, devices or risk do not help: \
the emergency is when they hold.

**How it is judged.** By the users condition alone. An account in scope whose demand none of its credentials can \
meet fails, critical: a block, a compliant device, a strength that its passkey does not satisfy. If some of its \
credentials meet the demand and others do not, it fails, high. If each of them meets it, or nothing is demanded, the \
profile `current` accepts it and says so, and the profile `classic` fails it, since it wants the accounts outside \
every policy. Credentials are the registered phishing-resistant methods, else the other second factors; a password \
cannot be taken away and does not count as one. A group whose members are not in the snapshot, unknown methods and \
parts of a policy that this version does not know give `unknown`, unless the account is surely outside; so does, \
medium, a policy about an authentication context where the snapshot does not say what activating a role asks for. BG0404 says \
which policies are not judged.

**What to do.** Make one role-assignable group with exactly the emergency accounts and exclude it in every policy.

**Source:** requirements X1, X3, X5; Microsoft, *Conditional Access: Users, groups, agents, and workload identities* \
(exclusion wins, nested groups count, only active built-in roles count)."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        if let Some(finding) = nobody(self, case).or_else(|| scope::no_policies(self, case)) {
            return vec![finding];
        }
        let (candidates, skipped) = scope::policies(case);
        let groups = ExcludedGroups::of(case, &candidates);
        let exclusion = Exclusion {
            rule: self,
            candidates: &candidates,
            groups: &groups,
            noun: "Policy",
            verb: "applies to",
            consequence: "locks them out",
        };
        let weight = Weight { unmet: Severity::Critical, met_by_one: Severity::High, warning: String::new() };
        let enforced: Vec<&Candidate<'_>> = candidates.iter().filter(|candidate| candidate.is_enforced()).collect();
        let mut findings: Vec<Finding> =
            enforced.iter().flat_map(|candidate| exclusion.judge(case, candidate, &weight)).collect();
        findings.extend(exclusion.unresolved(case, &enforced));
        findings.extend(scope::partial_policies(self, case));
        let in_force = skipped.iter().filter(|one| one.about == ABOUT_CONTEXTS && one.candidate.is_enforced());
        findings.extend(in_force.filter_map(|one| self.perhaps_needed(case, &one.candidate)));
        if findings.is_empty() {
            let accounts = scope::account_names(case, &case.accounts.keys);
            let message = match enforced.len() {
                0 => format!("No policy that is about people is enforced, so none keeps {accounts} out."),
                1 => format!("The one enforced policy that is about people leaves out {accounts}."),
                count => format!("All {count} enforced policies that are about people leave out {accounts}."),
            };
            let about = scope::account_references(case, &case.accounts.keys);
            findings.push(finding(self, Status::Pass, message).about(about));
        }
        findings
    }
}

impl Excluded {
    /// A policy about an authentication context that the activation of a role may ask for.
    fn perhaps_needed(&self, case: &Case<'_>, candidate: &Candidate<'_>) -> Option<Finding> {
        let why = scope::activation_doubt(case)?;
        let accounts = case.accounts.keys.iter().copied().filter(|account| {
            matches!(
                scope::stand(case, candidate, *account),
                Stand::Unmet { .. } | Stand::MetByOne { .. } | Stand::Unknown { .. }
            )
        });
        let accounts: Vec<ObjectKey> = accounts.collect();
        if accounts.is_empty() {
            return None;
        }
        let message = format!(
            "Whether policy `{}` keeps {} out cannot be told: whether activating a role asks for its authentication \
             context is not known, because {why}.",
            candidate.policy.name(),
            scope::account_names(case, &accounts)
        );
        let about = [vec![Case::policy(candidate.policy)], scope::account_references(case, &accounts)].concat();
        Some(finding(self, Status::Unknown, message).at(Severity::Medium).about(about))
    }
}
