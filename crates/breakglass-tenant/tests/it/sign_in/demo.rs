//! The company of the demo: who gets in with what, from where, and what Graph has of it.

use breakglass_tenant::demo::{
    ADMINISTRATORS_PASSWORD, APPLICATION_SECRET, EMPLOYEES_PASSWORD, FIRST_EMERGENCY_PASSWORD,
    SECOND_EMERGENCY_PASSWORD, TENANT, sign_ins,
};
use breakglass_tenant::seed::SeedError;
use serde_json::{Value, json};

use super::world::{Browser, World};
use crate::served::world::{AZURE_CLI, password_form};

/// The program on people's devices, and the one on a server.
const EXPENSES: &str = "Contoso Expenses";
const SERVICE_DESK: &str = "Contoso Service Desk";
const UTRECHT: &str = "192.0.2.7";
const ANTWERP: &str = "198.51.100.7";
const ELSEWHERE: &str = "203.0.113.7";

const EMERGENCY: &str = "emergency-access-1@contoso.onmicrosoft.com";

/// What a password alone brings the Azure CLI: `token`, or a code.
fn password_alone(world: &World, (name, password): (&str, &str), place: &str) -> Value {
    let form = password_form((name, password), "https://graph.microsoft.com/.default openid offline_access");
    let answer = Browser::at(place).send(world, ("POST", "/organizations/oauth2/v2.0/token"), &form).json();
    if answer["access_token"].is_string() { answer["access_token"].clone() } else { answer["error_codes"][0].clone() }
}

#[test]
fn who_gets_in_with_a_password_and_from_where() {
    let world = World::demo("demo-passwords");
    let scanner = "svc-scan-to-mail@contoso.onmicrosoft.com";
    let second = "emergency-access-2@contoso.onmicrosoft.com";
    for (name, password, place, code) in [
        (EMERGENCY, FIRST_EMERGENCY_PASSWORD, UTRECHT, None),
        (EMERGENCY, FIRST_EMERGENCY_PASSWORD, ELSEWHERE, None),
        (second, SECOND_EMERGENCY_PASSWORD, ELSEWHERE, None),
        (second, FIRST_EMERGENCY_PASSWORD, UTRECHT, Some(50_126)),
        ("adm.bram.dekker@contoso.onmicrosoft.com", ADMINISTRATORS_PASSWORD, UTRECHT, Some(50_076)),
        ("emma.devries@contoso.com", EMPLOYEES_PASSWORD, ANTWERP, Some(50_076)),
        ("emma.devries@contoso.com", EMPLOYEES_PASSWORD, ELSEWHERE, Some(53_003)),
        (scanner, EMPLOYEES_PASSWORD, ANTWERP, None),
        (scanner, EMPLOYEES_PASSWORD, "127.0.0.1", None),
        (scanner, EMPLOYEES_PASSWORD, "::1", None),
        (scanner, EMPLOYEES_PASSWORD, ELSEWHERE, Some(53_003)),
        ("megan.bowen_fabrikam.com#EXT#@contoso.onmicrosoft.com", EMPLOYEES_PASSWORD, UTRECHT, Some(50_056)),
    ] {
        let answer = password_alone(&world, (name, password), place);
        match code {
            None => assert!(answer.is_string(), "{name} from {place}: {answer}"),
            Some(code) => assert_eq!(answer, json!(code), "{name} from {place}"),
        }
    }
}

#[test]
fn an_administrator_gets_in_with_a_code_from_an_office() {
    let world = World::demo("demo-pages");
    let app = application(&world, EXPENSES);
    let sign_in = |place: &str| {
        let mut browser = Browser::at(place);
        let page = browser.authorize(&world, &[("client_id", &app)]);
        let asks = browser.sign_in(&world, &page, ("adm.bram.dekker", ADMINISTRATORS_PASSWORD));
        (browser, asks)
    };
    let (_, refused) = sign_in(ELSEWHERE);
    assert!(refused.text.contains("AADSTS53003"), "{}", refused.text);
    let (mut browser, asks) = sign_in(ANTWERP);
    assert!(asks.text.contains("authenticator app"), "{}", asks.text);
    // Of the key of the demo, 59 seconds after the epoch.
    let back = browser.go_on(&world, &asks, &[("do", "verify"), ("otc", "503347")]);
    assert!(back.location.contains("code="), "{}", back.text);
}

