//! Any JSON, as the policies of a small tenant to which people then sign in.

#![no_main]

#[path = "../laws/answers.rs"]
mod answers;
#[path = "../laws/policy.rs"]
mod policy;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| policy::hold(bytes));
