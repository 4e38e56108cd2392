//! BG0207: each account's password does not expire and is not waiting to be changed.
//!
//! **Source:** requirement P7; the user resource's `passwordPolicies`, `passwordProfile` and
//! `lastPasswordChangeDateTime`; the domain resource's `passwordValidityPeriodInDays`.

use breakglass_model::property::Property;
use jiff::Timestamp;
use serde_json::json;

use super::super::{Case, Finding, Rule, Severity};
use super::account::{Judgement, each_account, patch_user};

pub(super) struct PasswordLasts;

impl Rule for PasswordLasts {
    fn code(&self) -> &'static str {
        "BG0207"
    }

    fn title(&self) -> &'static str {
        "The password of each emergency account lasts until it is rotated"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["P4", "P7"]
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** The password in the envelope is still the right one when the envelope is opened.

**Why it matters.** An expired password or a forced change stops the sign-in for a new one (error 50055), on a page \
that may itself be blocked, and afterwards no envelope holds the password any more (situations E1, E2 and E6).

**How it is judged.** `passwordPolicies` must contain `DisablePasswordExpiration`: otherwise it fails, medium, or low \
where the account's domain lets no password expire today. Neither flag for a forced change may be set. \
`lastPasswordChangeDateTime` must be known, because custody compares it with the date of the envelope. What the export \
does not have gives `unknown`; a `passwordProfile` of null has no flag set.

**What to do.** Set the policy; the request is shown. Change the password yourself, in the way custody does it, where \
a change is pending.

**Source:** Graph, resource *user*; the gap in Microsoft's page was noted in its issue 88939."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        each_account(self, case, "has a password that does not expire and need not be changed", |account| {
            expiry(account);
            forced_change(account);
            match &account.user.detail().last_password_change_date_time {
                Property::Absent => account.absent("lastPasswordChangeDateTime"),
                Property::Null => account.doubt("`lastPasswordChangeDateTime` is null"),
                Property::Value(at) if at.parse::<Timestamp>().is_err() => {
                    account.doubt(format!("`lastPasswordChangeDateTime` is `{at}`, which is no time"));
                }
                Property::Value(at) => account.note(format!("It was last changed at {at}.")),
            }
        })
    }
}

fn expiry(account: &mut Judgement<'_>) {
    let policies = match &account.user.detail().password_policies {
        Property::Absent => return account.absent("passwordPolicies"),
        Property::Null => "",
        Property::Value(policies) => policies,
    };
    if policies.split(',').any(|policy| policy.trim().eq_ignore_ascii_case("DisablePasswordExpiration")) {
        return;
    }
    let name = account.name();
    let body = json!({ "passwordPolicies": "DisablePasswordExpiration" });
    let set = patch_user("Exempt the account from password expiry.", account.id(), body);
    if never_expires_by_domain(account) {
        let message = format!(
            "The password of {name} does not expire only because its domain says so at present. Whoever changes that \
             setting for everybody changes it for this account."
        );
        return account.fail(Severity::Low, message, set);
    }
    let message = format!(
        "The password of {name} expires by the rules for everybody. Once it has, the sealed one no longer lets you in."
    );
    account.fail(Severity::Medium, message, set);
}

/// The value by which Graph says that the passwords of a domain never expire.
const NEVER_EXPIRES_DAYS: i64 = 2_147_483_647;

fn never_expires_by_domain(account: &Judgement<'_>) -> bool {
    let upn = account.user.user_principal_name.as_deref().unwrap_or_default();
    let suffix = upn.rsplit_once('@').map_or("", |(_, suffix)| suffix);
    let mut domains = account.case.snapshot.domains.items().iter();
    let domain = domains.find(|domain| domain.id.eq_ignore_ascii_case(suffix));
    let days = domain.and_then(|domain| domain.rest.get("passwordValidityPeriodInDays")?.as_i64());
    days == Some(NEVER_EXPIRES_DAYS)
}

fn forced_change(account: &mut Judgement<'_>) {
    let profile = match &account.user.detail().password_profile {
        Property::Absent => return account.absent("passwordProfile"),
        Property::Null => return,
        Property::Value(profile) => profile,
    };
    let flags = [profile.force_change_password_next_sign_in, profile.force_change_password_next_sign_in_with_mfa];
    if flags == [None, None] {
        return account.absent("passwordProfile.forceChangePasswordNextSignIn");
    }
    if flags.contains(&Some(true)) {
        let message = format!(
            "{} must change its password at the next sign-in. In an emergency that step may be blocked, and afterwards \
             no envelope holds the password.",
            account.name()
        );
        let body = json!({ "passwordProfile": { "forceChangePasswordNextSignIn": false,
            "forceChangePasswordNextSignInWithMfa": false } });
        let text = "Clear the flags, or rotate the password without forcing a change.";
        account.fail(Severity::Medium, message, patch_user(text, account.id(), body));
    }
}
