//! The program, killed (SIGKILL) at one effect after another and at random times: whatever is left, the password that the
//! tenant knows is sealed, two shares open it, it signs in, and the same command goes on.
//!
//! It is killed as a request of a kind arrives, as it was carried out, as it is on its way; between each two entries that are
//! added to its state and in the middle of each; as it shows what it opened; as soon as a file is seen that was not there; and
//! after random times. Only who was killed while something was under way is counted, and there is no end before there were as
//! many as are wanted.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use breakglass_adapters::sqlite_store::{FILE_NAME, SqliteStore};
use breakglass_ops::checkout::record::Entry;
use breakglass_ops::checkout::stream;
use breakglass_ops::ports::Store as _;
use breakglass_testkit::is_full;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rusqlite::Connection;

use super::front::{Fate, Kind};
use super::sampled::Numbers;
use super::world::{DOCUMENTS, FIRST, PEOPLE, SECOND, World, decrypted, files_below};
use crate::custody_commands::words;

const SEED: u64 = 20_261_128;

/// How many are killed in the long form: rotations, check-outs, and new sets.
const KILLED_FULL: [usize; 3] = [150, 200, 150];

/// Worlds in which rotations are killed in the long form, so that no record grows until nothing but reading it takes time.
const KILLED_WORLDS: u64 = 3;

/// Files that a new set leaves: the operator's key, that of the ledger, and three shares.
const FILES: usize = 5;

/// Looks at a lock that is held each time, after which whoever holds it is believed to go no further.
const LOOK_COUNT: usize = 300;

/// When somebody is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// As a request of a kind is there, with what becomes of it.
    Request(Kind, Fate),
    /// When so many entries are added to the state, and the next is not.
    Added(usize),
    /// In the middle of adding the next to so many.
    Adding(usize),
    /// As soon as there are so many files more.
    File(usize),
    /// After so many thousandths of a second.
    After(u64),
}

impl Moment {
    fn word(self) -> String {
        match self {
            Self::Request(kind, fate) => format!("{kind:?} {fate:?}"),
            Self::Added(count) => format!("{count} entries added"),
            Self::Adding(count) => format!("in the middle of entry {}", count + 1),
            Self::File(count) => format!("file {count}"),
            Self::After(_) => "a random time".to_owned(),
        }
    }
}

/// Holds whoever adds an entry to a state that has a certain number: they stay in the middle of it until they are killed.
struct Halt(Connection);

impl Halt {
    fn at(state: &Path, entries: Option<usize>) -> Self {
        let connection = Connection::open(state.join(FILE_NAME)).unwrap();
        connection.busy_timeout(Duration::ZERO).unwrap();
        if let Some(entries) = entries {
            let held = format!(
                "CREATE VIEW endless AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) AS x FROM n;
                 CREATE TRIGGER halt BEFORE INSERT ON entries WHEN (SELECT count(*) FROM entries) = {entries}
                 BEGIN SELECT x FROM endless; END;"
            );
            connection.execute_batch(&held).unwrap();
        }
        Self(connection)
    }

    fn entries(&self) -> usize {
        self.0.query_row("SELECT count(*) FROM entries", [], |row| row.get(0)).unwrap()
    }

    /// Whether somebody is adding something and does not come to an end.
    fn is_held(&self) -> bool {
        (0..LOOK_COUNT).all(|_| {
            std::thread::yield_now();
            self.0.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_err()
        })
    }

    fn lifted(self) {
        self.0.execute_batch("DROP TRIGGER IF EXISTS halt; DROP VIEW IF EXISTS endless").unwrap();
    }
}

/// Entries of all streams that a state has.
pub(super) fn entries_in(state: &Path) -> usize {
    Halt::at(state, None).entries()
}

/// Files that are in folders.
fn files_in(folders: &[PathBuf]) -> usize {
    folders.iter().map(|folder| fs::read_dir(folder).map_or(0, Iterator::count)).sum()
}

/// A place that is looked at while somebody works.
pub(super) struct Watched<'w> {
    pub(super) state: &'w Path,
    pub(super) folders: &'w [PathBuf],
}

