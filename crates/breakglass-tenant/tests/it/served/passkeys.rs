//! Passkeys on the pages: who gets in with one, and what is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::authenticator::{SoftwareKey, go_on, options};
use super::world::{Answer, Browser, Served};

const PIA: (&str, &str) = ("pia@contoso.com", "Pia-Passw0rd");
const PIA_ID: &str = "00000000-0000-4000-8000-0000000000a7";
const ADA: (&str, &str) = ("ada@contoso.onmicrosoft.com", "Ada-Passw0rd");
const ADA_ID: &str = "00000000-0000-4000-8000-0000000000a2";

/// Pia with a passkey, of whom a policy demands multifactor authentication, and what else a seed may need.
fn world(name: &str, change: impl FnOnce(&mut Value)) -> (Served, SoftwareKey) {
    let mut key = SoftwareKey::new();
    let method = key.seeded(PIA_ID);
    let served = Served::seeded(name, |seed| {
        seed["users"].as_array_mut().unwrap().push(json!({
            "id": PIA_ID, "displayName": "Pia", "accountEnabled": true, "userPrincipalName": PIA.0,
            "passwordProfile": { "password": PIA.1 }, "authenticationMethods": [method],
        }));
        let users = &mut seed["conditionalAccessPolicies"][0]["conditions"]["users"]["includeUsers"];
        users.as_array_mut().unwrap().push(json!(PIA_ID));
        change(seed);
    });
    (served, key)
}

/// The page that asks for any passkey.
fn asked(browser: &mut Browser<'_>) -> Answer {
    let page = browser.authorize();
    browser.go_on(&page, &[("do", "passkey")])
}

fn is_in(answer: &Answer) -> bool {
    answer.header("location").is_some_and(|location| location.contains("code="))
}

/// `amr` of the token that a browser's code is redeemed for.
fn amr(served: &Served, back: &Answer) -> Value {
    let (_, query) = back.header("location").unwrap().split_once("code=").unwrap();
    let code = query.split('&').next().unwrap();
    let redirect = ("redirect_uri", "http://localhost:4000");
    let client = ("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46");
    let form = [client, ("grant_type", "authorization_code"), ("code", code), redirect];
    let token = served.token(&[], &form).json();
    let part = token["access_token"].as_str().unwrap_or_else(|| panic!("{token}")).split('.').nth(1).unwrap();
    serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()["amr"].clone()
}

#[test]
fn a_passkey_is_enough() {
    let (served, mut key) = world("passkey-first", |_| {});
    let mut browser = Browser::at_localhost(&served);
    let page = asked(&mut browser);
    assert_eq!(options(&page)["allowCredentials"], Value::Null, "nobody is told which passkeys there are");
    let back = key.answer(&mut browser, &page);
    assert!(is_in(&back), "{}", back.body);
    assert_eq!(amr(&served, &back), json!(["fido", "mfa"]));
    assert_eq!(served.newest_record(PIA.0)["status"]["errorCode"], 0);
}

#[test]
fn a_passkey_is_a_second_proof() {
    let (served, mut key) = world("passkey-second", |_| {});
    let mut browser = Browser::at_localhost(&served);
    let page = browser.sign_in(PIA);
    let known = options(&page)["allowCredentials"].clone();
    assert_eq!(known.as_array().unwrap().len(), 1, "{known}");
    let back = key.answer(&mut browser, &page);
    assert!(is_in(&back), "{}", back.body);
    assert_eq!(amr(&served, &back), json!(["pwd", "fido", "mfa"]));
}

#[test]
fn passkeys_need_localhost_and_a_link_leads_there() {
    let (served, mut key) = world("passkey-link", |_| {});
    let mut browser = Browser::of(&served);
    let page = browser.authorize();
    assert!(!page.body.contains("value=\"passkey\""), "{}", page.body);
    let (_, rest) = page.body.split_once("<a href=\"https://localhost:").unwrap();
    let (_, path) = rest.split('"').next().unwrap().split_once('/').unwrap();
    let path = format!("/{}", path.replace("&amp;", "&"));
    let mut there = Browser::at_localhost(&served);
    let page = there.send(("GET", &path), &[]);
    let page = there.go_on(&page, &[("do", "passkey")]);
    assert!(is_in(&key.answer(&mut there, &page)));
    let besides = browser.sign_in(PIA);
    assert!(besides.body.contains("https://localhost:") && !besides.body.contains("data-options"), "{}", besides.body);
}

