//! PINs and private keys are sealed, opened and rehearsed as passwords are, and never taken for one another.

use breakglass_custody::document::{CredentialKind, Document, Label};
use breakglass_custody::password::Password;
use breakglass_custody::quorum::Quorum;
use breakglass_custody::sealed::{OpenError, SealError, rehearse, seal, seal_secret};
use breakglass_custody::secret::{PIN_BYTES_MAX, PRIVATE_KEY_BYTES_MAX, Secret, SecretError};
use breakglass_custody::signed::SIGNED_BYTES_MAX;
use breakglass_testkit::seed_for;
use serde_json::json;

use crate::support::{Dice, World, members, signed_anew};

fn world() -> World {
    Dice::new(31).world(Quorum::new(2, 3).unwrap())
}

/// A private key of some bytes in PEM, with what stands behind it.
fn pem(bytes: usize, behind: &str) -> String {
    let (head, foot) = ("-----BEGIN PRIVATE KEY-----\n", "\n-----END PRIVATE KEY-----\n");
    let letters = bytes - head.len() - foot.len() - behind.len();
    let body: String = (1..=letters).map(|at| if at % 65 == 0 && at < letters { '\n' } else { 'A' }).collect();
    format!("{head}{body}{foot}{behind}")
}

fn label(world: &World, credential: CredentialKind) -> Label {
    Label { credential, ..world.document.label().clone() }
}

fn sealed(world: &World, secret: &Secret) -> Document {
    let document = seal_secret(secret, &label(world, secret.kind()), &world.signed, &world.operator).unwrap();
    let read = Document::read(document.text()).unwrap();
    assert_eq!(read.confirmed(world.operator.public().fingerprint()).unwrap(), document);
    document
}

