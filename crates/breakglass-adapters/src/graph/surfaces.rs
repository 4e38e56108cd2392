//! The port [`Surfaces`] over HTTPS: a password signs in to Microsoft Graph and to Azure Resource Manager, each answers
//! something that changes nothing, and elevation is asked for and taken back.
//!
//! **Invariant:** each call signs in anew and the token is gone with it; it goes to the surface that it is for and nowhere
//! else. A portal is not signed in to: no program does.
//! **Limits:** [`PAGE_COUNT_MAX`], those of the client.
//! **Source:** "Microsoft Entra authentication and authorization error codes"; "Elevate access to manage all Azure
//! subscriptions and management groups" and the reference of role assignments, read 2026-11-27.

use std::sync::Arc;

use async_trait::async_trait;
use breakglass_custody::document::Account;
use breakglass_custody::password::Password;
use breakglass_ops::drill::record::Surface;
use breakglass_ops::ports::{Attempt, NotElevated, Repeat, Surfaces};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde::Deserialize;

use super::client::{GraphClient, is_guid};
use super::patience::{Patience, retry_after};
use super::reach::{sent, words};
use super::refusal::{challenge, refusal};
use super::sign_in::{Authority, SignInError, password};
use crate::http::{Failure, Gathered, Reply, SecretText, Sent};

/// The Azure CLI, which every tenant knows and which keeps no secret.
///
/// **Source:** "Application IDs of commonly used Microsoft applications".
const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
/// The role User Access Administrator.
///
/// **Source:** "Azure built-in roles".
const USER_ACCESS_ADMINISTRATOR: &str = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9";
/// Pages of the role assignments of one account that are read.
const PAGE_COUNT_MAX: usize = 20;

const ELEVATE: &str = "/providers/Microsoft.Authorization/elevateAccess?api-version=2016-07-01";
const ASSIGNMENTS: &str = "/providers/Microsoft.Authorization/roleAssignments";
const ASSIGNMENTS_VERSION: &str = "2022-04-01";
const TENANTS: &str = "/tenants?api-version=2022-12-01";

/// Refusals of whoever gave the right password and has to show more.
const SECOND_PROOF: [u32; 5] = [50_072, 50_074, 50_076, 50_079, 50_158];
/// Refusals by which the account is kept out, whatever is shown: a policy, a password that is over, an account that is
/// disabled, not there, or not assigned to the application.
const KEPT_OUT: [u32; 7] = [50_034, 50_055, 50_057, 50_105, 53_000, 53_003, 530_035];
/// The refusal of a password that is not the one.
const WRONG: u32 = 50_126;

/// Surfaces of one tenant.
pub struct TenantSurfaces {
    authority: Authority,
}

/// An answer that does not say yes, or none.
enum NoAnswer {
    /// More than a password is asked for.
    SecondProof(String),
    /// It says no, with a status.
    Refused(u16, String),
    /// It was not sent.
    NotSent(String),
    /// It may have been carried out.
    Lost(String),
}

impl NoAnswer {
    fn why(self) -> String {
        match self {
            Self::SecondProof(why) | Self::Refused(_, why) | Self::NotSent(why) | Self::Lost(why) => why,
        }
    }

    fn attempt(self) -> Attempt {
        match self {
            Self::SecondProof(why) => Attempt::SecondProof { why },
            Self::Refused(401 | 403, why) => Attempt::KeptOut { why },
            other => Attempt::Unknown { why: other.why() },
        }
    }
}

#[derive(Deserialize)]
struct Me {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    value: Vec<Assignment>,
    next_link: Option<String>,
}

#[derive(Deserialize)]
struct Assignment {
    name: String,
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    role_definition_id: String,
    principal_id: String,
    scope: String,
}

impl TenantSurfaces {
    /// Those of the tenant that a client is for. Nothing is sent, and whoever the client is signed in as is not asked.
    #[must_use]
    pub fn of(client: &GraphClient) -> Self {
        let of = client.authority();
        Self {
            authority: Authority {
                transport: Arc::clone(&of.transport),
                cloud: of.cloud.clone(),
                limits: of.limits,
                tenant: of.tenant.clone(),
                client_id: AZURE_CLI.to_owned(),
                permissions: Vec::new(),
                clock: Arc::clone(&of.clock),
                random: Arc::clone(&of.random),
                prompt: Arc::clone(&of.prompt),
            },
        }
    }

    /// Asks the place where somebody signs in for its front page, once; nobody is signed in.
    ///
    /// # Errors
    /// No answer came; why not, for people.
    pub async fn answers(&self) -> Result<(), String> {
        let reply = self.authority.transport.send(sent(self.authority.cloud.login())?).await;
        reply.map(drop).map_err(words)
    }

    /// The origin of Azure Resource Manager.
    fn azure(&self) -> Result<&str, String> {
        let missing = || "the configuration does not say where Azure is: `[tenant] azure`".to_owned();
        self.authority.cloud.azure().ok_or_else(missing)
    }

