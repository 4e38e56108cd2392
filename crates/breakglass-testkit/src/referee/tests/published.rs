use serde_json::{Value, json};

use super::{answer, changed};

/// Judges the published cases that speak of policies and outcomes. They lie beside the workspace; without them
/// there is nothing to compare with.
#[test]
fn published_cases_come_out_as_published() {
    let Some(folder) = crate::shared_data() else {
        println!("skipped: no shared reference data");
        return;
    };
    let text = std::fs::read_to_string(folder.join("data/conditional-access/expected-cases.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let mut judged = 0;
    for case in document["cases"].as_array().unwrap() {
        if case["signIn"].get("signInIdentity").is_some() {
            judge(case);
            judged += 1;
        }
    }
    assert!(judged >= 25, "{judged} cases");
}

fn judge(case: &Value) {
    let sign_in = &case["signIn"];
    let satisfied: Vec<&str> =
        sign_in["satisfied"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    // The body for `evaluate` is in it, without what the set says beside it.
    let members = ["signInIdentity", "signInContext", "signInConditions", "appliedPoliciesOnly"];
    let given = members.iter().filter_map(|name| Some(((*name).to_owned(), sign_in.get(*name)?.clone())));
    let body = Value::Object(given.collect());
    let answer = answer(&tenant_of(case), &case["policies"], &body, &satisfied).unwrap();
    let (id, expect) = (&case["id"], &case["expect"]);
    let strings = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let in_scope = [answer.applied.clone(), answer.report_only.clone()].concat();
    if let Some(applies) = expect["policyApplies"].as_bool() {
        assert_eq!(answer.policies[0].1, Some(applies), "{id}");
    }
    if let (Some(reason), Some(false)) = (expect["analysisReasons"].as_str(), expect["policyApplies"].as_bool()) {
        assert_eq!(answer.policies[0].2, reason, "{id}");
    }
    for policy in strings(&expect["applied_contains"]) {
        assert!(in_scope.contains(&policy), "{id}: {policy} applies");
    }
    for policy in strings(&expect["not_applied"]) {
        assert!(!in_scope.contains(&policy), "{id}: {policy} does not apply");
    }
    let outcome = expect["outcome"].as_str().or(expect["caOutcome"].as_str());
    if let Some(outcome) = outcome {
        let wanted = match outcome {
            "granted" => "allowed",
            "denied" => "unsatisfiable",
            other => other,
        };
        assert_eq!(answer.outcome, wanted, "{id}");
    }
}

/// The case's tenant with every other list empty; a location that the policies name and nobody defines is a
/// trusted one somewhere else.
fn tenant_of(case: &Value) -> Value {
    let user = json!({ "id": case["signIn"]["signInIdentity"]["userId"], "userType": "Member" });
    let mut locations: Vec<Value> = case["tenant"]["namedLocations"].as_array().cloned().unwrap_or_default();
    let mut assignments = Vec::new();
    for user in case["tenant"]["users"].as_array().into_iter().flatten() {
        for role in user["roles"].as_array().into_iter().flatten() {
            assignments.push(json!({ "principalId": user["id"], "roleDefinitionId": role }));
        }
        for assignment in user["roleAssignments"].as_array().into_iter().flatten() {
            assignments.push(changed(assignment.clone(), json!({ "principalId": user["id"] })));
        }
    }
    if locations.is_empty() {
        locations.push(json!({ "id": "hq", "isTrusted": true, "ipRanges": [{ "cidrAddress": "198.51.100.0/24" }] }));
    }
    json!({
        "users": [user],
        "groups": case["tenant"].get("groups").cloned().unwrap_or(json!([])),
        "servicePrincipals": [],
        "roleDefinitions": [],
        "roleAssignments": assignments,
        "namedLocations": locations,
    })
}
