//! `/roleManagement/directory/roleAssignmentApprovals`, which beta alone has: what approvers say to requests to activate
//! a role.
//!
//! An approval has the id of its request, and a step for each stage of the role's policy. Approvers are those whom the
//! policy named when the role was asked for; where it named nobody, whoever administers roles. Nobody approves a request
//! of their own.
//!
//! **Source:** "approval resource type", "Update approvalStep" (words, 409 for what another approver has decided);
//! "Approve or deny requests for Microsoft Entra roles" (a request waits for a day, who approves by default).

use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::{GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Request;
use super::error::GraphError;
use super::list::{expanded, page_of, related_of};
use super::pim::{Rules, audit_about, provision};
use super::roles::READERS;
use super::schedules::object;
use crate::call::Reply;
use crate::clock::written;
use crate::random;
use crate::sign_in::groups_of;
use crate::state::{Change, Directory, Object, Shelf, text};

const CONTEXT: &str = "roleManagement/directory/roleAssignmentApprovals";
const READ: &[&str] = &[
    "RoleAssignmentSchedule.Read.Directory",
    "RoleAssignmentSchedule.ReadWrite.Directory",
    "PrivilegedAccess.Read.AzureAD",
    "PrivilegedAccess.ReadWrite.AzureAD",
    "RoleManagement.Read.Directory",
    "RoleManagement.Read.All",
    "RoleManagement.ReadWrite.Directory",
];
const WRITE: &[&str] = &[
    "RoleAssignmentSchedule.ReadWrite.Directory",
    "PrivilegedAccess.ReadWrite.AzureAD",
    "RoleManagement.ReadWrite.Directory",
];
/// Days for which a step waits where the policy says nothing.
const WAIT_DAYS: i64 = 1;
/// Characters of a justification.
const JUSTIFICATION_CHARS_MAX: usize = 500;

/// The approval that a request waits for.
pub(super) fn begun(request: &str, rules: &Rules, now: Timestamp) -> Result<Change, GraphError> {
    let mut steps = Vec::new();
    let stages = if rules.stages.is_empty() { &[Object::new()][..] } else { &rules.stages };
    for stage in stages {
        let days = stage.get("approvalStageTimeOutInDays").and_then(Value::as_i64).unwrap_or(WAIT_DAYS);
        let until = now.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(now);
        steps.push(json!({
            "id": random::uuid()?, "until": until.to_string(), "approvers": stage.get("primaryApprovers"),
            "needsJustification": stage.get("isApproverJustificationRequired").and_then(Value::as_bool) != Some(false),
        }));
    }
    Ok(Change::shelve(Shelf::RoleAssignmentApprovals, object(json!({ "id": request, "steps": steps }))))
}

/// Answers a request below `/roleManagement/directory/roleAssignmentApprovals`.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    if request.version != "beta" {
        return Err(GraphError::no_segment("roleAssignmentApprovals"));
    }
    if !request.caller.is_user {
        return Err(GraphError::denied());
    }
    match (request.call.method.as_str(), rest) {
        ("PATCH", [id, "steps", step]) => decide(request, id, step),
        ("GET", ["filterByCurrentUser(on='approver')"]) => {
            request.caller.needs(READ, &[])?;
            let directory = request.tenant.state.read();
            let all = directory.all_shelved(Shelf::RoleAssignmentApprovals).map(|(_, one)| one);
            let own = all.filter(|one| is_awaited(request, &directory, one));
            let own: Vec<Object> = own.map(|one| shown(request, &directory, one)).collect();
            drop(directory);
            related_of(request, (CONTEXT, 100, &["steps", "request"]), own)
        }
        ("GET", [id]) => {
            let approval = seen(request, id)?;
            Ok(request.entity(200, (CONTEXT, expanded(request, (CONTEXT, &["steps", "request"]), &approval)?)))
        }
        ("GET", [id, "steps"]) => {
            let steps = steps_of(&seen(request, id)?);
            page_of(request, (&format!("{CONTEXT}('{id}')/steps"), 100), steps)
        }
        ("GET", [id, "steps", step]) => {
            let mut steps = steps_of(&seen(request, id)?).into_iter();
            let found = steps.find(|known| text(known, "id").is_some_and(|known| known.eq_ignore_ascii_case(step)));
            let found = found.ok_or_else(|| GraphError::not_found(step))?;
            Ok(request.entity(200, (&format!("{CONTEXT}('{id}')/steps"), found)))
        }
        (_, [_, segment, ..]) => Err(GraphError::no_segment(segment)),
        _ => Err(GraphError::method()),
    }
}

