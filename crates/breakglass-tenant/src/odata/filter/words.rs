//! The canonical filter.

use std::fmt::{self, Display, Formatter};

use super::literal::write_text;
use super::{Comparison, Filter, Node, Path, Segment, Subject};

const OR: &str = " or ";

impl Display for Filter {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        self.root.fmt(out)
    }
}

impl Display for Node {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Or(parts) => joined(out, parts, OR),
            Self::And(parts) => joined(out, parts, " and "),
            Self::Not(inner) => match **inner {
                Self::Or(_) | Self::And(_) | Self::Compare { .. } => write!(out, "not ({inner})"),
                _ => write!(out, "not {inner}"),
            },
            Self::Compare { subject, operator, literal } => {
                if needs_parentheses(subject, *operator) {
                    write!(out, "({subject}) {} {literal}", operator.word())
                } else {
                    write!(out, "{subject} {} {literal}", operator.word())
                }
            }
            Self::In { subject, literals } => {
                let literals: Vec<String> = literals.iter().map(ToString::to_string).collect();
                write!(out, "{subject} in ({})", literals.join(","))
            }
            Self::Has { path, members } => {
                write!(out, "{path} has ")?;
                write_text(out, &members.join(","))
            }
            Self::Call { function, path, text } => {
                write!(out, "{}({path},", function.word())?;
                write_text(out, text)?;
                out.write_str(")")
            }
            Self::NonEmpty(path) => write!(out, "{path}/any()"),
            Self::Lambda { quantifier, path, variable, body } => {
                write!(out, "{path}/{}({variable}:{body})", quantifier.word())
            }
            Self::Truth(path) => path.fmt(out),
        }
    }
}

/// Whether what is compared binds no tighter than the comparison. What the grammar reads the same without parentheses
/// is written without, so that the canonical filter nests no deeper than what was parsed.
fn needs_parentheses(subject: &Subject, operator: Comparison) -> bool {
    let Subject::Condition(inner) = subject else { return false };
    match **inner {
        Node::Or(_) | Node::And(_) => true,
        Node::Compare { operator: inside, .. } => operator.is_relational() && !inside.is_relational(),
        _ => false,
    }
}

/// The parts with a word between them.
fn joined(out: &mut Formatter<'_>, parts: &[Node], word: &str) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            out.write_str(word)?;
        }
        match part {
            Node::And(_) if word == OR => part.fmt(out)?,
            Node::Or(_) | Node::And(_) => write!(out, "({part})")?,
            _ => part.fmt(out)?,
        }
    }
    Ok(())
}

impl Display for Subject {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Property(path) => path.fmt(out),
            Self::Count(path) => write!(out, "{path}/$count"),
            Self::Condition(inner) => inner.fmt(out),
        }
    }
}

impl Display for Path {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let names = self.segments.iter().map(|segment| match segment {
            Segment::Name(name) | Segment::Cast(name) => name.as_str(),
        });
        let all: Vec<&str> = self.variable.as_deref().into_iter().chain(names).collect();
        out.write_str(&all.join("/"))
    }
}
