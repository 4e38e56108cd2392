//! The duties: what is read from a live tenant and what is changed in it, as journeys over ports.
//!
//! **Invariant:** no socket, no file, no clock and no randomness but by a port of [`ports`]; no runtime.

mod address;
pub mod checkout;
pub mod comparing;
pub mod doctor;
pub mod drill;
pub mod journal;
pub mod key_box;
pub mod keys;
mod licences;
pub mod ports;
pub mod reading;
pub mod rotation;
pub mod setup;
pub mod watching;
