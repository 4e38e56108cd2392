//! A watcher over the real file, killed again and again, beside one over a memory that is never lost: both remember the same.
//!
//! The object is dropped, or the file is left as it lies there while the object is open, which is what a kill leaves; and what
//! was written last is cut off anywhere, as if the disk had kept only the beginning of it. What was said to be kept before is
//! there; of what was being kept, all or nothing. SQLite writes past our port for a disk, so that the disk that forgets
//! (`forgetful_disk.rs`) is not under it: that writes come to the disk out of order is tried in `torn_logs.rs`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use breakglass_adapters::sqlite_store::{FILE_NAME, SqliteStore};
use breakglass_custody::name::Name;
use breakglass_model::sign_in_record::SignInRecord;
use breakglass_ops::ports::{
    Clock, DeliveryKey, DeliveryState, InMemoryWatch, KeptDelivery, KeptEvent, MovedCursor, Tried, WatchStore,
};
use breakglass_ops::watching::event::{Event, Reached};
use breakglass_ops::watching::ladder::{Ladder, Route};
use breakglass_ops::watching::taking::{Taken, Watcher};
use breakglass_testkit::{is_full, seed_for};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::kept::folder;

const START: &str = "2026-11-28T03:00:00Z";

const CHANNELS: [&str; 2] = ["mail", "hook"];

/// Bytes of a log at which SQLite begins it anew, which no life here comes to.
const LOG_BYTES_MAX: usize = 1_000 * 4_096;

fn name(text: &str) -> Name {
    Name::read(text).unwrap()
}

fn ladder() -> Ladder {
    let route = |channel| Route { channel: name(channel), recipient: name("eva"), from_step: 0 };
    Ladder { routes: CHANNELS.map(route).to_vec(), wait_seconds: 300 }
}

/// Numbers that look random, from a seed.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// The clock of both watchers.
struct Hands(AtomicI64);

#[async_trait]
impl Clock for Hands {
    fn now(&self) -> Timestamp {
        START.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(self.0.load(Ordering::SeqCst))
    }

    async fn sleep(&self, _: Duration) {}
}

/// Everything that is remembered.
#[derive(Debug, PartialEq)]
struct All {
    entries: BTreeMap<String, Vec<Value>>,
    cursor: Option<Value>,
    events: Vec<KeptEvent>,
    deliveries: Vec<KeptDelivery>,
}

fn all(store: &dyn WatchStore) -> All {
    let streams = store.streams("").unwrap();
    All {
        cursor: store.cursor(&name("graph")).unwrap(),
        events: streams.iter().flat_map(|stream| store.events(stream, 0, usize::MAX).unwrap()).collect(),
        deliveries: streams.iter().flat_map(|stream| store.deliveries(stream).unwrap()).collect(),
        entries: streams
            .into_iter()
            .map(|stream| {
                let entries = store.entries(&stream).unwrap();
                (stream, entries)
            })
            .collect(),
    }
}

/// What a watcher does, in one transaction.
enum Step {
    Take(Vec<Event>, MovedCursor),
    Tick,
}

impl Step {
    fn new(numbers: &mut Numbers, before: Option<Value>, at: usize) -> Self {
        if numbers.below(4) == 0 {
            return Self::Tick;
        }
        let events = (0..1 + numbers.below(12)).map(|_| {
            let id = numbers.below(60);
            let code = [50_126, 50_126, 50_053, 50_076, 0][numbers.below(5)];
            let account = format!("00000000-0000-4000-8000-0000000000b{}", id % 2);
            let record = json!({
                "id": format!("s{id}"), "userId": account, "createdDateTime": START, "status": { "errorCode": code },
            });
            let text = record.to_string();
            Event::of_sign_in(&SignInRecord::from_json(text.as_bytes()).unwrap(), Some(true), |_| true).unwrap()
        });
        let events = events.collect();
        Self::Take(events, MovedCursor { source: name("graph"), before, after: json!({ "at": at, "text": "ü\n" }) })
    }

