//! Passwords that have to be changed.

use serde_json::{Value, json};

use super::world::{ADMIN, Answer, Browser, Served};

const REX_ID: &str = "00000000-0000-4000-8000-0000000000a9";
const REX: (&str, &str) = ("rex@contoso.com", "Rex-Passw0rd");
const NEW: &str = "New-Glass-1";

fn world(name: &str, flag: &str, change: impl FnOnce(&mut Value)) -> Served {
    Served::seeded(name, |seed| {
        seed["users"].as_array_mut().unwrap().push(json!({
            "id": REX_ID, "displayName": "Rexford", "accountEnabled": true, "userPrincipalName": REX.0,
            "passwordProfile": { "password": REX.1, flag: true },
        }));
        change(seed);
    })
}

fn is_in(answer: &Answer) -> bool {
    answer.header("location").is_some_and(|location| location.contains("code="))
}

fn change(browser: &mut Browser<'_>, page: &Answer, (old, new, again): (&str, &str, &str)) -> Answer {
    let form = [("do", "change"), ("oldpasswd", old), ("newpasswd", new), ("confirmpasswd", again)];
    browser.go_on(page, &form)
}

#[test]
fn a_password_is_changed_and_the_sign_in_goes_on() {
    let served = world("password-change", "forceChangePasswordNextSignIn", |_| {});
    assert_eq!(served.code(&[], REX), 50_055);
    let mut browser = Browser::of(&served);
    let page = browser.sign_in(REX);
    assert!(page.body.contains("Update your password"), "{}", page.body);
    let back = change(&mut browser, &page, (REX.1, NEW, NEW));
    assert!(is_in(&back), "{}", back.body);
    assert_eq!(served.code(&[], (REX.0, NEW)), 0);
    let served = served.restarted();
    assert_eq!(served.code(&[], REX), 50_126);
    assert_eq!(served.code(&[], (REX.0, NEW)), 0);
    let token = served.password(&[], ADMIN)["access_token"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {token}");
    let path = "/v1.0/auditLogs/directoryAudits";
    let audits = served.send(("GET", path), &[("authorization", &bearer)], "").unwrap();
    let newest = audits.json()["value"][0].clone();
    assert_eq!(newest["activityDisplayName"], "Change user password");
    assert_eq!(newest["targetResources"][0]["id"], REX_ID);
    assert!(!audits.body.contains(NEW) && !audits.body.contains(REX.1));
}

#[test]
fn a_new_password_has_to_do() {
    let served = world("password-unfit", "forceChangePasswordNextSignIn", |_| {});
    let mut browser = Browser::of(&served);
    let mut page = browser.sign_in(REX);
    for ((new, again), why) in [
        ((NEW, "New-Glass-2"), "not the same"),
        ((REX.1, REX.1), "another one than the current"),
        (("short1A", "short1A"), "too short"),
        (("only-small-letters", "only-small-letters"), "too simple"),
        (("Rexford-Is-1", "Rexford-Is-1"), "your name"),
    ] {
        page = change(&mut browser, &page, (REX.1, new, again));
        assert!(page.body.contains(why) && !is_in(&page), "{why}: {}", page.body);
    }
    assert_eq!(served.code(&[], REX), 50_055, "nothing was changed");
    assert!(is_in(&change(&mut browser, &page, (REX.1, NEW, NEW))));
}

#[test]
fn nothing_leads_past_the_page() {
    let served = world("password-past", "forceChangePasswordNextSignIn", |_| {});
    let mut browser = Browser::of(&served);
    let mut page = browser.sign_in(REX);
    for form in [&[("do", "continue")][..], &[("do", "register"), ("method", "app")]] {
        let answer = browser.go_on(&page, form);
        assert!(!is_in(&answer), "{form:?}");
        if answer.body.contains("name=\"ctx\"") {
            page = answer;
        }
    }
    let prompt = browser.authorize_with(&[("prompt", "none")]);
    assert!(prompt.header("location").unwrap().contains("login_required"), "nobody is signed in");
}

#[test]
fn wrong_old_passwords_lock_the_account() {
    let served = world("password-lock", "forceChangePasswordNextSignIn", |_| {});
    let mut wrong = 0;
    for _ in 0..4 {
        let mut browser = Browser::of(&served);
        let mut page = browser.sign_in(REX);
        while page.body.contains("name=\"oldpasswd\"") && wrong < 40 {
            wrong += 1;
            page = change(&mut browser, &page, (&format!("Wrong-{wrong}"), NEW, NEW));
        }
    }
    // The right password at the beginning of each visit clears what was counted.
    assert_eq!((served.code(&[], REX), wrong), (50_055, 20), "five of them end a visit");
    assert_eq!(served.newest_record(REX.0)["status"]["errorCode"], 50_055);
    for number in 0..10 {
        let code = served.code(&[], (REX.0, &format!("Wrong-again-{number}")));
        assert_eq!(code, 50_126);
    }
    assert_eq!(served.code(&[], REX), 50_053);
}

#[test]
fn sessions_begun_with_the_old_password_end() {
    let served = Served::new("password-sessions");
    let old = served.password(&[], ("rae@contoso.com", "Rae-Passw0rd"));
    let refresh = old["refresh_token"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {}", served.password(&[], ADMIN)["access_token"].as_str().unwrap());
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = json!({ "passwordProfile": { "forceChangePasswordNextSignIn": true } }).to_string();
    let path = "/v1.0/users/rae@contoso.com";
    assert_eq!(served.send(("PATCH", path), &headers, &body).unwrap().status, 204);
    assert_eq!(served.refreshed(&refresh).status, 200, "so far it is the old one");
    served.on("clock", json!({ "by": "10s" }));
    let mut browser = Browser::of(&served);
    let page = browser.sign_in(("rae@contoso.com", "Rae-Passw0rd"));
    let back = change(&mut browser, &page, ("Rae-Passw0rd", NEW, NEW));
    assert!(is_in(&back), "{}", back.body);
    assert_eq!(served.refreshed(&refresh).json()["error_codes"], json!([50_173]));
    let new = served.password(&[], ("rae@contoso.com", NEW));
    assert_eq!(served.refreshed(new["refresh_token"].as_str().unwrap()).status, 200);
}

#[test]
fn where_it_is_demanded_multifactor_authentication_comes_first() {
    let served = world("password-mfa", "forceChangePasswordNextSignInWithMfa", |seed| {
        let users = seed["users"].as_array_mut().unwrap();
        users.last_mut().unwrap()["authenticationMethods"] = json!([{
            "@odata.type": "#microsoft.graph.softwareOathAuthenticationMethod", "id": "oath-of-rex",
            "secretKey": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
        }]);
    });
    let mut browser = Browser::of(&served);
    let page = browser.sign_in(REX);
    assert!(page.body.contains("name=\"otc\""), "{}", page.body);
    let forced = change(&mut browser, &page, (REX.1, NEW, NEW));
    assert!(forced.body.contains("name=\"otc\"") && !is_in(&forced), "{}", forced.body);
    let page = browser.go_on(&forced, &[("do", "verify"), ("otc", "287082")]);
    assert!(page.body.contains("Update your password"), "{}", page.body);
    assert!(is_in(&change(&mut browser, &page, (REX.1, NEW, NEW))));
}
