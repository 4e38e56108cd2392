//! Any bytes as a file with a secret key.

#![no_main]

#[path = "../laws/key_file.rs"]
mod key_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| key_file::hold(bytes));
