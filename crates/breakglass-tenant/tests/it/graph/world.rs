//! A tenant that is served, and what asks it.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use breakglass_tenant::call::{Body, Call};
use breakglass_tenant::clock::Clock;
use breakglass_tenant::tenant::{Addresses, Tenant};
use breakglass_tenant::{HashWork, backstage, serve, tls};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::endpoint::Endpoint;
use super::schema::Schema;
use crate::served::world::{AZURE_CLI, password_form};

pub(super) const TENANT: &str = "6c1b0e0e-54a2-4d39-9d0f-b4ea6f1a5500";
pub(super) const PASSWORD: &str = "Correct-Horse-7";
/// The Azure CLI, which acts as the user.
pub(super) const GRAPH_SCOPE: &str = "https://graph.microsoft.com/.default";
const APP_SECRET: &str = "a-secret-for-tests-only";
/// A pass that anna can sign in with, so that she has proved more than a password.
const PASS: &str = "Many-Pass-123";
pub(super) const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
pub(super) const USER_ADMINISTRATOR: &str = "fe930be7-5e62-47db-91af-98c3a49a38b1";

/// Who there is: name, the last digits of the id, the role.
const PEOPLE: [(&str, &str, Option<&str>); 9] = [
    ("ga", "a1", Some(GLOBAL_ADMINISTRATOR)),
    ("ca", "a2", Some("b1be1c3e-b65d-4f19-8427-f6fa0d97feb9")),
    ("useradmin", "a3", Some(USER_ADMINISTRATOR)),
    ("roleadmin", "a4", Some("e8611ab8-c189-46e8-94e1-60213ab1f814")),
    ("secadmin", "a5", Some("194ae4cb-b126-40b2-bd5b-6091b380977d")),
    ("reader", "a6", Some("f2ef992c-3afb-46b9-b7cf-a126ee74c451")),
    ("anna", "a7", None),
    ("bert", "a8", None),
    ("ga2", "a9", Some(GLOBAL_ADMINISTRATOR)),
];

/// The id of somebody of the seed.
pub(super) fn id(name: &str) -> String {
    let (_, digits, _) = PEOPLE.iter().find(|(known, ..)| *known == name).unwrap();
    format!("00000000-0000-4000-8000-0000000000{digits}")
}

#[derive(Debug)]
struct Hands(Mutex<Timestamp>);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// A tenant that is served at a loopback address.
pub(super) struct World {
    runtime: tokio::runtime::Runtime,
    clock: Arc<Hands>,
    address: SocketAddr,
    connector: TlsConnector,
    schema: Option<Schema>,
    folder: PathBuf,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}: {}", self.status, self.text))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The code of an error; empty if it is none.
    pub(super) fn code(&self) -> String {
        if self.status < 400 {
            String::new()
        } else {
            self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
        }
    }

    /// The objects of a collection.
    pub(super) fn list(&self) -> Vec<Value> {
        self.json()["value"].as_array().unwrap_or_else(|| panic!("{}", self.text)).clone()
    }
}

