//! What a policy demands, and how far the sign-in can meet it.

use breakglass_model::policy::{
    ConditionalAccessClientApp, ConditionalAccessDevicePlatform, ConditionalAccessGrantControl,
    ConditionalAccessGrantControls, ConditionalAccessPolicy, GrantOperator, TransferMethod, known_after_apply,
};
use breakglass_model::property;
use breakglass_model::strength::AuthenticationStrengthPolicy;
use serde_json::Value;

use super::Referee;
use super::sign_in::{Platform, SignIn};

/// How a demand stands, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Satisfied,
    /// The person can be prompted.
    Challenge,
    /// Neither the device nor the client can give it.
    Unsatisfiable,
    Blocked,
}

/// How a demand stands at best and at worst, as far as it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) least: Level,
    pub(super) most: Level,
}

impl Bounds {
    pub(super) const fn exactly(level: Level) -> Self {
        Self { least: level, most: level }
    }

    /// Both demands must be met.
    pub(super) fn worst(self, other: Self) -> Self {
        Self { least: self.least.max(other.least), most: self.most.max(other.most) }
    }

    /// One of the demands must be met.
    fn best(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), most: self.most.min(other.most) }
    }

    pub(super) fn outcome(self) -> &'static str {
        match self.least {
            _ if self.least != self.most => "unknown",
            Level::Satisfied => "allowed",
            Level::Challenge => "challenge",
            Level::Unsatisfiable => "unsatisfiable",
            Level::Blocked => "blocked",
        }
    }
}

/// What a policy demands of a sign-in.
#[derive(Debug)]
pub(super) struct Demand {
    pub(super) bounds: Bounds,
    /// Controls that are still demanded.
    pub(super) unmet: Vec<String>,
}

/// One control and how it stands.
struct Control {
    name: String,
    bounds: Bounds,
}

const CANNOT_TELL: Bounds = Bounds { least: Level::Satisfied, most: Level::Unsatisfiable };

impl Referee<'_> {
    pub(super) fn demand(&self, policy: &ConditionalAccessPolicy, sign_in: &SignIn<'_>) -> Demand {
        let nothing = Demand { bounds: Bounds::exactly(Level::Satisfied), unmet: Vec::new() };
        // Nothing is known of what it means, so it may ask for nothing and it may block.
        let anything = Demand { bounds: Bounds { least: Level::Satisfied, most: Level::Blocked }, unmet: Vec::new() };
        let is_awaited = known_after_apply(&policy.source)
            .any(|path| path.starts_with("grantControls") || path.starts_with("sessionControls"));
        let Some(grant) = &policy.grant_controls else {
            let is_said = policy.source.get("grantControls").is_some() && !is_awaited;
            return if is_said && !has_strange_session(policy) { nothing } else { anything };
        };
        if grant.built_in_controls.contains(&ConditionalAccessGrantControl::Block) {
            return Demand { bounds: Bounds::exactly(Level::Blocked), unmet: Vec::new() };
        }
        if is_awaited
            || has_strange_session(policy)
            || matches!(grant.operator, Some(GrantOperator::Unknown(_)))
            || grant.rest.iter().any(is_strange)
            || grant.authentication_strength.as_ref().is_some_and(is_nameless)
        {
            return anything;
        }
        let mut controls = self.controls(policy, grant, sign_in);
        controls.sort_by(|one, other| one.name.cmp(&other.name));
        controls.dedup_by(|one, other| one.name == other.name);
        match controls.len() {
            // What was left out may be the demand.
            0 if policy.source.pointer("/grantControls/builtInControls").is_none() => return anything,
            0 if policy.source.pointer("/grantControls/authenticationStrength").is_none() => return anything,
            0 => return nothing,
            1 => {}
            // Together, or one of them?
            _ if grant.operator.is_none() => return anything,
            _ => {}
        }
        let all = || controls.iter().map(|control| control.bounds);
        let both = all().fold(Bounds::exactly(Level::Satisfied), Bounds::worst);
        let either = all().fold(Bounds::exactly(Level::Blocked), Bounds::best);
        let mut bounds = match grant.operator {
            Some(GrantOperator::And) => both,
            _ => either,
        };
        // A control that this version does not know may be another way to block.
        let is_unknown = |control: &_| matches!(control, ConditionalAccessGrantControl::Unknown(_));
        if grant.built_in_controls.iter().any(is_unknown) {
            bounds.most = Level::Blocked;
        }
        let unmet =
            if grant.operator == Some(GrantOperator::And) { unmet_of_all(&controls) } else { unmet_of_any(&controls) };
        Demand { bounds, unmet }
    }

    fn controls(
        &self,
        policy: &ConditionalAccessPolicy,
        grant: &ConditionalAccessGrantControls,
        sign_in: &SignIn<'_>,
    ) -> Vec<Control> {
        let mut controls = Vec::new();
        for control in &grant.built_in_controls {
            let name = control.as_str().to_owned();
            let bounds = self.built_in(control, sign_in);
            controls.push(Control { name, bounds });
        }
        let strength = grant.authentication_strength.as_ref().filter(|strength| says_something(strength));
        let strength = strength.map(|strength| match &strength.id {
            Some(id) => format!("authenticationStrength:{id}"),
            None => format!("authenticationStrength:of {}", policy.id),
        });
        let terms = grant.terms_of_use.iter().map(|id| format!("termsOfUse:{id}"));
        let factors = grant.custom_authentication_factors.iter().map(|id| format!("custom:{id}"));
        for name in strength.into_iter().chain(terms).chain(factors) {
            let bounds = self.prompt(&name, sign_in);
            controls.push(Control { name, bounds });
        }
        controls
    }

    fn built_in(&self, control: &ConditionalAccessGrantControl, sign_in: &SignIn<'_>) -> Bounds {
        use ConditionalAccessGrantControl as Grant;
        if is_legacy(sign_in) {
            return Bounds::exactly(Level::Unsatisfiable);
        }
        let device = |is_met: bool| {
            // The device of a device code flow is the one that shows the code, not the one that signs in.
            let is_told = sign_in.transfer_method != Some(TransferMethod::DeviceCodeFlow);
            Bounds::exactly(if is_met && is_told { Level::Satisfied } else { Level::Unsatisfiable })
        };
        match control {
            Grant::Block => Bounds::exactly(Level::Blocked),
            Grant::Mfa | Grant::PasswordChange | Grant::RiskRemediation => self.prompt(control.as_str(), sign_in),
            Grant::CompliantDevice => device(sign_in.device.is_some_and(|device| device.is_compliant == Some(true))),
            Grant::DomainJoinedDevice => {
                let kind = sign_in.device.and_then(|device| device.trust_type.as_deref());
                device(kind.is_some_and(|kind| kind.eq_ignore_ascii_case("ServerAD")))
            }
            Grant::ApprovedApplication | Grant::CompliantApplication => match &sign_in.platform {
                Platform::Omitted
                | Platform::Known(ConditionalAccessDevicePlatform::Android | ConditionalAccessDevicePlatform::IOs) => {
                    CANNOT_TELL
                }
                Platform::Known(_) | Platform::Unrecognised => Bounds::exactly(Level::Unsatisfiable),
            },
            Grant::Unknown(_) => CANNOT_TELL,
        }
    }

    /// A control for which the person can be prompted.
    fn prompt(&self, name: &str, sign_in: &SignIn<'_>) -> Bounds {
        Bounds::exactly(if is_legacy(sign_in) {
            Level::Unsatisfiable
        } else if self.satisfied.contains(&name) {
            Level::Satisfied
        } else {
            Level::Challenge
        })
    }
}

