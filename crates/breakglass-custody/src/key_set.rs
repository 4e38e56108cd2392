//! What is public of a set of shares, and how a key is had back from them.
//!
//! **Invariant:** a key is recovered when its public key is the recipient of the set, and never otherwise. Neither the
//! digest of SLIP-0039 nor that something could be opened counts.

use std::fmt;

use zeroize::Zeroizing;

use crate::quorum::Quorum;
use crate::recipient::Recipient;
use crate::sealing_key::{SEALING_KEY_BYTES, identity};
use crate::slip39::{self, CombineError, Header, Share};

/// Largest iteration exponent of shares that are combined: about a second of work. Our own have 0, other programs'
/// mostly 1.
pub const ITERATION_EXPONENT_MAX: u8 = 6;

/// Most shares that are combined at once; a set has no more.
const SHARE_COUNT_MAX: usize = 16;

/// A text is no name of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a set of shares is named by the two words with which each of them begins, as `academic-acid`")]
pub struct SetIdError;

/// The name of a set of shares: the two words with which each of them begins, so that whoever holds a share can read it
/// off. They tell sets apart for people; two sets have one name once in 32,768 times, and are still two.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SetId(String);

impl SetId {
    /// Reads one: two words with a hyphen between them.
    ///
    /// # Errors
    /// They are not two words of the list of SLIP-0039.
    pub fn read(text: &str) -> Result<Self, SetIdError> {
        match text.split_once('-') {
            Some((first, second)) if slip39::index_of(first).is_some() && slip39::index_of(second).is_some() => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(SetIdError),
        }
    }

    /// The name of the set that a share is of. There always is one.
    pub(crate) fn of(header: Header) -> Option<Self> {
        let [first, second] = header.first_words();
        Some(Self(format!("{}-{}", slip39::offered(first)?, slip39::offered(second)?)))
    }
}

impl fmt::Display for SetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is public of a set of shares; it stands in each document that is sealed to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySet {
    /// Its name.
    pub id: SetId,
    /// How many shares there are, and how many open.
    pub quorum: Quorum,
    /// To whom is sealed.
    pub recipient: Recipient,
}

/// Why shares do not give the key of a set. Numbers are those of the order in which the shares were handed in, from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecoverError {
    /// A share is of another set.
    #[error(
        "share {share} is of the set `{found}`, and `{wanted}` is needed; look for the sheet that begins with those words"
    )]
    OtherSet {
        /// Which share.
        share: usize,
        /// The set that it is of.
        found: SetId,
        /// The set that is asked for.
        wanted: SetId,
    },
    /// A share says of itself what no share of the set does.
    #[error(
        "share {share} begins as one of the set `{set}`, and was not made with it: no share of it has this number or form"
    )]
    Alien {
        /// Which share.
        share: usize,
        /// The set.
        set: SetId,
    },
    /// A share takes too long to be combined.
    #[error(
        "share {share} was made to take longer than {ITERATION_EXPONENT_MAX} doublings of the work; combine it with another program"
    )]
    Work {
        /// Which share.
        share: usize,
    },
    /// They do not belong together, or are too few, or one is there twice.
    #[error(transparent)]
    Combine(#[from] CombineError),
    /// They belong together and give another key.
    #[error(
        "the shares belong together and give another key than that of the set `{0}`: they are of another set with the same \
         name, or forged; do not use what they open"
    )]
    OtherKey(SetId),
    /// There are more than are needed, the key is there, and one of them is not of it.
    #[error(
        "share {0} does not belong to the others, which do open: leave it out and say so to whoever looks after the shares"
    )]
    Odd(usize),
}

/// A key that was recovered from shares and proved to be the one of a set. It opens what was sealed to it, until it is
/// dropped and wiped; it is neither copied nor shown nor compared, and nothing seals to it.
pub struct OpenedKey {
    set: KeySet,
    identity: age::x25519::Identity,
}

