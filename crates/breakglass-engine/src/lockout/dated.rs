//! Dates on which the answer changes: what ends, and what switches itself on.
//!
//! Every dated fact of the year to come is a date; the tenant is judged again as it will be then. What is not dated is
//! taken to stay as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use breakglass_model::authentication_method::AuthenticationMethodKind;
use breakglass_model::policy::{ConditionalAccessPolicy, ConditionalAccessPolicyState};
use breakglass_model::role::RoleAssignment;
use breakglass_model::snapshot::Snapshot;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Analysis;
use super::compile::role_name;
use super::credential::pass_ends;
use super::goal::{Goal, Question, Stage};
use super::report::{DatedOrder, Order};
use super::settings::LockoutSettings;
use super::workers::each;
use crate::access::managed::{is_managed, switches_on};
use crate::access::{Access, AccessSettings};

/// How far ahead dates are looked at.
const AHEAD: SignedDuration = SignedDuration::from_hours(366 * 24);
/// Dates that are looked at, the earliest first.
const DATE_COUNT_MAX: usize = 32;

/// What happens on which date, in words.
type Dates = BTreeMap<Timestamp, BTreeSet<String>>;

impl Analysis<'_> {
    /// The dates on which the order of a goal changes, with what happens then.
    pub fn dated(&mut self, goal: Goal, now: Order) -> Vec<DatedOrder> {
        let snapshot = self.access.snapshot();
        let at = self.access.settings().now;
        let mut dates = dates(snapshot, self.access, self.settings.with_applications);
        // What may happen on any day may happen now.
        dates.retain(|date, _| *date >= at && at.checked_add(AHEAD).is_ok_and(|end| *date <= end));
        let question = Question { goal, surface: None, stage: Stage::Direct };
        let dates: Vec<(Timestamp, BTreeSet<String>)> = dates.into_iter().take(DATE_COUNT_MAX).collect();
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
        found
    }
}

/// The policies as they will be: those that switch themselves on are on.
fn policies_at(
    policies: &[ConditionalAccessPolicy],
    (now, date): (Timestamp, Timestamp),
) -> Vec<ConditionalAccessPolicy> {
    let at = |policy: &ConditionalAccessPolicy| -> ConditionalAccessPolicy {
        let is_on = switches_itself_on(policy, now).is_some_and(|on| on <= date);
        let mut source = policy.source.clone();
        if let (true, Some(object)) = (is_on, source.as_object_mut()) {
            object.insert("state".to_owned(), json!("enabled"));
            if let Ok(enabled) = ConditionalAccessPolicy::from_value(source, policy.id.as_str()) {
                return enabled;
            }
        }
        policy.clone()
    };
    policies.iter().map(at).collect()
}

/// When a report-only policy switches itself on at the earliest: now, where its time of grace is over or the export
/// does not say when it began.
fn switches_itself_on(policy: &ConditionalAccessPolicy, now: Timestamp) -> Option<Timestamp> {
    let is_report_only = policy.state == ConditionalAccessPolicyState::EnabledForReportingButNotEnforced;
    (is_report_only && is_managed(policy)).then(|| switches_on(policy).unwrap_or(now).max(now))
}

fn dates(snapshot: &Snapshot, access: &Access<'_>, with_applications: bool) -> Dates {
    let mut dates = Dates::new();
    let mut add = |date: Timestamp, what: String| {
        dates.entry(date).or_default().insert(what);
    };
    for policy in access.policies() {
        let now = access.settings().now;
        if let Some(on) = switches_itself_on(policy, now) {
            let when = if on > now { "" } else { " on any day" };
            add(on, format!("Microsoft may switch the policy `{}` on{when}", policy.name()));
        }
    }
    let roles = access.classes().roles();
    let lists: [(&[RoleAssignment], &str); 3] = [
        (snapshot.role_assignments.items(), "the role"),
        (snapshot.role_assignment_schedule_instances.items(), "the role"),
        (snapshot.role_eligibility_schedule_instances.items(), "the eligibility for the role"),
    ];
    for (assignments, what) in lists {
        for one in assignments {
            let name = snapshot.objects.find(one.principal_id.as_str()).map(|key| snapshot.name(key));
            let name = name.unwrap_or(one.principal_id.as_str());
            let role = role_name(roles.template(one.role_definition_id.as_str())).to_owned();
            if let Some(end) = one.end_date_time.value().and_then(|end| end.parse().ok()) {
                add(end, format!("{what} {role} of `{name}` ends"));
            }
            if let Some(start) = one.start_date_time.as_ref().and_then(|start| start.parse().ok()) {
                add(start, format!("{what} {role} of `{name}` begins"));
            }
        }
    }
    for user in snapshot.users.items().iter().filter(|user| user.detail.is_some()) {
        let methods = user.detail().authentication_methods.value().into_iter().flatten();
        for pass in methods.filter(|method| method.kind() == AuthenticationMethodKind::TemporaryAccessPass) {
            if let Some(end) = pass_ends(pass) {
                add(end, format!("the temporary access pass of `{}` ends", user.name()));
            }
        }
    }
    authorities(snapshot, &mut add);
    if with_applications {
        for application in snapshot.applications.items() {
            let name = application.text("displayName").unwrap_or("an application");
            for list in ["keyCredentials", "passwordCredentials"] {
                for credential in application.list(list) {
                    let end = credential.get("endDateTime").and_then(Value::as_str);
                    if let Some(end) = end.and_then(|end| end.parse().ok()) {
                        add(end, format!("a credential of the application `{name}` ends"));
                    }
                }
            }
        }
    }
    dates
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
