//! Dates on which the answer changes: what ends, and what switches itself on.
//!
//! Every fact of the year to come that has a date and can matter is a date; the tenant is judged again as it will be
//! then. What is not dated is taken to stay as it is.
//!
//! A fact can matter if the rules can see it: a role that the goal, resets or activations ask about; any other role of
//! somebody who holds such a role at some time, who approves, or who signs in to a depository, if it protects from
//! resets or a policy names it; a pass of such a person.
//!
//! **Invariant:** the dates that are looked at are the earliest ones, and that there are more is told.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use breakglass_model::authentication_method::AuthenticationMethodKind;
use breakglass_model::object::ObjectKey;
use breakglass_model::policy::{ConditionalAccessPolicy, ConditionalAccessPolicyState};
use breakglass_model::role::RoleAssignment;
use breakglass_model::snapshot::Snapshot;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Analysis;
use super::compile::role_name;
use super::credential::pass_ends;
use super::goal::{Goal, Question, Stage};
use super::people::{HARMLESS_ROLES, ROLES, activation, is_whole_tenant, principals_of};
use super::report::{DatedOrder, DatesLeftOut, Order};
use super::settings::LockoutSettings;
use super::workers::each;
use crate::access::managed::{is_managed, switches_on};
use crate::access::{Access, AccessSettings, Trit};

/// How far ahead dates are looked at.
const AHEAD: SignedDuration = SignedDuration::from_hours(366 * 24);
/// Dates that are looked at, the earliest first, in a tenant with few administrators.
const DATE_COUNT_MAX: usize = 256;
/// The same in one with many: each date costs as much as the tenant has role assignments.
const DATE_COUNT_MIN: usize = 32;
/// Dates times role assignments that are looked at.
const DATED_ASSIGNMENT_COUNT_MAX: usize = 64_000;

/// What happens on which date, in words.
type Dates = BTreeMap<Timestamp, BTreeSet<String>>;

impl Analysis<'_> {
    /// The dates on which the order of a goal changes, with what happens then; and the dates that were too many.
    pub fn dated(&mut self, goal: Goal, now: Order) -> (Vec<DatedOrder>, Option<DatesLeftOut>) {
        let snapshot = self.access.snapshot();
        let at = self.access.settings().now;
        let mut dates = self.dates(goal);
        // What may happen on any day may happen now.
        dates.retain(|date, _| *date >= at && at.checked_add(AHEAD).is_ok_and(|end| *date <= end));
        let question = Question { goal, surface: None, stage: Stage::Direct };
        let mut dates: Vec<(Timestamp, BTreeSet<String>)> = dates.into_iter().collect();
        let left_out = dates.split_off(date_count_max(snapshot).min(dates.len()));
        let left_out = left_out.first().map(|(from, _)| DatesLeftOut { from: *from, count: left_out.len() });
        // The processors are shared among the dates.
        let alone = LockoutSettings { processors: NonZeroUsize::MIN, ..self.settings.clone() };
        let (access, policies) = (self.access, self.access.policies());
        let orders = each(self.settings.processors, &dates, |(date, _)| {
            let policies = policies_at(policies, (at, *date));
            let settings = AccessSettings { now: *date, ..*access.settings() };
            let access = Access::compile_with(snapshot, &policies, &settings).ok()?;
            Some(Analysis::of_question(&access, &alone, question).order(question, &BTreeSet::new()))
        });
        let mut before = now;
        let mut found: Vec<DatedOrder> = Vec::new();
        let mut pending: Vec<String> = Vec::new();
        for ((date, because), order) in dates.into_iter().zip(orders) {
            let Some(order) = order else { continue };
            pending.extend(because);
            if (order.proved, order.possible) != (before.proved, before.possible) {
                found.push(DatedOrder { from: date, because: std::mem::take(&mut pending), order });
                before = order;
            } else {
                pending.clear();
            }
        }
        (found, left_out)
    }

    /// What can matter and has a date.
    fn dates(&self, goal: Goal) -> Dates {
        let mut dates = Dates::new();
        let mut add = |date: Timestamp, what: String| {
            dates.entry(date).or_default().insert(what);
        };
        policies(self.access, &mut add);
        let concerned = Concerned::of(self.access, self.settings);
        assignments(self.access, &concerned, &mut add);
        passes(self.access.snapshot(), &concerned, &mut add);
        authorities(self.access.snapshot(), &mut add);
        if self.settings.with_applications {
            self.credentials(goal, &mut add);
        }
        dates
    }

    /// When credentials end of applications that are a way, or may be.
    fn credentials(&self, goal: Goal, add: &mut dyn FnMut(Timestamp, String)) {
        let snapshot = self.access.snapshot();
        for principal in snapshot.service_principals.items() {
            if !self.promised.may_ever_reach(principal, goal) {
                continue;
            }
            let app_id = principal.app_id.as_ref().map(|id| id.as_str());
            let application = snapshot.applications.items().iter().find(|one| one.text("appId") == app_id);
            let name = application.and_then(|one| one.text("displayName")).or(principal.display_name.as_deref());
            for list in ["keyCredentials", "passwordCredentials"] {
                let own = principal.rest.get(list).and_then(Value::as_array).into_iter().flatten();
                let of_application = application.and_then(|one| one.0.get(list)).and_then(Value::as_array);
                for credential in own.chain(of_application.into_iter().flatten()) {
                    let end = credential.get("endDateTime").and_then(Value::as_str);
                    if let Some(end) = end.and_then(|end| end.parse().ok()) {
                        let name = name.unwrap_or("an application");
                        add(end, format!("a credential of the application `{name}` ends"));
                    }
                }
            }
        }
    }
}

