//! BG0208: no access review or lifecycle workflow can take an account away.
//!
//! **Source:** the accessReviewScheduleDefinition and lifecycle workflow references; the forms of review scopes are
//! from memory, and one that is not understood is a doubt. Clean-up by scripts of one's own is in no snapshot.

use breakglass_model::object::ObjectKey;
use breakglass_model::property::Property;
use breakglass_model::snapshot::{Listing, Resource, because};
use breakglass_model::tenant::GraphObject;
use breakglass_model::user::{User, UserType};
use serde_json::Value;

use super::super::{Case, Finding, Fix, Rule, Severity, Status};
use super::account::{Judgement, each_account, names, without_list};
use super::role_holding::holdings;
use crate::access::Trit;
use crate::access::membership::Reach;

pub(super) struct NoCleanUp;

impl Rule for NoCleanUp {
    fn code(&self) -> &'static str {
        "BG0208"
    }

    fn title(&self) -> &'static str {
        "No automatic clean-up reaches an emergency account"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["A5", "A6", "W5"]
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** No access review and no lifecycle workflow of the tenant can disable the account, delete it, or \
take its role or its group away.

**Why it matters.** An emergency account looks unused, because it is. Automatic clean-up exists to remove just such \
accounts, quietly, months before you need them (all situations, E1 to E6).

**How it is judged.** An access review whose scope contains a group or role of the account fails: medium where its \
decisions are applied automatically, low otherwise. A lifecycle workflow for movers or leavers whose scope contains \
the account fails, medium. A scope that is not understood gives `unknown`. Dynamic groups with the account in them are \
named, because their rule may put it out again. Where the export has no reviews or no workflows, that part does not \
apply. Scripts and tools outside the directory cannot be seen here: ask their owners.

**What to do.** Exclude the account or its group from the scope.

**Source:** Microsoft, *Manage emergency access accounts* (4 June 2026): the accounts must not be in scope of \
automated clean-up."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        let (reviews, workflows) = (&case.snapshot.access_reviews, &case.snapshot.lifecycle_workflows);
        let predicate = match (reviews.as_present(), workflows.as_present()) {
            (Some(_), Some(_)) => "is in the scope of no access review and no lifecycle workflow",
            (Some(_), None) => "is in the scope of no access review",
            (None, Some(_)) => "is in the scope of no lifecycle workflow",
            (None, None) => "is out of reach of automatic clean-up",
        };
        let mut findings = each_account(self, case, predicate, |account| {
            reviews.items().iter().for_each(|review| reviewed(account, review));
            workflows.items().iter().for_each(|workflow| worked_on(account, workflow));
            dynamic_groups(account);
            for (why, name) in [(partly(reviews), "accessReviews"), (partly(workflows), "lifecycleWorkflows")] {
                why.into_iter().for_each(|why| account.doubt(format!("`{name}` are not all there{}", because(why))));
            }
            if reviews.as_present().is_none() && workflows.as_present().is_none() {
                account.exempt(format!("Whether a review or workflow reaches {} is not judged.", account.name()));
            }
        });
        if case.accounts.keys.is_empty() {
            return findings;
        }
        let lists = [
            (Resource::AccessReviews, reviews, "Access reviews are not judged"),
            (Resource::LifecycleWorkflows, workflows, "Lifecycle workflows are not judged"),
        ];
        // Said once for the tenant instead of once for each account.
        findings.retain(|finding| finding.status != Status::NotApplicable);
        for (resource, list, what) in lists {
            let why = list.why().filter(|_| !list.is_partial());
            findings.extend(why.map(|why| without_list(self, resource, what, why)));
        }
        findings
    }
}

/// Why only a part of a list is there.
fn partly<T>(list: &Listing<T>) -> Option<&str> {
    list.why().filter(|_| list.is_partial())
}

fn title<'g>(object: &'g GraphObject, otherwise: &'g str) -> &'g str {
    object.text("displayName").or_else(|| object.text("id")).unwrap_or(otherwise)
}

fn reviewed(account: &mut Judgement<'_>, review: &GraphObject) {
    if matches!(review.text("status"), Some("Completed" | "Stopped")) {
        return;
    }
    let review_name = title(review, "without a name");
    let mut queries = Vec::new();
    for part in ["scope", "instanceEnumerationScope"] {
        review.0.get(part).into_iter().for_each(|value| collect_queries(value, &mut queries));
    }
    let applies_itself = review.at(&["settings", "autoApplyDecisionsEnabled"]) == Some(&Value::Bool(true));
    match covers(account.case, account.user.key, &queries) {
        Trit::No => {}
        Trit::Unknown => account.doubt(format!("the scope of the access review `{review_name}` is not understood")),
        Trit::Yes => {
            let (severity, what) = if applies_itself {
                (Severity::Medium, "applies its decisions by itself: no answer in time can cost the account its access")
            } else {
                (Severity::Low, "may end with somebody removing the access of an account that looks unused")
            };
            let message =
                format!("{} is in the scope of the access review `{review_name}`, which {what}.", account.name());
            let fix = "Take the account or its group out of the scope of the review.";
            account.fail(severity, message, Fix::text(fix));
        }
    }
}

/// Every `query` in a scope, in lower case and with blanks for plus signs.
fn collect_queries(value: &Value, queries: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str() {
                    Some(query) if name == "query" => queries.push(query.replace('+', " ").to_lowercase()),
                    _ => collect_queries(value, queries),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_queries(item, queries)),
        _ => {}
    }
}

