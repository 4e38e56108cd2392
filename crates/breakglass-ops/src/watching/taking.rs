//! What the logs bring, taken in: into incidents, and from there into alerts.
//!
//! **Invariant:** a sign-in of a watched account is kept together with the incident that it belongs to, with the alert that is
//! due because of it, and with where its source goes on, or none of it is kept. The same sign-in told again changes nothing,
//! unless somebody got further by it: then it is told like a new one. Whoever else takes in at the same time, nothing is
//! lost and nothing is told twice.
//! **Limits:** [`CONFLICT_COUNT_MAX`], [`EVENT_COUNT_MAX`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::Value;

use super::event::{Event, EventId, Reached};
use super::incident::{Entry, EntryError, Incident};
use super::ladder::{Ladder, Route};
use super::message::{EVENT_COUNT_MAX, Message};
use super::own::is_own;
use crate::journal::{LineError, check_line};
use crate::ports::{
    Batch, Behind, Clock, Delivery, DeliveryKey, ExpectedIncident, KeptEvent, MovedCursor, NewEvent, StoreError,
    WatchStore,
};

/// What the names of streams begin with; behind it the number of the incident, from 1.
pub const PREFIX: &str = "incident/";

/// How often somebody else may be faster before it is given up for the time being.
pub const CONFLICT_COUNT_MAX: usize = 100;

/// Why nothing was taken in.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The place is of no use, or others were faster all the time.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An entry does not follow, which is a fault of ours.
    #[error("the incident `{stream}` cannot be gone on with: {why}")]
    Entry {
        /// The stream.
        stream: String,
        /// Why.
        why: EntryError,
    },
    /// The ledger could not take it.
    #[error(transparent)]
    Line(#[from] LineError),
    /// It cannot be written down.
    #[error("what is to be remembered cannot be written: {0}")]
    Written(#[from] serde_json::Error),
}

/// An incident as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// Its number, from 1.
    pub number: u64,
    /// How many entries it has.
    pub length: usize,
    /// How it stands.
    pub incident: Incident,
}

impl Remembered {
    /// Its stream.
    #[must_use]
    pub fn stream(&self) -> String {
        stream_of(self.number)
    }
}

/// A stream of an incident that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// Which.
    pub stream: String,
    /// Why.
    pub why: String,
}

/// The stream of an incident.
#[must_use]
pub fn stream_of(number: u64) -> String {
    format!("{PREFIX}{number}")
}

/// Every incident, in the order in which they began, and the streams that make no sense, with the reason.
///
/// # Errors
/// The place is not readable.
pub fn incidents(
    store: &dyn WatchStore,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<(Vec<Remembered>, Vec<Damaged>), StoreError> {
    let (mut all, mut damaged) = (Vec::new(), Vec::new());
    for stream in store.streams(PREFIX)?.into_iter().filter(|stream| is_wanted(stream)) {
        let values = store.entries(&stream)?;
        let length = values.len();
        let read = || -> Result<Remembered, String> {
            let number = stream.strip_prefix(PREFIX).and_then(|number| number.parse().ok());
            let number = number.ok_or("its name has no number")?;
            let entries: Result<Vec<Entry>, _> = values.into_iter().map(serde_json::from_value).collect();
            let entries = entries.map_err(|error| error.to_string())?;
            let incident = Incident::of(&entries).map_err(|error| error.to_string())?;
            Ok(Remembered { number, length, incident })
        };
        match read() {
            Ok(remembered) => all.push(remembered),
            Err(why) => damaged.push(Damaged { stream, why }),
        }
    }
    all.sort_by_key(|remembered| remembered.number);
    Ok((all, damaged))
}

/// What came of taking in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Sign-ins that nobody had told before.
    pub new_count: usize,
    /// Sign-ins by which somebody got further than was known.
    pub raised_count: usize,
    /// Sign-ins of which more is known than before, and nothing that matters.
    pub enriched_count: usize,
    /// Alerts.
    pub alert_count: usize,
    /// Streams of incidents that make no sense, with the reason: what would belong to them is in others.
    pub damaged: Vec<Damaged>,
}

/// Whoever takes in.
pub struct Watcher<'w> {
    store: &'w dyn WatchStore,
    clock: &'w dyn Clock,
    ladder: &'w Ladder,
    /// Streams of incidents that are over, which stay so.
    closed: Mutex<BTreeSet<String>>,
}

/// What is to be kept, while it is put together.
struct Gathered {
    open: BTreeMap<String, Remembered>,
    count: usize,
    batch: Batch,
    /// By stream: the highest number so far, and how far somebody got at those that are new.
    touched: BTreeMap<u64, (u64, Option<Reached>)>,
    /// By number: entries and sign-ins that an incident had when this was begun.
    begun: BTreeMap<u64, (usize, u64)>,
    taken: Taken,
    now: Timestamp,
}

impl<'w> Watcher<'w> {
    /// Whoever keeps in a store what is to be told by a ladder.
    #[must_use]
    pub fn new(store: &'w dyn WatchStore, clock: &'w dyn Clock, ladder: &'w Ladder) -> Self {
        Self { store, clock, ladder, closed: Mutex::default() }
    }

