//! Check-out: two people agree before a sealed document is opened, and it is known who has it and until when.
//!
//! Shares enforce: no approval opens anything, and whoever has enough shares opens without one. Approvals govern and record.
//! [`record`] is what is remembered of one account, and how things stand by it; [`journey`] is the order in which that is looked
//! at and written down.

pub mod journey;
pub mod record;
pub mod stream;
