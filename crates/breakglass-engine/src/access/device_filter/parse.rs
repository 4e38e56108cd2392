//! Reads a device filter rule: characters to lexemes, lexemes to a tree.
//!
//! Recursive descent over at most [`DEVICE_FILTER_RULE_LENGTH_CHARS_MAX`] characters.
//! **Invariant:** descends once per open parenthesis and never beyond
//! [`DEVICE_FILTER_NESTING_DEPTH_MAX`], so no rule exhausts the stack, here or later.
//! Columns count characters from 1. **Source:** see the parent module.

use super::{
    Comparison, DEVICE_FILTER_NESTING_DEPTH_MAX, DEVICE_FILTER_RULE_LENGTH_CHARS_MAX, DeviceOperator, DeviceProperty,
    Node, Operand, boolean_literal,
};

/// The most characters of a rule that an error repeats.
const QUOTED_LENGTH_CHARS_MAX: usize = 40;

const EXPECTED_FACTOR: &str = "`(`, `-not` or a property such as `device.model`";

/// Why a text is not a device filter rule. Columns count characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceFilterError {
    /// The rule is longer than Conditional Access stores.
    #[error(
        "device filter rule has {length_chars} characters, more than the {DEVICE_FILTER_RULE_LENGTH_CHARS_MAX} allowed"
    )]
    TooLong {
        /// How long the rule is, in characters.
        length_chars: usize,
    },
    /// Too many parentheses are open at once.
    #[error(
        "device filter rule opens more than {DEVICE_FILTER_NESTING_DEPTH_MAX} parentheses at once, at character {column}"
    )]
    TooDeep {
        /// The first parenthesis too many.
        column: usize,
    },
    /// Something else should stand here.
    #[error("expected {expected} at character {column}, found {found}")]
    Unexpected {
        /// Where.
        column: usize,
        /// What may stand here.
        expected: &'static str,
        /// What stands here, shortened, in backticks.
        found: String,
    },
    /// A quotation mark without its partner.
    #[error("the text that starts at character {column} has no closing quotation mark")]
    UnterminatedText {
        /// The opening quotation mark.
        column: usize,
    },
    /// A backtick that escapes nothing: the documentation gives it no meaning.
    #[error("the backtick at character {column} escapes nothing; it may only stand before a double quotation mark")]
    LoneBacktick {
        /// Where.
        column: usize,
    },
    /// `device.` and a name that device filters do not have.
    #[error(
        "`device.{name}` at character {column} is not a property of device filters; expected one of {}",
        property_names()
    )]
    UnknownProperty {
        /// Where the word starts.
        column: usize,
        /// The name after `device.`, shortened.
        name: String,
    },
    /// A word in the place of an operator that is none.
    #[error("`{name}` at character {column} is not an operator; expected one of {} for `device.{property}`", operator_names(*property))]
    UnknownOperator {
        /// Where the word starts.
        column: usize,
        /// The word, shortened.
        name: String,
        /// The property it stands behind.
        property: DeviceProperty,
    },
    /// An operator that this property does not have.
    #[error("`{operator}` at character {column} cannot be used with `device.{property}`; expected one of {}", operator_names(*property))]
    OperatorNotAllowed {
        /// Where the operator starts.
        column: usize,
        /// The operator.
        operator: DeviceOperator,
        /// The property it stands behind.
        property: DeviceProperty,
    },
}

impl DeviceFilterError {
    /// Where to point: the column of the first character that is wrong.
    #[must_use]
    pub fn column(&self) -> usize {
        match self {
            Self::TooLong { .. } => DEVICE_FILTER_RULE_LENGTH_CHARS_MAX.saturating_add(1),
            Self::TooDeep { column }
            | Self::Unexpected { column, .. }
            | Self::UnterminatedText { column }
            | Self::LoneBacktick { column }
            | Self::UnknownProperty { column, .. }
            | Self::UnknownOperator { column, .. }
            | Self::OperatorNotAllowed { column, .. } => *column,
        }
    }
}

pub(super) fn parse(rule: &str) -> Result<Node, DeviceFilterError> {
    let length_chars = rule.chars().count();
    if length_chars > DEVICE_FILTER_RULE_LENGTH_CHARS_MAX {
        return Err(DeviceFilterError::TooLong { length_chars });
    }
    let mut parser =
        Parser { lexemes: Lexer::lexemes(rule)?.into_iter().peekable(), end: length_chars.saturating_add(1) };
    let node = parser.any(0)?;
    match parser.next() {
        (_, Lexeme::End) => Ok(node),
        (column, other) => Err(unexpected(column, "`-and`, `-or` or the end of the rule", &other)),
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Lexeme {
    Open,
    Close,
    ListOpen,
    ListClose,
    Comma,
    Word(String),
    Text(String),
    End,
}

impl Lexeme {
    /// Whether this is the word, with or without its hyphen.
    fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(written) if without_hyphen(written).eq_ignore_ascii_case(word))
    }

    fn quoted(&self) -> String {
        let written = match self {
            Self::Open => "(",
            Self::Close => ")",
            Self::ListOpen => "[",
            Self::ListClose => "]",
            Self::Comma => ",",
            Self::Word(word) => word,
            Self::Text(text) => return format!("`\"{}\"`", shortened(text)),
            Self::End => return "the end of the rule".to_owned(),
        };
        format!("`{}`", shortened(written))
    }
}

