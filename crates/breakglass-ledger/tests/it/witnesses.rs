//! The witness: a log that grows is signed, and no other past of it.

use std::sync::Mutex;

use breakglass_ledger::hash::Hash;
use breakglass_ledger::note::{Note, NoteError, SIGNATURE_COUNT_MAX, Use};
use breakglass_ledger::tree::{ProofError, Tree};
use breakglass_ledger::witness::{Seen, WitnessRefusal, accept};
use jiff::Timestamp;

use super::support::{key, lines, note, public, tree};

fn at() -> Timestamp {
    "2026-11-27T03:00:00Z".parse().unwrap()
}

fn seen(tree: &Tree, size: u64) -> Seen {
    accept(None, &note(tree, size), &public(), &[]).unwrap().seen
}

#[test]
fn a_log_that_grew_is_cosigned_with_the_time() {
    let whole = tree(&lines(50));
    let witness = key("witness.example/one", Use::Cosignatures, 9);
    for (earlier, later) in [(1, 1), (1, 50), (20, 50), (50, 50)] {
        let proof = whole.consistency(earlier, later).unwrap();
        let accepted = accept(Some(seen(&whole, earlier)), &note(&whole, later), &public(), &proof).unwrap();
        assert_eq!(accepted.seen, seen(&whole, later));
        let cosigned = Note::read(&accepted.cosigned(&witness, at()).unwrap()).unwrap();
        assert_eq!(cosigned.cosigned_by(witness.public()), Ok(at()));
        assert!(cosigned.signed_by(&public()).is_ok(), "the log's own signature is there still");
    }
}

#[test]
fn what_was_seen_is_cosigned_again_whatever_the_proof() {
    let whole = tree(&lines(50));
    let seen = seen(&whole, 50);
    let witness = key("witness.example/one", Use::Cosignatures, 9);
    // As a request is written that was answered already: with the proof from what was known before.
    let proof = whole.consistency(20, 50).unwrap();
    let again = accept(Some(seen), &note(&whole, 50), &public(), &proof).unwrap();
    assert_eq!(again.seen, seen);
    assert!(again.cosigned(&witness, at()).is_ok());
    let mut other = lines(50);
    other[10] = "another".to_owned();
    let forked = accept(Some(seen), &note(&tree(&other), 50), &public(), &proof).unwrap_err();
    assert_eq!(forked, WitnessRefusal::Forked(50));
}

#[test]
fn a_fork_an_old_copy_and_a_past_that_is_not_proved_are_refused() {
    let whole = tree(&lines(50));
    let mut other = lines(50);
    other[10] = "another".to_owned();
    let forked = tree(&other);
    let refused = |seen, tree: &Tree, size, proof: &[_]| accept(seen, &note(tree, size), &public(), proof).unwrap_err();
    assert_eq!(refused(Some(seen(&whole, 50)), &forked, 50, &[]), WitnessRefusal::Forked(50));
    let old = refused(Some(seen(&whole, 50)), &whole, 30, &[]);
    assert_eq!(old, WitnessRefusal::Older { found: 30, seen: 50 });
    for (earlier, tree) in [(20, &forked), (49, &forked)] {
        let proof = tree.consistency(earlier, 50).unwrap();
        let grown = refused(Some(seen(&whole, earlier)), tree, 50, &proof);
        assert!(matches!(grown, WitnessRefusal::NotGrown { .. }), "{grown}");
    }
    let unproved = refused(Some(seen(&whole, 20)), &whole, 50, &[]);
    assert!(matches!(unproved, WitnessRefusal::NotGrown { seen: 20, .. }), "{unproved}");
    let long = vec![whole.root(1).unwrap(); 129];
    assert_eq!(refused(None, &whole, 50, &long), WitnessRefusal::LongProof);
    // The same past up to the place where it forks.
    let proof = forked.consistency(10, 50).unwrap();
    assert!(accept(Some(seen(&whole, 10)), &note(&forked, 50), &public(), &proof).is_ok());
}

#[test]
fn a_witness_signs_what_the_log_signed_and_passes_on_nothing_else() {
    let whole = tree(&lines(50));
    let witness = key("witness.example/one", Use::Cosignatures, 9);
    let seen = seen(&whole, 50);
    let once = accept(Some(seen), &note(&whole, 50), &public(), &[]).unwrap().cosigned(&witness, at()).unwrap();
    // Shown its own cosignature and a crowd of others, it signs as if there were none.
    let crowd = "\u{2014} nobody.example AAAAAAAA\n".repeat(SIGNATURE_COUNT_MAX - 2);
    let again = accept(Some(seen), &format!("{once}{crowd}"), &public(), &[]).unwrap();
    let later = at().checked_add(jiff::SignedDuration::from_secs(60)).unwrap();
    let twice = again.cosigned(&witness, later).unwrap();
    assert_eq!(twice.lines().count(), once.lines().count());
    assert_eq!(Note::read(&twice).unwrap().cosigned_by(witness.public()), Ok(later));
    // Nobody signs as a witness with another's kind of key, or at no time.
    let refused = again.cosigned(&key("witness.example/one", Use::Notes, 9), at()).err();
    assert_eq!(refused, Some(NoteError::OtherUse("witness.example/one".to_owned())));
    let before = Timestamp::from_second(-1).unwrap();
    assert_eq!(again.cosigned(&witness, before).err(), Some(NoteError::Time));
}

#[test]
fn the_first_checkpoint_is_believed_and_the_next_ones_have_to_follow_it() {
    let whole = tree(&lines(50));
    let empty = accept(None, &note(&whole, 0), &public(), &[]).unwrap();
    assert_eq!(empty.seen, Seen { size: 0, root: Hash::of_nothing() });
    assert!(accept(Some(empty.seen), &note(&whole, 50), &public(), &[]).is_ok());
    let proof = whole.consistency(20, 50).unwrap();
    let refused = accept(None, &note(&whole, 50), &public(), &proof).unwrap_err();
    assert_eq!(refused, WitnessRefusal::NotGrown { seen: 0, source: ProofError::Length });
}

/// What a witness remembers, kept as an adapter keeps it: only in place of what was there.
#[derive(Default)]
struct Kept(Mutex<Option<Seen>>);

impl Kept {
    fn get(&self) -> Option<Seen> {
        *self.0.lock().unwrap()
    }

    fn replace(&self, was: Option<Seen>, now: Seen) -> bool {
        let mut kept = self.0.lock().unwrap();
        let is_same = *kept == was;
        if is_same {
            *kept = Some(now);
        }
        is_same
    }
}

#[test]
fn of_two_that_look_at_once_at_two_pasts_one_signs() {
    let whole = tree(&lines(50));
    let mut other = lines(50);
    other[10] = "another".to_owned();
    let forked = tree(&other);
    let kept = Kept::default();
    assert!(kept.replace(None, seen(&whole, 10)));
    // Both look before either writes down what it saw.
    let was = kept.get();
    let looked = [&whole, &forked].map(|tree| {
        let proof = tree.consistency(10, 50).unwrap();
        accept(was, &note(tree, 50), &public(), &proof).unwrap()
    });
    let written: Vec<bool> = looked.iter().map(|one| kept.replace(was, one.seen)).collect();
    assert_eq!(written, [true, false]);
    // Whoever comes second begins again, and sees the fork.
    let again = accept(kept.get(), &note(&forked, 50), &public(), &[]).unwrap_err();
    assert_eq!(again, WitnessRefusal::Forked(50));
}
