//! Check-outs by two processes at once: every order in which their effects can follow each other, with either of them killed
//! between any two, and begun again each time; and beside them a rotation, an opening that asks nobody, a drill, and a request
//! that expires. In memory everything is walked through; with the real store what is drawn by a seed.
//!
//! What is done in which order is the product's own. An effect is whatever another process can see or be seen by: reading a
//! stream, adding an entry to one, bringing the ledger up to date, showing the password; and the end of a pause in which people
//! think or type. What is signed is no effect, and is looked at elsewhere; how two bring one ledger up to date as well.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::name::Name;
use breakglass_ops::checkout::record::{Course, Entry, PERSON_COUNT_MIN};
use breakglass_ops::checkout::stream::{kept, note};
use breakglass_ops::journal::{self, catch_up};
use breakglass_ops::ports::{InMemoryStore, Store};
use breakglass_ops::rotation::journey as rotation;
use breakglass_ops::rotation::record;
use breakglass_testkit::is_full;

use super::sampled::Numbers;
use super::turnstile::{ACCOUNT, DOCUMENT, Deed, Killed, NEXT, SETS, Seen, Turnstile, at, done, entry_of, name};

/// How often a process is killed where everything is walked through, in the usual form and in the long one; and where it is
/// drawn.
const CRASH_COUNT: usize = 1;
const CRASH_COUNT_FULL: usize = 2;
const CRASH_COUNT_DRAWN: usize = 2;
/// Orders that are tried with the real store.
const DRAWN: usize = 60;
const DRAWN_FULL: usize = 2_000;

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
    fn begin(deed: Deed, store: &Arc<dyn Store>, seen: &Arc<Mutex<Seen>>) -> Self {
        let ((ready, is_ready), (go, may_go)) = (channel(), channel());
        let turnstile = Arc::new(Turnstile {
            deed,
            store: Arc::clone(store),
            ready,
            go: Mutex::new(may_go),
            seen: Arc::clone(seen),
            memory: Mutex::default(),
        });
        let own = Arc::clone(&turnstile);
        std::thread::spawn(move || {
            let ended = panic::catch_unwind(AssertUnwindSafe(|| drop(done(deed, &own))));
            own.told("ended", "", ());
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
    seen: Arc<Mutex<Seen>>,
    deeds: [Deed; 2],
    processes: [Process; 2],
    crashes: usize,
    crash_count_max: usize,
}

impl Run {
    fn new(store: Arc<dyn Store>, (before, deeds): (&[Deed], [Deed; 2]), crash_count_max: usize) -> Self {
        let (candidate, next, at) = (name(DOCUMENT), name(NEXT), at());
        // Another password is sent, and not proved yet.
        let rotated = [
            record::Entry::Prepared { candidate: candidate.clone(), at },
            record::Entry::Sending { candidate: candidate.clone(), at },
            record::Entry::Proved { candidate, changed_at: None, is_answered: true, at },
            record::Entry::Prepared { candidate: next.clone(), at },
            record::Entry::Sending { candidate: next, at },
        ];
        rotation::note(&*store, ACCOUNT, &rotated).unwrap();
        for deed in before {
            note(&*store, ACCOUNT, &entry_of(*deed, at).unwrap(), None).unwrap();
        }
        catch_up(&*store, at).unwrap();
        let seen = Arc::default();
        let processes = deeds.map(|deed| Process::begin(deed, &store, &seen));
        Self { store, seen, deeds, processes, crashes: 0, crash_count_max }
    }

    /// Whoever waits goes on, or is killed and begins again.
    fn choices(&self) -> Vec<Choice> {
        let waiting = || (0..2).filter(|at| self.processes[*at].is_waiting);
        let kills = waiting().filter(|_| self.crashes < self.crash_count_max).map(Choice::Kill);
        waiting().map(Choice::Go).chain(kills).collect()
    }

    fn choose(&mut self, choice: Choice) {
        match choice {
            Choice::Go(at) => self.processes[at].hears(true),
            Choice::Kill(at) => {
                self.processes[at].hears(false);
                self.crashes += 1;
                self.processes[at] = Process::begin(self.deeds[at], &self.store, &self.seen);
            }
        }
    }

    /// At most one opening for a request, never without two people; nothing is shown or used that is not written down; and
    /// nobody goes further than they may.
    fn holds(&self) {
        let kept = kept(&*self.store, ACCOUNT).unwrap();
        let entries: Vec<Entry> = kept.into_iter().map(|kept| kept.entry).collect();
        Course::of(&entries).unwrap_or_else(|error| panic!("{error}: {entries:?}"));
        let mut people: BTreeMap<&Name, BTreeSet<&Name>> = BTreeMap::new();
        let (mut opened, mut out, mut offline) = (BTreeSet::new(), 0, 0);
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
                Entry::OpenedOffline { .. } => offline += 1,
            }
        }
        let seen = self.seen.lock().unwrap();
        assert!(seen.faults.is_empty(), "{:?}: {entries:?}", seen.faults);
        assert!(seen.signed_in <= opened.len() + offline, "a drill is not written down: {entries:?}");
        let shown = &seen.shown;
        let once: BTreeSet<_> = shown.iter().collect();
        assert_eq!(once.len(), shown.len(), "what was opened once is shown once: {shown:?} {entries:?}");
        assert!(shown.iter().all(|request| opened.contains(&name(request))), "{shown:?} {entries:?}");
        let is_any = !opened.is_empty() || offline > 0;
        assert!(!is_any || !self.store.entries(SETS).unwrap().is_empty(), "the key was there: {entries:?}");
    }

    /// Everything on which what comes depends. In which order entries are in the ledger is nothing of that.
    fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for stream in self.store.streams("").unwrap().into_iter().filter(|stream| stream != journal::STREAM) {
            format!("{stream}{:?}", self.store.entries(&stream).unwrap()).hash(&mut hasher);
        }
        for process in &self.processes {
            let memory = process.turnstile.memory.lock().unwrap();
            (memory.done.finish(), &memory.told, memory.was_over, memory.was_over_with_key).hash(&mut hasher);
            process.is_waiting.hash(&mut hasher);
        }
        (self.crashes, format!("{:?}", self.seen.lock().unwrap())).hash(&mut hasher);
        hasher.finish()
    }
}

