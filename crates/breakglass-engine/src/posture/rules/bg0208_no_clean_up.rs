//! BG0208: no access review or lifecycle workflow can take an account away.
//!
//! **Source:** the accessReviewScheduleDefinition and lifecycle workflow references; the forms of review scopes are
//! from memory, and one that is not understood is a doubt. Clean-up by scripts of one's own is in no snapshot.

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
use crate::access::scope::{GuestKind, guest_kind};

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
    let applies_itself = review.at(&["settings", "autoApplyDecisionsEnabled"]) == Some(&Value::Bool(true));
    match covers(account.case, account.user, review) {
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

/// Every `query` in a scope, in lower case and with blanks for plus signs; an empty one for a part that has none.
fn collect_queries(value: &Value, queries: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let query = members.get("query").and_then(Value::as_str);
            queries.extend(query.map(|query| query.replace('+', " ").to_lowercase()));
            let is_part = |value: &&Value| value.is_object() || value.is_array();
            let mut parts = members.values().filter(is_part).peekable();
            if query.is_none() && parts.peek().is_none() {
                queries.push(String::new());
            }
            parts.for_each(|part| collect_queries(part, queries));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_queries(item, queries)),
        _ => {}
    }
}

/// Whether a review is about an account: it is one of the principals whom the review asks about, and what is asked
/// about is theirs.
fn covers(case: &Case<'_>, user: &User, review: &GraphObject) -> Trit {
    let queries = |value: Option<&Value>| -> Vec<Option<Trit>> {
        let mut queries = Vec::new();
        value.into_iter().for_each(|value| collect_queries(value, &mut queries));
        queries.iter().map(|query| query_covers(case, user, query)).collect()
    };
    // All users are principals; beside a resource, a query about all of something only narrows another one.
    let principals = queries(review.at(&["scope", "principalScopes"]));
    let is_principal = principals.into_iter().map(|one| one.unwrap_or(Trit::Yes)).max().unwrap_or(Trit::Yes);
    let scope = review.0.get("scope");
    let is_split = scope.is_some_and(|scope| scope.get("principalScopes").is_some());
    let resources = if is_split { review.at(&["scope", "resourceScopes"]) } else { scope };
    let parts = [resources, review.0.get("instanceEnumerationScope")];
    let each = parts.into_iter().filter_map(|part| {
        let part = queries(part);
        let says_something = part.iter().any(Option::is_some);
        says_something.then(|| part.into_iter().map(|one| one.unwrap_or(Trit::Unknown)).max())?
    });
    is_principal.and(each.min().unwrap_or(Trit::Unknown))
}

/// Whether somebody is among the guests, as far as that is known.
fn is_guest(user: &User) -> Trit {
    match guest_kind(user) {
        GuestKind::Member => Trit::No,
        GuestKind::Guest(_) => Trit::Yes,
        GuestKind::Unsaid => Trit::Unknown,
    }
}

/// What one query says; `None` for one that only narrows another, such as all members.
fn query_covers(case: &Case<'_>, user: &User, query: &str) -> Option<Trit> {
    let account = user.key;
    if let Some((_, rest)) = query.split_once("usertype eq 'guest'") {
        let is_alone = !rest.contains(" or ");
        return match is_guest(user) {
            Trit::No if is_alone => Some(Trit::No),
            _ => Some(Trit::Unknown),
        };
    }
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