impl Watched<'_> {
    /// Begins a run, kills it at a moment that is none of a request, and waits for it to be gone; entries and files that there
    /// are more after it.
    #[expect(clippy::disallowed_methods, reason = "some moments are a time after the beginning")]
    pub(super) fn killed(
        &self,
        moment: Moment,
        begin: impl FnOnce() -> Child,
        ended: impl FnOnce(Child),
    ) -> (usize, usize) {
        let (entries, files) = (entries_in(self.state), files_in(self.folders));
        let at = match moment {
            Moment::Added(count) | Moment::Adding(count) => Some(entries + count),
            _ => None,
        };
        let halt = Halt::at(self.state, at);
        let mut child = begin();
        let began = Instant::now();
        while child.try_wait().unwrap().is_none() {
            let is_now = match moment {
                Moment::Added(count) => halt.entries() == entries + count,
                Moment::Adding(count) => halt.entries() == entries + count && halt.is_held(),
                Moment::File(count) => files_in(self.folders) >= files + count,
                Moment::After(milliseconds) => began.elapsed() >= Duration::from_millis(milliseconds),
                Moment::Request(..) => false,
            };
            if is_now {
                child.kill().unwrap();
                break;
            }
            std::thread::yield_now();
        }
        ended(child);
        halt.lifted();
        (entries_in(self.state) - entries, files_in(self.folders).saturating_sub(files))
    }
}

/// How often which was tried, and how far what was killed had come.
#[derive(Default)]
pub(super) struct Counts {
    moments: BTreeMap<String, usize>,
    reached: BTreeMap<String, usize>,
    /// Killed with so many entries added.
    added: BTreeMap<usize, usize>,
    /// Killed while something was under way.
    killed: usize,
    /// Killed before anything was.
    early: usize,
    whole: usize,
    pub(super) sign_ins: usize,
}

impl Counts {
    /// What came of a run; whether it was killed at all.
    pub(super) fn ended(&mut self, moment: Moment, code: Option<i32>, (added, files): (usize, usize)) -> bool {
        let is_under_way = added + files > 0 || matches!(moment, Moment::Request(..) | Moment::Adding(_));
        match code {
            Some(_) => self.whole += 1,
            None if is_under_way => {
                self.killed += 1;
                *self.moments.entry(moment.word()).or_default() += 1;
                *self.added.entry(added).or_default() += 1;
            }
            None => self.early += 1,
        }
        code.is_none()
    }

    pub(super) fn told(&self, what: &str) {
        println!(
            "seed {SEED}: {what}: {} killed while something was under way, {} before that, {} ended before; {} sign-ins",
            self.killed, self.early, self.whole, self.sign_ins
        );
        self.moments.iter().for_each(|(moment, count)| println!("  {count:>4} at {moment}"));
        self.added.iter().for_each(|(added, count)| println!("  {count:>4} with {added} entries added"));
        self.reached.iter().for_each(|(reached, count)| println!("  {count:>4} had come as far as: {reached}"));
    }

    /// That somebody was killed at each of the moments that are not by chance, of a run that adds so many entries.
    pub(super) fn are_at(&self, moments: &[Moment], entries: usize) {
        // Between two entries somebody may be quicker than whoever looks; in the middle of the second the first is added, too.
        let is_by_chance = |moment: &&Moment| match moment {
            Moment::File(_) | Moment::After(_) => true,
            Moment::Added(added) => *added < entries,
            _ => false,
        };
        for moment in moments.iter().filter(|moment| !is_by_chance(moment)) {
            assert!(self.moments.contains_key(&moment.word()), "nobody was killed at {}", moment.word());
        }
    }

    /// That so many were killed, at each of the moments that are not by chance and with each number of entries that a whole
    /// run adds.
    fn are_all(&self, count: usize, moments: &[Moment], entries: usize) {
        assert!(self.killed >= count, "{} were killed", self.killed);
        self.are_at(moments, entries);
        for added in 0..entries {
            assert!(self.added.contains_key(&added), "nobody was killed with {added} of {entries} entries added");
        }
    }
}

/// Moments in turn: each of those that are certain, and then by chance.
struct Moments<'n> {
    every: Vec<Moment>,
    at: usize,
    numbers: &'n mut Numbers,
}

impl Moments<'_> {
    fn next(&mut self, milliseconds: u64) -> Moment {
        self.at += 1;
        match self.every.get(self.at - 1) {
            Some(moment) => *moment,
            None if self.numbers.below(4) == 0 => Moment::After(self.numbers.below(milliseconds)),
            None => self.numbers.one_of(&self.every),
        }
    }
}

