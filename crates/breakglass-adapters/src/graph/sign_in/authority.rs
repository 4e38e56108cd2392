//! The authority of a tenant: where tokens come from.
//!
//! **Source:** "Microsoft identity platform and OAuth 2.0", the pages of each grant, read 2026-11-26.

use std::sync::Arc;
use std::time::Duration;

use breakglass_ops::ports::{Clock, Random, Repeat};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Prompt;
use super::error::{EntraRefusal, SignInError};
use super::form::{Form, repeats};
use crate::graph::cloud::Cloud;
use crate::graph::limits::Limits;
use crate::graph::patience::{Patience, retry_after};
use crate::http::{Failure, Gathered, SecretText, Sent, Transport};

/// What Entra writes into its log as the correlation id, if a client chooses one.
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");

/// The authority, and who asks it for what.
pub(in crate::graph) struct Authority {
    pub(in crate::graph) transport: Arc<Transport>,
    pub(in crate::graph) cloud: Cloud,
    pub(in crate::graph) limits: Limits,
    pub(in crate::graph) tenant: String,
    pub(in crate::graph) client_id: String,
    /// Permissions that are asked for by name; none means all that the application has.
    pub(in crate::graph) permissions: Vec<String>,
    pub(in crate::graph) clock: Arc<dyn Clock>,
    pub(in crate::graph) random: Arc<dyn Random>,
    pub(in crate::graph) prompt: Arc<dyn Prompt>,
}

/// What the authority gives.
#[derive(Deserialize)]
pub(in crate::graph) struct Grant {
    #[serde(rename = "access_token")]
    pub(in crate::graph) access: SecretText,
    #[serde(rename = "refresh_token")]
    pub(in crate::graph) refresh: Option<SecretText>,
    /// Seconds; older answers have it as text.
    #[serde(deserialize_with = "seconds")]
    expires_in: u64,
}

impl Grant {
    /// A token from elsewhere.
    pub(super) fn new(access: SecretText, expires_in: u64) -> Self {
        Self { access, refresh: None, expires_in }
    }

    /// How long the token is good.
    pub(in crate::graph) fn lifetime(&self) -> Duration {
        Duration::from_secs(self.expires_in)
    }
}

fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let read = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    read.ok_or_else(|| serde::de::Error::custom("`expires_in` is no number of seconds"))
}

impl Authority {
    /// The address of an endpoint, as `token`.
    pub(super) fn endpoint(&self, name: &str) -> String {
        format!("{}/{}/oauth2/v2.0/{name}", self.cloud.login(), self.tenant)
    }

    /// What an application asks for as itself: all it was granted.
    pub(super) fn everything(&self) -> String {
        format!("{}/.default", self.cloud.graph())
    }

    /// What is asked for on behalf of a person, with a token to renew it.
    pub(super) fn delegated(&self) -> String {
        let graph = self.cloud.graph();
        let mut scope: Vec<String> = self.permissions.iter().map(|name| format!("{graph}/{name}")).collect();
        if scope.is_empty() {
            scope.push(self.everything());
        }
        scope.push("offline_access".to_owned());
        scope.join(" ")
    }

    /// The claims of a sign-in: that challenges are answered here, and what a challenge demands.
    ///
    /// **Source:** "Claims challenges, claims requests, and client capabilities": `xms_cc` with `cp1`.
    pub(super) fn claims(demanded: Option<&str>) -> String {
        let mut claims: Value = demanded.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
        if !claims.is_object() {
            claims = json!({});
        }
        if let Some(all) = claims.as_object_mut() {
            let of_token = all.entry("access_token").or_insert_with(|| json!({}));
            if !of_token.is_object() {
                *of_token = json!({});
            }
            if let Some(of_token) = of_token.as_object_mut() {
                of_token.insert("xms_cc".to_owned(), json!({ "values": ["cp1"] }));
            }
        }
        claims.to_string()
    }

    /// Asks for a token.
    pub(super) async fn token(&self, form: Form, repeat: Repeat) -> Result<Grant, SignInError> {
        self.token_for(form, repeat, None).await
    }

    /// The same, by a correlation id of ours, if there is one.
    pub(super) async fn token_for(
        &self,
        mut form: Form,
        repeat: Repeat,
        correlation_id: Option<&str>,
    ) -> Result<Grant, SignInError> {
        form.push("client_id", &self.client_id);
        let body = self.posted("token", form, (repeat, correlation_id)).await?;
        serde_json::from_slice(body.bytes()).map_err(|error| SignInError::Malformed(reason(&error)))
    }

