//! The situations that the product exists for (E1 to E6 of the requirements), each from start to end: an embedded tenant
//! over HTTPS, people who really sign in, and the program where it has a command for what they do.
//!
//! Each writes a transcript that is compared with `docs/situations`. The stage is in `stage.rs`, people in `sign_in.rs`
//! with what they hold in `keys.rs`, the program in `product.rs`, the company in `seed.rs`, the transcript in `play.rs`.

mod e1;
mod e2;
mod e3;
mod e4;
mod e5;
mod e6;
mod keys;
mod killed;
mod play;
mod product;
mod registered;
mod seed;
mod sign_in;
mod stage;
