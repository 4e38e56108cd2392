//! The report in words that every format for people uses: the sentence that leads it, orders, names, ways, causes.

use std::collections::BTreeMap;

use breakglass_engine::lockout::component::{Component, Kind};
use breakglass_engine::lockout::goal::{Goal, Horizon, Surface, Tool};
use breakglass_engine::lockout::report::{
    Cause, Certainty, ComponentWords, Cut, LockoutReport, Order, ScenarioResult, Way, WayContext,
};

use super::super::counted;

/// Things that a sentence names before it counts the rest.
const NAMED_COUNT_MAX: usize = 6;

/// Causes that a sentence names before it counts the rest.
const CAUSE_COUNT_MAX: usize = 2;

/// The words of every component of a report.
pub(crate) type Words = BTreeMap<Component, ComponentWords>;

/// The answer in one sentence or two, for somebody who reads no further.
pub(crate) fn sentence(report: &LockoutReport) -> String {
    let order = report.direct.order;
    let mut sentence = match order.proved {
        Some(0) => locked_out(report),
        Some(1) => single_points(report),
        Some(size) => survives(report, size),
        None => without_cut(&order),
    };
    if let Some(doubt) = doubt(&order, report.unknowns.len()) {
        sentence.push(' ');
        sentence.push_str(&doubt);
    }
    sentence
}

fn locked_out(report: &LockoutReport) -> String {
    if report.direct.order.possible != Some(0) {
        return "No way in can be promised now.".to_owned();
    }
    let causes: Vec<&Cause> = report.direct.cuts.iter().flat_map(|cut| &cut.because).collect();
    match because(&causes) {
        Some(causes) => format!("Nobody can get in now, because of {causes}."),
        None => "Nobody can get in now.".to_owned(),
    }
}

fn single_points(report: &LockoutReport) -> String {
    let cuts: Vec<&Cut> = report.direct.cuts.iter().filter(|cut| cut.elements.len() == 1).collect();
    let failures = |how: fn(&Words, &Component) -> String| {
        cuts.iter()
            .flat_map(|cut| &cut.elements)
            .map(|component| how(&report.components, component))
            .collect::<Vec<_>>()
    };
    match cuts.as_slice() {
        [only] => {
            let causes: Vec<&Cause> = only.because.iter().collect();
            let causes = because(&causes).map(|causes| format!(" ({causes})")).unwrap_or_default();
            let verb = match only.certainty {
                Certainty::Proved => "locks",
                Certainty::Possible => "may lock",
            };
            format!("ONE failure {verb} everybody out: {}{causes}.", failures(fails).join(""))
        }
        // Nobody said which: still the order.
        [] => "ONE failure locks everybody out.".to_owned(),
        _ => {
            let more = if report.direct.are_cuts_truncated { "at least " } else { "" };
            format!(
                "ONE failure locks everybody out, any of {more}{}: {}.",
                cuts.len(),
                listed(&failures(failure_name), "; ", NAMED_COUNT_MAX),
            )
        }
    }
}

fn survives(report: &LockoutReport, size: usize) -> String {
    let start = match size {
        2 => "Any single failure leaves at least one way in.".to_owned(),
        _ => format!("Any {} simultaneous failures leave at least one way in.", size - 1),
    };
    let smallest: Vec<&Cut> = report.direct.cuts.iter().filter(|cut| cut.elements.len() == size).collect();
    let Some(first) = smallest.first() else { return start };
    let names: Vec<String> =
        first.elements.iter().map(|component| failure_name(&report.components, component)).collect();
    let names = listed(&names, ", ", NAMED_COUNT_MAX);
    let more = if report.direct.are_cuts_truncated { "at least " } else { "" };
    match smallest.len() {
        1 => format!("{start} Smallest lockout needs {size}: {names}."),
        count => format!("{start} Smallest lockouts need {size} ({more}{count} of them), for one: {names}."),
    }
}

fn without_cut(order: &Order) -> String {
    match order.searched_to {
        _ if order.is_exhausted => {
            "No failures lock everybody out: at least one way in rests on the assumptions alone.".to_owned()
        }
        Some(0) => "Somebody can get in now; how many failures it takes to stop that was not searched.".to_owned(),
        Some(size) => format!(
            "No lockout with up to {} was found; larger ones were not searched.",
            counted(size, "simultaneous failure"),
        ),
        None => {
            "Could not tell how many failures lock everybody out: the search reached its limit too soon.".to_owned()
        }
    }
}

