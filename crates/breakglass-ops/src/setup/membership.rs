//! Who is in the group, who leaves it and when, and what protects it.
//!
//! Whoever is in the group and is no account is excluded from policies by it. If the group is excluded by none, they leave
//! at once: nothing rests on it. Otherwise they may be the last whom no policy keeps out, and leave at the end of a plan
//! that finds every account ready; until then the group is excluded from no policy more, since they would be as well.

use std::collections::BTreeSet;

use breakglass_model::object::ObjectKey;
use breakglass_model::property::Property;
use breakglass_model::snapshot::ObjectRow;

use super::action::{Action, Named, Ref};
use super::compare::{Account, Carrier, Draft};
use super::keys::has_key_that_works;
use super::objection::Objection;
use super::plan::ByHand;
use super::wanted::Protection;

/// When those leave the group who do not belong there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaving {
    /// There is none of them.
    Nobody,
    /// Before anything is excluded.
    First,
    /// After everything is.
    Last,
    /// With another plan.
    Later,
}

impl<'d> Draft<'d> {
    /// Everything that the group is for.
    pub(super) fn carried_by(&mut self, group: &Carrier<'d>, accounts: &[Account]) {
        self.roles(accounts);
        self.members(group, accounts);
        let strangers = self.strangers(group, accounts);
        let leaving = self.leaving(group, accounts, &strangers);
        self.frozen(group, accounts, matches!(leaving, Leaving::First | Leaving::Last));
        if leaving == Leaving::First {
            self.actions.extend(strangers.clone());
        }
        if matches!(leaving, Leaving::Nobody | Leaving::First) {
            self.unit(group);
        }
        let before = self.actions.len();
        self.exclusions(group);
        if leaving == Leaving::Later {
            let waiting = self.actions.split_off(before).len();
            self.wait(group, &strangers, waiting);
        }
        self.campaign(group);
        if self.wanted.has_passkeys {
            self.passkeys(group);
        }
        if leaving == Leaving::Last {
            self.actions.extend(strangers);
            self.unit(group);
        }
        self.owners(group);
        self.by_hand(accounts);
    }

    fn members(&mut self, group: &Carrier<'_>, accounts: &[Account]) {
        let members: BTreeSet<ObjectKey> = members_of(group);
        for account in accounts {
            if account.key.is_none_or(|key| !members.contains(&key)) {
                let action = Action::AddMember { group: group.named.clone(), member: account.named() };
                self.act(action, "the group carries the exclusion");
            }
        }
    }

    /// How whoever is in the group and is no account leaves it.
    fn strangers(&self, group: &Carrier<'_>, accounts: &[Account]) -> Vec<(Action, String)> {
        let wanted: BTreeSet<ObjectKey> = accounts.iter().filter_map(|account| account.key).collect();
        let leaves = |member: &ObjectKey| {
            let id = self.snapshot.id(*member).to_string();
            let name = match self.snapshot.row(*member) {
                ObjectRow::User(_) => {
                    self.snapshot.user(*member).map_or_else(|| id.clone(), |user| user.name().to_owned())
                }
                // Several may have one name.
                _ => format!("{} ({id})", self.snapshot.name(*member)),
            };
            let member = Named { object: Ref::Id(id), name };
            let because = "it is no emergency access account, and is excluded from every policy by the group";
            (Action::RemoveMember { group: group.named.clone(), member }, because.to_owned())
        };
        members_of(group).difference(&wanted).map(leaves).collect()
    }

    fn leaving(&self, group: &Carrier<'_>, accounts: &[Account], strangers: &[(Action, String)]) -> Leaving {
        if strangers.is_empty() {
            Leaving::Nobody
        } else if !self.is_excluded_somewhere(group) {
            Leaving::First
        } else if self.are_ready(accounts) {
            Leaving::Last
        } else {
            Leaving::Later
        }
    }

    /// Whether a policy excludes the group, or another group that it is in, whatever the state of the policy.
    fn is_excluded_somewhere(&self, group: &Carrier<'_>) -> bool {
        let Some(group) = group.found else { return false };
        let snapshot = self.snapshot;
        let holds = |key: ObjectKey| {
            let groups = snapshot.groups.items().iter();
            groups.filter(move |one| one.members.iter().flatten().any(|member| member.key == key)).map(|one| one.key)
        };
        let mut keys: BTreeSet<ObjectKey> = [group.key].into();
        let mut left = vec![group.key];
        while let Some(key) = left.pop() {
            left.extend(holds(key).filter(|key| keys.insert(*key)).collect::<Vec<_>>());
        }
        let ids: BTreeSet<String> = keys.into_iter().map(|key| snapshot.id(key).to_string()).collect();
        let policies = snapshot.conditional_access_policies.items().iter();
        let mut excluded =
            policies.flat_map(|policy| policy.conditions.users.iter().flat_map(|users| &users.exclude_groups));
        excluded.any(|id| ids.contains(id.as_str()))
    }

