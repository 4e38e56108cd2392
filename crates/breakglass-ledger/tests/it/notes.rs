//! Notes and keys: the example of the specification, and everything that is none.

use breakglass_ledger::checkpoint::{Checkpoint, CheckpointError};
use breakglass_ledger::hash::Hash;
use breakglass_ledger::note::{NOTE_BYTES_MAX, Note, NoteError, PublicKey, Use};

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
    assert_eq!(note.cosigned_by(&example), Err(NoteError::Unsigned("example.com/foo".to_owned())));
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
    for name in ["", "two words", "a+b", "line\nbreak", &"x".repeat(201)] {
        let seed = zeroize::Zeroizing::new([1; 32]);
        let refused = breakglass_ledger::note::SecretKey::of_seed(name, Use::Notes, seed).err();
        assert_eq!(refused, Some(NoteError::Name(name.to_owned())));
    }
}

#[test]
fn what_is_signed_has_to_be_a_checkpoint_of_this_log() {
    let root = Hash::of_nothing();
    let other = Checkpoint::signed(0, root, &key("fabrikam.example/breakglass", Use::Notes, 7));
    assert!(matches!(Checkpoint::read(&other, &public()), Err(CheckpointError::Note(NoteError::Unsigned(_)))));
    // Whatever is signed by a witness is none of the log's.
    let as_witness = key(ORIGIN, Use::Cosignatures, 7);
    let good = Checkpoint::signed(0, root, &log_key());
    assert!(matches!(Checkpoint::read(&good, as_witness.public()), Err(CheckpointError::Note(NoteError::Unsigned(_)))));
}
