//! Names of properties, paths of them, and how text and numbers are compared.

use std::cmp::Ordering;
use std::fmt;

use serde_json::{Map, Number, Value};

/// The most segments of one path, as in `conditions/users/includeUsers`.
pub const PATH_SEGMENT_COUNT_MAX: usize = 8;

/// What stands before the name of a type in a path.
const TYPE_PREFIX: &str = "microsoft.graph.";

/// Whether the text is a name that a property can have.
pub(super) fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|other| other.is_ascii_alphanumeric() || other == '_')
}

/// Whether the text is the name of a type of Graph, as a path casts to.
pub(super) fn is_type_name(text: &str) -> bool {
    let prefix = text.get(..TYPE_PREFIX.len());
    prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(TYPE_PREFIX))
        && text.get(TYPE_PREFIX.len()..).is_some_and(is_name)
}

/// The property of that name. Graph does not tell case apart in names.
pub(super) fn lookup<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let other = || object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    object.get(name).or_else(other)
}

/// Whether an object says of itself that it is of that type. What says nothing is taken for it.
pub(super) fn is_of_type(object: &Map<String, Value>, type_name: &str) -> bool {
    match object.get("@odata.type") {
        Some(Value::String(written)) => written.trim_start_matches('#').eq_ignore_ascii_case(type_name),
        _ => true,
    }
}

/// Names with slashes between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PropertyPath {
    pub(super) segments: Vec<String>,
}

impl PropertyPath {
    /// A path of names alone: no types, no `$count`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let segments: Vec<String> = text.split('/').map(str::to_owned).collect();
        let is_path = segments.len() <= PATH_SEGMENT_COUNT_MAX && segments.iter().all(|segment| is_name(segment));
        is_path.then_some(Self { segments })
    }

    /// The first name.
    pub(super) fn root(&self) -> &str {
        self.segments.first().map_or("", String::as_str)
    }

    /// The names, one by one.
    pub(super) fn names(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// What stands there: null if something on the way is missing, `None` if the way leads into something that has
    /// no properties of its own.
    pub(super) fn value<'a>(&self, object: &'a Map<String, Value>) -> Option<&'a Value> {
        static NULL: Value = Value::Null;
        let mut here = lookup(object, self.root()).unwrap_or(&NULL);
        for name in self.segments.iter().skip(1) {
            here = match here {
                Value::Null => return Some(&NULL),
                Value::Object(inner) => lookup(inner, name).unwrap_or(&NULL),
                Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => return None,
            };
        }
        Some(here)
    }
}

impl fmt::Display for PropertyPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.segments.join("/"))
    }
}

/// The text without regard to case, character by character.
pub(super) fn fold(text: &str) -> String {
    folded(text).collect()
}

fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

/// How two texts compare without regard to case.
pub(super) fn compare_text(one: &str, other: &str) -> Ordering {
    folded(one).cmp(folded(other))
}

/// A number of JSON or of a query, with an order that is total: whole numbers are told apart where floating point
/// cannot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quantity {
    nearest: f64,
    whole: i128,
}

impl Quantity {
    #[expect(clippy::cast_precision_loss, reason = "`whole` keeps what is lost")]
    pub(super) fn from_whole(whole: i64) -> Self {
        Self { nearest: whole as f64, whole: whole.into() }
    }

    /// A number with a fraction; `None` if it is none.
    #[expect(clippy::cast_possible_truncation, reason = "only compared where the nearest numbers are equal")]
    pub(super) fn from_fraction(nearest: f64) -> Option<Self> {
        nearest.is_finite().then_some(Self { nearest, whole: nearest as i128 })
    }

    pub(super) fn from_json(number: &Number) -> Option<Self> {
        if let Some(whole) = number.as_i64() {
            return Some(Self::from_whole(whole));
        }
        let nearest = number.as_f64()?;
        match number.as_u64() {
            Some(whole) => Some(Self { nearest, whole: whole.into() }),
            None => Self::from_fraction(nearest),
        }
    }

    pub(super) fn compare(self, other: Self) -> Ordering {
        let nearest = self.nearest.partial_cmp(&other.nearest).unwrap_or(Ordering::Equal);
        nearest.then(self.whole.cmp(&other.whole))
    }
}

/// What OData calls the type of a value.
pub(super) fn edm_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<null>",
        Value::Bool(_) => "Edm.Boolean",
        Value::Number(number) if number.is_f64() => "Edm.Double",
        Value::Number(_) => "Edm.Int64",
        Value::String(_) => "Edm.String",
        Value::Array(_) => "Collection",
        Value::Object(_) => "Edm.ComplexType",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_apart() {
        let order = [
            "-9223372036854775808",
            "-1.5",
            "-1",
            "-0.0",
            "0.5",
            "1",
            "9007199254740992",
            "9007199254740993",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
            "1e300",
        ];
        let quantities: Vec<Quantity> =
            order.iter().map(|text| Quantity::from_json(&serde_json::from_str(text).unwrap()).unwrap()).collect();
        for (i, one) in quantities.iter().enumerate() {
            for (j, other) in quantities.iter().enumerate() {
                assert_eq!(one.compare(*other), i.cmp(&j), "{} and {}", order[i], order[j]);
            }
        }
        let zero = Quantity::from_whole(0);
        assert_eq!(zero.compare(Quantity::from_fraction(-0.0).unwrap()), Ordering::Equal);
        assert!(Quantity::from_fraction(f64::INFINITY).is_none());
    }

    #[test]
    fn text_is_compared_without_case() {
        for (one, other, order) in [
            ("a", "A", Ordering::Equal),
            ("ΟΔΟΣ", "οδος", Ordering::Equal),
            ("straße", "STRASSE", Ordering::Equal),
            ("É", "é", Ordering::Equal),
            ("a", "B", Ordering::Less),
            ("A", "aa", Ordering::Less),
        ] {
            assert_eq!(compare_text(one, other), order, "{one} {other}");
        }
    }

    #[test]
    fn names_of_types() {
        for (text, is) in [
            ("microsoft.graph.user", true),
            ("Microsoft.Graph.group", true),
            ("microsoft.graph.", false),
            ("microsoft.graph.a.b", false),
            ("user", false),
            ("graph.user", false),
        ] {
            assert_eq!(is_type_name(text), is, "{text}");
        }
    }
}
