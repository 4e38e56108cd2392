//! A CONNECT proxy that leads every tunnel to the tenant.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::places::{Place, Places};
use super::{CONNECTION_COUNT_MAX, HEADER_SECONDS_MAX, accepted, is_loopback};

/// Bytes of the head of a request to the proxy.
pub const PROXY_HEAD_BYTES_MAX: usize = 8 << 10;

/// Serves a CONNECT proxy that leads every tunnel to the tenant, whatever address it asks for: some clients ask for the
/// user realm at port 443 of the tenant's host, where it need not listen.
///
/// **Limits:** [`CONNECTION_COUNT_MAX`] tunnels; the oldest makes room for one more.
///
/// # Errors
/// When the address cannot be listened on any more.
pub async fn serve_proxy(listener: TcpListener, (own, manager): (SocketAddr, SocketAddr)) -> std::io::Result<()> {
    let places = Places::new(CONNECTION_COUNT_MAX);
    loop {
        let (stream, remote) = accepted(&listener, &places).await;
        if !is_loopback(remote.ip()) {
            continue;
        }
        let place = places.take().await;
        tokio::spawn(async move {
            tokio::select! {
                ended = tunnelled(stream, &place, (own, manager)) => drop(ended),
                () = place.ended() => {}
            }
        });
    }
}

async fn tunnelled(
    mut stream: TcpStream,
    place: &Arc<Place>,
    (own, manager): (SocketAddr, SocketAddr),
) -> std::io::Result<()> {
    place.wait_on(Some(Duration::from_secs(HEADER_SECONDS_MAX)));
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < PROXY_HEAD_BYTES_MAX {
        head.push(stream.read_u8().await?);
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
    // How long a tunnel may be quiet is for the tenant to say, at its other end.
    place.wait_on(None);
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    copy_bidirectional(&mut stream, &mut tenant).await?;
    Ok(())
}
