//! BG0411: the conditions and controls that are easily overlooked do not reach the accounts.
//!
//! **Source:** requirements X1 and X3; the network, device filter, authentication flow, insider risk and session
//! documentation of Conditional Access.

use breakglass_model::named_location::LocationCoverage;
use breakglass_model::policy::{ConditionalAccessFilter, ConditionalAccessPolicy, InsiderRiskLevel, TransferMethod};

use super::super::{Case, Finding, Profile, Rule, Severity, Status, finding};
use super::account::nobody;
use super::scope::{self, Candidate, ExcludedGroups, Stand};
use crate::access::session::{SessionControl, session_controls};

pub(super) struct SpecialConditions;

impl Rule for SpecialConditions {
    fn code(&self) -> &'static str {
        "BG0411"
    }

    fn title(&self) -> &'static str {
        "No network, device filter, flow, insider risk or session condition reaches the emergency accounts"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["X1", "X3"]
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** The emergency accounts are outside every enforced policy that depends on the compliant network, a \
named location, a device filter, the authentication flow or insider risk, and outside every limit on how long a \
sign-in lasts.

**Why it matters.** These are the conditions that are fine on every ordinary day and true in the emergency: another \
network (situation E2), a borrowed computer, the device code flow that a command line asks for.

**How it is judged.** For each enforced policy with such a part that has an account in scope: if no credential of the \
account meets the demand it fails, high, and says when the account is locked out. A sign-in frequency is a note \
under the profile `current` and fails, medium, under `classic`. If nothing is in scope the rule passes.

**What to do.** Exclude the group of the emergency accounts.

**Source:** requirements X1, X3; Microsoft, *Conditional Access: Network assignment*, *Filter for devices*, \
*Authentication flows*, *Insider risk*, *Configure adaptive session lifetime policies*."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        if let Some(finding) = nobody(self, case).or_else(|| scope::no_policies(self, case)) {
            return vec![finding];
        }
        let (candidates, _) = scope::policies(case);
        let groups = ExcludedGroups::of(case, &candidates);
        let mut findings = Vec::new();
        let mut count = 0;
        for candidate in candidates.iter().filter(|candidate| candidate.is_enforced()) {
            let when = circumstances(case, candidate.policy);
            let frequency = sign_in_frequency(candidate.policy);
            if when.is_empty() && frequency.is_none() {
                continue;
            }
            count += 1;
            findings.extend(self.judge(case, candidate, &when, frequency.as_deref()).into_iter().map(|finding| {
                if finding.status == Status::Fail {
                    return finding.fixed_by(groups.fix(case, &candidates, candidate.policy));
                }
                finding
            }));
        }
        findings.extend(scope::partial_policies(self, case).or_else(|| scope::unsaid_policies(self, case)));
        if count == 0 && findings.is_empty() {
            let message = "No enforced policy has such a condition or a sign-in frequency.";
            return vec![finding(self, Status::NotApplicable, message)];
        }
        if findings.is_empty() {
            let policies = scope::counted(count, "enforced policy has", "enforced policies have");
            let message = format!("{policies} such a part, and no emergency account is in scope.");
            findings.push(finding(self, Status::Pass, message));
        }
        findings
    }
}

