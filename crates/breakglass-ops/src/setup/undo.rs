//! The way back: a plan that takes back what another has done.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::action::Action;
use super::bodies::excluded;
use super::plan::{ByHand, Head, Plan, Step, digest};

/// Takes back the steps that were begun, the last first: what was not done after all is passed over when it is carried out.
/// What was there before the plan stays. What may have been made under an id that is not known is for somebody to look at:
/// it may be somebody else's.
pub(super) fn undo(plan: &Plan, begun: &BTreeSet<String>, made: &BTreeMap<String, String>, at: Timestamp) -> Plan {
    let steps = plan.steps.iter().filter(|step| begun.contains(&step.key));
    let mut policies = plan.policies.clone();
    for step in steps.clone() {
        if let Action::ExcludeGroup { policy, group, was } = &step.change
            && let (Some(policy), Some(group)) = (policy.object.id(made), group.object.id(made))
        {
            policies.insert(policy.to_owned(), digest(&excluded(was, group)));
        }
    }
    let because = |does: &str| format!("the plan did this: {does}");
    let actions = steps.clone().rev().filter_map(|step| Some((step.change.undo(made)?, because(&step.does)))).collect();
    let by_hand = steps.rev().filter(|step| step.change.undo(made).is_none()).filter_map(look_for).collect();
    let head = Head {
        tenant_id: plan.tenant_id.clone(),
        tenant_name: plan.tenant_name.clone(),
        made_at: at,
        accounts: plan.accounts.clone(),
        policies,
        takes_back: Some(plan.digest.clone()),
    };
    Plan::new(head, actions, by_hand)
}

/// What somebody has to look for: a step was sent, nobody knows what came of it, and so no request takes it back.
fn look_for(step: &Step) -> Option<ByHand> {
    let what = match &step.change {
        Action::CreateGroup { display_name, .. } => format!("group `{display_name}`"),
        Action::CreateAccount { user_principal_name, .. } => format!("account `{user_principal_name}`"),
        Action::CreateRestrictedUnit { display_name } => format!("administrative unit `{display_name}`"),
        Action::AssignGlobalAdministrator { account, .. } => format!("assignment of Global Administrator to {account}"),
        _ => return None,
    };
    Some(ByHand::due(
        format!("look whether the {what} was made, and take it back if it was"),
        format!("no answer came to this step: {}", step.does),
    ))
}
