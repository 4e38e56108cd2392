//! A log of a thousand entries, spoiled in every way, against its checkpoints.

use std::thread;

use breakglass_ledger::hash::Hash;
use breakglass_ledger::log::{ENTRY_BYTES_MAX, ENTRY_COUNT_MAX, LogFault, Vouched, check, entry, tree_of};
use breakglass_ledger::tree::Tree;
use breakglass_testkit::is_full;

use super::support::{checkpoint, lines, text, tree};

/// Threads of the long form.
const THREAD_COUNT: usize = 4;

const ENTRY_COUNT: usize = 1_000;

/// Every so many bits are flipped in the usual form; every single one in the long form.
const BIT_STEP: usize = 211;

#[test]
fn a_flipped_bit_is_caught_wherever_it_is() {
    let lines = lines(ENTRY_COUNT);
    let (whole, text) = (tree(&lines), text(&lines));
    let signed = checkpoint(&whole, ENTRY_COUNT as u64);
    let step = if is_full() { 1 } else { BIT_STEP };
    let bits: Vec<usize> = (0..text.len() * 8).step_by(step).collect();
    let held = std::slice::from_ref(&signed);
    let flipped = |some: &[usize]| {
        let (mut spoiled, mut lines, mut roots) = (text.clone(), 0_usize, 0_usize);
        for bit in some {
            spoiled[bit / 8] ^= 1 << (bit % 8);
            match tree_of(&spoiled) {
                Err(LogFault::Line { .. }) => lines += 1,
                Ok(tree) if check(&tree, held).is_err() => roots += 1,
                other => panic!("bit {bit}: {:?}", other.map(|tree| tree.size())),
            }
            spoiled[bit / 8] ^= 1 << (bit % 8);
        }
        (lines, roots)
    };
    let counts = thread::scope(|scope| {
        let parts = bits.chunks(bits.len().div_ceil(THREAD_COUNT));
        let threads: Vec<_> = parts.map(|part| scope.spawn(|| flipped(part))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let (lines, roots) = counts.iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    println!(
        "{} single bits of {} flipped, every one caught: {lines} make no entry of a line, {roots} give another root",
        bits.len(),
        text.len() * 8
    );
    assert_eq!(lines + roots, bits.len());
    assert!(lines > 0 && roots > 0);
    assert_eq!(check(&whole, &[signed]), Ok(Vouched { signed: ENTRY_COUNT as u64, unsigned: 0 }));
}

/// Every so many pairs of entries change places in the usual form; every single pair in the long form.
const PAIR_STEP: usize = 97;

/// Every so many entries are removed, added or followed by another past in the usual form; every single one in the long form.
const ENTRY_STEP: usize = 7;

#[test]
fn entries_that_changed_places_are_caught() {
    let lines = lines(ENTRY_COUNT);
    let whole = tree(&lines);
    let held = [checkpoint(&whole, 400), checkpoint(&whole, ENTRY_COUNT as u64)];
    let leaves: Vec<Hash> = lines.iter().map(|line| entry(line.as_bytes()).unwrap()).collect();
    let all = (0..ENTRY_COUNT).flat_map(|one| (one + 1..ENTRY_COUNT).map(move |other| (one, other)));
    let is_looked_at = |(number, (one, other)): &(usize, (usize, usize))| {
        is_full() || one + 1 == *other || number.is_multiple_of(PAIR_STEP)
    };
    let pairs: Vec<(usize, usize)> = all.enumerate().filter(is_looked_at).map(|(_, pair)| pair).collect();
    let swapped = |some: &[(usize, usize)]| {
        for (one, other) in some {
            let mut leaves = leaves.clone();
            leaves.swap(*one, *other);
            let mut tree = Tree::default();
            leaves.into_iter().for_each(|leaf| tree.push(leaf));
            let faults = check(&tree, &held).unwrap_err();
            // The older checkpoint says before which entry all is well.
            let good = if *one >= 400 { 400 } else { 0 };
            assert_eq!(faults.last(), Some(&LogFault::Changed { signed: 1_000, good }), "{one}, {other}");
            assert_eq!(faults.len(), if *one < 400 { 2 } else { 1 }, "{one}, {other}");
        }
    };
    thread::scope(|scope| {
        for part in pairs.chunks(pairs.len().div_ceil(THREAD_COUNT)) {
            scope.spawn(|| swapped(part));
        }
    });
    println!("{} pairs of entries changed places, every one caught", pairs.len());
    assert!(pairs.len() >= if is_full() { ENTRY_COUNT * (ENTRY_COUNT - 1) / 2 } else { ENTRY_COUNT });
}

#[test]
fn entries_that_are_removed_added_or_of_another_past_are_caught() {
    let lines = lines(ENTRY_COUNT);
    let whole = tree(&lines);
    let held = [checkpoint(&whole, 400), checkpoint(&whole, ENTRY_COUNT as u64)];
    let of = |lines: &[String]| check(&tree(lines), &held);
    let step = if is_full() { 1 } else { ENTRY_STEP };
    let mut count = 0;
    for at in (0..ENTRY_COUNT).step_by(step) {
        let mut removed = lines.clone();
        removed.remove(at);
        assert!(of(&removed).unwrap_err().contains(&LogFault::Truncated { found: 999, signed: 1_000 }), "{at}");
        let mut added = lines.clone();
        // Behind the last line the same once more would be a longer log, which is none that was changed.
        added.insert(at, if at + 1 == ENTRY_COUNT { "another".to_owned() } else { lines[at].clone() });
        assert!(of(&added).is_err(), "{at}");
        // Another past from here on, as long and longer.
        for end in [ENTRY_COUNT, ENTRY_COUNT + 5] {
            let mut forked = lines[..at].to_vec();
            forked.extend((at..end).map(|number| format!("another {number}")));
            let good = if at >= 400 { 400 } else { 0 };
            assert!(of(&forked).unwrap_err().contains(&LogFault::Changed { signed: 1_000, good }), "{at}, {end}");
        }
        let faults = of(&lines[..at]).unwrap_err();
        assert!(faults.contains(&LogFault::Truncated { found: at as u64, signed: 1_000 }), "{at}");
        count += 1;
    }
    println!("{count} entries removed, added, cut off behind, and followed by another past: every one caught");
    let mut longer = lines.clone();
    longer.push("behind the last checkpoint".to_owned());
    assert_eq!(of(&longer), Ok(Vouched { signed: 1_000, unsigned: 1 }));
}

#[test]
fn what_is_no_line_is_told_by_its_number() {
    let told = |text: &[u8]| tree_of(text).map(|tree| tree.size()).map_err(|fault| fault.to_string());
    assert_eq!(told(b""), Ok(0));
    assert_eq!(told(b"a\nb\n"), Ok(2));
    assert_eq!(told(b"a\nb"), Err("line 2 of the log is no entry: it does not end".to_owned()));
    assert_eq!(told(b"a\n\nb\n"), Err("line 2 of the log is no entry: it is empty".to_owned()));
    assert_eq!(told(b"\n"), Err("line 1 of the log is no entry: it is empty".to_owned()));
    assert_eq!(told(b"a\r\n"), Err("line 1 of the log is no entry: it has control characters".to_owned()));
    assert_eq!(told(b"a\x7f\n"), Err("line 1 of the log is no entry: it has control characters".to_owned()));
    assert_eq!(told(b"a\xc2\x9b\n"), Err("line 1 of the log is no entry: it has control characters".to_owned()));
    assert_eq!(told(b"a\nb\xff\n"), Err("line 2 of the log is no entry: it is no text in UTF-8".to_owned()));
    let most = [vec![b'x'; ENTRY_BYTES_MAX], b"\n".to_vec()].concat();
    assert_eq!(told(&most), Ok(1));
    let long = [vec![b'x'; ENTRY_BYTES_MAX + 1], b"\n".to_vec()].concat();
    assert_eq!(told(&long), Err("line 1 of the log is no entry: it is too long".to_owned()));
}

#[test]
fn one_entry_more_than_a_log_has_is_refused() {
    let most = usize::try_from(ENTRY_COUNT_MAX).unwrap();
    let mut text = b"a\n".repeat(most);
    assert_eq!(tree_of(&text).map(|tree| tree.size()), Ok(ENTRY_COUNT_MAX));
    text.extend(b"a\n");
    assert_eq!(tree_of(&text), Err(LogFault::Long));
}

#[test]
fn a_log_that_signed_two_pasts_is_told_so() {
    let whole = tree(&lines(50));
    let mut other = lines(50);
    other[10] = "another".to_owned();
    let forked = tree(&other);
    let held = [checkpoint(&whole, 5), checkpoint(&whole, 50), checkpoint(&forked, 50), checkpoint(&whole, 50)];
    // Of the two one is what is there; of a third past neither is.
    assert_eq!(check(&whole, &held), Err(vec![LogFault::Forked(50)]));
    assert_eq!(check(&forked, &held), Err(vec![LogFault::Forked(50)]));
    other[20] = "a third".to_owned();
    let third = check(&tree(&other), &held);
    assert_eq!(third, Err(vec![LogFault::Changed { signed: 50, good: 5 }, LogFault::Forked(50)]));
    assert_eq!(check(&whole, &[]), Ok(Vouched { signed: 0, unsigned: 50 }));
}

#[test]
fn faults_are_told_in_words() {
    for (fault, words) in [
        (LogFault::Changed { signed: 9, good: 0 }, "one of them was changed"),
        (LogFault::Changed { signed: 9, good: 4 }, "one of the entries 5 to 9 was changed"),
        (LogFault::Truncated { found: 3, signed: 9 }, "has 3 entries, and a checkpoint was signed of 9"),
    ] {
        assert!(fault.to_string().contains(words), "{fault}");
    }
}