    fn done(&self, watcher: &Watcher<'_>) -> Taken {
        match self {
            Self::Take(events, moved) => watcher.take(events, Some(moved.clone())).unwrap(),
            Self::Tick => watcher.tick().unwrap(),
        }
    }
}

/// The file, as it lay there when nobody had it open, and the log that is written beside it since.
pub(crate) struct Lying {
    folder: PathBuf,
    file: Vec<u8>,
}

impl Lying {
    pub(crate) fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), file: fs::read(folder.join(FILE_NAME)).unwrap() }
    }

    /// The log. It is read while the store is open: that takes no lock away, since SQLite has none on it.
    pub(crate) fn log(&self) -> Vec<u8> {
        let log = fs::read(self.folder.join(format!("{FILE_NAME}-wal"))).unwrap_or_default();
        assert!(log.len() < LOG_BYTES_MAX, "the log may have begun anew, and nothing is seen by its length any more");
        log
    }

    /// The same file with that log, as if whoever had it open had been killed.
    pub(crate) fn put(&self, folder: &Path, log: &[u8]) {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(FILE_NAME), &self.file).unwrap();
        fs::write(folder.join(format!("{FILE_NAME}-wal")), log).unwrap();
    }
}

#[derive(Debug, Default)]
struct Counts {
    kept: usize,
    dropped: usize,
    killed: usize,
    torn: usize,
    /// Of these, those that have left nothing of what was being kept.
    undone: usize,
    lent_and_lost: usize,
}

/// A run over one file: lives of a watcher, and then the deliveries.
struct Run {
    folder: PathBuf,
    copy: PathBuf,
    memory: InMemoryWatch,
    hands: Hands,
    ladder: Ladder,
    /// How far each sign-in got at most, of all that were told.
    told: BTreeMap<String, Reached>,
    step_count: usize,
}

impl Run {
    fn new() -> Self {
        let folder_of_it = folder("watch-killed");
        drop(SqliteStore::open(&folder_of_it).unwrap());
        Self {
            folder: folder_of_it,
            copy: folder("watch-killed-copy"),
            memory: InMemoryWatch::new(START.parse().unwrap()),
            hands: Hands(AtomicI64::new(0)),
            ladder: ladder(),
            told: BTreeMap::new(),
            step_count: 0,
        }
    }

    /// One life, which has to begin where the one before it ended; `open` is what that one was doing, if it may be undone.
    fn live(&mut self, numbers: &mut Numbers, open: Option<(Step, All)>, counts: &mut Counts) -> Option<(Step, All)> {
        let lying = Lying::of(&self.folder);
        if open.is_none() {
            self.check_copy(&lying);
        }
        let store = SqliteStore::open(&self.folder).unwrap();
        let memory = Watcher::new(&self.memory, &self.hands, &self.ladder);
        let watcher = Watcher::new(&store, &self.hands, &self.ladder);
        if let Some((step, before)) = open
            && all(&store) == before
        {
            // The page is told again, and the same comes of it.
            counts.undone += 1;
            step.done(&watcher);
        }
        assert_eq!(all(&store), all(&self.memory));
        let mut last = None;
        for _ in 0..1 + numbers.below(6) {
            self.hands.0.fetch_add([0, 10, 60, 400, -30][numbers.below(5)], Ordering::SeqCst);
            self.step_count += 1;
            let (before, begin) = (all(&store), lying.log().len());
            let step = Step::new(numbers, before.cursor.clone(), self.step_count);
            if let Step::Take(events, _) = &step {
                for event in events {
                    let told = self.told.entry(event.id.as_str().to_owned()).or_insert(event.reached);
                    *told = (*told).max(event.reached);
                }
            }
            assert_eq!(step.done(&watcher), step.done(&memory));
            let after = all(&store);
            assert_eq!(after, all(&self.memory));
            counts.kept += 1;
            let log = lying.log();
            for _ in 0..2 {
                let cut = begin + numbers.below(log.len() - begin + 1);
                lying.put(&self.copy, &log[..cut]);
                let found = all(&SqliteStore::open(&self.copy).unwrap());
                assert!(found == after || (found == before && cut < log.len()), "{found:#?}");
                counts.torn += 1;
                counts.undone += usize::from(found == before && before != after);
            }
            last = Some((step, before, begin));
        }
        let log = lying.log();
        drop((watcher, memory));
        drop(store);
        self.end(numbers, (&lying, &log), last, counts)
    }

