//! Explanations: per policy whether it applies, the first condition that is not met, and why.
//!
//! **Source:** `whatIfAnalysisResult` and the enumeration `whatIfAnalysisReasons`; the order among reasons is that
//! of the enumeration (inferred): identity, context, platform, devices, client applications, location, risks.

use breakglass_model::policy::{
    ConditionalAccessClientApplications, ConditionalAccessFilter, ConditionalAccessPolicy,
    ConditionalAccessPolicyState as State,
};

use super::compile::{Masks, RISK_UNSAID};
use super::demand::{Control, Outcome, OutcomeRange};
use super::situation::Situation;
use super::trit::Trit;
use super::{Access, Decision};

/// The first condition that is not met (`whatIfAnalysisReasons`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It applies.
    NotSet,
    /// Could not tell.
    NotEnoughInformation,
    /// The user is not in scope.
    Users,
    /// The service principal is not in scope.
    WorkloadIdentities,
    /// The application is not in scope.
    Application,
    /// The policy is about user actions.
    UserActions,
    /// The policy is about authentication contexts.
    AuthenticationContext,
    /// Platform.
    DevicePlatform,
    /// Device filter.
    Devices,
    /// Client application.
    ClientApps,
    /// Location.
    Location,
    /// Sign-in risk, or that of a service principal.
    SignInRisk,
    /// User risk.
    UserRisk,
    /// Insider risk.
    InsiderRisk,
    /// Authentication flow.
    AuthenticationFlow,
    /// The policy includes nobody or nothing.
    EmptyPolicy,
    /// The policy is disabled.
    PolicyNotEnabled,
}

impl Reason {
    /// Graph's spelling.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotSet => "notSet",
            Self::NotEnoughInformation => "notEnoughInformation",
            Self::Users => "users",
            Self::WorkloadIdentities => "workloadIdentities",
            Self::Application => "application",
            Self::UserActions => "userActions",
            Self::AuthenticationContext => "authenticationContext",
            Self::DevicePlatform => "devicePlatform",
            Self::Devices => "devices",
            Self::ClientApps => "clientApps",
            Self::Location => "location",
            Self::SignInRisk => "signInRisk",
            Self::UserRisk => "userRisk",
            Self::InsiderRisk => "insiderRisk",
            Self::AuthenticationFlow => "authenticationFlow",
            Self::EmptyPolicy => "emptyPolicy",
            Self::PolicyNotEnabled => "policyNotEnabled",
        }
    }
}

/// The result of a policy as the sign-in log has it (`appliedConditionalAccessPolicyResult`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AppliedResult {
    /// In force and met.
    Success,
    /// In force and not met.
    Failure,
    /// In force and does not apply.
    NotApplied,
    /// Disabled.
    NotEnabled,
    /// Could not tell.
    Unknown,
    /// Report-only and met.
    ReportOnlySuccess,
    /// Report-only and could not be met.
    ReportOnlyFailure,
    /// Report-only and does not apply.
    ReportOnlyNotApplied,
    /// Report-only and would prompt.
    ReportOnlyInterrupted,
}

impl AppliedResult {
    /// Graph's spelling.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::NotApplied => "notApplied",
            Self::NotEnabled => "notEnabled",
            Self::Unknown => "unknown",
            Self::ReportOnlySuccess => "reportOnlySuccess",
            Self::ReportOnlyFailure => "reportOnlyFailure",
            Self::ReportOnlyNotApplied => "reportOnlyNotApplied",
            Self::ReportOnlyInterrupted => "reportOnlyInterrupted",
        }
    }
}

/// One policy, explained for one sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Analysis {
    /// Index of the policy.
    pub policy: usize,
    /// Whether it applies (report-only ones included, disabled ones never).
    pub applies: Trit,
    /// The first condition that is not met; `NotSet` when it applies.
    pub reason: Reason,
    /// Why, in words.
    pub because: String,
    /// Why it could not be told, if it could not.
    pub unknown: Vec<String>,
    /// What the policy leads to where it applies, in this situation.
    pub demand: OutcomeRange,
}

