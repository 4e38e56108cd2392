//! BG0502: what Microsoft's mandatory multifactor authentication leaves of each account, door by door.
//!
//! **Source:** the mandatory MFA documentation of 3 April 2026 (phases and dates) and the message that ended its
//! postponement on 1 July 2026. National clouds are not in it.

use breakglass_model::property::Property;
use jiff::Timestamp;

use super::super::{Case, Finding, Fix, Profile, Rule, Severity, Status, finding};
use super::account::{Judgement, METHODS_ABSENT, each_account, nobody};
use crate::access::Trit;
use crate::access::person::Methods;
use crate::access::surfaces::{MandatoryMfaPhase, SURFACES, Surface};

pub(super) struct MandatoryMfa;

impl Rule for MandatoryMfa {
    fn code(&self) -> &'static str {
        "BG0502"
    }

    fn title(&self) -> &'static str {
        "Mandatory multifactor authentication does not shut an emergency account out"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["A6", "X4"]
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** Microsoft demands multifactor authentication at its admin portals, and for changes through Azure \
Resource Manager, of every person. It stands beside Conditional Access: no exclusion reaches it, and emergency \
accounts are expressly included.

**Why it matters.** An account with only a password, perfectly excluded everywhere, stands before a closed portal in \
any of the situations E1 to E6. It still reaches Microsoft Graph, by Graph Explorer or PowerShell, which is enough to \
repair Conditional Access, if one knows it and has practised it.

**How it is judged.** Surface by surface, for an account that can do multifactor authentication it passes. One that \
cannot fails under `current`, critical, and the message names the doors that are closed and those that are left; under \
`classic`, where a password alone is what was asked for, it passes with the same list. Changes through Azure Resource \
Manager count as open before 1 October 2025, and up to the configured postponement, which could not go beyond 1 July \
2026. National clouds are not in scope. Without the list of methods the answer is `unknown`.

**What to do.** Register passkeys. Until then, rehearse the repair through Microsoft Graph.

**Source:** Microsoft, *Planning for mandatory multifactor authentication* (3 April 2026)."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        if let Some(nobody) = nobody(self, case) {
            return vec![nobody];
        }
        if let Some(domain) = national_domain(case) {
            let message = format!(
                "The tenant is in a national cloud (`{domain}`), where mandatory multifactor authentication is not \
                 enforced."
            );
            return vec![finding(self, Status::NotApplicable, message)];
        }
        let predicate = match case.settings.profile {
            Profile::Current => "can pass the mandatory multifactor authentication of the admin portals",
            Profile::Classic => "can do what the profile `classic` asks of it",
        };
        each_account(self, case, predicate, judge)
    }
}

/// Start of the second phase: 1 October 2025.
const RESOURCE_MANAGER_FROM: Timestamp = Timestamp::constant(1_759_276_800, 0);
/// End of every postponement of it: 1 July 2026.
const POSTPONEMENT_ENDED: Timestamp = Timestamp::constant(1_782_864_000, 0);

/// The initial domain, if it is one of a national cloud.
fn national_domain<'c>(case: &Case<'c>) -> Option<&'c str> {
    let mut domains = case.snapshot.domains.items().iter();
    let initial = domains.find(|domain| domain.is_initial == Property::Value(true))?;
    let is_national = [".onmicrosoft.us", ".partner.onmschina.cn"].iter().any(|suffix| initial.id.ends_with(suffix));
    is_national.then_some(initial.id.as_str())
}

fn is_enforced(case: &Case<'_>, phase: MandatoryMfaPhase) -> bool {
    match phase {
        MandatoryMfaPhase::SignIn => true,
        MandatoryMfaPhase::ResourceManagerWrites => {
            let postponed = case.settings.mandatory_mfa_postponed_until.map(|until| until.min(POSTPONEMENT_ENDED));
            case.now >= RESOURCE_MANAGER_FROM && postponed.is_none_or(|until| case.now >= until)
        }
    }
}

fn judge(account: &mut Judgement<'_>) {
    let methods = Methods::of(account.user);
    match methods.meet_mfa() {
        Trit::Yes => {}
        Trit::Unknown if methods.is_known => account.doubt("it has a method of a kind that this version does not know"),
        Trit::Unknown => account.doubt(METHODS_ABSENT),
        Trit::No => shut_out(account),
    }
}

fn shut_out(account: &mut Judgement<'_>) {
    let case = account.case;
    let recovery = || SURFACES.iter().filter(|surface| surface.is_recovery);
    let closed = |surface: &&Surface| surface.mandatory_mfa.is_some_and(|phase| is_enforced(case, phase));
    let list = |surfaces: Vec<&str>| surfaces.join(", ");
    let shut = list(recovery().filter(closed).map(surface_words).collect());
    let left = list(recovery().filter(|surface| !closed(surface)).map(|surface| surface.name).collect());
    let name = account.name();
    if case.settings.profile == Profile::Classic {
        let sentence = format!("Without multifactor authentication it is refused by {shut}; what is left is {left}.");
        return account.note(sentence);
    }
    let message = format!(
        "{name} cannot do multifactor authentication, so, whatever Conditional Access says, it is refused by {shut}. \
         What is left is {left}."
    );
    let fix = "Register two passkeys (FIDO2 security keys) for the account. Until then rehearse the repair through \
               Microsoft Graph.";
    account.fail(Severity::Critical, message, Fix::text(fix));
}

fn surface_words(surface: &'static Surface) -> &'static str {
    match (surface.mandatory_mfa, surface.name) {
        (Some(MandatoryMfaPhase::ResourceManagerWrites), "Azure CLI") => "Azure CLI (changes)",
        (Some(MandatoryMfaPhase::ResourceManagerWrites), "Azure PowerShell") => "Azure PowerShell (changes)",
        (Some(MandatoryMfaPhase::ResourceManagerWrites), "Azure Resource Manager") => {
            "Azure Resource Manager (changes)"
        }
        (_, name) => name,
    }
}
