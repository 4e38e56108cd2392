//! Sealing, opening, and showing that something opens without opening it.
//!
//! A secret is an age file to the recipient of a set, and to that of the reserve if there is one, in its armor, so that
//! whoever has one of the keys opens it with any age program and gets the secret itself, with nothing around it.
//! **Invariant:** an open key opens documents of its own set and no others; a rehearsal does all that opening does, and
//! gives nothing of it away. age takes its own randomness from the system.
//! **Source:** the age format, <https://c2sp.org/age>.

use std::io::{Read as _, Write as _};

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use zeroize::Zeroizing;

use crate::document::{CredentialKind, Document, Label};
use crate::fingerprint::Fingerprint;
use crate::key_set::{KeySet, OpenedKey, RecoverError, SetId};
use crate::password::Password;
use crate::recipient::Recipient;
use crate::secret::{PASSWORD_CHARS_MAX, SECRET_BYTES_MAX, Secret, is_secret};
use crate::signed::SignedError;
use crate::signed_set::SignedSet;
use crate::signing::SigningKey;
use crate::slip39::Share;

/// Why something is not sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// It is none that Entra takes.
    #[error("the password has to have from 1 to {PASSWORD_CHARS_MAX} characters on one line to be sealed")]
    Password,
    /// It is sealed under the name of another kind.
    #[error("the document would say that {label} is sealed in it, and it is {secret}")]
    Kind {
        /// What the label says.
        label: CredentialKind,
        /// What is to be sealed.
        secret: CredentialKind,
    },
    /// The label names another set, or another reserve, than was signed.
    #[error("the document would name the set `{label}`, and the set `{signed}` is the one that the operator signed")]
    OtherSet {
        /// The set of the label.
        label: String,
        /// The set that was signed.
        signed: String,
    },
    /// Somebody else signed the set.
    #[error(
        "the set of shares was signed with the key `{found}`, and `{wanted}` is to sign the document; seal to a set that \
         this operator signed"
    )]
    OtherSigner {
        /// The fingerprint of the key that signed the set.
        found: Fingerprint,
        /// The fingerprint of the key that is to sign the document.
        wanted: Fingerprint,
    },
    /// age did not write it.
    #[error("the secret could not be encrypted")]
    Age(#[source] std::io::Error),
    /// The document did not come out as one.
    #[error("what was sealed cannot be read again, and was not kept")]
    Document(#[from] SignedError),
}

/// To whom is sealed: a set, and the reserve beside it, each as the operator signed it.
#[derive(Debug, Clone, Copy)]
pub struct SealTo<'a> {
    /// The set of the custodians.
    pub set: &'a SignedSet,
    /// The set whose shares are held outside, if there is one.
    pub reserve: Option<&'a SignedSet>,
}

impl<'a> From<&'a SignedSet> for SealTo<'a> {
    fn from(set: &'a SignedSet) -> Self {
        Self { set, reserve: None }
    }
}

impl SealTo<'_> {
    /// That a secret of this kind may be sealed under this label, to these sets, by this operator.
    fn check(&self, kind: CredentialKind, label: &Label, operator: &SigningKey) -> Result<(), SealError> {
        if label.credential != kind {
            return Err(SealError::Kind { label: label.credential, secret: kind });
        }
        let signed = [Some(self.set), self.reserve];
        for (label, signed) in [Some(&label.set), label.reserve.as_ref()].into_iter().zip(signed) {
            let signed = signed.map(SignedSet::set);
            if label != signed {
                let name = |set: Option<&KeySet>| set.map_or_else(|| "none".to_owned(), |set| set.id.to_string());
                return Err(SealError::OtherSet { label: name(label), signed: name(signed) });
            }
        }
        let wanted = operator.public();
        match signed.into_iter().flatten().map(SignedSet::operator).find(|found| *found != wanted) {
            Some(found) => Err(SealError::OtherSigner { found: found.fingerprint(), wanted: wanted.fingerprint() }),
            None => Ok(()),
        }
    }
}

