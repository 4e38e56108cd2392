//! The HTTPS server: two addresses, one for the login endpoints and Graph, one for Azure Resource Manager; and a
//! CONNECT proxy for clients that insist on port 443.
//!
//! **Promise:** whoever connects and asks is served, however many others connect and do not: when all places are taken,
//! the connection gives way whose client has kept the tenant waiting longest.
//! **Limits:** those of [`Limits`], [`HEAD_BYTES_MAX`], [`HEAD_COUNT_MAX`], [`PROXY_HEAD_BYTES_MAX`].

mod body;
mod places;
mod proxy;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body as AxumBody;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use self::body::LargeBodies;
use self::places::{Place, Places};
pub use self::proxy::{PROXY_HEAD_BYTES_MAX, serve_proxy};
use crate::call::{Body, Call, Reply};
use crate::tenant::{DEVICE_HEADER, Tenant};
use crate::{retention, subscriptions};

/// Connections that are open at a time on one address.
pub const CONNECTION_COUNT_MAX: usize = 1_024;
/// Bytes of the largest body that is read.
pub const BODY_BYTES_MAX: usize = 4 << 20;
/// Bytes of all bodies above 64 KiB that are in memory at a time, on both addresses together.
pub const LARGE_BODIES_BYTES_MAX: usize = 64 << 20;
/// Bytes of the head of a request after which no more of it is read.
pub const HEAD_BYTES_MAX: usize = 64 << 10;
/// Headers of one request.
pub const HEAD_COUNT_MAX: usize = 100;
/// Seconds in which a connection has to be secured.
pub const HANDSHAKE_SECONDS_MAX: u64 = 10;
/// Seconds in which the head of the first request has to arrive.
pub const HEADER_SECONDS_MAX: u64 = 30;
/// Seconds in which a request's body has to arrive.
pub const REQUEST_SECONDS_MAX: u64 = 60;
/// Seconds in which an answer has to be read and the head of the next request has to arrive.
pub const IDLE_SECONDS_MAX: u64 = 60;
/// Answers that are worked out at a time.
const WORKER_COUNT_MAX: usize = 64;

/// The header by which a client on this machine says from which address it signs in.
pub const PLACE_HEADER: &str = "x-breakglass-place";

/// How much is open at a time, and how long clients are waited for. Usually [`Limits::USUAL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections that are open at a time on one address; the one that has waited longest for its client makes room
    /// for one more.
    pub connections: usize,
    /// Bytes of all bodies above 64 KiB that are in memory at a time; a request whose body would be more is answered
    /// with 503.
    pub large_bodies: usize,
    /// How long a connection may take to be secured.
    pub handshake: Duration,
    /// How long the head of the first request may take.
    pub head: Duration,
    /// How long the body of a request may take; then the answer is 408.
    pub body: Duration,
    /// How long the client may take to read an answer and to send the head of the next request.
    pub idle: Duration,
}

impl Limits {
    /// Those that a tenant is served with unless it is said otherwise.
    pub const USUAL: Self = Self {
        connections: CONNECTION_COUNT_MAX,
        large_bodies: LARGE_BODIES_BYTES_MAX,
        handshake: Duration::from_secs(HANDSHAKE_SECONDS_MAX),
        head: Duration::from_secs(HEADER_SECONDS_MAX),
        body: Duration::from_secs(REQUEST_SECONDS_MAX),
        idle: Duration::from_secs(IDLE_SECONDS_MAX),
    };
}

/// What answers a call.
type Answer = fn(&Tenant, &Call) -> Reply;

#[derive(Clone)]
struct Stage {
    tenant: Arc<Tenant>,
    answer: Answer,
    workers: Arc<Semaphore>,
    large_bodies: LargeBodies,
    limits: Limits,
}

