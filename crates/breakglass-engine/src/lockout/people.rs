//! Who holds which role, active or eligible; what an activation asks; who can reset whom.
//!
//! **Source:** `docs/concepts/lockout.md`, sections 6 and 7; the role management policy rules; the table of who can
//! reset passwords.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_model::object::ObjectKey;
use breakglass_model::property::Property;
use breakglass_model::role::{RoleAssignment, management_rules};
use breakglass_model::snapshot::{ObjectRow, Snapshot, because};
use breakglass_model::tenant::GraphObject;
use breakglass_model::well_known::{GLOBAL_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR};
use jiff::Timestamp;
use serde_json::Value;

use super::settings::Supposed;
use crate::access::membership::Reach;
use crate::access::scope::ActiveRoles;
use crate::access::{Access, Trit};

/// Authentication Administrator.
pub(super) const AUTHENTICATION_ADMINISTRATOR: &str = "c4e39bd9-1100-46d3-8c65-fb160da0071f";
/// Helpdesk Administrator.
pub(super) const HELPDESK_ADMINISTRATOR: &str = "729827e3-9c14-49f7-bb1b-9608f156bbb8";
/// Password Administrator.
pub(super) const PASSWORD_ADMINISTRATOR: &str = "966707d0-3269-4727-9be2-8c3a10f19b9d";
/// User Administrator.
pub(super) const USER_ADMINISTRATOR: &str = "fe930be7-5e62-47db-91af-98c3a49a38b1";

/// Roles that protect their holders from nobody: Directory Readers, Guest Inviter, Message Center Reader, Reports
/// Reader, Usage Summary Reports Reader.
const HARMLESS_ROLES: [&str; 5] = [
    "88d8e3e3-8f55-4a1e-953a-9b9898b8876b",
    "95e79109-95c0-4d8e-aee3-d01accf2d47b",
    "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b",
    "4a5d8f65-41da-4de4-8968-e035b65339cf",
    "75934031-6c7e-415a-99d7-48dbd49e875e",
];

/// How a role is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Held {
    /// It has to be activated.
    Eligible,
    /// It is active.
    Active,
}

/// How well somebody is protected from resets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Protection {
    /// No role that matters.
    None,
    /// Helpdesk or User Administrator only.
    Some,
    /// Any other role, or a role-assignable group.
    Full,
}

impl Protection {
    /// Roles that can give somebody a new password.
    pub(super) fn password_roles(self) -> &'static [&'static str] {
        match self {
            Self::None => &[
                GLOBAL_ADMINISTRATOR,
                PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,
                USER_ADMINISTRATOR,
                HELPDESK_ADMINISTRATOR,
                PASSWORD_ADMINISTRATOR,
                AUTHENTICATION_ADMINISTRATOR,
            ],
            Self::Some => &[GLOBAL_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR, USER_ADMINISTRATOR],
            Self::Full => &[GLOBAL_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR],
        }
    }

    /// Roles that can give somebody a temporary access pass.
    pub(super) fn pass_roles(self) -> &'static [&'static str] {
        match self {
            Self::None => {
                &[GLOBAL_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR, AUTHENTICATION_ADMINISTRATOR]
            }
            Self::Some | Self::Full => &[GLOBAL_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR],
        }
    }
}

/// What activating a role asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Activation {
    /// Multifactor authentication.
    pub(super) mfa: Trit,
    /// An authentication context; `Err` where that is not known.
    pub(super) context: Result<Option<String>, String>,
    /// Stages of approval, each with its approvers; `Err` where they are not known.
    pub(super) stages: Result<Vec<Stage>, String>,
}

/// One stage of approval.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stage {
    /// Users who can approve.
    pub(super) approvers: BTreeSet<ObjectKey>,
    /// Why there may be others.
    pub(super) doubt: Option<String>,
}

/// Everybody who holds a role, and how.
#[derive(Debug, Default)]
pub(super) struct People {
    /// Per role template, its holders.
    holders: BTreeMap<String, BTreeMap<ObjectKey, Held>>,
    /// Per user with any role of any scope, or in a role-assignable group, the protection.
    protected: BTreeMap<ObjectKey, Protection>,
    /// Facts that were not known.
    pub(super) unknowns: BTreeSet<String>,
}

