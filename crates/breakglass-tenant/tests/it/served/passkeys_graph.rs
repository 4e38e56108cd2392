//! Passkeys that are registered by requests to Graph.

use serde_json::{Value, json};

use super::authenticator::SoftwareKey;
use super::world::{ADMIN, Answer, Browser, Served};

const RAE_ID: &str = "00000000-0000-4000-8000-0000000000a6";
const SYD_ID: &str = "00000000-0000-4000-8000-0000000000a4";
const RAE: (&str, &str) = ("rae@contoso.com", "Rae-Passw0rd");

fn graph(served: &Served, who: (&str, &str), (method, path): (&str, &str), body: &Value) -> Answer {
    let token = served.password(&[], who)["access_token"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {token}");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    served.send((method, path), &headers, &body).unwrap()
}

fn methods(user: &str) -> String {
    format!("/v1.0/users/{user}/authentication/fido2Methods")
}

fn options(served: &Served, user: &str) -> Value {
    graph(served, ADMIN, ("GET", &format!("{}/creationOptions", methods(user))), &Value::Null).json()
}

/// Makes a passkey with options of Graph's: the body that registers it.
fn made(served: &Served, key: &mut SoftwareKey, options: &Value) -> Value {
    let origin = Browser::at_localhost(served).origin();
    json!({ "displayName": "Red key", "publicKeyCredential": key.make(&origin, &options["publicKey"]) })
}

#[test]
fn a_passkey_is_registered_for_a_user_who_signs_in_with_it() {
    let served = Served::new("graph-passkey");
    let mut key = SoftwareKey::new();
    let options = options(&served, RAE_ID);
    assert_eq!(options["challengeTimeoutDateTime"], "1970-01-01T00:05:59Z");
    assert_eq!(options["publicKey"]["rp"]["id"], "localhost");
    let body = made(&served, &mut key, &options);
    let answer = graph(&served, ADMIN, ("POST", &methods(RAE_ID)), &body);
    assert_eq!(answer.status, 201, "{}", answer.body);
    let method = answer.json();
    assert_eq!((&method["displayName"], &method["passkeyType"]), (&json!("Red key"), &json!("synced")));
    assert_eq!(method["aaGuid"], "00000000-0000-0000-0000-000000000000");
    let sign_in = |served: &Served, key: &mut SoftwareKey| {
        let mut browser = Browser::at_localhost(served);
        let page = browser.authorize();
        let page = browser.go_on(&page, &[("do", "passkey")]);
        key.answer(&mut browser, &page)
    };
    let back = sign_in(&served, &mut key);
    assert!(back.header("location").is_some_and(|location| location.contains("code=")), "{}", back.body);
    let excluded = self::options(&served, RAE_ID)["publicKey"]["excludeCredentials"].clone();
    assert_eq!(excluded[0]["id"], method["id"]);
    let audits = graph(&served, ADMIN, ("GET", "/v1.0/auditLogs/directoryAudits"), &Value::Null).json();
    assert_eq!(audits["value"][0]["activityDisplayName"], "Admin registered security info");
    // Once it is deleted, the key is worth nothing.
    let path = format!("{}/{}", methods(RAE_ID), method["id"].as_str().unwrap());
    assert_eq!(graph(&served, ADMIN, ("DELETE", &path), &Value::Null).status, 204);
    assert!(sign_in(&served, &mut key).body.contains("AADSTS500121"));
}

#[test]
fn a_challenge_is_good_for_one_user_once_and_in_time() {
    let served = Served::new("graph-passkey-challenge");
    let mut key = SoftwareKey::new();
    let for_rae = options(&served, RAE_ID);
    let body = made(&served, &mut key, &for_rae);
    let other = graph(&served, ADMIN, ("POST", &methods(SYD_ID)), &body);
    assert_eq!(other.status, 400, "{}", other.body);
    let used = graph(&served, ADMIN, ("POST", &methods(RAE_ID)), &body);
    assert!(used.status == 400 && used.body.contains("was used"), "{}", used.body);
    let body = made(&served, &mut key, &options(&served, RAE_ID));
    served.on("clock", json!({ "by": "5m" }));
    let late = graph(&served, ADMIN, ("POST", &methods(RAE_ID)), &body);
    assert!(late.status == 400 && late.body.contains("timed out"), "{}", late.body);
    served.off("clock");
    let twice = [options(&served, RAE_ID), options(&served, SYD_ID)];
    let body = made(&served, &mut key, &twice[0]);
    assert_eq!(graph(&served, ADMIN, ("POST", &methods(RAE_ID)), &body).status, 201);
}

#[test]
fn minutes_are_said_in_beta_alone() {
    let served = Served::new("graph-passkey-minutes");
    for (version, arguments, status) in [
        ("beta", "(challengeTimeoutInMinutes=10)", 200),
        ("beta", "()", 200),
        ("v1.0", "()", 200),
        ("v1.0", "(challengeTimeoutInMinutes=10)", 400),
        ("beta", "(challengeTimeoutInMinutes=4)", 400),
        ("beta", "(challengeTimeoutInMinutes=43201)", 400),
        ("beta", "(challengeTimeoutInMinutes=ten)", 400),
        ("beta", "(other=10)", 400),
    ] {
        let path = format!("/{version}/users/{RAE_ID}/authentication/fido2Methods/creationOptions{arguments}");
        let answer = graph(&served, ADMIN, ("GET", &path), &Value::Null);
        assert_eq!(answer.status, status, "{version} {arguments}: {}", answer.body);
        if arguments.contains("=10") && status == 200 {
            assert_eq!(answer.json()["challengeTimeoutDateTime"], "1970-01-01T00:10:59Z");
        }
    }
}

#[test]
fn a_password_alone_registers_no_passkey() {
    let served = Served::new("graph-passkey-own");
    for path in [
        format!("{}/creationOptions()", methods(RAE_ID)),
        "/v1.0/me/authentication/fido2Methods/creationOptions()".to_owned(),
    ] {
        assert_eq!(graph(&served, RAE, ("GET", &path), &Value::Null).status, 403, "{path}");
    }
    let path = format!("{}/creationOptions()", methods(SYD_ID));
    assert_eq!(graph(&served, RAE, ("GET", &path), &Value::Null).status, 403, "nor for somebody else");
    assert_eq!(graph(&served, RAE, ("POST", &methods(RAE_ID)), &json!({})).status, 403);
}

#[test]
fn what_is_malformed_or_forged_is_refused() {
    let served = Served::new("graph-passkey-malformed");
    let mut key = SoftwareKey::new();
    for (change, why) in [
        (json!({ "attestationObject": "oA" }), "attestation object is malformed"),
        (json!({ "attestationObject": "" }), "attestation object is malformed"),
        (json!({ "attestationObject": "!" }), "in base64url"),
        (json!({ "clientDataJSON": "AAAA" }), "client data is malformed"),
        (json!({ "clientDataJSON": null }), "in base64url"),
    ] {
        let mut body = made(&served, &mut key, &options(&served, RAE_ID));
        let response = body["publicKeyCredential"]["response"].as_object_mut().unwrap();
        response.extend(change.as_object().unwrap().clone());
        let answer = graph(&served, ADMIN, ("POST", &methods(RAE_ID)), &body);
        assert!(answer.status == 400 && answer.body.contains(why), "{why}: {}", answer.body);
    }
}

#[test]
fn the_policy_says_which_models_are_registered() {
    let zeros = "00000000-0000-0000-0000-000000000000";
    let blocked = json!({ "isEnforced": true, "enforcementType": "block", "aaGuids": [zeros] });
    let served = Served::seeded("graph-passkey-models", |seed| {
        seed["authenticationMethodsPolicy"] = json!({ "authenticationMethodConfigurations": [
            { "id": "Fido2", "state": "enabled", "keyRestrictions": blocked } ] });
    });
    let body = made(&served, &mut SoftwareKey::new(), &options(&served, RAE_ID));
    let answer = graph(&served, ADMIN, ("POST", &methods(RAE_ID)), &body);
    assert!(answer.status == 400 && answer.body.contains("model of authenticator"), "{}", answer.body);
    for (name, member) in [
        ("off", json!({ "state": "disabled" })),
        ("attested", json!({ "isAttestationEnforced": true })),
        ("closed", json!({ "isSelfServiceRegistrationAllowed": false })),
    ] {
        let served = Served::seeded(&format!("graph-passkey-{name}"), |seed| {
            let mut configuration = json!({ "id": "Fido2", "state": "enabled" });
            configuration.as_object_mut().unwrap().extend(member.as_object().unwrap().clone());
            seed["authenticationMethodsPolicy"] = json!({ "authenticationMethodConfigurations": [configuration] });
        });
        let path = format!("{}/creationOptions", methods(RAE_ID));
        assert_eq!(graph(&served, ADMIN, ("GET", &path), &Value::Null).status, 400, "{name}");
    }
}

#[test]
fn who_has_shown_more_than_a_password_registers_a_passkey_for_themselves() {
    let served = Served::new("graph-passkey-self");
    let mut browser = Browser::of(&served);
    let page = browser.authorize_with(&[("resource", "https://graph.microsoft.com")]);
    let page = browser.go_on(&page, &[("login", "ada@contoso.onmicrosoft.com"), ("passwd", "Ada-Passw0rd")]);
    let page = browser.go_on(&page, &[("do", "choose"), ("method", "oath")]);
    let back = browser.go_on(&page, &[("do", "verify"), ("otc", "287082")]);
    let (_, query) = back.header("location").unwrap_or_else(|| panic!("{}", back.body)).split_once("code=").unwrap();
    let form = [
        ("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"),
        ("grant_type", "authorization_code"),
        ("code", query.split('&').next().unwrap()),
        ("redirect_uri", "http://localhost:4000"),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let token = served.token(&[], &form).json();
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap_or_else(|| panic!("{token}")));
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let path = "/v1.0/me/authentication/fido2Methods";
    let options = served.send(("GET", &format!("{path}/creationOptions()")), &headers, "").unwrap();
    assert_eq!(options.status, 200, "{}", options.body);
    let body = made(&served, &mut SoftwareKey::new(), &options.json()).to_string();
    let answer = served.send(("POST", path), &headers, &body).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.body);
}
