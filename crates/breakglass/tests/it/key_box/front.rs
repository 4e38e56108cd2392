//! Whoever stands before a served tenant: passes requests on over HTTPS, keeps a copy of every exchange, and does to each what
//! a test wants done to it.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use breakglass_adapters::clock::SystemClock;
use breakglass_ops::ports::Clock as _;
use breakglass_tenant::tls;
#[cfg(target_os = "linux")]
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// What a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// It reads the tenant, or changes what has no password.
    Read,
    /// Whoever rotates signs in.
    SignIn,
    /// It makes an account, with its first password.
    Make,
    /// It sets the password.
    Set,
    /// It signs in with the password.
    Prove,
    /// It ends sessions.
    Revoke,
    /// It deletes an account.
    Delete,
    /// It looks whether there is an account.
    Look,
}

impl Kind {
    fn of(request: &[u8]) -> Self {
        let text = String::from_utf8_lossy(request);
        let line = text.lines().next().unwrap_or_default();
        match () {
            () if line.starts_with("POST ") && line.contains("/users HTTP/") => Self::Make,
            () if line.starts_with("PATCH ") && line.contains("/users/") => Self::Set,
            () if line.contains("/revokeSignInSessions") => Self::Revoke,
            () if line.starts_with("DELETE ") && line.contains("/users/") => Self::Delete,
            () if line.starts_with("GET ") && line.contains("/users/") && line.contains("select=id ") => Self::Look,
            () if line.contains("/token") && text.contains("grant_type=password") => Self::Prove,
            () if line.contains("/token") => Self::SignIn,
            () => Self::Read,
        }
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// It is passed on, and so is the answer.
    Passed,
    /// It is carried out, and the connection ends without an answer.
    LostDone,
    /// It is not, and the connection ends.
    LostUndone,
    /// The connection ends, and it is carried out when [`Front::let_arrive`] is called.
    Late,
    /// It is not carried out, and the answer has this status.
    Refused(u16),
    /// It is carried out, and the answer has this status.
    BrokenDone(u16),
    /// Whoever asked is killed, and it is not carried out.
    KilledBefore,
    /// It is carried out, and whoever asked is killed before the answer.
    KilledAfter,
    /// Whoever asked is killed, and it is carried out when [`Front::let_arrive`] is called.
    KilledLate,
}

/// What went over the line.
pub(super) struct Exchange {
    pub(super) kind: Kind,
    pub(super) request: Vec<u8>,
    pub(super) answer: Vec<u8>,
}

type Decide = Box<dyn FnMut(Kind) -> Fate + Send>;

struct Shared {
    inner: SocketAddr,
    trusting: Arc<ClientConfig>,
    exchanges: Mutex<Vec<Exchange>>,
    late: Mutex<Vec<Vec<u8>>>,
    decide: Mutex<Decide>,
    kill: Mutex<Box<dyn FnMut() + Send>>,
}

/// It, for as long as the runtime goes on in which it was begun.
pub(super) struct Front(Arc<Shared>);

impl Front {
    /// Begins at a place where it listens, for a tenant that is served at another, with the authority in its folder.
    pub(super) fn new(listener: TcpListener, inner: SocketAddr, folder: &Path) -> Self {
        let ip = listener.local_addr().unwrap().ip();
        let config = tls::server_config(folder, &[ip], SystemClock.now()).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(folder.join(tls::AUTHORITY_FILE)).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(default_provider().into());
        let config = config.with_safe_default_protocol_versions().unwrap();
        let shared = Arc::new(Shared {
            inner,
            trusting: Arc::new(config.with_root_certificates(roots).with_no_client_auth()),
            exchanges: Mutex::default(),
            late: Mutex::default(),
            decide: Mutex::new(Box::new(|_| Fate::Passed)),
            kill: Mutex::new(Box::new(|| {})),
        });
        let at_work = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&at_work).answered(stream, acceptor.clone()));
            }
        });
        Self(shared)
    }

    /// What becomes of each request from now on.
    pub(super) fn decide(&self, decide: impl FnMut(Kind) -> Fate + Send + 'static) {
        *self.0.decide.lock().unwrap() = Box::new(decide);
    }

    /// How whoever asks is killed.
    pub(super) fn kill_by(&self, kill: impl FnMut() + Send + 'static) {
        *self.0.kill.lock().unwrap() = Box::new(kill);
    }

    /// Everything that went over the line so far; it is forgotten here.
    pub(super) fn exchanges(&self) -> Vec<Exchange> {
        std::mem::take(&mut *self.0.exchanges.lock().unwrap())
    }

    /// How many requests of a kind there were so far; nothing is forgotten.
    pub(super) fn count(&self, kind: Kind) -> usize {
        self.0.exchanges.lock().unwrap().iter().filter(|exchange| exchange.kind == kind).count()
    }

    /// Every password that was sent to be set so far, in the order in which they were sent; nothing is forgotten.
    #[cfg(target_os = "linux")]
    pub(super) fn set_passwords(&self) -> Vec<String> {
        let exchanges = self.0.exchanges.lock().unwrap();
        let set = exchanges.iter().filter(|exchange| matches!(exchange.kind, Kind::Make | Kind::Set));
        let password = |Exchange { request, .. }: &Exchange| {
            let end = request.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
            let body: Value = serde_json::from_slice(&request[end..]).unwrap();
            body["passwordProfile"]["password"].as_str().unwrap().to_owned()
        };
        set.map(password).collect()
    }

    /// What is late is carried out, in the order in which it was sent; how many there were.
    pub(super) async fn let_arrive(&self) -> usize {
        let late = std::mem::take(&mut *self.0.late.lock().unwrap());
        for request in &late {
            self.0.passed(request).await.unwrap();
        }
        late.len()
    }

    /// Sends a request past everything to the tenant itself.
    pub(super) async fn send(&self, request: &str) -> String {
        String::from_utf8(self.0.passed(request.as_bytes()).await.unwrap()).unwrap()
    }
}

