//! `/directory/administrativeUnits`, also as `/administrativeUnits`: units, their members, and who administers them.
//!
//! **Source:** "administrativeUnit: create", "Restricted management administrative units": whether member management is
//! restricted is said when the unit is made, and never changed.

use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::PRIVILEGED_ROLE_ADMINISTRATOR;
use serde_json::{Value, json};

use super::directory_objects::{kind_of, reference_of, shown};
use super::error::GraphError;
use super::list::{Shape, listed, page_of, selected};
use super::modified::modified;
use super::schedules::object;
use super::{Request, delta};
use crate::call::Reply;
use crate::random;
use crate::sign_in::{has_member, member_id};
use crate::state::{Change, Object, text};

pub(super) const READ: &[&str] = &[
    "AdministrativeUnit.Read.All",
    "AdministrativeUnit.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const WRITE: &[&str] = &["AdministrativeUnit.ReadWrite.All", "Directory.ReadWrite.All"];
pub(super) const SHAPE: Shape = Shape {
    resource: Resource::AdministrativeUnits,
    context: "administrativeUnits",
    default_properties: PROPERTIES,
    hidden: &["members"],
    count_default: 100,
    count_max: 999,
};
pub(super) const PROPERTIES: &[&str] = &[
    "id",
    "deletedDateTime",
    "displayName",
    "description",
    "isMemberManagementRestricted",
    "membershipRule",
    "membershipRuleProcessingState",
    "membershipType",
    "visibility",
];

/// Answers a request below `/directory/administrativeUnits`.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    match (request.call.method.as_str(), rest) {
        ("GET", []) => {
            request.caller.needs(READ, &[])?;
            listed(request, &SHAPE)
        }
        ("GET", [segment]) if delta::is_asked(segment) => delta::answer(request, &delta::UNITS),
        ("GET", [id]) => {
            request.caller.needs(READ, &[])?;
            let found = selected(request, &SHAPE, &unit(request, id)?)?;
            Ok(request.entity(200, (SHAPE.context, found)))
        }
        ("GET", [id, "members"]) => {
            request.caller.needs(READ, &[])?;
            let unit = unit(request, id)?;
            let directory = request.tenant.state.read();
            let members = unit.get("members").and_then(Value::as_array).into_iter().flatten().filter_map(member_id);
            let members: Vec<Object> = members.filter_map(|id| shown(&directory, id)).collect();
            drop(directory);
            page_of(request, ("directoryObjects", 100), members)
        }
        ("POST", []) => create(request),
        ("PATCH", [id]) => update(request, id),
        ("DELETE", [id]) => {
            request.caller.needs(WRITE, &[PRIVILEGED_ROLE_ADMINISTRATOR])?;
            let unit = unit(request, id)?;
            let changes = vec![Change::Remove(Resource::AdministrativeUnits, (*id).to_owned())];
            request.write(|_| Ok::<_, GraphError>((changes, ())))?;
            audit(request, ("Delete administrative unit", &unit), None)?;
            Ok(Reply::empty(204))
        }
        ("POST", [id, "members", "$ref"]) => {
            let member = reference_of(&request.object()?)?;
            change_member(request, (id, &member), Membership::Added)
        }
        ("DELETE", [id, "members", member, "$ref"]) => change_member(request, (id, member), Membership::Removed),
        (_, [_, segment, ..]) => Err(GraphError::no_segment(segment)),
        _ => Err(GraphError::method()),
    }
}

fn unit(request: &Request<'_>, id: &str) -> Result<Object, GraphError> {
    let directory = request.tenant.state.read();
    directory.object(Resource::AdministrativeUnits, id).cloned().ok_or_else(|| GraphError::not_found(id))
}

fn create(request: &Request<'_>) -> Result<Reply, GraphError> {
    request.caller.needs(WRITE, &[PRIVILEGED_ROLE_ADMINISTRATOR])?;
    let body = request.object()?;
    check(&body)?;
    text(&body, "displayName")
        .filter(|name| !name.trim().is_empty())
        .ok_or_else(|| GraphError::bad_request("A value is required for property 'displayName'."))?;
    let mut made = object(json!({
        "id": random::uuid()?, "deletedDateTime": Value::Null, "isMemberManagementRestricted": false, "members": [],
    }));
    made.extend(body.into_iter().filter(|(name, _)| is_given(name)));
    let changes = vec![Change::Put(Resource::AdministrativeUnits, made.clone())];
    request.write(|_| Ok::<_, GraphError>((changes, ())))?;
    audit_modified(request, ("Add administrative unit", &made), &Object::new())?;
    let shown = PROPERTIES.iter().map(|name| ((*name).to_owned(), made.get(*name).cloned().unwrap_or(Value::Null)));
    Ok(request.entity(201, (SHAPE.context, shown.collect())))
}

