//! What a witness remembers: the contract of the port, what is damaged, and two that race to sign two pasts.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Barrier};
use std::thread;

use breakglass_adapters::disk::Disk as _;
use breakglass_adapters::witness_folder::WitnessFolder;
use breakglass_ledger::checkpoint::Checkpoint;
use breakglass_ledger::hash::Hash;
use breakglass_ledger::note::{SecretKey, Use};
use breakglass_ledger::tree::Tree;
use breakglass_ops::journal::{NotWitnessed, Shown, witness};
use breakglass_ops::ports::{InMemoryWitness, WitnessMemory};
use zeroize::Zeroizing;

use crate::forgetful_disk::{Careless, Forgetful};

/// Rounds in which two witnesses race.
const ROUNDS: usize = 200;

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("breakglass-witness-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    folder
}

fn contract(memory: &dyn WitnessMemory) {
    assert_eq!(memory.remembered("a"), Ok(None));
    assert_eq!(memory.exchange("a", Some("x"), "y"), Ok(false));
    assert_eq!(memory.exchange("a", None, "one\n"), Ok(true));
    assert_eq!(memory.exchange("a", None, "two\n"), Ok(false));
    assert_eq!(memory.remembered("a"), Ok(Some("one\n".to_owned())));
    assert_eq!(memory.exchange("a", Some("one\n"), "two\n"), Ok(true));
    assert_eq!(memory.exchange("a", Some("one\n"), "three\n"), Ok(false));
    assert_eq!(memory.exchange("a", Some("two\n"), "two\n"), Ok(true));
    assert_eq!(memory.remembered("a"), Ok(Some("two\n".to_owned())));
    assert_eq!(memory.remembered("b"), Ok(None));
    let first = memory.keep_evidence("a", "two\n", "fork\n").unwrap();
    assert_eq!(memory.keep_evidence("a", "two\n", "fork\n"), Ok(first));
}

#[test]
fn every_memory_keeps_the_contract() {
    contract(&InMemoryWitness::default());
    let folder = folder("contract");
    contract(&WitnessFolder::new(folder.clone()));
    // Another process sees the same.
    assert_eq!(WitnessFolder::new(folder.clone()).remembered("a"), Ok(Some("two\n".to_owned())));
    let evidence: Vec<_> = fs::read_dir(folder.join("evidence")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(evidence.len(), 1);
    assert_eq!(fs::read_to_string(&evidence[0]).unwrap(), "seen:\ntwo\n\nrefused:\nfork\n");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_is_damaged_is_no_log_that_was_never_seen() {
    let folder = folder("damaged");
    let memory = WitnessFolder::new(folder.clone());
    assert_eq!(memory.exchange("log", None, "one\n"), Ok(true));
    let seen = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let seen = seen.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "seen")).unwrap();
    let whole = fs::read(&seen).unwrap();
    for damaged in [&b""[..], b"breakglass-witness/1 other\none\n", b"\xff", &whole[..10], &[b'x'; 100_000]] {
        fs::write(&seen, damaged).unwrap();
        assert!(memory.remembered("log").is_err());
        assert!(memory.exchange("log", None, "two\n").is_err());
        assert_eq!(fs::read(&seen).unwrap(), damaged, "it is not overwritten");
    }
    fs::write(&seen, &whole).unwrap();
    assert_eq!(memory.remembered("log"), Ok(Some("one\n".to_owned())));
    fs::remove_dir_all(folder).unwrap();
}

fn tree(count: u64, changed: Option<u64>) -> Tree {
    let mut tree = Tree::default();
    for index in 0..count {
        let word = if Some(index) == changed { "another" } else { "entry" };
        tree.push(Hash::of_entry(format!("{word} {index}").as_bytes()));
    }
    tree
}

/// Two witnesses with the same folder are shown two logs that fork, many times over; each round begins where both agree.
#[test]
fn two_that_race_never_sign_two_pasts() {
    let folder = folder("race");
    let log = Arc::new(SecretKey::of_seed("log", Use::Notes, Zeroizing::new([1; 32])).unwrap());
    let now = "2026-11-27T03:00:00Z".parse().unwrap();
    let (mut signed_by_first, mut refused) = (0, 0);
    for round in 0..ROUNDS {
        let memory = WitnessFolder::new(folder.join(round.to_string()));
        let note = |tree: &Tree, size| Checkpoint::signed(size, tree.root(size).unwrap(), &log).unwrap();
        assert_eq!(memory.exchange(&log.public().to_string(), None, &note(&tree(10, None), 10)), Ok(true));
        let barrier = Arc::new(Barrier::new(2));
        let racers = [None, Some(15)].map(|changed| {
            let (memory, barrier, log) = (memory.clone(), Arc::clone(&barrier), Arc::clone(&log));
            let tree = tree(20, changed);
            let note = note(&tree, 20);
            thread::spawn(move || {
                let key = SecretKey::of_seed("witness", Use::Cosignatures, Zeroizing::new([2; 32])).unwrap();
                barrier.wait();
                loop {
                    match witness(&memory, (&key, now), log.public(), &note, Shown::Log(&tree)) {
                        Ok(witnessed) => return Some(witnessed.now.root),
                        Err(NotWitnessed::Refused(refused)) => {
                            assert!(refused.evidence.is_some());
                            return None;
                        }
                        // The other has the lock.
                        Err(NotWitnessed::Memory(error)) => assert!(error.why.contains("at work"), "{error}"),
                        Err(other) => panic!("{other}"),
                    }
                }
            })
        });
        let signed = racers.map(|racer| racer.join().unwrap());
        assert_eq!(signed.iter().flatten().count(), 1, "round {round}: {signed:?}");
        signed_by_first += usize::from(signed[0].is_some());
        refused += signed.iter().filter(|one| one.is_none()).count();
    }
    println!("{ROUNDS} rounds, {refused} forks refused, {signed_by_first} times the first was faster");
    fs::remove_dir_all(folder).unwrap();
}

