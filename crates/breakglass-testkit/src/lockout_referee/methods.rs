//! Which combinations somebody can sign in with, and what each needs.

#![expect(
    clippy::indexing_slicing,
    reason = "people, tools, devices, points and facts are numbered by the tables they lie in"
)]

use std::collections::BTreeSet;

use breakglass_model::authentication_method::{AuthenticationMethod, AuthenticationMethodKind as Kind};
use breakglass_model::property::Property;
use breakglass_model::tenant::{AuthenticationMethodConfiguration, KeyRestrictions, MethodTarget};

use super::sign_ins::{platform as platform_of, whose};
use super::{LockoutReferee, Mode};
use crate::referee::Answer;

/// Combinations that count as multifactor authentication.
const MULTIFACTOR: [&[&str]; 19] = [
    &["windowsHelloForBusiness"],
    &["fido2"],
    &["x509CertificateMultiFactor"],
    &["deviceBasedPush"],
    &["temporaryAccessPassOneTime"],
    &["temporaryAccessPassMultiUse"],
    &["password", "microsoftAuthenticatorPush"],
    &["password", "softwareOath"],
    &["password", "hardwareOath"],
    &["password", "x509CertificateSingleFactor"],
    &["password", "x509CertificateMultiFactor"],
    &["password", "sms"],
    &["password", "voice"],
    &["federatedMultiFactor"],
    &["microsoftAuthenticatorPush", "federatedSingleFactor"],
    &["softwareOath", "federatedSingleFactor"],
    &["hardwareOath", "federatedSingleFactor"],
    &["sms", "federatedSingleFactor"],
    &["voice", "federatedSingleFactor"],
];
const SINGLE_FACTOR: [&[&str]; 3] = [&["password"], &["federatedSingleFactor"], &["x509CertificateSingleFactor"]];

/// One way to prove who one is.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Proof {
    /// The combination, as Graph writes it.
    pub(super) combination: String,
    pub(super) is_multifactor: bool,
    /// Components.
    pub(super) needs: BTreeSet<String>,
    /// Whether the password of a managed domain is in it.
    pub(super) has_password: bool,
    /// Whether the envelope of the password is opened for it, but a new password does not do.
    pub(super) has_federated_password: bool,
    /// Whether a pass that somebody issues is in it.
    pub(super) has_issued_pass: bool,
    /// Registered methods in it, by id.
    pub(super) methods: BTreeSet<String>,
    /// Model of the passkey in it.
    pub(super) passkey_model: Option<String>,
    /// The registered device that it is kept on, if it is kept on one.
    pub(super) kept_on: Option<KeptOn>,
}

/// The device that a method is kept on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeptOn {
    /// Which one, if that is told.
    pub(super) device: Option<String>,
    /// The platform of such devices.
    pub(super) platform: &'static str,
}

impl Proof {
    fn with(&self, other: &Self) -> Self {
        Self {
            combination: self.combination.clone(),
            is_multifactor: self.is_multifactor,
            needs: self.needs.union(&other.needs).cloned().collect(),
            has_password: self.has_password || other.has_password,
            has_federated_password: self.has_federated_password || other.has_federated_password,
            has_issued_pass: self.has_issued_pass || other.has_issued_pass,
            methods: self.methods.union(&other.methods).cloned().collect(),
            passkey_model: self.passkey_model.clone().or_else(|| other.passkey_model.clone()),
            kept_on: self.kept_on.clone().or_else(|| other.kept_on.clone()),
        }
    }
}

fn needing(needs: impl IntoIterator<Item = String>) -> Proof {
    Proof { needs: needs.into_iter().collect(), ..Proof::default() }
}

