//! BG0302: the tenant's authentication methods policy lets each account use its passkeys and certificates.
//!
//! **Source:** the fido2AuthenticationMethodConfiguration, passkeyProfile and x509CertificateAuthenticationMethod-
//! Configuration references. Key restrictions hold at sign-in too; attestation is asked for at registration only.

use breakglass_model::authentication_method::{AuthenticationMethod, AuthenticationMethodKind as Kind};
use breakglass_model::property::Property;
use breakglass_model::snapshot::because;
use breakglass_model::tenant::{AuthenticationMethodConfiguration, KeyRestrictions, MethodTarget};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::super::{Case, Finding, Fix, ObjectKind, ObjectReference, Rule, Severity};
use super::account::{Judgement, each_account};
use crate::access::Trit;
use crate::access::membership::Reach;

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
and could not be registered again. For certificates, a tenant without certificate authorities, or with one that \
expires within the configured days, fails, high; whether a revocation list can be reached shows only a rehearsal. \
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

/// What the policy does to one method.
enum Use {
    Allowed,
    Refused(String),
    /// It works for so many days yet, with what ends then.
    Ending(String),
    Unclear(String),
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
    let (mut refused, mut is_any_left) = (Vec::new(), false);
    for method in &strong {
        match allowed(account, method) {
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

fn ending(account: &mut Judgement<'_>, why: &str) {
    let message =
        format!("The certificate of {} soon lets it in no more: {why}. Then this way in is shut.", account.name());
    let fix = "Renew the certificate authority and the certificates under it, then rehearse.";
    account.fail(Severity::High, message, Fix::text(fix));
}

/// The configuration of a method kind, or why it is not known.
fn configuration<'c>(case: &Case<'c>, id: &str) -> Result<&'c AuthenticationMethodConfiguration, String> {
    let listing = &case.snapshot.authentication_methods_policy;
    let found = listing.as_present().and_then(|policy| policy.configuration(id));
    found.ok_or_else(|| match listing.why() {
        Some(why) => format!("`authenticationMethodsPolicy` is not all there{}", because(why)),
        None => format!("`authenticationMethodsPolicy` has no configuration `{id}`"),
    })
}

fn allowed(account: &Judgement<'_>, method: &AuthenticationMethod) -> Use {
    let (id, kind) = match method.kind() {
        Kind::Fido2 => ("Fido2", "passkeys"),
        _ => ("X509Certificate", "certificates"),
    };
    let configuration = match configuration(account.case, id) {
        Ok(configuration) => configuration,
        Err(why) => return Use::Unclear(why),
    };
    match configuration.state.as_deref() {
        Some("enabled") => {}
        Some("disabled") => return Use::Refused(format!("{kind} are switched off in the tenant")),
        Some(other) => return Use::Unclear(format!("the state of {kind} is `{other}`")),
        None => return Use::Unclear(format!("the state of {kind} is not in the export")),
    }
    let excluded = targets(account, configuration.exclude_targets.known());
    if excluded == Trit::Yes {
        return Use::Refused(format!("the account is excluded from {kind}"));
    }
    match targets(account, configuration.include_targets.known()) {
        Trit::No => return Use::Refused(format!("{kind} are enabled for others and not for the account")),
        Trit::Unknown => return Use::Unclear(format!("whether {kind} are enabled for the account is not known")),
        Trit::Yes => {}
    }
    let rest = if id == "Fido2" { passkey(account, configuration, method) } else { certificate(account.case) };
    match rest {
        Use::Allowed if excluded == Trit::Unknown => {
            Use::Unclear(format!("whether the account is excluded from {kind} is not known"))
        }
        rest => rest,
    }
}

/// Whether targets contain the account; not known where the export does not have them.
fn targets(account: &Judgement<'_>, targets: Option<Option<&Vec<MethodTarget>>>) -> Trit {
    let Some(targets) = targets else { return Trit::Unknown };
    targets.into_iter().flatten().map(|target| target_has(account, target)).max().unwrap_or(Trit::No)
}

fn target_has(account: &Judgement<'_>, target: &MethodTarget) -> Trit {
    if target.id == "all_users" || target.id == account.id() {
        return Trit::Yes;
    }
    let snapshot = account.case.snapshot;
    if target.id.is_empty() {
        return Trit::Unknown;
    }
    let Some(key) = snapshot.objects.find(&target.id) else {
        return if snapshot.groups.is_complete() { Trit::No } else { Trit::Unknown };
    };
    let reach = Reach::of_group(snapshot, key);
    let otherwise = if reach.unknown.is_some() { Trit::Unknown } else { Trit::No };
    Trit::from(reach.users.contains(&account.user.key)).or(otherwise)
}

/// `passkeyProfile`, as far as it decides.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct PasskeyProfile {
    id: Option<String>,
    key_restrictions: Property<KeyRestrictions>,
    passkey_types: Property<String>,
}

