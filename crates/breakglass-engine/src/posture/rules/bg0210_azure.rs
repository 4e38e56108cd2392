//! BG0210: what each account can do in Azure, and whether an elevation was left behind.
//!
//! A snapshot of the directory has no Azure role assignments. Where an export puts them among `roleAssignments`,
//! with Azure's own role ids, they are judged; otherwise it is said that they are not.
//!
//! **Source:** the documentation of elevating access for Global Administrators; the id of User Access Administrator
//! is from memory.

use breakglass_model::role::RoleAssignment;
use breakglass_model::well_known::GLOBAL_ADMINISTRATOR;
use serde_json::Value;

use super::super::{Case, Finding, Fix, Rule, Severity, Status};
use super::account::{Judgement, each_account};
use super::role_holding::{Holding, holdings, is_of_azure};
use crate::access::membership::Reach;

pub(super) struct Azure;

impl Rule for Azure {
    fn code(&self) -> &'static str {
        "BG0210"
    }

    fn title(&self) -> &'static str {
        "No elevated access over Azure is left behind"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["A5", "A7"]
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** A Global Administrator may elevate itself to User Access Administrator over every Azure \
subscription and management group. After use, that is taken back.

**Why it matters.** In an emergency it is good to know that the account can reach Azure (situation E4: the attacker \
holds the subscriptions). Left behind, the same power outlives the emergency and shows in no list of directory roles.

**How it is judged.** What the account holds, and whether it can elevate itself, is reported. The role User Access \
Administrator at the root scope `/`, held by an account, fails, high. Azure's role assignments are not part of a \
directory snapshot: where the export does not add them, that part does not apply, and the message says how to look it \
up. Without the directory's role assignments the answer is `unknown`.

**What is read.** Azure's assignments among `roleAssignments`, or in a file beside it, as Azure Resource Manager \
(`properties.roleDefinitionId`), `az role assignment list --all` (`roleDefinitionId` with the path \
`…/providers/Microsoft.Authorization/roleDefinitions/…`) and `Get-AzRoleAssignment` (`RoleAssignmentId`, `ObjectId`, \
`Scope`) write them. A role id without a path is taken for Azure's where `scope` is a subscription, a management group \
or something below one, or where it is `/`, the role is one that Azure has by default, and there is no \
`directoryScopeId`.

**What to do.** `az role assignment list --scope / --assignee ID` shows what is left; \
`az role assignment delete --scope / --assignee ID --role \"User Access Administrator\"` takes it back.

**Source:** Microsoft, *Elevate access to manage all Azure subscriptions and management groups*."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        let azure: Vec<&RoleAssignment> =
            case.snapshot.role_assignments.items().iter().filter(|assignment| is_of_azure(assignment)).collect();
        let findings = each_account(self, case, "has no elevated access over Azure left behind", |account| {
            let elevation = elevation(account);
            if azure.is_empty() {
                account.exempt(format!(
                    "{elevation} Whether it has access left over from an elevation is not in a snapshot: \
                     `az role assignment list --scope / --assignee {}` shows it.",
                    account.id()
                ));
                return;
            }
            account.note(elevation);
            azure.iter().for_each(|assignment| held(account, assignment));
        });
        // Only what was left behind is as bad as the rule's severity.
        let weighed = findings.into_iter().map(|finding| match finding.status {
            Status::Fail => finding,
            _ => finding.at(Severity::Medium),
        });
        weighed.collect()
    }
}

const USER_ACCESS_ADMINISTRATOR: &str = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9";

/// A sentence on whether the account can elevate itself.
fn elevation(account: &mut Judgement<'_>) -> String {
    let held = holdings(account.case, account.user.key);
    let name = account.name();
    if held.of_role(GLOBAL_ADMINISTRATOR).any(Holding::is_active_everywhere) {
        return format!(
            "{name}, as Global Administrator, can give itself access over every Azure subscription and management \
             group."
        );
    }
    if let Some(why) = held.doubt_about(GLOBAL_ADMINISTRATOR) {
        account.doubt(why);
    }
    format!("{name} is not Global Administrator at this moment and cannot elevate itself over Azure.")
}

fn held(account: &mut Judgement<'_>, assignment: &RoleAssignment) {
    let snapshot = account.case.snapshot;
    let Some(principal) = snapshot.objects.find(assignment.principal_id.as_str()) else { return };
    let is_own = principal == account.user.key
        || (snapshot.group(principal).is_some()
            && Reach::of_group(snapshot, principal).users.contains(&account.user.key));
    if !is_own {
        return;
    }
    let scope = assignment.rest.get("scope").and_then(Value::as_str);
    let scope = scope.or(assignment.directory_scope_id.value().map(String::as_str));
    let role = assignment.role_definition_id.as_str();
    let Some(scope) = scope else {
        return account.doubt("the `scope` of one of its role assignments in Azure is not in the export");
    };
    if scope == "/" && role.ends_with(USER_ACCESS_ADMINISTRATOR) {
        let message = format!(
            "{} is User Access Administrator over all of Azure (scope `/`): an elevation that was not taken back. \
             Whoever gets the account also gets every subscription.",
            account.name()
        );
        let delete = format!(
            "Run `az role assignment delete --scope / --assignee {} --role \"User Access Administrator\"`.",
            account.id()
        );
        account.fail(Severity::High, message, Fix::text(delete));
    } else {
        let name = assignment.rest.get("roleDefinitionName").and_then(Value::as_str);
        let name = name.unwrap_or_else(|| role.rsplit('/').next().unwrap_or(role));
        account.note(format!("In Azure it holds `{name}` at `{scope}`."));
    }
}
