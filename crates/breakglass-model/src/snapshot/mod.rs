//! The snapshot of a tenant: everything the engines may ask, read once, indexed once.
//!
//! A list that the export does not have is [`Listing::missing`] with the reason, one that it has in part is
//! [`Listing::partial`]; nothing here rounds either to a complete one.
//!
//! **Limits:** [`crate::object::OBJECT_ID_BYTES_MAX`]. **Invariant:** ids are unique per resource; every
//! interned object knows what it is, if the snapshot says so.

mod azure;
mod builder;
mod edit;
pub mod elements;
mod export;
mod kept;
pub(crate) mod listing;
mod missing;
mod named;
pub(crate) mod objects;
pub mod read;
pub(crate) mod recognise;
mod repeats;
pub(crate) mod rows;
mod schedules;
mod scubagear;
mod summary;

use jiff::Timestamp;

pub use builder::{AddError, GroupRelation, SnapshotBuilder};
pub(crate) use builder::{malformed, typed};
pub(crate) use edit::Back;
pub use listing::{Listing, NOT_IN_SNAPSHOT, because};
pub use named::SOMEBODY_ELSE;
pub use repeats::Renamed;
pub use summary::{ResourceCount, SnapshotSummary};

use crate::group::{AdministrativeUnit, Group};
use crate::ids::{DirectoryObjectId, TenantId};
use crate::named_location::NamedLocation;
use crate::object::{ObjectKey, ObjectTable};
use crate::policy::ConditionalAccessPolicy;
use crate::property::Property;
use crate::role::{RoleAssignment, RoleDefinition};
use crate::strength::AuthenticationStrengthPolicy;
use crate::tenant::{AuthenticationMethodsPolicy, Domain, GraphObject, Organization, ServicePrincipal};
use crate::user::User;

