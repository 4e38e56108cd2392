//! Whether a policy's demand is met, by whom it is met, and what has to be up for it.

use breakglass_model::policy::{
    ConditionalAccessGrantControl as Grant, ConditionalAccessGrantControls, ConditionalAccessPolicy, GrantOperator,
    known_after_apply,
};
use breakglass_model::property;
use breakglass_model::strength::{
    AuthenticationStrengthPolicy, BUILT_IN_STRENGTHS, Combination, CombinationConfiguration, Modes,
};

use super::methods::Proof;
use super::sign_ins::DeviceChoice;
use super::{LockoutReferee, Mode};
use crate::referee::{Answer, has_strange_session};

/// How one control stands.
enum Control {
    /// Met or not, or nobody knows.
    Is(Answer),
    /// Met if this component is up.
    Needs(String),
}

/// What a demand comes to: one of each of these lists must be up; `None` if nothing helps.
pub(super) type Clauses = Option<Vec<Vec<String>>>;

/// How somebody stands before a demand.
#[derive(Debug, Clone, Copy)]
pub(super) enum Means<'p> {
    /// With a proof of who they are.
    Proof(&'p Proof),
    /// With every prompt answered already.
    Answered,
}

/// Whether what was answered an hour ago has to be answered again.
fn is_asked_again(policy: &ConditionalAccessPolicy) -> bool {
    let Some(written) = policy.source.pointer("/sessionControls/signInFrequency") else { return false };
    let text = |name: &str| written.get(name).and_then(serde_json::Value::as_str);
    let hours = written.get("value").and_then(serde_json::Value::as_u64);
    written.get("isEnabled").and_then(serde_json::Value::as_bool) == Some(true)
        && (text("frequencyInterval") == Some("everyTime")
            || (text("type") == Some("hours") && hours.is_some_and(|hours| hours <= 1)))
}

impl LockoutReferee<'_> {
    /// What a policy that applies comes to.
    pub(super) fn demand(
        &self,
        policy: &ConditionalAccessPolicy,
        means: Means<'_>,
        device: &DeviceChoice<'_>,
        mode: Mode,
    ) -> Clauses {
        if matches!(means, Means::Answered) && is_asked_again(policy) {
            return None;
        }
        let met = Some(Vec::new());
        let unknown = if mode == Mode::Possible { met.clone() } else { None };
        // A plan may leave open what will be demanded.
        let is_awaited = known_after_apply(&policy.source)
            .any(|path| path.starts_with("grantControls") || path.starts_with("sessionControls"));
        let is_strange = is_awaited || has_strange_session(policy);
        let Some(grant) = &policy.grant_controls else {
            let is_said = policy.source.get("grantControls").is_some();
            return if is_said && !is_strange { met } else { unknown };
        };
        if grant.built_in_controls.contains(&Grant::Block) {
            return None;
        }
        let strength = grant.authentication_strength.as_ref().filter(|strength| is_meant(strength));
        let is_nameless = strength.is_some_and(|strength| {
            strength.id.is_none() && strength.allowed_combinations.as_ref().is_none_or(Vec::is_empty)
        });
        let has_unknown_control = grant.built_in_controls.iter().any(|control| matches!(control, Grant::Unknown(_)));
        if is_strange
            || is_nameless
            || (has_unknown_control && mode == Mode::Promised)
            || matches!(grant.operator, Some(GrantOperator::Unknown(_)))
            || grant.rest.iter().any(|(name, value)| property::says_something(name, value))
        {
            return unknown;
        }
        let controls = self.controls(grant, strength, means, device);
        match controls.len() {
            0 if policy.source.pointer("/grantControls/builtInControls").is_none() => return unknown,
            0 => return met,
            _ => {}
        }
        match grant.operator {
            None if how_many(grant, strength) > 1 => unknown,
            Some(GrantOperator::And) => all(controls, mode),
            _ => any(controls, mode),
        }
    }

    fn controls(
        &self,
        grant: &ConditionalAccessGrantControls,
        strength: Option<&AuthenticationStrengthPolicy>,
        means: Means<'_>,
        device: &DeviceChoice<'_>,
    ) -> Vec<Control> {
        let prompted = |by_proof: &dyn Fn(&Proof) -> Answer| match means {
            Means::Proof(proof) => Control::Is(by_proof(proof)),
            Means::Answered => Control::Is(Answer::Yes),
        };
        let external = |kind: &str, id: &String| match means {
            Means::Proof(_) => Control::Needs(format!("{kind}:{id}")),
            Means::Answered => Control::Is(Answer::Yes),
        };
        let built_in = grant.built_in_controls.iter().map(|control| match control {
            Grant::Block => Control::Is(Answer::No),
            Grant::Mfa | Grant::PasswordChange | Grant::RiskRemediation => {
                prompted(&|proof| Answer::of(proof.is_multifactor))
            }
            Grant::CompliantDevice => Control::Is(Answer::of(device.is_compliant)),
            Grant::DomainJoinedDevice => Control::Is(Answer::of(device.is_hybrid_joined)),
            Grant::ApprovedApplication | Grant::CompliantApplication => {
                let is_mobile = matches!(device.platform, "android" | "iOS");
                Control::Is(if is_mobile { Answer::Unknown } else { Answer::No })
            }
            Grant::Unknown(_) => Control::Is(Answer::Unknown),
        });
        let strength = strength.map(|strength| prompted(&|proof| self.is_strong(strength, proof)));
        let terms = grant.terms_of_use.iter().map(|id| external("tou", id));
        let factors = grant.custom_authentication_factors.iter().map(|id| external("control", id));
        built_in.chain(strength).chain(terms).chain(factors).collect()
    }

    /// Whether a proof is one of a strength's.
    fn is_strong(&self, written: &AuthenticationStrengthPolicy, proof: &Proof) -> Answer {
        let id = written.id.as_ref().map(AsRef::as_ref).unwrap_or_default();
        let listed = self.snapshot.authentication_strength_policies.items().iter();
        let listed: Vec<&AuthenticationStrengthPolicy> =
            listed.filter(|strength| strength.id.as_ref().is_some_and(|own| own.as_str() == id)).collect();
        let described: Vec<&AuthenticationStrengthPolicy> =
            std::iter::once(written).chain(listed.iter().copied()).collect();
        let Ok(combination) = Modes::from_graph(&proof.combination) else { return Answer::Unknown };
        let own = described.iter().find_map(|strength| strength.allowed_combinations.as_ref());
        let built_in = BUILT_IN_STRENGTHS.iter().find(|strength| strength.id == id);
        let is_allowed = match (own, built_in) {
            (Some(list), _) => Answer::any(list.iter().map(|allowed| match allowed {
                Combination::Known(modes) => Answer::of(*modes == combination),
                Combination::Unknown(_) => Answer::Unknown,
            })),
            (None, Some(built_in)) => Answer::of(built_in.allowed_combinations.contains(&combination)),
            (None, None) => Answer::Unknown,
        };
        let restrictions: Vec<&[CombinationConfiguration]> = described
            .iter()
            .filter_map(|strength| strength.combination_configurations.known())
            .map(|list| list.map_or(&[][..], Vec::as_slice))
            .collect();
        let is_narrowable = ["fido2", "x509"].iter().any(|part| proof.combination.contains(part));
        let restriction = match restrictions.iter().find(|list| !list.is_empty()) {
            Some(list) => list.iter().fold(Answer::Yes, |so_far, one| so_far.and(is_left(one, combination, proof))),
            None if !restrictions.is_empty() || built_in.is_some() || !is_narrowable => Answer::Yes,
            None => Answer::Unknown,
        };
        is_allowed.and(restriction)
    }
}

