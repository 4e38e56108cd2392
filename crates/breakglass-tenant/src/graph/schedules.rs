//! Role assignments and eligibilities as Graph shows them: plain assignments, schedules, and the instances of those that
//! have begun.
//!
//! Those of whom or what was deleted are not shown; they come back with them.
//!
//! What is kept is plain assignments, and instances with their dates; everything else is worked out of these two when
//! it is asked for. An activated role is an assignment as well while it lasts.

use breakglass_model::snapshot::Resource;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Request;
use crate::sign_in::{groups_of, is_in_time};
use crate::state::{Directory, Object, text};

/// What somebody has of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The role.
    Assignment,
    /// The right to activate it.
    Eligibility,
}

impl Kind {
    /// Where its instances are kept.
    pub(super) const fn resource(self) -> Resource {
        match self {
            Self::Assignment => Resource::RoleAssignmentScheduleInstances,
            Self::Eligibility => Resource::RoleEligibilityScheduleInstances,
        }
    }
}

/// What two of them have to have in common to be about the same.
pub(super) fn is_same(one: &Object, (principal, role, scope): (&str, &str, &str)) -> bool {
    let is = |name: &str, wanted: &str| text(one, name).unwrap_or("/").eq_ignore_ascii_case(wanted);
    is("principalId", principal) && is("roleDefinitionId", role) && is("directoryScopeId", scope)
}

fn about(one: &Object) -> (&str, &str, &str) {
    let of = |name: &str| text(one, name).unwrap_or("/");
    (of("principalId"), of("roleDefinitionId"), of("directoryScopeId"))
}

/// Those of a list whose principal was not deleted.
fn live(directory: &Directory, list: Resource) -> impl Iterator<Item = &Object> {
    let is_live = |one: &&Object| text(one, "principalId").is_none_or(|id| !directory.is_deleted(id));
    directory.all(list).filter(is_live)
}

/// `roleAssignments`: those that are permanent, and whatever is active now.
pub(super) fn assignments(directory: &Directory, now: Timestamp) -> Vec<Object> {
    let plain: Vec<&Object> = live(directory, Resource::RoleAssignments).collect();
    let timed = live(directory, Resource::RoleAssignmentScheduleInstances).filter(|one| is_in_time(one, now));
    let timed = timed.filter(|one| !plain.iter().any(|known| is_same(known, about(one))));
    let shown = plain.iter().copied().chain(timed);
    shown
        .map(|one| {
            object(json!({
                "id": text(one, "id"), "principalId": text(one, "principalId"),
                "roleDefinitionId": text(one, "roleDefinitionId"), "appScopeId": one.get("appScopeId"),
                "directoryScopeId": text(one, "directoryScopeId").unwrap_or("/"),
            }))
        })
        .collect()
}

/// Instances that are active now.
pub(super) fn instances(directory: &Directory, kind: Kind, now: Timestamp) -> Vec<Object> {
    let kept = live(directory, kind.resource()).filter(|one| is_in_time(one, now)).map(|one| instance(one, kind));
    let kept: Vec<Object> = kept.collect();
    let plain = live(directory, Resource::RoleAssignments).filter(|_| kind == Kind::Assignment);
    let plain = plain.filter(|one| !kept.iter().any(|known| is_same(known, about(one)))).map(|one| instance(one, kind));
    let plain: Vec<Object> = plain.collect();
    kept.into_iter().chain(plain).collect()
}

fn instance(one: &Object, kind: Kind) -> Object {
    let id = text(one, "id");
    let mut shown = object(json!({
        "id": id, "principalId": text(one, "principalId"), "roleDefinitionId": text(one, "roleDefinitionId"),
        "directoryScopeId": text(one, "directoryScopeId").unwrap_or("/"), "appScopeId": one.get("appScopeId"),
        "startDateTime": text(one, "startDateTime"), "endDateTime": text(one, "endDateTime"),
        "memberType": text(one, "memberType").unwrap_or("Direct"),
    }));
    let more = match kind {
        Kind::Assignment => json!({
            "assignmentType": text(one, "assignmentType").unwrap_or("Assigned"),
            "roleAssignmentOriginId": text(one, "roleAssignmentOriginId").or(id),
            "roleAssignmentScheduleId": text(one, "roleAssignmentScheduleId").or(id),
        }),
        Kind::Eligibility => json!({ "roleEligibilityScheduleId": text(one, "roleEligibilityScheduleId").or(id) }),
    };
    shown.extend(object(more));
    shown
}

/// Schedules that are not over, those that have not begun among them.
pub(super) fn schedules(directory: &Directory, kind: Kind, now: Timestamp) -> Vec<Object> {
    let is_over = |one: &Object| {
        text(one, "endDateTime").and_then(|text| text.parse::<Timestamp>().ok()).is_some_and(|until| until <= now)
    };
    let kept: Vec<&Object> = live(directory, kind.resource()).filter(|one| !is_over(one)).collect();
    let plain = live(directory, Resource::RoleAssignments).filter(|_| kind == Kind::Assignment);
    let plain = plain.filter(|one| !kept.iter().any(|known| is_same(known, about(one))));
    kept.iter().copied().chain(plain).map(|one| schedule(one, kind)).collect()
}

fn schedule(one: &Object, kind: Kind) -> Object {
    let name = if kind == Kind::Assignment { "roleAssignmentScheduleId" } else { "roleEligibilityScheduleId" };
    let until = text(one, "endDateTime");
    let expiration = if until.is_some() { "afterDateTime" } else { "noExpiration" };
    let mut shown = object(json!({
        "id": text(one, name).or_else(|| text(one, "id")), "principalId": text(one, "principalId"),
        "roleDefinitionId": text(one, "roleDefinitionId"),
        "directoryScopeId": text(one, "directoryScopeId").unwrap_or("/"), "appScopeId": one.get("appScopeId"),
        "createdUsing": text(one, "createdUsing"), "createdDateTime": text(one, "createdDateTime"),
        "modifiedDateTime": Value::Null, "status": "Provisioned",
        "memberType": text(one, "memberType").unwrap_or("Direct"),
        "scheduleInfo": {
            "startDateTime": text(one, "startDateTime"), "recurrence": Value::Null,
            "expiration": { "type": expiration, "endDateTime": until, "duration": Value::Null },
        },
    }));
    if kind == Kind::Assignment {
        shown.insert("assignmentType".to_owned(), json!(text(one, "assignmentType").unwrap_or("Assigned")));
    }
    shown
}

/// Those of a list that are of the caller, or of a group that the caller is in.
pub(super) fn of_caller(request: &Request<'_>, list: Vec<Object>) -> Vec<Object> {
    let mut principals = groups_of(&request.tenant.state.read(), &request.caller.id);
    principals.push(request.caller.id.to_ascii_lowercase());
    let is_own =
        |one: &Object| text(one, "principalId").is_some_and(|id| principals.contains(&id.to_ascii_lowercase()));
    list.into_iter().filter(is_own).collect()
}

pub(super) fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}
