//! The key box through the program itself, against an embedded tenant over HTTPS, with real shares and real sign-ins.

mod ends;
#[expect(dead_code, reason = "the tests of sheets look at more than text")]
#[path = "../../../../breakglass-sheets/tests/it/extracted.rs"]
mod extracted;
mod front;
#[cfg(target_os = "linux")]
mod hardened;
mod interleaved;
#[cfg(unix)]
mod killed;
mod marked;
mod marked_more;
mod marked_secrets;
mod replaced;
mod sampled;
mod world;
