//! Access tokens and assertions that are forged, of another time, or for somebody else.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{GRAPH, MANAGER, read, text, tokens_for};
use crate::served::world::Served;

const APP: &str = "7a6f2f3c-58e1-4f36-9a60-0e54b1a7a004";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// A token that a key of RSA signs.
fn signed(key: &RsaKeyPair, header: &Value, claims: &Value) -> String {
    let signed = format!("{}.{}", encoded(header), encoded(claims));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// A token with an HMAC.
fn authenticated(secret: &[u8], header: &Value, claims: &Value) -> String {
    let signed = format!("{}.{}", encoded(header), encoded(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// A public key as a header may carry it.
fn jwk(key: &RsaKeyPair) -> Value {
    let components = PublicKeyComponents::<Vec<u8>>::from(key.public_key());
    json!({ "kty": "RSA", "n": URL_SAFE_NO_PAD.encode(components.n), "e": URL_SAFE_NO_PAD.encode(components.e) })
}

#[test]
fn graph_takes_tokens_that_the_tenant_signed_as_it_signed_them() {
    let served = Served::new("hostile-tokens");
    let good = text(&tokens_for(&served, GRAPH), "access_token").to_owned();
    assert_eq!(read(&served, &good, "/v1.0/me").status, 200);
    let parts: Vec<&str> = good.split('.').collect();
    let (header, claims) = (decoded(parts[0]), decoded(parts[1]));
    let with = |name: &str, value: Value| {
        let mut header = header.clone();
        header[name] = value;
        header
    };
    let mut other_claims = claims.clone();
    other_claims["oid"] = json!("00000000-0000-4000-8000-0000000000a2");
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let published = served.send(("GET", "/common/discovery/v2.0/keys"), &[], "").unwrap().json()["keys"][0].clone();
    let modulus = URL_SAFE_NO_PAD.decode(text(&published, "n")).unwrap();
    let hs256 = with("alg", json!("HS256"));
    let mut foreign = with("jwk", jwk(&key));
    foreign["jku"] = json!("https://evil.example/keys");
    foreign["x5u"] = json!("https://evil.example/key");
    let unsigned = |alg: &str| format!("{}.{}.", encoded(&with("alg", json!(alg))), parts[1]);
    for (what, token) in [
        ("no algorithm", unsigned("none")),
        ("no algorithm, otherwise written", unsigned("NoNe")),
        (
            "no algorithm, but a signature",
            format!("{}.{}.{}", encoded(&with("alg", json!("none"))), parts[1], parts[2]),
        ),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{good}.{}", parts[2])),
        ("other claims", format!("{}.{}.{}", parts[0], encoded(&other_claims), parts[2])),
        ("the modulus as a secret", authenticated(&modulus, &hs256, &other_claims)),
        ("the key as published as a secret", authenticated(published.to_string().as_bytes(), &hs256, &other_claims)),
        ("the name of the key as a secret", authenticated(text(&header, "kid").as_bytes(), &hs256, &other_claims)),
        ("another key under our name", signed(&key, &header, &claims)),
        ("another key under its own name", signed(&key, &with("kid", json!("eve")), &claims)),
        ("another key without a name", signed(&key, &json!({ "alg": "RS256" }), &claims)),
        ("another key in the header", signed(&key, &foreign, &claims)),
        ("another key in the header alone", signed(&key, &json!({ "alg": "RS256", "jwk": jwk(&key) }), &claims)),
        ("a name that leads out of a folder", signed(&key, &with("kid", json!("../../dev/null")), &claims)),
        ("a name that is no text", signed(&key, &with("kid", json!([text(&header, "kid")])), &claims)),
        ("another algorithm of RSA", signed(&key, &with("alg", json!("PS256")), &claims)),
        ("padding", format!("{good}=")),
        ("the other alphabet", good.replace('-', "+").replace('_', "/") + "+"),
        ("no JSON", format!("{}.{}.{}", URL_SAFE_NO_PAD.encode("{"), parts[1], parts[2])),
        ("claims that are no object", format!("{}.{}.{}", parts[0], encoded(&json!([1])), parts[2])),
        ("nothing but dots", "..".to_owned()),
        ("more than is read", "A".repeat(60 << 10)),
    ] {
        let answer = read(&served, &token, "/v1.0/me");
        assert_eq!(
            (answer.status, &answer.json()["error"]["code"]),
            (401, &json!("InvalidAuthenticationToken")),
            "{what}"
        );
        let message = answer.json()["error"]["message"].to_string();
        assert!(message.contains("Access token"), "{what}: {message}");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer "), "{what}");
    }
    assert_eq!(read(&served, &good, "/v1.0/me").status, 200, "what is good stays good");
}

#[test]
fn a_token_is_good_for_one_resource_and_one_hour() {
    let served = Served::new("hostile-audience");
    let (graph, manager) = (tokens_for(&served, GRAPH), tokens_for(&served, MANAGER));
    let tenants = |token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        served.send_to_manager(("GET", "/tenants?api-version=2022-12-01"), &headers, "").unwrap().status
    };
    assert_eq!(read(&served, text(&graph, "access_token"), "/v1.0/me").status, 200);
    assert_eq!(tenants(text(&manager, "access_token")), 200);
    for (what, token) in [
        ("that of Azure Resource Manager", text(&manager, "access_token")),
        ("that of a client", text(&graph, "id_token")),
        ("one that is carried on with", text(&graph, "refresh_token")),
    ] {
        let answer = read(&served, token, "/v1.0/me");
        assert_eq!(answer.status, 401, "{what}: {}", answer.body);
    }
    let wrong = read(&served, text(&manager, "access_token"), "/v1.0/me");
    assert!(wrong.body.contains("Invalid audience"), "{}", wrong.body);
    assert_eq!(tenants(text(&graph, "access_token")), 401);
    assert_eq!(tenants(text(&graph, "id_token")), 401);
    served.on("clock", json!({ "by": "3599s" }));
    assert_eq!(read(&served, text(&graph, "access_token"), "/v1.0/me").status, 200);
    served.on("clock", json!({ "by": "3600s" }));
    let late = read(&served, text(&graph, "access_token"), "/v1.0/me");
    assert!(late.status == 401 && late.body.contains("expired"), "{}", late.body);
    served.on("clock", json!({ "by": "-61s" }));
    let early = read(&served, text(&graph, "access_token"), "/v1.0/me");
    assert_eq!(early.status, 401, "{}", early.body);
}

/// An application with a certificate, and its key.
fn with_application(name: &str) -> (Served, RsaKeyPair, Vec<u8>) {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let pkcs8 = aws_lc_rs::encoding::AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
    let own = rcgen::KeyPair::try_from(pkcs8.as_ref()).unwrap();
    let certificate = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&own).unwrap();
    let der = certificate.der().to_vec();
    let served = Served::seeded(name, |seed| {
        seed["applications"] = json!([{
            "id": "00000000-0000-4000-8000-0000000000b4", "appId": APP, "displayName": "Service",
            "keyCredentials": [{ "keyId": "k", "type": "AsymmetricX509Cert", "usage": "Verify", "key": STANDARD.encode(&der) }],
        }]);
        seed["servicePrincipals"] = json!([{
            "id": "00000000-0000-4000-8000-0000000000b5", "appId": APP, "displayName": "Service",
        }]);
    });
    (served, pair, der)
}

#[test]
fn an_application_proves_itself_with_its_own_key_for_this_tenant_and_now() {
    let (served, key, certificate) = with_application("hostile-assertions");
    let x5t = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, &certificate));
    let header = json!({ "alg": "RS256", "typ": "JWT", "x5t#S256": x5t });
    let [base, manager] = served.origins();
    let audience = format!("{base}/organizations/oauth2/v2.0/token");
    let claims = json!({ "aud": audience, "iss": APP, "sub": APP, "jti": "1", "nbf": 59, "exp": 659 });
    let shown = |assertion: &str| {
        let form = [
            ("client_id", APP),
            ("grant_type", "client_credentials"),
            ("scope", "https://graph.microsoft.com/.default"),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", assertion),
        ];
        let answer = served.token(&[], &form).json();
        if answer["access_token"].is_string() { 0 } else { answer["error_codes"][0].as_u64().unwrap() }
    };
    let claiming = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        signed(&key, &header, &claims)
    };
    let good = signed(&key, &header, &claims);
    assert_eq!(shown(&good), 0);
    let other = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let with = |name: &str, value: Value| {
        let mut header = header.clone();
        header[name] = value;
        header
    };
    let cut = good.rsplit_once('.').unwrap().0;
    for (what, assertion, expected) in [
        ("no algorithm", format!("{}.{}.", encoded(&with("alg", json!("none"))), encoded(&claims)), 700_027),
        ("no signature", format!("{cut}."), 700_027),
        ("its certificate as a secret", authenticated(&certificate, &with("alg", json!("HS256")), &claims), 700_027),
        ("another key", signed(&other, &header, &claims), 700_027),
        ("another key in the header", signed(&other, &with("jwk", jwk(&other)), &claims), 700_027),
        ("a certificate that is not its own", signed(&key, &with("x5t#S256", json!("AAAA")), &claims), 700_027),
        ("no certificate", signed(&key, &json!({ "alg": "RS256" }), &claims), 700_027),
        ("what has to be understood", signed(&key, &with("crit", json!(["exp"])), &claims), 700_027),
        ("nothing", "a.b.c".to_owned(), 700_027),
        (
            "another tenant",
            claiming("aud", json!("https://login.microsoftonline.com/common/oauth2/v2.0/token")),
            700_024,
        ),
        ("an address that begins like ours", claiming("aud", json!(format!("{base}.evil.example/"))), 700_024),
        ("Azure Resource Manager", claiming("aud", json!(manager)), 700_024),
        ("nobody", claiming("aud", Value::Null), 700_024),
        ("its time is over", claiming("exp", json!(59 - 300)), 700_024),
        ("its time never ends", claiming("exp", Value::Null), 700_024),
        ("its time has not come", claiming("nbf", json!(59 + 301)), 700_024),
        ("of somebody else", claiming("iss", json!("eve")), 700_024),
        ("about somebody else", claiming("sub", json!("eve")), 700_024),
    ] {
        assert_eq!(shown(&assertion), expected, "{what}");
    }
    assert_eq!(shown(&good), 0);
}