fn passkey(
    account: &Judgement<'_>,
    configuration: &AuthenticationMethodConfiguration,
    method: &AuthenticationMethod,
) -> Use {
    let profiles = configuration.rest.get("passkeyProfiles").and_then(Value::as_array).map(Vec::as_slice);
    let profiles = profiles.unwrap_or_default();
    let mut included = configuration.include_targets.value().into_iter().flatten();
    let has_profiles = configuration.rest.contains_key("defaultPasskeyProfile")
        || included.any(|target| target.rest.contains_key("allowedPasskeyProfiles"));
    if has_profiles && !configuration.rest.contains_key("passkeyProfiles") {
        return Use::Unclear("`passkeyProfiles` are not in the export, although targets name some".to_owned());
    }
    if profiles.is_empty() {
        return restricted(&configuration.key_restrictions, method);
    }
    // One profile of the targets that contain the account is enough.
    let mut wanted: Vec<&str> = Vec::new();
    let included = configuration.include_targets.value().into_iter().flatten();
    for target in included.filter(|target| target_has(account, target) == Trit::Yes) {
        let Some(listed) = target.rest.get("allowedPasskeyProfiles") else {
            return Use::Unclear("`allowedPasskeyProfiles` of a target of passkeys are not in the export".to_owned());
        };
        wanted.extend(listed.as_array().into_iter().flatten().filter_map(Value::as_str));
    }
    if wanted.is_empty() {
        let Some(default) = configuration.rest.get("defaultPasskeyProfile") else {
            return Use::Unclear("`defaultPasskeyProfile` of passkeys is not in the export".to_owned());
        };
        wanted.extend(default.as_str());
    }
    let mut worst = Use::Refused("no passkey profile of the account allows the key".to_owned());
    for profile in profiles {
        let Ok(profile) = PasskeyProfile::deserialize(profile) else {
            return Use::Unclear("a passkey profile cannot be read".to_owned());
        };
        let Some(id) = &profile.id else {
            return Use::Unclear("a passkey profile without an `id`".to_owned());
        };
        if !wanted.contains(&id.as_str()) {
            continue;
        }
        match (restricted(&profile.key_restrictions, method), type_is_allowed(&profile.passkey_types, method)) {
            (Use::Refused(_), _) | (_, Trit::No) => {}
            (Use::Allowed | Use::Ending(_), Trit::Yes) => return Use::Allowed,
            (Use::Unclear(why), _) => worst = Use::Unclear(why),
            (_, Trit::Unknown) => worst = Use::Unclear("whether its passkey is synced is not in the export".to_owned()),
        }
    }
    worst
}

/// Every type that a profile can allow.
const PASSKEY_TYPES: [&str; 2] = ["deviceBound", "synced"];

