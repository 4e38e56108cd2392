//! The checksum of a share: a Reed-Solomon code over GF(1024), of three words.
//!
//! It notices any three wrong words for certain, and more with a chance of one in a thousand million to miss them.
//! **Invariant:** no table and no branch hangs on a word.
//! **Source:** SLIP-0039, "Checksum" and its reference code.

use std::hint::black_box;

/// Words of a checksum.
pub(super) const CHECKSUM_WORDS: usize = 3;

/// What one bit that is carried over adds.
const GENERATOR: [u32; 10] = [
    0x00e0_e040,
    0x01c1_c080,
    0x0383_8100,
    0x0707_0200,
    0x0e0e_0009,
    0x1c0c_2412,
    0x3808_6c24,
    0x3090_fc48,
    0x21b1_f890,
    0x03f3_f120,
];

/// What a share with the flag `extendable`, and one without it, are checked with.
const fn customization(is_extendable: bool) -> &'static [u8] {
    if is_extendable { b"shamir_extendable" } else { b"shamir" }
}

/// One word more, behind those that came to `state`.
fn step(state: u32, word: u16) -> u32 {
    let carried = state >> 20;
    let mut next = ((state & 0x000f_ffff) << 10) ^ u32::from(word);
    for (bit, add) in GENERATOR.iter().enumerate() {
        next ^= add & black_box(0_u32.wrapping_sub((carried >> bit) & 1));
    }
    next
}

fn state(is_extendable: bool, words: &[u16]) -> u32 {
    let customization = customization(is_extendable).iter().map(|byte| u16::from(*byte));
    customization.chain(words.iter().copied()).fold(1, step)
}

/// The words that belong behind these.
pub(super) fn checksum(is_extendable: bool, words: &[u16]) -> [u16; CHECKSUM_WORDS] {
    let sum = [0; CHECKSUM_WORDS].into_iter().fold(state(is_extendable, words), step) ^ 1;
    [20, 10, 0].map(|place| u16::try_from((sum >> place) & 0x3ff).unwrap_or_default())
}

/// Whether the last three words belong behind the others.
pub(super) fn holds(is_extendable: bool, words: &[u16]) -> bool {
    state(is_extendable, words) == 1
}

/// The one word that has to be another for the checksum to hold: its place, from 0, and the word. Two words that are
/// wrong are almost never one that could be (once in thirty thousand), but it stays a guess. The words are those of
/// somebody who mistyped, and how long this takes hangs on them.
pub(super) fn mended(is_extendable: bool, words: &[u16]) -> Option<(usize, u16)> {
    let wrong = state(is_extendable, words) ^ 1;
    // The code is linear: a difference in one word comes to the same whatever the others are.
    let mut differences: Vec<(u16, u32)> = (1..1024).map(|difference| (difference, u32::from(difference))).collect();
    for (place, word) in words.iter().enumerate().rev() {
        if let Some((difference, _)) = differences.iter().find(|(_, comes_to)| *comes_to == wrong) {
            return Some((place, word ^ difference));
        }
        for (_, comes_to) in &mut differences {
            *comes_to = step(*comes_to, 0);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(is_extendable: bool) -> Vec<u16> {
        let mut words: Vec<u16> = (0..30).map(|word| (word * 331 + 17) % 1024).collect();
        words.extend(checksum(is_extendable, &words));
        words
    }

    #[test]
    fn a_checksum_holds_for_its_own_kind_of_share_alone() {
        for is_extendable in [false, true] {
            assert!(holds(is_extendable, &share(is_extendable)));
            assert!(!holds(!is_extendable, &share(is_extendable)));
        }
    }

    #[test]
    fn every_single_wrong_word_is_noticed_and_found() {
        let right = share(true);
        for place in 0..right.len() {
            for difference in (1..1024).step_by(61) {
                let mut wrong = right.clone();
                wrong[place] ^= difference;
                assert!(!holds(true, &wrong));
                assert_eq!(mended(true, &wrong), Some((place, right[place])));
            }
        }
    }

    #[test]
    fn two_words_in_each_other_s_place_are_noticed_and_not_mended() {
        let mut wrong = share(true);
        for place in 0..wrong.len() - 1 {
            wrong.swap(place, place + 1);
            assert!(!holds(true, &wrong));
            assert_eq!(mended(true, &wrong), None);
            wrong.swap(place, place + 1);
        }
    }
}
