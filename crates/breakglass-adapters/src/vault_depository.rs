//! Sealed documents in OpenBao or HashiCorp Vault, in a secrets engine of kind KV version 2: the port [`Depository`].
//!
//! A document is the only version of a secret of its own, in the property `document`. It is written with check-and-set 0,
//! which the server takes only where nothing is, so that of two who write one is refused.
//!
//! **Source:** "KV secrets engine, version 2 (API)" of OpenBao's documentation; its answers for what is missing, deleted,
//! written twice or sealed were seen at a server of version 2.7.2.
//! **Limits:** [`VAULT_SECONDS_MAX`], [`VAULT_ANSWER_BYTES_MAX`], [`VAULT_PATH_CHARS_MAX`].

use std::time::Duration;

use async_trait::async_trait;
use breakglass_custody::name::Name;
use breakglass_ops::ports::{Depository, DepositoryError, check_length};
use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::{Value, json};

use crate::http::{
    Authorities, Failure, Proxies, Reply, SecretText, Sent, Transport, TransportError, TransportLimits, is_here, origin,
};

/// Seconds until an answer is whole.
pub const VAULT_SECONDS_MAX: u64 = 30;

/// Bytes of the largest answer: the names of all documents.
pub const VAULT_ANSWER_BYTES_MAX: usize = 8 << 20;

/// Characters of the longest path of an engine, and of a folder in it.
pub const VAULT_PATH_CHARS_MAX: usize = 256;

/// The property of a secret that the document is in.
const DOCUMENT: &str = "document";

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");

/// What the server calls a write where something is already.
const CHECK_AND_SET: &str = "check-and-set";

/// Where documents are, and who asks.
#[derive(Debug)]
pub struct VaultSettings {
    /// The server, as `https://vault.contoso.com:8200`; `http://` for a server of this machine alone.
    pub address: String,
    /// The path of the engine, as `secret`.
    pub mount: String,
    /// The folder in it, as `breakglass/contoso`.
    pub folder: String,
    /// The namespace, where there are some.
    pub namespace: Option<String>,
    /// The token.
    pub token: SecretText,
    /// By which proxies it is reached.
    pub proxies: Proxies,
    /// Who is trusted besides the public authorities.
    pub authorities: Authorities,
}

