//! What reading and combining shares promises of any text, one share a line: what is taken is written as it was read, and
//! read and combined as the referee does; what is refused is refused without a word of it.

use breakglass_custody::slip39::{SHARE_TEXT_BYTES_MAX, SHARE_WORDS_MAX, Share, combine};

use crate::referee;

/// Iterations double with each exponent; above this one a fuzzer would wait.
const ITERATION_EXPONENT_MAX: u8 = 1;

/// Shares that are combined at once.
const SHARE_COUNT_MAX: usize = 6;

/// Fields in front of the value of a share, in bytes of an input.
const FIELD_COUNT: usize = 8;

/// Checks it for some text; or, behind a zero, for what is in shares, one byte for each field, so that a checksum need not be
/// guessed.
pub(crate) fn hold(bytes: &[u8]) {
    match bytes.split_first() {
        Some((0, made)) => {
            let texts: Vec<String> = made.chunks(FIELD_COUNT + 16).map(written).collect();
            hold_texts(&texts);
        }
        _ => {
            let Ok(text) = std::str::from_utf8(bytes) else { return };
            hold_texts(&text.lines().map(str::to_owned).collect::<Vec<_>>());
        }
    }
}

/// A share with these fields and this value, whose checksum holds.
fn written(bytes: &[u8]) -> String {
    let masks = [0x7fff, 1, 0, 15, 15, 15, 15, 15];
    let mut fields = [0; FIELD_COUNT];
    for ((field, byte), mask) in fields.iter_mut().zip(bytes).zip(masks) {
        *field = u32::from(*byte) & mask;
    }
    for at in [4, 5, 7] {
        fields[at] += 1;
    }
    let mut value: Vec<u8> = bytes.iter().skip(FIELD_COUNT).copied().collect();
    value.resize(16, 0);
    referee::write(&referee::Read { fields, value })
}

fn hold_texts(texts: &[String]) {
    let mut shares = Vec::new();
    let mut taken = Vec::new();
    for (number, text) in (1..).zip(texts.iter().take(SHARE_COUNT_MAX)) {
        let text = text.to_ascii_lowercase();
        let count = text.split_whitespace().count();
        // The referee has no limits but the number of words.
        let is_within = text.len() <= SHARE_TEXT_BYTES_MAX && count <= SHARE_WORDS_MAX;
        match Share::read(number, &text) {
            Ok(share) => {
                assert!(is_within && referee::read(&text).is_some(), "the referee refuses it");
                let once = text.split_whitespace().collect::<Vec<_>>().join(" ");
                share.with_words(|words| assert_eq!(words, once, "it is written as it was read"));
                if share.header().iteration_exponent <= ITERATION_EXPONENT_MAX {
                    shares.push(share);
                    taken.push(text);
                }
            }
            Err(error) => {
                assert!(!is_within || referee::read(&text).is_none(), "the referee takes it: {error}");
                is_silent(&text, &format!("{error} {error:?}"));
            }
        }
    }
    let combined = combine(&shares.iter().collect::<Vec<_>>(), b"").ok().map(|secret| secret.to_vec());
    assert_eq!(combined, referee::combined(&taken, b""), "the referee has another secret");
}

/// That no word of a text is in a message, if the message does not have it of its own accord.
fn is_silent(text: &str, message: &str) {
    const OWN: [&str; 2] = ["share", "paper"];
    let list = referee::list();
    let told = message.split(|letter: char| !letter.is_ascii_alphabetic());
    for word in told.filter(|word| list.contains(word) && !OWN.contains(word)) {
        assert!(!text.split_whitespace().any(|typed| typed == word), "the message has a word of the share");
    }
}
