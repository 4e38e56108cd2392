//! BG0605: each account signed in successfully within 90 days, in a drill that somebody planned.
//!
//! An account that signs in rarely is right and is never called stale.
//!
//! **Source:** Microsoft's page on emergency accounts of 4 June 2026 (validate every 90 days); `signInActivity`.

use breakglass_model::property::Property;
use breakglass_model::user::SignInActivity;
use jiff::Timestamp;

use super::super::{Case, Finding, Fix, Rule, Severity};
use super::account::{Judgement, each_account, nobody};
use super::awaited::{Part, without_records};

pub(super) struct RecentSignIn;

impl Rule for RecentSignIn {
    fn code(&self) -> &'static str {
        "BG0605"
    }

    fn title(&self) -> &'static str {
        "Each emergency account was tried in a drill within 90 days"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["A7", "P6", "W7", "X7"]
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** The last successful sign-in of each account is no more than 90 days ago and belongs to a drill.

**Why it matters.** An account that nobody has signed in with for a year may be blocked by something that came since \
(all situations, E1 to E6). And a sign-in that no drill explains is an incident (E4).

**How it is judged.** By `signInActivity`, where the export has it: a last success more than 90 days ago, or none, \
fails, medium. A younger one passes, with its date, so that you can compare it with your records; once the watcher is \
configured, a sign-in that cannot be matched with its records is `unknown`. Without `signInActivity` the rule does not \
apply, or is `unknown` with a watcher.

**What to do.** Sign in with each account as an announced drill. If a date surprises you, treat it as an incident.

**Source:** Microsoft, *Manage emergency access accounts* (4 June 2026)."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        let mut users = case.accounts.keys.iter().filter_map(|key| case.snapshot.user(*key));
        let is_exported = users.any(|user| !user.detail().sign_in_activity.is_absent());
        if nobody(self, case).is_some() || !is_exported {
            return vec![without_records(self, case, Part::Watcher)];
        }
        each_account(self, case, "signed in successfully within 90 days", judge)
    }
}

/// Between two drills lie at most so many days.
const DRILL_DAYS_MAX: i64 = 90;

fn judge(account: &mut Judgement<'_>) {
    let activity = match &account.user.detail().sign_in_activity {
        Property::Absent => return account.absent("signInActivity"),
        Property::Null => &NEVER,
        Property::Value(activity) => activity,
    };
    let name = account.name();
    let Some(at) = &activity.last_successful_sign_in_date_time else {
        if activity.last_sign_in_date_time.is_some() {
            return account
                .doubt("`lastSuccessfulSignInDateTime` is not in the export, and an attempt may have failed");
        }
        let message = format!("{name} has never signed in, so nobody knows whether it works.");
        return account.fail(Severity::Medium, message, Fix::text(DRILL));
    };
    let Ok(time) = at.parse::<Timestamp>() else {
        return account.doubt(format!("its last successful sign-in is at `{at}`, which is no time"));
    };
    let days = account.case.now.duration_since(time).as_hours() / 24;
    if days > DRILL_DAYS_MAX {
        let message = format!(
            "{name} last signed in successfully {days} days ago. What came since then, a policy or a switch, may have \
             shut it out."
        );
        return account.fail(Severity::Medium, message, Fix::text(DRILL));
    }
    if account.case.settings.watcher_is_configured {
        return account.doubt(format!("the sign-in at {at} could not be matched with a drill: no records were read"));
    }
    account.note(format!("The last time was {at}: if no drill of yours explains that, it is an incident."));
}

const DRILL: &str = "Run a drill: sign in with the account from outside your network, and write it down.";

const NEVER: SignInActivity = SignInActivity {
    last_sign_in_date_time: None,
    last_non_interactive_sign_in_date_time: None,
    last_successful_sign_in_date_time: None,
};
