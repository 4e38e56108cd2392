//! A name of a person, a document or a request: what is written down, spoken, and made into a file's name anywhere.
//!
//! **Limit:** [`NAME_CHARS_MAX`].

use std::fmt;

use serde::{Deserialize, Serialize};

/// Characters of the longest name.
pub const NAME_CHARS_MAX: usize = 64;

/// A text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to {NAME_CHARS_MAX} small letters, digits and hyphens, and this is none")]
pub struct NameError;

/// A name: small letters, digits and hyphens of ASCII. Those of documents and requests are drawn at random.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// Reads one.
    ///
    /// # Errors
    /// It is empty, too long, or has another character in it.
    pub fn read(text: &str) -> Result<Self, NameError> {
        let is_good = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-';
        let is_name = (1..=NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_good);
        if is_name { Ok(Self(text.to_owned())) } else { Err(NameError) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::read(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_file_s_name_anywhere() {
        for text in ["a", "eva-2", "0123456789abcdef0123456789abcdef", &"z".repeat(NAME_CHARS_MAX)] {
            assert_eq!(Name::read(text).map(|name| name.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "Eva", "e va", "..", "a/b", "a.b", "ä", &"z".repeat(NAME_CHARS_MAX + 1)] {
            assert_eq!(Name::read(text), Err(NameError), "{text}");
        }
    }
}
