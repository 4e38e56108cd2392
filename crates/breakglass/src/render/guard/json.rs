//! `breakglass-guard/1`: the verdict as one JSON document, for programs.
//!
//! Every property is always there; what there is nothing to say about is `null`, or an empty list.

use breakglass_engine::guard::{Counterexample, ScenarioChange, SurfaceChange};
use breakglass_engine::lockout::component::Component;
use serde_json::{Value, json};

use super::super::lockout::json::{cause, components, order, way};
use super::super::{Format, Page};
use super::Guarded;

/// Name and version of the document.
const DOCUMENT: &str = "breakglass-guard/1";

pub(super) const FORMAT: Format<Guarded> =
    Format { name: "json", about: "One document of the form breakglass-guard/1", render };

fn render(guarded: &Guarded, page: &Page) -> String {
    let report = &guarded.report;
    let document = json!({
        "format": DOCUMENT,
        "judgedAt": page.judged_at.to_string(),
        "goal": report.goal.name(),
        "horizon": report.horizon.name(),
        "before": order(&report.before),
        "after": order(&report.after),
        "floor": report.floor,
        "verdict": report.verdict.name(),
        "changes": report.changes,
        "counterexample": report.counterexample.as_ref().map(counterexample),
        "lost": report.lost.iter().map(way).collect::<Vec<_>>(),
        "gained": report.gained.iter().map(way).collect::<Vec<_>>(),
        "waysTruncated": report.are_ways_truncated,
        "surfaces": report.surfaces.iter().map(surface).collect::<Vec<_>>(),
        "scenarios": report.scenarios.iter().map(scenario).collect::<Vec<_>>(),
        "replay": guarded.replayed.as_ref().map(|replayed| &replayed.value),
        "notes": report.notes,
        "unknowns": report.unknowns,
        "assumptions": report.assumptions,
        "idleAssumptions": report.idle_assumptions.iter().map(Component::id).collect::<Vec<_>>(),
        "components": components(&report.components),
    });
    format!("{document:#}\n")
}

fn counterexample(counterexample: &Counterexample) -> Value {
    json!({
        "failed": counterexample.failed.iter().map(Component::id).collect::<Vec<_>>(),
        "sentence": counterexample.sentence,
        "because": counterexample.causes.iter().map(cause).collect::<Vec<_>>(),
    })
}

fn surface(change: &SurfaceChange) -> Value {
    json!({
        "surface": change.surface.name(),
        "before": order(&change.before),
        "after": order(&change.after),
        "verdict": change.verdict().name(),
    })
}

fn scenario(scenario: &ScenarioChange) -> Value {
    json!({
        "id": scenario.id,
        "title": scenario.title,
        "before": order(&scenario.before),
        "after": order(&scenario.after),
        "by": scenario.by,
    })
}
