//! Groups and administrative units.
//!
//! **Source:** <https://learn.microsoft.com/graph/api/resources/group>,
//! <https://learn.microsoft.com/graph/api/resources/administrativeunit>.

use crate::object::ObjectKey;
use crate::policy::Rest;
use crate::property::Property;

/// What a member is, as far as the export says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemberKind {
    /// A user.
    User,
    /// A group.
    Group,
    /// A device.
    Device,
    /// A service principal.
    ServicePrincipal,
    /// The export gives an id only.
    Unsaid,
}

impl MemberKind {
    /// Reads an `@odata.type`.
    #[must_use]
    pub fn from_odata_type(text: &str) -> Self {
        match text.trim_start_matches('#').trim_start_matches("microsoft.graph.") {
            "user" => Self::User,
            "group" => Self::Group,
            "device" => Self::Device,
            "servicePrincipal" => Self::ServicePrincipal,
            _ => Self::Unsaid,
        }
    }

    /// The `@odata.type`, where there is one.
    #[must_use]
    pub fn odata_type(self) -> Option<&'static str> {
        match self {
            Self::User => Some("#microsoft.graph.user"),
            Self::Group => Some("#microsoft.graph.group"),
            Self::Device => Some("#microsoft.graph.device"),
            Self::ServicePrincipal => Some("#microsoft.graph.servicePrincipal"),
            Self::Unsaid => None,
        }
    }
}

/// A member or owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub key: ObjectKey,
    /// What it is.
    pub kind: MemberKind,
}

/// One group.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Its id, interned.
    pub key: ObjectKey,
    /// Name to show.
    pub display_name: Option<Box<str>>,
    /// Whether it carries access.
    pub security_enabled: Property<bool>,
    /// Whether roles may be assigned to it; fixed when it is made.
    pub is_assignable_to_role: Property<bool>,
    /// Whether it lies in a restricted-management administrative unit.
    pub is_management_restricted: Property<bool>,
    /// Rule of a dynamic group.
    pub membership_rule: Property<Box<str>>,
    /// Direct members; `None` when the export does not have them.
    pub members: Option<Box<[Member]>>,
    /// Owners; `None` when the export does not have them.
    pub owners: Option<Box<[Member]>>,
    /// Every other property, kept for the round trip.
    pub rest: Option<Box<Rest>>,
}

impl Group {
    /// Whether membership is computed by a rule.
    #[must_use]
    pub fn is_dynamic(&self) -> bool {
        self.membership_rule.value().is_some_and(|rule| !rule.is_empty())
            || self
                .rest
                .as_deref()
                .and_then(|rest| rest.get("groupTypes"))
                .and_then(serde_json::Value::as_array)
                .is_some_and(|types| types.iter().any(|kind| kind == "DynamicMembership"))
    }

    /// Whether it comes from a directory on premises, for sure: its members can be changed there alone.
    #[must_use]
    pub fn is_synchronised(&self) -> bool {
        self.rest.as_deref().and_then(|rest| rest.get("onPremisesSyncEnabled")).is_some_and(|is_on| is_on == true)
    }
}

/// One administrative unit.
#[derive(Debug, Clone, PartialEq)]
pub struct AdministrativeUnit {
    /// Its id, interned.
    pub key: ObjectKey,
    /// Name to show.
    pub display_name: Option<Box<str>>,
    /// Restricted management: tenant-wide administrators cannot change its members.
    pub is_member_management_restricted: Property<bool>,
    /// Members; `None` when the export does not have them.
    pub members: Option<Box<[Member]>>,
    /// Every other property, kept for the round trip.
    pub rest: Option<Box<Rest>>,
}
