//! Methods that are set up while signing in.

use serde_json::{Value, json};

use super::authenticator::{SoftwareKey, go_on};
use super::world::{ADMIN, Answer, Browser, Served};

const NIA: (&str, &str) = ("nia@contoso.com", "Nia-Passw0rd");
const NIA_ID: &str = "00000000-0000-4000-8000-0000000000a8";

/// Nia without a method, of whom a policy demands multifactor authentication.
fn world(name: &str, change: impl FnOnce(&mut Value)) -> Served {
    Served::seeded(name, |seed| {
        seed["users"].as_array_mut().unwrap().push(json!({
            "id": NIA_ID, "displayName": "Nia", "accountEnabled": true, "userPrincipalName": NIA.0,
            "passwordProfile": { "password": NIA.1 },
        }));
        let users = &mut seed["conditionalAccessPolicies"][0]["conditions"]["users"]["includeUsers"];
        users.as_array_mut().unwrap().push(json!(NIA_ID));
        change(seed);
    })
}

/// A policy for setting something up.
fn on_registration(grant: Value) -> Value {
    json!({ "id": "00000000-0000-4000-8000-0000000000d9", "displayName": "Registration", "state": "enabled",
        "conditions": { "clientAppTypes": ["all"],
            "applications": { "includeUserActions": ["urn:user:registersecurityinfo"] },
            "users": { "includeUsers": ["All"] } },
        "grantControls": grant })
}

fn is_in(answer: &Answer) -> bool {
    answer.header("location").is_some_and(|location| location.contains("code="))
}

