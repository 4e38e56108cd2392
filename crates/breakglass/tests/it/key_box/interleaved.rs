//! Check-outs by two processes at once: every order in which their effects can follow each other, with either of them killed
//! between any two, twice in all, and begun again each time. In memory everything is walked through; with the real store what
//! is drawn by a seed.
//!
//! An effect is whatever another process can see or be seen by: reading a stream, adding an entry to one, showing the password.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::name::Name;
use breakglass_ops::checkout::record::{Course, Entry, PERSON_COUNT_MIN, Request};
use breakglass_ops::checkout::stream::{CheckoutStreamError, course_of, kept, note, note_opening};
use breakglass_ops::ports::{InMemoryStore, Store, StoreError};
use breakglass_testkit::is_full;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::sampled::Numbers;

const ACCOUNT: &str = "00000000-0000-4000-8000-0000000000a8";
/// Where it is written down that a key was recovered.
const SETS: &str = "custody/sets";
/// How often a process is killed.
const CRASH_COUNT_MAX: usize = 2;
/// Orders that are tried with the real store.
const DRAWN: usize = 60;
const DRAWN_FULL: usize = 2_000;

/// What a process does, as the commands do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Ask(&'static str, &'static str),
    Agree(&'static str, &'static str),
    Refuse(&'static str),
    Open(&'static str),
    Return(&'static str),
}

fn name(text: &str) -> Name {
    Name::read(text).unwrap()
}

fn at() -> Timestamp {
    "2026-11-27T03:00:00Z".parse().unwrap()
}

fn entry_of(deed: Deed) -> Entry {
    let at = at();
    match deed {
        Deed::Ask(request, person) => Entry::Requested(Request {
            request: name(request),
            person: name(person),
            document: name("document"),
            reason: "nobody gets in".to_owned(),
            at,
            expires_at: at + SignedDuration::from_hours(4),
            out_hours: 2,
        }),
        Deed::Agree(request, person) => Entry::Approved { request: name(request), person: name(person), at },
        Deed::Refuse(request) => Entry::Refused { request: name(request), person: name("cleo"), at },
        Deed::Open(request) => Entry::Opened { request: name(request), document: name("document"), at },
        Deed::Return(request) => Entry::Returned { request: name(request), person: name("ada"), at },
    }
}

/// Does it; an error is what somebody is told.
fn done(deed: Deed, turnstile: &Turnstile) -> Result<(), String> {
    let entry = entry_of(deed);
    let (mut course, _) = course_of(turnstile, ACCOUNT).map_err(|error| error.to_string())?;
    course.add(&entry).map_err(|error| error.to_string())?;
    let Deed::Open(request) = deed else {
        return note(turnstile, ACCOUNT, &entry, None).map(drop).map_err(|error| error.to_string());
    };
    let note_key = || {
        let length = turnstile.entries(SETS)?.len();
        turnstile.append(SETS, length, &json!("opened"))?;
        Ok((entry, None))
    };
    note_opening::<CheckoutStreamError>(turnstile, ACCOUNT, note_key).map_err(|error| error.to_string())?;
    turnstile.waits();
    turnstile.shown.lock().unwrap().push(request);
    Ok(())
}

struct Killed;

/// A store before which everybody waits until they are let through.
struct Turnstile {
    store: Arc<dyn Store>,
    /// Whether it waits, or is at its end.
    ready: Sender<bool>,
    go: Mutex<Receiver<bool>>,
    shown: Arc<Mutex<Vec<&'static str>>>,
    /// What it was told so far, as a number.
    told: Mutex<DefaultHasher>,
}

impl Turnstile {
    fn waits(&self) {
        let _ = self.ready.send(true);
        if !self.go.lock().unwrap().recv().unwrap_or(false) {
            panic::resume_unwind(Box::new(Killed));
        }
    }

    fn told<T: std::fmt::Debug>(&self, answer: T) -> T {
        format!("{answer:?}").hash(&mut *self.told.lock().unwrap());
        answer
    }
}

impl Store for Turnstile {
    fn append(&self, stream: &str, at: usize, entry: &Value) -> Result<(), StoreError> {
        self.waits();
        self.told(self.store.append(stream, at, entry))
    }

    fn entries(&self, stream: &str) -> Result<Vec<Value>, StoreError> {
        self.waits();
        self.told(self.store.entries(stream))
    }

    fn streams(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.waits();
        self.told(self.store.streams(prefix))
    }
}

/// What is done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Go(usize),
    Kill(usize),
}

/// A process that waits at the turnstile, or is at its end.
struct Process {
    turnstile: Arc<Turnstile>,
    ready: Receiver<bool>,
    go: Sender<bool>,
    is_waiting: bool,
}

impl Process {
    fn begin(deed: Deed, store: &Arc<dyn Store>, shown: &Arc<Mutex<Vec<&'static str>>>) -> Self {
        let ((ready, is_ready), (go, may_go)) = (channel(), channel());
        let (go_on, told) = (Mutex::new(may_go), Mutex::default());
        let turnstile =
            Arc::new(Turnstile { store: Arc::clone(store), ready, go: go_on, shown: Arc::clone(shown), told });
        let own = Arc::clone(&turnstile);
        std::thread::spawn(move || {
            let ended = panic::catch_unwind(AssertUnwindSafe(|| drop(done(deed, &own))));
            own.told("ended");
            let _ = own.ready.send(false);
            if let Err(payload) = ended
                && !payload.is::<Killed>()
            {
                panic::resume_unwind(payload);
            }
        });
        let is_waiting = is_ready.recv().unwrap();
        Self { turnstile, ready: is_ready, go, is_waiting }
    }

    fn hears(&mut self, may_go: bool) {
        self.go.send(may_go).unwrap();
        self.is_waiting = self.ready.recv().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.is_waiting {
            self.hears(false);
        }
    }
}

/// Two processes over one store.
struct Run {
    store: Arc<dyn Store>,
    shown: Arc<Mutex<Vec<&'static str>>>,
    deeds: [Deed; 2],
    processes: [Process; 2],
    crashes: usize,
}

impl Run {
    fn new(store: Arc<dyn Store>, before: &[Deed], deeds: [Deed; 2]) -> Self {
        for deed in before {
            note(&*store, ACCOUNT, &entry_of(*deed), None).unwrap();
        }
        let shown = Arc::default();
        let processes = deeds.map(|deed| Process::begin(deed, &store, &shown));
        Self { store, shown, deeds, processes, crashes: 0 }
    }

    /// Whoever waits goes on, or is killed and begins again.
    fn choices(&self) -> Vec<Choice> {
        let waiting = || (0..2).filter(|at| self.processes[*at].is_waiting);
        let kills = waiting().filter(|_| self.crashes < CRASH_COUNT_MAX).map(Choice::Kill);
        waiting().map(Choice::Go).chain(kills).collect()
    }

    fn choose(&mut self, choice: Choice) {
        match choice {
            Choice::Go(at) => self.processes[at].hears(true),
            Choice::Kill(at) => {
                self.processes[at].hears(false);
                self.crashes += 1;
                self.processes[at] = Process::begin(self.deeds[at], &self.store, &self.shown);
            }
        }
        self.holds();
    }

    /// At most one opening for a request, never without two people, and nothing is shown that is not written down.
    fn holds(&self) {
        let kept = kept(&*self.store, ACCOUNT).unwrap();
        let entries: Vec<Entry> = kept.into_iter().map(|kept| kept.entry).collect();
        Course::of(&entries).unwrap_or_else(|error| panic!("{error}: {entries:?}"));
        let mut people: BTreeMap<&Name, BTreeSet<&Name>> = BTreeMap::new();
        let (mut opened, mut out) = (BTreeSet::new(), 0);
        for entry in &entries {
            match entry {
                Entry::Requested(asked) => drop(people.insert(&asked.request, [&asked.person].into())),
                Entry::Approved { request, person, .. } => drop(people.get_mut(request).unwrap().insert(person)),
                Entry::Refused { request, .. } => drop(people.remove(request)),
                Entry::Opened { request, .. } => {
                    assert!(people.get(request).is_some_and(|all| all.len() >= PERSON_COUNT_MIN), "{entries:?}");
                    assert!(opened.insert(request) && out == 0, "{entries:?}");
                    out += 1;
                }
                Entry::Returned { .. } => out -= 1,
                Entry::OpenedOffline { .. } => {}
            }
        }
        let shown = self.shown.lock().unwrap();
        let once: BTreeSet<_> = shown.iter().collect();
        assert_eq!(once.len(), shown.len(), "what was opened once is shown once: {shown:?} {entries:?}");
        assert!(shown.iter().all(|request| opened.contains(&name(request))), "{shown:?} {entries:?}");
        assert!(opened.is_empty() || !self.store.entries(SETS).unwrap().is_empty(), "the key was there: {entries:?}");
    }

    /// Everything on which what comes depends.
    fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for stream in self.store.streams("").unwrap() {
            format!("{stream}{:?}", self.store.entries(&stream).unwrap()).hash(&mut hasher);
        }
        for process in &self.processes {
            process.turnstile.told.lock().unwrap().finish().hash(&mut hasher);
            process.is_waiting.hash(&mut hasher);
        }
        (self.crashes, &*self.shown.lock().unwrap()).hash(&mut hasher);
        hasher.finish()
    }
}

