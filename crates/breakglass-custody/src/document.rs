//! A sealed document: what was sealed for which account, to which set of shares, and who says so.
//!
//! It is JSON of the form `breakglass-sealed/1`: printed in full on every sheet, and stored. What is signed is the same
//! document without `signature`, in canonical JSON (RFC 8785), so that it does not matter how it was laid out or typed.
//! **Invariant:** there is a [`Document`] only if its form is right, its signature holds, and the key that signed is the
//! one that the reader knows by its fingerprint. **Limits:** [`DOCUMENT_BYTES_MAX`], [`NAME_CHARS_MAX`].
//! **Source:** RFC 8785; the age format, <https://c2sp.org/age>.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fingerprint::Fingerprint;
use crate::hex::{of_hex, to_hex};
use crate::key_set::{KeySet, SetId};
use crate::operator::{OperatorKey, OperatorPublicKey, SIGNATURE_BYTES};
use crate::quorum::Quorum;
use crate::random::{NoRandomness, filled};
use crate::recipient::Recipient;

/// Name and version of the form.
pub const FORMAT: &str = "breakglass-sealed/1";

/// Bytes of the largest document.
pub const DOCUMENT_BYTES_MAX: usize = 16 << 10;

/// Characters of the longest id or sign-in name of an account.
pub const NAME_CHARS_MAX: usize = 256;

/// Bytes of the random name of a document.
const ENVELOPE_BYTES: usize = 16;

/// Why a text is no document that can be relied on.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is too long.
    #[error("the document has more than {DOCUMENT_BYTES_MAX} bytes, and is none of ours")]
    Long,
    /// It is not of the form.
    #[error(
        "this is no sealed document of the form `{FORMAT}`; something is missing in it, or more than the document is there"
    )]
    Malformed(#[source] serde_json::Error),
    /// It is of another form.
    #[error("this is a document of the form `{0}`, and this version reads `{FORMAT}`")]
    Format(String),
    /// A member of it says what cannot be.
    #[error("`{member}` in the document is not what it has to be: {why}")]
    Member {
        /// Which.
        member: &'static str,
        /// Why.
        why: String,
    },
    /// It is not as it was signed.
    #[error(
        "the document is not as it was signed: a character of it is wrong, or somebody changed it; compare it with another \
         copy, each sheet has one"
    )]
    Signature,
    /// Somebody else signed it.
    #[error(
        "the document was signed with the key `{found}`, and the operator's is `{wanted}`; do not open it before you know \
         whose key that is"
    )]
    OtherOperator {
        /// The fingerprint of the key that signed.
        found: Fingerprint,
        /// The fingerprint that was expected.
        wanted: Fingerprint,
    },
}

/// What an account proves itself with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CredentialKind {
    /// A password.
    Password,
    /// The PIN of a passkey on a security key.
    Passkey,
    /// The private key of a certificate.
    Certificate,
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password => "a password",
            Self::Passkey => "the PIN of a passkey",
            Self::Certificate => "the key of a certificate",
        })
    }
}

/// The account that something is sealed for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Account {
    /// Its object id.
    pub id: String,
    /// Its sign-in name.
    pub user_principal_name: String,
}

/// The random name of a document. Nothing about what is in it follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EnvelopeId([u8; ENVELOPE_BYTES]);

impl EnvelopeId {
    /// A new one, of what `fill` puts into a buffer.
    ///
    /// # Errors
    /// `fill` fails, or does not give what is random.
    pub fn generate<E>(mut fill: impl FnMut(&mut [u8]) -> Result<(), E>) -> Result<Self, NoRandomness> {
        let drawn = filled(ENVELOPE_BYTES, &mut fill)?;
        drawn.as_slice().try_into().map(Self).map_err(|_| NoRandomness)
    }
}

impl fmt::Display for EnvelopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

/// What a document says besides what is sealed in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Its name.
    pub envelope: EnvelopeId,
    /// The set of shares that opens it.
    pub set: KeySet,
    /// Whose it is.
    pub account: Account,
    /// What is sealed.
    pub credential: CredentialKind,
    /// Which secret of this account and kind it is, counted from 1.
    pub version: u32,
    /// When it was sealed.
    pub sealed_on: Timestamp,
}

/// A document whose signature holds, by a key that the reader knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    label: Label,
    operator: OperatorPublicKey,
    sealed: String,
    text: String,
}

/// A document that is as somebody signed it; who, is not confirmed yet.
#[derive(Debug)]
pub struct Unconfirmed(Document);

/// The form. Members stand in the order of RFC 8785.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Form {
    account: Account,
    credential: CredentialKind,
    envelope: String,
    format: String,
    operator: String,
    recipient: String,
    sealed: String,
    sealed_on: String,
    set: String,
    shares: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    threshold: u8,
    version: u32,
}

/// The one member that is read before all others.
#[derive(Deserialize)]
struct FormatOnly {
    format: String,
}