impl People {
    /// Reads the roles at an instant.
    pub(super) fn of(access: &Access<'_>, supposed: &Supposed, now: Timestamp) -> Self {
        let snapshot = access.snapshot();
        let roles = access.classes().roles();
        let mut people = Self::default();
        people.unknowns.extend(roles.unknown().map(str::to_owned));
        for (template, principals) in roles.all() {
            for principal in principals {
                people.hold(snapshot, template, *principal, Held::Active);
            }
        }
        let eligible = &snapshot.role_eligibility_schedule_instances;
        for one in eligible.items().iter().filter(|one| one.is_tenant_wide() && one.is_current(now)) {
            if let Some(principal) = snapshot.objects.find(one.principal_id.as_str()) {
                let template = roles.template(one.role_definition_id.as_str()).to_owned();
                people.hold(snapshot, &template, principal, Held::Eligible);
            }
        }
        if let Some(why) = eligible.why() {
            people.unknowns.insert(format!(
                "who is eligible for a role: `roleEligibilityScheduleInstances` are not all there{}",
                because(why)
            ));
        }
        for (user, template) in &supposed.active {
            people.hold(snapshot, template, *user, Held::Active);
        }
        people.protect(snapshot, roles);
        people
    }

    fn hold(&mut self, snapshot: &Snapshot, template: &str, principal: ObjectKey, held: Held) {
        let reach = principals_of(snapshot, principal);
        self.unknowns.extend(reach.unknown);
        let holders = self.holders.entry(template.to_owned()).or_default();
        for user in reach.users {
            let known = holders.entry(user).or_insert(held);
            *known = (*known).max(held);
        }
    }

    fn protect(&mut self, snapshot: &Snapshot, roles: &ActiveRoles<'_>) {
        let lists = [
            snapshot.role_assignments.items(),
            snapshot.role_assignment_schedule_instances.items(),
            snapshot.role_eligibility_schedule_instances.items(),
        ];
        let assigned = |one: &RoleAssignment| -> Option<(ObjectKey, Protection)> {
            let protection = match roles.template(one.role_definition_id.as_str()) {
                role if HARMLESS_ROLES.contains(&role) => return None,
                HELPDESK_ADMINISTRATOR | USER_ADMINISTRATOR => Protection::Some,
                _ => Protection::Full,
            };
            Some((snapshot.objects.find(one.principal_id.as_str())?, protection))
        };
        let mut found: Vec<(ObjectKey, Protection)> = lists.into_iter().flatten().filter_map(assigned).collect();
        for group in snapshot.groups.items() {
            if group.is_assignable_to_role.value() == Some(&true) {
                found.push((group.key, Protection::Full));
                let owners = group.owners.iter().flat_map(|owners| owners.iter());
                found.extend(owners.map(|owner| (owner.key, Protection::Full)));
            }
        }
        for (principal, protection) in found {
            for user in principals_of(snapshot, principal).users {
                let known = self.protected.entry(user).or_insert(protection);
                *known = (*known).max(protection);
            }
        }
    }

    /// Who holds a role, and how.
    pub(super) fn holders(&self, template: &str) -> impl Iterator<Item = (ObjectKey, Held)> + '_ {
        self.holders.get(template).into_iter().flatten().map(|(user, held)| (*user, *held))
    }

    /// How somebody holds a role.
    pub(super) fn held(&self, user: ObjectKey, template: &str) -> Option<Held> {
        self.holders.get(template)?.get(&user).copied()
    }

    /// How well somebody is protected from resets.
    pub(super) fn protection(&self, user: ObjectKey) -> Protection {
        self.protected.get(&user).copied().unwrap_or(Protection::None)
    }
}

/// A principal, or everybody in it.
fn principals_of(snapshot: &Snapshot, principal: ObjectKey) -> Reach {
    match snapshot.row(principal) {
        ObjectRow::Group(_) => Reach::of_group(snapshot, principal),
        ObjectRow::User(_) => Reach { users: vec![principal], ..Reach::default() },
        ObjectRow::Unlisted => {
            let id = snapshot.objects.id(principal);
            let why = (!snapshot.users.is_complete() || !snapshot.groups.is_complete())
                .then(|| format!("`{id}` holds a role and is not in the snapshot"));
            Reach { unknown: why, ..Reach::default() }
        }
        ObjectRow::ServicePrincipal(_) | ObjectRow::AdministrativeUnit(_) => Reach::default(),
    }
}