impl Shared {
    async fn answered(self: Arc<Self>, stream: TcpStream, acceptor: TlsAcceptor) {
        let Ok(mut secured) = acceptor.accept(stream).await else { return };
        let Some(request) = request_of(&mut secured).await else { return };
        let kind = Kind::of(&request);
        let fate = (self.decide.lock().unwrap())(kind);
        let answer = match fate {
            Fate::Passed | Fate::LostDone | Fate::KilledAfter | Fate::BrokenDone(_) => {
                self.passed(&request).await.unwrap_or_default()
            }
            _ => Vec::new(),
        };
        let shown = match fate {
            Fate::Passed => answer.clone(),
            Fate::Refused(status) | Fate::BrokenDone(status) => refusal(status),
            Fate::Late => self.keep(&request),
            Fate::KilledBefore | Fate::KilledAfter => {
                (self.kill.lock().unwrap())();
                Vec::new()
            }
            Fate::KilledLate => {
                let nothing = self.keep(&request);
                (self.kill.lock().unwrap())();
                nothing
            }
            Fate::LostDone | Fate::LostUndone => Vec::new(),
        };
        self.exchanges.lock().unwrap().push(Exchange { kind, request, answer });
        if !shown.is_empty() {
            let _ = secured.write_all(&shown).await;
        }
        let _ = secured.shutdown().await;
    }

    fn keep(&self, request: &[u8]) -> Vec<u8> {
        self.late.lock().unwrap().push(request.to_vec());
        Vec::new()
    }

    async fn passed(&self, request: &[u8]) -> io::Result<Vec<u8>> {
        let stream = TcpStream::connect(self.inner).await?;
        let name = ServerName::from(self.inner.ip());
        let mut secured = TlsConnector::from(Arc::clone(&self.trusting)).connect(name, stream).await?;
        let end = request.windows(2).position(|two| two == b"\r\n").unwrap() + 2;
        let (line, rest) = request.split_at(end);
        secured.write_all(&[line, b"connection: close\r\n", rest].concat()).await?;
        let mut answer = Vec::new();
        match secured.read_to_end(&mut answer).await {
            Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(error),
            _ => Ok(answer),
        }
    }
}

/// A request with its body.
pub(super) async fn request_of(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
            if bytes.len() >= end + 4 + length.unwrap_or(0_usize) {
                return Some(bytes);
            }
        }
        let mut some = [0; 4096];
        match stream.read(&mut some).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&some[..count]),
            _ => return None,
        }
    }
}

fn refusal(status: u16) -> Vec<u8> {
    let body = r#"{"error":{"code":"Played","message":"It is played."}}"#;
    let head = format!("HTTP/1.1 {status} Played\r\ncontent-type: application/json\r\nconnection: close\r\n");
    format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
