//! What was sealed comes out again with enough shares, and nothing else ever comes out.

use breakglass_custody::document::{Document, Label};
use breakglass_custody::key_set::RecoverError;
use breakglass_custody::password::Password;
use breakglass_custody::quorum::Quorum;
use breakglass_custody::recipient::Recipient;
use breakglass_custody::sealed::{OpenError, rehearse, seal, seal_share};
use breakglass_custody::slip39::{CombineError, Share};
use breakglass_testkit::{is_full, seed_for};
use serde_json::json;

use crate::referee;
use crate::support::{Dice, World, forged, members, read, signed_anew, words};

/// Wrong combinations that go all the way to opening.
const WRONG_COUNT: usize = 1_000;
const WRONG_COUNT_FULL: usize = 10_000;

fn world() -> World {
    Dice::new(21).world(Quorum::new(2, 3).unwrap())
}

/// Everything from shares and a document to a password, as somebody does it at three in the morning.
fn opened(document: &Document, shares: &[Share]) -> Result<Password, OpenError> {
    document.label().set.recover(shares)?.open(document)
}

fn confirmed(world: &World, text: &str) -> Document {
    Document::read(text).unwrap().confirmed(world.operator.public().fingerprint()).unwrap()
}

/// The document with other members, signed by the operator.
fn changed(world: &World, changes: &[(&str, serde_json::Value)]) -> Document {
    let mut members = members(world.document.text());
    for (member, value) in changes {
        members.insert((*member).to_owned(), value.clone());
    }
    confirmed(world, &signed_anew(members, &world.operator))
}

#[test]
fn enough_shares_open_what_was_sealed_by_seed() {
    let mut dice = Dice::new(seed_for("enough_shares_open_what_was_sealed_by_seed"));
    let mut count = 0;
    for _ in 0..if is_full() { 500 } else { 40 } {
        let quorum = dice.quorum();
        let world = dice.world(quorum);
        let mut texts: Vec<String> = world.shares.iter().map(words).collect();
        dice.shuffle(&mut texts);
        texts.truncate(usize::from(quorum.threshold()));
        let document = confirmed(&world, world.document.text());
        assert!(opened(&document, &read(&texts)).unwrap().is_same(&world.password), "{quorum}");
        let rehearsed = rehearse(&read(&texts), &[document]).unwrap();
        assert_eq!(rehearsed[0].label(), world.document.label());
        count += 1;
    }
    println!("documents sealed, opened and rehearsed: {count}");
}

#[test]
fn a_rehearsal_tries_every_document_and_gives_nothing_out() {
    let mut dice = Dice::new(22);
    let world = dice.world(Quorum::new(2, 3).unwrap());
    let second =
        seal(&world.password, &Label { version: 4, ..world.document.label().clone() }, &world.signed, &world.operator)
            .unwrap();
    let both = [world.document.clone(), second];
    let rehearsed = rehearse(&world.shares[..2], &both).unwrap();
    assert_eq!(rehearsed.iter().map(|one| one.label().version).collect::<Vec<_>>(), [3, 4]);
    world.password.with_plaintext(|text| assert!(!format!("{rehearsed:?}").contains(text)));
    let other = dice.world(Quorum::new(2, 3).unwrap());
    let mixed = [world.document.clone(), other.document];
    assert!(matches!(rehearse(&world.shares[..2], &mixed), Err(OpenError::OtherSet { .. })));
    assert_eq!(rehearse(&world.shares[..2], &[]).unwrap_err(), OpenError::Nothing);
    let error = rehearse(&world.shares[..1], &both).unwrap_err();
    assert_eq!(error.to_string(), "1 of the 2 shares that are needed are here");
}

