//! The tree over the entries, and its two proofs: that an entry is in it, and that a later tree only grew.
//!
//! **Limit:** [`PROOF_HASH_COUNT_MAX`].
//! **Source:** RFC 6962, sections 2.1.1 and 2.1.2; verification as in RFC 9162, sections 2.1.3.2 and 2.1.4.2.

use crate::hash::Hash;

/// Hashes of the longest proof: two for each level of the largest tree that a size can say.
pub const PROOF_HASH_COUNT_MAX: usize = 128;

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The sizes do not go together.
    #[error("the sizes do not go together")]
    Sizes,
    /// It has too few or too many hashes.
    #[error("it is too long or too short for trees of these sizes")]
    Length,
    /// It leads to another root.
    #[error("it leads to another root")]
    Root,
}

/// The tree over entries of which the hashes are there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    leaves: Vec<Hash>,
}

impl Tree {
    /// One more entry at its end.
    pub fn push(&mut self, leaf: Hash) {
        self.leaves.push(leaf);
    }

    /// Entries.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// The hash of an entry.
    #[must_use]
    pub fn leaf(&self, index: u64) -> Option<Hash> {
        self.leaves.get(usize::try_from(index).ok()?).copied()
    }

    /// The root over the first so many entries; `None` if there are fewer.
    #[must_use]
    pub fn root(&self, size: u64) -> Option<Hash> {
        Some(root_of(self.first(size)?))
    }

    /// Proof that an entry is among the first so many; `None` if it is not.
    #[must_use]
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        let leaves = self.first(size)?;
        let index = usize::try_from(index).ok().filter(|index| *index < leaves.len())?;
        Some(path(index, leaves))
    }

    /// Proof that the tree of `later` entries is the one of `earlier` and more; `None` if there are fewer.
    #[must_use]
    pub fn consistency(&self, earlier: u64, later: u64) -> Option<Vec<Hash>> {
        let leaves = self.first(later)?;
        let earlier = usize::try_from(earlier).ok().filter(|earlier| *earlier <= leaves.len())?;
        Some(if earlier == 0 || earlier == leaves.len() { Vec::new() } else { grown(earlier, leaves, true) })
    }

    fn first(&self, size: u64) -> Option<&[Hash]> {
        self.leaves.get(..usize::try_from(size).ok()?)
    }
}

/// Where a tree of several leaves divides: at the largest power of two below their number.
const fn split_of(count: usize) -> usize {
    count.next_power_of_two() / 2
}

fn root_of(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::of_nothing(),
        [one] => *one,
        many => {
            let (left, right) = many.split_at(split_of(many.len()));
            Hash::of_node(root_of(left), root_of(right))
        }
    }
}

/// `PATH` of the RFC.
fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let split = split_of(leaves.len());
    let (left, right) = leaves.split_at(split);
    let (mut below, beside) =
        if index < split { (path(index, left), root_of(right)) } else { (path(index - split, right), root_of(left)) };
    below.push(beside);
    below
}

/// `SUBPROOF` of the RFC.
fn grown(earlier: usize, leaves: &[Hash], is_known: bool) -> Vec<Hash> {
    if earlier == leaves.len() {
        return if is_known { Vec::new() } else { vec![root_of(leaves)] };
    }
    let split = split_of(leaves.len());
    let (left, right) = leaves.split_at(split);
    let (mut below, beside) = if earlier <= split {
        (grown(earlier, left, is_known), root_of(right))
    } else {
        (grown(earlier - split, right, false), root_of(left))
    };
    below.push(beside);
    below
}

/// Whether an entry is in a tree, by a proof of somebody who has it.
///
/// # Errors
/// It is not, for all that the proof says.
pub fn check_inclusion(leaf: Hash, (index, size): (u64, u64), root: Hash, proof: &[Hash]) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Sizes);
    }
    let (mut at, mut last, mut reached) = (index, size - 1, leaf);
    for beside in proof {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if at % 2 == 1 || at == last {
            reached = Hash::of_node(*beside, reached);
            while at % 2 == 0 && at != 0 {
                (at, last) = (at / 2, last / 2);
            }
        } else {
            reached = Hash::of_node(reached, *beside);
        }
        (at, last) = (at / 2, last / 2);
    }
    match (last, reached == root) {
        (0, true) => Ok(()),
        (0, false) => Err(ProofError::Root),
        _ => Err(ProofError::Length),
    }
}

/// Whether a later tree is an earlier one and more, by a proof of somebody who has both. A tree of no entries is the
/// beginning of every other, and a tree of itself; both without a proof.
///
/// # Errors
/// It is not, for all that the proof says.
pub fn check_consistency(
    (earlier, earlier_root): (u64, Hash),
    (later, later_root): (u64, Hash),
    proof: &[Hash],
) -> Result<(), ProofError> {
    if earlier > later {
        return Err(ProofError::Sizes);
    }
    if earlier == later || earlier == 0 {
        let is_as_it_was = if earlier == 0 { earlier_root == Hash::of_nothing() } else { earlier_root == later_root };
        let is_same = is_as_it_was && (later > 0 || later_root == Hash::of_nothing());
        return match (proof.is_empty(), is_same) {
            (true, true) => Ok(()),
            (true, false) => Err(ProofError::Root),
            (false, _) => Err(ProofError::Length),
        };
    }
    // A whole left half is its own first hash.
    let (mut at, mut last) = (earlier - 1, later - 1);
    while at % 2 == 1 {
        (at, last) = (at / 2, last / 2);
    }
    let (first, rest) = match (at, proof) {
        (0, proof) => (earlier_root, proof),
        (_, [first, rest @ ..]) => (*first, rest),
        (_, []) => return Err(ProofError::Length),
    };
    let (mut of_earlier, mut of_later) = (first, first);
    for beside in rest {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if at % 2 == 1 || at == last {
            of_earlier = Hash::of_node(*beside, of_earlier);
            of_later = Hash::of_node(*beside, of_later);
            while at % 2 == 0 && at != 0 {
                (at, last) = (at / 2, last / 2);
            }
        } else {
            of_later = Hash::of_node(of_later, *beside);
        }
        (at, last) = (at / 2, last / 2);
    }
    match (last, of_earlier == earlier_root && of_later == later_root) {
        (0, true) => Ok(()),
        (0, false) => Err(ProofError::Root),
        _ => Err(ProofError::Length),
    }
}
