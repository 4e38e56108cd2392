//! What the watcher remembers: sign-ins of emergency accounts, where each source was left, and what is to be delivered.
//!
//! One promise holds all of it together: what a page of a log brings (sign-ins, entries of incidents, deliveries, and where
//! to go on) is kept whole or not at all, and nobody else's work is overwritten by it. A delivery is lent to one worker at a
//! time, for a while, by the store's own clock: whoever comes back later than that changes nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use breakglass_custody::name::Name;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::store::{Store, StoreError};
use crate::watching::event::{Event, EventId, Reached};
use crate::watching::patience::RETRY_AFTER_SECONDS_MAX;

/// A sign-in, and its place in an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEvent {
    /// What is known of it.
    pub event: Event,
    /// The stream of the incident.
    pub incident: String,
    /// Its number there, from 1.
    pub number: u64,
}

/// A sign-in as it is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// As it is kept from now on.
    pub kept: KeptEvent,
    /// What it takes the place of, if it was kept before.
    pub replaces: Option<KeptEvent>,
}

/// Sign-ins of an incident, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Behind {
    /// How many.
    pub count: u64,
    /// The highest number.
    pub last: Option<u64>,
    /// How far somebody got.
    pub furthest: Option<Reached>,
}

/// What is delivered once, however often it is tried.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeliveryKey {
    /// The stream of the incident.
    pub incident: String,
    /// Which alert of it, from 1.
    pub alert: u32,
    /// By which channel.
    pub channel: Name,
    /// To whom.
    pub recipient: Name,
    /// On which step of the ladder.
    pub step: u16,
}

impl DeliveryKey {
    /// By which the provider and the receiver know what comes twice: the same at each try, and another for anything else.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        let Self { incident, alert, channel, recipient, step } = self;
        // No name has `_` in it, so that two keys differ wherever their parts do; and Standard Webhooks wants no full stop.
        format!("breakglass_{}_{alert}_{channel}_{recipient}_{step}", incident.replace('/', "-"))
    }
}

/// A delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Which.
    pub key: DeliveryKey,
    /// What is delivered: the same at each try.
    pub message: Value,
}

/// A delivery that is lent.
#[derive(Debug, Clone, PartialEq)]
pub struct Lent {
    /// What.
    pub delivery: Delivery,
    /// Which try it is, from 1: nobody else has this one.
    pub attempt: u32,
    /// When it was to be delivered first.
    pub since: Timestamp,
    /// By the store's clock.
    pub now: Timestamp,
}

/// What came of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// The provider has taken it.
    Delivered,
    /// It is tried again so many seconds later.
    Again {
        /// How many.
        seconds: i64,
        /// Why it did not succeed.
        why: String,
    },
    /// It was tried for long enough.
    Expired {
        /// Why it did not succeed.
        why: String,
    },
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeliveryState {
    /// It is to be delivered.
    Pending,
    /// The provider has taken it.
    Delivered,
    /// It was tried for long enough.
    Expired,
}

/// A delivery and how it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptDelivery {
    /// What.
    pub delivery: Delivery,
    /// How it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempt_count: u32,
    /// Why the last try did not succeed.
    pub why: Option<String>,
}

/// What a page of a log brings, or an alert that is due.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Where a source was left before, and where it is now.
    pub cursor: Option<MovedCursor>,
    /// How incidents stand: if one of them has come further, nothing is kept.
    pub expected: Vec<ExpectedIncident>,
    /// Sign-ins.
    pub events: Vec<NewEvent>,
    /// Entries of incidents: the stream, how many entries it has so far, and the entry.
    pub entries: Vec<(String, usize, Value)>,
    /// What is to be delivered from now on.
    pub deliveries: Vec<Delivery>,
}

/// An incident, as far as it had come when something was put together for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedIncident {
    /// Its stream.
    pub incident: String,
    /// Entries that it has.
    pub length: usize,
    /// The highest number of a sign-in; 0 if it has none.
    pub last: u64,
}

/// A source that has come further.
#[derive(Debug, Clone, PartialEq)]
pub struct MovedCursor {
    /// The source.
    pub source: Name,
    /// Where it was left, as it is kept.
    pub before: Option<Value>,
    /// Where it is now.
    pub after: Value,
}

/// Seconds to which a delivery is ever put off. One that is due later than that was put off by a clock that has been set back since:
/// it is due.
pub const DUE_SECONDS_MAX: i64 = RETRY_AFTER_SECONDS_MAX;

/// What the watcher remembers.
pub trait WatchStore: Store {
    /// Keeps all of it, or nothing.
    ///
    /// # Errors
    /// Somebody else has come between ([`StoreError::Conflict`]), or the place is not writable.
    fn keep(&self, batch: &Batch) -> Result<(), StoreError>;

