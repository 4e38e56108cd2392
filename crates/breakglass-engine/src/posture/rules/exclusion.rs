//! Whether the policies of one state leave the accounts alone: the judgement that BG0401, BG0402 and BG0403 share.
//!
//! One finding per policy that is not all right, one per policy that applies and can be lived with, and one for
//! everything else together.
//!
//! **Invariant:** the classic profile wants every account outside every policy; the current one accepts a policy
//! that each credential of the account meets, and says so.

use breakglass_model::object::ObjectKey;
use breakglass_model::policy::ConditionalAccessPolicy;

use super::super::{Case, Finding, Profile, Rule, Severity, Status, finding};
use super::account::names;
use super::scope::{self, Candidate, ExcludedGroups, Stand};

/// Accounts that stand alike to one policy, and why they are in its scope.
#[derive(Debug, Default)]
struct Alike {
    accounts: Vec<ObjectKey>,
    because: String,
}

impl Alike {
    fn push(&mut self, account: ObjectKey, because: String) {
        self.accounts.push(account);
        if self.because.is_empty() {
            self.because = because;
        }
    }
}

/// How all accounts stand to one policy.
#[derive(Debug, Default)]
struct Standings {
    unmet: Alike,
    met_by_one: Alike,
    unknown: Alike,
    met: Alike,
    nothing: Alike,
}

fn standings(case: &Case<'_>, candidate: &Candidate<'_>) -> Standings {
    let mut standings = Standings::default();
    for account in &case.accounts.keys {
        match scope::stand(case, candidate, *account) {
            Stand::Out => {}
            Stand::Nothing { because } => standings.nothing.push(*account, because),
            Stand::Met { because } => standings.met.push(*account, because),
            Stand::MetByOne { because } => standings.met_by_one.push(*account, because),
            Stand::Unmet { because } => standings.unmet.push(*account, because),
            Stand::Unknown { why } => standings.unknown.push(*account, why),
        }
    }
    standings
}

/// The policies of one state, as one rule judges them.
pub(super) struct Exclusion<'a> {
    /// The rule that asks.
    pub(super) rule: &'a dyn Rule,
    /// Every policy, for the fix.
    pub(super) candidates: &'a [Candidate<'a>],
    /// What the policies exclude.
    pub(super) groups: &'a ExcludedGroups,
    /// `Policy`, `Report-only policy`.
    pub(super) noun: &'static str,
    /// `applies to`, `would apply to`.
    pub(super) verb: &'static str,
    /// `locks them out`, `would lock them out`.
    pub(super) consequence: &'static str,
}

/// A sentence to add to the findings of one policy, and how bad they are.
pub(super) struct Weight {
    /// Severity where no credential meets the demand.
    pub(super) unmet: Severity,
    /// Severity where only some do.
    pub(super) met_by_one: Severity,
    /// When it will get worse, or nothing.
    pub(super) warning: String,
}

