//! The ledger of a store: complete, once, in order, whoever stops or comes in between; and what shows when the store was
//! changed behind its back.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use breakglass_ledger::hash::Hash;
use breakglass_ledger::log::{ENTRY_BYTES_MAX, tree_of};
use breakglass_ops::journal::{Journal, JournalError, JournalFault, Line, LineError, STREAM, catch_up, look};
use breakglass_ops::ports::{InMemoryStore, Store, StoreError};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Streams that belong into the ledger, with how many entries each gets.
const STREAMS: [(&str, usize); 5] =
    [("checkout/7", 4), ("custody/sets", 3), ("drill/2026-11", 1), ("keys/operator", 2), ("rotation/bg1", 5)];

pub(crate) fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_795_748_400 + 60 * minute).unwrap()
}

fn entry(stream: &str, index: usize) -> Value {
    json!({ "state": "prepared", "of": stream, "candidate": format!("env-{index}"), "note": "a\u{85}b" })
}

/// A store whose streams somebody may change.
#[derive(Debug, Default, Clone)]
pub(crate) struct Streams(pub(crate) BTreeMap<String, Vec<Value>>);

impl Streams {
    pub(crate) fn of(store: &dyn Store) -> Self {
        let names = store.streams("").unwrap().into_iter();
        Self(names.map(|name| (name.clone(), store.entries(&name).unwrap())).collect())
    }

    pub(crate) fn store(&self) -> InMemoryStore {
        let store = InMemoryStore::default();
        for (name, entries) in &self.0 {
            entries.iter().enumerate().for_each(|(at, entry)| store.append(name, at, entry).unwrap());
        }
        store
    }
}

pub(crate) fn filled() -> InMemoryStore {
    let store = InMemoryStore::default();
    for (stream, count) in STREAMS.into_iter().chain([("plan/x", 2), ("custody", 1), ("rotations/x", 1)]) {
        (0..count).for_each(|index| store.append(stream, index, &entry(stream, index)).unwrap());
    }
    store
}

fn expected(minute: i64) -> Vec<String> {
    let lines = STREAMS.into_iter().flat_map(|(stream, count)| (0..count).map(move |index| (stream, index)));
    let lines = lines.map(|(stream, index)| Line::new(at(minute), (stream, index as u64), &entry(stream, index)));
    lines.map(|line| line.written().unwrap()).collect()
}

/// What is said of each line but when it was put in, in order.
fn places(journal: &Journal) -> Vec<(String, u64)> {
    journal.lines().iter().map(|line| Line::read(line).unwrap()).map(|line| (line.stream, line.index)).collect()
}

/// Whether every entry is in once, and those of a stream in order.
fn is_complete(journal: &Journal, store: &dyn Store) {
    let mut found = places(journal);
    for (stream, count) in STREAMS {
        let of_stream: Vec<u64> = found.iter().filter(|(name, _)| name == stream).map(|(_, index)| *index).collect();
        assert_eq!(of_stream, (0..store.entries(stream).unwrap().len() as u64).collect::<Vec<_>>(), "{stream}");
        assert!(of_stream.len() >= count);
    }
    let count = found.len();
    found.sort();
    found.dedup();
    assert_eq!(found.len(), count);
    let again = look(store).unwrap();
    assert_eq!((again.journal.lines(), again.journal.root()), (journal.lines(), journal.root()));
    assert!(again.missing.is_empty());
}

