//! Values of a plan, and which of them are not known yet.
//!
//! Terraform writes what is known in `after`, with null where it is not, and in `after_unknown` the same shape with
//! `true` where it is not. A block that comes at most once is a list of at most one object.

use serde_json::{Map, Value};

use crate::policy::KNOWN_AFTER_APPLY;
use crate::property::is_vacant;
use crate::proposal::{ProposalError, ProposalPlace};

/// A value of a plan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Values<'a> {
    pub(super) value: &'a Value,
    pub(super) unknown: &'a Value,
}

/// A value that is not of the type that the provider documents.
#[derive(Debug)]
pub(super) struct WrongType {
    name: String,
    expected: &'static str,
}

impl WrongType {
    pub(super) fn new(name: &str, expected: &'static str) -> Self {
        Self { name: name.to_owned(), expected }
    }

    /// The error at the place of the resource.
    pub(super) fn at(&self, place: &ProposalPlace) -> ProposalError {
        let message = format!("`{}` is not what the provider writes: expected {}", self.name, self.expected);
        ProposalError::Malformed { place: place.clone(), message }
    }
}

impl<'a> Values<'a> {
    /// The value of an attribute; null where there is none.
    pub(super) fn get(&self, name: &str) -> Self {
        let unknown = match self.unknown {
            Value::Bool(true) => self.unknown,
            other => other.get(name).unwrap_or(&Value::Null),
        };
        Self { value: self.value.get(name).unwrap_or(&Value::Null), unknown }
    }

    /// Whether an attribute has a value or will have one.
    pub(super) fn has(&self, name: &str) -> bool {
        let attribute = self.get(name);
        !attribute.value.is_null() || attribute.is_unknown()
    }

    /// Whether something of it is not known yet.
    pub(super) fn is_unknown(&self) -> bool {
        fn has_true(value: &Value) -> bool {
            match value {
                Value::Bool(is_unknown) => *is_unknown,
                Value::Array(items) => items.iter().any(has_true),
                Value::Object(members) => members.values().any(has_true),
                _ => false,
            }
        }
        has_true(self.unknown)
    }

    /// A text that says something.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// The only object of a block; `None` where there is none. A block that is not known itself is one of which
    /// nothing is known.
    pub(super) fn block(&self, name: &str) -> Result<Option<Self>, WrongType> {
        let block = self.get(name);
        if *block.unknown == Value::Bool(true) {
            return Ok(Some(Self { value: &Value::Null, unknown: block.unknown }));
        }
        match block.value {
            Value::Null => Ok(None),
            Value::Array(items) => {
                let unknown = block.unknown.get(0).unwrap_or(&Value::Null);
                Ok(items.first().map(|value| Self { value, unknown }).filter(|block| !block.value.is_null()))
            }
            Value::Object(_) => Ok(Some(block)),
            _ => Err(WrongType::new(name, "a block")),
        }
    }

    fn names(&self) -> Vec<&'a str> {
        let names = |value: &'a Value| value.as_object().into_iter().flat_map(Map::keys).map(String::as_str);
        let mut names: Vec<&str> = names(self.value).chain(names(self.unknown)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// An object of Graph that is being made, and the paths in it that are not known yet.
#[derive(Debug, Default)]
pub(super) struct Object {
    members: Map<String, Value>,
    awaited: Vec<String>,
}

impl Object {
    /// Sets a member.
    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.members.insert(name.to_owned(), value);
    }

    /// Says that the value of a member is not known yet.
    pub(super) fn await_member(&mut self, name: &str) {
        self.awaited.push(name.to_owned());
    }

    /// Says that a member that is not known yet changes no answer.
    pub(super) fn forget_awaited(&mut self, name: &str) {
        self.awaited.retain(|awaited| awaited != name);
    }

    /// Whether it has no member.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.awaited.is_empty()
    }

    /// Takes out a member that is null.
    pub(super) fn without_null(&mut self, name: &str) {
        if self.members.get(name).is_some_and(Value::is_null) {
            self.members.shift_remove(name);
        }
    }

    /// Writes a list of texts as flags.
    pub(super) fn flags(&mut self, name: &str) {
        let texts = self.members.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let flags = texts.collect::<Vec<_>>().join(",");
        self.set(name, flags.into());
    }

