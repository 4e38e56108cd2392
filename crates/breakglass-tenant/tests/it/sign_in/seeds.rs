//! Seeds: what of them is taken.

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

/// A tenant that is new.
fn tenant(name: &str) -> Tenant {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("seed-{name}"));
    drop(std::fs::remove_dir_all(&folder));
    let addresses = Addresses { base: "https://127.0.0.1:1".to_owned(), manager: "https://127.0.0.1:2".to_owned() };
    Tenant::open(&folder, addresses, Arc::new(Standing)).unwrap()
}

/// What comes of a seed in which somebody has a method.
fn seeded(name: &str, method: Value) -> Result<(), SeedError> {
    let seed = json!({
        "format": "breakglass-snapshot/1",
        "users": [{ "id": "00000000-0000-4000-8000-0000000000a1", "userPrincipalName": "pia@contoso.com",
            "authenticationMethods": [method] }],
    });
    tenant(name).seed(seed.to_string().as_bytes())
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

/// A seed with two users, of which some members are others; a path has dots.
fn with(changes: &[(&str, Value)]) -> String {
    let user = |digits: u8, name: &str| {
        json!({ "id": format!("00000000-0000-4000-8000-0000000000{digits}"), "userPrincipalName": name,
            "accountEnabled": true, "passwordProfile": { "password": "Correct-Horse-7" } })
    };
    let mut seed = json!({ "format": "breakglass-snapshot/1", "tenantId": "6c1b0e0e-54a2-4d39-9d0f-b4ea6f1a5500",
        "users": [user(11, "ada@contoso.onmicrosoft.com"), user(12, "bob@contoso.onmicrosoft.com")] });
    for (path, value) in changes {
        let place = path.split('.').fold(&mut seed, |part, name| match name.parse::<usize>() {
            Ok(at) => &mut part[at],
            Err(_) => &mut part[name],
        });
        *place = value.clone();
    }
    seed.to_string()
}

#[test]
fn a_seed_that_contradicts_itself_is_refused_and_says_where() {
    let mut tenant = tenant("contradicts");
    let other = json!([{ "id": "one", "displayName": "A" }, { "id": "ONE", "displayName": "B" }]);
    for (at, changes) in [
        ("users[1].id", [("users.1.id", json!("00000000-0000-4000-8000-000000000011"))]),
        ("users[1]", [("users.1.id", Value::Null)]),
        ("users[1].id", [("users.1.id", json!(""))]),
        ("users[0].id", [("users.0.id", json!(7))]),
        ("users[1].userPrincipalName", [("users.1.userPrincipalName", json!("ADA@contoso.onmicrosoft.com"))]),
        ("users[0].userPrincipalName", [("users.0.userPrincipalName", json!(7))]),
        ("users[0].accountEnabled", [("users.0.accountEnabled", json!("yes"))]),
        ("users[0].passwordProfile", [("users.0.passwordProfile", json!("Correct-Horse-7"))]),
        ("users[0].passwordProfile.password", [("users.0.passwordProfile.password", json!(12_345))]),
        ("users[0].authenticationMethods", [("users.0.authenticationMethods", json!({}))]),
        ("users[0].authenticationMethods[0]", [("users.0.authenticationMethods", json!(["phone"]))]),
        (
            "users[0].authenticationMethods[0].secretKey",
            [("users.0.authenticationMethods", json!([{ "secretKey": 7 }]))],
        ),
        (
            "applications[0].passwordCredentials[0].secretText",
            [("applications", json!([{ "passwordCredentials": [{ "secretText": 7 }] }]))],
        ),
        ("groups[1].id", [("groups", other.clone())]),
        ("conditionalAccessPolicies[1].id", [("conditionalAccessPolicies", other)]),
        ("tenantId", [("tenantId", json!("not a guid"))]),
        ("tenantId", [("tenantId", json!(7))]),
        ("user", [("user", json!([]))]),
        ("conditionalAccessPolicy", [("conditionalAccessPolicy", json!({}))]),
    ] {
        let error = tenant.seed(with(&changes).as_bytes()).unwrap_err();
        assert!(matches!(&error, SeedError::Unusable { at: told, .. } if told == at), "{at}: {error}");
        assert!(!error.to_string().contains("12345") && !error.to_string().contains("Horse"), "{error}");
        assert!(tenant.is_new(), "{at}");
    }
    assert!(tenant.seed(with(&[]).as_bytes()).is_ok(), "it can still be begun");
}

#[test]
fn a_seed_may_have_what_a_snapshot_may_have() {
    let twice = json!([{ "id": "one", "members": ["x"] }, { "id": "one", "members": ["x"] }]);
    for (at, change) in [
        ("users.0.favouriteColour", json!(["red"])),
        ("users.0.accountEnabled", Value::Null),
        ("users.0.passwordProfile", Value::Null),
        ("writtenBy", json!("somebody")),
        ("tenantId", Value::Null),
        ("groups", Value::Null),
        ("groups", twice),
        ("organization", json!({ "id": "opaque" })),
        ("missing", json!([{ "resource": "policies", "why": "403 Forbidden" }])),
        ("conditionalAccessPolicies", json!([{ "id": "p", "conditions": { "weather": "rain" } }])),
        ("roleAssignments", json!([{ "principalId": "x" }, { "principalId": "y" }])),
    ] {
        let seeded = tenant("legal").seed(with(&[(at, change)]).as_bytes());
        assert!(seeded.is_ok(), "{at}: {}", seeded.unwrap_err());
    }
}
