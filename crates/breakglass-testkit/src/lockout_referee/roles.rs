//! Who holds which role, who can activate it how, and who resets whom.

#![expect(
    clippy::indexing_slicing,
    reason = "people, tools, devices, points and facts are numbered by the tables they lie in"
)]

use breakglass_model::property::Property;
use breakglass_model::role::RoleAssignment;
use breakglass_model::snapshot::Snapshot;
use serde_json::Value;

use super::{Goal, LockoutReferee, Mode, Surface};
use crate::referee::Answer;

pub(super) const GLOBAL: &str = "62e90394-69f5-4237-9190-012177145e10";
pub(super) const PRIVILEGED_ROLE: &str = "e8611ab8-c189-46e8-94e1-60213ab1f814";
const PRIVILEGED_AUTHENTICATION: &str = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13";
const SECURITY: &str = "194ae4cb-b126-40b2-bd5b-6091b380977d";
const CONDITIONAL_ACCESS: &str = "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9";
const USER: &str = "fe930be7-5e62-47db-91af-98c3a49a38b1";
const HELPDESK: &str = "729827e3-9c14-49f7-bb1b-9608f156bbb8";
const PASSWORD: &str = "966707d0-3269-4727-9be2-8c3a10f19b9d";
const AUTHENTICATION: &str = "c4e39bd9-1100-46d3-8c65-fb160da0071f";

/// Roles that protect nobody: Directory Readers, Guest Inviter, Message Center Reader, Reports Reader, Usage Summary
/// Reports Reader.
const HARMLESS: [&str; 5] = [
    "88d8e3e3-8f55-4a1e-953a-9b9898b8876b",
    "95e79109-95c0-4d8e-aee3-d01accf2d47b",
    "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b",
    "4a5d8f65-41da-4de4-8968-e035b65339cf",
    "75934031-6c7e-415a-99d7-48dbd49e875e",
];

/// The roles of the last step.
pub(super) fn goal_roles(goal: Goal, surface: Option<Surface>) -> &'static [&'static str] {
    match (goal, surface) {
        (_, Some(Surface::Azure)) => &[GLOBAL],
        (Goal::FullRepair | Goal::AssignGa, _) => &[GLOBAL, PRIVILEGED_ROLE],
        (Goal::ResetAdmin, _) => &[GLOBAL, PRIVILEGED_ROLE, PRIVILEGED_AUTHENTICATION],
        (Goal::EditCa, _) => &[GLOBAL, PRIVILEGED_ROLE, SECURITY, CONDITIONAL_ACCESS],
    }
}

/// What the activation of a role needs besides the service.
#[derive(Debug, Default)]
pub(super) struct Activation {
    pub(super) wants_multifactor: bool,
    pub(super) context: Option<String>,
    /// Per stage, who can approve.
    pub(super) stages: Vec<Vec<usize>>,
}

/// How well somebody is protected from resets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Protection {
    Nobody,
    HelpDesk,
    Administrator,
}

