//! BG0402: no report-only policy would keep the accounts out once it is switched on, by people or by Microsoft.
//!
//! **Source:** requirement X2; *Microsoft-managed policies* (28 May 2026).

use breakglass_model::policy::ConditionalAccessPolicy;
use jiff::Timestamp;

use super::super::{Case, Finding, Rule, Severity, Status, finding};
use super::account::nobody;
use super::exclusion::{Exclusion, Weight};
use super::scope::{self, Candidate, ExcludedGroups, Force};
use crate::access::managed::{MANAGED_GRACE, is_managed, switches_on};

pub(super) struct ReportOnly;

impl Rule for ReportOnly {
    fn code(&self) -> &'static str {
        "BG0402"
    }

    fn title(&self) -> &'static str {
        "No report-only policy would keep the emergency accounts out once it is switched on"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["X1", "X2"]
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** The policies that only report leave the emergency accounts out as well, so that switching one on \
changes nothing for them.

**Why it matters.** A report-only policy is a lockout that waits for a click (situation E2), and one that Microsoft \
manages waits for no click: it switches itself on 30 days after it appeared, at the earliest.

**How it is judged.** As BG0401 judges enforced policies, with severity medium. A Microsoft-managed policy is \
critical from 30 days before the earliest date, which the finding names; if its date of creation is not known, it \
is critical as well. Microsoft-managed policies are told by their name (`Microsoft-managed: …`) or their template.

**What to do.** Exclude the group of the emergency accounts now. In a Microsoft-managed policy only the state and \
the exclusions can be changed, and that is enough.

**Source:** requirement X2; Microsoft, *Microsoft-managed Conditional Access policies* (28 May 2026)."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        if let Some(finding) = nobody(self, case).or_else(|| scope::no_policies(self, case)) {
            return vec![finding];
        }
        let (candidates, _) = scope::policies(case);
        let groups = ExcludedGroups::of(case, &candidates);
        let exclusion = Exclusion {
            rule: self,
            candidates: &candidates,
            groups: &groups,
            noun: "Report-only policy",
            verb: "would apply to",
            consequence: "would lock them out",
        };
        let judged: Vec<&Candidate<'_>> =
            candidates.iter().filter(|candidate| candidate.force == Force::ReportOnly).collect();
        let mut findings: Vec<Finding> = judged
            .iter()
            .flat_map(|candidate| exclusion.judge(case, candidate, &weight(candidate.policy, case.now)))
            .collect();
        let unresolved = exclusion.unresolved(case, &judged);
        findings.extend(unresolved.into_iter().map(|finding| finding.at(Severity::Medium)));
        findings.extend(scope::partial_policies(self, case).map(|finding| finding.at(Severity::Medium)));
        if findings.is_empty() {
            findings.push(match judged.len() {
                0 => finding(self, Status::NotApplicable, "No policy that is about people is report-only.")
                    .at(Severity::Medium),
                count => {
                    let accounts = scope::account_names(case, &case.accounts.keys);
                    let message = match count {
                        1 => format!("The one report-only policy that is about people leaves out {accounts}, too."),
                        count => {
                            format!("All {count} report-only policies that are about people leave out {accounts}, too.")
                        }
                    };
                    let about = scope::account_references(case, &case.accounts.keys);
                    finding(self, Status::Pass, message).at(Severity::Medium).about(about)
                }
            });
        }
        findings
    }
}

/// How bad it is that a report-only policy has an account in scope.
fn weight(policy: &ConditionalAccessPolicy, now: Timestamp) -> Weight {
    if !is_managed(policy) {
        let warning = " It only reports, until somebody switches it on.".to_owned();
        return Weight { unmet: Severity::Medium, met_by_one: Severity::Medium, warning };
    }
    let Some(earliest) = switches_on(policy) else {
        let warning = " Microsoft manages it and will switch it on 30 days after it appeared, at the earliest; when \
                       that was is not in the snapshot."
            .to_owned();
        return Weight { unmet: Severity::Critical, met_by_one: Severity::High, warning };
    };
    let date = earliest.strftime("%Y-%m-%d");
    let is_near = now.checked_add(MANAGED_GRACE).is_ok_and(|soon| earliest <= soon);
    let severity = if is_near { Severity::Critical } else { Severity::Medium };
    let warning = if earliest <= now {
        format!(" Microsoft manages it and may switch it on any day: {date} was the earliest.")
    } else {
        format!(" Microsoft manages it and will switch it on, on {date} at the earliest.")
    };
    Weight { unmet: severity, met_by_one: severity.max(Severity::High), warning }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(created: Option<&str>, name: &str, template: Option<&str>) -> ConditionalAccessPolicy {
        let source = serde_json::json!({ "id": "p", "displayName": name, "templateId": template,
            "createdDateTime": created, "state": "enabledForReportingButNotEnforced" });
        ConditionalAccessPolicy::from_value(source, "p").unwrap()
    }

    #[test]
    fn managed_policies_are_critical_from_30_days_before_they_switch_themselves_on() {
        let now: Timestamp = "2026-06-30T12:00:00Z".parse().unwrap();
        let managed = "Microsoft-managed: Block legacy authentication";
        for (created, name, expected, words) in [
            (Some("2026-06-20T00:00:00Z"), managed, Severity::Critical, "2026-07-20 at the earliest"),
            (Some("2026-03-01T00:00:00Z"), managed, Severity::Critical, "any day: 2026-03-31 was the earliest"),
            (Some("2026-07-05T00:00:00Z"), managed, Severity::Medium, "2026-08-04 at the earliest"),
            (None, managed, Severity::Critical, "is not in the snapshot"),
            (Some("2026-06-20T00:00:00Z"), "Block legacy authentication", Severity::Medium, "somebody switches it on"),
        ] {
            let weight = weight(&policy(created, name, None), now);
            assert_eq!(weight.unmet, expected, "{created:?} {name}");
            assert!(weight.warning.contains(words), "{} has {words}", weight.warning);
        }
    }

    #[test]
    fn a_managed_policy_is_told_by_its_name_or_its_template() {
        assert!(is_managed(&policy(None, "microsoft-managed: x", None)));
        assert!(is_managed(&policy(None, "renamed", Some("4200930C-0da2-4e33-ca01-000000000007"))));
        assert!(!is_managed(&policy(None, "Not Microsoft-managed: x", Some("0b2282f9-2862-4178-88b5-d79340b36cb8"))));
        assert!(!is_managed(&policy(None, "Ä", None)));
    }
}
