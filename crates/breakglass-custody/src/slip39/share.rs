//! One share: what stands before its words says which set it is of, then comes its part of the secret.
//!
//! **Limits:** [`SHARE_TEXT_BYTES_MAX`], [`SHARE_WORDS_MIN`] to [`SHARE_WORDS_MAX`].
//! **Invariant:** an error names places and never a word, since each word is ten bits of a secret; what was probably
//! meant is asked for with [`Mistyped::suggestions`], for the eyes of whoever typed it.
//! **Source:** SLIP-0039, "Format of the share mnemonic".

use std::fmt;

use zeroize::Zeroizing;

use super::rs1024::{self, CHECKSUM_WORDS};
use super::words::{self, WORD_LETTERS_MAX};

/// Bytes of the longest text that is read as a share.
pub const SHARE_TEXT_BYTES_MAX: usize = 2_048;

/// Words of the shortest share: that of 128 bits.
pub const SHARE_WORDS_MIN: usize = 20;

/// Words of the longest share: that of 512 bits.
pub const SHARE_WORDS_MAX: usize = 59;

/// Words before the part of the secret.
const HEADER_WORDS: usize = 4;

/// Bits of a word.
const WORD_BITS: usize = 10;

/// What a share says of itself. None of it is secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Header {
    /// Which set it is of: 15 bits that were drawn for it.
    pub identifier: u16,
    /// Whether more sets of the same secret may be made; the identifier then plays no part in the cipher.
    pub is_extendable: bool,
    /// How much work the cipher is, from 0 to 15.
    pub iteration_exponent: u8,
    /// Which group it is of, from 0.
    pub group: u8,
    /// Groups that are needed, from 1.
    pub group_threshold: u8,
    /// Groups that there are, from 1.
    pub group_count: u8,
    /// Which share of its group it is, from 0.
    pub member: u8,
    /// Shares of its group that are needed, from 1.
    pub member_threshold: u8,
}

impl Header {
    fn to_bytes(self) -> [u8; 5] {
        let [high, low] = ((self.identifier << 1) | u16::from(self.is_extendable)).to_be_bytes();
        [
            high,
            low,
            (self.iteration_exponent << 4) | self.group,
            ((self.group_threshold - 1) << 4) | (self.group_count - 1),
            (self.member << 4) | (self.member_threshold - 1),
        ]
    }

    /// The numbers of the two words with which every share of the set begins.
    pub(crate) fn first_words(self) -> [u16; 2] {
        let [high, low, work, ..] = self.to_bytes();
        let first = u16::from_be_bytes([high, low]);
        [first >> 6, ((first & 0x3f) << 4) | u16::from(work >> 4)]
    }

    fn of_bytes([high, low, work, groups, member]: [u8; 5]) -> Self {
        let first = u16::from_be_bytes([high, low]);
        Self {
            identifier: first >> 1,
            is_extendable: first & 1 == 1,
            iteration_exponent: work >> 4,
            group: work & 15,
            group_threshold: (groups >> 4) + 1,
            group_count: (groups & 15) + 1,
            member: member >> 4,
            member_threshold: (member & 15) + 1,
        }
    }
}

/// A word that is none, or is another than the one that was written.
pub struct Mistyped {
    /// Which word, from 1.
    pub word: usize,
    suggestions: Vec<&'static str>,
}

impl Mistyped {
    /// What was probably meant, the likeliest first; often one word, sometimes none. It is a guess for somebody to
    /// look at beside the paper. A suggestion is part of a secret: it is shown to whoever typed the share, and nowhere
    /// else.
    #[must_use]
    pub fn suggestions(&self) -> &[&'static str] {
        &self.suggestions
    }
}

impl fmt::Debug for Mistyped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mistyped {{ word: {} }}", self.word)
    }
}

/// Why a text is no share. `share` is the number under which the text was handed in.
#[derive(Debug, thiserror::Error)]
pub enum ShareError {
    /// The text is too long to be one.
    #[error("share {share} is a text of more than {SHARE_TEXT_BYTES_MAX} bytes; a share is one line of words")]
    Long {
        /// Which.
        share: usize,
    },
    /// It has words that are not in the list.
    #[error("share {share}: {} in the word list; compare with the paper, letter by letter", places(words))]
    Unlisted {
        /// Which.
        share: usize,
        /// Each of the words.
        words: Vec<Mistyped>,
    },
    /// No share has that many words.
    #[error("share {share} has {count} words, and a share of a sealing key has 33; a word is missing or too many")]
    WordCount {
        /// Which.
        share: usize,
        /// Its words.
        count: usize,
    },
    /// Its checksum does not hold.
    #[error(
        "share {share}: every word is in the word list, but one of them is another than was written, or they are not in \
         order{}; compare with the paper, word by word", probably(wrong.as_ref())
    )]
    Checksum {
        /// Which.
        share: usize,
        /// The one word that is probably wrong, where one alone can be.
        wrong: Option<Mistyped>,
    },
    /// Its checksum holds, but it is nothing that any tool writes.
    #[error("share {share} was not made by the rules of SLIP-0039, and cannot be used")]
    Malformed {
        /// Which.
        share: usize,
    },
}

