//! Tokens: RS256 with keys of the tenant's own, which are published as a JWKS and can be rotated; and the assertions
//! with which applications prove themselves.
//!
//! **Invariant:** the algorithm is the verifier's choice. `none`, HMAC and keys in the header are never looked at, and
//! what a header calls critical is refused.
//! **Source:** RFC 7515, RFC 7517, RFC 7519; `tenant-clients.md` section 3.5 for assertions.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};
use aws_lc_rs::{digest, rand::SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

/// Bytes of the longest token that is looked at.
pub(crate) const TOKEN_BYTES_MAX: usize = 64 << 10;

/// A token that is not accepted, or a key that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no JWT that is understood here.
    #[error("the token is malformed")]
    Malformed,
    /// Its signature is not of a key that is known.
    #[error("the signature of the token is not valid")]
    Signature,
    /// The key cannot be made or read.
    #[error("the signing key cannot be used")]
    Key,
}

/// A key that signs tokens.
#[derive(Debug)]
pub(crate) struct SigningKey {
    pair: RsaKeyPair,
    kid: String,
}

impl SigningKey {
    /// A new one, of 2048 bits.
    pub(crate) fn generate() -> Result<Self, TokenError> {
        Self::of(RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| TokenError::Key)?)
    }

    /// From PKCS #8.
    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, TokenError> {
        Self::of(RsaKeyPair::from_pkcs8(der).map_err(|_| TokenError::Key)?)
    }

    /// As PKCS #8, to be kept.
    pub(crate) fn to_pkcs8(&self) -> Result<Vec<u8>, TokenError> {
        let der: Pkcs8V1Der<'_> = self.pair.as_der().map_err(|_| TokenError::Key)?;
        Ok(der.as_ref().to_vec())
    }

    fn of(pair: RsaKeyPair) -> Result<Self, TokenError> {
        let public = pair.public_key().as_ref();
        let hash = digest::digest(&digest::SHA256, public);
        let kid = URL_SAFE_NO_PAD.encode(hash.as_ref().get(..20).ok_or(TokenError::Key)?);
        Ok(Self { pair, kid })
    }

    /// Its id.
    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    /// Its entry in the JWKS.
    pub(crate) fn public(&self) -> Value {
        let components = PublicKeyComponents::<Vec<u8>>::from(self.pair.public_key());
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "x5t": self.kid,
            "n": URL_SAFE_NO_PAD.encode(&components.n), "e": URL_SAFE_NO_PAD.encode(&components.e),
        })
    }

    /// A token with these claims.
    pub(crate) fn sign(&self, claims: &Map<String, Value>) -> Result<String, TokenError> {
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": self.kid, "x5t": self.kid }).to_string();
        let claims = Value::Object(claims.clone()).to_string();
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let random = SystemRandom::new();
        self.pair.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).map_err(|_| TokenError::Key)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// A token in its parts.
#[derive(Debug)]
pub(crate) struct Parts<'t> {
    pub(crate) header: Map<String, Value>,
    pub(crate) claims: Map<String, Value>,
    pub(crate) signed: &'t [u8],
    pub(crate) signature: Vec<u8>,
}

/// The parts of a token, none of which is verified.
pub(crate) fn parts(token: &str) -> Result<Parts<'_>, TokenError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenError::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
    let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed);
    let object = |part: &str| -> Result<Map<String, Value>, TokenError> {
        serde_json::from_slice(&bytes(part)?).map_err(|_| TokenError::Malformed)
    };
    Ok(Parts {
        header: object(header)?,
        claims: object(claims)?,
        signed: signed.as_bytes(),
        signature: bytes(signature)?,
    })
}

/// The claims of a token that one of these keys signed.
pub(crate) fn verified(token: &str, keys: &[&SigningKey]) -> Result<Map<String, Value>, TokenError> {
    let parts = parts(token)?;
    let text = |name: &str| parts.header.get(name).and_then(Value::as_str);
    if text("alg") != Some("RS256") || has_critical(&parts) {
        return Err(TokenError::Signature);
    }
    let key = keys.iter().find(|key| Some(key.kid.as_str()) == text("kid")).ok_or(TokenError::Signature)?;
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.pair.public_key().as_ref());
    public.verify(parts.signed, &parts.signature).map_err(|_| TokenError::Signature)?;
    Ok(parts.claims)
}

/// Whether a header names extensions that have to be understood: none is (RFC 7515 section 4.1.11).
fn has_critical(parts: &Parts<'_>) -> bool {
    parts.header.contains_key("crit")
}

/// The claims of an assertion that the owner of a certificate (DER) signed, where the header names that certificate.
pub(crate) fn asserted(parts: &Parts<'_>, certificate: &[u8]) -> Result<(), TokenError> {
    let text = |name: &str| parts.header.get(name).and_then(Value::as_str).map(|text| text.trim_end_matches('='));
    let names = |name: &str, algorithm| {
        text(name).map(|written| written == URL_SAFE_NO_PAD.encode(digest::digest(algorithm, certificate)))
    };
    let by_sha256 = names("x5t#S256", &digest::SHA256);
    let is_named = by_sha256.or_else(|| names("x5t", &digest::SHA1_FOR_LEGACY_USE_ONLY)) == Some(true);
    if !is_named || has_critical(parts) {
        return Err(TokenError::Signature);
    }
    let algorithm = match text("alg") {
        Some("RS256") => webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256,
        Some("PS256") => webpki::aws_lc_rs::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
        _ => return Err(TokenError::Signature),
    };
    let certificate = tokio_rustls::rustls::pki_types::CertificateDer::from(certificate);
    let entity = webpki::EndEntityCert::try_from(&certificate).map_err(|_| TokenError::Key)?;
    entity.verify_signature(algorithm, parts.signed, &parts.signature).map_err(|_| TokenError::Signature)
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    #[test]
    fn what_a_key_signed_is_verified_and_nothing_else() {
        let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let claims: Map<String, Value> = json!({ "sub": "anna", "exp": 1 }).as_object().unwrap().clone();
        let token = key.sign(&claims).unwrap();
        let again = SigningKey::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap();
        assert_eq!(verified(&token, &[&other, &again]).unwrap(), claims);
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (header, body) = signed.split_once('.').unwrap();
        let none = URL_SAFE_NO_PAD.encode(json!({ "alg": "none", "kid": key.kid }).to_string());
        let hmac = URL_SAFE_NO_PAD.encode(json!({ "alg": "HS256", "kid": key.kid }).to_string());
        let forged = URL_SAFE_NO_PAD.encode(json!({ "sub": "eve", "exp": 1 }).to_string());
        for (what, token) in [
            ("no algorithm", format!("{none}.{body}.")),
            ("another algorithm", format!("{hmac}.{body}.{signature}")),
            ("other claims", format!("{header}.{forged}.{signature}")),
            ("no signature", format!("{header}.{body}.")),
            ("two parts", format!("{header}.{body}")),
            ("nothing", String::new()),
            ("padding", format!("{token}=")),
            ("too long", format!("{token}{}", "A".repeat(TOKEN_BYTES_MAX))),
        ] {
            assert!(verified(&token, &[&again_of(&key)]).is_err(), "{what}");
        }
        assert_eq!(verified(&token, &[&SigningKey::generate().unwrap()]), Err(TokenError::Signature));
    }

    fn again_of(key: &SigningKey) -> SigningKey {
        SigningKey::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap()
    }
}
