//! BG0104: the list of accounts that other tools use is the one used here.
//!
//! **Source:** Maester's and Zero Trust Assessment's `GlobalSettings.EmergencyAccessAccounts`, ScubaGear's
//! `CapExclusions`, which the command line reads.

use super::super::{Case, Finding, Fix, Rule, Severity, Status, finding};

pub(super) struct SameList;

impl Rule for SameList {
    fn code(&self) -> &'static str {
        "BG0104"
    }

    fn title(&self) -> &'static str {
        "The account list of other tools can be taken over"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["A1"]
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** Maester, the Zero Trust Assessment and ScubaGear have lists of emergency accounts too. \
`--accounts-from FILE` reads them, so that the list is kept in one place.

**Why it matters.** Two lists drift apart, and each tool then praises accounts that the other has never heard of. The \
account that is on no list is the one that fails you, in any of the situations E1 to E6.

**How it is judged.** An account that such a file names and that this tenant does not show is `unknown` here as well \
as under BG0101, with the file's name. Apart from that there is nothing in a tenant to judge, and the rule does not \
apply.

**What to do.** Correct the file that the finding names.

**Source:** the configuration files of those tools as published in August 2026."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        let foreign: Vec<_> = case.accounts.unresolved.iter().filter(|one| is_foreign(&one.declared.origin)).collect();
        if foreign.is_empty() {
            let message = "No list of another tool names an account that this tenant does not show.";
            return vec![finding(self, Status::NotApplicable, message)];
        }
        let findings = foreign.into_iter().map(|one| {
            let (name, origin) = (&one.declared.name, &one.declared.origin);
            let message =
                format!("The list in `{origin}` names `{name}`, whom this tenant does not show: {}.", one.why);
            let fix = Fix::text(format!("Correct `{name}` in `{origin}`, or export the tenant completely."));
            finding(self, Status::Unknown, message).fixed_by(fix)
        });
        findings.collect()
    }
}

/// Whether a declaration comes from the file of another tool.
fn is_foreign(origin: &str) -> bool {
    origin.ends_with(".json") || origin.ends_with(".yaml") || origin.ends_with(".yml")
}