    /// Where a source was left.
    ///
    /// # Errors
    /// The place is not readable.
    fn cursor(&self, source: &Name) -> Result<Option<Value>, StoreError>;

    /// A sign-in by its id.
    ///
    /// # Errors
    /// The place is not readable.
    fn event(&self, id: &EventId) -> Result<Option<KeptEvent>, StoreError>;

    /// Sign-ins of an incident behind the first `after`, in the order of their numbers, at most `count_max`.
    ///
    /// # Errors
    /// The place is not readable.
    fn events(&self, incident: &str, after: u64, count_max: usize) -> Result<Vec<KeptEvent>, StoreError>;

    /// What is behind the first `after` sign-ins of an incident, without reading them.
    ///
    /// # Errors
    /// The place is not readable.
    fn behind(&self, incident: &str, after: u64) -> Result<Behind, StoreError>;

    /// Lends the delivery of a channel that is due first, for so many seconds; `None` if none is due. What is due later than
    /// [`DUE_SECONDS_MAX`], or lent for longer than that, is due: a clock was set back.
    ///
    /// # Errors
    /// The place is not writable.
    fn lend(&self, channel: &Name, seconds: i64) -> Result<Option<Lent>, StoreError>;

    /// Says what came of a try. `false` if it was lent to somebody else meanwhile, and nothing is changed.
    ///
    /// # Errors
    /// The place is not writable.
    fn tried(&self, lent: &Lent, tried: &Tried) -> Result<bool, StoreError>;

    /// Every delivery of an incident, in the order of its keys.
    ///
    /// # Errors
    /// The place is not readable.
    fn deliveries(&self, incident: &str) -> Result<Vec<KeptDelivery>, StoreError>;
}

/// A watcher's memory that is gone with the process. Its clock stands still unless somebody moves it.
#[derive(Debug)]
pub struct InMemoryWatch(Mutex<Held>);

#[derive(Debug, Clone)]
struct Held {
    now: Timestamp,
    streams: BTreeMap<String, Vec<Value>>,
    cursors: BTreeMap<Name, Value>,
    events: BTreeMap<EventId, KeptEvent>,
    deliveries: BTreeMap<DeliveryKey, HeldDelivery>,
}

#[derive(Debug, Clone)]
struct HeldDelivery {
    kept: KeptDelivery,
    since: Timestamp,
    due_at: Timestamp,
    lent_until: Option<Timestamp>,
}

