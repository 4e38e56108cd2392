//! Exclusions from policies, and policies that report only.

use std::collections::BTreeSet;

use breakglass_model::group::Group;
use breakglass_model::object::ObjectKey;
use breakglass_model::policy::{ConditionalAccessPolicy, ConditionalAccessPolicyState};
use breakglass_model::property::Property;
use serde_json::{Value, json};

use super::{Alike, Edit, Edits, Told, Weakening};
use crate::access::membership::Reach;
use crate::lockout::Analysis;
use crate::lockout::report::{Cause, EditKind, LockoutReport, ProposedEdit};
use crate::lockout::words::listed;

/// The state in which a policy reports only.
const REPORT_ONLY: ConditionalAccessPolicyState = ConditionalAccessPolicyState::EnabledForReportingButNotEnforced;

/// People who are excluded by one change.
const TOGETHER_COUNT_MAX: usize = 10;

/// Where Graph has what may be a member of a group.
const DIRECTORY_OBJECTS: &str = "https://graph.microsoft.com/v1.0/directoryObjects/";

impl Analysis<'_> {
    /// What can be changed in the policies in force, those that the cuts name first: the emergency accounts excluded; a
    /// group that another policy excludes; somebody who holds a role for the goal; somebody in such a group; a policy
    /// that reports only.
    pub(super) fn of_policies(&self, report: &LockoutReport, alike: &Alike) -> Vec<Edits> {
        let named = policies_named(report);
        let all = self.access.policies();
        let mut demanding: Vec<usize> = (0..all.len()).filter(|at| all.get(*at).is_some_and(is_demanding)).collect();
        let is_named = |at: &usize| all.get(*at).is_some_and(|policy| named.contains(policy.id.as_str()));
        demanding.sort_by_key(|at| !is_named(at));
        let accounts = &self.settings.accounts;
        let (goal_holders, groups) = (self.goal_holders(report.goal.roles()), self.exclusion_groups(report));
        let of_accounts = demanding.iter().filter(|_| !accounts.is_empty()).map(|policy| Edit::Exclude {
            policy: *policy,
            users: accounts.clone(),
            groups: Vec::new(),
        });
        let lacks = |policy: usize, group: ObjectKey| {
            let excluded = all.get(policy).and_then(|policy| policy.conditions.users.as_ref());
            let id = self.access.snapshot().objects.id(group);
            excluded.is_some_and(|users| !users.exclude_groups.iter().any(|one| one.as_str() == id))
        };
        let of_groups = demanding.iter().flat_map(|policy| groups.iter().map(move |group| (*policy, *group)));
        let of_groups = of_groups.filter(|(policy, group)| lacks(*policy, *group));
        let of_groups =
            of_groups.map(|(policy, group)| Edit::Exclude { policy, users: Vec::new(), groups: vec![group] });
        let everyday: Vec<ObjectKey> = self.everyday(report).into_iter().filter(|user| alike.is_first(*user)).collect();
        let of_people = demanding.iter().flat_map(|policy| everyday.iter().map(move |user| (*policy, *user)));
        let of_people = of_people.map(|(policy, user)| Edit::Exclude { policy, users: vec![user], groups: Vec::new() });
        let can_join = groups.iter().filter(|group| self.can_be_joined(**group));
        let members = can_join.flat_map(|group| goal_holders.iter().map(move |(user, _)| (*group, *user)));
        let members = members.filter(|(group, user)| !self.reach(*group).users.contains(user));
        let members = members.map(|(group, user)| Edit::Member { group, user });
        let off = demanding.iter().map(|policy| Edit::ReportOnly { policy: *policy });
        vec![Edits::of(of_accounts), Edits::of(of_groups), Edits::of(of_people), Edits::of(members), Edits::of(off)]
    }

    /// Whoever holds a role for the goal and is not declared an emergency account, active ones first.
    fn everyday(&self, report: &LockoutReport) -> Vec<ObjectKey> {
        let holders = self.goal_holders(report.goal.roles()).into_iter().map(|(user, _)| user);
        holders.filter(|user| !self.settings.accounts.contains(user)).collect()
    }

    /// Exclusions that may do as well as switching a policy off, and are not among those that were tried: of each
    /// person, and of all together where they are few.
    pub(super) fn instead_of(
        &self,
        policy: usize,
        report: &LockoutReport,
        (alike, tried): (&Alike, &[Edit]),
    ) -> Vec<Edit> {
        let everyday = self.everyday(report);
        let was_tried = |user: ObjectKey| {
            tried.iter().any(
                |edit| matches!(edit, Edit::Exclude { policy: of, users, .. } if *of == policy && users[..] == [user]),
            )
        };
        let single = everyday.iter().copied().filter(|user| alike.is_first(*user) && !was_tried(*user));
        let mut all: Vec<Vec<ObjectKey>> = single.map(|user| vec![user]).collect();
        if (2..=TOGETHER_COUNT_MAX).contains(&everyday.len()) {
            all.push(everyday);
        }
        all.into_iter().map(|users| Edit::Exclude { policy, users, groups: Vec::new() }).collect()
    }

    /// Groups that a policy in force excludes, in which somebody is who holds a role for the goal, or whose members are
    /// emergency accounts.
    fn exclusion_groups(&self, report: &LockoutReport) -> Vec<ObjectKey> {
        let snapshot = self.access.snapshot();
        let wanted: BTreeSet<ObjectKey> = self
            .goal_holders(report.goal.roles())
            .into_iter()
            .map(|(user, _)| user)
            .chain(self.settings.accounts.iter().copied())
            .collect();
        let excluding = self.access.policies().iter().filter(|policy| is_demanding(policy));
        let ids =
            excluding.filter_map(|policy| policy.conditions.users.as_ref()).flat_map(|users| &users.exclude_groups);
        let groups: BTreeSet<ObjectKey> = ids.filter_map(|id| snapshot.objects.find(id.as_str())).collect();
        let groups = groups.into_iter().filter(|group| snapshot.group(*group).is_some());
        groups.filter(|group| self.reach(*group).users.iter().any(|user| wanted.contains(user))).collect()
    }

    fn reach(&self, group: ObjectKey) -> Reach {
        Reach::of_group(self.access.snapshot(), group)
    }

    /// Who is in a group, in words, and whether it is emergency accounts alone and stays so.
    fn told_group(&self, group: ObjectKey) -> (String, bool) {
        let snapshot = self.access.snapshot();
        let (called, reach) = (snapshot.name(group), self.reach(group));
        let is_dynamic = snapshot.group(group).is_none_or(Group::is_dynamic);
        if !is_dynamic
            && reach.unknown.is_none()
            && reach.users.iter().all(|user| self.settings.accounts.contains(user))
        {
            return (format!("the emergency accounts in the group `{called}`"), true);
        }
        let members: BTreeSet<ObjectKey> = reach.users.iter().copied().collect();
        let more = match (is_dynamic, reach.unknown) {
            (true, _) => ", and whoever its rule takes in",
            (false, Some(_)) => ", and whoever else is in it: the export does not have all of its members",
            (false, None) => "",
        };
        (format!("whoever is in the group `{called}` ({} now{more})", members.len()), false)
    }

    /// Whether a new member of a group is one of the policies' alone: no rule and no directory on premises gives its
    /// members, it has no role, it is in no other group, and no kind of methods is for its members.
    fn can_be_joined(&self, group: ObjectKey) -> bool {
        let snapshot = self.access.snapshot();
        let Some(found) = snapshot.group(group) else { return false };
        let id = snapshot.objects.id(group);
        let assignments = [
            snapshot.role_assignments.items(),
            snapshot.role_assignment_schedule_instances.items(),
            snapshot.role_eligibility_schedule_instances.items(),
        ];
        let has_role = assignments.into_iter().flatten().any(|one| one.principal_id.as_str() == id);
        let is_inside = snapshot
            .groups
            .items()
            .iter()
            .any(|other| other.members.iter().flatten().any(|member| member.key == group));
        let methods = snapshot.authentication_methods_policy.as_present();
        let is_target = methods.is_some_and(|policy| {
            let configurations = policy.authentication_method_configurations.iter();
            let mut targets = configurations.flat_map(|one| {
                let lists = [&one.include_targets, &one.exclude_targets];
                lists.into_iter().filter_map(Property::value).flatten()
            });
            targets.any(|target| target.id == id)
        });
        !has_role
            && !found.is_synchronised()
            && !found.is_dynamic()
            && found.members.is_some()
            && !is_inside
            && !is_target
    }

    /// The policies with somebody excluded from one of them.
    pub(super) fn excluding(
        &self,
        policy: usize,
        users: &[ObjectKey],
        groups: &[ObjectKey],
    ) -> Option<Vec<ConditionalAccessPolicy>> {
        let lists = self.lists_with(policy, users, groups)?;
        self.with_policy(policy, |policy| {
            policy.changed(|source| {
                if let Some(users) = source.pointer_mut("/conditions/users").and_then(Value::as_object_mut) {
                    users.extend(lists);
                }
            })
        })
    }

    /// The lists of whom a policy excludes, each with some more, by the names of the lists that are others.
    fn lists_with(
        &self,
        policy: usize,
        users: &[ObjectKey],
        groups: &[ObjectKey],
    ) -> Option<serde_json::Map<String, Value>> {
        let source = &self.access.policies().get(policy)?.source;
        let conditions = source.pointer("/conditions/users")?;
        let list = |name: &str, more: &[ObjectKey]| {
            let known = conditions.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
            let ids = more.iter().map(|key| json!(self.access.snapshot().objects.id(*key)));
            let ids: Vec<Value> = ids.filter(|id| !known.contains(id)).collect();
            (!ids.is_empty()).then(|| (name.to_owned(), Value::Array(known.into_iter().chain(ids).collect())))
        };
        Some([list("excludeUsers", users), list("excludeGroups", groups)].into_iter().flatten().collect())
    }

    pub(super) fn reporting_only(&self, policy: usize) -> Option<Vec<ConditionalAccessPolicy>> {
        self.with_policy(policy, |policy| policy.in_state(&REPORT_ONLY))
    }

    /// The policies as they are for one member more of a group that nothing else speaks of: they name the member.
    pub(super) fn with_member(&self, group: ObjectKey, user: ObjectKey) -> Option<Vec<ConditionalAccessPolicy>> {
        let snapshot = self.access.snapshot();
        let (group, user) = (json!(snapshot.objects.id(group)), json!(snapshot.objects.id(user)));
        let mut policies = self.access.policies().to_vec();
        for policy in &mut policies {
            let users = policy.source.pointer("/conditions/users");
            let has_group = |groups: &str| {
                users.and_then(|users| users.get(groups)?.as_array()).is_some_and(|all| all.contains(&group))
            };
            let sides = [("includeGroups", "includeUsers"), ("excludeGroups", "excludeUsers")];
            let lists: Vec<&str> =
                sides.into_iter().filter(|(groups, _)| has_group(groups)).map(|(_, own)| own).collect();
            if lists.is_empty() {
                continue;
            }
            *policy = policy.changed(|source| {
                let Some(users) = source.pointer_mut("/conditions/users").and_then(Value::as_object_mut) else {
                    return;
                };
                for list in lists {
                    match users.get_mut(list).and_then(Value::as_array_mut) {
                        Some(all) => all.push(user.clone()),
                        None => {
                            users.insert(list.to_owned(), json!([user]));
                        }
                    }
                }
            })?;
        }
        Some(policies)
    }

    /// The policies with one of them changed.
    fn with_policy(
        &self,
        index: usize,
        change: impl FnOnce(&ConditionalAccessPolicy) -> Option<ConditionalAccessPolicy>,
    ) -> Option<Vec<ConditionalAccessPolicy>> {
        let mut policies = self.access.policies().to_vec();
        let policy = policies.get_mut(index)?;
        *policy = change(policy)?;
        Some(policies)
    }

    pub(super) fn told_exclusion(&self, policy: usize, users: &[ObjectKey], groups: &[ObjectKey]) -> Told {
        let snapshot = self.access.snapshot();
        let (name, id) = self.policy_names(policy);
        let (change, weakening, whom) = match (users, groups) {
            ([user], []) if !self.settings.accounts.contains(user) => {
                let who = snapshot.name(*user);
                let whom = format!("`{who}`, who is not declared an emergency account");
                (format!("exclude `{who}` from the policy `{name}`"), Weakening::PersonExcluded, whom)
            }
            (_, [group]) => {
                let called = snapshot.name(*group);
                let (whom, is_sealed) = self.told_group(*group);
                let weakening = if is_sealed { Weakening::Exclusion } else { Weakening::PersonExcluded };
                (format!("exclude the group `{called}` from the policy `{name}`"), weakening, whom)
            }
            (users, _) if users.iter().any(|user| !self.settings.accounts.contains(user)) => {
                let who = listed(&users.iter().map(|user| format!("`{}`", snapshot.name(*user))).collect::<Vec<_>>());
                let whom = format!("{who}, who are not declared emergency accounts");
                (format!("exclude {who} from the policy `{name}`"), Weakening::PeopleExcluded, whom)
            }
            _ => {
                let change = format!("exclude the emergency accounts from the policy `{name}`");
                (change, Weakening::Exclusion, "the emergency accounts".to_owned())
            }
        };
        let lists = self.lists_with(policy, users, groups).unwrap_or_default();
        let body = json!({ "id": id, "conditions": { "users": lists } });
        Told {
            change,
            weakening,
            weakens: Some(format!("the policy `{name}` no longer protects {whom}")),
            edit: Some(ProposedEdit { kind: EditKind::Policy, body }),
        }
    }

    pub(super) fn told_report_only(&self, policy: usize) -> Told {
        let (name, id) = self.policy_names(policy);
        Told {
            change: format!("set the policy `{name}` to report-only"),
            weakening: Weakening::SwitchedOff,
            weakens: Some(format!("the policy `{name}` no longer protects anybody")),
            edit: Some(ProposedEdit {
                kind: EditKind::Policy,
                body: json!({ "id": id, "state": REPORT_ONLY.as_str() }),
            }),
        }
    }

    pub(super) fn told_member(&self, group: ObjectKey, user: ObjectKey) -> Told {
        let snapshot = self.access.snapshot();
        let (called, who) = (snapshot.name(group), snapshot.name(user));
        let id = snapshot.objects.id(group);
        let excluding = self.access.policies().iter().filter(|policy| {
            let users = policy.conditions.users.as_ref();
            users.is_some_and(|users| users.exclude_groups.iter().any(|one| one.as_str() == id))
        });
        let count = excluding.filter(|policy| is_demanding(policy)).count();
        let policies = if count == 1 { "1 policy".to_owned() } else { format!("{count} policies") };
        let is_account = self.settings.accounts.contains(&user);
        let member = format!("{DIRECTORY_OBJECTS}{}", snapshot.objects.id(user));
        Told {
            change: format!("add `{who}` to the group `{called}`, which {policies} in force exclude"),
            weakening: if is_account { Weakening::Exclusion } else { Weakening::PersonExcluded },
            weakens: Some(format!(
                "the {policies} no longer protect `{who}`{}",
                if is_account { "" } else { ", who is not declared an emergency account" }
            )),
            edit: Some(ProposedEdit {
                kind: EditKind::Group,
                body: json!({ "id": id, "members@odata.bind": [member] }),
            }),
        }
    }

    fn policy_names(&self, policy: usize) -> (&str, &str) {
        let policy = self.access.policies().get(policy);
        policy.map_or(("", ""), |policy| (policy.name(), policy.id.as_str()))
    }
}

/// Ids of the policies that make cuts so.
fn policies_named(report: &LockoutReport) -> BTreeSet<&str> {
    let causes = report.direct.cuts.iter().flat_map(|cut| &cut.because);
    let ids = causes.filter_map(|cause| match cause {
        Cause::Policy { id, .. } => Some(id.as_str()),
        Cause::Setting(_) => None,
    });
    ids.collect()
}

/// Whether a policy is in force and asks people for something.
fn is_demanding(policy: &ConditionalAccessPolicy) -> bool {
    policy.state == ConditionalAccessPolicyState::Enabled && policy.targets_people() && policy.grant_controls.is_some()
}
