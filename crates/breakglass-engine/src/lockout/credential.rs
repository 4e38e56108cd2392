//! What a user can sign in with: every combination of methods, and what each of them needs.
//!
//! **Source:** `docs/concepts/lockout.md`, section 5.

use std::collections::BTreeSet;
use std::sync::Arc;

use breakglass_model::authentication_method::{AuthenticationMethod, AuthenticationMethodKind as MethodKind};
use breakglass_model::device::Device;
use breakglass_model::property::Property;
use breakglass_model::snapshot::{Snapshot, because};
use breakglass_model::strength::{MULTIFACTOR_COMBINATIONS, Modes};
use breakglass_model::user::User;
use jiff::Timestamp;

use super::component::{
    AUTHENTICATOR_PUSH, CERTIFICATE_REVOCATION, Component, Kind, MFA_TELEPHONY, ON_PREMISES_AD, ON_PREMISES_PTA_AGENTS,
    TAP_ENABLED,
};
use super::devices::platform;
use super::judge::{CombinationKey, DeviceContext};
use super::settings::{LockoutSettings, Mode, OnPremisesAuthentication};
use crate::access::Trit;
use crate::access::permitted::{MethodUser, Use, certificate_is_multifactor, notifications, permitted};
use crate::access::scope::{GuestKind, guest_kind};

/// Something that a combination needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// A component.
    Component(Component),
    /// The password, as its owner knows it or somebody has set it.
    Password,
    /// The password, as its owner knows it.
    KnownPassword,
    /// A method, with the envelope around it, by its id.
    Method(Arc<str>),
    /// A temporary access pass that somebody issues.
    IssuedPass,
}

/// One way to authenticate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Credential {
    /// What decides which demands it meets.
    pub(super) key: CombinationKey,
    /// What it needs.
    pub(super) parts: Vec<Part>,
    /// On which devices it works.
    pub(super) works_on: WorksOn,
}

/// On which devices a combination works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WorksOn {
    /// On any.
    Anything,
    /// On the registered device of this id alone.
    Device(Arc<str>),
    /// On one registered device of the user, of this platform: it is not told on which.
    SomeDevice(&'static str),
}

impl WorksOn {
    /// Whether it works on a device.
    pub(super) fn includes(&self, device: &DeviceContext, mode: Mode) -> bool {
        match (self, &device.registered) {
            (Self::Anything, _) => true,
            (_, None) => false,
            // Of devices that were not exported any may be the one.
            (Self::Device(id), Some(registered)) => registered.is_not_exported || device.id == *id,
            (Self::SomeDevice(platform), Some(registered)) => {
                mode == Mode::Possible && registered.platform.is_none_or(|own| own == *platform)
            }
        }
    }

    /// Whether it works on any device.
    pub(super) fn is_anything(&self) -> bool {
        *self == Self::Anything
    }
}

/// What decides the credentials of a user apart from its methods, as the mode counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Home<'a> {
    /// Its credentials are another tenant's.
    pub(super) is_guest: bool,
    /// It is synchronised from on premises.
    pub(super) is_synchronised: bool,
    /// Where its sign-in name is.
    pub(super) domain: HomeDomain<'a>,
}

/// The domain of a sign-in name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HomeDomain<'a> {
    /// Entra checks the password.
    Managed,
    /// The identity provider of this domain checks it.
    Federated(&'a str),
    /// The snapshot does not say.
    Untold,
}