#[test]
fn every_entry_is_in_the_ledger_once_and_in_order() {
    let store = filled();
    let looked = look(&store).unwrap();
    assert_eq!((looked.journal.size(), looked.missing.len()), (0, 15));
    let journal = catch_up(&store, at(0)).unwrap();
    assert_eq!(journal.lines(), expected(0));
    is_complete(&journal, &store);
    // The log stands by itself, for whoever has its text alone.
    let tree = tree_of(journal.text().as_bytes()).unwrap();
    assert_eq!((tree.size(), tree.root(15)), (15, Some(journal.root())));
    assert_eq!(journal.leaf_of("custody/sets", 2), Some(*Hash::of_entry(journal.lines()[6].as_bytes()).bytes()));
    for (stream, index) in [("custody/sets", 3), ("plan/x", 0), ("ledger", 0), ("", 0), ("custody/sets", u64::MAX)] {
        assert_eq!(journal.leaf_of(stream, index), None, "{stream} {index}");
    }
    // A second time there is nothing to do; what is new comes last.
    assert_eq!(catch_up(&store, at(1)).unwrap().lines(), journal.lines());
    store.append("checkout/7", 4, &json!("late")).unwrap();
    let later = catch_up(&store, at(2)).unwrap();
    assert_eq!(places(&later).last(), Some(&("checkout/7".to_owned(), 4)));
    assert!(later.lines().starts_with(journal.lines()));
    is_complete(&later, &store);
}

/// What becomes of a call that adds something.
#[derive(Clone, Copy)]
enum Stop {
    Before,
    After,
}

/// A store whose process is killed at one call.
struct Killed<'a> {
    store: &'a InMemoryStore,
    left: AtomicUsize,
    how: Stop,
}

impl Store for Killed<'_> {
    fn append(&self, stream: &str, at: usize, entry: &Value) -> Result<(), StoreError> {
        let is_last = self.left.fetch_sub(1, Ordering::SeqCst) == 0;
        if !is_last || matches!(self.how, Stop::After) {
            self.store.append(stream, at, entry)?;
        }
        let killed = || StoreError::Unusable { place: "here".to_owned(), why: "killed".to_owned() };
        if is_last { Err(killed()) } else { Ok(()) }
    }

    fn entries(&self, stream: &str) -> Result<Vec<Value>, StoreError> {
        self.store.entries(stream)
    }

    fn streams(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.store.streams(prefix)
    }
}

#[test]
fn whoever_is_killed_anywhere_is_followed_by_somebody_who_goes_on() {
    for at_call in 0..15 {
        for how in [Stop::Before, Stop::After] {
            let store = filled();
            let killed = Killed { store: &store, left: AtomicUsize::new(at_call), how };
            assert!(matches!(catch_up(&killed, at(0)), Err(JournalError::Store(StoreError::Unusable { .. }))));
            let journal = catch_up(&store, at(1)).unwrap();
            is_complete(&journal, &store);
            assert_eq!(journal.size(), 15);
        }
    }
}

/// A store in which somebody else catches up, or adds an entry as well, just before one call.
struct Between<'a> {
    store: &'a InMemoryStore,
    left: AtomicUsize,
    adds: bool,
}

impl Between<'_> {
    fn come_in(&self) {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 0 {
            if self.adds {
                let count = self.store.entries("custody/sets").unwrap().len();
                self.store.append("custody/sets", count, &json!("new")).unwrap();
            }
            catch_up(self.store, at(7)).unwrap();
        }
    }
}

impl Store for Between<'_> {
    fn append(&self, stream: &str, at: usize, entry: &Value) -> Result<(), StoreError> {
        self.come_in();
        self.store.append(stream, at, entry)
    }

    fn entries(&self, stream: &str) -> Result<Vec<Value>, StoreError> {
        self.come_in();
        self.store.entries(stream)
    }

    fn streams(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.come_in();
        self.store.streams(prefix)
    }
}

#[test]
fn somebody_who_comes_in_before_any_call_does_no_harm() {
    for adds in [false, true] {
        for call in 0..40 {
            let store = filled();
            let between = Between { store: &store, left: AtomicUsize::new(call), adds };
            catch_up(&between, at(0)).unwrap();
            is_complete(&catch_up(&store, at(1)).unwrap(), &store);
        }
    }
}