/// Dates that are looked at in a tenant.
fn date_count_max(snapshot: &Snapshot) -> usize {
    let count: usize = lists(snapshot).iter().map(|list| list.len()).sum();
    (DATED_ASSIGNMENT_COUNT_MAX / count.max(1)).clamp(DATE_COUNT_MIN, DATE_COUNT_MAX)
}

/// Who holds what: active, active by schedule, eligible.
fn lists(snapshot: &Snapshot) -> [&[RoleAssignment]; 3] {
    [
        snapshot.role_assignments.items(),
        snapshot.role_assignment_schedule_instances.items(),
        snapshot.role_eligibility_schedule_instances.items(),
    ]
}

/// Whose facts the rules can see, at any date.
struct Concerned {
    users: BTreeSet<ObjectKey>,
    /// It cannot be told who is not.
    is_everybody: bool,
    /// Template ids of the roles that policies name.
    named_roles: BTreeSet<String>,
}

impl Concerned {
    fn of(access: &Access<'_>, settings: &LockoutSettings) -> Self {
        let snapshot = access.snapshot();
        let roles = access.classes().roles();
        let are_active_missing =
            !snapshot.role_assignments.is_complete() && !snapshot.role_assignment_schedule_instances.is_complete();
        let mut is_everybody = are_active_missing || !snapshot.role_eligibility_schedule_instances.is_complete();
        let mut users: BTreeSet<ObjectKey> = settings.supposed.active.iter().map(|(user, _)| *user).collect();
        for one in lists(snapshot).into_iter().flatten() {
            if is_asked_about(roles.template(one.role_definition_id.as_str()), one) {
                let reach = principals_of(snapshot, one.principal_id.as_str());
                users.extend(reach.users);
                is_everybody |= reach.unknown.is_some();
            }
        }
        for stage in ROLES.iter().filter_map(|role| activation(snapshot, roles, role).ok()?.stages.ok()).flatten() {
            users.extend(stage.approvers);
            is_everybody |= stage.doubt.is_some();
        }
        let signs_in = settings.custody.depositories.values().flat_map(|depository| &depository.signs_in);
        users.extend(signs_in.filter_map(|name| snapshot.find_user(name)).map(|user| user.key));
        let named = access.policies().iter().filter_map(|policy| policy.conditions.users.as_ref());
        let named = named.flat_map(|users| users.include_roles.iter().chain(&users.exclude_roles));
        let named_roles = named.map(|role| roles.template(role.as_str()).to_owned()).collect();
        Self { users, is_everybody, named_roles }
    }

    /// Whether the rules can see an assignment.
    fn has(&self, snapshot: &Snapshot, template: &str, assignment: &RoleAssignment) -> bool {
        if is_asked_about(template, assignment) {
            return true;
        }
        if HARMLESS_ROLES.contains(&template) && !self.named_roles.contains(template) {
            return false;
        }
        let reach = principals_of(snapshot, assignment.principal_id.as_str());
        self.is_everybody || reach.unknown.is_some() || reach.users.iter().any(|user| self.users.contains(user))
    }
}

/// Whether whoever holds it can do something that counts.
fn is_asked_about(template: &str, assignment: &RoleAssignment) -> bool {
    ROLES.contains(&template) && is_whole_tenant(assignment) != Trit::No
}