/// A seed with an application for each name, which has the permissions that are named.
fn seed(apps: &[(&str, &[&str])], more: Value) -> Value {
    let upn = |name: &str| format!("{name}@contoso.onmicrosoft.com");
    let users = PEOPLE.map(|(name, ..)| {
        let pass = json!({ "@odata.type": "#microsoft.graph.temporaryAccessPassAuthenticationMethod",
            "id": "00000000-0000-4000-8000-0000000000c1", "temporaryAccessPass": PASS, "isUsableOnce": false });
        json!({
            "id": id(name), "displayName": name, "accountEnabled": true, "userPrincipalName": upn(name),
            "mailNickname": name, "passwordProfile": { "password": PASSWORD },
            "authenticationMethods": if name == "anna" { json!([pass]) } else { json!([]) },
        })
    });
    let assignments = PEOPLE.iter().filter_map(|(name, digits, role)| {
        Some(json!({
            "id": format!("00000000-0000-4000-8000-0000000001{digits}"), "principalId": id(name),
            "roleDefinitionId": (*role)?, "directoryScopeId": "/",
        }))
    });
    let (mut applications, mut principals) = (Vec::new(), Vec::new());
    for (at, (name, permissions)) in apps.iter().enumerate() {
        let app_id = app_id(at);
        let granted = permissions.iter().map(
            |permission| json!({ "resourceAppId": "00000003-0000-0000-c000-000000000000", "appRoleValue": permission }),
        );
        applications.push(json!({
            "id": format!("00000000-0000-4000-8000-0000000002{at:02}"), "appId": app_id, "displayName": name,
            "passwordCredentials": [{ "secretText": APP_SECRET }],
        }));
        principals.push(json!({
            "id": format!("00000000-0000-4000-8000-0000000003{at:02}"), "appId": app_id, "displayName": name,
            "servicePrincipalType": "Application", "accountEnabled": true, "servicePrincipalNames": [app_id],
            "appRoleAssignments": granted.collect::<Vec<_>>(),
        }));
    }
    let mut seed = json!({
        "format": "breakglass-snapshot/1", "tenantId": TENANT, "takenAt": "2026-11-01T00:00:00Z", "source": "file",
        "users": users, "groups": [], "applications": applications, "servicePrincipals": principals,
        "roleAssignments": assignments.collect::<Vec<_>>(),
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        seed[name] = value.clone();
    }
    seed
}

fn app_id(at: usize) -> String {
    format!("7a6f2f3c-58e1-4f36-9a60-0e54b1a7b0{at:02}")
}

/// A tenant that nobody serves, for an address that it has not.
pub(super) fn unserved(name: &str, base: &str) -> Tenant {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("graph-{name}"));
    drop(std::fs::remove_dir_all(&folder));
    let clock = Arc::new(Hands(Mutex::new("2026-11-26T09:00:00Z".parse().unwrap())));
    let addresses = Addresses { base: base.to_owned(), manager: "https://127.0.0.1:2".to_owned() };
    let mut tenant = Tenant::open(&folder, addresses, clock).unwrap().with_hash_work(HashWork::Little);
    tenant.seed(seed(&[], Value::Null).to_string().as_bytes()).unwrap();
    tenant
}

/// The answer of one to a form, or to somebody with a token who sends an object.
pub(super) fn asked(tenant: &Tenant, (path, token): (&str, Option<&str>), body: String) -> Value {
    let headers = token.map(|token| ("authorization".to_owned(), format!("Bearer {token}")));
    let call = Call {
        method: "POST".to_owned(),
        path: path.to_owned(),
        query: String::new(),
        headers: headers.into_iter().collect(),
        body: body.into_bytes(),
        remote: [127, 0, 0, 1].into(),
    };
    match tenant.answer(&call).body {
        Body::Json(answer) => answer,
        other => panic!("{other:?}"),
    }
}

impl World {
    pub(super) fn new(name: &str) -> Self {
        Self::with(name, &[], Value::Null)
    }

    /// With applications, and with other lists in the seed.
    pub(super) fn with(name: &str, apps: &[(&str, &[&str])], more: Value) -> Self {
        let seed = seed(apps, more).to_string();
        Self::served(name, |tenant| tenant.seed(seed.as_bytes()).unwrap())
    }

    /// The company of the demo.
    pub(super) fn demo(name: &str) -> Self {
        Self::served(name, |tenant| tenant.seed_demo().unwrap())
    }