/// The moments of a run that adds so many entries, the last first.
pub(super) fn entries_one_by_one(entries: usize) -> impl Iterator<Item = Moment> {
    (0..entries).rev().map(Moment::Adding).chain((1..entries).rev().map(Moment::Added))
}

fn requests() -> Vec<Moment> {
    use Fate::{KilledAfter, KilledBefore, KilledLate};
    vec![
        Moment::Request(Kind::Set, KilledBefore),
        Moment::Request(Kind::Set, KilledAfter),
        Moment::Request(Kind::Set, KilledLate),
        Moment::Request(Kind::Prove, KilledBefore),
        Moment::Request(Kind::Prove, KilledAfter),
        Moment::Request(Kind::Revoke, KilledBefore),
        Moment::Request(Kind::Revoke, KilledAfter),
        Moment::Request(Kind::SignIn, KilledBefore),
        Moment::Request(Kind::Read, KilledBefore),
    ]
}

/// Whoever is to be killed by the front, by their process id, while there is one.
pub(super) fn victim(world: &World) -> Arc<Mutex<Option<i32>>> {
    let victim: Arc<Mutex<Option<i32>>> = Arc::default();
    let of = Arc::clone(&victim);
    world.front.kill_by(move || {
        if let Some(id) = of.lock().unwrap().take() {
            kill(Pid::from_raw(id), Signal::SIGKILL).unwrap();
        }
    });
    victim
}

/// Has the first request of a kind fare as the moment says, if it is one of a request.
pub(super) fn decides(world: &World, moment: Moment) {
    let mut has_come = false;
    world.front.decide(move |kind| match moment {
        Moment::Request(of, fate) if of == kind && !has_come => {
            has_come = true;
            fate
        }
        _ => Fate::Passed,
    });
}

/// The moments of a rotation that adds so many entries.
fn of_a_rotation(entries: usize) -> Vec<Moment> {
    // Requests last: after one that nobody saw answered nothing is settled and no document goes, for an hour, so that a run
    // adds fewer entries.
    let mut every: Vec<Moment> = entries_one_by_one(entries).chain(requests()).collect();
    if !is_full() {
        // In the middle of an entry the one before it is added as well.
        every.retain(|moment| !matches!(moment, Moment::Added(_)));
    }
    every.extend((1..3).map(Moment::File));
    every
}

#[test]
fn a_rotation_is_killed_by_seed_at_every_effect_and_goes_on() {
    for number in 0..if is_full() { KILLED_WORLDS } else { 1 } {
        rotations_are_killed(number);
    }
}

