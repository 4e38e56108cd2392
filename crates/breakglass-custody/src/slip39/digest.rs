//! How a set tells by itself that its shares belong together: one more point, with four bytes that hang on the secret.
//!
//! That is 32 bits: it notices accidents and no forger who can try. Nothing of ours relies on it.
//! **Source:** SLIP-0039, "Sharing a secret".

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Bytes of a digest.
pub(super) const DIGEST_BYTES: usize = 4;

/// Where the secret is.
pub(super) const SECRET_AT: u8 = 255;

/// Where the digest is, with randomness behind it.
pub(super) const DIGEST_AT: u8 = 254;

/// The digest of a secret with some randomness, and the randomness behind it. `None` cannot be.
pub(super) fn with_digest(random: &[u8], secret: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(random).ok()?;
    mac.update(secret);
    let digest = Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes()));
    let mut joined = Zeroizing::new(Vec::with_capacity(DIGEST_BYTES + random.len()));
    joined.extend_from_slice(digest.get(..DIGEST_BYTES)?);
    joined.extend_from_slice(random);
    Some(joined)
}

/// Whether a digest, with its randomness behind it, is that of the secret.
pub(super) fn is_of(joined: &[u8], secret: &[u8]) -> bool {
    let random = joined.get(DIGEST_BYTES..).unwrap_or_default();
    with_digest(random, secret).is_some_and(|right| right.as_slice().ct_eq(joined).into())
}
