//! A watcher over days that go badly, killed again and again: every use of an emergency account belongs to an incident, and was
//! told by every channel after it was kept.
//!
//! The log is in `log.rs`, everything that fails in `world.rs`, whoever judges in `referee.rs`, and the watchers that are wrong,
//! by which it is seen that the referee sees something, in `mutants.rs`.

mod log;
mod mutants;
mod referee;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use breakglass_custody::name::Name;
use breakglass_ops::ports::{DeliveryKey, EventSource, InMemoryWatch};
use breakglass_ops::watching::answering::{AnswerError, answer};
use breakglass_ops::watching::delivering::deliver_next;
use breakglass_ops::watching::incident::{Class, Entry, EntryError, Incident, Via};
use breakglass_ops::watching::ladder::{Ladder, Route};
use breakglass_ops::watching::polling::{PollError, poll};
use breakglass_ops::watching::sources::graph_sign_ins::GraphSignIns;
use breakglass_ops::watching::taking::{Watcher, incidents};
use breakglass_testkit::{is_full, seed_for};
use jiff::{SignedDuration, Timestamp};

use self::log::{DAYS, Log};
use self::mutants::{Asked, Watermark, Wrong, deliver_delivered_first, poll_cursor_first};
use self::referee::{Trial, judged, read_to_its_end};
use self::world::{Ended, Mortal, Way, World};
use crate::readings::ready;

const START: &str = "2026-11-28T03:00:00Z";

/// The channels of the ladder.
const CHANNELS: [&str; 3] = ["mail", "sms", "hook"];

/// Hours after everything was told, in which nothing fails and the watcher reads, counts and delivers to the end: longer than
/// the clock may have been ahead when something was put off, and as many as it takes to go far back twice.
const QUIET_HOURS: i64 = 15;

/// Seconds between two polls then.
const QUIET_SECONDS: i64 = 4_200;

/// Logs that are played at least.
const LOG_COUNT_MIN: usize = 5;

/// Deliveries that a channel tries in one round.
const TRY_COUNT_MAX: usize = 1_000;

/// Logs in which all that is wrong has to be noticed.
const MUTANT_LOG_COUNT_MAX: usize = 4;

/// What has to have happened in a run.
const HAPPENED: [&str; 26] = [
    "429 with Retry-After",
    "429 without Retry-After",
    "503",
    "closed",
    "duplicated",
    "enriched",
    "expired links",
    "hung",
    "jumps",
    "killed after a call",
    "killed before a call",
    "late",
    "lost answers",
    "malformed pages",
    "namesakes",
    "readings judged",
    "refused",
    "renamed",
    "reordered",
    "split",
    "sprays",
    "taken",
    "taken and not said",
    "taken twice",
    "told to come later",
    "unresolved",
];

pub(crate) fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

fn name(text: &str) -> Name {
    Name::read(text).unwrap()
}

fn ladder() -> Ladder {
    let routes = [("mail", "eva", 0), ("mail", "max", 1), ("sms", "max", 1), ("hook", "soc", 0)];
    let route =
        |(channel, recipient, from_step)| Route { channel: name(channel), recipient: name(recipient), from_step };
    Ladder { routes: routes.map(route).to_vec(), wait_seconds: 10_800 }
}

/// Numbers that follow from a seed.
///
/// **Source:** Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014).
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.draw() % u64::try_from(end).unwrap()).unwrap()
    }

    /// Seconds from 0 to `most`.
    pub(crate) fn seconds(&mut self, most: i64) -> i64 {
        i64::try_from(self.below(usize::try_from(most).unwrap() + 1)).unwrap()
    }
}

/// How often each thing happened.
#[derive(Debug, Default)]
pub(crate) struct Counts(BTreeMap<&'static str, usize>);

impl Counts {
    pub(crate) fn add(&mut self, what: &'static str, count: usize) {
        *self.0.entry(what).or_default() += count;
    }

    fn add_all(&mut self, other: &Self) {
        other.0.iter().for_each(|(&what, &count)| self.add(what, count));
    }

    fn of(&self, what: &str) -> usize {
        self.0.get(what).copied().unwrap_or(0)
    }

    fn kills(&self) -> usize {
        self.of("killed before a call") + self.of("killed after a call")
    }
}

/// A run through a log: what outlasts the watcher that is killed.
struct Run<'r> {
    world: &'r World,
    store: &'r InMemoryWatch,
    ladder: &'r Ladder,
    wrong: Option<Wrong>,
    numbers: Numbers,
    is_quiet: bool,
    closed: BTreeSet<u64>,
    faults: Vec<String>,
}

