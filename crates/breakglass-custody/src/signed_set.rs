//! A set of shares as the operator signed it: to whom a secret may be sealed.
//!
//! It is JSON of the form `breakglass-key-set/1`, made with the set and kept where rotation finds it. Without it whoever
//! can write there would put a recipient of their own in place of the set's, and could open everything that is sealed
//! from then on.
//! It does not say whether the key of the set was opened since, or the set replaced:
//! [`succession`](crate::succession) keeps account of that.
//! **Limit:** [`SIGNED_BYTES_MAX`](crate::signed::SIGNED_BYTES_MAX).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::key_set::{KeySet, SetId};
use crate::quorum::Quorum;
use crate::recipient::Recipient;
use crate::signed::{self, Checked, SignedError, Unconfirmed, wrong};
use crate::signing::{SigningKey, SigningPublicKey};

/// Name and version of the form.
pub const FORMAT: &str = "breakglass-key-set/1";

/// What is public of a set, signed by a key that the reader knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedSet {
    set: KeySet,
    made_on: Timestamp,
    operator: SigningPublicKey,
    text: String,
}

/// The form. Members stand in the order of RFC 8785.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Form {
    format: String,
    made_on: String,
    operator: String,
    recipient: String,
    set: String,
    shares: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    threshold: u8,
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

impl SignedSet {
    /// Signs what is public of a set, and reads it back. Whoever calls this has just made the set, or has proved it with
    /// its shares.
    ///
    /// # Errors
    /// It does not come out as it went in.
    pub fn sign(set: &KeySet, made_on: Timestamp, operator: &SigningKey) -> Result<Self, SignedError> {
        let form = Form {
            format: FORMAT.to_owned(),
            made_on: made_on.to_string(),
            operator: operator.public().to_string(),
            recipient: set.recipient.to_string(),
            set: set.id.to_string(),
            shares: set.quorum.count(),
            signature: None,
            threshold: set.quorum.threshold(),
        };
        Self::read(&signed::signed(form, operator)?)?.confirmed(operator.public().fingerprint())
    }

    /// Reads one, laid out in any way. Whoever signed it has to be confirmed next.
    ///
    /// # Errors
    /// It is too long, of another form, a member cannot be, or it is not as it was signed.
    pub fn read(text: &str) -> Result<Unconfirmed<Self>, SignedError> {
        let Checked { form, signer: operator, text } = signed::checked::<Form>(text)?;
        let set = KeySet {
            id: SetId::read(&form.set).map_err(|error| wrong("set", error))?,
            quorum: Quorum::new(form.threshold, form.shares).map_err(|error| wrong("threshold", error))?,
            recipient: Recipient::read(&form.recipient).map_err(|error| wrong("recipient", error))?,
        };
        let made_on = signed::moment("madeOn", &form.made_on)?;
        Ok(Unconfirmed::new(Self { set, made_on, operator, text }, operator))
    }

    /// What is public of the set.
    #[must_use]
    pub const fn set(&self) -> &KeySet {
        &self.set
    }

    /// When the set was made.
    #[must_use]
    pub const fn made_on(&self) -> Timestamp {
        self.made_on
    }

    /// The key that signed it.
    #[must_use]
    pub const fn operator(&self) -> SigningPublicKey {
        self.operator
    }

    /// The text as it is stored, on one line.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}
