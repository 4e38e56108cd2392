//! Proposed changes of a tenant: what turns a snapshot into the one that it would be.
//!
//! A [`Proposal`] is a list of changes of policies, named locations and groups, and of nothing else. It is read from
//! Graph's JSON ([`Proposal::read`]) or from a Terraform plan ([`crate::terraform`]), may have its names put into those
//! of the tenant ([`NameMap`]), and is applied to a snapshot in place ([`Snapshot::with_proposal`]) and taken back
//! ([`Snapshot::undo`]); a tenant of a million users is never copied. [`difference`] tells what two whole snapshots
//! differ in.
//!
//! **Which object is meant.** A policy, location or group with the id of one in the snapshot is that one; else with its
//! display name, if only one has it; else it is new.
//!
//! **What is merged.** A policy that says whom and what it is about, its state and its controls takes the place of the
//! other whole. Any other body is what `PATCH` takes: an object inside it is merged with the one that is there, member
//! by member; a list or a value takes the place of what is there; null takes it away; an object that says another
//! `@odata.type` than the one that is there, and an authentication strength, which is another object that is named, take
//! its place whole.
//!
//! **Invariant:** a change that cannot be applied leaves the snapshot as it was. What a proposal has and this version
//! does not know is kept in it, so that whoever judges it answers "could not tell".
//! **Limits:** [`PROPOSAL_BYTES_MAX`], [`CHANGE_COUNT_MAX`], [`DIFFERENCE_COUNT_MAX`].
//! **Source:** Graph's documentation of `PATCH` on `conditionalAccessPolicy`: properties that the body does not have
//! keep their values. That this holds member by member below `conditions` is OData's rule for complex types (JSON
//! Format 4.01, PATCH), which Graph follows there; that navigation properties are replaced is the same rule's other half.

mod applied;
mod apply;
mod difference;
mod document;
mod merge;
mod names;
mod read;
mod refer;
mod words;

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

pub use applied::{AppliedChange, ChangeAction};
pub use difference::{DIFFERENCE_COUNT_MAX, difference};
pub use names::{Mapping, NameMap, NameMapError, Unmapped};
pub use refer::NameKind;

#[cfg(doc)]
use crate::snapshot::Snapshot;

use crate::object::ObjectTableFull;
pub(crate) use read::{last_segment, parse_document};

/// Most bytes of one proposed document.
pub const PROPOSAL_BYTES_MAX: usize = 64 << 20;
/// Most changes of one proposal.
pub const CHANGE_COUNT_MAX: usize = 10_000;

/// A list of proposed changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Proposal {
    changes: Vec<ProposedChange>,
    notes: Vec<String>,
    pub(crate) unknowns: Vec<String>,
}

/// One proposed change, and where it was proposed.
#[derive(Debug, Clone, PartialEq)]
pub struct ProposedChange {
    /// Where.
    pub place: ProposalPlace,
    /// What.
    pub proposed: Proposed,
    /// Which object of the snapshot it is about.
    pub mode: ProposalMode,
}

/// Which object of the snapshot a proposed one is, and what becomes of that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProposalMode {
    /// The one with its id or name, or a new one; a whole policy takes the other's place, a part is merged with it.
    #[default]
    Match,
    /// As `Match`, and a whole policy is merged as well: what its source cannot say stays.
    Merge,
    /// None: it is new, whatever is called like it.
    New,
}

/// What is proposed. Objects are Graph's JSON, whole or in part.
#[derive(Debug, Clone, PartialEq)]
pub enum Proposed {
    /// A policy is as this says.
    Policy(Value),
    /// The policy with this id or display name is removed.
    PolicyRemoved(String),
    /// A named location is as this says.
    NamedLocation(Value),
    /// The named location with this id or display name is removed.
    NamedLocationRemoved(String),
    /// A group is there and has members: `members` are all of them, `members@odata.bind` those to add, `members@delta`
    /// those to add and, with `@removed`, to take out. Nothing else of a group that is there is changed.
    Group(Value),
    /// The group with this id or display name is deleted: nobody is in it any more.
    GroupRemoved(String),
}

/// A kind of object that can be proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProposalKind {
    /// A named location.
    NamedLocation,
    /// A group.
    Group,
    /// A Conditional Access policy.
    Policy,
}

