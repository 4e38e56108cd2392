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
    #[serde(default, deserialize_with = "instant")]
    pub start_date_time: Option<String>,
    /// Until when, RFC 3339; null = without end. The plain list of assignments does not have it.
    #[serde(default, deserialize_with = "instant_property")]
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

    /// Whether it has begun and not ended at an instant. What is no instant was refused on reading; one that is too late
    /// to be calculated with is after any other.
    #[must_use]
    pub fn is_current(&self, at: jiff::Timestamp) -> bool {
        let time = |text: Option<&String>| text.and_then(|text| text.parse::<jiff::Timestamp>().ok());
        let start = self.start_date_time.as_ref();
        (start.is_none() || time(start).is_some_and(|start| start <= at))
            && time(self.end_date_time.value()).is_none_or(|end| end > at)
    }
}

/// Refuses what is no instant: an end that cannot be read must not count as none. Graph's `9999-12-31T23:59:59Z` is one,
/// and later than any that is calculated with.
fn checked<E: serde::de::Error>(text: &str) -> Result<(), E> {
    let pieces = jiff::fmt::temporal::Pieces::parse(text).ok();
    let is_instant = pieces.is_some_and(|pieces| pieces.time().is_some() && pieces.offset().is_some());
    let wrong = || E::custom(format!("`{text}` is not an instant such as `2026-03-01T00:00:00Z`"));
    is_instant.then_some(()).ok_or_else(wrong)
}

fn instant<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text: Option<String> = serde::Deserialize::deserialize(deserializer)?;
    text.as_deref().map_or(Ok(()), checked)?;
    Ok(text)
}

fn instant_property<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Property<String>, D::Error> {
    let text: Property<String> = serde::Deserialize::deserialize(deserializer)?;
    text.value().map_or(Ok(()), |text| checked(text))?;
    Ok(text)
}

/// The rules of a role's management policy (`unifiedRoleManagementPolicy`, or an assignment of it); `None` where the
/// export does not have them.
#[must_use]
pub fn management_rules(policy: &GraphObject) -> Option<&Vec<Value>> {
    let places: [&[&str]; 4] = [&["rules"], &["effectiveRules"], &["policy", "rules"], &["policy", "effectiveRules"]];
    places.iter().find_map(|place| policy.at(place)?.as_array())
}

#[cfg(test)]
mod tests {
    use super::RoleAssignment;

    #[test]
    fn a_time_that_cannot_be_read_is_refused_and_no_end_is_late() {
        let now = "2026-09-01T00:00:00Z".parse().unwrap();
        let read = |start: &str, end: &str| {
            let text = format!(
                r#"{{"principalId":"p","roleDefinitionId":"r","startDateTime":"{start}","endDateTime":"{end}"}}"#
            );
            serde_json::from_str::<RoleAssignment>(&text).map(|assignment| assignment.is_current(now))
        };
        let begun = "2020-01-01T00:00:00Z";
        for (start, end, expected) in [
            (begun, "2020-02-01T00:00:00Z", false),
            (begun, "2027-02-01T00:00:00.1234567+01:00", true),
            (begun, "9999-12-31T23:59:59Z", true),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z", false),
        ] {
            assert_eq!(read(start, end).unwrap(), expected, "{start} {end}");
        }
        for odd in ["2020-01-01", "2020-01-01T00:00:00", "/Date(1577836800000)/", "01/01/2020 00:00:00", "soon", ""] {
            assert!(read(begun, odd).is_err() && read(odd, "2027-02-01T00:00:00Z").is_err(), "{odd}");
        }
    }
}
