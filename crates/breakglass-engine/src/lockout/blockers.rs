//! What keeps people out: the policies and settings that a sign-in does not meet.

use std::collections::BTreeSet;

use breakglass_model::object::ObjectKey;

use super::compile::Compiler;
use super::devices::UNMANAGED;
use super::explain::{MANDATORY_MFA, PER_USER_MFA, SECURITY_DEFAULTS};
use super::goal::{Goal, Tool};
use super::judge::DeviceContext;
use super::need::quiet;
use super::people::Held;
use super::report::{Cause, WaySession};
use crate::access::Target;

/// Attempts to sign in that are looked at.
const ATTEMPT_COUNT_MAX: usize = 2_000;

/// One attempt: who, in which activated role besides, with which tool.
type Attempt = (ObjectKey, Option<&'static str>, Tool);

impl Compiler<'_> {
    /// What keeps a session from being begun as a way begins it, with its own device and at its own place.
    pub(super) fn blockers(&mut self, session: &WaySession) -> Vec<Cause> {
        let Some(user) = self.access.snapshot().objects.find(&session.user) else { return Vec::new() };
        let Some(tool) = Tool::ALL.into_iter().find(|tool| tool.name() == session.tool) else { return Vec::new() };
        let person = self.person(user);
        let devices = person.devices.get(tool.client()).map_or(&[][..], Vec::as_slice);
        let with = person.credentials.iter().position(|one| one.key.modes.to_string() == session.combination);
        let combination = with.and_then(|place| person.combinations.get(place)).copied();
        let Some(combination) = combination else { return Vec::new() };
        let is_there = |number: &u16| self.judge.place(*number).is_some_and(|place| place.id == session.location);
        let place = (0..self.judge.place_count()).find(is_there).unwrap_or(0);
        // On any device: what keeps it from every platform.
        let is_on = |device: &&DeviceContext| match session.device.as_str() {
            UNMANAGED => device.registered.is_none(),
            id => *device.id == *id,
        };
        let mut on: Vec<u32> = devices.iter().filter(is_on).map(|device| device.class).collect();
        if on.is_empty() {
            on.extend(devices.first().map(|device| device.class));
        }
        let mut each: Vec<BTreeSet<Cause>> = Vec::new();
        for class in on {
            each.push(self.causes_at((user, session.role, tool), (class, combination), place));
        }
        if each.iter().any(BTreeSet::is_empty) {
            return Vec::new();
        }
        least(&each).into_iter().collect()
    }

    /// What keeps each attempt out of those who hold a role for a goal: sets of causes, each once.
    pub(super) fn blockers_of_holders(&mut self, goal: Goal) -> Vec<BTreeSet<Cause>> {
        let mut attempts: Vec<Attempt> = Vec::new();
        for role in goal.roles() {
            let holders: Vec<(ObjectKey, Held)> = self.people.holders(role).collect();
            for (user, held) in holders {
                let activated = (held == Held::Eligible).then_some(*role);
                attempts.extend(goal.tools().iter().map(|tool| (user, activated, *tool)));
            }
        }
        let mut found = Vec::new();
        for attempt in attempts {
            let person = self.person(attempt.0);
            let devices = person.devices.get(attempt.2.client()).map_or(&[][..], Vec::as_slice);
            let places = 0..self.judge.place_count();
            let on_devices = |place: u16| devices.iter().map(move |device| (device.class, place));
            for (class, place) in places.flat_map(on_devices) {
                for combination in &person.combinations {
                    if found.len() == ATTEMPT_COUNT_MAX {
                        break;
                    }
                    found.push(self.causes_at(attempt, (class, *combination), place));
                }
            }
            if found.len() == ATTEMPT_COUNT_MAX {
                break;
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn causes_at(
        &mut self,
        (user, role, tool): Attempt,
        (class, combination): (u32, u32),
        place: u16,
    ) -> BTreeSet<Cause> {
        let identity = self.identity(user, role);
        let target = self.access.targets().row(&Target::Application(tool.app_id().into()));
        let rejecting = self.judge.rejecting(&(identity, &[target], class, combination), place, quiet::ALL);
        let mut causes: BTreeSet<Cause> = self.causes(&rejecting).into_iter().collect();
        if !self.judge.is_multifactor(combination) {
            let asked = [
                (self.is_mfa_mandatory(tool), MANDATORY_MFA),
                (self.defaults_ask(user, role, tool), SECURITY_DEFAULTS),
                (self.person(user).is_mfa_forced, PER_USER_MFA),
            ];
            causes.extend(
                asked.into_iter().filter(|(is_asked, _)| *is_asked).map(|(_, setting)| Cause::Setting(setting)),
            );
        }
        causes
    }
}

/// All that stands in the way of those attempts that the least stands in the way of: one whose causes are those of
/// another and more besides says nothing new.
pub(crate) fn least(sets: &[BTreeSet<Cause>]) -> BTreeSet<Cause> {
    let is_least = |causes: &&BTreeSet<Cause>| {
        let has_less =
            |other: &BTreeSet<Cause>| !other.is_empty() && other.len() < causes.len() && other.is_subset(causes);
        !causes.is_empty() && !sets.iter().any(has_less)
    };
    sets.iter().filter(is_least).flatten().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_the_way_of_less_is_named() {
        let set = |names: &[&'static str]| names.iter().map(|name| Cause::Setting(name)).collect::<BTreeSet<_>>();
        assert_eq!(least(&[set(&["a"]), set(&["a", "b"]), set(&["c", "d"]), set(&[])]), set(&["a", "c", "d"]));
        assert_eq!(least(&[set(&["a", "b"])]), set(&["a", "b"]));
        assert_eq!(least(&[]), set(&[]));
    }
}
