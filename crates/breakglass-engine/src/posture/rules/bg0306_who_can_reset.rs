//! BG0306: who can give an account a new password or a temporary access pass, and that nobody else can.
//!
//! **Source:** the table of who may reset whom, which protects holders of administrator roles; the permissions of
//! Microsoft Graph.

use std::collections::BTreeSet;

use breakglass_model::object::ObjectKey;
use breakglass_model::snapshot::{ObjectRow, Resource, because};
use breakglass_model::well_known::{GLOBAL_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR};

use super::super::{Case, Finding, Fix, ObjectKind, ObjectReference, Rule, Severity, Status, finding};
use super::account::{each_account, names, nobody, without_list};
use super::application_grants::{Grants, grants};
use super::role_holding::{Holding, holdings, says_no_pim};
use crate::access::membership::Reach;

pub(super) struct WhoCanReset;

impl Rule for WhoCanReset {
    fn code(&self) -> &'static str {
        "BG0306"
    }

    fn title(&self) -> &'static str {
        "Only the highest administrators can reset an emergency account"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["E4", "X8"]
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** Only Global Administrators and Privileged Authentication Administrators can give the account a new \
password or a temporary access pass, and you know who they are.

**Why it matters.** Whoever can reset the account is the account. A help desk that can, or an application that can, \
makes every lock on the envelope pointless (situation E4).

**How it is judged.** An account that is not Global Administrator at this moment has no protection from the help desk \
and fails, medium. An application, other than Microsoft's own, whose permissions let it write authentication methods \
or passwords, give roles, or give itself such a permission fails, medium. Otherwise it passes, and the holders of the two roles, active and eligible, are \
named. Where roles, groups or applications are not known, or a permission is \
known by an id only that nothing explains, the answer is `unknown`; where no export says what \
applications may do, that part does not apply.

**What to do.** Take the permission away from the application, or treat it as one of the highest administrators. Keep \
the list of people short.

**Source:** Microsoft, *Who can perform sensitive actions* and *Who can reset passwords*; Microsoft Graph permissions \
reference."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        if let Some(nobody) = nobody(self, case) {
            return vec![nobody];
        }
        let judged = each_account(self, case, "is out of reach of the help desk", |account| {
            let held = holdings(account.case, account.user.key);
            if held.of_role(GLOBAL_ADMINISTRATOR).any(Holding::is_active_everywhere) {
                return;
            }
            if let Some(why) = held.doubt_about(GLOBAL_ADMINISTRATOR) {
                return account.doubt(why);
            }
            let message = format!(
                "{} is not Global Administrator at this moment, so nothing protects it from the help desk: \
                 Authentication, Password and User Administrators may be able to reset it.",
                account.name()
            );
            let fix = "Assign Global Administrator to it permanently (BG0204).";
            account.fail(Severity::Medium, message, Fix::text(fix));
        });
        let mut findings: Vec<Finding> = judged.into_iter().filter(|one| one.status != Status::Pass).collect();
        findings.extend(self.applications(case));
        findings.push(self.people(case));
        findings
    }
}

impl WhoCanReset {
    fn people(&self, case: &Case<'_>) -> Finding {
        let (people, doubt) = people(case);
        let others: Vec<ObjectKey> = people.into_iter().filter(|one| !case.accounts.keys.contains(one)).collect();
        if let Some(why) = doubt {
            let message = format!("It cannot be told who is able to reset the emergency accounts: {why}.");
            return finding(self, Status::Unknown, message);
        }
        let about = others.iter().map(|key| reference(case, *key)).collect();
        let message = match others.len() {
            0 => "Nobody but the emergency accounts themselves can reset an emergency account.".to_owned(),
            count => format!(
                "{count} besides the emergency accounts can reset them or give them a temporary access pass: {}.",
                names(others.iter().map(|key| case.snapshot.name(*key)))
            ),
        };
        finding(self, Status::Pass, message).about(about)
    }

