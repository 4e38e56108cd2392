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
    let is_eligible = members.contains_key("roleEligibilityScheduleId");
    let has_principal = members.contains_key("principalId") || inner("principalId").is_some();
    (has(&role, AUTHORIZATION) && has_principal && !is_eligible).then_some(AzureObject::RoleAssignment)
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
        if let Some(role) = text(&members, "roleDefinitionId").filter(|role| !role.contains('/')) {
            members.insert("roleDefinitionId".to_owned(), format!("{ROLE_DEFINITIONS}{role}").into());
        }
    }
    if let Some(role) = text(&members, "roleDefinitionId")
        && let Some(at) = role.to_ascii_lowercase().find(&AUTHORIZATION.to_ascii_lowercase())
        && let (Some(before), Some(behind)) = (role.get(..at), role.get(at + AUTHORIZATION.len()..))
    {
        members.insert("roleDefinitionId".to_owned(), format!("{before}{AUTHORIZATION}{behind}").into());
    }
    Value::Object(members)
}
