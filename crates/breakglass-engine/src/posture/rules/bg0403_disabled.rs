//! BG0403: which switched-off policies would keep the accounts out, for information.
//!
//! **Source:** requirement X2; tools that fail on disabled policies are noise, tools that ignore them surprise.

use super::super::{Case, Finding, Rule, Severity, Status, finding};
use super::account::{names, nobody};
use super::scope::{self, Force, Stand};

pub(super) struct SwitchedOff;

impl Rule for SwitchedOff {
    fn code(&self) -> &'static str {
        "BG0403"
    }

    fn title(&self) -> &'static str {
        "Disabled policies that would keep the emergency accounts out are known"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["X2"]
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** The policies that are switched off and do not leave the emergency accounts out are listed.

**Why it matters.** They do nothing today. Whoever switches one on needs the exclusion first (situation E2).

**How it is judged.** As BG0401 judges enforced policies, but the rule passes whatever it finds: it \
informs. Without declared accounts or without policies there is nothing to compare, which is `unknown`.

**What to do.** Exclude the group of the emergency accounts in them too, or delete the policies that nobody needs.

**Source:** requirement X2."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        if let Some(finding) = nobody(self, case).or_else(|| scope::no_policies(self, case)) {
            return vec![finding];
        }
        let (candidates, _) = scope::policies(case);
        let disabled: Vec<_> = candidates.iter().filter(|candidate| candidate.force == Force::Disabled).collect();
        let is_in_the_way = |stand: Stand| !matches!(stand, Stand::Out | Stand::Nothing { .. } | Stand::Met { .. });
        let in_the_way: Vec<_> = disabled
            .iter()
            .filter(|candidate| {
                case.accounts.keys.iter().any(|account| is_in_the_way(scope::stand(case, candidate, *account)))
            })
            .collect();
        let message = match (disabled.len(), in_the_way.len()) {
            (0, _) => "No policy that is about people is disabled.".to_owned(),
            (_, 0) => "No disabled policy would keep an emergency account out.".to_owned(),
            (_, 1) => format!(
                "A disabled policy would keep emergency accounts out, or may, if it were switched on: {}.",
                names(in_the_way.iter().map(|candidate| candidate.policy.name()))
            ),
            (_, count) => format!(
                "{count} disabled policies would keep emergency accounts out, or may, if they were switched on: {}.",
                names(in_the_way.iter().map(|candidate| candidate.policy.name()))
            ),
        };
        let about = in_the_way.iter().map(|candidate| Case::policy(candidate.policy)).collect();
        vec![finding(self, Status::Pass, message).about(about)]
    }
}
