//! Sign-in frequency and persistent browsers: session controls that ask somebody again.

use serde_json::{Value, json};

use super::world::{ADMIN, Browser, Served};

const ADA: (&str, &str) = ("ada@contoso.onmicrosoft.com", "Ada-Passw0rd");
const RAE: (&str, &str) = ("rae@contoso.com", "Rae-Passw0rd");

/// A tenant with a policy of session controls about everybody but the administrator.
fn world(name: &str, controls: &Value) -> Served {
    Served::seeded(name, |seed| {
        seed["conditionalAccessPolicies"].as_array_mut().unwrap().push(json!({
            "id": "00000000-0000-4000-8000-0000000000d6", "displayName": "Sessions", "state": "enabled",
            "conditions": { "clientAppTypes": ["all"], "applications": { "includeApplications": ["All"] },
                "users": { "includeUsers": ["All"], "excludeUsers": ["00000000-0000-4000-8000-0000000000a1"] } },
            "grantControls": null, "sessionControls": controls,
        }));
    })
}

fn frequency(value: u64, of: &str) -> Value {
    json!({ "signInFrequency": { "isEnabled": true, "type": "hours", "value": value, "frequencyInterval": "timeBased",
                                 "authenticationType": of } })
}

const BOTH: &str = "primaryAndSecondaryAuthentication";

#[test]
fn a_session_that_is_too_old_is_not_carried_on() {
    let served = world("frequency-refresh", &frequency(12, BOTH));
    let tokens = served.password(&[], RAE);
    let token = tokens["refresh_token"].as_str().unwrap();
    served.on("clock", json!({ "by": "11h" }));
    let newer = served.refreshed(token).json();
    let newer = newer["refresh_token"].as_str().unwrap();
    served.on("clock", json!({ "by": "13h" }));
    for token in [token, newer] {
        let refused = served.refreshed(token);
        assert_eq!(
            (&refused.json()["error_codes"], &refused.json()["suberror"]),
            (&json!([70_043]), &json!("bad_token"))
        );
    }
    assert_eq!(served.code(&[], RAE), 0, "who signs in again is in again");
    let of_admin = served.password(&[], ADMIN);
    served.on("clock", json!({ "by": "48h" }));
    assert_eq!(served.refreshed(of_admin["refresh_token"].as_str().unwrap()).status, 200, "it is about others");
}

#[test]
fn the_browser_asks_again_when_it_was_too_long_ago() {
    let served = world("frequency-browser", &frequency(12, BOTH));
    let mut browser = Browser::of(&served);
    assert!(browser.sign_in(RAE).header("location").is_some());
    served.on("clock", json!({ "by": "11h" }));
    assert!(browser.authorize().header("location").is_some(), "signed in already");
    served.on("clock", json!({ "by": "13h" }));
    let silent = browser.authorize_with(&[("prompt", "none")]);
    assert!(silent.header("location").unwrap().contains("AADSTS70044"), "{}", silent.head);
    let asks = browser.authorize();
    assert!(asks.body.contains("AADSTS70044") && asks.body.contains(RAE.0), "{}", asks.body);
    let back = browser.go_on(&asks, &[("login", RAE.0), ("passwd", RAE.1)]);
    assert!(back.header("location").is_some(), "{}", back.body);
    assert!(browser.authorize().header("location").is_some());
}

#[test]
fn a_second_proof_may_be_asked_for_again_alone() {
    let served = world("frequency-second", &frequency(1, "secondaryAuthentication"));
    let mut browser = Browser::of(&served);
    let proved = |browser: &mut Browser<'_>, asks: &super::world::Answer| {
        let asks = browser.go_on(asks, &[("do", "choose"), ("method", "sms")]);
        let (_, outbox) = served.backstage("GET", &["outbox"], Value::Null);
        let message = outbox["value"][0]["text"].as_str().unwrap().to_owned();
        let otc = message.split_whitespace().find(|word| word.parse::<u32>().is_ok()).unwrap();
        browser.go_on(&asks, &[("do", "verify"), ("otc", otc)])
    };
    let asks = browser.sign_in(ADA);
    assert!(proved(&mut browser, &asks).header("location").is_some());
    served.on("clock", json!({ "by": "59m" }));
    assert!(browser.authorize().header("location").is_some());
    served.on("clock", json!({ "by": "61m" }));
    let asks = browser.authorize();
    assert!(!asks.body.contains("name=\"passwd\""), "the password is good: {}", asks.body);
    assert!(proved(&mut browser, &asks).header("location").is_some());
    served.on("clock", json!({ "by": "119m" }));
    assert!(browser.authorize().header("location").is_some(), "from when it was shown again");
}

#[test]
fn a_policy_says_whether_a_browser_stays_signed_in() {
    for (mode, wanted, lasts) in [("never", true, false), ("always", false, true)] {
        let served =
            world(&format!("frequency-{mode}"), &json!({ "persistentBrowser": { "isEnabled": true, "mode": mode } }));
        let mut browser = Browser::of(&served);
        let page = browser.authorize();
        let keeps = wanted.then_some(("kmsi", "1"));
        let form: Vec<(&str, &str)> = [("login", RAE.0), ("passwd", RAE.1)].into_iter().chain(keeps).collect();
        let back = browser.go_on(&page, &form);
        let cookie = back.head.lines().find(|line| line.starts_with("set-cookie: ESTSAUTH")).unwrap();
        assert_eq!(cookie.contains("Max-Age"), lasts, "{mode}: {cookie}");
    }
}
