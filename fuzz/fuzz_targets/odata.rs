//! Any text, as the query of a request and as a filter.

#![no_main]

#[path = "../laws/odata.rs"]
mod odata;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| odata::hold(bytes));
