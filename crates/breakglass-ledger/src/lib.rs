//! The record: a log in which nobody changes, removes, adds or reorders an entry unnoticed.
//!
//! Entries are lines of text whose meaning is not known here. Their hashes are the leaves of a Merkle tree (RFC 6962); its
//! size and root, signed, are a checkpoint (C2SP tlog-checkpoint), and whoever holds an older one can see that the newer
//! log only grew. A witness is somebody else who holds the last one and signs no other past for it.
//!
//! **Invariant:** nothing is believed of a log but what its content hashes to; no file, socket, clock or randomness here.

pub mod checkpoint;
pub mod hash;
pub mod log;
pub mod note;
pub mod tree;
pub mod witness;
