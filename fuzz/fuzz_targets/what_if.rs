//! Any lines, as What If bodies to a small tenant.

#![no_main]

#[path = "../laws/answers.rs"]
mod answers;
#[path = "../laws/requests.rs"]
mod requests;
#[path = "../laws/what_if.rs"]
mod what_if;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    requests::hold(bytes);
    what_if::hold(bytes);
});