/// Session controls that let a sign-in pass.
const HARMLESS_SESSIONS: [&str; 9] = [
    "signInFrequency",
    "persistentBrowser",
    "cloudAppSecurity",
    "applicationEnforcedRestrictions",
    "disableResilienceDefaults",
    "continuousAccessEvaluation",
    "secureSignInSession",
    "globalSecureAccessFilteringProfile",
    "networkAccessSecurity",
];

fn is_strange((name, value): (&String, &Value)) -> bool {
    property::says_something(name, value)
}

/// Whether there is a session control that nobody knows, which may be another way to block.
pub(crate) fn has_strange_session(policy: &ConditionalAccessPolicy) -> bool {
    let sessions = policy.session_controls.iter().flatten();
    sessions.filter(|session| is_strange(*session)).any(|(name, _)| !HARMLESS_SESSIONS.contains(&name.as_str()))
}

/// A strength that is meant, and nothing tells which.
fn is_nameless(strength: &AuthenticationStrengthPolicy) -> bool {
    let has_combinations = strength.allowed_combinations.as_ref().is_some_and(|list| !list.is_empty());
    says_something(strength) && strength.id.is_none() && !has_combinations
}

/// Exporters write an object of nulls where there is no strength.
fn says_something(strength: &AuthenticationStrengthPolicy) -> bool {
    let is_text = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    strength.id.is_some()
        || is_text(&strength.display_name)
        || strength.allowed_combinations.iter().flatten().next().is_some()
        || strength.combination_configurations.value().is_some_and(|list| !list.is_empty())
        || strength.rest.iter().any(|member| is_strange(member) && member.1 != "")
}

/// Legacy clients can answer no demand whatever.
fn is_legacy(sign_in: &SignIn<'_>) -> bool {
    matches!(
        sign_in.client_app,
        ConditionalAccessClientApp::ExchangeActiveSync
            | ConditionalAccessClientApp::EasSupported
            | ConditionalAccessClientApp::Other
    )
}

fn is_met(control: &Control) -> bool {
    control.bounds == Bounds::exactly(Level::Satisfied)
}

fn unmet_of_all(controls: &[Control]) -> Vec<String> {
    controls.iter().filter(|control| !is_met(control)).map(|control| control.name.clone()).collect()
}

/// What can be prompted for, or else everything; nothing if one is met.
fn unmet_of_any(controls: &[Control]) -> Vec<String> {
    if controls.iter().any(is_met) {
        return Vec::new();
    }
    let is_prompt = |control: &&Control| control.bounds == Bounds::exactly(Level::Challenge);
    let prompts: Vec<String> = controls.iter().filter(is_prompt).map(|control| control.name.clone()).collect();
    if prompts.is_empty() { unmet_of_all(controls) } else { prompts }
}
