//! Who still gets in, whatever fails: ways in, and the smallest sets of failures that leave none.
//!
//! [`system`] holds what is needed for what, as rules with thresholds; [`cuts`] finds the minimal cuts of such a
//! system, or of ways that somebody has listed. [`goal`] is what has to be reached, [`component`] what can fail,
//! [`pattern`] how several of those are named at once, and [`report`] what the analysis says.
//!
//! **Invariant:** pure, and deterministic to the last byte: no order depends on where something lies in memory.

pub(crate) mod analysis;
pub(crate) mod blockers;
pub mod certificate;
mod compile;
pub mod component;
mod credential;
pub mod custody;
pub mod cuts;
mod dated;
mod devices;
pub(crate) mod explain;
mod gets_in;
pub mod goal;
mod judge;
mod met;
mod need;
pub mod nobody;
pub mod pattern;
mod people;
pub mod report;
pub mod scenarios;
pub mod settings;
mod suggest;
pub mod system;
pub(crate) mod words;
pub(crate) mod workers;

pub use analysis::{Analysis, analyse, minimal_cuts_of};