/// Serves the login endpoints and Graph on one address, and Azure Resource Manager on another, and delivers the change
/// notifications of Graph, until it is dropped.
///
/// # Errors
/// When an address cannot be listened on any more.
pub async fn serve(
    tenant: Arc<Tenant>,
    config: Arc<ServerConfig>,
    listeners: (TcpListener, TcpListener),
) -> std::io::Result<()> {
    serve_within(tenant, config, listeners, Limits::USUAL).await
}

/// The same within other limits.
///
/// # Errors
/// When an address cannot be listened on any more.
pub async fn serve_within(
    tenant: Arc<Tenant>,
    config: Arc<ServerConfig>,
    (own, manager): (TcpListener, TcpListener),
    limits: Limits,
) -> std::io::Result<()> {
    let workers = Arc::new(Semaphore::new(WORKER_COUNT_MAX));
    let large_bodies = LargeBodies::new(limits.large_bodies);
    let stage = |answer: Answer| Stage {
        tenant: Arc::clone(&tenant),
        answer,
        workers: Arc::clone(&workers),
        large_bodies: large_bodies.clone(),
        limits,
    };
    let (own_stage, manager_stage) = (stage(Tenant::answer), stage(Tenant::answer_manager));
    let delivered = subscriptions::deliver(Arc::clone(&tenant));
    let forgotten = retention::run(Arc::clone(&tenant));
    let (own, manager) = (listen(own, Arc::clone(&config), own_stage), listen(manager, config, manager_stage));
    tokio::join!(own, manager, delivered, forgotten);
    Ok(())
}

async fn listen(listener: TcpListener, config: Arc<ServerConfig>, stage: Stage) {
    let acceptor = TlsAcceptor::from(config);
    let places = Places::new(stage.limits.connections);
    let limits = stage.limits;
    let allows_http = stage.tenant.allows_loopback_http;
    let router = Router::new().fallback(answered).with_state(stage);
    loop {
        let (stream, remote) = accepted(&listener, &places).await;
        let place = places.take().await;
        let (acceptor, router) = (acceptor.clone(), router.clone());
        tokio::spawn(async move {
            let router = router.layer(axum::Extension(remote)).layer(axum::Extension(Arc::clone(&place)));
            // What a client does wrong is its own affair; the connection is closed.
            tokio::select! {
                () = connected(stream, &place, (acceptor, router, limits), allows_http && is_loopback(remote.ip())) => {}
                () = place.ended() => {}
            }
        });
    }
}

/// The next connection. Where none can be accepted, because too many files are open, somebody gives way.
async fn accepted(listener: &TcpListener, places: &Places) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                // One that broke off before it was accepted takes nothing away from anybody.
                if error.kind() != std::io::ErrorKind::ConnectionAborted {
                    places.make_room();
                }
                tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
            }
        }
    }
}

/// Milliseconds until a connection is accepted after one could not be.
const ACCEPT_PAUSE_MS: u64 = 5;

async fn connected(
    stream: TcpStream,
    place: &Place,
    (acceptor, router, limits): (TlsAcceptor, Router, Limits),
    allows_http: bool,
) {
    place.wait_on(Some(limits.handshake));
    if allows_http && is_plain(&stream).await {
        return exchanged(stream, place, (router, limits)).await;
    }
    let Ok(secured) = acceptor.accept(stream).await else { return };
    exchanged(secured, place, (router, limits)).await;
}

/// Whether a client begins with anything but the record of a TLS handshake (RFC 8446, section 5.1).
async fn is_plain(stream: &TcpStream) -> bool {
    let mut first = [0];
    matches!(stream.peek(&mut first).await, Ok(1)) && first != [HANDSHAKE_RECORD]
}

const HANDSHAKE_RECORD: u8 = 22;

async fn exchanged(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    place: &Place,
    (router, limits): (Router, Limits),
) {
    place.wait_on(Some(limits.head));
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().max_buf_size(HEAD_BYTES_MAX).max_headers(HEAD_COUNT_MAX).header_read_timeout(None);
    drop(builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).await);
}

