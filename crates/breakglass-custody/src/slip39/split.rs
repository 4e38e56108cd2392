//! Making a set of shares: one group, at least two of them needed, with an empty passphrase.
//!
//! **Invariant:** the shares that are drawn and the randomness beside the digest come from all bytes there are, zero
//! among them, so that fewer shares than are needed tell nothing of the secret.
//! **Source:** SLIP-0039, "Sharing a secret" and "Generating the shares".

use zeroize::Zeroizing;

use super::cipher::{self, Settings};
use super::digest::{DIGEST_AT, DIGEST_BYTES, SECRET_AT, with_digest};
use super::polynomial::{Point, interpolated};
use super::share::{Header, Share};
use crate::quorum::Quorum;
use crate::random::{NoRandomness, filled};

/// Bytes of the shortest secret that is split.
pub const SECRET_BYTES_MIN: usize = 16;

/// Bytes of the longest secret that is split.
pub const SECRET_BYTES_MAX: usize = 64;

/// Bits of an identifier that are used.
const IDENTIFIER_MASK: u16 = 0x7fff;

/// Why a secret is not split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// The secret has a length that no shares are made of.
    #[error(
        "a secret of {0} bytes cannot be split; it has from {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX}, an even number"
    )]
    Length(usize),
    /// There is no randomness.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

/// Splits a secret; `fill` puts randomness into a buffer. The set gets an identifier of its own, is extendable, and is
/// the least work to combine, since there is no passphrase that somebody could guess.
///
/// # Errors
/// The secret has no length that shares are made of, or `fill` fails.
pub fn split<E>(
    secret: &[u8],
    quorum: Quorum,
    mut fill: impl FnMut(&mut [u8]) -> Result<(), E>,
) -> Result<Vec<Share>, SplitError> {
    let length = secret.len();
    if !(SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&length) || !length.is_multiple_of(2) {
        return Err(SplitError::Length(length));
    }
    let drawn = filled(2, &mut fill)?;
    let identifier = drawn.iter().fold(0_u16, |sum, byte| (sum << 8) | u16::from(*byte)) & IDENTIFIER_MASK;
    let header = Header {
        identifier,
        is_extendable: true,
        iteration_exponent: 0,
        group: 0,
        group_threshold: 1,
        group_count: 1,
        member: 0,
        member_threshold: quorum.threshold(),
    };
    let settings = Settings { passphrase: b"", iteration_exponent: header.iteration_exponent, identifier: None };
    let hidden = cipher::encrypted(secret, settings);
    let values = shared(&hidden, quorum, &mut fill)?;
    Ok((0..).zip(values).map(|(member, value)| Share::new(Header { member, ..header }, value)).collect())
}

/// The values of the shares: all but two of those that are needed are drawn, the others follow from them, the digest and
/// the secret.
fn shared<E>(
    secret: &[u8],
    quorum: Quorum,
    fill: &mut impl FnMut(&mut [u8]) -> Result<(), E>,
) -> Result<Vec<Zeroizing<Vec<u8>>>, SplitError> {
    let impossible = SplitError::Length(secret.len());
    let mut values = Vec::with_capacity(usize::from(quorum.count()));
    for _ in 2..quorum.threshold() {
        values.push(filled(secret.len(), fill)?);
    }
    let random = filled(secret.len() - DIGEST_BYTES, fill)?;
    let digest = with_digest(&random, secret).ok_or(impossible)?;
    let ends = [Point { at: DIGEST_AT, values: &digest }, Point { at: SECRET_AT, values: secret }];
    let mut following = Vec::new();
    {
        let drawn = (0..).zip(&values).map(|(at, values)| Point { at, values });
        let points: Vec<Point<'_>> = drawn.chain(ends).collect();
        for at in quorum.threshold() - 2..quorum.count() {
            following.push(interpolated(&points, at).ok_or(impossible)?);
        }
    }
    values.append(&mut following);
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::super::combine;
    use super::*;

    /// Bytes that are as good as random, from a seed.
    fn stream(mut seed: u64) -> impl FnMut(&mut [u8]) -> Result<(), ()> {
        move |bytes: &mut [u8]| {
            for byte in bytes {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *byte = u8::try_from(seed >> 56).unwrap();
            }
            Ok(())
        }
    }

    #[test]
    fn as_many_as_are_needed_give_the_secret_back() {
        let secret: Vec<u8> = (1..=32).collect();
        for (threshold, count) in [(2, 3), (2, 16), (3, 5), (15, 16)] {
            let shares = split(&secret, Quorum::new(threshold, count).unwrap(), stream(9)).unwrap();
            assert_eq!(shares.len(), usize::from(count));
            let last: Vec<&Share> = shares.iter().rev().take(usize::from(threshold)).collect();
            assert_eq!(combine(&last, b"").unwrap().as_slice(), secret);
        }
    }

    #[test]
    fn lengths_and_sources_that_will_not_do_are_refused() {
        let quorum = Quorum::new(2, 3).unwrap();
        for length in [0, 14, 15, 17, 65, 66] {
            let refused = split(&vec![7; length], quorum, stream(1)).err().unwrap();
            assert_eq!(refused, SplitError::Length(length));
        }
        let zeros = |_: &mut [u8]| Ok::<(), ()>(());
        assert!(split(&[7; 16], quorum, |_: &mut [u8]| Err(())).is_err());
        assert!(split(&[7; 32], quorum, zeros).is_err());
    }
}
