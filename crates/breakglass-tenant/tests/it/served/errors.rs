//! Errors of the login endpoints, who a token is about, and what ends a lock.

use std::sync::Arc;

use breakglass_tenant::clock::Clock;
use breakglass_tenant::tenant::{Addresses, OpenError, Tenant};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::world::{ADMIN, AZURE_CLI, Browser, Served, password_form, written};

const RAE: (&str, &str) = ("rae@contoso.com", "Rae-Passw0rd");
const RAE_ID: &str = "00000000-0000-4000-8000-0000000000a6";
const GRAPH: &str = "https://graph.microsoft.com/.default openid offline_access";

#[derive(Debug)]
struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

#[test]
fn who_cannot_sign_in_is_told_why() {
    let served = Served::seeded("errors-codes", |seed| {
        seed["users"].as_array_mut().unwrap().push(json!({
            "id": "00000000-0000-4000-8000-0000000000aa", "displayName": "Nil", "accountEnabled": true,
            "userPrincipalName": "nil@contoso.com",
        }));
    });
    for (name, password, code) in [
        (RAE.0, "other", 50_126),
        ("nil@contoso.com", "whatever", 50_056),
        ("nobody@contoso.com", "whatever", 50_034),
        // An id is no name to sign in with.
        (RAE_ID, RAE.1, 50_034),
        (RAE.0, RAE.1, 0),
    ] {
        assert_eq!(served.code(&[], (name, password)), code, "{name}");
    }
    let form = [("client_id", AZURE_CLI), ("grant_type", "password"), ("username", RAE.0), ("password", RAE.1)];
    assert_eq!(served.token(&[], &form).json()["error_codes"], json!([900_144]), "for what it is has to be said");
}

#[test]
fn another_tenant_is_unknown_in_the_words_of_each_endpoint() {
    let served = Served::new("errors-tenant");
    let form = written(&password_form(RAE, GRAPH));
    for (what, body, word) in [
        (("POST", "/fabrikam.example/oauth2/v2.0/token"), form.as_str(), "invalid_request"),
        (("GET", "/fabrikam.example/v2.0/.well-known/openid-configuration"), "", "invalid_tenant"),
    ] {
        let answer = served.send(what, &[], body).unwrap();
        let told = answer.json();
        assert_eq!((answer.status, &told["error"], &told["error_codes"]), (400, &json!(word), &json!([90_002])));
    }
}

#[test]
fn an_error_leads_to_a_page_about_it() {
    let served = Served::new("errors-page");
    let told = served.password(&[], (RAE.0, "other"));
    let address = told["error_uri"].as_str().unwrap();
    let path = address.strip_prefix(served.origins()[0].as_str()).unwrap();
    let page = served.send(("GET", path), &[], "").unwrap();
    assert!(page.status == 200 && page.body.contains("AADSTS50126"), "{}", page.body);
    for unknown in ["/error", "/error?code=1", "/error?code=%3Cb%3E"] {
        let page = served.send(("GET", unknown), &[], "").unwrap();
        assert!(page.status == 404 && !page.body.contains("<b>>"), "{}", page.body);
    }
}

#[test]
fn whoever_has_a_token_learns_who_it_is_about() {
    let served = Served::new("errors-user-info");
    let asked = |headers: &[(&str, &str)]| served.send(("GET", "/oidc/userinfo"), headers, "").unwrap();
    let tokens = served.password(&[], RAE);
    let told = asked(&[("authorization", &format!("Bearer {}", tokens["access_token"].as_str().unwrap()))]).json();
    let id_token = tokens["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    let id_token: Value = {
        use base64::Engine as _;
        serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(id_token).unwrap()).unwrap()
    };
    assert_eq!((&told["sub"], &told["name"]), (&id_token["sub"], &json!("Rae")));
    assert_eq!(asked(&[]).status, 401);
    assert_eq!(asked(&[("authorization", "Bearer x.y.z")]).status, 401);
}

#[test]
fn a_reset_by_an_administrator_ends_the_lock() {
    let served = Served::new("errors-unlock");
    for number in 0..10 {
        served.code(&[], (RAE.0, &format!("wrong-{number}")));
    }
    assert_eq!(served.code(&[], RAE), 50_053);
    let bearer = format!("Bearer {}", served.password(&[], ADMIN)["access_token"].as_str().unwrap());
    let profile = json!({ "password": "Quite-New-Pass-1", "forceChangePasswordNextSignIn": false });
    let body = json!({ "passwordProfile": profile }).to_string();
    let what = ("PATCH", "/v1.0/users/rae@contoso.com");
    assert_eq!(served.send(what, &[("authorization", &bearer)], &body).unwrap().status, 204);
    assert_eq!(served.code(&[], (RAE.0, "Quite-New-Pass-1")), 0);
}

