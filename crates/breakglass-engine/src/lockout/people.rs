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
use breakglass_model::well_known::{
    ADMINISTRATOR_ROLES, CONDITIONAL_ACCESS_ADMINISTRATOR, GLOBAL_ADMINISTRATOR,
    PRIVILEGED_AUTHENTICATION_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR, SECURITY_ADMINISTRATOR,
};
use serde_json::Value;

use super::settings::{Mode, Supposed};
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
pub(super) const HARMLESS_ROLES: [&str; 5] = [
    "88d8e3e3-8f55-4a1e-953a-9b9898b8876b",
    "95e79109-95c0-4d8e-aee3-d01accf2d47b",
    "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b",
    "4a5d8f65-41da-4de4-8968-e035b65339cf",
    "75934031-6c7e-415a-99d7-48dbd49e875e",
];

/// How a role is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Held {
    /// It has to be activated.
    Eligible,
    /// It is active.
    Active,
}

/// How well somebody is protected from resets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// Why anybody else may be one.
    pub(super) doubt: Option<String>,
    /// Whether it names nobody.
    pub(super) is_empty: bool,
    /// Whether the export does not say who approves.
    pub(super) is_not_exported: bool,
}

/// Everybody who holds a role, and how, as the mode counts it.
#[derive(Debug)]
pub(super) struct People {
    /// Per role template, its holders.
    holders: BTreeMap<String, BTreeMap<ObjectKey, Held>>,
    /// Per user with a role of any scope, or in a role-assignable group, the protection.
    protected: BTreeMap<ObjectKey, Protection>,
    /// The protection of everybody else.
    floor: Protection,
    /// Who counts as an administrator where that is a hindrance.
    administrators: BTreeSet<ObjectKey>,
    /// Whether everybody else does, too.
    is_everybody_administrator: bool,
    /// Whether there are more users who may be meant than were looked at.
    pub(super) are_more_possible: bool,
    /// Facts that were not known.
    pub(super) unknowns: BTreeSet<String>,
}

/// Roles that the analysis asks about.
pub(super) const ROLES: [&str; 9] = [
    GLOBAL_ADMINISTRATOR,
    PRIVILEGED_ROLE_ADMINISTRATOR,
    PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,
    SECURITY_ADMINISTRATOR,
    CONDITIONAL_ACCESS_ADMINISTRATOR,
    AUTHENTICATION_ADMINISTRATOR,
    HELPDESK_ADMINISTRATOR,
    PASSWORD_ADMINISTRATOR,
    USER_ADMINISTRATOR,
];

/// Whether the export does not say until when, or as what, an assignment holds.
fn is_undated(assignment: &RoleAssignment) -> bool {
    assignment.end_date_time.is_absent() && assignment.assignment_type.is_none()
}

/// Who can activate which role, where it is not told which plain assignments are activations: Graph lists those of a
/// few hours among `roleAssignments`, without their end.
#[derive(Default)]
struct Activatable(BTreeMap<String, Vec<Reach>>);

impl Activatable {
    fn of(access: &Access<'_>) -> Self {
        let snapshot = access.snapshot();
        let mut found = Self::default();
        if snapshot.role_assignment_schedule_instances.is_complete() {
            return found;
        }
        let eligible = snapshot.role_eligibility_schedule_instances.items().iter();
        for one in eligible.filter(|one| one.is_current(access.settings().now) && is_whole_tenant(one) != Trit::No) {
            let template = access.classes().roles().template(one.role_definition_id.as_str()).to_owned();
            found.0.entry(template).or_default().push(principals_of(snapshot, one.principal_id.as_str()));
        }
        found
    }

    fn by(&self, template: &str) -> &[Reach] {
        self.0.get(template).map_or(&[], Vec::as_slice)
    }
}

/// Users of whom it is looked at whether they possibly hold a role that lists which are not there would name. Where
/// there are more, what is possible has no bound.
const POSSIBLE_HOLDER_COUNT_MAX: usize = 1_000;