impl<'a> Home<'a> {
    /// Where a user's credentials are.
    pub(super) fn of(snapshot: &'a Snapshot, user: &User, mode: Mode, unknowns: &mut BTreeSet<String>) -> Self {
        let mut fears = |hindrance: Trit, what: &str| {
            if hindrance == Trit::Unknown {
                unknowns.insert(format!("`{what}` of `{}` is not in the snapshot", user.name()));
            }
            !mode.takes(hindrance.negated())
        };
        let is_invited = user.has_external_name()
            || user.detail().creation_type.value().is_some_and(|creation| creation == "Invitation")
            || user.detail().external_user_state.value().is_some();
        let is_guest = match guest_kind(user) {
            GuestKind::Guest(_) => Trit::Yes,
            GuestKind::Unsaid if is_invited => Trit::Yes,
            GuestKind::Unsaid => Trit::Unknown,
            GuestKind::Member => Trit::No,
        };
        let is_synchronised = match user.on_premises_sync_enabled {
            Property::Value(is_synchronised) => is_synchronised.into(),
            Property::Null => Trit::No,
            Property::Absent => Trit::Unknown,
        };
        let is_guest = fears(is_guest, "userType");
        let is_synchronised = fears(is_synchronised, "onPremisesSyncEnabled");
        let domain = domain_of(snapshot, user);
        if domain == HomeDomain::Untold {
            unknowns.insert(format!("whether the domain of `{}` is federated is not in the snapshot", user.name()));
        }
        let domain = match (domain, mode) {
            (HomeDomain::Untold, Mode::Possible) => HomeDomain::Managed,
            (domain, _) => domain,
        };
        Self { is_guest, is_synchronised, domain }
    }
}

fn domain_of<'a>(snapshot: &'a Snapshot, user: &User) -> HomeDomain<'a> {
    let name = user.user_principal_name.as_deref().and_then(|name| name.rsplit_once('@'));
    let Some((_, domain)) = name else { return HomeDomain::Untold };
    // Such a domain cannot be federated.
    if domain.to_ascii_lowercase().ends_with(".onmicrosoft.com") {
        return HomeDomain::Managed;
    }
    let known = snapshot.domains.items().iter().find(|known| known.id.eq_ignore_ascii_case(domain));
    match known.and_then(|known| Some((known, known.authentication_type.value()?))) {
        Some((known, kind)) if kind.eq_ignore_ascii_case("Federated") => HomeDomain::Federated(&known.id),
        Some((_, kind)) if kind.eq_ignore_ascii_case("Managed") => HomeDomain::Managed,
        _ => HomeDomain::Untold,
    }
}

/// Finds a user's credentials.
pub(super) struct Wallet<'a> {
    /// The tenant.
    pub(super) snapshot: &'a Snapshot,
    /// The settings.
    pub(super) settings: &'a LockoutSettings,
    /// The instant.
    pub(super) now: Timestamp,
    /// Which facts count.
    pub(super) mode: Mode,
    /// The devices that are the user's for sure.
    pub(super) devices: &'a [&'a Device],
}

