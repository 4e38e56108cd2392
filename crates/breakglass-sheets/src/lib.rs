//! The paper: what custodians, the safe and somebody frightened at 3 a.m. have in their hands when no computer helps.
//!
//! Four sheets, each made of values and given back as the bytes of a PDF: a [share](share_sheet) for one custodian, which
//! is secret; the [documents](document_sheet) that lie with it; a [cover](cover_sheet) for the safe; a [runbook] of one page.
//!
//! **Invariant:** the same input gives the same bytes. Nothing is cut off or drawn outside the page: what is too long is
//! wrapped, shortened where everybody sees it, or refused. No clock, no file, no socket.
//! **Leaves out:** printing, and wiping of what the library for PDF copies: docs/decisions/0014-sheets.md.

mod blocks;
mod canvas;
pub mod cover_sheet;
pub mod document_sheet;
mod documents;
mod error;
mod facts;
mod flow;
mod instructions;
mod margin;
mod paper;
pub mod runbook;
mod second_factors;
pub mod share_sheet;
mod shown;
mod spans;
mod typeface;
mod written;

pub use documents::{Absence, AbsentDocument, DocumentStanding, SealedDocument};
pub use error::SheetError;
pub use facts::{
    ACCOUNT_COUNT_MAX, Checkpoint, Custodian, DOCUMENT_COUNT_MAX, FIELD_CHARS_MAX, PLACE_COUNT_MAX, Tenant,
};
pub use paper::Paper;
pub use second_factors::{NAMED_COUNT_MAX, OnRecord, SecondFactor, SecondFactors};