fn steps_of(approval: &Object) -> Vec<Object> {
    let steps = approval.get("steps").and_then(Value::as_array).into_iter().flatten();
    steps.filter_map(Value::as_object).cloned().collect()
}

/// An approval that the caller may see: as an approver, as who asked, or as who looks after roles.
fn seen(request: &Request<'_>, id: &str) -> Result<Object, GraphError> {
    request.caller.needs(READ, &[])?;
    let directory = request.tenant.state.read();
    let approval = directory.shelved(Shelf::RoleAssignmentApprovals, id).ok_or_else(|| GraphError::not_found(id))?;
    let is_approver = steps_of(approval).iter().any(|step| is_approver(request, &directory, step));
    let is_own = is_requester(request, &directory, id);
    if !is_approver && !is_own && !request.caller.is_one_of(READERS) {
        return Err(GraphError::denied());
    }
    Ok(shown(request, &directory, approval))
}

fn is_requester(request: &Request<'_>, directory: &Directory, id: &str) -> bool {
    let asked = directory.shelved(Shelf::RoleAssignmentScheduleRequests, id);
    let who = asked.and_then(|asked| text(asked, "principalId"));
    who.is_some_and(|who| who.eq_ignore_ascii_case(&request.caller.id))
}

/// Whether the caller is named for a step, or looks after roles where nobody is.
fn is_approver(request: &Request<'_>, directory: &Directory, step: &Object) -> bool {
    let named: Vec<&Object> =
        step.get("approvers").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object).collect();
    if named.is_empty() {
        return request.caller.is_one_of(&[PRIVILEGED_ROLE_ADMINISTRATOR, GLOBAL_ADMINISTRATOR]);
    }
    let groups = groups_of(directory, &request.caller.id);
    named.iter().any(|approver| {
        let id = |name: &str| text(approver, name).or_else(|| text(approver, "id")).unwrap_or_default();
        match text(approver, "@odata.type").unwrap_or_default().trim_start_matches('#') {
            "microsoft.graph.singleUser" => id("userId").eq_ignore_ascii_case(&request.caller.id),
            "microsoft.graph.groupMembers" => groups.contains(&id("groupId").to_ascii_lowercase()),
            _ => false,
        }
    })
}

/// Where a step stands.
fn status(approval: &Object, step: &Object, now: Timestamp) -> &'static str {
    let steps = steps_of(approval);
    let is_open = |step: &Object| text(step, "reviewResult").is_none();
    let is_denied = steps.iter().any(|step| text(step, "reviewResult") == Some("Denied"));
    let is_first = steps.iter().find(|step| is_open(step)).is_some_and(|first| first.get("id") == step.get("id"));
    let until = text(step, "until").and_then(|until| until.parse::<Timestamp>().ok());
    match is_open(step) {
        false => "Completed",
        true if is_denied || approval.get("isCanceled").and_then(Value::as_bool) == Some(true) => "Completed",
        true if until.is_none_or(|until| until <= now) => "Expired",
        true if is_first => "InProgress",
        true => "Initializing",
    }
}

/// Whether nobody can decide a request any more, though nobody has.
pub(super) fn is_expired(directory: &Directory, request: &str, now: Timestamp) -> bool {
    let approval = directory.shelved(Shelf::RoleAssignmentApprovals, request);
    approval.is_some_and(|approval| steps_of(approval).iter().any(|step| status(approval, step, now) == "Expired"))
}

/// The change that ends an approval without a decision.
pub(super) fn canceled(directory: &Directory, request: &str) -> Option<Change> {
    let mut approval = directory.shelved(Shelf::RoleAssignmentApprovals, request).cloned()?;
    approval.insert("isCanceled".to_owned(), json!(true));
    Some(Change::shelve(Shelf::RoleAssignmentApprovals, approval))
}

fn is_awaited(request: &Request<'_>, directory: &Directory, approval: &Object) -> bool {
    let now = request.tenant.clock.now();
    let id = text(approval, "id").unwrap_or_default();
    let open = |step: &Object| status(approval, step, now) == "InProgress" && is_approver(request, directory, step);
    !is_requester(request, directory, id) && steps_of(approval).iter().any(open)
}

/// An approval as Graph shows it, with everything that can be expanded.
fn shown(request: &Request<'_>, directory: &Directory, approval: &Object) -> Object {
    let now = request.tenant.clock.now();
    let id = text(approval, "id").unwrap_or_default();
    let step = |step: &Object| {
        let is_mine = is_approver(request, directory, step) && !is_requester(request, directory, id);
        json!({
            "id": text(step, "id"), "displayName": Value::Null, "assignedToMe": is_mine,
            "status": status(approval, step, now), "justification": text(step, "justification").unwrap_or_default(),
            "reviewResult": text(step, "reviewResult").unwrap_or("NotReviewed"),
            "reviewedBy": step.get("reviewedBy"), "reviewedDateTime": text(step, "reviewedDateTime"),
        })
    };
    let steps: Vec<Value> = steps_of(approval).iter().map(step).collect();
    let asked = directory.shelved(Shelf::RoleAssignmentScheduleRequests, id);
    object(json!({ "id": id, "steps": steps, "request": asked }))
}