impl Wallet<'_> {
    /// Everything that a user can sign in with.
    pub(super) fn credentials(&self, user: &User, home: Home<'_>, unknowns: &mut BTreeSet<String>) -> Vec<Credential> {
        let mut offers = self.offers(user, home, unknowns);
        offers.extend(self.issued_pass(user, home, unknowns));
        let mut found = Vec::new();
        let alone = [Modes::PASSWORD, Modes::FEDERATED_SINGLE_FACTOR, Modes::X509_CERTIFICATE_SINGLE_FACTOR];
        let offered = offers.iter().filter(|offer| !offer.is_unknown);
        let offered = offered.fold(Modes::default(), |all, offer| all.with(offer.modes));
        // What nobody offers a part of cannot be brought together.
        let possible = alone.iter().chain(MULTIFACTOR_COMBINATIONS).filter(|one| offered.contains(**one));
        for combination in possible {
            found.extend(combine(*combination, &offers));
        }
        for offer in offers.iter().filter(|offer| offer.is_unknown) {
            let key = CombinationKey { modes: Modes::PASSWORD, model: None, is_unknown: true, is_answered: false };
            found.push(Credential { key, parts: offer.parts.clone(), works_on: WorksOn::Anything });
        }
        found
    }

    /// What each mode needs.
    fn offers(&self, user: &User, home: Home<'_>, unknowns: &mut BTreeSet<String>) -> Vec<Offer> {
        let id = self.snapshot.objects.id(user.key);
        let mut offers = Vec::new();
        if home.is_guest {
            unknowns.insert(format!("the credentials of the guest `{}` are another tenant's", user.name()));
            offers.extend((self.mode == Mode::Possible).then(|| Offer::unknown(id)));
            return offers;
        }
        match home.domain {
            HomeDomain::Managed if home.is_synchronised => {
                offers.push(Offer::of(Modes::PASSWORD, self.synchronised_password(unknowns)));
            }
            HomeDomain::Managed => offers.push(Offer::of(Modes::PASSWORD, vec![Part::Password])),
            HomeDomain::Untold => {}
            HomeDomain::Federated(domain) => {
                let provider = Component::new(Kind::IdentityProvider, domain);
                let own = [provider, Component::fixed(ON_PREMISES_AD)].map(Part::Component);
                let parts: Vec<Part> = std::iter::once(Part::KnownPassword).chain(own).collect();
                if self.mode == Mode::Possible && self.federation_does_mfa(domain) != Trit::No {
                    offers.push(Offer::of(Modes::FEDERATED_MULTI_FACTOR, parts.clone()));
                }
                offers.push(Offer::of(Modes::FEDERATED_SINGLE_FACTOR, parts));
            }
        }
        let supposed = self.settings.supposed.methods.get(&user.key).map_or(&[][..], Vec::as_slice);
        for method in supposed {
            offers.extend(self.of_method(user, method, unknowns));
        }
        let why = self.snapshot.why_methods_unread(user).map(because).unwrap_or_default();
        match &user.detail().authentication_methods {
            Property::Value(methods) => {
                for method in methods {
                    offers.extend(self.of_method(user, method, unknowns));
                }
                if user.detail().are_methods_cut() {
                    unknowns.insert(format!("`authenticationMethods` of `{}` are not all there{why}", user.name()));
                    offers.extend((self.mode == Mode::Possible).then(|| Offer::unknown(id)));
                }
            }
            Property::Absent | Property::Null => {
                unknowns.insert(format!("`authenticationMethods` of `{}` are not in the snapshot{why}", user.name()));
                offers.extend((self.mode == Mode::Possible).then(|| Offer::unknown(id)));
            }
        }
        offers
    }

    fn synchronised_password(&self, unknowns: &mut BTreeSet<String>) -> Vec<Part> {
        let is_hash = match self.settings.on_premises {
            Some(how) => how == OnPremisesAuthentication::PasswordHash,
            None => {
                unknowns.insert(
                    "whether passwords of synchronised users are checked in the cloud is not in the snapshot (set \
                     `on_premises_authentication`)"
                        .to_owned(),
                );
                self.mode == Mode::Possible
            }
        };
        let agents = [ON_PREMISES_PTA_AGENTS, ON_PREMISES_AD].map(|id| Part::Component(Component::fixed(id)));
        let agents = if is_hash { &[][..] } else { &agents };
        std::iter::once(Part::Password).chain(agents.iter().cloned()).collect()
    }

    /// Whether a domain's identity provider does multifactor authentication for the tenant.
    fn federation_does_mfa(&self, domain: &str) -> Trit {
        let configurations = &self.snapshot.federation_configurations;
        let is_of_domain = |one: &&breakglass_model::tenant::GraphObject| {
            ["domainId", "domain", "domainName"]
                .iter()
                .any(|name| one.text(name).is_some_and(|own| own.eq_ignore_ascii_case(domain)))
        };
        let behavior =
            configurations.items().iter().find(is_of_domain).and_then(|one| one.text("federatedIdpMfaBehavior"));
        match behavior {
            Some("acceptIfMfaDoneByFederatedIdp" | "enforceMfaByFederatedIdp") => Trit::Yes,
            Some("rejectMfaByFederatedIdp") => Trit::No,
            Some(_) | None => Trit::Unknown,
        }
    }

    fn of_method(&self, user: &User, method: &AuthenticationMethod, unknowns: &mut BTreeSet<String>) -> Vec<Offer> {
        let Some(id) = method.id.as_deref() else {
            unknowns.insert(format!("a method of `{}` has no id", user.name()));
            return Vec::new();
        };
        let part = Part::Method(id.into());
        let service = |id: &'static str| Part::Component(Component::fixed(id));
        let setting = |id: &str| Part::Component(Component::new(Kind::Policy, &format!("method:{id}")));
        let (mut offers, mut doubts) = (Vec::new(), Vec::new());
        let is_usable: Trit = method.is_usable.into();
        if method.kind() == MethodKind::TemporaryAccessPass && is_usable == Trit::Unknown {
            unknowns.insert(format!("whether the temporary access pass of `{}` can be used", user.name()));
        }
        if let MethodKind::Unknown(kind) = method.kind() {
            unknowns.insert(format!("a method of `{}` is of the kind `{kind}`", user.name()));
        }
        let mut offer = |name: (&'static str, &'static str), modes: Modes, more: &[Part]| {
            let may = self.may_use(user, name, method, unknowns);
            if self.mode.takes(may) {
                let parts = std::iter::once(part.clone()).chain(more.iter().cloned()).collect();
                let model = method.aaguid.as_deref().map(str::to_ascii_lowercase);
                offers.push(Offer { model, ..Offer::of(modes, parts) });
            }
        };
        match method.kind() {
            MethodKind::Fido2 => {
                let verify = Component::fixed("svc:fido-verify");
                let verify = self.settings.fallible.contains(&verify).then_some(Part::Component(verify));
                let more: Vec<Part> = std::iter::once(setting("Fido2")).chain(verify).collect();
                offer(("Fido2", "passkeys"), Modes::FIDO2, &more);
            }
            MethodKind::X509Certificate => {
                let more = [setting("X509Certificate"), service(CERTIFICATE_REVOCATION)];
                for modes in self.certificate_modes() {
                    offer(("X509Certificate", "certificates"), *modes, &more);
                }
            }
            MethodKind::MicrosoftAuthenticator => {
                let more = [setting("MicrosoftAuthenticator"), service(AUTHENTICATOR_PUSH)];
                for modes in self.notification_modes(user, method, &mut doubts) {
                    offer(("MicrosoftAuthenticator", "Microsoft Authenticator"), modes, &more);
                }
            }
            MethodKind::SoftwareOath => {
                offer(("SoftwareOath", "software tokens"), Modes::SOFTWARE_OATH, &[setting("SoftwareOath")]);
            }
            MethodKind::HardwareOath => {
                offer(("HardwareOath", "hardware tokens"), Modes::HARDWARE_OATH, &[setting("HardwareOath")]);
            }
            MethodKind::Phone => {
                if method.modes().contains(Modes::SMS) {
                    offer(("Sms", "text messages"), Modes::SMS, &[setting("Sms"), service(MFA_TELEPHONY)]);
                }
                offer(("Voice", "calls"), Modes::VOICE, &[setting("Voice"), service(MFA_TELEPHONY)]);
            }
            MethodKind::TemporaryAccessPass => {
                let is_over = pass_ends(method).is_some_and(|end| end <= self.now);
                if self.mode.takes(is_usable) && !is_over {
                    offer(("TemporaryAccessPass", "temporary access passes"), method.modes(), &[service(TAP_ENABLED)]);
                }
            }
            MethodKind::WindowsHelloForBusiness | MethodKind::PlatformCredential => {
                let works_on = self.device_of(user, method, &mut doubts);
                unknowns.extend(doubts);
                let own = Offer::of(Modes::WINDOWS_HELLO_FOR_BUSINESS, vec![part.clone()]);
                return vec![Offer { works_on, ..own }];
            }
            MethodKind::Unknown(_) => {
                offers.extend((self.mode == Mode::Possible).then(|| Offer {
                    parts: vec![part.clone()],
                    ..Offer::unknown(self.snapshot.objects.id(user.key))
                }));
            }
            MethodKind::Password | MethodKind::Email | MethodKind::QrCodePin | MethodKind::External => {}
        }
        unknowns.extend(doubts);
        offers
    }

    /// What a certificate is in this tenant: one factor at the least.
    fn certificate_modes(&self) -> &'static [Modes] {
        const ONE: Modes = Modes::X509_CERTIFICATE_SINGLE_FACTOR;
        const SEVERAL: Modes = Modes::X509_CERTIFICATE_MULTI_FACTOR;
        match (certificate_is_multifactor(self.snapshot), self.mode) {
            (Trit::Yes, _) => &[SEVERAL],
            (Trit::Unknown, Mode::Possible) => &[ONE, SEVERAL],
            (Trit::No, _) | (Trit::Unknown, Mode::Promised) => &[ONE],
        }
    }

    /// Which notifications of Microsoft Authenticator a user can answer.
    fn notification_modes(&self, user: &User, method: &AuthenticationMethod, doubts: &mut Vec<String>) -> Vec<Modes> {
        let is_supposed_on = self.settings.supposed.switched_on.contains("MicrosoftAuthenticator");
        let asker = MethodUser { is_supposed_on, ..self.asker(user) };
        let push = match method.is_phone_sign_in_alone() {
            true => Trit::No,
            false => notifications(&asker, "push"),
        };
        let allowed = notifications(&asker, "deviceBasedPush");
        let instead_of_password = allowed.and(Trit::from(method.is_for_phone_sign_in()));
        if push == Trit::Unknown || allowed == Trit::Unknown {
            doubts.push(format!(
                "which notifications of Microsoft Authenticator are allowed to `{}` (`authenticationMode` of its targets)",
                user.name()
            ));
        } else if instead_of_password == Trit::Unknown {
            doubts.push(format!(
                "whether the Microsoft Authenticator of `{}` is registered for phone sign-in (expand `device` of its \
                 method)",
                user.name()
            ));
        }
        let both = [(Modes::MICROSOFT_AUTHENTICATOR_PUSH, push), (Modes::DEVICE_BASED_PUSH, instead_of_password)];
        both.into_iter().filter(|(_, may)| self.mode.takes(*may)).map(|(modes, _)| modes).collect()
    }

    /// The device that Windows Hello or a platform credential is on: the one that it names by id, or else the only one
    /// of the user and the platform that is called as the method is.
    ///
    /// **Source:** the windowsHelloForBusinessAuthenticationMethod and platformCredentialAuthenticationMethod
    /// references: `displayName` is the name of the device on which it is registered.
    fn device_of(&self, user: &User, method: &AuthenticationMethod, doubts: &mut Vec<String>) -> WorksOn {
        if let Some(id) = method.device_id() {
            return WorksOn::Device(id.into());
        }
        let own = match method.kind() {
            MethodKind::PlatformCredential => "macOS",
            _ => "windows",
        };
        let is_called_so = |device: &&&Device| {
            let names = (device.display_name.value(), method.display_name.as_deref());
            platform(device.operating_system.value().map_or("", String::as_str)) == own
                && matches!(names, (Some(name), Some(wanted)) if name.eq_ignore_ascii_case(wanted))
        };
        let mut called_so = self.devices.iter().filter(is_called_so);
        if let (Some(device), None) = (called_so.next(), called_so.next()) {
            return WorksOn::Device(device.id.as_str().into());
        }
        doubts.push(format!(
            "on which device the {} of `{}` is (expand `device` of its method)",
            method.kind().name(),
            user.name()
        ));
        WorksOn::SomeDevice(own)
    }

    fn asker(&self, user: &User) -> MethodUser<'_> {
        MethodUser {
            snapshot: self.snapshot,
            user: Some(user.key),
            now: self.now,
            certificate_days_left_min: 0,
            is_supposed_on: false,
        }
    }

    /// Whether the methods policy lets a user use a method.
    fn may_use(
        &self,
        user: &User,
        name: (&'static str, &'static str),
        method: &AuthenticationMethod,
        unknowns: &mut BTreeSet<String>,
    ) -> Trit {
        let is_supposed_on = self.settings.supposed.switched_on.contains(name.0);
        match permitted(&MethodUser { is_supposed_on, ..self.asker(user) }, name, method) {
            Use::Allowed | Use::Ending(_) => Trit::Yes,
            Use::Refused(_) => Trit::No,
            Use::Unclear(why) => {
                unknowns.insert(format!("`{}`: {why}", user.name()));
                Trit::Unknown
            }
        }
    }

    /// A pass that somebody issues, if the policy lets the user have one.
    fn issued_pass(&self, user: &User, home: Home<'_>, unknowns: &mut BTreeSet<String>) -> Option<Offer> {
        if home.is_guest || home.domain != HomeDomain::Managed {
            return None;
        }
        let nothing = AuthenticationMethod::default();
        let name = ("TemporaryAccessPass", "temporary access passes");
        let may = self.may_use(user, name, &nothing, unknowns);
        let enabled = Part::Component(Component::fixed(TAP_ENABLED));
        self.mode.takes(may).then(|| Offer::of(Modes::TEMPORARY_ACCESS_PASS_ONE_TIME, vec![Part::IssuedPass, enabled]))
    }
}

