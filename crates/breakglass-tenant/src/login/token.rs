//! The token endpoint: passwords, secrets and certificates of applications, refresh tokens.

use breakglass_model::snapshot::Resource;
use jiff::Timestamp;
use serde_json::Value;

use super::error::StsError;
use super::issue;
use crate::call::{Call, Reply, member};
use crate::ids::{Audience, GRAPH_RESOURCE};
use crate::jwt;
use crate::random;
use crate::sign_in::lockout::SmartLockout;
use crate::sign_in::{Attempt, Client, Decided, decide, record};
use crate::state::{Directory, Log, Object, PASSWORD, Secret, StateError, text};
use crate::tenant::Tenant;

/// Seconds by which the clocks of clients may differ: one rounds its time up.
const LEEWAY_SECONDS: i64 = 300;
/// The form of an assertion.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a token request asks for, besides who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope {
    /// The resource, as it was written.
    pub(super) resource: String,
    pub(super) audience: Audience,
    pub(super) wants_id_token: bool,
    pub(super) wants_refresh_token: bool,
}

impl Scope {
    /// Reads `scope`, or `resource` as older clients send it.
    fn of(tenant: &Tenant, form: &[(String, String)]) -> Result<Self, StsError> {
        let own = (tenant.addresses.base.as_str(), tenant.addresses.manager.as_str());
        let words: Vec<&str> = member(form, "scope").unwrap_or_default().split_whitespace().collect();
        let is_about_identity = |word: &&str| matches!(*word, "openid" | "profile" | "offline_access" | "email");
        let mut resources: Vec<String> = Vec::new();
        for word in words.iter().filter(|word| !is_about_identity(word)) {
            let resource = match word.strip_suffix("/.default") {
                Some(resource) => resource.to_owned(),
                None if word.starts_with("https://") || word.starts_with("api://") => {
                    word.rsplit_once('/').map_or_else(|| (*word).to_owned(), |(resource, _)| resource.to_owned())
                }
                // A bare permission is one of Microsoft Graph.
                None => GRAPH_RESOURCE.to_owned(),
            };
            if !resources.contains(&resource) {
                resources.push(resource);
            }
        }
        let asked = member(form, "resource").map(str::to_owned).or_else(|| resources.first().cloned());
        if resources.len() > 1 {
            let text =
                "The provided value for the input parameter 'scope' is not valid: it names more than one resource.";
            return Err(StsError { text: Some(text.to_owned()), ..StsError::of(70_011) });
        }
        let resource = asked.unwrap_or_else(|| GRAPH_RESOURCE.to_owned());
        Ok(Self {
            audience: Audience::of(&resource, own),
            resource,
            wants_id_token: words.contains(&"openid"),
            wants_refresh_token: words.contains(&"offline_access"),
        })
    }
}

/// The id by which a client knows its request again.
pub(super) fn correlation_id(call: &Call) -> String {
    let of_query =
        crate::call::pairs(&call.query).and_then(|query| member(&query, "client-request-id").map(str::to_owned));
    let given = call.header("client-request-id").map(str::to_owned).or(of_query);
    let is_id = |id: &String| id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    given.filter(is_id).or_else(|| random::uuid().ok()).unwrap_or_default()
}

/// Answers a token request.
pub(super) fn answer(tenant: &Tenant, call: &Call) -> Reply {
    let correlation_id = correlation_id(call);
    match granted(tenant, call, &correlation_id) {
        Ok(body) => Reply::json(200, body).with("cache-control", "no-store"),
        Err(error) => error.reply(tenant, &correlation_id),
    }
}

fn granted(tenant: &Tenant, call: &Call, correlation_id: &str) -> Result<Value, StsError> {
    let form = call.form().ok_or_else(|| StsError::of(90_100))?;
    let client_id = member(&form, "client_id").ok_or_else(|| StsError::missing("client_id"))?;
    let client = Client::find(&tenant.state.read(), client_id).ok_or_else(|| unknown_client(client_id))?;
    let scope = Scope::of(tenant, &form)?;
    let grant = member(&form, "grant_type").ok_or_else(|| StsError::missing("grant_type"))?;
    let is_proved = proved(tenant, &client, &form)?;
    let request = Request { tenant, call, form: &form, client: &client, scope: &scope, correlation_id };
    match grant {
        "password" => {
            request.has_client(is_proved)?;
            request.password()
        }
        "refresh_token" => request.refresh(),
        "client_credentials" if is_proved => issue::to_application(tenant, &client, &scope),
        "client_credentials" => Err(StsError::of(7_000_218)),
        _ => Err(StsError::of(70_003)),
    }
}

