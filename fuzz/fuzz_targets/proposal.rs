//! Any bytes, as changes proposed for a small tenant.

#![no_main]

#[path = "../laws/proposal.rs"]
mod proposal;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| proposal::hold(bytes));
