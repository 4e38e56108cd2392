//! The safe: passwords of emergency accounts, their PINs and private keys, and the shares that open what is sealed.
//!
//! **Invariant:** plain text of a secret exists here and nowhere else: it is lent to a closure, never given away,
//! and wiped when the secret is dropped. No clock, no file, no socket, no randomness of its own.

pub mod approval;
pub mod document;
pub mod fingerprint;
mod hex;
pub mod key_set;
pub mod name;
pub mod password;
pub mod quorum;
mod random;
pub mod recipient;
pub mod sealed;
pub mod sealing_key;
pub mod secret;
pub mod signed;
pub mod signed_set;
pub mod signing;
pub mod slip39;
pub mod succession;

pub use random::NoRandomness;
