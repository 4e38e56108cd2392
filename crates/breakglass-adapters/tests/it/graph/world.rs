//! A Graph and an authority that answer by script, and surroundings that do not wait.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use breakglass_adapters::graph::sign_in::{DeviceCode, Prompt, Way};
use breakglass_adapters::graph::{Cloud, GraphClient, Limits, Settings, Surroundings};
use breakglass_adapters::http::{Authorities, Proxies, SecretText};
use breakglass_ops::ports::{Clock, GraphRequest, Method, Random, RandomError};
use jiff::Timestamp;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const TENANT: &str = "contoso.onmicrosoft.com";
pub(crate) const CLIENT: &str = "11111111-2222-3333-4444-555555555555";
/// The secret of the application; it must be seen in the form of a sign-in and nowhere else.
pub(crate) const SECRET: &str = "hush-client-secret";

/// What happens to a request.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// It is answered.
    Answer { status: u16, headers: Vec<(&'static str, String)>, body: String },
    /// The connection is closed after it was read.
    Close,
    /// The connection is closed before anything of it is read.
    CloseUnread,
    /// These bytes are sent, and the connection is closed.
    Raw(Vec<u8>),
    /// These bytes are sent, and nothing more for as long as the client waits.
    Stall(Vec<u8>),
}

/// An answer with a body.
pub(crate) fn answer(status: u16, body: &str) -> Step {
    Step::Answer { status, headers: Vec::new(), body: body.to_owned() }
}

/// An answer with a header.
pub(crate) fn answer_with(status: u16, name: &'static str, value: &str) -> Step {
    Step::Answer { status, headers: vec![(name, value.to_owned())], body: String::new() }
}

/// A request with a body, to be sent once.
pub(crate) fn sending(method: Method, target: &str, body: Value) -> GraphRequest<'_> {
    GraphRequest::with_body(method, target, Cow::<Value>::Owned(body))
}

/// A token and how long it is good.
pub(crate) fn token(access: &str, seconds: u64) -> Step {
    answer(200, &format!(r#"{{"access_token":"{access}","expires_in":{seconds}}}"#))
}

/// A request that was read.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn is_of_authority(&self) -> bool {
        self.line.contains("/oauth2/")
    }

    /// A member of the form.
    pub(crate) fn member(&self, name: &str) -> Option<String> {
        let query = format!("http://x/?{}", self.body);
        let url = reqwest::Url::parse(&query).unwrap();
        url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }
}

#[derive(Default)]
struct Script {
    graph: VecDeque<Step>,
    authority: VecDeque<Step>,
    seen: Vec<Seen>,
    tokens: u32,
}

/// The server.
pub(crate) struct Played {
    pub(crate) address: SocketAddr,
    script: Arc<Mutex<Script>>,
}

impl Played {
    /// Answers requests to Graph by a script, and those to the authority with tokens that are good for an hour.
    pub(crate) async fn graph(steps: impl IntoIterator<Item = Step>) -> Self {
        Self::both(steps, []).await
    }

    /// The same with a script of the authority, before it gives tokens.
    pub(crate) async fn both(graph: impl IntoIterator<Item = Step>, authority: impl IntoIterator<Item = Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Script {
            graph: graph.into_iter().collect(),
            authority: authority.into_iter().collect(),
            ..Script::default()
        };
        let script = Arc::new(Mutex::new(script));
        let shared = Arc::clone(&script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(served(stream, Arc::clone(&shared)));
            }
        });
        Self { address, script }
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All that was read, in order.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.script.lock().unwrap().seen.clone()
    }

    /// What Graph was asked.
    pub(crate) fn asked(&self) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| !seen.is_of_authority()).collect()
    }

    /// What the authority was asked.
    pub(crate) fn signed_in(&self) -> Vec<Seen> {
        self.seen().into_iter().filter(Seen::is_of_authority).collect()
    }

    /// A client that signs in with a secret.
    pub(crate) fn client(&self, world: &World) -> GraphClient {
        self.client_by(world, Way::ClientSecret(SecretText::new(SECRET.to_owned())))
    }

    pub(crate) fn client_by(&self, world: &World, way: Way) -> GraphClient {
        GraphClient::new(self.settings(world, way), world.surroundings()).unwrap()
    }

    pub(crate) fn settings(&self, world: &World, way: Way) -> Settings {
        let origin = self.origin();
        Settings {
            cloud: Cloud::custom_with_loopback_http(&origin, &origin).unwrap(),
            tenant: TENANT.to_owned(),
            client_id: CLIENT.to_owned(),
            way,
            permissions: Vec::new(),
            proxies: Proxies::default(),
            authorities: Authorities::default(),
            cache: None,
            limits: world.limits,
        }
    }
}