#[test]
fn several_at_once_put_in_every_entry_once() {
    let store = filled();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| (0..10).for_each(|minute| drop(catch_up(&store, at(minute)).unwrap())));
        }
        scope.spawn(|| (4..60).for_each(|index| store.append("checkout/7", index, &json!(index)).unwrap()));
    });
    let journal = catch_up(&store, at(20)).unwrap();
    assert_eq!(journal.size(), 15 + 56);
    is_complete(&journal, &store);
}

/// A store in which somebody else is always faster.
struct Busy(Mutex<usize>);

impl Store for Busy {
    fn append(&self, stream: &str, _: usize, _: &Value) -> Result<(), StoreError> {
        *self.0.lock().unwrap() += 1;
        Err(StoreError::Conflict { stream: stream.to_owned() })
    }

    fn entries(&self, stream: &str) -> Result<Vec<Value>, StoreError> {
        Ok(if stream == STREAM { Vec::new() } else { vec![json!(1)] })
    }

    fn streams(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        Ok(vec![format!("{prefix}a")])
    }
}

#[test]
fn it_is_given_up_where_others_are_always_faster() {
    let busy = Busy(Mutex::new(0));
    assert!(matches!(catch_up(&busy, at(0)), Err(JournalError::Busy)));
    assert_eq!(*busy.0.lock().unwrap(), breakglass_ops::journal::CONFLICT_COUNT_MAX);
}

fn faults(streams: &Streams) -> Vec<JournalFault> {
    let store = streams.store();
    let before = Streams::of(&store);
    let JournalError::Faults(faults) = look(&store).unwrap_err() else { panic!("another error") };
    assert!(matches!(catch_up(&store, at(9)), Err(JournalError::Faults(again)) if again == faults));
    assert_eq!(Streams::of(&store).0, before.0, "nothing was written");
    faults
}

#[test]
fn whatever_is_changed_in_a_stream_shows_with_its_place() {
    let store = filled();
    let journal = catch_up(&store, at(0)).unwrap();
    let whole = Streams::of(&store);
    for (line, (stream, index)) in (1..).zip(places(&journal)) {
        let (at, count) = (usize::try_from(index).unwrap(), whole.0[&stream].len() as u64);
        let differs = |index, line| JournalFault::Differs { stream: stream.clone(), index, line };
        let mut changed = whole.clone();
        changed.0.get_mut(&stream).unwrap()[at]["candidate"] = json!("env-9");
        assert_eq!(faults(&changed), [differs(index, line)]);
        let mut grown = whole.clone();
        grown.0.get_mut(&stream).unwrap()[at]["more"] = Value::Null;
        assert_eq!(faults(&grown), [differs(index, line)]);
        let mut cut = whole.clone();
        cut.0.get_mut(&stream).unwrap().truncate(at);
        let shorter = JournalFault::Shorter { stream: stream.clone(), found: index, entered: count };
        assert_eq!(faults(&cut), std::slice::from_ref(&shorter));
        let mut removed = whole.clone();
        removed.0.get_mut(&stream).unwrap().remove(at);
        let at_end = index + 1 == count;
        assert_eq!(faults(&removed), [if at_end { shorter } else { differs(index, line) }]);
        if !at_end {
            let mut swapped = whole.clone();
            swapped.0.get_mut(&stream).unwrap().swap(at, at + 1);
            assert_eq!(faults(&swapped), [differs(index, line)]);
        }
        let mut gone = whole.clone();
        gone.0.remove(&stream);
        assert_eq!(faults(&gone), [JournalFault::Shorter { stream: stream.clone(), found: 0, entered: count }]);
    }
    // Another order of the members says the same.
    let mut reordered = whole.clone();
    let members = whole.0["keys/operator"][0].as_object().unwrap().clone();
    reordered.0.get_mut("keys/operator").unwrap()[0] = members.into_iter().rev().collect();
    assert!(look(&reordered.store()).is_ok());
    // Two places are two faults, and the sentence counts them.
    let mut twice = whole.clone();
    twice.0.remove("keys/operator");
    twice.0.remove("drill/2026-11");
    assert_eq!(faults(&twice).len(), 2);
    let said = look(&twice.store()).unwrap_err().to_string();
    assert!(said.contains("`drill/2026-11` has 0 entries") && said.ends_with("; and one more place"), "{said}");
}

