//! The client of Graph against a Graph that lies: throttled, cut off, slow, lost, elsewhere, and with a clock of the test's
//! own, so that nothing waits.

mod answers;
mod cache;
mod proofs;
mod proxy;
mod repeats;
mod secrets;
mod sign_ins;
mod unreachable;
mod world;
