//! Where a change is written: the objects at fault before the others.

use std::collections::BTreeSet;

use breakglass_engine::guard::GuardReport;
use breakglass_engine::lockout::report::Cause;
use breakglass_model::policy::ConditionalAccessPolicy;
use breakglass_model::proposal::{AppliedChange, ChangeAction};
use breakglass_model::snapshot::Resource;
use serde_json::Value;

use crate::proposal::REMOVE_POLICY;

/// One object of the change, and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// The file, as it was named or found.
    pub(crate) file: String,
    /// The line at which it begins, from one, where that is known.
    pub(crate) line: Option<u32>,
    /// Its JSON path in the file, or its address in a plan; empty where the file is all that is known.
    pub(crate) path: String,
    /// What it is, in words: policy `Block legacy`.
    pub(crate) what: String,
}

/// How much an object has to do with what the verdict says, the most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// A policy that the counterexample names.
    Named,
    /// What such a policy refers to.
    ReferredTo,
    /// A policy of which this version cannot tell what it does.
    Unknown,
    /// It changes something.
    Changed,
    /// It is proposed as it is.
    Unchanged,
}

/// The objects of a change that are written in a file, those at fault first, and else in the order of the change.
/// `policies` are those of the tenant with the change.
pub(crate) fn written(
    applied: &[AppliedChange],
    report: &GuardReport,
    policies: &[ConditionalAccessPolicy],
) -> Vec<Written> {
    let named: BTreeSet<&str> = report
        .counterexample
        .iter()
        .flat_map(|counterexample| &counterexample.causes)
        .filter_map(|cause| match cause {
            Cause::Policy { id, .. } => Some(id.as_str()),
            Cause::Setting(_) => None,
        })
        .collect();
    let at_fault = policies.iter().filter(|policy| named.contains(policy.id.as_str()));
    let mut referred = BTreeSet::new();
    at_fault.for_each(|policy| texts(&policy.source, &mut referred));
    let fault = |change: &AppliedChange| {
        let id = change.id.as_str();
        let is_policy = change.resource == Resource::ConditionalAccessPolicies;
        let is_unknown = || policies.iter().any(|policy| policy.id.as_str() == id && !policy.unknowns.is_empty());
        match change.action {
            _ if is_policy && named.contains(id) => Fault::Named,
            ChangeAction::Unchanged => Fault::Unchanged,
            _ if !is_policy && referred.contains(id) => Fault::ReferredTo,
            _ if is_policy && is_unknown() => Fault::Unknown,
            _ => Fault::Changed,
        }
    };
    let in_files = applied.iter().filter_map(|change| {
        let place = change.place.as_ref().filter(|place| place.file != REMOVE_POLICY)?;
        let (file, path) = (place.file.clone(), place.path.clone());
        let what = format!("{} `{}`", change.noun(), change.name);
        Some((fault(change), Written { file, line: place.line, path, what }))
    });
    let mut ranked: Vec<(Fault, Written)> = in_files.collect();
    ranked.sort_by_key(|(fault, _)| *fault);
    ranked.into_iter().map(|(_, written)| written).collect()
}

/// Every text in a value.
fn texts<'a>(value: &'a Value, all: &mut BTreeSet<&'a str>) {
    match value {
        Value::String(text) => {
            all.insert(text);
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, all)),
        Value::Object(members) => members.values().for_each(|member| texts(member, all)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
