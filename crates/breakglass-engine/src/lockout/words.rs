//! Components in words: their names, and what their failure is.

use breakglass_model::authentication_method::AuthenticationMethod;
use breakglass_model::snapshot::Snapshot;

use super::component::{Component, Kind};
use super::custody::Custody;
use super::report::ComponentWords;
use super::settings::LockoutSettings;

/// The words of a component.
pub(super) fn words(snapshot: &Snapshot, settings: &LockoutSettings, component: &Component) -> ComponentWords {
    let key = component.key();
    let person = |id: &str| snapshot.objects.find(id).map_or(id, |key| snapshot.name(key)).to_owned();
    let (name, fails_when, user) = match component.kind() {
        Kind::Account => (format!("account {}", person(key)), "disabled, deleted or locked", Some(key)),
        Kind::Password => (format!("password of {}", person(key)), "lost, changed or expired", Some(key)),
        Kind::Share | Kind::Custodian | Kind::Safe | Kind::Site | Kind::Depository => {
            kept(snapshot, &settings.custody, component)
        }
        Kind::Method => {
            let (owner, method) = key.split_once('#').unwrap_or((key, ""));
            (
                format!("{} of {}", method_name(snapshot, owner, method), person(owner)),
                "lost, broken or removed",
                Some(owner),
            )
        }
        Kind::Service => (service(component.id()).to_owned(), "out of order", None),
        Kind::Device => {
            let device = snapshot.devices.items().iter().find(|device| device.id.as_str() == key);
            let name = device.and_then(|device| device.display_name.value()).map_or(key, String::as_str);
            (format!("device {name}"), "lost, or no longer in this state", None)
        }
        Kind::Network => {
            let location = snapshot.named_locations.items().iter().find(|location| location.id.as_str() == key);
            let name = location.map_or(key, |location| location.name());
            (format!("network {name}"), "unreachable, or its ranges no longer match", None)
        }
        Kind::IdentityProvider => (format!("identity provider of {key}"), "down, or its certificate expired", None),
        Kind::OnPremises => (on_premises(key).to_owned(), "down or hostile", None),
        Kind::Quiet => {
            let (what, owner) = key.split_once(':').unwrap_or((key, ""));
            let what = match what {
                "signin-risk" => "no sign-in risk for",
                "user-risk" => "no user risk for",
                _ => "no insider risk for",
            };
            (format!("{what} {}", person(owner)), "a risk is reported, rightly or not", Some(owner))
        }
        Kind::TermsOfUse => {
            let terms = snapshot.terms_of_use_agreements.items().iter().find(|terms| terms.text("id") == Some(key));
            let name = terms.and_then(|terms| terms.text("displayName")).unwrap_or(key);
            (format!("terms of use {name}"), "they cannot be accepted", None)
        }
        Kind::Control => (format!("custom control {key}"), "its provider is down", None),
        Kind::Policy => match key.strip_prefix("method:") {
            Some(method) => (format!("the setting that allows {}", setting(method)), "switched off", None),
            None => ("the setting that allows temporary access passes".to_owned(), "switched off", None),
        },
        Kind::Application => {
            let (app, _) = key.split_once('#').unwrap_or((key, ""));
            let principals = snapshot.service_principals.items().iter();
            let principal = principals.into_iter().find(|one| one.app_id.as_ref().is_some_and(|id| id.as_str() == app));
            let name = principal.and_then(|principal| principal.display_name.as_deref()).unwrap_or(app);
            (format!("credential of the application {name}"), "expired or lost", None)
        }
        Kind::Live => (format!("open session of {}", person(key)), "ended", Some(key)),
    };
    let clause = clause(component.kind(), &name);
    ComponentWords { name, fails_when: fails_when.to_owned(), clause, user: user.map(str::to_owned) }
}

/// What keeps a secret: its name, its failure, whose it is.
fn kept<'c>(
    snapshot: &Snapshot,
    custody: &Custody,
    component: &'c Component,
) -> (String, &'static str, Option<&'c str>) {
    let key = component.key();
    let keeper = |name: Option<&String>| name.filter(|name| !name.is_empty()).map_or(key, String::as_str).to_owned();
    match component.kind() {
        Kind::Share => {
            let (owner, number) = key.split_once('#').unwrap_or((key, ""));
            (share(snapshot, owner, number), "unreadable", Some(owner))
        }
        Kind::Custodian => {
            let name = custody.custodians.get(key).map(|found| &found.name);
            (format!("custodian {}", keeper(name)), "unreachable", None)
        }
        Kind::Safe => {
            let name = keeper(custody.safes.get(key).map(|found| &found.name));
            let is_said = name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("safe"));
            (if is_said { format!("the {name}") } else { format!("safe {name}") }, "inaccessible", None)
        }
        Kind::Depository => {
            let name = custody.depositories.get(key).map(|found| &found.name);
            (format!("depository {}", keeper(name)), "unreachable", None)
        }
        _ => (format!("site {key}"), "inaccessible", None),
    }
}

