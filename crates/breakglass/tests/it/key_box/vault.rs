//! A vault before whatever keeps its documents: passes requests on, keeps a copy of every exchange, and is sealed at the moment
//! that a test wants. Behind it is a real server, or the little of one that is played here.
//!
//! **Source:** "KV secrets engine, version 2 (API)" and "/sys/seal", "/sys/unseal" of OpenBao's documentation.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use breakglass_adapters::clock::SystemClock;
use breakglass_ops::ports::Clock as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::front::request_of;

/// The token that it takes.
pub(super) const VAULT_TOKEN: &str = "marked-vault-token-7";

/// Where documents are in it.
const MOUNT: &str = "secret";
const FOLDER: &str = "breakglass/contoso";

/// Times that somebody who was unsealed is asked whether they answer, a fifth of a second after each other.
const ASK_COUNT: usize = 300;
const ASK_MILLISECONDS: u64 = 200;

/// When it is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// As a request with this method is there, before it is carried out.
    Before(&'static str),
    /// As it was carried out, before it is answered.
    After(&'static str),
}

/// What went over the line.
pub(super) struct VaultExchange {
    pub(super) request: Vec<u8>,
    pub(super) answer: Vec<u8>,
}

/// A real server, begun by a test.
#[derive(Debug, Clone)]
pub(super) struct Real {
    pub(super) at: SocketAddr,
    /// What unseals it.
    pub(super) key: String,
}

/// It, for as long as the runtime goes on in which it was begun.
pub(super) struct Vault {
    at: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    real: Option<Real>,
    /// Documents by their names, where no real server keeps them.
    played: Mutex<BTreeMap<String, String>>,
    is_sealed: AtomicBool,
    moment: Mutex<Option<Moment>>,
    exchanges: Mutex<Vec<VaultExchange>>,
}

impl Vault {
    /// Begins before a real server, once that answers, or with one that is played.
    pub(super) async fn begin(real: Option<Real>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shared = Arc::new(Shared {
            real,
            played: Mutex::default(),
            is_sealed: AtomicBool::new(false),
            moment: Mutex::default(),
            exchanges: Mutex::default(),
        });
        shared.waits_for_answer().await;
        let vault = Self { at: listener.local_addr().unwrap(), shared: Arc::clone(&shared) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&shared).answered(stream));
            }
        });
        vault
    }

    /// As a configuration declares it.
    pub(super) fn declared(&self) -> String {
        format!("vault = {{ address = \"http://{}\", mount = \"{MOUNT}\", path = \"{FOLDER}\" }}\n", self.at)
    }

    /// It is sealed at the next moment of this kind.
    pub(super) fn seals(&self, moment: Moment) {
        *self.shared.moment.lock().unwrap() = Some(moment);
    }

    /// It is sealed now.
    pub(super) async fn seal(&self) {
        self.shared.seal().await;
    }

    pub(super) fn is_sealed(&self) -> bool {
        self.shared.is_sealed.load(Ordering::SeqCst)
    }

    /// Whoever keeps it unseals it.
    pub(super) async fn unseal(&self) {
        self.shared.unseal().await;
    }

    /// Every document, by its name.
    pub(super) async fn documents(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let (status, listed) = self.shared.asks("GET", &format!("{MOUNT}/metadata/{FOLDER}?list=true"), None).await;
        assert!(matches!(status, 200 | 404), "{status}: {listed}");
        for key in listed["data"]["keys"].as_array().into_iter().flatten() {
            let name = key.as_str().unwrap();
            let (_, value) = self.shared.asks("GET", &format!("{MOUNT}/data/{FOLDER}/{name}"), None).await;
            let text = value["data"]["data"]["document"].as_str().unwrap_or_else(|| panic!("{name}: {value}"));
            found.insert(name.to_owned(), text.to_owned());
        }
        found
    }

    /// Everything that went over the line so far; it is forgotten here.
    pub(super) fn exchanges(&self) -> Vec<VaultExchange> {
        std::mem::take(&mut *self.shared.exchanges.lock().unwrap())
    }
}

impl Shared {
    async fn answered(self: Arc<Self>, mut stream: TcpStream) {
        let Some(request) = request_of(&mut stream).await else { return };
        let (before, after) = self.moments(&request);
        if before {
            self.seal().await;
        }
        let answer = self.passed(&request).await.unwrap_or_default();
        if after {
            self.seal().await;
        }
        self.exchanges.lock().unwrap().push(VaultExchange { request, answer: answer.clone() });
        let _ = stream.write_all(&answer).await;
        let _ = stream.shutdown().await;
    }

