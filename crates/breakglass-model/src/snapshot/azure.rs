//! Azure's own role assignments: told from the directory's by their ids, and put into the directory's form.
//!
//! Azure Resource Manager, its command line and its PowerShell module write the same assignment in three shapes. What
//! else Azure's authorization provider has (definitions, eligibilities) is no assignment and is named as what it is.
//!
//! **Source:** the REST reference of `Microsoft.Authorization/roleAssignments`, `az role assignment list`,
//! `Get-AzRoleAssignment`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Part of the id of everything that Azure's authorization provider has, in Azure's spelling.
const AUTHORIZATION: &str = "/providers/Microsoft.Authorization/";
const ROLE_DEFINITIONS: &str = "/providers/Microsoft.Authorization/roleDefinitions/";
/// Folders in which assignments are likely Azure's.
pub(super) const FOLDERS: [&str; 4] = ["az", "arm", "azure", "azurerm"];

/// How scopes begin that only Azure has, in lower case.
const BELOW_THE_ROOT: [&str; 2] = ["/subscriptions/", "/providers/microsoft.management/managementgroups/"];

/// Roles of Azure that are likely to be held at the root: User Access Administrator, Owner, Contributor, Reader and
/// Role Based Access Control Administrator.
///
/// **Source:** the list of Azure's built-in roles, from memory.
const AZURE_BUILT_IN_ROLES: [&str; 5] = [
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
];

/// What an object of Azure's authorization provider is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AzureObject {
    /// An assignment that is in force.
    RoleAssignment,
    /// Something else, in words.
    Other(String),
}

/// Tells an object of Azure's authorization provider by its type and its ids.
pub(super) fn recognise(members: &BTreeMap<Cow<'_, str>, &RawValue>) -> Option<AzureObject> {
    let text = |name: &str| members.get(name).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    let properties =
        members.get("properties").and_then(|raw| serde_json::from_str::<Map<String, Value>>(raw.get()).ok());
    let inner = |name: &str| properties.as_ref()?.get(name)?.as_str().map(str::to_owned);
    if let Some(kind) = text("type").filter(|kind| has(kind, "Microsoft.Authorization/")) {
        let is_assignment = ["/roleAssignments", "/roleAssignmentScheduleInstances"].iter().any(|end| ends(&kind, end));
        return Some(if is_assignment {
            AzureObject::RoleAssignment
        } else {
            AzureObject::Other(format!("objects of Azure's type `{kind}`"))
        });
    }
    let id = text("id").or_else(|| text("roleAssignmentId")).filter(|id| has(id, AUTHORIZATION));
    if let Some(id) = id {
        return Some(if has(&id, "/providers/Microsoft.Authorization/roleAssignments/") {
            AzureObject::RoleAssignment
        } else {
            AzureObject::Other("objects of Azure's authorization provider".to_owned())
        });
    }
    let role = text("roleDefinitionId").or_else(|| inner("roleDefinitionId"))?;
    let scope = text("scope").or_else(|| inner("scope")).filter(|_| !members.contains_key("directoryScopeId"));
    let is_of_azure = has(&role, AUTHORIZATION) || scope.is_some_and(|scope| is_bare_of_azure(&role, &scope));
    let is_eligible = members.contains_key("roleEligibilityScheduleId");
    let has_principal = members.contains_key("principalId") || inner("principalId").is_some();
    (is_of_azure && has_principal && !is_eligible).then_some(AzureObject::RoleAssignment)
}

/// Whether a role without a path is one of Azure: its scope is below Azure's root, or it is the root, which the
/// directory has too, and the role is one that Azure has by default.
fn is_bare_of_azure(role: &str, scope: &str) -> bool {
    let scope = scope.to_ascii_lowercase();
    !role.contains('/')
        && (BELOW_THE_ROOT.iter().any(|start| scope.starts_with(start))
            || (scope == "/" && AZURE_BUILT_IN_ROLES.iter().any(|own| own.eq_ignore_ascii_case(role))))
}

fn has(text: &str, part: &str) -> bool {
    text.to_ascii_lowercase().contains(&part.to_ascii_lowercase())
}

fn ends(text: &str, end: &str) -> bool {
    text.to_ascii_lowercase().ends_with(&end.to_ascii_lowercase())
}

