//! BG0103: at least two accounts that would work now, and not so many that nobody looks after them.
//!
//! **Source:** requirement A1 and situation E6; two to four is the number that published checks agree on.

use breakglass_model::object::ObjectKey;
use breakglass_model::property::Property;
use breakglass_model::well_known::GLOBAL_ADMINISTRATOR;

use super::super::{Case, Finding, Fix, Rule, Severity, Status, finding};
use super::account::{nobody, why_unlisted};
use super::role_holding::{Holding, holdings};
use crate::access::Trit;

pub(super) struct TwoAccounts;

impl Rule for TwoAccounts {
    fn code(&self) -> &'static str {
        "BG0103"
    }

    fn title(&self) -> &'static str {
        "There are two to four emergency accounts that work"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["A1", "A6", "E6"]
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** At least two different declared accounts are enabled and hold Global Administrator at this moment.

**Why it matters.** With one account, one lost password or one disabled account is the end (situation E6). With more \
than four, nobody keeps all of them sealed, watched and rehearsed, and each is a way in for a thief.

**How it is judged.** An account counts as working when it is enabled, not deleted, and has an active, tenant-wide \
Global Administrator role. Fewer than two working accounts fail, critical. Two to four pass. More than four declared \
accounts fail, medium. Where the data does not say whether enough of them work, the answer is `unknown`.

**What to do.** Create a second account (`az ad user create` or Microsoft Graph), give it the role and the \
exclusions, and declare it.

**Source:** Microsoft, *Manage emergency access accounts* (4 June 2026): create two or more."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        if let Some(nobody) = nobody(self, case) {
            return vec![nobody];
        }
        let judged: Vec<(ObjectKey, Trit, String)> = case
            .accounts
            .keys
            .iter()
            .map(|key| {
                let (works, why) = works(case, *key);
                (*key, works, why)
            })
            .collect();
        let count = |wanted: &[Trit]| judged.iter().filter(|(_, works, _)| wanted.contains(works)).count();
        let sure = count(&[Trit::Yes]);
        // An account that was not found may exist where the users are not all there, or be in a group unread.
        let is_everybody_known = case.snapshot.users.is_complete();
        let unseen = case.accounts.unresolved.iter();
        let unseen = unseen.filter(|unseen| !is_everybody_known || is_group(case, &unseen.declared.name)).count();
        let possible = count(&[Trit::Yes, Trit::Unknown]) + unseen;
        let reasons = || {
            let reasons = judged.iter().filter(|(_, works, _)| *works != Trit::Yes).map(|(_, _, why)| why.as_str());
            reasons.collect::<Vec<&str>>().join("; ")
        };
        let about = case.accounts.keys.iter().map(|key| case.user(*key)).collect();
        let finding = if possible < ACCOUNTS_MIN {
            self.too_few(sure, &reasons())
        } else if sure < ACCOUNTS_MIN {
            let mut why = reasons();
            if why.is_empty() {
                why = "a declared account could not be found (BG0101)".to_owned();
            }
            finding(self, Status::Unknown, format!("It cannot be told whether two emergency accounts work: {why}."))
        } else if judged.len() > ACCOUNTS_MAX {
            let message = format!(
                "{} emergency accounts are declared. More than four are hard to keep sealed and watched, and \
                 each is a way in for a thief.",
                judged.len()
            );
            let fix = Fix::text("Keep two to four accounts; delete the others after a drill.");
            finding(self, Status::Fail, message).at(Severity::Medium).fixed_by(fix)
        } else {
            finding(self, Status::Pass, format!("{sure} emergency accounts are enabled and hold Global Administrator."))
        };
        vec![finding.about(about)]
    }
}

const ACCOUNTS_MIN: usize = 2;
const ACCOUNTS_MAX: usize = 4;

impl TwoAccounts {
    fn too_few(&self, sure: usize, reasons: &str) -> Finding {
        let mut message = match sure {
            0 => "No emergency account would work at this moment.".to_owned(),
            _ => "Only one emergency account would work at this moment: a single point of failure.".to_owned(),
        };
        if !reasons.is_empty() {
            message.push_str(&format!(" The reason: {reasons}."));
        }
        let fix = "Have two accounts that are enabled and permanently Global Administrator, and declare both.";
        finding(self, Status::Fail, message).fixed_by(Fix::text(fix))
    }
}

fn is_group(case: &Case<'_>, name: &str) -> bool {
    case.snapshot.objects.find(name).is_some_and(|key| case.snapshot.group(key).is_some())
}

/// Whether an account would work now, and the reason if it would not.
fn works(case: &Case<'_>, key: ObjectKey) -> (Trit, String) {
    let snapshot = case.snapshot;
    let name = snapshot.name(key);
    let Some(user) = snapshot.user(key) else {
        let works = if snapshot.users.is_complete() { Trit::No } else { Trit::Unknown };
        return (works, format!("`{name}`: {}", why_unlisted(snapshot)));
    };
    if user.detail().deleted_date_time.value().is_some() {
        return (Trit::No, format!("`{name}` is deleted"));
    }
    if user.account_enabled == Property::Value(false) {
        return (Trit::No, format!("`{name}` is disabled"));
    }
    let held = holdings(case, key);
    let is_held = held.of_role(GLOBAL_ADMINISTRATOR).any(Holding::is_active_everywhere);
    match (is_held, held.doubt_about(GLOBAL_ADMINISTRATOR), &user.account_enabled) {
        (true, _, Property::Value(true)) => (Trit::Yes, String::new()),
        (true, _, _) => (Trit::Unknown, format!("`accountEnabled` of `{name}` is not in the export (select it)")),
        (false, Some(why), _) => {
            (Trit::Unknown, format!("whether `{name}` is Global Administrator is not known: {why}"))
        }
        (false, None, _) => (Trit::No, format!("`{name}` does not hold Global Administrator at this moment")),
    }
}