/// Why a document is not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The shares do not give its key.
    #[error(transparent)]
    Recover(#[from] RecoverError),
    /// It is of another set than the key.
    #[error(
        "the document is sealed to the set `{document}`, and the shares are of the set `{key}`; other shares open it"
    )]
    OtherSet {
        /// The set of the document.
        document: SetId,
        /// The set of the key.
        key: SetId,
    },
    /// It names the set and not the key, number or threshold of it.
    #[error("the document names the set `{0}` and says something else of it than the shares do; it is not of this set")]
    OtherTerms(SetId),
    /// It says that its key is one, and is sealed to another.
    #[error(
        "the document names the right key and is sealed to another one; whoever signed it made a mistake, or worse"
    )]
    OtherKey,
    /// What is sealed in it is damaged.
    #[error(
        "what is sealed in the document is damaged, though its signature holds; it was not whole when it was signed"
    )]
    Damaged,
    /// It holds something else.
    #[error("{0} is sealed in the document, and a password was asked for")]
    Kind(CredentialKind),
    /// It holds a password.
    #[error("a password is sealed in the document, and something else was asked for")]
    Password,
    /// What is in it is no password.
    #[error("what is sealed in the document is no password of 1 to {PASSWORD_CHARS_MAX} characters on one line")]
    NoPassword,
    /// What is in it is not what the document says.
    #[error("the document says that {0} is sealed in it, and what comes out is none")]
    NoSecret(CredentialKind),
    /// There is nothing to rehearse.
    #[error("there is no document to rehearse with")]
    Nothing,
}

/// Seals a password to sets that the operator signed, and signs it. What comes out has been read again.
///
/// # Errors
/// The password is none that Entra takes, the label is none of a password or names other sets, or another operator
/// signed one of them.
pub fn seal<'a>(
    password: &Password,
    label: &Label,
    to: impl Into<SealTo<'a>>,
    operator: &SigningKey,
) -> Result<Document, SealError> {
    to.into().check(CredentialKind::Password, label, operator)?;
    let sealed = password.with_plaintext(|text| {
        let is_good = is_secret(CredentialKind::Password, text);
        if is_good { sealed(text, label) } else { Err(SealError::Password) }
    })?;
    Ok(Document::signed(label, sealed, operator)?)
}

/// Seals the PIN of a security key or the private key of a certificate, as [`seal`] does a password.
///
/// # Errors
/// The label is of another kind or names other sets, or another operator signed one of them.
pub fn seal_secret<'a>(
    secret: &Secret,
    label: &Label,
    to: impl Into<SealTo<'a>>,
    operator: &SigningKey,
) -> Result<Document, SealError> {
    to.into().check(secret.kind(), label, operator)?;
    let sealed = secret.with_plaintext(|text| sealed(text, label))?;
    Ok(Document::signed(label, sealed, operator)?)
}

/// A text as one age file, which the key of each set of the label opens.
fn sealed(text: &str, label: &Label) -> Result<String, SealError> {
    encrypted(text, label.sets().map(|set| &set.recipient)).map_err(SealError::Age)
}

/// The words of a share, on a line of their own, as an age file in its armor, for the one custodian whose own key this is: a
/// sheet for somebody who keeps theirs on a computer.
///
/// # Errors
/// age does not write it.
pub fn seal_share(share: &Share, custodian: &Recipient) -> Result<String, SealError> {
    let sealed = share.with_words(|words| {
        // Its end is one, so that shares which are put together stay lines.
        let mut line = Zeroizing::new(String::with_capacity(words.len() + 1));
        line.push_str(words);
        line.push('\n');
        encrypted(&line, std::iter::once(custodian))
    });
    sealed.map_err(SealError::Age)
}

