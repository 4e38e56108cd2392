//! Notes and keys: the example of the specification, and everything that is none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use breakglass_ledger::checkpoint::{Checkpoint, CheckpointError};
use breakglass_ledger::hash::Hash;
use breakglass_ledger::note::{
    KEY_BYTES_MAX, NAME_CHARS_MAX, NOTE_BYTES_MAX, Note, NoteError, PublicKey, SEED_BYTES, SecretKey, Use,
};
use ed25519_dalek::{Signer as _, SigningKey};
use zeroize::Zeroizing;

use super::support::{ORIGIN, key, lines, log_key, note, public, tree};

const EXAMPLE: &str = include_str!("../data/signed-note/example.note");
const EXAMPLE_KEY: &str = include_str!("../data/signed-note/example.vkey");

#[test]
fn the_example_of_the_specification_is_signed() {
    let example = PublicKey::read(EXAMPLE_KEY).unwrap();
    assert_eq!((example.name(), example.to_string().as_str()), ("example.com/foo", EXAMPLE_KEY.trim()));
    let note = Note::read(EXAMPLE).unwrap();
    assert_eq!(note.signed_by(&example), Ok("This is an example message.\n"));
    assert_eq!(note.signed_by(&public()), Err(NoteError::Unsigned(ORIGIN.to_owned())));
    assert_eq!(note.cosigned_by(&example), Err(NoteError::OtherUse("example.com/foo".to_owned())));
}

#[test]
fn every_bit_of_a_signed_checkpoint_counts() {
    let written = note(&tree(&lines(5)), 5);
    assert!(Checkpoint::read(&written, &public()).is_ok());
    for at in 0..written.len() {
        for bit in 0..8 {
            let mut bytes = written.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let Ok(spoiled) = String::from_utf8(bytes) else { continue };
            assert!(Checkpoint::read(&spoiled, &public()).is_err(), "bit {bit} of byte {at}: {spoiled}");
        }
    }
}

#[test]
fn what_is_no_note_is_refused() {
    let good = note(&tree(&lines(2)), 2);
    let signature = good.rsplit_once("\n\n").unwrap().1.to_owned();
    let crowd = signature.repeat(101);
    for (written, why) in [
        (String::new(), "no signatures"),
        ("text\n".to_owned(), "no signatures"),
        (format!("text\n\n{}", signature.trim_end()), "last line"),
        (format!("text\r\n\n{signature}"), "control"),
        (format!("text\n\n{}", signature.replace('\u{2014}', "-")), "is no signature"),
        ("text\n\n\u{2014} a+b AAAAAAA=\n".to_owned(), "is no signature"),
        ("text\n\n\u{2014} name AAAA\n".to_owned(), "is no signature"),
        (format!("text\n\n{crowd}"), "too many"),
        ("x".repeat(NOTE_BYTES_MAX + 1), "too long"),
    ] {
        let error = Note::read(&written).unwrap_err().to_string();
        assert!(error.contains(why), "{why}: {error}");
    }
    // Two signatures of one key are nobody's to choose between.
    let twice = Note::read(&format!("{good}{signature}")).unwrap();
    assert_eq!(twice.signed_by(&public()), Err(NoteError::Wrong(ORIGIN.to_owned())));
}

#[test]
fn keys_are_read_as_they_are_written_and_not_else() {
    let written = public().to_string();
    assert_eq!(PublicKey::read(&format!("{written}\n")), Ok(public()));
    let zero = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let weak = format!("{ORIGIN}+00000000+{zero}");
    for text in ["", "name", "name+1234abcd", "name+1234abcd+AAAA", &weak, &written.replace("contoso", "fabrikam")] {
        assert_eq!(PublicKey::read(text), Err(NoteError::Key), "{text}");
    }
    let refused = |name: &str| SecretKey::of_seed(name, Use::Notes, Zeroizing::new([1; SEED_BYTES])).err();
    for name in [
        "",
        "two words",
        "a+b",
        "line\nbreak",
        "\u{9b}2J",
        "m\u{fc}ller",
        "a\u{202e}b",
        &"x".repeat(NAME_CHARS_MAX + 1),
    ] {
        assert_eq!(refused(name), Some(NoteError::Name), "{name:?}");
    }
    let longest = key(&"x".repeat(NAME_CHARS_MAX), Use::Cosignatures, 3).public().clone();
    assert_eq!(longest.to_string().len(), KEY_BYTES_MAX);
    assert_eq!(PublicKey::read(&longest.to_string()), Ok(longest.clone()));
    assert_eq!(PublicKey::read(&format!("{longest}A")), Err(NoteError::Key));
}

