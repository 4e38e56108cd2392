//! Conditional Access: policies that come and go, strengths, the question what would be, and risk.

use serde_json::{Value, json};

use super::world::{World, id};

const POLICIES: &str = "/identity/conditionalAccess/policies";

fn policy(name: &str, conditions: &Value, controls: &Value) -> Value {
    let mut body = json!({ "displayName": name, "state": "enabled",
        "conditions": { "clientAppTypes": ["all"], "users": { "includeUsers": ["All"], "excludeUsers": [id("ga")] },
            "applications": { "includeApplications": ["All"] } },
        "grantControls": { "operator": "OR", "builtInControls": controls } });
    for (name, value) in conditions.as_object().unwrap() {
        body["conditions"][name] = value.clone();
    }
    body
}

fn made(world: &World, token: &str, body: Value) -> String {
    let answer = world.graph(token, ("POST", POLICIES), Some(body));
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_deleted_policy_comes_back() {
    let world = World::new("policy-deleted");
    let token = world.user("ca");
    let own = made(&world, &token, policy("MFA", &json!({}), &json!(["mfa"])));
    let (live, gone) =
        (format!("{POLICIES}/{own}"), format!("/identity/conditionalAccess/deletedItems/policies/{own}"));
    assert_eq!(world.graph(&token, ("DELETE", &live), None).status, 204);
    assert_eq!(world.graph(&token, ("GET", &live), None).status, 404);
    assert_eq!(world.list(&token, "/identity/conditionalAccess/deletedItems/policies").len(), 1);
    let reader = world.user("reader");
    assert_eq!(world.graph(&reader, ("GET", &gone), None).status, 200);
    assert_eq!(world.graph(&reader, ("POST", &format!("{gone}/restore")), None).status, 403);
    assert_eq!(world.graph(&token, ("POST", &format!("{gone}/restore")), None).status, 200);
    assert_eq!(world.graph(&token, ("GET", &live), None).json()["state"], "enabled");
    world.graph(&token, ("DELETE", &live), None);
    assert_eq!(world.graph(&token, ("DELETE", &gone), None).status, 204);
    assert_eq!(world.graph(&token, ("POST", &format!("{gone}/restore")), None).status, 404);
}

#[test]
fn security_defaults_and_policies_are_not_in_force_together() {
    let world = World::new("defaults");
    let (token, ga) = (world.user("ca"), world.user("ga"));
    let defaults = "/policies/identitySecurityDefaultsEnforcementPolicy";
    let own =
        made(&world, &token, policy("MFA", &json!({ "platforms": { "includePlatforms": ["iOS"] } }), &json!(["mfa"])));
    assert_eq!(world.graph(&ga, ("PATCH", defaults), Some(json!({ "isEnabled": true }))).status, 400);
    let off = json!({ "state": "disabled" });
    assert_eq!(world.graph(&token, ("PATCH", &format!("{POLICIES}/{own}")), Some(off)).status, 204);
    for (body, status) in
        [(json!({ "isEnabled": "yes" }), 400), (json!({ "color": 1 }), 400), (json!({ "isEnabled": true }), 204)]
    {
        assert_eq!(world.graph(&ga, ("PATCH", defaults), Some(body.clone())).status, status, "{body}");
    }
    assert_eq!(world.graph(&ga, ("GET", defaults), None).json()["isEnabled"], true);
    let refused = world.graph(&ga, ("PATCH", &format!("{POLICIES}/{own}")), Some(json!({ "state": "enabled" })));
    assert!(refused.status == 400 && refused.text.contains("Security Defaults is enabled"), "{}", refused.text);
    assert_eq!(world.graph(&world.user("anna"), ("PATCH", defaults), Some(json!({ "isEnabled": false }))).status, 403);
}

#[test]
fn what_if_is_answered_by_the_engine_that_decides() {
    let world = World::new("what-if");
    let token = world.user("ca");
    let path = "/identity/conditionalAccess/evaluate";
    let mfa = made(
        &world,
        &token,
        policy("MFA on phones", &json!({ "platforms": { "includePlatforms": ["iOS"] } }), &json!(["mfa"])),
    );
    let mut off = policy("Off", &json!({}), &json!(["block"]));
    off["state"] = json!("disabled");
    let off = made(&world, &token, off);
    let ask = |who: &str, platform: &str, only: bool| {
        let body = json!({
            "signInIdentity": { "@odata.type": "#microsoft.graph.userSignIn", "userId": id(who) },
            "signInContext": { "@odata.type": "#microsoft.graph.applicationContext",
                "includeApplications": ["00000003-0000-0ff1-ce00-000000000000"] },
            "signInConditions": { "devicePlatform": platform, "clientAppType": "browser" },
            "appliedPoliciesOnly": only });
        let answer = world.graph(&token, ("POST", path), Some(body));
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.list()
    };
    let reasons = |who: &str, platform: &str| {
        let all = ask(who, platform, false);
        let of = |id: &str| all.iter().find(|one| one["id"] == json!(id)).unwrap()["analysisReasons"].clone();
        (of(&mfa), of(&off))
    };
    assert_eq!(reasons("anna", "iOS"), (json!("notSet"), json!("policyNotEnabled")));
    assert_eq!(reasons("anna", "windows"), (json!("devicePlatform"), json!("policyNotEnabled")));
    assert_eq!(reasons("ga", "iOS"), (json!("users"), json!("policyNotEnabled")));
    assert_eq!((ask("anna", "iOS", true).len(), ask("anna", "windows", true).len()), (1, 0));
    let anna = world.user("anna");
    for (token, body, status) in [
        (&token, json!({}), 400),
        (
            &token,
            json!({ "signInIdentity": { "@odata.type": "#microsoft.graph.userSignIn", "userId": "nobody" } }),
            404,
        ),
        (
            &token,
            json!({ "signInIdentity": { "@odata.type": "#microsoft.graph.userSignIn", "userId": id("anna") }, "color": 1 }),
            400,
        ),
        (
            &anna,
            json!({ "signInIdentity": { "@odata.type": "#microsoft.graph.userSignIn", "userId": id("anna") } }),
            403,
        ),
    ] {
        let answer = world.graph(token, ("POST", path), Some(body.clone()));
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
    }
    assert_eq!(world.graph(&token, ("GET", path), None).status, 405);
    assert_eq!(world.graph(&token, ("POST", &format!("/beta{path}")), Some(json!({}))).status, 400);
}

#[test]
fn whoever_is_compromised_meets_the_policies_for_that() {
    let world = World::new("risk");
    let (ga, sec) = (world.user("ga"), world.user("secadmin"));
    made(&world, &ga, policy("High risk", &json!({ "userRiskLevels": ["high"] }), &json!(["block"])));
    world.user("anna");
    let say = |token: &str, what: &str, who: &str| {
        world.graph(
            token,
            ("POST", &format!("/identityProtection/riskyUsers/{what}")),
            Some(json!({ "userIds": [id(who)] })),
        )
    };
    assert_eq!(say(&world.user("reader"), "confirmCompromised", "anna").status, 403);
    assert_eq!(say(&sec, "confirmCompromised", "anna").status, 204);
    let risky = world.list(&world.user("reader"), "/identityProtection/riskyUsers?$filter=riskLevel eq 'high'");
    assert!(risky.len() == 1 && risky[0]["riskState"] == "confirmedCompromised", "{risky:?}");
    assert_eq!(world.refused("anna"), 53_003);
    assert_eq!(say(&sec, "dismiss", "anna").status, 204);
    world.user("anna");
    let own = world.graph(&sec, ("GET", &format!("/identityProtection/riskyUsers/{}", id("anna"))), None);
    assert_eq!(own.json()["riskState"], "dismissed");
    let path = "/identityProtection/riskyUsers/dismiss";
    for (body, status) in [
        (json!({}), 400),
        (json!({ "userIds": [] }), 400),
        (json!({ "userIds": [7] }), 400),
        (json!({ "userIds": ["nobody"] }), 404),
        (json!({ "userIds": vec![id("anna"); 61] }), 400),
    ] {
        assert_eq!(world.graph(&sec, ("POST", path), Some(body)).status, status);
    }
    assert_eq!(say(&sec, "forget", "anna").status, 400);
    let audited = world.audited(&ga);
    assert!(
        audited.contains(&"Confirm user compromised".to_owned()) && audited.contains(&"Dismiss user risk".to_owned())
    );
}

#[test]
fn strengths_of_the_tenants_own_stand_beside_the_built_in_ones() {
    let world = World::new("strengths");
    let (token, reader) = (world.user("ca"), world.user("reader"));
    let path = "/policies/authenticationStrengthPolicies";
    assert_eq!(world.list(&reader, path).len(), 3);
    let keys = json!({ "displayName": "Keys", "allowedCombinations": ["fido2"] });
    assert_eq!(world.graph(&reader, ("POST", path), Some(keys.clone())).status, 403);
    for body in [
        json!({ "displayName": "Keys" }),
        json!({ "displayName": "Keys", "allowedCombinations": ["hope"] }),
        json!({ "displayName": "", "allowedCombinations": ["fido2"] }),
    ] {
        assert_eq!(world.graph(&token, ("POST", path), Some(body)).status, 400);
    }
    let made_one = world.graph(&token, ("POST", path), Some(keys.clone()));
    assert_eq!((made_one.status, made_one.json()["requirementsSatisfied"].as_str()), (201, Some("mfa")));
    assert_eq!(world.graph(&token, ("POST", path), Some(keys)).status, 400, "the name is taken");
    let own = made_one.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(world.list(&reader, "/identity/conditionalAccess/authenticationStrength/policies").len(), 4);
    let replace = |id: &str, to: Value| {
        world.graph(
            &token,
            ("POST", &format!("{path}/{id}/updateAllowedCombinations")),
            Some(json!({ "allowedCombinations": to })),
        )
    };
    assert_eq!(replace(&own, json!(["password"])).json()["previousCombinations"], json!(["fido2"]));
    assert_eq!(world.graph(&reader, ("GET", &format!("{path}/{own}")), None).json()["requirementsSatisfied"], "none");
    let built_in = "00000000-0000-0000-0000-000000000004";
    assert_eq!(replace(built_in, json!(["password"])).status, 400);
    assert_eq!(world.graph(&token, ("DELETE", &format!("{path}/{built_in}")), None).status, 400);
    let mut body = policy("Keys", &json!({ "platforms": { "includePlatforms": ["iOS"] } }), &json!([]));
    body["grantControls"]["authenticationStrength"] = json!({ "id": own });
    let using = made(&world, &token, body);
    assert_eq!(world.graph(&token, ("DELETE", &format!("{path}/{own}")), None).status, 400, "a policy uses it");
    world.graph(&token, ("DELETE", &format!("{POLICIES}/{using}")), None);
    assert_eq!(world.graph(&token, ("DELETE", &format!("{path}/{own}")), None).status, 204);
}
