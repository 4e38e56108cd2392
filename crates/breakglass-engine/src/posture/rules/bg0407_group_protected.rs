//! BG0407: the group that carries the exclusion is protected in one of the two ways there are, and not in both.
//!
//! **Source:** *Use Microsoft Entra groups to manage role assignments* (16 March 2026): only privileged role
//! administrators and applications with `RoleManagement.ReadWrite.Directory` change members of a role-assignable
//! group; *Restricted management administrative units* (4 March 2026): a role-assignable group inside one has
//! frozen membership.

use std::collections::BTreeSet;

use breakglass_model::object::ObjectKey;
use breakglass_model::property::Property;

use super::super::{Case, Finding, Fix, Rule, Severity, Status, finding};
use super::account::{names, nobody};
use super::application_grants::{ROLE_MANAGEMENT, grants};
use super::bg0406_group_members::no_group;
use super::scope::{self, ExcludedGroups};
use crate::access::Trit;

pub(super) struct GroupProtected;

impl Rule for GroupProtected {
    fn code(&self) -> &'static str {
        "BG0407"
    }

    fn title(&self) -> &'static str {
        "The exclusion group is protected from ordinary administrators"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["X8"]
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** The group is role-assignable, or it lies in a restricted management administrative unit. It is \
not both.

**Why it matters.** Members of an ordinary group can be changed by groups administrators, user administrators, \
owners and many applications: any of them can exempt an account from every policy, or take the emergency accounts \
out of the exclusion (situation E4). A role-assignable group inside a restricted unit is a trap of its own: nobody \
can change its members any more, so an account that replaces a used one cannot be added (E6).

**How it is judged.** One protection passes; none and both fail, high. A property or a list that is not in the \
snapshot gives `unknown`. Groups inside the group are judged like it. Applications that may edit a role-assignable \
group, and who has a role over the restricted unit, are named as far as the snapshot shows them.

**What to do.** The flag is fixed when a group is made: create a new role-assignable group with the accounts, \
exclude it in every policy, then delete the old one. Or move the group into a restricted management administrative \
unit, and give the administrator of the unit to somebody who can be reached in an emergency.

**Source:** requirement X8; Microsoft, *Role-assignable groups* (16 March 2026), *Restricted management \
administrative units* (4 March 2026)."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        if let Some(finding) = nobody(self, case).or_else(|| scope::no_policies(self, case)) {
            return vec![finding];
        }
        let (candidates, _) = scope::policies(case);
        let groups = ExcludedGroups::of(case, &candidates);
        let mut keys: Vec<ObjectKey> = Vec::new();
        for group in groups.carrying(&candidates).iter().filter_map(|id| groups.group(id)) {
            let new = group.reach.groups.iter().filter(|key| !keys.contains(key));
            keys.extend(new.copied().collect::<Vec<ObjectKey>>());
        }
        if keys.is_empty() {
            return vec![no_group(self, groups.doubt(case, &candidates))];
        }
        keys.into_iter().map(|key| self.judge(case, key)).collect()
    }
}

