//! What two whole snapshots of a tenant differ in.
//!
//! Compared are the policies, named locations, groups, role assignments and eligibilities, users, authentication
//! methods and their policy, and security defaults. What an incomplete list does not have is not told as gone or new;
//! that a list is known better or worse than before is told instead. Objects are the same when their ids are.
//! **Limits:** [`DIFFERENCE_COUNT_MAX`]; what is beyond is counted.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::words::{Names, line_of_lists, location_details, members_details, policy_details};
use super::{AppliedChange, ChangeAction};
use crate::group::{Group, Member};
use crate::property::Property;
use crate::role::RoleAssignment;
use crate::snapshot::listing::with_listing;
use crate::snapshot::{Listing, Resource, Snapshot};
use crate::strength::{AuthenticationStrengthPolicy, Combination};
use crate::user::User;

/// Most changes that are listed; the rest is counted.
pub const DIFFERENCE_COUNT_MAX: usize = 1_000;

/// What `after` has that `before` has not, and the other way round: list by list in the order of the snapshot format,
/// and in each as `before` has the objects, then what is new. The last of more than [`DIFFERENCE_COUNT_MAX`] changes
/// says how many are not listed.
#[must_use]
pub fn difference(before: &Snapshot, after: &Snapshot) -> Vec<AppliedChange> {
    let mut found = Found { before, after, changes: Vec::new(), unlisted: 0 };
    for resource in Resource::ALL {
        found.listing(*resource);
        match resource {
            Resource::Users => found.users(),
            Resource::Groups => found.groups(),
            Resource::RoleAssignments => found.roles(*resource, &before.role_assignments, &after.role_assignments),
            Resource::RoleAssignmentScheduleInstances => {
                let lists = (&before.role_assignment_schedule_instances, &after.role_assignment_schedule_instances);
                found.roles(*resource, lists.0, lists.1);
            }
            Resource::RoleEligibilityScheduleInstances => {
                let lists = (&before.role_eligibility_schedule_instances, &after.role_eligibility_schedule_instances);
                found.roles(*resource, lists.0, lists.1);
            }
            Resource::ConditionalAccessPolicies => found.policies(),
            Resource::NamedLocations => found.locations(),
            Resource::AuthenticationStrengthPolicies => found.strengths(),
            Resource::AuthenticationMethodsPolicy => found.methods_policy(),
            Resource::IdentitySecurityDefaultsEnforcementPolicy => found.security_defaults(),
            _ => {}
        }
    }
    found.into_changes()
}

struct Found<'a> {
    before: &'a Snapshot,
    after: &'a Snapshot,
    changes: Vec<AppliedChange>,
    unlisted: u64,
}

impl<'a> Found<'a> {
    fn push(&mut self, change: AppliedChange) {
        if change.action == ChangeAction::Unchanged {
            return;
        }
        if self.changes.len() < DIFFERENCE_COUNT_MAX {
            self.changes.push(change);
        } else {
            self.unlisted += 1;
        }
    }

    fn into_changes(mut self) -> Vec<AppliedChange> {
        if self.unlisted > 0 {
            let action = ChangeAction::Unlisted(self.unlisted);
            self.changes.push(AppliedChange::new(Resource::Organization, "", "", action, Vec::new()));
        }
        self.changes
    }

    /// Whether a list is known as well as before.
    fn listing(&mut self, resource: Resource) {
        let why = |snapshot: &Snapshot| {
            with_listing!(&snapshot, resource, |listing| (
                listing.as_present().is_some(),
                listing.why().map(str::to_owned)
            ))
        };
        let (before, after) = (why(self.before), why(self.after));
        if before == after {
            return;
        }
        let words = |(is_there, why): &(bool, Option<String>)| match (is_there, why) {
            (_, None) => "complete".to_owned(),
            (true, Some(why)) => format!("there in part ({why})"),
            (false, Some(why)) => format!("missing ({why})"),
        };
        let detail = format!("{} -> {}", words(&before), words(&after));
        self.push(AppliedChange::new(resource, "", resource.name(), ChangeAction::List, vec![detail]));
    }

