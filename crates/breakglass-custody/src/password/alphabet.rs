//! The characters of passwords, and their numbers.
//!
//! **Invariant:** a character is looked up by looking at all of them, so that the time does not tell which it was.

use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};

use super::Kind;

/// Characters of four kinds; as many in all as a power of two, so that each is as likely as another.
pub(super) struct Alphabet<'a> {
    /// The characters of each kind, all ASCII.
    pub(super) kinds: [&'a str; 4],
}

impl Alphabet<'static> {
    /// The characters of the passwords that are made: 64.
    pub(super) const PAPER: Self = Self {
        kinds: [
            Kind::Upper.characters(),
            Kind::Lower.characters(),
            Kind::Digit.characters(),
            Kind::Special.characters(),
        ],
    };
}

impl Alphabet<'_> {
    /// How many characters there are.
    pub(super) fn size(&self) -> usize {
        self.kinds.iter().map(|kind| kind.len()).sum()
    }

    /// The character that a random byte comes to.
    pub(super) fn drawn(&self, byte: u8) -> char {
        let mask = u8::try_from(self.size() - 1).unwrap_or(u8::MAX);
        self.character(byte & mask)
    }

    /// The character with a number, below [`Self::size`].
    pub(super) fn character(&self, number: u8) -> char {
        let mut found = 0_u8;
        for (at, character) in (0_u8..).zip(self.characters()) {
            found.conditional_assign(&character, at.ct_eq(&number));
        }
        char::from(found)
    }

    /// The number of a character, if it is one of them.
    pub(super) fn number(&self, character: char) -> Option<u8> {
        let wanted = u8::try_from(character).ok()?;
        let mut found = u8::MAX;
        for (at, character) in (0_u8..).zip(self.characters()) {
            found.conditional_assign(&at, character.ct_eq(&wanted));
        }
        (found != u8::MAX).then_some(found)
    }

    /// Whether characters of each kind are in a text.
    pub(super) fn has_every_kind(&self, text: &str) -> bool {
        self.kinds.iter().all(|kind| text.chars().any(|character| kind.contains(character)))
    }

    fn characters(&self) -> impl Iterator<Item = u8> {
        self.kinds.iter().flat_map(|kind| kind.bytes())
    }
}
