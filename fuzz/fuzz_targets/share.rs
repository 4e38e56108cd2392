//! Any text as shares, one a line, and any fields of shares: read and combined as the referee does.

#![no_main]

#[path = "../../crates/breakglass-custody/tests/it/referee.rs"]
mod referee;
#[path = "../laws/share.rs"]
mod share;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| share::hold(bytes));
