//! Any JSON, as a tenant to be judged.

#![no_main]

#[path = "../laws/report.rs"]
mod report;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| report::hold(bytes));
