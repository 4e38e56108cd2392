//! Single changes that raise the order: each is tried on the compiled tenant before it is suggested.

use std::collections::BTreeSet;

use breakglass_model::authentication_method::AuthenticationMethodKind;
use breakglass_model::object::ObjectKey;
use breakglass_model::policy::{ConditionalAccessPolicy, ConditionalAccessPolicyState};
use breakglass_model::well_known::GLOBAL_ADMINISTRATOR;
use serde_json::{Value, json};

use super::Analysis;
use super::compile::role_name;
use super::custody::Share;
use super::cuts::Limits;
use super::goal::{Goal, Question, Stage};
use super::people::Held;
use super::report::{Cause, LockoutReport, Suggestion};
use super::settings::LockoutSettings;
use super::workers::each;
use crate::access::Access;

/// Changes that are tried.
const CANDIDATE_COUNT_MAX: usize = 120;
/// Changes that are suggested.
const SUGGESTION_COUNT_MAX: usize = 12;
/// Policies that are looked at.
const POLICY_COUNT_MAX: usize = 20;
/// Exclusions of single people that are tried.
const PERSON_EXCLUSION_COUNT_MAX: usize = 60;

/// How much a change takes away, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weakening {
    Nothing,
    OneMoreHolder,
    Exclusion,
    PersonExcluded,
    StandingRole,
    SwitchedOff,
}

/// What changes.
enum Edit {
    Policies(Vec<ConditionalAccessPolicy>),
    Settings(Box<LockoutSettings>),
}

struct Candidate {
    change: String,
    edit: Edit,
    weakening: Weakening,
    weakens: Option<String>,
}

