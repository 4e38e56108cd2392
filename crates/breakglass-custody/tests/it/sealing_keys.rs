//! A sealing key comes back from shares of its set, and from nothing else.

use breakglass_custody::key_set::{KeySet, RecoverError, SetId};
use breakglass_custody::quorum::Quorum;
use breakglass_custody::slip39::{CombineError, Share};
use breakglass_testkit::seed_for;

use crate::referee;
use crate::support::{Dice, forged, read, words};

fn dice() -> Dice {
    Dice::new(7)
}

fn quorum(threshold: u8, count: u8) -> Quorum {
    Quorum::new(threshold, count).unwrap()
}

fn refused(set: &KeySet, texts: &[&String]) -> RecoverError {
    set.recover(&read(&texts.iter().map(|text| (*text).clone()).collect::<Vec<_>>())).err().unwrap()
}

#[test]
fn any_shares_that_are_enough_give_the_key_back_by_seed() {
    let mut dice = Dice::new(seed_for("any_shares_that_are_enough_give_the_key_back_by_seed"));
    let mut count = 0;
    for _ in 0..60 {
        let quorum = dice.quorum();
        let made = dice.split_key(quorum);
        assert_eq!(made.shares.len(), usize::from(quorum.count()));
        let mut texts: Vec<String> = made.shares.iter().map(words).collect();
        assert!(texts.iter().all(|text| text.split(' ').count() == 33));
        assert!(texts.iter().all(|text| text.starts_with(&made.set.id.to_string().replace('-', " "))));
        dice.shuffle(&mut texts);
        let have = usize::from(quorum.threshold()) + dice.below(texts.len() - usize::from(quorum.threshold()) + 1);
        let key = made.set.recover(&read(&texts[..have])).unwrap();
        assert_eq!(key.set(), &made.set);
        assert_eq!(made.set.rehearse(&read(&texts[..have])), Ok(()));
        assert!(made.set.rehearse(&read(&texts[..1])).is_err());
        count += 1;
    }
    println!("sealing keys split and recovered: {count}");
}

#[test]
fn what_is_not_enough_or_not_right_says_which() {
    let mut dice = dice();
    let made = dice.split_key(quorum(2, 3));
    let texts: Vec<String> = made.shares.iter().map(words).collect();
    let [first, second, third] = texts.as_slice() else { panic!("three shares") };
    let set = &made.set;
    assert_eq!(refused(set, &[]), CombineError::TooFew { have: 0, need: 2 }.into());
    assert_eq!(refused(set, &[third]), CombineError::TooFew { have: 1, need: 2 }.into());
    assert_eq!(refused(set, &[third, second, third]), CombineError::Twice(1, 3).into());

    let other = dice.split_key(quorum(2, 3));
    let alien = words(&other.shares[0]);
    let error = refused(set, &[first, &alien]);
    assert_eq!(error, RecoverError::OtherSet { share: 2, found: other.set.id.clone(), wanted: set.id.clone() });
    assert!(error.to_string().contains(&format!("`{}`, and `{}` is needed", other.set.id, set.id)), "{error}");
}

#[test]
fn shares_that_are_forged_open_nothing() {
    let mut dice = dice();
    let made = dice.split_key(quorum(2, 4));
    let set = &made.set;
    let right: Vec<String> = made.shares.iter().map(words).collect();
    let forged_same = forged(set, &mut dice, quorum(2, 4));
    let wrong: Vec<String> = forged_same.iter().map(words).collect();
    // A whole set of forged shares belongs together, and still is not the key.
    assert_eq!(refused(set, &[&wrong[0], &wrong[1]]), RecoverError::OtherKey(set.id.clone()));
    assert_eq!(refused(set, &[&wrong[0], &wrong[1], &wrong[3]]), RecoverError::OtherKey(set.id.clone()));
    // One of them beside a right one does not belong to it.
    assert_eq!(refused(set, &[&right[0], &wrong[1]]), CombineError::Unrelated.into());
    // Beside enough right ones it is found out.
    assert_eq!(refused(set, &[&right[0], &wrong[1], &right[2]]), RecoverError::Odd(2));
    assert_eq!(refused(set, &[&right[0], &right[1], &right[2], &wrong[3]]), RecoverError::Odd(4));
    // Two forged beside two right ones: the key is there, and who does not belong is said.
    assert_eq!(refused(set, &[&wrong[0], &wrong[1], &right[2], &right[3]]), RecoverError::Odd(1));
    // Of another threshold or with a number that the set does not have, they are none of it.
    let alien = |share: usize| RecoverError::Alien { share, set: set.id.clone() };
    let three: Vec<String> = forged(set, &mut dice, quorum(3, 4)).iter().map(words).collect();
    assert_eq!(refused(set, &[&three[0], &three[1], &three[2]]), alien(1));
    let five: Vec<String> = forged(set, &mut dice, quorum(2, 5)).iter().map(words).collect();
    assert_eq!(refused(set, &[&right[0], &five[4]]), alien(2));
}

/// Of the largest set there are 12,870 choices, and each of them would give the wrong key again.
#[test]
fn a_large_set_that_is_forged_whole_is_refused_after_one_combination() {
    let mut dice = dice();
    let set = dice.split_key(quorum(8, 16)).set;
    let wrong = forged(&set, &mut dice, quorum(8, 16));
    assert_eq!(set.recover(&wrong).err(), Some(RecoverError::OtherKey(set.id.clone())));
}

#[test]
fn shares_that_would_take_forever_are_not_begun() {
    let made = dice().split_key(quorum(2, 3));
    let slow = slow_share();
    let header = slow.header();
    assert_eq!(header.iteration_exponent, 15);
    let id = slow.with_words(|words| words.split(' ').take(2).collect::<Vec<_>>().join("-"));
    let set = KeySet { id: SetId::read(&id).unwrap(), ..made.set };
    assert_eq!(set.recover(&[slow]).err(), Some(RecoverError::Work { share: 1 }));
}

/// A share with the largest exponent, which no other than the referee writes.
fn slow_share() -> Share {
    let fields = [0, 1, 15, 0, 1, 1, 0, 2];
    Share::read(1, &referee::write(&referee::Read { fields, value: vec![7; 32] })).unwrap()
}
