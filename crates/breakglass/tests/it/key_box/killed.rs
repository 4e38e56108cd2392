//! The program, killed (SIGKILL) at one effect after another and at random times: whatever is left, the password that the
//! tenant knows is sealed, two shares open it, it signs in, and the same command goes on.
//!
//! It is killed as a request of a kind arrives, as it was carried out, as it is on its way; as soon as a file or an entry is
//! seen that was not there; and after random times.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_ops::checkout::record::Entry;
use breakglass_ops::checkout::stream;
use breakglass_ops::ports::Store as _;
use breakglass_testkit::is_full;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::front::{Fate, Kind};
use super::sampled::Numbers;
use super::world::{DOCUMENTS, FIRST, PEOPLE, SECOND, World, decrypted, files_below};

const SEED: u64 = 20_261_128;

/// When somebody is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// As a request of a kind is there, with what becomes of it.
    Request(Kind, Fate),
    /// As soon as so many things have changed that are remembered or kept.
    Change(usize),
    /// After so many thousandths of a second.
    After(u64),
}

impl Moment {
    fn word(self) -> String {
        match self {
            Self::Request(kind, fate) => format!("{kind:?} {fate:?}"),
            Self::Change(count) => format!("change {count}"),
            Self::After(_) => "random time".to_owned(),
        }
    }
}

/// Files and entries that there are.
fn things(folders: &[PathBuf], store: Option<&SqliteStore>) -> usize {
    let files = |folder: &PathBuf| fs::read_dir(folder).map_or(0, Iterator::count);
    let entries = store.map_or(0, |store| {
        let streams = store.streams("").unwrap_or_default();
        streams.iter().map(|stream| store.entries(stream).map_or(0, |entries| entries.len())).sum()
    });
    folders.iter().map(files).sum::<usize>() + entries
}

/// Kills a child at a moment that is none of a request; whether it was still there.
#[expect(clippy::disallowed_methods, reason = "some moments are a time after the beginning")]
fn killed_at(moment: Moment, child: &mut Child, (folders, store): (&[PathBuf], Option<&SqliteStore>), before: usize) {
    let began = Instant::now();
    loop {
        let is_now = match moment {
            Moment::Change(count) => things(folders, store) >= before + count,
            Moment::After(milliseconds) => began.elapsed() >= Duration::from_millis(milliseconds),
            Moment::Request(..) => false,
        };
        if child.try_wait().unwrap().is_some() {
            return;
        }
        if is_now {
            child.kill().unwrap();
            return;
        }
        std::thread::yield_now();
    }
}

/// How often which was tried, and how far what was killed had come.
#[derive(Default)]
struct Counts {
    moments: BTreeMap<String, usize>,
    reached: BTreeMap<String, usize>,
    killed: usize,
    whole: usize,
    sign_ins: usize,
}

impl Counts {
    fn told(&self, what: &str) {
        println!(
            "seed {SEED}: {what}: {} killed, {} ended before; {} sign-ins",
            self.killed, self.whole, self.sign_ins
        );
        self.moments.iter().for_each(|(moment, count)| println!("  {count:>4} at {moment}"));
        self.reached.iter().for_each(|(reached, count)| println!("  {count:>4} had come as far as: {reached}"));
    }
}

fn moments(numbers: &mut Numbers, count: usize) -> Vec<Moment> {
    use Fate::{KilledAfter, KilledBefore, KilledLate};
    let mut all = vec![
        Moment::Request(Kind::Set, KilledBefore),
        Moment::Request(Kind::Set, KilledAfter),
        Moment::Request(Kind::Set, KilledLate),
        Moment::Request(Kind::Prove, KilledBefore),
        Moment::Request(Kind::Prove, KilledAfter),
        Moment::Request(Kind::Revoke, KilledBefore),
        Moment::Request(Kind::Revoke, KilledAfter),
        Moment::Request(Kind::SignIn, KilledBefore),
        Moment::Request(Kind::Read, KilledBefore),
    ];
    all.extend((1..=9).map(Moment::Change));
    let every = all.clone();
    while all.len() < count {
        all.push(match numbers.below(3) {
            0 => Moment::After(numbers.below(1_500)),
            _ => numbers.one_of(&every),
        });
    }
    all.truncate(count);
    all
}

