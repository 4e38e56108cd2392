//! A person enters a code on a page, on whatever machine.
//!
//! **Source:** RFC 8628; "OAuth 2.0 device authorization grant" of the Microsoft identity platform.

use std::time::Duration;

use breakglass_ops::ports::Repeat;
use serde::Deserialize;

use super::authority::{Authority, Grant, reason};
use super::error::SignInError;
use super::form::Form;
use super::{DeviceCode, SecretText};

/// Seconds between two questions unless the authority says otherwise (RFC 8628, section 3.2).
const INTERVAL_SECONDS: u64 = 5;
/// Seconds by which the interval grows each time the authority asks for it (section 3.5).
const SLOWER_SECONDS: u64 = 5;

#[derive(Deserialize)]
struct Begun {
    device_code: SecretText,
    user_code: String,
    verification_uri: String,
    expires_in: u64,
    interval: Option<u64>,
}

pub(super) async fn sign_in(at: &Authority, claims: Option<&str>) -> Result<Grant, SignInError> {
    let (scope, claims) = (at.delegated(), Authority::claims(claims));
    let form = Form::new(&[("client_id", &at.client_id), ("scope", &scope), ("claims", &claims)]);
    let body = at.post("devicecode", form, Repeat::Safe).await?;
    let begun: Begun = serde_json::from_slice(body.bytes()).map_err(|error| SignInError::Malformed(reason(&error)))?;
    let seconds = begun.expires_in.min(at.limits.device_code.as_secs());
    at.prompt.enter_code(&DeviceCode { address: &begun.verification_uri, code: &begun.user_code, seconds });
    let begun_at = at.clock.now();
    let mut interval = Duration::from_secs(begun.interval.unwrap_or(INTERVAL_SECONDS).max(1));
    loop {
        at.clock.sleep(interval).await;
        let gone = Duration::try_from(at.clock.now().duration_since(begun_at)).unwrap_or(Duration::ZERO);
        if gone >= Duration::from_secs(seconds) {
            return Err(SignInError::TimedOut { seconds });
        }
        let form = Form::new(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", begun.device_code.text()),
            ("claims", &claims),
        ]);
        match at.token(form, Repeat::IfUndone).await {
            Err(SignInError::Refused(refused)) => match refused.error.as_str() {
                "authorization_pending" => {}
                "slow_down" => interval = interval.saturating_add(Duration::from_secs(SLOWER_SECONDS)),
                "authorization_declined" | "access_denied" => return Err(SignInError::Declined),
                "expired_token" | "code_expired" => return Err(SignInError::TimedOut { seconds }),
                _ => return Err(SignInError::Refused(refused)),
            },
            // Whoever enters the code has more patience than a network that is away for a moment.
            Err(SignInError::Unreachable(_)) => interval = interval.saturating_mul(2),
            settled => return settled,
        }
    }
}