const NOTES: [&str; 2] = ["the first checkpoint\n", "the second, which is another\n"];

/// Remembers two checkpoints one after the other, and keeps evidence, until the disk crashes; how far it came.
fn worked(disk: &Forgetful) -> usize {
    let memory = WitnessFolder::on(PathBuf::from("witness"), disk.clone());
    let before = memory.remembered("log");
    let Ok(before) = before else { return 0 };
    let mut was = before.as_deref();
    for (step, note) in NOTES.into_iter().enumerate() {
        if was == Some(NOTES[1]) {
            continue;
        }
        if memory.exchange("log", was, note) != Ok(true) {
            return step;
        }
        was = Some(note);
    }
    // As whoever signs does: what is remembered already is written anew.
    if memory.exchange("log", was, NOTES[1]) != Ok(true) {
        return 0;
    }
    if memory.keep_evidence("log", NOTES[1], "a fork\n").is_err() { 2 } else { 3 }
}

/// What does not hold on a disk that is found after a crash.
fn fault(found: Forgetful, done: usize) -> Option<String> {
    let memory = WitnessFolder::on(PathBuf::from("witness"), found.clone());
    let remembered = match memory.remembered("log") {
        Ok(remembered) => remembered,
        Err(error) => return Some(error.to_string()),
    };
    let at = remembered.as_deref().map_or(Some(0), |found| Some(1 + NOTES.iter().position(|note| *note == found)?));
    if at.is_none_or(|at| at < done.min(2)) {
        return Some(format!("{done} were remembered, and there is {remembered:?}"));
    }
    let evidence = |disk: &Forgetful| {
        let names = disk.names(Path::new("witness/evidence")).unwrap();
        let name = names.into_iter().find(|name| name.len() == 20 && name.ends_with(".txt"));
        name.map(|name| {
            String::from_utf8(disk.read(&Path::new("witness/evidence").join(name), 1_000).unwrap()).unwrap()
        })
    };
    let whole = format!("seen:\n{}\nrefused:\na fork\n", NOTES[1]);
    match evidence(&found) {
        None if done == 3 => return Some("the evidence is gone".to_owned()),
        Some(other) if other != whole => return Some("the evidence is there by part".to_owned()),
        _ => {}
    }
    if memory.exchange("log", remembered.as_deref(), "a later one\n") != Ok(true) {
        return Some("it does not go on".to_owned());
    }
    None
}

/// Disks that were looked at, and what did not hold on the first that is wrong: the power is lost after each call; or
/// whoever works is killed there, another does it again, and the power is lost after a call of theirs.
fn every_crash(careless: Careless) -> (usize, Option<String>) {
    let mut count = 0;
    let mut looked = |disk: &Forgetful, done: usize, when: String| {
        for found in disk.crashed() {
            count += 1;
            if let Some(fault) = fault(found, done) {
                return Some((count, Some(format!("{when}, {done} done: {fault}"))));
            }
        }
        None
    };
    for calls in 0.. {
        let disk = Forgetful::new(careless, calls).with_ending("seen");
        let done = worked(&disk);
        if let Some(fault) = looked(&disk, done, format!("after {calls} calls")) {
            return fault;
        }
        for again in 0.. {
            let disk = Forgetful::new(careless, calls).with_ending("seen");
            let done = worked(&disk);
            let disk = disk.goes_on(again);
            let done = done.max(worked(&disk));
            if let Some(fault) = looked(&disk, done, format!("after {calls} calls and {again} more")) {
                return fault;
            }
            if disk.left() > 0 {
                break;
            }
        }
        if disk.left() > 0 {
            break;
        }
    }
    (count, None)
}

#[test]
fn whatever_a_crash_leaves_what_was_remembered_is_remembered() {
    let (count, fault) = every_crash(Careless::No);
    assert_eq!(fault, None);
    println!("{count} disks after a crash");
    for careless in Careless::EACH {
        let (count, fault) = every_crash(careless);
        println!("{careless:?}: {fault:?}, on disk {count}");
        assert!(fault.is_some(), "{careless:?} is not found out");
    }
}
