//! BG0405: the accounts are excluded in one way, by one group, everywhere.
//!
//! **Source:** requirement X1: excluded by a dedicated group (preferred) or account by account.

use std::collections::BTreeSet;

use breakglass_model::ids::GroupId;
use breakglass_model::object::ObjectKey;

use super::super::{Case, Finding, Fix, Rule, Severity, Status, finding};
use super::account::{names, nobody};
use super::scope::{self, Candidate, Carriers, ExcludedGroups, Force};
use crate::access::Trit;

pub(super) struct OneGroup;

impl Rule for OneGroup {
    fn code(&self) -> &'static str {
        "BG0405"
    }

    fn title(&self) -> &'static str {
        "One group carries the exclusion of the emergency accounts in every policy"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["X1"]
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** Wherever the emergency accounts are excluded, one and the same group does it for all of them.

**Why it matters.** With ids scattered over policies, the account that replaces a used one is forgotten somewhere, \
and nobody sees it until the day it is needed (situation E6). Exclusion by a role or by a kind of guest lets \
everybody else of that kind out as well.

**How it is judged.** Enforced and report-only policies that exclude an account are compared. One group for all \
accounts in all of them passes. A role or a kind of guest fails, high; ids and groups mixed, or several groups, \
medium. Ids alone, in every policy, fail, low: that works, and costs care. Whether the accounts are excluded at all is BG0401.

**What to do.** Put all emergency accounts into one role-assignable group, exclude it in every policy, and take the \
single ids out.

**Source:** requirement X1; Microsoft's deployment plan for Conditional Access asks for one exclusion group."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        if let Some(finding) = nobody(self, case).or_else(|| scope::no_policies(self, case)) {
            return vec![finding];
        }
        let (candidates, _) = scope::policies(case);
        let groups = ExcludedGroups::of(case, &candidates);
        let seen = Seen::of(case, &candidates, &groups);
        let judged = if seen.policies.is_empty() { None } else { Some(self.judge(case, &seen)) };
        let is_broken = judged.as_ref().is_some_and(|finding| finding.status == Status::Fail);
        if let Some(why) = seen.doubt.as_ref().filter(|_| !is_broken) {
            let message = format!("By what the emergency accounts are excluded cannot be told everywhere: {why}.");
            return vec![finding(self, Status::Unknown, message)];
        }
        let Some(judged) = judged else {
            let message = "No policy excludes an emergency account, so there is no way of excluding to compare.";
            return vec![finding(self, Status::NotApplicable, message)];
        };
        vec![judged]
    }
}

/// What was seen in the policies that exclude an account.
struct Seen<'a> {
    policies: Vec<Candidate<'a>>,
    /// Groups that exclude every account in every one of the policies.
    everywhere: BTreeSet<GroupId>,
    /// Groups that exclude an account in some policy.
    somewhere: BTreeSet<GroupId>,
    /// Policies in which an account is excluded by its id and by no group.
    by_id: Vec<Candidate<'a>>,
    /// Policies in which only a role or a kind of guest excludes an account.
    by_class: Vec<Candidate<'a>>,
    /// Why an account may be excluded from some policy, if that is not known.
    doubt: Option<String>,
}

impl<'a> Seen<'a> {
    fn of(case: &Case<'_>, candidates: &[Candidate<'a>], groups: &ExcludedGroups) -> Self {
        let mut seen = Seen {
            policies: Vec::new(),
            everywhere: groups.carrying(candidates).into_iter().collect(),
            somewhere: BTreeSet::new(),
            by_id: Vec::new(),
            by_class: Vec::new(),
            doubt: None,
        };
        for candidate in candidates.iter().filter(|candidate| candidate.force != Force::Disabled) {
            let standing = |account: &ObjectKey| case.access.classes().standing(candidate.index, Some(*account));
            let unsure = case.accounts.keys.iter().map(standing);
            let unsure = unsure.filter(|standing| standing.is_excluded && standing.in_scope == Trit::Unknown);
            let unsure = unsure.map(|standing| standing.because);
            seen.doubt = seen.doubt.take().or_else(|| unsure.chain(scope::unsaid_exclusion(candidate.policy)).next());
            let each: Vec<Option<Carriers>> =
                case.accounts.keys.iter().map(|account| groups.carriers(case, candidate, *account)).collect();
            if each.iter().all(Option::is_none) {
                continue;
            }
            seen.policies.push(*candidate);
            let holds =
                |group: &GroupId| each.iter().all(|one| one.as_ref().is_some_and(|one| one.groups.contains(group)));
            seen.everywhere.retain(holds);
            for carriers in each.iter().flatten() {
                seen.somewhere.extend(carriers.groups.iter().cloned());
            }
            if each.iter().flatten().any(|one| one.is_by_id && one.groups.is_empty()) {
                seen.by_id.push(*candidate);
            }
            if each.iter().flatten().any(|one| one.is_by_class) {
                seen.by_class.push(*candidate);
            }
        }
        seen
    }
}

impl OneGroup {
    fn judge(&self, case: &Case<'_>, seen: &Seen<'_>) -> Finding {
        let group_name = |id: &GroupId| {
            let key = case.snapshot.objects.find(id.as_str());
            key.map_or_else(|| id.to_string(), |key| case.snapshot.name(key).to_owned())
        };
        let policies = |list: &[Candidate<'_>]| names(list.iter().map(|candidate| candidate.policy.name()));
        let count = scope::counted(seen.policies.len(), "policy", "policies");
        if let Some(group) = seen.everywhere.iter().next() {
            let message = format!("Group `{}` excludes every emergency account, in {count}.", group_name(group));
            let about = case.snapshot.objects.find(group.as_str()).map(|key| case.group(key));
            return finding(self, Status::Pass, message).about(about.into_iter().collect());
        }
        let carrying: Vec<String> = seen.somewhere.iter().map(group_name).collect();
        let groups = names(carrying.iter().map(String::as_str));
        let (severity, message, about) = if !seen.by_class.is_empty() {
            let message = format!(
                "A role or a kind of guest excludes emergency accounts from {}, and everybody else of that kind with \
                 them.",
                policies(&seen.by_class)
            );
            (Severity::High, message, &seen.by_class)
        } else if seen.somewhere.is_empty() {
            let message = format!(
                "The emergency accounts are excluded one by one, by their ids, in {count}. It works until an account \
                 is replaced and one policy is forgotten."
            );
            (Severity::Low, message, &seen.by_id)
        } else if !seen.by_id.is_empty() {
            let message = format!(
                "The emergency accounts are excluded in two ways: by their ids in {}, by {groups} elsewhere. It works \
                 until an account is replaced and one policy is forgotten.",
                policies(&seen.by_id)
            );
            (Severity::Medium, message, &seen.by_id)
        } else {
            let message = format!(
                "The emergency accounts are excluded by more than one group: {groups}. No single one excludes all of \
                 them in all {count}."
            );
            (Severity::Medium, message, &seen.policies)
        };
        let fix = "Put all emergency accounts into one role-assignable group, exclude that group in every policy, and \
                   take the single ids and other groups out.";
        let about = about.iter().map(|candidate| Case::policy(candidate.policy)).collect();
        finding(self, Status::Fail, message).at(severity).about(about).fixed_by(Fix::text(fix))
    }
}