/// What two people do at the same time, after what others did before.
const SCENES: [(&str, &[Deed], [Deed; 2]); 8] = {
    use Deed::{Agree, Ask, Open, Refuse, Return};
    const AGREED: &[Deed] = &[Ask("r", "ada"), Agree("r", "bram")];
    [
        ("two open", AGREED, [Open("r"), Open("r")]),
        ("one opens before anybody agrees", &[Ask("r", "ada")], [Open("r"), Agree("r", "bram")]),
        ("whoever asked agrees as well", &[Ask("r", "ada")], [Open("r"), Agree("r", "ada")]),
        ("one opens and one refuses", AGREED, [Open("r"), Refuse("r")]),
        ("two ask", &[], [Ask("r", "ada"), Ask("s", "bram")]),
        ("one person agrees twice", &[Ask("r", "ada")], [Agree("r", "bram"), Agree("r", "bram")]),
        ("one opens and one returns", AGREED, [Open("r"), Return("r")]),
        ("one asks again while it is out", AGREED, [Open("r"), Ask("s", "cleo")]),
    ]
};

#[test]
fn every_order_of_two_check_outs_with_two_crashes_opens_once() {
    for (what, before, deeds) in SCENES {
        let (mut seen, mut left) = (BTreeSet::new(), vec![Vec::new()]);
        let (mut steps, mut ends, mut shown) = (0, 0, 0);
        while let Some(choices) = left.pop() {
            let mut run = Run::new(Arc::new(InMemoryStore::default()), before, deeds);
            choices.iter().for_each(|choice| run.choose(*choice));
            if !seen.insert(run.digest()) {
                continue;
            }
            let next = run.choices();
            if next.is_empty() {
                ends += 1;
                shown += run.shown.lock().unwrap().len();
            }
            steps += next.len();
            left.extend(next.into_iter().map(|choice| [choices.as_slice(), &[choice]].concat()));
        }
        println!("{what}: {} states, {steps} steps, {ends} ends, shown in {shown} of them", seen.len());
        assert!(seen.len() > 10 && ends > 1, "{what}");
        let is_ever_shown = shown > 0;
        assert_eq!(is_ever_shown, deeds.contains(&Deed::Open("r")) && what != "whoever asked agrees as well", "{what}");
    }
}