fn places(words: &[Mistyped]) -> String {
    let numbers: Vec<String> = words.iter().map(|wrong| wrong.word.to_string()).collect();
    match numbers.as_slice() {
        [one] => format!("word {one} is not"),
        [before @ .., last] => format!("words {} and {last} are not", before.join(", ")),
        [] => "a word is not".to_owned(),
    }
}

fn probably(wrong: Option<&Mistyped>) -> String {
    wrong.map_or_else(String::new, |wrong| format!(", probably word {}", wrong.word))
}

/// One share. It is neither copied nor shown nor compared, and it is wiped when dropped.
pub struct Share {
    header: Header,
    value: Zeroizing<Vec<u8>>,
}

impl Share {
    pub(super) const fn new(header: Header, value: Zeroizing<Vec<u8>>) -> Self {
        Self { header, value }
    }

    /// Reads the words of a share, in capitals or small letters, with any space between them. `share` is its number in
    /// errors. Nothing is guessed: a word is in the list as it is, or the text is refused. Wiping the text is up to the
    /// caller.
    ///
    /// # Errors
    /// The text is too long, has words that are not in the list, too few or too many, or its checksum does not hold.
    pub fn read(share: usize, text: &str) -> Result<Self, ShareError> {
        if text.len() > SHARE_TEXT_BYTES_MAX {
            return Err(ShareError::Long { share });
        }
        let count = text.split_whitespace().count();
        let mut indices = Zeroizing::new(Vec::with_capacity(count));
        let mut unlisted = Vec::new();
        for (place, typed) in text.split_whitespace().enumerate() {
            let mut word = Zeroizing::new(typed.to_owned());
            word.make_ascii_lowercase();
            match words::index_of(&word) {
                Some(index) => indices.push(index),
                None => unlisted.push(Mistyped { word: place + 1, suggestions: words::suggestions(&word) }),
            }
        }
        if !unlisted.is_empty() {
            return Err(ShareError::Unlisted { share, words: unlisted });
        }
        Self::of_indices(share, &indices)
    }

    fn of_indices(share: usize, indices: &[u16]) -> Result<Self, ShareError> {
        let count = indices.len();
        let unused = (count.saturating_sub(HEADER_WORDS + CHECKSUM_WORDS) * WORD_BITS) % 16;
        if !(SHARE_WORDS_MIN..=SHARE_WORDS_MAX).contains(&count) || unused > 8 {
            return Err(ShareError::WordCount { share, count });
        }
        let malformed = || ShareError::Malformed { share };
        let (data, _) = indices.split_last_chunk::<CHECKSUM_WORDS>().ok_or_else(malformed)?;
        let (header, value) = data.split_at_checked(HEADER_WORDS).ok_or_else(malformed)?;
        let header = to_bytes(header, 0).and_then(|bytes| bytes.as_slice().try_into().ok()).ok_or_else(malformed)?;
        let header = Header::of_bytes(header);
        if !rs1024::holds(header.is_extendable, indices) {
            let wrong = rs1024::mended(header.is_extendable, indices).and_then(|(place, index)| {
                Some(Mistyped { word: place + 1, suggestions: vec![words::offered(index)?] })
            });
            return Err(ShareError::Checksum { share, wrong });
        }
        if header.group_threshold > header.group_count {
            return Err(malformed());
        }
        let value = to_bytes(value, unused).ok_or_else(malformed)?;
        Ok(Self { header, value })
    }

    /// Lends its words, on one line in small letters with one space between them, for as long as `look` takes.
    pub fn with_words<T>(&self, look: impl FnOnce(&str) -> T) -> T {
        let header = to_indices(&self.header.to_bytes());
        let value = to_indices(&self.value);
        // It has room for everything, so that no copy of its beginning is left behind; so has the text.
        let mut all = Zeroizing::new(Vec::with_capacity(header.len() + value.len() + CHECKSUM_WORDS));
        all.extend_from_slice(&header);
        all.extend_from_slice(&value);
        let checksum = Zeroizing::new(rs1024::checksum(self.header.is_extendable, &all));
        all.extend_from_slice(checksum.as_slice());
        let mut text = Zeroizing::new(String::with_capacity(all.len() * (WORD_LETTERS_MAX + 1)));
        for index in all.iter() {
            if !text.is_empty() {
                text.push(' ');
            }
            let letters = Zeroizing::new(words::letters_of(*index));
            text.extend(letters.iter().take_while(|letter| **letter != 0).map(|letter| char::from(*letter)));
        }
        look(&text)
    }

    /// What it says of itself.
    #[must_use]
    pub const fn header(&self) -> Header {
        self.header
    }