/// A watcher that was started, until it is killed.
struct Process<'p> {
    mortal: &'p Mortal<'p>,
    watcher: &'p Watcher<'p>,
    source: &'p dyn EventSource,
}

impl Run<'_> {
    /// Watchers, one after another, each started when the one before it was killed.
    fn until(&mut self, end: Timestamp) {
        let mut is_killed = false;
        while self.world.graph_now() < end {
            let left = [15, 15, 60, 250, 1_000][self.numbers.below(5)];
            let left = if self.is_quiet { usize::MAX } else { self.numbers.below(left) };
            let mortal = Mortal::new(self.store, self.world, left);
            let watcher = Watcher::new(&mortal, self.world, self.ladder);
            let asked = Asked { world: self.world, wrong: self.wrong };
            let graph = GraphSignIns::new(name("graph-sign-ins"), &asked, self.world.log.accounts.clone());
            let watermark = Watermark::new(&graph);
            let source: &dyn EventSource = if self.wrong == Some(Wrong::Watermark) { &watermark } else { &graph };
            let process = Process { mortal: &mortal, watcher: &watcher, source };
            while !mortal.is_dead() && self.world.graph_now() < end {
                self.time_passes(is_killed);
                self.people();
                self.round(&process);
                is_killed = mortal.is_dead();
            }
        }
    }

    fn time_passes(&mut self, is_killed: bool) {
        let seconds = match (self.is_quiet, is_killed) {
            (true, _) => QUIET_SECONDS,
            (false, true) => [0, 1, 30, 600, 3_600][self.numbers.below(5)],
            (false, false) => [10, 10, 60, 300, 600, 3_600, 7_200, 40_000][self.numbers.below(8)],
        };
        self.world.pass(seconds);
        if !self.is_quiet && self.numbers.below(6) == 0 {
            self.world.jump();
        }
    }

    /// One round of a watcher: it reads, counts what was only counted, and delivers.
    fn round(&mut self, process: &Process<'_>) {
        self.read(process);
        if !process.mortal.is_dead()
            && let Err(error) = process.watcher.tick()
        {
            self.failed(process, error.to_string());
        }
        for channel in CHANNELS {
            self.deliver(process, channel);
        }
    }

    fn read(&mut self, process: &Process<'_>) {
        let Process { mortal, watcher, source } = *process;
        self.world.begin_poll();
        let polled = match self.wrong {
            Some(Wrong::CursorFirst) => ready(poll_cursor_first(source, (mortal, watcher), self.world)),
            _ => ready(poll(source, (mortal, watcher), self.world)),
        };
        if let Some(PollError::Kept(error)) = &polled.error {
            self.failed(process, error.to_string());
        }
        // A link that has expired is told, and ends the poll before the reading has come to its end.
        let is_at_its_end = polled.is_whole && polled.error.is_none() && polled.findings.is_empty();
        if let Some(began) = self.world.reading_began().filter(|_| is_at_its_end) {
            self.world.count("readings judged");
            let ended = self.world.graph_now();
            self.faults.extend(read_to_its_end(&self.world.log, self.store, (began, ended)));
        }
        if self.is_quiet && !is_at_its_end {
            self.failed(process, format!("nothing failed, and the log was not read to its end: {polled:?}"));
        }
    }

    fn deliver(&mut self, process: &Process<'_>, channel: &str) {
        let way = Way { name: name(channel), world: self.world };
        for _ in 0..TRY_COUNT_MAX {
            let tried = match self.wrong {
                Some(Wrong::DeliveredFirst) => ready(deliver_delivered_first(process.mortal, &way)),
                _ => ready(deliver_next(process.mortal, &way, self.world)).map(|delivered| delivered.is_some()),
            };
            match tried {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => return self.failed(process, error.to_string()),
            }
        }
        self.faults.push(format!("`{channel}` has no end"));
    }

    /// Only whoever was killed may fail.
    fn failed(&mut self, process: &Process<'_>, why: String) {
        if !process.mortal.is_dead() {
            self.faults.push(why);
        }
    }

    /// Somebody answers an incident now and then, or closes one.
    fn people(&mut self) {
        let chance = if self.is_quiet { 0 } else { self.numbers.below(10) };
        if chance > 2 {
            return;
        }
        let (all, _) = incidents(self.store, |_| true).unwrap();
        let open: Vec<u64> = all.iter().filter(|one| !one.incident.is_closed()).map(|one| one.number).collect();
        let at = self.world.graph_now();
        let by = || name("eva");
        if chance < 2 {
            let say = |one: &Incident| Entry::Acknowledged { by: by(), via: Via::Command, covers: one.covered(), at };
            open.iter().for_each(|number| drop(answer(self.store, *number, say).unwrap()));
            return;
        }
        let Some(number) = open.get(self.numbers.below(open.len().max(1))).copied() else { return };
        answer(self.store, number, |one| Entry::Resealed { covers: one.covered(), at }).unwrap();
        let reason = "it was".to_owned();
        let class = |one: &Incident| Entry::Classified {
            class: Class::Real,
            by: by(),
            covers: one.covered(),
            reason: reason.clone(),
            at,
        };
        answer(self.store, number, class).unwrap();
        match answer(self.store, number, |_| Entry::Closed { by: by(), post_mortem: "it is over".to_owned(), at }) {
            Ok(_) => {
                self.closed.insert(number);
                self.world.count("closed");
            }
            // There are tries that were only counted so far.
            Err(AnswerError::Entry(EntryError::NotTold)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Plays the log of a seed; everything that the referee finds.
fn played(seed: u64, wrong: Option<Wrong>, counts: &mut Counts) -> Vec<String> {
    let mut numbers = Numbers(seed);
    let start: Timestamp = START.parse().unwrap();
    let log = Log::new(&mut numbers, counts, start);
    let world = World::new(log, Numbers(numbers.draw()), start);
    let (store, ladder) = (InMemoryWatch::new(start), ladder());
    let (closed, faults) = Default::default();
    let mut run =
        Run { world: &world, store: &store, ladder: &ladder, wrong, numbers, is_quiet: false, closed, faults };
    run.until(start + hours(24 * DAYS));
    world.calm_down();
    run.is_quiet = true;
    run.until(world.log.end().max(world.graph_now()) + hours(QUIET_HOURS));
    let Ended { kept, taken, counts: happened } = world.ended();
    counts.add_all(&happened);
    let Run { closed, mut faults, .. } = run;
    faults.extend(judged(&Trial { log: &world.log, store: &store, kept: &kept, taken: &taken, closed: &closed }));
    faults
}

/// That there is no fault; else the first of them, and the seed.
fn check(seed: u64, faults: &[String]) {
    let first: Vec<&String> = faults.iter().take(10).collect();
    assert!(faults.is_empty(), "seed {seed}: {} faults, the first of them {first:#?}", faults.len());
}

#[test]
fn every_use_is_told_by_seed_however_often_the_watcher_is_killed() {
    let mut numbers = Numbers(seed_for("every_use_is_told_by_seed_however_often_the_watcher_is_killed"));
    let kill_count_min = if is_full() { 10_000 } else { 300 };
    let (mut counts, mut logs) = (Counts::default(), 0);
    while counts.kills() < kill_count_min || logs < LOG_COUNT_MIN {
        let seed = numbers.draw();
        check(seed, &played(seed, None, &mut counts));
        logs += 1;
    }
    println!("{logs} logs, {} kills: {counts:?}", counts.kills());
    for what in HAPPENED {
        assert!(counts.of(what) > 0, "{what}: {counts:?}");
    }
}

#[test]
fn whoever_watches_wrongly_is_noticed_by_seed() {
    let mut numbers = Numbers(seed_for("whoever_watches_wrongly_is_noticed_by_seed"));
    let mut unnoticed = Wrong::EACH.to_vec();
    for _ in 0..MUTANT_LOG_COUNT_MAX {
        let seed = numbers.draw();
        // Whatever is noticed is not a fault of the watcher that is right.
        check(seed, &played(seed, None, &mut Counts::default()));
        unnoticed.retain(|wrong| {
            let faults = played(seed, Some(*wrong), &mut Counts::default());
            println!("{wrong:?}: {} faults: {:?}", faults.len(), faults.first());
            faults.is_empty()
        });
        if unnoticed.is_empty() {
            return;
        }
    }
    panic!("nobody has noticed {unnoticed:?}");
}

#[test]
fn deliveries_that_differ_have_keys_that_differ() {
    // Texts that are the same where they are only joined.
    let names = ["sms", "sms-night", "night-eva", "eva", "1", "eva-1", "1-1", "1-sms"];
    let mut keys: BTreeMap<String, DeliveryKey> = BTreeMap::new();
    for (channel, recipient) in names.iter().flat_map(|channel| names.map(|recipient| (*channel, recipient))) {
        for (incident, alert, step) in
            [("incident/1", 1, 0), ("incident/1", 1, 1), ("incident/1", 11, 1), ("incident/11", 1, 1)]
        {
            let (incident, channel, recipient) = (incident.to_owned(), name(channel), name(recipient));
            let key = DeliveryKey { incident, alert, channel, recipient, step };
            if let Some(other) = keys.insert(key.idempotency_key(), key.clone()) {
                panic!("one key for two: {other:?}, {key:?}");
            }
        }
    }
}