async fn served(mut stream: TcpStream, script: Arc<Mutex<Script>>) {
    // Whether it is to be read is decided before it is: such a step is for Graph.
    {
        let mut script = script.lock().unwrap();
        if script.tokens > 0 && matches!(script.graph.front(), Some(Step::CloseUnread)) {
            script.graph.pop_front();
            return;
        }
    }
    let Some(seen) = read(&mut stream).await else { return };
    let step = {
        let mut script = script.lock().unwrap();
        let step = if seen.is_of_authority() {
            script.tokens += 1;
            let usual = token(&format!("hush-token-{}", script.tokens), 3_600);
            script.authority.pop_front().unwrap_or(usual)
        } else {
            script.graph.pop_front().unwrap_or_else(|| answer(200, "{}"))
        };
        script.seen.push(seen);
        step
    };
    let bytes = match step {
        Step::Close | Step::CloseUnread => return,
        Step::Raw(bytes) => bytes,
        Step::Stall(bytes) => {
            stream.write_all(&bytes).await.unwrap();
            // Until the client goes away.
            drop(stream.read(&mut [0; 1]).await);
            return;
        }
        Step::Answer { status, headers, body } => {
            let mut head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                write!(head, "{name}: {value}\r\n").unwrap();
            }
            format!("{head}\r\n{body}").into_bytes()
        }
    };
    drop(stream.write_all(&bytes).await);
    drop(stream.shutdown().await);
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let seen = Seen {
                line: head.lines().next().unwrap_or_default().to_owned(),
                head: head.to_owned(),
                body: body.to_owned(),
            };
            let length = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return Some(seen);
            }
        }
        let mut piece = [0; 4_096];
        let count = stream.read(&mut piece).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&piece[..count]);
    }
}

/// Time that passes only by waiting, and is told how much that was.
pub(crate) struct Time {
    now: Mutex<Timestamp>,
    pub(crate) slept: Mutex<Vec<Duration>>,
}

#[async_trait]
impl Clock for Time {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        self.pass(duration);
        self.slept.lock().unwrap().push(duration);
        tokio::task::yield_now().await;
    }
}

impl Time {
    /// Lets time pass.
    pub(crate) fn pass(&self, duration: Duration) {
        let mut now = self.now.lock().unwrap();
        *now = now.saturating_add(duration).unwrap();
    }

    /// The waits in milliseconds.
    pub(crate) fn waits(&self) -> Vec<u128> {
        self.slept.lock().unwrap().iter().map(Duration::as_millis).collect()
    }
}

/// Bytes that count, so that no two ids are one.
#[derive(Default)]
pub(crate) struct Counting(Mutex<u64>);

impl Random for Counting {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        // A single byte decides about a wait: the longest one.
        if buffer.len() == 1 {
            buffer.fill(u8::MAX);
            return Ok(());
        }
        let mut count = self.0.lock().unwrap();
        *count += 1;
        for chunk in buffer.chunks_mut(8) {
            chunk.copy_from_slice(&count.to_be_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// What opens an address.
pub(crate) type Browser = Box<dyn Fn(&str) + Send + Sync>;

/// What somebody was shown.
#[derive(Default)]
pub(crate) struct Shown {
    pub(crate) texts: Mutex<Vec<String>>,
    /// What a browser does with an address.
    pub(crate) browser: Option<Browser>,
}

impl Prompt for Shown {
    fn open(&self, address: &str) {
        self.texts.lock().unwrap().push(address.to_owned());
        if let Some(browser) = &self.browser {
            browser(address);
        }
    }

    fn enter_code(&self, code: &DeviceCode<'_>) {
        self.texts.lock().unwrap().push(format!("{} {} {}", code.address, code.code, code.seconds));
    }

    fn note(&self, text: &str) {
        self.texts.lock().unwrap().push(text.to_owned());
    }
}

/// Everything but the network.
pub(crate) struct World {
    pub(crate) time: Arc<Time>,
    pub(crate) shown: Arc<Shown>,
    pub(crate) limits: Limits,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::seen_by(Shown::default())
    }

    pub(crate) fn seen_by(shown: Shown) -> Self {
        let now = Mutex::new("2026-11-26T03:00:00Z".parse().unwrap());
        let time = Arc::new(Time { now, slept: Mutex::default() });
        // What is waited for by the network's own time-outs is short; nothing here comes close to them unless it is meant.
        let limits =
            Limits { browser: Duration::from_secs(20), azure_cli: Duration::from_secs(20), ..Limits::default() };
        Self { time, shown: Arc::new(shown), limits }
    }

    pub(crate) fn surroundings(&self) -> Surroundings {
        let (clock, prompt) = (Arc::clone(&self.time), Arc::clone(&self.shown));
        Surroundings { clock, random: Arc::new(Counting::default()), prompt }
    }
}
