//! The token endpoint: passwords, codes, devices, applications, refresh tokens.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use breakglass_model::snapshot::Resource;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::client::{Platform, is_assigned, named, principal_of, proved};
use super::error::StsError;
use super::flows::{NotRedeemed, Person};
use super::issue::{self, Grounds, REFRESH_TOKEN_HOURS_SINGLE_PAGE};
use super::scope::Scope;
use crate::call::{Call, Reply, decoded, member};
use crate::faults;
use crate::ids::Audience;
use crate::random;
use crate::sign_in::{
    Attempt, Client, Decided, Device, PrincipalAttempt, Target, decide, decide_principal, first_factor, record,
    record_of_principal,
};
use crate::state::{Log, Object, StateError, text};
use crate::tenant::Tenant;

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

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
        Err(error) => error.reply(tenant, &correlation_id).with("cache-control", "no-store"),
    }
}

fn granted(tenant: &Tenant, call: &Call, correlation_id: &str) -> Result<Value, StsError> {
    let mut form = call.form().ok_or_else(|| StsError::of(9_002_313))?;
    StsError::unless_single(&form)?;
    form.extend(basic(call, &form)?);
    let client = named(tenant, &form)?;
    let grant = member(&form, "grant_type").ok_or_else(|| StsError::missing("grant_type"))?;
    let scope = Scope::of(tenant, &form)?;
    let is_proved = match proved(tenant, &client, &form) {
        Err(error) if grant == "client_credentials" => {
            unproved(tenant, (&client, scope.as_ref()), (call, correlation_id), &error)?;
            return Err(error);
        }
        proved => proved?,
    };
    // Sessions that are open are carried on all the same.
    if grant != "refresh_token" && faults::is_token_service_down(&tenant.state.read()) {
        return Err(StsError::of(90_033));
    }
    let request = Request { tenant, call, form: &form, client: &client, is_proved, scope, correlation_id };
    match grant {
        "password" => {
            request.has_client()?;
            request.password()
        }
        "authorization_code" => request.code(),
        DEVICE_CODE => request.device(),
        "refresh_token" => request.refresh(),
        "client_credentials" if is_proved => request.application(),
        "client_credentials" => Err(StsError::of(7_000_218)),
        _ => Err(StsError::of(70_003)),
    }
}

/// Writes the record of an application that could not prove that it is itself.
fn unproved(
    tenant: &Tenant,
    (client, scope): (&Client, Option<&Scope>),
    (call, correlation_id): (&Call, &str),
    error: &StsError,
) -> Result<(), StsError> {
    let Some(principal) = principal_of(&tenant.state.read(), client).cloned() else { return Ok(()) };
    let target = scope.map_or_else(|| Target::of(Audience::Graph), |scope| scope.target.clone());
    let attempt = PrincipalAttempt { principal: &principal, target: &target, remote: call.remote, correlation_id };
    log_principal(tenant, attempt, (&Decided::unasked(), error.code, error.sentence()))
}

fn log_principal(
    tenant: &Tenant,
    attempt: PrincipalAttempt<'_>,
    (decided, code, reason): (&Decided, u32, &str),
) -> Result<(), StsError> {
    let record = record_of_principal(attempt, decided, (code, reason, tenant.clock.now()));
    let record = record.map_err(|_| StsError::of(90_033))?;
    tenant.state.log(Log::SignIns, &record).map_err(|error| unavailable(&error))
}

/// A token request of somebody.
struct Request<'a> {
    tenant: &'a Tenant,
    call: &'a Call,
    form: &'a [(String, String)],
    client: &'a Client,
    /// Whether the client has proved that it is itself.
    is_proved: bool,
    scope: Option<Scope>,
    correlation_id: &'a str,
}

/// How a session is carried on, or begun by a code.
struct Carried<'a> {
    person: Person,
    scope: Scope,
    is_device_code: bool,
    /// When what carries it was issued.
    begun: Timestamp,
    nonce: Option<&'a str>,
    lasts: SignedDuration,
    /// Whether it is a page in the browser, whose sessions are not prolonged.
    is_single_page: bool,
    /// Whether it is an application in the browser.
    is_in_browser: bool,
    /// Whether the record of the sign-in was written when the code was given out.
    is_logged: bool,
}

