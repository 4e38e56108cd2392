//! `$select`: which properties of an object are shown.

use serde_json::{Map, Value};

use super::error::{ODataError, excerpt};
use super::property::PropertyPath;

/// The most paths of one `$select`.
pub const SELECT_PATH_COUNT_MAX: usize = 256;

/// What errors of selections begin with.
const PREFIX: &str = "Parsing OData Select and Expand failed: ";

/// The properties that were asked for.
///
/// A path may lead into a complex property, or into each element of a collection: `conditions/users` shows
/// `conditions` with nothing but `users` in it. What an object does not have stays away. Control information
/// (`@odata.type`, `@removed`) is always shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    is_all: bool,
    paths: Vec<PropertyPath>,
}

impl Select {
    /// Parses the value of `$select`, decoded.
    ///
    /// # Errors
    /// Something in it is neither a path of names nor `*`.
    pub fn parse(text: &str) -> Result<Self, ODataError> {
        let mut select = Self { is_all: false, paths: Vec::new() };
        for (at, item) in text.split(',').map(str::trim).enumerate() {
            if at == SELECT_PATH_COUNT_MAX {
                return Err(refused(&format!("it has too many properties. Max allowed: {SELECT_PATH_COUNT_MAX}")));
            }
            match PropertyPath::parse(item) {
                _ if item == "*" => select.is_all = true,
                Some(path) => select.paths.push(path),
                None => return Err(refused(&format!("'{}' is no property", excerpt(item)))),
            }
        }
        Ok(select)
    }

    /// A selection of properties that the caller knows by name.
    pub(super) fn of_names(names: &[&str]) -> Self {
        let paths = names.iter().map(|name| PropertyPath { segments: vec![(*name).to_owned()] });
        Self { is_all: false, paths: paths.collect() }
    }

    /// The properties that are named, each with the first segment of its path alone.
    #[must_use]
    pub fn properties(&self) -> Vec<&str> {
        let mut named: Vec<&str> = Vec::new();
        for path in &self.paths {
            if !named.contains(&path.root()) {
                named.push(path.root());
            }
        }
        named
    }

    /// Refuses names that the type does not have, as [`super::QueryOptions::check_properties`] does.
    ///
    /// # Errors
    /// The first name that is not known.
    pub fn check_properties(
        &self,
        find_unknown: impl Fn(&[&str]) -> Option<(String, String)>,
    ) -> Result<(), ODataError> {
        let found = self.paths.iter().find_map(|path| find_unknown(&path.names()));
        found.map_or(Ok(()), |unknown| Err(ODataError::no_property(PREFIX, unknown)))
    }

    /// The object with what was asked for.
    #[must_use]
    pub fn apply(&self, object: &Map<String, Value>) -> Map<String, Value> {
        if self.is_all {
            return object.clone();
        }
        let paths: Vec<&[String]> = self.paths.iter().map(|path| path.segments.as_slice()).collect();
        pick(object, &paths)
    }
}

fn refused(reason: &str) -> ODataError {
    ODataError::bad(format!("{PREFIX}{reason}."))
}

fn pick(object: &Map<String, Value>, paths: &[&[String]]) -> Map<String, Value> {
    let mut picked = Map::new();
    for (key, value) in object {
        let name = key.split('@').next().unwrap_or_default();
        let rests: Vec<&[String]> = paths
            .iter()
            .filter_map(|path| path.split_first())
            .filter(|(first, _)| first.eq_ignore_ascii_case(name))
            .map(|(_, rest)| rest)
            .collect();
        if name.is_empty() || rests.iter().any(|rest| rest.is_empty()) {
            picked.insert(key.clone(), value.clone());
        } else if !rests.is_empty() {
            picked.insert(key.clone(), pick_inside(value, &rests));
        }
    }
    picked
}

fn pick_inside(value: &Value, paths: &[&[String]]) -> Value {
    match value {
        Value::Object(object) => Value::Object(pick(object, paths)),
        Value::Array(elements) => elements.iter().map(|element| pick_inside(element, paths)).collect(),
        other => other.clone(),
    }
}