/// Whether somebody lies in a restricted management administrative unit, so that nobody can reset it.
pub(super) fn is_restricted(snapshot: &Snapshot, user: ObjectKey) -> Trit {
    let said = snapshot.user(user).map(|user| &user.detail().is_management_restricted);
    if let Some(Property::Value(is_restricted)) = said {
        return (*is_restricted).into();
    }
    let units = &snapshot.administrative_units;
    let each = units.items().iter().map(|unit| {
        let is_member = match &unit.members {
            Some(members) => members.iter().any(|member| member.key == user).into(),
            None => Trit::Unknown,
        };
        let is_restricted = match &unit.is_member_management_restricted {
            Property::Value(is_restricted) => (*is_restricted).into(),
            Property::Null => Trit::No,
            Property::Absent => Trit::Unknown,
        };
        is_member.and(is_restricted)
    });
    let otherwise = if units.is_complete() { Trit::No } else { Trit::Unknown };
    each.max().unwrap_or(Trit::No).or(otherwise)
}

/// What activating a role asks; `Err` where no rules of it are in the snapshot.
pub(super) fn activation(snapshot: &Snapshot, roles: &ActiveRoles<'_>, template: &str) -> Result<Activation, String> {
    let policies = &snapshot.role_management_policies;
    let is_of_role =
        |policy: &&GraphObject| policy.text("roleDefinitionId").is_some_and(|id| roles.template(id) == template);
    let Some(policy) = policies.items().iter().find(is_of_role) else {
        return Err(format!(
            "`roleManagementPolicies` have none for it{}",
            because(policies.why().unwrap_or_default())
        ));
    };
    let rules = management_rules(policy).ok_or("the rules of its activation are not in the export")?;
    let rule = |id: &str| rules.iter().find(|rule| rule.get("id").and_then(Value::as_str) == Some(id));
    let enabled = rule("Enablement_EndUser_Assignment").and_then(|rule| rule.get("enabledRules"));
    let mfa = match enabled {
        Some(Value::Null) => Trit::No,
        Some(Value::Array(names)) => names.iter().any(|name| name == "MultiFactorAuthentication").into(),
        _ => Trit::Unknown,
    };
    let context = match rule("AuthenticationContext_EndUser_Assignment") {
        None => Err("whether it asks for an authentication context is not in the export".to_owned()),
        Some(rule) => match (rule.get("isEnabled").and_then(Value::as_bool), rule.get("claimValue")) {
            (Some(false), _) => Ok(None),
            (Some(true), Some(Value::String(claim))) => Ok(Some(claim.clone())),
            _ => Err("which authentication context it asks for is not in the export".to_owned()),
        },
    };
    let stages = match rule("Approval_EndUser_Assignment").and_then(|rule| rule.get("setting")) {
        None => Err("whether it has to be approved is not in the export".to_owned()),
        Some(setting) => stages(snapshot, setting),
    };
    Ok(Activation { mfa, context, stages })
}

fn stages(snapshot: &Snapshot, setting: &Value) -> Result<Vec<Stage>, String> {
    match setting.get("isApprovalRequired").and_then(Value::as_bool) {
        Some(false) => return Ok(Vec::new()),
        Some(true) => {}
        None => return Err("whether it has to be approved is not in the export".to_owned()),
    }
    let written = setting.get("approvalStages").ok_or("the stages of its approval are not in the export")?;
    let stages: Vec<Stage> = written.as_array().into_iter().flatten().map(|stage| approvers(snapshot, stage)).collect();
    // An approval without a stage is one that nobody gives.
    Ok(if stages.is_empty() { vec![Stage::default()] } else { stages })
}

fn approvers(snapshot: &Snapshot, stage: &Value) -> Stage {
    let mut found = Stage::default();
    let Some(named) = stage.get("primaryApprovers") else {
        found.doubt = Some("the approvers of a stage are not in the export".to_owned());
        return found;
    };
    for one in named.as_array().into_iter().flatten() {
        let id = ["userId", "groupId", "id"].iter().find_map(|name| one.get(*name)?.as_str());
        match id.and_then(|id| snapshot.objects.find(id)) {
            Some(key) => {
                let reach = principals_of(snapshot, key);
                found.approvers.extend(reach.users);
                found.doubt = found.doubt.or(reach.unknown);
            }
            None if snapshot.users.is_complete() && snapshot.groups.is_complete() => {}
            None => found.doubt = Some(format!("the approver `{}` is not in the snapshot", id.unwrap_or_default())),
        }
    }
    found
}