impl InMemoryWatch {
    /// An empty one, whose clock shows that.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        let (streams, cursors, events) = Default::default();
        Self(Mutex::new(Held { now, streams, cursors, events, deliveries: BTreeMap::new() }))
    }

    /// Moves the clock, forwards or back.
    pub fn set_clock(&self, now: Timestamp) {
        self.held(|held| held.now = now);
    }

    fn held<T>(&self, work: impl FnOnce(&mut Held) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn conflict(stream: &str) -> StoreError {
    StoreError::Conflict { stream: stream.to_owned() }
}

fn later(now: Timestamp, seconds: i64) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

impl Held {
    fn append(&mut self, stream: &str, at: usize, entry: &Value) -> Result<(), StoreError> {
        let entries = self.streams.entry(stream.to_owned()).or_default();
        if entries.len() != at {
            return Err(conflict(stream));
        }
        entries.push(entry.clone());
        Ok(())
    }

    fn keep(&mut self, batch: &Batch) -> Result<(), StoreError> {
        if let Some(MovedCursor { source, before, after }) = &batch.cursor {
            if self.cursors.get(source) != before.as_ref() {
                return Err(conflict(source.as_str()));
            }
            self.cursors.insert(source.clone(), after.clone());
        }
        for ExpectedIncident { incident, length, last } in &batch.expected {
            let of_it = self.events.values().filter(|kept| kept.incident == *incident);
            let found = of_it.map(|kept| kept.number).max().unwrap_or(0);
            if self.streams.get(incident).map_or(0, Vec::len) != *length || found != *last {
                return Err(conflict(incident));
            }
        }
        for NewEvent { kept, replaces } in &batch.events {
            let is_number_free = |held: &Self| {
                let at = (&kept.incident, kept.number);
                !held
                    .events
                    .values()
                    .any(|other| (&other.incident, other.number) == at && other.event.id != kept.event.id)
            };
            if self.events.get(&kept.event.id) != replaces.as_ref() || !is_number_free(self) {
                return Err(conflict(&kept.incident));
            }
            self.events.insert(kept.event.id.clone(), kept.clone());
        }
        for (stream, at, entry) in &batch.entries {
            self.append(stream, *at, entry)?;
        }
        for delivery in &batch.deliveries {
            if self.deliveries.contains_key(&delivery.key) {
                return Err(conflict(&delivery.key.incident));
            }
            let kept =
                KeptDelivery { delivery: delivery.clone(), state: DeliveryState::Pending, attempt_count: 0, why: None };
            let (since, due_at) = (self.now, self.now);
            self.deliveries.insert(delivery.key.clone(), HeldDelivery { kept, since, due_at, lent_until: None });
        }
        Ok(())
    }

    fn lend(&mut self, channel: &Name, seconds: i64) -> Option<Lent> {
        let now = self.now;
        let is_due = |held: &&mut HeldDelivery| {
            held.kept.delivery.key.channel == *channel
                && held.kept.state == DeliveryState::Pending
                && (held.due_at <= now || held.due_at > later(now, DUE_SECONDS_MAX))
                && held.lent_until.is_none_or(|until| until <= now || until > later(now, seconds))
        };
        let all = self.deliveries.values_mut().filter(is_due);
        let held = all.min_by_key(|held| (held.due_at, held.since))?;
        held.kept.attempt_count = held.kept.attempt_count.saturating_add(1);
        held.lent_until = Some(later(now, seconds));
        Some(Lent { delivery: held.kept.delivery.clone(), attempt: held.kept.attempt_count, since: held.since, now })
    }

    fn tried(&mut self, lent: &Lent, tried: &Tried) -> bool {
        let now = self.now;
        let Some(held) = self.deliveries.get_mut(&lent.delivery.key) else { return false };
        let is_lent = held.lent_until.is_some() && held.kept.state == DeliveryState::Pending;
        if held.kept.attempt_count != lent.attempt || !is_lent {
            return false;
        }
        held.lent_until = None;
        match tried {
            Tried::Delivered => (held.kept.state, held.kept.why) = (DeliveryState::Delivered, None),
            Tried::Again { seconds, why } => {
                held.due_at = later(now, *seconds);
                held.kept.why = Some(why.clone());
            }
            Tried::Expired { why } => {
                (held.kept.state, held.kept.why) = (DeliveryState::Expired, Some(why.clone()));
            }
        }
        true
    }
}

impl Store for InMemoryWatch {
    fn append(&self, stream: &str, at: usize, entry: &Value) -> Result<(), StoreError> {
        self.held(|held| held.append(stream, at, entry))
    }

    fn entries(&self, stream: &str) -> Result<Vec<Value>, StoreError> {
        Ok(self.held(|held| held.streams.get(stream).cloned().unwrap_or_default()))
    }

    fn streams(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        Ok(self.held(|held| held.streams.keys().filter(|name| name.starts_with(prefix)).cloned().collect()))
    }
}

impl WatchStore for InMemoryWatch {
    fn keep(&self, batch: &Batch) -> Result<(), StoreError> {
        self.held(|held| {
            let mut next = held.clone();
            next.keep(batch)?;
            *held = next;
            Ok(())
        })
    }

    fn cursor(&self, source: &Name) -> Result<Option<Value>, StoreError> {
        Ok(self.held(|held| held.cursors.get(source).cloned()))
    }

    fn event(&self, id: &EventId) -> Result<Option<KeptEvent>, StoreError> {
        Ok(self.held(|held| held.events.get(id).cloned()))
    }

    fn events(&self, incident: &str, after: u64, count_max: usize) -> Result<Vec<KeptEvent>, StoreError> {
        let mut events = self.held(|held| {
            let of_it = held.events.values().filter(|kept| kept.incident == incident && kept.number > after);
            of_it.cloned().collect::<Vec<_>>()
        });
        events.sort_by_key(|kept| kept.number);
        events.truncate(count_max);
        Ok(events)
    }

    fn behind(&self, incident: &str, after: u64) -> Result<Behind, StoreError> {
        let events = self.events(incident, after, usize::MAX)?;
        Ok(Behind {
            count: events.len() as u64,
            last: events.last().map(|kept| kept.number),
            furthest: events.iter().map(|kept| kept.event.reached).max(),
        })
    }

    fn lend(&self, channel: &Name, seconds: i64) -> Result<Option<Lent>, StoreError> {
        Ok(self.held(|held| held.lend(channel, seconds)))
    }

    fn tried(&self, lent: &Lent, tried: &Tried) -> Result<bool, StoreError> {
        Ok(self.held(|held| held.tried(lent, tried)))
    }

    fn deliveries(&self, incident: &str) -> Result<Vec<KeptDelivery>, StoreError> {
        Ok(self.held(|held| {
            let of_it = held.deliveries.values().filter(|held| held.kept.delivery.key.incident == incident);
            of_it.map(|held| held.kept.clone()).collect()
        }))
    }
}