#[test]
fn what_does_not_fit_the_key_is_refused_though_it_is_signed() {
    let mut dice = Dice::new(23);
    let world = dice.world(Quorum::new(2, 3).unwrap());
    let other = dice.world(Quorum::new(2, 3).unwrap());
    let key = world.set.recover(&world.shares[..2]).unwrap();
    let refused = |changes: &[(&str, serde_json::Value)]| key.open(&changed(&world, changes)).unwrap_err();

    let names = OpenError::OtherSet { document: other.set.id.clone(), key: world.set.id.clone() };
    assert_eq!(key.open(&other.document).unwrap_err(), names);
    assert_eq!(refused(&[("set", json!(other.set.id.to_string()))]), names);
    let terms = OpenError::OtherTerms(world.set.id.clone());
    assert_eq!(refused(&[("recipient", json!(other.set.recipient.to_string()))]), terms);
    assert_eq!(refused(&[("shares", json!(4))]), terms);
    assert_eq!(refused(&[("sealed", json!(other.document.sealed()))]), OpenError::OtherKey);
    let kind = refused(&[("credential", json!("passkey"))]);
    assert_eq!(kind.to_string(), "the PIN of a passkey is sealed in the document, and a password was asked for");

    // What is damaged inside, though the header is whole: one character of the last line of the armor.
    let lines: Vec<&str> = world.document.sealed().lines().collect();
    let at = lines.len() - 2;
    let (first, rest) = lines[at].split_at(1);
    let spoiled = format!("{}{rest}", if first == "A" { "B" } else { "A" });
    let armor = world.document.sealed().replace(lines[at], &spoiled);
    assert_eq!(refused(&[("sealed", json!(armor))]), OpenError::Damaged);

    // What others sealed to the recipient that is no password.
    for text in ["", "two\nlines", &"x".repeat(257), &"ä".repeat(600)] {
        assert_eq!(refused(&[("sealed", json!(sealed(&world, text.as_bytes())))]), OpenError::NoPassword, "{text}");
    }
    assert_eq!(refused(&[("sealed", json!(sealed(&world, &[0xff])))]), OpenError::NoPassword);
    let by_others = changed(&world, &[("sealed", json!(sealed(&world, b"correct horse")))]);
    assert!(key.open(&by_others).unwrap().is_same(&Password::of_text("correct horse".to_owned())));
}

/// Seals anything to the recipient of a world, as anybody can.
fn sealed(world: &World, bytes: &[u8]) -> String {
    use std::io::Write as _;
    let recipient: age::x25519::Recipient = world.set.recipient.to_string().parse().unwrap();
    let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient)).unwrap();
    let armor = age::armor::ArmoredWriter::wrap_output(Vec::new(), age::armor::Format::AsciiArmor).unwrap();
    let mut writer = encryptor.wrap_output(armor).unwrap();
    writer.write_all(bytes).unwrap();
    String::from_utf8(writer.finish().unwrap().finish().unwrap()).unwrap()
}

#[test]
fn right_shares_are_no_way_around_a_signature() {
    // The right shares and a document that the thief sealed: it is not even a document for whoever knows the operator.
    let world = world();
    let thief = Dice::new(24).world(Quorum::new(2, 3).unwrap());
    let mut members = members(thief.document.text());
    members.insert("set".to_owned(), json!(world.set.id.to_string()));
    members.insert("recipient".to_owned(), json!(world.set.recipient.to_string()));
    members.insert("sealed".to_owned(), json!(sealed(&world, b"the thief's password")));
    let text = signed_anew(members, &thief.operator);
    assert!(Document::read(&text).unwrap().confirmed(world.operator.public().fingerprint()).is_err());
}

#[test]
fn a_share_for_one_custodian_is_read_by_that_one_alone() {
    let world = world();
    let (own, other) = (age::x25519::Identity::generate(), age::x25519::Identity::generate());
    let recipient = Recipient::read(&own.to_public().to_string()).unwrap();
    let file = seal_share(&world.shares[1], &recipient).unwrap();
    assert!(file.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"));
    let opened = |identity: &age::x25519::Identity| age::decrypt(identity, file.as_bytes()).ok();
    assert_eq!(opened(&other), None);
    assert_eq!(
        opened(&own).map(|text| String::from_utf8(text).unwrap()),
        Some(format!("{}\n", words(&world.shares[1])))
    );
}

/// In which way shares or a document are wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    TooFew,
    Twice,
    Mixed,
    Flipped,
    Forged,
    ForgedAll,
    /// One share with another word of its header.
    Header,
    /// All of them with the same other word of it.
    HeaderAll,
    /// One share, which says that it is enough.
    Enough,
    OneTooMany,
    OtherDocument,
}

const KINDS: [Wrong; 11] = [
    Wrong::TooFew,
    Wrong::Twice,
    Wrong::Mixed,
    Wrong::Flipped,
    Wrong::Forged,
    Wrong::ForgedAll,
    Wrong::Header,
    Wrong::HeaderAll,
    Wrong::Enough,
    Wrong::OneTooMany,
    Wrong::OtherDocument,
];