impl LockoutReferee<'_> {
    /// Whether an assignment is of this role, current, and for the whole tenant, and of this person.
    fn gives(&self, assignment: &RoleAssignment, role: &str, person: usize) -> Answer {
        let referee = self.referee();
        if !referee.means_role(assignment.role_definition_id.as_str(), role) || !referee.is_current(assignment) {
            return Answer::No;
        }
        self.is_whole_tenant(assignment).and(self.is_of(assignment, person))
    }

    fn is_whole_tenant(&self, assignment: &RoleAssignment) -> Answer {
        let by_app = assignment.rest.get("appScopeId").is_none_or(|scope| scope.is_null() || scope == "/");
        let by_directory = match &assignment.directory_scope_id {
            Property::Absent => Answer::Unknown,
            Property::Null => Answer::Yes,
            Property::Value(scope) => Answer::of(scope == "/"),
        };
        by_directory.and(Answer::of(by_app))
    }

    fn is_of(&self, assignment: &RoleAssignment, person: usize) -> Answer {
        let person = &self.people[person];
        self.referee().is_principal(assignment.principal_id.as_str(), (person.id, Some(person.key)))
    }

    /// What it means that neither list of active roles names somebody.
    fn unlisted_active(&self) -> Answer {
        let Snapshot { role_assignments, role_assignment_schedule_instances, .. } = self.snapshot;
        Answer::of_absence(role_assignments.get()).and(Answer::of_absence(role_assignment_schedule_instances.get()))
    }

    fn active(&self) -> impl Iterator<Item = &RoleAssignment> {
        let Snapshot { role_assignments, role_assignment_schedule_instances, .. } = self.snapshot;
        role_assignments.items().iter().chain(role_assignment_schedule_instances.items())
    }

    /// Whether somebody holds a role actively.
    pub(super) fn holds(&self, person: usize, role: &str) -> Answer {
        let listed = Answer::any(self.active().map(|assignment| self.gives(assignment, role, person)));
        listed.max(self.unlisted_active())
    }

    /// Whether somebody holds a role for longer than an activation lasts, as far as that is told.
    pub(super) fn keeps(&self, person: usize, role: &str) -> Answer {
        let Snapshot { role_assignments, role_assignment_schedule_instances: instances, .. } = self.snapshot;
        let eligibilities = self.snapshot.role_eligibility_schedule_instances.items();
        let may_activate = eligibilities.iter().any(|one| self.gives(one, role, person) != Answer::No);
        let plain = role_assignments.items().iter().map(|one| {
            let is_undated = one.end_date_time.is_absent() && one.assignment_type.is_none();
            let gives = self.gives(one, role, person);
            if is_undated && instances.get().is_err() && may_activate { gives.and(Answer::Unknown) } else { gives }
        });
        let dated = instances.items().iter().map(|one| self.gives(one, role, person));
        Answer::any(plain.chain(dated)).max(self.unlisted_active())
    }

    /// Whether somebody can activate a role.
    pub(super) fn is_eligible(&self, person: usize, role: &str) -> Answer {
        let list = &self.snapshot.role_eligibility_schedule_instances;
        let listed = Answer::any(list.items().iter().map(|one| self.gives(one, role, person)));
        listed.max(Answer::of_absence(list.get()))
    }

    /// What the activation of a role needs; `None` where it cannot be had.
    pub(super) fn activation(&self, role: &str, mode: Mode) -> Option<Activation> {
        let unknown = || (mode == Mode::Possible).then(Activation::default);
        let referee = self.referee();
        let policies = self.snapshot.role_management_policies.items();
        let policy =
            policies.iter().find(|policy| referee.means_role(policy.text("roleDefinitionId").unwrap_or(""), role));
        let places: [&[&str]; 4] =
            [&["rules"], &["effectiveRules"], &["policy", "rules"], &["policy", "effectiveRules"]];
        let rules = policy.and_then(|policy| places.iter().find_map(|place| policy.at(place)?.as_array()));
        let Some(rules) = rules else { return unknown() };
        let rule = |id: &str, kind: &str| {
            rules.iter().find(|rule| {
                let text = |name: &str| rule.get(name).and_then(Value::as_str).unwrap_or_default();
                text("id") == id || (text("id").is_empty() && text("@odata.type").ends_with(kind))
            })
        };
        let multifactor = multifactor(rule("Enablement_EndUser_Assignment", "EnablementRule"));
        let context = context(rule("AuthenticationContext_EndUser_Assignment", "AuthenticationContextRule"));
        let approval = rule("Approval_EndUser_Assignment", "ApprovalRule").and_then(|rule| rule.get("setting"));
        if mode == Mode::Promised && (multifactor.is_none() || context.is_err()) {
            return None;
        }
        let stages = self.stages(approval, mode)?;
        let context = context.ok().flatten();
        Some(Activation { wants_multifactor: multifactor == Some(true), context, stages })
    }

    /// Who approves, per stage; `None` where that cannot be promised.
    fn stages(&self, setting: Option<&Value>, mode: Mode) -> Option<Vec<Vec<usize>>> {
        let unknown = (mode == Mode::Possible).then(Vec::new);
        let Some(setting) = setting else { return unknown };
        match setting.get("isApprovalRequired").and_then(Value::as_bool) {
            None => return unknown,
            Some(false) => return Some(Vec::new()),
            Some(true) => {}
        }
        let Some(stages) = setting.get("approvalStages") else { return unknown };
        let stages = stages.as_array().map_or(&[][..], Vec::as_slice);
        if stages.is_empty() {
            return Some(vec![self.fall_back_approvers(mode)]);
        }
        let mut approvers = Vec::new();
        for stage in stages {
            match stage.get("primaryApprovers") {
                // Nobody knows who it is; it may be that nobody is asked.
                None if mode == Mode::Possible => {}
                None => return None,
                Some(named) => {
                    let named = named.as_array().map_or(&[][..], Vec::as_slice);
                    approvers.push(if named.is_empty() {
                        self.fall_back_approvers(mode)
                    } else {
                        self.everybody_who(|person| mode.has(self.is_approver(named, person)))
                    });
                }
            }
        }
        Some(approvers)
    }

    fn fall_back_approvers(&self, mode: Mode) -> Vec<usize> {
        if mode == Mode::Promised {
            return Vec::new();
        }
        self.everybody_who(|person| [GLOBAL, PRIVILEGED_ROLE].iter().any(|role| mode.has(self.keeps(person, role))))
    }

    fn everybody_who(&self, is_meant: impl Fn(usize) -> bool) -> Vec<usize> {
        (0..self.people.len()).filter(|person| is_meant(*person)).collect()
    }

    fn is_approver(&self, named: &[Value], person: usize) -> Answer {
        let person = &self.people[person];
        Answer::any(named.iter().map(|one| {
            let id = ["userId", "groupId", "id"].iter().find_map(|name| one.get(*name)?.as_str());
            id.map_or(Answer::Unknown, |id| self.referee().is_principal(id, (person.id, Some(person.key))))
        }))
    }

    /// The roles whose holders can give somebody a new password.
    pub(super) fn password_resetters(&self, person: usize, mode: Mode) -> Vec<&'static str> {
        let someone = &self.people[person];
        let is_out_of_reach = Answer::any([
            someone.is_guest,
            someone.is_synchronised,
            someone.is_federated,
            self.is_management_restricted(person),
        ]);
        if mode.fears(is_out_of_reach) {
            return Vec::new();
        }
        match self.protection(person, mode) {
            Protection::Administrator => vec![GLOBAL, PRIVILEGED_AUTHENTICATION],
            Protection::HelpDesk => vec![GLOBAL, PRIVILEGED_AUTHENTICATION, USER],
            Protection::Nobody => vec![GLOBAL, PRIVILEGED_AUTHENTICATION, USER, HELPDESK, PASSWORD, AUTHENTICATION],
        }
    }

    /// The roles whose holders can give somebody a temporary access pass.
    pub(super) fn pass_issuers(&self, person: usize, mode: Mode) -> Vec<&'static str> {
        let someone = &self.people[person];
        let is_out_of_reach =
            Answer::any([someone.is_guest, someone.is_federated, self.is_management_restricted(person)]);
        if mode.fears(is_out_of_reach) || !mode.has(self.may_use(person, "TemporaryAccessPass")) {
            return Vec::new();
        }
        match self.protection(person, mode) {
            Protection::Administrator | Protection::HelpDesk => vec![GLOBAL, PRIVILEGED_AUTHENTICATION],
            Protection::Nobody => vec![GLOBAL, PRIVILEGED_AUTHENTICATION, AUTHENTICATION],
        }
    }

    fn protection(&self, person: usize, mode: Mode) -> Protection {
        let referee = self.referee();
        let eligible = &self.snapshot.role_eligibility_schedule_instances;
        let mut is_administrator = self.unlisted_active().max(Answer::of_absence(eligible.get()));
        let mut is_help_desk = Answer::No;
        for assignment in self.active().chain(eligible.items()).filter(|one| referee.is_current(one)) {
            let named = assignment.role_definition_id.as_str();
            let is_one_of = |roles: &[&str]| roles.iter().any(|role| referee.means_role(named, role));
            let is_theirs = self.is_of(assignment, person);
            if is_one_of(&[HELPDESK, USER]) {
                is_help_desk = is_help_desk.max(is_theirs);
            } else if !is_one_of(&HARMLESS) {
                is_administrator = is_administrator.max(is_theirs);
            }
        }
        is_administrator = is_administrator.max(self.is_in_assignable_group(person));
        if mode.fears(is_administrator) {
            Protection::Administrator
        } else if mode.fears(is_help_desk) {
            Protection::HelpDesk
        } else {
            Protection::Nobody
        }
    }

    /// Whether somebody is a member or an owner of a group to which roles can be assigned.
    fn is_in_assignable_group(&self, person: usize) -> Answer {
        let key = self.people[person].key;
        let groups = self.snapshot.groups.items().iter();
        let listed = Answer::any(groups.map(|group| {
            let is_assignable = match group.is_assignable_to_role {
                Property::Absent => Answer::Unknown,
                Property::Null => Answer::No,
                Property::Value(flag) => Answer::of(flag),
            };
            let is_member = self.referee().is_member(self.snapshot.objects.id(group.key), Some(key));
            let is_owner = group
                .owners
                .as_ref()
                .map_or(Answer::Unknown, |owners| Answer::of(owners.iter().any(|owner| owner.key == key)));
            is_assignable.and(is_member.max(is_owner))
        }));
        listed.max(Answer::of_absence(self.snapshot.groups.get()))
    }

    /// Whether administrators of the whole tenant cannot change somebody.
    fn is_management_restricted(&self, person: usize) -> Answer {
        let person = &self.people[person];
        let units = self.snapshot.administrative_units.items().iter();
        let listed = Answer::any(units.map(|unit| {
            let is_restricted = match unit.is_member_management_restricted {
                Property::Absent => Answer::Unknown,
                Property::Null => Answer::No,
                Property::Value(flag) => Answer::of(flag),
            };
            let is_member = unit
                .members
                .as_ref()
                .map_or(Answer::Unknown, |members| Answer::of(members.iter().any(|member| member.key == person.key)));
            is_restricted.and(is_member)
        }));
        match (&person.user.detail().is_management_restricted, listed) {
            (Property::Value(true), _) => Answer::Yes,
            (Property::Value(false) | Property::Null, Answer::Yes) => Answer::Unknown,
            (Property::Value(false) | Property::Null, _) => Answer::No,
            (Property::Absent, listed) => listed.max(Answer::of_absence(self.snapshot.administrative_units.get())),
        }
    }
}

/// Whether the rule demands multifactor authentication; `None` where it may demand something that nobody knows.
fn multifactor(rule: Option<&Value>) -> Option<bool> {
    let rules = rule?.get("enabledRules")?.as_array().map_or(&[][..], Vec::as_slice);
    let is_known =
        |rule: &Value| matches!(rule.as_str(), Some("MultiFactorAuthentication" | "Justification" | "Ticketing"));
    rules.iter().all(is_known).then(|| rules.iter().any(|rule| rule == "MultiFactorAuthentication"))
}

/// The authentication context that the rule demands.
fn context(rule: Option<&Value>) -> Result<Option<String>, ()> {
    let rule = rule.ok_or(())?;
    match rule.get("isEnabled").and_then(Value::as_bool) {
        None => Err(()),
        Some(false) => Ok(None),
        Some(true) => match rule.get("claimValue").and_then(Value::as_str) {
            Some(value) if !value.is_empty() => Ok(Some(value.to_owned())),
            _ => Err(()),
        },
    }
}
