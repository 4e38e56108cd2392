//! The way back: a plan that takes back what another has done.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::action::{Action, Named, POLICIES};
use super::apply::{Applier, Waits};
use super::bodies::{excluded, lasting};
use super::observe::list;
use super::plan::{ByHand, Head, Plan, Step, digest};
use crate::ports::DirectoryError;

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

impl Applier<'_> {
    /// The name of a policy that excludes the group still. What a step has taken out of a policy may be seen in it for a
    /// while, and is waited for.
    pub(super) async fn excluding(&self, plan: &Plan, group: &Named) -> Result<Option<String>, DirectoryError> {
        let none = BTreeMap::new();
        let id = group.object.id(&none);
        let was = plan.steps.iter().filter_map(|step| match &step.change {
            Action::IncludeGroup { policy, was, .. } => Some((policy.object.id(&none)?, lasting(was))),
            _ => None,
        });
        let was: BTreeMap<&str, Value> = was.collect();
        let mut waits = Waits::default();
        loop {
            let policies = list(self.directory, POLICIES).await?;
            let text =
                |policy: &Value, name: &str| policy.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let mut excluding = policies.iter().filter(|policy| excluded_groups(policy).any(|one| id == Some(one)));
            let (mut stale, mut first) = (false, None);
            for policy in excluding.by_ref() {
                stale |= was.get(text(policy, "id").as_str()).is_some_and(|was| *was == lasting(policy));
                first = first.or_else(|| Some(text(policy, "displayName")));
            }
            if !stale || !waits.go_on(self.clock).await {
                return Ok(first);
            }
        }
    }
}

/// Policies that would go on to exclude a group while a way back takes away the unit that protects it: somebody has changed
/// them since, or has made them.
pub(super) fn losing_unit(plan: &Plan, policies: &[Value]) -> Vec<String> {
    let none = BTreeMap::new();
    let freed = plan.steps.iter().filter_map(|step| match &step.change {
        Action::RemoveFromUnit { group, .. } => group.object.id(&none),
        _ => None,
    });
    let freed: BTreeSet<&str> = freed.collect();
    // As the plan knew it: it excluded the group before as well, or a step takes that back.
    let is_known = |policy: &&Value| {
        let id = policy.get("id").and_then(Value::as_str).unwrap_or_default();
        plan.policies.get(id).is_some_and(|known| *known == digest(&lasting(policy)))
    };
    let left = policies.iter().filter(|policy| excluded_groups(policy).any(|id| freed.contains(id)));
    let told = |policy: &Value| {
        let name = policy.get("displayName").and_then(Value::as_str).unwrap_or_default();
        format!("policy `{name}` would go on to exclude the group without its unit: take the group out of it first")
    };
    left.filter(|policy| !is_known(policy)).map(told).collect()
}

/// Ids of the groups that a policy excludes.
fn excluded_groups(policy: &Value) -> impl Iterator<Item = &str> {
    let groups = policy.pointer("/conditions/users/excludeGroups").and_then(Value::as_array);
    groups.into_iter().flatten().filter_map(Value::as_str)
}