/// Whether one configuration of a strength leaves a proof to it.
fn is_left(configuration: &CombinationConfiguration, combination: Modes, proof: &Proof) -> Answer {
    let is_narrowable = ["fido2", "x509"].iter().any(|part| proof.combination.contains(part));
    let is_of_model = || {
        let allowed = configuration.allowed_aaguids.value().map_or(&[][..], Vec::as_slice);
        match &proof.passkey_model {
            Some(model) if !allowed.is_empty() => {
                Answer::of(allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(model)))
            }
            _ => Answer::Unknown,
        }
    };
    let Some(written) = configuration.applies_to_combinations.known() else {
        return if is_narrowable { is_of_model().max(Answer::Unknown) } else { Answer::Yes };
    };
    let mut restricted = written.into_iter().flatten().filter_map(|text| Modes::from_graph(text).ok());
    if restricted.any(|modes| modes == combination) { is_of_model() } else { Answer::Yes }
}

/// Exporters write an object of nulls where there is no strength.
fn is_meant(strength: &AuthenticationStrengthPolicy) -> bool {
    strength.id.is_some()
        || strength.display_name.as_deref().is_some_and(|name| !name.is_empty())
        || strength.allowed_combinations.as_ref().is_some_and(|list| !list.is_empty())
        || strength.combination_configurations.value().is_some_and(|list| !list.is_empty())
        || strength.rest.iter().any(|(name, value)| property::says_something(name, value) && value != "")
}

/// How many different controls there are.
fn how_many(grant: &ConditionalAccessGrantControls, strength: Option<&AuthenticationStrengthPolicy>) -> usize {
    let built_in = grant.built_in_controls.iter().map(|control| control.as_str().to_owned());
    let terms = grant.terms_of_use.iter().map(|id| format!("termsOfUse:{id}"));
    let factors = grant.custom_authentication_factors.iter().map(|id| format!("custom:{id}"));
    let names: std::collections::BTreeSet<String> = built_in.chain(terms).chain(factors).collect();
    names.len() + usize::from(strength.is_some())
}

fn all(controls: Vec<Control>, mode: Mode) -> Clauses {
    let mut clauses = Vec::new();
    for control in controls {
        match control {
            Control::Is(answer) if mode.has(answer) => {}
            Control::Is(_) => return None,
            Control::Needs(component) => clauses.push(vec![component]),
        }
    }
    Some(clauses)
}

fn any(controls: Vec<Control>, mode: Mode) -> Clauses {
    let mut clause = Vec::new();
    for control in controls {
        match control {
            Control::Is(answer) if mode.has(answer) => return Some(Vec::new()),
            Control::Is(_) => {}
            Control::Needs(component) => clause.push(component),
        }
    }
    (!clause.is_empty()).then(|| vec![clause])
}
