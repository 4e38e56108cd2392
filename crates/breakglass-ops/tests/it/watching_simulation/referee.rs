//! A referee who knows the log, what was kept and what the providers took, and nothing of how it came there.
//!
//! It reads what is remembered of an incident as plain JSON, and tells everything that is not as it has to be.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_ops::ports::{DeliveryState, InMemoryWatch, KeptDelivery, KeptEvent, Store as _, WatchStore as _};
use breakglass_ops::watching::event::Reached;
use jiff::Timestamp;
use serde_json::Value;

use super::log::{Log, Telling};
use super::world::{Kept, Taken};
use super::{CHANNELS, hours};

/// Hours within which what is told is read by the next poll; what is later is found when it goes far back.
const SOON_HOURS: i64 = 2;

/// What there is at the end.
pub(crate) struct Trial<'t> {
    pub(crate) log: &'t Log,
    pub(crate) store: &'t InMemoryWatch,
    pub(crate) kept: &'t [Kept],
    pub(crate) taken: &'t [Taken],
    /// Incidents that somebody has closed.
    pub(crate) closed: &'t BTreeSet<u64>,
}

/// An incident, as it is remembered.
struct Found {
    stream: String,
    account: String,
    is_closed: bool,
    /// Up to which sign-in each alert tells.
    covers: BTreeMap<u64, u64>,
    events: Vec<KeptEvent>,
    deliveries: Vec<KeptDelivery>,
}

fn found(store: &InMemoryWatch) -> Vec<Found> {
    let streams = store.streams("incident/").unwrap();
    let read = |stream: String| {
        let entries = store.entries(&stream).unwrap();
        let of = |state: &'static str| entries.iter().filter(move |entry| entry["state"] == state);
        let alerts = of("alerted").map(|entry| (entry["number"].as_u64().unwrap(), entry["covers"].as_u64().unwrap()));
        Found {
            account: entries[0]["account"].as_str().unwrap().to_owned(),
            is_closed: of("closed").next().is_some(),
            covers: alerts.collect(),
            events: store.events(&stream, 0, usize::MAX).unwrap(),
            deliveries: store.deliveries(&stream).unwrap(),
            stream,
        }
    };
    streams.into_iter().map(read).collect()
}

/// What has to be known of each sign-in of an emergency account when everything was told: whose it is, and how far it got.
fn wanted(log: &Log) -> BTreeMap<&str, (&str, Reached)> {
    let mut wanted: BTreeMap<&str, (&str, Reached)> = BTreeMap::new();
    for telling in &log.tellings {
        if let Some(account) = &telling.account {
            let (_, reached) = wanted.entry(&telling.id).or_insert((account, telling.reached));
            *reached = (*reached).max(telling.reached);
        }
    }
    wanted
}

/// Everything that is not as it has to be.
pub(crate) fn judged(trial: &Trial<'_>) -> Vec<String> {
    let found = found(trial.store);
    let mut faults = kept_as_it_was(trial.log, &found);
    faults.extend(told_by_every_channel(trial, &found));
    faults.extend(told_at_once(trial.kept));
    faults.extend(taken_as_it_was_kept(trial.taken, &found));
    faults.extend(closed_by_people(trial.closed, &found));
    faults
}

/// Each sign-in belongs to one incident, which is of its account; and nothing else belongs to any.
fn kept_as_it_was(log: &Log, found: &[Found]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut places: BTreeMap<&str, Vec<(&Found, &KeptEvent)>> = BTreeMap::new();
    for incident in found {
        let numbers: BTreeSet<u64> = incident.events.iter().map(|kept| kept.number).collect();
        if numbers.len() != incident.events.len() || numbers.contains(&0) {
            faults.push(format!("{}: numbers are given twice: {numbers:?}", incident.stream));
        }
        if !log.accounts.iter().any(|account| account.id == incident.account) {
            faults.push(format!("{} is of `{}`, who is nobody's emergency account", incident.stream, incident.account));
        }
        for kept in &incident.events {
            places.entry(kept.event.id.as_str()).or_default().push((incident, kept));
        }
    }
    let wanted = wanted(log);
    for (id, (account, reached)) in &wanted {
        match places.get(id).map(Vec::as_slice) {
            None => faults.push(format!("{id} of `{account}` is missing")),
            Some([(incident, kept)]) => {
                let is_so = (kept.event.account.as_str(), kept.event.reached) == (*account, *reached);
                if !is_so || incident.account != *account || kept.incident != incident.stream {
                    faults
                        .push(format!("{id} of `{account}`, {reached:?}, is kept in {} as {kept:?}", incident.stream));
                }
            }
            Some(more) => faults.push(format!("{id} is kept {} times", more.len())),
        }
    }
    let others = places.keys().filter(|id| !wanted.contains_key(**id));
    faults.extend(others.map(|id| format!("{id} is kept and of no emergency account")));
    faults
}

