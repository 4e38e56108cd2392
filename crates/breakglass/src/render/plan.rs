//! A plan as text: each step with its reason and its request.

use std::collections::BTreeSet;

use breakglass_ops::setup::plan::{Plan, Step};
use serde_json::Value;

use super::paint::{Paint, Style};
use super::{counted, day_and_time, fitted, visible};

/// How much of a request is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Requests {
    /// Method and address.
    Short,
    /// The body as well.
    Whole,
}

/// Columns before what stands below the number of a step.
const INDENT: &str = "      ";

/// The plan for a terminal; of the steps that are over, by their keys, one line each is left.
pub(crate) fn text(
    plan: &Plan,
    over: &BTreeSet<String>,
    requests: Requests,
    (columns, paint): (usize, Paint),
) -> String {
    let count = match plan.steps.len() {
        0 if plan.is_reached() => "Nothing to do".to_owned(),
        0 => "Nothing to send, and something to do by hand,".to_owned(),
        count if over.is_empty() => counted(count, "step"),
        count => format!("{}, {} of them done,", counted(count, "step"), over.len()),
    };
    let head = format!("{count} for {}, as it was on {}.", tenant(plan), day_and_time(plan.made_at));
    let mut text = paint.apply(Style::Strong, fitted(&visible(&head), "", "", columns).trim_end()).to_string();
    text.push('\n');
    let accounts = plan.accounts.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    text.push_str(&fitted(&visible(&format!("Emergency access accounts: {accounts}.")), "", "", columns));
    for (at, step) in plan.steps.iter().enumerate() {
        if over.contains(&step.key) {
            let line = format!("{} (done)", step.does);
            text.push_str(&fitted(&visible(&line), &format!("{:>4}  ", at + 1), INDENT, columns));
        } else {
            text.push('\n');
            text.push_str(&one(step, at + 1, requests, columns));
        }
    }
    if !plan.steps.is_empty() {
        let permissions: Vec<&str> = plan.permissions().into_iter().collect();
        let line = format!("Whoever carries it out needs the delegated permissions {}.", permissions.join(", "));
        text.push_str(&format!("\n{}", fitted(&visible(&line), "", "", columns)));
    }
    text.push_str(&by_hand(plan, columns));
    text
}

/// The tenant of a plan, by its name if that is known.
pub(crate) fn tenant(plan: &Plan) -> String {
    match (plan.tenant_name.as_str(), plan.tenant_id.as_str()) {
        ("", id) => format!("`{id}`"),
        (name, id) => format!("`{name}` {id}"),
    }
}

/// What somebody has to do by hand, each below a line without anything.
pub(crate) fn by_hand(plan: &Plan, columns: usize) -> String {
    let mut text = String::new();
    for item in &plan.by_hand {
        let line = format!("By hand: {}. {}.", item.does, capital(&item.because));
        text.push_str(&format!("\n{}", fitted(&visible(&line), "", "", columns)));
    }
    text
}

fn one(step: &Step, number: usize, requests: Requests, columns: usize) -> String {
    let mut text = fitted(&visible(&step.does), &format!("{number:>4}  "), INDENT, columns);
    text.push_str(&fitted(&visible(&format!("because {}", step.because)), INDENT, INDENT, columns));
    let line = format!("{} {}", step.request.method, step.request.url);
    text.push_str(&addressed(&visible(&line), columns));
    if let (Requests::Whole, Some(body)) = (requests, &step.request.body) {
        for line in pretty(body).lines() {
            text.push_str(&format!("{INDENT}{}\n", visible(line)));
        }
    }
    text
}

/// A request, broken where its address has a part of its own: an id can be marked and copied whole.
fn addressed(line: &str, columns: usize) -> String {
    let mut text = String::from(INDENT);
    let mut used = INDENT.len();
    for part in line.split_inclusive(['/', '?', '&']) {
        let width = part.chars().count();
        if used + width > columns && used > INDENT.len() {
            text.push_str(&format!("\n{INDENT}  "));
            used = INDENT.len() + 2;
        }
        text.push_str(part);
        used += width;
    }
    text.push('\n');
    text
}

fn pretty(body: &Value) -> String {
    format!("{body:#}")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}
