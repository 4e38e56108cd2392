//! BG0505: where activating the highest roles needs an approval, there is somebody who can give it.
//!
//! **Source:** the role management policy references. An approval without approvers counts as one that nobody can
//! give: Microsoft describes a fall-back to the highest administrators, which is not what to rely on in an emergency.

use std::collections::BTreeSet;

use breakglass_model::object::ObjectKey;
use breakglass_model::property::Property;
use breakglass_model::role::management_rules;
use breakglass_model::snapshot::{ObjectRow, because};
use breakglass_model::tenant::GraphObject;
use breakglass_model::well_known::{GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR};
use serde_json::Value;

use super::super::{Case, Finding, Fix, ObjectKind, ObjectReference, Rule, Severity, Status, finding};
use super::account::{names, nobody};
use super::role_holding::{role_name, says_no_pim};
use crate::access::membership::Reach;

pub(super) struct Approvers;

impl Rule for Approvers {
    fn code(&self) -> &'static str {
        "BG0505"
    }

    fn title(&self) -> &'static str {
        "Somebody can approve the activation of the highest roles"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["E3", "X6"]
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** Where Privileged Identity Management asks for an approval before somebody becomes Global \
Administrator or Privileged Role Administrator, an enabled person other than the emergency accounts can approve.

**Why it matters.** If the approvers have left, or are empty, nobody becomes administrator any more, and the emergency \
accounts are the only way back (situation E3). That is what they are for, but it should not be news on the day.

**How it is judged.** For each of the two roles: no approval demanded passes. Demanded, with nobody enabled among the \
approvers, fails, medium; with no approvers named at all as well. Where the rules, the stages, the approvers' accounts or their groups are not in the snapshot the answer is \
`unknown`. A tenant without Privileged Identity Management has no such rule.

**What to do.** Name at least two approvers who are active, or a group of them.

**Source:** Graph, *unifiedRoleManagementPolicyApprovalRule*; Microsoft, *Manage emergency access accounts* \
(4 June 2026), reasons to have them."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        let policies = &case.snapshot.role_management_policies;
        if policies.why().is_some_and(says_no_pim) {
            let message = "The tenant has no Privileged Identity Management, so no activation needs an approval.";
            return vec![finding(self, Status::NotApplicable, message)];
        }
        let roles = [GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR];
        let findings = roles.iter().map(|role| self.judge(case, role));
        // With nobody declared nothing passes.
        let nobody = nobody(self, case);
        findings
            .map(|finding| match &nobody {
                Some(nobody) if finding.status == Status::Pass => nobody.clone(),
                _ => finding,
            })
            .collect()
    }
}

/// What is known of one approver.
enum Approver {
    Able(ObjectKey),
    Unable(String),
    Unclear(String),
}

impl Approvers {
    fn judge(&self, case: &Case<'_>, role: &'static str) -> Finding {
        let name = role_name(case, role);
        let unknown = |why: String| {
            let message = format!("It cannot be told who approves the activation of `{name}`: {why}.");
            finding(self, Status::Unknown, message)
        };
        let setting = match approval(case, role) {
            Ok(setting) => setting,
            Err(why) => return unknown(why),
        };
        match setting.get("isApprovalRequired").and_then(Value::as_bool) {
            Some(true) => {}
            Some(false) => {
                return finding(self, Status::Pass, format!("Activating `{name}` needs no approval."));
            }
            None => return unknown("`isApprovalRequired` is not in the export".to_owned()),
        }
        let approvers = match approvers(case, setting) {
            Ok(approvers) => approvers,
            Err(why) => return unknown(why),
        };
        let mut able: BTreeSet<ObjectKey> = BTreeSet::new();
        let (mut unable, mut unclear) = (Vec::new(), None);
        for approver in approvers {
            match approver {
                Approver::Able(key) => {
                    able.insert(key);
                }
                Approver::Unable(why) => unable.push(why),
                Approver::Unclear(why) => unclear = unclear.or(Some(why)),
            }
        }
        if !able.is_empty() {
            let people = names(able.iter().map(|key| case.snapshot.name(*key)));
            let about = able.iter().map(|key| case.user(*key)).collect();
            let message = format!("Activating `{name}` needs an approval, which {people} can give.");
            return finding(self, Status::Pass, message).about(about);
        }
        if let Some(why) = unclear {
            return unknown(why);
        }
        let why = if unable.is_empty() { "no approver is named".to_owned() } else { unable.join("; ") };
        let message = format!(
            "Activating `{name}` needs an approval, and nobody but the emergency accounts could give it for sure ({why}). Until \
             that is changed, they are the only way to become `{name}`."
        );
        let about = ObjectReference { kind: ObjectKind::Role, id: role.to_owned(), name: name.to_owned() };
        let fix = "Name at least two enabled people, or a group of them, as approvers of the role.";
        finding(self, Status::Fail, message).about(vec![about]).fixed_by(Fix::text(fix))
    }
}