impl Request<'_> {
    fn attempt<'s>(&'s self, scope: &'s Scope, person: &Person) -> Attempt<'s> {
        Attempt {
            client: self.client,
            target: &scope.target,
            user_action: None,
            remote: self.call.remote,
            user_agent: self.call.header("user-agent"),
            modes: person.modes,
            asked: None,
            shown: person.shown,
            gives: person.gives,
            targets_client: scope.targets(self.client),
            is_interactive: true,
            is_in_browser: false,
            is_password_grant: false,
            is_device_code: false,
            is_stepped_up: scope.steps_up,
            contexts: &scope.contexts,
            context: None,
            profile: self.tenant.profile,
            correlation_id: self.correlation_id,
            device: Device::of(self.tenant, self.call),
        }
    }

    /// Only a public client signs somebody in without proving itself.
    fn has_client(&self) -> Result<(), StsError> {
        if self.is_proved || self.client.is_public { Ok(()) } else { Err(StsError::of(7_000_218)) }
    }

    /// Signs somebody in with a password.
    fn password(&self) -> Result<Value, StsError> {
        let name = member(self.form, "username").ok_or_else(|| StsError::missing("username"))?;
        let password = member(self.form, "password").ok_or_else(|| StsError::missing("password"))?;
        let now = self.tenant.clock.now();
        // Nobody's password is looked at by whoever asks for nothing.
        let scope = self.scope.clone().ok_or_else(|| StsError::missing("scope"))?;
        let user = self.tenant.state.read().user_by_name(name).cloned();
        let shown = match &user {
            None => Err(StsError::of(50_034)),
            Some(user) => first_factor::shown(self.tenant, user, (password, self.call.remote, false)),
        };
        let modes = shown.as_ref().copied().unwrap_or_default();
        let id = user.as_ref().and_then(|user| text(user, "id")).unwrap_or_default().to_owned();
        let person = Person::of(&id, modes, now);
        let attempt = Attempt { is_password_grant: true, ..self.attempt(&scope, &person) };
        let lasts = self.tenant.profile.refresh_token_lasts();
        let is_confidential = self.is_proved;
        let grounds = Grounds {
            person: &person,
            nonce: None,
            lasts,
            is_single_page: false,
            is_confidential,
            scope: &scope.asked,
        };
        self.concluded((user, name, true), (&attempt, &scope, grounds), shown.map(|_| ()))
    }

    /// Redeems the code that somebody got on the pages.
    fn code(&self) -> Result<Value, StsError> {
        let text = member(self.form, "code").ok_or_else(|| StsError::missing("code"))?;
        let now = self.tenant.clock.now();
        let code = self.tenant.flows.redeem(text, &self.client.app_id, now).map_err(|why| not_redeemed(why, false))?;
        if member(self.form, "redirect_uri") != Some(code.answer.address.as_str()) {
            return Err(StsError::of(500_112));
        }
        if code.answer.platform == Platform::Web && !self.is_proved {
            return Err(StsError::of(7_000_218));
        }
        if let Some((challenge, is_hash)) = &code.answer.challenge {
            let verifier = member(self.form, "code_verifier").ok_or_else(|| StsError::missing("code_verifier"))?;
            let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
            let shown = if *is_hash { URL_SAFE_NO_PAD.encode(hash) } else { verifier.to_owned() };
            if aws_lc_rs::constant_time::verify_slices_are_equal(shown.as_bytes(), challenge.as_bytes()).is_err() {
                return Err(StsError::of(501_481));
            }
        }
        let is_single_page = code.answer.platform == Platform::SinglePage;
        let lasts = if is_single_page {
            SignedDuration::from_hours(REFRESH_TOKEN_HOURS_SINGLE_PAGE)
        } else {
            self.tenant.profile.refresh_token_lasts()
        };
        // What is redeemed was asked for at the authorization endpoint; the resource may be named again.
        let asked = code.scope;
        let scope = self.scope.clone().map_or_else(
            || asked.clone(),
            |scope| Scope {
                wants_id_token: asked.wants_id_token,
                wants_refresh_token: asked.wants_refresh_token,
                steps_up: asked.steps_up || scope.steps_up,
                is_cae_capable: asked.is_cae_capable || scope.is_cae_capable,
                contexts: if scope.contexts.is_empty() { asked.contexts.clone() } else { scope.contexts },
                ..scope
            },
        );
        self.carried_on(Carried {
            begun: code.person.shown.first,
            person: code.person,
            scope,
            is_device_code: false,
            nonce: code.answer.nonce.as_deref(),
            lasts,
            is_single_page,
            is_in_browser: self.client.is_in_browser || code.answer.platform != Platform::Native,
            is_logged: true,
        })
    }

    /// Answers a device that waits.
    fn device(&self) -> Result<Value, StsError> {
        let text = member(self.form, "device_code").or_else(|| member(self.form, "code"));
        let text = text.ok_or_else(|| StsError::missing("device_code"))?;
        let now = self.tenant.clock.now();
        let redeemed = self.tenant.flows.redeem_device(text, (&self.client.app_id, now));
        let (scope, person) = redeemed.map_err(|why| not_redeemed(why, true))?;
        self.carried_on(Carried {
            begun: person.shown.first,
            person,
            scope,
            is_device_code: true,
            nonce: None,
            lasts: self.tenant.profile.refresh_token_lasts(),
            is_single_page: false,
            is_in_browser: false,
            is_logged: true,
        })
    }

    /// Carries a session on.
    fn refresh(&self) -> Result<Value, StsError> {
        let token = member(self.form, "refresh_token").ok_or_else(|| StsError::missing("refresh_token"))?;
        let (tenant, now) = (self.tenant, self.tenant.clock.now());
        let found = tenant.state.read().session(&issue::digest(token)).cloned();
        let session = found.filter(|session| session.client.eq_ignore_ascii_case(&self.client.app_id));
        let session = session.ok_or_else(|| StsError::of(70_000))?;
        if now >= session.until {
            return Err(StsError::of(if session.is_single_page { 700_084 } else { 700_082 }));
        }
        if session.is_confidential && !self.is_proved {
            return Err(StsError::of(7_000_218));
        }
        let person = Person::of_session(&session);
        // A session of a page in the browser ends when it was going to end.
        let is_single_page = session.is_single_page;
        let lasts =
            if is_single_page { session.until.duration_since(now) } else { self.tenant.profile.refresh_token_lasts() };
        let scope = match &self.scope {
            Some(scope) => scope.clone(),
            None => {
                let again = [("scope".to_owned(), session.scope.clone())];
                Scope::of(tenant, &again)?.unwrap_or_else(Scope::usual)
            }
        };
        self.carried_on(Carried {
            person,
            scope,
            is_device_code: session.is_device_code,
            begun: session.begun,
            nonce: None,
            lasts,
            is_single_page,
            is_in_browser: self.client.is_in_browser || is_single_page,
            is_logged: false,
        })
    }

    fn carried_on(&self, carried: Carried<'_>) -> Result<Value, StsError> {
        let Carried { person, scope, is_device_code, begun, nonce, lasts, is_single_page, is_in_browser, is_logged } =
            carried;
        let user = self.tenant.state.read().object(Resource::Users, &person.user).cloned();
        let attempt =
            Attempt { is_interactive: is_logged, is_device_code, is_in_browser, ..self.attempt(&scope, &person) };
        let result = match &user {
            None => Err(StsError::of(50_173)),
            Some(user) => is_carried_on(user, begun),
        };
        let is_confidential = self.is_proved;
        let grounds = Grounds { person: &person, nonce, lasts, is_single_page, is_confidential, scope: &scope.asked };
        self.concluded((user, &person.user, !is_logged), (&attempt, &scope, grounds), result)
    }

    /// Signs the application in as itself.
    fn application(&self) -> Result<Value, StsError> {
        let scope = self.scope.as_ref().ok_or_else(|| StsError::missing("scope"))?;
        if let Some(word) = scope.permissions.first() {
            let word: String = word.chars().take(100).collect();
            let text = format!(
                "The provided value for scope {word} is not valid. Client credential flows must have a scope value with \
                 /.default suffixed to the resource identifier (application ID URI)."
            );
            return Err(StsError { text: Some(text), ..StsError::of(1_002_012) });
        }
        let now = self.tenant.clock.now();
        let principal = principal_of(&self.tenant.state.read(), self.client).cloned();
        let principal = principal.ok_or_else(|| StsError::of(7_000_229))?;
        let attempt = PrincipalAttempt {
            principal: &principal,
            target: &scope.target,
            remote: self.call.remote,
            correlation_id: self.correlation_id,
        };
        let decided = decide_principal(&self.tenant.state.read(), attempt, now);
        let result = decided
            .refused
            .map_or(Ok(()), |code| Err(StsError { policies: decided.policies.clone(), ..StsError::of(code) }));
        let (code, reason) = result.as_ref().map_or_else(|error| (error.code, error.sentence()), |()| (0, ""));
        log_principal(self.tenant, attempt, (&decided, code, reason))?;
        result.clone()?;
        issue::to_application(self.tenant, (self.client, &principal), scope)
    }

    /// Asks Conditional Access, writes the record, and issues the tokens.
    fn concluded(
        &self,
        (user, name, writes_success): (Option<Object>, &str, bool),
        (attempt, scope, grounds): (&Attempt<'_>, &Scope, Grounds<'_>),
        result: Result<(), StsError>,
    ) -> Result<Value, StsError> {
        let now = self.tenant.clock.now();
        let mut decided = Decided::unasked();
        let mut result = result;
        if let (Ok(()), Some(user)) = (&result, &user) {
            let directory = self.tenant.state.read();
            result = is_assigned(&directory, self.client, user)
                .and_then(|()| issue::delegated(&directory, self.client, (user, scope)).map(drop));
        }
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
        let logged = if code != 0 || writes_success {
            record(user.as_ref(), name, attempt, &decided, (code, &reason, now))
                .map_err(|_| StsError::of(90_033))
                .and_then(|record| self.tenant.state.log(Log::SignIns, &record).map_err(|error| unavailable(&error)))
        } else {
            Ok(())
        };
        result?;
        // Nobody signs in unseen.
        logged?;
        let user = user.ok_or_else(|| StsError::of(50_034))?;
        issue::to_user(self.tenant, &user, (attempt, scope), grounds)
    }
}

