//! Which directory roles an account holds, in which way and for how long.
//!
//! `roleAssignments` lists what is active now, without saying whether it was activated or will end;
//! `roleAssignmentScheduleInstances` says both. An assignment that only the first list has is permanent where the
//! second one is complete, and of unknown term where it is not. An instance whose end was not exported may be over, and
//! an assignment whose scope was not exported may be of a part of the tenant: both are doubts, not roles.
//!
//! **Source:** the unifiedRoleAssignment and unifiedRoleAssignmentScheduleInstance references; that Graph answers
//! `AadPremiumLicenseRequired` to tenants without Privileged Identity Management is from public tools' code.

use std::collections::BTreeMap;

use breakglass_model::group::{Member, MemberKind};
use breakglass_model::object::ObjectKey;
use breakglass_model::role::RoleAssignment;
use breakglass_model::snapshot::{ObjectRow, Snapshot, because};
use breakglass_model::well_known::built_in_role;

use super::super::Case;
use crate::access::membership::Reach;

/// How a role reaches the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It is assigned to the account itself.
    Direct,
    /// It is assigned to a group.
    Group(ObjectKey),
    /// It is assigned to a group that the list does not name.
    SomeGroup,
}

/// For how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Term {
    /// Active without end.
    Permanent,
    /// Active, with the end that the list gives.
    Until(String),
    /// Active because somebody activated it.
    Activated,
    /// Active; whether without end is not known, with the reason.
    Unsaid(String),
    /// Not active: it must be activated first.
    Eligible,
}

/// A role that an account has.
#[derive(Debug, Clone)]
pub(super) struct Holding {
    /// Template id of the role.
    pub(super) role: String,
    /// How it is held.
    pub(super) way: Way,
    /// For how long.
    pub(super) term: Term,
    /// The part of the tenant it is limited to; `None` = all of it.
    pub(super) scope: Option<String>,
}

impl Holding {
    /// Whether it can be used this minute, for the whole tenant.
    pub(super) fn is_active_everywhere(&self) -> bool {
        self.scope.is_none() && self.term != Term::Eligible
    }
}

/// Every role of an account.
#[derive(Debug, Default)]
pub(super) struct Holdings {
    /// The roles.
    pub(super) list: Vec<Holding>,
    /// Why it may have active roles that are not listed: the role, if one is meant, and the reason.
    pub(super) doubts: Vec<(Option<String>, String)>,
    /// Why it may have eligible roles that are not listed.
    pub(super) eligibility_doubt: Option<String>,
}

impl Holdings {
    /// The holdings of one role.
    pub(super) fn of_role<'h>(&'h self, template: &'h str) -> impl Iterator<Item = &'h Holding> {
        self.list.iter().filter(move |holding| holding.role == template)
    }

    /// Why the account may hold a role that is not listed.
    pub(super) fn doubt_about(&self, template: &str) -> Option<&str> {
        let about = |(role, _): &&(Option<String>, String)| role.as_deref().is_none_or(|role| role == template);
        self.doubts.iter().find(about).map(|(_, why)| why.as_str())
    }
}

/// Whether Graph refused to list schedules because the tenant has no Privileged Identity Management.
pub(super) fn says_no_pim(why: &str) -> bool {
    why.contains("AadPremiumLicenseRequired")
}

/// Whether an assignment is one of Azure, which an exporter put among those of the directory.
pub(super) fn is_of_azure(assignment: &RoleAssignment) -> bool {
    assignment.role_definition_id.as_str().contains("/providers/Microsoft.Authorization/")
}

/// The name of a role.
pub(super) fn role_name<'c>(case: &Case<'c>, template: &'c str) -> &'c str {
    let listed = case.snapshot.role_definitions.items().iter().find(|definition| {
        definition.id.as_str() == template || definition.template_id.as_ref().is_some_and(|id| id.as_str() == template)
    });
    let listed = listed.and_then(|definition| definition.display_name.as_deref()).filter(|name| !name.is_empty());
    listed.or_else(|| built_in_role(template).map(|role| role.name)).unwrap_or(template)
}