#[test]
fn whatever_is_changed_in_the_ledger_is_no_line_or_does_not_agree() {
    let store = filled();
    let journal = catch_up(&store, at(0)).unwrap();
    let whole = Streams::of(&store);
    let with = |change: &dyn Fn(&mut Vec<Value>)| {
        let mut changed = whole.clone();
        change(changed.0.get_mut(STREAM).unwrap());
        faults(&changed)
    };
    let out =
        |line, stream: &str, index, next| JournalFault::OutOfTurn { line, stream: stream.to_owned(), index, next };
    assert_eq!(with(&|lines| lines.swap(0, 1)), [out(1, "checkout/7", 1, 0)]);
    assert_eq!(with(&|lines| drop(lines.remove(1))), [out(2, "checkout/7", 2, 1)]);
    assert_eq!(with(&|lines| lines.insert(1, lines[0].clone())), [out(2, "checkout/7", 0, 1)]);
    assert_eq!(with(&|lines| lines[3] = json!({})), [JournalFault::NoText { line: 4 }]);
    let spelling = |line| JournalFault::Line { line, why: LineError::Spelling };
    assert_eq!(with(&|lines| lines[3] = json!(format!("{} ", journal.lines()[3]))), [spelling(4)]);
    // Every bit of every line: no line, out of turn, of another stream, or not what the stream says. What is left is the time
    // at which it was put in, of which no stream knows: the checkpoints have that.
    let (mut tried, mut only_roots) = (0, 0);
    for (number, line) in journal.lines().iter().enumerate() {
        for bit in 0..8 * line.len() {
            let mut bytes = line.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let Ok(text) = String::from_utf8(bytes) else { continue };
            let mut changed = whole.clone();
            changed.0.get_mut(STREAM).unwrap()[number] = json!(text);
            tried += 1;
            if let Ok(looked) = look(&changed.store()) {
                assert_ne!(looked.journal.root(), journal.root(), "{text}");
                assert_ne!(Line::read(&text).unwrap().at, at(0), "{text}");
                only_roots += 1;
            }
        }
    }
    println!("{tried} flipped bits, {only_roots} of which only a checkpoint shows");
    assert!(only_roots > 0 && only_roots < tried / 10);
}

#[test]
fn an_entry_that_is_too_long_is_said_to_be_so() {
    let store = InMemoryStore::default();
    let around = Line::new(at(0), ("keys/a", 1), &json!("")).written().unwrap().len();
    store.append("keys/a", 0, &json!("fits")).unwrap();
    store.append("keys/a", 1, &json!("x".repeat(ENTRY_BYTES_MAX - around))).unwrap();
    assert_eq!(catch_up(&store, at(0)).unwrap().size(), 2);
    store.append("keys/a", 2, &json!("x".repeat(ENTRY_BYTES_MAX - around + 1))).unwrap();
    let error = catch_up(&store, at(0)).unwrap_err();
    let expected = format!(
        "entry 2 of `keys/a` cannot be put into the ledger: it would have {} bytes in the ledger, and a line has at most \
         {ENTRY_BYTES_MAX}",
        ENTRY_BYTES_MAX + 1
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(look(&store).unwrap().journal.size(), 2);
}

#[test]
fn a_hundred_thousand_entries_are_no_burden() {
    let store = InMemoryStore::default();
    for stream in 0..100 {
        let name = format!("rotation/{stream:03}");
        (0..1000).for_each(|index| store.append(&name, index, &json!({ "state": "begun", "number": index })).unwrap());
    }
    let journal = catch_up(&store, at(0)).unwrap();
    assert_eq!(journal.size(), 100_000);
    assert_eq!(look(&store).unwrap().journal.root(), journal.root());
    assert!(journal.leaf_of("rotation/099", 999).is_some());
}