/// Whether a profile allows the type of a passkey; null allows every type.
fn type_is_allowed(types: &Property<String>, method: &AuthenticationMethod) -> Trit {
    let Some(types) = types.known() else { return Trit::Unknown };
    let is_allowed = |own: &str| types.is_none_or(|types| types.split(',').any(|kind| kind.trim() == own));
    match method.passkey_type.as_deref() {
        Some(own) => is_allowed(own).into(),
        None if PASSKEY_TYPES.iter().all(|own| is_allowed(own)) => Trit::Yes,
        None => Trit::Unknown,
    }
}

/// Whether key restrictions let a key be used; null is none.
fn restricted(restrictions: &Property<KeyRestrictions>, method: &AuthenticationMethod) -> Use {
    let Some(restrictions) = restrictions.known() else {
        return Use::Unclear("`keyRestrictions` of passkeys are not in the export".to_owned());
    };
    let Some(restrictions) = restrictions.filter(|restrictions| restrictions.is_enforced != Some(false)) else {
        return Use::Allowed;
    };
    if restrictions.is_enforced.is_none() {
        return Use::Unclear("whether the key restrictions are enforced is not in the export".to_owned());
    }
    let Some(own) = method.aaguid.as_deref().filter(|own| !own.is_empty()) else {
        return Use::Unclear(
            "key restrictions are enforced, and the AAGUID of the key is not in the export".to_owned(),
        );
    };
    let Some(listed) = restrictions.aaguids.known() else {
        return Use::Unclear("`aaGuids` of the key restrictions are not in the export".to_owned());
    };
    let is_listed = listed.into_iter().flatten().any(|listed| listed.eq_ignore_ascii_case(own));
    match (restrictions.enforcement_type.as_deref(), is_listed) {
        (Some("allow"), true) | (Some("block"), false) => Use::Allowed,
        (Some("allow"), false) => {
            Use::Refused(format!("the model of its key (AAGUID {own}) is not among the allowed ones"))
        }
        (Some("block"), true) => Use::Refused(format!("the model of its key (AAGUID {own}) is blocked")),
        _ => Use::Unclear("it is not in the export whether the key restrictions allow or block".to_owned()),
    }
}

/// Whether the certificate authorities are there and last.
fn certificate(case: &Case<'_>) -> Use {
    let organization = case.snapshot.organization.as_present();
    let configured = organization.and_then(|organization| organization.rest.get("certificateBasedAuthConfiguration"));
    let Some(configured) = configured.and_then(Value::as_array) else {
        return Use::Unclear(
            "the certificate authorities are not in the export (expand `certificateBasedAuthConfiguration` of \
             `organization`)"
                .to_owned(),
        );
    };
    if configured.iter().any(|one| one.get("certificateAuthorities").is_none()) {
        return Use::Unclear("`certificateAuthorities` are not in the export".to_owned());
    }
    let authorities = configured.iter().filter_map(|one| one.get("certificateAuthorities")?.as_array()).flatten();
    let mut count = 0;
    for authority in authorities {
        count += 1;
        let name = ["displayName", "issuer"].iter().find_map(|name| authority.get(*name)?.as_str());
        let name = name.unwrap_or("without a name");
        let end = authority.get("expirationDateTime").and_then(Value::as_str);
        let Some(end) = end.and_then(|end| end.parse::<Timestamp>().ok()) else {
            return Use::Unclear(format!("when the certificate authority `{name}` expires is not in the export"));
        };
        let days = end.duration_since(case.now).as_hours() / 24;
        if days < case.settings.certificate_days_left_min {
            return match end > case.now {
                true => Use::Ending(format!("the certificate authority `{name}` expires in {days} days")),
                false => Use::Refused(format!("the certificate authority `{name}` has expired")),
            };
        }
    }
    if count == 0 { Use::Refused("the tenant trusts no certificate authority".to_owned()) } else { Use::Allowed }
}

fn attestation(account: &mut Judgement<'_>, strong: &[&AuthenticationMethod]) {
    let Ok(passkeys) = configuration(account.case, "Fido2") else { return };
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
