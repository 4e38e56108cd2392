//! Reads ScubaGear's `ProviderSettingsExport.json`, and the same under `Raw` in `ScubaResults.json`.
//!
//! The export is made for ScubaGear's own rules: it holds privileged users and not all, holders of eight roles
//! and not all, active and eligible ones together, and nothing of groups, named locations or methods. Each such
//! gap becomes a doubt about the list, so that nothing is concluded from what is not in it.
//!
//! Names come in .NET's casing (`DisplayName`), after a round trip in Graph's. A list of one may come as the one.
//!
//! **Source:** cisagov/ScubaGear, `ExportAADProvider.psm1` and its sample reports (CC0).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::builder::parse;
use super::objects::with_lower_camel_names;
use super::{AddError, Resource, SnapshotBuilder};
use crate::well_known::built_in_role_named;

/// Names that only this export has at its top level.
const OWN: [&str; 8] = [
    "aad_successful_commands",
    "authentication_method",
    "authorization_policies",
    "cap_table_data",
    "conditional_access_policies",
    "privileged_roles",
    "privileged_service_principals",
    "privileged_users",
];

/// Names that are read, besides those of [`OWN`].
const READ: [&str; 7] = [
    "aad_unsuccessful_commands",
    "domain_settings",
    "license_information",
    "service_plans",
    "tenant_details",
    "timestamp_zulu",
    "MetaData",
];

/// Lists that a command of ScubaGear makes, which are missing when the command failed.
const COMMANDS: [(&str, Resource); 6] = [
    ("Get-MgBetaIdentityConditionalAccessPolicy", Resource::ConditionalAccessPolicies),
    ("Get-MgBetaPolicyAuthenticationMethodPolicy", Resource::AuthenticationMethodsPolicy),
    ("Get-MgBetaDomain", Resource::Domains),
    ("Get-MgBetaSubscribedSku", Resource::SubscribedSkus),
    ("Get-PrivilegedUser", Resource::Users),
    ("Get-PrivilegedRole", Resource::RoleAssignmentScheduleInstances),
];

const USERS_WHY: &str = "ScubaGear exports privileged users only";
const PRINCIPALS_WHY: &str = "ScubaGear exports service principals with privileged roles only";
const HOLDERS_WHY: &str = "ScubaGear exports the holders of a few privileged roles only, active and eligible together";
const ROLES_WHY: &str = "ScubaGear exports a few privileged roles only";
const NEVER_WHY: &str = "ScubaGear does not export it";
/// Marks an assignment of which the export does not say whether it is active.
const BASIS: &str = "breakglass.basis";

/// The export, as its names come.
#[derive(Debug, Default)]
pub(super) struct ScubaGear {
    parts: BTreeMap<String, Value>,
}

/// The path to the part that could not be added, and why.
type PartError = (String, AddError);

impl ScubaGear {
    /// Whether a name at the top level of a document is this export's alone.
    pub(super) fn is_its_own(name: &str) -> bool {
        OWN.contains(&name)
    }

    /// Whether there is anything of the export.
    pub(super) fn is_empty(&self) -> bool {
        !self.parts.keys().any(|name| Self::is_its_own(name))
    }

    /// Takes one name of the top level; what nobody asks for is let go, if it is JSON.
    pub(super) fn take(&mut self, name: &str, json: &[u8]) -> Result<(), AddError> {
        if OWN.contains(&name) || READ.contains(&name) {
            self.parts.insert(name.to_owned(), parse(json)?);
            return Ok(());
        }
        parse::<&RawValue>(json).map(drop)
    }

    /// Adds everything to the snapshot.
    pub(super) fn add_to(mut self, builder: &mut SnapshotBuilder) -> Result<(), PartError> {
        self.tenant(builder)?;
        self.plain(builder, "conditional_access_policies", Resource::ConditionalAccessPolicies)?;
        self.plain(builder, "domain_settings", Resource::Domains)?;
        self.methods(builder)?;
        self.licences(builder)?;
        self.roles_and_holders(builder)?;
        for (command, resource) in COMMANDS {
            if items(self.parts.get("aad_unsuccessful_commands").cloned()).iter().any(|failed| failed == command) {
                builder.doubt(resource, &format!("ScubaGear's command `{command}` failed"));
            }
        }
        for resource in Resource::ALL {
            builder.doubt_if_unknown(*resource, NEVER_WHY);
        }
        Ok(())
    }

    fn has_failed(&self, resource: Resource) -> bool {
        let failed = items(self.parts.get("aad_unsuccessful_commands").cloned());
        COMMANDS.iter().any(|(command, own)| *own == resource && failed.iter().any(|name| name == command))
    }

    /// The parts of a list, in Graph's casing.
    fn list(&mut self, name: &str) -> Vec<Value> {
        items(self.parts.remove(name)).into_iter().map(with_lower_camel_names).filter(Value::is_object).collect()
    }