impl KeySet {
    /// Recovers the key from at least as many shares as are needed. If there are more, all have to belong together.
    ///
    /// # Errors
    /// A share is of another set, or there twice; there are too few; or they do not give the key whose recipient is that
    /// of the set.
    pub fn recover(&self, shares: &[Share]) -> Result<OpenedKey, RecoverError> {
        for (number, share) in (1..).zip(shares) {
            self.look_at(number, share)?;
        }
        let shares: Vec<&Share> = shares.iter().collect();
        if let Some((first, second)) = twice(&shares) {
            return Err(CombineError::Twice(first, second).into());
        }
        let need = usize::from(self.quorum.threshold());
        if shares.len() < need {
            return Err(CombineError::TooFew { have: shares.len(), need }.into());
        }
        let (mut refusal, mut wrong) = (None, Vec::<Vec<&Share>>::new());
        for chosen in choices(shares.len(), need) {
            let pick = |is_in: bool| (0..).zip(&shares).filter(move |(place, _)| (chosen >> place & 1 == 1) == is_in);
            let some: Vec<&Share> = pick(true).map(|(_, share)| *share).collect();
            // Each combination takes work, and whoever forged all shares of a large set could have it done thousands of
            // times: what lies on the same polynomials gives the same wrong key again.
            if wrong.iter().any(|known| slip39::odd_one(known, &some).is_none()) {
                continue;
            }
            match slip39::combine(&some, b"") {
                Ok(secret) => match self.proved(&secret) {
                    Some(key) => {
                        let others: Vec<(u32, &Share)> = pick(false).map(|(place, share)| (place, *share)).collect();
                        let odd = slip39::odd_one(&some, &others.iter().map(|(_, share)| *share).collect::<Vec<_>>());
                        let odd = odd.and_then(|place| others.get(place));
                        return odd.map_or(Ok(key), |(place, _)| Err(RecoverError::Odd(*place as usize + 1)));
                    }
                    None => {
                        refusal = Some(RecoverError::OtherKey(self.id.clone()));
                        wrong.push(some);
                    }
                },
                Err(error) => refusal = refusal.or(Some(error.into())),
            }
        }
        Err(refusal.unwrap_or(RecoverError::Combine(CombineError::None)))
    }

    /// Shows that shares give the key of the set, and gives nothing out: the key is gone when this returns. It is for a
    /// set to which nothing is sealed yet; with documents, [`rehearse`](crate::sealed::rehearse) shows more.
    ///
    /// # Errors
    /// As [`Self::recover`].
    pub fn rehearse(&self, shares: &[Share]) -> Result<(), RecoverError> {
        self.recover(shares).map(drop)
    }

    /// Whether a share says that it is of this set, which proves nothing.
    #[must_use]
    pub fn is_of(&self, share: &Share) -> bool {
        SetId::of(share.header()).is_some_and(|found| found == self.id)
    }

    /// Whether a share can be one of the set at all, which is as much as one share alone shows. `number` is its number in
    /// errors.
    ///
    /// # Errors
    /// It is of another set, says of itself what no share of the set does, or takes too long to be combined.
    pub fn look_at(&self, number: usize, share: &Share) -> Result<(), RecoverError> {
        let header = share.header();
        let alien = RecoverError::Alien { share: number, set: self.id.clone() };
        let found = SetId::of(header).ok_or(alien.clone())?;
        if found != self.id {
            return Err(RecoverError::OtherSet { share: number, found, wanted: self.id.clone() });
        }
        if header.iteration_exponent > ITERATION_EXPONENT_MAX {
            return Err(RecoverError::Work { share: number });
        }
        let is_of_set = header.group_count == 1
            && header.group == 0
            && header.member_threshold == self.quorum.threshold()
            && header.member < self.quorum.count()
            && share.secret_bytes() == SEALING_KEY_BYTES;
        if is_of_set { Ok(()) } else { Err(alien) }
    }

    /// The key with a secret, if it is the one of the set.
    fn proved(&self, secret: &Zeroizing<Vec<u8>>) -> Option<OpenedKey> {
        let identity = identity(secret)?;
        let is_proved = Recipient::of_key(identity.to_public()) == self.recipient;
        is_proved.then(|| OpenedKey { set: self.clone(), identity })
    }
}

impl OpenedKey {
    /// The set whose key it is.
    #[must_use]
    pub const fn set(&self) -> &KeySet {
        &self.set
    }

    pub(crate) const fn identity(&self) -> &age::x25519::Identity {
        &self.identity
    }
}

/// The first two shares that have one number.
fn twice(shares: &[&Share]) -> Option<(usize, usize)> {
    (1..).zip(shares).find_map(|(number, share)| {
        let before = (1..number).zip(shares);
        let same = |other: &Share| other.header().member == share.header().member;
        before.into_iter().find(|(_, other)| same(other)).map(|(other, _)| (other, number))
    })
}

/// Every way to choose `need` of `have` things, as the bits of a number.
fn choices(have: usize, need: usize) -> impl Iterator<Item = u32> {
    let all = 1_u32 << have.min(SHARE_COUNT_MAX);
    (0..all).filter(move |chosen| chosen.count_ones() as usize == need)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_named_by_two_words_of_the_list() {
        assert_eq!(SetId::read("duckling-enlarge").unwrap().to_string(), "duckling-enlarge");
        for text in ["", "-", "duckling", "duckling-", "duckling enlarge", "duckling-enlarge-acid", "Duckling-enlarge"]
        {
            assert_eq!(SetId::read(text), Err(SetIdError), "{text}");
        }
    }

    #[test]
    fn every_choice_is_made_once() {
        assert_eq!(choices(4, 2).count(), 6);
        assert_eq!(choices(16, 8).count(), 12_870);
        assert_eq!(choices(3, 3).collect::<Vec<_>>(), [0b111]);
    }
}
