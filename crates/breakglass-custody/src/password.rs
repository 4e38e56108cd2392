//! A password, and how one is made that no rule and no attacker gets past.
//!
//! At least [`LENGTH_CHARS_MIN`] characters, [`LENGTH_CHARS_USUAL`] unless it is asked otherwise; every kind of
//! [`Kind`] is in it. There are 64 characters: those that are mistaken for each other on paper (`0 O o`, `1 l I |`) are
//! left out, and so are quotes, backslash, space, stops and strokes. 28 of them are 168 bits, of which less than one is
//! lost to the rule that every kind is there.
//!
//! Every password that keeps the rule is as likely as every other: whole passwords are drawn until one keeps it.
//! **Source:** requirement P1 of docs/reference/requirements.md; "Password policies" of Microsoft Entra ID: at most
//! 256 characters, three of four kinds.

mod alphabet;
mod paper;
mod spelling;

use std::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

use self::alphabet::Alphabet;
pub use self::paper::{GROUP_CHARS, PAPER_CHARS_MAX, PaperError};
pub use self::spelling::Language;

/// Characters of the shortest password that is made.
pub const LENGTH_CHARS_MIN: usize = 16;

/// Characters of a password unless it is asked otherwise.
pub const LENGTH_CHARS_USUAL: usize = 28;

/// Characters of the longest password that is made; Entra takes 256.
pub const LENGTH_CHARS_MAX: usize = 128;

/// Passwords that are tried before a source of randomness is called broken: that one of this many has every kind is
/// certain beyond 2^-128.
const TRY_COUNT_MAX: usize = 1_000;

/// A kind of characters of which each password has at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Capital letters.
    Upper,
    /// Small letters.
    Lower,
    /// Digits.
    Digit,
    /// Everything else.
    Special,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Upper, Self::Lower, Self::Digit, Self::Special];

    /// Its characters, all ASCII.
    #[must_use]
    pub const fn characters(self) -> &'static str {
        match self {
            Self::Upper => "ABCDEFGHJKLMNPQRSTUVWXYZ",
            Self::Lower => "abcdefghijkmnpqrstuvwxyz",
            Self::Digit => "23456789",
            Self::Special => "!#%*+=?@",
        }
    }
}

/// Why there is no password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// The length asked for is none that is made.
    #[error("a password has from {LENGTH_CHARS_MIN} to {LENGTH_CHARS_MAX} characters, not {0}")]
    Length(usize),
    /// The source of randomness failed, or does not give what is random.
    #[error("there is no randomness to make a password of")]
    Random,
}

/// A password. It is neither copied nor shown nor compared in a time that tells of it, and it is wiped when dropped.
pub struct Password(Zeroizing<String>);

impl Password {
    /// Makes one of `length` characters, each drawn uniformly, from what `fill` puts into a buffer.
    ///
    /// # Errors
    /// The length is outside of [`LENGTH_CHARS_MIN`] to [`LENGTH_CHARS_MAX`], or `fill` fails.
    pub fn generate<E>(length: usize, fill: impl FnMut(&mut [u8]) -> Result<(), E>) -> Result<Self, PasswordError> {
        if !(LENGTH_CHARS_MIN..=LENGTH_CHARS_MAX).contains(&length) {
            return Err(PasswordError::Length(length));
        }
        drawn(&Alphabet::PAPER, length, fill).map(Self)
    }

    /// Takes over a password that somebody typed; the text is wiped where it was.
    #[must_use]
    pub fn of_text(mut text: String) -> Self {
        let password = Self(Zeroizing::new(String::from(text.as_str())));
        text.zeroize();
        password
    }

    /// Takes over a password that was opened.
    pub(crate) const fn of_wiped(text: Zeroizing<String>) -> Self {
        Self(text)
    }

    /// Lends the plain text for as long as `look` takes. Whoever calls this puts it into a request, an envelope, or
    /// before the eyes of somebody, and nowhere else.
    pub fn with_plaintext<T>(&self, look: impl FnOnce(&str) -> T) -> T {
        look(&self.0)
    }