/// `It could be that 3 failures are needed: 1 fact is unknown.`, where what is possible is not what is promised.
pub(crate) fn doubt(order: &Order, unknowns: usize) -> Option<String> {
    if order.possible == order.proved {
        return None;
    }
    let could_be = match order.possible {
        Some(1) => "1 failure suffices".to_owned(),
        Some(size) => format!("{size} failures are needed"),
        None if order.is_exhausted => "no failures suffice".to_owned(),
        None => format!("more than {} are needed", counted(order.searched_to.unwrap_or(0), "failure")),
    };
    let unknown = match unknowns {
        0 => String::new(),
        1 => ": 1 fact is unknown".to_owned(),
        count => format!(": {count} facts are unknown"),
    };
    Some(format!("It could be that {could_be}{unknown}."))
}

/// An order for a cell of a table.
pub(crate) fn order(order: &Order) -> String {
    size(order.proved, order)
}

/// What is possible, where it is not what is promised.
pub(crate) fn could_be(order: &Order) -> Option<String> {
    (order.possible != order.proved).then(|| size(order.possible, order))
}

/// `2 (could be 3)`.
pub(crate) fn order_with_doubt(of: &Order) -> String {
    match could_be(of) {
        Some(possible) => format!("{} (could be {possible})", order(of)),
        None => order(of),
    }
}

fn size(size: Option<usize>, order: &Order) -> String {
    match (size, order.searched_to) {
        (Some(size), _) => size.to_string(),
        (None, _) if order.is_exhausted => "no limit".to_owned(),
        (None, Some(searched)) => format!("over {searched}"),
        (None, None) => "unknown".to_owned(),
    }
}

/// What an order means, in one word for the colour of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Locked out, or one failure away from it.
    Bad,
    /// It cannot be told whether it is one of these.
    Doubtful,
    /// Two failures away at least.
    Good,
}

/// Least order that is no alarm: no single failure locks everybody out.
const GOOD_ORDER_MIN: usize = 2;

/// How an order stands.
pub(crate) fn standing(order: &Order) -> Standing {
    let is_bad = |size: Option<usize>| size.is_some_and(|size| size < GOOD_ORDER_MIN);
    match (is_bad(order.proved), is_bad(order.possible)) {
        (true, true) => Standing::Bad,
        (true, false) | (false, true) => Standing::Doubtful,
        (false, false) if order.proved.is_some() || order.is_exhausted => Standing::Good,
        (false, false) if order.searched_to >= Some(GOOD_ORDER_MIN - 1) => Standing::Good,
        (false, false) => Standing::Doubtful,
    }
}

/// The questions beside the one that was asked, which comes first, each with its order.
pub(crate) fn orders(report: &LockoutReport) -> Vec<(String, Order)> {
    let mut orders = vec![
        (format!("{} (asked above)", report.goal.words()), report.direct.order),
        ("the same, if somebody may take policies away first".to_owned(), report.after_repair),
    ];
    let by = |surface: &Surface| format!("the same, by {} alone", surface.words());
    orders.extend(report.surfaces.iter().map(|(surface, order)| (by(surface), *order)));
    let goals = report.goals.iter().filter(|(goal, _)| *goal != report.goal);
    orders.extend(goals.map(|(goal, order)| (goal.words().to_owned(), *order)));
    orders
}

/// What is asked: the goal and the horizon.
pub(crate) fn question(goal: Goal, horizon: Horizon) -> String {
    let horizon = match horizon {
        Horizon::Now => "with the sessions that are open now",
        Horizon::Hour => "an hour after everybody last signed in",
        Horizon::Day => "by signing in anew",
    };
    format!("to {}, {horizon}", goal.words())
}

/// The name of a component.
pub(crate) fn name(words: &Words, component: &Component) -> String {
    words.get(component).map_or_else(|| component.id().to_owned(), |words| words.name.clone())
}

/// What fails, in short: its name, or what happens where the name says what does not.
pub(crate) fn failure_name(words: &Words, component: &Component) -> String {
    let clause = words.get(component).and_then(|words| words.clause.clone());
    clause.unwrap_or_else(|| name(words, component))
}

