//! What a process does in a check-out or beside one, with a store before which it waits until it is let through; what everybody
//! can see of it; and what must not be.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::panic;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use breakglass_custody::document::Account;
use breakglass_custody::name::Name;
use breakglass_ops::checkout::journey::{Agreeing, CheckOuts, Found, Opening, Signatures};
use breakglass_ops::checkout::record::{Entry, Request};
use breakglass_ops::checkout::stream::{SharesUsed, note, note_opening, stream_of};
use breakglass_ops::journal::{Journal, JournalError, catch_up};
use breakglass_ops::ports::{Clock, Store, StoreError};
use breakglass_ops::rotation::journey as rotation;
use breakglass_ops::rotation::record;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub(super) const ACCOUNT: &str = "00000000-0000-4000-8000-0000000000a8";
/// What is sealed, and what takes its place.
pub(super) const DOCUMENT: &str = "document";
pub(super) const NEXT: &str = "next";
/// Where it is written down that a key was recovered.
pub(super) const SETS: &str = "custody/sets";

/// What a process does, as the commands do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Ask(&'static str, &'static str),
    Agree(&'static str, &'static str),
    Refuse(&'static str),
    Open(&'static str),
    Return(&'static str),
    /// Shares are put together, and nobody is asked.
    OpenOffline,
    Drill,
    /// Another password is proved.
    Rotate,
    /// So much time passes that what was asked for expires.
    Expire,
}

pub(super) fn name(text: &str) -> Name {
    Name::read(text).unwrap()
}

pub(super) fn at() -> Timestamp {
    "2026-11-27T03:00:00Z".parse().unwrap()
}

/// When what was asked for is over.
fn expiry() -> Timestamp {
    at() + SignedDuration::from_hours(4)
}

fn account() -> Account {
    Account { id: ACCOUNT.to_owned(), user_principal_name: "emergency-access-1@contoso.onmicrosoft.com".to_owned() }
}

/// What is written down by whoever does nothing besides.
pub(super) fn entry_of(deed: Deed, at: Timestamp) -> Option<Entry> {
    Some(match deed {
        Deed::Ask(request, person) => Entry::Requested(Request {
            request: name(request),
            person: name(person),
            document: name(DOCUMENT),
            reason: "nobody gets in".to_owned(),
            at,
            expires_at: expiry().max(at + SignedDuration::from_hours(1)),
            out_hours: 2,
        }),
        Deed::Agree(request, person) => Entry::Approved { request: name(request), person: name(person), at },
        Deed::Refuse(request) => Entry::Refused { request: name(request), person: name("cleo"), at },
        Deed::Return(request) => Entry::Returned { request: name(request), person: name("ada"), at },
        Deed::Open(_) | Deed::OpenOffline | Deed::Drill | Deed::Rotate | Deed::Expire => return None,
    })
}

/// Somebody is told something else than that it is done.
pub(super) struct Told;

impl<E: std::error::Error> From<E> for Told {
    fn from(_: E) -> Self {
        Self
    }
}

/// Does it.
pub(super) fn done(deed: Deed, turnstile: &Turnstile) -> Result<(), Told> {
    let account = account();
    let enter = |at| turnstile.enters(at);
    let check_outs = CheckOuts { store: turnstile, clock: turnstile, account: &account, enter: &enter };
    let document = name(DOCUMENT);
    match deed {
        Deed::Agree(_, person) => drop(check_outs.agree(&name(person), turnstile)?),
        Deed::Open(request) => {
            check_outs.open(turnstile)?.entered?;
            turnstile.shows(request);
        }
        Deed::OpenOffline => {
            let (people, reason) = ([name("ada"), name("bram")].into(), "no network".to_owned());
            let at = turnstile.now();
            note_opening::<Told>(turnstile, ACCOUNT, || {
                turnstile.notes_key()?;
                Ok((Entry::OpenedOffline { document, people, reason, opened_at: at, at }, None))
            })?;
            turnstile.enters(at)?;
        }
        Deed::Drill => {
            check_outs.may_drill(&document)?;
            turnstile.pauses();
            check_outs.may_drill(&document)?;
            note_opening::<Told>(turnstile, ACCOUNT, || {
                turnstile.notes_key()?;
                let people: BTreeSet<Name> = [name("ada"), name("bram")].into();
                Ok((check_outs.drill_entry(turnstile, &document, &people)?, None))
            })?;
            turnstile.enters(turnstile.now())?;
            turnstile.signs_in();
        }
        Deed::Rotate => {
            let (candidate, at) = (name(NEXT), turnstile.now());
            let proved = record::Entry::Proved { candidate, changed_at: None, is_answered: true, at };
            rotation::note(turnstile, ACCOUNT, &[proved])?;
        }
        Deed::Expire => turnstile.lets_time_pass(),
        Deed::Ask(..) | Deed::Refuse(_) | Deed::Return(_) => {
            let at = turnstile.now();
            let entry = entry_of(deed, at).ok_or(Told)?;
            note(turnstile, ACCOUNT, &entry, None)?;
            turnstile.enters(at)?;
        }
    }
    Ok(())
}

pub(super) struct Killed;

/// What everybody can see besides the store.
#[derive(Debug, Default)]
pub(super) struct Seen {
    is_changed: bool,
    is_expired: bool,
    is_refused: bool,
    is_out: bool,
    /// By which requests a password was shown.
    pub(super) shown: Vec<&'static str>,
    /// How often a drill has signed in.
    pub(super) signed_in: usize,
    /// What must not be.
    pub(super) faults: BTreeSet<&'static str>,
}

impl Seen {
    /// Whether somebody who asks first is to go no further.
    fn is_over(&self, deed: Deed) -> bool {
        // A drill needs no request.
        let is_request_over = (self.is_expired || self.is_refused) && deed != Deed::Drill;
        deed != Deed::OpenOffline && (self.is_changed || self.is_out || is_request_over)
    }

    /// What an entry that was added means.
    fn adds(&mut self, stream: &str, entry: &Value) {
        if stream == rotation::stream_of(ACCOUNT) {
            self.is_changed |= entry["state"] == "proved";
        }
        if stream == stream_of(ACCOUNT) {
            self.is_refused |= entry["entry"]["state"] == "refused";
            match entry["entry"]["state"].as_str() {
                Some("opened") => self.is_out = true,
                Some("returned") => self.is_out = false,
                _ => {}
            }
        }
    }
}

/// What a process knows, as far as what it does next depends on it: what it has done, and what it was told last of each stream.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) done: DefaultHasher,
    pub(super) told: BTreeMap<String, u64>,
    /// Whether it was to go no further when its last pause ended.
    pub(super) was_over: bool,
    /// The same when it had written down that the key was there.
    pub(super) was_over_with_key: bool,
}

impl Memory {
    fn told<T: std::fmt::Debug>(&mut self, what: &str, stream: &str, answer: T) -> T {
        let mut told = DefaultHasher::new();
        format!("{answer:?}").hash(&mut told);
        (what, stream).hash(&mut self.done);
        self.told.insert(format!("{what} {stream}"), told.finish());
        answer
    }
}

/// A store before which everybody waits until they are let through; and everything else that surrounds a process.
pub(super) struct Turnstile {
    pub(super) deed: Deed,
    pub(super) store: Arc<dyn Store>,
    /// Whether it waits, or is at its end.
    pub(super) ready: Sender<bool>,
    pub(super) go: Mutex<Receiver<bool>>,
    pub(super) seen: Arc<Mutex<Seen>>,
    pub(super) memory: Mutex<Memory>,
}

impl Turnstile {
    fn waits(&self) {
        let _ = self.ready.send(true);
        if !self.go.lock().unwrap().recv().unwrap_or(false) {
            panic::resume_unwind(Box::new(Killed));
        }
    }

    pub(super) fn told<T: std::fmt::Debug>(&self, what: &str, stream: &str, answer: T) -> T {
        self.memory.lock().unwrap().told(what, stream, answer)
    }

    /// Somebody thinks or types until now.
    fn pauses(&self) {
        self.waits();
        let is_over = self.seen.lock().unwrap().is_over(self.deed);
        self.told("paused", "", is_over);
        self.memory.lock().unwrap().was_over = is_over;
    }

    /// The ledger is brought up to date, at one blow.
    fn enters(&self, at: Timestamp) -> Result<Journal, JournalError> {
        self.waits();
        self.told("entered", "", ());
        let journal = catch_up(&*self.store, at);
        if journal.is_err() {
            self.seen.lock().unwrap().faults.insert("the ledger and the streams do not agree");
        }
        journal
    }

    /// It is written down that the key was there: of the set, and of the password that was sealed to it.
    fn notes_key(&self) -> Result<(), Told> {
        let length = self.entries(SETS)?.len();
        self.append(SETS, length, &json!("opened"))?;
        let opened = record::Entry::Opened { candidate: name(DOCUMENT), at: self.now() };
        Ok(rotation::note(self, ACCOUNT, &[opened])?)
    }

    fn shows(&self, request: &'static str) {
        self.is_used("it is shown, and was over when the key was noted", |seen| seen.shown.push(request));
    }

    fn signs_in(&self) {
        self.is_used("it is drilled, and was over when the key was noted", |seen| seen.signed_in += 1);
    }

    /// What was opened goes to somebody.
    fn is_used(&self, fault: &'static str, by: impl FnOnce(&mut Seen)) {
        self.waits();
        let mut seen = self.seen.lock().unwrap();
        if self.memory.lock().unwrap().was_over_with_key {
            seen.faults.insert(fault);
        }
        by(&mut seen);
    }

    fn lets_time_pass(&self) {
        self.waits();
        self.seen.lock().unwrap().is_expired = true;
    }

    /// What may not have been done when its last pause ended, and what may not be done after this.
    fn has_added(&self, stream: &str, entry: &Value) {
        let (mut seen, mut memory) = (self.seen.lock().unwrap(), self.memory.lock().unwrap());
        if stream == SETS {
            memory.was_over_with_key = seen.is_over(self.deed);
            if memory.was_over && self.deed != Deed::OpenOffline {
                seen.faults.insert("a key is recovered, and it was over when the shares were there");
            }
        }
        if memory.was_over && entry["entry"]["state"] == "approved" {
            seen.faults.insert("somebody agrees, and it was over when the question was answered");
        }
        seen.adds(stream, entry);
    }
}

#[async_trait]
impl Clock for Turnstile {
    fn now(&self) -> Timestamp {
        let is_expired = self.seen.lock().unwrap().is_expired;
        let now = if is_expired { expiry() + SignedDuration::from_hours(1) } else { at() };
        self.told("now", "", now)
    }

    async fn sleep(&self, _: Duration) {}
}

impl Store for Turnstile {
    fn append(&self, stream: &str, at: usize, entry: &Value) -> Result<(), StoreError> {
        self.waits();
        let added = self.told("added", stream, self.store.append(stream, at, entry));
        if added.is_ok() {
            self.has_added(stream, entry);
        }
        added
    }

    fn entries(&self, stream: &str) -> Result<Vec<Value>, StoreError> {
        self.waits();
        self.told("read", stream, self.store.entries(stream))
    }

    fn streams(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.waits();
        self.told("listed", prefix, self.store.streams(prefix))
    }
}

// What people do between the looks.
impl Signatures for Turnstile {
    type Signed = ();
    type Error = Told;

    fn confirm(&self, _: &Found) -> Result<(), Told> {
        Ok(())
    }
}

impl Agreeing for Turnstile {
    type Key = ();

    fn is_agreed(&self, _: &Found, (): &()) -> Result<bool, Told> {
        self.pauses();
        Ok(true)
    }

    fn key(&self) -> Result<(), Told> {
        self.pauses();
        Ok(())
    }

    fn sign(&self, _: &Found, (): &(), (): &(), _: Timestamp) -> Result<String, Told> {
        Ok("signed".to_owned())
    }
}

impl Opening for Turnstile {
    type Shares = ();
    type Opened = ();

    fn hand_in(&self, _: &Found, (): &()) -> Result<(), Told> {
        self.pauses();
        Ok(())
    }

    fn recover(&self, (): ()) -> Result<(), Told> {
        Ok(())
    }

    fn note_key(&self, (): &()) -> Result<Option<SharesUsed>, Told> {
        self.notes_key()?;
        Ok(None)
    }
}