/// Of each sign-in an alert told that a provider of each channel took after the sign-in was kept.
fn told_by_every_channel(trial: &Trial<'_>, found: &[Found]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut orders: BTreeMap<(&str, u64, &str), u64> = BTreeMap::new();
    for kept in trial.kept {
        for new in &kept.batch.events {
            let place = (new.kept.incident.as_str(), new.kept.number, new.kept.event.id.as_str());
            orders.entry(place).or_insert(kept.order);
        }
    }
    for incident in found {
        for kept in &incident.events {
            let place = (incident.stream.as_str(), kept.number, kept.event.id.as_str());
            let Some(order) = orders.get(&place) else {
                faults.push(format!("{} was never kept where it is", kept.event.id.as_str()));
                continue;
            };
            let tells = |taken: &&Taken| {
                let covers = incident.covers.get(&u64::from(taken.key.alert));
                taken.key.incident == incident.stream
                    && taken.order > *order
                    && covers.is_some_and(|to| *to >= kept.number)
            };
            for channel in CHANNELS {
                let mut of_it = trial.taken.iter().filter(|taken| taken.key.channel.as_str() == channel);
                if !of_it.any(|taken| tells(&taken)) {
                    faults.push(format!("{} was told to nobody by `{channel}`: {kept:?}", kept.event.id.as_str()));
                }
            }
        }
    }
    faults
}

/// Whoever is in is told of by an alert that is kept together with it.
fn told_at_once(kept: &[Kept]) -> Vec<String> {
    let mut faults = Vec::new();
    for Kept { batch, .. } in kept {
        for new in &batch.events {
            let is_before = new.replaces.as_ref().is_some_and(|before| before.event.reached == Reached::Token);
            if new.kept.event.reached != Reached::Token || is_before {
                continue;
            }
            let tells = |entry: &Value| {
                let is_now = entry["because"] == "opened" || entry["because"] == "signedIn";
                is_now && entry["covers"].as_u64().is_some_and(|to| to >= new.kept.number)
            };
            if !batch.entries.iter().any(|(stream, _, entry)| *stream == new.kept.incident && tells(entry)) {
                faults.push(format!("somebody is in, and that is not told at once: {:?}", new.kept));
            }
        }
    }
    faults
}

/// What was taken is what was to be delivered, and all of it; the provider knows the same by the same key, and nothing else.
fn taken_as_it_was_kept(taken: &[Taken], found: &[Found]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut keys = BTreeMap::new();
    for kept in found.iter().flat_map(|incident| &incident.deliveries) {
        let delivery = &kept.delivery;
        if let Some(other) = keys.insert(delivery.key.idempotency_key(), delivery) {
            faults.push(format!("one key for two: {:?}, {:?}", other.key, delivery.key));
        }
        let of_it: Vec<&Taken> = taken.iter().filter(|taken| taken.key == delivery.key).collect();
        if kept.state != DeliveryState::Delivered || of_it.is_empty() {
            let (key, state, count) = (&delivery.key, kept.state, of_it.len());
            faults.push(format!("{key:?} is {state:?}, and was taken {count} times: {:?}", kept.why));
        }
    }
    for one in taken {
        let is_it = keys.get(&one.idempotency_key).is_some_and(|delivery| {
            delivery.key == one.key && serde_json::to_value(&one.message).unwrap() == delivery.message
        });
        if !is_it {
            faults.push(format!("`{}` was taken and is not what was to be delivered", one.idempotency_key));
        }
    }
    faults
}

fn closed_by_people(closed: &BTreeSet<u64>, found: &[Found]) -> Vec<String> {
    let is_theirs = |incident: &&Found| {
        let number = incident.stream.trim_start_matches("incident/").parse::<u64>();
        number.is_ok_and(|number| closed.contains(&number))
    };
    let others = found.iter().filter(|incident| incident.is_closed && !is_theirs(incident));
    others.map(|incident| format!("{} was closed by nobody", incident.stream)).collect()
}

/// What a reading had to bring that began then and has come to its end: whatever the log told when it began, unless it was later
/// than [`SOON_HOURS`] or something else has taken its place meanwhile.
pub(crate) fn read_to_its_end(log: &Log, store: &InMemoryWatch, (began, ended): (Timestamp, Timestamp)) -> Vec<String> {
    let streams = store.streams("incident/").unwrap();
    let events: Vec<KeptEvent> =
        streams.iter().flat_map(|stream| store.events(stream, 0, usize::MAX).unwrap()).collect();
    let kept: BTreeMap<&str, Reached> =
        events.iter().map(|kept| (kept.event.id.as_str(), kept.event.reached)).collect();
    let is_due = |telling: &&Telling| {
        telling.account.is_some()
            && telling.is_shown(began)
            && telling.is_shown(ended)
            && telling.late() <= hours(SOON_HOURS)
    };
    let missing =
        log.tellings.iter().filter(is_due).filter(|telling| kept.get(telling.id.as_str()) < Some(&telling.reached));
    missing.map(|telling| format!("the reading that began {began} brought nothing of {telling:?}")).collect()
}