#[test]
fn a_code_for_another_device_is_for_emergencies_only() {
    let world = World::demo("demo-device");
    for (name, password, is_in) in [
        (EMERGENCY, FIRST_EMERGENCY_PASSWORD, true),
        ("svc-scan-to-mail@contoso.onmicrosoft.com", EMPLOYEES_PASSWORD, false),
    ] {
        let asked = [("client_id", AZURE_CLI), ("scope", "https://graph.microsoft.com/.default openid")];
        let mut browser = Browser::at(UTRECHT);
        let codes = browser.send(&world, ("POST", "/organizations/oauth2/v2.0/devicecode"), &asked).json();
        let page = browser.send(&world, ("POST", "/devicelogin"), &[("otc", codes["user_code"].as_str().unwrap())]);
        let asks = browser.sign_in(&world, &page, (name, password));
        if !is_in {
            assert!(asks.text.contains("AADSTS53003"), "{}", asks.text);
            continue;
        }
        browser.go_on(&world, &asks, &[("do", "continue")]);
        let poll = [
            ("client_id", AZURE_CLI),
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", codes["device_code"].as_str().unwrap()),
        ];
        assert!(world.token(&poll)["access_token"].is_string(), "{name}");
    }
}

const SECONDS_TO_2027: i64 = 1_800_000_000;

/// A token of the program that reads users and logs.
fn service_desk(world: &World) -> String {
    // Its secret is good from when the company was made.
    world.later(SECONDS_TO_2027);
    let app = application(world, SERVICE_DESK);
    let form = [
        ("client_id", app.as_str()),
        ("grant_type", "client_credentials"),
        ("client_secret", APPLICATION_SECRET),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let path = format!("/{TENANT}/oauth2/v2.0/token");
    let answer = Browser::default().send(world, ("POST", &path), &form).json();
    answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// The id under which an application signs people in.
fn application(world: &World, name: &str) -> String {
    let token = password_alone(world, (EMERGENCY, FIRST_EMERGENCY_PASSWORD), UTRECHT);
    let filter = format!("displayName eq '{name}'");
    let found = list(world, token.as_str().unwrap(), ("/v1.0/applications", &[("$filter", &filter)]));
    found[0]["appId"].as_str().unwrap().to_owned()
}

fn list(world: &World, token: &str, (path, query): (&str, &[(&str, &str)])) -> Vec<Value> {
    let answer = Browser::showing(token).send(world, ("GET", path), query);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer.json()["value"].as_array().unwrap().clone()
}

#[test]
fn graph_has_the_whole_company() {
    let world = World::demo("demo-graph");
    let token = service_desk(&world);
    let count = |path, query: &[(&str, &str)]| list(&world, &token, (path, query)).len();
    let users = |filter| count("/v1.0/users", &[("$top", "999"), ("$filter", filter)]);
    assert_eq!(count("/v1.0/users", &[("$top", "999")]), 200);
    assert_eq!(users("userType eq 'Guest'"), 6);
    assert_eq!(users("onPremisesSyncEnabled eq true"), 120);
    assert_eq!((users("officeLocation eq 'Utrecht'"), users("officeLocation eq 'Antwerp'")), (120, 56));
    assert_eq!(users("startswith(userPrincipalName,'adm.')"), 12);
    assert_eq!(count("/v1.0/identity/conditionalAccess/policies", &[]), 36);
    assert_eq!(count("/v1.0/identity/conditionalAccess/namedLocations", &[]), 5);
    let licensed = list(&world, &token, ("/v1.0/groups", &[("$filter", "displayName eq 'APP_Microsoft365_E5'")]));
    let members = format!("/v1.0/groups/{}/members", licensed[0]["id"].as_str().unwrap());
    assert_eq!(count(&members, &[("$top", "999")]), 176);
}

#[test]
fn a_tenant_is_seeded_once() {
    let mut world = World::demo("demo-twice");
    assert!(matches!(world.tenant.seed_demo(), Err(SeedError::NotNew)));
}

#[test]
fn no_answer_has_a_password() {
    let world = World::demo("demo-secrets");
    let token = service_desk(&world);
    for path in ["/v1.0/users", "/v1.0/applications", "/beta/users"] {
        let answer = Browser::showing(&token).send(&world, ("GET", path), &[("$top", "999")]);
        for secret in [EMPLOYEES_PASSWORD, ADMINISTRATORS_PASSWORD, FIRST_EMERGENCY_PASSWORD, APPLICATION_SECRET] {
            assert!(!answer.text.contains(secret), "{path}");
        }
    }
}

#[test]
fn who_is_named_when_it_is_served_is_there() {
    let world = World::demo("demo-cast");
    let cast = sign_ins();
    assert_eq!(cast.len(), 3);
    for one in cast {
        let answer = password_alone(&world, (&one.name, one.password), UTRECHT);
        assert!(answer.is_string() || answer == json!(50_076), "{}: {answer}", one.name);
    }
}
