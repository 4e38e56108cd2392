//! Asks the engine what a sign-in meets.

use std::borrow::Cow;

use breakglass_engine::access::demand::Outcome;
use breakglass_engine::access::surfaces::{MandatoryMfaPhase, surface};
use breakglass_engine::access::{Access, AccessSettings};
use breakglass_model::sign_in::{AuthenticationFlow, SignInConditions, SignInContext, SignInIdentity, WhatIfRequest};
use breakglass_model::snapshot::Resource;
use jiff::Timestamp;
use serde_json::Value;

use super::applied::Results;
use super::{Attempt, Device, freshness, proof, snapshot, terms};
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
    /// Whether the browser stays signed in, where a policy says so.
    pub(crate) keeps_browser: Option<bool>,
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
            keeps_browser: None,
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
    let accepted = |agreement: &str| terms::has_accepted(directory, id, agreement);
    let satisfied = &proof::met(&access, &snapshot, (attempt.modes, attempt.gives), accepted);
    let (range, code) = access.outcome_with(&situation, satisfied);
    let results = Results::of(&access, &situation, satisfied);
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
        (
            access.security_defaults_demand(&situation) || (sign_in_risk != "none" && has_security_defaults(directory)),
            "securityDefaults",
        ),
        (has_per_user_mfa(directory, id), "user"),
    ];
    let mut providers: Vec<&str> = demands.into_iter().filter(|(is_so, _)| *is_so).map(|(_, word)| word).collect();
    let wants_mfa = !providers.is_empty();
    providers.extend(results.demand_mfa_as());
    let refused = refused.or_else(|| (wants_mfa && !has_mfa).then_some(MFA_REQUIRED));
    let session = freshness::session(results.in_force(), (attempt.shown, has_mfa, now));
    let refused = refused.or(session.too_long_ago);
    let can_be_proved = refused.is_some_and(|code| code != freshness::TOO_LONG_AGO)
        && matches!(range.worst, Outcome::Allowed | Outcome::Challenge);
    Decided {
        refused,
        can_be_proved,
        policies: results.failed(),
        applied: results.recorded(),
        status: results.status(refused),
        risk: risk(),
        keeps_browser: session.keeps,
        providers,
    }
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
                include_applications: Some(vec![Cow::Borrowed(attempt.target.app_id.as_str())]),
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

/// Whether security defaults are on, which ask whoever is at risk, administrator or not.
///
/// **Source:** "Security defaults": users are prompted "when necessary".
fn has_security_defaults(directory: &Directory) -> bool {
    let policy = directory.single(Resource::IdentitySecurityDefaultsEnforcementPolicy);
    policy.and_then(|policy| policy.get("isEnabled")).and_then(Value::as_bool) == Some(true)
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
