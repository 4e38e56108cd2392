//! A filter cut into words, literals and marks.

use super::super::error::Fault;
use super::super::property::is_type_name;
use super::literal::{GUID_LENGTH_CHARS, Literal, is_guid};

/// A piece of a filter, and where it begins.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) position: usize,
    pub(super) kind: TokenKind,
}

#[derive(Debug, Clone)]
pub(super) enum TokenKind {
    /// A name, an operator, a function, or the name of a type.
    Word(String),
    Literal(Literal),
    /// `$count`
    Count,
    /// One of `(`, `)`, `,`, `/` and `:`.
    Mark(char),
}

/// The pieces of a filter, in order.
pub(super) fn lex(text: &str) -> Result<Vec<Token>, Fault> {
    let characters: Vec<char> = text.chars().collect();
    let mut lexer = Lexer { characters: &characters, at: 0 };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer<'a> {
    characters: &'a [char],
    at: usize,
}

impl Lexer<'_> {
    fn next(&mut self) -> Result<Option<Token>, Fault> {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        let position = self.at;
        let Some(first) = self.peek() else { return Ok(None) };
        let kind = match first {
            '(' | ')' | ',' | '/' | ':' => {
                self.at += 1;
                TokenKind::Mark(first)
            }
            '\'' => TokenKind::Literal(Literal::Text(self.quoted()?)),
            '$' => {
                self.at += 1;
                match self.take(|other| other.is_ascii_alphanumeric()).as_str() {
                    "count" => TokenKind::Count,
                    _ => return Err(Fault::new(position, "Syntax error: only '$count' may begin with '$'")),
                }
            }
            _ if self.guid().is_some() => self.bare(),
            '-' | '0'..='9' => self.bare(),
            _ if first.is_ascii_alphabetic() || first == '_' => self.word()?,
            _ => return Err(Fault::new(position, format!("Syntax error: character '{first}' is not valid"))),
        };
        self.end_of(position, &kind)?;
        Ok(Some(Token { position, kind }))
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    /// Takes the characters that belong together.
    fn take(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let from = self.characters.get(self.at..).unwrap_or_default();
        let taken: String = from.iter().copied().take_while(|character| belongs(*character)).collect();
        self.at += taken.chars().count();
        taken
    }

    /// A guid that begins here.
    fn guid(&self) -> Option<String> {
        let from = self.characters.get(self.at..).unwrap_or_default();
        let text: String = from.iter().take(GUID_LENGTH_CHARS).collect();
        is_guid(&text).then_some(text)
    }

    /// A number, guid or date; a word if it is none of them, which no grammar has a place for.
    fn bare(&mut self) -> TokenKind {
        let text = self.take(|other| other.is_ascii_alphanumeric() || ".:+-_".contains(other));
        Literal::bare(&text).map_or(TokenKind::Word(text), TokenKind::Literal)
    }

    /// A name, or the member of an enumeration: `microsoft.graph.type'member'`.
    fn word(&mut self) -> Result<TokenKind, Fault> {
        let position = self.at;
        let word = self.take(|other| other.is_ascii_alphanumeric() || other == '_' || other == '.');
        if self.peek() != Some('\'') {
            return Ok(TokenKind::Word(word));
        }
        if !is_type_name(&word) {
            return Err(Fault::new(position, format!("Syntax error: unknown type '{word}' of a literal")));
        }
        Ok(TokenKind::Literal(Literal::Member(word, self.quoted()?)))
    }

    /// A text in quotes, in which two quotes stand for one.
    fn quoted(&mut self) -> Result<String, Fault> {
        let position = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(character) = self.peek() {
            self.at += 1;
            if character != '\'' {
                text.push(character);
            } else if self.peek() == Some('\'') {
                self.at += 1;
                text.push('\'');
            } else {
                return Ok(text);
            }
        }
        Err(Fault::new(position, "There is an unterminated string literal"))
    }

    /// A literal is followed by a blank or a mark, and what looks like a literal is one.
    fn end_of(&self, position: usize, kind: &TokenKind) -> Result<(), Fault> {
        match kind {
            TokenKind::Word(word) if !word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') => {
                Err(Fault::new(position, format!("Syntax error: '{word}' is no number, date or GUID")))
            }
            // A guid may begin with a letter, and be longer than one.
            TokenKind::Word(word)
                if !word.chars().all(|other| other.is_ascii_alphanumeric() || "._".contains(other)) =>
            {
                Err(Fault::new(position, format!("Syntax error: '{word}' is no number, date or GUID")))
            }
            TokenKind::Literal(_) | TokenKind::Count => match self.peek() {
                Some(next) if !next.is_whitespace() && !"(),/:".contains(next) => {
                    Err(Fault::new(self.at, format!("Syntax error: character '{next}' is not valid")))
                }
                _ => Ok(()),
            },
            TokenKind::Word(_) | TokenKind::Mark(_) => Ok(()),
        }
    }
}
