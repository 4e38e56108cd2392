//! Single changes that raise the order: each is tried on the compiled tenant before it is suggested.
//!
//! Changes are of several families (`policies.rs`, `methods.rs`, `people.rs`), from which they are taken in turn, so
//! that a family of many leaves room for the others. What is not tried for want of room is counted.
//!
//! **Left out:** an envelope around a method that has none. It is needed besides, so that it raises no order; a second
//! key, or a copy of a share, does.

mod methods;
mod people;
mod policies;

use std::collections::{BTreeMap, BTreeSet};

use breakglass_model::object::ObjectKey;
use breakglass_model::policy::ConditionalAccessPolicy;

use self::methods::NewMethod;
use super::Analysis;
use super::cuts::Limits;
use super::goal::{Question, Stage};
use super::people::Held;
use super::report::{LockoutReport, ProposedEdit, Suggestion};
use super::settings::LockoutSettings;
use super::workers::each;
use crate::access::Access;

/// Changes that are tried.
const CANDIDATE_COUNT_MAX: usize = 120;

/// How much a change takes away, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weakening {
    Nothing,
    OneMoreHolder,
    WeakerMethod,
    MethodForEverybody,
    Exclusion,
    PersonExcluded,
    PeopleExcluded,
    StandingRole,
    SwitchedOff,
}

