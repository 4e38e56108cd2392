//! Syslog, and a collector that reads what comes.

use std::time::Duration;

use breakglass_adapters::channels::ConnectionError;
use breakglass_adapters::channels::syslog::Syslog;
use breakglass_adapters::http::Authorities;
use breakglass_ops::ports::Channel as _;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::{Certified, HOSTILE, KEY, certified, key, message, name, outcome};
use crate::support::Folder;

async fn read(mut stream: impl AsyncRead + Unpin) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

/// A collector that reads one connection to its end, over TLS or not.
async fn collector(tls: Option<TlsAcceptor>) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let collected = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        match tls {
            Some(acceptor) => read(acceptor.accept(stream).await.unwrap()).await,
            None => read(stream).await,
        }
    });
    (port, collected)
}

/// The one line of what was collected, whose length is told before it.
fn framed(collected: &str) -> &str {
    let (length, line) = collected.split_once(' ').unwrap();
    assert_eq!(length.parse::<usize>().unwrap(), line.len());
    line
}

#[tokio::test]
async fn a_collector_gets_one_line_whatever_a_name_says() {
    let folder = Folder::new("channels-syslog");
    let Certified { authorities, config, .. } = certified(&folder, "collector");
    for acceptor in [None, Some(TlsAcceptor::from(config))] {
        let is_tls = acceptor.is_some();
        let (port, collected) = collector(acceptor).await;
        let syslog = Syslog::new(name("post"), ("127.0.0.1", port, is_tls), &authorities).unwrap();
        assert_eq!(syslog.deliver(&key("eva"), &message(HOSTILE)).await, Ok(()));
        let collected = collected.await.unwrap();
        let line = framed(&collected);
        assert!(line.starts_with("<81>1 2026-11-28T03:01:00.000000Z - breakglass - incident-alert - CEF:0|"), "{line}");
        assert!(line.contains(&format!(" externalId={KEY} ")), "{line}");
        assert!(!line.contains(|letter: char| letter.is_control() || "\u{202e}\u{200b}".contains(letter)), "{line}");
        // Six fields stand before it, and no name has added one.
        assert_eq!(line.replace(r"\\", "").replace(r"\|", "").split('|').nth(6), Some("10"), "{line}");
    }
}

#[tokio::test]
async fn what_did_not_arrive_is_not_delivered() {
    let folder = Folder::new("channels-syslog-lost");
    let mine = certified(&folder, "mine");
    let other = certified(&folder, "other");
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    // The collector says the name of somebody else, so that nothing is sent to it.
    let distrusted = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let distrusted_port = distrusted.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(other.config);
    tokio::spawn(async move {
        while let Ok((stream, _)) = distrusted.accept().await {
            drop(acceptor.accept(stream).await);
        }
    });
    for (port, is_tls, expected) in [
        (hanging.local_addr().unwrap().port(), false, "took too long"),
        (hanging.local_addr().unwrap().port(), true, "took too long"),
        (closed, false, "there is no connection"),
        (distrusted_port, true, "cannot be secured"),
    ] {
        let syslog = Syslog::new(name("post"), ("127.0.0.1", port, is_tls), &mine.authorities).unwrap();
        // Only who hangs is waited for.
        let syslog = if expected == "took too long" { syslog.within(Duration::from_millis(100)) } else { syslog };
        let (word, why, _) = outcome(syslog.deliver(&key("eva"), &message("eva@contoso.com")).await);
        assert_eq!(word, "later", "{why}");
        assert!(why.contains(expected), "{why}");
    }
}

#[test]
fn a_collector_has_a_host_and_a_port() {
    for (host, port) in [("", 6514), ("a b", 6514), ("collector/x", 6514), ("127.0.0.1", 0)] {
        let error = Syslog::new(name("post"), (host, port, true), &Authorities::default()).err().unwrap();
        assert!(matches!(&error, ConnectionError::Host(shown) if *shown == format!("{host}:{port}")), "{error}");
    }
}