async fn answered(
    State(stage): State<Stage>,
    axum::Extension(remote): axum::Extension<SocketAddr>,
    axum::Extension(place): axum::Extension<Arc<Place>>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    // The head is there; its body has time of its own, and the connection is as old as before.
    place.wait_on(None);
    let body = timeout(stage.limits.body, stage.large_bodies.receive(body, BODY_BYTES_MAX)).await;
    let is_there = place.answer();
    let mut response = match body {
        _ if !is_there => return std::future::pending().await,
        Err(_) => refused(StatusCode::REQUEST_TIMEOUT),
        Ok(Err(status)) => refused(status),
        Ok(Ok(body)) => worked_out(&stage, (&head, body), (remote, &place)).await,
    };
    // By the tenant's clock, which the fault `clock` moves: clients tell by it how far they are off (RFC 9110, 6.6.1).
    if let Some(date) = dated(stage.tenant.clock.now()) {
        response.headers_mut().insert(header::DATE, date);
    }
    place.wait(Some(stage.limits.idle));
    response
}

fn dated(at: jiff::Timestamp) -> Option<HeaderValue> {
    let written = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok()?;
    HeaderValue::try_from(written).ok()
}

/// An answer of the server itself, after which the connection is closed: what is left of the body is not read.
fn refused(status: StatusCode) -> Response {
    let mut response = (status, [(header::CONNECTION, "close")]).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

async fn worked_out(
    stage: &Stage,
    (head, body): (&axum::http::request::Parts, body::Received),
    (remote, place): (SocketAddr, &Place),
) -> Response {
    let is_here = is_loopback(remote.ip());
    let remote = match place_of(head, remote.ip()) {
        Ok(remote) => remote,
        Err(reply) => return response(reply),
    };
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    let headers = head.headers.iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?)));
    let headers: Vec<(String, String)> = headers.collect();
    // Only on this machine itself may a client say on which device it is.
    let headers: Vec<(String, String)> =
        headers.into_iter().filter(|(name, _)| name != DEVICE_HEADER || is_here).collect();
    let (body, counted) = body.into_parts();
    // HEAD is answered as GET is; the body stays here, and its length is sent (RFC 9110, section 9.3.2).
    let method = if head.method == Method::HEAD { &Method::GET } else { &head.method };
    let call = Call {
        method: method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers,
        body,
        remote,
    };
    let Ok(worker) = Arc::clone(&stage.workers).acquire_owned().await else {
        return refused(StatusCode::SERVICE_UNAVAILABLE);
    };
    let (tenant, answer) = (Arc::clone(&stage.tenant), stage.answer);
    let reply = tokio::task::spawn_blocking(move || {
        let _until_answered = (worker, counted);
        answer(&tenant, &call)
    });
    let Ok(reply) = reply.await else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    tokio::time::sleep(Duration::from_secs(reply.delay_seconds)).await;
    if reply.is_cut {
        place.end();
        return std::future::pending().await;
    }
    response(reply)
}

/// The address that a client counts as being at. Only on this machine itself may it say that it is somewhere else.
fn place_of(head: &axum::http::request::Parts, remote: IpAddr) -> Result<IpAddr, Reply> {
    let Some(said) = head.headers.get(PLACE_HEADER).filter(|_| is_loopback(remote)) else { return Ok(remote) };
    said.to_str().ok().and_then(|said| said.parse().ok()).ok_or_else(|| {
        let message = "The header that says where the request is sent from has no IP address.";
        Reply::json(400, json!({ "error": { "code": "BadRequest", "message": message } }))
    })
}

fn response(reply: Reply) -> Response {
    let (kind, body) = match reply.body {
        Body::Nothing => (None, AxumBody::empty()),
        Body::Json(value) => (Some("application/json; charset=utf-8"), AxumBody::from(value.to_string())),
        Body::Page(page) => (Some("text/html; charset=utf-8"), AxumBody::from(page)),
        Body::Text(text) => (Some("text/plain"), AxumBody::from(text)),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    kind.and_then(|kind| headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind)));
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    response
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}