    /// Whether every account is there, is enabled and, if it signs in with a security key, has one. As long as one is not, nobody leaves
    /// the group: whoever is in it may be the last whom no policy keeps out.
    fn are_ready(&self, accounts: &[Account]) -> bool {
        let has_key = |account: &Account| {
            let user = account.key.and_then(|key| self.snapshot.user(key));
            has_key_that_works(self.snapshot, user, self.at)
        };
        let is_there = |account: &Account| {
            let user = account.key.and_then(|key| self.snapshot.user(key));
            user.is_some_and(|user| user.account_enabled == Property::Value(true))
        };
        accounts.iter().all(|account| is_there(account) && (!self.wanted.has_passkeys || has_key(account)))
    }

    /// Says who leaves the group with a later plan, and what waits for that: policies that the group is not excluded from
    /// yet, and the unit that would freeze it.
    fn wait(&mut self, group: &Carrier<'_>, strangers: &[(Action, String)], waiting: usize) {
        let names = strangers.iter().filter_map(|(action, _)| match action {
            Action::RemoveMember { member, .. } => Some(member.to_string()),
            _ => None,
        });
        let names = names.collect::<Vec<_>>().join(", ");
        let ready = if self.wanted.has_passkeys {
            "register a security key for each account"
        } else {
            "see that each account is there and enabled"
        };
        let more = match waiting {
            0 => String::new(),
            1 => ", and excludes the group from one policy more".to_owned(),
            count => format!(", and excludes the group from {count} policies more"),
        };
        self.by_hand.push(ByHand::due(
            format!(
                "{ready}, sign in with it, then plan again: only then does a plan take {names} out of group {}{more}; \
                 or take {names} out yourself, if nobody rests on that",
                group.named
            ),
            "until the accounts are known to work they may be the last whom no policy keeps out, and an exclusion more would \
             exempt them as well",
        ));
    }

    /// In a unit with restricted management nobody changes members, not even a Global Administrator.
    fn frozen(&mut self, group: &Carrier<'d>, accounts: &[Account], do_some_leave: bool) {
        let unit = group.found.and_then(|group| self.snapshot.restricted_units_of(group.key).next());
        let Some(unit) = unit else { return };
        let unit = unit.display_name.as_deref().unwrap_or_else(|| self.snapshot.objects.id(unit.key));
        let members = members_of(group);
        let does_one_come = accounts.iter().any(|account| account.key.is_none_or(|key| !members.contains(&key)));
        if does_one_come || do_some_leave {
            self.objections.push(Objection::Frozen { group: group.named.name.clone(), unit: unit.to_owned() });
        }
    }

    /// The unit that protects the group.
    fn unit(&mut self, group: &Carrier<'_>) {
        let Protection::RestrictedUnit { name } = &self.wanted.protection else { return };
        if group.found.is_some_and(|group| self.is_in_restricted_unit(group.key)) {
            return;
        }
        self.must_know("administrativeUnits", &self.snapshot.administrative_units);
        let units = self.snapshot.administrative_units.items().iter();
        let same: Vec<_> = units.filter(|unit| unit.display_name.as_deref() == Some(name)).collect();
        match same.as_slice() {
            [] => {}
            [unit] if unit.is_member_management_restricted == Property::Value(true) => {
                let unit = Named { object: Ref::Id(self.snapshot.id(unit.key).to_string()), name: name.clone() };
                self.act(Action::AddToUnit { unit, group: group.named.clone() }, "nobody else is to edit it");
                return;
            }
            _ => {
                self.objections.push(Objection::UnitTaken(name.clone()));
                return;
            }
        }
        let action = Action::CreateRestrictedUnit { display_name: name.clone() };
        let unit = Named { object: Ref::MadeBy(action.key()), name: name.clone() };
        self.act(action, "nobody else is to edit the group");
        self.act(Action::AddToUnit { unit, group: group.named.clone() }, "nobody else is to edit it");
    }

    /// Whoever owns the group changes its members.
    fn owners(&mut self, group: &Carrier<'_>) {
        let owners = group.found.and_then(|group| group.owners.as_deref()).unwrap_or_default();
        let names = owners.iter().map(|owner| format!("`{}`", self.snapshot.name(owner.key))).collect::<Vec<_>>();
        if !names.is_empty() {
            self.by_hand.push(ByHand::due(
                format!(
                    "take {} off the owners of group {} (Entra admin center, Groups, Owners)",
                    names.join(", "),
                    group.named
                ),
                "an owner changes its members, and so who is excluded",
            ));
        }
    }
}

fn members_of(group: &Carrier<'_>) -> BTreeSet<ObjectKey> {
    let members = group.found.and_then(|group| group.members.as_deref());
    members.into_iter().flatten().map(|member| member.key).collect()
}