    fn users(&mut self) {
        let (before, after) = (self.before, self.after);
        let other = |of: &Snapshot, user: &User, other: &'a Snapshot| -> Option<&'a User> {
            other.objects.find(of.objects.id(user.key)).and_then(|key| other.user(key))
        };
        for user in before.users.items() {
            let id = before.objects.id(user.key);
            match other(before, user, after) {
                Some(new) => {
                    self.push(AppliedChange::changed(Resource::Users, id, new.name(), user_details(user, new)))
                }
                None if after.users.is_complete() => {
                    self.push(AppliedChange::new(Resource::Users, id, user.name(), ChangeAction::Removed, Vec::new()));
                }
                None => {}
            }
        }
        for user in after.users.items() {
            if before.users.is_complete() && other(after, user, before).is_none() {
                let id = after.objects.id(user.key);
                let details = enabled_words(&user.account_enabled).map(str::to_owned).into_iter().collect();
                self.push(AppliedChange::new(Resource::Users, id, user.name(), ChangeAction::Added, details));
            }
        }
    }

    fn groups(&mut self) {
        let (before, after) = (self.before, self.after);
        let other = |of: &Snapshot, group: &Group, other: &'a Snapshot| -> Option<&'a Group> {
            other.objects.find(of.objects.id(group.key)).and_then(|key| other.group(key))
        };
        for group in before.groups.items() {
            let id = before.objects.id(group.key);
            match other(before, group, after) {
                Some(new) => {
                    let details = group_details((before, group), (after, new));
                    self.push(AppliedChange::changed(Resource::Groups, id, after.name(new.key), details));
                }
                None if after.groups.is_complete() => {
                    let name = before.name(group.key);
                    self.push(AppliedChange::new(Resource::Groups, id, name, ChangeAction::Removed, Vec::new()));
                }
                None => {}
            }
        }
        for group in after.groups.items() {
            if before.groups.is_complete() && other(after, group, before).is_none() {
                let details = members_details(Some(&[]), group.members.as_deref(), &Names(&[after]));
                let (id, name) = (after.objects.id(group.key), after.name(group.key));
                self.push(AppliedChange::new(Resource::Groups, id, name, ChangeAction::Added, details));
            }
        }
    }

    fn policies(&mut self) {
        let (before, after) = (&self.before.conditional_access_policies, &self.after.conditional_access_policies);
        let snapshots = [self.after, self.before];
        let (names, resource) = (Names(&snapshots), Resource::ConditionalAccessPolicies);
        let changes = compared(
            (before, after),
            |policy| policy.id.as_str().to_owned(),
            |was, new| {
                let details = policy_details(was, new, &names);
                let (id, name) = new.or(was).map_or(("", ""), |policy| (policy.id.as_str(), policy.name()));
                change(resource, (id, name), (was.is_some(), new.is_some()), details)
            },
        );
        changes.into_iter().for_each(|change| self.push(change));
    }

    fn locations(&mut self) {
        let (before, after) = (&self.before.named_locations, &self.after.named_locations);
        let changes = compared(
            (before, after),
            |location| location.id.as_str().to_owned(),
            |was, new| {
                let details = location_details(was, new);
                let (id, name) = new.or(was).map_or(("", ""), |location| (location.id.as_str(), location.name()));
                change(Resource::NamedLocations, (id, name), (was.is_some(), new.is_some()), details)
            },
        );
        changes.into_iter().for_each(|change| self.push(change));
    }

    /// Assignments are the same when they give the same role to the same principal over the same scope.
    fn roles(
        &mut self,
        resource: Resource,
        before: &Listing<Vec<RoleAssignment>>,
        after: &Listing<Vec<RoleAssignment>>,
    ) {
        let snapshots = [self.after, self.before];
        let names = Names(&snapshots);
        let key = |role: &RoleAssignment| {
            let scope = role.directory_scope_id.value().cloned().unwrap_or_default();
            format!("{} {} {scope}", role.principal_id, role.role_definition_id)
        };
        let changes = compared((before, after), key, |was, new| {
            let Some(role) = new.or(was) else { return change(resource, ("", ""), (true, true), Vec::new()) };
            let mut details = Vec::new();
            if let (Some(was), Some(new)) = (was, new) {
                let end =
                    |role: &RoleAssignment| role.end_date_time.value().cloned().unwrap_or_else(|| "no end".to_owned());
                if end(was) != end(new) {
                    details.push(format!("until {} -> {}", end(was), end(new)));
                }
            }
            let principal = role.principal_id.as_str();
            let principal = snapshots
                .iter()
                .find_map(|snapshot| snapshot.objects.find(principal).map(|key| snapshot.name(key)))
                .unwrap_or(principal);
            let scope = if role.is_tenant_wide() { String::new() } else { " over a part of the tenant".to_owned() };
            let name = format!("{} of {principal}{scope}", names.role(role.role_definition_id.as_str()));
            change(resource, (role.principal_id.as_str(), &name), (was.is_some(), new.is_some()), details)
        });
        changes.into_iter().for_each(|change| self.push(change));
    }

