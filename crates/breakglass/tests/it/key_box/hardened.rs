//! What the system lets others see of the process: no core file, nothing for other processes of the same user, nothing on a
//! swap device, and no secret that is left in memory.
//!
//! A process is held where it writes into a pipe that is full, so that it can be looked at as it is then.

use std::fs::{self, File};
use std::io::{PipeReader, PipeWriter, Read as _, Write as _, pipe};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use breakglass_ops::ports::Store as _;
use memchr::memmem::Finder;
use nix::fcntl::{FcntlArg, fcntl};

use super::world::{DOCUMENTS, FIRST, World};

/// Somebody without rights.
const NOBODY: u32 = 65_534;

/// Looks after which a process that sleeps is believed to wait.
const LOOK_COUNT: usize = 1_000;

/// Bytes that are read of a memory at once.
const PART_BYTES: usize = 1 << 20;

/// A pipe in which there is no room.
fn full_pipe() -> (PipeReader, PipeWriter, usize) {
    let (reader, mut writer) = pipe().unwrap();
    let bytes = usize::try_from(fcntl(&writer, FcntlArg::F_GETPIPE_SZ).unwrap()).unwrap();
    writer.write_all(&vec![b' '; bytes]).unwrap();
    (reader, writer, bytes)
}

/// What is left in a pipe, without what filled it.
fn drained(mut reader: PipeReader) -> String {
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    text.trim().to_owned()
}

