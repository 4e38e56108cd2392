//! `breakglass-lockout/1`: the report as one JSON document, for programs.
//!
//! One report stands in the document itself; several goals or horizons stand in `reports`. Every property is always
//! there; what there is nothing to say about is `null`, or an empty list.

use std::collections::BTreeMap;

use breakglass_engine::lockout::component::Component;
use breakglass_engine::lockout::report::{
    Cause, Certainty, ComponentWords, Cut, DatedOrder, EditKind, GettingIn, KindOfPeople, LockoutReport, Order,
    ScenarioResult, Suggestion, Way,
};
use serde_json::{Map, Value, json};

use super::super::{Format, Page};

/// Name and version of the document.
const DOCUMENT: &str = "breakglass-lockout/1";

pub(super) const FORMAT: Format<[LockoutReport]> =
    Format { name: "json", about: "One document of the form breakglass-lockout/1", render };

fn render(reports: &[LockoutReport], page: &Page) -> String {
    let mut document = Map::from_iter([
        ("format".to_owned(), DOCUMENT.into()),
        ("judgedAt".to_owned(), page.judged_at.to_string().into()),
    ]);
    match reports {
        [only] => document.extend(report(only)),
        several => {
            let several = several.iter().map(|one| Value::Object(report(one))).collect();
            document.insert("reports".to_owned(), Value::Array(several));
        }
    }
    format!("{:#}\n", Value::Object(document))
}

fn report(report: &LockoutReport) -> Map<String, Value> {
    let direct = &report.direct;
    let surfaces = report.surfaces.iter().map(|(surface, of)| json!({ "surface": surface.name(), "order": order(of) }));
    let goals = report.goals.iter().map(|(goal, of)| json!({ "goal": goal.name(), "order": order(of) }));
    let report = json!({
        "goal": report.goal.name(),
        "horizon": report.horizon.name(),
        "assumptions": report.assumptions,
        "idleAssumptions": ids(&report.idle_assumptions),
        "order": order(&direct.order),
        "cuts": direct.cuts.iter().map(cut).collect::<Vec<_>>(),
        "cutsTruncated": direct.are_cuts_truncated,
        "ways": direct.ways.iter().map(way).collect::<Vec<_>>(),
        "waysTruncated": direct.are_ways_truncated,
        "afterRepair": { "order": order(&report.after_repair) },
        "surfaces": surfaces.collect::<Vec<_>>(),
        "goals": goals.collect::<Vec<_>>(),
        "scenarios": report.scenarios.iter().map(scenario).collect::<Vec<_>>(),
        "dated": report.dated.iter().map(dated).collect::<Vec<_>>(),
        "datesLeftOut": report.dates_left_out.map(|left_out| {
            json!({ "from": left_out.from.to_string(), "count": left_out.count })
        }),
        "unknowns": report.unknowns,
        "suggestions": report.suggestions.iter().map(suggestion).collect::<Vec<_>>(),
        "changesNotTried": report.untried_change_count,
        "people": people(&report.people),
        "components": components(&report.components),
    });
    match report {
        Value::Object(report) => report,
        _ => Map::new(),
    }
}

/// An order; `exhausted` says that there is no cut of any size beyond those found.
pub(crate) fn order(order: &Order) -> Value {
    json!({
        "proved": order.proved,
        "possible": order.possible,
        "searchedTo": order.searched_to,
        "exhausted": order.is_exhausted,
    })
}

fn ids(components: &[Component]) -> Vec<&str> {
    components.iter().map(Component::id).collect()
}

/// `policy:<id>`, `setting:<words>`.
pub(crate) fn cause(cause: &Cause) -> String {
    match cause {
        Cause::Policy { id, .. } => format!("policy:{id}"),
        Cause::Setting(words) => format!("setting:{words}"),
    }
}

fn cut(cut: &Cut) -> Value {
    json!({
        "size": cut.elements.len(),
        "elements": ids(&cut.elements),
        "because": cut.because.iter().map(cause).collect::<Vec<_>>(),
        "certainty": match cut.certainty {
            Certainty::Proved => "proved",
            Certainty::Possible => "possible",
        },
    })
}

/// A way in.
pub(crate) fn way(way: &Way) -> Value {
    let because: Map<String, Value> = way
        .because
        .iter()
        .map(|(component, causes)| (component.id().to_owned(), causes.iter().map(cause).collect()))
        .collect();
    json!({
        "user": way.user,
        "name": way.name,
        "needs": ids(&way.needs),
        "context": {
            "tool": way.context.tool,
            "location": way.context.location,
            "device": way.context.device,
            "combination": way.context.combination,
        },
        "steps": way.steps,
        "because": because,
    })
}

fn scenario(scenario: &ScenarioResult) -> Value {
    json!({
        "id": scenario.id,
        "title": scenario.title,
        "failed": ids(&scenario.failed),
        "delta": scenario.delta,
        "survives": scenario.survives,
        "applies": scenario.applies,
        "way": scenario.way,
        "by": scenario.by,
        "orderLeft": scenario.order_left.proved,
        "order": order(&scenario.order_left),
        "note": scenario.note,
    })
}

fn dated(dated: &DatedOrder) -> Value {
    json!({ "from": dated.from.to_string(), "because": dated.because, "order": order(&dated.order) })
}

fn suggestion(suggestion: &Suggestion) -> Value {
    let (before, after) = suggestion.order;
    json!({
        "change": suggestion.change,
        "order": [before, after],
        "cutsAtOrder": suggestion.cuts_at_order,
        "weakens": suggestion.weakens,
        "edit": suggestion.edit.as_ref().map(|edit| json!({
            "kind": match edit.kind {
                EditKind::Policy => "policy",
                EditKind::Group => "group",
            },
            "body": edit.body,
        })),
        "verify": suggestion.verify,
    })
}

/// Everybody who gets in; `ways` of a kind are those of the first `peopleTold` of its people.
fn people(people: &GettingIn) -> Value {
    let person = |(id, name): &(String, String)| json!({ "user": id, "name": name });
    let kind = |kind: &KindOfPeople| {
        json!({
            "count": kind.people.len(),
            "people": kind.people.iter().map(person).collect::<Vec<_>>(),
            "peopleTold": kind.told_person_count,
            "ways": kind.ways.iter().map(way).collect::<Vec<_>>(),
            "waysTruncated": kind.are_ways_truncated,
        })
    };
    json!({ "count": people.person_count, "kinds": people.kinds.iter().map(kind).collect::<Vec<_>>() })
}

/// The components by their ids, in words.
pub(crate) fn components(components: &BTreeMap<Component, ComponentWords>) -> Map<String, Value> {
    let words =
        |words: &ComponentWords| json!({ "name": words.name, "failsWhen": words.fails_when, "user": words.user });
    components.iter().map(|(component, of)| (component.id().to_owned(), words(of))).collect()
}