    /// Whether both are the same; it takes as long whatever is in them, if they are of one length.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// A text in which every kind of the alphabet is, drawn uniformly among all of those.
fn drawn<E>(
    alphabet: &Alphabet<'_>,
    length: usize,
    mut fill: impl FnMut(&mut [u8]) -> Result<(), E>,
) -> Result<Zeroizing<String>, PasswordError> {
    let mut bytes = Zeroizing::new(vec![0_u8; length]);
    for _ in 0..TRY_COUNT_MAX {
        fill(&mut bytes).map_err(|_| PasswordError::Random)?;
        // It never grows, so that no copy of its beginning is left behind.
        let mut text = Zeroizing::new(String::with_capacity(length));
        text.extend(bytes.iter().map(|byte| alphabet.drawn(*byte)));
        if alphabet.has_every_kind(&text) {
            return Ok(text);
        }
    }
    Err(PasswordError::Random)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    /// Bytes that are as good as random, from a seed.
    fn stream(mut seed: u64) -> impl FnMut(&mut [u8]) -> Result<(), Infallible> {
        move |bytes: &mut [u8]| {
            for byte in bytes {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *byte = u8::try_from(seed >> 56).unwrap();
            }
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn every_password_has_every_kind_and_the_length_by_seed(seed: u64, length in LENGTH_CHARS_MIN..=LENGTH_CHARS_MAX) {
            let password = Password::generate(length, stream(seed)).unwrap();
            password.with_plaintext(|text| {
                assert_eq!(text.chars().count(), length);
                for kind in Kind::ALL {
                    assert!(text.chars().any(|character| kind.characters().contains(character)));
                }
                assert!(text.chars().all(|character| Kind::ALL.iter().any(|kind| kind.characters().contains(character))));
            });
        }
    }

    /// Every string of bytes that a source could give is given once; those that come to a text without every kind are
    /// told by the second question.
    fn enumerated(kinds: [&str; 4], length: usize) -> (BTreeMap<String, u32>, u32) {
        let alphabet = Alphabet { kinds };
        let size = alphabet.size();
        let (mut texts, mut rejected) = (BTreeMap::new(), 0);
        for number in 0..size.pow(u32::try_from(length).unwrap()) {
            let mut is_first = true;
            let made = drawn(&alphabet, length, |bytes: &mut [u8]| {
                if !std::mem::take(&mut is_first) {
                    return Err(());
                }
                let mut rest = number;
                for byte in bytes {
                    *byte = u8::try_from(rest % size).unwrap();
                    rest /= size;
                }
                Ok(())
            });
            match made {
                Ok(text) => *texts.entry(text.to_string()).or_default() += 1,
                Err(_) => rejected += 1,
            }
        }
        (texts, rejected)
    }

    #[test]
    fn over_a_tiny_alphabet_every_password_is_drawn_exactly_once() {
        for (kinds, length) in [(["A", "b", "2", "#"], 7), (["AB", "cd", "23", "#!"], 5), (["ABC", "de", "23", "#"], 6)]
        {
            let (texts, rejected) = enumerated(kinds, length);
            assert!(texts.values().all(|count| *count == 1));
            // Every text there is, by inclusion and exclusion of kinds that are missing.
            let sizes = kinds.map(str::len);
            let total: usize = sizes.iter().sum();
            let mut expected = 0_i64;
            for missing in 0..16_u32 {
                let gone = (0..4).filter(|kind| missing >> kind & 1 == 1).map(|kind| sizes[kind as usize]);
                let left = i64::try_from(total - gone.sum::<usize>()).unwrap();
                let term = left.pow(u32::try_from(length).unwrap());
                expected += if missing.count_ones() % 2 == 0 { term } else { -term };
            }
            println!(
                "passwords of {length} from {kinds:?}: {} drawn once each, {rejected} strings rejected",
                texts.len()
            );
            assert_eq!(i64::try_from(texts.len()).unwrap(), expected);
            assert_eq!(texts.len() + rejected as usize, total.pow(u32::try_from(length).unwrap()));
        }
    }

    #[test]
    fn each_character_comes_of_four_bytes() {
        let mut counts = BTreeMap::<char, u32>::new();
        for byte in 0..=255 {
            *counts.entry(Alphabet::PAPER.drawn(byte)).or_default() += 1;
        }
        assert_eq!(counts.len(), 64);
        assert!(counts.values().all(|count| *count == 4));
        let characters: String = Kind::ALL.iter().map(|kind| kind.characters()).collect();
        assert!(counts.keys().all(|character| characters.contains(*character)));
        let sizes = Kind::ALL.map(|kind| kind.characters().len());
        assert_eq!(sizes, [24, 24, 8, 8]);
        // Entra takes all of them.
        assert!(Kind::Special.characters().chars().all(|one| "@#$%^&*-_!+=[]{}|\\:',.?/`~\"();<> ".contains(one)));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for length in [0, LENGTH_CHARS_MIN - 1, LENGTH_CHARS_MAX + 1] {
            assert_eq!(Password::generate(length, stream(1)).unwrap_err(), PasswordError::Length(length));
        }
        let broken = |bytes: &mut [u8]| {
            bytes.fill(0);
            Ok::<_, Infallible>(())
        };
        assert_eq!(Password::generate(20, broken).unwrap_err(), PasswordError::Random);
        assert_eq!(Password::generate(20, |_| Err(())).unwrap_err(), PasswordError::Random);
    }

    #[test]
    fn it_is_not_shown_and_compared_by_itself() {
        let password = Password::of_text("correct horse".to_owned());
        assert_eq!(format!("{password:?}"), "Password");
        assert!(password.is_same(&Password::of_text("correct horse".to_owned())));
        assert!(!password.is_same(&Password::of_text("correct horst".to_owned())));
    }
}