/// Its failure: `Account alice (disabled, deleted or locked)`.
pub(crate) fn failure(words: &Words, component: &Component) -> String {
    match words.get(component) {
        Some(ComponentWords { clause: Some(clause), .. }) => clause.clone(),
        Some(words) if !words.fails_when.is_empty() => format!("{} ({})", words.name, words.fails_when),
        _ => name(words, component),
    }
}

/// The same in a sentence: `Network HQ unreachable`.
fn fails(words: &Words, component: &Component) -> String {
    match words.get(component) {
        Some(ComponentWords { clause: Some(clause), .. }) => clause.clone(),
        Some(words) => format!("{} {}", words.name, words.fails_when).trim_end().to_owned(),
        None => component.id().to_owned(),
    }
}

/// Components by name, the first few, the rest counted.
pub(crate) fn names(words: &Words, components: &[Component], count_max: usize) -> String {
    let names: Vec<String> = components.iter().map(|component| name(words, component)).collect();
    listed(&names, ", ", count_max)
}

/// The first few, the rest counted.
pub(crate) fn listed(items: &[String], separator: &str, count_max: usize) -> String {
    // One more is shown rather than counted: "and 1 more" takes the same room.
    let count = if items.len() <= count_max.saturating_add(1) { items.len() } else { count_max };
    let (shown, rest) = items.split_at_checked(count).unwrap_or((items, &[]));
    let mut text = shown.join(separator);
    if !rest.is_empty() {
        text.push_str(&format!(" and {} more", rest.len()));
    }
    text
}

/// A cause: a policy by its name, a setting in its words.
pub(crate) fn cause(cause: &Cause) -> String {
    match cause {
        Cause::Policy { name, .. } => format!("policy `{}`", name.replace('`', "'")),
        Cause::Setting(words) => (*words).to_owned(),
    }
}

/// The first few causes in a sentence; `None` if there are none.
pub(crate) fn because(causes: &[&Cause]) -> Option<String> {
    let words = cause_words(causes);
    match words.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        [first, second] => {
            // One that has a clause of its own ends it with a comma.
            let comma = if first.contains(", ") { "," } else { "" };
            Some(format!("{first}{comma} and {second}"))
        }
        _ => Some(listed(&words, ", ", CAUSE_COUNT_MAX)),
    }
}

/// As many causes as wanted; `None` if there are none.
pub(crate) fn because_up_to(causes: &[&Cause], count_max: usize) -> Option<String> {
    let words = cause_words(causes);
    (!words.is_empty()).then(|| listed(&words, "; ", count_max))
}

/// Each cause once.
fn cause_words(causes: &[&Cause]) -> Vec<String> {
    let mut seen: Vec<&Cause> = causes.to_vec();
    seen.sort_unstable();
    seen.dedup();
    seen.into_iter().map(cause).collect()
}

/// What a tool is called, without its article.
pub(crate) fn tool(context: &WayContext) -> String {
    let known = Tool::ALL.into_iter().find(|tool| tool.name() == context.tool);
    known.map_or_else(|| context.tool.clone(), |tool| tool.words().trim_start_matches("the ").to_owned())
}

/// From where, if it is from somewhere in particular.
pub(crate) fn place(words: &Words, context: &WayContext) -> Option<String> {
    let is_named = !context.location.is_empty() && context.location != "elsewhere";
    is_named.then(|| by_id(words, Kind::Network, &context.location))
}

/// On which device, if it is on one in particular.
pub(crate) fn device(words: &Words, context: &WayContext) -> Option<String> {
    let is_named = !context.device.is_empty() && !context.device.starts_with("unmanaged");
    is_named.then(|| by_id(words, Kind::Device, &context.device))
}

/// The names of what a list of ids means, the ids themselves where there is no name.
fn by_id(words: &Words, kind: Kind, ids: &str) -> String {
    let name =
        |id: &str| words.get(&Component::new(kind, id)).map_or_else(|| id.to_owned(), |words| words.name.clone());
    ids.split(',').map(str::trim).map(name).collect::<Vec<_>>().join(", ")
}

