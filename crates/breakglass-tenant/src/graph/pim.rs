//! Requests of Privileged Identity Management: `roleAssignmentScheduleRequests` and `roleEligibilityScheduleRequests`.
//!
//! Administrators assign, update and remove; who is eligible activates the role for some hours, and gives it back. What an
//! activation needs is in the tenant's role management policies; a role without one has Entra's usual rules. A request
//! that has to be approved stays pending until approvers have decided, or until nobody did for too long.
//!
//! **Source:** "unifiedRoleAssignmentScheduleRequest: create" and its examples; "Configure Microsoft Entra role settings"
//! (defaults: multifactor authentication, justification, eight hours); the table of errors of
//! "governanceRoleAssignmentRequest: create" (`RoleAssignmentExists`, `RoleAssignmentDoesNotExist`,
//! `PendingRoleAssignmentRequest`, `RoleAssignmentRequestPolicyValidationFailed`). `ActiveDurationTooShort`,
//! `RoleAssignmentRequestAcrsValidationFailed` with the claims in its message, and the names of the rules are what clients
//! of the real one report. Words of the audit, and `InvalidRoleAssignmentRequest`, are from memory.

use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::PRIVILEGED_ROLE_ADMINISTRATOR;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use serde_json::{Value, json};

use super::error::GraphError;
use super::roles::check_principal;
use super::schedules::{Kind, is_same, object};
use super::{Request, approvals};
use crate::call::{Reply, encoded};
use crate::clock::written;
use crate::random;
use crate::sign_in::{groups_of, is_in_time};
use crate::state::{Change, Directory, Object, Shelf, text};

const WRITE_ASSIGNMENTS: &[&str] =
    &["RoleAssignmentSchedule.ReadWrite.Directory", "RoleManagement.ReadWrite.Directory"];
const WRITE_ELIGIBILITIES: &[&str] =
    &["RoleEligibilitySchedule.ReadWrite.Directory", "RoleManagement.ReadWrite.Directory"];
/// Minutes for which an activated role is held at least.
const ACTIVE_MINUTES_MIN: i64 = 5;
/// How long an activation may last where no policy says otherwise.
const ACTIVATION_MAX: &str = "PT8H";

impl Kind {
    /// Where requests for it are kept.
    pub(super) const fn requests(self) -> Shelf {
        match self {
            Self::Assignment => Shelf::RoleAssignmentScheduleRequests,
            Self::Eligibility => Shelf::RoleEligibilityScheduleRequests,
        }
    }
}

/// What is asked for.
struct Wish {
    action: String,
    principal: String,
    role: String,
    scope: String,
    justification: Option<String>,
    has_ticket: bool,
    from: Timestamp,
    until: Option<Timestamp>,
    is_validation_only: bool,
}

impl Wish {
    fn read(body: &Object, now: Timestamp) -> Result<Self, GraphError> {
        let required = |name: &str| {
            let found = text(body, name).filter(|text| !text.trim().is_empty()).map(str::to_owned);
            found.ok_or_else(|| invalid(&format!("The required property '{name}' is missing.")))
        };
        let info = body.get("scheduleInfo").and_then(Value::as_object).cloned().unwrap_or_default();
        let (from, until) = time_of(&info, now)?;
        if until.is_some_and(|until| until <= from) {
            return Err(invalid("The schedule ends before it begins."));
        }
        let ticket = body.get("ticketInfo").and_then(|ticket| ticket.get("ticketNumber")).and_then(Value::as_str);
        Ok(Self {
            action: required("action")?,
            principal: required("principalId")?,
            role: required("roleDefinitionId")?,
            scope: text(body, "directoryScopeId").unwrap_or("/").to_owned(),
            justification: text(body, "justification").filter(|text| !text.trim().is_empty()).map(str::to_owned),
            has_ticket: ticket.is_some_and(|number| !number.is_empty()),
            from,
            until,
            is_validation_only: body.get("isValidationOnly").and_then(Value::as_bool) == Some(true),
        })
    }

    fn about(&self) -> (&str, &str, &str) {
        (&self.principal, &self.role, &self.scope)
    }
}

/// A type of expiration as Graph writes it, however it was sent.
fn expiration_type(sent: &str) -> &'static str {
    let known = ["notSpecified", "afterDateTime", "afterDuration"];
    known.into_iter().find(|known| known.eq_ignore_ascii_case(sent)).unwrap_or("noExpiration")
}

