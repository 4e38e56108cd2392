//! Passwords and the secrets of applications, kept as what they are checked with: Argon2id hashes in the PHC form.
//!
//! **Source:** OWASP's cheat sheet on password storage (Argon2id, 19 MiB, 2 passes, 1 lane).

use std::sync::{Condvar, Mutex, PoisonError};

use argon2::password_hash::{Output, ParamsString, PasswordHash, SaltString};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use zeroize::Zeroize as _;

use crate::random;
use crate::totp::Base32;

/// Memory of one hash, KiB.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over it.
const PASS_COUNT: u32 = 2;
/// Memory of one hash where no secret is worth anything, KiB: the least that Argon2 takes.
const LITTLE_MEMORY_KIB: u32 = Params::MIN_M_COST;
/// Bytes of one hash.
const HASH_BYTES: usize = 32;
/// Bytes of its salt.
const SALT_BYTES: usize = 16;
/// Hashes that are worked out at a time: each takes its memory, and a processor all to itself.
const HASH_COUNT_MAX: usize = 4;
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

/// How much work the hash of a secret is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HashWork {
    /// As much as whoever steals the folder shall have with each guess: 19 MiB, 2 passes, some ten milliseconds.
    #[default]
    Usual,
    /// As little as can be: 8 KiB, 1 pass. For tests that sign in many thousand times, with secrets that are thrown away
    /// with the folder.
    Little,
}

impl HashWork {
    fn params(self) -> Result<Params, SecretError> {
        let (memory, passes) = match self {
            Self::Usual => (MEMORY_KIB, PASS_COUNT),
            Self::Little => (LITTLE_MEMORY_KIB, 1),
        };
        Params::new(memory, passes, 1, None).map_err(|_| SecretError::Hash)
    }
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
    pub(crate) fn of(secret: &str, hash_work: HashWork) -> Result<Self, SecretError> {
        if secret.len() > PASSWORD_BYTES_MAX {
            return Err(SecretError::TooLong);
        }
        let salt = random::bytes::<SALT_BYTES>().map_err(|_| SecretError::Hash)?;
        let params = hash_work.params()?;
        let written = ParamsString::try_from(&params).map_err(|_| SecretError::Hash)?;
        let worked_out = worked_out((secret, &salt), params)?;
        let salt = SaltString::encode_b64(&salt).map_err(|_| SecretError::Hash)?;
        let hash = PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: written,
            salt: Some(salt.as_salt()),
            hash: Some(Output::new(&worked_out).map_err(|_| SecretError::Hash)?),
        };
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

    /// Whether another is the same hash: that of a secret which nobody has set anew.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
    }

    /// Whether a secret is the one.
    pub(crate) fn is(&self, secret: &str) -> bool {
        let is_one = || -> Option<bool> {
            let kept = PasswordHash::new(&self.0).ok().filter(|kept| kept.algorithm == ARGON2ID_IDENT)?;
            let mut salt = [0; 64];
            let salt = kept.salt?.decode_b64(&mut salt).ok()?;
            let worked_out = worked_out((secret, salt), Params::try_from(&kept).ok()?).ok()?;
            Some(verify_slices_are_equal(&worked_out, kept.hash?.as_bytes()).is_ok())
        };
        secret.len() <= PASSWORD_BYTES_MAX && is_one() == Some(true)
    }
}

/// The hash of a secret with a salt.
fn worked_out((secret, salt): (&str, &[u8]), params: Params) -> Result<[u8; HASH_BYTES], SecretError> {
    let mut leave = Leave::wait();
    leave.memory.resize(params.block_count(), Block::default());
    let mut hash = [0; HASH_BYTES];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let done = argon.hash_password_into_with_memory(secret.as_bytes(), salt, &mut hash, &mut leave.memory);
    done.map(|()| hash).map_err(|_| SecretError::Hash)
}

/// Leave to work a hash out, with the memory for it, until it is dropped. The memory is wiped then and used again: what
/// one thread has freed, the allocator would keep for that thread alone.
struct Leave {
    memory: Vec<Block>,
}

/// Memory that nobody uses now, and how many work a hash out.
#[derive(Debug)]
struct Hashing {
    free: Vec<Vec<Block>>,
    count: usize,
}

/// Who works hashes out, and who waits for leave.
static HASHING: (Mutex<Hashing>, Condvar) = (Mutex::new(Hashing { free: Vec::new(), count: 0 }), Condvar::new());

impl Leave {
    fn wait() -> Self {
        let (hashing, ended) = &HASHING;
        let hashing = hashing.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = |hashing: &mut Hashing| hashing.count >= HASH_COUNT_MAX;
        let mut hashing = ended.wait_while(hashing, is_full).unwrap_or_else(PoisonError::into_inner);
        hashing.count += 1;
        Self { memory: hashing.free.pop().unwrap_or_default() }
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.memory.iter_mut().for_each(Block::zeroize);
        let (hashing, ended) = &HASHING;
        let mut hashing = hashing.lock().unwrap_or_else(PoisonError::into_inner);
        hashing.count = hashing.count.saturating_sub(1);
        hashing.free.push(std::mem::take(&mut self.memory));
        ended.notify_one();
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

#[cfg(test)]
mod tests {
    use super::{HASH_COUNT_MAX, HashWork, Hashed, PASSWORD_BYTES_MAX, SecretError};

    #[test]
    fn a_secret_is_itself_and_nothing_else() {
        let hashed = Hashed::of("correct horse", HashWork::Usual).unwrap();
        assert!(hashed.is("correct horse") && !hashed.is("correct horsf") && !hashed.is(""));
        assert!(!hashed.to_keep().contains("horse"));
        assert_ne!(hashed, Hashed::of("correct horse", HashWork::Usual).unwrap());
        assert_eq!(Hashed::of(&"a".repeat(PASSWORD_BYTES_MAX + 1), HashWork::Usual), Err(SecretError::TooLong));
    }

    #[test]
    fn a_hash_is_one_that_others_check() {
        use argon2::Argon2;
        use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
        let hashed = Hashed::of("correct horse", HashWork::Usual).unwrap();
        let kept = PasswordHash::new(hashed.to_keep()).unwrap();
        assert!(Argon2::default().verify_password(b"correct horse", &kept).is_ok());
        let salt = SaltString::encode_b64(b"a salt of others").unwrap();
        let theirs = Argon2::default().hash_password(b"battery", &salt).unwrap().to_string();
        assert!(Hashed::kept(theirs.clone()).is("battery") && !Hashed::kept(theirs).is("staple"));
    }

    #[test]
    fn a_hash_of_little_work_is_checked_as_it_was_made() {
        let hashed = Hashed::of("correct horse", HashWork::Little).unwrap();
        assert!(hashed.to_keep().starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{}", hashed.to_keep());
        assert!(hashed.is("correct horse") && !hashed.is("correct horsf"));
        assert!(Hashed::of("correct horse", HashWork::default()).unwrap().to_keep().contains("$m=19456,t=2,p=1$"));
    }

    #[test]
    fn whoever_waits_for_leave_gets_it() {
        let hashed = Hashed::of("right", HashWork::Usual).unwrap();
        std::thread::scope(|scope| {
            let asked = |number: usize| hashed.is(if number.is_multiple_of(2) { "right" } else { "wrong" });
            let asked: Vec<_> = (0..HASH_COUNT_MAX * 2).map(|number| scope.spawn(move || asked(number))).collect();
            let told: Vec<bool> = asked.into_iter().map(|one| one.join().unwrap()).collect();
            assert_eq!(told, [true, false].repeat(HASH_COUNT_MAX));
        });
    }
}
