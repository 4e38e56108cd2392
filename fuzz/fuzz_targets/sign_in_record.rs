//! Any lines, as sign-in records of a small tenant.

#![no_main]

#[path = "../laws/answers.rs"]
mod answers;
#[path = "../laws/sign_in_record.rs"]
mod sign_in_record;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sign_in_record::hold(bytes));
