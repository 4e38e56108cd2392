//! Things that are up or have failed, each with one id wherever it is needed.
//!
//! **Source:** `docs/concepts/lockout.md`, section 2.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

/// Something that can fail. Components are ordered by their ids' bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Component {
    id: Arc<str>,
    /// What the id says.
    kind: Kind,
}

impl Hash for Component {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The kind is part of the id.
        self.id.hash(state);
    }
}

/// Kinds of components, by the part of the id before the colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An account.
    Account,
    /// A password.
    Password,
    /// A share of a secret.
    Share,
    /// Somebody who keeps a share.
    Custodian,
    /// A safe.
    Safe,
    /// A site at which custodians and safes are.
    Site,
    /// A depository.
    Depository,
    /// An authentication method.
    Method,
    /// A service.
    Service,
    /// A device.
    Device,
    /// A named location.
    Network,
    /// An identity provider.
    IdentityProvider,
    /// Something on premises.
    OnPremises,
    /// No risk is reported.
    Quiet,
    /// Terms of use.
    TermsOfUse,
    /// A custom control.
    Control,
    /// A setting of the tenant.
    Policy,
    /// A credential of an application.
    Application,
    /// An open session.
    Live,
}

impl Kind {
    const PREFIXES: [(Self, &'static str); 19] = [
        (Self::Account, "account"),
        (Self::Password, "password"),
        (Self::Share, "share"),
        (Self::Custodian, "custodian"),
        (Self::Safe, "safe"),
        (Self::Site, "site"),
        (Self::Depository, "depository"),
        (Self::Method, "method"),
        (Self::Service, "svc"),
        (Self::Device, "device"),
        (Self::Network, "net"),
        (Self::IdentityProvider, "idp"),
        (Self::OnPremises, "onprem"),
        (Self::Quiet, "quiet"),
        (Self::TermsOfUse, "tou"),
        (Self::Control, "control"),
        (Self::Policy, "policy"),
        (Self::Application, "app"),
        (Self::Live, "live"),
    ];

    /// The kind of an id.
    fn of_id(id: &str) -> Self {
        let prefix = id.split(':').next().unwrap_or_default();
        Self::PREFIXES.iter().find(|(_, own)| *own == prefix).map_or(Self::Service, |(kind, _)| *kind)
    }

    fn prefix(self) -> &'static str {
        Self::PREFIXES.iter().find(|(kind, _)| *kind == self).map_or("", |(_, prefix)| prefix)
    }
}

/// Text and calls of the multifactor authentication service.
pub const MFA_TELEPHONY: &str = "svc:mfa-telephony";
/// Notifications of Microsoft Authenticator.
pub const AUTHENTICATOR_PUSH: &str = "svc:authenticator-push";
/// Revocation lists of certificate authorities.
pub const CERTIFICATE_REVOCATION: &str = "svc:cba-crl";
/// Activation of eligible roles.
pub const PIM: &str = "svc:pim";
/// Compliance of devices.
pub const INTUNE_COMPLIANCE: &str = "svc:intune-compliance";
/// The directory on premises.
pub const ON_PREMISES_AD: &str = "onprem:ad";
/// Agents of pass-through authentication.
pub const ON_PREMISES_PTA_AGENTS: &str = "onprem:pta-agents";
/// Synchronisation that does not disable or delete.
pub const ON_PREMISES_SYNC: &str = "onprem:sync";
/// The setting that temporary access passes can be used.
pub const TAP_ENABLED: &str = "policy:tap-enabled";

const SERVICES: [&str; 6] =
    [MFA_TELEPHONY, AUTHENTICATOR_PUSH, CERTIFICATE_REVOCATION, PIM, INTUNE_COMPLIANCE, "svc:fido-verify"];

fn is_said(text: &str) -> bool {
    !text.is_empty()
}

/// An id is not one of a component.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the id of a component: write it as `account:<id>`, `svc:pim` and so on")]
pub struct NotAComponent(String);

impl Component {
    /// A component of a kind.
    #[must_use]
    pub fn new(kind: Kind, key: &str) -> Self {
        Self { id: [kind.prefix(), ":", key].concat().into(), kind }
    }

    /// A component whose id is fixed.
    #[must_use]
    pub fn fixed(id: &'static str) -> Self {
        Self { id: id.into(), kind: Kind::of_id(id) }
    }

    /// An account.
    #[must_use]
    pub fn account(user: &str) -> Self {
        Self::new(Kind::Account, user)
    }

    /// A password.
    #[must_use]
    pub fn password(user: &str) -> Self {
        Self::new(Kind::Password, user)
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether there can be such a component in any tenant: services, what is on premises, risks and settings have
    /// fixed ids.
    #[must_use]
    pub fn can_be(&self) -> bool {
        match self.kind {
            Kind::Service => SERVICES.contains(&self.id()),
            Kind::OnPremises => [ON_PREMISES_AD, ON_PREMISES_PTA_AGENTS, ON_PREMISES_SYNC].contains(&self.id()),
            Kind::Policy => self.id() == TAP_ENABLED || self.key().strip_prefix("method:").is_some_and(is_said),
            Kind::Quiet => {
                let whose = |risk| self.key().strip_prefix(risk).and_then(|rest| rest.strip_prefix(':'));
                ["signin-risk", "user-risk", "insider-risk"].into_iter().find_map(whose).is_some_and(is_said)
            }
            _ => true,
        }
    }

    /// What stands behind the colon.
    #[must_use]
    pub fn key(&self) -> &str {
        self.id.split_once(':').map_or("", |(_, key)| key)
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

impl FromStr for Component {
    type Err = NotAComponent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (prefix, key) = text.split_once(':').ok_or_else(|| NotAComponent(text.to_owned()))?;
        let is_known = Kind::PREFIXES.iter().any(|(_, own)| *own == prefix);
        if is_known && !key.is_empty() {
            Ok(Self { id: text.into(), kind: Kind::of_id(text) })
        } else {
            Err(NotAComponent(text.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Component, Kind};

    #[test]
    fn ids_read_what_they_print() {
        for (id, kind, key) in [
            ("account:u1", Kind::Account, "u1"),
            ("method:u1#k:1", Kind::Method, "u1#k:1"),
            ("svc:pim", Kind::Service, "pim"),
            ("quiet:signin-risk:u1", Kind::Quiet, "signin-risk:u1"),
        ] {
            let component: Component = id.parse().unwrap();
            assert_eq!((component.to_string().as_str(), component.kind(), component.key()), (id, kind, key));
        }
        for wrong in ["account", "account:", "nothing:u1", ""] {
            assert!(wrong.parse::<Component>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_no_tenant_has_is_told() {
        for (id, can_be) in [
            ("svc:pim", true),
            ("svc:fido-verify", true),
            ("svc:pin", false),
            ("onprem:sync", true),
            ("onprem:synch", false),
            ("policy:tap-enabled", true),
            ("policy:method:Fido2", true),
            ("policy:method:", false),
            ("policy:tap", false),
            ("quiet:user-risk:u1", true),
            ("quiet:user-risk:", false),
            ("quiet:risk:u1", false),
            ("account:zzz", true),
            ("net:elsewhere", true),
        ] {
            assert_eq!(id.parse::<Component>().unwrap().can_be(), can_be, "{id}");
        }
    }
}