fn update(request: &Request<'_>, id: &str) -> Result<Reply, GraphError> {
    request.caller.needs(WRITE, &[PRIVILEGED_ROLE_ADMINISTRATOR])?;
    let body = request.object()?;
    check(&body)?;
    if body.contains_key("isMemberManagementRestricted") {
        return Err(GraphError::bad_request(
            "Property 'isMemberManagementRestricted' cannot be changed after the unit was created.",
        ));
    }
    let (known, made) = request.write(|directory| -> Result<_, GraphError> {
        let known = directory.object(Resource::AdministrativeUnits, id).cloned();
        let known = known.ok_or_else(|| GraphError::not_found(id))?;
        let mut unit = known.clone();
        unit.extend(body.into_iter().filter(|(name, _)| is_given(name)));
        Ok((vec![Change::Put(Resource::AdministrativeUnits, unit.clone())], (known, unit)))
    })?;
    audit_modified(request, ("Update administrative unit", &made), &known)?;
    Ok(Reply::empty(204))
}

/// Whether a property is one that is said, not worked out.
fn is_given(name: &str) -> bool {
    PROPERTIES.contains(&name) && !matches!(name, "id" | "deletedDateTime")
}

/// Refuses properties of another type than theirs, and those that there are none of.
fn check(body: &Object) -> Result<(), GraphError> {
    let is_good = |(name, value): (&String, &Value)| match name.as_str() {
        "isMemberManagementRestricted" => value.is_boolean(),
        name if is_given(name) => value.is_string() || value.is_null(),
        name => name.starts_with('@'),
    };
    match body.iter().find(|one| !is_good(*one)) {
        None => Ok(()),
        Some((name, _)) => {
            let name: String = name.chars().take(100).collect();
            Err(GraphError::bad_request(format!("Invalid value specified for property '{name}'.")))
        }
    }
}

/// What becomes of a membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Membership {
    Added,
    Removed,
}

fn change_member(request: &Request<'_>, (id, member): (&str, &str), what: Membership) -> Result<Reply, GraphError> {
    request.caller.needs(WRITE, &[PRIVILEGED_ROLE_ADMINISTRATOR])?;
    let made = request.write(|directory| -> Result<_, GraphError> {
        let found = directory.object(Resource::AdministrativeUnits, id).cloned();
        let mut unit = found.ok_or_else(|| GraphError::not_found(id))?;
        let is_there = has_member(&unit, member);
        let list = unit.entry("members").or_insert_with(|| json!([]));
        let list = list.as_array_mut().ok_or_else(|| GraphError::bad_request("The members of the unit are no list."))?;
        match what {
            Membership::Added if is_there => {
                return Err(GraphError::bad_request(
                    "One or more added object references already exist for the following modified properties: 'members'.",
                ));
            }
            Membership::Removed if !is_there => return Err(GraphError::not_found(member)),
            Membership::Added => {
                let kind = kind_of(directory, member).ok_or_else(|| GraphError::not_found(member))?;
                list.push(json!({ "@odata.type": kind, "id": member }));
            }
            Membership::Removed => {
                list.retain(|one| !member_id(one).is_some_and(|known| known.eq_ignore_ascii_case(member)));
            }
        }
        Ok((vec![Change::Put(Resource::AdministrativeUnits, unit.clone())], unit))
    })?;
    let activity = match what {
        Membership::Added => "Add member to administrative unit",
        Membership::Removed => "Remove member from administrative unit",
    };
    audit(request, (activity, &made), Some(member))?;
    Ok(Reply::empty(204))
}

fn audit(request: &Request<'_>, (activity, unit): (&str, &Object), member: Option<&str>) -> Result<(), GraphError> {
    let member = member.map(|id| json!({ "id": id, "type": "Other", "modifiedProperties": [] }));
    let targets = [Some(Value::Object(target(unit))), member];
    request.audit(activity, "AdministrativeUnit", targets.into_iter().flatten().collect())
}

fn audit_modified(request: &Request<'_>, (activity, unit): (&str, &Object), known: &Object) -> Result<(), GraphError> {
    let mut told = target(unit);
    told.insert("modifiedProperties".to_owned(), modified(known, unit, &["members"]).into());
    request.audit(activity, "AdministrativeUnit", json!([told]))
}

fn target(unit: &Object) -> Object {
    object(json!({ "id": text(unit, "id"), "type": "AdministrativeUnit", "displayName": text(unit, "displayName"),
        "modifiedProperties": [] }))
}
