//! Applications that reach a goal by themselves, with a credential of their own.
//!
//! **Source:** `docs/concepts/lockout.md`, section 9; the permissions reference.

use breakglass_model::object::ObjectKey;
use breakglass_model::policy::Rest;
use breakglass_model::property::Property;
use breakglass_model::snapshot::because;
use breakglass_model::tenant::{GraphObject, ServicePrincipal};
use jiff::Timestamp;
use serde_json::Value;

use super::Compiler;
use crate::access::Trit;
use crate::lockout::component::{Component, Kind};
use crate::lockout::goal::Goal;
use crate::lockout::system::Node;

impl Compiler<'_> {
    /// Applications whose own permissions or roles reach the goal.
    pub(super) fn applications(&mut self, head: Node, goal: Goal) {
        let snapshot = self.access.snapshot();
        for principal in snapshot.service_principals.items() {
            let id = principal.id.as_str();
            let Some(app_id) = &principal.app_id else { continue };
            let reaches = self.has_role(principal, goal).or(self.has_permission(principal, goal));
            let is_enabled = match principal.account_enabled {
                Property::Value(is_enabled) => is_enabled.into(),
                Property::Null | Property::Absent => Trit::Unknown,
            };
            if reaches == Trit::No || is_enabled == Trit::No {
                continue;
            }
            let name = principal.display_name.clone().unwrap_or_else(|| id.to_owned());
            let takes_enabled = self
                .takes(is_enabled, || format!("`accountEnabled` of the application `{name}` is not in the snapshot"));
            let takes_reach = self.takes(reaches, || {
                format!("whether the application `{name}` has a role or permission for it is not in the snapshot")
            });
            if takes_enabled && takes_reach {
                for key in self.credentials_of(principal, &name) {
                    let credential = Component::new(Kind::Application, &format!("{app_id}#{key}"));
                    self.application_session(head, id, &credential);
                }
            }
        }
        if let Some(why) = snapshot.service_principals.why() {
            self.unknowns.insert(format!(
                "which other applications reach it: `servicePrincipals` are not all there{}",
                because(why)
            ));
        }
    }

    /// Whether a service principal holds a role that is enough, by itself or in a group.
    fn has_role(&self, principal: &ServicePrincipal, goal: Goal) -> Trit {
        let snapshot = self.access.snapshot();
        let roles = self.access.classes().roles();
        let key = snapshot.objects.find(principal.id.as_str());
        let is_in = |holder: ObjectKey| -> Trit {
            match snapshot.group(holder).map(|group| group.members.as_deref()) {
                Some(Some(members)) => members.iter().any(|member| Some(member.key) == key).into(),
                Some(None) => Trit::Unknown,
                None => (Some(holder) == key).into(),
            }
        };
        let each = goal.roles().iter().flat_map(|role| roles.principals(role)).map(|holder| is_in(*holder));
        let listed = each.max().unwrap_or(Trit::No);
        let are_lists_missing =
            !snapshot.role_assignments.is_complete() && !snapshot.role_assignment_schedule_instances.is_complete();
        listed.or(if are_lists_missing { Trit::Unknown } else { Trit::No })
    }

    /// Whether a service principal may reach a goal at some date: roles begin and end, permissions stay.
    pub(in crate::lockout) fn may_ever_reach(&self, principal: &ServicePrincipal, goal: Goal) -> bool {
        let snapshot = self.access.snapshot();
        let roles = self.access.classes().roles();
        let lists = [&snapshot.role_assignments, &snapshot.role_assignment_schedule_instances];
        let mut held = lists.into_iter().flat_map(|list| list.items());
        let own = snapshot.objects.find(principal.id.as_str());
        let is_holder = |id: &str| {
            let key = snapshot.objects.find(id);
            let members = key.and_then(|key| snapshot.group(key)).map(|group| group.members.as_deref());
            key.is_some() && key == own
                || members.is_some_and(|all| all.is_none_or(|all| all.iter().any(|one| Some(one.key) == own)))
        };
        self.has_role(principal, goal) != Trit::No
            || self.has_permission(principal, goal) != Trit::No
            || held.any(|one| {
                goal.roles().contains(&roles.template(one.role_definition_id.as_str()))
                    && is_holder(one.principal_id.as_str())
            })
    }

    /// Whether a service principal has an application permission that is enough.
    fn has_permission(&self, principal: &ServicePrincipal, goal: Goal) -> Trit {
        let all = &self.access.snapshot().app_role_assignments;
        let own = principal.app_role_assignments.value();
        let is_own = |one: &&GraphObject| one.text("principalId") == Some(principal.id.as_str());
        let listed = all.items().iter().filter(is_own).map(|one| &one.0);
        if own.into_iter().flatten().chain(listed).any(|assignment| gives(assignment, goal.permissions())) {
            return Trit::Yes;
        }
        if own.is_some() || all.is_complete() { Trit::No } else { Trit::Unknown }
    }

    /// The ids of the credentials of an application that are current, as the mode counts them. One of whose
    /// credentials nothing is known possibly has one.
    fn credentials_of(&mut self, principal: &ServicePrincipal, name: &str) -> Vec<String> {
        let snapshot = self.access.snapshot();
        let app_id = principal.app_id.as_ref().map_or("", |app_id| app_id.as_str());
        let application = snapshot.applications.items().iter().find(|one| one.text("appId") == Some(app_id));
        let lists = ["keyCredentials", "passwordCredentials"];
        let of_application = lists.map(|list| application.and_then(|one| one.0.get(list)).and_then(Value::as_array));
        let of_principal = lists.map(|list| principal.rest.get(list).and_then(Value::as_array));
        let mut keys = Vec::new();
        // The application of another tenant has its credentials there.
        let has_untold = if of_application.iter().all(Option::is_some) { Trit::No } else { Trit::Unknown };
        if self.takes(has_untold, || format!("the credentials of the application `{name}` are not in the snapshot")) {
            keys.push(UNNAMED.to_owned());
        }
        for credential in of_application.into_iter().chain(of_principal).flatten().flatten() {
            let end = credential.get("endDateTime").and_then(Value::as_str);
            let end = end.and_then(|end| end.parse::<Timestamp>().ok());
            let is_current = end.map_or(Trit::Unknown, |end| (end > self.now).into());
            let is_taken = self.takes(is_current, || {
                format!("when a credential of the application `{name}` ends is not in the snapshot")
            });
            if is_taken {
                let key = credential.get("keyId").and_then(Value::as_str);
                keys.push(key.unwrap_or(UNNAMED).to_owned());
            }
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

/// Stands for a credential without an id, or one of which nothing is known.
const UNNAMED: &str = "unknown";

/// Ids of the application permissions that reach goals (from the permissions reference).
const PERMISSION_IDS: [(&str, &str); 3] = [
    ("RoleManagement.ReadWrite.Directory", "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8"),
    ("UserAuthenticationMethod.ReadWrite.All", "50483e42-d915-4231-9639-7fdb7fd190e5"),
    ("Policy.ReadWrite.ConditionalAccess", "01c0a623-fc9b-48e9-b794-0756f8e8f067"),
];

fn gives(assignment: &Rest, permissions: &[&str]) -> bool {
    let text = |name: &str| assignment.get(name).and_then(Value::as_str);
    let is_wanted = |name: &str| permissions.contains(&name);
    text("appRoleValue").is_some_and(is_wanted)
        || text("appRoleId")
            .is_some_and(|id| PERMISSION_IDS.iter().any(|(name, known)| *known == id && is_wanted(name)))
}
