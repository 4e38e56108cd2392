//! BG0101: the emergency accounts are declared, and every declaration stands for somebody.
//!
//! **Source:** requirement A1; what other tools do when they guess is why nothing is guessed here.

use super::super::{Case, Finding, Fix, Rule, Severity, Status, finding};
use super::account::{names, why_unlisted};

pub(super) struct Declared;

impl Rule for Declared {
    fn code(&self) -> &'static str {
        "BG0101"
    }

    fn title(&self) -> &'static str {
        "The emergency accounts are declared and every one of them is found"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["A1"]
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** You say which accounts are your emergency accounts, by object id where possible, and each of \
them exists in the tenant.

**Why it matters.** Every other rule is about these accounts. A tool that guesses them from names or exclusions will \
sooner or later call a service account an emergency account, or praise an account that was deleted last month. An \
account that nobody finds is no way in, in any of the situations E1 to E6.

**How it is judged.** With nothing declared the rule fails. A declaration that stands for no user and no group of \
the snapshot is `unknown`, never a pass: it may be a typing error, a deleted account, or a user whom the export does \
not contain. A declared group stands for the users in it, nested ones included.

**What to do.** Declare the accounts with `--account ID` or in the configuration; take the candidates that BG0102 \
shows as a starting point. Where one is not found, look it up in the Entra admin center under deleted users as well.

**Source:** requirement A1 of this product; Microsoft, *Manage emergency access accounts* (4 June 2026), which \
prefers object ids to sign-in names because a rename breaks the latter."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        let accounts = case.accounts;
        if !accounts.is_declared {
            let message = "Nobody is declared as an emergency account, so nothing can be said about your way back in. \
                           Candidates, if there are any, are listed under BG0102; none of them is taken for granted.";
            return vec![finding(self, Status::Fail, message).fixed_by(Fix::text(DECLARE))];
        }
        let mut findings = Vec::new();
        for unresolved in &accounts.unresolved {
            let message = format!(
                "The declared account `{}` ({}) could not be found: {}.",
                unresolved.declared.name, unresolved.declared.origin, unresolved.why
            );
            let fix = "Check the id, look among the deleted users, and export all users; then run the check again.";
            findings.push(finding(self, Status::Unknown, message).fixed_by(Fix::text(fix)));
        }
        for key in accounts.keys.iter().filter(|key| case.snapshot.user(**key).is_none()) {
            let why = why_unlisted(case.snapshot);
            let message = format!("The account `{}` could not be found: {why}.", case.snapshot.objects.id(*key));
            findings.push(finding(self, Status::Unknown, message).about(vec![case.user(*key)]));
        }
        let groups: Vec<_> = accounts.groups.iter().map(|group| case.group(*group)).collect();
        if findings.is_empty() && accounts.keys.is_empty() {
            let message = "The declared group has no members, so there is no emergency account at all.";
            let fix = Fix::text("Put the emergency accounts into the group, or declare them one by one.");
            return vec![finding(self, Status::Fail, message).about(groups).fixed_by(fix)];
        }
        if findings.is_empty() {
            let found = names(accounts.keys.iter().map(|key| case.snapshot.name(*key)));
            let about = accounts.keys.iter().map(|key| case.user(*key)).chain(groups).collect();
            let message = format!("Every declared account is in the tenant: {found}.");
            findings.push(finding(self, Status::Pass, message).about(about));
        }
        findings
    }
}

const DECLARE: &str = "Declare at least two accounts by object id, with `--account ID` or in `breakglass.toml`.";
