//! The public half of a sealing key: whoever has it can seal, and nobody can open with it.
//!
//! **Source:** the age format, <https://c2sp.org/age#the-x25519-recipient-type>: Bech32 with `age`.

use std::fmt;

use crate::fingerprint::Fingerprint;
use crate::hex::to_hex;

/// Characters of a recipient.
const RECIPIENT_CHARS: usize = 62;

/// Points with which every key agrees on the same secret, so that everybody could open: the coordinates of small order,
/// in hexadecimal digits.
/// **Source:** <https://cr.yp.to/ecdh.html#validate>, those below 2^255.
const SMALL_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/// A text is no recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a recipient is `age1` and 58 letters and digits with a checksum in them, and this is none")]
pub struct RecipientError;

/// To whom something is sealed: the public key of a sealing key, as text `age1` and what follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient(age::x25519::Recipient);

impl Recipient {
    /// Reads the text of one, in small letters as every program writes it.
    ///
    /// # Errors
    /// It is none, or one that everybody could open.
    pub fn read(text: &str) -> Result<Self, RecipientError> {
        if text.len() != RECIPIENT_CHARS {
            return Err(RecipientError);
        }
        let key: age::x25519::Recipient = text.parse().map_err(|_| RecipientError)?;
        let (_, bytes) = bech32::decode(text).map_err(|_| RecipientError)?;
        // The highest bit plays no part and is never set; otherwise one key would have two texts.
        let is_weak = SMALL_ORDER.contains(&to_hex(&bytes).as_str()) || bytes.last().is_none_or(|last| *last > 0x7f);
        let recipient = Self(key);
        if is_weak || recipient.to_string() != text { Err(RecipientError) } else { Ok(recipient) }
    }

    /// Its fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.to_string())
    }

    pub(crate) const fn of_key(key: age::x25519::Recipient) -> Self {
        Self(key)
    }

    pub(crate) const fn key(&self) -> &age::x25519::Recipient {
        &self.0
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use bech32::{Bech32, Hrp};

    use super::*;
    use crate::hex::of_hex;

    const RIGHT: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";

    #[test]
    fn it_is_read_as_it_is_written() {
        let recipient = Recipient::read(RIGHT).unwrap();
        assert_eq!(recipient.to_string(), RIGHT);
        assert_eq!(recipient.fingerprint(), Fingerprint::of(RIGHT));
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in ["", "age1", RIGHT.trim_end_matches('a'), &RIGHT.to_uppercase(), &RIGHT.replace("vpy7pa", "vpy7pq")]
        {
            assert_eq!(Recipient::read(text), Err(RecipientError), "{text}");
        }
        let secret = "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33";
        assert_eq!(Recipient::read(secret), Err(RecipientError));
    }

    #[test]
    fn what_everybody_could_open_is_refused() {
        let text = |bytes: [u8; 32]| bech32::encode::<Bech32>(Hrp::parse("age").unwrap(), &bytes).unwrap();
        for point in SMALL_ORDER {
            let mut bytes: [u8; 32] = of_hex(point).unwrap();
            assert_eq!(Recipient::read(&text(bytes)), Err(RecipientError), "{point}");
            bytes[31] |= 0x80;
            assert_eq!(Recipient::read(&text(bytes)), Err(RecipientError), "{point}");
        }
        assert!(Recipient::read(&text([9; 32])).is_ok());
    }
}