    /// A token for an origin.
    async fn token(&self, origin: &str, account: &Account, password: &Password) -> Result<SecretText, Attempt> {
        let scope = format!("{origin}/.default");
        let refused =
            match password::granted(&self.authority, (&account.user_principal_name, password), &scope, None).await {
                Ok(grant) => return Ok(grant.access),
                Err(SignInError::Refused(refused)) => refused,
                Err(error) => return Err(Attempt::Unknown { why: error.to_string() }),
            };
        let why = refused.to_string();
        Err(match refused.code {
            Some(code) if SECOND_PROOF.contains(&code) => Attempt::SecondProof { why },
            Some(code) if KEPT_OUT.contains(&code) => Attempt::KeptOut { why },
            Some(WRONG) => Attempt::Wrong { why },
            _ => Attempt::Unknown { why },
        })
    }

    async fn azure_token(&self, account: &Account, password: &Password) -> Result<(String, SecretText), Attempt> {
        let origin = self.azure().map_err(|why| Attempt::Unknown { why })?;
        Ok((origin.to_owned(), self.token(origin, account, password).await?))
    }

    /// Sends a request until it is answered or the patience is at its end.
    async fn sent(
        &self,
        (method, address): (Method, &str),
        token: &SecretText,
        repeat: Repeat,
    ) -> Result<Reply, NoAnswer> {
        let url = Url::parse(address).map_err(|error| NoAnswer::NotSent(error.to_string()))?;
        let mut bearer = Gathered::with_capacity(token.text().len().saturating_add(7));
        bearer.push(b"Bearer ");
        bearer.push(token.text().as_bytes());
        let bearer = HeaderValue::from_maybe_shared(bearer.into_shared());
        let mut bearer = bearer.map_err(|_| NoAnswer::NotSent("the token cannot be sent".to_owned()))?;
        bearer.set_sensitive(true);
        let (clock, random) = (&self.authority.clock, &*self.authority.random);
        let mut patience = Patience::new(&self.authority.limits);
        loop {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, bearer.clone());
            headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
            if method == Method::POST {
                headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
            }
            let sent = Sent { method: method.clone(), url: url.clone(), headers, body: None };
            let is_safe = repeat == Repeat::Safe;
            let (wait, error) = match self.authority.transport.send(sent).await {
                Ok(reply) if (200..300).contains(&reply.status) => return Ok(reply),
                Ok(reply) => {
                    let is_busy = reply.status == 429 || is_safe && matches!(reply.status, 500 | 502 | 503 | 504);
                    let asked = retry_after(&reply.headers, clock.now());
                    (is_busy.then(|| patience.after(asked, random)).flatten(), refused(&reply, token))
                }
                Err(Failure::NotSent { why, may_pass }) => {
                    (may_pass.then(|| patience.after_no_connection(random)).flatten(), NoAnswer::NotSent(why))
                }
                Err(Failure::Lost { why }) => {
                    (is_safe.then(|| patience.after(None, random)).flatten(), NoAnswer::Lost(why))
                }
                Err(Failure::TooLarge { bytes_max }) => {
                    return Err(NoAnswer::Lost(format!("the answer is larger than {bytes_max} bytes")));
                }
            };
            let Some(wait) = wait else { return Err(error) };
            clock.sleep(wait).await;
        }
    }

    /// Names of the assignments by which the account is User Access Administrator of everything.
    async fn assignments(&self, origin: &str, account: &Account, token: &SecretText) -> Result<Vec<String>, NoAnswer> {
        let malformed = |why: String| NoAnswer::Refused(200, format!("the answer is not understood: {why}"));
        let filter = format!("principalId eq '{}'", account.id.replace('\'', "''"));
        let query = [("api-version", ASSIGNMENTS_VERSION), ("$filter", &filter)];
        let first = Url::parse_with_params(&format!("{origin}{ASSIGNMENTS}"), query);
        let mut next = Some(first.map_err(|error| NoAnswer::NotSent(error.to_string()))?.to_string());
        let mut found = Vec::new();
        for _ in 0..PAGE_COUNT_MAX {
            let Some(address) = next.take() else { return Ok(found) };
            if !address.starts_with(&format!("{origin}/")) {
                return Err(malformed("its next page is somewhere else; nothing was sent there".to_owned()));
            }
            let reply = self.sent((Method::GET, &address), token, Repeat::Safe).await?;
            let page: Page =
                serde_json::from_slice(reply.body.bytes()).map_err(|error| malformed(error.to_string()))?;
            let is_it = |one: &Assignment| {
                let of = &one.properties;
                let role = of.role_definition_id.rsplit('/').next().unwrap_or_default();
                of.scope == "/"
                    && role.eq_ignore_ascii_case(USER_ACCESS_ADMINISTRATOR)
                    && of.principal_id.eq_ignore_ascii_case(&account.id)
            };
            found.extend(page.value.into_iter().filter(is_it).map(|one| one.name));
            next = page.next_link;
        }
        if next.is_none() { Ok(found) } else { Err(malformed(format!("it has more than {PAGE_COUNT_MAX} pages"))) }
    }

    /// The same, where a refusal to show them says that there is none: whoever has the role may read all of them.
    async fn found(&self, origin: &str, account: &Account, token: &SecretText) -> Result<Vec<String>, NoAnswer> {
        match self.assignments(origin, account, token).await {
            Err(NoAnswer::Refused(403, _)) => Ok(Vec::new()),
            found => found,
        }
    }

    async fn delete(&self, (origin, name): (&str, &str), token: &SecretText) -> Result<(), String> {
        if !is_guid(name) {
            return Err("the role assignment has a name that is none".to_owned());
        }
        let address = format!("{origin}{ASSIGNMENTS}/{name}?api-version={ASSIGNMENTS_VERSION}");
        match self.sent((Method::DELETE, &address), token, Repeat::Safe).await {
            Ok(_) | Err(NoAnswer::Refused(404, _)) => Ok(()),
            Err(error) => Err(error.why()),
        }
    }
}