impl Exclusion<'_> {
    /// Judges one policy.
    pub(super) fn judge(&self, case: &Case<'_>, candidate: &Candidate<'_>, weight: &Weight) -> Vec<Finding> {
        let standings = standings(case, candidate);
        let mut findings = Vec::new();
        let does = scope::demand_words(case, candidate);
        let is_classic = case.settings.profile == Profile::Classic;
        let fail = |alike: &Alike, severity, after: &str| {
            let message = format!("{}{after}{}", self.applies(case, candidate, alike, &does), weight.warning);
            self.about(case, (candidate, alike), Status::Fail, message).at(severity).fixed_by(self.groups.fix(
                case,
                self.candidates,
                candidate.policy,
            ))
        };
        let when = condition_words(candidate.policy);
        if !standings.unmet.accounts.is_empty() {
            let after = if does == "blocks" {
                format!("{when}, which {}.", self.consequence)
            } else {
                format!("{when}, which no credential of theirs meets.")
            };
            findings.push(fail(&standings.unmet, weight.unmet, &after));
        }
        if !standings.met_by_one.accounts.is_empty() {
            let after = format!("{when}, which some of their credentials meet and others do not.");
            findings.push(fail(&standings.met_by_one, weight.met_by_one, &after));
        }
        if !standings.unknown.accounts.is_empty() {
            let accounts = scope::account_names(case, &standings.unknown.accounts);
            let message = format!(
                "Whether {} `{}` keeps {accounts} out cannot be told: {}.",
                self.noun.to_lowercase(),
                candidate.policy.name(),
                standings.unknown.because
            );
            let unknown = self.about(case, (candidate, &standings.unknown), Status::Unknown, message);
            findings.push(unknown.at(weight.unmet));
        }
        for (alike, after) in [(&standings.met, ", which each of their credentials meets"), (&standings.nothing, "")] {
            if alike.accounts.is_empty() {
                continue;
            }
            if is_classic {
                let after = format!("{when}{after}; the classic profile wants them outside every policy.");
                findings.push(fail(alike, weight.unmet, &after));
            } else {
                let message = format!("{}{when}{after}.", self.applies(case, candidate, alike, &does));
                findings.push(self.about(case, (candidate, alike), Status::Pass, message).at(Severity::Info));
            }
        }
        findings
    }

    fn applies(&self, case: &Case<'_>, candidate: &Candidate<'_>, alike: &Alike, does: &str) -> String {
        let accounts = scope::account_names(case, &alike.accounts);
        format!("{} `{}` {} {accounts} ({}) and {does}", self.noun, candidate.policy.name(), self.verb, alike.because)
    }

    fn about(&self, case: &Case<'_>, of: (&Candidate<'_>, &Alike), status: Status, message: String) -> Finding {
        let (of, alike) = of;
        let mut objects = vec![Case::policy(of.policy)];
        objects.extend(scope::account_references(case, &alike.accounts));
        finding(self.rule, status, message).about(objects)
    }

    /// What is declared and stands for nobody known is out of the policies only where its own id is excluded.
    pub(super) fn unresolved(&self, case: &Case<'_>, judged: &[&Candidate<'_>]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for unresolved in &case.accounts.unresolved {
            let id = unresolved.declared.name.as_str();
            let open = judged.iter().filter(|candidate| !self.groups.has_id(case, candidate, id));
            let open: Vec<&str> = open.map(|candidate| candidate.policy.name()).collect();
            if open.is_empty() {
                continue;
            }
            let message = format!(
                "Whether everybody whom `{id}` stands for is outside {} cannot be told: {}.",
                names(open.iter().copied()),
                unresolved.why
            );
            findings.push(finding(self.rule, Status::Unknown, message));
        }
        findings
    }
}

/// The conditions that narrow a policy, in words; nothing when it has none.
pub(super) fn condition_words(policy: &ConditionalAccessPolicy) -> String {
    let conditions = &policy.conditions;
    let locations = conditions.locations.as_ref().is_some_and(|part| !part.include_locations.is_empty());
    let platforms = conditions.platforms.as_ref().is_some_and(|part| !part.include_platforms.is_empty());
    let devices = conditions.devices.as_ref().and_then(|part| part.device_filter.as_ref());
    let flows = conditions.authentication_flows.as_ref().is_some_and(|part| !part.transfer_methods.is_empty());
    let clients = &conditions.client_app_types;
    let actions = conditions.applications.as_ref().is_some_and(|part| !part.include_user_actions.is_empty());
    let all = [
        (locations, "locations"),
        (platforms, "platforms"),
        (devices.is_some_and(breakglass_model::policy::ConditionalAccessFilter::is_configured), "devices"),
        (!clients.is_empty() && !clients.iter().any(|client| client.as_str() == "all"), "client applications"),
        (!conditions.sign_in_risk_levels.is_empty(), "sign-in risk"),
        (!conditions.user_risk_levels.is_empty(), "user risk"),
        (!conditions.insider_risk_levels.is_empty(), "insider risk"),
        (flows, "authentication flows"),
        (actions, "user actions"),
    ];
    let named: Vec<String> = all.iter().filter(|(is_set, _)| *is_set).map(|(_, name)| (*name).to_owned()).collect();
    if named.is_empty() { String::new() } else { format!(" under its conditions on {}", scope::listed(&named)) }
}
