//! `$search` over directory objects: `"displayName:text" AND ("mail:text" OR "description:text")`.
//!
//! `displayName` and `description` are searched word by word: each word that is looked for begins a word of the
//! value, in any order. Every other text, and every text of a collection, has to begin with what is looked for.
//! `AND` binds tighter than `OR`; both are in upper case, and stand between clauses without exception.
//!
//! **Source:** Microsoft Graph, "Use the $search query parameter". That a word is found by its beginning is not said
//! there, but its examples need it.

mod words;

use serde_json::{Map, Value};

use super::error::{Fault, ODataError};
use super::property::{edm_type, fold, is_name, lookup};
use words::Words;

/// The most clauses of one `$search`.
pub const SEARCH_CLAUSE_COUNT_MAX: usize = 32;

/// The most parentheses that may be open at one place of a `$search`.
pub const SEARCH_NESTING_DEPTH_MAX: usize = 16;

/// The properties that are searched word by word.
const SEARCHED_BY_WORD: [&str; 2] = ["displayName", "description"];

const PREFIX: &str = "Invalid search clause: ";

/// A search that was understood.
#[derive(Debug, Clone)]
pub struct Search {
    root: Node,
}

#[derive(Debug, Clone)]
enum Node {
    Or(Vec<Node>),
    And(Vec<Node>),
    Clause { property: String, text: String },
}

impl Search {
    /// Parses the value of `$search`, decoded.
    ///
    /// # Errors
    /// The first thing in it that is not in the language, and where it stands.
    pub fn parse(text: &str) -> Result<Self, ODataError> {
        let characters: Vec<char> = text.chars().collect();
        let mut parser = Parser { characters: &characters, at: 0, depth: 0, clauses: 0 };
        let root = parser.or().and_then(|root| {
            parser.blanks();
            if parser.at == characters.len() { Ok(root) } else { Err(parser.unexpected()) }
        });
        root.map(|root| Self { root }).map_err(|fault: Fault| fault.of(PREFIX, text))
    }

    /// Whether the object is found.
    ///
    /// # Errors
    /// A property that is searched is no text.
    pub fn matches(&self, object: &Map<String, Value>) -> Result<bool, ODataError> {
        self.root.matches(object)
    }

    /// The properties that are named.
    #[must_use]
    pub fn properties(&self) -> Vec<&str> {
        let mut named = Vec::new();
        self.root.collect_properties(&mut named);
        named
    }
}

impl Node {
    /// All parts are looked at, so that a refusal does not hang on their order.
    fn matches(&self, object: &Map<String, Value>) -> Result<bool, ODataError> {
        let all = |parts: &[Self]| parts.iter().map(|part| part.matches(object)).collect::<Result<Vec<bool>, _>>();
        match self {
            Self::Or(parts) => Ok(all(parts)?.contains(&true)),
            Self::And(parts) => Ok(!all(parts)?.contains(&false)),
            Self::Clause { property, text } => {
                let by_word = SEARCHED_BY_WORD.iter().any(|name| name.eq_ignore_ascii_case(property));
                match lookup(object, property).unwrap_or(&Value::Null) {
                    Value::Null => Ok(false),
                    Value::String(value) if by_word => Ok(Words::of(value).have(&Words::of(text))),
                    Value::String(value) => Ok(begins(value, text)),
                    Value::Array(elements) if elements.iter().all(Value::is_string) => {
                        Ok(elements.iter().filter_map(Value::as_str).any(|value| begins(value, text)))
                    }
                    other => Err(ODataError::unsupported(format!(
                        "{PREFIX}Property '{property}' is of type '{}' and cannot be searched.",
                        edm_type(other)
                    ))),
                }
            }
        }
    }

    fn collect_properties<'a>(&'a self, named: &mut Vec<&'a str>) {
        match self {
            Self::Or(parts) | Self::And(parts) => parts.iter().for_each(|part| part.collect_properties(named)),
            Self::Clause { property, .. } => {
                if !named.contains(&property.as_str()) {
                    named.push(property);
                }
            }
        }
    }
}

fn begins(value: &str, text: &str) -> bool {
    fold(value).starts_with(&fold(text))
}

struct Parser<'a> {
    characters: &'a [char],
    at: usize,
    depth: usize,
    clauses: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn unexpected(&self) -> Fault {
        match self.peek() {
            Some(character) => Fault::new(self.at, format!("Syntax error: character '{character}' is not valid")),
            None => Fault::new(self.at, "Syntax error: a clause is expected"),
        }
    }

    /// Takes the word if it is the next one and ends there.
    fn eat_word(&mut self, word: &str) -> bool {
        self.blanks();
        let length = word.chars().count();
        let from = self.characters.get(self.at..).unwrap_or_default();
        let is_there = from.iter().copied().take(length).eq(word.chars())
            && from.get(length).is_none_or(|next| next.is_whitespace() || "\"(".contains(*next));
        if is_there {
            self.at += length;
        }
        is_there
    }

    fn or(&mut self) -> Result<Node, Fault> {
        self.joined("OR", Self::and, Node::Or)
    }

    fn and(&mut self) -> Result<Node, Fault> {
        self.joined("AND", Self::primary, Node::And)
    }

    fn joined(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Result<Node, Fault>,
        join: fn(Vec<Node>) -> Node,
    ) -> Result<Node, Fault> {
        let first = part(self)?;
        if !self.eat_word(word) {
            return Ok(first);
        }
        let mut parts = vec![first, part(self)?];
        while self.eat_word(word) {
            parts.push(part(self)?);
        }
        Ok(join(parts))
    }

    fn primary(&mut self) -> Result<Node, Fault> {
        self.blanks();
        match self.peek() {
            Some('"') => self.clause(),
            Some('(') => {
                if self.depth == SEARCH_NESTING_DEPTH_MAX {
                    let reason = format!("The search nests too deep. Max allowed: {SEARCH_NESTING_DEPTH_MAX}");
                    return Err(Fault::new(self.at, reason));
                }
                self.depth += 1;
                self.at += 1;
                let inner = self.or()?;
                self.blanks();
                if self.peek() != Some(')') {
                    return Err(self.unexpected());
                }
                self.at += 1;
                self.depth -= 1;
                Ok(inner)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// `"property:text"`, in which a backslash stands before a quote and before a backslash.
    fn clause(&mut self) -> Result<Node, Fault> {
        let position = self.at;
        if self.clauses == SEARCH_CLAUSE_COUNT_MAX {
            let reason = format!("The search has too many clauses. Max allowed: {SEARCH_CLAUSE_COUNT_MAX}");
            return Err(Fault::new(position, reason));
        }
        self.clauses += 1;
        self.at += 1;
        let mut clause = String::new();
        loop {
            let Some(character) = self.peek() else {
                return Err(Fault::new(position, "There is an unterminated string literal"));
            };
            self.at += 1;
            match character {
                '"' => break,
                '\\' => match self.peek() {
                    Some(escaped @ ('"' | '\\')) => {
                        self.at += 1;
                        clause.push(escaped);
                    }
                    _ => return Err(Fault::new(self.at, "Syntax error: a backslash stands before '\"' or '\\'")),
                },
                _ => clause.push(character),
            }
        }
        let (property, text) = clause.split_once(':').unwrap_or_default();
        let text = text.trim();
        if !is_name(property) || text.is_empty() {
            return Err(Fault::new(position, "Unrecognized query argument specified: a clause is \"property:text\""));
        }
        Ok(Node::Clause { property: property.to_owned(), text: text.to_owned() })
    }
}
