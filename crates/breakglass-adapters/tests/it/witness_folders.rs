//! What a witness remembers: the contract of the port, what is damaged, and two that race to sign two pasts.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Barrier};
use std::thread;

use breakglass_adapters::witness_folder::WitnessFolder;
use breakglass_ledger::checkpoint::Checkpoint;
use breakglass_ledger::hash::Hash;
use breakglass_ledger::note::{SecretKey, Use};
use breakglass_ledger::tree::Tree;
use breakglass_ops::journal::{NotWitnessed, Shown, witness};
use breakglass_ops::ports::{InMemoryWitness, WitnessMemory};
use zeroize::Zeroizing;

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
