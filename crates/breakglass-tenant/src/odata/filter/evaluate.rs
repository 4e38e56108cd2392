//! Whether an object is among what a filter describes: true, false, or `None` for OData's null.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::super::error::Fault;
use super::super::property::{edm_type, fold, is_of_type, lookup};
use super::literal::Literal;
use super::{Comparison, FILTER_STEP_COUNT_MAX, Function, Node, Path, Quantifier, Segment, Subject, incompatible};

static NULL: Value = Value::Null;

/// The truth of the filter for the object.
pub(super) fn evaluate(node: &Node, object: &Map<String, Value>) -> Result<Option<bool>, Fault> {
    Scope { object, variables: Vec::new(), steps: 0 }.truth(node)
}

/// What names stand for.
struct Scope<'a> {
    object: &'a Map<String, Value>,
    variables: Vec<(&'a str, &'a Value)>,
    steps: usize,
}

impl<'a> Scope<'a> {
    fn truth(&mut self, node: &'a Node) -> Result<Option<bool>, Fault> {
        self.steps += 1;
        if self.steps > FILTER_STEP_COUNT_MAX {
            let reason = format!("The filter takes too many steps. Max allowed: {FILTER_STEP_COUNT_MAX}");
            return Err(Fault::unsupported(0, reason));
        }
        match node {
            Node::Or(parts) => Ok(or(&self.truths(parts)?)),
            Node::And(parts) => Ok(and(&self.truths(parts)?)),
            Node::Not(inner) => Ok(self.truth(inner)?.map(|truth| !truth)),
            Node::Compare { subject, operator, literal } => self.compare(subject, *operator, literal),
            Node::In { subject, literals } => {
                let truths: Result<Vec<_>, Fault> =
                    literals.iter().map(|literal| self.compare(subject, Comparison::Eq, literal)).collect();
                Ok(or(&truths?))
            }
            Node::Has { path, members } => match self.value(path)? {
                Value::Null => Ok(None),
                Value::String(text) => Ok(Some(members.iter().all(|member| has(text, member)))),
                other => Err(incompatible(path.position, edm_type(other), "Edm.String", "Has")),
            },
            Node::Call { function, path, text } => match self.value(path)? {
                Value::Null => Ok(None),
                Value::String(value) => Ok(Some(call(*function, &fold(value), &fold(text)))),
                other => Err(Fault::new(
                    path.position,
                    format!(
                        "No function signature for the function with name '{}' matches the specified arguments: \
                         '{}', 'Edm.String'",
                        function.word(),
                        edm_type(other)
                    ),
                )),
            },
            Node::NonEmpty(path) => Ok(Some(!self.elements(path)?.is_empty())),
            Node::Lambda { quantifier, path, variable, body } => {
                let mut truths = Vec::new();
                for element in self.elements(path)? {
                    self.variables.push((variable, element));
                    let truth = self.truth(body);
                    self.variables.pop();
                    truths.push(truth?);
                }
                // An element for which it is null is none for which it is true.
                Ok(Some(match quantifier {
                    Quantifier::Any => truths.contains(&Some(true)),
                    Quantifier::All => truths.iter().all(|truth| *truth == Some(true)),
                }))
            }
            Node::Truth(path) => match self.value(path)? {
                Value::Null => Ok(None),
                Value::Bool(truth) => Ok(Some(*truth)),
                other => Err(Fault::new(
                    path.position,
                    format!(
                        "The filter is no condition: a value of type '{}' is neither true nor false",
                        edm_type(other)
                    ),
                )),
            },
        }
    }

    /// All of them, even if the first decides.
    fn truths(&mut self, nodes: &'a [Node]) -> Result<Vec<Option<bool>>, Fault> {
        nodes.iter().map(|node| self.truth(node)).collect()
    }

