//! The pages, from the first form to the tokens.

use serde_json::json;

use super::world::{Browser, PUBLIC, VERIFIER, WEB, World, redeeming};

const ADMIN: (&str, &str) = ("breakglass1", "Gl@ss-Hammer-1");

#[test]
fn a_code_is_redeemed_once_by_whoever_asked_for_it() {
    let world = World::new("code");
    let code = |world: &World| {
        let mut browser = Browser::default();
        let page = browser.authorize(world, &[]);
        let back = browser.sign_in(world, &page, ADMIN);
        assert_eq!((back.status, back.query("state").as_str()), (302, "s"));
        assert!(back.location.starts_with("http://localhost:4000?"), "{}", back.location);
        back.query("code")
    };
    let good = code(&world);
    let tokens = world.token(&redeeming(&good));
    assert!(tokens["access_token"].is_string() && tokens["refresh_token"].is_string(), "{tokens}");
    assert_eq!(world.token(&redeeming(&good))["error_codes"], json!([54_005]));
    for (name, value, expected) in [
        ("code_verifier", "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww", 501_481),
        ("code_verifier", "", 900_144),
        ("redirect_uri", "http://localhost:4001", 500_112),
        ("client_id", WEB, 70_000),
        ("code", "not-a-code", 70_000),
    ] {
        let code = code(&world);
        let mut form = redeeming(&code);
        form.retain(|(known, _)| *known != name);
        form.extend((!value.is_empty()).then_some((name, value)));
        assert_eq!(world.token(&form)["error_codes"], json!([expected]), "{name}={value}");
    }
    let late = code(&world);
    world.later(600);
    assert_eq!(world.token(&redeeming(&late))["error_codes"], json!([70_008]));
}

#[test]
fn who_does_not_get_in_is_told_why() {
    let world = World::new("refused");
    for ((name, password), expected) in [
        (("breakglass1", "wrong"), "AADSTS50126"),
        (("nobody", "wrong"), "AADSTS50034"),
        (("carol", "Carol-Passw0rd"), "AADSTS50057"),
        (("carol", "wrong"), "AADSTS50126"),
        (("bob", "Bob-Passw0rd"), "AADSTS53003"),
        (("bob", "wrong"), "AADSTS50126"),
        (("dan", "Dan-Passw0rd"), "More information required"),
    ] {
        let mut browser = Browser::default();
        let page = browser.authorize(&world, &[]);
        let answer = browser.sign_in(&world, &page, (name, password));
        assert!(answer.text.contains(expected) && answer.location.is_empty(), "{name}: {}", answer.text);
    }
}

#[test]
fn nobody_is_sent_to_an_address_that_is_not_the_clients() {
    let world = World::new("redirect");
    for (more, expected) in [
        (("redirect_uri", "https://evil.example/"), "AADSTS50011"),
        (("redirect_uri", "http://localhost.evil.example"), "AADSTS50011"),
        (("redirect_uri", ""), "AADSTS900144"),
        (("client_id", "00000000-0000-4000-8000-000000000000"), "AADSTS700016"),
    ] {
        let answer = Browser::default().authorize(&world, &[more]);
        assert!(answer.text.contains(expected) && answer.location.is_empty(), "{more:?}: {}", answer.text);
    }
    for (more, expected) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("code_challenge", "short"), "invalid_request"),
        (("prompt", "none"), "login_required"),
        (("scope", "https://a.example/.default https://b.example/.default"), "invalid_request"),
    ] {
        let answer = Browser::default().authorize(&world, &[more]);
        assert_eq!(answer.query("error"), expected, "{more:?}");
    }
}

#[test]
fn a_form_goes_on_only_in_the_browser_that_began_it() {
    let world = World::new("browser");
    let (mut own, mut other) = (Browser::default(), Browser::default());
    let page = own.authorize(&world, &[]);
    other.authorize(&world, &[]);
    for mut browser in [Browser::default(), other] {
        let answer = browser.sign_in(&world, &page, ADMIN);
        assert!(answer.status == 400 && answer.text.contains("AADSTS90013"), "{}", answer.text);
    }
    assert_eq!(own.sign_in(&world, &page, ADMIN).status, 302);
    assert_eq!(own.sign_in(&world, &page, ADMIN).status, 400, "it is over");
}

