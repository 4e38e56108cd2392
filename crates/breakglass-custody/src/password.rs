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

/// Characters of the longest password that Entra takes.
pub const CHOSEN_CHARS_MAX: usize = 256;

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

    /// What one of them is called.
    const fn word(self) -> &'static str {
        match self {
            Self::Upper => "capital letter",
            Self::Lower => "small letter",
            Self::Digit => "digit",
            Self::Special => "sign that is neither a letter nor a digit",
        }
    }

    /// The kind of a character that somebody chose; `None` of one that Entra does not take.
    const fn of(character: char) -> Option<Self> {
        match character {
            'A'..='Z' => Some(Self::Upper),
            'a'..='z' => Some(Self::Lower),
            '0'..='9' => Some(Self::Digit),
            ' '..='~' => Some(Self::Special),
            _ => None,
        }
    }

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

/// What a password lacks that somebody chose.
///
/// **Source:** requirement P1 of docs/reference/requirements.md; "Password policies" of Microsoft Entra ID: which characters it
/// takes, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Shortcoming {
    /// It is too short.
    #[error("fewer than {LENGTH_CHARS_MIN} characters")]
    Short,
    /// Entra takes none that is so long.
    #[error("more than {CHOSEN_CHARS_MAX} characters")]
    Long,
    /// Nothing of one kind is in it.
    #[error("no {}", .0.word())]
    Missing(Kind),
    /// Entra does not take one of its characters.
    #[error("a character that is neither a letter without marks, a digit, a sign of ASCII nor a space")]
    Foreign,
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

    /// What it lacks to be relied on, if somebody chose it.
    #[must_use]
    pub fn shortcomings(&self) -> Vec<Shortcoming> {
        let length = self.0.chars().count();
        let mut lacks = Vec::new();
        if length < LENGTH_CHARS_MIN {
            lacks.push(Shortcoming::Short);
        }
        if length > CHOSEN_CHARS_MAX {
            lacks.push(Shortcoming::Long);
        }
        let has = |kind: &Kind| self.0.chars().any(|character| Kind::of(character) == Some(*kind));
        lacks.extend(Kind::ALL.into_iter().filter(|kind| !has(kind)).map(Shortcoming::Missing));
        if self.0.chars().any(|character| Kind::of(character).is_none()) {
            lacks.push(Shortcoming::Foreign);
        }
        lacks
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

    #[test]
    fn what_a_chosen_password_lacks_is_said() {
        let lacks = |text: &str| Password::of_text(text.to_owned()).shortcomings();
        let missing = Shortcoming::Missing;
        for (text, expected) in [
            ("Correct horse 1 b", vec![]),
            ("Correct-horse-1b", vec![]),
            ("Correct-horse-1", vec![Shortcoming::Short]),
            ("correct-horse-1-battery", vec![missing(Kind::Upper)]),
            ("CORRECT-HORSE-1-BATTERY", vec![missing(Kind::Lower)]),
            ("Correct-horse-battery", vec![missing(Kind::Digit)]),
            ("Correcthorse1battery", vec![missing(Kind::Special)]),
            ("Correct-h\u{f6}rse-1-battery", vec![Shortcoming::Foreign]),
            (
                "",
                vec![
                    Shortcoming::Short,
                    missing(Kind::Upper),
                    missing(Kind::Lower),
                    missing(Kind::Digit),
                    missing(Kind::Special),
                ],
            ),
        ] {
            assert_eq!(lacks(text), expected, "{text}");
        }
        let longest = format!("Aa1-{}", "x".repeat(CHOSEN_CHARS_MAX - 4));
        assert_eq!(lacks(&longest), []);
        assert_eq!(lacks(&(longest + "x")), [Shortcoming::Long]);
        for length in [LENGTH_CHARS_MIN, LENGTH_CHARS_USUAL, LENGTH_CHARS_MAX] {
            assert_eq!(Password::generate(length, stream(7)).unwrap().shortcomings(), []);
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
