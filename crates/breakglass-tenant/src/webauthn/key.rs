//! The public key of a passkey, as COSE has it.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use ciborium::Value;

use super::cbor::{Fields, integer, item};
use super::{SIGNATURE_BYTES_MAX, WebauthnError};

/// Names of the members of a key (RFC 9052 section 7.1, RFC 9053 section 7, RFC 8230).
const KEY_TYPE: i64 = 1;
const ALGORITHM: i64 = 3;
const CURVE_OR_MODULUS: i64 = -1;
const X_OR_EXPONENT: i64 = -2;
const Y: i64 = -3;
/// Bytes of the shortest and the longest modulus of an RSA key.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1_024;
/// Bytes of the longest exponent of an RSA key.
const EXPONENT_BYTES_MAX: usize = 8;

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    /// An uncompressed point of P-256.
    Es256(Vec<u8>),
    /// A point of Ed25519.
    EdDsa(Vec<u8>),
    Rs256 {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

/// The public key of a passkey: ES256, EdDSA with Ed25519, or RS256.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(Kind);

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.algorithm())
    }
}

impl PublicKey {
    /// Reads a key that is nothing but COSE.
    ///
    /// # Errors
    /// [`WebauthnError::PublicKey`] where it is malformed, has something behind it, is no point of its curve, or is of
    /// an algorithm that is not taken.
    pub fn read(cose: &[u8]) -> Result<Self, WebauthnError> {
        Self::of(cose).ok_or(WebauthnError::PublicKey)
    }

    fn of(cose: &[u8]) -> Option<Self> {
        let (value, rest) = item(cose)?;
        let fields = Fields::of(value).filter(|_| rest.is_empty())?;
        let number = |name: i64| fields.numbered(name).and_then(integer);
        let bytes = |name: i64| fields.numbered(name).and_then(Value::as_bytes);
        let coordinate = |name: i64| bytes(name).filter(|bytes| bytes.len() == 32);
        match (number(KEY_TYPE)?, number(ALGORITHM)?) {
            (2, -7) if number(CURVE_OR_MODULUS)? == 1 => {
                let point = [&[4][..], coordinate(X_OR_EXPONENT)?, coordinate(Y)?].concat();
                ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &point).ok()?;
                Some(Self(Kind::Es256(point)))
            }
            (1, -8) if number(CURVE_OR_MODULUS)? == 6 => {
                let point = coordinate(X_OR_EXPONENT)?.clone();
                ParsedPublicKey::new(&ED25519, &point).ok()?;
                Some(Self(Kind::EdDsa(point)))
            }
            (3, -257) => {
                let modulus = bytes(CURVE_OR_MODULUS).filter(|bytes| MODULUS_BYTES.contains(&bytes.len()))?.clone();
                let exponent = bytes(X_OR_EXPONENT)?.clone();
                let is_good = !exponent.is_empty() && exponent.len() <= EXPONENT_BYTES_MAX;
                is_good.then_some(Self(Kind::Rs256 { modulus, exponent }))
            }
            _ => None,
        }
    }

    /// Its algorithm, as COSE numbers it.
    #[must_use]
    pub const fn algorithm(&self) -> i64 {
        match self.0 {
            Kind::Es256(_) => -7,
            Kind::EdDsa(_) => -8,
            Kind::Rs256 { .. } => -257,
        }
    }

    /// Checks a signature.
    ///
    /// # Errors
    /// [`WebauthnError::Signature`] where it is not of this key and message.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), WebauthnError> {
        if signature.len() > SIGNATURE_BYTES_MAX {
            return Err(WebauthnError::Signature);
        }
        let verified = match &self.0 {
            Kind::Es256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature),
            Kind::EdDsa(point) => UnparsedPublicKey::new(&ED25519, point).verify(message, signature),
            Kind::Rs256 { modulus, exponent } => RsaPublicKeyComponents { n: modulus, e: exponent }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
        };
        verified.map_err(|_| WebauthnError::Signature)
    }
}
