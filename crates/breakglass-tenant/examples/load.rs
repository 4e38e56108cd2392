//! Load on a tenant that is served, for `cargo xtask bench`: so many clients, each on a connection of its own, ask the same
//! for a while. Prints how much was answered in a second, and the longest answer.
//!
//! `load ADDRESS CA-FILE NAME PASSWORD KIND CLIENTS SECONDS`; a KIND is `password` (a sign-in with an Argon2id hash in it),
//! `refresh` (one without: a session is carried on), `me` (one object of Graph) or `users` (a hundred).

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

type Failed = Box<dyn Error + Send + Sync>;

const TOKEN: &str = "/organizations/oauth2/v2.0/token";
const CLIENT: &str =
    "client_id=04b07795-8ddb-461a-bbee-02f9e1bf7b46&scope=https://graph.microsoft.com/.default%20offline_access";

struct Connection {
    stream: TlsStream<TcpStream>,
    read: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr, config: Arc<ClientConfig>) -> Result<Self, Failed> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let stream = TlsConnector::from(config).connect(ServerName::from(address.ip()), stream).await?;
        Ok(Self { stream, read: Vec::new() })
    }

    /// Sends a request and reads its answer, which has to be a good one.
    async fn ask(&mut self, method: &str, path: &str, (header, body): (&str, &str)) -> Result<Vec<u8>, Failed> {
        let request =
            format!("{method} {path} HTTP/1.1\r\nhost: x\r\n{header}content-length: {}\r\n\r\n{body}", body.len());
        self.stream.write_all(request.as_bytes()).await?;
        let mut buffer = [0; 16 << 10];
        loop {
            if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(self.read.get(..end).unwrap_or_default()).into_owned();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
                let whole = end + 4 + length.unwrap_or(0);
                if self.read.len() >= whole {
                    let rest = self.read.split_off(whole);
                    let answer = std::mem::replace(&mut self.read, rest).split_off(end + 4);
                    return match head.starts_with("HTTP/1.1 200") {
                        true => Ok(answer),
                        false => Err(format!("{head}\n{}", String::from_utf8_lossy(&answer)).into()),
                    };
                }
            }
            match self.stream.read(&mut buffer).await? {
                0 => return Err("the tenant has closed the connection".into()),
                count => self.read.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            }
        }
    }

    async fn tokens(&mut self, grant: &str) -> Result<Value, Failed> {
        let body = format!("{CLIENT}&{grant}");
        Ok(serde_json::from_slice(&self.ask("POST", TOKEN, ("", &body)).await?)?)
    }
}

fn text(tokens: &Value, name: &str) -> Result<String, Failed> {
    Ok(tokens.get(name).and_then(Value::as_str).ok_or_else(|| format!("no {name} in {tokens}"))?.to_owned())
}

/// Asks for a while, once all clients have signed in: how often it was answered, and the longest answer.
async fn client(
    mut connection: Connection,
    (kind, password): (&str, &str),
    (all, seconds): (&Barrier, u64),
) -> Result<(u64, Duration), Failed> {
    let tokens = connection.tokens(password).await?;
    let refresh = format!("grant_type=refresh_token&refresh_token={}", text(&tokens, "refresh_token")?);
    let header = format!("authorization: Bearer {}\r\n", text(&tokens, "access_token")?);
    let (mut count, mut longest) = (0, Duration::ZERO);
    all.wait().await;
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until {
        let begun = Instant::now();
        match kind {
            "password" => drop(connection.tokens(password).await?),
            "refresh" => drop(connection.tokens(&refresh).await?),
            "me" => drop(connection.ask("GET", "/v1.0/me", (&header, "")).await?),
            "users" => drop(connection.ask("GET", "/v1.0/users?$top=100", (&header, "")).await?),
            other => return Err(format!("`{other}` is no kind of load").into()),
        }
        count += 1;
        longest = longest.max(begun.elapsed());
    }
    Ok((count, longest))
}

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [address, authority, name, password, kind, clients, seconds] = words.as_slice() else {
        return Err("load ADDRESS CA-FILE NAME PASSWORD KIND CLIENTS SECONDS".into());
    };
    let (address, clients, seconds): (SocketAddr, u32, u64) = (address.parse()?, clients.parse()?, seconds.parse()?);
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority)?)?;
    let config =
        ClientConfig::builder_with_provider(default_provider().into()).with_safe_default_protocol_versions()?;
    let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    let grant = format!("grant_type=password&username={name}&password={password}");
    let mut connections = Vec::new();
    for _ in 0..clients {
        connections.push(Connection::open(address, Arc::clone(&config)).await?);
    }
    let all = Arc::new(Barrier::new(connections.len()));
    let mut asking = tokio::task::JoinSet::new();
    for connection in connections {
        let (kind, grant, all) = (kind.clone(), grant.clone(), Arc::clone(&all));
        asking.spawn(async move { client(connection, (&kind, &grant), (&all, seconds)).await });
    }
    let (mut count, mut longest) = (0, Duration::ZERO);
    while let Some(done) = asking.join_next().await {
        let (own, own_longest) = done??;
        count += own;
        longest = longest.max(own_longest);
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds are exact")]
    let per_second = count as f64 / seconds as f64;
    #[expect(clippy::print_stdout, reason = "it is what the program is for")]
    {
        println!("per_second {per_second}\nlongest_ms {}", longest.as_secs_f64() * 1e3);
    }
    Ok(())
}
