//! Any text as a note, a public key and a hash, and as what a log signs.

#![no_main]

#[path = "../laws/note.rs"]
mod note;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| note::hold(bytes));