impl ProposalKind {
    /// In words, with an article.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NamedLocation => "named location",
            Self::Group => "group",
            Self::Policy => "policy",
        }
    }
}

impl Proposed {
    /// What kind of object it is about.
    #[must_use]
    pub const fn kind(&self) -> ProposalKind {
        match self {
            Self::Policy(_) | Self::PolicyRemoved(_) => ProposalKind::Policy,
            Self::NamedLocation(_) | Self::NamedLocationRemoved(_) => ProposalKind::NamedLocation,
            Self::Group(_) | Self::GroupRemoved(_) => ProposalKind::Group,
        }
    }
}

/// Where a change was proposed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProposalPlace {
    /// The file, or the argument, as it was named.
    pub file: String,
    /// JSON path in the file, or the address in a plan; empty where there is none.
    pub path: String,
    /// Line of the file at which the object begins, from one, where it was read as a whole.
    pub line: Option<u32>,
}

impl fmt::Display for ProposalPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.file)?;
        if !self.path.is_empty() {
            write!(f, ", {}", self.path)?;
        }
        Ok(())
    }
}

impl ProposalPlace {
    /// A place in a file.
    #[must_use]
    pub fn new(file: &str, path: &str) -> Self {
        Self { file: file.to_owned(), path: path.to_owned(), line: None }
    }

    /// The place, at this line.
    fn at_line(self, line: Option<u32>) -> Self {
        Self { line, ..self }
    }

    /// A place inside this one.
    fn inner(&self, path: &str) -> Self {
        let path = match path {
            "" => self.path.clone(),
            list if list.starts_with('[') => format!("{}{list}", self.path),
            name => format!("{}.{name}", self.path),
        };
        Self { file: self.file.clone(), path, line: self.line }
    }
}

/// Why something is no proposal, or cannot be applied.
#[derive(Debug, thiserror::Error)]
pub enum ProposalError {
    /// It is not JSON.
    #[error("`{file}` is not JSON: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// What is wrong, with line and column.
        message: String,
    },
    /// A property has the wrong type, or one that must be there is not.
    #[error("{place}: {message}")]
    Malformed {
        /// Where.
        place: ProposalPlace,
        /// What is wrong.
        message: String,
    },
    /// It is JSON of something else.
    #[error("{place}: {what}, and a proposal has policies, named locations and groups")]
    NotProposable {
        /// Where.
        place: ProposalPlace,
        /// What it is.
        what: String,
    },
    /// It is a whole snapshot.
    #[error("`{file}` is a whole snapshot")]
    WholeSnapshot {
        /// The file.
        file: String,
    },
    /// It is a Terraform plan where Graph's JSON is asked for, or the other way round.
    #[error("`{file}` is {what}")]
    OtherForm {
        /// The file.
        file: String,
        /// What it is, and what was asked for.
        what: String,
    },
    /// A plan has a format that is not read here.
    #[error("`{file}` has the plan format `{version}`, and this version reads 1")]
    PlanVersion {
        /// The file.
        file: String,
        /// The format.
        version: String,
    },
    /// The object is not in the snapshot.
    #[error("{place}: the snapshot has no {} `{name}`{why}{}", kind.words(), meant(near))]
    Absent {
        /// Where.
        place: ProposalPlace,
        /// What it should be.
        kind: ProposalKind,
        /// The id or name.
        name: String,
        /// That its list is not complete, and why, in parentheses; else empty.
        why: Box<str>,
        /// Names that may have been meant.
        near: Box<[String]>,
    },
    /// A proposed member of a group is not in the snapshot.
    #[error("{place}: the snapshot has no user and no group `{name}` who could be a member{}", meant(near))]
    NoMember {
        /// Where.
        place: ProposalPlace,
        /// The id or sign-in name.
        name: String,
        /// Names that may have been meant.
        near: Box<[String]>,
    },
    /// Several objects of the snapshot have the name.
    #[error("{place}: the snapshot has {} of the display name `{name}`: {}", several(*kind, ids.len()), quoted(ids))]
    Ambiguous {
        /// Where.
        place: ProposalPlace,
        /// What they are.
        kind: ProposalKind,
        /// The name.
        name: String,
        /// Their ids.
        ids: Vec<String>,
    },
    /// The same object is proposed twice.
    #[error("{place}: the {} `{name}` is {}", kind.words(), repeated(place, first))]
    Repeated {
        /// Where for the second time.
        place: ProposalPlace,
        /// What it is.
        kind: ProposalKind,
        /// Its name.
        name: String,
        /// Where for the first time.
        first: Box<ProposalPlace>,
    },
    /// A rule gives the members of the group.
    #[error("{place}: the members of the group `{name}` are given by its rule and cannot be proposed")]
    Dynamic {
        /// Where.
        place: ProposalPlace,
        /// The group.
        name: String,
    },
    /// There is more than is read.
    #[error("`{file}` has {what}")]
    TooLarge {
        /// The file.
        file: String,
        /// More of what than the limit.
        what: String,
    },
    /// There is no room for more ids.
    #[error(transparent)]
    Full(#[from] ObjectTableFull),
}

