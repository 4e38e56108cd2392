//! A password, and how one is made that no rule and no attacker gets past.
//!
//! At least [`LENGTH_CHARS_MIN`] characters, [`LENGTH_CHARS_USUAL`] unless it is asked otherwise; every kind of
//! [`Kind`] is in it. Characters that are mistaken for each other on paper (`0 O o`, `1 l I |`) are left out, and so
//! are quotes, backslash, space and whatever shells and forms treat in a way of their own.
//! **Source:** requirement P1 of docs/reference/requirements.md; "Password policies" of Microsoft Entra ID: at most
//! 256 characters, three of four kinds.

use std::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

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
            Self::Special => "!#%+-=?@_.:*",
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
    pub fn generate<E>(length: usize, mut fill: impl FnMut(&mut [u8]) -> Result<(), E>) -> Result<Self, PasswordError> {
        if !(LENGTH_CHARS_MIN..=LENGTH_CHARS_MAX).contains(&length) {
            return Err(PasswordError::Length(length));
        }
        let alphabet: Vec<char> = Kind::ALL.iter().flat_map(|kind| kind.characters().chars()).collect();
        // Bytes at and above it would make the first characters more likely than the others.
        let fair = u8::try_from(256 / alphabet.len() * alphabet.len()).unwrap_or(u8::MAX);
        let mut bytes = Zeroizing::new([0_u8; 256]);
        for _ in 0..TRY_COUNT_MAX {
            // It never grows, so that no copy of its beginning is left behind.
            let mut text = Zeroizing::new(String::with_capacity(length));
            for _ in 0..TRY_COUNT_MAX {
                fill(&mut bytes[..]).map_err(|_| PasswordError::Random)?;
                let drawn = bytes.iter().filter(|byte| **byte < fair);
                let drawn = drawn.filter_map(|byte| alphabet.get(usize::from(*byte) % alphabet.len()));
                let left = length - text.len();
                text.extend(drawn.take(left));
                if text.len() == length {
                    break;
                }
            }
            if text.len() == length && has_every_kind(&text) {
                return Ok(Self(text));
            }
        }
        Err(PasswordError::Random)
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

fn has_every_kind(text: &str) -> bool {
    Kind::ALL.iter().all(|kind| text.chars().any(|character| kind.characters().contains(character)))
}

#[cfg(test)]
mod tests {
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
                assert!(has_every_kind(text));
                assert!(text.chars().all(|character| Kind::ALL.iter().any(|kind| kind.characters().contains(character))));
            });
        }
    }

    #[test]
    fn each_character_is_as_likely_as_another_by_seed() {
        let mut counts = std::collections::BTreeMap::<char, u32>::new();
        let mut fill = stream(7);
        for _ in 0..4_000 {
            Password::generate(64, &mut fill)
                .unwrap()
                .with_plaintext(|text| text.chars().for_each(|character| *counts.entry(character).or_default() += 1));
        }
        let characters: usize = Kind::ALL.iter().map(|kind| kind.characters().len()).sum();
        assert_eq!(counts.len(), characters);
        let expected = 4_000.0 * 64.0 / f64::from(u32::try_from(characters).unwrap());
        // Chi-square with 67 degrees of freedom: above 112 once in three thousand.
        let distance: f64 = counts.values().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
        assert!(distance < 130.0, "{distance}");
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
