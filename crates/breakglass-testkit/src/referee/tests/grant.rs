use serde_json::{Value, json};

use super::{answer, changed, policy, request, tenant};

/// Judges policies with these grant controls, all of them enforced.
fn judged(grants: &[Value], said: &Value, satisfied: &[&str]) -> (&'static str, String) {
    let policies: Value = grants
        .iter()
        .enumerate()
        .map(|(number, grant)| {
            let mut policy = changed(policy(), json!({ "id": format!("policy-{number}"), "grantControls": null }));
            policy["grantControls"] = grant.clone();
            policy
        })
        .collect();
    let request = changed(request(), json!({ "signInConditions": said }));
    let answer = answer(&tenant(), &policies, &request, satisfied).unwrap();
    (answer.outcome, answer.controls.join(" "))
}

fn check(grants: &[Value], said: &Value, satisfied: &[&str], outcome: &str, controls: &str) {
    assert_eq!(judged(grants, said, satisfied), (outcome, controls.to_owned()), "{grants:?} {said} {satisfied:?}");
}

fn grant(operator: &str, built_in: &[&str]) -> Value {
    json!({ "operator": operator, "builtInControls": built_in })
}

#[test]
fn single_controls() {
    let nothing = json!({});
    let compliant = json!({ "deviceInfo": { "isCompliant": true } });
    let joined = json!({ "deviceInfo": { "trustType": "ServerAD" } });
    let by_code =
        |said: &Value| changed(said.clone(), json!({ "authenticationFlow": { "transferMethod": "deviceCodeFlow" } }));
    let on = |platform: &str| json!({ "devicePlatform": platform });
    for (control, said, outcome) in [
        ("mfa", nothing.clone(), "challenge"),
        ("passwordChange", nothing.clone(), "challenge"),
        ("riskRemediation", nothing.clone(), "challenge"),
        ("compliantDevice", nothing.clone(), "unsatisfiable"),
        ("compliantDevice", json!({ "deviceInfo": { "isCompliant": false } }), "unsatisfiable"),
        ("compliantDevice", compliant.clone(), "allowed"),
        ("compliantDevice", by_code(&compliant), "unsatisfiable"),
        ("domainJoinedDevice", compliant.clone(), "unsatisfiable"),
        ("domainJoinedDevice", joined.clone(), "allowed"),
        ("domainJoinedDevice", by_code(&joined), "unsatisfiable"),
        ("approvedApplication", on("android"), "unknown"),
        ("approvedApplication", on("iOS"), "unknown"),
        ("approvedApplication", nothing.clone(), "unknown"),
        ("approvedApplication", on("windows"), "unsatisfiable"),
        ("approvedApplication", on(""), "unsatisfiable"),
        ("compliantApplication", on("android"), "unknown"),
        ("compliantApplication", on("linux"), "unsatisfiable"),
        ("retinaScan", nothing, "unknown"),
    ] {
        for operator in ["AND", "OR"] {
            let controls = if outcome == "allowed" { "" } else { control };
            check(&[grant(operator, &[control])], &said, &[], outcome, controls);
        }
    }
}

#[test]
fn blocking_ends_it() {
    for grants in [
        vec![grant("OR", &["block"])],
        vec![grant("OR", &["block", "mfa"])],
        vec![grant("AND", &["block", "compliantDevice"])],
        vec![grant("OR", &["block"]), grant("OR", &["retinaScan"])],
    ] {
        assert_eq!(judged(&grants, &json!({}), &["mfa"]).0, "blocked");
    }
    check(&[grant("OR", &["block"]), grant("OR", &["mfa"])], &json!({}), &[], "blocked", "mfa");
}

#[test]
fn nothing_demanded() {
    for empty in [
        Value::Null,
        json!({ "operator": "OR", "builtInControls": [], "authenticationStrength": null }),
        json!({ "operator": "AND", "builtInControls": null, "authenticationStrength": { "id": null } }),
    ] {
        check(&[empty], &json!({ "clientAppType": "other" }), &[], "allowed", "");
    }
    check(&[], &json!({}), &[], "allowed", "");
    // A strength that was left out may have been the demand.
    check(&[grant("OR", &[])], &json!({ "clientAppType": "other" }), &[], "unknown", "");
}

