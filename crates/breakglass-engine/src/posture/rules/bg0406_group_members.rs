//! BG0406: the group that carries the exclusion has the emergency accounts in it and nobody else.
//!
//! **Source:** requirement X8: whoever is in the group is exempt from every policy, and whoever can edit it can
//! exempt anyone.

use breakglass_model::group::{Group, Member, MemberKind};
use breakglass_model::ids::GroupId;
use breakglass_model::object::ObjectKey;
use breakglass_model::snapshot::ObjectRow;
use breakglass_model::well_known::{GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR};

use super::super::{Case, Finding, Fix, ObjectKind, ObjectReference, Rule, Severity, Status, finding};
use super::account::{names, nobody};
use super::scope::{self, ExcludedGroup, ExcludedGroups};
use crate::access::membership::Reach;

pub(super) struct GroupMembers;

impl Rule for GroupMembers {
    fn code(&self) -> &'static str {
        "BG0406"
    }

    fn title(&self) -> &'static str {
        "The exclusion group has exactly the emergency accounts in it"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["X8"]
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** The group by which the emergency accounts are excluded has them as direct members, and no other \
user, application or device, no group, no rule that computes its members, and no owner who is not a top administrator.

**Why it matters.** Everybody in the group is outside every policy. An extra member is an administrator's account \
without multifactor authentication waiting for an attacker (situation E4); an owner can add one.

**How it is judged.** Another member, a membership rule, an account that is missing, or an owner who does not actively \
hold Global Administrator or Privileged Role Administrator fails, high. A group in the group that adds nobody fails, \
medium: it works, but others edit it. Unknown members or owners give `unknown`. What is listed as an accepted exclusion \
is no extra member.

**What to do.** Make the accounts direct members and remove everybody else and all owners.

**Source:** requirement X8; Microsoft, *Manage emergency access accounts* (4 June 2026)."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        if let Some(finding) = nobody(self, case).or_else(|| scope::no_policies(self, case)) {
            return vec![finding];
        }
        let (candidates, _) = scope::policies(case);
        let groups = ExcludedGroups::of(case, &candidates);
        let carrying = groups.carrying(&candidates);
        if carrying.is_empty() {
            return vec![no_group(self, groups.doubt(case, &candidates))];
        }
        let is_only = carrying.len() == 1;
        let each =
            carrying.iter().filter_map(|id| groups.group(id).map(|group| self.judge(case, (id, group), is_only)));
        each.collect()
    }
}

/// The finding of the rules about the exclusion group where there is none, as far as is known.
pub(super) fn no_group(rule: &dyn Rule, doubt: Option<String>) -> Finding {
    if let Some(why) = doubt {
        let message = format!("Whether a group carries the exclusion of the emergency accounts cannot be told: {why}.");
        return finding(rule, Status::Unknown, message);
    }
    let message = "No group carries the exclusion of the emergency accounts (BG0401 and BG0405 judge how they are \
                   excluded).";
    finding(rule, Status::NotApplicable, message)
}

impl GroupMembers {
    fn judge(&self, case: &Case<'_>, group: (&GroupId, &ExcludedGroup), is_only: bool) -> Finding {
        let (_, excluded) = group;
        let name = case.snapshot.name(excluded.key);
        let mut faults = Faults::default();
        faults.look_at_members(case, excluded, is_only);
        let tier0 = TopAdministrators::of(case);
        for key in &excluded.reach.groups {
            match case.snapshot.group(*key) {
                Some(group) => faults.look_at_group(case, group, &tier0),
                None => faults.doubts.push(format!("group `{}` is not in the snapshot", case.snapshot.name(*key))),
            }
        }
        let mut about = vec![case.group(excluded.key)];
        about.append(&mut faults.objects);
        if !faults.serious.is_empty() || !faults.light.is_empty() {
            let severity = if faults.serious.is_empty() { Severity::Medium } else { Severity::High };
            let all = [faults.serious, faults.light].concat().join("; ");
            let message = format!("Group `{name}` carries the exclusion and has not just the accounts in it: {all}.");
            let fix = format!("Leave in group `{name}` the emergency accounts as direct members, and nobody as owner.");
            return finding(self, Status::Fail, message).at(severity).about(about).fixed_by(Fix::text(fix));
        }
        if !faults.doubts.is_empty() {
            let why = faults.doubts.join("; ");
            let message = format!("Whether group `{name}` has only the emergency accounts cannot be told: {why}.");
            return finding(self, Status::Unknown, message).about(about);
        }
        let message = if excluded.reach.users.len() == excluded.accounts.len() {
            format!("Group `{name}` has exactly the emergency accounts in it.")
        } else {
            format!("Group `{name}` has the emergency accounts in it, and nobody else but accepted exclusions.")
        };
        finding(self, Status::Pass, message).about(about)
    }
}

/// What is wrong with the group.
#[derive(Default)]
struct Faults {
    serious: Vec<String>,
    light: Vec<String>,
    doubts: Vec<String>,
    objects: Vec<ObjectReference>,
}

/// So many objects are attached to the finding.
const OBJECT_COUNT_MAX: usize = 20;

