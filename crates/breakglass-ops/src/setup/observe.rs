//! Whether a step is done, still to be done, or no longer what was planned: the tenant is asked, and nothing else believed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::action::{Action, METHODS_POLICY, Named, PASSKEYS, POLICIES, ROLE};
use super::bodies::{campaign_without, excluded, included, lasting, passkeys_allowed};
use crate::address::encoded;
use crate::ports::{Directory, DirectoryError, GraphRequest};

/// Pages of the members of a group or unit that are looked at.
const PAGE_COUNT_MAX: usize = 1_000;

/// How a step stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// Done; with the id of what was made, if something was.
    Done(Option<String>),
    /// As it was when the plan was made.
    Open,
    /// Neither: somebody else has changed it.
    Moved(String),
}

/// Looks at what a step is about.
pub(super) async fn observe(
    directory: &dyn Directory,
    action: &Action,
    made: &BTreeMap<String, String>,
) -> Result<Seen, DirectoryError> {
    let id = |named: &Named| named.object.shown(made).into_owned();
    let of = |is_done: bool| if is_done { Seen::Done(None) } else { Seen::Open };
    Ok(match action {
        Action::CreateGroup { display_name, mail_nickname, is_assignable_to_role } => {
            let found = list(directory, &filtered("/v1.0/groups", "mailNickname", mail_nickname)).await?;
            one_made(&found, display_name, ("isAssignableToRole", *is_assignable_to_role))
        }
        Action::CreateRestrictedUnit { display_name } => {
            let found =
                list(directory, &filtered("/v1.0/directory/administrativeUnits", "displayName", display_name)).await?;
            one_made(&found, display_name, ("isMemberManagementRestricted", true))
        }
        Action::CreateAccount { user_principal_name, .. } => {
            let found = object(directory, &format!("/v1.0/users/{}", encoded(user_principal_name))).await?;
            found.map_or(Seen::Open, |user| Seen::Done(text(&user, "id")))
        }
        Action::UpdateAccount { account, set, was } => {
            let names: Vec<&str> = set.keys().map(String::as_str).collect();
            let target = format!("/v1.0/users/{}?$select=id,{}", id(account), names.join(","));
            properties(object(directory, &target).await?, set, was)
        }
        Action::AssignGlobalAdministrator { account, role_definition_id } => {
            let all = list(directory, &filtered(ASSIGNMENTS, "principalId", &id(account))).await?;
            let is_it = |one: &&Value| {
                let role = text(one, "roleDefinitionId");
                (role.as_deref() == Some(role_definition_id) || role.as_deref() == Some(ROLE))
                    && text(one, "directoryScopeId").as_deref() == Some("/")
            };
            all.iter().find(is_it).map_or(Seen::Open, |one| Seen::Done(text(one, "id")))
        }
        Action::LiftEnd { account, role_definition_id, end } => {
            let found = ends(directory, (&id(account), role_definition_id)).await?;
            ended(found, (None, Some(end)))
        }
        Action::SetEnd { account, role_definition_id, end } => {
            let found = ends(directory, (&id(account), role_definition_id)).await?;
            ended(found, (Some(end), None))
        }
        Action::AddMember { group, member } => {
            of(members(directory, &format!("/v1.0/groups/{}", id(group))).await?.contains(&id(member)))
        }
        Action::RemoveMember { group, member } => {
            of(!members(directory, &format!("/v1.0/groups/{}", id(group))).await?.contains(&id(member)))
        }
        Action::AddToUnit { unit, group } => of(members(directory, &unit_path(&id(unit))).await?.contains(&id(group))),
        Action::RemoveFromUnit { unit, group } => {
            of(!members(directory, &unit_path(&id(unit))).await?.contains(&id(group)))
        }
        Action::ExcludeGroup { policy, group, was } => {
            let found = object(directory, &format!("{POLICIES}/{}", id(policy))).await?;
            changed(found.as_ref(), (&excluded(was, &id(group)), was))
        }
        Action::IncludeGroup { policy, group, was } => {
            let found = object(directory, &format!("{POLICIES}/{}", id(policy))).await?;
            changed(found.as_ref(), (&included(was, &id(group)), was))
        }
        Action::ExcludeFromCampaign { group, was } => {
            changed(campaign(directory).await?.as_ref(), (&campaign_without(was, &id(group)), was))
        }
        Action::RestoreCampaign { to, was } => changed(campaign(directory).await?.as_ref(), (to, was)),
        Action::AllowPasskeys { group, was } => {
            passkeys(object(directory, PASSKEYS).await?, (&passkeys_allowed(was, &id(group)), was))
        }
        Action::RestorePasskeys { to, was } => passkeys(object(directory, PASSKEYS).await?, (to, was)),
        Action::DeleteGroup { group } => {
            of(object(directory, &format!("/v1.0/groups/{}?$select=id", id(group))).await?.is_none())
        }
        Action::DeleteAccount { account } => {
            of(object(directory, &format!("/v1.0/users/{}?$select=id", id(account))).await?.is_none())
        }
        Action::DeleteUnit { unit } => of(object(directory, &unit_path(&id(unit))).await?.is_none()),
        Action::Unassign { assignment, .. } => {
            of(object(directory, &format!("{ASSIGNMENTS}/{assignment}")).await?.is_none())
        }
    })
}

