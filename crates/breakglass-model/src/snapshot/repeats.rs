//! Objects that come more than once: what they differ in, and which documents they are in.

use super::Resource;

/// A user or group that came twice and differs in its display name only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// What it is.
    pub resource: Resource,
    /// Its id.
    pub id: String,
    /// The name that is kept, and the document it is in.
    pub first: (Option<String>, String),
    /// The other name, and the document it is in.
    pub second: (Option<String>, String),
}

/// A document that objects came from: its name, and how many users and groups there were before it.
#[derive(Debug, Clone)]
pub(super) struct Begun {
    pub(super) document: String,
    pub(super) users: usize,
    pub(super) groups: usize,
}

/// How an object compares with the one whose id it has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It says the same.
    Same,
    /// It says something else.
    Different,
}

pub(super) fn compare<T: PartialEq>(known: &T, new: &T) -> Repeat {
    if known == new { Repeat::Same } else { Repeat::Different }
}