impl SpecialConditions {
    fn judge(
        &self,
        case: &Case<'_>,
        candidate: &Candidate<'_>,
        when: &[String],
        frequency: Option<&str>,
    ) -> Vec<Finding> {
        let name = candidate.policy.name();
        let stands: Vec<_> =
            case.accounts.keys.iter().map(|account| (*account, scope::stand(case, candidate, *account))).collect();
        let of = |wanted: fn(&Stand) -> bool| -> Vec<_> {
            stands.iter().filter(|(_, stand)| wanted(stand)).map(|(account, _)| *account).collect()
        };
        let locked = of(|stand| matches!(stand, Stand::Unmet { .. } | Stand::MetByOne { .. }));
        let unsure = of(|stand| matches!(stand, Stand::Unknown { .. }));
        let inside = of(|stand| matches!(stand, Stand::Met { .. } | Stand::Nothing { .. }));
        let does = scope::demand_words(case, candidate);
        let about = |accounts: &[_], status, message: String| {
            let mut objects = vec![Case::policy(candidate.policy)];
            objects.extend(scope::account_references(case, accounts));
            finding(self, status, message).about(objects)
        };
        let mut findings = Vec::new();
        if !locked.is_empty() && !when.is_empty() {
            let accounts = scope::account_names(case, &locked);
            let when = scope::listed(when);
            let message =
                format!("Policy `{name}` {does} {when}, and {accounts} are in its scope: then they do not get in.");
            findings.push(about(&locked, Status::Fail, message));
        }
        if !unsure.is_empty() {
            let accounts = scope::account_names(case, &unsure);
            let message = format!("Whether policy `{name}` reaches {accounts} cannot be told (BG0401 says why).");
            findings.push(about(&unsure, Status::Unknown, message));
        }
        if let Some(frequency) = frequency
            && !inside.is_empty()
        {
            let accounts = scope::account_names(case, &inside);
            let message = format!("Policy `{name}` asks {accounts} to sign in again {frequency}.");
            findings.push(match case.settings.profile {
                Profile::Classic => about(&inside, Status::Fail, message).at(Severity::Medium),
                Profile::Current => about(&inside, Status::Pass, message).at(Severity::Info),
            });
        }
        findings
    }
}

/// The parts of a policy that this rule is about, as "when" clauses.
fn circumstances(case: &Case<'_>, policy: &ConditionalAccessPolicy) -> Vec<String> {
    let conditions = &policy.conditions;
    let mut all = Vec::new();
    if let Some(locations) = conditions.locations.as_ref().filter(|part| !part.include_locations.is_empty()) {
        let named = |id: &String| {
            let location = case.snapshot.named_locations.items().iter().find(|location| location.id.as_str() == id);
            match location {
                Some(location) if matches!(location.coverage, LocationCoverage::CompliantNetwork { .. }) => {
                    format!("the compliant network `{}`", location.name())
                }
                Some(location) => format!("`{}`", location.name()),
                None if id == "All" => "anywhere".to_owned(),
                None if id == "AllTrusted" => "the trusted locations".to_owned(),
                None => format!("`{id}`"),
            }
        };
        let listed = |ids: &[String]| scope::listed(&ids.iter().map(named).collect::<Vec<_>>());
        let excluded = &locations.exclude_locations;
        let except = if excluded.is_empty() { String::new() } else { format!(" except {}", listed(excluded)) };
        all.push(format!("from {}{except}", listed(&locations.include_locations)));
    }
    let filter = conditions.devices.as_ref().and_then(|devices| devices.device_filter.as_ref());
    if filter.is_some_and(ConditionalAccessFilter::is_configured) {
        all.push("on devices that its filter picks".to_owned());
    }
    let flows = conditions.authentication_flows.as_ref().map_or(&[][..], |flows| &flows.transfer_methods);
    if flows.contains(&TransferMethod::DeviceCodeFlow) {
        all.push("in the device code flow".to_owned());
    }
    if flows.contains(&TransferMethod::AuthenticationTransfer) {
        all.push("when a sign-in is transferred between devices".to_owned());
    }
    if conditions.insider_risk_levels.iter().any(|level| *level != InsiderRiskLevel::None) {
        all.push("at insider risk".to_owned());
    }
    all
}

/// How often a policy asks for a new sign-in, in words.
fn sign_in_frequency(policy: &ConditionalAccessPolicy) -> Option<String> {
    session_controls(policy).into_iter().find_map(|control| match control {
        SessionControl::SignInFrequency { frequency, .. } => Some(frequency.to_string()),
        // It is on, and the export does not say how often it asks.
        SessionControl::Other { name, .. } if name == "signInFrequency" => {
            Some("at an interval not exported".to_owned())
        }
        SessionControl::PersistentBrowser { .. } | SessionControl::Other { .. } => None,
    })
}
