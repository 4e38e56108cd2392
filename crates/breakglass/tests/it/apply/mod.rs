//! `apply`, proved against the embedded tenant: what it does is what the tenant is afterwards, whatever fails on the way.
//!
//! The tenant answers in process, by the port `Directory`; its clock is moved by whoever waits, so that three minutes take
//! none. `world.rs` has the tenant, `script.rs` what goes wrong and when, `referee.rs` what must hold.

mod crashes;
mod lies;
mod operators;
mod referee;
mod requests;
mod script;
mod undo;
mod world;
