//! Any text as a record of rotations, one entry a line, and any entries.

#![no_main]

#[path = "../laws/rotation.rs"]
mod rotation;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rotation::hold(bytes));