    /// Takes in what a source has told, and where it goes on. If somebody else has moved the source meanwhile, what it told is
    /// taken in all the same, and it goes on where they left it.
    ///
    /// # Errors
    /// Nothing was taken in; the same again may be.
    pub fn take(&self, events: &[Event], cursor: Option<MovedCursor>) -> Result<Taken, WatchError> {
        let mut told: BTreeMap<&EventId, Event> = BTreeMap::new();
        for event in events {
            let known = told.get(&event.id).map_or_else(|| event.clone(), |known| known.with(event));
            told.insert(&event.id, known);
        }
        let told: Vec<Event> = told.into_values().collect();
        let mut cursor = cursor;
        self.until_kept(|gathered| {
            if let Some(moved) = &cursor {
                if self.store.cursor(&moved.source)? == moved.before {
                    gathered.batch.cursor = Some(moved.clone());
                } else {
                    cursor = None;
                }
            }
            told.iter().try_for_each(|event| self.gather(gathered, event))
        })
    }

    /// Alerts that are due because time has passed: more tries that were only counted, and what nobody has answered.
    ///
    /// # Errors
    /// Nothing was done; the same again may be.
    pub fn tick(&self) -> Result<Taken, WatchError> {
        self.until_kept(|gathered| {
            for remembered in gathered.open.values() {
                gathered.touched.insert(remembered.number, (0, None));
            }
            Ok(())
        })
    }

