//! The other end of what is behind the scenes: asks the tenant that is served from a folder.
//!
//! The folder has all that is needed: where the tenant is, which authority vouches for it, and the token.
//! **Limits:** [`ASK_SECONDS_MAX`], [`ANSWER_BYTES_MAX`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::admin::{ROOT, TOKEN_FILE};
use crate::call::encoded;
use crate::tls::{AUTHORITY_FILE, BEYOND_AUTHORITY_FILE};

/// The file that says where the tenant of a folder is served.
const ADDRESS_FILE: &str = "served-at";
/// Seconds in which the tenant has to answer.
pub const ASK_SECONDS_MAX: u64 = 30;
/// Bytes of the longest answer that is read.
pub const ANSWER_BYTES_MAX: u64 = 4 << 20;

/// The tenant cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The folder is none of a tenant that was served.
    #[error("the file `{}` cannot be read: no tenant was served from this folder", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What is in the folder is not what a tenant writes there.
    #[error("the file `{}` is damaged", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
    },
    /// It is not served now.
    #[error("nothing is served at `{address}`")]
    Connect {
        /// Where it was served.
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It takes too long.
    #[error("`{address}` did not answer within {ASK_SECONDS_MAX} seconds")]
    Late {
        /// Where it was served.
        address: String,
    },
    /// It is something else.
    #[error("what `{address}` answers is not understood")]
    Answer {
        /// Where it was served.
        address: String,
    },
}

/// Writes down where the tenant of a folder is served.
///
/// # Errors
/// When the file cannot be written.
pub fn served_at(folder: &Path, base: &str) -> io::Result<()> {
    fs::write(folder.join(ADDRESS_FILE), format!("{base}\n"))
}

/// Asks the tenant that is served from a folder: the method, and the parts of the address behind the scenes. Gives the
/// status and the body.
///
/// # Errors
/// When there is no such tenant, or it does not answer in time.
pub async fn ask(
    folder: &Path,
    (method, parts): (&str, &[&str]),
    body: Option<&Value>,
) -> Result<(u16, Value), AskError> {
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read_to_string(&path).map_err(|source| AskError::File { path, source })
    };
    let (base, token) = (read(ADDRESS_FILE)?, read(TOKEN_FILE)?);
    let address = base.trim().trim_start_matches("https://").to_owned();
    let address = if address.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
        address
    } else {
        format!("{address}:443")
    };
    let path: String = parts.iter().map(|part| format!("/{}", encoded(part))).collect();
    let body = body.map(Value::to_string).unwrap_or_default();
    let request = format!(
        "{method} /{ROOT}{path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        token.trim(),
        body.len()
    );
    let config = config(folder)?;
    let asked = asked(&address, config, request.as_bytes());
    let answer = timeout(Duration::from_secs(ASK_SECONDS_MAX), asked).await;
    let answer = answer.map_err(|_| AskError::Late { address: address.clone() })??;
    parsed(&answer).ok_or(AskError::Answer { address })
}

/// Trusts the authorities of the folder and no other.
fn config(folder: &Path) -> Result<ClientConfig, AskError> {
    let path = folder.join(AUTHORITY_FILE);
    let own = fs::read(&path);
    let beyond = fs::read(folder.join(BEYOND_AUTHORITY_FILE));
    let pems: Vec<Vec<u8>> = match (own, beyond) {
        (Err(source), Err(_)) => return Err(AskError::File { path, source }),
        (own, beyond) => own.into_iter().chain(beyond).collect(),
    };
    let build = || {
        let mut roots = RootCertStore::empty();
        for pem in &pems {
            roots.add(CertificateDer::from_pem_slice(pem).ok()?).ok()?;
        }
        let builder = ClientConfig::builder_with_provider(default_provider().into());
        Some(builder.with_safe_default_protocol_versions().ok()?.with_root_certificates(roots).with_no_client_auth())
    };
    build().ok_or(AskError::Malformed { path })
}

async fn asked(address: &str, config: ClientConfig, request: &[u8]) -> Result<Vec<u8>, AskError> {
    let unreached = |source: io::Error| AskError::Connect { address: address.to_owned(), source };
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(host).map_err(|_| AskError::Answer { address: address.to_owned() })?;
    let stream = TcpStream::connect(address).await.map_err(unreached)?;
    let mut secured = TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(unreached)?;
    secured.write_all(request).await.map_err(unreached)?;
    let mut answer = Vec::new();
    // One that closes without saying goodbye has said all it had to say.
    match secured.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await {
        Err(source) if source.kind() != io::ErrorKind::UnexpectedEof => Err(unreached(source)),
        _ => Ok(answer),
    }
}

/// The status and the body of an answer.
fn parsed(answer: &[u8]) -> Option<(u16, Value)> {
    let text = std::str::from_utf8(answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let body = if body.is_empty() { Value::Null } else { serde_json::from_str(body).ok()? };
    Some((status, body))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::parsed;

    #[test]
    fn answers_have_a_status_and_perhaps_json() {
        for (answer, expected) in [
            ("HTTP/1.1 204 No Content\r\ndate: x\r\n\r\n", Some((204, Value::Null))),
            ("HTTP/1.1 200 OK\r\n\r\n{\"a\":1}", Some((200, json!({ "a": 1 })))),
            ("HTTP/1.1 200 OK\r\n\r\n{\"a\":", None),
            ("HTTP/1.1 2\r\n\r\n", None),
            ("", None),
        ] {
            assert_eq!(parsed(answer.as_bytes()), expected, "{answer}");
        }
    }
}
