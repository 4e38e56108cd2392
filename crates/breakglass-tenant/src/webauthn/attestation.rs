//! Attestation: what vouches for a passkey when it is made. Nothing, or the passkey itself.

use ciborium::Value;

use super::cbor::{Fields, integer, item};
use super::{ATTESTATION_BYTES_MAX, PublicKey, WebauthnError};

pub(super) struct Attestation {
    format: String,
    statement: Fields,
    pub(super) authenticator_data: Vec<u8>,
}

impl Attestation {
    /// Reads an attestation object that is nothing but that.
    pub(super) fn read(object: &[u8]) -> Result<Self, WebauthnError> {
        Self::of(object).ok_or(WebauthnError::Malformed)
    }

    fn of(object: &[u8]) -> Option<Self> {
        let (value, rest) = item(object).filter(|_| object.len() <= ATTESTATION_BYTES_MAX)?;
        let fields = Fields::of(value).filter(|_| rest.is_empty())?;
        Some(Self {
            format: fields.named("fmt")?.as_text()?.to_owned(),
            statement: Fields::of(fields.named("attStmt")?.clone())?,
            authenticator_data: fields.named("authData")?.as_bytes()?.clone(),
        })
    }

    /// Whether the statement vouches for the key, with the SHA-256 of the client data (sections 8.2 and 8.7).
    pub(super) fn check(&self, key: &PublicKey, client_data_hash: &[u8]) -> Result<(), WebauthnError> {
        match self.format.as_str() {
            "none" if self.statement.is_empty() => Ok(()),
            "none" => Err(WebauthnError::Malformed),
            "packed" if self.statement.named("x5c").is_none() => {
                let algorithm = self.statement.named("alg").and_then(integer);
                let signature = self.statement.named("sig").and_then(Value::as_bytes);
                let signature = signature.filter(|_| algorithm == Some(key.algorithm()));
                let signature = signature.ok_or(WebauthnError::Malformed)?;
                key.verify(&[&self.authenticator_data, client_data_hash].concat(), signature)
            }
            _ => Err(WebauthnError::Attestation),
        }
    }
}