/// When what `scheduleInfo` says begins and ends. Nothing begins in the past.
fn time_of(info: &Object, now: Timestamp) -> Result<(Timestamp, Option<Timestamp>), GraphError> {
    let expiration = info.get("expiration").and_then(Value::as_object).cloned().unwrap_or_default();
    let instant = |of: &Object, name: &str| match of.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let read = value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
            read.map(Some).ok_or_else(|| invalid(&format!("'{name}' of scheduleInfo is no date and time.")))
        }
    };
    let from = instant(info, "startDateTime")?.map_or(now, |from| from.max(now));
    let until = match text(&expiration, "type").unwrap_or("noExpiration").to_ascii_lowercase().as_str() {
        "noexpiration" | "notspecified" => None,
        "afterdatetime" => {
            let until = instant(&expiration, "endDateTime")?;
            Some(until.ok_or_else(|| invalid("The expiration 'afterDateTime' needs 'endDateTime'."))?)
        }
        "afterduration" => Some(after(from, text(&expiration, "duration").unwrap_or_default())?),
        _ => return Err(invalid("The type of the expiration is none of those that there are.")),
    };
    Ok((from, until))
}

fn after(from: Timestamp, duration: &str) -> Result<Timestamp, GraphError> {
    let bad = || invalid("The duration of the expiration is none, as in 'PT8H'.");
    let span: Span = duration.parse().map_err(|_| bad())?;
    let until = from.to_zoned(TimeZone::UTC).checked_add(span).map_err(|_| bad())?;
    Ok(until.timestamp())
}

/// What became of a wish.
struct Done {
    changes: Vec<Change>,
    status: &'static str,
    schedule: Option<String>,
    activity: String,
}

/// Takes back a request of the caller's own that nobody has decided.
pub(super) fn cancel(request: &Request<'_>, (kind, id): (Kind, &str)) -> Result<Reply, GraphError> {
    request.caller.needs(WRITE_ASSIGNMENTS, &[])?;
    let now = request.tenant.clock.now();
    let asked = request.write(|directory| -> Result<_, GraphError> {
        let asked = directory.shelved(kind.requests(), id).ok_or_else(|| GraphError::not_found(id))?;
        if text(asked, "principalId").is_none_or(|who| !who.eq_ignore_ascii_case(&request.caller.id)) {
            return Err(GraphError::denied());
        }
        if !is_pending(directory, asked, now) {
            return Err(invalid("The request waits for nothing any more, and cannot be cancelled."));
        }
        let mut asked = asked.clone();
        asked.extend(object(json!({ "status": "Canceled", "completedDateTime": written(now) })));
        let mut changes: Vec<Change> = approvals::canceled(directory, id).into_iter().collect();
        changes.push(Change::shelve(kind.requests(), asked.clone()));
        Ok((changes, asked))
    })?;
    audit_about(request, &asked, "Add member to role canceled (PIM activation)")?;
    Ok(Reply::empty(204))
}

/// Whether a request waits for approvers.
fn is_pending(directory: &Directory, asked: &Object, now: Timestamp) -> bool {
    let id = text(asked, "id").unwrap_or_default();
    text(asked, "status") == Some("PendingApproval") && !approvals::is_expired(directory, id, now)
}

/// The requests of a kind. One that nobody decided in time has failed.
pub(super) fn requests(directory: &Directory, kind: Kind, now: Timestamp) -> Vec<Object> {
    let all = directory.all_shelved(kind.requests()).map(|(_, one)| one.clone());
    all.map(|mut one| {
        if text(&one, "status") == Some("PendingApproval") && !is_pending(directory, &one, now) {
            one.insert("status".to_owned(), json!("Failed"));
        }
        one
    })
    .collect()
}