/// age keeps what it encrypts in a buffer of its own, which it does not wipe: docs/decisions/0011-custody.md.
fn encrypted<'a>(text: &str, to: impl Iterator<Item = &'a Recipient>) -> std::io::Result<String> {
    let recipients = to.map(|recipient| recipient.key() as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(recipients).map_err(std::io::Error::other)?;
    let mut writer = encryptor.wrap_output(ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?)?;
    writer.write_all(text.as_bytes())?;
    let sealed = writer.finish()?.finish()?;
    String::from_utf8(sealed).map_err(std::io::Error::other)
}

/// A document that was shown to open. There is nothing of what is sealed in it here:
///
/// ```compile_fail
/// # use breakglass_custody::sealed::Rehearsed;
/// fn plaintext(rehearsed: &Rehearsed) -> String {
///     rehearsed.with_plaintext(str::to_owned)
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsed {
    label: Label,
}

impl Rehearsed {
    /// What the document says of itself.
    #[must_use]
    pub const fn label(&self) -> &Label {
        &self.label
    }
}

/// Shows that the shares open every one of the documents, whatever kind of secret is in it, as [`OpenedKey::open`] and
/// [`OpenedKey::open_secret`] would, and gives nothing out. The key is gone when this returns.
///
/// # Errors
/// One of the documents does not open, or there is none.
pub fn rehearse(shares: &[Share], documents: &[Document]) -> Result<Vec<Rehearsed>, OpenError> {
    let key = documents.first().ok_or(OpenError::Nothing)?.label().set_of(shares).recover(shares)?;
    let rehearsed = documents.iter().map(|document| {
        key.text(document)?;
        Ok(Rehearsed { label: document.label().clone() })
    });
    rehearsed.collect()
}

impl OpenedKey {
    /// Opens a document that is sealed to the set of this key, and has a password in it.
    ///
    /// # Errors
    /// It is of another set, sealed to another key, damaged, or holds no password.
    pub fn open(&self, document: &Document) -> Result<Password, OpenError> {
        match document.label().credential {
            CredentialKind::Password => Ok(Password::of_wiped(self.text(document)?)),
            other => self.is_of(document).and(Err(OpenError::Kind(other))),
        }
    }

    /// Opens a document that is sealed to the set of this key, and has the PIN of a security key or the private key of a
    /// certificate in it.
    ///
    /// # Errors
    /// It is of another set, sealed to another key, damaged, or holds a password, or not what it says.
    pub fn open_secret(&self, document: &Document) -> Result<Secret, OpenError> {
        match document.label().credential {
            CredentialKind::Password => self.is_of(document).and(Err(OpenError::Password)),
            kind => Ok(Secret::of_wiped(kind, self.text(document)?)),
        }
    }

    /// That a document is sealed to the set of this key.
    fn is_of(&self, document: &Document) -> Result<(), OpenError> {
        let (label, set) = (document.label(), self.set());
        match label.sets().find(|named| named.id == set.id) {
            None => Err(OpenError::OtherSet { document: label.set.id.clone(), key: set.id.clone() }),
            Some(named) if named == set => Ok(()),
            Some(named) => Err(OpenError::OtherTerms(named.id.clone())),
        }
    }

    /// What is sealed in a document, if it is of the kind that the document says.
    fn text(&self, document: &Document) -> Result<Zeroizing<String>, OpenError> {
        self.is_of(document)?;
        let kind = document.label().credential;
        let other = match kind {
            CredentialKind::Password => OpenError::NoPassword,
            CredentialKind::Passkey | CredentialKind::Certificate => OpenError::NoSecret(kind),
        };
        let text = decrypted(document.sealed(), self, &other)?;
        if is_secret(kind, &text) { Ok(text) } else { Err(other) }
    }
}

/// The text that is sealed; `other` where it is no text or too long.
fn decrypted(sealed: &str, key: &OpenedKey, other: &OpenError) -> Result<Zeroizing<String>, OpenError> {
    let decryptor = age::Decryptor::new(ArmoredReader::new(sealed.as_bytes())).map_err(|_| OpenError::Damaged)?;
    let identity: &dyn age::Identity = key.identity();
    let reader = decryptor.decrypt(std::iter::once(identity)).map_err(|error| match error {
        age::DecryptError::NoMatchingKeys => OpenError::OtherKey,
        _ => OpenError::Damaged,
    })?;
    // One more than there may be, so that a longer one shows; and it never grows.
    let mut bytes = Zeroizing::new(Vec::with_capacity(SECRET_BYTES_MAX + 1));
    let mut byte = Zeroizing::new([0_u8; 1]);
    let mut reader = reader.take(SECRET_BYTES_MAX as u64 + 1);
    while reader.read(&mut *byte).map_err(|_| OpenError::Damaged)? == 1 {
        bytes.extend_from_slice(&*byte);
    }
    if bytes.len() > SECRET_BYTES_MAX {
        return Err(other.clone());
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| other.clone())?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Whether a text is an age file in its armor, as far as somebody without its key can tell.
pub(crate) fn is_age_file(text: &str) -> bool {
    let (begin, end) = ("-----BEGIN AGE ENCRYPTED FILE-----\n", "\n-----END AGE ENCRYPTED FILE-----\n");
    let armored = text.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end));
    armored.is_some_and(|lines| !lines.contains('-'))
        && age::Decryptor::new(ArmoredReader::new(text.as_bytes())).is_ok_and(|decryptor| !decryptor.is_scrypt())
}
