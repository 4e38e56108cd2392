//! Any text, as the rule of a device filter.

#![no_main]

#[path = "../laws/device_filter.rs"]
mod device_filter;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| device_filter::hold(bytes));