/// Makes a request.
pub(super) fn create(request: &Request<'_>, (kind, context): (Kind, &str)) -> Result<Reply, GraphError> {
    let body = request.object()?;
    let now = request.tenant.clock.now();
    let wish = Wish::read(&body, now)?;
    let permissions = if kind == Kind::Assignment { WRITE_ASSIGNMENTS } else { WRITE_ELIGIBILITIES };
    let is_own = wish.action.starts_with("self");
    request.caller.needs(permissions, if is_own { &[] } else { &[PRIVILEGED_ROLE_ADMINISTRATOR] })?;
    if is_own && !(request.caller.is_user && wish.principal.eq_ignore_ascii_case(&request.caller.id)) {
        return Err(GraphError::denied());
    }
    let id = random::uuid()?;
    let (made, done) = request.write(|directory| -> Result<_, GraphError> {
        check_principal(directory, (&wish.principal, &wish.role, &wish.scope))?;
        let done = match (kind, wish.action.as_str()) {
            (Kind::Assignment, "selfActivate") => activate(request, directory, (&wish, &id))?,
            (Kind::Assignment, "selfDeactivate") => deactivate(directory, &wish, now)?,
            (_, "adminAssign") => assign(directory, kind, (&wish, &id), now)?,
            (_, "adminUpdate") => update(directory, kind, (&wish, &id), now)?,
            (_, "adminRemove") => remove(directory, kind, &wish)?,
            (_, other) => {
                let other: String = other.chars().take(40).collect();
                return Err(invalid(&format!("The action '{other}' is not supported.")));
            }
        };
        let made = shown(request, (&wish, &body), (&id, &done));
        if wish.is_validation_only {
            return Ok((Vec::new(), (made, done)));
        }
        let mut changes = done.changes.clone();
        changes.push(Change::shelve(kind.requests(), made.clone()));
        Ok((changes, (made, done)))
    })?;
    if !wish.is_validation_only {
        audit(request, (&wish.principal, &wish.role), &done.activity)?;
    }
    Ok(request.entity(201, (context, made)))
}

/// The role of somebody who is eligible, for some hours.
fn activate(request: &Request<'_>, directory: &Directory, (wish, id): (&Wish, &str)) -> Result<Done, GraphError> {
    let now = request.tenant.clock.now();
    if !is_eligible(directory, wish.about(), now) {
        return Err(does_not_exist());
    }
    if is_assigned(directory, wish.about(), now) {
        return Err(exists());
    }
    let mut asked = directory.all_shelved(Kind::Assignment.requests()).map(|(_, one)| one);
    if asked.any(|one| is_same(one, wish.about()) && is_pending(directory, one, now)) {
        let message = "There is already an existing pending Role assignment request.";
        return Err(GraphError::new(400, "PendingRoleAssignmentRequest", message));
    }
    let rules = Rules::of(directory, &wish.role);
    let longest = after(wish.from, &rules.longest)?;
    let until = wish.until.unwrap_or(longest);
    rules.hold(request, (wish, until > longest))?;
    if rules.wants_approval {
        let activity = "Add member to role approval requested (PIM activation)".to_owned();
        let changes = vec![approvals::begun(id, &rules, now)?];
        return Ok(Done { changes, status: "PendingApproval", schedule: None, activity });
    }
    let schedule = random::uuid()?;
    let made = instance((wish.about(), wish.from, Some(until)), (id, &schedule), (Kind::Assignment, "Activated", now));
    Ok(Done {
        changes: vec![Change::Put(Resource::RoleAssignmentScheduleInstances, made)],
        status: "Provisioned",
        schedule: Some(schedule),
        activity: "Add member to role completed (PIM activation)".to_owned(),
    })
}

/// Activates what was asked for and approved, and says so in the request.
pub(super) fn provision(directory: &Directory, asked: &mut Object, now: Timestamp) -> Result<Change, GraphError> {
    let of = |name: &str| text(asked, name).unwrap_or("/").to_owned();
    let (principal, role, scope) = (of("principalId"), of("roleDefinitionId"), of("directoryScopeId"));
    let about = (principal.as_str(), role.as_str(), scope.as_str());
    if !is_eligible(directory, about, now) {
        return Err(does_not_exist());
    }
    if is_assigned(directory, about, now) {
        return Err(exists());
    }
    let info = asked.get("scheduleInfo").and_then(Value::as_object).cloned().unwrap_or_default();
    let (from, until) = time_of(&info, now)?;
    // However long it was waited for, it lasts as long as the policy allows.
    let longest = after(from, &Rules::of(directory, &role).longest)?;
    let until = until.map_or(longest, |until| until.min(longest));
    if until <= now {
        return Err(invalid("The time for which the role was asked is over."));
    }
    let schedule = random::uuid()?;
    let id = of("id");
    let made = instance((about, from, Some(until)), (&id, &schedule), (Kind::Assignment, "Activated", now));
    asked.extend(object(json!({
        "status": "Provisioned", "completedDateTime": written(now), "targetScheduleId": schedule,
    })));
    Ok(Change::Put(Resource::RoleAssignmentScheduleInstances, made))
}