/// What a refusal says, unless it repeats the token.
fn refused(reply: &Reply, token: &SecretText) -> NoAnswer {
    let why = refusal(reply, &|text| text.contains(token.text())).to_string();
    // A challenge demands claims, of which one factor more is the usual.
    let is_challenge = challenge(&reply.headers).is_some();
    if is_challenge { NoAnswer::SecondProof(why) } else { NoAnswer::Refused(reply.status, why) }
}

#[async_trait]
impl Surfaces for TenantSurfaces {
    async fn sign_in(&self, surface: Surface, account: &Account, password: &Password) -> Attempt {
        let origin = match surface {
            Surface::MicrosoftGraph => Ok(self.authority.cloud.graph()),
            Surface::AzureResourceManager => self.azure(),
            _ => Err("no program signs in to a portal: a person has to".to_owned()),
        };
        let origin = match origin {
            Ok(origin) => origin,
            Err(why) => return Attempt::Unknown { why },
        };
        let token = match self.token(origin, account, password).await {
            Ok(token) => token,
            Err(attempt) => return attempt,
        };
        let path = if surface == Surface::MicrosoftGraph { "/v1.0/me" } else { TENANTS };
        match self.sent((Method::GET, &format!("{origin}{path}")), &token, Repeat::Safe).await {
            Ok(reply) if surface == Surface::MicrosoftGraph => match serde_json::from_slice::<Me>(reply.body.bytes()) {
                Ok(me) if me.id.eq_ignore_ascii_case(&account.id) => Attempt::In,
                Ok(_) => Attempt::Unknown { why: "another account was signed in under this name".to_owned() },
                Err(error) => Attempt::Unknown { why: format!("the answer is not understood: {error}") },
            },
            Ok(_) => Attempt::In,
            Err(error) => error.attempt(),
        }
    }

    async fn is_elevated(&self, account: &Account, password: &Password) -> Result<bool, Attempt> {
        let (origin, token) = self.azure_token(account, password).await?;
        let found = self.found(&origin, account, &token).await.map_err(NoAnswer::attempt)?;
        Ok(!found.is_empty())
    }

    async fn elevate(&self, account: &Account, password: &Password) -> Result<(), NotElevated> {
        let (origin, token) = match self.azure_token(account, password).await {
            Ok(found) => found,
            Err(Attempt::SecondProof { why }) => return Err(NotElevated::SecondProof { why }),
            Err(Attempt::KeptOut { why } | Attempt::Wrong { why }) => return Err(NotElevated::Refused { why }),
            Err(Attempt::Unknown { why }) => return Err(NotElevated::NotAsked { why }),
            Err(Attempt::In | Attempt::SeenIn | Attempt::SeenOut) => {
                return Err(NotElevated::NotAsked { why: "there is no token".to_owned() });
            }
        };
        let sent = self.sent((Method::POST, &format!("{origin}{ELEVATE}")), &token, Repeat::IfUndone).await;
        sent.map(drop).map_err(|error| match error {
            NoAnswer::SecondProof(why) => NotElevated::SecondProof { why },
            NoAnswer::NotSent(why) => NotElevated::NotAsked { why },
            NoAnswer::Refused(status, why) if status < 500 => NotElevated::Refused { why },
            NoAnswer::Refused(_, why) | NoAnswer::Lost(why) => NotElevated::Perhaps { why },
        })
    }

    async fn lower(&self, account: &Account, password: &Password) -> Result<(), String> {
        let told = |attempt: Attempt| match attempt {
            Attempt::SecondProof { why }
            | Attempt::KeptOut { why }
            | Attempt::Wrong { why }
            | Attempt::Unknown { why } => why,
            Attempt::In | Attempt::SeenIn | Attempt::SeenOut => "there is no token".to_owned(),
        };
        let (origin, token) = self.azure_token(account, password).await.map_err(told)?;
        for name in self.found(&origin, account, &token).await.map_err(NoAnswer::why)? {
            self.delete((&origin, &name), &token).await?;
        }
        Ok(())
    }
}