impl Document {
    /// Reads a document, laid out in any way. Whoever signed it has to be confirmed next.
    ///
    /// # Errors
    /// It is too long, of another form, a member cannot be, or it is not as it was signed.
    pub fn read(text: &str) -> Result<Unconfirmed, DocumentError> {
        if text.len() > DOCUMENT_BYTES_MAX {
            return Err(DocumentError::Long);
        }
        let format: FormatOnly = serde_json::from_str(text).map_err(DocumentError::Malformed)?;
        if format.format != FORMAT {
            return Err(DocumentError::Format(format.format.chars().take(NAME_CHARS_MAX).collect()));
        }
        let mut form: Form = serde_json::from_str(text).map_err(DocumentError::Malformed)?;
        let signature = form.signature.take().and_then(|text| of_hex::<SIGNATURE_BYTES>(&text));
        let signature = signature.ok_or_else(|| wrong("signature", "128 digits from 0 to 9 and a to f"))?;
        let operator = OperatorPublicKey::read(&form.operator).map_err(|error| wrong("operator", error))?;
        let signed = canonical(&form)?;
        if !operator.has_signed(signed.as_bytes(), &signature) {
            return Err(DocumentError::Signature);
        }
        let label = label(&form)?;
        form.signature = Some(to_hex(&signature));
        let text = canonical(&form)?;
        Ok(Unconfirmed(Self { label, operator, sealed: form.sealed, text }))
    }

    /// Signs what was sealed, and reads it back.
    pub(crate) fn signed(label: &Label, sealed: String, operator: &OperatorKey) -> Result<Self, DocumentError> {
        let mut form = Form {
            account: label.account.clone(),
            credential: label.credential,
            envelope: label.envelope.to_string(),
            format: FORMAT.to_owned(),
            operator: operator.public().to_string(),
            recipient: label.set.recipient.to_string(),
            sealed,
            sealed_on: label.sealed_on.to_string(),
            set: label.set.id.to_string(),
            shares: label.set.quorum.count(),
            signature: None,
            threshold: label.set.quorum.threshold(),
            version: label.version,
        };
        form.signature = Some(to_hex(&operator.sign(canonical(&form)?.as_bytes())));
        Self::read(&canonical(&form)?)?.confirmed(operator.public().fingerprint())
    }

    /// What it says besides what is sealed in it.
    #[must_use]
    pub const fn label(&self) -> &Label {
        &self.label
    }

    /// The key that signed it.
    #[must_use]
    pub const fn operator(&self) -> OperatorPublicKey {
        self.operator
    }

    /// What is sealed: an age file in its armor, that every age program opens with the key of the set.
    #[must_use]
    pub fn sealed(&self) -> &str {
        &self.sealed
    }

    /// The document as it is stored, on one line.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Unconfirmed {
    /// The key that signed it, for somebody to compare its fingerprint with the one that they know.
    #[must_use]
    pub const fn operator(&self) -> OperatorPublicKey {
        self.0.operator
    }

    /// The document, if the key that signed it has the fingerprint that the reader knows, from the configuration or a
    /// sheet and not from the document itself.
    ///
    /// # Errors
    /// Another key signed it.
    pub fn confirmed(self, wanted: Fingerprint) -> Result<Document, DocumentError> {
        let found = self.0.operator.fingerprint();
        if found == wanted { Ok(self.0) } else { Err(DocumentError::OtherOperator { found, wanted }) }
    }
}

fn wrong(member: &'static str, why: impl fmt::Display) -> DocumentError {
    DocumentError::Member { member, why: why.to_string() }
}

/// Canonical JSON: members in order, no space, and each character as `serde_json` writes it, which is as RFC 8785 does
/// for texts and whole numbers.
fn canonical(form: &Form) -> Result<String, DocumentError> {
    serde_json::to_string(form).map_err(DocumentError::Malformed)
}

fn label(form: &Form) -> Result<Label, DocumentError> {
    for (member, name) in [("id", &form.account.id), ("userPrincipalName", &form.account.user_principal_name)] {
        let is_name = (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        if !is_name {
            return Err(wrong(member, format!("a name of 1 to {NAME_CHARS_MAX} characters on one line")));
        }
    }
    let envelope = of_hex(&form.envelope).ok_or_else(|| wrong("envelope", "32 digits from 0 to 9 and a to f"))?;
    let quorum = Quorum::new(form.threshold, form.shares).map_err(|error| wrong("threshold", error))?;
    let recipient = Recipient::read(&form.recipient).map_err(|error| wrong("recipient", error))?;
    let id = SetId::read(&form.set).map_err(|error| wrong("set", error))?;
    let sealed_on: Timestamp = form.sealed_on.parse().map_err(|error: jiff::Error| wrong("sealedOn", error))?;
    if sealed_on.to_string() != form.sealed_on {
        return Err(wrong("sealedOn", format!("a moment as `{sealed_on}`")));
    }
    if form.version == 0 {
        return Err(wrong("version", "a number from 1 on"));
    }
    if !crate::sealed::is_age_file(&form.sealed) {
        return Err(wrong("sealed", "an age file in its armor, for a key and not for a passphrase"));
    }
    Ok(Label {
        envelope: EnvelopeId(envelope),
        set: KeySet { id, quorum, recipient },
        account: form.account.clone(),
        credential: form.credential,
        version: form.version,
        sealed_on,
    })
}
