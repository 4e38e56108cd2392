//! A fingerprint: a public key made short, for two people to compare by eye or by telephone.
//!
//! It is the first half of the SHA-256 of the key's text, so that anybody has it with `printf %s KEY | sha256sum`. Half
//! is 128 bits: nobody finds a second key for it.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::hex::{of_hex, to_hex};

/// Bytes of a fingerprint.
const FINGERPRINT_BYTES: usize = 16;

/// Characters of the longest text that is read as one.
const FINGERPRINT_CHARS_MAX: usize = 128;

/// A text is no fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint has 32 digits from 0 to 9 and a to f, and this is none; it stands on every sheet")]
pub struct FingerprintError;

/// The fingerprint of a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; FINGERPRINT_BYTES]);

impl Fingerprint {
    /// That of a key's text.
    pub(crate) fn of(text: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let mut bytes = [0; FINGERPRINT_BYTES];
        for (byte, digest) in bytes.iter_mut().zip(digest) {
            *byte = digest;
        }
        Self(bytes)
    }

    /// Reads one that somebody typed: capitals, spaces and hyphens do not matter.
    ///
    /// # Errors
    /// It has other digits, or not 32 of them.
    pub fn read(text: &str) -> Result<Self, FingerprintError> {
        if text.len() > FINGERPRINT_CHARS_MAX {
            return Err(FingerprintError);
        }
        let digits = text.chars().filter(|letter| !letter.is_whitespace() && *letter != '-');
        let digits: String = digits.map(|letter| letter.to_ascii_lowercase()).collect();
        of_hex(&digits).map(Self).ok_or(FingerprintError)
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = FingerprintError;

    fn try_from(text: String) -> Result<Self, FingerprintError> {
        Self::read(&text)
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups: Vec<String> = self.0.chunks(2).map(to_hex).collect();
        f.write_str(&groups.join("-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_other_programs_say_and_is_read_as_it_is_typed() {
        // printf %s abc | sha256sum
        let fingerprint = Fingerprint::of("abc");
        assert_eq!(fingerprint.to_string(), "ba78-16bf-8f01-cfea-4141-40de-5dae-2223");
        for text in ["ba78-16bf-8f01-cfea-4141-40de-5dae-2223", " BA7816BF 8f01cfea 414140de 5dae2223\n"] {
            assert_eq!(Fingerprint::read(text), Ok(fingerprint));
        }
        for text in ["", "ba78", "ba78-16bf-8f01-cfea-4141-40de-5dae-222", "ga78-16bf-8f01-cfea-4141-40de-5dae-2223"] {
            assert_eq!(Fingerprint::read(text), Err(FingerprintError), "{text}");
        }
        assert!(Fingerprint::read(&"-".repeat(FINGERPRINT_CHARS_MAX + 1)).is_err());
    }
}