impl Access<'_> {
    /// Whether all conditions of a policy hold, whatever its state.
    #[must_use]
    pub fn conditions_hold(&self, policy: usize, situation: &Situation) -> Trit {
        self.steps(policy, situation).into_iter().map(|step| step.truth).min().unwrap_or(Trit::Yes)
    }

    /// Explains every policy for one sign-in.
    #[must_use]
    pub fn analyse(&self, situation: &Situation) -> Vec<Analysis> {
        (0..self.policies().len()).map(|policy| self.analyse_policy(policy, situation)).collect()
    }

    /// Explains one policy for one sign-in.
    #[must_use]
    pub fn analyse_policy(&self, policy: usize, situation: &Situation) -> Analysis {
        let demand = self
            .compiled
            .demands
            .get(policy)
            .map_or(OutcomeRange::default(), |demand| situation.grant.demand(demand, &[]));
        let answer =
            |applies, reason, because: String, unknown| Analysis { policy, applies, reason, because, unknown, demand };
        let place = (0, self.compiled.words);
        let in_force = self.compiled.enabled.truth(place, policy).or(self.compiled.report_only.truth(place, policy));
        if in_force == Trit::No {
            let what = if self.policies().get(policy).is_some_and(|policy| policy.is_deleted) {
                "deleted"
            } else {
                "disabled"
            };
            return answer(Trit::No, Reason::PolicyNotEnabled, format!("the policy is {what}"), Vec::new());
        }
        let steps = self.steps(policy, situation);
        if let Some(step) = steps.iter().find(|step| step.truth == Trit::No) {
            return answer(Trit::No, step.reason, self.words(policy, situation, step.reason), Vec::new());
        }
        let mut unknown: Vec<String> = Vec::new();
        for step in steps.iter().filter(|step| step.truth == Trit::Unknown) {
            unknown.extend(self.doubts(policy, situation, step.reason));
        }
        if in_force == Trit::Unknown {
            unknown.extend(self.doubts(policy, situation, Reason::PolicyNotEnabled));
        }
        let mut seen: Vec<String> = Vec::new();
        unknown.retain(|why| {
            let is_new = !seen.contains(why);
            seen.push(why.clone());
            is_new
        });
        if unknown.is_empty() {
            let because = self.words(policy, situation, Reason::NotSet);
            return answer(Trit::Yes, Reason::NotSet, because, unknown);
        }
        let because = unknown.join("; ");
        answer(Trit::Unknown, Reason::NotEnoughInformation, because, unknown)
    }

    /// Every condition of a policy in the order of reasons, always as many.
    pub(crate) fn steps(&self, policy: usize, situation: &Situation) -> Vec<Step> {
        let compiled = &self.compiled;
        let words = compiled.words;
        let truth = |table: &Masks, row: usize| table.truth((row, words), policy);
        let special = situation.special.as_deref();
        let is_service_principal = special.is_some_and(|special| special.is_service_principal);
        let ((identities, class), (targets, target_row)) = (self.identity_row(situation), self.target_row(situation));
        let (identity, target) = (truth(identities, class), truth(targets, target_row));
        let device = self.device_masks(situation);
        let location = &compiled.location;
        let (address, country) = (situation.address as usize, situation.country as usize);
        let included = truth(&location.include_by_address, address).or(truth(&location.include_by_country, country));
        let excluded = truth(&location.exclude_by_address, address).or(truth(&location.exclude_by_country, country));
        let risk = special.map_or(RISK_UNSAID, |special| special.service_principal_risk);
        let own_risk = truth(&compiled.service_principal_risk, risk.into());
        let configured = self.policies().get(policy);
        let asks_nothing = situation.target == self.targets.nothing;
        let about = configured.filter(|_| !asks_nothing).map_or(Reason::Application, context_reason);
        let who = if is_service_principal { Reason::WorkloadIdentities } else { Reason::Users };
        let step = |reason, truth| Step { reason, truth };
        vec![
            step(if configured.is_some_and(is_empty) { Reason::EmptyPolicy } else { who }, identity),
            step(about, target),
            step(Reason::DevicePlatform, truth(&compiled.platform, situation.platform.into())),
            step(Reason::Devices, truth(device, 0)),
            step(Reason::ClientApps, truth(&compiled.client, situation.client.into())),
            step(Reason::Location, included.and(excluded.negated())),
            step(Reason::SignInRisk, truth(&compiled.sign_in_risk, situation.sign_in_risk.into())),
            step(Reason::UserRisk, truth(&compiled.user_risk, situation.user_risk.into())),
            step(Reason::SignInRisk, own_risk),
            step(Reason::InsiderRisk, truth(&compiled.insider_risk, situation.insider_risk.into())),
            step(Reason::AuthenticationFlow, truth(&compiled.flow, situation.flow.into())),
            step(Reason::NotEnoughInformation, truth(&compiled.known, 0)),
        ]
    }

    /// Why a policy does not apply, or how it comes to apply.
    fn words(&self, policy: usize, situation: &Situation, reason: Reason) -> String {
        match reason {
            Reason::NotSet | Reason::Users => self.standing_words(policy, situation),
            Reason::WorkloadIdentities => "the service principal is not among those that it includes".into(),
            Reason::Application => "the application is not among those that it includes, or is excluded".into(),
            Reason::UserActions => "it is about user actions".into(),
            Reason::AuthenticationContext => "it is about other authentication contexts".into(),
            Reason::DevicePlatform => "the platform is not among those that it includes, or is excluded".into(),
            Reason::Devices => "its device filter leaves this device out".into(),
            Reason::ClientApps => "it is about other client applications".into(),
            Reason::Location => "it is about other locations".into(),
            Reason::SignInRisk => "it is about other sign-in risk levels".into(),
            Reason::UserRisk => "it is about other user risk levels".into(),
            Reason::InsiderRisk => "it is about other insider risk levels".into(),
            Reason::AuthenticationFlow => "it is about other authentication flows".into(),
            Reason::EmptyPolicy => "it includes nobody, or names nothing that it is about".into(),
            Reason::PolicyNotEnabled => "the policy is disabled".into(),
            Reason::NotEnoughInformation => NOT_TOLD.into(),
        }
    }

    /// The path that puts the person in or out, or leaves it open.
    pub(super) fn standing_words(&self, policy: usize, situation: &Situation) -> String {
        let stranger = situation.special.as_deref().and_then(|special| special.seat);
        let seat = stranger.unwrap_or_else(|| self.classes.seat(situation.user));
        self.classes.standing_at(policy, seat).because
    }

    /// The result of one policy as the sign-in log would have it, given what was already satisfied.
    #[must_use]
    pub fn applied_result(&self, policy: usize, situation: &Situation, satisfied: &[Control]) -> AppliedResult {
        let analysis = self.analyse_policy(policy, situation);
        let is_report_only =
            self.policies().get(policy).is_some_and(|policy| policy.state == State::EnabledForReportingButNotEnforced);
        let outcome = self.compiled.demands.get(policy).map(|demand| situation.grant.demand(demand, satisfied));
        match (analysis.applies, is_report_only) {
            (Trit::No, _) if analysis.reason == Reason::PolicyNotEnabled => AppliedResult::NotEnabled,
            (Trit::No, false) => AppliedResult::NotApplied,
            (Trit::No, true) => AppliedResult::ReportOnlyNotApplied,
            (Trit::Unknown, _) => AppliedResult::Unknown,
            (Trit::Yes, is_report_only) => match (outcome.and_then(OutcomeRange::known), is_report_only) {
                (None, _) => AppliedResult::Unknown,
                (Some(Outcome::Allowed), false) => AppliedResult::Success,
                (Some(_), false) => AppliedResult::Failure,
                (Some(Outcome::Allowed), true) => AppliedResult::ReportOnlySuccess,
                (Some(Outcome::Challenge), true) => AppliedResult::ReportOnlyInterrupted,
                (Some(Outcome::Unsatisfiable | Outcome::Blocked), true) => AppliedResult::ReportOnlyFailure,
            },
        }
    }

    /// The outcome of a sign-in given what was already satisfied, and the error code that the token endpoint gives
    /// with it.
    #[must_use]
    pub fn outcome_with(&self, situation: &Situation, satisfied: &[Control]) -> (OutcomeRange, Option<u32>) {
        let mut decision = Decision::default();
        self.decide(situation, &mut decision);
        let applied = self.applied(&decision);
        let demands = &self.compiled.demands;
        let mut range = OutcomeRange::default();
        let mut code = None;
        for (word, enabled) in applied.enabled.iter().enumerate() {
            for demand in super::bits(*enabled).filter_map(|bit| demands.get(word * 64 + bit)) {
                let own = situation.grant.demand(demand, satisfied);
                if own.worst > range.worst || code.is_none() {
                    code =
                        own.known().and_then(|outcome| error_code(outcome, &situation.grant.unmet(demand, satisfied)));
                }
                range = range.and(own);
            }
        }
        // A report-only policy demands nothing, whether it applies or not.
        for (word, (unknown, in_force)) in applied.unknown.iter().zip(&self.compiled.enabled.may).enumerate() {
            for demand in super::bits(unknown & in_force).filter_map(|bit| demands.get(word * 64 + bit)) {
                range.worst = range.worst.max(situation.grant.demand(demand, satisfied).worst);
            }
        }
        if self.may_have_more_policies {
            range.worst = Outcome::Blocked;
        }
        (range, code)
    }
}

