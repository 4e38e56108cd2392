//! Randomness from a seed, and sets of shares made of it.

use breakglass_custody::quorum::Quorum;
use breakglass_custody::sealing_key::{SealingKey, SplitKey};
use breakglass_custody::slip39::Share;

/// Bytes that are as good as random, from a seed (splitmix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    pub(crate) fn fill(&mut self) -> impl FnMut(&mut [u8]) -> Result<(), ()> {
        |bytes: &mut [u8]| {
            for byte in bytes {
                *byte = self.next().to_be_bytes()[0];
            }
            Ok(())
        }
    }

    /// Puts things into another order.
    pub(crate) fn shuffle<T>(&mut self, things: &mut [T]) {
        for place in (1..things.len()).rev() {
            things.swap(place, self.below(place + 1));
        }
    }

    /// A quorum of a size that people use, or now and then of any.
    pub(crate) fn quorum(&mut self) -> Quorum {
        let usual = [(2, 3), (2, 4), (3, 5), (2, 5), (3, 4)];
        let (threshold, count) = if self.below(8) == 0 {
            let count = 3 + self.below(14);
            (2 + self.below(count - 2), count)
        } else {
            usual[self.below(usual.len())]
        };
        Quorum::new(u8::try_from(threshold).unwrap(), u8::try_from(count).unwrap()).unwrap()
    }

    /// A sealing key that is split.
    pub(crate) fn split_key(&mut self, quorum: Quorum) -> SplitKey {
        SealingKey::generate(self.fill()).unwrap().split(quorum, self.fill()).unwrap()
    }
}

/// The words of a share.
pub(crate) fn words(share: &Share) -> String {
    share.with_words(str::to_owned)
}

/// Shares with these words, numbered as they stand.
pub(crate) fn read(texts: &[String]) -> Vec<Share> {
    (1..).zip(texts).map(|(number, text)| Share::read(number, text).unwrap()).collect()
}