/// The code that an authenticator app shows 59 seconds after the epoch: HMAC-SHA-1 of step 1 (RFC 6238).
fn code_of(page: &Answer) -> String {
    let (_, rest) = page.body.split_once("<b class=\"key\">").unwrap_or_else(|| panic!("{}", page.body));
    let secret = rest.split('<').next().unwrap();
    assert!(page.body.contains(&format!("secret={secret}")), "the link has the same key");
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for letter in secret.bytes() {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == letter).unwrap();
        bits = (bits << 5 | u32::try_from(value).unwrap()) & 0xfff;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes);
    let tag = aws_lc_rs::hmac::sign(&key, &1_u64.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[19] & 0xf);
    let word = u32::from_be_bytes(tag[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

/// What Graph has of something, for an administrator.
fn graph(served: &Served, path: &str) -> Vec<Value> {
    let token = served.password(&[], ADMIN)["access_token"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {token}");
    let answer = served.send(("GET", path), &[("authorization", &bearer)], "").unwrap();
    answer.json()["value"].as_array().unwrap_or_else(|| panic!("{}", answer.body)).clone()
}

#[test]
fn an_authenticator_app_is_set_up_with_one_of_its_codes() {
    let served = world("register-app", |_| {});
    let mut browser = Browser::of(&served);
    let page = browser.sign_in(NIA);
    assert!(page.body.contains("More information required"), "{}", page.body);
    assert_eq!(served.newest_record(NIA.0)["status"]["errorCode"], 50_079);
    let page = browser.go_on(&page, &[("do", "register"), ("method", "app")]);
    assert!(page.body.contains("<svg") && page.body.contains("otpauth://totp/"), "{}", page.body);
    let code = code_of(&page);
    let page = browser.go_on(&page, &[("do", "enroll"), ("otc", "000000")]);
    assert!(page.body.contains("not the one that the app shows"), "{}", page.body);
    assert_eq!(code_of(&page), code, "the key is still the same");
    let back = browser.go_on(&page, &[("do", "enroll"), ("otc", &code)]);
    assert!(is_in(&back), "{}", back.body);
    // From now on it is asked for, and the code was used.
    let served = served.restarted();
    let mut browser = Browser::of(&served);
    let page = browser.sign_in(NIA);
    assert!(page.body.contains("authenticator app") && !page.body.contains("More information"), "{}", page.body);
    let methods = graph(&served, &format!("/v1.0/users/{NIA_ID}/authentication/softwareOathMethods"));
    assert_eq!((methods.len(), &methods[0]["secretKey"]), (1, &Value::Null));
    let audits = graph(&served, "/v1.0/auditLogs/directoryAudits");
    assert_eq!(audits[0]["activityDisplayName"], "User registered security info");
    assert_eq!(audits[0]["initiatedBy"]["user"]["id"], NIA_ID);
    assert!(!audits[0].to_string().contains(&code));
}

#[test]
fn a_code_that_set_an_app_up_is_used() {
    let served = world("register-used", |_| {});
    let mut browser = Browser::of(&served);
    let page = browser.sign_in(NIA);
    let page = browser.go_on(&page, &[("do", "register"), ("method", "app")]);
    let code = code_of(&page);
    assert!(is_in(&browser.go_on(&page, &[("do", "enroll"), ("otc", &code)])));
    let mut again = Browser::of(&served);
    let page = again.sign_in(NIA);
    assert!(!is_in(&again.go_on(&page, &[("do", "verify"), ("otc", &code)])));
}

#[test]
fn a_passkey_is_set_up_and_asked_for() {
    let served = world("register-passkey", |_| {});
    let mut key = SoftwareKey::new();
    let mut browser = Browser::at_localhost(&served);
    let page = browser.sign_in(NIA);
    let page = browser.go_on(&page, &[("do", "register"), ("method", "passkey")]);
    let sent = key.make_for_page(&browser, &page);
    let page = go_on(&mut browser, &page, &sent);
    assert!(page.body.contains("data-ceremony=\"get\""), "{}", page.body);
    assert!(is_in(&key.answer(&mut browser, &page)));
    let methods = graph(&served, &format!("/v1.0/users/{NIA_ID}/authentication/fido2Methods"));
    assert_eq!(methods.len(), 1);
    assert_eq!((&methods[0]["attestationLevel"], &methods[0]["publicKey"]), (&json!("notAttested"), &Value::Null));
    let audits = graph(&served, "/v1.0/auditLogs/directoryAudits");
    assert_eq!(audits[0]["activityDisplayName"], "User registered security info");
    // From now on it is enough by itself.
    let served = served.restarted();
    let mut browser = Browser::at_localhost(&served);
    let page = browser.authorize();
    let page = browser.go_on(&page, &[("do", "passkey")]);
    assert!(is_in(&key.answer(&mut browser, &page)));
}

#[test]
fn what_was_made_for_another_challenge_or_origin_is_refused() {
    let served = world("register-replay", |_| {});
    let mut key = SoftwareKey::new();
    let mut browser = Browser::at_localhost(&served);
    let page = browser.sign_in(NIA);
    let first = browser.go_on(&page, &[("do", "register"), ("method", "passkey")]);
    let sent = key.make_for_page(&browser, &first);
    let second = browser.go_on(&first, &[("do", "register"), ("method", "passkey")]);
    let answer = go_on(&mut browser, &second, &sent);
    assert!(answer.body.contains("challenge is another") && !is_in(&answer), "{}", answer.body);
    let made = key.make("https://localhost:1", &super::authenticator::options(&answer));
    let part = |name: &str| made["response"][name].as_str().unwrap();
    let form = [
        ("do", "create"),
        ("clientDataJSON", part("clientDataJSON")),
        ("attestationObject", part("attestationObject")),
    ];
    let answer = browser.go_on(&answer, &form);
    assert!(answer.body.contains("origin is not"), "{}", answer.body);
}

#[test]
fn conditional_access_decides_who_sets_something_up() {
    let block = json!({ "operator": "OR", "builtInControls": ["block"] });
    let mfa = json!({ "operator": "OR", "builtInControls": ["mfa"] });
    for (name, grant) in [("block", block), ("mfa", mfa)] {
        let served = world(&format!("register-{name}"), |seed| {
            seed["conditionalAccessPolicies"].as_array_mut().unwrap().push(on_registration(grant));
        });
        let mut browser = Browser::of(&served);
        let page = browser.sign_in(NIA);
        assert!(page.body.contains("AADSTS53010") && !page.body.contains("name=\"ctx\""), "{name}: {}", page.body);
    }
}

#[test]
fn an_account_with_a_method_gets_no_other_with_a_password_alone() {
    // A passkey whose key the tenant does not have, and a method of a kind that it does not know.
    for (name, odata_type) in [("keyless", "fido2"), ("unknown", "windowsHelloForBusiness")] {
        let served = world(&format!("register-{name}"), |seed| {
            let users = seed["users"].as_array_mut().unwrap();
            let odata_type = format!("#microsoft.graph.{odata_type}AuthenticationMethod");
            users.last_mut().unwrap()["authenticationMethods"] = json!([{ "@odata.type": odata_type, "id": "one" }]);
        });
        let mut browser = Browser::of(&served);
        let page = browser.sign_in(NIA);
        assert!(page.body.contains("AADSTS50079") && !page.body.contains("name=\"ctx\""), "{name}: {}", page.body);
    }
    // Nor does whoever sends the forms without having been asked.
    let served = world("register-forced", |_| {});
    let mut browser = Browser::of(&served);
    let page = browser.sign_in(("ada@contoso.onmicrosoft.com", "Ada-Passw0rd"));
    let page = browser.go_on(&page, &[("do", "register"), ("method", "app")]);
    assert!(page.body.contains("AADSTS50079") && !page.body.contains("otpauth"), "{}", page.body);
}

#[test]
fn whoever_is_at_risk_sets_up_nothing_with_a_password_alone() {
    let served = world("register-risk", |_| {});
    let risk = format!("risk:{}", NIA.0);
    served.on(&risk, json!({ "signInRisk": "low" }));
    let mut browser = Browser::of(&served);
    let page = browser.sign_in(NIA);
    assert!(page.body.contains("AADSTS53004") && !page.body.contains("name=\"ctx\""), "{}", page.body);
    served.off(&risk);
    let page = Browser::of(&served).sign_in(NIA);
    assert!(page.body.contains("Set up an authenticator app"), "{}", page.body);
}

#[test]
fn only_what_helps_is_offered() {
    let strength = json!({ "operator": "OR", "builtInControls": [], "authenticationStrength": {
        "id": "00000000-0000-0000-0000-000000000004", "displayName": "Phishing-resistant MFA", "policyType": "builtIn",
        "allowedCombinations": ["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"],
    } });
    let served = world("register-strength", |seed| seed["conditionalAccessPolicies"][0]["grantControls"] = strength);
    let mut browser = Browser::of(&served);
    let page = browser.sign_in(NIA);
    assert!(page.body.contains("Set up a passkey") && !page.body.contains("authenticator app"), "{}", page.body);
}

#[test]
fn who_has_a_temporary_access_pass_sets_up_a_passkey() {
    // The pass is multifactor authentication, and still no passkey.
    let served = world("register-pass", |seed| {
        let resists = json!(["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"]);
        seed["conditionalAccessPolicies"][0]["grantControls"] = json!({
            "operator": "OR", "builtInControls": [], "authenticationStrength": {
                "id": "00000000-0000-0000-0000-000000000004", "policyType": "builtIn", "allowedCombinations": resists } });
        let users = seed["users"].as_array_mut().unwrap();
        users.last_mut().unwrap()["authenticationMethods"] = json!([{
            "@odata.type": "#microsoft.graph.temporaryAccessPassAuthenticationMethod", "id": "pass",
            "temporaryAccessPass": "Once-Pass-123", "isUsableOnce": true }]);
        let mfa = json!({ "operator": "OR", "builtInControls": ["mfa"] });
        seed["conditionalAccessPolicies"].as_array_mut().unwrap().push(on_registration(mfa));
    });
    let mut key = SoftwareKey::new();
    let mut browser = Browser::at_localhost(&served);
    let page = browser.sign_in((NIA.0, "Once-Pass-123"));
    let page = browser.go_on(&page, &[("do", "register"), ("method", "passkey")]);
    let sent = key.make_for_page(&browser, &page);
    let page = go_on(&mut browser, &page, &sent);
    assert!(is_in(&key.answer(&mut browser, &page)));
}

#[test]
fn where_attestation_is_enforced_no_passkey_is_set_up() {
    let served = world("register-attested", |seed| {
        seed["authenticationMethodsPolicy"] = json!({ "authenticationMethodConfigurations": [
            { "id": "Fido2", "state": "enabled", "isAttestationEnforced": true } ] });
    });
    let mut browser = Browser::of(&served);
    let page = browser.sign_in(NIA);
    assert!(!page.body.contains("Set up a passkey") && page.body.contains("authenticator app"), "{}", page.body);
}

#[test]
fn somebody_who_changes_their_mind_sets_the_other_one_up_and_is_asked_about_a_device_all_the_same() {
    let served = world("register-device", |_| {});
    let client = ("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46");
    let asked = super::world::written(&[client, ("scope", "https://graph.microsoft.com/.default openid")]);
    let codes = served.send(("POST", "/organizations/oauth2/v2.0/devicecode"), &[], &asked).unwrap().json();
    let mut browser = Browser::at_localhost(&served);
    let page = browser.send(("POST", "/devicelogin"), &[("otc", codes["user_code"].as_str().unwrap())]);
    let page = browser.go_on(&page, &[("login", NIA.0), ("passwd", NIA.1)]);
    let page = browser.go_on(&page, &[("do", "register"), ("method", "passkey")]);
    let page = browser.go_on(&page, &[("do", "ways")]);
    let page = browser.go_on(&page, &[("do", "register"), ("method", "app")]);
    let code = code_of(&page);
    let page = browser.go_on(&page, &[("do", "enroll"), ("otc", &code)]);
    assert!(page.body.contains("Only continue if you asked for it yourself"), "{}", page.body);
    let done = browser.go_on(&page, &[("do", "continue")]);
    assert!(done.body.contains("You have signed in"), "{}", done.body);
}