macro_rules! resources {
    ($($(#[$meta:meta])* $variant:ident = $name:literal, $optional:literal),+ $(,)?) => {
        /// A resource that a snapshot may hold.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Resource {
            $($(#[$meta])* #[doc = concat!("`", $name, "`")] $variant,)+
        }

        impl Resource {
            /// Every resource, in the order of the snapshot format.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its name in the snapshot format.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The resource of this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }

            /// Whether a snapshot is complete without it: then its absence makes rules of lower severity not
            /// applicable instead of unknown.
            #[must_use]
            pub const fn is_optional(self) -> bool {
                match self { $(Self::$variant => $optional,)+ }
            }
        }
    };
}

resources! {
    Organization = "organization", false,
    Domains = "domains", false,
    Users = "users", false,
    Groups = "groups", false,
    Devices = "devices", false,
    ServicePrincipals = "servicePrincipals", false,
    AdministrativeUnits = "administrativeUnits", false,
    RoleDefinitions = "roleDefinitions", false,
    RoleAssignments = "roleAssignments", false,
    RoleAssignmentScheduleInstances = "roleAssignmentScheduleInstances", false,
    RoleEligibilityScheduleInstances = "roleEligibilityScheduleInstances", false,
    RoleManagementPolicies = "roleManagementPolicies", false,
    ConditionalAccessPolicies = "conditionalAccessPolicies", false,
    NamedLocations = "namedLocations", false,
    AuthenticationStrengthPolicies = "authenticationStrengthPolicies", false,
    AuthenticationMethodsPolicy = "authenticationMethodsPolicy", false,
    IdentitySecurityDefaultsEnforcementPolicy = "identitySecurityDefaultsEnforcementPolicy", false,
    Applications = "applications", true,
    AppRoleAssignments = "appRoleAssignments", true,
    Oauth2PermissionGrants = "oauth2PermissionGrants", true,
    SubscribedSkus = "subscribedSkus", true,
    FederationConfigurations = "federationConfigurations", true,
    TermsOfUseAgreements = "termsOfUseAgreements", true,
    PerUserMfaStates = "perUserMfaStates", true,
    AccessReviews = "accessReviews", true,
    LifecycleWorkflows = "lifecycleWorkflows", true,
    IdentityProtectionPolicies = "identityProtectionPolicies", true,
    DeletedUsers = "deletedUsers", true,
}

impl Resource {
    /// Whether there is only one object of it.
    #[must_use]
    pub const fn is_singleton(self) -> bool {
        matches!(
            self,
            Self::Organization | Self::AuthenticationMethodsPolicy | Self::IdentitySecurityDefaultsEnforcementPolicy
        )
    }
}

/// An entry of `missing`: a resource that could not be read, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct MissingResource {
    /// Name of the resource.
    pub resource: String,
    /// Why.
    pub why: String,
}

/// What an interned object is, and where it lies in its list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ObjectRow {
    /// The snapshot mentions the id but does not have the object.
    #[default]
    Unlisted,
    /// Index into the users.
    User(u32),
    /// Index into the groups.
    Group(u32),
    /// Index into the service principals.
    ServicePrincipal(u32),
    /// Index into the administrative units.
    AdministrativeUnit(u32),
}

/// A tenant at an instant.
///
/// Two are equal when they say the same in the same order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// Tenant id.
    pub tenant_id: Option<TenantId>,
    /// When it was taken.
    pub taken_at: Option<Timestamp>,
    /// `graph`, `file` or `embedded`.
    pub source: Option<String>,
    /// Ids of all objects.
    pub objects: ObjectTable,
    rows: Vec<ObjectRow>,
    /// Place of the first user that is only named.
    named_users_from: Option<usize>,
    /// The tenant itself.
    pub organization: Listing<Organization>,
    /// Domains.
    pub domains: Listing<Vec<Domain>>,
    /// Users.
    pub users: Listing<Vec<User>>,
    /// Groups.
    pub groups: Listing<Vec<Group>>,
    /// Devices.
    pub devices: Listing<Vec<crate::device::Device>>,
    /// Service principals.
    pub service_principals: Listing<Vec<ServicePrincipal>>,
    /// Administrative units.
    pub administrative_units: Listing<Vec<AdministrativeUnit>>,
    /// Role definitions.
    pub role_definitions: Listing<Vec<RoleDefinition>>,
    /// Active role assignments.
    pub role_assignments: Listing<Vec<RoleAssignment>>,
    /// Active assignments with their times.
    pub role_assignment_schedule_instances: Listing<Vec<RoleAssignment>>,
    /// Eligibilities.
    pub role_eligibility_schedule_instances: Listing<Vec<RoleAssignment>>,
    /// PIM rules of roles.
    pub role_management_policies: Listing<Vec<GraphObject>>,
    /// Conditional Access policies, in the order of the export.
    pub conditional_access_policies: Listing<Vec<ConditionalAccessPolicy>>,
    /// Named locations.
    pub named_locations: Listing<Vec<NamedLocation>>,
    /// Authentication strengths.
    pub authentication_strength_policies: Listing<Vec<AuthenticationStrengthPolicy>>,
    /// Which methods may be used, by whom.
    pub authentication_methods_policy: Listing<AuthenticationMethodsPolicy>,
    /// Security defaults.
    pub identity_security_defaults_enforcement_policy: Listing<GraphObject>,
    /// Applications.
    pub applications: Listing<Vec<GraphObject>>,
    /// Application permissions granted to service principals.
    pub app_role_assignments: Listing<Vec<GraphObject>>,
    /// Delegated permissions.
    pub oauth2_permission_grants: Listing<Vec<GraphObject>>,
    /// Licences.
    pub subscribed_skus: Listing<Vec<GraphObject>>,
    /// Federation settings.
    pub federation_configurations: Listing<Vec<GraphObject>>,
    /// Terms of use.
    pub terms_of_use_agreements: Listing<Vec<GraphObject>>,
    /// Per-user MFA.
    pub per_user_mfa_states: Listing<Vec<GraphObject>>,
    /// Access reviews.
    pub access_reviews: Listing<Vec<GraphObject>>,
    /// Lifecycle workflows.
    pub lifecycle_workflows: Listing<Vec<GraphObject>>,
    /// Identity Protection's own policies.
    pub identity_protection_policies: Listing<Vec<GraphObject>>,
    /// Users in the bin.
    pub deleted_users: Listing<Vec<User>>,
    /// What could not be read, as the export says.
    pub missing: Vec<MissingResource>,
    /// Why the methods of users are not all there, where the export says so of all users.
    methods_unread: Option<Box<str>>,
}

