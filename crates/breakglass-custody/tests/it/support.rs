//! Randomness from a seed, and what is made of it: sets of shares, documents, and forgeries of both.

use std::collections::BTreeMap;

use breakglass_custody::document::{Account, CredentialKind, Document, EnvelopeId, Label};
use breakglass_custody::key_set::KeySet;
use breakglass_custody::password::{LENGTH_CHARS_USUAL, Password};
use breakglass_custody::quorum::Quorum;
use breakglass_custody::sealed::seal;
use breakglass_custody::sealing_key::{SealingKey, SplitKey};
use breakglass_custody::signed_set::SignedSet;
use breakglass_custody::signing::SigningKey;
use breakglass_custody::slip39::{Share, split};
use ed25519_dalek::Signer as _;
use serde_json::Value;

use crate::referee;

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

/// One password, sealed for one account to a set of shares.
pub(crate) struct World {
    pub(crate) set: KeySet,
    pub(crate) signed: SignedSet,
    pub(crate) shares: Vec<Share>,
    pub(crate) operator: SigningKey,
    pub(crate) password: Password,
    pub(crate) document: Document,
}

impl Dice {
    pub(crate) fn world(&mut self, quorum: Quorum) -> World {
        let SplitKey { set, shares } = self.split_key(quorum);
        let operator = SigningKey::generate(self.fill()).unwrap();
        let password = Password::generate(LENGTH_CHARS_USUAL, self.fill()).unwrap();
        let label = self.label(&set);
        let signed = SignedSet::sign(&set, label.sealed_on, &operator).unwrap();
        let document = seal(&password, &label, &signed, &operator).unwrap();
        World { set, signed, shares, operator, password, document }
    }

    pub(crate) fn label(&mut self, set: &KeySet) -> Label {
        Label {
            envelope: EnvelopeId::generate(self.fill()).unwrap(),
            set: set.clone(),
            reserve: None,
            account: Account {
                id: "11111111-2222-3333-4444-555555555555".to_owned(),
                user_principal_name: "emergency-1@contoso.onmicrosoft.com".to_owned(),
            },
            credential: CredentialKind::Password,
            version: 3,
            sealed_on: "2026-11-27T03:00:00Z".parse().unwrap(),
        }
    }
}

/// A document as a map, to be changed by tests.
pub(crate) type Members = BTreeMap<String, Value>;

/// The members of a document, or of anything else that is signed.
pub(crate) fn members(text: &str) -> Members {
    serde_json::from_str(text).unwrap()
}

/// Signs members anew, as whoever has the operator's key could; independent of how the product does it.
pub(crate) fn signed_anew(mut members: Members, operator: &SigningKey) -> String {
    members.remove("signature");
    let key = operator.with_seed(ed25519_dalek::SigningKey::from_bytes);
    let text = serde_json::to_string(&members).unwrap();
    let text = format!("{}\n{text}", members["format"].as_str().unwrap());
    let signature = key.sign(text.as_bytes()).to_bytes();
    let signature: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    members.insert("signature".to_owned(), Value::String(signature));
    serde_json::to_string(&members).unwrap()
}

/// Shares with a good checksum that somebody made of their own accord, with the name of the set.
pub(crate) fn forged(set: &KeySet, dice: &mut Dice, quorum: Quorum) -> Vec<Share> {
    let wanted = set.id.to_string().replace('-', " ");
    // The identifier of the new set is the first that is drawn: the two bytes that the wanted name stands for.
    let list = referee::list();
    let words = wanted.split(' ').map(|word| list.iter().position(|listed| *listed == word).unwrap());
    let identifier = u16::try_from(words.fold(0, |sum, word| sum * 1024 + word) >> 5).unwrap();
    let mut is_first = true;
    let mut secret = [0; 32];
    dice.fill()(&mut secret).unwrap();
    let mut rest = Dice::new(dice.next());
    let shares = split(&secret, quorum, |bytes: &mut [u8]| {
        if std::mem::take(&mut is_first) {
            bytes.copy_from_slice(&identifier.to_be_bytes());
            return Ok(());
        }
        rest.fill()(bytes)
    });
    let shares = shares.unwrap();
    assert!(shares[0].with_words(|words| words.starts_with(&wanted)));
    shares
}
