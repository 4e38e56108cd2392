//! What somebody has shown: the modes of authentication used so far, and what they amount to.

use breakglass_engine::access::Access;
use breakglass_engine::access::demand::{Control, Demand, strength_combinations};
use breakglass_model::snapshot::Snapshot;
use breakglass_model::strength::{MULTIFACTOR_COMBINATIONS, Modes};

use super::Given;

/// Modes of a temporary access pass.
const PASSES: [Modes; 2] = [Modes::TEMPORARY_ACCESS_PASS_ONE_TIME, Modes::TEMPORARY_ACCESS_PASS_MULTI_USE];

/// Whether this is multifactor authentication.
pub(crate) fn is_multifactor(modes: Modes) -> bool {
    MULTIFACTOR_COMBINATIONS.iter().any(|combination| modes.contains(*combination))
}

/// The claim `amr`.
///
/// **Source:** the access token claims reference: `pwd`, `fido`, `rsa`, `otp`, `mfa`.
pub(crate) fn amr(modes: Modes) -> Vec<&'static str> {
    let words = [
        (Modes::PASSWORD, "pwd"),
        (Modes::FIDO2, "fido"),
        (Modes::X509_CERTIFICATE_MULTI_FACTOR, "rsa"),
        (PASSES[0], "tap"),
        (PASSES[1], "tap"),
    ];
    let mut amr: Vec<&str> =
        words.into_iter().filter(|(mode, _)| modes.contains(*mode)).map(|(_, word)| word).collect();
    if is_multifactor(modes) {
        amr.push("mfa");
    }
    amr.dedup();
    amr
}

/// Which of the controls that policies ask for are met by these modes, by what was given besides, and by terms of use that
/// were accepted once.
///
/// A combination of a strength that is restricted further (certain models of keys, certain issuers) is taken for not
/// met: nothing here knows the model.
pub(super) fn met(
    access: &Access<'_>,
    snapshot: &Snapshot,
    (modes, gives): (Modes, Given),
    accepted: impl Fn(&str) -> bool,
) -> Vec<Control> {
    let mut met = Vec::new();
    // Who has a new password, chosen after more than the old one was shown, is at risk no more.
    if gives.new_password && is_multifactor(modes) {
        met.extend([Control::PasswordChange, Control::RiskRemediation]);
    }
    if is_multifactor(modes) {
        met.push(Control::Mfa);
    }
    for policy in access.policies() {
        let demand = Demand::of(policy);
        for control in demand.controls() {
            if let Control::TermsOfUse(id) = control
                && (gives.terms || accepted(id))
            {
                met.push(control.clone());
            }
            let Control::AuthenticationStrength(id) = control else { continue };
            let combinations = strength_combinations(snapshot, policy, id).unwrap_or_default();
            let own = policy.grant_controls.as_ref().and_then(|grant| grant.authentication_strength.as_ref());
            let listed = snapshot.authentication_strength_policies.items().iter();
            let listed = listed.filter(|strength| strength.id.as_ref().is_some_and(|known| known.as_str() == id));
            let is_restricted = own.into_iter().chain(listed).any(|strength| {
                strength.combination_configurations.value().is_some_and(|configurations| !configurations.is_empty())
            });
            if !is_restricted && combinations.iter().any(|combination| modes.contains(*combination)) {
                met.push(control.clone());
            }
        }
    }
    met
}

#[cfg(test)]
mod tests {
    use breakglass_model::strength::Modes;

    use super::{amr, is_multifactor};

    #[test]
    fn amr_says_what_was_used() {
        let cases: [(Modes, &[&str]); 6] = [
            (Modes::PASSWORD, &["pwd"]),
            (Modes::PASSWORD.with(Modes::SOFTWARE_OATH), &["pwd", "mfa"]),
            (Modes::SOFTWARE_OATH, &[]),
            (Modes::FIDO2, &["fido", "mfa"]),
            (Modes::TEMPORARY_ACCESS_PASS_ONE_TIME, &["tap", "mfa"]),
            (Modes::TEMPORARY_ACCESS_PASS_ONE_TIME.with(Modes::TEMPORARY_ACCESS_PASS_MULTI_USE), &["tap", "mfa"]),
        ];
        for (modes, expected) in cases {
            assert_eq!(amr(modes), expected, "{modes}");
        }
        assert!(!is_multifactor(Modes::PASSWORD));
    }
}
