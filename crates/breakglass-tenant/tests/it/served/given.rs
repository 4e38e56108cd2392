//! What a sign-in asks for that is no proof of who somebody is: a new password, and that the terms of use are accepted.

use serde_json::{Value, json};

use super::world::{ADMIN, Answer, Browser, Served};

const ADA: (&str, &str) = ("ada@contoso.onmicrosoft.com", "Ada-Passw0rd");
const ADA_ID: &str = "00000000-0000-4000-8000-0000000000a2";
const TERMS: &str = "00000000-0000-4000-8000-00000000000e";

fn world(name: &str, conditions: &Value, grant: &Value) -> Served {
    Served::seeded(name, |seed| {
        let mut policy = json!({
            "id": "00000000-0000-4000-8000-0000000000da", "displayName": "Given", "state": "enabled",
            "conditions": { "clientAppTypes": ["all"], "applications": { "includeApplications": ["All"] },
                "users": { "includeUsers": [ADA_ID] } },
            "grantControls": grant,
        });
        policy["conditions"].as_object_mut().unwrap().extend(conditions.as_object().unwrap().clone());
        let policies = seed["conditionalAccessPolicies"].as_array_mut().unwrap();
        policies.retain(|one| one["displayName"] != "Users at risk");
        policies.push(policy);
        seed["termsOfUseAgreements"] = json!([{ "id": TERMS, "displayName": "Acceptable <use>" }]);
    })
}

fn proved(served: &Served, browser: &mut Browser<'_>, asks: &Answer) -> Answer {
    let asks = browser.go_on(asks, &[("do", "choose"), ("method", "sms")]);
    let (_, outbox) = served.backstage("GET", &["outbox"], Value::Null);
    let message = outbox["value"][0]["text"].as_str().unwrap().to_owned();
    let otc = message.split_whitespace().find(|word| word.parse::<u32>().is_ok()).unwrap();
    browser.go_on(&asks, &[("do", "verify"), ("otc", otc)])
}

#[test]
fn whoever_is_at_risk_shows_a_second_proof_and_chooses_another_password() {
    let grant = json!({ "operator": "AND", "builtInControls": ["mfa", "passwordChange"] });
    let served = world("given-password", &json!({ "userRiskLevels": ["high"] }), &grant);
    let bearer = format!("Bearer {}", served.password(&[], ADMIN)["access_token"].as_str().unwrap());
    let headers = [("authorization", bearer.as_str())];
    let body = json!({ "userIds": [ADA_ID] }).to_string();
    let risky = "/v1.0/identityProtection/riskyUsers";
    let said = served.send(("POST", &format!("{risky}/confirmCompromised")), &headers, &body).unwrap();
    assert_eq!(said.status, 204, "{}", said.body);
    let mut browser = Browser::of(&served);
    let asks = browser.sign_in(ADA);
    assert!(!asks.body.contains("newpasswd"), "the second proof comes first: {}", asks.body);
    let asks = proved(&served, &mut browser, &asks);
    assert!(asks.body.contains("Update your password"), "{}", asks.body);
    let new = "New-Glass-Passw0rd";
    let form = [("do", "change"), ("oldpasswd", ADA.1), ("newpasswd", new), ("confirmpasswd", new)];
    assert!(browser.go_on(&asks, &form).header("location").is_some());
    let user = served.send(("GET", &format!("{risky}/{ADA_ID}")), &headers, "").unwrap().json();
    assert_eq!((&user["riskState"], &user["riskLevel"]), (&json!("remediated"), &json!("none")));
    assert_eq!(user["riskDetail"], "userPerformedSecuredPasswordChange");
    let asks = Browser::of(&served).sign_in((ADA.0, new));
    assert!(asks.body.contains("name=\"ctx\"") && !asks.body.contains("newpasswd"), "{}", asks.body);
}

#[test]
fn the_terms_of_use_are_accepted_once() {
    let grant = json!({ "operator": "OR", "builtInControls": [], "termsOfUse": [TERMS] });
    let served = world("given-terms", &json!({}), &grant);
    assert_eq!(served.code(&[], ADA), 50_076, "a program cannot ask");
    let mut browser = Browser::of(&served);
    let asks = browser.sign_in(ADA);
    let asks = proved(&served, &mut browser, &asks);
    assert!(asks.body.contains("Acceptable &lt;use&gt;") && asks.body.contains("Decline"), "{}", asks.body);
    let declined = browser.go_on(&asks, &[("do", "other")]);
    assert!(declined.body.contains("name=\"passwd\""), "{}", declined.body);
    let asks = browser.sign_in(ADA);
    let asks = proved(&served, &mut browser, &asks);
    assert!(browser.go_on(&asks, &[("do", "accept")]).header("location").is_some());
    let served = served.restarted();
    let mut browser = Browser::of(&served);
    let asks = browser.sign_in(ADA);
    assert!(proved(&served, &mut browser, &asks).header("location").is_some(), "and for good");
    let bearer = format!("Bearer {}", served.password(&[], ADMIN)["access_token"].as_str().unwrap());
    let audits = "/v1.0/auditLogs/directoryAudits?$filter=activityDisplayName%20eq%20'Accept%20Terms%20Of%20Use'";
    let records = served.send(("GET", audits), &[("authorization", &bearer)], "").unwrap().json();
    assert_eq!(records["value"].as_array().unwrap().len(), 1);
}