#[test]
fn what_was_signed_is_good_once() {
    let (served, mut key) = world("passkey-replay", |_| {});
    let mut browser = Browser::at_localhost(&served);
    let page = asked(&mut browser);
    let sent = key.sign(&browser.origin(), &options(&page));
    assert!(is_in(&go_on(&mut browser, &page, &sent)));
    let mut again = Browser::at_localhost(&served);
    let page = asked(&mut again);
    let answer = go_on(&mut again, &page, &sent);
    assert!(!is_in(&answer) && answer.body.contains("challenge is another"), "{}", answer.body);
    // The challenge of the page is gone with the attempt, too.
    let late = key.sign(&again.origin(), &options(&page));
    let answer = go_on(&mut again, &answer, &late);
    assert!(!is_in(&answer) && answer.body.contains("challenge is another"), "{}", answer.body);
}

#[test]
fn a_challenge_times_out() {
    let (served, mut key) = world("passkey-late", |_| {});
    let mut browser = Browser::at_localhost(&served);
    let page = asked(&mut browser);
    let sent = key.sign(&browser.origin(), &options(&page));
    served.on("clock", json!({ "by": "301s" }));
    let answer = go_on(&mut browser, &page, &sent);
    assert!(!is_in(&answer) && answer.body.contains("challenge is another"), "{}", answer.body);
}

#[test]
fn another_origin_is_refused() {
    let (served, mut key) = world("passkey-origin", |_| {});
    for origin in ["https://localhost:1", "http://localhost:4000"] {
        let mut browser = Browser::at_localhost(&served);
        let page = asked(&mut browser);
        let sent = key.sign(origin, &options(&page));
        let answer = go_on(&mut browser, &page, &sent);
        assert!(!is_in(&answer) && answer.body.contains("origin is not"), "{}", answer.body);
    }
}

#[test]
fn a_user_who_was_not_verified_is_refused() {
    let (served, mut key) = world("passkey-uv", |_| {});
    let mut browser = Browser::at_localhost(&served);
    let page = asked(&mut browser);
    let mut asked = options(&page);
    asked["userVerification"] = json!("discouraged");
    let sent = key.sign(&browser.origin(), &asked);
    let answer = go_on(&mut browser, &page, &sent);
    assert!(!is_in(&answer) && answer.body.contains("user was not verified"), "{}", answer.body);
}

#[test]
fn the_passkey_of_somebody_else_is_no_second_proof() {
    let mut other = SoftwareKey::new();
    let method = other.seeded(ADA_ID);
    let (served, _) = world("passkey-other", |seed| {
        seed["users"][1]["authenticationMethods"].as_array_mut().unwrap().push(method);
    });
    let mut browser = Browser::at_localhost(&served);
    let page = browser.sign_in(PIA);
    let mut asked = options(&page);
    asked.as_object_mut().unwrap().remove("allowCredentials");
    let sent = other.sign(&browser.origin(), &asked);
    let answer = go_on(&mut browser, &page, &sent);
    assert!(!is_in(&answer) && answer.body.contains("not one of the user&#39;s"), "{}", answer.body);
    assert_eq!(served.newest_record(PIA.0)["status"]["errorCode"], 500_121);
    // With one's own handle in place of theirs it is no better.
    let mut browser = Browser::at_localhost(&served);
    let page = self::asked(&mut browser);
    let mut sent = other.sign(&browser.origin(), &options(&page));
    sent.last_mut().unwrap().1 = URL_SAFE_NO_PAD.encode(PIA_ID);
    assert!(!is_in(&go_on(&mut browser, &page, &sent)));
    sent.last_mut().unwrap().1 = String::new();
    assert!(!is_in(&go_on(&mut browser, &page, &sent)));
}

#[test]
fn a_counter_that_goes_backwards_is_refused_and_recorded_even_after_a_restart() {
    let (served, mut key) = world("passkey-counter", |_| {});
    let mut copy = key.clone();
    for _ in 0..2 {
        let mut browser = Browser::at_localhost(&served);
        let page = asked(&mut browser);
        assert!(is_in(&key.answer(&mut browser, &page)));
    }
    let served = served.restarted();
    let mut browser = Browser::at_localhost(&served);
    let page = asked(&mut browser);
    let answer = copy.answer(&mut browser, &page);
    assert!(!is_in(&answer) && answer.body.contains("may have been copied"), "{}", answer.body);
    let record = served.newest_record(PIA.0);
    assert_eq!(record["status"]["errorCode"], 500_121);
    assert!(record["status"]["failureReason"].as_str().unwrap().contains("counter went backwards"), "{record}");
    let mut browser = Browser::at_localhost(&served);
    let page = asked(&mut browser);
    assert!(is_in(&key.answer(&mut browser, &page)), "the one that was copied goes on");
}

