//! Any bytes, as a document of an export under any name.

#![no_main]

#[path = "../laws/snapshot.rs"]
mod snapshot;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| snapshot::hold(bytes));
