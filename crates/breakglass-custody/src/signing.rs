//! Keys that sign: the operator's signs what is sealed, so that nobody else can put a document of their own in its place,
//! and one of a person signs what they ask for and agree to.
//!
//! **Source:** RFC 8032 (Ed25519). A signature is verified strictly: keys and signatures that more than one message or
//! key would fit are refused, which the RFC leaves open.

use std::fmt;

use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use zeroize::Zeroizing;

use crate::fingerprint::Fingerprint;
use crate::hex::{of_hex, to_hex};
use crate::random::{NoRandomness, filled};

/// Bytes of the secret from which the key is made.
pub const SIGNING_SEED_BYTES: usize = 32;

/// Bytes of a signature.
pub(crate) const SIGNATURE_BYTES: usize = 64;

/// What the text of a public key begins with.
const PREFIX: &str = "ed25519:";

/// A text is no public key of one that signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a public key is `{PREFIX}` and 64 digits from 0 to 9 and a to f, and this is none")]
pub struct SigningKeyError;

/// The secret key of the operator or of a person. It is neither copied nor shown nor compared, and it is wiped when dropped.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// Makes a new one of what `fill` puts into a buffer.
    ///
    /// # Errors
    /// `fill` fails, or does not give what is random.
    pub fn generate<E>(mut fill: impl FnMut(&mut [u8]) -> Result<(), E>) -> Result<Self, NoRandomness> {
        let seed = filled(SIGNING_SEED_BYTES, &mut fill)?;
        let seed = <&[u8; SIGNING_SEED_BYTES]>::try_from(seed.as_slice()).map_err(|_| NoRandomness)?;
        Ok(Self(ed25519_dalek::SigningKey::from_bytes(seed)))
    }

    /// The key with a seed that was kept; the seed is wiped where it was.
    #[must_use]
    pub fn of_seed(seed: Zeroizing<[u8; SIGNING_SEED_BYTES]>) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    /// Lends the seed for as long as `keep` takes, to be kept where only its owner gets at it.
    pub fn with_seed<T>(&self, keep: impl FnOnce(&[u8; SIGNING_SEED_BYTES]) -> T) -> T {
        keep(self.0.as_bytes())
    }

    /// The public key that belongs to it.
    #[must_use]
    pub fn public(&self) -> SigningPublicKey {
        SigningPublicKey(self.0.verifying_key())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        self.0.sign(message).to_bytes()
    }
}

/// The public key of the operator or of a person, as text `ed25519:` and 64 digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SigningPublicKey(VerifyingKey);

impl SigningPublicKey {
    /// Reads the text of one.
    ///
    /// # Errors
    /// It is none, or one for which everybody can sign.
    pub fn read(text: &str) -> Result<Self, SigningKeyError> {
        let bytes = text.strip_prefix(PREFIX).and_then(of_hex).ok_or(SigningKeyError)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| SigningKeyError)?;
        if key.is_weak() { Err(SigningKeyError) } else { Ok(Self(key)) }
    }

    /// Its fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.to_string())
    }

    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Display for SigningPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", to_hex(self.0.as_bytes()))
    }
}

impl fmt::Debug for SigningPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, section 7.1, test 2: a seed, its public key, and the signature of one byte.
    const SEED: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
    const PUBLIC: &str = "ed25519:3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    const SIGNATURE: &str = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

    #[test]
    fn the_rfc_s_key_signs_what_the_rfc_says() {
        let key = SigningKey::of_seed(Zeroizing::new(of_hex(SEED).unwrap()));
        key.with_seed(|seed| assert_eq!(to_hex(seed), SEED));
        assert_eq!(key.public().to_string(), PUBLIC);
        assert_eq!(to_hex(&key.sign(&[0x72])), SIGNATURE);
        let public = SigningPublicKey::read(PUBLIC).unwrap();
        assert!(public.has_signed(&[0x72], &of_hex(SIGNATURE).unwrap()));
        assert!(!public.has_signed(&[0x73], &of_hex(SIGNATURE).unwrap()));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let zero = format!("{PREFIX}{}", "00".repeat(32));
        let one = format!("{PREFIX}01{}", "00".repeat(31));
        for text in [
            "",
            PREFIX,
            PUBLIC.trim_start_matches('e'),
            PUBLIC.trim_end_matches('c'),
            &PUBLIC.to_uppercase(),
            &zero,
            &one,
        ] {
            assert_eq!(SigningPublicKey::read(text), Err(SigningKeyError), "{text}");
        }
        assert!(SigningKey::generate(|_: &mut [u8]| Ok::<(), ()>(())).is_err());
    }
}