/// Where nothing more is known about why something is not.
pub(super) const NOT_TOLD: &str = "the snapshot does not tell";

/// One condition of a policy, and whether a sign-in meets it.
pub(crate) struct Step {
    /// What it is about.
    pub(crate) reason: Reason,
    /// Whether it is met.
    pub(crate) truth: Trit,
}

/// Whether a policy includes nobody at all.
fn is_empty(policy: &ConditionalAccessPolicy) -> bool {
    let conditions = &policy.conditions;
    let clients = conditions.client_applications.as_ref();
    conditions.users.is_none() && !clients.is_some_and(ConditionalAccessClientApplications::is_configured)
}

fn context_reason(policy: &ConditionalAccessPolicy) -> Reason {
    let Some(applications) = &policy.conditions.applications else { return Reason::Application };
    let has_filter = applications.application_filter.as_ref().is_some_and(ConditionalAccessFilter::is_configured);
    if !applications.include_applications.is_empty() || has_filter {
        Reason::Application
    } else if !applications.include_user_actions.is_empty() {
        Reason::UserActions
    } else if !applications.include_authentication_context_class_references.is_empty() {
        Reason::AuthenticationContext
    } else {
        Reason::Application
    }
}

/// The code at the token endpoint for an unmet demand.
///
/// **Source:** the reference of AADSTS error codes.
fn error_code(outcome: Outcome, unmet: &[&Control]) -> Option<u32> {
    let has = |wanted: fn(&Control) -> bool| unmet.iter().any(|control| wanted(control));
    match outcome {
        Outcome::Allowed => None,
        Outcome::Blocked => Some(53_003),
        Outcome::Unsatisfiable if has(|control| *control == Control::CompliantDevice) => Some(53_000),
        Outcome::Unsatisfiable if has(|control| *control == Control::DomainJoinedDevice) => Some(53_001),
        Outcome::Unsatisfiable => Some(53_002),
        Outcome::Challenge if has(|control| matches!(control, Control::Custom(_))) => Some(50_158),
        Outcome::Challenge => Some(50_076),
    }
}
