//! To whom a secret is sealed, the operator has said, and nobody else.

use breakglass_custody::document::Label;
use breakglass_custody::quorum::Quorum;
use breakglass_custody::sealed::{SealError, seal};
use breakglass_custody::signed::SignedError;
use breakglass_custody::signed_set::SignedSet;
use breakglass_custody::signing::SigningKey;
use serde_json::{Value, json};

use crate::support::{Dice, World, members, signed_anew};

fn world() -> World {
    Dice::new(31).world(Quorum::new(2, 3).unwrap())
}

fn read(world: &World, text: &str) -> Result<SignedSet, SignedError> {
    SignedSet::read(text)?.confirmed(world.operator.public().fingerprint())
}

#[test]
fn a_set_is_read_as_it_was_signed() {
    let world = world();
    let text = world.signed.text();
    assert!(
        text.starts_with(r#"{"format":"breakglass-key-set/1","madeOn":"2026-11-27T03:00:00Z","operator":"ed25519:"#)
    );
    assert_eq!(read(&world, text).unwrap(), world.signed);
    let pretty = serde_json::to_string_pretty(&members(text)).unwrap();
    assert_eq!(read(&world, &pretty).unwrap(), world.signed);
    assert_eq!((world.signed.set(), world.signed.operator()), (&world.set, world.operator.public()));
    assert_eq!(world.signed.made_on(), world.document.label().sealed_on);
}

#[test]
fn whoever_can_write_a_set_cannot_have_it_sealed_to() {
    let world = world();
    let mut dice = Dice::new(32);
    let thief = SigningKey::generate(dice.fill()).unwrap();
    let theirs = dice.split_key(Quorum::new(2, 3).unwrap()).set;
    // Signed by the thief, or with the operator's name on it: neither is a set that the operator signed.
    let forged = SignedSet::sign(&theirs, world.signed.made_on(), &thief).unwrap();
    assert!(matches!(read(&world, forged.text()), Err(SignedError::OtherSigner { .. })));
    let mut changed = members(world.signed.text());
    changed.insert("recipient".to_owned(), json!(theirs.recipient.to_string()));
    assert_eq!(read(&world, &signed_anew(changed.clone(), &thief)), Err(SignedError::Signature));
    assert_eq!(read(&world, &serde_json::to_string(&changed).unwrap()), Err(SignedError::Signature));
    // Handed in all the same, it is not sealed to.
    let label = Label { set: theirs, ..world.document.label().clone() };
    let refused = seal(&world.password, &label, &forged, &world.operator);
    assert!(matches!(refused, Err(SealError::OtherSigner { .. })));
    let refused = seal(&world.password, &label, &world.signed, &world.operator);
    assert!(matches!(refused, Err(SealError::OtherSet { .. })));
}

#[test]
fn a_signature_of_one_form_is_none_of_another() {
    let world = world();
    let wanted = |text: &str| matches!(read(&world, text), Err(SignedError::Format { .. }));
    assert!(wanted(world.document.text()));
    // The same members under the other name, with the signature that they have.
    let mut renamed = members(world.signed.text());
    let text = serde_json::to_string(&renamed).unwrap();
    renamed.insert("format".to_owned(), json!("breakglass-sealed/1"));
    assert!(wanted(&serde_json::to_string(&renamed).unwrap()));
    // What is signed begins with the form: the JSON alone is not what the key signed.
    let signature = text.split("\"signature\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    renamed.insert("signature".to_owned(), json!(signature));
    renamed.insert("format".to_owned(), json!("breakglass-key-set/1"));
    assert!(read(&world, &serde_json::to_string(&renamed).unwrap()).is_ok());
    let bare = {
        use ed25519_dalek::Signer as _;
        let mut bare = members(world.signed.text());
        bare.remove("signature");
        let key = world.operator.with_seed(ed25519_dalek::SigningKey::from_bytes);
        let signature = key.sign(serde_json::to_string(&bare).unwrap().as_bytes()).to_bytes();
        let signature: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        bare.insert("signature".to_owned(), json!(signature));
        serde_json::to_string(&bare).unwrap()
    };
    assert_eq!(read(&world, &bare), Err(SignedError::Signature));
}

#[test]
fn what_cannot_be_is_refused_though_it_is_signed() {
    let world = world();
    let refused = |member: &str, value: Value| {
        let mut changed = members(world.signed.text());
        changed.insert(member.to_owned(), value);
        read(&world, &signed_anew(changed, &world.operator)).unwrap_err().to_string()
    };
    for (member, value, named) in [
        ("threshold", json!(1), "one person alone opens"),
        ("shares", json!(2), "the one that is lost"),
        ("recipient", json!("age1"), "`recipient`"),
        ("set", json!("one two"), "`set`"),
        ("madeOn", json!("2026-11-27T04:00:00+01:00"), "`madeOn`"),
        ("comment", json!("hello"), "nothing of the form `breakglass-key-set/1`"),
        ("format", json!("breakglass-key-set/\u{1b}[2J"), "of the form `another`"),
    ] {
        let message = refused(member, value);
        assert!(message.contains(named), "{member}: {message}");
    }
}

#[test]
fn what_was_read_is_in_no_error() {
    let secret = "correct horse battery";
    for text in [
        format!("\"{secret}\""),
        format!("{{\"format\":\"{secret}\"}}"),
        format!("{{\"format\":\"breakglass-key-set/1\",\"{secret}\":1}}"),
        format!("{{\"format\":\"breakglass-key-set/1\",\"shares\":\"{secret}\"}}"),
        secret.to_owned(),
    ] {
        let error = SignedSet::read(&text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("horse"), "{error}");
    }
}
