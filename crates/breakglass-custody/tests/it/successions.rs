//! The succession of sets: everything that can happen to two of them, in every order, against plain facts; and in the long
//! form to three.

use std::collections::BTreeSet;

use breakglass_custody::fingerprint::Fingerprint;
use breakglass_custody::key_set::{KeySet, RecoverError};
use breakglass_custody::quorum::Quorum;
use breakglass_custody::sealing_key::SplitKey;
use breakglass_custody::succession::{
    SET_COUNT_MAX, SealableError, SetEvent, SetStanding, Spent, Succession, SuccessionError,
};
use breakglass_testkit::is_full;

use crate::support::{Dice, forged};

const SET_COUNT: usize = 3;
const SHARE_COUNT: u8 = 3;

fn split_keys(seed: u64) -> Vec<SplitKey> {
    let mut dice = Dice::new(seed);
    (0..SET_COUNT).map(|_| dice.split_key(Quorum::new(2, SHARE_COUNT).unwrap())).collect()
}

fn name(set: &KeySet) -> Fingerprint {
    set.recipient.fingerprint()
}

/// What is known of a set without thinking.
#[derive(Debug, Clone, Default)]
struct Facts {
    is_made: bool,
    is_sealed_to: bool,
    is_spent: bool,
    is_dead: bool,
    acknowledged: BTreeSet<u8>,
    rehearsed: BTreeSet<u8>,
}

impl Facts {
    fn may_be_sealed_to(&self) -> bool {
        let all = usize::from(SHARE_COUNT);
        self.is_made && !self.is_spent && !self.is_dead && self.acknowledged.len() == all && self.rehearsed.len() == all
    }
}

/// Everything that can happen, and with what it would be sealed to.
fn events(sets: &[KeySet]) -> Vec<(usize, SetEvent)> {
    let mut all = Vec::new();
    for (at, set) in sets.iter().enumerate() {
        let set_name = name(set);
        let mut push = |event| all.push((at, event));
        push(SetEvent::Made(set.clone()));
        for share in 1..=SHARE_COUNT {
            push(SetEvent::Acknowledged { set: set_name, share });
            let shares = (1..=SHARE_COUNT).filter(|other| *other != share).collect();
            push(SetEvent::Rehearsed { set: set_name, shares });
        }
        push(SetEvent::Rehearsed { set: set_name, shares: (1..=SHARE_COUNT).collect() });
        push(SetEvent::Sealed(set_name));
        push(SetEvent::Opened(set_name));
        push(SetEvent::Retired(set_name));
        push(SetEvent::Died(set_name));
    }
    all
}

fn take(facts: &mut Facts, event: &SetEvent) {
    match event {
        SetEvent::Made(_) => facts.is_made = true,
        SetEvent::Acknowledged { share, .. } => drop(facts.acknowledged.insert(*share)),
        SetEvent::Rehearsed { shares, .. } => facts.rehearsed.extend(shares),
        SetEvent::Sealed(_) => facts.is_sealed_to = true,
        SetEvent::Opened(_) | SetEvent::Retired(_) => facts.is_spent = true,
        SetEvent::Died(_) => facts.is_dead = true,
    }
}

/// What holds of every succession, by the facts; `last` was sealed to last.
fn hold(succession: &Succession, sets: &[KeySet], facts: &[Facts], last: Option<usize>) {
    let said = succession.sealable().ok().map(|set| sets.iter().position(|other| other == set).unwrap());
    if let Some(at) = said {
        assert!(facts[at].may_be_sealed_to(), "{at}: {facts:?}");
    }
    // The current one is not left without a reason.
    if let Some(last) = last.filter(|last| !facts[*last].is_spent) {
        assert_eq!(said, Some(last), "{facts:?}");
    }
    // Where one could be sealed to there is one.
    let is_there = facts.iter().any(|facts| facts.may_be_sealed_to() && !facts.is_sealed_to);
    assert!(!is_there || said.is_some(), "{facts:?}");
    // Shares are kept of whatever something was sealed to.
    let needed: Vec<&KeySet> = succession.needed().collect();
    for (set, facts) in sets.iter().zip(facts) {
        assert_eq!(needed.contains(&set), facts.is_sealed_to && !facts.is_dead, "{facts:?}");
    }
    let with = |wanted| {
        let standings = sets.iter().filter_map(|set| succession.standing(name(set)));
        standings.filter(|(standing, _)| *standing == wanted).count()
    };
    assert!(with(SetStanding::Next) <= 1 && with(SetStanding::Current) <= 1);
}

