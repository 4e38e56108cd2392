//! Clients that speak no TLS.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::world::Served;

const REQUEST: &[u8] = b"GET /common/discovery/v2.0/keys HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n";

/// What a client that speaks no TLS gets.
fn plainly(served: &Served) -> String {
    served.run(async {
        let mut stream = served.plain().await.unwrap();
        stream.write_all(REQUEST).await.unwrap();
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer).await);
        String::from_utf8_lossy(&answer).into_owned()
    })
}

#[test]
fn without_tls_nobody_is_answered_unless_it_is_allowed() {
    let served = Served::new("plain-refused");
    assert!(!plainly(&served).contains("HTTP/1.1"));
    let served = served.with_loopback_http();
    assert!(plainly(&served).starts_with("HTTP/1.1 200"));
    let secured = served.send(("GET", "/common/discovery/v2.0/keys"), &[], "").unwrap();
    assert_eq!(secured.status, 200, "TLS is spoken at the same address");
}