impl Analysis<'_> {
    /// Single changes that raise the order of a report's goal, the best first.
    pub fn suggestions(&mut self, report: &LockoutReport) -> Vec<Suggestion> {
        let Some(order) = report.direct.order.proved else { return Vec::new() };
        let question = Question { goal: report.goal, surface: None, stage: Stage::Direct };
        let mut found: Vec<(Suggestion, Weakening)> = Vec::new();
        let mut candidates = self.candidates(report);
        candidates.truncate(CANDIDATE_COUNT_MAX);
        let own = &*self;
        let tried = each(self.settings.processors, &candidates, |one| own.try_out(&one.edit, question));
        for (candidate, tried) in candidates.into_iter().zip(tried) {
            let Some((after, count)) = tried else { continue };
            if after.is_none_or(|after| after > order) {
                let suggestion = Suggestion {
                    change: candidate.change,
                    order: (Some(order), after),
                    cuts_at_order: count,
                    weakens: candidate.weakens,
                };
                found.push((suggestion, candidate.weakening));
            }
        }
        found.sort_by(|(one, one_weakens), (other, other_weakens)| {
            let key = |suggestion: &Suggestion| suggestion.order.1.unwrap_or(usize::MAX);
            let by_order = key(other).cmp(&key(one));
            // Switching a protection off is never before what leaves it on.
            let is_off = |weakening: &Weakening| *weakening == Weakening::SwitchedOff;
            let by_off = is_off(one_weakens).cmp(&is_off(other_weakens));
            by_order
                .then(by_off)
                .then(one.cuts_at_order.cmp(&other.cuts_at_order))
                .then(one_weakens.cmp(other_weakens))
                .then_with(|| one.change.cmp(&other.change))
        });
        found.truncate(SUGGESTION_COUNT_MAX);
        found.into_iter().map(|(suggestion, _)| suggestion).collect()
    }

    /// The order after a change, and how many cuts of that size are left; `None` if it cannot be told.
    fn try_out(&self, edit: &Edit, question: Question) -> Option<(Option<usize>, usize)> {
        let snapshot = self.access.snapshot();
        let (policies, settings) = match edit {
            Edit::Policies(policies) => (policies.as_slice(), self.settings),
            Edit::Settings(settings) => (self.access.policies(), settings.as_ref()),
        };
        let access = Access::compile_with(snapshot, policies, self.access.settings()).ok()?;
        let limits =
            Limits { size_max: settings.max_order, node_count_max: settings.node_count_max, smallest_only: true };
        let found = super::analysis::promised_cuts(&access, settings, question, limits);
        found.searched_to?;
        Some((found.cuts.first().map(Vec::len), found.cuts.len()))
    }

    fn candidates(&mut self, report: &LockoutReport) -> Vec<Candidate> {
        let mut all = self.of_policies(report);
        all.extend(self.of_methods());
        all.extend(self.of_roles(report.goal));
        all.extend(self.of_custody());
        all.extend(self.of_people(report));
        let mut settings = self.settings.clone();
        settings.supposed.has_spare_account = true;
        all.push(Candidate {
            change: "add one more emergency account with a security key, excluded from every policy".to_owned(),
            edit: Edit::Settings(Box::new(settings)),
            weakening: Weakening::OneMoreHolder,
            weakens: Some("there is one more account as powerful as it gets, to be sealed and watched".to_owned()),
        });
        all
    }

    /// The policies in force that keep somebody out somewhere: excluded from, or switched to report-only.
    fn of_policies(&mut self, report: &LockoutReport) -> Vec<Candidate> {
        let snapshot = self.access.snapshot();
        let named = policies_named(report);
        let mut order: Vec<usize> = (0..self.access.policies().len()).collect();
        order.sort_by_key(|index| {
            !self.access.policies().get(*index).is_some_and(|policy| named.contains(policy.id.as_str()))
        });
        let mut all = Vec::new();
        let accounts: Vec<&str> = self.settings.accounts.iter().map(|key| snapshot.objects.id(*key)).collect();
        for index in order {
            if all.len() >= 2 * POLICY_COUNT_MAX {
                break;
            }
            let Some(policy) = self.access.policies().get(index).filter(|policy| is_demanding(policy)) else {
                continue;
            };
            let name = policy.name();
            if !accounts.is_empty() {
                let excluded = self.without(index, &accounts);
                all.extend(excluded.map(|policies| Candidate {
                    change: format!("exclude the emergency accounts from the policy `{name}`"),
                    edit: Edit::Policies(policies),
                    weakening: Weakening::Exclusion,
                    weakens: Some(format!("the policy `{name}` no longer protects the emergency accounts")),
                }));
            }
            let report_only = self.with_policy(index, |source| {
                if let Some(object) = source.as_object_mut() {
                    object.insert("state".to_owned(), json!("enabledForReportingButNotEnforced"));
                }
            });
            all.extend(report_only.map(|policies| Candidate {
                change: format!("set the policy `{name}` to report-only"),
                edit: Edit::Policies(policies),
                weakening: Weakening::SwitchedOff,
                weakens: Some(format!("the policy `{name}` no longer protects anybody")),
            }));
        }
        all
    }

    /// Somebody who holds a role for the goal and is no emergency account, excluded from one of the policies that the
    /// cuts name.
    fn of_people(&self, report: &LockoutReport) -> Vec<Candidate> {
        let snapshot = self.access.snapshot();
        let named = policies_named(report);
        let holders: BTreeSet<ObjectKey> = report
            .goal
            .roles()
            .iter()
            .flat_map(|role| self.promised.people.holders(role))
            .filter(|(user, held)| *held == Held::Active && !self.settings.accounts.contains(user))
            .map(|(user, _)| user)
            .collect();
        let policies = self.access.policies().iter().enumerate();
        let policies = policies.filter(|(_, policy)| named.contains(policy.id.as_str()) && is_demanding(policy));
        let pairs = policies.flat_map(|(index, policy)| holders.iter().map(move |user| (index, policy, *user)));
        let candidate = |(index, policy, user): (usize, &ConditionalAccessPolicy, ObjectKey)| {
            let (name, who) = (policy.name(), snapshot.name(user));
            Some(Candidate {
                change: format!("exclude `{who}` from the policy `{name}`"),
                edit: Edit::Policies(self.without(index, &[snapshot.objects.id(user)])?),
                weakening: Weakening::PersonExcluded,
                weakens: Some(format!(
                    "the policy `{name}` no longer protects `{who}`, who is not declared an emergency account"
                )),
            })
        };
        pairs.take(PERSON_EXCLUSION_COUNT_MAX).filter_map(candidate).collect()
    }

    /// The policies with some users excluded from one of them.
    fn without(&self, index: usize, users: &[&str]) -> Option<Vec<ConditionalAccessPolicy>> {
        self.with_policy(index, |source| {
            let Some(conditions) = source.pointer_mut("/conditions/users").and_then(Value::as_object_mut) else {
                return;
            };
            let list = conditions.entry("excludeUsers").or_insert_with(|| json!([]));
            if let Some(list) = list.as_array_mut() {
                list.extend(users.iter().map(|id| json!(id)));
            } else {
                *list = json!(users);
            }
        })
    }

    /// The policies with one of them changed.
    fn with_policy(&self, index: usize, change: impl Fn(&mut Value)) -> Option<Vec<ConditionalAccessPolicy>> {
        let mut policies = self.access.policies().to_vec();
        let policy = policies.get_mut(index)?;
        let mut source = policy.source.clone();
        change(&mut source);
        *policy = ConditionalAccessPolicy::from_value(source, policy.id.as_str()).ok()?;
        Some(policies)
    }

    /// A passkey for emergency accounts and active Global Administrators that have none.
    fn of_methods(&mut self) -> Vec<Candidate> {
        let snapshot = self.access.snapshot();
        let active = self.promised.people.holders(GLOBAL_ADMINISTRATOR).filter(|(_, held)| *held == Held::Active);
        let users: BTreeSet<ObjectKey> =
            active.map(|(user, _)| user).chain(self.settings.accounts.iter().copied()).collect();
        let has_passkey = |user: &ObjectKey| {
            let methods = snapshot.user(*user).and_then(|user| user.detail().authentication_methods.value());
            methods.into_iter().flatten().any(|method| method.kind() == AuthenticationMethodKind::Fido2)
        };
        let mut all = Vec::new();
        for user in users.iter().filter(|user| !has_passkey(user)) {
            let passkey = json!({ "@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "id": "supposed" });
            let Ok(passkey) = serde_json::from_value(passkey) else { continue };
            let mut settings = self.settings.clone();
            settings.supposed.methods.entry(*user).or_default().push(passkey);
            all.push(Candidate {
                change: format!("register a security key for `{}`", snapshot.name(*user)),
                edit: Edit::Settings(Box::new(settings)),
                weakening: Weakening::Nothing,
                weakens: None,
            });
        }
        all
    }

    /// An eligible role made permanent.
    fn of_roles(&mut self, goal: Goal) -> Vec<Candidate> {
        let snapshot = self.access.snapshot();
        let mut all = Vec::new();
        for role in goal.roles() {
            let eligible = self.promised.people.holders(role).filter(|(_, held)| *held == Held::Eligible);
            for (user, _) in eligible.take(CANDIDATE_COUNT_MAX) {
                let mut settings = self.settings.clone();
                settings.supposed.active.insert((user, (*role).to_owned()));
                let (name, role) = (snapshot.name(user), role_name(role));
                all.push(Candidate {
                    change: format!("make {role} permanent for `{name}` instead of eligible"),
                    edit: Edit::Settings(Box::new(settings)),
                    weakening: Weakening::StandingRole,
                    weakens: Some(format!("`{name}` holds {role} all the time")),
                });
            }
        }
        all
    }

    /// One more share with somebody else.
    fn of_custody(&self) -> Vec<Candidate> {
        let mut all = Vec::new();
        for (number, envelope) in self.settings.custody.envelopes.iter().enumerate() {
            let mut settings = self.settings.clone();
            let id = "supposed".to_owned();
            settings.custody.custodians.insert(id.clone(), super::custody::Keeper::default());
            let share = Share { custodian: Some(id), ..Share::default() };
            settings.custody.envelopes.get_mut(number).into_iter().for_each(|one| one.shares.push(share.clone()));
            let (threshold, count) = (envelope.threshold, envelope.shares.len());
            all.push(Candidate {
                change: format!(
                    "give one more custodian a share of `{}`: {threshold} of {} instead of {threshold} of {count}",
                    envelope.account,
                    count + 1
                ),
                edit: Edit::Settings(Box::new(settings)),
                weakening: Weakening::OneMoreHolder,
                weakens: Some(format!("one more person holds a share, and {threshold} of them can still open it")),
            });
        }
        all
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