/// Lifts what Azure keeps elsewhere to where the directory's assignments have it; anything else stays as it is.
pub(super) fn in_directory_form(assignment: Value) -> Value {
    let Value::Object(mut members) = assignment else { return assignment };
    if let Some(Value::Object(properties)) = members.get("properties").cloned() {
        for name in ["principalId", "principalType", "roleDefinitionId", "scope", "startDateTime", "endDateTime"] {
            if let Some(value) = properties.get(name) {
                members.entry(name).or_insert_with(|| value.clone());
            }
        }
    }
    let text = |members: &Map<String, Value>, name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
    if let Some(id) = text(&members, "roleAssignmentId").filter(|id| has(id, AUTHORIZATION)) {
        members.entry("id").or_insert_with(|| id.into());
        if let Some(principal) = text(&members, "objectId") {
            members.entry("principalId").or_insert_with(|| principal.into());
        }
    }
    let is_named_azures =
        ["id", "roleAssignmentId"].iter().any(|name| text(&members, name).is_some_and(|id| has(&id, AUTHORIZATION)));
    let scope = text(&members, "scope").filter(|_| !members.contains_key("directoryScopeId"));
    if let Some(role) = text(&members, "roleDefinitionId").filter(|role| !role.contains('/'))
        && (is_named_azures || scope.is_some_and(|scope| is_bare_of_azure(&role, &scope)))
    {
        members.insert("roleDefinitionId".to_owned(), format!("{ROLE_DEFINITIONS}{role}").into());
    }
    if let Some(role) = text(&members, "roleDefinitionId")
        && let Some(at) = role.to_ascii_lowercase().find(&AUTHORIZATION.to_ascii_lowercase())
        && let (Some(before), Some(behind)) = (role.get(..at), role.get(at + AUTHORIZATION.len()..))
    {
        members.insert("roleDefinitionId".to_owned(), format!("{before}{AUTHORIZATION}{behind}").into());
    }
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{AzureObject, in_directory_form, recognise};

    const ADMINISTRATOR: &str = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9";
    const PATH: &str = "/providers/Microsoft.Authorization/roleDefinitions/18d7d88d-d35e-4fb5-a5c3-7773c20a72d9";
    const OTHER: &str = "aaaaaaaa-0000-0000-0000-000000000001";

    fn role(assignment: &Value) -> (bool, String) {
        let text = assignment.to_string();
        let is_azures = recognise(&serde_json::from_str(&text).unwrap()) == Some(AzureObject::RoleAssignment);
        let lifted = in_directory_form(assignment.clone());
        (is_azures, lifted["roleDefinitionId"].as_str().unwrap().to_owned())
    }

    #[test]
    fn roles_that_are_of_azure() {
        let other = format!("/providers/Microsoft.Authorization/roleDefinitions/{OTHER}");
        for (assignment, wanted) in [
            (json!({ "principalId": "u", "roleDefinitionId": PATH }), PATH),
            (json!({ "principalId": "u", "roleDefinitionId": PATH.to_ascii_lowercase() }), PATH),
            (json!({ "principalId": "u", "roleDefinitionId": ADMINISTRATOR, "scope": "/" }), PATH),
            (json!({ "properties": { "principalId": "u", "roleDefinitionId": ADMINISTRATOR, "scope": "/" } }), PATH),
            (json!({ "principalId": "u", "roleDefinitionId": OTHER, "scope": "/subscriptions/s" }), &other),
            (
                json!({ "principalId": "u", "roleDefinitionId": OTHER,
                    "scope": "/providers/Microsoft.Management/managementGroups/m" }),
                &other,
            ),
            (
                json!({ "id": "/providers/Microsoft.Authorization/roleAssignments/a", "principalId": "u",
                    "roleDefinitionId": OTHER, "scope": "/" }),
                &other,
            ),
            (
                json!({ "roleAssignmentId": "/providers/Microsoft.Authorization/roleAssignments/a", "objectId": "u",
                    "roleDefinitionId": ADMINISTRATOR, "scope": "/" }),
                PATH,
            ),
        ] {
            let (is_azures, found) = role(&assignment);
            assert!(is_azures, "{assignment}");
            assert!(found.eq_ignore_ascii_case(wanted), "{assignment}: {found}");
            assert!(found.starts_with("/providers/Microsoft.Authorization/"), "{assignment}: {found}");
        }
    }

    #[test]
    fn roles_that_may_be_of_the_directory() {
        for assignment in [
            json!({ "principalId": "u", "roleDefinitionId": ADMINISTRATOR }),
            json!({ "principalId": "u", "roleDefinitionId": ADMINISTRATOR, "scope": null }),
            json!({ "principalId": "u", "roleDefinitionId": ADMINISTRATOR, "directoryScopeId": "/", "scope": "/" }),
            json!({ "principalId": "u", "roleDefinitionId": OTHER, "scope": "/" }),
            json!({ "principalId": "u", "roleDefinitionId": OTHER, "scope": "/administrativeUnits/a" }),
        ] {
            let (is_azures, found) = role(&assignment);
            assert!(!is_azures && !found.contains('/'), "{assignment}: {found}");
        }
    }
}