fn repeated(place: &ProposalPlace, first: &ProposalPlace) -> String {
    if place == first { "named twice".to_owned() } else { format!("proposed before, in {first}") }
}

fn several(kind: ProposalKind, count: usize) -> String {
    match kind {
        ProposalKind::Policy => format!("{count} policies"),
        ProposalKind::NamedLocation => format!("{count} named locations"),
        ProposalKind::Group => format!("{count} groups"),
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn meant(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", quoted(near)) }
}

impl Proposal {
    /// The changes, as they were proposed.
    #[must_use]
    pub fn changes(&self) -> &[ProposedChange] {
        &self.changes
    }

    /// Whether nothing is proposed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Whether it changes nothing but Conditional Access policies.
    #[must_use]
    pub fn is_of_policies(&self) -> bool {
        self.changes.iter().all(|change| matches!(change.proposed, Proposed::Policy(_) | Proposed::PolicyRemoved(_)))
    }

    /// What of the proposal's sources is not part of it and may matter, one sentence each.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What of the proposal's sources is not part of it and may decide who gets in, one sentence each: what the change
    /// does cannot be told.
    #[must_use]
    pub fn unknowns(&self) -> &[String] {
        &self.unknowns
    }

    /// Adds a sentence to the notes.
    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Adds a change behind the others.
    ///
    /// # Errors
    /// When there are [`CHANGE_COUNT_MAX`] already.
    pub fn push(&mut self, place: ProposalPlace, proposed: Proposed) -> Result<(), ProposalError> {
        self.push_as(place, proposed, ProposalMode::Match)
    }

    fn push_as(&mut self, place: ProposalPlace, proposed: Proposed, mode: ProposalMode) -> Result<(), ProposalError> {
        if self.changes.len() == CHANGE_COUNT_MAX {
            let what = format!("changes beyond the {CHANGE_COUNT_MAX} of one proposal");
            return Err(ProposalError::TooLarge { file: place.file, what });
        }
        self.changes.push(ProposedChange { place, proposed, mode });
        Ok(())
    }

    /// The ids of the groups that are proposed.
    fn group_ids(&self) -> BTreeSet<String> {
        let ids = self.changes.iter().filter_map(|change| match &change.proposed {
            Proposed::Group(group) => group.get("id").and_then(Value::as_str),
            _ => None,
        });
        ids.map(str::to_owned).collect()
    }

    /// The kinds of which an object is removed.
    fn removed_kinds(&self) -> impl Iterator<Item = ProposalKind> {
        let has = |kind| {
            self.changes.iter().any(|change| match change.proposed {
                Proposed::PolicyRemoved(_) => kind == ProposalKind::Policy,
                Proposed::NamedLocationRemoved(_) => kind == ProposalKind::NamedLocation,
                _ => false,
            })
        };
        [ProposalKind::Policy, ProposalKind::NamedLocation].into_iter().filter(move |kind| has(*kind))
    }

    /// The changes in the order in which they are applied: named locations and groups before the policies that name
    /// them, and otherwise as they were proposed.
    fn ordered(&self) -> Vec<&ProposedChange> {
        let mut ordered: Vec<&ProposedChange> = self.changes.iter().collect();
        ordered.sort_by_key(|change| change.proposed.kind());
        ordered
    }
}
