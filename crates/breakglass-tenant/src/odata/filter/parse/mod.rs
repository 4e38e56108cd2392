//! From the text of a filter to its meaning.

mod path;

use super::super::error::Fault;
use super::super::property::is_name;
use super::lex::{Token, TokenKind, lex};
use super::literal::Literal;
use super::{
    Comparison, FILTER_NESTING_DEPTH_MAX, FILTER_TERM_COUNT_MAX, IN_ELEMENT_COUNT_MAX, Node, Path, Segment, Subject,
    incompatible,
};

/// Parses a whole filter.
pub(super) fn parse(text: &str) -> Result<Node, Fault> {
    let end = text.chars().count();
    let mut parser = Parser { tokens: lex(text)?, at: 0, end, depth: 0, terms: 0, variables: Vec::new() };
    let whole = parser.or()?;
    match parser.peek() {
        None => whole.condition(),
        Some(_) => Err(parser.unexpected()),
    }
}

/// A part of a filter before it is known what it is used as.
struct Term {
    position: usize,
    kind: TermKind,
}

enum TermKind {
    Condition(Node),
    Property(Path),
    Count(Path),
    Literal(Literal),
}

impl Term {
    /// The part as something that is true or false.
    fn condition(self) -> Result<Node, Fault> {
        match self.kind {
            TermKind::Condition(node) => Ok(node),
            TermKind::Property(path) => Ok(Node::Truth(path)),
            TermKind::Count(_) | TermKind::Literal(_) => {
                Err(Fault::new(self.position, "The filter is no condition: an operator is expected"))
            }
        }
    }

    /// The part as something that is compared with literals.
    fn subject(self) -> Result<Subject, Fault> {
        match self.kind {
            TermKind::Condition(node) => Ok(Subject::Condition(Box::new(node))),
            TermKind::Property(path) => Ok(Subject::Property(path)),
            TermKind::Count(path) => Ok(Subject::Count(path)),
            TermKind::Literal(_) => {
                Err(Fault::unsupported(self.position, "A comparison of two literals is not supported"))
            }
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    /// Where the text ends.
    end: usize,
    depth: usize,
    terms: usize,
    /// The variables of the lambdas that are open.
    variables: Vec<String>,
}

impl Parser {
    fn peek(&self) -> Option<&TokenKind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn position(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |token| token.position)
    }

    fn unexpected(&self) -> Fault {
        match self.peek() {
            None => Fault::new(self.end, "Expression expected"),
            Some(_) => Fault::new(self.position(), "Syntax error"),
        }
    }

    fn is_mark(&self, ahead: usize, mark: char) -> bool {
        let token = self.tokens.get(self.at + ahead);
        matches!(token, Some(Token { kind: TokenKind::Mark(found), .. }) if *found == mark)
    }

    fn eat(&mut self, mark: char) -> bool {
        let is_there = self.is_mark(0, mark);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, mark: char) -> Result<(), Fault> {
        if self.eat(mark) {
            Ok(())
        } else {
            Err(Fault::new(self.position(), format!("Syntax error: '{mark}' expected")))
        }
    }

    /// Takes the word if it is the next one.
    fn eat_word(&mut self, word: &str) -> bool {
        let is_there = matches!(self.peek(), Some(TokenKind::Word(found)) if found.eq_ignore_ascii_case(word));
        self.at += usize::from(is_there);
        is_there
    }

    fn enter(&mut self, position: usize) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > FILTER_NESTING_DEPTH_MAX {
            return Err(Fault::new(
                position,
                format!("The filter nests too deep. Max allowed: {FILTER_NESTING_DEPTH_MAX}"),
            ));
        }
        Ok(())
    }

    fn count_term(&mut self, position: usize) -> Result<(), Fault> {
        self.terms += 1;
        if self.terms > FILTER_TERM_COUNT_MAX {
            return Err(Fault::new(
                position,
                format!("The filter has too many clauses. Max allowed: {FILTER_TERM_COUNT_MAX}"),
            ));
        }
        Ok(())
    }

    fn or(&mut self) -> Result<Term, Fault> {
        self.joined("or", Self::and, Node::Or)
    }

    fn and(&mut self) -> Result<Term, Fault> {
        self.joined("and", |parser| parser.comparisons(false), Node::And)
    }

    /// Parts with the same word between them.
    fn joined(
        &mut self,
        word: &str,
        part: impl Fn(&mut Self) -> Result<Term, Fault>,
        join: fn(Vec<Node>) -> Node,
    ) -> Result<Term, Fault> {
        let first = part(self)?;
        let position = first.position;
        if !self.eat_word(word) {
            return Ok(first);
        }
        let mut parts = vec![first.condition()?, part(self)?.condition()?];
        while self.eat_word(word) {
            parts.push(part(self)?.condition()?);
        }
        Ok(Term { position, kind: TermKind::Condition(join(parts)) })
    }

    /// Comparisons from left to right: first those with `eq` and `ne`, inside of them the relational ones.
    fn comparisons(&mut self, relational: bool) -> Result<Term, Fault> {
        let operand = |parser: &mut Self| if relational { parser.unary() } else { parser.comparisons(true) };
        let mut left = operand(self)?;
        let operators = Comparison::ALL.into_iter().filter(|operator| operator.is_relational() == relational);
        while let Some(operator) = operators.clone().find(|operator| self.eat_word(operator.word())) {
            let right = operand(self)?;
            left = self.compare(left, operator, right)?;
        }
        Ok(left)
    }

