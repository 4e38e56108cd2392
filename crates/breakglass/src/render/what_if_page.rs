//! The answer to one sign-in as a page to read: the outcome first, what the person can do about it, then the policies.
//!
//! A fact that was left out is never taken as false: every value that it can have is tried, together with every value
//! of the other facts left out, and the page says which outcomes there are and which policies apply in all of them.
//! What the sign-in is to is such a fact. Values that no policy tells apart are tried once and counted as often as
//! they are.

use std::borrow::Cow;
use std::collections::BTreeMap;

use breakglass_engine::access::beside::{ClosedAccount, mandatory_mfa};
use breakglass_engine::access::demand::Outcome;
use breakglass_engine::access::person::{Methods, demand_is_met};
use breakglass_engine::access::session::{SessionControl, strictest};
use breakglass_engine::access::surfaces::{SURFACES, surface};
use breakglass_engine::access::{
    Access, Analysis, Decision, Footprint, PossibleTarget, Reason, Situation, SituationError, Target, Trit,
};
use breakglass_model::named_location::LocationCoverage;
use breakglass_model::policy::{ConditionalAccessPolicy, ConditionalAccessPolicyState as State};
use breakglass_model::sign_in::{DeviceInfo, SignInConditions, WhatIfRequest};
use breakglass_model::snapshot::Snapshot;
use breakglass_model::user::UserRegistrationDetails;

use super::what_if::{names_target, outcome_sentence};
use super::{fitted, visible};

/// Combinations of left-out facts that are tried; beyond it the page says that not all were.
const COMBINATION_COUNT_MAX: usize = 200_000;

/// The page, and whether the outcome is known whatever was left out.
pub(crate) fn page(
    access: &Access<'_>,
    request: &WhatIfRequest<'_>,
    situation: &Situation,
    layout: (usize, bool),
) -> (String, bool) {
    let (columns, all) = layout;
    let (outcomes, tried) = enumerate(access, request, situation);
    let mut text = String::new();
    let user = situation.user.and_then(|key| access.snapshot().user(key));
    let closed = user.and_then(ClosedAccount::of);
    if let Some(closed) = closed {
        text.push_str(&fitted(&format!("no sign-in: {}.", closed_sentence(closed)), "", "", columns));
    }
    let before = if closed.is_some() { "Conditional Access itself: " } else { "" };
    text.push_str(&fitted(&format!("{before}{}", headline(&outcomes)), "", "", columns));
    text.push_str(&fitted(&who(access, request, situation), "", "", columns));
    for line in about_outcomes(&outcomes, &tried) {
        text.push_str(&fitted(&line, "  ", "    ", columns));
    }
    for why in tried.doubts(access, situation) {
        text.push_str(&fitted(&format!("could not tell: {}", visible(&why)), "  ", "    ", columns));
    }
    let listed = listed(access, situation, &tried);
    let mut remarks = person(access, situation, &listed);
    remarks.extend(outside(access, request, situation));
    if !remarks.is_empty() {
        text.push('\n');
    }
    for line in remarks {
        text.push_str(&fitted(&line, "- ", "  ", columns));
    }
    let session = session(access, &listed);
    if !session.is_empty() {
        text.push_str("\nSession controls, which never stop a sign-in:\n");
    }
    for line in session {
        text.push_str(&fitted(&line, "- ", "  ", columns));
    }
    policies(access, &listed, (&mut text, columns, all));
    let is_known = outcomes.keys().all(|name| *name != "unknown");
    (text, is_known)
}

/// Outcomes by name, each with how many combinations lead to it and one of them in words.
type Outcomes = BTreeMap<&'static str, (usize, String)>;

struct Tried {
    facts: Vec<&'static str>,
    combinations: usize,
    is_complete: bool,
    /// Policies that apply in every combination.
    always: Vec<u64>,
    /// Policies that apply, or may apply, in some.
    ever: Vec<u64>,
    is_unknown: bool,
}

