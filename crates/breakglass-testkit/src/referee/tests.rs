//! Small tables, one per condition, and the published cases.

mod context;
mod device_filter;
mod grant;
mod people;
mod published;
mod situation;

use breakglass_model::sign_in::WhatIfRequest;
use serde_json::{Value, json};

use super::{Referee, RefereeAnswer};
use crate::tenants::{TAKEN_AT, sample_surfaces, snapshot_of};

/// A tenant whose lists are all there and hold nothing but one member, `ada`.
fn tenant() -> Value {
    json!({
        "tenantId": "tenant-own",
        "users": [{ "id": "ada", "userPrincipalName": "Ada@contoso.example", "userType": "Member" }],
        "groups": [],
        "servicePrincipals": [],
        "roleDefinitions": [],
        "roleAssignments": [],
        "roleAssignmentScheduleInstances": [],
        "namedLocations": [],
    })
}

/// Ada signing in to SharePoint.
fn request() -> Value {
    json!({
        "signInIdentity": { "@odata.type": "#microsoft.graph.userSignIn", "userId": "ada" },
        "signInContext": {
            "@odata.type": "#microsoft.graph.applicationContext",
            "includeApplications": ["00000003-0000-0ff1-ce00-000000000000"],
        },
        "signInConditions": {},
    })
}

/// A policy for everybody and everything that demands MFA.
fn policy() -> Value {
    json!({
        "id": "the-policy",
        "state": "enabled",
        "conditions": {
            "clientAppTypes": ["all"],
            "users": { "includeUsers": ["All"] },
            "applications": { "includeApplications": ["All"] },
        },
        "grantControls": { "operator": "OR", "builtInControls": ["mfa"] },
    })
}

/// Replaces members by members of the same name, objects member by member. A change of null removes.
fn changed(mut base: Value, change: Value) -> Value {
    match (&mut base, change) {
        (Value::Object(members), Value::Object(changes)) => {
            for (name, change) in changes {
                let old = members.remove(&name);
                match (old, change) {
                    (_, Value::Null) => {}
                    (Some(old @ Value::Object(_)), change @ Value::Object(_)) => {
                        members.insert(name, changed(old, change));
                    }
                    (_, change) => {
                        members.insert(name, change);
                    }
                }
            }
            base
        }
        (_, change) => change,
    }
}

fn answer(tenant: &Value, policies: &Value, request: &Value, satisfied: &[&str]) -> Result<RefereeAnswer, String> {
    let snapshot = snapshot_of(&changed(tenant.clone(), json!({ "conditionalAccessPolicies": policies }))).unwrap();
    let text = request.to_string();
    let request = WhatIfRequest::from_json(text.as_bytes()).unwrap();
    Referee { snapshot: &snapshot, surfaces: &sample_surfaces(), now: TAKEN_AT, satisfied, is_unlocated: false }
        .answer(&request)
}

/// Checks one policy, given as changes to the plain tenant, conditions and request, against `yes`, `unknown`, or
/// the reason why it does not apply.
fn check(tenant_change: &Value, conditions: &Value, request_change: &Value, expected: &str) {
    let tenant = changed(tenant(), tenant_change.clone());
    let policies = json!([changed(policy(), json!({ "conditions": conditions }))]);
    let request = changed(request(), request_change.clone());
    let answer = answer(&tenant, &policies, &request, &[]).unwrap();
    let (_, applies, reason) = &answer.policies[0];
    let found = match applies {
        Some(true) => "yes",
        None => "unknown",
        Some(false) => reason,
    };
    assert_eq!(found, expected, "{tenant_change} {conditions} {request_change}");
    if *applies == Some(true) {
        assert_eq!(*reason, "notSet");
    }
}

#[test]
fn state_comes_first() {
    for (change, applies, reason, outcome) in [
        (json!({}), Some(true), "notSet", "challenge"),
        (json!({ "state": "disabled" }), Some(false), "policyNotEnabled", "allowed"),
        (json!({ "deletedDateTime": "2026-01-01T00:00:00Z" }), Some(false), "policyNotEnabled", "allowed"),
        (json!({ "state": "enabledForReportingButNotEnforced" }), Some(true), "notSet", "allowed"),
        (json!({ "state": "sleeping" }), None, "notEnoughInformation", "unknown"),
        (json!({ "partialEnablementStrategy": { "percent": 5 } }), None, "notEnoughInformation", "unknown"),
        (
            json!({ "state": "disabled", "conditions": { "users": { "includeUsers": ["None"] } } }),
            Some(false),
            "policyNotEnabled",
            "allowed",
        ),
        (
            json!({ "state": "sleeping", "conditions": { "users": { "includeUsers": ["None"] } } }),
            Some(false),
            "users",
            "allowed",
        ),
        (json!({ "conditions": { "times": { "all": true } } }), None, "notEnoughInformation", "unknown"),
        (
            json!({ "conditions": { "times": { "all": true }, "userRiskLevels": ["high"] } }),
            Some(false),
            "userRisk",
            "allowed",
        ),
        (
            json!({ "conditions": { "times": {}, "deviceStates": null, "agents": [] } }),
            Some(true),
            "notSet",
            "challenge",
        ),
        (
            json!({ "state": "enabledForReportingButNotEnforced", "conditions": { "times": { "all": true } } }),
            None,
            "notEnoughInformation",
            "allowed",
        ),
    ] {
        let policies = json!([changed(policy(), change.clone())]);
        let answer = answer(&tenant(), &policies, &request(), &[]).unwrap();
        assert_eq!(answer.policies, [("the-policy".to_owned(), applies, reason)], "{change}");
        assert_eq!(answer.outcome, outcome, "{change}");
    }
}