#[test]
fn orders_of_two_check_outs_by_seed_with_the_real_store_open_once() {
    const SEED: u64 = 20_261_129;
    let mut numbers = Numbers(SEED);
    let folder = std::env::temp_dir().join(format!("breakglass-interleaved-{}", std::process::id()));
    let (count, mut shown, mut crashes) = (if is_full() { DRAWN_FULL } else { DRAWN }, 0, 0);
    for number in 0..count {
        let (_, before, deeds) = SCENES[number % SCENES.len()];
        let state = folder.join(number.to_string());
        let mut run = Run::new(Arc::new(SqliteStore::open(&state).unwrap()), before, deeds);
        loop {
            let choices = run.choices();
            if choices.is_empty() {
                break;
            }
            // Killed as often as it goes on would be at the beginning always.
            let choice = numbers.one_of(&choices);
            let choice = if numbers.below(4) > 0 { numbers.one_of(&choices[..choices.len().min(2)]) } else { choice };
            run.choose(choice);
        }
        shown += run.shown.lock().unwrap().len();
        crashes += run.crashes;
        drop(run);
        std::fs::remove_dir_all(&state).unwrap();
    }
    let _ = std::fs::remove_dir_all(&folder);
    println!("seed {SEED}: {count} orders with the real store, {crashes} crashes, shown {shown} times");
    assert!(shown > 0 && crashes > 0);
}
