//! The tokens that are issued: access token, id token, refresh token.
//!
//! **Source:** the access token claims reference; `tenant-clients.md` sections 3.5 and 5 for what clients read.

use aws_lc_rs::digest as hash;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use breakglass_model::snapshot::Resource;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::client::principal_of;
use super::error::StsError;
use super::flows::Person;
use super::scope::Scope;
use crate::grants::{is_for_graph, role_values};
use crate::ids::{Audience, MANDATORY_MFA_CONTEXT, WITH_CONSENT};
use crate::random;
use crate::sign_in::proof::{amr, is_multifactor};
use crate::sign_in::{Attempt, Client, groups_of, roles_of};
use crate::state::{Change, Directory, Object, Session, StateError, text};
use crate::tenant::Tenant;

/// Seconds for which an access token is good.
pub(crate) const ACCESS_TOKEN_SECONDS: i64 = 3_600;
/// Seconds for which one is good whose client answers challenges: Graph looks at each request whether it still is.
///
/// **Source:** "Continuous access evaluation": up to 28 hours.
const ACCESS_TOKEN_SECONDS_WATCHED: i64 = 24 * 3_600;
/// Hours for which a refresh token of a page in the browser is good.
pub(super) const REFRESH_TOKEN_HOURS_SINGLE_PAGE: i64 = 24;

/// What clients of Microsoft's own may do in the name of whom they sign in: what that user may.
const AS_THE_USER: &str = "Directory.AccessAsUser.All";

/// A token cannot be issued.
fn failed() -> StsError {
    StsError { text: Some("The tenant cannot issue a token.".to_owned()), ..StsError::of(90_100) }
}