/// A line of a file in the process's folder.
fn said(child: &Child, file: &str, begins: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{}/{file}", child.id())).unwrap();
    let line = text.lines().find(|line| line.starts_with(begins)).unwrap_or_else(|| panic!("{begins}: {text}"));
    line.strip_prefix(begins).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Waits until it waits at a pipe, as the kernel calls that: where the system does not say for what, until it sleeps each time it is looked at.
fn is_held(child: &mut Child, at_what: &str) {
    let mut asleep = 0;
    while asleep < LOOK_COUNT {
        assert!(child.try_wait().unwrap().is_none(), "it has ended");
        let threads = fs::read_dir(format!("/proc/{}/task", child.id())).unwrap().flatten();
        let read = |thread: &fs::DirEntry, file: &str| fs::read_to_string(thread.path().join(file)).unwrap_or_default();
        let threads: Vec<(String, String)> =
            threads.map(|thread| (read(&thread, "wchan"), read(&thread, "stat"))).collect();
        if threads.iter().any(|(at, _)| at.contains(at_what)) {
            return;
        }
        let sleeps = |stat: &str| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('S'));
        asleep = if threads.iter().all(|(at, stat)| at.len() < 2 && sleeps(stat)) { asleep + 1 } else { 0 };
        std::thread::yield_now();
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self/status").unwrap().uid() == 0
}

/// A program as somebody without rights, if this is root, else as whoever this is.
fn unprivileged(program: &str) -> (Command, File) {
    let file = File::open(program).unwrap();
    // Its folder may be one that they do not enter.
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
    let mut command = Command::new(path);
    command.env_clear().env("MARK", "of-this-test").current_dir("/").stdin(Stdio::null());
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    (command, file)
}

/// Whether another process of the same user reads its environment, which stands in its memory.
fn is_read_by_others(child: &Child) -> bool {
    let mut command = Command::new("/bin/cat");
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.arg(format!("/proc/{}/environ", child.id())).current_dir("/").output().unwrap();
    let has_read = String::from_utf8_lossy(&output.stdout).contains("of-this-test");
    assert_eq!(has_read, output.status.success(), "{output:?}");
    has_read
}

#[test]
fn no_core_file_is_written_and_nobody_reads_the_memory() {
    let (reader, writer, _) = full_pipe();
    let (mut command, _file) = unprivileged(env!("CARGO_BIN_EXE_breakglass"));
    let mut child = command.args(["custody", "generate", "password"]).stdout(writer).spawn().unwrap();
    drop(command);
    is_held(&mut child, "pipe_write");
    assert_eq!(said(&child, "limits", "Max core file size"), "0 0 bytes");
    let uid = said(&child, "status", "Uid:").split(' ').next().unwrap().parse::<u32>().unwrap();
    assert_ne!(uid, 0, "this looks at somebody without rights");
    let owner = fs::metadata(format!("/proc/{}/environ", child.id())).unwrap().uid();
    assert_eq!(owner, 0, "what the process has is root's");
    assert!(!is_read_by_others(&child));
    // A program that asks for nothing is read by its user.
    let (mut other, _cat) = unprivileged("/bin/cat");
    let mut other = other.stdin(Stdio::piped()).spawn().unwrap();
    is_held(&mut other, "pipe_read");
    assert_eq!(fs::metadata(format!("/proc/{}/environ", other.id())).unwrap().uid(), uid);
    assert!(is_read_by_others(&other));
    other.kill().unwrap();
    other.wait().unwrap();
    // The reader goes last, so that what is written is written.
    assert!(drained(reader).len() >= 20);
    assert!(child.wait().unwrap().success());
}

/// Whether whoever begins here may lock as much memory as they like.
fn may_lock() -> bool {
    // To take the limit away, and to be bound by none.
    const CAPABILITIES: u64 = 1 << 24 | 1 << 14;
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap().trim();
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let limit = limits.lines().find(|line| line.starts_with("Max locked memory")).unwrap();
    u64::from_str_radix(effective, 16).unwrap() & CAPABILITIES != 0 || limit.matches("unlimited").count() == 2
}

#[test]
fn memory_is_locked_where_that_can_be_had_and_only_for_secrets() {
    let locked = |arguments: &[&str]| {
        let (reader, writer, _) = full_pipe();
        let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
        let mut child = command.args(arguments).stdin(Stdio::null()).stdout(writer).spawn().unwrap();
        drop(command);
        is_held(&mut child, "pipe_write");
        let kilobytes = said(&child, "status", "VmLck:").trim_end_matches(" kB").parse::<u64>().unwrap();
        assert!(!drained(reader).is_empty());
        assert!(child.wait().unwrap().success());
        kilobytes
    };
    let (secret, other) = (locked(&["custody", "generate", "password"]), locked(&["explain", "BG0101"]));
    println!("locked: {secret} kB with secrets, {other} kB without; this may lock: {}", may_lock());
    assert_eq!((secret > 0, other), (may_lock(), 0));
}

/// How often a text is in the memory of a process; none where this may not look.
fn times_in_memory(child: &Child, texts: &[String]) -> Option<(Vec<usize>, usize)> {
    let maps = fs::read_to_string(format!("/proc/{}/maps", child.id())).ok()?;
    let memory = File::open(format!("/proc/{}/mem", child.id())).ok()?;
    let finders: Vec<Finder<'_>> = texts.iter().map(|text| Finder::new(text.as_bytes())).collect();
    let overlap = texts.iter().map(String::len).max()?;
    let (mut times, mut bytes) = (vec![0; texts.len()], 0);
    for line in maps.lines().filter(|line| !line.ends_with("[vvar]") && !line.ends_with("[vsyscall]")) {
        let mut words = line.split_whitespace();
        let (range, rights) = (words.next()?, words.next()?);
        let (from, to) = range.split_once('-')?;
        let (from, to) = (u64::from_str_radix(from, 16).ok()?, u64::from_str_radix(to, 16).ok()?);
        if !rights.starts_with('r') {
            continue;
        }
        let (mut at, mut before) = (from, Vec::new());
        while at < to {
            let mut part = vec![0; PART_BYTES.min(usize::try_from(to - at).ok()?)];
            if memory.read_exact_at(&mut part, at).is_err() {
                break;
            }
            bytes += part.len();
            at += part.len() as u64;
            let whole = [before, part].concat();
            for (times, finder) in times.iter_mut().zip(&finders) {
                *times += finder.find_iter(&whole).count();
            }
            // What was found whole in the last part is not found again in its end.
            before = whole[whole.len().saturating_sub(overlap - 1)..].to_vec();
        }
    }
    Some((times, bytes))
}

#[test]
fn what_was_opened_is_not_left_in_memory() {
    let (world, shares) = World::with_set("memory");
    world.ends(0, &["rotate", "--account", FIRST.1, "--yes"], "");
    let password = world.opened(DOCUMENTS, &shares)[0].2.clone();
    let words: Vec<&str> = shares[0].split(' ').collect();
    let set = world.sets()[0].id.to_string();
    let texts = [password, words[4..10].join(" "), words[20..26].join(" "), set];
    let both = shares[..2].join("\n");
    let hold = |arguments: &[&str], is_stderr: bool| {
        let (reader, writer, _) = full_pipe();
        let mut command = world.command(arguments);
        let mut child = match is_stderr {
            true => command.stderr(writer).spawn().unwrap(),
            false => command.stdout(writer).spawn().unwrap(),
        };
        drop(command);
        child.stdin.take().unwrap().write_all(both.as_bytes()).unwrap();
        is_held(&mut child, "pipe_write");
        let found = times_in_memory(&child, &texts);
        child.kill().unwrap();
        child.wait().unwrap();
        drop(reader);
        found
    };
    // As it is shown, it is there: that shows that it would be found.
    let shown = hold(&["custody", "open", "--account", FIRST.1, "--share", "-"], false);
    let Some((shown, _)) = shown else {
        println!("not looked at: this may not read the memory of another process");
        return;
    };
    let rehearsals = || {
        let entries = world.store().entries(breakglass_ops::key_box::record::STREAM).unwrap();
        entries.iter().filter(|entry| entry["state"] == "rehearsed").count()
    };
    let before = rehearsals();
    let (left, bytes) =
        hold(&["custody", "rehearse", "--config", "breakglass.toml", "--set", &texts[3], "--share", "-"], true)
            .unwrap();
    println!(
        "of the password, two parts of a share and the set: {shown:?} times as it is shown, {left:?} afterwards, in {bytes} bytes"
    );
    assert_eq!(rehearsals(), before + 1, "it has opened, and waits to say so");
    assert!(shown[0] > 0 && shown[3] > 0 && left[3] > 0, "{shown:?} {left:?}");
    assert_eq!(left[..3], [0, 0, 0], "after it was wiped");
    assert_eq!(shown[1..3], [0, 0], "shares are gone before the password is shown");
}
