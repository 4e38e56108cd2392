//! A text cut into words, as the directory does it for searching.
//!
//! A word ends at a blank, a symbol, between letters and digits, and where a lower letter is followed by an upper
//! one. Symbols are words of their own. Words with no blank between them are found joined, too.

use super::super::property::fold;

/// The words of a text, without regard to case.
#[derive(Debug)]
pub(super) struct Words {
    stretches: Vec<Stretch>,
    symbols: Vec<char>,
}

/// What stands between two blanks: its letters and digits without the symbols, and where its words begin.
#[derive(Debug, Default)]
struct Stretch {
    joined: String,
    /// In bytes of `joined`.
    starts: Vec<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Upper,
    Letter,
    Digit,
    Symbol,
}

impl Words {
    pub(super) fn of(text: &str) -> Self {
        let mut symbols = Vec::new();
        let stretches = text.split_whitespace().map(|part| Stretch::of(part, &mut symbols)).collect();
        Self { stretches, symbols }
    }

    /// Whether every word that is looked for begins a word here, and every symbol stands here.
    pub(super) fn have(&self, sought: &Self) -> bool {
        let has_word = |word: &str| self.stretches.iter().any(|stretch| stretch.has(word));
        sought.symbols.iter().all(|symbol| self.symbols.contains(symbol))
            && sought.stretches.iter().flat_map(Stretch::words).all(has_word)
    }
}

impl Stretch {
    fn of(part: &str, symbols: &mut Vec<char>) -> Self {
        let mut stretch = Self::default();
        let mut before = Kind::Symbol;
        for character in part.chars() {
            let kind = kind(character);
            if kind == Kind::Symbol {
                symbols.push(character);
            } else {
                let is_start = match (before, kind) {
                    (Kind::Symbol, _) | (Kind::Letter, Kind::Upper) => true,
                    _ => (before == Kind::Digit) != (kind == Kind::Digit),
                };
                if is_start {
                    stretch.starts.push(stretch.joined.len());
                }
                stretch.joined.push_str(&fold(character.encode_utf8(&mut [0; 4])));
            }
            before = kind;
        }
        stretch
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        let ends = self.starts.iter().skip(1).copied().chain([self.joined.len()]);
        self.starts.iter().zip(ends).filter_map(|(start, end)| self.joined.get(*start..end))
    }

    fn has(&self, word: &str) -> bool {
        self.starts.iter().filter_map(|start| self.joined.get(*start..)).any(|rest| rest.starts_with(word))
    }
}

fn kind(character: char) -> Kind {
    if character.is_numeric() {
        Kind::Digit
    } else if character.is_uppercase() {
        Kind::Upper
    } else if character.is_alphabetic() {
        Kind::Letter
    } else {
        Kind::Symbol
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found() {
        for (value, sought, is_found) in [
            ("hello world", "world", true),
            ("hello world", "wor", true),
            ("hello world", "orld", false),
            ("hello world", "world hello", true),
            ("HelloWorld", "world", true),
            ("HelloWorld", "helloworld", true),
            ("HELLOworld", "world", false),
            ("hello.world", "helloworld", true),
            ("hello-world", "helloworld", true),
            ("hello world", "helloworld", false),
            ("hello123world", "123", true),
            ("hello123world", "world", true),
            ("OneVideo", "one video", true),
            ("Video One", "OneVideo", true),
            ("Adam Guthrie", "Guthr", true),
            ("李四(David Li)", "李四(David Li)", true),
            ("李四(David Li)", "李四", true),
            ("李四(David Li)", "David", true),
            ("李四(David Li)", "Li", true),
            ("李四(David Li)", "David)", true),
            ("李四(David Li)", "(李四", true),
            ("李四(David Li)", "Li 李", true),
            ("李四(David Li)", "David]", false),
            ("", "a", false),
        ] {
            assert_eq!(Words::of(value).have(&Words::of(sought)), is_found, "{sought} in {value}");
        }
    }
}
