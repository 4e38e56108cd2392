//! Every way in which one thing fails on the way of a plan, and, in the long form, every two of them.

use std::collections::BTreeMap;

use breakglass_ops::setup::plan::Plan;

use super::referee::Referee;
use super::script::{Ended, Fault, Kind, Script};
use super::world::{Scene, Template};

/// Calls of `apply` after which it is done, whatever failed: one more than there are faults.
fn carried_out(script: &Script<'_>, plan: &Plan, faults: usize) -> Result<usize, String> {
    let mut last = String::new();
    for call in 0..=faults {
        match script.apply(plan) {
            Ended::Whole(applied) => {
                let over = applied.done.len() + applied.passed.len();
                return if over == plan.steps.len() { Ok(call + 1) } else { Err(format!("{over} steps are over")) };
            }
            Ended::Stopped(error) => last = told(&error),
            Ended::Killed => last = "killed".to_owned(),
        }
    }
    Err(format!("it does not come to its end: {last}"))
}

fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(&format!(": {source}"));
        next = source.source();
    }
    text
}

/// One run with its faults, continued to its end and judged; the events that there were.
fn judged(template: &Template, referee: &Referee, faults: &[(usize, Fault)]) -> Vec<Kind> {
    let world = template.world();
    let script = Script::new(&world, Some(referee), faults);
    let fault = carried_out(&script, &template.plan, faults.len()).err().or_else(|| referee.fault_at_end(&script));
    if let Some(fault) = fault {
        panic!("{}, {faults:?}: {fault}\n{}", template.scene.name(), script.told());
    }
    script.events()
}

fn every_single_fault(scene: Scene) {
    let template = Template::new(scene, "single");
    let referee = Referee::new(scene, &template.world());
    let events = judged(&template, &referee, &[]);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (at, kind) in events.iter().enumerate() {
        for (_, fault) in kind.faults().iter().enumerate().filter(|(number, _)| kind.is_tried(at, *number)) {
            judged(&template, &referee, &[(at, *fault)]);
            *counts.entry(format!("{kind:?} {fault:?}")).or_default() += 1;
        }
    }
    let runs: usize = counts.values().sum();
    println!(
        "{}: {} steps, {} events, {runs} runs with one fault, {} ends that differ; {counts:?}",
        scene.name(),
        template.plan.steps.len(),
        events.len(),
        referee.end_count(),
    );
    assert_eq!(referee.end_count(), 1, "whatever fails, the same is reached");
}

#[test]
fn every_request_entry_and_password_fails_in_every_way_once_where_everything_is_made() {
    every_single_fault(Scene::Fresh);
}

#[test]
fn every_request_entry_and_password_fails_in_every_way_once_where_a_group_is_kept() {
    every_single_fault(Scene::Kept);
}

#[test]
fn every_request_entry_and_password_fails_in_every_way_once_where_somebody_leaves_the_group() {
    every_single_fault(Scene::Left);
}
