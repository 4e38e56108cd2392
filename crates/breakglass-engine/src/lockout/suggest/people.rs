//! Roles, approvers and keepers of shares.

use std::collections::BTreeSet;

use breakglass_model::object::ObjectKey;

use super::methods::NewMethod;
use super::{Alike, Edit, Edits, Told, Weakening};
use crate::lockout::Analysis;
use crate::lockout::compile::role_name;
use crate::lockout::custody::{Holds, Keeper, Share};
use crate::lockout::goal::Goal;
use crate::lockout::people::{Held, ROLES, activation};
use crate::lockout::settings::LockoutSettings;

/// Id of somebody who is only supposed to keep a share.
const KEEPER: &str = "supposed";

/// One more share of an envelope, with somebody else.
pub(super) fn one_more_share(settings: &mut LockoutSettings, envelope: usize) {
    settings.custody.custodians.insert(KEEPER.to_owned(), Keeper::default());
    let share = Share { custodian: Some(KEEPER.to_owned()), ..Share::default() };
    settings.custody.envelopes.get_mut(envelope).into_iter().for_each(|one| one.shares.push(share.clone()));
}

impl Analysis<'_> {
    /// Eligible roles made permanent; approvers; shares and copies of shares.
    pub(super) fn of_people(&self, goal: Goal, alike: &Alike) -> [Edits; 4] {
        let eligible = goal.roles().iter().flat_map(|role| {
            let eligible = self.promised.people.holders(role);
            let eligible = eligible.filter(|(user, held)| *held == Held::Eligible && alike.is_first(*user));
            eligible.map(move |(user, _)| Edit::Permanent { user, role })
        });
        let envelopes = self.settings.custody.envelopes.iter().enumerate();
        let shares = envelopes.clone().map(|(envelope, _)| Edit::MoreShares { envelope });
        let copies = envelopes
            .flat_map(|(envelope, one)| (1..=one.shares.len()).map(move |share| Edit::Copy { envelope, share }));
        [Edits::of(eligible), self.of_approvers(goal), Edits::of(shares), Edits::of(copies)]
    }

    /// Administrators who do not approve yet, for the roles whose activation is approved: those with a role for the
    /// goal first.
    fn of_approvers(&self, goal: Goal) -> Edits {
        let snapshot = self.access.snapshot();
        let first = self.goal_holders(goal.roles());
        let mut seen = BTreeSet::new();
        let people = first.into_iter().chain(self.goal_holders(&ROLES)).map(|(user, _)| user);
        let people: Vec<ObjectKey> = people.filter(|user| seen.insert(*user)).collect();
        let eligible = |role: &str| self.promised.people.holders(role).any(|(_, held)| held == Held::Eligible);
        let roles = goal.roles().iter().filter(|role| eligible(role));
        let all = roles.flat_map(|role| {
            let stages = activation(snapshot, self.access.classes().roles(), role).ok().and_then(|one| one.stages.ok());
            let stages = stages.unwrap_or_default();
            let lacking = people.iter().copied().filter(move |user| {
                stages.iter().any(|stage| !stage.is_not_exported && !stage.approvers.contains(user))
            });
            lacking.map(move |user| Edit::Approver { user, role })
        });
        Edits::of(all)
    }

    pub(super) fn told_permanent(&self, user: ObjectKey, role: &str) -> Told {
        let (name, role) = (self.access.snapshot().name(user), role_name(role));
        let change = format!("make {role} permanent for `{name}` instead of eligible");
        told(change, Weakening::StandingRole, format!("`{name}` holds {role} all the time"))
    }

    pub(super) fn told_approver(&self, user: ObjectKey, role: &str) -> Told {
        let (name, role) = (self.access.snapshot().name(user), role_name(role));
        let change = format!("make `{name}` an approver of activating {role} as well");
        told(change, Weakening::OneMoreHolder, format!("one more person can let somebody become {role}"))
    }

    pub(super) fn told_shares(&self, envelope: usize) -> Told {
        let (what, threshold, count) = self.held_in(envelope);
        let change = format!(
            "give one more custodian a share of {what}: {threshold} of {} instead of {threshold} of {count}",
            count + 1
        );
        let weakens = format!("one more person holds a share, and {threshold} of them can still open it");
        told(change, Weakening::OneMoreHolder, weakens)
    }

    pub(super) fn told_copy(&self, envelope: usize, share: usize) -> Told {
        let (what, ..) = self.held_in(envelope);
        let change = format!("keep a copy of share {share} of {what} with one more custodian, or in a second safe");
        told(change, Weakening::OneMoreHolder, format!("share {share} lies in two places"))
    }

    /// What an envelope holds, in words, and how many of how many shares open it.
    fn held_in(&self, envelope: usize) -> (String, usize, usize) {
        let envelope = self.settings.custody.envelopes.get(envelope);
        envelope.map_or((String::new(), 0, 0), |one| {
            let what = match &one.holds {
                Holds::Password => format!("the password of `{}`", one.account),
                Holds::Method(_) => format!("a method of `{}`", one.account),
            };
            (what, one.threshold, one.shares.len())
        })
    }
}

pub(super) fn told_spare_account(key: &NewMethod) -> Told {
    told(
        format!("add one more emergency account with {}, excluded from every policy", key.name()),
        Weakening::OneMoreHolder,
        "there is one more account as powerful as it gets, to be sealed and watched".to_owned(),
    )
}

fn told(change: String, weakening: Weakening, weakens: String) -> Told {
    Told { change, weakening, weakens: Some(weakens), edit: None }
}
