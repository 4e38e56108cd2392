//! One item of CBOR at the front of some bytes, and the maps that WebAuthn has.

use ciborium::Value;
use ciborium::de::from_reader_with_recursion_limit;

/// How deep maps and lists may lie in one another.
const DEPTH_MAX: usize = 8;

/// Reads one item, and gives what stands behind it; `None` where there is none.
pub(super) fn item(bytes: &[u8]) -> Option<(Value, &[u8])> {
    let mut rest = bytes;
    let value = from_reader_with_recursion_limit(&mut rest, DEPTH_MAX).ok()?;
    Some((value, rest))
}

/// A map in which each name stands once.
pub(super) struct Fields(Vec<(Value, Value)>);

impl Fields {
    /// Of an item; `None` where it is no such map.
    pub(super) fn of(value: Value) -> Option<Self> {
        let Value::Map(pairs) = value else { return None };
        let is_twice =
            |(index, (name, _)): (usize, &(Value, Value))| pairs.iter().skip(index + 1).any(|(other, _)| other == name);
        if pairs.iter().enumerate().any(is_twice) { None } else { Some(Self(pairs)) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a name.
    pub(super) fn named(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known.as_text() == Some(name)).map(|(_, value)| value)
    }

    /// The value of a number.
    pub(super) fn numbered(&self, number: i64) -> Option<&Value> {
        self.0.iter().find(|(known, _)| integer(known) == Some(number)).map(|(_, value)| value)
    }
}

/// A whole number.
pub(super) fn integer(value: &Value) -> Option<i64> {
    i64::try_from(value.as_integer()?).ok()
}
