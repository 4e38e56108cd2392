//! Where notifications of the tenant arrive: a small server on this machine.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How it answers whoever validates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// As Graph wants it.
    Echo,
    /// The token as it stands in the address.
    Escaped,
    /// The right text of the wrong kind.
    AsJson,
    /// Not at all.
    Refuse,
    /// With somewhere else to go.
    Redirect,
}

/// An endpoint.
pub(super) struct Endpoint {
    pub(super) url: String,
    heard: Receiver<Value>,
    status: Arc<AtomicU16>,
    manner: Arc<Mutex<Manner>>,
}

impl Endpoint {
    pub(super) fn open(config: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if config.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}/hook?own=1", listener.local_addr().unwrap());
        let (tell, heard) = channel();
        let (status, manner) = (Arc::new(AtomicU16::new(202)), Arc::new(Mutex::new(Manner::Echo)));
        let (told_status, told_manner) = (Arc::clone(&status), Arc::clone(&manner));
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().filter_map(Result::ok) {
                let answer = |request: &Request| {
                    if let Some(token) = request.token() {
                        return validated(&token, *told_manner.lock().unwrap());
                    }
                    let status = told_status.load(Ordering::SeqCst);
                    let body: Value = serde_json::from_str(&request.body).unwrap();
                    for notice in body["value"].as_array().unwrap() {
                        let mut notice = notice.clone();
                        notice["answered"] = status.into();
                        drop(tell.send(notice));
                    }
                    format!("HTTP/1.1 {status} Status\r\ncontent-length: 0\r\n\r\n")
                };
                match &config {
                    None => serve(stream, answer),
                    Some(config) => {
                        let connection = ServerConnection::new(Arc::clone(config)).unwrap();
                        serve(StreamOwned::new(connection, stream), answer);
                    }
                }
            }
        });
        Self { url, heard, status, manner }
    }

    /// With which status it answers notifications from now on.
    pub(super) fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// How it answers whoever validates it from now on.
    pub(super) fn validate(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// The next notification.
    pub(super) fn next(&self) -> Value {
        self.heard.recv_timeout(Duration::from_secs(60)).expect("no notification came")
    }

    /// One that is there already, or comes soon.
    pub(super) fn soon(&self) -> Option<Value> {
        self.heard.recv_timeout(Duration::from_millis(200)).ok()
    }
}

struct Request {
    target: String,
    body: String,
}

impl Request {
    /// The token, as it stands in the address.
    fn token(&self) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        query.split('&').find_map(|member| member.strip_prefix("validationToken=")).map(str::to_owned)
    }
}

fn validated(token: &str, manner: Manner) -> String {
    let plain = decoded(token);
    let (status, kind, body) = match manner {
        Manner::Echo => ("200 OK", "text/plain", plain.as_str()),
        Manner::Escaped => ("200 OK", "text/plain", token),
        Manner::AsJson => ("200 OK", "application/json", plain.as_str()),
        Manner::Refuse => ("404 Not Found", "text/plain", plain.as_str()),
        Manner::Redirect => ("302 Found\r\nlocation: https://example.com/", "text/plain", plain.as_str()),
    };
    format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn serve(mut stream: impl Read + Write, answer: impl Fn(&Request) -> String) {
    let Some(request) = read(&mut stream) else { return };
    drop(stream.write_all(answer(&request).as_bytes()));
    drop(stream.flush());
}

fn read(stream: &mut impl Read) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        let mut more = [0; 4_096];
        let count = stream.read(&mut more).ok().filter(|count| *count > 0)?;
        bytes.extend(&more[..count]);
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    let length: usize = length.map_or(0, |length| length.parse().unwrap());
    let mut body = bytes.split_off(head_end + 4);
    while body.len() < length {
        let mut more = [0; 4_096];
        let count = stream.read(&mut more).ok().filter(|count| *count > 0)?;
        body.extend(&more[..count]);
    }
    let target = head.split(' ').nth(1)?.to_owned();
    Some(Request { target, body: String::from_utf8(body).unwrap() })
}

/// A connection that nobody answers.
pub(super) fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    (listener, url)
}

/// An address at which nothing listens.
pub(super) fn closed() -> String {
    let (listener, url) = silent();
    drop(listener);
    assert!(TcpStream::connect(url.trim_start_matches("http://").trim_end_matches('/')).is_err());
    url
}