#[test]
fn a_rotation_is_killed_by_seed_at_every_effect_and_goes_on() {
    let (world, shares) = World::with_set("killed-rotation");
    let sealed = (DOCUMENTS, shares.as_slice());
    let rotate = |account: &str, hours: &str| {
        world.ends(0, &["rotate", "--account", account, "--yes", "--quiescence", hours], "");
    };
    rotate(SECOND.1, "0");
    let victim: Arc<Mutex<Option<i32>>> = Arc::default();
    let of = Arc::clone(&victim);
    world.front.kill_by(move || {
        if let Some(id) = of.lock().unwrap().take() {
            kill(Pid::from_raw(id), Signal::SIGKILL).unwrap();
        }
    });
    let (mut numbers, mut counts) = (Numbers(SEED), Counts::default());
    let folders = [world.folder.join(DOCUMENTS)];
    let arguments = ["rotate", "--account", FIRST.1, "--yes", "--quiescence", "0"];
    // The first rotation of the account is among those that are killed.
    for moment in moments(&mut numbers, if is_full() { 300 } else { 22 }) {
        *counts.moments.entry(moment.word()).or_default() += 1;
        let store = world.store();
        let before = things(&folders, Some(&store));
        let mut has_come = false;
        world.front.decide(move |kind| match moment {
            Moment::Request(of, fate) if of == kind && !has_come => {
                has_come = true;
                fate
            }
            _ => Fate::Passed,
        });
        let mut child = world.command(&arguments).spawn().unwrap();
        *victim.lock().unwrap() = Some(i32::try_from(child.id()).unwrap());
        killed_at(moment, &mut child, (&folders, Some(&store)), before);
        drop(store);
        let run = world.ended(&arguments, child);
        assert!(matches!(run.code, None | Some(0)), "{moment:?}: {run:?}");
        *victim.lock().unwrap() = None;
        world.front.decide(|_| Fate::Passed);
        if run.code.is_some() {
            counts.whole += 1;
        } else {
            counts.killed += 1;
        }
        let entries = world.store().entries(&format!("rotation/{}", FIRST.0)).unwrap();
        let last = entries.last().map_or("nothing", |entry| entry["state"].as_str().unwrap());
        *counts.reached.entry(last.to_owned()).or_default() += 1;
        let is_late = numbers.below(2) == 0;
        if is_late {
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
    assert!(counts.killed > counts.whole);
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

#[test]
fn a_check_out_is_killed_by_seed_at_every_effect_and_opens_once() {
    let (world, shares) = World::with_set("killed-check-out");
    world.ends(0, &["custody", "seal", "--account", FIRST.1, "--id", FIRST.0, "--generate"], "");
    let password = world.opened(DOCUMENTS, &shares)[0].2.clone();
    let (mut numbers, mut counts) = (Numbers(SEED), Counts::default());
    let both = shares[1..].join("\n");
    let open = ["checkout", "open", "--account", FIRST.1, "--share", "-"];
    for number in 0..if is_full() { 120 } else { 10 } {
        world.ends(0, &["checkout", "request", "--account", FIRST.1, "--person", PEOPLE[0], "--reason", "a test"], "");
        // One person alone opens nothing.
        assert_eq!(world.ends(2, &open, &both).out, "");
        world.ends(0, &["checkout", "approve", "--account", FIRST.1, "--person", PEOPLE[1], "--yes"], "");
        let store = world.store();
        let before = (things(&[], Some(&store)), openings(&store).len());
        let moment = match number % 3 {
            2 => Moment::After(numbers.below(120)),
            _ => Moment::Change(usize::try_from(1 + numbers.below(4)).unwrap()),
        };
        *counts.moments.entry(moment.word()).or_default() += 1;
        let mut child = world.started(&open, &both);
        killed_at(moment, &mut child, (&[], Some(&store)), before.0);
        let run = world.ended(&open, child);
        let count = openings(&store).len() - before.1;
        let (mut shown, was_killed) = (usize::from(run.out.contains(&password)), run.code.is_none());
        assert!(shown <= count, "it is shown, and not written down");
        if was_killed {
            counts.killed += 1;
        } else {
            counts.whole += 1;
        }
        *counts.reached.entry(format!("{count} written down, {shown} shown")).or_default() += 1;
        if count > 0 {
            // Whatever is written down of it, nothing is sealed to that key any more.
            let refused = world.run(&["rotate", "--account", FIRST.1, "--yes"], "");
            assert!(refused.code == Some(2) && refused.err.contains("BG4052"), "{refused:?}");
        }
        // The same again: once, and only if nothing was opened by it.
        let again = world.run(&open, &both);
        assert_eq!(again.code, Some(if count > 0 { 2 } else { 0 }), "{again:?}");
        shown += usize::from(again.out.contains(&password));
        assert!(shown <= 1, "one request has opened twice");
        let (first, second) = (world.started(&open, &both), world.started(&open, &both));
        for child in [first, second] {
            assert_eq!(world.ended(&open, child).out, "", "it was opened before");
        }
        world.ends(0, &["checkout", "return", "--account", FIRST.1, "--person", PEOPLE[0]], "");
        assert!(openings(&store).values().all(|count| *count == 1));
    }
    world.ledger_holds();
    counts.told("check-outs");
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
fn files_are_whole(world: &World, (state, output): (&Path, &Path)) -> usize {
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
    let mut whole = 0;
    for number in 0..if is_full() { 80 } else { 8 } {
        let (state, output) = (format!("state-{number}"), format!("output-{number}"));
        let arguments = ["custody", "new-set", "--state", &state, "--output", &output];
        let (state, output) = (world.folder.join(&state), world.folder.join(&output));
        let folders = [state.clone(), output.clone()];
        let moment = match number % 2 {
            0 => Moment::Change(usize::try_from(1 + numbers.below(6)).unwrap()),
            _ => Moment::After(numbers.below(60)),
        };
        *counts.moments.entry(moment.word()).or_default() += 1;
        let mut child = world.command(&arguments).spawn().unwrap();
        killed_at(moment, &mut child, (&folders, None), 0);
        let run = world.ended(&arguments, child);
        assert!(matches!(run.code, None | Some(0)), "{run:?}");
        if run.code.is_none() {
            counts.killed += 1;
        } else {
            counts.whole += 1;
        }
        let files = files_are_whole(&world, (&state, &output));
        *counts.reached.entry(format!("{files} files")).or_default() += 1;
        let made = || {
            let is_there = SqliteStore::is_in(&state);
            if is_there { SqliteStore::open(&state).unwrap().entries("custody/sets").unwrap().len() } else { 0 }
        };
        let before = made();
        let again = world.run(&arguments, "");
        // What was written down is there, and another is not made beside it.
        assert_eq!(again.code, Some(if before == 0 { 0 } else { 2 }), "{again:?}");
        assert_eq!(made(), 1);
        whole += files_are_whole(&world, (&state, &output));
    }
    counts.told("sets");
    println!("{whole} whole files");
}
