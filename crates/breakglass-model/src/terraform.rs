//! Reads what a Terraform plan proposes: the output of `terraform show -json PLAN`.
//!
//! Taken are the policies, named locations, groups and group members of the azuread provider, and those of the msgraph
//! provider, whose bodies are Graph's own. What Terraform creates is new, whatever is called like it; what it updates is
//! merged with the object that is there, since a provider leaves alone what it cannot say; what it replaces is removed
//! and new. Everything else that the plan changes is not looked at: it is named in [`Proposal::unknowns`] where it may
//! decide who gets in, and so is what the plan itself leaves to a later one; the rest in [`Proposal::notes`].
//!
//! **Invariant:** a value that is known only after the plan is applied is never taken for empty. It is listed under
//! [`crate::policy::KNOWN_AFTER_APPLY`], so that what hangs on it cannot be told.
//! **Limits:** those of a proposal. **Source:** Terraform's documentation of its JSON output format, version 1; the
//! documentation of `azuread_conditional_access_policy`, `azuread_named_location`, `azuread_group` and
//! `azuread_group_member` of the azuread provider 3, whose ids are plain in version 2 and paths in version 3; Graph's
//! documentation of `msgraph_resource`.

mod policy;
mod values;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::plain_words::in_plain_words;
use crate::policy::KNOWN_AFTER_APPLY;
use crate::proposal::{Proposal, ProposalError, ProposalKind, ProposalMode, ProposalPlace, Proposed};
use crate::proposal::{last_segment, parse_document};
use policy::{location, policy};
use values::Values;

/// The version of the plan format that is read.
const FORMAT_MAJOR: &str = "1";

#[derive(Deserialize)]
struct Plan {
    #[serde(default)]
    resource_changes: Vec<ResourceChange>,
    #[serde(default)]
    deferred_changes: Vec<Value>,
    #[serde(default)]
    errored: bool,
    #[serde(default)]
    complete: Option<bool>,
}

#[derive(Deserialize)]
struct ResourceChange {
    address: String,
    #[serde(default)]
    mode: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    change: Change,
}

#[derive(Deserialize)]
struct Change {
    actions: Vec<String>,
    #[serde(default)]
    before: Value,
    #[serde(default)]
    after: Value,
    #[serde(default)]
    after_unknown: Value,
}

/// What Terraform does to a resource.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Create,
    Update,
    Delete,
    Replace,
    Nothing,
    /// Terraform ceases to manage it; it stays as it is.
    Forget,
}

impl Change {
    fn action(&self) -> Option<Action> {
        let actions: Vec<&str> = self.actions.iter().map(String::as_str).collect();
        Some(match actions.as_slice() {
            ["no-op" | "read"] => Action::Nothing,
            ["create"] => Action::Create,
            ["update"] => Action::Update,
            ["delete"] => Action::Delete,
            ["delete", "create"] | ["create", "delete"] => Action::Replace,
            ["forget"] => Action::Forget,
            ["create", "forget"] => Action::Create,
            _ => return None,
        })
    }

    fn before(&self) -> Values<'_> {
        Values { value: &self.before, unknown: &Value::Null }
    }

    fn after(&self) -> Values<'_> {
        Values { value: &self.after, unknown: &self.after_unknown }
    }

    /// Graph's id of the object that is there.
    fn id(&self) -> Option<&str> {
        self.before().text("object_id").or_else(|| self.before().text("id").and_then(last_segment))
    }
}

