//! Passwords and the secrets of applications, kept as what they are checked with: Argon2id hashes in the PHC form.
//!
//! **Source:** OWASP's cheat sheet on password storage (Argon2id, 19 MiB, 2 passes, 1 lane).

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::random;
use crate::totp::Base32;

/// Memory of one hash, KiB.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over it.
const PASS_COUNT: u32 = 2;
/// Bytes of the longest password that is looked at; Entra allows 256 characters.
pub(crate) const PASSWORD_BYTES_MAX: usize = 1_024;

/// A secret cannot be hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It is too long.
    #[error("the secret has more than {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
    /// The hash function refuses, or the system has no random bytes.
    #[error("the secret cannot be hashed")]
    Hash,
}

/// What a secret is checked with: a hash, or (as one-time passwords are computed) the key of an authenticator.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Hashed(String);

/// How the key of an authenticator begins among the hashes.
const OATH: &str = "oath:";

impl std::fmt::Debug for Hashed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hashed")
    }
}

impl Hashed {
    /// Of a secret.
    pub(crate) fn of(secret: &str) -> Result<Self, SecretError> {
        if secret.len() > PASSWORD_BYTES_MAX {
            return Err(SecretError::TooLong);
        }
        let salt = random::bytes::<16>().map_err(|_| SecretError::Hash)?;
        let salt = SaltString::encode_b64(&salt).map_err(|_| SecretError::Hash)?;
        let hash = hasher()?.hash_password(secret.as_bytes(), &salt).map_err(|_| SecretError::Hash)?;
        Ok(Self(hash.to_string()))
    }

    /// Of the key of an authenticator that makes one-time passwords.
    pub(crate) fn of_authenticator(key: &Base32) -> Self {
        Self(format!("{OATH}{}", key.to_text()))
    }

    /// The key, if it is one of an authenticator.
    pub(crate) fn authenticator(&self) -> Option<Base32> {
        Base32::read(self.0.strip_prefix(OATH)?)
    }

    /// As it was kept.
    pub(crate) const fn kept(text: String) -> Self {
        Self(text)
    }

    /// To be kept.
    pub(crate) fn to_keep(&self) -> &str {
        &self.0
    }

    /// Whether a secret is the one.
    pub(crate) fn is(&self, secret: &str) -> bool {
        let (Ok(hash), Ok(hasher)) = (PasswordHash::new(&self.0), hasher()) else { return false };
        secret.len() <= PASSWORD_BYTES_MAX && hasher.verify_password(secret.as_bytes(), &hash).is_ok()
    }
}

/// Whether a password has the length and the kinds of characters that Entra demands, and neither the name of the user
/// nor that before the `@` of the sign-in name; empty names are in none.
pub(crate) fn is_acceptable(password: &str, (upn, name): (&str, &str)) -> bool {
    let kinds: [fn(char) -> bool; 4] = [
        |letter| letter.is_lowercase(),
        |letter| letter.is_uppercase(),
        |letter| letter.is_ascii_digit(),
        |letter| !letter.is_alphanumeric(),
    ];
    let count = kinds.iter().filter(|is_kind| password.chars().any(is_kind)).count();
    let has_name = |name: &str| name.chars().count() > 3 && password.to_lowercase().contains(&name.to_lowercase());
    let local = upn.split('@').next().unwrap_or_default();
    let is_long = (8..=256).contains(&password.chars().count());
    is_long && count >= 3 && !has_name(local) && !has_name(name)
}

fn hasher() -> Result<Argon2<'static>, SecretError> {
    let params = Params::new(MEMORY_KIB, PASS_COUNT, 1, None).map_err(|_| SecretError::Hash)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::{Hashed, PASSWORD_BYTES_MAX, SecretError};

    #[test]
    fn a_secret_is_itself_and_nothing_else() {
        let hashed = Hashed::of("correct horse").unwrap();
        assert!(hashed.is("correct horse") && !hashed.is("correct horsf") && !hashed.is(""));
        assert!(!hashed.to_keep().contains("horse"));
        assert_ne!(hashed, Hashed::of("correct horse").unwrap());
        assert_eq!(Hashed::of(&"a".repeat(PASSWORD_BYTES_MAX + 1)), Err(SecretError::TooLong));
    }
}
