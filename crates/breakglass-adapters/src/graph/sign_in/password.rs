//! A password, to see whether it is the one that counts. Nobody is signed in by it, and what Entra gives is thrown away.
//!
//! **Source:** "Microsoft identity platform and OAuth 2.0 Resource Owner Password Credentials"; "Microsoft Entra
//! authentication and authorization error codes".

use breakglass_custody::password::Password;
use breakglass_ops::ports::{Proof, Repeat};

use super::authority::{Authority, Grant};
use super::error::SignInError;
use super::form::Form;

/// Refusals that are given only after the password was right: a second proof is asked for, or has to be set up, or a
/// policy keeps whoever knew it out.
const AFTER_THE_PASSWORD: [u32; 3] = [50_076, 50_079, 53_003];

/// The refusal of a password that is not the one.
const WRONG: u32 = 50_126;

/// Signs in once: each try that fails counts towards the lock of the account.
pub(in crate::graph) async fn prove(
    at: &Authority,
    (name, password): (&str, &Password),
    correlation_id: &str,
) -> Proof {
    let refusal = match granted(at, (name, password), "openid", Some(correlation_id)).await {
        Ok(_) => return Proof::Right,
        Err(SignInError::Refused(refusal)) => refusal,
        Err(error) => return Proof::Unknown { why: error.to_string() },
    };
    let why = refusal.to_string();
    match refusal.code {
        Some(code) if AFTER_THE_PASSWORD.contains(&code) => Proof::Right,
        Some(WRONG) => Proof::Wrong { why },
        _ => Proof::Unknown { why },
    }
}

/// What Entra gives for a password, once; its log has the sign-in under the correlation id, or under one of its own.
pub(in crate::graph) async fn granted(
    at: &Authority,
    (name, password): (&str, &Password),
    scope: &str,
    correlation_id: Option<&str>,
) -> Result<Grant, SignInError> {
    let form = password.with_plaintext(|text| {
        Form::new(&[("grant_type", "password"), ("username", name), ("password", text), ("scope", scope)])
    });
    at.token_for(form, Repeat::IfUndone, correlation_id).await
}
