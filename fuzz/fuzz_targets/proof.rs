//! Any sizes and any hashes as proofs, of nothing and of a tree.

#![no_main]

#[path = "../laws/proof.rs"]
mod proof;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| proof::hold(bytes));
