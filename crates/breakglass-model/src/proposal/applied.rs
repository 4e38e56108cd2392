//! What a proposal changed, in words and with the way back.

use std::fmt;

use super::ProposalPlace;
use crate::snapshot::{Back, Resource, Snapshot};

/// One change of a snapshot: what it is about, and what is different in an administrator's words.
///
/// Shown as `policy "Block legacy authentication" changed: state report-only -> enabled; excluded groups -1 (…)`.
#[derive(Debug, Clone)]
pub struct AppliedChange {
    /// The list that the object is in.
    pub resource: Resource,
    /// Its id.
    pub id: String,
    /// Its name; its id where it has none.
    pub name: String,
    /// What happened to it.
    pub action: ChangeAction,
    /// What is different, one part each.
    pub details: Vec<String>,
    /// Where it was proposed; `None` for what two snapshots differ in.
    pub place: Option<ProposalPlace>,
    pub(super) back: Back,
}

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeAction {
    /// It is new.
    Added,
    /// It is different.
    Changed,
    /// It is proposed as it is.
    Unchanged,
    /// It is gone.
    Removed,
    /// The list itself is known better or worse than before.
    List,
    /// So many more changes are not listed.
    Unlisted(u64),
}

impl AppliedChange {
    pub(super) fn new(resource: Resource, id: &str, name: &str, action: ChangeAction, details: Vec<String>) -> Self {
        let name = if name.is_empty() { id } else { name };
        let (id, name) = (id.to_owned(), name.to_owned());
        Self { resource, id, name, action, details, place: None, back: Back::Nothing }
    }

    /// An object that differs by the details, or not at all.
    pub(super) fn changed(resource: Resource, id: &str, name: &str, details: Vec<String>) -> Self {
        let action = if details.is_empty() { ChangeAction::Unchanged } else { ChangeAction::Changed };
        Self::new(resource, id, name, action, details)
    }

    pub(super) fn with_back(self, back: Back) -> Self {
        Self { back, ..self }
    }

    /// What one object of the list is called.
    #[must_use]
    pub fn noun(&self) -> &'static str {
        match self.resource {
            Resource::ConditionalAccessPolicies => "policy",
            Resource::NamedLocations => "named location",
            Resource::Groups => "group",
            Resource::Users => "user",
            Resource::RoleAssignments | Resource::RoleAssignmentScheduleInstances => "role",
            Resource::RoleEligibilityScheduleInstances => "eligibility for the role",
            Resource::AuthenticationMethodsPolicy => "authentication method",
            Resource::AuthenticationStrengthPolicies => "authentication strength",
            Resource::IdentitySecurityDefaultsEnforcementPolicy => "switch",
            other => other.name(),
        }
    }
}

impl fmt::Display for AppliedChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = match self.action {
            ChangeAction::Added => "added",
            ChangeAction::Changed => "changed",
            ChangeAction::Unchanged => return write!(f, "{} `{}` stays as it is", self.noun(), self.name),
            ChangeAction::Removed => "removed",
            ChangeAction::List => return write!(f, "list `{}`: {}", self.name, self.details.join("; ")),
            ChangeAction::Unlisted(count) => return write!(f, "{count} more changes are not listed"),
        };
        write!(f, "{} `{}` {action}", self.noun(), self.name)?;
        if !self.details.is_empty() {
            write!(f, ": {}", self.details.join("; "))?;
        }
        Ok(())
    }
}

impl Snapshot {
    /// Takes changes back, the last first: the snapshot is then equal to what it was before them. They must be those
    /// that were applied last.
    pub fn undo(&mut self, applied: Vec<AppliedChange>) {
        for change in applied.into_iter().rev() {
            self.take_back(change.back);
        }
    }
}
