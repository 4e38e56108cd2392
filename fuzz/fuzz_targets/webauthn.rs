//! Any bytes, as a public key and as what came back when a passkey was made or used.

#![no_main]

#[path = "../laws/webauthn.rs"]
mod webauthn;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| webauthn::hold(bytes));
