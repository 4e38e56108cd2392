//! What the tenant itself asks over HTTP: one request on a connection of its own, to this machine and nowhere else.
//!
//! **Invariant:** no name is looked up. An address that is not a loopback address or `localhost` is none, but for the one
//! at which a tenant itself is served; and an answer that sends elsewhere is not followed.
//! **Limits:** [`ANSWER_BYTES_MAX`]; whoever asks sets a time-out around it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Request, Uri, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::tls::{AUTHORITY_FILE, BEYOND_AUTHORITY_FILE};

/// Bytes of the longest answer that is read.
pub(crate) const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Characters of the longest address.
const ADDRESS_CHARS_MAX: usize = 2_048;

/// An address on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    is_secure: bool,
    /// As it stands in the address: with its port, if it has one.
    authority: String,
    host: String,
    port: u16,
    /// The path and the query.
    target: String,
}

impl Address {
    /// Reads `https://…` or `http://…`; `None` if it is none, or is not on this machine.
    pub(crate) fn read(text: &str) -> Option<Self> {
        Self::read_any(text).filter(|(_, is_here)| *is_here).map(|(address, _)| address)
    }

    /// The same of the address at which a tenant itself is served, which other machines may reach as well.
    pub(crate) fn of_tenant(text: &str) -> Option<Self> {
        let (address, is_here) = Self::read_any(text)?;
        (is_here || address.host.parse::<IpAddr>().is_ok()).then_some(address)
    }

    /// An address, and whether it is one of loopback.
    fn read_any(text: &str) -> Option<(Self, bool)> {
        if text.len() > ADDRESS_CHARS_MAX || text.contains('#') {
            return None;
        }
        let uri: Uri = text.parse().ok()?;
        let (is_secure, usual) = match uri.scheme_str()? {
            "https" => (true, 443),
            "http" => (false, 80),
            _ => return None,
        };
        let authority = uri.authority()?;
        let port = match authority.port_u16() {
            Some(port) => port,
            None if authority.as_str() == authority.host() => usual,
            // A port that is none, or a name of somebody before the host.
            None => return None,
        };
        let host = authority.host().trim_matches(['[', ']']).to_ascii_lowercase();
        let is_here =
            host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback());
        if authority.as_str().contains('@') {
            return None;
        }
        let target = uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
        Some((Self { is_secure, authority: authority.as_str().to_owned(), host, port, target }, is_here))
    }

    /// With one more member in its query, which is escaped already.
    pub(crate) fn with_member(mut self, member: &str) -> Self {
        self.target.push(if self.target.contains('?') { '&' } else { '?' });
        self.target.push_str(member);
        self
    }

    /// With another path and query.
    pub(crate) fn with_target(self, target: String) -> Self {
        Self { target, ..self }
    }

    /// The host and its port.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        match self.host.parse::<IpAddr>() {
            Ok(address) => TcpStream::connect((address, self.port)).await,
            Err(_) => {
                let both = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()];
                let both = both.map(|address| SocketAddr::new(address, self.port));
                TcpStream::connect(&both[..]).await
            }
        }
    }
}

/// A request.
#[derive(Debug)]
pub(crate) struct Sending<'a> {
    pub(crate) method: &'a str,
    pub(crate) headers: Vec<(header::HeaderName, HeaderValue)>,
    pub(crate) body: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

/// Trusts the authorities of a tenant's folder and no other; `None` where one of them cannot be read.
pub(crate) fn trusting(folder: &Path) -> io::Result<Option<Arc<ClientConfig>>> {
    let own = std::fs::read(folder.join(AUTHORITY_FILE));
    let pems: Vec<Vec<u8>> = match (own, std::fs::read(folder.join(BEYOND_AUTHORITY_FILE))) {
        (Err(error), Err(_)) => return Err(error),
        (own, beyond) => own.into_iter().chain(beyond).collect(),
    };
    let build = || {
        let mut roots = RootCertStore::empty();
        for pem in &pems {
            roots.add(CertificateDer::from_pem_slice(pem).ok()?).ok()?;
        }
        let builder = ClientConfig::builder_with_provider(default_provider().into());
        let builder = builder.with_safe_default_protocol_versions().ok()?;
        Some(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
    };
    Ok(build())
}

/// Sends a request. The connection is closed once it is answered.
pub(crate) async fn send(address: &Address, trusted: Arc<ClientConfig>, sending: Sending<'_>) -> io::Result<Answer> {
    let mut request = Request::builder().method(sending.method).uri(&address.target);
    for (name, value) in sending.headers {
        request = request.header(name, value);
    }
    let request = request.header(header::HOST, &address.authority).header(header::CONNECTION, "close");
    let request = request.body(Body::from(sending.body)).map_err(io::Error::other)?;
    let stream = address.connect().await?;
    if !address.is_secure {
        return exchanged(stream, request).await;
    }
    let name = ServerName::try_from(address.host.clone()).map_err(io::Error::other)?;
    exchanged(TlsConnector::from(trusted).connect(name, stream).await?, request).await
}

async fn exchanged(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Body>,
) -> io::Result<Answer> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let asked = async {
        let (head, body) = sender.send_request(request).await.map_err(io::Error::other)?.into_parts();
        let content_type = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let body = to_bytes(Body::new(body), ANSWER_BYTES_MAX).await.map_err(io::Error::other)?;
        Ok(Answer { status: head.status.as_u16(), content_type, body: body.to_vec() })
    };
    let (mut asked, mut connection) = (pin!(asked), pin!(connection));
    tokio::select! {
        biased;
        answer = &mut asked => answer,
        // What came before the connection ended is there to be read.
        _ = &mut connection => asked.await,
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn only_addresses_of_this_machine_are_addresses() {
        for (text, host, port, target) in [
            ("https://127.0.0.1:8443/a?b=c", "127.0.0.1", 8443, "/a?b=c"),
            ("http://localhost/hook", "localhost", 80, "/hook"),
            ("https://LOCALHOST", "localhost", 443, "/"),
            ("https://[::1]:9/x", "::1", 9, "/x"),
            ("https://127.8.9.10/", "127.8.9.10", 443, "/"),
        ] {
            let read = Address::read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((read.host.as_str(), read.port, read.target.as_str()), (host, port, target), "{text}");
        }
        for text in [
            "https://example.com/",
            "https://10.0.0.1/",
            "https://0.0.0.0/",
            "https://[::]/",
            "https://127.0.0.1.example.com/",
            "https://127.0.0.1@example.com/",
            "https://example.com@127.0.0.1/",
            "https://localhost.example.com/",
            "https://127.1/",
            "https://2130706433/",
            "https://127.0.0.1:99999/",
            "https://127.0.0.1/#here",
            "ftp://127.0.0.1/",
            "127.0.0.1:80",
            "/hook",
            "",
        ] {
            assert_eq!(Address::read(text), None, "{text}");
        }
        assert_eq!(Address::read(&format!("https://localhost/{}", "a".repeat(2_048))), None);
    }

    #[test]
    fn members_are_added_to_a_query() {
        let target = |text: &str| Address::read(text).unwrap().with_member("t=1").target;
        assert_eq!(target("https://localhost/a"), "/a?t=1");
        assert_eq!(target("https://localhost/a?b"), "/a?b&t=1");
    }
}