/// What changes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Edit {
    /// Users and groups are excluded from a policy.
    Exclude { policy: usize, users: Vec<ObjectKey>, groups: Vec<ObjectKey> },
    /// A policy reports only.
    ReportOnly { policy: usize },
    /// Somebody becomes a member of a group that policies exclude.
    Member { group: ObjectKey, user: ObjectKey },
    /// Somebody registers a method.
    Method { user: ObjectKey, method: NewMethod },
    /// A kind of methods is switched on for everybody.
    SwitchOn { method: &'static str },
    /// A role that is eligible becomes active.
    Permanent { user: ObjectKey, role: &'static str },
    /// Somebody more approves the activation of a role.
    Approver { user: ObjectKey, role: &'static str },
    /// Somebody more keeps a share.
    MoreShares { envelope: usize },
    /// Somebody more keeps a copy of a share, by its number from 1.
    Copy { envelope: usize, share: usize },
    /// There is one emergency account more, with a key.
    SpareAccount { key: NewMethod },
}

/// The order after a change, and how many cuts of that size are left; `None` if it cannot be told.
type Tried = Option<(Option<usize>, usize)>;

/// A change in words.
struct Told {
    change: String,
    weakening: Weakening,
    weakens: Option<String>,
    edit: Option<ProposedEdit>,
}

/// People of whom one stands for those who are alike.
#[derive(Default)]
struct Alike {
    /// For how many others somebody stands.
    others: BTreeMap<ObjectKey, usize>,
    /// The others.
    told_elsewhere: BTreeSet<ObjectKey>,
}

impl Alike {
    fn is_first(&self, user: ObjectKey) -> bool {
        !self.told_elsewhere.contains(&user)
    }
}

/// Changes of one kind: those that there is room for, and how many there are besides.
#[derive(Default)]
struct Edits {
    edits: Vec<Edit>,
    more: usize,
}

impl Edits {
    fn of(mut all: impl Iterator<Item = Edit>) -> Self {
        let edits: Vec<Edit> = all.by_ref().take(CANDIDATE_COUNT_MAX).collect();
        Self { edits, more: all.count() }
    }

    fn and_more(mut self, more: usize) -> Self {
        self.more += more;
        self
    }
}

/// As many as are tried, one of each family in turn, and how many are not.
fn in_turn(families: Vec<Edits>) -> (Vec<Edit>, usize) {
    let count: usize = families.iter().map(|family| family.edits.len() + family.more).sum();
    let longest = families.iter().map(|family| family.edits.len()).max().unwrap_or(0);
    let turns = (0..longest).flat_map(|turn| families.iter().filter_map(move |family| family.edits.get(turn)));
    let tried: Vec<Edit> = turns.take(CANDIDATE_COUNT_MAX).cloned().collect();
    let untried = count - tried.len();
    (tried, untried)
}

/// Whether an order is lower than another; none is without bound.
fn is_below(order: Option<usize>, other: Option<usize>) -> bool {
    order.unwrap_or(usize::MAX) < other.unwrap_or(usize::MAX)
}

/// Whether a change excludes some of those from a policy whom another excludes from it.
fn is_part_of(one: &Edit, other: &Edit) -> bool {
    let (Edit::Exclude { policy, users, .. }, Edit::Exclude { policy: of, users: more, .. }) = (one, other) else {
        return false;
    };
    policy == of && !users.is_empty() && users.len() < more.len() && users.iter().all(|user| more.contains(user))
}

impl Analysis<'_> {
    /// Single changes that raise the order of a report's goal, the best first, and how many were not tried.
    pub fn suggestions(&mut self, report: &LockoutReport) -> (Vec<Suggestion>, usize) {
        let Some(order) = report.direct.order.proved else { return (Vec::new(), 0) };
        let question = Question { goal: report.goal, surface: None, stage: Stage::Direct };
        let own = &*self;
        let alike = own.alike(report);
        let (mut edits, mut untried) = in_turn(own.families(report, &alike));
        let mut tried = each(self.settings.processors, &edits, |edit| own.try_out(edit, question));
        // Nobody is told to switch a protection off where an exclusion does as well.
        let raises = |tried: &Tried| tried.is_some_and(|(after, _)| is_below(Some(order), after));
        let off = edits.iter().zip(&tried).filter(|(_, tried)| raises(tried));
        let off = off.filter_map(|(edit, _)| if let Edit::ReportOnly { policy } = edit { Some(*policy) } else { None });
        let mut instead: Vec<Edit> = off.flat_map(|policy| own.instead_of(policy, report, (&alike, &edits))).collect();
        untried += instead.len().saturating_sub(CANDIDATE_COUNT_MAX);
        instead.truncate(CANDIDATE_COUNT_MAX);
        let instead = each(self.settings.processors, &instead, |edit| own.fewest(edit.clone(), question));
        for (edit, result) in instead {
            if !edits.contains(&edit) {
                edits.push(edit);
                tried.push(result);
            }
        }
        let mut found: Vec<(Suggestion, Weakening)> = Vec::new();
        for (edit, result) in edits.iter().zip(&tried) {
            let Some((after, count)) = result.filter(|_| raises(result)) else { continue };
            // Several people are too many where one is enough.
            let is_enough = |(other, result): (&Edit, &Tried)| {
                is_part_of(other, edit) && result.is_some_and(|(other, _)| !is_below(other, after))
            };
            if edits.iter().zip(&tried).any(is_enough) {
                continue;
            }
            let Told { change, weakening, weakens, edit } = own.told(edit, &alike);
            let order = (Some(order), after);
            let suggestion = Suggestion { change, order, cuts_at_order: count, weakens, edit, verify: None };
            found.push((suggestion, weakening));
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
        (found.into_iter().map(|(suggestion, _)| suggestion).collect(), untried)
    }

    /// A change with no more people excluded than its order needs, and what it comes to.
    fn fewest(&self, edit: Edit, question: Question) -> (Edit, Tried) {
        let tried = self.try_out(&edit, question);
        let (Edit::Exclude { policy, users, groups }, Some((order, _))) = (&edit, tried) else { return (edit, tried) };
        let (mut users, mut best) = (users.clone(), tried);
        for user in users.clone() {
            let others: Vec<ObjectKey> = users.iter().copied().filter(|other| *other != user).collect();
            if others.is_empty() {
                break;
            }
            let fewer = Edit::Exclude { policy: *policy, users: others.clone(), groups: groups.clone() };
            let tried = self.try_out(&fewer, question);
            if tried.is_some_and(|(fewer, _)| !is_below(fewer, order)) {
                (users, best) = (others, tried);
            }
        }
        (Edit::Exclude { policy: *policy, users, groups: groups.clone() }, best)
    }

    /// The order after a change, and how many cuts of that size are left; `None` if it cannot be told.
    fn try_out(&self, edit: &Edit, question: Question) -> Tried {
        let snapshot = self.access.snapshot();
        let (policies, settings) = self.edited(edit)?;
        let policies = policies.as_deref().unwrap_or(self.access.policies());
        let settings = settings.as_ref().unwrap_or(self.settings);
        let access = Access::compile_with(snapshot, policies, self.access.settings()).ok()?;
        let limits =
            Limits { size_max: settings.max_order, node_count_max: settings.node_count_max, smallest_only: true };
        let found = super::analysis::promised_cuts(&access, settings, question, limits);
        found.searched_to?;
        Some((found.cuts.first().map(Vec::len), found.cuts.len()))
    }

    /// The policies and settings after a change, where they are others.
    fn edited(&self, edit: &Edit) -> Option<(Option<Vec<ConditionalAccessPolicy>>, Option<LockoutSettings>)> {
        let supposing = |suppose: &dyn Fn(&mut LockoutSettings)| {
            let mut settings = self.settings.clone();
            suppose(&mut settings);
            Some((None, Some(settings)))
        };
        match edit {
            Edit::Exclude { policy, users, groups } => Some((Some(self.excluding(*policy, users, groups)?), None)),
            Edit::ReportOnly { policy } => Some((Some(self.reporting_only(*policy)?), None)),
            Edit::Member { group, user } => Some((Some(self.with_member(*group, *user)?), None)),
            Edit::Method { user, method } => {
                let registered = method.registered();
                supposing(&|settings| {
                    settings.supposed.methods.entry(*user).or_default().extend(registered.clone());
                })
            }
            Edit::SwitchOn { method } => supposing(&|settings| {
                settings.supposed.switched_on.insert(method);
            }),
            Edit::Permanent { user, role } => supposing(&|settings| {
                settings.supposed.active.insert((*user, (*role).to_owned()));
            }),
            Edit::Approver { user, role } => supposing(&|settings| {
                settings.supposed.approvers.insert((role, *user));
            }),
            Edit::MoreShares { envelope } => supposing(&|settings| people::one_more_share(settings, *envelope)),
            Edit::Copy { envelope, share } => supposing(&|settings| {
                settings.supposed.copies.insert((*envelope, *share));
            }),
            Edit::SpareAccount { .. } => supposing(&|settings| settings.supposed.has_spare_account = true),
        }
    }

    /// Of people who are alike the first, who stands for the others; emergency accounts stand for no others.
    fn alike(&self, report: &LockoutReport) -> Alike {
        let mut alike = Alike::default();
        for kind in &report.people.kinds {
            let users = kind.people.iter().filter_map(|(id, _)| self.access.snapshot().objects.find(id));
            let (accounts, others): (Vec<_>, Vec<_>) = users.partition(|user| self.settings.accounts.contains(user));
            for people in [accounts, others] {
                if let [first, rest @ ..] = people.as_slice() {
                    alike.others.insert(*first, rest.len());
                    alike.told_elsewhere.extend(rest);
                }
            }
        }
        alike
    }

    fn families(&self, report: &LockoutReport, alike: &Alike) -> Vec<Edits> {
        let mut families = self.of_policies(report, alike);
        families.extend(self.of_methods(report.goal, alike));
        families.extend(self.of_people(report.goal, alike));
        families.push(Edits::of(self.spare_key().map(|key| Edit::SpareAccount { key }).into_iter()));
        families
    }

    fn told(&self, edit: &Edit, alike: &Alike) -> Told {
        let own = |change: String, weakening: Weakening, weakens: Option<String>| Told {
            change,
            weakening,
            weakens,
            edit: None,
        };
        let told = match edit {
            Edit::Exclude { policy, users, groups } => self.told_exclusion(*policy, users, groups),
            Edit::ReportOnly { policy } => self.told_report_only(*policy),
            Edit::Member { group, user } => self.told_member(*group, *user),
            Edit::Method { user, method } => {
                let who = self.access.snapshot().name(*user);
                let weakens = method.weakens(who);
                let weakening = if weakens.is_some() { Weakening::WeakerMethod } else { Weakening::Nothing };
                own(method.words(who), weakening, weakens)
            }
            Edit::SwitchOn { method } => {
                let (change, weakens) = methods::switched_on_words(method);
                own(change, Weakening::MethodForEverybody, Some(weakens))
            }
            Edit::Permanent { user, role } => self.told_permanent(*user, role),
            Edit::Approver { user, role } => self.told_approver(*user, role),
            Edit::MoreShares { envelope } => self.told_shares(*envelope),
            Edit::Copy { envelope, share } => self.told_copy(*envelope, *share),
            Edit::SpareAccount { key } => people::told_spare_account(key),
        };
        let whom = match edit {
            Edit::Method { user, .. } | Edit::Permanent { user, .. } => Some(*user),
            Edit::Exclude { users, .. } if users.len() == 1 => users.first().copied(),
            _ => None,
        };
        match whom.and_then(|user| alike.others.get(&user)) {
            Some(count) if *count > 0 => {
                Told { change: format!("{} (or for any of {count} alike)", told.change), ..told }
            }
            _ => told,
        }
    }

    /// Whoever holds a role for the goal, emergency accounts first, each with how.
    fn goal_holders(&self, roles: &[&str]) -> Vec<(ObjectKey, Held)> {
        let mut held: BTreeMap<ObjectKey, Held> = BTreeMap::new();
        for (user, how) in roles.iter().flat_map(|role| self.promised.people.holders(role)) {
            let known = held.entry(user).or_insert(how);
            *known = (*known).max(how);
        }
        let accounts: BTreeSet<ObjectKey> = self.settings.accounts.iter().copied().collect();
        let mut all: Vec<(ObjectKey, Held)> = held.into_iter().collect();
        all.sort_by_key(|(user, how)| (!accounts.contains(user), std::cmp::Reverse(*how), *user));
        all
    }
}