    fn strengths(&mut self) {
        let (before, after) =
            (&self.before.authentication_strength_policies, &self.after.authentication_strength_policies);
        let id = |strength: &AuthenticationStrengthPolicy| {
            strength.id.as_ref().map_or_else(String::new, |id| id.as_str().to_owned())
        };
        let changes = compared((before, after), id, |was, new| {
            let details = match (was, new) {
                (Some(was), Some(new)) => strength_details(was, new),
                _ => Vec::new(),
            };
            let name = new.or(was).and_then(|strength| strength.display_name.clone()).unwrap_or_default();
            let id = new.or(was).map(id).unwrap_or_default();
            let resource = Resource::AuthenticationStrengthPolicies;
            change(resource, (&id, &name), (was.is_some(), new.is_some()), details)
        });
        changes.into_iter().for_each(|change| self.push(change));
    }

    fn methods_policy(&mut self) {
        let resource = Resource::AuthenticationMethodsPolicy;
        let (Some(before), Some(after)) = (
            self.before.authentication_methods_policy.as_present(),
            self.after.authentication_methods_policy.as_present(),
        ) else {
            return;
        };
        let configurations =
            (&before.authentication_method_configurations, &after.authentication_method_configurations);
        let ids: BTreeSet<&str> = configurations.0.iter().chain(configurations.1).map(|one| one.id.as_str()).collect();
        for id in ids {
            let (was, new) = (before.configuration(id), after.configuration(id));
            if was == new {
                continue;
            }
            let state = |one: Option<&crate::tenant::AuthenticationMethodConfiguration>| {
                one.map_or("not there", |one| one.state.as_deref().unwrap_or("not said")).to_owned()
            };
            let details = match (state(was), state(new)) {
                (was, new) if was != new => format!("state {was} -> {new}"),
                _ => "its targets or settings are others".to_owned(),
            };
            self.push(AppliedChange::changed(resource, id, id, vec![details]));
        }
    }

    fn security_defaults(&mut self) {
        let is_enabled = |snapshot: &Snapshot| {
            let policy = snapshot.identity_security_defaults_enforcement_policy.as_present()?;
            policy.0.get("isEnabled").and_then(Value::as_bool)
        };
        let words = |is_enabled| if is_enabled { "on" } else { "off" };
        if let (Some(was), Some(new)) = (is_enabled(self.before), is_enabled(self.after))
            && was != new
        {
            let resource = Resource::IdentitySecurityDefaultsEnforcementPolicy;
            let details = vec![format!("{} -> {}", words(was), words(new))];
            self.push(AppliedChange::changed(resource, "", "security defaults", details));
        }
    }
}

/// Objects of one list by id, those of the first list first.
fn compared<'a, T>(
    (before, after): (&'a Listing<Vec<T>>, &'a Listing<Vec<T>>),
    id: impl Fn(&T) -> String,
    change: impl Fn(Option<&'a T>, Option<&'a T>) -> AppliedChange,
) -> Vec<AppliedChange> {
    let by_id =
        |list: &'a Listing<Vec<T>>| list.items().iter().map(|item| (id(item), item)).collect::<BTreeMap<_, _>>();
    let (old, new) = (by_id(before), by_id(after));
    let mut changes = Vec::new();
    for item in before.items() {
        match new.get(&id(item)) {
            Some(other) => changes.push(change(Some(item), Some(other))),
            None if after.is_complete() => changes.push(change(Some(item), None)),
            None => {}
        }
    }
    let added = after.items().iter().filter(|item| before.is_complete() && !old.contains_key(&id(item)));
    changes.extend(added.map(|item| change(None, Some(item))));
    changes
}