/// The roles of one account.
pub(super) fn holdings(case: &Case<'_>, account: ObjectKey) -> Holdings {
    let snapshot = case.snapshot;
    let mut walk = Walk { case, account, ways: BTreeMap::new(), found: Holdings::default() };
    if let Some(why) = case.access.classes().roles().unknown() {
        walk.found.doubts.push((None, why.to_owned()));
    }
    for assignment in snapshot.role_assignment_schedule_instances.items() {
        walk.take(assignment, term_of_instance);
    }
    for assignment in snapshot.role_assignments.items() {
        let term = |assignment: &RoleAssignment| Ok(term_of_plain(case, assignment));
        walk.take(assignment, term);
    }
    for assignment in snapshot.role_eligibility_schedule_instances.items() {
        walk.take(assignment, |_| Ok(Some(Term::Eligible)));
    }
    let why = snapshot.role_eligibility_schedule_instances.why().filter(|why| !says_no_pim(why));
    walk.found.eligibility_doubt =
        why.map(|why| format!("`roleEligibilityScheduleInstances` are not there{}", because(why)));
    walk.found
}

struct Walk<'c> {
    case: &'c Case<'c>,
    account: ObjectKey,
    /// Principals that were looked at: how they reach the account, or why that is not known.
    ways: BTreeMap<ObjectKey, Result<Option<Way>, String>>,
    found: Holdings,
}

impl Walk<'_> {
    fn take(&mut self, assignment: &RoleAssignment, term: impl Fn(&RoleAssignment) -> Result<Option<Term>, String>) {
        let Some(principal) = self.case.snapshot.objects.find(assignment.principal_id.as_str()) else { return };
        if is_of_azure(assignment) || !assignment.is_current(self.case.now) {
            return;
        }
        let role = self.case.access.classes().roles().template(assignment.role_definition_id.as_str()).to_owned();
        let (case, account) = (self.case, self.account);
        let way = match self.ways.entry(principal).or_insert_with(|| way(case, account, principal)) {
            Ok(Some(way)) => *way,
            Ok(None) => return,
            Err(why) => {
                let why = why.clone();
                return self.doubt(role, why);
            }
        };
        let term = match term(assignment) {
            Ok(Some(term)) => term,
            Ok(None) => return,
            Err(why) => return self.doubt(role, why),
        };
        if is_perhaps_custom(case, assignment.role_definition_id.as_str(), &role) {
            return self.doubt(role, CUSTOM_UNSAID.to_owned());
        }
        if term != Term::Eligible && !assignment.is_scope_known() {
            return self.doubt(role, SCOPE_ABSENT.to_owned());
        }
        let is_through_group = assignment.member_type.as_deref() == Some("Group");
        let way = if way == Way::Direct && is_through_group { Way::SomeGroup } else { way };
        let scope = (!assignment.is_tenant_wide()).then(|| {
            let own = assignment.directory_scope_id.value().filter(|scope| *scope != "/").cloned();
            own.or_else(|| assignment.rest.get("appScopeId")?.as_str().map(str::to_owned)).unwrap_or_default()
        });
        self.found.list.push(Holding { role, way, term, scope });
    }

    fn doubt(&mut self, role: String, why: String) {
        let doubt = (Some(role), why);
        if !self.found.doubts.contains(&doubt) {
            self.found.doubts.push(doubt);
        }
    }
}

/// Whether the definition behind an id may be a custom role that was made from a built-in one.
fn is_perhaps_custom(case: &Case<'_>, definition: &str, template: &str) -> bool {
    let mut definitions = case.snapshot.role_definitions.items().iter();
    let listed = definitions.find(|listed| listed.id.as_str() == definition);
    definition != template && listed.is_some_and(|listed| listed.is_built_in.is_none())
}

const CUSTOM_UNSAID: &str = "`isBuiltIn` of a role definition is not in the export, so it may be a custom role";
const SCOPE_ABSENT: &str = "`directoryScopeId` of its role assignment is not in the export (select it)";
const END_ABSENT: &str = "`endDateTime` of its schedule instance is not in the export (select it)";

