//! What a person can do: the combinations of authentication methods that a user has, and which demands they meet.
//!
//! **Invariant:** an authentication method that cannot be read is not assumed to be there; a list of methods that
//! is absent makes every answer about it unknown.

use breakglass_model::authentication_method::{AuthenticationMethod, AuthenticationMethodKind};
use breakglass_model::policy::ConditionalAccessPolicy;
use breakglass_model::property::Property;
use breakglass_model::snapshot::Snapshot;
use breakglass_model::strength::{
    CombinationConfiguration, MULTIFACTOR_COMBINATIONS, Modes, PHISHING_RESISTANT_COMBINATIONS,
};
use breakglass_model::user::{User, UserRegistrationDetails};

use super::demand::{Control, Demand, has_unread_combination, strength_combinations, strength_configurations};
use super::trit::Trit;

/// Methods of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Methods {
    /// Modes that the registered methods give; a password is always among them for cloud accounts.
    pub modes: Modes,
    /// Whether the list of methods is in the snapshot.
    pub is_known: bool,
    /// Whether a method is of a kind that this version does not know, or the list is not all there.
    pub has_unknown: bool,
    /// Authenticator models (AAGUIDs) of the passkeys, in lower case; `None` for one whose model was not exported.
    pub passkey_models: Vec<Option<String>>,
}

impl Methods {
    /// Reads a user's registered methods.
    #[must_use]
    pub fn of(user: &User) -> Self {
        match &user.detail().authentication_methods {
            Property::Absent | Property::Null => {
                user.detail().user_registration_details.value().map_or_else(Self::unknown, Self::of_report)
            }
            Property::Value(methods) => {
                let own = Self::of_methods(methods);
                let is_cut = user.detail().are_methods_cut();
                Self { has_unknown: own.has_unknown || is_cut, ..own }
            }
        }
    }

    /// A password, and whatever else may be registered.
    #[must_use]
    pub const fn unknown() -> Self {
        Self { modes: Modes::PASSWORD, is_known: false, has_unknown: true, passkey_models: Vec::new() }
    }

    /// A password, what the report of registrations names, and whatever else may be registered.
    #[must_use]
    pub fn of_report(report: &UserRegistrationDetails) -> Self {
        let passkey_models = if report.has_passkey() { vec![None] } else { Vec::new() };
        Self { modes: Modes::PASSWORD.with(report.modes()), passkey_models, ..Self::unknown() }
    }

    /// A password and these methods.
    #[must_use]
    pub fn of_methods(methods: &[AuthenticationMethod]) -> Self {
        let passkeys = methods.iter().filter(|method| method.kind() == AuthenticationMethodKind::Fido2);
        Self {
            modes: methods.iter().fold(Modes::PASSWORD, |modes, method| modes.with(method.modes())),
            is_known: true,
            has_unknown: methods.iter().any(|method| matches!(method.kind(), AuthenticationMethodKind::Unknown(_))),
            passkey_models: passkeys.map(|method| method.aaguid.as_deref().map(str::to_ascii_lowercase)).collect(),
        }
    }

    /// Whether one of some combinations is at hand.
    #[must_use]
    pub fn meet(&self, combinations: &[Modes]) -> Trit {
        if combinations.iter().any(|combination| self.modes.contains(*combination)) {
            Trit::Yes
        } else if self.has_unknown || !self.is_known {
            Trit::Unknown
        } else {
            Trit::No
        }
    }

    /// Whether one configuration of a strength leaves a combination to these methods.
    fn meet_restriction(&self, configuration: &CombinationConfiguration, combination: Modes) -> Trit {
        match configuration.restricts(combination) {
            Some(false) => Trit::Yes,
            Some(true) => self.meet_configuration(configuration),
            None if !is_restrictable(combination) => Trit::Yes,
            None => self.meet_configuration(configuration).or(Trit::Unknown),
        }
    }

    /// Whether a registered method is what a strength's configuration asks for. Of certificates the methods say
    /// nothing that could be compared.
    fn meet_configuration(&self, configuration: &CombinationConfiguration) -> Trit {
        let allowed = configuration.allowed_aaguids.value().map_or(&[][..], Vec::as_slice);
        if allowed.is_empty() || !self.is_known {
            return Trit::Unknown;
        }
        let each = self.passkey_models.iter().map(|model| match model {
            Some(model) => allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(model)).into(),
            None => Trit::Unknown,
        });
        each.max().unwrap_or(Trit::No).or(if self.has_unknown { Trit::Unknown } else { Trit::No })
    }

    /// Whether multifactor authentication is possible.
    #[must_use]
    pub fn meet_mfa(&self) -> Trit {
        self.meet(MULTIFACTOR_COMBINATIONS)
    }

    /// Whether phishing-resistant authentication is possible.
    #[must_use]
    pub fn meet_phishing_resistant(&self) -> Trit {
        self.meet(PHISHING_RESISTANT_COMBINATIONS)
    }
}