    fn tenant(&mut self, builder: &mut SnapshotBuilder) -> Result<(), PartError> {
        let metadata = self.list("MetaData").pop().unwrap_or_default();
        let timestamp = self.parts.remove("timestamp_zulu").or_else(|| metadata.get("timestampZulu").cloned());
        if let Some(at) = timestamp.as_ref().and_then(Value::as_str).and_then(|text| text.parse().ok()) {
            builder.taken_at(at);
        }
        let Some(details) = self.list("tenant_details").into_iter().next() else { return Ok(()) };
        // Where the tenant could not be read, ScubaGear writes sentences instead of values.
        let is_id = |text: &&str| !text.contains(' ');
        if let Some(id) = details.get("tenantId").and_then(Value::as_str).filter(is_id) {
            builder.tenant_id(id);
        }
        for organization in items(details.get("aADAdditionalData").cloned()).iter().filter(|item| item.is_object()) {
            add(builder, Resource::Organization, organization, "tenant_details")?;
        }
        Ok(())
    }

    fn plain(&mut self, builder: &mut SnapshotBuilder, name: &str, resource: Resource) -> Result<(), PartError> {
        if !self.parts.contains_key(name) {
            return Ok(());
        }
        let is_complete = !self.has_failed(resource);
        for (index, item) in self.list(name).iter().enumerate() {
            add(builder, resource, item, &format!("{name}[{index}]"))?;
        }
        if is_complete {
            builder.begin(resource);
        }
        Ok(())
    }

    fn methods(&mut self, builder: &mut SnapshotBuilder) -> Result<(), PartError> {
        let Some(Value::Object(method)) = self.list("authentication_method").into_iter().next() else { return Ok(()) };
        let Some(Value::Object(mut policy)) = method.get("authentication_method_policy").cloned() else {
            return Ok(());
        };
        let configurations = items(method.get("authentication_method_feature_settings").cloned());
        let configurations: Vec<Value> = configurations.into_iter().filter(Value::is_object).collect();
        if !configurations.is_empty() {
            policy.insert("authenticationMethodConfigurations".to_owned(), configurations.into());
        }
        if policy.is_empty() {
            return Ok(());
        }
        let path = "authentication_method[0].authentication_method_policy";
        add(builder, Resource::AuthenticationMethodsPolicy, &policy.into(), path)
    }

    /// Licences, and the service plans of all of them together, which the export does not keep by licence.
    fn licences(&mut self, builder: &mut SnapshotBuilder) -> Result<(), PartError> {
        let plans = self.list("service_plans");
        self.plain(builder, "license_information", Resource::SubscribedSkus)?;
        if plans.is_empty() {
            return Ok(());
        }
        let all = json!({ "skuId": "scubagear-service-plans", "skuPartNumber": "(service plans of all licences)",
            "capabilityStatus": "Enabled", "servicePlans": plans });
        add(builder, Resource::SubscribedSkus, &all, "service_plans")
    }

    fn roles_and_holders(&mut self, builder: &mut SnapshotBuilder) -> Result<(), PartError> {
        if !self.parts.contains_key("privileged_roles") && !self.parts.contains_key("privileged_users") {
            return Ok(());
        }
        let roles: Vec<Role> = self.list("privileged_roles").into_iter().filter_map(Role::read).collect();
        for (index, role) in roles.iter().enumerate() {
            role.add_to(builder, &format!("privileged_roles[{index}]"))?;
        }
        let with_pim = roles.is_empty() || roles.iter().any(|role| role.assignments.is_some());
        let active: BTreeSet<(&str, &str)> = roles.iter().flat_map(Role::active).collect();
        for (part, is_user) in [("privileged_users", true), ("privileged_service_principals", false)] {
            let Some(Value::Object(holders)) = self.parts.remove(part) else { continue };
            for (key, holder) in holders {
                let path = format!("{part}.{key}");
                let Value::Object(holder) = with_lower_camel_names(holder) else { continue };
                add_holder(builder, &Holder { id: &key, object: &holder, is_user }, &path)?;
                for role in holder.get("roles").map(names).unwrap_or_default() {
                    let id = role_id(&roles, role);
                    let mut assignment = json!({ "principalId": key, "roleDefinitionId": id, "directoryScopeId": "/" });
                    if with_pim
                        && !active.contains(&(key.as_str(), id))
                        && let Value::Object(assignment) = &mut assignment
                    {
                        assignment.remove("directoryScopeId");
                        assignment.insert(BASIS.to_owned(), "active or eligible, directly or through a group".into());
                    }
                    add(builder, Resource::RoleAssignments, &assignment, &path)?;
                }
            }
        }
        builder.doubt(Resource::Users, USERS_WHY);
        builder.doubt(Resource::ServicePrincipals, PRINCIPALS_WHY);
        builder.doubt(Resource::RoleAssignments, HOLDERS_WHY);
        for resource in
            [Resource::RoleDefinitions, Resource::RoleAssignmentScheduleInstances, Resource::RoleManagementPolicies]
        {
            builder.doubt(resource, ROLES_WHY);
        }
        Ok(())
    }
}

