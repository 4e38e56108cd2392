//! Microsoft's own rules, once and now: portals, writes to Azure Resource Manager, how long sessions last.

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use breakglass_tenant::profile::Profile;
use serde_json::{Value, json};

use super::world::{ADMIN, Answer, Browser, Served};

const ADA: (&str, &str) = ("ada@contoso.onmicrosoft.com", "Ada-Passw0rd");
const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const AZURE_PORTAL: &str = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c";
const GROUPS: &str = "/providers/Microsoft.Management/managementGroups";
const VERSION: &str = "api-version=2020-05-01";

fn password(served: &Served, client: &str) -> Value {
    let form = [
        ("client_id", client),
        ("grant_type", "password"),
        ("scope", "https://management.core.windows.net//.default openid offline_access"),
        ("username", ADMIN.0),
        ("password", ADMIN.1),
    ];
    served.token(&[], &form).json()
}

fn manager(served: &Served, token: &Value, (method, path): (&str, &str)) -> Answer {
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    served.send_to_manager((method, path), &[("authorization", &bearer)], "").unwrap()
}

fn claims(token: &Value) -> Value {
    let part = token["access_token"].as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Redeems the code that a browser was given.
fn redeemed(served: &Served, back: &Answer) -> Value {
    let location = back.header("location").unwrap_or_else(|| panic!("{}", back.body));
    let (_, query) = location.split_once("code=").unwrap_or_else(|| panic!("{location}"));
    let code = query.split('&').next().unwrap();
    let redirect = ("redirect_uri", "http://localhost:4000");
    let form = [("client_id", AZURE_CLI), ("grant_type", "authorization_code"), ("code", code), redirect];
    served.token(&[], &form).json()
}

#[test]
fn a_password_writes_to_azure_in_the_classic_profile_alone() {
    let served = Served::new("profile-writes");
    let group = format!("{GROUPS}/drill?{VERSION}");
    let token = password(&served, AZURE_CLI);
    assert_eq!(claims(&token)["acrs"], Value::Null);
    for method in ["PUT", "DELETE", "POST", "PATCH"] {
        let answer = manager(&served, &token, (method, &group));
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (401, &json!("RequestDisallowedByAzure")));
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.contains("error=\"insufficient_claims\""), "{challenge}");
        let (_, asked) = challenge.split_once("claims=\"").unwrap();
        let asked = URL_SAFE.decode(asked.trim_end_matches('"')).unwrap();
        let asked: Value = serde_json::from_slice(&asked).unwrap();
        assert_eq!(asked, json!({ "access_token": { "acrs": { "essential": true, "values": ["p1"] } } }));
    }
    // Reading is exempt, and so is Microsoft Graph.
    assert_eq!(manager(&served, &token, ("GET", &format!("{GROUPS}?{VERSION}"))).json()["value"], json!([]));
    assert_eq!(manager(&served, &token, ("GET", "/tenants?api-version=2022-12-01")).status, 200);
    assert_eq!(served.code(&[], ADMIN), 0);

    let served = served.restarted_with(Profile::Classic);
    let token = password(&served, AZURE_CLI);
    let made = manager(&served, &token, ("PUT", &group));
    assert_eq!((made.status, &made.json()["name"]), (200, &json!("drill")));
    let served = served.restarted_with(Profile::Classic);
    assert_eq!(manager(&served, &token, ("GET", &group)).json()["properties"]["displayName"], json!("drill"));
    assert_eq!(manager(&served, &token, ("DELETE", &group)).status, 200);
    assert_eq!(manager(&served, &token, ("GET", &group)).status, 404);
}

#[test]
fn whoever_answers_the_challenge_may_write() {
    let served = Served::new("profile-challenge");
    let claims_asked = json!({ "access_token": { "acrs": { "essential": true, "values": ["p1"] } } }).to_string();
    let mut browser = Browser::of(&served);
    let page = browser.authorize_with(&[("claims", &claims_asked)]);
    let lacking = browser.go_on(&page, &[("login", ADMIN.0), ("passwd", ADMIN.1)]);
    assert!(lacking.body.contains("More information required"), "nothing to answer it with: {}", lacking.body);
    let mut browser = Browser::of(&served);
    let page = browser.authorize_with(&[("claims", &claims_asked)]);
    let page = browser.go_on(&page, &[("login", ADA.0), ("passwd", ADA.1)]);
    let asks = browser.go_on(&page, &[("do", "choose"), ("method", "oath")]);
    let back = browser.go_on(&asks, &[("do", "verify"), ("otc", "287082")]);
    let token = redeemed(&served, &back);
    assert_eq!(claims(&token)["acrs"], json!(["p1"]));
    let group = format!("{GROUPS}/drill?{VERSION}");
    assert_eq!(manager(&served, &token, ("PUT", &group)).status, 200);
    for (name, status) in [("a%20b", 400), (&*"x".repeat(91), 400), ("drill", 200)] {
        let answer = manager(&served, &token, ("PUT", &format!("{GROUPS}/{name}?{VERSION}")));
        assert_eq!(answer.status, status, "{name}: {}", answer.body);
    }
    assert_eq!(manager(&served, &token, ("PUT", &format!("{GROUPS}/drill"))).status, 400);
}

#[test]
fn the_portals_demand_more_than_a_password_in_the_current_profile_alone() {
    let served = Served::new("profile-portal");
    assert_eq!(password(&served, AZURE_PORTAL)["error_codes"], json!([50_076]));
    assert!(password(&served, AZURE_CLI)["access_token"].is_string());
    let served = served.restarted_with(Profile::Classic);
    assert!(password(&served, AZURE_PORTAL)["access_token"].is_string());
}

#[test]
fn refresh_tokens_are_good_for_a_day_or_for_ninety() {
    let mut served = Served::new("profile-lifetimes");
    for (profile, last, over) in [(Profile::Current, "2159h", "2160h"), (Profile::Classic, "23h", "24h")] {
        served = served.restarted_with(profile);
        let token = password(&served, AZURE_CLI)["refresh_token"].as_str().unwrap().to_owned();
        served.on("clock", json!({ "by": last }));
        let carried = served.refreshed(&token);
        assert_eq!(carried.status, 200, "{profile:?}: {}", carried.body);
        served.on("clock", json!({ "by": over }));
        assert_eq!(served.refreshed(&token).json()["error_codes"], json!([700_082]), "{profile:?}");
        // The new one goes on from when it was given.
        assert_eq!(served.refreshed(carried.json()["refresh_token"].as_str().unwrap()).status, 200, "{profile:?}");
        served.off("clock");
    }
}
