//! Until when plain role assignments hold: the schedule instance of the same assignment says it.
//!
//! Graph lists an assignment that Privileged Identity Management made, for a time or by activation, among
//! `roleAssignments` as well, where it has no dates.
//!
//! **Source:** `unifiedRoleAssignmentScheduleInstance`, whose `roleAssignmentOriginId` is the id of the assignment.

use std::collections::BTreeMap;

use super::Snapshot;
use crate::property::Property;
use crate::role::RoleAssignment;

/// An assignment without its dates: who, which role, for what part of the tenant.
type Held = (String, String, String);

impl Snapshot {
    /// Gives plain assignments the dates of their schedule instances: of the one that names them as its origin, else
    /// of those of the same principal, role and scope, of which the last to end counts. Those that have an end of their
    /// own, or no instance, stay as they are.
    pub(super) fn date_assignments(&mut self) {
        let instances = self.role_assignment_schedule_instances.items();
        if instances.is_empty() {
            return;
        }
        let mut by_origin: BTreeMap<String, &RoleAssignment> = BTreeMap::new();
        let mut by_held: BTreeMap<Held, &RoleAssignment> = BTreeMap::new();
        for instance in instances {
            let origin = instance.rest.get("roleAssignmentOriginId").and_then(serde_json::Value::as_str);
            if let Some(origin) = origin {
                later(by_origin.entry(origin.to_ascii_lowercase()), instance);
            }
            later(by_held.entry(held(instance)), instance);
        }
        let dates = |assignment: &RoleAssignment| {
            let origin = assignment.id.as_ref().and_then(|id| by_origin.get(&id.to_ascii_lowercase()));
            let instance = origin.or_else(|| by_held.get(&held(assignment)))?;
            assignment.end_date_time.is_absent().then(|| (*instance).clone())
        };
        let found: Vec<Option<RoleAssignment>> = self.role_assignments.items().iter().map(dates).collect();
        for (assignment, instance) in self.role_assignments.items_mut().iter_mut().zip(found) {
            let Some(instance) = instance else { continue };
            assignment.end_date_time = instance.end_date_time;
            assignment.start_date_time = assignment.start_date_time.take().or(instance.start_date_time);
            assignment.assignment_type = assignment.assignment_type.take().or(instance.assignment_type);
        }
    }
}

/// Keeps the instance that ends later; one without an end ends last.
fn later<'i, K: Ord>(
    entry: std::collections::btree_map::Entry<'_, K, &'i RoleAssignment>,
    instance: &'i RoleAssignment,
) {
    let end = |one: &RoleAssignment| match &one.end_date_time {
        Property::Value(end) => end.parse::<jiff::Timestamp>().unwrap_or(jiff::Timestamp::MAX),
        Property::Null | Property::Absent => jiff::Timestamp::MAX,
    };
    let known = entry.or_insert(instance);
    if end(instance) > end(known) {
        *known = instance;
    }
}

fn held(assignment: &RoleAssignment) -> Held {
    let scope = assignment.directory_scope_id.value().map_or("/", String::as_str);
    let text = |id: &str| id.to_ascii_lowercase();
    (text(assignment.principal_id.as_str()), text(assignment.role_definition_id.as_str()), text(scope))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::snapshot::{Resource, SnapshotBuilder};

    #[test]
    fn a_plain_assignment_ends_with_the_instance_of_it_that_ends_last() {
        let one = |id: &str, principal: &str| json!({ "id": id, "principalId": principal, "roleDefinitionId": "R", "directoryScopeId": "/" });
        let instance = |principal: &str, origin: serde_json::Value, end: serde_json::Value| {
            json!({ "id": "i", "principalId": principal, "roleDefinitionId": "r", "directoryScopeId": "/",
                    "roleAssignmentOriginId": origin, "endDateTime": end, "assignmentType": "Activated" })
        };
        let (early, late) = (json!("2026-10-01T00:00:00Z"), json!("2026-11-01T00:00:00Z"));
        let null = serde_json::Value::Null;
        let mut builder = SnapshotBuilder::default();
        let mut add = |resource: Resource, objects: Vec<serde_json::Value>| {
            builder.begin(resource);
            for object in objects {
                builder.add(resource, object.to_string().as_bytes(), resource.name()).unwrap();
            }
        };
        let plain = ["by-origin", "by-who", "for-good", "without", "in-part"].map(|id| one(id, id));
        add(Resource::RoleAssignments, plain.to_vec());
        let mut in_part = instance("in-part", null.clone(), early.clone());
        in_part["directoryScopeId"] = json!("/administrativeUnits/unit");
        let instances = vec![
            instance("by-origin", json!("BY-ORIGIN"), early.clone()),
            instance("by-origin", json!("another"), late.clone()),
            instance("by-who", null.clone(), early.clone()),
            instance("by-who", null.clone(), late.clone()),
            instance("for-good", null.clone(), early.clone()),
            instance("for-good", null.clone(), null.clone()),
            in_part,
        ];
        add(Resource::RoleAssignmentScheduleInstances, instances);
        let snapshot = builder.finish();
        let ends = snapshot.role_assignments.items().iter().map(|one| one.end_date_time.value().map(String::as_str));
        let (early, late) = (early.as_str(), late.as_str());
        assert_eq!(ends.collect::<Vec<_>>(), [early, late, None, None, None]);
    }
}
