//! The language of `$filter`.
//!
//! ```text
//! filter     := and ( or and )*                          or binds weakest; names and operators without case
//! and        := equality ( and equality )*
//! equality   := relation ( (eq|ne) relation )*
//! relation   := unary ( (gt|ge|lt|le) unary )*
//! unary      := not unary | member
//! member     := primary ( in "(" literal , … ")" | has literal )*
//! primary    := "(" filter ")" | function "(" path , text ")" | path | path/$count | literal
//!             | path/any() | path/any(x: filter) | path/all(x: filter)
//! function   := startswith | endswith | contains
//! literal    := 'it''s' | 12 | -1.5 | true | false | null | guid | date | date and time
//!             | microsoft.graph.type'member'
//! ```
//!
//! So `not` binds tighter than `eq`, as in OData: `not a eq true` is `(not a) eq true`. One side of a comparison names
//! a property, a count or a condition that is not itself a comparison of a condition; the other is a literal.
//!
//! Text is compared without regard to case, dates as instants. A missing property is null; null equals only null, is
//! neither smaller nor greater than anything, and a function of it is null. `and`, `or` and `not` are Kleene's, and an
//! object for which the filter is null is left out. Both sides are always looked at, so that whether a filter is
//! refused does not hang on the order of its parts.
//!
//! **Refused, and never guessed:** arithmetic, other functions, casts by function, comparisons of two properties or
//! two literals, plain names inside a lambda, `$it`, aliases, a quoted text for a property called `…DateTime` (which
//! are dates in all of Graph's v1.0), and whatever else is not above.

mod evaluate;
mod lex;
mod literal;
mod parse;
mod words;

use serde_json::{Map, Value};

use super::error::{Fault, ODataError};
use literal::Literal;
pub(crate) use literal::is_guid;

/// The longest filter, in bytes.
pub const FILTER_BYTES_MAX: usize = 8192;

/// The most parentheses, `not` and lambdas that may be open at one place of a filter.
pub const FILTER_NESTING_DEPTH_MAX: usize = 32;

/// The most comparisons, functions and lambdas of a filter.
pub const FILTER_TERM_COUNT_MAX: usize = 256;

/// The most elements in the list of an `in`.
pub const IN_ELEMENT_COUNT_MAX: usize = 256;

/// The most lambdas inside each other.
pub const LAMBDA_DEPTH_MAX: usize = 3;

/// The most parts of a filter that are looked at for one object, each once for every element it is asked of.
pub const FILTER_STEP_COUNT_MAX: usize = 1_000_000;

/// What errors of filters begin with.
const PREFIX: &str = "Invalid filter clause: ";

/// A filter that was understood. Its `Display` is the canonical filter: every word in Graph's spelling, and
/// parentheses only where they matter. It parses back to a filter that means the same, unless it is longer than
/// [`FILTER_BYTES_MAX`].
#[derive(Debug, Clone)]
pub struct Filter {
    text: String,
    root: Node,
}

impl Filter {
    /// Parses the value of `$filter`, decoded.
    ///
    /// # Errors
    /// The first thing in the filter that is not in the language, and where it stands.
    pub fn parse(text: &str) -> Result<Self, ODataError> {
        if text.len() > FILTER_BYTES_MAX {
            let length = text.len();
            return Err(ODataError::bad(format!(
                "{PREFIX}The filter has {length} bytes. Max allowed: {FILTER_BYTES_MAX}."
            )));
        }
        let root = parse::parse(text).map_err(|fault| fault.of(PREFIX, text))?;
        Ok(Self { text: text.to_owned(), root })
    }

    /// Whether the object is among what the filter describes.
    ///
    /// # Errors
    /// A comparison of things that cannot be compared.
    pub fn matches(&self, object: &Map<String, Value>) -> Result<bool, ODataError> {
        let truth = evaluate::evaluate(&self.root, object);
        truth.map(|truth| truth == Some(true)).map_err(|fault: Fault| fault.of(PREFIX, &self.text))
    }

