//! Roots and proofs: the published vectors, a naive referee, and proofs that are spoiled.

use breakglass_ledger::hash::Hash;
use breakglass_ledger::tree::{Tree, check_consistency, check_inclusion};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    inclusion: Vec<Inclusion>,
    consistency: Vec<Consistency>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inclusion {
    name: String,
    leaf_idx: u64,
    tree_size: u64,
    root: String,
    leaf_hash: String,
    proof: Option<Vec<String>>,
    want_err: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Consistency {
    name: String,
    size1: u64,
    size2: u64,
    root1: String,
    root2: String,
    proof: Option<Vec<String>>,
    want_err: bool,
}

/// A hash that is none is refused when it is read.
fn hashes(texts: Option<&Vec<String>>) -> Option<Vec<Hash>> {
    texts.into_iter().flatten().map(|text| Hash::read(text)).collect()
}

#[test]
fn the_published_proofs_hold_and_the_spoiled_ones_do_not() {
    let vectors: Vectors = serde_json::from_str(include_str!("../data/rfc6962/proofs.json")).unwrap();
    let (mut good, mut bad) = (0, 0);
    let mut count = |name: &str, holds: bool, want_err: bool| {
        assert_eq!(holds, !want_err, "{name}");
        if holds { good += 1 } else { bad += 1 }
    };
    for one in &vectors.inclusion {
        let holds = || {
            let (leaf, root) = (Hash::read(&one.leaf_hash)?, Hash::read(&one.root)?);
            check_inclusion(leaf, (one.leaf_idx, one.tree_size), root, &hashes(one.proof.as_ref())?).ok()
        };
        count(&one.name, holds().is_some(), one.want_err);
    }
    for one in &vectors.consistency {
        let holds = || {
            let (earlier, later) = (Hash::read(&one.root1)?, Hash::read(&one.root2)?);
            check_consistency((one.size1, earlier), (one.size2, later), &hashes(one.proof.as_ref())?).ok()
        };
        count(&one.name, holds().is_some(), one.want_err);
    }
    println!("{good} proofs hold, {bad} are refused");
    assert_eq!(good + bad, vectors.inclusion.len() + vectors.consistency.len());
    assert_eq!((good, bad), (7, 93));
}

/// The root as one would draw it: level by level, an odd one out goes up as it is.
fn naive_root(leaves: &[Hash]) -> Hash {
    let mut level = leaves.to_vec();
    if level.is_empty() {
        return Hash::of_nothing();
    }
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => Hash::of_node(*left, *right),
                other => other[0],
            })
            .collect();
    }
    level[0]
}

const SIZE_MAX: u64 = 40;

fn grown() -> (Tree, Vec<Hash>) {
    let leaves: Vec<Hash> = (0..SIZE_MAX).map(|number| Hash::of_entry(number.to_string().as_bytes())).collect();
    let mut tree = Tree::default();
    leaves.iter().for_each(|leaf| tree.push(*leaf));
    (tree, leaves)
}

#[test]
fn every_root_and_every_proof_of_small_trees_is_what_the_referee_says() {
    let (tree, leaves) = grown();
    for size in 0..=SIZE_MAX {
        let root = tree.root(size).unwrap();
        assert_eq!(root, naive_root(&leaves[..size as usize]), "{size}");
        for index in 0..size {
            let proof = tree.inclusion(index, size).unwrap();
            assert_eq!(
                check_inclusion(leaves[index as usize], (index, size), root, &proof),
                Ok(()),
                "{index} of {size}"
            );
            // Nothing else is there, and it is nowhere else.
            let other = Hash::of_entry(b"another");
            assert!(check_inclusion(other, (index, size), root, &proof).is_err());
            for elsewhere in (0..size).filter(|elsewhere| *elsewhere != index) {
                assert!(check_inclusion(leaves[index as usize], (elsewhere, size), root, &proof).is_err());
            }
        }
        assert_eq!(tree.inclusion(size, size), None);
        for earlier in 0..=size {
            let (before, proof) = (tree.root(earlier).unwrap(), tree.consistency(earlier, size).unwrap());
            assert_eq!(check_consistency((earlier, before), (size, root), &proof), Ok(()), "{earlier} to {size}");
            for wrong in (1..=size).filter(|wrong| *wrong != earlier) {
                let holds = check_consistency((wrong, before), (size, root), &proof).is_ok();
                assert!(!holds, "{earlier} to {size} as {wrong}");
            }
        }
        assert_eq!(tree.consistency(size + 1, size), None);
    }
    assert_eq!((tree.root(SIZE_MAX + 1), tree.leaf(SIZE_MAX)), (None, None));
}

#[test]
fn a_proof_with_a_hash_too_few_too_many_or_swapped_does_not_hold() {
    let (tree, leaves) = grown();
    let mut count = 0;
    for size in 1..=SIZE_MAX {
        let root = tree.root(size).unwrap();
        for at in 0..size {
            let inclusion = tree.inclusion(at, size).unwrap();
            for spoiled in spoiled(&inclusion) {
                assert!(check_inclusion(leaves[at as usize], (at, size), root, &spoiled).is_err(), "{at} of {size}");
                count += 1;
            }
            let consistency = tree.consistency(at, size).unwrap();
            for spoiled in spoiled(&consistency) {
                let before = (at, tree.root(at).unwrap());
                assert!(check_consistency(before, (size, root), &spoiled).is_err(), "{at} to {size}");
                count += 1;
            }
        }
    }
    println!("{count} spoiled proofs are refused");
    assert!(count > 10_000);
}

fn spoiled(proof: &[Hash]) -> Vec<Vec<Hash>> {
    let mut all = vec![[proof, &[Hash::of_nothing()]].concat(), [&[Hash::of_nothing()], proof].concat()];
    for at in 0..proof.len() {
        let mut short = proof.to_vec();
        let gone = short.remove(at);
        all.push(short);
        let mut other = proof.to_vec();
        other[at] = Hash::of_node(gone, gone);
        all.push(other);
        let mut swapped = proof.to_vec();
        swapped.swap(0, at);
        if at > 0 && swapped != proof {
            all.push(swapped);
        }
    }
    all
}