impl People {
    /// Reads the roles at an instant.
    pub(super) fn of(access: &Access<'_>, supposed: &Supposed, mode: Mode) -> Self {
        let snapshot = access.snapshot();
        let now = access.settings().now;
        let roles = access.classes().roles();
        let mut people = Self {
            holders: BTreeMap::new(),
            protected: BTreeMap::new(),
            floor: Protection::None,
            administrators: BTreeSet::new(),
            is_everybody_administrator: false,
            are_more_possible: false,
            unknowns: BTreeSet::new(),
        };
        let [active, eligible] = people.lists(snapshot);
        let activatable = match mode {
            Mode::Promised => Activatable::of(access),
            Mode::Possible => Activatable::default(),
        };
        for (assignments, held) in [
            (snapshot.role_assignments.items(), Held::Active),
            (snapshot.role_assignment_schedule_instances.items(), Held::Active),
            (snapshot.role_eligibility_schedule_instances.items(), Held::Eligible),
        ] {
            for assignment in assignments.iter().filter(|one| one.is_current(now)) {
                let template = roles.template(assignment.role_definition_id.as_str());
                if ROLES.contains(&template) {
                    let is_whole = is_whole_tenant(assignment);
                    if is_whole == Trit::Unknown {
                        people.unknowns.insert("`directoryScopeId` of a role assignment is not exported".to_owned());
                    }
                    if mode.takes(is_whole) {
                        let principal = assignment.principal_id.as_str();
                        let may_be_activated = held == Held::Active && is_undated(assignment);
                        let but = if may_be_activated { activatable.by(template) } else { &[] };
                        people.hold(snapshot, (template, principal), (held, but), mode);
                    }
                }
            }
        }
        if mode == Mode::Possible {
            for (is_missing, held) in [(active, Held::Active), (eligible, Held::Eligible)] {
                if is_missing {
                    ROLES.iter().for_each(|role| people.everybody_holds(snapshot, role, held));
                }
            }
        }
        people.protect(access, mode, active || eligible);
        people.find_administrators(access, mode, active);
        // Whoever is eligible is protected from resets already.
        for (user, template) in &supposed.active {
            people.holders.entry(template.clone()).or_default().insert(*user, Held::Active);
            if ADMINISTRATOR_ROLES.contains(&template.as_str()) {
                people.administrators.insert(*user);
            }
        }
        people
    }

    /// Who actively holds one of the roles that security defaults treat as administrators: whoever may, where it is
    /// promised, and whoever does for sure, where it is possible.
    fn find_administrators(&mut self, access: &Access<'_>, mode: Mode, is_list_missing: bool) {
        let snapshot = access.snapshot();
        let is_feared = mode == Mode::Promised;
        self.is_everybody_administrator = is_feared && is_list_missing;
        let assignments =
            snapshot.role_assignments.items().iter().chain(snapshot.role_assignment_schedule_instances.items());
        for assignment in assignments.filter(|one| one.is_current(access.settings().now)) {
            let template = access.classes().roles().template(assignment.role_definition_id.as_str());
            let is_whole = is_whole_tenant(assignment);
            if !ADMINISTRATOR_ROLES.contains(&template) || mode.takes(is_whole.negated()) {
                continue;
            }
            let reach = principals_of(snapshot, assignment.principal_id.as_str());
            self.administrators.extend(reach.users);
            self.is_everybody_administrator |= is_feared && reach.unknown.is_some();
        }
    }

    /// Whether somebody counts as an administrator where that is a hindrance.
    pub(super) fn is_administrator(&self, user: ObjectKey) -> bool {
        self.is_everybody_administrator || self.administrators.contains(&user)
    }

    /// Whether the lists of active roles, and of eligible ones, may name somebody who is not in them.
    fn lists(&mut self, snapshot: &Snapshot) -> [bool; 2] {
        let plain = snapshot.role_assignments.why();
        let scheduled = snapshot.role_assignment_schedule_instances.why();
        if let (Some(why), Some(_)) = (plain, scheduled) {
            self.unknowns.insert(format!("who holds a role: `roleAssignments` are not all there{}", because(why)));
        }
        if let Some(why) = snapshot.users.why() {
            self.unknowns.insert(format!("who else holds a role: `users` are not all there{}", because(why)));
        }
        let eligible = snapshot.role_eligibility_schedule_instances.why();
        if let Some(why) = eligible {
            let list = "`roleEligibilityScheduleInstances` are not all there";
            self.unknowns.insert(format!("who is eligible for a role: {list}{}", because(why)));
        }
        [plain.is_some() && scheduled.is_some(), eligible.is_some()]
    }