fn rotations_are_killed(number: u64) {
    let (world, shares) = World::with_set(&format!("killed-rotation-{number}"));
    let sealed = (DOCUMENTS, shares.as_slice());
    let rotate = |account: &str, hours: &str| {
        world.ends(0, &["rotate", "--account", account, "--yes", "--quiescence", hours], "");
    };
    rotate(SECOND.1, "0");
    // What a whole run adds is known before anybody is killed; in the third an old document goes.
    (0..3).for_each(|_| rotate(FIRST.1, "0"));
    let (state, folders) = (world.state(), [world.folder.join(DOCUMENTS)]);
    let before = entries_in(&state);
    rotate(FIRST.1, "0");
    let entries = entries_in(&state) - before;
    let victim = victim(&world);
    let (mut numbers, mut counts) = (Numbers(SEED + number), Counts::default());
    let mut chances = Numbers(SEED + 1 + number);
    let arguments = ["rotate", "--account", FIRST.1, "--yes", "--quiescence", "0"];
    let every = of_a_rotation(entries);
    let mut moments = Moments { every: every.clone(), at: 0, numbers: &mut numbers };
    let wanted = if is_full() { KILLED_FULL[0].div_ceil(usize::try_from(KILLED_WORLDS).unwrap()) } else { every.len() };
    while counts.killed < wanted || moments.at < every.len() {
        let moment = moments.next(1_500);
        decides(&world, moment);
        let begin = || {
            let child = world.command(&arguments).spawn().unwrap();
            *victim.lock().unwrap() = Some(i32::try_from(child.id()).unwrap());
            child
        };
        let mut code = None;
        let watched = Watched { state: &state, folders: &folders };
        let more = watched.killed(moment, begin, |child| {
            let run = world.ended(&arguments, child);
            assert!(matches!(run.code, None | Some(0)), "{moment:?}: {run:?}");
            code = run.code;
        });
        *victim.lock().unwrap() = None;
        world.front.decide(|_| Fate::Passed);
        if counts.ended(moment, code, more) {
            let entries = world.store().entries(&format!("rotation/{}", FIRST.0)).unwrap();
            let last = entries.last().map_or("nothing", |entry| entry["state"].as_str().unwrap());
            *counts.reached.entry(last.to_owned()).or_default() += 1;
        }
        if chances.below(2) == 0 {
            world.runtime.block_on(world.front.let_arrive());
        }
        counts.sign_ins += world.holds(FIRST, sealed).1;
        rotate(FIRST.1, "0");
        // It arrives after another was proved: nothing is settled before, and the next rotation is above it.
        if world.runtime.block_on(world.front.let_arrive()) > 0 {
            counts.sign_ins += world.holds(FIRST, sealed).1;
            rotate(FIRST.1, "24");
        }
        let (current, tried) = world.holds(FIRST, sealed);
        counts.sign_ins += tried;
        assert_eq!(current.as_ref(), world.course(FIRST.0).current(), "{moment:?}: what is to be opened first counts");
    }
    world.ledger_holds();
    counts.told("rotations");
    counts.are_all(wanted, &every, entries);
    for state in ["begun", "prepared", "sending", "proved", "revoked"] {
        assert!(counts.reached.contains_key(state), "nobody was killed behind `{state}`");
    }
    assert!(world.holds(SECOND, sealed).0.is_some());
}

/// What was opened by the record, and how often for one request.
fn openings(store: &SqliteStore) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for kept in stream::kept(store, FIRST.0).unwrap() {
        if let Entry::Opened { request, .. } = kept.entry {
            *found.entry(request.to_string()).or_default() += 1;
        }
    }
    found
}

/// A pipe in which there is no room, so that whoever writes into it waits.
fn full_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let bytes = nix::fcntl::fcntl(&writer, nix::fcntl::FcntlArg::F_GETPIPE_SZ).unwrap();
    std::io::Write::write_all(&mut writer, &vec![b' '; usize::try_from(bytes).unwrap()]).unwrap();
    (reader, writer)
}

/// That nothing was written into a pipe that was full.
fn is_empty(mut reader: std::io::PipeReader) {
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut reader, &mut rest).unwrap();
    assert!(rest.is_empty() || String::from_utf8(rest).unwrap().trim().is_empty(), "it was shown where nobody reads");
}

/// The same again, after an opening that was written down so often and shown so often: it opens once, whoever asks.
fn opens_once(world: &World, (open, both): (&[&str], &str), password: &str, (count, shown): (usize, usize)) {
    if count > 0 {
        // Whatever is written down of it, nothing is sealed to that key any more.
        let refused = world.run(&["rotate", "--account", FIRST.1, "--yes"], "");
        assert!(refused.code == Some(2) && refused.err.contains("BG4052"), "{refused:?}");
    }
    // The same again: once, and only if nothing was opened by it.
    let again = world.run(open, both);
    assert_eq!(again.code, Some(if count > 0 { 2 } else { 0 }), "{again:?}");
    let shown = shown + usize::from(again.out.contains(password));
    assert!(shown <= 1, "one request has opened twice");
    let (first, second) = (world.started(open, both), world.started(open, both));
    for child in [first, second] {
        assert_eq!(world.ended(open, child).out, "", "it was opened before");
    }
}

