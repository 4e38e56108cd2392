//! BG0304: no method of an account is bound to one person.
//!
//! **Source:** requirements P3 and X4. The AAGUIDs of passkeys in Microsoft Authenticator are those of Microsoft's
//! page on enabling them.

use breakglass_model::authentication_method::{AuthenticationMethod, AuthenticationMethodKind as Kind};

use super::super::{Case, Finding, Fix, Rule, Severity};
use super::account::{each_account, fix, with_article};

pub(super) struct NobodysPhone;

impl Rule for NobodysPhone {
    fn code(&self) -> &'static str {
        "BG0304"
    }

    fn title(&self) -> &'static str {
        "No method of an emergency account is bound to one person"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["E1", "P3", "X4"]
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** The account needs no particular person's phone, app or mailbox.

**Why it matters.** The person is asleep, abroad, or has left; the phone is lost; or that very person is the attacker \
(situations E1 and E4). And a phone number can be taken over at a shop counter.

**How it is judged.** A phone, an email address, Microsoft Authenticator, a software token or a passkey inside \
Microsoft Authenticator fails, high. Keys that lie in a safe are nobody's. Without the list of methods, or with a \
method of a kind that this version does not know, the answer is `unknown`.

**What to do.** Register security keys or certificates first, rehearse with them, and then remove the personal \
methods; the request is shown where it is one method.

**Source:** Microsoft, *Manage emergency access accounts* (4 June 2026): not tied to an individual's device."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        each_account(self, case, "has no method that is bound to one person", |account| {
            let Some(methods) = account.all_methods() else { return };
            let is_model_absent = |method: &AuthenticationMethod| {
                method.kind() == Kind::Fido2 && method.aaguid.as_deref().is_none_or(str::is_empty)
            };
            if methods.iter().any(is_model_absent) {
                account.doubt("the model (`aaGuid`) of a passkey is not in the export");
            }
            let personal: Vec<&AuthenticationMethod> = methods.iter().filter(|method| is_personal(method)).collect();
            let Some(first) = personal.first() else { return };
            let what: Vec<String> = personal
                .iter()
                .map(|method| match method.kind() {
                    Kind::Fido2 => "a passkey inside Microsoft Authenticator".to_owned(),
                    kind => with_article(kind.name()),
                })
                .collect();
            let message = format!(
                "{} relies on what belongs to one person: {}. Without that person, or with that person as the \
                 attacker, it is no way in.",
                account.name(),
                what.join(", ")
            );
            let repair = match (first.id.as_deref(), segment(&first.kind()), personal.len()) {
                (Some(id), Some(segment), 1) => {
                    let url = format!("/v1.0/users/{}/authentication/{segment}/{id}", account.id());
                    fix(REMOVE, "DELETE", url, None)
                }
                _ => Fix::text(REMOVE),
            };
            account.fail(Severity::High, message, repair);
        })
    }
}

const REMOVE: &str = "Register security keys or certificates and rehearse with them; then remove the personal method.";

/// AAGUIDs of passkeys in Microsoft Authenticator, on Android and on iOS.
const AUTHENTICATOR_AAGUIDS: [&str; 2] =
    ["de1e552d-db1d-4423-a619-566b625cdc84", "90a3ccdf-635c-4729-a248-9b709135078f"];

fn is_personal(method: &AuthenticationMethod) -> bool {
    match method.kind() {
        Kind::Phone | Kind::Email | Kind::MicrosoftAuthenticator | Kind::SoftwareOath => true,
        Kind::Fido2 => method
            .aaguid
            .as_deref()
            .is_some_and(|own| AUTHENTICATOR_AAGUIDS.iter().any(|one| one.eq_ignore_ascii_case(own))),
        _ => false,
    }
}

/// The segment of the path to a user's methods of a kind.
fn segment(kind: &Kind) -> Option<&'static str> {
    match kind {
        Kind::Phone => Some("phoneMethods"),
        Kind::Email => Some("emailMethods"),
        Kind::MicrosoftAuthenticator => Some("microsoftAuthenticatorMethods"),
        Kind::SoftwareOath => Some("softwareOathMethods"),
        Kind::Fido2 => Some("fido2Methods"),
        _ => None,
    }
}
