//! The live client against the embedded tenant, over HTTPS: each way to sign in, a read, a change, and a stranger's
//! certificate.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::graph::sign_in::{ClientCertificate, DeviceCode, Prompt, Way};
use breakglass_adapters::graph::{Cloud, GraphClient, Limits, Settings, Surroundings};
use breakglass_adapters::http::{Authorities, Proxies, SecretText};
use breakglass_adapters::random::SystemRandom;
use breakglass_custody::password::Password;
use breakglass_ops::ports::{
    Clock, Directory as _, DirectoryError, GraphRequest, Method, SecretValue, SignedIn, SignedInAs,
};
use breakglass_tenant::call::{Body, Call, Reply};
use breakglass_tenant::profile::Profile;
use breakglass_tenant::tenant::Tenant;
use breakglass_tenant::{backstage, tls};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::served::{Served, context, escaped};

const TENANT: &str = "6c1b0e0e-54a2-4d39-9d0f-b4ea6f1a5503";
const ADMIN: (&str, &str) = ("emergency@contoso.onmicrosoft.com", "Gl@ss-Hammer-1");
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
const SERVER: &str = "7a6f2f3c-58e1-4f36-9a60-0e54b1a7d001";
const SERVER_SECRET: &str = "desk~secret~1";
const PROGRAM: &str = "7a6f2f3c-58e1-4f36-9a60-0e54b1a7d002";
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

/// The client's clock: it tells the time and does not wait.
struct Hasty;

#[async_trait]
impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    async fn sleep(&self, _duration: Duration) {
        tokio::task::yield_now().await;
    }
}

/// Somebody who signs in as the administrator, without HTTPS: the pages are asked for in process.
struct Person {
    tenant: Arc<Tenant>,
    /// How long each code was said to be good.
    seconds: Mutex<Vec<u64>>,
}

impl Person {
    fn sent(&self, cookies: &mut Vec<String>, (method, path): (&str, &str), form: &str) -> (String, String) {
        let (query, body) = if method == "GET" { (form, "") } else { ("", form) };
        let call = Call {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: vec![("cookie".to_owned(), cookies.join("; "))],
            body: body.as_bytes().to_vec(),
            remote: [127, 0, 0, 1].into(),
        };
        let Reply { headers, body, .. } = self.tenant.answer(&call);
        let mut location = String::new();
        for (name, value) in headers {
            match name {
                "set-cookie" => cookies.push(value.split(';').next().unwrap().to_owned()),
                "location" => location = value,
                _ => {}
            }
        }
        match body {
            Body::Page(page) | Body::Text(page) => (page, location),
            _ => (String::new(), location),
        }
    }

    /// Fills in the page that asks for a name and a password.
    fn signs_in(&self, cookies: &mut Vec<String>, page: &str) -> (String, String) {
        let (name, password) = ADMIN;
        let form = format!("ctx={}&login={}&passwd={}", context(page), escaped(name), escaped(password));
        self.sent(cookies, ("POST", "/common/login"), &form)
    }
}

impl Prompt for Person {
    fn open(&self, address: &str) {
        let (path, query) = address.strip_prefix("https://").unwrap().split_once('?').unwrap();
        let path = format!("/{}", path.split_once('/').unwrap().1);
        let mut cookies = Vec::new();
        let (page, _) = self.sent(&mut cookies, ("GET", &path), query);
        let (page, location) = self.signs_in(&mut cookies, &page);
        let target =
            location.strip_prefix("http://localhost:").unwrap_or_else(|| panic!("{page} {location}")).to_owned();
        std::thread::spawn(move || {
            let (port, query) = target.split_once('?').unwrap();
            let port = port.trim_end_matches('/').parse::<u16>().unwrap();
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            write!(stream, "GET /?{query} HTTP/1.1\r\nhost: localhost:{port}\r\n\r\n").unwrap();
            stream.read_to_string(&mut String::new()).unwrap();
        });
    }

    fn enter_code(&self, code: &DeviceCode<'_>) {
        self.seconds.lock().unwrap().push(code.seconds);
        let mut cookies = Vec::new();
        let (page, _) = self.sent(&mut cookies, ("POST", "/devicelogin"), &format!("otc={}", code.code));
        let (page, _) = self.signs_in(&mut cookies, &page);
        self.sent(&mut cookies, ("POST", "/common/login"), &format!("ctx={}&do=continue", context(&page)));
    }