impl Faults {
    fn look_at_members(&mut self, case: &Case<'_>, excluded: &ExcludedGroup, is_only: bool) {
        let is_accepted = |key: &ObjectKey| {
            let id = case.snapshot.objects.id(*key);
            case.settings.accepted_exclusions.iter().any(|accepted| accepted == id)
        };
        let reach = &excluded.reach;
        let others = reach.users.iter().filter(|key| !excluded.accounts.contains(key) && !is_accepted(key));
        let others: Vec<ObjectKey> = others.copied().collect();
        if !others.is_empty() {
            let count = scope::counted(others.len(), "other user is", "other users are");
            let shown = names(others.iter().map(|key| case.snapshot.name(*key)));
            self.serious.push(format!("{count} in it ({shown})"));
            self.objects.extend(others.iter().take(OBJECT_COUNT_MAX).map(|key| case.user(*key)));
        }
        let odd: Vec<Member> = no_users(case, excluded).filter(|member| !is_accepted(&member.key)).collect();
        if !odd.is_empty() {
            let count = scope::counted(odd.len(), "member is", "members are");
            let shown = names(odd.iter().map(|member| case.snapshot.name(member.key)));
            self.serious.push(format!("{count} no user at all ({shown})"));
            self.objects.extend(odd.iter().take(OBJECT_COUNT_MAX).filter_map(|member| principal(case, *member)));
        }
        let missing = case.accounts.keys.iter().filter(|key| !excluded.accounts.contains(key)).copied();
        let missing: Vec<ObjectKey> = missing.collect();
        if is_only && !missing.is_empty() && reach.unknown.is_none() {
            self.serious.push(format!("{} is missing", scope::account_names(case, &missing)));
            self.objects.extend(scope::account_references(case, &missing));
        }
        if let [_, nested @ ..] = reach.groups.as_slice()
            && !nested.is_empty()
        {
            let shown = names(nested.iter().map(|key| case.snapshot.name(*key)));
            self.light.push(format!("it contains {shown}"));
            self.objects.extend(nested.iter().take(OBJECT_COUNT_MAX).map(|key| case.group(*key)));
        }
        self.doubts.extend(reach.unknown.clone());
    }

    fn look_at_group(&mut self, case: &Case<'_>, group: &Group, tier0: &TopAdministrators) {
        let name = case.snapshot.name(group.key);
        if group.is_dynamic() {
            self.serious.push(format!("a rule computes the members of `{name}`"));
        }
        let Some(owners) = &group.owners else {
            self.doubts.push(format!("the owners of group `{name}` are not in the snapshot"));
            return;
        };
        let is_top = |key: ObjectKey| tier0.holders.contains(&key) || case.accounts.keys.contains(&key);
        let outside: Vec<ObjectKey> = owners.iter().map(|owner| owner.key).filter(|key| !is_top(*key)).collect();
        if outside.is_empty() {
            return;
        }
        let shown = names(outside.iter().map(|key| case.snapshot.name(*key)));
        match &tier0.unknown {
            Some(why) => {
                self.doubts.push(format!("whether {shown}, who can edit `{name}`, is a top administrator: {why}"))
            }
            None => {
                self.serious.push(format!("{shown} owns `{name}` and is no top administrator"));
                self.objects.extend(outside.iter().take(OBJECT_COUNT_MAX).map(|key| case.user(*key)));
            }
        }
    }
}

/// Members that are neither users nor groups: applications, devices and what else a group can hold.
fn no_users<'c>(case: &Case<'c>, excluded: &'c ExcludedGroup) -> impl Iterator<Item = Member> {
    let groups = excluded.reach.groups.iter().filter_map(|key| case.snapshot.group(*key));
    groups.flat_map(|group| group.members.iter().flatten()).copied().filter(|member| match member.kind {
        MemberKind::Device | MemberKind::ServicePrincipal => true,
        MemberKind::User | MemberKind::Group => false,
        MemberKind::Unsaid => {
            matches!(case.snapshot.row(member.key), ObjectRow::ServicePrincipal(_) | ObjectRow::AdministrativeUnit(_))
        }
    })
}

/// A reference to an application; devices are named in words only.
fn principal(case: &Case<'_>, member: Member) -> Option<ObjectReference> {
    let is_application = member.kind == MemberKind::ServicePrincipal
        || matches!(case.snapshot.row(member.key), ObjectRow::ServicePrincipal(_));
    is_application.then(|| ObjectReference {
        kind: ObjectKind::ServicePrincipal,
        id: case.snapshot.objects.id(member.key).to_owned(),
        name: case.snapshot.name(member.key).to_owned(),
    })
}

/// Who may edit the group all the same, being able to do anything anyway.
struct TopAdministrators {
    holders: Vec<ObjectKey>,
    unknown: Option<String>,
}

impl TopAdministrators {
    fn of(case: &Case<'_>) -> Self {
        let roles = case.access.classes().roles();
        let mut top = Self { holders: Vec::new(), unknown: roles.unknown().map(str::to_owned) };
        for role in [GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR] {
            for principal in roles.principals(role) {
                match case.snapshot.row(*principal) {
                    ObjectRow::Group(_) => top.holders.extend(Reach::of_group(case.snapshot, *principal).users),
                    _ => top.holders.push(*principal),
                }
            }
        }
        top
    }
}
