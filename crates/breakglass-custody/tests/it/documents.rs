//! A document is relied on as it was signed, by whom it was to be signed, or not at all.

use breakglass_custody::document::{CredentialKind, Document, Label, NAME_CHARS_MAX};
use breakglass_custody::fingerprint::Fingerprint;
use breakglass_custody::password::Password;
use breakglass_custody::quorum::Quorum;
use breakglass_custody::sealed::{SealError, seal};
use breakglass_custody::signed::{SIGNED_BYTES_MAX, SignedError};
use breakglass_custody::signing::SigningKey;
use serde_json::{Value, json};

use crate::support::{Dice, World, members, signed_anew};

fn world() -> World {
    Dice::new(11).world(Quorum::new(2, 3).unwrap())
}

fn read(world: &World, text: &str) -> Result<Document, SignedError> {
    Document::read(text)?.confirmed(world.operator.public().fingerprint())
}

#[test]
fn a_document_says_what_was_sealed_and_nothing_of_the_secret() {
    let world = world();
    let document = &world.document;
    let label = document.label();
    assert_eq!(label.account.user_principal_name, "emergency-1@contoso.onmicrosoft.com");
    assert_eq!((label.version, label.credential, &label.set), (3, CredentialKind::Password, &world.set));
    assert!(document.sealed().starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"));
    world.password.with_plaintext(|text| assert!(!format!("{document:?} {}", document.text()).contains(text)));
    // The first member and the last, and no space between any.
    assert!(
        document.text().starts_with(r#"{"account":{"id":"11111111-2222-3333-4444-555555555555","userPrincipalName":"#)
    );
    assert!(document.text().ends_with(r#","threshold":2,"version":3}"#), "{}", document.text());
    let read = read(&world, document.text()).unwrap();
    assert_eq!(&read, document);
    // A secret that is sealed twice looks different each time.
    let again = seal(&world.password, label, &world.signed, &world.operator).unwrap();
    assert_ne!(again.sealed(), document.sealed());
}

#[test]
fn how_it_is_laid_out_does_not_matter() {
    let world = world();
    let value: Value = serde_json::from_str(world.document.text()).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    assert_eq!(read(&world, &format!("\n{pretty}\n")).unwrap(), world.document);
    let mut backwards: Vec<(String, Value)> = members(world.document.text()).into_iter().collect();
    backwards.reverse();
    let backwards: serde_json::Map<String, Value> = backwards.into_iter().collect();
    assert_eq!(read(&world, &serde_json::to_string(&backwards).unwrap()).unwrap(), world.document);
    // What other programs write in another way means the same.
    let escaped = world.document.text().replace("emergency-1@", "\\u0065mergency-1\\u0040");
    assert_eq!(read(&world, &escaped).unwrap(), world.document);
}

#[test]
fn whoever_is_not_the_operator_has_signed_nothing() {
    let world = world();
    let thief = SigningKey::generate(Dice::new(12).fill()).unwrap();
    let mut forged = members(world.document.text());
    forged.insert("operator".to_owned(), json!(thief.public().to_string()));
    let forged = signed_anew(forged, &thief);
    assert_eq!(Document::read(&forged).unwrap().signer(), thief.public());
    let error = read(&world, &forged).unwrap_err();
    assert!(matches!(error, SignedError::OtherSigner { .. }), "{error}");
    assert!(error.to_string().contains(&thief.public().fingerprint().to_string()), "{error}");
    // With the operator's name on it, it is not even signed.
    let mut forged = members(world.document.text());
    forged.insert("version".to_owned(), json!(4));
    let forged = signed_anew(forged, &thief);
    assert!(matches!(read(&world, &forged), Err(SignedError::Signature)));
    assert_eq!(
        Fingerprint::read(&world.operator.public().fingerprint().to_string()).unwrap(),
        world.operator.public().fingerprint()
    );
}

#[test]
fn every_bit_of_it_is_signed() {
    let world = world();
    let text = world.document.text().as_bytes();
    let (mut refused, mut same) = (0, 0);
    for place in 0..text.len() {
        for bit in 0..8 {
            let mut changed = text.to_vec();
            changed[place] ^= 1 << bit;
            let Ok(changed) = String::from_utf8(changed) else {
                refused += 1;
                continue;
            };
            match read(&world, &changed) {
                Ok(document) => {
                    assert_eq!(document, world.document, "{changed}");
                    same += 1;
                }
                Err(_) => refused += 1,
            }
        }
    }
    println!("bits of a document: {refused} flipped and refused, {same} that mean the same");
    assert_eq!(same, 0);
}

/// What is refused, though it is signed by the operator: the member, what it says, and what the message names.
#[test]
fn what_cannot_be_is_refused_though_it_is_signed() {
    let world = world();
    let refused = |member: &str, value: Value| {
        let mut changed = members(world.document.text());
        changed.insert(member.to_owned(), value);
        read(&world, &signed_anew(changed, &world.operator)).unwrap_err()
    };
    let long = "x".repeat(NAME_CHARS_MAX + 1);
    for (member, value, named) in [
        ("account", json!({"id": "", "userPrincipalName": "a@b"}), "`id`"),
        ("account", json!({"id": "1", "userPrincipalName": long}), "`userPrincipalName`"),
        ("account", json!({"id": "1", "userPrincipalName": "a\nb"}), "`userPrincipalName`"),
        ("envelope", json!("00"), "`envelope`"),
        ("threshold", json!(1), "one person alone opens"),
        ("threshold", json!(3), "the one that is lost"),
        ("shares", json!(17), "largest set"),
        ("recipient", json!("age1"), "`recipient`"),
        ("set", json!("one two"), "`set`"),
        ("sealedOn", json!("yesterday"), "`sealedOn`"),
        ("sealedOn", json!("2026-11-27T04:00:00+01:00"), "`sealedOn`"),
        ("version", json!(0), "`version`"),
        ("sealed", json!("secret"), "`sealed`"),
        ("sealed", json!(format!("{}x", world.document.sealed())), "`sealed`"),
        ("operator", json!("ed25519:00"), "`operator`"),
        ("format", json!("breakglass-sealed/2"), "`breakglass-sealed/2`"),
        ("credential", json!("key"), "nothing of the form `breakglass-sealed/1`"),
        ("version", json!(-1), "nothing of the form `breakglass-sealed/1`"),
        ("shares", json!(300), "nothing of the form `breakglass-sealed/1`"),
        ("comment", json!("hello"), "nothing of the form `breakglass-sealed/1`"),
    ] {
        let message = refused(member, value).to_string();
        assert!(message.contains(named), "{member}: {message}");
    }
    let without = |member: &str| {
        let mut changed = members(world.document.text());
        changed.remove(member);
        read(&world, &serde_json::to_string(&changed).unwrap()).unwrap_err()
    };
    for member in members(world.document.text()).keys() {
        let message = without(member).to_string();
        let named = if member == "signature" { "`signature`" } else { "nothing of the form `breakglass-sealed/1`" };
        assert!(message.contains(named), "{member}: {message}");
    }
}

#[test]
fn what_is_no_document_is_refused() {
    let world = world();
    let text = world.document.text();
    for other in ["", "null", "[]", "{}", "\u{feff}{}", text.trim_start_matches('{'), &"[".repeat(1_000)] {
        assert!(matches!(read(&world, other), Err(SignedError::Malformed { .. })), "{other}");
    }
    let twice = text.replacen('{', r#"{"version":3,"#, 1);
    assert!(matches!(read(&world, &twice), Err(SignedError::Malformed { .. })));
    let long = format!("{text}{}", " ".repeat(SIGNED_BYTES_MAX));
    assert!(matches!(read(&world, &long), Err(SignedError::Long)));
    assert!(read(&world, &format!("{text}{}", " ".repeat(SIGNED_BYTES_MAX - text.len()))).is_ok());
}

#[test]
fn what_was_copied_is_the_document_without_the_ends_of_lines_and_what_is_around_it() {
    let world = world();
    let (text, set) = (world.document.text(), world.signed.text());
    for end in ["\n", "\r\n", " \n\t", "\n\n"] {
        // Breaks beside a space are none that a sheet has; where spaces are differs, since age adds something of any length.
        let lines = |width: usize| -> Vec<&str> {
            text.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect()
        };
        let is_odd = |line: &&str| line.starts_with(' ') || line.ends_with(' ');
        let broken = (61..91).map(lines).find(|lines| !lines.iter().any(is_odd)).unwrap().join(end);
        for copied in [
            broken.clone(),
            format!("\u{feff}{broken}{end}"),
            format!("Document 1 of 2, {{x}} and {{\"account\"{end}{broken}{end}page 4 of 5 }}{end}"),
            format!("{set}{end}{broken}{end}{set}"),
        ] {
            assert_eq!(read(&world, &copied).unwrap(), world.document, "{copied}");
        }
        let several = read(&world, &format!("{broken}{end}{broken}")).unwrap_err();
        assert!(matches!(several, SignedError::Several { count: 2, .. }), "{several}");
        let other = read(&world, &format!("page{end}{set}")).unwrap_err();
        assert!(matches!(other, SignedError::Format { .. }), "{other}");
    }
    let Err(SignedError::Malformed { line, column, .. }) = read(&world, "page 4\n  {\"account\"\n  : x}\n") else {
        panic!()
    };
    assert_eq!((line, column), (3, 5));
}

#[test]
fn what_is_no_password_is_not_sealed() {
    let world = world();
    let sealed = |text: String| seal(&Password::of_text(text), world.document.label(), &world.signed, &world.operator);
    for text in [String::new(), "x".repeat(257), "two\nlines".to_owned()] {
        assert!(matches!(sealed(text), Err(SealError::Password)));
    }
    assert!(sealed("x".repeat(256)).is_ok());
    let label = Label { credential: CredentialKind::Passkey, ..world.document.label().clone() };
    let refused = seal(&world.password, &label, &world.signed, &world.operator);
    let kinds = (CredentialKind::Passkey, CredentialKind::Password);
    assert!(matches!(refused, Err(SealError::Kind { label, secret }) if (label, secret) == kinds));
}
