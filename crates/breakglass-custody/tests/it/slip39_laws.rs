//! Laws of splitting and combining, over random shares: the referee agrees, and nothing that is wrong combines.

use breakglass_custody::quorum::Quorum;
use breakglass_custody::slip39::{Share, combine, split};
use breakglass_testkit::{is_full, seed_for};

use crate::referee;
use crate::support::{Dice, words};

/// Sets of shares that are compared with the referee.
const SET_COUNT: usize = 60;
const SET_COUNT_FULL: usize = 1_000;

/// Wrong combinations that go through the combiner.
const WRONG_COUNT: usize = 100_000;
const WRONG_COUNT_FULL: usize = 1_000_000;

fn ours(texts: &[String], passphrase: &[u8]) -> Option<Vec<u8>> {
    let shares: Result<Vec<Share>, _> = (1..).zip(texts).map(|(number, text)| Share::read(number, text)).collect();
    let shares = shares.ok()?;
    combine(&shares.iter().collect::<Vec<_>>(), passphrase).ok().map(|secret| secret.to_vec())
}

#[test]
fn the_referee_has_the_same_secret_and_refuses_the_same_by_seed() {
    let mut dice = Dice::new(seed_for("the_referee_has_the_same_secret_and_refuses_the_same_by_seed"));
    let (mut combined, mut refused) = (0, 0);
    for _ in 0..if is_full() { SET_COUNT_FULL } else { SET_COUNT } {
        let mut secret = vec![0; 2 * (8 + dice.below(25))];
        dice.fill()(&mut secret).unwrap();
        let quorum = dice.quorum();
        let mut texts: Vec<String> = split(&secret, quorum, dice.fill()).unwrap().iter().map(words).collect();
        dice.shuffle(&mut texts);
        let mut chosen = texts[..usize::from(quorum.threshold())].to_vec();
        assert_eq!(ours(&chosen, b""), Some(secret), "{quorum}");
        spoil(&mut dice, &texts, &mut chosen);
        let answer = ours(&chosen, b"");
        assert_eq!(answer, referee::combined(&chosen, b""), "{chosen:?}");
        *(if answer.is_some() { &mut combined } else { &mut refused }) += 1;
    }
    println!("compared with the referee: {combined} combined, {refused} refused");
    assert!(combined > 0 && refused > 0);
}

/// Does something to shares after which they often do not combine.
fn spoil(dice: &mut Dice, all: &[String], chosen: &mut Vec<String>) {
    let place = dice.below(chosen.len());
    match dice.below(6) {
        0 => drop(chosen.remove(place)),
        1 => chosen.push(all[dice.below(all.len())].clone()),
        2 => chosen[place] = all[dice.below(all.len())].clone(),
        3 => {
            let mut words: Vec<&str> = chosen[place].split(' ').collect();
            let list = referee::list();
            let word = dice.below(words.len());
            words[word] = list[dice.below(list.len())];
            chosen[place] = words.join(" ");
        }
        // One field or byte is another, with a checksum that holds.
        4 => {
            let mut share = referee::read(&chosen[place]).unwrap();
            let field = [0, 1, 3, 6, 7][dice.below(5)];
            share.fields[field] ^= 1;
            share.fields[7] = share.fields[7].max(1);
            chosen[place] = referee::write(&share);
        }
        _ => {}
    }
}

/// A set as it was made, and another one that has its name, threshold and size, and another secret.
struct Sets {
    quorum: Quorum,
    right: Vec<Share>,
    other: Vec<Share>,
}

fn sets(dice: &mut Dice) -> Sets {
    let quorum = dice.quorum();
    let need = usize::from(quorum.threshold());
    let mut secret = vec![0; 32];
    dice.fill()(&mut secret).unwrap();
    let right = split(&secret, quorum, dice.fill()).unwrap();
    let other_secret: Vec<u8> = secret.iter().map(|byte| byte ^ 0x5a).collect();
    let other = split(&other_secret, quorum, dice.fill()).unwrap();
    let named = |share: &Share| {
        let mut share = referee::read(&words(share)).unwrap();
        share.fields[0] = u32::from(right[0].header().identifier);
        Share::read(1, &referee::write(&share)).unwrap()
    };
    let other: Vec<Share> = other.iter().map(named).collect();
    let combined = |shares: &[Share]| combine(&shares.iter().take(need).collect::<Vec<_>>(), b"").unwrap().to_vec();
    assert_eq!((combined(&right), combined(&other)), (secret, other_secret));
    Sets { quorum, right, other }
}

/// In which way shares are wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    TooFew,
    Twice,
    Mixed,
    Flipped,
    Forged,
    /// Another word of the header: the identifier, whether it can be extended, the exponent, the member's number, or how many
    /// members are needed.
    Header,
}

const KINDS: [Wrong; 6] = [Wrong::TooFew, Wrong::Twice, Wrong::Mixed, Wrong::Flipped, Wrong::Forged, Wrong::Header];

/// A share with another value or header, and a checksum that holds.
fn changed(dice: &mut Dice, share: &Share, kind: Wrong) -> Share {
    let mut share = referee::read(&words(share)).unwrap();
    if kind == Wrong::Flipped {
        let bit = dice.below(256);
        share.value[bit / 8] ^= 1 << (bit % 8);
    } else if kind == Wrong::Header {
        let field = [0, 1, 2, 6, 7][dice.below(5)];
        share.fields[field] ^= 1;
    } else {
        dice.fill()(&mut share.value).unwrap();
    }
    Share::read(1, &referee::write(&share)).unwrap()
}

/// Hands shares to the combiner that are wrong in one way, as far as anybody can make them look right.
fn is_refused(dice: &mut Dice, sets: &Sets, kind: Wrong) -> bool {
    let need = usize::from(sets.quorum.threshold());
    let mut places: Vec<usize> = (0..sets.right.len()).collect();
    dice.shuffle(&mut places);
    places.truncate(need);
    let mut shares: Vec<&Share> = places.iter().map(|place| &sets.right[*place]).collect();
    let at = dice.below(need);
    let made;
    match kind {
        Wrong::TooFew => drop(shares.drain(dice.below(need)..)),
        Wrong::Twice => shares[at] = shares[(at + 1) % need],
        Wrong::Mixed => shares[at] = &sets.other[places[at]],
        Wrong::Flipped | Wrong::Forged | Wrong::Header => {
            made = changed(dice, shares[at], kind);
            shares[at] = &made;
        }
    }
    combine(&shares, b"").is_err()
}

#[test]
fn nothing_that_is_wrong_combines_by_seed() {
    let mut dice = Dice::new(seed_for("nothing_that_is_wrong_combines_by_seed"));
    let count = if is_full() { WRONG_COUNT_FULL } else { WRONG_COUNT };
    let mut counts = [0; KINDS.len()];
    let mut made = sets(&mut dice);
    for number in 0..count {
        // Making shares anew takes as long as combining a hundred of them.
        if number % 1_000 == 0 {
            made = sets(&mut dice);
        }
        let kind = number % KINDS.len();
        assert!(is_refused(&mut dice, &made, KINDS[kind]), "{:?} combined", KINDS[kind]);
        counts[kind] += 1;
    }
    for (kind, count) in KINDS.iter().zip(counts) {
        println!("refused by the combiner, {kind:?}: {count}");
    }
    println!("refused by the combiner: {count}, combined: 0");
}
