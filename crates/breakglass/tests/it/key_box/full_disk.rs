//! The program on a disk that is full, or that may only be read: whatever cannot be written, the password that counts is sealed and opens, nothing is
//! shown that is not written down, nobody is left with half a file, and the same command goes on when there is room.
//!
//! The disk is a small one in memory, in a name space of its own, into which a test begins itself again; where nobody may have
//! one, the test says so and ends. It is filled but for a few pages, more each time, until there is room for everything: so a
//! command meets the end of the disk at one write after the other.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_ops::checkout::record::Entry;
use breakglass_ops::checkout::stream;
use breakglass_ops::drill::stream::stream_of as drill_stream_of;
use breakglass_ops::key_box::record::STREAM;
use breakglass_ops::ports::Store as _;
use breakglass_testkit::is_full;

use super::killed::files_are_whole;
use super::marked::{Marked, found_anywhere};
use super::world::{DOCUMENTS, FIRST, PEOPLE, Run, SECOND, WRITER_SECRET, World, desk_of, files_below};
use crate::custody_commands::words;

/// Bytes of a page, the least that such a disk gives away.
const PAGE_BYTES: usize = 4 << 10;

/// Pages that are left free, in the usual form and at most: no command here writes so many. The long form goes on page by page up
/// to [`ROOM_ONE_BY_ONE`], and by [`ROOM_STEP`] from there.
const ROOMS: [usize; 15] = [0, 4, 8, 10, 12, 15, 18, 22, 28, 36, 48, 64, 90, 130, ROOM_MAX];
const ROOM_MAX: usize = 250;
/// With a record that has grown, pages beyond that.
const ROOMS_BEYOND: [usize; 4] = [350, 500, 1_000, 2_000];
const ROOM_ONE_BY_ONE: usize = 48;
const ROOM_STEP: usize = 6;

/// Commands that are stopped by a full disk at least: what opens no state, and what comes later.
const STOPPED_COUNT_MIN: usize = 3;

/// Ways to have a disk of one's own: as root of a name space, which everybody may be on most machines, or as root.
const WAYS: [&[&str]; 2] = [&["--user", "--map-root-user", "--mount"], &["--mount"]];

/// Mounts the disk at a folder, and goes on as the command behind it.
const MOUNT: &str = "mount -t tmpfs -o size=32m,mode=0700 tmpfs \"$1\" && shift && exec \"$@\"";

/// Runs a test in which the desk of the world `name` lies on a small disk.
fn on_small_disk(name: &str, test: &str, body: fn(&str)) {
    let desk = desk_of(name);
    if is_mounted(&desk) {
        return body(name);
    }
    fs::create_dir_all(&desk).unwrap();
    let begun = |way: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(way).args(["sh", "-c", MOUNT, "sh"]).arg(&desk);
        command
    };
    let mut refusals = String::new();
    let way = WAYS.into_iter().find(|way| match begun(way).arg("true").output() {
        Ok(tried) => {
            refusals.push_str(&String::from_utf8_lossy(&tried.stderr));
            tried.status.success()
        }
        Err(error) => {
            refusals.push_str(&error.to_string());
            false
        }
    });
    let Some(way) = way else {
        println!("skipped: nobody here may have a disk of their own: {refusals}");
        let _ = fs::remove_dir(&desk);
        return;
    };
    let (_, module) = module_path!().split_once("::").unwrap();
    let mut again = begun(way);
    again.arg(std::env::current_exe().unwrap()).args(["--exact", &format!("{module}::{test}"), "--nocapture"]);
    let ended = again.output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    println!("{said}");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(said.contains("1 passed"), "it was not run on the small disk");
    fs::remove_dir_all(&desk).unwrap();
}

fn is_mounted(desk: &Path) -> bool {
    let Ok(desk) = desk.canonicalize() else { return false };
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    mounts.lines().any(|line| line.split(' ').nth(4).is_some_and(|at| Path::new(at) == desk))
}

/// What takes up the disk, for as long as it is there.
struct Ballast(PathBuf);

