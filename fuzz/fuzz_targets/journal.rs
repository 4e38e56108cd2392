//! Any text as a line of the ledger, as an entry of one, and as a request to a witness.

#![no_main]

#[path = "../laws/journal.rs"]
mod journal;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| journal::hold(bytes));