    fn compare(
        &mut self,
        subject: &'a Subject,
        operator: Comparison,
        literal: &Literal,
    ) -> Result<Option<bool>, Fault> {
        match subject {
            Subject::Property(path) => compare(path.position, self.value(path)?, operator, literal).map(Some),
            Subject::Count(path) => {
                let count = Value::from(self.elements(path)?.len());
                compare(path.position, &count, operator, literal).map(Some)
            }
            Subject::Condition(inner) => {
                let truth = self.truth(inner)?.map_or(Value::Null, Value::Bool);
                compare(0, &truth, operator, literal).map(Some)
            }
        }
    }

    /// What stands at a path; null if something on the way is missing.
    fn value(&self, path: &Path) -> Result<&'a Value, Fault> {
        let mut rest = path.segments.iter();
        let mut here = match &path.variable {
            Some(name) => {
                self.variables.iter().find(|(variable, _)| variable == name).map_or(&NULL, |(_, value)| value)
            }
            None => loop {
                match rest.next() {
                    Some(Segment::Name(name)) => break lookup(self.object, name).unwrap_or(&NULL),
                    Some(Segment::Cast(type_name)) if is_of_type(self.object, type_name) => {}
                    _ => return Ok(&NULL),
                }
            },
        };
        for segment in rest {
            here = match (here, segment) {
                (Value::Null, _) => return Ok(&NULL),
                (Value::Object(object), Segment::Name(name)) => lookup(object, name).unwrap_or(&NULL),
                (Value::Object(object), Segment::Cast(type_name)) => {
                    if is_of_type(object, type_name) {
                        here
                    } else {
                        &NULL
                    }
                }
                (Value::Array(_), _) => {
                    let reason = "The parent value for a property access of a property is a collection: 'any' or 'all' \
                                  is expected";
                    return Err(Fault::new(path.position, reason));
                }
                (other, _) => {
                    let reason = format!("A value of type '{}' has no properties", edm_type(other));
                    return Err(Fault::new(path.position, reason));
                }
            };
        }
        Ok(here)
    }

    /// The elements of a collection; a missing one is empty.
    fn elements(&self, path: &Path) -> Result<&'a [Value], Fault> {
        match self.value(path)? {
            Value::Null => Ok(&[]),
            Value::Array(elements) => Ok(elements),
            other => Err(Fault::new(
                path.position,
                format!("A collection is expected, and a value of type '{}' was found", edm_type(other)),
            )),
        }
    }
}

fn or(truths: &[Option<bool>]) -> Option<bool> {
    if truths.contains(&Some(true)) {
        Some(true)
    } else if truths.contains(&None) {
        None
    } else {
        Some(false)
    }
}

fn and(truths: &[Option<bool>]) -> Option<bool> {
    if truths.contains(&Some(false)) {
        Some(false)
    } else if truths.contains(&None) {
        None
    } else {
        Some(true)
    }
}

fn compare(position: usize, value: &Value, operator: Comparison, literal: &Literal) -> Result<bool, Fault> {
    match (value, literal) {
        (Value::Null, Literal::Null) => Ok(holds(operator, Ordering::Equal)),
        (Value::Array(_), _) => Err(incompatible(position, edm_type(value), literal.edm_type(), operator.kind())),
        (Value::Null, _) | (_, Literal::Null) => Ok(operator == Comparison::Ne),
        _ => match literal.compare(value) {
            Some(order) => Ok(holds(operator, order)),
            None => Err(incompatible(position, edm_type(value), literal.edm_type(), operator.kind())),
        },
    }
}

fn holds(operator: Comparison, order: Ordering) -> bool {
    match operator {
        Comparison::Eq => order.is_eq(),
        Comparison::Ne => order.is_ne(),
        Comparison::Gt => order.is_gt(),
        Comparison::Ge => order.is_ge(),
        Comparison::Lt => order.is_lt(),
        Comparison::Le => order.is_le(),
    }
}

/// Whether a flag enumeration, written with commas, has the member.
fn has(text: &str, member: &str) -> bool {
    text.split(',').any(|found| found.trim().eq_ignore_ascii_case(member))
}

fn call(function: Function, value: &str, text: &str) -> bool {
    match function {
        Function::StartsWith => value.starts_with(text),
        Function::EndsWith => value.ends_with(text),
        Function::Contains => value.contains(text),
    }
}
