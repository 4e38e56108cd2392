//! Writes a snapshot in its own format: what was read comes out again, unknown properties included.

use serde_json::{Map, Value, json};

use super::Snapshot;
use crate::group::{AdministrativeUnit, Group, Member};
use crate::property::Property;

impl Snapshot {
    /// The JSON of one group, as Graph would write it.
    #[must_use]
    pub fn group_json(&self, group: &Group) -> Value {
        let mut object = Map::new();
        object.insert("id".into(), self.objects.id(group.key).into());
        if let Some(name) = &group.display_name {
            object.insert("displayName".into(), name.as_ref().into());
        }
        put(&mut object, "securityEnabled", &group.security_enabled);
        put(&mut object, "isAssignableToRole", &group.is_assignable_to_role);
        put(&mut object, "isManagementRestricted", &group.is_management_restricted);
        put(&mut object, "membershipRule", &group.membership_rule);
        for (name, list) in [("members", &group.members), ("owners", &group.owners)] {
            if let Some(list) = list {
                object.insert(name.into(), self.members_json(list));
            }
        }
        object.extend(group.rest.iter().flat_map(|rest| rest.as_ref().clone()));
        Value::Object(object)
    }

    /// The JSON of one administrative unit, as Graph would write it.
    #[must_use]
    pub fn administrative_unit_json(&self, unit: &AdministrativeUnit) -> Value {
        let mut object = Map::new();
        object.insert("id".into(), self.objects.id(unit.key).into());
        if let Some(name) = &unit.display_name {
            object.insert("displayName".into(), name.as_ref().into());
        }
        put(&mut object, "isMemberManagementRestricted", &unit.is_member_management_restricted);
        if let Some(list) = &unit.members {
            object.insert("members".into(), self.members_json(list));
        }
        object.extend(unit.rest.iter().flat_map(|rest| rest.as_ref().clone()));
        Value::Object(object)
    }

    fn members_json(&self, members: &[Member]) -> Value {
        members
            .iter()
            .map(|member| match member.kind.odata_type() {
                Some(kind) => json!({ "@odata.type": kind, "id": self.objects.id(member.key) }),
                None => self.objects.id(member.key).into(),
            })
            .collect()
    }
}

fn put<T: serde::Serialize>(object: &mut Map<String, Value>, name: &str, property: &Property<T>) {
    if !property.is_absent() {
        object.insert(name.into(), json!(property.value()));
    }
}