/// What two people do at the same time, after what others did before.
const SCENES: [(&str, &[Deed], [Deed; 2]); 15] = {
    use Deed::{Agree, Ask, Drill, Expire, Open, OpenOffline, Refuse, Return, Rotate};
    const ASKED: &[Deed] = &[Ask("r", "ada")];
    const AGREED: &[Deed] = &[Ask("r", "ada"), Agree("r", "bram")];
    [
        ("two open", AGREED, [Open("r"), Open("r")]),
        ("one opens before anybody agrees", ASKED, [Open("r"), Agree("r", "bram")]),
        ("whoever asked agrees as well", ASKED, [Open("r"), Agree("r", "ada")]),
        ("one opens and one refuses", AGREED, [Open("r"), Refuse("r")]),
        ("two ask", &[], [Ask("r", "ada"), Ask("s", "bram")]),
        ("one person agrees twice", ASKED, [Agree("r", "bram"), Agree("r", "bram")]),
        ("one opens and one returns", AGREED, [Open("r"), Return("r")]),
        ("one asks again while it is out", AGREED, [Open("r"), Ask("s", "cleo")]),
        ("one opens and the password is changed", AGREED, [Open("r"), Rotate]),
        ("one agrees and the password is changed", ASKED, [Agree("r", "bram"), Rotate]),
        ("one opens and others ask nobody", AGREED, [Open("r"), OpenOffline]),
        ("one opens and the request expires", AGREED, [Open("r"), Expire]),
        ("one agrees and the request expires", ASKED, [Agree("r", "bram"), Expire]),
        ("one opens and a drill is held", AGREED, [Open("r"), Drill]),
        ("a drill is held and the password is changed", &[], [Drill, Rotate]),
    ]
};

