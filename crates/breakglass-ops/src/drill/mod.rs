//! Drills: a rehearsed emergency with real sign-ins, recorded with what came of it.
//!
//! What the custodians opened goes to the surfaces and nowhere else; a portal is somebody at a terminal. [`record`] is what is
//! remembered of one account, [`journey`] the drill itself.

pub mod journey;
pub mod record;
pub mod stream;
