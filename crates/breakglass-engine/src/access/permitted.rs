//! Whether the authentication methods policy lets a user use a method.
//!
//! **Source:** the fido2AuthenticationMethodConfiguration, passkeyProfile, x509CertificateAuthenticationMethod-
//! Configuration and microsoftAuthenticatorAuthenticationMethodTarget references. Key restrictions hold at sign-in too;
//! attestation is asked for at registration only.

use breakglass_model::authentication_method::AuthenticationMethod;
use breakglass_model::object::ObjectKey;
use breakglass_model::property::Property;
use breakglass_model::snapshot::{Snapshot, because};
use breakglass_model::tenant::{AuthenticationMethodConfiguration, KeyRestrictions, MethodTarget};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::Trit;
use super::membership::Reach;

/// Whose methods are asked about, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MethodUser<'a> {
    /// The tenant.
    pub(crate) snapshot: &'a Snapshot,
    /// The user; `None` is one who is not there yet, and so in no group.
    pub(crate) user: Option<ObjectKey>,
    /// The instant.
    pub(crate) now: Timestamp,
    /// Days before its end from which on a certificate authority counts as ending.
    pub(crate) certificate_days_left_min: i64,
    /// Whether the kind that is asked about is supposed to be switched on for everybody.
    pub(crate) is_supposed_on: bool,
}

/// What the policy does to one method.
pub(crate) enum Use {
    /// It can be used.
    Allowed,
    /// It cannot, and why.
    Refused(String),
    /// It works for so many days yet, with what ends then.
    Ending(String),
    /// It cannot be told, and why.
    Unclear(String),
}

/// The configuration of a method kind, or why it is not known.
pub(crate) fn configuration<'c>(
    snapshot: &'c Snapshot,
    id: &str,
) -> Result<&'c AuthenticationMethodConfiguration, String> {
    let listing = &snapshot.authentication_methods_policy;
    let found = listing.as_present().and_then(|policy| policy.configuration(id));
    found.ok_or_else(|| match listing.why() {
        Some(why) => format!("`authenticationMethodsPolicy` is not all there{}", because(why)),
        None => format!("`authenticationMethodsPolicy` has no configuration `{id}`"),
    })
}

/// Why key restrictions and passkey profiles keep a user from a security key that is registered, supposing that passkeys
/// are switched on for it; `None` if they do not, or if it cannot be told.
#[must_use]
pub fn key_refused(snapshot: &Snapshot, user: ObjectKey, key: &AuthenticationMethod, now: Timestamp) -> Option<String> {
    let user = Some(user);
    let account = MethodUser { snapshot, user, now, certificate_days_left_min: 0, is_supposed_on: true };
    match permitted(&account, ("Fido2", "passkeys (FIDO2)"), key) {
        Use::Refused(why) => Some(why),
        Use::Allowed | Use::Ending(_) | Use::Unclear(_) => None,
    }
}

/// What the policy does to one method of a user: a kind that the policy calls `id`, and people `kind`.
pub(crate) fn permitted(account: &MethodUser<'_>, (id, kind): (&str, &str), method: &AuthenticationMethod) -> Use {
    let configuration = match configuration(account.snapshot, id) {
        Ok(configuration) => configuration,
        // Without good authorities no certificate is taken, whatever the configuration says.
        Err(why) => {
            let authorities = (id == "X509Certificate").then(|| certificate(account));
            return authorities.filter(|found| matches!(found, Use::Refused(_))).unwrap_or(Use::Unclear(why));
        }
    };
    // What refuses it for sure refuses it, whatever else is not known.
    let is_supposed_on = account.is_supposed_on;
    let state = if is_supposed_on { Some("enabled") } else { configuration.state.as_deref() };
    if state == Some("disabled") {
        return Use::Refused(format!("{kind} are switched off in the tenant"));
    }
    let excluded = if is_supposed_on { Trit::No } else { targets(account, configuration.exclude_targets.known()) };
    if excluded == Trit::Yes {
        return Use::Refused(format!("the account is excluded from {kind}"));
    }
    let included = if is_supposed_on { Trit::Yes } else { targets(account, configuration.include_targets.known()) };
    if included == Trit::No {
        return Use::Refused(format!("{kind} are enabled for others and not for the account"));
    }
    let rest = match id {
        "Fido2" => passkey(account, configuration, method),
        "X509Certificate" => certificate(account),
        _ => Use::Allowed,
    };
    if matches!(rest, Use::Refused(_)) {
        return rest;
    }
    match (state, included, rest) {
        (Some("enabled"), Trit::Yes, Use::Allowed) if excluded == Trit::Unknown => {
            Use::Unclear(format!("whether the account is excluded from {kind} is not known"))
        }
        (Some("enabled"), Trit::Yes, rest) => rest,
        (Some("enabled"), _, _) => Use::Unclear(format!("whether {kind} are enabled for the account is not known")),
        (Some(other), _, _) => Use::Unclear(format!("the state of {kind} is `{other}`")),
        (None, _, _) => Use::Unclear(format!("the state of {kind} is not in the export")),
    }
}

