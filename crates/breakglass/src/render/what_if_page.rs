//! The answer to one sign-in as a page to read: the outcome first, what the person can do about it, then the policies.
//!
//! A fact that was left out is never taken as false: every value that it can have is tried, together with every value
//! of the other facts left out, and the page says which outcomes there are.

use std::borrow::Cow;
use std::collections::BTreeMap;

use breakglass_engine::access::beside::mandatory_mfa;
use breakglass_engine::access::demand::{Outcome, OutcomeRange};
use breakglass_engine::access::person::{Methods, demand_is_met};
use breakglass_engine::access::surfaces::{SURFACES, surface};
use breakglass_engine::access::{Access, Analysis, Situation, Trit};
use breakglass_model::named_location::LocationCoverage;
use breakglass_model::policy::ConditionalAccessPolicyState as State;
use breakglass_model::sign_in::{DeviceInfo, SignInConditions, WhatIfRequest};
use breakglass_model::snapshot::Snapshot;

use super::what_if::outcome_sentence;
use super::{fitted, visible};
use crate::subject::Subject;

/// Combinations of left-out facts that are tried; beyond it the page says that not all were.
const COMBINATION_COUNT_MAX: usize = 200_000;

/// The id of an application that was named: an id stays, a surface or application of the tenant is found by name.
pub(crate) fn application<'n>(subject: &Subject, name: &'n str) -> Cow<'n, str> {
    if let Some(surface) = SURFACES.iter().find(|surface| surface.name.eq_ignore_ascii_case(name)) {
        return Cow::Borrowed(surface.app_id);
    }
    let principals = subject.snapshot.service_principals.items();
    let named = principals.iter().find(|principal| principal.display_name.as_deref().is_some_and(|own| own == name));
    match named.and_then(|principal| principal.app_id.as_ref()) {
        Some(app) => Cow::Owned(app.to_string()),
        None => Cow::Borrowed(name),
    }
}

/// The page, and whether the outcome is known whatever was left out.
pub(crate) fn page(
    access: &Access<'_>,
    request: &WhatIfRequest<'_>,
    situation: &Situation,
    layout: (usize, bool),
) -> (String, bool) {
    let (columns, all) = layout;
    let (outcomes, tried) = enumerate(access, request);
    let analyses = access.analyse(situation);
    let mut text = String::new();
    text.push_str(&fitted(&headline(&outcomes), "", "", columns));
    text.push_str(&fitted(&who(access, request, situation), "", "", columns));
    for line in about_outcomes(&outcomes, &tried) {
        text.push_str(&fitted(&line, "  ", "    ", columns));
    }
    let mut remarks = person(access, situation, &analyses);
    remarks.extend(outside(access, request, situation));
    if !remarks.is_empty() {
        text.push('\n');
    }
    for line in remarks {
        text.push_str(&fitted(&line, "- ", "  ", columns));
    }
    policies(access, &analyses, (&mut text, columns, all));
    let is_known = outcomes.keys().all(|name| *name != "unknown");
    (text, is_known)
}

/// Outcomes by name, each with how many combinations lead to it and one of them in words.
type Outcomes = BTreeMap<&'static str, (usize, String)>;

struct Tried {
    facts: Vec<&'static str>,
    combinations: usize,
    is_complete: bool,
}

fn headline(outcomes: &Outcomes) -> String {
    let mut names = outcomes.keys();
    match (names.next(), names.next()) {
        (Some(only), None) => {
            let known = Outcome::ALL.into_iter().find(|outcome| outcome.name() == *only);
            format!("{}.", outcome_sentence(known))
        }
        _ => {
            let names: Vec<&str> = outcomes.keys().copied().collect();
            format!("it depends on what was not given: {}.", names.join(", or "))
        }
    }
}

