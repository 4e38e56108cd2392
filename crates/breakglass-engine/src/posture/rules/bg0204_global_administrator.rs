//! BG0204: each account is Global Administrator now, for good, everywhere, by itself.
//!
//! **Source:** requirements A5 and X6; the role assignment references.

use breakglass_model::object::ObjectKey;
use breakglass_model::well_known::GLOBAL_ADMINISTRATOR;
use serde_json::json;

use super::super::{Case, Finding, Fix, Rule, Severity};
use super::account::{Judgement, each_account, fix};
use super::role_holding::{Holding, Holdings, Term, Way, holdings};

pub(super) struct GlobalAdministrator;

impl Rule for GlobalAdministrator {
    fn code(&self) -> &'static str {
        "BG0204"
    }

    fn title(&self) -> &'static str {
        "Each emergency account is permanently and directly Global Administrator"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["A5", "X6", "S2"]
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** The role Global Administrator is assigned to the account itself, active, without an end, for the \
whole directory.

**Why it matters.** An eligible role must be activated, which asks for multifactor authentication, perhaps for an \
approver, and for Privileged Identity Management to be up: just what is missing in situations E1 and E3. A role with \
an end is gone one morning. A role through a group can be taken away by whoever rules the group.

**How it is judged.** An assignment with scope `/`, assigned and not activated, without `endDateTime`, to the account \
itself passes. Only through a role-assignable group: fails, medium. Eligible, activated, ending, limited to a part of \
the directory, or not there at all: fails, critical. Without the lists of role assignments, or where only the \
schedule instances could say whether an assignment ends, the answer is `unknown`; so it is where `directoryScopeId` \
of the assignment or `endDateTime` of its schedule instance was not exported. A tenant without Privileged Identity \
Management has permanent assignments only.

**What to do.** Assign the role directly and permanently; the request is shown with the finding.

**Source:** Microsoft, *Manage emergency access accounts* (4 June 2026): permanent active assignment; Graph, \
*unifiedRoleAssignmentScheduleInstance*."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        each_account(self, case, "is permanently and directly Global Administrator of the whole tenant", |account| {
            let held = holdings(account.case, account.user.key);
            judge(account, &held);
        })
    }
}

fn judge(account: &mut Judgement<'_>, held: &Holdings) {
    let all: Vec<&Holding> = held.of_role(GLOBAL_ADMINISTRATOR).collect();
    let everywhere: Vec<&Holding> = all.iter().copied().filter(|held| held.is_active_everywhere()).collect();
    let direct: Vec<&Holding> = everywhere.iter().copied().filter(|held| held.way == Way::Direct).collect();
    if direct.iter().any(|held| held.term == Term::Permanent) {
        return;
    }
    let unsaid = everywhere.iter().find_map(|held| match &held.term {
        Term::Unsaid(why) => Some(why.as_str()),
        _ => None,
    });
    if let Some(why) = unsaid {
        account.doubt(why);
        return;
    }
    let through_group = everywhere.iter().copied().find(|held| held.way != Way::Direct && held.term == Term::Permanent);
    if let Some(why) = held.doubt_about(GLOBAL_ADMINISTRATOR) {
        // A group that cannot be looked into could only give the role in a second, weaker way.
        if direct.is_empty() && through_group.is_none() {
            account.doubt(why);
            return;
        }
    }
    if let Some(held) = through_group {
        fail_through_group(account, held);
        return;
    }
    let name = account.name();
    let message = match direct.first().or(everywhere.first()).map(|held| &held.term) {
        Some(Term::Until(end)) => {
            format!("{name} is Global Administrator only until {end}. After that it can no longer help you.")
        }
        Some(Term::Activated) => format!(
            "{name} is Global Administrator only because somebody activated the role. When that runs out, it must be \
             activated again, which may be impossible in an emergency."
        ),
        _ if all.iter().any(|held| held.term == Term::Eligible) => format!(
            "{name} is only eligible for Global Administrator. It must activate the role first, which needs \
             multifactor authentication, perhaps an approver, and Privileged Identity Management to be up."
        ),
        _ if !all.is_empty() => {
            let scope = all.first().and_then(|held| held.scope.as_deref()).unwrap_or_default();
            format!("{name} is Global Administrator of `{scope}` only, not of the whole tenant.")
        }
        _ => format!("{name} is not Global Administrator. Somebody who gets in with it can repair nothing."),
    };
    account.fail(Severity::Critical, message, assign(account.id()));
}

fn fail_through_group(account: &mut Judgement<'_>, held: &Holding) {
    let group: Option<ObjectKey> = match held.way {
        Way::Group(group) => Some(group),
        Way::Direct | Way::SomeGroup => None,
    };
    let snapshot = account.case.snapshot;
    let of = group.map_or("a group".to_owned(), |group| format!("the group `{}`", snapshot.name(group)));
    let message = format!(
        "{} is Global Administrator through {of} and not by itself. Whoever changes the members of that group takes \
         the role away.",
        account.name()
    );
    let others = group.map(|group| account.case.group(group)).into_iter().collect();
    account.fail_with(Severity::Medium, message, assign(account.id()), others);
}

fn assign(id: &str) -> Fix {
    let body = json!({ "principalId": id, "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/" });
    let text = "Assign Global Administrator to the account itself, active and without an end.";
    fix(text, "POST", "/v1.0/roleManagement/directory/roleAssignments".to_owned(), Some(body))
}
