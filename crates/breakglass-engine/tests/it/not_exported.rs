//! What the export of a policy does not have: absent is neither null nor empty. The plain evaluator is asked as well.

use breakglass_engine::access::{Access, AccessSettings, Trit};
use breakglass_model::sign_in::WhatIfRequest;
use breakglass_testkit::referee::what_if;
use serde_json::{Value, json};

use super::support::{now, snapshot};

/// Judges a sign-in of Ada against one policy: whether it applies, the reason, why it cannot be told, the outcome.
fn judged(policy: &Value) -> (Option<bool>, &'static str, String, &'static str) {
    let snapshot = snapshot(&json!({
        "format": "breakglass-snapshot/1",
        "users": [{ "id": "ada", "userPrincipalName": "ada@contoso.example", "userType": "Member" }],
        "groups": [], "servicePrincipals": [], "roleDefinitions": [], "roleAssignments": [],
        "roleAssignmentScheduleInstances": [], "namedLocations": [],
        "conditionalAccessPolicies": [policy],
    }));
    let body = r#"{
        "signInIdentity": { "userId": "ada" },
        "signInContext": { "includeApplications": ["00000003-0000-0ff1-ce00-000000000000"] },
        "signInConditions": {}
    }"#;
    let request = WhatIfRequest::from_json(body.as_bytes()).unwrap();
    let access = Access::compile(&snapshot, &AccessSettings::at(now())).unwrap();
    let situation = access.situation(&request).unwrap();
    let analysis = access.analyse_policy(0, &situation);
    let applies = analysis.applies.known();
    let outcome = access.outcome(&situation).name();
    let plain = what_if(&snapshot, &request, &[], now()).unwrap();
    let (_, plain_applies, plain_reason) = plain.policies[0];
    assert_eq!((applies, outcome), (plain_applies, plain.outcome), "engine and plain evaluator: {policy}");
    assert_eq!(analysis.reason.name(), plain_reason, "{policy}");
    (applies, plain_reason, analysis.unknown.join("; "), outcome)
}

/// An enabled policy with these members besides.
fn policy(members: Value) -> Value {
    let mut policy = json!({ "id": "p", "displayName": "P", "state": "enabled" });
    policy.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    policy
}

#[test]
fn whom_a_policy_is_about_is_unknown_where_it_was_not_exported() {
    let all = json!({ "includeApplications": ["All"] });
    let mfa = json!({ "operator": "OR", "builtInControls": ["mfa"] });
    let none = "notEnoughInformation";
    for (conditions, expected) in [
        (json!({ "conditions": null }), (None, none, "`conditions` is not in the export", "unknown")),
        (json!({}), (None, none, "`conditions` is not in the export", "unknown")),
        (
            json!({ "conditions": { "applications": all } }),
            (None, none, "`conditions.users` is not in the export", "unknown"),
        ),
        (
            json!({ "conditions": { "applications": all, "clientApplications": { "includeServicePrincipals": [] } } }),
            (None, none, "`conditions.users` is not in the export", "unknown"),
        ),
        (
            json!({ "conditions": { "clientApplications": { "includeServicePrincipals": ["robot"] } } }),
            (Some(false), "users", "", "allowed"),
        ),
        (json!({ "conditions": { "users": null } }), (Some(false), "emptyPolicy", "", "allowed")),
        (
            json!({ "conditions": { "users": {} } }),
            (None, none, "`conditions.users.includeUsers` is not in the export", "unknown"),
        ),
        (json!({ "conditions": { "users": { "excludeUsers": ["ada"] } } }), (Some(false), "users", "", "allowed")),
        (
            json!({ "conditions": { "users": { "includeUsers": [] } } }),
            (None, none, "`conditions.users.includeGroups` is not in the export", "unknown"),
        ),
        (
            json!({ "conditions": { "users": { "includeUsers": [], "includeGroups": [] } } }),
            (None, none, "`conditions.users.includeRoles` is not in the export", "unknown"),
        ),
        (
            json!({ "conditions": { "users": { "includeUsers": null, "includeGroups": [], "includeRoles": [] } } }),
            (Some(false), "users", "", "allowed"),
        ),
        (json!({ "conditions": { "users": { "includeUsers": ["None"] } } }), (Some(false), "users", "", "allowed")),
        (json!({ "conditions": { "users": { "includeUsers": ["All"] } } }), (Some(true), "notSet", "", "challenge")),
    ] {
        let mut policy = policy(conditions);
        policy["grantControls"] = mfa.clone();
        let (applies, reason, why, outcome) = judged(&policy);
        assert_eq!((applies, reason, why.as_str(), outcome), expected, "{policy}");
        policy["state"] = "disabled".into();
        assert_eq!(judged(&policy).1, "policyNotEnabled");
    }
    assert_eq!(judged(&policy(json!({}))).3, "unknown", "an export of ids, names and states");
}