fn unknown_client(client_id: &str) -> StsError {
    let id: String = client_id.chars().take(100).collect();
    let text = format!(
        "Application with identifier '{id}' was not found in the directory. This can happen if the application has not \
         been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent \
         your authentication request to the wrong tenant."
    );
    StsError { text: Some(text), ..StsError::of(700_016) }
}

/// Whether an application has proved that it is itself; an error where it tried and failed.
fn proved(tenant: &Tenant, client: &Client, form: &[(String, String)]) -> Result<bool, StsError> {
    let now = tenant.clock.now();
    let owner = client.object_id.as_deref().unwrap_or_default();
    if let Some(secret) = member(form, "client_secret") {
        let known: Vec<Secret> = tenant.state.read().secrets(owner).to_vec();
        let Some(found) = known.iter().find(|known| known.hashed.is(secret)) else {
            return Err(StsError::of(7_000_215));
        };
        return if found.until.is_none_or(|until| now < until) { Ok(true) } else { Err(StsError::of(7_000_222)) };
    }
    let Some(assertion) = member(form, "client_assertion") else { return Ok(false) };
    if member(form, "client_assertion_type") != Some(JWT_BEARER) {
        return Err(StsError::missing("client_assertion_type"));
    }
    let parts = jwt::parts(assertion).map_err(|_| StsError::of(700_027))?;
    let directory = tenant.state.read();
    let keys = certificates(&directory, owner, now);
    if !keys.iter().any(|certificate| jwt::asserted(&parts, certificate).is_ok()) {
        return Err(StsError::of(700_027));
    }
    let text = |name: &str| parts.claims.get(name).and_then(Value::as_str);
    let seconds = |name: &str| parts.claims.get(name).and_then(Value::as_f64);
    #[expect(clippy::cast_precision_loss, reason = "seconds of this century are exact")]
    let now = now.as_second() as f64;
    #[expect(clippy::cast_precision_loss, reason = "a few minutes are exact")]
    let leeway = LEEWAY_SECONDS as f64;
    let is_in_time = seconds("exp").is_some_and(|until| now < until + leeway)
        && seconds("nbf").is_none_or(|from| from - leeway <= now);
    let is_for_us = text("aud").is_some_and(|audience| audience.starts_with(&tenant.addresses.base));
    let is_own = ["iss", "sub"].iter().all(|name| text(name).is_some_and(|id| id.eq_ignore_ascii_case(&client.app_id)));
    if is_in_time && is_for_us && is_own { Ok(true) } else { Err(StsError::of(700_024)) }
}

/// The certificates (DER) of an application that are good at an instant.
fn certificates(directory: &Directory, owner: &str, now: Timestamp) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    let app = directory.object(Resource::Applications, owner);
    let keys = app.and_then(|app| app.get("keyCredentials")).and_then(Value::as_array).into_iter().flatten();
    let instant = |key: &Value, name: &str| key.get(name)?.as_str()?.parse::<Timestamp>().ok();
    let good = keys.filter(|key| instant(key, "endDateTime").is_none_or(|until| now < until));
    let der = |key: &Value| base64::engine::general_purpose::STANDARD.decode(key.get("key")?.as_str()?).ok();
    good.filter_map(der).collect()
}

/// A token request of somebody.
struct Request<'a> {
    tenant: &'a Tenant,
    call: &'a Call,
    form: &'a [(String, String)],
    client: &'a Client,
    scope: &'a Scope,
    correlation_id: &'a str,
}