impl Proposal {
    /// Reads a plan and adds what it proposes. `file` is its name in errors.
    ///
    /// # Errors
    /// When it is no plan, of another version, or has values of the wrong type; nothing of it is added then.
    pub fn read_terraform_plan(&mut self, json: &[u8], file: &str) -> Result<(), ProposalError> {
        let document = parse_document(json, file)?;
        check_form(&document, file)?;
        let plan: Plan = serde_path_to_error::deserialize(&document).map_err(|error| ProposalError::Malformed {
            place: ProposalPlace::new(file, &format!("$.{}", error.path())),
            message: in_plain_words(&error.into_inner().to_string()),
        })?;
        let mut read = Self::default();
        let mut others: BTreeMap<(&str, bool), Vec<&str>> = BTreeMap::new();
        for change in plan.resource_changes.iter().filter(|change| change.mode.as_deref() != Some("data")) {
            let place = ProposalPlace::new(file, &change.address);
            let Some(action) = change.change.action() else {
                let message = format!("the actions {:?} are not known to this version", change.change.actions);
                return Err(ProposalError::Malformed { place, message });
            };
            if action == Action::Nothing {
                continue;
            }
            if action == Action::Forget {
                read.note(format!("{place}: Terraform ceases to manage it, and it stays as it is"));
                continue;
            }
            if !read.resource(&place, change, action)? {
                others.entry((&change.kind, matters(change, action))).or_default().push(&change.address);
            }
        }
        for ((kind, matters), addresses) in others {
            let count = addresses.len();
            if matters {
                let what =
                    format!("the plan changes {count} of `{kind}`, which may decide who gets in and is not looked at");
                read.unknowns.push(format!("{what}: {}", some_of(&addresses)));
            } else {
                read.note(format!("the plan changes {count} of `{kind}`, which is not looked at"));
            }
        }
        read.gaps(&plan);
        self.append(read, file)
    }

    /// Says what of the change the plan itself does not have.
    fn gaps(&mut self, plan: &Plan) {
        if plan.errored {
            self.unknowns.push("Terraform ended with an error: the plan is not all that it would change".to_owned());
        }
        if !plan.deferred_changes.is_empty() {
            let address = |deferred: &Value| deferred.pointer("/resource_change/address")?.as_str().map(str::to_owned);
            let addresses: Vec<String> = plan.deferred_changes.iter().filter_map(address).collect();
            let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
            let (count, names) = (plan.deferred_changes.len(), some_of(&addresses));
            let what = if count == 1 { "1 change".to_owned() } else { format!("{count} changes") };
            let names = if names.is_empty() { names } else { format!(": {names}") };
            self.unknowns.push(format!("the plan defers {what} to a later plan{names}"));
        } else if plan.complete == Some(false) && !plan.errored {
            self.unknowns.push("the plan says that it is not complete: another has to follow it".to_owned());
        }
    }