#[test]
fn a_pin_and_a_key_come_out_as_they_went_in() {
    let world = world();
    let key = world.set.recover(&world.shares[..2]).unwrap();
    let longest = pem(PRIVATE_KEY_BYTES_MAX, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert_eq!(longest.len(), PRIVATE_KEY_BYTES_MAX);
    let all = [
        Secret::pin("4711".to_owned()),
        Secret::pin("\u{e4}".repeat(31)),
        Secret::pin("x".repeat(PIN_BYTES_MAX)),
        Secret::private_key(pem(2_500, "")),
        Secret::private_key(longest),
    ];
    for secret in all {
        let secret = secret.unwrap();
        let document = sealed(&world, &secret);
        println!("{}: a document of {} bytes", secret.kind(), document.text().len());
        assert!(document.text().len() <= SIGNED_BYTES_MAX);
        let opened = key.open_secret(&document).unwrap();
        assert!(opened.is_same(&secret) && opened.kind() == secret.kind());
        assert_eq!(key.open(&document).unwrap_err(), OpenError::Kind(secret.kind()));
        let both = [document.clone(), world.document.clone()];
        let rehearsed = rehearse(&world.shares[1..], &both).unwrap();
        assert_eq!(
            rehearsed.iter().map(|one| one.label().credential).collect::<Vec<_>>(),
            [secret.kind(), CredentialKind::Password]
        );
        secret.with_plaintext(|text| assert!(!format!("{document:?} {opened:?} {rehearsed:?}").contains(text)));
        assert_eq!(format!("{opened:?}"), "Secret");
    }
    assert_eq!(key.open_secret(&world.document).unwrap_err(), OpenError::Password);
}

#[test]
fn what_is_no_pin_or_key_is_not_taken() {
    for text in ["", "123", "12\n34", "\u{e4}\u{e4}\u{e4}", &"x".repeat(PIN_BYTES_MAX + 1), &"\u{e4}".repeat(32)] {
        assert_eq!(Secret::pin(text.to_owned()).unwrap_err(), SecretError::Pin, "{text}");
    }
    let good = pem(300, "");
    for text in [
        String::new(),
        "correct horse".to_owned(),
        good.replace("PRIVATE", "RSA PRIVATE"),
        good.replace("PRIVATE", "ENCRYPTED PRIVATE"),
        good.replace("-----END PRIVATE KEY-----\n", ""),
        good.replacen("AA", "A\u{e4}", 1),
        good.replacen("AA", "A-", 1),
        format!(" {good}"),
        format!("{good}\0"),
        pem(PRIVATE_KEY_BYTES_MAX + 1, ""),
        "-----BEGIN PRIVATE KEY-----\n\n-----END PRIVATE KEY-----\n".to_owned(),
    ] {
        assert_eq!(Secret::private_key(text.clone()).unwrap_err(), SecretError::PrivateKey, "{text}");
    }
    let error = Secret::pin("12\n3".to_owned()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("12"));
}

#[test]
fn a_label_says_what_is_sealed() {
    let world = world();
    let pin = Secret::pin("4711".to_owned()).unwrap();
    let refused = seal_secret(&pin, &label(&world, CredentialKind::Certificate), &world.signed, &world.operator);
    let error = refused.unwrap_err();
    let kinds = (CredentialKind::Certificate, CredentialKind::Passkey);
    assert!(matches!(error, SealError::Kind { label, secret } if (label, secret) == kinds), "{error}");
    assert_eq!(
        error.to_string(),
        "the document would say that the key of a certificate is sealed in it, and it is the PIN of a passkey"
    );
    let other = Dice::new(32).world(Quorum::new(2, 3).unwrap());
    let of_other_set = seal_secret(&pin, &label(&other, pin.kind()), &world.signed, &world.operator);
    assert!(matches!(of_other_set, Err(SealError::OtherSet { .. })));
    let by_other = seal_secret(&pin, &label(&world, pin.kind()), &world.signed, &other.operator);
    assert!(matches!(by_other, Err(SealError::OtherSigner { .. })));
}

/// The operator signs that it is something else than it is: no kind is opened as another, by whichever way.
#[test]
fn no_kind_is_taken_for_another_by_seed() {
    let mut dice = Dice::new(seed_for("no_kind_is_taken_for_another_by_seed"));
    let kinds = [CredentialKind::Password, CredentialKind::Passkey, CredentialKind::Certificate];
    let (mut refused, mut same) = (0, 0);
    for _ in 0..40 {
        let quorum = dice.quorum();
        let world = dice.world(quorum);
        let key = world.set.recover(&world.shares[..usize::from(quorum.threshold())]).unwrap();
        let long = "x".repeat(PIN_BYTES_MAX + 1 + dice.below(100));
        let documents = [
            seal(&Password::of_text(long), world.document.label(), &world.signed, &world.operator).unwrap(),
            sealed(&world, &Secret::pin(format!("{:08}", dice.below(100_000_000))).unwrap()),
            sealed(&world, &Secret::private_key(pem(300 + dice.below(2_000), "")).unwrap()),
        ];
        for document in &documents {
            for kind in kinds {
                let mut changed = members(document.text());
                changed.insert("credential".to_owned(), json!(kind));
                let text = signed_anew(changed, &world.operator);
                let changed = Document::read(&text).unwrap();
                let changed = changed.confirmed(world.operator.public().fingerprint()).unwrap();
                let (password, secret) = (key.open(&changed), key.open_secret(&changed));
                let is_opened = password.is_ok() || secret.is_ok();
                // A PIN is a password as well, as far as its text tells; the document says which of them it is.
                let may_be = kind == document.label().credential
                    || (document.label().credential == CredentialKind::Passkey && kind == CredentialKind::Password);
                assert_eq!(is_opened, may_be, "{} as {kind}", document.label().credential);
                assert!(password.is_err() || secret.is_err());
                if is_opened { same += 1 } else { refused += 1 }
            }
        }
    }
    println!("kinds that were changed in a document: {refused} refused, {same} that may be so");
}
