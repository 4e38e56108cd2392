//! The key box through the program itself, against an embedded tenant over HTTPS, with real shares and real sign-ins.

mod by_person;
mod ends;
#[expect(dead_code, reason = "the tests of sheets look at more than text")]
#[path = "../../../../breakglass-sheets/tests/it/extracted.rs"]
mod extracted;
mod front;
#[cfg(target_os = "linux")]
mod full_disk;
#[cfg(target_os = "linux")]
mod hardened;
mod interleaved;
#[cfg(unix)]
mod killed;
#[cfg(unix)]
mod killed_deeds;
#[cfg(unix)]
mod killed_replacing;
mod marked;
#[cfg(target_os = "linux")]
mod marked_apply;
#[cfg(target_os = "linux")]
mod marked_drill;
mod marked_keys;
mod marked_more;
#[cfg(target_os = "linux")]
mod marked_passphrases;
mod marked_register;
mod marked_secrets;
#[cfg(target_os = "linux")]
mod marked_terminal;
mod meanwhile;
mod person;
#[cfg(target_os = "linux")]
mod removed;
mod replaced;
mod sampled;
mod sealed_vault;
mod successions;
#[cfg(target_os = "linux")]
mod terminal;
mod turnstile;
mod vault;
mod watched;
mod world;