/// Whether somebody may activate a role: directly, or as a member of a group.
fn is_eligible(directory: &Directory, (principal, role, scope): (&str, &str, &str), now: Timestamp) -> bool {
    let mut principals = groups_of(directory, principal);
    principals.push(principal.to_owned());
    let mut all = directory.all(Resource::RoleEligibilityScheduleInstances);
    all.any(|one| principals.iter().any(|who| is_same(one, (who, role, scope))) && is_in_time(one, now))
}

fn deactivate(directory: &Directory, wish: &Wish, now: Timestamp) -> Result<Done, GraphError> {
    let is_it = |one: &&Object| {
        is_same(one, wish.about()) && is_in_time(one, now) && text(one, "assignmentType") == Some("Activated")
    };
    let active = directory.all(Resource::RoleAssignmentScheduleInstances).find(is_it).ok_or_else(does_not_exist)?;
    let from = text(active, "startDateTime").and_then(|text| text.parse::<Timestamp>().ok()).unwrap_or(now);
    if now.duration_since(from) < SignedDuration::from_mins(ACTIVE_MINUTES_MIN) {
        let message = format!("The role was active for less than {ACTIVE_MINUTES_MIN} minutes.");
        return Err(GraphError::new(400, "ActiveDurationTooShort", message));
    }
    let id = text(active, "id").unwrap_or_default().to_owned();
    Ok(Done {
        changes: vec![Change::Remove(Resource::RoleAssignmentScheduleInstances, id)],
        status: "Revoked",
        schedule: text(active, "roleAssignmentScheduleId").map(str::to_owned),
        activity: "Remove member from role (PIM deactivate)".to_owned(),
    })
}

fn assign(directory: &Directory, kind: Kind, (wish, id): (&Wish, &str), now: Timestamp) -> Result<Done, GraphError> {
    let is_there = match kind {
        Kind::Assignment => is_assigned(directory, wish.about(), now),
        Kind::Eligibility => {
            directory.all(kind.resource()).any(|one| is_same(one, wish.about()) && is_in_time(one, now))
        }
    };
    if is_there {
        return Err(exists());
    }
    let schedule = random::uuid()?;
    let made = instance((wish.about(), wish.from, wish.until), (id, &schedule), (kind, "Assigned", now));
    let (member, term) = words(kind, wish.until.is_some());
    Ok(Done {
        changes: vec![Change::Put(kind.resource(), made)],
        status: "Provisioned",
        schedule: Some(schedule),
        activity: format!("Add {member} to role in PIM completed ({term})"),
    })
}

/// Another end, or none, for an assignment that is in force.
fn update(directory: &Directory, kind: Kind, (wish, id): (&Wish, &str), now: Timestamp) -> Result<Done, GraphError> {
    let is_it = |one: &&Object| {
        let assigned = text(one, "assignmentType").unwrap_or("Assigned");
        is_same(one, wish.about()) && is_in_time(one, now) && assigned == "Assigned"
    };
    let (member, term) = words(kind, wish.until.is_some());
    let activity = format!("Update {member} in role in PIM completed ({term})");
    if let Some(found) = directory.all(kind.resource()).find(is_it) {
        let mut updated = found.clone();
        updated.insert("endDateTime".to_owned(), json!(wish.until.map(written)));
        let schedule = text(found, "id").map(str::to_owned);
        let changes = vec![Change::Put(kind.resource(), updated)];
        return Ok(Done { changes, status: "Provisioned", schedule, activity });
    }
    // One without a schedule has no end so far.
    let plain = directory.all(Resource::RoleAssignments).filter(|_| kind == Kind::Assignment).find(is_it);
    let plain = text(plain.ok_or_else(does_not_exist)?, "id").unwrap_or_default().to_owned();
    let schedule = random::uuid()?;
    let made = instance((wish.about(), wish.from, wish.until), (id, &schedule), (kind, "Assigned", now));
    let changes = vec![Change::Remove(Resource::RoleAssignments, plain), Change::Put(kind.resource(), made)];
    Ok(Done { changes, status: "Provisioned", schedule: Some(schedule), activity })
}

