//! Asks the engine what a sign-in meets.

use std::borrow::Cow;

use breakglass_engine::access::demand::Outcome;
use breakglass_engine::access::surfaces::{MandatoryMfaPhase, surface};
use breakglass_engine::access::{Access, AccessSettings};
use breakglass_model::policy::{ConditionalAccessGrantControl, ConditionalAccessGrantControls};
use breakglass_model::sign_in::{AuthenticationFlow, SignInConditions, SignInContext, SignInIdentity, WhatIfRequest};
use breakglass_model::snapshot::Resource;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Attempt, Device, proof, snapshot};
use crate::faults;
use crate::state::{Directory, Object, Shelf, text};

/// What became of a sign-in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decided {
    /// The AADSTS code that it is refused with; `None` if a token is issued.
    pub(crate) refused: Option<u32>,
    /// Whether more proof may change that.
    pub(crate) can_be_proved: bool,
    /// Ids of the policies that refuse it, for the claims of the error.
    pub(crate) policies: Vec<String>,
    /// As the sign-in log has it.
    pub(crate) applied: Vec<Value>,
    pub(crate) status: &'static str,
    /// The risk of the user, and of the sign-in.
    pub(crate) risk: (String, String),
    /// What demanded multifactor authentication, in the words of `requirementProvider`.
    pub(crate) providers: Vec<&'static str>,
}

impl Decided {
    /// Nothing was asked: it failed before.
    pub(crate) const fn unasked() -> Self {
        Self {
            refused: None,
            can_be_proved: false,
            policies: Vec::new(),
            applied: Vec::new(),
            status: "notApplied",
            risk: (String::new(), String::new()),
            providers: Vec::new(),
        }
    }
}

/// The code of a sign-in that multifactor authentication is demanded of.
const MFA_REQUIRED: u32 = 50_076;
/// The code of a sign-in that a policy blocks.
pub(crate) const BLOCKED: u32 = 53_003;

/// Decides a sign-in of a user whose proof was right.
///
/// What the engine cannot tell is refused: a policy with a part that it does not know may block.
pub(crate) fn decide(directory: &Directory, user: &Object, attempt: &Attempt<'_>, now: Timestamp) -> Decided {
    let id = text(user, "id").unwrap_or_default();
    let (user_risk, sign_in_risk) = risk_of(directory, user);
    let risk = || (user_risk.to_owned(), sign_in_risk.to_owned());
    let blocked = || Decided { refused: Some(BLOCKED), status: "failure", risk: risk(), ..Decided::unasked() };
    let Ok(snapshot) = snapshot::around(directory, user) else { return blocked() };
    let Ok(access) = Access::compile(&snapshot, &AccessSettings::at(now)) else { return blocked() };
    let request = asked(attempt, id, (user_risk, sign_in_risk));
    let Ok(situation) = access.situation(&request) else { return blocked() };
    let has_mfa = proof::is_multifactor(attempt.modes);
    let satisfied = &proof::met(&access, &snapshot, attempt.modes);
    let (range, code) = access.outcome_with(&situation, satisfied);
    let results: Vec<(usize, &'static str)> = access
        .policies()
        .iter()
        .enumerate()
        .map(|(index, _)| (index, access.applied_result(index, &situation, satisfied).name()))
        .collect();
    let refused = match range.worst {
        Outcome::Allowed => None,
        Outcome::Challenge => Some(code.unwrap_or(MFA_REQUIRED)),
        Outcome::Unsatisfiable | Outcome::Blocked => Some(code.unwrap_or(BLOCKED)),
    };
    let is_portal =
        surface(&attempt.client.app_id).is_some_and(|surface| surface.mandatory_mfa == Some(MandatoryMfaPhase::SignIn));
    let is_mandatory = is_portal && attempt.profile.has_mandatory_mfa();
    let demands = [
        (is_mandatory, "scopeBasedAuthRequirementPolicy"),
        (attempt.is_stepped_up, "request"),
        (access.security_defaults_demand(&situation), "securityDefaults"),
        (has_per_user_mfa(directory, id), "user"),
    ];
    let mut providers: Vec<&str> = demands.into_iter().filter(|(is_so, _)| *is_so).map(|(_, word)| word).collect();
    let wants_mfa = !providers.is_empty();
    let in_force = results.iter().filter(|(_, result)| matches!(*result, "success" | "failure"));
    providers
        .extend(provided(in_force.filter_map(|(index, _)| access.policies().get(*index)?.grant_controls.as_ref())));
    let refused = refused.or_else(|| (wants_mfa && !has_mfa).then_some(MFA_REQUIRED));
    let can_be_proved = refused.is_some() && matches!(range.worst, Outcome::Allowed | Outcome::Challenge);
    let policies: Vec<String> = results
        .iter()
        .filter(|(_, result)| *result == "failure")
        .filter_map(|(index, _)| access.policies().get(*index).map(|policy| policy.id.as_str().to_owned()))
        .collect();
    let is_any_in_force = results.iter().any(|(_, result)| matches!(*result, "success" | "failure"));
    let status = match (refused, is_any_in_force) {
        (Some(_), _) => "failure",
        (None, true) => "success",
        (None, false) => "notApplied",
    };
    let applied = results.iter().filter_map(|(index, result)| {
        let policy = access.policies().get(*index)?;
        let controls = policy.grant_controls.as_ref().map(|grant| &grant.built_in_controls);
        let controls = controls.into_iter().flatten().map(|control| enforced(control.as_str()));
        let controls: Vec<Value> = controls.map(|word| json!(word)).collect();
        Some(json!({
            "id": policy.id.as_str(), "displayName": policy.name(), "enforcedGrantControls": controls,
            "enforcedSessionControls": [], "result": result,
        }))
    });
    Decided { refused, can_be_proved, policies, applied: applied.collect(), status, risk: risk(), providers }
}

/// What the controls of policies that apply demand multifactor authentication as.
fn provided<'g>(
    grants: impl Iterator<Item = &'g ConditionalAccessGrantControls>,
) -> impl Iterator<Item = &'static str> {
    let (mut has_mfa, mut has_strength) = (false, false);
    for grant in grants {
        has_mfa |= grant.built_in_controls.contains(&ConditionalAccessGrantControl::Mfa);
        has_strength |= grant.authentication_strength.is_some();
    }
    let all = [(has_mfa, "multiConditionalAccess"), (has_strength, "authenticationStrengths")];
    all.into_iter().filter(|(is_so, _)| *is_so).map(|(_, word)| word)
}

