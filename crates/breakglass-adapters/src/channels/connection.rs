//! Connections to servers that do not speak HTTP: TCP, and TLS over it as over HTTPS.
//!
//! Public authorities are Mozilla's list, compiled in; [`Authorities`] are trusted besides. A proxy of HTTP is not used.
//! **Limit:** [`CONNECTION_BYTES_MAX`].

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use breakglass_ops::ports::Untaken;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::later;
use crate::http::{Authorities, TransportError};

/// Bytes that are read from a server, all in all.
pub(super) const CONNECTION_BYTES_MAX: usize = 256 << 10;

/// Why a server cannot be connected to.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The host or the port is none.
    #[error("`{0}` is no name and no number of a server with a port behind it")]
    Host(String),
    /// What is sent could be read on its way.
    #[error("`{0}` is not this machine by its number: what is sent there has to be secured")]
    Unsecured(String),
    /// TLS cannot be spoken.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// A server.
pub(super) struct Server {
    host: String,
    port: u16,
    name: ServerName<'static>,
    connector: TlsConnector,
}

impl Server {
    pub(super) fn new((host, port): (&str, u16), authorities: &Authorities) -> Result<Self, ConnectionError> {
        let wrong = || ConnectionError::Host(format!("{host}:{port}"));
        let name = ServerName::try_from(host.to_owned()).map_err(|_| wrong())?;
        if port == 0 {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port, name, connector: connector(authorities)? })
    }

    /// Whether it is this machine, by its number.
    pub(super) fn is_here(&self) -> bool {
        self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// A connection over which nothing was said yet, and which nothing secures.
    pub(super) async fn connected(&self) -> Result<TcpStream, Untaken> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        stream.map_err(|error| later(format!("there is no connection to `{self}`: {error}")))
    }

    /// The same, as what is spoken over.
    pub(super) fn plain(&self, stream: TcpStream) -> Result<Line, Untaken> {
        Line::over(stream.peer_addr(), stream, b"").map_err(|error| self.lost(&error))
    }

    /// The same with TLS over it. What is `said_before` is read first, as if the server had said it.
    pub(super) async fn secured(&self, stream: TcpStream, said_before: &'static [u8]) -> Result<Line, Untaken> {
        let peer = stream.peer_addr();
        let stream = self.connector.connect(self.name.clone(), stream).await;
        let stream = stream.map_err(|error| later(format!("the connection to `{self}` cannot be secured: {error}")))?;
        Line::over(peer, stream, said_before).map_err(|error| self.lost(&error))
    }

    pub(super) fn lost(&self, error: &io::Error) -> Untaken {
        later(format!("the connection to `{self}` broke: {error}"))
    }

    pub(super) fn too_slow(&self) -> Untaken {
        later(format!("`{self}` took too long"))
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

fn connector(authorities: &Authorities) -> Result<TlsConnector, TransportError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for authority in &authorities.0 {
        roots.add(authority.clone()).map_err(|error| TransportError::Authority(error.to_string()))?;
    }
    let config = ClientConfig::builder_with_provider(default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(|error| TransportError::Client(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// TCP, or TLS over it.
trait Stream: AsyncRead + AsyncWrite + fmt::Debug + Send + Sync + Unpin {}

impl<S: AsyncRead + AsyncWrite + fmt::Debug + Send + Sync + Unpin> Stream for S {}

/// What is spoken over. A server that talks without an end is not listened to without an end.
#[derive(Debug)]
pub(super) struct Line {
    said_before: &'static [u8],
    bytes_left: usize,
    peer: SocketAddr,
    stream: Box<dyn Stream>,
}

impl Line {
    fn over(
        peer: io::Result<SocketAddr>,
        stream: impl Stream + 'static,
        said_before: &'static [u8],
    ) -> io::Result<Self> {
        Ok(Self { said_before, bytes_left: CONNECTION_BYTES_MAX, peer: peer?, stream: Box::new(stream) })
    }

    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.said_before.is_empty() {
            let (now, rest) = this.said_before.split_at(this.said_before.len().min(buffer.remaining()));
            buffer.put_slice(now);
            this.said_before = rest;
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        let count = buffer.filled().len().saturating_sub(before);
        match this.bytes_left.checked_sub(count) {
            Some(left) => {
                this.bytes_left = left;
                Poll::Ready(Ok(()))
            }
            None => Poll::Ready(Err(io::Error::other("the server says more than is listened to"))),
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