/// Whether a person with these methods, on an unmanaged device, can meet one control.
#[must_use]
pub fn control_is_met(
    snapshot: &Snapshot,
    policy: &ConditionalAccessPolicy,
    control: &Control,
    methods: &Methods,
) -> Trit {
    match control {
        Control::Mfa => methods.meet_mfa(),
        // A secure password change demands multifactor authentication first.
        Control::PasswordChange | Control::RiskRemediation => methods.meet_mfa(),
        Control::AuthenticationStrength(id) => strength_is_met(snapshot, policy, id, methods),
        Control::CompliantDevice | Control::DomainJoinedDevice => Trit::No,
        Control::ApprovedApplication | Control::CompliantApplication => Trit::No,
        // Somebody has to read and accept; an external provider may be down: not promised.
        Control::TermsOfUse(_) | Control::Custom(_) | Control::Unknown(_) => Trit::Unknown,
    }
}

/// Whether these methods satisfy a strength: one of its combinations is at hand and meets what the strength asks of
/// it besides, such as a passkey of a listed model.
fn strength_is_met(snapshot: &Snapshot, policy: &ConditionalAccessPolicy, id: &str, methods: &Methods) -> Trit {
    strength_is_met_by(snapshot, policy, id, methods, |_| true)
}

/// Whether one combination of authentication methods, and nothing else, meets a control, on an unmanaged device.
pub(crate) fn control_is_met_by(
    snapshot: &Snapshot,
    policy: &ConditionalAccessPolicy,
    control: &Control,
    methods: &Methods,
) -> Trit {
    match control {
        Control::AuthenticationStrength(id) if !methods.has_unknown => {
            strength_is_met_by(snapshot, policy, id, methods, |combination| combination == methods.modes)
        }
        control => control_is_met(snapshot, policy, control, methods),
    }
}

fn strength_is_met_by(
    snapshot: &Snapshot,
    policy: &ConditionalAccessPolicy,
    id: &str,
    methods: &Methods,
    is_used: impl Fn(Modes) -> bool,
) -> Trit {
    let Ok(combinations) = strength_combinations(snapshot, policy, id) else { return Trit::Unknown };
    let configurations = strength_configurations(snapshot, policy, id);
    let each = combinations.iter().filter(|combination| is_used(**combination)).map(|combination| {
        let restrictions = match configurations {
            None if is_restrictable(*combination) => Trit::Unknown,
            None => Trit::Yes,
            Some(all) => all.iter().map(|one| methods.meet_restriction(one, *combination)).min().unwrap_or(Trit::Yes),
        };
        methods.meet(&[*combination]).and(restrictions)
    });
    let otherwise = if has_unread_combination(snapshot, policy, id) { Trit::Unknown } else { Trit::No };
    each.max().unwrap_or(Trit::No).or(otherwise)
}

/// Whether a strength can narrow a combination down: only passkeys and certificates come in models and issuers.
fn is_restrictable(combination: Modes) -> bool {
    [Modes::FIDO2, Modes::X509_CERTIFICATE_MULTI_FACTOR, Modes::X509_CERTIFICATE_SINGLE_FACTOR]
        .into_iter()
        .any(|mode| combination.contains(mode))
}

/// Whether a person with these methods, on an unmanaged device, can meet a whole demand.
#[must_use]
pub fn demand_is_met(
    snapshot: &Snapshot,
    policy: &ConditionalAccessPolicy,
    demand: &Demand,
    methods: &Methods,
) -> Trit {
    let each = |controls: &[Control]| -> Vec<Trit> {
        controls.iter().map(|control| control_is_met(snapshot, policy, control, methods)).collect()
    };
    match demand {
        Demand::Nothing => Trit::Yes,
        Demand::Block => Trit::No,
        Demand::Unknown(_) => Trit::Unknown,
        Demand::All(controls) => each(controls).into_iter().min().unwrap_or(Trit::Yes),
        Demand::Any(controls) => each(controls).into_iter().max().unwrap_or(Trit::Yes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymous::read;

    fn methods(user: &str) -> Methods {
        let json = format!(r#"{{"format":"breakglass-snapshot/1","users":[{{"id":"a",{user}}}]}}"#);
        let snapshot = read(&serde_json::from_str(&json).unwrap()).unwrap();
        Methods::of(snapshot.find_user("a").unwrap())
    }

    #[test]
    fn a_report_says_what_is_there_and_never_what_is_not() {
        let report = |names: &str| methods(&format!(r#""userRegistrationDetails":{{"methodsRegistered":{names}}}"#));
        let meets = |methods: &Methods| (methods.meet_mfa(), methods.meet_phishing_resistant());
        assert_eq!(meets(&report(r#"["softwareOneTimePasscode"]"#)), (Trit::Yes, Trit::Unknown));
        assert_eq!(meets(&report(r#"["passKeyDeviceBound"]"#)), (Trit::Yes, Trit::Yes));
        assert_eq!(meets(&report("[]")), (Trit::Unknown, Trit::Unknown));
        assert!(!report(r#"["mobilePhone"]"#).is_known);
        // Of which model a passkey is, the report does not say.
        assert_eq!(report(r#"["passKeyDeviceBound"]"#).passkey_models, [None]);
    }

    #[test]
    fn methods_that_were_read_count_for_more_than_a_report() {
        let own = r#""authenticationMethods":[],"userRegistrationDetails":{"methodsRegistered":["mobilePhone"]}"#;
        let found = methods(own);
        assert_eq!((found.modes, found.is_known, found.meet_mfa()), (Modes::PASSWORD, true, Trit::No));
    }
}