fn remove(directory: &Directory, kind: Kind, wish: &Wish) -> Result<Done, GraphError> {
    let lists = [Some(kind.resource()), (kind == Kind::Assignment).then_some(Resource::RoleAssignments)];
    let mut changes = Vec::new();
    let mut is_timed = false;
    for resource in lists.into_iter().flatten() {
        for one in directory.all(resource).filter(|one| is_same(one, wish.about())) {
            is_timed |= text(one, "endDateTime").is_some();
            changes.push(Change::Remove(resource, text(one, "id").unwrap_or_default().to_owned()));
        }
    }
    if changes.is_empty() {
        return Err(does_not_exist());
    }
    if kind == Kind::Assignment {
        super::roles::leaves_an_administrator(directory, &changes)?;
    }
    let (member, term) = words(kind, is_timed);
    let activity = format!("Remove {member} from role in PIM completed ({term})");
    Ok(Done { changes, status: "Revoked", schedule: None, activity })
}

const fn words(kind: Kind, is_timed: bool) -> (&'static str, &'static str) {
    let member = match kind {
        Kind::Assignment => "member",
        Kind::Eligibility => "eligible member",
    };
    (member, if is_timed { "timebound" } else { "permanent" })
}

fn is_assigned(directory: &Directory, about: (&str, &str, &str), now: Timestamp) -> bool {
    let lists = [Resource::RoleAssignments, Resource::RoleAssignmentScheduleInstances];
    lists.iter().flat_map(|list| directory.all(*list)).any(|one| is_same(one, about) && is_in_time(one, now))
}

/// An instance, as it is kept.
fn instance(
    ((principal, role, scope), from, until): ((&str, &str, &str), Timestamp, Option<Timestamp>),
    (request, schedule): (&str, &str),
    (kind, assigned, now): (Kind, &str, Timestamp),
) -> Object {
    let mut made = object(json!({
        "id": schedule, "principalId": principal, "roleDefinitionId": role,
        "directoryScopeId": scope, "appScopeId": Value::Null, "memberType": "Direct",
        "startDateTime": written(from), "endDateTime": until.map(written),
        "createdUsing": request, "createdDateTime": written(now),
    }));
    let more = match kind {
        Kind::Assignment => json!({ "assignmentType": assigned, "roleAssignmentScheduleId": schedule }),
        Kind::Eligibility => json!({ "roleEligibilityScheduleId": schedule }),
    };
    made.extend(object(more));
    made
}

/// A request, as it is shown and kept.
fn shown(request: &Request<'_>, (wish, body): (&Wish, &Object), (id, done): (&str, &Done)) -> Object {
    let now = written(request.tenant.clock.now());
    let is_open = done.status == "PendingApproval";
    let given = |name: &str| body.get(name).cloned().unwrap_or(Value::Null);
    let who = json!({ "id": request.caller.id, "displayName": Value::Null });
    let created_by = if request.caller.is_user { json!({ "user": who }) } else { json!({ "application": who }) };
    let expiration = body.get("scheduleInfo").and_then(|info| info.get("expiration")).cloned();
    let expiration = expiration.and_then(|known| known.as_object().cloned()).unwrap_or_default();
    let of = |name: &str| expiration.get(name).cloned().unwrap_or(Value::Null);
    object(json!({
        "id": id, "status": if wish.is_validation_only { "Granted" } else { done.status },
        "createdDateTime": now, "completedDateTime": (!is_open).then_some(&now), "approvalId": is_open.then_some(id),
        "customData": Value::Null, "createdBy": created_by, "action": wish.action, "principalId": wish.principal,
        "roleDefinitionId": wish.role, "directoryScopeId": wish.scope, "appScopeId": Value::Null,
        "isValidationOnly": wish.is_validation_only, "targetScheduleId": done.schedule,
        "justification": wish.justification,
        "scheduleInfo": {
            "startDateTime": written(wish.from), "recurrence": Value::Null,
            "expiration": {
                "type": expiration_type(text(&expiration, "type").unwrap_or_default()),
                "endDateTime": of("endDateTime"), "duration": of("duration"),
            },
        },
        "ticketInfo": given("ticketInfo"),
    }))
}

/// What an activation of a role needs.
pub(super) struct Rules {
    wants_mfa: bool,
    wants_justification: bool,
    wants_ticket: bool,
    wants_approval: bool,
    /// The authentication context that the sign-in has to have met.
    context: Option<String>,
    /// Stages of the approval.
    pub(super) stages: Vec<Object>,
    longest: String,
}

