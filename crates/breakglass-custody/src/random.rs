//! Randomness, as it is handed in: a function that fills a buffer.
//!
//! **Invariant:** nothing here has randomness of its own, so that a test can say which it is.

use zeroize::Zeroizing;

/// The source of randomness failed, or gives what is not random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no randomness to make a secret of: the system's source of it failed")]
pub struct NoRandomness;

/// A buffer full of randomness. Bytes that are all alike are refused, if there are at least 16: that is a source which
/// says that it filled the buffer and did not, for certain beyond 2^-120.
pub(crate) fn filled<E>(
    length: usize,
    fill: &mut impl FnMut(&mut [u8]) -> Result<(), E>,
) -> Result<Zeroizing<Vec<u8>>, NoRandomness> {
    let mut bytes = Zeroizing::new(vec![0; length]);
    fill(&mut bytes).map_err(|_| NoRandomness)?;
    let is_alike = bytes.windows(2).all(|pair| pair.first() == pair.last());
    if length >= 16 && is_alike { Err(NoRandomness) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_does_nothing_is_noticed() {
        assert!(filled(16, &mut |_: &mut [u8]| Ok::<(), ()>(())).is_err());
        assert!(filled(16, &mut |_: &mut [u8]| Err(())).is_err());
        let counted = |bytes: &mut [u8]| {
            bytes.iter_mut().zip(0..).for_each(|(byte, number)| *byte = number);
            Ok::<(), ()>(())
        };
        assert_eq!(filled(16, &mut { counted }).unwrap().last(), Some(&15));
        assert_eq!(filled(2, &mut |_: &mut [u8]| Ok::<(), ()>(())).unwrap().as_slice(), [0, 0]);
    }
}
