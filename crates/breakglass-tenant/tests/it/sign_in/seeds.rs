//! Seeds with passkeys: what of them is taken.

use std::path::PathBuf;
use std::sync::Arc;

use breakglass_tenant::clock::Clock;
use breakglass_tenant::seed::SeedError;
use breakglass_tenant::tenant::{Addresses, Tenant};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The public key of RFC 8032's first test, as COSE: `{1: 1, 3: -8, -1: 6, -2: key}`.
const KEY: &str = "pAEBAycgBiFYINdamAGCsQq31Uv-08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

#[derive(Debug)]
struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

/// What comes of a seed in which somebody has a method.
fn seeded(name: &str, method: Value) -> Result<(), SeedError> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("seed-{name}"));
    drop(std::fs::remove_dir_all(&folder));
    let addresses = Addresses { base: "https://127.0.0.1:1".to_owned(), manager: "https://127.0.0.1:2".to_owned() };
    let mut tenant = Tenant::open(&folder, addresses, Arc::new(Standing)).unwrap();
    let seed = json!({
        "format": "breakglass-snapshot/1",
        "users": [{ "id": "00000000-0000-4000-8000-0000000000a1", "userPrincipalName": "pia@contoso.com",
            "authenticationMethods": [method] }],
    });
    tenant.seed(seed.to_string().as_bytes())
}

fn passkey(change: Value) -> Value {
    let mut method = json!({ "@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "id": "one" });
    method.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    method
}

#[test]
fn a_passkey_has_a_key_and_an_id_or_neither() {
    let both = json!({ "credentialId": "AAECAwQFBgcICQoLDA0ODw", "publicKey": KEY });
    assert!(seeded("whole", passkey(both)).is_ok());
    assert!(seeded("neither", passkey(json!({}))).is_ok());
    for (name, change) in [
        ("no-key", json!({ "credentialId": "AAECAwQFBgcICQoLDA0ODw" })),
        ("no-id", json!({ "publicKey": KEY })),
        ("empty-id", json!({ "credentialId": "", "publicKey": KEY })),
        ("long-id", json!({ "credentialId": "A".repeat(1_368), "publicKey": KEY })),
        ("no-base64", json!({ "credentialId": "AAEC", "publicKey": "!" })),
        ("half-a-key", json!({ "credentialId": "AAEC", "publicKey": KEY.get(..40) })),
        ("number", json!({ "credentialId": 7, "publicKey": KEY })),
        (
            "another-type",
            json!({ "credentialId": "AAEC", "publicKey": KEY,
            "@odata.type": "#microsoft.graph.phoneAuthenticationMethod" }),
        ),
    ] {
        let error = seeded(name, passkey(change)).unwrap_err();
        assert!(matches!(&error, SeedError::Passkey { of } if of == "pia@contoso.com"), "{name}: {error}");
        assert!(!error.to_string().contains(KEY), "{name}");
    }
}
