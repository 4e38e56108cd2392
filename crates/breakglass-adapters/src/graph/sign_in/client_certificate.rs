//! An application as itself, by a certificate: it signs a short statement with the certificate's key.
//!
//! **Source:** "Microsoft identity platform application authentication certificate credentials": PS256 and `x5t#S256`.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use breakglass_ops::ports::Repeat;
use jiff::SignedDuration;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;

use super::SecretText;
use super::authority::{Authority, Grant};
use super::error::SignInError;
use super::form::Form;
use crate::graph::client::uuid;

/// Bytes of the largest file with a key and its certificate.
pub const CERTIFICATE_BYTES_MAX: usize = 256 << 10;
/// Minutes for which a statement is good, and by which clocks may differ.
const MINUTES: i64 = 5;

/// Why a certificate cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The file is too large to be one.
    #[error("the file is larger than {CERTIFICATE_BYTES_MAX} bytes, which no key with its certificate is")]
    TooLarge,
    /// It is in another form.
    #[error(
        "the file is not in PEM form; of a PKCS #12 file `openssl pkcs12 -in FILE.pfx -noenc -out FILE.pem` makes one"
    )]
    NotPem,
    /// The key is encrypted.
    #[error(
        "the private key is encrypted, and no passphrase is asked for here; `openssl pkey -in FILE.pem` writes it \
         without one: keep that file where only you can read it"
    )]
    Encrypted,
    /// There is no key.
    #[error("the file holds no private key")]
    NoKey,
    /// The key is of another kind.
    #[error("the private key is no RSA key of 2048 to 8192 bits, which Entra demands")]
    NotRsa,
    /// There is no certificate of the key.
    #[error("the file holds no certificate of this private key")]
    NoCertificate,
}

/// A certificate with its key.
pub struct ClientCertificate {
    key: KeyPair,
    /// SHA-256 of the certificate.
    thumbprint: [u8; 32],
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate")
    }
}

impl ClientCertificate {
    /// Reads a file in PEM form with one private key and its certificate, in any order and among others. Whoever read
    /// the file wipes it.
    ///
    /// # Errors
    /// The key is encrypted, of another kind than RSA, or not that of any certificate in the file.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificateError> {
        if pem.len() > CERTIFICATE_BYTES_MAX {
            return Err(CertificateError::TooLarge);
        }
        let has = |text: &[u8]| pem.windows(text.len()).any(|part| part == text);
        if !has(b"-----BEGIN ") {
            return Err(CertificateError::NotPem);
        }
        if has(b"BEGIN ENCRYPTED PRIVATE KEY") || has(b"Proc-Type: 4,ENCRYPTED") {
            return Err(CertificateError::Encrypted);
        }
        let mut key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| CertificateError::NoKey)?;
        let pair = match &key {
            PrivateKeyDer::Pkcs8(key) => KeyPair::from_pkcs8(key.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(key) => KeyPair::from_der(key.secret_pkcs1_der()),
            _ => return Err(CertificateError::NotRsa),
        };
        zeroize::Zeroize::zeroize(&mut key);
        let pair = pair.map_err(|_| CertificateError::NotRsa)?;
        // The public key stands in its certificate as it is.
        let public = pair.public_key().as_ref();
        let is_its_own = |der: &CertificateDer<'_>| der.windows(public.len()).any(|part| part == public);
        let own = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).find(is_its_own);
        let own = own.ok_or(CertificateError::NoCertificate)?;
        let thumbprint = digest(&SHA256, &own).as_ref().try_into().map_err(|_| CertificateError::NoCertificate)?;
        Ok(Self { key: pair, thumbprint })
    }

    /// SHA-256 of the certificate, as the portal shows it.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        self.thumbprint.iter().map(|byte| format!("{byte:02X}")).collect()
    }

    pub(super) async fn sign_in(&self, at: &Authority, claims: Option<&str>) -> Result<Grant, SignInError> {
        let (scope, claims, assertion) = (at.everything(), Authority::claims(claims), self.assertion(at)?);
        let form = Form::new(&[
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion.text()),
            ("scope", &scope),
            ("claims", &claims),
        ]);
        at.token(form, Repeat::Safe).await
    }

    fn assertion(&self, at: &Authority) -> Result<SecretText, SignInError> {
        let now = at.clock.now();
        let minutes = SignedDuration::from_mins(MINUTES);
        let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": URL_SAFE_NO_PAD.encode(self.thumbprint) });
        let statement = json!({
            "aud": at.endpoint("token"),
            "iss": at.client_id,
            "sub": at.client_id,
            "jti": uuid(&*at.random).map_err(|error| SignInError::Local(error.to_string()))?,
            "iat": now.as_second(),
            // A clock that is a little ahead of Entra's is no reason to be refused.
            "nbf": now.saturating_sub(minutes).map_or(now.as_second(), |from| from.as_second()),
            "exp": now.saturating_add(minutes).map_or(now.as_second(), |until| until.as_second()),
        });
        let encoded = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let mut text = format!("{}.{}", encoded(&header), encoded(&statement));
        let mut signature = vec![0_u8; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PSS_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|_| SignInError::Local("the certificate's key does not sign".to_owned()))?;
        text.push('.');
        text.push_str(&URL_SAFE_NO_PAD.encode(&signature));
        Ok(SecretText::new(text))
    }
}