/// The policies as they will be: those that switch themselves on are on.
fn policies_at(
    policies: &[ConditionalAccessPolicy],
    (now, date): (Timestamp, Timestamp),
) -> Vec<ConditionalAccessPolicy> {
    let at = |policy: &ConditionalAccessPolicy| -> ConditionalAccessPolicy {
        let is_on = switches_itself_on(policy, now).is_some_and(|on| on <= date);
        let enabled = is_on.then(|| policy.in_state(&ConditionalAccessPolicyState::Enabled)).flatten();
        enabled.unwrap_or_else(|| policy.clone())
    };
    policies.iter().map(at).collect()
}

/// When a report-only policy switches itself on at the earliest: now, where its time of grace is over or the export
/// does not say when it began.
fn switches_itself_on(policy: &ConditionalAccessPolicy, now: Timestamp) -> Option<Timestamp> {
    let is_report_only = policy.state == ConditionalAccessPolicyState::EnabledForReportingButNotEnforced;
    (is_report_only && is_managed(policy)).then(|| switches_on(policy).unwrap_or(now).max(now))
}

/// When policies switch themselves on.
fn policies(access: &Access<'_>, add: &mut dyn FnMut(Timestamp, String)) {
    let now = access.settings().now;
    for policy in access.policies() {
        if let Some(on) = switches_itself_on(policy, now) {
            let when = if on > now { "" } else { " on any day" };
            add(on, format!("Microsoft may switch the policy `{}` on{when}", policy.name()));
        }
    }
}

/// When roles and eligibilities begin and end.
fn assignments(access: &Access<'_>, concerned: &Concerned, add: &mut dyn FnMut(Timestamp, String)) {
    let snapshot = access.snapshot();
    let roles = access.classes().roles();
    let what = ["the role", "the role", "the eligibility for the role"];
    for (assignments, what) in lists(snapshot).into_iter().zip(what) {
        for one in assignments {
            let end: Option<Timestamp> = one.end_date_time.value().and_then(|end| end.parse().ok());
            let start: Option<Timestamp> = one.start_date_time.as_ref().and_then(|start| start.parse().ok());
            let template = roles.template(one.role_definition_id.as_str());
            if (end.is_none() && start.is_none()) || !concerned.has(snapshot, template, one) {
                continue;
            }
            let name = snapshot.objects.find(one.principal_id.as_str()).map(|key| snapshot.name(key));
            let name = name.unwrap_or(one.principal_id.as_str());
            let role = role_name(template);
            if let Some(end) = end {
                add(end, format!("{what} {role} of `{name}` ends"));
            }
            if let Some(start) = start {
                add(start, format!("{what} {role} of `{name}` begins"));
            }
        }
    }
}

/// When temporary access passes begin and end.
fn passes(snapshot: &Snapshot, concerned: &Concerned, add: &mut dyn FnMut(Timestamp, String)) {
    let is_concerned = |key: &ObjectKey| concerned.is_everybody || concerned.users.contains(key);
    for user in snapshot.users.items().iter().filter(|user| user.detail.is_some() && is_concerned(&user.key)) {
        let methods = user.detail().authentication_methods.value().into_iter().flatten();
        for pass in methods.filter(|method| method.kind() == AuthenticationMethodKind::TemporaryAccessPass) {
            let start = pass.rest.get("startDateTime").and_then(Value::as_str);
            if let Some(start) = start.and_then(|start| start.parse().ok()) {
                add(start, format!("the temporary access pass of `{}` begins", user.name()));
            }
            if let Some(end) = pass_ends(pass) {
                add(end, format!("the temporary access pass of `{}` ends", user.name()));
            }
        }
    }
}

/// When certificate authorities end.
fn authorities(snapshot: &Snapshot, add: &mut dyn FnMut(Timestamp, String)) {
    let organization = snapshot.organization.as_present();
    let configured = organization.and_then(|one| one.rest.get("certificateBasedAuthConfiguration"));
    let each = configured.and_then(Value::as_array).into_iter().flatten();
    for authority in each.filter_map(|one| one.get("certificateAuthorities")?.as_array()).flatten() {
        let name = ["displayName", "issuer"].iter().find_map(|name| authority.get(*name)?.as_str());
        let end = authority.get("expirationDateTime").and_then(Value::as_str);
        if let Some(end) = end.and_then(|end| end.parse().ok()) {
            add(end, format!("the certificate authority `{}` expires", name.unwrap_or("without a name")));
        }
    }
}