    fn until_kept(&self, mut gather: impl FnMut(&mut Gathered) -> Result<(), WatchError>) -> Result<Taken, WatchError> {
        let mut last = None;
        for _ in 0..CONFLICT_COUNT_MAX {
            let mut gathered = self.begun()?;
            gather(&mut gathered)?;
            self.alert(&mut gathered)?;
            let Gathered { mut batch, taken, touched, begun, .. } = gathered;
            if batch == Batch::default() {
                return Ok(taken);
            }
            // Nobody may close one of these meanwhile, or add to it.
            for number in touched.into_keys() {
                let (length, last) = begun.get(&number).copied().unwrap_or_default();
                batch.expected.push(ExpectedIncident { incident: stream_of(number), length, last });
            }
            match self.store.keep(&batch) {
                Ok(()) => return Ok(taken),
                Err(error @ StoreError::Conflict { .. }) => last = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        let fault = || StoreError::Conflict { stream: PREFIX.to_owned() };
        Err(last.unwrap_or_else(fault).into())
    }

    fn begun(&self) -> Result<Gathered, WatchError> {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let count = self.store.streams(PREFIX)?.len();
        let (all, damaged) = incidents(self.store, |stream| !closed.contains(stream))?;
        let mut open = BTreeMap::new();
        for remembered in all {
            if remembered.incident.is_closed() {
                closed.insert(remembered.stream());
            } else {
                // If two are open, which nobody does, the later one goes on.
                open.insert(remembered.incident.account().to_owned(), remembered);
            }
        }
        let mut begun = BTreeMap::new();
        for remembered in open.values() {
            let last = self.store.behind(&remembered.stream(), 0)?.last.unwrap_or(0);
            begun.insert(remembered.number, (remembered.length, last));
        }
        let (batch, touched) = (Batch::default(), BTreeMap::new());
        Ok(Gathered {
            open,
            count,
            batch,
            touched,
            begun,
            taken: Taken { damaged, ..Taken::default() },
            now: self.clock.now(),
        })
    }

    /// Puts a sign-in into its incident.
    fn gather(&self, gathered: &mut Gathered, event: &Event) -> Result<(), WatchError> {
        let mut event = event.clone();
        if is_own(self.store, &event)? {
            event.reached = Reached::Own;
        }
        let event = &event;
        let known = self.store.event(&event.id)?;
        let Some(known) = known else {
            gathered.taken.new_count += 1;
            return self.put(gathered, event.clone(), None);
        };
        let event = known.event.with(event);
        if event == known.event {
            return Ok(());
        }
        if event.reached > known.event.reached {
            gathered.taken.raised_count += 1;
            return self.put(gathered, event, Some(known));
        }
        gathered.taken.enriched_count += 1;
        let kept = KeptEvent { event, ..known.clone() };
        gathered.batch.events.push(NewEvent { kept, replaces: Some(known) });
        Ok(())
    }

    /// Gives a sign-in the next number of the incident that is open, or of another.
    fn put(&self, gathered: &mut Gathered, event: Event, replaces: Option<KeptEvent>) -> Result<(), WatchError> {
        if !gathered.open.contains_key(&event.account) {
            gathered.count += 1;
            let mut remembered = Remembered { number: gathered.count as u64, length: 0, incident: Incident::default() };
            let entry = Entry::Opened {
                account: event.account.clone(),
                user_principal_name: event.user_principal_name.clone(),
                at: gathered.now,
            };
            note(&mut remembered, &mut gathered.batch, &entry)?;
            gathered.open.insert(event.account.clone(), remembered);
        }
        let Some(remembered) = gathered.open.get(&event.account) else { return Ok(()) };
        let stream = remembered.stream();
        let (last, newly) = match gathered.touched.get(&remembered.number) {
            Some(touched) => *touched,
            None => {
                let covered = remembered.incident.covered();
                let Behind { last, furthest, .. } = self.store.behind(&stream, covered)?;
                (last.unwrap_or(covered), furthest)
            }
        };
        let number = last.saturating_add(1);
        gathered.touched.insert(remembered.number, (number, newly.max(Some(event.reached))));
        let kept = KeptEvent { event, incident: stream, number };
        gathered.batch.events.push(NewEvent { kept, replaces });
        Ok(())
    }

    /// Makes the alerts that are due.
    fn alert(&self, gathered: &mut Gathered) -> Result<(), WatchError> {
        let now = gathered.now;
        for remembered in gathered.open.values_mut() {
            let Some((last, newly)) = gathered.touched.get(&remembered.number).copied() else { continue };
            let stream = remembered.stream();
            let covered = remembered.incident.covered();
            let behind = self.store.behind(&stream, covered)?;
            let last = last.max(behind.last.unwrap_or(covered));
            let newly = newly.max(behind.furthest);
            let Some(because) = remembered.incident.alert_due((last, newly), self.ladder.wait_seconds, now) else {
                continue;
            };
            let step = self.ladder.step(&remembered.incident, because);
            let routes: Vec<Route> =
                self.ladder.routes(&remembered.incident, because, step).into_iter().cloned().collect();
            let number = remembered.incident.alert().map_or(1, |alert| alert.number.saturating_add(1));
            let newly = newly.filter(|_| last > covered);
            let entry = Entry::Alerted { number, because, covers: last, newly, step, at: now };
            note(remembered, &mut gathered.batch, &entry)?;
            gathered.taken.alert_count += 1;
            let (events, new_count) = self.told(&stream, covered, &gathered.batch)?;
            let incident = &remembered.incident;
            let message = Message {
                incident: remembered.number,
                alert: number,
                because,
                step,
                account: incident.account().to_owned(),
                user_principal_name: incident.user_principal_name().map(str::to_owned),
                opened_at: incident.opened_at().unwrap_or(now),
                at: now,
                new_count,
                newly,
                furthest: incident.furthest().unwrap_or(Reached::Unsaid),
                events,
                code: None,
            };
            let message = serde_json::to_value(&message)?;
            gathered.batch.deliveries.extend(routes.into_iter().map(|route| Delivery {
                key: DeliveryKey {
                    incident: stream.clone(),
                    alert: number,
                    channel: route.channel,
                    recipient: route.recipient,
                    step,
                },
                message: message.clone(),
            }));
        }
        Ok(())
    }

    /// The last sign-ins behind the first `covered`, the newest first, and how many there are; if there are none, the last of all.
    fn told(&self, stream: &str, covered: u64, batch: &Batch) -> Result<(Vec<Event>, u64), WatchError> {
        let count = self.store.behind(stream, covered)?;
        // Numbers have gaps where somebody got further by a sign-in, so that a few more than are told are read.
        let from = |last: u64| last.saturating_sub(2 * EVENT_COUNT_MAX as u64);
        let kept = match count.last {
            Some(last) => self.store.events(stream, covered.max(from(last)), 2 * EVENT_COUNT_MAX)?,
            None => self.store.events(stream, from(covered), 2 * EVENT_COUNT_MAX)?,
        };
        let mut events: BTreeMap<u64, Event> = kept.into_iter().map(|kept| (kept.number, kept.event)).collect();
        let mut new_count = count.count;
        let changed = batch.events.iter().filter(|new| new.kept.incident == stream);
        for NewEvent { kept, replaces } in changed {
            let before = replaces.as_ref().filter(|before| before.incident == stream);
            if let Some(before) = before.filter(|before| before.number != kept.number) {
                events.remove(&before.number);
                new_count = new_count.saturating_sub(u64::from(before.number > covered));
            }
            let is_new = before.is_none_or(|before| before.number != kept.number);
            new_count = new_count.saturating_add(u64::from(is_new && kept.number > covered));
            if is_new || events.contains_key(&kept.number) {
                events.insert(kept.number, kept.event.clone());
            }
        }
        if new_count > 0 {
            events.retain(|number, _| *number > covered);
        }
        Ok((events.into_values().rev().take(EVENT_COUNT_MAX).collect(), new_count))
    }
}

/// An entry more, which is kept with the rest.
fn note(remembered: &mut Remembered, batch: &mut Batch, entry: &Entry) -> Result<(), WatchError> {
    let stream = remembered.stream();
    let mut next = remembered.incident.clone();
    next.add(entry).map_err(|why| WatchError::Entry { stream: stream.clone(), why })?;
    let value: Value = serde_json::to_value(entry)?;
    check_line((&stream, remembered.length), &value)?;
    batch.entries.push((stream, remembered.length, value));
    (remembered.incident, remembered.length) = (next, remembered.length + 1);
    Ok(())
}
