//! A sealing key: what is split among the custodians, so that no password ever is.
//!
//! It is the secret of an age X25519 identity. Everybody seals to its recipient; opening takes as many shares as are
//! needed. The key itself exists from when it is made until it is split, and again while something is opened.
//! **Source:** the age format, <https://c2sp.org/age#the-x25519-recipient-type>.

use bech32::{Bech32, Hrp};
use zeroize::Zeroizing;

use crate::key_set::{KeySet, SetId};
use crate::quorum::Quorum;
use crate::random::{NoRandomness, filled};
use crate::recipient::Recipient;
use crate::slip39::{self, Share, SplitError};

/// Bytes of the secret.
pub(crate) const SEALING_KEY_BYTES: usize = 32;

/// Characters of the text of an identity.
const IDENTITY_CHARS: usize = 74;

/// Why a sealing key is not split.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitKeyError {
    /// No shares can be made.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// The shares were made, and do not open.
    #[error("the shares that were just made do not give the key back; this machine is not to be trusted with it")]
    Unproved,
}

/// A sealing key that is not split yet. It is neither copied nor shown nor compared, and it is wiped when dropped.
pub struct SealingKey(age::x25519::Identity, Zeroizing<Vec<u8>>);

/// A set of shares, as it is made.
pub struct SplitKey {
    /// What is public of it.
    pub set: KeySet,
    /// The shares, that of number 1 first.
    pub shares: Vec<Share>,
}

impl SealingKey {
    /// Makes a new one of what `fill` puts into a buffer.
    ///
    /// # Errors
    /// `fill` fails, or does not give what is random.
    pub fn generate<E>(mut fill: impl FnMut(&mut [u8]) -> Result<(), E>) -> Result<Self, NoRandomness> {
        let secret = filled(SEALING_KEY_BYTES, &mut fill)?;
        let identity = identity(&secret).ok_or(NoRandomness)?;
        Ok(Self(identity, secret))
    }

    /// To whom is sealed.
    #[must_use]
    pub fn recipient(&self) -> Recipient {
        Recipient::of_key(self.0.to_public())
    }

    /// Splits it, and is gone. Before the shares are handed out each of them is written in words, read again, and has
    /// given the key back together with its neighbours.
    ///
    /// # Errors
    /// `fill` fails, or the shares do not prove good.
    pub fn split<E>(
        self,
        quorum: Quorum,
        fill: impl FnMut(&mut [u8]) -> Result<(), E>,
    ) -> Result<SplitKey, SplitKeyError> {
        let shares = slip39::split(&self.1, quorum, fill)?;
        let first = shares.first().ok_or(SplitKeyError::Unproved)?;
        let id = SetId::of(first.header()).ok_or(SplitKeyError::Unproved)?;
        let set = KeySet { id, quorum, recipient: self.recipient() };
        let read = (1..).zip(&shares).map(|(number, share)| share.with_words(|words| Share::read(number, words)));
        let read: Vec<Share> = read.collect::<Result<_, _>>().map_err(|_| SplitKeyError::Unproved)?;
        for neighbours in read.windows(usize::from(quorum.threshold())) {
            set.recover(neighbours).map_err(|_| SplitKeyError::Unproved)?;
        }
        Ok(SplitKey { set, shares })
    }
}

/// The identity with a secret. `None` where it has not the length of one.
pub(crate) fn identity(secret: &[u8]) -> Option<age::x25519::Identity> {
    if secret.len() != SEALING_KEY_BYTES {
        return None;
    }
    // It never grows, so that no copy of its beginning is left behind.
    let mut text = Zeroizing::new(String::with_capacity(IDENTITY_CHARS));
    let prefix = Hrp::parse("AGE-SECRET-KEY-").ok()?;
    bech32::encode_upper_to_fmt::<Bech32, String>(&mut text, prefix, secret).ok()?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_the_one_that_other_programs_have() {
        let secret =
            bech32::decode("AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33").unwrap().1;
        let public = identity(&secret).unwrap().to_public().to_string();
        assert_eq!(public, "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa");
        assert!(identity(&secret[1..]).is_none());
    }

    #[test]
    fn without_randomness_there_is_no_key() {
        assert!(SealingKey::generate(|_: &mut [u8]| Ok::<(), ()>(())).is_err());
        assert!(SealingKey::generate(|_: &mut [u8]| Err(())).is_err());
    }
}