impl Tried {
    fn add(&mut self, decision: &Decision) {
        if self.always.is_empty() {
            self.always.clone_from(&decision.sure);
            self.ever.clone_from(&decision.may);
        }
        self.always.iter_mut().zip(&decision.sure).for_each(|(all, one)| *all &= one);
        self.ever.iter_mut().zip(&decision.may).for_each(|(all, one)| *all |= one);
        self.is_unknown |= decision.outcome.known().is_none();
    }

    fn has(mask: &[u64], policy: usize) -> bool {
        mask.get(policy / 64).is_some_and(|word| word & (1 << (policy % 64)) != 0)
    }

    /// Why an outcome could not be told, where no policy that may apply is the cause.
    fn doubts(&self, access: &Access<'_>, situation: &Situation) -> Vec<String> {
        if self.is_unknown { access.outcome_doubts(situation) } else { Vec::new() }
    }
}

/// A policy as it stands to the sign-in, whatever was left out.
struct Listed {
    policy: usize,
    /// Unknown also where it depends on what was left out.
    applies: Trit,
    reason: Reason,
    because: String,
}

fn listed(access: &Access<'_>, situation: &Situation, tried: &Tried) -> Vec<Listed> {
    let of = |analysis: Analysis| {
        let Analysis { policy, reason, mut because, applies: as_given, .. } = analysis;
        let is_in_force = reason != Reason::PolicyNotEnabled;
        let applies = if is_in_force && as_given != Trit::Unknown && Tried::has(&tried.always, policy) {
            Trit::Yes
        } else {
            Trit::from(is_in_force && Tried::has(&tried.ever, policy)).and(Trit::Unknown)
        };
        match (applies, as_given) {
            (Trit::Yes, Trit::No) => because = "whatever was not given".to_owned(),
            (Trit::Unknown, Trit::No) => because = depends(reason),
            (Trit::Unknown, Trit::Yes) => because = format!("{because}; not for every value of what was not given"),
            (Trit::No, Trit::Yes | Trit::Unknown) => because = "for no value of what was not given".to_owned(),
            _ => {}
        }
        Listed { policy, applies, reason, because }
    };
    access.analyse(situation).into_iter().map(of).collect()
}

/// On which fact that was left out a policy depends.
fn depends(reason: Reason) -> String {
    let fact = match reason {
        Reason::Application | Reason::UserActions | Reason::AuthenticationContext => "what the sign-in is to",
        Reason::DevicePlatform => "the platform",
        Reason::Devices => "the device",
        Reason::ClientApps => "the client application",
        Reason::Location => "the place",
        Reason::SignInRisk => "the sign-in risk",
        Reason::UserRisk => "the user risk",
        Reason::InsiderRisk => "the insider risk",
        Reason::AuthenticationFlow => "the authentication flow",
        _ => "what was not given",
    };
    format!("depends on {fact}")
}

fn closed_sentence(closed: ClosedAccount) -> &'static str {
    match closed {
        ClosedAccount::Disabled => "the account is disabled and cannot sign in at all",
        ClosedAccount::Deleted => "the account is deleted and cannot sign in at all",
    }
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
    let name = |id: &Cow<'_, str>| application_name(access, id);
    let what = match context {
        _ if !applications.is_empty() => applications.iter().map(name).collect::<Vec<_>>().join(", "),
        Some(context) => match (&context.user_action, &context.authentication_context_value) {
            (Some(action), _) => format!("the user action {action}"),
            (_, Some(value)) => format!("authentication context {value}"),
            _ => "what was not said".to_owned(),
        },
        None => "what was not said".to_owned(),
    };
    format!("{} signs in to {}", visible(&who.unwrap_or_default()), visible(&what))
}

