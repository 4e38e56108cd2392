//! Behind the scenes: what a person or a test does that plays somebody's phone, or makes things fail. Microsoft's tenant
//! has nothing like it.
//!
//! **Invariant:** whoever asks has the token that lies in the tenant's folder, is on this machine, asks under a name of it
//! and from no page of another origin.

use std::fs;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::Path;

use serde_json::{Value, json};

use crate::call::{Call, Reply};
use crate::faults::{self, FaultError};
use crate::random;
use crate::state::{Log, Object};
use crate::tenant::{OpenError, Tenant};

/// The first part of its addresses.
pub(crate) const ROOT: &str = ".breakglass";
/// The file with the token, in the tenant's folder.
pub(crate) const TOKEN_FILE: &str = "backstage-token";
/// Characters of the shortest token that is taken for one.
const TOKEN_CHARS_MIN: usize = 32;
/// Messages that one answer carries.
const MESSAGE_COUNT_MAX: usize = 100;

/// The digest of the token in a folder; makes one if there is none.
pub(crate) fn token(folder: &Path) -> Result<String, OpenError> {
    let path = folder.join(TOKEN_FILE);
    match fs::read_to_string(&path) {
        // One that was being written when the process was killed is as good as none.
        Ok(token) if token.trim().len() >= TOKEN_CHARS_MIN => return Ok(digest(token.trim())),
        Ok(_) => fs::remove_file(&path).map_err(OpenError::Token)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(OpenError::Token(error)),
    }
    let token = random::token()?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path).map_err(OpenError::Token)?;
    writeln!(file, "{token}").map_err(OpenError::Token)?;
    Ok(digest(&token))
}

fn digest(token: &str) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Answers a request.
pub(crate) fn answer(tenant: &Tenant, call: &Call, parts: &[&str]) -> Reply {
    if let Err(why) = may(tenant, call) {
        return Reply::json(403, json!({ "error": { "code": "Forbidden", "message": why } }));
    }
    match (call.method.as_str(), parts) {
        ("GET", [_, "outbox"]) => match tenant.state.records(Log::Outbox, MESSAGE_COUNT_MAX) {
            Ok(messages) => {
                Reply::json(200, json!({ "value": messages.into_iter().map(Value::Object).collect::<Vec<_>>() }))
            }
            Err(error) => Reply::json(500, json!({ "error": { "code": "State", "message": error.to_string() } })),
        },
        ("POST", [_, "outbox", id, "approve"]) => approve(tenant, call, id),
        ("GET", [_, "faults"]) => Reply::json(200, json!({ "value": faults::listed(&tenant.state.read()) })),
        ("DELETE", [_, "faults"]) => switched(faults::clear(tenant).map(|()| Reply::empty(204))),
        ("PUT", [_, "faults", name]) => switch_on(tenant, call, name),
        ("DELETE", [_, "faults", name]) => switched(faults::switch_off(tenant, name).map(|()| Reply::empty(204))),
        ("POST", [_, "keys"]) => match tenant.keys.roll(&tenant.state, tenant.clock.now()) {
            Ok(kid) => Reply::json(201, json!({ "kid": kid })),
            Err(error) => Reply::json(500, json!({ "error": { "code": "State", "message": error.to_string() } })),
        },
        _ => {
            Reply::json(404, json!({ "error": { "code": "NotFound", "message": "There is nothing at this address." } }))
        }
    }
}

/// Switches a fault on; the body, if there is one, is an object with its settings.
fn switch_on(tenant: &Tenant, call: &Call, name: &str) -> Reply {
    let settings: Option<Object> =
        if call.body.is_empty() { Some(Object::new()) } else { serde_json::from_slice(&call.body).ok() };
    let Some(settings) = settings else {
        let message = "The body is an object with the settings of the fault.";
        return Reply::json(400, json!({ "error": { "code": "BadRequest", "message": message } }));
    };
    switched(faults::switch_on(tenant, name, &settings).map(|fault| Reply::json(200, Value::Object(fault))))
}

fn switched(result: Result<Reply, FaultError>) -> Reply {
    result.unwrap_or_else(|error| {
        let body = json!({ "error": { "code": "Fault", "message": error.to_string() } });
        Reply::json(error.status(), body)
    })
}

/// Answers a notification with the number that is shown where the user signs in.
fn approve(tenant: &Tenant, call: &Call, id: &str) -> Reply {
    let body: Option<Value> = serde_json::from_slice(&call.body).ok();
    let number = body.as_ref().and_then(|body| body.get("number")).and_then(Value::as_str);
    let Some(number) = number.filter(|number| number.len() <= 8) else {
        let message = "The body is an object with the member `number`: the digits that the sign-in page shows.";
        return Reply::json(400, json!({ "error": { "code": "BadRequest", "message": message } }));
    };
    if tenant.flows.approve(id, number, tenant.clock.now()) {
        return Reply::empty(204);
    }
    let message =
        "No notification of this id waits for an answer: there was none, or it was answered, or too long ago.";
    Reply::json(404, json!({ "error": { "code": "NotFound", "message": message } }))
}

fn may(tenant: &Tenant, call: &Call) -> Result<(), &'static str> {
    let host = call.header("host").unwrap_or_default();
    let name = host
        .rsplit_once(':')
        .map_or(host, |(name, port)| if port.bytes().all(|digit| digit.is_ascii_digit()) { name } else { host });
    // A tenant that other machines can reach is asked by this one under that address.
    let own = tenant.addresses.base.trim_start_matches("https://");
    let own = own.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(own, |(name, _)| name);
    let own = own.trim_matches(['[', ']']).parse::<IpAddr>().ok();
    let is_here = |address: IpAddr| address.to_canonical().is_loopback() || Some(address) == own;
    if name != "localhost" && !name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(is_here) {
        return Err("The request names a host that is not this machine.");
    }
    if !is_here(call.remote) {
        return Err("The request comes from another machine, or says so.");
    }
    if call.header("origin").is_some_and(|origin| !tenant.addresses.base.eq_ignore_ascii_case(origin)) {
        return Err("The request comes from a page of another origin.");
    }
    let token = call.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
    let shown = digest(token.unwrap_or_default().trim());
    aws_lc_rs::constant_time::verify_slices_are_equal(shown.as_bytes(), tenant.backstage.as_bytes()).map_err(
        |_| "The token is missing or another: it lies in the folder of the tenant, in the file `backstage-token`.",
    )
}
