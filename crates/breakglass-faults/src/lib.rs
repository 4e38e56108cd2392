//! The engine with faults in it, each behind a switch, to see whether the referee of the lockout analysis catches them.
//!
//! The sources are the engine's own, copied and changed by the build script as [`table::FAULTS`] says: the engine itself
//! knows of no fault and of no switch. One build holds all faults, so that trying another costs no compilation.
//!
//! **Invariant:** nothing that ships depends on this crate; with no fault switched on it answers as the engine does.

use std::cell::Cell;

pub mod table;

include!(concat!(env!("OUT_DIR"), "/engine/lib.rs"));

thread_local! {
    static SEEDED: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Switches a fault on for this thread, or all of them off.
pub fn seed(fault: Option<&'static str>) {
    SEEDED.set(fault);
}

/// Whether a fault is switched on.
pub(crate) fn is_seeded(name: &str) -> bool {
    SEEDED.get() == Some(name)
}