/// Every state that a scene comes to, with so many crashes.
#[derive(Debug, Default)]
struct Walked {
    states: BTreeSet<u64>,
    steps: usize,
    ends: usize,
    /// Ends in which a password was shown by a request, or a drill has signed in, or somebody has agreed, and those in which
    /// nothing of it was.
    shown: usize,
    drilled: usize,
    agreed: usize,
    nothing: usize,
}

impl Walked {
    fn of(before: &[Deed], deeds: [Deed; 2], crash_count_max: usize) -> Self {
        let (mut walked, mut left) = (Self::default(), vec![Vec::new()]);
        while let Some(mut choices) = left.pop() {
            let mut run = Run::new(Arc::new(InMemoryStore::default()), (before, deeds), crash_count_max);
            choices.iter().for_each(|choice| run.choose(*choice));
            // As far as it comes to what was not seen yet.
            while walked.states.insert(run.digest()) {
                run.holds();
                let next = run.choices();
                walked.steps += next.len();
                let mut next = next.into_iter();
                let Some(first) = next.next() else {
                    walked.ends(&run);
                    break;
                };
                left.extend(next.map(|choice| [choices.as_slice(), &[choice]].concat()));
                choices.push(first);
                run.choose(first);
            }
        }
        walked
    }

    fn ends(&mut self, run: &Run) {
        let seen = run.seen.lock().unwrap();
        let entries = kept(&*run.store, ACCOUNT).unwrap();
        let is_agreed = entries.iter().any(|kept| matches!(kept.entry, Entry::Approved { .. }));
        self.ends += 1;
        self.shown += usize::from(!seen.shown.is_empty());
        self.drilled += usize::from(seen.signed_in > 0);
        self.agreed += usize::from(is_agreed);
        self.nothing += usize::from(seen.shown.is_empty() && seen.signed_in == 0);
    }
}

#[test]
fn every_order_of_two_check_outs_with_crashes_opens_once() {
    use Deed::{Agree, Drill, Expire, Open, Rotate};
    let crash_count_max = if is_full() { CRASH_COUNT_FULL } else { CRASH_COUNT };
    for (what, before, deeds) in SCENES {
        let walked = Walked::of(before, deeds, crash_count_max);
        let Walked { states, steps, ends, shown, drilled, agreed, nothing } = &walked;
        println!(
            "{what}: {} states, {steps} steps, {ends} ends; shown in {shown} of them, drilled in {drilled}, agreed in {agreed}",
            states.len()
        );
        assert!(states.len() > 10 && *ends > 1, "{what}");
        let can_open = deeds.contains(&Open("r")) && what != "whoever asked agrees as well";
        assert_eq!(*shown > 0, can_open, "{what}");
        assert_eq!(*drilled > 0, deeds.contains(&Drill), "{what}");
        let is_beside = deeds.contains(&Rotate) || deeds.contains(&Expire);
        if is_beside && !deeds.contains(&Agree("r", "bram")) {
            assert!(*nothing > 0, "{what}: nobody is ever too late");
        }
        if is_beside && deeds.contains(&Agree("r", "bram")) {
            assert!(*agreed > 0 && agreed < ends, "{what}: nobody is ever too late, or everybody is");
        }
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
        let store = Arc::new(SqliteStore::open(&state).unwrap());
        let mut run = Run::new(store, (before, deeds), CRASH_COUNT_DRAWN);
        loop {
            let choices = run.choices();
            if choices.is_empty() {
                break;
            }
            // Killed as often as it goes on would be at the beginning always.
            let choice = numbers.one_of(&choices);
            let choice = if numbers.below(4) > 0 { numbers.one_of(&choices[..choices.len().min(2)]) } else { choice };
            run.choose(choice);
            run.holds();
        }
        shown += run.seen.lock().unwrap().shown.len();
        crashes += run.crashes;
        drop(run);
        std::fs::remove_dir_all(&state).unwrap();
    }
    let _ = std::fs::remove_dir_all(&folder);
    println!("seed {SEED}: {count} orders with the real store, {crashes} crashes, shown {shown} times");
    assert!(shown > 0 && crashes > 0);
}
