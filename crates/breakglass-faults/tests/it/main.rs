//! That the referee of the lockout analysis catches every fault.

// The engine's own words for the test kit, spoken to the engine with the faults.
extern crate breakglass_faults as breakglass_engine;

#[cfg(test)]
#[path = "../../../breakglass-engine/tests/it/bridge.rs"]
mod bridge;
#[cfg(test)]
mod caught;