/// A user or service principal that holds privileged roles.
struct Holder<'a> {
    id: &'a str,
    object: &'a Map<String, Value>,
    is_user: bool,
}

fn add_holder(builder: &mut SnapshotBuilder, holder: &Holder<'_>, path: &str) -> Result<(), PartError> {
    let mut object = holder.object.clone();
    object.remove("roles");
    object.remove("servicePrincipalId");
    object.insert("id".to_owned(), holder.id.into());
    // Another export of the same tenant knows more of the object than this one.
    if holder.is_user && !builder.has_user(holder.id) {
        return add(builder, Resource::Users, &object.into(), path);
    }
    if !holder.is_user && !builder.has_service_principal(holder.id) {
        return add(builder, Resource::ServicePrincipals, &object.into(), path);
    }
    Ok(())
}

/// One of `privileged_roles`.
struct Role {
    name: String,
    template_id: String,
    assignments: Option<Vec<Value>>,
    rules: Vec<Value>,
}

impl Role {
    fn read(value: Value) -> Option<Self> {
        let Value::Object(mut members) = value else { return None };
        let template_id = members.get("roleTemplateId").and_then(Value::as_str)?.to_owned();
        Some(Self {
            name: members.get("displayName").and_then(Value::as_str).unwrap_or_default().to_owned(),
            template_id,
            assignments: members.remove("assignments").map(|list| objects(Some(list))),
            rules: objects(members.remove("rules")),
        })
    }

    /// Who holds the role actively, and the role.
    fn active(&self) -> impl Iterator<Item = (&str, &str)> {
        let assignments = self.assignments.iter().flatten();
        assignments.filter_map(|item| Some((item.get("principalId")?.as_str()?, self.template_id.as_str())))
    }

    fn add_to(&self, builder: &mut SnapshotBuilder, path: &str) -> Result<(), PartError> {
        let definition = json!({ "id": self.template_id, "templateId": self.template_id,
            "displayName": self.name, "isBuiltIn": true });
        add(builder, Resource::RoleDefinitions, &definition, path)?;
        for (index, assignment) in self.assignments.iter().flatten().enumerate() {
            let path = format!("{path}.assignments[{index}]");
            add(builder, Resource::RoleAssignmentScheduleInstances, assignment, &path)?;
        }
        // The rules of groups that hold the role lie among the role's own.
        let (of_groups, own): (Vec<&Value>, Vec<&Value>) =
            self.rules.iter().partition(|rule| rule.get("ruleSourceType").is_some_and(|kind| kind == "PIM Group"));
        let mut by_group: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for rule in of_groups {
            by_group.entry(rule.get("ruleSource").and_then(Value::as_str).unwrap_or_default()).or_default().push(rule);
        }
        if !own.is_empty() {
            let policy = json!({ "id": format!("scubagear#DirectoryRole_{}", self.template_id), "scopeId": "/",
                "scopeType": "DirectoryRole", "displayName": self.name, "roleDefinitionId": self.template_id,
                "rules": own });
            add(builder, Resource::RoleManagementPolicies, &policy, path)?;
        }
        for (group, rules) in by_group {
            let policy = json!({ "id": format!("scubagear#Group_{group}"), "scopeType": "Group",
                "displayName": group, "rules": rules });
            add(builder, Resource::RoleManagementPolicies, &policy, path)?;
        }
        Ok(())
    }
}

/// The template id of a role by its name; a name that is not known stays what it is.
fn role_id<'a>(roles: &'a [Role], name: &'a str) -> &'a str {
    let listed = roles.iter().find(|role| role.name.eq_ignore_ascii_case(name)).map(|role| role.template_id.as_str());
    listed.or_else(|| built_in_role_named(name).map(|role| role.template_id)).unwrap_or(name)
}

/// The different texts of a list, or a text that stands for a list of one.
fn names(value: &Value) -> BTreeSet<&str> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        Value::String(text) => BTreeSet::from([text.as_str()]),
        _ => BTreeSet::new(),
    }
}

/// A list, or the one that stands for a list of one.
fn items(value: Option<Value>) -> Vec<Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items,
        Some(one) => vec![one],
    }
}

fn objects(value: Option<Value>) -> Vec<Value> {
    items(value).into_iter().filter(Value::is_object).collect()
}

fn add(builder: &mut SnapshotBuilder, resource: Resource, value: &Value, path: &str) -> Result<(), PartError> {
    builder.add_value(resource, value, path).map_err(|error| (path.to_owned(), error))
}