/// When a temporary access pass ends, as far as the export says.
pub(super) fn pass_ends(method: &AuthenticationMethod) -> Option<Timestamp> {
    let written = |name: &str| method.rest.get(name);
    let start: Timestamp = written("startDateTime")?.as_str()?.parse().ok()?;
    let minutes = written("lifetimeInMinutes")?.as_i64()?;
    start.checked_add(jiff::SignedDuration::from_mins(minutes)).ok()
}

/// Something that gives a mode.
#[derive(Debug, Clone)]
struct Offer {
    modes: Modes,
    model: Option<String>,
    parts: Vec<Part>,
    works_on: WorksOn,
    is_unknown: bool,
}

impl Offer {
    fn of(modes: Modes, parts: Vec<Part>) -> Self {
        Self { modes, model: None, parts, works_on: WorksOn::Anything, is_unknown: false }
    }

    /// A method of which nothing is known.
    fn unknown(user: &str) -> Self {
        let component = Component::new(Kind::Method, &format!("{user}#unknown"));
        Self { is_unknown: true, ..Self::of(Modes::default(), vec![Part::Component(component)]) }
    }
}

/// Every way to bring a combination together.
fn combine(combination: Modes, offers: &[Offer]) -> Vec<Credential> {
    let empty = Credential {
        key: CombinationKey { modes: Modes::default(), model: None, is_unknown: false, is_answered: false },
        parts: Vec::new(),
        works_on: WorksOn::Anything,
    };
    let mut found = vec![empty];
    // A combination has two modes at the most, each an offer of its own.
    while let Some(open) = found.iter().position(|one| one.key.modes != combination) {
        let begun = found.swap_remove(open);
        let wanted = |offer: &&Offer| {
            !offer.is_unknown
                && combination.contains(offer.modes)
                && !offer.modes.is_empty()
                && offer.modes.intersection(begun.key.modes).is_empty()
        };
        // Only the first mode that is wanting, so that each pair is met once.
        let Some(first) = combination.members().find(|mode| !begun.key.modes.contains(*mode)) else { continue };
        for offer in offers.iter().filter(wanted).filter(|offer| offer.modes.contains(first)) {
            let mut parts = begun.parts.clone();
            parts.extend(offer.parts.iter().cloned());
            parts.sort();
            parts.dedup();
            found.push(Credential {
                key: CombinationKey {
                    modes: begun.key.modes.with(offer.modes),
                    model: begun.key.model.clone().or_else(|| offer.model.clone()),
                    is_unknown: false,
                    is_answered: false,
                },
                parts,
                works_on: if begun.works_on.is_anything() { offer.works_on.clone() } else { begun.works_on.clone() },
            });
        }
    }
    found
}
