//! Combining shares into the secret again, by the rules of the standard: exactly as many as are needed, all of one set.
//!
//! **Invariant:** whatever the shares are, the answer is the secret of a set whose digest fits, or an error. Whether it
//! is the secret that somebody is looking for, the digest does not say.
//! **Source:** SLIP-0039, "Combining the shares".

use std::collections::BTreeMap;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::cipher::{self, Settings};
use super::digest::{self, DIGEST_AT, SECRET_AT};
use super::polynomial::{Point, interpolated};
use super::share::{Header, Share};

/// Why shares do not give a secret. Numbers are those of the order in which the shares were handed in, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CombineError {
    /// There are none.
    #[error("there are no shares")]
    None,
    /// One is of another set than the first.
    #[error(
        "share {0} is of another set than share 1: compare the first two words of each; they are the same for a set"
    )]
    OtherSet(usize),
    /// Two of them are one.
    #[error("shares {0} and {1} are the same share of the set; another one is needed in place of one of them")]
    Twice(usize, usize),
    /// There are fewer than are needed.
    #[error("{have} of the {need} shares that are needed are here")]
    TooFew {
        /// How many there are.
        have: usize,
        /// How many are needed.
        need: usize,
    },
    /// There are more than are needed.
    #[error("{have} shares are here, and exactly {need} are needed; leave the others away")]
    TooMany {
        /// How many there are.
        have: usize,
        /// How many are needed.
        need: usize,
    },
    /// Groups of shares are missing or too many.
    #[error("shares of {have} groups are here, and of exactly {need} they are needed")]
    Groups {
        /// Groups that there are.
        have: usize,
        /// Groups that are needed.
        need: usize,
    },
    /// They do not belong together.
    #[error("the shares do not belong together: at least one is not what was written when the set was made")]
    Unrelated,
}

/// Combines shares into the secret that was split. A wrong passphrase is not noticed.
///
/// # Errors
/// There are too few shares, too many, the same one twice, of different sets, or they do not belong together.
pub fn combine(shares: &[&Share], passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, CombineError> {
    let header = shares.first().ok_or(CombineError::None)?.header();
    let groups = groups(shares)?;
    let need = usize::from(header.group_threshold);
    if groups.len() != need {
        return Err(CombineError::Groups { have: groups.len(), need });
    }
    let mut values = Vec::with_capacity(groups.len());
    for (group, members) in &groups {
        let need = members.first().map_or(0, |(_, share)| usize::from(share.header().member_threshold));
        match members.len() {
            have if have < need => return Err(CombineError::TooFew { have, need }),
            have if have > need => return Err(CombineError::TooMany { have, need }),
            _ => {}
        }
        let points = members.iter().map(|(_, share)| Point { at: share.header().member, values: share.value() });
        values.push((*group, recovered(points.collect())?));
    }
    let points = values.iter().map(|(at, values)| Point { at: *at, values });
    let hidden = recovered(points.collect())?;
    let settings = Settings {
        passphrase,
        iteration_exponent: header.iteration_exponent,
        identifier: (!header.is_extendable).then_some(header.identifier),
    };
    Ok(cipher::decrypted(&hidden, settings))
}

/// Shares by their groups, each with its number.
type Groups<'a> = BTreeMap<u8, Vec<(usize, &'a Share)>>;

/// The shares of each group; all of one set, and none twice.
fn groups<'a>(shares: &[&'a Share]) -> Result<Groups<'a>, CombineError> {
    // What all shares of a set have in common.
    let common = |header: Header| Header { group: 0, member: 0, member_threshold: 1, ..header };
    let mut first = None;
    let mut groups = Groups::new();
    for (number, share) in (1..).zip(shares.iter().copied()) {
        let header = share.header();
        let of_set = (common(header), share.value().len());
        if *first.get_or_insert(of_set) != of_set {
            return Err(CombineError::OtherSet(number));
        }
        let members = groups.entry(header.group).or_default();
        for (other_number, other) in members.iter() {
            if other.header().member_threshold != header.member_threshold {
                return Err(CombineError::OtherSet(number));
            }
            if other.header().member == header.member {
                return Err(CombineError::Twice(*other_number, number));
            }
        }
        members.push((number, share));
    }
    Ok(groups)
}

/// The secret behind exactly as many points as are needed.
fn recovered(points: Vec<Point<'_>>) -> Result<Zeroizing<Vec<u8>>, CombineError> {
    if let [only] = points.as_slice() {
        // Where one is enough there is no digest, and it is the secret.
        return Ok(Zeroizing::new(only.values.to_vec()));
    }
    let secret = interpolated(&points, SECRET_AT).ok_or(CombineError::Unrelated)?;
    let digest = interpolated(&points, DIGEST_AT).ok_or(CombineError::Unrelated)?;
    if digest::is_of(&digest, &secret) { Ok(secret) } else { Err(CombineError::Unrelated) }
}

/// Whether shares lie on the same polynomials as the first ones, of which there are as many as are needed; the answer
/// is the first that does not, by its place from 0.
pub(crate) fn odd_one(right: &[&Share], others: &[&Share]) -> Option<usize> {
    others.iter().position(|other| {
        let points = right.iter().map(|share| Point { at: share.header().member, values: share.value() });
        let expected = interpolated(&points.collect::<Vec<_>>(), other.header().member);
        !expected.is_some_and(|expected| expected.as_slice().ct_eq(other.value()).into())
    })
}
