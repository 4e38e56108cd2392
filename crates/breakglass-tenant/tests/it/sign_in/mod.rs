//! People sign in on the pages: a tenant of its own for each test, no sockets, a clock that stands.

mod demo;
mod pages;
mod seeds;
mod world;
