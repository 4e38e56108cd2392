//! The way back: a plan that takes back what another has done.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::action::{Action, excluded};
use super::plan::{Head, Plan, digest};

/// Takes back the steps that were done, the last first. What was there before the plan stays.
pub(super) fn undo(plan: &Plan, done: &BTreeSet<String>, made: &BTreeMap<String, String>, at: Timestamp) -> Plan {
    let steps = plan.steps.iter().filter(|step| done.contains(&step.key));
    let mut policies = plan.policies.clone();
    for step in steps.clone() {
        if let Action::ExcludeGroup { policy, group, was } = &step.change
            && let (Some(policy), Some(group)) = (policy.object.id(made), group.object.id(made))
        {
            policies.insert(policy.to_owned(), digest(&excluded(was, group)));
        }
    }
    let because = |does: &str| format!("the plan did this: {does}");
    let actions = steps.rev().filter_map(|step| Some((step.change.undo(made)?, because(&step.does)))).collect();
    let head = Head {
        tenant_id: plan.tenant_id.clone(),
        tenant_name: plan.tenant_name.clone(),
        made_at: at,
        accounts: plan.accounts.clone(),
        policies,
    };
    Plan::new(head, actions, Vec::new())
}
