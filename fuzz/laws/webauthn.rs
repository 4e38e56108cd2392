//! What the verifier of passkeys promises of any bytes: a verdict and no panic; what it takes it takes again, byte for
//! byte, and no bytes are a signature.

use breakglass_tenant::webauthn::{
    Assertion, CREDENTIAL_ID_BYTES_MAX, Expected, PublicKey, WebauthnError, asserted, registered,
};

const EXPECTED: Expected<'static> =
    Expected { challenge: b"a challenge of sixteen or more", origin: "https://localhost:8443", rp_id: "localhost" };
const CREATED: &[u8] = br#"{"type":"webauthn.create","challenge":"YSBjaGFsbGVuZ2Ugb2Ygc2l4dGVlbiBvciBtb3Jl","origin":"https://localhost:8443"}"#;
const USED: &[u8] = br#"{"type":"webauthn.get","challenge":"YSBjaGFsbGVuZ2Ugb2Ygc2l4dGVlbiBvciBtb3Jl","origin":"https://localhost:8443"}"#;

/// Checks it for some bytes.
pub(crate) fn hold(bytes: &[u8]) {
    let _ = registered(&EXPECTED, bytes, bytes);
    if let Ok(key) = PublicKey::read(bytes) {
        hold_key(&key, bytes);
    }
    if let Ok(one) = registered(&EXPECTED, CREATED, bytes) {
        assert!(!one.credential_id.is_empty() && one.credential_id.len() <= CREDENTIAL_ID_BYTES_MAX);
        let key = PublicKey::read(&one.public_key).expect("a key that was taken is one");
        hold_key(&key, bytes);
        // What is behind it is nobody's.
        let longer = [bytes, &[0]].concat();
        assert!(registered(&EXPECTED, CREATED, &longer).is_err(), "something stood behind it");
    }
}

fn hold_key(key: &PublicKey, bytes: &[u8]) {
    let data = [sha256_of_localhost().as_slice(), &[0x05, 0, 0, 0, 1]].concat();
    let assertion = Assertion { client_data: USED, authenticator_data: &data, signature: bytes };
    assert_eq!(asserted(&EXPECTED, key, assertion), Err(WebauthnError::Signature));
    let assertion = Assertion { client_data: USED, authenticator_data: bytes, signature: bytes };
    assert!(asserted(&EXPECTED, key, assertion).is_err());
}

/// SHA-256 of the id of the relying party.
const fn sha256_of_localhost() -> [u8; 32] {
    [
        0x49, 0x96, 0x0d, 0xe5, 0x88, 0x0e, 0x8c, 0x68, 0x74, 0x34, 0x17, 0x0f, 0x64, 0x76, 0x60, 0x5b, 0x8f, 0xe4,
        0xae, 0xb9, 0xa2, 0x86, 0x32, 0xc7, 0x99, 0x5c, 0xf3, 0xba, 0x83, 0x1d, 0x97, 0x63,
    ]
}
