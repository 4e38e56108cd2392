//! Why a sheet is not made.

use breakglass_custody::fingerprint::Fingerprint;
use breakglass_custody::key_set::SetId;
use breakglass_custody::quorum::Quorum;

use crate::facts::FIELD_CHARS_MAX;

/// Why a sheet is not made. Nothing of a share is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    /// Something that has to be on the sheet is not there.
    #[error("the {field} is empty, and whoever holds the sheet needs it; give one")]
    Empty {
        /// What.
        field: &'static str,
    },
    /// Something is too long for paper.
    #[error("the {field} has {chars} characters, and a sheet has room for {FIELD_CHARS_MAX}; give a shorter one")]
    Long {
        /// What.
        field: &'static str,
        /// Its characters.
        chars: usize,
    },
    /// There is more than a sheet is made for.
    #[error("{count} {things} are more than the {most} of one sheet; make one sheet for each part of them")]
    Many {
        /// What.
        things: &'static str,
        /// How many.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// The share is of another set.
    #[error(
        "the share is not one of the set `{0}`, for which the sheet would be; take the share that was made with the set"
    )]
    AlienShare(SetId),
    /// The share is another than the custodian's.
    #[error("the custodian `{custodian}` is to have share {wanted}, and this is share {found}; give each their own")]
    OtherShare {
        /// Who.
        custodian: String,
        /// The number of their share.
        wanted: u8,
        /// The number of this one.
        found: u8,
    },
    /// A custodian has a share that there is not.
    #[error(
        "the custodian `{custodian}` is to have share {share}, and the set is {quorum}; shares are numbered from 1"
    )]
    NoSuchShare {
        /// Who.
        custodian: String,
        /// The number.
        share: u8,
        /// How many there are.
        quorum: Quorum,
    },
    /// Two custodians have one share.
    #[error("share {0} is with two custodians; each has one of their own, since persons are counted")]
    SharedShare(u8),
    /// A document is sealed to another set.
    #[error("a document is sealed to the set `{found}`, and the sheet is for `{wanted}`, whose shares do not open it")]
    OtherSet {
        /// The set of the document.
        found: SetId,
        /// The set of the sheet.
        wanted: SetId,
    },
    /// Another operator signed a document.
    #[error("a document was signed with the key `{found}`, and the set with `{wanted}`; one operator signs both")]
    OtherOperator {
        /// The fingerprint of the key that signed the document.
        found: Fingerprint,
        /// The fingerprint of the key that signed the set.
        wanted: Fingerprint,
    },
    /// A runbook with this in it has more than a page.
    #[error(
        "the runbook does not fit one page even with {custodians} custodians and every long name shortened; give fewer \
         accounts or places"
    )]
    Full {
        /// Custodians that have to be on it, since so many are needed.
        custodians: usize,
    },
    /// A year that no PDF has.
    #[error("the sheet is dated {0}, and a sheet is of a year from 0 to 9999")]
    Year(i16),
    /// Something came to lie outside the page. It is a fault of ours.
    #[error(
        "page {page} of the sheet would be cut off at its edge, and was not made; report this with the sheet's names"
    )]
    Outside {
        /// Which page, from 1.
        page: usize,
    },
    /// The typeface is not whole, or has not the characters that were looked up in it. It is a fault of ours.
    #[error("the typeface of the sheets cannot be used; this program is damaged, install it again")]
    Typeface,
    /// No PDF came out. It is a fault of ours.
    #[error("the sheet was laid out, and no PDF could be made of it; report this with the names on the sheet")]
    Written,
}
