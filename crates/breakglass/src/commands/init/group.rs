//! Whether a group that the tenant has can carry the exclusion, and why not.

use std::collections::BTreeSet;

use breakglass_engine::access::membership::Reach;
use breakglass_model::group::Group;
use breakglass_model::object::ObjectKey;
use breakglass_model::policy::ConditionalAccessPolicyState;
use breakglass_model::property::Property;
use breakglass_model::snapshot::Snapshot;

/// A group with more users than this is an ordinary one.
const USER_COUNT_MAX: usize = 20;

/// A group that policies exclude, or that is named.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Its name.
    pub(super) name: String,
    /// What stands for it in the configuration: its name, or its id where several have the name.
    pub(super) value: String,
    /// How many enforced policies exclude it.
    pub(super) policy_count: usize,
    /// Why it cannot carry the exclusion; nothing if it can.
    pub(super) unfit: Option<String>,
}

/// The groups that somebody looks for: those of the name that is given, else the ones that policies exclude and that an
/// account is in, or the one that most exclude if no account is there.
pub(super) fn groups(snapshot: &Snapshot, named: Option<&str>, accounts: &[&str]) -> Vec<Found> {
    let keys: BTreeSet<ObjectKey> = accounts.iter().filter_map(|name| Some(snapshot.find_user(name)?.key)).collect();
    let judged = |group: &Group| judged(snapshot, group, &keys);
    let all = snapshot.groups.items().iter();
    if let Some(named) = named {
        let is_named =
            |group: &&Group| group.display_name.as_deref() == Some(named) || snapshot.objects.id(group.key) == named;
        return all.filter(is_named).map(judged).collect();
    }
    let is_small = |group: &&Group| {
        excluding(snapshot, group.key) > 0 && {
            let users = Reach::of_group(snapshot, group.key).users;
            users.len() <= USER_COUNT_MAX && (keys.is_empty() || users.iter().any(|key| keys.contains(key)))
        }
    };
    let mut found: Vec<Found> = all.filter(is_small).map(judged).collect();
    found.sort_by(|one, other| (other.policy_count, &one.name).cmp(&(one.policy_count, &other.name)));
    if keys.is_empty() {
        found.truncate(1);
    }
    found
}

/// Policies that are enforced and exclude a group by its id.
fn excluding(snapshot: &Snapshot, group: ObjectKey) -> usize {
    let id = snapshot.objects.id(group);
    let policies = snapshot.conditional_access_policies.items().iter();
    let enforced = policies.filter(|policy| policy.state == ConditionalAccessPolicyState::Enabled);
    let excludes = |users: &breakglass_model::policy::ConditionalAccessUsers| {
        users.exclude_groups.iter().any(|one| one.as_str().eq_ignore_ascii_case(id))
    };
    enforced.filter(|policy| policy.conditions.users.as_ref().is_some_and(excludes)).count()
}

fn judged(snapshot: &Snapshot, group: &Group, accounts: &BTreeSet<ObjectKey>) -> Found {
    let id = snapshot.objects.id(group.key);
    let name = group.display_name.as_deref().unwrap_or(id);
    let of_name = snapshot.groups.items().iter().filter(|one| one.display_name.as_deref() == Some(name)).count();
    Found {
        name: name.to_owned(),
        value: if of_name == 1 { name } else { id }.to_owned(),
        policy_count: excluding(snapshot, group.key),
        unfit: unfit(snapshot, group, accounts),
    }
}

fn unfit(snapshot: &Snapshot, group: &Group, accounts: &BTreeSet<ObjectKey>) -> Option<String> {
    let plain = |why: &str| Some(why.to_owned());
    match group.is_assignable_to_role {
        Property::Value(true) => {}
        Property::Absent => return plain("whether it can be assigned to roles was not read"),
        _ => {
            return plain(
                "it cannot be assigned to roles, so whoever may edit groups can edit it, and that is decided when a group \
                 is made",
            );
        }
    }
    if group.is_dynamic() {
        return plain("its members follow a rule, which decides who is excluded");
    }
    let mut units = snapshot.restricted_units_of(group.key);
    if group.is_management_restricted == Property::Value(true) || units.next().is_some() {
        return plain("it lies in a unit with restricted management as well, which freezes its members");
    }
    let reach = Reach::of_group(snapshot, group.key);
    if let Some(why) = reach.unknown {
        return Some(format!("who is in it was not read: {why}"));
    }
    let others: Vec<String> = reach
        .users
        .iter()
        .filter(|key| !accounts.contains(key))
        .map(|key| format!("`{}`", snapshot.name(*key)))
        .collect();
    if others.is_empty() {
        return None;
    }
    let rest = others.len().saturating_sub(3);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    let others = others.into_iter().take(3).collect::<Vec<_>>().join(", ");
    Some(format!("it is for the accounts alone, and {others}{more} would be excluded with them"))
}

#[cfg(test)]
mod tests {
    use breakglass_model::snapshot::SnapshotBuilder;
    use breakglass_model::snapshot::read::{Origin, read_document};
    use serde_json::{Value, json};

    use super::*;

    fn snapshot(group: Value) -> Snapshot {
        let document = json!({ "format": "breakglass-snapshot/1", "tenantId": "t",
            "users": [{ "id": "e1", "userPrincipalName": "e1@c.de" }, { "id": "x", "userPrincipalName": "x@c.de" }],
            "groups": [group, { "id": "big", "displayName": "Everybody", "members": [] }],
            "administrativeUnits": [],
            "conditionalAccessPolicies": [{ "id": "p", "state": "enabled",
                "conditions": { "users": { "includeUsers": ["All"], "excludeGroups": ["g"] } } }] });
        let mut builder = SnapshotBuilder::default();
        let text = document.to_string();
        read_document(&mut builder, text.as_bytes(), &Origin { file_name: "tenant.json", folders: &[] }).unwrap();
        builder.finish()
    }

    fn group(is_assignable: bool, members: &[&str]) -> Value {
        let user = |id: &&str| json!({ "@odata.type": "#microsoft.graph.user", "id": id });
        json!({ "id": "g", "displayName": "Excluded", "isAssignableToRole": is_assignable,
                "members": members.iter().map(user).collect::<Vec<_>>() })
    }

    #[test]
    fn a_group_is_fit_or_it_is_said_why_not() {
        let dynamic = json!({ "id": "g", "displayName": "Excluded", "isAssignableToRole": true,
                              "membershipRule": "user.x", "members": [{ "id": "e1" }] });
        for (group, why) in [
            (group(true, &["e1"]), None),
            (group(false, &["e1"]), Some("decided when a group is made")),
            (group(true, &["e1", "x"]), Some("`x@c.de` would be excluded")),
            (dynamic, Some("follow a rule")),
        ] {
            let snapshot = snapshot(group);
            let found = groups(&snapshot, None, &["e1@c.de"]);
            let [found] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!((found.value.as_str(), found.policy_count), ("Excluded", 1));
            match why {
                None => assert_eq!(found.unfit, None),
                Some(why) => assert!(found.unfit.as_deref().unwrap().contains(why), "{found:?}"),
            }
        }
    }

    #[test]
    fn groups_of_others_are_nobodys_business() {
        let snapshot = snapshot(group(true, &["x"]));
        assert_eq!(groups(&snapshot, None, &["e1@c.de"]), []);
        assert_eq!(groups(&snapshot, None, &[]).len(), 1, "with no account, the one that most policies exclude");
        assert_eq!(groups(&snapshot, Some("Everybody"), &["e1@c.de"]).len(), 1);
        assert_eq!(groups(&snapshot, Some("Nowhere"), &[]), []);
    }
}
