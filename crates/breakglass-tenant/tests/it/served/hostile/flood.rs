//! More connections than there are places.

use std::fs;
use std::io;
use std::time::Duration;

use breakglass_tenant::serve::Limits;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{GRAPH, read, text, tokens_for};
use crate::served::world::{ADMIN, Served};

/// Half-open connections, where the system allows so many.
const FLOOD_COUNT: usize = 10_000;
/// Files that this process needs beside the connections of a flood.
const OTHER_FILES: usize = 500;
/// By how much a flood may let the memory of this process grow, bytes: clients, and the hashes of passwords, included.
const FLOOD_GROWTH_BYTES_MAX: usize = 96 << 20;

/// How many files this process may open, after it has asked for as many as it is allowed.
#[cfg(target_os = "linux")]
fn files_max() -> usize {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    usize::try_from(hard).unwrap()
}

#[cfg(not(target_os = "linux"))]
const fn files_max() -> usize {
    1_024
}

/// Bytes of memory that this process has now; 0 where that is not told.
fn memory_bytes() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<usize>().ok()).map_or(0, |kib| kib << 10)
}

/// A connection that says little and asks nothing.
async fn half_open(served: &Served, number: usize) -> io::Result<TcpStream> {
    let mut stream = served.plain().await?;
    if number.is_multiple_of(2) {
        stream.write_all(b"\x16\x03\x01\x02\x00\x01\x00").await?;
    }
    Ok(stream)
}

#[test]
fn who_asks_is_served_in_a_flood_of_those_who_do_not() {
    // Only whoever gives way goes.
    let day = Duration::from_secs(86_400);
    let limits = Limits { handshake: day, head: day, ..Limits::USUAL };
    let possible = files_max().saturating_sub(OTHER_FILES + limits.connections);
    let count = FLOOD_COUNT.min(possible);
    let served = Served::limited("flood", limits);
    assert_eq!(served.code(&[], ADMIN), 0);
    let before = memory_bytes();
    let mut streams = Vec::new();
    let mut sign_ins = 1;
    for number in 0..count {
        streams.push(served.run(half_open(&served, number)).unwrap());
        if number.is_multiple_of(count / 20) {
            let token = text(&tokens_for(&served, GRAPH), "access_token").to_owned();
            sign_ins += 1;
            assert_eq!(read(&served, &token, "/v1.0/me").status, 200, "after {number}");
        }
    }
    let grown = memory_bytes().saturating_sub(before);
    println!("{count} half-open connections on {} places: {} KiB more", limits.connections, grown >> 10);
    assert!(grown < FLOOD_GROWTH_BYTES_MAX, "{grown} bytes");
    // The first ones have given way.
    assert!(served.run(streams[0].read_u8()).is_err());
    // Every sign-in is in the log, and the connections that are left are in nobody's way when they go.
    let token = text(&tokens_for(&served, GRAPH), "access_token").to_owned();
    let logged = read(&served, &token, "/v1.0/auditLogs/signIns?$top=999").json();
    assert_eq!(logged["value"].as_array().map(Vec::len), Some(sign_ins + 1));
    drop(streams);
    assert_eq!(served.code(&[], ADMIN), 0);
}

#[test]
fn who_is_being_answered_does_not_give_way() {
    let served = Served::limited("flood-answered", Limits { connections: 4, ..Limits::USUAL });
    let token = text(&tokens_for(&served, GRAPH), "access_token").to_owned();
    served.on("slow", json!({ "seconds": 1 }));
    let answer = served.run(async {
        let mut asking = served.secured().await.unwrap();
        let request =
            format!("GET /v1.0/me HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n");
        asking.write_all(request.as_bytes()).await.unwrap();
        let mut others = Vec::new();
        for number in 0..40 {
            others.push(half_open(&served, number).await.unwrap());
            // A handshake that is through shows that the tenant has come to this one.
            drop(served.secured().await.unwrap());
        }
        let mut answer = String::new();
        drop(asking.read_to_string(&mut answer).await);
        answer
    });
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn an_upload_that_stands_still_gives_way_too() {
    let served = Served::limited("flood-bodies", Limits { connections: 4, ..Limits::USUAL });
    served.run(async {
        let mut uploads = Vec::new();
        for _ in 0..8 {
            let mut upload = served.secured().await.unwrap();
            let head = "POST /organizations/oauth2/v2.0/token HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\na";
            upload.write_all(head.as_bytes()).await.unwrap();
            uploads.push(upload);
        }
        assert!(uploads[0].read_u8().await.is_err());
    });
    assert_eq!(served.code(&[], ADMIN), 0);
}
