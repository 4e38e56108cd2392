//! The application that asks: how it proves itself, and where it may be answered.

use breakglass_model::snapshot::Resource;
use jiff::Timestamp;
use serde_json::Value;

use super::error::StsError;
use crate::call::member;
use crate::jwt;
use crate::sign_in::{Client, has_member};
use crate::state::{Directory, Object, Secret, text};
use crate::tenant::Tenant;

/// Seconds by which the clocks of clients may differ: one rounds its time up.
const LEEWAY_SECONDS: i64 = 300;
/// The form of an assertion.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The application that a form names, if the tenant lets it sign anybody in.
pub(super) fn named(tenant: &Tenant, form: &[(String, String)]) -> Result<Client, StsError> {
    let client_id = member(form, "client_id").ok_or_else(|| StsError::missing("client_id"))?;
    let directory = tenant.state.read();
    let client = Client::find(&directory, client_id).ok_or_else(|| unknown(client_id))?;
    let principal = principal_of(&directory, &client);
    let is_off = principal.and_then(|one| one.get("accountEnabled")).and_then(Value::as_bool) == Some(false);
    if is_off {
        let text = format!("Application '{}'({}) is disabled.", client.app_id, client.name);
        return Err(StsError { text: Some(text), ..StsError::of(7_000_112) });
    }
    Ok(client)
}

/// The service principal of an application.
pub(super) fn principal_of<'d>(directory: &'d Directory, client: &Client) -> Option<&'d Object> {
    let is_it = |one: &&Object| text(one, "appId").is_some_and(|id| id.eq_ignore_ascii_case(&client.app_id));
    directory.all(Resource::ServicePrincipals).find(is_it)
}

/// Whether a user may use an application: where assignment is required, only those who are assigned, themselves or
/// through a group of which they are a direct member.
///
/// **Source:** "Properties of an enterprise application": assignment required; nested groups do not count.
pub(super) fn is_assigned(directory: &Directory, client: &Client, user: &Object) -> Result<(), StsError> {
    let Some(principal) = principal_of(directory, client) else { return Ok(()) };
    if principal.get("appRoleAssignmentRequired").and_then(Value::as_bool) != Some(true) {
        return Ok(());
    }
    let (resource, id) = (text(principal, "id"), text(user, "id").unwrap_or_default());
    let is_for = |assignee: &str| {
        let is_in = || directory.object(Resource::Groups, assignee).is_some_and(|group| has_member(group, id));
        assignee.eq_ignore_ascii_case(id) || is_in()
    };
    let mut assignments = directory.all(Resource::AppRoleAssignments).filter(|one| text(one, "resourceId") == resource);
    if assignments.any(|one| text(one, "principalId").is_some_and(is_for)) {
        return Ok(());
    }
    let name = text(user, "userPrincipalName").unwrap_or_default();
    let text = format!(
        "Your administrator has configured the application {} ('{}') to block users unless they are specifically granted \
         ('assigned') access to the application. The signed in user '{name}' is blocked because they are not a direct \
         member of a group with access, nor had access directly assigned by an administrator. Please contact your \
         administrator to assign access to this application.",
        client.name, client.app_id
    );
    Err(StsError { text: Some(text), ..StsError::of(50_105) })
}

fn unknown(client_id: &str) -> StsError {
    let id: String = client_id.chars().take(100).collect();
    let text = format!(
        "Application with identifier '{id}' was not found in the directory. This can happen if the application has not \
         been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent \
         your authentication request to the wrong tenant."
    );
    StsError { text: Some(text), ..StsError::of(700_016) }
}