    /// Renews a token.
    pub(in crate::graph) async fn refreshed(
        &self,
        token: &SecretText,
        claims: Option<&str>,
    ) -> Result<Grant, SignInError> {
        let (scope, claims) = (self.delegated(), Self::claims(claims));
        let form = Form::new(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", token.text()),
            ("scope", &scope),
            ("claims", &claims),
        ]);
        self.token(form, Repeat::Safe).await
    }

    /// Posts a form; the answer says yes. It is sent again if the authority is busy or was not reached, and if no answer
    /// came where twice is as good as once.
    pub(super) async fn post(&self, name: &str, form: Form, repeat: Repeat) -> Result<Gathered, SignInError> {
        self.posted(name, form, (repeat, None)).await
    }

    async fn posted(
        &self,
        name: &str,
        form: Form,
        (repeat, correlation_id): (Repeat, Option<&str>),
    ) -> Result<Gathered, SignInError> {
        let url = Url::parse(&self.endpoint(name)).map_err(|error| SignInError::Local(error.to_string()))?;
        let body = form.into_body();
        let mut patience = Patience::new(&self.limits);
        loop {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
            headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
            if let Some(id) = correlation_id.and_then(|id| HeaderValue::from_str(id).ok()) {
                headers.insert(CLIENT_REQUEST_ID, id);
            }
            let sent = Sent { method: Method::POST, url: url.clone(), headers, body: Some(body.clone()) };
            let (wait, error) = match self.transport.send(sent).await {
                Ok(reply) if (200..300).contains(&reply.status) => return Ok(reply.body),
                Ok(reply) => {
                    let asked = retry_after(&reply.headers, self.clock.now());
                    let refused = EntraRefusal::of_body(reply.body.bytes(), &|text| repeats(&body, text));
                    let is_busy = matches!(reply.status, 429 | 503 | 504);
                    let wait = is_busy.then(|| patience.after(asked, &*self.random)).flatten();
                    (
                        wait,
                        refused.map_or_else(|| no_answer(reply.status), |refused| SignInError::Refused(refused.into())),
                    )
                }
                Err(Failure::NotSent { why, may_pass }) => {
                    let wait = may_pass.then(|| patience.after_no_connection(&*self.random)).flatten();
                    (wait, SignInError::Unreachable(why))
                }
                Err(Failure::Lost { why }) => {
                    let wait = (repeat == Repeat::Safe).then(|| patience.after(None, &*self.random)).flatten();
                    (wait, SignInError::Unreachable(why))
                }
                Err(Failure::TooLarge { bytes_max }) => {
                    return Err(SignInError::Malformed(format!("it is larger than {bytes_max} bytes")));
                }
            };
            let Some(wait) = wait else { return Err(error) };
            self.clock.sleep(wait).await;
        }
    }
}

/// An answer that is no refusal of Entra's.
fn no_answer(status: u16) -> SignInError {
    SignInError::Unreachable(format!("the authority answered {status}, and not in its own form"))
}

/// What is wrong with JSON, without what is in it.
pub(super) fn reason(error: &serde_json::Error) -> String {
    format!("wrong at line {}, column {}", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_say_that_challenges_are_answered() {
        let able = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;
        for nothing in [None, Some(""), Some("[]"), Some("{\"access_token\":1}")] {
            assert_eq!(Authority::claims(nothing), able, "{nothing:?}");
        }
        let demanded = r#"{"access_token":{"nbf":{"value":"1"}},"id_token":{}}"#;
        let expected = r#"{"access_token":{"nbf":{"value":"1"},"xms_cc":{"values":["cp1"]}},"id_token":{}}"#;
        assert_eq!(Authority::claims(Some(demanded)), expected);
    }

    #[test]
    fn a_grant_is_read_in_both_forms_and_not_shown() {
        for lifetime in ["3599", "\"3599\""] {
            let text = format!(r#"{{"access_token":"secret-a","refresh_token":"secret-r","expires_in":{lifetime}}}"#);
            let grant: Grant = serde_json::from_str(&text).unwrap();
            assert_eq!(grant.lifetime(), Duration::from_secs(3_599));
            assert_eq!(grant.refresh.map(|token| token.text().to_owned()).as_deref(), Some("secret-r"));
        }
        let wrong = serde_json::from_str::<Grant>(r#"{"access_token":"hush","expires_in":"hush"}"#).err().unwrap();
        assert!(!reason(&wrong).contains("hush"));
    }
}