    fn compare(&mut self, left: Term, operator: Comparison, right: Term) -> Result<Term, Fault> {
        let position = left.position;
        let (subject, operator, literal) = match (left, right) {
            (left, Term { kind: TermKind::Literal(literal), .. }) => (left.subject()?, operator, literal),
            (Term { kind: TermKind::Literal(literal), .. }, right) => (right.subject()?, operator.flipped(), literal),
            (left, _) => {
                let reason = "A comparison is supported only with a literal on one side";
                return Err(Fault::unsupported(left.position, reason));
            }
        };
        if let Subject::Condition(inner) = &subject
            && matches!(**inner, Node::Compare { subject: Subject::Condition(_), .. })
        {
            return Err(Fault::unsupported(position, "A comparison of a compared condition is not supported"));
        }
        check_types(position, &subject, operator, &literal)?;
        self.count_term(position)?;
        Ok(Term { position, kind: TermKind::Condition(Node::Compare { subject, operator, literal }) })
    }

    fn unary(&mut self) -> Result<Term, Fault> {
        let position = self.position();
        if self.is_mark(1, '/') || !self.eat_word("not") {
            return self.membership();
        }
        self.enter(position)?;
        let inner = self.unary()?.condition()?;
        self.depth -= 1;
        Ok(Term { position, kind: TermKind::Condition(Node::Not(Box::new(inner))) })
    }

    fn membership(&mut self) -> Result<Term, Fault> {
        let mut term = self.primary()?;
        loop {
            let position = term.position;
            let node = if self.eat_word("in") {
                let subject = term.subject()?;
                if matches!(subject, Subject::Condition(_)) {
                    return Err(Fault::unsupported(position, "The operator 'in' needs a property or a count"));
                }
                let literals = self.list(&subject)?;
                Node::In { subject, literals }
            } else if self.eat_word("has") {
                let TermKind::Property(path) = term.kind else {
                    return Err(Fault::new(position, "The operator 'has' needs a property"));
                };
                Node::Has { path, members: self.members()? }
            } else {
                return Ok(term);
            };
            self.count_term(position)?;
            term = Term { position, kind: TermKind::Condition(node) };
        }
    }

    /// The list of an `in`.
    fn list(&mut self, subject: &Subject) -> Result<Vec<Literal>, Fault> {
        self.expect('(')?;
        let mut literals = Vec::new();
        loop {
            let position = self.position();
            if literals.len() == IN_ELEMENT_COUNT_MAX {
                let reason = format!("The list of 'in' has too many elements. Max allowed: {IN_ELEMENT_COUNT_MAX}");
                return Err(Fault::new(position, reason));
            }
            let literal = self.literal()?;
            check_types(position, subject, Comparison::Eq, &literal)?;
            literals.push(literal);
            if self.eat(')') {
                return Ok(literals);
            }
            self.expect(',')?;
        }
    }

    /// What stands after `has`: the members of a flag enumeration, with commas between them.
    fn members(&mut self) -> Result<Vec<String>, Fault> {
        let position = self.position();
        let (Literal::Text(text) | Literal::Member(_, text)) = self.literal()? else {
            return Err(Fault::new(position, "The operator 'has' needs the member of an enumeration"));
        };
        let members: Vec<String> = text.split(',').map(|member| member.trim().to_owned()).collect();
        if members.iter().any(|member| !is_name(member)) {
            return Err(Fault::new(position, "The operator 'has' needs the member of an enumeration"));
        }
        Ok(members)
    }

    fn literal(&mut self) -> Result<Literal, Fault> {
        let literal = match self.peek() {
            Some(TokenKind::Literal(literal)) => literal.clone(),
            Some(TokenKind::Word(word)) => word_literal(word).ok_or_else(|| self.unexpected())?,
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(literal)
    }

    fn primary(&mut self) -> Result<Term, Fault> {
        let position = self.position();
        if self.eat('(') {
            self.enter(position)?;
            let inner = self.or()?;
            self.expect(')')?;
            self.depth -= 1;
            return Ok(inner);
        }
        let word = match self.peek() {
            Some(TokenKind::Literal(literal)) => {
                let kind = TermKind::Literal(literal.clone());
                self.at += 1;
                return Ok(Term { position, kind });
            }
            Some(TokenKind::Word(word)) => word.clone(),
            _ => return Err(self.unexpected()),
        };
        if self.is_mark(1, '(') {
            return self.call(&word);
        }
        if let Some(literal) = word_literal(&word)
            && !self.is_mark(1, '/')
        {
            self.at += 1;
            return Ok(Term { position, kind: TermKind::Literal(literal) });
        }
        self.path()
    }
}

fn word_literal(word: &str) -> Option<Literal> {
    match word.to_ascii_lowercase().as_str() {
        "null" => Some(Literal::Null),
        "true" => Some(Literal::Boolean(true)),
        "false" => Some(Literal::Boolean(false)),
        _ => None,
    }
}

/// Refuses what cannot be compared whatever the object is.
fn check_types(position: usize, subject: &Subject, operator: Comparison, literal: &Literal) -> Result<(), Fault> {
    let left = match (subject, literal) {
        (Subject::Count(_), Literal::Number(..)) | (Subject::Condition(_), Literal::Boolean(_)) => return Ok(()),
        (Subject::Count(_), _) => "Edm.Int64",
        (Subject::Condition(_), _) => "Edm.Boolean",
        (Subject::Property(path), Literal::Text(_)) if is_date(path) => "Edm.DateTimeOffset",
        (Subject::Property(_), Literal::Guid(_) | Literal::Member(..)) if operator.is_relational() => "Edm.String",
        (Subject::Property(_), _) => return Ok(()),
    };
    Err(incompatible(position, left, literal.edm_type(), operator.kind()))
}

/// Whether a property is a date by its name: in Graph's v1.0 all that are called `…DateTime` are, but for two complex
/// ones, and none of them is a text.
fn is_date(path: &Path) -> bool {
    matches!(path.segments.last(), Some(Segment::Name(name)) if name.ends_with("DateTime"))
}
