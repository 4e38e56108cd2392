//! `$orderby`: the order of objects.
//!
//! Null comes first, text is ordered without regard to case, dates as instants, and what is equal by every key stays
//! in the order it came in. Values of different types under one key have no order and are refused.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::error::{ODataError, excerpt};
use super::instant;
use super::property::{PropertyPath, Quantity, edm_type, fold};

/// The most keys of one `$orderby`.
pub const ORDER_BY_KEY_COUNT_MAX: usize = 8;

/// What objects are ordered by, the most important first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderBy {
    keys: Vec<OrderKey>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct OrderKey {
    path: PropertyPath,
    is_descending: bool,
}

impl OrderBy {
    /// Parses the value of `$orderby`, decoded.
    ///
    /// # Errors
    /// Something in it is no path of names, or is followed by something else than `asc` and `desc`.
    pub fn parse(text: &str) -> Result<Self, ODataError> {
        let mut keys = Vec::new();
        for item in text.split(',') {
            if keys.len() == ORDER_BY_KEY_COUNT_MAX {
                return Err(refused(&format!("It has too many keys. Max allowed: {ORDER_BY_KEY_COUNT_MAX}")));
            }
            let mut words = item.split_whitespace();
            let path = words.next().and_then(PropertyPath::parse);
            let direction = words.next().map(str::to_ascii_lowercase);
            let is_descending = match direction.as_deref() {
                None | Some("asc") => Some(false),
                Some("desc") => Some(true),
                Some(_) => None,
            };
            match (path, is_descending, words.next()) {
                (Some(path), Some(is_descending), None) => keys.push(OrderKey { path, is_descending }),
                _ => return Err(refused(&format!("Syntax error in '{}'", excerpt(item)))),
            }
        }
        Ok(Self { keys })
    }

    /// The properties that are named, each with the first segment of its path alone.
    #[must_use]
    pub fn properties(&self) -> Vec<&str> {
        self.keys.iter().map(|key| key.path.root()).collect()
    }

    /// The properties that are named, each with its whole path.
    pub(super) fn paths(&self) -> Vec<Vec<&str>> {
        self.keys.iter().map(|key| key.path.names()).collect()
    }

    /// Whether it is nothing but one of these properties, the greatest first.
    pub(crate) fn is_descending_by(&self, names: &[&str]) -> bool {
        let [key] = self.keys.as_slice() else { return false };
        let [name] = key.path.segments.as_slice() else { return false };
        key.is_descending && names.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Puts the objects in order.
    ///
    /// # Errors
    /// The values under a key have no order.
    pub fn sort(&self, objects: &mut Vec<&Map<String, Value>>) -> Result<(), ODataError> {
        let mut rows: Vec<(Vec<Rank>, &Map<String, Value>)> =
            objects.iter().map(|object| (Vec::with_capacity(self.keys.len()), *object)).collect();
        for key in &self.keys {
            let ranks = key.ranks(objects)?;
            for (row, rank) in rows.iter_mut().zip(ranks) {
                row.0.push(rank);
            }
        }
        rows.sort_by(|(one, _), (other, _)| self.compare(one, other));
        *objects = rows.into_iter().map(|(_, object)| object).collect();
        Ok(())
    }

    fn compare(&self, one: &[Rank], other: &[Rank]) -> Ordering {
        let mut orders = self.keys.iter().zip(one.iter().zip(other)).map(|(key, (one, other))| {
            let order = one.compare(other);
            if key.is_descending { order.reverse() } else { order }
        });
        orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

fn refused(reason: &str) -> ODataError {
    ODataError::bad(format!("Invalid $orderby clause: {reason}."))
}

/// A value as it is ordered. Under one key all but the nulls are of one kind.
#[derive(Debug)]
enum Rank {
    Null,
    Boolean(bool),
    Number(Quantity),
    Text(String),
    Instant(Timestamp),
}

impl Rank {
    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Boolean(one), Self::Boolean(other)) => one.cmp(other),
            (Self::Number(one), Self::Number(other)) => one.compare(*other),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::Instant(one), Self::Instant(other)) => one.cmp(other),
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Null, _) => Ordering::Less,
            (_, Self::Null) => Ordering::Greater,
            // Refused before.
            _ => Ordering::Equal,
        }
    }
}

impl OrderKey {
    fn ranks(&self, objects: &[&Map<String, Value>]) -> Result<Vec<Rank>, ODataError> {
        let values: Option<Vec<&Value>> = objects.iter().map(|object| self.path.value(object)).collect();
        let values = values.ok_or_else(|| refused(&format!("Nothing can be ordered by '{}'", self.path)))?;
        let text = |value: &Value| value.as_str().map(instant::parse);
        let is_date = values.iter().all(|value| value.is_null() || matches!(text(value), Some(Some(_))));
        let mut kind: Option<&Value> = None;
        let mut ranks = Vec::with_capacity(values.len());
        for value in values {
            let rank = match value {
                Value::Null => Some(Rank::Null),
                Value::Bool(truth) => Some(Rank::Boolean(*truth)),
                Value::Number(number) => Quantity::from_json(number).map(Rank::Number),
                Value::String(text) if is_date => instant::parse(text).map(Rank::Instant),
                Value::String(text) => Some(Rank::Text(fold(text))),
                Value::Array(_) | Value::Object(_) => None,
            };
            let other = if value.is_null() { None } else { kind.replace(value) };
            let is_alike = other.is_none_or(|other| std::mem::discriminant(other) == std::mem::discriminant(value));
            match rank {
                Some(rank) if is_alike => ranks.push(rank),
                _ => {
                    let found = edm_type(value);
                    return Err(refused(&format!(
                        "A value of type '{found}' has no place in an order by '{}'",
                        self.path
                    )));
                }
            }
        }
        Ok(ranks)
    }
}