#[test]
fn forms_that_make_no_sense_begin_again() {
    let served = world("given-nonsense", &json!({}), &json!({ "operator": "OR", "builtInControls": ["mfa"] }));
    for action in ["verify", "choose", "register", "change", "enroll", "accept", "continue", "ways"] {
        let mut browser = Browser::of(&served);
        let page = browser.authorize();
        let page = browser.go_on(&page, &[("do", action)]);
        assert!(page.status == 200 && page.body.contains("AADSTS90013"), "{action}: {}", page.body);
        let asks = browser.go_on(&page, &[("login", ADA.0), ("passwd", ADA.1)]);
        assert!(asks.body.contains("name=\"ctx\""), "{action}: {}", asks.body);
    }
}

#[test]
fn a_browser_that_is_kept_signed_in_stays_so_and_signed_out_it_is_out() {
    let served = Served::new("given-kept");
    let mut browser = Browser::of(&served);
    let page = browser.authorize();
    assert!(
        browser.go_on(&page, &[("login", ADMIN.0), ("passwd", ADMIN.1), ("kmsi", "1")]).header("location").is_some()
    );
    let before = browser.clone();
    served.on("clock", json!({ "by": "1h" }));
    let again = browser.authorize_with(&[("prompt", "none")]);
    let cookie = again.head.lines().find(|line| line.starts_with("set-cookie: ESTSAUTH")).unwrap();
    assert!(again.header("location").unwrap().contains("code=") && cookie.contains("Max-Age=7776000"), "{cookie}");
    served.on("clock", json!({ "by": "26h" }));
    assert!(browser.authorize_with(&[("prompt", "none")]).header("location").unwrap().contains("code="));
    browser.send(("GET", "/common/oauth2/v2.0/logout"), &[]);
    for mut browser in [browser, before] {
        let out = browser.authorize_with(&[("prompt", "none")]);
        assert!(out.header("location").unwrap().contains("login_required"), "{}", out.head);
    }
}

#[test]
fn security_defaults_ask_whoever_is_at_risk() {
    let served = Served::seeded("given-defaults", |seed| {
        seed["conditionalAccessPolicies"] = json!([]);
        seed["identitySecurityDefaultsEnforcementPolicy"] = json!({ "isEnabled": true });
    });
    let rae = ("rae@contoso.com", "Rae-Passw0rd");
    assert_eq!(served.code(&[], rae), 0, "no administrator, nothing unusual");
    served.on("risk:rae@contoso.com", json!({ "signInRisk": "medium" }));
    assert_eq!(served.code(&[], rae), 50_076);
}

#[test]
fn a_notification_is_answered_once_and_not_waited_for_in_vain() {
    let served = Served::new("given-push");
    let mut browser = Browser::of(&served);
    let asks = browser.sign_in(ADA);
    let asks = browser.go_on(&asks, &[("do", "choose"), ("method", "push")]);
    let number = |page: &Answer| {
        let (_, rest) = page.body.split_once("<p class=\"number\">").unwrap_or_else(|| panic!("{}", page.body));
        rest.split('<').next().unwrap().to_owned()
    };
    let newest = || {
        let (_, outbox) = served.backstage("GET", &["outbox"], Value::Null);
        outbox["value"][0]["id"].as_str().unwrap().to_owned()
    };
    let answered =
        |id: &str, number: &str| served.backstage("POST", &["outbox", id, "approve"], json!({ "number": number })).0;
    // Whoever clicks before they have approved it has not failed.
    let mut asks = asks;
    for _ in 0..6 {
        asks = browser.go_on(&asks, &[("do", "verify")]);
        assert!(asks.body.contains("not received your approval"), "{}", asks.body);
    }
    let first = (newest(), number(&asks));
    assert_eq!(answered("nothing", &first.1), 404);
    assert_eq!((answered(&first.0, "100"), answered(&first.0, &first.1)), (204, 404), "it is answered once");
    let asks = browser.go_on(&asks, &[("do", "verify")]);
    assert!(asks.body.contains("AADSTS500121") && newest() != first.0, "{}", asks.body);
    assert_eq!(answered(&newest(), &number(&asks)), 204);
    assert!(browser.go_on(&asks, &[("do", "verify")]).header("location").is_some());
}