/// How the session of a way is begun: `Entra admin center, with passkey, from HQ`.
pub(crate) fn how(words: &Words, context: &WayContext) -> String {
    let mut parts = vec![tool(context)];
    let combination = context.combination_words();
    if !combination.is_empty() {
        parts.push(format!("with {combination}"));
    }
    parts.extend(place(words, context).map(|place| format!("from {place}")));
    parts.extend(device(words, context).map(|device| format!("on {device}")));
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

/// The same for a narrow place, where rows say what else is needed: `Entra admin center, passkey`.
pub(crate) fn how_in_short(context: &WayContext) -> String {
    let tool = tool(context);
    let mut parts = vec![tool.trim_start_matches("Microsoft ").to_owned(), context.combination_words()];
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

/// The scenarios, those that do not survive first, so that they are never among those that are only counted, and those
/// that do not apply last.
pub(crate) fn ranked(report: &LockoutReport) -> Vec<&ScenarioResult> {
    let mut ranked: Vec<&ScenarioResult> = report.scenarios.iter().collect();
    ranked.sort_by_key(|scenario| (scenario.survives, !scenario.applies));
    ranked
}

/// In how many of the scenarios that apply here a way in is left.
pub(crate) fn survivors(report: &LockoutReport) -> String {
    let applying = report.scenarios.iter().filter(|scenario| scenario.applies);
    let (count, survivors) =
        applying.fold((0, 0), |(count, survivors), one| (count + 1, survivors + usize::from(one.survives)));
    match report.scenarios.len() - count {
        _ if count == 0 => "no scenario applies here".to_owned(),
        0 if survivors == count => "a way in is left in every scenario".to_owned(),
        0 => format!("a way in is left in {survivors} of {count} scenarios"),
        _ if survivors == count => "a way in is left in every scenario that applies here".to_owned(),
        _ => format!("a way in is left in {survivors} of the {count} scenarios that apply here"),
    }
}

/// Who is left in a scenario, and how.
pub(crate) fn left(report: &LockoutReport, scenario: &ScenarioResult) -> Option<String> {
    let of_way = |way: &Way| format!("{}: {}", way.name, how(&report.components, &way.context));
    let way = scenario.way.and_then(|way| report.direct.ways.get(way)).map(of_way);
    // Where nothing happens it is no news who gets in.
    scenario.by.clone().or(way).filter(|_| scenario.applies)
}

/// Whether somebody is left in a scenario.
pub(crate) fn survival(scenario: &ScenarioResult) -> (&'static str, Standing) {
    match (scenario.survives, scenario.order_left.possible) {
        _ if !scenario.applies => ("n/a", Standing::Good),
        (true, _) => ("yes", Standing::Good),
        (false, Some(0)) => ("NO", Standing::Bad),
        (false, _) => ("UNKNOWN", Standing::Doubtful),
    }
}

/// What was not tried of the changes that might help, if something was not.
pub(crate) fn untried(report: &LockoutReport) -> Option<String> {
    let count = report.untried_change_count;
    (count > 0).then(|| format!("Up to {} might help as well and were not tried.", counted(count, "more change")))
}

/// The kind of a component, as a word in a list.
pub(crate) const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Account => "account",
        Kind::Password => "password",
        Kind::Share => "share",
        Kind::Custodian => "custodian",
        Kind::Safe => "safe",
        Kind::Site => "site",
        Kind::Depository => "depository",
        Kind::Method => "method",
        Kind::Service => "service",
        Kind::Device => "device",
        Kind::Network => "network",
        Kind::IdentityProvider => "identity provider",
        Kind::OnPremises => "on-premises system",
        Kind::Quiet => "no risk reported",
        Kind::TermsOfUse => "terms of use",
        Kind::Control => "custom control",
        Kind::Policy => "setting",
        Kind::Application => "application credential",
        Kind::Live => "open session",
    }
}

/// What the configuration holds up in vain, in words.
pub(crate) fn idle_assumptions(idle: &[Component]) -> Option<String> {
    let names: Vec<String> = idle.iter().map(|component| format!("`{}`", component.id())).collect();
    let (is, they) = if idle.len() == 1 { ("is", "it is") } else { ("are", "they are") };
    (!idle.is_empty()).then(|| {
        format!(
            "Nothing depends on {}, which {is} held up by `assume` in the configuration: perhaps {they} misspelt, or \
             meant for another tenant.",
            names.join(", ")
        )
    })
}