impl LockoutReferee<'_> {
    /// Every way in which somebody can prove who they are.
    pub(super) fn proofs(&self, person: usize, mode: Mode) -> Vec<Proof> {
        let single = SINGLE_FACTOR.iter().map(|modes| (*modes, false));
        let multi = MULTIFACTOR.iter().map(|modes| (*modes, true));
        let mut proofs = Vec::new();
        for (modes, is_multifactor) in single.chain(multi) {
            let combination = modes.join(",");
            let mut built = vec![Proof { combination, is_multifactor, ..Proof::default() }];
            for one in modes {
                let alternatives = self.alternatives(person, one, mode);
                built = built.iter().flat_map(|proof| alternatives.iter().map(|other| proof.with(other))).collect();
            }
            proofs.extend(built);
        }
        proofs
    }

    /// What gives a mode: each of these does.
    fn alternatives(&self, person: usize, wanted: &str, mode: Mode) -> Vec<Proof> {
        let someone = &self.people[person];
        let id = someone.id;
        let unknown_method = || needing([format!("method:{id}#unknown")]);
        if mode.fears(someone.is_guest) {
            return if mode == Mode::Possible { vec![unknown_method()] } else { Vec::new() };
        }
        let mut alternatives = self.password(person, wanted, mode);
        if wanted == "temporaryAccessPassOneTime" && !self.pass_issuers(person, mode).is_empty() {
            let pass = needing(["policy:tap-enabled".to_owned()]);
            alternatives.push(Proof { has_issued_pass: true, ..pass });
        }
        let detail = someone.user.detail();
        match &detail.authentication_methods {
            Property::Value(methods) => {
                alternatives.extend(methods.iter().filter_map(|method| self.method(person, method, wanted, mode)));
                if mode == Mode::Possible && detail.are_methods_cut() {
                    alternatives.push(unknown_method());
                }
            }
            Property::Absent | Property::Null if mode == Mode::Possible => alternatives.push(unknown_method()),
            Property::Absent | Property::Null => {}
        }
        alternatives
    }

    fn password(&self, person: usize, wanted: &str, mode: Mode) -> Vec<Proof> {
        let someone = &self.people[person];
        let (is_federated, is_managed) = match (someone.is_federated, mode) {
            (Answer::Yes, _) => (true, false),
            (Answer::No, _) | (Answer::Unknown, Mode::Possible) => (false, true),
            (Answer::Unknown, Mode::Promised) => (false, false),
        };
        let domain = someone.domain.unwrap_or_default();
        let federated = || Proof {
            has_federated_password: true,
            ..needing([format!("password:{}", someone.id), format!("idp:{domain}"), "onprem:ad".to_owned()])
        };
        match wanted {
            "password" if is_managed => vec![Proof { has_password: true, ..Proof::default() }],
            "federatedSingleFactor" if is_federated => vec![federated()],
            "federatedMultiFactor" if is_federated && mode == Mode::Possible && !self.is_idp_refused(domain) => {
                vec![federated()]
            }
            _ => Vec::new(),
        }
    }

    /// Whether Entra does not take the identity provider's word for multifactor authentication.
    fn is_idp_refused(&self, domain: &str) -> bool {
        self.snapshot.federation_configurations.items().iter().any(|configuration| {
            let named = ["domainId", "domain", "domainName"].iter().find_map(|name| configuration.text(name));
            named.is_some_and(|named| named.eq_ignore_ascii_case(domain))
                && configuration.text("federatedIdpMfaBehavior") == Some("rejectMfaByFederatedIdp")
        })
    }

    /// What a registered method contributes to a mode, if anything.
    fn method(&self, person: usize, method: &AuthenticationMethod, wanted: &str, mode: Mode) -> Option<Proof> {
        let id = method.id.as_deref()?;
        let own = format!("method:{}#{id}", self.people[person].id);
        let proof = |needs: &[&str]| Proof {
            methods: [id.to_owned()].into(),
            ..needing(std::iter::once(own.clone()).chain(needs.iter().map(|need| (*need).to_owned())))
        };
        let setting = |configuration: &str, others: &[&str]| {
            let policy = format!("policy:method:{configuration}");
            let needs: Vec<&str> = others.iter().copied().chain([policy.as_str()]).collect();
            mode.has(self.may_use(person, configuration)).then(|| proof(&needs))
        };
        match (method.kind(), wanted) {
            (Kind::Fido2, "fido2") => {
                let is_allowed = self.is_model_allowed(method.aaguid.as_deref());
                let passkey = setting("Fido2", &[]).filter(|_| mode.has(is_allowed))?;
                Some(Proof { passkey_model: method.aaguid.clone(), ..passkey })
            }
            (Kind::X509Certificate, "x509CertificateMultiFactor" | "x509CertificateSingleFactor") => {
                let is_multifactor = self.are_certificates_multifactor();
                // Of what cannot be told there is at least the one factor.
                let is_so = match (wanted, is_multifactor) {
                    ("x509CertificateMultiFactor", is_multifactor) => mode.has(is_multifactor),
                    (_, is_multifactor) => is_multifactor != Answer::Yes,
                };
                setting("X509Certificate", &["svc:cba-crl"]).filter(|_| is_so && mode.has(self.are_authorities_good()))
            }
            (Kind::WindowsHelloForBusiness, "windowsHelloForBusiness") => {
                Some(Proof { kept_on: Some(self.kept_on(person, method, "windows")), ..proof(&[]) })
            }
            (Kind::PlatformCredential, "windowsHelloForBusiness") => {
                Some(Proof { kept_on: Some(self.kept_on(person, method, "macOS")), ..proof(&[]) })
            }
            (Kind::MicrosoftAuthenticator, "microsoftAuthenticatorPush") => {
                let is_old = method.odata_type.as_deref().is_some_and(|kind| kind.contains("passwordless"));
                let may = self.answers(person, "push");
                setting("MicrosoftAuthenticator", &["svc:authenticator-push"]).filter(|_| !is_old && mode.has(may))
            }
            (Kind::MicrosoftAuthenticator, "deviceBasedPush") => {
                let is_old = method.odata_type.as_deref().is_some_and(|kind| kind.contains("passwordless"));
                let is_registered = match method.rest.get("device") {
                    _ if is_old => Answer::Yes,
                    None => Answer::Unknown,
                    Some(device) => Answer::of(!device.is_null()),
                };
                let may = self.answers(person, "deviceBasedPush").and(is_registered);
                setting("MicrosoftAuthenticator", &["svc:authenticator-push"]).filter(|_| mode.has(may))
            }
            (Kind::SoftwareOath, "softwareOath") => setting("SoftwareOath", &[]),
            (Kind::HardwareOath, "hardwareOath") => setting("HardwareOath", &[]),
            (Kind::Phone, "voice") => setting("Voice", &["svc:mfa-telephony"]),
            (Kind::Phone, "sms") if !matches!(method.phone_type.as_deref(), Some("office" | "alternateMobile")) => {
                setting("Sms", &["svc:mfa-telephony"])
            }
            (Kind::TemporaryAccessPass, "temporaryAccessPassOneTime") if method.is_usable_once == Some(true) => {
                self.pass(person, method, mode).then(|| proof(&["policy:tap-enabled"]))
            }
            (Kind::TemporaryAccessPass, "temporaryAccessPassMultiUse") if method.is_usable_once != Some(true) => {
                self.pass(person, method, mode).then(|| proof(&["policy:tap-enabled"]))
            }
            // It may be anything.
            (Kind::Unknown(_), _) if mode == Mode::Possible => Some(proof(&[])),
            _ => None,
        }
    }

    /// The device that a method is kept on: the one it names, else the only one of its person that is called so.
    fn kept_on(&self, person: usize, method: &AuthenticationMethod, platform: &'static str) -> KeptOn {
        let named = method.rest.get("device").and_then(|device| device.get("id")).and_then(serde_json::Value::as_str);
        let mut called_so = BTreeSet::new();
        for device in self.snapshot.devices.items() {
            if whose(device, self.people[person].id) == Answer::Yes
                && platform_of(device) == platform
                && let (Some(name), Some(wanted)) = (device.display_name.value(), &method.display_name)
                && name.eq_ignore_ascii_case(wanted)
            {
                called_so.insert(device.id.to_string());
            }
        }
        let only = called_so.first().filter(|_| called_so.len() == 1).cloned();
        KeptOn { device: named.map(str::to_owned).or(only), platform }
    }

    /// Whether the targets of Microsoft Authenticator let somebody answer notifications of a kind.
    fn answers(&self, person: usize, kind: &str) -> Answer {
        let own = self.configuration("MicrosoftAuthenticator");
        let targets = own.and_then(|own| own.include_targets.value()).into_iter().flatten();
        let of_person = targets.filter(|target| self.is_target(person, &target.id) != Answer::No);
        let answers: BTreeSet<Answer> = of_person
            .map(|target| match target.rest.get("authenticationMode").and_then(serde_json::Value::as_str) {
                Some(mode) if mode == "any" || mode == kind => Answer::Yes,
                Some("push" | "deviceBasedPush") => Answer::No,
                _ => Answer::Unknown,
            })
            .collect();
        if answers.len() == 1 { answers.into_iter().next().unwrap_or(Answer::Unknown) } else { Answer::Unknown }
    }

    /// Whether a certificate is more than one factor.
    fn are_certificates_multifactor(&self) -> Answer {
        let own = self.configuration("X509Certificate");
        let Some(modes) = own.and_then(|own| own.rest.get("authenticationModeConfiguration")) else {
            return Answer::Unknown;
        };
        let mut written = vec![modes.get("x509CertificateAuthenticationDefaultMode")];
        match modes.get("rules") {
            None => return Answer::Unknown,
            Some(serde_json::Value::Null) => {}
            Some(rules) => {
                for rule in rules.as_array().into_iter().flatten() {
                    written.push(rule.get("x509CertificateAuthenticationMode"));
                }
            }
        }
        let texts: Vec<Option<&str>> = written.into_iter().map(|one| one.and_then(serde_json::Value::as_str)).collect();
        if texts.iter().all(|text| *text == Some("x509CertificateMultiFactor")) {
            Answer::Yes
        } else if texts.iter().all(|text| *text == Some("x509CertificateSingleFactor")) {
            Answer::No
        } else {
            Answer::Unknown
        }
    }

    /// Whether there are certificate authorities, none of which has expired.
    fn are_authorities_good(&self) -> Answer {
        let organization = self.snapshot.organization.as_present();
        let configured = organization.and_then(|one| one.rest.get("certificateBasedAuthConfiguration"));
        let Some(configured) = configured.and_then(serde_json::Value::as_array) else { return Answer::Unknown };
        let mut count = 0;
        for one in configured {
            let Some(authorities) = one.get("certificateAuthorities") else { return Answer::Unknown };
            for authority in authorities.as_array().into_iter().flatten() {
                count += 1;
                let end = authority.get("expirationDateTime").and_then(serde_json::Value::as_str);
                match end.and_then(|end| end.parse::<jiff::Timestamp>().ok()) {
                    None => return Answer::Unknown,
                    Some(end) if end <= self.settings.now => return Answer::No,
                    Some(_) => {}
                }
            }
        }
        Answer::of(count > 0)
    }

    fn pass(&self, person: usize, method: &AuthenticationMethod, mode: Mode) -> bool {
        let is_usable = method.is_usable.map_or(Answer::Unknown, Answer::of);
        mode.has(is_usable.and(self.may_use(person, "TemporaryAccessPass")))
    }

    /// What the methods policy says of a kind of methods, if it says anything.
    fn configuration(&self, id: &str) -> Option<&AuthenticationMethodConfiguration> {
        let policy = self.snapshot.authentication_methods_policy.as_present()?;
        policy.authentication_method_configurations.iter().find(|one| one.id.eq_ignore_ascii_case(id))
    }

    /// Whether the methods policy lets somebody use methods of a kind.
    pub(super) fn may_use(&self, person: usize, configuration: &str) -> Answer {
        let Some(own) = self.configuration(configuration) else { return Answer::Unknown };
        let state = match own.state.as_deref() {
            Some("enabled") => Answer::Yes,
            Some("disabled") => return Answer::No,
            _ => Answer::Unknown,
        };
        let target = |targets: &Property<Vec<MethodTarget>>| match targets {
            Property::Absent => Answer::Unknown,
            Property::Null => Answer::No,
            Property::Value(list) => Answer::any(list.iter().map(|target| self.is_target(person, &target.id))),
        };
        state.and(target(&own.include_targets)).without(target(&own.exclude_targets))
    }

    fn is_target(&self, person: usize, id: &str) -> Answer {
        let person = &self.people[person];
        if id == "all_users" {
            return Answer::Yes;
        }
        self.referee().is_principal(id, (person.id, Some(person.key)))
    }

    /// Whether the methods policy lets a passkey of this model be used.
    fn is_model_allowed(&self, model: Option<&str>) -> Answer {
        let own = self.configuration("Fido2");
        match own.map(|own| &own.key_restrictions) {
            None | Some(Property::Absent) => Answer::Unknown,
            Some(Property::Null) => Answer::Yes,
            Some(Property::Value(restrictions)) => restricted(restrictions, model),
        }
    }
}

fn restricted(restrictions: &KeyRestrictions, model: Option<&str>) -> Answer {
    match restrictions.is_enforced {
        Some(false) => return Answer::Yes,
        Some(true) => {}
        None => return Answer::Unknown,
    }
    let Some(listed) = restrictions.aaguids.known() else { return Answer::Unknown };
    let Some(model) = model else { return Answer::Unknown };
    let is_listed = listed.into_iter().flatten().any(|listed| listed.eq_ignore_ascii_case(model));
    match restrictions.enforcement_type.as_deref() {
        Some("allow") => Answer::of(is_listed),
        Some("block") => Answer::of(!is_listed),
        _ => Answer::Unknown,
    }
}