/// Why there is no such depository.
#[derive(Debug, thiserror::Error)]
pub enum VaultSettingsError {
    /// The address is none. It is not repeated: a password may be in it.
    #[error("the address of the vault is none: it is https:// and a host, or http:// and the number of this machine")]
    Address,
    /// A path has something in it that none has.
    #[error("`{0}` is no path of a vault: it has letters, digits, `-`, `_` and `.`, with `/` between them")]
    Path(String),
    /// The token or the namespace cannot be sent.
    #[error("the {0} has letters that cannot be sent")]
    Header(&'static str),
    /// There is no way out.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// A vault with documents.
#[derive(Debug)]
pub struct VaultDepository {
    transport: Transport,
    address: Url,
    mount: String,
    folder: String,
    headers: HeaderMap,
}

/// How the server answered what it did not do.
enum Answer {
    Yes(Value),
    /// There is nothing by the path.
    Nothing,
    /// There was something, and somebody has deleted it.
    Deleted,
    /// Something is there already.
    Taken,
}

impl VaultDepository {
    /// A depository that asks by these settings. Nothing is asked yet.
    ///
    /// # Errors
    /// A setting is of no use.
    pub fn new(settings: VaultSettings) -> Result<Self, VaultSettingsError> {
        Self::within(settings, Duration::from_secs(VAULT_SECONDS_MAX))
    }

    /// The same with another limit of time for an answer.
    ///
    /// # Errors
    /// A setting is of no use.
    pub fn within(settings: VaultSettings, answer: Duration) -> Result<Self, VaultSettingsError> {
        let address = address(&settings.address).ok_or(VaultSettingsError::Address)?;
        let mut headers = HeaderMap::new();
        let mut token =
            HeaderValue::from_str(settings.token.text()).map_err(|_| VaultSettingsError::Header("token"))?;
        token.set_sensitive(true);
        headers.insert(TOKEN, token);
        if let Some(namespace) = &settings.namespace {
            let namespace = HeaderValue::from_str(namespace).map_err(|_| VaultSettingsError::Header("namespace"))?;
            headers.insert(NAMESPACE, namespace);
        }
        let limits = TransportLimits { answer, answer_bytes: VAULT_ANSWER_BYTES_MAX, ..TransportLimits::default() };
        let limits = TransportLimits { connect: limits.connect.min(answer), piece: limits.piece.min(answer), ..limits };
        Ok(Self {
            transport: Transport::new(&limits, &settings.proxies, &settings.authorities)?,
            address,
            mount: path(&settings.mount)?,
            folder: path(&settings.folder)?,
            headers,
        })
    }

    async fn asked(
        &self,
        method: Method,
        kind: &str,
        rest: &str,
        body: Option<Value>,
    ) -> Result<Answer, DepositoryError> {
        let mut url = self.address.clone();
        url.set_path(&format!("/v1/{}/{kind}/{}{rest}", self.mount, self.folder));
        if method == Method::GET && rest.is_empty() {
            url.set_query(Some("list=true"));
        }
        let body = body.map(|body| Bytes::from(body.to_string()));
        let reply = self.transport.send(Sent { method, url, headers: self.headers.clone(), body }).await;
        self.understood(reply.map_err(|failure| self.unanswered(words(failure)))?)
    }

    fn understood(&self, reply: Reply) -> Result<Answer, DepositoryError> {
        let value =
            if reply.body.bytes().is_empty() { Ok(Value::Null) } else { serde_json::from_slice(reply.body.bytes()) };
        let value: Value = match value {
            Ok(value) => value,
            Err(error) if (200..300).contains(&reply.status) => {
                return Err(self.unanswered(format!("its answer cannot be read: {error}")));
            }
            Err(_) => Value::Null,
        };
        let reasons = value.get("errors").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let reasons = reasons.collect::<Vec<_>>().join("; ");
        match reply.status {
            200..300 => Ok(Answer::Yes(value)),
            404 if value.pointer("/data/metadata").is_some() => Ok(Answer::Deleted),
            404 if reasons.is_empty() => Ok(Answer::Nothing),
            404 => Err(self.refused(format!("there is no secrets engine at `{}`: {reasons}", self.mount))),
            400 if reasons.contains(CHECK_AND_SET) => Ok(Answer::Taken),
            403 => Err(self.refused(format!(
                "the token may not do that ({reasons}): give it `create`, `read`, `delete` and `list` for the data and the \
                 metadata of `{}/{}`, or take a token that is still good",
                self.mount, self.folder
            ))),
            503 if reasons.contains("sealed") => {
                Err(self.refused("it is sealed: whoever keeps it has to unseal it".to_owned()))
            }
            status @ 400..500 => Err(self.refused(format!("status {status}: {reasons}"))),
            status => Err(self.unanswered(format!("status {status}: {reasons}"))),
        }
    }

    fn refused(&self, why: String) -> DepositoryError {
        DepositoryError::Refused { place: self.place(), why }
    }

    fn unanswered(&self, why: String) -> DepositoryError {
        DepositoryError::Unanswered { place: self.place(), why }
    }

    fn damaged(&self, name: &Name, why: &str) -> DepositoryError {
        DepositoryError::Damaged { place: self.place(), name: name.clone(), why: why.to_owned() }
    }
}

#[async_trait]
impl Depository for VaultDepository {
    fn place(&self) -> String {
        let address = self.address.as_str().trim_end_matches('/');
        format!("{address} {}/{}", self.mount, self.folder)
    }

    async fn keep(&self, name: &Name, text: &str) -> Result<(), DepositoryError> {
        check_length(name, text)?;
        let body = json!({ "options": { "cas": 0 }, "data": { DOCUMENT: text } });
        let answer = self.asked(Method::POST, "data", &format!("/{name}"), Some(body)).await?;
        let is_taken = matches!(answer, Answer::Taken);
        match self.read(name).await? {
            Some(found) if found == text => Ok(()),
            Some(_) if is_taken => Err(DepositoryError::Taken { place: self.place(), name: name.clone() }),
            Some(_) => Err(self.damaged(name, "another text is read back")),
            None => Err(self.damaged(name, "nothing is read back")),
        }
    }

    async fn read(&self, name: &Name) -> Result<Option<String>, DepositoryError> {
        match self.asked(Method::GET, "data", &format!("/{name}"), None).await? {
            Answer::Yes(value) => {
                let text = value.pointer("/data/data").and_then(|data| data.get(DOCUMENT)?.as_str().map(str::to_owned));
                let text = text.ok_or_else(|| self.damaged(name, "the secret has no text `document`"))?;
                check_length(name, &text)?;
                Ok(Some(text))
            }
            Answer::Deleted => Err(self.damaged(name, "somebody has deleted it; `bao kv undelete` may bring it back")),
            Answer::Nothing | Answer::Taken => Ok(None),
        }
    }

    async fn names(&self) -> Result<Vec<Name>, DepositoryError> {
        let Answer::Yes(value) = self.asked(Method::GET, "metadata", "", None).await? else { return Ok(Vec::new()) };
        let keys = value.pointer("/data/keys").and_then(Value::as_array);
        let keys = keys.ok_or_else(|| self.unanswered("its answer has no list of names".to_owned()))?;
        let mut names: Vec<Name> = keys.iter().filter_map(|key| Name::read(key.as_str()?).ok()).collect();
        names.sort();
        Ok(names)
    }

    async fn destroy(&self, name: &Name) -> Result<(), DepositoryError> {
        // With the metadata every version goes, and the name is free.
        self.asked(Method::DELETE, "metadata", &format!("/{name}"), None).await.map(|_| ())
    }
}

fn words(failure: Failure) -> String {
    match failure {
        Failure::NotSent { why, .. } | Failure::Lost { why } => why,
        Failure::TooLarge { bytes_max } => format!("its answer has more than {bytes_max} bytes"),
    }
}

/// The address of a server: secured, unless it is this machine.
fn address(text: &str) -> Option<Url> {
    origin(text).filter(|url| url.scheme() == "https" || is_here(url))
}

fn path(text: &str) -> Result<String, VaultSettingsError> {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let is_part =
        |part: &str| !part.is_empty() && part.chars().all(is_letter) && part.chars().any(|letter| letter != '.');
    let trimmed = text.trim_matches('/');
    if trimmed.len() <= VAULT_PATH_CHARS_MAX && trimmed.split('/').all(is_part) {
        Ok(trimmed.to_owned())
    } else {
        Err(VaultSettingsError::Path(text.to_owned()))
    }
}
