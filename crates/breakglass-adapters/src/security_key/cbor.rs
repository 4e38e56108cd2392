//! CBOR as security keys speak it: maps by number, members in the order of CTAP2.
//!
//! **Limit:** [`DEPTH_MAX`].
//! **Source:** CTAP 2.1, section 8 (message encoding).

use breakglass_ops::ports::SecurityKeyError;
use ciborium::Value;

use super::wire::unusable;

/// Levels of the deepest value that is read: keys nest four.
const DEPTH_MAX: usize = 8;

/// Reads the answer of a key.
pub(super) fn read(answer: &[u8]) -> Result<Value, SecurityKeyError> {
    let mut rest = answer;
    let value = ciborium::de::from_reader_with_recursion_limit(&mut rest, DEPTH_MAX);
    let value = value.map_err(|_| unusable("its answer is not understood"))?;
    if rest.is_empty() { Ok(value) } else { Err(unusable("its answer has something behind it")) }
}

/// Writes a value.
pub(super) fn written(value: &Value) -> Result<Vec<u8>, SecurityKeyError> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).map_err(|_| unusable("what it is asked cannot be written"))?;
    Ok(bytes)
}

/// A command with its parameters.
pub(super) fn command(number: u8, parameters: Vec<(i64, Value)>) -> Result<Vec<u8>, SecurityKeyError> {
    let map = parameters.into_iter().map(|(number, value)| (Value::from(number), value)).collect();
    Ok([vec![number], written(&Value::Map(map))?].concat())
}

/// A map with texts as names.
pub(super) fn named(members: Vec<(&str, Value)>) -> Value {
    Value::Map(members.into_iter().map(|(name, value)| (Value::from(name), value)).collect())
}

/// A member of a map by its number.
pub(super) fn member(map: &Value, number: i64) -> Option<&Value> {
    let is_it = |name: &Value| name.as_integer() == Some(number.into());
    map.as_map()?.iter().find(|(name, _)| is_it(name)).map(|(_, value)| value)
}

/// Bytes.
pub(super) fn bytes(value: &Value) -> Option<&[u8]> {
    value.as_bytes().map(Vec::as_slice)
}
