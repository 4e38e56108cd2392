//! Any text as a recipient, an operator's key, a fingerprint and the name of a set.

#![no_main]

#[path = "../laws/public_key.rs"]
mod public_key;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| public_key::hold(bytes));