/// The client's id and secret where they stand in the header of the request (RFC 6749 section 2.3.1).
fn basic(call: &Call, form: &[(String, String)]) -> Result<Vec<(String, String)>, StsError> {
    let header = call.header("authorization").and_then(|header| header.split_once(' '));
    let Some((_, given)) = header.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic")) else {
        return Ok(Vec::new());
    };
    let pair = || {
        let given = String::from_utf8(STANDARD.decode(given.trim()).ok()?).ok()?;
        let (id, secret) = given.split_once(':')?;
        Some((decoded(id, true)?, decoded(secret, true)?))
    };
    let (id, secret) = pair().ok_or_else(|| StsError::of(90_100))?;
    // A client uses one way to prove itself, and is one client.
    let is_other = member(form, "client_id").is_some_and(|known| !known.eq_ignore_ascii_case(&id));
    if is_other || member(form, "client_secret").is_some() || member(form, "client_assertion").is_some() {
        return Err(StsError::of(90_100));
    }
    let id = member(form, "client_id").is_none().then(|| ("client_id".to_owned(), id));
    Ok(id.into_iter().chain([("client_secret".to_owned(), secret)]).collect())
}

/// Why a code is not redeemed, as it is told.
fn not_redeemed(why: NotRedeemed, is_device: bool) -> StsError {
    let code = match (why, is_device) {
        (NotRedeemed::Twice, _) => 54_005,
        (NotRedeemed::Waiting, _) => 70_016,
        (NotRedeemed::Unknown, true) => 70_018,
        (NotRedeemed::Unknown, false) => {
            let text = "The provided value for the input parameter 'code' is not valid.".to_owned();
            return StsError { text: Some(text), ..StsError::of(70_000) };
        }
        (NotRedeemed::Expired, true) => 70_019,
        (NotRedeemed::Expired, false) => 70_008,
    };
    StsError::of(code)
}

/// Whether a session that was begun at an instant has not been ended since.
pub(super) fn is_carried_on(user: &Object, begun: Timestamp) -> Result<(), StsError> {
    first_factor::is_open(user)?;
    let valid_from = text(user, "signInSessionsValidFromDateTime").and_then(|text| text.parse::<Timestamp>().ok());
    if valid_from.is_some_and(|from| begun < from) { Err(StsError::of(50_173)) } else { Ok(()) }
}

fn unavailable(_: &StateError) -> StsError {
    let text = "The tenant cannot write its log.".to_owned();
    StsError { text: Some(text), ..StsError::of(90_033) }
}