impl Request<'_> {
    fn attempt<'s>(&'s self, amr: &'s [String], is_interactive: bool) -> Attempt<'s> {
        Attempt {
            client: self.client,
            resource: &self.scope.resource,
            audience: self.scope.audience,
            remote: self.call.remote,
            user_agent: self.call.header("user-agent"),
            amr,
            is_interactive,
            correlation_id: self.correlation_id,
        }
    }

    /// Only a public client signs somebody in without proving itself.
    fn has_client(&self, is_proved: bool) -> Result<(), StsError> {
        if is_proved || self.client.is_public { Ok(()) } else { Err(StsError::of(7_000_218)) }
    }

    /// Signs somebody in with a password.
    fn password(&self) -> Result<Value, StsError> {
        let name = member(self.form, "username").ok_or_else(|| StsError::missing("username"))?;
        let password = member(self.form, "password").ok_or_else(|| StsError::missing("password"))?;
        let amr = vec!["pwd".to_owned()];
        let attempt = self.attempt(&amr, true);
        let user = self.tenant.state.read().user(name).cloned();
        let result = match &user {
            None => Err(StsError::of(50_034)),
            Some(user) => self.checked(user, password),
        };
        self.concluded(user, (name, &attempt), result)
    }

    /// Whether the password is the user's, and the account is open.
    fn checked(&self, user: &Object, password: &str) -> Result<(), StsError> {
        let (tenant, now) = (self.tenant, self.tenant.clock.now());
        let id = text(user, "id").unwrap_or_default();
        let lockout: &SmartLockout = &tenant.lockout;
        let is_familiar = self.call.remote.is_loopback();
        if lockout.is_locked(id, is_familiar, now) {
            return Err(StsError::of(50_053));
        }
        let secrets: Vec<Secret> = tenant.state.read().secrets(id).to_vec();
        if !secrets.iter().any(|secret| secret.id == PASSWORD && secret.hashed.is(password)) {
            lockout.failed(id, is_familiar, (password, now));
            return Err(StsError::of(50_126));
        }
        lockout.succeeded(id, is_familiar);
        if user.get("accountEnabled").and_then(Value::as_bool) == Some(false) {
            return Err(StsError::of(50_057));
        }
        let profile = user.get("passwordProfile");
        let must = |name: &str| profile.and_then(|profile| profile.get(name)).and_then(Value::as_bool) == Some(true);
        if must("forceChangePasswordNextSignIn") || must("forceChangePasswordNextSignInWithMfa") {
            return Err(StsError::of(50_055));
        }
        Ok(())
    }

    /// Asks Conditional Access, writes the record, and issues the tokens.
    fn concluded(
        &self,
        user: Option<Object>,
        (name, attempt): (&str, &Attempt<'_>),
        result: Result<(), StsError>,
    ) -> Result<Value, StsError> {
        let now = self.tenant.clock.now();
        let mut decided = Decided::unasked();
        let mut result = result;
        if let (Ok(()), Some(user)) = (&result, &user) {
            decided = decide(&self.tenant.state.read(), user, attempt, now);
            if let Some(code) = decided.refused {
                result = Err(StsError { policies: decided.policies.clone(), ..StsError::of(code) });
            }
        }
        let (code, reason) = match &result {
            Ok(()) => (0, String::new()),
            Err(error) => (error.code, error.sentence().to_owned()),
        };
        let logged = record(user.as_ref(), name, attempt, &decided, (code, &reason, now))
            .map_err(|_| StsError::of(90_100))
            .and_then(|record| self.tenant.state.log(Log::SignIns, &record).map_err(|error| unavailable(&error)));
        result?;
        // Nobody signs in unseen.
        logged?;
        let user = user.ok_or_else(|| StsError::of(50_034))?;
        issue::to_user(self.tenant, &user, attempt, self.scope)
    }

    /// Carries a session on.
    fn refresh(&self) -> Result<Value, StsError> {
        let token = member(self.form, "refresh_token").ok_or_else(|| StsError::missing("refresh_token"))?;
        let (tenant, now) = (self.tenant, self.tenant.clock.now());
        let found = tenant.state.read().session(&issue::digest(token)).cloned();
        let session = found.filter(|session| session.client.eq_ignore_ascii_case(&self.client.app_id));
        let session = session.ok_or_else(|| StsError::of(70_000))?;
        if now >= session.until {
            return Err(StsError::of(70_008));
        }
        let user = tenant.state.read().object(Resource::Users, &session.user).cloned();
        let attempt = self.attempt(&session.amr, false);
        let result = match &user {
            None => Err(StsError::of(50_173)),
            Some(user) => still_good(user, session.begun),
        };
        let name = session.user.clone();
        self.concluded(user, (&name, &attempt), result)
    }
}

/// Whether a session that was begun at an instant has not been revoked.
fn still_good(user: &Object, begun: Timestamp) -> Result<(), StsError> {
    if user.get("accountEnabled").and_then(Value::as_bool) == Some(false) {
        return Err(StsError::of(50_057));
    }
    let valid_from = text(user, "signInSessionsValidFromDateTime").and_then(|text| text.parse::<Timestamp>().ok());
    // Instants are kept to the second: what was begun within it is taken for older.
    if valid_from.is_some_and(|from| begun < from) { Err(StsError::of(50_173)) } else { Ok(()) }
}

fn unavailable(_: &StateError) -> StsError {
    let text = "The tenant cannot write its log.".to_owned();
    StsError { text: Some(text), ..StsError::of(90_100) }
}