impl Snapshot {
    /// What an object is.
    #[must_use]
    pub fn row(&self, key: ObjectKey) -> ObjectRow {
        self.rows.get(key.index()).copied().unwrap_or_default()
    }

    /// The user behind a key.
    #[must_use]
    pub fn user(&self, key: ObjectKey) -> Option<&User> {
        match self.row(key) {
            ObjectRow::User(at) => self.users.items().get(at as usize),
            _ => None,
        }
    }

    /// The group behind a key.
    #[must_use]
    pub fn group(&self, key: ObjectKey) -> Option<&Group> {
        match self.row(key) {
            ObjectRow::Group(at) => self.groups.items().get(at as usize),
            _ => None,
        }
    }

    /// The administrative units with restricted management that list an object among their members, as far as the export
    /// tells.
    pub fn restricted_units_of(&self, key: ObjectKey) -> impl Iterator<Item = &AdministrativeUnit> {
        let is_restricted = |unit: &&AdministrativeUnit| unit.is_member_management_restricted == Property::Value(true);
        let units = self.administrative_units.items().iter().filter(is_restricted);
        units.filter(move |unit| unit.members.iter().flatten().any(|member| member.key == key))
    }

    /// Notes what an object is.
    fn place(&mut self, key: ObjectKey, row: ObjectRow) {
        if self.rows.len() <= key.index() {
            self.rows.resize(key.index() + 1, ObjectRow::Unlisted);
        }
        if let Some(slot) = self.rows.get_mut(key.index()) {
            *slot = row;
        }
    }

    fn group_mut(&mut self, key: ObjectKey) -> Option<&mut Group> {
        match self.row(key) {
            ObjectRow::Group(at) => self.groups.begin().get_mut(at as usize),
            _ => None,
        }
    }

    /// The service principal behind a key.
    #[must_use]
    pub fn service_principal(&self, key: ObjectKey) -> Option<&ServicePrincipal> {
        match self.row(key) {
            ObjectRow::ServicePrincipal(at) => self.service_principals.items().get(at as usize),
            _ => None,
        }
    }

    /// The id of an object.
    #[must_use]
    pub fn id(&self, key: ObjectKey) -> DirectoryObjectId {
        self.objects.id(key).into()
    }

    /// Finds a user by id (exactly, then in lower case) or by sign-in name (without regard to case).
    ///
    /// Ids are found in constant time; a name is searched for among all users.
    #[must_use]
    pub fn find_user(&self, name: &str) -> Option<&User> {
        let by_id = |id: &str| self.objects.find(id).and_then(|key| self.user(key));
        by_id(name).or_else(|| by_id(&name.to_ascii_lowercase())).or_else(|| {
            let is_name =
                |user: &&User| user.user_principal_name.as_deref().is_some_and(|upn| upn.eq_ignore_ascii_case(name));
            self.users.items().iter().find(is_name)
        })
    }

    /// The user with this id, `None` if there is none, or the reason why that cannot be told: the users are
    /// missing or only some of them are there.
    ///
    /// # Errors
    /// The reason.
    pub fn user_if_known(&self, id: &str) -> Result<Option<&User>, &str> {
        match self.objects.find(id).and_then(|key| self.user(key)) {
            Some(user) => Ok(Some(user)),
            None => self.users.get().map(|_| None),
        }
    }

    /// The name of an object to show: its own, or its id.
    #[must_use]
    pub fn name(&self, key: ObjectKey) -> &str {
        let own = match self.row(key) {
            ObjectRow::User(_) => self.user(key).map(User::name),
            ObjectRow::Group(_) => self.group(key).and_then(|group| group.display_name.as_deref()),
            ObjectRow::ServicePrincipal(_) => self.service_principal(key).and_then(|sp| sp.display_name.as_deref()),
            ObjectRow::AdministrativeUnit(at) => {
                self.administrative_units.items().get(at as usize).and_then(|unit| unit.display_name.as_deref())
            }
            ObjectRow::Unlisted => None,
        };
        own.filter(|name| !name.is_empty()).unwrap_or_else(|| self.objects.id(key))
    }
}
