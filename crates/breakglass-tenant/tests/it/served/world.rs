//! A tenant that is served on free ports of this machine, a client, and a browser. The tenant's own clock stands.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use breakglass_tenant::backstage;
use breakglass_tenant::clock::Clock;
use breakglass_tenant::profile::Profile;
use breakglass_tenant::serve::Limits;
use breakglass_tenant::tenant::{Addresses, Tenant};
use breakglass_tenant::{HashWork, serve, tls};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

const SEED: &str = include_str!("tenant.json");
pub(crate) const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
pub(crate) const ADMIN: (&str, &str) = ("emergency@contoso.onmicrosoft.com", "Gl@ss-Hammer-1");

/// At 1970-01-01T00:00:59Z, of which RFC 6238 knows the codes.
#[derive(Debug)]
struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(59).unwrap()
    }
}

/// A tenant that is served.
pub(crate) struct Served {
    pub(crate) tenant: Arc<Tenant>,
    folder: PathBuf,
    runtime: Runtime,
    config: Arc<ClientConfig>,
    own: SocketAddr,
    manager: SocketAddr,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| *known == name).map(|(_, value)| value).next()
    }
}

impl Served {
    pub(crate) fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("served-{name}"));
        drop(std::fs::remove_dir_all(&folder));
        Self::open(folder, Some(SEED.to_owned()), Profile::default())
    }

    /// As it was left by whoever served it before.
    pub(crate) fn again(name: &str) -> Self {
        Self::open(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("served-{name}")), None, Profile::default())
    }

    /// With another seed.
    pub(crate) fn seeded(name: &str, change: impl FnOnce(&mut Value)) -> Self {
        let mut seed = serde_json::from_str(SEED).unwrap();
        change(&mut seed);
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("served-{name}"));
        drop(std::fs::remove_dir_all(&folder));
        Self::open(folder, Some(seed.to_string()), Profile::default())
    }

    /// The name and port of its login endpoints.
    pub(crate) fn localhost(&self) -> String {
        format!("localhost:{}", self.own.port())
    }

    /// Where it is kept.
    pub(super) fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// Where its logs are written to, if they are.
    pub(crate) fn exported(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// The tenant in a folder, by another clock.
    pub(crate) fn of(folder: PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self::opened((folder, clock), None, |tenant| tenant)
    }

    fn open(folder: PathBuf, seed: Option<String>, profile: Profile) -> Self {
        Self::opened((folder, Arc::new(Standing)), seed, |tenant| tenant.with_profile(profile))
    }

    fn opened(at: (PathBuf, Arc<dyn Clock>), seed: Option<String>, made: impl FnOnce(Tenant) -> Tenant) -> Self {
        Self::opened_within(at, seed, (Limits::USUAL, made))
    }

    /// Within limits of its own.
    pub(crate) fn limited(name: &str, limits: Limits) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("served-{name}"));
        drop(std::fs::remove_dir_all(&folder));
        Self::opened_within((folder, Arc::new(Standing)), Some(SEED.to_owned()), (limits, |tenant| tenant))
    }

    #[expect(clippy::disallowed_methods, reason = "certificates are of the time at which they are shown")]
    fn opened_within(
        (folder, clock): (PathBuf, Arc<dyn Clock>),
        seed: Option<String>,
        (limits, made): (Limits, impl FnOnce(Tenant) -> Tenant),
    ) -> Self {
        let runtime = Runtime::new().unwrap();
        let listen = || runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let (own, manager) = (listen(), listen());
        let (own_at, manager_at) = (own.local_addr().unwrap(), manager.local_addr().unwrap());
        let addresses = Addresses { base: format!("https://{own_at}"), manager: format!("https://{manager_at}") };
        let mut tenant = Tenant::open(&folder, addresses.clone(), clock).unwrap().with_hash_work(HashWork::Little);
        if let Some(seed) = seed {
            tenant.seed(seed.as_bytes()).unwrap();
        }
        let tenant = made(tenant);
        backstage::served_at(&folder, &addresses.base).unwrap();
        let server_config = tls::server_config(&folder, &[own_at.ip()], Timestamp::now()).unwrap();
        let tenant = Arc::new(tenant);
        let serving = serve::serve_within(Arc::clone(&tenant), Arc::new(server_config), (own, manager), limits);
        runtime.spawn(async move { serving.await.unwrap() });
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(folder.join(tls::AUTHORITY_FILE)).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(default_provider().into());
        let config = config.with_safe_default_protocol_versions().unwrap();
        let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
        Self { tenant, folder, runtime, config, own: own_at, manager: manager_at }
    }

    /// As it is after the server was stopped and started again.
    pub(crate) fn restarted(self) -> Self {
        self.restarted_with(Profile::default())
    }

    /// The same, with other rules of Microsoft's.
    pub(crate) fn restarted_with(self, profile: Profile) -> Self {
        let Self { tenant, folder, runtime, .. } = self;
        // With the runtime everything ends that runs in it.
        drop((runtime, tenant));
        Self::open(folder, None, profile)
    }

    /// The same, with its logs in files.
    pub(crate) fn exporting(self) -> Self {
        let Self { tenant, folder, runtime, .. } = self;
        drop((runtime, tenant));
        let logs = folder.join("logs");
        Self::opened((folder, Arc::new(Standing)), None, |tenant| tenant.with_export(&logs))
    }

    /// The same, with plain HTTP besides.
    pub(crate) fn with_loopback_http(self) -> Self {
        let Self { tenant, folder, runtime, .. } = self;
        drop((runtime, tenant));
        Self::opened((folder, Arc::new(Standing)), None, Tenant::with_loopback_http)
    }

    /// Does something on the network, within a minute.
    pub(crate) fn run<T>(&self, what: impl Future<Output = T>) -> T {
        let within = async { tokio::time::timeout(Duration::from_secs(60), what).await };
        self.runtime.block_on(within).expect("nothing here takes a minute")
    }

    /// A connection to the login endpoints and Graph that is not secured.
    pub(crate) async fn plain(&self) -> io::Result<TcpStream> {
        TcpStream::connect(self.own).await
    }

    /// One that is secured.
    pub(crate) async fn secured(&self) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::from(self.own.ip());
        TlsConnector::from(Arc::clone(&self.config)).connect(name, self.plain().await?).await
    }

    /// Where the login endpoints and Graph are, and Azure Resource Manager.
    pub(crate) fn origins(&self) -> [String; 2] {
        [self.own, self.manager].map(|address| format!("https://{address}"))
    }

    /// Sends a request to the login endpoints and Graph; an error where the connection ends without an answer.
    pub(crate) fn send(
        &self,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: &str,
    ) -> io::Result<Answer> {
        self.send_to(self.own, (method, path), headers, body)
    }

    /// Sends a request to Azure Resource Manager.
    pub(crate) fn send_to_manager(
        &self,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: &str,
    ) -> io::Result<Answer> {
        self.send_to(self.manager, (method, path), headers, body)
    }

    fn send_to(
        &self,
        address: SocketAddr,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: &str,
    ) -> io::Result<Answer> {
        let host = headers
            .iter()
            .find(|(name, _)| *name == "host")
            .map_or_else(|| address.to_string(), |(_, host)| (*host).to_owned());
        let headers = headers.iter().filter(|(name, _)| *name != "host");
        let headers: String = headers.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let sent = async {
            let stream = TcpStream::connect(address).await?;
            let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name).to_owned();
            let name = ServerName::try_from(name).unwrap();
            let mut secured = TlsConnector::from(Arc::clone(&self.config)).connect(name, stream).await?;
            secured.write_all(request.as_bytes()).await?;
            let mut answer = Vec::new();
            match secured.read_to_end(&mut answer).await {
                Err(error) if error.kind() != ErrorKind::UnexpectedEof => return Err(error),
                _ => {}
            }
            let answer = String::from_utf8(answer).unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").ok_or(ErrorKind::UnexpectedEof)?;
            let status = head.get(9..12).and_then(|status| status.parse().ok()).unwrap();
            Ok(Answer { status, head: head.to_owned(), body: body.to_owned() })
        };
        self.runtime.block_on(sent)
    }

    /// Asks behind the scenes.
    pub(crate) fn backstage(&self, method: &str, parts: &[&str], body: Value) -> (u16, Value) {
        let body = (!body.is_null()).then_some(&body);
        self.runtime.block_on(backstage::ask(&self.folder, (method, parts), body)).unwrap()
    }

    /// Switches a fault on.
    pub(crate) fn on(&self, name: &str, settings: Value) {
        let (status, answer) = self.backstage("PUT", &["faults", name], settings);
        assert_eq!(status, 200, "{answer}");
    }

    /// Switches a fault off.
    pub(crate) fn off(&self, name: &str) {
        let (status, answer) = self.backstage("DELETE", &["faults", name], Value::Null);
        assert_eq!(status, 204, "{answer}");
    }

    /// The names of the faults that are on.
    pub(crate) fn faults(&self) -> Vec<String> {
        let (status, answer) = self.backstage("GET", &["faults"], Value::Null);
        assert_eq!(status, 200);
        answer["value"].as_array().unwrap().iter().map(|fault| fault["name"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn token(&self, headers: &[(&str, &str)], form: &[(&str, &str)]) -> Answer {
        self.send(("POST", "/organizations/oauth2/v2.0/token"), headers, &written(form)).unwrap()
    }

    /// What a password alone brings the Azure CLI.
    pub(crate) fn password(&self, headers: &[(&str, &str)], (name, password): (&str, &str)) -> Value {
        let form = password_form((name, password), "https://graph.microsoft.com/.default openid offline_access");
        self.token(headers, &form).json()
    }

    /// The code that a password alone is refused with; 0 if it is not.
    pub(crate) fn code(&self, headers: &[(&str, &str)], who: (&str, &str)) -> u64 {
        let answer = self.password(headers, who);
        if answer["access_token"].is_string() { 0 } else { answer["error_codes"][0].as_u64().unwrap() }
    }

    /// What a refresh token of the Azure CLI brings.
    pub(crate) fn refreshed(&self, token: &str) -> Answer {
        let scope = "https://graph.microsoft.com/.default offline_access";
        let form =
            [("client_id", AZURE_CLI), ("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)];
        self.token(&[], &form)
    }

    /// The newest record of the sign-in log.
    pub(crate) fn newest_record(&self, of: &str) -> Value {
        let token = self.password(&[], ADMIN)["access_token"].as_str().unwrap().to_owned();
        let bearer = format!("Bearer {token}");
        let path = format!("/beta/auditLogs/signIns?$filter=userPrincipalName%20eq%20'{of}'&$top=1");
        self.send(("GET", &path), &[("authorization", &bearer)], "").unwrap().json()["value"][0].clone()
    }
}

/// What the Azure CLI sends to sign somebody in with a password.
pub(crate) fn password_form<'a>((name, password): (&'a str, &'a str), scope: &'a str) -> [(&'a str, &'a str); 5] {
    [("client_id", AZURE_CLI), ("grant_type", "password"), ("scope", scope), ("username", name), ("password", password)]
}

/// A form as it is sent.
pub(crate) fn written(form: &[(&str, &str)]) -> String {
    let escaped = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    form.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect::<Vec<_>>().join("&")
}

/// A browser with its cookies.
#[derive(Clone)]
pub(crate) struct Browser<'s> {
    served: &'s Served,
    cookies: Vec<(String, String)>,
    /// The host that it asks for; `None` is the address.
    host: Option<String>,
}

impl<'s> Browser<'s> {
    pub(crate) fn of(served: &'s Served) -> Self {
        Self { served, cookies: Vec::new(), host: None }
    }

    /// One that knows the tenant as `localhost`, where browsers use passkeys.
    pub(super) fn at_localhost(served: &'s Served) -> Self {
        Self { host: Some(served.localhost()), ..Self::of(served) }
    }

    /// The origin of its pages.
    pub(super) fn origin(&self) -> String {
        format!("https://{}", self.host.clone().unwrap_or_else(|| self.served.own.to_string()))
    }

    pub(crate) fn send(&mut self, what: (&str, &str), form: &[(&str, &str)]) -> Answer {
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let host = self.host.as_deref().map(|host| ("host", host));
        let headers: Vec<(&str, &str)> = [("cookie", cookies.as_str())].into_iter().chain(host).collect();
        let answer = self.served.send(what, &headers, &written(form)).unwrap();
        for cookie in answer.head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")) {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        answer
    }

    /// Asks for a code for the Azure CLI.
    pub(crate) fn authorize(&mut self) -> Answer {
        self.authorize_with(&[])
    }

    /// The same, with more in the query.
    pub(crate) fn authorize_with(&mut self, more: &[(&str, &str)]) -> Answer {
        let usual = [
            ("client_id", AZURE_CLI),
            ("response_type", "code"),
            ("redirect_uri", "http://localhost:4000"),
            ("scope", "https://management.core.windows.net//.default openid offline_access"),
        ];
        let query = written(&[&usual, more].concat());
        self.send(("GET", &format!("/organizations/oauth2/v2.0/authorize?{query}")), &[])
    }

    /// Sends a form of a page.
    pub(crate) fn go_on(&mut self, page: &Answer, form: &[(&str, &str)]) -> Answer {
        let (_, rest) = page.body.split_once("name=\"ctx\" value=\"").unwrap_or_else(|| panic!("{}", page.body));
        let id = rest.split('"').next().unwrap().to_owned();
        let form: Vec<(&str, &str)> = [("ctx", id.as_str())].into_iter().chain(form.iter().copied()).collect();
        self.send(("POST", "/common/login"), &form)
    }

    /// Signs somebody in up to the page that asks for the second proof.
    pub(crate) fn sign_in(&mut self, (name, password): (&str, &str)) -> Answer {
        let page = self.authorize();
        self.go_on(&page, &[("login", name), ("passwd", password)])
    }
}

/// Settings of nothing.
pub(crate) fn nothing() -> Value {
    json!({})
}
