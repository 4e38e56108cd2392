//! BG0206: each account's name is recognisable and not a generic one.
//!
//! **Source:** requirement A2. A name is a matter of policy, not evidence: nothing else is concluded from it.

use super::super::{Case, Finding, Fix, Rule, Severity};
use super::account::{each_account, names};

pub(super) struct Name;

impl Rule for Name {
    fn code(&self) -> &'static str {
        "BG0206"
    }

    fn title(&self) -> &'static str {
        "Each emergency account has a recognisable name"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["A2"]
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** A colleague who sees the name in a log at night knows what it is, as with `break-glass-1` or \
`emergency-access-admin`. The names follow the pattern that you configured, if you did.

**Why it matters.** `admin` and `backup` are the first names that attackers spray with passwords, and the first that a \
tidy-up deletes (situations E4 and E6). An organisation that does not want to reveal its emergency accounts by name \
can configure a pattern of its own.

**How it is judged.** The part before the `@`, in lower case, must not be one of the forbidden names (`admin`, \
`administrator`, `backup`, `test`, `root` unless configured otherwise) and must contain one of the wanted parts, if \
any are configured. Either fails, medium. Without a sign-in name the answer is `unknown`.

**What to do.** Rename the account. Declarations and alert rules by object id survive that; those by name do not.

**Source:** requirement A2 of this product."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        each_account(self, case, "has a name that fits the configured pattern", |account| {
            let settings = account.case.settings;
            let Some(upn) = account.user.user_principal_name.as_deref() else {
                return account.absent("userPrincipalName");
            };
            let local = upn.split_once('@').map_or(upn, |(local, _)| local).to_lowercase();
            let name = account.name();
            if settings.forbidden_names.contains(&local) {
                let message = format!(
                    "{name} has a generic name. It is among the first that attackers try, and it does not say that the \
                     account must be left alone."
                );
                account.fail(
                    Severity::Medium,
                    message,
                    Fix::text("Rename the account, for example to `break-glass-1`."),
                );
            }
            let wanted = &settings.wanted_name_parts;
            if !wanted.is_empty() && !wanted.iter().any(|part| local.contains(part.as_str())) {
                let message = format!(
                    "{name} does not follow your naming pattern: it contains none of {}.",
                    names(wanted.iter().map(String::as_str))
                );
                account.fail(Severity::Medium, message, Fix::text("Rename the account, or correct the pattern."));
            }
        })
    }
}
