//! How far a plan is, by the store alone: what was begun, sent, made and done.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::action::CREATE_ACCOUNT;
use super::apply::Applied;
use super::plan::Plan;
use super::undo::undo;
use crate::ports::{Store, StoreError};

/// What the store tells of a plan.
pub(super) struct Course<'c> {
    store: &'c dyn Store,
    stream: String,
    length: usize,
    /// Steps for which somebody may have got a password.
    pub(super) prepared: BTreeSet<String>,
    /// Steps that were sent, and may have been done.
    pub(super) sent: BTreeSet<String>,
    /// What is over.
    pub(super) applied: Applied,
}

impl<'c> Course<'c> {
    pub(super) fn read(store: &'c dyn Store, plan: &Plan) -> Result<Self, StoreError> {
        let stream = stream_of(plan);
        let entries = store.entries(&stream)?;
        let applied =
            Applied { done: BTreeSet::new(), passed: BTreeSet::new(), left: BTreeMap::new(), made: BTreeMap::new() };
        let (prepared, sent) = (BTreeSet::new(), BTreeSet::new());
        let mut course = Self { store, stream, length: entries.len(), prepared, sent, applied };
        for entry in &entries {
            let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
            if let (Some(step), Some(state)) = (text("step"), text("state")) {
                course.take(&step, &state, text("made"));
            }
        }
        Ok(course)
    }

    fn take(&mut self, step: &str, state: &str, made: Option<String>) {
        match state {
            "preparing" => {
                self.prepared.insert(step.to_owned());
            }
            "sending" => {
                self.sent.insert(step.to_owned());
            }
            "refused" => {
                self.sent.remove(step);
            }
            "done" => {
                self.applied.done.insert(step.to_owned());
            }
            "passed" => {
                self.applied.passed.insert(step.to_owned());
            }
            _ => {}
        }
        if let Some(id) = made {
            self.applied.made.insert(step.to_owned(), id);
        }
    }

    pub(super) fn note(&mut self, step: &str, state: &str, made: Option<String>) -> Result<(), StoreError> {
        let entry = json!({ "step": step, "state": state, "made": made });
        self.store.append(&self.stream, self.length, &entry)?;
        self.length += 1;
        self.take(step, state, made);
        Ok(())
    }

    pub(super) fn is_over(&self, step: &str) -> bool {
        self.applied.done.contains(step) || self.applied.passed.contains(step)
    }

    /// Leaves a step for this time. It is not written down: the next call looks again.
    pub(super) fn leave(&mut self, step: &str, why: String) {
        self.applied.left.insert(step.to_owned(), why);
    }

    /// Whether what is found may be what the step has made: something may have been made, and not something else.
    pub(super) fn may_be_own(&self, step: &str, found: Option<&str>) -> bool {
        let made = self.applied.made.get(step);
        self.sent.contains(step) && made.is_none_or(|made| found.is_none_or(|found| made == found))
    }

    /// Steps that were done, or may have been.
    pub(super) fn begun(&self) -> BTreeSet<String> {
        let sent = self.sent.iter().filter(|step| !self.applied.passed.contains(*step));
        sent.chain(&self.applied.done).cloned().collect()
    }
}

/// How the names of the streams of plans begin.
const STREAM: &str = "apply/";

fn stream_of(plan: &Plan) -> String {
    format!("{STREAM}{}", plan.digest)
}

/// Steps of a plan that are over: done by an earlier call, or found as they were to be.
///
/// # Errors
/// The store cannot be read.
pub fn steps_over(plan: &Plan, store: &dyn Store) -> Result<BTreeSet<String>, StoreError> {
    let applied = Course::read(store, plan)?.applied;
    Ok(applied.done.into_iter().chain(applied.passed).collect())
}

/// Accounts that some plan was to make and that may have been made, though nobody knows: whoever carried it out was stopped.
/// The password of one that is there is one of those that were kept for it.
///
/// # Errors
/// The store cannot be read.
pub fn half_made(store: &dyn Store) -> Result<BTreeSet<String>, StoreError> {
    let mut half = BTreeSet::new();
    for stream in store.streams(STREAM)? {
        for entry in store.entries(&stream)? {
            let text = |name: &str| entry.get(name).and_then(Value::as_str);
            let Some(account) = text("step").and_then(|step| step.strip_prefix(CREATE_ACCOUNT)) else { continue };
            match text("state") {
                Some("sending") => half.insert(account.to_owned()),
                Some("done" | "passed" | "refused") => half.remove(account),
                _ => false,
            };
        }
    }
    Ok(half)
}

/// The plan that takes back what the store says was done of a plan, or may have been; without steps if nothing was. What may
/// have been made under an id that is not known is left to somebody who looks.
///
/// # Errors
/// The store cannot be read.
pub fn undo_of(plan: &Plan, store: &dyn Store, at: Timestamp) -> Result<Plan, StoreError> {
    let course = Course::read(store, plan)?;
    Ok(undo(plan, &course.begun(), &course.applied.made, at))
}
