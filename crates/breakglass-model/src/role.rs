//! Directory roles: definitions, assignments, schedule instances and their management policies.
//!
//! **Source:** <https://learn.microsoft.com/graph/api/resources/unifiedroleassignment>,
//! <https://learn.microsoft.com/graph/api/resources/unifiedroleassignmentscheduleinstance>.

use serde::Deserialize;
use serde_json::Value;

use crate::ids::{DirectoryObjectId, RoleTemplateId};
use crate::policy::Rest;
use crate::property::Property;
use crate::tenant::GraphObject;

/// `unifiedRoleDefinition`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleDefinition {
    /// Id in this tenant.
    pub id: RoleTemplateId,
    /// Id that is the same in every tenant.
    #[serde(default)]
    pub template_id: Option<RoleTemplateId>,
    /// Name to show.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Whether Microsoft defined it.
    #[serde(default)]
    pub is_built_in: Option<bool>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

/// An assignment or eligibility, from any of Graph's three lists.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleAssignment {
    /// Its id.
    #[serde(default)]
    pub id: Option<String>,
    /// User, group or service principal.
    pub principal_id: DirectoryObjectId,
    /// Role.
    pub role_definition_id: RoleTemplateId,
    /// `/` for the whole tenant, `/administrativeUnits/…` or `/…` for less.
    #[serde(default)]
    pub directory_scope_id: Property<String>,
    /// `Assigned` or `Activated`.
    #[serde(default)]
    pub assignment_type: Option<String>,
    /// `Direct`, `Group` or `Inherited`.
    #[serde(default)]
    pub member_type: Option<String>,
    /// From when, RFC 3339.
    #[serde(default)]
    pub start_date_time: Option<String>,
    /// Until when, RFC 3339; null = without end. The plain list of assignments does not have it.
    #[serde(default)]
    pub end_date_time: Property<String>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

impl RoleAssignment {
    /// Whether it holds for the whole tenant. A scope that was not exported counts as the whole tenant; ask
    /// [`Self::is_scope_known`] where that must not be.
    #[must_use]
    pub fn is_tenant_wide(&self) -> bool {
        self.directory_scope_id.value().is_none_or(|scope| scope == "/")
            && self.rest.get("appScopeId").is_none_or(|scope| scope.is_null() || scope == "/")
    }

    /// Whether the export says for which part of the tenant it holds.
    #[must_use]
    pub fn is_scope_known(&self) -> bool {
        !self.directory_scope_id.is_absent() || !self.is_tenant_wide()
    }

    /// Whether it has begun and not ended at an instant. A time that cannot be read counts as not limiting.
    #[must_use]
    pub fn is_current(&self, at: jiff::Timestamp) -> bool {
        let time = |text: Option<&String>| text.and_then(|text| text.parse::<jiff::Timestamp>().ok());
        time(self.start_date_time.as_ref()).is_none_or(|start| start <= at)
            && time(self.end_date_time.value()).is_none_or(|end| end > at)
    }
}

/// The rules of a role's management policy (`unifiedRoleManagementPolicy`, or an assignment of it); `None` where the
/// export does not have them.
#[must_use]
pub fn management_rules(policy: &GraphObject) -> Option<&Vec<Value>> {
    let places: [&[&str]; 4] = [&["rules"], &["effectiveRules"], &["policy", "rules"], &["policy", "effectiveRules"]];
    places.iter().find_map(|place| policy.at(place)?.as_array())
}
