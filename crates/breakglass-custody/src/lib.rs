//! The safe: passwords of emergency accounts.
//!
//! **Invariant:** plain text of a password exists here and nowhere else: it is lent to a closure, never given away,
//! and wiped when the password is dropped. No clock, no file, no socket, no randomness of its own.

pub mod password;