    /// Adds what happens to one resource; `false` when it is of a kind that is not looked at.
    fn resource(
        &mut self,
        place: &ProposalPlace,
        resource: &ResourceChange,
        action: Action,
    ) -> Result<bool, ProposalError> {
        let change = &resource.change;
        match resource.kind.as_str() {
            "azuread_conditional_access_policy" => {
                self.object(place, change, (action, ProposalKind::Policy), policy)?;
            }
            "azuread_named_location" => {
                self.object(place, change, (action, ProposalKind::NamedLocation), location)?;
            }
            "azuread_group" | "azuread_group_without_members" => {
                self.object(place, change, (action, ProposalKind::Group), group)?;
            }
            "azuread_group_member" => self.group_member(place, change, action)?,
            "msgraph_resource" | "msgraph_update_resource" => return self.graph_resource(place, resource, action),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// An object that Terraform creates, changes or deletes as a whole.
    fn object(
        &mut self,
        place: &ProposalPlace,
        change: &Change,
        (action, kind): (Action, ProposalKind),
        convert: fn(&Values<'_>) -> Result<Map<String, Value>, values::WrongType>,
    ) -> Result<(), ProposalError> {
        if self.is_removed((place, kind), action, change.id())? {
            return Ok(());
        }
        let mut object = convert(&change.after()).map_err(|error| error.at(place))?;
        let mode = if action == Action::Update { ProposalMode::Merge } else { ProposalMode::New };
        if let (ProposalMode::Merge, Some(id)) = (mode, change.id()) {
            object.insert("id".to_owned(), id.into());
        }
        self.propose(place.clone(), kind, Value::Object(object), mode)
    }

    /// Removes what is deleted or replaced; `true` when nothing comes in its place.
    fn is_removed(
        &mut self,
        (place, kind): (&ProposalPlace, ProposalKind),
        action: Action,
        id: Option<&str>,
    ) -> Result<bool, ProposalError> {
        if !matches!(action, Action::Delete | Action::Replace) {
            return Ok(false);
        }
        let Some(id) = id.map(str::to_owned) else {
            let message = "it is deleted, and the plan does not say its id".to_owned();
            return Err(ProposalError::Malformed { place: place.clone(), message });
        };
        let proposed = match kind {
            ProposalKind::Policy => Proposed::PolicyRemoved(id),
            ProposalKind::NamedLocation => Proposed::NamedLocationRemoved(id),
            ProposalKind::Group => Proposed::GroupRemoved(id),
        };
        self.push(place.clone(), proposed)?;
        Ok(action == Action::Delete)
    }

    fn group_member(&mut self, place: &ProposalPlace, change: &Change, action: Action) -> Result<(), ProposalError> {
        let before = change.before();
        if matches!(action, Action::Delete | Action::Replace | Action::Update)
            && let (Some(group), Some(member)) = (before.text("group_object_id"), before.text("member_object_id"))
        {
            let gone = json!({ "id": member, "@removed": { "reason": "deleted" } });
            let object = json!({ "id": group, "members@delta": [gone] });
            self.propose(place.clone(), ProposalKind::Group, object, ProposalMode::Match)?;
        }
        if action == Action::Delete {
            return Ok(());
        }
        let after = change.after();
        let Some(group) = after.text("group_object_id") else {
            self.note(format!("{place}: somebody is put into a group that is known only after the plan is applied"));
            return Ok(());
        };
        let object = match after.text("member_object_id") {
            Some(member) => json!({ "id": group, "members@delta": [{ "id": member }] }),
            None => json!({ "id": group, KNOWN_AFTER_APPLY: ["members"] }),
        };
        self.propose(place.clone(), ProposalKind::Group, object, ProposalMode::Match)
    }

    /// A resource of the msgraph provider: Graph's own body, at Graph's own path.
    fn graph_resource(
        &mut self,
        place: &ProposalPlace,
        resource: &ResourceChange,
        action: Action,
    ) -> Result<bool, ProposalError> {
        let change = &resource.change;
        let current = if action == Action::Delete { change.before() } else { change.after() };
        let Some((kind, id_of_path)) = current.text("url").and_then(graph_path) else { return Ok(false) };
        let is_update_of_another = resource.kind == "msgraph_update_resource";
        let id = if is_update_of_another { id_of_path } else { change.id() };
        if is_update_of_another && action == Action::Delete {
            self.note(format!("{place}: what it wrote stays when it is deleted"));
            return Ok(true);
        }
        if !is_update_of_another && self.is_removed((place, kind), action, id)? {
            return Ok(true);
        }
        let mut object = values::body(&current).map_err(|error| error.at(place))?;
        let is_there = is_update_of_another || action == Action::Update;
        if let (true, Some(id)) = (is_there, id) {
            object.insert("id".to_owned(), id.into());
        }
        let mode = if is_there { ProposalMode::Merge } else { ProposalMode::New };
        self.propose(place.clone(), kind, Value::Object(object), mode)?;
        Ok(true)
    }
}

/// Types of resources that may decide who gets in and are not looked at, by how their names begin. Of the last ones a
/// new one takes nothing away from anybody.
const MATTERING: [&str; 7] = [
    "azuread_authentication_strength_policy",
    "azuread_custom_directory_role",
    "azuread_directory_role",
    "azuread_group_role_management_policy",
    "azuread_privileged_access_group",
    "azuread_administrative_unit",
    "azuread_user",
];
const MATTERING_UNLESS_NEW: [&str; 4] =
    ["azuread_application", "azuread_service_principal", "azuread_app_role_assignment", "azuread_invitation"];
/// The same of the msgraph provider, by how the path begins.
const MATTERING_PATHS: [&str; 12] = [
    "applications",
    "directory",
    "directoryroles",
    "domains",
    "groups",
    "identity",
    "organization",
    "policies",
    "privilegedaccess",
    "rolemanagement",
    "serviceprincipals",
    "users",
];
/// Addresses that are named.
const ADDRESS_COUNT_MAX: usize = 5;

/// Whether a resource that is not looked at may decide who gets in.
fn matters(resource: &ResourceChange, action: Action) -> bool {
    let begins = |names: &[&str]| names.iter().any(|name| resource.kind.starts_with(name));
    if resource.kind.starts_with("msgraph_") {
        let change = &resource.change;
        let current = if action == Action::Delete { change.before() } else { change.after() };
        let Some(url) = current.text("url") else { return true };
        let path = url.trim_start_matches('/').to_ascii_lowercase();
        return MATTERING_PATHS.iter().any(|name| path.split(['/', '(', '?']).next() == Some(*name));
    }
    begins(&MATTERING) || (begins(&MATTERING_UNLESS_NEW) && action != Action::Create)
}

/// The first of some addresses, and how many more there are.
fn some_of(addresses: &[&str]) -> String {
    let mut shown: Vec<String> = addresses.iter().take(ADDRESS_COUNT_MAX).map(|one| format!("`{one}`")).collect();
    if addresses.len() > ADDRESS_COUNT_MAX {
        shown.push(format!("{} more", addresses.len() - ADDRESS_COUNT_MAX));
    }
    shown.join(", ")
}

/// What kind of object a path of Graph leads to, and its id where the path has it.
fn graph_path(url: &str) -> Option<(ProposalKind, Option<&str>)> {
    let path = url.trim_matches('/');
    let kinds = [
        ("identity/conditionalAccess/policies", ProposalKind::Policy),
        ("identity/conditionalAccess/namedLocations", ProposalKind::NamedLocation),
        ("groups", ProposalKind::Group),
    ];
    kinds.into_iter().find_map(|(list, kind)| {
        let rest = path.get(list.len()..)?;
        if !path.get(..list.len())?.eq_ignore_ascii_case(list) {
            return None;
        }
        match rest.strip_prefix('/') {
            None => rest.is_empty().then_some((kind, None)),
            Some(id) => (!id.contains('/')).then_some((kind, Some(id))),
        }
    })
}

fn check_form(document: &Value, file: &str) -> Result<(), ProposalError> {
    let other = |what: &str| ProposalError::OtherForm { file: file.to_owned(), what: what.to_owned() };
    let Some(version) = document.get("format_version").and_then(Value::as_str) else {
        return Err(other(
            "no Terraform plan: it has no `format_version`; give the output of `terraform show -json PLAN`",
        ));
    };
    if version.split('.').next() != Some(FORMAT_MAJOR) {
        return Err(ProposalError::PlanVersion { file: file.to_owned(), version: version.to_owned() });
    }
    if document.get("resource_changes").is_none() {
        let what = match document.get("planned_values") {
            // A plan without changes has no list of them.
            Some(_) => return Ok(()),
            None => "a Terraform state and no plan; give the output of `terraform show -json PLAN`",
        };
        return Err(other(what));
    }
    Ok(())
}

/// A group of the azuread provider.
fn group(values: &Values<'_>) -> Result<Map<String, Value>, values::WrongType> {
    let mut group = values::Object::default();
    group.text(values, "display_name", "displayName")?;
    group.flag(values, "security_enabled", "securityEnabled")?;
    group.flag(values, "assignable_to_role", "isAssignableToRole")?;
    group.list(values, "types", "groupTypes")?;
    match values.block("dynamic_membership")? {
        Some(rule) => group.text(&rule, "rule", "membershipRule")?,
        // Its members are computed where they are not listed, and then not known before it is there.
        None if values.has("members") => group.list(values, "members", "members")?,
        None => {}
    }
    let mut group = group.into_members();
    // What a group does not say says nothing about the one that is there.
    group.retain(|_, value| !value.is_null());
    if group.get("groupTypes").is_some_and(|types| types.as_array().is_some_and(Vec::is_empty)) {
        group.shift_remove("groupTypes");
    }
    if group.get(KNOWN_AFTER_APPLY).is_some() {
        group.shift_remove("members");
    }
    Ok(group)
}
