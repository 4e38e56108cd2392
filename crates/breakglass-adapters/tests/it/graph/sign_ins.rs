//! Signing in by each way, renewing, and what the authority says no with.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use breakglass_adapters::graph::sign_in::{AzureCli, CertificateError, ClientCertificate, Way};
use breakglass_adapters::graph::{GraphClient, SettingsError};
use breakglass_adapters::http::SecretText;
use breakglass_ops::ports::{Directory as _, DirectoryError, GraphRequest, Method, SignedInAs};
use serde_json::{Value, json};

use super::world::{CLIENT, Played, SECRET, Shown, Step, TENANT, World, answer, sending, token};
use crate::support::Folder;

fn get() -> GraphRequest<'static> {
    GraphRequest::get("/v1.0/users")
}

fn jwt(claims: &Value) -> String {
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn refused(error: &str, code: u32) -> Step {
    let text = format!("AADSTS{code}: No.\r\nTrace ID: t");
    answer(400, &json!({ "error": error, "error_description": text, "error_codes": [code] }).to_string())
}

const ABLE: &str = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;

#[tokio::test]
async fn a_secret_signs_in_once_and_again_before_its_end() {
    let played = Played::graph([]).await;
    let world = World::new();
    let client = played.client(&world);
    for (minutes, sign_ins) in [(0, 1), (54, 1), (2, 2), (54, 2), (2, 3)] {
        world.time.pass(Duration::from_secs(minutes * 60));
        client.send(&get()).await.unwrap();
        assert_eq!(played.signed_in().len(), sign_ins, "five minutes before the end of the hour");
    }
    let form = &played.signed_in()[0];
    assert_eq!(form.line, format!("POST /{TENANT}/oauth2/v2.0/token HTTP/1.1"));
    let scope = format!("{}/.default", played.origin());
    for (name, value) in [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("client_secret", SECRET),
        ("scope", &scope),
        ("claims", ABLE),
    ] {
        assert_eq!(form.member(name).as_deref(), Some(value));
    }
}

#[tokio::test]
async fn a_short_token_is_used_for_half_its_time() {
    let played = Played::both([], [token("a", 60), token("b", 0)]).await;
    let world = World::new();
    let client = played.client(&world);
    for (seconds, sign_ins) in [(0, 1), (29, 1), (2, 2), (0, 3)] {
        world.time.pass(Duration::from_secs(seconds));
        client.send(&get()).await.unwrap();
        assert_eq!(played.signed_in().len(), sign_ins);
    }
}

#[tokio::test]
async fn a_token_that_ends_half_way_is_renewed_once() {
    let played = Played::graph([answer(401, ""), answer(200, "{}"), answer(401, ""), answer(401, "")]).await;
    let world = World::new();
    let client = played.client(&world);
    let create = sending(Method::Post, "/v1.0/users", json!({}));
    client.send(&create).await.unwrap();
    let error = client.send(&create).await.unwrap_err();
    assert_eq!(error.status(), Some(401), "{error}");
    let bearers: Vec<_> = played.asked().iter().map(|seen| seen.header("authorization").unwrap().to_owned()).collect();
    let expected = ["1", "2", "2", "3"].map(|number| format!("Bearer hush-token-{number}"));
    assert_eq!(bearers, expected);
}

#[tokio::test]
async fn a_challenge_is_answered_with_its_claims() {
    let demanded = r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#;
    for status in [401, 403] {
        let header = format!(r#"Bearer realm="", error="insufficient_claims", claims="{}""#, STANDARD.encode(demanded));
        let challenged = Step::Answer { status, headers: vec![("www-authenticate", header)], body: "{}".to_owned() };
        let played = Played::graph([challenged]).await;
        let world = World::new();
        played.client(&world).send(&get()).await.unwrap();
        let claims = played.signed_in()[1].member("claims").unwrap();
        let expected = json!({ "access_token": {
            "nbf": { "essential": true, "value": "1604106651" }, "xms_cc": { "values": ["cp1"] }
        } });
        assert_eq!(serde_json::from_str::<Value>(&claims).unwrap(), expected);
        assert_eq!(played.asked()[1].header("authorization"), Some("Bearer hush-token-2"));
    }
}

#[tokio::test]
async fn a_code_is_entered_and_the_sign_in_renewed_without_anybody() {
    let begun = json!({
        "device_code": "hush-device-code", "user_code": "ABCD-EFGH", "verification_uri": "https://example.com/device",
        "expires_in": 900, "interval": 5
    });
    let granted = json!({ "access_token": "hush-1", "refresh_token": "hush-refresh-1", "expires_in": "3600" });
    let renewed = json!({ "access_token": "hush-2", "expires_in": 3600 });
    let steps = [
        answer(200, &begun.to_string()),
        refused("authorization_pending", 70_016),
        refused("slow_down", 0),
        answer(200, &granted.to_string()),
        answer(200, &renewed.to_string()),
        refused("invalid_grant", 50_173),
        answer(200, &begun.to_string()),
        answer(200, &granted.to_string()),
    ];
    let played = Played::both([], steps).await;
    let world = World::new();
    let mut settings = played.settings(&world, Way::DeviceCode);
    settings.permissions = vec!["Policy.Read.All".to_owned(), "User.Read".to_owned()];
    let client = GraphClient::new(settings, world.surroundings()).unwrap();
    client.send(&get()).await.unwrap();
    assert_eq!(*world.shown.texts.lock().unwrap(), ["https://example.com/device ABCD-EFGH 900"]);
    assert_eq!(world.time.waits(), [5_000, 5_000, 10_000]);
    let scope = format!("{0}/Policy.Read.All {0}/User.Read offline_access", played.origin());
    assert_eq!(played.signed_in()[0].member("scope"), Some(scope));
    assert_eq!(played.signed_in()[3].member("device_code").as_deref(), Some("hush-device-code"));
    for expected in ["hush-refresh-1", "hush-refresh-1"] {
        world.time.pass(Duration::from_secs(3_600));
        client.send(&get()).await.unwrap();
        let forms = played.signed_in();
        let form = forms.iter().rfind(|seen| seen.member("grant_type").as_deref() == Some("refresh_token")).unwrap();
        assert_eq!(form.member("refresh_token").as_deref(), Some(expected));
    }
    assert_eq!(world.shown.texts.lock().unwrap().len(), 2, "the sign-in had ended, so somebody is asked again");
    assert_eq!(played.asked().last().unwrap().header("authorization"), Some("Bearer hush-1"));
}

#[tokio::test]
async fn a_code_that_nobody_enters_ends() {
    let begun = r#"{"device_code":"device-code-1","user_code":"c","verification_uri":"https://u","expires_in":20,"interval":8}"#;
    let pending = || refused("authorization_pending", 70_016);
    let late = "nobody signed in within 20 seconds: begin again";
    for (steps, expected) in [
        (vec![pending(), pending()], late),
        (vec![refused("expired_token", 70_020)], late),
        (vec![pending(), refused("authorization_declined", 70_018)], "the sign-in was declined"),
        (vec![refused("invalid_grant", 50_199)], "AADSTS50199: No."),
    ] {
        let played = Played::both([], std::iter::once(answer(200, begun)).chain(steps)).await;
        let world = World::new();
        let error = played.client_by(&world, Way::DeviceCode).send(&get()).await.unwrap_err();
        assert_eq!(error, DirectoryError::NotSignedIn { why: expected.to_owned() });
        assert!(played.asked().is_empty());
    }
}

/// Opens an address as a browser would, but answers at once with what the authority would bring.
fn browser(bring: impl Fn(&str) -> Vec<String> + Send + Sync + 'static) -> Shown {
    let open = move |address: &str| {
        let url = reqwest::Url::parse(address).unwrap();
        let of = |name: &str| url.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned();
        let port = of("redirect_uri").strip_prefix("http://localhost:").unwrap().parse::<u16>().unwrap();
        let targets = bring(&of("state"));
        std::thread::spawn(move || {
            for target in targets {
                let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
                write!(stream, "GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
                let mut page = String::new();
                stream.read_to_string(&mut page).unwrap();
                assert!(!page.contains("hush"));
            }
        });
    };
    Shown { browser: Some(Box::new(open)), ..Shown::default() }
}

#[tokio::test]
async fn a_browser_brings_a_code_that_is_bound_to_this_sign_in() {
    let played = Played::graph([]).await;
    let world = World::seen_by(browser(|state| {
        vec![
            "/favicon.ico".to_owned(),
            "/?code=hush-forged&state=guessed".to_owned(),
            "/?error=access_denied&state=guessed".to_owned(),
            format!("/?code=hush-code&state={state}&session_state=x"),
        ]
    }));
    played.client_by(&world, Way::Browser).send(&get()).await.unwrap();
    let shown = world.shown.texts.lock().unwrap().join("\n");
    let url = reqwest::Url::parse(&shown).unwrap();
    assert_eq!(url.path(), format!("/{TENANT}/oauth2/v2.0/authorize"));
    let of = |name: &str| url.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned();
    let form = &played.signed_in()[0];
    assert_eq!(form.member("code").as_deref(), Some("hush-code"));
    assert_eq!(form.member("redirect_uri"), Some(of("redirect_uri")));
    let verifier = form.member("code_verifier").unwrap();
    assert!(verifier.len() >= 43 && !shown.contains(&verifier) && verifier != of("state"));
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    assert_eq!((of("code_challenge"), of("code_challenge_method").as_str()), (challenge, "S256"));
}

#[tokio::test]
async fn a_browser_brings_a_refusal_or_nothing() {
    let no = |state: &str| vec![format!("/?error=access_denied&error_description=AADSTS50105%3a+No.&state={state}")];
    let played = Played::graph([]).await;
    let world = World::seen_by(browser(no));
    let error = played.client_by(&world, Way::Browser).send(&get()).await.unwrap_err();
    assert!(error.to_string().contains("AADSTS50105: No."), "{error}");
    let mut world = World::seen_by(browser(|_| Vec::new()));
    world.limits.browser = Duration::from_millis(100);
    let error = played.client_by(&world, Way::Browser).send(&get()).await.unwrap_err();
    assert!(error.to_string().contains("nobody signed in"), "{error}");
    assert!(played.seen().is_empty());
}

fn certified() -> (rcgen::KeyPair, String, String) {
    let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["app".to_owned()]).unwrap().self_signed(&key).unwrap();
    let (secret, public) = (key.serialize_pem(), certificate.pem());
    (key, secret, public)
}

#[tokio::test]
async fn a_certificate_signs_what_the_authority_can_check() {
    let (key, secret, public) = certified();
    let (_, _, other) = certified();
    let pem = format!("{other}{public}{secret}");
    let certificate = ClientCertificate::from_pem(pem.as_bytes()).unwrap();
    let played = Played::graph([]).await;
    let world = World::new();
    played.client_by(&world, Way::ClientCertificate(certificate)).send(&get()).await.unwrap();
    let form = &played.signed_in()[0];
    let assertion = form.member("client_assertion").unwrap();
    let parts: Vec<&str> = assertion.split('.').collect();
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let value = |part: &str| serde_json::from_slice::<Value>(&decoded(part)).unwrap();
    let der = STANDARD.decode(public.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap();
    let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, &der));
    assert_eq!(value(parts[0]), json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint }));
    let said = value(parts[1]);
    assert_eq!(said["aud"], format!("{}/{TENANT}/oauth2/v2.0/token", played.origin()));
    assert_eq!((&said["iss"], &said["sub"]), (&json!(CLIENT), &json!(CLIENT)));
    assert_eq!(said["exp"].as_i64().unwrap() - said["nbf"].as_i64().unwrap(), 600);
    let public_key = aws_lc_rs::signature::UnparsedPublicKey::new(
        &aws_lc_rs::signature::RSA_PSS_2048_8192_SHA256,
        rcgen::PublicKeyData::der_bytes(&key),
    );
    let signed = format!("{}.{}", parts[0], parts[1]);
    public_key.verify(signed.as_bytes(), &decoded(parts[2])).unwrap();
}

