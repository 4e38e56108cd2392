//! Text that is wiped, and never shown, copied or compared.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// A secret of a client, a token, or the address of a proxy with a password in it: wiped when it is dropped.
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes text over.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for whoever puts it into a request.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText")
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// Bytes that grow without leaving a copy of their beginning behind.
#[derive(Default)]
pub(crate) struct Gathered(Zeroizing<Vec<u8>>);

impl Gathered {
    /// Room for as many bytes as are expected.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(bytes)))
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let needed = self.0.len().saturating_add(bytes.len());
        if needed > self.0.capacity() {
            let mut grown = Zeroizing::new(Vec::with_capacity(needed.max(self.0.capacity().saturating_mul(2))));
            grown.extend_from_slice(&self.0);
            // What it was before is wiped here.
            self.0 = grown;
        }
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As a body that is wiped when the last who holds it lets go.
    pub(crate) fn into_shared(self) -> Bytes {
        Bytes::from_owner(self.0)
    }

    /// As plain bytes, which are not wiped: for answers that hold no secret of ours.
    pub(crate) fn into_plain(mut self) -> Vec<u8> {
        std::mem::take(&mut *self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_not_shown() {
        assert_eq!(format!("{:?}", SecretText::new("hush".to_owned())), "SecretText");
    }

    #[test]
    fn bytes_grow_and_stay_what_they_are() {
        let mut gathered = Gathered::with_capacity(2);
        for chunk in [&b"ab"[..], b"", b"cdefg", b"h"] {
            gathered.push(chunk);
        }
        assert_eq!((gathered.bytes(), gathered.len()), (&b"abcdefgh"[..], 8));
        assert_eq!(gathered.into_shared(), &b"abcdefgh"[..]);
    }
}