    /// The operators of the filter that directory objects serve only as an advanced query, in Graph's spelling.
    #[must_use]
    pub fn advanced_operators(&self) -> Vec<&'static str> {
        let mut found = Vec::new();
        self.root.visit(&mut |node| {
            let operator = match node {
                Node::Not(_) => "not",
                Node::Call { function: Function::EndsWith, .. } => "endsWith",
                Node::Compare { subject: Subject::Count(_), .. } | Node::In { subject: Subject::Count(_), .. } => {
                    "$count"
                }
                Node::Compare { operator: Comparison::Ne, .. } => "ne",
                _ => return,
            };
            if !found.contains(&operator) {
                found.push(operator);
            }
        });
        found
    }

    /// How many alternatives the widest `or` or `in` has.
    pub(super) fn widest_or(&self) -> usize {
        let mut widest = 0;
        self.root.visit(&mut |node| match node {
            Node::Or(parts) => widest = widest.max(parts.len()),
            Node::In { literals, .. } => widest = widest.max(literals.len()),
            _ => {}
        });
        widest
    }

    /// Comparisons that hold for every object that the filter describes: those of a property of the object with a text, a
    /// guid or an instant that `and` joins at the top. Each is the property, the operator and the literal; an instant as
    /// RFC 3339 has it. Who keeps the objects may use them to look at fewer.
    pub(crate) fn conjuncts(&self) -> Vec<(&str, &'static str, String)> {
        let parts = match &self.root {
            Node::And(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        let conjuncts = parts.iter().filter_map(|node| {
            let Node::Compare { subject: Subject::Property(path), operator, literal } = node else { return None };
            let [Segment::Name(name)] = path.segments.as_slice() else { return None };
            let value = match literal {
                Literal::Text(text) | Literal::Guid(text) => text.clone(),
                Literal::Instant(_, instant) => instant.to_string(),
                _ => return None,
            };
            path.variable.is_none().then(|| (name.as_str(), operator.word(), value))
        });
        conjuncts.collect()
    }

    /// The properties of the object that the filter names, each with the first segment of its path alone.
    #[must_use]
    pub fn properties(&self) -> Vec<&str> {
        let mut named: Vec<&str> = Vec::new();
        self.root.visit(&mut |node| {
            let Some(path) = node.path() else { return };
            if path.variable.is_some() {
                return;
            }
            // A cast may stand before the name.
            let name = path.segments.iter().find_map(|segment| match segment {
                Segment::Name(name) => Some(name.as_str()),
                Segment::Cast(_) => None,
            });
            named.extend(name.filter(|name| !named.contains(name)));
        });
        named
    }

    /// The properties that the filter names, each with its whole path, as
    /// [`super::QueryOptions::check_properties`] has it.
    pub(super) fn paths(&self) -> Vec<Vec<&str>> {
        let mut found = Vec::new();
        self.root.collect_paths(&mut Vec::new(), &mut found);
        found
    }
}

/// The variables of the lambdas around a part of a filter, each with the path of its list.
type Variables<'a> = Vec<(&'a str, Vec<&'a str>)>;

/// A filter, or a part of one.
#[derive(Debug, Clone)]
enum Node {
    Or(Vec<Node>),
    And(Vec<Node>),
    Not(Box<Node>),
    Compare {
        subject: Subject,
        operator: Comparison,
        literal: Literal,
    },
    In {
        subject: Subject,
        literals: Vec<Literal>,
    },
    Has {
        path: Path,
        members: Vec<String>,
    },
    Call {
        function: Function,
        path: Path,
        text: String,
    },
    /// `any()`: whether there is an element at all.
    NonEmpty(Path),
    Lambda {
        quantifier: Quantifier,
        path: Path,
        variable: String,
        body: Box<Node>,
    },
    /// A property that is itself true or false.
    Truth(Path),
}

impl Node {
    /// Shows the node and everything below it, in order.
    fn visit<'a>(&'a self, look: &mut dyn FnMut(&'a Node)) {
        look(self);
        match self {
            Self::Or(parts) | Self::And(parts) => parts.iter().for_each(|part| part.visit(look)),
            Self::Not(inner) => inner.visit(look),
            Self::Lambda { body, .. } => body.visit(look),
            Self::Compare { subject: Subject::Condition(inner), .. } => inner.visit(look),
            Self::Compare { .. }
            | Self::In { .. }
            | Self::Has { .. }
            | Self::Call { .. }
            | Self::NonEmpty(_)
            | Self::Truth(_) => {}
        }
    }

    /// Adds every path of the node and of what is below it.
    fn collect_paths<'a>(&'a self, variables: &mut Variables<'a>, found: &mut Vec<Vec<&'a str>>) {
        let path = self.path().map(|path| path.whole(variables));
        found.extend(path.clone());
        match self {
            Self::Or(parts) | Self::And(parts) => parts.iter().for_each(|part| part.collect_paths(variables, found)),
            Self::Not(inner) => inner.collect_paths(variables, found),
            Self::Compare { subject: Subject::Condition(inner), .. } => inner.collect_paths(variables, found),
            Self::Lambda { variable, body, .. } => {
                variables.push((variable, path.unwrap_or_default()));
                body.collect_paths(variables, found);
                variables.pop();
            }
            Self::Compare { .. }
            | Self::In { .. }
            | Self::Has { .. }
            | Self::Call { .. }
            | Self::NonEmpty(_)
            | Self::Truth(_) => {}
        }
    }

    /// The path that the node itself names.
    fn path(&self) -> Option<&Path> {
        match self {
            Self::Compare { subject, .. } | Self::In { subject, .. } => match subject {
                Subject::Property(path) | Subject::Count(path) => Some(path),
                Subject::Condition(_) => None,
            },
            Self::Has { path, .. }
            | Self::Call { path, .. }
            | Self::NonEmpty(path)
            | Self::Lambda { path, .. }
            | Self::Truth(path) => Some(path),
            Self::Or(_) | Self::And(_) | Self::Not(_) => None,
        }
    }
}