#[test]
fn nothing_is_sealed_to_a_set_that_was_opened_or_is_not_in_every_hand() {
    let sets: Vec<KeySet> = split_keys(1).into_iter().map(|split| split.set).collect();
    let sets = if is_full() { sets.as_slice() } else { &sets[..2] };
    let events = events(sets);
    let first = (Succession::default(), vec![Facts::default(); sets.len()], None);
    let (mut seen, mut left) = (BTreeSet::new(), vec![first]);
    let (mut taken, mut refused) = (0, 0);
    while let Some((succession, facts, last)) = left.pop() {
        if !seen.insert(format!("{succession:?}{facts:?}{last:?}")) {
            continue;
        }
        hold(&succession, sets, &facts, last);
        for (at, event) in &events {
            let mut after = succession.clone();
            if after.take(event).is_err() {
                assert_eq!(after, succession, "{event:?}");
                refused += 1;
                continue;
            }
            taken += 1;
            let mut facts = facts.clone();
            take(&mut facts[*at], event);
            let last = if matches!(event, SetEvent::Sealed(_)) { Some(*at) } else { last };
            left.push((after, facts, last));
        }
    }
    println!("{} successions of {} sets: {taken} events taken, {refused} refused", seen.len(), sets.len());
    assert!(seen.len() > 1_000 && taken > 1_000 && refused > 1_000);
}

/// A set all of whose shares were acknowledged and rehearsed.
fn ready(split: &SplitKey) -> Vec<SetEvent> {
    let acknowledged = split.shares.iter().map(|share| SetEvent::acknowledged(&split.set, share).unwrap());
    [SetEvent::Made(split.set.clone())]
        .into_iter()
        .chain(acknowledged)
        .chain([SetEvent::rehearsed(&split.set, &split.shares).unwrap()])
        .collect()
}

#[test]
fn a_used_set_gives_way_to_the_next_and_dies_when_nothing_needs_it() {
    let keys = split_keys(2);
    let [old, new] = [name(&keys[0].set), name(&keys[1].set)];
    let mut succession = Succession::of(&ready(&keys[0])).unwrap();
    assert_eq!(succession.sealable(), Ok(&keys[0].set), "the first one");
    succession.take(&SetEvent::Sealed(old)).unwrap();
    for event in ready(&keys[1]) {
        succession.take(&event).unwrap();
    }
    assert_eq!(succession.sealable(), Ok(&keys[0].set), "it was not used");
    assert_eq!(succession.next(), Some((&keys[1].set, Ok(()))));
    succession.take(&SetEvent::Opened(old)).unwrap();
    assert_eq!(succession.sealable(), Ok(&keys[1].set));
    assert_eq!(succession.take(&SetEvent::Died(old)), Err(SuccessionError::Needed(keys[0].set.id.clone())));
    succession.take(&SetEvent::Sealed(new)).unwrap();
    assert_eq!(succession.standing(old), Some((SetStanding::Former, Some(Spent::Opened))));
    // The other account's password is sealed to it still.
    assert_eq!(succession.needed().collect::<Vec<_>>(), [&keys[0].set, &keys[1].set]);
    succession.take(&SetEvent::Died(old)).unwrap();
    assert_eq!(succession.needed().collect::<Vec<_>>(), [&keys[1].set]);
    assert_eq!(succession.take(&SetEvent::Sealed(old)), Err(SuccessionError::NotSealable(keys[0].set.id.clone())));
    // Somebody had kept its shares, and that is written down.
    succession.take(&SetEvent::Opened(old)).unwrap();
    assert_eq!(succession.standing(old), Some((SetStanding::Dead, Some(Spent::Opened))));
}

#[test]
fn a_custodian_who_left_takes_both_sets_along() {
    let keys = split_keys(3);
    let mut succession = Succession::of(&ready(&keys[0])).unwrap();
    succession.take(&SetEvent::Sealed(name(&keys[0].set))).unwrap();
    for event in ready(&keys[1]) {
        succession.take(&event).unwrap();
    }
    for set in [&keys[0].set, &keys[1].set] {
        succession.take(&SetEvent::Retired(name(set))).unwrap();
    }
    assert_eq!(succession.sealable(), Err(SealableError::None));
    assert_eq!(succession.standing(name(&keys[1].set)), Some((SetStanding::Dead, Some(Spent::Retired))));
    assert_eq!(succession.needed().collect::<Vec<_>>(), [&keys[0].set], "it opens what is sealed until then");
    for event in ready(&keys[2]) {
        succession.take(&event).unwrap();
    }
    assert_eq!(succession.sealable(), Ok(&keys[2].set));
}