#[test]
fn files_that_are_no_certificate_with_its_key() {
    let (_, secret, public) = certified();
    let (_, _, other) = certified();
    let weak = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let encrypted = secret.replace("BEGIN PRIVATE", "BEGIN ENCRYPTED PRIVATE").replace("END P", "END ENCRYPTED P");
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    for (pem, expected) in [
        ("not a key".to_owned(), CertificateError::NotPem),
        (public.clone(), CertificateError::NoKey),
        (secret.clone(), CertificateError::NoCertificate),
        (format!("{secret}{other}"), CertificateError::NoCertificate),
        (format!("{weak}{public}"), CertificateError::NotRsa),
        (format!("{encrypted}{public}"), CertificateError::Encrypted),
        (format!("{old}{public}"), CertificateError::Encrypted),
        ("-----BEGIN ".repeat(30_000), CertificateError::TooLarge),
    ] {
        assert_eq!(ClientCertificate::from_pem(pem.as_bytes()).unwrap_err(), expected);
    }
    let good = ClientCertificate::from_pem(format!("{secret}{public}").as_bytes()).unwrap();
    assert_eq!((format!("{good:?}").as_str(), good.thumbprint().len()), ("ClientCertificate", 64));
}

#[cfg(unix)]
fn program(folder: &Folder, script: &str) -> AzureCli {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.write("az", format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    AzureCli::of_program(path)
}

#[cfg(unix)]
#[tokio::test]
async fn the_azure_cli_lends_its_token() {
    let folder = Folder::new("azure-cli");
    let script = r#"echo "$@" > "$0.args"; echo "WARNING: old" >&2
echo '{"accessToken":"hush-az","expires_on":1795662000,"tenant":"t"}'"#;
    let played = Played::graph([]).await;
    let world = World::new();
    let mut settings = played.settings(&world, Way::AzureCli(program(&folder, script)));
    settings.client_id.clear();
    let client = GraphClient::new(settings, world.surroundings()).unwrap();
    client.send(&get()).await.unwrap();
    assert_eq!(played.asked()[0].header("authorization"), Some("Bearer hush-az"));
    let given = std::fs::read_to_string(folder.path().join("az.args")).unwrap();
    let expected = format!("account get-access-token --resource {} --tenant {TENANT} --output json\n", played.origin());
    assert_eq!(given, expected);
}

#[cfg(unix)]
#[tokio::test]
async fn an_azure_cli_that_gives_no_token() {
    let folder = Folder::new("azure-cli-refuses");
    let played = Played::graph([]).await;
    let mut world = World::new();
    for (script, expected) in [
        ("echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1", "run `az login --tenant contoso."),
        ("echo 'WARNING: x' >&2; echo 'ERROR: AADSTS50076: More.' >&2; exit 1", "AADSTS50076: More."),
        ("exit 3", "it ended with exit status: 3"),
        ("echo hush", "its answer is not understood, wrong at line 1"),
        ("yes hush", "it writes more than an answer has"),
    ] {
        let error = played.client_by(&world, Way::AzureCli(program(&folder, script))).send(&get()).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(expected) && !text.contains("hush"), "{script}: {text}");
        assert!(matches!(error, DirectoryError::NotSignedIn { .. }));
    }
    let missing = AzureCli::of_program(folder.path().join("nowhere"));
    let error = played.client_by(&world, Way::AzureCli(missing)).send(&get()).await.unwrap_err();
    assert!(error.to_string().contains("is not there: install it"), "{error}");
    world.limits.azure_cli = Duration::from_millis(200);
    let slow = program(&folder, "exec sleep 60");
    let error = played.client_by(&world, Way::AzureCli(slow)).send(&get()).await.unwrap_err();
    assert!(error.to_string().contains("it did not answer within"), "{error}");
}

