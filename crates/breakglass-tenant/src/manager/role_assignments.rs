//! Role assignments at the root of Azure: elevation, by which a Global Administrator becomes User Access Administrator of
//! everything, and how that is seen and taken back. There are no others, since there are no resources.
//!
//! Global Administrators and whoever is elevated see all of them; everybody else sees none. Elevating twice is once.
//! **Source:** "Elevate access to manage all Azure subscriptions and management groups", also for the records of the audit;
//! the reference of role assignments.

use breakglass_model::well_known::GLOBAL_ADMINISTRATOR;
use serde_json::{Value, json};

use super::error;
use crate::audit::{Activity, record};
use crate::call::{Call, Reply, member, pairs};
use crate::clock::written;
use crate::graph::caller::Caller;
use crate::random;
use crate::state::{Change, Directory, Object, Shelf, StateError, text};
use crate::tenant::Tenant;

/// The role User Access Administrator.
const USER_ACCESS_ADMINISTRATOR: &str = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9";
/// The service of the records.
const SERVICE: &str = "Azure RBAC (Elevated Access)";
/// Their category.
const CATEGORY: &str = "AzureRBACRoleManagementElevateAccess";
const ELEVATED: &str = "User has elevated their access to User Access Administrator for their Azure Resources";
const REMOVED: &str = "The role assignment of User Access Administrator has been removed from the user";

/// What has to be answered instead.
enum Failed {
    Reply(Box<Reply>),
    Broken,
}

impl From<StateError> for Failed {
    fn from(_: StateError) -> Self {
        Self::Broken
    }
}

impl From<Reply> for Failed {
    fn from(reply: Reply) -> Self {
        Self::Reply(Box::new(reply))
    }
}

/// Answers a request for `elevateAccess` or below `roleAssignments`.
pub(super) fn answer(tenant: &Tenant, call: &Call, (caller, parts): (&Caller, &[&str])) -> Reply {
    let query = pairs(&call.query).unwrap_or_default();
    if member(&query, "api-version").is_none_or(str::is_empty) {
        let message = "The api-version query parameter (?api-version=) is required for all requests.";
        return error(400, "MissingApiVersionParameter", message);
    }
    match (call.method.as_str(), parts) {
        ("POST", ["elevateAccess"]) => ended(elevate(tenant, call, caller)),
        ("GET", ["roleAssignments"]) => listed(tenant, caller, member(&query, "$filter")),
        ("GET", ["roleAssignments", name]) => {
            let directory = tenant.state.read();
            let found = directory.shelved(Shelf::AzureRoleAssignments, name).filter(|_| sees(&directory, caller));
            found.map_or_else(|| not_found(name), |one| Reply::json(200, shown(one)))
        }
        ("DELETE", ["roleAssignments", name]) => ended(delete(tenant, call, (caller, name))),
        _ => error(405, "MethodNotAllowed", "The resource does not support this method."),
    }
}

fn ended(result: Result<Reply, Failed>) -> Reply {
    match result {
        Ok(reply) => reply,
        Err(Failed::Reply(reply)) => *reply,
        Err(Failed::Broken) => {
            error(500, "InternalServerError", "The tenant cannot keep the change; its disk may be full.")
        }
    }
}

fn not_found(name: &str) -> Reply {
    let name: String = name.chars().take(super::RESOURCE_CHARS_MAX).collect();
    error(404, "RoleAssignmentNotFound", &format!("The role assignment '{name}' is not found."))
}

fn refused(caller: &Caller, action: &str) -> Reply {
    let message = format!(
        "The client with object id '{}' does not have authorization to perform action 'Microsoft.Authorization/{action}' \
         over scope '/'.",
        caller.id
    );
    error(403, "AuthorizationFailed", &message)
}

fn of(directory: &Directory, principal: &str) -> Option<Object> {
    let mut all = directory.all_shelved(Shelf::AzureRoleAssignments).map(|(_, one)| one);
    all.find(|one| text(one, "principalId") == Some(principal)).cloned()
}

fn sees(directory: &Directory, caller: &Caller) -> bool {
    caller.is_one_of(&[GLOBAL_ADMINISTRATOR]) || of(directory, &caller.id).is_some()
}

