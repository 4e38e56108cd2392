//! What checking proofs promises of any sizes and hashes: of a tree that is there only its own proof holds, and of nothing
//! anything.

use breakglass_ledger::hash::Hash;
use breakglass_ledger::tree::{Tree, check_consistency, check_inclusion};

/// Entries of the largest tree that is made.
const SIZE_MAX: u64 = 64;

/// Hashes that are put into a proof.
const HASH_COUNT_MAX: usize = 200;

/// Checks it for some bytes: two numbers of eight bytes each, then a hash for each byte.
pub(crate) fn hold(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first_chunk::<8>() else { return };
    let Some((second, picks)) = rest.split_first_chunk::<8>() else { return };
    let (first, second) = (u64::from_le_bytes(*first), u64::from_le_bytes(*second));
    let picks = picks.get(..HASH_COUNT_MAX).unwrap_or(picks);
    hold_nothing((first, second), picks);
    let size = second % (SIZE_MAX + 1);
    let mut tree = Tree::default();
    (0..size).for_each(|number| tree.push(Hash::of_entry(&number.to_le_bytes())));
    hold_tree(&tree, first % (SIZE_MAX + 2), picks);
}

/// Whatever the sizes are: of hashes that have nothing to do with each other nothing is proved.
fn hold_nothing((first, second): (u64, u64), picks: &[u8]) {
    let proof: Vec<Hash> = picks.iter().map(|pick| Hash::of_entry(&[*pick])).collect();
    let (leaf, root) = (Hash::of_entry(b"a leaf"), Hash::of_entry(b"a root"));
    assert!(check_inclusion(leaf, (first, second), root, &proof).is_err());
    assert!(check_consistency((first, leaf), (second, root), &proof).is_err());
}

fn hold_tree(tree: &Tree, at: u64, picks: &[u8]) {
    let size = tree.size();
    let root = tree.root(size).expect("it is there");
    let own = tree.inclusion(at, size);
    assert_eq!(own.is_some(), at < size);
    let leaf = tree.leaf(at).unwrap_or_else(Hash::of_nothing);
    let proof = picked(own.as_deref().unwrap_or_default(), picks);
    let holds = check_inclusion(leaf, (at, size), root, &proof).is_ok();
    assert_eq!(holds, own == Some(proof), "inclusion of {at} in {size}");

    let own = tree.consistency(at, size);
    assert_eq!(own.is_some(), at <= size);
    let before = tree.root(at).unwrap_or_else(Hash::of_nothing);
    let proof = picked(own.as_deref().unwrap_or_default(), picks);
    let holds = check_consistency((at, before), (size, root), &proof).is_ok();
    assert_eq!(holds, own == Some(proof), "{at} to {size}");
}

/// The proof as it is where a byte is its place or there is none; others where it is not.
fn picked(own: &[Hash], picks: &[u8]) -> Vec<Hash> {
    if picks.is_empty() {
        return own.to_vec();
    }
    let pick = |pick: &u8| own.get(usize::from(*pick)).copied().unwrap_or_else(|| Hash::of_entry(&[*pick]));
    picks.iter().map(pick).collect()
}
