//! Any text as a record of drills, one entry a line.

#![no_main]

#[path = "../laws/record.rs"]
mod record;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| record::hold_drills(bytes));