impl GroupProtected {
    fn judge(&self, case: &Case<'_>, key: ObjectKey) -> Finding {
        let name = case.snapshot.name(key);
        let assignable = match case.snapshot.group(key).map(|group| &group.is_assignable_to_role) {
            None | Some(Property::Absent) => Trit::Unknown,
            Some(Property::Null) => Trit::No,
            Some(Property::Value(flag)) => (*flag).into(),
        };
        let found = match (assignable, is_restricted(case, key)) {
            (Trit::Yes, Trit::Yes) => {
                let message = format!(
                    "Group `{name}` is role-assignable and lies in a restricted management administrative unit: \
                     together they freeze its membership, and an emergency account can neither be added nor removed."
                );
                let fix = "Take the group out of the restricted management administrative unit.";
                finding(self, Status::Fail, message).fixed_by(Fix::text(fix))
            }
            (Trit::No, Trit::No) => {
                let message = format!(
                    "Group `{name}` is neither role-assignable nor in a restricted management administrative unit: \
                     whoever may edit groups can exempt anyone from the policies, or take the exclusion away."
                );
                let fix = "Create a role-assignable group with the emergency accounts, exclude it in every policy and \
                           then delete this one; or move this one into a restricted management administrative unit.";
                finding(self, Status::Fail, message).fixed_by(Fix::text(fix))
            }
            (Trit::Yes, Trit::No) => {
                let message = format!("Group `{name}` is role-assignable.{}", self.applications(case));
                finding(self, Status::Pass, message)
            }
            (Trit::No, Trit::Yes) => {
                let administrators = self.administrators(case, key);
                let message =
                    format!("Group `{name}` lies in a restricted management administrative unit.{administrators}");
                finding(self, Status::Pass, message)
            }
            (Trit::Unknown, _) => {
                let why = "`isAssignableToRole` is not in the export (select it)";
                finding(self, Status::Unknown, format!("Whether group `{name}` is protected cannot be told: {why}."))
            }
            (_, Trit::Unknown) => {
                let message = format!(
                    "Whether group `{name}` is protected in one way and not in both cannot be told: neither \
                     `isManagementRestricted` of the group nor all administrative units with their members are in the \
                     snapshot."
                );
                finding(self, Status::Unknown, message)
            }
        };
        found.about(vec![case.group(key)])
    }

    /// A sentence about the applications that can edit a role-assignable group.
    fn applications(&self, case: &Case<'_>) -> String {
        let grants = grants(case);
        let able = grants.found.iter().filter(|(_, permission)| *permission == ROLE_MANAGEMENT);
        let able: Vec<&str> = able.map(|(application, _)| application.name.as_str()).collect();
        match able.len() {
            0 => String::new(),
            count => format!(
                " {} can change its members: {}.",
                scope::counted(count, "application", "applications"),
                names(able.into_iter())
            ),
        }
    }

    /// A sentence about who holds a role over the restricted units that the group lies in.
    fn administrators(&self, case: &Case<'_>, group: ObjectKey) -> String {
        let snapshot = case.snapshot;
        let units = snapshot.restricted_units_of(group);
        let scopes: Vec<String> =
            units.map(|unit| format!("/administrativeUnits/{}", snapshot.objects.id(unit.key))).collect();
        let active = [&snapshot.role_assignments, &snapshot.role_assignment_schedule_instances];
        let holders = active.into_iter().flat_map(|list| list.items()).filter(|assignment| {
            assignment.is_current(case.now)
                && assignment.directory_scope_id.value().is_some_and(|scope| scopes.contains(scope))
        });
        let holders: BTreeSet<&str> = holders
            .map(|assignment| {
                let id = assignment.principal_id.as_str();
                snapshot.objects.find(id).map_or(id, |key| snapshot.name(key))
            })
            .collect();
        match holders.len() {
            0 => String::new(),
            count => format!(
                " {} a role over the unit and may be able to change its members: {}.",
                scope::counted(count, "principal holds", "principals hold"),
                names(holders.into_iter())
            ),
        }
    }
}

/// Whether a group lies in a restricted management administrative unit.
fn is_restricted(case: &Case<'_>, key: ObjectKey) -> Trit {
    let snapshot = case.snapshot;
    let units = &snapshot.administrative_units;
    let is_open = |flag: &Property<bool>| matches!(flag, Property::Value(false) | Property::Null);
    let closed = units.items().iter().filter(|unit| !is_open(&unit.is_member_management_restricted));
    let mut truth = if units.is_complete() { Trit::No } else { Trit::Unknown };
    for unit in closed {
        let has_group = unit.members.as_ref().map(|members| members.iter().any(|member| member.key == key));
        let is_restricted: Trit = unit.is_member_management_restricted.value().copied().into();
        truth = truth.or(is_restricted.and(has_group.into()));
    }
    match snapshot.group(key).map(|group| &group.is_management_restricted) {
        Some(Property::Value(true)) => Trit::Yes,
        Some(Property::Value(false) | Property::Null) if truth != Trit::Yes => Trit::No,
        _ => truth,
    }
}