#[tokio::test]
async fn the_authority_is_waited_for_and_its_refusals_are_final() {
    let busy = [super::world::answer_with(429, "retry-after", "4"), answer(503, "<html>"), Step::Close];
    let played = Played::both([], busy).await;
    let world = World::new();
    played.client(&world).send(&get()).await.unwrap();
    assert_eq!(world.time.waits(), [4_000, 2_000, 4_000]);
    let played = Played::both([], [refused("invalid_client", 7_000_215)]).await;
    let error = played.client(&world).send(&get()).await.unwrap_err();
    let why = "AADSTS7000215: No.; give the secret's value, and not its id".to_owned();
    assert_eq!(error, DirectoryError::NotSignedIn { why });
    assert_eq!((played.signed_in().len(), played.asked().len()), (1, 0));
    for (step, expected) in [
        (answer(200, r#"{"access_token":"hush"}"#), "the authority's answer is not understood: wrong at line 1"),
        (answer(200, "{\"access_token\":\"hu\\nsh\",\"expires_in\":1}"), "the token cannot be sent"),
        (answer(404, "<html>hush"), "the authority answered 404, and not in its own form"),
        (answer(302, ""), "the authority answered 302, and not in its own form"),
    ] {
        let played = Played::both([], [step]).await;
        let text = played.client(&world).send(&get()).await.unwrap_err().to_string();
        assert!(text.contains(expected) && !text.contains("hush"), "{text}");
    }
}

#[tokio::test]
async fn who_is_signed_in_is_told() {
    let claims = json!({ "tid": "t", "appid": CLIENT, "idtyp": "app", "roles": ["Policy.Read.All"] });
    let played = Played::both([], [token(&jwt(&claims), 3_600)]).await;
    let world = World::new();
    let found = played.client(&world).signed_in().await.unwrap();
    assert_eq!(found.who, SignedInAs::Application { app_id: CLIENT.to_owned() });
    assert_eq!(found.permissions, ["Policy.Read.All"]);
    let opaque = Played::graph([]).await;
    let error = opaque.client(&world).signed_in().await.unwrap_err();
    assert!(matches!(error, DirectoryError::NotSignedIn { .. }) && !error.to_string().contains("hush"), "{error}");
}

#[tokio::test]
async fn settings_of_no_use_are_refused_before_anything_is_sent() {
    let played = Played::graph([]).await;
    let world = World::new();
    let made = |tenant: &str, client: &str, permission: &str| {
        let mut settings = played.settings(&world, Way::ClientSecret(SecretText::new(SECRET.to_owned())));
        settings.tenant = tenant.to_owned();
        settings.client_id = client.to_owned();
        settings.permissions = vec![permission.to_owned()];
        GraphClient::new(settings, world.surroundings()).err()
    };
    assert!(made(TENANT, CLIENT, "User.Read").is_none());
    let long = "a".repeat(254);
    for tenant in ["", "common", "Organizations", "consumers", "a/b", "..", "a b", "a?b", "a%2f", &long] {
        assert!(matches!(made(tenant, CLIENT, "User.Read"), Some(SettingsError::Tenant(_))), "{tenant}");
    }
    for client in ["", "x", "11111111-2222-3333-4444-55555555555", "11111111-2222-3333-4444-55555555555g"] {
        assert!(matches!(made(TENANT, client, "User.Read"), Some(SettingsError::ClientId(_))), "{client}");
    }
    for permission in ["", "User.Read Mail.Send", "https://x/User.Read"] {
        assert!(matches!(made(TENANT, CLIENT, permission), Some(SettingsError::Permission(_))), "{permission}");
    }
}