/// Two worlds, and shares that somebody forged with the name of the first one's set.
struct Stage {
    world: World,
    other: World,
    forged: Vec<Share>,
}

impl Stage {
    fn new(dice: &mut Dice) -> Self {
        let quorum = dice.quorum();
        let world = dice.world(quorum);
        let forged = forged(&world.set, dice, quorum);
        Self { other: dice.world(quorum), world, forged }
    }

    /// What comes of opening with something wrong in one way.
    fn answer(&self, dice: &mut Dice, kind: Wrong) -> Result<Password, OpenError> {
        let need = usize::from(self.world.set.quorum.threshold());
        let mut places: Vec<usize> = (0..self.world.shares.len()).collect();
        dice.shuffle(&mut places);
        let at = dice.below(need);
        let mut texts: Vec<String> = places[..need].iter().map(|place| words(&self.world.shares[*place])).collect();
        let mut document = &self.world.document;
        match kind {
            Wrong::TooFew => drop(texts.remove(at)),
            Wrong::Twice => texts[at] = texts[(at + 1) % need].clone(),
            Wrong::Mixed => texts[at] = words(&self.other.shares[places[at]]),
            Wrong::Forged => texts[at] = words(&self.forged[places[at]]),
            Wrong::ForgedAll => texts = places[..need].iter().map(|place| words(&self.forged[*place])).collect(),
            Wrong::OneTooMany => texts.push(words(&self.forged[places[need]])),
            Wrong::OtherDocument => document = &self.other.document,
            Wrong::Flipped => {
                let bit = dice.below(256);
                texts[at] = rewritten(&texts[at], |share| share.value[bit / 8] ^= 1 << (bit % 8));
            }
            Wrong::Header => {
                let field = [0, 1, 2, 6, 7][dice.below(5)];
                texts[at] = rewritten(&texts[at], |share| share.fields[field] ^= 1);
            }
            Wrong::HeaderAll => {
                let field = dice.below(3);
                for text in &mut texts {
                    *text = rewritten(text, |share| share.fields[field] ^= 1);
                }
            }
            Wrong::Enough => texts = vec![rewritten(&texts[at], |share| share.fields[7] = 1)],
        }
        opened(document, &read(&texts))
    }
}

/// A share with something else in it, and a checksum that holds.
fn rewritten(text: &str, change: impl FnOnce(&mut referee::Read)) -> String {
    let mut share = referee::read(text).unwrap();
    change(&mut share);
    referee::write(&share)
}

#[test]
fn nothing_that_is_wrong_opens_by_seed() {
    let mut dice = Dice::new(seed_for("nothing_that_is_wrong_opens_by_seed"));
    let count = if is_full() { WRONG_COUNT_FULL } else { WRONG_COUNT };
    let mut counts = [0; KINDS.len()];
    let mut stage = Stage::new(&mut dice);
    for number in 0..count {
        if number % 40 == 0 {
            stage = Stage::new(&mut dice);
        }
        let kind = number % KINDS.len();
        let error = stage.answer(&mut dice, KINDS[kind]).err();
        let error = error.unwrap_or_else(|| panic!("{:?} opened", KINDS[kind]));
        let is_right = match KINDS[kind] {
            Wrong::TooFew => matches!(error, OpenError::Recover(RecoverError::Combine(CombineError::TooFew { .. }))),
            Wrong::Twice => matches!(error, OpenError::Recover(RecoverError::Combine(CombineError::Twice(..)))),
            Wrong::Mixed | Wrong::OtherDocument => {
                matches!(error, OpenError::Recover(RecoverError::OtherSet { .. }))
            }
            Wrong::Flipped | Wrong::Forged => {
                error == OpenError::Recover(RecoverError::Combine(CombineError::Unrelated))
            }
            Wrong::ForgedAll => matches!(error, OpenError::Recover(RecoverError::OtherKey(_))),
            Wrong::Header | Wrong::HeaderAll | Wrong::Enough => matches!(error, OpenError::Recover(_)),
            Wrong::OneTooMany => matches!(error, OpenError::Recover(RecoverError::Odd(_))),
        };
        assert!(is_right, "{:?}: {error}", KINDS[kind]);
        counts[kind] += 1;
    }
    for (kind, count) in KINDS.iter().zip(counts) {
        println!("refused when opening, {kind:?}: {count}");
    }
    println!("refused when opening: {count}, opened: 0");
}