/// How a principal reaches an account, if it does.
fn way(case: &Case<'_>, account: ObjectKey, principal: ObjectKey) -> Result<Option<Way>, String> {
    if principal == account {
        return Ok(Some(Way::Direct));
    }
    match case.snapshot.row(principal) {
        ObjectRow::Group(_) => {
            // Groups with roles are flat: then there is nothing to walk.
            if let Some(members) = flat_members(case.snapshot, principal) {
                return Ok(members.iter().any(|member| member.key == account).then_some(Way::Group(principal)));
            }
            let reach = Reach::of_group(case.snapshot, principal);
            match (reach.users.contains(&account), reach.unknown) {
                (true, _) => Ok(Some(Way::Group(principal))),
                (false, Some(why)) => Err(why),
                (false, None) => Ok(None),
            }
        }
        ObjectRow::Unlisted => match case.snapshot.groups.why() {
            Some(why) => Err(format!(
                "the role holder `{}` is not in the snapshot and may be a group{}",
                case.snapshot.objects.id(principal),
                because(why)
            )),
            None => Ok(None),
        },
        ObjectRow::User(_) | ObjectRow::ServicePrincipal(_) | ObjectRow::AdministrativeUnit(_) => Ok(None),
    }
}

/// The members of a group that has no groups in it.
fn flat_members(snapshot: &Snapshot, group: ObjectKey) -> Option<&[Member]> {
    let members = snapshot.group(group)?.members.as_deref()?;
    let is_group = |member: &Member| match member.kind {
        MemberKind::Group => true,
        MemberKind::Unsaid => matches!(snapshot.row(member.key), ObjectRow::Group(_)),
        MemberKind::User | MemberKind::Device | MemberKind::ServicePrincipal => false,
    };
    (!members.iter().any(is_group)).then_some(members)
}

/// The end of an assignment, if it has one; the year 9999 stands for none.
fn end(assignment: &RoleAssignment) -> Option<&str> {
    let end = assignment.end_date_time.value().map(String::as_str);
    end.filter(|end| !end.is_empty() && !end.starts_with("9999-"))
}

fn written_term(assignment: &RoleAssignment) -> Option<Term> {
    let kind = assignment.assignment_type.as_deref().unwrap_or_default();
    if kind.eq_ignore_ascii_case("Activated") {
        return Some(Term::Activated);
    }
    match end(assignment) {
        Some(end) => Some(Term::Until(end.to_owned())),
        None if kind.eq_ignore_ascii_case("Assigned") && !assignment.end_date_time.is_absent() => Some(Term::Permanent),
        None => None,
    }
}

fn term_of_instance(assignment: &RoleAssignment) -> Result<Option<Term>, String> {
    if assignment.end_date_time.is_absent() {
        return Err(END_ABSENT.to_owned());
    }
    let unsaid = || Term::Unsaid("`assignmentType` of its schedule instance is not in the export".to_owned());
    Ok(Some(written_term(assignment).unwrap_or_else(unsaid)))
}

/// The term of an entry of `roleAssignments`; `None` where a schedule instance describes it better.
fn term_of_plain(case: &Case<'_>, assignment: &RoleAssignment) -> Option<Term> {
    if let Some(term) = written_term(assignment) {
        return Some(term);
    }
    let roles = case.access.classes().roles();
    let is_same = |instance: &&RoleAssignment| {
        instance.principal_id == assignment.principal_id
            && roles.template(instance.role_definition_id.as_str())
                == roles.template(assignment.role_definition_id.as_str())
            && instance.is_tenant_wide() == assignment.is_tenant_wide()
            && instance.is_current(case.now)
    };
    let instances = &case.snapshot.role_assignment_schedule_instances;
    let mut same = instances.items().iter().filter(is_same).peekable();
    if same.peek().is_some() {
        let is_described = same.any(|instance| !instance.end_date_time.is_absent() && instance.is_scope_known());
        // What is active is active, even where the instance does not say until when.
        return (!is_described).then(|| Term::Unsaid(END_ABSENT.to_owned()));
    }
    match instances.why() {
        None => Some(Term::Permanent),
        Some(why) if says_no_pim(why) => Some(Term::Permanent),
        Some(why) => Some(Term::Unsaid(format!(
            "whether it is permanent stands in `roleAssignmentScheduleInstances`, which are not there{}",
            because(why)
        ))),
    }
}