#[test]
fn a_tenant_is_open_once_at_a_time() {
    let served = Served::new("errors-twice");
    let addresses = Addresses { base: "https://127.0.0.1:1".to_owned(), manager: "https://127.0.0.1:2".to_owned() };
    let again = Tenant::open(served.folder(), addresses, Arc::new(Epoch));
    assert!(matches!(again, Err(OpenError::InUse(_))), "{again:?}");
    assert_eq!(served.restarted().code(&[], RAE), 0, "whoever has ended it may open it again");
}

#[test]
fn a_policy_is_in_force_from_the_next_sign_in_on() {
    let served = Served::new("errors-policy");
    assert_eq!(served.code(&[], RAE), 0);
    let bearer = format!("Bearer {}", served.password(&[], ADMIN)["access_token"].as_str().unwrap());
    let policies = "/v1.0/identity/conditionalAccess/policies";
    let asked = |what: (&str, &str), body: &Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        served.send(what, &[("authorization", &bearer)], &body).unwrap()
    };
    let made = asked(
        ("POST", policies),
        &json!({
            "displayName": "Not Rae", "state": "enabled", "conditions": { "clientAppTypes": ["all"],
                "applications": { "includeApplications": ["All"] }, "users": { "includeUsers": [RAE_ID] } },
            "grantControls": { "operator": "OR", "builtInControls": ["block"] },
        }),
    );
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(served.code(&[], RAE), 53_003);
    let policy = format!("{policies}/{}", made.json()["id"].as_str().unwrap());
    assert_eq!(asked(("PATCH", &policy), &json!({ "state": "disabled" })).status, 204);
    assert_eq!(served.code(&[], RAE), 0);
    assert_eq!(asked(("PATCH", &policy), &json!({ "state": "enabled" })).status, 204);
    assert_eq!(served.code(&[], RAE), 53_003);
    assert_eq!(asked(("DELETE", &policy), &Value::Null).status, 204);
    assert_eq!(served.code(&[], RAE), 0);
}

