//! What the readers of notes, keys and checkpoints promise of any text: what they take they write in one way, nobody's
//! signature is taken for another's, and a refusal is one line that no terminal takes for a command.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use breakglass_ledger::checkpoint::Checkpoint;
use breakglass_ledger::hash::Hash;
use breakglass_ledger::note::{Note, PublicKey, SecretKey, Use};
use breakglass_ledger::witness::accept;
use ed25519_dalek::{Signer as _, SigningKey};
use jiff::Timestamp;
use zeroize::Zeroizing;

/// The seed of the key that signs what the fuzzer makes; nobody else has it, and it signs nothing else.
const SEED: [u8; 32] = *b"the fuzzer's own, and no other's";

const ORIGIN: &str = "fuzzer.example/log";

fn key(name: &str, of: Use) -> SecretKey {
    SecretKey::of_seed(name, of, Zeroizing::new(SEED)).expect("it is a name")
}

/// Checks it for some text: as it is, and as a text that the log signs.
pub(crate) fn hold(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match PublicKey::read(text) {
        Ok(key) => assert_eq!(key.to_string(), text.trim(), "a key has one text"),
        Err(error) => is_plain(&error.to_string()),
    }
    if let Some(hash) = Hash::read(text) {
        assert_eq!(hash.to_string(), text, "a hash has one text");
    }
    let log = key(ORIGIN, Use::Notes);
    match Note::read(text) {
        Ok(note) => {
            assert!(text.starts_with(note.unconfirmed()), "what is signed stands in front");
            // Whatever the fuzzer writes, it has not signed; what is signed here has the one line that signs it.
            let is_own =
                text.strip_prefix(note.unconfirmed()).is_some_and(|rest| rest.contains(&line(note.unconfirmed())));
            assert!(is_own || note.signed_by(log.public()).is_err(), "nobody signed it");
        }
        Err(error) => is_plain(&error.to_string()),
    }
    hold_signed(&format!("{text}\n"), &log);
}

fn hold_signed(text: &str, log: &SecretKey) {
    let written = format!("{text}\n{}", line(text));
    let Ok(note) = Note::read(&written) else { return };
    // The last empty line divides, so that an empty line of the text does not.
    assert_eq!(note.unconfirmed(), text);
    assert_eq!(note.signed_by(log.public()), Ok(text));
    match Checkpoint::read(&written, log.public()) {
        Ok((found, _)) => {
            assert!(is_checkpoint(text), "it is none");
            assert_eq!(format!("{ORIGIN}\n{}\n{}\n", found.size(), found.root()), text, "it has one text");
            let accepted = accept(None, &written, log.public(), &[]).expect("the first one is believed");
            let witness = key("fuzzer.example/witness", Use::Cosignatures);
            let cosigned = accepted.cosigned(&witness, Timestamp::UNIX_EPOCH).expect("it is a witness");
            let cosigned = Note::read(&cosigned).expect("what was written is read");
            assert_eq!(cosigned.cosigned_by(witness.public()), Ok(Timestamp::UNIX_EPOCH));
        }
        Err(error) => {
            assert!(!is_checkpoint(text), "it is one: {error}");
            is_plain(&error.to_string());
        }
    }
}

/// What the format says, once more.
fn is_checkpoint(text: &str) -> bool {
    let lines: Vec<&str> = text.split('\n').collect();
    let [ORIGIN, size, root, ""] = lines.as_slice() else { return false };
    let Ok(number) = size.parse::<u64>() else { return false };
    let root = STANDARD.decode(root).ok().filter(|bytes| bytes.len() == 32);
    let is_whole = root.is_some_and(|bytes| number > 0 || bytes == Hash::of_nothing().bytes());
    number.to_string() == **size && is_whole
}

/// The line with the log's signature of any text; independent of how the product does it.
fn line(text: &str) -> String {
    let public = key(ORIGIN, Use::Notes).public().to_string();
    let id = public.split('+').nth(1).expect("a key has an id");
    let id = u32::from_str_radix(id, 16).expect("it is eight digits").to_be_bytes();
    let signature = SigningKey::from_bytes(&SEED).sign(text.as_bytes()).to_bytes();
    let signed = [id.as_slice(), &signature].concat();
    format!("\u{2014} {ORIGIN} {}\n", STANDARD.encode(signed))
}

/// That a message is one line that no terminal takes for a command.
fn is_plain(message: &str) {
    assert!(!message.chars().any(char::is_control), "{message:?}");
}
