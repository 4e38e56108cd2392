//! Checkpoints of the ledger: kept in order, and none for a ledger that is not what was signed before.

use std::sync::atomic::{AtomicBool, Ordering};

use breakglass_ledger::checkpoint::Checkpoint;
use breakglass_ledger::log::LogFault;
use breakglass_ledger::note::{SecretKey, Use};
use breakglass_ops::journal::{
    KeptError, STREAM, STREAM_CHECKPOINTS, SigningError, catch_up, checkpoints, look, sign_checkpoint,
};
use breakglass_ops::ports::{InMemoryStore, Store, StoreError};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::journals::{Streams, at, filled};

fn key(seed: u8) -> SecretKey {
    SecretKey::of_seed("breakglass/tenant", Use::Notes, Zeroizing::new([seed; 32])).unwrap()
}

/// A ledger that was signed at 15 and at 16 entries.
fn signed() -> InMemoryStore {
    let store = filled();
    sign_checkpoint(&store, &catch_up(&store, at(0)).unwrap(), &key(1), at(0)).unwrap();
    store.append("checkout/7", 4, &json!("late")).unwrap();
    sign_checkpoint(&store, &catch_up(&store, at(1)).unwrap(), &key(1), at(1)).unwrap();
    store
}

#[test]
fn checkpoints_are_kept_and_the_same_is_not_signed_twice() {
    let store = signed();
    let kept = checkpoints(&store).unwrap();
    let sizes = kept.iter().map(|kept| {
        let (checkpoint, _) = Checkpoint::read(&kept.note, key(1).public()).unwrap();
        (kept.at, checkpoint.size())
    });
    assert_eq!(sizes.collect::<Vec<_>>(), [(at(0), 15), (at(1), 16)]);
    let journal = look(&store).unwrap().journal;
    let again = sign_checkpoint(&store, &journal, &key(1), at(2)).unwrap();
    assert_eq!(again, kept[1].note);
    assert_eq!(checkpoints(&store).unwrap(), kept);
}

#[test]
fn nothing_is_signed_of_a_ledger_that_is_not_what_was_signed() {
    let whole = Streams::of(&signed());
    let refused = |streams: &Streams| {
        let store = streams.store();
        let journal = catch_up(&store, at(5)).unwrap();
        let error = sign_checkpoint(&store, &journal, &key(1), at(5)).unwrap_err();
        assert_eq!(store.entries(STREAM_CHECKPOINTS).unwrap(), streams.0[STREAM_CHECKPOINTS]);
        error
    };
    // Somebody takes an entry out of the stream and the ledger, so that they agree.
    let mut cut = whole.clone();
    cut.0.get_mut(STREAM).unwrap().pop();
    cut.0.get_mut("checkout/7").unwrap().pop();
    let SigningError::Faults(faults) = refused(&cut) else { panic!("another error") };
    assert_eq!(faults, [LogFault::Truncated { found: 15, signed: 16 }]);
    // Or changes one in both.
    let mut changed = whole.clone();
    changed.0.remove(STREAM);
    changed.0.get_mut("rotation/bg1").unwrap()[0] = json!("another");
    let SigningError::Faults(faults) = refused(&changed) else { panic!("another error") };
    assert_eq!(faults.len(), 2, "{faults:?}");
    // Or changes a checkpoint.
    let mut damaged = whole.clone();
    damaged.0.get_mut(STREAM_CHECKPOINTS).unwrap()[1] = json!({ "note": "" });
    assert!(matches!(refused(&damaged), SigningError::Kept(KeptError::Damaged(2))));
    let mut other = whole.clone();
    let note = other.0[STREAM_CHECKPOINTS][0]["note"].as_str().unwrap().replace("\n15\n", "\n14\n");
    other.0.get_mut(STREAM_CHECKPOINTS).unwrap()[0]["note"] = json!(note);
    assert!(matches!(refused(&other), SigningError::Other { number: 1, .. }));
}

#[test]
fn a_key_signs_what_it_is_for_and_follows_no_other() {
    let store = signed();
    let journal = look(&store).unwrap().journal;
    let error = sign_checkpoint(&store, &journal, &key(2), at(5)).unwrap_err();
    assert!(matches!(error, SigningError::Other { number: 1, .. }), "{error}");
    let fresh = filled();
    let journal = catch_up(&fresh, at(0)).unwrap();
    let witness = SecretKey::of_seed("w", Use::Cosignatures, Zeroizing::new([1; 32])).unwrap();
    let error = sign_checkpoint(&fresh, &journal, &witness, at(0)).unwrap_err();
    assert!(matches!(error, SigningError::Key(_)), "{error}");
    assert!(checkpoints(&fresh).unwrap().is_empty());
}

/// A store in which somebody else adds an entry and signs it, just before this one does.
struct Overtaken(InMemoryStore, AtomicBool);

impl Store for Overtaken {
    fn append(&self, stream: &str, place: usize, entry: &Value) -> Result<(), StoreError> {
        if stream == STREAM_CHECKPOINTS && !self.1.swap(true, Ordering::SeqCst) {
            self.0.append("drill/new", 0, &json!("new")).unwrap();
            sign_checkpoint(&self.0, &catch_up(&self.0, at(3)).unwrap(), &key(1), at(3)).unwrap();
        }
        self.0.append(stream, place, entry)
    }

    fn entries(&self, stream: &str) -> Result<Vec<Value>, StoreError> {
        self.0.entries(stream)
    }

    fn streams(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.0.streams(prefix)
    }
}

#[test]
fn somebody_who_signs_more_meanwhile_is_no_fault() {
    let store = Overtaken(filled(), AtomicBool::new(false));
    let journal = catch_up(&store, at(0)).unwrap();
    let note = sign_checkpoint(&store, &journal, &key(1), at(0)).unwrap();
    let (checkpoint, _) = Checkpoint::read(&note, key(1).public()).unwrap();
    assert_eq!((journal.size(), checkpoint.size()), (15, 16));
    assert_eq!(checkpoints(&store).unwrap().len(), 1);
}
