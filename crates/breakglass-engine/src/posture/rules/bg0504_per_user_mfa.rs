//! BG0504: neither per-user multifactor authentication nor self-service reset is set up for an account.
//!
//! **Source:** the per-user MFA states (beta `authentication/requirements`); the self-service reset policy for
//! administrators, which is always on and cannot be targeted.

use breakglass_model::authentication_method::AuthenticationMethodKind as Kind;
use breakglass_model::property::Property;
use breakglass_model::snapshot::Resource;
use breakglass_model::tenant::GraphObject;
use serde_json::json;

use super::super::{Case, Finding, Fix, Profile, Rule, Severity};
use super::account::{Judgement, each_account, fix, text, without_list};
use crate::access::Trit;
use crate::access::person::Methods;

pub(super) struct PerUserMfa;

impl Rule for PerUserMfa {
    fn code(&self) -> &'static str {
        "BG0504"
    }

    fn title(&self) -> &'static str {
        "No per-user multifactor authentication and no self-service reset data on an emergency account"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["X3", "X4"]
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** The old switch for multifactor authentication, set user by user, is off for the account; and the \
account has no phone or mail address with which its password could be reset by self-service.

**Why it matters.** The old switch knows no exclusion: whoever set it years ago demands a second factor at every \
sign-in (situation E1). Self-service reset is always on for administrators, and cannot be switched off for one of \
them: contact data on the account is an offer to reset it (situation E4).

**How it is judged.** A state of `enabled` or `enforced`: under `current` it passes with a note where the account has \
a second factor; otherwise, and under `classic`, it fails, medium. A phone, email or Authenticator method, or a mail \
address or phone number in the account's properties, fails, medium. Where the export has no states of per-user \
multifactor authentication, that part does not apply; without the methods or the contact \
properties the answer is `unknown`.

**What to do.** Set the state to `disabled`; remove the contact data.

**Source:** Microsoft, *Enable per-user MFA*; *Self-service password reset policies*, administrator reset."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        let states = &case.snapshot.per_user_mfa_states;
        let is_there = states.as_present().is_some();
        let predicate = if is_there {
            "has neither per-user multifactor authentication nor self-service reset data in its way"
        } else {
            "has no self-service reset data"
        };
        let mut findings = each_account(self, case, predicate, |account| {
            if is_there {
                per_user(account);
            }
            reset_data(account);
        });
        if let (false, Some(why), false) = (is_there, states.why(), case.accounts.keys.is_empty()) {
            let what = "Per-user multifactor authentication is not judged";
            findings.push(without_list(self, Resource::PerUserMfaStates, what, why));
        }
        findings
    }
}

fn is_about(state: &GraphObject, account: &Judgement<'_>) -> bool {
    let upn = account.user.user_principal_name.as_deref();
    let is_id = ["userId", "id"].iter().any(|name| state.text(name) == Some(account.id()));
    is_id || state.text("userPrincipalName").zip(upn).is_some_and(|(one, own)| one.eq_ignore_ascii_case(own))
}

fn per_user(account: &mut Judgement<'_>) {
    let states = &account.case.snapshot.per_user_mfa_states;
    let state =
        states.items().iter().find(|state| is_about(state, account)).and_then(|state| state.text("perUserMfaState"));
    let Some(state) = state else {
        return account.doubt("its state is not among `perUserMfaStates`");
    };
    if state == "disabled" {
        return;
    }
    if !matches!(state, "enabled" | "enforced") {
        return account.doubt(format!("its `perUserMfaState` is `{state}`"));
    }
    let name = account.name();
    let off = || {
        let url = format!("/beta/users/{}/authentication/requirements", account.id());
        fix(
            "Switch per-user multifactor authentication off.",
            "PATCH",
            url,
            Some(json!({ "perUserMfaState": "disabled" })),
        )
    };
    let methods = Methods::of(account.user);
    let message = match (account.case.settings.profile, methods.meet_mfa()) {
        (Profile::Classic, _) => format!(
            "Per-user multifactor authentication is `{state}` for {name}. It knows no exclusion and asks for a second \
             factor, which the profile `classic` wants the account to do without."
        ),
        (Profile::Current, Trit::Yes) => {
            return account
                .note(format!("Per-user multifactor authentication is `{state}`, and it has a second factor."));
        }
        (Profile::Current, Trit::No) => format!(
            "Per-user multifactor authentication is `{state}` for {name}, which has no second factor. It will be \
             stopped at every sign-in, and no exclusion helps."
        ),
        // Said once, with the methods that the reset data needs too.
        (Profile::Current, Trit::Unknown) => return,
    };
    account.fail(Severity::Medium, message, off());
}

fn reset_data(account: &mut Judgement<'_>) {
    let Some(methods) = account.all_methods() else { return };
    let kinds = methods.iter().map(|method| method.kind());
    let personal = kinds.filter(|kind| matches!(kind, Kind::Phone | Kind::Email | Kind::MicrosoftAuthenticator));
    let mut found: Vec<String> = personal.map(|kind| kind.name().to_owned()).collect();
    let detail = account.user.detail();
    found.extend(text(&detail.mobile_phone).map(|_| "`mobilePhone`".to_owned()));
    if detail.mobile_phone.is_absent() {
        account.absent("mobilePhone");
    }
    match &detail.other_mails {
        Property::Absent => account.absent("otherMails"),
        Property::Value(mails) if !mails.is_empty() => found.push("`otherMails`".to_owned()),
        Property::Null | Property::Value(_) => {}
    }
    if !found.is_empty() {
        let message = format!(
            "{} has data for self-service reset ({}). Reset is always on for administrators, so whoever holds that \
             phone or mailbox can begin to take the account over.",
            account.name(),
            found.join(", ")
        );
        account.fail(Severity::Medium, message, Fix::text("Remove the methods and the contact data from the account."));
    }
}
