//! The HTTPS server: two addresses, one for the login endpoints and Graph, one for Azure Resource Manager; and a
//! CONNECT proxy for clients that insist on port 443.
//!
//! **Limits:** [`CONNECTION_COUNT_MAX`], [`BODY_BYTES_MAX`], [`HANDSHAKE_SECONDS_MAX`], [`HEADER_SECONDS_MAX`],
//! [`REQUEST_SECONDS_MAX`], [`PROXY_HEAD_BYTES_MAX`].

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body as AxumBody, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::call::{Body, Call, Reply};
use crate::subscriptions;
use crate::tenant::{DEVICE_HEADER, Tenant};

/// Connections that are open at a time on one address; others wait.
pub const CONNECTION_COUNT_MAX: usize = 1_024;
/// Bytes of the largest body that is read.
pub const BODY_BYTES_MAX: usize = 4 << 20;
/// Seconds in which a connection has to be secured.
pub const HANDSHAKE_SECONDS_MAX: u64 = 10;
/// Seconds in which a request's headers have to arrive; also how long a connection is kept that asks nothing.
pub const HEADER_SECONDS_MAX: u64 = 30;
/// Seconds in which a request's body has to arrive.
pub const REQUEST_SECONDS_MAX: u64 = 60;
/// Bytes of the head of a request to the proxy.
pub const PROXY_HEAD_BYTES_MAX: usize = 8 << 10;
/// Answers that are worked out at a time.
const WORKER_COUNT_MAX: usize = 64;

/// The header by which a client on this machine says from which address it signs in.
pub const PLACE_HEADER: &str = "x-breakglass-place";

/// What answers a call.
type Answer = fn(&Tenant, &Call) -> Reply;

#[derive(Clone)]
struct Stage {
    tenant: Arc<Tenant>,
    answer: Answer,
    workers: Arc<Semaphore>,
}

/// Serves the login endpoints and Graph on one address, and Azure Resource Manager on another, and delivers the change
/// notifications of Graph, until it is dropped.
///
/// # Errors
/// When an address cannot be listened on any more.
pub async fn serve(
    tenant: Arc<Tenant>,
    config: Arc<ServerConfig>,
    (own, manager): (TcpListener, TcpListener),
) -> std::io::Result<()> {
    let workers = Arc::new(Semaphore::new(WORKER_COUNT_MAX));
    let stage = |answer: Answer| Stage { tenant: Arc::clone(&tenant), answer, workers: Arc::clone(&workers) };
    let (own_stage, manager_stage) = (stage(Tenant::answer), stage(Tenant::answer_manager));
    let config = &config;
    let delivered = async {
        subscriptions::deliver(Arc::clone(&tenant)).await;
        Ok(())
    };
    let served = listen(own, Arc::clone(config), own_stage);
    tokio::try_join!(served, listen(manager, Arc::clone(config), manager_stage), delivered)?;
    Ok(())
}

async fn listen(listener: TcpListener, config: Arc<ServerConfig>, stage: Stage) -> std::io::Result<()> {
    let acceptor = TlsAcceptor::from(config);
    let places = Arc::new(Semaphore::new(CONNECTION_COUNT_MAX));
    let router = Router::new().fallback(answered).with_state(stage);
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return Ok(()) };
        let (stream, remote) = match listener.accept().await {
            Ok(accepted) => accepted,
            // One that broke off before it was accepted, or too many files: the next may do better.
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        let (acceptor, router) = (acceptor.clone(), router.clone());
        tokio::spawn(async move {
            let _place = place;
            connected(stream, remote, (acceptor, router)).await;
        });
    }
}

async fn connected(stream: TcpStream, remote: SocketAddr, (acceptor, router): (TlsAcceptor, Router)) {
    let handshake = timeout(Duration::from_secs(HANDSHAKE_SECONDS_MAX), acceptor.accept(stream)).await;
    let Ok(Ok(secured)) = handshake else { return };
    // A request may ask for the connection to be closed without an answer.
    let cut = Arc::new(Notify::new());
    let router = router.layer(axum::Extension(remote)).layer(axum::Extension(Arc::clone(&cut)));
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(HEADER_SECONDS_MAX));
    let service = TowerToHyperService::new(router);
    // What a client does wrong is its own affair; the connection is closed.
    tokio::select! {
        served = builder.serve_connection(TokioIo::new(secured), service) => drop(served),
        () = cut.notified() => {}
    }
}

async fn answered(
    State(stage): State<Stage>,
    axum::Extension(remote): axum::Extension<SocketAddr>,
    axum::Extension(cut): axum::Extension<Arc<Notify>>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let body = timeout(Duration::from_secs(REQUEST_SECONDS_MAX), to_bytes(body, BODY_BYTES_MAX)).await;
    let body = match body {
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
        Ok(Err(_)) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Ok(Ok(body)) => body.to_vec(),
    };
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    let headers = head.headers.iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?)));
    let headers: Vec<(String, String)> = headers.collect();
    let said = headers.iter().find(|(name, _)| name == PLACE_HEADER).and_then(|(_, place)| place.parse().ok());
    // Only on this machine itself may a client say that it is somewhere else, or on which device.
    let headers: Vec<(String, String)> =
        headers.into_iter().filter(|(name, _)| name != DEVICE_HEADER || is_loopback(remote.ip())).collect();
    let remote = said.filter(|_| is_loopback(remote.ip())).unwrap_or(remote.ip());
    let call = Call {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers,
        body,
        remote,
    };
    let Ok(worker) = stage.workers.acquire_owned().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let (tenant, answer) = (stage.tenant, stage.answer);
    let reply = tokio::task::spawn_blocking(move || {
        let _worker = worker;
        answer(&tenant, &call)
    });
    let Ok(reply) = reply.await else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    tokio::time::sleep(Duration::from_secs(reply.delay_seconds)).await;
    if reply.is_cut {
        cut.notify_one();
        return std::future::pending().await;
    }
    response(reply)
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

/// Serves a CONNECT proxy that leads every tunnel to the tenant, whatever address it asks for: some clients ask for the
/// user realm at port 443 of the tenant's host, where it need not listen.
///
/// # Errors
/// When the address cannot be listened on any more.
pub async fn serve_proxy(listener: TcpListener, (own, manager): (SocketAddr, SocketAddr)) -> std::io::Result<()> {
    let places = Arc::new(Semaphore::new(CONNECTION_COUNT_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return Ok(()) };
        let Ok((stream, remote)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        if !is_loopback(remote.ip()) {
            continue;
        }
        tokio::spawn(async move {
            let _place = place;
            drop(tunnelled(stream, (own, manager)).await);
        });
    }
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

async fn tunnelled(mut stream: TcpStream, (own, manager): (SocketAddr, SocketAddr)) -> std::io::Result<()> {
    let mut head = Vec::new();
    let read = async {
        while !head.ends_with(b"\r\n\r\n") && head.len() < PROXY_HEAD_BYTES_MAX {
            head.push(stream.read_u8().await?);
        }
        Ok::<_, std::io::Error>(())
    };
    if timeout(Duration::from_secs(HEADER_SECONDS_MAX), read).await.is_err() {
        return Ok(());
    }
    let first = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let first = String::from_utf8_lossy(first).into_owned();
    let Some(target) = first.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()) else {
        return stream
            .write_all(b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .await;
    };
    let port = target.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    let to = if port == Some(manager.port()) { manager } else { own };
    let mut tenant = TcpStream::connect(to).await?;
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    copy_bidirectional(&mut stream, &mut tenant).await?;
    Ok(())
}