/// A step as somebody has decided it.
fn decided(request: &Request<'_>, directory: &Directory, (step, result): (&Object, &str), why: &str) -> Object {
    let user = directory.object(Resource::Users, &request.caller.id);
    let of = |name: &str| user.and_then(|user| text(user, name));
    let mut step = step.clone();
    step.extend(object(json!({
        "reviewResult": result, "justification": why, "reviewedDateTime": written(request.tenant.clock.now()),
        "reviewedBy": { "id": request.caller.id, "displayName": of("displayName"),
            "userPrincipalName": of("userPrincipalName") },
    })));
    step
}

/// What is decided, and why.
fn decision(body: &Object) -> Result<(&'static str, &str), GraphError> {
    let invalid = |message: &str| GraphError::new(400, "InvalidApprovalRequest", message);
    if let Some(other) =
        body.keys().find(|name| !name.starts_with('@') && !matches!(name.as_str(), "reviewResult" | "justification"))
    {
        let other: String = other.chars().take(100).collect();
        return Err(invalid(&format!("The property '{other}' cannot be changed.")));
    }
    let result = match text(body, "reviewResult").map(str::to_ascii_lowercase).as_deref() {
        Some("approve" | "approved") => "Approved",
        Some("deny" | "denied") => "Denied",
        _ => return Err(invalid("'reviewResult' is 'Approve' or 'Deny'.")),
    };
    let why = text(body, "justification").unwrap_or_default().trim();
    if why.chars().count() > JUSTIFICATION_CHARS_MAX {
        return Err(invalid(&format!("'justification' has at most {JUSTIFICATION_CHARS_MAX} characters.")));
    }
    Ok((result, why))
}

fn decide(request: &Request<'_>, id: &str, wanted: &str) -> Result<Reply, GraphError> {
    request.caller.needs(WRITE, &[])?;
    let body = request.object()?;
    let (result, why) = decision(&body)?;
    let now = request.tenant.clock.now();
    let (asked, is_done) = request.write(|directory| -> Result<_, GraphError> {
        let approval = directory.shelved(Shelf::RoleAssignmentApprovals, id);
        let mut approval = approval.cloned().ok_or_else(|| GraphError::not_found(id))?;
        let mut steps = steps_of(&approval);
        let step = steps.iter_mut().find(|one| text(one, "id").is_some_and(|known| known.eq_ignore_ascii_case(wanted)));
        let step = step.ok_or_else(|| GraphError::not_found(wanted))?;
        if is_requester(request, directory, id) || !is_approver(request, directory, step) {
            return Err(GraphError::denied());
        }
        let status = status(&approval, step, now);
        if status != "InProgress" {
            return Err(GraphError::new(409, "Conflict", format!("The step waits for no decision: it is '{status}'.")));
        }
        if why.is_empty() && step.get("needsJustification").and_then(Value::as_bool) == Some(true) {
            return Err(GraphError::new(400, "InvalidApprovalRequest", "A justification is required."));
        }
        *step = decided(request, directory, (step, result), why);
        let is_open = steps.iter().any(|step| text(step, "reviewResult").is_none());
        approval.insert("steps".to_owned(), json!(steps));
        let asked = directory.shelved(Shelf::RoleAssignmentScheduleRequests, id);
        let mut asked = asked.cloned().ok_or_else(|| GraphError::not_found(id))?;
        let mut changes = vec![Change::shelve(Shelf::RoleAssignmentApprovals, approval)];
        let is_done = result == "Denied" || !is_open;
        if result == "Denied" {
            asked.extend(object(json!({ "status": "Denied", "completedDateTime": written(now) })));
        } else if is_done {
            changes.push(provision(directory, &mut asked, now)?);
        }
        if is_done {
            changes.push(Change::shelve(Shelf::RoleAssignmentScheduleRequests, asked.clone()));
        }
        Ok((changes, (asked, is_done)))
    })?;
    let word = if result == "Denied" { "denied" } else { "approved" };
    audit_about(request, &asked, &format!("Add member to role request {word} (PIM activation)"))?;
    if is_done && result == "Approved" {
        audit_about(request, &asked, "Add member to role completed (PIM activation)")?;
    }
    Ok(Reply::empty(204))
}