/// The name of an application, if one is known.
fn application_name(access: &Access<'_>, id: &str) -> String {
    if let Some(surface) = surface(id) {
        return surface.name.to_owned();
    }
    let principals = access.snapshot().service_principals.items().iter();
    let mut of_id = principals.filter(|principal| principal.app_id.as_ref().is_some_and(|app| app.as_str() == id));
    let named = of_id.find_map(|principal| principal.display_name.as_deref());
    named.map_or_else(|| id.to_owned(), |name| format!("{name} ({id})"))
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
    Target { words: String, target: PossibleTarget },
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
            Self::Target { words, .. } | Self::Place { words, .. } => words.clone(),
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
            // What the sign-in is to is no condition: the situation is changed instead.
            Self::Target { .. } => {}
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

/// Every target that the policies may tell apart.
fn targets(access: &Access<'_>) -> Vec<Value> {
    let words = |target: &PossibleTarget| match &target.target {
        Some(Target::Application(id)) => format!("to {}", visible(&application_name(access, id.as_str()))),
        Some(Target::UserAction(action)) => format!("for the user action {action}"),
        Some(Target::AuthenticationContext(value)) => format!("for authentication context {}", visible(value)),
        _ => "to an application that no policy names".to_owned(),
    };
    let value = |target| Value::Target { words: words(&target), target };
    access.possible_targets().into_iter().map(value).collect()
}

/// The situation of a request in which a value stands for what was left out.
fn situation_with(
    access: &Access<'_>,
    request: &WhatIfRequest<'_>,
    values: &[&Value],
) -> Result<Situation, SituationError> {
    let mut conditions = request.sign_in_conditions.clone().unwrap_or_default();
    values.iter().for_each(|value| value.put(&mut conditions));
    let one = WhatIfRequest { sign_in_conditions: Some(conditions), ..request.clone() };
    let situation = access.situation(&one)?;
    let target = values.iter().find_map(|value| match value {
        Value::Target { target, .. } => Some(target),
        _ => None,
    });
    Ok(match target {
        Some(target) => access.to_possible_target(situation, target),
        None => situation,
    })
}

/// Values of a fact that make a difference, each with how many values it stands for.
fn told_apart<'f>(access: &Access<'_>, request: &WhatIfRequest<'_>, fact: &'f Fact) -> Vec<(&'f Value, usize)> {
    let mut kept: Vec<(Option<Footprint>, &Value, usize)> = Vec::new();
    for value in &fact.values {
        let footprint = situation_with(access, request, &[value]).ok().map(|situation| access.footprint(&situation));
        match kept.iter_mut().find(|(known, ..)| *known == footprint) {
            Some((_, _, count)) => *count += 1,
            None => kept.push((footprint, value, 1)),
        }
    }
    kept.into_iter().map(|(_, value, count)| (value, count)).collect()
}

/// Tries every combination of the facts that were left out and that make a difference.
fn enumerate(access: &Access<'_>, request: &WhatIfRequest<'_>, as_given: &Situation) -> (Outcomes, Tried) {
    let given = request.sign_in_conditions.clone().unwrap_or_default();
    let mut facts = facts(access.snapshot(), &given);
    if !names_target(request) {
        facts.insert(0, Fact { name: "what it is to", values: targets(access) });
    }
    let values: Vec<Vec<(&Value, usize)>> = facts.iter().map(|fact| told_apart(access, request, fact)).collect();
    let all = |count: fn(&Fact) -> usize| facts.iter().fold(1_usize, |all, fact| all.saturating_mul(count(fact)));
    let different = values.iter().fold(1_usize, |all, values| all.saturating_mul(values.len().max(1)));
    let is_complete = different <= COMBINATION_COUNT_MAX;
    // Where there are too many, every n-th is tried, so that each value of each fact still occurs.
    let step = different.div_ceil(COMBINATION_COUNT_MAX).max(1);
    let mut tried = Tried {
        facts: facts.iter().map(|fact| fact.name).collect(),
        combinations: if is_complete { all(|fact| fact.values.len().max(1)) } else { different.div_ceil(step) },
        is_complete,
        always: Vec::new(),
        ever: Vec::new(),
        is_unknown: false,
    };
    let mut outcomes = Outcomes::new();
    let mut decision = Decision::default();
    for index in (0..different).step_by(step) {
        let mut rest = index;
        let mut weight = 1_usize;
        let mut chosen = Vec::with_capacity(facts.len());
        for values in &values {
            let count = values.len().max(1);
            if let Some((value, stands_for)) = values.get(rest % count) {
                chosen.push(*value);
                weight = weight.saturating_mul(*stands_for);
            }
            rest /= count;
        }
        let situation = situation_with(access, request, &chosen);
        access.decide(situation.as_ref().unwrap_or(as_given), &mut decision);
        tried.add(&decision);
        let slot = outcomes.entry(decision.outcome.name()).or_insert_with(|| {
            let words: Vec<String> = chosen.iter().map(|value| value.words()).collect();
            (0, words.join(", "))
        });
        slot.0 += if is_complete { weight } else { 1 };
    }
    (outcomes, tried)
}