impl Ballast {
    /// Fills the disk of a world but for so many pages.
    fn leaving(world: &World, pages: usize) -> Self {
        let path = world.folder.join("ballast");
        let mut file = File::create(&path).unwrap();
        let mut count = 0;
        let end = loop {
            match file.write_all(&[1; PAGE_BYTES]) {
                Ok(()) => count += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(end.kind(), ErrorKind::StorageFull, "{end}");
        assert!(count > pages, "the disk has no {pages} pages any more");
        file.set_len(u64::try_from((count - pages) * PAGE_BYTES).unwrap()).unwrap();
        Self(path)
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// How a command ended on a disk with little room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It did not do it, or not to its end.
    Stopped,
    /// It did it, and something that comes after it was left to the next command.
    Behind,
    Whole,
}

/// How it ended: where the disk was full it says so, and what to do.
#[track_caller]
fn end_of(run: &Run, pages: usize) -> End {
    let said = words(&run.err);
    let is_told = said.contains("no room is left on the disk") || said.contains("No space left on device");
    match run.code {
        Some(0) if !is_told => End::Whole,
        code => {
            assert!(matches!(code, Some(0 | 2 | 4)), "{pages} pages: {run:?}");
            assert!(is_told && said.contains("make room"), "{pages} pages: {said}");
            assert!(code != Some(2) || run.out.is_empty(), "{pages} pages: {}", run.out);
            if code == Some(0) { End::Behind } else { End::Stopped }
        }
    }
}

/// Has `try_with` go on with more and more room, until there is enough. What came of it is told.
fn with_more_and_more_room(what: &str, mut try_with: impl FnMut(usize) -> End) {
    let one_by_one = 0..ROOM_ONE_BY_ONE;
    let further = (ROOM_ONE_BY_ONE..ROOM_MAX).step_by(ROOM_STEP).chain([ROOM_MAX]);
    let further = further.chain(ROOMS_BEYOND);
    let rooms: Vec<usize> = if is_full() { one_by_one.chain(further).collect() } else { ROOMS.to_vec() };
    let mut ends = Vec::new();
    for pages in rooms {
        ends.push(try_with(pages));
        if ends.last() == Some(&End::Whole) {
            break;
        }
    }
    let count = |wanted: End| ends.iter().filter(|end| **end == wanted).count();
    println!("{what}: {} stopped, {} done and not all written down", count(End::Stopped), count(End::Behind));
    assert_eq!(ends.last(), Some(&End::Whole), "no room is enough");
    assert!(count(End::Stopped) >= STOPPED_COUNT_MIN, "{ends:?}");
}

/// Nothing lies anywhere that somebody began to write.
fn nothing_is_half_written(world: &World) {
    assert_eq!(files_below(&world.folder.join("temporary")), Vec::<PathBuf>::new());
    let is_partial = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "partial");
    assert_eq!(files_below(&world.folder).into_iter().find(is_partial), None);
}

#[test]
fn a_new_set_is_made_whole_when_there_is_room_and_leaves_no_half_file_before() {
    on_small_disk("full-set", "a_new_set_is_made_whole_when_there_is_room_and_leaves_no_half_file_before", new_sets);
}

fn new_sets(name: &str) {
    let world = World::new(name);
    with_more_and_more_room("new sets", |pages| {
        let (state, output) = (format!("state-{pages}"), format!("output-{pages}"));
        let arguments = ["custody", "new-set", "--state", &state, "--output", &output];
        let (state, output) = (world.folder.join(&state), world.folder.join(&output));
        let ballast = Ballast::leaving(&world, pages);
        let run = world.run(&arguments, "");
        drop(ballast);
        let end = end_of(&run, pages);
        nothing_is_half_written(&world);
        let files = |folder: &Path| if folder.exists() { files_below(folder).len() } else { 0 };
        files_are_whole(&world, (&state, &output));
        if end == End::Stopped {
            // What was written of a set that is not made is taken away again, and nothing has to be destroyed.
            assert_eq!((run.code, files(&output)), (Some(2), 0), "{pages} pages: {run:?}");
            world.ends(0, &arguments, "");
        }
        let store = SqliteStore::open(&state).unwrap();
        assert_eq!((store.entries(STREAM).unwrap().len(), files(&output)), (1, PEOPLE.len()));
        assert!(files_are_whole(&world, (&state, &output)) > PEOPLE.len(), "the shares, and the operator's key");
        drop(store);
        fs::remove_dir_all(&state).unwrap();
        end
    });
}

#[test]
fn a_rotation_goes_on_when_there_is_room_and_loses_nothing_before() {
    on_small_disk("full-rotation", "a_rotation_goes_on_when_there_is_room_and_loses_nothing_before", rotations);
}

fn rotations(name: &str) {
    let (world, shares) = World::with_set(name);
    let sealed = (DOCUMENTS, shares.as_slice());
    let rotate = |account| ["rotate", "--account", account, "--yes", "--quiescence", "0"];
    world.ends(0, &rotate(SECOND.1), "");
    world.ends(0, &rotate(FIRST.1), "");
    with_more_and_more_room("rotations", |pages| {
        let sent = world.front.set_passwords().len();
        let ballast = Ballast::leaving(&world, pages);
        let run = world.run(&rotate(FIRST.1), "");
        drop(ballast);
        let end = end_of(&run, pages);
        // What could not be begun has changed nothing.
        assert!(run.code != Some(2) || world.front.set_passwords().len() == sent, "{pages} pages: {run:?}");
        nothing_is_half_written(&world);
        world.holds(FIRST, sealed);
        if end == End::Stopped {
            world.ends(0, &rotate(FIRST.1), "");
        }
        let (counts, _) = world.holds(FIRST, sealed);
        assert_eq!(counts.as_ref(), world.course(FIRST.0).current(), "{pages} pages: what is opened first counts");
        end
    });
    // The ledger has taken what it missed.
    world.ends(0, &rotate(FIRST.1), "");
    world.ledger_holds();
    assert!(world.holds(SECOND, sealed).0.is_some());

    let mut passwords = world.front.set_passwords();
    passwords.sort();
    passwords.dedup();
    let mut marked = vec![Marked::password("the secret of the application", WRITER_SECRET)];
    for (number, password) in passwords.iter().enumerate() {
        marked.push(Marked::generated(&format!("password {number}"), password));
    }
    for (number, words) in shares.iter().enumerate() {
        marked.push(Marked::share(&format!("share {number} of set 0"), words));
    }
    let counts = found_anywhere(&world, marked);
    assert!(counts.allowed > passwords.len(), "{counts:?}");
}

#[test]
fn a_check_out_opens_when_there_is_room_and_shows_nothing_before() {
    on_small_disk("full-check-out", "a_check_out_opens_when_there_is_room_and_shows_nothing_before", check_outs);
}

fn check_outs(name: &str) {
    let (world, shares) = World::with_set(name);
    world.ends(0, &["custody", "seal", "--account", FIRST.1, "--id", FIRST.0, "--generate"], "");
    let password = world.opened(DOCUMENTS, &shares)[0].2.clone();
    let both = shares[1..].join("\n");
    let open = ["checkout", "open", "--account", FIRST.1, "--share", "-"];
    let ask = ["checkout", "request", "--account", FIRST.1, "--person", PEOPLE[0], "--reason", "a test"];
    let agree = ["checkout", "approve", "--account", FIRST.1, "--person", PEOPLE[1], "--yes"];
    let give_back = ["checkout", "return", "--account", FIRST.1, "--person", PEOPLE[0]];
    with_more_and_more_room("check-outs", |pages| {
        [ask.as_slice(), &agree].into_iter().for_each(|words| drop(world.ends(0, words, "")));
        let ballast = Ballast::leaving(&world, pages);
        let run = world.run(&open, &both);
        drop(ballast);
        let end = end_of(&run, pages);
        nothing_is_half_written(&world);
        if end == End::Stopped {
            // Whoever was stopped has shown nothing, and has used up nothing that two people agreed to.
            assert_eq!(run.out, "", "{pages} pages");
            assert_eq!(world.ends(0, &open, &both).out.trim(), password, "{pages} pages");
        } else {
            assert_eq!(run.out.trim(), password, "{pages} pages");
        }
        assert_eq!(world.ends(2, &open, &both).out, "", "once");
        world.ends(0, &give_back, "");
        let opened = stream::kept(&world.store(), FIRST.0).unwrap();
        let opened: Vec<Entry> = opened.into_iter().map(|one| one.entry).collect();
        let count = |is: fn(&Entry) -> bool| opened.iter().filter(|entry| is(entry)).count();
        let asked = count(|entry| matches!(entry, Entry::Requested(_)));
        assert_eq!(count(|entry| matches!(entry, Entry::Opened { .. })), asked, "each is written down once");
        end
    });
    world.ledger_holds();
    emergency(&world, (&both, &password));

    let mut marked = vec![Marked::generated("password 0", &password)];
    for (number, words) in shares.iter().enumerate() {
        marked.push(Marked::share(&format!("share {number} of set 0"), words));
    }
    let counts = found_anywhere(&world, marked);
    // As it was sealed, as often as it was opened, and in the emergency.
    assert!(counts.allowed > STOPPED_COUNT_MIN, "{counts:?}");
}

#[test]
fn a_drill_is_held_when_there_is_room_and_what_it_could_not_write_down_is_not_denied() {
    let test = "a_drill_is_held_when_there_is_room_and_what_it_could_not_write_down_is_not_denied";
    on_small_disk("full-drill", test, drills);
}

fn drills(name: &str) {
    let (world, shares) = World::with_set(name);
    world.ends(0, &["rotate", "--account", FIRST.1, "--yes", "--quiescence", "0"], "");
    let people = ["--person", PEOPLE[0], "--person", PEOPLE[1]];
    let rest = ["--surface", "microsoft-graph", "--no-azure", "--share", "-"];
    let drill = [["drill", "--account", FIRST.1].as_slice(), &people, &rest].concat();
    let both = shares[1..].join("\n");
    let written = || {
        let store = world.store();
        let streams = [STREAM.to_owned(), stream::stream_of(FIRST.0), drill_stream_of(FIRST.0)];
        streams.map(|stream| store.entries(&stream).unwrap().len())
    };
    let (mut half, mut none) = (0, 0);
    with_more_and_more_room("drills", |pages| {
        let before = written();
        let ballast = Ballast::leaving(&world, pages);
        let run = world.run(&drill, &both);
        drop(ballast);
        let said = words(&format!("{}\n{}", run.out, run.err));
        let is_full = said.contains("no room is left on the disk") || said.contains("No space left on device");
        assert!(matches!(run.code, Some(0 | 2 | 4)), "{pages} pages: {run:?}");
        assert!(run.code == Some(0) || is_full, "{pages} pages: {said}");
        // Whoever says that nothing was done has done nothing.
        assert!(run.code != Some(2) || written() == before, "{pages} pages: {before:?} {:?} {said}", written());
        nothing_is_half_written(&world);
        half += usize::from(run.code == Some(4));
        none += usize::from(run.code == Some(2));
        match run.code {
            Some(0) if !is_full => End::Whole,
            Some(0) => End::Behind,
            _ => {
                world.ends(0, &drill, &both);
                End::Stopped
            }
        }
    });
    assert!(half > 0 && none > 0, "{half} stopped half-way, {none} before");
    world.ledger_holds();
}

#[test]
fn a_state_that_may_only_be_read_is_told_as_that_and_keeps_nobody_out() {
    on_small_disk("read-only", "a_state_that_may_only_be_read_is_told_as_that_and_keeps_nobody_out", only_read);
}

fn only_read(name: &str) {
    let (world, shares) = World::with_set(name);
    world.ends(0, &["custody", "seal", "--account", FIRST.1, "--id", FIRST.0, "--generate"], "");
    let (document, _, password) = world.opened(DOCUMENTS, &shares).remove(0);
    let remounted = |how: &str| {
        let desk = desk_of(name);
        let ended = Command::new("mount").args(["-o", how]).arg(&desk).output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    };
    remounted("remount,ro");
    let retire = ["custody", "retire", "--reason", "x"];
    for arguments in [["custody", "list"].as_slice(), &retire] {
        let run = world.ends(2, arguments, "");
        let said = words(&run.err);
        assert!(said.contains("cannot be written by whoever runs this") && !said.contains("make room"), "{said}");
    }
    let sent = world.front.set_passwords().len();
    let refused = words(&world.ends(2, &["rotate", "--account", FIRST.1, "--yes"], "").err);
    assert!(refused.contains("Read-only file system") && refused.contains("have the folder be yours"), "{refused}");
    assert_eq!(world.front.set_passwords().len(), sent);
    let open = ["custody", "open", "--document", document.as_str(), "--share", "-"];
    let run = world.ends(0, &open, &shares[1..].join("\n"));
    assert_eq!(run.out.trim(), password);
    assert!(words(&run.err).contains("this opening is not written down"), "{}", run.err);
    remounted("remount,rw");
    world.ends(0, &retire, "");
}

/// A disk without any room keeps nobody out: it opens, and says that it is not written down.
fn emergency(world: &World, (both, password): (&str, &str)) {
    let ballast = Ballast::leaving(world, 0);
    let run = world.ends(0, &["custody", "open", "--account", FIRST.1, "--share", "-"], both);
    drop(ballast);
    assert_eq!(run.out.trim(), password);
    let said = words(&run.err);
    assert!(said.contains("no room is left on the disk"), "{said}");
    assert!(
        said.contains("this opening is not written down: afterwards run `breakglass custody record-opening"),
        "{said}"
    );
}