    /// Whether it is sealed before a request is carried out, and after; that is once.
    fn moments(&self, request: &[u8]) -> (bool, bool) {
        let mut moment = self.moment.lock().unwrap();
        let is = |method: &str| request.starts_with(format!("{method} ").as_bytes());
        let now = match *moment {
            Some(Moment::Before(method)) => (is(method), false),
            Some(Moment::After(method)) => (false, is(method)),
            None => (false, false),
        };
        if now != (false, false) {
            *moment = None;
        }
        now
    }

    async fn seal(&self) {
        if self.real.is_some() {
            let (status, said) = self.asks("PUT", "sys/seal", Some(json!({}))).await;
            assert_eq!(status, 204, "{said}");
        }
        self.is_sealed.store(true, Ordering::SeqCst);
    }

    async fn unseal(&self) {
        self.is_sealed.store(false, Ordering::SeqCst);
        let Some(real) = &self.real else { return };
        let (status, said) = self.asks("PUT", "sys/unseal", Some(json!({ "key": real.key }))).await;
        assert_eq!((status, &said["sealed"]), (200, &json!(false)), "{said}");
        self.waits_for_answer().await;
    }

    /// Until it answers what it is asked of documents.
    async fn waits_for_answer(&self) {
        for _ in 0..ASK_COUNT {
            let (status, _) = self.asks("GET", &format!("{MOUNT}/metadata/{FOLDER}?list=true"), None).await;
            if matches!(status, 200 | 404) {
                return;
            }
            SystemClock.sleep(Duration::from_millis(ASK_MILLISECONDS)).await;
        }
        panic!("it does not answer");
    }

    /// Asks beside whoever is looked at: the status, and what was answered.
    async fn asks(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        // Of an older version of HTTP, so that an answer is in one piece.
        let request = format!(
            "{method} /v1/{path} HTTP/1.0\r\nhost: vault\r\nx-vault-token: {VAULT_TOKEN}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = String::from_utf8(self.passed(request.as_bytes()).await.unwrap_or_default()).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    async fn passed(&self, request: &[u8]) -> io::Result<Vec<u8>> {
        let Some(real) = &self.real else { return Ok(self.played(request)) };
        let mut stream = TcpStream::connect(real.at).await?;
        let end = request.windows(2).position(|two| two == b"\r\n").unwrap() + 2;
        let (line, rest) = request.split_at(end);
        stream.write_all(&[line, b"connection: close\r\n", rest].concat()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(answer)
    }

    /// The answer of the server that is played.
    fn played(&self, request: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(request);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut words = head.split_whitespace();
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let token = head.lines().find_map(|line| line.strip_prefix("x-vault-token: "));
        let (status, answer) = match () {
            () if self.is_sealed.load(Ordering::SeqCst) => (503, json!({ "errors": ["Vault is sealed"] })),
            () if token != Some(VAULT_TOKEN) => (403, json!({ "errors": ["permission denied"] })),
            () => self.done(method, target.split('?').next().unwrap(), body),
        };
        let body = if status == 204 { String::new() } else { answer.to_string() };
        let head = format!("HTTP/1.1 {status} Played\r\ncontent-type: application/json\r\nconnection: close\r\n");
        format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }

    /// What is asked for is done.
    fn done(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let mut documents = self.played.lock().unwrap();
        let of = |kind: &str| path.strip_prefix(&format!("/v1/{MOUNT}/{kind}/{FOLDER}")).map(str::to_owned);
        let name = |rest: Option<String>| Some(rest?.strip_prefix('/')?.to_owned());
        let nothing = (404, json!({ "errors": [] }));
        match (method, name(of("data")), of("metadata")) {
            ("POST", Some(name), _) => {
                let body: Value = serde_json::from_str(body).unwrap();
                assert_eq!(body["options"]["cas"], 0, "it is written only where nothing is");
                match documents.entry(name) {
                    Entry::Occupied(_) => (400, json!({ "errors": ["check-and-set parameter did not match"] })),
                    Entry::Vacant(free) => {
                        free.insert(body["data"]["document"].as_str().unwrap().to_owned());
                        (200, json!({ "data": { "version": 1 } }))
                    }
                }
            }
            ("GET", Some(name), _) => documents.get(&name).map_or(nothing, |text| {
                (200, json!({ "data": { "data": { "document": text }, "metadata": { "version": 1 } } }))
            }),
            ("GET", None, Some(rest)) if rest.is_empty() => match documents.is_empty() {
                true => nothing,
                false => (200, json!({ "data": { "keys": documents.keys().collect::<Vec<_>>() } })),
            },
            ("DELETE", _, rest @ Some(_)) => {
                documents.remove(&name(rest).unwrap());
                (204, Value::Null)
            }
            other => (405, json!({ "errors": [format!("{other:?} is not played")] })),
        }
    }
}