    fn served(name: &str, seed: impl FnOnce(&mut Tenant)) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("graph-{name}"));
        drop(std::fs::remove_dir_all(&folder));
        Self::opened(folder, "2026-11-26T09:00:00Z".parse().unwrap(), seed)
    }

    /// As it is after the server was stopped and started again.
    pub(super) fn restarted(self) -> Self {
        let Self { runtime, clock, folder, .. } = self;
        // With the runtime everything ends that runs in it.
        drop(runtime);
        let now = clock.now();
        Self::opened(folder, now, |_| {})
    }

    fn opened(folder: PathBuf, now: Timestamp, seed: impl FnOnce(&mut Tenant)) -> Self {
        let clock = Arc::new(Hands(Mutex::new(now)));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let bind = || runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let (own, manager) = (bind(), bind());
        let (address, manager_address) = (own.local_addr().unwrap(), manager.local_addr().unwrap());
        let addresses = Addresses { base: format!("https://{address}"), manager: format!("https://{manager_address}") };
        let mut tenant =
            Tenant::open(&folder, addresses, Arc::<Hands>::clone(&clock)).unwrap().with_hash_work(HashWork::Little);
        seed(&mut tenant);
        // The certificate is for those who look at their own clock.
        let config = tls::server_config(&folder, &[address.ip()], real_now(&folder)).unwrap();
        backstage::served_at(&folder, &format!("https://{address}")).unwrap();
        runtime.spawn(serve::serve(Arc::new(tenant), Arc::new(config), (own, manager)));
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(folder.join(tls::AUTHORITY_FILE)).unwrap()).unwrap();
        let client = ClientConfig::builder_with_provider(default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let schema = Schema::read();
        if schema.is_none() {
            eprintln!("skipped: there is no ../shared/spec/graph-schema to hold the answers of Graph against");
        }
        Self { runtime, clock, address, connector: TlsConnector::from(Arc::new(client)), schema, folder }
    }

    pub(super) fn later(&self, seconds: i64) {
        let mut now = self.clock.0.lock().unwrap();
        *now = now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    }

    /// An endpoint for notifications that answers what it is told to; on HTTPS, vouched for by the tenant's authority.
    pub(super) fn endpoint(&self, is_secure: bool) -> Endpoint {
        let address: std::net::IpAddr = [127, 0, 0, 1].into();
        let config = tls::server_config(&self.folder, &[address], real_now(&self.folder)).unwrap();
        Endpoint::open(is_secure.then(|| Arc::new(config)))
    }

    /// Switches a fault on, or off.
    pub(super) fn fault(&self, name: &str, is_on: bool) {
        let method = if is_on { "PUT" } else { "DELETE" };
        let parts = ["faults", name];
        let asked = backstage::ask(&self.folder, (method, &parts), None);
        let (status, answer) = self.runtime.block_on(asked).unwrap();
        assert!(status < 300, "{name}: {status} {answer}");
    }

    pub(super) fn base(&self) -> String {
        format!("https://{}", self.address)
    }

    /// A request with these headers, as it is sent.
    pub(super) fn send(&self, method: &str, target: &str, (headers, body): (&[(&str, &str)], &[u8])) -> Answer {
        let address = self.address;
        let mut head = format!(
            "{method} {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n",
            body.len()
        );
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        head.push_str("\r\n");
        let raw = self.runtime.block_on(async {
            let stream = TcpStream::connect(address).await.unwrap();
            let name = ServerName::from(address.ip());
            let mut secured = self.connector.connect(name, stream).await.unwrap();
            secured.write_all(head.as_bytes()).await.unwrap();
            // A server that has heard enough may hang up before everything is said.
            drop(secured.write_all(body).await);
            drop(secured.flush().await);
            let mut raw = Vec::new();
            drop(secured.read_to_end(&mut raw).await);
            raw
        });
        let text = String::from_utf8(raw).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).map_or(0, |status| status.parse().unwrap());
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        Answer { status, headers, text: body.to_owned() }
    }

    /// An answer of Graph, which is as its schema says.
    pub(super) fn graph(&self, token: &str, (method, path): (&str, &str), body: Option<Value>) -> Answer {
        self.graph_with(token, (method, path), (&[], body))
    }

    pub(super) fn graph_with(
        &self,
        token: &str,
        (method, path): (&str, &str),
        (more, body): (&[(&str, &str)], Option<Value>),
    ) -> Answer {
        let path = if path.starts_with("/beta/") { path.to_owned() } else { format!("/v1.0{path}") };
        let authorization = format!("Bearer {token}");
        let mut headers = vec![("authorization", authorization.as_str()), ("content-type", "application/json")];
        headers.extend(more);
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let path = path.replace(' ', "%20").replace('"', "%22");
        let answer = self.send(method, &path, (&headers, body.as_bytes()));
        self.validate((method, &path), &answer);
        answer
    }

    fn validate(&self, (method, path): (&str, &str), answer: &Answer) {
        let faults = self.faults((method, path), answer);
        assert!(faults.is_empty(), "{method} {path} is not as Graph says:\n{}", faults.join("\n"));
    }

    fn faults(&self, (method, path): (&str, &str), answer: &Answer) -> Vec<String> {
        assert!(answer.header("request-id").is_some(), "{method} {path} has no request-id");
        let Some(schema) = &self.schema else { return Vec::new() };
        // How many there are is plain text.
        if answer.status == 200 && path.split('?').next().is_some_and(|path| path.ends_with("/$count")) {
            assert!(answer.text.parse::<usize>().is_ok(), "{method} {path}: {}", answer.text);
            assert_eq!(answer.header("content-type"), Some("text/plain"));
            return Vec::new();
        }
        if answer.text.is_empty() {
            assert!(matches!(answer.status, 202 | 204 | 304), "{method} {path}: {}", answer.status);
            return Vec::new();
        }
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let version = path.split('/').nth(1).unwrap();
        schema.faults((version, answer.status), (query, &answer.json()))
    }

    /// What is wrong with the answer at an address.
    pub(super) fn looked_at(&self, token: &str, path: &str) -> (u16, Vec<String>) {
        let authorization = format!("Bearer {token}");
        let answer = self.send("GET", path, (&[("authorization", &authorization)], b""));
        (answer.status, self.faults(("GET", path), &answer))
    }

    /// The objects of a collection, which is there.
    pub(super) fn list(&self, token: &str, path: &str) -> Vec<Value> {
        let answer = self.graph(token, ("GET", path), None);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.list()
    }

    /// What was written into the audit, the newest first.
    pub(super) fn audited(&self, token: &str) -> Vec<String> {
        let records = self.list(token, "/auditLogs/directoryAudits");
        records.iter().map(|record| record["activityDisplayName"].as_str().unwrap().to_owned()).collect()
    }

    fn form(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let encoded = form.iter().map(|(name, value)| format!("{name}={}", escaped(value)));
        let body = encoded.collect::<Vec<_>>().join("&");
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.send("POST", path, (&headers, body.as_bytes())).json()
    }

    pub(super) fn token_of(&self, form: &[(&str, &str)]) -> String {
        let answer = self.form("/contoso.onmicrosoft.com/oauth2/v2.0/token", form);
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// A token of somebody who signed in with a password.
    pub(super) fn user(&self, name: &str) -> String {
        self.user_for(name, GRAPH_SCOPE)
    }

    /// A token of the first emergency account of the demo.
    pub(super) fn demo_token(&self) -> String {
        let name = "emergency-access-1@contoso.onmicrosoft.com";
        self.token_of(&password_form((name, breakglass_tenant::demo::FIRST_EMERGENCY_PASSWORD), GRAPH_SCOPE))
    }

    /// The same, for another resource.
    pub(super) fn user_for(&self, name: &str, scope: &str) -> String {
        let name = format!("{name}@contoso.onmicrosoft.com");
        self.token_of(&password_form((&name, PASSWORD), scope))
    }

    /// The same of a client that answers a challenge, or the code with which it is refused.
    pub(super) fn user_with_claims(&self, name: &str, claims: &str) -> Result<String, u64> {
        let name = format!("{name}@contoso.onmicrosoft.com");
        let form = [&password_form((&name, PASSWORD), GRAPH_SCOPE)[..], &[("claims", claims)]].concat();
        let answer = self.form("/contoso.onmicrosoft.com/oauth2/v2.0/token", &form);
        let token = answer["access_token"].as_str().map(str::to_owned);
        token.ok_or_else(|| answer["error_codes"][0].as_u64().unwrap())
    }

    /// The code with which a password alone is refused.
    pub(super) fn refused(&self, name: &str) -> u64 {
        self.refused_with(name, PASSWORD)
    }

    /// The same with another password.
    pub(super) fn refused_with(&self, name: &str, password: &str) -> u64 {
        let name = format!("{name}@contoso.onmicrosoft.com");
        let form = password_form((&name, password), GRAPH_SCOPE);
        self.form("/contoso.onmicrosoft.com/oauth2/v2.0/token", &form)["error_codes"][0].as_u64().unwrap()
    }

    /// A token that says who somebody is, and is for the client.
    pub(super) fn id_token(&self, name: &str) -> String {
        let name = format!("{name}@contoso.onmicrosoft.com");
        let form = password_form((&name, PASSWORD), "https://graph.microsoft.com/.default openid");
        self.form("/contoso.onmicrosoft.com/oauth2/v2.0/token", &form)["id_token"].as_str().unwrap().to_owned()
    }

    /// A token of somebody who signed in on the pages with a pass, which is multifactor authentication.
    pub(super) fn strong_user(&self, name: &str) -> String {
        self.strong_user_with((name, PASS))
    }

    /// The same with another pass.
    pub(super) fn strong_user_with(&self, (name, pass): (&str, &str)) -> String {
        let verifier = "v".repeat(50);
        let query = [
            ("client_id", AZURE_CLI),
            ("response_type", "code"),
            ("redirect_uri", "http://localhost:4000"),
            ("scope", "https://graph.microsoft.com/.default"),
            ("code_challenge", &verifier),
            ("code_challenge_method", "plain"),
        ];
        let query = query.map(|(name, value)| format!("{name}={}", escaped(value))).join("&");
        let page = self.send("GET", &format!("/common/oauth2/v2.0/authorize?{query}"), (&[], b""));
        let cookies = page.headers.iter().filter(|(name, _)| name == "set-cookie");
        let cookies = cookies.map(|(_, cookie)| cookie.split(';').next().unwrap()).collect::<Vec<_>>().join("; ");
        let (_, rest) = page.text.split_once("name=\"ctx\" value=\"").unwrap_or_else(|| panic!("{}", page.text));
        let ctx = rest.split('"').next().unwrap();
        let body = format!("ctx={}&login={name}%40contoso.onmicrosoft.com&passwd={pass}", escaped(ctx));
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("cookie", &cookies)];
        let back = self.send("POST", "/common/login", (&headers, body.as_bytes()));
        let location = back.header("location").unwrap_or_else(|| panic!("{}", back.text)).to_owned();
        let (_, query) = location.split_once("code=").unwrap_or_else(|| panic!("{location}"));
        let code = query.split('&').next().unwrap();
        self.token_of(&[
            ("client_id", AZURE_CLI),
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", "http://localhost:4000"),
            ("code_verifier", &verifier),
        ])
    }

    /// A token of an application of the seed.
    pub(super) fn app(&self, at: usize) -> String {
        let answer = self.app_with(at, APP_SECRET);
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// What an application of the seed is answered that asks for a token with a secret.
    pub(super) fn app_with(&self, at: usize, secret: &str) -> Value {
        let id = app_id(at);
        let form = [
            ("client_id", id.as_str()),
            ("grant_type", "client_credentials"),
            ("client_secret", secret),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        self.form("/contoso.onmicrosoft.com/oauth2/v2.0/token", &form)
    }

    /// A token of somebody who signed in to an application of the seed, for one permission.
    pub(super) fn user_of_app(&self, name: &str, (at, permission): (usize, &str)) -> String {
        self.token_of(&[
            ("client_id", app_id(at).as_str()),
            ("grant_type", "password"),
            ("client_secret", APP_SECRET),
            ("username", &format!("{name}@contoso.onmicrosoft.com")),
            ("password", PASSWORD),
            ("scope", &format!("https://graph.microsoft.com/{permission}")),
        ])
    }
}

/// The time it is, as the file system has it: certificates are looked at by a library with a clock of its own.
fn real_now(folder: &std::path::Path) -> Timestamp {
    let probe = folder.join("now");
    std::fs::write(&probe, "").unwrap();
    Timestamp::try_from(std::fs::metadata(probe).unwrap().modified().unwrap()).unwrap()
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}