/// The approval setting of a role's policy.
fn approval<'c>(case: &Case<'c>, role: &str) -> Result<&'c Value, String> {
    let policies = &case.snapshot.role_management_policies;
    let is_of_role = |policy: &&GraphObject| {
        let id = policy.text("roleDefinitionId").unwrap_or_default();
        case.access.classes().roles().template(id) == role
    };
    let Some(policy) = policies.items().iter().find(is_of_role) else {
        return Err(match policies.why() {
            Some(why) => format!("`roleManagementPolicies` are not all there{}", because(why)),
            None => "none of `roleManagementPolicies` says by `roleDefinitionId` that it is the role's".to_owned(),
        });
    };
    let rules = management_rules(policy).ok_or("the role's rules are not in the export")?;
    let is_approval = |rule: &&Value| {
        let text = |name: &str| rule.get(name).and_then(Value::as_str).unwrap_or_default();
        text("id") == "Approval_EndUser_Assignment"
            || (text("id").is_empty() && text("@odata.type").ends_with("ApprovalRule"))
    };
    let rule = rules.iter().find(is_approval).ok_or("the role's rule about approvals is not in the export")?;
    rule.get("setting").ok_or_else(|| "the setting of the role's rule about approvals is not in the export".to_owned())
}

/// The approvers that the stages name; null and an empty list name nobody.
fn approvers(case: &Case<'_>, setting: &Value) -> Result<Vec<Approver>, String> {
    let list = |value: &'_ Value| value.as_array().cloned().unwrap_or_default();
    let stages = setting.get("approvalStages").ok_or("`approvalStages` are not in the export")?;
    let mut approvers = Vec::new();
    for stage in list(stages) {
        match stage.get("primaryApprovers") {
            Some(named) => approvers.extend(list(named).iter().flat_map(|one| named_approver(case, one))),
            None => approvers.push(Approver::Unclear("`primaryApprovers` of a stage are not in the export".to_owned())),
        }
    }
    Ok(approvers)
}

/// An approver as the setting names it: a user or a group.
fn named_approver(case: &Case<'_>, one: &Value) -> Vec<Approver> {
    let id = ["userId", "groupId", "id"].iter().find_map(|name| one.get(*name)?.as_str());
    let Some(id) = id else { return vec![Approver::Unclear("an approver without an id".to_owned())] };
    match case.snapshot.objects.find(id) {
        Some(key) => principal_approves(case, key),
        None => vec![missing(case, id)],
    }
}

fn missing(case: &Case<'_>, id: &str) -> Approver {
    if case.snapshot.users.is_complete() && case.snapshot.groups.is_complete() {
        Approver::Unable(format!("`{id}` does not exist any more"))
    } else {
        Approver::Unclear(format!("the approver `{id}` is not in the snapshot"))
    }
}

fn principal_approves(case: &Case<'_>, key: ObjectKey) -> Vec<Approver> {
    match case.snapshot.row(key) {
        ObjectRow::Group(_) => {
            let reach = Reach::of_group(case.snapshot, key);
            let users: Vec<Approver> = reach.users.iter().map(|user| person(case, *user)).collect();
            let empty =
                users.is_empty().then(|| Approver::Unable(format!("group `{}` is empty", case.snapshot.name(key))));
            match reach.unknown {
                Some(why) => users.into_iter().chain([Approver::Unclear(why)]).collect(),
                None => users.into_iter().chain(empty).collect(),
            }
        }
        ObjectRow::User(_) => vec![person(case, key)],
        ObjectRow::Unlisted => vec![missing(case, case.snapshot.objects.id(key))],
        // An application does not approve.
        ObjectRow::ServicePrincipal(_) | ObjectRow::AdministrativeUnit(_) => Vec::new(),
    }
}

fn person(case: &Case<'_>, key: ObjectKey) -> Approver {
    let name = case.snapshot.name(key);
    if case.accounts.keys.contains(&key) {
        return Approver::Unable(format!("`{name}` is an emergency account"));
    }
    match case.snapshot.user(key).map(|user| &user.account_enabled) {
        Some(Property::Value(true)) => Approver::Able(key),
        Some(Property::Value(false)) => Approver::Unable(format!("`{name}` is disabled")),
        Some(_) => {
            Approver::Unclear(format!("`accountEnabled` of the approver `{name}` is not in the export (select it)"))
        }
        None => missing(case, case.snapshot.objects.id(key)),
    }
}