/// What the person can do about what is demanded.
fn person(access: &Access<'_>, situation: &Situation, listed: &[Listed]) -> Vec<String> {
    let Some(user) = situation.user.and_then(|key| access.snapshot().user(key)) else { return Vec::new() };
    let methods = Methods::of(user);
    let mut lines = Vec::new();
    if user.account_enabled.value().is_none() {
        lines.push("whether the account is enabled is not in the snapshot".to_owned());
    }
    match user.detail().user_registration_details.value() {
        _ if methods.is_known => {}
        None => lines.push("what the person can authenticate with is not in the snapshot".to_owned()),
        Some(report) => lines.push(reported(report)),
    }
    for listed in listed.iter().filter(|listed| listed.applies != Trit::No) {
        let index = listed.policy;
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
        let demands = if listed.applies == Trit::Yes { "demands" } else { "may demand" };
        lines.push(format!("`{}` {demands} {}: {verdict}", visible(policy.name()), controls.join(", ")));
    }
    lines
}

/// What the report of registrations says of a person.
fn reported(report: &UserRegistrationDetails) -> String {
    let names = report.methods_registered.value().into_iter().flatten();
    let names = names.map(|name| visible(name)).collect::<Vec<_>>().join(", ");
    let names = if names.is_empty() { "no method".to_owned() } else { names };
    let of = report.last_updated_date_time.as_deref().map(|at| format!(" of {}", visible(at))).unwrap_or_default();
    format!("by the report of registrations{of} the person has {names}, and may have what it does not list")
}

/// The session controls that hold, and those that may.
fn session(access: &Access<'_>, listed: &[Listed]) -> Vec<String> {
    let of = |wanted: &[Trit]| {
        let applying = listed.iter().filter(|listed| wanted.contains(&listed.applies));
        let policies = applying.filter_map(|listed| access.policies().get(listed.policy));
        strictest(policies.filter(|policy| policy.state == State::Enabled))
    };
    let (sure, possible) = (of(&[Trit::Yes]), of(&[Trit::Yes, Trit::Unknown]));
    let perhaps = possible.iter().filter(|(control, _)| !sure.contains_key(control)).map(|held| ("perhaps ", held));
    let lines = sure.iter().map(|held| ("", held)).chain(perhaps);
    let line = |(how, (control, policies)): (&str, (&SessionControl, &Vec<&ConditionalAccessPolicy>))| {
        let names: Vec<String> = policies.iter().map(|policy| format!("`{}`", visible(policy.name()))).collect();
        format!("{how}{}: {}", visible(&control.to_string()), names.join(", "))
    };
    lines.map(line).collect()
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
    if !names_target(request) {
        let demanding = SURFACES.iter().filter(|surface| mandatory_mfa(surface, access.settings().now, None));
        let names: Vec<&str> = demanding.map(|surface| surface.name).collect();
        if !names.is_empty() {
            lines.push(format!(
                "Microsoft demands multifactor authentication outside Conditional Access at {}; no exclusion reaches it",
                names.join("; ")
            ));
        }
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

fn policies(access: &Access<'_>, listed: &[Listed], page: (&mut String, usize, bool)) {
    let (text, columns, all) = page;
    let list = |wanted: Trit| listed.iter().filter(move |listed| listed.applies == wanted);
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
    let others: Vec<&Listed> = list(Trit::No).collect();
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
