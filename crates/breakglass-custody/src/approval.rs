//! Asking that a document is opened, and agreeing to it: two forms, each signed by the person's own key.
//!
//! A request is of the form `breakglass-request/1`. It is written down, and an approval, of the form
//! `breakglass-approval/1`, names the entry that it became: so nobody agrees to a request that is not in the record, and what
//! somebody agreed to is not taken for another.
//! **Leaves out:** whose a key is, which the reader knows, and whether enough people agree: keys are not persons.
//! **Limits:** [`SIGNED_BYTES_MAX`](crate::signed::SIGNED_BYTES_MAX), [`REASON_CHARS_MAX`], [`PERSON_CHARS_MAX`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::document::{Account, EnvelopeId};
use crate::hex::{of_hex, to_hex};
use crate::signed::{self, Checked, SignedError, Unconfirmed, moment, wrong};
use crate::signing::{SigningKey, SigningPublicKey};

/// Name and version of a request.
pub const REQUEST_FORMAT: &str = "breakglass-request/1";

/// Name and version of an approval.
pub const APPROVAL_FORMAT: &str = "breakglass-approval/1";

/// Characters of the longest reason.
pub const REASON_CHARS_MAX: usize = 500;

/// Characters of the longest name of a person.
pub const PERSON_CHARS_MAX: usize = 64;

/// Bytes of the hash that an entry of the record has.
pub const LEAF_BYTES: usize = 32;

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its random name.
    pub id: EnvelopeId,
    /// The account.
    pub account: Account,
    /// The document that is to be opened.
    pub document: EnvelopeId,
    /// Who asks, as the reader knows them.
    pub person: String,
    /// Why.
    pub reason: String,
    /// When it is asked for.
    pub asked_on: Timestamp,
    /// Until when it can be approved, and the document be opened.
    pub expires_on: Timestamp,
    /// Hours for which it may be out.
    pub out_hours: u16,
}

/// A request as the person signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRequest {
    request: Request,
    signer: SigningPublicKey,
    text: String,
}

/// The form of a request. Members stand in the order of RFC 8785.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RequestForm {
    account: Account,
    asked_on: String,
    document: String,
    expires_on: String,
    format: String,
    out_hours: u16,
    person: String,
    reason: String,
    request: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    signer: String,
}

impl signed::Form for RequestForm {
    const FORMAT: &'static str = REQUEST_FORMAT;
    const SIGNER: &'static str = "signer";

    fn signer(&self) -> &str {
        &self.signer
    }

    fn signature(&mut self) -> &mut Option<String> {
        &mut self.signature
    }
}

impl SignedRequest {
    /// Signs a request, and reads it back.
    ///
    /// # Errors
    /// A member of it cannot be.
    pub fn sign(request: &Request, key: &SigningKey) -> Result<Self, SignedError> {
        let form = RequestForm {
            account: request.account.clone(),
            asked_on: request.asked_on.to_string(),
            document: request.document.to_string(),
            expires_on: request.expires_on.to_string(),
            format: REQUEST_FORMAT.to_owned(),
            out_hours: request.out_hours,
            person: request.person.clone(),
            reason: request.reason.clone(),
            request: request.id.to_string(),
            signature: None,
            signer: key.public().to_string(),
        };
        Self::read(&signed::signed(form, key)?)?.confirmed(key.public().fingerprint())
    }

    /// Reads one, laid out in any way. Whoever signed it has to be confirmed next, as the person that it names.
    ///
    /// # Errors
    /// It is too long, of another form, a member cannot be, or it is not as it was signed.
    pub fn read(text: &str) -> Result<Unconfirmed<Self>, SignedError> {
        let Checked { form, signer, text } = signed::checked::<RequestForm>(text)?;
        form.account.check()?;
        let request = Request {
            id: EnvelopeId::read("request", &form.request)?,
            document: EnvelopeId::read("document", &form.document)?,
            person: person(form.person)?,
            reason: reason(form.reason)?,
            asked_on: moment("askedOn", &form.asked_on)?,
            expires_on: moment("expiresOn", &form.expires_on)?,
            out_hours: form.out_hours,
            account: form.account,
        };
        if request.expires_on <= request.asked_on {
            return Err(wrong("expiresOn", "a moment after `askedOn`"));
        }
        if request.out_hours == 0 {
            return Err(wrong("outHours", "at least one hour"));
        }
        Ok(Unconfirmed::new(Self { request, signer, text }, signer))
    }

    /// What is asked for.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// The key that signed it.
    #[must_use]
    pub const fn signer(&self) -> SigningPublicKey {
        self.signer
    }

    /// The text as it is written down, on one line.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// That a person agrees to a request, as they signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    person: String,
    signed_on: Timestamp,
    agreed: Agreed,
    signer: SigningPublicKey,
    text: String,
}

/// What is agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Agreed {
    request: EnvelopeId,
    account: Account,
    document: EnvelopeId,
    requester: String,
    reason: String,
    expires_on: Timestamp,
    leaf: [u8; LEAF_BYTES],
}

impl Agreed {
    fn to(request: &Request, leaf: [u8; LEAF_BYTES]) -> Self {
        Self {
            request: request.id,
            account: request.account.clone(),
            document: request.document,
            requester: request.person.clone(),
            reason: request.reason.clone(),
            expires_on: request.expires_on,
            leaf,
        }
    }
}