/// What of a refresh token is kept: its SHA-256, in hexadecimal digits.
pub(super) fn digest(token: &str) -> String {
    hash::digest(&hash::SHA256, token.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What else goes into the tokens of somebody.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grounds<'a> {
    pub(super) person: &'a Person,
    pub(super) nonce: Option<&'a str>,
    /// For how long a refresh token is good.
    pub(super) lasts: SignedDuration,
    /// Whether it is one of a page in the browser.
    pub(super) is_single_page: bool,
    /// What was asked for.
    pub(super) scope: &'a str,
    /// Whether the client proved that it is itself, and has to do so again to carry the session on.
    pub(super) is_confidential: bool,
}

/// What a user holds that tokens tell.
struct Held {
    /// Template ids of directory roles.
    roles: Vec<String>,
    /// Delegated permissions.
    scp: String,
    /// App roles of the resource, and of the client.
    of_resource: Vec<String>,
    of_client: Vec<String>,
    groups: Option<(String, Value)>,
}

fn held(
    directory: &Directory,
    user: &Object,
    (client, scope): (&Client, &Scope),
    now: Timestamp,
) -> Result<Held, StsError> {
    let oid = text(user, "id").unwrap_or_default();
    let groups = groups_of(directory, oid);
    let app_roles = |app_id: &str| {
        let principals = std::iter::once(oid).chain(groups.iter().map(String::as_str));
        let mut roles: Vec<String> =
            principals.flat_map(|principal| role_values(directory, principal, app_id)).collect();
        roles.sort_unstable();
        roles.dedup();
        roles
    };
    Ok(Held {
        roles: roles_of(directory, oid, now),
        scp: delegated(directory, client, (user, scope))?,
        of_resource: app_roles(&scope.target.app_id),
        of_client: app_roles(&client.app_id),
        groups: group_claims(directory, client, groups.clone()),
    })
}

/// The answer to somebody who may come in.
pub(super) fn to_user(
    tenant: &Tenant,
    user: &Object,
    (attempt, scope): (&Attempt<'_>, &Scope),
    grounds: Grounds<'_>,
) -> Result<Value, StsError> {
    let now = tenant.clock.now();
    let oid = text(user, "id").unwrap_or_default();
    let upn = text(user, "userPrincipalName").unwrap_or_default();
    let name = text(user, "displayName").unwrap_or_default();
    let Held { roles, scp, of_resource, of_client, groups } =
        held(&tenant.state.read(), user, (attempt.client, scope), now)?;
    let subject = subject(tenant, oid, &attempt.client.app_id);
    let is_watched =
        scope.is_cae_capable && scope.target.audience == Audience::Graph && tenant.profile.has_watched_tokens();
    let seconds = if is_watched { ACCESS_TOKEN_SECONDS_WATCHED } else { ACCESS_TOKEN_SECONDS };
    let mut claims = common(tenant, scope, (&attempt.client.app_id, seconds));
    if is_watched {
        claims.insert("xms_cc".to_owned(), json!(["CP1"]));
        // One of the second in which sessions were ended would count as one of before.
        let from = text(user, "signInSessionsValidFromDateTime").and_then(|text| text.parse::<Timestamp>().ok());
        let issued = from.map_or(i64::MIN, |from| from.as_second() + 1).max(now.as_second());
        claims.insert("iat".to_owned(), json!(issued));
    }
    claims.extend(members(json!({
        "amr": amr(attempt.modes), "appidacr": if grounds.is_confidential { "1" } else { "0" }, "idtyp": "user",
        "ipaddr": attempt.remote.to_string(), "name": name, "oid": oid, "scp": scp, "sub": subject, "unique_name": upn, "upn": upn, "wids": roles, "acr": "1",
    })));
    let stepped_up = is_multifactor(attempt.modes).then_some(MANDATORY_MFA_CONTEXT);
    // What was asked for was met, or there would be no token.
    let contexts: Vec<&str> = stepped_up.into_iter().chain(attempt.contexts.iter().map(String::as_str)).collect();
    if !contexts.is_empty() {
        claims.insert("acrs".to_owned(), json!(contexts));
    }
    claims.extend((!of_resource.is_empty()).then(|| ("roles".to_owned(), json!(of_resource))));
    let mut body = Map::new();
    body.extend(members(json!({
        "token_type": "Bearer",
        "scope": written_scope(scope, &scp),
        "expires_in": seconds,
        "ext_expires_in": seconds,
        "access_token": sign(tenant, &claims)?,
    })));
    if scope.wants_refresh_token {
        body.insert("refresh_token".to_owned(), refresh_token(tenant, oid, (attempt, grounds))?);
    }
    if scope.wants_id_token {
        let issued = now.as_second();
        let mut id_claims = members(json!({
            "aud": attempt.client.app_id, "iss": format!("{}/{}/v2.0", tenant.addresses.base, tenant.id()),
            "iat": issued, "nbf": issued, "exp": issued + ACCESS_TOKEN_SECONDS, "name": name, "oid": oid,
            "preferred_username": upn, "sub": subject, "tid": tenant.id(), "ver": "2.0",
            "uti": random::token().map_err(|_| failed())?,
        }));
        id_claims.extend((!of_client.is_empty()).then(|| ("roles".to_owned(), json!(of_client))));
        id_claims.extend(groups);
        id_claims.extend(grounds.nonce.map(|nonce| ("nonce".to_owned(), json!(nonce))));
        body.insert("id_token".to_owned(), Value::String(sign(tenant, &id_claims)?));
    }
    let client_info = json!({ "uid": oid, "utid": tenant.id() }).to_string();
    body.insert("client_info".to_owned(), Value::String(URL_SAFE_NO_PAD.encode(client_info)));
    Ok(Value::Object(body))
}

/// Groups that a token lists; one of more says that there are some (`hasgroups`).
const GROUP_COUNT_MAX: usize = 200;

/// The groups of a user for the id token of an application that asks for them in `groupMembershipClaims`.
///
/// **Source:** "Configure group claims for applications": all groups, or security groups; 200 in a token.
fn group_claims(directory: &Directory, client: &Client, groups: Vec<String>) -> Option<(String, Value)> {
    let app = directory.object(Resource::Applications, client.object_id.as_deref()?)?;
    let wanted = text(app, "groupMembershipClaims")?;
    let is_wanted = |id: &String| {
        let group = directory.object(Resource::Groups, id);
        let is_security = group.and_then(|group| group.get("securityEnabled")).and_then(Value::as_bool) != Some(false);
        wanted.split(',').map(str::trim).any(|kind| kind == "All" || (kind == "SecurityGroup" && is_security))
    };
    let listed: Vec<String> = groups.into_iter().filter(is_wanted).collect();
    match listed.len() {
        0 => None,
        1..=GROUP_COUNT_MAX => Some(("groups".to_owned(), json!(listed))),
        _ => Some(("hasgroups".to_owned(), json!(true))),
    }
}

/// By what an application knows a user, and no other application does.
pub(super) fn subject(tenant: &Tenant, oid: &str, app_id: &str) -> String {
    let whole = format!("{}|{oid}|{}", tenant.id(), app_id.to_ascii_lowercase());
    URL_SAFE_NO_PAD.encode(hash::digest(&hash::SHA256, whole.as_bytes()).as_ref())
}

/// A token that carries a session on, which is kept.
fn refresh_token(
    tenant: &Tenant,
    oid: &str,
    (attempt, grounds): (&Attempt<'_>, Grounds<'_>),
) -> Result<Value, StsError> {
    let now = tenant.clock.now();
    let token = random::token().map_err(|_| failed())?;
    let until = now.checked_add(grounds.lasts).map_err(|_| failed())?;
    let session = Session {
        user: oid.to_owned(),
        client: attempt.client.app_id.clone(),
        modes: attempt.modes,
        is_device_code: attempt.is_device_code,
        is_single_page: grounds.is_single_page,
        is_confidential: grounds.is_confidential,
        scope: grounds.scope.to_owned(),
        shown: grounds.person.shown,
        begun: now,
        until,
    };
    let keep = |directory: &Directory| -> Result<_, StateError> {
        let over = directory.sessions_over(now).into_iter().map(Change::RemoveSession);
        Ok((over.chain([Change::PutSession(digest(&token), session)]).collect(), ()))
    };
    tenant.state.write(keep).map_err(|_| failed())?;
    Ok(Value::String(token))
}

/// The answer to an application that proved itself, and has this service principal.
pub(super) fn to_application(
    tenant: &Tenant,
    (client, principal): (&Client, &Object),
    scope: &Scope,
) -> Result<Value, StsError> {
    let oid = text(principal, "id").unwrap_or_default();
    let roles = role_values(&tenant.state.read(), oid, &scope.target.app_id);
    let mut claims = common(tenant, scope, (&client.app_id, ACCESS_TOKEN_SECONDS));
    claims.extend(members(json!({
        "app_displayname": client.name, "appidacr": "1", "idp": format!("{}/{}/", tenant.addresses.base, tenant.id()),
        "idtyp": "app", "oid": oid, "sub": oid, "roles": roles,
    })));
    Ok(json!({
        "token_type": "Bearer",
        "expires_in": ACCESS_TOKEN_SECONDS,
        "ext_expires_in": ACCESS_TOKEN_SECONDS,
        "access_token": sign(tenant, &claims)?,
    }))
}

/// The claims that every access token has.
fn common(tenant: &Tenant, scope: &Scope, (app_id, seconds): (&str, i64)) -> Map<String, Value> {
    let issued = tenant.clock.now().as_second();
    members(json!({
        "aud": scope.resource, "iss": format!("{}/{}/", tenant.addresses.base, tenant.id()), "iat": issued,
        "nbf": issued, "exp": issued + seconds, "appid": app_id, "tid": tenant.id(), "ver": "1.0",
        "uti": random::token().unwrap_or_default(),
    }))
}

fn sign(tenant: &Tenant, claims: &Map<String, Value>) -> Result<String, StsError> {
    let now = tenant.clock.now();
    tenant.keys.roll_if_due(&tenant.state, now).map_err(|_| failed())?;
    tenant.keys.signing(now, |key| key.sign(claims)).and_then(Result::ok).ok_or_else(failed)
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// What a client may do in the name of a user.
///
/// Clients of Microsoft's own act as the user, but for those that ask for consent themselves. Another one may do what was consented to. Where no consent at all is
/// recorded for it, what it asks for by name counts as consented to by an administrator, and `.default` as everything, so
/// that a tenant in a box needs no consent pages.
///
/// # Errors
/// `AADSTS65001` where consent is recorded, and not to what is asked for.
pub(super) fn delegated(
    directory: &Directory,
    client: &Client,
    (user, scope): (&Object, &Scope),
) -> Result<String, StsError> {
    let user = text(user, "id").unwrap_or_default();
    let named = || scope.permissions.join(" ");
    if scope.target.audience != Audience::Graph {
        let is_named = scope.target.audience == Audience::Other && !scope.permissions.is_empty();
        return Ok(if is_named { named() } else { "user_impersonation".to_owned() });
    }
    let principal = principal_of(directory, client).and_then(|one| text(one, "id"));
    let of_client = |grant: &&Object| principal.is_some() && text(grant, "clientId") == principal;
    let mut grants = directory.all(Resource::Oauth2PermissionGrants).filter(of_client).peekable();
    let acts_as_user = client.is_first_party && !WITH_CONSENT.contains(&client.app_id.as_str());
    if acts_as_user || grants.peek().is_none() {
        let is_everything = acts_as_user || scope.is_everything;
        let what = if is_everything { format!("{AS_THE_USER} User.Read") } else { named() };
        return Ok(format!("{what} email openid profile").trim_start().to_owned());
    }
    let is_for_them = |grant: &&Object| {
        text(grant, "consentType") == Some("AllPrincipals") || text(grant, "principalId") == Some(user)
    };
    let grants = grants.filter(|grant| is_for_graph(directory, grant));
    let mut granted: Vec<&str> =
        grants.filter(is_for_them).filter_map(|grant| text(grant, "scope")).flat_map(str::split_whitespace).collect();
    let is_granted = |asked: &String| granted.iter().any(|known| known.eq_ignore_ascii_case(asked));
    if granted.is_empty() || !scope.permissions.iter().all(is_granted) {
        return Err(unconsented(client));
    }
    granted.sort_unstable();
    granted.dedup();
    Ok(granted.join(" "))
}

fn unconsented(client: &Client) -> StsError {
    let text = format!(
        "The user or administrator has not consented to use the application with ID '{}' named '{}'. Send an interactive \
         authorization request for this user and resource.",
        client.app_id, client.name
    );
    StsError { text: Some(text), ..StsError::of(65_001) }
}

/// `scope` of the answer: permissions by their addresses.
fn written_scope(scope: &Scope, scp: &str) -> String {
    let resource = scope.resource.trim_end_matches('/');
    let full = scp.split_whitespace().map(|word| match word {
        "openid" | "profile" | "email" => word.to_owned(),
        _ => format!("{resource}/{word}"),
    });
    full.chain(scope.default.clone()).collect::<Vec<_>>().join(" ")
}