const ASSIGNMENTS: &str = "/v1.0/roleManagement/directory/roleAssignments";
const ASSIGNMENT_INSTANCES: &str = "/v1.0/roleManagement/directory/roleAssignmentScheduleInstances";

fn unit_path(id: &str) -> String {
    format!("/v1.0/directory/administrativeUnits/{id}")
}

/// A collection with one property as a filter; a quote in the value is doubled, as OData has it.
fn filtered(path: &str, name: &str, value: &str) -> String {
    format!("{path}?$filter={name} eq '{}'", encoded(&value.replace('\'', "''")))
}

async fn object(directory: &dyn Directory, target: &str) -> Result<Option<Value>, DirectoryError> {
    match directory.send(&GraphRequest::get(target)).await {
        Ok(answer) => Ok(Some(answer.json()?)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Every object of a collection, once: pages may overlap where it changes meanwhile. None if what it belongs to is not
/// there yet.
pub(super) async fn list(directory: &dyn Directory, target: &str) -> Result<Vec<Value>, DirectoryError> {
    let mut all = Vec::new();
    let mut known = BTreeSet::new();
    let mut next = Some(target.to_owned());
    for _ in 0..PAGE_COUNT_MAX {
        let Some(target) = next.take() else { return Ok(all) };
        let Some(page) = object(directory, &target).await? else { return Ok(all) };
        let found = page.get("value").and_then(Value::as_array);
        let found = found.ok_or_else(|| DirectoryError::Malformed { why: "a list has no `value`".to_owned() })?;
        all.extend(found.iter().filter(|one| text(one, "id").is_none_or(|id| known.insert(id))).cloned());
        next = text(&page, "@odata.nextLink");
    }
    Err(DirectoryError::Malformed { why: format!("`{target}` has more than {PAGE_COUNT_MAX} pages") })
}

async fn members(directory: &dyn Directory, of: &str) -> Result<BTreeSet<String>, DirectoryError> {
    let all = list(directory, &format!("{of}/members?$select=id&$top=999")).await?;
    Ok(all.iter().filter_map(|one| text(one, "id")).collect())
}

/// When the own, active assignments of a role for the whole tenant end that were not activated for some hours.
async fn ends(
    directory: &dyn Directory,
    (principal, role): (&str, &str),
) -> Result<BTreeSet<Option<String>>, DirectoryError> {
    let all = list(directory, &filtered(ASSIGNMENT_INSTANCES, "principalId", principal)).await?;
    let is_it = |one: &&Value| {
        let is = |name: &str, wanted: &str| text(one, name).as_deref() == Some(wanted);
        (is("roleDefinitionId", role) || is("roleDefinitionId", ROLE))
            && is("directoryScopeId", "/")
            && is("assignmentType", "Assigned")
            && is("memberType", "Direct")
    };
    Ok(all.iter().filter(is_it).map(|one| text(one, "endDateTime")).collect())
}

/// An end that a step turns from one into another.
fn ended(found: BTreeSet<Option<String>>, (to, was): (Option<&String>, Option<&String>)) -> Seen {
    // Graph writes fractions of a second in one answer and leaves them out in another.
    let instant = |text: &String| text.parse::<Timestamp>().map_err(|_| text.clone());
    let is = |wanted: Option<&String>| found.iter().any(|end| end.as_ref().map(instant) == wanted.map(instant));
    if is(to) {
        Seen::Done(None)
    } else if is(was) {
        Seen::Open
    } else {
        Seen::Moved("the assignment does not end when it did".to_owned())
    }
}

async fn campaign(directory: &dyn Directory) -> Result<Option<Value>, DirectoryError> {
    Ok(object(directory, METHODS_POLICY).await?.and_then(|policy| policy.get("registrationEnforcement").cloned()))
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// What was made under a name that should be there once.
fn one_made(found: &[Value], display_name: &str, (name, is_set): (&str, bool)) -> Seen {
    let own: Vec<&Value> =
        found.iter().filter(|one| text(one, "displayName").as_deref() == Some(display_name)).collect();
    match own.as_slice() {
        [] => Seen::Open,
        [one] if one.get(name).and_then(Value::as_bool).unwrap_or_default() == is_set => Seen::Done(text(one, "id")),
        [_] => Seen::Moved(format!("`{display_name}` exists, and its `{name}` is not {is_set}")),
        many => Seen::Moved(format!("there are {} called `{display_name}`", many.len())),
    }
}

fn properties(user: Option<Value>, set: &Map<String, Value>, was: &Map<String, Value>) -> Seen {
    let Some(user) = user else { return Seen::Moved("the account is gone".to_owned()) };
    let has = |wanted: &Map<String, Value>| {
        wanted.iter().all(|(name, value)| user.get(name).unwrap_or(&Value::Null) == value)
    };
    match (has(set), has(was)) {
        (true, _) => Seen::Done(None),
        (_, true) => Seen::Open,
        _ => Seen::Moved("its properties are others than when the plan was made".to_owned()),
    }
}

/// An object that a step turns from one into another.
fn changed(found: Option<&Value>, (to, was): (&Value, &Value)) -> Seen {
    let Some(found) = found.map(lasting) else { return Seen::Moved("it is gone".to_owned()) };
    if found == *to {
        return Seen::Done(None);
    }
    if found == *was {
        return Seen::Open;
    }
    Seen::Moved(match difference(&found, was, "") {
        Some(place) => format!("`{place}` is not as it was when the plan was made"),
        None => "it is not as it was when the plan was made".to_owned(),
    })
}

/// Of the configuration of passkeys only what a step changes is compared.
fn passkeys(found: Option<Value>, (to, was): (&Value, &Value)) -> Seen {
    let essence = |configuration: &Value| {
        let targets = configuration.get("includeTargets").and_then(Value::as_array).into_iter().flatten();
        let targets: BTreeSet<String> = targets.filter_map(|target| text(target, "id")).collect();
        (text(configuration, "state"), targets)
    };
    let Some(found) = found.as_ref().map(essence) else { return Seen::Moved("it is gone".to_owned()) };
    if found == essence(to) {
        Seen::Done(None)
    } else if found == essence(was) {
        Seen::Open
    } else {
        Seen::Moved("who may use passkeys is not as it was when the plan was made".to_owned())
    }
}

/// The first place in which two values differ.
pub(super) fn difference(one: &Value, other: &Value, at: &str) -> Option<String> {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            names.into_iter().find_map(|name| {
                let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                match (one.get(name), other.get(name)) {
                    (Some(one), Some(other)) => difference(one, other, &at),
                    _ => Some(at),
                }
            })
        }
        (one, other) if one == other => None,
        _ => Some(at.to_owned()),
    }
}
