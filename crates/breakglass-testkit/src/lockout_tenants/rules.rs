//! Rules of Privileged Identity Management.

use serde_json::{Value, json};

use super::{Manner, Names};
use crate::tenants::random::Random;

pub(super) fn policies(random: &mut Random, names: &Names) -> Value {
    let roles: std::collections::BTreeSet<&str> = names.roles.iter().copied().collect();
    let mut policies = Vec::new();
    for role in roles {
        if random.wild(6) {
            continue;
        }
        let mut rules = vec![enablement(random), context(random), approval(random, names)];
        if random.wild(12) {
            rules.remove(random.below(3));
        }
        let place = if random.chance(80) { "rules" } else { "effectiveRules" };
        policies.push(json!({ "id": format!("rules-of-{role}"), "roleDefinitionId": role, place: rules }));
    }
    Value::Array(policies)
}

fn enablement(random: &mut Random) -> Value {
    let rules = match random.below(10) {
        0..=3 => json!(["MultiFactorAuthentication", "Justification"]),
        4 if random.is_wild() => json!(["Meditation"]),
        5 => json!(["Justification", "Ticketing"]),
        _ => json!([]),
    };
    json!({ "@odata.type": "#microsoft.graph.unifiedRoleManagementPolicyEnablementRule",
            "id": "Enablement_EndUser_Assignment", "enabledRules": rules })
}

fn context(random: &mut Random) -> Value {
    let is_enabled = random.chance(20);
    let claim = if is_enabled { json!("c1") } else { random.pick(&[Value::Null, json!("")]) };
    json!({ "@odata.type": "#microsoft.graph.unifiedRoleManagementPolicyAuthenticationContextRule",
            "id": "AuthenticationContext_EndUser_Assignment", "isEnabled": is_enabled, "claimValue": claim })
}

fn approval(random: &mut Random, names: &Names) -> Value {
    let percent = if names.manner == Manner::Activation { 40 } else { 20 };
    let setting = if random.chance(percent) {
        let stages: Vec<Value> = (0..random.pick(&[1, 1, 1, 1, 1, 2, 2, 0])).map(|_| stage(random, names)).collect();
        json!({ "isApprovalRequired": true, "approvalStages": stages })
    } else {
        json!({ "isApprovalRequired": false, "approvalStages": [] })
    };
    json!({ "@odata.type": "#microsoft.graph.unifiedRoleManagementPolicyApprovalRule",
            "id": "Approval_EndUser_Assignment", "setting": setting })
}

fn stage(random: &mut Random, names: &Names) -> Value {
    if random.wild(6) {
        return random.pick(&[json!({}), json!({ "primaryApprovers": null })]);
    }
    let count = random.pick(&[0, 1, 1, 2, 2, 3, 3, 3, 4]);
    let approvers: Vec<Value> = (0..count)
        .map(|_| {
            if random.chance(15) {
                json!({ "@odata.type": "#microsoft.graph.groupMembers", "groupId": random.pick(&names.groups) })
            } else {
                json!({ "@odata.type": "#microsoft.graph.singleUser", "userId": random.pick(&names.people) })
            }
        })
        .collect();
    json!({ "primaryApprovers": approvers })
}
