//! The port [`Directory`] over HTTPS: a request goes out with a token, is repeated as the port promises, and its answer is
//! told apart from its loss.
//!
//! **Source:** "Use the Microsoft Graph API", "Microsoft Graph throttling guidance", "Continuous access evaluation".

use std::sync::Arc;

use async_trait::async_trait;
use breakglass_custody::password::Password;
use breakglass_ops::ports::{
    Clock, Directory, DirectoryError, GraphAnswer, GraphRequest, Method, Proof, Proving, Random, RandomError, Refusal,
    Repeat, SignedIn,
};
use bytes::Bytes;
use reqwest::Url;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::body::written;
use super::cloud::Cloud;
use super::gate::Gates;
use super::limits::Limits;
use super::patience::{Patience, date, retry_after};
use super::refusal::{challenge, refusal, request_id};
use super::session::{Access, Session};
use super::sign_in::{Authority, Prompt, Way, password, signed_in};
use super::token_cache::TokenCache;
use crate::http::{Authorities, Failure, Proxies, Reply, Sent, Transport, TransportError};

/// Which tenant is asked, as whom, and by which way there.
#[derive(Debug)]
pub struct Settings {
    /// The cloud that the tenant is in.
    pub cloud: Cloud,
    /// The tenant's id, or one of its domains.
    pub tenant: String,
    /// The id of the application that asks. The Azure CLI asks as itself and does not need it.
    pub client_id: String,
    /// How somebody signs in.
    pub way: Way,
    /// Permissions of a person that are asked for by name, as `Policy.Read.All`; none asks for all that the application
    /// has. An application as itself always has all that it was granted.
    pub permissions: Vec<String>,
    /// By which proxies.
    pub proxies: Proxies,
    /// Whom to trust besides the public authorities.
    pub authorities: Authorities,
    /// Where sign-ins of people are remembered, if they shall be.
    pub cache: Option<TokenCache>,
    /// How long and how often.
    pub limits: Limits,
}

/// What the client needs of the world besides the network.
#[derive(Clone)]
pub struct Surroundings {
    /// The time, and waiting.
    pub clock: Arc<dyn Clock>,
    /// Randomness that nobody can guess.
    pub random: Arc<dyn Random>,
    /// Who is asked to sign in.
    pub prompt: Arc<dyn Prompt>,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It is no name of a tenant.
    #[error("`{0}` is no tenant: give its id, or one of its domains as contoso.onmicrosoft.com")]
    Tenant(String),
    /// It is no id of an application.
    #[error("`{0}` is no id of an application, which has the form 00000000-0000-0000-0000-000000000000")]
    ClientId(String),
    /// It is no permission.
    #[error("`{0}` is no permission, which has the form Policy.Read.All")]
    Permission(String),
    /// The way there cannot be used.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// A tenant behind Microsoft Graph, over the network.
pub struct GraphClient {
    cloud: Cloud,
    limits: Limits,
    transport: Arc<Transport>,
    session: Session,
    gates: Gates,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// Characters of the longest name of a tenant, which is a domain.
const TENANT_CHARS_MAX: usize = 253;

impl GraphClient {
    /// A client. Nothing is sent before the first request.
    ///
    /// # Errors
    /// A setting is of no use.
    pub fn new(settings: Settings, surroundings: Surroundings) -> Result<Self, SettingsError> {
        let Settings { cloud, tenant, client_id, way, permissions, proxies, authorities, cache, limits } = settings;
        let Surroundings { clock, random, prompt } = surroundings;
        let is_name = |text: &str| text.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '.' | '-'));
        // These stand for any tenant, and a tool that repairs one has to know which.
        let is_any = ["common", "organizations", "consumers"].contains(&tenant.to_ascii_lowercase().as_str());
        let has_name = !tenant.starts_with(['.', '-']) && is_name(&tenant);
        if tenant.is_empty() || tenant.len() > TENANT_CHARS_MAX || is_any || !has_name {
            return Err(SettingsError::Tenant(tenant));
        }
        if !matches!(way, Way::AzureCli(_)) && !is_guid(&client_id) {
            return Err(SettingsError::ClientId(client_id));
        }
        if let Some(wrong) = permissions.iter().find(|name| name.is_empty() || !is_name(name)) {
            return Err(SettingsError::Permission(wrong.clone()));
        }
        let transport = Arc::new(Transport::new(&limits.transport, &proxies, &authorities)?);
        let authority = Authority {
            transport: Arc::clone(&transport),
            cloud: cloud.clone(),
            limits,
            tenant,
            client_id,
            permissions,
            clock: Arc::clone(&clock),
            random: Arc::clone(&random),
            prompt,
        };
        let session = Session::new(authority, way, cache);
        Ok(Self { cloud, limits, transport, session, gates: Gates::new(), clock, random })
    }

