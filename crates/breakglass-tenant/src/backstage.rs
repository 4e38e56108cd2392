//! The other end of what is behind the scenes: asks the tenant that is served from a folder.
//!
//! The folder has all that is needed: where the tenant is, which authority vouches for it, and the token.
//! **Limits:** [`ASK_SECONDS_MAX`], and how much is read of an answer.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::{HeaderValue, header};
use serde_json::Value;
use tokio::time::timeout;

use crate::admin::{ROOT, TOKEN_FILE};
use crate::call::encoded;
use crate::outgoing::{self, Address, Answer, Sending};
use crate::tls::AUTHORITY_FILE;

/// The file that says where the tenant of a folder is served.
const ADDRESS_FILE: &str = "served-at";
/// Seconds in which the tenant has to answer.
pub const ASK_SECONDS_MAX: u64 = 30;

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
    let malformed = |name: &str| AskError::Malformed { path: folder.join(name) };
    let path: String = parts.iter().map(|part| format!("/{}", encoded(part))).collect();
    let address = Address::of_tenant(base.trim()).ok_or_else(|| malformed(ADDRESS_FILE))?;
    let address = address.with_target(format!("/{ROOT}{path}"));
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.trim())).map_err(|_| malformed(TOKEN_FILE))?;
    bearer.set_sensitive(true);
    let path = folder.join(AUTHORITY_FILE);
    let trusted = outgoing::trusting(folder).map_err(|source| AskError::File { path, source })?;
    let trusted = trusted.ok_or_else(|| malformed(AUTHORITY_FILE))?;
    let sending = Sending {
        method,
        headers: vec![
            (header::AUTHORIZATION, bearer),
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        ],
        body: body.map(Value::to_string).unwrap_or_default().into_bytes(),
    };
    let name = || address.authority().to_owned();
    let answer = timeout(Duration::from_secs(ASK_SECONDS_MAX), outgoing::send(&address, trusted, sending)).await;
    let answer = answer.map_err(|_| AskError::Late { address: name() })?;
    let answer = answer.map_err(|source| AskError::Connect { address: name(), source })?;
    parsed(&answer).ok_or_else(|| AskError::Answer { address: name() })
}

/// The status and the body of an answer.
fn parsed(answer: &Answer) -> Option<(u16, Value)> {
    let body = if answer.body.is_empty() { Value::Null } else { serde_json::from_slice(&answer.body).ok()? };
    Some((answer.status, body))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::parsed;
    use crate::outgoing::Answer;

    #[test]
    fn answers_have_a_status_and_perhaps_json() {
        for (body, expected) in
            [("", Some((200, Value::Null))), ("{\"a\":1}", Some((200, json!({ "a": 1 })))), ("{\"a\":", None)]
        {
            let answer = Answer { status: 200, content_type: String::new(), body: body.into() };
            assert_eq!(parsed(&answer), expected, "{body}");
        }
    }
}
