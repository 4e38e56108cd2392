//! Client data: what the browser says about the page that asked.

use aws_lc_rs::constant_time;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::{CLIENT_DATA_BYTES_MAX, Expected, WebauthnError};

/// What the browser was asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ceremony {
    /// To make a passkey.
    Create,
    /// To use one.
    Get,
}

impl Ceremony {
    const fn word(self) -> &'static str {
        match self {
            Self::Create => "webauthn.create",
            Self::Get => "webauthn.get",
        }
    }
}

fn read(json: &[u8]) -> Result<Map<String, Value>, WebauthnError> {
    if json.len() > CLIENT_DATA_BYTES_MAX {
        return Err(WebauthnError::ClientData);
    }
    serde_json::from_slice(json).map_err(|_| WebauthnError::ClientData)
}

/// The bytes of the challenge that client data answers, so that whoever gave it out finds it again. Nothing is checked.
///
/// # Errors
/// [`WebauthnError::ClientData`] where there is none.
pub fn challenge_of(client_data: &[u8]) -> Result<Vec<u8>, WebauthnError> {
    let said = read(client_data)?;
    let challenge = said.get("challenge").and_then(Value::as_str).ok_or(WebauthnError::ClientData)?;
    URL_SAFE_NO_PAD.decode(challenge).map_err(|_| WebauthnError::ClientData)
}

/// Whether client data is of this ceremony, challenge and origin, and no frame inside another page asked.
pub(super) fn check(expected: &Expected<'_>, ceremony: Ceremony, client_data: &[u8]) -> Result<(), WebauthnError> {
    let said = read(client_data)?;
    let text = |name: &str| said.get(name).and_then(Value::as_str);
    if text("type") != Some(ceremony.word()) {
        return Err(WebauthnError::Ceremony);
    }
    let challenge = challenge_of(client_data)?;
    constant_time::verify_slices_are_equal(&challenge, expected.challenge).map_err(|_| WebauthnError::Challenge)?;
    let is_framed = match said.get("crossOrigin") {
        None | Some(Value::Bool(false) | Value::Null) => said.contains_key("topOrigin"),
        Some(_) => true,
    };
    if text("origin") != Some(expected.origin) || is_framed {
        return Err(WebauthnError::Origin);
    }
    Ok(())
}