    fn note(&self, text: &str) {
        panic!("{text}");
    }
}

/// A tenant that is served, and the application of a server.
struct Desk {
    served: Served,
    /// A key with its certificate, which the application has.
    pem: String,
}

impl Desk {
    async fn new(name: &str) -> Self {
        let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["app".to_owned()]).unwrap().self_signed(&key).unwrap();
        let served = Served::new(&format!("live-{name}"), &seed(certificate.der()), Profile::default()).await;
        Self { served, pem: format!("{}{}", key.serialize_pem(), certificate.pem()) }
    }

    fn settings(&self, client_id: &str, way: Way) -> Settings {
        let origin = self.served.origin();
        Settings {
            cloud: Cloud::custom(&origin, &origin).unwrap(),
            tenant: TENANT.to_owned(),
            client_id: client_id.to_owned(),
            way,
            permissions: Vec::new(),
            proxies: Proxies::default(),
            authorities: Authorities::from_pem_files(&[self.served.folder.join(tls::AUTHORITY_FILE)]).unwrap(),
            cache: None,
            limits: Limits::default(),
        }
    }

    fn surroundings(&self) -> Surroundings {
        let person = Person { tenant: Arc::clone(&self.served.tenant), seconds: Mutex::default() };
        Surroundings { clock: Arc::new(Hasty), random: Arc::new(SystemRandom), prompt: Arc::new(person) }
    }

    fn client(&self, client_id: &str, way: Way) -> GraphClient {
        GraphClient::new(self.settings(client_id, way), self.surroundings()).unwrap()
    }

    /// Signs in, reads the organization and tells who asked.
    async fn read_by(&self, client_id: &str, way: Way) -> SignedIn {
        let client = self.client(client_id, way);
        let answer = client.send(&GraphRequest::get("/v1.0/organization")).await.unwrap();
        assert_eq!(answer.json::<Value>().unwrap()["value"][0]["id"], TENANT);
        assert!(answer.request_id.is_some());
        client.signed_in().await.unwrap()
    }
}

fn seed(certificate: &[u8]) -> Value {
    let principal = |id: &str, app_id: &str| {
        json!({ "id": id, "appId": app_id, "displayName": app_id, "accountEnabled": true, "servicePrincipalType": "Application",
        "appRoleAssignments": [{ "resourceAppId": GRAPH, "appRoleValue": "Organization.Read.All" },
                               { "resourceAppId": GRAPH, "appRoleValue": "User.ReadWrite.All" }] })
    };
    let desk = "00000000-0000-4000-8000-0000000000c1";
    json!({
        "format": "breakglass-snapshot/1", "tenantId": TENANT, "takenAt": "2026-11-20T08:00:00Z", "source": "file",
        "users": [{
            "id": "00000000-0000-4000-8000-0000000000a1", "displayName": "Emergency", "accountEnabled": true,
            "userPrincipalName": ADMIN.0, "passwordProfile": { "password": ADMIN.1 },
        }],
        "groups": [], "conditionalAccessPolicies": [], "namedLocations": [],
        "roleAssignments": [
            { "id": "00000000-0000-4000-8000-0000000000e1", "principalId": "00000000-0000-4000-8000-0000000000a1",
              "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/" },
            { "id": "00000000-0000-4000-8000-0000000000e2", "principalId": desk,
              "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/" },
        ],
        "applications": [
            { "id": "00000000-0000-4000-8000-0000000000b1", "appId": SERVER, "displayName": "Server",
              "passwordCredentials": [{ "keyId": "00000000-0000-4000-8000-0000000000b9", "secretText": SERVER_SECRET,
                                        "endDateTime": "2099-01-01T00:00:00Z" }],
              "keyCredentials": [{ "keyId": "00000000-0000-4000-8000-0000000000b8", "type": "AsymmetricX509Cert",
                                   "usage": "Verify", "key": STANDARD.encode(certificate) }] },
            { "id": "00000000-0000-4000-8000-0000000000b2", "appId": PROGRAM, "displayName": "Program",
              "isFallbackPublicClient": true, "publicClient": { "redirectUris": ["http://localhost"] } },
        ],
        "servicePrincipals": [principal(desk, SERVER), principal("00000000-0000-4000-8000-0000000000c2", PROGRAM)],
    })
}

