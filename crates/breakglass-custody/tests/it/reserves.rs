//! What is sealed to a set and a reserve opens with enough shares of either, and with no mixture of the two.

use breakglass_custody::document::{Document, Label};
use breakglass_custody::key_set::RecoverError;
use breakglass_custody::quorum::Quorum;
use breakglass_custody::sealed::{OpenError, SealError, SealTo, rehearse, seal};
use breakglass_custody::signed_set::SignedSet;
use breakglass_custody::slip39::{CombineError, Share};
use breakglass_testkit::{is_full, seed_for};

use crate::support::{Dice, World, members, signed_anew};

/// A document that is sealed to a reserve as well, of another number of shares.
struct Reserved {
    world: World,
    reserve: SignedSet,
    shares: Vec<Share>,
    document: Document,
}

fn reserved(dice: &mut Dice) -> Reserved {
    let (quorum, other) = (dice.quorum(), dice.quorum());
    let world = dice.world(quorum);
    let split = dice.split_key(other);
    let reserve = SignedSet::sign(&split.set, world.document.label().sealed_on, &world.operator).unwrap();
    let label = Label { reserve: Some(split.set), ..world.document.label().clone() };
    let to = SealTo { set: &world.signed, reserve: Some(&reserve) };
    let document = seal(&world.password, &label, to, &world.operator).unwrap();
    Reserved { world, reserve, shares: split.shares, document }
}

#[test]
fn either_set_opens_and_no_mixture_does_by_seed() {
    let mut dice = Dice::new(seed_for("either_set_opens_and_no_mixture_does_by_seed"));
    for _ in 0..if is_full() { 300 } else { 30 } {
        let Reserved { world, reserve, shares, document } = reserved(&mut dice);
        for (set, shares) in [(&world.set, &world.shares), (reserve.set(), &shares)] {
            let need = usize::from(set.quorum.threshold());
            let enough = &shares[..need];
            assert_eq!(document.label().set_of(enough), set);
            let key = set.recover(enough).unwrap();
            assert!(key.open(&document).unwrap().is_same(&world.password));
            assert_eq!(rehearse(enough, std::slice::from_ref(&document)).unwrap()[0].label(), document.label());
            let few = document.label().set_of(&shares[..need - 1]).recover(&shares[..need - 1]).err();
            assert!(matches!(few, Some(RecoverError::Combine(CombineError::TooFew { .. }))), "{few:?}");
        }
        let mixed = || [&world.shares[..1], &shares[..]].concat_texts();
        let refused = document.label().set_of(&mixed()).recover(&mixed()).err();
        assert!(matches!(refused, Some(RecoverError::OtherSet { share: 1, .. })), "{refused:?}");
        // The reserve opens nothing that was not sealed to it.
        let key = reserve.set().recover(&shares).unwrap();
        assert!(matches!(key.open(&world.document), Err(OpenError::OtherSet { .. })));
    }
}

/// Shares that are read again from their words, since a share is not copied.
trait Texts {
    fn concat_texts(&self) -> Vec<Share>;
}

impl Texts for [&[Share]; 2] {
    fn concat_texts(&self) -> Vec<Share> {
        let words: Vec<String> = self.iter().flat_map(|some| some.iter()).map(crate::support::words).collect();
        crate::support::read(&words)
    }
}

#[test]
fn a_reserve_is_one_that_the_operator_signed_and_another_set() {
    let mut dice = Dice::new(31);
    let Reserved { world, reserve, document, .. } = reserved(&mut dice);
    let seal = |label: &Label, to: SealTo<'_>| seal(&world.password, label, to, &world.operator);
    let (with, without) = (document.label().clone(), world.document.label().clone());
    let both = SealTo { set: &world.signed, reserve: Some(&reserve) };
    let refused = seal(&without, both).unwrap_err();
    assert!(matches!(&refused, SealError::OtherSet { label, .. } if label == "none"), "{refused}");
    assert!(matches!(seal(&with, SealTo::from(&world.signed)), Err(SealError::OtherSet { .. })));
    let stranger = dice.world(Quorum::new(2, 3).unwrap());
    let forged = SignedSet::sign(reserve.set(), with.sealed_on, &stranger.operator).unwrap();
    let to = SealTo { set: &world.signed, reserve: Some(&forged) };
    assert!(matches!(seal(&with, to), Err(SealError::OtherSigner { .. })));
    // A document that names one set twice cannot be read: nobody could tell whose shares are meant.
    let mut named_twice = members(document.text());
    let own = named_twice["set"].clone();
    named_twice.get_mut("reserve").unwrap()["set"] = own;
    let refused = Document::read(&signed_anew(named_twice, &world.operator)).unwrap_err();
    assert!(refused.to_string().contains("reserve"), "{refused}");
    // What somebody takes out or puts in is not as it was signed.
    let mut changed = members(document.text());
    changed.remove("reserve");
    assert!(Document::read(&serde_json::to_string(&changed).unwrap()).is_err());
}