    fn applications(&self, case: &Case<'_>) -> Vec<Finding> {
        let granted = grants(case);
        let mut findings: Vec<Finding> = granted
            .found
            .iter()
            .map(|(about, permission)| {
                let message = format!(
                    "The application `{}` has the permission `{permission}` and with it can take over any emergency \
                     account. Whoever holds a secret of it is your highest administrator.",
                    about.name
                );
                let fix = "Take the permission away, or guard the application like a Global Administrator.";
                finding(self, Status::Fail, message).about(vec![about.clone()]).fixed_by(Fix::text(fix))
            })
            .collect();
        findings.extend(self.unknown_applications(case, &granted));
        findings
    }

    /// What cannot be told about applications.
    fn unknown_applications(&self, case: &Case<'_>, granted: &Grants) -> Option<Finding> {
        let (principals, assignments) = (&case.snapshot.service_principals, &case.snapshot.app_role_assignments);
        let unknown = |why: &str| {
            let message = format!("It cannot be told which applications can reset the accounts: {why}.");
            Some(finding(self, Status::Unknown, message))
        };
        let has_none = principals.is_complete() && principals.items().is_empty();
        match (principals.why(), assignments.why()) {
            (Some(why), Some(_)) => {
                return unknown(&format!("`servicePrincipals` are not all there{}", because(why)));
            }
            (None, Some(why)) if !granted.is_listed && !has_none => {
                let what = "What applications may do is not judged";
                return Some(without_list(self, Resource::AppRoleAssignments, what, why));
            }
            _ => {}
        }
        let (_, why) = granted.doubts.first()?;
        let about = granted.doubts.iter().filter(|(_, one)| one == why).map(|(name, _)| name.as_str());
        unknown(&format!("of {}: {why}", names(about)))
    }
}

/// Holders of the two roles, active or eligible, and why there may be more.
fn people(case: &Case<'_>) -> (BTreeSet<ObjectKey>, Option<String>) {
    let snapshot = case.snapshot;
    let roles = case.access.classes().roles();
    let mut doubt = roles.unknown().map(str::to_owned);
    let wanted = [GLOBAL_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR];
    let mut principals: Vec<ObjectKey> = wanted.iter().flat_map(|role| roles.principals(role)).copied().collect();
    let eligible = &snapshot.role_eligibility_schedule_instances;
    for one in eligible.items().iter().filter(|one| one.is_tenant_wide() && one.is_current(case.now)) {
        if wanted.contains(&roles.template(one.role_definition_id.as_str())) {
            principals.extend(snapshot.objects.find(one.principal_id.as_str()));
        }
    }
    if let Some(why) = eligible.why().filter(|why| !says_no_pim(why)) {
        doubt.get_or_insert_with(|| format!("`roleEligibilityScheduleInstances` are not there{}", because(why)));
    }
    let mut people = BTreeSet::new();
    for principal in principals {
        match snapshot.row(principal) {
            ObjectRow::Group(_) => {
                let reach = Reach::of_group(snapshot, principal);
                doubt = doubt.or(reach.unknown);
                people.extend(reach.users);
            }
            row => {
                people.insert(principal);
                if let (ObjectRow::Unlisted, Some(why)) = (row, snapshot.groups.why()) {
                    let id = snapshot.objects.id(principal);
                    doubt.get_or_insert_with(|| format!("the role holder `{id}` may be a group{}", because(why)));
                }
            }
        }
    }
    (people, doubt)
}

fn reference(case: &Case<'_>, key: ObjectKey) -> ObjectReference {
    match case.snapshot.row(key) {
        ObjectRow::ServicePrincipal(_) => ObjectReference {
            kind: ObjectKind::ServicePrincipal,
            id: case.snapshot.objects.id(key).to_owned(),
            name: case.snapshot.name(key).to_owned(),
        },
        _ => case.user(key),
    }
}
