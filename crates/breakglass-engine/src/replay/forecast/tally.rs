//! What a change would have done to some sign-ins, added up by effect, person, application, country and client.

use std::collections::BTreeMap;

use breakglass_model::object::ObjectKey;
use breakglass_model::sign_in_record::SignInRecord;
use jiff::Timestamp;

use crate::replay::Why;
use crate::replay::tally::{Counts, join_times};

/// Applications that are counted apart; those beyond are counted together.
pub const APPLICATION_COUNT_MAX: usize = 10_000;
/// Countries that are counted apart; there are some 250.
pub const COUNTRY_COUNT_MAX: usize = 1_000;
/// Sign-ins that are shown for each effect.
pub const EXAMPLES_PER_EFFECT_MAX: usize = 3;

/// What a change would have done to a sign-in. Worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// It would have been blocked, and was not.
    Blocked,
    /// It would have been asked for what this device or client cannot give, and was not.
    Unsatisfiable,
    /// The person would have been asked for something more.
    Asked,
    /// Less would have been demanded.
    Relieved,
    /// It cannot be told.
    Unknown,
    /// Nothing would have been different.
    Unchanged,
}

impl Effect {
    /// Every effect.
    pub const ALL: [Self; 6] =
        [Self::Blocked, Self::Unsatisfiable, Self::Asked, Self::Relieved, Self::Unknown, Self::Unchanged];

    /// Its name in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Unsatisfiable => "unsatisfiable",
            Self::Asked => "asked",
            Self::Relieved => "relieved",
            Self::Unknown => "unknown",
            Self::Unchanged => "unchanged",
        }
    }
}

/// How many sign-ins had each effect, in the order of [`Effect::ALL`].
pub type EffectCounts = [u64; Effect::ALL.len()];

/// A sign-in to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Its place among all records.
    pub number: u64,
    /// When.
    pub at: Option<Timestamp>,
    /// Who: the id of the user or service principal as recorded.
    pub who: String,
    /// To which application.
    pub application: Option<String>,
    /// From which country.
    pub country: Option<String>,
    /// With which client, as recorded.
    pub client: Option<String>,
    /// What would have been asked for, or no longer; empty where it would have been blocked.
    pub controls: Vec<String>,
}

/// What was found in some records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForecastTally {
    /// Records that were read.
    pub records: u64,
    /// Sign-ins by effect.
    pub effects: EffectCounts,
    /// What would have been asked for, by the name of the control.
    pub asked: BTreeMap<String, u64>,
    /// What would no longer have been demanded.
    pub relieved: BTreeMap<String, u64>,
    /// By person.
    pub persons: BTreeMap<u32, EffectCounts>,
    /// Of service principals, all together.
    pub service_principals: EffectCounts,
    /// By application: its id, and the last name that a record gave it.
    pub applications: BTreeMap<String, (String, EffectCounts)>,
    /// Sign-ins to further applications.
    pub applications_folded: u64,
    /// By country.
    pub countries: BTreeMap<String, EffectCounts>,
    /// Sign-ins from further countries.
    pub countries_folded: u64,
    /// By client, as recorded.
    pub clients: BTreeMap<String, EffectCounts>,
    /// Sign-ins with further clients.
    pub clients_folded: u64,
    /// Why it cannot be told.
    pub unknown: BTreeMap<Why, u64>,
    /// Examples by effect.
    pub examples: BTreeMap<Effect, Vec<Example>>,
    /// Report-only results of the log against ours, by the policy's index in the changed tenant.
    pub report_only: BTreeMap<usize, Counts>,
    /// First and last time of a record.
    pub times: Option<(Timestamp, Timestamp)>,
}

fn add(counts: &mut EffectCounts, other: &EffectCounts) {
    counts.iter_mut().zip(other).for_each(|(own, other)| *own += other);
}

fn count(counts: &mut EffectCounts, effect: Effect) {
    let place = Effect::ALL.iter().position(|known| *known == effect);
    place.and_then(|place| counts.get_mut(place)).into_iter().for_each(|count| *count += 1);
}

/// How many of some counts are of an effect.
#[must_use]
pub fn count_of(counts: &EffectCounts, effect: Effect) -> u64 {
    let place = Effect::ALL.iter().position(|known| *known == effect);
    place.and_then(|place| counts.get(place)).copied().unwrap_or_default()
}

/// Adds to a bounded map; what finds no place is counted by the sum.
fn add_bounded<'m, T: Default>(
    (map, folded): (&'m mut BTreeMap<String, T>, &mut u64),
    key: &str,
    limit: usize,
    counts: &EffectCounts,
) -> Option<&'m mut T> {
    if map.len() >= limit && !map.contains_key(key) {
        *folded += counts.iter().sum::<u64>();
        return None;
    }
    if !map.contains_key(key) {
        map.insert(key.to_owned(), T::default());
    }
    map.get_mut(key)
}

impl ForecastTally {
    pub(super) fn count(&mut self, effect: Effect) {
        count(&mut self.effects, effect);
    }

    /// Counts a sign-in with an effect by person, application, country and client.
    pub(super) fn note(&mut self, record: &SignInRecord<'_>, (effect, user): (Effect, Option<ObjectKey>)) {
        let mut one = EffectCounts::default();
        count(&mut one, effect);
        match user.and_then(|user| u32::try_from(user.index()).ok()) {
            Some(person) => add(self.persons.entry(person).or_default(), &one),
            None => add(&mut self.service_principals, &one),
        }
        self.add_application(record.app_id.as_deref().unwrap_or_default(), record.app_display_name.as_deref(), &one);
        self.add_country(record.country.as_deref().unwrap_or_default(), &one);
        self.add_client(record.client_app_used.as_deref().unwrap_or_default(), &one);
    }