    /// Bytes of the secret of which it is a share.
    #[must_use]
    pub fn secret_bytes(&self) -> usize {
        self.value.len()
    }

    pub(super) fn value(&self) -> &[u8] {
        &self.value
    }
}

/// Words for bytes; unused bits of the first word are zero.
fn to_indices(bytes: &[u8]) -> Zeroizing<Vec<u16>> {
    let count = (bytes.len() * 8).div_ceil(WORD_BITS);
    let mut indices = Zeroizing::new(Vec::with_capacity(count));
    let mut bits = count * WORD_BITS - bytes.len() * 8;
    let mut held = Zeroizing::new(0_u16);
    for byte in bytes {
        // At most nine bits are held, of which those that do not fit beside a byte go out first.
        let taken = (WORD_BITS - bits).min(8);
        let rest = 8 - taken;
        *held = (*held << taken) | (u16::from(*byte) >> rest);
        bits += taken;
        if bits == WORD_BITS {
            indices.push(*held);
            *held = u16::from(*byte) & ((1 << rest) - 1);
            bits = rest;
        }
    }
    indices
}

/// Bytes of words, of which the first has `unused` bits that must be zero. `None` where they are not.
fn to_bytes(indices: &[u16], unused: usize) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(indices.len() * WORD_BITS / 8));
    let mut bits = 0;
    let mut held = Zeroizing::new(0_u32);
    for (place, index) in indices.iter().enumerate() {
        let fresh = if place == 0 { WORD_BITS - unused } else { WORD_BITS };
        if index >> fresh != 0 {
            return None;
        }
        *held = (*held << fresh) | u32::from(*index);
        bits += fresh;
        while bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(*held >> bits).ok()?);
            *held &= (1 << bits) - 1;
        }
    }
    (bits == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = "duckling enlarge academic academic agency result length solution fridge kidney coal piece deal \
                         husband erode duke ajar critical decision keyboard";

    fn refused(text: &str) -> ShareError {
        Share::read(2, text).err().unwrap()
    }

    #[test]
    fn a_share_is_read_and_written_again() {
        let share = Share::read(1, RIGHT).unwrap();
        share.with_words(|words| assert_eq!(words, RIGHT.split_whitespace().collect::<Vec<_>>().join(" ")));
        assert_eq!(share.header().identifier, 7_945);
        assert_eq!((share.header().group_count, share.header().member_threshold), (1, 1));
        assert!(Share::read(1, &RIGHT.to_uppercase().replace(' ', "\n ")).is_ok());
    }

    #[test]
    fn what_is_mistyped_is_named_and_no_word_is_in_the_error() {
        let error = refused(&RIGHT.replace("academic", "acadexic"));
        assert_eq!(
            error.to_string(),
            "share 2: words 3 and 4 are not in the word list; compare with the paper, letter by letter"
        );
        let ShareError::Unlisted { words, .. } = &error else { panic!("{error:?}") };
        assert_eq!(words[0].suggestions(), ["academic"]);
        assert!(!format!("{error:?} {error}").contains("acade"));

        let error = refused(&RIGHT.replace("kidney", "kitchen"));
        assert!(error.to_string().contains("probably word 10;"), "{error}");
        let ShareError::Checksum { wrong: Some(wrong), .. } = &error else { panic!("{error:?}") };
        assert_eq!(wrong.suggestions(), ["kidney"]);
        assert!(!format!("{error:?} {error}").contains("kidney"));

        let error = refused(&RIGHT.replace("kidney coal", "coal kidney"));
        assert!(matches!(error, ShareError::Checksum { wrong: None, .. }), "{error:?}");
    }

    #[test]
    fn lengths_that_no_share_has_are_refused() {
        for count in (0..SHARE_WORDS_MIN).chain([21, 24, 60, 61]) {
            let text = vec!["academic"; count].join(" ");
            let error = refused(&text);
            assert!(matches!(error, ShareError::WordCount { share: 2, count: found } if found == count), "{error}");
        }
        assert!(matches!(refused(&" ".repeat(SHARE_TEXT_BYTES_MAX + 1)), ShareError::Long { share: 2 }));
    }

    #[test]
    fn words_and_bytes_are_the_same_bits() {
        for length in (5..=64).filter(|length| length % 2 == 0 || *length == 5) {
            let bytes: Vec<u8> = (0..length).map(|at: u8| at.wrapping_mul(151) ^ 0xa5).collect();
            let indices = to_indices(&bytes);
            let unused = indices.len() * WORD_BITS - bytes.len() * 8;
            assert_eq!(to_bytes(&indices, unused).unwrap().as_slice(), bytes);
        }
        assert!(to_bytes(&[0x200, 0, 0, 0, 0], 2).is_none(), "an unused bit is set");
    }

    #[test]
    fn a_header_keeps_everything() {
        let bytes = [0xab, 0xcd, 0x5e, 0x0f, 0xf1];
        assert_eq!(Header::of_bytes(bytes).to_bytes(), bytes);
    }
}
