//! Clients that keep the tenant waiting: each connection ends, and the others are served meanwhile.

use std::time::Duration;

use breakglass_tenant::serve::Limits;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::served::world::{ADMIN, Served};

const GET: &str = "GET /common/discovery/keys HTTP/1.1\r\nhost: x\r\n";

/// A tenant that waits for one thing for a moment only.
fn waiting(name: &str, change: impl FnOnce(&mut Limits)) -> Served {
    let day = Duration::from_secs(86_400);
    let mut limits = Limits { handshake: day, head: day, body: day, idle: day, ..Limits::USUAL };
    change(&mut limits);
    Served::limited(&format!("slow-{name}"), limits)
}

const MOMENT: Duration = Duration::from_millis(300);
/// Milliseconds between two bytes.
const PAUSE_MS: u64 = 20;

/// Sends a byte now and then for as long as anybody takes it, and gives back what was answered.
async fn trickled(mut stream: impl AsyncRead + AsyncWrite + Unpin, first: &str, then: &str) -> String {
    stream.write_all(first.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4_096];
    for byte in then.bytes().cycle() {
        let pause = tokio::time::sleep(Duration::from_millis(PAUSE_MS));
        tokio::select! {
            count = stream.read(&mut buffer) => match count {
                Ok(count @ 1..) => answer.extend_from_slice(&buffer[..count]),
                _ => break,
            },
            () = pause => if stream.write_all(&[byte]).await.is_err() || stream.flush().await.is_err() { break },
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// Whether somebody else is served.
fn serves(served: &Served) -> bool {
    served.code(&[], ADMIN) == 0
}

#[test]
fn nobody_waits_for_a_handshake_that_does_not_come() {
    let served = waiting("handshake", |limits| limits.handshake = MOMENT);
    let hello = "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0";
    for first in ["", hello] {
        let mut stream = served.run(served.plain()).unwrap();
        served.run(stream.write_all(first.as_bytes())).unwrap();
        assert!(serves(&served));
        assert!(served.run(stream.read_u8()).is_err(), "{first:?}");
    }
    let answer = served.run(async { trickled(served.plain().await.unwrap(), hello, "\0").await });
    assert!(answer.is_empty(), "{answer}");
    assert!(serves(&served));
}

#[test]
fn nobody_waits_for_a_head_that_does_not_end() {
    let served = waiting("head", |limits| limits.head = MOMENT);
    let mut silent = served.run(served.secured()).unwrap();
    assert!(serves(&served));
    assert!(served.run(silent.read_u8()).is_err(), "who says nothing is not waited for");
    for (first, then) in [(GET, "x: y\r\n"), ("P", "R"), ("", "\r\n")] {
        let answer = served.run(async { trickled(served.secured().await.unwrap(), first, then).await });
        assert!(!answer.contains("200"), "{first:?}: {answer}");
        assert!(serves(&served));
    }
}

#[test]
fn nobody_waits_for_a_body_that_does_not_end() {
    let served = waiting("body", |limits| limits.body = MOMENT);
    let post = "POST /organizations/oauth2/v2.0/token HTTP/1.1\r\nhost: x\r\n";
    for first in
        [format!("{post}content-length: 100000\r\n\r\n"), format!("{post}transfer-encoding: chunked\r\n\r\nfffff\r\n")]
    {
        let answer = served.run(async { trickled(served.secured().await.unwrap(), &first, "a").await });
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(serves(&served));
    }
}

#[test]
fn nobody_waits_for_a_client_that_asks_nothing_more_or_does_not_read() {
    let served = waiting("idle", |limits| limits.idle = MOMENT);
    let answer = served.run(async {
        let mut stream = served.secured().await.unwrap();
        stream.write_all(format!("{GET}\r\n").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer).await);
        String::from_utf8_lossy(&answer).into_owned()
    });
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let answer = served.run(async { trickled(served.secured().await.unwrap(), &format!("{GET}\r\n"), "G").await });
    assert!(answer.starts_with("HTTP/1.1 200") && answer.matches("HTTP/1.1").count() == 1, "{answer}");
    // Answers that nobody reads fill what lies between; then no more questions are taken, and then it ends.
    served.run(async {
        let mut stream = served.secured().await.unwrap();
        let question = format!("{GET}\r\n").repeat(100);
        while stream.write_all(question.as_bytes()).await.is_ok() {}
    });
    assert!(serves(&served));
}
