//! The verifier of passkeys, against keys of our own: every part that is wrong is refused, and nothing that is sent
//! makes it fall over.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use breakglass_tenant::webauthn::{Assertion, Expected, PublicKey, WebauthnError, asserted, counted, registered};
use ciborium::{Value, cbor};
use proptest::prelude::*;

const CHALLENGE: &[u8] = b"a challenge of more than 16 bytes";
const EXPECTED: Expected<'_> = Expected { challenge: CHALLENGE, origin: "https://localhost:8443", rp_id: "localhost" };
const PRESENT: u8 = 1;
const VERIFIED: u8 = 4;
const CREDENTIAL: u8 = 0x40;

fn bytes(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

fn client_data(kind: &str, challenge: &[u8], origin: &str, more: &str) -> Vec<u8> {
    let challenge = URL_SAFE_NO_PAD.encode(challenge);
    format!(r#"{{"type":"webauthn.{kind}","challenge":"{challenge}","origin":"{origin}"{more}}}"#).into_bytes()
}

fn authenticator_data(rp_id: &str, flags: u8, rest: &[u8]) -> Vec<u8> {
    [digest(&SHA256, rp_id.as_bytes()).as_ref(), &[flags], &7_u32.to_be_bytes(), rest].concat()
}

/// A key pair of ES256, and its public half as COSE.
fn key() -> (EcdsaKeyPair, Vec<u8>) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let point = pair.public_key().as_ref().to_vec();
    let (x, y) = (Value::Bytes(point[1..33].to_vec()), Value::Bytes(point[33..].to_vec()));
    let cose = bytes(&cbor!({ 1 => 2, 3 => -7, -1 => 1, -2 => x, -3 => y }).unwrap());
    (pair, cose)
}

fn sign(pair: &EcdsaKeyPair, data: &[u8], client_data: &[u8]) -> Vec<u8> {
    let message = [data, digest(&SHA256, client_data).as_ref()].concat();
    pair.sign(&SystemRandom::new(), &message).unwrap().as_ref().to_vec()
}

/// What comes of an assertion that is signed rightly over these.
fn verdict(client_data: &[u8], data: &[u8]) -> Result<u32, WebauthnError> {
    let (pair, cose) = key();
    let signature = sign(&pair, data, client_data);
    let assertion = Assertion { client_data, authenticator_data: data, signature: &signature };
    asserted(&EXPECTED, &PublicKey::read(&cose).unwrap(), assertion)
}

fn good() -> (Vec<u8>, Vec<u8>) {
    (
        client_data("get", CHALLENGE, EXPECTED.origin, r#","crossOrigin":false"#),
        authenticator_data("localhost", PRESENT | VERIFIED, &[]),
    )
}

/// What an authenticator says that made a passkey.
fn made(cose: &[u8], flags: u8, id: &[u8]) -> Vec<u8> {
    let length = u16::try_from(id.len()).unwrap().to_be_bytes();
    authenticator_data("localhost", flags, &[&[9; 16][..], &length, id, cose].concat())
}

fn object(format: &str, statement: Value, data: &[u8]) -> Vec<u8> {
    let members = [("fmt", Value::from(format)), ("attStmt", statement), ("authData", Value::Bytes(data.to_vec()))];
    bytes(&Value::Map(members.into_iter().map(|(name, value)| (Value::from(name), value)).collect()))
}

fn none(data: &[u8]) -> Vec<u8> {
    object("none", Value::Map(Vec::new()), data)
}

#[test]
fn what_is_right_is_taken() {
    let (client_data, data) = good();
    assert_eq!(verdict(&client_data, &data), Ok(7));
}

#[test]
fn each_part_that_is_wrong_is_refused() {
    let (right, data) = good();
    let at = |kind: &str, challenge: &[u8], origin: &str, more: &str| {
        verdict(&client_data(kind, challenge, origin, more), &data)
    };
    let (challenge, origin) = (CHALLENGE, EXPECTED.origin);
    assert_eq!(at("create", challenge, origin, ""), Err(WebauthnError::Ceremony));
    assert_eq!(at("get", b"another challenge", origin, ""), Err(WebauthnError::Challenge));
    assert_eq!(at("get", &challenge[1..], origin, ""), Err(WebauthnError::Challenge));
    for other in ["http://localhost:8443", "https://localhost", "https://127.0.0.1:8443", "https://localhost:8443/"] {
        assert_eq!(at("get", challenge, other, ""), Err(WebauthnError::Origin), "{other}");
    }
    for more in [r#","crossOrigin":true"#, r#","crossOrigin":1"#, r#","topOrigin":"https://evil.example""#] {
        assert_eq!(at("get", challenge, origin, more), Err(WebauthnError::Origin), "{more}");
    }
    let long = format!(r#","more":"{}""#, "a".repeat(9 << 10));
    assert_eq!(at("get", challenge, origin, &long), Err(WebauthnError::ClientData));
    let said = |rp_id: &str, flags: u8, rest: &[u8]| verdict(&right, &authenticator_data(rp_id, flags, rest));
    assert_eq!(said("evil.example", 5, &[]), Err(WebauthnError::RelyingParty));
    assert_eq!(said("localhost", VERIFIED, &[]), Err(WebauthnError::UserNotPresent));
    assert_eq!(said("localhost", PRESENT, &[]), Err(WebauthnError::UserNotVerified));
    assert_eq!(said("localhost", 5, b"more"), Err(WebauthnError::AuthenticatorData));
    assert_eq!(said("localhost", 5 | CREDENTIAL, &[]), Err(WebauthnError::AuthenticatorData));
    assert_eq!(said("localhost", 5 | 0x80, &[]), Err(WebauthnError::AuthenticatorData));
    assert_eq!(said("localhost", 5 | 0x80, &[0xa0]), Ok(7), "no extension is an extension map, too");
    assert_eq!(said("localhost", 5 | 0x10, &[]), Err(WebauthnError::AuthenticatorData), "backed up, and cannot be");
}

#[test]
fn a_signature_is_of_this_key_and_these_bytes() {
    let (client_data, data) = good();
    let ((pair, cose), (other, _)) = (key(), key());
    let key = PublicKey::read(&cose).unwrap();
    let check = |signature: &[u8], data: &[u8]| {
        asserted(&EXPECTED, &key, Assertion { client_data: &client_data, authenticator_data: data, signature })
    };
    let signature = sign(&pair, &data, &client_data);
    assert_eq!(check(&signature, &data), Ok(7));
    let mut counted = data.clone();
    *counted.last_mut().unwrap() = 200;
    assert_eq!(check(&signature, &counted), Err(WebauthnError::Signature));
    for wrong in [sign(&other, &data, &client_data), Vec::new(), vec![0; 2_000], signature[1..].to_vec()] {
        assert_eq!(check(&wrong, &data), Err(WebauthnError::Signature));
    }
}

#[test]
fn keys_of_three_algorithms_are_read() {
    let (client_data, data) = good();
    let message = [&data[..], digest(&SHA256, &client_data).as_ref()].concat();
    let pair = Ed25519KeyPair::generate().unwrap();
    let x = Value::Bytes(pair.public_key().as_ref().to_vec());
    let cose = bytes(&cbor!({ 1 => 1, 3 => -8, -1 => 6, -2 => x }).unwrap());
    let key = PublicKey::read(&cose).unwrap();
    assert_eq!((key.algorithm(), key.verify(&message, pair.sign(&message).as_ref())), (-8, Ok(())));
    let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&aws_lc_rs::signature::RSA_PKCS1_SHA256, &SystemRandom::new(), &message, &mut signature).unwrap();
    let n = Value::Bytes(pair.public_key().modulus().big_endian_without_leading_zero().to_vec());
    let e = Value::Bytes(vec![1, 0, 1]);
    let cose = bytes(&cbor!({ 1 => 3, 3 => -257, -1 => n, -2 => e }).unwrap());
    let key = PublicKey::read(&cose).unwrap();
    assert_eq!((key.algorithm(), key.verify(&message, &signature)), (-257, Ok(())));
    assert_eq!(key.verify(b"another message", &signature), Err(WebauthnError::Signature));
}

#[test]
fn keys_that_are_none_are_refused() {
    let zeros = || Value::Bytes(vec![0; 32]);
    let short = || Value::Bytes(vec![1; 31]);
    let rsa = |length: usize| Value::Bytes(vec![0xff; length]);
    for (what, cose) in [
        ("no point of the curve", cbor!({ 1 => 2, 3 => -7, -1 => 1, -2 => zeros(), -3 => zeros() })),
        ("a short coordinate", cbor!({ 1 => 2, 3 => -7, -1 => 1, -2 => short(), -3 => short() })),
        ("another curve", cbor!({ 1 => 2, 3 => -7, -1 => 2, -2 => zeros(), -3 => zeros() })),
        ("half a point", cbor!({ 1 => 2, 3 => -7, -1 => 1, -2 => zeros(), -3 => true })),
        ("another algorithm", cbor!({ 1 => 2, 3 => -35, -1 => 1, -2 => zeros(), -3 => zeros() })),
        ("a small RSA key", cbor!({ 1 => 3, 3 => -257, -1 => rsa(128), -2 => rsa(3) })),
        ("a large RSA key", cbor!({ 1 => 3, 3 => -257, -1 => rsa(1_025), -2 => rsa(3) })),
        ("a symmetric key", cbor!({ 1 => 4, 3 => 5, -1 => zeros() })),
        ("no map", cbor!([1, 2])),
    ] {
        assert_eq!(PublicKey::read(&bytes(&cose.unwrap())), Err(WebauthnError::PublicKey), "{what}");
    }
    let (_, cose) = key();
    assert_eq!(PublicKey::read(&[&cose[..], &[0]].concat()), Err(WebauthnError::PublicKey), "something behind it");
    let twice = [&[cose[0] + 1], &cose[1..], &[1, 2]].concat();
    assert_eq!(PublicKey::read(&twice), Err(WebauthnError::PublicKey), "a member that stands twice");
}

#[test]
fn what_is_made_is_taken_apart() {
    let (pair, cose) = key();
    let client_data = client_data("create", CHALLENGE, EXPECTED.origin, "");
    let data = made(&cose, 5 | CREDENTIAL, b"credential-id-16");
    let registered = |object: &[u8]| registered(&EXPECTED, &client_data, object);
    let found = registered(&none(&data)).unwrap();
    assert_eq!((&found.credential_id[..], found.aaguid, found.sign_count), (&b"credential-id-16"[..], [9; 16], 7));
    assert_eq!((&found.public_key, found.is_backup_eligible), (&cose, false));
    // Self attestation is checked, that of makers is not taken.
    let statement =
        |algorithm: i64, signature: Vec<u8>| cbor!({ "alg" => algorithm, "sig" => Value::Bytes(signature) }).unwrap();
    let right = sign(&pair, &data, &client_data);
    assert!(registered(&object("packed", statement(-7, right.clone()), &data)).is_ok());
    let wrong = sign(&key().0, &data, &client_data);
    assert_eq!(registered(&object("packed", statement(-7, wrong), &data)), Err(WebauthnError::Signature));
    assert_eq!(registered(&object("packed", statement(-8, right.clone()), &data)), Err(WebauthnError::Malformed));
    let chain = cbor!({ "alg" => -7, "sig" => Value::Bytes(right), "x5c" => [] }).unwrap();
    assert_eq!(registered(&object("packed", chain, &data)), Err(WebauthnError::Attestation));
    for format in ["tpm", "android-key", "fido-u2f", "apple", ""] {
        assert_eq!(registered(&object(format, Value::Map(Vec::new()), &data)), Err(WebauthnError::Attestation));
    }
    let claims = cbor!({ "x" => 1 }).unwrap();
    assert_eq!(registered(&object("none", claims, &data)), Err(WebauthnError::Malformed));
    assert_eq!(registered(&none(&made(&cose, 5 | CREDENTIAL, &[]))), Err(WebauthnError::AuthenticatorData));
    assert_eq!(registered(&none(&made(&cose, 5 | CREDENTIAL, &[1; 1_024]))), Err(WebauthnError::AuthenticatorData));
    assert_eq!(registered(&none(&made(&[0xa0], 5 | CREDENTIAL, &[1; 16]))), Err(WebauthnError::PublicKey));
    let without = authenticator_data("localhost", 5, &[]);
    assert_eq!(registered(&none(&without)), Err(WebauthnError::AuthenticatorData));
    let deep = [&[0x81; 4_000][..], &[0]].concat();
    assert_eq!(registered(&deep), Err(WebauthnError::Malformed));
    let endless = [0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    assert_eq!(registered(&endless), Err(WebauthnError::Malformed));
    assert_eq!(registered(&none(&[0; 70_000])), Err(WebauthnError::Malformed));
}

#[test]
fn counters_go_on() {
    assert_eq!(counted(0, 0), Ok(0), "it does not count");
    assert_eq!(counted(0, 1), Ok(1));
    assert_eq!(counted(5, 6), Ok(6));
    for (before, now) in [(5, 5), (5, 4), (5, 0), (u32::MAX, 0)] {
        assert_eq!(counted(before, now), Err(WebauthnError::Counter), "{before} {now}");
    }
}

proptest! {
    #[test]
    fn a_part_of_an_attestation_object_is_none(cut in 0_usize..1_000) {
        let (_, cose) = key();
        let client_data = client_data("create", CHALLENGE, EXPECTED.origin, "");
        let whole = none(&made(&cose, 5 | CREDENTIAL, &[3; 32]));
        let cut = cut % whole.len();
        prop_assert!(registered(&EXPECTED, &client_data, &whole[..cut]).is_err());
    }

    #[test]
    fn a_flipped_bit_of_what_was_signed_is_refused(bit in 0_usize..100_000, of_client_data in any::<bool>()) {
        let (pair, cose) = key();
        let (mut client_data, mut data) = good();
        let signature = sign(&pair, &data, &client_data);
        let flipped = if of_client_data { &mut client_data } else { &mut data };
        let bit = bit % (flipped.len() * 8);
        flipped[bit / 8] ^= 1 << (bit % 8);
        let assertion = Assertion { client_data: &client_data, authenticator_data: &data, signature: &signature };
        prop_assert!(asserted(&EXPECTED, &PublicKey::read(&cose).unwrap(), assertion).is_err());
    }

    #[test]
    fn a_flipped_bit_of_a_self_attested_passkey_is_refused_or_changes_nothing(bit in 0_usize..100_000) {
        let (pair, cose) = key();
        let client_data = client_data("create", CHALLENGE, EXPECTED.origin, "");
        let data = made(&cose, 5 | CREDENTIAL, &[3; 32]);
        let signature = Value::Bytes(sign(&pair, &data, &client_data));
        let mut object = object("packed", cbor!({ "alg" => -7, "sig" => signature }).unwrap(), &data);
        let right = registered(&EXPECTED, &client_data, &object).unwrap();
        let bit = bit % (object.len() * 8);
        object[bit / 8] ^= 1 << (bit % 8);
        if let Ok(found) = registered(&EXPECTED, &client_data, &object) {
            prop_assert_eq!(found, right);
        }
    }

    #[test]
    fn nothing_that_is_sent_makes_it_fall_over(data in proptest::collection::vec(any::<u8>(), 0..600)) {
        let client_data = client_data("create", CHALLENGE, EXPECTED.origin, "");
        prop_assert!(registered(&EXPECTED, &client_data, &data).is_err());
        prop_assert!(registered(&EXPECTED, &data, &none(&data)).is_err());
        prop_assert!(PublicKey::read(&data).is_err());
        let (_, cose) = key();
        let assertion = Assertion { client_data: &data, authenticator_data: &data, signature: &data };
        prop_assert!(asserted(&EXPECTED, &PublicKey::read(&cose).unwrap(), assertion).is_err());
    }
}
