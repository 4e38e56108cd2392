//! BG0302: the tenant's authentication methods policy lets each account use its passkeys and certificates.
//!
//! **Source:** the fido2AuthenticationMethodConfiguration reference; attestation is asked for at registration only.

use breakglass_model::authentication_method::{AuthenticationMethod, AuthenticationMethodKind as Kind};

use super::super::{Case, Finding, Fix, ObjectKind, ObjectReference, Rule, Severity};
use super::account::{Judgement, each_account};
use crate::access::Trit;
use crate::access::permitted::{MethodUser, Use, certificate_is_multifactor, configuration, permitted};

pub(super) struct MethodsPolicy;

impl Rule for MethodsPolicy {
    fn code(&self) -> &'static str {
        "BG0302"
    }

    fn title(&self) -> &'static str {
        "The authentication methods policy lets each emergency account use its methods"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["X4"]
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** Passkeys and certificates work only while a tenant-wide policy allows them, for this account and \
for this model of key.

**Why it matters.** Somebody tidies the policy up: switches a method off, limits it to a pilot group, allows only the \
new model of key. The sealed key then opens nothing, and nobody notices until the emergency (situations E1 to E4).

**How it is judged.** For each passkey and certificate of the account: the method is enabled, its targets contain the \
account and do not exclude it; an enforced list of allowed models contains the key's AAGUID, or a list of blocked ones \
does not; a passkey profile that the account is in allows it. If no such method is left, it fails, high; if some are \
left, medium. Enforced attestation against a key that was registered without it fails, medium: the key still works, \
and could not be registered again. Certificates must be multifactor authentication by themselves \
(`authenticationModeConfiguration`, the default and every rule), or else they meet no demand for it. A tenant without certificate authorities, or with one that \
expires within the configured days, fails, high, too; whether a revocation list can be reached shows only a rehearsal. \
What is not in the snapshot gives `unknown`, also a part of the policy \
that is absent: only null and an empty list say that there is no restriction. Passkey profiles are the exception, \
since the plain list of Graph does not have them. An account without such a method is BG0301's business.

**What to do.** Add the account's group to the targets, and the key's model to the allowed ones.

**Source:** Microsoft, *Enable passkeys (FIDO2) for your organization*; Graph, *passkeyProfile*, where attestation is \
enforced at registration only."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        each_account(self, case, "may use each of its passkeys and certificates", judge)
    }
}

fn judge(account: &mut Judgement<'_>) {
    let Some(methods) = account.all_methods() else { return };
    let strong: Vec<&AuthenticationMethod> =
        methods.iter().filter(|method| matches!(method.kind(), Kind::Fido2 | Kind::X509Certificate)).collect();
    if strong.is_empty() {
        let sentence =
            format!("{} has no passkey and no certificate that a policy could refuse (BG0301).", account.name());
        return account.exempt(sentence);
    }
    let user = MethodUser {
        snapshot: account.case.snapshot,
        user: Some(account.user.key),
        now: account.case.now,
        certificate_days_left_min: account.case.settings.certificate_days_left_min,
        is_supposed_on: false,
    };
    let (mut refused, mut is_any_left) = (Vec::new(), false);
    for method in &strong {
        let is_one_factor = match method.kind() {
            Kind::X509Certificate => certificate_is_multifactor(account.case.snapshot).negated(),
            _ => Trit::No,
        };
        match permitted(&user, policy_name(method), method) {
            Use::Allowed | Use::Ending(_) if is_one_factor == Trit::Yes => {
                refused.push("certificates are a single factor in the tenant".to_owned());
            }
            Use::Allowed if is_one_factor == Trit::Unknown => {
                is_any_left = true;
                account.doubt("whether certificates are multifactor authentication is not in the export".to_owned());
            }
            Use::Allowed => is_any_left = true,
            Use::Refused(why) => refused.push(why),
            Use::Ending(why) => {
                is_any_left = true;
                ending(account, &why);
            }
            Use::Unclear(why) => {
                is_any_left = true;
                account.doubt(why);
            }
        }
    }
    if let Some(first) = refused.first() {
        let name = account.name();
        let (severity, message) = if is_any_left {
            let count = refused.len();
            (Severity::Medium, format!("{name} cannot use {count} of its {} methods: {first}.", strong.len()))
        } else {
            (
                Severity::High,
                format!("{name} cannot use any of its passkeys or certificates: {first}. It has no second way."),
            )
        };
        let fix = "Change the authentication methods policy so that the method is enabled for the account and the \
                   model of its key is allowed, then rehearse.";
        let about = ObjectReference {
            kind: ObjectKind::Setting,
            id: "authenticationMethodsPolicy".to_owned(),
            name: "authenticationMethodsPolicy".to_owned(),
        };
        account.fail_with(severity, message, Fix::text(fix), vec![about]);
    }
    attestation(account, &strong);
}

/// What the policy calls a kind of method, and what people call it.
fn policy_name(method: &AuthenticationMethod) -> (&'static str, &'static str) {
    match method.kind() {
        Kind::Fido2 => ("Fido2", "passkeys"),
        _ => ("X509Certificate", "certificates"),
    }
}

fn ending(account: &mut Judgement<'_>, why: &str) {
    let message =
        format!("The certificate of {} soon lets it in no more: {why}. Then this way in is shut.", account.name());
    let fix = "Renew the certificate authority and the certificates under it, then rehearse.";
    account.fail(Severity::High, message, Fix::text(fix));
}

fn attestation(account: &mut Judgement<'_>, strong: &[&AuthenticationMethod]) {
    let Ok(passkeys) = configuration(account.case.snapshot, "Fido2") else { return };
    let keys = || strong.iter().filter(|method| method.kind() == Kind::Fido2);
    let bare = keys().filter(|method| method.attestation_level.as_deref() == Some("notAttested")).count();
    let unsaid = keys().any(|method| method.attestation_level.is_none());
    match passkeys.is_attestation_enforced.known() {
        Some(None | Some(false)) => {}
        Some(Some(true)) if bare > 0 => {
            let message = format!(
                "{} has {bare} key registered without attestation, which the tenant now enforces. The key still \
                 works; lost or removed, it could not be registered again.",
                account.name()
            );
            let fix = "Register a key that gives an attestation, rehearse with it, then remove the old one.";
            account.fail(Severity::Medium, message, Fix::text(fix));
        }
        Some(Some(true)) if unsaid => account
            .doubt("attestation is enforced, and whether its keys gave one (`attestationLevel`) is not in the export"),
        None if bare > 0 || unsaid => account.doubt("`isAttestationEnforced` of passkeys is not in the export"),
        _ => {}
    }
}
