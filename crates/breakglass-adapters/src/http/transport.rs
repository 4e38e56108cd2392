//! Requests over HTTPS: how they get there, and what it means if they do not.
//!
//! Public authorities are Mozilla's list, compiled in; [`Authorities`] are trusted besides. The environment is not read,
//! no redirect is followed, no cookie is kept. [decision 0009](../../../../docs/decisions/0009-the-live-client.md).
//!
//! **Limits:** those of [`TransportLimits`]. What is wiped is what is ours: HTTP and TLS keep copies in buffers of theirs.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, NoProxy, Proxy, Url, redirect, retry};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};

use super::authorities::Authorities;
use super::limits::{REFUSAL_BYTES_MAX, TransportLimits};
use super::secret::{Gathered, SecretText};

/// Who we are.
const USER_AGENT: &str = concat!("breakglass/", env!("CARGO_PKG_VERSION"));
/// How long a connection is kept that nobody uses: shorter than servers do, so that none is used that they close.
const IDLE_SECONDS_MAX: u64 = 20;

/// By which proxies the tenant is reached.
#[derive(Debug, Default)]
pub struct Proxies {
    /// The address of the proxy for what is secured, as `http://user:password@proxy.contoso.com:8080`.
    pub https: Option<SecretText>,
    /// Names and addresses that are reached without it, as in the variable `NO_PROXY`: separated by commas.
    pub no_proxy: String,
}

impl Proxies {
    /// Host and port of the proxy, without the name and the password that may stand before them; `None` without a proxy.
    #[must_use]
    pub fn host(&self) -> Option<String> {
        let url = Url::parse(self.https.as_ref()?.text()).ok();
        let host = url.as_ref().and_then(|url| Some((url.host_str()?, url.port_or_known_default()?)));
        Some(host.map_or_else(|| "an address that is none".to_owned(), |(host, port)| format!("{host}:{port}")))
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The proxy's address is none.
    #[error("the address of the proxy is none: {0}")]
    Proxy(String),
    /// An authority cannot be trusted.
    #[error("a certificate authority cannot be used: {0}")]
    Authority(String),
    /// The libraries refuse.
    #[error("the client for HTTPS cannot be made: {0}")]
    Client(String),
}

/// A request as it is sent.
pub(crate) struct Sent {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
}

/// An answer, whatever it says.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// Whole if the status says yes; of a refusal as much as came.
    pub(crate) body: Gathered,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No connection stood, so nothing was sent. Whether another try can help is told besides.
    NotSent { why: String, may_pass: bool },
    /// The connection stood.
    Lost { why: String },
    /// There is an answer that says yes, and more of it than is read.
    TooLarge { bytes_max: usize },
}

/// The way out.
#[derive(Debug)]
pub(crate) struct Transport {
    client: Client,
    /// How failed connections name the proxy; empty without one.
    by_proxy: String,
    answer_bytes: usize,
}

impl Transport {
    pub(crate) fn new(
        limits: &TransportLimits,
        proxies: &Proxies,
        authorities: &Authorities,
    ) -> Result<Self, TransportError> {
        let builder = Client::builder()
            .tls_backend_preconfigured(tls(authorities)?)
            // Before a proxy of ours is added: it takes those of the environment away.
            .no_proxy()
            .redirect(redirect::Policy::none())
            // Repeating is decided by who knows what the request does.
            .retry(retry::never())
            .referer(false)
            .user_agent(USER_AGENT)
            .connect_timeout(limits.connect)
            .timeout(limits.answer)
            .read_timeout(limits.piece)
            .pool_idle_timeout(std::time::Duration::from_secs(IDLE_SECONDS_MAX));
        let builder = match proxy(proxies)? {
            Some(proxy) => builder.proxy(proxy),
            None => builder,
        };
        let client = builder.build().map_err(|error| TransportError::Client(words(&error)))?;
        let by_proxy = match proxies.host() {
            None => String::new(),
            Some(host) if proxies.no_proxy.is_empty() => format!(" by the proxy `{host}`"),
            Some(host) => format!(" (by the proxy `{host}`, unless NO_PROXY names it)"),
        };
        Ok(Self { client, by_proxy, answer_bytes: limits.answer_bytes })
    }