#[test]
fn the_code_of_an_authenticator_is_good_once() {
    let world = World::new("totp");
    let begin = |browser: &mut Browser| {
        let page = browser.authorize(&world, &[]);
        browser.sign_in(&world, &page, ("ada", "Ada-Passw0rd"))
    };
    let mut browser = Browser::default();
    let asks = begin(&mut browser);
    assert!(asks.text.contains("authenticator app"), "{}", asks.text);
    let wrong = browser.go_on(&world, &asks, &[("do", "verify"), ("otc", "287083")]);
    assert!(wrong.text.contains("AADSTS500121"), "{}", wrong.text);
    let skipped = browser.go_on(&world, &wrong, &[("do", "continue")]);
    assert!(skipped.location.is_empty() && skipped.text.contains("authenticator app"), "nothing leads past it");
    let right = browser.go_on(&world, &skipped, &[("do", "verify"), ("otc", "287082")]);
    let tokens = world.token(&redeeming(&right.query("code")));
    assert!(tokens["access_token"].is_string(), "{tokens}");
    let mut again = Browser::default();
    let asks = begin(&mut again);
    let used = again.go_on(&world, &asks, &[("do", "verify"), ("otc", "287082")]);
    assert!(used.text.contains("AADSTS500121"), "{}", used.text);
    let form = [
        ("client_id", PUBLIC),
        ("grant_type", "password"),
        ("scope", "User.Read"),
        ("username", "ada@contoso.onmicrosoft.com"),
        ("password", "Ada-Passw0rd"),
    ];
    assert_eq!(world.token(&form)["error_codes"], json!([50_076]), "a password alone is not enough");
}

#[test]
fn a_temporary_access_pass_is_used_up() {
    let world = World::new("pass");
    for expected in ["code=", "AADSTS50126"] {
        let mut browser = Browser::default();
        let page = browser.authorize(&world, &[]);
        let answer = browser.sign_in(&world, &page, ("dan", "Once-Pass-123"));
        assert!(answer.location.contains(expected) || answer.text.contains(expected), "{expected}: {}", answer.text);
    }
}

#[test]
fn a_browser_stays_signed_in_until_it_signs_out() {
    let world = World::new("sso");
    let mut browser = Browser::default();
    let page = browser.authorize(&world, &[]);
    browser.sign_in(&world, &page, ADMIN);
    let world = world.restarted();
    assert!(browser.authorize(&world, &[]).location.contains("code="));
    assert!(browser.authorize(&world, &[("prompt", "none")]).location.contains("code="));
    assert!(browser.authorize(&world, &[("prompt", "login")]).text.contains("type=\"password\""));
    let pick = browser.authorize(&world, &[("prompt", "select_account")]);
    assert!(browser.go_on(&world, &pick, &[("do", "continue")]).location.contains("code="));
    let mut later = browser.clone();
    browser.send(&world, ("GET", "/common/oauth2/v2.0/logout"), &[]);
    assert_eq!(browser.authorize(&world, &[("prompt", "none")]).query("error"), "login_required");
    let again = later.authorize(&world, &[("prompt", "none")]);
    assert_eq!(again.query("error"), "login_required", "the cookie is worth nothing afterwards");
}

#[test]
fn a_device_is_let_in_by_its_code_once() {
    let world = World::new("device");
    let asked = [("client_id", PUBLIC), ("scope", "openid offline_access User.Read")];
    let codes = Browser::default().send(&world, ("POST", "/organizations/oauth2/v2.0/devicecode"), &asked).json();
    let poll = [
        ("client_id", PUBLIC),
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", codes["device_code"].as_str().unwrap()),
    ];
    assert_eq!(world.token(&poll)["error"], "authorization_pending");
    let mut browser = Browser::default();
    let wrong = browser.send(&world, ("POST", "/devicelogin"), &[("otc", "AAAAAAAAA")]);
    assert!(wrong.text.contains("didn&#39;t work"), "{}", wrong.text);
    let page = browser.send(&world, ("POST", "/devicelogin"), &[("otc", codes["user_code"].as_str().unwrap())]);
    let asks = browser.sign_in(&world, &page, ADMIN);
    assert_eq!(world.token(&poll)["error"], "authorization_pending", "nobody has said yes so far");
    browser.go_on(&world, &asks, &[("do", "continue")]);
    let tokens = world.token(&poll);
    assert!(tokens["access_token"].is_string(), "{tokens}");
    assert_eq!(world.token(&poll)["error_codes"], json!([54_005]));
}

#[test]
fn an_application_on_a_server_proves_itself() {
    let world = World::new("web");
    let mut browser = Browser::default();
    let page = browser.authorize(&world, &[("client_id", WEB), ("redirect_uri", "https://web.example/back")]);
    let code = browser.sign_in(&world, &page, ADMIN).query("code");
    let form = |secret| {
        let mut form = vec![
            ("client_id", WEB),
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", "https://web.example/back"),
            ("code_verifier", VERIFIER),
        ];
        form.extend(secret);
        form
    };
    assert_eq!(world.token(&form(Some(("client_secret", "another"))))["error_codes"], json!([7_000_215]));
    let tokens = world.token(&form(Some(("client_secret", "a-secret-of-the-web-application"))));
    assert!(tokens["access_token"].is_string(), "{tokens}");
}