    /// Signs out here: forgets the tokens, also those that are remembered. The tenant is told nothing.
    ///
    /// # Errors
    /// What is remembered cannot be deleted; in words for people.
    pub async fn forget(&self) -> Result<(), String> {
        self.session.forget().await
    }

    /// Where tokens come from.
    pub(super) const fn authority(&self) -> &Authority {
        self.session.authority()
    }

    /// The address that a request is for, if it is of the cloud's Graph.
    fn address(&self, target: &str) -> Result<Url, DirectoryError> {
        let refused = |why: String| DirectoryError::NotSent { why };
        let text = if target.starts_with('/') { format!("{}{target}", self.cloud.graph()) } else { target.to_owned() };
        let url = Url::parse(&text).map_err(|error| refused(format!("`{target}` is no address: {error}")))?;
        if self.cloud.is_graph(&url) {
            return Ok(url);
        }
        // Its query may hold anything, and the host is what is wrong.
        let host = url.host_str().unwrap_or_default();
        Err(refused(format!(
            "the answer leads to `{host}`, which is not the Graph of this cloud; nothing was sent there"
        )))
    }

    fn headers(&self, request: &GraphRequest<'_>, access: &Access, id: &HeaderValue) -> Option<HeaderMap> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, access.header()?);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(HeaderName::from_static("client-request-id"), id.clone());
        if request.is_eventual {
            headers.insert(HeaderName::from_static("consistencylevel"), HeaderValue::from_static("eventual"));
        }
        if request.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Some(headers)
    }

    /// Sends a request once.
    async fn once(
        &self,
        request: &GraphRequest<'_>,
        (url, body): (&Url, &Option<Bytes>),
        (access, id): (&Access, &HeaderValue),
    ) -> Result<Reply, Failure> {
        self.gates.pass(url.path(), &*self.clock).await;
        let unsendable = || Failure::NotSent { why: "the request cannot be made".to_owned(), may_pass: false };
        let headers = self.headers(request, access, id).ok_or_else(unsendable)?;
        let sent = Sent { method: method(request.method), url: url.clone(), headers, body: body.clone() };
        self.transport.send(sent).await
    }

    /// Sends a request until it is answered or the patience is at its end; `doubt` is the last attempt that may have been
    /// carried out.
    async fn sent(
        &self,
        request: &GraphRequest<'_>,
        doubt: &mut Option<DirectoryError>,
    ) -> Result<GraphAnswer, DirectoryError> {
        let url = self.address(&request.target)?;
        let no_id = |_: RandomError| DirectoryError::NotSent { why: RandomError.to_string() };
        let id = uuid(&*self.random).map_err(no_id)?;
        let body = written(request, &id).map_err(|why| DirectoryError::NotSent { why: why.to_owned() })?;
        let id = HeaderValue::from_str(&id).map_err(|_| no_id(RandomError))?;
        let mut patience = Patience::new(&self.limits);
        let mut access = self.session.access().await?;
        let mut is_renewed = false;
        loop {
            let (wait, error) = match self.once(request, (&url, &body), (&access, &id)).await {
                Ok(reply) if (200..300).contains(&reply.status) => return Ok(answer(reply)),
                Ok(reply) => {
                    let claims = challenge(&reply.headers);
                    if !is_renewed && (reply.status == 401 || (reply.status == 403 && claims.is_some())) {
                        is_renewed = true;
                        access = self.session.access_after(&access, claims.as_deref()).await?;
                        continue;
                    }
                    let wait = self.wait_after(request.repeat, &reply, &mut patience);
                    (wait, DirectoryError::Refused(Self::refused(request, &access, &reply)))
                }
                Err(Failure::NotSent { why, may_pass }) => {
                    let wait = may_pass.then(|| patience.after_no_connection(&*self.random)).flatten();
                    (wait, DirectoryError::NotSent { why })
                }
                Err(Failure::Lost { why }) => {
                    let is_safe = request.repeat == Repeat::Safe;
                    let wait = is_safe.then(|| patience.after(None, &*self.random)).flatten();
                    (wait, DirectoryError::Lost { why })
                }
                Err(Failure::TooLarge { bytes_max }) => {
                    return Err(DirectoryError::Malformed { why: format!("it is larger than {bytes_max} bytes") });
                }
            };
            let Some(wait) = wait else { return Err(error) };
            if error.may_be_done() {
                *doubt = Some(error);
            }
            self.clock.sleep(wait).await;
            // The wait may be longer than the token was good.
            access = self.session.access().await?;
        }
    }

