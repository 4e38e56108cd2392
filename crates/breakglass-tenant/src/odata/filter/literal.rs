//! Literals: what a property is compared with.

use std::cmp::Ordering;
use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use super::super::instant;
use super::super::property::{Quantity, compare_text};

/// A value as a filter writes it. What was written is kept where there are several ways to write it.
#[derive(Debug, Clone)]
pub(super) enum Literal {
    Null,
    Boolean(bool),
    Number(String, Quantity),
    Text(String),
    Guid(String),
    Instant(String, Timestamp),
    /// The type and the member of an enumeration.
    Member(String, String),
}

impl Literal {
    /// A number, guid or date that stands without quotes.
    pub(super) fn bare(text: &str) -> Option<Self> {
        if is_guid(text) {
            return Some(Self::Guid(text.to_owned()));
        }
        if let Some(instant) = instant::parse(text) {
            return Some(Self::Instant(text.to_owned(), instant));
        }
        number(text).map(|quantity| Self::Number(text.to_owned(), quantity))
    }

    /// What OData calls its type.
    pub(super) fn edm_type(&self) -> &str {
        match self {
            Self::Null => "<null>",
            Self::Boolean(_) => "Edm.Boolean",
            Self::Number(written, _) if written.contains(['.', 'e', 'E']) => "Edm.Double",
            Self::Number(..) => "Edm.Int64",
            Self::Text(_) => "Edm.String",
            Self::Guid(_) => "Edm.Guid",
            Self::Instant(..) => "Edm.DateTimeOffset",
            Self::Member(type_name, _) => type_name,
        }
    }

    /// How a value of an object compares with it; `None` if the two cannot be compared. Null compares with nothing.
    pub(super) fn compare(&self, value: &Value) -> Option<Ordering> {
        match (value, self) {
            (Value::Bool(value), Self::Boolean(literal)) => Some(value.cmp(literal)),
            (Value::Number(value), Self::Number(_, literal)) => Some(Quantity::from_json(value)?.compare(*literal)),
            (Value::String(value), Self::Text(literal) | Self::Guid(literal) | Self::Member(_, literal)) => {
                Some(compare_text(value, literal))
            }
            (Value::String(value), Self::Instant(_, literal)) => Some(instant::parse(value)?.cmp(literal)),
            _ => None,
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => out.write_str("null"),
            Self::Boolean(truth) => write!(out, "{truth}"),
            Self::Number(written, _) | Self::Guid(written) | Self::Instant(written, _) => out.write_str(written),
            Self::Text(text) => write_text(out, text),
            Self::Member(type_name, member) => {
                out.write_str(type_name)?;
                write_text(out, member)
            }
        }
    }
}

/// Writes a text in quotes.
pub(super) fn write_text(out: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(out, "'{}'", text.replace('\'', "''"))
}

/// The length of a guid, in characters.
pub(super) const GUID_LENGTH_CHARS: usize = 36;

/// Whether the text has the form of a guid.
pub(crate) fn is_guid(text: &str) -> bool {
    text.len() == GUID_LENGTH_CHARS
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// A number of digits with at most one fraction and one exponent. A whole number outside of `Edm.Int64` is none.
fn number(text: &str) -> Option<Quantity> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_digits = exponent.map(|exponent| exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    if !all_digits(whole) || !fraction.is_none_or(all_digits) || !exponent_digits.is_none_or(all_digits) {
        return None;
    }
    if fraction.is_none() && exponent.is_none() {
        return text.parse().ok().map(Quantity::from_whole);
    }
    text.parse().ok().and_then(Quantity::from_fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_without_quotes() {
        for (text, edm_type) in [
            ("0", Some("Edm.Int64")),
            ("-12", Some("Edm.Int64")),
            ("9223372036854775807", Some("Edm.Int64")),
            ("9223372036854775808", None),
            ("1.5", Some("Edm.Double")),
            ("-1e3", Some("Edm.Double")),
            ("1E+3", Some("Edm.Double")),
            ("1e999", None),
            ("1.", None),
            (".5", None),
            ("1e", None),
            ("--1", None),
            ("-", None),
            ("5L", None),
            ("1.2.3", None),
            ("2026-11-26", Some("Edm.DateTimeOffset")),
            ("2026-11-26T00:00:00Z", Some("Edm.DateTimeOffset")),
            ("2026-11-26T00:00:00", None),
            ("2026-11", None),
            ("72f988bf-86f1-41af-91ab-2d7cd011db47", Some("Edm.Guid")),
            ("72f988bf-86f1-41af-91ab-2d7cd011db4", None),
            ("72f988bf86f141af91ab2d7cd011db47", None),
            ("72f988bg-86f1-41af-91ab-2d7cd011db47", None),
        ] {
            assert_eq!(Literal::bare(text).as_ref().map(Literal::edm_type), edm_type, "{text}");
        }
    }
}