    /// Notes who holds a role through a principal; whoever may have activated it only, `but`, is left out.
    fn hold(
        &mut self,
        snapshot: &Snapshot,
        (template, principal): (&str, &str),
        (held, but): (Held, &[Reach]),
        mode: Mode,
    ) {
        let reach = principals_of(snapshot, principal);
        let holders = self.holders.entry(template.to_owned()).or_default();
        for user in reach.users {
            if but.iter().any(|reach| reach.users.contains(&user) || reach.unknown.is_some()) {
                self.unknowns.insert(format!(
                    "whether `{}` holds a role permanently or has activated it: `roleAssignmentScheduleInstances` are \
                     not all there",
                    snapshot.name(user)
                ));
                continue;
            }
            let known = holders.entry(user).or_insert(held);
            *known = (*known).max(held);
        }
        if let Some(why) = reach.unknown {
            self.unknowns.insert(why);
            if mode == Mode::Possible {
                self.everybody_holds(snapshot, template, held);
            }
        }
    }

    fn everybody_holds(&mut self, snapshot: &Snapshot, template: &str, held: Held) {
        let holders = self.holders.entry(template.to_owned()).or_default();
        for user in everybody(snapshot) {
            let known = holders.entry(user).or_insert(held);
            *known = (*known).max(held);
        }
        self.are_more_possible |= are_more(snapshot);
    }

    fn protect(&mut self, access: &Access<'_>, mode: Mode, is_list_missing: bool) {
        let snapshot = access.snapshot();
        let roles = access.classes().roles();
        let now = access.settings().now;
        let is_feared = mode == Mode::Promised;
        if is_feared && (is_list_missing || !snapshot.groups.is_complete()) {
            self.floor = Protection::Full;
        }
        let lists = [
            snapshot.role_assignments.items(),
            snapshot.role_assignment_schedule_instances.items(),
            snapshot.role_eligibility_schedule_instances.items(),
        ];
        for assignment in lists.into_iter().flatten().filter(|one| one.is_current(now)) {
            let protection = match roles.template(assignment.role_definition_id.as_str()) {
                role if HARMLESS_ROLES.contains(&role) => continue,
                HELPDESK_ADMINISTRATOR | USER_ADMINISTRATOR => Protection::Some,
                _ => Protection::Full,
            };
            self.raise(principals_of(snapshot, assignment.principal_id.as_str()), protection, mode);
        }
        for group in snapshot.groups.items() {
            let is_assignable = match group.is_assignable_to_role {
                Property::Value(is_assignable) => is_assignable.into(),
                Property::Null => Trit::No,
                Property::Absent => Trit::Unknown,
            };
            if is_assignable == Trit::No || (is_assignable == Trit::Unknown && !is_feared) {
                continue;
            }
            let mut reach = Reach::of_group(snapshot, group.key);
            match &group.owners {
                Some(owners) => reach.users.extend(owners.iter().map(|owner| owner.key)),
                None => {
                    let name = snapshot.name(group.key);
                    reach.unknown = reach.unknown.or(Some(format!("the owners of `{name}` are not exported")));
                }
            }
            self.raise(reach, Protection::Full, mode);
        }
    }

    fn raise(&mut self, reach: Reach, protection: Protection, mode: Mode) {
        for user in reach.users {
            let known = self.protected.entry(user).or_insert(protection);
            *known = (*known).max(protection);
        }
        if reach.unknown.is_some() && mode == Mode::Promised {
            self.floor = self.floor.max(protection);
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
        self.protected.get(&user).copied().unwrap_or(Protection::None).max(self.floor)
    }
}

/// Everybody who may be meant where it cannot be told who is, whoever is not in the snapshot among them.
pub(super) fn everybody(snapshot: &Snapshot) -> impl Iterator<Item = ObjectKey> + '_ {
    let listed = snapshot.users.items().iter().take(POSSIBLE_HOLDER_COUNT_MAX).map(|user| user.key);
    listed.chain(snapshot.somebody_else())
}

/// Whether there are more users than [`everybody`] has.
pub(super) fn are_more(snapshot: &Snapshot) -> bool {
    snapshot.users.items().len() > POSSIBLE_HOLDER_COUNT_MAX
}

/// Whether an assignment is for the whole tenant.
pub(super) fn is_whole_tenant(assignment: &RoleAssignment) -> Trit {
    if !assignment.is_tenant_wide() {
        return Trit::No;
    }
    if assignment.directory_scope_id.is_absent() { Trit::Unknown } else { Trit::Yes }
}

