//! The key box: the sets of shares of a tenant, who holds which share, and which set is sealed to.
//!
//! [`record`] is what is remembered of it. What is sealed lies in a depository and in [`crate::rotation::record`].

pub mod accounts;
pub mod deleting;
pub mod depositories;
pub mod record;
