//! What the fuzzers start from and what they once found: the tenant keeps its promises for every file of it.

use breakglass_testkit::replay;

#[path = "../../../../fuzz/laws/odata.rs"]
mod odata;
#[path = "../../../../fuzz/laws/webauthn.rs"]
mod webauthn;

#[test]
fn queries() {
    replay("odata", odata::hold).unwrap();
}

#[test]
fn passkeys() {
    replay("webauthn", webauthn::hold).unwrap();
}
