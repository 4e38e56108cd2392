//! Signed notes: a text with the signatures of several below it, and the keys that sign.
//!
//! **Invariant:** a signature counts only if it is strictly valid and of a key that the reader names; others are let
//! stand, as the format wants it. A key signs what it is for and nothing else. No error repeats what was read: it names
//! keys that the reader named.
//! **Limits:** [`NOTE_BYTES_MAX`], [`SIGNATURE_COUNT_MAX`], [`KEY_BYTES_MAX`], [`NAME_CHARS_MAX`].
//! **Source:** C2SP signed-note and tlog-cosignature; RFC 8032.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Bytes of the largest note.
pub const NOTE_BYTES_MAX: usize = 64 << 10;

/// Signatures of a note.
pub const SIGNATURE_COUNT_MAX: usize = 100;

/// Bytes of the secret that a key is made of.
pub const SEED_BYTES: usize = 32;

/// Characters of the longest name of a key.
pub const NAME_CHARS_MAX: usize = 200;

/// Bytes of the longest text of a public key: its name, the eight digits of its id, and what 33 bytes are in Base64.
pub const KEY_BYTES_MAX: usize = NAME_CHARS_MAX + 1 + 8 + 1 + 44;

/// What a line with a signature begins with.
const MARK: &str = "\u{2014} ";

/// What a cosignature signs begins with.
const COSIGNATURE: &str = "cosignature/v1";

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Notes of its own.
    Notes,
    /// Checkpoints of others, with the time.
    Cosignatures,
}

impl Use {
    const fn byte(self) -> u8 {
        match self {
            Self::Notes => 1,
            Self::Cosignatures => 4,
        }
    }
}

/// Why a text is no note, no key, or not signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It is no signed note.
    #[error("it is no signed note: {0}")]
    Malformed(&'static str),
    /// The key is none.
    #[error("it is no public key of a log or a witness, as `name+1234abcd+AeK…` is")]
    Key,
    /// A name that keys of ours cannot have.
    #[error(
        "this cannot be the name of a key: a name has 1 to {NAME_CHARS_MAX} letters, digits and signs of ASCII, no space and \
         no `+`"
    )]
    Name,
    /// The key has not signed it.
    #[error("`{0}` has not signed it")]
    Unsigned(String),
    /// Its signature is not one of this text.
    #[error("the signature of `{0}` is none of this text: a character of it is wrong, or somebody changed it")]
    Wrong(String),
    /// The key is one of a witness where one of a log is needed, or the other way round.
    #[error("`{0}` is not a key for this: a log signs its checkpoints, and a witness signs those of others")]
    OtherUse(String),
    /// The time is none that a witness can sign.
    #[error("the time is before 1970, which no witness signs; set the clock of this machine")]
    Time,
}

/// Whether the format lets a key have this name.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|letter| letter.is_whitespace() || letter == '+')
}

/// Whether a key that we rely on may have this name: one that looks on every screen as it is.
fn is_plain_name(name: &str) -> bool {
    is_name(name) && name.len() <= NAME_CHARS_MAX && name.bytes().all(|letter| letter.is_ascii_graphic())
}

/// A public key of a log or a witness, by name.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    name: String,
    of: Use,
    key: VerifyingKey,
}

impl PublicKey {
    fn new(name: &str, of: Use, key: VerifyingKey) -> Result<Self, NoteError> {
        if !is_plain_name(name) {
            return Err(NoteError::Name);
        }
        if key.is_weak() { Err(NoteError::Key) } else { Ok(Self { name: name.to_owned(), of, key }) }
    }