#[test]
fn the_first_unmet_condition_is_named() {
    let mut conditions = json!({
        "users": { "includeUsers": ["bob"] },
        "applications": { "includeApplications": ["other-app"] },
        "platforms": { "includePlatforms": ["linux"] },
        "devices": { "deviceFilter": { "mode": "include", "rule": "device.model -eq \"x\"" } },
        "clientAppTypes": ["browser"],
        "locations": { "includeLocations": ["nowhere"] },
        "signInRiskLevels": ["high"],
        "userRiskLevels": ["high"],
        "servicePrincipalRiskLevels": ["high"],
        "insiderRiskLevels": "elevated",
        "authenticationFlows": { "transferMethods": "deviceCodeFlow" },
    });
    let request_change = json!({ "signInConditions": { "clientAppType": "other" } });
    let order = [
        ("users", "users"),
        ("applications", "application"),
        ("platforms", "devicePlatform"),
        ("devices", "devices"),
        ("clientAppTypes", "clientApps"),
        ("locations", "location"),
        ("signInRiskLevels", "signInRisk"),
        ("userRiskLevels", "userRisk"),
        ("servicePrincipalRiskLevels", "signInRisk"),
        ("insiderRiskLevels", "insiderRisk"),
        ("authenticationFlows", "authenticationFlow"),
    ];
    let plain = policy();
    for (condition, reason) in order {
        check(&json!({}), &conditions, &request_change, reason);
        conditions[condition] = plain["conditions"][condition].clone();
    }
    check(&json!({}), &conditions, &request_change, "yes");
}

#[test]
fn policies_come_in_the_order_of_the_snapshot() {
    let policies: Value =
        [("z", "enabled"), ("m", "enabledForReportingButNotEnforced"), ("a", "enabled"), ("q", "new")]
            .iter()
            .map(|(id, state)| changed(policy(), json!({ "id": id, "state": state })))
            .collect();
    let answer = answer(&tenant(), &policies, &request(), &[]).unwrap();
    assert_eq!(answer.applied, ["z", "a"]);
    assert_eq!(answer.report_only, ["m"]);
    assert_eq!(answer.unknown, ["q"]);
    assert_eq!(answer.outcome, "challenge");
    assert_eq!(answer.controls, ["mfa"]);
}

#[test]
fn without_the_policies_nothing_is_known() {
    let text = request().to_string();
    let request = WhatIfRequest::from_json(text.as_bytes()).unwrap();
    let judged = |document: &Value| {
        let snapshot = snapshot_of(document).unwrap();
        super::what_if(&snapshot, &request, &[], TAKEN_AT).unwrap().outcome
    };
    assert_eq!(judged(&tenant()), "unknown");
    assert_eq!(judged(&changed(tenant(), json!({ "conditionalAccessPolicies": [] }))), "allowed");
}

#[test]
fn faulty_requests_are_errors() {
    for (change, expected) in [
        (json!({ "signInIdentity": { "userId": "nobody" } }), "user `nobody` is not in the snapshot"),
        (
            json!({ "signInIdentity": { "userId": null, "servicePrincipalId": "nobody" } }),
            "service principal `nobody` is not in the snapshot",
        ),
        (json!({ "signInIdentity": null }), "signInIdentity names neither a user nor a service principal"),
        (
            json!({ "signInIdentity": { "servicePrincipalId": "sp" } }),
            "signInIdentity names both a user and a service principal",
        ),
        (
            json!({ "signInIdentity": { "externalUserType": "martian" } }),
            "`martian` is not a value of externalUserType",
        ),
        (
            json!({ "signInContext": { "includeApplications": null, "userAction": "dance" } }),
            "`dance` is not a value of userAction",
        ),
        (json!({ "signInConditions": { "devicePlatform": "beos" } }), "`beos` is not a value of devicePlatform"),
        (json!({ "signInConditions": { "devicePlatform": "all" } }), "`all` is not a value of devicePlatform"),
        (json!({ "signInConditions": { "clientAppType": "Browser" } }), "`Browser` is not a value of clientAppType"),
        (json!({ "signInConditions": { "signInRiskLevel": "severe" } }), "`severe` is not a value of signInRiskLevel"),
        (json!({ "signInConditions": { "userRiskLevel": "" } }), "`` is not a value of userRiskLevel"),
        (
            json!({ "signInConditions": { "servicePrincipalRiskLevel": "x" } }),
            "`x` is not a value of servicePrincipalRiskLevel",
        ),
        (json!({ "signInConditions": { "insiderRiskLevel": "high" } }), "`high` is not a value of insiderRiskLevel"),
        (
            json!({ "signInConditions": { "authenticationFlow": { "transferMethod": "pigeon" } } }),
            "`pigeon` is not a value of transferMethod",
        ),
        (json!({ "signInConditions": { "ipAddress": "1.2.3" } }), "`1.2.3` is not an IP address"),
    ] {
        let request = changed(request(), change.clone());
        assert_eq!(answer(&tenant(), &json!([policy()]), &request, &[]).unwrap_err(), expected, "{change}");
    }
}
