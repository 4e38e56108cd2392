//! Any text as a document, a signed set, a request or an approval, as it is and as somebody signed it.

#![no_main]

#[path = "../laws/signed.rs"]
mod signed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signed::hold(bytes));