/// Why an approval is none of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalError {
    /// It is of another one, or of the same with other words, or of another entry of the record.
    #[error("`{person}` agreed to another request than this, or to other words of it: it does not count here")]
    OtherRequest {
        /// Who agreed.
        person: String,
    },
    /// It was signed when it was too late.
    #[error("`{person}` agreed on {signed_on}, and the request expired on {expires_on}")]
    Late {
        /// Who agreed.
        person: String,
        /// When.
        signed_on: Timestamp,
        /// When it was over.
        expires_on: Timestamp,
    },
    /// Whoever asked agrees with themselves.
    #[error("`{0}` asked for it, and cannot agree to it as well")]
    OwnRequest(String),
}

/// The form of an approval. Members stand in the order of RFC 8785.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ApprovalForm {
    account: Account,
    document: String,
    expires_on: String,
    format: String,
    leaf: String,
    person: String,
    reason: String,
    request: String,
    requester: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    signed_on: String,
    signer: String,
}

impl signed::Form for ApprovalForm {
    const FORMAT: &'static str = APPROVAL_FORMAT;
    const SIGNER: &'static str = "signer";

    fn signer(&self) -> &str {
        &self.signer
    }

    fn signature(&mut self) -> &mut Option<String> {
        &mut self.signature
    }
}

impl Approval {
    /// Signs that a person agrees to a request that has become an entry of the record with this hash.
    ///
    /// # Errors
    /// A member of it cannot be.
    pub fn sign(
        (request, leaf): (&SignedRequest, [u8; LEAF_BYTES]),
        person: &str,
        signed_on: Timestamp,
        key: &SigningKey,
    ) -> Result<Self, SignedError> {
        let request = request.request();
        let form = ApprovalForm {
            account: request.account.clone(),
            document: request.document.to_string(),
            expires_on: request.expires_on.to_string(),
            format: APPROVAL_FORMAT.to_owned(),
            leaf: to_hex(&leaf),
            person: person.to_owned(),
            reason: request.reason.clone(),
            request: request.id.to_string(),
            requester: request.person.clone(),
            signature: None,
            signed_on: signed_on.to_string(),
            signer: key.public().to_string(),
        };
        Self::read(&signed::signed(form, key)?)?.confirmed(key.public().fingerprint())
    }

    /// Reads one, laid out in any way. Whoever signed it has to be confirmed next, as the person that it names.
    ///
    /// # Errors
    /// It is too long, of another form, a member cannot be, or it is not as it was signed.
    pub fn read(text: &str) -> Result<Unconfirmed<Self>, SignedError> {
        let Checked { form, signer, text } = signed::checked::<ApprovalForm>(text)?;
        form.account.check()?;
        let leaf = of_hex::<LEAF_BYTES>(&form.leaf).ok_or_else(|| wrong("leaf", "64 digits from 0 to 9 and a to f"))?;
        let agreed = Agreed {
            request: EnvelopeId::read("request", &form.request)?,
            document: EnvelopeId::read("document", &form.document)?,
            requester: person(form.requester)?,
            reason: reason(form.reason)?,
            expires_on: moment("expiresOn", &form.expires_on)?,
            account: form.account,
            leaf,
        };
        let (person, signed_on) = (person(form.person)?, moment("signedOn", &form.signed_on)?);
        Ok(Unconfirmed::new(Self { person, signed_on, agreed, signer, text }, signer))
    }

    /// That it is of this request, which has become the entry with this hash, in time and of somebody else than who asks.
    ///
    /// # Errors
    /// It is not.
    pub fn counts_for(&self, request: &SignedRequest, leaf: [u8; LEAF_BYTES]) -> Result<(), ApprovalError> {
        let (request, person) = (request.request(), self.person.clone());
        if self.agreed != Agreed::to(request, leaf) {
            return Err(ApprovalError::OtherRequest { person });
        }
        if self.signed_on >= request.expires_on {
            let (signed_on, expires_on) = (self.signed_on, request.expires_on);
            return Err(ApprovalError::Late { person, signed_on, expires_on });
        }
        if self.person == request.person { Err(ApprovalError::OwnRequest(person)) } else { Ok(()) }
    }

    /// Who agrees, as the reader knows them.
    #[must_use]
    pub fn person(&self) -> &str {
        &self.person
    }

    /// When they signed.
    #[must_use]
    pub const fn signed_on(&self) -> Timestamp {
        self.signed_on
    }

    /// The key that signed it.
    #[must_use]
    pub const fn signer(&self) -> SigningPublicKey {
        self.signer
    }

    /// The text as it is written down, on one line.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn person(text: String) -> Result<String, SignedError> {
    let is_letter = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-';
    let is_name = (1..=PERSON_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_letter);
    if is_name { Ok(text) } else { Err(wrong("person", "1 to 64 small letters, digits and hyphens")) }
}

fn reason(text: String) -> Result<String, SignedError> {
    let is_line = !text.trim().is_empty() && !text.chars().any(char::is_control);
    let is_short = text.chars().count() <= REASON_CHARS_MAX;
    if is_line && is_short { Ok(text) } else { Err(wrong("reason", "1 to 500 characters on one line")) }
}