    /// How long to wait before a request is sent again after a refusal; `None` if it is not.
    fn wait_after(&self, repeat: Repeat, reply: &Reply, patience: &mut Patience<'_>) -> Option<std::time::Duration> {
        let may_repeat = match repeat {
            Repeat::Safe => matches!(reply.status, 429 | 500 | 502 | 503 | 504),
            // Whatever else breaks may have broken half-way.
            Repeat::IfUndone => reply.status == 429,
        };
        may_repeat.then(|| patience.after(retry_after(&reply.headers, self.clock.now()), &*self.random)).flatten()
    }

    /// What a refusal says, unless it repeats what nobody may see.
    fn refused(request: &GraphRequest<'_>, access: &Access, reply: &Reply) -> Refusal {
        let repeats = |text: &str| {
            let holds = |secret: &str| !secret.is_empty() && text.contains(secret);
            holds(access.token.text()) || request.secret.is_some_and(|secret| secret.password.with_plaintext(holds))
        };
        refusal(reply, &repeats)
    }
}

#[async_trait]
impl Proving for GraphClient {
    async fn prove(&self, user_principal_name: &str, password: &Password, correlation_id: &str) -> Proof {
        password::prove(self.session.authority(), (user_principal_name, password), correlation_id).await
    }
}

#[async_trait]
impl Directory for GraphClient {
    fn origin(&self) -> String {
        self.cloud.graph().to_owned()
    }

    async fn send(&self, request: &GraphRequest<'_>) -> Result<GraphAnswer, DirectoryError> {
        let mut doubt = None;
        let answered = self.sent(request, &mut doubt).await;
        answered.map_err(|error| match (doubt, &error) {
            // What came of an earlier attempt is not known, and the last one tells nothing of it.
            (Some(doubt), DirectoryError::NotSent { .. } | DirectoryError::NotSignedIn { .. }) => doubt,
            (Some(doubt), DirectoryError::Refused(Refusal { status: 429, .. })) => doubt,
            _ => error,
        })
    }

    async fn signed_in(&self) -> Result<SignedIn, DirectoryError> {
        let access = self.session.access().await?;
        Ok(signed_in(&access.token)?)
    }
}

fn answer(reply: Reply) -> GraphAnswer {
    let (date, request_id) = (date(&reply.headers), request_id(&reply.headers));
    GraphAnswer { status: reply.status, body: reply.body.into_plain(), date, request_id }
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Patch => reqwest::Method::PATCH,
        Method::Put => reqwest::Method::PUT,
        Method::Delete => reqwest::Method::DELETE,
    }
}

pub(super) fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12] && parts.iter().all(|part| part.chars().all(|it| it.is_ascii_hexdigit()))
}

/// A random UUID (RFC 9562, version 4).
pub(super) fn uuid(random: &dyn Random) -> Result<String, RandomError> {
    let mut bytes = [0_u8; 16];
    random.fill(&mut bytes)?;
    let number = u128::from_be_bytes(bytes) & !(0xf << 76) & !(3 << 62) | (4 << 76) | (2 << 62);
    let digits = format!("{number:032x}");
    let parts = [digits.get(..8), digits.get(8..12), digits.get(12..16), digits.get(16..20), digits.get(20..)];
    Ok(parts.map(Option::unwrap_or_default).join("-"))
}