    /// Reads one as it is written, `name+1234abcd+AeK…`.
    ///
    /// # Errors
    /// It is none.
    pub fn read(text: &str) -> Result<Self, NoteError> {
        let text = text.trim();
        if text.len() > KEY_BYTES_MAX {
            return Err(NoteError::Key);
        }
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key);
        };
        let bytes = STANDARD.decode(key).map_err(|_| NoteError::Key)?;
        let (of, bytes) = match bytes.split_first() {
            Some((1, rest)) => (Use::Notes, rest),
            Some((4, rest)) => (Use::Cosignatures, rest),
            _ => return Err(NoteError::Key),
        };
        let bytes = <&[u8; 32]>::try_from(bytes).map_err(|_| NoteError::Key)?;
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| NoteError::Key)?;
        let read = Self::new(name, of, key)?;
        if read.id_text() == id { Ok(read) } else { Err(NoteError::Key) }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// That it is for this.
    pub(crate) fn is_for(&self, of: Use) -> Result<(), NoteError> {
        if self.of == of { Ok(()) } else { Err(NoteError::OtherUse(self.name.clone())) }
    }

    fn encoded(&self) -> Vec<u8> {
        [[self.of.byte()].as_slice(), self.key.as_bytes()].concat()
    }

    /// The four bytes by which a note says whose a signature is.
    fn id(&self) -> [u8; 4] {
        let digest = Sha256::new().chain_update(&self.name).chain_update(b"\n").chain_update(self.encoded()).finalize();
        let mut id = [0; 4];
        id.iter_mut().zip(digest).for_each(|(byte, digest)| *byte = digest);
        id
    }

    fn id_text(&self) -> String {
        self.id().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let signature = Signature::from_slice(signature);
        signature.is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.name, self.id_text(), STANDARD.encode(self.encoded()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The secret key of a log or a witness. It is neither copied nor shown nor compared, and it is wiped when dropped.
pub struct SecretKey {
    public: PublicKey,
    key: SigningKey,
}

impl SecretKey {
    /// The key with a seed that was kept or drawn; the seed is wiped where it was.
    ///
    /// # Errors
    /// Keys cannot have that name.
    pub fn of_seed(name: &str, of: Use, seed: Zeroizing<[u8; SEED_BYTES]>) -> Result<Self, NoteError> {
        let key = SigningKey::from_bytes(&seed);
        Ok(Self { public: PublicKey::new(name, of, key.verifying_key())?, key })
    }

    /// The public key that belongs to it.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The line with its signature of a text.
    pub(crate) fn line(&self, text: &str) -> Result<String, NoteError> {
        self.public.is_for(Use::Notes)?;
        Ok(self.written(&self.key.sign(text.as_bytes()).to_bytes()))
    }

    /// The line with its signature of a text of somebody else, and the time in whole seconds.
    pub(crate) fn cosignature(&self, text: &str, at: Timestamp) -> Result<String, NoteError> {
        self.public.is_for(Use::Cosignatures)?;
        let seconds = u64::try_from(at.as_second()).map_err(|_| NoteError::Time)?;
        let signature = self.key.sign(cosigned(text, seconds).as_bytes()).to_bytes();
        Ok(self.written(&[seconds.to_be_bytes().as_slice(), &signature].concat()))
    }

    fn written(&self, signature: &[u8]) -> String {
        line(&self.public.name, &[self.public.id().as_slice(), signature].concat())
    }
}

/// A line with a signature, in front of which the id of its key stands.
fn line(name: &str, signature: &[u8]) -> String {
    format!("{MARK}{name} {}\n", STANDARD.encode(signature))
}

fn cosigned(text: &str, seconds: u64) -> String {
    format!("{COSIGNATURE}\ntime {seconds}\n{text}")
}

/// A note as it is written, its signatures not yet looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    /// Each with the name of its key.
    signatures: Vec<(String, Vec<u8>)>,
}

impl Note {
    /// Reads a note.
    ///
    /// # Errors
    /// It is none.
    pub fn read(written: &str) -> Result<Self, NoteError> {
        let malformed = NoteError::Malformed;
        if written.len() > NOTE_BYTES_MAX {
            return Err(malformed("it is too long"));
        }
        if written.chars().any(|letter| letter < ' ' && letter != '\n') {
            return Err(malformed("it has control characters"));
        }
        let Some(at) = written.rfind("\n\n") else { return Err(malformed("it has no signatures below an empty line")) };
        let (text, rest) = written.split_at(at + 1);
        let lines = rest.strip_prefix('\n').and_then(|rest| rest.strip_suffix('\n'));
        let lines = lines.ok_or(malformed("its last line is not whole"))?;
        if lines.split('\n').count() > SIGNATURE_COUNT_MAX {
            return Err(malformed("it has too many signatures"));
        }
        let signatures = lines.split('\n').map(|line| {
            let (name, signature) = line.strip_prefix(MARK)?.split_once(' ')?;
            let signature = STANDARD.decode(signature).ok().filter(|bytes| bytes.len() > 4)?;
            is_name(name).then(|| (name.to_owned(), signature))
        });
        let signatures: Option<Vec<_>> = signatures.collect();
        let signatures = signatures.ok_or(malformed("a line below the empty one is no signature"))?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The text that is signed, which nobody has confirmed so far.
    #[must_use]
    pub fn unconfirmed(&self) -> &str {
        &self.text
    }

    /// The text, if the key has signed it.
    ///
    /// # Errors
    /// It has not, or the key is one of a witness.
    pub fn signed_by(&self, key: &PublicKey) -> Result<&str, NoteError> {
        key.is_for(Use::Notes)?;
        self.signature_of(key).map(|_| self.text.as_str())
    }

    /// When a witness has signed it.
    ///
    /// # Errors
    /// It has not, or the key is none of a witness.
    pub fn cosigned_by(&self, key: &PublicKey) -> Result<Timestamp, NoteError> {
        key.is_for(Use::Cosignatures)?;
        self.signature_of(key)?.ok_or_else(|| NoteError::Unsigned(key.name.clone()))
    }

    /// The note with nothing below it but what this key has signed.
    pub(crate) fn only(&self, key: &PublicKey) -> String {
        let own =
            self.signatures.iter().filter(|(name, signature)| *name == key.name && signature.starts_with(&key.id()));
        let lines: String = own.map(|(name, signature)| line(name, signature)).collect();
        format!("{}\n{lines}", self.text)
    }

    fn signature_of(&self, key: &PublicKey) -> Result<Option<Timestamp>, NoteError> {
        let id = key.id();
        let mut own = self.signatures.iter().filter_map(|(name, signature)| {
            let (found, signature) = signature.split_at_checked(id.len())?;
            (*name == key.name && found == id).then_some(signature)
        });
        let Some(signature) = own.next() else { return Err(NoteError::Unsigned(key.name.clone())) };
        let wrong = || NoteError::Wrong(key.name.clone());
        // Of one key there is one signature, or it is nobody's to choose.
        if own.next().is_some() {
            return Err(wrong());
        }
        match key.of {
            Use::Notes if key.has_signed(self.text.as_bytes(), signature) => Ok(None),
            Use::Notes => Err(wrong()),
            Use::Cosignatures => {
                let (seconds, signature) = signature.split_first_chunk::<8>().ok_or_else(wrong)?;
                let seconds = u64::from_be_bytes(*seconds);
                let at = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
                let is_signed = key.has_signed(cosigned(&self.text, seconds).as_bytes(), signature);
                at.filter(|_| is_signed).map(Some).ok_or_else(wrong)
            }
        }
    }
}
