//! A property of a bulk object: an export that did not select it says nothing about it, which is not the same
//! as a value of null.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Absent (not in the export), null (Graph says there is none) or a value.
///
/// Rounding absent to null would turn "not exported" into a fact, so rules must look at [`Property::known`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Property<T> {
    /// The export does not have the property.
    #[default]
    Absent,
    /// The property is there and null.
    Null,
    /// The property's value.
    Value(T),
}

impl<T> Property<T> {
    /// The value, if there is one; absent and null both give `None`.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// `None` when the export does not have the property; otherwise what Graph says: `Some(None)` for null.
    pub fn known(&self) -> Option<Option<&T>> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }

    /// Whether the export does not have the property (for `skip_serializing_if`).
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl<T> From<Option<T>> for Property<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Value)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Property<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<T>::deserialize(deserializer).map(Self::from)
    }
}

impl<T: Serialize> Serialize for Property<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

/// Reads null as the type's default: exporters write null for an empty collection.
pub(crate) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Whether a JSON value says nothing: null, an empty list, an empty object, or an object of such.
#[must_use]
pub fn is_vacant(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Null => true,
        serde_json::Value::Array(items) => items.is_empty(),
        serde_json::Value::Object(members) => {
            members.iter().all(|(name, value)| is_annotation(name) || is_vacant(value))
        }
        _ => false,
    }
}

/// Whether a property says something about the object: it has a value, and is no annotation.
#[must_use]
pub fn says_something(name: &str, value: &serde_json::Value) -> bool {
    !is_annotation(name) && !is_vacant(value)
}

/// Whether a property name is an OData annotation or action, which describe the answer and not the object.
#[must_use]
pub fn is_annotation(name: &str) -> bool {
    name.contains('@') || name.starts_with('#')
}
