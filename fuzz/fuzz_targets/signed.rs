//! Any text as a document or a signed set, as it is and as somebody signed it.

#![no_main]

#[path = "../laws/signed.rs"]
mod signed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signed::hold(bytes));
