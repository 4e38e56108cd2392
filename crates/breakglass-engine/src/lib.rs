//! The thinking: a tenant goes in, a report comes out.
//!
//! [`access`] decides sign-ins under Conditional Access and the demands beside it; [`lockout`] finds the
//! failures that would shut everybody out, and [`guard`] what a proposed change does to them; [`posture`] judges how
//! the emergency accounts are set up; [`replay`] decides recorded sign-ins again, and [`agreement`] holds the answers of
//! Microsoft's own What If against ours.
//!
//! **Invariant:** pure. No I/O, no clock (the time is an argument), no randomness; the same input gives the same
//! output, byte for byte. What cannot be told is a value of its own and is never rounded to safe.

pub mod access;
pub mod agreement;
mod anonymous;
pub mod guard;
pub mod lockout;
pub mod posture;
pub mod replay;