#[test]
fn a_signature_over_something_else_is_refused() {
    let (served, mut key) = world("passkey-signature", |_| {});
    for (name, bit) in [("signature", 20), ("authenticatorData", 33), ("authenticatorData", 36)] {
        let mut browser = Browser::at_localhost(&served);
        let page = asked(&mut browser);
        let mut sent = key.sign(&browser.origin(), &options(&page));
        let (_, value) = sent.iter_mut().find(|(known, _)| *known == name).unwrap();
        let mut bytes = URL_SAFE_NO_PAD.decode(&*value).unwrap();
        bytes[bit] ^= 0x20;
        *value = URL_SAFE_NO_PAD.encode(bytes);
        let answer = go_on(&mut browser, &page, &sent);
        assert!(!is_in(&answer) && answer.body.contains("AADSTS500121"), "{name}: {}", answer.body);
    }
}

#[test]
fn a_closed_account_stays_closed() {
    let (served, mut key) = world("passkey-closed", |seed| {
        let users = seed["users"].as_array_mut().unwrap();
        users.last_mut().unwrap()["accountEnabled"] = json!(false);
    });
    let mut browser = Browser::at_localhost(&served);
    let page = asked(&mut browser);
    let answer = key.answer(&mut browser, &page);
    assert!(!is_in(&answer) && answer.body.contains("AADSTS50057"), "{}", answer.body);
}

#[test]
fn a_strength_that_resists_phishing_lets_a_passkey_in_and_no_code() {
    let mut other = SoftwareKey::new();
    let method = other.seeded(ADA_ID);
    let (served, _) = world("passkey-strength", |seed| {
        let grant = &mut seed["conditionalAccessPolicies"][0]["grantControls"];
        *grant = json!({ "operator": "OR", "builtInControls": [], "authenticationStrength": {
            "id": "00000000-0000-0000-0000-000000000004", "displayName": "Phishing-resistant MFA",
            "policyType": "builtIn", "allowedCombinations": ["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"],
        } });
        seed["users"][1]["authenticationMethods"].as_array_mut().unwrap().push(method);
    });
    let mut browser = Browser::at_localhost(&served);
    let page = browser.sign_in(ADA);
    assert!(!page.body.contains("verification code") && !page.body.contains("name=\"otc\""), "{}", page.body);
    let back = other.answer(&mut browser, &page);
    assert!(is_in(&back), "{}", back.body);
    let mut browser = Browser::at_localhost(&served);
    let page = asked(&mut browser);
    assert!(is_in(&other.answer(&mut browser, &page)));
}

#[test]
fn a_policy_switches_passkeys_off_or_lets_only_some_models_in() {
    let zeros = "00000000-0000-0000-0000-000000000000";
    let listed = |kind: &str| {
        json!({ "id": "Fido2", "state": "enabled",
            "keyRestrictions": { "isEnforced": true, "enforcementType": kind, "aaGuids": [zeros] } })
    };
    let off = json!({ "id": "Fido2", "state": "disabled" });
    let unclear = json!({ "id": "Fido2", "state": "enabled", "keyRestrictions": { "aaGuids": [zeros] } });
    let profile = |types: &str| {
        let profiles = json!([{ "id": "one", "passkeyTypes": types, "attestationEnforcement": "disabled",
            "keyRestrictions": { "isEnforced": false } }]);
        json!({ "id": "Fido2", "state": "enabled", "passkeyProfiles": profiles })
    };
    for (name, configuration, is_good) in [
        ("off", off, false),
        ("block", listed("block"), false),
        ("allow", listed("allow"), true),
        ("unclear", unclear, false),
        ("profile", profile("deviceBound,synced"), true),
        ("profile-other", profile("deviceBound"), false),
    ] {
        let (served, mut key) = world(&format!("passkey-policy-{name}"), |seed| {
            seed["authenticationMethodsPolicy"] = json!({ "authenticationMethodConfigurations": [configuration] });
        });
        let mut browser = Browser::at_localhost(&served);
        let page = browser.authorize();
        assert_eq!(page.body.contains("value=\"passkey\""), name != "off");
        let page = browser.go_on(&page, &[("do", "passkey")]);
        assert_eq!(is_in(&key.answer(&mut browser, &page)), is_good, "{name}");
        let besides = Browser::at_localhost(&served).sign_in(PIA);
        assert_eq!(besides.body.contains("data-options"), is_good, "{name}: {}", besides.body);
    }
}

#[test]
fn five_failures_end_the_visit() {
    let (served, mut key) = world("passkey-five", |_| {});
    let mut browser = Browser::at_localhost(&served);
    let mut page = asked(&mut browser);
    for _ in 0..4 {
        let sent = key.sign("https://localhost:1", &options(&page));
        let first = go_on(&mut browser, &page, &sent);
        page = browser.go_on(&first, &[("do", "passkey")]);
    }
    let sent = key.sign("https://localhost:1", &options(&page));
    let over = go_on(&mut browser, &page, &sent);
    assert!(!over.body.contains("name=\"ctx\""), "{}", over.body);
}
