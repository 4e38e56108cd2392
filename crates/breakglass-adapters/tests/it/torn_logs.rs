//! The file of the store on a disk that forgets: of what was written to the log after a commit was acknowledged anything may be
//! missing, in any order, or be another thing; and of what a checkpoint writes into the file, any sector may be the old one.
//!
//! Whatever is found, the commits up to one are there, whole, and none after it: everything that was acknowledged, and nothing
//! that was not written. What tears the log is behind some commit, so that with each it is seen for all of those before it.
//!
//! **Leaves out:** that SQLite makes the log durable before a commit is acknowledged, which `synchronous=FULL` promises and
//! `sqlite_store.rs` holds a store to; and a disk that damages bytes beside those that it writes, in the same sector, which
//! SQLite relies on no disk to do (<https://www.sqlite.org/psow.html>).
//! **Source:** the form of the log, <https://www.sqlite.org/fileformat2.html#walformat>.

use std::fs;
use std::path::PathBuf;

use breakglass_adapters::sqlite_store::{FILE_NAME, SqliteStore};
use breakglass_custody::name::Name;
use breakglass_ops::ports::{Batch, Delivery, DeliveryKey, MovedCursor, Store as _, WatchStore as _};
use breakglass_testkit::{is_full, seed_for};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::kept::folder;
use crate::watch_killed::{Lying, Numbers};

/// Letters of the entry of each commit: within one page, over several, and both again.
const LETTERS: [usize; 6] = [10, 9_000, 40, 3_000, 6_000, 5];

/// Bytes that a disk writes at once.
const SECTOR_BYTES: usize = 512;

/// Bytes of the head of a log, and of each page in it.
const HEAD_BYTES: usize = 32;
const PAGE_HEAD_BYTES: usize = 24;

/// The stream to which each commit adds.
const STREAM: &str = "incident/1";

/// What is remembered.
#[derive(Debug, PartialEq)]
struct Kept {
    entries: Vec<Value>,
    cursor: Option<Value>,
    delivery_count: usize,
}

fn name(text: &str) -> Name {
    Name::read(text).unwrap()
}

fn kept_in(store: &SqliteStore) -> Kept {
    Kept {
        entries: store.entries(STREAM).unwrap(),
        cursor: store.cursor(&name("graph")).unwrap(),
        delivery_count: store.deliveries(STREAM).unwrap().len(),
    }
}

/// One commit: of each two the first adds an entry, and the second adds one in several tables at once.
fn commit(store: &SqliteStore, at: usize) {
    let entry = json!({ "at": at, "text": "x".repeat(LETTERS[at]) });
    if at.is_multiple_of(2) {
        store.append(STREAM, at, &entry).unwrap();
        return;
    }
    let before = at.checked_sub(2).map(|before| json!({ "at": before }));
    let key = DeliveryKey {
        incident: STREAM.to_owned(),
        alert: u32::try_from(at).unwrap(),
        channel: name("mail"),
        recipient: name("eva"),
        step: 0,
    };
    let batch = Batch {
        cursor: Some(MovedCursor { source: name("graph"), before, after: json!({ "at": at }) }),
        entries: vec![(STREAM.to_owned(), at, entry)],
        deliveries: vec![Delivery { key, message: json!("said") }],
        ..Batch::default()
    };
    store.keep(&batch).unwrap();
}

/// A file, and the log beside it with some commits.
struct Written {
    folder: PathBuf,
    /// Where what a disk made of it is put.
    copy: PathBuf,
    lying: Lying,
    /// The file before, and after all of it was put there by a checkpoint.
    files: [Vec<u8>; 2],
    log: Vec<u8>,
    /// Bytes of the log when each commit was acknowledged, and what was remembered then; first before any.
    acknowledged: Vec<(usize, Kept)>,
    /// Bytes of a page in the log, its head among them.
    page_bytes: usize,
}

