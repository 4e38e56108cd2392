//! On whom an answer depends: of whom and of which groups more is read than the lists tell.
//!
//! Everybody who holds a role that Microsoft calls privileged, or one that the tenant made, active or eligible, by
//! themselves or by a group; who approves an activation; who owns a group that can be assigned to roles; who was named.
//! Others can neither repair a tenant nor help somebody who can.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_model::well_known::BUILT_IN_ROLES;
use serde_json::Value;

/// What the lists tell, gathered line by line.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// Roles of the tenant: id to template id.
    templates: BTreeMap<String, String>,
    /// Principals with the roles that they hold.
    holders: Vec<(String, String)>,
    approvers: BTreeSet<String>,
    /// Groups whose members decide something.
    groups: BTreeSet<String>,
    role_assignable: BTreeSet<String>,
    is_group: BTreeSet<String>,
    /// Sign-in names in lower case, to ids.
    named: BTreeSet<String>,
    by_name: BTreeMap<String, String>,
    /// Who is in which group, and who owns it.
    members: BTreeMap<String, Vec<String>>,
    owners: BTreeMap<String, Vec<String>>,
}

impl Gathered {
    /// With those whom the configuration names, by id or sign-in name.
    pub(super) fn with_named(named: &BTreeSet<String>) -> Self {
        Self { named: named.iter().map(|name| name.to_lowercase()).collect(), ..Self::default() }
    }

    pub(super) fn role_definition(&mut self, role: &Value) {
        if let (Some(id), Some(template)) = (text(role, "id"), text(role, "templateId")) {
            self.templates.insert(id.to_owned(), template.to_owned());
        }
    }

    pub(super) fn role_assignment(&mut self, assignment: &Value) {
        if let (Some(principal), Some(role)) = (text(assignment, "principalId"), text(assignment, "roleDefinitionId")) {
            self.holders.push((principal.to_owned(), role.to_owned()));
        }
    }

    /// Whoever may approve by the rules of a role.
    pub(super) fn role_rules(&mut self, policy: &Value) {
        for name in ["userId", "groupId", "id"] {
            each_text(policy, name, &mut |id| {
                self.approvers.insert(id.to_owned());
            });
        }
    }

