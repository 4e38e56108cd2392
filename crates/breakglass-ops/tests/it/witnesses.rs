//! A witness at work over its port: it remembers before it signs, and keeps what it refuses.

use std::sync::Mutex;

use breakglass_ledger::checkpoint::Checkpoint;
use breakglass_ledger::hash::Hash;
use breakglass_ledger::note::{Note, SecretKey, Use};
use breakglass_ledger::tree::Tree;
use breakglass_ledger::witness::WitnessRefusal;
use breakglass_ops::journal::{NotWitnessed, Shown, WitnessRequest, Witnessed, witness};
use breakglass_ops::ports::{InMemoryWitness, WitnessMemory, WitnessMemoryError};
use zeroize::Zeroizing;

use crate::journals::at;

fn log() -> SecretKey {
    SecretKey::of_seed("breakglass/tenant", Use::Notes, Zeroizing::new([1; 32])).unwrap()
}

fn key() -> SecretKey {
    SecretKey::of_seed("witness", Use::Cosignatures, Zeroizing::new([2; 32])).unwrap()
}

fn tree(count: u64, changed: Option<u64>) -> Tree {
    let mut tree = Tree::default();
    for index in 0..count {
        let word = if Some(index) == changed { "another" } else { "entry" };
        tree.push(Hash::of_entry(format!("{word} {index}").as_bytes()));
    }
    tree
}

fn note(tree: &Tree, size: u64) -> String {
    Checkpoint::signed(size, tree.root(size).unwrap(), &log()).unwrap()
}

fn show(memory: &dyn WitnessMemory, note: &str, shown: Shown<'_>) -> Result<Witnessed, NotWitnessed> {
    witness(memory, (&key(), at(0)), log().public(), note, shown)
}

/// A memory that cannot be written, or is changed by somebody else in between.
struct Failing(InMemoryWitness, Mutex<Vec<Option<String>>>);

impl WitnessMemory for Failing {
    fn remembered(&self, log: &str) -> Result<Option<String>, WitnessMemoryError> {
        self.0.remembered(log)
    }

    fn exchange(&self, log: &str, was: Option<&str>, now: &str) -> Result<bool, WitnessMemoryError> {
        match self.1.lock().unwrap().pop() {
            Some(Some(other)) => assert_eq!(self.0.exchange(log, was, &other), Ok(true)),
            Some(None) => return Err(WitnessMemoryError { place: "here".to_owned(), why: "full".to_owned() }),
            None => {}
        }
        self.0.exchange(log, was, now)
    }

    fn keep_evidence(&self, log: &str, seen: &str, refused: &str) -> Result<String, WitnessMemoryError> {
        self.0.keep_evidence(log, seen, refused)
    }
}

#[test]
fn a_log_that_grows_is_signed_whole_or_by_its_proof() {
    let memory = InMemoryWitness::default();
    let whole = tree(30, None);
    let first = show(&memory, &note(&whole, 10), Shown::Log(&whole)).unwrap();
    assert_eq!((first.before, first.now.size), (None, 10));
    let second = show(&memory, &note(&whole, 20), Shown::Log(&whole)).unwrap();
    assert_eq!(second.before, Some(first.now));
    assert_eq!(Note::read(&second.note).unwrap().cosigned_by(key().public()), Ok(at(0)));
    // By a proof alone, as the form for witnesses has it.
    let request = WitnessRequest { old: 20, proof: whole.consistency(20, 30).unwrap(), note: note(&whole, 30) };
    let request = WitnessRequest::read(&request.written()).unwrap();
    let early = show(&memory, &request.note, Shown::Proof { old: 19, proof: &request.proof }).unwrap_err();
    assert!(matches!(early, NotWitnessed::OtherStart { old: 19, seen: 20 }), "{early}");
    let third = show(&memory, &request.note, Shown::Proof { old: 20, proof: &request.proof }).unwrap();
    assert_eq!((third.before, third.now.size), (Some(second.now), 30));
    // The same again is signed again, also by the request that was answered already.
    let answered = show(&memory, &request.note, Shown::Proof { old: 20, proof: &request.proof }).unwrap();
    assert_eq!((answered.before, answered.now), (Some(third.now), third.now));
    assert_eq!(show(&memory, &note(&whole, 30), Shown::Log(&whole)).unwrap().before, Some(third.now));
}

#[test]
fn forks_old_copies_and_entries_of_another_log_are_refused_and_both_are_kept() {
    let memory = InMemoryWitness::default();
    let (whole, forked) = (tree(30, None), tree(30, Some(12)));
    show(&memory, &note(&whole, 20), Shown::Log(&whole)).unwrap();
    let kept = memory.remembered(&log().public().to_string());
    let refused = |note: &str, tree: &Tree| show(&memory, note, Shown::Log(tree)).unwrap_err();
    for (size, expected, is_evidence) in
        [(20, "forked", true), (30, "not proved", true), (11, "older than what is known", false)]
    {
        let error = refused(&note(&forked, size), &forked);
        assert!(error.to_string().contains(expected), "{error}");
        let NotWitnessed::Refused(refused) = error else { panic!("another error") };
        let sizes = [refused.seen, refused.shown].map(|one| one.map(|one| one.size));
        assert_eq!((sizes, refused.evidence.is_some()), ([Some(20), Some(size)], is_evidence));
    }
    assert!(matches!(refused(&note(&whole, 30), &forked), NotWitnessed::NotTheLog(_)));
    assert!(matches!(refused(&note(&whole, 30), &tree(29, None)), NotWitnessed::NotTheLog(_)));
    // What the log has not signed is no evidence against it.
    let unsigned = note(&whole, 30).replace("\n30\n", "\n29\n");
    let NotWitnessed::Refused(refused) = refused(&unsigned, &whole) else { panic!("another error") };
    assert!(matches!(refused.refusal, WitnessRefusal::Checkpoint(_)));
    assert_eq!((refused.shown, &refused.evidence), (None, &None));
    assert_eq!(memory.remembered(&log().public().to_string()), kept, "nothing of it was remembered");
}

#[test]
fn nothing_is_signed_that_was_not_remembered() {
    let whole = tree(30, None);
    let full = Failing(InMemoryWitness::default(), Mutex::new(vec![None]));
    let error = show(&full, &note(&whole, 10), Shown::Log(&whole)).unwrap_err();
    assert!(matches!(error, NotWitnessed::Memory(_)), "{error}");
    // Somebody else remembers another past in between: it is looked at again, and refused.
    let forked = note(&tree(30, Some(3)), 20);
    let overtaken = Failing(InMemoryWitness::default(), Mutex::new(vec![Some(forked)]));
    let error = show(&overtaken, &note(&whole, 20), Shown::Log(&whole)).unwrap_err();
    let NotWitnessed::Refused(refused) = error else { panic!("another error") };
    assert_eq!(refused.refusal, WitnessRefusal::Forked(20));
    // What is remembered is none of the log's.
    let damaged = InMemoryWitness::default();
    assert_eq!(damaged.exchange(&log().public().to_string(), None, "nonsense"), Ok(true));
    let error = show(&damaged, &note(&whole, 20), Shown::Log(&whole)).unwrap_err();
    assert!(matches!(error, NotWitnessed::Damaged(_)), "{error}");
    assert_eq!(damaged.remembered(&log().public().to_string()), Ok(Some("nonsense".to_owned())));
}