    /// Sends a request once and reads the answer.
    pub(crate) async fn send(&self, sent: Sent) -> Result<Reply, Failure> {
        let host = format!("`{}`{}", sent.url.host_str().unwrap_or_default(), self.by_proxy);
        let mut request = self.client.request(sent.method, sent.url).headers(sent.headers);
        if let Some(body) = sent.body {
            request = request.body(body);
        }
        let mut response = request.send().await.map_err(|error| failure(&host, &error))?;
        let status = response.status().as_u16();
        let is_yes = (200..300).contains(&status);
        let bytes_max = if is_yes { self.answer_bytes } else { self.answer_bytes.min(REFUSAL_BYTES_MAX) };
        let expected = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        let mut reply = Reply {
            status,
            headers: std::mem::take(response.headers_mut()),
            body: Gathered::with_capacity(expected.min(REFUSAL_BYTES_MAX)),
        };
        loop {
            match response.chunk().await {
                Ok(Some(piece)) if reply.body.len().saturating_add(piece.len()) <= bytes_max => reply.body.push(&piece),
                Ok(Some(_)) if is_yes => return Err(Failure::TooLarge { bytes_max }),
                Err(error) if is_yes => return Err(failure(&host, &error)),
                // No is no, even if its reasons are cut off.
                Ok(_) | Err(_) => return Ok(reply),
            }
        }
    }
}

fn tls(authorities: &Authorities) -> Result<ClientConfig, TransportError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for authority in &authorities.0 {
        roots.add(authority.clone()).map_err(|error| TransportError::Authority(error.to_string()))?;
    }
    let mut config = ClientConfig::builder_with_provider(default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(|error| TransportError::Client(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // What is not said here is not spoken: reqwest leaves a configuration as it is.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn proxy(proxies: &Proxies) -> Result<Option<Proxy>, TransportError> {
    let Some(address) = &proxies.https else { return Ok(None) };
    let url = Url::parse(address.text()).map_err(|error| TransportError::Proxy(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(TransportError::Proxy("it begins with neither http:// nor https://".to_owned()));
    }
    let proxy = Proxy::https(url).map_err(|error| TransportError::Proxy(words(&error)))?;
    Ok(Some(proxy.no_proxy(NoProxy::from_string(&proxies.no_proxy))))
}

/// What a failure means for the request to a host, which is named with the way to it.
///
/// A connection that could not be made within its time-out is a failed connection; every other time-out is of an answer.
/// That holds because the time-out of the connection is the shorter one.
fn failure(host: &str, error: &reqwest::Error) -> Failure {
    let reasons = words(error);
    if error.is_connect() {
        let mut why = match (error.is_dns(), error.is_timeout()) {
            (true, _) => format!("the name {host} is not found"),
            (false, true) => format!("{host} does not answer in time"),
            (false, false) => format!("there is no connection to {host}"),
        };
        let distrusted = distrust(error);
        if distrusted.is_none() && !error.is_timeout() {
            let _ = write!(why, ": {reasons}");
        }
        if let Some(hint) = &distrusted {
            let _ = write!(why, ": {reasons}; {hint}");
        }
        return Failure::NotSent { why, may_pass: distrusted.is_none() };
    }
    if error.is_builder() {
        return Failure::NotSent { why: format!("the request cannot be made: {reasons}"), may_pass: false };
    }
    let why = if error.is_timeout() {
        format!("{host} took too long to answer")
    } else {
        format!("the connection to {host} broke: {reasons}")
    };
    Failure::Lost { why }
}

/// What to do where a certificate is at fault: another try would not help.
fn distrust(error: &reqwest::Error) -> Option<&'static str> {
    use rustls::CertificateError as Wrong;
    let wrong = causes(error).find_map(|cause| {
        // An error of input and output leaves out of its sources what it was made of, and one is made of another here.
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let mut inner =
            std::iter::successors(inner, |inner| inner.downcast_ref::<io::Error>().and_then(io::Error::get_ref));
        inner.find_map(|inner| inner.downcast_ref::<rustls::Error>()).or_else(|| cause.downcast_ref::<rustls::Error>())
    })?;
    match wrong {
        rustls::Error::InvalidCertificate(Wrong::UnknownIssuer) => {
            Some("a proxy may look into the connection: name the file with its certificate authority")
        }
        rustls::Error::InvalidCertificate(
            Wrong::Expired | Wrong::ExpiredContext { .. } | Wrong::NotValidYet | Wrong::NotValidYetContext { .. },
        ) => Some("look whether the clock of this machine is right"),
        rustls::Error::InvalidCertificate(_) => Some("it is not the server that was meant"),
        _ => None,
    }
}

/// The causes of an error, the nearest first.
fn causes<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(error.source(), |cause: &&'e (dyn StdError + 'static)| (*cause).source())
}

/// The causes in words, each once, without the address, in which a question may be.
fn words(error: &(dyn StdError + 'static)) -> String {
    let mut all: Vec<String> = Vec::new();
    for cause in causes(error) {
        let cause = cause.to_string();
        let is_said = all.iter().any(|said| said.contains(&cause));
        // The layers of the client say that there is an error; which one, those below say.
        if !is_said && !cause.starts_with("client error (") && !cause.starts_with("error sending request") {
            all.push(cause);
        }
    }
    if all.is_empty() { "no reason is given".to_owned() } else { all.join(": ") }
}