fn listed(tenant: &Tenant, caller: &Caller, filter: Option<&str>) -> Reply {
    let principal = match filter.map(str::trim) {
        None | Some("" | "atScope()") => None,
        Some(filter) => {
            let rest = |begin: &str, end: &str| filter.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end));
            let quoted = rest("principalId eq '", "'").or_else(|| rest("assignedTo('", "')"));
            match quoted {
                Some(principal) => Some(principal.to_ascii_lowercase()),
                None => return error(400, "InvalidFilter", "The filter is none that is supported here."),
            }
        }
    };
    let directory = tenant.state.read();
    let is_wanted = |one: &Object| {
        principal.as_deref().is_none_or(|id| text(one, "principalId").is_some_and(|of| of.eq_ignore_ascii_case(id)))
    };
    let all = directory.all_shelved(Shelf::AzureRoleAssignments).map(|(_, one)| one);
    let seen: Vec<Value> = match sees(&directory, caller) {
        true => all.filter(|one| is_wanted(one)).map(shown).collect(),
        false => Vec::new(),
    };
    Reply::json(200, json!({ "value": seen, "nextLink": Value::Null }))
}

fn elevate(tenant: &Tenant, call: &Call, caller: &Caller) -> Result<Reply, Failed> {
    if !caller.is_user || !caller.is_one_of(&[GLOBAL_ADMINISTRATOR]) {
        return Err(refused(caller, "elevateAccess/action").into());
    }
    let name = random::uuid().map_err(|_| Failed::Broken)?;
    let now = written(tenant.clock.now());
    let (mut writing, is_new) = tenant.state.begin(|directory| {
        if of(directory, &caller.id).is_some() {
            return Ok::<_, Failed>((Vec::new(), false));
        }
        let assignment = json!({
            "id": name, "principalId": caller.id, "createdBy": caller.id, "createdOn": now, "updatedOn": now,
        });
        let assignment = assignment.as_object().cloned().unwrap_or_default();
        Ok((vec![Change::Shelve(Shelf::AzureRoleAssignments, name.clone(), assignment)], true))
    })?;
    if is_new {
        writing.tell(told(tenant, call, (caller, &caller.id, ELEVATED))?);
    }
    writing.commit()?;
    Ok(Reply::empty(200))
}

fn delete(tenant: &Tenant, call: &Call, (caller, name): (&Caller, &str)) -> Result<Reply, Failed> {
    let (mut writing, gone) = tenant.state.begin(|directory| {
        if of(directory, &caller.id).is_none() {
            return Err(Failed::from(refused(caller, "roleAssignments/delete")));
        }
        let Some(gone) = directory.shelved(Shelf::AzureRoleAssignments, name) else {
            return Ok((Vec::new(), None));
        };
        Ok((vec![Change::Unshelve(Shelf::AzureRoleAssignments, name.to_owned())], Some(gone.clone())))
    })?;
    let Some(gone) = gone else {
        writing.commit()?;
        return Ok(Reply::empty(204));
    };
    writing.tell(told(tenant, call, (caller, text(&gone, "principalId").unwrap_or_default(), REMOVED))?);
    writing.commit()?;
    Ok(Reply::json(200, shown(&gone)))
}

/// The record of what was done to somebody.
fn told(tenant: &Tenant, call: &Call, (caller, whom, name): (&Caller, &str, &str)) -> Result<Object, Failed> {
    let by = json!({ "app": Value::Null, "user": { "id": caller.id, "ipAddress": call.remote.to_string() } });
    let targets = json!([{ "id": whom, "type": "User", "modifiedProperties": [] }]);
    let activity = Activity { name, category: CATEGORY, service: SERVICE, reason: "" };
    record(tenant.clock.now(), activity, (by, targets)).map_err(|_| Failed::Broken)
}

/// An assignment as it is answered.
fn shown(one: &Object) -> Value {
    let of = |name: &str| text(one, name).unwrap_or_default();
    let below = "/providers/Microsoft.Authorization";
    json!({
        "id": format!("{below}/roleAssignments/{}", of("id")), "name": of("id"),
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "roleDefinitionId": format!("{below}/roleDefinitions/{USER_ACCESS_ADMINISTRATOR}"),
            "principalId": of("principalId"), "principalType": "User", "scope": "/", "condition": Value::Null,
            "createdOn": of("createdOn"), "updatedOn": of("updatedOn"),
            "createdBy": of("createdBy"), "updatedBy": of("createdBy"),
        },
    })
}