#[test]
fn a_policy_of_which_it_is_not_said_may_be_about_workload_identities() {
    let snapshot = snapshot(&json!({
        "format": "breakglass-snapshot/1",
        "servicePrincipals": [{ "id": "robot" }],
        "conditionalAccessPolicies": [policy(json!({}))],
    }));
    let body =
        r#"{ "signInIdentity": { "servicePrincipalId": "robot" }, "signInContext": null, "signInConditions": {} }"#;
    let request = WhatIfRequest::from_json(body.as_bytes()).unwrap();
    let access = Access::compile(&snapshot, &AccessSettings::at(now())).unwrap();
    let analysis = access.analyse_policy(0, &access.situation(&request).unwrap());
    assert_eq!((analysis.applies, analysis.because.as_str()), (Trit::Unknown, "`conditions` is not in the export"));
}

#[test]
fn what_a_policy_demands_is_unknown_where_it_was_not_exported() {
    let strength = |members: Value| json!({ "operator": "OR", "authenticationStrength": members });
    let session = |members: Value| json!({ "grantControls": null, "sessionControls": members });
    let grant = |members: Value| json!({ "grantControls": members });
    for (controls, outcome) in [
        (json!({}), "unknown"),
        (json!({ "sessionControls": { "signInFrequency": { "isEnabled": true } } }), "unknown"),
        (json!({ "grantControls": null }), "allowed"),
        (grant(json!({})), "unknown"),
        (grant(json!({ "operator": "OR" })), "unknown"),
        (grant(json!({ "operator": "OR", "builtInControls": null })), "unknown"),
        (grant(json!({ "operator": "OR", "builtInControls": [] })), "unknown"),
        (grant(json!({ "builtInControls": null, "authenticationStrength": null })), "allowed"),
        (grant(json!({ "operator": "OR", "builtInControls": [], "authenticationStrength": null })), "allowed"),
        (grant(json!({ "operator": "OR", "termsOfUse": ["terms"] })), "challenge"),
        (grant(json!({ "builtInControls": ["mfa"] })), "challenge"),
        (grant(json!({ "builtInControls": ["mfa", "mfa"], "operator": null })), "challenge"),
        (grant(json!({ "builtInControls": ["mfa", "compliantDevice"] })), "unknown"),
        (grant(json!({ "builtInControls": ["mfa", "compliantDevice"], "operator": null })), "unknown"),
        (grant(json!({ "builtInControls": ["mfa"], "termsOfUse": ["terms"], "operator": null })), "unknown"),
        (grant(json!({ "builtInControls": ["block", "mfa"] })), "blocked"),
        (grant(strength(json!({ "id": "s" }))), "challenge"),
        (grant(strength(json!({ "displayName": "Passkeys" }))), "unknown"),
        (grant(strength(json!({ "requirementsSatisfied": "mfa", "allowedCombinations": [] }))), "unknown"),
        (grant(strength(json!({ "displayName": "Passkeys", "allowedCombinations": ["fido2"] }))), "challenge"),
        (session(json!({ "moodRing": { "isEnabled": true } })), "unknown"),
        (session(json!({ "moodRing": null, "@odata.type": "#x" })), "allowed"),
        (session(json!({ "globalSecureAccessFilteringProfile": { "isEnabled": true } })), "allowed"),
        (
            json!({ "grantControls": { "builtInControls": ["mfa"] }, "sessionControls": { "moodRing": true } }),
            "unknown",
        ),
        (
            json!({ "grantControls": { "builtInControls": ["block"] }, "sessionControls": { "moodRing": true } }),
            "blocked",
        ),
    ] {
        let mut policy = policy(controls);
        policy["conditions"] = json!({ "users": { "includeUsers": ["All"] } });
        assert_eq!(judged(&policy).3, outcome, "{policy}");
    }
}

