//! Any text as a password on paper, and as a password that is put there.

#![no_main]

#[path = "../laws/paper.rs"]
mod paper;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| paper::hold(bytes));