/// Controls as `enforcedGrantControls` has them, which are texts and no members of an enumeration.
///
/// **Source:** the examples of the sign-in logs (`Mfa`, `RequireCompliantDevice`); the others from what tools that read
/// those logs know. A control that is not here stands as policies have it.
const ENFORCED: [(&str, &str); 7] = [
    ("block", "Block"),
    ("mfa", "Mfa"),
    ("compliantDevice", "RequireCompliantDevice"),
    ("domainJoinedDevice", "RequireDomainJoinedDevice"),
    ("approvedApplication", "RequireApprovedApp"),
    ("compliantApplication", "RequireCompliantApp"),
    ("passwordChange", "PasswordChange"),
];

fn enforced(control: &str) -> &str {
    ENFORCED.iter().find(|(known, _)| *known == control).map_or(control, |(_, word)| *word)
}

/// The sign-in as the engine is asked about it.
fn asked<'a>(
    attempt: &'a Attempt<'_>,
    user: &'a str,
    (user_risk, sign_in_risk): (&'a str, &'a str),
) -> WhatIfRequest<'a> {
    WhatIfRequest {
        sign_in_identity: SignInIdentity { user_id: Some(Cow::Borrowed(user)), ..SignInIdentity::default() },
        sign_in_context: Some(match (attempt.user_action, attempt.context) {
            (Some(action), _) => SignInContext { user_action: Some(Cow::Borrowed(action)), ..SignInContext::default() },
            (None, Some(context)) => {
                SignInContext { authentication_context_value: Some(Cow::Borrowed(context)), ..SignInContext::default() }
            }
            (None, None) => SignInContext {
                include_applications: Some(vec![Cow::Borrowed(attempt.audience.app_id(attempt.resource))]),
                ..SignInContext::default()
            },
        }),
        sign_in_conditions: Some(SignInConditions {
            device_platform: Some(Cow::Borrowed(platform(attempt.user_agent))),
            client_app_type: Some(Cow::Borrowed(if attempt.is_in_browser {
                "browser"
            } else {
                "mobileAppsAndDesktopClients"
            })),
            ip_address: Some(Cow::Owned(attempt.remote.to_string())),
            sign_in_risk_level: Some(Cow::Borrowed(sign_in_risk)),
            user_risk_level: Some(Cow::Borrowed(user_risk)),
            insider_risk_level: Some(Cow::Borrowed("none")),
            authentication_flow: attempt
                .is_device_code
                .then_some(AuthenticationFlow { transfer_method: Some(Cow::Borrowed("deviceCodeFlow")) }),
            device_info: attempt.device.as_ref().map(Device::info),
            ..SignInConditions::default()
        }),
        applied_policies_only: None,
    }
}

/// Whether multifactor authentication is switched on for a user itself, which no policy of Conditional Access changes.
///
/// **Source:** "Enable per-user Microsoft Entra multifactor authentication": `enabled` and `enforced` both prompt.
fn has_per_user_mfa(directory: &Directory, id: &str) -> bool {
    let state = directory.object(Resource::PerUserMfaStates, id).and_then(|state| text(state, "perUserMfaState"));
    matches!(state, Some("enabled" | "enforced"))
}

/// The risk that a user and its sign-ins are at: as a fault says, else as an administrator has.
pub(crate) fn risk_of<'d>(directory: &'d Directory, user: &Object) -> (&'d str, &'d str) {
    let id = text(user, "id").unwrap_or_default();
    let (of_fault, sign_in_risk) = faults::risk_of(directory, id);
    let risky = directory.shelved(Shelf::RiskyUsers, id).and_then(|risky| text(risky, "riskLevel")).unwrap_or("none");
    (if of_fault == "none" { risky } else { of_fault }, sign_in_risk)
}

/// The platform that a user agent tells; everything else is one that Entra does not recognise.
pub(super) fn platform(user_agent: Option<&str>) -> &'static str {
    const KNOWN: [(&str, &str); 6] = [
        ("iPhone", "iOS"),
        ("iPad", "iOS"),
        ("Android", "android"),
        ("Windows", "windows"),
        ("Mac OS", "macOS"),
        ("Linux", "linux"),
    ];
    let agent = user_agent.unwrap_or_default();
    KNOWN.iter().find(|(word, _)| agent.contains(word)).map_or("", |(_, platform)| platform)
}
