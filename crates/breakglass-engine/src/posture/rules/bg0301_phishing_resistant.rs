//! BG0301: each account has a method that resists phishing and satisfies mandatory multifactor authentication; under
//! the classic profile, a password and nothing else.
//!
//! **Source:** requirements X3 and X4; Microsoft's page on emergency accounts of June 2026.

use breakglass_model::authentication_method::AuthenticationMethodKind as Kind;

use super::super::{Case, Finding, Fix, Profile, Rule, Severity};
use super::account::{Judgement, each_account, unread_methods, with_article};

pub(super) struct PhishingResistant;

impl Rule for PhishingResistant {
    fn code(&self) -> &'static str {
        "BG0301"
    }

    fn title(&self) -> &'static str {
        "Each emergency account has the right method to sign in with"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["X3", "X4"]
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** Under the profile `current`, the account has at least one passkey (FIDO2) or certificate. Under \
`classic`, it has a password and nothing else.

**Why it matters.** Microsoft's admin portals and Azure Resource Manager demand multifactor authentication of \
everybody, emergency accounts included, and no exclusion helps. A passkey or a certificate needs no phone, no app and \
no provider, so it works in situation E1, when those are what failed. The classic course asks for the opposite, so \
that nothing but the password can fail; such an account still reaches Microsoft Graph, and the portals no more.

**How it is judged.** `current`: no passkey and no certificate fails, critical. Only Windows Hello or a platform \
credential fails, high, because it lives in one computer. One authenticator passes, with the advice to register a \
second. The password is ignored, since it cannot be removed. `classic`: any method besides the password fails, medium. \
Without the list of methods, or with only methods that this version does not know, the answer is `unknown`.

**What to do.** Register two security keys for each account, kept in different places, and rehearse with both.

**Source:** Microsoft, *Manage emergency access accounts* (4 June 2026) and *Planning for mandatory multifactor \
authentication* (3 April 2026)."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        match case.settings.profile {
            Profile::Current => each_account(self, case, "can sign in with a passkey or a certificate", current),
            Profile::Classic => each_account(self, case, "has a password and no other method", classic),
        }
    }
}

fn current(account: &mut Judgement<'_>) {
    let Some(methods) = account.methods() else { return };
    let kinds: Vec<Kind> = methods.iter().map(|method| method.kind()).collect();
    let strong = kinds.iter().filter(|kind| matches!(kind, Kind::Fido2 | Kind::X509Certificate)).count();
    let name = account.name();
    match strong {
        0 => {}
        1 => {
            return account.note(
                "It is a single authenticator: register a second one, kept elsewhere, in case the first is lost or \
                 broken.",
            );
        }
        _ => return account.note(format!("{strong} authenticators are registered.")),
    }
    if let Some(why) = unread_methods(account.user) {
        return account.doubt(why);
    }
    if kinds.iter().any(|kind| matches!(kind, Kind::WindowsHelloForBusiness | Kind::PlatformCredential)) {
        let message = format!(
            "{name} can resist phishing only with a credential inside one computer. Without that computer it is shut \
             out of the admin portals."
        );
        return account.fail(Severity::High, message, Fix::text(REGISTER));
    }
    let others: Vec<&Kind> = kinds.iter().filter(|kind| **kind != Kind::Password).collect();
    let message = match others.first() {
        None => format!(
            "{name} has only a password. Microsoft's admin portals demand multifactor authentication of everybody, so \
             they will refuse it; only Microsoft Graph is left."
        ),
        Some(kind) => format!(
            "{name} has {} but neither a passkey nor a certificate. What it has depends on a phone or a provider, \
             which may be just what has failed.",
            with_article(kind.name())
        ),
    };
    account.fail(Severity::Critical, message, Fix::text(REGISTER));
}

const REGISTER: &str = "Register two passkeys (FIDO2 security keys) or certificates for the account, kept in \
     different places, and rehearse a sign-in with each.";

fn classic(account: &mut Judgement<'_>) {
    let Some(methods) = account.methods() else { return };
    let names: Vec<String> = methods
        .iter()
        .map(|method| method.kind())
        .filter(|kind| *kind != Kind::Password)
        .map(|kind| kind.name().into())
        .collect();
    if account.user.detail().are_methods_cut() {
        account.all_methods();
    } else if names.is_empty() {
        return account.note(
            "Microsoft's admin portals and writes to Azure Resource Manager refuse it all the same, since they demand \
             multifactor authentication of everybody.",
        );
    }
    let message = format!(
        "{} has more than a password ({}). The profile `classic` asks for a password alone, so that nothing else can \
         fail.",
        account.name(),
        names.join(", ")
    );
    let fix = "Remove the other methods, or judge by the profile `current`, which is what Microsoft asks for today.";
    account.fail(Severity::Medium, message, Fix::text(fix));
}