    fn add_application(&mut self, id: &str, name: Option<&str>, counts: &EffectCounts) {
        let place = (&mut self.applications, &mut self.applications_folded);
        if let Some((own_name, own)) = add_bounded(place, id, APPLICATION_COUNT_MAX, counts) {
            add(own, counts);
            if let Some(name) = name.filter(|name| !name.is_empty() && *name != own_name.as_str()) {
                name.clone_into(own_name);
            }
        }
    }

    fn add_country(&mut self, country: &str, counts: &EffectCounts) {
        let place = (&mut self.countries, &mut self.countries_folded);
        if let Some(own) = add_bounded(place, country, COUNTRY_COUNT_MAX, counts) {
            add(own, counts);
        }
    }

    fn add_client(&mut self, client: &str, counts: &EffectCounts) {
        let place = (&mut self.clients, &mut self.clients_folded);
        if let Some(own) = add_bounded(place, client, COUNTRY_COUNT_MAX, counts) {
            add(own, counts);
        }
    }

    pub(super) fn keep_example(
        &mut self,
        record: &SignInRecord<'_>,
        (number, effect): (u64, Effect),
        controls: Vec<String>,
    ) {
        let examples = self.examples.entry(effect).or_default();
        if examples.len() >= EXAMPLES_PER_EFFECT_MAX {
            return;
        }
        let text = |text: &Option<std::borrow::Cow<'_, str>>| {
            text.as_deref().filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let who = [&record.user_principal_name, &record.user_id, &record.service_principal_id];
        examples.push(Example {
            number,
            at: record.created_date_time,
            who: who.into_iter().find_map(text).unwrap_or_default(),
            application: text(&record.app_display_name).or_else(|| text(&record.app_id)),
            country: text(&record.country),
            client: text(&record.client_app_used),
            controls,
        });
    }

    /// Adds what was found in the records behind these.
    pub fn join(&mut self, later: Self) {
        self.records += later.records;
        add(&mut self.effects, &later.effects);
        add(&mut self.service_principals, &later.service_principals);
        for (own, other) in [(&mut self.asked, later.asked), (&mut self.relieved, later.relieved)] {
            other.into_iter().for_each(|(control, count)| *own.entry(control).or_default() += count);
        }
        later.persons.iter().for_each(|(person, counts)| add(self.persons.entry(*person).or_default(), counts));
        for (id, (name, counts)) in &later.applications {
            self.add_application(id, Some(name), counts);
        }
        later.countries.iter().for_each(|(country, counts)| self.add_country(country, counts));
        later.clients.iter().for_each(|(client, counts)| self.add_client(client, counts));
        self.applications_folded += later.applications_folded;
        self.countries_folded += later.countries_folded;
        self.clients_folded += later.clients_folded;
        later.unknown.iter().for_each(|(why, count)| *self.unknown.entry(*why).or_default() += count);
        for (effect, examples) in later.examples {
            let own = self.examples.entry(effect).or_default();
            let room = EXAMPLES_PER_EFFECT_MAX.saturating_sub(own.len());
            own.extend(examples.into_iter().take(room));
        }
        for (policy, counts) in later.report_only {
            self.report_only.entry(policy).or_default().add(counts);
        }
        self.times = join_times(self.times, later.times);
    }

    /// How many persons have at least one sign-in with an effect.
    #[must_use]
    pub fn persons_with(&self, effect: Effect) -> u64 {
        self.persons.values().filter(|counts| count_of(counts, effect) > 0).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one() -> EffectCounts {
        let mut counts = EffectCounts::default();
        count(&mut counts, Effect::Asked);
        counts
    }

    #[test]
    fn applications_beyond_the_limit_are_counted_together() {
        let mut tally = ForecastTally::default();
        for number in 0..=APPLICATION_COUNT_MAX {
            tally.add_application(&format!("app-{number}"), None, &one());
        }
        assert_eq!((tally.applications.len(), tally.applications_folded), (APPLICATION_COUNT_MAX, 1));
        tally.add_application("app-0", Some("First"), &one());
        let (name, counts) = &tally.applications["app-0"];
        assert_eq!((name.as_str(), count_of(counts, Effect::Asked)), ("First", 2));
    }

    #[test]
    fn countries_and_clients_beyond_the_limit_are_counted_together() {
        let mut tally = ForecastTally::default();
        for number in 0..=COUNTRY_COUNT_MAX {
            tally.add_country(&format!("C{number}"), &one());
            tally.add_client(&format!("client {number}"), &one());
        }
        assert_eq!((tally.countries.len(), tally.countries_folded), (COUNTRY_COUNT_MAX, 1));
        assert_eq!((tally.clients.len(), tally.clients_folded), (COUNTRY_COUNT_MAX, 1));
    }

    #[test]
    fn the_first_examples_are_kept() {
        let mut tally = ForecastTally::default();
        for number in 0..=EXAMPLES_PER_EFFECT_MAX as u64 {
            let mut later = ForecastTally::default();
            later.keep_example(&SignInRecord::default(), (number, Effect::Asked), Vec::new());
            tally.join(later);
        }
        let numbers: Vec<u64> = tally.examples[&Effect::Asked].iter().map(|example| example.number).collect();
        assert_eq!(numbers, [0, 1, 2]);
    }
}
