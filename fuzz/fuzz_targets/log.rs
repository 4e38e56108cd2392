//! Any bytes as a log.

#![no_main]

#[path = "../laws/log.rs"]
mod log;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| log::hold(bytes));
