//! `$expand`: which related objects are shown with an object.

use serde_json::Value;

use super::error::{ODataError, excerpt};
use super::property::is_name;
use super::select::Select;

/// The most relations of one `$expand`. Graph itself takes one for most types.
pub const EXPAND_COUNT_MAX: usize = 8;

/// A relation that was asked for: `members($select=id,displayName)`, `policy($expand=rules)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expand {
    relation: String,
    select: Option<Select>,
    nested: Vec<String>,
}

impl Expand {
    /// Parses the value of `$expand`, decoded.
    ///
    /// # Errors
    /// Something in it is no relation, is named twice, or has options other than `$select` or
    /// one level of `$expand`.
    pub fn parse(text: &str) -> Result<Vec<Self>, ODataError> {
        let mut all: Vec<Self> = Vec::new();
        for item in items(text).ok_or_else(|| refused("the parentheses do not match"))? {
            let expand = Self::parse_one(item.trim())?;
            if all.iter().any(|other| other.relation.eq_ignore_ascii_case(&expand.relation)) {
                return Err(refused(&format!("'{}' is named twice", expand.relation)));
            }
            if all.len() == EXPAND_COUNT_MAX {
                return Err(refused(&format!("it has too many relations. Max allowed: {EXPAND_COUNT_MAX}")));
            }
            all.push(expand);
        }
        Ok(all)
    }

    fn parse_one(item: &str) -> Result<Self, ODataError> {
        let (relation, options) = match item.split_once('(') {
            Some((relation, rest)) => {
                let options = rest.strip_suffix(')').ok_or_else(|| refused("the parentheses do not match"))?;
                (relation.trim_end(), Some(options.trim()))
            }
            None => (item, None),
        };
        if !is_name(relation) {
            return Err(refused(&format!("'{}' is no relation", excerpt(relation))));
        }
        let mut expand = Self { relation: relation.to_owned(), select: None, nested: Vec::new() };
        if let Some(options) = options {
            let (name, value) = options.split_once('=').unwrap_or((options, ""));
            let name = name.trim().trim_start_matches('$').to_ascii_lowercase();
            let nested = || value.split(',').map(|name| name.trim().to_owned());
            match name.as_str() {
                "select" if !options.contains(';') => expand.select = Some(Select::parse(value)?),
                "expand" if nested().all(|name| is_name(&name)) => expand.nested = nested().collect(),
                _ => return Err(refused(&format!("the options '{}' are not supported", excerpt(options)))),
            }
        }
        Ok(expand)
    }

    /// The name of the relation, as it was asked for.
    #[must_use]
    pub fn relation(&self) -> &str {
        &self.relation
    }

    /// Which properties of the related objects were asked for; `None` for all.
    #[must_use]
    pub fn select(&self) -> Option<&Select> {
        self.select.as_ref()
    }

    /// Relations of the related objects that were asked for.
    #[must_use]
    pub fn nested(&self) -> &[String] {
        &self.nested
    }

    /// The related objects as they are shown, at most so many.
    pub(super) fn apply(&self, related: &Value, count_max: usize) -> Value {
        match related {
            Value::Array(elements) => {
                elements.iter().take(count_max).map(|element| self.apply(element, count_max)).collect()
            }
            Value::Object(object) => {
                let select = self.select.as_ref();
                Value::Object(select.map_or_else(|| object.clone(), |select| select.apply(object)))
            }
            other => other.clone(),
        }
    }
}

pub(super) fn refused(reason: &str) -> ODataError {
    ODataError::bad(format!("Parsing OData Select and Expand failed: {reason}."))
}

/// The text cut at the commas outside of parentheses; `None` if these do not match.
fn items(text: &str) -> Option<Vec<&str>> {
    let mut items = Vec::new();
    let mut depth = 0_usize;
    let mut start = 0;
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            ',' if depth == 0 => {
                items.push(text.get(start..at)?);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(text.get(start..)?);
    (depth == 0).then_some(items)
}