/// Whether an application has proved that it is itself; an error where it tried and failed.
pub(super) fn proved(tenant: &Tenant, client: &Client, form: &[(String, String)]) -> Result<bool, StsError> {
    let now = tenant.clock.now();
    let owner = client.object_id.as_deref().unwrap_or_default();
    if let Some(secret) = member(form, "client_secret") {
        let known: Vec<Secret> = tenant.state.read().secrets(owner).to_vec();
        let Some(found) = known.iter().find(|known| known.hashed.is(secret)) else {
            return Err(StsError::of(7_000_215));
        };
        if !has_begun(&tenant.state.read(), (owner, &found.id), now) {
            return Err(StsError::of(7_000_215));
        }
        return if found.until.is_none_or(|until| now < until) { Ok(true) } else { Err(StsError::of(7_000_222)) };
    }
    let Some(assertion) = member(form, "client_assertion") else { return Ok(false) };
    if member(form, "client_assertion_type") != Some(JWT_BEARER) {
        return Err(StsError::missing("client_assertion_type"));
    }
    let parts = jwt::parts(assertion).map_err(|_| StsError::of(700_027))?;
    let keys = certificates(&tenant.state.read(), owner, now);
    if !keys.iter().any(|certificate| jwt::asserted(&parts, certificate).is_ok()) {
        return Err(StsError::of(700_027));
    }
    let said = |name: &str| parts.claims.get(name).and_then(Value::as_str);
    let seconds = |name: &str| parts.claims.get(name).and_then(Value::as_f64);
    #[expect(clippy::cast_precision_loss, reason = "seconds of this century are exact")]
    let now = now.as_second() as f64;
    #[expect(clippy::cast_precision_loss, reason = "a few minutes are exact")]
    let leeway = LEEWAY_SECONDS as f64;
    let is_in_time = seconds("exp").is_some_and(|until| now < until + leeway)
        && seconds("nbf").is_none_or(|from| from - leeway <= now);
    let is_for_us = said("aud").is_some_and(|audience| {
        let rest = audience.strip_prefix(tenant.addresses.base.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    let is_own = ["iss", "sub"].iter().all(|name| said(name).is_some_and(|id| id.eq_ignore_ascii_case(&client.app_id)));
    if is_in_time && is_for_us && is_own { Ok(true) } else { Err(StsError::of(700_024)) }
}

/// Whether a secret of an application is good already. Which error says that it is not is not documented: here it is the
/// one for a secret that is none.
fn has_begun(directory: &Directory, (owner, key_id): (&str, &str), now: Timestamp) -> bool {
    let app = directory.object(Resource::Applications, owner);
    let credentials = app.and_then(|app| app.get("passwordCredentials")?.as_array()).into_iter().flatten();
    let mut own = credentials.filter(|one| one.get("keyId").and_then(Value::as_str) == Some(key_id));
    own.all(|one| instant(one, "startDateTime").is_none_or(|from| from <= now))
}

fn instant(credential: &Value, name: &str) -> Option<Timestamp> {
    credential.get(name)?.as_str()?.parse().ok()
}

/// The certificates (DER) of an application that are good at an instant.
fn certificates(directory: &Directory, owner: &str, now: Timestamp) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    let app = directory.object(Resource::Applications, owner);
    let keys = app.and_then(|app| app.get("keyCredentials")).and_then(Value::as_array).into_iter().flatten();
    let has_begun = |key: &Value| instant(key, "startDateTime").is_none_or(|from| from <= now);
    let good = keys.filter(|key| has_begun(key) && instant(key, "endDateTime").is_none_or(|until| now < until));
    let der = |key: &Value| base64::engine::general_purpose::STANDARD.decode(key.get("key")?.as_str()?).ok();
    good.filter_map(der).collect()
}

/// What kind of application an address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Platform {
    /// A server, which proves itself when it redeems a code.
    Web,
    /// A page that runs in the browser, whose sessions are short.
    SinglePage,
    /// A program on a device.
    Native,
}

/// The lists of addresses of an application.
const LISTS: [(&str, Platform); 3] =
    [("web", Platform::Web), ("spa", Platform::SinglePage), ("publicClient", Platform::Native)];
/// Where programs of Microsoft's own are answered, below the login endpoints.
const NATIVE_CLIENT: &str = "/common/oauth2/nativeclient";

/// The kind of address that an application registered; `None` if it did not register this one.
pub(super) fn platform(tenant: &Tenant, client: &Client, address: &str) -> Option<Platform> {
    if client.is_first_party {
        let is_own = address == format!("{}{NATIVE_CLIENT}", tenant.addresses.base)
            || address == format!("https://login.microsoftonline.com{NATIVE_CLIENT}");
        return (is_own || is_same("http://localhost", address)).then_some(Platform::Native);
    }
    let directory = tenant.state.read();
    let app = directory.object(Resource::Applications, client.object_id.as_deref()?)?;
    LISTS.iter().find_map(|(list, platform)| {
        let known = |app: &Object| -> Option<bool> {
            let mut known = app.get(*list)?.get("redirectUris")?.as_array()?.iter().filter_map(Value::as_str);
            Some(known.any(|known| is_same(known, address)))
        };
        (known(app) == Some(true)).then_some(*platform)
    })
}

/// Whether an address is the registered one; of `localhost` any port is.
///
/// **Source:** the restrictions of redirect addresses: `http://localhost` ignores the port, every other address is
/// compared letter by letter.
fn is_same(registered: &str, address: &str) -> bool {
    if registered == address {
        return true;
    }
    let (Some(known), Some(asked)) = (loopback_path(registered), loopback_path(address)) else { return false };
    known.trim_end_matches('/') == asked.trim_end_matches('/')
}

/// The path of an address of this machine by its name.
fn loopback_path(address: &str) -> Option<&str> {
    let rest = address.strip_prefix("http://localhost")?;
    let rest = match rest.strip_prefix(':') {
        Some(port) => port.trim_start_matches(|digit: char| digit.is_ascii_digit()),
        None => rest,
    };
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn only_localhost_has_any_port() {
        for (registered, address, expected) in [
            ("http://localhost", "http://localhost:41234", true),
            ("http://localhost", "http://localhost:41234/", true),
            ("http://localhost", "http://localhost", true),
            ("http://localhost/a", "http://localhost:1/a", true),
            ("http://localhost", "http://localhost:1/a", false),
            ("http://localhost", "http://localhost.evil.example", false),
            ("http://localhost", "http://localhost:1@evil.example", false),
            ("http://localhost", "https://localhost:1", false),
            ("https://app.example/back", "https://app.example/back", true),
            ("https://app.example/back", "https://app.example/back/", false),
            ("https://app.example/back", "https://app.example:8/back", false),
            ("http://127.0.0.1", "http://127.0.0.1:8", false),
        ] {
            assert_eq!(is_same(registered, address), expected, "{registered} {address}");
        }
    }
}
