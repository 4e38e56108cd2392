//! What a tenant keeps beside the resources of a snapshot, and what it knows of changes.

use breakglass_model::snapshot::Resource;

use super::{Change, Directory, Object, id_of};

/// A list of what no snapshot has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shelf {
    DeletedGroups,
    DeletedApplications,
    DeletedPolicies,
    /// Roles that were activated in the old interface, `/directoryRoles`.
    DirectoryRoles,
    /// Faults that are on, by name.
    Faults,
    /// Management groups of Azure, by name.
    ManagementGroups,
    /// Public keys and sign counters of passkeys, by credential id.
    Passkeys,
    RiskyUsers,
    RoleAssignmentScheduleRequests,
    RoleEligibilityScheduleRequests,
}

impl Shelf {
    const ALL: [Self; 10] = [
        Self::DeletedGroups,
        Self::DeletedApplications,
        Self::DeletedPolicies,
        Self::DirectoryRoles,
        Self::Faults,
        Self::ManagementGroups,
        Self::Passkeys,
        Self::RiskyUsers,
        Self::RoleAssignmentScheduleRequests,
        Self::RoleEligibilityScheduleRequests,
    ];

    /// Its name in the database.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::DeletedGroups => "deletedGroups",
            Self::DeletedApplications => "deletedApplications",
            Self::DeletedPolicies => "deletedConditionalAccessPolicies",
            Self::DirectoryRoles => "directoryRoles",
            Self::Faults => "faults",
            Self::ManagementGroups => "managementGroups",
            Self::Passkeys => "passkeys",
            Self::RiskyUsers => "riskyUsers",
            Self::RoleAssignmentScheduleRequests => "roleAssignmentScheduleRequests",
            Self::RoleEligibilityScheduleRequests => "roleEligibilityScheduleRequests",
        }
    }

    /// A name as it is kept: in lower case, but for the ids of credentials, whose letters differ by case.
    pub(super) fn key(self, name: &str) -> String {
        if self == Self::Passkeys { name.to_owned() } else { name.to_ascii_lowercase() }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shelf| shelf.name() == name)
    }
}

impl Change {
    /// Puts an object on a shelf by its id.
    pub(crate) fn shelve(shelf: Shelf, object: Object) -> Self {
        Self::Shelve(shelf, id_of(&object).unwrap_or_default(), object)
    }
}

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revision {
    Put,
    Removed,
}

impl Directory {
    /// What is on a shelf under a name, in any case but for ids of credentials.
    pub(crate) fn shelved(&self, shelf: Shelf, name: &str) -> Option<&Object> {
        self.shelves.get(&shelf)?.get(&shelf.key(name))
    }

    /// Everything on a shelf, by its name.
    pub(crate) fn all_shelved(&self, shelf: Shelf) -> impl Iterator<Item = (&str, &Object)> {
        let all = self.shelves.get(&shelf).into_iter().flatten();
        all.map(|(name, object)| (name.as_str(), object))
    }

    /// Which start of the tenant the numbers of changes are of.
    pub(crate) fn epoch(&self) -> &str {
        &self.epoch
    }

    /// The number of the last change.
    pub(crate) const fn revision(&self) -> u64 {
        self.revision
    }

    /// Ids of the objects of a resource that were changed after a change, each with what became of it last.
    pub(crate) fn changed_since(&self, resource: Resource, revision: u64) -> Vec<(&str, Revision)> {
        let of = self.revisions.iter().filter(|((known, _), (number, _))| *known == resource && *number > revision);
        of.map(|((_, id), (_, what))| (id.as_str(), *what)).collect()
    }

    pub(super) fn note(&mut self, (resource, id): (Resource, &str), what: Revision) {
        self.revision += 1;
        self.revisions.insert((resource, id.to_owned()), (self.revision, what));
    }

    /// What is read from the database is where counting begins.
    pub(super) fn forget_revisions(&mut self, epoch: String) {
        self.revisions.clear();
        self.revision = 0;
        self.epoch = epoch;
    }
}