#[test]
fn what_a_plan_does_not_know_yet_cannot_be_told() {
    let mfa = json!({ "operator": "OR", "builtInControls": ["mfa"] });
    let awaited = |path: &str, users: Value, more: Value| {
        let mut conditions = json!({ "users": users, "applications": { "includeApplications": ["All"] } });
        conditions.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        policy(json!({ "breakglass.knownAfterApply": [path], "conditions": conditions, "grantControls": mfa }))
    };
    let (all, nobody) = (json!({ "includeUsers": ["All"] }), json!({ "includeUsers": [], "includeGroups": [] }));
    for (path, users, more) in [
        ("conditions.users.excludeGroups", all.clone(), json!({})),
        ("conditions.users.includeGroups", nobody.clone(), json!({})),
        ("conditions.users.includeRoles", nobody, json!({})),
        ("conditions.users", json!({}), json!({})),
        ("conditions", json!({}), json!({})),
        (
            "conditions.applications.includeApplications",
            all.clone(),
            json!({ "applications": { "includeApplications": [] } }),
        ),
        (
            "conditions.applications.applicationFilter.rule",
            all.clone(),
            json!({ "applications": { "applicationFilter": {} } }),
        ),
        ("conditions.locations.includeLocations", all.clone(), json!({ "locations": { "includeLocations": [] } })),
        ("conditions.locations.excludeLocations", all.clone(), json!({ "locations": { "includeLocations": ["All"] } })),
        (
            "conditions.platforms.includePlatforms",
            all.clone(),
            json!({ "platforms": { "includePlatforms": ["linux"] } }),
        ),
        ("conditions.clientAppTypes", all.clone(), json!({ "clientAppTypes": ["other"] })),
        ("conditions.signInRiskLevels", all.clone(), json!({ "signInRiskLevels": ["high"] })),
        ("conditions.userRiskLevels", all.clone(), json!({ "userRiskLevels": ["high"] })),
        ("conditions.insiderRiskLevels", all.clone(), json!({ "insiderRiskLevels": "elevated" })),
        (
            "conditions.authenticationFlows.transferMethods",
            all.clone(),
            json!({ "authenticationFlows": { "transferMethods": "deviceCodeFlow" } }),
        ),
        (
            "conditions.devices.deviceFilter.rule",
            all.clone(),
            json!({ "devices": { "deviceFilter": { "mode": "include" } } }),
        ),
        ("state", all.clone(), json!({})),
        ("grantControls.builtInControls", all.clone(), json!({})),
        ("grantControls", all.clone(), json!({})),
    ] {
        let policy = awaited(path, users, more);
        let (_, _, _, outcome) = judged(&policy);
        assert_eq!(outcome, "unknown", "{policy}");
    }
    let (applies, _, why, outcome) = judged(&awaited("conditions.users.excludeGroups", all.clone(), json!({})));
    assert_eq!((applies, outcome), (None, "unknown"));
    assert_eq!(why, "condition `conditions.users.excludeGroups` is known only after the plan is applied");
    let beside_everybody = awaited("conditions.users.includeGroups", all, json!({}));
    assert_eq!(judged(&beside_everybody).0, None, "it is not known whom it includes besides, and it is said");
}