impl Written {
    fn new(called: &str) -> Self {
        let (place, copy) = (folder(called), folder(&format!("{called}-copy")));
        drop(SqliteStore::open(&place).unwrap());
        let before = fs::read(place.join(FILE_NAME)).unwrap();
        let lying = Lying::of(&place);
        let store = SqliteStore::open(&place).unwrap();
        let now = || (lying.log().len(), kept_in(&store));
        let mut acknowledged = vec![now()];
        for at in 0..LETTERS.len() {
            commit(&store, at);
            acknowledged.push(now());
        }
        let log = lying.log();
        drop(store);
        let after = fs::read(place.join(FILE_NAME)).unwrap();
        let page: [u8; 4] = log[8..12].try_into().unwrap();
        let page_bytes = PAGE_HEAD_BYTES + usize::try_from(u32::from_be_bytes(page)).unwrap();
        assert!(acknowledged.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 != two[1].1));
        assert!(log.len() == acknowledged[LETTERS.len()].0 && (log.len() - HEAD_BYTES).is_multiple_of(page_bytes));
        assert_ne!(before, after);
        Self { folder: place, copy, lying, files: [before, after], log, acknowledged, page_bytes }
    }

    /// Where the page, or the head, begins in which a byte of the log is.
    fn begin(&self, at: usize) -> usize {
        at.checked_sub(HEAD_BYTES).map_or(0, |behind| HEAD_BYTES + behind / self.page_bytes * self.page_bytes)
    }

    /// Places at which a page of the log begins, behind what was there before any commit.
    fn pages(&self) -> impl Iterator<Item = usize> {
        let first = self.acknowledged[0].0.max(HEAD_BYTES);
        (first..self.log.len()).step_by(self.page_bytes)
    }

    /// Commits that a log holds which is this one up to some byte: those whose last page is before the one with that byte.
    fn commits(&self, torn: &[u8]) -> usize {
        let both = self.log.len().min(torn.len());
        let at = self.log.iter().zip(torn).position(|(one, other)| one != other).unwrap_or(both);
        self.acknowledged.iter().rposition(|(length, _)| *length <= self.begin(at)).unwrap()
    }

    /// That a copy with such a log, and such a file where another is given, has just so many commits, and goes on behind them.
    fn has(&self, commits: usize, (log, file): (&[u8], Option<&[u8]>), what: &str) {
        self.lying.put(&self.copy, log);
        if let Some(file) = file {
            fs::write(self.copy.join(FILE_NAME), file).unwrap();
        }
        let store = SqliteStore::open(&self.copy).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(kept_in(&store) == self.acknowledged[commits].1, "{what}: {:?}", kept_in(&store));
        if commits < LETTERS.len() {
            commit(&store, commits);
            assert!(kept_in(&store) == self.acknowledged[commits + 1].1, "{what}, and another");
        }
        drop(store);
        let connection = Connection::open(self.copy.join(FILE_NAME)).unwrap();
        let found: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(found, "ok", "{what}");
    }

    /// The same with a log that is torn somewhere; how many commits it has.
    fn torn(&self, log: &[u8], what: &str) -> usize {
        let commits = self.commits(log);
        self.has(commits, (log, None), what);
        commits
    }

    /// The file with some sectors as they were before a checkpoint.
    fn mixed(&self, is_new: impl Fn(usize) -> bool) -> Vec<u8> {
        let [before, after] = &self.files;
        let mut file = before.clone();
        for (place, sector) in after.chunks(SECTOR_BYTES).enumerate().filter(|(place, _)| is_new(*place)) {
            let (from, to) = (place * SECTOR_BYTES, place * SECTOR_BYTES + sector.len());
            file.resize(file.len().max(to), 0);
            file[from..to].copy_from_slice(sector);
        }
        file
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
            let _ = fs::remove_dir_all(&self.copy);
        }
    }
}

/// Of so many places every one in the long form, and else some.
fn step(some: usize) -> usize {
    if is_full() { 1 } else { some }
}

/// The log is cut off: at each sector, and at the begin and in the head of each page.
fn cut(written: &Written) -> Vec<usize> {
    let first = written.acknowledged[0].0;
    let sectors = (first..=written.log.len()).filter(|at| at.is_multiple_of(SECTOR_BYTES)).step_by(step(4));
    let pages = written.pages().flat_map(|page| [page, page + 1, page + PAGE_HEAD_BYTES]);
    let ends = written.acknowledged.iter().flat_map(|(end, _)| [end.saturating_sub(1).max(first), *end]);
    let cuts = sectors.chain(pages).chain(ends);
    cuts.map(|at| written.torn(&written.log[..at], &format!("cut at {at}"))).collect()
}

