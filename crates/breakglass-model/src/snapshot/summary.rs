//! What a snapshot holds, in numbers.

use jiff::{SignedDuration, Timestamp};

use super::listing::with_listing;
use super::{MissingResource, Resource, Snapshot};

/// What a snapshot holds.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotSummary {
    /// Tenant id.
    pub tenant_id: Option<String>,
    /// Name of the tenant.
    pub tenant_name: Option<String>,
    /// Where the snapshot comes from.
    pub source: Option<String>,
    /// When it was taken.
    pub taken_at: Option<Timestamp>,
    /// How old it is; negative when it was taken after `now`.
    pub age: Option<SignedDuration>,
    /// Every resource, in the order of the snapshot format.
    pub resources: Vec<ResourceCount>,
    /// What the export could not read of the authentication methods of users.
    pub methods_missing: Vec<MissingResource>,
    /// What the export could not read of the users' last sign-ins.
    pub activity_missing: Vec<MissingResource>,
    /// What the export could not read and is no list that this version knows.
    pub missing_without_list: Vec<MissingResource>,
}

/// How much of a resource there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceCount {
    /// Which.
    pub resource: Resource,
    /// How many objects; `None` when the list is missing.
    pub count: Option<usize>,
    /// Why the list is missing or only partly there; `None` for a complete one.
    pub why: Option<String>,
}

impl Snapshot {
    /// Sums the snapshot up, as seen at an instant.
    #[must_use]
    pub fn summary(&self, now: Timestamp) -> SnapshotSummary {
        let organization = self.organization.as_present();
        SnapshotSummary {
            tenant_id: self.tenant_id.as_ref().map(ToString::to_string),
            tenant_name: organization.and_then(|organization| organization.display_name.clone()),
            source: self.source.clone(),
            taken_at: self.taken_at,
            age: self.taken_at.map(|taken_at| now.duration_since(taken_at)),
            methods_missing: self.methods_missing().chain(self.registrations_missing()).cloned().collect(),
            activity_missing: self.activity_missing().cloned().collect(),
            missing_without_list: self.missing_without_list().cloned().collect(),
            resources: Resource::ALL.iter().map(|resource| self.count(*resource)).collect(),
        }
    }

    fn count(&self, resource: Resource) -> ResourceCount {
        with_listing!(&self, resource, |listing| ResourceCount {
            resource,
            count: listing.as_present().is_some().then(|| listing.count()),
            why: listing.why().map(str::to_owned),
        })
    }
}