/// Whether targets contain the account; not known where the export does not have them.
fn targets(account: &MethodUser<'_>, targets: Option<Option<&Vec<MethodTarget>>>) -> Trit {
    let Some(targets) = targets else { return Trit::Unknown };
    targets.into_iter().flatten().map(|target| target_has(account, target)).max().unwrap_or(Trit::No)
}

fn target_has(account: &MethodUser<'_>, target: &MethodTarget) -> Trit {
    let snapshot = account.snapshot;
    if target.id == "all_users" || account.user.is_some_and(|user| target.id == snapshot.objects.id(user)) {
        return Trit::Yes;
    }
    if target.id.is_empty() {
        return Trit::Unknown;
    }
    let Some(user) = account.user else { return Trit::No };
    let Some(key) = snapshot.objects.find(&target.id) else {
        return if snapshot.groups.is_complete() { Trit::No } else { Trit::Unknown };
    };
    let reach = Reach::of_group(snapshot, key);
    let otherwise = if reach.unknown.is_some() { Trit::Unknown } else { Trit::No };
    Trit::from(reach.users.contains(&user)).or(otherwise)
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
    account: &MethodUser<'_>,
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
fn certificate(account: &MethodUser<'_>) -> Use {
    let organization = account.snapshot.organization.as_present();
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
        if end <= account.now {
            return Use::Refused(format!("the certificate authority `{name}` has expired"));
        }
        let days = end.duration_since(account.now).as_hours() / 24;
        if days < account.certificate_days_left_min {
            return Use::Ending(format!("the certificate authority `{name}` expires in {days} days"));
        }
    }
    if count == 0 { Use::Refused("the tenant trusts no certificate authority".to_owned()) } else { Use::Allowed }
}

/// Whether the tenant lets a user answer notifications of Microsoft Authenticator of a kind: `push`, behind a password,
/// or `deviceBasedPush`, instead of one. Which of several targets decides is not documented: it cannot be told where
/// they differ.
pub(crate) fn notifications(account: &MethodUser<'_>, kind: &str) -> Trit {
    if account.is_supposed_on {
        return Trit::Yes;
    }
    let configuration = configuration(account.snapshot, "MicrosoftAuthenticator").ok();
    let targets = configuration.and_then(|configuration| configuration.include_targets.value());
    let of = |target: &MethodTarget| match target.rest.get("authenticationMode").and_then(Value::as_str) {
        Some("any") => Trit::Yes,
        Some(mode) if mode == kind => Trit::Yes,
        Some("push" | "deviceBasedPush") => Trit::No,
        Some(_) | None => Trit::Unknown,
    };
    let of_account = targets.into_iter().flatten().filter(|target| target_has(account, target) != Trit::No);
    agreed(of_account.map(of))
}

/// Whether a certificate counts as multifactor authentication by itself. What rules make of a certificate depends on
/// its issuer and its policies, which the methods do not tell.
pub(crate) fn certificate_is_multifactor(snapshot: &Snapshot) -> Trit {
    let configuration = configuration(snapshot, "X509Certificate").ok();
    let modes = configuration.and_then(|configuration| configuration.rest.get("authenticationModeConfiguration"));
    let Some(modes) = modes.filter(|modes| modes.is_object()) else { return Trit::Unknown };
    let of = |mode: Option<&Value>| match mode.and_then(Value::as_str) {
        Some("x509CertificateMultiFactor") => Trit::Yes,
        Some("x509CertificateSingleFactor") => Trit::No,
        Some(_) | None => Trit::Unknown,
    };
    let rules = match modes.get("rules") {
        Some(Value::Array(rules)) => rules.as_slice(),
        Some(Value::Null) => &[],
        Some(_) | None => return Trit::Unknown,
    };
    let default = of(modes.get("x509CertificateAuthenticationDefaultMode"));
    agreed(std::iter::once(default).chain(rules.iter().map(|rule| of(rule.get("x509CertificateAuthenticationMode")))))
}

/// What all say; not known where they differ, or where nobody says anything.
fn agreed(all: impl Iterator<Item = Trit>) -> Trit {
    let joined = all.map(Some).reduce(|one, other| if one == other { one } else { None });
    joined.flatten().unwrap_or(Trit::Unknown)
}