#[test]
fn what_is_missing_is_told_share_by_share() {
    let keys = split_keys(4);
    let SplitKey { set, shares } = &keys[0];
    let mut succession = Succession::default();
    assert!(succession.sealable().unwrap_err().to_string().contains("make a new one"));
    succession.take(&SetEvent::Made(set.clone())).unwrap();
    let mut told = |event: Option<SetEvent>| {
        event.iter().for_each(|event| succession.take(event).unwrap());
        succession
            .sealable()
            .map(|_| ())
            .map_err(|error| error.to_string().split_once("not ready: ").unwrap().1.to_owned())
    };
    let error = |text: &str| Err(text.to_owned());
    assert_eq!(told(None), error("shares to be delivered and acknowledged: 1, 2, 3; shares to be rehearsed: 1, 2, 3"));
    for share in &shares[..2] {
        let _ = told(Some(SetEvent::acknowledged(set, share).unwrap()));
    }
    assert_eq!(told(None), error("shares to be delivered and acknowledged: 3; shares to be rehearsed: 1, 2, 3"));
    let some = |event: Result<SetEvent, RecoverError>| Some(event.unwrap());
    assert_eq!(
        told(some(SetEvent::rehearsed(set, &shares[..2]))),
        error("shares to be delivered and acknowledged: 3; shares to be rehearsed: 3")
    );
    assert_eq!(told(some(SetEvent::acknowledged(set, &shares[2]))), error("shares to be rehearsed: 3"));
    assert_eq!(told(some(SetEvent::rehearsed(set, &shares[1..]))), Ok(()));
}

#[test]
fn only_a_share_that_proves_good_is_rehearsed() {
    let keys = split_keys(5);
    let mut dice = Dice::new(6);
    let set = &keys[0].set;
    let others = forged(set, &mut dice, set.quorum);
    // One alone looks as if it were of the set; together they do not give its key.
    assert!(SetEvent::acknowledged(set, &others[0]).is_ok());
    assert!(SetEvent::rehearsed(set, &others).is_err());
    assert!(SetEvent::rehearsed(set, &keys[0].shares[..1]).is_err());
    assert!(matches!(SetEvent::acknowledged(set, &keys[1].shares[0]), Err(RecoverError::OtherSet { .. })));
}

#[test]
fn what_cannot_be_is_refused() {
    let keys = split_keys(7);
    let (set, other) = (&keys[0].set, &keys[1].set);
    let (id, fingerprint) = (|| set.id.clone(), name(set));
    let rehearsed = |shares: &[u8]| SetEvent::Rehearsed { set: fingerprint, shares: shares.iter().copied().collect() };
    let mut succession = Succession::of(&[SetEvent::Made(set.clone())]).unwrap();
    for share in [1, 2] {
        succession.take(&SetEvent::Acknowledged { set: fingerprint, share }).unwrap();
    }
    for (event, error) in [
        (SetEvent::Made(set.clone()), SuccessionError::Twice(id())),
        (SetEvent::Made(other.clone()), SuccessionError::NextThere(id())),
        (SetEvent::Sealed(name(other)), SuccessionError::Unknown(name(other))),
        (SetEvent::Opened(name(other)), SuccessionError::Unknown(name(other))),
        (SetEvent::Sealed(fingerprint), SuccessionError::NotSealable(id())),
        (SetEvent::Died(fingerprint), SuccessionError::Needed(id())),
        (SetEvent::Acknowledged { set: fingerprint, share: 0 }, SuccessionError::NoShare { set: id(), share: 0 }),
        (SetEvent::Acknowledged { set: fingerprint, share: 4 }, SuccessionError::NoShare { set: id(), share: 4 }),
        (rehearsed(&[1, 4]), SuccessionError::NoShare { set: id(), share: 4 }),
        (rehearsed(&[]), SuccessionError::TooFew { set: id(), have: 0, need: 2 }),
        // One share twice is one.
        (rehearsed(&[1, 1]), SuccessionError::TooFew { set: id(), have: 1, need: 2 }),
        (rehearsed(&[1, 3]), SuccessionError::Unacknowledged { set: id(), share: 3 }),
    ] {
        assert_eq!(succession.take(&event), Err(error), "{event:?}");
    }
    succession.take(&SetEvent::Retired(fingerprint)).unwrap();
    for event in
        [SetEvent::Acknowledged { set: fingerprint, share: 3 }, rehearsed(&[1, 2]), SetEvent::Died(fingerprint)]
    {
        assert_eq!(succession.take(&event), Err(SuccessionError::Dead(id())), "{event:?}");
    }
}

#[test]
fn there_are_no_more_sets_than_the_limit() {
    let mut dice = Dice::new(8);
    let quorum = Quorum::new(2, 3).unwrap();
    let id = dice.split_key(quorum).set.id;
    let mut succession = Succession::default();
    let mut made = |dice: &mut Dice| {
        let recipient = breakglass_custody::sealing_key::SealingKey::generate(dice.fill()).unwrap().recipient();
        let set = KeySet { id: id.clone(), quorum, recipient };
        succession.take(&SetEvent::Made(set.clone())).map(|()| succession.take(&SetEvent::Retired(name(&set))).unwrap())
    };
    for _ in 0..SET_COUNT_MAX {
        assert_eq!(made(&mut dice), Ok(()));
    }
    assert_eq!(made(&mut dice), Err(SuccessionError::Many));
}