/// A sector, or one byte, is another one, and everything else is there.
fn changed(written: &Written) -> Vec<usize> {
    let first = written.acknowledged[0].0;
    let mut found = Vec::new();
    let places = (first..written.log.len()).filter(|at| at.is_multiple_of(SECTOR_BYTES));
    for at in places.step_by(step(4)) {
        let mut log = written.log.clone();
        let end = log.len().min(at + SECTOR_BYTES);
        log[at..end].fill(0);
        found.push(written.torn(&log, &format!("no sector at {at}")));
    }
    for page in written.pages() {
        let head = (0..PAGE_HEAD_BYTES).step_by(step(7));
        let rest = (PAGE_HEAD_BYTES..written.page_bytes).step_by(if is_full() { 97 } else { 2_003 });
        for within in head.chain(rest).chain([written.page_bytes - 1]) {
            let mut log = written.log.clone();
            log[page + within] ^= 1;
            found.push(written.torn(&log, &format!("another byte at {}", page + within)));
        }
    }
    found
}

/// Behind what was acknowledged is something else altogether: nothing that was ever written, or what was before.
fn replaced(written: &Written, numbers: &mut Numbers) -> Vec<usize> {
    let mut found = Vec::new();
    for (end, _) in &written.acknowledged {
        let (kept, rest) = written.log.split_at(*end);
        let mut any =
            |length: usize| -> Vec<u8> { (0..length).map(|_| u8::try_from(numbers.below(256)).unwrap()).collect() };
        let some = any(rest.len() / 2);
        for (what, behind) in [
            ("zeros", vec![0; rest.len()]),
            ("anything", any(rest.len() + 3 * SECTOR_BYTES)),
            ("anything in the middle", [&some[..], &rest[some.len()..]].concat()),
            ("the beginning again", written.log[..rest.len()].to_vec()),
        ] {
            found.push(written.torn(&[kept, &behind].concat(), &format!("{what} behind {end}")));
        }
    }
    found
}

#[test]
fn every_commit_that_was_acknowledged_is_there_by_seed_wherever_the_log_is_torn() {
    let written = Written::new("torn-log");
    let mut numbers = Numbers(seed_for("every_commit_that_was_acknowledged_is_there_by_seed_wherever_the_log_is_torn"));
    let cases = [
        ("cut off", cut(&written)),
        ("with a sector or a byte changed", changed(&written)),
        ("with something else behind", replaced(&written, &mut numbers)),
    ];
    for (what, found) in cases {
        println!("{} logs {what}, of {} bytes", found.len(), written.log.len());
        // Each number of commits was seen, so that no tear was behind all of them or before.
        for commits in 0..LETTERS.len() {
            assert!(found.contains(&commits), "{what}: none has {commits} commits");
        }
    }
}

#[test]
fn a_checkpoint_that_was_cut_off_by_seed_loses_nothing() {
    let written = Written::new("torn-file");
    let mut numbers = Numbers(seed_for("a_checkpoint_that_was_cut_off_by_seed_loses_nothing"));
    let sectors = written.files[1].len().div_ceil(SECTOR_BYTES);
    let whole = |file: &[u8], what: &str| written.has(LETTERS.len(), (&written.log, Some(file)), what);
    let mut count = 0;
    for at in (0..=sectors).step_by(step(4)) {
        whole(&written.mixed(|place| place < at), &format!("new before sector {at}"));
        whole(&written.mixed(|place| place >= at), &format!("new from sector {at}"));
        count += 2;
    }
    for round in 0..if is_full() { 500 } else { 20 } {
        let chosen: Vec<bool> = (0..sectors).map(|_| numbers.below(2) == 0).collect();
        whole(&written.mixed(|place| chosen[place]), &format!("some sectors are new, {round}"));
        count += 1;
    }
    println!("{count} files of {sectors} sectors, the log beside each");
    // Without the log that is none of these: what a checkpoint writes has not come to its end.
    let file = written.mixed(|place| place < sectors / 2);
    written.lying.put(&written.copy, &[]);
    fs::write(written.copy.join(FILE_NAME), file).unwrap();
    let is_whole = SqliteStore::open(&written.copy).and_then(|store| {
        let entries = store.entries(STREAM)?;
        Ok(entries == written.acknowledged[LETTERS.len()].1.entries)
    });
    assert!(!is_whole.unwrap_or(false), "then the log is of no use, and the test shows nothing");
}