#[test]
fn wrong_passwords_at_a_time_are_counted_before_a_right_one_is_taken() {
    let served = Served::new("errors-race");
    let codes: Vec<u64> = std::thread::scope(|scope| {
        let wrong = (0..40).map(|number| {
            let served = &served;
            scope.spawn(move || (0..3).map(|again| code_of(served, &format!("wrong-{number}-{again}"))).max().unwrap())
        });
        let all: Vec<_> = wrong.collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(codes.iter().all(|code| matches!(code, 50_126 | 50_053)), "{codes:?}");
    assert_eq!(code_of(&served, RAE.1), 50_053, "the right one as well");
    // Of those that were under way, none after the tenth was taken for a guess of its own.
    let bearer = format!("Bearer {}", served.password(&[], ADMIN)["access_token"].as_str().unwrap());
    let path = "/beta/auditLogs/signIns?$filter=userPrincipalName%20eq%20'rae@contoso.com'&$top=999";
    let records = served.send(("GET", path), &[("authorization", &bearer)], "").unwrap().json();
    let wrong = records["value"].as_array().unwrap().iter().filter(|one| one["status"]["errorCode"] == 50_126);
    assert_eq!(wrong.count(), 10);
}

/// The code that a password of Rae is refused with; 0 if it is not.
fn code_of(served: &Served, password: &str) -> u64 {
    let answer = served.token(&[], &password_form((RAE.0, password), GRAPH)).json();
    if answer["access_token"].is_string() { 0 } else { answer["error_codes"][0].as_u64().unwrap() }
}

#[test]
fn what_is_too_long_is_refused_and_not_kept() {
    let served = Served::new("errors-long");
    let long = "x".repeat(100_000);
    for (what, form) in [
        (("POST", "/common/oauth2/v2.0/token"), written(&password_form((&long, "x"), GRAPH))),
        (("POST", "/common/oauth2/v2.0/devicecode"), written(&[("client_id", AZURE_CLI), ("scope", &long)])),
        (("POST", "/common/oauth2/v2.0/authorize"), written(&[("client_id", AZURE_CLI), ("unused", &long)])),
    ] {
        let answer = served.send(what, &[], &form).unwrap();
        assert!(answer.body.contains("AADSTS9002313"), "{}: {}", what.1, answer.body);
    }
    assert_eq!(served.code(&[], (&"n".repeat(5_000), "x")), 50_034);
    let kept = served.newest_record(&"n".repeat(320));
    assert_eq!(kept["status"]["errorCode"], 50_034, "{kept}");
    let scope = "s".repeat(5_000);
    let answer = served.token(&[], &password_form(RAE, &scope)).json();
    assert_eq!(answer["error_codes"], json!([70_011]));
}

#[test]
fn passwords_end_where_the_domain_says_so() {
    let served = Served::seeded("errors-expired", |seed| {
        seed["domains"][1]["passwordValidityPeriodInDays"] = json!(90);
        for user in seed["users"].as_array_mut().unwrap() {
            user["lastPasswordChangeDateTime"] = json!("1970-01-01T00:00:00Z");
        }
        let lasting = seed["users"].as_array_mut().unwrap().last_mut().unwrap().clone();
        let mut lasting = lasting;
        lasting["id"] = json!("00000000-0000-4000-8000-0000000000ab");
        lasting["userPrincipalName"] = json!("lasting@contoso.com");
        lasting["passwordPolicies"] = json!("DisablePasswordExpiration, DisableStrongPassword");
        seed["users"].as_array_mut().unwrap().push(lasting);
    });
    served.on("clock", json!({ "by": "2159h" }));
    assert_eq!(served.code(&[], RAE), 0);
    served.on("clock", json!({ "by": "2160h" }));
    assert_eq!(served.code(&[], RAE), 50_055);
    assert_eq!(served.code(&[], ("lasting@contoso.com", RAE.1)), 0);
    assert_eq!(served.code(&[], ("syd@contoso.com", "Syd-Passw0rd")), 0, "on premises something else decides");
    assert_eq!(served.code(&[], ADMIN), 0, "of a domain that says nothing");
    let mut browser = Browser::of(&served);
    let page = browser.sign_in(RAE);
    assert!(page.body.contains("Update your password"), "{}", page.body);
    let new = "New-Glass-Passw0rd";
    let form = [("do", "change"), ("oldpasswd", RAE.1), ("newpasswd", new), ("confirmpasswd", new)];
    assert!(browser.go_on(&page, &form).header("location").is_some());
    assert_eq!(served.code(&[], (RAE.0, new)), 0);
}

#[test]
fn what_a_browser_asks_has_to_make_sense() {
    let served = Served::new("errors-authorize");
    let mut browser = Browser::of(&served);
    for (more, code) in [
        (("prompt", "bogus"), "AADSTS90023"),
        (("response_mode", "bogus"), "AADSTS70007"),
        (("claims", "{bad"), "AADSTS90100"),
        (("code_challenge_method", "S512"), "AADSTS90100"),
    ] {
        let challenge = ("code_challenge", "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv");
        let answer = browser.authorize_with(&[more, challenge, ("state", "kept")]);
        let location = answer.header("location").unwrap_or_else(|| panic!("{more:?}: {}", answer.body));
        assert!(location.contains(code) && location.contains("state=kept"), "{more:?}: {location}");
    }
    let query = written(&[("client_id", AZURE_CLI), ("response_type", "code"), ("redirect_uri", "http://localhost:1")]);
    let answer = served.send(("GET", &format!("/common/oauth2/v2.0/authorize?{query}&scope=")), &[], "").unwrap();
    assert!(answer.header("location").unwrap().contains("AADSTS900144"), "{}", answer.head);
}

#[test]
fn whoever_signs_out_is_led_back_by_form_and_by_id_token_as_well() {
    let served = Served::new("errors-logout");
    let token = served.password(&[], RAE)["id_token"].as_str().unwrap().to_owned();
    let back = ("post_logout_redirect_uri", "http://localhost:4000");
    for more in [("client_id", AZURE_CLI), ("id_token_hint", token.as_str())] {
        let form = written(&[back, more, ("state", "s")]);
        let posted = served.send(("POST", "/common/oauth2/v2.0/logout"), &[], &form).unwrap();
        let asked = served.send(("GET", &format!("/common/oauth2/v2.0/logout?{form}")), &[], "").unwrap();
        for answer in [posted, asked] {
            assert_eq!(answer.header("location"), Some("http://localhost:4000?state=s"), "{}", answer.body);
        }
    }
    let forged = format!("{token}x");
    let form = written(&[back, ("id_token_hint", &forged)]);
    let answer = served.send(("POST", "/common/oauth2/v2.0/logout"), &[], &form).unwrap();
    assert_eq!(answer.header("location"), None, "a hint that is not ours leads nowhere");
}

#[test]
fn what_ends_an_account_ends_whoever_is_on_the_pages() {
    const ADA: (&str, &str) = ("ada@contoso.onmicrosoft.com", "Ada-Passw0rd");
    let served = Served::new("errors-midway");
    let bearer = format!("Bearer {}", served.password(&[], ADMIN)["access_token"].as_str().unwrap());
    let administer = |what: (&str, &str), body: &str| {
        let answer = served.send(what, &[("authorization", &bearer)], body).unwrap();
        assert!(answer.status < 300, "{}", answer.body);
    };
    let mut browser = Browser::of(&served);
    let asks = browser.sign_in(ADA);
    let asks = browser.go_on(&asks, &[("do", "choose"), ("method", "sms")]);
    let (_, outbox) = served.backstage("GET", &["outbox"], Value::Null);
    let message = outbox["value"][0]["text"].as_str().unwrap().to_owned();
    let otc = message.split_whitespace().find(|word| word.parse::<u32>().is_ok()).unwrap();
    served.on("clock", json!({ "by": "10s" }));
    administer(("POST", "/v1.0/users/ada@contoso.onmicrosoft.com/revokeSignInSessions"), "");
    let over = browser.go_on(&asks, &[("do", "verify"), ("otc", otc)]);
    assert!(over.body.contains("AADSTS50173") && over.body.contains("name=\"passwd\""), "{}", over.body);
    let asks = browser.go_on(&over, &[("login", ADA.0), ("passwd", ADA.1)]);
    assert!(asks.body.contains("name=\"ctx\""), "whoever knows the password begins again: {}", asks.body);
    administer(("PATCH", "/v1.0/users/ada@contoso.onmicrosoft.com"), r#"{"accountEnabled":false}"#);
    let over = browser.go_on(&asks, &[("do", "choose"), ("method", "sms")]);
    assert!(over.body.contains("AADSTS50057"), "{}", over.body);
}

#[test]
fn a_second_proof_that_fails_is_in_the_log_with_what_demanded_it() {
    let served = Served::new("errors-proof");
    let mut browser = Browser::of(&served);
    let asks = browser.sign_in(("ada@contoso.onmicrosoft.com", "Ada-Passw0rd"));
    let asks = browser.go_on(&asks, &[("do", "choose"), ("method", "sms")]);
    let wrong = browser.go_on(&asks, &[("do", "verify"), ("otc", "000000x")]);
    assert!(wrong.body.contains("AADSTS500121"), "{}", wrong.body);
    let record = served.newest_record("ada@contoso.onmicrosoft.com");
    assert_eq!(
        (&record["status"]["errorCode"], &record["conditionalAccessStatus"]),
        (&json!(500_121), &json!("failure"))
    );
    assert_eq!(record["authenticationRequirement"], "multiFactorAuthentication");
    let steps: Vec<_> =
        record["authenticationDetails"].as_array().unwrap().iter().map(|one| &one["succeeded"]).collect();
    assert_eq!(steps, [&json!(true), &json!(false)]);
}

#[test]
fn a_tenant_of_an_older_form_is_opened_and_its_sessions_go_on() {
    for (version, older) in [(2, ""), (1, "DROP TABLE thing;")] {
        let served = Served::new(&format!("errors-form-{version}"));
        let token = served.password(&[], RAE)["refresh_token"].as_str().unwrap().to_owned();
        let folder = served.folder().to_owned();
        drop(served);
        let database = rusqlite::Connection::open(folder.join("tenant.sqlite")).unwrap();
        let columns = "ALTER TABLE session DROP COLUMN scope; ALTER TABLE session DROP COLUMN shown_last;";
        database.execute_batch(&format!("{columns} {older} PRAGMA user_version = {version};")).unwrap();
        drop(database);
        let served = Served::of(folder.clone(), Arc::new(Epoch));
        assert_eq!(served.refreshed(&token).status, 200, "{version}");
        drop(served);
        let database = rusqlite::Connection::open(folder.join("tenant.sqlite")).unwrap();
        let now: i64 = database.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(now, 3);
        database.execute_batch("PRAGMA user_version = 4;").unwrap();
        drop(database);
        let addresses = Addresses { base: "https://127.0.0.1:1".to_owned(), manager: "https://127.0.0.1:2".to_owned() };
        let newer = Tenant::open(&folder, addresses, Arc::new(Epoch));
        assert!(matches!(newer, Err(OpenError::State(_))), "a newer one is not touched: {newer:?}");
    }
}