fn change(
    resource: Resource,
    (id, name): (&str, &str),
    (was_there, is_there): (bool, bool),
    details: Vec<String>,
) -> AppliedChange {
    match (was_there, is_there) {
        (false, true) => AppliedChange::new(resource, id, name, ChangeAction::Added, details),
        (true, false) => AppliedChange::new(resource, id, name, ChangeAction::Removed, details),
        _ => AppliedChange::changed(resource, id, name, details),
    }
}

fn enabled_words(is_enabled: &Property<bool>) -> Option<&'static str> {
    match is_enabled {
        Property::Value(true) => Some("enabled"),
        Property::Value(false) => Some("disabled"),
        Property::Null | Property::Absent => None,
    }
}

fn user_details(was: &User, new: &User) -> Vec<String> {
    let mut details = Vec::new();
    if was.account_enabled != new.account_enabled {
        let words = |user: &User| enabled_words(&user.account_enabled).unwrap_or("not said");
        details.push(format!("{} -> {}", words(was), words(new)));
    }
    if was.user_principal_name != new.user_principal_name {
        let name = |user: &User| user.user_principal_name.as_deref().unwrap_or_default().to_owned();
        details.push(format!("sign-in name `{}` -> `{}`", name(was), name(new)));
    }
    let methods = |user: &User| user.detail().authentication_methods.value().map(Vec::len);
    if was.detail().authentication_methods != new.detail().authentication_methods {
        let words = |count: Option<usize>| count.map_or_else(|| "not said".to_owned(), |count| count.to_string());
        details.push(format!("authentication methods are others ({} -> {})", words(methods(was)), words(methods(new))));
    }
    details
}

fn group_details((before, was): (&Snapshot, &Group), (after, new): (&Snapshot, &Group)) -> Vec<String> {
    let ids = |snapshot: &Snapshot, list: &[Member]| -> BTreeSet<String> {
        list.iter().map(|member| snapshot.objects.id(member.key).to_owned()).collect()
    };
    let name = |id: &String| {
        let known =
            [after, before].into_iter().find_map(|one| one.objects.find(id).map(|key| one.name(key).to_owned()));
        known.unwrap_or_else(|| id.clone())
    };
    let mut details = Vec::new();
    for (label, was, new) in [("members", &was.members, &new.members), ("owners", &was.owners, &new.owners)] {
        match (was, new) {
            (Some(was), Some(new)) => {
                let (was, new) = (ids(before, was), ids(after, new));
                let added: Vec<String> = new.difference(&was).map(name).collect();
                let removed: Vec<String> = was.difference(&new).map(name).collect();
                details.extend(line_of_lists(label, &added, &removed));
            }
            (Some(_), None) => details.push(format!("its {label} are not known any more")),
            (None, Some(_)) => details.push(format!("its {label} are known now")),
            (None, None) => {}
        }
    }
    if was.membership_rule != new.membership_rule {
        details.push("another rule gives its members".to_owned());
    }
    if was.is_assignable_to_role != new.is_assignable_to_role {
        details.push("whether roles may be assigned to it is different".to_owned());
    }
    details
}

fn strength_details(was: &AuthenticationStrengthPolicy, new: &AuthenticationStrengthPolicy) -> Vec<String> {
    let combinations = |strength: &AuthenticationStrengthPolicy| -> BTreeSet<String> {
        let list = strength.allowed_combinations.iter().flatten();
        list.map(|combination| match combination {
            Combination::Known(modes) => modes.to_string(),
            Combination::Unknown(text) => text.to_string(),
        })
        .collect()
    };
    let (old, now) = (combinations(was), combinations(new));
    let added: Vec<String> = now.difference(&old).cloned().collect();
    let removed: Vec<String> = old.difference(&now).cloned().collect();
    let mut details: Vec<String> = line_of_lists("combinations", &added, &removed).into_iter().collect();
    if was.combination_configurations != new.combination_configurations {
        details.push("its restrictions are others".to_owned());
    }
    details
}
