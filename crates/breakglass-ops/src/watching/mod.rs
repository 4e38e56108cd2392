//! Never missing a use: what logs say of emergency accounts, the incidents that come of it, and who is told until somebody
//! answers.
//!
//! A source tells what happened, at least once and in any order. [`taking`] puts it into incidents, and makes the alerts that
//! are due with it; [`incident`] says when one is, and what somebody may say of it; [`ladder`] says who is told.
//! **Invariant:** every sign-in of a watched account belongs to an incident, and either an alert that was made after it has
//! a delivery by every channel, or it got no further than others before it and such an alert is due at a named time.

pub mod accounts;
pub mod answering;
pub mod delivering;
pub mod event;
pub mod incident;
pub mod ladder;
pub mod message;
pub mod own;
pub mod patience;
pub mod polling;
pub mod resealing;
pub mod sources;
pub mod taking;
pub mod tested;
pub mod words;
