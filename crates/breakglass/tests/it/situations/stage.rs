//! The stage of a situation: a tenant that is served, a browser, Graph, and what can be made to fail.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;

use breakglass_tenant::clock::Clock as _;
use breakglass_tenant::profile::Profile;
use breakglass_tenant::{backstage, tls};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::keys::{CODE_SECONDS, code_at};
use crate::served::{Served, written};

/// The address that people come from unless they are elsewhere.
pub(super) const HERE: &str = "127.0.0.1";

/// A tenant that is served, and whoever asks it.
pub(super) struct Stage {
    runtime: Runtime,
    served: Served,
    trusting: Arc<ClientConfig>,
}

/// A request: how, where, with which headers, and its body.
pub(super) struct Request<'r> {
    pub(super) what: (&'r str, &'r str),
    pub(super) headers: &'r [(&'r str, &'r str)],
    pub(super) body: &'r str,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {} {}", self.head, self.body))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The number of the refusal that is shown or sent, if there is one.
    pub(super) fn refusal(&self) -> Option<u64> {
        let (_, rest) = self.body.split_once("AADSTS")?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    }
}

impl Stage {
    /// Begins with a seed; `name` keeps the folders of tests apart.
    pub(super) fn new(name: &str, seed: &Value, profile: Profile) -> Self {
        let runtime = Runtime::new().unwrap();
        let served = runtime.block_on(Served::new(&format!("situation-{name}"), seed, profile));
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(served.folder.join(tls::AUTHORITY_FILE)).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(default_provider().into());
        let config = config.with_safe_default_protocol_versions().unwrap();
        let trusting = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
        Self { runtime, served, trusting }
    }

    /// The origin of the tenant, by its address.
    pub(super) fn origin(&self) -> String {
        self.served.origin()
    }

    /// The same by the name under which browsers use passkeys.
    pub(super) fn localhost(&self) -> String {
        format!("localhost:{}", self.served.at.port())
    }

    /// Where the tenant is kept.
    pub(super) fn folder(&self) -> PathBuf {
        self.served.folder.clone()
    }

    /// Sends a request over HTTPS; nothing where the connection ends without an answer.
    pub(super) fn send(&self, request: &Request<'_>) -> Option<Answer> {
        let host = self.localhost();
        let headers: String = request.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let (method, path) = request.what;
        let length = request.body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{}",
            request.body
        );
        let sent = async {
            let stream = TcpStream::connect(self.served.at).await?;
            let name = ServerName::try_from("localhost").unwrap();
            let mut secured = TlsConnector::from(Arc::clone(&self.trusting)).connect(name, stream).await?;
            secured.write_all(request.as_bytes()).await?;
            let mut answer = Vec::new();
            match secured.read_to_end(&mut answer).await {
                Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(error),
                _ => Ok::<_, io::Error>(answer),
            }
        };
        let answer = String::from_utf8(self.runtime.block_on(sent).ok()?).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.get(9..12).and_then(|status| status.parse().ok()).unwrap();
        Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
    }

    /// Sends a form of a client.
    pub(super) fn form(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.send(&Request { what: ("POST", path), headers: &[], body: &written(form) }).unwrap()
    }

    /// Asks behind the scenes, where the outbox is.
    pub(super) fn backstage(&self, method: &str, parts: &[&str], body: Option<&Value>) -> Value {
        let asked = backstage::ask(&self.served.folder, (method, parts), body);
        let (status, answer) = self.runtime.block_on(asked).unwrap();
        assert!(status < 300, "{method} {parts:?}: {answer}");
        answer
    }

    /// What was sent to phones last.
    pub(super) fn message(&self) -> Value {
        self.backstage("GET", &["outbox"], None)["value"][0].clone()
    }

    /// The next code that an authenticator app shows: half a minute passes, since none is good twice.
    pub(super) fn next_code(&self) -> String {
        self.pass(CODE_SECONDS);
        code_at(self.served.clock.now().as_second())
    }

    /// Lets time pass in the tenant.
    pub(super) fn pass(&self, seconds: i64) {
        self.served.clock.pass(seconds);
    }

    /// Reads a file that lies beside the configuration.
    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.served.folder.join(name)).unwrap()
    }

    /// Writes a file beside the configuration.
    pub(super) fn file(&self, name: &str, text: &str) {
        fs::write(self.served.folder.join(name), text).unwrap();
    }
}
