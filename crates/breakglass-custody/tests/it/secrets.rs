//! What is secret has no copy, no text, no comparison and no serialisation: the compiler says so, for each type.

use breakglass_custody::key_set::OpenedKey;
use breakglass_custody::password::Password;
use breakglass_custody::quorum::Quorum;
use breakglass_custody::sealing_key::{SealingKey, SplitKey};
use breakglass_custody::secret::Secret;
use breakglass_custody::signing::SigningKey;
use breakglass_custody::slip39::{Mistyped, Share, ShareError};
use breakglass_testkit::seed_for;

use crate::referee;
use crate::support::{Dice, words};

/// Does not compile where the type has one of the traits: then it has two candidates for `Ambiguous<_>`.
macro_rules! lacks {
    ($type:ty: $($bound:path),+) => {
        const _: fn() = || {
            trait Ambiguous<Which> {
                fn item() {}
            }
            impl<T: ?Sized> Ambiguous<()> for T {}
            $({
                struct HasIt;
                impl<T: ?Sized + $bound> Ambiguous<HasIt> for T {}
            })+
            let _ = <$type as Ambiguous<_>>::item;
        };
    };
}

lacks!(Password: Clone, PartialEq, std::fmt::Display, serde::Serialize, AsRef<str>, std::ops::Deref);
lacks!(Secret: Clone, PartialEq, std::fmt::Display, serde::Serialize, AsRef<str>, std::ops::Deref);
lacks!(Share: Clone, PartialEq, std::fmt::Debug, std::fmt::Display, serde::Serialize);
lacks!(Mistyped: Clone, PartialEq, std::fmt::Display, serde::Serialize);
lacks!(ShareError: Clone, PartialEq, serde::Serialize);
lacks!(SealingKey: Clone, PartialEq, std::fmt::Debug, std::fmt::Display, serde::Serialize);
lacks!(SplitKey: Clone, PartialEq, std::fmt::Debug, std::fmt::Display, serde::Serialize);
lacks!(OpenedKey: Clone, PartialEq, std::fmt::Debug, std::fmt::Display, serde::Serialize);
lacks!(SigningKey: Clone, PartialEq, std::fmt::Debug, std::fmt::Display, serde::Serialize);

/// Every error of reading a share that was spoiled anyhow: none of its words is in it that the message has not anyway.
#[test]
fn no_word_of_a_share_is_in_an_error_by_seed() {
    let mut dice = Dice::new(seed_for("no_word_of_a_share_is_in_an_error_by_seed"));
    let shares = dice.split_key(Quorum::new(2, 3).unwrap()).shares;
    let list = referee::list();
    // Words of the list that messages have, in sentences of their own.
    let said: Vec<String> = ["share", "paper"].map(str::to_owned).to_vec();
    let mut count = 0;
    for number in 0..2_000 {
        let text = words(&shares[number % shares.len()]);
        let mut typed: Vec<String> = text.split(' ').map(str::to_owned).collect();
        let at = dice.below(typed.len());
        match dice.below(4) {
            0 => drop(typed.remove(at)),
            1 => typed[at] = list[dice.below(list.len())].to_owned(),
            2 => typed[at].push('x'),
            _ => typed.swap(0, at),
        }
        let Err(error) = Share::read(1, &typed.join(" ")) else { continue };
        let message = format!("{error} {error:?}").to_lowercase();
        let told = message.split(|letter: char| !letter.is_alphabetic());
        let told: Vec<&str> = told.filter(|word| list.contains(word) && !said.contains(&(*word).to_owned())).collect();
        assert!(told.iter().all(|word| !typed.iter().any(|other| other == word)), "{message}");
        count += 1;
    }
    println!("shares that were refused without a word of theirs: {count}");
    assert!(count > 1_000);
}