/// A principal, or everybody in it.
pub(super) fn principals_of(snapshot: &Snapshot, id: &str) -> Reach {
    let key = snapshot.objects.find(id);
    match key.map(|key| (key, snapshot.row(key))) {
        Some((key, ObjectRow::Group(_))) => Reach::of_group(snapshot, key),
        Some((key, ObjectRow::User(_))) => Reach { users: vec![key], ..Reach::default() },
        Some((_, ObjectRow::ServicePrincipal(_) | ObjectRow::AdministrativeUnit(_))) => Reach::default(),
        Some((_, ObjectRow::Unlisted)) | None => {
            let why = snapshot.groups.why();
            let why = why.map(|why| format!("`{id}` may be a group that is not in the snapshot{}", because(why)));
            Reach { unknown: why, ..Reach::default() }
        }
    }
}

/// Whether somebody lies in a restricted management administrative unit, so that nobody can reset it.
pub(super) fn is_restricted(snapshot: &Snapshot, user: ObjectKey) -> Trit {
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
    let listed = each.max().unwrap_or(Trit::No);
    match snapshot.user(user).map(|user| &user.detail().is_management_restricted) {
        Some(Property::Value(true)) => Trit::Yes,
        // A unit says that it is, and the user that it is not: one of them is out of date.
        Some(Property::Value(false) | Property::Null) if listed == Trit::Yes => Trit::Unknown,
        Some(Property::Value(false) | Property::Null) => Trit::No,
        Some(Property::Absent) | None => listed.or(if units.is_complete() { Trit::No } else { Trit::Unknown }),
    }
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
    let rule = |id: &str, kind: &str| {
        rules.iter().find(|rule| {
            let text = |name: &str| rule.get(name).and_then(Value::as_str).unwrap_or_default();
            text("id") == id || (text("id").is_empty() && text("@odata.type").ends_with(kind))
        })
    };
    let enabled = rule("Enablement_EndUser_Assignment", "EnablementRule").and_then(|rule| rule.get("enabledRules"));
    let mfa = match enabled {
        Some(Value::Null) => Trit::No,
        Some(Value::Array(names)) if names.iter().all(is_known_demand) => {
            names.iter().any(|name| name == "MultiFactorAuthentication").into()
        }
        _ => Trit::Unknown,
    };
    let context = match rule("AuthenticationContext_EndUser_Assignment", "AuthenticationContextRule") {
        None => Err("whether it asks for an authentication context is not in the export".to_owned()),
        Some(rule) => match (rule.get("isEnabled").and_then(Value::as_bool), rule.get("claimValue")) {
            (Some(false), _) => Ok(None),
            (Some(true), Some(Value::String(claim))) if !claim.is_empty() => Ok(Some(claim.clone())),
            _ => Err("which authentication context it asks for is not in the export".to_owned()),
        },
    };
    let stages = match rule("Approval_EndUser_Assignment", "ApprovalRule").and_then(|rule| rule.get("setting")) {
        None => Err("whether it has to be approved is not in the export".to_owned()),
        Some(setting) => stages(snapshot, setting),
    };
    Ok(Activation { mfa, context, stages })
}

/// Whether a demand of the enablement rule is one that this version knows.
fn is_known_demand(name: &Value) -> bool {
    matches!(name.as_str(), Some("MultiFactorAuthentication" | "Justification" | "Ticketing"))
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
    Ok(if stages.is_empty() { vec![Stage { is_empty: true, ..Stage::default() }] } else { stages })
}

fn approvers(snapshot: &Snapshot, stage: &Value) -> Stage {
    let mut found = Stage::default();
    let Some(named) = stage.get("primaryApprovers") else {
        found.is_not_exported = true;
        return found;
    };
    let named = named.as_array().map_or(&[][..], Vec::as_slice);
    found.is_empty = named.is_empty();
    for one in named {
        match ["userId", "groupId", "id"].iter().find_map(|name| one.get(*name)?.as_str()) {
            Some(id) => {
                let reach = principals_of(snapshot, id);
                found.approvers.extend(reach.users);
                found.doubt = found.doubt.or(reach.unknown);
            }
            None => found.doubt = Some("an approver without an id".to_owned()),
        }
    }
    found
}
