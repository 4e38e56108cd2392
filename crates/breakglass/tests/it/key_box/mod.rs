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
#[cfg(target_os = "linux")]
mod marked_apply;
mod marked_more;
mod marked_register;
mod marked_secrets;
#[cfg(target_os = "linux")]
mod marked_terminal;
mod replaced;
mod sampled;
#[cfg(target_os = "linux")]
mod terminal;
mod watched;
mod world;