    pub(super) fn policy(&mut self, policy: &Value) {
        for list in ["includeGroups", "excludeGroups"] {
            let groups = policy.pointer(&format!("/conditions/users/{list}")).and_then(Value::as_array);
            self.groups.extend(groups.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
        }
    }

    /// Groups that are targets of an authentication method.
    pub(super) fn methods_policy(&mut self, policy: &Value) {
        each_text(policy, "id", &mut |id| {
            self.groups.insert(id.to_owned());
        });
    }

    pub(super) fn group(&mut self, group: &Value) {
        let Some(id) = text(group, "id") else { return };
        self.is_group.insert(id.to_owned());
        // By its id or its name, which several may have.
        if text(group, "displayName").is_some_and(|name| self.named.contains(&name.to_lowercase())) {
            self.groups.insert(id.to_owned());
        }
        if group.get("isAssignableToRole") == Some(&Value::Bool(true)) {
            self.role_assignable.insert(id.to_owned());
        }
    }

    pub(super) fn user(&mut self, user: &Value) {
        if let (Some(id), Some(name)) = (text(user, "id"), text(user, "userPrincipalName"))
            && self.named.contains(&name.to_lowercase())
        {
            self.by_name.insert(name.to_lowercase(), id.to_owned());
        }
    }

    /// Members and owners of a group, as one line of the part that has them.
    pub(super) fn membership(&mut self, line: &Value) {
        let Some(id) = text(line, "id") else { return };
        let ids = |name: &str| {
            let list = line.get(name).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(|one| text(one, "id").map(str::to_owned)).collect::<Vec<_>>()
        };
        self.members.insert(id.to_owned(), ids("members"));
        self.owners.insert(id.to_owned(), ids("owners"));
    }

    /// Groups whose members are wanted and not there yet, with those inside them, sorted.
    pub(super) fn groups_wanted(&self) -> Vec<String> {
        let holders = self.holders.iter().map(|(principal, _)| principal);
        let named = self.approvers.iter().chain(&self.named).chain(holders);
        let first = named.chain(&self.groups).chain(&self.role_assignable);
        let mut seen: BTreeSet<&String> = BTreeSet::new();
        let mut open: Vec<&String> = first.filter(|id| self.is_group.contains(*id)).collect();
        while let Some(group) = open.pop() {
            if seen.insert(group) {
                let members = self.members.get(group).into_iter().flatten();
                open.extend(members.filter(|id| self.is_group.contains(*id)));
            }
        }
        seen.into_iter().filter(|id| !self.members.contains_key(*id)).cloned().collect()
    }

    /// Users of whom more is wanted, sorted.
    pub(super) fn users_wanted(&self) -> Vec<String> {
        let holders = self.holders.iter().filter(|(_, role)| self.is_strong(role)).map(|(principal, _)| principal);
        let owners = self.role_assignable.iter().filter_map(|group| self.owners.get(group)).flatten();
        let named = self.named.iter().map(|name| self.by_name.get(name).unwrap_or(name));
        let mut users: BTreeSet<&String> = BTreeSet::new();
        let mut seen: BTreeSet<&String> = BTreeSet::new();
        let mut open: Vec<&String> = holders.chain(owners).chain(named).chain(&self.approvers).collect();
        while let Some(one) = open.pop() {
            if !seen.insert(one) {
                continue;
            }
            if self.is_group.contains(one) {
                open.extend(self.members.get(one).into_iter().flatten());
            } else {
                users.insert(one);
            }
        }
        users.into_iter().cloned().collect()
    }

    /// Whether a role can do harm or good; what is not known here may.
    fn is_strong(&self, role: &str) -> bool {
        let template = self.templates.get(role).map_or(role, String::as_str);
        let built_in = BUILT_IN_ROLES.iter().find(|known| known.template_id.eq_ignore_ascii_case(template));
        built_in.is_none_or(|known| known.is_privileged)
    }
}

pub(super) fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

/// Every text under a name, however deep.
fn each_text(value: &Value, name: &str, found: &mut dyn FnMut(&str)) {
    // Iterative, since the depth is somebody else's.
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(object) => {
                for (key, inner) in object {
                    match inner {
                        Value::String(text) if key == name => found(text),
                        inner => open.push(inner),
                    }
                }
            }
            Value::Array(list) => open.extend(list),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
    const DIRECTORY_READERS: &str = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b";

    fn gathered() -> Gathered {
        let mut gathered = Gathered::with_named(&["Eva@contoso.com".to_owned()].into());
        for id in ["admins", "inner", "readers", "excluded", "approvers", "unused"] {
            gathered.group(&json!({ "id": id, "isAssignableToRole": id == "admins" }));
        }
        gathered.role_assignment(&json!({ "principalId": "admins", "roleDefinitionId": GLOBAL_ADMINISTRATOR }));
        gathered.role_assignment(&json!({ "principalId": "u1", "roleDefinitionId": "made-here" }));
        gathered.role_assignment(&json!({ "principalId": "u9", "roleDefinitionId": DIRECTORY_READERS }));
        gathered.role_assignment(&json!({ "principalId": "readers", "roleDefinitionId": DIRECTORY_READERS }));
        gathered.policy(&json!({ "conditions": { "users": { "excludeGroups": ["excluded"] } } }));
        gathered.role_rules(&json!({ "policy": { "rules": [{ "setting": { "approvalStages": [
            { "primaryApprovers": [{ "groupId": "approvers" }, { "userId": "u7" }] }] } }] } }));
        gathered.user(&json!({ "id": "u5", "userPrincipalName": "eva@contoso.com" }));
        gathered
    }

    #[test]
    fn groups_inside_groups_are_asked_for_in_turn() {
        let mut gathered = gathered();
        assert_eq!(gathered.groups_wanted(), ["admins", "approvers", "excluded", "readers"]);
        for id in ["approvers", "excluded", "readers"] {
            gathered.membership(&json!({ "id": id, "members": [{ "id": "u8" }], "owners": [] }));
        }
        gathered.membership(&json!({ "id": "admins", "members": [{ "id": "inner" }], "owners": [{ "id": "u6" }] }));
        assert_eq!(gathered.groups_wanted(), ["inner"]);
        gathered.membership(&json!({ "id": "inner", "members": [{ "id": "u2" }, { "id": "admins" }], "owners": [] }));
        assert_eq!(gathered.groups_wanted(), Vec::<String>::new());
        assert_eq!(gathered.users_wanted(), ["u1", "u2", "u5", "u6", "u7", "u8"]);
    }
}
