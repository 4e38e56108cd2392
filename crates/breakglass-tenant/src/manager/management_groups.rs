//! Management groups: the one kind of resource that is written without a subscription.
//!
//! **Limits:** [`GROUP_COUNT_MAX`], [`NAME_CHARS_MAX`].
//! **Source:** the reference of the management groups of Azure Resource Manager.

use breakglass_model::well_known::GLOBAL_ADMINISTRATOR;
use serde_json::{Value, json};

use super::error;
use crate::call::{Call, Reply, member, pairs};
use crate::clock::written;
use crate::graph::caller::Caller;
use crate::state::{Change, Object, Shelf, StateError, text};
use crate::tenant::Tenant;

/// Management groups of one directory.
const GROUP_COUNT_MAX: usize = 10_000;
/// Characters of the longest name.
const NAME_CHARS_MAX: usize = 90;

/// Answers a request below `managementGroups`.
pub(super) fn answer(tenant: &Tenant, call: &Call, (caller, rest): (&Caller, &[&str])) -> Reply {
    let query = pairs(&call.query).unwrap_or_default();
    if member(&query, "api-version").is_none_or(str::is_empty) {
        let message = "The api-version query parameter (?api-version=) is required for all requests.";
        return error(400, "MissingApiVersionParameter", message);
    }
    match (call.method.as_str(), rest) {
        ("GET", []) => {
            let directory = tenant.state.read();
            let all = directory.all_shelved(Shelf::ManagementGroups).map(|(_, group)| shown(group));
            Reply::json(200, json!({ "value": all.collect::<Vec<_>>() }))
        }
        ("GET", [name]) => match tenant.state.read().shelved(Shelf::ManagementGroups, &name.to_lowercase()) {
            Some(group) => Reply::json(200, shown(group)),
            None => not_found(name),
        },
        ("PUT", [name]) => put(tenant, call, (caller, name)),
        ("DELETE", [name]) => delete(tenant, caller, name),
        _ => error(405, "MethodNotAllowed", "The resource does not support this method."),
    }
}

fn not_found(name: &str) -> Reply {
    let name: String = name.chars().take(NAME_CHARS_MAX).collect();
    error(404, "NotFound", &format!("'/providers/Microsoft.Management/managementGroups/{name}' not found"))
}

/// Only whoever made a group, or rules the whole tenant, changes it; any user makes one.
fn may(caller: &Caller, group: Option<&Object>) -> bool {
    let is_own = group.is_none_or(|group| text(group, "createdBy") == Some(&caller.id));
    caller.is_user && (is_own || caller.is_one_of(&[GLOBAL_ADMINISTRATOR]))
}

fn refused(caller: &Caller) -> Reply {
    let message = format!(
        "The client with object id '{}' does not have authorization to perform this action over a management group.",
        caller.id
    );
    error(403, "AuthorizationFailed", &message)
}

fn put(tenant: &Tenant, call: &Call, (caller, name): (&Caller, &str)) -> Reply {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "_().-".contains(letter);
    if name.chars().count() > NAME_CHARS_MAX || !name.chars().all(is_letter) {
        let message = "The name has characters other than letters, digits and _().-, or more than 90 of them.";
        return error(400, "BadRequest", message);
    }
    let body: Option<Value> =
        if call.body.is_empty() { Some(json!({})) } else { serde_json::from_slice(&call.body).ok() };
    let Some(body) = body.filter(Value::is_object) else {
        return error(400, "InvalidRequestContent", "The request content is no object of JSON.");
    };
    let said = body.get("properties").and_then(|properties| properties.get("displayName")?.as_str());
    let now = written(tenant.clock.now());
    let result = tenant.state.write(|directory| {
        let known = directory.shelved(Shelf::ManagementGroups, &name.to_lowercase());
        if !may(caller, known) {
            return Ok((Vec::new(), Err(refused(caller))));
        }
        if known.is_none() && directory.all_shelved(Shelf::ManagementGroups).count() >= GROUP_COUNT_MAX {
            return Ok((
                Vec::new(),
                Err(error(409, "Conflict", "There are as many management groups as there can be.")),
            ));
        }
        let before = |property: &str| known.and_then(|group| text(group, property)).map(str::to_owned);
        let group = json!({
            "name": before("name").unwrap_or_else(|| name.to_owned()),
            "displayName": said.map(str::to_owned).or_else(|| before("displayName")).unwrap_or_else(|| name.to_owned()),
            "createdBy": before("createdBy").unwrap_or_else(|| caller.id.clone()),
            "updatedBy": caller.id, "updatedTime": now, "tenantId": tenant.id(),
        });
        let group = group.as_object().cloned().unwrap_or_default();
        let change = Change::Shelve(Shelf::ManagementGroups, name.to_lowercase(), group.clone());
        Ok::<_, StateError>((vec![change], Ok(Reply::json(200, shown(&group)))))
    });
    ended(result)
}

fn delete(tenant: &Tenant, caller: &Caller, name: &str) -> Reply {
    let key = name.to_lowercase();
    let result = tenant.state.write(|directory| {
        let known = directory.shelved(Shelf::ManagementGroups, &key);
        if known.is_none() {
            return Ok((Vec::new(), Err(not_found(name))));
        }
        if !may(caller, known) {
            return Ok((Vec::new(), Err(refused(caller))));
        }
        Ok::<_, StateError>((vec![Change::Unshelve(Shelf::ManagementGroups, key.clone())], Ok(Reply::empty(200))))
    });
    ended(result)
}

fn ended(result: Result<Result<Reply, Reply>, StateError>) -> Reply {
    match result {
        Ok(Ok(reply) | Err(reply)) => reply,
        Err(_) => error(500, "InternalServerError", "The tenant cannot keep the change; its disk may be full."),
    }
}

/// A group as it is answered.
fn shown(group: &Object) -> Value {
    let of = |name: &str| text(group, name).unwrap_or_default();
    json!({
        "id": format!("/providers/Microsoft.Management/managementGroups/{}", of("name")),
        "type": "Microsoft.Management/managementGroups", "name": of("name"),
        "properties": {
            "tenantId": of("tenantId"), "displayName": of("displayName"),
            "details": {
                "version": 1, "updatedTime": of("updatedTime"), "updatedBy": of("updatedBy"),
                "parent": {
                    "id": format!("/providers/Microsoft.Management/managementGroups/{}", of("tenantId")),
                    "name": of("tenantId"), "displayName": "Tenant Root Group",
                },
            },
        },
    })
}