fn secret() -> Way {
    Way::ClientSecret(SecretText::new(SERVER_SECRET.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_signs_in_by_its_secret_and_by_its_certificate() {
    let desk = Desk::new("application").await;
    let certificate = ClientCertificate::from_pem(desk.pem.as_bytes()).unwrap();
    for way in [secret(), Way::ClientCertificate(certificate)] {
        let found = desk.read_by(SERVER, way).await;
        assert_eq!(found.who, SignedInAs::Application { app_id: SERVER.to_owned() });
        assert_eq!((found.tenant_id.as_str(), found.app_id.as_str()), (TENANT, SERVER));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_by_a_code_and_by_a_browser() {
    let desk = Desk::new("person").await;
    for way in [Way::DeviceCode, Way::Browser] {
        let found = desk.read_by(PROGRAM, way).await;
        let SignedInAs::User { user_principal_name, .. } = &found.who else { panic!("{found:?}") };
        assert_eq!(user_principal_name, ADMIN.0);
        assert_eq!(found.role_template_ids, [GLOBAL_ADMINISTRATOR]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_set_and_refusals_are_told() {
    let desk = Desk::new("password").await;
    let client = desk.client(SERVER, secret());
    let password = Password::of_text("A-N3w-\"Passw\\rd\"-indeed".to_owned());
    let body = json!({
        "accountEnabled": true, "displayName": "New", "mailNickname": "new",
        "userPrincipalName": "new@contoso.onmicrosoft.com", "passwordProfile": { "forceChangePasswordNextSignIn": false }
    });
    let mut request = GraphRequest::with_body(Method::Post, "/v1.0/users", std::borrow::Cow::Borrowed(&body));
    request.secret = Some(SecretValue { pointer: "/passwordProfile/password", password: &password });
    let made = client.send(&request).await.unwrap();
    assert_eq!(made.status, 201);
    let error = client.send(&request).await.unwrap_err();
    assert_eq!(error.status(), Some(400), "{error}");
    let missing = client.send(&GraphRequest::get("/v1.0/users/nobody@contoso.onmicrosoft.com")).await.unwrap_err();
    assert!(missing.is_not_found() && missing.to_string().contains("Request_ResourceNotFound"), "{missing}");
    let wrong = Way::ClientSecret(SecretText::new("guessed".to_owned()));
    let error = desk.client(SERVER, wrong).send(&request).await.unwrap_err();
    assert!(
        matches!(error, DirectoryError::NotSignedIn { .. }) && error.to_string().contains("AADSTS7000215"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_another_authority_is_told_nothing() {
    let desk = Desk::new("stranger").await;
    let mut settings = desk.settings(SERVER, secret());
    settings.authorities = Authorities::default();
    let client = GraphClient::new(settings, desk.surroundings()).unwrap();
    let error = client.send(&GraphRequest::get("/v1.0/organization")).await.unwrap_err();
    assert!(matches!(error, DirectoryError::NotSent { .. }), "{error}");
    assert!(error.to_string().contains("name the file with its certificate authority"), "{error}");
}

/// What `doctor` says of the served tenant as the application, and its exit code.
async fn examined(served: &Served, name: &str, authorities: &str) -> (Option<i32>, Value) {
    let config = served.folder.join(name);
    let text = format!(
        "[tenant]\nid = \"{TENANT}\"\nlogin = \"{0}\"\ngraph = \"{0}\"\n{authorities}\nclient_id = \"{SERVER}\"\n\
         sign_in = \"client-secret\"\n[[account]]\nuser_principal_name = \"{1}\"\n[[account]]\n\
         user_principal_name = \"missing@contoso.onmicrosoft.com\"\n",
        served.origin(),
        ADMIN.0
    );
    fs::write(&config, text).unwrap();
    let run = tokio::task::spawn_blocking(move || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_breakglass"));
        command.args(["doctor", "--format", "json", "--config"]).arg(config);
        command.env_remove("HTTPS_PROXY").env_remove("https_proxy");
        command.env("BREAKGLASS_CLIENT_SECRET", SERVER_SECRET).output().unwrap()
    });
    let output = run.await.unwrap();
    let shown = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(!shown.contains(SERVER_SECRET) && !String::from_utf8_lossy(&output.stderr).contains(SERVER_SECRET));
    (output.status.code(), serde_json::from_str(&shown).unwrap_or_else(|_| panic!("{shown} {output:?}")))
}

/// The first sentence with that topic and verdict.
fn said<'d>(document: &'d Value, topic: &str, verdict: &str) -> &'d str {
    let mut lines = document["lines"].as_array().unwrap().iter();
    let found = lines.find(|line| line["topic"] == topic && line["verdict"] == verdict);
    found.unwrap_or_else(|| panic!("{topic} {verdict}: {document:#}"))["what"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_works_and_goes_on_where_it_does_not() {
    let desk = Desk::new("doctor").await;
    let authorities = format!("authorities = [\"{}\"]", tls::AUTHORITY_FILE);
    let (code, document) = examined(&desk.served, "whole.toml", &authorities).await;
    assert_eq!((code, &document["format"]), (Some(1), &json!("breakglass-doctor/1")), "{document:#}");
    assert!(said(&document, "network", "look").contains("answers"), "it is trusted by the tenant's own authority");
    assert!(said(&document, "clock", "good").contains("agrees"));
    assert!(said(&document, "sign-in", "look").contains(SERVER), "it may also write, which nothing here needs");
    assert!(said(&document, "reading", "bad").contains("is not there"), "the application has two permissions");
    assert!(said(&document, "consent", "look").contains("consent"));
    let hour = json!({ "by": "1h" });
    let (status, answer) =
        backstage::ask(&desk.served.folder, ("PUT", &["faults", "clock"]), Some(&hour)).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    let (_, document) = examined(&desk.served, "whole.toml", &authorities).await;
    assert!(said(&document, "clock", "bad").contains("behind the tenant's"));
    let (code, document) = examined(&desk.served, "stranger.toml", "").await;
    assert_eq!(code, Some(2), "nothing answers: {document:#}");
    assert!(said(&document, "network", "bad").contains("name the file with its certificate authority"));
    assert!(said(&document, "tenant", "unknown").contains("not asked for"));
    assert!(said(&document, "clock", "unknown").contains("not compared"));
}

/// What `init` says with these words, in a folder, and what it writes.
fn first_configuration(folder: &std::path::Path, words: &[&str]) -> (String, String) {
    let output = folder.join("first.toml");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_breakglass"));
    command.arg("init").args(words).arg("--output").arg(&output);
    command.env_remove("HTTPS_PROXY").env_remove("https_proxy").env("BREAKGLASS_CLIENT_SECRET", SERVER_SECRET);
    let run = command.output().unwrap();
    let said = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(0), "{said}");
    (said, fs::read_to_string(output).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn init_says_what_speaks_against_an_account_and_writes_the_tenants_id() {
    let desk = Desk::new("init").await;
    let folder = desk.served.folder.clone();
    let (origin, authority) = (desk.served.origin(), folder.join(tls::AUTHORITY_FILE).display().to_string());
    let run = tokio::task::spawn_blocking(move || {
        let words = [
            "--tenant",
            "contoso.onmicrosoft.com",
            "--login",
            &origin,
            "--graph",
            &origin,
            "--authority",
            &authority,
            "--sign-in",
            "client-secret",
            "--client-id",
            SERVER,
            "--account",
            ADMIN.0,
            "--account",
            "admin-2@contoso.onmicrosoft.com",
        ];
        first_configuration(&folder, &words)
    });
    let (said, written) = run.await.unwrap();
    assert!(written.contains(&format!("id = \"{TENANT}\"")), "{written}");
    let (first, second) = written.split_once("# is to be made").unwrap();
    assert!(first.contains("# is there, and taken over\n# Against it: When `emergency@"), "{written}");
    assert!(second.contains("# Against it: Its name is a generic one, `admin`"), "{written}");
    assert!(said.contains("signed in last was not read") && said.contains("whether a group is there"), "{said}");
}

#[test]
fn offline_nobody_claims_to_know_an_account() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("init-offline");
    fs::remove_dir_all(&folder).ok();
    fs::create_dir_all(&folder).unwrap();
    let (said, written) = first_configuration(
        &folder,
        &["--tenant", TENANT, "--offline", "--account", ADMIN.0, "--account", "backup@contoso.onmicrosoft.com"],
    );
    assert!(written.contains("# not looked for in the tenant: `plan` takes it over if it is there"), "{written}");
    assert_eq!(said.matches("generic one, `backup`").count(), 1, "{said}");
    assert!(said.lines().last().unwrap().starts_with("note: written to"), "whole, where nobody looks: {said}");
}