/// What a hostile text has in it gets to nobody's terminal by way of an error.
#[test]
fn errors_repeat_nothing_that_was_read() {
    let evil = "\u{9b}2J\u{202e}evil";
    let written = format!("{evil}\n5\n{}\n", Hash::of_nothing());
    let key = log_key();
    let good = note(&tree(&lines(2)), 2);
    let signature = good.rsplit_once("\n\n").unwrap().1;
    for text in [
        evil.to_owned(),
        format!("{evil}+00000000+AAAA"),
        format!("{written}\n{signature}"),
        format!("{written}\n{evil}\n"),
    ] {
        let errors = [
            PublicKey::read(&text).unwrap_err().to_string(),
            Checkpoint::read(&text, key.public()).unwrap_err().to_string(),
        ];
        for error in errors {
            assert!(!error.contains("evil") && !error.chars().any(char::is_control), "{error:?}");
        }
    }
}

#[test]
fn what_is_signed_has_to_be_a_checkpoint_of_this_log() {
    let root = Hash::of_nothing();
    let other = Checkpoint::signed(0, root, &key("fabrikam.example/breakglass", Use::Notes, 7)).unwrap();
    assert!(matches!(Checkpoint::read(&other, &public()), Err(CheckpointError::Note(NoteError::Unsigned(_)))));
    // A key of a witness signs no checkpoint of its own, and vouches for none.
    let as_witness = key(ORIGIN, Use::Cosignatures, 7);
    let other_use = || Some(CheckpointError::Note(NoteError::OtherUse(ORIGIN.to_owned())));
    assert_eq!(Checkpoint::signed(0, root, &as_witness).err(), other_use());
    let good = Checkpoint::signed(0, root, &log_key()).unwrap();
    assert_eq!(Checkpoint::read(&good, as_witness.public()).err(), other_use());
    assert_eq!(Note::read(&good).unwrap().cosigned_by(&public()), Err(NoteError::OtherUse(ORIGIN.to_owned())));
}

/// A note that the log has signed though it is no checkpoint of it.
fn signed_anyhow(text: &str) -> Result<u64, CheckpointError> {
    let good = note(&tree(&lines(2)), 2);
    let signature = good.trim_end().rsplit_once(' ').unwrap().1;
    let id = &STANDARD.decode(signature).unwrap()[..4];
    let signed = SigningKey::from_bytes(&[7; SEED_BYTES]).sign(text.as_bytes()).to_bytes();
    let line = STANDARD.encode([id, &signed].concat());
    let written = format!("{text}\n\u{2014} {ORIGIN} {line}\n");
    Checkpoint::read(&written, &public()).map(|(checkpoint, _)| checkpoint.size())
}

#[test]
fn what_the_log_signs_and_is_no_checkpoint_is_refused() {
    let root = tree(&lines(2)).root(2).unwrap();
    assert_eq!(signed_anyhow(&format!("{ORIGIN}\n2\n{root}\n")), Ok(2));
    let max = u64::MAX;
    assert_eq!(signed_anyhow(&format!("{ORIGIN}\n{max}\n{root}\n")), Ok(max));
    for (text, why) in [
        (format!("{ORIGIN}\n2\n"), "fewer than three"),
        (format!("{ORIGIN}\n2\n{root}\nmore\n"), "more than three"),
        (format!("{ORIGIN}\n2\n{root}\n\n"), "more than three"),
        (format!("{ORIGIN}\n02\n{root}\n"), "no number"),
        (format!("{ORIGIN}\n+2\n{root}\n"), "no number"),
        (format!("{ORIGIN}\n-2\n{root}\n"), "no number"),
        (format!("{ORIGIN}\n\n{root}\n"), "no number"),
        (format!("{ORIGIN}\n{max}0\n{root}\n"), "no number"),
        (format!("{ORIGIN}\n2\n{root}=\n"), "no hash"),
        (format!("{ORIGIN}\n2\nAAAA\n"), "no hash"),
        (format!("{ORIGIN}\n0\n{root}\n"), "no entries"),
        (format!("fabrikam.example\n2\n{root}\n"), "another log"),
    ] {
        let error = signed_anyhow(&text).unwrap_err().to_string();
        assert!(error.contains(why), "{text:?}: {error}");
    }
    // Nor is it made.
    assert!(Checkpoint::signed(0, root, &log_key()).is_err());
}