/// Whether a review with these queries is about an account.
fn covers(case: &Case<'_>, account: ObjectKey, queries: &[String]) -> Trit {
    if queries.iter().any(|query| query.contains("usertype eq 'guest'")) {
        return Trit::No;
    }
    let each: Vec<Trit> = queries.iter().filter_map(|query| query_covers(case, account, query)).collect();
    each.into_iter().max().unwrap_or(Trit::Unknown)
}

/// What one query says; `None` for one that only narrows another, such as all members.
fn query_covers(case: &Case<'_>, account: ObjectKey, query: &str) -> Option<Trit> {
    let path = query.trim_start_matches('/').trim_start_matches("v1.0/").trim_start_matches("beta/");
    if path.starts_with('.') || path == "users" || path == "groups" || path == "serviceprincipals" {
        return None;
    }
    if let Some(id) = after(path, "groups/") {
        let Some(group) = case.snapshot.objects.find(id) else {
            return Some(if case.snapshot.groups.is_complete() { Trit::No } else { Trit::Unknown });
        };
        let reach = Reach::of_group(case.snapshot, group);
        let is_in = reach.users.contains(&account);
        return Some(Trit::from(is_in).or(if reach.unknown.is_some() { Trit::Unknown } else { Trit::No }));
    }
    if let Some(role) = after(path, "roledefinitions/").or_else(|| after(path, "roledefinitionid eq '")) {
        let held = holdings(case, account);
        let role = case.access.classes().roles().template(role);
        if held.of_role(role).next().is_some() {
            return Some(Trit::Yes);
        }
        let is_unsure = held.doubt_about(role).is_some() || held.eligibility_doubt.is_some();
        return Some(if is_unsure { Trit::Unknown } else { Trit::No });
    }
    Some(Trit::Unknown)
}

/// The id that follows a word in a path.
fn after<'q>(path: &'q str, word: &str) -> Option<&'q str> {
    let (_, rest) = path.split_once(word)?;
    let id = rest.split(['/', '?', '\'', ')']).next()?;
    (!id.is_empty()).then_some(id)
}

fn worked_on(account: &mut Judgement<'_>, workflow: &GraphObject) {
    let is_harmless = workflow.flag("isEnabled") == Some(false) || workflow.text("category") == Some("joiner");
    let conditions = workflow.0.get("executionConditions");
    let is_on_demand = conditions
        .and_then(|conditions| conditions.get("@odata.type")?.as_str())
        .is_some_and(|kind| kind.ends_with("onDemandExecutionOnly"));
    if is_harmless || is_on_demand {
        return;
    }
    let name = title(workflow, "without a name");
    match in_scope(account.case, account.user, workflow.at(&["executionConditions", "scope"])) {
        Trit::No => {}
        Trit::Unknown => account.doubt(format!("the scope of the lifecycle workflow `{name}` is not understood")),
        Trit::Yes => {
            let message = format!(
                "{} is in the scope of the lifecycle workflow `{name}`, which can disable or delete it.",
                account.name()
            );
            account.fail(Severity::Medium, message, Fix::text("Take the account out of the scope of the workflow."));
        }
    }
}

fn in_scope(case: &Case<'_>, user: &User, scope: Option<&Value>) -> Trit {
    let Some(scope) = scope else { return Trit::Unknown };
    if let Some(groups) = scope.get("groups").and_then(Value::as_array) {
        let ids = groups.iter().filter_map(|group| group.get("id")?.as_str());
        return ids
            .map(|id| match case.snapshot.objects.find(id) {
                None if case.snapshot.groups.is_complete() => Trit::No,
                None => Trit::Unknown,
                Some(group) => {
                    let reach = Reach::of_group(case.snapshot, group);
                    let otherwise = if reach.unknown.is_some() { Trit::Unknown } else { Trit::No };
                    Trit::from(reach.users.contains(&user.key)).or(otherwise)
                }
            })
            .max()
            .unwrap_or(Trit::Unknown);
    }
    scope.get("rule").and_then(Value::as_str).map_or(Trit::Unknown, |rule| rule_covers(user, rule))
}

/// A rule of one comparison is decided; a longer one is not understood.
fn rule_covers(user: &User, rule: &str) -> Trit {
    let rule = rule.trim().trim_start_matches('(').trim_end_matches(')');
    let Some((property, value)) = rule.split_once(" eq ") else { return Trit::Unknown };
    let value = value.trim();
    let Some(value) = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')) else { return Trit::Unknown };
    if value.contains('\'') {
        return Trit::Unknown;
    }
    let detail = user.detail();
    let own = match property.trim() {
        "department" => &detail.department,
        "employeeType" => &detail.employee_type,
        "userType" => {
            return match &user.user_type {
                Property::Value(UserType::Unknown(_)) | Property::Absent => Trit::Unknown,
                Property::Null => Trit::No,
                Property::Value(kind) => kind.as_str().eq_ignore_ascii_case(value).into(),
            };
        }
        _ => return Trit::Unknown,
    };
    match own {
        Property::Absent => Trit::Unknown,
        Property::Null => Trit::No,
        Property::Value(own) => own.eq_ignore_ascii_case(value).into(),
    }
}

fn dynamic_groups(account: &mut Judgement<'_>) {
    let key = account.user.key;
    let has = |group: &&breakglass_model::group::Group| {
        group.is_dynamic() && group.members.iter().flatten().any(|member| member.key == key)
    };
    let case = account.case;
    let groups: Vec<&str> =
        case.snapshot.groups.items().iter().filter(has).map(|group| case.snapshot.name(group.key)).collect();
    if !groups.is_empty() {
        let groups = names(groups.into_iter());
        account.note(format!("Its membership of {groups} follows a rule and may end by itself."));
    }
}
