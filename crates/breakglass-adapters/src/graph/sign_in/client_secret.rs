//! An application as itself, by a secret.
//!
//! **Source:** "OAuth 2.0 client credentials flow on the Microsoft identity platform".

use breakglass_ops::ports::Repeat;

use super::authority::{Authority, Grant};
use super::error::SignInError;
use super::form::Form;
use crate::http::SecretText;

pub(super) async fn sign_in(at: &Authority, secret: &SecretText, claims: Option<&str>) -> Result<Grant, SignInError> {
    let (scope, claims) = (at.everything(), Authority::claims(claims));
    let form = Form::new(&[
        ("grant_type", "client_credentials"),
        ("client_secret", secret.text()),
        ("scope", &scope),
        ("claims", &claims),
    ]);
    at.token(form, Repeat::Safe).await
}
