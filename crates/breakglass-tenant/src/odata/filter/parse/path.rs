//! Paths, and what is called on them: functions and lambdas.

use super::super::super::error::Fault;
use super::super::super::property::{PATH_SEGMENT_COUNT_MAX, is_name, is_type_name};
use super::super::lex::TokenKind;
use super::super::literal::Literal;
use super::super::{Function, LAMBDA_DEPTH_MAX, Node, Path, Quantifier, Segment};
use super::{Parser, Term, TermKind};

impl Parser {
    /// `startswith(path, 'text')` and its like.
    pub(super) fn call(&mut self, word: &str) -> Result<Term, Fault> {
        let position = self.position();
        let Some(function) = Function::ALL.into_iter().find(|function| function.word().eq_ignore_ascii_case(word))
        else {
            return Err(Fault::new(position, format!("An unknown function with name '{word}' was found")));
        };
        self.count_term(position)?;
        self.at += 1;
        self.expect('(')?;
        let at = self.position();
        let first = if matches!(self.peek(), Some(TokenKind::Word(_))) { Some(self.path()?.kind) } else { None };
        let Some(TermKind::Property(path)) = first else {
            return Err(Fault::unsupported(at, format!("The function '{}' needs a property first", function.word())));
        };
        self.expect(',')?;
        let at = self.position();
        let Literal::Text(text) = self.literal()? else {
            return Err(Fault::new(at, format!("The function '{}' needs a text second", function.word())));
        };
        self.expect(')')?;
        Ok(Term { position, kind: TermKind::Condition(Node::Call { function, path, text }) })
    }

    /// A path with what it may end in: `$count`, `any` or `all`.
    pub(super) fn path(&mut self) -> Result<Term, Fault> {
        let position = self.position();
        let mut path = self.path_root()?;
        while self.eat('/') {
            let word = match self.peek() {
                Some(TokenKind::Count) => {
                    self.at += 1;
                    return ended(path).map(|path| Term { position, kind: TermKind::Count(path) });
                }
                Some(TokenKind::Word(word)) => word.clone(),
                _ => return Err(self.unexpected()),
            };
            let quantifiers = [Quantifier::Any, Quantifier::All];
            let quantifier = quantifiers.into_iter().find(|one| one.word().eq_ignore_ascii_case(&word));
            if let Some(quantifier) = quantifier
                && self.is_mark(1, '(')
            {
                let path = ended(path)?;
                let node = self.lambda(path, quantifier)?;
                return Ok(Term { position, kind: TermKind::Condition(node) });
            }
            path.segments.push(self.segment(&word)?);
            if path.segments.len() > PATH_SEGMENT_COUNT_MAX {
                let reason = format!("The path has too many segments. Max allowed: {PATH_SEGMENT_COUNT_MAX}");
                return Err(Fault::new(position, reason));
            }
        }
        ended(path).map(|path| Term { position, kind: TermKind::Property(path) })
    }

    fn path_root(&mut self) -> Result<Path, Fault> {
        let position = self.position();
        let Some(TokenKind::Word(word)) = self.peek().cloned() else { return Err(self.unexpected()) };
        if self.variables.contains(&word) {
            self.at += 1;
            return Ok(Path { position, variable: Some(word), segments: Vec::new() });
        }
        if !self.variables.is_empty() {
            let reason =
                format!("Could not find a property named '{word}': a path in a lambda begins with its variable");
            return Err(Fault::new(position, reason));
        }
        Ok(Path { position, variable: None, segments: vec![self.segment(&word)?] })
    }

    fn segment(&mut self, word: &str) -> Result<Segment, Fault> {
        let segment = if is_type_name(word) {
            Segment::Cast(word.to_owned())
        } else if is_name(word) {
            Segment::Name(word.to_owned())
        } else {
            return Err(Fault::new(
                self.position(),
                format!("Syntax error: '{word}' is no name of a property or type"),
            ));
        };
        self.at += 1;
        Ok(segment)
    }

    /// `any()`, `any(x: …)` or `all(x: …)`, from the word on.
    fn lambda(&mut self, path: Path, quantifier: Quantifier) -> Result<Node, Fault> {
        let position = self.position();
        self.count_term(position)?;
        self.at += 1;
        self.expect('(')?;
        if quantifier == Quantifier::Any && self.eat(')') {
            return Ok(Node::NonEmpty(path));
        }
        let at = self.position();
        let variable = match self.peek() {
            Some(TokenKind::Word(word)) if is_name(word) => word.clone(),
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        self.expect(':')?;
        if self.variables.contains(&variable) {
            return Err(Fault::new(at, format!("The range variable '{variable}' has already been declared")));
        }
        if self.variables.len() == LAMBDA_DEPTH_MAX {
            return Err(Fault::new(position, format!("Lambdas nest too deep. Max allowed: {LAMBDA_DEPTH_MAX}")));
        }
        self.enter(position)?;
        self.variables.push(variable.clone());
        let body = Box::new(self.or()?.condition()?);
        self.variables.pop();
        self.depth -= 1;
        self.expect(')')?;
        Ok(Node::Lambda { quantifier, path, variable, body })
    }
}

/// The path, unless it ends in a type: what is of that type is no question that filters ask.
fn ended(path: Path) -> Result<Path, Fault> {
    match path.segments.last() {
        Some(Segment::Cast(_)) => Err(Fault::unsupported(path.position, "A path that ends in a type is not supported")),
        _ => Ok(path),
    }
}
