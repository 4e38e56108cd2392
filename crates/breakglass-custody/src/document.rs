//! A sealed document: what was sealed for which account, to which set of shares, and who says so.
//!
//! It is JSON of the form `breakglass-sealed/1`, signed by the operator: printed in full on covers and sheets of documents, and
//! stored.
//! **Limits:** [`SIGNED_BYTES_MAX`](crate::signed::SIGNED_BYTES_MAX), [`NAME_CHARS_MAX`].
//! **Source:** the age format, <https://c2sp.org/age>.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::hex::{of_hex, to_hex};
use crate::key_set::{KeySet, SetId};
use crate::quorum::Quorum;
use crate::random::{NoRandomness, filled};
use crate::recipient::Recipient;
use crate::signed::{self, Checked, SignedError, Unconfirmed, wrong};
use crate::signing::{SigningKey, SigningPublicKey};
use crate::slip39::Share;

/// Name and version of the form.
pub const FORMAT: &str = "breakglass-sealed/1";

/// Characters of the longest id or sign-in name of an account.
pub const NAME_CHARS_MAX: usize = 256;

/// Bytes of the random name of a document.
const ENVELOPE_BYTES: usize = 16;

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

impl Account {
    /// That its names are some.
    pub(crate) fn check(&self) -> Result<(), SignedError> {
        for (member, name) in [("id", &self.id), ("userPrincipalName", &self.user_principal_name)] {
            let is_name = (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control);
            if !is_name {
                return Err(wrong(member, format!("a name of 1 to {NAME_CHARS_MAX} characters on one line")));
            }
        }
        Ok(())
    }
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

impl EnvelopeId {
    /// Reads one as it is shown.
    pub(crate) fn read(member: &'static str, text: &str) -> Result<Self, SignedError> {
        of_hex(text).map(Self).ok_or_else(|| wrong(member, "32 digits from 0 to 9 and a to f"))
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
    /// The reserve that opens it as well: another set, whose shares are held outside.
    pub reserve: Option<KeySet>,
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
    operator: SigningPublicKey,
    sealed: String,
    text: String,
}

impl Label {
    /// The set that shares say they are of: the reserve if one of them is, else the set.
    #[must_use]
    pub fn set_of(&self, shares: &[Share]) -> &KeySet {
        let is_of_reserve = |reserve: &&KeySet| shares.iter().any(|share| reserve.is_of(share));
        self.reserve.as_ref().filter(is_of_reserve).unwrap_or(&self.set)
    }

    /// The sets that open it.
    pub fn sets(&self) -> impl Iterator<Item = &KeySet> {
        std::iter::once(&self.set).chain(&self.reserve)
    }

    /// Whether the shares of a set open it.
    #[must_use]
    pub fn is_sealed_to(&self, set: &KeySet) -> bool {
        self.sets().any(|one| one == set)
    }
}

/// What a document says of its reserve. Members stand in the order of RFC 8785.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ReserveForm {
    recipient: String,
    set: String,
    shares: u8,
    threshold: u8,
}

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reserve: Option<ReserveForm>,
    sealed: String,
    sealed_on: String,
    set: String,
    shares: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    threshold: u8,
    version: u32,
}

impl signed::Form for Form {
    const FORMAT: &'static str = FORMAT;
    const SIGNER: &'static str = "operator";

    fn signer(&self) -> &str {
        &self.operator
    }

    fn signature(&mut self) -> &mut Option<String> {
        &mut self.signature
    }
}

impl Document {
    /// Reads a document, laid out in any way. Whoever signed it has to be confirmed next.
    ///
    /// # Errors
    /// It is too long, of another form, a member cannot be, or it is not as it was signed.
    pub fn read(text: &str) -> Result<Unconfirmed<Self>, SignedError> {
        let Checked { form, signer: operator, text } = signed::checked::<Form>(text)?;
        let label = label(&form)?;
        Ok(Unconfirmed::new(Self { label, operator, sealed: form.sealed, text }, operator))
    }

    /// Signs what was sealed, and reads it back.
    pub(crate) fn signed(label: &Label, sealed: String, operator: &SigningKey) -> Result<Self, SignedError> {
        let form = Form {
            account: label.account.clone(),
            credential: label.credential,
            envelope: label.envelope.to_string(),
            format: FORMAT.to_owned(),
            operator: operator.public().to_string(),
            recipient: label.set.recipient.to_string(),
            reserve: label.reserve.as_ref().map(|reserve| ReserveForm {
                recipient: reserve.recipient.to_string(),
                set: reserve.id.to_string(),
                shares: reserve.quorum.count(),
                threshold: reserve.quorum.threshold(),
            }),
            sealed,
            sealed_on: label.sealed_on.to_string(),
            set: label.set.id.to_string(),
            shares: label.set.quorum.count(),
            signature: None,
            threshold: label.set.quorum.threshold(),
            version: label.version,
        };
        Self::read(&signed::signed(form, operator)?)?.confirmed(operator.public().fingerprint())
    }

    /// What it says besides what is sealed in it.
    #[must_use]
    pub const fn label(&self) -> &Label {
        &self.label
    }

    /// The key that signed it.
    #[must_use]
    pub const fn operator(&self) -> SigningPublicKey {
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

fn label(form: &Form) -> Result<Label, SignedError> {
    form.account.check()?;
    let envelope = EnvelopeId::read("envelope", &form.envelope)?;
    let set = key_set(&form.set, (form.threshold, form.shares), &form.recipient)?;
    let of_reserve =
        |reserve: &ReserveForm| key_set(&reserve.set, (reserve.threshold, reserve.shares), &reserve.recipient);
    let reserve = form.reserve.as_ref().map(of_reserve).transpose()?;
    // Shares tell which of the two they are of by the name alone.
    if reserve.as_ref().is_some_and(|reserve| reserve.id == set.id || reserve.recipient == set.recipient) {
        return Err(wrong("reserve", "another set than the one that the document is sealed to"));
    }
    let sealed_on = signed::moment("sealedOn", &form.sealed_on)?;
    if form.version == 0 {
        return Err(wrong("version", "a number from 1 on"));
    }
    if !crate::sealed::is_age_file(&form.sealed) {
        return Err(wrong("sealed", "an age file in its armor, for a key and not for a passphrase"));
    }
    Ok(Label {
        envelope,
        set,
        reserve,
        account: form.account.clone(),
        credential: form.credential,
        version: form.version,
        sealed_on,
    })
}

/// What is public of a set, by the members that say it.
fn key_set(id: &str, (threshold, count): (u8, u8), recipient: &str) -> Result<KeySet, SignedError> {
    Ok(KeySet {
        id: SetId::read(id).map_err(|error| wrong("set", error))?,
        quorum: Quorum::new(threshold, count).map_err(|error| wrong("threshold", error))?,
        recipient: Recipient::read(recipient).map_err(|error| wrong("recipient", error))?,
    })
}