/// What is compared with a literal.
#[derive(Debug, Clone)]
enum Subject {
    Property(Path),
    /// The number of elements.
    Count(Path),
    Condition(Box<Node>),
}

/// Where a value stands: in the object, or in the element that a variable of a lambda stands for.
#[derive(Debug, Clone)]
struct Path {
    position: usize,
    variable: Option<String>,
    /// Empty only for a variable alone.
    segments: Vec<Segment>,
}

impl Path {
    /// The path from the object, through the lists whose elements the variables stand for.
    fn whole<'a>(&'a self, variables: &Variables<'a>) -> Vec<&'a str> {
        let of_variable = self.variable.as_deref().and_then(|name| {
            let mut innermost_first = variables.iter().rev();
            innermost_first.find(|(known, _)| *known == name).map(|(_, path)| path.clone())
        });
        let own = self.segments.iter().map(Segment::word);
        of_variable.unwrap_or_default().into_iter().chain(own).collect()
    }
}

#[derive(Debug, Clone)]
enum Segment {
    Name(String),
    /// `microsoft.graph.user`: an object of another type has nothing there.
    Cast(String),
}

impl Segment {
    fn word(&self) -> &str {
        match self {
            Self::Name(word) | Self::Cast(word) => word,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

impl Comparison {
    const ALL: [Self; 6] = [Self::Eq, Self::Ne, Self::Gt, Self::Ge, Self::Lt, Self::Le];

    fn word(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }

    /// What errors call it.
    fn kind(self) -> &'static str {
        match self {
            Self::Eq => "Equal",
            Self::Ne => "NotEqual",
            Self::Gt => "GreaterThan",
            Self::Ge => "GreaterThanOrEqual",
            Self::Lt => "LessThan",
            Self::Le => "LessThanOrEqual",
        }
    }

    /// The same comparison with its sides exchanged.
    fn flipped(self) -> Self {
        match self {
            Self::Eq | Self::Ne => self,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
        }
    }

    fn is_relational(self) -> bool {
        !matches!(self, Self::Eq | Self::Ne)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    StartsWith,
    EndsWith,
    Contains,
}

impl Function {
    const ALL: [Self; 3] = [Self::StartsWith, Self::EndsWith, Self::Contains];

    fn word(self) -> &'static str {
        match self {
            Self::StartsWith => "startswith",
            Self::EndsWith => "endswith",
            Self::Contains => "contains",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantifier {
    Any,
    All,
}

impl Quantifier {
    fn word(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::All => "all",
        }
    }
}

/// Two things that cannot be compared, in OData's words.
fn incompatible(position: usize, left: &str, right: &str, kind: &str) -> Fault {
    Fault::new(
        position,
        format!(
            "A binary operator with incompatible types was detected. Found operand types '{left}' and '{right}' for \
             operator kind '{kind}'"
        ),
    )
}
