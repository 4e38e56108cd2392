//! What is sealed besides passwords: the PIN of a security key, and the private key of a certificate.
//!
//! **Invariant:** the text is lent to a closure, never given away, and wiped when the secret is dropped; it is what its
//! kind says.
//! **Limits:** [`PIN_CHARS_MIN`], [`PIN_BYTES_MAX`], [`PRIVATE_KEY_BYTES_MAX`].
//! **Source:** CTAP 2.1, section 6.5.1 (the PIN: at least four code points, at most 63 bytes of UTF-8); RFC 5958 and
//! RFC 7468, section 10 (`BEGIN PRIVATE KEY`).

use std::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

use crate::document::CredentialKind;

/// Characters of the shortest PIN of a security key.
pub const PIN_CHARS_MIN: usize = 4;

/// Bytes of the longest PIN of a security key, in UTF-8.
pub const PIN_BYTES_MAX: usize = 63;

/// Bytes of the longest private key, as PEM; the certificate may stand behind it.
pub const PRIVATE_KEY_BYTES_MAX: usize = 8 << 10;

/// How a private key begins.
const PRIVATE_KEY_HEAD: &str = "-----BEGIN PRIVATE KEY-----\n";

/// How a private key ends.
const PRIVATE_KEY_FOOT: &str = "\n-----END PRIVATE KEY-----\n";

/// A text is not the secret that it is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It is no PIN.
    #[error(
        "a PIN has at least {PIN_CHARS_MIN} characters and at most {PIN_BYTES_MAX} bytes on one line, and this is none"
    )]
    Pin,
    /// It is no private key.
    #[error(
        "this is no private key of at most {PRIVATE_KEY_BYTES_MAX} bytes in PEM, which begins with `-----BEGIN PRIVATE KEY-----`"
    )]
    PrivateKey,
}

/// A secret that is no password. It is neither copied nor shown nor compared in a time that tells of it, and it is wiped
/// when dropped.
pub struct Secret {
    kind: CredentialKind,
    text: Zeroizing<String>,
}

impl Secret {
    /// Takes over the PIN of a security key; the text is wiped where it was.
    ///
    /// # Errors
    /// It is none that a security key takes.
    pub fn pin(text: String) -> Result<Self, SecretError> {
        Self::of(CredentialKind::Passkey, text).ok_or(SecretError::Pin)
    }

    /// Takes over the private key of a certificate, as PEM with what may stand behind it; the text is wiped where it was.
    ///
    /// # Errors
    /// It does not begin with a private key of PKCS#8 in PEM, or is too long.
    pub fn private_key(text: String) -> Result<Self, SecretError> {
        Self::of(CredentialKind::Certificate, text).ok_or(SecretError::PrivateKey)
    }

    fn of(kind: CredentialKind, mut text: String) -> Option<Self> {
        let is_good = is_secret(kind, &text);
        let kept = Zeroizing::new(String::from(text.as_str()));
        text.zeroize();
        is_good.then_some(Self { kind, text: kept })
    }

    /// Takes over what was opened, and is what its kind says.
    pub(crate) const fn of_wiped(kind: CredentialKind, text: Zeroizing<String>) -> Self {
        Self { kind, text }
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> CredentialKind {
        self.kind
    }

    /// Lends the text for as long as `look` takes. Whoever calls this puts it into an envelope, a security key, or before
    /// the eyes of somebody, and nowhere else.
    pub fn with_plaintext<T>(&self, look: impl FnOnce(&str) -> T) -> T {
        look(&self.text)
    }

    /// Whether both are the same; it takes as long whatever is in them, if they are of one length.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.kind == other.kind && self.text.as_bytes().ct_eq(other.text.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Characters of the longest password that Entra takes.
pub(crate) const PASSWORD_CHARS_MAX: usize = 256;

/// Bytes of the longest secret of any kind.
pub(crate) const SECRET_BYTES_MAX: usize = PRIVATE_KEY_BYTES_MAX;

/// Whether a text is a secret of a kind.
pub(crate) fn is_secret(kind: CredentialKind, text: &str) -> bool {
    let is_one_line = || !text.chars().any(char::is_control);
    match kind {
        CredentialKind::Password => (1..=PASSWORD_CHARS_MAX).contains(&text.chars().count()) && is_one_line(),
        CredentialKind::Passkey => {
            text.chars().count() >= PIN_CHARS_MIN && text.len() <= PIN_BYTES_MAX && is_one_line()
        }
        CredentialKind::Certificate => is_private_key(text),
    }
}

/// Whether a text begins with a private key in PEM, and has nothing but lines of ASCII.
fn is_private_key(text: &str) -> bool {
    let base64 = text.strip_prefix(PRIVATE_KEY_HEAD).and_then(|rest| rest.split_once(PRIVATE_KEY_FOOT));
    let is_base64 = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'+' | b'/' | b'=' | b'\n');
    let is_text = |letter: u8| letter == b'\n' || letter == b' ' || letter.is_ascii_graphic();
    text.len() <= PRIVATE_KEY_BYTES_MAX
        && text.bytes().all(is_text)
        && base64.is_some_and(|(key, _)| !key.is_empty() && key.bytes().all(is_base64))
}
