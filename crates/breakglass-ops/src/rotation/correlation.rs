//! By which id the log of sign-ins has a proof of ours, so that a watcher tells it from everybody else's.
//!
//! It follows from what is written down before the sign-in: the candidate, whose name was drawn at random, and the place of the
//! entry. Nobody who has not read the record can choose the same one.

use breakglass_custody::name::Name;
use sha2::{Digest as _, Sha256};

/// What is hashed with it, so that the digest is of nothing else.
const DOMAIN: &[u8] = b"breakglass/proof\0";

/// The correlation id of the sign-in that [`super::record::Entry::Probing`] at a place of the record announces: a UUID of
/// version 8.
///
/// **Source:** RFC 9562, section 5.8.
#[must_use]
pub fn correlation_id(candidate: &Name, index: usize) -> String {
    let mut hasher = Sha256::new();
    hasher.update(DOMAIN);
    hasher.update(candidate.as_str());
    hasher.update((index as u64).to_be_bytes());
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = <[u8; 32]>::from(hasher.finalize());
    let (g, i) = (0x80 | g & 0x0f, 0x80 | i & 0x3f);
    let first = u32::from_be_bytes([a, b, c, d]);
    let [second, third, fourth] = [[e, f], [g, h], [i, j]].map(u16::from_be_bytes);
    let last = u64::from_be_bytes([0, 0, k, l, m, n, o, p]);
    format!("{first:08x}-{second:04x}-{third:04x}-{fourth:04x}-{last:012x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sign_in_has_an_id_of_its_own_in_the_form_of_a_uuid() {
        let name = |text: &str| Name::read(text).unwrap();
        let ids = [(name("one"), 1), (name("one"), 2), (name("two"), 1)].map(|(name, at)| correlation_id(&name, at));
        assert!(ids[0] != ids[1] && ids[0] != ids[2] && ids[1] != ids[2], "{ids:?}");
        for id in &ids {
            assert_eq!(id.len(), 36);
            assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{id}");
            assert_eq!(id.as_bytes()[14], b'8', "{id}");
            assert!(b"89ab".contains(&id.as_bytes()[19]), "{id}");
        }
        assert_eq!(ids[0], correlation_id(&name("one"), 1));
    }
}
