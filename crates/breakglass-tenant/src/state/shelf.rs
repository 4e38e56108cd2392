//! What a tenant keeps beside the resources of a snapshot, and what it knows of changes.

use std::collections::BTreeMap;

use breakglass_model::snapshot::Resource;
use serde_json::Value;

use super::{Change, Directory, Object, id_of};

/// A list of what no snapshot has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shelf {
    /// Terms of use that were accepted, by user and agreement.
    AcceptedTerms,
    AuthenticationContexts,
    /// Role assignments at the root of Azure, by name.
    AzureRoleAssignments,
    /// Change notifications that wait to be delivered, by number.
    ChangeNotifications,
    DeletedGroups,
    DeletedApplications,
    DeletedPolicies,
    DeletedServicePrincipals,
    /// Roles that were activated in the old interface, `/directoryRoles`.
    DirectoryRoles,
    /// How far exports got that deliver later.
    Exports,
    /// Faults that are on, by name.
    Faults,
    /// Management groups of Azure, by name.
    ManagementGroups,
    /// Who is whose manager, by the id of the user; one without a manager had one.
    Managers,
    /// Public keys and sign counters of passkeys, by credential id.
    Passkeys,
    /// Resets of passwords that were asked for.
    PasswordOperations,
    RiskyUserHistory,
    RiskyUsers,
    /// What approvers say to requests to activate a role.
    RoleAssignmentApprovals,
    RoleAssignmentScheduleRequests,
    RoleEligibilityScheduleRequests,
    /// When users signed in last.
    SignInActivity,
    Subscriptions,
    /// The last step of which a code of an authenticator was used, by user and method.
    UsedCodes,
}

impl Shelf {
    const ALL: [Self; 23] = [
        Self::AcceptedTerms,
        Self::AuthenticationContexts,
        Self::AzureRoleAssignments,
        Self::ChangeNotifications,
        Self::DeletedGroups,
        Self::DeletedApplications,
        Self::DeletedPolicies,
        Self::DeletedServicePrincipals,
        Self::DirectoryRoles,
        Self::Exports,
        Self::Faults,
        Self::ManagementGroups,
        Self::Managers,
        Self::Passkeys,
        Self::PasswordOperations,
        Self::RiskyUserHistory,
        Self::RiskyUsers,
        Self::RoleAssignmentApprovals,
        Self::RoleAssignmentScheduleRequests,
        Self::RoleEligibilityScheduleRequests,
        Self::SignInActivity,
        Self::Subscriptions,
        Self::UsedCodes,
    ];

    /// Its name in the database.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::AcceptedTerms => "acceptedTerms",
            Self::AuthenticationContexts => "authenticationContextClassReferences",
            Self::AzureRoleAssignments => "azureRoleAssignments",
            Self::ChangeNotifications => "changeNotifications",
            Self::DeletedGroups => "deletedGroups",
            Self::DeletedApplications => "deletedApplications",
            Self::DeletedPolicies => "deletedConditionalAccessPolicies",
            Self::DeletedServicePrincipals => "deletedServicePrincipals",
            Self::DirectoryRoles => "directoryRoles",
            Self::Exports => "exports",
            Self::Faults => "faults",
            Self::ManagementGroups => "managementGroups",
            Self::Managers => "managers",
            Self::Passkeys => "passkeys",
            Self::PasswordOperations => "passwordOperations",
            Self::RiskyUserHistory => "riskyUserHistory",
            Self::RiskyUsers => "riskyUsers",
            Self::RoleAssignmentApprovals => "roleAssignmentApprovals",
            Self::RoleAssignmentScheduleRequests => "roleAssignmentScheduleRequests",
            Self::RoleEligibilityScheduleRequests => "roleEligibilityScheduleRequests",
            Self::SignInActivity => "signInActivity",
            Self::Subscriptions => "subscriptions",
            Self::UsedCodes => "usedCodes",
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

/// Members by id, each with the number of the change in which it came or went, its kind, and which of the two.
pub(super) type MemberRevisions = BTreeMap<String, (u64, String, Revision)>;

impl Directory {
    /// What is on a shelf under a name, in any case but for ids of credentials.
    pub(crate) fn shelved(&self, shelf: Shelf, name: &str) -> Option<&Object> {
        self.shelves.get(&shelf)?.get(&shelf.key(name))
    }

    /// Whether somebody or something was deleted, and could come back or could have.
    pub(crate) fn is_deleted(&self, id: &str) -> bool {
        let shelves = [Shelf::DeletedGroups, Shelf::DeletedServicePrincipals];
        self.object(Resource::DeletedUsers, id).is_some()
            || shelves.into_iter().any(|shelf| self.shelved(shelf, id).is_some())
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

    /// Members of an object that came or went after a change: the id, its kind, and what became of it last.
    pub(crate) fn members_changed_since(&self, of: (Resource, &str), revision: u64) -> Vec<(&str, &str, Revision)> {
        let changed = self.member_revisions.get(&(of.0, of.1.to_ascii_lowercase())).into_iter().flatten();
        let since = changed.filter(|(_, (number, ..))| *number > revision);
        since.map(|(id, (_, kind, what))| (id.as_str(), kind.as_str(), *what)).collect()
    }

    /// Notes who came and went with the last change.
    pub(super) fn note_members(&mut self, (resource, id): (Resource, &str), old: Option<&Object>, new: &Object) {
        if !matches!(resource, Resource::Groups | Resource::AdministrativeUnits) {
            return;
        }
        let (before, after) = (old.map(members).unwrap_or_default(), members(new));
        let gone = before.iter().filter(|(member, _)| !after.contains_key(*member));
        let gone = gone.map(|(member, kind)| (member, kind, Revision::Removed));
        let come = after.iter().filter(|(member, _)| !before.contains_key(*member));
        let changed: Vec<_> = gone.chain(come.map(|(member, kind)| (member, kind, Revision::Put))).collect();
        if changed.is_empty() {
            return;
        }
        let of = self.member_revisions.entry((resource, id.to_owned())).or_default();
        for (member, kind, what) in changed {
            of.insert(member.clone(), (self.revision, kind.clone(), what));
        }
    }

    pub(super) fn note(&mut self, (resource, id): (Resource, &str), what: Revision) {
        self.revision += 1;
        self.revisions.insert((resource, id.to_owned()), (self.revision, what));
    }

    /// What is read from the database is where counting begins.
    pub(super) fn forget_revisions(&mut self, epoch: String) {
        self.revisions.clear();
        self.member_revisions.clear();
        self.revision = 0;
        self.epoch = epoch;
    }
}

/// The members of a group or a unit, by id in lower case, each with its kind.
fn members(object: &Object) -> BTreeMap<String, String> {
    let members = object.get("members").and_then(Value::as_array).into_iter().flatten();
    let text = |member: &Value, name: &str| member.get(name).and_then(Value::as_str).map(str::to_owned);
    let member = |member: &Value| {
        let id = member.as_str().map(str::to_owned).or_else(|| text(member, "id"))?;
        Some((id.to_ascii_lowercase(), text(member, "@odata.type").unwrap_or_default()))
    };
    members.filter_map(member).collect()
}