#[test]
fn operators() {
    let compliant = json!({ "deviceInfo": { "isCompliant": true } });
    let nothing = json!({});
    for (grant, said, satisfied, outcome, controls) in [
        (grant("AND", &["mfa", "compliantDevice"]), &nothing, &[][..], "unsatisfiable", "compliantDevice mfa"),
        (grant("AND", &["mfa", "compliantDevice"]), &compliant, &[], "challenge", "mfa"),
        (grant("AND", &["mfa", "compliantDevice"]), &compliant, &["mfa"], "allowed", ""),
        (grant("OR", &["mfa", "compliantDevice"]), &nothing, &[], "challenge", "mfa"),
        (grant("OR", &["mfa", "compliantDevice"]), &compliant, &[], "allowed", ""),
        (
            grant("OR", &["compliantDevice", "domainJoinedDevice"]),
            &nothing,
            &[],
            "unsatisfiable",
            "compliantDevice domainJoinedDevice",
        ),
        (grant("OR", &["approvedApplication", "mfa"]), &nothing, &[], "unknown", "mfa"),
        (grant("OR", &["approvedApplication", "mfa"]), &nothing, &["mfa"], "allowed", ""),
        (
            grant("OR", &["approvedApplication", "compliantDevice"]),
            &nothing,
            &[],
            "unknown",
            "approvedApplication compliantDevice",
        ),
        (
            grant("AND", &["approvedApplication", "compliantDevice"]),
            &nothing,
            &[],
            "unsatisfiable",
            "approvedApplication compliantDevice",
        ),
        (json!({ "operator": null, "builtInControls": ["mfa"] }), &nothing, &[], "challenge", "mfa"),
        (json!({ "builtInControls": ["mfa", "mfa"] }), &nothing, &[], "challenge", "mfa"),
        (json!({ "operator": null, "builtInControls": ["mfa", "compliantDevice"] }), &nothing, &[], "unknown", ""),
        (json!({ "builtInControls": ["mfa"], "termsOfUse": ["terms"] }), &nothing, &[], "unknown", ""),
        (grant("XOR", &["mfa"]), &nothing, &[], "unknown", ""),
        (grant("XOR", &["mfa", "compliantDevice"]), &nothing, &[], "unknown", ""),
        (grant("OR", &["retinaScan", "mfa"]), &nothing, &["mfa"], "unknown", ""),
        (grant("AND", &["retinaScan", "mfa"]), &nothing, &[], "unknown", "mfa retinaScan"),
        (json!({ "operator": "AND", "builtInControls": ["mfa"], "palmReading": true }), &nothing, &[], "unknown", ""),
        (json!({ "operator": "OR", "builtInControls": ["mfa"], "palmReading": true }), &nothing, &[], "unknown", ""),
    ] {
        check(&[grant], said, satisfied, outcome, controls);
    }
}

#[test]
fn other_kinds_of_controls() {
    let grant = json!({
        "operator": "AND",
        "builtInControls": [],
        "authenticationStrength": { "id": "strength-1" },
        "termsOfUse": ["terms-1"],
        "customAuthenticationFactors": ["factor-1"],
    });
    let all = "authenticationStrength:strength-1 custom:factor-1 termsOfUse:terms-1";
    check(std::slice::from_ref(&grant), &json!({}), &[], "challenge", all);
    let satisfied: Vec<&str> = all.split(' ').collect();
    check(std::slice::from_ref(&grant), &json!({}), &satisfied, "allowed", "");
    check(&[grant], &json!({}), &satisfied[..2], "challenge", "termsOfUse:terms-1");
}

#[test]
fn legacy_clients_can_meet_nothing() {
    for client in ["exchangeActiveSync", "easSupported", "other"] {
        let said = json!({ "clientAppType": client, "deviceInfo": { "isCompliant": true } });
        check(&[grant("OR", &["compliantDevice", "mfa"])], &said, &["mfa"], "unsatisfiable", "compliantDevice mfa");
        check(&[json!({ "palmReading": true })], &said, &[], "unknown", "");
        check(&[json!({ "termsOfUse": ["t"] })], &said, &[], "unsatisfiable", "termsOfUse:t");
        check(&[grant("OR", &["block"])], &said, &[], "blocked", "");
    }
    check(&[grant("OR", &["mfa"])], &json!({ "clientAppType": "browser" }), &["mfa"], "allowed", "");
}

#[test]
fn policies_add_up() {
    let unknown = grant("OR", &["approvedApplication"]);
    let mfa = || grant("OR", &["mfa"]);
    let device = || grant("OR", &["compliantDevice"]);
    check(&[mfa(), device()], &json!({}), &[], "unsatisfiable", "compliantDevice mfa");
    check(&[mfa(), mfa()], &json!({}), &[], "challenge", "mfa");
    check(&[unknown.clone(), device()], &json!({}), &[], "unsatisfiable", "approvedApplication compliantDevice");
    check(&[unknown, mfa()], &json!({}), &[], "unknown", "approvedApplication mfa");
}

#[test]
fn a_policy_that_may_apply_widens_the_outcome() {
    let maybe = |grant: &Value| {
        let mut policy = changed(policy(), json!({ "id": "maybe", "conditions": { "times": { "all": true } } }));
        policy["grantControls"] = grant.clone();
        policy
    };
    let device = grant("OR", &["compliantDevice"]);
    for (certain, possible, outcome) in [
        (grant("OR", &["mfa"]), grant("OR", &["mfa"]), "challenge"),
        (grant("OR", &["mfa"]), device.clone(), "unknown"),
        (device.clone(), grant("OR", &["mfa"]), "unsatisfiable"),
        (grant("OR", &["block"]), device.clone(), "blocked"),
        (device, grant("OR", &["block"]), "unknown"),
        (Value::Null, Value::Null, "allowed"),
        (Value::Null, grant("OR", &["mfa"]), "unknown"),
    ] {
        let mut certainly = policy();
        certainly["grantControls"] = certain.clone();
        let answer = answer(&tenant(), &json!([certainly, maybe(&possible)]), &request(), &[]).unwrap();
        assert_eq!(answer.outcome, outcome, "{certain} {possible}");
        assert_eq!(answer.unknown, ["maybe"]);
    }
}
