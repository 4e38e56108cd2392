//! `/users/{id}/authentication/fido2Methods`: passkeys that are registered for a user.
//!
//! Options are asked for, an authenticator makes a passkey with them, and what it made is posted. Challenges are kept in
//! memory: after a restart options are asked for again.
//!
//! **Source:** Graph's pages on `fido2AuthenticationMethod: creationOptions` and on creating a
//! `fido2AuthenticationMethod`; 5 minutes in `/v1.0`, 5 to 43200 in `/beta`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use breakglass_model::well_known::PRIVILEGED_AUTHENTICATION_ADMINISTRATOR;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Request;
use super::authentication::{WRITE, audit, user_of};
use super::error::GraphError;
use crate::call::Reply;
use crate::clock::written;
use crate::ids::roles::AUTHENTICATION_ADMINISTRATOR;
use crate::random;
use crate::sign_in::passkeys::{self, Fido2Policy, PasskeyError};
use crate::state::{Object, text};
use crate::webauthn;

/// What somebody may have besides, to register a passkey for themselves.
const WRITE_OWN: [&str; 1] = ["UserAuthenticationMethod.ReadWrite"];
/// What is enough for passkeys alone.
const WRITE_PASSKEYS: [&str; 1] = ["UserAuthMethod-Passkey.ReadWrite.All"];
/// Minutes for which a challenge is good unless it is said otherwise.
const CHALLENGE_MINUTES: i64 = 5;
/// Minutes for which one may be good.
const CHALLENGE_MINUTES_RANGE: std::ops::RangeInclusive<i64> = 5..=43_200;
/// The function, with or without its namespace.
const FUNCTION: &str = "creationOptions";

/// Answers what registers a passkey; `None` is any other request.
pub(super) fn answer(request: &Request<'_>, user: &str, rest: &[&str]) -> Option<Result<Reply, GraphError>> {
    match (request.call.method.as_str(), rest) {
        ("GET", [segment]) => {
            let segment = segment.strip_prefix("microsoft.graph.").unwrap_or(segment);
            let arguments = segment.strip_prefix(FUNCTION)?;
            Some(may(request, user).and_then(|()| creation_options(request, user, arguments)))
        }
        ("POST", []) => Some(may(request, user).and_then(|()| create(request, user))),
        _ => None,
    }
}

/// Whether the caller may register a passkey for a user. For oneself it takes multifactor authentication; for others it
/// takes a role.
fn may(request: &Request<'_>, user: &str) -> Result<(), GraphError> {
    let is_own = request.caller.is_user && request.caller.id.eq_ignore_ascii_case(user);
    let all = [&WRITE[..], &WRITE_PASSKEYS].concat();
    if is_own {
        request.caller.needs(&[&all[..], &WRITE_OWN].concat(), &[])?;
        return if request.caller.has_mfa { Ok(()) } else { Err(GraphError::denied()) };
    }
    request.needs_over(user, &all, &[AUTHENTICATION_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR])?;
    super::users::protected(request, user)
}

fn creation_options(request: &Request<'_>, user: &str, arguments: &str) -> Result<Reply, GraphError> {
    let minutes = minutes(request.version, arguments)?;
    let object = user_of(request, user)?;
    let directory = request.tenant.state.read();
    Fido2Policy::of(&directory).takes_new().map_err(GraphError::bad_request)?;
    let challenge: [u8; 32] = random::bytes()?;
    let options = passkeys::creation_options(&directory, &object, &challenge)
        .ok_or_else(|| GraphError::bad_request("The id of the user is too long for a passkey."))?;
    drop(directory);
    let now = request.tenant.clock.now();
    let until = now.checked_add(SignedDuration::from_mins(minutes)).unwrap_or(now);
    request.tenant.flows.keep_registration(&URL_SAFE_NO_PAD.encode(challenge), (user, until), now);
    Ok(Reply::json(
        200,
        json!({
            "@odata.context": request.context("microsoft.graph.webauthnCredentialCreationOptions"),
            "@odata.type": "#microsoft.graph.webauthnCredentialCreationOptions",
            "challengeTimeoutDateTime": written(until),
            "publicKey": options,
        }),
    ))
}

/// The minutes that the arguments of the function say.
fn minutes(version: &str, arguments: &str) -> Result<i64, GraphError> {
    let inside = match arguments {
        "" => "",
        _ => arguments
            .strip_prefix('(')
            .and_then(|rest| rest.strip_suffix(')'))
            .ok_or_else(|| GraphError::no_segment(arguments))?,
    };
    if inside.is_empty() {
        return Ok(CHALLENGE_MINUTES);
    }
    let minutes = inside.strip_prefix("challengeTimeoutInMinutes=").filter(|_| version == "beta");
    let minutes = minutes.ok_or_else(|| GraphError::no_segment(inside))?;
    let minutes = minutes.parse().ok().filter(|minutes| CHALLENGE_MINUTES_RANGE.contains(minutes));
    minutes.ok_or_else(|| GraphError::bad_request("challengeTimeoutInMinutes is a number from 5 to 43200."))
}

fn create(request: &Request<'_>, user: &str) -> Result<Reply, GraphError> {
    let body = request.object()?;
    let (client_data, object) = response_of(&body)?;
    let challenge = webauthn::challenge_of(&client_data).map_err(|error| refused(&error.into()))?;
    let now = request.tenant.clock.now();
    // Whatever comes of it, the challenge is used.
    let whose = request.tenant.flows.take_registration(&URL_SAFE_NO_PAD.encode(&challenge), now);
    if !whose.is_some_and(|whose| whose.eq_ignore_ascii_case(user)) {
        return Err(GraphError::bad_request(
            "The challenge is not one of the creation options of this user, was used, or has timed out.",
        ));
    }
    let name = text(&body, "displayName").unwrap_or_default();
    let made = (&challenge[..], &client_data[..], &object[..]);
    let (writing, method) = passkeys::register(request.tenant, (user, name), made).map_err(|error| refused(&error))?;
    request.hold(writing);
    audit(request, user, "Admin registered security info")?;
    Ok(request.entity(201, (&format!("users('{user}')/authentication/fido2Methods"), method)))
}

/// Client data and attestation object of a `webauthnPublicKeyCredential`.
fn response_of(body: &Object) -> Result<(Vec<u8>, Vec<u8>), GraphError> {
    let response = body.get("publicKeyCredential").and_then(|credential| credential.get("response"));
    let part = |name: &str| passkeys::decoded(response?.get(name).and_then(Value::as_str)?);
    part("clientDataJSON").zip(part("attestationObject")).ok_or_else(|| {
        GraphError::bad_request(
            "publicKeyCredential.response needs `clientDataJSON` and `attestationObject`, both in base64url.",
        )
    })
}

fn refused(error: &PasskeyError) -> GraphError {
    match error {
        PasskeyError::State(_) => GraphError::new(500, "InternalServerError", error.to_string()),
        _ => GraphError::bad_request(format!("The passkey is not registered: {error}.")),
    }
}