    /// A file that was closed needs nothing beside it.
    fn check_copy(&self, lying: &Lying) {
        if lying.log().is_empty() {
            lying.put(&self.copy, &[]);
            assert_eq!(all(&SqliteStore::open(&self.copy).unwrap()), all(&self.memory));
        }
    }

    /// The end of a life: it was closed, or killed, or killed while what it wrote last was on its way to the disk.
    fn end(
        &self,
        numbers: &mut Numbers,
        (lying, log): (&Lying, &[u8]),
        last: Option<(Step, All, usize)>,
        counts: &mut Counts,
    ) -> Option<(Step, All)> {
        match numbers.below(3) {
            0 => {
                counts.dropped += 1;
                None
            }
            1 => {
                counts.killed += 1;
                lying.put(&self.folder, log);
                None
            }
            _ => {
                counts.killed += 1;
                let (step, before, begin) = last.unwrap();
                lying.put(&self.folder, &log[..begin + numbers.below(log.len() - begin + 1)]);
                Some((step, before))
            }
        }
    }

    /// Every delivery is lent once; what was lent by whoever was killed then stays lent.
    fn deliver(&self, numbers: &mut Numbers, counts: &mut Counts) {
        let mut store = SqliteStore::open(&self.folder).unwrap();
        let mut lent_so_far: BTreeMap<DeliveryKey, DeliveryState> = BTreeMap::new();
        for channel in CHANNELS {
            while let Some(lent) = store.lend(&name(channel), 3_600).unwrap() {
                assert_eq!(lent.attempt, 1);
                let state = if numbers.below(8) == 0 {
                    drop(store);
                    store = SqliteStore::open(&self.folder).unwrap();
                    counts.lent_and_lost += 1;
                    DeliveryState::Pending
                } else {
                    assert!(store.tried(&lent, &Tried::Delivered).unwrap());
                    DeliveryState::Delivered
                };
                assert_eq!(lent_so_far.insert(lent.delivery.key, state), None);
            }
        }
        let found = all(&store).deliveries.into_iter().map(|kept| (kept.delivery.key, kept.state));
        assert_eq!(found.collect::<BTreeMap<_, _>>(), lent_so_far);
    }
}

fn played(numbers: &mut Numbers, counts: &mut Counts) {
    let mut run = Run::new();
    let mut open = None;
    for _ in 0..6 {
        open = run.live(numbers, open, counts);
    }
    // The last one begins where the one before it ended, and goes on to its end.
    if let Some((step, before)) = open {
        let store = SqliteStore::open(&run.folder).unwrap();
        if all(&store) == before {
            step.done(&Watcher::new(&store, &run.hands, &run.ladder));
        }
    }
    let store = SqliteStore::open(&run.folder).unwrap();
    let kept = all(&store);
    assert_eq!(kept, all(&run.memory));
    let reached = kept.events.iter().map(|kept| (kept.event.id.as_str().to_owned(), kept.event.reached));
    assert_eq!(reached.collect::<BTreeMap<_, _>>(), run.told);
    drop(store);
    run.deliver(numbers, counts);
    fs::remove_dir_all(&run.folder).unwrap();
    fs::remove_dir_all(&run.copy).unwrap();
}

#[test]
fn what_was_kept_is_whole_by_seed_wherever_the_watcher_is_killed() {
    let mut numbers = Numbers(seed_for("what_was_kept_is_whole_by_seed_wherever_the_watcher_is_killed"));
    let rounds = if is_full() { 100 } else { 3 };
    let mut counts = Counts::default();
    for _ in 0..rounds {
        played(&mut numbers, &mut counts);
    }
    println!("{rounds} files: {counts:?}");
    let Counts { kept, dropped, killed, torn, undone, lent_and_lost } = counts;
    assert!([kept, dropped, killed, torn, undone, lent_and_lost].iter().all(|count| *count > 0));
}