    /// Writes a list of texts as address ranges.
    pub(super) fn ranges(&mut self, name: &str) {
        let texts = self.members.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let range = |text: &str| {
            let kind = if text.contains(':') { "iPv6CidrRange" } else { "iPv4CidrRange" };
            serde_json::json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "cidrAddress": text })
        };
        let ranges: Value = texts.map(range).collect();
        self.set(name, ranges);
    }

    /// A text, or null.
    pub(super) fn text(&mut self, from: &Values<'_>, name: &str, to: &str) -> Result<(), WrongType> {
        let text = from.get(name);
        if text.is_unknown() {
            self.await_member(to);
        }
        let value = match text.value {
            Value::String(text) if !text.is_empty() => text.as_str().into(),
            Value::Null | Value::String(_) => Value::Null,
            _ => return Err(WrongType::new(name, "a text")),
        };
        self.set(to, value);
        Ok(())
    }

    /// True, false or null.
    pub(super) fn flag(&mut self, from: &Values<'_>, name: &str, to: &str) -> Result<(), WrongType> {
        let flag = from.get(name);
        if !matches!(flag.value, Value::Null | Value::Bool(_)) {
            return Err(WrongType::new(name, "true or false"));
        }
        self.set(to, flag.value.clone());
        Ok(())
    }

    /// A list of texts: those that are known.
    pub(super) fn list(&mut self, from: &Values<'_>, name: &str, to: &str) -> Result<(), WrongType> {
        self.list_of(from, name, to, str::to_owned)
    }

    /// A list of texts, each written in another way.
    pub(super) fn list_of(
        &mut self,
        from: &Values<'_>,
        name: &str,
        to: &str,
        write: fn(&str) -> String,
    ) -> Result<(), WrongType> {
        let list = from.get(name);
        if list.is_unknown() {
            self.await_member(to);
        }
        let items = match list.value {
            Value::Null => &[][..],
            Value::Array(items) => items,
            _ => return Err(WrongType::new(name, "a list of texts")),
        };
        let mut texts = Vec::new();
        for item in items {
            match item {
                Value::String(text) => texts.push(Value::from(write(text))),
                Value::Null => {}
                _ => return Err(WrongType::new(name, "a list of texts")),
            }
        }
        self.set(to, Value::Array(texts));
        Ok(())
    }

    /// An inner object; what is not known of it is not known of this one. `None` is null.
    pub(super) fn inner(&mut self, to: &str, inner: Option<Self>) {
        let Some(inner) = inner else { return self.set(to, Value::Null) };
        self.awaited.extend(inner.awaited.iter().map(|path| format!("{to}.{path}")));
        self.set(to, Value::Object(inner.members));
    }

    /// Keeps attributes that are not known to this version, so that what hangs on them cannot be told.
    pub(super) fn strange(&mut self, from: &Values<'_>, known: &[&str]) {
        for name in from.names().into_iter().filter(|name| !known.contains(name)) {
            let attribute = from.get(name);
            if attribute.is_unknown() {
                self.await_member(name);
            }
            let says_nothing = is_vacant(attribute.value)
                || matches!(attribute.value, Value::Bool(false))
                || attribute.value.as_str() == Some("");
            if !says_nothing {
                self.set(name, attribute.value.clone());
            }
        }
    }

    /// The object, with the list of what is not known yet.
    pub(super) fn into_members(mut self) -> Map<String, Value> {
        if !self.awaited.is_empty() {
            self.awaited.sort();
            self.awaited.dedup();
            // What is not known at all is not known in its parts, and they need not be told.
            let all = self.awaited.clone();
            let is_part = |path: &str, of: &str| path.strip_prefix(of).is_some_and(|rest| rest.starts_with('.'));
            self.awaited.retain(|path| !all.iter().any(|of| is_part(path, of)));
            self.members.insert(KNOWN_AFTER_APPLY.to_owned(), self.awaited.into());
        }
        self.members
    }
}

/// A body that is Graph's own JSON, as an object or as text.
pub(super) fn body(resource: &Values<'_>) -> Result<Map<String, Value>, WrongType> {
    let body = resource.get("body");
    let mut members = match body.value {
        Value::Object(members) => members.clone(),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(Value::Object(members)) => members,
            _ => return Err(WrongType::new("body", "an object, or the text of one")),
        },
        Value::Null if body.is_unknown() => Map::new(),
        _ => return Err(WrongType::new("body", "an object, or the text of one")),
    };
    let mut awaited = Vec::new();
    awaited_paths("", body.unknown, &mut awaited);
    if !awaited.is_empty() {
        for value in members.values_mut() {
            without_gaps(value);
        }
        members.insert(KNOWN_AFTER_APPLY.to_owned(), awaited.into());
    }
    Ok(members)
}

/// The paths below which something is not known; a list is known as a whole or not.
fn awaited_paths(path: &str, unknown: &Value, awaited: &mut Vec<String>) {
    match unknown {
        Value::Bool(true) if path.is_empty() => {
            awaited.extend(["state", "conditions", "grantControls", "members"].map(str::to_owned));
        }
        Value::Bool(true) => awaited.push(path.to_owned()),
        Value::Array(_) if (Values { value: &Value::Null, unknown }).is_unknown() => awaited.push(path.to_owned()),
        Value::Object(members) => {
            for (name, value) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                awaited_paths(&path, value, awaited);
            }
        }
        _ => {}
    }
}

/// Lists without the nulls that stand for what is not known.
fn without_gaps(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(without_gaps);
        }
        Value::Object(members) => members.values_mut().for_each(without_gaps),
        _ => {}
    }
}
