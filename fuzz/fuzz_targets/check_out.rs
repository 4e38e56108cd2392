//! Any text as a record of check-outs, one entry a line.

#![no_main]

#[path = "../laws/record.rs"]
mod record;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| record::hold_check_outs(bytes));
