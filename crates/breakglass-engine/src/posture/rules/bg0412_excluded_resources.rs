//! BG0412: an application that a policy about all resources excludes is no way around the policy.
//!
//! **Source:** *Enforcement of policies with resource exclusions* (19 June 2026): sign-ins that ask for low-privilege
//! scopes only count as sign-ins to the directory, rolled out from 15 June 2026.

use breakglass_model::policy::{ConditionalAccessFilter, ConditionalAccessPolicy};
use breakglass_model::well_known::WINDOWS_AZURE_ACTIVE_DIRECTORY;

use super::super::{Case, Finding, Rule, Severity, Status, finding};
use super::account::nobody;
use super::scope::{self, Candidate, ExcludedGroups, Stand};
use crate::access::surfaces::surface;

pub(super) struct ExcludedResources;

impl Rule for ExcludedResources {
    fn code(&self) -> &'static str {
        "BG0412"
    }

    fn title(&self) -> &'static str {
        "No emergency account relies on an application that a policy about all resources excludes"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["X1", "X2"]
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** No emergency account is in scope of a policy about all resources that it can pass only because an \
application is excluded.

**Why it matters.** Until June 2026 a sign-in that asked only for basic scopes (openid, profile, User.Read and the \
like) passed such a policy, and an administrator could think that the excluded application was a way in. Now these \
sign-ins count as sign-ins to the directory, which the policy covers: the Azure command line is one that noticed. \
A way in that worked at the last drill is closed at the next emergency (situation E1).

**How it is judged.** For each enforced policy about all resources with an excluded application: an account in scope \
whose credentials do not meet the demand fails, high; medium while the enforcement has not begun. If they meet it, \
that is a note. A policy that excludes the directory itself (Windows Azure Active Directory) is not affected.

**What to do.** Exclude the group of the emergency accounts from the policy, not the applications that they use.

**Source:** requirements X1, X2; Microsoft, *Enforcement of policies with resource exclusions* (19 June 2026)."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        if let Some(finding) = nobody(self, case).or_else(|| scope::no_policies(self, case)) {
            return vec![finding];
        }
        let (candidates, _) = scope::policies(case);
        let groups = ExcludedGroups::of(case, &candidates);
        let mut findings = Vec::new();
        let mut count = 0;
        for candidate in
            candidates.iter().filter(|candidate| candidate.is_enforced() && has_way_around(candidate.policy))
        {
            count += 1;
            findings.extend(self.judge(case, candidate).into_iter().map(|finding| match finding.status {
                Status::Fail => finding.fixed_by(groups.fix(case, &candidates, candidate.policy)),
                _ => finding,
            }));
        }
        findings.extend(scope::partial_policies(self, case).or_else(|| scope::unsaid_policies(self, case)));
        if count == 0 && findings.is_empty() {
            let message = "No enforced policy is about all resources but some.";
            return vec![finding(self, Status::NotApplicable, message)];
        }
        if findings.is_empty() {
            let policies = scope::counted(count, "enforced policy is", "enforced policies are");
            let message = format!("{policies} about all resources but some, and no emergency account is in scope.");
            findings.push(finding(self, Status::Pass, message));
        }
        findings
    }
}

/// Whether a policy is about all resources but some, and does not leave the directory itself out.
fn has_way_around(policy: &ConditionalAccessPolicy) -> bool {
    policy.conditions.applications.as_ref().is_some_and(|applications| {
        let excluded = &applications.exclude_applications;
        let has_filter = applications.application_filter.as_ref().is_some_and(ConditionalAccessFilter::is_configured);
        applications.include_applications.iter().any(|name| name == "All")
            && (!excluded.is_empty() || has_filter)
            && !excluded.iter().any(|name| name == WINDOWS_AZURE_ACTIVE_DIRECTORY)
    })
}

impl ExcludedResources {
    fn judge(&self, case: &Case<'_>, candidate: &Candidate<'_>) -> Vec<Finding> {
        let name = candidate.policy.name();
        let does = scope::demand_words(case, candidate);
        let applications = candidate.policy.conditions.applications.as_ref();
        let excluded = applications.map_or(&[][..], |applications| &applications.exclude_applications);
        let excluded: Vec<String> = excluded
            .iter()
            .map(|id| format!("`{}`", surface(id).map_or(id.as_str(), |surface| surface.name)))
            .collect();
        let excluded = if excluded.is_empty() { "what its filter picks".to_owned() } else { scope::listed(&excluded) };
        let is_enforced = case.now >= case.access.settings().low_privilege_enforced_from;
        let stands: Vec<_> =
            case.accounts.keys.iter().map(|account| (*account, scope::stand(case, candidate, *account))).collect();
        let of = |wanted: fn(&Stand) -> bool| -> Vec<_> {
            stands.iter().filter(|(_, stand)| wanted(stand)).map(|(account, _)| *account).collect()
        };
        let mut findings = Vec::new();
        let mut push = |accounts: Vec<_>, status, severity, words: &dyn Fn(String) -> String| {
            if !accounts.is_empty() {
                let message = words(scope::account_names(case, &accounts));
                let mut about = vec![Case::policy(candidate.policy)];
                about.extend(scope::account_references(case, &accounts));
                findings.push(finding(self, status, message).at(severity).about(about));
            }
        };
        let severity = if is_enforced { Severity::High } else { Severity::Medium };
        let since = if is_enforced { "also covers" } else { "will soon cover" };
        push(
            of(|stand| matches!(stand, Stand::Unmet { .. } | Stand::MetByOne { .. })),
            Status::Fail,
            severity,
            &|who| {
                format!(
                    "Policy `{name}` {does} for all resources but {excluded}, and it {since} sign-ins with basic scopes \
                 only: what it excludes is no way in for {who}."
                )
            },
        );
        push(of(|stand| matches!(stand, Stand::Unknown { .. })), Status::Unknown, Severity::High, &|who| {
            format!("Whether policy `{name}` reaches {who} cannot be told (BG0401 says why).")
        });
        push(of(|stand| matches!(stand, Stand::Met { .. })), Status::Pass, Severity::Info, &|who| {
            format!("Policy `{name}` covers basic scopes too; {who} can give what it demands.")
        });
        findings
    }
}