struct Lexer<'rule> {
    characters: std::iter::Peekable<std::str::Chars<'rule>>,
    column: usize,
}

impl<'rule> Lexer<'rule> {
    fn lexemes(rule: &'rule str) -> Result<Vec<(usize, Lexeme)>, DeviceFilterError> {
        let mut lexer = Self { characters: rule.chars().peekable(), column: 0 };
        let mut lexemes = Vec::new();
        while let Some(character) = lexer.next() {
            let column = lexer.column;
            let lexeme = match character {
                '(' => Lexeme::Open,
                ')' => Lexeme::Close,
                '[' => Lexeme::ListOpen,
                ']' => Lexeme::ListClose,
                ',' => Lexeme::Comma,
                '"' | '\'' => lexer.text(character)?,
                space if space.is_whitespace() => continue,
                first => lexer.word(first),
            };
            lexemes.push((column, lexeme));
        }
        Ok(lexemes)
    }

    fn next(&mut self) -> Option<char> {
        let character = self.characters.next()?;
        self.column = self.column.saturating_add(1);
        Some(character)
    }

    fn next_if(&mut self, wanted: char) -> bool {
        let is_next = self.characters.peek() == Some(&wanted);
        if is_next {
            self.next();
        }
        is_next
    }

    /// The rest of a text after its opening quotation mark.
    fn text(&mut self, mark: char) -> Result<Lexeme, DeviceFilterError> {
        let start = self.column;
        let mut text = String::new();
        while let Some(character) = self.next() {
            match character {
                '\'' if self.next_if('\'') => text.push('\''),
                closing if closing == mark => return Ok(Lexeme::Text(text)),
                '`' if self.next_if('"') => text.push('"'),
                '`' => {
                    return Err(DeviceFilterError::LoneBacktick { column: self.column });
                }
                other => text.push(other),
            }
        }
        Err(DeviceFilterError::UnterminatedText { column: start })
    }

    fn word(&mut self, first: char) -> Lexeme {
        let ends_word = |character: char| character.is_whitespace() || "()[],\"'".contains(character);
        let mut word = String::from(first);
        while let Some(&character) = self.characters.peek() {
            if ends_word(character) {
                break;
            }
            word.push(character);
            self.next();
        }
        Lexeme::Word(word)
    }
}

struct Parser {
    lexemes: std::iter::Peekable<std::vec::IntoIter<(usize, Lexeme)>>,
    /// The column behind the last character.
    end: usize,
}

impl Parser {
    fn next(&mut self) -> (usize, Lexeme) {
        self.lexemes.next().unwrap_or((self.end, Lexeme::End))
    }

    fn next_is(&mut self, word: &str) -> bool {
        self.lexemes.next_if(|(_, lexeme)| lexeme.is(word)).is_some()
    }

    fn any(&mut self, depth: usize) -> Result<Node, DeviceFilterError> {
        let mut parts = vec![self.all(depth)?];
        while self.next_is("or") {
            parts.push(self.all(depth)?);
        }
        Ok(any_of(parts))
    }

    fn all(&mut self, depth: usize) -> Result<Node, DeviceFilterError> {
        let mut parts = vec![self.factor(depth)?];
        while self.next_is("and") {
            parts.push(self.factor(depth)?);
        }
        Ok(all_of(parts))
    }

    fn factor(&mut self, depth: usize) -> Result<Node, DeviceFilterError> {
        let is_negated = self.next_is("not");
        let node = match self.next() {
            (column, Lexeme::Open) => {
                if depth >= DEVICE_FILTER_NESTING_DEPTH_MAX {
                    return Err(DeviceFilterError::TooDeep { column });
                }
                let inner = self.any(depth.saturating_add(1))?;
                match self.next() {
                    (_, Lexeme::Close) => inner,
                    (column, other) => return Err(unexpected(column, "`-and`, `-or` or `)`", &other)),
                }
            }
            (column, Lexeme::Word(word)) => Node::Comparison(self.comparison(column, &word)?),
            (column, other) => return Err(unexpected(column, EXPECTED_FACTOR, &other)),
        };
        Ok(if is_negated { Node::Not(Box::new(node)) } else { node })
    }