/// The failure of what has no state of its own to be in.
fn clause(kind: Kind, name: &str) -> Option<String> {
    match kind {
        Kind::Quiet => {
            let (what, whose) = name.strip_prefix("no ")?.split_once(" for ")?;
            let article = if what.starts_with("insider") { "an" } else { "a" };
            Some(format!("{article} {what} is reported of {whose}"))
        }
        Kind::TermsOfUse => Some(format!("the {name} cannot be accepted")),
        Kind::Control => Some(format!("the provider of the {name} is down")),
        _ => None,
    }
}

/// `share 1 of alice`, or of a method of hers.
fn share(snapshot: &Snapshot, owner: &str, number: &str) -> String {
    let name = snapshot.objects.find(owner).map_or(owner, |key| snapshot.name(key));
    match number.rsplit_once('#') {
        Some((method, number)) => format!("share {number} of {} of {name}", method_name(snapshot, owner, method)),
        None => format!("share {number} of the password of {name}"),
    }
}

/// A configuration of the authentication methods policy, as the Entra admin center calls it.
fn setting(method: &str) -> &str {
    match method {
        "Fido2" => "Passkey (FIDO2)",
        "MicrosoftAuthenticator" => "Microsoft Authenticator",
        "Sms" => "SMS",
        "Voice" => "Voice call",
        "TemporaryAccessPass" => "Temporary Access Pass",
        "SoftwareOath" => "Software OATH tokens",
        "HardwareOath" => "Hardware OATH tokens",
        "X509Certificate" => "Certificate-based authentication",
        other => other,
    }
}

fn service(id: &str) -> &str {
    match id {
        "svc:mfa-telephony" => "text messages and calls for MFA",
        "svc:authenticator-push" => "Microsoft Authenticator notifications",
        "svc:cba-crl" => "certificate revocation lists",
        "svc:pim" => "role activation (PIM)",
        "svc:intune-compliance" => "device compliance (Intune)",
        "svc:fido-verify" => "verification of passkeys",
        other => other,
    }
}

fn on_premises(key: &str) -> &str {
    match key {
        "ad" => "Active Directory on premises",
        "pta-agents" => "pass-through authentication agents",
        "sync" => "directory synchronisation",
        other => other,
    }
}

/// The name of a method, for somebody who looks for it in a drawer.
fn method_name(snapshot: &Snapshot, owner: &str, method: &str) -> String {
    let user = snapshot.objects.find(owner).and_then(|key| snapshot.user(key));
    let methods = user.and_then(|user| user.detail().authentication_methods.value()).map_or(&[][..], Vec::as_slice);
    match methods.iter().find(|one| one.id.as_deref() == Some(method)) {
        Some(found) => named(found),
        None if method == "unknown" => "an unknown method".to_owned(),
        None => format!("method {method}"),
    }
}

fn named(method: &AuthenticationMethod) -> String {
    let kind = method.kind().name().to_owned();
    let own = method.display_name.as_deref().or(method.model.as_deref()).or(method.phone_number.as_deref());
    match own.filter(|own| !own.is_empty()) {
        Some(own) => format!("{kind} \"{own}\""),
        None => kind,
    }
}

/// Things in a sentence: `a, b and c`.
pub(crate) fn listed(all: &[String]) -> String {
    match all {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, clause};

    #[test]
    fn what_is_never_lost_or_down_has_a_clause() {
        for (kind, name, expected) in [
            (Kind::Quiet, "no sign-in risk for anna", Some("a sign-in risk is reported of anna")),
            (Kind::Quiet, "no user risk for anna for short", Some("a user risk is reported of anna for short")),
            (Kind::Quiet, "no insider risk for anna", Some("an insider risk is reported of anna")),
            (Kind::TermsOfUse, "terms of use Guests", Some("the terms of use Guests cannot be accepted")),
            (Kind::Control, "custom control Duo", Some("the provider of the custom control Duo is down")),
            (Kind::Account, "account anna", None),
            (Kind::Site, "site munich", None),
        ] {
            assert_eq!(clause(kind, name).as_deref(), expected, "{name}");
        }
    }
}