#[test]
fn a_check_out_is_killed_by_seed_at_every_effect_and_opens_once() {
    let (world, shares) = World::with_set("killed-check-out");
    world.ends(0, &["custody", "seal", "--account", FIRST.1, "--id", FIRST.0, "--generate"], "");
    let password = world.opened(DOCUMENTS, &shares)[0].2.clone();
    let (mut numbers, mut counts) = (Numbers(SEED), Counts::default());
    let both = shares[1..].join("\n");
    let open = ["checkout", "open", "--account", FIRST.1, "--share", "-"];
    let ask = ["checkout", "request", "--account", FIRST.1, "--person", PEOPLE[0], "--reason", "a test"];
    let agree = ["checkout", "approve", "--account", FIRST.1, "--person", PEOPLE[1], "--yes"];
    let give_back = ["checkout", "return", "--account", FIRST.1, "--person", PEOPLE[0]];
    let state = world.state();
    // What a whole run adds is known before anybody is killed.
    [ask.as_slice(), &agree].into_iter().for_each(|words| drop(world.ends(0, words, "")));
    let before = entries_in(&state);
    world.ends(0, &open, &both);
    let entries = entries_in(&state) - before;
    world.ends(0, &give_back, "");
    // With all of them added it waits to show what it opened.
    let every: Vec<Moment> = entries_one_by_one(entries).chain([Moment::Added(entries)]).collect();
    let mut moments = Moments { every: every.clone(), at: 0, numbers: &mut numbers };
    let wanted = if is_full() { KILLED_FULL[1] } else { every.len() };
    while counts.killed < wanted || moments.at < every.len() {
        let moment = moments.next(120);
        world.ends(0, &ask, "");
        // One person alone opens nothing.
        assert_eq!(world.ends(2, &open, &both).out, "");
        world.ends(0, &agree, "");
        let opened = openings(&world.store()).len();
        let (reader, writer) = full_pipe();
        let mut code = None;
        let mut shown = 0;
        let begin = || {
            let mut command = world.command(&open);
            let is_last = moment == Moment::Added(entries);
            let mut child = if is_last { command.stdout(writer).spawn() } else { command.spawn() }.unwrap();
            let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), both.as_bytes());
            child
        };
        let watched = Watched { state: &state, folders: &[] };
        let more = watched.killed(moment, begin, |child| {
            let run = world.ended(&open, child);
            (code, shown) = (run.code, usize::from(run.out.contains(&password)));
        });
        is_empty(reader);
        let count = openings(&world.store()).len() - opened;
        assert!(shown <= count, "it is shown, and not written down");
        if counts.ended(moment, code, more) {
            *counts.reached.entry(format!("{count} written down, {shown} shown")).or_default() += 1;
        }
        opens_once(&world, (&open, &both), &password, (count, shown));
        world.ends(0, &give_back, "");
        assert!(openings(&world.store()).values().all(|count| *count == 1));
    }
    world.ledger_holds();
    counts.told("check-outs");
    counts.are_all(wanted, &every, entries + 1);
    assert!(
        counts.reached.contains_key("0 written down, 0 shown")
            && counts.reached.contains_key("1 written down, 0 shown")
    );
}

#[test]
fn two_processes_open_one_check_out_once() {
    let (world, shares) = World::with_set("two-check-outs");
    world.ends(0, &["custody", "seal", "--account", FIRST.1, "--id", FIRST.0, "--generate"], "");
    let password = world.opened(DOCUMENTS, &shares)[0].2.clone();
    let both = shares[..2].join("\n");
    let open = ["checkout", "open", "--account", FIRST.1, "--share", "-"];
    let rounds = if is_full() { 60 } else { 5 };
    for _ in 0..rounds {
        // Two ask at the same time, and one of them is heard.
        let ask = |person| ["checkout", "request", "--account", FIRST.1, "--person", person, "--reason", "a race"];
        let asked = [PEOPLE[0], PEOPLE[1]].map(|person| (person, world.started(&ask(person), "")));
        let ended = asked.map(|(person, child)| (person, world.ended(&ask(person), child).code == Some(0)));
        let heard: Vec<&str> = ended.iter().filter(|(_, is_heard)| *is_heard).map(|(person, _)| *person).collect();
        let [asker] = heard[..] else { panic!("{ended:?}") };
        let agree = |person| ["checkout", "approve", "--account", FIRST.1, "--person", person, "--yes"];
        let others = PEOPLE.map(|person| world.started(&agree(person), ""));
        let agreed = others.map(|child| world.ended(&[], child).code == Some(0));
        assert!(agreed.iter().zip(PEOPLE).all(|(agreed, person)| !agreed || person != asker));
        if !agreed.contains(&true) {
            let other = PEOPLE.into_iter().find(|person| *person != asker).unwrap();
            world.ends(0, &agree(other), "");
        }
        let children = [0, 1, 2].map(|_| world.started(&open, &both));
        let shown = children.map(|child| usize::from(world.ended(&open, child).out.contains(&password)));
        assert_eq!(shown.iter().sum::<usize>(), 1, "three processes open, and one of them shows");
        world.ends(0, &["checkout", "return", "--account", FIRST.1, "--person", asker], "");
    }
    assert_eq!(openings(&world.store()).len(), rounds);
    world.ledger_holds();
    println!("{rounds} rounds in which two ask, three agree and three open at the same time");
}