fn who(access: &Access<'_>, request: &WhatIfRequest<'_>, situation: &Situation) -> String {
    let snapshot = access.snapshot();
    let named = situation.user.map(|user| snapshot.name(user).to_owned());
    let identity = &request.sign_in_identity;
    let who =
        named.or_else(|| identity.user_id.as_deref().or(identity.service_principal_id.as_deref()).map(str::to_owned));
    let context = request.sign_in_context.as_ref();
    let applications = context.and_then(|context| context.include_applications.as_deref()).unwrap_or_default();
    let name = |id: &Cow<'_, str>| surface(id).map_or_else(|| id.to_string(), |surface| surface.name.to_owned());
    let what = match context {
        _ if !applications.is_empty() => applications.iter().map(name).collect::<Vec<_>>().join(", "),
        Some(context) => match (&context.user_action, &context.authentication_context_value) {
            (Some(action), _) => format!("the user action {action}"),
            (_, Some(value)) => format!("authentication context {value}"),
            _ => "nothing that was named".to_owned(),
        },
        None => "nothing that was named".to_owned(),
    };
    format!("{} signs in to {}", visible(&who.unwrap_or_default()), visible(&what))
}

fn about_outcomes(outcomes: &Outcomes, tried: &Tried) -> Vec<String> {
    if tried.facts.is_empty() {
        return Vec::new();
    }
    let mut lines = Vec::new();
    if outcomes.len() > 1 {
        for (name, (count, example)) in outcomes {
            lines.push(format!("{name} in {count} of {} combinations, for example {example}", tried.combinations));
        }
    }
    let how = if tried.is_complete { "tried in every form" } else { "tried in part: there are too many forms" };
    lines.push(format!("not given, {how}: {}", tried.facts.join(", ")));
    lines
}

/// One fact that was left out, with the values that it can have.
struct Fact {
    name: &'static str,
    values: Vec<Value>,
}