impl Rules {
    fn of(directory: &Directory, role: &str) -> Self {
        let rules = super::role_policies::rules_of(directory, role);
        let rule = |id: &str| rules.iter().find(|rule| text(rule, "id") == Some(id));
        let enabled = rule("Enablement_EndUser_Assignment").and_then(|rule| rule.get("enabledRules")?.as_array());
        let wants = |name: &str| enabled.into_iter().flatten().any(|one| one == name);
        let approval = rule("Approval_EndUser_Assignment").and_then(|rule| rule.get("setting"));
        let stages = approval.and_then(|setting| setting.get("approvalStages")?.as_array()).into_iter().flatten();
        let context = rule("AuthenticationContext_EndUser_Assignment");
        let context = context.filter(|rule| rule.get("isEnabled").and_then(Value::as_bool) == Some(true));
        let longest = rule("Expiration_EndUser_Assignment").and_then(|rule| text(rule, "maximumDuration"));
        Self {
            wants_mfa: wants("MultiFactorAuthentication"),
            wants_justification: wants("Justification"),
            wants_ticket: wants("Ticketing"),
            wants_approval: approval.and_then(|of| of.get("isApprovalRequired")?.as_bool()) == Some(true),
            // A rule that is on and names none asks for one that nobody has.
            context: context.map(|rule| text(rule, "claimValue").unwrap_or_default().to_owned()),
            stages: stages.filter_map(Value::as_object).cloned().collect(),
            longest: longest.unwrap_or(ACTIVATION_MAX).to_owned(),
        }
    }

    /// Refuses what does not keep to the rules.
    fn hold(&self, request: &Request<'_>, (wish, is_too_long): (&Wish, bool)) -> Result<(), GraphError> {
        let failed: Vec<&str> = [
            (self.wants_mfa && !request.caller.has_mfa, "MfaRule"),
            (self.wants_justification && wish.justification.is_none(), "JustificationRule"),
            (self.wants_ticket && !wish.has_ticket, "TicketingRule"),
            (is_too_long, "ExpirationRule"),
        ]
        .into_iter()
        .filter_map(|(is_failed, rule)| is_failed.then_some(rule))
        .collect();
        if !failed.is_empty() {
            let message = format!("The following policy rules failed: {}", json!(failed));
            return Err(GraphError::new(400, "RoleAssignmentRequestPolicyValidationFailed", message));
        }
        match &self.context {
            Some(context) if !request.caller.contexts.contains(context) => {
                // Clients read the challenge out of the message.
                let claims = json!({ "access_token": { "acrs": { "essential": true, "value": context } } });
                let message = format!("&claims={}", encoded(&claims.to_string()));
                Err(GraphError::new(400, "RoleAssignmentRequestAcrsValidationFailed", message))
            }
            _ => Ok(()),
        }
    }
}

/// Writes a record about a request that was made.
pub(super) fn audit_about(request: &Request<'_>, asked: &Object, activity: &str) -> Result<(), GraphError> {
    let of = |name: &str| text(asked, name).unwrap_or_default();
    audit(request, (of("principalId"), of("roleDefinitionId")), activity)
}

fn audit(request: &Request<'_>, (principal, role): (&str, &str), activity: &str) -> Result<(), GraphError> {
    let directory = request.tenant.state.read();
    let name = directory.object(Resource::RoleDefinitions, role).and_then(|role| text(role, "displayName"));
    let name = name.unwrap_or_default().to_owned();
    let user = directory.object(Resource::Users, principal);
    let upn = user.and_then(|user| text(user, "userPrincipalName")).map(str::to_owned);
    drop(directory);
    let targets = json!([
        { "id": role, "type": "Role", "displayName": name, "modifiedProperties": [] },
        { "id": principal, "type": if upn.is_some() { "User" } else { "Other" }, "userPrincipalName": upn,
          "modifiedProperties": [] },
    ]);
    request.audit_of("PIM", (activity, "RoleManagement"), targets)
}

fn invalid(message: &str) -> GraphError {
    GraphError::new(400, "InvalidRoleAssignmentRequest", message)
}

fn exists() -> GraphError {
    GraphError::new(400, "RoleAssignmentExists", "The Role assignment already exists.")
}

fn does_not_exist() -> GraphError {
    GraphError::new(400, "RoleAssignmentDoesNotExist", "The Role assignment does not exist.")
}
