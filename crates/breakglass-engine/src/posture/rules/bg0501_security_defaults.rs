//! BG0501: with security defaults on, nobody is exempt, so each account needs a second factor.
//!
//! **Source:** the security defaults documentation: no exclusions but that of the synchronisation account.

use super::super::{Case, Finding, Fix, Profile, Rule, Severity, Status, finding};
use super::account::{Judgement, METHODS_ABSENT, each_account, nobody};
use crate::access::Trit;
use crate::access::person::Methods;
use breakglass_model::snapshot::because;

pub(super) struct SecurityDefaults;

impl Rule for SecurityDefaults {
    fn code(&self) -> &'static str {
        "BG0501"
    }

    fn title(&self) -> &'static str {
        "Security defaults do not shut an emergency account out"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["X1", "X3", "X4"]
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** Security defaults are Microsoft's single switch. While it is on, every administrator needs \
multifactor authentication, and nobody can be excluded.

**Why it matters.** An account with only a password is stopped at the sign-in, or is asked to register a method on the \
spot, in the middle of situation E1. Exclusions, on which everything else here rests, do not exist with this switch.

**How it is judged.** Off passes. On: an account that can do multifactor authentication passes under `current`, and \
fails, medium, under `classic`, which wants none; one that cannot fails, critical. Where the switch or the methods are \
not in the snapshot the answer is `unknown`.

**What to do.** Register a passkey for the account; or replace security defaults by Conditional Access policies with \
an exclusion, which needs Entra ID P1.

**Source:** Microsoft, *Security defaults in Microsoft Entra ID*."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        if let Some(nobody) = nobody(self, case) {
            return vec![nobody];
        }
        let listing = &case.snapshot.identity_security_defaults_enforcement_policy;
        let switch = match (listing.as_present(), listing.why()) {
            (Some(policy), _) => policy.flag("isEnabled").ok_or("`isEnabled` is not in the export".to_owned()),
            (None, why) => Err(format!(
                "`identitySecurityDefaultsEnforcementPolicy` is not in the snapshot{}",
                because(why.unwrap_or_default())
            )),
        };
        match switch {
            Ok(true) => each_account(self, case, "can do the multifactor authentication of security defaults", on),
            Ok(false) => vec![finding(self, Status::Pass, "Security defaults are off.")],
            Err(why) => {
                let message = format!("It cannot be told whether security defaults are on: {why}.");
                vec![finding(self, Status::Unknown, message)]
            }
        }
    }
}

fn on(account: &mut Judgement<'_>) {
    let methods = Methods::of(account.user);
    let name = account.name();
    match methods.meet_mfa() {
        Trit::Yes if account.case.settings.profile == Profile::Classic => {
            let message = format!(
                "Security defaults are on, so {name} is asked for its second factor and cannot be exempted. The \
                 profile `classic` wants an account that a password alone lets in."
            );
            account.fail(Severity::Medium, message, Fix::text(REPLACE));
        }
        Trit::Yes => account.note("Security defaults are on, and nobody can be excluded from them."),
        Trit::No => {
            let message = format!(
                "Security defaults are on, and {name} has no second factor. It will be stopped at the sign-in, and no \
                 exclusion is possible."
            );
            account.fail(Severity::Critical, message, Fix::text(REPLACE));
        }
        Trit::Unknown if methods.is_known => account.doubt("it has a method of a kind that this version does not know"),
        Trit::Unknown => account.doubt(METHODS_ABSENT),
    }
}

const REPLACE: &str =
    "Register a passkey for the account, or replace security defaults by Conditional Access policies that exclude it.";
