//! Rotation: the password of an account becomes another, and whatever is stopped, lost or late on the way, the one that
//! the directory knows is sealed and can be opened.
//!
//! The directory is far away. A request may be carried out though its answer is lost, or long after it was sent; a sign-in
//! may be refused by a copy that knows the old password. So a password that was ever sent stays sealed until it can no
//! longer become the one that counts: it is *proved* by a sign-in that only the right password can have, and *settled* when
//! nothing that was sent before may still arrive. Until then every candidate is kept.
//!
//! [`record`] is what is remembered, in an order in which each entry stands before what it allows; [`machine`] says what
//! to do next, and does nothing itself; [`journey`] does it. [`correlation`] is by which
//! id the log has its sign-ins. [`leave`] is whether an account may be rotated now, and
//! [`settling`] what follows when enough time has passed.

pub mod correlation;
pub mod journey;
pub mod leave;
pub mod machine;
pub mod record;
pub mod settling;
