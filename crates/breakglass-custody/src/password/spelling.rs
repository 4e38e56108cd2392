//! A password for somebody who has to hear it: each character as a word, in English or in German.
//!
//! **Source:** English letters as in the International Code of Signals and ICAO Annex 10, volume II, figure 5-1; German
//! letters as in DIN 5009:2022-06. Neither has words for the other characters; those are their usual names.

use zeroize::Zeroizing;

use super::paper::{GROUP_CHARS, PaperError};
use super::{Kind, Password};

/// The longest word for a character, with what stands before and behind it.
const WORD_BYTES_MAX: usize = 40;

/// A language to spell in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// German.
    German,
}

/// The words of a language.
struct Words {
    capital: &'static str,
    small: &'static str,
    /// For A to Z.
    letters: [&'static str; 26],
    /// For 0 to 9.
    digits: [&'static str; 10],
    /// For those of [`Kind::Special`], in their order.
    specials: [&'static str; 8],
}

const ENGLISH: Words = Words {
    capital: "capital",
    small: "small",
    letters: [
        "Alfa", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Hotel", "India", "Juliett", "Kilo", "Lima",
        "Mike", "November", "Oscar", "Papa", "Quebec", "Romeo", "Sierra", "Tango", "Uniform", "Victor", "Whiskey",
        "X-ray", "Yankee", "Zulu",
    ],
    digits: ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
    specials: [
        "exclamation mark",
        "number sign",
        "percent sign",
        "asterisk",
        "plus sign",
        "equals sign",
        "question mark",
        "at sign",
    ],
};

const GERMAN: Words = Words {
    capital: "groß",
    small: "klein",
    letters: [
        "Aachen",
        "Berlin",
        "Chemnitz",
        "Düsseldorf",
        "Essen",
        "Frankfurt",
        "Goslar",
        "Hamburg",
        "Ingelheim",
        "Jena",
        "Köln",
        "Leipzig",
        "München",
        "Nürnberg",
        "Offenbach",
        "Potsdam",
        "Quickborn",
        "Rostock",
        "Salzwedel",
        "Tübingen",
        "Unna",
        "Völklingen",
        "Wuppertal",
        "Xanten",
        "Ypsilon",
        "Zwickau",
    ],
    digits: ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"],
    specials: [
        "Ausrufezeichen",
        "Rautezeichen",
        "Prozentzeichen",
        "Sternchen",
        "Pluszeichen",
        "Gleichheitszeichen",
        "Fragezeichen",
        "At-Zeichen",
    ],
};

impl Words {
    /// What stands before a character's word, if anything, and the word.
    fn of(&self, character: char) -> Option<(&'static str, &'static str)> {
        let at = |from: u8| u8::try_from(character).ok().and_then(|byte| byte.checked_sub(from)).map(usize::from);
        match character {
            'A'..='Z' => Some((self.capital, self.letters.get(at(b'A')?)?)),
            'a'..='z' => Some((self.small, self.letters.get(at(b'a')?)?)),
            '0'..='9' => Some(("", self.digits.get(at(b'0')?)?)),
            _ => {
                let place = Kind::Special.characters().chars().position(|special| special == character)?;
                Some(("", self.specials.get(place)?))
            }
        }
    }
}

impl Password {
    /// Lends the password spelt for reading aloud, one group a line, for as long as `look` takes. Check characters are
    /// left away: they are not typed when somebody signs in.
    ///
    /// # Errors
    /// It was not made by this program, and has a character without a word.
    pub fn with_spelling<T>(&self, language: Language, look: impl FnOnce(&str) -> T) -> Result<T, PaperError> {
        let words = match language {
            Language::English => &ENGLISH,
            Language::German => &GERMAN,
        };
        let text = self.with_plaintext(|plain| {
            let mut text = Zeroizing::new(String::with_capacity(plain.len() * WORD_BYTES_MAX));
            for (place, character) in plain.chars().enumerate() {
                let (case, word) = words.of(character).ok_or(PaperError::Foreign(place + 1))?;
                text.push_str(match place {
                    0 => "",
                    _ if place % GROUP_CHARS == 0 => "\n",
                    _ => ", ",
                });
                text.push_str(case);
                text.push_str(if case.is_empty() { "" } else { " " });
                text.push_str(word);
            }
            Ok(text)
        })?;
        Ok(look(&text))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn spelt(text: &str, language: Language) -> Result<String, PaperError> {
        Password::of_text(text.to_owned()).with_spelling(language, str::to_owned)
    }

    #[test]
    fn a_password_is_spelt_group_by_group() {
        assert_eq!(
            spelt("Xk7m#a", Language::English).unwrap(),
            "capital X-ray, small Kilo, seven, small Mike\nnumber sign, small Alfa"
        );
        assert_eq!(
            spelt("Xk7m#a", Language::German).unwrap(),
            "groß Xanten, klein Köln, sieben, klein München\nRautezeichen, klein Aachen"
        );
        assert_eq!(spelt("X k", Language::German), Err(PaperError::Foreign(2)));
    }

    #[test]
    fn no_two_characters_sound_alike() {
        for (language, words) in [(Language::English, &ENGLISH), (Language::German, &GERMAN)] {
            let characters = Kind::ALL.iter().flat_map(|kind| kind.characters().chars());
            let spelt: BTreeSet<String> = characters.map(|one| spelt(&one.to_string(), language).unwrap()).collect();
            assert_eq!(spelt.len(), 64);
            assert!(spelt.iter().all(|word| word.len() + 2 <= WORD_BYTES_MAX));
            // A letter's word begins with the letter, in both standards.
            assert!(words.letters.iter().zip('A'..='Z').all(|(word, letter)| word.starts_with(letter)));
        }
    }
}