/// That every file is whole: a key, or a share that its custodian opens.
pub(super) fn files_are_whole(world: &World, (state, output): (&Path, &Path)) -> usize {
    let mut count = 0;
    for path in [state, output].into_iter().filter(|path| path.exists()).flat_map(files_below) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".key") {
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.ends_with('\n') && text.lines().count() == 3, "half a key in {name}");
        } else if let Some(stem) = name.strip_suffix(".age") {
            let custodian = world.custodians.iter().find(|one| stem.ends_with(one.id)).unwrap();
            let words = decrypted(&fs::read(&path).unwrap(), &custodian.age);
            assert_eq!(words.split(' ').count(), 33, "half a share in {name}");
        } else {
            assert!(name.starts_with("state.db"), "{name}");
            continue;
        }
        count += 1;
    }
    count
}

#[test]
fn a_new_set_is_killed_by_seed_at_every_effect_and_leaves_no_half_file() {
    let world = World::new("killed-set");
    let (mut numbers, mut counts) = (Numbers(SEED), Counts::default());
    // The number of a try, where it keeps its state, and where it puts shares.
    let places = |number: usize| {
        let (state, output) = (format!("state-{number}"), format!("output-{number}"));
        // A state with nothing in it, so that whoever adds to it can be held.
        drop(SqliteStore::open(&world.folder.join(&state)).unwrap());
        (state, output)
    };
    let (state, output) = places(0);
    world.ends(0, &["custody", "new-set", "--state", &state, "--output", &output], "");
    let entries = entries_in(&world.folder.join(&state));
    let every: Vec<Moment> = entries_one_by_one(entries).chain((1..7).map(Moment::File)).collect();
    let mut moments = Moments { every: every.clone(), at: 0, numbers: &mut numbers };
    let wanted = if is_full() { KILLED_FULL[2] } else { 8 };
    let (mut whole, mut halfway) = (0, 0);
    while counts.killed < wanted || moments.at < every.len() {
        let moment = moments.next(60);
        let (state, output) = places(moments.at);
        let arguments = ["custody", "new-set", "--state", &state, "--output", &output];
        let (state, output) = (world.folder.join(&state), world.folder.join(&output));
        let folders = [state.clone(), output.clone()];
        let mut code = None;
        let watched = Watched { state: &state, folders: &folders };
        let begin = || world.command(&arguments).spawn().unwrap();
        let (added, _) = watched.killed(moment, begin, |child| {
            let run = world.ended(&arguments, child);
            assert!(matches!(run.code, None | Some(0)), "{run:?}");
            code = run.code;
        });
        let files = files_are_whole(&world, (&state, &output));
        let files_of_shares = if output.exists() { files_below(&output).len() } else { 0 };
        if counts.ended(moment, code, (added, files)) {
            *counts.reached.entry(format!("{files} files")).or_default() += 1;
            halfway += usize::from((1..FILES).contains(&files));
        }
        let made = || SqliteStore::open(&state).unwrap().entries("custody/sets").unwrap().len();
        let before = made();
        let again = world.run(&arguments, "");
        // What was handed out of a set that is none is named.
        let is_named = words(&again.err).contains("whoever made them was stopped before it was a set");
        assert_eq!(is_named, before == 0 && files_of_shares > 0, "{again:?}");
        // What was written down is there, and another is not made beside it.
        assert_eq!(again.code, Some(if before == 0 { 0 } else { 2 }), "{again:?}");
        assert_eq!(made(), 1);
        whole += files_are_whole(&world, (&state, &output));
    }
    counts.told("sets");
    println!("{whole} whole files");
    counts.are_all(wanted, &every, entries);
    assert!(halfway > 0, "nobody was killed with some of the files written");
}
