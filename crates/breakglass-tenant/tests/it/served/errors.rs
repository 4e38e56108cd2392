//! Errors of the login endpoints, who a token is about, and what ends a lock.

use std::sync::Arc;

use breakglass_tenant::clock::Clock;
use breakglass_tenant::tenant::{Addresses, OpenError, Tenant};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::world::{ADMIN, AZURE_CLI, Served, password_form, written};

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