#[derive(Clone)]
enum Value {
    Platform(&'static str),
    Client(&'static str),
    SignInRisk(&'static str),
    UserRisk(&'static str),
    InsiderRisk(&'static str),
    Flow(&'static str),
    Place { words: String, address: Option<String>, country: Option<String> },
    Device { words: &'static str, is_compliant: bool, trust_type: Option<&'static str> },
}

impl Value {
    fn words(&self) -> String {
        match self {
            Self::Platform(text) | Self::Client(text) => (*text).to_owned(),
            Self::SignInRisk(text) => format!("sign-in risk {text}"),
            Self::UserRisk(text) => format!("user risk {text}"),
            Self::InsiderRisk(text) => format!("insider risk {text}"),
            Self::Flow(text) => format!("flow {text}"),
            Self::Place { words, .. } => words.clone(),
            Self::Device { words, .. } => (*words).to_owned(),
        }
    }

    fn put<'a>(&'a self, conditions: &mut SignInConditions<'a>) {
        match self {
            Self::Platform(text) => conditions.device_platform = Some(Cow::Borrowed(text)),
            Self::Client(text) => conditions.client_app_type = Some(Cow::Borrowed(text)),
            Self::SignInRisk(text) => conditions.sign_in_risk_level = Some(Cow::Borrowed(text)),
            Self::UserRisk(text) => conditions.user_risk_level = Some(Cow::Borrowed(text)),
            Self::InsiderRisk(text) => conditions.insider_risk_level = Some(Cow::Borrowed(text)),
            Self::Flow(text) => {
                conditions.authentication_flow.get_or_insert_default().transfer_method = Some(Cow::Borrowed(text));
            }
            Self::Place { address, country, .. } => {
                conditions.ip_address = address.as_deref().map(Cow::Borrowed);
                conditions.country = country.as_deref().map(Cow::Borrowed);
            }
            Self::Device { is_compliant, trust_type, .. } => {
                conditions.device_info = Some(DeviceInfo {
                    is_compliant: Some(*is_compliant),
                    trust_type: trust_type.map(Cow::Borrowed),
                    detail: None,
                });
            }
        }
    }
}

fn facts(snapshot: &Snapshot, given: &SignInConditions<'_>) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut add = |is_given: bool, name, values: Vec<Value>| {
        if !is_given {
            facts.push(Fact { name, values });
        }
    };
    let risks = ["none", "low", "medium", "high"];
    let platforms = ["windows", "macOS", "linux", "iOS", "android", "windowsPhone", "unknownFutureValue"];
    add(given.device_platform.is_some(), "platform", platforms.map(Value::Platform).to_vec());
    let clients = ["browser", "mobileAppsAndDesktopClients", "exchangeActiveSync", "other"];
    add(given.client_app_type.is_some(), "client application", clients.map(Value::Client).to_vec());
    add(given.ip_address.is_some() || given.country.is_some(), "place", places(snapshot));
    add(given.sign_in_risk_level.is_some(), "sign-in risk", risks.map(Value::SignInRisk).to_vec());
    add(given.user_risk_level.is_some(), "user risk", risks.map(Value::UserRisk).to_vec());
    let insider = ["none", "minor", "moderate", "elevated"];
    add(given.insider_risk_level.is_some(), "insider risk", insider.map(Value::InsiderRisk).to_vec());
    let flows = ["none", "deviceCodeFlow", "authenticationTransfer"];
    add(given.authentication_flow.is_some(), "authentication flow", flows.map(Value::Flow).to_vec());
    let device = |words, is_compliant, trust_type| Value::Device { words, is_compliant, trust_type };
    let devices = vec![
        device("an unmanaged device", false, None),
        device("a compliant device", true, Some("AzureAD")),
        device("a hybrid joined device", false, Some("ServerAD")),
    ];
    add(given.device_info.is_some(), "device", devices);
    facts
}

/// Somewhere that no location names, one address of each IP location, and each country that a location names.
fn places(snapshot: &Snapshot) -> Vec<Value> {
    let place =
        |words: String, address: Option<String>, country: Option<String>| Value::Place { words, address, country };
    let mut places =
        vec![place("from a network and country that no location names".into(), Some("192.0.2.1".into()), None)];
    let mut countries: Vec<&str> = Vec::new();
    for location in snapshot.named_locations.items() {
        match &location.coverage {
            LocationCoverage::IpRanges { ranges, .. } => {
                if let Some(range) = ranges.first() {
                    let address = std::net::Ipv6Addr::from(range.first).to_canonical().to_string();
                    places.push(place(format!("from {}", visible(location.name())), Some(address), None));
                }
            }
            LocationCoverage::Countries { countries: own, .. } => countries.extend(own.iter().map(String::as_str)),
            LocationCoverage::CompliantNetwork { .. } | LocationCoverage::Unknown(_) => {}
        }
    }
    countries.sort_unstable();
    countries.dedup();
    places.extend(
        countries
            .into_iter()
            .map(|code| place(format!("from {}", visible(code)), Some("192.0.2.1".to_owned()), Some(code.to_owned()))),
    );
    places
}

/// Tries every combination of the facts that were left out and that make a difference.
fn enumerate(access: &Access<'_>, request: &WhatIfRequest<'_>) -> (Outcomes, Tried) {
    let given = request.sign_in_conditions.clone().unwrap_or_default();
    let facts = facts(access.snapshot(), &given);
    let combinations = facts.iter().fold(1_usize, |all, fact| all.saturating_mul(fact.values.len()));
    let mut outcomes = Outcomes::new();
    let mut tried = Tried {
        facts: facts.iter().map(|fact| fact.name).collect(),
        combinations: combinations.min(COMBINATION_COUNT_MAX),
        is_complete: combinations <= COMBINATION_COUNT_MAX,
    };
    // Where there are too many, every n-th is tried, so that each value of each fact still occurs.
    let step = combinations.div_ceil(COMBINATION_COUNT_MAX).max(1);
    tried.combinations = combinations.div_ceil(step);
    for index in (0..combinations).step_by(step) {
        let mut conditions = given.clone();
        let mut rest = index;
        let mut chosen = Vec::with_capacity(facts.len());
        for fact in &facts {
            let count = fact.values.len().max(1);
            if let Some(value) = fact.values.get(rest % count) {
                value.put(&mut conditions);
                chosen.push(value);
            }
            rest /= count;
        }
        let one = WhatIfRequest { sign_in_conditions: Some(conditions), ..request.clone() };
        let range = access.situation(&one).map_or(OutcomeRange::default(), |situation| access.outcome(&situation));
        let slot = outcomes.entry(range.name()).or_insert_with(|| {
            let words: Vec<String> = chosen.iter().map(|value| value.words()).collect();
            (0, words.join(", "))
        });
        slot.0 += 1;
    }
    (outcomes, tried)
}

/// What the person can do about what is demanded.
fn person(access: &Access<'_>, situation: &Situation, analyses: &[Analysis]) -> Vec<String> {
    let Some(user) = situation.user.and_then(|key| access.snapshot().user(key)) else { return Vec::new() };
    let methods = Methods::of(user);
    let mut lines = Vec::new();
    if user.account_enabled.value() == Some(&false) {
        lines.push("the account is disabled: it does not get as far as the policies".to_owned());
    }
    if !methods.is_known {
        lines.push("what the person can authenticate with is not in the snapshot".to_owned());
    }
    for analysis in analyses.iter().filter(|analysis| analysis.applies == Trit::Yes) {
        let index = analysis.policy;
        let (Some(policy), Some(demand)) = (access.policies().get(index), access.compiled().demands().get(index))
        else {
            continue;
        };
        if policy.state != State::Enabled || demand.controls().is_empty() {
            continue;
        }
        let controls: Vec<String> = demand.controls().iter().map(ToString::to_string).collect();
        let verdict = match demand_is_met(access.snapshot(), policy, demand, &methods) {
            Trit::Yes => "this person can meet it with what is registered",
            Trit::No => "this person cannot meet it from an unmanaged device",
            Trit::Unknown => "whether this person can meet it cannot be told",
        };
        lines.push(format!("`{}` demands {}: {verdict}", visible(policy.name()), controls.join(", ")));
    }
    lines
}

/// What other services demand, whatever Conditional Access says.
fn outside(access: &Access<'_>, request: &WhatIfRequest<'_>, situation: &Situation) -> Vec<String> {
    let mut lines = Vec::new();
    if request.sign_in_identity.user_id.is_none() {
        return lines;
    }
    match access.security_defaults() {
        Trit::Yes if access.security_defaults_demand(situation) => {
            lines.push(
                "security defaults are on and demand multifactor authentication here; no exclusion reaches them".into(),
            );
        }
        Trit::Yes => lines.push("security defaults are on and may demand multifactor authentication by risk".into()),
        Trit::Unknown => lines.push("whether security defaults are on is not in the snapshot".into()),
        Trit::No => {}
    }
    let context = request.sign_in_context.as_ref();
    let applications = context.and_then(|context| context.include_applications.as_deref()).unwrap_or_default();
    for surface in applications.iter().filter_map(|id| surface(id)) {
        if mandatory_mfa(surface, access.settings().now, None) {
            lines.push(format!(
                "Microsoft demands multifactor authentication at {} outside Conditional Access; no exclusion reaches it",
                surface.name
            ));
        }
    }
    lines
}

fn policies(access: &Access<'_>, analyses: &[Analysis], page: (&mut String, usize, bool)) {
    let (text, columns, all) = page;
    let list = |wanted: Trit| analyses.iter().filter(move |analysis| analysis.applies == wanted);
    for (wanted, title) in [(Trit::Yes, "Policies that apply"), (Trit::Unknown, "Policies that may apply")] {
        if list(wanted).next().is_none() {
            continue;
        }
        text.push_str(&format!("\n{title}:\n"));
        for analysis in list(wanted) {
            let Some(policy) = access.policies().get(analysis.policy) else { continue };
            let state = if policy.state == State::Enabled { "" } else { " (report-only)" };
            let line = format!("`{}`{state}: {}", visible(policy.name()), visible(&analysis.because));
            text.push_str(&fitted(&line, "- ", "  ", columns));
        }
    }
    let others: Vec<&Analysis> = list(Trit::No).collect();
    if others.is_empty() {
        return;
    }
    if !all {
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        others.iter().for_each(|analysis| *reasons.entry(analysis.reason.name()).or_default() += 1);
        let counts: Vec<String> = reasons.iter().map(|(reason, count)| format!("{count} by {reason}")).collect();
        let line = format!("{} policies do not apply ({}); --all shows them", others.len(), counts.join(", "));
        text.push_str(&fitted(&line, "\n", "", columns));
        return;
    }
    text.push_str("\nPolicies that do not apply:\n");
    for analysis in others {
        let Some(policy) = access.policies().get(analysis.policy) else { continue };
        let line = format!("`{}`: {}, {}", visible(policy.name()), analysis.reason.name(), visible(&analysis.because));
        text.push_str(&fitted(&line, "- ", "  ", columns));
    }
}