    fn comparison(&mut self, column: usize, word: &str) -> Result<Comparison, DeviceFilterError> {
        let property = property(column, word)?;
        let operator = self.operator(property)?;
        let written = match (property, operator.takes_list()) {
            (DeviceProperty::IsCompliant, _) => vec![self.boolean()?],
            (_, true) => self.list()?,
            (_, false) => vec![self.text("a text in double quotation marks")?],
        };
        let operands = written.into_iter().map(|text| Operand::new(property, text)).collect();
        Ok(Comparison { property, operator, operands })
    }

    fn operator(&mut self, property: DeviceProperty) -> Result<DeviceOperator, DeviceFilterError> {
        let (column, lexeme) = self.next();
        let Some(operator) = DeviceOperator::ALL.into_iter().find(|known| lexeme.is(without_hyphen(known.as_str())))
        else {
            return Err(match lexeme {
                Lexeme::Word(word) => DeviceFilterError::UnknownOperator { column, name: shortened(&word), property },
                other => unexpected(column, "an operator such as `-eq`", &other),
            });
        };
        if !property.operators().contains(&operator) {
            return Err(DeviceFilterError::OperatorNotAllowed { column, operator, property });
        }
        Ok(operator)
    }

    /// `True` or `False`; the documentation writes them with and without quotation marks.
    fn boolean(&mut self) -> Result<String, DeviceFilterError> {
        let (column, lexeme) = self.next();
        let literal = match &lexeme {
            Lexeme::Word(word) | Lexeme::Text(word) => {
                [true, false].map(boolean_literal).into_iter().find(|literal| literal.eq_ignore_ascii_case(word))
            }
            _ => None,
        };
        literal.map(str::to_owned).ok_or_else(|| unexpected(column, "`True` or `False`", &lexeme))
    }

    fn list(&mut self) -> Result<Vec<String>, DeviceFilterError> {
        match self.next() {
            (_, Lexeme::ListOpen) => {}
            (column, other) => return Err(unexpected(column, "a list such as `[\"one\", \"two\"]`", &other)),
        }
        let mut texts = Vec::new();
        loop {
            texts.push(self.text("a text in double quotation marks as part of the list")?);
            match self.next() {
                (_, Lexeme::Comma) => {}
                (_, Lexeme::ListClose) => return Ok(texts),
                (column, other) => return Err(unexpected(column, "`,` or `]`", &other)),
            }
        }
    }

    fn text(&mut self, expected: &'static str) -> Result<String, DeviceFilterError> {
        match self.next() {
            (_, Lexeme::Text(text)) => Ok(text),
            (column, other) => Err(unexpected(column, expected, &other)),
        }
    }
}

/// Joins parts by `-or`; parentheses around a part of the same kind change nothing.
fn any_of(parts: Vec<Node>) -> Node {
    let mut flat = Vec::new();
    for part in parts {
        match part {
            Node::Any(members) => flat.extend(members),
            other => flat.push(other),
        }
    }
    <[Node; 1]>::try_from(flat).map_or_else(Node::Any, |[only]| only)
}

/// Joins parts by `-and`, likewise.
fn all_of(parts: Vec<Node>) -> Node {
    let mut flat = Vec::new();
    for part in parts {
        match part {
            Node::All(members) => flat.extend(members),
            other => flat.push(other),
        }
    }
    <[Node; 1]>::try_from(flat).map_or_else(Node::All, |[only]| only)
}

fn property(column: usize, word: &str) -> Result<DeviceProperty, DeviceFilterError> {
    match word.split_once('.') {
        Some((object, name)) if object.eq_ignore_ascii_case("device") => DeviceProperty::from_name(name)
            .ok_or_else(|| DeviceFilterError::UnknownProperty { column, name: shortened(name) }),
        _ => Err(unexpected(column, EXPECTED_FACTOR, &Lexeme::Word(word.to_owned()))),
    }
}

fn unexpected(column: usize, expected: &'static str, found: &Lexeme) -> DeviceFilterError {
    DeviceFilterError::Unexpected { column, expected, found: found.quoted() }
}

fn without_hyphen(word: &str) -> &str {
    word.strip_prefix('-').unwrap_or(word)
}

/// Input fit for a message: not too long, and without characters that drive a terminal.
fn shortened(text: &str) -> String {
    let harmless = |character: char| if character.is_control() { char::REPLACEMENT_CHARACTER } else { character };
    let mut shown: String = text.chars().take(QUOTED_LENGTH_CHARS_MAX).map(harmless).collect();
    if text.chars().nth(QUOTED_LENGTH_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

fn operator_names(property: DeviceProperty) -> String {
    names(property.operators().iter().map(DeviceOperator::to_string))
}

fn property_names() -> String {
    let named = DeviceProperty::all().filter(|property| !matches!(property, DeviceProperty::ExtensionAttribute(_)));
    names(named.map(|property| property.to_string()).chain(["extensionAttribute1-15".to_owned()]))
}

fn names(names: impl Iterator<Item = String>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
