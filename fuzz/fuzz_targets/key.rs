//! Any text as a record of security keys, one entry a line.

#![no_main]

#[path = "../laws/record.rs"]
mod record;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| record::hold_keys(bytes));
